//! Keeps what an exporter shows up to date: a query for a hundred projects says which have changed, and only refs whose
//! pipelines changed are read.
//!
//! Every interval costs one query for each hundred projects, what changed, and a few requests that look for refs and
//! environments that have come or gone.

mod look_around;

use super::environment::{self, EnvironmentReadout};
use super::ref_reading::RefReader;
use super::refs;
use super::tracked_project::{DueRef, TrackedProject};
use super::wakes::{TrackerWake, WaitingWakes, WakeReceiver};
use crate::collect::told::ToldProjects;
use crate::domain::exported::{PipelineReadout, ToldRuns, TrackedRef};
use crate::domain::failure::Failure;
use crate::domain::id::{EnvironmentId, JobId, PipelineId, ProjectId};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::tracking::{Compatibility, TrackingRules};
use crate::gitlab::client::{Client, ProjectSaid, Purpose};
use crate::gitlab::error::Error;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Projects in one query.
const PER_QUERY: usize = 100;
/// Changes are asked for from a little earlier: what was written in the same moment may have been seen by neither.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// Wake-ups come in bursts: a pipeline that begins says it for each of its jobs.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// Chooses the rules of a project; `None` where it is not tracked.
pub type RulesOf = Arc<dyn Fn(&Project) -> Option<Arc<TrackingRules>> + Send + Sync>;

/// How the tracker works.
#[derive(Clone)]
pub struct TrackerOptions {
    pub interval: Duration,
    /// How long one look may take.
    pub max_time: Duration,
    pub compatibility: Compatibility,
    /// Requests in each interval, as long as nothing changes: the queries that say so, and with what they leave refs and
    /// environments are looked for; with one at least.
    pub beside: u64,
    pub rules_of: RulesOf,
    /// What GitLab tells about by itself, and is asked about less often.
    pub told: ToldProjects,
}

/// What the tracker has found out.
#[derive(Debug)]
pub enum TrackerNews {
    Ref {
        project: Arc<str>,
        tracked: TrackedRef,
        rules: Arc<TrackingRules>,
        readouts: Vec<PipelineReadout>,
        /// Pipelines that have begun since the last reading, those that were not read among them.
        told: ToldRuns,
    },
    RefGone {
        project: Arc<str>,
        tracked: TrackedRef,
    },
    Environment {
        project: Arc<str>,
        rules: Arc<TrackingRules>,
        readout: Box<EnvironmentReadout>,
        /// The job of the deployment that was known before.
        known_job: JobId,
    },
    EnvironmentGone {
        project: Arc<str>,
        name: String,
    },
    /// Something could not be read; what is shown of it is as old as it was.
    Failed {
        project: Arc<str>,
        failure: Failure,
    },
    /// A look has ended.
    Looked(TrackerCounts),
}

/// What is tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackerCounts {
    pub projects: usize,
    pub refs: usize,
    pub environments: usize,
    /// Refs and environments that could not be read yet.
    pub due: usize,
}

/// Looks again and again, until no one listens.
pub async fn run(
    client: Client,
    options: TrackerOptions,
    mut projects: watch::Receiver<Arc<[Arc<Project>]>>,
    wakes: WakeReceiver,
    news: mpsc::Sender<TrackerNews>,
) {
    let mut tracker = Tracker { client, options, projects: BTreeMap::new(), place: 0, unchecked: None, news };
    let mut until = Instant::now();
    let mut looked_at_all: Option<Instant> = None;
    loop {
        tracker.take_list(&projects.borrow_and_update().clone()).await;
        tracker.take_wakes(wakes.take());
        let is_turn = Instant::now() >= until;
        if is_turn {
            until = Instant::now() + tracker.options.interval;
        }
        let told = tracker.options.told.projects();
        let reconcile = tracker.options.told.reconcile();
        let is_reconciled = !told.is_empty() && looked_at_all.is_some_and(|at| at.elapsed() < reconcile);
        let scope = match (is_turn, is_reconciled) {
            (false, _) => LookScope::Due,
            (true, true) => LookScope::Beside(told),
            (true, false) => {
                looked_at_all = Some(Instant::now());
                LookScope::Everything
            }
        };
        let deadline = Instant::now() + tracker.options.max_time;
        let client = tracker.client.for_purpose(Purpose::Refresh, deadline);
        if tracker.look(&client, &scope).await.is_err() {
            return;
        }
        tokio::select! {
            () = sleep_until(until) => {}
            changed = projects.changed() => if changed.is_err() { return },
            () = wakes.wait() => sleep(DEBOUNCE).await,
        }
    }
}

