//! Reads the groups: list, projects, downstream pipelines, snapshot. Keeps what the next reading can use.

mod lists;
mod saved;

use super::answer::{AnswerSource, ServerAnswers};
use super::batch::BatchSize;
use super::cache::KnownFields;
use super::external;
use super::fetch::{self, FetchSetup, Projects};
use super::follow::Followed;
use super::glob_notice::glob_notice;
use super::list::{LIST_PAGE, ListFinding};
use super::lookout::Lookout;
use super::merge::{KnownRows, ReadProject};
use super::options::REST_COST;
pub use super::options::{CollectOptions, ProgressSink, ReadingProgress, ReadingStep};
use super::project::ReadingOutcome;
use super::reasons;
use super::{partial, permissions};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::ProjectId;
use crate::domain::pipeline::DownstreamLink;
use crate::domain::project::{Project, ProjectRow, RowState};
use crate::domain::project_source::ProjectSource;
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::domain::usage::{Api, Cost};
use crate::gitlab::client::{Client, Purpose};
use crate::gitlab::error::Error;
use lists::ProjectList;
pub(super) use lists::sort_lists;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::Instant;

/// The outcome of one reading.
#[derive(Debug)]
pub struct ReadingReply {
    pub snapshot: Snapshot,
    /// Patterns of `--include` and `--exclude` that match no project of the groups.
    pub unmatched: Vec<String>,
    /// Projects that the filters left out.
    pub excluded: usize,
}

/// A reading that brought nothing, because of this group, user or list.
#[derive(Debug, thiserror::Error)]
#[error("{wanted} could not be read")]
pub struct GroupError {
    pub wanted: Box<ProjectSource>,
    pub source: Box<Error>,
    /// What is wrong with those after it.
    pub others: Vec<Problem>,
}

/// Reads the groups, again and again if need be: what has not changed since the last time is not read again.
///
/// It owns or shares all that it needs, so that it can be moved to a task of its own.
#[derive(Debug)]
pub struct Collector {
    client: Client,
    options: Arc<CollectOptions>,
    memory: CollectorMemory,
    /// What the last reading took.
    cost: Cost,
}

/// What is kept from one reading to the next.
#[derive(Debug, Default)]
struct CollectorMemory {
    list: Option<ProjectList>,
    rows: KnownRows,
    lookout: Lookout,
    /// Projects of whose pipelines a field could not be told; read again with the list.
    spared: HashSet<ProjectId>,
    /// What GraphQL's silence about a project turned out to mean; asked again with the list.
    probed: HashMap<ProjectId, ReadingOutcome>,
    /// Chosen again with the list: GraphQL may answer by then.
    api: Option<Api>,
    size: BatchSize,
    /// That everything is read over REST although GraphQL was wanted.
    fallback: Option<Problem>,
    /// What a fine-grained token may not read, asked with the list.
    permissions: Vec<Problem>,
    /// What another process knew of the server's GraphQL.
    fields: Option<KnownFields>,
    /// Grows when the list is found to have changed.
    list_changes: u64,
}

impl Collector {
    /// Makes a collector that has read nothing yet. Each reading is a caller of its own of the client's connection.
    pub fn new(client: Client, options: Arc<CollectOptions>) -> Self {
        Self { client, options, memory: CollectorMemory::default(), cost: Cost::default() }
    }

