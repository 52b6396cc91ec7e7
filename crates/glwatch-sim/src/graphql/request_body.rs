//! The body of a `POST /api/graphql`.

use apollo_compiler::ast::{Definition, Document};
use apollo_compiler::response::JsonMap;
use serde_json::Value;

use super::variables;

/// One request, taken apart; `problem` says why it cannot be answered, and with which status.
#[derive(Debug, Default)]
pub(crate) struct GraphqlBody {
    pub(super) query: String,
    pub(super) variables: JsonMap,
    /// `operationName`, when given.
    pub(super) named: Option<String>,
    pub(super) problem: Option<(u16, &'static str)>,
    /// The name of the operation, from any of its places.
    operation: Option<String>,
    /// The variables as compact JSON.
    shown: String,
}

impl GraphqlBody {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else {
            let problem = Some((400, "Error occurred while parsing request parameters"));
            return Self { problem, ..Self::default() };
        };
        // Without any, GitLab runs the empty text.
        let query = body.get("query").and_then(Value::as_str).unwrap_or_default().to_owned();
        let given = match body.remove("variables") {
            // GitLab takes the variables as text, too.
            Some(Value::String(text)) if text.is_empty() => Value::Null,
            Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            Some(value) => value,
            None => Value::Null,
        };
        let shown = if given.is_null() { "{}".to_owned() } else { given.to_string() };
        let named = body.get("operationName").and_then(Value::as_str).map(str::to_owned);
        let operation = named.clone().or_else(|| first_operation(&query));
        let variables = variables(given);
        let problem = variables.is_none().then_some((422, "Variables are invalid"));
        Self { query, variables: variables.unwrap_or_default(), named, problem, operation, shown }
    }

    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// Returns what faults see of it behind the path: the operation's name, if any, and the variables.
    pub(crate) fn line(&self) -> String {
        self.operation.iter().map(String::as_str).chain([self.shown.as_str()]).collect::<Vec<_>>().join(" ")
    }
}

fn first_operation(query: &str) -> Option<String> {
    let document = Document::parse(query, "query").unwrap_or_else(|broken| broken.partial);
    let operation = document.definitions.iter().find_map(Definition::as_operation_definition)?;
    operation.name.as_ref().map(ToString::to_string)
}
