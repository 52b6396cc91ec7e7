//! The JSON contract `glwatch.status/1`: key for key what scripts may rely on. Fields may be added, none changes its meaning.
//!
//! Borrows from a snapshot; `render::json` writes it.

use super::what;
use crate::domain::excerpt::SnapshotView;
use crate::domain::failure::{FailedRequest, Failure};
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::health::Counts;
use crate::domain::job::{Job, Stage};
use crate::domain::past::{KnownPast, RedStretch};
use crate::domain::pipeline::{Downstream, Pipeline};
use crate::domain::project::ProjectRow;
use crate::domain::snapshot::{Group, Problem};
use crate::domain::status::Status;
use crate::domain::usage::Usage;
use crate::text::duration::whole_seconds;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// The version of the contract, in every document.
pub const SCHEMA: &str = "glwatch.status/1";

/// A whole snapshot. `projects` are those that are shown; everything else speaks of all.
#[derive(Debug, Serialize)]
pub struct StatusDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub generated_at: String,
    pub complete: bool,
    pub groups: Vec<GroupEntry<'a>>,
    pub problems: Vec<ProblemEntry<'a>>,
    pub requests: Requests,
    pub summary: SummaryDocument,
    pub projects: ProjectEntries<'a>,
}

impl<'a> From<&'a SnapshotView<'a>> for StatusDocument<'a> {
    fn from(excerpt: &'a SnapshotView<'a>) -> Self {
        let snapshot = excerpt.whole;
        let usage = &snapshot.usage;
        Self {
            schema: SCHEMA,
            host: &snapshot.host,
            generated_at: time(snapshot.taken_at),
            complete: snapshot.is_complete(),
            groups: snapshot.groups.iter().map(GroupEntry::from).collect(),
            problems: snapshot.problems.iter().map(ProblemEntry::from).collect(),
            requests: Requests::from(usage),
            summary: SummaryDocument::from(Counts::of(snapshot)),
            projects: ProjectEntries { view: excerpt },
        }
    }
}

/// The same as an event: one line of `ndjson`.
#[derive(Debug, Serialize)]
pub struct SnapshotEvent<'a> {
    event: &'static str,
    #[serde(flatten)]
    document: StatusDocument<'a>,
}

impl<'a> From<StatusDocument<'a>> for SnapshotEvent<'a> {
    fn from(document: StatusDocument<'a>) -> Self {
        Self { event: "snapshot", document }
    }
}

#[derive(Debug, Serialize)]
pub struct GroupEntry<'a> {
    pub id: u64,
    pub full_path: &'a str,
    pub web_url: Option<&'a str>,
}

impl<'a> From<&'a Group> for GroupEntry<'a> {
    fn from(group: &'a Group) -> Self {
        Self { id: group.id.0, full_path: &group.full_path, web_url: group.web_url.as_deref() }
    }
}

#[derive(Debug, Serialize)]
pub struct ProblemEntry<'a> {
    pub scope: &'static str,
    pub subject: &'a str,
    pub kind: Cow<'a, str>,
    pub message: String,
    pub request: Option<RequestEntry<'a>>,
}

impl<'a> From<&'a Problem> for ProblemEntry<'a> {
    fn from(problem: &'a Problem) -> Self {
        let failure = &problem.failure;
        Self {
            scope: problem.scope.word(),
            subject: &problem.subject,
            kind: failure.kind.word(),
            message: failure.to_string(),
            request: failure.request.as_deref().map(RequestEntry::from),
        }
    }
}

/// The request that failed.
#[derive(Debug, Serialize)]
pub struct RequestEntry<'a> {
    pub method: &'a str,
    pub url: &'a str,
    pub query: Option<&'a str>,
    pub status: Option<u16>,
    pub request_id: Option<&'a str>,
    pub json_path: Option<&'a str>,
    pub attempts: u32,
    /// How long all attempts took.
    pub elapsed_ms: u64,
}

