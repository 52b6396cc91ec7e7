//! The only wall clock of the program, and the time zone of its user.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::HashMap;

/// Returns the time by this machine's clock.
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Returns the user's zone: `TZ`, else the system's, else UTC.
///
/// A `TZ` that is no IANA name (the POSIX form, `CET-1CEST`) is read as UTC, as the C library does with what it does not know.
pub(super) fn default_zone(environment: &HashMap<String, String>) -> Tz {
    let name = match environment.get("TZ").map(|zone| zone.trim_start_matches(':')) {
        Some(zone) if !zone.is_empty() => zone.to_owned(),
        _ => iana_time_zone::get_timezone().unwrap_or_default(),
    };
    name.parse().unwrap_or(Tz::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tz_names_the_zone() {
        let zone = |tz: &str| default_zone(&HashMap::from([("TZ".to_owned(), tz.to_owned())]));
        assert_eq!(zone("Europe/Berlin"), Tz::Europe__Berlin);
        assert_eq!(zone(":Asia/Tokyo"), Tz::Asia__Tokyo);
        assert_eq!(zone("CET-1CEST"), Tz::UTC);
    }
}
