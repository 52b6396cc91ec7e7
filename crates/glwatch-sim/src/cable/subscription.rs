//! What a client subscribes: the query is checked as GitLab checks it, against the signature of its version.

use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use super::StatusesField;

/// The parts of the published schemas that the query is about.
const COMMON: &str = "scalar ProjectID type Query { id: ID } type Pipeline { id: ID! iid: String! status: String }";

impl StatusesField {
    fn schema(self) -> String {
        let field = match self {
            Self::Missing => "other: Pipeline",
            Self::V18_6 => "ciPipelineStatusesUpdated(projectId: ProjectID!): Pipeline",
            Self::V19_4 => {
                "ciPipelineStatusesUpdated(projectFullPath: ID, projectId: ProjectID, sha: String): Pipeline"
            }
        };
        format!("{COMMON} type Subscription {{ {field} }}")
    }
}

/// Reads the identifier of a subscription; fails with GitLab's error. Returns the id of the project.
pub(super) fn subscribed_project(identifier: &str, field: StatusesField) -> Result<u64, String> {
    let said = serde_json::from_str::<Value>(identifier).unwrap_or_default();
    if said["channel"] != "GraphqlChannel" {
        return Err("Subscription class not found".to_owned());
    }
    let query = said["query"].as_str().unwrap_or_default();
    let schema =
        Schema::parse_and_validate(field.schema(), "subscription.graphql").map_err(|error| error.to_string())?;
    let document = ExecutableDocument::parse_and_validate(&schema, query, "query.graphql");
    let document = document.map_err(|refused| {
        if field == StatusesField::Missing {
            "Field 'ciPipelineStatusesUpdated' doesn't exist on type 'Subscription'".to_owned()
        } else {
            refused.errors.iter().next().map_or_else(String::new, |error| error.error.to_string())
        }
    })?;
    // A plain query would be run, too; nothing here needs it.
    let operation = document.operations.get(None).map_err(|_| "No operation".to_owned())?;
    if !operation.is_subscription() {
        return Err("No subscription".to_owned());
    }
    let gid = said["variables"].as_object().and_then(|all| all.values().next()).and_then(Value::as_str);
    let id = gid.and_then(|gid| gid.strip_prefix("gid://gitlab/Project/")).and_then(|id| id.parse().ok());
    id.ok_or_else(|| "Variable $p of type ProjectID! was provided invalid value".to_owned())
}

/// Returns what is sent about a subscription.
pub(super) fn result(identifier: &str, result: &Value, goes_on: bool) -> String {
    json!({ "identifier": identifier, "message": { "result": result, "more": goes_on } }).to_string()
}

/// Returns what is sent when a pipeline moved.
pub(super) fn moved(identifier: &str, pipeline: Option<u64>) -> String {
    let pipeline = pipeline.map(|id| json!({ "id": format!("gid://gitlab/Ci::Pipeline/{id}") }));
    result(identifier, &json!({ "data": { "ciPipelineStatusesUpdated": pipeline } }), true)
}

/// Returns what is sent where there is no subscription.
pub(super) fn refused(identifier: &str, message: &str) -> String {
    result(identifier, &json!({ "errors": [{ "message": message }] }), false)
}
