//! `glwatch dora` against simulated months whose failures were planted: its numbers, what they cost, and groups about which
//! little can be said.

use crate::support::{Env, Output};
use glwatch_sim::{Fault, Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const PROJECTS: usize = 6;

fn world(merge_requests: usize, deployments: usize) -> WorldKind {
    WorldKind::History { projects: PROJECTS, days: 60, pipelines: 240, merge_requests, deployments }
}

fn sim(merge_requests: usize, deployments: usize) -> Sim {
    Sim::start(Options { world: world(merge_requests, deployments), ..Options::default() }).unwrap()
}

fn env() -> Env {
    Env::new().with("GITLAB_TOKEN", TOKEN_READ_API)
}

fn dora(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    let since: &[&str] = if more.contains(&"--since") { &[] } else { &["--since", "30d"] };
    env.run(&[&["dora", "--host", sim.url(), "-g", "12345", "--api", "auto"][..], since, more].concat())
}

fn asked(sim: &Sim, run: impl FnOnce()) -> usize {
    let before = sim.requests().len();
    run();
    sim.requests().len() - before
}

fn seconds(value: &Value) -> Option<i64> {
    Some(chrono::DateTime::parse_from_rfc3339(value.as_str()?).unwrap().timestamp())
}

fn median(mut values: Vec<i64>) -> Option<f64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let odd = values.get(middle).map(|value| *value as f64)?;
    Some(if values.len() % 2 == 1 { odd } else { (odd + values[middle - 1] as f64) / 2.0 })
}

/// What was planted in one project, counted by the plan alone.
#[derive(Default)]
struct PlannedDelivery {
    deployments: usize,
    failed_attempts: usize,
    failures: BTreeMap<String, Value>,
    recoveries: BTreeMap<String, i64>,
    open: BTreeSet<u64>,
    rework: BTreeSet<u64>,
    leads: Vec<i64>,
}

impl PlannedDelivery {
    fn add(&mut self, plan: &Value, from: i64, to: i64) {
        let items = |name: &str| plan[name].as_array().unwrap().clone();
        let is_in = |at: i64| (from..to).contains(&at);
        let production: Vec<Value> = items("deployments")
            .into_iter()
            .filter(|of| of["tier"] == "production" && seconds(&of["finished_at"]).is_some())
            .collect();
        let ended = |of: &Value| seconds(&of["finished_at"]).unwrap();
        let failed = production.iter().filter(|of| of["status"] == "failed" && is_in(ended(of)));
        self.failed_attempts += failed.count();
        let good: Vec<&Value> = production.iter().filter(|of| of["status"] == "success").collect();
        let merged: BTreeMap<u64, Option<i64>> =
            items("merge_requests").iter().map(|of| (of["iid"].as_u64().unwrap(), seconds(&of["merged_at"]))).collect();
        let mut fixes = false;
        for (at, of) in good.iter().enumerate() {
            let id = of["id"].as_u64().unwrap();
            let reasons = of["failure_reasons"].as_array().unwrap();
            let is_rework = of["rollback"] == true || fixes;
            fixes = reasons.iter().any(|reason| reason == "revert" || reason == "hotfix");
            if !is_in(ended(of)) {
                continue;
            }
            self.deployments += 1;
            self.rework.extend(is_rework.then_some(id));
            let brought = of["merge_requests"].as_array().unwrap().iter().map(|iid| iid.as_u64().unwrap());
            self.leads.extend(brought.filter_map(|iid| Some(ended(of) - merged[&iid]?)));
            if reasons.is_empty() {
                continue;
            }
            self.failures.insert(id.to_string(), of["failure_reasons"].clone());
            let next = good.get(at + 1).map(|next| ended(next));
            let remedy = match reasons[0].as_str().unwrap() {
                "incident" => {
                    let owned = |incident: &Value| {
                        let created = seconds(&incident["created_at"]).unwrap();
                        created >= ended(of) && next.is_none_or(|next| created < next)
                    };
                    items("incidents")
                        .iter()
                        .filter(|incident| owned(incident))
                        .filter_map(|of| seconds(&of["closed_at"]))
                        .min()
                }
                _ => next,
            };
            match remedy {
                Some(remedy) => drop(self.recoveries.insert(id.to_string(), remedy - ended(of))),
                None => drop(self.open.insert(id)),
            }
        }
    }
}

