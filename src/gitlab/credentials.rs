//! The token and the user's headers. Requests carry them to the configured server and to no other.

use crate::domain::host::Host;
use crate::domain::token::TokenHeader;
use crate::gitlab::auth::{Fingerprint, Token, fingerprint, sensitive};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

const PRIVATE_TOKEN: HeaderName = HeaderName::from_static("private-token");
/// Headers with which GitLab knows who asks.
const IDENTIFYING: [HeaderName; 3] = [AUTHORIZATION, PRIVATE_TOKEN, HeaderName::from_static("job-token")];
/// Shorter values are words that occur by chance.
const LEAST_SECRET: usize = 4;
/// The same of a part of a value: `Basic` is none.
const LEAST_PART: usize = 8;

/// Headers that belong to a connection and not to a request (RFC 9110, 7.6.1), and that a client sets by itself.
const OF_CONNECTION: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that ask for something else than glwatch can read.
const OF_REQUEST: [&str; 5] = ["accept", "accept-encoding", "range", "x-http-method-override", "x-method-override"];
/// Beginnings of the names of further ones.
const OF_REQUEST_FAMILIES: [&str; 2] = ["content-", "if-"];

/// A header that the user adds to every request; its value is a secret.
#[derive(Debug, Clone)]
pub struct ExtraHeader {
    name: HeaderName,
    value: SecretString,
    /// The same, marked sensitive.
    header: HeaderValue,
}

impl ExtraHeader {
    /// Reads `Name: value`. The error goes on after the source of the text, and quotes nothing that may be the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once(':').ok_or("is not of the form \"Name: value\"")?;
        let name: HeaderName =
            name.trim().parse().map_err(|_| "does not begin with the name of a header and a colon")?;
        let value = value.trim();
        let word = name.as_str();
        if OF_CONNECTION.contains(&word) {
            return Err(format!("gives {word}, which belongs to the connection: glwatch sets it"));
        }
        if OF_REQUEST.contains(&word) || OF_REQUEST_FAMILIES.iter().any(|family| word.starts_with(family)) {
            return Err(format!("gives {word}, which changes what is asked: glwatch sets it"));
        }
        if value.is_empty() {
            return Err(format!("gives {word} without a value"));
        }
        let header =
            sensitive(value).ok_or_else(|| format!("gives {word} a value with characters that no header can carry"))?;
        Ok(Self { name, value: SecretString::from(value.to_owned()), header })
    }

    /// Blots out the value, and those parts of it that a server may quote alone, such as what follows `Basic`.
    fn scrub(&self, text: &str) -> String {
        let whole = self.value.expose_secret();
        let parts = whole.split([' ', ';', ',', '=', '"']).filter(|part| part.len() >= LEAST_PART);
        let secrets = Some(whole).filter(|whole| whole.len() >= LEAST_SECRET).into_iter().chain(parts);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "[header]"))
    }
}

/// Everything that proves to a server, or to a proxy before it, who asks.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    pub token: Option<Token>,
    pub token_header: TokenHeader,
    pub headers: Vec<ExtraHeader>,
}

impl Credentials {
    /// Says whether GitLab is to know who asks.
    pub(super) fn identify(&self) -> bool {
        self.token.is_some() || self.headers.iter().any(|header| IDENTIFYING.contains(&header.name))
    }

    /// Says whether a request would carry anything that only the configured server may see.
    pub fn is_empty(&self) -> bool {
        self.token.is_none() && self.headers.is_empty()
    }

