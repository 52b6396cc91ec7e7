//! Names the jobs and downstream pipelines that caused a pipeline's status, in words.

use crate::domain::job::Job;
use crate::domain::pipeline::{Downstream, Pipeline};
use crate::domain::status::Status;

/// What caused a status, in words.
struct Culprit {
    whole: String,
    /// Without what is said elsewhere beside it: the stage of a job, the groups of a project.
    short: String,
}

/// Returns the jobs that made it fail or end, each as `stage / job (reason)`.
pub(super) fn failed_jobs(pipeline: &Pipeline) -> Vec<String> {
    failed(pipeline).map(|culprit| culprit.whole).collect()
}

/// Returns the jobs that failed and were allowed to.
pub(super) fn allowed_failures(pipeline: &Pipeline) -> Vec<String> {
    allowed(pipeline).map(|culprit| culprit.whole).collect()
}

fn failed(pipeline: &Pipeline) -> impl Iterator<Item = Culprit> {
    pipeline.jobs().filter(|job| !job.allow_failure && has_ended_badly(&job.status)).map(Culprit::of_job)
}

fn allowed(pipeline: &Pipeline) -> impl Iterator<Item = Culprit> {
    pipeline.jobs().filter(|job| job.is_allowed_failure()).map(Culprit::of_job)
}

/// Returns the triggered pipelines that passed on their trouble, each as `acme/deploy #8202 failed`.
pub(super) fn downstream(pipeline: &Pipeline) -> Vec<String> {
    triggered(pipeline).map(|culprit| culprit.whole).collect()
}

fn triggered(pipeline: &Pipeline) -> impl Iterator<Item = Culprit> {
    let is_bad = |found: &&Downstream| found.is_unread || is_trouble(&own_word(found));
    pipeline.descendants().into_iter().filter(is_bad).map(Culprit::of_downstream)
}

/// Says in one line what there is to say about jobs and triggered pipelines; empty where that is nothing.
pub(super) fn summary(pipeline: &Pipeline) -> String {
    all(pipeline).into_iter().map(|culprit| culprit.whole).collect::<Vec<_>>().join(", ")
}

/// Says the first of it, and how much more there is: in full and shorter. Empty where there is nothing.
pub(super) fn in_short(pipeline: &Pipeline) -> Vec<String> {
    let all = all(pipeline);
    let Some((first, more)) = all.split_first() else { return Vec::new() };
    let more = if more.is_empty() { String::new() } else { format!(" +{}", more.len()) };
    let mut forms = vec![format!("{}{more}", first.whole), format!("{}{more}", first.short)];
    forms.dedup();
    forms
}

fn all(pipeline: &Pipeline) -> Vec<Culprit> {
    let mut named: Vec<Culprit> = failed(pipeline).collect();
    if named.is_empty() {
        named.extend(allowed(pipeline));
    }
    named.extend(pipeline.unread.as_ref().map(|unread| Culprit::of_text(&unread.message)));
    named.extend(triggered(pipeline));
    if named.is_empty() {
        let first_line = |text: &str| text.trim().lines().next().unwrap_or_default().trim_end().to_owned();
        let reason = pipeline.yaml_errors.as_deref().map(|errors| format!("YAML error: {}", first_line(errors)));
        let reason = reason.or_else(|| pipeline.failure_reason.as_deref().map(|text| text.replace('_', " ")));
        named.extend(reason.as_deref().map(Culprit::of_text));
    }
    named
}

impl Culprit {
    fn of_job(job: &Job) -> Self {
        let reason = job.failure_reason.as_deref().map(|reason| format!(" ({})", reason.replace('_', " ")));
        let short = format!("{}{}", job.name, reason.unwrap_or_default());
        Self { whole: format!("{} / {short}", job.stage), short }
    }

    fn of_downstream(found: &Downstream) -> Self {
        let word = if found.is_unread { "could not be read".to_owned() } else { own_word(found).word().to_owned() };
        let with =
            |project: &str| format!("{project}{}#{} {word}", if project.is_empty() { "" } else { " " }, found.id);
        let path = found.project.as_deref().unwrap_or_default();
        Self { whole: with(path), short: with(path.rsplit('/').next().unwrap_or_default()) }
    }

    /// A text of others is cut where it is too long, and nothing is taken out of it.
    fn of_text(text: &str) -> Self {
        Self { whole: text.to_owned(), short: text.to_owned() }
    }
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