fn check(found: &Value, planned: &PlannedDelivery, sentence: &str) {
    assert_eq!(found["deployments"], planned.deployments, "{sentence}");
    assert_eq!(found["failed_attempts"], planned.failed_attempts, "{sentence}");
    assert_eq!(found["failures"], json!(planned.failures), "{sentence}");
    assert_eq!(found["recoveries"], json!(planned.recoveries), "{sentence}");
    assert_eq!(found["open_failures"], json!(planned.open), "{sentence}");
    assert_eq!(found["rework_deployments"], json!(planned.rework), "{sentence}");
    assert_eq!(found["lead_time_count"], planned.leads.len(), "{sentence}");
    assert_eq!(found["lead_time_for_changes_seconds"], json!(median(planned.leads.clone())), "{sentence}");
    assert_eq!(found["dropped_baseline"], 0, "{sentence}: the first deployment lies before the window");
}

#[test]
fn the_numbers_are_those_that_were_planted_and_the_second_run_asks_little() {
    let (sim, env) = (sim(30, 45), env());
    let mut document = Value::Null;
    let first = asked(&sim, || document = dora(&env, &sim, &["-o", "json"]).exits_with(0).json());
    assert_eq!((&document["schema"], &document["complete"]), (&json!("glwatch.dora/1"), &json!(true)));
    let (from, to) = (seconds(&document["from"]).unwrap(), seconds(&document["to"]).unwrap());
    let plan = sim.expected_history();
    let mut pooled = PlannedDelivery::default();
    for of in plan["projects"].as_array().unwrap() {
        let mut planned = PlannedDelivery::default();
        planned.add(of, from, to);
        pooled.add(of, from, to);
        let found = document["projects"].as_array().unwrap().iter().find(|found| found["id"] == of["id"]).unwrap();
        check(&found["measures"], &planned, of["full_path"].as_str().unwrap());
        assert_eq!(found["basis"], "deployments");
    }
    check(&document["pooled"]["deployments"]["measures"], &pooled, "all projects");
    assert!(pooled.failures.len() > 3 && !pooled.rework.is_empty() && pooled.failed_attempts > 0, "the plan has some");
    assert_eq!(document["pooled"]["pipelines"], Value::Null);
    // Group, list of projects; incidents; deployments and environments of each; what each deployment brought.
    let most = 2 + 1 + 2 * PROJECTS + pooled.deployments;
    assert!(first <= most, "{first} requests, at most {most}: {}", sim.stats());
    let mut again = Value::Null;
    let second = asked(&sim, || again = dora(&env, &sim, &["-o", "json"]).exits_with(0).json());
    assert_eq!(again["pooled"]["deployments"]["measures"], document["pooled"]["deployments"]["measures"]);
    assert!(second <= 6, "fields, group, list, news, incidents: {second}: {}", sim.stats());
}

/// Merge requests whose first deployment to production ended in the window: those that the first deployment ever brought,
/// and all others; by the plan alone.
fn planned_arrivals(plan: &Value, (from, to): (i64, i64)) -> (usize, usize) {
    let ended = |of: &Value| seconds(&of["finished_at"]);
    let good = |of: &&Value| of["tier"] == "production" && of["status"] == "success" && ended(of).is_some();
    let mut good: Vec<&Value> = plan["deployments"].as_array().unwrap().iter().filter(good).collect();
    good.sort_by_key(|of| (ended(of), of["id"].as_u64()));
    let brought = |of: &[&Value]| {
        let inside = of.iter().filter(|of| ended(of).is_some_and(|at| (from..to).contains(&at)));
        inside.map(|of| of["merge_requests"].as_array().unwrap().len()).sum()
    };
    let (first, others) = good.split_at(1.min(good.len()));
    (brought(first), brought(others))
}

