//! The watch loop over a hub: the same updates and changes as over GitLab, so that every view and output works alike.
//!
//! Events only say when to read. Without them, the interval does; when the hub is gone, everything known is old.

use super::event_stream;
use super::reader::{HubReadError, HubReader};
use crate::collect::run::ReadingReply;
use crate::collect::watch::{FailedReading, RequestReceiver, WatchOutlet, WatchPhase};
use crate::domain::past::KnownPast;
use crate::domain::project::RowState;
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Events that come within this are one reading.
const TOGETHER: Duration = Duration::from_millis(300);

/// The parts of a feed.
pub struct HubFeed {
    pub reader: HubReader,
    pub interval: Duration,
    pub outlet: WatchOutlet,
    /// What the hub remembers of each reading, before it.
    pub past: watch::Sender<Arc<KnownPast>>,
    pub requests: RequestReceiver,
    /// Finds the words for a reading that brought nothing.
    pub explain: fn(&HubReadError) -> FailedReading,
}

impl HubFeed {
    /// Reads until no listener is left. Only a first reading that brings nothing ends it with an error.
    pub async fn run(mut self) -> Result<(), HubReadError> {
        let (wakes, client) = (Notify::new(), self.reader.shared_client());
        if self.outlet.updates.borrow().whole().is_none() {
            self.refresh().await?;
        }
        tokio::select! {
            outcome = self.follow(&wakes) => outcome,
            () = event_stream::listen(&client, &wakes) => Ok(()),
        }
    }

    async fn follow(&mut self, wakes: &Notify) -> Result<(), HubReadError> {
        loop {
            let until = Instant::now() + crate::collect::plan::jittered(self.interval, fastrand::f64());
            self.outlet.updates.send_modify(|update| {
                update.phase = WatchPhase::Waiting { until, interval: self.interval };
            });
            tokio::select! {
                () = sleep_until(until) => {}
                () = async { wakes.notified().await; sleep(TOGETHER).await } => {}
                () = self.requests.wait() => self.requests.clear(),
                () = self.outlet.updates.closed() => return Ok(()),
            }
            self.refresh().await?;
        }
    }

    /// Reads once; what fails makes old what is known.
    pub async fn refresh(&mut self) -> Result<(), HubReadError> {
        let begun = Instant::now();
        let last = self.outlet.updates.borrow().whole().cloned();
        match (self.reader.read().await, last) {
            (Ok(ReadingReply { mut snapshot, unmatched, excluded }), last) => {
                if let Some(last) = last {
                    share(&last, &mut snapshot);
                }
                // What comes from a hub has been on its way since the hub has read it.
                let took = begun.elapsed() + oldest(&snapshot);
                let past = self.reader.past();
                self.past.send_if_modified(|known| {
                    let is_news = *known != past;
                    *known = past;
                    is_news
                });
                self.outlet.publish(snapshot, |update| {
                    (update.unmatched, update.excluded) = (unmatched, excluded);
                    (update.took, update.failed) = (took, None);
                });
                Ok(())
            }
            (Err(error), None) => Err(error),
            (Err(error), Some(last)) => {
                let failed = (self.explain)(&error);
                let now = self.reader.now().unwrap_or(last.taken_at);
                let gone = last.outdated(self.problem(&error));
                self.outlet.publish(Snapshot { taken_at: now, ..gone }, |update| update.failed = Some(failed));
                Ok(())
            }
        }
    }

    fn problem(&self, error: &HubReadError) -> Problem {
        let failure = match error {
            HubReadError::Failed(error) => error.failure.clone(),
            HubReadError::NoGroup(missing) => missing.failure(),
        };
        Problem { scope: ProblemScope::Group, subject: self.reader.client().home().to_owned(), failure }
    }
}

/// Returns how old the oldest row is that counts as read.
fn oldest(snapshot: &Snapshot) -> Duration {
    let read = snapshot.rows.iter().filter(|row| !matches!(row.state, RowState::Stale { .. } | RowState::Error(_)));
    let age = read.map(|row| snapshot.taken_at - row.as_of).max();
    age.and_then(|age| age.to_std().ok()).unwrap_or_default()
}

/// Shares with the last snapshot what is the same: listeners then see at once that nothing has happened.
fn share(last: &Snapshot, snapshot: &mut Snapshot) {
    for (row, before) in snapshot.rows.iter_mut().zip(&last.rows) {
        if row.project == before.project {
            row.project = Arc::clone(&before.project);
        }
        if let (RowState::Ok(now), RowState::Ok(known)) = (&mut row.state, &before.state)
            && *now == *known
        {
            *now = Arc::clone(known);
        }
    }
}
