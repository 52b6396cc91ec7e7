//! GitLab's REST API v4 over the world: routes and what all resources share. One file per resource below.

mod actions;
mod auth;
mod commits;
mod groups;
mod job;
mod jobs;
mod page;
mod parameters;
mod pipelines;
mod projects;
mod test_report;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

pub(crate) use auth::{Caller, INSUFFICIENT_SCOPE, caller};
pub(crate) use groups::full_name;
pub(crate) use jobs::RUNNER;
pub(crate) use pipelines::path as pipeline_path;
pub(crate) use test_report::{Total, suites};

use super::options::{Access, Version};
use super::query::{Query, segments};
use super::trace::Trace;
use super::world::World;

/// An answer before it becomes HTTP, so that faults can still change its JSON.
#[derive(Debug)]
pub(crate) struct Answer {
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

impl Answer {
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

    fn message(status: u16, text: &str) -> Self {
        Self::error(status, json!({ "message": text }))
    }

    fn project_not_found() -> Self {
        Self::message(404, "404 Project Not Found")
    }

    fn group_not_found() -> Self {
        Self::message(404, "404 Group Not Found")
    }
}

/// Everything an endpoint may look at.
pub(crate) struct Rest<'a> {
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
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Query,
    pub(crate) caller: Caller,
    pub(crate) if_none_match: Option<&'a str>,
}

impl Rest<'_> {
    /// Answers one request as GitLab would.
    pub(crate) fn answer(&self, asked: &Asked<'_>) -> Answer {
        let parts = segments(asked.path);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if parts == ["api", "graphql"] {
            // Known to every GitLab, by POST.
            return Answer { kind: "graphql", ..unknown() };
        }
        let Some(parts) = parts.strip_prefix(&["api", "v4"]) else { return unknown() };
        let found = match asked.method {
            "GET" | "HEAD" => route(parts),
            "POST" => action(parts),
            _ => None,
        };
        let Some((kind, handler)) = found else { return unknown() };
        let refusal = asked.caller.refusal(kind, self.access).or_else(|| parameters::refusal(kind, &asked.query));
        let mut answer = refusal.unwrap_or_else(|| handler(self, asked, parts));
        answer.kind = kind;
        answer
    }

    fn visible_project(&self, asked: &Asked<'_>, id: &str) -> Result<usize, Answer> {
        let visible = self.access == Access::Public || asked.caller.reads();
        self.world.project(id).filter(|_| visible).ok_or_else(Answer::project_not_found)
    }
}

type Handler = fn(&Rest<'_>, &Asked<'_>, &[&str]) -> Answer;

fn route(parts: &[&str]) -> Option<(&'static str, Handler)> {
    Some(match parts {
        ["metadata"] => ("metadata", |rest, _, _| metadata(rest.version)),
        ["version"] => {
            ("version", |rest, _, _| Answer::ok(json!({ "version": rest.version.number(), "revision": REVISION })))
        }
        ["personal_access_tokens", "self"] => ("token", |rest, asked, _| auth::token_self(rest, asked)),
        ["user"] => ("user", |rest, _, _| auth::user(rest)),
        ["groups"] => ("groups", |rest, asked, _| groups::list(rest, asked)),
        ["groups", _, "subgroups"] => ("subgroups", |rest, asked, p| groups::subgroups(rest, asked, p[1])),
        ["groups", _, "descendant_groups"] => ("subgroups", |rest, asked, p| groups::descendants(rest, asked, p[1])),
        ["groups", _] => ("group", |rest, asked, p| groups::single(rest, asked, p[1])),
        ["groups", _, "projects"] => ("group_projects", |rest, asked, p| groups::projects(rest, asked, p[1])),
        ["projects"] => ("projects", |rest, asked, _| projects::list(rest, asked)),
        ["projects", _] => ("project", |rest, asked, p| projects::single(rest, asked, p[1])),
        ["projects", _, "pipelines"] => ("pipelines", |rest, asked, p| pipelines::list(rest, asked, p[1])),
        ["projects", _, "pipelines", "latest"] => {
            ("pipeline_latest", |rest, asked, p| pipelines::latest(rest, asked, p[1]))
        }
        ["projects", _, "pipelines", _] => ("pipeline", |rest, asked, p| pipelines::single(rest, asked, p[1], p[3])),
        ["projects", _, "pipelines", _, "jobs"] => ("jobs", |rest, asked, p| jobs::list(rest, asked, p[1], p[3])),
        ["projects", _, "pipelines", _, "bridges"] => {
            ("bridges", |rest, asked, p| jobs::bridges(rest, asked, p[1], p[3]))
        }
        ["projects", _, "pipelines", _, "test_report"] => {
            ("test_report", |rest, asked, p| test_report::full(rest, asked, p[1], p[3]))
        }
        ["projects", _, "pipelines", _, "test_report_summary"] => {
            ("test_report_summary", |rest, asked, p| test_report::summary(rest, asked, p[1], p[3]))
        }
        ["projects", _, "repository", "commits", _, "statuses"] => {
            ("statuses", |rest, asked, p| jobs::statuses(rest, asked, p[1], p[4]))
        }
        ["projects", _, "repository", "commits", _] => {
            ("commit", |rest, asked, p| commits::single(rest, asked, p[1], p[4]))
        }
        ["projects", _, "jobs"] => ("project_jobs", |rest, asked, p| jobs::of_project(rest, asked, p[1])),
        ["projects", _, "jobs", _] => ("job", |rest, asked, p| job::single(rest, asked, p[1], p[3])),
        ["projects", _, "jobs", _, "trace"] => ("trace", |rest, asked, p| job::trace(rest, asked, p[1], p[3])),
        _ => return None,
    })
}

fn action(parts: &[&str]) -> Option<(&'static str, Handler)> {
    Some(match parts {
        ["projects", _, "pipelines", _, "retry"] => {
            ("pipeline_retry", |rest, asked, p| actions::retry_pipeline(rest, asked, p[1], p[3]))
        }
        ["projects", _, "pipelines", _, "cancel"] => {
            ("pipeline_cancel", |rest, asked, p| actions::cancel_pipeline(rest, asked, p[1], p[3]))
        }
        ["projects", _, "jobs", _, "retry"] => {
            ("job_retry", |rest, asked, p| actions::retry_job(rest, asked, p[1], p[3]))
        }
        ["projects", _, "jobs", _, "cancel"] => {
            ("job_cancel", |rest, asked, p| actions::cancel_job(rest, asked, p[1], p[3]))
        }
        ["projects", _, "jobs", _, "play"] => ("job_play", |rest, asked, p| actions::play_job(rest, asked, p[1], p[3])),
        _ => return None,
    })
}

pub(crate) fn unknown() -> Answer {
    Answer { kind: "unknown", ..Answer::error(404, json!({ "error": "404 Not Found" })) }
}

/// The revision of the documented answer.
pub(crate) const REVISION: &str = "ceb07b24cb0";

/// `/metadata` came with 15.2.
fn metadata(version: Version) -> Answer {
    if version < Version::V16_3 {
        return unknown();
    }
    let kas = json!({ "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null });
    Answer::ok(json!({ "version": version.number(), "revision": REVISION, "kas": kas, "enterprise": false }))
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
