//! Reads failure reasons of jobs over REST, if GraphQL has none or an unknown sentence.

use super::merge::ReadProject;
use super::project::{PipelineDraft, ReadingOutcome};
use crate::domain::id::{JobId, ProjectRef};
use crate::domain::job::{Job, JobKind};
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
        let drafts = drafts(&mut read.reading.reading).iter_mut();
        let unexplained = drafts.filter(|draft| draft.pipeline.jobs().any(is_unexplained));
        asked.extend(unexplained.map(|draft| explain(client, project.clone(), draft)));
    }
    stream::iter(asked).buffer_unordered(READ_AHEAD).collect::<()>().await;
}

async fn explain(client: &Client, project: ProjectRef, draft: &mut PipelineDraft) {
    let words = words(client, &project, draft).await;
    for job in draft.pipeline.stages.iter_mut().flat_map(|stage| &mut stage.jobs) {
        if is_unexplained(job) {
            job.failure_reason = words.get(&job.id).cloned();
        }
    }
}

fn drafts(reading: &mut ReadingOutcome) -> &mut [PipelineDraft] {
    match reading {
        ReadingOutcome::Pipelines(drafts) => drafts,
        ReadingOutcome::Settled(_)
        | ReadingOutcome::None { .. }
        | ReadingOutcome::NoAccess(_)
        | ReadingOutcome::Error(_) => &mut [],
    }
}

fn is_unexplained(job: &Job) -> bool {
    job.kind != JobKind::External && job.status == Status::Failed && job.failure_reason.is_none()
}

/// Reads the words of a pipeline's failed jobs, bridges only where one of them failed.
async fn words(client: &Client, project: &ProjectRef, draft: &PipelineDraft) -> HashMap<JobId, String> {
    let id = draft.pipeline.id;
    let has = |kind| draft.pipeline.jobs().any(|job| job.kind == kind && is_unexplained(job));
    let jobs = async { if has(JobKind::Job) { client.jobs(project, id).await.ok() } else { None } };
    let bridges = async { if has(JobKind::Bridge) { client.bridges(project, id).await.ok() } else { None } };
    let (jobs, bridges) = tokio::join!(jobs, bridges);
    let attempts = jobs.into_iter().flat_map(|list| list.attempts);
    let attempts = attempts.chain(bridges.into_iter().flat_map(|list| list.attempts));
    attempts.filter_map(|job| Some((job.id, job.failure_reason?))).collect()
}
