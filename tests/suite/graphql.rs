//! Many projects with one request: the same answers as over REST, on any server, for less.

use super::cost::scenario;
use crate::support::Env;
use crate::support::running::{DEADLINE, Running};
use glwatch_sim::{Fault, GraphqlOptions, Options, RateLimit, Served, Sim, TOKEN_READ_API, Version, WorldKind};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

const GROUP: &str = "12345";

fn sim(world: WorldKind, graphql: GraphqlOptions) -> Sim {
    Sim::start(Options { world, graphql, ..Options::default() }).unwrap()
}

fn uniform(projects: usize) -> WorldKind {
    WorldKind::Uniform { projects, stages: 4, jobs: 3 }
}

fn command(sim: &Sim, api: &str, more: &[&str]) -> crate::support::Output {
    // What the memory adds is the same over both, but it is waited for no longer than two seconds.
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", api, "-o", "json", "--no-history"];
    Env::new().run(&[&arguments, more].concat())
}

fn read(sim: &Sim, api: &str, more: &[&str]) -> Value {
    command(sim, api, more).exits_with(0).json()
}

/// How many requests of each kind there were; `graphql_NAME` by operation.
fn count(sim: &Sim, kind: &str) -> u64 {
    sim.stats()["by_kind"][kind].as_u64().unwrap_or(0)
}

/// Calls `change` with every object of both documents at the same place.
fn both(one: &mut Value, other: &mut Value, change: &impl Fn(&mut Value, &mut Value)) {
    change(one, other);
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one.iter_mut() {
                if let Some(other) = other.get_mut(key) {
                    both(value, other, change);
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            one.iter_mut().zip(other).for_each(|(one, other)| both(one, other, change));
        }
        _ => {}
    }
}

/// What one of the two APIs may not know, and only that (design 6); everything else must be there on both.
fn without_the_unsayable(mut rest: Value, mut graphql: Value, version: Version) -> (Value, Value) {
    rest["requests"] = Value::Null;
    graphql["requests"] = Value::Null;
    let null = |object: &mut Value, key: &str| {
        if let Some(value) = object.get_mut(key) {
            *value = Value::Null;
        }
    };
    both(&mut rest, &mut graphql, &|rest, graphql| {
        let is_pipeline = rest.get("stages").is_some();
        let mut forget = Vec::new();
        if is_pipeline {
            forget.push("failure_reason");
            if rest["stages"] == json!([]) {
                // Without jobs it is made of the two reasons.
                forget.extend(["commit_title", "what"]);
            }
            if version != Version::V18_5 {
                forget.extend(["name", "yaml_errors", "source"]);
            }
        }
        if rest.get("kind").is_some() && version == Version::V14_10 {
            forget.push("attempts");
        }
        for key in forget {
            null(rest, key);
            null(graphql, key);
        }
    });
    (rest, graphql)
}

const VERSIONS: [Version; 3] = [Version::V14_10, Version::V16_3, Version::V18_5];

