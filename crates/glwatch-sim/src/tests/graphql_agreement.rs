//! GraphQL and REST tell of one world: the same pipelines, jobs and words, at several moments.

use std::time::Duration;

use serde_json::{Value, json};

use super::graphql::ask;
use super::http::{get, sim};
use crate::{Options, Sim, WorldKind};

const QUERY: &str = "query($path: ID!) { project(fullPath: $path) {
  id name nameWithNamespace archived jobsEnabled repository { rootRef }
  pipelines { nodes {
    id iid status ref sha source name createdAt updatedAt startedAt finishedAt duration queuedDuration coverage path
    user { username } detailedStatus { group label icon }
    jobs { nodes {
      id name status kind stage { name } allowFailure coverage duration queuedDuration createdAt startedAt finishedAt
      retried webPath downstreamPipeline { id }
    } }
    stages { nodes { name status jobs { nodes { id } } } }
  } }
} }";

fn number(gid: &Value) -> Value {
    gid.as_str().and_then(|gid| gid.rsplit('/').next()?.parse::<u64>().ok()).into()
}

/// REST's times have milliseconds, GraphQL's have not.
fn seconds(time: &Value) -> Value {
    time.as_str().map(|time| format!("{}Z", time.split('.').next().unwrap_or_default())).into()
}

fn upper(word: &Value) -> Value {
    word.as_str().map(str::to_uppercase).into()
}

fn rest_jobs(sim: &Sim, base: &str) -> Vec<Value> {
    let list = |tail: &str| get(sim, &format!("{base}/{tail}per_page=100")).json().as_array().unwrap().clone();
    let mut jobs = list("jobs?include_retried=true&");
    jobs.extend(list("bridges?"));
    jobs.sort_by_key(|job| std::cmp::Reverse(job["id"].as_u64()));
    jobs
}

fn assert_jobs(mine: &Value, theirs: &[Value], base: &str) {
    let mine = mine["jobs"]["nodes"].as_array().unwrap();
    // A page of REST has 100 jobs, and so has one of GraphQL.
    for (mine, theirs) in mine.iter().zip(theirs).take(100) {
        let bridge = theirs.get("downstream_pipeline");
        let row = json!([
            number(&mine["id"]),
            mine["name"],
            mine["status"],
            mine["kind"],
            mine["stage"]["name"],
            mine["allowFailure"],
            mine["coverage"],
            mine["queuedDuration"],
            mine["createdAt"],
            mine["startedAt"],
            mine["finishedAt"],
            number(&mine["downstreamPipeline"]["id"]),
            mine["duration"],
        ]);
        let expected = json!([
            theirs["id"],
            theirs["name"],
            upper(&theirs["status"]),
            if bridge.is_some() { "BRIDGE" } else { "BUILD" },
            theirs["stage"],
            theirs["allow_failure"],
            theirs["coverage"],
            theirs["queued_duration"],
            seconds(&theirs["created_at"]),
            seconds(&theirs["started_at"]),
            seconds(&theirs["finished_at"]),
            bridge.map_or(Value::Null, |below| below["id"].clone()),
            theirs["duration"].as_f64().map(|seconds| seconds as i64),
        ]);
        assert_eq!(row, expected, "{base}");
        assert!(theirs["web_url"].as_str().unwrap().ends_with(mine["webPath"].as_str().unwrap()));
    }
}

