//! The recorded runs of one project, compact enough to count 250,000 attempts in memory.

use super::fact::{PipelineFact, UnixSeconds};
use super::id::{JobId, PipelineId};
use super::job::JobKind;
use super::project::Project;
use super::status::Status;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::sync::Arc;

/// A name by its number in a [`NameTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

impl NameId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Names that repeat, each kept once.
#[derive(Debug, Clone, Default)]
pub struct NameTable {
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, NameId, RandomState>,
}

impl NameTable {
    pub fn id(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        // A table of one project's names stays far below 2^32.
        let id = NameId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }

    pub fn name(&self, id: NameId) -> Arc<str> {
        self.names.get(id.index()).cloned().unwrap_or_else(|| "".into())
    }

    /// Returns all names in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = Arc<str>> {
        self.names.iter().cloned()
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// How an attempt ended, as far as counting asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptEnd {
    Success,
    Failed,
    Canceled,
    /// It was skipped, or has a status that this version does not know.
    Other,
}

impl From<&Status> for AttemptEnd {
    fn from(status: &Status) -> Self {
        match status {
            Status::Success | Status::Warning => Self::Success,
            Status::Failed => Self::Failed,
            Status::Canceled => Self::Canceled,
            Status::Created
            | Status::WaitingForResource
            | Status::Preparing
            | Status::WaitingForCallback
            | Status::Pending
            | Status::Running
            | Status::Canceling
            | Status::Skipped
            | Status::Manual
            | Status::Scheduled
            | Status::Other(_) => Self::Other,
        }
    }
}

/// An attempt at a job that has ended; its names are in the table beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobAttempt {
    pub id: JobId,
    pub pipeline: PipelineId,
    pub name: NameId,
    pub stage: NameId,
    /// All tags, one a line; the empty name where none is known.
    pub tags: NameId,
    pub reason: Option<NameId>,
    pub kind: JobKind,
    pub end: AttemptEnd,
    pub allow_failure: bool,
    pub started_at: Option<UnixSeconds>,
    pub finished_at: Option<UnixSeconds>,
    /// Seconds.
    pub duration: Option<u64>,
    /// Seconds.
    pub queued: Option<u64>,
}

/// What has happened since a backfill this long ago makes no number wrong: the day that is not over is whole until then.
pub(crate) const SHORT_AGO: UnixSeconds = 60 * 60;

/// How well a day of a project is known; a day that is not listed is not known at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoveredDay {
    /// Days since 1970, UTC.
    pub day: i64,
    /// Whether every pipeline of it was asked for; else it was looked at now and then.
    pub is_whole: bool,
}

/// One project's runs, in any order.
#[derive(Debug, Clone)]
pub struct ProjectRuns {
    pub project: Project,
    pub names: NameTable,
    pub pipelines: Vec<PipelineFact>,
    pub attempts: Vec<JobAttempt>,
    /// Tests that failed, by attempt.
    pub tests: Vec<(JobId, String)>,
    pub days: Vec<CoveredDay>,
    /// Up to when a backfill has read all of it; the day of that is not over yet.
    pub filled_until: Option<UnixSeconds>,
}

impl JobAttempt {
    /// Says whether it passed or failed.
    pub fn has_verdict(&self) -> bool {
        matches!(self.end, AttemptEnd::Success | AttemptEnd::Failed)
    }

    /// Returns how long it ran; 0 where it never began, `None` where that is not known.
    pub fn seconds(&self) -> Option<u64> {
        match (self.duration, self.started_at, self.finished_at) {
            (Some(seconds), ..) => Some(seconds),
            (None, Some(start), Some(end)) if start <= end => Some(end.abs_diff(start)),
            (None, None, _) if !self.has_verdict() => Some(0),
            _ => None,
        }
    }
}
