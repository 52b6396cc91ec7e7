//! Pipelines: the list that finds the newest, and one with its details
//! (<https://docs.gitlab.com/api/pipelines/>).

use super::{encode, project_key, seconds};
use crate::domain::failure::Failure;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::pipeline::{Pipeline, Ref};
use crate::domain::status::Status;
use crate::gitlab::error::Error;
use crate::gitlab::lenient::loose;
use crate::gitlab::page::ListPage;
use crate::gitlab::transport::Transport;
use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// Which pipelines of a project are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PipelineFilter {
    /// Of any ref. GitLab lists child pipelines nowhere here.
    Any,
    /// Of the branch or tag with this name.
    Ref(String),
    Tags,
    MergeRequests,
}

impl PipelineFilter {
    /// Says whether a pipeline of this ref, as GitLab gives it, may be one of them; one that does not tell its ref may.
    pub(in crate::gitlab) fn may_be(&self, raw_ref: &str) -> bool {
        match self {
            Self::Ref(name) => raw_ref.is_empty() || raw_ref == name,
            Self::Any | Self::Tags | Self::MergeRequests => true,
        }
    }
}

/// A pipeline as the list has it: enough to know whether to ask for more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineHead {
    pub id: PipelineId,
    /// As GitLab gives it: `refs/merge-requests/7/head`.
    pub raw_ref: String,
    pub status: Option<Status>,
    pub created_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub web_url: Option<String>,
    /// That it says it belongs to another project.
    pub foreign: Option<Failure>,
}

#[derive(Deserialize)]
struct RestHeadWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    project_id: Option<u64>,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
    web_url: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RestPipelineWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    pub(super) project_id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    iid: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    tag: Option<bool>,
    #[serde(default, deserialize_with = "loose")]
    sha: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    source: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    started_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    queued_duration: Option<f64>,
    #[serde(default, deserialize_with = "coverage")]
    coverage: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    user: Option<RestUserWire>,
    #[serde(default, deserialize_with = "loose")]
    failure_reason: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    yaml_errors: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    detailed_status: Option<RestDetailedStatusWire>,
    #[serde(default, deserialize_with = "loose")]
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct RestUserWire {
    username: Option<String>,
}

#[derive(Deserialize)]
struct RestDetailedStatusWire {
    group: Option<String>,
}

/// Reads a coverage: documented as null, in practice a text such as `"84.20"`.
pub(super) fn coverage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Coverage {
        Number(f64),
        Text(String),
        None(()),
        Odd(IgnoredAny),
    }
    let percent = match Coverage::deserialize(deserializer)? {
        Coverage::Number(percent) => Some(percent),
        Coverage::Text(text) => text.parse().ok(),
        Coverage::None(()) | Coverage::Odd(_) => None,
    };
    Ok(percent.filter(|percent: &f64| percent.is_finite()))
}

impl From<RestPipelineWire> for Pipeline {
    fn from(wire: RestPipelineWire) -> Self {
        let group = wire.detailed_status.and_then(|detailed| detailed.group);
        Self {
            id: PipelineId(wire.id),
            iid: wire.iid,
            status: status(wire.status.as_deref()),
            // Words with hyphens are GitLab's groups of detailed status.
            has_warnings: group.as_deref() == Some("success-with-warnings"),
            git_ref: Ref::from_gitlab(wire.git_ref.as_deref().unwrap_or_default(), wire.tag),
            sha: wire.sha,
            source: wire.source,
            name: wire.name,
            created_at: wire.created_at,
            started_at: wire.started_at,
            finished_at: wire.finished_at,
            updated_at: wire.updated_at,
            duration: seconds(wire.duration),
            queued: seconds(wire.queued_duration),
            coverage: wire.coverage,
            user: wire.user.and_then(|user| user.username),
            commit_title: None,
            failure_reason: wire.failure_reason,
            yaml_errors: wire.yaml_errors,
            web_url: wire.web_url,
            stages: Vec::new(),
            downstream: Vec::new(),
            unread: None,
        }
    }
}

/// Reads a status; one that is missing is not known, which is never fine.
pub(in crate::gitlab) fn status(word: Option<&str>) -> Status {
    word.filter(|word| !word.is_empty()).map_or_else(Status::untold, Status::from_gitlab)
}

/// Says that a pipeline belongs to another project than the one that was asked about by its number. What was asked for by
/// a path may have another by now.
pub(super) fn foreign(asked: &ProjectRef, told: Option<u64>, what: &str) -> Option<Failure> {
    match (asked, told) {
        (ProjectRef::Id(asked), Some(told)) if asked.0 != told => {
            Some(Failure::contradictory(&format!("{what} of project {told}")))
        }
        _ => None,
    }
}

pub(crate) async fn list(
    transport: &Transport,
    project: &ProjectRef,
    filter: &PipelineFilter,
    count: usize,
) -> Result<Vec<PipelineHead>, Error> {
    let asked = filter;
    let filter = match filter {
        PipelineFilter::Any => String::new(),
        PipelineFilter::Ref(name) => format!("&ref={}", encode(name)),
        PipelineFilter::Tags => "&scope=tags".into(),
        PipelineFilter::MergeRequests => "&source=merge_request_event".into(),
    };
    let path = format!("projects/{}/pipelines?per_page={count}{filter}", project_key(project));
    let answer = transport.get(&path).await?;
    let ListPage { items: wires, total, .. } = ListPage::<RestHeadWire>::new(answer.decode()?, 1, &answer.headers);
    // An empty list is a fact only where it is the whole list of what was asked for.
    if total.is_some_and(|total| total.min(count as u64) > wires.len() as u64) {
        return Err(answer.odd("the list is shorter than it announces"));
    }
    if wires.iter().any(|wire| !asked.may_be(wire.git_ref.as_deref().unwrap_or_default())) {
        return Err(answer.odd("the list names pipelines that were not asked for"));
    }
    let head = |wire: RestHeadWire| PipelineHead {
        id: PipelineId(wire.id),
        raw_ref: wire.git_ref.unwrap_or_default(),
        status: wire.status.as_deref().filter(|word| !word.is_empty()).map(Status::from_gitlab),
        created_at: wire.created_at,
        updated_at: wire.updated_at,
        web_url: wire.web_url,
        foreign: foreign(project, wire.project_id, "the list names one"),
    };
    Ok(wires.into_iter().map(head).collect())
}

pub(crate) async fn read(transport: &Transport, project: &ProjectRef, id: PipelineId) -> Result<Pipeline, Error> {
    let answer = transport.get(&format!("projects/{}/pipelines/{id}", project_key(project))).await?;
    let wire: RestPipelineWire = answer.decode()?;
    let foreign = foreign(project, wire.project_id, "its details are those of one");
    Ok(Pipeline { unread: foreign, ..wire.into() })
}
