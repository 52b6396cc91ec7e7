//! Reading the past into the memory: pipelines of all projects since a day, newest first, with every attempt at their jobs.
//!
//! - `plan`: what is read of a project, and what is read together
//! - `ask`: the requests
//! - `lists`: a project's past out of REST's lists
//! - `summary`: how far it has come, and what came of it
//!
//! Over GraphQL one request tells which of 100 projects have anything new, and one reads up to 100 pipelines with their
//! jobs. Each page is written with where it goes on. Projects that cannot be read are gaps, never the end.

mod ask;
mod lists;
mod plan;
mod summary;

use self::ask::{FillAnswer, FillTask, PageTask};
use self::lists::ListedPast;
use self::plan::{FillProject, PageSize, PastPart, take_page};
pub use self::summary::{FillError, FillGap, FillOptions, FillPart, FillProgress, FillSummary};
pub(super) use self::summary::{Halt, gap_failure};
use super::filled::{FillCursor, FilledPart, OpenFill};
use super::record::detailed_job_fact;
use super::store::{HistoryError, HistoryStore};
use crate::domain::fact::{FactBatch, PipelineFact, ProjectFact, UnixSeconds};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::domain::usage::{Api, ApiChoice};
use crate::gitlab::client::{Answered, Client, PastPage, PastPipeline, PipelineNews, ProjectSaid};
use crate::gitlab::error::{Error, Kind};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::VecDeque;
use std::sync::Arc;

/// Projects in one question for what is new: GitLab's page.
const NEWS_BATCH: usize = 100;
/// Queries that fail one after the other before GraphQL counts as broken.
const BROKEN: usize = 3;

/// Takes how far it has come after each answer.
pub type FillSink<'a> = dyn Fn(FillProgress) + 'a;

/// Reads what is missing of the past of these projects; with half of what the client may, while something reads live.
pub async fn fill(
    client: &Client,
    store: &mut HistoryStore,
    options: FillOptions,
    is_live: &dyn Fn() -> bool,
    progress: &FillSink<'_>,
) -> Result<FillSummary, FillError> {
    let (api, fallback) = choose(client, options.api).await?;
    let mut work = Backfill::new(client, store, options, api)?;
    work.begin();
    let mut under_way = FuturesUnordered::new();
    loop {
        // What reads live comes first.
        let is_shared = is_live();
        client.halve_rate(is_shared);
        let most = if is_shared { (client.concurrency() / 2).max(1) } else { client.concurrency() };
        while under_way.len() < most
            && let Some(task) = work.take(under_way.len())
        {
            under_way.push(ask::ask(client, task));
        }
        let Some((task, answer)) = under_way.next().await else { break };
        work.done(task, answer)?;
        progress(work.progress());
    }
    Ok(work.end(fallback)?)
}

/// Chooses the API: GraphQL where it may be and answers, else with the reason why it is not.
async fn choose(client: &Client, choice: ApiChoice) -> Result<(Api, Option<String>), Box<Error>> {
    if choice == ApiChoice::Rest {
        return Ok((Api::Rest, None));
    }
    if client.fields().is_some() {
        return Ok((Api::Graphql, None));
    }
    match client.read_fields().await {
        Ok(()) => Ok((Api::Graphql, None)),
        Err(error) if choice == ApiChoice::Auto => Ok((Api::Rest, Some(error.kind.to_string()))),
        Err(error) => Err(Box::new(error)),
    }
}

/// All projects of one backfill, from the question for what is new to the end.
struct Backfill<'a> {
    client: &'a Client,
    store: &'a mut HistoryStore,
    since: UnixSeconds,
    /// As of when the past is read: what changes later is for the next run.
    until: UnixSeconds,
    choice: ApiChoice,
    api: Api,
    projects: Vec<FillProject>,
    /// Goes first.
    tasks: VecDeque<FillTask>,
    /// Projects whose first page is to be read, together where they are small.
    wanting: Vec<usize>,
    /// Questions for what is new that are not answered.
    news_left: usize,
    size: PageSize,
    failures: usize,
    halt: Halt,
    pipelines: u64,
    jobs: u64,
}

