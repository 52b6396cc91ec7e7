//! `--from`: a hub is read instead of GitLab, as strictly, and what it says is believed no more than what GitLab says.

use super::cost::scenario;
use super::serve::Served;
use super::trouble::pipelines_of;
use super::watch::TWO;
use crate::support::canned::{Canned, JSON};
use crate::support::running::{DEADLINE, Running};
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::spawn;
use std::time::{Duration, Instant};

const TOKEN: &str = "glpat-must-not-go-to-a-hub";

fn world(world: WorldKind) -> Sim {
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

pub(super) fn url(served: &Served) -> String {
    format!("http://{}", served.address)
}

/// Reads a hub.
pub(super) fn from(hub: &str, more: &[&str]) -> Output {
    Env::new().run(&[&["--from", hub, "-o", "json", "--retry-wait", "1ms"], more].concat())
}

/// Takes away what is documented to differ: when it was written, what it cost, and how long a request took that failed.
pub(super) fn comparable(mut document: Value) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(forget),
            Value::Object(fields) => {
                for field in ["generated_at", "as_of", "requests", "elapsed_ms", "request_id"] {
                    fields.remove(field);
                }
                if let Some(Value::String(message)) = fields.get_mut("message") {
                    let end = message.find(" (after ").or(message.find(" [")).unwrap_or(message.len());
                    message.truncate(end);
                }
                fields.values_mut().for_each(forget);
            }
            _ => {}
        }
    }
    forget(&mut document);
    document
}

/// A world, and what goes wrong in it.
type GateCase = (&'static str, fn() -> Sim, fn(&Sim) -> Vec<Fault>);

fn gate_cases() -> Vec<GateCase> {
    let parent = || scenario("parent = [[\"trigger\", \"go | child single\"]]", PARENT);
    let uniform = || world(WorldKind::Uniform { projects: 3, stages: 2, jobs: 2 });
    let demo = || world(WorldKind::Demo);
    vec![
        ("green", uniform, |_| vec![]),
        ("a group of every kind", demo, |_| vec![]),
        ("failures of every kind", || world(WorldKind::Failures), |_| vec![]),
        ("a child", parent, |_| vec![]),
        ("a child that cannot be read", parent, |sim| {
            vec![Fault::on(&format!("/pipelines/{}", child(sim))).status(500)]
        }),
        ("jobs that cannot be read", demo, |_| vec![Fault::on("*/pipelines/*/jobs*").status(500)]),
        ("jobs that are refused", demo, |_| {
            vec![Fault::on("*/pipelines/*/jobs*").answer(403, "application/json", FORBIDDEN)]
        }),
        ("a project that cannot be read", demo, |sim| vec![Fault::on(&shop(sim)).status(500)]),
        ("a project that is hidden", demo, |sim| {
            vec![Fault::on(&shop(sim)).answer(403, "application/json", FORBIDDEN)]
        }),
        ("a project behind a proxy's page", demo, |sim| vec![Fault::on(&shop(sim)).html()]),
        ("a word that is not known", uniform, |_| vec![Fault::on("/pipelines/").with_field("status", "quarantined")]),
        ("nulls", demo, |_| {
            vec![Fault::on("/pipelines/").with_nulls(&["sha", "user", "web_url", "duration", "coverage"])]
        }),
        (
            "a page of the list is lost",
            || world(WorldKind::Uniform { projects: 150, stages: 1, jobs: 1 }),
            |_| vec![Fault::on("page=2").status(500)],
        ),
    ]
}

const PARENT: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"parent\", age = \"3h\" }]";
const FORBIDDEN: &str = r#"{"message":"403 Forbidden"}"#;

/// The pipeline that the parent has triggered.
fn child(sim: &Sim) -> Value {
    let read = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]);
    read.json()["projects"][0]["pipelines"][0]["downstream"][0]["id"].clone()
}

/// The list of one project's pipelines.
fn shop(sim: &Sim) -> String {
    format!("{}?", pipelines_of(sim, "acme/web/shop"))
}

