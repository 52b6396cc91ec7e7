//! GitLab's own documented answers, transcribed from its documentation, go through the real client.

use crate::support::Env;
use crate::support::canned::Canned;
use crate::support::published::example;
use serde_json::{Value, json};

/// Serves the documented group. The answers stem from different pages of the documentation, so their ids differ:
/// whichever pipeline is asked for, pipeline 287 answers. `empty` is a list that has nothing on it.
fn documented(empty: &'static str) -> Canned {
    Canned::start(move |path| {
        let parts: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').skip(3).collect();
        let name = match parts.as_slice() {
            [.., last] if *last == empty => return (200, "[]".to_owned()),
            ["groups", _] => "group-single.json",
            ["groups", _, "projects"] => "group-projects.json",
            ["projects", _, "pipelines"] => "pipelines-list.json",
            ["projects", _, "pipelines", _] => "pipeline-single.json",
            ["projects", _, "pipelines", _, "jobs"] => "pipeline-jobs.json",
            ["projects", _, "pipelines", _, "bridges"] => "pipeline-bridges.json",
            _ => return (404, r#"{"message":"404 Not found"}"#.to_owned()),
        };
        (200, example(name))
    })
}

#[test]
fn the_documented_answers_become_the_documented_values() {
    let server = documented("bridges");
    let output = Env::new().run(&["--host", server.url(), "--group-id", "4", "-o", "json"]);
    // A success whose jobs failed: pages of the documentation that are about different pipelines.
    let json = output.exits_with(4).json();

    assert_eq!(
        json["groups"],
        json!([{ "id": 4, "full_path": "twitter", "web_url": "https://gitlab.example.com/groups/twitter" }])
    );
    let projects = json["projects"].as_array().unwrap();
    assert_eq!(projects.len(), 1);
    let project = &projects[0];
    holds(
        project,
        &json!({
            "id": 9, "full_path": "h5bp/html5-boilerplate", "name": "Html5 Boilerplate", "default_branch": "main",
            "web_url": "http://gitlab.example.com/h5bp/html5-boilerplate", "state": "ok", "ever_ran": true,
        }),
    );
    assert_eq!(project["error"]["kind"], json!("contradictory"));
    let pipeline = &project["pipelines"][0];
    holds(
        pipeline,
        &json!({
            "id": 287, "iid": 144, "status": "success", "ref": "main", "ref_kind": "branch", "source": "push",
            "sha": "50f0acb76a40e34a4ff304f7347dcc6587da8a14", "name": "Build pipeline", "user": "root",
            "created_at": "2022-09-21T01:05:07Z", "started_at": "2022-09-21T01:05:14Z",
            "finished_at": "2022-09-21T01:05:50Z", "updated_at": "2022-09-21T01:05:50Z",
            "duration_s": 34, "queued_s": 6, "coverage": null, "failure_reason": null, "yaml_errors": null,
            "web_url": "http://127.0.0.1:3000/test-group/test-project/-/pipelines/287",
            "commit_title": "Test the CI integration.",
        }),
    );
}

/// Reads the documented pipeline and returns it with the only stage that it has.
#[track_caller]
fn pipeline_and_stage(empty: &'static str) -> (Value, Value) {
    let server = documented(empty);
    let output = Env::new().run(&["--host", server.url(), "--group-id", "4", "-o", "json"]);
    let pipeline = output.exits_with(4).json()["projects"][0]["pipelines"][0].clone();
    let stages = pipeline["stages"].as_array().unwrap();
    assert_eq!((stages.len(), &stages[0]["name"]), (1, &json!("test")));
    let stage = stages[0].clone();
    (pipeline, stage)
}

// The documented job 7 and the documented bridge 7 share id, name and stage, which no pipeline has: one at a time.

#[test]
fn the_documented_jobs_stand_in_their_stage() {
    let (pipeline, stage) = pipeline_and_stage("bridges");
    assert_eq!((&stage["status"], &pipeline["downstream"]), (&json!("failed"), &json!([])));
    let jobs = stage["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2);
    holds(
        &jobs[0],
        &json!({
            "id": 6, "name": "rspec:other", "kind": "job", "status": "failed", "allow_failure": false, "attempts": 1,
            "failure_reason": "stuck_or_timeout_failure", "started_at": "2015-12-24T17:54:24Z",
            "finished_at": "2015-12-24T17:54:24Z", "duration_s": 0,
            "web_url": "https://example.com/foo/bar/-/jobs/6", "downstream_id": null,
        }),
    );
    holds(
        &jobs[1],
        &json!({ "id": 7, "name": "teaspoon", "kind": "job", "status": "failed", "failure_reason": "script_failure" }),
    );
}

#[test]
fn the_documented_trigger_job_leads_to_its_downstream_pipeline() {
    let (pipeline, stage) = pipeline_and_stage("jobs");
    let jobs = stage["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1);
    holds(
        &jobs[0],
        &json!({
            "id": 7, "name": "teaspoon", "kind": "bridge", "status": "pending", "duration_s": 240, "downstream_id": 5,
            "started_at": "2015-12-24T17:54:27Z", "finished_at": "2015-12-24T17:58:27Z",
        }),
    );
    let downstream = pipeline["downstream"].as_array().unwrap();
    assert_eq!(downstream.len(), 1);
    // It lies on another host than the one that was asked, so what the trigger job says of it is all there is.
    holds(
        &downstream[0],
        &json!({
            "id": 5, "status": "pending", "project": null,
            "web_url": "https://example.com/diaspora/diaspora-client/pipelines/5",
        }),
    );
}

#[test]
fn the_documented_refusals_are_understood() {
    let cases = [
        (
            401,
            "error-401.json",
            &["error: GitLab refused the token: 401 Unauthorized", "does not accept the token from GITLAB_TOKEN"][..],
        ),
        (403, "error-403-insufficient-scope.json", &["error: the token lacks the scope sudo", "needs the scope sudo"]),
    ];
    for (code, name, words) in cases {
        let body = example(name);
        let server = Canned::start(move |_| (code, body.clone()));
        let env = Env::new().with("GITLAB_TOKEN", "glpat-documented");
        let output = env.run(&["--host", server.url(), "--group-id", "4", "-o", "json"]);
        let _ = output.refuses(3, words);
    }
}

/// Checks that a value has these keys with these values.
#[track_caller]
fn holds(value: &Value, expected: &Value) {
    for (key, expected) in expected.as_object().unwrap() {
        assert_eq!(&value[key], expected, "{key} of {value:#}");
    }
}