/// What is looked at.
enum LookScope {
    /// What is known to have moved.
    Due,
    /// That, and in its turn what GitLab does not tell about.
    Beside(Arc<BTreeSet<ProjectId>>),
    Everything,
}

impl LookScope {
    /// Says whether a project is asked whether it has changed.
    fn asks(&self, project: &TrackedProject) -> bool {
        match self {
            Self::Due => project.has_moved,
            Self::Beside(told) => project.has_moved || !told.contains(&project.id),
            Self::Everything => true,
        }
    }
}

/// No one listens any more.
struct NoListener;

struct Tracker {
    client: Client,
    options: TrackerOptions,
    projects: BTreeMap<ProjectId, TrackedProject>,
    /// Which project is looked at next in the background.
    place: usize,
    /// The one of which the last turn did not ask whether what is shown is still there.
    unchecked: Option<ProjectId>,
    news: mpsc::Sender<TrackerNews>,
}

impl Tracker {
    async fn tell(&self, news: TrackerNews) -> Result<(), NoListener> {
        self.news.send(news).await.map_err(|_| NoListener)
    }

    /// Takes over the list of projects. One that was renamed is another one for those who look at metrics.
    async fn take_list(&mut self, listed: &[Arc<Project>]) {
        if listed.is_empty() {
            return;
        }
        let mut wanted: HashMap<ProjectId, (&str, Arc<TrackingRules>)> = HashMap::new();
        for project in listed.iter().filter(|project| project.ci_enabled != Some(false)) {
            if let Some(rules) = (self.options.rules_of)(project) {
                wanted.insert(project.id, (&project.full_path, rules));
            }
        }
        let is_wanted = |project: &TrackedProject| {
            wanted.get(&project.id).is_some_and(|(path, rules)| **path == *project.path && *rules == project.rules)
        };
        let gone: Vec<ProjectId> =
            self.projects.values().filter(|project| !is_wanted(project)).map(|project| project.id).collect();
        for id in gone {
            let Some(project) = self.projects.remove(&id) else { continue };
            for tracked in project.refs.into_keys() {
                let _ = self.tell(TrackerNews::RefGone { project: Arc::clone(&project.path), tracked }).await;
            }
            for state in project.environments.into_values() {
                let gone = TrackerNews::EnvironmentGone { project: Arc::clone(&project.path), name: state.name };
                let _ = self.tell(gone).await;
            }
        }
        for (id, (path, rules)) in wanted {
            self.projects.entry(id).or_insert_with(|| TrackedProject::new(id, path, rules));
        }
    }

    fn take_wakes(&mut self, waiting: WaitingWakes) {
        let wakes = match waiting {
            WaitingWakes::Nothing => return,
            WaitingWakes::Everything => {
                // What was said is lost, so that everything may have moved.
                for project in self.projects.values_mut() {
                    for tracked in project.refs.keys() {
                        project.due.entry(tracked.clone()).or_default().newest = None;
                    }
                    project.due_environments.extend(project.environments.keys());
                }
                return;
            }
            WaitingWakes::Some(wakes) => wakes,
        };
        for wake in wakes {
            let (TrackerWake::Ref(id, _)
            | TrackerWake::Environment(id, _)
            | TrackerWake::Project(id)
            | TrackerWake::Pipelines(id)) = &wake;
            if let Some(project) = self.projects.get_mut(id) {
                project.wake(wake);
            }
        }
    }

