//! The settings of watching and waiting: which of them go together, and how long they last.

use super::error::ConfigError;
use super::section::{NewerThan, Pace, Wait};
use super::settings::Settings;
use crate::text::duration::parse_duration;
use chrono::DateTime;
use std::ops::RangeInclusive;
use std::time::Duration;

const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);
/// New projects are in no hurry, and a list of 2000 is 20 requests.
const DEFAULT_LIST_INTERVAL: Duration = Duration::from_secs(5 * 60);
const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);
/// A running job sends its log to GitLab every few seconds.
const DEFAULT_FOLLOW_WAIT: Duration = Duration::from_secs(2);
const FOLLOW_WAIT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(600);
const DEFAULT_DEADLINE: Duration = Duration::from_secs(30 * 60);
const DEADLINE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(7 * 24 * 3600);

/// A group of 2000 projects takes REST four minutes at the default rate.
const DEFAULT_MAX_TIME: Duration = Duration::from_secs(5 * 60);
const MAX_TIME: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

pub(super) fn resolve(settings: &Settings) -> Result<Pace, ConfigError> {
    let watch = settings.switch("watch")?;
    let waits = settings.switch("wait")?;
    if watch {
        refuse_together(settings, "wait", waits, "--watch shows what goes on, --wait ends: choose one")?;
        if let Some(setting) = settings.get("output")
            && !matches!(setting.text(), "table" | "wide" | "ndjson")
        {
            return Err(setting.refuse(setting.text(), "cannot be watched: --watch takes table, wide and ndjson"));
        }
    }
    if !waits {
        for key in ["deadline", "fail-fast", "newer-than"] {
            let is_typed = settings.get(key).is_some_and(|setting| setting.is_typed());
            refuse_together(settings, key, is_typed, "goes with --wait")?;
        }
    }
    let wait = Wait {
        deadline: settings.time("deadline", DEFAULT_DEADLINE, DEADLINE)?,
        fail_fast: settings.switch("fail-fast")?,
        newer_than: settings.parsed("newer-than", None, |text| newer_than(text).map(Some))?,
    };
    refuse_together(settings, "fail-fast", wait.fail_fast && settings.get("fail-on").is_none(), "goes with --fail-on")?;
    let interval = settings.time("interval", DEFAULT_INTERVAL, INTERVAL)?;
    let list_interval = settings.time("list-interval", DEFAULT_LIST_INTERVAL, INTERVAL)?;
    let follow_wait = settings.time("follow-wait", DEFAULT_FOLLOW_WAIT, FOLLOW_WAIT)?;
    let max_time = settings.time("max-time", DEFAULT_MAX_TIME, MAX_TIME)?;
    Ok(Pace { watch, interval, list_interval, follow_wait, wait: waits.then_some(wait), max_time })
}

fn refuse_together(settings: &Settings, key: &'static str, is_set: bool, problem: &str) -> Result<(), ConfigError> {
    match settings.get(key) {
        Some(setting) if is_set => Err(ConfigError { value: None, ..setting.refuse("", problem) }),
        Some(_) | None => Ok(()),
    }
}

fn newer_than(text: &str) -> Result<NewerThan, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(NewerThan::Time(time.to_utc()));
    }
    let neither = "is neither a time such as 2026-11-20T19:00:00Z nor a duration such as 10m";
    parse_duration(text).map(NewerThan::Ago).map_err(|_| neither.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layer::Layer;
    use crate::config::origin::Origin;
    use std::collections::HashMap;

    fn pace(values: &[(&str, &str)]) -> Result<Pace, ConfigError> {
        let mut flags = Layer::default();
        for (key, value) in values {
            flags.set(key, vec![(*value).to_owned()], Origin::Flag((*key).into()));
        }
        resolve(&Settings::new(flags, &HashMap::new()))
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let cases: [(&[(&str, &str)], &str); 9] = [
            (&[("watch", "true"), ("wait", "true")], "--wait: --watch shows"),
            (&[("watch", "true"), ("output", "json")], "--output: \"json\" cannot be watched"),
            (&[("deadline", "5m")], "--deadline: goes with --wait"),
            (&[("fail-fast", "true")], "--fail-fast: goes with --wait"),
            (&[("wait", "true"), ("fail-fast", "true")], "--fail-fast: goes with --fail-on"),
            (&[("newer-than", "5m")], "--newer-than: goes with --wait"),
            (&[("max-time", "0s")], "--max-time: \"0s\""),
            (&[("max-time", "2d")], "--max-time: \"2d\""),
            (&[("wait", "true"), ("newer-than", "soon")], "--newer-than: \"soon\" is neither"),
        ];
        for (values, words) in cases {
            let error = pace(values).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn newer_than_is_a_time_or_a_duration() {
        let newer = |text| pace(&[("wait", "true"), ("newer-than", text)]).unwrap().wait.unwrap().newer_than;
        assert_eq!(newer("90s"), Some(NewerThan::Ago(Duration::from_secs(90))));
        let time = DateTime::parse_from_rfc3339("2026-11-20T20:00:00+01:00").unwrap().to_utc();
        assert_eq!(newer("2026-11-20T20:00:00+01:00"), Some(NewerThan::Time(time)));
    }
}
