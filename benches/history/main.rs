//! What the memory costs: `glwatch stats` over a month of 200 projects, and each question at a million jobs.
//!
//! Reports and never judges. The facts are made up here; time is an argument.

#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod facts;

use glwatch::domain::fact::UnixSeconds;
use glwatch::domain::id::{PipelineId, ProjectId};
use glwatch::domain::past::{FailedJobQuery, JobPast};
use glwatch::domain::pipeline::RefKind;
use glwatch::domain::selection::RefSelector;
use glwatch::domain::window::TimeWindow;
use glwatch::history::place::HistoryPlace;
use glwatch::history::store::HistoryStore;
use glwatch::report::stats::{StatsDocument, StatsOptions};
use glwatch::stats::plan::{StatsBy, StatsPlan};
use glwatch::stats::study::{StatsStudy, study_project};
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PROJECTS: u64 = 200;
const JOBS_PER_PIPELINE: u64 = 12;
const DAY: i64 = 24 * 3600;
/// 2026-11-28, 00:00 UTC.
const NOW: UnixSeconds = 1_795_824_000;

type Failure = Box<dyn std::error::Error>;
/// Asks about a failed job, and when it failed.
type Question<'a> = Box<dyn Fn(&FailedJobQuery<'_>, UnixSeconds) -> Result<(), Failure> + 'a>;

fn main() -> Result<(), Failure> {
    let only: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_asked = |part: &str| only.is_empty() || only.iter().any(|word| word == part);
    if is_asked("stats") {
        count_a_month()?;
    }
    if is_asked("questions") {
        ask_a_million()?;
    }
    Ok(())
}

/// Fills a file with so many pipelines of each project, spread over some days before `NOW`.
fn filled(folder: &Path, pipelines: u64, days: i64) -> Result<HistoryStore, Failure> {
    let begin = Instant::now();
    let mut store = HistoryStore::open(&HistoryPlace::in_folder(folder, "https://gitlab.example.com"), NOW)?;
    for project in 1..=PROJECTS {
        store.write(&facts::project(project, pipelines, NOW - days * DAY, NOW), NOW)?;
    }
    let bytes = fs::metadata(store.file())?.len();
    let jobs = PROJECTS * pipelines * JOBS_PER_PIPELINE;
    println!(
        "file of {} pipelines and {jobs} jobs: {:.1} MB, {} bytes a job; written in {:.1} s",
        PROJECTS * pipelines,
        bytes as f64 / 1e6,
        bytes / jobs,
        begin.elapsed().as_secs_f64()
    );
    Ok(store)
}

fn count_a_month() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    drop(filled(folder.path(), 100, 30)?);
    // What filling took is not what counting takes.
    let before = resident_kib();
    let plan = StatsPlan::new(TimeWindow { from: NOW - 30 * DAY, to: NOW }, StatsBy::Project, vec![RefSelector::Any]);
    let store = HistoryStore::open(&HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com"), NOW)?;
    println!("\nglwatch stats over 30 days of {PROJECTS} projects (target: below 200 ms and 150 MB)");
    let (mut reading, mut counting, mut joining, mut writing) = (vec![], vec![], vec![], vec![]);
    for _ in 0..9 {
        let (mut read, mut counted) = (Duration::ZERO, Duration::ZERO);
        let projects = store.projects()?;
        let mut studies = Vec::new();
        for project in &projects {
            let begin = Instant::now();
            let runs = store.project_runs(project, plan.facts_since())?;
            read += begin.elapsed();
            let begin = Instant::now();
            studies.push(study_project(&runs, &plan));
            counted += begin.elapsed();
        }
        let begin = Instant::now();
        let study = StatsStudy::new(studies, &plan);
        joining.push(begin.elapsed());
        let begin = Instant::now();
        let paths = BTreeMap::new();
        let host = "https://gitlab.example.com";
        let options = StatsOptions { plan: &plan, now: NOW, host, rates: None, top: 5, paths: &paths };
        black_box(StatsDocument::new(&study, &options));
        writing.push(begin.elapsed());
        reading.push(read);
        counting.push(counted);
    }
    let parts = [("reading facts", reading), ("counting", counting), ("joining", joining), ("the document", writing)];
    let mut all = Duration::ZERO;
    for (name, mut times) in parts {
        times.sort_unstable();
        all += times[times.len() / 2];
        println!("{name:<14} {:7.1} ms", millis(times[times.len() / 2]));
    }
    println!("{:<14} {:7.1} ms   medians of 9", "in all", millis(all));
    println!(
        "{:<14} {:7.1} ms   the whole process, on as many cores as there are",
        "glwatch stats",
        whole(folder.path())?
    );
    println!(
        "{:<14} {:7.1} MB   more than before; {:.1} MB in all",
        "peak memory",
        (peak_kib() - before) / 1e3,
        peak_kib() / 1e3
    );
    Ok(())
}

