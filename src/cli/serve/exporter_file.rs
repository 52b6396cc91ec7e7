//! What a file of the exporter that is replaced says: below everything that is said to glwatch itself.

use super::of_exporter;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::run_context::RunContext;
use crate::collect::exported::tracker::RulesOf;
use crate::config::exporter::{ExporterConfig, ExporterWildcard, WildcardOwner};
use crate::config::{Config, ConfigError, Origin, Settings};
use crate::domain::id::{GroupRef, ProjectRef};
use crate::domain::project::Project;
use crate::domain::tracking::TrackingRules;
use crate::gitlab::client::Client;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// What is shown where no file says it: what the exporter shows by default, but for tags, which cost a list each.
const DEFAULT_FILE: &str =
    "{\"wildcards\": [{}], \"project_defaults\": {\"pull\": {\"refs\": {\"tags\": {\"enabled\": false}}}}}";

/// The plan of what is shown as metrics.
pub(super) struct ExporterPlan {
    exporter: Arc<ExporterConfig>,
    /// Where it is from; `None` for what is shown by default.
    path: Option<String>,
}

/// Reads the file, and sets what it says below all other settings.
pub(super) fn read(run_context: &mut RunContext) -> Result<ExporterPlan, CliError> {
    let named = run_context.settings.shown("serve.exporter-config").map(|(path, origin)| (path, origin.clone()));
    let Some((path, origin)) = named else {
        let exporter = ExporterConfig::parse(DEFAULT_FILE)
            .map_err(|error| CliError::Refused { problem: error.to_string(), hints: Vec::new() })?;
        return Ok(ExporterPlan { exporter: Arc::new(exporter), path: None });
    };
    let text = fs::read_to_string(&path).map_err(|source| CliError::File {
        origin: origin.to_string(),
        path: path.clone(),
        source,
    })?;
    let exporter = ExporterConfig::parse(&text).map_err(|error| {
        let hints = vec!["its keys: the exporter's docs/configuration_syntax.md".to_owned()];
        ConfigError { origin: Origin::Exporter(path.clone()), value: None, problem: error.to_string(), hints }
    })?;
    set(&mut run_context.settings, &exporter, &path);
    Ok(ExporterPlan { exporter: Arc::new(exporter), path: Some(path) })
}

/// Sets what the file says, below all other settings.
fn set(settings: &mut Settings, exporter: &ExporterConfig, path: &str) {
    let from = || Origin::Exporter(path.to_owned());
    settings.set_default("host", &exporter.host, from());
    if let Some(token) = &exporter.token {
        settings.set_default("token", token.expose_secret(), from());
    }
    let groups = groups(exporter);
    if !groups.is_empty() {
        settings.set_default("group-id", &groups.into_iter().collect::<Vec<_>>().join(","), from());
    }
    if exporter.wildcards.is_empty() {
        let paths: Vec<&str> = exporter.projects.iter().map(|project| project.path.as_str()).collect();
        settings.set_default("include", &paths.join(","), from());
    }
    if !exporter.verifies_tls {
        settings.set_default("insecure", "true", from());
    }
    settings.set_default("rps", &exporter.rps.to_string(), from());
    settings.set_default("serve.listen", &listen(&exporter.listen), from());
    settings.set_default("serve.openmetrics", if exporter.has_openmetrics { "true" } else { "false" }, from());
}

/// Go's way to write every address is `:8080`.
fn listen(address: &str) -> String {
    if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_owned() }
}

/// Returns the groups that are listed: those of wildcards, else those in which the projects are.
fn groups(exporter: &ExporterConfig) -> BTreeSet<String> {
    let of_wildcard = |wildcard: &ExporterWildcard| match &wildcard.owner {
        WildcardOwner::Group { path, .. } => Some(path.clone()),
        WildcardOwner::User(_) | WildcardOwner::Anyone => None,
    };
    let groups: BTreeSet<String> = exporter.wildcards.iter().filter_map(of_wildcard).collect();
    if !groups.is_empty() {
        return groups;
    }
    exporter.projects.iter().filter_map(|project| Some(project.path.rsplit_once('/')?.0.to_owned())).collect()
}

