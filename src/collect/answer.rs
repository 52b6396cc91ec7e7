//! The unit of work of a reading: fetch one batch or one project. Says where the answers come from.

use super::batch::{BatchQuestion, ProjectBatch};
use super::fetch::FetchSetup;
use super::merge::ReadProject;
use super::pages::{self, Whole};
use super::project;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::gitlab::client::{Answered, PipelineHead};
use crate::gitlab::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// One thing to ask.
pub(super) enum FetchTask {
    Batch(ProjectBatch),
    /// With how many of its pipelines a glob on refs shows.
    Project(Arc<Project>, usize),
}

/// What came of one thing.
pub(super) enum FetchResult {
    Heads(ProjectBatch, Duration, Answered<PipelineHead>),
    Newest(ProjectBatch, Duration, Answered<Whole>),
    Failed(ProjectBatch, Error),
    Project(Result<ReadProject, Error>),
}

/// Gets the answers about projects.
pub(super) trait AnswerSource: Sync {
    fn answer(&self, setup: &FetchSetup<'_>, job: FetchTask) -> impl Future<Output = FetchResult> + Send;
}

/// Asks the server.
pub(super) struct ServerAnswers;

impl AnswerSource for ServerAnswers {
    async fn answer(&self, setup: &FetchSetup<'_>, job: FetchTask) -> FetchResult {
        ask(setup, job).await
    }
}

async fn ask(setup: &FetchSetup<'_>, job: FetchTask) -> FetchResult {
    let client = setup.client;
    let batch = match job {
        FetchTask::Batch(batch) => batch,
        FetchTask::Project(project, glob_matches) => {
            let before = setup.before(project.id);
            let reading = project::read(client, &project, &setup.options.refs, before, glob_matches).await;
            let read = |reading| ReadProject { project, reading, as_of: client.server_now() };
            return FetchResult::Project(reading.map(read));
        }
    };
    let ids: Vec<ProjectId> = batch.projects.iter().map(|project| project.id).collect();
    let start = Instant::now();
    match batch.question {
        BatchQuestion::Pulse => match client.pulse(&ids, &batch.filter).await {
            Ok(heads) => FetchResult::Heads(batch, start.elapsed(), heads),
            Err(error) => FetchResult::Failed(batch, error),
        },
        BatchQuestion::Newest => match client.newest(&ids, &batch.filter).await {
            Ok(newest) => {
                let took = start.elapsed();
                let whole = pages::complete(client, &batch.projects, newest).await;
                FetchResult::Newest(batch, took, whole)
            }
            Err(error) => FetchResult::Failed(batch, error),
        },
    }
}
