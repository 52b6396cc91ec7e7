//! Readings that are half of one moment and half of the next, that lack a part, or that never end: red is never green.

use super::cost::scenario;
use crate::support::between::{Between, Passing};
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Sim};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// A pipeline that is under way, and whose child has failed when two minutes have passed; the parent is green then.
const TEMPLATES: &str = "kid = [[\"test\", \"contract | 5s | fails\"]]\n\
                         parent = [[\"build\", \"compile | 60s\"], [\"trigger\", \"contracts | child kid\"]]";
const PROJECT: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"parent\", age = \"20s\" }]";
const LATER: Duration = Duration::from_secs(120);

/// A part of a pipeline that comes from a request, or a field, of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Details,
    Jobs,
    Bridges,
}

const PARTS: [Part; 3] = [Part::Details, Part::Jobs, Part::Bridges];
const APIS: [&str; 2] = ["rest", "graphql"];

impl Part {
    /// Puts this part of the past into an answer; says whether it did.
    fn tear(self, passing: &mut Passing<'_>) -> bool {
        let Some(before) = passing.before.clone() else { return false };
        if passing.asked.starts_with("POST /api/graphql Snapshot") {
            return self.tear_graphql(passing, &before);
        }
        let path = passing.asked.split('?').next().unwrap_or_default();
        let is_meant = match (self, path.split("/pipelines/").nth(1)) {
            (Self::Details, Some(rest)) => !rest.contains('/'),
            (Self::Jobs, Some(rest)) => rest.ends_with("/jobs"),
            (Self::Bridges, Some(rest)) => rest.ends_with("/bridges"),
            (_, None) => false,
        };
        let is_torn = is_meant && passing.body != before;
        if is_torn {
            passing.body = before;
        }
        is_torn
    }

    fn tear_graphql(self, passing: &mut Passing<'_>, before: &str) -> bool {
        let [old, mut new]: [Value; 2] = [before, &passing.body].map(|text| serde_json::from_str(text).unwrap());
        const NODE: &str = "/data/projects/nodes/0/pipelines/nodes/0";
        let (Some(past), Some(now)) = (old.pointer(NODE), new.pointer_mut(NODE)) else { return false };
        match self {
            Self::Details => {
                for key in ["status", "updatedAt", "finishedAt", "detailedStatus"] {
                    now[key] = past[key].clone();
                }
            }
            Self::Jobs => now["jobs"] = past["jobs"].clone(),
            Self::Bridges => {
                let jobs = now["jobs"]["nodes"].as_array_mut().unwrap();
                let bridge = jobs.iter_mut().find(|job| job["id"].as_str().unwrap().contains("Bridge")).unwrap();
                bridge["downstreamPipeline"] = Value::Null;
            }
        }
        let text = new.to_string();
        let is_torn = text != passing.body;
        passing.body = text;
        is_torn
    }
}

/// Tears the next reading only.
fn tear_once(between: &Between, part: Part) {
    let mut is_done = false;
    between.change(move |passing| is_done = is_done || part.tear(passing));
}

fn arguments<'a>(between: &'a Between, api: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["--host", between.url(), "--group-id", "12345", "--api", api, "--rps", "1000"];
    [&fixed[..], more].concat()
}

fn once(env: &Env, between: &Between, api: &str, more: &[&str]) -> Output {
    env.run(&arguments(between, api, &[&["-o", "json", "--fail-on", "failed"], more].concat()))
}

#[track_caller]
fn is_red(output: Output, sentence: &str) {
    let json = output.clone().json();
    assert_eq!(output.code, Some(1), "{sentence}\n{output}");
    assert_eq!(json["complete"], json!(true), "{sentence}\n{output}");
    let pipeline = &json["projects"][0]["pipelines"][0];
    // GitLab may take a moment to see that all jobs have ended.
    assert!(["success", "running"].contains(&pipeline["status"].as_str().unwrap()), "{sentence}\n{output}");
    assert_eq!(pipeline["worst"], json!("failed"), "{sentence}\n{output}");
    assert_eq!(pipeline["downstream"][0]["status"], json!("failed"), "{sentence}");
}