#[test]
fn what_lies_before_the_first_deployment_that_is_known_is_asked_of_the_server() {
    // All lies in the window, or little of much: then the first one that is known is seldom the first ever.
    for (sentence, days, deployments, since) in
        [("young projects", 40, 12, "60d"), ("rare deployments", 390, 10, "60d")]
    {
        let world = WorldKind::History { projects: 24, days, pipelines: 240, merge_requests: 60, deployments };
        let (sim, env) = (Sim::start(Options { world, ..Options::default() }).unwrap(), env());
        let document = dora(&env, &sim, &["-o", "json", "--since", since]).exits_with(0).json();
        let window = (seconds(&document["from"]).unwrap(), seconds(&document["to"]).unwrap());
        let mut all = (0, 0);
        for of in sim.expected_history()["projects"].as_array().unwrap() {
            let planned = planned_arrivals(of, window);
            let found = document["projects"].as_array().unwrap().iter().find(|found| found["id"] == of["id"]).unwrap();
            if found["basis"] == "pipelines" {
                continue;
            }
            let measures = &found["measures"];
            let count = |key: &str| usize::try_from(measures[key].as_u64().unwrap_or(0)).unwrap();
            assert_eq!(
                (count("dropped_baseline"), count("lead_time_count")),
                planned,
                "{sentence}: {}",
                of["full_path"]
            );
            all = (all.0 + planned.0, all.1 + planned.1);
        }
        let asked = || sim.requests().iter().filter(|line| line.query.contains("finished_before")).count();
        assert!(asked() > 3 && all.1 > 10, "{sentence}: {} requests, {all:?}", asked());
        assert_eq!(all.0 > 0, sentence == "young projects", "{sentence}: {all:?}");
        let before = asked();
        let again = dora(&env, &sim, &["-o", "json", "--since", since]).exits_with(0).json();
        assert_eq!(again["projects"], document["projects"], "{sentence}");
        assert_eq!(asked(), before, "{sentence}: once");
    }
}

#[test]
fn first_commits_are_asked_for_once() {
    let (sim, env) = (sim(30, 45), env());
    let measures = |document: Value| document["pooled"]["deployments"]["measures"].clone();
    let merge = measures(dora(&env, &sim, &["-o", "json"]).exits_with(0).json());
    assert_eq!(merge["lead_time_from_first_commit_count"], 0);
    let mut commit = Value::Null;
    let with = ["-o", "json", "--lead-from", "first-commit"];
    let first = asked(&sim, || commit = measures(dora(&env, &sim, &with).exits_with(0).json()));
    assert_eq!(commit["lead_time_from_first_commit_count"], merge["lead_time_count"]);
    let later = |key: &str, of: &Value| of[key].as_f64().unwrap();
    assert!(later("lead_time_from_first_commit_seconds", &commit) > later("lead_time_for_changes_seconds", &merge));
    let second = asked(&sim, || drop(dora(&env, &sim, &with).exits_with(0)));
    assert!(second < first, "{second}, {first}");
    let table = dora(&env, &sim, &["--lead-from", "first-commit"]).exits_with(0).stdout;
    assert!(table.contains("from first commit") && !table.contains("from merge"), "{table}");
}

