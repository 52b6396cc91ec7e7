//! Resolves what a user writes, such as `acme/api#812`, to a project and one of its pipelines or jobs.
//!
//! ```text
//! PROJECT              its newest pipeline, of any ref
//! PROJECT@REF          its newest pipeline of this branch or tag, or of this merge request (!31)
//! PROJECT#PIPELINE     this pipeline, by its id
//! https://..           the address of a project, a pipeline or a job, as a browser shows it
//! ```
//!
//! PROJECT is its id, its full path, or the end of a full path that no other project of the groups has.

use super::list;
use super::list::{LIST_PAGE, ListFinding as Arriving};
use super::project::{filters_of_any, newest_of};
use crate::domain::host::Host;
use crate::domain::id::{GroupRef, JobId, PipelineId, ProjectId, ProjectRef};
use crate::domain::project::Project;
use crate::domain::selection::{RefSelector, merge_request};
use crate::gitlab::client::{Client, ListFilter, OneJob, PipelineFilter, PipelineHead, PipelineOverview};
use crate::gitlab::error::Error;
use std::sync::Arc;
use tokio::sync::mpsc::unbounded_channel;

/// More names than this are no help.
const NAMED_AT_MOST: usize = 10;
const NEAR_AT_MOST: usize = 3;

/// What was written, taken apart but not yet looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetQuery {
    pub project: ProjectQuery,
    pub pipeline: PipelineQuery,
}

/// How a project was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectQuery {
    Id(ProjectId),
    /// Certainly a full path: it comes from a URL.
    FullPath(String),
    /// A full path, or the end of one.
    Path(String),
}

/// Which pipeline or job of the project is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineQuery {
    Newest,
    Ref(String),
    Pipeline(PipelineId),
    Job(JobId),
}

/// Why a text names nothing; goes on after the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("is not a project: permitted are its full path, the end of it, its id, or its address")]
    Project,
    #[error("has no number behind the #: a pipeline goes by its id, such as acme/api#812")]
    Pipeline,
    #[error("has nothing behind the @: a branch or tag goes there, such as acme/api@main")]
    Ref,
    #[error("is not an address on {0}, which is the host of this run")]
    Elsewhere(Host),
    #[error("is not the address of a project, a pipeline or a job")]
    Address,
}

impl TargetQuery {
    /// Reads what a person writes, or pastes from a browser.
    pub fn parse(text: &str, host: &Host) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.contains("://") {
            return Self::from_url(text, host);
        }
        let (project, pipeline) = match text.find(['#', '@']) {
            None => (text, PipelineQuery::Newest),
            Some(at) if text[at..].starts_with('#') => {
                let id = number(&text[at + 1..]).ok_or(TargetError::Pipeline)?;
                (&text[..at], PipelineQuery::Pipeline(PipelineId(id)))
            }
            Some(at) if at + 1 == text.len() => return Err(TargetError::Ref),
            Some(at) => (&text[..at], PipelineQuery::Ref(text[at + 1..].to_owned())),
        };
        Ok(Self { project: wanted(project)?, pipeline })
    }

    fn from_url(text: &str, host: &Host) -> Result<Self, TargetError> {
        let address = text.split(['?', '#']).next().unwrap_or_default();
        // What lies at the host's own address, without a slash, is no project.
        let below = host.path_below(address).ok_or_else(|| TargetError::Elsewhere(host.clone()))?.trim_matches('/');
        // GitLab before 13 had no `/-/`.
        let (project, rest) = below
            .split_once("/-/")
            .or_else(|| Some((below, "")).filter(|_| !below.contains("/pipelines/") && !below.contains("/jobs/")))
            .or_else(|| below.find("/pipelines/").map(|at| (&below[..at], &below[at + 1..])))
            .or_else(|| below.find("/jobs/").map(|at| (&below[..at], &below[at + 1..])))
            .ok_or(TargetError::Address)?;
        let mut parts = rest.split('/');
        let pipeline = match (parts.next(), parts.next().and_then(number)) {
            (Some(""), _) => PipelineQuery::Newest,
            (Some("pipelines"), Some(id)) => PipelineQuery::Pipeline(PipelineId(id)),
            (Some("pipelines"), None) if rest == "pipelines" => PipelineQuery::Newest,
            (Some("jobs"), Some(id)) => PipelineQuery::Job(JobId(id)),
            _ => return Err(TargetError::Address),
        };
        match wanted(project).map_err(|_| TargetError::Address)? {
            ProjectQuery::Path(path) if path.contains('/') => {
                Ok(Self { project: ProjectQuery::FullPath(path), pipeline })
            }
            _ => Err(TargetError::Address),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id| is_number && *id > 0)
}

