//! Reading single values; every refusal names the setting, the value and what is permitted.

use super::error::ConfigError;
use super::file::nearest;
use super::layer::{Origin, Setting, Settings};

/// Returns the hint that names the word that was probably meant, if there is one.
pub(super) fn meant(word: &str, permitted: &[&str]) -> Vec<String> {
    let near = nearest(word, permitted.iter().map(|word| (*word).to_owned()));
    near.map(|near| format!("did you mean {near}?")).into_iter().collect()
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

impl Settings {
    /// Reads a switch: a flag is on, a variable says so.
    pub(super) fn switch(&self, key: &'static str) -> Result<bool, ConfigError> {
        let Some(setting) = self.get(key) else { return Ok(false) };
        match setting.text() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            other => Err(setting.refuse(other, "is neither true nor false")),
        }
    }

    /// Says whether nothing but errors is wanted on standard error.
    pub fn is_quiet(&self) -> bool {
        self.switch("quiet").unwrap_or(false)
    }

    /// Reads one word of a few.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &'static str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, ConfigError> {
        let Some(setting) = self.get(key) else { return Ok(default) };
        let text = setting.text();
        choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            setting.refuse_word(text, format!("is not one of {}", words.join(", ")), &words)
        })
    }

    /// Reads a value with a parser of its own.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let Some(setting) = self.get(key) else { return Ok(default) };
        parse(setting.text()).map_err(|problem| setting.refuse(setting.text(), problem))
    }
}
