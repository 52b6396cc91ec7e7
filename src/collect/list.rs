//! Reads the lists of projects of a group, a user or of all that are visible, page by page, and notices missing parts.

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{GroupRef, ProjectId, ProjectRef};
use crate::domain::project::Project;
use crate::domain::project_source::{ListOwner, ProjectSearch, ProjectSource};
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

/// What became of one list.
#[derive(Debug)]
pub(super) struct ListedSource {
    /// `None` where it is no group's.
    pub group: Option<Group>,
    pub problems: Vec<Problem>,
}

/// Reads what is listed together and sends the projects on as the pages arrive.
pub(super) async fn read(
    client: &Client,
    wanted: &ProjectSource,
    filter: ListFilter,
    pages_before: u32,
    found: UnboundedSender<ListFinding>,
) -> Result<ListedSource, Error> {
    match wanted {
        ProjectSource::List { search, with_archived } => {
            let filter = ListFilter { archived: filter.archived || *with_archived, ..filter };
            match &search.owner {
                ListOwner::Group(group) => read_group(client, group, filter, pages_before, found).await,
                ListOwner::User(_) | ListOwner::Anyone => {
                    read_ungrouped(client, wanted, search, filter, pages_before, found).await
                }
            }
        }
        ProjectSource::Namespace(path) => {
            let group = GroupRef::Path(path.clone());
            match read_group(client, &group, filter, pages_before, found.clone()).await {
                Err(error) if error.status() == Some(404) => {
                    let search = ProjectSearch { owner: ListOwner::User(path.clone()), text: String::new() };
                    read_ungrouped(client, wanted, &search, filter, pages_before, found).await
                }
                outcome => outcome,
            }
        }
        ProjectSource::Project(path) => {
            let project = client.project(&ProjectRef::Path(path.clone())).await?;
            // The receiver lives as long as the run.
            let _ = found.send(ListFinding::Listed(Arc::new(project)));
            Ok(ListedSource { group: None, problems: Vec::new() })
        }
    }
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
) -> Result<ListedSource, Error> {
    let all = |group: GroupRef| ProjectSearch { owner: ListOwner::Group(group), text: String::new() };
    let search = all(wanted.clone());
    let pages = first_pages(client, &search, filter, pages_before);
    let (group, pages) = tokio::join!(client.group(wanted), pages);
    let (group, (first, expected)) = (group?, pages);
    let place = ListPlace { subject: group.full_path.clone(), home: Some(group.full_path.clone()) };
    let mut list = ProjectListing::new(client, all(GroupRef::Id(group.id)), filter, place, found);
    list.read(first?, expected).await?;
    Ok(ListedSource { group: Some(group), problems: list.problems })
}

/// Reads a list that is no group's. One of all visible projects is read to its end or not at all: on a large host they are
/// millions, the first of them those of strangers, and a part of them would say nothing.
async fn read_ungrouped(
    client: &Client,
    wanted: &ProjectSource,
    search: &ProjectSearch,
    filter: ListFilter,
    pages_before: u32,
    found: UnboundedSender<ListFinding>,
) -> Result<ListedSource, Error> {
    let (first, expected) = first_pages(client, search, filter, pages_before).await;
    let first = first?;
    let home = match &search.owner {
        // GitLab takes a number for the user's id, which is in no path.
        ListOwner::User(name) if name.parse::<u64>().is_err() => Some(name.clone()),
        ListOwner::User(_) | ListOwner::Anyone | ListOwner::Group(_) => None,
    };
    let is_countable = first.total_pages.is_some_and(|pages| pages <= MAX_PAGES);
    if search.owner == ListOwner::Anyone && first.next.is_some() && !is_countable {
        client.check_list_end(search, filter, MAX_PAGES).await?;
    }
    let place = ListPlace { subject: wanted.subject(), home };
    let mut list = ProjectListing::new(client, search.clone(), filter, place, found);
    list.read(first, expected).await?;
    Ok(ListedSource { group: None, problems: list.problems })
}

/// A page, or why it is missing.
type PageAnswer = Result<ListPage<ListedProject>, Error>;

/// Reads the first page, and at the same time as many more as the list had the last time.
async fn first_pages(
    client: &Client,
    search: &ProjectSearch,
    filter: ListFilter,
    pages_before: u32,
) -> (PageAnswer, Vec<PageAnswer>) {
    let expected = (2..=pages_before.min(MAX_PAGES)).map(|number| client.projects(search, filter, number));
    tokio::join!(client.projects(search, filter, 1), join_all(expected))
}

/// What a list is called, and where its projects lie.
struct ListPlace {
    subject: String,
    /// Path of the namespace that all of them lie in or below; `None` where they may lie anywhere.
    home: Option<String>,
}

impl ListPlace {
    fn problem(&self, failure: Failure) -> Problem {
        Problem { scope: ProblemScope::List, subject: self.subject.clone(), failure }
    }

    fn missing_page(&self, page: u32, error: &Error) -> Problem {
        self.problem(Failure::from(error).of(format_args!("page {page} of the project list is missing")))
    }

    /// Pages that repeat would never end.
    fn repeated(&self, number: u32) -> Problem {
        let message = format!("page {number} of the project list repeats what came before");
        self.problem(Failure::new(FailureKind::ListRepeats, message))
    }
}

/// A list whose pages are being read.
struct ProjectListing<'a> {
    client: &'a Client,
    search: ProjectSearch,
    filter: ListFilter,
    place: ListPlace,
    found: UnboundedSender<ListFinding>,
    problems: Vec<Problem>,
    ids: HashSet<ProjectId>,
    /// Projects that came and could not be read.
    odd: usize,
    /// The first project of a page of which none lies where all should.
    foreign: Option<String>,
}