#[track_caller]
fn both_paths_agree(sim: &Sim, version: Version, more: &[&str]) {
    let rest = command(sim, "rest", more).json();
    let graphql = command(sim, "graphql", more).json();
    assert_eq!(graphql["requests"]["api"], json!("graphql"));
    let (rest, graphql) = without_the_unsayable(rest, graphql, version);
    if rest != graphql {
        let lines = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        let (rest, graphql) = (lines(&rest), lines(&graphql));
        let differences: Vec<String> = rest
            .lines()
            .zip(graphql.lines())
            .filter(|(one, other)| one != other)
            .take(10)
            .map(|(one, other)| format!("rest {} graphql {}", one.trim(), other.trim()))
            .collect();
        panic!("{version:?} {more:?}: {}", differences.join("\n"));
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn the_demo_group_is_the_same_over_both_on_every_version() {
    for version in VERSIONS {
        let sim = sim(WorldKind::Demo, GraphqlOptions { version, ..GraphqlOptions::default() });
        both_paths_agree(&sim, version, &[]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_same_world_is_the_same_over_both(seed in 0_u64..1_000_000, minutes in 0_u64..600, version in 0_usize..3) {
        let version = VERSIONS[version];
        let graphql = GraphqlOptions { version, ..GraphqlOptions::default() };
        let sim = Sim::start(Options { seed, graphql, ..Options::default() }).unwrap();
        sim.clock().advance(Duration::from_secs(minutes * 60));
        both_paths_agree(&sim, version, &[]);
    }
}

#[test]
fn every_kind_of_ref_is_the_same_over_both() {
    let sim = sim(WorldKind::Demo, GraphqlOptions::default());
    for refs in [&["default"][..], &["tags"], &["mr"], &["main"], &["default", "mr", "tags", "any"], &["v*"]] {
        let arguments: Vec<&str> = refs.iter().flat_map(|name| ["--ref", name]).collect();
        let rest = command(&sim, "rest", &arguments).json();
        let auto = command(&sim, "auto", &arguments).json();
        let (rest, auto) = without_the_unsayable(rest, auto, Version::V18_5);
        assert_eq!(rest, auto, "{refs:?}");
    }
}

#[test]
fn two_hundred_projects_cost_at_most_twelve_requests_and_the_server_counts_them_too() {
    let sim = sim(uniform(200), GraphqlOptions::default());
    let document = read(&sim, "auto", &[]);
    assert_eq!(document["summary"]["projects"], json!(200));
    let kinds = ["group", "group_projects", "graphql_Introspection", "graphql_Jobs", "jobs"];
    assert_eq!(kinds.map(|kind| count(&sim, kind)), [1, 2, 1, 0, 0], "{}", sim.stats());
    // Four batches of 50; of 100 by then where the first answers are in before the second page.
    assert!((3..=4).contains(&count(&sim, "graphql_Snapshot")), "{}", sim.stats());
    assert_eq!(document["requests"]["count"], json!(sim.requests().len()));
    assert!(sim.requests().len() <= 12, "{}", sim.stats());
}

#[test]
fn two_thousand_projects_cost_at_most_sixty_five_and_show_rows_before_the_list_has_ended() {
    let latency = Duration::from_millis(200);
    let sim = Sim::start(Options { world: uniform(2000), latency, ..Options::default() }).unwrap();
    assert_eq!(read(&sim, "auto", &[])["summary"]["projects"], json!(2000));
    let requests = sim.requests();
    // 43 where answers come quickly enough for batches to grow, which those of a busy machine may not.
    assert!(requests.len() <= 65, "{}", sim.stats());
    let snapshots = requests.iter().position(|request| request.operation.as_deref() == Some("Snapshot"));
    let last_page = requests.iter().rposition(|request| request.path.ends_with("/projects"));
    assert!(snapshots < last_page, "{}", sim.stats());
}

/// Starts a watch that refreshes at once, and waits until it has reported its first reading.
fn watch(sim: &Sim, more: &[&str]) -> (Running, Value) {
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "--watch", "-o", "ndjson"];
    let arguments = [&arguments[..], &["--interval", "10ms", "--rps", "1000"], more].concat();
    let mut running = Env::new().start(&arguments);
    let first = serde_json::from_str(&running.line()).unwrap();
    (running, first)
}

/// Returns the operations of the requests behind the first `skip`, `count` of them.
fn operations(sim: &Sim, skip: usize, count: usize) -> Vec<String> {
    assert!(sim.wait_for_requests(skip + count, DEADLINE), "only {} requests", sim.requests().len());
    let name = |request: &glwatch_sim::Request| request.operation.clone().unwrap_or_else(|| request.path.clone());
    sim.requests()[skip..skip + count].iter().map(name).collect()
}

#[test]
fn a_quiet_refresh_of_two_hundred_projects_is_two_pulses() {
    let sim = sim(uniform(200), GraphqlOptions::default());
    let (_running, first) = watch(&sim, &[]);
    let cold = first["requests"]["count"].as_u64().unwrap() as usize;
    assert_eq!(operations(&sim, cold, 6), ["Pulse"; 6]);
}

#[test]
fn ten_active_pipelines_cost_one_request_a_refresh() {
    let project = |number: usize, jobs: &str, age: &str| {
        format!("[[project]]\npath = \"acme/p{number}\"\nrun = [{{ jobs = \"{jobs}\", age = \"{age}\" }}]\n")
    };
    let ended = (0..100).map(|number| project(number, "single", "3h"));
    let active = (100..110).map(|number| project(number, "long", "10m"));
    let projects: String = ended.chain(active).collect();
    let sim = scenario("long = [[\"test\", \"unit | 9h\"]]\n", &projects);
    let (_running, first) = watch(&sim, &[]);
    let cold = first["requests"]["count"].as_u64().unwrap() as usize;
    let asked = operations(&sim, cold, 6);
    assert_eq!(asked, ["Pulse", "Snapshot", "Pulse", "Snapshot", "Pulse", "Snapshot"]);
}

#[test]
fn a_pipeline_that_changes_is_read_and_told() {
    let sim = scenario("", "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", every = \"1h\" }]");
    let (mut running, first) = watch(&sim, &[]);
    let before = first["projects"][0]["pipelines"][0]["id"].as_u64();
    sim.clock().advance(Duration::from_secs(3600));
    let change = loop {
        let event: Value = serde_json::from_str(&running.line()).unwrap();
        if event["event"] == "pipeline" {
            break event;
        }
    };
    assert!(change["pipeline"]["id"].as_u64() > before, "{change}");
    assert_ne!(change["pipeline"]["stages"], json!([]));
}

#[test]
fn sixty_requests_a_minute_are_enough_for_a_watch_of_five_hundred_projects() {
    let sim = Sim::start(Options {
        world: uniform(500),
        rate_limit: Some(RateLimit { limit: 60, period: Duration::from_secs(60) }),
        ..Options::default()
    })
    .unwrap();
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "--watch", "-o", "ndjson"];
    let mut running = Env::new().start(&[&arguments[..], &["--interval", "1s"]].concat());
    let paces: Vec<Value> = std::iter::from_fn(|| Some(serde_json::from_str::<Value>(&running.line()).unwrap()))
        .filter(|event| event["event"] == "budget")
        .take(1)
        .collect();
    // Five pulses a refresh at half of 60 a minute are one refresh in ten seconds, whatever was asked for.
    assert_eq!(paces[0]["interval_s"], json!(10), "{paces:?}");
    assert!(paces[0]["remaining"].as_u64().unwrap() > 30, "{paces:?}");
    assert_eq!(count(&sim, "rate_limited"), 0);
}

#[test]
fn a_server_without_graphql_is_read_over_rest_and_says_so() {
    for served in [Served::Missing, Served::Forbidden] {
        let sim = sim(uniform(3), GraphqlOptions { served, ..GraphqlOptions::default() });
        let output = command(&sim, "auto", &[]).exits_with(0);
        // The group, its list, the question that failed, and four requests for each of three projects.
        let cost = "reading 3 projects over REST takes about 15 requests instead of 4";
        assert_eq!(output.stderr.matches("GraphQL is not available").count(), 1, "{served:?}: {}", output.stderr);
        assert_eq!(output.stderr.matches(cost).count(), 1, "{served:?}: {}", output.stderr);
        assert_eq!(sim.requests().len(), 15, "{served:?}: {}", sim.stats());
        let document = output.json();
        assert_eq!(document["requests"]["api"], json!("rest"), "{served:?}");
        assert_eq!((&document["complete"], &document["summary"]["projects"]), (&json!(true), &json!(3)));
        assert_eq!(count(&sim, "graphql"), 1, "{served:?}");
        assert_eq!(command(&sim, "auto", &["--quiet"]).exits_with(0).stderr, "", "{served:?}");
        // A user who insists on it learns why.
        let refused = command(&sim, "graphql", &[]).exits_with(3);
        assert!(refused.stderr.contains("/api/graphql (Introspection)"), "{}", refused.stderr);
    }
}

#[test]
fn a_server_that_gives_up_on_large_batches_is_asked_smaller_ones() {
    let graphql = GraphqlOptions { times_out_above: Some(10), ..GraphqlOptions::default() };
    let sim = sim(uniform(60), graphql);
    let document = read(&sim, "auto", &[]);
    assert_eq!(document["requests"]["api"], json!("graphql"));
    assert_eq!((&document["complete"], &document["summary"]["projects"]), (&json!(true), &json!(60)));
}

#[test]
fn a_server_with_a_complexity_limit_of_a_hundred_is_asked_smaller_batches() {
    for version in VERSIONS {
        let graphql = GraphqlOptions { max_complexity: Some(100), version, ..GraphqlOptions::default() };
        let sim = sim(WorldKind::Demo, graphql);
        both_paths_agree(&sim, version, &[]);
    }
}

#[test]
fn a_server_that_keeps_its_schema_to_itself_is_asked_for_the_oldest_fields() {
    let sim = sim(uniform(3), GraphqlOptions { introspection: false, ..GraphqlOptions::default() });
    let document = read(&sim, "auto", &[]);
    assert_eq!(document["requests"]["api"], json!("graphql"));
    assert_eq!(document["projects"][0]["pipelines"][0]["source"], Value::Null);
}

/// What makes GraphQL fail for one project of many, and the word for it.
fn poisons() -> [(&'static str, &'static str, Fault); 5] {
    let on = || Fault::on("Project/20017\"");
    [
        ("a 500", "http_500", on().status(500)),
        ("a connection that is reset", "connection", on().reset()),
        ("an answer that is cut", "body_cut", on().cut()),
        ("broken JSON under its full length", "decode", on().truncated()),
        ("an error at the project", "graphql", Fault::on("/api/graphql").graphql_error_at_project(20017)),
    ]
}

#[test]
fn one_poisoned_project_is_read_over_rest() {
    for (sentence, _, fault) in poisons() {
        let sim = sim(uniform(40), GraphqlOptions::default());
        sim.add_fault(fault);
        let document = read(&sim, "auto", &[]);
        assert_eq!(document["requests"]["api"], json!("graphql"), "{sentence}");
        assert_eq!(document["complete"], json!(true), "{sentence}: {}", document["problems"]);
        let is_ok = |project: &&Value| project["state"] == "ok" && project["pipelines"][0]["stages"] != json!([]);
        assert_eq!(document["projects"].as_array().unwrap().iter().filter(is_ok).count(), 40, "{sentence}");
        assert_eq!(count(&sim, "pipelines"), 1, "{sentence}: {}", sim.stats());
        assert!(sim.requests().len() < 40, "{sentence}: {}", sim.stats());
    }
}

#[test]
fn with_api_graphql_one_poisoned_project_is_an_error_row_and_no_other_is() {
    for (sentence, kind, fault) in poisons() {
        let sim = sim(uniform(40), GraphqlOptions::default());
        sim.add_fault(fault);
        let document = command(&sim, "graphql", &[]).exits_with(4).json();
        let errors: Vec<&Value> =
            document["projects"].as_array().unwrap().iter().filter(|project| project["state"] == "error").collect();
        assert_eq!(errors.len(), 1, "{sentence}: {}", document["problems"]);
        assert_eq!((&errors[0]["id"], &errors[0]["error"]["kind"]), (&json!(20017), &json!(kind)), "{sentence}");
        assert_eq!((&document["summary"]["error"], &document["complete"]), (&json!(1), &json!(false)));
        assert!(sim.requests().len() < 40, "{sentence}: {}", sim.stats());
    }
}

#[test]
fn graphql_that_breaks_down_leaves_the_rest_to_rest() {
    let sim = sim(uniform(120), GraphqlOptions::default());
    sim.add_fault(Fault::on("/api/graphql Snapshot").after(1).status(500));
    let document = read(&sim, "auto", &[]);
    assert_eq!(document["requests"]["api"], json!("rest"));
    assert_eq!((&document["complete"], &document["summary"]["projects"]), (&json!(true), &json!(120)));
}

#[test]
fn a_login_page_in_its_place_is_no_graphql() {
    let sim = sim(uniform(2), GraphqlOptions::default());
    sim.add_fault(Fault::on("/api/graphql").html());
    assert_eq!(read(&sim, "auto", &[])["requests"]["api"], json!("rest"));
}

#[test]
fn what_graphql_leaves_unsaid_is_asked_over_rest() {
    let with = |value: Value| Fault::on("/api/graphql Snapshot").with_field("pipelines", value);
    let projects = |value: Value| Fault::on("/api/graphql Snapshot").with_field("projects", value);
    let cases = [
        ("no projects at all", projects(json!({ "nodes": [] }))),
        ("null for a project", projects(json!({ "nodes": [null] }))),
        ("pipelines is null", with(Value::Null)),
        ("pipelines has no nodes", with(json!({}))),
        ("nodes is null", with(json!({ "nodes": null }))),
        ("null for a pipeline", with(json!({ "nodes": [null] }))),
        ("a number for a pipeline", with(json!({ "nodes": [7] }))),
        ("an empty list that has more", with(json!({ "pageInfo": { "hasNextPage": true }, "nodes": [] }))),
        ("an empty list", with(json!({ "nodes": [] }))),
    ];
    for (sentence, fault) in cases {
        for api in ["auto", "graphql"] {
            for projects in [1, 5] {
                let sim = sim(uniform(projects), GraphqlOptions::default());
                sim.add_fault(fault.clone());
                let document = read(&sim, api, &[]);
                let summary = &document["summary"];
                let at = format!("{sentence}, {api}, {projects}: {summary}");
                assert_eq!(document["complete"], json!(true), "{at}");
                assert_eq!((&summary["no_access"], &summary["no_pipeline"]), (&json!(0), &json!(0)), "{at}");
                assert_eq!(document["projects"][0]["state"], json!("ok"), "{at}");
            }
        }
    }
}

#[test]
fn pages_that_are_shorter_than_asked_for_lose_no_project() {
    for max_page in [12, 20, 50] {
        let sim = sim(uniform(60), GraphqlOptions { max_page, ..GraphqlOptions::default() });
        let document = read(&sim, "auto", &[]);
        let summary = &document["summary"];
        assert_eq!((&document["complete"], &summary["projects"]), (&json!(true), &json!(60)), "{max_page}: {summary}");
        assert_eq!((&summary["no_access"], &summary["error"]), (&json!(0), &json!(0)), "{max_page}: {summary}");
        assert_eq!(count(&sim, "pipelines"), 0, "{max_page}: {}", sim.stats());
        // As many pages as it takes, and nothing twice.
        assert!(count(&sim, "graphql_Snapshot") <= 60_u64.div_ceil(max_page as u64) + 2, "{max_page}: {}", sim.stats());
    }
}

#[test]
fn a_page_that_ends_early_and_does_not_say_so_loses_no_project() {
    let sim = sim(uniform(60), GraphqlOptions { max_page: 20, ..GraphqlOptions::default() });
    sim.add_fault(Fault::on("/api/graphql Snapshot").with_field("hasNextPage", false));
    let document = read(&sim, "auto", &[]);
    assert_eq!((&document["complete"], &document["summary"]["no_access"]), (&json!(true), &json!(0)));
    assert_eq!(document["projects"].as_array().unwrap().iter().filter(|row| row["state"] == "ok").count(), 60);
}

#[test]
fn silence_about_pipelines_is_asked_about_once_for_each_project_and_list() {
    let off = "[[project]]\npath = \"acme/off\"\nci_off = true\n[[project]]\npath = \"acme/empty\"\n";
    for jobs_enabled in [Value::Null, json!(true)] {
        let sim = scenario("", off);
        sim.add_fault(Fault::on("GET /api/v4/groups/").with_field("jobs_enabled", jobs_enabled.clone()));
        let (_running, first) = watch(&sim, &[]);
        let state = |name: &str| {
            let projects = first["projects"].as_array().unwrap();
            projects.iter().find(|project| project["full_path"] == name).unwrap()["state"].clone()
        };
        assert_eq!(
            (state("acme/off"), state("acme/empty")),
            (json!("no_access"), json!("no_pipeline")),
            "{jobs_enabled}"
        );
        let cold = first["requests"]["count"].as_u64().unwrap() as usize;
        assert_eq!(operations(&sim, cold, 3), ["Pulse"; 3], "{jobs_enabled}");
        assert_eq!(count(&sim, "pipelines"), 2, "{jobs_enabled}");
    }
}

#[test]
fn pipelines_that_the_token_may_not_see_are_no_access_over_both() {
    let said = json!({ "message": "403 Forbidden" }).to_string();
    for api in ["rest", "graphql", "auto"] {
        let sim = sim(uniform(3), GraphqlOptions::default());
        sim.add_fault(Fault::on("/api/graphql Snapshot").with_field("pipelines", json!({ "nodes": [] })));
        sim.add_fault(Fault::on("projects/20002/pipelines").answer(403, "application/json", &said));
        let document = command(&sim, api, &[]).json();
        let states: Vec<&Value> = document["projects"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["id"] == 20002)
            .map(|row| &row["state"])
            .collect();
        assert_eq!(states, [&json!("no_access")], "{api}: {document}");
        assert_eq!(document["summary"]["no_pipeline"], json!(0), "{api}");
    }
}

#[test]
fn a_field_that_can_be_done_without_leaves_the_row_in_place() {
    let error = |field: &str| {
        let path = json!(["projects", "nodes", 0, "pipelines", "nodes", 0, field]);
        json!([{ "message": "14:failed to connect to all addresses", "path": path }])
    };
    let answer = |field: &str| {
        let job = json!({
            "id": "gid://gitlab/Ci::Build/7", "name": "unit", "stage": { "name": "test" }, "status": "FAILED",
            "allowFailure": false, "downstreamPipeline": null,
        });
        let jobs = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [job] });
        let mut pipeline = json!({ "id": "gid://gitlab/Ci::Pipeline/9", "status": "FAILED", "jobs": jobs });
        pipeline[field] = Value::Null;
        let project = json!({ "id": "gid://gitlab/Project/20001", "pipelines": { "nodes": [pipeline] } });
        json!({ "data": { "projects": { "nodes": [project] } }, "errors": error(field) }).to_string()
    };
    for field in
        ["commit", "user", "coverage", "detailedStatus", "name", "failureReason", "yamlErrorMessages", "queuedDuration"]
    {
        let sim = sim(uniform(1), GraphqlOptions::default());
        sim.add_fault(Fault::on("/api/graphql Snapshot").answer(200, "application/json", &answer(field)));
        let output = command(&sim, "graphql", &["--fail-on", "failed"]).exits_with(1);
        let document = output.json();
        let row = &document["projects"][0];
        assert_eq!((&document["complete"], &row["state"]), (&json!(true), &json!("ok")), "{field}: {document}");
        assert_eq!(row["pipelines"][0]["status"], json!("failed"), "{field}");
        let said = format!("{field}: 14:failed to connect to all addresses");
        assert!(output.stderr.contains(&said), "{field}: {output}");
    }
    for field in ["status", "jobs", "id"] {
        let sim = sim(uniform(1), GraphqlOptions::default());
        sim.add_fault(Fault::on("/api/graphql Snapshot").answer(200, "application/json", &answer(field)));
        let document = command(&sim, "graphql", &[]).json();
        assert_eq!((&document["complete"], &document["summary"]["error"]), (&json!(false), &json!(1)), "{field}");
    }
}

