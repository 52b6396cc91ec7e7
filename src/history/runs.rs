//! The runs of one project, for counting. Reads what was created since a time, by the primary keys alone.

use super::rows;
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::{PipelineFact, UnixSeconds};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::JobKind;
use crate::domain::project::Project;
use crate::domain::runs::{AttemptEnd, CoveredDay, JobAttempt, NameTable, ProjectRuns};
use rusqlite::{Connection, Row, params};

impl HistoryStore {
    /// Returns all projects by their latest names, in the order of these.
    pub fn projects(&self) -> Result<Vec<Project>, HistoryError> {
        let sql = "SELECT id, full_path, default_branch FROM project ORDER BY full_path, id";
        let project = |row: &Row<'_>| {
            let full_path: String = row.get(1)?;
            let mut project = Project {
                id: ProjectId(rows::id(row, 0)?),
                name: String::new(),
                full_path,
                ancestor_names: Vec::new(),
                web_url: None,
                default_branch: row.get(2)?,
                ci_enabled: None,
            };
            // Only the path is remembered.
            project.name = project.path().to_owned();
            Ok(project)
        };
        self.ask(|connection| connection.prepare_cached(sql)?.query_map([], project)?.collect())
    }

    /// Returns the pipelines of a project that were created since a time.
    pub(crate) fn past_pipelines(
        &self,
        project: ProjectId,
        since: UnixSeconds,
    ) -> Result<Vec<PipelineFact>, HistoryError> {
        self.ask(|connection| pipelines(connection, project.0.cast_signed(), since))
    }

    /// Returns the pipelines of a project that were created since a time, with their attempts and days. A pipeline
    /// without a time of creation counts from the first moment that is known of it.
    pub fn project_runs(&self, project: &Project, since: UnixSeconds) -> Result<ProjectRuns, HistoryError> {
        let id = project.id.0.cast_signed();
        self.ask(|connection| {
            let pipelines = pipelines(connection, id, since)?;
            let first = pipelines.iter().map(|fact| fact.id).min();
            let mut runs = ProjectRuns {
                project: project.clone(),
                names: NameTable::default(),
                pipelines,
                attempts: Vec::new(),
                tests: tests(connection, id)?,
                days: days(connection, id, since)?,
                filled_until: filled_until(connection, id)?,
            };
            if let Some(first) = first {
                runs.attempts = attempts(connection, id, first, &mut runs.names)?;
            }
            Ok(runs)
        })
    }
}

fn pipelines(connection: &Connection, project: i64, since: UnixSeconds) -> rusqlite::Result<Vec<PipelineFact>> {
    let sql = format!(
        "SELECT {} FROM pipeline WHERE project = ?1 \
         AND coalesce(created_at, started_at, finished_at, updated_at) >= ?2",
        rows::PIPELINE_COLUMNS
    );
    connection.prepare_cached(&sql)?.query_map([project, since], rows::read_pipeline)?.collect()
}

/// Reads the attempts of the pipelines from the first one on. Their jobs lie together, from the first job of any of them on:
/// the ids of jobs and of pipelines grow together, but for retries and for pipelines that are created at once.
fn attempts(
    connection: &Connection,
    project: i64,
    first: PipelineId,
    names: &mut NameTable,
) -> rusqlite::Result<Vec<JobAttempt>> {
    let sql = "SELECT id, pipeline, name, stage, tags, reason, kind, status, allow_failure, started_at, finished_at, \
               duration, queued FROM job WHERE project = ?1 \
               AND pipeline >= ?2 AND id >= (SELECT min(id) FROM job INDEXED BY job_by_pipeline \
               WHERE project = ?1 AND pipeline >= ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![project, first.0.cast_signed()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut name = |column: usize| Ok::<_, rusqlite::Error>(names.id(row.get_ref(column)?.as_str()?));
        found.push(JobAttempt {
            id: JobId(rows::id(row, 0)?),
            pipeline: PipelineId(rows::id(row, 1)?),
            name: name(2)?,
            stage: name(3)?,
            tags: name(4)?,
            reason: row.get_ref(5)?.as_str_or_null()?.map(|_| name(5)).transpose()?,
            kind: rows::word(row, 6, JobKind::from_word)?,
            end: AttemptEnd::from(&rows::status(row, 7)?),
            allow_failure: row.get(8)?,
            started_at: row.get(9)?,
            finished_at: row.get(10)?,
            duration: rows::optional(row, 11)?,
            queued: rows::optional(row, 12)?,
        });
    }
    Ok(found)
}

fn tests(connection: &Connection, project: i64) -> rusqlite::Result<Vec<(JobId, String)>> {
    let sql = "SELECT job, test FROM test_failure WHERE project = ?1";
    let test = |row: &Row<'_>| Ok((JobId(rows::id(row, 0)?), row.get(1)?));
    connection.prepare_cached(sql)?.query_map([project], test)?.collect()
}

fn filled_until(connection: &Connection, project: i64) -> rusqlite::Result<Option<UnixSeconds>> {
    let sql = "SELECT max(until) FROM fill WHERE project = ?1";
    connection.prepare_cached(sql)?.query_row([project], |row| row.get(0))
}

fn days(connection: &Connection, project: i64, since: UnixSeconds) -> rusqlite::Result<Vec<CoveredDay>> {
    let sql = "SELECT day, source FROM coverage WHERE project = ?1 AND day >= ?2";
    let since = since.div_euclid(super::store::SECONDS_PER_DAY);
    let day = |row: &Row<'_>| Ok(CoveredDay { day: row.get(0)?, is_whole: row.get_ref(1)?.as_str()? != "recorded" });
    connection.prepare_cached(sql)?.query_map([project, since], day)?.collect()
}
