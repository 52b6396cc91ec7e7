//! The ways in which a request fails, with the attempts that were made. Tokens and query secrets never print.

use crate::domain::failure::{self, FailedRequest, Failure, FailureKind, RequestLine};
use crate::text::duration::duration;
use std::fmt;
use std::time::Duration;

/// A request that brought no usable answer.
#[derive(Debug)]
pub struct Error {
    pub request: Box<RequestLine>,
    pub kind: Kind,
    pub attempts: u32,
    pub elapsed: Duration,
    /// `x-request-id` of the last answer: what an administrator searches the logs for.
    pub request_id: Option<String>,
}

/// Why no client can be made of what was given.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("it has no certificate in it")]
    NoCertificate,
    #[error("a certificate in it is damaged")]
    DamagedCertificate(#[source] rustls::Error),
    #[error("it has no private key in it")]
    NoKey,
    #[error("its private key is encrypted")]
    EncryptedKey,
    #[error("{variable} {problem}")]
    Proxy { variable: &'static str, problem: &'static str },
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateProblem {
    #[error("is no longer valid")]
    Expired,
    #[error("is not valid yet")]
    NotYetValid,
    #[error("is for another name")]
    OtherName,
    #[error("is not trusted: its issuer is not known here")]
    UnknownIssuer,
    #[error("is not trusted: it is marked as a CA's")]
    MarkedAsCa,
    #[error("is not trusted: it is of X.509 version 1")]
    Version1,
    #[error("is not trusted")]
    Other,
}

/// What is wrong with a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyProblem {
    #[error("refuses the connection")]
    Refused,
    #[error("has a name that does not resolve")]
    Dns,
    #[error("asks for a login (407)")]
    Login,
    #[error("does not let the connection through")]
    NoTunnel,
}

