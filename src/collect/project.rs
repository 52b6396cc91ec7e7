//! Reads one project: the requested pipelines with their jobs.

use super::drafts::{PipelineDraft, ProjectDrafts, glimpsed};
use super::plan;
use super::torn::{self, PipelineDoubt};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::job;
use crate::domain::pipeline::{DownstreamLink, Pipeline, Ref};
use crate::domain::project::Project;
use crate::domain::selection::{Pattern, RefSelector, merge_request_refs};
use crate::domain::status::Status;
use crate::gitlab::client::{Client, PipelineFilter, PipelineHead};
use crate::gitlab::error::{Error, Kind};
use chrono::{DateTime, Utc};
use futures_util::future::{join_all, try_join_all};
use std::collections::HashSet;
use std::sync::Arc;

/// A glob on refs looks at this many of a project's newest pipelines: one page.
pub(super) const GLOB_WINDOW: usize = 100;
/// A glob on refs shows this many pipelines of a project at most.
const GLOB_MATCHES: usize = 20;
/// Globs on refs show about this many pipelines of all projects together, each of which takes three requests.
const GLOB_TOTAL: usize = 500;

/// Returns how many pipelines of each project a glob on refs shows: 20, fewer where the projects are many.
pub(super) fn glob_matches(projects: usize) -> usize {
    (GLOB_TOTAL / projects.max(1)).clamp(1, GLOB_MATCHES)
}

/// How often a pipeline is read again whose parts contradict each other.
const REREADS: usize = 2;

/// What came of one project.
#[derive(Debug, Clone)]
pub(super) enum ReadingOutcome {
    /// All of its pipelines and all below them are as they were: nothing was read again.
    Settled(Remembered),
    /// At least one of them was read.
    Pipelines(ProjectDrafts),
    None {
        ever_ran: Option<bool>,
    },
    NoAccess(Failure),
    Error(Failure),
}

impl ReadingOutcome {
    /// Returns what was read, to be completed; nothing where all is as it was, or where nothing could be read.
    pub(super) fn drafts_mut(&mut self) -> Option<&mut ProjectDrafts> {
        match self {
            Self::Pipelines(drafts) => Some(drafts),
            Self::Settled(_) | Self::None { .. } | Self::NoAccess(_) | Self::Error(_) => None,
        }
    }
}

/// What was last read of a project's pipelines, whole.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Remembered {
    /// The very slice that the snapshot's row has; never empty.
    pub pipelines: Arc<[Pipeline]>,
    /// Where the bridges of each of them lead.
    pub links: Arc<[Vec<DownstreamLink>]>,
    pub as_of: DateTime<Utc>,
    /// Of each of them, whether it has ended: each refresh asks, and to look at every job again would be most of its work.
    have_ended: Arc<[bool]>,
}

impl Remembered {
    pub(super) fn new(pipelines: Arc<[Pipeline]>, links: Arc<[Vec<DownstreamLink>]>, as_of: DateTime<Utc>) -> Self {
        let have_ended = pipelines.iter().map(plan::has_ended).collect();
        Self { pipelines, links, as_of, have_ended }
    }

    /// Returns the same, read at another time.
    pub(super) fn at(self, as_of: DateTime<Utc>) -> Self {
        Self { as_of, ..self }
    }

    /// Returns the pipelines, each with where its bridges lead.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Pipeline, &Vec<DownstreamLink>)> {
        self.pipelines.iter().zip(self.links.iter())
    }

    /// The same, each with whether it has ended.
    fn parts(&self) -> impl Iterator<Item = RememberedPart<'_>> {
        self.iter().zip(&*self.have_ended).map(|((pipeline, links), has_ended)| (pipeline, links, *has_ended))
    }
}

/// A pipeline, where its bridges lead, and whether it has ended.
type RememberedPart<'a> = (&'a Pipeline, &'a Vec<DownstreamLink>, bool);

/// What the reading of a project may build on.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownBefore<'a> {
    pub last: Option<&'a Remembered>,
    /// Pipelines that triggered others are read again in any case.
    pub rereads_triggers: bool,
    /// So are all: a field of them could not be told, and may be by now.
    pub rereads_all: bool,
}