    /// Makes a collector that has just read the list of a snapshot's projects over GraphQL, and nothing else.
    pub(super) fn with_list_of(client: Client, options: Arc<CollectOptions>, snapshot: &Snapshot) -> Self {
        let list = ProjectList {
            groups: snapshot.groups.clone(),
            problems: Vec::new(),
            projects: snapshot.rows.iter().map(|row| Arc::clone(&row.project)).collect(),
            is_whole: true,
            read_at: Some(Instant::now()),
        };
        let memory = CollectorMemory { list: Some(list), api: Some(Api::Graphql), ..CollectorMemory::default() };
        Self { memory, ..Self::new(client, options) }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the projects of the groups as they were listed, whatever the filters leave of them.
    pub fn listed_projects(&self) -> &[Arc<Project>] {
        self.memory.list.as_ref().map_or(&[], |list| &list.projects)
    }

    /// Makes the groups' lists due: the next reading of everything reads them.
    pub(super) fn expect_new_list(&mut self) {
        self.memory.list.iter_mut().for_each(|list| list.read_at = None);
    }

    /// Returns what the last reading took, whatever came of it.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Returns how many projects a query is about by now.
    pub fn batch_size(&self) -> BatchSize {
        self.memory.size
    }

    /// Reads what is due, within the time that one reading has.
    ///
    /// Only what makes the whole reading worthless is an error: the token is refused, or no group can be read.
    pub async fn read(&mut self, progress: &ProgressSink<'_>) -> Result<ReadingReply, GroupError> {
        self.read_by(progress, &ServerAnswers).await
    }

    /// The same, with the projects' pipelines from where `answers` gets them.
    pub(super) async fn read_by(
        &mut self,
        progress: &ProgressSink<'_>,
        answers: &impl AnswerSource,
    ) -> Result<ReadingReply, GroupError> {
        let client = self.client.for_purpose(Purpose::Refresh, Instant::now() + self.options.max_time);
        let outcome = self.read_over(&client, progress, answers).await;
        self.cost = client.cost();
        outcome
    }

    async fn read_over(
        &mut self,
        client: &Client,
        progress: &ProgressSink<'_>,
        answers: &impl AnswerSource,
    ) -> Result<ReadingReply, GroupError> {
        let options = &*Arc::clone(&self.options);
        let is_list_due = self.memory.list.as_ref().is_none_or(|list| list.is_due(self.options.list_every));
        if is_list_due {
            self.memory.probed.clear();
            self.memory.api = None;
            self.memory.size = self.memory.size.with_unknown_page();
        }
        // What is triggered outside the group has no pulse of its own: it is read again with the list.
        let (sender, found) = unbounded_channel();
        let lists = self.lists(client, is_list_due, sender);
        let setup = FetchSetup {
            client,
            options,
            last: Some(&self.memory.rows),
            rereads_triggers: is_list_due,
            spared: &self.memory.spared,
            probed: &self.memory.probed,
            api: self.memory.api,
            size: self.memory.size,
            shown_at_least: 0,
            progress,
        };
        let for_all = for_all(options);
        // Where the list is refused, nothing else is waited for.
        let lists = async { lists.await.map(|lists| sort_lists(client, options, lists)).transpose() };
        let projects = async { fetch::read(setup, found, answers).await.map_err(&for_all) };
        let (fresh, projects) = tokio::try_join!(lists, projects)?;
        let Projects { mut readings, listed, api, fallback, size, problems: of_projects, spared } = projects;
        client.set_api(api);
        match fallback {
            Some((why, projects)) => {
                // What was known of it may be what is wrong with it.
                client.forget_fields();
                let can_be_read =
                    |project: &&Arc<Project>| options.filter.keeps(project) && project.ci_enabled != Some(false);
                let projects = options.tried_at_most.map_or(projects, |_| listed.iter().filter(can_be_read).count());
                self.memory.fallback = Some(fallback_notice(self, &why, projects, listed.len()));
            }
            None if is_list_due => self.memory.fallback = None,
            None => {}
        }
        if let Some((groups, problems)) = fresh {
            let list = self.listed(groups, problems, listed);
            self.memory.list_changes +=
                u64::from(self.memory.list.as_ref().is_none_or(|last| last.projects != list.projects));
            self.memory.list = Some(list);
        }
        (self.memory.api, self.memory.size) = (Some(api), size);
        let is_read = |read: &&ReadProject| matches!(read.reading.reading, ReadingOutcome::Pipelines(_));
        let read: HashSet<ProjectId> = readings.iter().filter(is_read).map(|read| read.project.id).collect();
        self.memory.spared.retain(|id| !read.contains(id));
        self.memory.spared.extend(spared);
        self.read_news(client, &mut readings, (api, false), answers).await.map_err(&for_all)?;
        if is_list_due {
            self.memory.permissions = match api {
                Api::Graphql => permissions::missing(client, &readings).await,
                Api::Rest => Vec::new(),
            };
        }
        let glob_notice = glob_notice(&options.refs, &readings);
        let (rows, mut problems) = self.complete(client, readings, (api, of_projects)).await.map_err(for_all)?;
        problems.extend(self.memory.fallback.clone());
        problems.extend(self.memory.permissions.iter().cloned());
        problems.extend(glob_notice);
        problems.extend(rows.iter().filter_map(row_problem));
        log_cost(client);
        Ok(self.reply(rows, problems))
    }

    /// Reads some projects again, and returns the last snapshot with these in it: all other rows are as they were.
    ///
    /// Only these projects are asked about. One that is not on the list, or that the filters leave out, is ignored. What a
    /// few projects teach about the server counts for this reading only.
    pub async fn reread(
        &mut self,
        projects: &BTreeSet<ProjectId>,
        last: &Snapshot,
        progress: &ProgressSink<'_>,
    ) -> Result<Snapshot, GroupError> {
        let client = self.client.for_purpose(Purpose::Refresh, Instant::now() + self.options.max_time);
        let outcome = self.reread_over(&client, (projects, last), progress).await;
        self.cost = client.cost();
        outcome.map_err(for_all(&self.options))
    }

    async fn reread_over(
        &mut self,
        client: &Client,
        (projects, last): (&BTreeSet<ProjectId>, &Snapshot),
        progress: &ProgressSink<'_>,
    ) -> Result<Snapshot, Error> {
        let (sender, found) = unbounded_channel();
        let listed = self.memory.list.iter().flat_map(|list| &list.projects);
        for project in listed.filter(|project| projects.contains(&project.id)) {
            // The receiver lives as long as this reading.
            let _ = sender.send(ListFinding::Listed(Arc::clone(project)));
        }
        drop(sender);
        let mut rows = Vec::new();
        let mut problems = Vec::new();
        if !found.is_empty() {
            let setup = FetchSetup {
                client,
                options: &self.options,
                last: Some(&self.memory.rows),
                rereads_triggers: false,
                spared: &self.memory.spared,
                probed: &self.memory.probed,
                api: self.memory.api,
                size: self.memory.size,
                shown_at_least: self.shown(),
                progress,
            };
            let read = fetch::read(setup, found, &ServerAnswers).await?;
            let (api, mut readings) = (read.api, read.readings);
            self.read_news(client, &mut readings, (api, true), &ServerAnswers).await?;
            (rows, problems) = self.complete(client, readings, (api, read.problems)).await?;
        }
        log_cost(client);
        let (rows, problems) = partial::merge_rows(last, rows, problems);
        let (taken_at, usage) = (client.server_now(), client.usage());
        Ok(Snapshot { host: last.host.clone(), taken_at, groups: last.groups.clone(), rows, problems, usage })
    }

    /// Returns how many projects of the list are shown.
    fn shown(&self) -> usize {
        let listed = self.memory.list.iter().flat_map(|list| &list.projects);
        listed.filter(|project| self.options.filter.keeps(project)).count()
    }

    /// Adds to what was read of projects what has to be asked for besides, and makes rows of it.
    async fn complete(
        &mut self,
        client: &Client,
        mut readings: Vec<ReadProject>,
        (api, of_projects): (Api, Vec<Problem>),
    ) -> Result<(Vec<ProjectRow>, Vec<Problem>), Error> {
        let wants_reasons = self.options.wants_reasons;
        if wants_reasons && api == Api::Graphql {
            reasons::fill(client, &mut readings).await;
        }
        let without_targets = external::fill(client, &mut readings, wants_reasons).await;
        let (followed, mut problems) = follow(client, &readings).await?;
        self.memory.remember_probes(&readings);
        problems.extend(of_projects);
        problems.extend(without_targets);
        let rows = readings.into_iter().map(|reading| self.memory.rows.merge(reading, &followed)).collect();
        Ok((rows, problems))
    }

    /// Reads those projects again below whose pipelines something has changed that no pulse tells of.
    async fn read_news(
        &mut self,
        client: &Client,
        readings: &mut [ReadProject],
        (api, is_partial): (Api, bool),
        answers: &impl AnswerSource,
    ) -> Result<(), Error> {
        let news = self.memory.lookout.look(client, readings, (api, is_partial)).await;
        if news.is_empty() {
            return Ok(());
        }
        let (sender, found) = unbounded_channel();
        for read in readings.iter().filter(|read| news.contains_key(&read.project.id)) {
            // The receiver lives as long as this reading.
            let _ = sender.send(ListFinding::Listed(Arc::clone(&read.project)));
        }
        drop(sender);
        let setup = FetchSetup {
            client,
            options: &self.options,
            last: None,
            rereads_triggers: true,
            spared: &self.memory.spared,
            probed: &self.memory.probed,
            api: Some(api),
            size: self.memory.size,
            shown_at_least: self.shown(),
            progress: &|_| (),
        };
        let again = fetch::read(setup, found, answers).await?.readings;
        let mut again: HashMap<ProjectId, ReadProject> =
            again.into_iter().map(|read| (read.project.id, read)).collect();
        for read in readings {
            let Some(again) = again.remove(&read.project.id) else { continue };
            // What could not be read again is still news the next time.
            if let (ReadingOutcome::Pipelines(_), Some(pipelines)) =
                (&again.reading.reading, news.get(&read.project.id))
            {
                self.memory.lookout.forget(pipelines);
            }
            *read = again;
        }
        Ok(())
    }

    fn reply(&mut self, rows: Vec<ProjectRow>, mut problems: Vec<Problem>) -> ReadingReply {
        // One that the filters leave out is not forgotten: the next process may ask for it.
        let listed = self.memory.list.iter().flat_map(|list| &list.projects);
        let present: HashSet<ProjectId> = listed.map(|project| project.id).collect();
        self.memory.rows.retain(&present);
        let (groups, listed) = match &self.memory.list {
            Some(list) => {
                problems.splice(0..0, list.problems.iter().cloned());
                (list.groups.clone(), list.projects.as_slice())
            }
            None => (Vec::new(), [].as_slice()),
        };
        let unmatched = self.options.filter.unmatched(listed).into_iter().map(str::to_owned).collect();
        let excluded = listed.len() - rows.len();
        let snapshot = Snapshot {
            host: self.client.host().to_string(),
            taken_at: self.client.server_now(),
            groups,
            rows,
            problems,
            usage: self.client.usage(),
        };
        ReadingReply { snapshot, unmatched, excluded }
    }
}

impl CollectorMemory {
    fn remember_probes(&mut self, readings: &[ReadProject]) {
        let is_silence =
            |reading: &ReadingOutcome| matches!(reading, ReadingOutcome::None { .. } | ReadingOutcome::NoAccess(_));
        let probes = readings.iter().filter(|read| self.api == Some(Api::Graphql) && is_silence(&read.reading.reading));
        self.probed.extend(probes.map(|read| (read.project.id, read.reading.reading.clone())));
    }
}

fn log_cost(client: &Client) {
    let (usage, Cost { requests, bytes }) = (client.usage(), client.cost());
    let told = |number: Option<u64>| number.map_or_else(|| "not told".to_owned(), |number| number.to_string());
    let (limit, remaining) = (told(usage.limit), told(usage.remaining));
    tracing::info!(requests, bytes, api = usage.api.word(), limit, remaining, "read the groups");
}

/// Follows every pipeline to what it triggered.
async fn follow(client: &Client, readings: &[ReadProject]) -> Result<(Followed, Vec<Problem>), Error> {
    let mut followed = Followed::default();
    let mut roots: Vec<DownstreamLink> = Vec::new();
    for read in readings {
        match &read.reading.reading {
            ReadingOutcome::Settled(last) => last.iter().for_each(|(pipeline, links)| followed.learn(pipeline, links)),
            ReadingOutcome::Pipelines(drafts) => {
                for (pipeline, links, is_settled) in drafts.iter() {
                    followed.learn(pipeline, links);
                    if !is_settled {
                        roots.extend(links.iter().cloned());
                    }
                }
            }
            ReadingOutcome::None { .. } | ReadingOutcome::NoAccess(_) | ReadingOutcome::Error(_) => {}
        }
    }
    let problems = followed.read(client, &roots).await?;
    Ok((followed, problems))
}

/// Blames the first list for what concerns the whole reading.
fn for_all(options: &CollectOptions) -> impl Fn(Error) -> GroupError {
    let wanted = Box::new(options.sources[0].clone());
    move |error| GroupError { wanted: wanted.clone(), source: Box::new(error), others: Vec::new() }
}

pub(super) fn row_problem(row: &ProjectRow) -> Option<Problem> {
    match &row.state {
        RowState::Ok(_) | RowState::Error(_) | RowState::Stale { .. } => {
            let subject = row.project.full_path.clone();
            Some(Problem { scope: ProblemScope::Project, subject, failure: row.failure()?.clone() })
        }
        RowState::NoPipeline { .. } | RowState::NoAccess(_) => None,
    }
}

/// Says why everything is read over REST, and what that costs: the group, the pages of its list, the question that failed,
/// and four requests for each project, instead of one for fifty.
fn fallback_notice(collector: &Collector, why: &str, projects: usize, listed: usize) -> Problem {
    let list = collector.options.sources.len() + listed.div_ceil(LIST_PAGE).max(1) + 1;
    let over_rest = list + REST_COST * projects;
    let instead = list + projects.div_ceil(BatchSize::default().get());
    let noun = if projects == 1 { "project" } else { "projects" };
    let message = format!(
        "GraphQL is not available ({why}): reading {projects} {noun} over REST takes about {over_rest} requests instead \
         of {instead}"
    );
    let subject = collector.client.host().to_string();
    Problem { scope: ProblemScope::Api, subject, failure: Failure::new(FailureKind::GraphqlUnavailable, message) }
}
