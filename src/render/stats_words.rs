//! Numbers of CI quality in words; what is not known is `no data`.

use crate::report::stats::{ChangeEntry, SpreadEntry, StatsEntry};
use crate::text::duration::duration;
use std::time::Duration;

pub(super) const NO_DATA: &str = "no data";

pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| NO_DATA.to_owned(), |share| format!("{:.1} %", share * 100.0))
}

pub(super) fn seconds(seconds: f64) -> String {
    // Whole seconds are what GitLab measures in.
    duration(Duration::from_secs_f64(seconds.clamp(0.0, 1e15).round()))
}

pub(super) fn minutes(minutes: Option<f64>) -> String {
    minutes.map_or_else(|| NO_DATA.to_owned(), |minutes| format!("{minutes:.0}"))
}

pub(super) fn hours(hours: Option<f64>) -> String {
    hours.map_or_else(|| NO_DATA.to_owned(), |hours| format!("{hours:.1} h"))
}

pub(super) fn spread(spread: Option<SpreadEntry>) -> String {
    let both = |spread: SpreadEntry| format!("p50 {}, p95 {}", seconds(spread.p50), seconds(spread.p95));
    spread.map_or_else(|| NO_DATA.to_owned(), both)
}

/// Returns a number's value in the window before, or nothing where that is not known.
pub(super) fn before(entry: &StatsEntry, measure: &str, write: impl Fn(f64) -> String) -> Option<String> {
    let change: &ChangeEntry = entry.trend.as_ref()?.changes.get(measure)?;
    change.before.map(|before| format!("before: {}", write(before)))
}

/// Returns what the numbers of a row are about, marked where they rest on gaps.
pub(super) fn name(entry: &StatsEntry) -> String {
    let mark = if entry.coverage.complete { "" } else { " *" };
    format!("{}{mark}", entry.name)
}
