//! Reads failure reasons of jobs over REST, if GraphQL has none or an unknown sentence.

use super::merge::ReadProject;
use crate::domain::id::{JobId, ProjectRef};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::Pipeline;
use crate::domain::status::Status;
use crate::gitlab::client::Client;
use futures_util::{StreamExt, stream};
use std::collections::HashMap;

/// Pipelines under way at once; the budget does the bounding.
const READ_AHEAD: usize = 64;

/// Asks for the words that are missing. One that cannot be had stays unknown, which is no reason to lose the pipeline.
pub(super) async fn fill(client: &Client, readings: &mut [ReadProject]) {
    let mut asked = Vec::new();
    for read in readings {
        let project = ProjectRef::Id(read.project.id);
        let drafts = read.reading.reading.drafts_mut();
        let unexplained =
            drafts.into_iter().flat_map(|drafts| drafts.some_mut(|pipeline, _| has_unexplained(pipeline)));
        asked.extend(unexplained.map(|pipeline| explain(client, project.clone(), pipeline)));
    }
    stream::iter(asked).buffer_unordered(READ_AHEAD).collect::<()>().await;
}

async fn explain(client: &Client, project: ProjectRef, pipeline: &mut Pipeline) {
    let words = words(client, &project, pipeline).await;
    for job in pipeline.stages.iter_mut().flat_map(|stage| &mut stage.jobs) {
        if is_unexplained(job) {
            job.failure_reason = words.get(&job.id).cloned();
        }
    }
}

fn has_unexplained(pipeline: &Pipeline) -> bool {
    pipeline.jobs().any(is_unexplained)
}

fn is_unexplained(job: &Job) -> bool {
    job.kind != JobKind::External && job.status == Status::Failed && job.failure_reason.is_none()
}

/// Reads the words of a pipeline's failed jobs, bridges only where one of them failed.
async fn words(client: &Client, project: &ProjectRef, pipeline: &Pipeline) -> HashMap<JobId, String> {
    let id = pipeline.id;
    let has = |kind| pipeline.jobs().any(|job| job.kind == kind && is_unexplained(job));
    let jobs = async { if has(JobKind::Job) { client.jobs(project, id).await.ok() } else { None } };
    let bridges = async { if has(JobKind::Bridge) { client.bridges(project, id).await.ok() } else { None } };
    let (jobs, bridges) = tokio::join!(jobs, bridges);
    let attempts = jobs.into_iter().flat_map(|list| list.attempts);
    let attempts = attempts.chain(bridges.into_iter().flat_map(|list| list.attempts));
    attempts.filter_map(|job| Some((job.id, job.failure_reason?))).collect()
}
