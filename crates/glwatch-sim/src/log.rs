//! What was asked of the server: the list that tests look at, and the counters that benches read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::query::QueryParameters;

/// A demo may run for days; older requests are forgotten (the counters are not).
const REMEMBERED: usize = 100_000;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// The path as sent, still percent-encoded.
    pub path: String,
    pub query: String,
    /// The name of the GraphQL operation, if this was one with a name.
    pub operation: Option<String>,
    /// What a REST action sent along, such as the variables of a job that is played; empty for GraphQL.
    pub body: String,
    /// Whether a token was sent.
    pub authorization: bool,
    /// 0 while there is no answer yet, or when there never was one.
    pub status: u16,
    /// By the simulated server's clock.
    pub at: DateTime<Utc>,
}

#[derive(Debug, Default)]
struct LogEntries {
    requests: VecDeque<Request>,
    /// How many were dropped from the front or cleared.
    gone: usize,
    cleared: usize,
    by_kind: BTreeMap<String, u64>,
    /// Those of `by_kind` that asked for page 2 or later of a list.
    further_pages: BTreeMap<&'static str, u64>,
    in_flight: usize,
    peak_in_flight: usize,
    /// Of the answers' bodies, before they were compressed.
    bytes: u64,
    /// As they were sent.
    sent_bytes: u64,
    panics: usize,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    entries: Mutex<LogEntries>,
    arrived: Condvar,
}

impl RequestLog {
    fn lock(&self) -> MutexGuard<'_, LogEntries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an arrival and returns its number.
    pub(crate) fn arrive(&self, request: Request) -> usize {
        let mut entries = self.lock();
        if entries.requests.len() == REMEMBERED {
            entries.requests.pop_front();
            entries.gone += 1;
        }
        entries.requests.push_back(request);
        entries.in_flight += 1;
        entries.peak_in_flight = entries.peak_in_flight.max(entries.in_flight);
        let number = entries.gone + entries.requests.len() - 1;
        self.arrived.notify_all();
        number
    }

    pub(crate) fn answered(&self, number: usize, kind: &'static str, status: u16, bytes: usize, sent: usize) {
        let mut guard = self.lock();
        let entries = &mut *guard;
        *entries.by_kind.entry(kind.to_owned()).or_default() += 1;
        entries.bytes += bytes as u64;
        entries.sent_bytes += sent as u64;
        let at = number.checked_sub(entries.gone);
        if let Some(request) = at.and_then(|at| entries.requests.get_mut(at)) {
            request.status = status;
            if let Some(operation) = &request.operation {
                *entries.by_kind.entry(format!("{kind}_{operation}")).or_default() += 1;
            }
            if QueryParameters::parse(&request.query).number("page").is_some_and(|page| page > 1) {
                *entries.further_pages.entry(kind).or_default() += 1;
            }
        }
    }

    pub(crate) fn left(&self) {
        self.lock().in_flight -= 1;
    }

    pub(crate) fn panicked(&self) {
        self.lock().panics += 1;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Forgets everything but the requests still in flight.
    pub(crate) fn clear(&self) {
        let mut entries = self.lock();
        let (gone, in_flight) = (entries.gone + entries.requests.len(), entries.in_flight);
        *entries = LogEntries { gone, cleared: gone, in_flight, peak_in_flight: in_flight, ..LogEntries::default() };
    }

    pub(crate) fn peak_in_flight(&self) -> usize {
        self.lock().peak_in_flight
    }

    pub(crate) fn panics(&self) -> usize {
        self.lock().panics
    }

    /// Waits until `n` requests have arrived since the last clearing; `false` when the deadline passed first.
    pub(crate) fn wait_for(&self, n: usize, deadline: Duration) -> bool {
        let missing = |entries: &mut LogEntries| entries.gone + entries.requests.len() - entries.cleared < n;
        let waited = self.arrived.wait_timeout_while(self.lock(), deadline, missing);
        let (_entries, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    pub(crate) fn stats(&self) -> Value {
        let entries = self.lock();
        json!({
            "requests": entries.gone + entries.requests.len() - entries.cleared, "by_kind": entries.by_kind,
            "further_pages": entries.further_pages, "in_flight": entries.in_flight, "peak_in_flight": entries.peak_in_flight, "bytes": entries.bytes, "sent_bytes": entries.sent_bytes,
            "panics": entries.panics,
        })
    }
}
