//! Reads further pages of jobs, and completes pipelines once all their jobs are there.

use super::drafts::PipelineDraft;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{JobId, ProjectId};
use crate::domain::job::{self, Job, Stage};
use crate::domain::pipeline::{DownstreamLink, Pipeline};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::gitlab::client::{Answered, Client, JobPage, MORE_JOBS_PER_QUERY, MoreJobs, ProjectSaid};
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;

/// A pipeline with everything that belongs to it, or with a word on what could not be read.
pub(super) type Whole = Box<PipelineDraft>;

/// Reads the jobs that did not come along with their pipelines, and makes drafts of them all.
pub(super) async fn complete(
    client: &Client,
    projects: &[Arc<Project>],
    answered: Answered<(Pipeline, JobPage)>,
) -> Answered<Whole> {
    let Answered { projects: mut newest, has_more, spared } = answered;
    let mut failures: Vec<(ProjectId, Failure)> = Vec::new();
    let mut wanted: Vec<(ProjectId, MoreJobs)> = Vec::new();
    for project in projects {
        if let Some(ProjectSaid::Newest((pipeline, jobs))) = newest.get(&project.id)
            && jobs.next.is_some()
        {
            match more(project.full_path.clone(), pipeline, jobs) {
                Some(more) => wanted.push((project.id, more)),
                None => failures.push((project.id, failure("GraphQL does not say where it goes on"))),
            }
        }
    }
    let (ids, wanted): (Vec<ProjectId>, Vec<MoreJobs>) = wanted.into_iter().unzip();
    for (id, rest) in ids.into_iter().zip(all(client, wanted).await) {
        match (rest, newest.get_mut(&id)) {
            (Ok(rest), Some(ProjectSaid::Newest((_, jobs)))) => {
                jobs.attempts.extend(rest.attempts);
                jobs.links.extend(rest.links);
            }
            (Err(failure), _) => failures.push((id, failure)),
            (Ok(_), _) => {}
        }
    }
    let counts_attempts = client.counts_attempts();
    let whole = |(id, said)| {
        let said = match said {
            // It is another project's, or the project has another name by now: REST is asked by id.
            ProjectSaid::Newest((pipeline, _)) if is_elsewhere(client, projects, id, &pipeline) => ProjectSaid::Silent,
            ProjectSaid::Newest((pipeline, jobs)) => {
                let mut draft = draft(pipeline, jobs, counts_attempts);
                if let Some((_, failure)) = failures.iter().find(|(of, _)| *of == id) {
                    draft.pipeline.unread = Some(failure.clone().of("the rest of its jobs could not be read"));
                }
                ProjectSaid::Newest(Box::new(draft))
            }
            ProjectSaid::Nothing => ProjectSaid::Nothing,
            ProjectSaid::Silent => ProjectSaid::Silent,
            ProjectSaid::Failed(message) => ProjectSaid::Failed(message),
        };
        (id, said)
    };
    Answered { projects: newest.into_iter().map(whole).collect(), has_more, spared }
}

/// Says whether a pipeline's address lies below another project than the one that was asked about. One that failed is
/// shown all the same: a new name of the project is no reason to do without it.
fn is_elsewhere(client: &Client, projects: &[Arc<Project>], id: ProjectId, pipeline: &Pipeline) -> bool {
    let url = pipeline.web_url.as_deref().filter(|_| pipeline.status != Status::Failed);
    let of = url.and_then(|url| client.project_of(url));
    let asked = projects.iter().find(|project| project.id == id);
    of.zip(asked).is_some_and(|(of, asked)| !of.eq_ignore_ascii_case(&asked.full_path))
}

/// Returns what to ask for the jobs behind a page.
fn more(project: String, pipeline: &Pipeline, page: &JobPage) -> Option<MoreJobs> {
    let web_url = pipeline.web_url.clone();
    Some(MoreJobs {
        pipeline: pipeline.id,
        project,
        iid: pipeline.iid?,
        after: page.next.clone(),
        with_needs: false,
        web_url,
    })
}

