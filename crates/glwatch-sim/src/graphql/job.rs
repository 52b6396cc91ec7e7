//! `CiJob`: one attempt of a job or of a bridge.

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};

use super::connection::{ListConnection, ListItem};
use super::leaf_types::{DetailedStatus, RunnerObject};
use super::pipeline::PipelineOf;
use super::resolver_helpers::{ResolvedField, gid, leaf, maybe, maybe_object, object, time};
use super::stage::StageOf;
use crate::badge::Badge;
use crate::job_spec::StartRule;
use crate::plan::{Attempt, Job};
use crate::status::{is_cancelable, is_playable, is_retryable};

/// The largest page of a connection without a limit of its own (`default_max_page_size`).
const MOST_NEEDS: usize = 100;

#[derive(Clone)]
pub(super) struct JobOf<'w> {
    pub(super) pipeline: PipelineOf<'w>,
    job: usize,
    attempt: usize,
}

impl ListItem for JobOf<'_> {
    const CONNECTION: &'static str = "CiJobConnection";
    const EDGE: &'static str = "CiJobEdge";

    fn key(&self) -> u64 {
        self.attempt().id
    }
}

impl<'w> JobOf<'w> {
    /// Lists every attempt that exists, a job's current one last.
    pub(super) fn all(pipeline: &PipelineOf<'w>) -> Vec<Self> {
        let now = pipeline.view.now();
        let exists = |attempt: &Attempt| attempt.created() <= now;
        let mut found = Vec::new();
        for (job, of) in pipeline.pipeline().jobs.iter().enumerate() {
            let attempts = of.attempts.iter().enumerate().filter(|(_, attempt)| exists(attempt));
            found.extend(attempts.map(|(attempt, _)| Self { pipeline: pipeline.clone(), job, attempt }));
        }
        found
    }

    /// Lists the attempts that count.
    pub(super) fn current(pipeline: &PipelineOf<'w>) -> Vec<Self> {
        let mut found = Self::all(pipeline);
        found.retain(|job| !job.is_retried());
        found
    }

    pub(super) fn job(&self) -> &Job {
        &self.pipeline.pipeline().jobs[self.job]
    }

    fn attempt(&self) -> &Attempt {
        &self.job().attempts[self.attempt]
    }

    fn now(&self) -> i64 {
        self.pipeline.view.now()
    }

    pub(super) fn status(&self) -> &str {
        self.attempt().status(self.now()).unwrap_or("created")
    }

    /// Returns whether a later attempt took its place.
    pub(super) fn is_retried(&self) -> bool {
        self.job().current(self.now()).is_some_and(|current| current.id != self.attempt().id)
    }

