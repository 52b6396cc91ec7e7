//! `--wait`: what it waits for, what ends it, and what it is worth in the end.
//!
//! Where each exit code of the design is reached:
//!
//! | code | reached in |
//! |---|---|
//! | 0 | here, `status.rs`; by `q` in `terminal.rs` |
//! | 1 | here, `exports.rs` |
//! | 2 | `trouble_input.rs`, `config.rs`; for `--watch` and `--wait` together in `watch.rs`; no project left, here |
//! | 3 | `trouble_access.rs`, `trouble_network.rs`; before a deadline here; of `--watch` in `watch.rs` |
//! | 4 | `trouble.rs`, `trouble_server.rs` |
//! | 5 | here |
//! | 6 | `trouble_output.rs`, `exports.rs`; before a match here |
//! | 130 | `trouble_output.rs`, `watch.rs`, here; of the live view in `terminal.rs` |
//! | 143 | `trouble_output.rs`, `watch.rs`; of the live view in `terminal.rs` |
//!
//! The whole order is a unit test of `src/cli/exit.rs`.

use super::cost::scenario;
use crate::support::running::{DEADLINE, Running};
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Sim};
use serde_json::{Value, json};
use std::time::Duration;

const TEMPLATES: &str = "broken = [[\"test\", \"unit | 40s | fails\"]]\nslow = [[\"test\", \"unit | 30m\"]]";
/// What a refresh of two projects takes at most.
const REFRESH: usize = 8;

/// A project with one pipeline of that template and age.
fn project(path: &str, template: &str, age: &str) -> String {
    format!("[[project]]\npath = \"acme/{path}\"\nrun = [{{ jobs = \"{template}\", age = \"{age}\" }}]\n")
}

fn group(projects: &[(&str, &str, &str)]) -> Sim {
    let projects: String = projects.iter().map(|(path, template, age)| project(path, template, age)).collect();
    scenario(TEMPLATES, &projects)
}

fn arguments<'a>(sim: &'a Sim, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["--host", sim.url(), "--group-id", "12345", "--wait", "--interval", "50ms", "--rps", "1000"];
    [&fixed[..], &["-o", "json"], more].concat()
}

fn wait(sim: &Sim, more: &[&str]) -> Running {
    Env::new().start(&arguments(sim, more))
}

fn run(sim: &Sim, more: &[&str]) -> Output {
    Env::new().run(&arguments(sim, more))
}

/// Checks that it goes on reading and has not ended.
#[track_caller]
fn still_waits(sim: &Sim, running: &mut Running) {
    sim.clear_requests();
    assert!(sim.wait_for_requests(2 * REFRESH, DEADLINE), "it does not read any more");
    assert!(running.is_running());
}

/// Waits for the end, and returns the one document that it printed, what it said, and its exit code.
#[track_caller]
fn outcome(running: Running) -> (Value, String, Option<i32>) {
    let (lines, stderr, code) = running.end();
    let text = lines.join("\n");
    let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in\n{text}\n{stderr}"));
    (document, stderr, code)
}

#[test]
fn it_ends_when_the_pipelines_have_ended() {
    for (template, fail_on, worst, code) in [
        ("single", &[][..], "success", 0),
        ("broken", &[], "failed", 0),
        ("broken", &["--fail-on", "failed"], "failed", 1),
    ] {
        let sim = group(&[("api", template, "20s"), ("web", "single", "3h")]);
        let mut running = wait(&sim, fail_on);
        still_waits(&sim, &mut running);
        sim.clock().advance(Duration::from_secs(120));
        let (document, stderr, ended) = outcome(running);
        assert_eq!(ended, Some(code), "{template} {fail_on:?}: {stderr}");
        let words: Vec<&Value> = document["projects"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|project| project["full_path"] == "acme/api")
            .map(|project| &project["pipelines"][0]["worst"])
            .collect();
        assert_eq!(words, [&json!(worst)]);
        assert_eq!(stderr, "");
    }
}

#[test]
fn at_the_deadline_it_names_what_it_waited_for() {
    let sim = group(&[("api", "slow", "20s"), ("web", "single", "3h")]);
    let output = run(&sim, &["--deadline", "200ms"]).exits_with(5);
    assert_eq!(output.stderr, "the deadline came before 1 project had ended:\n  acme/api is still active\n");
    assert_eq!(output.json()["summary"]["by_status"]["running"], json!(1));
}

