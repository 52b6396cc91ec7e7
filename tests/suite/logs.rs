//! `glwatch logs`: which job, what is printed of its log, how it is followed, and what that costs.

use super::cost::scenario;
use crate::support::running::{DEADLINE, Running, end_of};
use crate::support::tls::TlsFront;
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Options, Sim, TOKEN_API, WorldKind};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

fn failures() -> Sim {
    Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap()
}

/// A project `acme/api` with one pipeline that begins now.
fn fresh(jobs: &str) -> Sim {
    scenario(
        &format!("t = [[\"test\", {jobs}]]"),
        "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"t\", age = \"0s\" }]",
    )
}

fn env() -> Env {
    Env::new().with("GITLAB_TOKEN", TOKEN_API).with("GLWATCH_FOLLOW_WAIT", "5ms").with("GLWATCH_RPS", "1000")
}

fn arguments<'a>(sim: &'a Sim, more: &[&'a str]) -> Vec<&'a str> {
    [&["logs"], more, &["--host", sim.url()]].concat()
}

fn logs(sim: &Sim, more: &[&str]) -> Output {
    env().run(&arguments(sim, more))
}

fn follow(sim: &Sim, more: &[&str]) -> Running {
    env().start(&arguments(sim, &[more, &["--follow"]].concat()))
}

fn statuses(sim: &Sim, end: &str) -> Vec<u16> {
    sim.requests().iter().filter(|request| request.path.ends_with(end)).map(|request| request.status).collect()
}

/// Lets the simulated time pass, and the program notice it.
fn later(sim: &Sim, seconds: u64) {
    sim.clock().advance(Duration::from_secs(seconds));
    sim.clear_requests();
    assert!(sim.wait_for_requests(6, DEADLINE), "it does not look any more");
}

#[test]
fn the_job_that_failed_is_meant_and_its_status_is_the_exit_code() {
    let sim = failures();
    let output = logs(&sim, &["acme/unit"]).exits_with(1);
    assert!(output.stdout.contains("142 passed; 2 failed; 4 ignored"), "{output}");
    assert!(output.stdout.trim_end().ends_with("ERROR: Job failed: exit code 1"), "{output}");
    assert!(!output.stdout.contains(['\u{1B}', '\r']) && output.stderr.is_empty(), "{output}");
    let output = logs(&sim, &["acme/unit", "build/compile", "--tail", "1"]).exits_with(0);
    assert_eq!(output.stdout.lines().count(), 1, "{output}");
    let _ = logs(&sim, &["acme/allowed", "audit"]).exits_with(0);
}

/// How many requests a log takes, and what is printed.
fn cost(sim: &Sim, api: &str, more: &[&str], code: i32) -> (usize, String) {
    sim.clear_requests();
    let output = env().with("GLWATCH_API", api).run(&arguments(sim, more)).exits_with(code);
    (sim.requests().len(), output.stdout)
}

#[test]
fn over_graphql_a_log_is_two_round_trips_and_the_same_as_over_rest() {
    let sim = failures();
    // The job that failed, one that is named, one of a ref.
    for (words, code) in [(&["acme/unit"][..], 1), (&["acme/unit", "build/compile"], 0), (&["acme/unit@main"], 1)] {
        // A project beside its pipelines; its jobs; the log.
        let (requests, expected) = cost(&sim, "rest", words, code);
        assert_eq!(requests, 2 + 1 + 1, "{words:?}");
        // A glance; the log.
        assert_eq!(cost(&sim, "auto", words, code), (1 + 1, expected), "{words:?}");
        assert_eq!(sim.requests()[0].operation.as_deref(), Some("Glance"));
    }
    // A glance that fails costs one request and changes nothing.
    let (requests, expected) = cost(&sim, "rest", &["acme/unit"], 1);
    for fault in [Fault::on("/api/graphql").status(500), Fault::on("/api/graphql").truncated()] {
        sim.clear_faults();
        sim.add_fault(fault);
        assert_eq!(cost(&sim, "auto", &["acme/unit"], 1), (requests + 1, expected.clone()));
    }
    // Where what has no log must be read first, a glance is instead of the project and its pipelines.
    let sim = fresh("\"unit | 40s\"");
    sim.clock().advance(Duration::from_secs(600));
    let (requests, expected) = cost(&sim, "rest", &["acme/api"], 0);
    assert_eq!(cost(&sim, "auto", &["acme/api"], 0), (requests - 1, expected));
}

#[test]
fn where_it_is_not_clear_which_job_is_meant_the_jobs_are_listed() {
    let sim = scenario(
        "t = [[\"test\", \"unit | 40s | fails\", \"lint | 20s | fails\"]]",
        "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"t\", age = \"1h\" }]",
    );
    let _ = logs(&sim, &["acme/api"]).refuses(
        2,
        &[
            "it is not clear which job is meant",
            "  job        status  id",
            "  test/unit  failed  ",
            "  test/lint  failed  ",
        ],
    );
    let _ = logs(&sim, &["acme/api", "nope"]).refuses(2, &["no job is called \"nope\"", "test/unit  failed"]);
    let _ = logs(&sim, &["acme/api", "lint"]).exits_with(1);
}

#[test]
fn the_end_of_a_path_is_looked_for_in_the_groups() {
    let text = "root = \"acme\"\ngroup = [{ path = \"acme\", id = 12345 }, { path = \"acme/a\", id = 2 }, \
        { path = \"acme/b\", id = 3 }]\n[template]\nsingle = [[\"test\", \"unit | 40s\"]]\n\
         [[project]]\npath = \"acme/a/api\"\nrun = [{ jobs = \"single\", age = \"1h\" }]\n\
         [[project]]\npath = \"acme/b/api\"\nrun = [{ jobs = \"single\", age = \"1h\" }]";
    let sim = Sim::start(Options { world: WorldKind::Scenario(text.into()), ..Options::default() }).unwrap();
    let _ = logs(&sim, &["b/api", "--group-id", "12345"]).exits_with(0);
    let _ =
        logs(&sim, &["api", "--group-id", "12345"]).refuses(2, &["acme/a/api, acme/b/api", "give more of its path"]);
    let _ = logs(&sim, &["apu", "--group-id", "12345"])
        .refuses(3, &["project \"apu\" not found or not visible to this token", "did you mean acme/a/api"]);
    let _ = logs(&sim, &["api"]).refuses(2, &["\"api\" is the end of a path, and no group is given", "--group-id"]);
    let _ = logs(&sim, &["acme/a/api#0"]).refuses(2, &["has no number behind the #"]);
    let _ = logs(&sim, &["acme/a/api@nope"]).refuses(3, &["acme/a/api has no pipeline of nope"]);
    let address = format!("{}/acme/a/api/-/pipelines", sim.url());
    let _ = logs(&sim, &[&address]).exits_with(0);
}

#[test]
fn a_log_that_grows_is_printed_once_and_what_has_not_changed_is_not_sent_again() {
    let sim = fresh("\"unit | 3m | fails | tests 148 2\"");
    sim.clock().advance(Duration::from_secs(30));
    let mut running = follow(&sim, &["acme/api"]);
    let first = running.line();
    for _ in 0..5 {
        later(&sim, 20);
    }
    sim.clock().advance(Duration::from_secs(600));
    let (rest, stderr, code) = running.end();
    assert_eq!(code, Some(1), "{stderr}");
    let whole = logs(&sim, &["acme/api"]).exits_with(1);
    assert_eq!([vec![first], rest].concat().join("\n") + "\n", whole.stdout);
    assert!(sim.panics() == 0);
}

#[test]
fn a_quiet_log_costs_304s() {
    let sim = fresh("\"unit | 3m\"");
    sim.clock().advance(Duration::from_secs(60));
    let mut running = follow(&sim, &["acme/api"]);
    running.line();
    sim.clear_requests();
    assert!(sim.wait_for_requests(10, DEADLINE));
    let of_log = statuses(&sim, "/trace");
    assert!(of_log.contains(&304) && of_log.iter().filter(|status| **status == 200).count() <= 1, "{of_log:?}");
    running.signal("-INT");
    assert_eq!(running.end().2, Some(130));
}

#[test]
fn a_job_that_has_not_started_is_waited_for() {
    let sim = fresh("\"unit | 40s\"");
    let running = follow(&sim, &["acme/api"]);
    assert!(sim.wait_for_requests(8, DEADLINE));
    assert!(statuses(&sim, "/trace").is_empty(), "there is nothing to read yet");
    sim.clock().advance(Duration::from_secs(300));
    let (lines, stderr, code) = running.end();
    assert_eq!((code, lines.is_empty()), (Some(0), false), "{stderr}");
    assert!(stderr.contains("test/unit is created: it waits for"), "{stderr}");
}

#[test]
fn a_retried_job_is_followed_to_its_newer_attempt() {
    let sim = fresh("\"unit | 60s | flaky\"");
    sim.clock().advance(Duration::from_secs(30));
    let mut running = follow(&sim, &["acme/api"]);
    running.line();
    later(&sim, 300);
    let (_, stderr, code) = running.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("failed, it was retried: following "), "{stderr}");
}

