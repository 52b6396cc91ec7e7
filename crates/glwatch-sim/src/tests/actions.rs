//! Retry, cancel, play: who may, what GitLab answers, and that later reads show it, by REST and by GraphQL.

use std::time::Duration;

use serde_json::{Value, json};

use super::failures::{attempts, failures, log, pipeline, read};
use super::http::{Got, send, send_body};
use crate::{Fault, Options, Sim, TOKEN_API, TOKEN_READ_API, TOKEN_READ_USER, WorldKind};

fn act(sim: &Sim, path: &str) -> Got {
    send(sim, "POST", &format!("/api/v4{path}"), &format!("private-token: {TOKEN_API}\r\n")).unwrap()
}

fn job_path(sim: &Sim, project: &str, name: &str) -> String {
    format!("/projects/acme%2F{project}/jobs/{}", attempts(sim, project, name)[0]["id"])
}

fn pipeline_path(sim: &Sim, project: &str) -> String {
    format!("/projects/acme%2F{project}/pipelines/{}", pipeline(sim, project, 0)["id"])
}

fn status(sim: &Sim, project: &str) -> String {
    pipeline(sim, project, 0)["status"].as_str().unwrap().to_owned()
}

fn job_status(sim: &Sim, project: &str, name: &str) -> String {
    attempts(sim, project, name)[0]["status"].as_str().unwrap().to_owned()
}

fn pass(sim: &Sim, seconds: u64) {
    sim.clock().advance(Duration::from_secs(seconds));
}