impl ExporterPlan {
    /// Names the keys that mean nothing here.
    pub(super) fn warn(&self, config: &Config) {
        let Some(path) = self.path.as_ref().filter(|_| !config.display.quiet) else { return };
        let groups: Vec<String> = config.scope.groups.iter().map(ToString::to_string).collect();
        let lines = self.notices(&groups).into_iter().map(|notice| format!("warning: {path}: {notice}"));
        output::to_stderr(&lines.collect::<Vec<_>>());
    }

    /// Says what of the file is not done, where these groups are listed.
    fn notices(&self, groups: &[String]) -> Vec<String> {
        let listed = groups.join(", ");
        let unlisted =
            self.unlisted_wildcards().map(|(place, what)| format!("{place}: {what}, only those in {listed}"));
        self.exporter.notices.iter().cloned().chain(unlisted).collect()
    }

    /// Returns the wildcards that no list of a group answers, each with what is not listed for it.
    fn unlisted_wildcards(&self) -> impl Iterator<Item = (String, String)> {
        self.exporter.wildcards.iter().enumerate().filter_map(|(nth, wildcard)| {
            let what = match &wildcard.owner {
                WildcardOwner::Group { .. } => return None,
                WildcardOwner::User(name) => format!("the projects of user {name} are not listed"),
                WildcardOwner::Anyone => "not every project that the token sees is listed".to_owned(),
            };
            Some((format!("wildcards[{nth}]"), what))
        })
    }

    /// Refuses a file that leaves no group to be listed.
    pub(super) fn check_groups(&self, config: &Config) -> Result<(), CliError> {
        let unlisted = self.path.as_ref().zip(self.unlisted_wildcards().next());
        let Some((path, (place, what))) = unlisted.filter(|_| config.scope.groups.is_empty()) else { return Ok(()) };
        Err(CliError::Refused {
            problem: format!("{path}: {place}: {what}, and no group is named"),
            hints: vec!["glwatch serve lists groups: name them with --group-id, or as an owner of kind group".into()],
        })
    }

    /// Returns where the file is, whatever the current folder.
    pub(super) fn file(&self) -> Option<String> {
        let path = self.path.as_ref()?;
        let whole = fs::canonicalize(path).map(|path| path.display().to_string());
        Some(whole.unwrap_or_else(|_| path.clone()))
    }

    /// Says whether the file asks for OpenMetrics, in which the exporter renames its counters.
    pub(super) fn has_totals(&self) -> bool {
        self.exporter.has_openmetrics
    }

    pub(super) fn webhook_secret(&self) -> Option<SecretString> {
        self.exporter.webhook_secret.clone()
    }

    /// Returns how often the file says to ask, unless the user says it otherwise.
    pub(super) fn interval(&self, run_context: &RunContext) -> Option<Duration> {
        let is_said = run_context.settings.shown("interval").is_some_and(|(_, origin)| !of_exporter(origin));
        self.exporter.pull_metrics.filter(|_| !is_said)
    }

    /// Reads the projects that no group lists. Whether one with a number does is not known by then; what comes twice is one.
    pub(super) async fn projects(&self, client: &Client, listed: &[GroupRef]) -> Vec<Arc<Project>> {
        let is_listed = |path: &str| {
            let is_in = |group: &GroupRef| matches!(group, GroupRef::Path(group) if is_below(path, group, true));
            listed.iter().any(is_in)
        };
        let mut found = Vec::new();
        for project in self.exporter.projects.iter().filter(|project| !is_listed(&project.path)) {
            match client.project(&ProjectRef::Path(project.path.clone())).await {
                Ok(read) => found.push(Arc::new(read)),
                Err(error) => output::to_stderr(&[format!("warning: {} is not shown: {error}", project.path)]),
            }
        }
        found
    }

