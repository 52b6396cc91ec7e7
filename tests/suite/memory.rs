//! The history: what readings leave in it, that it costs no request, that no state of it does harm, and what is answered
//! from it.

use crate::support::{Env, Output};
use glwatch::domain::fact::{FactBatch, JobCourse, JobFact, PipelineCourse, PipelineFact, ProjectFact};
use glwatch::domain::id::{JobId, PipelineId, ProjectId};
use glwatch::domain::job::JobKind;
use glwatch::domain::pipeline::RefKind;
use glwatch::domain::status::Status;
use glwatch::history::place::HistoryPlace;
use glwatch::history::store::HistoryStore;
use glwatch_sim::{Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

fn uniform() -> Sim {
    Sim::start(Options { world: WorldKind::Uniform { projects: 5, stages: 2, jobs: 2 }, ..Options::default() }).unwrap()
}

fn failures() -> Sim {
    Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap()
}

fn env() -> Env {
    Env::new().with("GITLAB_TOKEN", TOKEN_READ_API)
}

fn run(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    env.run(&[&["--host", sim.url(), "--group-id", "12345", "--rps", "1000"][..], more].concat())
}

fn history(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    env.run(&[&["history"][..], more, &["--host", sim.url()]].concat())
}

fn folder(env: &Env) -> PathBuf {
    env.home().join(".local/state/glwatch")
}

/// How many pipelines and jobs are remembered of each project.
fn counts(env: &Env, sim: &Sim) -> Vec<(String, u64, u64)> {
    let output = history(env, sim, &["-o", "json"]).exits_with(0);
    let entry = |project: &Value| {
        let path = project["full_path"].as_str().unwrap().to_owned();
        (path, project["pipelines"].as_u64().unwrap(), project["jobs"].as_u64().unwrap())
    };
    output.json()["projects"].as_array().unwrap().iter().map(entry).collect()
}

#[test]
fn a_reading_is_remembered_and_costs_no_request() {
    for api in ["rest", "graphql"] {
        let (sim, env) = (uniform(), env());
        let count = |more: &[&str]| {
            let before = sim.requests().len();
            let _ = run(&env, &sim, &[&["--api", api, "--no-cache"][..], more].concat()).exits_with(0);
            sim.requests().len() - before
        };
        assert_eq!(count(&["--no-history"]), count(&[]), "{api}");
        let remembered = counts(&env, &sim);
        assert_eq!(remembered.len(), 5, "{api}: {remembered:?}");
        assert!(remembered.iter().all(|(_, pipelines, jobs)| (*pipelines, *jobs) == (1, 4)), "{api}: {remembered:?}");
        let _ = count(&[]);
        assert_eq!(counts(&env, &sim), remembered, "{api}: the same reading again adds nothing");
    }
}

#[test]
fn both_apis_remember_the_same() {
    let exported = |api: &str| {
        let (sim, env) = (uniform(), env());
        let _ = run(&env, &sim, &["--api", api]).exits_with(0);
        let mut lines: Vec<Value> = history(&env, &sim, &["export"])
            .exits_with(0)
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &mut lines {
            let fields = line.as_object_mut().unwrap();
            // One of them may not say these.
            ["source", "commit_title", "failure_reason"].iter().for_each(|field| drop(fields.remove(*field)));
        }
        lines
    };
    let (rest, graphql) = (exported("rest"), exported("graphql"));
    assert_eq!(rest.len(), 5 + 20);
    assert_eq!(rest, graphql);
}

#[test]
fn an_export_is_lines_that_other_programs_read() {
    let (sim, env) = (uniform(), env());
    let _ = run(&env, &sim, &[]).exits_with(0);
    let csv = history(&env, &sim, &["export", "pipelines", "-o", "csv"]).exits_with(0).stdout;
    let header = "project,full_path,id,iid,ref,ref_kind,sha,source,user,commit_title,status,created_at,started_at,finished_at,updated_at,duration_s,queued_s";
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some(header), 6));
    assert_eq!(history(&env, &sim, &["export", "-o", "csv"]).exits_with(0).stdout.lines().count(), 21);
    let jobs = history(&env, &sim, &["export", "jobs"]).exits_with(0).stdout;
    assert!(jobs.lines().all(|line| line.starts_with(r#"{"fact":"job","#)) && jobs.lines().count() == 20, "{jobs}");
    let _ = history(&env, &sim, &["prune"]).exits_with(0);
    assert_eq!(counts(&env, &sim).len(), 5);
}

#[test]
fn without_a_history_the_answer_says_how_to_get_one() {
    let (sim, env) = (uniform(), env());
    let _ = history(&env, &sim, &[]).refuses(2, &["nothing is remembered of", "every reading adds to it"]);
    let _ = run(&env, &sim, &["--no-history"]).exits_with(0);
    assert!(!folder(&env).exists(), "--no-history leaves nothing behind");
    let _ = history(&env, &sim, &[]).refuses(2, &["nothing is remembered of"]);
    let off = env.with("GLWATCH_HISTORY_ENABLED", "false");
    let _ = run(&off, &sim, &[]).exits_with(0);
    assert!(!folder(&off).exists());
    let _ = history(&off, &sim, &[]).refuses(2, &["the history is switched off"]);
}

#[test]
fn a_history_that_cannot_be_used_is_said_once_and_changes_no_verdict() {
    let sim = failures();
    let (clean, broken) = (env(), env());
    let expected = run(&clean, &sim, &["--fail-on", "failed"]);
    let blocked = broken.home().join("blocked");
    fs::write(&blocked, "a file, not a folder").unwrap();
    let broken = broken.with("GLWATCH_HISTORY_PATH", blocked.to_str().unwrap());
    let output = run(&broken, &sim, &["--fail-on", "failed"]);
    assert_eq!((&output.stdout, output.code), (&expected.stdout, expected.code));
    assert_eq!(output.stderr.matches("warning: nothing is remembered").count(), 1, "{}", output.stderr);
    let quiet = run(&broken, &sim, &["--fail-on", "failed", "--quiet"]);
    assert_eq!((quiet.stderr.as_str(), quiet.code), ("", expected.code));
}

#[test]
fn a_damaged_history_is_set_aside_and_begun_again() {
    let (sim, env) = (uniform(), env());
    let _ = run(&env, &sim, &[]).exits_with(0);
    let file = fs::read_dir(folder(&env))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "sqlite3"));
    fs::write(file.unwrap(), "no database, and long enough to be taken for the header of one by a reader").unwrap();
    let output = run(&env, &sim, &[]).exits_with(0);
    assert!(output.stderr.contains("warning: the history was damaged; it is now "), "{}", output.stderr);
    assert_eq!(counts(&env, &sim).len(), 5);
    assert_eq!(run(&env, &sim, &[]).exits_with(0).stderr.matches("damaged").count(), 0);
}