#[test]
fn a_gate_over_a_hub_is_as_strict_as_one_over_gitlab() {
    for (sentence, world, faults) in gate_cases() {
        let sim = world();
        faults(&sim).into_iter().for_each(|fault| sim.add_fault(fault));
        let env = Env::new();
        let served = Served::start(&env, &sim, &["--interval", "1h", "--retry-wait", "1ms", "--no-history"]);
        served.wait(|served| served.get("/api/v1/snapshot").status == 200);
        for gate in
            [&["--fail-on", "failed"][..], &["--fail-on", "warning,error,no_access,canceled"], &["--allow-partial"]]
        {
            let direct = ["--host", sim.url(), "--group-id", "12345", "-o", "json", "--no-history", "--no-cache"];
            let direct = Env::new().run(&[&direct[..], gate].concat());
            let hub = from(&url(&served), gate);
            assert_eq!(hub.code, direct.code, "{sentence} {gate:?}\n{hub}\n{direct}");
            assert_eq!(comparable(hub.json()), comparable(direct.json()), "{sentence} {gate:?}");
        }
    }
}

#[test]
fn a_hub_that_cannot_read_gitlab_is_no_green_gate() {
    let sim = scenario("", TWO);
    sim.add_fault(Fault::on("").status(502));
    let env = Env::new();
    let served = Served::start(&env, &sim, &["--interval", "100ms", "--retry-wait", "1ms"]);
    served.wait(|served| served.get("/health/ready").body.contains("nothing has been read yet"));
    let _ = from(&url(&served), &[]).refuses(3, &["the hub http://127.0.0.1:", "nothing has been read yet"]);
    sim.clear_faults();
    served.wait(|served| served.get("/health/ready").status == 200);
    let _ = from(&url(&served), &[]).exits_with(0);
    sim.add_fault(Fault::on("").status(502));
    served.wait(|served| served.get("/health/ready").body.contains("no project is fresh"));
    let old = from(&url(&served), &["--fail-on", "failed"]).exits_with(3);
    let document = old.json();
    assert_eq!(
        (document["complete"].as_bool(), document["projects"][0]["state"].as_str()),
        (Some(false), Some("stale"))
    );
}

/// A snapshot of a hub, all green.
pub(super) fn green() -> Value {
    let sim = world(WorldKind::Uniform { projects: 1, stages: 1, jobs: 1 });
    let env = Env::new();
    Served::ready(&env, &sim, &[]).get("/api/v1/snapshot").json()
}

/// The headers of a hub's answer.
pub(super) fn headers(age: &str) -> String {
    format!("{JSON}etag: W/\"1\"\r\nage: {age}\r\nglwatch-fresh-for: 70\r\n")
}

/// A sentence, what the hub answers, the exit code and words on standard error.
type LyingCase = (&'static str, (u16, String, String), i32, &'static str);

#[test]
fn a_hub_that_lies_is_treated_like_a_hostile_gitlab() {
    let green = green();
    let with = |pointer: &str, value: Value| {
        let mut document = green.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string()
    };
    let page = "<html><title>Sign in</title></html>".to_owned();
    let html = "content-type: text/html; charset=utf-8\r\n".to_owned();
    let elsewhere = "location: http://127.0.0.2:1/steal?secret=1\r\n".to_owned();
    let fresh = || headers("1");
    let cases: Vec<LyingCase> = vec![
        ("an honest one", (200, fresh(), green.to_string()), 0, ""),
        ("no age", (200, JSON.to_owned(), green.to_string()), 3, "does not tell how old its data is"),
        ("an age that is no number", (200, headers("young"), green.to_string()), 3, "does not tell how old"),
        ("old data", (200, headers("600"), green.to_string()), 3, "10m ago"),
        ("no age that can be", (200, headers("99999999999999999"), green.to_string()), 3, "does not tell how old"),
        ("a page", (200, html.clone(), page.clone()), 3, "HTML page"),
        ("a page with a hub's header", (200, fresh(), page.clone()), 3, "not JSON"),
        ("a page that refuses", (403, html, page), 3, "HTML page"),
        (
            "a redirect to another host",
            (302, elsewhere, String::new()),
            3,
            "redirects to http://127.0.0.2:1/steal, and",
        ),
        ("a token is wanted", (401, JSON.to_owned(), "no".to_owned()), 3, "asks for a token, and none is given"),
        ("nothing there", (404, JSON.to_owned(), "{}".to_owned()), 3, "answered 404"),
        ("nothing new that was never read", (304, fresh(), String::new()), 3, "redirects to nowhere"),
        (
            "another schema",
            (200, fresh(), with("/schema", json!("glwatch.status/2"))),
            3,
            "speaks \"glwatch.status/2\"",
        ),
        ("something else", (200, fresh(), "{\"a\":1}".to_owned()), 3, "not what a hub of glwatch sends"),
        (
            "a status that is missing",
            (200, fresh(), with("/projects/0/pipelines/0/status", Value::Null)),
            3,
            "pipelines[0].status",
        ),
        (
            "better than its parts",
            (200, fresh(), with("/projects/0/pipelines/0/status", json!("failed"))),
            3,
            "contradicts itself",
        ),
        ("more than it says", (200, fresh(), with("/summary/projects", json!(7))), 3, "contradicts itself"),
        (
            "a status that is not known",
            (200, fresh(), with("/projects/0/pipelines/0/stages/0/status", json!("odd"))),
            0,
            "",
        ),
        (
            "hostile text",
            (200, fresh(), with("/projects/0/pipelines/0/commit_title", json!("\u{1B}]0;x\u{7}\u{202E}"))),
            0,
            "",
        ),
        ("a hostile refusal", (500, JSON.to_owned(), json!({ "error": "\u{1B}[2J" }).to_string()), 3, "answered 500"),
    ];
    for (sentence, answer, code, words) in cases {
        let hub = Canned::with_headers(move |_| answer.clone());
        let env = Env::new().with("GITLAB_TOKEN", TOKEN);
        let output = env.run(&["--from", hub.url(), "--retry-wait", "1ms", "-o", "wide"]);
        assert_eq!(output.code, Some(code), "{sentence}: {output}");
        assert!(output.stderr.contains(words), "{sentence}: {output}");
        assert!(
            !output.stderr.contains(['\u{1B}', '\u{7}']) && !output.stdout.contains(['\u{1B}', '\u{7}']),
            "{sentence}"
        );
        assert!(hub.heads().iter().all(|head| !head.contains("glpat")), "{sentence}: GitLab's token went to a hub");
        assert!(!output.stderr.contains("secret=1"), "{sentence}: {output}");
    }
}

