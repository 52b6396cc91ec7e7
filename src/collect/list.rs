//! Reads a group and its list of projects, page by page, and notices missing parts.

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{GroupRef, ProjectId};
use crate::domain::project::Project;
use crate::domain::snapshot::{Group, Problem, ProblemScope};
use crate::gitlab::ListPage;
use crate::gitlab::client::{Client, ListFilter, ListedProject};
use crate::gitlab::error::Error;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// A project that is to be read.
#[derive(Debug)]
pub(super) enum ListFinding {
    /// From the last list: read ahead, and dropped unless the new list confirms it.
    Known(Arc<Project>),
    /// From the list that counts.
    Listed(Arc<Project>),
    /// How many projects the list of a group says that it has.
    Announced(u64),
}

/// Projects on a page of the list.
pub(super) const LIST_PAGE: usize = 100;

/// GitLab tells the number of pages up to 10 000 records only; more than that is followed page by page.
const MAX_PAGES: u32 = 100;

/// Requests that have room beside the pages of a list: the first answers about projects show the first rows, and teach how
/// many projects to ask about at once.
const BESIDE_THE_LIST: usize = 2;

/// What became of one group's list.
#[derive(Debug)]
pub(super) struct ListedGroup {
    pub group: Group,
    pub problems: Vec<Problem>,
}

