//! Reports as bytes: takes a report and a writer, and never fetches, prints by itself or asks the time.
//!
//! Each renderer escapes foreign text for its own format.

pub mod changes;
pub mod columns;
pub mod csv;
pub mod explain;
pub mod explain_markdown;
pub mod exposition;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ndjson;
mod paint;
pub mod section;
pub mod stats;
pub mod stats_markdown;
mod stats_words;
mod summary;
pub mod table;

#[cfg(test)]
mod example;
#[cfg(test)]
mod hostile;