/// A server that writes something for each connection.
fn raw(write: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = [0; 4096];
            // What hangs up has had enough.
            let _ = client.read(&mut head).and_then(|_| write(&mut client));
        }
    });
    url
}

#[test]
fn a_hub_that_never_ends_or_drips_is_given_up() {
    let endless = raw(|client| {
        client.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nage: 1\r\n\r\n[")?;
        loop {
            client.write_all(&[b' '; 1 << 16])?;
        }
    });
    let _ = from(&endless, &[]).refuses(3, &["larger than 64 MiB"]);
    let silent = raw(|client| {
        client
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nage: 1\r\ncontent-length: 9\r\n\r\n{")?;
        client.read(&mut [0; 64]).map(drop)
    });
    let _ = from(&silent, &["--timeout", "100ms"]).refuses(3, &["no answer within 100ms"]);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _ = from(&format!("http://{gone}"), &[]).refuses(3, &["connection was refused"]);
}

#[test]
fn a_hub_gets_its_own_token_and_no_other() {
    let sim = scenario("", TWO);
    let env = Env::new().with("GLWATCH_SERVE_ACCESS_TOKEN", "s3cret-look");
    let served = Served::ready(&env, &sim, &[]);
    let hub = url(&served);
    let run = |name: &str, value: &str| Env::new().with(name, value).run(&["--from", &hub]);
    let _ = run("GITLAB_TOKEN", "s3cret-look").refuses(3, &["the hub asks for a token, and none is given"]);
    let wrong = run("GLWATCH_FROM_TOKEN", "wr0ng-look").refuses(3, &["the hub refuses the token", "access_token"]);
    assert!(!wrong.stderr.contains("wr0ng-look"), "{wrong}");
    let _ = run("GLWATCH_FROM_TOKEN", "s3cret-look").exits_with(0);
    // A file's token is for the hub that the file names.
    let file = |address: &str| {
        let env = Env::new();
        let path = env.home().join("mine.toml");
        std::fs::write(&path, format!("from = '{address}'\nfrom_token = 's3cret-look'\n")).unwrap();
        env.run(&["--config", path.to_str().unwrap(), "--from", &hub])
    };
    let _ = file(&hub).exits_with(0);
    let _ = file("http://other.example.com").refuses(3, &["asks for a token, and none is given"]);
}

#[test]
fn what_makes_no_sense_with_a_hub_is_said() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &[]);
    let hub = url(&served);
    let cases: [(&str, &[&str], &str); 10] = [
        ("another group", &["--group-id", "777"], "the hub does not show group 777"),
        ("another group by path", &["--group-id", "other/group"], "the hub does not show group other/group"),
        ("a ref", &["--ref", "main"], "--ref: cannot be chosen with --from"),
        ("archived ones", &["--archived"], "--archived: cannot be chosen with --from"),
        ("an API", &["--api", "rest"], "--api: is for reading GitLab"),
        ("a rate", &["--rps", "5"], "--rps: is for reading GitLab"),
        ("a token", &["--token", "x"], "--token: is for reading GitLab"),
        ("another GitLab", &["--host", "https://gitlab.example.com"], "--from: reads http://127.0.0.1"),
        ("a filter that leaves nothing", &["--include", "nothing"], "the filters leave no project"),
        ("no scheme", &["--from", "127.0.0.1:9252"], "is no address of a hub"),
    ];
    for (sentence, more, words) in cases {
        let output = env.run(&[&["--from", &hub], more].concat());
        assert_eq!(output.code, Some(2), "{sentence}: {output}");
        assert!(output.stderr.contains(words) && output.stdout.is_empty(), "{sentence}: {output}");
        assert!(!output.stderr.contains("secret"), "{sentence}");
    }
    let fitting: [(&str, &[&str], usize); 4] = [
        ("the hub's group by number", &["--group-id", "12345"], 2),
        ("by path", &["--group-id", "acme"], 2),
        ("a filter", &["--exclude", "web"], 1),
        ("the hub's GitLab", &["--host", sim.url()], 2),
    ];
    for (sentence, more, count) in fitting {
        let output = from(&hub, more).exits_with(0);
        assert_eq!(output.json()["projects"].as_array().unwrap().len(), count, "{sentence}");
    }
    let _ = env.run(&["--demo", "--from", &hub]).refuses(2, &["--demo shows a simulated group"]);
}

