//! The texts of GitLab's cable, ActionCable with GraphQL subscriptions in it: what is sent, and what a frame means. Pure.
//!
//! <https://docs.gitlab.com/development/real_time/>, and `app/channels/graphql_channel.rb` of GitLab.

use crate::domain::id::ProjectId;
use serde::Deserialize;
use serde_json::{Value, json};

/// `projectId` alone: 18.6 has nothing else, 19.4 takes it beside `projectFullPath`, so that there is no need to ask which
/// GitLab it is; and an id outlives a rename. A variable that is never null fits an argument that may be.
const SUBSCRIPTION: &str = "subscription($p:ProjectID!){ciPipelineStatusesUpdated(projectId:$p){id}}";
const FIELD: &str = "ciPipelineStatusesUpdated";
const CHANNEL: &str = "GraphqlChannel";

/// What a frame of the server means. An identifier is the one with which was subscribed, as a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CableFrame {
    Welcome,
    Ping,
    /// A subscription was taken.
    Confirmed(String),
    /// A subscription was not taken: the token lacks the scope.
    Rejected(String),
    /// A pipeline moved; which one is not asked.
    Moved(String),
    /// The first answer to a subscription, which carries nothing.
    Acknowledged(String),
    /// A subscription has ended, or never was one; with GitLab's reason.
    Over(String, String),
    /// The server hangs up.
    Dismissed {
        reason: String,
        comes_back: bool,
    },
    Unknown,
}

#[derive(Deserialize)]
struct WireFrame {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default)]
    message: Option<Value>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    reconnect: Option<bool>,
}

/// Reads a frame. What it is not understood by is unknown and nothing else.
pub(super) fn read_frame(text: &str) -> CableFrame {
    let Ok(frame) = serde_json::from_str::<WireFrame>(text) else { return CableFrame::Unknown };
    match (frame.kind.as_deref(), frame.identifier) {
        (Some("welcome"), _) => CableFrame::Welcome,
        (Some("ping"), _) => CableFrame::Ping,
        (Some("confirm_subscription"), Some(identifier)) => CableFrame::Confirmed(identifier),
        (Some("reject_subscription"), Some(identifier)) => CableFrame::Rejected(identifier),
        (Some("disconnect"), _) => CableFrame::Dismissed {
            reason: frame.reason.unwrap_or_default(),
            // As Rails' own client does: only a clear no keeps it away.
            comes_back: frame.reconnect != Some(false),
        },
        (None, Some(identifier)) => frame.message.map_or(CableFrame::Unknown, |said| read_result(identifier, &said)),
        _ => CableFrame::Unknown,
    }
}

fn read_result(identifier: String, message: &Value) -> CableFrame {
    let is_over = message.get("more").and_then(Value::as_bool) == Some(false);
    let Some(result) = message.get("result") else { return CableFrame::Unknown };
    let first = result.pointer("/errors/0/message").and_then(Value::as_str);
    match (result.pointer(&format!("/data/{FIELD}")), first) {
        (_, Some(said)) if is_over => CableFrame::Over(identifier, said.to_owned()),
        (Some(Value::Object(_)), _) => CableFrame::Moved(identifier),
        (Some(Value::Null), None) if is_over => CableFrame::Over(identifier, "it ended".to_owned()),
        (Some(Value::Null), None) => CableFrame::Acknowledged(identifier),
        _ => CableFrame::Unknown,
    }
}

/// Returns what a project is subscribed by. The server takes the same text twice for one subscription, hence the nonce.
pub(super) fn identifier(project: ProjectId, nonce: u64) -> String {
    json!({
        "channel": CHANNEL,
        "query": SUBSCRIPTION,
        "variables": { "p": format!("gid://gitlab/Project/{project}") },
        "operationName": null,
        "nonce": format!("{nonce:016x}"),
    })
    .to_string()
}

pub(super) fn subscribe(identifier: &str) -> String {
    json!({ "command": "subscribe", "identifier": identifier }).to_string()
}

