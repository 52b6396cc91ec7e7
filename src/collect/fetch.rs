//! Reads the projects of the list: many per query over GraphQL, one by one over REST.

mod answers;
mod work;

use super::answer::AnswerSource;
use super::batch::{BatchSize, ListFeed};
use super::list::ListFinding;
use super::merge::{KnownRows, ReadProject};
use super::options::{CollectOptions, ProgressSink};
use super::project::{KnownBefore, ReadingOutcome};
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::domain::selection::RefSelector;
use crate::domain::snapshot::Problem;
use crate::domain::usage::{Api, ApiChoice};
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use work::FetchWork;

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
    let mut work = FetchWork::new(&setup, (api, fallback), found.len());
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
