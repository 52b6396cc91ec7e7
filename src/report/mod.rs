//! What we promise to print: rows of cells with a tone instead of a colour, how they are laid out, and the JSON contract.
//!
//! Converts from `domain` once. It knows no bytes and no clock; foreign text stays as GitLab sent it until it is laid out.

mod blame;
pub mod cell;
pub mod contract;
pub mod digest;
pub mod event;
pub mod explain;
pub mod explain_contract;
pub mod headline;
pub mod history;
pub mod item;
pub mod layout;
mod links;
pub mod metrics;
pub mod record;
pub mod stats;
pub mod stats_metrics;
pub mod stats_record;
pub mod status;
pub mod summary;
pub mod urgency;
pub mod verdicts;
mod what;
