//! Names the jobs and downstream pipelines that caused a pipeline's status, in words.

use crate::domain::job::Job;
use crate::domain::pipeline::{Downstream, Pipeline};
use crate::domain::status::Status;

/// Returns the jobs that made it fail or end, each as `stage / job (reason)`.
pub(super) fn failed_jobs(pipeline: &Pipeline) -> Vec<String> {
    pipeline.jobs().filter(|job| !job.allow_failure && has_ended_badly(&job.status)).map(job_label).collect()
}

/// Returns the jobs that failed and were allowed to.
pub(super) fn allowed_failures(pipeline: &Pipeline) -> Vec<String> {
    pipeline.jobs().filter(|job| job.is_allowed_failure()).map(job_label).collect()
}

/// Returns the triggered pipelines that passed on their trouble, each as `acme/deploy #8202 failed`.
pub(super) fn downstream(pipeline: &Pipeline) -> Vec<String> {
    let label = |found: &&Downstream| {
        let word = if found.is_unread { "could not be read".to_owned() } else { own_word(found).word().to_owned() };
        let project = found.project.as_deref().map(|project| format!("{project} ")).unwrap_or_default();
        format!("{project}#{} {word}", found.id)
    };
    let is_bad = |found: &&Downstream| found.is_unread || is_trouble(&own_word(found));
    pipeline.descendants().iter().copied().filter(is_bad).map(|found| label(&found)).collect()
}

/// Says in one line what there is to say about jobs and triggered pipelines; empty where that is nothing.
pub(super) fn summary(pipeline: &Pipeline) -> String {
    all(pipeline).join(", ")
}

/// Says the first of it, and how much more there is.
pub(super) fn in_short(pipeline: &Pipeline) -> String {
    let all = all(pipeline);
    match all.split_first() {
        Some((first, [])) => first.clone(),
        Some((first, more)) => format!("{first} +{}", more.len()),
        None => String::new(),
    }
}

fn all(pipeline: &Pipeline) -> Vec<String> {
    let mut named = failed_jobs(pipeline);
    if named.is_empty() {
        named = allowed_failures(pipeline);
    }
    named.extend(pipeline.unread.as_ref().map(|unread| unread.message.clone()));
    named.extend(downstream(pipeline));
    if named.is_empty() {
        let first_line = |text: &str| text.trim().lines().next().unwrap_or_default().trim_end().to_owned();
        let reason = pipeline.yaml_errors.as_deref().map(|errors| format!("YAML error: {}", first_line(errors)));
        named.extend(reason.or_else(|| pipeline.failure_reason.as_deref().map(|text| text.replace('_', " "))));
    }
    named
}

fn job_label(job: &Job) -> String {
    let reason = job.failure_reason.as_deref().map(|reason| format!(" ({})", reason.replace('_', " ")));
    format!("{} / {}{}", job.stage, job.name, reason.unwrap_or_default())
}

fn own_word(downstream: &Downstream) -> Status {
    Downstream { is_unread: false, downstream: Vec::new(), ..downstream.clone() }.worst()
}

fn has_ended_badly(status: &Status) -> bool {
    match status {
        Status::Failed | Status::Canceled => true,
        Status::Created
        | Status::WaitingForResource
        | Status::Preparing
        | Status::WaitingForCallback
        | Status::Pending
        | Status::Running
        | Status::Success
        | Status::Warning
        | Status::Canceling
        | Status::Skipped
        | Status::Manual
        | Status::Scheduled
        | Status::Other(_) => false,
    }
}

fn is_trouble(status: &Status) -> bool {
    match status {
        Status::Failed | Status::Canceled | Status::Warning | Status::Other(_) => true,
        Status::Created
        | Status::WaitingForResource
        | Status::Preparing
        | Status::WaitingForCallback
        | Status::Pending
        | Status::Running
        | Status::Success
        | Status::Canceling
        | Status::Skipped
        | Status::Manual
        | Status::Scheduled => false,
    }
}
