//! Reports as bytes: takes a report and a writer, and never fetches, prints by itself or asks the time.
//!
//! Each renderer escapes foreign text for its own format.

pub(crate) mod changes;
pub(crate) mod columns;
pub(crate) mod csv;
pub(crate) mod dora;
pub(crate) mod dora_events;
pub(crate) mod dora_markdown;
mod dora_words;
pub(crate) mod explain;
pub(crate) mod explain_markdown;
pub(crate) mod exposition;
pub mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod ndjson;
pub(crate) mod section;
mod sparkline;
pub(crate) mod stats;
pub(crate) mod stats_markdown;
mod stats_words;
mod style;
mod summary;
pub mod table;

#[cfg(test)]
mod example;
#[cfg(test)]
mod hostile;
