//! The last pipelines of one project, for a screen.

use super::rows;
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::PipelineFact;
use crate::domain::id::ProjectId;
use rusqlite::params;

impl HistoryStore {
    /// Returns at most so many pipelines of a project, over all refs, the newest first.
    pub fn recent_pipelines(&self, project: ProjectId, most: u32) -> Result<Vec<PipelineFact>, HistoryError> {
        let sql =
            format!("SELECT {} FROM pipeline WHERE project = ?1 ORDER BY id DESC LIMIT ?2", rows::PIPELINE_COLUMNS);
        let key = project.0.cast_signed();
        self.ask(|connection| {
            connection.prepare_cached(&sql)?.query_map(params![key, most], rows::read_pipeline)?.collect()
        })
    }
}
