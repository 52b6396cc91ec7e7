//! Query: the newest pipeline of a project that is named by its path.

use super::document::document;
use super::fields::Fields;
use super::pulse::PulseHeadWire;
use super::question::{GraphqlConnection, ask, number};
use super::trouble::stuck;
use super::wire::DetailsWire;
use crate::domain::id::{JobId, ProjectId};
use crate::domain::pipeline::Pipeline;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::job_page::JobPage;
use crate::gitlab::lenient::Item;
use crate::gitlab::rest::pipeline::PipelineHead;
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashSet;

const GLANCE: &str = include_str!("glance.graphql");

/// What one query tells of a project: enough to begin reading, not enough to judge by.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineOverview {
    pub project: ProjectId,
    pub full_path: String,
    /// The newest pipeline with the first page of its jobs, of which only what all versions tell is filled in.
    pub pipeline: Pipeline,
    pub jobs: JobPage,
    /// The pending jobs that no runner can take.
    pub stuck: HashSet<JobId>,
    /// The newest pipelines, 20 at most, newest first.
    pub heads: Vec<PipelineHead>,
}

#[derive(Deserialize)]
struct GlanceWire {
    project: Option<GlanceProjectWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GlanceProjectWire {
    id: String,
    full_path: String,
    #[serde(default)]
    newest: Item<GraphqlConnection<DetailsWire>>,
    #[serde(default)]
    heads: Item<GraphqlConnection<PulseHeadWire>>,
}

pub(super) fn query(fields: &Fields) -> (&'static str, String) {
    ("Glance", document(GLANCE, fields))
}

/// Looks at the newest pipeline of a project, of a ref where one is given; `None` where nothing is visible.
///
/// It is asked once: a caller without an answer asks REST.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    fields: &Fields,
    path: &str,
    git_ref: Option<&str>,
) -> Result<Option<PipelineOverview>, Error> {
    let mut variables = Map::from_iter([("path".to_owned(), Value::from(path))]);
    variables.extend(git_ref.map(|name| ("ref".to_owned(), Value::from(name))));
    let answer = ask::<GlanceWire>(transport, query(fields), variables.into(), |_| false).await?;
    if let Some(error) = answer.errors.first() {
        return Err(transport.error("Glance", Kind::Query(error.words(transport))));
    }
    Ok(answer.data.project.and_then(|project| project.convert(transport, fields)))
}

impl GlanceProjectWire {
    fn convert(self, transport: &Transport, fields: &Fields) -> Option<PipelineOverview> {
        let mut details = self.newest.read()?.known().next()?;
        let pending = std::mem::take(&mut details.pending);
        let (pipeline, jobs) = details.convert(transport.host(), fields)?;
        if pipeline.unread.is_some() {
            return None;
        }
        Some(PipelineOverview {
            project: ProjectId(number(&self.id)?),
            full_path: self.full_path,
            pipeline,
            jobs,
            stuck: stuck(pending),
            heads: self.heads.read()?.known().filter_map(PulseHeadWire::convert).collect(),
        })
    }
}
