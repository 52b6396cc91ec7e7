//! Follows pipelines to the downstream pipelines that they triggered, level by level.
//!
//! A pipeline that is already known, because its project is in the group, costs nothing; the others cost a request
//! for their details and one for their own bridges. Cycles end because a pipeline is read once and shown once per path.

use super::pages;
use super::torn;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::job;
use crate::domain::pipeline::{DOWNSTREAM_DEPTH, Downstream, DownstreamLink, Pipeline};
use crate::domain::project::Failure;
use crate::domain::snapshot::{Problem, ProblemScope};
use crate::domain::status::Status;
use crate::gitlab::client::{Bridges, Client, JobPage, MoreJobs};
use crate::gitlab::error::Error;
use futures_util::{StreamExt, stream};
use std::collections::HashMap;

/// What is known of a pipeline as a downstream of another.
#[derive(Debug, Clone)]
enum FollowedPipeline {
    Read {
        status: Status,
        has_warnings: bool,
        links: Vec<DownstreamLink>,
        /// Whether all that it triggered is in `links`.
        is_whole: bool,
    },
    /// Not visible to this token: what its bridge says is all there is.
    Hidden,
    /// It could not be read this time.
    Unread,
}

/// Every pipeline that a run knows, by id.
#[derive(Debug, Default)]
pub(super) struct Followed {
    known: HashMap<PipelineId, FollowedPipeline>,
}

impl Followed {
    /// Takes over what was read of a pipeline in the group; what it lacks, its own row tells, too.
    pub(super) fn learn(&mut self, pipeline: &Pipeline, links: &[DownstreamLink]) {
        let Pipeline { id, status, has_warnings, unread, .. } = pipeline;
        let is_whole = unread.is_none();
        let known = FollowedPipeline::Read {
            status: status.clone(),
            has_warnings: *has_warnings,
            links: links.to_vec(),
            is_whole,
        };
        self.insert(*id, known);
    }

    fn insert(&mut self, id: PipelineId, known: FollowedPipeline) {
        self.known.insert(id, known);
    }

    /// Reads what the links lead to, down to the depth that is followed.
    pub(super) async fn read(&mut self, client: &Client, roots: &[DownstreamLink]) -> Result<Vec<Problem>, Error> {
        let mut problems = Vec::new();
        let mut level: HashMap<PipelineId, DownstreamLink> = roots.iter().map(|link| (link.id, link.clone())).collect();
        for depth in 1..=DOWNSTREAM_DEPTH {
            let is_last = depth == DOWNSTREAM_DEPTH;
            let mut unknown: Vec<&DownstreamLink> = Vec::new();
            for link in level.values() {
                match (self.known.contains_key(&link.id), from_link(link, is_last)) {
                    (true, _) => {}
                    (false, Some(known)) => self.insert(link.id, known),
                    (false, None) => unknown.push(link),
                }
            }
            unknown.sort_by_key(|link| link.id);
            for reading in read_level(client, unknown, is_last).await {
                let (id, known, problem) = reading?;
                self.insert(id, known);
                problems.extend(problem);
            }
            let below = level.keys().filter_map(|id| match self.known.get(id) {
                Some(FollowedPipeline::Read { links, .. }) => Some(links),
                Some(FollowedPipeline::Hidden | FollowedPipeline::Unread) | None => None,
            });
            level = below.flatten().map(|link| (link.id, link.clone())).collect();
        }
        Ok(problems)
    }

    /// Takes what links tell by themselves, without a request.
    pub(super) fn of_links(links: &[DownstreamLink]) -> Self {
        let known = links.iter().filter_map(|link| Some((link.id, from_link(link, true)?)));
        Self { known: known.collect() }
    }

    /// Builds the tree below a pipeline.
    pub(super) fn tree(&self, root: PipelineId, links: &[DownstreamLink]) -> Vec<Downstream> {
        self.level(links, &mut vec![root])
    }

    /// Brings a tree that was not read again up to date with what is known from elsewhere: pipelines inside the group
    /// are read with their own projects.
    pub(super) fn refresh(&self, level: &mut [Downstream]) {
        for downstream in level {
            if let Some((status, has_warnings, is_unread)) = self.read_of(downstream) {
                downstream.status = status.clone();
                (downstream.has_warnings, downstream.is_unread) = (has_warnings, is_unread);
            }
            self.refresh(&mut downstream.downstream);
        }
    }

    /// Says whether that would change anything.
    pub(super) fn has_news(&self, level: &[Downstream]) -> bool {
        let is_news = |old: &Downstream| {
            self.read_of(old).is_some_and(|now| now != (&old.status, old.has_warnings, old.is_unread))
                || self.has_news(&old.downstream)
        };
        level.iter().any(is_news)
    }

