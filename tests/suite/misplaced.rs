//! Answers that are JSON and well formed, and not what was asked for: shorter than they announce, about another pipeline,
//! or without a status. None of them opens a gate.

use crate::support::Env;
use crate::support::canned::{Canned, JSON};
use glwatch::sim::{Fault, Options, Sim, WorldKind};
use serde_json::{Value, json};

const LIST: &str = "/projects/11/pipelines?";
const DETAILS: &str = "/projects/11/pipelines/105";
const JOBS: &str = "/projects/11/pipelines/105/jobs";
const BRIDGES: &str = "/projects/11/pipelines/105/bridges";

fn pipeline(id: u64, status: &str, more: Value) -> Value {
    let updated = "2026-11-20T18:05:00.000Z";
    let mut pipeline = json!({"id": id, "project_id": 11, "status": status, "ref": "main", "updated_at": updated});
    for (key, value) in more.as_object().unwrap() {
        pipeline[key] = value.clone();
    }
    pipeline
}

/// Returns what a project with one pipeline answers that failed, or as its list says, in one job.
fn usual(path: &str, status: &str) -> Value {
    let pipeline = pipeline(105, status, json!({}));
    match path {
        path if path.contains("/groups/1/projects") => {
            json!([{"id": 11, "name": "p", "path_with_namespace": "acme/p", "default_branch": "main"}])
        }
        path if path.contains("/groups/1") => json!({"id": 1, "full_path": "acme", "web_url": ""}),
        path if path.contains("/bridges") || path.contains("/statuses") => json!([]),
        path if path.contains("/jobs") => json!([{"id": 1, "name": "unit", "stage": "test", "status": status}]),
        path if path.contains(DETAILS) => pipeline,
        _ => json!([pipeline]),
    }
}

/// Reads the group with this answer in the place of one of the usual ones.
fn gate(status: &'static str, place: &'static str, headers: &'static str, body: Value) -> (i32, Value) {
    let server = Canned::with_headers(move |path| {
        let is_asked = path.contains(place) && (place != DETAILS || path.ends_with(DETAILS));
        match is_asked {
            true => (200, headers.into(), body.to_string()),
            false => (200, JSON.into(), usual(path, status).to_string()),
        }
    });
    let given = ["--host", server.url(), "--group-id", "1", "-o", "json", "--fail-on", "failed", "--api", "rest"];
    let output = Env::new().run(&given);
    (output.code.unwrap(), serde_json::from_str(&output.stdout).unwrap_or_default())
}

#[test]
fn an_answer_to_another_question_opens_no_gate() {
    const FIVE: &str = "content-type: application/json\r\nx-total: 5\r\n";
    const HTML: &str = "content-type: text/html\r\n";
    const ODD_NEXT: &str = "content-type: application/json\r\nx-next-page: two\r\n";
    let job = || json!([{"id": 1, "name": "unit", "stage": "test", "status": "success"}]);
    let green = |more| pipeline(105, "success", more);
    type Case = (&'static str, &'static str, &'static str, &'static str, Value);
    let cases: [Case; 13] = [
        ("pipelines that were announced and did not come", "failed", LIST, FIVE, json!([])),
        ("an empty list that announces itself as a page", "failed", LIST, HTML, json!([])),
        ("details of another pipeline", "failed", DETAILS, JSON, green(json!({"id": 104}))),
        ("details as old as the list, and greener", "failed", DETAILS, JSON, green(json!({}))),
        ("details without a time, and greener", "failed", DETAILS, JSON, green(json!({"updated_at": null}))),
        ("jobs that were announced and did not come", "success", JOBS, FIVE, json!([])),
        ("fewer jobs than were announced", "success", JOBS, FIVE, job()),
        ("a next page that has no number", "success", JOBS, ODD_NEXT, job()),
        ("trigger jobs that were announced and did not come", "success", BRIDGES, FIVE, json!([])),
        ("trigger jobs that announce themselves as a page", "success", BRIDGES, HTML, json!([])),
        ("a job that does not say how it is", "success", JOBS, JSON, json!([{"id": 1, "status": null}])),
        ("a pipeline that does not say how it is", "", DETAILS, JSON, pipeline(105, "", json!({}))),
        (
            "a triggered pipeline of which nothing is said",
            "success",
            BRIDGES,
            JSON,
            json!([{"id": 2, "name": "go", "status": "success", "downstream_pipeline": {"id": 200, "status": null}}]),
        ),
    ];
    for (sentence, status, place, headers, body) in cases {
        let (code, document) = gate(status, place, headers, body);
        assert!(matches!(code, 1 | 3 | 4), "{sentence}: {code} {document}");
        assert_eq!(document["complete"], json!(false), "{sentence}: {document}");
    }
    let (code, document) = gate("success", DETAILS, JSON, green(json!({})));
    assert_eq!((code, &document["complete"]), (0, &json!(true)), "what is green and agrees is green: {document}");
}

