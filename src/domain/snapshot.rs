//! The groups at one moment: their projects, what went wrong while reading them, and what that cost.

use super::id::GroupId;
use super::project::{Failure, ProjectRow, RowState};
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
    /// A group's list of projects lost a part.
    List,
    /// One project.
    Project,
    /// The run as a whole.
    Api,
}

impl ProblemScope {
    pub fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
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
        let lost = |problem: &Problem| matches!(problem.scope, ProblemScope::Group | ProblemScope::List);
        let unread =
            |row: &ProjectRow| matches!(row.state, RowState::Error(_) | RowState::Stale { .. }) || row.has_unread();
        !self.problems.iter().any(lost) && !self.rows.iter().any(unread)
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
