//! What kind of log a job has.

use crate::job_spec::JobSpec;
use crate::plan::Job;

/// A log larger than this is refused: GitLab's own limit is 100 MB.
const MOST_MEGABYTES: usize = 50;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogKind {
    /// Tests as Rust's runner prints them.
    Rust,
    /// Tests as pytest prints them.
    Pytest,
    Lint,
    Compiler,
    /// A script that went wrong, a deployment say.
    Script,
    Timeout,
    /// The runner broke, not the job.
    Runner,
    Large {
        megabytes: usize,
    },
    Binary,
    Hostile,
}

/// Reads the flag `log KIND`.
pub(crate) fn parse_kind(value: &str) -> Result<LogKind, String> {
    Ok(match value.split_once(' ').unwrap_or((value, "")) {
        ("rust", "") => LogKind::Rust,
        ("pytest", "") => LogKind::Pytest,
        ("lint", "") => LogKind::Lint,
        ("compiler", "") => LogKind::Compiler,
        ("script", "") => LogKind::Script,
        ("binary", "") => LogKind::Binary,
        ("hostile", "") => LogKind::Hostile,
        ("large", size) => {
            let megabytes = size.parse().ok().filter(|size| (1..=MOST_MEGABYTES).contains(size));
            LogKind::Large {
                megabytes: megabytes.ok_or_else(|| format!("\"{size}\" is not 1 to {MOST_MEGABYTES} megabytes"))?,
            }
        }
        _ => return Err(format!("there is no log \"{value}\"")),
    })
}

/// Returns the kind of a job that will end as `word` says.
pub(super) fn of(job: &Job, word: Option<&str>) -> LogKind {
    match (job.reason.as_str(), word) {
        ("runner_system_failure", Some("failed")) => LogKind::Runner,
        ("job_execution_timeout", Some("failed")) => LogKind::Timeout,
        _ => usual(&job.spec),
    }
}

/// Returns what a job of this name does, unless the scenario says so.
pub(crate) fn usual(spec: &JobSpec) -> LogKind {
    let name = spec.name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match spec.log {
        Some(kind) => kind,
        None if has(&["lint", "clippy", "ruff", "mypy", "fmt", "vet", "analysis", "validate", "licen"]) => {
            LogKind::Lint
        }
        None if has(&["pytest", "test: [3", "contract", "load"]) => LogKind::Pytest,
        None if tests(&name) => LogKind::Rust,
        None if has(&["build", "compile", "release", "wheel", "image", "bundle", "assemble", "package", "ko "]) => {
            LogKind::Compiler
        }
        None => LogKind::Script,
    }
}

fn tests(name: &str) -> bool {
    let words = ["test", "unit", "spec", "playwright", "integration", "fuzz", "emulator", "e2e"];
    words.iter().any(|word| name.contains(word))
}