fn watch(hub: &str, more: &[&str]) -> Running {
    Env::new().start(&[&["--from", hub, "--watch", "-o", "ndjson", "--retry-wait", "1ms"], more].concat())
}

fn event(running: &mut Running, is_meant: impl Fn(&Value) -> bool) -> Value {
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    parse(&running.line_with(|line| is_meant(&parse(line))))
}

#[test]
fn many_who_watch_a_hub_hear_every_change_at_once() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "100ms"]);
    let hub = url(&served);
    // An hour: what comes before has come by an event.
    let mut watching: Vec<Running> = (0..4).map(|_| watch(&hub, &["--interval", "1h"])).collect();
    for running in &mut watching {
        let first = event(running, |event| event["event"] == "snapshot");
        assert_eq!(first["projects"].as_array().unwrap().len(), 2);
    }
    sim.clock().advance(Duration::from_secs(300));
    for running in &mut watching {
        let ended = event(running, |event| event["event"] == "pipeline" && event["project"] == "acme/api");
        assert_eq!((ended["from"].as_str(), ended["to"].as_str()), (Some("running"), Some("success")));
    }
}

#[test]
fn those_who_look_at_a_hub_cost_gitlab_nothing() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "1h"]);
    served.wait(|served| served.metric("gcpe_executed_tasks_count") == Some(2.0));
    let hub = url(&served);
    sim.clear_requests();
    let mut watching: Vec<Running> = (0..4).map(|_| watch(&hub, &["--interval", "50ms"])).collect();
    for running in &mut watching {
        let _ = event(running, |event| event["event"] == "snapshot");
    }
    for output in ["table", "json", "csv", "markdown", "junit", "openmetrics"] {
        let _ = Env::new().run(&["--from", &hub, "-o", output, "--fail-on", "failed"]).exits_with(0);
    }
    assert!(watching.iter_mut().all(Running::is_running));
    assert_eq!(sim.requests().len(), 0, "{:?}", sim.requests());
}

#[test]
fn a_hub_that_ends_makes_everything_old_and_one_that_comes_back_makes_it_young() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "100ms"]);
    let address = served.address.clone();
    let mut watching = watch(&url(&served), &["--interval", "100ms"]);
    let _ = event(&mut watching, |event| event["event"] == "snapshot");
    served.running.signal("-TERM");
    let _ = served.running.end();
    let old = event(&mut watching, |event| event["event"] == "project" && event["project"] == "acme/web");
    assert_eq!((old["from"].as_str(), old["to"].as_str()), (Some("ok"), Some("stale")), "{old}");
    assert!(old["message"].as_str().unwrap().contains("refused"), "{old}");
    let again = ["serve", "--host", sim.url(), "--group-id", "12345", "--listen", &address, "--rps", "1000"];
    let _again = env.start(&again);
    let young = event(&mut watching, |event| event["event"] == "project" && event["project"] == "acme/web");
    assert_eq!((young["from"].as_str(), young["to"].as_str()), (Some("stale"), Some("ok")), "{young}");
}