    fn read_of(&self, downstream: &Downstream) -> Option<(&Status, bool, bool)> {
        match self.known.get(&downstream.id)? {
            FollowedPipeline::Read { status, has_warnings, is_whole, .. } => Some((status, *has_warnings, !is_whole)),
            FollowedPipeline::Hidden | FollowedPipeline::Unread => None,
        }
    }

    fn level(&self, links: &[DownstreamLink], path: &mut Vec<PipelineId>) -> Vec<Downstream> {
        if path.len() > DOWNSTREAM_DEPTH {
            return Vec::new();
        }
        let mut level = Vec::new();
        for link in links {
            if path.contains(&link.id) {
                continue;
            }
            path.push(link.id);
            let (status, has_warnings, below) = match self.known.get(&link.id) {
                Some(FollowedPipeline::Read { status, has_warnings, links, .. }) => {
                    (status, *has_warnings, self.level(links, path))
                }
                Some(FollowedPipeline::Hidden | FollowedPipeline::Unread) | None => (&link.status, false, Vec::new()),
            };
            path.pop();
            level.push(Downstream {
                id: link.id,
                iid: link.iid,
                project: link.project.clone(),
                status: status.clone(),
                has_warnings,
                is_unread: status.is_untold()
                    || matches!(
                        self.known.get(&link.id),
                        Some(FollowedPipeline::Unread | FollowedPipeline::Read { is_whole: false, .. })
                    ),
                web_url: link.web_url.clone(),
                downstream: below,
            });
        }
        level
    }
}

/// Enough to keep every slot of the budget busy; the budget does the bounding.
const READ_AHEAD: usize = 64;

/// A torn reading is repeated this often; what then still contradicts itself is reported.
const REREADS: usize = 2;

/// What became of one link, and the problem to tell about it.
type DownstreamReading = Result<(PipelineId, FollowedPipeline, Option<Problem>), Error>;

/// Returns what a link already tells: GraphQL says of a triggered pipeline how it went and whether anything is below it.
fn from_link(link: &DownstreamLink, is_last: bool) -> Option<FollowedPipeline> {
    let is_all = is_last || link.has_below == Some(false);
    let has_warnings = link.has_warnings.filter(|_| is_all)?;
    Some(FollowedPipeline::Read { status: link.status.clone(), has_warnings, links: Vec::new(), is_whole: true })
}

/// Reads a level of pipelines: over GraphQL what came from there, else, and where GraphQL is silent, over REST.
async fn read_level(client: &Client, unknown: Vec<&DownstreamLink>, is_last: bool) -> Vec<DownstreamReading> {
    let (known_paths, others): (Vec<_>, Vec<_>) =
        unknown.into_iter().map(|link| (link, more_of(link))).partition(|(_, more)| more.is_some());
    let (links, wanted): (Vec<_>, Vec<_>) =
        known_paths.into_iter().filter_map(|(link, more)| Some((link, more?))).unzip();
    let mut others: Vec<&DownstreamLink> = others.into_iter().map(|(link, _)| link).collect();
    let mut readings: Vec<DownstreamReading> = Vec::new();
    for (link, jobs) in links.into_iter().zip(pages::all(client, wanted).await) {
        match jobs.ok().and_then(|jobs| bridges_of(link, jobs)) {
            Some(known) => readings.push(Ok((link.id, known, None))),
            None => others.push(link),
        }
    }
    let others: Vec<_> = others.into_iter().map(|link| read_one(client, link, is_last)).collect();
    readings.extend(stream::iter(others).buffer_unordered(READ_AHEAD).collect::<Vec<_>>().await);
    readings
}

/// Returns what to ask for the bridges of a triggered pipeline that GraphQL told about.
fn more_of(link: &DownstreamLink) -> Option<MoreJobs> {
    link.has_warnings?;
    let project = link.project.clone()?;
    Some(MoreJobs {
        pipeline: link.id,
        project,
        iid: link.iid?,
        after: None,
        with_needs: false,
        web_url: link.web_url.clone(),
    })
}

/// Returns what is known of a pipeline with its jobs; `None` where they contradict what its bridge said.
fn bridges_of(link: &DownstreamLink, jobs: JobPage) -> Option<FollowedPipeline> {
    let stages = job::stages(jobs.attempts.iter().cloned());
    let links = pages::links(jobs);
    let is_silent = links.is_empty() && link.has_below == Some(true);
    let is_torn = torn::contradiction(&link.status, stages.iter().flat_map(|stage| &stage.jobs)).is_some();
    let has_warnings = link.has_warnings.unwrap_or_default();
    let known = FollowedPipeline::Read { status: link.status.clone(), has_warnings, links, is_whole: true };
    (!is_silent && !is_torn).then_some(known)
}

