//! Questions to the memory. Each is answered from an index, however much is remembered.
//!
//! Limits are written into a query: one that is bound makes SQLite plan the query again at each call. Indexes are named
//! where SQLite, which knows nothing about how many rows there are, would rather go through all jobs of a project.

use super::store::{HistoryError, HistoryStore, SECONDS_PER_DAY};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::{Job, JobKind};
use crate::domain::past::{
    BaseRun, FailedJobPast, FailedJobQuery, JobPast, JobRun, PipelinePast, RedStretch, SameFailure, names_a_cause,
};
use crate::domain::pipeline::{Pipeline, RefKind};
use crate::domain::status::Status;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

/// Successes that make up what is usual.
const USUAL_OF: i64 = 20;
/// Fewer successes of a pipeline say nothing about what is usual.
const LEAST_FOR_USUAL: usize = 3;
/// Pipelines of a project that are looked at for what is usual.
const NEWEST_PIPELINES: i64 = 200;
/// Failed jobs of a pipeline whose past is looked up.
const MOST_FAILED_JOBS: usize = 5;
/// How far back both verdicts on one commit make a job flaky (design 11).
pub const FLAKY_SECONDS: i64 = 14 * SECONDS_PER_DAY;
/// How far apart failures count as the same trouble (design 11).
pub const ELSEWHERE_SECONDS: i64 = 3 * SECONDS_PER_DAY;
/// Attempts that are looked at for one job: a job that runs every five minutes for 14 days has 4032.
const MOST_RUNS: i64 = 5000;
/// All kinds of refs: with them, an index finds a job of any ref by time.
pub(super) const REF_KINDS: &str = "('branch', 'tag', 'merge_request', 'merge_train', 'other')";
/// Places that are named; more say nothing new.
const MOST_ELSEWHERE: usize = 20;
/// Failures that are looked at for these, the latest first: each costs a look at where its pipeline began.
const MOST_SAME_FAILURES: i64 = 100;
/// Pipelines of the default branch that are looked at for the one that another was built on.
const MOST_BASES: i64 = 50;
/// Tests of one job that are looked for elsewhere. Where more failed, the first of them tell enough.
const MOST_TESTS: usize = 20;

fn pipeline_id(row: &Row<'_>, column: usize) -> rusqlite::Result<PipelineId> {
    row.get::<_, i64>(column).map(|id| PipelineId(id.cast_unsigned()))
}

fn key(project: ProjectId) -> i64 {
    project.0.cast_signed()
}

fn same_failure(row: &Row<'_>, test: Option<&String>) -> rusqlite::Result<SameFailure> {
    Ok(SameFailure {
        project: ProjectId(row.get::<_, i64>(0)?.cast_unsigned()),
        project_path: row.get(1)?,
        ref_name: row.get(2)?,
        pipeline: pipeline_id(row, 3)?,
        finished_at: row.get(4)?,
        test: test.cloned(),
    })
}

/// Reads an attempt: id, pipeline, commit, status, end.
pub(super) fn job_run(row: &Row<'_>) -> rusqlite::Result<JobRun> {
    Ok(JobRun {
        id: JobId(row.get::<_, i64>(0)?.cast_unsigned()),
        pipeline: pipeline_id(row, 1)?,
        sha: row.get(2)?,
        status: Status::from_gitlab(&row.get::<_, String>(3)?),
        finished_at: row.get(4)?,
    })
}

fn latest_of_each_place(mut found: Vec<SameFailure>) -> Vec<SameFailure> {
    found.sort_by_key(|failure| Reverse((failure.finished_at, failure.pipeline)));
    let mut places = HashSet::new();
    found.retain(|failure| places.insert((failure.project, failure.ref_name.clone())));
    found
}

/// Returns the default branch, and the newest pipeline of it that had ended when another one was created.
fn base_pipeline(
    connection: &Connection,
    project: ProjectId,
    (before, created): (PipelineId, UnixSeconds),
) -> rusqlite::Result<Option<(String, PipelineId)>> {
    let sql = "SELECT default_branch FROM project WHERE id = ?1";
    let branch: Option<Option<String>> =
        connection.prepare_cached(sql)?.query_row([key(project)], |row| row.get(0)).optional()?;
    let Some(branch) = branch.flatten() else { return Ok(None) };
    let sql = format!(
        "SELECT id, finished_at FROM pipeline WHERE project = ?1 AND ref = ?2 AND ref_kind = 'branch' AND status = ?4 \
         AND id < ?3 ORDER BY id DESC LIMIT {MOST_BASES}"
    );
    // Nearly always the first one had ended.
    let newest = |status: &str| -> rusqlite::Result<Option<i64>> {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![key(project), branch, before.0.cast_signed(), status])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, Option<UnixSeconds>>(1)?.is_some_and(|ended| ended <= created) {
                return row.get(0).map(Some);
            }
        }
        Ok(None)
    };
    let newest = newest("success")?.max(newest("failed")?);
    Ok(newest.map(|id| (branch, PipelineId(id.cast_unsigned()))))
}

