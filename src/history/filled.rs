//! How far the past of each project has been read, and the days of which all is known because of that.
//!
//! Pages are read newest first. Each is written together with where the next one begins, so that a reading that ends at
//! any moment goes on there.

pub use super::cursor::{FillCursor, FilledSpan, OpenFill};
use super::rows;
use super::store::{HistoryError, HistoryStore, SECONDS_PER_DAY};
use crate::domain::fact::{FactBatch, UnixSeconds};
use crate::domain::id::ProjectId;
use std::collections::HashMap;
use std::ops::Range;

/// What is written at once: facts, how far the project was read with them, and days of which all is known by now.
#[derive(Debug, Clone, PartialEq)]
pub struct FilledPart {
    pub project: ProjectId,
    pub facts: FactBatch,
    pub cursor: FillCursor,
    pub days: Range<i64>,
}

impl HistoryStore {
    /// Returns how far each project was read.
    pub fn fill_cursors(&self) -> Result<HashMap<ProjectId, FillCursor>, HistoryError> {
        self.ask(rows::fill_cursors)
    }

    /// Writes all parts or none. A file that turns out to be damaged is no place for the rest of a reading: that is an
    /// error, and the next run begins a new one.
    pub fn write_filled(&mut self, parts: &[FilledPart], now: UnixSeconds) -> Result<(), HistoryError> {
        self.transaction(|transaction| {
            for part in parts {
                rows::write_batch(transaction, &part.facts, now.div_euclid(SECONDS_PER_DAY))?;
                rows::write_cursor(transaction, part.project, &part.cursor)?;
                rows::write_filled_days(transaction, part.project, part.days.clone())?;
            }
            Ok(())
        })
    }
}
