//! The token: kept out of every output, sent as a header that is marked sensitive.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A token as it goes into `Authorization: Bearer`, which GitLab takes for personal, project, group and OAuth tokens alike.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Takes a token; `None` if it has characters that no header can carry.
    pub fn new(secret: &str) -> Option<Self> {
        let is_plain = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain.then(|| Self(SecretString::from(secret.to_owned())))
    }

    pub(super) fn header(&self) -> HeaderValue {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.expose_secret()))
            .expect("a token is made of visible ASCII, checked when it was taken");
        value.set_sensitive(true);
        value
    }

    /// Blots the token out of a text that somebody else wrote, such as a proxy's error page that echoes the request.
    pub(super) fn scrub(&self, text: &str) -> String {
        text.replace(self.0.expose_secret(), "[token]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_nowhere() {
        let token = Token::new("glpat-secret").unwrap();
        assert!(!format!("{token:?} {:?}", token.header()).contains("secret"));
        assert_eq!(token.scrub("you sent Bearer glpat-secret"), "you sent Bearer [token]");
    }

    #[test]
    fn what_no_header_can_carry_is_no_token() {
        for text in ["", "two words", "line\nbreak", "naïve"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
    }
}
