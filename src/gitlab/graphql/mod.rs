//! GitLab's GraphQL API: one `.graphql` file per question, typed answers, conversion to the same domain types as REST.
//!
//! - `document`: from the files to the text that is sent, without the fields that this server does not have
//! - `fields`: which of them it has
//! - `pulse`, `snapshot`, `jobs`, `glance`, `trouble`: the questions
//!
//! What the questions cost under GitLab's rules is held by `tests/suite/queries.rs`.

pub(super) mod document;
pub(super) mod fields;
pub(super) mod glance;
pub(super) mod jobs;
pub(super) mod pulse;
mod reason;
pub(super) mod snapshot;
pub(super) mod trouble;
mod wire;

use self::fields::Fields;
use super::error::{Error, Kind};
use super::rest::pipeline::PipelineFilter;
use super::retry::{is_passing, is_passing_status};
use super::transport::Transport;
use crate::domain::id::{ById, ProjectId, by_id};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What a query said of one project.
#[derive(Debug, Clone, PartialEq)]
pub enum Said<T> {
    Newest(T),
    /// No pipeline that the filter lets through, or none that this token may see.
    Nothing,
    /// An error in the midst of the answer, in GitLab's words.
    Failed(String),
}

/// The projects that a query found, each with what it said; those that are hidden or gone are missing.
pub type ByProject<T> = ById<ProjectId, Said<T>>;

/// Returns every query as it is sent to a server with these fields, by the name of its operation.
pub fn queries(fields: &Fields) -> Vec<(&'static str, String)> {
    vec![
        fields::query(),
        pulse::query(),
        snapshot::query(fields),
        jobs::query(jobs::PER_QUERY, fields),
        glance::query(fields),
        trouble::query(fields),
    ]
}

/// The body of every answer.
#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<ErrorWire>,
}

#[derive(Deserialize)]
struct ErrorWire {
    #[serde(default)]
    message: String,
    /// Names and list positions from the root of `data` down.
    path: Option<Vec<Value>>,
    extensions: Option<ExtensionsWire>,
}

#[derive(Deserialize)]
struct ExtensionsWire {
    code: Option<String>,
}

#[derive(Deserialize)]
struct ProjectsData<P> {
    projects: Option<Nodes<ProjectWire<P>>>,
}

/// A connection of which only the nodes count; GitLab may null each of them.
#[derive(Deserialize)]
pub(in crate::gitlab) struct Nodes<T> {
    #[serde(default = "Vec::new")]
    nodes: Vec<Option<T>>,
}

#[derive(Deserialize)]
struct ProjectWire<P> {
    id: String,
    pipelines: Option<Nodes<P>>,
}

/// An answer's data with the errors that came beside them.
struct Partial<T> {
    data: T,
    errors: Vec<ErrorWire>,
}

/// Asks a query. Errors without data are an error; errors beside data are for the caller to place.
async fn ask<T: DeserializeOwned>(
    transport: &Transport,
    (name, query): (&str, String),
    variables: Value,
    passing: fn(&Kind) -> bool,
) -> Result<Partial<T>, Error> {
    let body = json!({ "query": query, "operationName": name, "variables": variables }).to_string();
    let answer = transport.query(name, body, passing).await?;
    let Envelope { data, errors } = answer.decode::<Envelope<T>>()?;
    match data {
        Some(data) => Ok(Partial { data, errors }),
        None => Err(transport.error(name, refusal(transport, &errors))),
    }
}

/// Sorts the errors that left no data by what can be done about them.
fn refusal(transport: &Transport, errors: &[ErrorWire]) -> Kind {
    let Some(first) = errors.first() else {
        return Kind::Query("an answer with neither data nor errors".into());
    };
    let said = transport.quote(&first.message);
    let code = first.extensions.as_ref().and_then(|extensions| extensions.code.as_deref());
    let is_unknown = |code| matches!(code, "undefinedField" | "argumentNotAccepted" | "undefinedType");
    if code.is_some_and(is_unknown) {
        return Kind::UnknownField(said);
    }
    // GitLab has no code for these two (graphql-ruby's `max_complexity` and `max_depth`).
    if said.starts_with("Query has complexity") || said.starts_with("Query has depth") {
        return Kind::TooComplex(said);
    }
    Kind::Query(said)
}

/// Says which failures of a query for several projects are worth the same question again: not those that a smaller one
/// may avoid.
pub(super) fn is_passing_for_many(kind: &Kind) -> bool {
    is_passing(kind) && !is_too_much(kind)
}