impl<'a> Backfill<'a> {
    fn new(
        client: &'a Client,
        store: &'a mut HistoryStore,
        options: FillOptions,
        api: Api,
    ) -> Result<Self, HistoryError> {
        let FillOptions { projects, since, api: choice } = options;
        let mut cursors = store.fill_cursors()?;
        let until = client.server_now().timestamp();
        let with_cursor = |project: Arc<Project>| FillProject::new(cursors.remove(&project.id), project);
        let projects: Vec<FillProject> = projects.into_iter().map(with_cursor).collect();
        Ok(Self {
            client,
            store,
            since,
            until,
            choice,
            api,
            projects,
            tasks: VecDeque::new(),
            wanting: Vec::new(),
            news_left: 0,
            size: PageSize::default(),
            failures: 0,
            halt: Halt::default(),
            pipelines: 0,
            jobs: 0,
        })
    }

    /// Plans the first requests: those that say what is new, or over REST the lists.
    fn begin(&mut self) {
        for at in 0..self.projects.len() {
            if self.projects[at].project.ci_enabled == Some(false) {
                self.gap(at, Failure::new(FailureKind::CiDisabled, "CI/CD is switched off"), true);
            } else if self.api == Api::Rest {
                self.over_rest(at);
            }
        }
        if self.api == Api::Rest {
            return;
        }
        let mut asked: Vec<usize> = (0..self.projects.len()).filter(|at| !self.projects[*at].is_done()).collect();
        for at in &asked {
            self.projects[*at].plan(Api::Graphql, self.since, self.until);
        }
        // The same time for all of a question: those that were read at the same time stay together.
        asked.sort_by_key(|at| self.projects[*at].news_since());
        for batch in asked.chunks(NEWS_BATCH) {
            self.ask_news(batch.to_vec());
        }
    }

    fn ask_news(&mut self, batch: Vec<usize>) {
        let since = batch.iter().map(|at| self.projects[*at].news_since()).min().unwrap_or(self.since);
        self.news_left += 1;
        self.tasks.push_back(FillTask::News(self.named(batch), since));
    }

    /// Adds to each project what requests need of it.
    fn named(&self, batch: Vec<usize>) -> Vec<(usize, Arc<Project>)> {
        batch.into_iter().map(|at| (at, Arc::clone(&self.projects[at].project))).collect()
    }

    /// Takes the next thing to ask.
    fn take(&mut self, under_way: usize) -> Option<FillTask> {
        if self.halt.why().is_some() {
            return None;
        }
        if let Some(task) = self.tasks.pop_front() {
            return Some(task);
        }
        // What the first page teaches counts for all others.
        let is_on_trial = !self.size.is_learnt() && under_way > 0;
        if self.news_left > 0 || is_on_trial || self.wanting.is_empty() {
            return None;
        }
        let projects = &self.projects;
        self.wanting.sort_by_key(|at| projects[*at].order());
        let (batch, pipelines) = take_page(&mut self.wanting, projects, self.size.get());
        let since = projects[*batch.first()?].part()?.span.since;
        Some(FillTask::Page(PageTask { projects: self.named(batch), since, pipelines, after: None }))
    }

    fn done(&mut self, task: FillTask, answer: FillAnswer) -> Result<(), FillError> {
        if !matches!(answer, FillAnswer::Failed(_)) {
            self.halt.answered();
        }
        match (task, answer) {
            (task, FillAnswer::Failed(error)) => self.failed(task, error)?,
            (FillTask::News(batch, _), FillAnswer::News(news)) => self.news(batch, news)?,
            (FillTask::Page(task), FillAnswer::Page(page, took)) => {
                self.size.answered(task.pipelines * task.projects.len(), took);
                self.page(task, page)?;
            }
            (FillTask::Probe(at, _), FillAnswer::Probe(has_any)) => self.probed(at, has_any)?,
            (FillTask::List(at, ..), FillAnswer::List(page)) => self.step(at, |past| past.listed(page))?,
            (FillTask::Jobs(at, ..), FillAnswer::Jobs(page)) => self.step(at, |past| past.walked(page))?,
            (FillTask::PipelineJobs(at, _, id), FillAnswer::PipelineJobs(jobs)) => {
                self.step(at, |past| past.pipeline_read(id, jobs))?;
            }
            (
                FillTask::News(..)
                | FillTask::Page(_)
                | FillTask::Probe(..)
                | FillTask::List(..)
                | FillTask::Jobs(..)
                | FillTask::PipelineJobs(..),
                _,
            ) => unreachable!("each question has its own answer"),
        }
        Ok(())
    }

