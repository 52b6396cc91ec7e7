//! All layers of a run, from the strongest to the weakest: flags, environment, files, CI variables.
//!
//! A setting of a stronger layer replaces the same setting of a weaker one; it is never mixed with it.

use super::error::ConfigError;
use super::file::{File, HostSection, Section};
use super::glab;
use super::keys::{InProject, KEYS, Key, KeyReach, OF_HOST, variable};
use super::layer::{Layer, Setting};
use super::origin::{Origin, Owner};
use super::secret::SecretSource;
use crate::domain::host::Host;
use std::collections::HashMap;
use std::path::PathBuf;

/// Variables that other GitLab tools share with us, below our own.
const SHARED: [(&str, &str); 3] = [("GITLAB_TOKEN", "token"), ("GITLAB_HOST", "host"), (ACCESSIBLE, "plain")];

/// Asks a program to do without pictures.
pub(super) const ACCESSIBLE: &str = "GLWATCH_ACCESSIBLE";

/// Variables of a GitLab CI job that answer the question where we are
/// (<https://docs.gitlab.com/ci/variables/predefined_variables/>).
const CI: [(&str, &str); 3] =
    [("CI_SERVER_URL", "host"), ("CI_SERVER_TLS_CA_FILE", "ca-file"), ("CI_PROJECT_ROOT_NAMESPACE", "group-id")];

/// All layers of one run, strongest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    layers: Vec<Layer>,
    /// Where the next file goes: below the environment and the files before it, above the CI variables.
    below_files: usize,
    /// What files hold for one host only, strongest first.
    of_hosts: Vec<HostSection>,
    /// The path and the text of glab's configuration, the last place to look for a token.
    glab: Option<(String, String)>,
    /// Variables that are set but empty: they count as unset, and errors that miss them say so.
    pub empty_variables: Vec<String>,
    pub is_ci_job: bool,
    pub has_job_token: bool,
}

impl Settings {
    /// Puts the flags above the environment.
    pub(crate) fn new(flags: Layer, environment: &HashMap<String, String>) -> Self {
        let value = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.trim().is_empty());
        let (mut own, mut shared, mut ci) = (Layer::default(), Layer::default(), Layer::default());
        let mut empty_variables = Vec::new();
        let mut read = |layer: &mut Layer, key: &str, name: &str, origin: Origin| {
            match value(name) {
                Some(value) => layer.set(key, vec![value.to_owned()], origin),
                None if environment.contains_key(name) => empty_variables.push(name.to_owned()),
                None => {}
            };
        };
        for key in KEYS.iter().filter(|key| key.reach != KeyReach::OnlyFile) {
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
        let layers = vec![flags, own, shared, ci];
        let below_files = layers.len() - 1;
        Self { layers, below_files, empty_variables, is_ci_job, has_job_token, ..Self::default() }
    }

    /// Puts a file below the environment and the files before it: the chosen profile, then the rest of the file.
    ///
    /// A token or header beside settings belongs to the host that they name, so that `--host` sends it nowhere else.
    pub(crate) fn add_file(&mut self, mut file: File) -> Result<(), ConfigError> {
        let profile = file.chosen_profile(self.get("profile"))?;
        let top_host = file.top.layer.get("host").cloned();
        let sections = profile.into_iter().map(|profile| (profile, true)).chain([(file.top, false)]);
        let mut of_settings = Vec::new();
        for (mut section, is_profile) in sections {
            let secrets = std::mem::take(&mut section.secrets);
            let secret = Section { layer: section.layer.take(&OF_HOST), secrets };
            if !secret.is_empty() {
                let host = section.layer.get("host").or(top_host.as_ref());
                let host = match host {
                    Some(setting) => Host::parse(setting.text())
                        .map_err(|error| setting.refuse(setting.text(), error.to_string()).without_secret())?,
                    None => Host::gitlab_com(),
                };
                of_settings.push((HostSection { host, section: secret }, is_profile));
            }
            self.layers.insert(self.below_files, section.layer);
            self.below_files += 1;
        }
        let (of_profile, of_top): (Vec<_>, Vec<_>) = of_settings.into_iter().partition(|(_, is_profile)| *is_profile);
        self.of_hosts.extend(of_profile.into_iter().map(|(section, _)| section));
        self.of_hosts.extend(file.hosts);
        self.of_hosts.extend(of_top.into_iter().map(|(section, _)| section));
        Ok(())
    }