/// The ways in which a request fails.
#[derive(Debug, thiserror::Error)]
pub enum Kind {
    #[error("the host name does not resolve")]
    Dns(#[source] reqwest::Error),
    #[error("the connection was refused")]
    Refused(#[source] reqwest::Error),
    #[error("the server's certificate {problem}")]
    Certificate { problem: CertificateProblem, source: reqwest::Error },
    #[error("the server {}", if *is_refused { "refuses the client certificate" } else { "asks for a client certificate" })]
    ClientCertificate { is_refused: bool, source: reqwest::Error },
    /// Through a proxy, what fails first is the proxy.
    #[error("the proxy {proxy} {problem}")]
    Proxy { proxy: String, problem: ProxyProblem, source: reqwest::Error },
    #[error("the server does not speak https on this port")]
    NotTls(#[source] reqwest::Error),
    #[error("the answer cannot be unpacked: it is not what its Content-Encoding says")]
    NotPacked(#[source] reqwest::Error),
    #[error("the answer cannot be unpacked: its Content-Encoding is \"{0}\", which was not asked for")]
    OddPacking(String),
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("the answer broke off")]
    BodyCut(#[source] reqwest::Error),
    #[error("the answer is larger than {} MiB", .0 >> 20)]
    TooLarge(u64),
    #[error("GitLab answered {}", answered(401, .said))]
    Unauthorized {
        said: String,
        /// What the token is by its prefix, where that proves that it cannot do this.
        unfit: Option<&'static str>,
    },
    #[error("the token lacks the scope {needed}")]
    InsufficientScope { needed: String },
    /// A fine-grained token lacks a permission; GitLab names it.
    #[error("GitLab answered {}", answered(403, .said))]
    GranularScope { said: String },
    /// `said` is GitLab's own sentence, empty where it has none.
    #[error("429: too many requests{}{}", after_colon(.said), said_wait(.retry_after))]
    RateLimited { retry_after: Option<Duration>, said: String },
    #[error("the server asks to wait {}, longer than the {} that this run has left", about(*.wait), about(*.left))]
    WaitTooLong { wait: Duration, left: Duration },
    #[error("at our own rate its turn comes in {}, later than the {} that this run has left", about(*.wait), about(*.left))]
    OwnRate { wait: Duration, left: Duration },
    /// What acts would come too late for what was agreed to; so would what is read before it.
    #[error("it would have to wait {}: what acts is not sent after a wait, so nothing was sent", about(*.wait))]
    WaitBeforeAct { wait: Duration },
    #[error("the time of this run is over (--max-time)")]
    Deadline,
    /// GitLab's own refusal where the code is a 4xx; a failure of any server on the way where it is not.
    #[error("{} answered {}", answerer(*.code), answered(*.code, .said))]
    Status { code: u16, said: String },
    /// A 4xx that is not GitLab's: a fact about nothing that was asked for.
    #[error("{code}: not GitLab's answer but {found}")]
    NotGitlab { code: u16, found: String, cause: NotGitlab },
    #[error("the answer is not JSON but {found}")]
    NotJson { found: String },
    #[error("the answer is not what GitLab documents: at `{path}`: {problem}")]
    Decode { path: String, problem: String },
    /// A list that is too long to be read to its end.
    #[error("there are more than {most} projects, which is more than are listed")]
    ListTooLong { most: usize },
    #[error("the query failed: {0}")]
    Query(String),
    #[error("the query asks for too much at once: {0}")]
    TooComplex(String),
    #[error("this GitLab does not know the query: {0}")]
    UnknownField(String),
    #[error("it redirects to {to}, {why}")]
    Redirect {
        to: String,
        why: &'static str,
        /// It leads to what is no API: a login page.
        is_login: bool,
    },
    #[error("the answer is not a job's log but an HTML page, such as a login page or a proxy's")]
    NotLog,
    /// What was to become a websocket did not.
    #[error("no websocket: {0}")]
    Upgrade(String),
    /// What acts was sent, and the answer does not tell what became of it.
    #[error("{0}; GitLab may have done it all the same")]
    Unsure(Box<Kind>),
}

/// What the answer of another server proves about why it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotGitlab {
    /// `WWW-Authenticate`: a server in front of GitLab asks for a login of its own, by this scheme.
    Login(String),
    /// A page for a path with `%2F` in it, which a server on the way has decoded.
    EncodedSlash,
    /// 407: what answers is the proxy.
    ProxyLogin,
    /// The server wants https.
    PlainHttp,
    /// Nothing more: a firewall, a proxy, another program.
    Unknown,
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Names who answered: a 5xx, or that a request took too long, may come from any server on the way.
fn answerer(code: u16) -> &'static str {
    if (400..500).contains(&code) && !matches!(code, 408 | 425) { "GitLab" } else { "the server" }
}

/// Joins a status and what was said with it; GitLab often repeats the status itself.
fn answered(code: u16, said: &str) -> String {
    let code = code.to_string();
    match said {
        "" => code,
        said if said.starts_with(&code) => said.to_owned(),
        said => format!("{code}: {said}"),
    }
}

fn said_wait(wait: &Option<Duration>) -> String {
    wait.filter(|wait| !wait.is_zero()).map_or(String::new(), |wait| format!(", to be asked again in {}", about(wait)))
}

/// Writes how long it will still be, to the nearest second: an hour is an hour a moment later, too.
fn about(time: Duration) -> String {
    duration(Duration::from_secs(time.as_secs_f64().round() as u64))
}

impl Kind {
    /// Says whether the same request may fare better in a moment.
    ///
    /// Only what is passing: a server that restarts, a network that hiccups, a limit that refills.
    pub fn is_passing(&self) -> bool {
        match self {
            Kind::Refused(_) | Kind::Connection(_) | Kind::Timeout(_) | Kind::BodyCut(_) | Kind::RateLimited { .. } => {
                true
            }
            Kind::Status { code, .. } => is_passing_status(*code),
            // A proxy that restarts comes back; what it wants of us does not change.
            Kind::Proxy { problem, .. } => matches!(problem, ProxyProblem::Refused | ProxyProblem::NoTunnel),
            // A firewall that suspects a robot may think better of it; one that wants a login does not.
            Kind::NotGitlab { cause, .. } => *cause == NotGitlab::Unknown,
            Kind::Dns(_)
            | Kind::Certificate { .. }
            | Kind::ClientCertificate { .. }
            | Kind::NotTls(_)
            | Kind::NotPacked(_)
            | Kind::OddPacking(_)
            | Kind::TooLarge(_)
            | Kind::Unauthorized { .. }
            | Kind::InsufficientScope { .. }
            | Kind::GranularScope { .. }
            | Kind::WaitTooLong { .. }
            | Kind::OwnRate { .. }
            | Kind::WaitBeforeAct { .. }
            | Kind::Deadline
            | Kind::NotJson { .. }
            | Kind::Decode { .. }
            | Kind::ListTooLong { .. }
            | Kind::Query(_)
            | Kind::TooComplex(_)
            | Kind::UnknownField(_)
            | Kind::Redirect { .. }
            | Kind::NotLog
            | Kind::Upgrade(_)
            | Kind::Unsure(_) => false,
        }
    }

    /// Returns what kind of failure it is to those who do not know about requests.
    pub fn failure_kind(&self) -> FailureKind {
        match self {
            Kind::Dns(_) => FailureKind::Dns,
            Kind::Refused(_) => FailureKind::ConnectionRefused,
            Kind::Certificate { .. } | Kind::ClientCertificate { .. } => FailureKind::Certificate,
            Kind::Proxy { .. } => FailureKind::Proxy,
            Kind::NotTls(_) => FailureKind::NotHttps,
            Kind::NotPacked(_) | Kind::OddPacking(_) => FailureKind::NotPacked,
            Kind::Connection(_) => FailureKind::Connection,
            Kind::Timeout(_) => FailureKind::Timeout,
            Kind::BodyCut(_) => FailureKind::BodyCut,
            Kind::TooLarge(_) => FailureKind::BodyTooLarge,
            Kind::Unauthorized { .. } => FailureKind::Unauthorized,
            Kind::InsufficientScope { .. } => FailureKind::InsufficientScope,
            Kind::GranularScope { .. } => FailureKind::InsufficientGranularScope,
            Kind::NotGitlab { .. } | Kind::Upgrade(_) => FailureKind::NotGitlab,
            Kind::RateLimited { .. } | Kind::WaitTooLong { .. } | Kind::WaitBeforeAct { .. } => {
                FailureKind::RateLimited
            }
            Kind::Deadline => FailureKind::Deadline,
            Kind::Status { code, .. } => FailureKind::Http(*code),
            Kind::NotJson { .. } => FailureKind::NotJson,
            Kind::Decode { .. } => FailureKind::Decode,
            Kind::ListTooLong { .. } => FailureKind::ListTooLong,
            Kind::OwnRate { .. } => FailureKind::OwnRate,
            Kind::Query(_) => FailureKind::Graphql,
            Kind::TooComplex(_) => FailureKind::GraphqlComplexity,
            Kind::UnknownField(_) => FailureKind::GraphqlSchema,
            Kind::Redirect { .. } => FailureKind::Redirect,
            Kind::NotLog => FailureKind::NotLog,
            Kind::Unsure(_) => FailureKind::Unsure,
        }
    }

    /// Says whether a smaller question may fare better, or tell which project is to blame.
    pub fn is_too_much(&self) -> bool {
        match self {
            Kind::Timeout(_) | Kind::TooLarge(_) | Kind::TooComplex(_) | Kind::Query(_) | Kind::Decode { .. } => true,
            // A proxy that cannot take a large answer cuts it, or the connection, or answers itself.
            Kind::Connection(_) | Kind::BodyCut(_) | Kind::NotJson { .. } | Kind::NotGitlab { .. } => true,
            // 413 and 414 say so, 408 nearly.
            Kind::Status { code, .. } => *code >= 500 || matches!(code, 408 | 413 | 414),
            _ => false,
        }
    }

    /// Says whether GraphQL itself is what the server refuses: it is missing, hidden behind a login page, or not for this token.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Kind::Unauthorized { .. }
            | Kind::InsufficientScope { .. }
            | Kind::GranularScope { .. }
            | Kind::NotGitlab { .. }
            | Kind::NotJson { .. }
            | Kind::UnknownField(_)
            | Kind::Redirect { .. } => true,
            Kind::Status { code, .. } => (400..500).contains(code) && !is_passing_status(*code) && !self.is_too_much(),
            _ => false,
        }
    }
}

/// Says whether a status is that of a server in passing trouble. 520-527 and 530 are Cloudflare's
/// (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>).
pub(super) fn is_passing_status(code: u16) -> bool {
    matches!(code, 408 | 425 | 429 | 500 | 502..=504 | 520..=527 | 530)
}

/// Returns GitLab's reason, where a refusal says more than the name of its status.
pub(super) fn reason(said: &str) -> Option<&str> {
    let bare = said.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').to_lowercase();
    let is_bare = matches!(bare.as_str(), "" | "forbidden" | "unauthorized") || bare.ends_with("not found");
    (!is_bare).then_some(said)
}

impl Error {
    /// Returns what kind of failure it is to those who do not know about requests.
    pub fn failure_kind(&self) -> FailureKind {
        self.kind.failure_kind()
    }