#[test]
fn a_demo_remembers_nothing() {
    let env = Env::new();
    let _ = env.run(&["--demo"]).exits_with(0);
    assert!(!folder(&env).exists());
}

/// The memory of a simulated GitLab, for facts that it does not have.
fn store(env: &Env, sim: &Sim) -> HistoryStore {
    HistoryStore::open(&HistoryPlace::in_folder(&folder(env), sim.url()), 0).unwrap()
}

/// The project and pipeline that are explained, as the program names them.
fn explained(env: &Env, sim: &Sim, project: &str) -> Value {
    let output = env.run(&["explain", project, "-o", "json", "--host", sim.url(), "--group-id", "12345"]);
    output.exits_with(0).json()["pipelines"][0].clone()
}

/// A pipeline of the default branch an hour before another one, with one job.
fn base(project: u64, before: &Value, n: u64, status: &Status, job: &str) -> FactBatch {
    let created = chrono::DateTime::parse_from_rfc3339(before["created_at"].as_str().unwrap()).unwrap().timestamp();
    let id = before["id"].as_u64().unwrap() - 1000 + n;
    let at = created - 3600 + n.cast_signed();
    let pipeline = PipelineFact {
        project: ProjectId(project),
        id: PipelineId(id),
        iid: None,
        ref_name: "main".into(),
        ref_kind: RefKind::Branch,
        sha: Some(format!("{id:040x}")),
        source: Some("push".into()),
        author: None,
        commit_title: None,
        created_at: Some(at - 60),
        course: PipelineCourse {
            updated_at: Some(at),
            status: status.clone(),
            started_at: Some(at - 50),
            finished_at: Some(at),
            duration: Some(50),
            queued: None,
        },
    };
    let job = JobFact {
        project: ProjectId(project),
        pipeline: PipelineId(id),
        id: JobId(id * 10),
        name: job.into(),
        stage: "test".into(),
        kind: JobKind::Job,
        ref_kind: RefKind::Branch,
        allow_failure: false,
        created_at: None,
        tags: vec![],
        course: JobCourse {
            finished_at: Some(at),
            status: status.clone(),
            started_at: Some(at - 50),
            duration: Some(50),
            queued: None,
            failure_reason: None,
        },
    };
    FactBatch { pipelines: vec![pipeline], jobs: vec![job], ..FactBatch::default() }
}