    /// Says what a project's file sets that changes the verdict or how much the server is asked.
    pub(crate) fn announced(&self) -> Vec<String> {
        let announcement = |key: &Key| {
            let setting = self.get(key.name)?;
            match &setting.origin {
                Origin::File(place) if place.owner == Owner::Project && key.in_project == InProject::Announced => {
                    let values: Vec<String> =
                        setting.values.iter().map(|value| format!("\"{}\"", value.escape_debug())).collect();
                    Some(format!("{}:{} sets {} to {}", place.path, place.line, place.key, values.join(", ")))
                }
                _ => None,
            }
        };
        KEYS.iter().filter_map(announcement).collect()
    }

    /// Says whether a project's file is what sets this.
    pub(crate) fn is_from_project(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|setting| matches!(&setting.origin, Origin::File(place) if place.owner == Owner::Project))
    }

    /// Returns the user's file that a flag or a variable names.
    pub(crate) fn config_path(&self) -> Option<(PathBuf, &Origin)> {
        self.get("config").map(|setting| (PathBuf::from(setting.text()), &setting.origin))
    }

    /// Takes the text of glab's configuration as the last place to look for a token.
    pub(crate) fn add_glab(&mut self, path: String, text: String) {
        self.glab = Some((path, text));
    }

    /// Returns where a secret for this host comes from: of flags and variables the strongest, else of a file.
    pub(super) fn secret(&self, name: &'static str, host: &Host) -> Option<(SecretSource, Origin)> {
        let of_layer = |layer: &Layer| {
            let mut keys = KEYS.iter().filter(|key| key.secret() == Some(name));
            keys.find_map(|key| layer.get(key.name).map(|set| (SecretSource::new(key, set), set.origin.clone())))
        };
        let mut own = self.of_hosts.iter().filter(|of_host| of_host.host == *host);
        let of_files = || own.find_map(|of_host| of_host.section.secrets.get(name).cloned());
        self.layers.iter().find_map(of_layer).or_else(of_files)
    }

    /// Returns the token that glab holds for this host.
    pub(super) fn token_of_glab(&self, host: &Host) -> Option<(SecretSource, Origin)> {
        let (path, text) = self.glab.as_ref()?;
        Some((SecretSource::Given(vec![glab::token(text, host)?]), Origin::Glab(path.clone())))
    }

    /// Sets a value below all others.
    pub(crate) fn set_default(&mut self, key: &str, value: &str, origin: Origin) {
        let mut layer = Layer::default();
        layer.set(key, vec![value.to_owned()], origin);
        self.layers.push(layer);
    }

    /// Returns what a setting's value is, as it was written, and where it came from; never asked of a secret.
    pub(crate) fn shown(&self, key: &str) -> Option<(String, &Origin)> {
        self.get(key).map(|setting| (setting.values.join(", "), &setting.origin))
    }

    /// The same, of what may count for this host only.
    pub(crate) fn shown_for(&self, key: &str, host: &Host) -> Option<(String, &Origin)> {
        self.of_host(key, host).map(|setting| (setting.values.join(", "), &setting.origin))
    }

    /// Returns the strongest setting of a key in a file.
    pub(super) fn of_file(&self, key: &str) -> Option<&Setting> {
        let mut all = self.layers.iter().filter_map(|layer| layer.get(key));
        all.find(|setting| matches!(setting.origin, Origin::File(_)))
    }

    /// Returns the strongest setting of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.layers.iter().find_map(|layer| layer.get(key))
    }

    /// Returns the strongest setting of a key that may count for this host only.
    pub(super) fn of_host(&self, key: &str, host: &Host) -> Option<&Setting> {
        let mut own = self.of_hosts.iter().filter(|of_host| of_host.host == *host);
        self.get(key).or_else(|| own.find_map(|of_host| of_host.section.layer.get(key)))
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