#[test]
fn an_odd_job_never_makes_a_pipeline_greener() {
    let odd =
        [("null", Value::Null), ("a text", json!("odd")), ("no id", json!({ "name": "unit", "status": "SUCCESS" }))];
    for (sentence, job) in odd {
        for api in ["auto", "graphql"] {
            let sim = sim(uniform(1), GraphqlOptions::default());
            let jobs = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [job.clone()] });
            sim.add_fault(Fault::on("/api/graphql Snapshot").with_field("jobs", jobs));
            let document = command(&sim, api, &[]).json();
            let stages = document["projects"][0]["pipelines"][0]["stages"].as_array().cloned().unwrap_or_default();
            let jobs: usize = stages.iter().filter_map(|stage| Some(stage["jobs"].as_array()?.len())).sum();
            // All of its twelve jobs are read, or the result says that it is not whole.
            assert_eq!(document["complete"], json!(jobs == 12), "{sentence} {api}: {document}");
            assert!(api == "graphql" || jobs == 12, "{sentence}: REST is asked: {document}");
        }
    }
}

#[test]
fn a_job_without_stage_or_name_is_fine_over_both() {
    for field in ["stage", "name"] {
        for (api, at) in [("rest", "/jobs?"), ("graphql", "/api/graphql Snapshot")] {
            let sim = sim(uniform(2), GraphqlOptions::default());
            sim.add_fault(Fault::on(at).with_field(field, Value::Null));
            let document = read(&sim, api, &[]);
            assert_eq!(
                (&document["complete"], &document["summary"]["error"]),
                (&json!(true), &json!(0)),
                "{field} {api}"
            );
            assert_ne!(document["projects"][0]["pipelines"][0]["stages"], json!([]), "{field} {api}");
        }
    }
}

