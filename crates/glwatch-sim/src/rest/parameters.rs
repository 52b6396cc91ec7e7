//! What each route takes in its query string, and what GitLab answers to a value that it does not take.
//!
//! Grape checks parameters before an endpoint looks at anything, so a wrong value is a 400 even where the project does
//! not exist. The texts are Grape's: `is invalid` for what cannot be read as the type, `does not have a valid value` for
//! what is outside the allowed values.

use serde_json::json;

use super::api_request::{ApiAnswer, parse_time};
use crate::query::{QueryParameters, boolean};
use crate::status::KNOWN;

/// How a parameter is read.
#[derive(Clone, Copy, Debug)]
enum ParameterType {
    Boolean,
    Integer,
    /// A whole number from 1 on (`lib/api/pagination_params.rb`).
    Positive,
    Time,
    OneOf(&'static [&'static str]),
    /// One value, or several as `name[]`.
    Each(&'static [&'static str]),
}

type ParameterRule = (&'static str, ParameterType);

const PAGED: [ParameterRule; 2] = [("page", ParameterType::Positive), ("per_page", ParameterType::Positive)];
const SORT: ParameterRule = ("sort", ParameterType::OneOf(&["asc", "desc"]));
const VISIBILITY: ParameterRule = ("visibility", ParameterType::OneOf(&["private", "internal", "public"]));
/// `Gitlab::Access.all_values`.
const ACCESS: ParameterRule =
    ("min_access_level", ParameterType::OneOf(&["5", "10", "15", "20", "30", "40", "50", "60"]));

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
const PROJECTS: [ParameterRule; 20] = [
    ("archived", ParameterType::Boolean),
    ("owned", ParameterType::Boolean),
    ("starred", ParameterType::Boolean),
    ("simple", ParameterType::Boolean),
    ("membership", ParameterType::Boolean),
    ("statistics", ParameterType::Boolean),
    ("imported", ParameterType::Boolean),
    ("with_shared", ParameterType::Boolean),
    ("include_subgroups", ParameterType::Boolean),
    ("include_ancestor_groups", ParameterType::Boolean),
    ("with_issues_enabled", ParameterType::Boolean),
    ("with_merge_requests_enabled", ParameterType::Boolean),
    ("with_custom_attributes", ParameterType::Boolean),
    ("with_security_reports", ParameterType::Boolean),
    ("id_after", ParameterType::Integer),
    ("id_before", ParameterType::Integer),
    (
        "order_by",
        ParameterType::OneOf(&[
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

const GROUPS: [ParameterRule; 9] = [
    ("all_available", ParameterType::Boolean),
    ("owned", ParameterType::Boolean),
    ("statistics", ParameterType::Boolean),
    ("top_level_only", ParameterType::Boolean),
    ("with_custom_attributes", ParameterType::Boolean),
    ("order_by", ParameterType::OneOf(&["name", "path", "id", "similarity"])),
    SORT,
    VISIBILITY,
    ACCESS,
];

/// `lib/api/ci/pipelines.rb`.
const PIPELINES: [ParameterRule; 10] = [
    ("scope", ParameterType::OneOf(&["running", "pending", "finished", "branches", "tags"])),
    ("status", ParameterType::OneOf(&KNOWN)),
    ("source", ParameterType::OneOf(&SOURCES)),
    ("yaml_errors", ParameterType::Boolean),
    ("order_by", ParameterType::OneOf(&["id", "status", "ref", "updated_at", "user_id"])),
    SORT,
    ("updated_after", ParameterType::Time),
    ("updated_before", ParameterType::Time),
    ("created_after", ParameterType::Time),
    ("created_before", ParameterType::Time),
];

/// `lib/api/deployments.rb`.
const DEPLOYMENTS: [ParameterRule; 7] = [
    ("order_by", ParameterType::OneOf(&["id", "iid", "created_at", "updated_at", "finished_at", "ref"])),
    SORT,
    ("updated_after", ParameterType::Time),
    ("updated_before", ParameterType::Time),
    ("finished_after", ParameterType::Time),
    ("finished_before", ParameterType::Time),
    ("status", ParameterType::OneOf(&["created", "running", "success", "failed", "canceled", "skipped", "blocked"])),
];

/// `lib/api/helpers/merge_requests_helpers.rb`.
const MERGE_REQUESTS: [ParameterRule; 9] = [
    ("state", ParameterType::OneOf(&["opened", "closed", "locked", "merged", "all"])),
    (
        "order_by",
        ParameterType::OneOf(&[
            "created_at",
            "label_priority",
            "milestone_due",
            "popularity",
            "priority",
            "title",
            "updated_at",
            "merged_at",
        ]),
    ),
    SORT,
    ("created_after", ParameterType::Time),
    ("created_before", ParameterType::Time),
    ("updated_after", ParameterType::Time),
    ("updated_before", ParameterType::Time),
    ("merged_after", ParameterType::Time),
    ("merged_before", ParameterType::Time),
];

/// `lib/api/issues.rb`.
const ISSUES: [ParameterRule; 8] = [
    ("state", ParameterType::OneOf(&["opened", "closed", "all"])),
    ("issue_type", ParameterType::OneOf(&["issue", "incident", "test_case", "task", "requirement"])),
    (
        "order_by",
        ParameterType::OneOf(&[
            "created_at",
            "due_date",
            "label_priority",
            "milestone_due",
            "popularity",
            "priority",
            "relative_position",
            "title",
            "updated_at",
            "weight",
        ]),
    ),
    SORT,
    ("created_after", ParameterType::Time),
    ("created_before", ParameterType::Time),
    ("updated_after", ParameterType::Time),
    ("updated_before", ParameterType::Time),
];

const JOBS: [ParameterRule; 2] = [("scope", ParameterType::Each(&KNOWN)), ("include_retried", ParameterType::Boolean)];

/// Returns what a kind of route takes beside what every route takes.
fn parameters(kind: &str) -> (&'static [ParameterRule], bool) {
    match kind {
        "group" => {
            (&[("with_projects", ParameterType::Boolean), ("with_custom_attributes", ParameterType::Boolean)], false)
        }
        "groups" | "subgroups" => (&GROUPS, true),
        "group_projects" | "projects" | "user_projects" => (&PROJECTS, true),
        "pipelines" => (&PIPELINES, true),
        "jobs" | "bridges" | "project_jobs" => (&JOBS, true),
        "deployments" => (&DEPLOYMENTS, true),
        "environments" => (&[("states", ParameterType::OneOf(&["available", "stopping", "stopped"]))], true),
        "issues" => (&ISSUES, true),
        "merge_requests" => (&MERGE_REQUESTS, true),
        "merge_request_commits" | "merge_request_pipelines" | "branches" | "tags" | "hooks" => (&[], true),
        "compare" => (&[("straight", ParameterType::Boolean)], false),
        "statuses" => (&[("all", ParameterType::Boolean), ("pipeline_id", ParameterType::Integer)], true),
        "commit" => (&[("stats", ParameterType::Boolean)], false),
        _ => (&[], false),
    }
}

/// Returns GitLab's refusal of a wrong parameter, if there is one.
pub(super) fn refusal(kind: &str, query: &QueryParameters) -> Option<ApiAnswer> {
    let (own, paged) = parameters(kind);
    let all = PAGED.iter().filter(|_| paged).chain(own);
    all.filter_map(|(name, takes)| takes.complaint(name, query)).next().map(|complaint| {
        let text = match complaint {
            ParameterComplaint::Unreadable(name) => format!("{name} is invalid"),
            ParameterComplaint::NotAllowed(name) => format!("{name} does not have a valid value"),
        };
        ApiAnswer::error(400, json!({ "error": text }))
    })
}

enum ParameterComplaint<'a> {
    Unreadable(&'a str),
    NotAllowed(&'a str),
}

impl ParameterType {
    fn complaint<'a>(self, name: &'a str, query: &QueryParameters) -> Option<ParameterComplaint<'a>> {
        if let Self::Each(words) = self {
            let wrong = query.all(name).iter().any(|given| !words.contains(given));
            return wrong.then_some(ParameterComplaint::NotAllowed(name));
        }
        let given = query.get(name)?;
        let readable = match self {
            Self::OneOf(words) => return (!words.contains(&given)).then_some(ParameterComplaint::NotAllowed(name)),
            // Nothing given is as good as no parameter, but for words.
            _ if given.is_empty() => return None,
            Self::Boolean => boolean(given).is_some(),
            Self::Integer | Self::Positive => given.parse::<i64>().is_ok(),
            Self::Time => parse_time(given).is_some(),
            Self::Each(_) => true,
        };
        if !readable {
            return Some(ParameterComplaint::Unreadable(name));
        }
        let too_small = matches!(self, Self::Positive) && given.parse::<i64>().is_ok_and(|number| number < 1);
        too_small.then_some(ParameterComplaint::NotAllowed(name))
    }
}
