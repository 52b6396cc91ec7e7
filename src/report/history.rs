//! What is remembered, as it is printed: `glwatch.history/1`, and facts one by one. Fields may be added, none changes its
//! meaning.

use crate::domain::fact::{JobFact, PipelineFact, UnixSeconds};
use crate::domain::failure::Failure;
use crate::domain::project::Project;
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;
use std::borrow::Cow;

pub(crate) const SCHEMA: &str = "glwatch.history/1";

#[derive(Debug, Serialize)]
pub(crate) struct HistoryDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub file: String,
    pub bytes: u64,
    pub projects: Vec<HistoryEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct HistoryEntry<'a> {
    pub id: u64,
    pub full_path: &'a str,
    pub pipelines: u64,
    /// Attempts that have ended.
    pub jobs: u64,
    pub first: Option<String>,
    pub last: Option<String>,
    /// Days of which nothing is known.
    pub days_missing: u64,
    /// Days on which pipelines may be missing.
    pub days_with_gaps: u64,
}

/// What a backfill has brought: `glwatch.history-fill/1`.
#[derive(Debug, Serialize)]
pub(crate) struct FillDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub file: String,
    #[serde(flatten)]
    pub range: FillRange,
    pub api: &'static str,
    pub requests: u64,
    pub seconds: u64,
    /// Projects of which all was read.
    pub projects: u64,
    pub pipelines: u64,
    pub jobs: u64,
    pub gaps: Vec<FillGapEntry<'a>>,
}

impl FillDocument<'_> {
    pub(crate) const SCHEMA: &'static str = "glwatch.history-fill/1";
}

#[derive(Debug, Serialize)]
pub(crate) struct FillRange {
    pub since: Option<String>,
    pub until: Option<String>,
}

/// A project of which not all could be read.
#[derive(Debug, Serialize)]
pub(crate) struct FillGapEntry<'a> {
    pub id: u64,
    pub full_path: &'a str,
    /// The words of `problems[].kind`.
    pub kind: Cow<'a, str>,
    pub message: &'a str,
}

impl<'a> FillGapEntry<'a> {
    pub(crate) fn new(project: &'a Project, failure: &'a Failure) -> Self {
        Self { id: project.id.0, full_path: &project.full_path, kind: failure.kind.word(), message: &failure.message }
    }
}

/// One fact: a line of ndjson, a row of CSV.
#[derive(Debug, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(crate) enum FactEntry {
    Pipeline(PipelineFactEntry),
    Job(JobFactEntry),
}

#[derive(Debug, Serialize)]
pub(crate) struct PipelineFactEntry {
    pub project: u64,
    pub full_path: Option<String>,
    pub id: u64,
    pub iid: Option<u64>,
    #[serde(rename = "ref")]
    pub ref_name: String,
    pub ref_kind: &'static str,
    pub sha: Option<String>,
    pub source: Option<String>,
    pub user: Option<String>,
    pub commit_title: Option<String>,
    pub status: String,
    pub created_at: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub updated_at: Option<String>,
    pub duration_s: Option<u64>,
    pub queued_s: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct JobFactEntry {
    pub project: u64,
    pub full_path: Option<String>,
    pub pipeline: u64,
    pub id: u64,
    pub name: String,
    pub stage: String,
    pub kind: &'static str,
    pub ref_kind: &'static str,
    pub status: String,
    pub allow_failure: bool,
    pub failure_reason: Option<String>,
    pub tags: String,
    pub created_at: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub duration_s: Option<u64>,
    pub queued_s: Option<u64>,
}

impl PipelineFactEntry {
    /// `full_path` is the project's latest name.
    pub(crate) fn new(fact: PipelineFact, full_path: Option<String>) -> Self {
        Self {
            project: fact.project.0,
            full_path,
            id: fact.id.0,
            iid: fact.iid,
            ref_name: fact.ref_name,
            ref_kind: fact.ref_kind.word(),
            sha: fact.sha,
            source: fact.source,
            user: fact.author,
            commit_title: fact.commit_title,
            status: fact.course.status.word().to_owned(),
            created_at: time(fact.created_at),
            started_at: time(fact.course.started_at),
            finished_at: time(fact.course.finished_at),
            updated_at: time(fact.course.updated_at),
            duration_s: fact.course.duration,
            queued_s: fact.course.queued,
        }
    }
}

impl JobFactEntry {
    /// `full_path` is the project's latest name.
    pub(crate) fn new(fact: JobFact, full_path: Option<String>) -> Self {
        Self {
            project: fact.project.0,
            full_path,
            pipeline: fact.pipeline.0,
            id: fact.id.0,
            name: fact.name,
            stage: fact.stage,
            kind: fact.kind.word(),
            ref_kind: fact.ref_kind.word(),
            status: fact.course.status.word().to_owned(),
            allow_failure: fact.allow_failure,
            failure_reason: fact.course.failure_reason,
            tags: fact.tags.join(" "),
            created_at: time(fact.created_at),
            started_at: time(fact.course.started_at),
            finished_at: time(fact.course.finished_at),
            duration_s: fact.course.duration,
            queued_s: fact.course.queued,
        }
    }
}

/// Returns a time in RFC 3339; one that no calendar has is null.
pub(crate) fn time(seconds: Option<UnixSeconds>) -> Option<String> {
    let time = DateTime::from_timestamp(seconds?, 0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}
