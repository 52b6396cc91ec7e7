//! `Pipeline`: its own fields, and what hangs on it.

use std::rc::Rc;

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::connection::{ListConnection, ListItem};
use super::job::JobOf;
use super::leaf_types::{CommitObject, DetailedStatus, ReportSummary, UserObject};
use super::project::ProjectOf;
use super::resolver_helpers::{ResolvedField, flag, gid, leaf, maybe, maybe_object, object, text, texts, time};
use super::stage::StageOf;
use super::view::AnswerView;
use crate::badge::Badge;
use crate::listed_pipeline::ListedPipeline;
use crate::plan::{Job, Pipeline};
use crate::rest::{ReportCounts, pipeline_path, suites};
use crate::status::{is_cancelable, is_complete, is_playable};

/// One pipeline of a tree.
#[derive(Clone)]
pub(super) struct PipelineOf<'w> {
    pub(super) view: &'w AnswerView<'w>,
    pub(super) listed: ListedPipeline<'w>,
}

impl ListItem for PipelineOf<'_> {
    const CONNECTION: &'static str = "PipelineConnection";
    const EDGE: &'static str = "PipelineEdge";

    fn key(&self) -> u64 {
        self.listed.id
    }
}

impl<'w> PipelineOf<'w> {
    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.listed
    }

    pub(super) fn status(&self) -> String {
        self.pipeline().status(self.view.now()).into_owned()
    }

    /// Returns another pipeline of the same tree.
    fn other(&self, at: usize) -> Self {
        Self { view: self.view, listed: self.listed.other(at) }
    }

    /// Returns the pipeline that this index of the tree starts, once it exists.
    pub(super) fn started(&self, at: Option<usize>) -> Option<Self> {
        at.filter(|at| self.listed.tree().pipelines[*at].created <= self.view.now()).map(|at| self.other(at))
    }

    fn downstream(&self) -> Vec<Self> {
        let mut found: Vec<Self> = self.pipeline().jobs.iter().filter_map(|job| self.started(job.downstream)).collect();
        found.sort_by_key(|below| std::cmp::Reverse(below.pipeline().id));
        found
    }

    fn upstream(&self) -> Option<Self> {
        let starts = |above: &Pipeline| above.jobs.iter().any(|job| job.downstream == Some(self.listed.at()));
        self.listed.tree().pipelines.iter().position(starts).map(|at| self.other(at))
    }

    /// Lists every attempt, bridges too, newest id first; `retried` and the others narrow that.
    fn jobs(&self, info: &ResolveInfo<'_>) -> Vec<JobOf<'w>> {
        let (retried, kind, statuses) = (flag(info, "retried"), text(info, "jobKind"), texts(info, "statuses"));
        let mut found = JobOf::all(self);
        found.retain(|job| {
            retried.is_none_or(|wanted| job.is_retried() == wanted)
                && kind.is_none_or(|wanted| job.kind() == wanted)
                && statuses.as_ref().is_none_or(|wanted| wanted.contains(&job.status().to_uppercase().as_str()))
        });
        found.sort_by_key(|job| std::cmp::Reverse(job.key()));
        found
    }

    /// Returns `refs/heads/…` or `refs/tags/…`; of a merge request's pipeline the source branch's.
    fn ref_path(&self) -> String {
        let pipeline = self.pipeline();
        let request = pipeline.ref_name.strip_prefix("refs/merge-requests/").and_then(|rest| rest.split_once('/'));
        match request {
            // The world has no merge requests, so the branch has no name of its own.
            Some((iid, _)) => format!("refs/heads/merge-request-{iid}"),
            None if pipeline.tag => format!("refs/tags/{}", pipeline.ref_name),
            None => format!("refs/heads/{}", pipeline.ref_name),
        }
    }

    /// Returns whether a current job, with its status, is such.
    fn any(&self, is: impl Fn(&Job, &str) -> bool) -> bool {
        let now = self.view.now();
        self.pipeline().jobs.iter().any(|job| job.current(now).and_then(|a| a.status(now)).is_some_and(|s| is(job, s)))
    }

    fn detailed(&self) -> DetailedStatus {
        let pipeline = self.pipeline();
        DetailedStatus {
            badge: Badge::of(&self.status(), pipeline.has_warnings(self.view.now())),
            version: self.view.rest.version,
            path: pipeline_path(self.view.rest, pipeline),
            id: pipeline.id,
        }
    }

    /// Answers the fields that are numbers, times and flags.
    fn plain<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let (pipeline, now) = (self.pipeline(), self.view.now());
        let (started, finished) = (pipeline.started(now), pipeline.finished(now));
        match info.field_name() {
            "createdAt" => leaf(time(pipeline.created)),
            "updatedAt" => leaf(time(pipeline.updated(now))),
            "startedAt" => maybe(started.map(time)),
            "finishedAt" => maybe(finished.map(time)),
            "duration" => maybe(finished.zip(started).map(|(end, start)| (end - start) / 1_000)),
            "queuedDuration" => maybe(started.map(|start| (start - pipeline.created) as f64 / 1_000.0)),
            "coverage" => maybe(pipeline.coverage(now).and_then(|text| text.parse::<f64>().ok())),
            "warnings" => leaf(pipeline.has_warnings(now)),
            "active" => leaf(is_active(&self.status())),
            "complete" => leaf(is_complete(&self.status())),
            "totalJobs" => leaf(i64::try_from(JobOf::all(self).len()).unwrap_or(i64::MAX)),
            "yamlErrors" => leaf(pipeline.yaml_errors.is_some()),
            "yamlErrorMessages" => maybe(pipeline.yaml_errors.as_deref()),
            "failureReason" => maybe(pipeline.failure_reason.as_deref().map(failure_text)),
            "stuck" => leaf(self.any(|job, status| job.spec.stuck && status == "pending")),
            "cancelable" => leaf(self.any(|_, status| is_cancelable(status))),
            "retryable" => leaf(self.any(|_, status| matches!(status, "failed" | "canceled"))),
            "hasManualActions" => leaf(self.any(|_, status| is_playable(status))),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

/// What GitLab tells a person about a reason; one that it has no words for is passed on as it is
/// (`app/presenters/ci/pipeline_presenter.rb`).
fn failure_text(reason: &str) -> &str {
    match reason {
        "unknown_failure" => "The reason for the pipeline failure is unknown.",
        "config_error" => "The pipeline failed due to an error on the CI/CD configuration file.",
        "external_validation_failure" => "The external pipeline validation failed.",
        "user_not_verified" => "The pipeline failed due to the user not being verified",
        "activity_limit_exceeded" => "The pipeline activity limit was exceeded.",
        "size_limit_exceeded" => "The pipeline size limit was exceeded.",
        "job_activity_limit_exceeded" => "The pipeline job activity limit was exceeded.",
        "deployments_limit_exceeded" => "The pipeline deployments limit was exceeded.",
        "project_deleted" => "The project associated with this pipeline was deleted.",
        "user_blocked" => "The user who created this pipeline is blocked.",
        other => other,
    }
}

fn is_active(status: &str) -> bool {
    matches!(status, "waiting_for_resource" | "preparing" | "waiting_for_callback" | "pending" | "running")
}

impl ObjectValue for PipelineOf<'_> {
    fn type_name(&self) -> &str {
        "Pipeline"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let (view, pipeline) = (self.view, self.pipeline());
        match info.field_name() {
            "id" => leaf(gid("Ci::Pipeline", pipeline.id)),
            "iid" => leaf(pipeline.iid.to_string()),
            "status" => leaf(self.status().to_uppercase()),
            "ref" => leaf(pipeline.ref_name.as_str()),
            "refPath" => leaf(self.ref_path()),
            "sha" if text(info, "format") == Some("SHORT") => leaf(&pipeline.sha[..8]),
            "sha" => leaf(pipeline.sha.as_str()),
            "source" => leaf(pipeline.source.as_str()),
            "name" => maybe(pipeline.name.as_deref()),
            "path" => leaf(pipeline_path(view.rest, pipeline)),
            "project" => object(ProjectOf { view, index: pipeline.project }),
            "user" => object(UserObject { view, index: pipeline.user, current: false }),
            "commit" => object(CommitObject { sha: pipeline.sha.clone(), title: pipeline.title.clone() }),
            "detailedStatus" => object(self.detailed()),
            "jobs" => object(ListConnection::new(self.jobs(info), info, view.max_page)),
            "stages" => object(ListConnection::new(StageOf::all(self), info, view.max_page)),
            "downstream" => object(ListConnection::new(self.downstream(), info, view.max_page)),
            "testReportSummary" => {
                let found = suites(view.rest.world, pipeline, view.now());
                object(ReportSummary(Rc::new(ReportCounts::of(found.iter().map(|(_, suite)| suite)))))
            }
            "upstream" => maybe_object(self.upstream()),
            _ => self.plain(info),
        }
    }
}
