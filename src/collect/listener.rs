//! The output of the watch loop: the latest state, and every change that led to it.
//!
//! A listener that is slow misses states between, never a change: it gets them one after the other, in the order of their
//! numbers. Only one that is too slow by more than [`MOST_KEPT`] readings misses changes. It learns how many.

use super::watch::WatchUpdate;
use crate::domain::change::{Change, changes};
use crate::domain::snapshot::Snapshot;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

/// So many readings that changed something are kept for the slowest listener: at the usual interval 20 minutes.
const MOST_KEPT: usize = 128;

/// The loop's end.
#[derive(Debug)]
pub struct WatchOutlet {
    pub(crate) updates: watch::Sender<WatchUpdate>,
    changes: broadcast::Sender<Arc<[Change]>>,
}

impl WatchOutlet {
    /// Publishes the outcome of a reading, then what differs from the one before: a listener that starts from a state has
    /// not missed what led to it.
    pub(crate) fn publish(&self, snapshot: Snapshot, change: impl FnOnce(&mut WatchUpdate)) {
        let (before, last_change) = {
            let update = self.updates.borrow();
            (update.whole().cloned(), update.last_change)
        };
        // What is read first has not changed.
        let changes = before.map_or_else(Vec::new, |before| changes(Some(&before), &snapshot, last_change));
        self.updates.send_modify(|update| {
            update.snapshot = Some(Arc::new(snapshot));
            update.is_whole = true;
            update.last_change = changes.last().map_or(last_change, |change| change.seq);
            change(update);
        });
        if !changes.is_empty() {
            // Without a receiver nothing is lost: a later one starts from the state.
            let _ = self.changes.send(changes.into());
        }
    }
}

/// A listener's end: any number of them hear one loop, which ends when none is left.
#[derive(Debug, Clone)]
pub struct WatchListener {
    updates: watch::Receiver<WatchUpdate>,
    changes: broadcast::WeakSender<Arc<[Change]>>,
}

impl WatchListener {
    /// Returns the latest state, again and again.
    pub fn updates(&self) -> watch::Receiver<WatchUpdate> {
        self.updates.clone()
    }

    /// Returns the state of now, then every change.
    pub fn changes(&self) -> ChangeStream {
        // A loop that has ended sends nothing more.
        let changes = self.changes.upgrade().unwrap_or_else(|| broadcast::channel(1).0);
        ChangeStream { updates: self.updates(), changes: changes.subscribe(), seen: None }
    }
}

/// Makes the way from a loop to its listeners.
pub fn watch_channel(first: WatchUpdate) -> (WatchOutlet, WatchListener) {
    let (sender, updates) = watch::channel(first);
    let (changes, _) = broadcast::channel(MOST_KEPT);
    let listener = WatchListener { updates, changes: changes.downgrade() };
    (WatchOutlet { updates: sender, changes }, listener)
}

/// What a listener to changes gets.
#[derive(Debug, Clone)]
pub enum ChangeNews {
    /// The whole state, from where changes count: in the beginning, and after changes were missed.
    Start {
        snapshot: Arc<Snapshot>,
        /// So many changes lie between what this listener has seen and the snapshot; none in the beginning.
        missed: u64,
    },
    /// What one reading found to have changed, in the order of the numbers: the first one follows the last that was seen.
    Changes(Arc<[Change]>),
}

/// The changes that one loop finds, for one listener.
#[derive(Debug)]
pub struct ChangeStream {
    updates: watch::Receiver<WatchUpdate>,
    changes: broadcast::Receiver<Arc<[Change]>>,
    /// The number of the last change that was seen; `None` before the start.
    seen: Option<u64>,
}