/// Says whether a project lies in a namespace: that of a user, a group or one of its subgroups. One whose list does not say
/// where it lies only needs the same top-level namespace. GitLab's paths do not depend on case.
fn may_be_in(listed: &ListedProject, home: &str) -> bool {
    let lower = |path: &str| path.to_ascii_lowercase();
    let home = lower(home);
    let top = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
    match &listed.namespace {
        Some(namespace) => {
            lower(namespace).strip_prefix(&home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        None => top(&lower(&listed.project.full_path)) == top(&home),
    }
}

impl<'a> ProjectListing<'a> {
    fn new(
        client: &'a Client,
        search: ProjectSearch,
        filter: ListFilter,
        place: ListPlace,
        found: UnboundedSender<ListFinding>,
    ) -> Self {
        let (problems, ids) = (Vec::new(), HashSet::new());
        Self { client, search, filter, place, found, problems, ids, odd: 0, foreign: None }
    }

    /// Takes the first page and reads the others, of which some may have come already.
    async fn read(&mut self, first: ListPage<ListedProject>, expected: Vec<PageAnswer>) -> Result<(), Error> {
        let (total, total_pages, next) = (first.total, first.total_pages, first.next);
        if let Some(total) = total {
            // The receiver lives as long as the run.
            let _ = self.found.send(ListFinding::Announced(total));
        }
        self.take(first);
        // What is asked about the projects of this page comes before the other pages.
        tokio::task::yield_now().await;
        match (total_pages.filter(|pages| *pages <= MAX_PAGES), next) {
            (Some(pages), _) => self.read_at_once(pages, expected).await?,
            (None, Some(next)) => {
                let problem = self.follow(next).await?;
                self.problems.extend(problem);
            }
            (None, None) => {}
        }
        if self.problems.is_empty() {
            let lost = self.foreign().or_else(|| self.missing(total));
            self.problems.extend(lost);
        }
        Ok(())
    }

    /// Reads the pages from the second on, as many at a time as there may be requests.
    async fn read_at_once(&mut self, pages: u32, expected: Vec<PageAnswer>) -> Result<(), Error> {
        let (client, search, filter) = (self.client, self.search.clone(), self.filter);
        let mut expected = expected.into_iter();
        let read = |number| {
            let (known, search) = (expected.next(), &search);
            async move {
                let page = match known {
                    Some(page) => page,
                    None => client.projects(search, filter, number).await,
                };
                (number, page)
            }
        };
        let at_once = client.concurrency().saturating_sub(BESIDE_THE_LIST).max(1);
        let mut pending = stream::iter((2..=pages).map(read)).buffer_unordered(at_once);
        while let Some((number, page)) = pending.next().await {
            match page {
                Ok(page) => {
                    let is_empty = page.items.is_empty();
                    if !self.take(page) && !is_empty {
                        self.problems.push(self.place.repeated(number));
                        break;
                    }
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => self.problems.push(self.place.missing_page(number, &error)),
            }
        }
        Ok(())
    }

    /// Reads page after page, from this one on; returns what went wrong, which ends it.
    async fn follow(&mut self, from: u32) -> Result<Option<Problem>, Error> {
        let mut number = from;
        loop {
            match self.client.projects(&self.search, self.filter, number).await {
                Ok(page) => {
                    let next = page.next;
                    let is_news = self.take(page);
                    match next {
                        None => return Ok(None),
                        Some(next) if next <= number || !is_news => return Ok(Some(self.place.repeated(number))),
                        Some(next) => number = next,
                    }
                }
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => return Ok(Some(self.place.missing_page(number, &error))),
            }
        }
    }

    /// Says whether there was any project on it that was not known before.
    fn take(&mut self, page: ListPage<ListedProject>) -> bool {
        self.odd += page.odd;
        let known = self.ids.len();
        if let Some(home) = &self.place.home
            && page.items.iter().all(|listed| !may_be_in(listed, home))
        {
            let first = page.items.first().map(|listed| listed.project.full_path.clone());
            self.foreign = self.foreign.take().or(first);
        }
        for listed in page.items {
            let is_wanted = self.filter.archived || !listed.is_marked_for_deletion;
            if self.ids.insert(listed.project.id) && is_wanted && self.search.finds(&listed.project) {
                // The receiver lives as long as the run; a run that has ended wants no more projects.
                let _ = self.found.send(ListFinding::Listed(Arc::new(listed.project)));
            }
        }
        self.ids.len() > known
    }

    /// Says that a page was that of another group or user: none of its projects lies in this one. Single ones may be shared.
    fn foreign(&self) -> Option<Problem> {
        let path = self.foreign.as_ref()?;
        let message = format!("a page of the list is that of another group or user: it begins with \"{path}\"");
        Some(self.place.problem(Failure::new(FailureKind::ListForeign, message)))
    }

    /// Compares what came with what the first page announced.
    fn missing(&self, total: Option<u64>) -> Option<Problem> {
        if self.odd > 0 {
            let message = format!("{} of the listed projects could not be read: they have no id or no path", self.odd);
            return Some(self.place.problem(Failure::new(FailureKind::Decode, message)));
        }
        let (total, came) = (total?, self.ids.len() as u64);
        (came < total).then(|| {
            let message = format!("the list announced {total} projects, but only {came} came; run again");
            self.place.problem(Failure::new(FailureKind::ListShort, message))
        })
    }
}
