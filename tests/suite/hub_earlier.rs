//! What a hub remembers of a project: its earlier runs and flaky jobs, asked for by a screen that needs them, from the
//! memory of the hub alone.

use super::hub::{green, headers, url};
use super::serve::Served;
use crate::support::Env;
use crate::support::canned::{Canned, JSON};
use crate::support::running::DEADLINE;
use crate::support::terminal::Terminal;
use glwatch_sim::{Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TOKEN: &str = "glpat-must-not-go-to-a-hub";
/// Lines that are documented to differ: the end of what a memory knows is not that of GitLab's list, and each reading costs
/// what it costs.
const DIFFERS: [&str; 4] =
    ["there are no older ones", "the hub remembers no older ones", "the last reading:", "requests are left"];

/// A month behind each project, more than one answer has.
fn month() -> Sim {
    let world = WorldKind::History { projects: 6, days: 30, pipelines: 130, merge_requests: 9, deployments: 8 };
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

/// An environment that remembers the month.
fn remembering(sim: &Sim) -> Env {
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_API", "graphql");
    let fill = ["history", "fill", "--host", sim.url(), "-g", "12345", "--since", "40d", "--rps", "1000"];
    let _ = env.run(&fill).exits_with(0);
    env
}

/// Starts a hub whose memory is that of the environment, and that reads nothing more for an hour.
fn hub(env: &Env, sim: &Sim) -> Served {
    let served = Served::ready(env, sim, &["--interval", "1h"]);
    served.wait(|served| served.get("/api/v1/snapshot").json()["projects"][0]["pipelines"][0]["usual_s"].is_u64());
    served.wait(|served| served.metric("gcpe_executed_tasks_count") == Some(6.0));
    served
}

/// Returns the project of the snapshot that is red, or else the first one.
fn red(served: &Served) -> Value {
    let document = served.get("/api/v1/snapshot").json();
    let projects = document["projects"].as_array().unwrap();
    let is_red = |project: &&Value| project["pipelines"][0]["status"] == "failed";
    projects.iter().find(is_red).expect("the world has a red project").clone()
}

fn past(served: &Served, project: &Value, query: &str) -> Value {
    served.get(&format!("/api/v1/past/{}{query}", project["full_path"].as_str().unwrap())).json()
}

/// The lines of a screen without the head, without what is documented to differ, and without a log, which is GitLab's.
fn lines(view: &Terminal) -> Vec<String> {
    let all = view.contents();
    let lines = all.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
    let before_log = lines.take_while(|line| !line.starts_with("log, "));
    let is_same = |line: &&str| !DIFFERS.iter().any(|differs| line.contains(differs));
    before_log.filter(is_same).map(str::to_owned).collect()
}

/// Waits until both show the same.
#[track_caller]
fn agree(sentence: &str, marker: &str, [direct, over_hub]: [&mut Terminal; 2]) {
    let until = Instant::now() + DEADLINE;
    while !direct.contents().contains(marker) || lines(direct) != lines(over_hub) {
        assert!(
            Instant::now() < until,
            "{sentence}:\n{}\n---- over the hub\n{}",
            direct.contents(),
            over_hub.contents()
        );
        direct.take_for(Duration::from_millis(20));
        over_hub.take_for(Duration::from_millis(20));
    }
}

/// What is done, the keys for it, and what is then on both screens.
type WalkStep<'a> = (&'static str, &'a str, &'static str);

/// Goes the same way in both views, and ends them.
#[track_caller]
fn walk([direct, over_hub]: [&mut Terminal; 2], steps: &[WalkStep<'_>]) {
    for (sentence, keys, marker) in steps {
        direct.send(keys);
        over_hub.send(keys);
        agree(sentence, marker, [direct, over_hub]);
    }
    for view in [direct, over_hub] {
        view.send("qQ");
        assert_eq!(view.end(), 0);
    }
}

#[test]
fn each_screen_over_a_hub_shows_what_it_shows_over_gitlab() {
    let sim = month();
    let env = remembering(&sim);
    let served = hub(&env, &sim);
    let (address, project) = (url(&served), red(&served));
    let name = project["name"].as_str().unwrap();
    let filter = format!("/{name}\r\t");
    for (columns, rows) in [(120, 40), (80, 24)] {
        let own = Env::new();
        let from_gitlab = ["--host", sim.url(), "-g", "12345", "--watch", "--no-cache", "--interval", "1h"];
        let mut direct = env.open(&from_gitlab, columns, rows);
        let mut over_hub = own.open(&["--from", &address, "--watch", "--interval", "1h"], columns, rows);
        let steps = [
            ("the list", "", "? all keys"),
            ("a filter", &filter, "1 of 6"),
            ("a project with its past", "\r", "last 30: "),
            ("the end of its list", "G", "▌"),
            ("behind that", "G", "▌"),
            ("its begin", "g", "last 30: "),
            ("a ref of it", "b", "only "),
            ("back", "q", "1 of 6"),
            ("a pipeline", "\r\r", "> #"),
            ("a job", "\r", "(usually "),
            ("back to the list", "qqq", "1 of 6"),
            ("failures", "!", "yours?"),
            ("a failed job", "\r", "(usually "),
            ("back to failures", "q", "yours?"),
            ("active jobs", "qa", "> active"),
            ("events", "qe", "> events"),
            ("problems", "qp", "> problems"),
            ("all keys", "q?", "quit"),
        ];
        walk([&mut direct, &mut over_hub], &steps);
    }
}

#[test]
fn a_hub_answers_from_its_memory_alone_page_by_page() {
    let sim = month();
    let env = remembering(&sim);
    let served = hub(&env, &sim);
    let project = red(&served);
    sim.clear_requests();
    let first = past(&served, &project, "");
    assert_eq!((&first["schema"], &first["remembers"]), (&json!("glwatch.past/1"), &json!(true)));
    assert_eq!((&first["project"]["id"], &first["more"]), (&project["id"], &json!(true)));
    assert!(first["flaky"].is_array());
    let ids = |page: &Value| -> Vec<u64> {
        page["pipelines"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect()
    };
    let mut all = ids(&first);
    assert_eq!((all.len(), all[0]), (100, project["pipelines"][0]["id"].as_u64().unwrap()));
    let second = past(&served, &project, &format!("?before={}", all[99]));
    assert_eq!((&second["more"], &second["flaky"]), (&json!(false), &Value::Null));
    all.extend(ids(&second));
    assert!(all.len() > 120 && all.is_sorted_by(|newer, older| newer > older), "{all:?}");
    assert_eq!(ids(&past(&served, &project, "?before=1")), [0; 0]);
    let path = format!("/api/v1/past/{}", project["full_path"].as_str().unwrap());
    let answer = served.get(&path);
    assert!(answer.headers["age"].parse::<u64>().is_ok(), "{:?}", answer.headers);
    let again = served.ask("GET", &path, &[("if-none-match", &answer.headers["etag"])], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(sim.requests().len(), 0, "{:?}", sim.requests());
}

/// A sentence, who is asked for what with which headers, and the status of the answer.
type AccessCase<'a> = (&'static str, &'a Served, &'a str, &'a [(&'static str, &'static str)], u16);

#[test]
fn who_may_look_is_asked_for_a_past_as_for_the_snapshot() {
    let sim = Sim::start(Options::default()).unwrap();
    let path = "/api/v1/past/acme/payments/invoices";
    let env_of_open = Env::new();
    let open = Served::ready(&env_of_open, &sim, &[]);
    let env_of_guarded = Env::new().with("GLWATCH_SERVE_ACCESS_TOKEN", "s3cret-look");
    let guarded = Served::ready(&env_of_guarded, &sim, &[]);
    let cases: Vec<AccessCase<'_>> = vec![
        ("a project that is shown", &open, path, &[], 200),
        ("one that is not", &open, "/api/v1/past/other/secret", &[], 404),
        ("a name that leads out", &open, "/api/v1/past/../../etc/passwd", &[], 404),
        ("no number", &open, "/api/v1/past/acme/payments/invoices?before=x", &[], 400),
        ("a foreign page", &open, path, &[("host", "evil.example.com")], 421),
        ("without the token", &guarded, path, &[], 401),
        ("with it", &guarded, path, &[("authorization", "Bearer s3cret-look")], 200),
    ];
    for (sentence, served, path, headers, status) in cases {
        assert_eq!(served.ask("GET", path, headers, "").status, status, "{sentence}");
    }
}

/// Opens the screen of the first project over a hub.
fn open_project(hub: &str) -> (Env, Terminal) {
    let env = Env::new().with("GITLAB_TOKEN", TOKEN);
    let more = ["--watch", "--interval", "1h", "--retry-wait", "1ms", "--timeout", "5s"];
    let mut view = env.open(&[&["--from", hub], &more[..]].concat(), 120, 40);
    view.wait_until(|contents| contents.contains("? all keys"));
    view.send("\t\r");
    view.wait_until(|contents| contents.contains("overview > project"));
    (env, view)
}

#[test]
fn a_hub_without_a_memory_says_so_and_the_view_does_too() {
    let sim = Sim::start(Options::default()).unwrap();
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--no-history", "--interval", "1h"]);
    let answer = served.get("/api/v1/past/acme/payments/invoices").json();
    assert_eq!((&answer["remembers"], &answer["pipelines"]), (&json!(false), &json!([])));
    let (_env, mut view) = open_project(&url(&served));
    view.wait_until(|contents| {
        contents.contains("the hub remembers nothing: earlier runs and flaky jobs are not known")
    });
    assert!(!view.contents().contains("older ones are read"), "{}", view.contents());
}

/// A sentence, what the hub answers about the past, and what the view says.
type PastCase = (&'static str, (u16, String, String), &'static str);

#[test]
fn a_hub_that_is_old_or_lies_is_said_in_words_and_the_rest_works() {
    let green = green();
    let project = green["projects"][0].clone();
    let pipeline = project["pipelines"][0].clone();
    let honest = json!({
        "schema": "glwatch.past/1", "host": green["host"], "remembers": true, "more": false, "flaky": [],
        "project": { "id": project["id"], "full_path": project["full_path"] },
        "pipelines": [{
            "id": 3, "iid": 1, "status": "failed", "ref": "earl\u{1B}[2Jier", "ref_kind": "branch", "sha": null,
            "source": null, "user": "\u{202E}ada", "commit_title": "\u{1B}]0;x\u{7}", "created_at": pipeline["created_at"],
            "started_at": null, "finished_at": null, "updated_at": null, "duration_s": 60, "queued_s": 1,
        }],
    });
    let with = |pointer: &str, value: Value| {
        let mut document = honest.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        document.to_string()
    };
    let endless = || format!("{}{}", " ".repeat(5 << 20), honest);
    let cases: Vec<PastCase> = vec![
        ("an honest one", (200, headers("1"), honest.to_string()), "#3 earlier"),
        ("long ago", (200, headers("500"), honest.to_string()), "what the hub remembers is as it was 8m"),
        ("an older hub", (404, String::new(), String::new()), "the hub does not tell what it remembers"),
        (
            "a project that is gone",
            (404, JSON.into(), json!({ "error": "no such project" }).to_string()),
            "answered 404: no such",
        ),
        ("a token is wanted", (401, String::new(), "no".into()), "asks for a token"),
        ("a page", (200, "content-type: text/html\r\n".into(), "<html>".into()), "HTML page"),
        (
            "a redirect",
            (302, "location: http://127.0.0.2:1/\r\n".into(), String::new()),
            "redirects of a hub are not followed",
        ),
        ("no age", (200, JSON.into(), honest.to_string()), "does not tell how old its data is"),
        ("another project", (200, headers("1"), with("/project/id", json!(1))), "was asked for, and it is about 1"),
        (
            "another schema",
            (200, headers("1"), with("/schema", json!("glwatch.past/2"))),
            "the hub speaks \"glwatch.past/2\"",
        ),
        ("no status", (200, headers("1"), with("/pipelines/0/status", Value::Null)), "pipelines[0].status"),
        ("a body that does not end", (200, headers("1"), endless()), "larger than 4"),
        ("a hostile refusal", (500, JSON.into(), json!({ "error": "\u{1B}[2J" }).to_string()), "answered 500"),
    ];
    for (sentence, answer, words) in cases {
        let snapshot = green.to_string();
        let hub = Canned::with_headers(move |path| match path {
            path if path.contains("/past/") => answer.clone(),
            path if path.contains("/events") => (404, JSON.into(), "{}".into()),
            _ => (200, headers("1"), snapshot.clone()),
        });
        let (_env, mut view) = open_project(hub.url());
        let flat = |contents: &str| contents.split_whitespace().collect::<Vec<_>>().join(" ");
        view.wait_until(|contents| flat(contents).contains(words));
        view.send("q");
        view.wait_until(|contents| contents.contains("1 project"));
        view.send("Q");
        assert_eq!(view.end(), 0, "{sentence}");
        let raw = String::from_utf8_lossy(&view.raw);
        assert!(!raw.contains("earl\u{1B}[2J") && !raw.contains("]0;x") && !raw.contains('\u{202E}'), "{sentence}");
        let heads = hub.heads();
        assert!(heads.iter().any(|head| head.contains("/api/v1/past/")), "{sentence}: {heads:?}");
        assert!(heads.iter().all(|head| !head.contains("glpat")), "{sentence}: GitLab's token went to a hub");
    }
}

#[test]
fn a_past_is_asked_for_by_a_screen_that_needs_it_alone() {
    let green = green().to_string();
    let hub = Canned::with_headers(move |path| match path.contains("/snapshot") {
        true => (200, headers("1"), green.clone()),
        false => (404, String::new(), String::new()),
    });
    let asked = || hub.heads().iter().filter(|head| head.contains("/api/v1/past/")).count();
    for form in ["table", "json", "wide"] {
        let _ = Env::new().run(&["--from", hub.url(), "-o", form]).exits_with(0);
    }
    let env = Env::new();
    let mut view = env.open(&["--from", hub.url(), "--watch", "--interval", "1h"], 120, 40);
    view.wait_until(|contents| contents.contains("? all keys"));
    for (keys, marker) in [("!", "failures"), ("q", "? all keys"), ("p", "problems"), ("q", "? all keys")] {
        view.send(keys);
        view.wait_until(|contents| contents.contains(marker));
    }
    assert_eq!(asked(), 0);
    view.send("\t\r");
    view.wait_until(|contents| contents.contains("the hub does not tell"));
    view.send("GGG\rq");
    view.wait_until(|contents| contents.contains("the hub does not tell"));
    assert_eq!(asked(), 1);
}
