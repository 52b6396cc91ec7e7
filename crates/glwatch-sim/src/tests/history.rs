//! Weeks of history: what is served is what was planned, quickly, and it looks like what teams do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Value, json};

use super::http::{get, send};
use crate::{Options, Sim, TOKEN_API, WorldKind};

pub(super) const WEEKS: WorldKind =
    WorldKind::History { projects: 12, days: 30, pipelines: 100, merge_requests: 9, deployments: 8 };

pub(super) fn weeks() -> Sim {
    Sim::start(Options { world: WEEKS, ..Options::default() }).unwrap()
}

/// Follows `Link` to the end.
fn all(sim: &Sim, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let got = get(sim, &path);
        assert_eq!(got.status, 200, "{path}");
        found.extend(got.json().as_array().unwrap().iter().cloned());
        let link = got.header("link").unwrap_or_default().to_owned();
        let wanted = link.split(", ").find(|link| link.ends_with("rel=\"next\""));
        next = wanted.map(|link| link[1..link.find('>').unwrap()].trim_start_matches(sim.url()).to_owned());
    }
    found
}

fn at(value: &Value) -> i64 {
    DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap().timestamp_millis()
}

fn projects(expected: &Value) -> &Vec<Value> {
    expected["projects"].as_array().unwrap()
}

#[test]
fn a_history_has_the_size_that_was_asked_for() {
    let expected = weeks().expected_history();
    assert_eq!(expected["pooled"]["pipelines"], 1_200);
    assert_eq!(expected["pooled"]["jobs"], 14_400);
    for project in projects(&expected) {
        assert_eq!(project["counts"]["deployments"], 8, "{}", project["full_path"]);
        assert_eq!(project["merge_requests"].as_array().unwrap().len(), 9);
    }
}