#[test]
fn a_wait_over_a_hub_ends_when_nothing_runs() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "100ms"]);
    let hub = url(&served);
    let late = from(&hub, &["--wait", "--deadline", "0s"]).exits_with(5).says(&["acme/api is still active"]);
    assert_eq!(late.json()["projects"].as_array().unwrap().len(), 2);
    let waiting =
        ["--from", &hub, "--wait", "--interval", "100ms", "-o", "json", "--fail-on", "failed", "--deadline", "25s"];
    let mut waiting = Env::new().start(&waiting);
    assert!(waiting.is_running());
    sim.clock().advance(Duration::from_secs(300));
    let (lines, said, code) = waiting.end();
    assert_eq!(code, Some(0), "{said}");
    let document: Value = serde_json::from_str(&lines.join("\n")).unwrap();
    assert_eq!(document["complete"], json!(true));
}

/// What the memory of each process adds, and what is documented to differ.
fn explained(output: &Output) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(forget),
            Value::Object(fields) => {
                fields.remove("attribution");
                fields.remove("evidence");
                fields.values_mut().for_each(forget);
            }
            _ => {}
        }
    }
    let mut document = comparable(output.json());
    forget(&mut document);
    document
}

#[test]
fn an_explanation_over_a_hub_is_that_over_gitlab() {
    let sim = world(WorldKind::Failures);
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let served = Served::ready(&env, &sim, &["--interval", "1h"]);
    let hub = url(&served);
    let direct = |more: &[&str]| {
        let fixed = ["explain", "--host", sim.url(), "--group-id", "12345", "--no-history", "--no-cache"];
        Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).run(&[&fixed[..], more].concat())
    };
    let from = |more: &[&str]| Env::new().run(&[&["explain", "--from", &hub], more].concat());
    for project in ["unit", "lint", "yaml", "stuck", "child", "deploy-chain", "blocked", "flaky", "allowed"] {
        for form in ["text", "markdown"] {
            let (one, other) = (from(&[project, "-o", form]), direct(&[project, "-o", form]));
            assert_eq!((&one.stdout, one.code), (&other.stdout, other.code), "{project} {form}\n{one}\n{other}");
        }
        let (one, other) = (from(&[project, "-o", "json"]), direct(&[project, "-o", "json"]));
        assert_eq!((explained(&one), one.code), (explained(&other), other.code), "{project}");
    }
    let all = from(&["--all-failed", "-o", "json"]).json();
    let failed = direct(&["--all-failed", "-o", "json"]).json();
    let names = |document: &Value| -> Vec<Value> {
        document["pipelines"].as_array().unwrap().iter().map(|one| one["project"].clone()).collect()
    };
    assert_eq!(names(&all), names(&failed));
    let _ = from(&["nothing"]).refuses(2, &["the hub shows no project \"nothing\""]);
    let _ = from(&["unit", "--full-log"]).refuses(2, &["a hub sends the lines that tell, and no logs"]);
    let hostile = from(&["hostile"]);
    assert!(!hostile.stdout.contains(['\u{1B}', '\u{9B}', '\u{202E}']), "{hostile}");
}

#[test]
fn what_a_lying_hub_explains_is_text() {
    let green = green();
    let path = green["projects"][0]["full_path"].as_str().unwrap().to_owned();
    let pipeline = green["projects"][0]["pipelines"][0].clone();
    let cause = json!({
        "kind": "script", "sentence": "x</b><img src=x> @all \u{1B}[2J", "next": "<script>", "through": [], "job": null,
        "tests": null, "log": null, "attribution": null, "evidence": null,
    });
    let explained = json!({
        "schema": "glwatch.explain/1", "host": green["host"], "generated_at": green["generated_at"], "complete": true,
        "problems": [], "requests": green["requests"], "shared_causes": [],
        "pipelines": [{
            "project": path, "headline": "<h1>\u{202E}", "causes": [cause], "allowed": [], "flaky": [],
            "coverage_change": null, "previous": null, "unread": [], "pipeline": pipeline,
        }],
    });
    let hub = Canned::with_headers(move |path| {
        let body = if path.contains("explain") { explained.to_string() } else { green.to_string() };
        (200, headers("1"), body)
    });
    for form in ["text", "markdown", "json"] {
        let output = Env::new().run(&["explain", "--from", hub.url(), &path, "-o", form]).exits_with(0);
        assert!(!output.stdout.contains(['\u{1B}', '\u{202E}']), "{form}: {output}");
        assert!(
            form != "markdown" || !output.stdout.contains("<img") && !output.stdout.contains("<script"),
            "{output}"
        );
    }
}