fn unread(link: &DownstreamLink, failure: Failure) -> Problem {
    let subject = link.project.clone().or(link.project_id.map(|id| id.to_string())).unwrap_or_default();
    let failure = failure.of(format_args!("downstream pipeline #{} could not be read", link.id));
    Problem { scope: ProblemScope::Project, subject, failure }
}

async fn read_one(client: &Client, link: &DownstreamLink, is_last: bool) -> DownstreamReading {
    let key = match (link.project_id, &link.project) {
        (Some(id), _) => ProjectRef::Id(id),
        (None, Some(path)) => ProjectRef::Path(path.clone()),
        (None, None) => return Ok((link.id, FollowedPipeline::Hidden, None)),
    };
    let is_hidden = |error: &Error| error.is_no_access() || (error.status() == Some(401) && !client.has_token());
    for reread in 0.. {
        let bridges = async { if is_last { Ok(Bridges::default()) } else { client.bridges(&key, link.id).await } };
        let (details, bridges) = tokio::join!(client.pipeline(&key, link.id), bridges);
        let pipeline = match details {
            Ok(pipeline) if pipeline.id == link.id => pipeline,
            Ok(other) => {
                let failure = Failure::contradictory(&format!("its details are those of #{}", other.id));
                return Ok((link.id, FollowedPipeline::Unread, Some(unread(link, failure))));
            }
            Err(error) if is_hidden(&error) => break,
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => return Ok((link.id, FollowedPipeline::Unread, Some(unread(link, Failure::from(&error))))),
        };
        let foreign = pipeline.unread;
        // What is known already is not lost with the rest.
        let (links, missing) = match bridges {
            Ok(Bridges { foreign: Some(failure), .. }) => (Vec::new(), Some(failure)),
            Ok(bridges) => match torn::contradiction(&pipeline.status, &bridges.attempts) {
                Some(_) if reread < REREADS => continue,
                torn => (bridges.links, torn.map(|what| Failure::contradictory(&what))),
            },
            Err(error) if error.is_fatal() && !is_hidden(&error) => return Err(error),
            Err(error) => (Vec::new(), Some(Failure::from(&error))),
        };
        let missing = foreign.or(missing);
        let Pipeline { status, has_warnings, .. } = pipeline;
        let known = FollowedPipeline::Read { status, has_warnings, links, is_whole: missing.is_none() };
        return Ok((link.id, known, missing.map(|failure| unread(link, failure))));
    }
    Ok((link.id, FollowedPipeline::Hidden, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::JobId;

    fn link(id: u64, status: Status) -> DownstreamLink {
        DownstreamLink {
            id: PipelineId(id),
            iid: None,
            bridge: JobId(id),
            project_id: None,
            project: None,
            status,
            has_warnings: None,
            has_below: None,
            web_url: None,
        }
    }

    fn read(status: Status, below: &[u64]) -> FollowedPipeline {
        let links = below.iter().map(|id| link(*id, Status::Running)).collect();
        FollowedPipeline::Read { status, has_warnings: false, links, is_whole: true }
    }

    fn ids(tree: &[Downstream]) -> Vec<(u64, Vec<u64>)> {
        tree.iter().map(|d| (d.id.0, d.downstream.iter().map(|d| d.id.0).collect())).collect()
    }

    #[test]
    fn a_cycle_ends_where_it_began() {
        let mut followed = Followed::default();
        followed.insert(PipelineId(1), read(Status::Success, &[2]));
        followed.insert(PipelineId(2), read(Status::Success, &[1]));
        assert_eq!(ids(&followed.tree(PipelineId(1), &[link(2, Status::Success)])), [(2, vec![])]);
    }

    #[test]
    fn the_tree_is_three_levels_deep() {
        let mut followed = Followed::default();
        for id in 1..6 {
            followed.insert(PipelineId(id), read(Status::Success, &[id + 1]));
        }
        let tree = followed.tree(PipelineId(1), &[link(2, Status::Success)]);
        assert_eq!(tree[0].downstream[0].downstream[0].id, PipelineId(4));
        assert!(tree[0].downstream[0].downstream[0].downstream.is_empty());
    }

    #[test]
    fn what_was_read_is_newer_than_what_the_bridge_said_and_the_unread_is_not_fine() {
        let mut followed = Followed::default();
        followed.insert(PipelineId(2), read(Status::Failed, &[]));
        followed.insert(PipelineId(3), FollowedPipeline::Unread);
        followed.insert(PipelineId(4), FollowedPipeline::Hidden);
        let links = [link(2, Status::Running), link(3, Status::Success), link(4, Status::Success)];
        let tree = followed.tree(PipelineId(1), &links);
        let worst: Vec<_> = tree.iter().map(|d| d.worst().word().to_owned()).collect();
        assert_eq!(worst, ["failed", "unread", "success"]);
    }
}