#[test]
fn a_listed_project_that_cannot_be_read_is_one_problem_and_leaves_the_others() {
    for field in ["id", "path_with_namespace"] {
        let sim = sim(uniform(3), GraphqlOptions::default());
        let answer = |field: &str| {
            let project = |id: u64| json!({ "id": id, "path_with_namespace": format!("acme/p{id}"), "name": "p" });
            let mut projects = vec![project(20001), project(20002), project(20003)];
            projects[1][field] = json!([]);
            json!(projects).to_string()
        };
        sim.add_fault(Fault::on("/projects?include_subgroups").answer(200, "application/json", &answer(field)));
        let output = command(&sim, "auto", &[]).exits_with(4);
        let document = output.json();
        assert_eq!((&document["complete"], &document["summary"]["projects"]), (&json!(false), &json!(2)), "{field}");
        assert!(output.stderr.contains("1 of the listed projects could not be read"), "{field}: {output}");
    }
}

#[test]
fn an_introspection_that_fails_once_is_asked_again() {
    let faults = [
        ("500", Fault::on("Introspection").once().status(500)),
        ("502", Fault::on("Introspection").once().status(502)),
        ("a reset", Fault::on("Introspection").once().reset()),
        ("an empty object", Fault::on("Introspection").once().answer(200, "application/json", "{}")),
        ("no types", Fault::on("Introspection").once().answer(200, "application/json", r#"{"data":{}}"#)),
    ];
    for (sentence, fault) in faults {
        let sim = sim(uniform(2), GraphqlOptions::default());
        sim.add_fault(fault);
        let output = command(&sim, "auto", &[]).exits_with(0);
        assert_eq!(output.json()["requests"]["api"], json!("graphql"), "{sentence}");
        assert!(output.json()["projects"][0]["pipelines"][0]["source"].is_string(), "{sentence}");
        assert_eq!(output.stderr, "", "{sentence}");
    }
}

#[test]
fn an_introspection_without_types_is_neither_believed_nor_kept() {
    let types =
        |pipeline: Value| json!({ "data": { "metadata": null, "pipeline": pipeline, "job": null } }).to_string();
    let answers = [
        ("an empty object", "{}".to_owned()),
        ("no data", json!({ "data": null }).to_string()),
        ("a list", "[]".to_owned()),
        ("data of another shape", json!({ "data": [1] }).to_string()),
        ("no types", types(Value::Null)),
        ("one type without fields", types(json!({ "name": "Pipeline", "fields": [] }))),
    ];
    for (sentence, answer) in answers {
        let sim = sim(uniform(2), GraphqlOptions::default());
        sim.add_fault(Fault::on("Introspection").times(2).answer(200, "application/json", &answer));
        let env = Env::new();
        let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "-o", "json"];
        let output = env.run(&arguments).exits_with(0);
        assert_eq!(output.json()["requests"]["api"], json!("rest"), "{sentence}");
        assert_eq!(output.stderr.matches("GraphQL is not available").count(), 1, "{sentence}: {output}");
        // The next run asks again, and believes what it hears.
        let document = env.run(&arguments).exits_with(0).json();
        assert_eq!(document["requests"]["api"], json!("graphql"), "{sentence}");
        assert!(document["projects"][0]["pipelines"][0]["source"].is_string(), "{sentence}");
    }
}

#[test]
fn a_token_is_sent_to_graphql_and_shown_nowhere() {
    let sim = sim(uniform(2), GraphqlOptions::default());
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "graphql", "-vv", "-o", "json"];
    let output = env.run(&arguments).exits_with(0);
    assert!(sim.requests().iter().all(|request| request.authorization));
    assert!(!output.to_string().contains(TOKEN_READ_API));
}

