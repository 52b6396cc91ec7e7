//! Reads what the jobs of a pipeline need, for the screen that shows them. Only GraphQL tells.

use crate::domain::id::PipelineId;
use crate::domain::job_needs::JobNeeds;
use crate::domain::project::Failure;
use crate::gitlab::client::{Client, Purpose};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pipeline whose jobs are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsRequest {
    pub pipeline: PipelineId,
    /// The project's full path.
    pub project: String,
    /// The pipeline's number within its project.
    pub iid: u64,
    /// How many attempts at jobs it has, as far as is known.
    pub jobs: usize,
}

/// What they need, or why it could not be read; `None` where no one can tell.
#[derive(Debug, Clone, PartialEq)]
pub struct NeedsAnswer {
    pub pipeline: PipelineId,
    pub outcome: Result<Option<JobNeeds>, Failure>,
}

/// Answers the latest request until the sender is dropped. `time` is how long one answer may take.
pub async fn run(
    client: Client,
    time: Duration,
    mut requests: watch::Receiver<Option<NeedsRequest>>,
    answers: watch::Sender<Option<NeedsAnswer>>,
) {
    while requests.changed().await.is_ok() {
        let Some(request) = requests.borrow_and_update().clone() else { continue };
        let client = client.for_purpose(Purpose::Explain, Instant::now() + time);
        let outcome = match client.fields() {
            Some(_) => client.job_needs(&request.project, request.iid, request.pipeline, request.jobs).await,
            // REST says nothing of needs, and asking it would cost for nothing.
            None => Ok(None),
        };
        let outcome = outcome.map_err(|error| Failure::from(&error));
        answers.send_replace(Some(NeedsAnswer { pipeline: request.pipeline, outcome }));
    }
}
