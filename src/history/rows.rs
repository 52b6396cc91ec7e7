//! Facts as rows of the tables, and back.
//!
//! A fact is merged with what is there: see `domain/fact.rs`.

use super::cursor::{FillCursor, FilledSpan, OpenFill};
use crate::domain::fact::{
    FactBatch, JobCourse, JobFact, PipelineCourse, PipelineFact, ProjectFact, SECONDS_PER_DAY, TestFailureFact,
    UnixSeconds,
};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::JobKind;
use crate::domain::pipeline::RefKind;
use crate::domain::status::Status;
use crate::domain::usage::Api;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, Row, params};
use std::collections::HashMap;
use std::ops::Range;

/// What separates tags; no tag of GitLab's has a line break.
const TAG_END: char = '\n';

/// Returns what SQLite takes for an id. No id of GitLab's is near the limit; what is beyond it is another one each.
fn number(id: u64) -> i64 {
    id.cast_signed()
}

pub(super) fn id(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(super) fn optional(row: &Row<'_>, column: usize) -> Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

fn signed(value: Option<u64>) -> Option<i64> {
    value.map(u64::cast_signed)
}

/// Reads one of our own words; a word that is not ours makes the file damaged.
pub(super) fn word<T>(row: &Row<'_>, column: usize, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    read(text).ok_or_else(|| {
        let why = format!("unknown word {text:?}");
        Error::FromSqlConversionFailure(column, Type::Text, why.into())
    })
}

/// Reads a status as it was written: `warning` is one of ours, all else is GitLab's.
pub(super) fn status(row: &Row<'_>, column: usize) -> Result<Status> {
    let text = row.get_ref(column)?.as_str()?;
    Ok(Status::from_word(text).unwrap_or_else(|| Status::from_gitlab(text)))
}

fn write_project(connection: &Connection, fact: &ProjectFact) -> Result<()> {
    let mut known =
        connection.prepare_cached("SELECT full_path, default_branch, seen_at FROM project WHERE id = ?1")?;
    let known = known.query_row([number(fact.id.0)], |row| {
        Ok(ProjectFact { id: fact.id, full_path: row.get(0)?, default_branch: row.get(1)?, seen_at: row.get(2)? })
    });
    let known = known.optional()?;
    let merged = known.clone().map_or_else(|| fact.clone(), |known| known.merge(fact.clone()));
    if known.as_ref() == Some(&merged) {
        return Ok(());
    }
    let mut write = connection.prepare_cached("INSERT OR REPLACE INTO project VALUES (?1, ?2, ?3, ?4)")?;
    write.execute(params![number(fact.id.0), merged.full_path, merged.default_branch, merged.seen_at])?;
    Ok(())
}

pub(super) const PIPELINE_COLUMNS: &str = "project, id, iid, ref, ref_kind, sha, source, author, commit_title, created_at, \
                                updated_at, status, started_at, finished_at, duration, queued";

pub(super) fn read_pipeline(row: &Row<'_>) -> Result<PipelineFact> {
    Ok(PipelineFact {
        project: ProjectId(id(row, 0)?),
        id: PipelineId(id(row, 1)?),
        iid: optional(row, 2)?,
        ref_name: row.get(3)?,
        ref_kind: word(row, 4, RefKind::from_word)?,
        sha: row.get(5)?,
        source: row.get(6)?,
        author: row.get(7)?,
        commit_title: row.get(8)?,
        created_at: row.get(9)?,
        course: PipelineCourse {
            updated_at: row.get(10)?,
            status: status(row, 11)?,
            started_at: row.get(12)?,
            finished_at: row.get(13)?,
            duration: optional(row, 14)?,
            queued: optional(row, 15)?,
        },
    })
}

pub(super) fn pipeline(connection: &Connection, project: ProjectId, id: PipelineId) -> Result<Option<PipelineFact>> {
    let query = format!("SELECT {PIPELINE_COLUMNS} FROM pipeline WHERE project = ?1 AND id = ?2");
    connection.prepare_cached(&query)?.query_row([number(project.0), number(id.0)], read_pipeline).optional()
}

