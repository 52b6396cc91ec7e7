//! Query: the newest pipelines of refs, to find the one before a known pipeline.

use super::document::{document, repeat};
use super::fields::Fields;
use super::question::{GraphqlConnection, ask, is_passing_for_many, number};
use crate::domain::evidence::Previous;
use crate::domain::host::Host;
use crate::domain::id::PipelineId;
use crate::domain::status::Status;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{Item, loose};
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::Map;
use std::collections::HashMap;

const OLDER: &str = include_str!("older.graphql");

/// Refs in one query: each has a complexity of 12, of the 150 that we allow ourselves.
pub const PER_QUERY: usize = 12;

/// The newest pipelines of a ref, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct OlderPipelines {
    /// Without their tests.
    pub newest: Vec<Previous>,
    /// Whether there are more than these.
    pub has_more: bool,
}

#[derive(Deserialize)]
struct OlderProjectWire {
    #[serde(default)]
    pipelines: Item<GraphqlConnection<OlderWire>>,
}

#[derive(Deserialize)]
struct OlderWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    coverage: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    path: Option<String>,
}

pub(super) fn query(refs: usize) -> (&'static str, String) {
    ("Older", document(&repeat(OLDER, refs), &Fields::default()))
}

/// Reads the newest pipelines of up to `PER_QUERY` refs, each with its project's full path; one that is not told is `None`.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    wanted: &[(String, String)],
) -> Result<Vec<Option<OlderPipelines>>, Error> {
    let mut variables = Map::new();
    for (number, (path, raw_ref)) in wanted.iter().enumerate() {
        variables.insert(format!("path{number}"), path.clone().into());
        variables.insert(format!("ref{number}"), raw_ref.clone().into());
    }
    let query = query(wanted.len());
    let name = query.0;
    let passing = is_passing_for_many;
    let answer = ask::<HashMap<String, Option<OlderProjectWire>>>(transport, query, variables.into(), passing).await?;
    // Beside an error silence is no fact.
    if let Some(error) = answer.errors.first() {
        return Err(transport.error(name, Kind::Query(error.words(transport))));
    }
    let mut found = answer.data;
    let list = |(number, (_, raw_ref)): (usize, &(String, String))| {
        found.remove(&format!("at{number}")).flatten()?.convert(transport.host(), raw_ref)
    };
    Ok(wanted.iter().enumerate().map(list).collect())
}

impl OlderProjectWire {
    /// Converts the list; `None` where a part of it cannot be read.
    fn convert(self, host: &Host, raw_ref: &str) -> Option<OlderPipelines> {
        let GraphqlConnection { page_info, nodes } = self.pipelines.read()?;
        let has_more = page_info.read()?.has_next_page?;
        let newest = nodes.0?.into_iter().map(|node| node.read()?.convert(host, raw_ref)).collect::<Option<_>>()?;
        Some(OlderPipelines { newest, has_more })
    }
}

impl OlderWire {
    fn convert(self, host: &Host, raw_ref: &str) -> Option<Previous> {
        let status = self.status.filter(|word| !word.is_empty())?;
        self.git_ref.filter(|told| told == raw_ref)?;
        Some(Previous {
            id: PipelineId(number(&self.id?)?),
            status: Status::from_gitlab(&status),
            coverage: self.coverage.filter(|percent| percent.is_finite()),
            web_url: self.path.as_deref().and_then(|path| host.at_root(path)),
            tests: None,
        })
    }
}
