//! One layer of settings as they were written: the flags, the environment, a section of a file.

use super::error::ConfigError;
use super::nearest::meant;
use super::origin::Origin;
use std::collections::BTreeMap;
use std::fmt;

/// The values that one layer gives one setting, as they were written.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub values: Vec<String>,
    pub origin: Origin,
}

/// Values may be tokens, so only the origin is shown.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<from {}>", self.origin)
    }
}

impl Setting {
    /// Returns the value of a setting that has one; a repeated flag's last one counts.
    pub(super) fn text(&self) -> &str {
        self.values.last().map_or("", String::as_str)
    }

    /// Returns the parts of a comma-separated, repeatable setting.
    pub(super) fn list(&self) -> impl Iterator<Item = &str> {
        self.values.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|part| !part.is_empty())
    }

    /// Says whether it was typed for this run, and does not just lie in a file or an environment.
    pub(super) fn is_typed(&self) -> bool {
        matches!(self.origin, Origin::Flag(_))
    }

    /// Refuses a word that is none of a few, and names the one that was probably meant.
    pub(super) fn refuse_word(&self, word: &str, problem: String, permitted: &[&str]) -> ConfigError {
        ConfigError { hints: meant(word, permitted), ..self.refuse(word, problem) }
    }

    pub(super) fn refuse(&self, value: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError {
            origin: self.origin.clone(),
            value: Some(value.to_owned()),
            problem: problem.into(),
            hints: Vec::new(),
        }
    }
}

/// Settings by key; a key is the long flag without its dashes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer(BTreeMap<String, Setting>);

impl Layer {
    /// Says whether it sets a key.
    #[cfg(feature = "demo")]
    pub(crate) fn sets(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }

    /// Forgets settings that do not count in this run.
    pub(crate) fn forget(&mut self, keys: &[&str]) {
        self.0.retain(|key, _| !keys.contains(&key.as_str()));
    }

    /// Moves some settings into a layer of their own.
    pub(super) fn take(&mut self, keys: &[&str]) -> Self {
        let all = std::mem::take(&mut self.0).into_iter();
        let (taken, left) = all.partition(|(key, _)| keys.contains(&key.as_str()));
        self.0 = left;
        Self(taken)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a value; no values set nothing.
    pub(crate) fn set(&mut self, key: &str, values: Vec<String>, origin: Origin) {
        if !values.is_empty() {
            self.0.insert(key.to_owned(), Setting { values, origin });
        }
    }
}