#[test]
fn a_token_that_is_refused_midway_ends_the_run_with_what_to_do() {
    let sim = sim(uniform(60), GraphqlOptions::default());
    sim.add_fault(Fault::on("/api/graphql Snapshot").answer(
        401,
        "application/json",
        r#"{"errors":[{"message":"Invalid token"}]}"#,
    ));
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "graphql"];
    let output = env.run(&arguments).exits_with(3);
    assert!(output.stderr.contains("does not accept the token"), "{}", output.stderr);
}

#[test]
fn config_check_says_which_api_a_run_would_use() {
    let cases = [
        (Served::Yes, "auto", 0, "ok api GraphQL answers"),
        (
            Served::Missing,
            "auto",
            0,
            "warning api GraphQL is not available (GitLab answered 404 Not Found): reading 1 project",
        ),
        (Served::Missing, "graphql", 3, "error api "),
        (Served::Missing, "rest", 0, "ok api REST v4 answers"),
    ];
    for (served, api, code, said) in cases {
        let sim = sim(uniform(1), GraphqlOptions { served, ..GraphqlOptions::default() });
        let arguments = ["config", "check", "--host", sim.url(), "--group-id", GROUP, "--api", api];
        let output = Env::new().run(&arguments).exits_with(code);
        let words = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(said), "{served:?} {api}: {output}");
    }
}

