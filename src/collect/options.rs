//! What a reading reads, and what it reports while it goes on.

use super::forecast::LateReading;
use super::interim;
use super::merge::ReadProject;
use crate::domain::project::ProjectRow;
use crate::domain::project_source::ProjectSource;
use crate::domain::selection::{ProjectFilter, RefSelector};
use crate::domain::usage::ApiChoice;
use crate::gitlab::client::ListFilter;
use std::time::Duration;

/// What is read.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// At least one.
    pub sources: Vec<ProjectSource>,
    pub list: ListFilter,
    pub filter: ProjectFilter,
    pub refs: Vec<RefSelector>,
    pub api: ApiChoice,
    /// Whether the output prints why jobs failed: over GraphQL that may take one more request for a failed pipeline.
    pub wants_reasons: bool,
    /// Reads no more projects than this, of those that can have a pipeline, to see whether it works; the list is read to its
    /// end.
    pub tried_at_most: Option<usize>,
    /// What one reading may take in all.
    pub max_time: Duration,
    /// How often the list of projects is read again, so that new ones appear by themselves.
    pub list_every: Duration,
}

/// Requests for a project over REST: its newest pipeline, that one's details, jobs and bridges.
pub(super) const REST_COST: usize = 4;

/// How far a reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadingProgress {
    pub listed: usize,
    pub read: usize,
}

/// What a reading reports while it goes on.
#[derive(Debug, Clone, Copy)]
pub struct ReadingStep<'a> {
    pub progress: ReadingProgress,
    /// Once, as soon as it is known that the reading will not be over in its time.
    pub late: Option<LateReading>,
    pub(super) read: Option<&'a ReadProject>,
}

impl ReadingStep<'_> {
    /// Returns the row of the project that has just been read, as far as it is known before the group is.
    pub fn row(&self) -> Option<ProjectRow> {
        self.read.map(interim::row)
    }
}

/// Takes each step of a reading. Readings can move from thread to thread, so it can be called from any of them.
pub type ProgressSink<'a> = dyn Fn(ReadingStep<'_>) + Send + Sync + 'a;
