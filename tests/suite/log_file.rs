//! `--log-file`: a line for each request that was sent: when, how long it took, what came, and nothing secret.

use crate::support::Env;
use glwatch_sim::{Fault, Options, Sim, TOKEN_API, WorldKind};
use std::collections::BTreeMap;

fn sim() -> Sim {
    Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap()
}

/// Runs a command, and returns the lines of its log that are about requests.
fn log(sim: &Sim, command: &[&str]) -> Vec<String> {
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_API).with("GLWATCH_API", "auto").with("GLWATCH_RPS", "1000");
    let _ = env.run(&[command, &["--host", sim.url(), "--group-id", "12345", "--log-file", "log"]].concat());
    let log = std::fs::read_to_string(env.home().join("log")).unwrap();
    assert!(!log.contains(TOKEN_API), "{log}");
    log.lines().filter(|line| line.contains(" sent=\"")).map(str::to_owned).collect()
}

/// The fields of a line: `name=value` or `name="value"`.
fn fields(line: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let name = rest[..at].rsplit(' ').next().unwrap().to_owned();
        let value = &rest[at + 1..];
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap(),
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        fields.insert(name, value.to_owned());
        rest = after;
    }
    fields
}

/// What became of a request, its attempt, and what came: what a line says but times and bytes.
fn told(line: &str) -> String {
    let outcome = ["answered", "cut off", "no answer"].into_iter().find(|word| line.contains(&format!(": {word} ")));
    let fields = fields(line);
    let status = fields.get("status").map_or("-", String::as_str);
    format!("{} {status} at attempt {}", outcome.unwrap_or("?"), fields["attempts"])
}

#[test]
fn every_request_has_a_line_with_its_time_and_its_status() {
    let sim = sim();
    for command in [&["-o", "json"][..], &["-o", "json", "--api", "rest"], &["explain", "acme/unit"], &["logs", "unit"]]
    {
        sim.clear_requests();
        let lines = log(&sim, command);
        let mut statuses: Vec<String> = lines.iter().map(|line| fields(line)["status"].clone()).collect();
        let mut answered: Vec<String> = sim.requests().iter().map(|request| request.status.to_string()).collect();
        statuses.sort_unstable();
        answered.sort_unstable();
        assert_eq!(statuses, answered, "{command:?}");
        for line in &lines {
            let fields = fields(line);
            let sent = chrono::DateTime::parse_from_rfc3339(&fields["sent"]).unwrap();
            let written = chrono::DateTime::parse_from_rfc3339(line.split(' ').next().unwrap()).unwrap();
            let took = fields["took_ms"].parse::<i64>().unwrap();
            assert!((0..=5).contains(&((written - sent).num_milliseconds() - took)), "{line}");
            assert!(fields["request"].starts_with("GET http") || fields["request"].starts_with("POST http"), "{line}");
            assert!(fields["bytes"].parse::<u64>().is_ok() && !fields["purpose"].is_empty(), "{line}");
        }
    }
}

#[test]
fn a_line_says_what_became_of_each_attempt() {
    let moved = |sim: &Sim| format!("{}/api/v4/version?signature=hidden", sim.url());
    type Cause = fn(&Sim, &dyn Fn(&Sim) -> String) -> Fault;
    let cases: [(&str, Cause, &[&str]); 5] = [
        ("an answer", |_, _| Fault::on("nothing").status(500), &["answered 200 at attempt 1"]),
        (
            "an error that passes",
            |_, _| Fault::on("/trace").once().status(502),
            &["answered 502 at attempt 1", "answered 200 at attempt 2"],
        ),
        (
            "a connection that breaks off before the answer",
            |_, _| Fault::on("/trace").once().reset(),
            &["no answer - at attempt 1", "answered 200 at attempt 2"],
        ),
        (
            "a body that ends too early",
            |_, _| Fault::on("/trace").once().cut(),
            &["cut off 200 at attempt 1", "answered 200 at attempt 2"],
        ),
        (
            "a redirect",
            |sim, moved| Fault::on("/trace").once().redirect(302, &moved(sim)),
            &["answered 302 at attempt 1", "answered 200 at attempt 1"],
        ),
    ];
    for (sentence, cause, expected) in cases {
        let sim = sim();
        sim.add_fault(cause(&sim, &moved));
        let lines = log(&sim, &["logs", "acme/unit"]);
        assert!(lines.iter().all(|line| !line.contains("hidden")), "{sentence}: {lines:?}");
        let is_meant = |line: &&String| line.contains("/trace\"") || line.contains("/version\"");
        let found: Vec<String> = lines.iter().filter(is_meant).map(|line| told(line)).collect();
        assert_eq!(found, expected, "{sentence}: {lines:?}");
    }
}