#[test]
fn a_connection_that_breaks_midway_costs_no_line_and_doubles_none() {
    let sim = failures();
    let whole = logs(&sim, &["acme/unit"]).exits_with(1);
    sim.add_fault(Fault::on("/trace").times(2).cut());
    assert_eq!(logs(&sim, &["acme/unit"]).exits_with(1), whole);
    sim.clear_faults();
    // More often than one request is tried.
    sim.add_fault(Fault::on("/trace").times(9).cut());
    let _ =
        logs(&sim, &["acme/unit"]).exits_with(3).says(&["failed to read the log of test/unit", "the answer broke off"]);
    sim.clear_faults();
    sim.add_fault(Fault::on("/trace").times(9).cut());
    let followed = logs(&sim, &["acme/unit", "-f"]).exits_with(1).says(&["trying again"]);
    assert_eq!(followed.stdout, whole.stdout);
}

#[test]
fn what_gitlab_refuses_ends_it() {
    let sim = failures();
    for (code, words) in [(403, "needs a role in the project"), (404, "GitLab answers 404 for what you may not see")] {
        sim.clear_faults();
        sim.add_fault(Fault::on("/trace").status(code));
        for more in [&["acme/unit"][..], &["acme/unit", "--follow"]] {
            let _ = logs(&sim, more).refuses(3, &["failed to read the log of test/unit", words]);
        }
    }
    sim.clear_faults();
    sim.add_fault(Fault::on("/trace").html());
    let _ = logs(&sim, &["acme/unit"]).refuses(3, &["is not a job's log but an HTML page"]);
}

