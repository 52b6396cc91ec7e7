//! From an answer to HTTP bytes, with whatever the faults do to them on the way.

use std::convert::Infallible;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::unfold;
use serde_json::{Value, json};

use super::faults::{Action, set_field};
use super::rest::ApiAnswer;
use super::trace::Trace;

const LOGIN_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in · GitLab</title></head><body></body></html>";
/// Rack::Attack's answer (GitLab's default text).
const RETRY_LATER: &str = "Retry later\n";
/// What GitLab's own application limits answer.
const TOO_OFTEN: &str = r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#;

/// An answer whose body is bytes.
pub(crate) struct HttpReply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) kind: &'static str,
    flow: BodyFlow,
}

/// How the body leaves.
enum BodyFlow {
    Whole,
    /// Half of it, then the connection closes.
    Cut,
    Slow {
        chunk: usize,
        pause: Duration,
    },
    Endless(u64),
    /// A log, made up while it is sent.
    Log(Trace),
}

/// Bodies of fewer bytes are not compressed.
const SMALLEST_COMPRESSED: usize = 1_024;
/// Logs up to this size are sent as any other body.
const SMALL_LOG: usize = 256 * 1024;

impl HttpReply {
    /// Turns an answer into bytes, changed by the faults in their order.
    pub(crate) fn of(answer: ApiAnswer, actions: &[Action]) -> Self {
        let ApiAnswer { status, headers, mut body, mut text, log, kind } = answer;
        for action in actions {
            match action {
                Action::SetField { field, value } => set_field(opened(&mut text, &mut body), field, value),
                Action::NullFields(fields) => {
                    fields.iter().for_each(|f| set_field(opened(&mut text, &mut body), f, &Value::Null));
                }
                _ => {}
            }
        }
        let text = text.unwrap_or_else(|| body.to_string());
        let mut reply = match log {
            Some(log) => Self::log(status, *log, actions),
            None => Self::text(status, "application/json", &text),
        };
        reply.kind = kind;
        for (name, value) in headers {
            reply.set(name, &value);
        }
        for action in actions {
            reply.suffer(action);
        }
        reply
    }

    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        let mut reply =
            Self { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec(), kind: "", flow: BodyFlow::Whole };
        reply.set("content-type", content_type);
        reply
    }

    /// Sends a large log piece by piece, unless a fault is to work on its bytes.
    fn log(status: u16, log: Trace, actions: &[Action]) -> Self {
        let mut reply = Self::text(status, "text/plain", "");
        if log.len() > SMALL_LOG && actions.is_empty() {
            reply.flow = BodyFlow::Log(log);
        } else {
            reply.body = log.part(0, log.len());
        }
        reply
    }

    /// Returns how many bytes the body has.
    pub(crate) fn length(&self) -> usize {
        if let BodyFlow::Log(log) = &self.flow { log.len() } else { self.body.len() }
    }

    /// Compresses a body that is sent in one piece; a small one stays as it is (nginx's `gzip_min_length` of GitLab).
    pub(crate) fn compress(&mut self) {
        if !matches!(self.flow, BodyFlow::Whole) || self.body.len() < SMALLEST_COMPRESSED {
            return;
        }
        let mut encoder = GzEncoder::new(Vec::with_capacity(self.body.len() / 4), Compression::fast());
        // Writing into memory does not fail; if it did, the answer would go out as it is.
        if let Ok(compressed) = encoder.write_all(&self.body).and_then(|()| encoder.finish()) {
            self.body = compressed;
            self.set("content-encoding", "gzip");
            self.set("vary", "Accept-Encoding");
        }
    }

    /// Answers past the rate limit.
    pub(crate) fn rate_limited(retry_after: Option<&str>, json: bool) -> Self {
        let mut reply = if json {
            Self::text(429, "application/json", TOO_OFTEN)
        } else {
            Self::text(429, "text/plain", RETRY_LATER)
        };
        if let Some(seconds) = retry_after {
            reply.set("retry-after", seconds);
        }
        reply.kind = "rate_limited";
        reply
    }

    /// Sets a header; names and values that HTTP forbids are left out.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
    }

    fn replace(&mut self, other: Self) {
        *self = Self { kind: self.kind, ..other };
    }

    fn suffer(&mut self, action: &Action) {
        match action {
            Action::Status { code, content_type, body, headers } => {
                self.replace(Self::text(*code, content_type, body));
                headers.iter().for_each(|(name, value)| self.set(name, value));
            }
            Action::RateLimited { retry_after, json } => {
                self.replace(Self::rate_limited(retry_after.as_deref(), *json));
            }
            Action::Html => self.replace(Self::text(200, "text/html; charset=utf-8", LOGIN_PAGE)),
            Action::Redirect { code, location } => {
                let text = format!("This resource has been moved permanently to {location}");
                self.replace(Self::text(*code, "text/plain", &text));
                self.set("location", location);
            }
            Action::Truncate => self.body.truncate(self.body.len() / 2),
            Action::Cut => self.flow = BodyFlow::Cut,
            Action::SlowBody { chunk, pause } => self.flow = BodyFlow::Slow { chunk: (*chunk).max(1), pause: *pause },
            Action::Huge { bytes } => self.flow = BodyFlow::Endless(*bytes),
            // Dropped at the very end, when the limit's and the date's headers are there too; the others do not change
            // the bytes.
            Action::DropHeaders(_)
            | Action::Reset
            | Action::Delay(_)
            | Action::Stall
            | Action::SetField { .. }
            | Action::NullFields(_)
            | Action::GraphqlErrorAtProject(_)
            | Action::Cable(_) => {}
        }
    }

    pub(crate) fn drop_headers(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::DropHeaders(names) = action {
                names.iter().for_each(|name| {
                    self.headers.remove(name.to_ascii_lowercase());
                });
            }
        }
    }

    /// The answer to a HEAD: the same headers, no body.
    pub(crate) fn into_head(self) -> Response {
        let length = self.length();
        let mut response = Self { flow: BodyFlow::Whole, body: Vec::new(), ..self }.into_response();
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    }

    pub(crate) fn into_response(self) -> Response {
        let length = self.length();
        let Self { status, headers, body, flow, .. } = self;
        let announced = matches!(flow, BodyFlow::Cut | BodyFlow::Log(_));
        let body = match flow {
            BodyFlow::Whole => Body::from(body),
            BodyFlow::Cut => cut(body),
            BodyFlow::Slow { chunk, pause } => slow(Bytes::from(body), chunk, pause),
            BodyFlow::Endless(bytes) => endless(bytes),
            BodyFlow::Log(log) => stream(log),
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        if announced {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

/// Returns the body as JSON that can be changed, read from the text if that is where it is.
fn opened<'a>(text: &mut Option<String>, body: &'a mut Value) -> &'a mut Value {
    if let Some(text) = text.take() {
        *body = serde_json::from_str(&text).unwrap_or_default();
    }
    body
}

fn cut(body: Vec<u8>) -> Body {
    let half = Bytes::from(body[..body.len() / 2].to_vec());
    Body::from_stream(unfold(Some(half), |left| async move {
        match left {
            Some(half) => Some((Ok(half), None)),
            None => {
                // hyper flushes what it has while the body is pending; without this nothing would leave at all.
                tokio::task::yield_now().await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), None))
            }
        }
    }))
}

