//! A project, and the state of its row: what could be found out about its pipelines.

use super::id::ProjectId;
use super::pipeline::Pipeline;
use super::status::Status;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::Arc;

pub use super::failure::Failure;

/// A project of the group, as the list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    pub id: ProjectId,
    pub name: String,
    pub full_path: String,
    /// Names, not paths, of the groups above, outermost first.
    pub ancestor_names: Vec<String>,
    pub web_url: Option<String>,
    /// `None` while the repository is empty.
    pub default_branch: Option<String>,
    /// Whether CI/CD is switched on for the token's owner; `None` where the list does not say.
    pub ci_enabled: Option<bool>,
}

impl Project {
    /// Returns the last part of the full path, the project's own.
    pub fn path(&self) -> &str {
        self.full_path.rsplit('/').next().unwrap_or(&self.full_path)
    }

    /// Returns the full paths of the groups above, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        let path = self.full_path.as_str();
        path.rmatch_indices('/').map(move |(at, _)| &path[..at])
    }
}

/// What is known about the pipelines of one project.
#[derive(Debug, Clone, PartialEq)]
pub enum RowState {
    /// Pipelines, one per `--ref` value at most, never empty.
    Ok(Arc<[Pipeline]>),
    /// None matched. `ever_ran` is `None` where only some refs were asked for.
    NoPipeline { ever_ran: Option<bool> },
    /// The project is there, its pipelines are not visible: 403, 404, CI switched off.
    NoAccess(Failure),
    /// They could not be read this time, and never were before.
    Error(Failure),
    /// They could not be read this time; these are the last that could, as old as the row says.
    Stale { pipelines: Arc<[Pipeline]>, failure: Failure },
}

/// The word for a row's state in every output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateWord {
    Ok,
    NoPipeline,
    NoAccess,
    Error,
    Stale,
}

impl StateWord {
    pub const ALL: [Self; 5] = [Self::Ok, Self::NoPipeline, Self::NoAccess, Self::Error, Self::Stale];

    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoPipeline => "no_pipeline",
            Self::NoAccess => "no_access",
            Self::Error => "error",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for StateWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One row: a project, what is known about it, and since when. What has not changed is shared between snapshots.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectRow {
    pub project: Arc<Project>,
    pub state: RowState,
    /// When the state was read, by the server's clock.
    pub as_of: DateTime<Utc>,
}

impl ProjectRow {
    pub fn state_word(&self) -> StateWord {
        match &self.state {
            RowState::Ok(_) => StateWord::Ok,
            RowState::NoPipeline { .. } => StateWord::NoPipeline,
            RowState::NoAccess(_) => StateWord::NoAccess,
            RowState::Error(_) => StateWord::Error,
            RowState::Stale { .. } => StateWord::Stale,
        }
    }

    /// Returns when what is shown of its pipelines was read; `None` where nothing is shown that was: the time of such a row
    /// is when that was found out.
    pub fn read_at(&self) -> Option<DateTime<Utc>> {
        match &self.state {
            RowState::Ok(_) | RowState::NoPipeline { .. } | RowState::Stale { .. } => Some(self.as_of),
            RowState::NoAccess(_) | RowState::Error(_) => None,
        }
    }

    /// Takes its pipelines for old, because of a failure; a row without them stays what it is.
    pub fn outdate(&mut self, failure: &Failure) {
        if let RowState::Ok(pipelines) = &self.state {
            self.state = RowState::Stale { pipelines: Arc::clone(pipelines), failure: failure.clone() };
        }
    }

    /// Says whether nothing but its age tells it from the row of an earlier reading. Pipelines that were read again are
    /// taken for others, and so is what could not be read: its age is shown.
    pub fn is_unchanged_since(&self, earlier: &Self) -> bool {
        let is_same = match (&self.state, &earlier.state) {
            (RowState::Ok(now), RowState::Ok(before)) => Arc::ptr_eq(now, before),
            (RowState::Stale { .. }, _) => false,
            (now, before) => now == before,
        };
        is_same && self.project == earlier.project
    }

    pub fn pipelines(&self) -> &[Pipeline] {
        match &self.state {
            RowState::Ok(pipelines) | RowState::Stale { pipelines, .. } => pipelines,
            RowState::NoPipeline { .. } | RowState::NoAccess(_) | RowState::Error(_) => &[],
        }
    }

