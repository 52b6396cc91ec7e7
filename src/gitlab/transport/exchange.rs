//! Logs and counts each request that was sent: when, how long it took, and the answer.

use super::endpoint::{EndpointCounts, endpoint};
use super::{Purpose, Transport};
use crate::domain::failure::RequestLine;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::StatusCode;
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;

/// A request that was sent. It is logged and counted when it is dropped, whatever became of it.
pub(super) struct Exchange {
    request: String,
    endpoint: String,
    counts: Arc<EndpointCounts>,
    purpose: Purpose,
    attempts: u32,
    sent: DateTime<Utc>,
    start: Instant,
    status: Option<StatusCode>,
    bytes: u64,
    has_ended: bool,
}

impl Transport {
    /// Begins a request whose turn has come. `url` is another one than the line's behind a redirect.
    pub(super) fn exchange(&self, line: &RequestLine, url: &Url, attempts: u32) -> Exchange {
        let request =
            if line.url == url.as_str() { line.to_string() } else { format!("{} {}", line.method, bare(url)) };
        Exchange {
            request: self.scrub(&request),
            endpoint: endpoint(self.host(), line, url),
            counts: Arc::clone(&self.endpoints),
            purpose: self.purpose,
            attempts,
            sent: self.machine_now(),
            start: Instant::now(),
            status: None,
            bytes: 0,
            has_ended: false,
        }
    }
}

/// Returns an address that a server has sent us to, without what may be a secret in it: stores of logs sign theirs.
fn bare(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

impl Exchange {
    pub(super) fn answer_with(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Notes that all came that was wanted.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    fn outcome(&self) -> &'static str {
        match (self.status, self.has_ended) {
            (Some(_), true) => "answered",
            (Some(_), false) => "cut off",
            (None, _) => "no answer",
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.counts.add(&self.endpoint, self.status);
        tracing::debug!(
            request = self.request,
            purpose = self.purpose.word(),
            attempts = self.attempts,
            status = self.status.map(|status| status.as_u16()),
            sent = self.sent.to_rfc3339_opts(SecondsFormat::Millis, true),
            took_ms = self.start.elapsed().as_millis() as u64,
            bytes = self.bytes,
            "{}",
            self.outcome(),
        );
    }
}
