//! The file's defaults, and how what is written is put over them.

use super::ExporterConfigError;
use serde_json::Value;

/// Every key that a file may have, with the value that it has where it is not written.
const WHOLE: &str = r#"{
    "log": { "level": "info", "format": "text" },
    "opentelemetry": { "grpc_endpoint": "" },
    "server": {
        "listen_address": ":8080", "enable_pprof": false,
        "metrics": { "enabled": true, "enable_openmetrics_encoding": false },
        "webhook": { "enabled": false, "secret_token": "" }
    },
    "redis": { "url": "", "project_ttl": "168h", "ref_ttl": "1h", "metric_ttl": "1h" },
    "gitlab": {
        "url": "https://gitlab.com", "token": "", "health_url": "", "enable_health_check": true,
        "enable_tls_verify": true, "maximum_requests_per_second": 1, "burstable_requests_per_second": 5,
        "maximum_jobs_queue_size": 1000
    },
    "pull": {
        "projects_from_wildcards": { "on_init": true, "scheduled": true, "interval_seconds": 1800 },
        "environments_from_projects": { "on_init": true, "scheduled": true, "interval_seconds": 1800 },
        "refs_from_projects": { "on_init": true, "scheduled": true, "interval_seconds": 300 },
        "metrics": { "on_init": true, "scheduled": true, "interval_seconds": 30 }
    },
    "garbage_collect": {
        "projects": { "on_init": false, "scheduled": true, "interval_seconds": 14400 },
        "environments": { "on_init": false, "scheduled": true, "interval_seconds": 14400 },
        "refs": { "on_init": false, "scheduled": true, "interval_seconds": 1800 },
        "metrics": { "on_init": false, "scheduled": true, "interval_seconds": 600 }
    },
    "project_defaults": {
        "output_sparse_status_metrics": true,
        "pull": {
            "environments": { "enabled": false, "regexp": ".*", "exclude_stopped": true },
            "refs": {
                "branches": {
                    "enabled": true, "regexp": "^(?:main|master)$", "most_recent": 0, "max_age_seconds": 0,
                    "exclude_deleted": true
                },
                "tags": {
                    "enabled": true, "regexp": ".*", "most_recent": 0, "max_age_seconds": 0, "exclude_deleted": true
                },
                "merge_requests": {
                    "enabled": false, "regexp": ".*", "most_recent": 0, "max_age_seconds": 0,
                    "exclude_non_opened": false
                }
            },
            "pipeline": {
                "per_ref": 1,
                "jobs": {
                    "enabled": false, "from_child_pipelines": { "enabled": true },
                    "runner_description": {
                        "enabled": true, "aggregation_regexp": "shared-runners-manager-(\\d*)\\.gitlab\\.com"
                    }
                },
                "variables": { "enabled": false, "regexp": ".*" },
                "test_reports": {
                    "enabled": false, "from_child_pipelines": { "enabled": false }, "test_cases": { "enabled": false }
                }
            }
        }
    },
    "projects": [],
    "wildcards": []
}"#;

/// Keys that have no meaning here, and why.
const WITHOUT_MEANING: &[(&str, &str)] = &[
    ("log", "glwatch has -v and --log-file"),
    ("opentelemetry", "glwatch sends no traces"),
    ("server.enable_pprof", "there is nothing like it"),
    ("redis", "one process keeps all; its counters are in the history"),
    ("gitlab.health_url", "readiness is how old the data is"),
    ("gitlab.enable_health_check", "readiness is how old the data is"),
    ("gitlab.maximum_jobs_queue_size", "nothing is dropped from a queue"),
    ("gitlab.burstable_requests_per_second", "as many as in one second may be sent at once"),
    ("pull.refs_from_projects", "refs are looked for at the start, with the first pipeline of a new one, and in turns"),
    (
        "pull.environments_from_projects",
        "environments are looked for at the start, with a deployment to a new one, and in turns",
    ),
    ("garbage_collect", "what is gone is removed with the reading that finds it gone"),
];

/// Switches that cannot be turned off here, and why.
const ALWAYS_ON: &[(&str, &str)] = &[
    ("pull.projects_from_wildcards.on_init", "the list of projects is where everything begins"),
    ("pull.projects_from_wildcards.scheduled", "the list of projects is read again as long as the server runs"),
    ("pull.metrics.on_init", "what is there at the start is shown"),
    ("pull.metrics.scheduled", "a webhook may be lost; interval_seconds says how seldom GitLab is asked besides"),
];

pub(super) fn whole() -> Result<Value, ExporterConfigError> {
    serde_json::from_str(WHOLE).map_err(|error| ExporterConfigError::new("the defaults", error.to_string()))
}

/// Puts what is written over the defaults. A key that is unknown, or has no meaning here, becomes a notice.
pub(super) fn merge(
    defaults: &mut Value,
    given: &Value,
    place: &str,
    notices: &mut Vec<String>,
) -> Result<(), ExporterConfigError> {
    let (Value::Object(defaults), Value::Object(given)) = (defaults, given) else {
        if given.is_null() {
            return Ok(());
        }
        let place = if place.is_empty() { "the file" } else { place };
        return Err(ExporterConfigError::new(place, "is not a table of keys and values"));
    };
    for (key, value) in given {
        let here = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        if let Some((_, why)) = WITHOUT_MEANING.iter().find(|(name, _)| *name == here) {
            notices.push(format!("{here} has no meaning here: {why}"));
            continue;
        }
        match defaults.get_mut(key) {
            None => notices.push(format!("{here} is not a key that the exporter knows")),
            Some(known) if known.is_object() => merge(known, value, &here, notices)?,
            // The lists have rules of their own, item by item.
            Some(known) if known.is_array() => *known = value.clone(),
            Some(_) if value.is_null() => {}
            Some(known) if same_kind(known, value) => {
                let on = ALWAYS_ON.iter().find(|(name, _)| *name == here).filter(|_| *value == Value::Bool(false));
                notices.extend(on.map(|(_, why)| format!("{here} cannot be false here: {why}")));
                *known = value.clone();
            }
            Some(known) => {
                return Err(ExporterConfigError::new(here, format!("is not {}", kind(known))));
            }
        }
    }
    Ok(())
}

/// Says whether a value may be in a place. A number is a text where a text belongs: YAML reads `12345` as one.
fn same_kind(known: &Value, value: &Value) -> bool {
    match known {
        Value::String(_) => value.is_string() || value.is_number(),
        Value::Bool(_) => value.is_boolean(),
        Value::Number(_) => value.is_number(),
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn kind(known: &Value) -> &'static str {
    match known {
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => "a text",
    }
}
