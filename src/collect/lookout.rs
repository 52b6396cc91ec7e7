//! Watches downstream pipelines that no pulse sees: children, and those that are not the newest of their projects.
//!
//! A pulse tells of the newest pipeline of a project only. Who reruns a child that has ended changes nothing that it
//! would tell, so the child is asked about by its id as long as its parent is shown.

use super::merge::ReadProject;
use super::plan::is_same_moment;
use super::project::ReadingOutcome;
use crate::domain::id::{PipelineId, ProjectId, ProjectRef};
use crate::domain::pipeline::{Downstream, Pipeline};
use crate::domain::status::Status;
use crate::domain::usage::Api;
use crate::gitlab::client::{ByIid, Client, DOWNSTREAMS_PER_QUERY, PipelineHead};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use std::collections::{HashMap, HashSet};

/// Requests under way at once; the budget does the bounding.
const READ_AHEAD: usize = 64;

/// What was seen of a pipeline.
#[derive(Debug, Clone, PartialEq)]
enum DownstreamSight {
    Seen {
        status: Status,
        updated_at: Option<DateTime<Utc>>,
    },
    /// Gone, or not visible to this token.
    Hidden,
    /// It could not be looked at.
    Unknown,
}

/// What was seen of each the last time.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    seen: HashMap<PipelineId, DownstreamSight>,
    /// Whose turn it is, where there are too many for every refresh.
    is_odd_turn: bool,
}

/// The projects to be read again, each with the pipelines below its own that are the reason.
pub(super) type News = HashMap<ProjectId, Vec<NewsBelow>>;

/// A pipeline that has changed below another.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewsBelow {
    id: PipelineId,
    /// It is not visible: gone, or never for this token.
    is_hidden: bool,
}

/// A pipeline to look after, with the project whose row shows it.
struct Watched<'a> {
    shown_by: ProjectId,
    below: &'a Downstream,
}

impl Lookout {
    /// Looks at what no pulse sees, at each in every second refresh at least, and returns the projects to be read again
    /// because something below their pipelines has changed or could not be looked at, each with what that is.
    /// A reading of some projects looks at all that these show, and leaves the others their turn.
    pub(super) async fn look(
        &mut self,
        client: &Client,
        readings: &[ReadProject],
        (api, is_partial): (Api, bool),
    ) -> News {
        let watched = watched(readings);
        if watched.is_empty() {
            return News::new();
        }
        let due = if is_partial { watched } else { self.due(watched) };
        let mut changed = News::new();
        for (Watched { shown_by, below }, now) in sights(client, due, api).await {
            let is_news = match (self.seen.get(&below.id), &now) {
                (_, DownstreamSight::Unknown) => true,
                (Some(before), now) => !is_alike(before, now),
                (None, DownstreamSight::Seen { status, .. }) => *status != below.status,
                // Its trigger job tells whether it is gone or was never visible.
                (None, DownstreamSight::Hidden) => true,
            };
            if is_news {
                changed
                    .entry(shown_by)
                    .or_default()
                    .push(NewsBelow { id: below.id, is_hidden: now == DownstreamSight::Hidden });
            } else {
                self.seen.entry(below.id).or_insert(now);
            }
        }
        changed
    }

    /// Forgets what was seen of pipelines that have been read again since: what was read counts. That one is hidden is
    /// known from now on.
    pub(super) fn forget(&mut self, pipelines: &[NewsBelow]) {
        for NewsBelow { id, is_hidden } in pipelines {
            match is_hidden {
                true => drop(self.seen.insert(*id, DownstreamSight::Hidden)),
                false => drop(self.seen.remove(id)),
            }
        }
    }

    /// Picks those whose turn it is: all where they fit into one request, else every other one.
    fn due<'a>(&mut self, watched: Vec<Watched<'a>>) -> Vec<Watched<'a>> {
        let shown: HashSet<PipelineId> = watched.iter().map(|watched| watched.below.id).collect();
        self.seen.retain(|id, _| shown.contains(id));
        if watched.len() <= DOWNSTREAMS_PER_QUERY {
            return watched;
        }
        self.is_odd_turn = !self.is_odd_turn;
        let turn = usize::from(self.is_odd_turn);
        watched.into_iter().enumerate().filter(|(n, _)| n % 2 == turn).map(|(_, watched)| watched).collect()
    }
}

