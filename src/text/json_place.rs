//! Finds the place in a JSON document where its decoder stopped.
//!
//! The decoder tells line and column. In a list of a thousand projects on one line a path says more: `projects[3].name`. It
//! is looked for after an error alone. A decoder that keeps the path as it goes would slow down every answer, and is made
//! once more for each type.

use std::fmt::{self, Display, Formatter};

/// A path has at most so many parts. What is not read may be nested without end, and costs nothing then.
const MOST_LEVELS: usize = 32;

/// What is open at the place.
enum OpenValue<'json> {
    /// The key that came last, as it is written; its value may be over.
    Object { key: Option<&'json [u8]>, expects_key: bool },
    /// How many items have begun; behind a comma it may be the item before or the one behind that is wrong.
    List { begun: usize, expects_item: bool },
}

impl OpenValue<'_> {
    /// Takes the beginning of a value in this one.
    fn begin(&mut self) {
        if let Self::List { begun, expects_item: expects_item @ true } = self {
            (*begun, *expects_item) = (*begun + 1, false);
        }
    }

    fn comma(&mut self) {
        match self {
            Self::Object { expects_key, .. } => *expects_key = true,
            Self::List { expects_item, .. } => *expects_item = true,
        }
    }
}

/// Returns the path to the value where `error` stopped the decoder of `json`: `projects[3].name`, or `.` for the document
/// itself. Keys are foreign text, as they are written.
///
/// Where the item of a list is refused as a whole, and not a value in it, the path may be that of the list. What is nested
/// too deep for a path has that of a value around it.
pub(crate) fn json_place(json: &[u8], error: &serde_json::Error) -> String {
    let before = json.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
    let end = before.map(<[u8]>::len).sum::<usize>() + error.column();
    path(&open_values(&json[..end.min(json.len())]))
}

/// Returns what is open where this beginning of a document ends, from the outside. The decoder has read it as JSON before.
fn open_values(mut json: &[u8]) -> Vec<OpenValue<'_>> {
    let mut open: Vec<OpenValue> = Vec::new();
    let mut too_deep = 0_usize;
    while let Some((first, mut rest)) = json.split_first() {
        let is_full = open.len() == MOST_LEVELS;
        let last = if too_deep == 0 { open.last_mut() } else { None };
        match first {
            b'"' => {
                let text;
                (text, rest) = split_string(rest);
                match last {
                    Some(OpenValue::Object { key, expects_key: expects_key @ true }) => {
                        (*key, *expects_key) = (Some(text), false);
                    }
                    Some(last) => last.begin(),
                    None => {}
                }
            }
            b',' => last.into_iter().for_each(OpenValue::comma),
            b'}' | b']' if too_deep > 0 => too_deep -= 1,
            b'}' | b']' => drop(open.pop()),
            b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                last.into_iter().for_each(OpenValue::begin);
                match first {
                    b'{' | b'[' if is_full => too_deep += 1,
                    b'{' => open.push(OpenValue::Object { key: None, expects_key: true }),
                    b'[' => open.push(OpenValue::List { begun: 0, expects_item: true }),
                    _ => {}
                }
            }
        }
        json = rest;
    }
    open
}

/// Splits behind the quotation mark that ends a string.
fn split_string(json: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = json.iter().position(|byte| match byte {
        b'"' if !is_escaped => true,
        byte => {
            is_escaped = *byte == b'\\' && !is_escaped;
            false
        }
    });
    match end {
        Some(end) => (&json[..end], &json[end + 1..]),
        None => (json, &[]),
    }
}

fn path(open: &[OpenValue]) -> String {
    let path: String = open.iter().map(OpenValue::to_string).collect();
    let path = path.strip_prefix('.').unwrap_or(&path);
    // A key may be empty.
    if path.is_empty() { ".".into() } else { path.to_owned() }
}

