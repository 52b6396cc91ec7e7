//! GitLab's GraphQL over the world: what is checked before a query runs, in GitLab's order and words.
//!
//! ```text
//! posted      the request's body
//! schema      the slice of GitLab's schema, per version
//! mistakes    fields and arguments that this version does not have
//! complexity  what a query costs, how deep it is
//! view        what the objects below look at
//! query, group, project, pipeline, stage, job, small    one file per type
//! connection  paging
//! ```

mod complexity;
mod connection;
mod environment;
mod group;
mod job;
mod leaf_types;
mod pipeline;
mod project;
mod query;
mod request_body;
mod resolver_helpers;
mod schema;
mod schema_errors;
mod stage;
mod view;

use apollo_compiler::ast::Document;
use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::{GraphQLError, JsonMap, JsonValue, serde_json_bytes};
use apollo_compiler::validation::{DiagnosticList, Valid};
use apollo_compiler::{ExecutableDocument, Node};
use serde_json::{Value, json};

pub use complexity::complexity;
pub(crate) use request_body::GraphqlBody;
#[cfg(test)]
pub(crate) use schema::sdl;

use super::options::{Access, GraphqlOptions, Served};
use super::rest::{ApiAnswer, ApiCaller, READING_SCOPES, RestApi, insufficient_scope, unknown};
use complexity::{cost, depth};
use query::QueryRoot;
use schema::schemas;
use view::AnswerView;

/// Longer queries are refused unread.
const MAX_CHARACTERS: usize = 10_000;
const MAX_ERRORS: usize = 5;

/// The endpoint, as one request meets it.
pub(crate) struct GraphqlApi<'a> {
    pub(crate) rest: &'a RestApi<'a>,
    pub(crate) options: &'a GraphqlOptions,
    pub(crate) caller: ApiCaller,
    /// Projects whose `pipelines` fail.
    pub(crate) broken: Vec<u64>,
}

/// A query that passed every check.
struct CheckedQuery {
    document: Valid<ExecutableDocument>,
    operation: Node<Operation>,
    variables: Valid<JsonMap>,
    cost: u32,
}