pub(super) fn unsubscribe(identifier: &str) -> String {
    json!({ "command": "unsubscribe", "identifier": identifier }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_means_one_thing_or_nothing() {
        let of = || "{\"nonce\":\"1\"}".to_owned();
        let result = |message: Value| json!({ "identifier": of(), "message": message });
        let dismissed = |reason: &str, comes_back| CableFrame::Dismissed { reason: reason.into(), comes_back };
        let cases = [
            ("a welcome", json!({"type": "welcome"}), CableFrame::Welcome),
            ("a ping", json!({"type": "ping", "message": 1_732_740_000}), CableFrame::Ping),
            (
                "a subscription is taken",
                json!({"type": "confirm_subscription", "identifier": of()}),
                CableFrame::Confirmed(of()),
            ),
            ("it is not", json!({"type": "reject_subscription", "identifier": of()}), CableFrame::Rejected(of())),
            (
                "the first answer",
                result(json!({"result": {"data": {"ciPipelineStatusesUpdated": null}}, "more": true})),
                CableFrame::Acknowledged(of()),
            ),
            (
                "a pipeline moved",
                result(
                    json!({"result": {"data": {"ciPipelineStatusesUpdated": {"id": "gid://gitlab/Ci::Pipeline/1"}}}, "more": true}),
                ),
                CableFrame::Moved(of()),
            ),
            (
                "one without an id moved all the same",
                result(json!({"result": {"data": {"ciPipelineStatusesUpdated": {}}}})),
                CableFrame::Moved(of()),
            ),
            (
                "this project only",
                result(json!({"result": {"errors": [{"message": "Unauthorized subscription"}]}, "more": false})),
                CableFrame::Over(of(), "Unauthorized subscription".into()),
            ),
            (
                "an error about one event",
                result(
                    json!({"result": {"data": {"ciPipelineStatusesUpdated": null}, "errors": [{"message": "late"}]}, "more": true}),
                ),
                CableFrame::Unknown,
            ),
            (
                "the last answer",
                result(json!({"result": {"data": {"ciPipelineStatusesUpdated": null}}, "more": false})),
                CableFrame::Over(of(), "it ended".into()),
            ),
            ("another field", result(json!({"result": {"data": {"other": {}}}, "more": true})), CableFrame::Unknown),
            ("no result", result(json!({"more": true})), CableFrame::Unknown),
            (
                "hung up for good",
                json!({"type": "disconnect", "reason": "unauthorized", "reconnect": false}),
                dismissed("unauthorized", false),
            ),
            (
                "hung up for a moment",
                json!({"type": "disconnect", "reason": "server_restart", "reconnect": true}),
                dismissed("server_restart", true),
            ),
            ("without a word about it", json!({"type": "disconnect"}), dismissed("", true)),
            ("a type of tomorrow", json!({"type": "greeting", "identifier": of()}), CableFrame::Unknown),
            ("a confirmation of nothing", json!({"type": "confirm_subscription"}), CableFrame::Unknown),
            (
                "an identifier that is none",
                json!({"type": "confirm_subscription", "identifier": 7}),
                CableFrame::Unknown,
            ),
            ("a list", json!([1]), CableFrame::Unknown),
        ];
        for (sentence, frame, expected) in cases {
            assert_eq!(read_frame(&frame.to_string()), expected, "{sentence}");
        }
        assert_eq!(read_frame("{"), CableFrame::Unknown);
        assert_eq!(read_frame(""), CableFrame::Unknown);
    }

    #[test]
    fn a_subscription_names_its_project_and_differs_from_any_other() {
        let command: Value = serde_json::from_str(&subscribe(&identifier(ProjectId(19), 7))).unwrap();
        assert_eq!(command["command"], "subscribe");
        let inside: Value = serde_json::from_str(command["identifier"].as_str().unwrap()).unwrap();
        assert_eq!(inside["channel"], "GraphqlChannel");
        assert_eq!(inside["variables"]["p"], "gid://gitlab/Project/19");
        assert_ne!(identifier(ProjectId(19), 7), identifier(ProjectId(19), 8));
        let ending: Value = serde_json::from_str(&unsubscribe(&identifier(ProjectId(19), 7))).unwrap();
        assert_eq!((ending["command"].as_str(), &ending["identifier"]), (Some("unsubscribe"), &command["identifier"]));
    }
}