    /// Takes what is new in some projects.
    fn news(&mut self, batch: Vec<(usize, Arc<Project>)>, answered: Answered<PipelineNews>) -> Result<(), FillError> {
        self.news_left -= 1;
        let Answered { projects: mut said, has_more, .. } = answered;
        let is_alone = batch.len() == 1;
        let came = said.len();
        let (mut missing, mut again, mut quiet) = (Vec::new(), Vec::new(), Vec::new());
        for (at, project) in batch {
            match said.remove(&project.id) {
                Some(ProjectSaid::Newest(PipelineNews { sees_any: false, .. }) | ProjectSaid::Nothing) => {
                    self.tasks.push_back(FillTask::Probe(at, project));
                }
                Some(ProjectSaid::Newest(PipelineNews { count, .. })) => {
                    self.projects[at].learn_count(count);
                    if self.projects[at].part().is_none() {
                        quiet.push(at);
                    } else {
                        self.go_on(at);
                    }
                }
                None if came > 0 && has_more == Some(true) => missing.push(at),
                Some(ProjectSaid::Silent | ProjectSaid::Failed(_)) | None if !is_alone => again.push(at),
                Some(ProjectSaid::Failed(said)) => self.untold(at, &said),
                Some(ProjectSaid::Silent) | None => self.untold(at, "GraphQL does not tell of it"),
            }
        }
        for rest in missing.chunks(came.max(1)) {
            self.ask_news(rest.to_vec());
        }
        again.into_iter().for_each(|at| self.ask_news(vec![at]));
        self.write_quiet(&quiet)
    }

    /// Notes of projects without news that they were looked at.
    fn write_quiet(&mut self, quiet: &[usize]) -> Result<(), FillError> {
        let mut parts = Vec::with_capacity(quiet.len());
        for at in quiet {
            let of = &mut self.projects[*at];
            let days = of.complete_quiet();
            parts.push(of.written(self.until, FactBatch::default(), days));
        }
        self.store.write_filled(&parts, self.until)?;
        quiet.iter().for_each(|at| self.projects[*at].end());
        Ok(())
    }

    /// Reads the next part of a project, or ends it.
    fn go_on(&mut self, at: usize) {
        let of = &mut self.projects[at];
        match of.part() {
            None => of.end(),
            Some(PastPart { span, next: Some(next), .. }) => {
                let (since, after) = (span.since, Some(next.clone()));
                let task = PageTask { projects: self.named(vec![at]), since, pipelines: self.size.get(), after };
                self.tasks.push_back(FillTask::Page(task));
            }
            Some(_) => self.wanting.push(at),
        }
    }

    /// Takes a page of pipelines of some projects, and writes it.
    fn page(&mut self, task: PageTask, answered: Answered<PastPage>) -> Result<(), FillError> {
        let Answered { projects: mut said, has_more, .. } = answered;
        let (is_alone, came) = (task.projects.len() == 1, said.len());
        let mut parts = Vec::new();
        let mut read = Vec::new();
        for (at, project) in task.projects {
            match said.remove(&project.id) {
                Some(ProjectSaid::Newest(page)) if page.next.is_some() && page.next == task.after => {
                    self.gap(at, Failure::new(FailureKind::ListRepeats, "its pages repeat themselves"), false);
                }
                Some(ProjectSaid::Newest(page)) => {
                    self.failures = 0;
                    parts.push(self.read(at, page));
                    read.push(at);
                }
                None if came > 0 && has_more == Some(true) => self.wanting.push(at),
                _ if !is_alone => {
                    self.projects[at].is_alone = true;
                    self.wanting.push(at);
                }
                Some(ProjectSaid::Failed(said)) => self.untold(at, &said),
                Some(ProjectSaid::Nothing | ProjectSaid::Silent) | None => {
                    self.untold(at, "GraphQL does not tell all of its pipelines");
                }
            }
        }
        self.store.write_filled(&parts, self.until)?;
        read.into_iter().for_each(|at| self.go_on(at));
        Ok(())
    }

