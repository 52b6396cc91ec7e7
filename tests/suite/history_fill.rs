//! `glwatch history fill`: what it brings, what it costs, and that it goes on where it was stopped.

use crate::support::{Env, Output};
use glwatch::domain::id::ProjectId;
use glwatch::history::filled::FillCursor;
use glwatch::history::place::HistoryPlace;
use glwatch::history::store::HistoryStore;
use glwatch::history::summary::ProjectSummary;
use glwatch_sim::{Fault, GraphqlOptions, Options, Request, Sim, TOKEN_READ_API, WorldKind};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

const DAYS: u32 = 10;

fn world(projects: usize, pipelines: usize) -> Options {
    let world = WorldKind::History { projects, days: DAYS, pipelines, merge_requests: 2, deployments: 1 };
    Options { world, ..Options::default() }
}

fn sim(projects: usize, pipelines: usize) -> Sim {
    Sim::start(world(projects, pipelines)).unwrap()
}

fn env() -> Env {
    Env::new().with("GITLAB_TOKEN", TOKEN_READ_API)
}

fn fill(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    fill_since("12d", env, sim, more)
}

fn fill_since(since: &str, env: &Env, sim: &Sim, more: &[&str]) -> Output {
    env.run(&[&["history", "fill", "--host", sim.url(), "-g", "12345", "--since", since][..], more].concat())
}

/// The same over each API, one request at a time.
fn fill_over(env: &Env, sim: &Sim, api: &str) -> Output {
    fill(env, sim, &["--api", api, "--concurrency", "1"])
}

fn exported(env: &Env, sim: &Sim) -> Vec<String> {
    let output = env.run(&["history", "export", "--host", sim.url()]).exits_with(0);
    output.stdout.lines().map(str::to_owned).collect()
}

type Kept = (Vec<String>, Vec<ProjectSummary>, HashMap<ProjectId, FillCursor>);

fn place(env: &Env, sim: &Sim) -> HistoryPlace {
    HistoryPlace::in_folder(&env.home().join(".local/state/glwatch"), sim.url())
}

/// All that is kept: facts, days, and how far each project was read, but for the second in which that was.
fn kept(env: &Env, sim: &Sim) -> Kept {
    let now = sim.clock().now().timestamp();
    let store = HistoryStore::open(&place(env, sim), now).unwrap();
    let mut cursors = store.fill_cursors().unwrap();
    for whole in cursors.values_mut().filter_map(|cursor| cursor.whole.as_mut()) {
        assert!((now..now + 60).contains(&whole.until));
        whole.until = now;
    }
    (exported(env, sim), store.summary(now).unwrap().projects, cursors)
}

fn asked(sim: &Sim, run: impl FnOnce()) -> usize {
    let before = sim.requests().len();
    run();
    sim.requests().len() - before
}

/// How many pipelines and ended attempts at jobs the simulated GitLab has of each project, by its REST lists.
fn counts(lines: &[String], fact: &str) -> HashMap<u64, usize> {
    let mut counts = HashMap::new();
    for line in lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if line["fact"] == fact {
            *counts.entry(line["project"].as_u64().unwrap()).or_insert(0) += 1;
        }
    }
    counts
}

/// What REST's lists do not tell.
fn without_what_lists_lack(lines: Vec<String>) -> Vec<Value> {
    const LACKING: [&str; 5] = ["user", "started_at", "finished_at", "duration_s", "queued_s"];
    let mut facts = Vec::new();
    for line in lines {
        let mut fact: Value = serde_json::from_str(&line).unwrap();
        let is_listed = !matches!(fact["kind"].as_str(), Some("bridge" | "external"));
        if fact["fact"] == "pipeline" {
            LACKING.iter().for_each(|field| fact[*field] = Value::Null);
        }
        facts.extend(is_listed.then_some(fact));
    }
    facts
}

