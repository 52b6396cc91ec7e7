//! One pipeline's whole life: every status change of every job, with its time. `timeline.rs` makes it up.
//!
//! What the pipeline looks like at a moment is then a question of which changes have happened.

use std::sync::Arc;

use super::job_spec::JobSpec;
use super::status::{StatusItem, StatusWord, composite, has_warnings, is_complete};

/// People who push; index by hash.
pub(crate) const USERS: [(&str, &str); 6] = [
    ("ada", "Ada Lovelace"),
    ("grace", "Grace Hopper"),
    ("linus.b", "Linus Berg"),
    ("mei", "Mei Tanaka"),
    ("olu", "Olu Adeyemi"),
    ("renovate-bot", "Renovate Bot"),
];

/// A pipeline and everything downstream of it; the root comes first.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Its line, and its number there.
    pub(crate) origin: (usize, i64),
    pub(crate) pipelines: Vec<Pipeline>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) project: usize,
    pub(crate) ref_name: String,
    pub(crate) tag: bool,
    pub(crate) source: String,
    pub(crate) name: Option<String>,
    pub(crate) title: String,
    pub(crate) sha: String,
    pub(crate) before_sha: String,
    pub(crate) user: usize,
    pub(crate) yaml_errors: Option<String>,
    /// Status of a pipeline without jobs.
    pub(crate) fixed_status: Option<String>,
    pub(crate) failure_reason: Option<String>,
    pub(crate) created: i64,
    pub(crate) jobs: Vec<Job>,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) stage: String,
    pub(crate) name: String,
    pub(crate) bridge: bool,
    pub(crate) allow_failure: bool,
    pub(crate) coverage: Option<String>,
    pub(crate) reason: String,
    pub(crate) attempts: Vec<Attempt>,
    /// Index in the tree of the pipeline that this bridge starts.
    pub(crate) downstream: Option<usize>,
    pub(crate) spec: Arc<JobSpec>,
}

/// One run of a job; it exists from its first move on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) id: u64,
    pub(crate) moves: Vec<(i64, StatusWord)>,
    /// How and when it would have ended without being canceled.
    pub(crate) cut: Option<(i64, StatusWord)>,
}

impl Attempt {
    pub(crate) fn new(moves: Vec<(i64, StatusWord)>) -> Self {
        Self { id: 0, moves, cut: None }
    }

    pub(crate) fn status(&self, now: i64) -> Option<&str> {
        self.moves.iter().rev().find(|(at, _)| *at <= now).map(|(_, word)| word.as_ref())
    }

    pub(crate) fn created(&self) -> i64 {
        self.moves.first().map_or(i64::MAX, |(at, _)| *at)
    }

    /// Returns when it last reached `word`, if it has by `now`.
    pub(crate) fn reached(&self, word: &str, now: i64) -> Option<i64> {
        self.moves.iter().rev().find(|(at, w)| *at <= now && w == word).map(|(at, _)| *at)
    }

    /// Returns when it came to its end, if it has by `now`.
    pub(crate) fn finished(&self, now: i64) -> Option<i64> {
        let (at, word) = self.moves.iter().rev().find(|(at, _)| *at <= now)?;
        is_complete(word).then_some(*at)
    }

    pub(crate) fn end(&self) -> i64 {
        self.moves.last().map_or(0, |(at, _)| *at)
    }
}

impl Job {
    /// Says whether another system has set it: GitLab lists it among the commit's statuses only.
    pub(crate) fn is_external(&self) -> bool {
        self.spec.external.is_some()
    }

    /// Returns the attempts that exist at `now`, the current one last.
    pub(crate) fn attempts_at(&self, now: i64) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(move |attempt| attempt.created() <= now)
    }

    pub(crate) fn current(&self, now: i64) -> Option<&Attempt> {
        self.attempts_at(now).last()
    }

    pub(crate) fn item(&self, now: i64) -> Option<StatusItem<'_>> {
        let status = self.current(now)?.status(now)?;
        Some(StatusItem { status, allow_failure: self.allow_failure })
    }
}

impl Pipeline {
    pub(crate) fn items(&self, now: i64) -> Vec<StatusItem<'_>> {
        self.jobs.iter().filter_map(|job| job.item(now)).collect()
    }

    pub(crate) fn status(&self, now: i64) -> StatusWord {
        match &self.fixed_status {
            Some(word) => StatusWord::Owned(word.clone()),
            None => composite(&self.items(now)).unwrap_or(StatusWord::Borrowed("created")),
        }
    }

    pub(crate) fn has_warnings(&self, now: i64) -> bool {
        has_warnings(&self.items(now))
    }

    fn moves(&self) -> impl Iterator<Item = &(i64, StatusWord)> {
        self.jobs.iter().flat_map(|job| &job.attempts).flat_map(|attempt| &attempt.moves)
    }

    /// Returns the time of the last change.
    pub(crate) fn updated(&self, now: i64) -> i64 {
        self.moves().map(|(at, _)| *at).filter(|at| *at <= now).max().unwrap_or(self.created)
    }

    pub(crate) fn started(&self, now: i64) -> Option<i64> {
        self.moves().filter(|(at, word)| *at <= now && word == "running").map(|(at, _)| *at).min()
    }

    pub(crate) fn finished(&self, now: i64) -> Option<i64> {
        is_complete(&self.status(now)).then(|| self.updated(now))
    }

    /// Returns the mean of its jobs' coverage, as GitLab does, with two decimals.
    pub(crate) fn coverage(&self, now: i64) -> Option<String> {
        let values: Vec<f64> = self
            .jobs
            .iter()
            .filter(|job| job.current(now).is_some_and(|a| a.status(now) == Some("success")))
            .filter_map(|job| job.coverage.as_ref()?.parse().ok())
            .collect();
        (!values.is_empty()).then(|| format!("{:.2}", values.iter().sum::<f64>() / values.len() as f64))
    }

    pub(crate) fn end(&self) -> i64 {
        self.moves().map(|(at, _)| *at).max().unwrap_or(self.created)
    }
}
