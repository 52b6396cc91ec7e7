//! `glwatch stats` against a simulated month whose causes were planted: every number is counted once more here, from what
//! the simulated GitLab knows and serves, and has to be the same.

use crate::support::Env;
use chrono::{DateTime, TimeDelta, Utc};
use glwatch::domain::fact::{
    FactBatch, JobCourse, JobFact, PipelineCourse, PipelineFact, ProjectFact, TestFailureFact,
};
use glwatch::domain::id::{JobId, PipelineId, ProjectId};
use glwatch::domain::job::JobKind;
use glwatch::domain::pipeline::Ref;
use glwatch::domain::status::Status;
use glwatch::history::place::HistoryPlace;
use glwatch::history::store::HistoryStore;
use glwatch_sim::{Clock, Options, Sim, WorldKind};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Write};
use std::net::TcpStream;

const MONTH: WorldKind =
    WorldKind::History { projects: 12, days: 30, pipelines: 100, merge_requests: 9, deployments: 8 };

/// All jobs of a project, as the simulated GitLab serves them.
fn jobs(sim: &Sim, project: u64) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for page in 1.. {
        let path = format!("/api/v4/projects/{project}/jobs?per_page=100&page={page}");
        let mut stream = TcpStream::connect(sim.url().trim_start_matches("http://")).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n\r\n").unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).unwrap();
        let body = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let jobs: Vec<Value> = serde_json::from_slice(&raw[body..]).unwrap();
        if jobs.is_empty() {
            break;
        }
        found.extend(jobs);
    }
    found
}