#[test]
fn a_group_without_deployments_is_counted_from_pipelines_apart() {
    let (sim, env) = (sim(10, 0), env());
    let document = dora(&env, &sim, &["-o", "json"]).exits_with(0).json();
    assert_eq!(document["pooled"]["deployments"], Value::Null);
    let measures = &document["pooled"]["pipelines"]["measures"];
    assert_eq!(measures["basis"], "pipelines");
    let (from, to) = (seconds(&document["from"]).unwrap(), seconds(&document["to"]).unwrap());
    let plan = sim.expected_history();
    let pipelines = plan["projects"].as_array().unwrap().iter().flat_map(|of| of["pipelines"].as_array().unwrap());
    let counted = |of: &&Value| {
        let is_in = seconds(&of["finished_at"]).is_some_and(|at| (from..to).contains(&at));
        is_in && of["ref"] == "main" && of["source"] != "schedule"
    };
    let counted: Vec<&Value> = pipelines.filter(counted).collect();
    let of = |status: &str| counted.iter().filter(|of| of["status"] == status).count();
    assert_eq!((&measures["deployments"], &measures["failed_attempts"]), (&json!(of("success")), &json!(of("failed"))));
    assert!(of("success") > 10);
    let leads = stand_in_leads(&plan, (from, to));
    assert!(leads.len() > 10, "{}", leads.len());
    assert_eq!(measures["lead_time_count"], leads.len());
    assert_eq!(measures["lead_time_for_changes_seconds"], json!(median(leads)));
    let table = dora(&env, &sim, &[]).exits_with(0).stdout;
    assert!(table.contains("basis: pipelines of the default branch"), "{table}");
    let checked = dora(&env, &sim, &["--check"]).exits_with(0).stdout;
    assert!(checked.contains("it has no deployments: pipelines take their place"), "{checked}");
}

