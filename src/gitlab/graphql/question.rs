//! Sends a GraphQL query and sorts the answer into data, errors and missing answers.

use crate::domain::id::{ById, ProjectId, by_id};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{Item, LenientList, loose};
use crate::gitlab::rest::pipeline::PipelineFilter;
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What a query said of one project.
#[derive(Debug, Clone, PartialEq)]
pub enum ProjectSaid<T> {
    Newest(T),
    /// An empty list: no pipeline that the filter lets through, or none that this token may see.
    Nothing,
    /// Not even that, and no error either: null, a null item, a list that has more pages and no items.
    Silent,
    /// An error in the midst of the answer, in GitLab's words, or an answer that lacks a part.
    Failed(String),
}

/// The projects that a query found, each with what it said; those that are hidden or gone are missing.
pub(super) type ByProject<T> = ById<ProjectId, ProjectSaid<T>>;

/// What a query for many projects brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    pub projects: ByProject<T>,
    /// Whether the server says that there are more than came; `None` where it does not say.
    pub has_more: Option<bool>,
    /// What could not be told of a project although its pipeline could: the field and GitLab's words.
    pub spared: Vec<(ProjectId, String)>,
}

/// The body of every answer.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: Option<T>,
    pub(super) errors: Option<LenientList<ErrorWire>>,
}

/// Returns the errors of an answer; one that cannot be read is one all the same.
pub(super) fn listed_errors(errors: Option<LenientList<ErrorWire>>) -> Vec<ErrorWire> {
    let odd = || ErrorWire { message: None, path: None, extensions: None };
    match errors {
        None => Vec::new(),
        Some(LenientList(None)) => vec![odd()],
        Some(LenientList(Some(errors))) => errors.into_iter().map(|error| error.read().unwrap_or_else(odd)).collect(),
    }
}

#[derive(Deserialize)]
pub(super) struct ErrorWire {
    #[serde(default, deserialize_with = "loose")]
    pub(super) message: Option<String>,
    /// Names and list positions from the root of `data` down.
    #[serde(default, deserialize_with = "loose")]
    pub(super) path: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) extensions: Option<ExtensionsWire>,
}

#[derive(Deserialize)]
pub(super) struct ExtensionsWire {
    #[serde(default, deserialize_with = "loose")]
    pub(super) code: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ProjectsData<N> {
    #[serde(default = "Item::default")]
    pub(super) projects: Item<GraphqlConnection<N>>,
}

/// A page of a list. Null, a missing key and a list without items are three things.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::gitlab) struct GraphqlConnection<T> {
    #[serde(default)]
    pub(super) page_info: Item<PageInfoWire>,
    #[serde(default = "LenientList::default")]
    pub(super) nodes: LenientList<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfoWire {
    #[serde(default, deserialize_with = "loose")]
    pub(super) has_next_page: Option<bool>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) end_cursor: Option<String>,
}

impl<T> GraphqlConnection<T> {
    /// Returns the items that can be read, where a lost one does no harm.
    pub(super) fn known(self) -> impl Iterator<Item = T> {
        self.nodes.0.into_iter().flatten().filter_map(Item::read)
    }
}

#[derive(Deserialize)]
pub(super) struct ProjectWire<P> {
    #[serde(default, deserialize_with = "loose")]
    pub(super) id: Option<String>,
    #[serde(default = "Item::default")]
    pub(super) pipelines: Item<GraphqlConnection<P>>,
}

/// An item of a list of projects.
pub(super) trait ProjectNode: DeserializeOwned {
    /// What it says of the project.
    type Said;

    /// Returns the project's global id with it.
    fn said(self) -> (Option<String>, ProjectSaid<Self::Said>);
}

impl<P: DeserializeOwned> ProjectNode for ProjectWire<P> {
    type Said = P;

    fn said(self) -> (Option<String>, ProjectSaid<P>) {
        (self.id, newest(self.pipelines))
    }
}

/// An answer's data with the errors that came beside them.
pub(super) struct Partial<T> {
    pub(super) data: T,
    pub(super) errors: Vec<ErrorWire>,
}

/// Asks a query. Errors without data are an error; errors beside data are for the caller to place.
pub(super) async fn ask<T: DeserializeOwned>(
    transport: &Transport,
    (name, query): (&str, String),
    variables: Value,
    passing: fn(&Kind) -> bool,
) -> Result<Partial<T>, Error> {
    let body = json!({ "query": query, "operationName": name, "variables": variables }).to_string();
    let answer = transport.query(name, body, passing).await?;
    let Envelope { data, errors } = answer.decode::<Envelope<T>>()?;
    let errors = listed_errors(errors);
    match data {
        Some(data) => Ok(Partial { data, errors }),
        None => Err(transport.error(name, refusal(transport, &errors))),
    }
}

/// Sorts the errors that left no data by what can be done about them.
pub(super) fn refusal(transport: &Transport, errors: &[ErrorWire]) -> Kind {
    let Some(first) = errors.first() else {
        return Kind::Decode { path: "data".into(), problem: "neither data nor errors".into() };
    };
    let said = first.words(transport);
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
    kind.is_passing() && !kind.is_too_much()
}

