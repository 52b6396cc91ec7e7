//! Percent-decoding of paths and query strings; by hand, so that `acme%2Fapi` stays one path segment.

/// Splits a raw path into decoded segments.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect()
}

/// The parameters of one request, in order, decoded.
#[derive(Debug, Default)]
pub(crate) struct QueryParameters(Vec<(String, String)>);

impl QueryParameters {
    pub(crate) fn parse(raw: &str) -> Self {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key, true), decode(value, true))
        };
        Self(raw.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    /// Returns the last value given, as Rack does.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Returns the values of `key` or `key[]`.
    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        let wanted = |k: &str| k == key || k.strip_suffix("[]") == Some(key);
        self.0.iter().filter(|(k, _)| wanted(k)).map(|(_, value)| value.as_str()).collect()
    }

    /// Returns a yes or no; what is neither has been refused before.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(boolean)
    }

    pub(crate) fn number(&self, key: &str) -> Option<usize> {
        self.get(key)?.parse().ok()
    }

    /// Returns the parameters without the page and the token, encoded again for a `Link` header.
    pub(crate) fn without_page(&self) -> String {
        let pairs =
            self.0.iter().filter(|(key, _)| !matches!(key.as_str(), "page" | "per_page" | "cursor" | "private_token"));
        pairs.map(|(key, value)| format!("{}={}&", encode(key), encode(value))).collect()
    }
}

/// Reads a yes or no as Grape does (`Dry::Types["params.bool"]`).
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "on" | "On" | "ON" | "t" | "true" | "True" | "TRUE" | "T" | "y" | "yes" | "Yes" | "YES" | "Y" => {
            Some(true)
        }
        "0" | "off" | "Off" | "OFF" | "f" | "false" | "False" | "FALSE" | "F" | "n" | "no" | "No" | "NO" | "N" => {
            Some(false)
        }
        _ => None,
    }
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (bytes[at], hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
