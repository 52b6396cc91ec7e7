//! The JSON of a hub, `glwatch.status/1`, back into the snapshot that it was made of.
//!
//! A hub is foreign: what is missing, unknown or contradicts itself is an error and never something good. Words of statuses
//! pass through like GitLab's; fields that this version does not know are ignored.

use super::failure_wire::{HubErrorWire, ProblemWire};
use super::pipeline_wire::PipelineWire;
use crate::domain::host::Host;
use crate::domain::id::{GroupId, ProjectId};
use crate::domain::past::{KnownPast, PipelinePast};
use crate::domain::project::{Failure, Project, ProjectRow, RowState, StateWord};
use crate::domain::snapshot::{Group, Problem, Snapshot};
use crate::domain::usage::{Api, Usage};
use crate::report::contract::SCHEMA;
use crate::text::json_place::json_place;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use std::collections::HashSet;
use std::sync::Arc;

/// Why a document is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("the answer is not JSON")]
    NotJson,
    #[error("the answer is not what a hub of glwatch sends")]
    NoSchema,
    #[error("the hub speaks \"{found}\", and this glwatch \"{known}\"")]
    OtherSchema { found: String, known: &'static str },
    #[error("the answer is not what a hub of glwatch sends: at `{path}`: {problem}")]
    Decode { path: String, problem: String },
    #[error("the answer contradicts itself: {0}")]
    Contradiction(String),
}

/// What a hub has read, and what it remembers of that.
#[derive(Debug, Clone, PartialEq)]
pub struct HubReading {
    pub snapshot: Snapshot,
    pub past: KnownPast,
}

pub(super) type DocumentResult<T> = Result<T, DocumentError>;

/// What is read first: another schema may have any fields.
#[derive(Deserialize)]
struct SchemaWire {
    schema: Option<String>,
}

#[derive(Deserialize)]
struct StatusWire {
    host: String,
    generated_at: DateTime<Utc>,
    complete: bool,
    groups: Vec<HubGroupWire>,
    problems: Vec<ProblemWire>,
    requests: RequestsWire,
    summary: SummaryWire,
    projects: Vec<HubProjectWire>,
}

#[derive(Deserialize)]
struct HubGroupWire {
    id: u64,
    full_path: String,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct RequestsWire {
    count: u64,
    bytes: u64,
    limit: Option<u64>,
    remaining: Option<u64>,
    api: String,
}

#[derive(Deserialize)]
struct SummaryWire {
    projects: usize,
}

#[derive(Deserialize)]
struct HubProjectWire {
    id: u64,
    full_path: String,
    name: String,
    web_url: Option<String>,
    ancestor_names: Vec<String>,
    default_branch: Option<String>,
    state: String,
    ever_ran: Option<bool>,
    #[serde(deserialize_with = "present")]
    error: Option<HubErrorWire>,
    as_of: DateTime<Utc>,
    pipelines: Vec<PipelineWire>,
}

/// Reads what may be null and must be there: that it is absent would say that nothing is wrong.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(from)
}

pub(super) fn contradiction<T>(problem: impl Into<String>) -> DocumentResult<T> {
    Err(DocumentError::Contradiction(problem.into()))
}

/// Reads a document of this schema.
pub(super) fn decode<T: DeserializeOwned>(json: &[u8], known: &'static str) -> DocumentResult<T> {
    let start = json.iter().find(|byte| !byte.is_ascii_whitespace());
    if start != Some(&b'{') {
        return Err(DocumentError::NotJson);
    }
    let head: SchemaWire = serde_json::from_slice(json).map_err(|error| match error.is_data() {
        true => DocumentError::NoSchema,
        false => DocumentError::NotJson,
    })?;
    match head.schema {
        None => return Err(DocumentError::NoSchema),
        Some(found) if found != known => return Err(DocumentError::OtherSchema { found, known }),
        Some(_) => {}
    }
    serde_json::from_slice(json)
        .map_err(|error| DocumentError::Decode { path: json_place(json, &error), problem: error.to_string() })
}

/// Reads the snapshot of a hub.
pub fn read_snapshot(json: &[u8]) -> DocumentResult<HubReading> {
    let mut wire = decode::<StatusWire>(json, SCHEMA)?;
    let past = wire.take_past()?;
    Ok(HubReading { snapshot: wire.into_domain()?, past })
}