impl GraphqlApi<'_> {
    /// Answers one request as GitLab would.
    pub(crate) fn answer(&self, posted: &GraphqlBody) -> ApiAnswer {
        let refusal = self.refusal();
        let answer = refusal.unwrap_or_else(|| match self.check(posted) {
            Ok(checked) if self.takes_too_long(&checked) => timed_out(),
            Ok(checked) => self.execute(&checked),
            Err(refusal) => refusal,
        });
        ApiAnswer { kind: "graphql", ..answer }
    }

    fn refusal(&self) -> Option<ApiAnswer> {
        let error = |status, text| Some(ApiAnswer::error(status, json!({ "errors": [{ "message": text }] })));
        match (self.options.served, self.caller) {
            (Served::Missing, _) => Some(unknown()),
            (Served::Forbidden, _) => error(403, "Forbidden"),
            (Served::Yes, ApiCaller::Expired | ApiCaller::Unknown) => error(401, "Invalid token"),
            (Served::Yes, ApiCaller::ReadUser) => Some(ApiAnswer::error(403, insufficient_scope(READING_SCOPES))),
            (Served::Yes, ApiCaller::Reader | ApiCaller::Actor | ApiCaller::Anonymous) => None,
        }
    }

    fn max_complexity(&self) -> u32 {
        self.options.max_complexity.unwrap_or(if self.caller.reads() { 250 } else { 200 })
    }

    /// Returns what may run, or GitLab's answer to what may not.
    fn check(&self, posted: &GraphqlBody) -> Result<CheckedQuery, ApiAnswer> {
        if let Some((status, problem)) = &posted.problem {
            return Err(ApiAnswer::error(*status, json!({ "errors": message(problem) })));
        }
        if posted.query.chars().count() > MAX_CHARACTERS {
            return Err(ApiAnswer::error(422, json!({ "errors": message("Query too large") })));
        }
        // From here on GitLab answers 200, whatever is wrong.
        self.check_query(posted).map_err(|errors| ApiAnswer::ok(json!({ "errors": errors })))
    }

    fn check_query(&self, posted: &GraphqlBody) -> Result<CheckedQuery, Vec<Value>> {
        let schema = &schemas(self.options.version).published;
        let parsed = Document::parse(&posted.query, "query").map_err(|broken| diagnostics(&broken.errors))?;
        let mut mistakes = schema_errors::mistakes(schema, &parsed, self.options.introspection);
        if !mistakes.is_empty() {
            mistakes.truncate(MAX_ERRORS);
            return Err(mistakes);
        }
        let document = parsed.to_executable_validate(schema).map_err(|broken| diagnostics(&broken.errors))?;
        let operation = document.operations.get(posted.named.as_deref()).cloned();
        let operation = operation.map_err(|error| message(&error.message().to_string()))?;
        let variables = coerce_variable_values(schema, &operation, &posted.variables)
            .map_err(|error| message(&error.message().to_string()))?;
        let (deep, max_depth) = (depth(&document, &operation), if self.caller.reads() { 20 } else { 15 });
        if deep > max_depth {
            return Err(message(&format!("Query has depth of {deep}, which exceeds max depth of {max_depth}")));
        }
        let (cost, max) = (cost(&document, &operation, &variables), self.max_complexity());
        if cost > max {
            return Err(message(&format!("Query has complexity of {cost}, which exceeds max complexity of {max}")));
        }
        Ok(CheckedQuery { document, operation, variables, cost })
    }

    /// Looks for more ids than the database is to bear.
    fn takes_too_long(&self, checked: &CheckedQuery) -> bool {
        let Some(limit) = self.options.times_out_above else { return false };
        let root = &checked.operation.selection_set;
        let lists = root.fields().filter_map(|field| field.specified_argument_by_name("ids"));
        let length = |value: &Node<apollo_compiler::ast::Value>| match value.as_variable() {
            Some(name) => checked.variables.get(name.as_str()).and_then(JsonValue::as_array).map_or(0, Vec::len),
            None => value.as_list().map_or(0, <[_]>::len),
        };
        lists.map(length).any(|ids| ids > limit)
    }

    fn execute(&self, checked: &CheckedQuery) -> ApiAnswer {
        let schemas = schemas(self.options.version);
        // Introspection is to see the enums that execution has to be lenient about.
        let introspects = checked.operation.selection_set.fields().any(|field| field.name.starts_with("__"));
        let schema = if introspects { &schemas.published } else { &schemas.lenient };
        let view = AnswerView {
            rest: self.rest,
            reader: self.caller.reads(),
            sees: self.rest.access == Access::Public || self.caller.reads(),
            broken: &self.broken,
            max_page: self.options.max_page,
            score: checked.cost,
            limit: self.max_complexity(),
        };
        let execution = Execution::new(schema, &checked.document)
            .operation(&checked.operation)
            .coerced_variable_values(&checked.variables)
            .enable_schema_introspection(true);
        match execution.execute_sync(&QueryRoot(&view)) {
            Ok(mut response) => {
                response.errors.iter_mut().for_each(unprefix);
                let written = serde_json::to_string(&response);
                written.map_or_else(|error| ApiAnswer::message(500, &error.to_string()), ApiAnswer::written)
            }
            Err(error) => ApiAnswer::ok(json!({ "errors": message(&error.message().to_string()) })),
        }
    }
}

/// Takes the executor's words away from the message of a failed field.
fn unprefix(error: &mut GraphQLError) {
    if let Some(text) = error.message.strip_prefix("resolver error: ") {
        error.message = text.to_owned();
    }
}

fn message(text: &str) -> Vec<Value> {
    vec![json!({ "message": text })]
}

fn diagnostics(list: &DiagnosticList) -> Vec<Value> {
    let error = |diagnostic: apollo_compiler::diagnostic::Diagnostic<'_, _>| {
        let error: GraphQLError = diagnostic.to_json();
        json!({ "message": error.message, "locations": error.locations })
    };
    list.iter().take(MAX_ERRORS).map(error).collect()
}

/// GitLab's answer when PostgreSQL aborted the statement.
fn timed_out() -> ApiAnswer {
    let text = "Request timed out. Please try a less complex query or a smaller set of records.";
    ApiAnswer::error(503, json!({ "errors": message(text) }))
}

/// Turns the body's variables into what the executor reads.
fn variables(value: Value) -> Option<JsonMap> {
    match serde_json_bytes::Value::from(value) {
        JsonValue::Object(map) => Some(map),
        JsonValue::Null => Some(JsonMap::new()),
        _ => None,
    }
}
