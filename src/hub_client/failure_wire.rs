//! Failures and problems as a hub sends them.

use super::document::{DocumentError, contradiction};
use crate::domain::failure::{FailedRequest, FailureKind, RequestLine, effort};
use crate::domain::project::Failure;
use crate::domain::snapshot::{Problem, ProblemScope};
use serde::Deserialize;
use std::time::Duration;

/// Why a row or a pipeline lacks something.
#[derive(Deserialize)]
pub(super) struct HubErrorWire {
    kind: String,
    message: String,
    request: Option<HubRequestWire>,
}

#[derive(Deserialize)]
pub(super) struct ProblemWire {
    scope: String,
    subject: String,
    kind: String,
    message: String,
    request: Option<HubRequestWire>,
}

#[derive(Deserialize)]
struct HubRequestWire {
    method: String,
    url: String,
    query: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    json_path: Option<String>,
    attempts: u32,
    elapsed_ms: u64,
}

impl From<HubErrorWire> for Failure {
    fn from(HubErrorWire { kind, message, request }: HubErrorWire) -> Self {
        failure(FailureKind::from_word(&kind), message, request.map(FailedRequest::from))
    }
}

impl TryFrom<ProblemWire> for Problem {
    type Error = DocumentError;

    fn try_from(wire: ProblemWire) -> Result<Self, DocumentError> {
        use ProblemScope::{Api, Group, List, Project, Source};
        let Some(scope) = [Group, Source, List, Project, Api].into_iter().find(|scope| scope.word() == wire.scope)
        else {
            return contradiction(format!("no scope of a problem is called \"{}\"", wire.scope));
        };
        let request = wire.request.map(FailedRequest::from);
        let failure = failure(FailureKind::from_word(&wire.kind), wire.message, request);
        Ok(Self { scope, subject: wire.subject, failure })
    }
}

impl From<HubRequestWire> for FailedRequest {
    fn from(wire: HubRequestWire) -> Self {
        Self {
            line: RequestLine { method: wire.method, url: wire.url, query: wire.query },
            status: wire.status,
            request_id: wire.request_id,
            json_path: wire.json_path,
            attempts: wire.attempts,
            elapsed: Duration::from_millis(wire.elapsed_ms),
        }
    }
}

/// Takes the request, and how often it was sent, out of a message that ends with both. One that does not is kept as it is,
/// without the request: it is in no other words than the hub's.
fn failure(kind: FailureKind, message: String, request: Option<FailedRequest>) -> Failure {
    let sentence = request.as_ref().and_then(|request| {
        let whole = message.strip_suffix(&format!(" [{request}]"))?;
        whole.strip_suffix(&effort(request.attempts, request.elapsed)).map(str::to_owned)
    });
    match sentence {
        Some(message) => Failure { kind, message, request: request.map(Box::new) },
        None => Failure::new(kind, message),
    }
}
