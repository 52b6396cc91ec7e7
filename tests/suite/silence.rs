//! What an answer leaves out: a field, a name, a type, a triggered pipeline. It is asked for again and never made up.

use super::cost::scenario;
use crate::support::between::{Between, Passing};
use crate::support::{Env, Output};
use glwatch_sim::Sim;
use serde_json::{Value, json};

const APIS: [&str; 2] = ["rest", "graphql"];
const PLAIN: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", age = \"3h\" }]";
const PARENT: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"parent\", age = \"3h\" }]";
const CHILD: &str = "kid = [[\"test\", \"contract | 5s | fails\"]]\nparent = [[\"trigger\", \"go | child kid\"]]";

fn run(env: &Env, url: &str, api: &str) -> Output {
    env.run(&["--host", url, "--group-id", "12345", "-o", "json", "--fail-on", "failed", "--api", api])
}

/// Changes an answer's JSON.
fn edit(passing: &mut Passing<'_>, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_str::<Value>(&passing.body) {
        change(&mut body);
        passing.body = body.to_string();
    }
}

/// Counts the queries of one name that came since the last time.
fn queries(sim: &Sim, name: &str) -> usize {
    let count = sim.requests().iter().filter(|request| request.operation.as_deref() == Some(name)).count();
    sim.clear_requests();
    count
}

#[test]
fn a_field_that_could_not_be_told_is_asked_for_by_the_next_run_and_not_for_ever() {
    let fields = [
        ("commit", json!(null), "title"),
        ("user", json!(null), "triggered_by"),
        ("coverage", json!(null), "coverage"),
    ];
    for (field, value, shown) in fields {
        let sim = scenario("", PLAIN);
        let between = Between::start(sim.url());
        let env = Env::new();
        between.change(move |passing| {
            if passing.asked.ends_with("Snapshot") {
                edit(passing, |body| {
                    let path = json!(["projects", "nodes", 0, "pipelines", "nodes", 0, field]);
                    body["data"]["projects"]["nodes"][0]["pipelines"]["nodes"][0][field] = value.clone();
                    body["errors"] = json!([{ "message": "14: no connection", "path": path }]);
                });
            }
        });
        let without = run(&env, between.url(), "graphql").exits_with(0).json();
        assert_eq!(without["complete"], json!(true), "{field}: {without}");
        assert_eq!(without["projects"][0]["pipelines"][0]["status"], json!("success"), "{field}: {without}");
        assert_eq!(without["problems"][0]["kind"], json!("graphql_field"), "{field}: {without}");
        between.change(|_| ());
        let _ = queries(&sim, "Snapshot");
        let again = run(&env, between.url(), "graphql").exits_with(0).json();
        assert_eq!(
            (&again["complete"], again["problems"].as_array().map(Vec::len)),
            (&json!(true), Some(0)),
            "{field}"
        );
        assert_eq!(queries(&sim, "Snapshot"), 1, "{field}: it is read again");
        let fresh = run(&Env::new(), between.url(), "graphql").exits_with(0).json();
        let [told, known] = [&again, &fresh].map(|document| document["projects"][0]["pipelines"][0][shown].clone());
        assert_eq!(told, known, "{field}");
        let _ = queries(&sim, "Snapshot");
        let _ = run(&env, between.url(), "graphql").exits_with(0);
        assert_eq!(queries(&sim, "Snapshot"), 0, "{field}: it is read once");
    }
}