fn started(text: &str) -> Sim {
    let head = "root = \"acme\"\ngroup = [{ path = \"acme\", id = 1 }]\n";
    let world = WorldKind::Scenario(format!("{head}{text}"));
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

/// GraphQL, REST and the truth must say the same of every job.
fn assert_all_agree(sim: &Sim, project: &str) {
    let id = pipeline(sim, project, 0)["id"].clone();
    let jobs = read(sim, &format!("/projects/acme%2F{project}/pipelines/{id}/jobs?include_retried=true&per_page=100"));
    let bridges = read(sim, &format!("/projects/acme%2F{project}/pipelines/{id}/bridges")).json();
    let of = |job: &Value| (job["id"].as_u64().unwrap(), job["status"].as_str().unwrap().to_uppercase());
    let mut theirs: Vec<_> =
        jobs.json().as_array().unwrap().iter().chain(bridges.as_array().unwrap()).map(of).collect();
    theirs.sort_unstable();
    let query = format!(
        "{{ project(fullPath: \"acme/{project}\") {{ pipelines(first: 1) {{ nodes {{ jobs {{ nodes {{ id status kind retried }} }} }} }} }} }}"
    );
    let body = super::graphql::ask(sim, &query, &Value::Null);
    let nodes = body["data"]["project"]["pipelines"]["nodes"][0]["jobs"]["nodes"].clone();
    let of = |job: &Value| {
        let id = job["id"].as_str().unwrap().rsplit('/').next().unwrap().parse::<u64>().unwrap();
        (id, job["status"].as_str().unwrap().to_owned())
    };
    // REST never shows a trigger job that was retried.
    let shown = |job: &&Value| job["kind"] == "BUILD" || job["retried"] == false;
    let mut mine: Vec<_> = nodes.as_array().unwrap().iter().filter(shown).map(of).collect();
    mine.sort_unstable();
    assert_eq!(mine, theirs);
    sim.expected()["projects"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|project| super::agreement::assert_agrees(sim, project));
}

#[test]
fn only_a_token_with_scope_api_may_act() {
    let sim = failures();
    let job = job_path(&sim, "unit", "unit");
    let whole = pipeline_path(&sim, "unit");
    let actions = ["retry", "cancel", "play"].map(|word| format!("{job}/{word}"));
    let all = actions.into_iter().chain(["retry", "cancel"].map(|word| format!("{whole}/{word}")));
    for path in all {
        let with = |head: &str| send(&sim, "POST", &format!("/api/v4{path}"), head).unwrap();
        assert_eq!(with("").status, 401, "{path}");
        for token in [TOKEN_READ_API, TOKEN_READ_USER] {
            let refused = with(&format!("private-token: {token}\r\n"));
            let said = refused.json();
            assert_eq!(
                (refused.status, &said["error"], &said["scope"]),
                (403, &json!("insufficient_scope"), &json!("api"))
            );
        }
    }
    assert_eq!(attempts(&sim, "unit", "unit").len(), 1, "nothing was done");
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_retried_job_runs_again_with_a_higher_id_and_fails_again() {
    let sim = failures();
    let before = attempts(&sim, "unit", "unit")[0]["id"].as_u64().unwrap();
    let path = job_path(&sim, "unit", "unit");
    let made = act(&sim, &format!("{path}/retry"));
    let body = made.json();
    assert_eq!((made.status, body["status"].as_str(), &body["started_at"]), (201, Some("pending"), &Value::Null));
    let new = body["id"].as_u64().unwrap();
    assert!(new > before);
    assert_eq!(status(&sim, "unit"), "running");
    assert_eq!(job_status(&sim, "unit", "staging"), "created", "what was skipped waits again");
    assert_all_agree(&sim, "unit");
    let again = act(&sim, &format!("{path}/retry"));
    assert_eq!((again.status, again.json()["message"].as_str()), (403, Some("403 Forbidden - Job is not retryable")));
    pass(&sim, 30);
    assert_eq!(job_status(&sim, "unit", "unit"), "running");
    let beginning = log(&sim, "unit", "unit").body;
    assert!(!beginning.is_empty());
    pass(&sim, 300);
    assert_eq!(
        (status(&sim, "unit"), job_status(&sim, "unit", "staging")),
        ("failed".to_owned(), "skipped".to_owned())
    );
    assert!(log(&sim, "unit", "unit").body.starts_with(&beginning));
    let found = attempts(&sim, "unit", "unit");
    assert_eq!((found.len(), found[0]["id"].as_u64(), found[1]["id"].as_u64()), (2, Some(new), Some(before)));
    assert_eq!(sim.stats()["by_kind"]["job_retry"], 2);
    assert_all_agree(&sim, "unit");
}

#[test]
fn a_runner_that_failed_works_the_next_time_and_the_pipeline_goes_on() {
    let sim = failures();
    let made = act(&sim, &format!("{}/retry", pipeline_path(&sim, "runner")));
    assert_eq!((made.status, made.json()["status"].as_str()), (201, Some("pending")));
    assert!(made.json().get("name").is_none());
    pass(&sim, 600);
    assert_eq!(
        (status(&sim, "runner"), job_status(&sim, "runner", "unit")),
        ("success".to_owned(), "success".to_owned())
    );
    assert_eq!(attempts(&sim, "runner", "compile").len(), 2);
    // Nothing left to retry: GitLab answers the same and does nothing.
    assert_eq!(act(&sim, &format!("{}/retry", pipeline_path(&sim, "runner"))).status, 201);
    assert_eq!(attempts(&sim, "runner", "compile").len(), 2);
    assert_all_agree(&sim, "runner");
}

#[test]
fn a_played_job_runs_and_what_it_blocked_follows() {
    let sim = failures();
    let path = format!("{}/play", job_path(&sim, "blocked", "deploy production"));
    let body = json!({ "job_variables_attributes": [{ "key": "WHERE", "value": "eu" }] }).to_string();
    let head = format!("private-token: {TOKEN_API}\r\n");
    let made = send_body(&sim, "POST", &format!("/api/v4{path}"), &head, &body).unwrap();
    assert_eq!((made.status, made.json()["status"].as_str()), (200, Some("pending")));
    assert_eq!(sim.requests().last().unwrap().body, body);
    let again = act(&sim, &path);
    assert_eq!((again.status, again.json()["message"].as_str()), (400, Some("400 Bad request - Unplayable Job")));
    pass(&sim, 20);
    assert_eq!(
        (status(&sim, "blocked"), job_status(&sim, "blocked", "smoke")),
        ("running".to_owned(), "created".to_owned())
    );
    pass(&sim, 200);
    assert_eq!(
        (status(&sim, "blocked"), job_status(&sim, "blocked", "smoke")),
        ("success".to_owned(), "success".to_owned())
    );
    assert_eq!(attempts(&sim, "blocked", "deploy production").len(), 1);
    assert_eq!(sim.stats()["by_kind"]["job_play"], 2);
    assert_all_agree(&sim, "blocked");
}

const RUNNING: &str = "[template]\nt = [[\"a\", \"a | 3m | tests 148\", \"b | 3m\"], [\"c\", \"c | 9s\"]]\n\
                       [[project]]\npath = \"acme/p\"\nrun = [{ jobs = \"t\", age = \"60s\" }]\n";

#[test]
fn a_canceled_job_stops_with_its_log_and_what_follows_is_skipped() {
    let sim = started(RUNNING);
    let before = log(&sim, "p", "a").body;
    let path = job_path(&sim, "p", "a");
    let made = act(&sim, &format!("{path}/cancel"));
    assert_eq!((made.status, made.json()["status"].as_str()), (201, Some("canceled")));
    assert!(made.json()["finished_at"].is_string());
    let after = log(&sim, "p", "a").body;
    assert!(after.starts_with(&before) && after.ends_with(b"ERROR: Job failed: canceled\n\x1b[0;m"));
    assert_eq!(act(&sim, &format!("{path}/cancel")).status, 201, "GitLab does not mind a second time");
    assert_eq!(job_status(&sim, "p", "b"), "running");
    pass(&sim, 600);
    assert_eq!((status(&sim, "p"), job_status(&sim, "p", "c")), ("canceled".to_owned(), "skipped".to_owned()));
    assert_eq!(log(&sim, "p", "a").body, after);
    // And a retry brings it all to its end.
    assert_eq!(act(&sim, &format!("{path}/retry")).status, 201);
    pass(&sim, 600);
    assert_eq!((status(&sim, "p"), job_status(&sim, "p", "c")), ("success".to_owned(), "success".to_owned()));
    assert_all_agree(&sim, "p");
}

#[test]
fn a_canceled_pipeline_stops_whole_and_a_finished_one_stays_as_it_is() {
    let sim = started(RUNNING);
    let made = act(&sim, &format!("{}/cancel", pipeline_path(&sim, "p")));
    assert_eq!((made.status, made.json()["status"].as_str()), (200, Some("canceled")));
    pass(&sim, 600);
    for name in ["a", "b", "c"] {
        assert_eq!(job_status(&sim, "p", name), "canceled", "{name}");
    }
    assert_eq!(act(&sim, &format!("{}/cancel", pipeline_path(&sim, "p"))).json()["status"], "canceled");
    assert_eq!(act(&sim, &format!("{}/retry", pipeline_path(&sim, "p"))).json()["status"], "pending");
    pass(&sim, 600);
    assert_eq!(status(&sim, "p"), "success");
    let done = failures();
    assert_eq!(act(&done, &format!("{}/cancel", pipeline_path(&done, "unit"))).json()["status"], "failed");
    assert_eq!(act(&done, &format!("{}/cancel", pipeline_path(&done, "stuck"))).json()["status"], "canceled");
}

#[test]
fn a_retry_below_reopens_the_bridge_that_waits_for_it() {
    let sim = failures();
    let child = read(&sim, "/projects/acme%2Fchild/pipelines?source=parent_pipeline").json()[0]["id"].clone();
    let jobs = format!("/projects/acme%2Fchild/pipelines/{child}/jobs?scope=failed");
    let failed = read(&sim, &jobs).json()[0]["id"].clone();
    assert_eq!(act(&sim, &format!("/projects/acme%2Fchild/jobs/{failed}/retry")).status, 201);
    assert_eq!(status(&sim, "child"), "running");
    assert_all_agree(&sim, "child");
    pass(&sim, 600);
    assert_eq!(status(&sim, "child"), "failed", "the cause is still there");
    // A bridge may be retried as well: it starts another pipeline.
    let bridges = format!("{}/bridges", pipeline_path(&sim, "child"));
    let bridge = read(&sim, &bridges).json()[0].clone();
    let made = act(&sim, &format!("/projects/acme%2Fchild/jobs/{}/retry", bridge["id"]));
    assert_eq!(made.status, 201);
    pass(&sim, 600);
    let new = read(&sim, &bridges).json()[0].clone();
    assert!(new["id"].as_u64() > bridge["id"].as_u64());
    assert!(new["downstream_pipeline"]["id"].as_u64() > bridge["downstream_pipeline"]["id"].as_u64());
    assert_all_agree(&sim, "child");
    assert_eq!(sim.panics(), 0);
}

#[test]
fn what_a_fault_answers_was_not_done_and_what_it_cuts_was() {
    let sim = failures();
    let path = format!("{}/retry", job_path(&sim, "unit", "unit"));
    sim.add_fault(Fault::on("POST */retry").once().status(502));
    assert_eq!(act(&sim, &path).status, 502);
    assert_eq!(attempts(&sim, "unit", "unit").len(), 1);
    sim.clear_faults();
    sim.add_fault(Fault::on("POST */retry").once().cut());
    assert_eq!(act(&sim, &path).status, 201);
    assert_eq!(attempts(&sim, "unit", "unit").len(), 2, "the answer was lost, the retry was not");
    let kinds = sim.stats()["by_kind"].clone();
    assert_eq!(kinds["job_retry"], 2);
}

#[test]
fn an_unknown_job_or_pipeline_is_not_found() {
    let sim = failures();
    for path in ["jobs/7/retry", "jobs/7/cancel", "jobs/7/play", "pipelines/7/retry", "pipelines/7/cancel"] {
        let got = act(&sim, &format!("/projects/30001/{path}"));
        assert_eq!((got.status, got.json()["message"].as_str()), (404, Some("404 Not found")), "{path}");
    }
    assert_eq!(sim.panics(), 0);
}
