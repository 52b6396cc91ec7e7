//! Answers that are JSON and well formed, and not what was asked for: shorter than they announce, about another pipeline,
//! or without a status. None of them opens a gate.

use crate::support::Env;
use crate::support::canned::{Canned, JSON};
use glwatch_sim::{Fault, Options, Sim, WorldKind};
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
    const PAGES: &str = "content-type: application/json\r\nx-next-page: \r\nx-total-pages: 2\r\n";
    let elsewhere = || json!({"id": 1, "name": "unit", "stage": "test", "status": "success", "pipeline": {"id": 104}});
    let cases: [Case; 20] = [
        ("a list of another project", "success", LIST, JSON, json!([green(json!({"project_id": 12}))])),
        ("details of another project", "success", DETAILS, JSON, green(json!({"project_id": 12}))),
        ("jobs of another pipeline", "success", JOBS, JSON, json!([elsewhere()])),
        ("trigger jobs of another pipeline", "success", BRIDGES, JSON, json!([elsewhere()])),
        ("a success without any jobs", "success", JOBS, JSON, json!([])),
        ("a page of jobs that is not the last", "success", JOBS, PAGES, job()),
        ("jobs that are null", "success", JOBS, JSON, Value::Null),
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
    let id = sim.expected()["projects"][0]["id"].clone();
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

#[test]
fn a_success_that_carries_no_answer_opens_no_gate() {
    let places = ["/groups/1?", "/groups/1/projects", LIST, DETAILS, JOBS, BRIDGES];
    for (code, place) in [201, 202, 203, 204, 205, 206].into_iter().flat_map(|code| places.map(|place| (code, place))) {
        let server = Canned::start(move |path| {
            let is_asked = path.contains(place) && (place != DETAILS || path.ends_with(DETAILS));
            let whole = usual(path, "success");
            match (is_asked, &whole) {
                (true, Value::Array(_)) => (code, "[]".into()),
                (true, _) => (code, whole.to_string()),
                (false, _) => (200, whole.to_string()),
            }
        });
        let given = ["--host", server.url(), "--group-id", "1", "-o", "json", "--fail-on", "failed", "--api", "rest"];
        let output = Env::new().run(&given);
        assert!(matches!(output.code, Some(3 | 4)), "{code} {place}: {output}");
        let document: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
        assert_ne!(document["complete"], json!(true), "{code} {place}");
    }
}

#[test]
fn a_list_of_another_group_opens_no_gate() {
    let server = Canned::start(|path| match path {
        path if path.contains("/groups/1?") => (200, json!({"id": 2, "full_path": "acme", "web_url": ""}).to_string()),
        path => (200, usual(path, "success").to_string()),
    });
    let given = ["--host", server.url(), "-o", "json", "--fail-on", "failed", "--api", "rest", "--group-id"];
    let _ = Env::new().run(&[&given[..], &["1"]].concat()).exits_with(3);
    let cases = [
        ("of another top-level group", "other", Value::Null, 4),
        ("of the same one, and it is not said where", "acme/sub", Value::Null, 0),
        ("of another subgroup", "acme/sub", json!({"full_path": "acme/other"}), 4),
        ("of a group whose name begins alike", "acme", json!({"full_path": "acme-2"}), 4),
        ("of this group", "acme/sub", json!({"full_path": "Acme/Sub"}), 0),
        ("of a group below it", "acme", json!({"full_path": "acme/sub/deep"}), 0),
        ("of what is no text", "other", json!({"full_path": 7}), 4),
    ];
    for (sentence, group, namespace, code) in cases {
        let server = Canned::start(move |path| {
            let mut answer = usual(path, "success");
            if path.contains("/groups/1/projects") {
                answer[0]["namespace"] = namespace.clone();
            } else if path.contains("/groups/1?") {
                answer["full_path"] = json!(group);
            }
            (200, answer.to_string())
        });
        let given = ["--host", server.url(), "-o", "json", "--fail-on", "failed", "--api", "rest", "--group-id", "1"];
        let output = Env::new().run(&given);
        assert_eq!(output.code, Some(code), "{sentence}: {output}");
        let document = output.json();
        assert_eq!(document["complete"], json!(code == 0), "{sentence}");
        let kinds: Vec<&Value> = document["problems"].as_array().unwrap().iter().map(|lost| &lost["kind"]).collect();
        assert_eq!(kinds, if code == 0 { vec![] } else { vec!["list_foreign"] }, "{sentence}");
    }
}

/// One project that is green as GraphQL tells it, in another pipeline than REST does.
fn beside(sim: &Sim, code: u16, errors: &Value, path: &str) {
    let truth = sim.expected();
    let project = &truth["projects"][0];
    assert!(project["id"].is_u64(), "{project}");
    let job = json!({"id": "gid://gitlab/Ci::Build/1", "name": "j", "status": "SUCCESS", "allowFailure": false,
        "downstreamPipeline": null});
    let info = json!({"hasNextPage": false});
    let pipeline = json!({"id": "gid://gitlab/Ci::Pipeline/1", "status": "SUCCESS", "ref": "main", "path": path,
        "updatedAt": "2026-11-20T18:00:00Z",
        "jobs": {"pageInfo": info, "nodes": [job]}});
    let node = json!({"id": format!("gid://gitlab/Project/{}", project["id"]),
        "pipelines": {"pageInfo": info, "nodes": [pipeline]}});
    let mut body = json!({"data": {"projects": {"pageInfo": info, "nodes": [node]}}});
    if *errors != json!("none") {
        body["errors"] = errors.clone();
    }
    sim.add_fault(Fault::on("/api/graphql Snapshot").answer(code, "application/json", &body.to_string()));
}

#[test]
fn a_graphql_error_that_cannot_be_placed_takes_the_answer_with_it() {
    let world = WorldKind::Uniform { projects: 1, stages: 1, jobs: 1 };
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let error = |path: Value| json!([{"message": "Internal server error", "path": path}]);
    let at = |last: Value| {
        let mut path = json!(["projects", "nodes", 0, "pipelines", "nodes", 0]);
        path.as_array_mut().unwrap().extend(last.as_array().unwrap().iter().cloned());
        error(path)
    };
    let none = || json!("none");
    type Case = (&'static str, bool, u16, Value, &'static str);
    let cases: [Case; 27] = [
        ("no errors", true, 200, none(), ""),
        ("errors that are null", true, 200, Value::Null, ""),
        ("an empty list of errors", true, 200, json!([]), ""),
        ("a field that can be done without", true, 200, at(json!(["commit"])), ""),
        ("the title of a commit", true, 200, at(json!(["commit", "title"])), ""),
        ("no path", false, 200, json!([{"message": "Internal server error"}]), ""),
        ("a path that is null", false, 200, error(Value::Null), ""),
        ("an empty path", false, 200, error(json!([])), ""),
        ("a path that is a text", false, 200, error(json!("projects.nodes.0")), ""),
        ("a path that is an object", false, 200, error(json!({"at": 0})), ""),
        ("the connection", false, 200, error(json!(["projects"])), ""),
        ("its items", false, 200, error(json!(["projects", "nodes"])), ""),
        ("its page", false, 200, error(json!(["projects", "pageInfo", "hasNextPage"])), ""),
        ("an item that did not come", false, 200, error(json!(["projects", "nodes", 7, "pipelines"])), ""),
        ("a position that is a text", false, 200, error(json!(["projects", "nodes", "0", "name"])), ""),
        ("a field of the project", false, 200, error(json!(["projects", "nodes", 0, "name"])), ""),
        ("something else", false, 200, error(json!(["currentUser", "name"])), ""),
        ("its jobs", false, 200, at(json!(["jobs"])), ""),
        ("a job", false, 200, at(json!(["jobs", "nodes", 0])), ""),
        ("a field below a trigger job", false, 200, at(json!(["jobs", "nodes", 0, "downstreamPipeline", "path"])), ""),
        ("errors that are an object", false, 200, json!({}), ""),
        ("errors that are a text", false, 200, json!("Internal server error"), ""),
        ("an error that is null", false, 200, json!([null]), ""),
        ("an error that is a text", false, 200, json!(["Internal server error"]), ""),
        ("an error of extensions only", false, 200, json!([{"extensions": {"code": 5}}]), ""),
        ("a status that carries no answer", false, 206, none(), ""),
        ("a pipeline of another project", false, 200, none(), "/elsewhere/p/-/pipelines/1"),
    ];
    let read = |api: &str| {
        Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", "json", "--fail-on", "failed", "--api", api])
    };
    let truth = read("rest").json()["projects"][0]["pipelines"][0]["id"].clone();
    for (sentence, is_believed, code, errors, path) in cases {
        beside(&sim, code, &errors, path);
        let auto = read("auto").json();
        let shown = &auto["projects"][0]["pipelines"][0]["id"];
        assert_eq!(*shown, if is_believed { json!(1) } else { truth.clone() }, "{sentence}: {auto}");
        let graphql = read("graphql");
        let document = graphql.json();
        let is_read_over_rest = path.contains("elsewhere");
        if is_believed {
            let spares = errors.as_array().is_some_and(|errors| !errors.is_empty());
            assert_eq!(document["projects"][0]["pipelines"][0]["id"], json!(1), "{sentence}: {graphql}");
            assert!(spares || graphql.code == Some(0), "{sentence}: {graphql}");
        } else if is_read_over_rest {
            assert_eq!(document["projects"][0]["pipelines"][0]["id"], truth, "{sentence}: {graphql}");
        } else {
            assert!(matches!(graphql.code, Some(3 | 4)), "{sentence}: {graphql}");
            let row = &document["projects"][0];
            assert_eq!(
                (&document["complete"], &row["state"]),
                (&json!(false), &json!("error")),
                "{sentence}: {graphql}"
            );
        }
        sim.clear_faults();
    }
}
