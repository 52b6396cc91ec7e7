//! The group of failures: each project has the cause that its name says, and the helpers that the tests about logs,
//! reports and actions look at it with.

use serde_json::Value;

use super::http::{Got, get, send};
use crate::{Options, Sim, TOKEN_READ_API, WorldKind};

pub(super) fn failures() -> Sim {
    Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap()
}

/// Reads with a token.
pub(super) fn read(sim: &Sim, path: &str) -> Got {
    send(sim, "GET", &format!("/api/v4{path}"), &format!("private-token: {TOKEN_READ_API}\r\n")).unwrap()
}

/// Returns the n-th newest pipeline of a project of the group, 0 being the newest.
pub(super) fn pipeline(sim: &Sim, project: &str, nth: usize) -> Value {
    read(sim, &format!("/projects/acme%2F{project}/pipelines")).json()[nth].clone()
}

/// Returns every attempt of the jobs of the newest pipeline with this name, newest first.
pub(super) fn attempts(sim: &Sim, project: &str, name: &str) -> Vec<Value> {
    let id = pipeline(sim, project, 0)["id"].clone();
    let jobs = read(sim, &format!("/projects/acme%2F{project}/pipelines/{id}/jobs?include_retried=true")).json();
    jobs.as_array().unwrap().iter().filter(|job| job["name"] == name).cloned().collect()
}

pub(super) fn log(sim: &Sim, project: &str, name: &str) -> Got {
    let id = attempts(sim, project, name)[0]["id"].clone();
    read(sim, &format!("/projects/acme%2F{project}/jobs/{id}/trace"))
}

