//! Triggered pipelines and the bridges that lead to them, as they are written in the cache file.

use super::values::{Result, Unknown, each, option, status, word};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::pipeline::{Downstream, DownstreamLink};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Id, project, status, warnings, unread, page, what is below it, and its number in its project.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedDownstreamWire<'a>(
    u64,
    Option<Cow<'a, str>>,
    Cow<'a, str>,
    bool,
    bool,
    Option<Cow<'a, str>>,
    Vec<SavedDownstreamWire<'a>>,
    Option<u64>,
);

impl<'a> SavedDownstreamWire<'a> {
    pub(super) fn new(below: &'a Downstream) -> Self {
        Self(
            below.id.0,
            option(&below.project),
            word(&below.status),
            below.has_warnings,
            below.is_unread,
            option(&below.web_url),
            below.downstream.iter().map(Self::new).collect(),
            below.iid,
        )
    }
}

impl TryFrom<SavedDownstreamWire<'_>> for Downstream {
    type Error = Unknown;

    fn try_from(wire: SavedDownstreamWire<'_>) -> Result<Self> {
        let SavedDownstreamWire(id, project, word, has_warnings, is_unread, web_url, downstream, iid) = wire;
        Ok(Self {
            id: PipelineId(id),
            iid,
            project: project.map(Cow::into_owned),
            status: status(word)?,
            has_warnings,
            is_unread,
            web_url: web_url.map(Cow::into_owned),
            downstream: each(downstream, Self::try_from)?,
        })
    }
}

/// Id, iid, bridge, the project's id and path, status, warnings, whether something is below, page.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LinkWire<'a>(
    u64,
    Option<u64>,
    u64,
    Option<u64>,
    Option<Cow<'a, str>>,
    Cow<'a, str>,
    Option<bool>,
    Option<bool>,
    Option<Cow<'a, str>>,
);

impl<'a> LinkWire<'a> {
    pub(super) fn new(link: &'a DownstreamLink) -> Self {
        Self(
            link.id.0,
            link.iid,
            link.bridge.0,
            link.project_id.map(|id| id.0),
            option(&link.project),
            word(&link.status),
            link.has_warnings,
            link.has_below,
            option(&link.web_url),
        )
    }
}

impl TryFrom<LinkWire<'_>> for DownstreamLink {
    type Error = Unknown;

    fn try_from(wire: LinkWire<'_>) -> Result<Self> {
        let LinkWire(id, iid, bridge, project_id, project, word, has_warnings, has_below, web_url) = wire;
        Ok(Self {
            id: PipelineId(id),
            iid,
            bridge: JobId(bridge),
            project_id: project_id.map(ProjectId),
            project: project.map(Cow::into_owned),
            status: status(word)?,
            has_warnings,
            has_below,
            web_url: web_url.map(Cow::into_owned),
        })
    }
}
