//! `glwatch stats`: numbers from the history alone, what they rest on, and what is refused.

use crate::support::{Env, Output};
use glwatch::domain::fact::{FactBatch, JobCourse, JobFact, PipelineCourse, PipelineFact, ProjectFact};
use glwatch::domain::id::{JobId, PipelineId, ProjectId};
use glwatch::domain::job::JobKind;
use glwatch::domain::pipeline::RefKind;
use glwatch::domain::status::Status;
use glwatch::history::place::HistoryPlace;
use glwatch::history::store::HistoryStore;
use serde_json::{Value, json};

/// No server is asked: nothing listens there.
const HOST: &str = "http://127.0.0.1:9";
const DAY: i64 = 24 * 3600;

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn store(env: &Env, host: &str) -> HistoryStore {
    let folder = env.home().join(".local/state/glwatch");
    HistoryStore::open(&HistoryPlace::in_folder(&folder, host), 0).unwrap()
}

fn project(id: u64, full_path: &str) -> ProjectFact {
    ProjectFact { id: ProjectId(id), full_path: full_path.into(), default_branch: Some("main".into()), seen_at: now() }
}

/// A pipeline of `main` that ran for 100 seconds, with one job that ran for 60.
fn pipeline(project: u64, id: u64, created: i64, status: &Status) -> (PipelineFact, JobFact) {
    let (project, id) = (ProjectId(project), PipelineId(id));
    let pipeline = PipelineFact {
        project,
        id,
        iid: None,
        ref_name: "main".into(),
        ref_kind: RefKind::Branch,
        sha: Some(format!("{id:040}")),
        source: Some("push".into()),
        author: Some("ada".into()),
        commit_title: None,
        created_at: Some(created),
        course: PipelineCourse {
            updated_at: Some(created + 110),
            status: status.clone(),
            started_at: Some(created + 10),
            finished_at: Some(created + 110),
            duration: Some(100),
            queued: Some(10),
        },
    };
    let job = JobFact {
        project,
        pipeline: id,
        id: JobId(id.0 * 10),
        name: "unit".into(),
        stage: "test".into(),
        kind: JobKind::Job,
        ref_kind: RefKind::Branch,
        allow_failure: false,
        created_at: None,
        tags: vec!["gpu".into()],
        course: JobCourse {
            finished_at: Some(created + 70),
            status: status.clone(),
            started_at: Some(created + 10),
            duration: Some(60),
            queued: Some(5),
            failure_reason: None,
        },
    };
    (pipeline, job)
}

/// Remembers two projects: one with a red and three green pipelines, the other with a green one in the window before.
fn remember(env: &Env, host: &str) {
    let mut batch =
        FactBatch { projects: vec![project(1, "acme/api"), project(2, "acme/web")], ..FactBatch::default() };
    let plots = [(1, 1, 5, false), (1, 2, 4, true), (1, 3, 3, true), (1, 4, 2, true), (2, 5, 40, true)];
    for (project, id, days, is_green) in plots {
        let status = if is_green { Status::Success } else { Status::Failed };
        let (pipeline, job) = pipeline(project, id, now() - days * DAY, &status);
        batch.pipelines.push(pipeline);
        batch.jobs.push(job);
    }
    store(env, host).write(&batch, now()).unwrap();
}

fn stats(env: &Env, more: &[&str]) -> Output {
    env.run(&[&["stats", "--host", HOST][..], more].concat())
}

fn remembering() -> Env {
    let env = Env::new();
    remember(&env, HOST);
    env
}

