//! Reads the configuration of the exporter that `glwatch serve` replaces, `gitlab-ci-pipelines-exporter.yml`.
//!
//! Every key is taken over, or named in a notice with the reason why it has no meaning here. Keys, defaults and their
//! meaning: <https://github.com/mvisonneau/gitlab-ci-pipelines-exporter/blob/main/docs/configuration_syntax.md>.

mod defaults;
mod rules;

use crate::domain::tracking::TrackingRules;
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;

/// What is wrong with the file: where in it, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ExporterConfigError {
    /// The key, such as `projects[0].name`.
    pub place: String,
    pub problem: String,
}

impl ExporterConfigError {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// Whose projects a wildcard means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WildcardOwner {
    /// Every project that the token sees.
    Anyone,
    User(String),
    Group {
        path: String,
        include_subgroups: bool,
    },
}

/// Projects that are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ExporterWildcard {
    pub owner: WildcardOwner,
    /// A part of the name; empty for all.
    pub search: String,
    /// Archived ones, too.
    pub archived: bool,
    pub rules: TrackingRules,
}

/// One project by its full path.
#[derive(Debug, Clone, PartialEq)]
pub struct ExporterProject {
    pub path: String,
    pub rules: TrackingRules,
}

/// The whole file.
#[derive(Debug, Clone)]
pub struct ExporterConfig {
    pub host: String,
    pub token: Option<SecretString>,
    /// As it is written there: `:8080` is every address.
    pub listen: String,
    pub verifies_tls: bool,
    pub rps: f64,
    pub has_metrics: bool,
    pub has_openmetrics: bool,
    /// The webhook's secret; `None` where the address is not served.
    pub webhook_secret: Option<SecretString>,
    /// How often the list of projects is read, where the file says that.
    pub list_interval: Option<Duration>,
    pub metrics_interval: Duration,
    pub projects: Vec<ExporterProject>,
    pub wildcards: Vec<ExporterWildcard>,
    /// Keys that are unknown or have no meaning here, each with the reason.
    pub notices: Vec<String>,
}

impl ExporterConfig {
    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, ExporterConfigError> {
        let given: Value = serde_norway::from_str(text)
            .map_err(|error| ExporterConfigError::new("the file", format!("is not YAML: {error}")))?;
        let mut notices = Vec::new();
        let given = if given.is_null() { Value::Object(Map::new()) } else { given };
        let mut whole = defaults::whole()?;
        defaults::merge(&mut whole, &given, "", &mut notices)?;
        let at = |path: &str| whole.pointer(path).cloned().unwrap_or_default();
        let project_rules = at("/project_defaults");
        rules::check(&project_rules, "project_defaults")?;
        notices.extend(unused_title_pattern(&project_rules, "project_defaults"));
        let projects = list(&given, "projects")?
            .iter()
            .enumerate()
            .map(|(nth, item)| project(item, nth, &project_rules, &mut notices))
            .collect::<Result<Vec<_>, _>>()?;
        let wildcards = list(&given, "wildcards")?
            .iter()
            .enumerate()
            .map(|(nth, item)| wildcard(item, nth, &project_rules, &mut notices))
            .collect::<Result<Vec<_>, _>>()?;
        if projects.is_empty() && wildcards.is_empty() {
            return Err(ExporterConfigError::new("projects", "the file names neither a project nor a wildcard"));
        }
        let has_webhook = flag(&at("/server/webhook/enabled"), "server.webhook.enabled")?;
        let webhook_secret = has_webhook.then(|| text_of(&at("/server/webhook/secret_token")));
        if webhook_secret.as_ref().is_some_and(String::is_empty) {
            return Err(ExporterConfigError::new(
                "server.webhook.secret_token",
                "is needed where the webhook is enabled",
            ));
        }
        let token = text_of(&at("/gitlab/token"));
        let seconds = |name: &str| {
            let seconds = at(&format!("/pull/{name}/interval_seconds"));
            number(&seconds, &format!("pull.{name}.interval_seconds"), 1.0).map(Duration::from_secs_f64)
        };
        let list_interval = seconds("projects_from_wildcards")?;
        let says_list_interval = given.pointer("/pull/projects_from_wildcards/interval_seconds").is_some();
        Ok(Self {
            host: text_of(&at("/gitlab/url")),
            token: (!token.is_empty()).then(|| SecretString::from(token)),
            listen: text_of(&at("/server/listen_address")),
            verifies_tls: flag(&at("/gitlab/enable_tls_verify"), "gitlab.enable_tls_verify")?,
            rps: number(&at("/gitlab/maximum_requests_per_second"), "gitlab.maximum_requests_per_second", 0.01)?,
            has_metrics: flag(&at("/server/metrics/enabled"), "server.metrics.enabled")?,
            has_openmetrics: flag(
                &at("/server/metrics/enable_openmetrics_encoding"),
                "server.metrics.enable_openmetrics_encoding",
            )?,
            webhook_secret: webhook_secret.map(SecretString::from),
            list_interval: Some(list_interval).filter(|_| says_list_interval),
            metrics_interval: seconds("metrics")?,
            projects,
            wildcards,
            notices,
        })
    }
}

