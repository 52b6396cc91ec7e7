//! A hub's events, as hints that something has moved. What is true is read: nothing of an event is shown.

use super::client::HubClient;
use super::error::HubProblem;
use crate::gitlab::RetryOptions;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use tokio::sync::Notify;

/// A hub says something every 15 s; one that has not for so long is gone, whatever the connection says.
const SILENCE: Duration = Duration::from_secs(45);
/// A pipeline of a thousand jobs has as much; more in one line is no event.
const LONGEST_LINE: usize = 4 << 20;
/// A hub's numbers are shorter.
const LONGEST_ID: usize = 128;
const EVENTS: &str = "api/v1/events";
/// Between two attempts to listen. A hub that comes back is noticed by asking it, too.
const AGAIN: RetryOptions =
    RetryOptions { attempts: u32::MAX, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(30) };

/// Finds the ends of events in what comes in pieces.
#[derive(Debug, Default)]
pub(super) struct EventParser {
    line: Vec<u8>,
    /// The id of the event that is coming.
    id: Option<String>,
    has_data: bool,
    /// The id of the last event that came whole.
    pub(super) last: Option<String>,
}

/// A line that is too long for an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LineTooLong;

impl EventParser {
    /// Takes a piece; returns whether an event has come with it.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<bool, LineTooLong> {
        let mut has_event = false;
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + part.len() > LONGEST_LINE {
                return Err(LineTooLong);
            }
            self.line.extend_from_slice(part);
            if self.line.ends_with(b"\n") {
                has_event |= self.end_line();
            }
        }
        Ok(has_event)
    }

    /// Takes a whole line; returns whether it ends an event.
    fn end_line(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii_end();
        if line.is_empty() {
            let id = self.id.take();
            let has_event = std::mem::take(&mut self.has_data);
            if has_event && id.is_some() {
                self.last = id;
            }
            return has_event;
        }
        if let Some(id) = line.strip_prefix(b"id:") {
            let id = String::from_utf8_lossy(id.trim_ascii()).into_owned();
            let is_plain = id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
            self.id = Some(id).filter(|id| is_plain && !id.is_empty());
        }
        self.has_data |= line.starts_with(b"data");
        false
    }
}

/// Listens for ever, and wakes the reader: with every event, and when a connection that was heard is lost.
pub(super) async fn listen(hub: &HubClient, wakes: &Notify) {
    let mut last = None;
    loop {
        for wait in AGAIN.waits() {
            let (problem, has_heard) = follow(hub, &mut last, wakes).await;
            tracing::debug!(%problem, "the events of the hub have ended");
            if has_heard {
                wakes.notify_one();
                break;
            }
            tokio::time::sleep(wait).await;
        }
        tokio::time::sleep(AGAIN.first_wait).await;
    }
}

/// Listens until the connection ends; returns why, and whether it had been made.
async fn follow(hub: &HubClient, last: &mut Option<String>, wakes: &Notify) -> (HubProblem, bool) {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(id) = last.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(HeaderName::from_static("last-event-id"), id);
    }
    let mut response = match hub.http().open(EVENTS, headers).await {
        Ok(response) => response,
        Err(kind) => return (kind.into(), false),
    };
    let is_stream =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if response.status() != StatusCode::OK || !is_stream {
        return (HubProblem::Status { code: response.status().as_u16(), said: String::new() }, false);
    }
    let mut parser = EventParser { last: last.take(), ..EventParser::default() };
    let end = loop {
        match hub.http().next(&mut response, SILENCE).await {
            Ok(Some(piece)) => match parser.push(&piece) {
                Ok(true) => wakes.notify_one(),
                Ok(false) => {}
                Err(LineTooLong) => break HubProblem::Page,
            },
            Ok(None) => break HubProblem::NotReady { said: "its events have ended".into() },
            Err(kind) => break kind.into(),
        }
    };
    *last = parser.last;
    (end, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_with_an_empty_line_however_it_is_cut() {
        let two = "id: 7-1\nevent: change\ndata: {}\n\nid: 7-2\ndata: {}\n\n";
        type Case<'a> = (&'a str, &'a [&'a str], &'a [bool], Option<&'a str>);
        let cases: [Case<'_>; 9] = [
            ("two at once", &[two], &[true], Some("7-2")),
            (
                "cut in the middle of a line",
                &["id: 7-", "1\ndata: {", "}\n", "\n"],
                &[false, false, false, true],
                Some("7-1"),
            ),
            ("with carriage returns", &["id:7-1\r\ndata:{}\r\n\r\n"], &[true], Some("7-1")),
            ("a heartbeat is no event", &[": still here\n\n"], &[false], None),
            ("without an id", &["event: snapshot\ndata: {}\n\n"], &[true], None),
            ("an id without an event", &["id: 9\n\n"], &[false], None),
            ("an id that no header can carry", &["id: a b\ndata: {}\n\n"], &[true], None),
            ("one that never ends has not come", &["id: 7-1\ndata: {}\n"], &[false], None),
            ("no text at all", &["\u{0}\u{FFFD}\n\n"], &[false], None),
        ];
        for (sentence, pieces, expected, last) in cases {
            let mut parser = EventParser::default();
            let found: Vec<_> = pieces.iter().map(|piece| parser.push(piece.as_bytes()).unwrap()).collect();
            assert_eq!((found.as_slice(), parser.last.as_deref()), (expected, last), "{sentence}");
        }
        let mut parser = EventParser::default();
        let endless = vec![b'x'; LONGEST_LINE];
        assert_eq!(parser.push(&endless), Ok(false));
        assert_eq!(parser.push(b"x"), Err(LineTooLong));
    }
}
