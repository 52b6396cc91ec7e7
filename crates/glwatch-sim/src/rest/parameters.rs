//! What each route takes in its query string, and what GitLab answers to a value that it does not take.
//!
//! Grape checks parameters before an endpoint looks at anything, so a wrong value is a 400 even where the project does
//! not exist. The texts are Grape's: `is invalid` for what cannot be read as the type, `does not have a valid value` for
//! what is outside the allowed values.

use serde_json::json;

use super::asked::{Answer, parse_time};
use crate::query::{Query, boolean};
use crate::status::KNOWN;

/// How a parameter is read.
#[derive(Clone, Copy, Debug)]
enum Takes {
    Boolean,
    Integer,
    /// A whole number from 1 on (`lib/api/pagination_params.rb`).
    Positive,
    Time,
    OneOf(&'static [&'static str]),
    /// One value, or several as `name[]`.
    Each(&'static [&'static str]),
}

type Parameter = (&'static str, Takes);

const PAGED: [Parameter; 2] = [("page", Takes::Positive), ("per_page", Takes::Positive)];
const SORT: Parameter = ("sort", Takes::OneOf(&["asc", "desc"]));
const VISIBILITY: Parameter = ("visibility", Takes::OneOf(&["private", "internal", "public"]));
/// `Gitlab::Access.all_values`.
const ACCESS: Parameter = ("min_access_level", Takes::OneOf(&["5", "10", "15", "20", "30", "40", "50", "60"]));

/// `Enums::Ci::Pipeline.sources`.
const SOURCES: [&str; 19] = [
    "unknown",
    "push",
    "web",
    "trigger",
    "schedule",
    "api",
    "external",
    "pipeline",
    "chat",
    "webide",
    "merge_request_event",
    "external_pull_request_event",
    "parent_pipeline",
    "ondemand_dast_scan",
    "ondemand_dast_validation",
    "security_orchestration_policy",
    "container_registry_push",
    "duo_workflow",
    "pipeline_execution_policy_schedule",
];

/// `lib/api/groups.rb`, `lib/api/projects.rb`.
const PROJECTS: [Parameter; 20] = [
    ("archived", Takes::Boolean),
    ("owned", Takes::Boolean),
    ("starred", Takes::Boolean),
    ("simple", Takes::Boolean),
    ("membership", Takes::Boolean),
    ("statistics", Takes::Boolean),
    ("imported", Takes::Boolean),
    ("with_shared", Takes::Boolean),
    ("include_subgroups", Takes::Boolean),
    ("include_ancestor_groups", Takes::Boolean),
    ("with_issues_enabled", Takes::Boolean),
    ("with_merge_requests_enabled", Takes::Boolean),
    ("with_custom_attributes", Takes::Boolean),
    ("with_security_reports", Takes::Boolean),
    ("id_after", Takes::Integer),
    ("id_before", Takes::Integer),
    (
        "order_by",
        Takes::OneOf(&[
            "id",
            "name",
            "path",
            "created_at",
            "updated_at",
            "last_activity_at",
            "similarity",
            "star_count",
        ]),
    ),
    SORT,
    VISIBILITY,
    ACCESS,
];

const GROUPS: [Parameter; 9] = [
    ("all_available", Takes::Boolean),
    ("owned", Takes::Boolean),
    ("statistics", Takes::Boolean),
    ("top_level_only", Takes::Boolean),
    ("with_custom_attributes", Takes::Boolean),
    ("order_by", Takes::OneOf(&["name", "path", "id", "similarity"])),
    SORT,
    VISIBILITY,
    ACCESS,
];

/// `lib/api/ci/pipelines.rb`.
const PIPELINES: [Parameter; 10] = [
    ("scope", Takes::OneOf(&["running", "pending", "finished", "branches", "tags"])),
    ("status", Takes::OneOf(&KNOWN)),
    ("source", Takes::OneOf(&SOURCES)),
    ("yaml_errors", Takes::Boolean),
    ("order_by", Takes::OneOf(&["id", "status", "ref", "updated_at", "user_id"])),
    SORT,
    ("updated_after", Takes::Time),
    ("updated_before", Takes::Time),
    ("created_after", Takes::Time),
    ("created_before", Takes::Time),
];

const JOBS: [Parameter; 2] = [("scope", Takes::Each(&KNOWN)), ("include_retried", Takes::Boolean)];

/// Returns what a kind of route takes beside what every route takes.
fn parameters(kind: &str) -> (&'static [Parameter], bool) {
    match kind {
        "group" => (&[("with_projects", Takes::Boolean), ("with_custom_attributes", Takes::Boolean)], false),
        "groups" | "subgroups" => (&GROUPS, true),
        "group_projects" | "projects" => (&PROJECTS, true),
        "pipelines" => (&PIPELINES, true),
        "jobs" | "bridges" | "project_jobs" => (&JOBS, true),
        "statuses" => (&[("all", Takes::Boolean), ("pipeline_id", Takes::Integer)], true),
        "commit" => (&[("stats", Takes::Boolean)], false),
        _ => (&[], false),
    }
}

/// Returns GitLab's refusal of a wrong parameter, if there is one.
pub(super) fn refusal(kind: &str, query: &Query) -> Option<Answer> {
    let (own, paged) = parameters(kind);
    let all = PAGED.iter().filter(|_| paged).chain(own);
    all.filter_map(|(name, takes)| takes.complaint(name, query)).next().map(|complaint| {
        let text = match complaint {
            Complaint::Unreadable(name) => format!("{name} is invalid"),
            Complaint::NotAllowed(name) => format!("{name} does not have a valid value"),
        };
        Answer::error(400, json!({ "error": text }))
    })
}

enum Complaint<'a> {
    Unreadable(&'a str),
    NotAllowed(&'a str),
}

impl Takes {
    fn complaint<'a>(self, name: &'a str, query: &Query) -> Option<Complaint<'a>> {
        if let Self::Each(words) = self {
            let wrong = query.all(name).iter().any(|given| !words.contains(given));
            return wrong.then_some(Complaint::NotAllowed(name));
        }
        let given = query.get(name)?;
        let readable = match self {
            Self::OneOf(words) => return (!words.contains(&given)).then_some(Complaint::NotAllowed(name)),
            // Nothing given is as good as no parameter, but for words.
            _ if given.is_empty() => return None,
            Self::Boolean => boolean(given).is_some(),
            Self::Integer | Self::Positive => given.parse::<i64>().is_ok(),
            Self::Time => parse_time(given).is_some(),
            Self::Each(_) => true,
        };
        if !readable {
            return Some(Complaint::Unreadable(name));
        }
        let too_small = matches!(self, Self::Positive) && given.parse::<i64>().is_ok_and(|number| number < 1);
        too_small.then_some(Complaint::NotAllowed(name))
    }
}
