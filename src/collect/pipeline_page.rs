//! Reads older pipelines of one project for a screen, a page at a time, newest first: what a list tells of them.

use crate::domain::fact::PipelineFact;
use crate::domain::failure::Failure;
use crate::domain::id::PipelineId;
use crate::domain::project::Project;
use crate::gitlab::client::{Client, PastQuery, ProjectSaid, Purpose};
use crate::gitlab::error::Error;
use chrono::DateTime;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Pipelines of a page: GitLab's most.
const PAGE: usize = 100;
/// Pages that one request may take while they bring nothing that is not known.
const MOST_PAGES: usize = 3;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart {
    Newest,
    /// The number of a page of the list over REST.
    Number(u32),
    /// Behind this place of the list over GraphQL.
    Behind(String),
    /// Before this pipeline, in the memory of a hub.
    Before(PipelineId),
}

/// How the list goes on behind a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextPage {
    Begins(PageStart),
    /// The project has no older pipelines.
    Oldest,
    /// A hub remembers no older ones; GitLab may have them.
    NotRemembered,
}

impl NextPage {
    fn of(start: Option<PageStart>) -> Self {
        start.map_or(Self::Oldest, Self::Begins)
    }
}

/// Asks for pipelines that are not known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelinePageRequest {
    pub project: Arc<Project>,
    pub start: PageStart,
    pub known: HashSet<PipelineId>,
}

/// Pipelines of a project, and where the next ones begin.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelinePage {
    pub pipelines: Vec<PipelineFact>,
    pub next: NextPage,
}

/// A page, or why it could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelinePageAnswer {
    pub project: Arc<Project>,
    pub outcome: Result<PipelinePage, Failure>,
}

/// Answers the latest request until the sender is dropped. `time` is how long one answer may take.
pub async fn run(
    client: Client,
    time: Duration,
    mut requests: watch::Receiver<Option<PipelinePageRequest>>,
    answers: watch::Sender<Option<PipelinePageAnswer>>,
) {
    while requests.changed().await.is_ok() {
        let Some(request) = requests.borrow_and_update().clone() else { continue };
        let client = client.for_purpose(Purpose::Explain, Instant::now() + time);
        let project = Arc::clone(&request.project);
        let outcome = unknown(&client, request).await.map_err(|error| Failure::from(&error));
        answers.send_replace(Some(PipelinePageAnswer { project, outcome }));
    }
}

/// Reads on until a page has a pipeline that is not known.
async fn unknown(client: &Client, request: PipelinePageRequest) -> Result<PipelinePage, Error> {
    let PipelinePageRequest { project, start, known } = request;
    let mut found = PipelinePage { pipelines: Vec::new(), next: NextPage::Begins(start) };
    for _ in 0..MOST_PAGES {
        let NextPage::Begins(start) = &found.next else { break };
        let page = read(client, &project, start.clone()).await?;
        found.pipelines.extend(page.pipelines);
        found.next = page.next;
        if found.pipelines.iter().any(|pipeline| !known.contains(&pipeline.id)) {
            break;
        }
    }
    Ok(found)
}

/// Over GraphQL where that is in use, because its list tells how long a pipeline took and whose it is; else over REST.
async fn read(client: &Client, project: &Project, start: PageStart) -> Result<PipelinePage, Error> {
    let (number, after) = match start {
        // What a hub remembers is asked there.
        PageStart::Newest | PageStart::Before(_) => (1, None),
        PageStart::Number(number) => return numbered(client, project, number).await,
        PageStart::Behind(place) => (1, Some(place)),
    };
    if client.fields().is_some()
        && let Some(page) = behind(client, project, after).await?
    {
        return Ok(page);
    }
    numbered(client, project, number).await
}

/// Reads over GraphQL; `None` where that tells nothing of this very project.
async fn behind(client: &Client, project: &Project, after: Option<String>) -> Result<Option<PipelinePage>, Error> {
    let asked = PastQuery { projects: vec![project.id], since: DateTime::UNIX_EPOCH, pipelines: PAGE, jobs: 1, after };
    let mut answered = match client.past(&asked).await {
        Ok(answered) => answered,
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => return Ok(None),
    };
    let Some(ProjectSaid::Newest(page)) = answered.projects.remove(&project.id) else { return Ok(None) };
    let is_elsewhere =
        |url: &str| client.project_of(url).is_some_and(|of| !of.eq_ignore_ascii_case(&project.full_path));
    if page.pipelines.iter().any(|past| past.pipeline.web_url.as_deref().is_some_and(is_elsewhere)) {
        return Ok(None);
    }
    let pipelines = page.pipelines.iter().map(|past| PipelineFact::of(project.id, &past.pipeline)).collect();
    Ok(Some(PipelinePage { pipelines, next: NextPage::of(page.next.map(PageStart::Behind)) }))
}

async fn numbered(client: &Client, project: &Project, number: u32) -> Result<PipelinePage, Error> {
    let page = client.changed_pipelines(project.id, DateTime::UNIX_EPOCH, number).await?;
    let pipelines = page.items.iter().map(|pipeline| PipelineFact::of(project.id, pipeline)).collect();
    Ok(PipelinePage { pipelines, next: NextPage::of(page.next.map(PageStart::Number)) })
}