fn slow(body: Bytes, chunk: usize, pause: Duration) -> Body {
    Body::from_stream(unfold(body, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let part = left.split_to(chunk.min(left.len()));
        Some((Ok::<_, Infallible>(part), left))
    }))
}

fn stream(log: Trace) -> Body {
    Body::from_stream(unfold((log, 0), |(log, sent)| async move {
        let part = log.part(sent, 64 * 1024);
        let sent = sent + part.len();
        (!part.is_empty()).then(|| (Ok::<_, Infallible>(Bytes::from(part)), (log, sent)))
    }))
}

/// A JSON array of spaces, made up while it is sent.
fn endless(bytes: u64) -> Body {
    const BLOCK: &[u8] = &[b' '; 16 * 1024];
    Body::from_stream(unfold((0_u64, false), move |(sent, closed)| async move {
        let left = usize::try_from(bytes.saturating_sub(sent)).unwrap_or(usize::MAX);
        let part = match (sent, left, closed) {
            (_, _, true) => return None,
            (0, _, false) => Bytes::from_static(b"["),
            (_, 0 | 1, false) => return Some((Ok(Bytes::from_static(b"]")), (bytes, true))),
            (_, left, false) => Bytes::from_static(&BLOCK[..BLOCK.len().min(left - 1)]),
        };
        let sent = sent + part.len() as u64;
        Some((Ok::<_, Infallible>(part), (sent, false)))
    }))
}

/// GitLab's answer when something broke inside.
pub(crate) fn broken() -> ApiAnswer {
    ApiAnswer::error(500, json!({ "message": "500 Internal Server Error" }))
}
