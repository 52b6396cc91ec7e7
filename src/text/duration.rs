//! Durations for people: written as `6m 12s`, read from `30s`, `1h30m`, `250ms`. Knows nothing of calendars.

use std::time::Duration;
use thiserror::Error;

/// Returns a duration in its two largest units, whole seconds as far as they have passed: `45s`, `6m 12s`, `1h 05m`, `2d 3h`.
///
/// The second unit is left out where it is zero.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = whole_seconds(duration);
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes, rest) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, 0) => format!("{m}m"),
        (0, 0, m, s) => format!("{m}m {s:02}s"),
        (0, h, 0, _) => format!("{h}h"),
        (0, h, m, _) => format!("{h}h {m:02}m"),
        (d, 0, _, _) => format!("{d}d"),
        (d, h, _, _) => format!("{d}d {h}h"),
    }
}

/// Returns a duration in whole seconds, as far as they have passed: GraphQL has no others.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs()
}

/// Why a text is not a duration; goes on after the text, which the caller names.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum DurationError {
    #[error("is empty: a duration is such as \"30s\", \"5m\" or \"1h30m\"")]
    Empty,
    #[error("is not a duration: expected numbers with units, such as \"30s\", \"5m\" or \"1h30m\"")]
    NotANumber,
    #[error("lacks a unit after {number}: write \"{number}s\", \"{number}m\" or \"{number}h\"")]
    NoUnit { number: u64 },
    #[error("has the unknown unit \"{unit}\": use ms, s, m, h, d or w")]
    UnknownUnit { unit: String },
    #[error("is too long a duration")]
    TooLong,
}

/// Reads `30s`, `5m`, `1h30m`, `2d`, `250ms`, and what else humantime knows: `5 minutes`, `1.5h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    humantime::parse_duration(text.trim()).map_err(|error| match error {
        humantime::DurationError::Empty => DurationError::Empty,
        humantime::DurationError::UnknownUnit { unit, value, .. } if unit.is_empty() => {
            DurationError::NoUnit { number: value }
        }
        humantime::DurationError::UnknownUnit { unit, .. } => DurationError::UnknownUnit { unit },
        humantime::DurationError::NumberOverflow => DurationError::TooLong,
        humantime::DurationError::InvalidCharacter(_) | humantime::DurationError::NumberExpected(_) => {
            DurationError::NotANumber
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_shows_its_two_largest_units() {
        let cases = [
            (0, "0s"),
            (400, "0s"),
            (999, "0s"),
            (45_000, "45s"),
            (59_600, "59s"),
            (180_000, "3m"),
            (372_000, "6m 12s"),
            (65_000, "1m 05s"),
            (7_200_000, "2h"),
            (3_930_000, "1h 05m"),
            (183_600_000, "2d 3h"),
            (432_000_000, "5d"),
        ];
        for (millis, expected) in cases {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            ("250ms", 250),
            (" 0s ", 0),
            ("1h 30 m", 5_400_000),
            ("2w3d4h5m6s7ms", 1_483_506_007),
            ("1m1m", 120_000),
            // What humantime brought.
            ("5 minutes", 300_000),
            ("1.5h", 5_400_000),
            ("0", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused_with_the_reason() {
        let cases = [
            ("", "is empty"),
            ("10", "lacks a unit after 10: write \"10s\""),
            ("1h30", "lacks a unit after 30"),
            ("soon", "is not a duration"),
            ("-5m", "is not a duration"),
            ("5 fortnights", "unknown unit \"fortnights\""),
            ("5S", "unknown unit \"S\""),
            ("5,m", "is not a duration"),
            ("m", "is not a duration"),
            ("99999999999999999999s", "too long"),
            ("18446744073709551615w", "too long"),
        ];
        for (text, expected) in cases {
            let message = parse_duration(text).expect_err(text).to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
