//! What an exporter shows, in as few requests as REST needs for it: pipelines (<https://docs.gitlab.com/api/pipelines/>),
//! jobs (<https://docs.gitlab.com/api/jobs/>), branches, tags and comparisons
//! (<https://docs.gitlab.com/api/repositories/>) and environments (<https://docs.gitlab.com/api/environments/>).
//!
//! The values are GitLab's own words and numbers: a detailed status, parts of seconds, sizes of artifacts.

use super::job::{Identified, all_pages};
use super::pipeline::{coverage, foreign};
use super::{encode, project_key};
use crate::domain::exported::{
    CommitHead, ExportedCase, ExportedCounts, ExportedDeployment, ExportedEnvironment, ExportedJob, ExportedPipeline,
    ExportedSuite, ExportedTests, TrackedKind,
};
use crate::domain::id::{EnvironmentId, JobId, PipelineId, ProjectId, ProjectRef};
use crate::gitlab::error::Error;
use crate::gitlab::lenient::loose;
use crate::gitlab::page::{ListPage, PER_PAGE};
use crate::gitlab::transport::Transport;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct PipelineIdWire {
    id: u64,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    source: Option<String>,
}

#[derive(Deserialize)]
struct ExportedPipelineWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    project_id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    source: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    queued_duration: Option<f64>,
    #[serde(default, deserialize_with = "coverage")]
    coverage: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    detailed_status: Option<StatusGroupWire>,
}

#[derive(Deserialize)]
struct StatusGroupWire {
    #[serde(default, deserialize_with = "loose")]
    group: Option<String>,
}

#[derive(Deserialize)]
struct VariableWire {
    key: String,
    #[serde(default, deserialize_with = "loose")]
    value: Option<String>,
}

#[derive(Deserialize)]
struct ExportedJobWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    stage: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    allow_failure: Option<bool>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    queued_duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    tag_list: Option<Vec<String>>,
    #[serde(default, deserialize_with = "loose")]
    failure_reason: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    runner: Option<DescriptionWire>,
    #[serde(default, deserialize_with = "loose")]
    artifacts: Option<Vec<ArtifactWire>>,
}

#[derive(Deserialize)]
struct DescriptionWire {
    #[serde(default, deserialize_with = "loose")]
    description: Option<String>,
}

#[derive(Deserialize)]
struct ArtifactWire {
    #[serde(default, deserialize_with = "loose")]
    size: Option<u64>,
}

#[derive(Deserialize)]
struct ExportedBridgeWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    downstream_pipeline: Option<ChildWire>,
}

#[derive(Deserialize)]
struct ChildWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    project_id: Option<u64>,
}

#[derive(Deserialize)]
struct CountsWire {
    #[serde(default, deserialize_with = "loose")]
    total_time: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    total_count: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    success_count: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    failed_count: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    skipped_count: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    error_count: Option<u64>,
}

#[derive(Deserialize)]
struct ExportedTestsWire {
    #[serde(flatten)]
    counts: CountsWire,
    #[serde(default, deserialize_with = "loose")]
    test_suites: Option<Vec<ExportedSuiteWire>>,
}

#[derive(Deserialize)]
struct ExportedSuiteWire {
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(flatten)]
    counts: CountsWire,
    #[serde(default, deserialize_with = "loose")]
    test_cases: Option<Vec<ExportedCaseWire>>,
}

#[derive(Deserialize)]
struct ExportedCaseWire {
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    classname: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    execution_time: Option<f64>,
}

#[derive(Deserialize)]
struct NamedWire {
    name: String,
    #[serde(default, deserialize_with = "loose")]
    commit: Option<CommitHeadWire>,
}

