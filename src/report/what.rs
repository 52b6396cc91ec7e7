//! Describes a pipeline in a few words: what failed, what runs, or what it waits for.

use super::culprits;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::job::Job;
use crate::domain::past::PipelinePast;
use crate::domain::pipeline::Pipeline;
use crate::domain::status::Status;
use crate::explain::attribution::attribute_past;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Says what there is to say, the whole and then shorter forms of it; empty where that is nothing.
pub(super) fn what(pipeline: &Pipeline) -> Vec<String> {
    // What is done, and the same in a word.
    let (verb, word) = match pipeline.status {
        Status::Running | Status::Preparing | Status::Canceling => ("", ""),
        Status::Manual => ("waits for a person: ", "person: "),
        Status::Scheduled => ("delayed: ", "delayed: "),
        Status::WaitingForResource => ("waits for a resource: ", "resource: "),
        Status::WaitingForCallback => ("waits for a callback: ", "callback: "),
        Status::Pending => ("waits for a runner: ", "runner: "),
        Status::Created
        | Status::Success
        | Status::Warning
        | Status::Failed
        | Status::Canceled
        | Status::Skipped
        | Status::Other(_) => return culprits::in_short(pipeline),
    };
    let trouble = culprits::in_short(pipeline);
    if !trouble.is_empty() {
        return trouble;
    }
    let Some(job) = pipeline.jobs().find(|job| job.status == pipeline.status) else { return Vec::new() };
    let Job { stage, name, .. } = job;
    let mut forms = vec![format!("{verb}{stage} / {name}"), format!("{verb}{name}"), format!("{word}{name}")];
    forms.dedup();
    forms
}

/// Returns when the present state began: since when the ref is red, or when this pipeline came into its state.
pub(super) fn since(pipeline: &Pipeline, past: Option<&PipelinePast>) -> Option<DateTime<Utc>> {
    red_since(past).or(match &pipeline.status {
        Status::Running | Status::Canceling => pipeline.started_at,
        Status::Created | Status::Pending | Status::Preparing => pipeline.created_at,
        status if status.is_terminal() => pipeline.finished_at.or(pipeline.updated_at),
        _ => pipeline.updated_at,
    })
}

/// Returns since when the ref is red, where the memory knows the pipeline that was green before.
pub(super) fn red_since(past: Option<&PipelinePast>) -> Option<DateTime<Utc>> {
    let red = past?.red_since.as_ref()?;
    red.last_green?;
    DateTime::from_timestamp(red.since?, 0)
}

/// Returns how long the pipeline runs by now; `None` where it does not.
pub(super) fn runs_for(pipeline: &Pipeline, now: DateTime<Utc>) -> Option<Duration> {
    let is_running = matches!(pipeline.status, Status::Running | Status::Canceling);
    (now - pipeline.started_at.filter(|_| is_running)?).to_std().ok()
}

/// Returns how long the pipeline runs by now, where it runs and it is known how long that usually takes.
pub(super) fn so_far(pipeline: &Pipeline, usual: Option<Duration>, now: DateTime<Utc>) -> Option<(Duration, Duration)> {
    let usual = usual.filter(|_| pipeline.status == Status::Running)?;
    Some(((now - pipeline.started_at?).to_std().ok()?, usual))
}

