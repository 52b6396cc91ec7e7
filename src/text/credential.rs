//! Redacts the user name and password in addresses.

use std::borrow::Cow;

/// What our own hints write in their place.
const PLACEHOLDER: &str = "NAME:PASSWORD";

/// Takes the part with the password out of every address in a text.
pub(crate) fn hide(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        shown.push_str(before);
        rest = after;
        if let Some(end) = end_of_secret(after).filter(|end| after[..*end] != *PLACEHOLDER) {
            shown.push('…');
            rest = &after[end..];
        }
    }
    if shown.is_empty() {
        return Cow::Borrowed(text);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Returns the place of the `@` behind a password, at the start of an address without its scheme.
fn end_of_secret(address: &str) -> Option<usize> {
    let end = address.find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>')).unwrap_or(address.len());
    let address = &address[..end];
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(end)];
    if let Some(at) = authority.rfind('@') {
        return Some(at);
    }
    // A password may hold what ends a host. Behind the colon of a host there is a port.
    let (_, port) = authority.rsplit_once(':')?;
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if is_port || authority.ends_with(']') { None } else { address.rfind('@') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        let cases = [
            ("no address", "ada@example.com", "ada@example.com"),
            ("an address without one", "see https://h:8443/a/-/x@main, or 1", "see https://h:8443/a/-/x@main, or 1"),
            ("one with a version 6 address", "http://[::1]:80/a@b", "http://[::1]:80/a@b"),
            ("a name and a password", "\"https://u:SECRET@h/a\" is", "\"https://…@h/a\" is"),
            ("a token alone", "http://SECRET@h", "http://…@h"),
            ("an @ in it", "http://u:SE@CRET@h", "http://…@h"),
            ("a slash in it", "http://u:SE/CRET@h", "http://…@h"),
            ("a mark in it", "http://u:SE#CRET@h", "http://…@h"),
            (
                "what a hint says in its place",
                "HTTPS_PROXY=http://NAME:PASSWORD@..",
                "HTTPS_PROXY=http://NAME:PASSWORD@..",
            ),
            ("two", "http://u:SECRET@h socks5://v:SECRET@p", "http://…@h socks5://…@p"),
        ];
        for (sentence, text, shown) in cases {
            assert_eq!(hide(text), shown, "{sentence}");
        }
    }
}