#[test]
fn jobs_without_a_name_or_a_stage_are_jobs_all_the_same() {
    let templates = "two = [[\"test\", \"unit | 40s | fails\", \"lint | 5s\"]]";
    let project = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"two\", age = \"3h\" }]";
    for (api, field) in APIS.iter().flat_map(|api| ["name", "stage"].map(|field| (api, field))) {
        let sim = scenario(templates, project);
        let between = Between::start(sim.url());
        between.change(move |passing| {
            let is_list = passing.asked.contains("/jobs?") || passing.asked.ends_with("Snapshot");
            if is_list {
                edit(passing, |body| erase(body, field));
            }
        });
        let output = run(&Env::new(), between.url(), api).exits_with(1);
        let document = output.json();
        let project = &document["projects"][0];
        assert_eq!((&document["complete"], &project["state"]), (&json!(true), &json!("ok")), "{api} {field}: {output}");
        let stages = project["pipelines"][0]["stages"].as_array().unwrap();
        let jobs: Vec<&Value> = stages.iter().flat_map(|stage| stage["jobs"].as_array().unwrap()).collect();
        let mut words: Vec<&str> = jobs.iter().filter_map(|job| job["status"].as_str()).collect();
        words.sort_unstable();
        assert_eq!(words, ["failed", "success"], "{api} {field}: {output}");
        let table = Env::new().run(&["--host", between.url(), "--group-id", "12345", "--api", api]).exits_with(0);
        assert!(table.stdout.contains("acme/api") && table.stdout.contains("failed"), "{api} {field}: {table}");
    }
}

/// Sets a field of every job to null.
fn erase(value: &mut Value, field: &str) {
    match value {
        Value::Object(fields) => {
            let is_job = fields.contains_key("allow_failure") || fields.contains_key("allowFailure");
            for (name, value) in fields.iter_mut() {
                if is_job && name == field {
                    *value = Value::Null;
                } else {
                    erase(value, field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| erase(item, field)),
        _ => {}
    }
}

#[test]
fn types_that_came_beside_an_error_are_not_kept() {
    let sim = scenario("", PLAIN);
    let between = Between::start(sim.url());
    let env = Env::new();
    between.change(|passing| {
        if passing.asked.ends_with("Introspection") {
            edit(passing, |body| body["errors"] = json!([{ "message": "Timeout on validation of query" }]));
        }
    });
    let first = run(&env, between.url(), "auto");
    assert_eq!(first.json()["projects"][0]["pipelines"][0]["status"], json!("success"), "{first}");
    between.change(|_| ());
    let _ = queries(&sim, "Introspection");
    let _ = run(&env, between.url(), "auto").exits_with(0);
    assert_eq!(queries(&sim, "Introspection"), 1, "it is asked again");
    let _ = run(&env, between.url(), "auto").exits_with(0);
    assert_eq!(queries(&sim, "Introspection"), 0, "it is kept");
}

#[test]
fn a_triggered_pipeline_that_is_hidden_at_the_first_look_is_never_green() {
    for api in APIS {
        let sim = scenario(CHILD, PARENT);
        let between = Between::start(sim.url());
        let below = run(&Env::new(), between.url(), api).exits_with(1).json();
        let child = below["projects"][0]["pipelines"][0]["downstream"][0]["id"].as_u64().unwrap();
        between.change(move |passing| {
            if passing.asked.ends_with("Downstream") {
                edit(passing, |body| {
                    body["data"].as_object_mut().unwrap().values_mut().for_each(|at| at["pipeline"] = Value::Null);
                });
            } else if passing.asked.contains(&format!("/pipelines/{child}")) {
                passing.code = 404;
                passing.body = json!({ "message": "404 Not found" }).to_string();
            } else {
                edit(passing, forget_statuses);
            }
        });
        let output = run(&Env::new(), between.url(), api);
        let document = output.json();
        assert_ne!(output.code, Some(0), "{api}: {output}");
        assert_ne!(document["projects"][0]["pipelines"][0]["worst"], json!("success"), "{api}: {output}");
        assert_eq!(document["complete"], json!(false), "{api}: {output}");
    }
}

/// Lets trigger jobs name their pipelines, and not what became of them.
fn forget_statuses(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), value) {
                    ("downstream_pipeline" | "downstreamPipeline", Value::Object(below)) => {
                        below.insert("status".into(), Value::Null);
                        below.insert("detailedStatus".into(), Value::Null);
                    }
                    (_, value) => forget_statuses(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget_statuses),
        _ => {}
    }
}
