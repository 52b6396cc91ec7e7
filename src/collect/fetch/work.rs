//! The projects of one reading, from found to read.

use super::super::answer::{FetchResult, FetchTask};
use super::super::batch::{BatchQuestion, BatchQueue, ListFeed};
use super::super::drafts::ProjectDrafts;
use super::super::forecast::{LateReading, ReadingForecast};
use super::super::gathered::{Gathered, ProjectAnswer};
use super::super::list::ListFinding;
use super::super::merge::ReadProject;
use super::super::options::{ReadingProgress, ReadingStep};
use super::super::outage::OutageWatch;
use super::super::project::{self, ProjectReading, ReadingOutcome};
use super::{FetchSetup, Projects, has_glob};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{ById, ProjectId, by_id};
use crate::domain::project::Project;
use crate::domain::selection::RefSelector;
use crate::domain::snapshot::{Problem, ProblemScope};
use crate::domain::usage::Api;
use crate::gitlab::client::PipelineFilter;
use crate::gitlab::error::Error;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;

/// Projects under way at once over REST: enough to keep the budget's slots busy, few enough to hold little in memory.
const READ_AHEAD: usize = 64;

/// The projects of one reading, from found to read.
pub(super) struct FetchWork<'s, 'a> {
    pub(super) setup: &'s FetchSetup<'a>,
    pub(super) api: Api,
    pub(super) queue: BatchQueue,
    /// What is asked of each, where that is the same for all.
    filters_of_all: Option<Arc<[PipelineFilter]>>,
    pub(super) gathered: ById<ProjectId, Gathered>,
    /// To be read over REST.
    pub(super) one_by_one: VecDeque<Arc<Project>>,
    /// What was read ahead, as it was known.
    known: ById<ProjectId, Arc<Project>>,
    /// Whether all that is read was known.
    pub(super) is_known: bool,
    pub(super) listed: ById<ProjectId, Arc<Project>>,
    pub(super) readings: ById<ProjectId, ReadProject>,
    /// What GraphQL has told in part of projects that REST is asked about for the rest.
    pub(super) partly: ById<ProjectId, ProjectDrafts>,
    pub(super) progress: ReadingProgress,
    forecast: ReadingForecast,
    /// Projects that failed one after the other, each asked about alone.
    pub(super) failures: Vec<Arc<Project>>,
    /// Whether GraphQL has answered anything.
    pub(super) has_answer: bool,
    pub(super) begun: Instant,
    /// Why GraphQL was given up.
    pub(super) fallback: Option<String>,
    /// Projects that were read over REST.
    over_rest: usize,
    /// What they tell about the server.
    outage: OutageWatch,
    /// What could not be told of a project that was read all the same.
    pub(super) spared: ById<ProjectId, String>,
}

impl<'s, 'a> FetchWork<'s, 'a> {
    /// `fallback` says why the API is not GraphQL. `count` projects are known to come; there may be more.
    pub(super) fn new(setup: &'s FetchSetup<'a>, (api, fallback): (Api, Option<String>), count: usize) -> Self {
        Self {
            setup,
            api,
            queue: BatchQueue::new(setup.size),
            filters_of_all: filters_of_all(&setup.options.refs),
            gathered: by_id(count),
            one_by_one: VecDeque::new(),
            known: by_id(0),
            is_known: false,
            listed: by_id(count),
            readings: by_id(count),
            partly: by_id(0),
            progress: ReadingProgress::default(),
            forecast: ReadingForecast::new(&setup.options.filter),
            failures: Vec::new(),
            has_answer: false,
            begun: Instant::now(),
            fallback,
            over_rest: 0,
            outage: OutageWatch::default(),
            spared: by_id(0),
        }
    }

    /// Takes the next thing to ask, unless enough is under way.
    pub(super) fn take(&mut self, feed: ListFeed, under_way: usize) -> Option<FetchTask> {
        // How many pipelines a glob on refs shows depends on how many projects there are.
        if under_way < self.most_under_way()
            && (feed.has_ended || !has_glob(&self.setup.options.refs))
            && let Some(project) = self.one_by_one.pop_front()
        {
            return Some(FetchTask::Project(
                project,
                project::glob_matches(self.progress.listed.max(self.setup.shown_at_least)),
            ));
        }
        // No more batches than can be sent: what the first ones teach counts for the next.
        if under_way < self.setup.client.concurrency() {
            return self.queue.take(feed).map(FetchTask::Batch);
        }
        None
    }