fn world() -> (Sim, Between) {
    let sim = scenario(TEMPLATES, PROJECT);
    let between = Between::start(sim.url());
    (sim, between)
}

#[test]
fn a_torn_one_shot_is_read_again() {
    for (api, part) in APIS.iter().flat_map(|api| PARTS.map(|part| (api, part))) {
        let (sim, between) = world();
        let env = Env::new();
        let _ = once(&env, &between, api, &["--no-cache"]).exits_with(0);
        sim.clock().advance(LATER);
        tear_once(&between, part);
        is_red(once(&env, &between, api, &["--no-cache"]), &format!("{api} {part:?}"));
    }
}

#[test]
fn a_torn_warm_start_is_read_again() {
    for (api, part) in APIS.iter().flat_map(|api| PARTS.map(|part| (api, part))) {
        let (sim, between) = world();
        let env = Env::new();
        let _ = once(&env, &between, api, &[]).exits_with(0);
        sim.clock().advance(LATER);
        tear_once(&between, part);
        is_red(once(&env, &between, api, &[]), &format!("{api} {part:?}"));
    }
}

#[test]
fn a_torn_refresh_is_read_again() {
    for (api, part) in APIS.iter().flat_map(|api| PARTS.map(|part| (api, part))) {
        let (sim, between) = world();
        let watch = ["--watch", "--interval", "50ms", "-o", "ndjson"];
        let mut running = Env::new().start(&arguments(&between, api, &watch));
        running.line_with(|line| line.contains("\"event\":\"snapshot\""));
        tear_once(&between, part);
        sim.clock().advance(LATER);
        let line = running.line_with(|line| line.contains("\"to\":\"success\"") || line.contains("\"to\":\"failed\""));
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["to"], json!("failed"), "{api} {part:?}: {line}");
    }
}

/// A reading that stays torn is never green, and the next one does not believe what this one has left.
#[test]
fn what_stays_contradictory_is_partial_and_is_not_kept() {
    // Where the jobs are those of before, the child is still shown.
    let torn = [(Part::Jobs, 1, "failed"), (Part::Bridges, 4, "unread")];
    for (api, (part, code, worst)) in APIS.iter().flat_map(|api| torn.map(|part| (api, part))) {
        let (sim, between) = world();
        let env = Env::new();
        let _ = once(&env, &between, "rest", &["--no-cache"]).exits_with(0);
        let _ = once(&env, &between, "graphql", &["--no-cache"]).exits_with(0);
        sim.clock().advance(LATER);
        let mut past = HashMap::new();
        between.change(move |passing| {
            // However often it is asked, the past stays the same.
            let before = past.entry(passing.asked.to_owned()).or_insert_with(|| passing.before.clone());
            passing.before = before.clone();
            // REST is torn like GraphQL, or it would tell.
            part.tear(passing);
        });
        let output = once(&env, &between, api, &[]).exits_with(code);
        let json = output.json();
        let sentence = format!("{api} {part:?}\n{output}");
        assert_eq!(json["complete"], json!(false), "{sentence}");
        assert_eq!(json["projects"][0]["pipelines"][0]["worst"], json!(worst), "{sentence}");
        assert_eq!(json["projects"][0]["error"]["kind"], json!("contradictory"), "{sentence}");
        between.change(|_| ());
        is_red(once(&env, &between, api, &[]), &sentence);
    }
}

/// A pipeline that ended three hours ago, and what the program says when a part of it is refused.
fn ended(fails: bool) -> Sim {
    let flag = if fails { " | fails" } else { "" };
    let plain = format!("plain = [[\"test\", \"unit | 40s{flag}\"]]");
    scenario(&plain, "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"plain\", age = \"3h\" }]")
}

