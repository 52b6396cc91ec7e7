//! Answers that no GitLab should give, limits that it sets, and parts that it loses.

use super::trouble::{pipelines_of, row, sim, status};
use crate::support::{Env, Output};
use glwatch_sim::{Action, Fault, FaultOn, Options, Sim, WorldKind};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const GROUP: &str = "GET /api/v4/groups/12345?";
const LIST: &str = "/groups/12345/projects?";

fn uniform(projects: usize, faults: Vec<Fault>) -> Sim {
    let world = WorldKind::Uniform { projects, stages: 1, jobs: 1 };
    Sim::start(Options { world, faults, ..Options::default() }).unwrap()
}

fn count(json: &Value) -> usize {
    json["projects"].as_array().unwrap().len()
}

/// The problems of one scope, as `kind`s.
fn problems<'a>(json: &'a Value, scope: &str) -> Vec<&'a str> {
    let problems = json["problems"].as_array().unwrap().iter().filter(|problem| problem["scope"] == scope);
    problems.map(|problem| problem["kind"].as_str().unwrap()).collect()
}

/// Asks a group that answers like this.
fn group(fault: impl FnOnce(FaultOn) -> Fault) -> Output {
    status(&sim(vec![fault(Fault::on(GROUP))]), &["-o", "json"])
}

/// Reads the demo group with this fault on the pipelines of one project, and returns that project's row.
#[track_caller]
fn shop(fault: impl FnOnce(FaultOn) -> Fault) -> Value {
    let sim = sim(vec![]);
    let projects = sim.expected()["projects"].as_array().unwrap().len();
    sim.add_fault(fault(Fault::on(&format!("{}?", pipelines_of(&sim, "acme/web/shop")))));
    let json = status(&sim, &["-o", "json"]).exits_with(4).says(&["1 project problem", "acme/web/shop"]).json();
    assert_eq!((count(&json), &json["summary"]["error"], &json["complete"]), (projects, &json!(1), &json!(false)));
    assert_eq!(problems(&json, "project").len(), 1);
    row(&json, "acme/web/shop").clone()
}

#[test]
fn html_instead_of_json_is_told_for_what_it_is() {
    let output = group(FaultOn::html);
    let _ = output.refuses(3, &["the answer is not JSON but an HTML page", "is the address of a GitLab", "login page"]);
    assert_eq!(shop(FaultOn::html)["error"]["kind"], "not_json");
}

#[test]
fn json_that_breaks_off_is_told_by_the_way_in_which_it_did() {
    let _ = group(FaultOn::truncated).refuses(3, &["the answer is not what GitLab documents", "EOF"]);
    let _ =
        group(FaultOn::cut).refuses(3, &["the answer broke off (after 4 attempts", "check the network and any proxy"]);
    let _ = group(FaultOn::reset).refuses(3, &["the connection failed (after 4 attempts", "check the network"]);
    let kinds = [shop(FaultOn::truncated), shop(FaultOn::cut), shop(FaultOn::reset)];
    assert_eq!(kinds.map(|row| row["error"]["kind"].clone()), ["decode", "body_cut", "connection"]);
}

#[test]
fn json_with_more_behind_it_is_no_answer() {
    for body in ["[]<html>", "[] []", "[]]", "[]\u{0}"] {
        let row = shop(|on| on.answer(200, "application/json", body));
        assert_eq!(row["error"]["kind"], "decode", "{body:?}");
    }
    let blank = sim(vec![Fault::on("/pipelines?").answer(200, "application/json", "\r\n[]\r\n\r\n")]);
    let json = status(&blank, &["-o", "json"]).exits_with(0).json();
    assert_eq!(row(&json, "acme/web/shop")["state"], "no_pipeline");
}

#[test]
fn an_answer_that_breaks_off_once_is_asked_for_again() {
    let sim =
        sim(vec![Fault::on(GROUP).once().cut(), Fault::on(LIST).once().reset(), Fault::on("/jobs").once().status(502)]);
    let _ = status(&sim, &[]).exits_with(0);
}

#[test]
fn an_answer_of_a_gigabyte_is_given_up_at_64_mib() {
    let output = group(|on| on.huge(1 << 30));
    let output = output.refuses(3, &["the answer is larger than 64 MiB", "no answer of GitLab is that large"]);
    assert!(!output.stderr.contains("attempts"), "it was asked for again\n{output}");
}