/// Returns whose fault the failed jobs are: yours where one of them is, unknown where one may be, else the first answer.
pub(super) fn origin(past: Option<&PipelinePast>, now: DateTime<Utc>) -> Option<FailureOrigin> {
    if let Some(judged) = past?.judged {
        return Some(judged);
    }
    let of_job =
        |job: &crate::domain::past::FailedJobPast| attribute_past(job.reason.as_deref(), &job.past, now).origin;
    let mut origins: Vec<FailureOrigin> = past?.failed_jobs.iter().map(of_job).collect();
    let weight = |origin: &FailureOrigin| match origin {
        FailureOrigin::Yours => 0,
        FailureOrigin::Unknown => 1,
        FailureOrigin::Infrastructure
        | FailureOrigin::AlreadyBroken
        | FailureOrigin::Everywhere
        | FailureOrigin::Flaky => 2,
    };
    origins.sort_by_key(weight);
    origins.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::{below, job, pipeline};
    use crate::domain::id::PipelineId;
    use crate::domain::job::Stage;
    use crate::domain::past::{FailedJobPast, JobPast, RedStretch};
    use crate::domain::pipeline::Downstream;

    fn with(status: Status, jobs: Vec<Job>) -> Pipeline {
        let stage = Stage { name: "test".into(), status: status.clone(), jobs };
        Pipeline { stages: vec![stage], ..pipeline(status, vec![]) }
    }

    fn at(seconds: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(seconds, 0)
    }

    #[test]
    fn what_a_pipeline_is_about_is_said_in_a_few_words() {
        let failed = |name: &str| Job { failure_reason: Some("script_failure".into()), ..job(name, Status::Failed) };
        let cases: [(&str, Pipeline, &[&str]); 11] = [
            (
                "one job failed",
                with(Status::Failed, vec![failed("unit"), job("lint", Status::Success)]),
                &["test / unit (script failure)", "unit (script failure)"],
            ),
            (
                "two failed",
                with(Status::Failed, vec![failed("unit"), failed("lint")]),
                &["test / unit (script failure) +1", "unit (script failure) +1"],
            ),
            (
                "a slash in the job's name",
                with(Status::Failed, vec![failed("a / b")]),
                &["test / a / b (script failure)", "a / b (script failure)"],
            ),
            (
                "what it triggered failed",
                pipeline(Status::Success, vec![below(9, Status::Failed, vec![])]),
                &["#9 failed"],
            ),
            (
                "what it triggered in another project failed",
                pipeline(
                    Status::Success,
                    vec![Downstream { project: Some("acme/web/shop".into()), ..below(9, Status::Failed, vec![]) }],
                ),
                &["acme/web/shop #9 failed", "shop #9 failed"],
            ),
            (
                "a text of others keeps all of it",
                Pipeline { yaml_errors: Some("jobs / a: odd".into()), ..pipeline(Status::Failed, vec![]) },
                &["YAML error: jobs / a: odd"],
            ),
            (
                "it runs",
                with(Status::Running, vec![job("a", Status::Success), job("b", Status::Running)]),
                &["test / b", "b"],
            ),
            (
                "it runs, and one has failed",
                with(Status::Running, vec![failed("a"), job("b", Status::Running)]),
                &["test / a (script failure)", "a (script failure)"],
            ),
            (
                "it waits for a runner",
                with(Status::Pending, vec![job("b", Status::Pending)]),
                &["waits for a runner: test / b", "waits for a runner: b", "runner: b"],
            ),
            (
                "it waits for its time",
                with(Status::Scheduled, vec![job("b", Status::Scheduled)]),
                &["delayed: test / b", "delayed: b"],
            ),
            ("it is fine", with(Status::Success, vec![job("b", Status::Success)]), &[]),
        ];
        for (sentence, pipeline, expected) in cases {
            assert_eq!(what(&pipeline), expected, "{sentence}");
        }
    }

    #[test]
    fn red_begins_where_the_last_green_ended_and_nowhere_else() {
        let stretch = |last_green| RedStretch {
            first: PipelineId(7),
            since: Some(100),
            sha: None,
            author: None,
            commit_title: None,
            last_green,
        };
        let past = |last_green| PipelinePast { red_since: Some(stretch(last_green)), ..PipelinePast::default() };
        let ended = Pipeline { finished_at: at(500), ..pipeline(Status::Failed, vec![]) };
        let cases = [
            ("a green one is known before it", Some(past(Some(PipelineId(6)))), at(100), at(100)),
            ("it may have been red before", Some(past(None)), None, at(500)),
            ("there is no memory", None, None, at(500)),
        ];
        for (sentence, past, red, present) in cases {
            assert_eq!((red_since(past.as_ref()), since(&ended, past.as_ref())), (red, present), "{sentence}");
        }
    }

    #[test]
    fn a_pipeline_is_yours_where_one_of_its_jobs_is_and_unknown_where_one_may_be() {
        let job = |reason: &str| FailedJobPast { reason: Some(reason.into()), past: JobPast::default() };
        let of = |jobs| origin(Some(&PipelinePast { failed_jobs: jobs, ..PipelinePast::default() }), Utc::now());
        assert_eq!(of(vec![]), None);
        assert_eq!(of(vec![job("runner_system_failure")]), Some(FailureOrigin::Infrastructure));
        let mixed = vec![job("runner_system_failure"), job("script_failure")];
        assert_eq!(of(mixed), Some(FailureOrigin::Unknown));
        assert_eq!(origin(None, Utc::now()), None);
    }
}
