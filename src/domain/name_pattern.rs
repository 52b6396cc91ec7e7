//! Regular expressions as users of the exporter write them: Go's dialect, searched for anywhere in a name.

use regex::Regex;

/// A compiled pattern, with the text that it was written as.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    regex: Regex,
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for NamePattern {}

impl NamePattern {
    /// Compiles a pattern. The error says what is wrong with it, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let regex = Regex::new(&from_go(text)).map_err(|error| one_line(&error))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

fn one_line(error: &regex::Error) -> String {
    // The library draws where it is over several lines, and says what it is in the last one.
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Translates what Go understands in another way: `\d`, `\w` and `\s` are ASCII there, and `\Q...\E` is a literal text.
fn from_go(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut is_in_class = false;
    while let Some(character) = rest.next() {
        if character != '\\' {
            is_in_class = match character {
                '[' => true,
                ']' => false,
                _ => is_in_class,
            };
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('Q') => {
                let literal: String = std::iter::from_fn(|| rest.next()).collect();
                let (quoted, after) = literal.split_once("\\E").unwrap_or((&literal, ""));
                out += &regex::escape(quoted);
                return out + &from_go(after);
            }
            Some(class) if "dDwWsS".contains(class) => out += ascii_class(class, is_in_class),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

fn ascii_class(class: char, is_in_class: bool) -> &'static str {
    match (class, is_in_class) {
        ('d', true) => "0-9",
        ('d', false) => "[0-9]",
        ('D', _) => "[^0-9]",
        ('w', true) => "0-9A-Za-z_",
        ('w', false) => "[0-9A-Za-z_]",
        ('W', _) => "[^0-9A-Za-z_]",
        ('s', true) => r"\t\n\f\r ",
        ('s', false) => r"[\t\n\f\r ]",
        _ => r"[^\t\n\f\r ]",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_means_in_go() {
        let cases = [
            ("searched for anywhere", "ain", "main", true),
            ("an end", "^(?:main|master)$", "mainline", false),
            ("a digit is one of ten", r"^v\d$", "v1", true),
            ("a digit of another script is none", r"^v\d$", "v\u{0661}", false),
            ("in a class", r"^[\d-]+$", "1-2", true),
            ("a word", r"^\w+$", "release_1", true),
            ("no letter of another script", r"^\w+$", "caf\u{e9}", false),
            ("no digit", r"^\D+$", "main", true),
            ("a literal text", r"^\Qa.b\E$", "a.b", true),
            ("a literal text is no pattern", r"^\Qa.b\E$", "axb", false),
            ("a literal text without an end", r"^\Qa.", "a.c", true),
            ("a point is any character", "^.$", "\u{e9}", true),
        ];
        for (sentence, pattern, name, expected) in cases {
            assert_eq!(NamePattern::parse(pattern).unwrap().matches(name), expected, "{sentence}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_one_line() {
        for pattern in ["(", "[a", "*a", r"\"] {
            let error = NamePattern::parse(pattern).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{pattern}: {error}");
        }
    }
}