    /// Looks at what is due; in its turn at everything that may have changed.
    async fn look(&mut self, client: &Client, scope: &LookScope) -> Result<(), NoListener> {
        self.discover(client).await?;
        self.look_for_changes(client, scope).await?;
        // A ref of a kind that was not known has appeared.
        self.discover(client).await?;
        if !matches!(scope, LookScope::Due) {
            self.active_are_due();
        }
        self.read_refs(client).await?;
        self.read_environments(client).await?;
        if matches!(scope, LookScope::Everything) {
            self.look_around(client).await?;
        }
        self.tell(TrackerNews::Looked(self.counts())).await
    }

    fn counts(&self) -> TrackerCounts {
        let sum = |count: fn(&TrackedProject) -> usize| self.projects.values().map(count).sum();
        TrackerCounts {
            projects: self.projects.len(),
            refs: sum(|project| project.refs.len()),
            environments: sum(|project| project.environments.len()),
            due: sum(|project| project.due.len() + project.due_environments.len()),
        }
    }

    /// Finds the refs and environments of projects of which they are not known.
    async fn discover(&mut self, client: &Client) -> Result<(), NoListener> {
        let due: Vec<ProjectId> =
            self.projects.values().filter(|project| project.wants_discovery()).map(|project| project.id).collect();
        let now = client.server_now();
        let found: Vec<(ProjectId, Result<Discovery, Error>)> = stream::iter(due)
            .filter_map(|id| std::future::ready(self.projects.get(&id)))
            .map(|project| async { (project.id, Discovery::read(client, project, now).await) })
            .buffer_unordered(client.concurrency())
            .collect()
            .await;
        for (id, found) in found {
            self.take_discovery(id, found).await?;
        }
        Ok(())
    }