    /// Returns how many projects may be under way. A server that has answered about none of them may be away: where
    /// GraphQL has failed before, a few tell.
    fn most_under_way(&self) -> usize {
        match (self.outage.has_answer(), &self.fallback) {
            (true, _) => READ_AHEAD,
            (false, None) => self.setup.client.concurrency(),
            (false, Some(_)) => self.outage.open(),
        }
    }

    /// Leaves the other projects alone where the server is away: to ask about each makes it no better.
    pub(super) fn spare_the_server(&mut self) {
        let Some(failure) = self.outage.failure().cloned() else { return };
        // Without CI there is nothing to ask.
        let (silent, others): (VecDeque<_>, VecDeque<_>) =
            self.one_by_one.drain(..).partition(|project| project.ci_enabled == Some(false));
        self.one_by_one = silent;
        for project in others {
            let drafts = self.partly.remove(&project.id).map(ReadingOutcome::Pipelines);
            self.finish(project, drafts.unwrap_or_else(|| ReadingOutcome::Error(failure.clone())));
        }
    }

    pub(super) fn found(&mut self, found: ListFinding) {
        match found {
            ListFinding::Known(project) => self.known(project),
            ListFinding::Listed(project) => self.listed(project),
            ListFinding::Announced(projects) => {
                self.forecast.announced += projects as usize;
                self.forecast_by_rate();
            }
        }
    }

    fn known(&mut self, project: Arc<Project>) {
        // Without CI there is nothing to read ahead, and no answer yet that tells the time.
        if self.setup.options.filter.keeps(&project) && project.ci_enabled != Some(false) {
            self.known.insert(project.id, Arc::clone(&project));
            self.is_known = true;
            self.start(project);
        }
    }

    fn listed(&mut self, project: Arc<Project>) {
        let is_new = self.listed.insert(project.id, Arc::clone(&project)).is_none();
        if !is_new || !self.setup.options.filter.keeps(&project) {
            return;
        }
        if self
            .setup
            .options
            .tried_at_most
            .is_some_and(|most| self.progress.listed >= most || project.ci_enabled == Some(false))
        {
            return;
        }
        self.progress.listed += 1;
        (self.setup.progress)(ReadingStep { progress: self.progress, late: None, read: None });
        match self.known.remove(&project.id) {
            Some(known) if self.is_read_alike(&known, &project) => {}
            Some(_) => {
                self.queue.forget(project.id);
                self.one_by_one.retain(|known| known.id != project.id);
                self.start_new(project);
            }
            None => self.start_new(project),
        }
    }

    /// Says whether what was read ahead is what would be read now, whatever the project is called by now.
    fn is_read_alike(&self, known: &Project, listed: &Project) -> bool {
        let refs = &self.setup.options.refs;
        known.ci_enabled == listed.ci_enabled && filters(refs, known) == filters(refs, listed)
    }

    fn start_new(&mut self, project: Arc<Project>) {
        // There may be more on the pages to come, which are better asked about together.
        self.is_known = false;
        self.start(project);
    }

    fn start(&mut self, project: Arc<Project>) {
        let filters = match &self.filters_of_all {
            Some(filters) => Arc::clone(filters),
            None => filters(&self.setup.options.refs, &project).into(),
        };
        self.readings.remove(&project.id);
        let is_plain = project.ci_enabled == Some(false) || filters.is_empty();
        let before = self.setup.before(project.id);
        self.forecast.quiet += usize::from(before.is_likely_settled());
        if self.api == Api::Rest || is_plain {
            self.one_by_one.push_back(project);
            return;
        }
        let is_quiet = before.is_likely_settled() || self.setup.probed.contains_key(&project.id);
        let question = if is_quiet { BatchQuestion::Pulse } else { BatchQuestion::Newest };
        for filter in filters.iter() {
            self.queue.add(question, filter, Arc::clone(&project));
        }
        let answers = filters.iter().map(|_| None).collect();
        let heads = vec![None; filters.len()];
        self.gathered.insert(project.id, Gathered { project, filters, answers, heads, is_reread: false });
    }

