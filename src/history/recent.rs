//! The last pipelines of one project, for a screen.

use super::rows;
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::PipelineFact;
use crate::domain::id::ProjectId;

impl HistoryStore {
    /// Returns at most so many pipelines of a project, over all refs, the newest first.
    pub fn recent_pipelines(&self, project: ProjectId, most: u32) -> Result<Vec<PipelineFact>, HistoryError> {
        let columns = rows::PIPELINE_COLUMNS;
        // A limit that is bound makes SQLite plan the query again at each call.
        let sql = format!("SELECT {columns} FROM pipeline WHERE project = ?1 ORDER BY id DESC LIMIT {most}");
        let key = project.0.cast_signed();
        self.ask(|connection| connection.prepare_cached(&sql)?.query_map([key], rows::read_pipeline)?.collect())
    }
}