    async fn take_discovery(&mut self, id: ProjectId, found: Result<Discovery, Error>) -> Result<(), NoListener> {
        let interval = self.options.interval;
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let path = Arc::clone(&project.path);
        project.discovered(found.is_err(), interval);
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.tell(TrackerNews::Failed { project: path, failure: (&error).into() }).await,
        };
        let gone = project.found_refs(found.refs);
        let gone_environments = project.found_environments(found.environments);
        for tracked in gone {
            self.tell(TrackerNews::RefGone { project: Arc::clone(&path), tracked }).await?;
        }
        for name in gone_environments {
            self.tell(TrackerNews::EnvironmentGone { project: Arc::clone(&path), name }).await?;
        }
        Ok(())
    }

    /// Asks which projects have changed, and which of their refs.
    async fn look_for_changes(&mut self, client: &Client, scope: &LookScope) -> Result<(), NoListener> {
        let now = client.server_now();
        let mut open: Vec<(ProjectId, DateTime<Utc>)> = Vec::new();
        for project in self.projects.values_mut() {
            match project.looked_at {
                // Its refs are all read whole.
                None => project.know_changes(now),
                Some(at) if scope.asks(project) => open.push((project.id, at - OVERLAP)),
                Some(_) => {}
            }
        }
        let chunks: Vec<Vec<(ProjectId, DateTime<Utc>)>> = open.chunks(PER_QUERY).map(<[_]>::to_vec).collect();
        let told: Vec<ProjectChanges> = stream::iter(chunks)
            .map(|chunk| changed_projects(client, chunk))
            .buffer_unordered(client.concurrency())
            .collect()
            .await;
        let mut changed = Vec::new();
        for chunk in told {
            for (id, newest) in chunk.unchanged {
                self.looked_at(id, now, newest);
            }
            changed.extend(chunk.may_have_changed);
        }
        let lists: Vec<(ProjectId, Result<Vec<_>, Error>)> = stream::iter(changed)
            .map(|(id, since)| async move { (id, changed_pipelines(client, id, since).await) })
            .buffer_unordered(client.concurrency())
            .collect()
            .await;
        for (id, pipelines) in lists {
            let Some(project) = self.projects.get_mut(&id) else { continue };
            match pipelines {
                Ok(pipelines) => {
                    project.changed(&pipelines);
                    project.know_changes(now);
                }
                // It is asked about from the same time on in the next turn.
                Err(error) => {
                    let news = TrackerNews::Failed { project: Arc::clone(&project.path), failure: (&error).into() };
                    self.tell(news).await?;
                }
            }
        }
        Ok(())
    }

    fn looked_at(&mut self, id: ProjectId, now: DateTime<Utc>, newest: Option<PipelineId>) {
        if let Some(project) = self.projects.get_mut(&id) {
            project.know_changes(now);
            newest.into_iter().for_each(|newest| project.doubt_newer(&[newest], Some(newest)));
        }
    }

    /// Jobs move without a change of their pipeline: where jobs are shown, what runs is read in each turn.
    fn active_are_due(&mut self) {
        for project in self.projects.values_mut().filter(|project| project.rules.jobs.enabled) {
            for (tracked, state) in project.refs.iter().filter(|(_, state)| state.is_active) {
                let due = DueRef { newest: state.shown, told: ToldRuns::new() };
                project.due.entry(tracked.clone()).or_insert(due);
            }
        }
    }

    async fn read_refs(&mut self, client: &Client) -> Result<(), NoListener> {
        let compatibility = self.options.compatibility;
        let of_project = |project: &TrackedProject| {
            let (id, key, rules) = (project.id, project.key(), Arc::clone(&project.rules));
            let due = project.due.iter().map(|(tracked, due)| {
                // The exporter that this one replaces looks at the newest pipeline alone.
                let state = project.refs.get(tracked).filter(|_| compatibility == Compatibility::Corrected);
                (tracked.clone(), due.clone(), state.and_then(|state| state.last))
            });
            let due: Vec<_> = due.collect();
            due.into_iter().map(move |due| (id, key.clone(), Arc::clone(&rules), due))
        };
        let jobs: Vec<_> = self.projects.values().flat_map(of_project).collect();
        let mut read = stream::iter(jobs)
            .map(|(id, key, rules, (tracked, due, last))| async move {
                let reader = RefReader { client, project: &key, rules: &rules, compatibility };
                let readouts = reader.read_due(&tracked, due.newest, last).await;
                (id, tracked, due, readouts)
            })
            .buffer_unordered(client.concurrency());
        let mut results = Vec::new();
        while let Some(done) = read.next().await {
            results.push(done);
        }
        drop(read);
        for (id, tracked, due, readouts) in results {
            self.take_readouts(id, tracked, due, readouts).await?;
        }
        Ok(())
    }

    async fn take_readouts(
        &mut self,
        id: ProjectId,
        tracked: TrackedRef,
        due: DueRef,
        readouts: Result<(Vec<PipelineReadout>, ToldRuns), Error>,
    ) -> Result<(), NoListener> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let path = Arc::clone(&project.path);
        // What GitLab itself refuses is not asked for again before something changes.
        if readouts.as_ref().is_err_and(Error::is_no_access) {
            project.give_up(&tracked);
        }
        let (readouts, mut told) = match readouts {
            Ok(readouts) => readouts,
            Err(error) => return self.tell(TrackerNews::Failed { project: path, failure: (&error).into() }).await,
        };
        // What was said to be due meanwhile stays so.
        if project.due.get(&tracked) == Some(&due) {
            project.due.remove(&tracked);
        }
        let rules = Arc::clone(&project.rules);
        let Some(state) = project.refs.get_mut(&tracked) else { return Ok(()) };
        told.extend(due.told);
        let newest = readouts.last().map(|newest| &newest.pipeline);
        state.is_active = newest.is_some_and(|newest| is_active(&newest.status));
        state.shown = newest.map(|newest| newest.id);
        state.last = state.last.max(state.shown).max(told.keys().last().copied());
        self.tell(TrackerNews::Ref { project: path, tracked, rules, readouts, told }).await
    }

    async fn read_environments(&mut self, client: &Client) -> Result<(), NoListener> {
        let due: Vec<(ProjectId, EnvironmentId)> = self
            .projects
            .values()
            .flat_map(|project| project.due_environments.iter().map(|environment| (project.id, *environment)))
            .collect();
        for (id, environment) in due {
            self.read_environment(client, id, environment).await?;
        }
        Ok(())
    }

    async fn read_environment(
        &mut self,
        client: &Client,
        id: ProjectId,
        environment: EnvironmentId,
    ) -> Result<(), NoListener> {
        let Some(project) = self.projects.get_mut(&id) else { return Ok(()) };
        let (path, rules, key) = (Arc::clone(&project.path), Arc::clone(&project.rules), project.key());
        let Some(state) = project.environments.get_mut(&environment) else { return Ok(()) };
        let read = environment::read(client, &key, environment, state.last.as_ref()).await;
        let news = match read {
            Ok(readout) => {
                project.due_environments.remove(&environment);
                // What is deployed when an environment is first seen was not noticed to be deployed.
                let known = state.last.as_ref().unwrap_or(&readout);
                let known_job = known.environment.last.as_ref().map_or(JobId(0), |last| last.job);
                state.last = Some(readout.clone());
                TrackerNews::Environment { project: path, rules, readout: Box::new(readout), known_job }
            }
            Err(error) => {
                if error.is_no_access() {
                    project.due_environments.remove(&environment);
                }
                TrackerNews::Failed { project: path, failure: (&error).into() }
            }
        };
        self.tell(news).await
    }
}