/// Reads a project's id or path (legal characters: GitLab `lib/gitlab/path_regex.rb`).
fn wanted(text: &str) -> Result<ProjectQuery, TargetError> {
    if let Some(id) = number(text) {
        return Ok(ProjectQuery::Id(ProjectId(id)));
    }
    let path = text.trim_matches('/');
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if path.starts_with('-') || !path.split('/').all(is_part) || matches!(path, "." | "..") {
        return Err(TargetError::Project);
    }
    Ok(ProjectQuery::Path(path.to_owned()))
}

/// Where the end of a path is looked for.
#[derive(Debug, Clone, Copy)]
pub struct SearchScope<'a> {
    pub groups: &'a [GroupRef],
    /// The projects that an earlier run has listed: they say what to ask for first, never what is meant.
    pub known: &'a [Arc<Project>],
}

impl SearchScope<'_> {
    /// Returns the project that the end of a path most likely means.
    fn hint(&self, path: &str) -> Option<FoundProject> {
        choose(path, self.known, true).ok()
    }

    /// Returns how many pages the list of a group most likely has. Which projects were of which group is not known.
    fn pages(&self) -> u32 {
        let pages = if self.groups.len() == 1 { self.known.len().div_ceil(LIST_PAGE) } else { 1 };
        u32::try_from(pages).unwrap_or(u32::MAX)
    }
}

/// A project that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProject {
    pub id: ProjectId,
    pub full_path: String,
    pub web_url: Option<String>,
}

/// What a target names.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundTarget {
    pub project: FoundProject,
    pub pipeline: PipelineId,
    /// The pipeline's ref as GitLab gives it, where it was found in a list.
    pub raw_ref: Option<String>,
    /// Where the target was a job: the job and its state.
    pub job: Option<OneJob>,
}

impl FoundTarget {
    /// Returns the project as requests name it.
    pub fn project_ref(&self) -> ProjectRef {
        ProjectRef::Id(self.project.id)
    }
}

/// Why a target leads to nothing.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("project \"{wanted}\" not found or not visible to this token")]
    Unknown {
        wanted: String,
        /// Full paths that are written alike, the nearest first.
        near: Vec<String>,
        /// Whether groups were searched, or none was given.
        has_groups: bool,
    },
    /// Nothing was asked: there is no list to look in.
    #[error("\"{wanted}\" is the end of a path, and no group is given to look for it in")]
    NoGroup { wanted: String },
    #[error("\"{wanted}\" is the end of several projects' paths: {}", listed(.candidates))]
    Ambiguous { wanted: String, candidates: Vec<String> },
    #[error("{project} has no pipeline{}", of_ref(.git_ref))]
    NoPipeline { project: String, git_ref: Option<String> },
    /// A part of the list is missing, so that another project may be meant as well.
    #[error("the projects of the group cannot be told apart: {problem}")]
    Incomplete { problem: String },
    #[error("failed to find {what}")]
    Failed { what: String, source: Box<Error> },
}

