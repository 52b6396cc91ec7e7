//! The token that `glab`, GitLab's own command line, keeps for a host.
//!
//! Reads the one shape that glab writes and takes nothing for a token that it does not understand wholly:
//!
//! ```yaml
//! hosts:
//!     gitlab.example.com:
//!         token: glpat-...           # also quoted, and after the tag !!null, with which glab marks secrets
//! ```

use crate::domain::host::Host;
use secrecy::SecretString;

/// Returns the token for exactly this host.
pub(super) fn token(text: &str, host: &Host) -> Option<SecretString> {
    let mut lines = text.lines().filter_map(line).skip_while(|line| *line != (0, "hosts", ""));
    lines.next()?;
    let mut host_indent = None;
    let mut token_indent = None;
    let mut is_ours = false;
    for (indent, key, value) in lines.take_while(|(indent, ..)| *indent > 0) {
        let host_indent = *host_indent.get_or_insert(indent);
        if indent <= host_indent {
            // Names and ports are compared, and the scheme: glab speaks https unless told otherwise.
            is_ours = indent == host_indent && value.is_empty() && Host::parse(key).is_ok_and(|named| named == *host);
            token_indent = None;
        } else if is_ours && indent == *token_indent.get_or_insert(indent) && key == "token" {
            return plain(value).map(SecretString::from);
        }
    }
    None
}

/// Takes a line apart: indentation, key, value. Blank lines, comments and whatever is no `key: value` are `None`.
fn line(line: &str) -> Option<(usize, &str, &str)> {
    let content = line.trim_start_matches(' ');
    let (key, value) = match content.split_once(": ") {
        Some((key, value)) => (key, value.trim()),
        None => (content.trim_end().strip_suffix(':')?, ""),
    };
    let key = unquoted(key.trim_end())?;
    let is_key = !key.is_empty() && !key.starts_with(['#', '-', '\t', '?']);
    let value = if value.starts_with('#') { "" } else { value };
    is_key.then_some((line.len() - content.len(), key, value))
}

/// Returns the text of a scalar that can be a token.
fn plain(value: &str) -> Option<String> {
    let value = value.strip_prefix("!!null ").unwrap_or(value).trim_start();
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let value = unquoted(value)?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+' | b'/');
    let is_null = matches!(value, "" | "null" | "Null" | "NULL");
    (!is_null && value.bytes().all(is_token)).then(|| value.to_owned())
}

/// Takes off a pair of quotes; `None` where they do not match.
fn unquoted(text: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn only_the_token_of_exactly_this_host_is_taken() {
        let full = "# comment\ngit_protocol: ssh\neditor:\nhost: gitlab.com\ntoken: top\nhosts:\n    # one\n    gitlab.com:\n        \
                    # Your token: secret\n        token: !!null glpat-one\n        api_protocol: https\n\n    \
                    gitlab.example.com:\n        custom:\n            token: nested\n        user: x\n        \
                    token: \"glpat-two\" # quoted\n    other.example:8443:\n        token: 'glpat-three'\ncheck_update: true\n\
                    gitlab.example.org:\n    token: not-below-hosts\n";
        let cases = [
            ("the tagged form that glab writes", full, "gitlab.com", Some("glpat-one")),
            ("a nested key of that name is another", full, "gitlab.example.com", Some("glpat-two")),
            ("the port is part of the host", full, "other.example:8443", Some("glpat-three")),
            ("another port is another host", full, "other.example", None),
            ("plain http is another host", full, "http://gitlab.com", None),
            ("a sub-path is another host", full, "gitlab.com/gitlab", None),
            ("outside of hosts", full, "gitlab.example.org", None),
            ("a part of the name is no match", full, "lab.com", None),
            ("two blanks deep", "hosts:\n  gitlab.com:\n    token: t\n", "gitlab.com", Some("t")),
            ("Windows line ends", "hosts:\r\n  gitlab.com:\r\n    token: t\r\n", "gitlab.com", Some("t")),
            ("a quoted host", "hosts:\n  \"gitlab.com\":\n    token: t\n", "gitlab.com", Some("t")),
            ("no token", "hosts:\n  gitlab.com:\n    user: x\n", "gitlab.com", None),
            ("an empty token", "hosts:\n  gitlab.com:\n    token:\n    user: x\n", "gitlab.com", None),
            ("a null token", "hosts:\n  gitlab.com:\n    token: null\n", "gitlab.com", None),
            ("an unclosed quote", "hosts:\n  gitlab.com:\n    token: \"t\n", "gitlab.com", None),
            ("a block text", "hosts:\n  gitlab.com:\n    token: |\n      t\n", "gitlab.com", None),
            ("an anchor", "hosts:\n  gitlab.com:\n    token: *a\n", "gitlab.com", None),
            ("flow style is not understood", "hosts: {gitlab.com: {token: t}}\n", "gitlab.com", None),
            ("tabs are not understood", "hosts:\n\tgitlab.com:\n\t\ttoken: t\n", "gitlab.com", None),
            ("the token of the host after", "hosts:\n  gitlab.com:\n  b.example:\n    token: t\n", "gitlab.com", None),
            ("an empty file", "", "gitlab.com", None),
        ];
        for (sentence, text, host, expected) in cases {
            let found = token(text, &Host::parse(host).unwrap());
            assert_eq!(found.as_ref().map(|secret| secret.expose_secret()), expected, "{sentence}");
        }
    }
}