#[test]
fn config_check_lists_the_projects_once_and_reads_three_of_them() {
    for (api, expected) in [("graphql", 6), ("rest", 4 + 3 * 4)] {
        let sim = sim(uniform(200), GraphqlOptions::default());
        let arguments = ["config", "check", "--host", sim.url(), "--group-id", GROUP, "--api", api];
        let output = Env::new().run(&arguments).exits_with(0);
        assert!(output.stdout.contains("200 projects"), "{output}");
        let asked: Vec<String> = sim.requests().iter().map(|request| request.path.clone()).collect();
        assert_eq!(asked.len(), expected, "{api} {asked:#?}");
    }
}

#[test]
fn a_warm_start_is_the_list_and_two_pulses() {
    let sim = sim(uniform(200), GraphqlOptions::default());
    let env = Env::new();
    let run = || {
        let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "-o", "json"];
        let mut document = env.run(&arguments).exits_with(0).json();
        document["requests"].take();
        document
    };
    let cold = run();
    sim.clear_requests();
    let warm = run();
    assert_eq!(cold, warm);
    let kinds = ["group", "group_projects", "graphql_Pulse", "graphql"];
    assert_eq!(kinds.map(|kind| count(&sim, kind)), [1, 2, 2, 2], "{}", sim.stats());
}

