//! What goes wrong with a hub, in words that do not take it for GitLab.

use super::document::DocumentError;
use crate::domain::failure::{FailedRequest, Failure, FailureKind, RequestLine};
use crate::gitlab::error::Kind;
use crate::gitlab::{PlainHttp, clean_foreign};
use std::time::Duration;

/// The ways in which a request to a hub fails.
#[derive(Debug, thiserror::Error)]
pub enum HubProblem {
    /// No answer came, or none that can be used as bytes.
    #[error(transparent)]
    Http(#[from] Kind),
    #[error("the hub asks for a token, and none is given")]
    TokenWanted,
    #[error("the hub refuses the token")]
    TokenRefused,
    #[error("it redirects to {to}, and redirects of a hub are not followed")]
    Redirect { to: String },
    #[error("the answer is not a hub's but an HTML page, such as a login page or a proxy's")]
    Page,
    /// 503: it has read nothing yet, or it ends.
    #[error("the hub has nothing to show: {said}")]
    NotReady { said: String },
    #[error("the hub answered {code}{said}")]
    Status { code: u16, said: String },
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the hub does not tell how old its data is")]
    NoAge,
}

impl HubProblem {
    /// Says whether the same request may fare better in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Http(kind) => kind.is_passing(),
            Self::NotReady { .. } => true,
            Self::Status { code, .. } => matches!(code, 408 | 425 | 429 | 500 | 502 | 504),
            Self::TokenWanted
            | Self::TokenRefused
            | Self::Redirect { .. }
            | Self::Page
            | Self::Document(_)
            | Self::NoAge => false,
        }
    }

    fn kind(&self) -> FailureKind {
        match self {
            Self::Http(kind) => kind.failure_kind(),
            Self::TokenWanted | Self::TokenRefused => FailureKind::Unauthorized,
            Self::Redirect { .. } => FailureKind::Redirect,
            Self::NotReady { .. } => FailureKind::Http(503),
            Self::Status { code, .. } => FailureKind::Http(*code),
            Self::Page | Self::Document(_) | Self::NoAge => FailureKind::NotHub,
        }
    }

    fn status(&self) -> Option<u16> {
        match self {
            Self::TokenWanted | Self::TokenRefused => Some(401),
            Self::NotReady { .. } => Some(503),
            Self::Status { code, .. } => Some(*code),
            Self::Http(_) | Self::Redirect { .. } | Self::Page | Self::Document(_) | Self::NoAge => None,
        }
    }
}

/// A request to a hub that brought nothing.
#[derive(Debug, thiserror::Error)]
#[error("{}", .failure.sentence())]
pub struct HubError {
    pub problem: HubProblem,
    /// The same for rows and problems: without secrets, and harmless to print.
    pub failure: Failure,
}

impl HubError {
    pub(super) fn new(http: &PlainHttp, path: &str, problem: HubProblem, effort: (u32, Duration)) -> Self {
        let (attempts, elapsed) = effort;
        let request = FailedRequest {
            line: RequestLine { method: "GET".into(), url: http.url(path), query: None },
            status: problem.status(),
            request_id: None,
            json_path: None,
            attempts,
            elapsed,
        };
        let message = clean_foreign(&http.scrub(&problem.to_string()));
        let failure = Failure { kind: problem.kind(), message, request: Some(Box::new(request)) };
        Self { problem, failure }
    }
}