/// Hands out all pipelines, by project and age.
pub(super) fn each_pipeline(connection: &Connection, take: &mut dyn FnMut(PipelineFact)) -> Result<()> {
    let query = format!("SELECT {PIPELINE_COLUMNS} FROM pipeline ORDER BY project, id");
    connection.prepare_cached(&query)?.query_map([], read_pipeline)?.try_for_each(|fact| fact.map(&mut *take))
}

fn write_pipeline(connection: &Connection, fact: &PipelineFact) -> Result<()> {
    let known = pipeline(connection, fact.project, fact.id)?;
    let merged = known.clone().map_or_else(|| fact.clone(), |known| known.merge(fact.clone()));
    if known.as_ref() == Some(&merged) {
        return Ok(());
    }
    let course = &merged.course;
    let query = "INSERT OR REPLACE INTO pipeline \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    connection.prepare_cached(query)?.execute(params![
        number(merged.project.0),
        number(merged.id.0),
        signed(merged.iid),
        merged.ref_name,
        merged.ref_kind.word(),
        merged.sha,
        merged.source,
        merged.author,
        merged.commit_title,
        merged.created_at,
        course.updated_at,
        course.status.word(),
        course.started_at,
        course.finished_at,
        signed(course.duration),
        signed(course.queued),
    ])?;
    Ok(())
}

const JOB_COLUMNS: &str = "project, id, pipeline, name, stage, kind, ref_kind, allow_failure, created_at, tags, \
                           finished_at, status, started_at, duration, queued, reason";

fn read_job(row: &Row<'_>) -> Result<JobFact> {
    let tags: String = row.get(9)?;
    Ok(JobFact {
        project: ProjectId(id(row, 0)?),
        id: JobId(id(row, 1)?),
        pipeline: PipelineId(id(row, 2)?),
        name: row.get(3)?,
        stage: row.get(4)?,
        kind: word(row, 5, JobKind::from_word)?,
        ref_kind: word(row, 6, RefKind::from_word)?,
        allow_failure: row.get(7)?,
        created_at: row.get(8)?,
        tags: tags.split(TAG_END).filter(|tag| !tag.is_empty()).map(ToOwned::to_owned).collect(),
        course: JobCourse {
            finished_at: row.get(10)?,
            status: status(row, 11)?,
            started_at: row.get(12)?,
            duration: optional(row, 13)?,
            queued: optional(row, 14)?,
            failure_reason: row.get(15)?,
        },
    })
}

fn job(connection: &Connection, project: ProjectId, id: JobId) -> Result<Option<JobFact>> {
    let query = format!("SELECT {JOB_COLUMNS} FROM job WHERE project = ?1 AND id = ?2");
    connection.prepare_cached(&query)?.query_row([number(project.0), number(id.0)], read_job).optional()
}

/// Hands out all attempts at jobs, by project and age.
pub(super) fn each_job(connection: &Connection, take: &mut dyn FnMut(JobFact)) -> Result<()> {
    let query = format!("SELECT {JOB_COLUMNS} FROM job ORDER BY project, id");
    connection.prepare_cached(&query)?.query_map([], read_job)?.try_for_each(|fact| fact.map(&mut *take))
}

fn write_job(connection: &Connection, fact: &JobFact) -> Result<()> {
    let known = job(connection, fact.project, fact.id)?;
    let merged = known.clone().map_or_else(|| fact.clone(), |known| known.merge(fact.clone()));
    if known.as_ref() == Some(&merged) {
        return Ok(());
    }
    let course = &merged.course;
    let query = "INSERT OR REPLACE INTO job \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    connection.prepare_cached(query)?.execute(params![
        number(merged.project.0),
        number(merged.id.0),
        number(merged.pipeline.0),
        merged.name,
        merged.stage,
        merged.kind.word(),
        merged.ref_kind.word(),
        merged.allow_failure,
        merged.created_at,
        merged.tags.join("\n"),
        course.finished_at,
        course.status.word(),
        course.started_at,
        signed(course.duration),
        signed(course.queued),
        course.failure_reason,
    ])?;
    Ok(())
}

