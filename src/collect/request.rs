//! Requests to the watch loop. Waiting requests are merged: they take bounded memory and none is lost.

use crate::domain::id::ProjectId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use tokio::sync::Notify;

/// As many projects may wait to be read again; where more are due, everything is. One GraphQL query is about as many.
const MOST_WAITING: usize = 100;

/// What a listener may ask for. It says that something is due, never what is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Read everything now instead of at the next turn.
    Refresh,
    /// The same, and the list of projects before: it may have changed.
    List,
    /// Read these projects now. Those that no list of the groups has named are ignored: a list finds them in its turn, and
    /// a wrong id costs no request.
    Reread(Vec<ProjectId>),
}

/// What the next reading reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum DueReading {
    #[default]
    Nothing,
    Projects(BTreeSet<ProjectId>),
    Everything,
    /// Everything, and the groups' lists even if it is not their turn.
    EverythingAndLists,
}

impl DueReading {
    fn add(&mut self, request: Request) {
        let projects = match request {
            Request::List => return *self = Self::EverythingAndLists,
            Request::Refresh if *self == Self::EverythingAndLists => return,
            Request::Refresh => return *self = Self::Everything,
            Request::Reread(projects) => projects,
        };
        let mut waiting = match mem::take(self) {
            everything @ (Self::Everything | Self::EverythingAndLists) => return *self = everything,
            Self::Projects(waiting) => waiting,
            Self::Nothing => BTreeSet::new(),
        };
        waiting.extend(projects);
        *self = match waiting.len() {
            0 => Self::Nothing,
            1..=MOST_WAITING => Self::Projects(waiting),
            _ => Self::Everything,
        };
    }
}

#[derive(Debug, Default)]
struct RequestQueue {
    due: Mutex<DueReading>,
    arrived: Notify,
}

/// A listener's end: any number of them ask one loop.
#[derive(Debug, Clone)]
pub struct RequestSender(Arc<RequestQueue>);

impl RequestSender {
    /// Asks the loop. A reading that is under way began before, so another one follows it.
    pub fn send(&self, request: Request) {
        self.0.due.lock().add(request);
        self.0.arrived.notify_one();
    }
}

/// The loop's end.
#[derive(Debug)]
pub struct RequestReceiver(Arc<RequestQueue>);

impl RequestReceiver {
    /// Takes everything that has been asked for.
    pub(super) fn take(&self) -> DueReading {
        mem::take(&mut self.0.due.lock())
    }

    /// Forgets what has been asked for: everything is read that can be.
    pub(crate) fn clear(&self) {
        self.take();
    }

    /// Waits until something is due.
    pub(crate) async fn wait(&self) {
        while *self.0.due.lock() == DueReading::Nothing {
            self.0.arrived.notified().await;
        }
    }
}

/// Makes the way from listeners to a loop.
pub fn request_queue() -> (RequestSender, RequestReceiver) {
    let queue = Arc::new(RequestQueue::default());
    (RequestSender(Arc::clone(&queue)), RequestReceiver(queue))
}

#[cfg(test)]
mod tests {
    use super::*;
    use DueReading::{Everything, EverythingAndLists, Nothing, Projects};

    #[test]
    fn what_waits_is_merged_and_never_lost() {
        let some = |ids: &[u64]| Request::Reread(ids.iter().copied().map(ProjectId).collect());
        let due = |ids: &[u64]| Projects(ids.iter().copied().map(ProjectId).collect());
        let many = |count: u64| Request::Reread((0..count).map(ProjectId).collect());
        let cases = [
            ("nothing was asked for", vec![], Nothing),
            ("no project is nothing", vec![some(&[])], Nothing),
            ("some projects", vec![some(&[3, 1])], due(&[1, 3])),
            ("the same project twice is once", vec![some(&[1]), some(&[1, 2]), some(&[2])], due(&[1, 2])),
            ("a refresh absorbs what waits", vec![some(&[1]), Request::Refresh], Everything),
            ("a refresh absorbs what comes later", vec![Request::Refresh, some(&[1])], Everything),
            ("the lists absorb everything", vec![some(&[1]), Request::List], EverythingAndLists),
            ("and what comes later", vec![Request::List, Request::Refresh, some(&[1])], EverythingAndLists),
            ("also after a refresh", vec![Request::Refresh, Request::List], EverythingAndLists),
            ("as many as there is room for", vec![many(100)], due(&(0..100).collect::<Vec<_>>())),
            ("one more: everything", vec![many(100), some(&[100])], Everything),
            ("too many at once: everything", vec![many(101)], Everything),
        ];
        for (sentence, asked, expected) in cases {
            let (sender, receiver) = request_queue();
            asked.into_iter().for_each(|request| sender.send(request));
            assert_eq!(receiver.take(), expected, "{sentence}");
            assert_eq!(receiver.take(), Nothing, "{sentence}: what was taken is asked for again");
        }
    }
}