impl<'a> KnownBefore<'a> {
    /// Returns the whole of it, where these pipelines are still all and none of them need be read again.
    pub(super) fn settled(self, heads: &[PipelineHead]) -> Option<&'a Remembered> {
        let last = self.last.filter(|last| last.pipelines.len() == heads.len())?;
        let mut pairs = last.parts().zip(heads);
        pairs.all(|(part, head)| self.is_settled(part, head)).then_some(last)
    }

    /// Says whether it is likely that nothing need be read again.
    pub(super) fn is_likely_settled(self) -> bool {
        let is_likely = |(_, links, has_ended): RememberedPart<'_>| has_ended && self.may_keep(links);
        self.last.is_some_and(|last| last.parts().all(is_likely))
    }

    /// Returns the draft of one pipeline that need not be read again.
    pub(super) fn draft(self, head: &PipelineHead) -> Option<PipelineDraft> {
        let (pipeline, links, _) = self.last?.parts().find(|part| self.is_settled(*part, head))?;
        Some(PipelineDraft { pipeline: pipeline.clone(), links: links.clone(), is_settled: true })
    }

    /// Says whether these parts of a pipeline were doubted the last time: to ask once more is enough then.
    pub(super) fn was_doubted(self, pipeline: &Pipeline) -> bool {
        let is_same = |known: &&Pipeline| {
            (known.id, &known.status) == (pipeline.id, &pipeline.status)
                && plan::is_same_moment(known.updated_at, pipeline.updated_at)
        };
        let known = self.last.and_then(|last| last.pipelines.iter().find(is_same));
        known.is_some_and(torn::was_doubted)
    }

    fn is_settled(self, (pipeline, links, has_ended): RememberedPart<'_>, head: &PipelineHead) -> bool {
        plan::is_settled((pipeline, has_ended), head) && self.may_keep(links)
    }

    fn may_keep(self, links: &[DownstreamLink]) -> bool {
        !self.rereads_all && (links.is_empty() || !self.rereads_triggers)
    }
}

/// The reading of one project, and whether a glob may have missed older refs in it.
#[derive(Debug)]
pub(super) struct ProjectReading {
    pub reading: ReadingOutcome,
    pub is_glob_cut: bool,
}

/// Reads one project. Only what concerns the whole run is an error.
pub(super) async fn read(
    client: &Client,
    project: &Project,
    refs: &[RefSelector],
    before: KnownBefore<'_>,
    glob_matches: usize,
) -> Result<ProjectReading, Error> {
    if project.ci_enabled == Some(false) {
        let failure = Failure::new(FailureKind::CiDisabled, "CI/CD is switched off");
        return Ok(ProjectReading { reading: ReadingOutcome::NoAccess(failure), is_glob_cut: false });
    }
    match read_pipelines(client, project, refs, before, glob_matches).await {
        Ok(reading) => Ok(reading),
        Err(error) => failed(client, error).map(|reading| ProjectReading { reading, is_glob_cut: false }),
    }
}

/// Returns what it means that there is no pipeline: only the newest of any ref tells that there never was one.
pub(super) fn none(is_any: bool) -> ReadingOutcome {
    ReadingOutcome::None { ever_ran: is_any.then_some(false) }
}

/// Says why a project has no pipelines to show although it is listed.
pub(super) fn hidden() -> Failure {
    Failure::new(FailureKind::NotFound, "404: listed, but not visible to this token")
}

/// Says whether GitLab does not let this token see something; without a token a 401 says that it is not public.
fn is_hidden(client: &Client, error: &Error) -> bool {
    error.is_no_access() || (error.status() == Some(401) && !client.has_token())
}

/// What the list names and nothing else lets this token see.
fn not_found() -> Failure {
    let message = "the list names it, but its details, jobs and trigger jobs are not found: 404";
    Failure::new(FailureKind::NotFound, message)
}

/// Sorts a failure: the whole run's, the project's, or only this time's.
fn failed(client: &Client, error: Error) -> Result<ReadingOutcome, Error> {
    if is_hidden(client, &error) {
        // GitLab's own reason tells more than anything that could be said here.
        if let Some(reason) = error.reason().filter(|_| error.status() != Some(401)) {
            let granular = matches!(error.kind, Kind::GranularScope { .. });
            let kind = if granular { error.failure_kind() } else { FailureKind::Forbidden };
            let code = error.status().unwrap_or_default();
            return Ok(ReadingOutcome::NoAccess(Failure::new(kind, format!("{code}: {reason}"))));
        }
        return Ok(ReadingOutcome::NoAccess(match error.status() {
            Some(403) => Failure::forbidden(),
            Some(404) => hidden(),
            _ => Failure::new(FailureKind::NotFound, "its pipelines are not public"),
        }));
    }
    if error.is_fatal() {
        return Err(error);
    }
    Ok(ReadingOutcome::Error(Failure::from(&error)))
}