#[test]
fn a_part_that_is_refused_leaves_the_status_and_makes_the_result_partial() {
    let paths = [("*/pipelines/*/jobs?*", "its jobs"), ("*/pipelines/*/bridges?*", "its trigger jobs")];
    type Break = fn(&str) -> Fault;
    let breaks: [(&str, Break); 7] = [
        ("forbidden", |path| Fault::on(path).status(403)),
        ("not_found", |path| Fault::on(path).status(404)),
        ("http_500", |path| Fault::on(path).status(500)),
        ("rate_limited", |path| Fault::on(path).rate_limited(None)),
        ("not_json", |path| Fault::on(path).html()),
        ("decode", |path| Fault::on(path).truncated()),
        ("body_cut", |path| Fault::on(path).cut()),
    ];
    for ((path, part), (kind, how)) in paths.iter().flat_map(|path| breaks.iter().map(move |how| (path, how))) {
        for (fails, word, worst) in [(true, "failed", "failed"), (false, "success", "unread")] {
            let sim = ended(fails);
            sim.add_fault(how(path));
            let run = |more: &[&str]| {
                Env::new().run(&[&["--host", sim.url(), "--group-id", "12345", "-o", "json"], more].concat())
            };
            let output = run(&[]).exits_with(4);
            let sentence = format!("{part} {kind}\n{output}");
            let json = output.json();
            let project = &json["projects"][0];
            let pipeline = &project["pipelines"][0];
            assert_eq!(json["complete"], json!(false), "{sentence}");
            assert_eq!(project["state"], json!("ok"), "{sentence}");
            assert_eq!(project["error"]["kind"], json!(kind), "{sentence}");
            assert!(project["error"]["message"].as_str().unwrap().starts_with(part), "{sentence}");
            assert_eq!((&pipeline["status"], &pipeline["worst"]), (&json!(word), &json!(worst)), "{sentence}");
            assert_eq!(json["problems"][0]["scope"], json!("project"), "{sentence}");
            let _ = run(&["--fail-on", "failed"]).exits_with(if fails { 1 } else { 4 });
        }
    }
}

#[test]
fn details_that_are_refused_leave_what_the_list_says() {
    for code in [403, 404, 500] {
        let sim = ended(true);
        let id = sim.expected()["projects"][0]["pipelines"][0]["id"].as_u64().unwrap();
        sim.add_fault(Fault::on(&format!("*/pipelines/{id}")).status(code));
        let fixed = ["--host", sim.url(), "--group-id", "12345", "-o", "json", "--fail-on", "failed"];
        let output = Env::new().run(&fixed).exits_with(1);
        let json = output.json();
        let pipeline = &json["projects"][0]["pipelines"][0];
        assert_eq!((&pipeline["status"], &pipeline["id"]), (&json!("failed"), &json!(id)), "{code}\n{output}");
        assert_eq!(json["complete"], json!(false), "{code}\n{output}");
    }
}

#[test]
fn every_output_says_that_a_part_is_missing() {
    let sim = ended(false);
    sim.add_fault(Fault::on("*/pipelines/*/jobs?*").status(403));
    let cases = [
        ("table", "? success, unread #"),
        ("table", "its jobs could not be read: GitLab answered 403"),
        ("csv", "its jobs could not be read: GitLab answered 403"),
        ("markdown", "its jobs could not be read: GitLab answered 403"),
        ("junit", "<error"),
        ("openmetrics", "glwatch_snapshot_complete 0"),
        ("openmetrics", "status=\"unread\""),
    ];
    for (format, expected) in cases {
        let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", format]).exits_with(4);
        assert!(output.stdout.contains(expected), "{format} lacks {expected:?}\n{output}");
    }
    // What GitLab refuses does not come by waiting.
    let _ = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "--wait"]).exits_with(4);
}

#[test]
fn a_pipeline_that_is_deleted_while_it_is_read_gives_way_to_the_newest_that_is_left() {
    let sim = ended(true);
    let between = Between::start(sim.url());
    let mut lists = 0;
    between.change(move |passing| {
        // The list names one more, which is gone as soon as it is asked about.
        if passing.asked.contains("/pipelines?") {
            lists += 1;
            if lists == 1 {
                let mut heads: Value = serde_json::from_str(&passing.body).unwrap();
                heads[0]["id"] = json!(999_999_999);
                passing.body = heads.to_string();
            }
        }
    });
    let output = once(&Env::new(), &between, "rest", &["--no-cache"]).exits_with(1);
    assert_eq!(output.json()["complete"], json!(true), "{output}");
    assert_eq!(output.json()["projects"][0]["pipelines"][0]["status"], json!("failed"), "{output}");
}

