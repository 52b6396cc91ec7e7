//! A configuration file: its settings, profiles and hosts.

use super::error::ConfigError;
use super::layer::{Layer, Setting};
use super::origin::{Origin, Owner};
use super::section::TokenSource;
use crate::domain::host::Host;
use std::collections::BTreeMap;
use std::path::Path;

/// A file that was read.
#[derive(Debug, Default)]
pub struct File {
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
    pub token: Option<(TokenSource, Origin)>,
}

impl Section {
    pub(super) fn is_empty(&self) -> bool {
        self.layer.is_empty() && self.token.is_none()
    }

    /// Returns what in it only its owner should read.
    pub(super) fn secret(&self) -> Option<&'static str> {
        match &self.token {
            Some((TokenSource::Given(_), _)) => Some("a token"),
            _ => self.layer.get("header").map(|_| "a header"),
        }
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
    pub fn empty(path: &Path) -> Self {
        Self { path: path.display().to_string(), ..Self::default() }
    }

    /// Forgets settings that do not count in this run, and all tokens.
    pub fn forget(&mut self, keys: &[&str]) {
        for section in self.profiles.values_mut().chain([&mut self.top]) {
            section.layer.forget(keys);
            section.token = None;
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