/// Returns how long the program takes, from its start to its end.
fn whole(folder: &Path) -> Result<f64, Failure> {
    let config = folder.join("config.toml");
    fs::write(&config, format!("[history]\npath = {:?}\n", folder.display().to_string()))?;
    let mut times = Vec::new();
    for _ in 0..9 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glwatch"));
        let until = chrono::DateTime::from_timestamp(NOW, 0).ok_or("no time")?.to_rfc3339();
        let since = chrono::DateTime::from_timestamp(NOW - 30 * DAY, 0).ok_or("no time")?.to_rfc3339();
        command.args(["stats", "--host", "https://gitlab.example.com", "--since", &since, "--until", &until]);
        command.args(["--ref", "any", "-o", "json", "--config"]).arg(&config).env_clear().env("HOME", folder);
        let begin = Instant::now();
        if !command.stdout(Stdio::null()).status()?.success() {
            return Err("glwatch stats did not end well".into());
        }
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Ok(millis(times[4]))
}

fn ask_a_million() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    println!();
    let store = filled(folder.path(), 417, 125)?;
    println!("\nquestions to it, of 1000 failed jobs (target: each below 5 ms)");
    let tests = ["suite::case_3".to_owned()];
    let questions: [(&str, Question<'_>); 8] = [
        (
            "usual duration",
            Box::new(|query, _| asked(store.usual_job_duration(query.project, query.ref_kind, query.job)?)),
        ),
        ("red since", Box::new(|query, _| asked(store.red_since(query.project, "main", RefKind::Branch)?))),
        (
            "attempts, and never rerun",
            Box::new(|query, at| {
                let past = JobPast { runs: store.job_runs(query, at)?, ..JobPast::default() };
                asked(past.failures_and_never_rerun())
            }),
        ),
        (
            "same test elsewhere",
            Box::new(|query, at| {
                let query = FailedJobQuery { tests: &tests, ..*query };
                asked(store.same_failure_elsewhere(&query, at)?)
            }),
        ),
        (
            "same reason elsewhere",
            Box::new(|query, at| {
                let query = FailedJobQuery { reason: Some("runner_system_failure"), ..*query };
                asked(store.same_failure_elsewhere(&query, at)?)
            }),
        ),
        ("the default branch", Box::new(|query, _| asked(store.base_run(query)?))),
        ("failing jobs of a project", Box::new(|query, _| asked(store.runs_of_failing_jobs(query.project, NOW)?))),
        ("all about one job", Box::new(|query, at| asked(store.job_past(query, at)?))),
    ];
    for (name, ask) in questions {
        let mut times = Vec::new();
        for n in 0..1000 {
            let project = 1 + n % PROJECTS;
            let pipeline = facts::pipeline_id(project, n * 7 % 417);
            let created_at = NOW - (417 - (n * 7 % 417).cast_signed()) * 125 * DAY / 417;
            let query = FailedJobQuery {
                project: ProjectId(project),
                ref_name: "!3",
                ref_kind: RefKind::MergeRequest,
                pipeline: PipelineId(pipeline),
                created_at,
                job: facts::JOBS[usize::try_from(n % JOBS_PER_PIPELINE)?],
                reason: None,
                tests: &[],
            };
            let begin = Instant::now();
            ask(&query, created_at + 600)?;
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        println!("{name:<25} median {:6.3} ms, slowest {:6.3} ms", millis(times[500]), millis(times[999]));
    }
    Ok(())
}

/// Keeps the compiler from leaving out a question whose answer is not used.
fn asked<T>(answer: T) -> Result<(), Failure> {
    black_box(answer);
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Returns a line of `/proc/self/status` in KiB; 0 where there is none.
fn status_kib(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

fn resident_kib() -> f64 {
    status_kib("VmRSS:")
}

fn peak_kib() -> f64 {
    status_kib("VmHWM:")
}