fn assert_pipeline(sim: &Sim, project: &Value, mine: &Value) {
    let base = format!("/api/v4/projects/{project}/pipelines/{}", number(&mine["id"]));
    let theirs = get(sim, &base).json();
    let row = json!([
        mine["iid"],
        mine["status"],
        mine["ref"],
        mine["sha"],
        mine["source"],
        mine["name"],
        mine["createdAt"],
        mine["updatedAt"],
        mine["startedAt"],
        mine["finishedAt"],
        mine["duration"],
        mine["user"]["username"],
        mine["detailedStatus"]["group"],
        mine["detailedStatus"]["label"],
        mine["detailedStatus"]["icon"],
    ]);
    let detailed = &theirs["detailed_status"];
    let expected = json!([
        theirs["iid"].to_string(),
        upper(&theirs["status"]),
        theirs["ref"],
        theirs["sha"],
        theirs["source"],
        theirs["name"],
        seconds(&theirs["created_at"]),
        seconds(&theirs["updated_at"]),
        seconds(&theirs["started_at"]),
        seconds(&theirs["finished_at"]),
        theirs["duration"],
        theirs["user"]["username"],
        detailed["group"],
        detailed["label"],
        detailed["icon"],
    ]);
    assert_eq!(row, expected, "{base}");
    let coverage = theirs["coverage"].as_str().and_then(|text| text.parse::<f64>().ok());
    assert_eq!(mine["coverage"].as_f64(), coverage);
    assert!(theirs["web_url"].as_str().unwrap().ends_with(mine["path"].as_str().unwrap()));
    assert_jobs(mine, &rest_jobs(sim, &base), &base);
}

fn assert_project(sim: &Sim, truth: &Value) {
    let body = ask(sim, QUERY, &json!({ "path": truth["full_path"] }));
    assert!(body["errors"].is_null(), "{body}");
    let project = &body["data"]["project"];
    let id = &truth["id"];
    let rest = get(sim, &format!("/api/v4/projects/{id}")).json();
    assert_eq!(
        json!([
            number(&project["id"]),
            project["name"],
            project["nameWithNamespace"],
            project["archived"],
            project["jobsEnabled"],
            project["repository"]["rootRef"]
        ]),
        json!([
            rest["id"],
            rest["name"],
            rest["name_with_namespace"],
            rest["archived"],
            rest["jobs_enabled"],
            rest["default_branch"]
        ]),
    );
    let listed = get(sim, &format!("/api/v4/projects/{id}/pipelines?per_page=100"));
    let pipelines = project["pipelines"]["nodes"].as_array().unwrap();
    if listed.status == 403 {
        assert!(pipelines.is_empty());
        return;
    }
    let ids = |list: &[Value], id: fn(&Value) -> Value| list.iter().map(|item| id(&item["id"])).collect::<Vec<_>>();
    assert_eq!(ids(pipelines, number), ids(listed.json().as_array().unwrap(), Clone::clone));
    pipelines.iter().for_each(|pipeline| assert_pipeline(sim, id, pipeline));
    assert_stages(pipelines.first(), &truth["pipelines"][0]["stages"]);
}

/// The newest pipeline's stages, by name, status and current jobs; a page has 100 jobs.
fn assert_stages(mine: Option<&Value>, truth: &Value) {
    let Some(mine) = mine else { return };
    let jobs = |stage: &Value| -> Vec<Value> {
        let list = stage["jobs"]["nodes"].as_array().or(stage["jobs"].as_array()).unwrap();
        list.iter()
            .take(100)
            .map(|job| if job["id"].is_string() { number(&job["id"]) } else { job["id"].clone() })
            .collect()
    };
    let shown = |stage: &Value| {
        json!([stage["name"], stage["status"].as_str().unwrap().replace("warning", "success"), jobs(stage)])
    };
    let mine: Vec<Value> = mine["stages"]["nodes"].as_array().unwrap().iter().map(shown).collect();
    let truth: Vec<Value> = truth.as_array().unwrap().iter().map(shown).collect();
    assert_eq!(mine, truth);
}