    /// Returns the header that the user adds although the token goes into it.
    pub fn conflict(&self) -> Option<&'static str> {
        let name = self.token.as_ref().map(|_| self.token_name())?;
        let is_added = self.headers.iter().any(|header| header.name == name);
        is_added.then_some(if name == AUTHORIZATION { "Authorization" } else { "PRIVATE-TOKEN" })
    }

    fn token_name(&self) -> HeaderName {
        match self.token_header {
            TokenHeader::Authorization => AUTHORIZATION,
            TokenHeader::PrivateToken => PRIVATE_TOKEN,
        }
    }

    /// Returns the headers of a request to the configured server.
    pub(super) fn header_map(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        for header in &self.headers {
            map.append(header.name.clone(), header.header.clone());
        }
        if let Some(token) = &self.token {
            map.insert(self.token_name(), token.header(self.token_header));
        }
        map
    }

    /// Returns what tells them from others on a host; `None` where there are none.
    pub(super) fn fingerprint(&self, host: &Host) -> Option<Fingerprint> {
        let token = self.token.as_ref().map(|token| token.fingerprint(host));
        if self.headers.is_empty() {
            return token;
        }
        let host = host.to_string();
        let headers = self.headers.iter().flat_map(|header| [header.name.as_str(), header.value.expose_secret()]);
        let parts = ["glwatch header fingerprint", &host].into_iter().chain(headers).map(str::as_bytes);
        Some(fingerprint(parts.chain(token.as_ref().map(|token| &token[..]))))
    }

    /// Redacts all of them from foreign text.
    pub(super) fn scrub(&self, text: &str) -> String {
        let text = self.token.as_ref().map_or_else(|| text.to_owned(), |token| token.scrub(text));
        self.headers.iter().fold(text, |text, header| header.scrub(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_headers(texts: &[&str]) -> Credentials {
        let headers = texts.iter().map(|text| ExtraHeader::parse(text).unwrap()).collect();
        Credentials { headers, ..Credentials::default() }
    }

    #[test]
    fn a_header_is_a_name_and_a_value_and_none_that_is_glwatchs_own() {
        for text in
            ["X-Gate: s3cret", "Authorization:Basic s3cret", "PRIVATE-TOKEN: s3cret", "Cookie: a=b; c=d", "sudo: ada"]
        {
            assert!(ExtraHeader::parse(text).is_ok(), "{text}");
        }
        let refused = [
            ("no colon", "s3cret", "is not of the form"),
            ("no name", ": s3cret", "name of a header"),
            ("a name with a blank", "s3cret two: x", "name of a header"),
            ("no value", "X-Gate:  ", "without a value"),
            ("a second line", "X-Gate: s3cret\r\nX-More: 1", "no header can carry"),
            ("of the connection", "Transfer-Encoding: s3cret", "belongs to the connection"),
            ("another host", "HOST: s3cret", "belongs to the connection"),
            ("a length", "content-length: 5", "belongs to the connection"),
            ("of the proxy", "Proxy-Authorization: s3cret", "belongs to the connection"),
            ("a part of the answer", "Range: bytes=0-5", "changes what is asked"),
            ("only if changed", "If-None-Match: s3cret", "changes what is asked"),
            ("another method", "X-HTTP-Method-Override: DELETE", "changes what is asked"),
        ];
        for (sentence, text, expected) in refused {
            let problem = ExtraHeader::parse(text).expect_err(sentence);
            assert!(problem.contains(expected) && !problem.contains("s3cret"), "{sentence}: {problem}");
        }
    }

    #[test]
    fn header_values_show_nowhere_whole_or_in_part() {
        let credentials =
            with_headers(&["Authorization: Basic dXNlcjpz", "Cookie: session=abcdefgh12; a=b", "X-On: 1"]);
        assert!(!format!("{credentials:?} {:?}", credentials.header_map()).contains("dXNlcjpz"));
        let echoed = "1 Basic dXNlcjpz, dXNlcjpz, abcdefgh12";
        assert_eq!(credentials.scrub(echoed), "1 [header], [header], [header]");
    }

    #[test]
    fn other_headers_are_other_credentials() {
        let host = Host::parse("gitlab.example.com").unwrap();
        let token = || Token::new("glpat-secret");
        let all = [
            Credentials::default(),
            Credentials { token: token(), ..Credentials::default() },
            with_headers(&["X-Gate: one"]),
            with_headers(&["X-Gate: two"]),
            with_headers(&["X-Door: one"]),
            Credentials { token: token(), ..with_headers(&["X-Gate: one"]) },
        ];
        let seen: std::collections::HashSet<_> = all.iter().map(|one| one.fingerprint(&host)).collect();
        assert_eq!(seen.len(), all.len());
    }
}
