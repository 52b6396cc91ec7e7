//! Checks whether the answers of several requests about one pipeline are consistent. Pure.
//!
//! Status, jobs and trigger jobs come from requests of their own, and even one GraphQL answer loads them one after the
//! other: a pipeline that ends in between is read half before and half after.

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::Pipeline;
use crate::domain::status::Status;
use crate::gitlab::client::PipelineHead;
use chrono::TimeDelta;

/// GraphQL gives whole seconds, and GitLab's machines do not agree on the time to the second.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// Why a pipeline is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PipelineDoubt {
    /// It cannot be as it was read.
    Contradiction(String),
    /// It can be, but it is rare: a second look is believed.
    Odd,
}

/// Says why a pipeline should be read again; `None` where its parts agree, or where one of them is known to be missing.
///
/// `head` is what the list said of it before.
pub(super) fn doubt(pipeline: &Pipeline, head: Option<&PipelineHead>) -> Option<PipelineDoubt> {
    if pipeline.unread.is_some() {
        return None;
    }
    let other = head.and_then(|head| of_another(pipeline, head));
    let older = head.and_then(|head| older_than_the_list(pipeline, head));
    let contradiction = other.or(older).or_else(|| contradiction(&pipeline.status, pipeline.jobs()));
    contradiction.map(PipelineDoubt::Contradiction).or_else(|| is_odd(pipeline).then_some(PipelineDoubt::Odd))
}

/// Says what about a pipeline that has ended with this status is not the end of it.
pub(super) fn contradiction<'a>(status: &Status, jobs: impl IntoIterator<Item = &'a Job>) -> Option<String> {
    if !status.is_terminal() {
        return None;
    }
    let against = |job: &Job| {
        let name = &job.name;
        if job.status.is_active() {
            Some(format!("it is {status}, but its job \"{name}\" is {}", job.status))
        } else if is_spoilt_by(status, job) {
            Some(format!("it is {status}, but its job \"{name}\" is {}, which is not allowed", job.status))
        } else if job.status.is_untold() {
            Some(format!("it is {status}, but how its job \"{name}\" is, is not said"))
        } else if is_link_missing(job) {
            Some(format!("its trigger job \"{name}\" is success, but the pipeline that it triggered is missing"))
        } else {
            None
        }
    };
    jobs.into_iter().find_map(against)
}

/// An answer on the way was given to the wrong question.
fn of_another(pipeline: &Pipeline, head: &PipelineHead) -> Option<String> {
    (pipeline.id != head.id)
        .then(|| format!("its details are those of #{}, but the list says #{}", pipeline.id, head.id))
}

/// A stale copy of the details, from a cache on the way, may be greener than what the list has just said.
fn older_than_the_list(pipeline: &Pipeline, head: &PipelineHead) -> Option<String> {
    let said = head.status.as_ref().filter(|said| **said != pipeline.status)?;
    let is_older = pipeline.updated_at.zip(head.updated_at).is_some_and(|(details, list)| details < list);
    if is_older {
        return Some(format!("its details say {}, but the list, which is newer, says {said}", pipeline.status));
    }
    // What has failed goes on only at a later moment.
    let is_newer = pipeline.updated_at.zip(head.updated_at).is_some_and(|(details, list)| details > list);
    let is_green = matches!(pipeline.status, Status::Success | Status::Warning | Status::Skipped);
    let is_greener = is_green && matches!(said, Status::Failed | Status::Canceled);
    (is_greener && !is_newer).then(|| format!("its details say {}, but the list says {said}", pipeline.status))
}

/// GitLab's rule: `lib/gitlab/ci/status/composite.rb`.
fn is_spoilt_by(status: &Status, job: &Job) -> bool {
    let is_bad = matches!(job.status, Status::Failed | Status::Canceled) && !job.allow_failure;
    is_bad && matches!(status, Status::Success | Status::Warning | Status::Skipped)
}