fn seconds(value: &Value) -> Option<i64> {
    Some(chrono::DateTime::parse_from_rfc3339(value.as_str()?).unwrap().timestamp())
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A project as the simulated GitLab knows it.
struct PlannedProject {
    plan: Value,
    jobs: Vec<Value>,
}

impl PlannedProject {
    fn id(&self) -> u64 {
        self.plan["id"].as_u64().unwrap()
    }

    fn pipelines(&self) -> &Vec<Value> {
        self.plan["pipelines"].as_array().unwrap()
    }

    fn failures(&self) -> &Vec<Value> {
        self.plan["failures"].as_array().unwrap()
    }

    /// Everything of it as facts, as a memory without gaps would have them.
    fn facts(&self, now: i64) -> FactBatch {
        let project = ProjectId(self.id());
        let tags: HashMap<u64, bool> = self
            .jobs
            .iter()
            .map(|job| (job["pipeline"]["id"].as_u64().unwrap(), job["tag"].as_bool().unwrap()))
            .collect();
        let git_ref = |pipeline: &Value| {
            let is_tag = tags.get(&pipeline["id"].as_u64().unwrap()).copied();
            Ref::from_gitlab(pipeline["ref"].as_str().unwrap(), is_tag)
        };
        let refs: HashMap<u64, Ref> =
            self.pipelines().iter().map(|of| (of["id"].as_u64().unwrap(), git_ref(of))).collect();
        let pipeline = |of: &Value| {
            let Ref { name, kind } = git_ref(of);
            PipelineFact {
                project,
                id: PipelineId(of["id"].as_u64().unwrap()),
                iid: None,
                ref_name: name,
                ref_kind: kind,
                sha: Some(text(&of["sha"])),
                source: Some(text(&of["source"])),
                author: None,
                commit_title: None,
                created_at: seconds(&of["created_at"]),
                course: PipelineCourse {
                    updated_at: seconds(&of["finished_at"]),
                    status: Status::from_gitlab(of["status"].as_str().unwrap()),
                    started_at: seconds(&of["started_at"]),
                    finished_at: seconds(&of["finished_at"]),
                    duration: of["duration_s"].as_u64(),
                    queued: of["queued_s"].as_u64(),
                },
            }
        };
        let job = |of: &Value| JobFact {
            project,
            pipeline: PipelineId(of["pipeline"]["id"].as_u64().unwrap()),
            id: JobId(of["id"].as_u64().unwrap()),
            name: text(&of["name"]),
            stage: text(&of["stage"]),
            kind: JobKind::Job,
            ref_kind: refs[&of["pipeline"]["id"].as_u64().unwrap()].kind,
            allow_failure: of["allow_failure"].as_bool().unwrap(),
            created_at: seconds(&of["created_at"]),
            tags: vec![],
            course: JobCourse {
                finished_at: seconds(&of["finished_at"]),
                status: Status::from_gitlab(of["status"].as_str().unwrap()),
                started_at: seconds(&of["started_at"]),
                duration: of["duration"].as_f64().map(|seconds| seconds as u64),
                queued: of["queued_duration"].as_f64().map(|seconds| seconds as u64),
                failure_reason: of["failure_reason"].as_str().map(ToOwned::to_owned),
            },
        };
        let test = |of: &Value| {
            let test = of["test"].as_str()?.to_owned();
            Some(TestFailureFact { project, job: JobId(of["job_id"].as_u64().unwrap()), test })
        };
        let named = ProjectFact {
            id: project,
            full_path: text(&self.plan["full_path"]),
            default_branch: Some("main".into()),
            seen_at: now,
        };
        let ended = self.jobs.iter().filter(|job| !job["finished_at"].is_null());
        FactBatch {
            projects: vec![named],
            pipelines: self.pipelines().iter().map(pipeline).collect(),
            jobs: ended.map(job).collect(),
            test_failures: self.failures().iter().filter_map(test).collect(),
        }
    }
}

/// What is counted here, for one project or for all.
#[derive(Debug, Default, PartialEq)]
struct PlannedNumbers {
    counts: BTreeMap<&'static str, u64>,
    durations: Vec<u64>,
    queues: Vec<u64>,
    greens: Vec<u64>,
    /// Planted causes of failures.
    causes: BTreeMap<String, u64>,
}

impl PlannedNumbers {
    fn add(&mut self, name: &'static str, more: u64) {
        *self.counts.entry(name).or_default() += more;
    }

    /// Counts the pipelines of a project that were created in a time, on one ref or on all.
    fn count(&mut self, project: &PlannedProject, since: i64, until: i64, only_main: bool) {
        let chosen = |of: &&Value| {
            let created = seconds(&of["created_at"]).unwrap();
            (since..until).contains(&created) && (!only_main || of["ref"] == "main")
        };
        let pipelines: Vec<&Value> = project.pipelines().iter().filter(chosen).collect();
        for of in &pipelines {
            self.add("pipelines", 1);
            let word = of["status"].as_str().unwrap();
            self.add("success", u64::from(word == "success"));
            self.add("failed", u64::from(word == "failed"));
            if matches!(word, "success" | "failed") {
                self.durations.push(of["duration_s"].as_u64().unwrap());
                self.queues.push(of["queued_s"].as_u64().unwrap());
            }
            self.add("superseded", u64::from(is_superseded(project, of)));
        }
        let ids: HashSet<u64> = pipelines.iter().map(|of| number(&of["id"])).collect();
        self.count_jobs(project, &ids);
        self.count_failures(project, &ids);
        self.count_red(project, &ids);
    }

    fn count_jobs(&mut self, project: &PlannedProject, ids: &HashSet<u64>) {
        let mut attempts: BTreeMap<(u64, &str), Vec<&Value>> = BTreeMap::new();
        for job in project.jobs.iter().filter(|job| !job["finished_at"].is_null()) {
            let pipeline = number(&job["pipeline"]["id"]);
            if ids.contains(&pipeline) {
                attempts.entry((pipeline, job["name"].as_str().unwrap())).or_default().push(job);
            }
        }
        for attempts in attempts.values_mut() {
            attempts.sort_by_key(|job| number(&job["id"]));
            let ran = |job: &Value| job["duration"].as_f64().map_or(0, |seconds| seconds as u64);
            let (last, earlier) = attempts.split_last().unwrap();
            let retried: u64 = earlier.iter().map(|job| ran(job)).sum();
            self.add("job seconds", retried + ran(last));
            self.add("retried seconds", retried);
            self.add("canceled seconds", if last["status"] == "canceled" { ran(last) } else { 0 });
            self.add("green reruns", earlier.iter().filter(|job| job["status"] == "success").count() as u64);
        }
    }

    fn count_failures(&mut self, project: &PlannedProject, ids: &HashSet<u64>) {
        for failure in project.failures().iter().filter(|failure| ids.contains(&number(&failure["pipeline"]))) {
            let vague = matches!(failure["reason"].as_str(), None | Some("script_failure" | "unknown_failure"));
            self.add("failures", 1);
            self.add("explained", u64::from(!vague || !failure["test"].is_null()));
            // Only a failure of the job itself that was run again shows that it is flaky.
            let is_flaky = failure["cause"] == "flaky" && failure["rerun"] == true;
            self.add("flaky failures", u64::from(is_flaky));
            *self.causes.entry(text(&failure["cause"])).or_default() += 1;
        }
    }

    /// Follows each ref from its first red pipeline to the next green one.
    fn count_red(&mut self, project: &PlannedProject, ids: &HashSet<u64>) {
        let mut red: HashMap<&str, &Value> = HashMap::new();
        for of in project.pipelines() {
            let name = of["ref"].as_str().unwrap();
            match of["status"].as_str().unwrap() {
                "failed" => drop(red.entry(name).or_insert(of)),
                "success" => {
                    if let Some(first) = red.remove(name).filter(|first| ids.contains(&number(&first["id"]))) {
                        let took = seconds(&of["finished_at"]).unwrap() - seconds(&first["finished_at"]).unwrap();
                        self.greens.push(took.unsigned_abs());
                    }
                }
                _ => {}
            }
        }
        let open = red.values().filter(|first| ids.contains(&number(&first["id"]))).count();
        self.add("still red", open as u64);
    }

    fn matches(&self, entry: &Value, place: &str) {
        let found = |path: &str| entry.pointer(path).unwrap_or_else(|| panic!("no {path}")).as_f64();
        let count = |name: &str| self.counts.get(name).copied().unwrap_or(0) as f64;
        let minutes = |name: &str| count(name) / 60.0;
        let judged = count("success") + count("failed");
        let prompt = self.durations.iter().filter(|seconds| **seconds < 600).count() as f64;
        let of = |part: f64, whole: f64| (whole > 0.0).then_some(part / whole);
        let expected: [(&str, Option<f64>); 22] = [
            ("/accuracy/pipelines", Some(count("pipelines"))),
            ("/accuracy/success", Some(count("success"))),
            ("/accuracy/failed", Some(count("failed"))),
            ("/accuracy/success_rate", of(count("success"), judged)),
            ("/accuracy/flaky_failures", Some(count("flaky failures"))),
            ("/accuracy/green_reruns", Some(count("green reruns"))),
            ("/promptness/duration_s/count", Some(judged)),
            ("/promptness/duration_s/p50", percentile(&self.durations, 50)),
            ("/promptness/duration_s/p95", percentile(&self.durations, 95)),
            ("/promptness/queued_s/p50", percentile(&self.queues, 50)),
            ("/promptness/queued_s/p95", percentile(&self.queues, 95)),
            ("/promptness/under_ten_minutes", of(prompt, judged)),
            ("/cost/job_minutes", Some(minutes("job seconds"))),
            ("/cost/retried_minutes", Some(minutes("retried seconds"))),
            ("/cost/canceled_minutes", Some(minutes("canceled seconds"))),
            ("/cost/superseded_pipelines", Some(count("superseded"))),
            ("/actionability/failures", Some(count("failures"))),
            ("/actionability/explained_share", of(count("explained"), count("failures"))),
            ("/actionability/still_red", Some(count("still red"))),
            ("/actionability/time_to_green_s/count", (!self.greens.is_empty()).then_some(self.greens.len() as f64)),
            ("/actionability/time_to_green_s/p50", percentile(&self.greens, 50)),
            ("/actionability/time_to_green_s/p95", percentile(&self.greens, 95)),
        ];
        for (path, expected) in expected {
            let Some(expected) = expected else {
                assert!(entry.pointer(path).is_none_or(Value::is_null), "{place} {path}: {entry}");
                continue;
            };
            let found = found(path);
            assert!(
                found.is_some_and(|found| (found - expected).abs() < 1e-6),
                "{place} {path}: {found:?}, {expected}"
            );
        }
    }
}

/// The same commit's runs are one, and a schedule is about a time.
fn is_superseded(project: &PlannedProject, of: &Value) -> bool {
    let is_tag = |of: &Value| of["ref"].as_str().is_some_and(|name| name.starts_with('v'));
    if of["source"] == "schedule" || is_tag(of) || of["finished_at"].is_null() {
        return false;
    }
    let newer = project.pipelines().iter().find(|other| {
        other["ref"] == of["ref"] && other["source"] != "schedule" && other["id"].as_u64() > of["id"].as_u64()
    });
    newer.is_some_and(|newer| newer["sha"] != of["sha"] && seconds(&newer["created_at"]) < seconds(&of["finished_at"]))
}

/// PERCENTILE_CONT, in integers of a hundredth.
fn percentile(values: &[u64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = sorted.len().checked_sub(1)? * percent;
    let (at, rest) = (place / 100, (place % 100) as f64 / 100.0);
    let upper = sorted.get(at + 1).copied().unwrap_or(sorted[at]);
    Some(sorted[at] as f64 * (1.0 - rest) + upper as f64 * rest)
}

/// The command has no server and goes by this machine's clock: the month ends in the week before that, whatever day it is,
/// and whole weeks before the day of the other simulated worlds.
fn last_friday() -> DateTime<Utc> {
    let usual = Options::default().clock.now();
    usual + TimeDelta::weeks((Utc::now() - usual).num_seconds().div_euclid(7 * 24 * 3600))
}

/// A month that is wholly remembered.
struct RememberedMonth {
    env: Env,
    sim: Sim,
    projects: Vec<PlannedProject>,
}

impl RememberedMonth {
    fn new() -> Self {
        let clock = Clock::stepped(last_friday());
        let (env, sim) = (Env::new(), Sim::start(Options { world: MONTH, clock, ..Options::default() }).unwrap());
        let plans = sim.expected_history()["projects"].as_array().unwrap().clone();
        let project = |plan: Value| PlannedProject { jobs: jobs(&sim, plan["id"].as_u64().unwrap()), plan };
        let projects: Vec<PlannedProject> = plans.into_iter().map(project).collect();
        let now = sim.clock().now().timestamp();
        let place = HistoryPlace::in_folder(&env.home().join(".local/state/glwatch"), sim.url());
        let mut store = HistoryStore::open(&place, now).unwrap();
        for project in &projects {
            store.write(&project.facts(now), now).unwrap();
        }
        Self { env, sim, projects }
    }

    fn stats(&self, more: &[&str]) -> Value {
        let arguments = [&["stats", "--host", self.sim.url(), "-o", "json", "--top", "1000"][..], more].concat();
        self.env.run(&arguments).exits_with(0).json()
    }

    fn counted(&self, document: &Value, only_main: bool) -> Vec<PlannedNumbers> {
        let (since, until) = (seconds(&document["since"]).unwrap(), seconds(&document["until"]).unwrap());
        let count = |project: &PlannedProject| {
            let mut numbers = PlannedNumbers::default();
            numbers.count(project, since, until, only_main);
            numbers
        };
        self.projects.iter().map(count).collect()
    }

    fn pooled(&self, document: &Value, only_main: bool) -> PlannedNumbers {
        let (since, until) = (seconds(&document["since"]).unwrap(), seconds(&document["until"]).unwrap());
        let mut numbers = PlannedNumbers::default();
        self.projects.iter().for_each(|project| numbers.count(project, since, until, only_main));
        numbers
    }
}

#[test]
fn every_number_of_a_month_and_every_cause_is_what_was_planned() {
    let month = RememberedMonth::new();
    let windows: [(&[&str], bool); 4] = [
        (&["--since", "40d"], false),
        (&["--since", "12d", "--until", "3d"], false),
        (&["--since", "20d"], false),
        (&["--since", "40d", "--ref", "default"], true),
    ];
    for (arguments, only_main) in windows {
        let document = month.stats(arguments);
        month.pooled(&document, only_main).matches(&document["pooled"], &format!("{arguments:?} pooled"));
        let groups = document["groups"].as_array().unwrap();
        assert_eq!(groups.len(), month.projects.len());
        for (project, numbers) in month.projects.iter().zip(month.counted(&document, only_main)) {
            let group = groups.iter().find(|group| group["project_id"].as_u64() == Some(project.id())).unwrap();
            numbers.matches(group, &format!("{arguments:?} {}", project.plan["full_path"]));
        }
    }
    causes_agree(&month);
    assert_eq!(month.sim.panics(), 0);
}

/// Whose fault a failure is: nearly always what was planted, and never called the person's own where it is not.
fn causes_agree(month: &RememberedMonth) {
    let document = month.stats(&["--since", "40d"]);
    let planted = month.pooled(&document, false).causes;
    let found = |cause: &str| document["pooled"]["actionability"]["origins"][cause]["failures"].as_u64().unwrap();
    // A flaky test that fails in two other refs within three days is everywhere by the rules, whose order decides.
    let classes: [&[&str]; 4] = [&["yours"], &["already_broken"], &["infrastructure"], &["flaky", "everywhere"]];
    let sum = |class: &[&str], count: &dyn Fn(&str) -> u64| class.iter().map(|cause| count(cause)).sum::<u64>();
    let plan = |cause: &str| planted.get(cause).copied().unwrap_or(0);
    let right: u64 = classes.iter().map(|class| sum(class, &found).min(sum(class, &plan))).sum();
    let all: u64 = planted.values().sum();
    assert!(found("yours") <= planted["yours"], "{planted:?} {}", document["pooled"]["actionability"]);
    assert!(right * 100 >= all * 95, "{right} of {all}: {planted:?} {}", document["pooled"]["actionability"]);
}