/// Returns how the latest attempt at a job of a pipeline ended; `None` where it did not run it.
fn last_status(
    connection: &Connection,
    project: ProjectId,
    pipeline: PipelineId,
    job: &str,
) -> rusqlite::Result<Option<Status>> {
    // Left to itself, SQLite looks through all jobs of the project from the newest on.
    let sql = "SELECT status FROM job INDEXED BY job_by_pipeline WHERE project = ?1 AND pipeline = ?2 AND name = ?3 \
               ORDER BY id DESC LIMIT 1";
    let values = params![key(project), pipeline.0.cast_signed(), job];
    let word = connection.prepare_cached(sql)?.query_row(values, |row| row.get::<_, String>(0)).optional()?;
    Ok(word.as_deref().map(Status::from_gitlab))
}

/// Says whether a job failed where the pipeline of a failure began, too: then it is that failure, and no other one.
fn is_inherited(
    connection: &Connection,
    failure: &SameFailure,
    created: Option<UnixSeconds>,
    job: &str,
) -> rusqlite::Result<bool> {
    let Some(created) = created else { return Ok(false) };
    let base = base_pipeline(connection, failure.project, (failure.pipeline, created))?;
    let Some((_, base)) = base else { return Ok(false) };
    Ok(last_status(connection, failure.project, base, job)? == Some(Status::Failed))
}

impl HistoryStore {
    /// Returns how long a job usually takes: the median of its last 20 successes on refs of this kind.
    pub fn usual_job_duration(
        &self,
        project: ProjectId,
        ref_kind: RefKind,
        job: &str,
    ) -> Result<Option<Duration>, HistoryError> {
        let query = format!(
            "SELECT duration FROM job WHERE project = ?1 AND name = ?2 AND ref_kind = ?3 AND status = 'success' \
             AND duration IS NOT NULL ORDER BY finished_at DESC LIMIT {USUAL_OF}"
        );
        self.median_duration(&query, params![key(project), job, ref_kind.word()], 1)
    }

    /// Returns how long a pipeline usually takes: the median of the last 20 successes on refs of this kind among the newest
    /// 200 pipelines of the project; `None` where these are fewer than three.
    pub fn usual_pipeline_duration(
        &self,
        project: ProjectId,
        ref_kind: RefKind,
    ) -> Result<Option<Duration>, HistoryError> {
        let query = format!(
            "SELECT duration FROM (SELECT id, ref_kind, status, duration FROM pipeline WHERE project = ?1 \
             ORDER BY id DESC LIMIT {NEWEST_PIPELINES}) WHERE ref_kind = ?2 AND status = 'success' \
             AND duration IS NOT NULL ORDER BY id DESC LIMIT {USUAL_OF}"
        );
        self.median_duration(&query, params![key(project), ref_kind.word()], LEAST_FOR_USUAL)
    }

    /// Returns what the memory adds to a pipeline that is shown. `now` is when it was read.
    pub fn pipeline_past(
        &self,
        project: ProjectId,
        pipeline: &Pipeline,
        now: UnixSeconds,
    ) -> Result<PipelinePast, HistoryError> {
        let git_ref = &pipeline.git_ref;
        let usual = self.usual_pipeline_duration(project, git_ref.kind)?;
        if pipeline.status != Status::Failed {
            return Ok(PipelinePast { usual, ..PipelinePast::default() });
        }
        let red_since = self.red_since(project, &git_ref.name, git_ref.kind)?;
        let is_to_blame = |job: &&Job| job.status == Status::Failed && job.kind == JobKind::Job && !job.allow_failure;
        let mut failed_jobs = Vec::new();
        for job in pipeline.jobs().filter(is_to_blame).take(MOST_FAILED_JOBS) {
            let query = FailedJobQuery {
                project,
                ref_name: &git_ref.name,
                ref_kind: git_ref.kind,
                pipeline: pipeline.id,
                created_at: pipeline.created_at.map_or(now, |at| at.timestamp()),
                job: &job.name,
                reason: job.failure_reason.as_deref(),
                tests: &[],
            };
            let past = self.job_past(&query, job.finished_at.map_or(now, |at| at.timestamp()))?;
            failed_jobs.push(FailedJobPast { reason: job.failure_reason.clone(), past });
        }
        Ok(PipelinePast { usual, red_since, failed_jobs, judged: None, updated_at: pipeline.updated_at })
    }

