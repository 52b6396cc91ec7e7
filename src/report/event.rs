//! Changes as events of the JSON contract: `ndjson` under `--watch`.

use super::contract::{PipelineEntry, ProblemEntry, time};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::past::KnownPast;
use crate::domain::project::StateWord;
use crate::domain::usage::{Cost, Usage};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::time::Duration;

/// One line of the stream.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum ChangeEvent<'a> {
    Pipeline {
        at: String,
        project: &'a str,
        /// The worst status before; null when there was no pipeline.
        from: Option<&'a str>,
        to: &'a str,
        pipeline: Box<PipelineEntry<'a>>,
    },
    /// `change` is `appeared`, `left` or `state`.
    Project {
        at: String,
        project: &'a str,
        change: &'static str,
        from: Option<&'static str>,
        to: Option<&'static str>,
        message: Option<String>,
    },
    Problem {
        at: String,
        #[serde(flatten)]
        problem: ProblemEntry<'a>,
    },
    /// The output was read too slowly: so many changes are not told, and a snapshot follows.
    Missed { at: String, changes: u64 },
    /// What a reading took, and how long the next ones wait.
    Budget {
        at: String,
        requests: u64,
        bytes: u64,
        limit: Option<u64>,
        remaining: Option<u64>,
        api: &'static str,
        interval_s: u64,
    },
}

/// What a program gets that is run on a change.
#[derive(Debug, Serialize)]
pub(crate) struct NoticeDocument<'a> {
    /// Broke, fixed, began, ended: the event in one word.
    pub meaning: &'static str,
    #[serde(flatten)]
    pub event: ChangeEvent<'a>,
}

impl<'a> ChangeEvent<'a> {
    pub(crate) fn missed(at: DateTime<Utc>, changes: u64) -> Self {
        Self::Missed { at: time(at), changes }
    }

    pub(crate) fn budget(at: DateTime<Utc>, cost: Cost, usage: &Usage, interval: Duration) -> Self {
        let Cost { requests, bytes } = cost;
        let Usage { limit, remaining, api, .. } = *usage;
        let interval_s = interval.as_secs();
        Self::Budget { at: time(at), requests, bytes, limit, remaining, api: api.word(), interval_s }
    }
}

impl<'a> ChangeEvent<'a> {
    /// Tells a change with what the memory knows of the pipeline.
    pub(crate) fn with_past(change: &'a Change, past: &'a KnownPast) -> Self {
        match (Self::from(change), &change.kind) {
            (Self::Pipeline { at, project, from, to, pipeline }, ChangeKind::Pipeline { pipeline: read, .. }) => {
                let pipeline = Box::new(pipeline.with_past(read, past, change.at));
                Self::Pipeline { at, project, from, to, pipeline }
            }
            (event, _) => event,
        }
    }
}

impl<'a> From<&'a Change> for ChangeEvent<'a> {
    fn from(change: &'a Change) -> Self {
        let at = time(change.at);
        match &change.kind {
            ChangeKind::Pipeline { project, from, to, pipeline } => Self::Pipeline {
                at,
                project: &project.full_path,
                from: from.as_ref().map(|status| status.word()),
                to: to.word(),
                pipeline: Box::new(PipelineEntry::from(&**pipeline)),
            },
            ChangeKind::Appeared { project } => Self::Project {
                at,
                project: &project.full_path,
                change: "appeared",
                from: None,
                to: None,
                message: None,
            },
            ChangeKind::Left { project } => {
                Self::Project { at, project: &project.full_path, change: "left", from: None, to: None, message: None }
            }
            ChangeKind::State { project, from, to, failure } => Self::Project {
                at,
                project: &project.full_path,
                change: "state",
                from: from.map(StateWord::word),
                to: Some(to.word()),
                message: failure.as_ref().map(ToString::to_string),
            },
            ChangeKind::Problem(problem) => Self::Problem { at, problem: ProblemEntry::from(problem) },
        }
    }
}
