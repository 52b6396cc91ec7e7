//! The cache between two processes: the next one shows rows at once and does not read again what has not changed.
//!
//! A file for each host, set of groups, kind of list and token: `store`. What is in it: `saved`. How it is written: `wire`.
//! It is never needed: a file that is missing, foreign or damaged is none.

mod saved;
mod store;
mod wire;

pub(super) use saved::{KnownFields, KnownProject, SavedProject, words};
pub(crate) use saved::{SavedStamp, SavedState};
pub(crate) use store::{Store, project_paths};
