//! The groups at one moment: their projects, what went wrong while reading them, and what that cost.

use super::id::GroupId;
use super::project::{Failure, ProjectRow, RowState};
use super::project_source::{ListOwner, ProjectSearch, ProjectSource};
use super::usage::Usage;
use chrono::{DateTime, Utc};

/// A group that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub full_path: String,
    pub web_url: Option<String>,
}

/// What a problem concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemScope {
    /// A group could not be read at all.
    Group,
    /// What is listed beside groups could not be read at all: a user's projects, all visible ones, or a single one.
    Source,
    /// A list of projects lost a part.
    List,
    /// One project.
    Project,
    /// The run as a whole.
    Api,
}

impl ProblemScope {
    /// Returns what a problem concerns that keeps all of a source from being listed.
    pub fn of(source: &ProjectSource) -> Self {
        match source {
            ProjectSource::List { search: ProjectSearch { owner: ListOwner::Group(_), .. }, .. } => Self::Group,
            ProjectSource::List { .. } | ProjectSource::Namespace(_) | ProjectSource::Project(_) => Self::Source,
        }
    }

    /// Says whether projects may be missing.
    pub fn lacks_projects(self) -> bool {
        match self {
            Self::Group | Self::Source | Self::List => true,
            Self::Project | Self::Api => false,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Source => "source",
            Self::List => "list",
            Self::Project => "project",
            Self::Api => "api",
        }
    }
}

/// Something that went wrong, or that the reader must know to read the rest rightly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub scope: ProblemScope,
    /// The group, project or host that it concerns.
    pub subject: String,
    pub failure: Failure,
}

/// Everything that is known about the groups at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Origin and sub-path of the GitLab that answered: `https://gitlab.example.com`.
    pub host: String,
    /// By the server's clock.
    pub taken_at: DateTime<Utc>,
    pub groups: Vec<Group>,
    pub rows: Vec<ProjectRow>,
    pub problems: Vec<Problem>,
    pub usage: Usage,
}

impl Snapshot {
    /// Says whether every project of every group is here with its pipelines, and what they triggered, as they are now.
    pub fn is_complete(&self) -> bool {
        let lost = |problem: &Problem| problem.scope.lacks_projects();
        let unread =
            |row: &ProjectRow| matches!(row.state, RowState::Error(_) | RowState::Stale { .. }) || row.has_unread();
        !self.problems.iter().any(lost) && !self.rows.iter().any(unread)
    }

    /// Returns when the youngest of what it shows was read, by the server's clock: no reading that brings nothing makes it
    /// younger. `None` where nothing was read.
    ///
    /// Where no project has anything to show, the list is all there is, unless more could not be read.
    pub fn read_at(&self) -> Option<DateTime<Utc>> {
        let newest = self.rows.iter().filter_map(ProjectRow::read_at).max();
        newest.or_else(|| self.is_complete().then_some(self.taken_at))
    }

    /// Returns the same as what it is after a reading that brought nothing: old.
    pub fn outdated(&self, problem: Problem) -> Self {
        let mut snapshot = self.clone();
        for row in &mut snapshot.rows {
            row.outdate(&problem.failure);
        }
        snapshot.problems = vec![problem];
        snapshot
    }

    /// Says whether nothing has happened since an earlier reading, as far as that is visible without comparing jobs.
    pub fn is_unchanged_since(&self, earlier: &Self) -> bool {
        let is_unchanged_since = |(now, before): (&ProjectRow, &ProjectRow)| now.is_unchanged_since(before);
        self.rows.len() == earlier.rows.len()
            && self.rows.iter().zip(&earlier.rows).all(is_unchanged_since)
            && (&self.host, &self.groups, &self.problems) == (&earlier.host, &earlier.groups, &earlier.problems)
    }

    /// Says whether not one project's pipelines could be read although there are projects. What is not younger than
    /// `cached` was read by an earlier process.
    pub fn nothing_was_read(&self, cached: Option<DateTime<Utc>>) -> bool {
        let unread = |row: &ProjectRow| match &row.state {
            RowState::Error(_) | RowState::NoAccess(_) => true,
            RowState::Stale { .. } => cached.is_some_and(|cached| row.as_of <= cached),
            RowState::Ok(_) | RowState::NoPipeline { .. } => false,
        };
        !self.rows.is_empty() && self.rows.iter().all(unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::status::Status;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_snapshot_is_as_old_as_the_youngest_of_what_it_shows() {
        let aged = |row: ProjectRow, seconds| ProjectRow { as_of: at(seconds), ..row };
        let green = |seconds| aged(ran("green", Status::Success, 0), seconds);
        let stale = |seconds| {
            let mut row = green(seconds);
            row.outdate(&failure());
            row
        };
        let empty = |seconds| aged(row("empty", RowState::NoPipeline { ever_ran: None }), seconds);
        let error = || aged(row("error", RowState::Error(failure())), 100);
        let hidden = || aged(row("hidden", RowState::NoAccess(failure())), 100);
        let lost = |scope| Problem { scope, subject: "acme".into(), failure: failure() };
        let cases = [
            ("one that was read", vec![green(7)], None, Some(7)),
            ("the youngest", vec![green(7), green(9), empty(8)], None, Some(9)),
            ("stale ones are as old as they were", vec![stale(7), stale(5)], None, Some(7)),
            ("what could not be read now is nothing young", vec![stale(7), error(), hidden()], None, Some(7)),
            ("none was ever read", vec![error(), hidden()], None, None),
            ("the list is all there is", vec![], None, Some(100)),
            ("nothing but hidden ones", vec![hidden()], None, Some(100)),
            ("the list could not be read again", vec![], Some(ProblemScope::Group), None),
            ("a user's projects could not be listed", vec![hidden()], Some(ProblemScope::Source), None),
            ("a part of the list is lost", vec![hidden()], Some(ProblemScope::List), None),
            ("what was read of a cut list", vec![green(7)], Some(ProblemScope::List), Some(7)),
            ("a notice about the server", vec![hidden()], Some(ProblemScope::Api), Some(100)),
        ];
        for (sentence, rows, scope, expected) in cases {
            let problems = scope.into_iter().map(lost).collect();
            let snapshot = Snapshot {
                host: String::new(),
                taken_at: at(100),
                groups: vec![],
                rows,
                problems,
                usage: Usage::default(),
            };
            assert_eq!(snapshot.read_at(), expected.map(at), "{sentence}");
        }
    }
}