#[test]
fn explain_says_whose_fault_it_is_where_the_memory_knows() {
    let sim = failures();
    let cases: [(&str, &[Status], &str, &str); 4] = [
        ("nothing is remembered", &[], "unknown", ""),
        ("red before", &[Status::Success, Status::Failed], "already_broken", "not yours: also failed on `main` in #"),
        (
            "green before, and proven not to be flaky",
            &[const { Status::Success }; 5],
            "yours",
            "yours: it passed on `main` in #",
        ),
        ("green before, but not for long", &[Status::Success], "unknown", ""),
    ];
    for (sentence, past, origin, line) in cases {
        let env = env();
        let pipeline = explained(&env, &sim, "acme/unit")["pipeline"].clone();
        if !past.is_empty() {
            let _ = run(&env, &sim, &[]).code;
        }
        let mut store = store(&env, &sim);
        let project = store.project_id("acme/unit").unwrap().map_or(0, |id| id.0);
        for (n, status) in (1..).zip(past) {
            store.write(&base(project, &pipeline, n, status, "unit"), 0).unwrap();
        }
        drop(store);
        let found = explained(&env, &sim, "acme/unit");
        let cause = &found["causes"][0];
        assert_eq!(cause["attribution"], origin, "{sentence}: {}", cause["evidence"]);
        assert!(!cause["evidence"]["facts"].as_array().unwrap().is_empty(), "{sentence}");
        let text = env.run(&["explain", "acme/unit", "--host", sim.url(), "--group-id", "12345"]).exits_with(0).stdout;
        let third = text.lines().nth(2).unwrap_or_default();
        assert!(third.contains(line) && (line.is_empty() != third.contains("yours")), "{sentence}: {text}");
    }
}

#[test]
fn a_failure_of_the_runner_is_nobodys_fault_and_no_history_is_no_question() {
    let (sim, env) = (failures(), env());
    let runner = explained(&env, &sim, "acme/runner");
    assert_eq!(runner["causes"][0]["attribution"], "infrastructure", "{runner}");
    let output = env.run(&["explain", "acme/unit", "--no-history", "-o", "json", "--host", sim.url(), "-g", "12345"]);
    assert_eq!(output.exits_with(0).json()["pipelines"][0]["causes"][0]["attribution"], Value::Null);
}

#[test]
fn explain_remembers_a_project_that_no_reading_has_brought() {
    let (sim, env) = (failures(), env());
    let plain = self::env();
    let before = sim.requests().len();
    let arguments = ["explain", "acme/unit", "-o", "json", "--host", sim.url(), "--group-id", "12345"];
    let _ = plain.run(&[&arguments[..], &["--no-history"]].concat()).exits_with(0);
    let without = sim.requests().len() - before;
    let pipeline = explained(&env, &sim, "acme/unit")["pipeline"].clone();
    assert_eq!(sim.requests().len() - before - without, without, "it costs no request");
    let lines = history(&env, &sim, &["export"]).exits_with(0).stdout;
    let facts: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| facts.iter().filter(|fact| fact["fact"] == kind).collect::<Vec<_>>();
    assert_eq!(of("pipeline").len(), 1, "{lines}");
    assert_eq!((&of("pipeline")[0]["id"], &of("pipeline")[0]["full_path"]), (&pipeline["id"], &"acme/unit".into()));
    assert!(of("job").iter().any(|job| job["name"] == "unit" && job["status"] == "failed"), "{lines}");
    // A reading brings what explain does not know, and explain takes nothing of that away.
    let _ = run(&env, &sim, &[]).code;
    let _ = explained(&env, &sim, "acme/unit");
    let project = store(&env, &sim).projects().unwrap().into_iter().find(|of| of.full_path == "acme/unit").unwrap();
    assert_eq!(project.default_branch.as_deref(), Some("main"));
}

