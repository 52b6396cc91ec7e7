//! The last pipelines of one project and its attempts at jobs that have failed, for a screen.

use super::past::{FLAKY_SECONDS, REF_KINDS, job_run};
use super::rows;
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::{PipelineFact, UnixSeconds};
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::past::JobRun;
use rusqlite::params;
use std::collections::BTreeMap;

/// Attempts that are looked at, the latest first.
const MOST_RUNS: i64 = 20_000;

impl HistoryStore {
    /// Returns at most so many pipelines of a project, over all refs, the newest first; of those before one, where it is
    /// given.
    pub fn recent_pipelines(
        &self,
        project: ProjectId,
        before: Option<PipelineId>,
        most: usize,
    ) -> Result<Vec<PipelineFact>, HistoryError> {
        let columns = rows::PIPELINE_COLUMNS;
        // A limit that is bound makes SQLite plan the query again at each call.
        let sql =
            format!("SELECT {columns} FROM pipeline WHERE project = ?1 AND id < ?2 ORDER BY id DESC LIMIT {most}");
        // GitLab's numbers are far below.
        let before = before.and_then(|before| i64::try_from(before.0).ok()).unwrap_or(i64::MAX);
        let values = [project.0.cast_signed(), before];
        self.ask(|connection| connection.prepare_cached(&sql)?.query_map(values, rows::read_pipeline)?.collect())
    }

    /// Returns the attempts of the last 14 days at each job of a project that has failed in them, oldest first.
    pub fn runs_of_failing_jobs(
        &self,
        project: ProjectId,
        now: UnixSeconds,
    ) -> Result<BTreeMap<String, Vec<JobRun>>, HistoryError> {
        let sql = format!(
            "WITH RECURSIVE names(name) AS (SELECT min(name) FROM job WHERE project = ?1 \
             UNION ALL SELECT (SELECT min(name) FROM job WHERE project = ?1 AND name > names.name) FROM names \
             WHERE name IS NOT NULL) \
             SELECT j.id, j.pipeline, p.sha, j.status, j.finished_at, j.name FROM names n \
             CROSS JOIN job j INDEXED BY job_by_name ON j.project = ?1 AND j.name = n.name \
             LEFT JOIN pipeline p ON p.project = j.project AND p.id = j.pipeline \
             WHERE j.ref_kind IN {REF_KINDS} AND j.status IN ('success', 'failed') AND j.finished_at >= ?2 \
             AND EXISTS (SELECT 1 FROM job f INDEXED BY job_by_name WHERE f.project = ?1 AND f.name = n.name \
             AND f.ref_kind IN {REF_KINDS} AND f.status = 'failed' AND f.finished_at >= ?2) \
             ORDER BY j.finished_at DESC, j.id DESC LIMIT {MOST_RUNS}"
        );
        let values = params![project.0.cast_signed(), now.saturating_sub(FLAKY_SECONDS)];
        let mut runs: BTreeMap<String, Vec<JobRun>> = BTreeMap::new();
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(values)?;
            while let Some(row) = rows.next()? {
                runs.entry(row.get(5)?).or_default().push(job_run(row)?);
            }
            Ok(())
        })?;
        runs.values_mut().for_each(|runs| runs.reverse());
        Ok(runs)
    }
}
