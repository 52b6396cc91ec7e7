//! Reading the groups again and again: what a listener holds (the latest update out, requests in), and the loop behind it.
//!
//! One reading after the other, so that a slow server is never asked twice at once; the clock is one that stands still
//! while a laptop sleeps, so that waking up is no storm.

use super::plan;
use super::run::{Collector, GroupError, Progress};
use crate::domain::project::{Failure, State};
use crate::domain::snapshot::{Problem, Scope, Snapshot};
use crate::domain::usage::Cost;
use chrono::TimeDelta;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Progress is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What a listener may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Read now instead of at the next turn.
    Refresh,
}

/// What the loop is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Reading(Progress),
    /// Until the next reading; `interval` is the real one, which may be longer than the one asked for.
    Waiting {
        until: Instant,
        interval: Duration,
    },
}

/// The latest that is known; a listener that was busy misses what came between, never the newest.
#[derive(Debug, Clone)]
pub struct Update {
    /// `None` until the first reading has ended, unless an earlier process has left something to be shown until then.
    pub snapshot: Option<Arc<Snapshot>>,
    /// How old what an earlier process has left is; `None` once the snapshot is one of ours.
    pub cached: Option<TimeDelta>,
    /// Patterns that no project answers to.
    pub unmatched: Vec<String>,
    pub left_out: usize,
    pub phase: Phase,
    /// What the last reading took.
    pub cost: Cost,
}

impl Update {
    pub fn new() -> Self {
        let phase = Phase::Reading(Progress::default());
        Self { snapshot: None, cached: None, unmatched: Vec::new(), left_out: 0, phase, cost: Cost::default() }
    }

    /// Starts from what an earlier process has left, this long ago.
    pub fn from_cache(age: TimeDelta, snapshot: Snapshot) -> Self {
        Self { snapshot: Some(Arc::new(snapshot)), cached: Some(age), ..Self::new() }
    }
}

impl Default for Update {
    fn default() -> Self {
        Self::new()
    }
}

pub use crate::gitlab::DEFAULT_RPS;

/// How often to read.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub asked: Duration,
    /// Requests per second that we allow ourselves.
    pub rps: f64,
}

/// Reads until nobody listens any more. Only a first reading that brings nothing ends it with an error, whatever an
/// earlier process has left: whose token has expired, or who has no network, is to be told at once.
///
/// `keep` is shown the collector after each reading that brought something.
pub async fn run(
    mut collector: Collector<'_>,
    pace: Pace,
    updates: &watch::Sender<Update>,
    mut requests: mpsc::Receiver<Request>,
    keep: &dyn Fn(&Collector<'_>),
) -> Result<(), GroupError> {
    loop {
        let usage_before = collector.client().usage();
        let told = Cell::new(None::<Instant>);
        let tell = |progress| {
            // A picture for each of 2000 projects would cost more than reading them.
            let now = Instant::now();
            let is_news = told.get().is_none_or(|told| now - told >= TELL_EVERY);
            updates.send_if_modified(|update| {
                update.phase = Phase::Reading(progress);
                is_news
            });
            if is_news {
                told.set(Some(now));
            }
        };
        let outcome = tokio::select! {
            outcome = collector.read(&tell) => outcome,
            () = updates.closed() => return Ok(()),
        };
        let usage = collector.client().usage();
        let cost = usage.since(&usage_before);
        let last =
            Some(updates.borrow()).filter(|update| update.cached.is_none()).and_then(|last| last.snapshot.clone());
        let (snapshot, said) = match (outcome, last) {
            (Ok(reply), _) => {
                keep(&collector);
                (reply.snapshot, Some((reply.unmatched, reply.left_out)))
            }
            (Err(error), Some(last)) => {
                let now = collector.client().server_now();
                (Snapshot { taken_at: now, usage, ..stale(&last, &error) }, None)
            }
            (Err(error), None) => return Err(error),
        };
        let interval =
            plan::interval(pace.asked, plan::next_cost(&snapshot, collector.batch_size()), usage.limit, pace.rps);
        let until = Instant::now() + plan::jittered(interval, fastrand::f64());
        updates.send_modify(|update| {
            update.snapshot = Some(Arc::new(snapshot));
            update.cached = None;
            if let Some((unmatched, left_out)) = said {
                update.unmatched = unmatched;
                update.left_out = left_out;
            }
            update.phase = Phase::Waiting { until, interval };
            update.cost = cost;
        });
        // Requests from before this reading have been answered by it.
        while requests.try_recv().is_ok() {}
        tokio::select! {
            () = sleep_until(until) => {}
            request = requests.recv() => if request.is_none() { return Ok(()) },
            () = updates.closed() => return Ok(()),
        }
    }
}

/// Returns the last snapshot as what it is after a reading that brought nothing: old.
fn stale(last: &Snapshot, error: &GroupError) -> Snapshot {
    let failure = Failure { kind: error.source.word(), message: error.source.to_string() };
    let mut snapshot = last.clone();
    for row in &mut snapshot.rows {
        if let State::Ok(pipelines) = &row.state {
            row.state = State::Stale { pipelines: Arc::clone(pipelines), failure: failure.clone() };
        }
    }
    snapshot.problems = vec![Problem { scope: Scope::Group, subject: error.group.clone(), failure }];
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::project::StateWord;
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use crate::gitlab::error::{Error, Kind};
    use chrono::DateTime;

    fn refused() -> Error {
        let kind = Kind::Unauthorized { said: "Token is expired".into(), unfit: None };
        Error { request: "GET /groups/acme".into(), kind, attempts: 1, elapsed: Duration::ZERO, request_id: None }
    }

    #[test]
    fn a_reading_that_brought_nothing_makes_old_what_was_known_and_keeps_the_rest() {
        let before = Snapshot {
            host: "https://gitlab.example.com".into(),
            taken_at: DateTime::from_timestamp(100, 0).unwrap(),
            groups: vec![],
            rows: vec![
                ran("ran", Status::Running, 10),
                row("never", State::NoPipeline { ever_ran: Some(false) }),
                row("hidden", State::NoAccess(failure())),
                row("unread", State::Error(failure())),
            ],
            problems: vec![Problem { scope: Scope::List, subject: "acme".into(), failure: failure() }],
            usage: Usage::default(),
        };
        let error = || GroupError { group: "acme".into(), source: Box::new(refused()) };
        let once = stale(&before, &error());
        let states: Vec<StateWord> = once.rows.iter().map(|row| row.state_word()).collect();
        use StateWord::{NoAccess, NoPipeline, Stale};
        assert_eq!(states, [Stale, NoPipeline, NoAccess, StateWord::Error]);
        assert_eq!(once.rows[0].pipelines(), before.rows[0].pipelines());
        assert_eq!(once.rows[0].as_of, before.rows[0].as_of, "old data is not made fresh");
        assert!(!once.is_complete());
        assert_eq!((once.problems.len(), once.problems[0].scope), (1, Scope::Group));
        // A second time changes nothing more.
        assert_eq!(stale(&once, &error()), once);
    }
}
