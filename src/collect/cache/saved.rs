//! The content of the cache. It shares its data with the collector's memory, so a copy is cheap.

use crate::collect::batch::BatchSize;
use crate::collect::project::Remembered;
use crate::domain::project::{Failure, Project, ProjectRow, RowState};
use crate::domain::selection::RefSelector;
use crate::domain::snapshot::Group;
use crate::gitlab::client::Fields;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// A server is upgraded now and then; a field that it has lost would fail whole queries.
const FIELDS_VALID: TimeDelta = TimeDelta::days(1);

/// Everything that the next process can build on.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedState {
    /// By the server's clock; nothing in it was read later.
    pub(in crate::collect) at: DateTime<Utc>,
    /// The same moment by the clock of this machine.
    pub(in crate::collect) machine_at: DateTime<Utc>,
    /// What of each project was asked for, as words.
    pub(in crate::collect) refs: Vec<String>,
    pub(in crate::collect) groups: Vec<Group>,
    pub(in crate::collect) projects: Vec<SavedProject>,
    pub(in crate::collect) size: BatchSize,
    pub(in crate::collect) fields: Option<KnownFields>,
    /// Another number, other contents; only within one process.
    pub(in crate::collect) changes: u64,
}

impl SavedState {
    /// Returns when it was saved; nothing in it was read later.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Returns the time by the server's clock, which goes on from when it was saved as this machine's does. A clock that
    /// was put back since says nothing of how long that is.
    pub(in crate::collect) fn server_now(&self, machine_now: DateTime<Utc>) -> DateTime<Utc> {
        let since = (machine_now - self.machine_at).max(TimeDelta::zero());
        self.at.checked_add_signed(since).unwrap_or(self.at)
    }

    /// Returns what tells it from another one of the same process, or from the one that this process began with.
    pub fn stamp(&self) -> SavedStamp {
        let fields = self.fields.as_ref().map(|known| known.at);
        SavedStamp { at: self.at, changes: self.changes, refs: self.refs.clone(), size: self.size.get(), fields }
    }
}

/// What a file was written of.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedStamp {
    at: DateTime<Utc>,
    changes: u64,
    refs: Vec<String>,
    size: usize,
    fields: Option<DateTime<Utc>>,
}

impl SavedStamp {
    /// Says whether a file that was written of this is worth replacing by what is known now: something but ages has
    /// changed, or its ages are behind by `most`.
    pub fn is_outdated_by(&self, now: &Self, most: TimeDelta) -> bool {
        now.at - self.at >= most || *self != Self { at: self.at, ..now.clone() }
    }
}

/// A project as it was listed, and what was read of it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::collect) struct SavedProject {
    pub project: Arc<Project>,
    /// `None` where nothing could be read, or where it was left out.
    pub known: Option<KnownProject>,
}

impl SavedProject {
    pub(in crate::collect) fn as_of(&self) -> Option<DateTime<Utc>> {
        self.known.as_ref().map(|known| match known {
            KnownProject::Pipelines(whole) => whole.as_of,
            KnownProject::Without(_, as_of) => *as_of,
        })
    }
}

/// What is known of a project's pipelines.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::collect) enum KnownProject {
    Pipelines(Remembered),
    /// No pipeline or no access, and since when.
    Without(RowState, DateTime<Utc>),
}

impl KnownProject {
    /// Returns the row as it was, marked as old where it shows pipelines.
    pub(in crate::collect) fn row(self, project: &Arc<Project>, failure: &Failure) -> ProjectRow {
        let (state, as_of) = match self {
            Self::Pipelines(whole) => {
                (RowState::Stale { pipelines: whole.pipelines, failure: failure.clone() }, whole.as_of)
            }
            Self::Without(state, as_of) => (state, as_of),
        };
        ProjectRow { project: Arc::clone(project), state, as_of }
    }
}

/// Which fields a server's GraphQL had when it was asked.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::collect) struct KnownFields {
    pub fields: Arc<Fields>,
    /// By the server's clock.
    pub at: DateTime<Utc>,
}

impl KnownFields {
    /// Says whether they still count at a time by the clock that `at` goes by. A time ahead of it cannot be trusted.
    pub(in crate::collect) fn count_at(&self, now: DateTime<Utc>) -> bool {
        (now - self.at).abs() < FIELDS_VALID
    }
}

/// Names what is asked for of each project, for comparison.
pub(in crate::collect) fn words(refs: &[RefSelector]) -> Vec<String> {
    let word = |selector: &RefSelector| match selector {
        RefSelector::Any => "any".to_owned(),
        RefSelector::Default => "default".to_owned(),
        RefSelector::Tags => "tags".to_owned(),
        RefSelector::MergeRequests => "mr".to_owned(),
        RefSelector::MergeRequest(iid) => format!("merge request {iid}"),
        RefSelector::Name(name) => format!("name {name}"),
        RefSelector::Glob(pattern) => format!("glob {}", pattern.text()),
    };
    refs.iter().map(word).collect()
}
