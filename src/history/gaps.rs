//! Why not all could be read of a project, until it can.

use super::backfill::{FillGap, FillPart};
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::ProjectId;
use rusqlite::{Connection, Row, params};

/// What the last fill could not read of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGap {
    /// `pipelines`, `deployments` or `merge requests`.
    pub part: String,
    /// The words of `problems[].kind`.
    pub kind: String,
    pub message: String,
    pub seen_at: UnixSeconds,
}

impl HistoryStore {
    /// Notes the gaps of a fill, and that there is none in this part of the other projects. A project that was never read
    /// gets its name by it.
    pub(super) fn write_gaps(
        &mut self,
        part: FillPart,
        (gaps, whole): (&[FillGap], &[ProjectId]),
        seen_at: UnixSeconds,
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| {
            for gap in gaps {
                let project = gap.project.id.0.cast_signed();
                let name = "INSERT OR IGNORE INTO project VALUES (?1, ?2, ?3, ?4)";
                let values = params![project, gap.project.full_path, gap.project.default_branch, seen_at];
                transaction.prepare_cached(name)?.execute(values)?;
                let write = "INSERT OR REPLACE INTO fill_gap VALUES (?1, ?2, ?3, ?4, ?5)";
                let kind = gap.failure.kind.word();
                let values = params![project, part.word(), &*kind, gap.failure.message, seen_at];
                transaction.prepare_cached(write)?.execute(values)?;
            }
            let forget = "DELETE FROM fill_gap WHERE project = ?1 AND part = ?2";
            let mut forget = transaction.prepare_cached(forget)?;
            whole.iter().try_for_each(|id| forget.execute(params![id.0.cast_signed(), part.word()]).map(drop))
        })
    }
}

pub(super) fn of_project(connection: &Connection, project: ProjectId) -> rusqlite::Result<Vec<KnownGap>> {
    let query = "SELECT part, kind, message, seen_at FROM fill_gap WHERE project = ?1 ORDER BY part DESC";
    let gap = |row: &Row<'_>| {
        Ok(KnownGap { part: row.get(0)?, kind: row.get(1)?, message: row.get(2)?, seen_at: row.get(3)? })
    };
    connection.prepare_cached(query)?.query_map([project.0.cast_signed()], gap)?.collect()
}
