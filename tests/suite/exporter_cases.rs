//! The exporter that `glwatch serve` replaces, case by case: answers of GitLab's API in, series out.
//!
//! A case is run with its quirks (`Compatibility::Strict`), and counts the requests.

use super::watch::client_of;
use crate::support::canned::Canned;
use glwatch::collect::exported::environment::{self, EnvironmentReadout};
use glwatch::collect::exported::ref_reading::RefReader;
use glwatch::collect::exported::refs;
use glwatch::domain::exported::{
    CommitHead, ExportedDeployment, ExportedEnvironment, ToldRuns, TrackedKind, TrackedRef,
};
use glwatch::domain::id::{EnvironmentId, JobId, ProjectId, ProjectRef};
use glwatch::domain::tracking::{Compatibility, TrackingRules};
use glwatch::gitlab::client::Client;
use glwatch::serve::environment_metrics::show_environment;
use glwatch::serve::hook_answer::{HookDelivery, HookRules, answer_hook};
use glwatch::serve::metric_store::MetricStore;
use glwatch::serve::ref_metrics::{RefMemory, ShownRef, show_ref};
use glwatch::serve::scrape::scrape_store;
use glwatch::testing::ExporterConfig;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::runtime::Builder;
use url::Url;

const VENDORED: &str = "tests/cases/exporter-cases.json";
const PROJECT: &str = "acme/api";

/// A series as it is scraped: name and labels, without those that are empty.
type Series = (String, BTreeMap<String, String>);

#[test]
fn exporter_cases() {
    let path = std::env::var("GLWATCH_EXPORTER_CASES").unwrap_or_else(|_| VENDORED.to_owned());
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in cases {
        let found = CaseRun::new(case).run();
        wrong.extend(found.into_iter().map(|problem| format!("{}: {problem}", case["id"].as_str().unwrap())));
    }
    assert!(wrong.is_empty(), "{} of the cases' values:\n{}", wrong.len(), wrong.join("\n"));
}

/// One case under way: a server that answers what the step says, and what the exporter has made of it so far.
struct CaseRun<'a> {
    case: &'a Value,
    config: ExporterConfig,
    answers: Arc<Mutex<Value>>,
    server: Canned,
    store: MetricStore,
    memory: RefMemory,
    environment: Option<EnvironmentReadout>,
    wrong: Vec<String>,
}

impl<'a> CaseRun<'a> {
    fn new(case: &'a Value) -> Self {
        let mut config = case["config"].clone();
        if config.get("projects").is_none() && config.get("wildcards").is_none() {
            let name = ["ref", "environment"].iter().find_map(|key| case[key]["project"].as_str());
            let name = name.or_else(|| case["project"].as_str()).unwrap_or(PROJECT);
            config["projects"] = json!([{ "name": name }]);
        }
        // JSON is YAML.
        let config = ExporterConfig::parse(&config.to_string()).unwrap();
        let answers = Arc::new(Mutex::new(Value::Null));
        let told = Arc::clone(&answers);
        let server = Canned::start(move |path| answer(&told.lock().unwrap(), path));
        let stored_job = case["environment"]["stored_job_id"].as_u64();
        Self {
            environment: stored_job.map(|job| stored_environment(&case["environment"], job)),
            case,
            config,
            answers,
            server,
            store: MetricStore::new(usize::MAX),
            memory: RefMemory::default(),
            wrong: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<String> {
        let known =
            ["id", "origin", "title", "config", "ref", "environment", "project", "steps", "api", "expect", "http"];
        for key in self.case.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())) {
            self.wrong.push(format!("the key {key} is not one that this test reads"));
        }
        if let Some(deliveries) = self.case["http"].as_array() {
            deliveries.iter().for_each(|delivery| self.deliver(delivery));
        }
        let case = self.case;
        let steps = case["steps"].as_array().map_or_else(|| vec![case], |steps| steps.iter().collect());
        for step in steps.into_iter().filter(|step| step.get("api").is_some()) {
            self.step(step);
        }
        self.wrong
    }

    fn rules(&self) -> TrackingRules {
        self.config.projects[0].rules.clone()
    }

    /// Reads what the case is about, and compares what is known by then.
    fn step(&mut self, step: &Value) {
        *self.answers.lock().unwrap() = step["api"].clone();
        let before = self.server.heads().len();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = client_of(self.server.url());
        let found = runtime.block_on(async {
            if self.case.get("ref").is_some() {
                self.read_ref(&client).await
            } else if self.case.get("environment").is_some() {
                self.read_environment(&client).await
            } else {
                self.discover(&client, &step["expect"]).await
            }
        });
        if let Err(error) = found {
            self.wrong.push(format!("the reading failed: {error}"));
        }
        let requests = self.server.heads().len() - before;
        self.compare(&step["expect"], requests);
    }

