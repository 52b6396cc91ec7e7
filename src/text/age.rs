//! How long ago something was, in one unit: `42s`, `3m`, `2h`, `5d`, `2y`. The present is an argument.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// Returns the age at `now` of what happened at `then`; what lies ahead by clock skew is `0s` old.
pub(crate) fn age(now: DateTime<Utc>, then: DateTime<Utc>) -> String {
    in_one_unit(now - then)
}

/// Returns a time in a zone. At the ends of the calendar, where the zone's time would lie beyond it, the last that fits.
pub(crate) fn in_zone(at: DateTime<Utc>, zone: Tz) -> DateTime<Tz> {
    /// No zone is further from UTC.
    const MARGIN: TimeDelta = TimeDelta::days(2);
    at.clamp(DateTime::<Utc>::MIN_UTC + MARGIN, DateTime::<Utc>::MAX_UTC - MARGIN).with_timezone(&zone)
}

/// Returns an age that is already known; none is below zero.
pub(crate) fn in_one_unit(age: TimeDelta) -> String {
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
    fn no_time_is_too_far_out_for_a_zone() {
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            for zone in [Tz::Pacific__Kiritimati, Tz::Pacific__Pago_Pago, Tz::UTC] {
                let local = in_zone(at, zone);
                assert!(
                    !local.format("%Y-%m-%dT%H:%M:%S%:z").to_string().is_empty()
                        && local.date_naive() == local.date_naive()
                );
            }
        }
        let at = DateTime::from_timestamp(0, 0).unwrap();
        assert_eq!(in_zone(at, Tz::Asia__Tokyo).to_rfc3339(), "1970-01-01T09:00:00+09:00");
    }

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