#[test]
fn an_answer_of_a_gigabyte_about_one_project_costs_only_its_row_and_no_memory() {
    let sim = sim(vec![]);
    sim.add_fault(Fault::on(&format!("{}?", pipelines_of(&sim, "acme/web/shop"))).huge(1 << 30));
    let env = Env::new();
    let program = env.command(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]);
    // The limit is on what it may hold at all; a whole gigabyte would be far above it.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -v 600000 && exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
    limited.env_clear().current_dir(env.home());
    limited.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = limited.output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(row(&json, "acme/web/shop")["error"]["kind"], "body_too_large");
}

#[test]
fn a_list_without_x_total_is_still_whole() {
    let totals = ["x-total", "x-total-pages"];
    let all = ["x-total", "x-total-pages", "x-next-page", "x-page", "link"];
    for headers in [&totals[..], &all] {
        let sim = uniform(250, vec![Fault::on(LIST).without_headers(headers)]);
        let json = status(&sim, &["-o", "json"]).exits_with(0).json();
        assert_eq!((count(&json), &json["complete"]), (250, &json!(true)));
    }
}

#[test]
fn a_list_shorter_than_announced_makes_the_result_incomplete() {
    let sim = uniform(250, vec![Fault::on("&page=3").answer(200, "application/json", "[]")]);
    let output = status(&sim, &["-o", "json"]).exits_with(4);
    let output = output.says(&["warning: list acme: the list announced 250 projects, but only 200 came"]);
    let json = output.json();
    assert_eq!((count(&json), &json["complete"]), (200, &json!(false)));
    assert_eq!(problems(&json, "list"), ["list_short"]);
}

#[test]
fn a_lost_page_of_the_list_leaves_the_other_pages() {
    let sim = uniform(250, vec![Fault::on("&page=2").status(500)]);
    let output = status(&sim, &["-o", "json"]).exits_with(4).says(&["warning: list acme: page 2 of the project list"]);
    let json = output.json();
    assert_eq!((count(&json), &json["complete"], &json["summary"]["error"]), (150, &json!(false), &json!(0)));
    assert_eq!(problems(&json, "list"), ["http_500"]);
    let _ = status(&sim, &["--allow-partial"]).exits_with(0).says(&["page 2 of the project list is missing"]);
}

#[test]
fn one_broken_project_of_two_hundred_leaves_the_others() {
    let sim = uniform(200, vec![]);
    sim.add_fault(Fault::on(&pipelines_of(&sim, "acme/project-00077")).status(500));
    let json = status(&sim, &["-o", "json"]).exits_with(4).json();
    let states = |word: &str| json["projects"].as_array().unwrap().iter().filter(|row| row["state"] == word).count();
    assert_eq!((states("ok"), states("error"), count(&json)), (199, 1, 200));
    assert_eq!(problems(&json, "project"), ["http_500"]);
    let tried = row(&json, "acme/project-00077")["error"]["message"].as_str().unwrap().to_owned();
    assert!(tried.contains("500") && tried.contains("after 4 attempts") && tried.contains("request id"), "{tried}");
}

#[test]
fn one_of_two_groups_missing_leaves_the_other() {
    let sim = sim(vec![]);
    let env = Env::new();
    let run = |more: &[&str]| {
        env.run(&[&["--host", sim.url(), "--group-id", "acme/web,no-such-group", "-o", "json"], more].concat())
    };
    let json = run(&[]).exits_with(4).says(&["warning: group no-such-group: ", "404"]).json();
    assert_eq!((problems(&json, "group"), &json["complete"]), (vec!["http_404"], &json!(false)));
    assert_eq!(json["groups"].as_array().unwrap().len(), 1);
    assert_eq!(json["projects"], {
        let alone = env.run(&["--host", sim.url(), "--group-id", "acme/web", "-o", "json"]).exits_with(0);
        alone.json()["projects"].clone()
    });
    let _ = run(&["--allow-partial"]).exits_with(0);
    let none = env.run(&["--host", sim.url(), "--group-id", "no-such-group,neither"]);
    let _ = none.refuses(3, &["group \"no-such-group\" not found"]);
}

#[test]
fn words_that_nobody_knows_are_passed_through() {
    let sim = sim(vec![
        Fault::on("/pipelines/").with_field("status", "quarantined"),
        Fault::on("/pipelines/").with_field("source", "carrier_pigeon"),
        Fault::on("/pipelines/").with_field("failure_reason", "gremlins"),
    ]);
    let json = status(&sim, &["-o", "json"]).exits_with(0).json();
    let pipeline = &row(&json, "acme/web/shop")["pipelines"][0];
    assert_eq!((&pipeline["status"], &pipeline["worst"]), (&json!("quarantined"), &json!("quarantined")));
    assert_eq!(pipeline["source"], "carrier_pigeon");
    assert_eq!(pipeline["stages"][0]["jobs"][0]["status"], "quarantined");
    let broken = &row(&json, "acme/payments/invoices")["pipelines"][0]["stages"][1]["jobs"];
    let reasons = broken.as_array().unwrap().iter().filter(|job| job["failure_reason"] == "gremlins");
    assert_eq!(reasons.count(), 1, "{broken}");
    assert!(json["summary"]["by_status"]["quarantined"].as_u64().unwrap() > 30);
    let _ = status(&sim, &[]).exits_with(0);
    let _ = status(&sim, &["-o", "wide", "--color", "always"]).exits_with(0);
}