    /// Makes what is written of a project's page.
    fn read(&mut self, at: usize, page: PastPage) -> FilledPart {
        let of = &mut self.projects[at];
        let facts = facts(of.project.id, &page.pipelines);
        (self.pipelines, self.jobs) =
            (self.pipelines + facts.pipelines.len() as u64, self.jobs + facts.jobs.len() as u64);
        of.read += facts.pipelines.len() as u64;
        let days = match page.next {
            Some(next) => {
                of.open_at(next);
                0..0
            }
            None => of.complete_part(),
        };
        of.written(self.until, facts, days)
    }

    /// Takes what REST lists of a project that GraphQL shows no pipelines of.
    fn probed(&mut self, at: usize, has_any: bool) -> Result<(), FillError> {
        if has_any {
            self.untold(at, "GraphQL shows none of its pipelines, REST does");
            return Ok(());
        }
        self.projects[at].learn_empty();
        self.write_quiet(&[at])
    }

    /// Leaves a project to REST that GraphQL does not tell of.
    fn untold(&mut self, at: usize, why: &str) {
        match self.choice {
            ApiChoice::Graphql => self.gap(at, Failure::new(FailureKind::Graphql, why), false),
            ApiChoice::Auto | ApiChoice::Rest => self.over_rest(at),
        }
    }

    fn over_rest(&mut self, at: usize) {
        let of = &mut self.projects[at];
        of.plan(Api::Rest, self.since, self.until);
        let Some(part) = of.part().cloned() else { return };
        let after = part.next.filter(|next| !next.is_empty());
        of.lists = Some(ListedPast::new(part.span, after));
        self.tasks.push_back(FillTask::List(at, Arc::clone(&of.project), part.span.since, 1));
    }

    /// Takes an answer of REST about a project, writes what it brought and asks on.
    fn step(
        &mut self,
        at: usize,
        take: impl FnOnce(&mut ListedPast) -> Result<lists::ListedStep, Failure>,
    ) -> Result<(), FillError> {
        let of = &mut self.projects[at];
        let Some(past) = &mut of.lists else { return Ok(()) };
        let step = match take(past) {
            Ok(step) => step,
            Err(failure) => {
                self.gap(at, failure, false);
                return Ok(());
            }
        };
        let facts = past.facts(of.project.id, step.jobs, step.next.is_none());
        let next = step.next.map(|next| next.task(at, &of.project, past.span.since));
        self.jobs += facts.jobs.len() as u64;
        let days = match (&next, past.cursor.clone()) {
            (None, _) => {
                self.pipelines += past.count();
                of.complete_part()
            }
            (Some(_), cursor) => {
                cursor.into_iter().for_each(|cursor| of.open_at(cursor));
                0..0
            }
        };
        if next.is_none() || !facts.is_empty() {
            let part = of.written(self.until, facts, days);
            self.store.write_filled(&[part], self.until)?;
        }
        match next {
            Some(task) => self.tasks.push_front(task),
            None => self.rest_part_done(at),
        }
        Ok(())
    }

    /// Goes on with what is new after what an earlier run has begun, or ends the project.
    fn rest_part_done(&mut self, at: usize) {
        let of = &mut self.projects[at];
        let Some(part) = of.part() else { return of.end() };
        let span = part.span;
        of.lists = Some(ListedPast::new(span, None));
        self.tasks.push_front(FillTask::List(at, Arc::clone(&of.project), span.since, 1));
    }

