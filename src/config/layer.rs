//! Layers of settings as they were written, from the strongest to the weakest: flags, environment, CI variables.
//!
//! A setting of a stronger layer replaces the same setting of a weaker one; it is never mixed with it.

use super::keys::{KEYS, variable};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(String),
    Variable(String),
    /// A variable that GitLab sets in every CI job.
    Ci(&'static str),
    /// What a demo sets by itself.
    Demo,
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => f.write_str(name),
            Self::Ci(name) => write!(f, "{name} (GitLab CI)"),
            Self::Demo => f.write_str("demo"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The values that one layer gives one setting, as they were written.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    pub values: Vec<String>,
    pub origin: Origin,
}

/// Values may be tokens, so only the origin is shown.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<from {}>", self.origin)
    }
}

/// Settings by key; a key is the long flag without its dashes.
#[derive(Debug, Clone, Default)]
pub struct Layer(BTreeMap<String, Setting>);

impl Layer {
    /// Forgets settings that do not count in this run.
    pub fn forget(&mut self, keys: &[&str]) {
        self.0.retain(|key, _| !keys.contains(&key.as_str()));
    }

    /// Sets a value; no values set nothing.
    pub fn set(&mut self, key: &str, values: Vec<String>, origin: Origin) {
        if !values.is_empty() {
            self.0.insert(key.to_owned(), Setting { values, origin });
        }
    }
}

/// Variables that other GitLab tools share with us, below our own.
const SHARED: [(&str, &str); 2] = [("GITLAB_TOKEN", "token"), ("GITLAB_HOST", "host")];

/// Variables of a GitLab CI job that answer the question where we are
/// (<https://docs.gitlab.com/ci/variables/predefined_variables/>).
const CI: [(&str, &str); 3] =
    [("CI_SERVER_URL", "host"), ("CI_SERVER_TLS_CA_FILE", "ca-file"), ("CI_PROJECT_ROOT_NAMESPACE", "group-id")];

/// All layers of one run, strongest first.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    layers: Vec<Layer>,
    /// Variables that are set but empty: they count as unset, and errors that miss them say so.
    pub empty_variables: Vec<String>,
    pub is_ci_job: bool,
    pub has_job_token: bool,
}

impl Settings {
    /// Puts the flags above the environment.
    pub fn new(flags: Layer, environment: &HashMap<String, String>) -> Self {
        let value = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.trim().is_empty());
        let mut own = Layer::default();
        let mut shared = Layer::default();
        let mut ci = Layer::default();
        let mut empty_variables = Vec::new();
        let mut read = |layer: &mut Layer, key: &str, name: &str, origin: Origin| {
            match value(name) {
                Some(value) => layer.set(key, vec![value.to_owned()], origin),
                None if environment.contains_key(name) => empty_variables.push(name.to_owned()),
                None => {}
            };
        };
        for key in KEYS {
            let name = variable(key.name);
            read(&mut own, key.name, &name, Origin::Variable(name.clone()));
        }
        for (name, key) in SHARED {
            read(&mut shared, key, name, Origin::Variable(name.to_owned()));
        }
        let is_ci_job = value("GITLAB_CI").is_some();
        if is_ci_job {
            for (name, key) in CI {
                read(&mut ci, key, name, Origin::Ci(name));
            }
        }
        let has_job_token = is_ci_job && value("CI_JOB_TOKEN").is_some();
        Self { layers: vec![flags, own, shared, ci], empty_variables, is_ci_job, has_job_token }
    }

    /// Sets a value below all others.
    pub fn set_default(&mut self, key: &str, value: &str, origin: Origin) {
        let mut layer = Layer::default();
        layer.set(key, vec![value.to_owned()], origin);
        self.layers.push(layer);
    }

    /// Returns the strongest setting of a key.
    pub(super) fn get(&self, key: &'static str) -> Option<&Setting> {
        self.layers.iter().find_map(|layer| layer.0.get(key))
    }

    /// Returns the first of several keys that the strongest layer has: they answer the same question.
    pub(super) fn first_of(&self, keys: &[&'static str]) -> Option<(&'static str, &Setting)> {
        self.layers.iter().find_map(|layer| keys.iter().find_map(|key| Some((*key, layer.0.get(*key)?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> HashMap<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn found(settings: &Settings, key: &'static str) -> Option<(String, String)> {
        settings.get(key).map(|setting| (setting.values.join("|"), setting.origin.to_string()))
    }

    #[test]
    fn the_stronger_layer_wins_whole() {
        let mut flags = Layer::default();
        flags.set("exclude", vec!["a".into()], Origin::Flag("exclude".into()));
        let variables = [
            ("GLWATCH_EXCLUDE", "b,c"),
            ("GITLAB_TOKEN", "shared"),
            ("GLWATCH_TOKEN", "own"),
            ("GITLAB_CI", "true"),
            ("CI_SERVER_URL", "https://gitlab.example.com"),
        ];
        let settings = Settings::new(flags, &environment(&variables));
        assert_eq!(found(&settings, "exclude"), Some(("a".into(), "--exclude".into())));
        assert_eq!(found(&settings, "token"), Some(("own".into(), "GLWATCH_TOKEN".into())));
        assert_eq!(found(&settings, "host").unwrap().1, "CI_SERVER_URL (GitLab CI)");
        assert_eq!(found(&settings, "sort"), None);
    }

    #[test]
    fn an_empty_variable_is_unset_and_remembered() {
        let settings = Settings::new(Layer::default(), &environment(&[("GLWATCH_TOKEN", ""), ("GITLAB_TOKEN", "t")]));
        assert_eq!(found(&settings, "token"), Some(("t".into(), "GITLAB_TOKEN".into())));
        assert_eq!(settings.empty_variables, ["GLWATCH_TOKEN"]);
    }

    #[test]
    fn ci_variables_count_only_inside_a_ci_job() {
        let settings = Settings::new(Layer::default(), &environment(&[("CI_SERVER_URL", "https://x.example")]));
        assert_eq!(found(&settings, "host"), None);
    }

    #[test]
    fn debug_shows_no_value() {
        let settings = Settings::new(Layer::default(), &environment(&[("GITLAB_TOKEN", "glpat-secret")]));
        assert!(!format!("{settings:?}").contains("glpat-secret"));
    }
}