    /// Returns the HTTP status that GitLab itself refused with, if it did; the page of another server is no refusal.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            Kind::Unauthorized { .. } => Some(401),
            Kind::InsufficientScope { .. } | Kind::GranularScope { .. } => Some(403),
            Kind::RateLimited { .. } => Some(429),
            Kind::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Returns GitLab's sentence where a fine-grained token lacks a permission
    /// (<https://docs.gitlab.com/auth/tokens/fine_grained_access_tokens_rest/>).
    pub fn missing_permission(&self) -> Option<&str> {
        match &self.kind {
            Kind::GranularScope { said } => Some(said),
            _ => None,
        }
    }

    /// Returns what happened, as a sentence without addresses and ids.
    pub fn sentence(&self) -> String {
        format!("{}{}", self.kind, failure::effort(self.attempts, self.elapsed))
    }

    /// Returns which request it was: what helps an administrator to find it.
    pub fn failed_request(&self) -> FailedRequest {
        FailedRequest {
            line: (*self.request).clone(),
            status: self.status(),
            request_id: self.request_id.clone(),
            json_path: match &self.kind {
                Kind::Decode { path, .. } => Some(path.clone()),
                _ => None,
            },
            attempts: self.attempts,
            elapsed: self.elapsed,
        }
    }

    /// Says whether the same request may fare better in a moment.
    pub fn is_passing(&self) -> bool {
        self.kind.is_passing()
    }