fn listed(candidates: &[String]) -> String {
    let more = candidates.len().saturating_sub(NAMED_AT_MOST);
    let names = candidates[..candidates.len() - more].join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn of_ref(git_ref: &Option<String>) -> String {
    git_ref.as_ref().map_or(String::new(), |name| format!(" of {name}"))
}

/// Finds what a target names.
///
/// - A full path or an id costs one request; the end of a path costs the list of the groups, archived projects included.
///   What it meant in an earlier run is asked for at the same time, and counts where the list says the same.
/// - The newest pipeline costs one more, at the same time where the path is full, and so does a job. Whether a pipeline exists that was named by its id is not asked.
pub async fn find(client: &Client, scope: SearchScope<'_>, target: &TargetQuery) -> Result<FoundTarget, FindError> {
    let (filters, git_ref) = match &target.pipeline {
        PipelineQuery::Newest => (vec![PipelineFilter::Any], None),
        PipelineQuery::Ref(name) => (filters_of(name), Some(name.clone())),
        PipelineQuery::Pipeline(id) => {
            let (project, _) = find_project(client, scope, &target.project, None).await?;
            return Ok(FoundTarget { project, pipeline: *id, raw_ref: None, job: None });
        }
        PipelineQuery::Job(id) => {
            let (project, _) = find_project(client, scope, &target.project, None).await?;
            let job = client.job(&ProjectRef::Id(project.id), *id).await;
            let job = job.map_err(|source| failed(format!("job {id} of {}", project.full_path), source))?;
            return Ok(FoundTarget { project, pipeline: job.pipeline, raw_ref: None, job: Some(job) });
        }
    };
    let (project, heads) = find_project(client, scope, &target.project, Some(&filters)).await?;
    let heads = match heads {
        Some(heads) => heads,
        None => newest_of(client, &ProjectRef::Id(project.id), &filters).await,
    };
    let heads = heads.map_err(|source| failed(format!("a pipeline of {}", project.full_path), source))?;
    match heads.into_iter().next() {
        Some(head) => Ok(FoundTarget { project, pipeline: head.id, raw_ref: Some(head.raw_ref), job: None }),
        None => Err(FindError::NoPipeline { project: project.full_path, git_ref }),
    }
}

/// Returns what a ref means: a branch or tag, or a merge request, `!31`.
fn filters_of(git_ref: &str) -> Vec<PipelineFilter> {
    match merge_request(git_ref) {
        Some(iid) => filters_of_any(&RefSelector::MergeRequest(iid)),
        None => vec![PipelineFilter::Ref(git_ref.to_owned())],
    }
}

/// Looks at the newest pipeline that a target names, in one query over GraphQL.
///
/// `None` where a query cannot tell, or does not for whatever reason: `find` asks REST, and its errors are the better
/// ones. The end of a path is first looked for in the list of the groups, and the target has the full one from then on.
pub async fn glance(
    client: &Client,
    scope: SearchScope<'_>,
    target: &mut TargetQuery,
) -> Result<Option<PipelineOverview>, FindError> {
    let git_ref = match &target.pipeline {
        PipelineQuery::Newest => None,
        // It has three refs, and a glance has one.
        PipelineQuery::Ref(name) if merge_request(name).is_some() => return Ok(None),
        PipelineQuery::Ref(name) => Some(name.as_str()),
        PipelineQuery::Pipeline(_) | PipelineQuery::Job(_) => return Ok(None),
    };
    let path = match &target.project {
        ProjectQuery::Id(_) => return Ok(None),
        ProjectQuery::FullPath(path) => path.clone(),
        ProjectQuery::Path(path) if path.contains('/') => path.clone(),
        ProjectQuery::Path(end) => {
            let early = async {
                let hint = scope.hint(end)?;
                client.glance(&hint.full_path, git_ref).await.ok()?
            };
            let (found, early) = tokio::join!(search(client, scope, end), early);
            let found = found?;
            target.project = ProjectQuery::FullPath(found.full_path.clone());
            if let Some(early) = early.filter(|early| early.project == found.id) {
                return Ok(Some(early));
            }
            found.full_path
        }
    };
    Ok(client.glance(&path, git_ref).await.unwrap_or_default())
}

/// The newest pipelines of a project, where they were asked for beside the project itself.
type Heads = Option<Result<Vec<PipelineHead>, Error>>;

fn failed(what: String, source: Error) -> FindError {
    FindError::Failed { what, source: Box::new(source) }
}

async fn find_project(
    client: &Client,
    scope: SearchScope<'_>,
    wanted: &ProjectQuery,
    filters: Option<&[PipelineFilter]>,
) -> Result<(FoundProject, Heads), FindError> {
    let (asked, path) = match wanted {
        ProjectQuery::Id(id) => (ProjectRef::Id(*id), None),
        ProjectQuery::FullPath(path) => (ProjectRef::Path(path.clone()), None),
        ProjectQuery::Path(path) => (ProjectRef::Path(path.clone()), Some(path)),
    };
    // A full path has a group in it.
    if path.is_none_or(|path| path.contains('/')) {
        // At once: a full path is as good a key as the id.
        let heads = async {
            match filters {
                Some(filters) => Some(newest_of(client, &asked, filters).await),
                None => None,
            }
        };
        let (project, heads) = tokio::join!(client.project(&asked), heads);
        match project {
            Ok(project) => return Ok((project.into(), heads)),
            Err(error) if error.status() == Some(404) && path.is_some() => {}
            Err(error) => return Err(failed(format!("project {asked}"), error)),
        }
    }
    let path = path.map(String::as_str).unwrap_or_default();
    let hint = filters.and_then(|filters| Some((scope.hint(path)?.id, filters)));
    let early = async {
        let (id, filters) = hint?;
        Some((id, newest_of(client, &ProjectRef::Id(id), filters).await))
    };
    let (found, early) = tokio::join!(search(client, scope, path), early);
    let found = found?;
    let heads = early.filter(|(id, _)| *id == found.id).map(|(_, heads)| heads);
    Ok((found, heads))
}

/// Looks for the end of a path in the lists of the groups.
async fn search(client: &Client, scope: SearchScope<'_>, path: &str) -> Result<FoundProject, FindError> {
    // What contains a slash was asked for as a full path, and is not found.
    if scope.groups.is_empty() && !path.contains('/') {
        return Err(FindError::NoGroup { wanted: path.to_owned() });
    }
    choose(path, &list_all(client, scope).await?, !scope.groups.is_empty())
}

impl From<Project> for FoundProject {
    fn from(project: Project) -> Self {
        Self { id: project.id, full_path: project.full_path, web_url: project.web_url }
    }
}

/// Reads the lists of the groups, whole.
async fn list_all(client: &Client, scope: SearchScope<'_>) -> Result<Vec<Arc<Project>>, FindError> {
    let filter = ListFilter { subgroups: true, archived: true };
    let mut projects: Vec<Arc<Project>> = Vec::new();
    for group in scope.groups {
        let (sender, mut arriving) = unbounded_channel();
        let listed = list::read_group(client, group, filter, scope.pages(), sender).await;
        let listed = listed.map_err(|source| failed(format!("the projects of group \"{group}\""), source))?;
        if let Some(problem) = listed.problems.first() {
            return Err(FindError::Incomplete { problem: problem.failure.to_string() });
        }
        while let Ok(found) = arriving.try_recv() {
            if let Arriving::Listed(project) = found
                && projects.iter().all(|known| known.id != project.id)
            {
                projects.push(project);
            }
        }
    }
    Ok(projects)
}

/// Chooses the one project whose path ends like that; GitLab's paths do not tell capitals apart.
fn choose(path: &str, projects: &[Arc<Project>], has_groups: bool) -> Result<FoundProject, FindError> {
    let wanted = path.to_lowercase();
    let ends_so = |project: &&Arc<Project>| {
        let full = project.full_path.to_lowercase();
        full.strip_suffix(&wanted).is_some_and(|above| above.is_empty() || above.ends_with('/'))
    };
    let found: Vec<&Arc<Project>> = projects.iter().filter(ends_so).collect();
    match found.as_slice() {
        [] => Err(FindError::Unknown { wanted: path.to_owned(), near: near(&wanted, projects), has_groups }),
        [project] => Ok(project.as_ref().clone().into()),
        several => {
            let mut candidates: Vec<String> = several.iter().map(|project| project.full_path.clone()).collect();
            candidates.sort();
            Err(FindError::Ambiguous { wanted: path.to_owned(), candidates })
        }
    }
}

/// Returns the paths that were probably meant.
fn near(wanted: &str, projects: &[Arc<Project>]) -> Vec<String> {
    let depth = wanted.split('/').count();
    let distance = |full: &str| {
        let parts: Vec<&str> = full.split('/').collect();
        strsim::osa_distance(wanted, &parts[parts.len().saturating_sub(depth)..].join("/"))
    };
    let mut near: Vec<(usize, &String)> =
        projects.iter().map(|project| (distance(&project.full_path.to_lowercase()), &project.full_path)).collect();
    // A third of the letters wrong is a misspelling, more is another word.
    near.retain(|(wrong, _)| wrong * 3 <= wanted.len());
    near.sort();
    near.into_iter().take(NEAR_AT_MOST).map(|(_, path)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(project: ProjectQuery, pipeline: PipelineQuery) -> TargetQuery {
        TargetQuery { project, pipeline }
    }

    #[test]
    fn a_target_is_a_project_with_a_pipeline_or_an_address() {
        let host = Host::parse("https://example.com/gitlab").unwrap();
        let path = |path: &str| ProjectQuery::Path(path.into());
        let full = |path: &str| ProjectQuery::FullPath(path.into());
        let pipeline = |id| PipelineQuery::Pipeline(PipelineId(id));
        let cases = [
            ("acme/api", target(path("acme/api"), PipelineQuery::Newest)),
            ("api", target(path("api"), PipelineQuery::Newest)),
            (" /acme/api/ ", target(path("acme/api"), PipelineQuery::Newest)),
            ("42", target(ProjectQuery::Id(ProjectId(42)), PipelineQuery::Newest)),
            ("acme/api#812", target(path("acme/api"), pipeline(812))),
            ("42#812", target(ProjectQuery::Id(ProjectId(42)), pipeline(812))),
            ("api@main", target(path("api"), PipelineQuery::Ref("main".into()))),
            ("api@feature/x#1@2", target(path("api"), PipelineQuery::Ref("feature/x#1@2".into()))),
            ("https://example.com/gitlab/acme/api", target(full("acme/api"), PipelineQuery::Newest)),
            ("https://example.com/gitlab/acme/api/-/pipelines", target(full("acme/api"), PipelineQuery::Newest)),
            ("https://example.com/gitlab/acme/api/-/pipelines/812", target(full("acme/api"), pipeline(812))),
            (
                "https://example.com/gitlab/acme/api/-/pipelines/812/failures?x=1#y",
                target(full("acme/api"), pipeline(812)),
            ),
            (
                "https://example.com/gitlab/acme/api/-/jobs/9#L12",
                target(full("acme/api"), PipelineQuery::Job(JobId(9))),
            ),
            ("https://example.com/gitlab/acme/api/pipelines/812", target(full("acme/api"), pipeline(812))),
        ];
        for (text, expected) in cases {
            assert_eq!(TargetQuery::parse(text, &host), Ok(expected), "{text}");
        }
        let refused = [
            ("", TargetError::Project),
            ("acme//api", TargetError::Project),
            ("--watch", TargetError::Project),
            ("acme/a b", TargetError::Project),
            ("#812", TargetError::Project),
            ("..", TargetError::Project),
            ("acme/api#", TargetError::Pipeline),
            ("acme/api#main", TargetError::Pipeline),
            ("acme/api@", TargetError::Ref),
            ("https://elsewhere.example/acme/api", TargetError::Elsewhere(host.clone())),
            ("https://example.com/gitlab/acme", TargetError::Address),
            ("https://example.com/gitlab/acme/api/-/issues/1", TargetError::Address),
            ("https://example.com/gitlab/acme/api/-/jobs", TargetError::Address),
        ];
        for (text, error) in refused {
            assert_eq!(TargetQuery::parse(text, &host), Err(error), "{text}");
        }
    }

    fn projects(paths: &[&str]) -> Vec<Arc<Project>> {
        let project = |(at, path): (usize, &&str)| Project {
            id: ProjectId(at as u64 + 1),
            name: (*path).to_owned(),
            full_path: (*path).to_owned(),
            ancestor_names: vec![],
            web_url: None,
            default_branch: None,
            ci_enabled: None,
        };
        paths.iter().enumerate().map(project).map(Arc::new).collect()
    }

    #[test]
    fn the_end_of_a_path_names_a_project_that_no_other_shares_it_with() {
        let projects = projects(&["acme/api", "acme/payments/api", "acme/web", "acme/my-web"]);
        let id = |path| choose(path, &projects, true).ok().map(|project| project.id.0);
        assert_eq!(id("web"), Some(3), "half a name is no end of a path");
        assert_eq!(id("payments/API"), Some(2));
        assert_eq!(id("acme/api"), Some(1));
        let error = choose("api", &projects, true).unwrap_err().to_string();
        assert_eq!(error, "\"api\" is the end of several projects' paths: acme/api, acme/payments/api");
        let FindError::Unknown { near, .. } = choose("paymets/api", &projects, true).unwrap_err() else { panic!() };
        assert_eq!(near, ["acme/payments/api"]);
    }
}