impl<'a> From<&'a FailedRequest> for RequestEntry<'a> {
    fn from(request: &'a FailedRequest) -> Self {
        let FailedRequest { line, status, request_id, json_path, attempts, elapsed } = request;
        Self {
            method: &line.method,
            url: &line.url,
            query: line.query.as_deref(),
            status: *status,
            request_id: request_id.as_deref(),
            json_path: json_path.as_deref(),
            attempts: *attempts,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Requests {
    pub count: u64,
    /// Received in the bodies of the answers, after decompression.
    pub bytes: u64,
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    pub api: &'static str,
}

impl From<&Usage> for Requests {
    fn from(usage: &Usage) -> Self {
        let Usage { requests, bytes, limit, remaining, api, .. } = *usage;
        Self { count: requests, bytes, limit, remaining, api: api.word() }
    }
}

#[derive(Debug, Serialize)]
pub struct SummaryDocument {
    pub projects: usize,
    /// Projects by the status of their worst pipeline, most severe first.
    #[serde(serialize_with = "as_object")]
    pub by_status: Vec<(Status, usize)>,
    pub no_pipeline: usize,
    pub no_access: usize,
    pub error: usize,
    pub stale: usize,
}

impl From<Counts> for SummaryDocument {
    fn from(counts: Counts) -> Self {
        let Counts { projects, by_status, no_pipeline, no_access, error, stale } = counts;
        // A one-shot run has no older data to keep.
        Self { projects, by_status, no_pipeline, no_access, error, stale }
    }
}

fn as_object<S: Serializer>(counts: &[(Status, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().map(|(status, count)| (status.word(), count)))
}

/// The projects, each made when its turn comes: all of them at once would take more memory than what they are made of.
#[derive(Debug)]
pub struct ProjectEntries<'a> {
    view: &'a SnapshotView<'a>,
}

impl<'a> ProjectEntries<'a> {
    pub fn iter(&self) -> impl Iterator<Item = ProjectEntry<'a>> {
        let SnapshotView { whole, rows, past } = self.view;
        rows.iter().map(|row| ProjectEntry::new(row, past, whole.taken_at))
    }
}

impl Serialize for ProjectEntries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[derive(Debug, Serialize)]
pub struct ProjectEntry<'a> {
    pub id: u64,
    pub full_path: &'a str,
    pub name: &'a str,
    pub web_url: Option<&'a str>,
    /// Names, not paths, of the groups above, outermost first.
    pub ancestor_names: &'a [String],
    pub default_branch: Option<&'a str>,
    pub state: &'static str,
    pub ever_ran: Option<bool>,
    pub error: Option<ErrorEntry<'a>>,
    pub as_of: String,
    pub pipelines: Vec<PipelineEntry<'a>>,
}

impl<'a> ProjectEntry<'a> {
    fn new(row: &'a ProjectRow, past: &'a KnownPast, now: DateTime<Utc>) -> Self {
        let project = &row.project;
        Self {
            id: project.id.0,
            full_path: &project.full_path,
            name: &project.name,
            web_url: project.web_url.as_deref(),
            ancestor_names: &project.ancestor_names,
            default_branch: project.default_branch.as_deref(),
            state: row.state_word().word(),
            ever_ran: row.ever_ran(),
            error: row.failure().map(ErrorEntry::from),
            as_of: time(row.as_of),
            pipelines: row
                .pipelines()
                .iter()
                .map(|pipeline| PipelineEntry::from(pipeline).with_past(pipeline, past, now))
                .collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct ErrorEntry<'a> {
    pub kind: Cow<'a, str>,
    pub message: String,
    pub request: Option<RequestEntry<'a>>,
}

impl<'a> From<&'a Failure> for ErrorEntry<'a> {
    fn from(failure: &'a Failure) -> Self {
        let request = failure.request.as_deref().map(RequestEntry::from);
        Self { kind: failure.kind.word(), message: failure.to_string(), request }
    }
}

#[derive(Debug, Serialize)]
pub struct PipelineEntry<'a> {
    pub id: u64,
    pub iid: Option<u64>,
    pub status: &'a str,
    pub worst: String,
    /// It passed with a failure that was allowed.
    pub warnings: bool,
    /// Why a part of it could not be read.
    pub unread: Option<ErrorEntry<'a>>,
    #[serde(rename = "ref")]
    pub git_ref: &'a str,
    pub ref_kind: &'static str,
    pub sha: Option<&'a str>,
    pub source: Option<&'a str>,
    pub name: Option<&'a str>,
    pub created_at: Option<String>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub updated_at: Option<String>,
    pub duration_s: Option<u64>,
    pub queued_s: Option<u64>,
    pub coverage: Option<f64>,
    pub user: Option<&'a str>,
    pub commit_title: Option<&'a str>,
    pub failure_reason: Option<&'a str>,
    pub yaml_errors: Option<&'a str>,
    pub web_url: Option<&'a str>,
    /// What it is about right now; empty where there is nothing to say.
    pub what: String,
    /// How long a pipeline like this usually takes.
    pub usual_s: Option<u64>,
    /// When its present state began: since when the ref is red, or when this pipeline came into its state.
    pub since: Option<String>,
    /// Since when the ref is red, where that is known.
    pub red_since: Option<String>,
    /// The first of the red pipelines up to this one.
    pub first_red: Option<FirstRedEntry<'a>>,
    /// Whose fault its failed jobs are, in the words of `explain`.
    pub attribution: Option<&'static str>,
    pub stages: Vec<StageEntry<'a>>,
    pub downstream: Vec<DownstreamEntry<'a>>,
}

