//! GitLab's REST API v4 over the world: routes and what all resources share. One file per resource below.

mod actions;
mod api_request;
mod auth;
mod commits;
mod deployments;
mod groups;
mod hooks;
mod issues;
mod job;
mod jobs;
mod merge_requests;
mod page;
mod parameters;
mod pipelines;
mod projects;
mod repository;
mod test_report;

use serde_json::json;

pub(crate) use api_request::{ApiAnswer, ApiRequest, RestApi, parse_time, time};
pub(crate) use auth::{ApiCaller, READING_SCOPES, caller, insufficient_scope};
pub(crate) use groups::full_name;
pub(crate) use jobs::RUNNER;
pub(crate) use pipelines::path as pipeline_path;
pub(crate) use test_report::{ReportCounts, suites};

use super::options::Version;
use super::query::segments;

impl RestApi<'_> {
    /// Answers one request as GitLab would.
    pub(crate) fn answer(&self, asked: &ApiRequest<'_>) -> ApiAnswer {
        let parts = segments(asked.path);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if parts == ["api", "graphql"] {
            // Known to every GitLab, by POST.
            return ApiAnswer { kind: "graphql", ..unknown() };
        }
        let Some(parts) = parts.strip_prefix(&["api", "v4"]) else { return unknown() };
        let found = match asked.method {
            "GET" | "HEAD" => route(parts),
            "POST" => action(parts).or_else(|| hook_write("POST", parts)),
            method => hook_write(method, parts),
        };
        let Some((kind, handler)) = found else { return unknown() };
        let refusal = asked.caller.refusal(kind, self.access).or_else(|| parameters::refusal(kind, &asked.query));
        let mut answer = refusal.unwrap_or_else(|| handler(self, asked, parts));
        answer.kind = kind;
        answer
    }
}

type RestHandler = fn(&RestApi<'_>, &ApiRequest<'_>, &[&str]) -> ApiAnswer;

fn route(parts: &[&str]) -> Option<(&'static str, RestHandler)> {
    Some(match parts {
        ["metadata"] => ("metadata", |rest, _, _| metadata(rest.version)),
        ["version"] => {
            ("version", |rest, _, _| ApiAnswer::ok(json!({ "version": rest.version.number(), "revision": REVISION })))
        }
        ["personal_access_tokens", "self"] => ("token", |rest, asked, _| auth::token_self(rest, asked)),
        ["user"] => ("user", |rest, _, _| auth::user(rest)),
        ["groups"] => ("groups", |rest, asked, _| groups::list(rest, asked)),
        ["groups", _, "subgroups"] => ("subgroups", |rest, asked, p| groups::subgroups(rest, asked, p[1])),
        ["groups", _, "descendant_groups"] => ("subgroups", |rest, asked, p| groups::descendants(rest, asked, p[1])),
        ["groups", _] => ("group", |rest, asked, p| groups::single(rest, asked, p[1])),
        ["groups", _, "projects"] => ("group_projects", |rest, asked, p| groups::projects(rest, asked, p[1])),
        ["groups", _, "issues"] => ("issues", |rest, asked, p| issues::of_group(rest, asked, p[1])),
        ["groups", _, "merge_requests"] => {
            ("merge_requests", |rest, asked, p| merge_requests::of_group(rest, asked, p[1]))
        }
        ["projects"] => ("projects", |rest, asked, _| projects::list(rest, asked)),
        ["users", _, "projects"] => ("user_projects", |rest, asked, p| projects::of_user(rest, asked, p[1])),
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
        _ => return past_route(parts),
    })
}