/// The project's own facts have to be there before anything is asked about it.
#[test]
fn a_project_keeps_its_memory_when_it_is_renamed() {
    let (sim, env) = (uniform(), env());
    let _ = run(&env, &sim, &[]).exits_with(0);
    let mut store = store(&env, &sim);
    let project = counts(&env, &sim)[0].0.clone();
    let id = store.project_id(&project).unwrap().unwrap();
    let renamed = ProjectFact { id, full_path: "acme/renamed".into(), default_branch: None, seen_at: i64::MAX };
    store.write(&FactBatch { projects: vec![renamed], ..FactBatch::default() }, 0).unwrap();
    assert_eq!(store.project_id("acme/renamed").unwrap(), Some(id));
    assert_eq!(store.project_id(&project).unwrap(), None);
    assert!(
        counts(&env, &sim)
            .iter()
            .any(|(path, pipelines, jobs)| path == "acme/renamed" && (*pipelines, *jobs) == (1, 4))
    );
}

#[test]
fn the_table_and_the_json_say_what_is_usual_and_since_when_it_is_red() {
    let sim = failures();
    let green = Status::Success;
    type Case<'a> = (&'a str, &'a [Status], Option<u64>, bool, &'a str);
    let cases: [Case<'_>; 4] = [
        ("nothing is remembered", &[], None, false, "unknown"),
        (
            "it was green before",
            &[green.clone(), green.clone(), green.clone(), green.clone(), green],
            Some(50),
            true,
            "yours",
        ),
        ("it may have been red before", &[Status::Failed, Status::Failed], None, false, "already_broken"),
        ("two successes are not what is usual", &[Status::Success, Status::Success], None, true, "unknown"),
    ];
    for (sentence, past, usual, is_known, origin) in cases {
        let env = env();
        let unit = |output: Output| -> Value {
            let projects = output.json()["projects"].as_array().unwrap().clone();
            projects.iter().find(|project| project["full_path"] == "acme/unit").unwrap()["pipelines"][0].clone()
        };
        let first = unit(run(&env, &sim, &["-o", "json"]));
        let mut store = store(&env, &sim);
        let project = store.project_id("acme/unit").unwrap().unwrap().0;
        for (n, status) in (1..).zip(past) {
            store.write(&base(project, &first, n, status, "unit"), 0).unwrap();
        }
        drop(store);
        let pipeline = unit(run(&env, &sim, &["-o", "json"]));
        assert_eq!(pipeline["usual_s"].as_u64(), usual, "{sentence}: {pipeline}");
        // The pipeline itself is the first that failed after a green one.
        let red_since = if is_known { pipeline["finished_at"].clone() } else { Value::Null };
        assert_eq!(pipeline["red_since"], red_since, "{sentence}: {pipeline}");
        assert_eq!(pipeline["since"], pipeline["finished_at"], "{sentence}: {pipeline}");
        assert_eq!(pipeline["attribution"], origin, "{sentence}: {pipeline}");
        let without = unit(run(&env, &sim, &["-o", "json", "--no-history"]));
        for field in ["usual_s", "red_since", "attribution"] {
            assert_eq!(without[field], Value::Null, "{sentence}: {field}");
        }
        let table = run(&env, &sim, &["--columns", "project,usual,since,what"]).stdout;
        let line = table.lines().find(|line| line.starts_with("acme/unit\t")).unwrap().to_owned();
        assert_eq!(line.split('\t').nth(1), Some(if usual.is_some() { "~50s" } else { "" }), "{sentence}: {line}");
        assert!(line.ends_with("test / unit (script failure)"), "{sentence}: {line}");
        let digest = run(&env, &sim, &["-o", "markdown"]).stdout;
        assert_eq!(digest.contains("| usual |"), usual.is_some(), "{sentence}: {digest}");
        assert_eq!(digest.contains("| red for |"), is_known, "{sentence}: {digest}");
    }
}