    async fn read_ref(&mut self, client: &Client) -> Result<(), String> {
        let given = &self.case["ref"];
        let kind = match given["kind"].as_str().unwrap() {
            "branch" => TrackedKind::Branch,
            "tag" => TrackedKind::Tag,
            _ => TrackedKind::MergeRequest,
        };
        let (path, rules) = (given["project"].as_str().unwrap(), self.rules());
        let tracked = TrackedRef::new(kind, given["name"].as_str().unwrap());
        let project = ProjectRef::Path(path.to_owned());
        let compatibility = Compatibility::Strict;
        let reader = RefReader { client, project: &project, rules: &rules, compatibility };
        let readouts = reader.read(&tracked).await.map_err(|error| error.to_string())?;
        let shown = ShownRef { project: path, tracked: &tracked, rules: &rules, compatibility };
        show_ref(&mut self.store, shown, &mut self.memory, (&readouts, &ToldRuns::new()));
        Ok(())
    }

    async fn read_environment(&mut self, client: &Client) -> Result<(), String> {
        let given = &self.case["environment"];
        let path = given["project"].as_str().unwrap();
        let id = EnvironmentId(given["id"].as_u64().unwrap());
        let before = self.environment.take();
        let project = ProjectRef::Path(path.to_owned());
        let readout =
            environment::read(client, &project, id, before.as_ref()).await.map_err(|error| error.to_string())?;
        let known = before.and_then(|before| before.environment.last).map_or(JobId(0), |last| last.job);
        let is_sparse = self.rules().is_sparse;
        show_environment(&mut self.store, path, (&readout, known), is_sparse);
        self.environment = Some(readout);
        Ok(())
    }

    async fn discover(&mut self, client: &Client, expected: &Value) -> Result<(), String> {
        let project = ProjectRef::Path(self.case["project"].as_str().unwrap().to_owned());
        let rules = self.rules();
        if let Some(expected) = expected["environments"].as_array() {
            let found = environment::discover(client, &project, &rules.environments);
            let found = found.await.map_err(|error| error.to_string())?;
            let names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
            self.same(&"environments", &json!(names), &json!(expected));
        }
        if let Some(expected) = expected["refs"].as_array() {
            let now = chrono::Utc::now();
            let found = refs::discover(client, &project, &rules, now).await.map_err(|error| error.to_string())?;
            let expected: BTreeSet<(&str, &str)> =
                expected.iter().map(|one| (one["kind"].as_str().unwrap(), one["name"].as_str().unwrap())).collect();
            let found: BTreeSet<(&str, &str)> =
                found.iter().map(|tracked| (tracked.kind.word(), tracked.name.as_str())).collect();
            self.same(&"refs", &json!(found), &json!(expected));
        }
        Ok(())
    }

    fn deliver(&mut self, delivery: &Value) {
        let header = |name: &str| delivery["headers"][name].as_str();
        let body = match &delivery["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let rules = HookRules {
            secret: self.config.webhook_secret.clone(),
            compatibility: Compatibility::Strict,
            ..HookRules::default()
        };
        let given = HookDelivery {
            token: header("X-Gitlab-Token").map(str::as_bytes),
            event: header("X-Gitlab-Event"),
            body: body.as_bytes(),
            ..HookDelivery::default()
        };
        let answer = answer_hook(&rules, given, 0);
        self.same(&delivery, &json!(answer.status), &delivery["status"]);
        if let Some(expected) = delivery["response"].as_str() {
            self.same(&delivery, &json!(answer.body), &json!(expected));
        }
    }

    fn same(&mut self, what: &dyn std::fmt::Display, found: &Value, expected: &Value) {
        if found != expected {
            self.wrong.push(format!("{what}: {found}, expected {expected}"));
        }
    }

    fn compare(&mut self, expected: &Value, requests: usize) {
        let known = ["requests", "metrics", "absent", "refs", "environments", "scrapes", "note"];
        for key in expected.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())) {
            self.wrong.push(format!("the expectation {key} is not one that this test reads"));
        }
        if let Some(expected) = expected["requests"].as_u64() {
            self.same(&"requests", &json!(requests), &json!(expected));
        }
        let scraped = self.scrape();
        for metric in expected["metrics"].as_array().into_iter().flatten() {
            let key = series(metric);
            let found = scraped.get(&key).copied();
            let value = metric["value"].as_f64().unwrap();
            if found.is_none_or(|found| (found - value).abs() > 1e-6 * value.abs().max(1.0)) {
                self.wrong.push(format!("{key:?} is {found:?}, expected {value}"));
            }
        }
        if expected["metrics"].as_array().is_some_and(Vec::is_empty) && !scraped.is_empty() {
            self.wrong.push(format!("series where there should be none: {scraped:?}"));
        }
        for metric in expected["absent"].as_array().into_iter().flatten() {
            let (name, labels) = series(metric);
            let is_it = |(key, _): &(&Series, &f64)| {
                key.0 == name && labels.iter().all(|(label, value)| key.1.get(label) == Some(value))
            };
            if let Some(found) = scraped.iter().find(is_it) {
                self.wrong.push(format!("{found:?} should be absent"));
            }
        }
        for scrape in expected["scrapes"].as_array().into_iter().flatten() {
            self.compare_text(scrape);
        }
    }

    fn compare_text(&mut self, scrape: &Value) {
        let accept = scrape["accept"].as_str().unwrap();
        let page = scrape_store(&self.store, accept, self.config.has_openmetrics).unwrap();
        let text = String::from_utf8(page.text()).unwrap();
        let is_met = |key: &str, holds: &dyn Fn(&str) -> bool| scrape[key].as_str().is_none_or(holds);
        for (key, is_met) in [
            ("has", is_met("has", &|part| text.contains(part))),
            ("lacks", is_met("lacks", &|part| !text.contains(part))),
            ("ends_with", is_met("ends_with", &|part| text.ends_with(part))),
        ] {
            if !is_met {
                self.wrong.push(format!("{accept}: {key} does not hold of\n{text}"));
            }
        }
    }

    fn scrape(&self) -> BTreeMap<Series, f64> {
        let page = scrape_store(&self.store, "", false).unwrap();
        let text = String::from_utf8(page.text()).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(parsed).collect()
    }
}

