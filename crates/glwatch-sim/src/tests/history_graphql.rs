//! The past over GraphQL: paged as a backfill reads it, and the same as over REST.

use serde_json::{Value, json};

use super::graphql::ask;
use super::history::weeks;
use super::http::get;

const PAST: &str = "query($paths: [String!], $after: String, $since: Time) {
  projects(fullPaths: $paths, first: 5) { nodes { fullPath
    environments(first: 10) { nodes { name tier state } }
    pipelines(first: 40, after: $after, updatedAfter: $since) {
      pageInfo { hasNextPage endCursor }
      nodes { id status ref sha source createdAt updatedAt
        jobs(first: 100) { nodes { id name status retried } } } } } } }";

/// Reads every page of one project's pipelines.
fn all(sim: &crate::Sim, path: &str, since: Option<&str>) -> Vec<Value> {
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let body = ask(sim, PAST, &json!({ "paths": [path], "after": after, "since": since }));
        assert!(body["errors"].is_null(), "{body}");
        let page = &body["data"]["projects"]["nodes"][0]["pipelines"];
        found.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn number(id: &Value) -> u64 {
    id.as_str().unwrap().rsplit('/').next().unwrap().parse().unwrap()
}

#[test]
fn every_pipeline_and_every_attempt_is_found_page_by_page() {
    let sim = weeks();
    let expected = sim.expected_history();
    for project in expected["projects"].as_array().unwrap().iter().take(4) {
        let found = all(&sim, project["full_path"].as_str().unwrap(), None);
        let planned = project["pipelines"].as_array().unwrap();
        assert_eq!(found.len(), planned.len());
        for (one, plan) in found.iter().rev().zip(planned) {
            assert_eq!(json!(number(&one["id"])), plan["id"]);
            assert_eq!(one["status"].as_str().unwrap().to_lowercase(), plan["status"].as_str().unwrap());
            assert_eq!((&one["ref"], &one["sha"], &one["source"]), (&plan["ref"], &plan["sha"], &plan["source"]));
        }
        // Another system's status is among the jobs here, but in no list of jobs over REST.
        let jobs = || {
            let all = found.iter().flat_map(|one| one["jobs"]["nodes"].as_array().unwrap());
            all.filter(|job| job["name"] != "quality/gate")
        };
        assert_eq!(json!(jobs().count()), project["counts"]["attempts"]);
        let failed = jobs().filter(|job| job["status"] == "FAILED").count();
        assert_eq!(json!(failed), project["counts"]["failures"]);
    }
}

#[test]
fn what_changed_since_a_moment_is_what_rest_says() {
    let sim = weeks();
    let since = "2026-11-12T00:00:00Z";
    let rest = get(&sim, &format!("/api/v4/projects/20002/pipelines?per_page=100&updated_after={since}")).json();
    let rest: Vec<u64> = rest.as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
    let found = all(&sim, "acme/payments/service-002", Some(since));
    assert_eq!(found.iter().map(|one| number(&one["id"])).collect::<Vec<_>>(), rest);
    assert!(rest.len() > 10 && rest.len() < 60, "{}", rest.len());
}

#[test]
fn environments_have_their_tiers() {
    let sim = weeks();
    let body = ask(&sim, PAST, &json!({ "paths": ["acme/payments/service-002"] }));
    let found = &body["data"]["projects"]["nodes"][0]["environments"]["nodes"];
    let expected = json!([
        { "name": "staging", "tier": "STAGING", "state": "available" },
        { "name": "production", "tier": "PRODUCTION", "state": "available" },
    ]);
    assert_eq!(*found, expected);
}
