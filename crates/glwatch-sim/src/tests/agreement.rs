//! What REST says and what `truth` says is the same world: read as a client reads it, compared at several moments.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{get, sim};
use crate::Sim;

/// Reads every page of a list.
fn all(sim: &Sim, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut page = "1".to_owned();
    while !page.is_empty() {
        let got = get(sim, &format!("{path}{}page={page}", if path.contains('?') { "&" } else { "?" }));
        found.extend(got.json().as_array().unwrap().iter().cloned());
        page = got.header("x-next-page").unwrap().to_owned();
    }
    found
}

/// Puts stages together from jobs and bridges: current job, attempts, order; statuses of stages are left out.
fn stages(jobs: &[Value]) -> Value {
    let mut order: BTreeMap<(usize, u64), String> = BTreeMap::new();
    let mut named: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for job in jobs {
        let (stage, name) = (job["stage"].as_str().unwrap(), job["name"].as_str().unwrap());
        named.entry((stage.to_owned(), name.to_owned())).or_default().push(job);
        let place = [".pre", "", ".post"].iter().position(|edge| *edge == stage).unwrap_or(1);
        order.insert((place, job["id"].as_u64().unwrap()), stage.to_owned());
    }
    let mut stages: Vec<String> = Vec::new();
    for stage in order.into_values() {
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    let of = |stage: &String| {
        let jobs = named.iter().filter(|((of, _), _)| of == stage).map(|((_, name), attempts)| {
            let current = attempts.iter().max_by_key(|job| job["id"].as_u64()).unwrap();
            let kind = if current.get("downstream_pipeline").is_some() { "bridge" } else { "job" };
            json!({
                "name": name, "kind": kind, "status": current["status"], "allow_failure": current["allow_failure"],
                "attempts": attempts.len(), "id": current["id"],
            })
        });
        json!({ "name": stage, "jobs": jobs.collect::<Vec<_>>() })
    };
    stages.iter().map(of).collect()
}

/// Lists the pipelines below, as far as the bridges lead, each found again in its own project.
fn downstream(sim: &Sim, bridges: &[Value], depth: usize, found: &mut Vec<Value>) {
    let mut bridges = bridges.to_vec();
    bridges.sort_by_key(|bridge| bridge["id"].as_u64());
    for below in bridges.iter().map(|bridge| &bridge["downstream_pipeline"]).filter(|below| !below.is_null()) {
        let base = format!("/api/v4/projects/{}/pipelines/{}", below["project_id"], below["id"]);
        let one = get(sim, &base).json();
        assert_eq!((&one["id"], &one["status"]), (&below["id"], &below["status"]));
        found.push(json!([below["id"], below["status"]]));
        if depth > 1 {
            downstream(sim, &all(sim, &format!("{base}/bridges")), depth - 1, found);
        }
    }
}

pub(super) fn assert_agrees(sim: &Sim, project: &Value) {
    let base = format!("/api/v4/projects/{}/pipelines", project["id"]);
    let newest = get(sim, &format!("{base}?per_page=1"));
    match project["state"].as_str().unwrap() {
        "no_access" => assert_eq!(newest.status, 403),
        "no_pipeline" => assert_eq!(newest.json(), json!([])),
        _ => {
            let (expected, newest) = (&project["pipelines"][0], newest.json()[0].clone());
            for key in ["id", "iid", "status", "source"] {
                assert_eq!(newest[key], expected[key], "{key} of {}", project["full_path"]);
            }
            let one = format!("{base}/{}", newest["id"]);
            let mut jobs = all(sim, &format!("{one}/jobs?include_retried=true&per_page=100"));
            let bridges = all(sim, &format!("{one}/bridges"));
            jobs.extend(bridges.iter().cloned());
            let mut truth = expected["stages"].clone();
            truth.as_array_mut().unwrap().iter_mut().for_each(|stage| {
                stage.as_object_mut().unwrap().remove("status");
                // REST never shows a trigger job that was retried.
                let bridges = stage["jobs"].as_array_mut().unwrap().iter_mut().filter(|job| job["kind"] == "bridge");
                bridges.for_each(|bridge| bridge["attempts"] = 1.into());
            });
            assert_eq!(stages(&jobs), truth, "{}", project["full_path"]);
            let mut found = Vec::new();
            downstream(sim, &bridges, 3, &mut found);
            let truth = expected["downstream"].as_array().unwrap();
            let truth: Vec<Value> = truth.iter().map(|below| json!([below["id"], below["status"]])).collect();
            assert_eq!(found, truth, "{}", project["full_path"]);
        }
    }
}

#[test]
fn a_client_that_reads_everything_finds_the_truth_at_any_moment() {
    let sim = sim();
    for step in [0, 20, 75, 200, 900] {
        sim.clock().advance(Duration::from_secs(step));
        sim.expected()["projects"].as_array().unwrap().iter().for_each(|project| assert_agrees(&sim, project));
    }
    assert_eq!(sim.panics(), 0);
}