fn write_test_failure(connection: &Connection, fact: &TestFailureFact) -> Result<()> {
    let mut write = connection.prepare_cached("INSERT OR IGNORE INTO test_failure VALUES (?1, ?2, ?3)")?;
    write.execute(params![number(fact.project.0), number(fact.job.0), fact.test])?;
    Ok(())
}

/// Writes all facts of a batch, and that their projects were looked at on this day.
pub(super) fn write_batch(connection: &Connection, batch: &FactBatch, day: i64) -> Result<()> {
    for fact in &batch.projects {
        write_project(connection, fact)?;
        write_coverage(connection, fact.id, day)?;
    }
    batch.pipelines.iter().try_for_each(|fact| write_pipeline(connection, fact))?;
    batch.jobs.iter().try_for_each(|fact| write_job(connection, fact))?;
    batch.test_failures.iter().try_for_each(|fact| write_test_failure(connection, fact))
}

/// Notes that a project was looked at on a day: what ran between two looks may be missing.
fn write_coverage(connection: &Connection, project: ProjectId, day: i64) -> Result<()> {
    let mut write = connection.prepare_cached("INSERT OR IGNORE INTO coverage VALUES (?1, ?2, 'recorded')")?;
    write.execute(params![number(project.0), day])?;
    Ok(())
}

/// Notes days of which all was read.
pub(super) fn write_filled_days(connection: &Connection, project: ProjectId, days: Range<i64>) -> Result<()> {
    let query = "INSERT INTO coverage VALUES (?1, ?2, 'filled') ON CONFLICT DO UPDATE SET source = 'filled'";
    let mut write = connection.prepare_cached(query)?;
    days.into_iter().try_for_each(|day| write.execute(params![number(project.0), day]).map(drop))
}

/// Forgets that what lies before a time was read; of the day in whose midst that is, a part is left.
pub(super) fn forget_filled(connection: &Connection, limit: UnixSeconds) -> Result<()> {
    connection.execute(
        "UPDATE coverage SET source = 'recorded' WHERE source = 'filled' AND day = ?1 / ?2 AND ?1 % ?2 > 0",
        [limit, SECONDS_PER_DAY],
    )?;
    connection.execute("DELETE FROM fill WHERE max(coalesce(until, 0), coalesce(open_until, 0)) <= ?1", [limit])?;
    connection.execute("UPDATE fill SET since = NULL, until = NULL WHERE until <= ?1", [limit])?;
    connection.execute("UPDATE fill SET since = ?1 WHERE since < ?1", [limit])?;
    connection.execute("UPDATE fill SET open_since = ?1 WHERE open_since < ?1", [limit])?;
    Ok(())
}

/// Hands out how far each project was read.
pub(super) fn fill_cursors(connection: &Connection) -> Result<HashMap<ProjectId, FillCursor>> {
    let query = "SELECT project, api, since, until, open_since, open_until, open_next FROM fill";
    let cursor = |row: &Row<'_>| {
        let span = |at: usize| -> Result<Option<FilledSpan>> {
            let ends: (Option<i64>, Option<i64>) = (row.get(at)?, row.get(at + 1)?);
            Ok(ends.0.zip(ends.1).map(|(since, until)| FilledSpan { since, until }))
        };
        let next: Option<String> = row.get(6)?;
        let open = span(4)?.zip(next).map(|(span, next)| OpenFill { span, next });
        Ok((ProjectId(id(row, 0)?), FillCursor { api: word(row, 1, Api::from_word)?, whole: span(2)?, open }))
    };
    connection.prepare_cached(query)?.query_map([], cursor)?.collect()
}

pub(super) fn write_cursor(connection: &Connection, project: ProjectId, cursor: &FillCursor) -> Result<()> {
    let FillCursor { api, whole, open } = cursor;
    let mut write = connection.prepare_cached("INSERT OR REPLACE INTO fill VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    write.execute(params![
        number(project.0),
        api.word(),
        whole.map(|span| span.since),
        whole.map(|span| span.until),
        open.as_ref().map(|open| open.span.since),
        open.as_ref().map(|open| open.span.until),
        open.as_ref().map(|open| open.next.as_str()),
    ])?;
    Ok(())
}
