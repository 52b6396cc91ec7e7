//! What an endpoint is asked, what it may look at, and what it answers.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::auth::ApiCaller;
use crate::options::{Access, Version};
use crate::query::QueryParameters;
use crate::trace::Trace;
use crate::world::World;

/// An answer before it becomes HTTP, so that faults can still change its JSON.
#[derive(Debug)]
pub(crate) struct ApiAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
    /// The body as text, where there is no need to take it apart; it counts instead of `body`.
    pub(crate) text: Option<String>,
    /// A log, where the body is no JSON; it counts instead of both.
    pub(crate) log: Option<Box<Trace>>,
    /// What kind of route this was, for the statistics; `unknown` when there is none.
    pub(crate) kind: &'static str,
}

impl ApiAnswer {
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: 200, headers: Vec::new(), body, text: None, log: None, kind: "" }
    }

    /// A success whose JSON is written already: large answers are not built twice.
    pub(crate) fn written(text: String) -> Self {
        Self { text: Some(text), ..Self::ok(Value::Null) }
    }

    pub(crate) fn error(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body, text: None, log: None, kind: "" }
    }

    pub(crate) fn message(status: u16, text: &str) -> Self {
        Self::error(status, json!({ "message": text }))
    }

    pub(super) fn project_not_found() -> Self {
        Self::message(404, "404 Project Not Found")
    }

    pub(super) fn group_not_found() -> Self {
        Self::message(404, "404 Group Not Found")
    }
}

/// Everything an endpoint may look at.
pub(crate) struct RestApi<'a> {
    pub(crate) world: &'a World,
    pub(crate) now: i64,
    /// The server's own URL, for the links in answers.
    pub(crate) base: &'a str,
    pub(crate) access: Access,
    pub(crate) any_group: bool,
    pub(crate) version: Version,
    /// Whether logs have an `ETag`.
    pub(crate) etags: bool,
    /// Whether a fault answers instead: then nothing is done.
    pub(crate) lost: bool,
}

/// One request, taken apart.
pub(crate) struct ApiRequest<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: QueryParameters,
    pub(crate) caller: ApiCaller,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

impl RestApi<'_> {
    /// Returns the group that takes the place of one that is not there: any number or path is the demo group's, but for the
    /// name of a user.
    pub(crate) fn instead_of(&self, group: &str) -> Option<usize> {
        let is_username = group.parse::<u64>().is_err() && self.world.user_namespace(group).is_some();
        (self.any_group && !is_username).then_some(self.world.root)
    }

    pub(super) fn visible_project(&self, asked: &ApiRequest<'_>, id: &str) -> Result<usize, ApiAnswer> {
        let visible = self.access == Access::Public || asked.caller.reads();
        self.world.project(id).filter(|_| visible).ok_or_else(ApiAnswer::project_not_found)
    }
}

/// Writes a time as GitLab's REST does: UTC with milliseconds.
pub(crate) fn time(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a time parameter.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let day = || format!("{text}T00:00:00Z");
    let parsed = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc3339(&day()));
    parsed.ok().map(|at| at.timestamp_millis())
}
