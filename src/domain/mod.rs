//! The vocabulary: what a group, a project, a pipeline and a job are, and how they are judged.
//!
//! Pure: no I/O, no async, no clock, no colour, and no serde for the wire. Time is an argument.

pub mod change;
pub(crate) mod delivery;
pub(crate) mod evidence;
#[cfg(test)]
pub(crate) mod example;
pub mod excerpt;
pub mod exported;
pub mod fact;
pub mod failure;
pub mod failure_origin;
pub mod health;
pub mod host;
pub mod id;
pub mod job;
pub mod job_needs;
pub(crate) mod log;
pub mod name_pattern;
pub mod outcome;
pub mod past;
pub(crate) mod permission;
pub mod pipeline;
pub(crate) mod production;
pub mod project;
pub mod project_hook;
pub mod project_source;
pub(crate) mod quantile;
pub mod run_totals;
pub(crate) mod runs;
pub mod saved_counter;
pub mod selection;
pub(crate) mod server;
pub mod snapshot;
pub mod status;
pub(crate) mod test_report;
pub(crate) mod token;
pub mod tracking;
pub mod usage;
pub(crate) mod waiting;
pub mod window;
