//! Reading what was deployed into the memory: deployments of each project, the merge requests that those to production
//! brought, environments with their tiers, and incidents of the groups.
//!
//! A deployment's job belongs to a pipeline, and a pipeline changes when its job runs. A project is therefore asked for its
//! deployments once, and later only where one of its pipelines has changed since, where some of its deployments belong to
//! no pipeline that is known (a program or a child pipeline made them), and once a week. The merge requests of a
//! deployment never change: they are asked for once.
//!
//! Each answer is written with how far the list was read by it, so that a reading that ends at any moment goes on there.

mod kept;
pub(crate) mod merged;
mod plan;
mod task;

use self::kept::is_due;
pub(crate) use self::plan::DeliveryWants;
use self::plan::{OpenStart, open_commits, open_merges, open_starts};
use self::task::{ChangedList, DeliveryAnswer, DeliveryTask, ask, list_repeats};
use super::backfill::{FillError, FillGap, FillPart, Halt, gap_failure};
use super::store::{HistoryError, HistoryStore, SECONDS_PER_DAY};
use crate::domain::delivery::{DeliveryBatch, DeploymentFact, EnvironmentStart, IncidentFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::failure::Failure;
use crate::domain::id::{GroupRef, ProjectId};
use crate::domain::project::Project;
use crate::domain::usage::ApiChoice;
use crate::gitlab::client::{ChangedPage, Client, PipelineNews, ProjectSaid};
use crate::gitlab::error::Error;
use chrono::DateTime;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// So long before the last look the next one begins, and so long after a deployment its merge requests are asked for:
/// GitLab links them in the background.
const OVERLAP: i64 = 10 * 60;

/// Projects in one question for what is new: GitLab's page.
const NEWS_BATCH: usize = 100;
/// A project is asked again after this time, whatever its pipelines say.
const WEEK: i64 = 7 * SECONDS_PER_DAY;
/// Before any time at which something was seen.
const EVER: UnixSeconds = UnixSeconds::MIN + 1;

/// Whose deliveries are read.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryOptions {
    pub projects: Vec<Arc<Project>>,
    /// Whose incidents are read.
    pub groups: Vec<GroupRef>,
    /// Begin of a day.
    pub since: UnixSeconds,
    pub wants: DeliveryWants,
    /// Asks GitLab which projects have pipelines that changed; else the memory knows, because it was just filled.
    pub asks_news: bool,
    pub api: ApiChoice,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct DeliverySummary {
    /// Facts that were read, those that were known among them.
    pub deployments: u64,
    pub merge_requests: u64,
    pub incidents: u64,
    pub gaps: Vec<FillGap>,
    pub incident_gaps: Vec<IncidentGap>,
}

/// A group whose incidents could not be read.
#[derive(Debug)]
pub(crate) struct IncidentGap {
    pub group: GroupRef,
    pub failure: Failure,
    /// GitLab itself says that this token may not see them.
    pub is_hidden: bool,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DeliveryProgress {
    pub deployments: u64,
    /// Requests that were answered, and those that are known to be needed.
    pub answered: usize,
    pub planned: usize,
}

/// Reads what is missing of the deliveries of these projects and groups; with half of what the client may, while something
/// reads live.
pub(crate) async fn fill_deliveries(
    client: &Client,
    store: &mut HistoryStore,
    options: DeliveryOptions,
    is_live: &dyn Fn() -> bool,
    progress: &dyn Fn(DeliveryProgress),
) -> Result<DeliverySummary, FillError> {
    let mut work = DeliveryFill::new(client, store, options, FillPart::Deployments);
    let changed = work.changed_projects().await?;
    work.plan_lists(&changed)?;
    work.run(is_live, progress).await?;
    work.plan_merges()?;
    work.run(is_live, progress).await?;
    work.plan_commits()?;
    work.run(is_live, progress).await?;
    Ok(work.end()?)
}

struct DeliveryFill<'a> {
    client: &'a Client,
    store: &'a mut HistoryStore,
    options: DeliveryOptions,
    /// What a gap is one of.
    part: FillPart,
    until: UnixSeconds,
    tasks: VecDeque<DeliveryTask>,
    halt: Halt,
    progress: DeliveryProgress,
    summary: DeliverySummary,
}

impl<'a> DeliveryFill<'a> {
    fn new(client: &'a Client, store: &'a mut HistoryStore, options: DeliveryOptions, part: FillPart) -> Self {
        let until = client.server_now().timestamp();
        Self {
            client,
            store,
            options,
            part,
            until,
            tasks: VecDeque::new(),
            halt: Halt::default(),
            progress: DeliveryProgress::default(),
            summary: DeliverySummary::default(),
        }
    }

    fn add(&mut self, task: DeliveryTask) {
        self.progress.planned += 1;
        self.tasks.push_back(task);
    }

    /// Asks which of the projects that were read have pipelines that changed since. Where GitLab does not tell, all may have.
    async fn changed_projects(&mut self) -> Result<ChangedProjects, FillError> {
        if !self.options.asks_news {
            return Ok(ChangedProjects::Remembered);
        }
        let read = self.read_projects()?;
        let is_told = self.options.api != ApiChoice::Rest && !read.is_empty();
        if !is_told || (self.client.fields().is_none() && self.client.read_fields().await.is_err()) {
            return Ok(ChangedProjects::AllBut(HashSet::new()));
        }
        let mut quiet = HashSet::new();
        for batch in read.chunks(NEWS_BATCH) {
            quiet.extend(self.quiet_projects(batch).await?);
        }
        for project in &quiet {
            self.store.write_quiet_deliveries(*project, self.until)?;
        }
        Ok(ChangedProjects::AllBut(quiet))
    }

    /// Returns the projects of which a change would be seen, and until when they were read. The same time for all of a
    /// question: those that were read at the same time come together.
    fn read_projects(&self) -> Result<Vec<(UnixSeconds, ProjectId)>, HistoryError> {
        let mut read = Vec::new();
        for project in &self.options.projects {
            let known = self.store.known_deliveries(project.id)?;
            let is_enough = !known.has_apart && !known.has_open && !known.is_old(self.until);
            let whole = known.whole.filter(|whole| is_enough && whole.since <= self.options.since);
            read.extend(whole.map(|whole| (whole.until, project.id)));
        }
        read.sort_unstable();
        Ok(read)
    }

    /// Asks which of these projects have no pipeline that changed since the first of them was read.
    async fn quiet_projects(&self, batch: &[(UnixSeconds, ProjectId)]) -> Result<Vec<ProjectId>, FillError> {
        let since = batch.first().map_or(self.options.since, |(until, _)| *until).min(self.until);
        let since = DateTime::from_timestamp(since.saturating_sub(OVERLAP), 0).unwrap_or(DateTime::UNIX_EPOCH);
        let ids: Vec<ProjectId> = batch.iter().map(|(_, id)| *id).collect();
        let is_quiet = |said: &ProjectSaid<PipelineNews>| matches!(said, ProjectSaid::Newest(news) if news.sees_any && news.count == 0);
        match self.client.news(&ids, since).await {
            Ok(answered) => {
                let quiet = answered.projects.into_iter().filter(|(_, said)| is_quiet(said));
                Ok(quiet.map(|(id, _)| id).collect())
            }
            Err(error) if error.is_fatal() && self.client.has_token() => Err(FillError::Request(Box::new(error))),
            Err(error) => {
                tracing::info!(%error, "what has changed is not known: all projects are asked");
                Ok(Vec::new())
            }
        }
    }

    fn plan_lists(&mut self, changed: &ChangedProjects) -> Result<(), HistoryError> {
        for group in self.options.groups.clone() {
            let known = self.store.known_incidents(&group)?;
            let list = ChangedList::new(known, self.options.since, self.until);
            self.add(DeliveryTask::Incidents(group, list));
        }
        for (at, project) in self.options.projects.clone().iter().enumerate() {
            let known = self.store.known_deliveries(project.id)?;
            let is_due = match changed {
                ChangedProjects::Remembered => is_due(&known, self.options.since, self.until),
                ChangedProjects::AllBut(quiet) => !quiet.contains(&project.id),
            };
            if is_due {
                let list = ChangedList::new(known.whole, self.options.since, self.until);
                self.add(DeliveryTask::Deployments(at, list));
            } else if self.store.lacks_environments(project.id, EVER)? {
                // The last run could not read them.
                self.add(DeliveryTask::Environments(at));
            }
        }
        Ok(())
    }

    /// Plans the merge requests of deployments that are known, whenever they were read.
    fn plan_merges(&mut self) -> Result<(), HistoryError> {
        let chosen: HashMap<ProjectId, usize> =
            self.options.projects.iter().enumerate().map(|(at, project)| (project.id, at)).collect();
        let batch = self.store.deliveries()?;
        let mut wants = self.options.wants.clone();
        wants.merges.1 = wants.merges.1.min(self.until.saturating_sub(OVERLAP));
        for (project, deployment) in open_merges(&batch, &wants, self.options.since) {
            if let Some(at) = chosen.get(&project) {
                self.add(DeliveryTask::Merges(*at, deployment));
            }
        }
        for start in open_starts(&batch, &wants).into_iter().filter(|_| wants.starts) {
            if let Some(at) = chosen.get(&start.project) {
                self.add(DeliveryTask::Start(*at, start));
            }
        }
        Ok(())
    }

    /// Plans the first commits of merge requests that are known.
    fn plan_commits(&mut self) -> Result<(), HistoryError> {
        if !self.options.wants.first_commits {
            return Ok(());
        }
        let chosen: HashMap<ProjectId, usize> =
            self.options.projects.iter().enumerate().map(|(at, project)| (project.id, at)).collect();
        for (project, iid) in open_commits(&self.store.deliveries()?, &self.options.wants) {
            if let Some(at) = chosen.get(&project) {
                self.add(DeliveryTask::Commits(*at, iid));
            }
        }
        Ok(())
    }

    async fn run(&mut self, is_live: &dyn Fn() -> bool, progress: &dyn Fn(DeliveryProgress)) -> Result<(), FillError> {
        let client = self.client;
        let mut under_way = FuturesUnordered::new();
        loop {
            // What reads live comes first.
            let is_shared = is_live();
            client.halve_rate(is_shared);
            let most = if is_shared { (client.concurrency() / 2).max(1) } else { client.concurrency() };
            while under_way.len() < most
                && let Some(task) = self.tasks.pop_front()
            {
                if let Some(why) = self.halt.why() {
                    self.lost(&task, why.clone(), false);
                    continue;
                }
                let project = task.project().and_then(|at| self.options.projects.get(at)).cloned();
                under_way.push(ask(client, task, project));
            }
            let Some((task, answer)) = under_way.next().await else { return Ok(()) };
            self.progress.answered += 1;
            match answer {
                Ok(answer) => self.take(task, answer)?,
                Err(error) => self.failed(&task, error)?,
            }
            progress(self.progress);
        }
    }

    fn take(&mut self, task: DeliveryTask, answer: DeliveryAnswer) -> Result<(), FillError> {
        self.halt.answered();
        match (task, answer) {
            (DeliveryTask::Deployments(at, list), DeliveryAnswer::Deployments(page)) => {
                self.deployments(at, list, page)?
            }
            (DeliveryTask::Environments(_), DeliveryAnswer::Environments(environments)) => {
                self.store.write_deliveries(&DeliveryBatch { environments, ..DeliveryBatch::default() })?;
            }
            (DeliveryTask::Merges(at, deployment), DeliveryAnswer::Merges(requests)) => {
                self.summary.merge_requests += requests.len() as u64;
                self.store.write_merges((self.options.projects[at].id, deployment), &requests)?;
            }
            (DeliveryTask::Incidents(group, list), DeliveryAnswer::Incidents(page)) => {
                self.incidents(group, list, page)?
            }
            (DeliveryTask::Merged(at, list), DeliveryAnswer::Merged(page)) => self.merged(at, list, page)?,
            (DeliveryTask::Start(at, start), DeliveryAnswer::Start(before)) => self.started(at, start, before)?,
            (DeliveryTask::Commits(at, iid), DeliveryAnswer::Commits(first)) => {
                self.store.write_first_commit(self.options.projects[at].id, iid, first)?;
            }
            (
                DeliveryTask::Deployments(..)
                | DeliveryTask::Environments(_)
                | DeliveryTask::Merges(..)
                | DeliveryTask::Incidents(..)
                | DeliveryTask::Start(..)
                | DeliveryTask::Commits(..)
                | DeliveryTask::Merged(..),
                _,
            ) => unreachable!("each question has its own answer"),
        }
        Ok(())
    }

    /// Takes a page of a project's deployments.
    fn deployments(
        &mut self,
        at: usize,
        list: ChangedList,
        page: ChangedPage<DeploymentFact>,
    ) -> Result<(), HistoryError> {
        let project = self.options.projects[at].id;
        let count = page.facts.len() as u64;
        let Ok((known, next)) = list.next(&page) else {
            self.lost(&DeliveryTask::Deployments(at, list), list_repeats(), false);
            return Ok(());
        };
        let batch = DeliveryBatch { deployments: page.facts, ..DeliveryBatch::default() };
        self.store.write_deployments(project, &batch, known)?;
        (self.summary.deployments, self.progress.deployments) =
            (self.summary.deployments + count, self.progress.deployments + count);
        match next {
            Some(next) => self.add(DeliveryTask::Deployments(at, next)),
            None if self.store.lacks_environments(project, self.until.saturating_sub(WEEK))? => {
                self.add(DeliveryTask::Environments(at));
            }
            None => {}
        }
        Ok(())
    }

    /// Takes what lies before the first deployment that is known of an environment.
    fn started(
        &mut self,
        at: usize,
        start: OpenStart,
        before: Option<Box<DeploymentFact>>,
    ) -> Result<(), HistoryError> {
        let baseline = before.is_none().then_some(start.first);
        let first_at = before.as_ref().and_then(|before| before.finished_at()).unwrap_or(start.first_at);
        let known = EnvironmentStart {
            project: self.options.projects[at].id,
            environment_name: start.environment,
            first_at,
            baseline,
        };
        let deployments = before.into_iter().map(|before| *before).collect();
        self.store.write_deliveries(&DeliveryBatch { deployments, starts: vec![known], ..DeliveryBatch::default() })
    }

    /// Takes a page of a group's incidents.
    fn incidents(
        &mut self,
        group: GroupRef,
        list: ChangedList,
        page: ChangedPage<IncidentFact>,
    ) -> Result<(), HistoryError> {
        let count = page.facts.len() as u64;
        let Ok((known, next)) = list.next(&page) else {
            self.lost(&DeliveryTask::Incidents(group, list), list_repeats(), false);
            return Ok(());
        };
        let batch = DeliveryBatch { incidents: page.facts, ..DeliveryBatch::default() };
        self.store.write_incidents(&group, &batch, known)?;
        self.summary.incidents += count;
        next.into_iter().for_each(|next| self.add(DeliveryTask::Incidents(group.clone(), next)));
        Ok(())
    }

    /// Decides what a failed request means: the end, or a gap.
    fn failed(&mut self, task: &DeliveryTask, error: Error) -> Result<(), FillError> {
        if error.is_fatal() && self.client.has_token() {
            return Err(FillError::Request(Box::new(error)));
        }
        if let DeliveryTask::Merges(at, deployment) = task
            && error.status() == Some(404)
        {
            // Deleted since it was listed.
            self.store.write_merges((self.options.projects[*at].id, *deployment), &[])?;
            return Ok(());
        }
        if let DeliveryTask::Commits(at, iid) = task
            && error.status() == Some(404)
        {
            self.store.write_first_commit(self.options.projects[*at].id, *iid, None)?;
            return Ok(());
        }
        let (failure, is_hidden) = gap_failure(&error, self.client.has_token(), self.part);
        self.halt.failed(&error, &failure);
        self.lost(task, failure, is_hidden);
        Ok(())
    }

    fn end(self) -> Result<DeliverySummary, HistoryError> {
        let failed: HashSet<ProjectId> = self.summary.gaps.iter().map(|gap| gap.project.id).collect();
        let whole = self.options.projects.iter().map(|project| project.id).filter(|id| !failed.contains(id));
        let whole: Vec<ProjectId> = whole.collect();
        self.store.write_gaps(self.part, (&self.summary.gaps, &whole), self.until)?;
        Ok(self.summary)
    }

    fn lost(&mut self, task: &DeliveryTask, failure: Failure, is_hidden: bool) {
        match task {
            DeliveryTask::Incidents(group, _) => {
                self.summary.incident_gaps.push(IncidentGap { group: group.clone(), failure, is_hidden });
            }
            DeliveryTask::Deployments(at, _)
            | DeliveryTask::Environments(at)
            | DeliveryTask::Merges(at, _)
            | DeliveryTask::Start(at, _)
            | DeliveryTask::Commits(at, _)
            | DeliveryTask::Merged(at, _) => {
                let project = Arc::clone(&self.options.projects[*at]);
                // The first reason says it all.
                if self.summary.gaps.iter().all(|gap| gap.project.id != project.id) {
                    self.summary.gaps.push(FillGap { project, part: self.part, failure, is_hidden });
                }
            }
        }
    }
}

/// Projects that have pipelines which changed.
enum ChangedProjects {
    /// As the memory has it.
    Remembered,
    AllBut(HashSet<ProjectId>),
}

#[cfg(test)]
mod tests;