#[test]
fn raw_is_what_gitlab_sends_and_never_for_a_terminal() {
    let sim = failures();
    let output = logs(&sim, &["acme/unit", "--raw"]).exits_with(1);
    assert!(output.stdout.contains("\u{1B}[0K") && output.stdout.contains("section_start:"), "{output}");
    sim.clear_requests();
    let screen = env().run_in_terminal(&arguments(&sim, &["acme/unit", "--raw"]), 100, 24);
    assert_eq!(screen.code, 2, "{}", screen.contents);
    assert!(screen.contents.contains("--raw") && sim.requests().is_empty(), "{}", screen.contents);
}

#[test]
fn a_hostile_log_does_nothing_to_a_terminal() {
    let sim = failures();
    let screen = env().run_in_terminal(&arguments(&sim, &["acme/hostile", "scan", "--color", "never"]), 100, 24);
    assert_eq!(screen.code, 1, "{}", screen.contents);
    assert!(!screen.raw.contains('\u{1B}'), "{:?}", screen.raw);
}

#[test]
fn more_than_the_limit_is_left_out_and_said() {
    let sim = failures();
    let output = logs(&sim, &["acme/big", "--max-size", "300kB"]).exits_with(1);
    let _ = output.clone().says(&["only the first 300 kB", "the rest is left out"]);
    assert!((200_000..310_000).contains(&output.stdout.len()), "{}", output.stdout.len());
    let _ = logs(&sim, &["acme/big", "--max-size", "much"]).exits_with(2);
}

#[test]
fn a_log_in_a_store_elsewhere_is_read_without_the_token() {
    let (sim, store) = (failures(), failures());
    let front = TlsFront::of(store.url());
    let env = env();
    std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
    let plain = logs(&sim, &["acme/unit"]).exits_with(1);
    let id = sim.requests().iter().find_map(|request| request.path.strip_suffix("/trace").map(str::to_owned)).unwrap();
    // The store wants no token and would refuse one that it does not know.
    store.add_fault(Fault::on("/trace").answer(200, "text/plain", "from the store\n"));
    sim.add_fault(Fault::on("/trace").redirect(302, &format!("{}{id}/trace?signature=1", front.url())));
    let output = env.run(&arguments(&sim, &["acme/unit", "--ca-file", "ca.pem"])).exits_with(1);
    assert_eq!((output.stdout.as_str(), plain.stdout.is_empty()), ("from the store\n", false), "{output}");
    let asked = store.requests();
    assert!(asked.len() == 1 && !asked[0].authorization, "{asked:?}");
    sim.clear_faults();
    sim.add_fault(Fault::on("/trace").redirect(302, &format!("{}{id}/trace", store.url())));
    let _ = logs(&sim, &["acme/unit"]).refuses(3, &["it redirects to", "not followed"]);
}

#[test]
fn a_reader_that_had_enough_ends_it_quietly() {
    let sim = fresh("\"unit | 3m\"");
    sim.clock().advance(Duration::from_secs(60));
    let env = env();
    let mut command = env.command(&arguments(&sim, &["acme/api", "-f"]));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let end = end_of(child);
    assert!(!first.is_empty() && end.stderr.is_empty(), "{end:?}");
    assert_eq!(end.status.code(), Some(0));
}

#[test]
fn a_job_without_a_log_says_why() {
    let sim = fresh("\"unit | 40s\"");
    let output = logs(&sim, &["acme/api"]).exits_with(0).says(&["test/unit has no log: it is created"]);
    assert_eq!(output.stdout, "");
}