    /// Returns the row with the pipelines that are wanted; `None` where none is. A row without pipelines is asked about once.
    pub fn with_pipelines(&self, is_wanted: impl Fn(Option<&Pipeline>) -> bool) -> Option<Self> {
        let all = self.pipelines();
        if all.is_empty() {
            return is_wanted(None).then(|| self.clone());
        }
        let wanted: Vec<&Pipeline> = all.iter().filter(|pipeline| is_wanted(Some(pipeline))).collect();
        if wanted.len() == all.len() {
            return Some(self.clone());
        }
        if wanted.is_empty() {
            return None;
        }
        let pipelines: Arc<[_]> = wanted.into_iter().cloned().collect();
        let state = match &self.state {
            RowState::Stale { failure, .. } => RowState::Stale { pipelines, failure: failure.clone() },
            RowState::Ok(_) | RowState::NoPipeline { .. } | RowState::NoAccess(_) | RowState::Error(_) => {
                RowState::Ok(pipelines)
            }
        };
        Some(Self { state, ..self.clone() })
    }

    /// Returns the failure behind a row that shows no pipelines, only old ones, or a part of one.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.state {
            RowState::NoAccess(failure) | RowState::Error(failure) | RowState::Stale { failure, .. } => Some(failure),
            RowState::Ok(pipelines) => pipelines.iter().find_map(|pipeline| pipeline.unread.as_ref()),
            RowState::NoPipeline { .. } => None,
        }
    }

    /// Says whether any pipeline ever ran here; `None` when that is not known.
    pub fn ever_ran(&self) -> Option<bool> {
        match &self.state {
            RowState::Ok(_) | RowState::Stale { .. } => Some(true),
            RowState::NoPipeline { ever_ran } => *ever_ran,
            RowState::NoAccess(_) | RowState::Error(_) => None,
        }
    }

    /// Says whether a part of its pipelines, or something that they triggered, could not be read.
    pub fn has_unread(&self) -> bool {
        self.pipelines().iter().any(|pipeline| pipeline.unread.is_some() || pipeline.has_unread_below())
    }

    /// Returns the worst status over the row's pipelines; `None` without any.
    pub fn worst(&self) -> Option<Status> {
        self.pipelines().iter().map(Pipeline::worst).reduce(Status::worse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};

    #[test]
    fn a_row_is_still_the_same_where_its_pipelines_are_shared() {
        let first = ran("a", Status::Success, 0);
        let of = |state| row("a", state);
        let stale = |row: &ProjectRow| {
            let RowState::Ok(pipelines) = &row.state else { panic!("{row:?} has no pipelines") };
            of(RowState::Stale { pipelines: Arc::clone(pipelines), failure: failure() })
        };
        let older = ProjectRow { as_of: DateTime::UNIX_EPOCH, ..first.clone() };
        let cases = [
            ("shared, read at another time", first.clone(), older, true),
            ("read again", first.clone(), ran("a", Status::Success, 0), false),
            (
                "another project",
                first.clone(),
                ProjectRow { project: row("b", first.state.clone()).project, ..first.clone() },
                false,
            ),
            ("stale for the first time", stale(&first), first.clone(), false),
            ("stale as before: its age grows", stale(&first), stale(&first), false),
            ("no access as before", of(RowState::NoAccess(failure())), of(RowState::NoAccess(failure())), true),
            ("its first pipeline", first.clone(), of(RowState::NoPipeline { ever_ran: Some(false) }), false),
        ];
        for (sentence, now, earlier, expected) in cases {
            assert_eq!(now.is_unchanged_since(&earlier), expected, "{sentence}");
        }
    }

    #[test]
    fn ancestors_are_named_nearest_first_and_without_the_project() {
        let project = Project {
            id: ProjectId(1),
            name: "API".into(),
            full_path: "acme/payments/api".into(),
            ancestor_names: vec![],
            web_url: None,
            default_branch: None,
            ci_enabled: None,
        };
        assert_eq!(project.ancestors().collect::<Vec<_>>(), ["acme/payments", "acme"]);
        assert_eq!(project.path(), "api");
    }
}
