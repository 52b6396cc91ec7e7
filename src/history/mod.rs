//! What was: facts about pipelines and jobs that have been read, kept for later questions.
//!
//! Holds facts only: no token, no text of a log, no judgement. Time is an argument.

pub mod backfill;
pub mod counters;
mod cursor;
pub(crate) mod deliveries;
mod delivery_rows;
pub mod filled;
pub mod gaps;
pub mod past;
pub mod place;
mod recent;
pub mod record;
mod rows;
pub mod run_totals;
pub mod runs;
mod schema;
pub mod store;
pub mod summary;
