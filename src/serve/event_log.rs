//! Changes for those who listen over HTTP: each has a number, and one that comes back gets what it has missed.

use crate::domain::change::Change;
use crate::domain::past::KnownPast;
use crate::render::ndjson;
use crate::report::event::ChangeEvent;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::broadcast;

/// So many events are kept for those who come back.
const MOST_KEPT: usize = 1024;

/// One event as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedEvent {
    pub number: u64,
    /// One line of JSON, as `--watch -o ndjson` prints it.
    pub json: Arc<str>,
}

/// What a listener gets first.
#[derive(Debug)]
pub enum EventStart {
    /// All that it has missed.
    Missed(Vec<NumberedEvent>),
    /// What it has missed is not known any more, or it is new: the snapshot is the truth.
    Snapshot,
}

/// The last events, and the way to those who listen.
#[derive(Debug)]
pub struct EventLog {
    /// Tells the numbers of this process from those of an earlier one.
    epoch: i64,
    kept: Mutex<VecDeque<NumberedEvent>>,
    sender: broadcast::Sender<NumberedEvent>,
}

impl EventLog {
    /// Makes an empty log. `epoch` is when the process began, in seconds since 1970.
    pub fn new(epoch: i64) -> Self {
        Self { epoch, kept: Mutex::default(), sender: broadcast::channel(MOST_KEPT).0 }
    }

    /// Returns the name of an event for `Last-Event-ID`.
    pub fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.epoch)
    }

    /// Adds changes in their order, with what the memory knows.
    pub fn add(&self, changes: &[Change], past: &KnownPast) {
        let mut kept = self.kept.lock();
        for change in changes {
            let mut line = Vec::new();
            if ndjson::write_event(&ChangeEvent::with_past(change, past), &mut line).is_err() {
                continue;
            }
            let json = String::from_utf8_lossy(&line).trim_end().into();
            let event = NumberedEvent { number: change.seq, json };
            kept.push_back(event.clone());
            if kept.len() > MOST_KEPT {
                kept.pop_front();
            }
            // Without a listener nothing is lost: a later one starts from the snapshot.
            let _ = self.sender.send(event);
        }
    }

    /// Forgets what is kept: the snapshot is the truth for everyone who listens.
    pub fn lose(&self) {
        self.kept.lock().clear();
        let _ = self.sender.send(NumberedEvent { number: 0, json: "".into() });
    }

    /// Begins to listen. `last` is what the listener has seen last, as `id` has named it.
    pub fn listen(&self, last: Option<&str>) -> (EventStart, broadcast::Receiver<NumberedEvent>) {
        // Under the lock, so that no event comes between.
        let kept = self.kept.lock();
        let receiver = self.sender.subscribe();
        let seen = last.and_then(|last| last.split_once('-')).and_then(|(epoch, number)| {
            let is_ours = epoch.parse() == Ok(self.epoch);
            number.parse::<u64>().ok().filter(|_| is_ours)
        });
        let start = match (seen, kept.front(), kept.back()) {
            (Some(seen), Some(first), Some(newest))
                if first.number <= seen.saturating_add(1) && seen <= newest.number =>
            {
                EventStart::Missed(kept.iter().filter(|event| event.number > seen).cloned().collect())
            }
            _ => EventStart::Snapshot,
        };
        (start, receiver)
    }
}