impl<'a> From<&'a Pipeline> for PipelineEntry<'a> {
    fn from(pipeline: &'a Pipeline) -> Self {
        Self {
            id: pipeline.id.0,
            iid: pipeline.iid,
            status: pipeline.status.word(),
            worst: pipeline.worst().word().to_owned(),
            warnings: pipeline.has_warnings,
            unread: pipeline.unread.as_ref().map(ErrorEntry::from),
            git_ref: &pipeline.git_ref.name,
            ref_kind: pipeline.git_ref.kind.word(),
            sha: pipeline.sha.as_deref(),
            source: pipeline.source.as_deref(),
            name: pipeline.name.as_deref(),
            created_at: pipeline.created_at.map(time),
            started_at: pipeline.started_at.map(time),
            finished_at: pipeline.finished_at.map(time),
            updated_at: pipeline.updated_at.map(time),
            duration_s: pipeline.duration.map(whole_seconds),
            queued_s: pipeline.queued.map(whole_seconds),
            coverage: pipeline.coverage,
            user: pipeline.user.as_deref(),
            commit_title: pipeline.commit_title.as_deref(),
            failure_reason: pipeline.failure_reason.as_deref(),
            yaml_errors: pipeline.yaml_errors.as_deref(),
            web_url: pipeline.web_url.as_deref(),
            what: what::what(pipeline).into_iter().next().unwrap_or_default(),
            usual_s: None,
            since: what::since(pipeline, None).map(time),
            red_since: None,
            first_red: None,
            attribution: None,
            stages: pipeline.stages.iter().map(StageEntry::from).collect(),
            downstream: downstream_entries(&pipeline.downstream),
        }
    }
}

impl<'a> PipelineEntry<'a> {
    /// Adds what the memory knows of its pipeline.
    pub(super) fn with_past(self, pipeline: &Pipeline, past: &'a KnownPast, now: DateTime<Utc>) -> Self {
        let usual_s = past.usual(pipeline.id).map(whole_seconds);
        let past = past.of_failed(pipeline);
        let red_since = what::red_since(past).map(time);
        Self {
            usual_s,
            since: red_since.clone().or(self.since),
            red_since,
            first_red: past.and_then(|past| past.red_since.as_ref()).map(FirstRedEntry::from),
            attribution: what::origin(past, now).map(FailureOrigin::word),
            ..self
        }
    }
}

/// The pipeline with which a ref became red, as far as the memory goes back.
#[derive(Debug, Serialize)]
pub struct FirstRedEntry<'a> {
    pub id: u64,
    pub since: Option<String>,
    pub sha: Option<&'a str>,
    pub user: Option<&'a str>,
    pub commit_title: Option<&'a str>,
    /// The last green one before it; without one the ref may have been red before.
    pub last_green: Option<u64>,
}

