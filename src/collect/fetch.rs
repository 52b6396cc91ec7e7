//! Reads the projects of the list: many per query over GraphQL, one by one over REST.

use super::answer::{AnswerSource, FetchResult, FetchTask};
use super::batch::{ALONE, BatchQuestion, BatchQueue, BatchSize, ListFeed, ProjectBatch};
use super::forecast::{LateReading, ReadingForecast};
use super::gathered::{Gathered, ProjectAnswer, is_silent, partial_drafts, reading};
use super::list::ListFinding;
use super::merge::{KnownRows, ReadProject};
use super::options::{CollectOptions, ProgressSink, ReadingProgress, ReadingStep};
use super::outage::OutageWatch;
use super::project::{self, KnownBefore, PipelineDraft, ProjectReading, ReadingOutcome};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{ById, ProjectId, by_id};
use crate::domain::project::Project;
use crate::domain::selection::RefSelector;
use crate::domain::snapshot::{Problem, ProblemScope};
use crate::domain::usage::{Api, ApiChoice};
use crate::gitlab::client::{Answered, Client, PipelineFilter, PipelineHead, ProjectSaid};
use crate::gitlab::error::Error;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, HashSet, VecDeque};
use std::slice;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

/// Projects under way at once over REST: enough to keep the budget's slots busy, few enough to hold little in memory.
const READ_AHEAD: usize = 64;
/// Projects that fail one after the other, each asked about alone, before GraphQL counts as broken.
const BROKEN: usize = 3;
/// How long GraphQL may leave everything unanswered.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a reading starts from.
pub(super) struct FetchSetup<'a> {
    pub client: &'a Client,
    pub options: &'a CollectOptions,
    /// What was last read of each project; `None` to read all of them whole.
    pub last: Option<&'a KnownRows>,
    /// Pipelines that triggered others are read again in any case.
    pub rereads_triggers: bool,
    /// Projects of whose pipelines a field could not be told: read again as well.
    pub spared: &'a HashSet<ProjectId>,
    /// What GraphQL's silence about a project turned out to mean, since the list was last read.
    pub probed: &'a HashMap<ProjectId, ReadingOutcome>,
    /// The API that was read over last; `None` to choose again.
    pub api: Option<Api>,
    pub size: BatchSize,
    /// So many projects are shown at least, whatever the list says: a glob on refs shows the fewer of each.
    pub shown_at_least: usize,
    pub progress: &'a ProgressSink<'a>,
}

impl<'a> FetchSetup<'a> {
    pub(super) fn before(&self, project: ProjectId) -> KnownBefore<'a> {
        KnownBefore {
            last: self.last.and_then(|last| last.get(project)),
            rereads_triggers: self.rereads_triggers,
            rereads_all: self.rereads_triggers && self.spared.contains(&project),
        }
    }
}

/// What came of it.
pub(super) struct Projects {
    pub readings: Vec<ReadProject>,
    /// Every project of the groups, before the filters.
    pub listed: Vec<Arc<Project>>,
    pub api: Api,
    /// Why some were read over REST although GraphQL was wanted, and how many.
    pub fallback: Option<(String, usize)>,
    pub size: BatchSize,
    /// What could not be told of projects that were read all the same.
    pub problems: Vec<Problem>,
    /// Which they are.
    pub spared: Vec<ProjectId>,
}

/// Reads the projects as the list finds them, each once however many groups it is in.
pub(super) async fn read(
    setup: FetchSetup<'_>,
    mut found: UnboundedReceiver<ListFinding>,
    answers: &impl AnswerSource,
) -> Result<Projects, Error> {
    let (api, fallback) = match setup.api {
        Some(api) => (api, None),
        None => choose(setup.client, setup.options).await?,
    };
    let mut work = FetchWork { fallback, ..FetchWork::new(&setup, api, found.len()) };
    let mut feed = ListFeed::default();
    let mut under_way = FuturesUnordered::new();
    loop {
        feed.is_drained = found.is_empty();
        feed.is_known = work.is_known;
        work.spare_the_server();
        while let Some(job) = work.take(feed, under_way.len()) {
            under_way.push(answers.answer(&setup, job));
        }
        tokio::select! {
            biased;
            project = found.recv(), if !feed.has_ended => match project {
                Some(project) => {
                    work.found(project);
                    // What has come along with it, a page mostly: to look after each whether a batch is full costs more.
                    while let Ok(project) = found.try_recv() {
                        work.found(project);
                    }
                }
                // Without a list nothing that was read ahead will be confirmed.
                None if work.listed.is_empty() => break,
                None => {
                    feed.has_ended = true;
                    work.forecast_by_rate();
                }
            },
            Some(done) = under_way.next() => work.done(done)?,
            else => break,
        }
    }
    Ok(work.end())
}

