//! Deciding what to read, reading it, and putting it together into a snapshot.

mod follow;
mod list;
mod merge;
pub mod plan;
mod project;
pub mod run;
pub mod watch;
