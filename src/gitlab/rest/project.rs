//! Lists of projects, and `GET /projects/:id`: `GET /groups/:id/projects` (<https://docs.gitlab.com/api/groups/#list-projects>),
//! `GET /users/:id/projects` (<https://docs.gitlab.com/api/projects/#list-a-users-projects>) and `GET /projects`
//! (<https://docs.gitlab.com/api/projects/#list-all-projects>).

use super::{encode, group, project_key};
use crate::domain::id::{ProjectId, ProjectRef};
use crate::domain::project::Project;
use crate::domain::project_source::{ListOwner, ProjectSearch};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{LenientList, loose};
use crate::gitlab::page::{ListPage, PER_PAGE};
use crate::gitlab::transport::{HttpAnswer, Transport};
use serde::Deserialize;

/// Which projects of a list are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFilter {
    /// Of the groups below one, too.
    pub subgroups: bool,
    /// Archived projects too.
    pub archived: bool,
}

#[derive(Deserialize)]
struct RestProjectWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    name_with_namespace: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    path_with_namespace: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    namespace: Option<NamespaceWire>,
    #[serde(default, deserialize_with = "loose")]
    web_url: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    default_branch: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    jobs_enabled: Option<bool>,
    /// The newer name of the two; GitLab 15 knows only `marked_for_deletion_at`.
    #[serde(default, deserialize_with = "loose")]
    marked_for_deletion_on: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    marked_for_deletion_at: Option<String>,
}

#[derive(Deserialize)]
struct NamespaceWire {
    #[serde(default, deserialize_with = "loose")]
    full_path: Option<String>,
}

/// A project as the list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProject {
    pub project: Project,
    /// It is listed until it is gone, and counted in the list's total.
    pub is_marked_for_deletion: bool,
    /// Full path of what it lies in, where the list says it.
    pub namespace: Option<String>,
}

impl RestProjectWire {
    /// Returns the project, unless it lacks what makes it one.
    fn convert(self) -> Option<ListedProject> {
        let Self { id: Some(id), path_with_namespace: Some(full_path), .. } = self else { return None };
        let is_marked_for_deletion = self.marked_for_deletion_on.is_some() || self.marked_for_deletion_at.is_some();
        let mut ancestor_names: Vec<String> =
            self.name_with_namespace.iter().flat_map(|names| names.split(" / ")).map(str::to_owned).collect();
        ancestor_names.pop();
        let project = Project {
            id: ProjectId(id),
            name: self.name.unwrap_or_else(|| full_path.clone()),
            full_path,
            ancestor_names,
            web_url: self.web_url,
            default_branch: self.default_branch.filter(|branch| !branch.is_empty()),
            ci_enabled: self.jobs_enabled,
        };
        let namespace = self.namespace.and_then(|namespace| namespace.full_path);
        Some(ListedProject { project, is_marked_for_deletion, namespace })
    }
}

pub(crate) async fn read(transport: &Transport, project: &ProjectRef) -> Result<Project, Error> {
    let answer = transport.get(&format!("projects/{}", project_key(project))).await?;
    let listed = answer.decode::<RestProjectWire>()?.convert();
    listed.map(|listed| listed.project).ok_or_else(|| answer.odd("the project has no id or no path"))
}

pub(crate) async fn list(
    transport: &Transport,
    wanted: &ProjectSearch,
    filter: ListFilter,
    number: u32,
) -> Result<ListPage<ListedProject>, Error> {
    read_page(transport, wanted, filter, number).await.map(|(page, _)| page)
}

/// Refuses a list that goes on behind so many pages.
pub(crate) async fn check_end(
    transport: &Transport,
    wanted: &ProjectSearch,
    filter: ListFilter,
    pages: u32,
) -> Result<(), Error> {
    let (page, answer) = read_page(transport, wanted, filter, pages + 1).await?;
    if page.items.is_empty() && page.odd == 0 {
        return Ok(());
    }
    Err(answer.refuse(Kind::ListTooLong { most: pages as usize * PER_PAGE }))
}

async fn read_page(
    transport: &Transport,
    wanted: &ProjectSearch,
    filter: ListFilter,
    number: u32,
) -> Result<(ListPage<ListedProject>, HttpAnswer), Error> {
    let (of, own) = match &wanted.owner {
        // REST includes projects shared into the group unless told otherwise.
        ListOwner::Group(group) => (
            format!("groups/{}/projects", group::key(group)),
            format!("include_subgroups={}&with_shared=false&", filter.subgroups),
        ),
        ListOwner::User(name) => (format!("users/{}/projects", encode(name)), String::new()),
        ListOwner::Anyone => ("projects".to_owned(), String::new()),
    };
    let archived = if filter.archived { "" } else { "archived=false&" };
    let search = if wanted.text.is_empty() { String::new() } else { format!("search={}&", encode(&wanted.text)) };
    let path = format!("{of}?{own}{archived}{search}order_by=id&sort=asc&per_page={PER_PAGE}&page={number}");
    let answer = transport.get(&path).await?;
    let wires: LenientList<RestProjectWire> = answer.decode()?;
    let Some(items) = wires.0 else { return Err(answer.odd("the answer is not a list")) };
    let items = items.into_iter().map(|item| item.read()?.convert()).collect();
    Ok((ListPage::of_items(items, number, &answer.headers), answer))
}