/// The refs and environments that a project has.
struct Discovery {
    refs: BTreeSet<TrackedRef>,
    environments: Vec<(EnvironmentId, String)>,
}

impl Discovery {
    async fn read(client: &Client, project: &TrackedProject, now: DateTime<Utc>) -> Result<Self, Error> {
        let refs = refs::discover(client, &project.key(), &project.rules, now).await?;
        let rules = &project.rules.environments;
        let environments =
            if rules.enabled { environment::discover(client, &project.key(), rules).await? } else { Vec::new() };
        Ok(Self { refs, environments })
    }
}

/// Which of some projects have changed.
struct ProjectChanges {
    /// With the newest pipeline of each, where GitLab tells it.
    unchanged: Vec<(ProjectId, Option<PipelineId>)>,
    may_have_changed: Vec<(ProjectId, DateTime<Utc>)>,
}

/// Asks about up to a hundred projects. Where that is not answered, each of them may have changed.
async fn changed_projects(client: &Client, chunk: Vec<(ProjectId, DateTime<Utc>)>) -> ProjectChanges {
    let ids: Vec<ProjectId> = chunk.iter().map(|(id, _)| *id).collect();
    let since = chunk.iter().map(|(_, since)| *since).min().unwrap_or_default();
    let mut told = match client.news(&ids, since).await {
        Ok(answered) => answered.projects,
        Err(_) => return ProjectChanges { unchanged: Vec::new(), may_have_changed: chunk },
    };
    let (mut unchanged, mut may_have_changed) = (Vec::new(), Vec::new());
    for (id, since) in chunk {
        match told.remove(&id) {
            Some(ProjectSaid::Newest(news)) if news.sees_any && news.count == 0 => {
                unchanged.push((id, news.newest));
            }
            // Silence is not a fact.
            _ => may_have_changed.push((id, since)),
        }
    }
    ProjectChanges { unchanged, may_have_changed }
}

async fn changed_pipelines(client: &Client, id: ProjectId, since: DateTime<Utc>) -> Result<Vec<Pipeline>, Error> {
    let (mut pipelines, mut next) = (Vec::new(), Some(1));
    while let Some(number) = next {
        let page = client.changed_pipelines(id, since, number).await?;
        next = page.next.filter(|next| *next > number);
        pipelines.extend(page.items);
    }
    Ok(pipelines)
}

fn is_active(status: &str) -> bool {
    Status::from_gitlab(status).is_active()
}