/// A trigger job passes once its pipeline is there, or when that has passed.
fn is_link_missing(job: &Job) -> bool {
    job.kind == JobKind::Bridge && job.status == Status::Success && job.downstream_id.is_none()
}

/// Says what is missing of a pipeline that has passed and of which neither a job nor a status of another system is known:
/// GitLab calls one without any of them skipped, or failed. `pipeline` has everything that can be read of it.
pub(super) fn emptiness(pipeline: &Pipeline) -> Option<String> {
    let has_passed = matches!(pipeline.status, Status::Success | Status::Warning);
    let is_empty = pipeline.unread.is_none() && pipeline.jobs().next().is_none();
    (has_passed && is_empty)
        .then(|| format!("it is {}, but it has no jobs, and no other system has reported", pipeline.status))
}

fn is_odd(pipeline: &Pipeline) -> bool {
    let is_explained = pipeline.yaml_errors.is_some() || pipeline.failure_reason.is_some();
    let has_failed = |job: &Job| matches!(job.status, Status::Failed | Status::Canceled);
    // External statuses are not among the jobs that REST lists.
    let is_unexplained = pipeline.status == Status::Failed
        && !is_explained
        && !pipeline.stages.is_empty()
        && !pipeline.jobs().any(has_failed);
    let ended = pipeline.updated_at.filter(|_| pipeline.status.is_terminal());
    let is_later = |job: &Job| {
        let last = job.finished_at.max(job.started_at);
        last.zip(ended).is_some_and(|(job, pipeline)| job > pipeline + TOLERANCE)
    };
    // Other systems may have reported, which the jobs do not show.
    is_unexplained || emptiness(pipeline).is_some() || pipeline.jobs().any(is_later)
}

/// Says that a pipeline is not to be believed, because of this contradiction in it. Of two statuses the newer counts.
pub(super) fn distrust(pipeline: &mut Pipeline, head: Option<&PipelineHead>, what: &str) {
    if let Some(head) = head.filter(|head| older_than_the_list(pipeline, head).is_some())
        && let Some(status) = &head.status
    {
        pipeline.status = status.clone();
    }
    pipeline.unread = Some(Failure::contradictory(what));
}

