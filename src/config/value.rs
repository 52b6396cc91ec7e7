//! Parses single values. Every error names the setting, the value and what is permitted.

use super::error::ConfigError;
use super::settings::Settings;
use crate::text::duration::{duration, parse_duration};
use std::ops::RangeInclusive;
use std::time::Duration;

impl Settings {
    /// Reads a switch: a flag is on, a variable says so.
    pub(super) fn switch(&self, key: &'static str) -> Result<bool, ConfigError> {
        self.switch_or(key, false)
    }

    /// Reads a switch that may be on by itself.
    pub(super) fn switch_or(&self, key: &'static str, default: bool) -> Result<bool, ConfigError> {
        let Some(setting) = self.get(key) else { return Ok(default) };
        match setting.text() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "0" | "false" | "no" | "off" => Ok(false),
            other => Err(setting.refuse(other, "is neither true nor false")),
        }
    }

    /// Says whether nothing but errors is wanted on standard error.
    pub(crate) fn is_quiet(&self) -> bool {
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

    /// Reads a time within what is permitted.
    pub(super) fn time(
        &self,
        key: &'static str,
        default: Duration,
        permitted: RangeInclusive<Duration>,
    ) -> Result<Duration, ConfigError> {
        self.parsed(key, default, |text| match parse_duration(text) {
            Ok(time) if permitted.contains(&time) => Ok(time),
            Ok(_) => Err(format!("is not a time from {} to {}", written(permitted.start()), written(permitted.end()))),
            Err(error) => Err(error.to_string()),
        })
    }
}

/// Returns a limit as a setting would give it.
fn written(limit: &Duration) -> String {
    let is_in_days = limit.as_secs() >= 86_400 && limit.as_secs().is_multiple_of(86_400);
    if is_in_days { duration(*limit) } else { format!("{limit:?}") }
}