/// Chooses the API: GraphQL where it may be and answers, else with the reason why it is not.
async fn choose(client: &Client, options: &CollectOptions) -> Result<(Api, Option<String>), Error> {
    // A glob on refs looks at many pipelines of each project, which REST pages better.
    if options.api == ApiChoice::Rest || has_glob(&options.refs) {
        return Ok((Api::Rest, None));
    }
    if client.fields().is_some() {
        return Ok((Api::Graphql, None));
    }
    // One that hangs again and again must leave time for REST.
    let answer = match options.api {
        ApiChoice::Auto => tokio::time::timeout(PATIENCE, client.read_fields()).await,
        ApiChoice::Graphql | ApiChoice::Rest => Ok(client.read_fields().await),
    };
    match answer {
        Ok(Ok(())) => Ok((Api::Graphql, None)),
        Ok(Err(error)) if options.api == ApiChoice::Auto => Ok((Api::Rest, Some(error.kind.to_string()))),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok((Api::Rest, Some(format!("no answer within {PATIENCE:?}")))),
    }
}

fn has_glob(refs: &[RefSelector]) -> bool {
    refs.iter().any(|selector| matches!(selector, RefSelector::Glob(_)))
}

/// The projects of one reading, from found to read.
struct FetchWork<'s, 'a> {
    setup: &'s FetchSetup<'a>,
    api: Api,
    queue: BatchQueue,
    /// What is asked of each, where that is the same for all.
    filters_of_all: Option<Arc<[PipelineFilter]>>,
    gathered: ById<ProjectId, Gathered>,
    /// To be read over REST.
    one_by_one: VecDeque<Arc<Project>>,
    /// What was read ahead, as it was known.
    known: ById<ProjectId, Arc<Project>>,
    /// Whether all that is read was known.
    is_known: bool,
    listed: ById<ProjectId, Arc<Project>>,
    readings: ById<ProjectId, ReadProject>,
    /// What GraphQL has told in part of projects that REST is asked about for the rest.
    partly: ById<ProjectId, Vec<PipelineDraft>>,
    progress: ReadingProgress,
    forecast: ReadingForecast,
    /// Projects that failed one after the other, each asked about alone.
    failures: Vec<Arc<Project>>,
    /// Whether GraphQL has answered anything.
    has_answer: bool,
    begun: Instant,
    /// Why GraphQL was given up.
    fallback: Option<String>,
    /// Projects that were read over REST.
    over_rest: usize,
    /// What they tell about the server.
    outage: OutageWatch,
    /// What could not be told of a project that was read all the same.
    spared: ById<ProjectId, String>,
}

