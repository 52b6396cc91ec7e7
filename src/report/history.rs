//! What is remembered, as it is printed: `glwatch.history/1`, and facts one by one. Fields may be added, none changes its
//! meaning.

use crate::domain::delivery::{DeploymentFact, IncidentFact, MergeRequestFact};
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
    /// Null where they were never read.
    pub deployments: Option<u64>,
    pub incidents: Option<u64>,
    pub first: Option<String>,
    pub last: Option<String>,
    /// Days of which nothing is known.
    pub days_missing: u64,
    /// Days on which pipelines may be missing.
    pub days_with_gaps: u64,
    /// What the last fill could not read.
    pub gaps: Vec<KnownGapEntry<'a>>,
}

/// Why a fill could not read all of a project.
#[derive(Debug, Serialize)]
pub(crate) struct KnownGapEntry<'a> {
    /// `pipelines`, or `deployments`.
    pub part: &'a str,
    /// The words of `problems[].kind`.
    pub kind: &'a str,
    pub message: &'a str,
    pub seen_at: Option<String>,
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
    /// Null where they were not asked for, as the next two are.
    pub deployments: Option<u64>,
    pub merge_requests: Option<u64>,
    pub incidents: Option<u64>,
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
    /// What could not be read: `pipelines`, or `deployments`.
    pub part: &'static str,
    /// The words of `problems[].kind`.
    pub kind: Cow<'a, str>,
    pub message: &'a str,
}

impl<'a> FillGapEntry<'a> {
    pub(crate) fn new(project: &'a Project, part: &'static str, failure: &'a Failure) -> Self {
        let (kind, message) = (failure.kind.word(), failure.message.as_str());
        Self { id: project.id.0, full_path: &project.full_path, part, kind, message }
    }
}

/// One fact: a line of ndjson, a row of CSV.
#[derive(Debug, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(crate) enum FactEntry {
    Pipeline(PipelineFactEntry),
    Job(JobFactEntry),
    Deployment(DeploymentFactEntry),
    MergeRequest(MergeRequestFactEntry),
    Incident(IncidentFactEntry),
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

#[derive(Debug, Serialize)]
pub(crate) struct DeploymentFactEntry {
    pub project: u64,
    pub full_path: Option<String>,
    pub id: u64,
    pub iid: Option<u64>,
    pub environment: String,
    /// Null where the list of environments does not have it.
    pub tier: Option<String>,
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    pub sha: Option<String>,
    pub pipeline: Option<u64>,
    pub job: Option<u64>,
    pub status: String,
    pub created_at: Option<String>,
    pub finished_at: Option<String>,
    pub updated_at: Option<String>,
    /// The numbers of the merge requests that it brought; null where they were not asked for.
    pub merge_requests: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MergeRequestFactEntry {
    pub project: u64,
    pub full_path: Option<String>,
    pub iid: u64,
    pub title: String,
    pub source_branch: Option<String>,
    pub labels: String,
    pub merged_at: Option<String>,
    pub updated_at: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct IncidentFactEntry {
    pub project: u64,
    pub full_path: Option<String>,
    pub iid: u64,
    pub title: String,
    pub created_at: Option<String>,
    pub closed_at: Option<String>,
    pub updated_at: Option<String>,
}

impl DeploymentFactEntry {
    /// `full_path` is the project's latest name, `brings` are the numbers of the merge requests.
    pub(crate) fn new(fact: DeploymentFact, full_path: Option<String>, tier: Option<String>, brings: &[u64]) -> Self {
        let numbers = || brings.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        Self {
            project: fact.project.0,
            full_path,
            id: fact.id.0,
            iid: fact.iid,
            environment: fact.environment_name,
            tier,
            ref_name: fact.ref_name,
            sha: fact.sha,
            pipeline: fact.pipeline.map(|pipeline| pipeline.0),
            job: fact.job.map(|job| job.0),
            status: fact.course.status.word().to_owned(),
            created_at: time(fact.created_at),
            finished_at: time(fact.course.finished_at),
            updated_at: time(fact.course.updated_at),
            merge_requests: fact.has_merges.then(numbers),
        }
    }
}

impl MergeRequestFactEntry {
    /// `full_path` is the project's latest name.
    pub(crate) fn new(fact: MergeRequestFact, full_path: Option<String>) -> Self {
        Self {
            project: fact.project.0,
            full_path,
            iid: fact.iid,
            title: fact.title,
            source_branch: fact.source_branch,
            labels: fact.labels.join(","),
            merged_at: time(fact.merged_at),
            updated_at: time(fact.updated_at),
        }
    }
}

impl IncidentFactEntry {
    /// `full_path` is the project's latest name.
    pub(crate) fn new(fact: IncidentFact, full_path: Option<String>) -> Self {
        Self {
            project: fact.project.0,
            full_path,
            iid: fact.iid,
            title: fact.title,
            created_at: time(Some(fact.created_at)),
            closed_at: time(fact.closed_at),
            updated_at: time(fact.updated_at),
        }
    }
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
