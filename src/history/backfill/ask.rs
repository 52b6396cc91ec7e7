//! The requests of a backfill, one task each. What came along in part is completed here.

use crate::domain::fact::UnixSeconds;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{PipelineId, ProjectId, ProjectRef};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Project;
use crate::gitlab::ListPage;
use crate::gitlab::client::{
    Answered, Client, MoreJobs, PAST_JOBS_OF_EACH, PAST_JOBS_PER_QUERY, PastPage, PastQuery, PipelineFilter,
    PipelineNews, ProjectJob, ProjectJobs, ProjectSaid,
};
use crate::gitlab::error::Error;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// One thing to ask. Projects are named by their number, too.
#[derive(Debug, Clone)]
pub(super) enum FillTask {
    /// What is new in these projects since a time.
    News(Vec<(usize, Arc<Project>)>, UnixSeconds),
    Page(PageTask),
    /// Whether REST shows any pipeline.
    Probe(usize, Arc<Project>),
    /// A page of the list of pipelines that changed since a time.
    List(usize, Arc<Project>, UnixSeconds, u32),
    /// A page of the list of all jobs.
    Jobs(usize, Arc<Project>, Option<String>),
    PipelineJobs(usize, Arc<Project>, PipelineId),
}

/// A page of pipelines of some projects.
#[derive(Debug, Clone)]
pub(super) struct PageTask {
    pub projects: Vec<(usize, Arc<Project>)>,
    pub since: UnixSeconds,
    /// Of each project.
    pub pipelines: usize,
    pub after: Option<String>,
}

#[derive(Debug)]
pub(super) enum FillAnswer {
    News(Answered<PipelineNews>),
    /// With how long GitLab took for it.
    Page(Answered<PastPage>, Duration),
    Probe(bool),
    List(ListPage<Pipeline>),
    Jobs(ProjectJobs),
    PipelineJobs(Vec<ProjectJob>),
    Failed(Error),
}

/// Asks one thing, and hands it back with the answer.
pub(super) async fn ask(client: &Client, task: FillTask) -> (FillTask, FillAnswer) {
    let answer = match &task {
        FillTask::News(projects, since) => client.news(&ids(projects), after(*since)).await.map(FillAnswer::News),
        FillTask::Page(task) => page(client, task).await,
        FillTask::Probe(_, project) => {
            let newest = client.pipelines(&ProjectRef::Id(project.id), &PipelineFilter::Any, 1).await;
            newest.map(|newest| FillAnswer::Probe(!newest.is_empty()))
        }
        FillTask::List(_, project, since, page) => {
            client.changed_pipelines(project.id, after(*since), *page).await.map(FillAnswer::List)
        }
        FillTask::Jobs(_, project, after) => {
            client.project_jobs(project.id, after.as_deref()).await.map(FillAnswer::Jobs)
        }
        FillTask::PipelineJobs(_, project, pipeline) => {
            client.past_pipeline_jobs(project.id, *pipeline).await.map(FillAnswer::PipelineJobs)
        }
    };
    let answer = answer.unwrap_or_else(FillAnswer::Failed);
    (task, answer)
}

fn ids(projects: &[(usize, Arc<Project>)]) -> Vec<ProjectId> {
    projects.iter().map(|(_, project)| project.id).collect()
}

/// Returns the time after which something has to have changed: GitLab leaves the time itself out.
fn after(since: UnixSeconds) -> DateTime<Utc> {
    DateTime::from_timestamp(since.saturating_sub(1), 0).unwrap_or(DateTime::UNIX_EPOCH)
}

async fn page(client: &Client, task: &PageTask) -> Result<FillAnswer, Error> {
    let PageTask { projects, since, pipelines, after: begin } = task;
    let asked = PastQuery {
        projects: ids(projects),
        since: after(*since),
        pipelines: *pipelines,
        jobs: PAST_JOBS_OF_EACH,
        after: begin.clone(),
    };
    let start = Instant::now();
    let mut answered = client.past(&asked).await?;
    let took = start.elapsed();
    for (_, project) in projects {
        let Some(said) = answered.projects.get_mut(&project.id) else { continue };
        let ProjectSaid::Newest(page) = said else { continue };
        if page.pipelines.iter().any(|past| is_elsewhere(client, project, &past.pipeline)) {
            // It has another name by now, or the answer is another project's: REST is asked by id.
            *said = ProjectSaid::Silent;
        } else if let Err(failure) = complete(client, project, page).await? {
            *said = ProjectSaid::Failed(failure.message);
        }
    }
    Ok(FillAnswer::Page(answered, took))
}

/// Says whether a pipeline's address lies below another project than the one that was asked about.
fn is_elsewhere(client: &Client, project: &Project, pipeline: &Pipeline) -> bool {
    let of = pipeline.web_url.as_deref().and_then(|url| client.project_of(url));
    of.is_some_and(|of| !of.eq_ignore_ascii_case(&project.full_path))
}

/// Reads the jobs that did not come along with their pipelines. Only what concerns the whole run is an error.
async fn complete(client: &Client, project: &Project, page: &mut PastPage) -> Result<Result<(), Failure>, Error> {
    let lost = |why: &str| Failure::new(FailureKind::Graphql, why);
    loop {
        let open = page.pipelines.iter_mut().filter(|past| past.jobs.next.is_some());
        let mut open: Vec<_> = open.take(PAST_JOBS_PER_QUERY).collect();
        if open.is_empty() {
            return Ok(Ok(()));
        }
        let wanted = open.iter().map(|past| {
            let pipeline = &past.pipeline;
            let (after, project) = (past.jobs.next.clone(), project.full_path.clone());
            Some(MoreJobs {
                pipeline: pipeline.id,
                project,
                iid: pipeline.iid?,
                after,
                with_needs: false,
                web_url: None,
            })
        });
        let Some(wanted) = wanted.collect::<Option<Vec<MoreJobs>>>() else {
            return Ok(Err(lost("GraphQL does not say where the jobs of a pipeline go on")));
        };
        let more = match client.more_past_jobs(&wanted).await {
            Ok(more) => more,
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => return Ok(Err(Failure::from(&error))),
        };
        for (past, more) in open.iter_mut().zip(more) {
            let Some(more) = more else { return Ok(Err(lost("GraphQL does not tell the rest of its jobs"))) };
            if !past.jobs.extend(more) {
                return Ok(Err(lost("the list of its jobs repeats itself")));
            }
        }
    }
}
