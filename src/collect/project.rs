//! Reading one project: the pipelines that were asked for, with their jobs.

use super::plan;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::job;
use crate::domain::pipeline::{DownstreamLink, Pipeline, Ref};
use crate::domain::project::{Failure, Project};
use crate::domain::selection::{Pattern, RefSelector};
use crate::gitlab::client::{Client, PipelineFilter, PipelineHead};
use crate::gitlab::error::{Error, Kind};
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use std::collections::HashSet;
use std::sync::Arc;

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
#[derive(Debug, Clone)]
pub(super) enum Reading {
    /// All of its pipelines and all below them are as they were: nothing was read again.
    Settled(Remembered),
    /// At least one of them was read.
    Pipelines(Vec<Draft>),
    None {
        ever_ran: Option<bool>,
    },
    NoAccess(Failure),
    Error(Failure),
}

/// What was last read of a project's pipelines, whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Remembered {
    /// The very slice that the snapshot's row has; never empty.
    pub pipelines: Arc<[Pipeline]>,
    /// Where the bridges of each of them lead.
    pub links: Arc<[Vec<DownstreamLink>]>,
    pub as_of: DateTime<Utc>,
}

impl Remembered {
    /// Returns the pipelines, each with where its bridges lead.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Pipeline, &Vec<DownstreamLink>)> {
        self.pipelines.iter().zip(self.links.iter())
    }
}

/// What the reading of a project may build on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before<'a> {
    pub last: Option<&'a Remembered>,
    /// Pipelines that triggered others are read again in any case.
    pub rereads_triggers: bool,
}

impl<'a> Before<'a> {
    /// Returns the whole of it, where these pipelines are still all and none of them need be read again.
    pub(super) fn settled(self, heads: &[PipelineHead]) -> Option<&'a Remembered> {
        let last = self.last.filter(|last| last.pipelines.len() == heads.len())?;
        let mut pairs = last.iter().zip(heads);
        pairs.all(|((pipeline, links), head)| self.is_settled(pipeline, links, head)).then_some(last)
    }

    /// Says whether it is likely that nothing need be read again.
    pub(super) fn is_likely_settled(self) -> bool {
        let is_likely = |(pipeline, links): (&Pipeline, &Vec<DownstreamLink>)| {
            plan::has_ended(pipeline) && (links.is_empty() || !self.rereads_triggers)
        };
        self.last.is_some_and(|last| last.iter().all(is_likely))
    }

    /// Returns the draft of one pipeline that need not be read again.
    pub(super) fn draft(self, head: &PipelineHead) -> Option<Draft> {
        let (pipeline, links) = self.last?.iter().find(|(pipeline, links)| self.is_settled(pipeline, links, head))?;
        Some(Draft { pipeline: pipeline.clone(), links: links.clone(), is_settled: true })
    }

    fn is_settled(self, pipeline: &Pipeline, links: &[DownstreamLink], head: &PipelineHead) -> bool {
        plan::is_settled(pipeline, head) && (links.is_empty() || !self.rereads_triggers)
    }
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
    before: Before<'_>,
) -> Result<ProjectReading, Error> {
    if project.ci_enabled == Some(false) {
        let failure = Failure { kind: "ci_disabled".into(), message: "CI/CD is switched off".into() };
        return Ok(ProjectReading { reading: Reading::NoAccess(failure), is_glob_cut: false });
    }
    match read_pipelines(client, project, refs, before).await {
        Ok(reading) => Ok(reading),
        Err(error) => failed(client, error).map(|reading| ProjectReading { reading, is_glob_cut: false }),
    }
}

/// Returns what it means that there is no pipeline: only the newest of any ref tells that there never was one.
pub(super) fn none(is_any: bool) -> Reading {
    Reading::None { ever_ran: is_any.then_some(false) }
}

/// Says why a project has no pipelines to show although it is listed.
pub(super) fn hidden() -> Failure {
    Failure { kind: "not_found".into(), message: "404: listed, but not visible to this token".into() }
}

