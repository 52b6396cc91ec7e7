//! Query: what REST does not tell about a pipeline in trouble.

use super::document::document;
use super::fields::Fields;
use super::question::{GraphqlConnection, ask, number};
use super::reason::without_link;
use crate::domain::id::JobId;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{Item, loose};
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashSet;

const TROUBLE: &str = include_str!("trouble.graphql");

#[derive(Deserialize)]
struct TroubleWire {
    project: Option<TroubleProjectWire>,
}

#[derive(Deserialize)]
struct TroubleProjectWire {
    pipeline: Option<TroublePipelineWire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TroublePipelineWire {
    failure_reason: Option<String>,
    #[serde(default)]
    jobs: Item<GraphqlConnection<PendingWire>>,
}

#[derive(Deserialize)]
pub(super) struct PendingWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    stuck: Option<bool>,
}

pub(super) fn query(fields: &Fields) -> (&'static str, String) {
    ("Trouble", document(TROUBLE, fields))
}

/// Reads which pending jobs no runner can take, and why GitLab failed the pipeline as a whole.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    fields: &Fields,
    project: &str,
    iid: u64,
) -> Result<(HashSet<JobId>, Option<String>), Error> {
    let variables = json!({ "path": project, "iid": iid.to_string() });
    let answer = ask::<TroubleWire>(transport, query(fields), variables, Kind::is_passing).await?;
    // Beside an error silence is no fact.
    if let Some(error) = answer.errors.first() {
        return Err(transport.error("Trouble", Kind::Query(error.words(transport))));
    }
    let Some(pipeline) = answer.data.project.and_then(|project| project.pipeline) else {
        return Ok(Default::default());
    };
    let reason = pipeline.failure_reason.map(|said| without_link(&said).to_owned());
    Ok((stuck(pipeline.jobs), reason.filter(|reason| !reason.is_empty())))
}

/// Picks the pending jobs that no runner can take.
pub(super) fn stuck(pending: Item<GraphqlConnection<PendingWire>>) -> HashSet<JobId> {
    let stuck = pending.read().into_iter().flat_map(GraphqlConnection::known).filter(|job| job.stuck == Some(true));
    stuck.filter_map(|job| number(&job.id?).map(JobId)).collect()
}
