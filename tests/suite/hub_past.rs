//! What a hub remembers: it is sent with what is shown, and a client shows it as one that reads GitLab shows its own memory.

use super::hub::{comparable, from, green, headers, url};
use super::serve::Served;
use crate::support::Env;
use crate::support::canned::Canned;
use crate::support::running::DEADLINE;
use glwatch_sim::{Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A month behind each project; some are red, and some run.
fn month() -> Sim {
    let world = WorldKind::History { projects: 16, days: 30, pipelines: 100, merge_requests: 9, deployments: 8 };
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

/// An environment that remembers the month.
fn remembering(sim: &Sim) -> Env {
    // Over REST a list of pipelines does not tell how long they ran.
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_API", "graphql");
    let fill = ["history", "fill", "--host", sim.url(), "-g", "12345", "--since", "40d", "--rps", "1000"];
    let _ = env.run(&fill).exits_with(0);
    let is_running = || {
        let read = env.run(&["--host", sim.url(), "-g", "12345", "-o", "json", "--no-history"]).json();
        pipelines(&read).iter().any(|pipeline| pipeline["status"] == "running")
    };
    // Each project has one pipeline a day from now on.
    while !is_running() {
        sim.clock().advance(Duration::from_secs(15 * 60));
    }
    env
}

fn pipelines(document: &Value) -> Vec<Value> {
    let projects = document["projects"].as_array().unwrap();
    projects.iter().flat_map(|project| project["pipelines"].as_array().unwrap().clone()).collect()
}

/// How many pipelines are shown with each thing that only a memory knows.
fn known(document: &Value) -> [usize; 4] {
    let all = pipelines(document);
    let count = |holds: &dyn Fn(&Value) -> bool| all.iter().filter(|pipeline| holds(pipeline)).count();
    [
        count(&|pipeline| pipeline["usual_s"].is_u64()),
        count(&|pipeline| pipeline["usual_s"].is_u64() && pipeline["status"] == "running"),
        count(&|pipeline| pipeline["red_since"].is_string() && pipeline["first_red"]["commit_title"].is_string()),
        count(&|pipeline| pipeline["attribution"].as_str().is_some_and(|origin| origin != "unknown")),
    ]
}

/// Starts a hub with a memory and waits until it tells what it remembers.
fn hub(env: &Env, sim: &Sim, more: &[&str]) -> Served {
    let served = Served::ready(env, sim, more);
    served.wait(|served| known(&served.get("/api/v1/snapshot").json())[0] > 0);
    served
}

#[test]
fn a_client_of_a_hub_shows_the_same_past_as_one_that_reads_gitlab() {
    let sim = month();
    let env = remembering(&sim);
    let served = hub(&env, &sim, &["--interval", "200ms"]);
    let direct = |more: &[&str]| {
        env.run(&[&["--host", sim.url(), "-g", "12345", "--no-cache", "--rps", "1000"][..], more].concat())
    };
    let hub = url(&served);
    let (one, other) = (direct(&["-o", "json"]).json(), from(&hub, &[]).json());
    let [usual, running, red, judged] = known(&one);
    assert!(
        usual > 8 && running > 0 && red > 0 && judged > 0,
        "the world tells too little: {usual} {running} {red} {judged}"
    );
    assert_eq!(comparable(other), comparable(one));
    // GitLab's clock rests, and that of the hub goes on from its last reading: how long something runs by now is not
    // compared, and ages are until they are the same.
    let so_far = |cell: &str| cell.split_once(" of ~").map_or(cell.to_owned(), |(_, usual)| format!("of ~{usual}"));
    let told = |text: &str| -> Vec<Vec<String>> {
        let cells = |line: &str| line.split("requests").next().unwrap_or_default().split('\t').map(so_far).collect();
        text.lines().map(cells).collect()
    };
    const TIMED: &[&str] = &["--columns", "project,usual,since,what"];
    for form in [&["-o", "wide"][..], &["-o", "markdown"], TIMED, &["-o", "csv"], &[]] {
        let until = Instant::now() + DEADLINE;
        loop {
            let one = told(&direct(form).stdout);
            let other = told(&Env::new().run(&[&["--from", &hub], form].concat()).stdout);
            if one == other {
                break;
            }
            let (one, other): (Vec<_>, Vec<_>) = one.iter().zip(&other).filter(|(one, other)| one != other).unzip();
            assert!(Instant::now() < until, "{form:?}\n{one:#?}\n{other:#?}");
        }
    }
    // A wait shows it, too.
    let waited = from(&hub, &["--wait", "--deadline", "0s"]);
    assert_eq!(known(&waited.json()), [usual, running, red, judged], "{waited}");
}

#[test]
fn what_a_hub_remembers_costs_no_request_and_its_tag_stays_as_long_as_it_sends_the_same() {
    let sim = month();
    let env = remembering(&sim);
    let served = hub(&env, &sim, &["--interval", "1h"]);
    served.wait(|served| served.metric("gcpe_executed_tasks_count") == Some(16.0));
    let tag = served.get("/api/v1/snapshot").headers["etag"].clone();
    sim.clear_requests();
    for _ in 0..3 {
        assert!(known(&from(&url(&served), &[]).json())[0] > 0);
        let again = served.ask("GET", "/api/v1/snapshot", &[("if-none-match", &tag)], "");
        assert_eq!((again.status, again.headers["etag"].as_str()), (304, tag.as_str()));
    }
    let of_past = |path: &str| path.contains("/pipelines/") || path.contains("/jobs");
    let asked = sim.requests().into_iter().filter(|request| of_past(&request.path)).count();
    assert_eq!(asked, 0, "{:?}", sim.requests());
}

#[test]
fn a_change_is_told_with_what_the_hub_remembers_of_it() {
    let sim = month();
    let env = remembering(&sim);
    let served = hub(&env, &sim, &["--interval", "100ms"]);
    let mut stream = TcpStream::connect(&served.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line == "event: snapshot"));
    // What runs ends, and others have begun and ended.
    sim.clock().advance(Duration::from_secs(24 * 3600));
    let told = lines.filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    // On a busy machine the memory may be too slow for the first ones.
    let mut told = told.filter(|event| event["event"] == "pipeline").map(|event| event["pipeline"].clone());
    assert!(told.any(|pipeline| pipeline["usual_s"].is_u64()));
}

#[test]
fn the_live_view_over_a_hub_shows_how_long_it_usually_takes_and_since_when_it_is_red() {
    let sim = month();
    let env = remembering(&sim);
    let served = hub(&env, &sim, &["--interval", "200ms"]);
    let document = served.get("/api/v1/snapshot").json();
    let red = |project: &&Value| project["pipelines"][0]["red_since"].is_string();
    let project = document["projects"].as_array().unwrap().iter().find(red).unwrap();
    let first = project["pipelines"][0]["first_red"]["id"].to_string();
    let own = Env::new();
    let mut view = own.open(&["--from", &url(&served), "--watch", "--interval", "200ms"], 160, 40);
    view.wait_until(|contents| contents.contains(" of ~"));
    view.send(&format!("/{}\r\t\r", project["name"].as_str().unwrap()));
    view.wait_until(|contents| contents.contains(&format!(", first #{first}")));
    view.send("Q");
    assert_eq!(view.end(), 0);
}

/// A sentence, what is said of the pipeline, the exit code, and whose fault it is by then.
type LieCase<'a> = (&'a str, (&'a str, Value), i32, Option<&'a str>);

#[test]
fn a_hub_that_lies_about_the_past_is_text_at_worst() {
    let mut red = green();
    red["projects"][0]["pipelines"][0]["status"] = json!("failed");
    red["projects"][0]["pipelines"][0]["worst"] = json!("failed");
    red["summary"]["by_status"] = json!({ "failed": 1 });
    let first = |field: &str, value: Value| {
        let mut first = json!({ "id": 7, "since": "2026-01-01T00:00:00Z", "sha": null, "user": null,
                                "commit_title": null, "last_green": 6 });
        first[field] = value;
        ("first_red", first)
    };
    let cases: Vec<LieCase<'_>> = vec![
        ("nothing, as an older hub", ("mood", json!(1)), 0, None),
        ("a word that is not known", ("attribution", json!("aliens")), 0, None),
        ("a word that is", ("attribution", json!("flaky")), 0, Some("flaky")),
        ("escapes", ("attribution", json!("\u{1B}[2J")), 0, None),
        ("no word", ("attribution", json!(7)), 3, None),
        ("a time without end", ("usual_s", json!(u64::MAX)), 3, None),
        ("no time", ("usual_s", json!("long")), 3, None),
        ("a negative one", ("usual_s", json!(-5)), 3, None),
        ("hostile text", first("commit_title", json!("\u{1B}]0;x\u{7}\u{202E}")), 0, None),
        ("red since the end of the calendar", first("since", json!("9999-12-31T23:59:59Z")), 0, None),
        ("red since its begin", first("since", json!("0000-01-01T00:00:00Z")), 0, None),
        ("red since nothing", first("since", json!("soon")), 3, None),
        ("red from no pipeline", first("id", Value::Null), 3, None),
        ("a list", ("first_red", json!([1, 2])), 3, None),
    ];
    for (sentence, (field, value), code, origin) in cases {
        let mut document = red.clone();
        document["projects"][0]["pipelines"][0][field] = value;
        let answer = document.to_string();
        let hub = Canned::with_headers(move |_| (200, headers("1"), answer.clone()));
        for form in ["json", "wide", "markdown", "csv"] {
            let output = Env::new().run(&["--from", hub.url(), "--retry-wait", "1ms", "-o", form]);
            assert_eq!(output.code, Some(code), "{sentence} {form}: {output}");
            let all = format!("{}{}", output.stdout, output.stderr);
            assert!(!all.contains(['\u{1B}', '\u{7}', '\u{202E}']), "{sentence} {form}: {output}");
        }
        if code == 0 {
            let shown = from(hub.url(), &[]).json();
            assert_eq!(shown["projects"][0]["pipelines"][0]["attribution"].as_str(), origin, "{sentence}");
        }
    }
}