impl StatusWire {
    /// Returns what the hub remembers: nothing, where it has no memory.
    fn take_past(&mut self) -> DocumentResult<KnownPast> {
        let pipelines = self.projects.iter_mut().flat_map(|project| &mut project.pipelines);
        let found: DocumentResult<Vec<_>> = pipelines.map(PipelineWire::take_past).collect();
        let is_known = |(_, past): &(_, PipelinePast)| *past != PipelinePast::default();
        Ok(KnownPast { pipelines: found?.into_iter().filter(is_known).collect(), reading: None })
    }

    fn into_domain(self) -> DocumentResult<Snapshot> {
        let problems = self.problems.into_iter().map(Problem::try_from).collect::<DocumentResult<Vec<_>>>()?;
        // It decides which addresses are links.
        if Host::parse(&self.host).map(|host| host.to_string()).as_ref() != Ok(&self.host) {
            return contradiction(format!("\"{}\" is no address of a GitLab", self.host));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.projects.iter().find(|project| !seen.insert(project.id)) {
            return contradiction(format!("project {} is in it twice", twice.id));
        }
        if self.summary.projects != self.projects.len() {
            return contradiction("it has not as many projects as it counts");
        }
        let at = self.generated_at;
        let rows = self.projects.into_iter().map(|project| project.into_domain(at));
        let snapshot = Snapshot {
            host: self.host,
            taken_at: at,
            groups: self.groups.into_iter().map(Group::from).collect(),
            rows: rows.collect::<DocumentResult<_>>()?,
            problems,
            usage: self.requests.into_domain()?,
        };
        if snapshot.is_complete() != self.complete {
            return contradiction(format!("it says that complete is {}", self.complete));
        }
        Ok(snapshot)
    }
}

impl From<HubGroupWire> for Group {
    fn from(wire: HubGroupWire) -> Self {
        Self { id: GroupId(wire.id), full_path: wire.full_path, web_url: wire.web_url }
    }
}

impl RequestsWire {
    fn into_domain(self) -> DocumentResult<Usage> {
        let Self { count, bytes, limit, remaining, api } = self;
        let Some(api) = Api::from_word(&api) else { return contradiction(format!("no API is called \"{api}\"")) };
        Ok(Usage { requests: count, bytes, limit, remaining, resets_at: None, api })
    }
}

impl HubProjectWire {
    fn into_domain(self, taken_at: DateTime<Utc>) -> DocumentResult<ProjectRow> {
        let Self { full_path, pipelines, state, ever_ran, .. } = self;
        let failure = self.error.map(Failure::from);
        let pipelines = pipelines.into_iter().map(PipelineWire::into_domain).collect::<DocumentResult<Arc<[_]>>>()?;
        let word = StateWord::ALL.into_iter().find(|known| known.word() == state);
        let state = match (word, pipelines.is_empty(), failure.clone()) {
            (Some(StateWord::Ok), false, _) => RowState::Ok(pipelines),
            (Some(StateWord::Stale), false, Some(failure)) => RowState::Stale { pipelines, failure },
            (Some(StateWord::NoPipeline), true, None) => RowState::NoPipeline { ever_ran },
            (Some(StateWord::NoAccess), true, Some(failure)) => RowState::NoAccess(failure),
            (Some(StateWord::Error), true, Some(failure)) => RowState::Error(failure),
            (None, ..) => return contradiction(format!("no state of a project is called \"{state}\"")),
            (Some(word), ..) => return contradiction(format!("{full_path} is {word}, and its parts are not")),
        };
        let project = Project {
            id: ProjectId(self.id),
            name: self.name,
            full_path,
            ancestor_names: self.ancestor_names,
            web_url: self.web_url,
            default_branch: self.default_branch,
            ci_enabled: None,
        };
        // What would be read in the future would never grow old.
        let row = ProjectRow { project: Arc::new(project), state, as_of: self.as_of.min(taken_at) };
        let words =
            |failure: Option<&Failure>| failure.map(|failure| (failure.kind.word().into_owned(), failure.to_string()));
        if words(row.failure()) != words(failure.as_ref()) {
            return contradiction(format!("{} does not lack what its error says", row.project.full_path));
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests;