    /// Says whether the thing asked for is hidden or absent, which is a fact about it and no failure of the request.
    pub fn is_no_access(&self) -> bool {
        matches!(self.kind, Kind::Status { code: 403 | 404, .. } | Kind::GranularScope { .. })
    }

    /// Says whether a websocket is not to be had here, whatever is tried again: what answers a request that is none of a
    /// browser's of this host is Rails with a plain 404, or a proxy.
    pub fn refuses_websockets(&self) -> bool {
        match &self.kind {
            Kind::Upgrade(_)
            | Kind::Redirect { .. }
            | Kind::Unauthorized { .. }
            | Kind::InsufficientScope { .. }
            | Kind::GranularScope { .. } => true,
            Kind::Status { code, .. } | Kind::NotGitlab { code, .. } => {
                (400..500).contains(code) && !is_passing_status(*code)
            }
            _ => false,
        }
    }

    /// Returns GitLab's reason for a refusal, where it says more than the name of the status.
    pub fn reason(&self) -> Option<&str> {
        match &self.kind {
            Kind::Status { said, .. } | Kind::Unauthorized { said, .. } => reason(said),
            Kind::GranularScope { said } => Some(said),
            _ => None,
        }
    }

    /// Says whether a smaller question may fare better, or tell which project is to blame.
    pub fn is_too_much(&self) -> bool {
        self.kind.is_too_much()
    }

    /// Says whether GraphQL itself is what the server refuses.
    pub fn is_graphql_unavailable(&self) -> bool {
        self.kind.is_unavailable()
    }

    /// Says whether no other request of this run can fare better.
    pub fn is_fatal(&self) -> bool {
        matches!(self.kind, Kind::Unauthorized { .. } | Kind::InsufficientScope { .. })
    }

    /// Says whether only a person can make it go away: who waits for the server waits in vain.
    pub fn outlasts_waiting(&self) -> bool {
        self.is_fatal() || matches!(self.kind, Kind::ListTooLong { .. })
    }
}

impl fmt::Display for Error {
    /// The sentence comes first: rows and narrow terminals cut off the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.sentence(), self.failed_request())
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let request = Some(Box::new(error.failed_request()));
        Self { kind: error.failure_kind(), message: error.kind.to_string(), request }
    }
}

impl std::error::Error for Error {
    /// Returns the root cause: the layers of the HTTP client in between only say that something below them failed.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let kind = match &self.kind {
            Kind::Unsure(kind) => kind,
            kind => kind,
        };
        let mut cause = std::error::Error::source(kind)?;
        while let Some(below) = cause.source() {
            cause = below;
        }
        Some(cause)
    }
}