#[test]
fn graphql_and_rest_agree_about_the_demo_world_at_any_moment() {
    let sim = sim();
    for step in [0, 45, 300] {
        sim.clock().advance(Duration::from_secs(step));
        sim.expected()["projects"].as_array().unwrap().iter().for_each(|project| assert_project(&sim, project));
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_retried_job_is_listed_with_every_attempt_and_its_stage_has_the_last() {
    let query = "{ project(fullPath: \"acme/payments/payouts\") { pipelines(first: 1) { nodes { totalJobs
        all: jobs { nodes { name retried failureMessage status id } } old: jobs(retried: true) { count }
        failed: jobs(statuses: [FAILED]) { count } bridges: jobs(jobKind: BRIDGE) { count }
        stages { nodes { jobs { count } } } } } } }";
    let body = ask(&sim(), query, &json!({}));
    let pipeline = &body["data"]["project"]["pipelines"]["nodes"][0];
    let all = pipeline["all"]["nodes"].as_array().unwrap();
    assert_eq!((all.len(), &pipeline["totalJobs"]), (9, &json!(9)));
    let ids: Vec<u64> = all.iter().map(|job| number(&job["id"]).as_u64().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b));
    let retried: Vec<&Value> = all.iter().filter(|job| job["retried"] == true).collect();
    assert_eq!(retried.len(), 1);
    assert_eq!(retried[0]["failureMessage"], "There has been a runner system failure, please try again");
    assert_eq!((&pipeline["old"]["count"], &pipeline["failed"]["count"]), (&json!(1), &json!(1)));
    assert_eq!(pipeline["bridges"]["count"], 0);
    let stages = pipeline["stages"]["nodes"].as_array().unwrap();
    assert_eq!(stages.iter().filter_map(|stage| stage["jobs"]["count"].as_u64()).sum::<u64>(), 8);
}

#[test]
fn children_are_listed_by_source_and_hang_below_their_parent() {
    let query = "{ project(fullPath: \"acme/platform/auth\") {
        own: pipelines { nodes { id downstream { nodes { id upstream { id } } } } }
        children: pipelines(source: \"parent_pipeline\") { nodes { id } } } }";
    let body = ask(&sim(), query, &json!({}));
    let project = &body["data"]["project"];
    assert_eq!(project["own"]["nodes"].as_array().unwrap().len(), 1);
    let (own, child) = (&project["own"]["nodes"][0], &project["children"]["nodes"][0]["id"]);
    assert_eq!(own["downstream"]["nodes"], json!([{ "id": child, "upstream": { "id": own["id"] } }]));
}

#[test]
fn refs_statuses_and_filters_are_gitlabs() {
    let sim = sim();
    let pipelines = |path: &str, arguments: &str| {
        let query = format!(
            "{{ project(fullPath: \"{path}\") {{ pipelines({arguments}) {{ nodes {{ refPath status }} }} }} }}"
        );
        ask(&sim, &query, &json!({}))["data"]["project"]["pipelines"]["nodes"].clone()
    };
    let count = |path: &str, arguments: &str| pipelines(path, arguments).as_array().unwrap().len();
    assert_eq!(pipelines("acme/mobile/ios", "scope: TAGS")[0]["refPath"], "refs/tags/v4.12.0");
    assert_eq!(count("acme/mobile/ios", "ref: \"v4.12.0\""), 1);
    assert_eq!(count("acme/payments/invoices", "status: FAILED"), 1);
    assert_eq!(count("acme/payments/invoices", "updatedAfter: \"2026-11-20T00:00:00Z\""), 1);
    let request = pipelines("acme/payments/providers/stripe", "source: \"merge_request_event\"");
    assert_eq!(request[0]["refPath"], "refs/heads/merge-request-7");
    let text = "root = \"g\"\ngroup = [{ path = \"g\", id = 1 }]\n[template]\nq = [[\"hold\", \"check | stays quarantined\"]]\n\
        [[project]]\npath = \"g/p\"\nrun = [{ jobs = \"q\", age = \"1h\" }]\n";
    let odd = Sim::start(Options { world: WorldKind::Scenario(text.to_owned()), ..Options::default() }).unwrap();
    let query = "{ projects { nodes { pipelines { nodes { status jobs(first: 1) { nodes { status } } } } } } }";
    let body = ask(&odd, query, &json!({}));
    let pipeline = &body["data"]["projects"]["nodes"][0]["pipelines"]["nodes"][0];
    assert_eq!(
        (&pipeline["status"], &pipeline["jobs"]["nodes"][0]["status"]),
        (&json!("QUARANTINED"), &json!("QUARANTINED"))
    );
}
