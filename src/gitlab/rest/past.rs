//! Past pipelines of a project since a time (<https://docs.gitlab.com/api/pipelines/>), and all jobs of a project
//! (<https://docs.gitlab.com/api/jobs/#list-project-jobs>), from lists.

use super::encode;
use super::job::{RestJobWire, all_pages};
use super::pipeline::{self, RestPipelineWire};
use crate::domain::evidence::JobDetails;
use crate::domain::id::{PipelineId, ProjectId, ProjectRef};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::Pipeline;
use crate::gitlab::error::Error;
use crate::gitlab::page::{ListPage, PER_PAGE, next_cursor};
use crate::gitlab::transport::Transport;
use chrono::{DateTime, SecondsFormat, Utc};

/// A page of a project's jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectJobs {
    pub jobs: Vec<ProjectJob>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// An attempt at a job, and what it tells of its pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectJob {
    pub job: Job,
    pub details: JobDetails,
    pub pipeline: PipelineId,
    /// Whether the pipeline is one of a tag.
    pub is_tag: Option<bool>,
    pub commit_title: Option<String>,
}

pub(in crate::gitlab) async fn pipelines(
    transport: &Transport,
    project: ProjectId,
    since: DateTime<Utc>,
    number: u32,
) -> Result<ListPage<Pipeline>, Error> {
    let since = encode(&since.to_rfc3339_opts(SecondsFormat::Secs, true));
    let path = format!(
        "projects/{project}/pipelines?updated_after={since}&order_by=id&sort=desc&per_page={PER_PAGE}&page={number}"
    );
    let answer = transport.get(&path).await?;
    let wires: Vec<RestPipelineWire> = answer.decode()?;
    let asked = ProjectRef::Id(project);
    if let Some(foreign) =
        wires.iter().find_map(|wire| pipeline::foreign(&asked, wire.project_id, "the list names one"))
    {
        return Err(answer.odd(&foreign.message));
    }
    Ok(ListPage::new(wires.into_iter().map(Pipeline::from).collect(), number, &answer.headers))
}

/// Reads by keys instead of page numbers: GitLab ends numbered pages at 50 000 jobs.
pub(in crate::gitlab) async fn jobs(
    transport: &Transport,
    project: ProjectId,
    after: Option<&str>,
) -> Result<ProjectJobs, Error> {
    let after = after.map(|after| format!("&cursor={}", encode(after))).unwrap_or_default();
    let path = format!(
        "projects/{project}/jobs?include_retried=true&pagination=keyset&order_by=id&sort=desc&per_page={PER_PAGE}{after}"
    );
    let answer = transport.get(&path).await?;
    let wires: Vec<RestJobWire> = answer.decode()?;
    let jobs: Option<Vec<ProjectJob>> = wires.into_iter().map(|wire| project_job(wire, None)).collect();
    let Some(jobs) = jobs else { return Err(answer.odd("the list has jobs of no pipeline")) };
    Ok(ProjectJobs { jobs, next: next_cursor(&answer.headers) })
}

/// Reads the attempts at the jobs of one pipeline.
pub(in crate::gitlab) async fn pipeline_jobs(
    transport: &Transport,
    project: ProjectId,
    pipeline: PipelineId,
) -> Result<Vec<ProjectJob>, Error> {
    let path = format!("projects/{project}/pipelines/{pipeline}/jobs?include_retried=true");
    let wires: Vec<RestJobWire> = all_pages(transport, &path).await?;
    Ok(wires.into_iter().filter_map(|wire| project_job(wire, Some(pipeline))).collect())
}

/// Converts a job; `None` where it does not say of which pipeline it is and that is not known.
fn project_job(mut wire: RestJobWire, asked: Option<PipelineId>) -> Option<ProjectJob> {
    let details = wire.details();
    Some(ProjectJob {
        pipeline: wire.pipeline.as_ref().map(|pipeline| PipelineId(pipeline.id)).or(asked)?,
        is_tag: wire.tag,
        commit_title: wire.commit.take().and_then(|commit| commit.title),
        job: wire.into_job(JobKind::Job, None),
        details,
    })
}