    /// Returns the median of what a query lists; `None` where it lists fewer than `least`.
    fn median_duration(
        &self,
        query: &str,
        values: &[&dyn ToSql],
        least: usize,
    ) -> Result<Option<Duration>, HistoryError> {
        let mut seconds: Vec<i64> =
            self.ask(|connection| connection.prepare_cached(query)?.query_map(values, |row| row.get(0))?.collect())?;
        if seconds.len() < least {
            return Ok(None);
        }
        seconds.sort_unstable();
        let middle = seconds.len() / 2;
        let median = match (seconds.len(), seconds.get(middle)) {
            (_, None) => return Ok(None),
            (count, Some(upper)) if count % 2 == 1 => *upper,
            (_, Some(upper)) => seconds.get(middle - 1).map_or(*upper, |lower| lower.midpoint(*upper)),
        };
        Ok(u64::try_from(median).ok().map(Duration::from_secs))
    }

    /// Returns since when a ref is red; `None` where its newest verdict is green, or none is known. Pipelines that were
    /// canceled or skipped are no verdict.
    pub fn red_since(
        &self,
        project: ProjectId,
        ref_name: &str,
        ref_kind: RefKind,
    ) -> Result<Option<RedStretch>, HistoryError> {
        let on_ref = "project = ?1 AND ref = ?2 AND ref_kind = ?3 AND status";
        let values = params![key(project), ref_name, ref_kind.word()];
        self.ask(|connection| {
            // `warning` is a success of GitLab's.
            let green = format!("SELECT max(id) FROM pipeline WHERE {on_ref} = 'success'");
            let last_green: Option<i64> = connection.prepare_cached(&green)?.query_row(values, |row| row.get(0))?;
            let red = format!(
                "SELECT id, coalesce(finished_at, updated_at, created_at), sha, author, commit_title FROM pipeline \
                 WHERE {on_ref} = 'failed' AND id > ?4 ORDER BY id LIMIT 1"
            );
            let values = params![key(project), ref_name, ref_kind.word(), last_green.unwrap_or(i64::MIN)];
            let first = connection.prepare_cached(&red)?.query_row(values, |row| {
                Ok(RedStretch {
                    first: pipeline_id(row, 0)?,
                    since: row.get(1)?,
                    sha: row.get(2)?,
                    author: row.get(3)?,
                    commit_title: row.get(4)?,
                    last_green: last_green.map(|id| PipelineId(id.cast_unsigned())),
                })
            });
            first.optional()
        })
    }

    /// Returns the attempts at a job that passed or failed in the 14 days before a failure of it, and those on its commit
    /// in the 14 days after it, oldest first. What came later on other commits says nothing about that failure: passes of
    /// the weeks after it would make a flaky one its author's.
    pub fn job_runs(&self, failed: &FailedJobQuery<'_>, at: UnixSeconds) -> Result<Vec<JobRun>, HistoryError> {
        let query = format!(
            "SELECT j.id, j.pipeline, p.sha, j.status, j.finished_at FROM job j INDEXED BY job_by_name \
             LEFT JOIN pipeline p ON p.project = j.project AND p.id = j.pipeline \
             WHERE j.project = ?1 AND j.name = ?2 \
             AND j.ref_kind IN {REF_KINDS} \
             AND j.status IN ('success', 'failed') AND j.finished_at BETWEEN ?3 AND ?4 \
             AND (j.finished_at <= ?5 OR j.pipeline = ?6 \
             OR p.sha = (SELECT sha FROM pipeline WHERE project = ?1 AND id = ?6)) \
             ORDER BY j.finished_at DESC, j.id DESC LIMIT {MOST_RUNS}"
        );
        let (from, to) = (at.saturating_sub(FLAKY_SECONDS), at.saturating_add(FLAKY_SECONDS));
        let values = params![key(failed.project), failed.job, from, to, at, failed.pipeline.0.cast_signed()];
        let mut runs: Vec<JobRun> =
            self.ask(|connection| connection.prepare_cached(&query)?.query_map(values, job_run)?.collect())?;
        runs.reverse();
        Ok(runs)
    }