/// From merge to the first success of the default branch that was made after it, by the plan alone.
fn stand_in_leads(plan: &Value, (from, to): (i64, i64)) -> Vec<i64> {
    let mut leads = Vec::new();
    for of in plan["projects"].as_array().unwrap() {
        let ended: Vec<(i64, i64)> = of["pipelines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|of| of["ref"] == "main" && of["source"] != "schedule" && of["status"] == "success")
            .filter_map(|of| Some((seconds(&of["created_at"])?, seconds(&of["finished_at"])?)))
            .collect();
        for merged in of["merge_requests"].as_array().unwrap().iter().filter_map(|of| seconds(&of["merged_at"])) {
            let first = ended.iter().filter(|(created, _)| *created >= merged).map(|(_, finished)| *finished).min();
            leads.extend(first.filter(|at| (from..to).contains(at)).map(|at| at - merged));
        }
    }
    leads
}

#[test]
fn what_was_merged_is_read_once_where_pipelines_stand_in() {
    let (sim, env) = (sim(10, 0), env());
    let lists = |sim: &Sim| sim.requests().iter().filter(|line| line.path.ends_with("/merge_requests")).count();
    let read = |more: &[&str]| dora(&env, &sim, &[&["-o", "json"][..], more].concat()).exits_with(0).json();
    let first = read(&[]);
    assert_eq!(lists(&sim), PROJECTS, "one list of each: {}", sim.stats());
    let mut again = Value::Null;
    let second = asked(&sim, || again = read(&[]));
    assert_eq!(again["pooled"]["pipelines"]["measures"], first["pooled"]["pipelines"]["measures"]);
    assert_eq!(lists(&sim), PROJECTS, "nothing has changed");
    assert!(second <= 8, "{second}: {}", sim.stats());
    let with = ["--lead-from", "first-commit"];
    let commit = read(&with)["pooled"]["pipelines"]["measures"].clone();
    assert_eq!(
        commit["lead_time_from_first_commit_count"],
        first["pooled"]["pipelines"]["measures"]["lead_time_count"]
    );
    let commits = |sim: &Sim| sim.requests().iter().filter(|line| line.path.ends_with("/commits")).count();
    let asked_for = commits(&sim);
    let _ = read(&with);
    assert!(asked_for > 0 && commits(&sim) == asked_for, "{asked_for}, {}", commits(&sim));
}

#[test]
fn where_merge_requests_cannot_be_read_nothing_is_said_of_them() {
    for (refusal, status) in [(403, 0), (500, 4)] {
        let (sim, env) = (sim(10, 0), env());
        sim.add_fault(Fault::on("/merge_requests").status(refusal));
        let output = dora(&env, &sim, &["-o", "json", "--retry-wait", "1ms"]).exits_with(status);
        let document = output.json();
        let measures = &document["pooled"]["pipelines"]["measures"];
        assert_eq!(document["complete"], false);
        assert!(measures["deployments"].as_u64().unwrap() > 10, "pipelines are counted all the same");
        assert_eq!(measures["lead_time_for_changes_seconds"], Value::Null);
        let problems = document["problems"].to_string();
        assert!(problems.contains("merge requests: "), "{problems}");
    }
}

#[test]
fn without_merge_requests_there_is_no_lead_time() {
    let (sim, env) = (sim(0, 20), env());
    let document = dora(&env, &sim, &["-o", "json"]).exits_with(0).json();
    let measures = &document["pooled"]["deployments"]["measures"];
    assert!(measures["deployments"].as_u64().unwrap() > 0);
    assert_eq!(measures["lead_time_for_changes_seconds"], Value::Null);
    let table = dora(&env, &sim, &[]).exits_with(0).stdout;
    assert!(table.contains("change lead time                 no data"), "{table}");
    let checked = dora(&env, &sim, &["--check"]).exits_with(0).stdout;
    assert!(checked.contains("deployments brought a merge request"), "{checked}");
}

#[test]
fn what_cannot_be_read_has_no_numbers_and_is_in_none() {
    let one = |sim: &Sim| sim.expected_history()["projects"][0]["id"].as_u64().unwrap();
    type Case<'a> = (&'a str, u16, usize, i32, &'a str);
    let cases: [Case<'_>; 3] = [
        ("one is in trouble", 500, 1, 4, "500"),
        ("half are hidden", 403, PROJECTS / 2, 0, "may not see its deployments"),
        ("all are hidden", 403, PROJECTS, 3, "may not see its deployments"),
    ];
    for (sentence, status, count, exit, words) in cases {
        let (sim, env) = (sim(10, 20), env());
        let first = one(&sim);
        let ids: Vec<u64> = sim.expected_history()["projects"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| of["id"].as_u64().unwrap())
            .collect();
        assert_eq!(ids[0], first);
        for id in &ids[..count] {
            sim.add_fault(Fault::on(&format!("/projects/{id}/deployments")).status(status));
        }
        let document = dora(&env, &sim, &["-o", "json", "--retry-wait", "1ms"]).exits_with(exit).json();
        assert_eq!(document["complete"], false, "{sentence}");
        let unread = document["projects"].as_array().unwrap().iter().filter(|of| of["measures"].is_null());
        assert_eq!(unread.count(), count, "{sentence}");
        let read = document["pooled"]["deployments"]["projects"].as_u64().unwrap_or(0);
        assert_eq!(usize::try_from(read).unwrap(), PROJECTS - count, "{sentence}");
        let problems = document["problems"].to_string();
        assert!(problems.contains(words), "{sentence}: {problems}");
        let table = dora(&env, &sim, &["--retry-wait", "1ms"]).exits_with(exit).stdout;
        assert!(table.contains("note: ") && table.contains("no data"), "{sentence}: {table}");
    }
}

#[test]
fn every_format_has_the_numbers() {
    let (sim, env) = (sim(30, 45), env());
    let table = dora(&env, &sim, &["--levels", "dora-2023"]).exits_with(0).stdout;
    for words in ["Throughput", "Instability", "from merge", "pending", "level: ", "by week"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let csv = dora(&env, &sim, &["-o", "csv"]).exits_with(0).stdout;
    assert_eq!(csv.lines().count(), 2 + PROJECTS, "{csv}");
    let markdown = dora(&env, &sim, &["-o", "markdown", "--by", "month"]).exits_with(0).stdout;
    assert!(markdown.contains("| Throughput | change lead time |"), "{markdown}");
    let metrics = dora(&env, &sim, &["-o", "openmetrics"]).exits_with(0).stdout;
    assert!(metrics.contains("glwatch_dora_change_fail_ratio{scope=\"pooled\",basis=\"deployments\"}"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
    let gitlab = dora(&env, &sim, &["--mode", "gitlab"]).exits_with(0).stdout;
    assert!(gitlab.contains("As GitLab Ultimate counts") && gitlab.contains("change failure rate"), "{gitlab}");
    let ascii = dora(&env, &sim, &["--ascii"]).exits_with(0).stdout;
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn every_event_behind_a_number_has_its_rule_and_evidence() {
    let (sim, env) = (sim(30, 45), env());
    let measures = dora(&env, &sim, &["-o", "json"]).exits_with(0).json()["pooled"]["deployments"]["measures"].clone();
    let events = |measure: &str| {
        let document = dora(&env, &sim, &["--explain", measure, "-o", "json"]).exits_with(0).json();
        document["events"].as_array().unwrap().clone()
    };
    let is = |verdict: &'static str| move |event: &&Value| event["verdict"].as_str().unwrap().starts_with(verdict);
    let all = events("change-fail-rate");
    assert_eq!(all.len() as u64, measures["deployments"].as_u64().unwrap());
    assert_eq!(all.iter().filter(is("failed")).count(), measures["failures"].as_object().unwrap().len());
    assert!(all.iter().filter(is("failed")).all(|event| !event["evidence"].as_str().unwrap().is_empty()));
    assert!(all.iter().all(|event| event["link"].as_str().unwrap().starts_with(sim.url())));
    let count = |measure: &str| json!(events(measure).len());
    assert_eq!(count("deployment-frequency"), measures["deployments"]);
    assert_eq!(count("lead-time"), measures["lead_time_count"]);
    assert_eq!(count("failed-attempts"), measures["failed_attempts"]);
    assert_eq!(count("recovery-time"), json!(measures["failures"].as_object().unwrap().len()));
    let rework = events("rework-rate");
    assert_eq!(rework.iter().filter(is("rework")).count(), measures["rework_deployments"].as_array().unwrap().len());
    let table = dora(&env, &sim, &["--explain", "recovery-time"]).exits_with(0).stdout;
    assert!(table.lines().next().unwrap().starts_with("when "), "{table}");
}

#[test]
fn environments_can_be_chosen_and_what_cannot_be_is_refused() {
    let (sim, env) = (sim(10, 20), env());
    let deployments = |more: &[&str]| {
        let document = dora(&env, &sim, &[&["-o", "json"][..], more].concat()).exits_with(0).json();
        document["pooled"]["deployments"]["measures"]["deployments"].as_u64().unwrap()
    };
    let (production, staging) = (deployments(&[]), deployments(&["--tier", "staging"]));
    assert!(production > 0 && staging > 0);
    assert_eq!(deployments(&["--environment", "^stag"]), staging, "by its name");
    assert_eq!(deployments(&["--environment", "."]), production + staging, "all");
    assert_eq!(deployments(&["--environment", ".", "--tier", "production"]), production, "both have to hold");
    let cases: [(&[&str], &str); 4] = [
        (&["--environment", "("], "--environment: \"(\""),
        (&["--since", "900d"], "is further back than facts are kept"),
        (&["--hotfix-window", "soon"], "--hotfix-window: \"soon\""),
        (&["--check", "-o", "csv"], "-o csv: events and checks have no such form"),
    ];
    for (arguments, words) in cases {
        let _ = env.run(&[&["dora", "--host", sim.url(), "-g", "12345"][..], arguments].concat()).refuses(2, &[words]);
    }
    let _ = env.run(&["dora", "--by", "person"]).exits_with(2);
}

/// Few enough requests that a run can be cut at each of them; without deployments, pipelines take their place.
fn small_world(deployments: usize) -> Sim {
    let world = WorldKind::History { projects: 2, days: 60, pipelines: 60, merge_requests: 8, deployments };
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

const WHOLE: [&str; 8] = ["-o", "json", "--lead-from", "first-commit", "--concurrency", "1", "--retry-wait", "1ms"];

#[test]
fn a_run_that_is_cut_at_any_request_goes_on_there() {
    for deployments in [8, 0] {
        let (sim, whole) = (small_world(deployments), env());
        let mut expected = Value::Null;
        let requests = asked(&sim, || expected = dora(&whole, &sim, &WHOLE).exits_with(0).json());
        assert!(requests > 12, "{requests}: {}", sim.stats());
        for cut in 1..requests {
            let env = env();
            sim.add_fault(Fault::on("").after(u32::try_from(cut).unwrap()).status(401));
            let first = asked(&sim, || drop(dora(&env, &sim, &WHOLE).exits_with(3)));
            sim.clear_faults();
            let mut document = Value::Null;
            let second = asked(&sim, || document = dora(&env, &sim, &WHOLE).exits_with(0).json());
            assert_eq!(document["projects"], expected["projects"], "{deployments}: cut after {cut}");
            // Fields, group, list, news and incidents are asked for again, and what was not whole.
            assert!(first + second <= requests + 8, "{deployments}: cut after {cut}: {first}, {second} of {requests}");
        }
    }
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for_or_said_to_be_too_slow() {
    for deployments in [8, 0] {
        let (sim, whole) = (small_world(deployments), env());
        let expected = dora(&whole, &sim, &WHOLE).exits_with(0).json();
        for path in ["/deployments", "/merge_requests", "/issues", "/commits"] {
            let env = env();
            sim.add_fault(Fault::on(path).times(2).rate_limited(Some("0")));
            let document = dora(&env, &sim, &WHOLE).exits_with(0).json();
            assert_eq!(document["projects"], expected["projects"], "{deployments}: {path}: a moment");
            sim.clear_faults();
            sim.add_fault(Fault::on(path).rate_limited(Some("7200")));
            let env = self::env();
            let output = dora(&env, &sim, &WHOLE);
            let is_asked = sim.requests().iter().any(|line| line.path.ends_with(path) && line.status == 429);
            if is_asked {
                assert!(matches!(output.code, Some(3 | 4)), "{deployments}: {path}: {output}");
                assert_eq!(output.json()["complete"], false, "{deployments}: {path}");
            }
            sim.clear_faults();
            let document = dora(&env, &sim, &WHOLE).exits_with(0).json();
            assert_eq!(document["projects"], expected["projects"], "{deployments}: {path}: afterwards");
            sim.clear_requests();
        }
    }
}

#[test]
fn what_was_read_is_kept_when_the_run_is_stopped() {
    let (sim, env) = (small_world(8), env());
    let whole = asked(&sim, || drop(dora(&self::env(), &sim, &WHOLE).exits_with(0)));
    sim.clear_requests();
    let half = whole / 2;
    sim.add_fault(Fault::on("").after(u32::try_from(half).unwrap()).stalled());
    let running = env.start(
        &[&["dora", "--host", sim.url(), "-g", "12345", "--since", "30d", "--api", "auto"][..], &WHOLE].concat(),
    );
    assert!(sim.wait_for_requests(half + 1, crate::support::running::DEADLINE));
    running.signal("-INT");
    let (stdout, stderr, code) = running.end();
    assert_eq!((code, stdout.len()), (Some(130), 0), "{stderr}");
    sim.clear_faults();
    let second = asked(&sim, || drop(dora(&env, &sim, &WHOLE).exits_with(0)));
    assert!(second < whole, "{second} of {whole}");
}