#[test]
fn a_ref_that_cannot_be_read_hides_no_other() {
    let server = Canned::start(|path| match path {
        path if path.contains("ref=dev") => (403, r#"{"message":"403 Forbidden"}"#.into()),
        path => (200, usual(path, "failed").to_string()),
    });
    for more in [&[][..], &["--allow-partial"]] {
        let given = ["--host", server.url(), "--group-id", "1", "-o", "json", "--fail-on", "failed", "--api", "rest"];
        let output = Env::new().run(&[&given[..], &["--ref", "main", "--ref", "dev"], more].concat());
        let document = output.json();
        let row = &document["projects"][0];
        assert_eq!((&row["state"], &row["pipelines"][0]["status"]), (&json!("ok"), &json!("failed")), "{document}");
        assert_eq!(document["complete"], json!(false));
        assert!(row.to_string().contains("its ref \\\"dev\\\" could not be read"), "{row}");
        if more.is_empty() {
            assert_eq!(output.code, Some(1), "{output}");
        }
    }
}

#[test]
fn a_graphql_answer_that_says_two_things_is_none() {
    let world = WorldKind::Uniform { projects: 1, stages: 1, jobs: 1 };
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let id = sim.truth()["projects"][0]["project"]["id"].clone();
    let node = |pipelines: Value| {
        let info = json!({"hasNextPage": false});
        json!({"id": format!("gid://gitlab/Project/{id}"), "pipelines": {"pageInfo": info, "nodes": pipelines}})
    };
    let green = |id: u64, status: &str| {
        json!({"id": format!("gid://gitlab/Ci::Pipeline/{id}"), "status": status, "ref": "main",
            "jobs": {"pageInfo": {"hasNextPage": false}, "nodes": [
                {"id": "gid://gitlab/Ci::Build/1", "name": "j", "status": "SUCCESS", "allowFailure": false,
                    "downstreamPipeline": null}]}})
    };
    let cases = [
        ("a project twice", json!([node(json!([green(1, "FAILED")])), node(json!([green(1, "SUCCESS")]))])),
        ("two pipelines where one was asked for", json!([node(json!([green(1, "SUCCESS"), green(2, "FAILED")]))])),
        ("an empty status", json!([node(json!([green(1, "")]))])),
    ];
    let truth = {
        let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", "json", "--api", "rest"]);
        output.json()["projects"][0]["pipelines"][0]["id"].clone()
    };
    for (sentence, nodes) in cases {
        let body = json!({"data": {"projects": {"pageInfo": {"hasNextPage": false}, "nodes": nodes}}});
        sim.add_fault(Fault::on("/api/graphql").after(1).answer(200, "application/json", &body.to_string()));
        let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", "json"]);
        assert_eq!(output.json()["projects"][0]["pipelines"][0]["id"], truth, "{sentence}: {output}");
        sim.clear_faults();
    }
}
