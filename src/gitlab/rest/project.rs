//! `GET /groups/:id/projects` (<https://docs.gitlab.com/api/groups/#list-projects>) and `GET /projects/:id`.

use super::{group, project_key};
use crate::domain::id::{GroupRef, ProjectId, ProjectRef};
use crate::domain::project::Project;
use crate::gitlab::error::Error;
use crate::gitlab::page::{PER_PAGE, Page};
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
struct Wire {
    id: u64,
    name: Option<String>,
    name_with_namespace: Option<String>,
    path_with_namespace: String,
    web_url: Option<String>,
    default_branch: Option<String>,
    jobs_enabled: Option<bool>,
    /// The newer name of the two; GitLab 15 knows only `marked_for_deletion_at`.
    marked_for_deletion_on: Option<String>,
    marked_for_deletion_at: Option<String>,
}

/// A project as the list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProject {
    pub project: Project,
    /// It is listed until it is gone, and counted in the list's total.
    pub is_marked_for_deletion: bool,
}

impl From<Wire> for ListedProject {
    fn from(wire: Wire) -> Self {
        let is_marked_for_deletion = wire.marked_for_deletion_on.is_some() || wire.marked_for_deletion_at.is_some();
        let mut ancestor_names: Vec<String> =
            wire.name_with_namespace.iter().flat_map(|names| names.split(" / ")).map(str::to_owned).collect();
        ancestor_names.pop();
        let project = Project {
            id: ProjectId(wire.id),
            name: wire.name.unwrap_or_else(|| wire.path_with_namespace.clone()),
            full_path: wire.path_with_namespace,
            ancestor_names,
            web_url: wire.web_url,
            default_branch: wire.default_branch.filter(|branch| !branch.is_empty()),
            ci_enabled: wire.jobs_enabled,
        };
        Self { project, is_marked_for_deletion }
    }
}

pub(crate) async fn read(transport: &Transport, project: &ProjectRef) -> Result<Project, Error> {
    let wire: Wire = transport.get(&format!("projects/{}", project_key(project))).await?.decode()?;
    Ok(ListedProject::from(wire).project)
}

pub(crate) async fn list(
    transport: &Transport,
    group: &GroupRef,
    filter: ListFilter,
    number: u32,
) -> Result<Page<ListedProject>, Error> {
    let archived = if filter.archived { "" } else { "&archived=false" };
    // REST includes projects shared into the group unless told otherwise.
    let path = format!(
        "groups/{}/projects?include_subgroups={}&with_shared=false{archived}&order_by=id&sort=asc&per_page={PER_PAGE}&page={number}",
        group::key(group),
        filter.subgroups,
    );
    let answer = transport.get(&path).await?;
    let wires: Vec<Wire> = answer.decode()?;
    Ok(Page::new(wires.into_iter().map(ListedProject::from).collect(), number, &answer.headers))
}