#[test]
fn the_live_view_over_a_hub_explains_and_says_what_only_gitlab_has_and_when_the_hub_is_gone() {
    let sim = world(WorldKind::Demo);
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let served = Served::ready(&env, &sim, &["--interval", "200ms"]);
    let hub = url(&served);
    let own = Env::new();
    let mut view = own.open(&["--from", &hub, "--watch", "--interval", "200ms", "--retry-wait", "1ms"], 120, 40);
    view.wait_until(|contents| contents.contains("40 projects  ") && contents.contains(" ago"));
    let steps = [
        ("/invoices\r\tR", "a hub, which lends none"),
        ("\r", "overview > project"),
        ("\r", "> #"),
        ("\r", "of 60 tests"),
        ("q", "> #"),
        ("q", "default main"),
        ("q", "1 of 40 projects"),
    ];
    for (keys, shown) in steps {
        view.send(keys);
        view.wait_until(|contents| contents.contains(shown));
    }
    served.running.signal("-TERM");
    let _ = served.running.end();
    view.wait_until(|contents| contents.contains("refused") && contents.contains(" old"));
    view.send("Q");
    assert_eq!(view.end(), 0);
    assert!(!own.home().join(".local/state/glwatch").join("history").exists());
}

/// Waits until a server was asked like this.
#[track_caller]
fn wait_for(hub: &Canned, is_meant: impl Fn(&str) -> bool) {
    let until = Instant::now() + DEADLINE;
    while !hub.heads().iter().any(|head| is_meant(&head.to_lowercase())) {
        assert!(Instant::now() < until, "not asked: {:#?}", hub.heads());
    }
}

#[test]
fn events_go_on_where_they_ended_and_what_is_known_is_not_sent_again() {
    let green = green().to_string();
    let hub = Canned::with_headers(move |path| match path.contains("events") {
        true => (200, "content-type: text/event-stream\r\n".into(), "id: 7-3\nevent: change\ndata: {}\n\n".into()),
        false => (200, headers("1"), green.clone()),
    });
    let mut watching = watch(hub.url(), &["--interval", "1h"]);
    let _ = event(&mut watching, |event| event["event"] == "snapshot");
    wait_for(&hub, |head| head.contains("/events") && head.contains("last-event-id: 7-3"));
    wait_for(&hub, |head| head.contains("/snapshot") && head.contains("if-none-match: w/\"1\""));
    let first = hub.heads().into_iter().find(|head| head.contains("/events")).unwrap();
    assert!(!first.to_lowercase().contains("last-event-id"), "{first}");
}

#[test]
fn a_hub_that_begins_to_lie_makes_everything_old() {
    let green = green();
    let path = green["projects"][0]["full_path"].as_str().unwrap().to_owned();
    let answers = [
        ("a page", (200, "content-type: text/html\r\n".to_owned(), "<html>".to_owned()), "HTML page"),
        ("another schema", (200, headers("1"), "{\"schema\":\"glwatch.status/9\"}".to_owned()), "glwatch.status/9"),
        ("a token is wanted", (401, JSON.to_owned(), String::new()), "asks for a token"),
        ("data that is too old", (200, headers("500"), green.to_string()), "8m ago"),
    ];
    for (sentence, later, words) in answers {
        let (asked, green) = (AtomicUsize::new(0), green.to_string());
        let hub = Canned::with_headers(move |path| match path.contains("events") {
            true => (404, JSON.into(), "{}".into()),
            false if asked.fetch_add(1, Ordering::SeqCst) == 0 => (200, headers("1"), green.clone()),
            false => later.clone(),
        });
        let mut watching = watch(hub.url(), &["--interval", "50ms"]);
        let first = event(&mut watching, |event| event["event"] == "snapshot");
        assert_eq!(first["complete"], json!(true), "{sentence}");
        let old = event(&mut watching, |event| event["event"] == "project" && event["project"] == path.as_str());
        assert_eq!((old["from"].as_str(), old["to"].as_str()), (Some("ok"), Some("stale")), "{sentence}: {old}");
        assert!(old["message"].as_str().unwrap().contains(words), "{sentence}: {old}");
    }
}
