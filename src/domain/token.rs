//! An access token as GitLab describes it to its holder.

use chrono::NaiveDate;

/// The header in which the token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenHeader {
    /// `Authorization: Bearer`.
    #[default]
    Authorization,
    /// GitLab's own, for proxies that use `Authorization` themselves.
    PrivateToken,
}

/// What GitLab says about the token that it was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub name: String,
    pub scopes: Vec<String>,
    /// The day at whose beginning, in UTC, it stops working; `None` for one that lasts.
    pub expires_on: Option<NaiveDate>,
    pub is_revoked: bool,
    /// GitLab says that it does not work, for whatever reason.
    pub is_inactive: bool,
    /// It has permissions instead of scopes.
    pub is_fine_grained: bool,
}

impl AccessToken {
    /// Says whether it may read projects and pipelines; of a fine-grained one GitLab does not say it here.
    pub fn can_read(&self) -> bool {
        self.is_fine_grained || self.scopes.iter().any(|scope| matches!(scope.as_str(), "api" | "read_api"))
    }

    /// Says whether it may change something; of a fine-grained one GitLab does not say it here.
    pub fn can_act(&self) -> bool {
        self.is_fine_grained || self.scopes.iter().any(|scope| scope == "api")
    }

    /// Returns why it does not work any more.
    pub fn end(&self, today: NaiveDate) -> Option<&'static str> {
        match self.days_left(today) {
            _ if self.is_revoked => Some("it was revoked"),
            Some(..=0) => Some("it has expired"),
            _ if self.is_inactive => Some("it is not active"),
            _ => None,
        }
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
        AccessToken {
            name: "t".into(),
            scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
            expires_on,
            is_revoked: false,
            is_inactive: false,
            is_fine_grained: false,
        }
    }

    #[test]
    fn reading_needs_api_or_read_api() {
        let cases = [(&["read_api"][..], true), (&["read_user", "api"], true), (&["read_user"], false), (&[], false)];
        for (scopes, can_read) in cases {
            assert_eq!(token(scopes, None).can_read(), can_read, "{scopes:?}");
        }
    }

    #[test]
    fn a_token_that_has_ended_says_why() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let lasting = token(&["api"], None);
        let cases = [
            ("one that lasts", lasting.clone(), None),
            ("to the day before", token(&["api"], Some(day(21))), None),
            ("from the day itself", token(&["api"], Some(day(20))), Some("it has expired")),
            ("long ago", token(&["api"], Some(day(1))), Some("it has expired")),
            ("revoked", AccessToken { is_revoked: true, is_inactive: true, ..lasting.clone() }, Some("it was revoked")),
            ("blocked", AccessToken { is_inactive: true, ..lasting }, Some("it is not active")),
        ];
        for (sentence, token, expected) in cases {
            assert_eq!(token.end(day(20)), expected, "{sentence}");
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