    /// Decides what a failed request means: the end, a smaller one, the other API, or a gap.
    fn failed(&mut self, task: FillTask, error: Error) -> Result<(), FillError> {
        if error.is_fatal() && self.client.has_token() {
            return Err(FillError::Request(Box::new(error)));
        }
        if self.halt.ends_by(&error) {
            return Ok(());
        }
        match task {
            FillTask::News(batch, _) => {
                self.news_left -= 1;
                let batch: Vec<usize> = batch.into_iter().map(|(at, _)| at).collect();
                self.failed_query(batch, &error, |work, half| work.ask_news(half));
            }
            FillTask::Page(task) => {
                let batch: Vec<usize> = task.projects.iter().map(|(at, _)| *at).collect();
                if error.is_too_much() && self.size.refused(task.pipelines * task.projects.len()) {
                    // Smaller by now.
                    batch.into_iter().for_each(|at| self.go_on(at));
                } else {
                    self.failed_query(batch, &error, |work, half| {
                        for at in half {
                            work.projects[at].is_alone = true;
                            work.go_on(at);
                        }
                    });
                }
            }
            // A GitLab that does not read this list by keys.
            FillTask::Jobs(at, _, None) if matches!(error.status(), Some(400 | 405)) => {
                return self.step(at, |past| Ok(past.without_list()));
            }
            FillTask::Probe(at, _) | FillTask::List(at, ..) | FillTask::Jobs(at, ..) => self.gap_by(at, &error),
            FillTask::PipelineJobs(at, _, id) if error.status() == Some(404) => {
                // Deleted since it was listed.
                return self.step(at, |past| past.pipeline_read(id, Vec::new()));
            }
            FillTask::PipelineJobs(at, ..) => self.gap_by(at, &error),
        }
        Ok(())
    }

    /// Asks a failed query again in halves, or leaves its projects to REST.
    fn failed_query(&mut self, batch: Vec<usize>, error: &Error, again: impl Fn(&mut Self, Vec<usize>)) {
        if error.is_too_much() && batch.len() > 1 {
            let (first, second) = batch.split_at(batch.len().div_ceil(2));
            [first, second].into_iter().for_each(|half| again(self, half.to_vec()));
            return;
        }
        self.failures += 1;
        for at in batch {
            self.untold_by(at, error);
        }
        if self.failures >= BROKEN && self.choice == ApiChoice::Auto && self.api == Api::Graphql {
            self.give_up();
        }
    }

    fn untold_by(&mut self, at: usize, error: &Error) {
        match (self.choice, &error.kind) {
            // The limit is that of both APIs.
            (ApiChoice::Graphql, _) | (_, Kind::RateLimited { .. }) => self.gap_by(at, error),
            (ApiChoice::Auto | ApiChoice::Rest, _) => self.over_rest(at),
        }
    }

    /// Reads over REST what GraphQL was to be asked for.
    fn give_up(&mut self) {
        self.api = Api::Rest;
        let mut left = std::mem::take(&mut self.wanting);
        for task in std::mem::take(&mut self.tasks) {
            match task {
                FillTask::News(batch, _) => {
                    self.news_left -= 1;
                    left.extend(batch.into_iter().map(|(at, _)| at));
                }
                FillTask::Page(task) => left.extend(task.projects.into_iter().map(|(at, _)| at)),
                task => self.tasks.push_back(task),
            }
        }
        left.into_iter().for_each(|at| self.over_rest(at));
    }

    fn gap_by(&mut self, at: usize, error: &Error) {
        let (failure, is_hidden) = gap_failure(error, self.client.has_token(), FillPart::Pipelines);
        self.halt.failed(error, &failure);
        self.gap(at, failure, is_hidden);
    }

    fn gap(&mut self, at: usize, failure: Failure, is_hidden: bool) {
        self.projects[at].gap = Some((failure, is_hidden));
    }
}

/// Returns what is kept of a page of pipelines.
fn facts(project: ProjectId, pipelines: &[PastPipeline]) -> FactBatch {
    let jobs = |past: &PastPipeline| {
        let fact = |attempt| detailed_job_fact(project, &past.pipeline, attempt);
        past.jobs.attempts.iter().filter_map(fact).collect::<Vec<_>>()
    };
    FactBatch {
        pipelines: pipelines.iter().map(|past| PipelineFact::of(project, &past.pipeline)).collect(),
        jobs: pipelines.iter().flat_map(jobs).collect(),
        ..FactBatch::default()
    }
}