/// Reads the pipelines that the refs mean. Where one is deleted between the list and its details, another one is the
/// newest by now, and the list is asked once more.
async fn read_pipelines(
    client: &Client,
    project: &Project,
    refs: &[RefSelector],
    before: KnownBefore<'_>,
    glob_matches: usize,
) -> Result<ProjectReading, Error> {
    let key = &ProjectRef::Id(project.id);
    let is_any = refs.iter().any(|selector| matches!(selector, RefSelector::Any));
    let mut missing: HashSet<PipelineId> = HashSet::new();
    loop {
        let found = join_all(refs.iter().map(|selector| newest(client, key, project, (selector, glob_matches)))).await;
        let (wanted, unread) = readable(client, refs, found)?;
        let is_glob_cut = wanted.iter().any(|found| found.is_cut);
        let mut seen = HashSet::new();
        let heads: Vec<PipelineHead> =
            wanted.into_iter().flat_map(|found| found.heads).filter(|head| seen.insert(head.id)).collect();
        if unread.is_none()
            && let Some(last) = before.settled(&heads)
        {
            return Ok(ProjectReading { reading: ReadingOutcome::Settled(last.clone()), is_glob_cut });
        }
        let drafts = heads.iter().map(|head| async {
            match before.draft(head) {
                Some(draft) => Ok(Some(draft)),
                None => read_pipeline(client, key, head, before).await,
            }
        });
        let drafts = try_join_all(drafts).await?;
        // What the list goes on to name was not deleted, whatever its details say.
        let is_deleted =
            |(draft, head): &(&Option<PipelineDraft>, &PipelineHead)| draft.is_none() && !missing.contains(&head.id);
        let deleted: Vec<PipelineId> = drafts.iter().zip(&heads).filter(is_deleted).map(|(_, head)| head.id).collect();
        if !deleted.is_empty() && missing.is_empty() {
            missing.extend(deleted);
            continue;
        }
        let or_head = |(draft, head): (Option<PipelineDraft>, &PipelineHead)| {
            draft.unwrap_or_else(|| PipelineDraft::glimpse(head, not_found()))
        };
        let drafts: Vec<PipelineDraft> = drafts.into_iter().zip(&heads).map(or_head).collect();
        let reading = match unread {
            Some(failure) => ReadingOutcome::Pipelines(beside_missing(drafts, failure, before).into()),
            None if drafts.is_empty() => none(is_any),
            None => ReadingOutcome::Pipelines(drafts.into()),
        };
        return Ok(ProjectReading { reading, is_glob_cut });
    }
}

/// Keeps what some values of `--ref` tell where another cannot be read, and says why that one cannot. Where none of them
/// tells of a pipeline, that is the project's failure.
fn readable(
    client: &Client,
    refs: &[RefSelector],
    found: Vec<Result<FoundPipelines, Error>>,
) -> Result<(Vec<FoundPipelines>, Option<Failure>), Error> {
    let mut known = Vec::new();
    let mut missing: Option<(&RefSelector, Error)> = None;
    for (selector, found) in refs.iter().zip(found) {
        match found {
            Ok(found) => known.push(found),
            Err(error) if error.is_fatal() && !is_hidden(client, &error) => return Err(error),
            Err(error) => drop(missing.get_or_insert((selector, error))),
        }
    }
    match missing {
        Some((selector, error)) if known.iter().any(|found: &FoundPipelines| !found.heads.is_empty()) => {
            let message = format!("its ref \"{selector}\" could not be read: {}", error.kind);
            Ok((known, Some(Failure::new(error.failure_kind(), message))))
        }
        Some((_, error)) => Err(error),
        None => Ok((known, None)),
    }
}