fn list<'a>(given: &'a Value, key: &str) -> Result<&'a [Value], ExporterConfigError> {
    match given.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(ExporterConfigError::new(key, "is not a list")),
    }
}

/// Puts what is written for one item over the defaults of the file, and takes its own keys out.
fn item_rules(
    item: &Value,
    own: &[&str],
    place: &str,
    project_rules: &Value,
    notices: &mut Vec<String>,
) -> Result<TrackingRules, ExporterConfigError> {
    let Value::Object(given) = item else {
        return Err(ExporterConfigError::new(place, "is not a table of keys and values"));
    };
    let parameters: Map<String, Value> = given
        .iter()
        .filter(|(key, _)| !own.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut merged = project_rules.clone();
    defaults::merge(&mut merged, &Value::Object(parameters), place, notices)?;
    // What it takes from the defaults was said of them.
    let is_own = parameters_differ(&merged, project_rules);
    notices.extend(unused_title_pattern(&merged, place).filter(|_| is_own));
    rules::read(&merged, place)
}

const MERGE_REQUESTS: &str = "/pull/refs/merge_requests";

fn parameters_differ(merged: &Value, project_rules: &Value) -> bool {
    merged.pointer(MERGE_REQUESTS) != project_rules.pointer(MERGE_REQUESTS)
}

/// Says that a pattern for merge requests is not used: it is one of titles, and only lists of open ones have these. The
/// exporter uses it there only, too.
fn unused_title_pattern(rules: &Value, place: &str) -> Option<String> {
    let rules = rules.pointer(MERGE_REQUESTS)?;
    let is_unused = rules["regexp"] != ".*" && rules["exclude_non_opened"] == false;
    is_unused.then(|| {
        format!(
            "{place}.pull.refs.merge_requests.regexp is not used without exclude_non_opened: it is about titles, which \
             only the list of open merge requests has"
        )
    })
}

fn project(
    item: &Value,
    nth: usize,
    project_rules: &Value,
    notices: &mut Vec<String>,
) -> Result<ExporterProject, ExporterConfigError> {
    let place = format!("projects[{nth}]");
    let rules = item_rules(item, &["name"], &place, project_rules, notices)?;
    let path = item.get("name").map(text_of).unwrap_or_default();
    if path.is_empty() {
        return Err(ExporterConfigError::new(format!("{place}.name"), "is missing"));
    }
    Ok(ExporterProject { path, rules })
}

fn wildcard(
    item: &Value,
    nth: usize,
    project_rules: &Value,
    notices: &mut Vec<String>,
) -> Result<ExporterWildcard, ExporterConfigError> {
    let place = format!("wildcards[{nth}]");
    let empty = Value::Object(Map::new());
    let item = if item.is_null() { &empty } else { item };
    let rules = item_rules(item, &["search", "owner", "archived"], &place, project_rules, notices)?;
    let owner = item.get("owner").unwrap_or(&Value::Null);
    let mut known = serde_json::json!({ "name": "", "kind": "", "include_subgroups": false });
    defaults::merge(&mut known, owner, &format!("{place}.owner"), notices)?;
    let name = text_of(&known["name"]);
    let owner = match (text_of(&known["kind"]).as_str(), name.is_empty()) {
        ("", true) => WildcardOwner::Anyone,
        ("user", false) => WildcardOwner::User(name),
        ("group", false) => WildcardOwner::Group {
            path: name,
            include_subgroups: flag(&known["include_subgroups"], &format!("{place}.owner.include_subgroups"))?,
        },
        ("group" | "user", true) => {
            return Err(ExporterConfigError::new(format!("{place}.owner.name"), "is missing"));
        }
        (kind, _) => {
            let problem = format!("\"{kind}\" is neither \"group\" nor \"user\"");
            return Err(ExporterConfigError::new(format!("{place}.owner.kind"), problem));
        }
    };
    let archived = item.get("archived").is_some_and(|archived| *archived == Value::Bool(true));
    Ok(ExporterWildcard { owner, search: item.get("search").map(text_of).unwrap_or_default(), archived, rules })
}

/// Returns a scalar as it would be written.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is) => is.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn flag(value: &Value, place: &str) -> Result<bool, ExporterConfigError> {
    value.as_bool().ok_or_else(|| ExporterConfigError::new(place, "is neither true nor false"))
}

fn number(value: &Value, place: &str, least: f64) -> Result<f64, ExporterConfigError> {
    let number = value.as_f64().filter(|number| number.is_finite() && (least..=1e9).contains(number));
    number.ok_or_else(|| ExporterConfigError::new(place, format!("is not a number from {least}")))
}

#[cfg(test)]
mod tests;