    /// Returns where else a job failed in the same way around a time: with the same failing test, or for the same reason
    /// where that names a cause. One failure for each other ref or project, the latest. A failure that its place only has
    /// because it builds on a broken default branch is none of these: it is that branch's failure.
    pub fn same_failure_elsewhere(
        &self,
        query: &FailedJobQuery<'_>,
        at: UnixSeconds,
    ) -> Result<Vec<SameFailure>, HistoryError> {
        let span = (at.saturating_sub(ELSEWHERE_SECONDS), at.saturating_add(ELSEWHERE_SECONDS));
        let mut found = Vec::new();
        let select = "SELECT j.project, r.full_path, p.ref, j.pipeline, j.finished_at, p.created_at, p.ref_kind";
        let joins = "JOIN pipeline p ON p.project = j.project AND p.id = j.pipeline \
                     LEFT JOIN project r ON r.id = j.project";
        let other = format!(
            "NOT (p.project = ?1 AND p.ref = ?2 AND p.ref_kind = ?3) AND j.finished_at BETWEEN ?5 AND ?6 \
             ORDER BY j.finished_at DESC, j.pipeline DESC LIMIT {MOST_SAME_FAILURES}"
        );
        for test in query.tests.iter().take(MOST_TESTS) {
            let sql = format!(
                "{select} FROM job j INDEXED BY job_failed {joins} WHERE j.status = 'failed' AND j.name = ?4 \
                 AND EXISTS (SELECT 1 FROM test_failure t WHERE t.project = j.project AND t.job = j.id AND t.test = ?7) \
                 AND {other}"
            );
            found.extend(self.failures(&sql, query, span, (test, Some(test)))?);
        }
        let reason = query.reason.filter(|reason| names_a_cause(reason));
        if let (true, Some(reason)) = (query.tests.is_empty(), reason) {
            let sql = format!(
                "{select} FROM job j INDEXED BY job_failed {joins} \
                 WHERE j.status = 'failed' AND j.name = ?4 AND j.reason = ?7 AND {other}"
            );
            found.extend(self.failures(&sql, query, span, (reason, None))?);
        }
        Ok(latest_of_each_place(found))
    }

    /// Returns the latest failure of each place that has one of its own.
    fn failures(
        &self,
        sql: &str,
        query: &FailedJobQuery<'_>,
        (from, to): (UnixSeconds, UnixSeconds),
        (value, test): (&str, Option<&String>),
    ) -> Result<Vec<SameFailure>, HistoryError> {
        let values = params![key(query.project), query.ref_name, query.ref_kind.word(), query.job, from, to, value];
        self.ask(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(values)?;
            let (mut found, mut places) = (Vec::new(), HashSet::new());
            while let Some(row) = rows.next()? {
                let failure = same_failure(row, test)?;
                let place = (failure.project, failure.ref_name.clone(), row.get::<_, String>(6)?);
                let created: Option<UnixSeconds> = row.get(5)?;
                if places.contains(&place) || is_inherited(connection, &failure, created, query.job)? {
                    continue;
                }
                places.insert(place);
                found.push(failure);
                if found.len() == MOST_ELSEWHERE {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// Returns how a job ended in the newest pipeline of the default branch that had ended when another one was created.
    pub fn base_run(&self, query: &FailedJobQuery<'_>) -> Result<Option<BaseRun>, HistoryError> {
        let found = self.ask(|connection| {
            let before = (query.pipeline, query.created_at);
            let Some((branch, pipeline)) = base_pipeline(connection, query.project, before)? else { return Ok(None) };
            Ok(Some((branch, pipeline, last_status(connection, query.project, pipeline, query.job)?)))
        })?;
        let Some((branch, pipeline, job)) = found else { return Ok(None) };
        // Red again since a later pipeline says nothing about this one.
        let since = self.red_since(query.project, &branch, RefKind::Branch)?.filter(|red| red.first <= pipeline);
        Ok(Some(BaseRun { branch, pipeline, job, since }))
    }

    /// Returns all that is known about a job that failed at a time.
    pub fn job_past(&self, query: &FailedJobQuery<'_>, at: UnixSeconds) -> Result<JobPast, HistoryError> {
        Ok(JobPast {
            base: self.base_run(query)?,
            runs: self.job_runs(query, at)?,
            elsewhere: self.same_failure_elsewhere(query, at)?,
            usual: self.usual_job_duration(query.project, query.ref_kind, query.job)?,
        })
    }
}

#[cfg(test)]
mod tests;