#[test]
fn a_client_that_reads_every_list_finds_what_was_planned() {
    let sim = weeks();
    for project in projects(&sim.expected_history()) {
        let base = format!("/api/v4/projects/{}", project["id"]);
        let listed = all(&sim, &format!("{base}/pipelines?per_page=100"));
        let planned: BTreeMap<u64, &Value> =
            project["pipelines"].as_array().unwrap().iter().map(|of| (of["id"].as_u64().unwrap(), of)).collect();
        assert_eq!(listed.len(), planned.len());
        for one in &listed {
            let plan = planned[&one["id"].as_u64().unwrap()];
            for key in ["status", "ref", "sha", "source"] {
                assert_eq!(one[key], plan[key], "{key} of {}", one["id"]);
            }
        }
        let jobs = all(&sim, &format!("{base}/jobs?pagination=keyset&order_by=id&sort=desc&per_page=100"));
        assert_eq!(json!(jobs.len()), project["counts"]["attempts"]);
        let ids: Vec<u64> = jobs.iter().map(|job| job["id"].as_u64().unwrap()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
        let failed: BTreeSet<u64> =
            jobs.iter().filter(|job| job["status"] == "failed").map(|job| job["id"].as_u64().unwrap()).collect();
        let causes = project["failures"].as_array().unwrap().iter().map(|of| of["job_id"].as_u64().unwrap());
        assert_eq!(failed, causes.collect(), "every failed run has one cause, {}", project["full_path"]);
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn each_push_to_a_merge_request_has_a_commit_of_its_own() {
    for project in projects(&weeks().expected_history()) {
        let mut refs: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for pipeline in project["pipelines"].as_array().unwrap() {
            refs.entry(pipeline["sha"].as_str().unwrap()).or_default().push(&pipeline["ref"]);
        }
        let is_request = |name: &&&Value| name.as_str().unwrap().starts_with("refs/merge-requests/");
        for (sha, refs) in refs {
            let requests = refs.iter().filter(is_request).count();
            assert!(requests == 0 || refs.len() == 1, "{} {sha}: {refs:?}", project["full_path"]);
        }
    }
}

#[test]
fn offset_pages_of_the_jobs_are_the_keyset_pages() {
    let sim = weeks();
    let base = "/api/v4/projects/20001/jobs?per_page=100";
    let (offset, keyset) = (all(&sim, base), all(&sim, &format!("{base}&pagination=keyset")));
    assert_eq!(offset, keyset);
    let failed = all(&sim, &format!("{base}&pagination=keyset&scope[]=failed"));
    assert_eq!(failed, keyset.into_iter().filter(|job| job["status"] == "failed").collect::<Vec<_>>());
}

#[test]
fn filters_of_the_pipeline_list_keep_what_they_say() {
    let sim = weeks();
    let base = "/api/v4/projects/20003/pipelines?per_page=100";
    let everything = all(&sim, base);
    let middle = everything[50]["created_at"].as_str().unwrap().to_owned();
    let sha = everything[20]["sha"].as_str().unwrap().to_owned();
    type Keeps<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(String, Keeps<'_>)> = vec![
        (format!("updated_after={middle}"), Box::new(|of| at(&of["updated_at"]) > at(&json!(middle)))),
        (format!("updated_before={middle}"), Box::new(|of| at(&of["updated_at"]) < at(&json!(middle)))),
        (format!("created_after={middle}"), Box::new(|of| at(&of["created_at"]) > at(&json!(middle)))),
        ("status=failed".to_owned(), Box::new(|of| of["status"] == "failed")),
        ("ref=main".to_owned(), Box::new(|of| of["ref"] == "main")),
        ("source=schedule".to_owned(), Box::new(|of| of["source"] == "schedule")),
        ("source=merge_request_event".to_owned(), Box::new(|of| of["source"] == "merge_request_event")),
        (format!("sha={sha}"), Box::new(|of| of["sha"] == sha.as_str())),
        ("name=nightly".to_owned(), Box::new(|_| false)),
        ("scope=finished".to_owned(), Box::new(|of| of["status"] != "running" && of["status"] != "skipped")),
    ];
    for (query, keeps) in cases {
        let found = all(&sim, &format!("{base}&{query}"));
        assert_eq!(found, everything.iter().filter(|of| keeps(of)).cloned().collect::<Vec<_>>(), "{query}");
    }
    let mut updated = everything.clone();
    updated.sort_by_key(|of| (at(&of["updated_at"]), of["id"].as_u64()));
    assert_eq!(all(&sim, &format!("{base}&order_by=updated_at&sort=asc")), updated);
}

/// The rules of causes hold for what was planted, so that a client that follows them cannot find another cause.
#[test]
fn each_cause_has_the_evidence_that_its_name_promises() {
    // An outage has to hit several projects.
    let world = WorldKind::History { projects: 40, days: 30, pipelines: 100, merge_requests: 9, deployments: 8 };
    let expected = Sim::start(Options { world, ..Options::default() }).unwrap().expected_history();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for project in projects(&expected) {
        let pipelines = project["pipelines"].as_array().unwrap();
        let failures = project["failures"].as_array().unwrap();
        let failed_in = |id: &Value, job: &Value| {
            failures.iter().any(|of| of["pipeline"] == *id && of["job"] == *job && of["rerun"] == false)
        };
        for failure in failures {
            let cause = failure["cause"].as_str().unwrap();
            *seen.entry(cause.to_owned()).or_default() += 1;
            let this = pipelines.iter().find(|of| of["id"] == failure["pipeline"]).unwrap();
            let before = pipelines.iter().filter(|of| {
                of["ref"] == "main" && !of["finished_at"].is_null() && at(&of["finished_at"]) <= at(&this["created_at"])
            });
            let newest = before.max_by_key(|of| at(&of["created_at"]));
            let broken = newest.is_some_and(|newest| failed_in(&newest["id"], &failure["job"]));
            let elsewhere = projects(&expected)
                .iter()
                .filter(|other| other["id"] != project["id"])
                .filter(|other| {
                    let same = |of: &&Value| !of["test"].is_null() && of["test"] == failure["test"];
                    other["failures"].as_array().unwrap().iter().any(|of| same(&of))
                })
                .count();
            let system = failure["reason"] != "script_failure";
            let flaky = project["flaky_jobs"].as_array().unwrap().iter().any(|of| of["job"] == failure["job"]);
            let rules = (system, broken, elsewhere >= 2, flaky);
            let first = match rules {
                (true, ..) => "infrastructure",
                (_, true, ..) => "already_broken",
                (_, _, true, _) => "everywhere",
                (.., true) => "flaky",
                _ => "yours",
            };
            assert_eq!(first, cause, "{} {failure}", project["full_path"]);
        }
    }
    let all = ["already_broken", "everywhere", "flaky", "infrastructure", "yours"];
    assert_eq!(seen.keys().map(String::as_str).collect::<Vec<_>>(), all, "{seen:?}");
}

#[test]
fn a_red_stretch_begins_and_ends_with_known_commits() {
    let expected = weeks().expected_history();
    let (mut open, mut repaired) = (0, 0);
    for project in projects(&expected) {
        let trunk: Vec<&Value> =
            project["pipelines"].as_array().unwrap().iter().filter(|of| of["ref"] == "main").collect();
        for stretch in project["red_stretches"].as_array().unwrap() {
            let place = |id: &Value| trunk.iter().position(|of| of["id"] == *id);
            let first = place(&stretch["first_pipeline"]).unwrap();
            assert_eq!(trunk[first]["sha"], stretch["sha"]);
            assert!(first == 0 || trunk[first - 1]["status"] == "success" || is_noise(project, trunk[first - 1]));
            let end = place(&stretch["repaired_by"]);
            assert!(trunk[first..end.unwrap_or(trunk.len())].iter().all(|of| of["status"] == "failed"), "{stretch}");
            (open, repaired) = (open + usize::from(end.is_none()), repaired + usize::from(end.is_some()));
        }
    }
    assert!(open > 0 && repaired > 20, "{open} open, {repaired} repaired");
}

fn is_noise(project: &Value, pipeline: &Value) -> bool {
    let of = project["failures"].as_array().unwrap().iter().find(|of| of["pipeline"] == pipeline["id"]);
    of.is_none_or(|of| matches!(of["cause"].as_str(), Some("flaky" | "infrastructure")))
}

#[test]
fn deployments_can_be_read_as_gitlab_lets_them_be_read() {
    let sim = weeks();
    let finished = "finished_after=2026-10-01T00:00:00Z";
    let refused = "400 Bad request - ";
    let cases = [
        (
            "a filter by end alone",
            finished.to_owned(),
            Some("`finished_at` filter and `finished_at` sorting must be paired"),
        ),
        (
            "sorting by end alone",
            "order_by=finished_at".to_owned(),
            Some("`finished_at` filter and `finished_at` sorting must be paired"),
        ),
        (
            "both, without success",
            format!("{finished}&order_by=finished_at"),
            Some("`finished_at` filter must be combined with `success` status filter."),
        ),
        (
            "end and change",
            format!("{finished}&updated_after=2026-10-01T00:00:00Z&order_by=finished_at&status=success"),
            Some("Both `updated_at` filter and `finished_at` filter can not be specified"),
        ),
        ("as documented", format!("{finished}&order_by=finished_at&status=success"), None),
        (
            "failed ones by change",
            "status=failed&order_by=updated_at&updated_after=2026-10-01T00:00:00Z".to_owned(),
            None,
        ),
    ];
    for (sentence, query, message) in cases {
        let got = get(&sim, &format!("/api/v4/projects/20002/deployments?{query}"));
        assert_eq!(got.status, if message.is_some() { 400 } else { 200 }, "{sentence}");
        if let Some(message) = message {
            assert_eq!(got.json()["message"], format!("{refused}{message}"), "{sentence}");
        }
    }
}

#[test]
fn deployments_with_their_merge_requests_are_what_was_planned() {
    let sim = weeks();
    let mut reasons: BTreeSet<String> = BTreeSet::new();
    let mut statuses: BTreeSet<String> = BTreeSet::new();
    for project in projects(&sim.expected_history()) {
        let base = format!("/api/v4/projects/{}", project["id"]);
        let environments = all(&sim, &format!("{base}/environments"));
        assert_eq!(environments.iter().map(|of| of["tier"].clone()).collect::<Vec<_>>(), ["staging", "production"]);
        let listed = all(&sim, &format!("{base}/deployments?per_page=100"));
        let planned = project["deployments"].as_array().unwrap();
        assert_eq!(listed.len(), planned.len());
        for (found, plan) in listed.iter().zip(planned) {
            for key in ["id", "iid", "status", "sha"] {
                assert_eq!(found[key], plan[key], "{key}");
            }
            assert_eq!(found["environment"]["name"], plan["environment"]);
            assert_eq!(found["deployable"]["pipeline"]["id"], plan["pipeline"]);
            assert_eq!(found["deployable"]["status"], plan["status"], "{plan}");
            assert_eq!(found["deployable"]["finished_at"], plan["finished_at"]);
            let brought = all(&sim, &format!("{base}/deployments/{}/merge_requests?sort=asc", found["id"]));
            assert_eq!(json!(brought.iter().map(|of| of["iid"].clone()).collect::<Vec<_>>()), plan["merge_requests"]);
            reasons
                .extend(plan["failure_reasons"].as_array().unwrap().iter().map(|of| of.as_str().unwrap().to_owned()));
            statuses.insert(found["status"].as_str().unwrap().to_owned());
        }
    }
    assert!(statuses.contains("failed") && statuses.contains("running"), "{statuses:?}");
    assert!(reasons.contains("rollback") && reasons.contains("hotfix") && reasons.contains("incident"), "{reasons:?}");
}

/// The verdicts of dora.md 6.4, found again from the facts that a client reads.
#[test]
fn the_verdict_of_a_deployment_follows_from_its_facts() {
    let sim = weeks();
    for project in projects(&sim.expected_history()) {
        let requests = all(&sim, &format!("/api/v4/projects/{}/merge_requests?per_page=100", project["id"]));
        let issues = all(&sim, &format!("/api/v4/projects/{}/issues?issue_type=incident", project["id"]));
        assert_eq!(issues.len(), project["incidents"].as_array().unwrap().len());
        let good: Vec<&Value> = (project["deployments"].as_array().unwrap().iter())
            .filter(|of| of["environment"] == "production" && of["status"] == "success")
            .collect();
        for (nth, this) in good.iter().enumerate() {
            let next = good.get(nth + 1);
            let mut reasons = Vec::new();
            let old = |sha: &Value| good[..nth].iter().any(|of| of["sha"] == *sha);
            if next.is_some_and(|next| next["sha"] != this["sha"] && old(&next["sha"])) {
                reasons.push("rollback");
            }
            let soon = next.filter(|next| at(&next["finished_at"]) - at(&this["finished_at"]) <= 48 * 3_600_000);
            let brings = |is: &dyn Fn(&Value) -> bool| {
                let iids = soon.map(|next| next["merge_requests"].as_array().unwrap().clone()).unwrap_or_default();
                requests.iter().any(|of| iids.contains(&of["iid"]) && is(of))
            };
            if brings(&|of| of["title"].as_str().unwrap().starts_with("Revert \"")) {
                reasons.push("revert");
            }
            if brings(&|of| of["labels"].as_array().unwrap().contains(&json!("hotfix"))) {
                reasons.push("hotfix");
            }
            let end = next.map_or(i64::MAX, |next| at(&next["finished_at"]));
            if issues.iter().any(|of| (at(&this["finished_at"])..end).contains(&at(&of["created_at"]))) {
                reasons.push("incident");
            }
            assert_eq!(json!(reasons), this["failure_reasons"], "{} {this}", project["full_path"]);
        }
    }
}

#[test]
fn merge_requests_have_commits_pipelines_and_an_end() {
    let sim = weeks();
    let of_group = all(&sim, "/api/v4/groups/acme/merge_requests?per_page=100");
    assert_eq!(of_group.len(), 12 * 9);
    let merged = all(&sim, "/api/v4/groups/acme/merge_requests?state=merged&per_page=100");
    assert!(merged.len() > 70 && merged.len() < of_group.len());
    for request in &of_group {
        let base = format!("/api/v4/projects/{}/merge_requests/{}", request["project_id"], request["iid"]);
        assert_eq!(get(&sim, &base).json(), *request);
        let commits = all(&sim, &format!("{base}/commits"));
        assert_eq!(commits[0]["id"], request["sha"]);
        assert!(at(&commits.last().unwrap()["authored_date"]) < at(&request["created_at"]));
        let pipelines = all(&sim, &format!("{base}/pipelines"));
        assert_eq!(pipelines[0]["sha"], request["sha"]);
        assert_eq!(pipelines.len() + 1, commits.len());
        if request["state"] == "merged" {
            assert!(at(&request["merged_at"]) > at(&pipelines[0]["created_at"]), "{request}");
        }
    }
    let incidents = all(&sim, "/api/v4/groups/acme/issues?issue_type=incident&per_page=100");
    assert!(!incidents.is_empty() && incidents.iter().all(|of| of["issue_type"] == "incident"));
    assert!(all(&sim, "/api/v4/groups/acme/issues?per_page=100").len() > incidents.len());
}

#[test]
fn a_failed_job_of_last_week_has_a_report_and_a_log_that_name_its_test() {
    let sim = weeks();
    let expected = sim.expected_history();
    let project = &projects(&expected)[0];
    let failures = project["failures"].as_array().unwrap();
    let mut looked_at = 0;
    for failure in failures.iter().filter(|of| !of["test"].is_null() && of["rerun"] == false) {
        let base = format!("/api/v4/projects/{}", project["id"]);
        let report = get(&sim, &format!("{base}/pipelines/{}/test_report", failure["pipeline"])).json();
        let suites = report["test_suites"].as_array().unwrap();
        let failed: Vec<&Value> = suites
            .iter()
            .flat_map(|suite| suite["test_cases"].as_array().unwrap())
            .filter(|case| case["status"] == "failed")
            .map(|case| &case["name"])
            .collect();
        assert_eq!(failed, [&failure["test"]], "{failure}");
        let head = format!("private-token: {TOKEN_API}\r\n");
        let log = send(&sim, "GET", &format!("{base}/jobs/{}/trace", failure["job_id"]), &head).unwrap();
        let log = String::from_utf8_lossy(&log.body).into_owned();
        assert!(log.contains(failure["test"].as_str().unwrap()), "{failure} {log}");
        looked_at += 1;
    }
    assert!(looked_at > 3);
}

#[test]
fn an_old_job_can_be_run_again() {
    let sim = weeks();
    let expected = sim.expected_history();
    let project = &projects(&expected)[1];
    let failure = project["failures"]
        .as_array()
        .unwrap()
        .iter()
        .find(|of| of["cause"] == "yours" && of["rerun"] == false)
        .unwrap();
    let head = format!("private-token: {TOKEN_API}\r\n");
    let path = format!("/api/v4/projects/{}/jobs/{}/retry", project["id"], failure["job_id"]);
    let new = send(&sim, "POST", &path, &head).unwrap();
    assert_eq!(new.status, 201);
    let newest = get(&sim, &format!("/api/v4/projects/{}/jobs?per_page=1", project["id"])).json();
    assert_eq!(newest[0]["id"], new.json()["id"]);
    let pipeline = get(&sim, &format!("/api/v4/projects/{}/pipelines/{}", project["id"], failure["pipeline"])).json();
    assert_eq!(pipeline["status"], "running");
}

#[test]
fn what_lies_ahead_is_seen_when_its_time_has_come() {
    let sim = weeks();
    sim.clock().advance(std::time::Duration::from_secs(86_400));
    assert_eq!(sim.expected_history()["pooled"]["pipelines"], 1_212);
    let newest = get(&sim, "/api/v4/projects/20001/pipelines?per_page=1");
    assert_eq!(newest.header("x-total"), Some("101"));
}

#[test]
fn a_history_that_cannot_be_is_refused() {
    let start = |pipelines, merge_requests, deployments| {
        let world = WorldKind::History { projects: 1, days: 10, pipelines, merge_requests, deployments };
        Sim::start(Options { world, ..Options::default() }).map(drop)
    };
    assert!(start(40, 4, 3).is_ok());
    assert!(start(3, 4, 0).is_err(), "more merge requests than pipelines");
    assert!(start(40, 4, 30).is_err(), "more deployments than green pipelines");
    assert!(start(2_000, 0, 0).is_err(), "more pipelines of one branch than there is time for");
}
