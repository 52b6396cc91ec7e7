//! The jobs of all pipelines that are shown: what failed, what runs and what waits.

use super::facts::ViewFacts;
use crate::domain::job::Job;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;

/// A failed job, and where it is.
pub struct FailedJob<'a> {
    pub row: &'a ProjectRow,
    pub pipeline: &'a Pipeline,
    pub job: &'a Job,
}

fn red(facts: &ViewFacts) -> impl Iterator<Item = (&ProjectRow, &Pipeline)> {
    let rows = facts.rows().iter();
    rows.flat_map(|row| row.pipelines().iter().map(move |pipeline| (row, pipeline)))
        .filter(|(_, pipeline)| pipeline.worst() == Status::Failed)
}

/// Returns every job that failed and was not allowed to.
pub fn failed_jobs(facts: &ViewFacts) -> Vec<FailedJob<'_>> {
    let jobs = red(facts).flat_map(|(row, pipeline)| pipeline.jobs().map(move |job| FailedJob { row, pipeline, job }));
    jobs.filter(|one| one.job.status == Status::Failed && !one.job.allow_failure).collect()
}

/// Returns the pipelines that failed although none of their own jobs did.
pub fn failed_without_job(facts: &ViewFacts) -> Vec<(&ProjectRow, &Pipeline)> {
    let has_failed = |job: &Job| job.status == Status::Failed && !job.allow_failure;
    red(facts).filter(|(_, pipeline)| !pipeline.jobs().any(has_failed)).collect()
}

/// Returns what runs, and what waits for anything but the jobs before it.
pub fn active_jobs(facts: &ViewFacts) -> Vec<(&ProjectRow, &Pipeline, &Job)> {
    let pipelines = facts.rows().iter().flat_map(|row| row.pipelines().iter().map(move |pipeline| (row, pipeline)));
    let jobs = pipelines.flat_map(|(row, pipeline)| pipeline.jobs().map(move |job| (row, pipeline, job)));
    // What has not begun behind a job that failed is not active.
    let is_listed = |(_, pipeline, job): &(&ProjectRow, &Pipeline, &Job)| match job.status {
        Status::Created | Status::Manual | Status::Scheduled => {
            job.status != Status::Created
                && !matches!(pipeline.status, Status::Success | Status::Failed | Status::Canceled)
        }
        _ => job.status.is_active(),
    };
    jobs.filter(is_listed).collect()
}
