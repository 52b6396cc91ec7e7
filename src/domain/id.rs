//! Numeric ids as GitLab gives them, one type each, so that a pipeline's id cannot be used for a job.

use std::fmt;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id! {
    /// A group's id.
    GroupId,
    /// A project's id; survives renames and moves.
    ProjectId,
    /// A pipeline's id, unique on its host and increasing with creation.
    PipelineId,
    /// A job's or bridge's id; a retry gets a new, higher one.
    JobId,
}

/// A group as a person names it: by number or by full path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GroupRef {
    Id(GroupId),
    Path(String),
}

impl fmt::Display for GroupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Path(path) => f.pad(path),
        }
    }
}

/// A project as a request names it: by id where that is known, else by full path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProjectRef {
    Id(ProjectId),
    Path(String),
}

impl fmt::Display for ProjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Path(path) => f.pad(path),
        }
    }
}
