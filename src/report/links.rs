//! Permits links to the GitLab that was read, and to no other host.

use crate::domain::host::Host;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

/// What means something in Markdown. An address in its normal form has its `%` already.
const MARKDOWN: &AsciiSet = &CONTROLS
    .add(b'(')
    .add(b')')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b']')
    .add(b'|')
    .add(b'\\')
    .add(b'`')
    .add(b'*')
    .add(b'"')
    .add(b'\'')
    .add(b'{')
    .add(b'}')
    .add(b'^');

/// Returns an address in its normal form if it is http or https, on the host's own origin, and carries no user name.
///
/// What is left has no character that means something in Markdown: they are percent-encoded.
pub(super) fn own_link(host: &str, address: Option<&str>) -> Option<String> {
    let url = Url::parse(address?).ok()?;
    let host = Host::parse(host).ok()?;
    let is_own = matches!(url.scheme(), "http" | "https") && host.is_origin_of(&url);
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_own && is_plain).then(|| utf8_percent_encode(url.as_str(), MARKDOWN).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hosts_own_addresses_are_links() {
        let cases = [
            ("https://gitlab.example.com/a/b/-/pipelines/1", Some("https://gitlab.example.com/a/b/-/pipelines/1")),
            ("https://gitlab.example.com/a)|[b](x", Some("https://gitlab.example.com/a%29%7C%5Bb%5D%28x")),
            ("https://gitlab.example.com/a\n\u{1B}b", Some("https://gitlab.example.com/a%1Bb")),
            ("http://gitlab.example.com/a", None),
            ("https://gitlab.example.com:8443/a", None),
            ("https://evil.example/a", None),
            ("https://gitlab.example.com@evil.example/a", None),
            ("https://user:secret@gitlab.example.com/a", None),
            ("javascript:alert(1)", None),
            ("/a/b", None),
            ("", None),
        ];
        for (address, expected) in cases {
            assert_eq!(own_link("https://gitlab.example.com", Some(address)).as_deref(), expected, "{address}");
        }
        assert_eq!(own_link("https://gitlab.example.com", None), None);
    }
}
