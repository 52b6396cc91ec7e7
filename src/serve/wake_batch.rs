//! What webhooks and the cable have said within a moment, joined into one request for the loop and one for the tracker.

use super::webhook::WakeUp;
use crate::collect::exported::wakes::{TrackerWake, WakeSender};
use crate::collect::watch::{Request, RequestSender};
use crate::domain::id::ProjectId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::mem;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// A pipeline that begins has an event for each of its jobs.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// As many may wait; where more do, everything is due.
const MOST_WAITING: usize = 10_000;
/// How long the list of projects is not read again for an event: a group that is moved has one for each of its projects.
const LIST_PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct WaitingHooks {
    wakes: BTreeSet<WakeUp>,
    is_full: bool,
}

/// Wake-ups that wait to be passed on.
#[derive(Debug)]
pub struct WakeBatch {
    waiting: Mutex<WaitingHooks>,
    arrived: Notify,
    requests: RequestSender,
    /// The list of projects may have changed.
    list_moved: Notify,
    tracker: WakeSender,
}

impl WakeBatch {
    pub fn new(requests: RequestSender, tracker: WakeSender) -> Self {
        Self { waiting: Mutex::default(), arrived: Notify::new(), requests, list_moved: Notify::new(), tracker }
    }

    /// Adds what is due; at once, however much waits already.
    pub(super) fn add(&self, wakes: impl IntoIterator<Item = WakeUp>) {
        let mut waiting = self.waiting.lock();
        waiting.wakes.extend(wakes);
        if waiting.wakes.len() > MOST_WAITING {
            waiting.wakes.clear();
            waiting.is_full = true;
        }
        self.arrived.notify_one();
    }

    /// Passes on what waits, again and again.
    pub async fn run(&self) {
        let joined = async {
            loop {
                self.arrived.notified().await;
                sleep(DEBOUNCE).await;
                self.pass_on();
            }
        };
        let lists = async {
            loop {
                // What is said in the pause is remembered.
                self.list_moved.notified().await;
                self.requests.send(Request::List);
                sleep(LIST_PAUSE).await;
            }
        };
        tokio::join!(joined, lists);
    }

    fn pass_on(&self) {
        let waiting = mem::take(&mut *self.waiting.lock());
        let (mut projects, mut due) = (BTreeSet::new(), Vec::new());
        // Among what is lost may have been that the list has changed.
        let mut is_list = waiting.is_full;
        for wake in waiting.wakes {
            match wake {
                WakeUp::Ref { project, tracked } => {
                    projects.insert(ProjectId(project.id));
                    due.push(TrackerWake::Ref(ProjectId(project.id), tracked));
                }
                WakeUp::Environment { project, name } => {
                    due.push(TrackerWake::Environment(ProjectId(project.id), name));
                }
                WakeUp::RefGone { project, .. } => due.push(TrackerWake::Project(ProjectId(project.id))),
                WakeUp::Pipelines(project) => {
                    projects.insert(ProjectId(project));
                    due.push(TrackerWake::Pipelines(ProjectId(project)));
                }
                WakeUp::Projects => is_list = true,
            }
        }
        if is_list {
            self.list_moved.notify_one();
        }
        if waiting.is_full {
            self.requests.send(Request::Refresh);
        } else if !projects.is_empty() {
            self.requests.send(Request::Reread(projects.into_iter().collect()));
        }
        if waiting.is_full {
            self.tracker.send_everything();
        } else if !due.is_empty() {
            self.tracker.send(due);
        }
    }
}
