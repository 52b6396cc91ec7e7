//! Query: have downstream pipelines changed that no pulse sees?

use super::document::{document, repeat};
use super::fields::Fields;
use super::pulse::PulseHeadWire;
use super::question::{ask, is_passing_for_many};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::rest::pipeline::PipelineHead;
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::Map;
use std::collections::HashMap;

const DOWNSTREAM: &str = include_str!("downstream.graphql");

/// Pipelines in one query: each has a complexity of 5, of the 150 that we allow ourselves.
pub const PER_QUERY: usize = 28;

/// A pipeline by its project's full path and its number there.
pub type ByIid = (String, u64);

#[derive(Deserialize)]
struct DownstreamProjectWire {
    pipeline: Option<PulseHeadWire>,
}

pub(super) fn query(pipelines: usize) -> (&'static str, String) {
    ("Downstream", document(&repeat(DOWNSTREAM, pipelines), &Fields::default()))
}

/// Reads the heads of up to `PER_QUERY` pipelines; one that is hidden or gone is `None`.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    wanted: &[ByIid],
) -> Result<Vec<Option<PipelineHead>>, Error> {
    let mut variables = Map::new();
    for (number, (path, iid)) in wanted.iter().enumerate() {
        variables.insert(format!("path{number}"), path.clone().into());
        variables.insert(format!("iid{number}"), iid.to_string().into());
    }
    let query = query(wanted.len());
    let name = query.0;
    let answer =
        ask::<HashMap<String, Option<DownstreamProjectWire>>>(transport, query, variables.into(), is_passing_for_many)
            .await?;
    // Beside an error silence is no fact.
    if let Some(error) = answer.errors.first() {
        return Err(transport.error(name, Kind::Query(error.words(transport))));
    }
    let mut found = answer.data;
    let head = |number| found.remove(&format!("at{number}")).flatten()?.pipeline?.convert();
    Ok((0..wanted.len()).map(head).collect())
}