#[test]
fn an_answer_about_something_else_is_no_answer() {
    let list = |git_ref: &str| json!([{ "id": 11, "ref": git_ref }]);
    let detail = |id: u64, project: Value| json!({ "id": id, "project_id": project, "status": "success" });
    let cases = [
        ("what was asked for", list("main"), detail(11, json!(7)), true),
        ("a list that does not tell the ref", json!([{ "id": 11 }]), detail(11, Value::Null), true),
        ("a server that ignores the ref", list("other"), detail(11, json!(7)), false),
        (
            "one of another ref among them",
            json!([{ "id": 11, "ref": "main" }, { "id": 10, "ref": "x" }]),
            detail(11, json!(7)),
            false,
        ),
        ("the details of another pipeline", list("main"), detail(12, json!(7)), false),
        ("of another project", list("main"), detail(11, json!(8)), false),
        ("no list", json!({ "message": "hello" }), detail(11, json!(7)), false),
    ];
    let config = ExporterConfig::parse("projects: [{name: acme/api}]").unwrap();
    for (sentence, list, detail, is_answer) in cases {
        let server = Canned::start(move |path| {
            let is_list = path.contains("/pipelines?");
            (200, if is_list { list.to_string() } else { detail.to_string() })
        });
        let client = client_of(server.url());
        let (project, rules) = (ProjectRef::Id(ProjectId(7)), &config.projects[0].rules);
        for compatibility in [Compatibility::Strict, Compatibility::Corrected] {
            let reader = RefReader { client: &client, project: &project, rules, compatibility };
            let tracked = TrackedRef::new(TrackedKind::Branch, "main");
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let found = runtime.block_on(reader.read(&tracked));
            assert_eq!(found.is_ok_and(|found| found.len() == 1), is_answer, "{sentence}");
        }
    }
}

/// Answers as the case says: the first answer with this path whose query is a part of what is asked.
fn answer(answers: &Value, path: &str) -> (u16, String) {
    let url = Url::parse(&format!("http://x{path}")).unwrap();
    let asked: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    let fits = |answer: &&Value| {
        let query = answer["query"].as_object();
        answer["path"].as_str() == Some(url.path())
            && query.into_iter().flatten().all(|(name, value)| asked.get(name).map(String::as_str) == value.as_str())
    };
    match answers.as_array().and_then(|all| all.iter().find(fits)) {
        Some(answer) => (answer["status"].as_u64().unwrap() as u16, answer["body"].to_string()),
        // A list of another ref is empty, as GitLab has it.
        None if url.path().ends_with("/pipelines") => (200, "[]".into()),
        None => (404, json!({ "message": "404 Not found" }).to_string()),
    }
}

/// An environment that was known before the case, with the job of its last deployment.
fn stored_environment(given: &Value, job: u64) -> EnvironmentReadout {
    let last = ExportedDeployment {
        kind: TrackedKind::Branch,
        ref_name: String::new(),
        job: JobId(job),
        status: String::new(),
        duration: None,
        username: String::new(),
        commit: String::new(),
        created_at: None,
    };
    let environment = ExportedEnvironment {
        id: EnvironmentId(given["id"].as_u64().unwrap()),
        name: given["name"].as_str().unwrap().to_owned(),
        external_url: String::new(),
        is_available: true,
        last: Some(last),
    };
    EnvironmentReadout { environment, latest: CommitHead::default(), commits_behind: 0 }
}

fn series(metric: &Value) -> Series {
    let labels = metric["labels"].as_object().into_iter().flatten();
    let text = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
    let labels = labels.map(text).filter(|(_, value)| !value.is_empty()).collect();
    (metric["name"].as_str().unwrap().to_owned(), labels)
}

/// Reads a line of a scrape.
fn parsed(line: &str) -> (Series, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) =
        series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
    let mut found = BTreeMap::new();
    let mut rest = labels;
    while let Some((label, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut characters = after.char_indices();
        let mut end = after.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, other)) => value.push(other),
                    None => {}
                },
                '"' => {
                    end = at + 1;
                    break;
                }
                other => value.push(other),
            }
        }
        found.insert(label.trim_start_matches(',').to_owned(), value);
        rest = &after[end..];
    }
    ((name.to_owned(), found), value.parse().unwrap())
}