/// Says whether a smaller question may fare better, or tell which project is to blame.
pub(super) fn is_too_much(kind: &Kind) -> bool {
    match kind {
        Kind::Timeout(_) | Kind::TooLarge(_) | Kind::TooComplex(_) | Kind::Query(_) | Kind::Decode { .. } => true,
        Kind::Status { code, .. } => *code >= 500 || *code == 408,
        _ => false,
    }
}

/// Says whether GraphQL itself is what the server refuses: it is missing, hidden behind a login page, or not for this token.
pub(super) fn is_unavailable(kind: &Kind) -> bool {
    match kind {
        Kind::Unauthorized { .. }
        | Kind::InsufficientScope { .. }
        | Kind::GranularScope { .. }
        | Kind::NotGitlab { .. }
        | Kind::NotJson { .. }
        | Kind::UnknownField(_)
        | Kind::Redirect { .. } => true,
        Kind::Status { code, .. } => (400..500).contains(code) && !is_passing_status(*code),
        _ => false,
    }
}

/// Builds the variables of a query for the newest pipelines of these projects.
fn variables(projects: &[ProjectId], filter: &PipelineFilter) -> Map<String, Value> {
    let ids: Vec<String> = projects.iter().map(|id| format!("gid://gitlab/Project/{id}")).collect();
    let mut variables = Map::new();
    variables.insert("first".into(), ids.len().into());
    variables.insert("ids".into(), ids.into());
    let narrowed = match filter {
        PipelineFilter::Any => None,
        PipelineFilter::Ref(name) => Some(("ref", name.as_str())),
        PipelineFilter::Tags => Some(("scope", "TAGS")),
        PipelineFilter::MergeRequests => Some(("source", "merge_request_event")),
    };
    variables.extend(narrowed.map(|(name, value)| (name.to_owned(), value.into())));
    variables
}

/// Asks a question of many projects and sorts the answer by project.
async fn ask_projects<P: DeserializeOwned, T>(
    transport: &Transport,
    query: (&'static str, String),
    projects: &[ProjectId],
    variables: Map<String, Value>,
    convert: impl Fn(P) -> Option<T>,
) -> Result<ByProject<T>, Error> {
    let passing = if projects.len() == 1 { is_passing } else { is_passing_for_many };
    let name = query.0;
    let answer = ask::<ProjectsData<P>>(transport, query, variables.into(), passing).await?;
    let Some(found) = answer.data.projects else {
        return Err(transport.error(name, refusal(transport, &answer.errors)));
    };
    let mut failed = failed_projects(transport, &answer.errors);
    // Beside an error silence is no fact: what is missing may be what the error is about.
    let trouble = answer.errors.first().map(|error| transport.quote(&error.message));
    let mut all: ByProject<T> = by_id(projects.len());
    for (position, node) in found.nodes.into_iter().enumerate() {
        let Some((id, pipelines)) = node.and_then(|node| Some((ProjectId(number(&node.id)?), node.pipelines))) else {
            continue;
        };
        let is_told = pipelines.is_some();
        let newest = pipelines.and_then(|pipelines| pipelines.nodes.into_iter().flatten().next());
        let said = match (failed.remove(&position), newest.map(&convert)) {
            (Some(said), _) => Said::Failed(said),
            (None, Some(Some(newest))) => Said::Newest(newest),
            (None, Some(None)) => Said::Failed("the answer lacks a part of the pipeline".into()),
            (None, None) => match &trouble {
                Some(said) if !is_told => Said::Failed(said.clone()),
                Some(_) | None => Said::Nothing,
            },
        };
        all.insert(id, said);
    }
    if let Some(said) = trouble {
        for id in projects {
            all.entry(*id).or_insert_with(|| Said::Failed(said.clone()));
        }
    }
    Ok(all)
}

/// Places errors at the projects in whose midst they happened; one that has no such place concerns no project alone.
fn failed_projects(transport: &Transport, errors: &[ErrorWire]) -> HashMap<usize, String> {
    let place = |error: &ErrorWire| match error.path.as_deref()? {
        [root, nodes, position, ..] if root == "projects" && nodes == "nodes" => {
            Some((position.as_u64()? as usize, transport.quote(&error.message)))
        }
        _ => None,
    };
    errors.iter().filter_map(place).collect()
}

/// Returns the number at the end of a global id such as `gid://gitlab/Ci::Pipeline/8123`.
fn number(gid: &str) -> Option<u64> {
    gid.rsplit('/').next()?.parse().ok()
}