#[test]
fn the_four_criteria_are_counted_per_project_and_pooled() {
    let document = stats(&remembering(), &["-o", "json"]).exits_with(0).json();
    assert_eq!(document["schema"], "glwatch.stats/1");
    let pooled = &document["pooled"];
    let at = |path: &str| pooled.pointer(path).unwrap_or_else(|| panic!("no {path}")).clone();
    assert_eq!(at("/accuracy/pipelines"), 4);
    assert_eq!(at("/accuracy/success_rate"), 0.75);
    assert_eq!(at("/accuracy/failures_never_rerun"), 1);
    assert_eq!(at("/promptness/duration_s"), json!({ "count": 4, "p50": 100.0, "p95": 100.0 }));
    assert_eq!(at("/promptness/under_ten_minutes"), 1.0);
    assert_eq!(at("/cost/job_minutes"), 4.0);
    assert_eq!(at("/cost/price"), Value::Null, "no price is set: minutes only");
    assert_eq!(at("/actionability/origins/unknown/failures"), 1);
    assert_eq!(at("/actionability/time_to_green_s/p50"), DAY as f64);
    assert_eq!(at("/trend/success_rate"), json!({ "before": 1.0, "change": -0.25 }));
    let quiet = &document["groups"][1];
    assert_eq!((&quiet["name"], &quiet["project_id"]), (&json!("acme/web"), &json!(2)));
    for path in
        ["/accuracy/success_rate", "/promptness/duration_s", "/cost/job_minutes", "/actionability/explained_share"]
    {
        assert_eq!(quiet.pointer(path), Some(&Value::Null), "{path}: no data, not 0");
    }
}