    pub(super) fn kind(&self) -> &'static str {
        if self.job().bridge { "BRIDGE" } else { "BUILD" }
    }

    fn web_path(&self) -> String {
        let world = self.pipeline.view.rest.world;
        let project = &world.projects[self.pipeline.pipeline().project];
        format!("/{}/-/jobs/{}", project.full_path, self.attempt().id)
    }

    fn detailed(&self) -> DetailedStatus {
        DetailedStatus {
            badge: Badge::of_job(self.status(), self.job().allow_failure),
            version: self.pipeline.view.rest.version,
            path: self.web_path(),
            id: self.attempt().id,
        }
    }

    /// Returns when a delayed job is to start.
    fn scheduled(&self) -> Option<i64> {
        let StartRule::Delayed(by) = self.job().spec.start else { return None };
        self.attempt().reached("scheduled", self.now()).map(|at| at + by)
    }

    /// Lists what it needs; every attempt has the same.
    fn needs(&self) -> Vec<BuildNeed> {
        let names = self.job().spec.needs.iter().flatten().cloned();
        let first = self.attempt().id * 100;
        names.zip(first..).map(|(name, id)| BuildNeed { id, name }).collect()
    }

    /// Answers the fields that are times and numbers.
    fn measured<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let (attempt, now) = (self.attempt(), self.now());
        let (started, finished) = (attempt.reached("running", now), attempt.finished(now));
        let queued = attempt.reached("pending", now);
        match info.field_name() {
            "createdAt" => leaf(time(attempt.created())),
            "queuedAt" => maybe(queued.map(time)),
            "scheduledAt" => maybe(self.scheduled().map(time)),
            "startedAt" => maybe(started.map(time)),
            "finishedAt" => maybe(finished.map(time)),
            "duration" => maybe(started.map(|start| (finished.unwrap_or(now) - start) / 1_000)),
            "queuedDuration" => maybe(queued.map(|queued| (started.unwrap_or(now) - queued) as f64 / 1_000.0)),
            "coverage" => {
                let known = self.job().coverage.as_ref().filter(|_| self.status() == "success");
                maybe(known.and_then(|text| text.parse::<f64>().ok()))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

/// A job that another one needs (`app/graphql/types/ci/build_need_type.rb`).
#[derive(Clone)]
struct BuildNeed {
    id: u64,
    name: String,
}

impl ListItem for BuildNeed {
    const CONNECTION: &'static str = "CiBuildNeedConnection";
    const EDGE: &'static str = "CiBuildNeedEdge";

    fn key(&self) -> u64 {
        self.id
    }
}

impl ObjectValue for BuildNeed {
    fn type_name(&self) -> &str {
        "CiBuildNeed"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "id" => leaf(gid("Ci::BuildNeed", self.id)),
            "name" => leaf(self.name.as_str()),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

impl ObjectValue for JobOf<'_> {
    fn type_name(&self) -> &str {
        "CiJob"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let (job, pipeline) = (self.job(), self.pipeline.pipeline());
        let reason = (self.status() == "failed").then_some(job.reason.as_str());
        match info.field_name() {
            "id" => leaf(gid(class(job), self.attempt().id)),
            "name" => leaf(job.name.as_str()),
            "status" => leaf(self.status().to_uppercase()),
            "stage" => object(StageOf::of(self)),
            "kind" => leaf(self.kind()),
            "allowFailure" => leaf(job.allow_failure),
            "retried" => leaf(self.is_retried()),
            "failureMessage" => maybe(reason.and_then(failure_message)),
            "exitCode" => maybe(reason.filter(|reason| *reason == "script_failure" && !job.bridge).map(|_| 1)),
            "webPath" => leaf(self.web_path()),
            // `needs:` of a job; of a status of another system there are none.
            "needs" => object(ListConnection::new(self.needs(), info, MOST_NEEDS)),
            "schedulingType" if job.is_external() => Ok(ResolvedValue::null()),
            "schedulingType" => leaf(if job.spec.needs.is_some() { "dag" } else { "stage" }),
            "refName" => leaf(pipeline.ref_name.as_str()),
            "shortSha" => leaf(&pipeline.sha[..8]),
            "tags" if job.bridge => Ok(ResolvedValue::null()),
            "tags" => {
                let tags: Vec<_> = job.spec.tags.iter().map(|tag| ResolvedValue::leaf(tag.as_str())).collect();
                Ok(ResolvedValue::list(tags))
            }
            "stuck" => leaf(job.spec.stuck && self.status() == "pending"),
            "playable" => leaf(!self.is_retried() && is_playable(self.status())),
            "retryable" => leaf(!self.is_retried() && is_retryable(self.status())),
            "cancelable" => leaf(is_cancelable(self.status())),
            "manualJob" => leaf(matches!(job.spec.start, StartRule::Manual(_))),
            "runner" => {
                let taken =
                    self.attempt().reached("running", self.now()).filter(|_| !job.bridge && self.pipeline.view.reader);
                maybe_object(taken.map(|_| RunnerObject))
            }
            "detailedStatus" => object(self.detailed()),
            "downstreamPipeline" => maybe_object(self.pipeline.started(job.downstream)),
            _ => self.measured(info),
        }
    }
}

/// The model behind the id; a status of another system is a `GenericCommitStatus` (app/models/generic_commit_status.rb).
fn class(job: &Job) -> &'static str {
    match (job.bridge, job.is_external()) {
        (true, _) => "Ci::Bridge",
        (false, true) => "GenericCommitStatus",
        (false, false) => "Ci::Build",
    }
}

/// What GitLab tells a person about a reason (`app/presenters/commit_status_presenter.rb`); nothing about a script's own
/// failure.
fn failure_message(reason: &str) -> Option<&'static str> {
    const TEXTS: [(&str, &str); 27] = [
        ("unknown_failure", "There is an unknown failure, please try again"),
        ("api_failure", "There has been an API failure, please try again"),
        (
            "stuck_or_timeout_failure",
            "There has been a timeout failure or the job got stuck. Check your timeout limits or try again",
        ),
        ("runner_system_failure", "There has been a runner system failure, please try again"),
        ("missing_dependency_failure", "There has been a missing dependency failure"),
        ("runner_unsupported", "No runners support the requirements to run this job."),
        ("stale_schedule", "Delayed job could not be executed by some reason, please try again"),
        ("job_execution_timeout", "The script exceeded the maximum execution time set for the job"),
        ("archived_failure", "The job is archived and cannot be run"),
        ("unmet_prerequisites", "The job failed to complete prerequisite tasks"),
        (
            "scheduler_failure",
            "The scheduler failed to assign job to the runner, please try again or contact system administrator",
        ),
        (
            "data_integrity_failure",
            "There has been an unknown job problem, please contact your system administrator with the job ID to review \
             the logs",
        ),
        (
            "forward_deployment_failure",
            "The deployment job is older than the previously succeeded deployment job, and therefore cannot be run",
        ),
        ("user_blocked", "The user who created this job is blocked"),
        ("project_deleted", "The job belongs to a deleted project"),
        ("ci_quota_exceeded", "No more compute minutes available"),
        (
            "pipeline_loop_detected",
            "This job could not be executed because it would create infinitely looping pipelines",
        ),
        ("no_matching_runner", "No matching runner available"),
        ("trace_size_exceeded", "The job log size limit was reached"),
        ("builds_disabled", "The CI/CD is disabled for this project"),
        ("deployment_rejected", "This deployment job was rejected."),
        (
            "failed_outdated_deployment_job",
            "The deployment job is older than the latest deployment, and therefore failed.",
        ),
        (
            "protected_environment_failure",
            "The environment this job is deploying to is protected. Only users with permission may successfully run \
             this job.",
        ),
        (
            "bridge_pipeline_is_child_pipeline",
            "This job belongs to a child pipeline and cannot create further child pipelines",
        ),
        ("downstream_pipeline_creation_failed", "The downstream pipeline could not be created"),
        ("reached_max_descendant_pipelines_depth", "You reached the maximum depth of child pipelines"),
        ("reached_max_pipeline_hierarchy_size", "The downstream pipeline tree is too large"),
    ];
    TEXTS.iter().find(|(known, _)| *known == reason).map(|(_, text)| *text)
}