#[test]
fn a_deadline_of_nothing_asks_how_it_stands() {
    let sim = group(&[("api", "slow", "20s")]);
    let _ = run(&sim, &["--deadline", "0s"]).exits_with(5).json();
    let sim = group(&[("api", "single", "3h")]);
    let _ = run(&sim, &["--deadline", "0s"]).exits_with(0).json();
}

#[test]
fn fail_fast_does_not_wait_for_the_others() {
    let sim = group(&[("api", "broken", "20s"), ("web", "slow", "20s")]);
    let mut running = wait(&sim, &["--fail-fast", "--fail-on", "failed"]);
    still_waits(&sim, &mut running);
    sim.clock().advance(Duration::from_secs(120));
    let (document, stderr, code) = outcome(running);
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(document["summary"]["by_status"], json!({ "failed": 1, "running": 1 }));
}

#[test]
fn newer_than_waits_for_a_pipeline_that_is_not_there_yet() {
    let sim = scenario("", "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", every = \"1h\" }]");
    let mut running = wait(&sim, &["--newer-than", "2026-11-20T19:00:01Z"]);
    still_waits(&sim, &mut running);
    sim.clock().advance(Duration::from_secs(2 * 3600));
    let (document, stderr, code) = outcome(running);
    assert_eq!(code, Some(0), "{stderr}");
    let created = document["projects"][0]["pipelines"][0]["created_at"].as_str().unwrap().to_owned();
    assert!(created.as_str() > "2026-11-20T19:00:01Z", "{created}");
}

#[test]
fn newer_than_takes_an_age_too() {
    let sim = group(&[("api", "single", "5m"), ("web", "single", "3h")]);
    let _ = run(&sim, &["--newer-than", "4h"]).exits_with(0).json();
    let output = run(&sim, &["--newer-than", "10m", "--deadline", "100ms"]).exits_with(5);
    let _ = output.says(&["before 1 project had ended", "acme/web has no pipeline that recent"]);
}

/// What holds, the group, what goes wrong, the arguments, and the exit code.
type Case<'a> = (&'a str, Sim, Option<Fault>, &'a [&'a str], i32);

#[test]
fn of_several_ends_the_documented_one_is_told() {
    let broken_and_slow = || group(&[("api", "broken", "3h"), ("web", "slow", "20s")]);
    let cases: [Case<'_>; 6] = [
        ("a match before a deadline", broken_and_slow(), None, &["--fail-on", "failed", "--deadline", "100ms"], 1),
        (
            "a deadline before a part that could not be read",
            group(&[("api", "single", "3h"), ("web", "single", "3h")]),
            Some(Fault::on("/pipelines?").after(1).status(500)),
            &["--deadline", "100ms"],
            5,
        ),
        (
            "a match before a part that could not be read",
            group(&[("api", "broken", "3h"), ("web", "broken", "3h")]),
            Some(Fault::on("/pipelines?").after(1).status(500)),
            &["--fail-fast", "--fail-on", "failed"],
            1,
        ),
        (
            "no data before a deadline",
            group(&[("api", "single", "3h")]),
            Some(Fault::on("/pipelines").status(500)),
            &["--deadline", "100ms"],
            3,
        ),
        (
            "a file that cannot be written before a match",
            broken_and_slow(),
            None,
            &["--fail-fast", "--fail-on", "failed", "--export", "csv=missing/health.csv"],
            6,
        ),
        ("no project left before everything", broken_and_slow(), None, &["--include", "nothing-like-it"], 2),
    ];
    for (sentence, sim, fault, more, code) in cases {
        fault.into_iter().for_each(|fault| sim.add_fault(fault));
        let output = run(&sim, more);
        assert_eq!(output.code, Some(code), "{sentence}\n{output}");
    }
}

#[test]
fn an_interrupt_ends_it_without_output() {
    let sim = group(&[("api", "slow", "20s")]);
    let mut running = wait(&sim, &[]);
    still_waits(&sim, &mut running);
    running.signal("-INT");
    assert_eq!(running.end(), (vec![], String::new(), Some(130)));
}

#[test]
fn what_could_not_be_read_is_waited_for() {
    let sim = group(&[("api", "single", "3h"), ("web", "single", "3h")]);
    sim.add_fault(Fault::on("/pipelines?").status(500));
    let mut running = wait(&sim, &[]);
    still_waits(&sim, &mut running);
    sim.clear_faults();
    let (document, stderr, code) = outcome(running);
    assert_eq!((code, &document["complete"]), (Some(0), &json!(true)), "{stderr}");
}