/// Makes every answer to a list name a next page, and shows the first page for each.
fn repeat(between: &Between, list: &'static str) {
    let mut first: Option<String> = None;
    between.change(move |passing| {
        let path = passing.asked.split('?').next().unwrap_or_default();
        if path.ends_with(list) && passing.code == 200 {
            passing.body = first.get_or_insert_with(|| passing.body.clone()).clone();
            passing.has_next_page = true;
        }
    });
}

#[test]
fn a_list_that_repeats_itself_ends_after_the_first_repetition() {
    for (list, scope) in [("/jobs", "project"), ("/bridges", "project"), ("/groups/12345/projects", "list")] {
        let (sim, between) = world();
        repeat(&between, list);
        let output = once(&Env::new(), &between, "rest", &["--no-cache"]).exits_with(4);
        let json = output.json();
        assert_eq!(json["complete"], json!(false), "{list}\n{output}");
        assert_eq!(json["problems"][0]["scope"], json!(scope), "{list}\n{output}");
        assert!(json["problems"][0]["message"].as_str().unwrap().contains("repeat"), "{list}\n{output}");
        assert_eq!(json["projects"][0]["pipelines"][0]["status"], json!("running"), "{list}\n{output}");
        assert!(sim.requests().len() < 12, "{list}: {} requests", sim.requests().len());
    }
}

/// Makes every GraphQL list of this kind repeat itself: the same items, and always a next page.
fn repeat_graphql(between: &Between, is_jobs: bool, has_new_cursors: bool) {
    let mut first: Option<Value> = None;
    let mut pages = 0;
    between.change(move |passing| {
        let Some((_, operation)) = passing.asked.split_once("/api/graphql ") else { return };
        let Ok(mut body) = serde_json::from_str::<Value>(&passing.body) else { return };
        pages += 1;
        let cursor = if has_new_cursors { format!("page {pages}") } else { "page".into() };
        match (operation, is_jobs) {
            ("Snapshot", true) => {
                let jobs = &mut body["data"]["projects"]["nodes"][0]["pipelines"]["nodes"][0]["jobs"];
                jobs["pageInfo"] = json!({ "hasNextPage": true, "endCursor": cursor });
                first.get_or_insert_with(|| jobs.clone());
            }
            ("Jobs", true) => {
                let mut jobs = first.clone().unwrap_or_default();
                jobs["pageInfo"] = json!({ "hasNextPage": true, "endCursor": cursor });
                body =
                    json!({ "data": { "at0": { "pipeline": { "id": "gid://gitlab/Ci::Pipeline/1", "jobs": jobs } } } });
            }
            ("Snapshot", false) => {
                let projects = &mut body["data"]["projects"];
                let node = first.get_or_insert_with(|| projects["nodes"][0].clone()).clone();
                *projects = json!({ "pageInfo": { "hasNextPage": true, "endCursor": cursor }, "nodes": [node] });
            }
            _ => return,
        }
        passing.body = body.to_string();
    });
}

#[test]
fn a_graphql_list_that_repeats_itself_ends_after_the_first_repetition() {
    for (is_jobs, has_new_cursors) in [(true, false), (true, true), (false, false), (false, true)] {
        let many: Vec<String> = (0..5).map(|n| PROJECT.replace("acme/api", &format!("acme/api-{n}"))).collect();
        let projects = if is_jobs { PROJECT.into() } else { many.join("\n") };
        let sim = scenario(TEMPLATES, &projects);
        let between = Between::start(sim.url());
        repeat_graphql(&between, is_jobs, has_new_cursors);
        // REST tells what GraphQL does not come to the end of.
        let output = once(&Env::new(), &between, "graphql", &["--no-cache"]).exits_with(0);
        let json = output.json();
        let sentence = format!("jobs: {is_jobs}, new cursors: {has_new_cursors}\n{output}");
        assert_eq!(json["complete"], json!(true), "{sentence}");
        for project in json["projects"].as_array().unwrap() {
            let pipeline = &project["pipelines"][0];
            assert_eq!(pipeline["status"], json!("running"), "{sentence}");
            assert_eq!(pipeline["stages"].as_array().map(Vec::len), Some(2), "{sentence}");
        }
        assert!(sim.requests().len() < 40, "{} requests, {sentence}", sim.requests().len());
    }
}
