//! Reads the jobs of a pipeline that is only remembered: what is known of it and one request make a pipeline.

use crate::domain::id::{PipelineId, ProjectId, ProjectRef};
use crate::domain::job;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Failure;
use crate::domain::status::Status;
use crate::gitlab::client::{Client, Purpose};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pipeline that is wanted, as far as it is known: without its jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct OlderRequest {
    pub project: ProjectId,
    pub known: Pipeline,
}

/// The pipeline with its jobs, or why they could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct OlderAnswer {
    pub id: PipelineId,
    pub outcome: Result<Pipeline, Failure>,
}

/// Answers the latest request until the sender is dropped. `time` is how long one answer may take.
pub async fn run(
    client: Client,
    time: Duration,
    mut requests: watch::Receiver<Option<OlderRequest>>,
    answers: watch::Sender<Option<OlderAnswer>>,
) {
    while requests.changed().await.is_ok() {
        let Some(request) = requests.borrow_and_update().clone() else { continue };
        let client = client.for_purpose(Purpose::Explain, Instant::now() + time);
        let OlderRequest { project, known } = request;
        let id = known.id;
        let outcome = match client.jobs(&ProjectRef::Id(project), id).await {
            Ok(jobs) => {
                let stages = job::stages(jobs.attempts);
                let has_allowed = stages.iter().flat_map(|stage| &stage.jobs).any(|job| job.is_allowed_failure());
                let has_warnings = known.status == Status::Success && has_allowed;
                let commit_title = known.commit_title.clone().or(jobs.commit_title);
                Ok(Pipeline { stages, has_warnings, commit_title, unread: jobs.foreign, ..known })
            }
            Err(error) => Err(Failure::from(&error)),
        };
        answers.send_replace(Some(OlderAnswer { id, outcome }));
    }
}
