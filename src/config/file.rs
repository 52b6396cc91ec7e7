//! A configuration file: its settings, profiles and hosts.

use super::error::ConfigError;
use super::layer::{Layer, Setting};
use super::origin::{Origin, Owner};
use super::secret::SecretSource;
use crate::domain::host::Host;
use std::collections::BTreeMap;
use std::path::Path;

/// A file that was read.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(super) path: String,
    pub(super) owner: Owner,
    pub(super) top: Section,
    pub(super) profiles: BTreeMap<String, Section>,
    pub(super) hosts: Vec<HostSection>,
    /// The tokens and headers in it, which other users should not read.
    pub secret: Option<&'static str>,
    /// What in it does not count as it is written.
    pub warnings: Vec<String>,
}

/// The settings at one place of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    pub layer: Layer,
    /// By name, each from one source.
    pub secrets: BTreeMap<&'static str, (SecretSource, Origin)>,
}

impl Section {
    pub(super) fn is_empty(&self) -> bool {
        self.layer.is_empty() && self.secrets.is_empty()
    }

    /// Returns what in it only its owner should read.
    pub(super) fn secret(&self) -> Option<&'static str> {
        let is_given = |name| matches!(self.secrets.get(name), Some((SecretSource::Given(_), _)));
        [("token", "a token"), ("header", "a header")]
            .into_iter()
            .find(|(name, _)| is_given(*name))
            .map(|(_, what)| what)
    }
}

/// What goes to one host and to no other: a token, headers.
#[derive(Debug, Clone)]
pub(super) struct HostSection {
    pub host: Host,
    pub section: Section,
}

impl File {
    /// Returns an empty file.
    pub(crate) fn empty(path: &Path) -> Self {
        Self { path: path.display().to_string(), ..Self::default() }
    }

    /// Forgets settings that do not count in this run, and all secrets.
    pub(crate) fn forget(&mut self, keys: &[&str]) {
        for section in self.profiles.values_mut().chain([&mut self.top]) {
            section.layer.forget(keys);
            section.secrets.clear();
        }
        self.hosts.clear();
    }

    /// Takes the profile that the settings above choose, or else the file itself.
    pub(super) fn chosen_profile(&mut self, above: Option<&Setting>) -> Result<Option<Section>, ConfigError> {
        if self.owner == Owner::Project {
            return Ok(None);
        }
        let chosen = above.or_else(|| self.top.layer.get("profile")).cloned();
        chosen.map(|chosen| self.take_profile(&chosen)).transpose()
    }

    fn take_profile(&mut self, chosen: &Setting) -> Result<Section, ConfigError> {
        let name = chosen.text();
        self.profiles.remove(name).ok_or_else(|| {
            let there_are = match self.profiles.keys().map(String::as_str).collect::<Vec<_>>() {
                names if names.is_empty() => format!("there is none in {}", self.path),
                names => format!("{} has {}", self.path, names.join(", ")),
            };
            let mut error = chosen.refuse(name, "is no profile");
            error.hints = vec![format!("{there_are}; a profile is a section such as [profiles.work]")];
            error
        })
    }
}