impl Display for OpenValue<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { key: Some(key), .. } => write!(out, ".{}", String::from_utf8_lossy(key)),
            Self::List { begun: begun @ 1.., expects_item: false } => write!(out, "[{}]", begun - 1),
            Self::Object { key: None, .. } | Self::List { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::num::NonZeroU8;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be decoded counts")]
    struct Group {
        name: String,
        projects: Vec<Project>,
        counts: Option<[u8; 2]>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be decoded counts")]
    struct Project {
        id: NonZeroU8,
        #[serde(default)]
        topics: Vec<Topic>,
    }

    /// Refused after it was read.
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Topic;

    impl TryFrom<String> for Topic {
        type Error = String;

        fn try_from(name: String) -> Result<Self, String> {
            if name == "bad" { Err("a bad topic".into()) } else { Ok(Self) }
        }
    }

    /// A document in which something is nested that deep, and then wrong.
    fn nested(levels: usize, inside: &str) -> String {
        format!(r#"{{"more":[{}{inside}{},nulx]}}"#, "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn the_place_is_that_of_the_value_that_is_wrong() {
        let cases = [
            ("a syntax error at the top", "x", "."),
            ("nothing", "", "."),
            ("another type at the top", "[]", "."),
            ("a list for an object, with items", "[{}]", "."),
            ("a field is missing", r#"{"name":"a"}"#, "."),
            (
                "a field is missing in an item",
                r#"{"name":"a","projects":[{"id":1},{"topics":[]},{"id":1}]}"#,
                "projects[1]",
            ),
            ("a number for a text", r#"{"name":7,"projects":[]}"#, "name"),
            ("an object for a text", r#"{"name":{"deep":[1]},"projects":[]}"#, "name"),
            ("a text for a list", r#"{"name":"a","projects":"none"}"#, "projects"),
            ("a text for an object", r#"{"name":"a","projects":[{"id":1},"x"]}"#, "projects[1]"),
            (
                "an object for a text in a list",
                r#"{"name":"a","projects":[{"topics":["a",{}]}]}"#,
                "projects[0].topics",
            ),
            ("too large a number", r#"{"name":"a","projects":[{"id":1},{"id":256,"topics":[]}]}"#, "projects[1].id"),
            ("zero", r#"{"name":"a","projects":[{"id":0}]}"#, "projects[0].id"),
            ("null", r#"{"projects":null,"name":"a"}"#, "projects"),
            ("too short a list", r#"{"counts":[1],"name":"a","projects":[]}"#, "counts"),
            (
                "refused after it was read",
                r#"{"name":"a","projects":[{"topics":["a","bad","c"],"id":1}]}"#,
                "projects[0].topics",
            ),
            ("refused as the last", r#"{"name":"a","projects":[{"topics":["a","bad"],"id":1}]}"#, "projects[0].topics"),
            ("cut off in a text", r#"{"name":"a","projects":[{"id":1,"topics":["a","b"#, "projects[0].topics[1]"),
            ("cut off behind a comma", r#"{"name":"a","projects":[{"id":1},"#, "projects"),
            ("an error in what is not read", r#"{"name":"a","more":{"x":[1,tru]}}"#, "more.x"),
            ("marks of JSON in texts", r#"{"name":"]}\",{[\\","projects":[{"id":"\\\""}]}"#, "projects[0].id"),
            ("a key with marks of JSON", r#"{"a\",{[b":nulx}"#, r#"a\",{[b"#),
            (
                "lines and blanks",
                "{\r\n\t\"name\" : \"a\" ,\n \"projects\" :\n[ { \"id\" : 1 } ,\n{ \"id\" : \"x\" } ] }",
                "projects[1].id",
            ),
            ("ended behind what is nested too deep", &nested(40, "1"), "more[1]"),
            ("nested too deep", &format!("{}nul", &nested(40, "")[..45]), &format!("more{}", "[0]".repeat(31))),
            (
                "nested without end",
                &format!(r#"{{"more":{}"#, "[".repeat(1_000_000)),
                &format!("more{}", "[0]".repeat(31)),
            ),
            ("behind the document", r#"{"name":"a","projects":[]} x"#, "."),
        ];
        for (what, json, place) in cases {
            let error = serde_json::from_str::<Group>(json).unwrap_err();
            assert_eq!(json_place(json.as_bytes(), &error), place, "{what}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_cut_off_or_overwritten_has_a_place(at in 0_usize..90, byte: u8) {
            let mut json = br#"{"name":"a\"b","projects":[{"id":1,"topics":["a","b"]},{"id":2}],"counts":[1,2],"more":[[{}]]}"#.to_vec();
            let cut = &json[..at];
            json_place(cut, &serde_json::from_slice::<Group>(cut).unwrap_err());
            json[at] = byte;
            if let Err(error) = serde_json::from_slice::<Group>(&json) {
                assert!(!json_place(&json, &error).is_empty());
            }
        }
    }
}