/// Says whether it was read in vain again and again before: once more is enough.
pub(super) fn was_doubted(before: &Pipeline) -> bool {
    before.unread.as_ref().is_some_and(|failure| failure.kind == FailureKind::Contradictory)
        || doubt(before, None).is_some()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::example::pipeline;
    use crate::domain::id::{JobId, PipelineId};
    use crate::domain::job::stages;
    use chrono::{DateTime, Utc};
    use std::time::Duration;

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(seconds, 0)
    }

    pub(crate) fn job(status: Status) -> Job {
        Job {
            id: JobId(1),
            name: "unit".into(),
            stage: "test".into(),
            kind: JobKind::Job,
            status,
            allow_failure: false,
            attempts: None,
            earlier: Vec::new(),
            started_at: at(1),
            finished_at: None,
            duration: Some(Duration::from_secs(1)),
            failure_reason: None,
            description: None,
            web_url: None,
            downstream_id: None,
        }
    }

    pub(crate) fn bridge(status: Status, downstream: Option<u64>) -> Job {
        Job { kind: JobKind::Bridge, downstream_id: downstream.map(PipelineId), ..job(status) }
    }

    pub(crate) fn with(status: Status, job: Job) -> Pipeline {
        let passed = Job { id: JobId(0), name: "first".into(), status: Status::Success, ..job.clone() };
        let passed = Job { kind: JobKind::Job, downstream_id: None, finished_at: None, ..passed };
        Pipeline { updated_at: at(10), stages: stages([passed, job]), ..pipeline(status, vec![]) }
    }

    #[test]
    fn what_cannot_be_or_is_rare_is_doubted() {
        use Status::*;
        let allowed = |status| Job { allow_failure: true, ..job(status) };
        let late = |seconds| Job { finished_at: at(seconds), ..job(Success) };
        let (no, odd, torn) = (None, Some("odd"), Some("contradiction"));
        let cases = [
            ("success, all passed", with(Success, job(Success)), no),
            ("success with a running job", with(Success, job(Running)), torn),
            ("success with a job whose turn comes", with(Success, job(Created)), torn),
            ("failed with a pending job", with(Failed, job(Pending)), torn),
            ("canceled with a job that is being canceled", with(Canceled, job(Canceling)), torn),
            ("skipped with a running job", with(Skipped, job(Running)), torn),
            ("running with a running job", with(Running, job(Running)), no),
            ("running although all have ended: GitLab is about to notice", with(Running, job(Failed)), no),
            ("success with a failed job", with(Success, job(Failed)), torn),
            ("success with a canceled job", with(Success, job(Canceled)), torn),
            ("success with a failure that was allowed", with(Success, allowed(Failed)), no),
            ("skipped with a failed job", with(Skipped, job(Failed)), torn),
            ("success with a job that waits for a person", with(Success, allowed(Manual)), no),
            ("success with a job of an unknown status", with(Success, job(Other("odd".into()))), no),
            ("a trigger job passed and leads nowhere", with(Success, bridge(Success, None)), torn),
            ("the same in a failed pipeline", with(Failed, bridge(Success, None)), torn),
            ("a trigger job leads on", with(Success, bridge(Success, Some(2))), no),
            ("a trigger job that could not create its pipeline", with(Failed, bridge(Failed, None)), no),
            ("a trigger job that was skipped", with(Failed, bridge(Skipped, None)), odd),
            ("a trigger job that has not passed yet", with(Running, bridge(Pending, None)), no),
            ("failed with a failed job", with(Failed, job(Failed)), no),
            ("failed, and nothing that is listed failed", with(Failed, job(Success)), odd),
            (
                "failed as a whole, as GitLab says",
                Pipeline { failure_reason: Some("config_error".into()), ..with(Failed, job(Success)) },
                no,
            ),
            ("failed without jobs", Pipeline { stages: vec![], ..with(Failed, job(Success)) }, no),
            ("skipped without jobs", Pipeline { stages: vec![], ..with(Skipped, job(Success)) }, no),
            ("created without jobs", Pipeline { stages: vec![], ..with(Created, job(Success)) }, no),
            ("canceled without jobs", Pipeline { stages: vec![], ..with(Canceled, job(Success)) }, no),
            ("success without jobs", Pipeline { stages: vec![], ..with(Success, job(Success)) }, odd),
            ("a warning without jobs", Pipeline { stages: vec![], ..with(Warning, job(Success)) }, odd),
            ("a job that ended after its pipeline", with(Success, late(13)), odd),
            ("a job that ended within the tolerance", with(Success, late(12)), no),
        ];
        for (sentence, pipeline, expected) in cases {
            let found = doubt(&pipeline, None).map(|doubt| match doubt {
                PipelineDoubt::Odd => "odd",
                PipelineDoubt::Contradiction(_) => "contradiction",
            });
            assert_eq!(found, expected, "{sentence}");
        }
    }

    #[test]
    fn details_that_are_older_than_the_list_are_doubted_where_they_differ() {
        use Status::*;
        let head = |status, updated| PipelineHead { status: Some(status), ..head(updated) };
        let cases = [
            ("older and greener", head(Failed, 11), true),
            ("older, and still the same status", head(Success, 11), false),
            ("newer: it went on in between", head(Running, 9), false),
            ("the same moment", head(Success, 10), false),
        ];
        for (sentence, head, expected) in cases {
            assert_eq!(doubt(&with(Success, job(Success)), Some(&head)).is_some(), expected, "{sentence}");
        }
    }

    pub(crate) fn head(updated: i64) -> PipelineHead {
        PipelineHead {
            id: PipelineId(1),
            raw_ref: "main".into(),
            status: Some(Status::Success),
            created_at: None,
            updated_at: at(updated),
            web_url: None,
            foreign: None,
        }
    }
}