#[test]
fn null_wherever_null_is_legal_loses_no_row() {
    let of_projects = ["description", "default_branch", "avatar_url", "web_url", "name_with_namespace", "jobs_enabled"];
    let of_pipelines = [
        "iid",
        "source",
        "ref",
        "tag",
        "sha",
        "before_sha",
        "user",
        "coverage",
        "duration",
        "queued_duration",
        "created_at",
        "updated_at",
        "started_at",
        "finished_at",
        "committed_at",
        "yaml_errors",
        "failure_reason",
        "detailed_status",
        "web_url",
        "commit",
        "runner",
        "artifacts",
        "artifacts_expire_at",
        "erased_at",
        "pipeline",
        "project",
        "tag_list",
    ];
    let sim = sim(vec![
        Fault::on("/api/v4/groups/").with_nulls(&of_projects),
        Fault::on("/pipelines").with_nulls(&of_pipelines),
    ]);
    let json = status(&sim, &["-o", "json"]).exits_with(0).json();
    let truth = sim.expected();
    for project in truth["projects"].as_array().unwrap() {
        let path = project["full_path"].as_str().unwrap();
        let found = row(&json, path);
        assert_eq!((&found["id"], &found["default_branch"]), (&project["id"], &Value::Null), "{path}");
        for pipeline in found["pipelines"].as_array().unwrap() {
            let absent = ["iid", "sha", "source", "duration_s", "coverage", "user", "created_at", "web_url"];
            assert!(absent.iter().all(|key| pipeline[key].is_null()), "{path}: {pipeline}");
            assert!(pipeline["status"].is_string(), "{path}: {pipeline}");
        }
    }
    for output in ["table", "wide"] {
        let output = status(&sim, &["-o", output]).exits_with(0);
        assert_eq!(output.stdout.lines().count(), count(&json), "{output}");
    }
}

#[test]
fn what_a_gate_cannot_do_without_is_never_assumed_where_it_is_null() {
    for field in ["downstream_pipeline", "allow_failure"] {
        let sim = sim(vec![Fault::on("/pipelines").with_nulls(&[field])]);
        let json = status(&sim, &["-o", "json"]).exits_with(4).json();
        assert_eq!((&json["complete"], count(&json)), (&json!(false), count(&sim.expected())), "{field}");
        let doubted = json["problems"].as_array().unwrap().iter().find(|problem| problem["kind"] == "contradictory");
        let subject = doubted.unwrap_or_else(|| panic!("{field}: {}", json["problems"]))["subject"].as_str().unwrap();
        assert_eq!(row(&json, subject)["pipelines"][0]["worst"], "unread", "{field}: {subject}");
    }
}

#[test]
fn even_the_status_may_be_null_and_is_then_never_fine() {
    let sim = sim(vec![Fault::on("/pipelines").with_nulls(&["status"])]);
    let json = status(&sim, &["-o", "json"]).exits_with(4).json();
    assert_eq!(row(&json, "acme/web/shop")["pipelines"][0]["status"], "unknown");
}

#[test]
fn the_exit_code_follows_fail_on_and_then_what_is_missing() {
    let sim = sim(vec![]);
    let cases: [(&[&str], i32); 6] = [
        (&[], 0),
        (&["--fail-on", "failed"], 1),
        (&["--fail-on", "warning,canceled"], 1),
        (&["--fail-on", "no_access"], 1),
        (&["--fail-on", "waiting_for_callback"], 0),
        (&["--fail-on", "error", "--allow-partial"], 0),
    ];
    for (more, code) in cases {
        let _ = status(&sim, more).exits_with(code);
    }
    sim.add_fault(Fault::on(&pipelines_of(&sim, "acme/web/shop")).status(500));
    let cases: [(&[&str], i32); 6] = [
        (&[], 4),
        (&["--allow-partial"], 0),
        (&["--fail-on", "failed"], 1),
        (&["--fail-on", "failed", "--allow-partial"], 1),
        (&["--fail-on", "waiting_for_callback"], 4),
        (&["--fail-on", "error"], 1),
    ];
    for (more, code) in cases {
        let _ = status(&sim, more).exits_with(code);
    }
}