#[test]
fn each_project_has_the_cause_that_its_name_says() {
    let sim = failures();
    let rows = [
        ("unit", "failed", "unit", "failed", Some("script_failure")),
        ("lint", "failed", "clippy", "failed", Some("script_failure")),
        ("stuck", "pending", "gpu tests", "pending", None),
        ("timeout", "failed", "end to end", "failed", Some("job_execution_timeout")),
        ("runner", "failed", "compile", "failed", Some("runner_system_failure")),
        ("child", "failed", "compile", "success", None),
        ("deploy-chain", "failed", "image", "success", None),
        ("blocked", "manual", "deploy production", "manual", None),
        ("flaky", "success", "unit", "success", None),
        ("hostile", "failed", "scan", "failed", Some("script_failure")),
        ("big", "failed", "import", "failed", Some("script_failure")),
        ("allowed", "failed", "compile", "failed", Some("script_failure")),
    ];
    for (project, whole, name, status, reason) in rows {
        assert_eq!(pipeline(&sim, project, 0)["status"], whole, "{project}");
        let job = &attempts(&sim, project, name)[0];
        assert_eq!((job["status"].as_str(), job["failure_reason"].as_str()), (Some(status), reason), "{project}");
    }
    assert_eq!(read(&sim, "/groups/12345").json()["full_path"], "acme");
    assert_eq!(pipeline(&sim, "yaml", 0)["status"], "failed");
    assert_eq!(attempts(&sim, "flaky", "unit").len(), 2);
    assert_eq!(attempts(&sim, "allowed", "audit")[0]["allow_failure"], true);
    for (project, below) in [("child", 30_007), ("deploy-chain", 30_014)] {
        let id = pipeline(&sim, project, 0)["id"].clone();
        let bridges = read(&sim, &format!("/projects/acme%2F{project}/pipelines/{id}/bridges")).json();
        assert_eq!(bridges[0]["downstream_pipeline"]["status"], "failed", "{project}");
        assert_eq!(bridges[0]["downstream_pipeline"]["project_id"], below);
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_stuck_job_has_tags_and_no_runner_and_a_timeout_took_an_hour() {
    let sim = failures();
    let stuck = &attempts(&sim, "stuck", "gpu tests")[0];
    assert_eq!((&stuck["tag_list"], &stuck["runner"]), (&serde_json::json!(["gpu", "cuda-12"]), &Value::Null));
    let waited = stuck["queued_duration"].as_f64().unwrap();
    assert!((715.0..=720.0).contains(&waited), "{waited}");
    let late = &attempts(&sim, "timeout", "end to end")[0];
    assert_eq!((late["duration"].as_f64(), late["runner"]["id"].as_u64()), (Some(3_600.0), Some(12)));
}

#[test]
fn a_reason_from_before_the_runner_leaves_no_start_and_no_runner() {
    let text = "root = \"acme\"\ngroup = [{ path = \"acme\", id = 1 }]\n[template]\n\
                t = [[\"a\", \"a | 9s | fails | reason ci_quota_exceeded\", \"b | 9s | waits 5m | erased\"]]\n\
                [[project]]\npath = \"acme/p\"\nrun = [{ jobs = \"t\", age = \"2m\" }]\n";
    let sim = Sim::start(Options { world: WorldKind::Scenario(text.to_owned()), ..Options::default() }).unwrap();
    let refused = &attempts(&sim, "p", "a")[0];
    assert_eq!((&refused["failure_reason"], &refused["started_at"]), (&"ci_quota_exceeded".into(), &Value::Null));
    assert!(refused["runner"].is_null() && refused["finished_at"].is_string());
    assert_eq!(attempts(&sim, "p", "b")[0]["status"], "waiting_for_resource");
    sim.clock().advance(std::time::Duration::from_secs(600));
    assert!(attempts(&sim, "p", "b")[0]["erased_at"].is_string());
    assert!(log(&sim, "p", "b").body.is_empty());
    assert!(log(&sim, "p", "a").body.is_empty());
}

#[test]
fn coverage_differs_a_little_from_one_pipeline_to_the_next() {
    let sim = super::http::sim();
    let list = get(&sim, "/api/v4/projects/20003/pipelines").json();
    let coverage = |nth: usize| {
        let one = get(&sim, &format!("/api/v4/projects/20003/pipelines/{}/jobs", list[nth]["id"])).json();
        one.as_array().unwrap().iter().find_map(|job| job["coverage"].as_f64())
    };
    assert_eq!(coverage(0), None, "the newest failed before it was measured");
    let before = coverage(1).unwrap();
    assert!(before != 87.4 && (before - 87.4_f64).abs() < 1.0, "{before}");
}

#[test]
fn graphql_tells_stuck_jobs_runners_reasons_and_the_sum_of_the_tests() {
    let sim = failures();
    let ask = |project: &str, fields: &str| {
        let query =
            format!("{{ project(fullPath: \"acme/{project}\") {{ pipelines(first: 1) {{ nodes {{ {fields} }} }} }} }}");
        let body = super::graphql::ask(&sim, &query, &Value::Null);
        assert!(body["errors"].is_null(), "{body}");
        body["data"]["project"]["pipelines"]["nodes"][0].clone()
    };
    let job =
        "jobs { nodes { stuck tags playable retryable cancelable manualJob scheduledAt runner { description } } }";
    let stuck = ask("stuck", &format!("stuck {job}"));
    let expected = serde_json::json!({
        "stuck": true, "tags": ["gpu", "cuda-12"], "playable": false, "retryable": false, "cancelable": true,
        "manualJob": false, "scheduledAt": null, "runner": null,
    });
    assert_eq!((&stuck["stuck"], &stuck["jobs"]["nodes"][0]), (&Value::Bool(true), &expected));
    let late = ask("timeout", job);
    assert_eq!(late["jobs"]["nodes"][0]["runner"]["description"], "docker-runner-3");
    assert_eq!(
        ask("blocked", "hasManualActions retryable"),
        serde_json::json!({ "hasManualActions": true, "retryable": false })
    );
    let said = ask("yaml", "failureReason");
    assert_eq!(said["failureReason"], "The pipeline failed due to an error on the CI/CD configuration file.");
    let total = ask("unit", "testReportSummary { total { count failed error skipped success suiteError } }");
    let expected =
        serde_json::json!({ "count": 148, "failed": 2, "error": 0, "skipped": 4, "success": 142, "suiteError": null });
    assert_eq!(total["testReportSummary"]["total"], expected);
}
