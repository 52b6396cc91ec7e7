//! What a file of the exporter that is replaced says: below everything that is said to glwatch itself.

use super::of_exporter;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::run_context::RunContext;
use crate::collect::exported::tracker::RulesOf;
use crate::config::exporter::{ExporterConfig, ExporterWildcard, WildcardOwner};
use crate::config::{Config, ConfigError, Origin, Settings};
use crate::domain::id::GroupRef;
use crate::domain::project::Project;
use crate::domain::project_source::{ListOwner, ProjectSearch, ProjectSource};
use crate::domain::tracking::TrackingRules;
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
    if let Some(interval) = exporter.list_interval {
        settings.set_default("list-interval", &format!("{}ms", interval.as_millis()), from());
    }
    settings.set_default("rps", &exporter.rps.to_string(), from());
    settings.set_default("serve.listen", &listen(&exporter.listen), from());
    settings.set_default("serve.openmetrics", if exporter.has_openmetrics { "true" } else { "false" }, from());
}

/// Go's way to write every address is `:8080`.
fn listen(address: &str) -> String {
    if address.starts_with(':') { format!("0.0.0.0{address}") } else { address.to_owned() }
}

/// Returns the groups that are listed: those of wildcards, or where there are none, those in which the projects are.
fn groups(exporter: &ExporterConfig) -> BTreeSet<String> {
    let of_wildcard = |wildcard: &ExporterWildcard| match &wildcard.owner {
        WildcardOwner::Group { path, .. } => Some(path.clone()),
        WildcardOwner::User(_) | WildcardOwner::Anyone => None,
    };
    let groups: BTreeSet<String> = exporter.wildcards.iter().filter_map(of_wildcard).collect();
    if !exporter.wildcards.is_empty() {
        return groups;
    }
    exporter.projects.iter().filter_map(|project| Some(project.path.rsplit_once('/')?.0.to_owned())).collect()
}

/// Returns what is listed where these groups are named: by the file, or instead of its groups by the user.
///
/// A group that is named replaces all that the token sees, too; users can be named nowhere else.
fn sources(exporter: &ExporterConfig, groups: &[GroupRef], is_of_file: bool) -> Vec<ProjectSource> {
    let mut sources: Vec<ProjectSource> =
        groups.iter().map(|group| group_source(exporter, group, is_of_file)).collect();
    for wildcard in &exporter.wildcards {
        let owner = match &wildcard.owner {
            WildcardOwner::Group { .. } => continue,
            WildcardOwner::Anyone if !is_of_file => continue,
            WildcardOwner::Anyone => ListOwner::Anyone,
            WildcardOwner::User(name) => ListOwner::User(name.clone()),
        };
        let search = ProjectSearch { owner, text: wildcard.search.clone() };
        sources.push(ProjectSource::List { search, with_archived: wildcard.archived });
    }
    let mut sources = ProjectSource::without_included(sources);
    let named: Vec<ProjectSource> = exporter
        .projects
        .iter()
        .filter(|project| !sources.iter().any(|source| lists(source, &project.path)))
        .map(|project| ProjectSource::Project(project.path.clone()))
        .collect();
    sources.extend(named);
    sources
}

fn group_source(exporter: &ExporterConfig, group: &GroupRef, is_of_file: bool) -> ProjectSource {
    match group {
        // Where the file names projects only, what they lie in may be a user's namespace.
        GroupRef::Path(path) if is_of_file && exporter.wildcards.is_empty() && !path.contains('/') => {
            ProjectSource::Namespace(path.clone())
        }
        group => {
            let is_meant = |wildcard: &&ExporterWildcard| match (&wildcard.owner, group) {
                (WildcardOwner::Group { path, .. }, GroupRef::Path(group)) => path == group,
                _ => false,
            };
            let with_archived = exporter.wildcards.iter().filter(is_meant).any(|wildcard| wildcard.archived);
            let search = ProjectSearch { owner: ListOwner::Group(group.clone()), text: String::new() };
            ProjectSource::List { search, with_archived }
        }
    }
}

/// Says whether a project is surely on a list. Whether it is on that of a group with a number is not known yet; what comes
/// twice is one.
fn lists(source: &ProjectSource, path: &str) -> bool {
    match source {
        ProjectSource::List { search, .. } if !search.text.is_empty() => false,
        ProjectSource::List { search, .. } => match &search.owner {
            ListOwner::Anyone => true,
            ListOwner::User(name) => is_below(path, name, false),
            ListOwner::Group(GroupRef::Path(group)) => is_below(path, group, true),
            ListOwner::Group(GroupRef::Id(_)) => false,
        },
        ProjectSource::Namespace(namespace) => is_below(path, namespace, true),
        ProjectSource::Project(project) => project == path,
    }
}

impl ExporterPlan {
    /// Names the keys that mean nothing here.
    pub(super) fn warn(&self, config: &Config, settings: &Settings) {
        let Some(path) = self.path.as_ref().filter(|_| !config.display.quiet) else { return };
        let lines = self.notices(settings).into_iter().map(|notice| format!("warning: {path}: {notice}"));
        output::to_stderr(&lines.collect::<Vec<_>>());
    }