/// Two round trips, as each answer that is held back would hold back what needs it.
#[test]
fn a_warm_start_waits_neither_for_page_one_nor_for_the_end_of_the_list() {
    let ended = (0..100).map(|number| {
        format!("[[project]]\npath = \"acme/p{number}\"\nrun = [{{ jobs = \"single\", age = \"3h\" }}]\n")
    });
    let active = (100..110).map(|number| {
        format!("[[project]]\npath = \"acme/p{number}\"\nrun = [{{ jobs = \"long\", age = \"10m\" }}]\n")
    });
    let projects: String = ended.chain(active).collect();
    let sim = scenario("long = [[\"test\", \"unit | 9h\"]]\n", &projects);
    let env = Env::new();
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "-o", "json"];
    let _ = env.run(&arguments).exits_with(0);
    sim.clear_requests();
    sim.add_fault(Fault::on("/groups/12345/projects").stalled());
    let _running = env.start(&arguments);
    let mut asked = operations(&sim, 0, 5);
    asked.sort_unstable();
    let names: Vec<&str> = asked.iter().map(|name| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, [GROUP, "projects", "projects", "Pulse", "Snapshot"]);
}

#[test]
fn silence_beside_an_error_is_no_fact() {
    let answers = [
        ("no projects", json!({ "data": { "projects": null }, "errors": [{ "message": "Internal server error" }] })),
        (
            "a nulled node",
            json!({ "data": { "projects": { "nodes": [null] } }, "errors": [{ "message": "Internal server error", "path": ["projects", "nodes", 0] }] }),
        ),
        (
            "an error without a place",
            json!({ "data": { "projects": { "nodes": [{ "id": "gid://gitlab/Project/20001", "pipelines": null }] } }, "errors": [{ "message": "Internal server error" }] }),
        ),
        (
            "no jobs",
            json!({ "data": { "projects": { "nodes": [{ "id": "gid://gitlab/Project/20001", "pipelines": { "nodes": [{ "id": "gid://gitlab/Ci::Pipeline/1", "status": "SUCCESS", "jobs": null }] } }] } } }),
        ),
    ];
    for (sentence, answer) in answers {
        let sim = sim(uniform(1), GraphqlOptions::default());
        sim.add_fault(Fault::on("/api/graphql Snapshot").answer(200, "application/json", &answer.to_string()));
        // GraphQL counts as broken, and REST tells.
        let document = command(&sim, "auto", &[]).json();
        let summary = &document["summary"];
        assert_eq!((&document["complete"], &summary["error"]), (&json!(true), &json!(0)), "{sentence}: {summary}");
        // Who insists on GraphQL has error rows and no fact; of the jobs of a pipeline that it tells of, REST tells.
        let errors = u32::from(sentence != "no jobs");
        let document = command(&sim, "graphql", &[]).json();
        assert_eq!(document["complete"], json!(errors == 0), "{sentence}");
        assert_eq!(document["summary"]["error"], json!(errors), "{sentence}: {}", document["summary"]);
    }
}

#[test]
fn graphql_that_fails_for_every_project_is_given_up_soon() {
    let sim = sim(uniform(40), GraphqlOptions::default());
    for id in 20_001..20_041 {
        sim.add_fault(Fault::on("/api/graphql Snapshot").graphql_error_at_project(id));
    }
    // One after the other: what is under way at once is asked all the same.
    let document = read(&sim, "auto", &["--concurrency", "1"]);
    assert_eq!((&document["complete"], &document["summary"]["projects"]), (&json!(true), &json!(40)));
    assert_eq!(document["requests"]["api"], json!("rest"));
    assert!(count(&sim, "graphql_Snapshot") <= 6, "{}", sim.stats());
}

#[test]
fn one_project_alone_falls_back_to_rest_too() {
    let sim = sim(uniform(1), GraphqlOptions::default());
    sim.add_fault(Fault::on("/api/graphql Snapshot").status(500));
    let document = read(&sim, "auto", &[]);
    assert_eq!((&document["requests"]["api"], &document["complete"]), (&json!("rest"), &json!(true)));
}