#[test]
fn every_format_has_the_numbers_and_no_request_is_sent() {
    let env = remembering();
    let table = stats(&env, &[]).exits_with(0).stdout;
    for words in ["Accuracy", "75.0 % (3 of 4)", "Promptness", "Cost", "Actionability", "acme/api *", "acme/web *"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert!(!table.contains("ada"), "people are not ranked: {table}");
    let csv = stats(&env, &["-o", "csv"]).exits_with(0);
    assert_eq!(csv.stdout.lines().count(), 4, "{csv}");
    assert!(csv.stdout.lines().nth(3).is_some_and(|row| row.starts_with("project,acme/web,2,")), "{csv}");
    assert!(csv.stderr.contains("warning: the numbers rest on gaps"), "{csv}");
    let markdown = stats(&env, &["-o", "markdown"]).exits_with(0).stdout;
    assert!(
        markdown.contains("| Accuracy | success rate | 75.0 &#8203;% |") || markdown.contains("75.0 %"),
        "{markdown}"
    );
    let metrics = stats(&env, &["-o", "openmetrics"]).exits_with(0).stdout;
    let count = "cicd_pipeline_run_duration_seconds_count{cicd_pipeline_name=\"acme/api\",cicd_pipeline_run_state=\"executing\",cicd_pipeline_result=\"success\"} 3";
    for line in [count, "# EOF", "glwatch_stats_success_ratio{scope=\"pooled\"} 0.75"] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    assert!(!metrics.contains("glwatch_stats_success_ratio{scope=\"project\",name=\"acme/web\""), "no data, no series");
    let ascii = stats(&env, &["--ascii"]).exits_with(0).stdout;
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn a_price_is_that_of_the_configuration() {
    let env = remembering();
    let file = env.home().join("config.toml");
    std::fs::write(&file, "[cost]\nprice_per_minute = 0.5\nfactor = { gpu = 4 }\n").unwrap();
    let document = stats(&env, &["-o", "json", "--config", file.to_str().unwrap()]).exits_with(0).json();
    assert_eq!(document["pooled"]["cost"]["price"], 8.0);
}

#[test]
fn rows_are_projects_subgroups_or_weeks_and_projects_can_be_chosen() {
    let env = remembering();
    let names = |more: &[&str]| -> Vec<String> {
        let document = stats(&env, &[&["-o", "json"][..], more].concat()).exits_with(0).json();
        let groups = document["groups"].as_array().unwrap().iter();
        groups.map(|group| group["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["acme/api", "acme/web"]);
    assert_eq!(names(&["--by", "subgroup"]), ["acme"]);
    assert!((5..=6).contains(&names(&["--by", "week"]).len()));
    assert_eq!(names(&["--exclude", "web"]), ["acme/api"]);
    let _ = stats(&env, &["--include", "wbe"]).refuses(2, &["the filters leave no project"]);
    let tags = stats(&env, &["--ref", "tags", "-o", "json"]).exits_with(0).json();
    assert_eq!(tags["pooled"]["accuracy"]["success_rate"], Value::Null);
}

#[test]
fn a_window_that_cannot_be_is_refused() {
    let env = remembering();
    let cases: [(&str, &[&str], &str); 7] = [
        ("the future", &["--since", "2999-01-01"], "--since: \"2999-01-01\" lies in the future"),
        ("after the end", &["--since", "2d", "--until", "5d"], "--since: \"2d\" is not before --until \"5d\""),
        ("no time at all", &["--since", "0s"], "--since: \"0s\" is not before now"),
        ("further back than facts are kept", &["--since", "500d"], "is further back than facts are kept: 400d"),
        ("no time", &["--since", "yesterday"], "--since: \"yesterday\" is not a duration"),
        ("no unit", &["--until", "30"], "--until: \"30\" lacks a unit"),
        ("longer than any clock", &["--since", "99999999999w"], "is further back than facts are kept"),
    ];
    for (sentence, arguments, words) in cases {
        let output = stats(&env, arguments).refuses(2, &[words]);
        assert_eq!(output.stdout, "", "{sentence}");
    }
    let _ = stats(&env, &["--by", "person"]).exits_with(2);
    let ahead = stats(&env, &["--until", "2999-01-01", "-o", "json"]).exits_with(0).json();
    assert_eq!(ahead["until"], ahead["generated_at"], "what lies ahead has not happened");
    let day = chrono::DateTime::from_timestamp(now() - 6 * DAY, 0).unwrap().format("%Y-%m-%d").to_string();
    let days = stats(&env, &["--since", &day, "-o", "json"]).exits_with(0).json();
    assert_eq!(days["since"], format!("{day}T00:00:00Z"));
}

#[test]
fn without_facts_the_answer_says_how_to_get_them() {
    let env = Env::new();
    let _ = stats(&env, &["--since", "14d"]).refuses(2, &["nothing is remembered of", "history fill --since 14d"]);
    let env = remembering();
    let long_ago = stats(&env, &["--since", "100d", "--until", "90d"]).exits_with(0).stdout;
    assert!(long_ago.contains("nothing is remembered of this time; glwatch history fill --since 100d"), "{long_ago}");
    assert!(long_ago.contains("success rate        no data (0 of 0)"), "{long_ago}");
}

#[test]
fn the_facts_of_two_hosts_are_never_mixed() {
    let env = remembering();
    let other = "http://127.0.0.1:10";
    let mut foreign = store(&env, other);
    let batch = FactBatch { projects: vec![project(1, "other/api")], ..FactBatch::default() };
    foreign.write(&batch, now()).unwrap();
    let pipelines = |host: &str| {
        let document = env.run(&["stats", "--host", host, "-o", "json"]).exits_with(0).json();
        (document["groups"][0]["name"].clone(), document["pooled"]["accuracy"]["pipelines"].clone())
    };
    assert_eq!(pipelines(HOST), (json!("acme/api"), json!(4)));
    assert_eq!(pipelines(other), (json!("other/api"), json!(0)));
}

#[test]
fn a_renamed_project_is_one_and_a_clock_that_jumped_breaks_nothing() {
    let env = remembering();
    let mut store = store(&env, HOST);
    let renamed = ProjectFact { seen_at: now() + 9, ..project(1, "acme/moved\u{1b}[31m") };
    let (mut ahead, mut job) = pipeline(1, 90, now() + 5 * DAY, &Status::Success);
    let (mut odd, _) = pipeline(1, 91, now() - DAY, &Status::Success);
    (odd.course.duration, odd.course.finished_at) = (None, Some(0));
    (odd.course.queued, odd.course.started_at) = (None, Some(i64::MAX));
    ahead.course.finished_at = Some(i64::MIN);
    job.course.finished_at = Some(i64::MIN);
    let batch =
        FactBatch { projects: vec![renamed], pipelines: vec![ahead, odd], jobs: vec![job], ..FactBatch::default() };
    store.write(&batch, now()).unwrap();
    drop(store);
    let document = stats(&env, &["-o", "json"]).exits_with(0).json();
    assert_eq!(document["groups"].as_array().unwrap().len(), 2);
    let moved = &document["groups"][0];
    assert_eq!((&moved["project_id"], &moved["accuracy"]["pipelines"]), (&json!(1), &json!(5)));
    assert_eq!(moved["promptness"]["duration_s"]["count"], 4, "a time that is not known is left out");
    let table = stats(&env, &[]).exits_with(0).stdout;
    assert!(table.contains("acme/moved") && !table.contains('\u{1b}'), "{table}");
}