    /// Says what of the file is not done.
    fn notices(&self, settings: &Settings) -> Vec<String> {
        let named = settings.shown("group-id").filter(|(_, origin)| !of_exporter(origin));
        let narrowed = named.into_iter().flat_map(|(groups, origin)| {
            let all = self.exporter.wildcards.iter().enumerate();
            all.filter(|(_, wildcard)| wildcard.owner == WildcardOwner::Anyone).map(move |(nth, _)| {
                let what = format!("only what lies in {groups} is listed, as {origin} says");
                format!("wildcards[{nth}]: of all that the token sees {what}")
            })
        });
        self.exporter.notices.iter().cloned().chain(narrowed).collect()
    }

    /// Returns what is listed: the groups, and what the file names beside them.
    pub(super) fn sources(&self, config: &Config, settings: &Settings) -> Vec<ProjectSource> {
        let groups = &config.scope.groups;
        if self.path.is_none() {
            return groups.iter().cloned().map(ProjectSource::from).collect();
        }
        let is_of_file = settings.shown("group-id").is_none_or(|(_, origin)| of_exporter(origin));
        sources(&self.exporter, groups, is_of_file)
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

    /// Says whether the file wants no metrics to be served.
    pub(super) fn hides_metrics(&self) -> bool {
        !self.exporter.has_metrics
    }

    /// Returns how often the file says to ask, unless the user says it otherwise.
    pub(super) fn interval(&self, run_context: &RunContext) -> Option<Duration> {
        let is_said = run_context.settings.shown("interval").is_some_and(|(_, origin)| !of_exporter(origin));
        Some(self.exporter.metrics_interval).filter(|_| !is_said)
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
        Arc::new(move |project| {
            let of_wildcard = || {
                let found = wildcards.iter().find(|(wildcard, _)| fits(wildcard, project));
                found.map(|(_, rules)| Arc::clone(rules))
            };
            own.get(&project.full_path).map(Arc::clone).or_else(of_wildcard)
        })
    }
}

fn fits(wildcard: &ExporterWildcard, project: &Project) -> bool {
    let path = &project.full_path;
    let (owner, is_owned) = match &wildcard.owner {
        WildcardOwner::Anyone => (ListOwner::Anyone, true),
        WildcardOwner::User(name) => (ListOwner::User(name.clone()), is_below(path, name, false)),
        WildcardOwner::Group { path: group, include_subgroups } => {
            (ListOwner::Group(GroupRef::Path(group.clone())), is_below(path, group, *include_subgroups))
        }
    };
    is_owned && ProjectSearch { owner, text: wildcard.search.clone() }.finds(project)
}

/// Says whether a project lies in a namespace: directly, or in one of its subgroups. Capitals do not matter to GitLab.
fn is_below(path: &str, namespace: &str, is_deep: bool) -> bool {
    let (path, namespace) = (path.to_lowercase(), namespace.to_lowercase());
    let rest = path.strip_prefix(&namespace).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| is_deep || !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::id::GroupId;

    #[test]
    fn a_project_has_the_rules_of_its_own_entry_or_of_the_first_wildcard_that_fits() {
        let text = "
projects: [{name: acme/api, output_sparse_status_metrics: false}]
wildcards:
  - {owner: {name: acme, kind: group}, search: web}
  - {owner: {name: other, kind: group, include_subgroups: true}, pull: {pipeline: {jobs: {enabled: true}}}}
  - {owner: {name: jane, kind: user}, pull: {pipeline: {jobs: {enabled: true}}}}
  - {search: Tool, output_sparse_status_metrics: false}
";
        let plan = ExporterPlan { exporter: Arc::new(ExporterConfig::parse(text).unwrap()), path: None };
        let rules = plan.rules_of();
        let cases = [
            ("its own entry", "acme/api", Some((false, false))),
            ("a wildcard with a part of the name", "acme/web", Some((true, false))),
            ("another name", "acme/shop", None),
            ("a subgroup that is not meant", "acme/team/web", None),
            ("a group that only begins alike", "acme-2/web", None),
            ("a subgroup that is meant", "other/a/b/c", Some((true, true))),
            ("of a user, whatever the capitals", "Jane/web", Some((true, true))),
            ("of a user whose name only begins alike", "janet/web", None),
            ("of anyone, by a part of the name", "elsewhere/my-tool", Some((false, false))),
            ("of a group whose name has the part", "tools/web", None),
            ("nothing", "elsewhere/web", None),
        ];
        for (sentence, path, expected) in cases {
            let name = path.rsplit('/').next().unwrap().into();
            let project = Project { full_path: path.into(), name, ..Project::clone(&example::project(1)) };
            let found = rules(&project).map(|rules| (rules.is_sparse, rules.jobs.enabled));
            assert_eq!(found, expected, "{sentence}");
        }
        let listed: Vec<String> = groups(&plan.exporter).into_iter().collect();
        assert_eq!(listed, ["acme", "other"]);
    }

    #[test]
    fn what_is_listed_is_what_the_file_names() {
        const ACME: &str = "{owner: {name: acme, kind: group}}";
        let cases: [(&str, &str, Option<&str>, &[&str]); 16] = [
            ("a group", "wildcards: [{owner: {name: acme, kind: group}}]", None, &["group \"acme\""]),
            ("a user", "wildcards: [{owner: {name: ada, kind: user}}]", None, &["user \"ada\""]),
            ("all that the token sees", "wildcards: [{}]", None, &["the list of all visible projects"]),
            (
                "a search among them",
                "wildcards: [{search: api}]",
                None,
                &["the list of all visible projects (search \"api\")"],
            ),
            (
                "a user and a group",
                "wildcards: [{owner: {name: ada, kind: user}}, ACME]",
                None,
                &["group \"acme\"", "user \"ada\""],
            ),
            (
                "a user twice",
                "wildcards: [{owner: {name: ada, kind: user}, search: x}, {owner: {name: ada, kind: user}}]",
                None,
                &["user \"ada\""],
            ),
            ("a group of the user's own choice instead", "wildcards: [ACME]", Some("other"), &["group \"other\""]),
            ("it replaces all, too", "wildcards: [ACME, {}]", Some("other"), &["group \"other\""]),
            (
                "and not for users",
                "wildcards: [{owner: {name: ada, kind: user}}]",
                Some("other"),
                &["group \"other\"", "user \"ada\""],
            ),
            (
                "projects alone: what they lie in",
                "projects: [{name: jane/tool}, {name: acme/a/b}]",
                None,
                &["group \"acme/a\"", "namespace \"jane\""],
            ),
            ("projects of the group", "wildcards: [ACME]\nprojects: [{name: acme/a/b}]", None, &["group \"acme\""]),
            (
                "projects elsewhere",
                "wildcards: [ACME]\nprojects: [{name: jane/tool}]",
                None,
                &["group \"acme\"", "project \"jane/tool\""],
            ),
            (
                "a project of the user",
                "wildcards: [{owner: {name: jane, kind: user}}]\nprojects: [{name: Jane/tool}]",
                None,
                &["user \"jane\""],
            ),
            (
                "one that a search may miss",
                "wildcards: [{search: api}]\nprojects: [{name: jane/tool}]",
                None,
                &["the list of all visible projects (search \"api\")", "project \"jane/tool\""],
            ),
            (
                "one of all",
                "wildcards: [{}]\nprojects: [{name: jane/tool}]",
                None,
                &["the list of all visible projects"],
            ),
            (
                "beside a group of the user's own choice",
                "projects: [{name: jane/tool}]",
                Some("7"),
                &["group \"7\"", "project \"jane/tool\""],
            ),
        ];
        for (sentence, text, flag, expected) in cases {
            let exporter = ExporterConfig::parse(&text.replace("ACME", ACME)).unwrap();
            let group =
                |text: &str| text.parse().map_or_else(|_| GroupRef::Path(text.into()), |id| GroupRef::Id(GroupId(id)));
            let groups: Vec<GroupRef> = match flag {
                Some(flag) => vec![group(flag)],
                None => groups(&exporter).iter().map(|path| group(path)).collect(),
            };
            let found: Vec<String> =
                sources(&exporter, &groups, flag.is_none()).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{sentence}");
        }
    }

    #[test]
    fn archived_ones_are_listed_where_a_wildcard_says_so() {
        let cases = [
            ("of a user", "{owner: {name: ada, kind: user}, archived: true}", true),
            ("of a group", "{owner: {name: acme, kind: group}, archived: true}", true),
            ("of all", "{archived: true}", true),
            ("not said", "{owner: {name: acme, kind: group}}", false),
        ];
        for (sentence, wildcard, expected) in cases {
            let exporter = ExporterConfig::parse(&format!("wildcards: [{wildcard}]")).unwrap();
            let groups: Vec<GroupRef> = groups(&exporter).into_iter().map(GroupRef::Path).collect();
            let found = sources(&exporter, &groups, true);
            let is_archived = matches!(&found[..], [ProjectSource::List { with_archived: true, .. }]);
            assert_eq!(is_archived, expected, "{sentence}");
        }
    }

    #[test]
    fn a_group_of_the_users_own_choice_is_said_to_replace_all() {
        let exporter = ExporterConfig::parse("wildcards: [{owner: {name: ada, kind: user}}, {search: api}]").unwrap();
        let plan = ExporterPlan { exporter: Arc::new(exporter), path: Some("file.yml".into()) };
        let mut settings = Settings::default();
        assert_eq!(plan.notices(&settings), [""; 0]);
        settings.set_default("group-id", "acme,42", Origin::Flag("group-id".into()));
        let said = plan.notices(&settings);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("wildcards[1]: ") && said[0].contains("acme"), "{said:?}");
    }
}