/// Puts what was last known of the other refs to what was read, where one of them could not be: what was red is not lost.
pub(super) fn beside_missing(
    mut drafts: Vec<PipelineDraft>,
    failure: Failure,
    before: KnownBefore<'_>,
) -> Vec<PipelineDraft> {
    let is_told = |known: &Pipeline| drafts.iter().any(|draft| draft.pipeline.git_ref.name == known.git_ref.name);
    let keep = |(pipeline, links): (&Pipeline, &Vec<DownstreamLink>)| {
        let pipeline = Pipeline { unread: Some(failure.clone()), ..pipeline.clone() };
        (!is_told(&pipeline)).then(|| PipelineDraft { pipeline, links: links.clone(), is_settled: true })
    };
    let kept: Vec<PipelineDraft> = before.last.into_iter().flat_map(Remembered::iter).filter_map(keep).collect();
    if kept.is_empty()
        && let Some(first) = drafts.first_mut()
    {
        first.pipeline.unread.get_or_insert(failure);
    }
    drafts.extend(kept);
    drafts
}

struct FoundPipelines {
    heads: Vec<PipelineHead>,
    is_cut: bool,
}

/// Returns which of a project's pipelines a value of `--ref` means, the newest of them all; none for a glob, and where it
/// means nothing.
pub(super) fn filters(selector: &RefSelector, project: &Project) -> Vec<PipelineFilter> {
    match selector {
        RefSelector::Default => project.default_branch.clone().map(PipelineFilter::Ref).into_iter().collect(),
        selector => filters_of_any(selector),
    }
}

/// The same where it does not depend on the project; none where it does, and for a glob.
pub(super) fn filters_of_any(selector: &RefSelector) -> Vec<PipelineFilter> {
    match selector {
        RefSelector::Any => vec![PipelineFilter::Any],
        RefSelector::Tags => vec![PipelineFilter::Tags],
        RefSelector::MergeRequests => vec![PipelineFilter::MergeRequests],
        RefSelector::MergeRequest(iid) => merge_request_refs(*iid).map(PipelineFilter::Ref).to_vec(),
        RefSelector::Name(name) => vec![PipelineFilter::Ref(name.clone())],
        RefSelector::Default | RefSelector::Glob(_) => Vec::new(),
    }
}

/// Finds the newest pipeline that any of several filters lets through.
pub(super) async fn newest_of(
    client: &Client,
    key: &ProjectRef,
    filters: &[PipelineFilter],
) -> Result<Vec<PipelineHead>, Error> {
    let found = try_join_all(filters.iter().map(|filter| client.pipelines(key, filter, 1))).await?;
    Ok(found.into_iter().flatten().max_by_key(|head| head.id).into_iter().collect())
}

/// Finds the pipelines that one value of `--ref` means.
async fn newest(
    client: &Client,
    key: &ProjectRef,
    project: &Project,
    (selector, glob_matches): (&RefSelector, usize),
) -> Result<FoundPipelines, Error> {
    if let RefSelector::Glob(pattern) = selector {
        return newest_per_ref(client, key, pattern, glob_matches).await;
    }
    Ok(FoundPipelines { heads: newest_of(client, key, &filters(selector, project)).await?, is_cut: false })
}

async fn newest_per_ref(
    client: &Client,
    key: &ProjectRef,
    pattern: &Pattern,
    most: usize,
) -> Result<FoundPipelines, Error> {
    let heads = client.pipelines(key, &PipelineFilter::Any, GLOB_WINDOW).await?;
    let is_window_full = heads.len() == GLOB_WINDOW;
    let mut refs = HashSet::new();
    let mut heads: Vec<PipelineHead> = heads
        .into_iter()
        .filter(|head| {
            let name = Ref::from_gitlab(&head.raw_ref, None).name;
            (pattern.matches(&name) || pattern.matches(&head.raw_ref)) && refs.insert(name)
        })
        .collect();
    let is_cut = is_window_full || heads.len() > most;
    // What went wrong is what a gate asks for: it is not among those that are left out.
    let is_wrong = |head: &PipelineHead| matches!(head.status, Some(Status::Failed | Status::Canceled));
    heads.sort_by_key(|head| !is_wrong(head));
    heads.truncate(most);
    Ok(FoundPipelines { heads, is_cut })
}