    pub(super) fn done(&mut self, done: FetchResult) -> Result<(), Error> {
        match done {
            FetchResult::Project(read) => {
                self.over_rest += 1;
                let mut read = read?;
                if read.project.ci_enabled != Some(false) {
                    self.outage.note(&read.reading.reading);
                }
                // What one API tells is not lost because the other refuses.
                let is_none = matches!(read.reading.reading, ReadingOutcome::NoAccess(_) | ReadingOutcome::Error(_));
                if let Some(drafts) = self.partly.remove(&read.project.id).filter(|_| is_none) {
                    read.reading.reading = ReadingOutcome::Pipelines(drafts);
                }
                self.read(read);
            }
            FetchResult::Heads(batch, took, heads) => {
                self.queue.answered(&batch, took);
                self.answered(&batch, heads, ProjectAnswer::Head);
            }
            FetchResult::Newest(batch, took, newest) => {
                self.queue.answered(&batch, took);
                self.answered(&batch, newest, ProjectAnswer::Draft);
            }
            FetchResult::Failed(batch, error) => {
                self.queue.back(&batch);
                self.failed(&batch, error)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, project: Arc<Project>, reading: ReadingOutcome) {
        let as_of = self.setup.client.server_now();
        self.read(ReadProject { project, reading: ProjectReading { reading, is_glob_cut: false }, as_of });
    }

    fn read(&mut self, read: ReadProject) {
        let id = read.project.id;
        self.readings.insert(id, read);
        self.progress.read = self.readings.len().min(self.progress.listed);
        let step = ReadingStep { progress: self.progress, late: None, read: self.readings.get(&id) };
        (self.setup.progress)(step);
        let late = self.forecast.by_pace(self.setup.client, self.progress, self.begun.elapsed());
        self.say_late(late);
    }

    pub(super) fn forecast_by_rate(&mut self) {
        // Over GraphQL the requests are few.
        if self.api == Api::Rest {
            let late = self.forecast.by_rate(self.setup.client, self.progress);
            self.say_late(late);
        }
    }

    fn say_late(&self, late: Option<LateReading>) {
        if late.is_some() {
            (self.setup.progress)(ReadingStep { progress: self.progress, late, read: None });
        }
    }

    /// Keeps what the list has confirmed, under the names that it has there.
    pub(super) fn end(mut self) -> Projects {
        let filter = &self.setup.options.filter;
        let wanted = self.listed.values().filter(|project| filter.keeps(project));
        let mut readings: Vec<ReadProject> = wanted
            .filter_map(|project| {
                let read = self.readings.remove(&project.id)?;
                Some(ReadProject { project: Arc::clone(project), ..read })
            })
            .collect();
        readings.sort_by_key(|read| read.project.id);
        let spared = |read: &ReadProject| {
            let said = self.spared.get(&read.project.id)?;
            let message = format!("could not be told: {said}");
            let failure = Failure::new(FailureKind::GraphqlField, message);
            Some(Problem { scope: ProblemScope::Project, subject: read.project.full_path.clone(), failure })
        };
        let problems = readings.iter().filter_map(spared).collect();
        let spared = self.spared.keys().copied().collect();
        let listed = self.listed.into_values().collect();
        // Where the server is away, nothing was learnt about GraphQL.
        let is_away = self.outage.failure().is_some() && self.fallback.is_some();
        let api = if is_away { Api::Graphql } else { self.api };
        let fallback = self.fallback.filter(|_| !is_away).map(|why| (why, self.over_rest));
        Projects { readings, listed, api, fallback, size: self.queue.size, problems, spared }
    }
}

/// Returns what to ask of every project, unless that depends on the project.
fn filters_of_all(refs: &[RefSelector]) -> Option<Arc<[PipelineFilter]>> {
    let depends = refs.iter().any(|selector| matches!(selector, RefSelector::Default));
    (!depends).then(|| without_repetition(refs.iter().flat_map(project::filters_of_any)).into())
}

/// Returns what to ask of a project, for each value of `--ref` that means something there.
fn filters(refs: &[RefSelector], project: &Project) -> Vec<PipelineFilter> {
    without_repetition(refs.iter().flat_map(|selector| project::filters(selector, project)))
}

fn without_repetition(all: impl Iterator<Item = PipelineFilter>) -> Vec<PipelineFilter> {
    let mut filters: Vec<PipelineFilter> = Vec::new();
    for filter in all {
        if !filters.contains(&filter) {
            filters.push(filter);
        }
    }
    filters
}