impl ChangeStream {
    /// Waits for what comes next; `None` when the loop has ended. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Option<ChangeNews> {
        loop {
            let Some(seen) = self.seen else { return self.start().await };
            match self.changes.recv().await {
                Ok(changes) => match changes.last() {
                    Some(newest) if newest.seq > seen => {
                        self.seen = Some(newest.seq);
                        return Some(ChangeNews::Changes(changes));
                    }
                    // The snapshot has them already.
                    Some(_) | None => {}
                },
                Err(RecvError::Lagged(_)) => return self.start().await,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Starts, or starts again, from the outcome of the latest reading.
    async fn start(&mut self) -> Option<ChangeNews> {
        // What is still kept is older than the state.
        self.changes = self.changes.resubscribe();
        let update = self.updates.wait_for(|update| update.whole().is_some()).await.ok()?;
        let snapshot = Arc::clone(update.whole()?);
        let missed = self.seen.map_or(0, |seen| update.last_change.saturating_sub(seen));
        self.seen = Some(update.last_change);
        Some(ChangeNews::Start { snapshot, missed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::ChangeKind;
    use crate::domain::health::tests::ran;
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use chrono::DateTime;

    fn reads(outlet: &WatchOutlet, status: Status) {
        let snapshot = Snapshot {
            host: String::new(),
            taken_at: DateTime::UNIX_EPOCH,
            groups: vec![],
            rows: vec![ran("a", status, 0)],
            problems: vec![],
            usage: Usage::default(),
        };
        outlet.publish(snapshot, |_| ());
    }

    fn words(news: Option<ChangeNews>) -> String {
        match news {
            None => "end".into(),
            Some(ChangeNews::Start { snapshot, missed }) => {
                format!("start with {}, {missed} missed", snapshot.rows[0].worst().unwrap().word())
            }
            Some(ChangeNews::Changes(changes)) => {
                let word = |change: &Change| match &change.kind {
                    ChangeKind::Pipeline { from, to, .. } => {
                        format!("{}: {} -> {}", change.seq, from.as_ref().unwrap().word(), to.word())
                    }
                    other => panic!("{other:?}"),
                };
                changes.iter().map(word).collect::<Vec<_>>().join(", ")
            }
        }
    }

    #[tokio::test]
    async fn a_slow_listener_sees_every_change_that_the_latest_state_hides() {
        let (outlet, listener) = watch_channel(WatchUpdate::new());
        let (mut slow, mut other) = (listener.changes(), listener.changes());
        reads(&outlet, Status::Running);
        assert_eq!(words(slow.next().await), "start with running, 0 missed");
        for status in [Status::Failed, Status::Failed, Status::Running] {
            reads(&outlet, status);
        }
        assert_eq!(listener.updates().borrow().last_change, 2);
        assert_eq!(words(slow.next().await), "1: running -> failed");
        assert_eq!(words(slow.next().await), "2: failed -> running");
        // One that starts later starts from the state of then, and gets nothing twice.
        assert_eq!(words(other.next().await), "start with running, 0 missed");
        reads(&outlet, Status::Success);
        for listener in [&mut slow, &mut other] {
            assert_eq!(words(listener.next().await), "3: running -> success");
        }
        drop(outlet);
        assert_eq!(words(slow.next().await), "end");
        assert_eq!(words(listener.changes().next().await), "start with success, 0 missed");
    }

    #[tokio::test]
    async fn a_listener_that_is_far_too_slow_learns_how_much_it_missed_and_starts_again() {
        let (outlet, listener) = watch_channel(WatchUpdate::new());
        let mut slow = listener.changes();
        reads(&outlet, Status::Running);
        assert_eq!(words(slow.next().await), "start with running, 0 missed");
        reads(&outlet, Status::Failed);
        assert_eq!(words(slow.next().await), "1: running -> failed");
        for _ in 0..MOST_KEPT {
            reads(&outlet, Status::Running);
            reads(&outlet, Status::Failed);
        }
        assert_eq!(words(slow.next().await), format!("start with failed, {} missed", 2 * MOST_KEPT));
        reads(&outlet, Status::Success);
        assert_eq!(words(slow.next().await), format!("{}: failed -> success", 2 * MOST_KEPT + 2));
    }
}