#[test]
fn many_errors_in_one_answer_are_halved_and_not_asked_about_one_by_one() {
    let sim = sim(uniform(40), GraphqlOptions::default());
    for id in 20_001..20_041 {
        sim.add_fault(Fault::on("/api/graphql Snapshot").once().graphql_error_at_project(id));
    }
    let document = read(&sim, "auto", &[]);
    assert_eq!((&document["complete"], &document["summary"]["projects"]), (&json!(true), &json!(40)));
    assert!(count(&sim, "graphql_Snapshot") <= 5, "{}", sim.stats());
}

#[test]
fn a_missing_permission_is_named_where_gitlab_says_so_and_the_row_stays() {
    let refusal = |permission: &str| {
        let said = format!("Access denied: this token lacks the required permissions: [{permission}: Read].");
        json!({ "error": "insufficient_granular_scope", "error_description": said }).to_string()
    };
    let fields = [
        ("commit", "Snapshot", "/repository/commits/", "Code"),
        ("user", "Snapshot", "GET /api/v4/user", "User"),
        ("metadata", "Introspection", "GET /api/v4/metadata", "Metadata"),
    ];
    for (field, operation, path, permission) in fields {
        let not_found = r#"{"message":"404 Not found"}"#.to_owned();
        for (case, code, body, told) in
            [("null alone proves nothing", 404, not_found, 0), ("REST refuses aloud", 403, refusal(permission), 1)]
        {
            let sim = sim(uniform(3), GraphqlOptions::default());
            sim.add_fault(Fault::on(&format!("/api/graphql {operation}")).with_nulls(&[field]));
            sim.add_fault(Fault::on(path).answer(code, "application/json", &body));
            let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
            let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "-o", "json"];
            let output = env.run(&arguments).exits_with(0);
            let document = output.json();
            let row = &document["projects"][0];
            assert_eq!((&document["complete"], &row["state"]), (&json!(true), &json!("ok")), "{field}, {case}");
            let said = format!("lacks the required permissions: [{permission}: Read]");
            assert_eq!(output.stderr.matches(&said).count(), told, "{field}, {case}: {output}");
            let asked = sim.requests().iter().filter(|request| format!("GET {}", request.path).contains(path)).count();
            assert_eq!(asked, 1, "{field}, {case}: once, not for each project");
        }
    }
}

#[test]
fn a_row_that_graphql_nulls_is_read_over_rest() {
    let job =
        json!({ "id": "gid://gitlab/Ci::Build/7", "name": "unit", "status": "SUCCESS", "downstreamPipeline": null });
    let jobs = json!({ "pageInfo": { "hasNextPage": false, "endCursor": null }, "nodes": [job] });
    let whole = json!({ "id": "gid://gitlab/Ci::Pipeline/9", "status": "SUCCESS", "jobs": jobs });
    let project = |id: u64, pipeline: &Value| json!({ "id": format!("gid://gitlab/Project/{id}"), "pipelines": { "nodes": [pipeline] } });
    let answer = json!({
        "data": { "projects": { "nodes": [project(20001, &whole), project(20002, &Value::Null)] } },
        "errors": [{
            "message": "Cannot return null for non-nullable field Pipeline.updatedAt",
            "path": ["projects", "nodes", 1, "pipelines", "nodes", 0, "updatedAt"],
        }],
    });
    let sim = sim(uniform(2), GraphqlOptions::default());
    sim.add_fault(Fault::on("/api/graphql Snapshot").answer(200, "application/json", &answer.to_string()));
    sim.add_fault(Fault::on("GET /api/v4/projects/20002/pipelines").with_field("updated_at", Value::Null));
    let document = read(&sim, "auto", &[]);
    assert_eq!((&document["complete"], &document["summary"]["error"]), (&json!(true), &json!(0)), "{document}");
    assert_eq!(document["requests"]["api"], json!("graphql"));
    assert_eq!((count(&sim, "pipelines"), count(&sim, "graphql_Snapshot")), (1, 1), "{}", sim.stats());
    // With --api graphql it is an error row.
    let document = command(&sim, "graphql", &[]).exits_with(4).json();
    assert_eq!((&document["complete"], &document["summary"]["error"]), (&json!(false), &json!(1)));
}

#[test]
fn a_warm_start_confirms_again_what_graphql_is_silent_about() {
    let sim = scenario(
        "",
        "[[project]]\npath = \"acme/empty\"\n[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", age = \"3h\" }]",
    );
    let env = Env::new();
    let arguments = ["--host", sim.url(), "--group-id", GROUP, "--api", "auto", "-o", "json"];
    for run in ["cold", "warm"] {
        sim.clear_requests();
        let document = env.run(&arguments).exits_with(0).json();
        assert_eq!(document["summary"]["no_pipeline"], json!(1), "{run}");
        assert_eq!(count(&sim, "pipelines"), 1, "{run}: {}", sim.stats());
    }
    // What another run believed is a hint: a project whose pipelines are refused by now is no access.
    sim.add_fault(Fault::on("pipelines?per_page").answer(403, "application/json", r#"{"message":"403 Forbidden"}"#));
    let document = env.run(&arguments).json();
    assert_eq!(document["summary"]["no_access"], json!(1), "{}", document["summary"]);
}
