//! `[history]`: whether facts are kept, where, and for how long.

use super::error::ConfigError;
use super::settings::Settings;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A year, and the month that it is compared with.
const DEFAULT_KEEP: Duration = DAY.saturating_mul(400);
const KEEP: RangeInclusive<Duration> = DAY..=DAY.saturating_mul(3650);

/// What is remembered of what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HistorySettings {
    pub enabled: bool,
    /// Older facts are removed.
    pub keep: Duration,
    /// The folder, instead of the one of this machine's conventions.
    pub path: Option<PathBuf>,
}

impl HistorySettings {
    pub(super) fn resolve(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            enabled: settings.switch_or("history.enabled", true)?,
            keep: settings.time("history.keep", DEFAULT_KEEP, KEEP)?,
            path: settings.get("history.path").map(|setting| PathBuf::from(setting.text())),
        })
    }
}
