//! What is known, as tests write it: JSON in the form of the worked cases.

use super::known::{BroughtMerge, DoraRules, FixMarks, ProductionEvent, ProductionIncident, ProjectDeliveries};
use crate::domain::fact::UnixSeconds;
use chrono::DateTime;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) struct DoraCase {
    pub from: UnixSeconds,
    pub to: UnixSeconds,
    pub rules: DoraRules,
    pub projects: Vec<ProjectDeliveries>,
}

pub(crate) fn at(value: &Value) -> Option<UnixSeconds> {
    value.as_str().map(|text| DateTime::parse_from_rfc3339(text).unwrap().timestamp())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn word<'a>(value: &'a Value, otherwise: &'a str) -> &'a str {
    value.as_str().unwrap_or(otherwise)
}

fn merges(value: &Value) -> Vec<Arc<BroughtMerge>> {
    let merge = |merge: &Value| {
        let labels: Vec<String> = items(&merge["labels"]).iter().map(|label| word(label, "").to_owned()).collect();
        let title = word(&merge["title"], "");
        Arc::new(BroughtMerge {
            iid: merge["iid"].as_u64().unwrap(),
            title: title.to_owned(),
            fix: FixMarks::read(title, &labels, merge["source_branch"].as_str()),
            merged_at: at(&merge["merged_at"]),
            first_commit_at: at(&merge["first_commit_at"]),
        })
    };
    items(value).iter().map(merge).collect()
}

/// `None` for what is not over.
fn event(value: &Value, place: &str, is_deployment: bool) -> Option<ProductionEvent> {
    let status = word(&value["status"], "");
    let pipeline = if is_deployment { value["pipeline_id"].as_u64() } else { value["id"].as_u64() };
    Some(ProductionEvent {
        id: value["id"].as_u64().unwrap(),
        place: place.into(),
        is_success: status == "success",
        finished_at: at(&value["finished_at"]).filter(|_| matches!(status, "success" | "failed"))?,
        pipeline,
        sha: value["sha"].as_str().map(Arc::from),
        merges: merges(&value["merge_requests"]),
        job: None,
    })
}

/// Reads the `input` of a worked case.
pub(crate) fn read_case(input: &Value) -> DoraCase {
    let (from, to) = (at(&input["from"]).unwrap(), at(&input["to"]).unwrap());
    let hours = input["hotfix_window_hours"].as_f64().unwrap_or(48.0);
    let branch = word(&input["default_branch"], "main");
    let mut projects: BTreeMap<&str, ProjectDeliveries> = BTreeMap::new();
    let is_begun = input["has_earlier_deployments"].as_bool().unwrap_or(true);
    for deployment in items(&input["deployments"]) {
        let of = projects.entry(word(&deployment["project"], "a")).or_default();
        let place = word(&deployment["environment"], "production");
        if word(&deployment["tier"], "production") == "production" {
            of.deployments.extend(event(deployment, place, true));
            of.begun_before.extend(is_begun.then(|| Arc::from(place)));
        }
    }
    for pipeline in items(&input["pipelines"]) {
        let of = projects.entry(word(&pipeline["project"], "a")).or_default();
        let is_own = !matches!(word(&pipeline["source"], ""), "schedule" | "parent_pipeline");
        if word(&pipeline["ref"], "") == branch && is_own {
            of.pipelines.extend(event(pipeline, branch, false));
        }
    }
    for incident in items(&input["incidents"]) {
        let of = projects.entry(word(&incident["project"], "a")).or_default();
        of.incidents.push(ProductionIncident {
            iid: incident["id"].as_u64().unwrap_or(0),
            title: String::new(),
            created_at: at(&incident["created_at"]).unwrap(),
            closed_at: at(&incident["closed_at"]),
        });
    }
    let now = at(&input["now"]).unwrap_or(to + 30 * 86_400);
    let rules = DoraRules { now, hotfix_window: (hours * 3600.0) as i64 };
    DoraCase { from, to, rules, projects: projects.into_values().collect() }
}