impl<'a> From<&'a RedStretch> for FirstRedEntry<'a> {
    fn from(red: &'a RedStretch) -> Self {
        Self {
            id: red.first.0,
            since: red.since.and_then(|at| DateTime::from_timestamp(at, 0)).map(time),
            sha: red.sha.as_deref(),
            user: red.author.as_deref(),
            commit_title: red.commit_title.as_deref(),
            last_green: red.last_green.map(|id| id.0),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct StageEntry<'a> {
    pub name: &'a str,
    pub status: &'a str,
    pub jobs: Vec<JobEntry<'a>>,
}

impl<'a> From<&'a Stage> for StageEntry<'a> {
    fn from(stage: &'a Stage) -> Self {
        let jobs = stage.jobs.iter().map(JobEntry::from).collect();
        Self { name: &stage.name, status: stage.status.word(), jobs }
    }
}

#[derive(Debug, Serialize)]
pub struct JobEntry<'a> {
    pub id: u64,
    pub name: &'a str,
    pub kind: &'static str,
    pub status: &'a str,
    pub allow_failure: bool,
    pub attempts: Option<u32>,
    pub started_at: Option<String>,
    pub finished_at: Option<String>,
    pub duration_s: Option<u64>,
    pub failure_reason: Option<&'a str>,
    /// Its page in GitLab; an external status has none.
    pub web_url: Option<&'a str>,
    /// Where another system's status leads; external statuses only.
    pub target_url: Option<&'a str>,
    pub description: Option<&'a str>,
    pub downstream_id: Option<u64>,
}

impl<'a> From<&'a Job> for JobEntry<'a> {
    fn from(job: &'a Job) -> Self {
        Self {
            id: job.id.0,
            name: &job.name,
            kind: job.kind.word(),
            status: job.status.word(),
            allow_failure: job.allow_failure,
            attempts: job.attempts,
            started_at: job.started_at.map(time),
            finished_at: job.finished_at.map(time),
            duration_s: job.duration.map(whole_seconds),
            failure_reason: job.failure_reason.as_deref(),
            web_url: job.page(),
            target_url: job.target_url(),
            description: job.description.as_deref(),
            downstream_id: job.downstream_id.map(|id| id.0),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct DownstreamEntry<'a> {
    pub id: u64,
    /// 1 for what the pipeline itself triggered, 2 for what that triggered in turn.
    pub depth: usize,
    pub project: Option<&'a str>,
    pub status: &'a str,
    pub worst: String,
    /// It passed with a failure that was allowed.
    pub warnings: bool,
    /// A part of it could not be read.
    pub unread: bool,
    pub web_url: Option<&'a str>,
}

impl<'a> DownstreamEntry<'a> {
    fn new(downstream: &'a Downstream, depth: usize) -> Self {
        Self {
            id: downstream.id.0,
            depth,
            project: downstream.project.as_deref(),
            status: downstream.status.word(),
            worst: downstream.worst().word().to_owned(),
            warnings: downstream.has_warnings,
            unread: downstream.is_unread,
            web_url: downstream.web_url.as_deref(),
        }
    }
}

/// Returns everything that was triggered, depth first.
fn downstream_entries(first: &[Downstream]) -> Vec<DownstreamEntry<'_>> {
    fn walk<'a>(level: &'a [Downstream], depth: usize, found: &mut Vec<DownstreamEntry<'a>>) {
        for downstream in level {
            found.push(DownstreamEntry::new(downstream, depth));
            walk(&downstream.downstream, depth + 1, found);
        }
    }
    let mut found = Vec::new();
    walk(first, 1, &mut found);
    found
}

/// RFC 3339 in UTC and whole seconds.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_status_is_an_object_in_the_order_of_severity() {
        let by_status = vec![(Status::Failed, 3), (Status::Other("odd".into()), 1), (Status::Success, 30)];
        let counts = Counts { projects: 37, by_status, no_pipeline: 2, no_access: 1, error: 0, stale: 0 };
        let json = serde_json::to_string(&SummaryDocument::from(counts)).unwrap();
        let expected = r#"{"projects":37,"by_status":{"failed":3,"odd":1,"success":30},"no_pipeline":2,"no_access":1,"error":0,"stale":0}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn times_are_whole_seconds_in_utc() {
        assert_eq!(time("2026-11-20T20:00:00.987+01:00".parse().unwrap()), "2026-11-20T19:00:00Z");
    }
}
