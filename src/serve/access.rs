//! Who may look: a token for the API and the page, where it is asked for.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Says whether a request may look. Browsers ask for a name and a password: the password is the token.
pub(super) fn is_permitted(token: Option<&SecretString>, headers: &HeaderMap) -> bool {
    let Some(token) = token else { return true };
    let Some(given) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return false };
    let given = match given.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim().as_bytes().to_vec(),
        Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("basic") => {
            let decoded = STANDARD.decode(encoded.trim()).unwrap_or_default();
            decoded.iter().position(|byte| *byte == b':').map_or_else(Vec::new, |at| decoded[at + 1..].to_vec())
        }
        _ => return false,
    };
    token.expose_secret().as_bytes().ct_eq(&given).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_wanted_where_one_is_set() {
        let token = SecretString::from("s3cret");
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let cases = [
            ("none is set", None, None, true),
            ("nothing is given", Some(&token), None, false),
            ("the token", Some(&token), Some("Bearer s3cret".to_owned()), true),
            ("in another case", Some(&token), Some("bearer s3cret".to_owned()), true),
            ("as a password", Some(&token), Some(basic("anyone:s3cret")), true),
            ("as a name", Some(&token), Some(basic("s3cret:")), false),
            ("another token", Some(&token), Some("Bearer s3cre".to_owned()), false),
            ("an empty token", Some(&token), Some("Bearer ".to_owned()), false),
            ("another scheme", Some(&token), Some("Digest s3cret".to_owned()), false),
            ("no Base64", Some(&token), Some("Basic ###".to_owned()), false),
        ];
        for (sentence, token, given, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert(AUTHORIZATION, given.parse().unwrap());
            }
            assert_eq!(is_permitted(token, &headers), expected, "{sentence}");
        }
    }
}