/// Reads all the jobs of these pipelines from where each says on, in the order in which they were asked for.
pub(super) async fn all(client: &Client, wanted: Vec<MoreJobs>) -> Vec<Result<JobPage, Failure>> {
    let mut pages: Vec<Result<JobPage, Failure>> = wanted.iter().map(|_| Ok(JobPage::default())).collect();
    let mut open: Vec<(usize, MoreJobs)> = wanted.into_iter().enumerate().collect();
    // A page that begins where an earlier one began would come for ever.
    let mut begun: HashSet<(usize, Option<String>)> = HashSet::new();
    while !open.is_empty() {
        let answers = join_all(open.chunks(MORE_JOBS_PER_QUERY).map(|chunk| next_pages(client, chunk))).await;
        let asked = std::mem::take(&mut open);
        for ((at, more), answer) in asked.into_iter().zip(answers.into_iter().flatten()) {
            match (answer, &mut pages[at]) {
                (Ok(page), Ok(so_far)) => {
                    begun.insert((at, more.after.clone()));
                    let known: HashSet<JobId> = so_far.attempts.iter().map(|job| job.id).collect();
                    let is_news = page.attempts.iter().any(|job| !known.contains(&job.id));
                    if page.next.is_some() && (!is_news || begun.contains(&(at, page.next.clone()))) {
                        pages[at] = Err(failure("the list of its jobs repeats itself"));
                        continue;
                    }
                    open.extend(page.next.map(|next| (at, MoreJobs { after: Some(next), ..more })));
                    so_far.attempts.extend(page.attempts);
                    so_far.links.extend(page.links);
                    so_far.needs.extend(page.needs);
                    so_far.pipeline_status = page.pipeline_status.or(so_far.pipeline_status.take());
                }
                (Err(failure), so_far) => *so_far = Err(failure),
                (Ok(_), Err(_)) => {}
            }
        }
    }
    pages
}

/// Reads the next page of each; where one query for all fails, each alone.
async fn next_pages(client: &Client, chunk: &[(usize, MoreJobs)]) -> Vec<Result<JobPage, Failure>> {
    let wanted: Vec<MoreJobs> = chunk.iter().map(|(_, more)| more.clone()).collect();
    match client.more_jobs(&wanted).await {
        Ok(pages) => pages.into_iter().map(|page| page.ok_or_else(gone)).collect(),
        Err(error) if wanted.len() > 1 && error.is_too_much() => {
            let alone = |more: MoreJobs| async move {
                let page = client.more_jobs(&[more]).await.map_err(|error| Failure::from(&error))?;
                page.into_iter().next().flatten().ok_or_else(gone)
            };
            join_all(wanted.into_iter().map(alone)).await
        }
        Err(error) => wanted.iter().map(|_| Err(Failure::from(&error))).collect(),
    }
}

fn gone() -> Failure {
    Failure::new(FailureKind::PipelineDeleted, "the pipeline is no longer there; read again")
}

fn failure(message: &str) -> Failure {
    Failure::new(FailureKind::Graphql, message)
}

/// Makes a draft of a pipeline and all attempts at its jobs.
pub(super) fn draft(mut pipeline: Pipeline, jobs: JobPage, counts_attempts: bool) -> PipelineDraft {
    let (attempts, links) = (jobs.attempts, jobs.links);
    pipeline.stages = job::stages(attempts);
    if !counts_attempts {
        pipeline.stages.iter_mut().flat_map(|stage| &mut stage.jobs).for_each(|job| job.attempts = None);
    }
    let has_allowed_failure = pipeline.jobs().any(Job::is_allowed_failure);
    pipeline.has_warnings |= has_allowed_failure;
    let links = current_links(&pipeline.stages, links);
    PipelineDraft { pipeline, links, is_settled: false }
}

/// Keeps the links of the current bridges, in their order: a retried bridge triggers another one.
fn current_links(stages: &[Stage], mut links: Vec<DownstreamLink>) -> Vec<DownstreamLink> {
    let current: HashSet<_> = stages.iter().flat_map(|stage| &stage.jobs).map(|job| job.id).collect();
    links.retain(|link| current.contains(&link.bridge));
    links.sort_by_key(|link| link.bridge);
    links
}

/// Returns where the bridges among a pipeline's jobs lead.
pub(super) fn links(jobs: JobPage) -> Vec<DownstreamLink> {
    current_links(&job::stages(jobs.attempts), jobs.links)
}
