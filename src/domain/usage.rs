//! The requests and bytes that a run has used, and the server's limit.

use chrono::{DateTime, Utc};

/// Which of GitLab's APIs answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Api {
    #[default]
    Rest,
    Graphql,
}

impl Api {
    pub fn word(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Graphql => "graphql",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Rest, Self::Graphql].into_iter().find(|api| api.word() == word)
    }
}

/// Which of them the pipelines are to be read over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApiChoice {
    /// GraphQL, and REST where that does not answer.
    #[default]
    Auto,
    Graphql,
    Rest,
}

/// What one reading took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub requests: u64,
    /// Body bytes received, after decompression.
    pub bytes: u64,
}

/// Requests and bytes so far, and the server's limit where it tells one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Requests sent, retries and redirects included: each one counts against the server's limit.
    pub requests: u64,
    /// Body bytes received, after decompression.
    pub bytes: u64,
    /// `RateLimit-Limit` of the last answer that carried one.
    pub limit: Option<u64>,
    /// `RateLimit-Remaining` of the last answer that carried one.
    pub remaining: Option<u64>,
    /// `RateLimit-Reset` of the last answer that carried one.
    pub resets_at: Option<DateTime<Utc>>,
    pub api: Api,
}

/// How often something was asked, and answered like this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointCount {
    /// The route, without ids, or the name of a GraphQL query.
    pub endpoint: String,
    /// `None` where no answer came.
    pub status: Option<u16>,
    pub count: u64,
}