/// Builds the variables of a query for the newest pipelines of these projects.
pub(super) fn variables(projects: &[ProjectId], filter: &PipelineFilter) -> Map<String, Value> {
    let mut variables = project_ids(projects);
    let narrowed = match filter {
        PipelineFilter::Any => None,
        PipelineFilter::Ref(name) => Some(("ref", name.as_str())),
        PipelineFilter::Tags => Some(("scope", "TAGS")),
        PipelineFilter::MergeRequests => Some(("source", "merge_request_event")),
    };
    variables.extend(narrowed.map(|(name, value)| (name.to_owned(), value.into())));
    variables
}

/// Names the projects that a query is about.
pub(super) fn project_ids(projects: &[ProjectId]) -> Map<String, Value> {
    let ids: Vec<String> = projects.iter().map(|id| format!("gid://gitlab/Project/{id}")).collect();
    let mut variables = Map::new();
    variables.insert("first".into(), ids.len().into());
    variables.insert("ids".into(), ids.into());
    variables
}

/// Asks for the newest pipeline of many projects and sorts the answer by project.
pub(super) async fn ask_projects<P: DeserializeOwned, T>(
    transport: &Transport,
    query: (&'static str, String),
    projects: &[ProjectId],
    variables: Map<String, Value>,
    convert: impl Fn(P) -> Option<T>,
) -> Result<Answered<T>, Error> {
    ask_each::<ProjectWire<P>, T>(transport, query, projects, variables, convert).await
}

/// Asks a question of many projects and sorts the answer by project.
pub(super) async fn ask_each<N: ProjectNode, T>(
    transport: &Transport,
    query: (&'static str, String),
    projects: &[ProjectId],
    variables: Map<String, Value>,
    convert: impl Fn(N::Said) -> Option<T>,
) -> Result<Answered<T>, Error> {
    let passing = if projects.len() == 1 { Kind::is_passing } else { is_passing_for_many };
    let name = query.0;
    let answer = ask::<ProjectsData<N>>(transport, query, variables.into(), passing).await?;
    let Item::Read(GraphqlConnection { page_info, nodes: LenientList(Some(nodes)) }) = answer.data.projects else {
        return Err(transport.error(name, refusal(transport, &answer.errors)));
    };
    let has_more = page_info.read().and_then(|info| info.has_next_page);
    let mut errors = Errors::new(transport, &answer.errors);
    let mut all: ByProject<T> = by_id(projects.len());
    let mut spared = Vec::new();
    for (position, node) in nodes.into_iter().enumerate() {
        let Some((id, said)) = node.read().map(N::said).and_then(|(id, said)| Some((ProjectId(number(&id?)?), said)))
        else {
            // Whose error it is cannot be known any more.
            errors.displace(position);
            continue;
        };
        let errors = errors.placed.remove(&position).unwrap_or_default();
        let needed = errors.iter().find(|error| !error.is_spare).map(|error| error.said.clone());
        let said = match (said, needed) {
            (ProjectSaid::Newest(wire), None) => match convert(wire) {
                Some(newest) => {
                    spared.extend(errors.into_iter().map(|error| (id, error.said)));
                    ProjectSaid::Newest(newest)
                }
                None => ProjectSaid::Failed(
                    first(errors).unwrap_or_else(|| "the answer lacks a part of the pipeline".into()),
                ),
            },
            (_, Some(said)) => ProjectSaid::Failed(said),
            (ProjectSaid::Nothing, None) => first(errors).map_or(ProjectSaid::Nothing, ProjectSaid::Failed),
            (ProjectSaid::Silent | ProjectSaid::Failed(_), None) => {
                first(errors).map_or(ProjectSaid::Silent, ProjectSaid::Failed)
            }
        };
        // Which of two answers about one project is true, only another question tells.
        let is_second = all.insert(id, said).is_some();
        if is_second {
            all.insert(id, ProjectSaid::Failed("the answer names the project twice".into()));
        }
    }
    // Where it is not known what an error took away, what came may lack it; where an item fell, silence may be that.
    let concerns_all = errors.unplaced.is_some() || !errors.placed.is_empty();
    if let Some(said) = errors.left() {
        let is_doubtful =
            |known: &ProjectSaid<T>| concerns_all || matches!(known, ProjectSaid::Nothing | ProjectSaid::Silent);
        for known in all.values_mut().filter(|known| is_doubtful(known)) {
            *known = ProjectSaid::Failed(said.clone());
        }
        for id in projects {
            all.entry(*id).or_insert_with(|| ProjectSaid::Failed(said.clone()));
        }
        spared.retain(|_| !concerns_all);
    }
    Ok(Answered { projects: all, has_more, spared })
}

/// Returns the one pipeline that was asked for, or how it is missing.
pub(super) fn newest<P>(pipelines: Item<GraphqlConnection<P>>) -> ProjectSaid<P> {
    let Item::Read(GraphqlConnection { page_info, nodes: LenientList(Some(nodes)) }) = pipelines else {
        return ProjectSaid::Silent;
    };
    let has_more = page_info.read().and_then(|info| info.has_next_page) == Some(true);
    let count = nodes.len();
    match nodes.into_iter().next() {
        // One was asked for. Of several the first need not be the newest.
        Some(Item::Read(pipeline)) if count == 1 => ProjectSaid::Newest(pipeline),
        Some(_) => ProjectSaid::Silent,
        None if has_more => ProjectSaid::Silent,
        None => ProjectSaid::Nothing,
    }
}

pub(super) fn first(errors: Vec<Placed>) -> Option<String> {
    errors.into_iter().next().map(|error| error.said)
}

/// An error at a project.
pub(super) struct Placed {
    said: String,
    /// Whether what it took away can be done without.
    is_spare: bool,
}

/// The errors of an answer by the projects in whose midst they happened.
pub(super) struct Errors {
    placed: HashMap<usize, Vec<Placed>>,
    /// The first at an item that cannot be read.
    displaced: Option<String>,
    /// The first that concerns no project alone, or does not say what it is about.
    unplaced: Option<String>,
}

impl Errors {
    fn new(transport: &Transport, errors: &[ErrorWire]) -> Self {
        let mut sorted = Self { placed: HashMap::new(), displaced: None, unplaced: None };
        for error in errors {
            let place = match error.path.as_deref() {
                Some([root, nodes, position, below @ ..]) if root == "projects" && nodes == "nodes" => {
                    position.as_u64().and_then(|position| usize::try_from(position).ok()).map(|at| (at, below))
                }
                _ => None,
            };
            match place {
                Some((position, below)) => {
                    let is_of_pipeline =
                        matches!(below, [of, nodes, at, ..] if of == "pipelines" && nodes == "nodes" && at.is_u64());
                    let is_spare = is_of_pipeline && is_spare(&below[3..]);
                    let error = Placed { said: error.said(transport), is_spare };
                    sorted.placed.entry(position).or_default().push(error);
                }
                None => drop(sorted.unplaced.get_or_insert_with(|| error.said(transport))),
            }
        }
        sorted
    }

    /// Takes the errors at a position that belongs to no known project.
    fn displace(&mut self, position: usize) {
        if let Some(said) = self.placed.remove(&position).and_then(first) {
            self.displaced.get_or_insert(said);
        }
    }

    /// Returns the first of those that are not about a project that came.
    fn left(self) -> Option<String> {
        self.unplaced.or_else(|| self.placed.into_values().find_map(first)).or(self.displaced)
    }
}

/// The fields without which a row is still true. `status`, `jobs`, `downstreamPipeline` and ids are none of them; where a
/// parent fell with one of these, the parent is missing, which is another matter.
pub(super) const SPARE: [&str; 26] = [
    "iid",
    "ref",
    "refPath",
    "sha",
    "path",
    "createdAt",
    "startedAt",
    "finishedAt",
    "updatedAt",
    "duration",
    "queuedDuration",
    "coverage",
    "source",
    "name",
    "failureReason",
    "yamlErrorMessages",
    "failureMessage",
    "detailedStatus",
    "group",
    "stage",
    "user",
    "username",
    "commit",
    "title",
    "needs",
    "schedulingType",
];

/// Says whether the field at this path below a pipeline can be done without. Below a trigger job none can: all of them
/// are needed to follow it.
pub(super) fn is_spare(path: &[Value]) -> bool {
    let last = path.last().and_then(Value::as_str);
    last.is_some_and(|field| SPARE.contains(&field))
        && path.iter().all(|step| step.as_str() != Some("downstreamPipeline"))
}

impl ErrorWire {
    /// Returns the name of the field that could not be answered.
    pub(super) fn field(&self) -> Option<&str> {
        self.path.iter().flatten().rev().find_map(Value::as_str)
    }

    /// Says whether it is about a field that can be done without, in a pipeline that has an alias of its own in a query
    /// for this many.
    pub(super) fn is_spare_of(&self, pipelines: usize) -> bool {
        let is_alias = |name: &Value| {
            let number = name.as_str().and_then(|name| name.strip_prefix("at")?.parse::<usize>().ok());
            number.is_some_and(|number| number < pipelines)
        };
        match self.path.as_deref() {
            Some([alias, pipeline, below @ ..]) => is_alias(alias) && pipeline == "pipeline" && is_spare(below),
            _ => false,
        }
    }

    /// Returns GitLab's words.
    pub(super) fn words(&self, transport: &Transport) -> String {
        let said = self.message.as_deref().map(|said| transport.quote(said)).filter(|said| !said.is_empty());
        said.unwrap_or_else(|| "an error that does not say what it is".into())
    }

    /// Returns GitLab's words, with the field that they are about.
    pub(super) fn said(&self, transport: &Transport) -> String {
        let said = self.words(transport);
        match self.field() {
            Some(field) => format!("{}: {said}", transport.quote(field)),
            None => said,
        }
    }
}

/// Returns the number at the end of a global id such as `gid://gitlab/Ci::Pipeline/8123`.
pub(super) fn number(gid: &str) -> Option<u64> {
    gid.rsplit('/').next()?.parse().ok()
}