    /// Returns what chooses the rules of a project: those of its own entry, else those of the first wildcard that fits.
    pub(super) fn rules_of(&self) -> RulesOf {
        let own: HashMap<String, Arc<TrackingRules>> = self
            .exporter
            .projects
            .iter()
            .map(|project| (project.path.clone(), Arc::new(project.rules.clone())))
            .collect();
        let wildcards: Vec<(ExporterWildcard, Arc<TrackingRules>)> = self
            .exporter
            .wildcards
            .iter()
            .map(|wildcard| (wildcard.clone(), Arc::new(wildcard.rules.clone())))
            .collect();
        Arc::new(move |path| {
            let of_wildcard = || {
                let found = wildcards.iter().find(|(wildcard, _)| fits(wildcard, path));
                found.map(|(_, rules)| Arc::clone(rules))
            };
            own.get(path).map(Arc::clone).or_else(of_wildcard)
        })
    }
}

fn fits(wildcard: &ExporterWildcard, path: &str) -> bool {
    let is_owned = match &wildcard.owner {
        WildcardOwner::Anyone => true,
        WildcardOwner::User(name) => is_below(path, name, false),
        WildcardOwner::Group { path: group, include_subgroups } => is_below(path, group, *include_subgroups),
    };
    is_owned && path.to_lowercase().contains(&wildcard.search.to_lowercase())
}

/// Says whether a project lies in a group: directly, or in one of its subgroups.
fn is_below(path: &str, group: &str, is_deep: bool) -> bool {
    let rest = path.strip_prefix(group).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| is_deep || !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_the_rules_of_its_own_entry_or_of_the_first_wildcard_that_fits() {
        let text = "
projects: [{name: acme/api, output_sparse_status_metrics: false}]
wildcards:
  - {owner: {name: acme, kind: group}, search: web}
  - {owner: {name: other, kind: group, include_subgroups: true}, pull: {pipeline: {jobs: {enabled: true}}}}
";
        let plan = ExporterPlan { exporter: Arc::new(ExporterConfig::parse(text).unwrap()), path: None };
        let rules = plan.rules_of();
        let cases = [
            ("its own entry", "acme/api", Some((false, false))),
            ("a wildcard with a part of the name", "acme/web", Some((true, false))),
            ("another name", "acme/tool", None),
            ("a subgroup that is not meant", "acme/team/web", None),
            ("a group that only begins alike", "acme-2/web", None),
            ("a subgroup that is meant", "other/a/b/c", Some((true, true))),
            ("nothing", "elsewhere/web", None),
        ];
        for (sentence, path, expected) in cases {
            let found = rules(path).map(|rules| (rules.is_sparse, rules.jobs.enabled));
            assert_eq!(found, expected, "{sentence}");
        }
        let listed: Vec<String> = groups(&plan.exporter).into_iter().collect();
        assert_eq!(listed, ["acme", "other"]);
    }

    #[test]
    fn what_is_not_listed_is_said_with_what_is() {
        let cases: [(&str, &str, &[&str]); 5] = [
            ("a group", "[{owner: {name: acme, kind: group}}]", &[]),
            (
                "a user",
                "[{owner: {name: ada, kind: user}}]",
                &["wildcards[0]: the projects of user ada are not listed, only those in acme, 42"],
            ),
            (
                "all that the token sees",
                "[{}]",
                &["wildcards[0]: not every project that the token sees is listed, only those in acme, 42"],
            ),
            (
                "beside a group",
                "[{owner: {name: acme, kind: group}}, {search: api}]",
                &["wildcards[1]: not every project that the token sees is listed, only those in acme, 42"],
            ),
            (
                "archived ones",
                "[{owner: {name: acme, kind: group}, archived: true}]",
                &["wildcards[0].archived means nothing here: --archived lists archived projects, too"],
            ),
        ];
        for (sentence, wildcards, expected) in cases {
            let exporter = ExporterConfig::parse(&format!("wildcards: {wildcards}")).unwrap();
            let plan = ExporterPlan { exporter: Arc::new(exporter), path: Some("file.yml".into()) };
            assert_eq!(plan.notices(&["acme".into(), "42".into()]), expected, "{sentence}");
        }
    }
}
