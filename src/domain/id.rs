//! Numeric ids as GitLab gives them, one type each, so that a pipeline's id cannot be used for a job.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};

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

/// A map by id, for what looks up every project several times in a refresh.
pub type ById<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Returns an empty one with room for so many.
pub fn by_id<K, V>(count: usize) -> ById<K, V> {
    HashMap::with_capacity_and_hasher(count, BuildHasherDefault::default())
}

/// Spreads ids: GitLab counts them up, so they cannot be chosen to collide.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        // 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, 6.4); the map looks at both ends.
        let product = u128::from(self.0 ^ id) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
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
    /// An environment's id; it survives a new name.
    EnvironmentId,
    /// A deployment's id.
    DeploymentId,
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