#[derive(Deserialize)]
struct CommitHeadWire {
    #[serde(default, deserialize_with = "loose")]
    short_id: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    committed_date: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct CommitOfBranchWire {
    commit: CommitHeadWire,
}

#[derive(Deserialize)]
struct CompareWire {
    commits: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct PipelineRefWire {
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
}

#[derive(Deserialize)]
struct OpenMergeRequestWire {
    iid: u64,
    #[serde(default, deserialize_with = "loose")]
    title: Option<String>,
}

#[derive(Deserialize)]
struct EnvironmentNameWire {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
struct ExportedEnvironmentWire {
    id: u64,
    name: String,
    #[serde(default, deserialize_with = "loose")]
    external_url: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    state: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    last_deployment: Option<LastDeploymentWire>,
}

#[derive(Deserialize)]
struct LastDeploymentWire {
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    deployable: Option<DeployingJobWire>,
}

#[derive(Deserialize)]
struct DeployingJobWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    tag: Option<bool>,
    #[serde(default, deserialize_with = "loose")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    user: Option<UsernameWire>,
    #[serde(default, deserialize_with = "loose")]
    commit: Option<CommitHeadWire>,
}

#[derive(Deserialize)]
struct UsernameWire {
    #[serde(default, deserialize_with = "loose")]
    username: Option<String>,
}

macro_rules! identified {
    ($($wire:ty),*) => {
        $(impl Identified for $wire {
            fn id(&self) -> u64 {
                self.id
            }
        })*
    };
}

identified!(ExportedJobWire, ExportedBridgeWire, EnvironmentNameWire);

impl From<ExportedPipelineWire> for ExportedPipeline {
    fn from(wire: ExportedPipelineWire) -> Self {
        let group = wire.detailed_status.and_then(|detailed| detailed.group).filter(|group| !group.is_empty());
        Self {
            id: PipelineId(wire.id),
            status: group.map_or_else(|| wire.status.unwrap_or_default(), |group| group.replace('-', "_")),
            source: wire.source.unwrap_or_default(),
            variables: String::new(),
            coverage: wire.coverage,
            duration: wire.duration,
            queued: wire.queued_duration,
            updated_at: wire.updated_at.map(|at| at.timestamp()),
        }
    }
}

impl From<ExportedJobWire> for ExportedJob {
    fn from(wire: ExportedJobWire) -> Self {
        let status = wire.status.unwrap_or_default();
        let is_warning = status == "failed" && wire.allow_failure == Some(true);
        Self {
            id: JobId(wire.id),
            name: wire.name.unwrap_or_default(),
            stage: wire.stage.unwrap_or_default(),
            status: if is_warning { "success_with_warnings".to_owned() } else { status },
            created_at: wire.created_at.map(|at| at.timestamp()),
            duration: wire.duration,
            queued: wire.queued_duration,
            tags: wire.tag_list.unwrap_or_default(),
            failure_reason: wire.failure_reason.unwrap_or_default(),
            runner: wire.runner.and_then(|runner| runner.description).unwrap_or_default(),
            artifact_bytes: wire.artifacts.iter().flatten().filter_map(|artifact| artifact.size).sum(),
        }
    }
}

impl From<CountsWire> for ExportedCounts {
    fn from(wire: CountsWire) -> Self {
        Self {
            total_time: wire.total_time.unwrap_or_default(),
            total: wire.total_count.unwrap_or_default(),
            success: wire.success_count.unwrap_or_default(),
            failed: wire.failed_count.unwrap_or_default(),
            skipped: wire.skipped_count.unwrap_or_default(),
            error: wire.error_count.unwrap_or_default(),
        }
    }
}

impl From<ExportedSuiteWire> for ExportedSuite {
    fn from(wire: ExportedSuiteWire) -> Self {
        let case = |case: ExportedCaseWire| ExportedCase {
            name: case.name.unwrap_or_default(),
            class: case.classname.unwrap_or_default(),
            status: case.status.unwrap_or_default(),
            time: case.execution_time.unwrap_or_default(),
        };
        Self {
            name: wire.name.unwrap_or_default(),
            counts: wire.counts.into(),
            cases: wire.test_cases.into_iter().flatten().map(case).collect(),
        }
    }
}

impl From<CommitHeadWire> for CommitHead {
    fn from(wire: CommitHeadWire) -> Self {
        Self { short_id: wire.short_id.unwrap_or_default(), committed_at: wire.committed_date.map(|at| at.timestamp()) }
    }
}

impl From<ExportedEnvironmentWire> for ExportedEnvironment {
    fn from(wire: ExportedEnvironmentWire) -> Self {
        let last = wire.last_deployment.map(|deployed| {
            let job = deployed.deployable;
            let is_tag = job.as_ref().and_then(|job| job.tag) == Some(true);
            ExportedDeployment {
                kind: if is_tag { TrackedKind::Tag } else { TrackedKind::Branch },
                ref_name: deployed.git_ref.unwrap_or_default(),
                job: JobId(job.as_ref().and_then(|job| job.id).unwrap_or_default()),
                duration: job.as_ref().and_then(|job| job.duration),
                created_at: deployed.created_at.map(|at| at.timestamp()),
                status: job.as_ref().and_then(|job| job.status.clone()).unwrap_or_default(),
                username: job.as_ref().and_then(|job| job.user.as_ref()?.username.clone()).unwrap_or_default(),
                commit: job.and_then(|job| job.commit?.short_id).unwrap_or_default(),
            }
        });
        Self {
            id: EnvironmentId(wire.id),
            name: wire.name,
            external_url: wire.external_url.unwrap_or_default(),
            is_available: wire.state.as_deref() == Some("available"),
            last,
        }
    }
}

/// Reads a page of the newest pipelines of a ref, newest first: their numbers and sources.
pub(crate) async fn newest(
    transport: &Transport,
    project: &ProjectRef,
    raw_ref: &str,
    (page, count): (u64, u64),
) -> Result<Vec<(PipelineId, Option<String>)>, Error> {
    let (key, git_ref) = (project_key(project), encode(raw_ref));
    let path = format!("projects/{key}/pipelines?ref={git_ref}&page={page}&per_page={count}");
    let answer = transport.get(&path).await?;
    let wires: Vec<PipelineIdWire> = answer.decode()?;
    // What ignores the parameter lists other refs, too: one of them would be shown as this one.
    if wires.iter().any(|wire| wire.git_ref.as_deref().is_some_and(|told| told != raw_ref)) {
        return Err(answer.odd("the list names pipelines that were not asked for"));
    }
    Ok(wires.into_iter().map(|wire| (PipelineId(wire.id), wire.source)).collect())
}

pub(crate) async fn pipeline(
    transport: &Transport,
    project: &ProjectRef,
    id: PipelineId,
) -> Result<ExportedPipeline, Error> {
    let answer = transport.get(&format!("projects/{}/pipelines/{id}", project_key(project))).await?;
    let wire: ExportedPipelineWire = answer.decode()?;
    if wire.id != id.0 {
        return Err(answer.odd("the answer is about another pipeline"));
    }
    if let Some(foreign) = foreign(project, wire.project_id, "the pipeline is one") {
        return Err(answer.odd(&foreign.message));
    }
    Ok(wire.into())
}

/// Reads the variables that a pipeline was started with: names and values.
pub(crate) async fn variables(
    transport: &Transport,
    project: &ProjectRef,
    id: PipelineId,
) -> Result<Vec<(String, String)>, Error> {
    let path = format!("projects/{}/pipelines/{id}/variables", project_key(project));
    let wires: Vec<VariableWire> = transport.get(&path).await?.decode()?;
    Ok(wires.into_iter().map(|wire| (wire.key, wire.value.unwrap_or_default())).collect())
}

pub(crate) async fn jobs(
    transport: &Transport,
    project: &ProjectRef,
    id: PipelineId,
) -> Result<Vec<ExportedJob>, Error> {
    let path = format!("projects/{}/pipelines/{id}/jobs?", project_key(project));
    let wires: Vec<ExportedJobWire> = all_pages(transport, &path).await?;
    Ok(wires.into_iter().map(ExportedJob::from).collect())
}

/// Reads which pipelines a pipeline has triggered. One whose project is not said is of the same.
pub(crate) async fn children(
    transport: &Transport,
    project: &ProjectRef,
    id: PipelineId,
) -> Result<Vec<(ProjectRef, PipelineId)>, Error> {
    let path = format!("projects/{}/pipelines/{id}/bridges?", project_key(project));
    let wires: Vec<ExportedBridgeWire> = all_pages(transport, &path).await?;
    let child = |wire: ExportedBridgeWire| {
        let child = wire.downstream_pipeline?;
        let of = child.project_id.map_or_else(|| project.clone(), |id| ProjectRef::Id(ProjectId(id)));
        Some((of, PipelineId(child.id)))
    };
    Ok(wires.into_iter().filter_map(child).collect())
}

pub(crate) async fn tests(transport: &Transport, project: &ProjectRef, id: PipelineId) -> Result<ExportedTests, Error> {
    let path = format!("projects/{}/pipelines/{id}/test_report", project_key(project));
    let wire: ExportedTestsWire = transport.get(&path).await?.decode()?;
    Ok(ExportedTests {
        counts: wire.counts.into(),
        suites: wire.test_suites.into_iter().flatten().map(ExportedSuite::from).collect(),
    })
}

/// Reads every page of a list whose items have no number.
async fn pages<T: DeserializeOwned>(transport: &Transport, path: &str) -> Result<Vec<T>, Error> {
    let mut items = Vec::new();
    let mut next = Some(1);
    while let Some(number) = next {
        let joint = if path.ends_with('?') { "" } else { "&" };
        let answer = transport.get(&format!("{path}{joint}page={number}&per_page={PER_PAGE}")).await?;
        let page = ListPage::<T>::new(answer.decode()?, number, &answer.headers);
        next = page.next;
        if next.is_some_and(|next| next <= number || page.items.is_empty()) {
            return Err(answer.odd("the pages of the list repeat themselves"));
        }
        items.extend(page.items);
    }
    Ok(items)
}

/// Reads the names of all branches or tags.
pub(crate) async fn ref_names(
    transport: &Transport,
    project: &ProjectRef,
    kind: TrackedKind,
) -> Result<Vec<String>, Error> {
    let list = if kind == TrackedKind::Tag { "tags" } else { "branches" };
    let path = format!("projects/{}/repository/{list}?", project_key(project));
    Ok(pages::<NamedWire>(transport, &path).await?.into_iter().map(|wire| wire.name).collect())
}

/// Reads numbers and titles of all merge requests that are open.
pub(crate) async fn open_merge_requests(
    transport: &Transport,
    project: &ProjectRef,
) -> Result<Vec<(u64, String)>, Error> {
    let path = format!("projects/{}/merge_requests?state=opened&view=simple", project_key(project));
    let wires: Vec<OpenMergeRequestWire> = pages(transport, &path).await?;
    Ok(wires.into_iter().map(|wire| (wire.iid, wire.title.unwrap_or_default())).collect())
}

/// Reads a page of the refs of a project's pipelines, those that changed last first, as GitLab writes them. `true` where
/// another page follows.
pub(crate) async fn pipeline_refs(
    transport: &Transport,
    project: &ProjectRef,
    kind: TrackedKind,
    (since, page): (Option<DateTime<Utc>>, u32),
) -> Result<(Vec<String>, bool), Error> {
    let scope = match kind {
        TrackedKind::Branch => "&scope=branches",
        TrackedKind::Tag => "&scope=tags",
        TrackedKind::MergeRequest => "",
    };
    let since = since.map_or_else(String::new, |at| {
        format!("&updated_after={}", encode(&at.to_rfc3339_opts(SecondsFormat::Secs, true)))
    });
    let key = project_key(project);
    let path = format!("projects/{key}/pipelines?order_by=updated_at{scope}{since}&page={page}&per_page={PER_PAGE}");
    let answer = transport.get(&path).await?;
    let page = ListPage::<PipelineRefWire>::new(answer.decode()?, page, &answer.headers);
    let has_next = page.next.is_some() && !page.items.is_empty();
    Ok((page.items.into_iter().filter_map(|wire| wire.git_ref).collect(), has_next))
}

/// Reads numbers and names of the environments.
pub(crate) async fn environment_names(
    transport: &Transport,
    project: &ProjectRef,
    is_available: bool,
) -> Result<Vec<(EnvironmentId, String)>, Error> {
    let states = if is_available { "states=available" } else { "" };
    let path = format!("projects/{}/environments?{states}", project_key(project));
    let wires: Vec<EnvironmentNameWire> = all_pages(transport, &path).await?;
    Ok(wires.into_iter().map(|wire| (EnvironmentId(wire.id), wire.name)).collect())
}

pub(crate) async fn environment(
    transport: &Transport,
    project: &ProjectRef,
    id: EnvironmentId,
) -> Result<ExportedEnvironment, Error> {
    let path = format!("projects/{}/environments/{id}", project_key(project));
    Ok(transport.get(&path).await?.decode::<ExportedEnvironmentWire>()?.into())
}

/// Reads the newest commit of a branch.
pub(crate) async fn branch_head(
    transport: &Transport,
    project: &ProjectRef,
    branch: &str,
) -> Result<CommitHead, Error> {
    let path = format!("projects/{}/repository/branches/{}", project_key(project), encode(branch));
    Ok(transport.get(&path).await?.decode::<CommitOfBranchWire>()?.commit.into())
}

/// Reads the commit of the newest tag; none where there is no tag.
pub(crate) async fn newest_tag(transport: &Transport, project: &ProjectRef) -> Result<CommitHead, Error> {
    let path = format!("projects/{}/repository/tags?page=1&per_page={PER_PAGE}", project_key(project));
    let tags: Vec<NamedWire> = transport.get(&path).await?.decode()?;
    Ok(tags.into_iter().next().and_then(|tag| tag.commit).map(CommitHead::from).unwrap_or_default())
}

/// Counts the commits that the second has and the first has not.
pub(crate) async fn commits_between(
    transport: &Transport,
    project: &ProjectRef,
    (from, to): (&str, &str),
) -> Result<u64, Error> {
    let key = project_key(project);
    let path = format!("projects/{key}/repository/compare?from={}&to={}&straight=true", encode(from), encode(to));
    let compared: CompareWire = transport.get(&path).await?.decode()?;
    Ok(compared.commits.len() as u64)
}