/// Reads a group and sends its projects on as the pages arrive.
///
/// The group and the first page are requested at once, together with as many pages as the list had the last time; later
/// pages go by the group's id, all at once where the server tells how many there are.
pub(super) async fn read_group(
    client: &Client,
    wanted: &GroupRef,
    filter: ListFilter,
    pages_before: u32,
    found: UnboundedSender<ListFinding>,
) -> Result<ListedGroup, Error> {
    let expected = (2..=pages_before.min(MAX_PAGES)).map(|number| client.projects(wanted, filter, number));
    let (group, first, expected) =
        tokio::join!(client.group(wanted), client.projects(wanted, filter, 1), join_all(expected));
    let (group, first) = (group?, first?);
    let group_path = group.full_path.clone();
    let mut list = ListingGroup { found, filter, group_path, ids: HashSet::new(), odd: 0, foreign: None };
    let mut problems = Vec::new();
    let by_id = GroupRef::Id(group.id);
    let total = first.total;
    let (total_pages, mut next) = (first.total_pages, first.next);
    if let Some(total) = total {
        // The receiver lives as long as the run.
        let _ = list.found.send(ListFinding::Announced(total));
    }
    list.take(first);
    // What is asked about the projects of this page comes before the other pages.
    tokio::task::yield_now().await;

    if let Some(pages) = total_pages.filter(|pages| *pages <= MAX_PAGES) {
        let by_id = &by_id;
        let mut expected = expected.into_iter();
        let mut read = |number| {
            let known = expected.next();
            async move {
                let page = match known {
                    Some(page) => page,
                    None => client.projects(by_id, filter, number).await,
                };
                (number, page)
            }
        };
        let at_once = client.concurrency().saturating_sub(BESIDE_THE_LIST).max(1);
        let mut pending = stream::iter((2..=pages).map(&mut read)).buffer_unordered(at_once);
        while let Some((number, page)) = pending.next().await {
            match page {
                Ok(page) => {
                    let is_empty = page.items.is_empty();
                    if !list.take(page) && !is_empty {
                        problems.push(repeated(number, &group));
                        break;
                    }
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => problems.push(missing_page(number, &group, &error)),
            }
        }
        next = None;
    }
    if let Some(next) = next {
        problems.extend(list.follow(client, next, &group).await?);
    }
    if problems.is_empty() {
        problems.extend(list.foreign(&group).or_else(|| list.missing(total, &group)));
    }
    Ok(ListedGroup { group, problems })
}

fn missing_page(page: u32, group: &Group, error: &Error) -> Problem {
    let failure = Failure::from(error).of(format_args!("page {page} of the project list is missing"));
    Problem { scope: ProblemScope::List, subject: group.full_path.clone(), failure }
}

/// Pages that repeat would never end.
fn repeated(number: u32, group: &Group) -> Problem {
    let message = format!("page {number} of the project list repeats what came before");
    Problem {
        scope: ProblemScope::List,
        subject: group.full_path.clone(),
        failure: Failure::new(FailureKind::ListRepeats, message),
    }
}

struct ListingGroup {
    found: UnboundedSender<ListFinding>,
    filter: ListFilter,
    group_path: String,
    ids: HashSet<ProjectId>,
    /// Projects that came and could not be read.
    odd: usize,
    /// The first project of a page of which none lies in the group.
    foreign: Option<String>,
}

/// Says whether a project lies in a group or in one of its subgroups; one whose list does not say where it lies only needs
/// the same top-level group. GitLab's paths do not depend on case.
fn may_be_in(listed: &ListedProject, group: &str) -> bool {
    let lower = |path: &str| path.to_ascii_lowercase();
    let group = lower(group);
    let top = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    match &listed.namespace {
        Some(namespace) => {
            lower(namespace).strip_prefix(&group).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        None => top(&lower(&listed.project.full_path)) == top(&group),
    }
}

impl ListingGroup {
    /// Reads page after page, from this one on; returns what went wrong, which ends it.
    async fn follow(&mut self, client: &Client, from: u32, group: &Group) -> Result<Option<Problem>, Error> {
        let by_id = GroupRef::Id(group.id);
        let mut number = from;
        loop {
            match client.projects(&by_id, self.filter, number).await {
                Ok(page) => {
                    let next = page.next;
                    let is_news = self.take(page);
                    match next {
                        None => return Ok(None),
                        Some(next) if next <= number || !is_news => return Ok(Some(repeated(number, group))),
                        Some(next) => number = next,
                    }
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => return Ok(Some(missing_page(number, group, &error))),
            }
        }
    }

    /// Says whether there was any project on it that was not known before.
    fn take(&mut self, page: ListPage<ListedProject>) -> bool {
        self.odd += page.odd;
        let known = self.ids.len();
        let is_foreign = |listed: &ListedProject| !may_be_in(listed, &self.group_path);
        if page.items.iter().all(is_foreign) {
            let first = page.items.first().map(|listed| listed.project.full_path.clone());
            self.foreign = self.foreign.take().or(first);
        }
        for listed in page.items {
            let is_wanted = self.filter.archived || !listed.is_marked_for_deletion;
            if self.ids.insert(listed.project.id) && is_wanted {
                // The receiver lives as long as the run; a run that has ended wants no more projects.
                let _ = self.found.send(ListFinding::Listed(Arc::new(listed.project)));
            }
        }
        self.ids.len() > known
    }

    /// Says that a page was that of another group: none of its projects lies in this one. Single ones may be shared.
    fn foreign(&self, group: &Group) -> Option<Problem> {
        let path = self.foreign.as_ref()?;
        let message = format!("a page of the list is that of another group: it begins with \"{path}\"");
        let failure = Failure::new(FailureKind::ListForeign, message);
        Some(Problem { scope: ProblemScope::List, subject: group.full_path.clone(), failure })
    }

    /// Compares what came with what the first page announced.
    fn missing(&self, total: Option<u64>, group: &Group) -> Option<Problem> {
        if self.odd > 0 {
            let message = format!("{} of the listed projects could not be read: they have no id or no path", self.odd);
            let failure = Failure::new(FailureKind::Decode, message);
            return Some(Problem { scope: ProblemScope::List, subject: group.full_path.clone(), failure });
        }
        let (total, came) = (total?, self.ids.len() as u64);
        (came < total).then(|| Problem {
            scope: ProblemScope::List,
            subject: group.full_path.clone(),
            failure: Failure::new(
                FailureKind::ListShort,
                format!("the list announced {total} projects, but only {came} came; run again"),
            ),
        })
    }
}
