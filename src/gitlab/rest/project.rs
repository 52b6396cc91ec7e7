//! `GET /groups/:id/projects` (<https://docs.gitlab.com/api/groups/#list-projects>) and `GET /projects/:id`.

use super::{group, project_key};
use crate::domain::id::{GroupRef, ProjectId, ProjectRef};
use crate::domain::project::Project;
use crate::gitlab::error::Error;
use crate::gitlab::lenient::{LenientList, loose};
use crate::gitlab::page::{ListPage, PER_PAGE};
use crate::gitlab::transport::Transport;
use serde::Deserialize;

/// Which projects of a group are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListFilter {
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
    group: &GroupRef,
    filter: ListFilter,
    number: u32,
) -> Result<ListPage<ListedProject>, Error> {
    let archived = if filter.archived { "" } else { "&archived=false" };
    // REST includes projects shared into the group unless told otherwise.
    let path = format!(
        "groups/{}/projects?include_subgroups={}&with_shared=false{archived}&order_by=id&sort=asc&per_page={PER_PAGE}&page={number}",
        group::key(group),
        filter.subgroups,
    );
    let answer = transport.get(&path).await?;
    let wires: LenientList<RestProjectWire> = answer.decode()?;
    let Some(items) = wires.0 else { return Err(answer.odd("the answer is not a list")) };
    Ok(ListPage::of_items(items.into_iter().map(|item| item.read()?.convert()).collect(), number, &answer.headers))
}
