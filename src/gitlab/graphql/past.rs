//! Query: past pipelines since a time, of several projects per page.

use super::document::{document, repeat};
use super::fields::Fields;
use super::jobs::read_pages;
use super::question::{
    Answered, GraphqlConnection, PageInfoWire, ProjectNode, ProjectSaid, ask_each, number, project_ids,
};
use super::wire::{DetailsWire, JobsWire};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::gitlab::error::Error;
use crate::gitlab::job_page::{MoreJobs, PastJobs, PastPage};
use crate::gitlab::lenient::{Item, LenientList, loose};
use crate::gitlab::transport::Transport;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashSet;

const PAST: &str = include_str!("past.graphql");
const NEWS: &str = include_str!("news.graphql");
const PAST_JOBS: &str = include_str!("past_jobs.graphql");

/// Jobs that come along with each pipeline: with a page of 100 pipelines that is a complexity of about 125, of the 150
/// that we allow ourselves.
pub const JOBS_OF_EACH: usize = 50;
/// Pipelines whose further jobs are asked for in one query: 100 jobs of each of three have a complexity of about 120.
pub const JOBS_PER_QUERY: usize = 3;

/// Which pipelines are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastQuery {
    /// Of these projects, 100 at most.
    pub projects: Vec<ProjectId>,
    /// That changed after this.
    pub since: DateTime<Utc>,
    /// So many of each project at most.
    pub pipelines: usize,
    /// So many of the newest jobs with each of them.
    pub jobs: usize,
    /// From where on; of one project only.
    pub after: Option<String>,
}

/// What is new in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineNews {
    /// Whether any of its pipelines is visible: where none is, there may be none, or this token may not see them.
    pub sees_any: bool,
    /// The newest of them.
    pub newest: Option<PipelineId>,
    /// Pipelines that have changed.
    pub count: u64,
}

#[derive(Deserialize)]
pub(super) struct PastProjectWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default = "Item::default")]
    pipelines: Item<GraphqlConnection<DetailsWire>>,
}

#[derive(Deserialize)]
pub(super) struct NewsProjectWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default = "Item::default")]
    pipelines: Item<GraphqlConnection<NewestWire>>,
    #[serde(default)]
    news: Item<CountWire>,
}

#[derive(Deserialize)]
struct NewestWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
}

#[derive(Deserialize)]
struct CountWire {
    #[serde(default, deserialize_with = "loose")]
    count: Option<u64>,
}

impl ProjectNode for PastProjectWire {
    type Said = GraphqlConnection<DetailsWire>;

    fn said(self) -> (Option<String>, ProjectSaid<Self::Said>) {
        (self.id, self.pipelines.read().map_or(ProjectSaid::Silent, ProjectSaid::Newest))
    }
}

impl ProjectNode for NewsProjectWire {
    type Said = PipelineNews;

    fn said(self) -> (Option<String>, ProjectSaid<PipelineNews>) {
        let nodes = self.pipelines.read().and_then(|pipelines| pipelines.nodes.0);
        let news = nodes.zip(self.news.read().and_then(|news| news.count));
        let said = news.map(|(nodes, count)| {
            let sees_any = !nodes.is_empty();
            let newest = nodes.into_iter().next().and_then(Item::read).and_then(|newest| number(&newest.id?));
            ProjectSaid::Newest(PipelineNews { sees_any, newest: newest.map(PipelineId), count })
        });
        (self.id, said.unwrap_or(ProjectSaid::Silent))
    }
}

pub(super) fn query(fields: &Fields) -> (&'static str, String) {
    ("Past", document(PAST, fields))
}

pub(super) fn news_query() -> (&'static str, String) {
    ("News", document(NEWS, &Fields::default()))
}

pub(super) fn jobs_query(pipelines: usize, fields: &Fields) -> (&'static str, String) {
    ("PastJobs", document(&repeat(PAST_JOBS, pipelines), fields))
}

fn time(time: DateTime<Utc>) -> Value {
    time.to_rfc3339_opts(SecondsFormat::Secs, true).into()
}

/// Counts what is new in up to 100 projects.
pub(in crate::gitlab) async fn news(
    transport: &Transport,
    projects: &[ProjectId],
    since: DateTime<Utc>,
) -> Result<Answered<PipelineNews>, Error> {
    let mut variables = project_ids(projects);
    variables.insert("since".into(), time(since));
    ask_each::<NewsProjectWire, _>(transport, news_query(), projects, variables, Some).await
}

/// Reads a page of pipelines of each of up to 100 projects.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    fields: &Fields,
    asked: &PastQuery,
) -> Result<Answered<PastPage>, Error> {
    let mut variables = project_ids(&asked.projects);
    variables.insert("since".into(), time(asked.since));
    variables.insert("pipelines".into(), asked.pipelines.into());
    variables.insert("jobs".into(), asked.jobs.into());
    variables.extend(asked.after.clone().map(|after| ("after".to_owned(), Value::from(after))));
    let host = transport.host();
    let convert = |page: GraphqlConnection<DetailsWire>| {
        let (next, nodes) = page.parts()?;
        // An item that cannot be read is a pipeline that is missing.
        let pipelines = nodes.into_iter().map(|node| node.read()?.convert_past(host, fields));
        Some(PastPage { pipelines: pipelines.collect::<Option<_>>()?, next })
    };
    ask_each::<PastProjectWire, _>(transport, query(fields), &asked.projects, variables, convert).await
}

/// Reads a page of jobs of each of up to `JOBS_PER_QUERY` pipelines; one that is hidden or gone is `None`.
pub(in crate::gitlab) async fn more_jobs(
    transport: &Transport,
    fields: &Fields,
    wanted: &[MoreJobs],
) -> Result<Vec<Option<PastJobs>>, Error> {
    let convert = |jobs: JobsWire, _: &MoreJobs, _| jobs.convert_past(transport.host(), fields);
    read_pages(transport, jobs_query(wanted.len(), fields), wanted, convert).await
}

impl<T> GraphqlConnection<T> {
    /// Returns where the next page begins, and the items; `None` where a part is missing, be it the way to the next.
    pub(super) fn parts(self) -> Option<(Option<String>, Vec<Item<T>>)> {
        let PageInfoWire { has_next_page, end_cursor } = self.page_info.read()?;
        let LenientList(nodes) = self.nodes;
        Some((if has_next_page? { Some(end_cursor?) } else { None }, nodes?))
    }
}

impl PastJobs {
    /// Adds the next page; `false` where that brings nothing new although it says that there is more.
    pub fn extend(&mut self, page: Self) -> bool {
        let known: HashSet<JobId> = self.attempts.iter().map(|(job, _)| job.id).collect();
        let before = self.attempts.len();
        self.attempts.extend(page.attempts.into_iter().filter(|(job, _)| !known.contains(&job.id)));
        let is_news = self.attempts.len() > before;
        let goes_on = page.next.is_none() || (is_news && page.next != self.next);
        self.next = page.next;
        goes_on
    }
}
