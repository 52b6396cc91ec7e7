//! Why something could not be read.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Why something could not be read: a stable word for scripts and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What happened, in a sentence.
    pub message: String,
    /// The request that met it, where it was a single one.
    pub request: Option<Box<FailedRequest>>,
}

/// Which request it is; the URL is without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    pub method: String,
    pub url: String,
    /// The name of a GraphQL query.
    pub query: Option<String>,
}

/// A request that brought no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRequest {
    pub line: RequestLine,
    /// GitLab's own HTTP status, where it refused.
    pub status: Option<u16>,
    /// `x-request-id` of the last answer: what an administrator searches the logs for.
    pub request_id: Option<String>,
    /// Where in the answer something is not as GitLab documents it.
    pub json_path: Option<String>,
    pub attempts: u32,
    pub elapsed: Duration,
}

/// Makes the enum, its words and the list of them from one table.
macro_rules! failure_kinds {
    ($($(#[$doc:meta])* $name:ident => $word:literal,)*) => {
        /// What kind of failure it is; its word is promised to scripts.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum FailureKind {
            $($(#[$doc])* $name,)*
            /// Another HTTP status: `http_502`.
            Http(u16),
            /// A word that this version does not know.
            Other(String),
        }

        impl FailureKind {
            /// All that have one word.
            pub const NAMED: &[Self] = &[$(Self::$name),*];

            /// Returns the word for scripts.
            pub fn word(&self) -> Cow<'_, str> {
                match self {
                    $(Self::$name => Cow::Borrowed($word),)*
                    Self::Http(code) => Cow::Owned(format!("http_{code}")),
                    Self::Other(word) => Cow::Borrowed(word),
                }
            }

            /// Returns the kind of this word.
            pub fn from_word(word: &str) -> Self {
                let http = || word.strip_prefix("http_")?.parse().ok().map(Self::Http);
                match word {
                    $($word => Self::$name,)*
                    word => http().filter(|kind| kind.word() == word).unwrap_or_else(|| Self::Other(word.into())),
                }
            }
        }
    };
}

failure_kinds! {
    /// GitLab's own 403.
    Forbidden => "forbidden",
    /// GitLab's own 404.
    NotFound => "not_found",
    Unauthorized => "unauthorized",
    InsufficientScope => "insufficient_scope",
    /// GitLab's own 403 to a fine-grained token.
    InsufficientGranularScope => "insufficient_granular_scope",
    MissingPermission => "missing_permission",
    CiDisabled => "ci_disabled",
    Contradictory => "contradictory",
    PipelineDeleted => "pipeline_deleted",
    Dns => "dns",
    ConnectionRefused => "connection_refused",
    Connection => "connection",
    Proxy => "proxy",
    Certificate => "certificate",
    NotHttps => "not_https",
    Redirect => "redirect",
    Timeout => "timeout",
    Deadline => "deadline",
    RateLimited => "rate_limited",
    OwnRate => "own_rate",
    NotGitlab => "not_gitlab",
    NotJson => "not_json",
    Decode => "decode",
    NotPacked => "not_packed",
    BodyCut => "body_cut",
    BodyTooLarge => "body_too_large",
    ListRepeats => "list_repeats",
    ListShort => "list_short",
    ListForeign => "list_foreign",
    ListTooLong => "list_too_long",
    Graphql => "graphql",
    GraphqlComplexity => "graphql_complexity",
    GraphqlSchema => "graphql_schema",
    GraphqlField => "graphql_field",
    /// GraphQL does not answer, so that REST is read.
    GraphqlUnavailable => "graphql_unavailable",
    RefGlobWindow => "ref_glob_window",
    Cached => "cached",
    /// What answers is no hub of glwatch, or of another version.
    NotHub => "not_hub",
    /// A hub has read it too long ago.
    HubOld => "hub_old",
    LogLimit => "log_limit",
    LogTooLarge => "log_too_large",
    NotLog => "not_log",
    Unsure => "unsure",
    /// Of what `explain` is asked for, something is not found.
    Target => "target",
}

impl FailureKind {
    /// Says whether a failure is the server's, or that of the way to it, and no project's. GitLab answers 500 where the
    /// repository of a single project is out of order.
    pub fn is_of_the_server(&self) -> bool {
        match self {
            Self::Dns
            | Self::ConnectionRefused
            | Self::Connection
            | Self::Proxy
            | Self::Certificate
            | Self::Timeout => true,
            Self::Http(code) => matches!(code, 502..=504 | 520..=530),
            _ => false,
        }
    }
}

/// Of a refusal of which GitLab tells no more than that it is one.
const MESSAGE: &str = "403: this token may not see its pipelines, or CI/CD is switched off";

/// The end of the message where a part is refused like that.
const BARE: &str = "GitLab answered 403 Forbidden";

impl Failure {
    /// Makes a failure that no single request has met.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), request: None }
    }

    /// Answers that contradict each other.
    pub fn contradictory(what: &str) -> Self {
        Self::new(FailureKind::Contradictory, format!("its parts contradict each other: {what}"))
    }

    /// A refusal of which GitLab tells nothing more.
    pub fn forbidden() -> Self {
        Self::new(FailureKind::Forbidden, MESSAGE)
    }

    /// Says of what it is the cause.
    pub fn of(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Says whether the message has GitLab's own reason for a refusal.
    pub fn has_reason(&self) -> bool {
        match self.kind {
            FailureKind::InsufficientGranularScope => true,
            FailureKind::Forbidden => self.message != MESSAGE && !self.message.ends_with(BARE),
            _ => false,
        }
    }

    /// Returns what happened and how often it was tried, without the request.
    pub fn sentence(&self) -> String {
        let effort = self.request.as_ref().map_or(String::new(), |request| effort(request.attempts, request.elapsed));
        format!("{}{effort}", self.message)
    }

    /// Says whether GitLab refused it, which does not change by waiting.
    pub fn is_refusal(&self) -> bool {
        matches!(self.kind, FailureKind::Forbidden | FailureKind::NotFound | FailureKind::InsufficientGranularScope)
    }
}

impl fmt::Display for Failure {
    /// The sentence comes first: rows and narrow terminals cut off the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        match &self.request {
            Some(request) => write!(f, " [{request}]"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        match &self.query {
            Some(query) => write!(f, " ({query})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for FailedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line)?;
        match &self.request_id {
            Some(id) => write!(f, ", request id {id}"),
            None => Ok(()),
        }
    }
}

/// Says how often something was tried, where that was more than once; goes on after a sentence.
pub fn effort(attempts: u32, elapsed: Duration) -> String {
    match attempts {
        0 | 1 => String::new(),
        attempts => format!(" (after {attempts} attempts in {:.1}s)", elapsed.as_secs_f64()),
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_comes_back_from_its_word() {
        let others = ["http_", "http_0502", "http_99999", "HTTP_502", "", "a new one"];
        let others = others.map(|word| FailureKind::Other(word.into()));
        for kind in FailureKind::NAMED.iter().chain(&[FailureKind::Http(502)]).chain(&others) {
            assert_eq!(FailureKind::from_word(&kind.word()), *kind);
        }
        assert_eq!(FailureKind::from_word("http_502"), FailureKind::Http(502));
    }

    #[test]
    fn the_text_of_a_failure_is_its_sentence_and_then_the_request() {
        let request = FailedRequest {
            line: RequestLine { method: "GET".into(), url: "http://h/api/v4/projects/1".into(), query: None },
            status: Some(500),
            request_id: None,
            json_path: None,
            attempts: 1,
            elapsed: Duration::from_millis(3200),
        };
        let line = RequestLine { method: "POST".into(), query: Some("Newest".into()), ..request.line.clone() };
        let query = FailedRequest { line, ..request.clone() };
        let traced = FailedRequest { attempts: 4, request_id: Some("x".into()), ..request.clone() };
        let cases = [
            ("no request", None, "it failed", "it failed"),
            ("one attempt", Some(request), "it failed", "it failed [GET http://h/api/v4/projects/1]"),
            ("a query", Some(query), "it failed", "it failed [POST http://h/api/v4/projects/1 (Newest)]"),
            (
                "several attempts and an id",
                Some(traced),
                "it failed (after 4 attempts in 3.2s)",
                "it failed (after 4 attempts in 3.2s) [GET http://h/api/v4/projects/1, request id x]",
            ),
        ];
        for (sentence, request, expected, text) in cases {
            let request = request.map(Box::new);
            let failure = Failure { kind: FailureKind::Http(500), message: "it failed".into(), request };
            assert_eq!(failure.sentence(), expected, "{sentence}");
            assert_eq!(failure.to_string(), text, "{sentence}");
            assert_eq!(failure.clone().of("its jobs").to_string(), format!("its jobs: {text}"), "{sentence}");
        }
    }
}
