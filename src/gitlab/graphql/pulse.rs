//! Query: the heads of the newest pipelines of many projects, which show what has changed.

use super::document::document;
use super::fields::Fields;
use super::question::{Answered, ask_projects, number, variables};
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::status::Status;
use crate::gitlab::error::Error;
use crate::gitlab::lenient::loose;
use crate::gitlab::rest::pipeline::{PipelineFilter, PipelineHead};
use crate::gitlab::transport::Transport;
use chrono::{DateTime, Utc};
use serde::Deserialize;

const PULSE: &str = include_str!("pulse.graphql");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PulseHeadWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
}

impl PulseHeadWire {
    pub(super) fn convert(self) -> Option<PipelineHead> {
        Some(PipelineHead {
            id: PipelineId(number(&self.id?)?),
            raw_ref: self.git_ref.unwrap_or_default(),
            status: self.status.as_deref().map(Status::from_gitlab),
            created_at: self.created_at,
            updated_at: self.updated_at,
            web_url: None,
            foreign: None,
        })
    }
}

pub(super) fn query() -> (&'static str, String) {
    ("Pulse", document(PULSE, &Fields::default()))
}

/// Reads the newest pipelines' heads of up to 100 projects.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    projects: &[ProjectId],
    filter: &PipelineFilter,
) -> Result<Answered<PipelineHead>, Error> {
    let convert = |wire: PulseHeadWire| wire.convert().filter(|head| filter.may_be(&head.raw_ref));
    ask_projects(transport, query(), projects, variables(projects, filter), convert).await
}
