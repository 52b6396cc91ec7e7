//! Reading one project: the pipelines that were asked for, with their jobs.

use super::plan;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::job;
use crate::domain::pipeline::{DownstreamLink, Pipeline, Ref};
use crate::domain::project::{Failure, Project};
use crate::domain::selection::{Pattern, RefSelector};
use crate::gitlab::client::{Client, PipelineFilter, PipelineHead};
use crate::gitlab::error::Error;
use futures_util::future::try_join_all;
use std::collections::HashSet;

/// A glob on refs looks at this many of a project's newest pipelines: one page.
pub(super) const GLOB_WINDOW: usize = 100;
/// A glob on refs shows this many pipelines of a project at most.
pub(super) const GLOB_MATCHES: usize = 20;

/// A pipeline and where its bridges lead.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub pipeline: Pipeline,
    pub links: Vec<DownstreamLink>,
    /// It and all below it are as they were: nothing of it was read again.
    pub is_settled: bool,
}

/// What came of one project.
#[derive(Debug)]
pub(super) enum Reading {
    Pipelines(Vec<Draft>),
    None { ever_ran: Option<bool> },
    NoAccess(Failure),
    Error(Failure),
}

/// The reading of one project, and whether a glob may have missed older refs in it.
#[derive(Debug)]
pub(super) struct ProjectReading {
    pub reading: Reading,
    pub is_glob_cut: bool,
}

/// Reads one project. Only what concerns the whole run is an error.
pub(super) async fn read(
    client: &Client,
    project: &Project,
    refs: &[RefSelector],
    before: &[&Draft],
) -> Result<ProjectReading, Error> {
    if project.ci_enabled == Some(false) {
        let failure = Failure { kind: "ci_disabled".into(), message: "CI/CD is switched off".into() };
        return Ok(ProjectReading { reading: Reading::NoAccess(failure), is_glob_cut: false });
    }
    match read_pipelines(client, project, refs, before).await {
        Ok(Pipelines { is_all_deleted: true, is_glob_cut, .. }) => {
            let message = "its newest pipeline was deleted while it was read; read again".into();
            let failure = Failure { kind: "pipeline_deleted".into(), message };
            Ok(ProjectReading { reading: Reading::Error(failure), is_glob_cut })
        }
        Ok(Pipelines { drafts, is_glob_cut, .. }) => {
            let is_any = refs.iter().any(|selector| matches!(selector, RefSelector::Any));
            let reading = match drafts.is_empty() {
                // Only the newest of any ref tells that there is none at all.
                true => Reading::None { ever_ran: is_any.then_some(false) },
                false => Reading::Pipelines(drafts),
            };
            Ok(ProjectReading { reading, is_glob_cut })
        }
        Err(error) => failed(client, error).map(|reading| ProjectReading { reading, is_glob_cut: false }),
    }
}

/// Sorts a failure: the whole run's, the project's, or only this time's.
fn failed(client: &Client, error: Error) -> Result<Reading, Error> {
    // Without a token a 401 only says that this project's pipelines are not public.
    let is_hidden = error.is_no_access() || (error.status() == Some(401) && !client.has_token());
    if is_hidden {
        let message = match error.status() {
            Some(403) => "403: this token may not see its pipelines, or CI/CD is switched off",
            Some(404) => "404: listed, but not visible to this token",
            _ => "its pipelines are not public",
        };
        let kind = if error.status() == Some(403) { "forbidden" } else { "not_found" };
        return Ok(Reading::NoAccess(Failure { kind: kind.into(), message: message.into() }));
    }
    if error.is_fatal() {
        return Err(error);
    }
    Ok(Reading::Error(Failure { kind: error.word(), message: error.to_string() }))
}

async fn read_pipelines(
    client: &Client,
    project: &Project,
    refs: &[RefSelector],
    before: &[&Draft],
) -> Result<Pipelines, Error> {
    let key = ProjectRef::Id(project.id);
    let wanted = try_join_all(refs.iter().map(|selector| newest(client, &key, project, selector))).await?;
    let is_glob_cut = wanted.iter().any(|found| found.is_cut);
    let mut seen = HashSet::new();
    let heads = wanted.into_iter().flat_map(|found| found.heads).filter(|head| seen.insert(head.id));
    let key = &key;
    let drafts = heads.map(|head| async move {
        match before.iter().find(|draft| plan::is_settled(&draft.pipeline, &head)) {
            Some(draft) => Ok(Some(Draft { is_settled: true, ..(*draft).clone() })),
            None => match read_pipeline(client, key, head.id).await {
                // It was listed a moment ago: deleted since.
                Err(error) if error.status() == Some(404) => Ok(None),
                read => read.map(Some),
            },
        }
    });
    let drafts = try_join_all(drafts).await?;
    let is_all_deleted = !drafts.is_empty() && drafts.iter().all(Option::is_none);
    Ok(Pipelines { drafts: drafts.into_iter().flatten().collect(), is_glob_cut, is_all_deleted })
}

/// The pipelines of a project that were asked for.
struct Pipelines {
    drafts: Vec<Draft>,
    is_glob_cut: bool,
    /// There were some when the list was read, and none of them any more.
    is_all_deleted: bool,
}

#[derive(Default)]
struct Found {
    heads: Vec<PipelineHead>,
    is_cut: bool,
}

/// Finds the pipelines that one value of `--ref` means.
async fn newest(client: &Client, key: &ProjectRef, project: &Project, selector: &RefSelector) -> Result<Found, Error> {
    let filter = match selector {
        RefSelector::Any => PipelineFilter::Any,
        RefSelector::Default => match &project.default_branch {
            Some(branch) => PipelineFilter::Ref(branch.clone()),
            None => return Ok(Found::default()),
        },
        RefSelector::Tags => PipelineFilter::Tags,
        RefSelector::MergeRequests => PipelineFilter::MergeRequests,
        RefSelector::Name(name) => PipelineFilter::Ref(name.clone()),
        RefSelector::Glob(pattern) => return newest_per_ref(client, key, pattern).await,
    };
    Ok(Found { heads: client.pipelines(key, &filter, 1).await?, is_cut: false })
}

async fn newest_per_ref(client: &Client, key: &ProjectRef, pattern: &Pattern) -> Result<Found, Error> {
    let heads = client.pipelines(key, &PipelineFilter::Any, GLOB_WINDOW).await?;
    let is_window_full = heads.len() == GLOB_WINDOW;
    let mut refs = HashSet::new();
    let mut heads: Vec<PipelineHead> = heads
        .into_iter()
        .filter(|head| {
            let name = Ref::from_gitlab(&head.raw_ref, None).name;
            pattern.matches(&name) && refs.insert(name)
        })
        .collect();
    let is_cut = is_window_full || heads.len() > GLOB_MATCHES;
    heads.truncate(GLOB_MATCHES);
    Ok(Found { heads, is_cut })
}

/// Reads a pipeline's details, jobs and bridges at once.
async fn read_pipeline(client: &Client, key: &ProjectRef, id: PipelineId) -> Result<Draft, Error> {
    let (mut pipeline, jobs, bridges) =
        tokio::try_join!(client.pipeline(key, id), client.jobs(key, id), client.bridges(key, id))?;
    pipeline.stages = job::stages(jobs.attempts.into_iter().chain(bridges.attempts));
    pipeline.commit_title = jobs.commit_title;
    let has_allowed_failure = pipeline.jobs().any(job::Job::is_allowed_failure);
    pipeline.has_warnings |= has_allowed_failure;
    Ok(Draft { pipeline, links: bridges.links, is_settled: false })
}
