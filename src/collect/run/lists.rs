//! The lists of projects: read when they are due, repeated until then.

use super::super::list::{self, LIST_PAGE, ListFinding, ListedSource};
use super::super::options::CollectOptions;
use super::Collector;
use super::GroupError;
use crate::domain::failure::Failure;
use crate::domain::project::Project;
use crate::domain::snapshot::{Group, Problem, ProblemScope};
use crate::gitlab::client::Client;
use crate::gitlab::error::Error;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

/// A list that lacks a part is read again in this part of the usual time: after one minute instead of five.
const SOONER: u32 = 5;

/// The groups and their projects, as they were listed.
#[derive(Debug)]
pub(super) struct ProjectList {
    pub(super) groups: Vec<Group>,
    pub(super) problems: Vec<Problem>,
    pub(super) projects: Vec<Arc<Project>>,
    pub(super) is_whole: bool,
    /// `None` for one that another process has read, or that something has said to be old.
    pub(super) read_at: Option<Instant>,
}

impl ProjectList {
    /// Says whether it is to be read again. One that lacks a part is tried sooner, but not with every refresh: a group
    /// that is gone for good would cost its pages each time.
    pub(super) fn is_due(&self, every: Duration) -> bool {
        let after = if self.is_whole { every } else { every / SOONER };
        self.read_at.is_none_or(|read_at| read_at.elapsed() >= after)
    }
}

impl Collector {
    /// Reads the lists, or repeats the last ones.
    pub(super) async fn lists(
        &self,
        client: &Client,
        is_due: bool,
        found: UnboundedSender<ListFinding>,
    ) -> Option<Vec<Result<ListedSource, Error>>> {
        match &self.memory.list {
            Some(list) if !is_due => {
                send(list, ListFinding::Listed, &found);
                None
            }
            last => {
                if let Some(last) = last {
                    send(last, ListFinding::Known, &found);
                }
                // Which projects were of which of several lists is not kept.
                let pages = match (last, self.options.sources.len()) {
                    (Some(last), 1) => last.projects.len().div_ceil(LIST_PAGE),
                    _ => 1,
                };
                let pages = u32::try_from(pages).unwrap_or(u32::MAX);
                let read = |source| list::read(client, source, self.options.list, pages, found.clone());
                let lists = join_all(self.options.sources.iter().map(read)).await;
                let is_cut = lists.iter().any(|list| list.as_ref().map_or(true, |list| !list.problems.is_empty()));
                // Where nothing answers there is nothing to be gained from asking about each project.
                let is_cut = is_cut && lists.iter().any(Result::is_ok);
                // A part of the list that is lost this time does not make its projects disappear.
                if let Some(last) = last.as_ref().filter(|_| is_cut) {
                    send(last, ListFinding::Listed, &found);
                }
                Some(lists)
            }
        }
    }

    /// Puts a list together; a group that is missing from it is taken from the last one.
    pub(super) fn listed(
        &self,
        mut groups: Vec<Group>,
        problems: Vec<Problem>,
        mut projects: Vec<Arc<Project>>,
    ) -> ProjectList {
        let is_whole = problems.is_empty();
        let before = self.memory.list.iter().filter(|_| !is_whole).flat_map(|list| &list.groups);
        // One that has another name by now is not lost.
        let is_missing = |group: &&Group| !groups.iter().any(|read| read.id == group.id);
        let missing: Vec<Group> = before.filter(is_missing).cloned().collect();
        groups.extend(missing);
        projects.sort_unstable_by_key(|project| project.id);
        ProjectList { is_whole, groups, problems, projects, read_at: Some(Instant::now()) }
    }
}

fn send(list: &ProjectList, found_as: fn(Arc<Project>) -> ListFinding, found: &UnboundedSender<ListFinding>) {
    for project in &list.projects {
        // The receiver lives as long as this reading.
        let _ = found.send(found_as(Arc::clone(project)));
    }
}

/// Sorts the lists into those that were read and those that are problems; none left is an error.
pub(in crate::collect) fn sort_lists(
    client: &Client,
    options: &CollectOptions,
    lists: Vec<Result<ListedSource, Error>>,
) -> Result<(Vec<Group>, Vec<Problem>), GroupError> {
    let mut groups = Vec::new();
    let mut problems = Vec::new();
    let mut first_error = None;
    let mut is_any_read = false;
    for (wanted, list) in options.sources.iter().zip(lists) {
        match list {
            Ok(listed) => {
                is_any_read = true;
                groups.extend(listed.group.filter(|group| !groups.contains(group)));
                problems.extend(listed.problems);
            }
            Err(source) => {
                let is_fatal = source.is_fatal() && client.has_token();
                let failure = Failure::from(&source);
                problems.push(Problem { scope: ProblemScope::of(wanted), subject: wanted.subject(), failure });
                let error =
                    GroupError { wanted: Box::new(wanted.clone()), source: Box::new(source), others: Vec::new() };
                if is_fatal {
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if !is_any_read => Err(GroupError { others: problems.split_off(1), ..error }),
        _ => Ok((groups, problems)),
    }
}