/// Returns the pipelines of a reading that were not read again.
fn settled(reading: &ReadingOutcome) -> Vec<&Pipeline> {
    match reading {
        ReadingOutcome::Settled(last) => last.pipelines.iter().collect(),
        ReadingOutcome::Pipelines(drafts) => drafts.settled().collect(),
        ReadingOutcome::None { .. } | ReadingOutcome::NoAccess(_) | ReadingOutcome::Error(_) => Vec::new(),
    }
}

/// Returns what is shown below settled pipelines and was not read with its own project.
fn watched(readings: &[ReadProject]) -> Vec<Watched<'_>> {
    let mut watched: Vec<Watched<'_>> = Vec::new();
    for read in readings {
        for pipeline in settled(&read.reading.reading).into_iter().filter(|pipeline| !pipeline.downstream.is_empty()) {
            let shown_by = read.project.id;
            watched.extend(pipeline.descendants().into_iter().map(|below| Watched { shown_by, below }));
        }
    }
    if watched.is_empty() {
        return watched;
    }
    let own: HashSet<PipelineId> = readings.iter().flat_map(|read| ids(&read.reading.reading)).collect();
    watched.retain(|watched| !own.contains(&watched.below.id) && watched.below.project.is_some());
    watched
}

fn ids(reading: &ReadingOutcome) -> Vec<PipelineId> {
    match reading {
        ReadingOutcome::Settled(last) => last.pipelines.iter().map(|pipeline| pipeline.id).collect(),
        ReadingOutcome::Pipelines(drafts) => drafts.pipelines().iter().map(|pipeline| pipeline.id).collect(),
        ReadingOutcome::None { .. } | ReadingOutcome::NoAccess(_) | ReadingOutcome::Error(_) => Vec::new(),
    }
}

fn is_alike(before: &DownstreamSight, now: &DownstreamSight) -> bool {
    match (before, now) {
        (DownstreamSight::Seen { status: old, updated_at: then }, DownstreamSight::Seen { status, updated_at }) => {
            old == status && is_same_moment(*then, *updated_at)
        }
        (before, now) => before == now,
    }
}

/// Looks at each: over GraphQL many with one query, else one by one.
async fn sights<'a>(client: &Client, due: Vec<Watched<'a>>, api: Api) -> Vec<(Watched<'a>, DownstreamSight)> {
    let by_iid = |watched: &Watched<'_>| -> Option<ByIid> {
        Some((watched.below.project.clone()?, watched.below.iid?)).filter(|_| api == Api::Graphql)
    };
    let (many, single): (Vec<_>, Vec<_>) = due.into_iter().partition(|watched| by_iid(watched).is_some());
    let mut found = Vec::new();
    let mut many = many.into_iter().peekable();
    while many.peek().is_some() {
        let chunk: Vec<Watched<'a>> = many.by_ref().take(DOWNSTREAMS_PER_QUERY).collect();
        let wanted: Vec<ByIid> = chunk.iter().filter_map(by_iid).collect();
        let heads = match client.downstreams(&wanted).await {
            Ok(heads) => chunk
                .iter()
                .zip(heads)
                .map(|(watched, head)| head.map_or(DownstreamSight::Hidden, |head| seen(watched, head)))
                .collect(),
            Err(_) => vec![DownstreamSight::Unknown; chunk.len()],
        };
        found.extend(chunk.into_iter().zip(heads));
    }
    let looks: Vec<_> = single.into_iter().map(|watched| look_at(client, watched)).collect();
    found.extend(stream::iter(looks).buffer_unordered(READ_AHEAD).collect::<Vec<_>>().await);
    found
}

fn seen(watched: &Watched<'_>, head: PipelineHead) -> DownstreamSight {
    if head.id != watched.below.id {
        return DownstreamSight::Unknown;
    }
    let status = head.status.unwrap_or_else(Status::untold);
    DownstreamSight::Seen { status, updated_at: head.updated_at }
}

async fn look_at<'a>(client: &Client, watched: Watched<'a>) -> (Watched<'a>, DownstreamSight) {
    let Some(path) = &watched.below.project else { return (watched, DownstreamSight::Hidden) };
    let sight = match client.pipeline(&ProjectRef::Path(path.clone()), watched.below.id).await {
        Ok(pipeline) if pipeline.id != watched.below.id || pipeline.unread.is_some() => DownstreamSight::Unknown,
        Ok(pipeline) => DownstreamSight::Seen { status: pipeline.status, updated_at: pipeline.updated_at },
        Err(error) if error.is_no_access() => DownstreamSight::Hidden,
        Err(_) => DownstreamSight::Unknown,
    };
    (watched, sight)
}