/// The routes of what a project did beside its pipelines.
fn past_route(parts: &[&str]) -> Option<(&'static str, RestHandler)> {
    Some(match parts {
        ["projects", _, "environments"] => {
            ("environments", |rest, asked, p| deployments::environments(rest, asked, p[1]))
        }
        ["projects", _, "environments", _] => {
            ("environment", |rest, asked, p| deployments::environment(rest, asked, p[1], p[3]))
        }
        ["projects", _, "deployments"] => ("deployments", |rest, asked, p| deployments::list(rest, asked, p[1])),
        ["projects", _, "deployments", _] => {
            ("deployment", |rest, asked, p| deployments::single(rest, asked, p[1], p[3]))
        }
        ["projects", _, "deployments", _, "merge_requests"] => {
            ("merge_requests", |rest, asked, p| deployments::merge_requests(rest, asked, p[1], p[3]))
        }
        ["projects", _, "pipelines", _, "variables"] => {
            ("variables", |rest, asked, p| repository::variables(rest, asked, p[1], p[3]))
        }
        ["projects", _, "repository", "branches"] => {
            ("branches", |rest, asked, p| repository::branches(rest, asked, p[1]))
        }
        ["projects", _, "repository", "branches", _] => {
            ("branch", |rest, asked, p| repository::branch(rest, asked, p[1], p[4]))
        }
        ["projects", _, "repository", "tags"] => ("tags", |rest, asked, p| repository::tags(rest, asked, p[1])),
        ["projects", _, "repository", "compare"] => {
            ("compare", |rest, asked, p| repository::compare(rest, asked, p[1]))
        }
        ["projects", _, "issues"] => ("issues", |rest, asked, p| issues::of_project(rest, asked, p[1])),
        _ => return request_route(parts),
    })
}

fn request_route(parts: &[&str]) -> Option<(&'static str, RestHandler)> {
    Some(match parts {
        ["projects", _, "merge_requests"] => {
            ("merge_requests", |rest, asked, p| merge_requests::of_project(rest, asked, p[1]))
        }
        ["projects", _, "merge_requests", _] => {
            ("merge_request", |rest, asked, p| merge_requests::single(rest, asked, p[1], p[3]))
        }
        ["projects", _, "merge_requests", _, "commits"] => {
            ("merge_request_commits", |rest, asked, p| merge_requests::commits(rest, asked, p[1], p[3]))
        }
        ["projects", _, "merge_requests", _, "pipelines"] => {
            ("merge_request_pipelines", |rest, asked, p| merge_requests::pipelines(rest, asked, p[1], p[3]))
        }
        ["projects", _, "hooks"] => ("hooks", |rest, asked, p| hooks::list(rest, asked, p[1])),
        ["projects", _, "hooks", _] => ("hook", |rest, asked, p| hooks::single(rest, asked, p[1], p[3])),
        _ => return None,
    })
}

fn hook_write(method: &str, parts: &[&str]) -> Option<(&'static str, RestHandler)> {
    Some(match (method, parts) {
        ("POST", ["projects", _, "hooks"]) => ("hook_create", |rest, asked, p| hooks::create(rest, asked, p[1])),
        ("PUT", ["projects", _, "hooks", _]) => ("hook_edit", |rest, asked, p| hooks::edit(rest, asked, p[1], p[3])),
        ("DELETE", ["projects", _, "hooks", _]) => {
            ("hook_delete", |rest, asked, p| hooks::delete(rest, asked, p[1], p[3]))
        }
        _ => return None,
    })
}

fn action(parts: &[&str]) -> Option<(&'static str, RestHandler)> {
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

pub(crate) fn unknown() -> ApiAnswer {
    ApiAnswer { kind: "unknown", ..ApiAnswer::error(404, json!({ "error": "404 Not Found" })) }
}

/// The revision of the documented answer.
pub(crate) const REVISION: &str = "ceb07b24cb0";

/// `/metadata` came with 15.2.
fn metadata(version: Version) -> ApiAnswer {
    if version < Version::V16_3 {
        return unknown();
    }
    let kas = json!({ "enabled": false, "externalUrl": null, "externalK8sProxyUrl": null, "version": null });
    ApiAnswer::ok(json!({ "version": version.number(), "revision": REVISION, "kas": kas, "enterprise": false }))
}
