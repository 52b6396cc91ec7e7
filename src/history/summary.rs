//! What is remembered, counted: ranges, rows, and days of which nothing or not all is known.

use super::gaps::{self, KnownGap};
use super::store::{HistoryError, HistoryStore, SECONDS_PER_DAY};
use super::{delivery_rows, rows};
use crate::domain::fact::{JobFact, PipelineFact, UnixSeconds};
use crate::domain::id::ProjectId;
use crate::domain::runs::SHORT_AGO;
use rusqlite::OptionalExtension;
use std::collections::HashMap;
use std::fs;

/// What is remembered of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistorySummary {
    /// Of the file and what SQLite keeps beside it.
    pub bytes: u64,
    pub projects: Vec<ProjectSummary>,
}

/// What is remembered of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectSummary {
    pub id: ProjectId,
    pub full_path: String,
    pub pipelines: u64,
    /// Attempts that have ended.
    pub jobs: u64,
    /// `None` where they were never read.
    pub deployments: Option<u64>,
    /// Likewise.
    pub incidents: Option<u64>,
    /// When the oldest and the newest pipeline was created.
    pub first: Option<UnixSeconds>,
    pub last: Option<UnixSeconds>,
    /// Days since the first on which nothing was looked at.
    pub days_missing: u64,
    /// Days since the first on which it was looked at now and then: pipelines may be missing. Today is none of them shortly
    /// after a fill: it is known as far as it goes.
    pub days_with_gaps: u64,
    /// What the last fill could not read.
    pub gaps: Vec<KnownGap>,
}

impl HistoryStore {
    /// Counts what is there. `now` ends the range of days.
    pub fn summary(&self, now: UnixSeconds) -> Result<HistorySummary, HistoryError> {
        let size = |ending: &str| {
            let mut name = self.file().as_os_str().to_owned();
            name.push(ending);
            fs::metadata(name).map_or(0, |facts| facts.len())
        };
        let today = now.div_euclid(SECONDS_PER_DAY);
        let query = "SELECT r.id, r.full_path, \
                     (SELECT count(*) FROM pipeline p WHERE p.project = r.id), \
                     (SELECT count(*) FROM job j WHERE j.project = r.id), \
                     (SELECT min(created_at) FROM pipeline p WHERE p.project = r.id), \
                     (SELECT max(created_at) FROM pipeline p WHERE p.project = r.id), \
                     (SELECT min(day) FROM coverage c WHERE c.project = r.id), \
                     (SELECT count(*) FROM coverage c WHERE c.project = r.id AND day <= ?1), \
                     (SELECT count(*) FROM coverage c WHERE c.project = r.id AND day <= ?1 AND source = 'recorded' \
                     AND NOT (day = ?1 AND EXISTS \
                     (SELECT 1 FROM fill f WHERE f.project = r.id AND f.until >= ?2))) \
                     FROM project r ORDER BY r.full_path";
        let count = |row: &rusqlite::Row<'_>, column| row.get::<_, i64>(column).map(i64::cast_unsigned);
        let projects = self.ask(|connection| {
            let project = |row: &rusqlite::Row<'_>| {
                let first: Option<UnixSeconds> = row.get(4)?;
                let looked: Option<i64> = row.get(6)?;
                let begin = [first.map(|first| first.div_euclid(SECONDS_PER_DAY)), looked].into_iter().flatten().min();
                let days = begin.map_or(0, |begin| u64::try_from(today - begin + 1).unwrap_or(0));
                let id = ProjectId(count(row, 0)?);
                let deliveries = delivery_rows::counts(connection, id)?;
                Ok(ProjectSummary {
                    id,
                    full_path: row.get(1)?,
                    pipelines: count(row, 2)?,
                    jobs: count(row, 3)?,
                    deployments: deliveries.map(|counts| counts.0),
                    incidents: deliveries.map(|counts| counts.1),
                    first,
                    last: row.get(5)?,
                    days_missing: days.saturating_sub(count(row, 7)?),
                    days_with_gaps: count(row, 8)?,
                    gaps: gaps::of_project(connection, id)?,
                })
            };
            connection.prepare_cached(query)?.query_map([today, now.saturating_sub(SHORT_AGO)], project)?.collect()
        })?;
        Ok(HistorySummary { bytes: ["", "-wal", "-shm"].map(size).iter().sum(), projects })
    }

    /// Returns the project that had this name last.
    pub fn project_id(&self, full_path: &str) -> Result<Option<ProjectId>, HistoryError> {
        self.ask(|connection| {
            let sql = "SELECT id FROM project WHERE full_path = ?1 ORDER BY seen_at DESC LIMIT 1";
            let id: Option<i64> =
                connection.prepare_cached(sql)?.query_row([full_path], |row| row.get(0)).optional()?;
            Ok(id.map(|id| ProjectId(id.cast_unsigned())))
        })
    }

    /// Says whether a project has a name here.
    pub fn knows_project(&self, id: ProjectId) -> Result<bool, HistoryError> {
        self.ask(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM project WHERE id = ?1)";
            connection.prepare_cached(sql)?.query_row([id.0.cast_signed()], |row| row.get(0))
        })
    }

    /// Returns the latest names of all projects.
    pub fn project_paths(&self) -> Result<HashMap<ProjectId, String>, HistoryError> {
        let entry = |row: &rusqlite::Row<'_>| Ok((ProjectId(row.get::<_, i64>(0)?.cast_unsigned()), row.get(1)?));
        self.ask(|connection| {
            connection.prepare_cached("SELECT id, full_path FROM project")?.query_map([], entry)?.collect()
        })
    }

    /// Hands out every pipeline, one at a time.
    pub fn each_pipeline(&self, mut take: impl FnMut(PipelineFact)) -> Result<(), HistoryError> {
        self.ask(|connection| rows::each_pipeline(connection, &mut take))
    }

    /// Hands out every attempt at a job, one at a time.
    pub fn each_job(&self, mut take: impl FnMut(JobFact)) -> Result<(), HistoryError> {
        self.ask(|connection| rows::each_job(connection, &mut take))
    }
}