/// Reads a pipeline, again where its parts contradict each other; `None` where it is gone.
async fn read_pipeline(
    client: &Client,
    key: &ProjectRef,
    head: &PipelineHead,
    before: KnownBefore<'_>,
) -> Result<Option<PipelineDraft>, Error> {
    let mut rereads = 0;
    loop {
        let Some(mut draft) = read_parts(client, key, head).await? else { return Ok(None) };
        let most = if before.was_doubted(&draft.pipeline) { 0 } else { REREADS };
        match torn::doubt(&draft.pipeline, Some(head)) {
            Some(PipelineDoubt::Contradiction(_)) if rereads < most => rereads += 1,
            Some(PipelineDoubt::Odd) if rereads < most.min(1) => rereads += 1,
            Some(PipelineDoubt::Contradiction(what)) => {
                torn::distrust(&mut draft.pipeline, Some(head), &what);
                return Ok(Some(draft));
            }
            Some(PipelineDoubt::Odd) | None => return Ok(Some(draft)),
        }
    }
}

/// Reads a pipeline's details, jobs and bridges at once; a part that cannot be read does not lose the others.
async fn read_parts(client: &Client, key: &ProjectRef, head: &PipelineHead) -> Result<Option<PipelineDraft>, Error> {
    let (details, jobs, bridges) =
        tokio::join!(client.pipeline(key, head.id), client.jobs(key, head.id), client.bridges(key, head.id));
    if details.as_ref().is_err_and(|error| error.is_no_access() && error.status() == Some(404)) {
        return Ok(None);
    }
    let mut missing = MissingParts { client, parts: Vec::new() };
    let details = missing.keep("details", details)?;
    let jobs = missing.keep("jobs", jobs)?.unwrap_or_default();
    let bridges = missing.keep("trigger jobs", bridges)?.unwrap_or_default();
    let mut pipeline = details.unwrap_or_else(|| glimpsed(head));
    let foreign = head.foreign.clone().or_else(|| pipeline.unread.take()).or(jobs.foreign).or(bridges.foreign);
    if pipeline.status.is_untold() {
        // What the list has said is known; of a pipeline whose status neither tells, nothing is.
        pipeline.status = head.status.clone().unwrap_or_else(Status::untold);
        missing.parts.push(("status", Failure::new(FailureKind::Decode, "GitLab does not tell it")));
    }
    pipeline.stages = job::stages(jobs.attempts.into_iter().chain(bridges.attempts));
    pipeline.commit_title = jobs.commit_title;
    let has_allowed_failure = pipeline.jobs().any(job::Job::is_allowed_failure);
    pipeline.has_warnings |= has_allowed_failure;
    pipeline.unread = missing.failure().or(foreign);
    Ok(Some(PipelineDraft { pipeline, links: bridges.links, is_settled: false }))
}

/// The parts of a pipeline that could not be read.
struct MissingParts<'a> {
    client: &'a Client,
    parts: Vec<(&'static str, Failure)>,
}

impl MissingParts<'_> {
    /// Takes a part that was read, and notes one that was not. Only what concerns the whole run is an error.
    fn keep<T>(&mut self, part: &'static str, read: Result<T, Error>) -> Result<Option<T>, Error> {
        let error = match read {
            Ok(part) => return Ok(Some(part)),
            Err(error) => error,
        };
        if error.is_fatal() && !is_hidden(self.client, &error) {
            return Err(error);
        }
        self.parts.push((part, reason(self.client, &error)));
        Ok(None)
    }

    /// Puts the parts into one sentence. What may be there the next time decides over what GitLab refuses.
    fn failure(self) -> Option<Failure> {
        let names: Vec<&str> = self.parts.iter().map(|(part, _)| *part).collect();
        let names = match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => return None,
        };
        let (refused, passing): (Vec<Failure>, Vec<Failure>) =
            self.parts.into_iter().map(|(_, failure)| failure).partition(Failure::is_refusal);
        Some(unread(&names, passing.into_iter().chain(refused).next()?))
    }
}

/// Says why a part of a pipeline could not be read.
pub(super) fn missing_part(client: &Client, part: &str, error: &Error) -> Failure {
    unread(part, reason(client, error))
}

fn unread(parts: &str, why: Failure) -> Failure {
    why.of(format_args!("its {parts} could not be read"))
}

fn reason(client: &Client, error: &Error) -> Failure {
    let is_hidden = is_hidden(client, error);
    let kind = match error.status() {
        Some(404) if is_hidden => FailureKind::NotFound,
        _ if is_hidden => FailureKind::Forbidden,
        _ => error.failure_kind(),
    };
    Failure::new(kind, error.kind.to_string())
}