#[test]
fn both_apis_tell_the_same_as_far_as_lists_do() {
    let of = |api: &str| {
        let (sim, env) = (sim(3, 12), env());
        let _ = fill_over(&env, &sim, api).exits_with(0);
        kept(&env, &sim)
    };
    let ((rest, rest_days, _), (graphql, graphql_days, _)) = (of("rest"), of("graphql"));
    assert!(counts(&graphql, "pipeline").values().all(|count| (9..=12).contains(count)), "some lie ahead");
    assert!(graphql.iter().any(|line| line.contains(r#""user":"#) && line.contains(r#""duration_s":"#)));
    assert_eq!(without_what_lists_lack(rest), without_what_lists_lack(graphql));
    let days = |days: Vec<ProjectSummary>| -> Vec<(u64, u64)> {
        days.iter().map(|of| (of.days_missing, of.days_with_gaps)).collect()
    };
    assert_eq!(days(rest_days), vec![(0, 0); 3], "all days are filled, and today as far as it goes");
    assert_eq!(days(graphql_days), vec![(0, 0); 3]);
}

/// The formulas of the README.
#[test]
fn the_requests_are_as_many_as_the_readme_says() {
    // In the order of the projects: those with more than half a page have pages of their own, the others share.
    let (sim_of, projects) = (|| sim(6, 30), 6_usize);
    let (sim, env_graphql) = (sim_of(), env());
    let first = asked(&sim, || drop(fill_over(&env_graphql, &sim, "graphql").exits_with(0)));
    let pages = projects.div_ceil(100 / 30);
    assert_eq!(first, 1 + 1 + 1 + 1 + pages, "fields, group, list, what is new, pages");
    let second = asked(&sim, || drop(fill_over(&env_graphql, &sim, "graphql").exits_with(0)));
    assert!((4..=5).contains(&second), "fields, group, list, what is new, and what changed last: {second}");

    let (sim, env_rest) = (sim_of(), env());
    let first = asked(&sim, || drop(fill_over(&env_rest, &sim, "rest").exits_with(0)));
    let (lines, _, _) = kept(&env_rest, &sim);
    let jobs = counts(&lines, "job");
    assert_eq!(jobs.len(), projects);
    let (least, most): (usize, usize) =
        jobs.values().fold((0, 0), |sum, jobs| (sum.0 + 1 + jobs.div_ceil(100), sum.1 + 2 + jobs.div_ceil(100)));
    assert!((2 + least..=2 + most).contains(&first), "{first} is not within {}..={}", 2 + least, 2 + most);
    let second = asked(&sim, || drop(fill_over(&env_rest, &sim, "rest").exits_with(0)));
    assert!((2 + projects..=2 + 2 * projects).contains(&second), "a list of each project: {second}");
}

#[test]
fn what_happens_between_two_runs_is_what_the_second_asks_for() {
    for api in ["graphql", "rest"] {
        let (sim, env_twice, env_once) = (sim(3, 40), env(), env());
        let _ = fill_over(&env_twice, &sim, api).exits_with(0);
        // The last pipelines of the simulated past lie ahead.
        sim.clock().advance(Duration::from_secs(26 * 3600));
        let output = fill(&env_twice, &sim, &["--api", api, "-o", "json"]).exits_with(0).json();
        assert!(output["pipelines"].as_u64().unwrap() < 3 * 12, "{api}: only what is new: {output}");
        let _ = fill_over(&env_once, &sim, api).exits_with(0);
        assert_eq!(kept(&env_twice, &sim).0, kept(&env_once, &sim).0, "{api}");
        let days = |env: &Env| kept(env, &sim).1.iter().map(|of| of.days_missing + of.days_with_gaps).sum::<u64>();
        assert_eq!((days(&env_twice), days(&env_once)), (0, 0), "{api}");
        let store = HistoryStore::open(&place(&env_once, &sim), 0).unwrap();
        let later = store.summary(sim.clock().now().timestamp() + 2 * 3600).unwrap().projects;
        assert!(later.iter().all(|of| of.days_with_gaps + of.days_missing == 1), "{api}: two hours later today is one");
    }
}

#[test]
fn recording_and_backfill_is_backfill_alone() {
    for api in ["graphql", "rest"] {
        let (sim, both, alone) = (sim(3, 12), env(), env());
        let reading = ["--host", sim.url(), "-g", "12345", "--api", api];
        let _ = both.run(&reading).code;
        assert!(!exported(&both, &sim).is_empty());
        let _ = fill_over(&both, &sim, "graphql").exits_with(0);
        let _ = fill_over(&alone, &sim, "graphql").exits_with(0);
        let _ = both.run(&reading).code;
        // A reading shows bridges and pipelines as the fill does, and its own words where only they are known.
        let names = |env: &Env| -> Vec<Value> {
            let mut facts: Vec<Value> =
                exported(env, &sim).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            facts.iter_mut().for_each(|fact| drop(fact.as_object_mut().unwrap().remove("failure_reason")));
            facts
        };
        assert_eq!(names(&both), names(&alone), "{api}");
    }
}

/// A group whose server has short pages, so that every project takes several requests.
fn short_pages() -> Sim {
    let graphql = GraphqlOptions { max_page: 5, ..GraphqlOptions::default() };
    Sim::start(Options { graphql, ..world(2, 12) }).unwrap()
}

fn is_page(request: &Request) -> bool {
    request.operation.as_deref() == Some("Past")
}

#[test]
fn a_run_that_is_cut_at_any_request_goes_on_there() {
    for api in ["graphql", "rest"] {
        let (sim, whole) = (short_pages(), env());
        let requests = asked(&sim, || drop(fill_over(&whole, &sim, api).exits_with(0)));
        let expected = kept(&whole, &sim);
        // What one page takes, with the rest of its jobs.
        let pages: Vec<usize> = (0..requests).filter(|at| is_page(&sim.requests()[*at])).chain([requests]).collect();
        let page = pages.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(1);
        assert!(requests > 6, "{api}: {requests}");
        for cut in 1..requests {
            let env = env();
            sim.add_fault(Fault::on("").after(u32::try_from(cut).unwrap()).status(401));
            let first = asked(&sim, || drop(fill_over(&env, &sim, api).exits_with(3)));
            sim.clear_faults();
            let second = asked(&sim, || drop(fill_over(&env, &sim, api).exits_with(0)));
            assert_eq!(kept(&env, &sim), expected, "{api}: cut after {cut}");
            // The group, its list and what is new are asked for again, and the page that was not whole.
            let most = requests + 6 + page;
            assert!(first + second <= most, "{api}: cut after {cut}: {first} and {second} of {requests}");
        }
    }
}

#[test]
fn what_was_read_is_kept_when_the_run_is_stopped() {
    let (sim, env) = (short_pages(), env());
    let _ = fill_over(&self::env(), &sim, "graphql").exits_with(0);
    let fourth = sim.requests().iter().enumerate().filter(|(_, request)| is_page(request)).nth(3).unwrap().0 + 1;
    sim.clear_requests();
    sim.add_fault(Fault::on("POST /api/graphql Past ").after(3).stalled());
    let arguments = ["history", "fill", "--host", sim.url(), "-g", "12345", "--since", "12d", "--api", "graphql"];
    let running = env.start(&[&arguments[..], &["--concurrency", "1"]].concat());
    assert!(sim.wait_for_requests(fourth, crate::support::running::DEADLINE));
    running.signal("-INT");
    let (_, stderr, code) = running.end();
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("what was read is kept, and the same command goes on from there"), "{stderr}");
    let before = exported(&env, &sim).len();
    assert!(before > 0);
    sim.clear_faults();
    let _ = fill_over(&env, &sim, "graphql").exits_with(0);
    assert!(exported(&env, &sim).len() > before);
}

#[test]
fn a_project_that_cannot_be_read_is_a_gap_and_no_day_of_it_is_filled() {
    let hidden = |sim: &Sim| sim.add_fault(Fault::on("/projects/20001/").status(403));
    let lost = |sim: &Sim| sim.add_fault(Fault::on("/projects/20001/").status(500));
    type Case<'a> = (&'a str, &'a dyn Fn(&Sim), &'a str, i32);
    let cases: [Case<'_>; 2] = [("hidden", &hidden, "forbidden", 0), ("in trouble", &lost, "http_500", 4)];
    for (sentence, fault, kind, exit) in cases {
        for api in ["rest", "auto"] {
            let (sim, env) = (sim(3, 8), env());
            fault(&sim);
            sim.add_fault(Fault::on("POST /api/graphql").graphql_error_at_project(20001));
            let output = fill(&env, &sim, &["--api", api, "-o", "json"]).exits_with(exit);
            let gaps = output.json()["gaps"].clone();
            assert_eq!(gaps.as_array().unwrap().len(), 1, "{sentence} over {api}: {output}");
            assert_eq!((&gaps[0]["id"], &gaps[0]["kind"]), (&20001.into(), &kind.into()), "{sentence} over {api}");
            let (_, days, cursors) = kept(&env, &sim);
            assert_eq!(cursors.len(), 2, "{sentence} over {api}");
            let of = days.iter().find(|of| of.id.0 == 20001).unwrap();
            assert_eq!((of.pipelines, of.days_missing, of.days_with_gaps), (0, 0, 0), "{sentence} over {api}: {of:?}");
            assert_eq!(
                of.gaps.iter().map(|gap| gap.kind.as_str()).collect::<Vec<_>>(),
                [kind],
                "{sentence} over {api}"
            );
            let shown = env.run(&["history", "--host", sim.url()]).exits_with(0).stdout;
            assert!(shown.contains("not all could be read of 1 project:\nacme/"), "{sentence} over {api}: {shown}");
            let table = fill(&env, &sim, &["--api", api]).exits_with(exit).stdout;
            assert!(table.contains("not all could be read of 1 project:\nacme/"), "{sentence} over {api}: {table}");
            sim.clear_faults();
            let _ = fill(&env, &sim, &["--api", api]).exits_with(0);
            assert!(kept(&env, &sim).1.iter().all(|of| of.gaps.is_empty()), "{sentence} over {api}: it is over");
        }
    }
}

#[test]
fn where_no_project_can_be_read_there_is_no_data() {
    let (sim, env) = (sim(2, 8), env());
    sim.add_fault(Fault::on("/pipelines").status(403));
    let output = fill(&env, &sim, &["--api", "rest"]).exits_with(3);
    assert!(output.stdout.contains("403"), "{output}");
}

#[test]
fn a_server_that_bears_less_is_asked_for_less_at_a_time() {
    let whole = |graphql: GraphqlOptions| {
        let (sim, env) = (Sim::start(Options { graphql, ..world(3, 12) }).unwrap(), env());
        let _ = fill_over(&env, &sim, "graphql").exits_with(0);
        kept(&env, &sim)
    };
    let expected = whole(GraphqlOptions::default());
    assert_eq!(whole(GraphqlOptions { max_page: 3, ..GraphqlOptions::default() }), expected, "short pages");
    assert_eq!(whole(GraphqlOptions { max_complexity: Some(95), ..GraphqlOptions::default() }), expected, "complexity");
    assert_eq!(whole(GraphqlOptions { times_out_above: Some(1), ..GraphqlOptions::default() }), expected, "timeouts");
}

#[test]
fn without_graphql_the_lists_are_read_and_that_is_said() {
    let graphql = GraphqlOptions { served: glwatch_sim::Served::Missing, ..GraphqlOptions::default() };
    let (sim, env) = (Sim::start(Options { graphql, ..world(2, 8) }).unwrap(), env());
    let output = fill(&env, &sim, &["--api", "auto", "-o", "json"]).exits_with(0);
    assert_eq!(output.json()["api"], "rest");
    assert!(output.stderr.contains("warning: GraphQL is not available"), "{output}");
    let _ = fill(&env, &sim, &["--api", "graphql"]).exits_with(3);
}

#[test]
fn what_lists_lack_is_read_again_once_graphql_answers() {
    let (sim, env, alone) = (sim(2, 8), env(), env());
    let _ = fill_over(&env, &sim, "rest").exits_with(0);
    let _ = fill_over(&env, &sim, "graphql").exits_with(0);
    let _ = fill_over(&alone, &sim, "graphql").exits_with(0);
    assert_eq!(exported(&env, &sim), exported(&alone, &sim));
}

#[test]
fn a_time_that_cannot_be_read_from_is_refused_before_anything_is_asked() {
    let (sim, env) = (sim(1, 8), env());
    let cases = [
        ("2999-01-01", "--since: \"2999-01-01\" lies in the future"),
        ("500d", "--since: \"500d\" lies further back than facts are kept: 400d"),
        ("yesterday", "--since: \"yesterday\" is neither a duration"),
    ];
    for (since, words) in cases {
        let requests = asked(&sim, || drop(fill_since(since, &env, &sim, &[]).refuses(2, &[words])));
        assert_eq!(requests, 0, "{since}");
    }
    let _ = env.run(&["history", "fill", "--host", sim.url()]).refuses(2, &["group"]);
    let off = env.with("GLWATCH_HISTORY_ENABLED", "false");
    let requests = asked(&sim, || drop(fill(&off, &sim, &[]).refuses(2, &["the history is switched off"])));
    assert_eq!(requests, 0);
}

#[test]
fn half_of_what_may_be_asked_is_left_to_a_watch() {
    let sim = Sim::start(Options { latency: Duration::from_millis(20), ..world(12, 8) }).unwrap();
    let env = env();
    let watch = ["--host", sim.url(), "-g", "12345", "--watch", "-o", "ndjson", "--interval", "1h"];
    let mut running = env.start(&watch);
    let _ = running.line();
    assert!(place(&env, &sim).is_live(), "a watch says that it is there");
    running.signal("-INT");
    let _ = running.end();
    assert!(!place(&env, &sim).is_live());
    for (is_live, most) in [(true, 4), (false, 8)] {
        let sim = Sim::start(Options { latency: Duration::from_millis(20), ..world(12, 8) }).unwrap();
        let mark = is_live.then(|| place(&env, &sim).mark_live().unwrap());
        let _ = fill(&env, &sim, &["--api", "rest", "--concurrency", "8"]).exits_with(0);
        drop(mark);
        assert_eq!(sim.peak_in_flight(), most, "live: {is_live}");
    }
}

#[test]
fn a_server_that_goes_away_is_not_asked_about_every_project() {
    for (api, answered) in [("rest", 12), ("auto", 5)] {
        let (sim, env, whole) = (sim(20, 12), env(), env());
        sim.add_fault(Fault::on("").after(answered).status(502));
        let requests = asked(&sim, || drop(fill(&env, &sim, &["--api", api, "--concurrency", "1"]).exits_with(4)));
        assert!(requests <= 12 + 9 * 4, "{api}: {requests}");
        sim.clear_faults();
        let _ = fill_over(&env, &sim, "rest").exits_with(0);
        let _ = fill_over(&whole, &sim, "rest").exits_with(0);
        assert_eq!(without_what_lists_lack(exported(&env, &sim)), without_what_lists_lack(exported(&whole, &sim)));
    }
}

#[test]
fn a_run_whose_time_is_over_keeps_what_it_has_and_says_so() {
    let (sim, env, whole) = (Sim::start(Options { latency: Duration::from_millis(150), ..world(12, 8) }), env(), env());
    let sim = sim.unwrap();
    let limit = ["--api", "rest", "--concurrency", "1", "--max-time", "2s", "-o", "json"];
    let output = fill(&env, &sim, &limit);
    assert!(matches!(output.code, Some(3 | 4)), "{output}");
    let gaps = output.json()["gaps"].clone();
    assert!(gaps.as_array().unwrap().iter().all(|gap| gap["kind"] == "deadline"), "{gaps}");
    let _ = fill_over(&env, &sim, "rest").exits_with(0);
    let _ = fill_over(&whole, &sim, "rest").exits_with(0);
    assert_eq!(kept(&env, &sim), kept(&whole, &sim));
}

/// The facts of a kind that are kept, each with what the simulated GitLab says of it, too.
fn facts(lines: &[String], kind: &str) -> Vec<Value> {
    let all = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|fact| fact["fact"] == kind).collect()
}

/// These fields of a fact; the history keeps whole seconds.
fn picked(fact: &Value, names: &[&str]) -> Vec<Value> {
    let whole = |value: &Value| match value.as_str().and_then(|time| time.split_once('.')) {
        Some((time, _)) if time.contains('T') => Value::from(format!("{time}Z")),
        Some(_) | None => value.clone(),
    };
    names.iter().map(|name| whole(&fact[*name])).collect()
}

/// What the simulated GitLab knows of one kind, in the order of ids, as the export names it.
fn planned(sim: &Sim, list: &str, names: &[&str]) -> Vec<Vec<Value>> {
    let history = sim.expected_history();
    let mut found = Vec::new();
    for project in history["projects"].as_array().unwrap() {
        for item in project[list].as_array().unwrap() {
            found.push([vec![project["id"].clone()], picked(item, names)].concat());
        }
    }
    found.sort_by_key(|row| (row[0].as_u64(), row[1].as_u64()));
    found
}

fn kept_rows(facts: &[Value], names: &[&str]) -> Vec<Vec<Value>> {
    facts.iter().map(|fact| [vec![fact["project"].clone()], picked(fact, names)].concat()).collect()
}

fn deliveries() -> Sim {
    let world = WorldKind::History { projects: 4, days: DAYS, pipelines: 40, merge_requests: 8, deployments: 6 };
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

#[test]
fn deployments_their_merge_requests_and_incidents_are_read_as_they_were_planned() {
    for api in ["graphql", "rest"] {
        let (sim, env) = (deliveries(), env());
        let _ = fill(&env, &sim, &["--api", api, "--deployments"]).exits_with(0);
        let lines = exported(&env, &sim);
        let fields = ["id", "iid", "environment", "tier", "status", "pipeline", "sha", "created_at"];
        let deployments = facts(&lines, "deployment");
        assert_eq!(kept_rows(&deployments, &fields), planned(&sim, "deployments", &fields), "{api}");
        let ended = |row: &&Vec<Value>| row[2] != "running";
        let fields = ["id", "status", "finished_at"];
        let (kept, plan) = (kept_rows(&deployments, &fields), planned(&sim, "deployments", &fields));
        assert_eq!(
            kept.iter().filter(ended).collect::<Vec<_>>(),
            plan.iter().filter(ended).collect::<Vec<_>>(),
            "{api}"
        );
        // Each production deployment brings what was planned; of staging it is not asked.
        let brought = planned(&sim, "deployments", &["id", "merge_requests"]);
        for (fact, row) in deployments.iter().zip(&brought) {
            let iids: Vec<&str> = fact["merge_requests"].as_str().unwrap_or_default().split_whitespace().collect();
            let plan: Vec<String> = row[2].as_array().unwrap().iter().map(Value::to_string).collect();
            let is_asked = fact["tier"] == "production" && fact["status"] == "success";
            assert_eq!(fact["merge_requests"].is_string(), is_asked, "{api}: {fact}");
            assert_eq!(iids, if is_asked { plan } else { vec![] }, "{api}: {fact}");
        }
        assert!(deployments.iter().any(|fact| fact["merge_requests"].as_str().is_some_and(|iids| !iids.is_empty())));
        let merged: HashMap<Vec<Value>, Value> = planned(&sim, "merge_requests", &["iid", "merged_at"])
            .into_iter()
            .map(|mut row| (row[..2].to_vec(), row.pop().unwrap()))
            .collect();
        let requests = facts(&lines, "merge_request");
        assert!(!requests.is_empty());
        for request in requests {
            let plan = &merged[&vec![request["project"].clone(), request["iid"].clone()]];
            assert_eq!(&picked(&request, &["merged_at"])[0], plan, "{api}: {request}");
        }
        let fields = ["iid", "created_at", "closed_at"];
        let incidents = planned(&sim, "incidents", &fields);
        assert_eq!(kept_rows(&facts(&lines, "incident"), &fields), incidents, "{api}");
    }
}

/// The formula of the README.
#[test]
fn deployments_take_as_many_requests_as_the_readme_says() {
    for api in ["graphql", "rest"] {
        let (sim, env) = (deliveries(), env());
        let _ = fill_over(&env, &sim, api).exits_with(0);
        assert!(facts(&exported(&env, &sim), "deployment").is_empty(), "{api}: not asked for");
        let base = asked(&sim, || drop(fill_over(&env, &sim, api).exits_with(0)));
        let with = ["--api", api, "--concurrency", "1", "--deployments"];
        let first = asked(&sim, || drop(fill(&env, &sim, &with).exits_with(0)));
        let deployments = facts(&exported(&env, &sim), "deployment");
        let asked_for = deployments.iter().filter(|fact| fact["merge_requests"].is_string()).count();
        assert_eq!(first, base + 1 + 4 + 4 + asked_for, "{api}: incidents, deployments, environments, merge requests");
        let second = asked(&sim, || drop(fill(&env, &sim, &with).exits_with(0)));
        let recent = sim.requests().iter().rev().take(second).filter(|of| of.path.ends_with("/deployments")).count();
        assert!(recent <= 4, "{api}");
        assert_eq!(second, base + 1 + recent, "{api}: no environment and no merge request is asked for again");
    }
}

#[test]
fn deployments_that_cannot_be_read_are_a_gap_of_their_own() {
    type Case<'a> = (&'a str, &'a str, u16, i32, &'a str);
    let cases: [Case<'_>; 4] = [
        ("hidden", "/projects/20001/deployments", 403, 0, "forbidden"),
        ("in trouble", "/projects/20001/deployments", 500, 4, "http_500"),
        ("environments are hidden", "/projects/20001/environments", 403, 0, "forbidden"),
        ("merge requests are in trouble", "/merge_requests", 500, 4, "http_500"),
    ];
    for (sentence, path, status, exit, kind) in cases {
        let (sim, env) = (deliveries(), env());
        sim.add_fault(Fault::on(path).status(status));
        let output = fill(&env, &sim, &["--deployments", "-o", "json"]).exits_with(exit).json();
        let gaps = output["gaps"].as_array().unwrap();
        assert!(!gaps.is_empty(), "{sentence}: {output}");
        for gap in gaps {
            assert_eq!((&gap["part"], &gap["kind"]), (&"deployments".into(), &kind.into()), "{sentence}: {output}");
        }
        sim.clear_faults();
        let _ = fill(&env, &sim, &["--deployments"]).exits_with(0);
        let (whole, lines) = (self::env(), exported(&env, &sim));
        let _ = fill(&whole, &sim, &["--deployments"]).exits_with(0);
        assert_eq!(lines, exported(&whole, &sim), "{sentence}: the next run reads what is missing");
    }
    let (sim, env) = (deliveries(), env());
    sim.add_fault(Fault::on("/issues").status(403));
    let output = fill(&env, &sim, &["--deployments"]).exits_with(0);
    assert!(output.stderr.contains("warning: incidents of 12345: 403"), "{output}");
}

/// By hand: `cargo test --test suite a_month_of_a_large_group -- --ignored --nocapture`.
#[test]
#[ignore = "it takes minutes"]
fn a_month_of_a_large_group_takes_as_many_requests_as_the_readme_says() {
    let world = WorldKind::History { projects: 200, days: 30, pipelines: 100, merge_requests: 8, deployments: 5 };
    let (sim, env) = (Sim::start(Options { world, ..Options::default() }).unwrap(), env());
    for (run, most) in [("first", 206), ("second", 10)] {
        let arguments = ["--api", "graphql", "--concurrency", "2", "--max-time", "1h", "-o", "json"];
        let mut output = None;
        let requests = asked(&sim, || output = Some(fill_since("31d", &env, &sim, &arguments).exits_with(0)));
        let told = output.unwrap().json();
        assert!(requests <= most, "{run}: {requests}");
        println!("{run}: {requests} requests, {told}");
    }
    let store = HistoryStore::open(&place(&env, &sim), 0).unwrap();
    let size = std::fs::metadata(store.file()).unwrap().len();
    println!("{size} bytes, {} facts", exported(&env, &sim).len());
}
