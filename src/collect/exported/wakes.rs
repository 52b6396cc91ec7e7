//! Wake-ups for the tracker: something says that a ref or an environment is due, and never what is true. They are merged,
//! so that they take bounded memory and none is lost.

use crate::domain::exported::TrackedRef;
use crate::domain::id::ProjectId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use tokio::sync::Notify;

/// As many may wait; where more do, everything is due.
const MOST_WAITING: usize = 10_000;

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrackerWake {
    Ref(ProjectId, TrackedRef),
    /// An environment by its name.
    Environment(ProjectId, String),
    /// A ref that is said to be gone: whether it is, is read.
    Project(ProjectId),
    /// Pipelines moved: which ones, is asked.
    Pipelines(ProjectId),
}

/// What has been said since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum WaitingWakes {
    #[default]
    Nothing,
    Some(BTreeSet<TrackerWake>),
    Everything,
}

impl WaitingWakes {
    fn add(&mut self, wakes: impl IntoIterator<Item = TrackerWake>) {
        let mut waiting = match mem::take(self) {
            Self::Everything => return *self = Self::Everything,
            Self::Some(waiting) => waiting,
            Self::Nothing => BTreeSet::new(),
        };
        waiting.extend(wakes);
        *self = match waiting.len() {
            0 => Self::Nothing,
            1..=MOST_WAITING => Self::Some(waiting),
            _ => Self::Everything,
        };
    }
}

#[derive(Debug, Default)]
struct WakeQueue {
    waiting: Mutex<WaitingWakes>,
    arrived: Notify,
}

/// The end of those who know that something is due.
#[derive(Debug, Clone, Default)]
pub struct WakeSender(Arc<WakeQueue>);

impl WakeSender {
    /// Says what is due; at once, however much waits already.
    pub fn send(&self, wakes: impl IntoIterator<Item = TrackerWake>) {
        self.0.waiting.lock().add(wakes);
        self.0.arrived.notify_one();
    }

    /// Says that everything is due: what exactly, is not known any more.
    pub fn send_everything(&self) {
        *self.0.waiting.lock() = WaitingWakes::Everything;
        self.0.arrived.notify_one();
    }

    /// Returns the tracker's end.
    pub fn receiver(&self) -> WakeReceiver {
        WakeReceiver(Arc::clone(&self.0))
    }
}

/// The tracker's end.
#[derive(Debug)]
pub struct WakeReceiver(Arc<WakeQueue>);

impl WakeReceiver {
    pub(super) fn take(&self) -> WaitingWakes {
        mem::take(&mut self.0.waiting.lock())
    }

    pub(super) async fn wait(&self) {
        while *self.0.waiting.lock() == WaitingWakes::Nothing {
            self.0.arrived.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_merged_and_never_lost() {
        let wake = |id: u64| TrackerWake::Project(ProjectId(id));
        let some = |ids: &[u64]| WaitingWakes::Some(ids.iter().map(|id| wake(*id)).collect());
        let full = || (0..MOST_WAITING as u64).map(wake).collect::<Vec<_>>();
        let cases = [
            ("nothing", vec![], WaitingWakes::Nothing),
            ("the same twice is once", vec![vec![wake(1)], vec![wake(1), wake(2)]], some(&[1, 2])),
            ("as many as there is room for", vec![full()], WaitingWakes::Some(full().into_iter().collect())),
            ("one more: everything", vec![full(), vec![wake(u64::MAX)]], WaitingWakes::Everything),
            ("and it stays so", vec![full(), vec![wake(u64::MAX)], vec![wake(1)]], WaitingWakes::Everything),
        ];
        for (sentence, sent, expected) in cases {
            let sender = WakeSender::default();
            sent.into_iter().for_each(|wakes| sender.send(wakes));
            assert_eq!(sender.receiver().take(), expected, "{sentence}");
            assert_eq!(sender.receiver().take(), WaitingWakes::Nothing, "{sentence}: it is taken once");
        }
    }
}
