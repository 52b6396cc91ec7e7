//! What we promise to print: rows of cells with a tone instead of a colour, how they are laid out, and the JSON contract.
//!
//! Converts from `domain` once. It knows no bytes and no clock; foreign text stays as GitLab sent it until it is laid out.

pub(crate) mod cell;
pub mod contract;
pub(crate) mod csv_records;
mod culprits;
pub(crate) mod dora;
pub(crate) mod dora_events;
pub(crate) mod dora_metrics;
pub(crate) mod dora_record;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod explain_contract;
pub(crate) mod headline;
pub(crate) mod history;
pub(crate) mod item;
pub(crate) mod junit_suites;
pub mod layout;
mod links;
pub(crate) mod markdown_digest;
pub(crate) mod metrics;
pub(crate) mod past_contract;
pub mod stats;
pub(crate) mod stats_metrics;
pub(crate) mod stats_record;
pub mod status;
pub(crate) mod summary;
pub(crate) mod urgency;
mod what;