impl<'s, 'a> FetchWork<'s, 'a> {
    /// `count` projects are known to come; there may be more.
    fn new(setup: &'s FetchSetup<'a>, api: Api, count: usize) -> Self {
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
            fallback: None,
            over_rest: 0,
            outage: OutageWatch::default(),
            spared: by_id(0),
        }
    }

    /// Takes the next thing to ask, unless enough is under way.
    fn take(&mut self, feed: ListFeed, under_way: usize) -> Option<FetchTask> {
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
    fn spare_the_server(&mut self) {
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

    fn found(&mut self, found: ListFinding) {
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

    fn done(&mut self, done: FetchResult) -> Result<(), Error> {
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

    fn answered<T>(&mut self, batch: &ProjectBatch, answered: Answered<T>, answer: impl Fn(T) -> ProjectAnswer) {
        if self.api == Api::Rest {
            // GraphQL has been given up meanwhile.
            return;
        }
        let Answered { projects: mut said, has_more, spared } = answered;
        self.spared.extend(spared);
        let mut failed: Vec<(Arc<Project>, String)> = Vec::new();
        let mut missing: Vec<Arc<Project>> = Vec::new();
        for project in &batch.projects {
            let answer = match said.remove(&project.id) {
                Some(ProjectSaid::Newest(newest)) => answer(newest),
                Some(ProjectSaid::Nothing) => ProjectAnswer::Nothing,
                Some(ProjectSaid::Silent) => ProjectAnswer::Silent,
                Some(ProjectSaid::Failed(message)) => {
                    failed.push((Arc::clone(project), message));
                    continue;
                }
                None => {
                    missing.push(Arc::clone(project));
                    continue;
                }
            };
            if matches!(answer, ProjectAnswer::Head(_) | ProjectAnswer::Draft(_) | ProjectAnswer::Nothing) {
                self.has_answer = true;
                self.failures.clear();
            }
            self.put(project.id, &batch.filter, answer);
        }
        self.missing(batch, missing, has_more);
        self.failed_alone(batch, failed);
        if self.is_broken() {
            self.give_up("what it answers is full of errors".into());
        }
    }

    /// Decides about the projects that an answer left out: a shorter page than asked for is read on, silence is not.
    fn missing(&mut self, batch: &ProjectBatch, missing: Vec<Arc<Project>>, has_more: Option<bool>) {
        let came = batch.projects.len() - missing.len();
        let is_page = has_more == Some(true);
        if came > 0 && (is_page || missing.len() > ALONE) {
            self.queue.rest(batch, &missing, came, is_page);
            return;
        }
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        if may_fall_back && !self.has_answer && came == 0 && missing.len() > ALONE {
            self.give_up("it says nothing about any project".into());
            return;
        }
        for project in missing {
            self.put(project.id, &batch.filter, ProjectAnswer::Silent);
        }
    }

    /// Decides about the projects in whose midst something failed: a few are left to REST, more are rather too much at
    /// once. `--api graphql` asks about each alone.
    fn failed_alone(&mut self, batch: &ProjectBatch, failed: Vec<(Arc<Project>, String)>) {
        let is_alone = batch.projects.len() == 1;
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        if !is_alone && (failed.len() > ALONE || !may_fall_back) {
            self.queue.again(batch, failed.into_iter().map(|(project, _)| project).collect());
            return;
        }
        // As long as nothing was answered, a small batch of which everything failed tells as much as one project.
        if is_alone || (!self.has_answer && failed.len() == batch.projects.len()) {
            failed.iter().for_each(|(project, _)| self.note_failure(slice::from_ref(project)));
        }
        for (project, message) in failed {
            self.put(project.id, &batch.filter, ProjectAnswer::Unread(Failure::new(FailureKind::Graphql, message)));
        }
    }

    /// Counts projects that failed though they were asked about alone, each once.
    fn note_failure(&mut self, projects: &[Arc<Project>]) {
        self.failures.retain(|known| projects.iter().all(|project| project.id != known.id));
        self.failures.extend(projects.iter().cloned());
    }

    /// Says whether GraphQL counts as broken. As long as it has answered nothing, a group of one or two projects tells
    /// as much as it can.
    fn is_broken(&self) -> bool {
        let most = if self.has_answer { BROKEN } else { BROKEN.min(self.progress.listed.max(1)) };
        self.setup.options.api == ApiChoice::Auto && self.failures.len() >= most
    }

    /// Takes what can be learnt from a batch that brought nothing.
    fn failed(&mut self, batch: &ProjectBatch, error: Error) -> Result<(), Error> {
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        if self.api == Api::Rest {
            // It was under way when GraphQL was given up; its projects are read over REST already.
            return Ok(());
        }
        // A page in its place may be what a proxy makes of a large question; one project's is never large.
        let may_be_smaller = error.is_too_much() && batch.projects.len() > 1;
        if may_fall_back && error.is_graphql_unavailable() && !may_be_smaller {
            self.give_up(error.kind.to_string());
            return Ok(());
        }
        if error.is_fatal() && self.setup.client.has_token() {
            return Err(error);
        }
        // Halving a query that hangs takes half a minute a time; there must be time left for REST.
        if may_fall_back && !self.has_answer && self.begun.elapsed() > PATIENCE {
            self.give_up(error.kind.to_string());
            return Ok(());
        }
        if error.is_too_much() && self.queue.split(batch) {
            return Ok(());
        }
        if error.is_too_much() {
            self.note_failure(&batch.projects);
        }
        if self.is_broken() {
            self.give_up(error.kind.to_string());
            return Ok(());
        }
        let failure = Failure::from(&error);
        // What is refused or out of time fares no better over REST.
        let answer = if error.is_too_much() { ProjectAnswer::Unread } else { ProjectAnswer::Failed };
        for project in &batch.projects {
            self.put(project.id, &batch.filter, answer(failure.clone()));
        }
        Ok(())
    }

    /// Reads everything that is left, and whatever the list still finds, over REST.
    fn give_up(&mut self, why: String) {
        tracing::info!(why, "GraphQL is given up");
        self.fallback = Some(why);
        self.api = Api::Rest;
        self.queue.clear();
        self.forecast_by_rate();
        self.one_by_one.extend(self.gathered.drain().map(|(_, gathered)| gathered.project));
        for failed in self.failures.drain(..) {
            if self.readings.remove(&failed.id).is_some() {
                self.one_by_one.push_back(failed);
            }
        }
    }

    /// Puts an answer to the others of its project, and goes on when they are all there.
    fn put(&mut self, id: ProjectId, filter: &PipelineFilter, answer: ProjectAnswer) {
        let Some(gathered) = self.gathered.get_mut(&id) else { return };
        let open =
            gathered.filters.iter().zip(&mut gathered.answers).find(|(of, answer)| *of == filter && answer.is_none());
        if let Some((_, open)) = open {
            *open = Some(answer);
        }
        if gathered.answers.iter().all(Option::is_some) {
            self.judge(id);
        }
    }

    /// Decides what becomes of a project all of whose questions are answered: what has changed is read whole.
    fn judge(&mut self, id: ProjectId) {
        let Some(mut gathered) = self.gathered.remove(&id) else { return };
        gathered.keep_newest(&self.setup.options.refs);
        let before = self.setup.before(id);
        if let Some(last) = gathered.settled(before) {
            self.finish(gathered.project, ReadingOutcome::Settled(last));
            return;
        }
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        let is_for_rest = |(answer, seen): (&Option<ProjectAnswer>, &Option<PipelineHead>)| match answer {
            Some(ProjectAnswer::Silent) => true,
            Some(ProjectAnswer::Unread(_)) => may_fall_back && seen.is_none(),
            _ => false,
        };
        if gathered.answers.iter().zip(&gathered.heads).any(is_for_rest) {
            let drafts = partial_drafts(gathered.answers, before);
            if drafts.is_empty() {
                self.ask_rest(gathered.project);
            } else {
                self.partly.insert(id, drafts);
                self.one_by_one.push_back(gathered.project);
            }
            return;
        }
        for filter in gathered.open(before) {
            self.queue.add(BatchQuestion::Newest, &filter, Arc::clone(&gathered.project));
        }
        if gathered.answers.iter().any(Option::is_none) {
            self.gathered.insert(id, gathered);
            return;
        }
        let is_any = gathered.filters.contains(&PipelineFilter::Any);
        let project = gathered.project;
        match reading(gathered.answers, is_any, before) {
            // GraphQL says nothing where it may not show anything; REST says which it is.
            ReadingOutcome::None { .. } => self.ask_rest(project),
            ReadingOutcome::Pipelines(drafts) if drafts.iter().any(|draft| is_silent(&draft.pipeline, before)) => {
                self.partly.insert(id, drafts);
                self.one_by_one.push_back(project);
            }
            reading => self.finish(project, reading),
        }
    }

    /// Reads a project over REST, unless what GraphQL's silence means has been found out since the list was read.
    fn ask_rest(&mut self, project: Arc<Project>) {
        match self.setup.probed.get(&project.id) {
            Some(known) => self.finish(project, known.clone()),
            None => self.one_by_one.push_back(project),
        }
    }

    fn finish(&mut self, project: Arc<Project>, reading: ReadingOutcome) {
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

    fn forecast_by_rate(&mut self) {
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
    fn end(mut self) -> Projects {
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
