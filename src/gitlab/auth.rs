//! The token: kept out of every output, sent as a header that is marked sensitive.

use crate::domain::host::Host;
use crate::domain::token::TokenHeader;
use reqwest::header::HeaderValue;
use ring::digest::{Context, SHA256};
use secrecy::{ExposeSecret, SecretString};

/// What tells a token from all others and gives nothing of it away.
pub(super) type Fingerprint = [u8; 16];

/// A token. GitLab takes personal, project, group and OAuth tokens alike in `Authorization: Bearer`, all but the last in
/// `PRIVATE-TOKEN`.
#[derive(Debug, Clone)]
pub struct Token {
    text: SecretString,
    /// What each of the headers says, marked sensitive.
    authorization: HeaderValue,
    private_token: HeaderValue,
}

/// Prefixes of what GitLab gives out for other purposes than reading the API
/// (<https://docs.gitlab.com/security/tokens/#token-prefixes>).
const UNFIT: [(&str, &str); 12] = [
    ("glcbt-", "a CI/CD job token"),
    ("gldt-", "a deploy token"),
    ("glrt-", "a runner's token"),
    ("glrtr-", "a runner's registration token"),
    ("GR1348941", "a runner's registration token"),
    ("glptt-", "a pipeline trigger token"),
    ("glft-", "a feed token"),
    ("glimt-", "a token for incoming mail"),
    ("glagent-", "a token of an agent for Kubernetes"),
    ("glffct-", "a token of a feature flag client"),
    ("glsoat-", "a SCIM token"),
    ("gloas-", "the secret of an OAuth application"),
];

impl Token {
    /// Takes a token; `None` if it has characters that no header can carry.
    pub fn new(secret: &str) -> Option<Self> {
        let is_plain = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain {
            return None;
        }
        let (authorization, private_token) = (sensitive(&format!("Bearer {secret}"))?, sensitive(secret)?);
        Some(Self { text: SecretString::from(secret.to_owned()), authorization, private_token })
    }

    /// Returns what it is, where its prefix proves that it does not read the API as a whole.
    pub(super) fn unfit(&self) -> Option<&'static str> {
        let secret = self.text.expose_secret();
        UNFIT.iter().find(|(prefix, _)| secret.starts_with(prefix)).map(|(_, name)| *name)
    }

    /// Returns it as the value of this header.
    pub(super) fn header(&self, header: TokenHeader) -> HeaderValue {
        match header {
            TokenHeader::Authorization => self.authorization.clone(),
            TokenHeader::PrivateToken => self.private_token.clone(),
        }
    }

    /// Returns its fingerprint on a host. Half of a hash leads back to no token: GitLab's own are made of more chance
    /// than can be tried.
    pub(super) fn fingerprint(&self, host: &Host) -> Fingerprint {
        let host = host.to_string();
        fingerprint(["glwatch token fingerprint", &host, self.text.expose_secret()].map(str::as_bytes))
    }

    /// Redacts the token from foreign text, such as a proxy's error page that echoes the request.
    pub(super) fn scrub(&self, text: &str) -> String {
        text.replace(self.text.expose_secret(), "[token]")
    }
}

/// Makes the value of a header that is not shown; `None` if no header can carry it.
pub(super) fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Hashes several parts, so that none can pass for the end of another.
pub(super) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Fingerprint {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(&hash.finish().as_ref()[..16]);
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_nowhere() {
        let token = Token::new("glpat-secret").unwrap();
        assert!(!format!("{token:?} {:?}", token.header(TokenHeader::Authorization)).contains("secret"));
        assert_eq!(token.scrub("you sent Bearer glpat-secret"), "you sent Bearer [token]");
    }

    #[test]
    fn a_fingerprint_tells_tokens_and_hosts_apart() {
        let fingerprint = |token, host| Token::new(token).unwrap().fingerprint(&Host::parse(host).unwrap());
        let one = fingerprint("glpat-secret", "a.example");
        assert_eq!(one, fingerprint("glpat-secret", "https://a.example/"));
        assert_ne!(one, fingerprint("glpat-secreu", "a.example"));
        assert_ne!(one, fingerprint("glpat-secret", "b.example"));
    }

    #[test]
    fn a_prefix_proves_what_a_token_is_for() {
        let unfit = |secret| Token::new(secret).unwrap().unfit();
        assert_eq!((unfit("glcbt-64_x"), unfit("gldt-x")), (Some("a CI/CD job token"), Some("a deploy token")));
        assert_eq!((unfit("glpat-x"), unfit("gloas"), unfit("x-glcbt-")), (None, None, None));
    }

    #[test]
    fn what_no_header_can_carry_is_no_token() {
        for text in ["", "two words", "line\nbreak", "naïve"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
    }
}