/// Sorts a failure: the whole run's, the project's, or only this time's.
fn failed(client: &Client, error: Error) -> Result<Reading, Error> {
    // Without a token a 401 only says that this project's pipelines are not public.
    let is_hidden = error.is_no_access() || (error.status() == Some(401) && !client.has_token());
    if is_hidden {
        // GitLab's own reason tells more than anything that could be said here.
        if let Some(reason) = error.reason().filter(|_| error.status() != Some(401)) {
            let granular = matches!(error.kind, Kind::GranularScope { .. });
            let kind = if granular { error.word() } else { "forbidden".into() };
            let code = error.status().unwrap_or_default();
            return Ok(Reading::NoAccess(Failure { kind, message: format!("{code}: {reason}") }));
        }
        return Ok(Reading::NoAccess(match error.status() {
            Some(403) => Failure::forbidden(),
            Some(404) => hidden(),
            _ => Failure { kind: "not_found".into(), message: "its pipelines are not public".into() },
        }));
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
    before: Before<'_>,
) -> Result<ProjectReading, Error> {
    let key = ProjectRef::Id(project.id);
    let wanted = try_join_all(refs.iter().map(|selector| newest(client, &key, project, selector))).await?;
    let is_glob_cut = wanted.iter().any(|found| found.is_cut);
    let mut seen = HashSet::new();
    let heads: Vec<PipelineHead> =
        wanted.into_iter().flat_map(|found| found.heads).filter(|head| seen.insert(head.id)).collect();
    if let Some(last) = before.settled(&heads) {
        return Ok(ProjectReading { reading: Reading::Settled(last.clone()), is_glob_cut });
    }
    let key = &key;
    let drafts = heads.iter().map(|head| async move {
        match before.draft(head) {
            Some(draft) => Ok(Some(draft)),
            None => match read_pipeline(client, key, head.id).await {
                // It was listed a moment ago: deleted since.
                Err(error) if error.status() == Some(404) => Ok(None),
                read => read.map(Some),
            },
        }
    });
    let drafts: Vec<Draft> = try_join_all(drafts).await?.into_iter().flatten().collect();
    let is_any = refs.iter().any(|selector| matches!(selector, RefSelector::Any));
    let reading = match (heads.is_empty(), drafts.is_empty()) {
        (true, _) => none(is_any),
        (false, true) => {
            let message = "its newest pipeline was deleted while it was read; read again".into();
            Reading::Error(Failure { kind: "pipeline_deleted".into(), message })
        }
        (false, false) => Reading::Pipelines(drafts),
    };
    Ok(ProjectReading { reading, is_glob_cut })
}

#[derive(Default)]
struct Found {
    heads: Vec<PipelineHead>,
    is_cut: bool,
}

/// Returns which of a project's pipelines a value of `--ref` means; `None` for a glob, and where it means nothing.
pub(super) fn filter(selector: &RefSelector, project: &Project) -> Option<PipelineFilter> {
    match selector {
        RefSelector::Default => project.default_branch.clone().map(PipelineFilter::Ref),
        selector => filter_of_any(selector),
    }
}

/// The same where it does not depend on the project; `None` where it does, and for a glob.
pub(super) fn filter_of_any(selector: &RefSelector) -> Option<PipelineFilter> {
    match selector {
        RefSelector::Any => Some(PipelineFilter::Any),
        RefSelector::Tags => Some(PipelineFilter::Tags),
        RefSelector::MergeRequests => Some(PipelineFilter::MergeRequests),
        RefSelector::Name(name) => Some(PipelineFilter::Ref(name.clone())),
        RefSelector::Default | RefSelector::Glob(_) => None,
    }
}

/// Finds the pipelines that one value of `--ref` means.
async fn newest(client: &Client, key: &ProjectRef, project: &Project, selector: &RefSelector) -> Result<Found, Error> {
    if let RefSelector::Glob(pattern) = selector {
        return newest_per_ref(client, key, pattern).await;
    }
    match filter(selector, project) {
        Some(filter) => Ok(Found { heads: client.pipelines(key, &filter, 1).await?, is_cut: false }),
        None => Ok(Found::default()),
    }
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
