//! How long ago something was, in one unit: `42s`, `3m`, `2h`, `5d`, `2y`. The present is an argument.

use chrono::{DateTime, TimeDelta, Utc};

/// Returns the age at `now` of what happened at `then`; what lies ahead by clock skew is `0s` old.
pub fn age(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    in_one_unit(now - then)
}

/// Returns an age that is already known; none is below zero.
pub fn in_one_unit(age: TimeDelta) -> String {
    let seconds = age.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..31_536_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit_and_is_rounded_down() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let cases = [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (31_535_999, "364d"),
            (70_000_000, "2y"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(age(at(100_000_000 + seconds), at(100_000_000)), expected);
        }
    }
}
