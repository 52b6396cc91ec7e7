//! Follows redirects, and only to addresses to which the token may go.

use crate::domain::host::Host;
use crate::gitlab::error::Kind;
use url::Url;

/// More hops than any GitLab makes; a moved project needs one.
pub(super) const MAX_HOPS: u32 = 5;

/// Returns where a redirect leads, or why it is not followed.
///
/// Only the same scheme, name and port are followed: elsewhere the token would be handed to a stranger.
pub(super) fn target(host: &Host, from: &Url, location: Option<&str>) -> Result<Url, Kind> {
    let Some(to) = location.and_then(|location| from.join(location).ok()) else {
        return Err(Kind::Redirect { to: "nowhere".into(), why: "without saying where", is_login: false });
    };
    if host.is_origin_of(&to) {
        return Ok(to);
    }
    Err(refused(from, &to))
}

/// Returns where the redirect of a log leads, which may be a store of another origin: over https, and without the token.
///
/// GitLab keeps finished logs in object storage, and may send their readers there
/// (<https://docs.gitlab.com/administration/object_storage/#proxy-download>).
pub(super) fn log_target(host: &Host, from: &Url, location: Option<&str>) -> Result<Url, Kind> {
    match location.and_then(|location| from.join(location).ok()) {
        Some(to) if to.scheme() == "https" && host.is_origin_of(from) => Ok(to),
        _ => target(host, from, location),
    }
}

fn refused(from: &Url, to: &Url) -> Kind {
    let why = if from.scheme() == "https" && to.scheme() == "http" {
        "which is not encrypted; it was not followed and the token not sent"
    } else {
        "which is another host; it was not followed and the token not sent"
    };
    // Path and query of a foreign URL may carry secrets.
    // A GitLab that moved sends API requests to its API.
    let is_login = !(to.path().contains("/api/v4/") || to.path().ends_with("/api/graphql"));
    Kind::Redirect { to: to.origin().ascii_serialization(), why, is_login }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_its_origin_or_is_refused() {
        let host = Host::parse("https://gitlab.example.com/sub").unwrap();
        let from = Url::parse("https://gitlab.example.com/sub/api/v4/projects/a%2Fb").unwrap();
        let followed = [
            ("https://gitlab.example.com/sub/api/v4/projects/81", "https://gitlab.example.com/sub/api/v4/projects/81"),
            ("/sub/api/v4/projects/81", "https://gitlab.example.com/sub/api/v4/projects/81"),
        ];
        for (location, expected) in followed {
            assert_eq!(target(&host, &from, Some(location)).map(String::from).ok().as_deref(), Some(expected));
        }
        let refused = [
            ("https://evil.example/api?token=1", "another host"),
            ("http://gitlab.example.com/sub/api/v4/projects/81", "not encrypted"),
            ("https://gitlab.example.com:8443/", "another host"),
            ("//evil.example/", "another host"),
        ];
        for (location, word) in refused {
            let error = target(&host, &from, Some(location)).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains("token=1"), "{location}: {error}");
        }
        assert!(target(&host, &from, None).is_err());
    }

    #[test]
    fn only_what_leads_to_an_api_is_another_gitlab() {
        let host = Host::parse("https://gitlab.example.com").unwrap();
        let from = Url::parse("https://gitlab.example.com/api/v4/groups/1").unwrap();
        let cases = [
            ("https://git.example.com/api/v4/groups/1", false),
            ("https://git.example.com/sub/api/graphql", false),
            ("https://login.example.com/o/oauth2?client_id=1&to=/api/v4/groups/1", true),
            ("https://login.example.com/", true),
        ];
        for (location, expected) in cases {
            let Err(Kind::Redirect { is_login, .. }) = target(&host, &from, Some(location)) else {
                panic!("{location} was followed");
            };
            assert_eq!(is_login, expected, "{location}");
        }
    }

    #[test]
    fn a_log_may_lie_in_a_store_elsewhere_once_and_over_https_only() {
        let host = Host::parse("https://gitlab.example.com").unwrap();
        let own = Url::parse("https://gitlab.example.com/api/v4/projects/1/jobs/2/trace").unwrap();
        let store = Url::parse("https://store.example/2.log?signature=x").unwrap();
        let cases = [
            ("to a store", &own, "https://store.example/2.log", true),
            ("within the host", &own, "/api/v4/projects/3/jobs/2/trace", true),
            ("to plain http", &own, "http://store.example/2.log", false),
            ("from one store to the next", &store, "https://other.example/2.log", false),
        ];
        for (sentence, from, location, is_followed) in cases {
            assert_eq!(log_target(&host, from, Some(location)).is_ok(), is_followed, "{sentence}");
        }
    }
}
