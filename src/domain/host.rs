//! The address of a GitLab instance.

use std::fmt;
use url::{Host as UrlHost, Url};

/// A GitLab instance: scheme, host, port and the sub-path that it is installed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Ends in a slash, has neither user, query nor fragment.
    base: Url,
}

/// Why a text does not name a GitLab instance; goes on after the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("is not a host name or URL")]
    NotAUrl,
    #[error("is reached by {0}, but only https and http are spoken")]
    Scheme(String),
    #[error("carries a user name or password; give the token with --token-file or GITLAB_TOKEN")]
    Credentials,
    #[error("carries a query or fragment; give only the address, such as https://gitlab.example.com")]
    Extra,
}

impl Host {
    /// Reads `gitlab.com`, `gitlab.example.com:8443` or a full URL with a sub-path.
    ///
    /// A trailing `/api/v4` or `/api/graphql`, which other tools ask for, is dropped.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let mut base = Url::parse(&with_scheme).map_err(|_| HostError::NotAUrl)?;
        if !matches!(base.scheme(), "https" | "http") {
            return Err(HostError::Scheme(base.scheme().to_owned()));
        }
        if base.host_str().is_none_or(str::is_empty) || text.contains(char::is_whitespace) {
            return Err(HostError::NotAUrl);
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(HostError::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(HostError::Extra);
        }
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api/v4").or_else(|| path.strip_suffix("/api/graphql")).unwrap_or(path);
        let path = format!("{path}/");
        base.set_path(&path);
        Ok(Self { base })
    }

    /// Returns GitLab.com, the host where none is configured.
    #[expect(clippy::expect_used, reason = "the address is written here")]
    pub fn gitlab_com() -> Self {
        Self::parse("https://gitlab.com").expect("an address of a host")
    }

    /// Returns the URL of a REST resource; `path` is already encoded and may end in a query.
    pub fn rest(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.below(&format!("api/v4/{path}"));
        url.set_query(query);
        url
    }

    /// Returns the URL that GraphQL queries are posted to.
    pub fn graphql(&self) -> Url {
        self.below("api/graphql")
    }

    /// Returns the URL of the websocket over which GitLab tells what happens.
    pub fn cable(&self) -> Url {
        self.below("-/cable")
    }

    /// Returns the URL of a path below the base.
    fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }

    /// Returns the URL of a path as GitLab's GraphQL gives it: from the origin's root, the sub-path included.
    pub fn at_root(&self, path: &str) -> Option<String> {
        let is_path = path.starts_with('/') && !path.starts_with("//");
        is_path.then(|| format!("{}{path}", self.base.origin().ascii_serialization()))
    }

    /// Says whether a URL lies on this host's own scheme, name and port.
    pub fn is_origin_of(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Returns the path of a web URL below this host's base, when it lies there.
    pub fn path_below<'a>(&self, web_url: &'a str) -> Option<&'a str> {
        web_url.strip_prefix(self.base.as_str())
    }

    /// Says whether what is sent can be read on the way: plain http to anything but this machine.
    pub fn is_exposed(&self) -> bool {
        self.is_plain() && !self.is_loopback()
    }

    /// Says whether a proxy that passes a request on can read it.
    pub fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(UrlHost::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(UrlHost::Ipv4(address)) => address.is_loopback(),
            Some(UrlHost::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.base.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_a_url_with_a_sub_path() {
        let cases = [
            ("gitlab.com", "https://gitlab.com"),
            ("gitlab.example.com:8443", "https://gitlab.example.com:8443"),
            ("https://example.com/gitlab/", "https://example.com/gitlab"),
            ("https://gitlab.com/api/v4", "https://gitlab.com"),
            ("https://example.com/gitlab/api/graphql/", "https://example.com/gitlab"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("  gitlab.com ", "https://gitlab.com"),
        ];
        for (text, shown) in cases {
            assert_eq!(Host::parse(text).map(|host| host.to_string()), Ok(shown.to_owned()), "{text}");
        }
        let refused = [
            ("", HostError::NotAUrl),
            ("git lab", HostError::NotAUrl),
            ("ftp://gitlab.com", HostError::Scheme("ftp".into())),
            ("https://user:secret@gitlab.com", HostError::Credentials),
            ("https://gitlab.com?private_token=x", HostError::Extra),
        ];
        for (text, error) in refused {
            assert_eq!(Host::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn plain_http_is_exposed_unless_it_stays_on_this_machine() {
        let cases = [
            ("http://gitlab.example.com", true),
            ("https://gitlab.example.com", false),
            ("http://127.0.0.1:1", false),
            ("http://[::1]:1", false),
            ("http://localhost:1", false),
            ("http://localhost.evil.example", true),
        ];
        for (text, exposed) in cases {
            assert_eq!(Host::parse(text).unwrap().is_exposed(), exposed, "{text}");
        }
    }
}
