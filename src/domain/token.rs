//! An access token as GitLab describes it to whoever holds it.

use chrono::NaiveDate;

/// What GitLab says about the token that it was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub name: String,
    pub scopes: Vec<String>,
    /// The day at whose beginning, in UTC, it stops working; `None` for one that lasts.
    pub expires_on: Option<NaiveDate>,
}

impl AccessToken {
    /// Says whether it may read projects and pipelines.
    pub fn can_read(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.as_str(), "api" | "read_api"))
    }

    /// Returns how many days it still works, today included.
    pub fn days_left(&self, today: NaiveDate) -> Option<i64> {
        self.expires_on.map(|day| (day - today).num_days())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(scopes: &[&str], expires_on: Option<NaiveDate>) -> AccessToken {
        AccessToken { name: "t".into(), scopes: scopes.iter().map(|scope| (*scope).into()).collect(), expires_on }
    }

    #[test]
    fn reading_needs_api_or_read_api() {
        let cases = [(&["read_api"][..], true), (&["read_user", "api"], true), (&["read_user"], false), (&[], false)];
        for (scopes, can_read) in cases {
            assert_eq!(token(scopes, None).can_read(), can_read, "{scopes:?}");
        }
    }

    #[test]
    fn days_are_counted_to_the_day_of_expiry() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        assert_eq!(token(&[], Some(day(25))).days_left(day(20)), Some(5));
        assert_eq!(token(&[], Some(day(20))).days_left(day(20)), Some(0));
        assert_eq!(token(&[], None).days_left(day(20)), None);
    }
}
