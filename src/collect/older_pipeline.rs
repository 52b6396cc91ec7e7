//! Reads the jobs of a pipeline that is not in the list (an older one, or one that another one triggered), and what it
//! triggered itself.
//!
//! What is known of it and one request make a pipeline: GraphQL tells of jobs and trigger jobs at once, up to 100. REST
//! needs a second request for the trigger jobs. Nothing is asked about what is further below.

use super::drafts::PipelineDraft;
use super::follow::Followed;
use super::pages;
use crate::domain::id::{PipelineId, ProjectId, ProjectRef};
use crate::domain::job;
use crate::domain::job_needs::JobNeeds;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Failure;
use crate::domain::status::Status;
use crate::gitlab::client::{Client, MoreJobs, Purpose};
use crate::gitlab::error::Error;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The pipeline that is wanted, as far as it is known: without its jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct OlderRequest {
    pub project: ProjectId,
    /// The project's full path.
    pub path: String,
    pub known: Pipeline,
}

/// The pipeline with its jobs, or why they could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct OlderAnswer {
    pub id: PipelineId,
    pub outcome: Result<Pipeline, Failure>,
    /// What its jobs need, where that came along.
    pub needs: Option<JobNeeds>,
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
        let id = request.known.id;
        let (draft, needs) = match at_once(&client, &request).await {
            Some((draft, needs)) => (Ok(draft), Some(needs)),
            None => (in_parts(&client, request).await.map_err(|error| Failure::from(&error)), None),
        };
        let whole = |PipelineDraft { pipeline, links, .. }| {
            let downstream = Followed::of_links(&links).tree(pipeline.id, &links);
            Pipeline { downstream, ..pipeline }
        };
        answers.send_replace(Some(OlderAnswer { id, outcome: draft.map(whole), needs }));
    }
}

/// Reads over GraphQL where that is in use; `None` where it tells nothing: an empty list beside a status is no fact.
async fn at_once(client: &Client, request: &OlderRequest) -> Option<(PipelineDraft, JobNeeds)> {
    client.fields()?;
    let OlderRequest { path, known, .. } = request;
    let (project, web_url) = (path.clone(), known.web_url.clone());
    let wanted = MoreJobs { pipeline: known.id, project, iid: known.iid?, after: None, with_needs: true, web_url };
    let mut page = pages::all(client, vec![wanted]).await.pop()?.ok()?;
    let needs = std::mem::take(&mut page.needs);
    let status = page.pipeline_status.take().unwrap_or_else(|| known.status.clone());
    let known = Pipeline { status, ..known.clone() };
    (!page.attempts.is_empty()).then(|| (pages::draft(known, page, client.counts_attempts()), needs))
}

/// Reads over REST: jobs and trigger jobs at the same time.
async fn in_parts(client: &Client, request: OlderRequest) -> Result<PipelineDraft, Error> {
    let OlderRequest { project, known, .. } = request;
    let key = ProjectRef::Id(project);
    let (jobs, bridges) = tokio::join!(client.jobs(&key, known.id), client.bridges(&key, known.id));
    let jobs = jobs?;
    // What is known of its jobs is shown without the rest, too.
    let (bridges, missing) = match bridges {
        Ok(bridges) => (bridges, None),
        Err(error) => (Default::default(), Some(Failure::from(&error).of("its trigger jobs could not be read"))),
    };
    let stages = job::stages(jobs.attempts.into_iter().chain(bridges.attempts));
    let has_allowed = stages.iter().flat_map(|stage| &stage.jobs).any(|job| job.is_allowed_failure());
    let status = jobs.pipeline_status.unwrap_or(known.status);
    let has_warnings = status == Status::Success && has_allowed;
    let commit_title = known.commit_title.clone().or(jobs.commit_title);
    let unread = jobs.foreign.or(bridges.foreign).or(missing);
    let pipeline = Pipeline { stages, status, has_warnings, commit_title, unread, ..known };
    Ok(PipelineDraft { pipeline, links: bridges.links, is_settled: false })
}