#[test]
fn a_limit_with_retry_after_is_waited_for() {
    // One second is the shortest wait that can be told in seconds; a date that has passed is none.
    let cases = [(false, "1", 1), (true, "0", 0), (true, "Fri, 20 Nov 2026 18:59:59 GMT", 0)];
    for (json, retry_after, seconds) in cases {
        let action = Action::RateLimited { retry_after: Some(retry_after.to_owned()), json };
        let sim = sim(vec![Fault::on("/jobs").times(3).action(action)]);
        let start = Instant::now();
        let output = status(&sim, &["-o", "json"]).exits_with(0);
        assert!(start.elapsed() >= Duration::from_secs(seconds), "it did not wait");
        assert_eq!((output.stderr.as_str(), &output.json()["complete"]), ("", &json!(true)));
        assert_eq!(sim.requests().iter().filter(|request| request.status == 429).count(), 3);
    }
}

#[test]
fn a_limit_without_retry_after_is_tried_again_a_few_times() {
    for json in [false, true] {
        let fault = |on: FaultOn| on.action(Action::RateLimited { retry_after: None, json });
        let sim = sim(vec![fault(Fault::on("/jobs").times(3))]);
        let _ = status(&sim, &[]).exits_with(0);
        let words =
            ["429: too many requests", "(after 4 attempts", "the server limits how much it is asked", "--rps 5"];
        let _ = group(fault).refuses(3, &words);
        assert_eq!(shop(fault)["error"]["kind"], "rate_limited");
    }
}

#[test]
fn an_hour_of_retry_after_fails_at_once_and_says_so() {
    let output = group(|on| on.rate_limited(Some("3600")));
    let output =
        output.refuses(3, &["the server asks to wait 1h, longer than the ", " that this run has left", "--rps 5"]);
    assert!(!output.stderr.contains("attempts"), "it was asked only once\n{output}");
}

#[test]
fn a_triggered_pipeline_that_cannot_be_read_makes_the_result_partial_and_is_waited_for() {
    let sim = sim(vec![]);
    let truth = sim.expected();
    let parent = row(&truth, "acme/platform/scheduler");
    assert_eq!(parent["pipelines"][0]["status"], "success", "the parent must be green for this to prove anything");
    let child = &parent["pipelines"][0]["downstream"][0]["id"];
    sim.add_fault(Fault::on(&format!("/pipelines/{child}")).status(500));
    let output = status(&sim, &["-o", "json", "--fail-on", "no_access,error"]);
    let json = output.exits_with(1).json();
    assert_eq!(json["complete"], json!(false));
    assert_eq!(row(&json, "acme/platform/scheduler")["pipelines"][0]["worst"], "unread");
    let only = ["--include", "acme/platform/scheduler"];
    let _ = status(&sim, &only).exits_with(4);
    let waited = [&only[..], &["--wait", "--deadline", "0s", "--interval", "50ms"]].concat();
    let _ = status(&sim, &waited).exits_with(5).says(&["acme/platform/scheduler has triggered something"]);
}

#[test]
fn a_pipeline_that_the_list_names_and_nothing_else_shows_keeps_what_the_list_says() {
    let sim = sim(vec![]);
    sim.add_fault(Fault::on(&format!("*{}/*", pipelines_of(&sim, "acme/web/shop"))).status(404));
    let json = status(&sim, &["-o", "json"]).exits_with(4).json();
    let shop = row(&json, "acme/web/shop");
    assert_eq!((&shop["state"], &shop["error"]["kind"]), (&json!("ok"), &json!("not_found")));
    let truth = sim.expected();
    assert_eq!(shop["pipelines"][0]["status"], row(&truth, "acme/web/shop")["pipelines"][0]["status"]);
}

#[test]
fn a_server_in_maintenance_is_asked_again_when_it_says() {
    let headers = vec![("retry-after".to_owned(), "1".to_owned())];
    let answer = Action::Status { code: 503, content_type: "text/plain".into(), body: "maintenance".into(), headers };
    let sim = sim(vec![Fault::on(GROUP).times(1).action(answer)]);
    let start = Instant::now();
    let _ = status(&sim, &[]).exits_with(0);
    assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_list_of_four_billion_pages_is_not_believed() {
    let headers = vec![("x-total-pages".to_owned(), u32::MAX.to_string())];
    let answer = Action::Status { code: 200, content_type: "application/json".into(), body: "[]".into(), headers };
    let sim = sim(vec![Fault::on(LIST).action(answer)]);
    let _ = status(&sim, &[]).exits_with(2).says(&["the group has no projects"]);
}
