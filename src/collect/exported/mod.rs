//! Reads what an exporter shows: the newest pipeline of each ref that is tracked, and environments.

pub mod environment;
pub mod ref_reading;
pub mod refs;
mod tracked_project;
pub mod tracker;
pub mod wakes;
