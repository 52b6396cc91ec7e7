//! Why something could not be read, as it is written in the cache file.

use super::values::{nanos, option, text};
use crate::domain::failure::{FailedRequest, Failure, FailureKind, RequestLine};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

/// Kind, message, request.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FailureWire<'a>(Cow<'a, str>, Cow<'a, str>, Option<RequestWire<'a>>);

/// Method, URL, query, status, id, path in the answer, attempts, time.
#[derive(Debug, Serialize, Deserialize)]
struct RequestWire<'a>(
    Cow<'a, str>,
    Cow<'a, str>,
    Option<Cow<'a, str>>,
    Option<u16>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    u32,
    u64,
);

impl<'a> FailureWire<'a> {
    pub(super) fn new(failure: &'a Failure) -> Self {
        let request = failure.request.as_deref().map(|request| {
            let FailedRequest { line, status, request_id, json_path, attempts, elapsed } = request;
            let (method, url, query) = (text(&line.method), text(&line.url), option(&line.query));
            let (id, path) = (option(request_id), option(json_path));
            RequestWire(method, url, query, *status, id, path, *attempts, nanos(*elapsed))
        });
        Self(failure.kind.word(), text(&failure.message), request)
    }
}

impl From<FailureWire<'_>> for Failure {
    fn from(FailureWire(kind, message, request): FailureWire<'_>) -> Self {
        let request = request.map(|RequestWire(method, url, query, status, id, path, attempts, elapsed)| {
            let query = query.map(Cow::into_owned);
            Box::new(FailedRequest {
                line: RequestLine { method: method.into_owned(), url: url.into_owned(), query },
                status,
                request_id: id.map(Cow::into_owned),
                json_path: path.map(Cow::into_owned),
                attempts,
                elapsed: Duration::from_nanos(elapsed),
            })
        });
        Self { kind: FailureKind::from_word(&kind), message: message.into_owned(), request }
    }
}
