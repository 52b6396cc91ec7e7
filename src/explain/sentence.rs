//! A sentence with foreign names in it: each renderer marks and escapes them in its own way.

use std::fmt;

/// A part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentencePart {
    /// Ours.
    Words(String),
    /// GitLab's: the name of a job, a test, a line of a log.
    Name(String),
}

impl SentencePart {
    /// Returns it as it is.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Words(text) | Self::Name(text) => text,
        }
    }
}

/// One sentence, without a full stop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sentence(pub Vec<SentencePart>);

impl Sentence {
    pub fn words(words: impl Into<String>) -> Self {
        Self(vec![SentencePart::Words(words.into())])
    }

    pub fn and(mut self, words: impl Into<String>) -> Self {
        self.0.push(SentencePart::Words(words.into()));
        self
    }

    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.push(SentencePart::Name(name.into()));
        self
    }

    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl fmt::Display for Sentence {
    /// Writes names between backticks, and as they are: for JSON and for tests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            SentencePart::Words(words) => f.write_str(words),
            SentencePart::Name(name) => write!(f, "`{name}`"),
        })
    }
}
