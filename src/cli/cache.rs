//! When the cache of a run is read, and when it is written.

use super::run_context::RunContext;
use super::{files, wire};
use crate::collect::cache::{SavedStamp, SavedState, Store};
use crate::collect::run::{CollectOptions, Collector};
use crate::config::{Config, Origin};
use crate::domain::project::Project;
use crate::gitlab::client::Client;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use std::mem;
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};
use std::time::Duration;
use tokio::time::Instant;

/// A watch writes this often at most: a watch that is killed loses no more than that, and 2000 projects are 4.5 MB.
const WRITE_EVERY: Duration = Duration::from_secs(300);
/// A file in which nothing but ages would change may be so far behind.
const MAY_BE_BEHIND: TimeDelta = TimeDelta::minutes(5);

/// The cache of one run; switched off, it keeps nothing.
pub(super) struct Cache {
    store: Option<Store>,
    /// Until when an earlier run has read what was taken over from it.
    restored: Option<DateTime<Utc>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    latest: Option<SavedState>,
    /// What the file has: what an earlier run has left, or this one has written.
    written: Option<SavedStamp>,
    /// When this run last wrote it.
    written_at: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

/// Returns the projects that an earlier run has listed; a group that was never read has none.
pub(super) fn known_projects(config: &Config, run_context: &RunContext, client: &Client) -> Vec<Arc<Project>> {
    store(config, run_context, client, &wire::collecting(config)).map(|store| store.projects()).unwrap_or_default()
}

fn store(config: &Config, run_context: &RunContext, client: &Client, options: &CollectOptions) -> Option<Store> {
    let is_wanted = config.collecting.cache && config.connection.host_origin != Origin::Demo;
    let directory = files::cache_directory(&run_context.environment).filter(|_| is_wanted)?;
    Some(Store::new(directory, client, options))
}

impl Cache {
    /// Finds its place. A demo has none: its group is not real.
    pub(super) fn new(config: &Config, run_context: &RunContext, client: &Client, options: &CollectOptions) -> Self {
        let store = store(config, run_context, client, options);
        Self { store, restored: None, kept: Mutex::default() }
    }

    /// Returns a collector that knows what an earlier run has left, and how old that is.
    pub(super) fn collector(&mut self, client: Client, options: Arc<CollectOptions>) -> Collector {
        let mut collector = Collector::new(client, options);
        if let Some(saved) = self.store.as_ref().and_then(Store::load) {
            self.restored = Some(saved.at());
            self.kept.lock().written = Some(saved.stamp());
            collector.restore(saved);
        }
        collector
    }

    /// Returns until when an earlier run has read what was taken over from it.
    pub(super) fn restored(&self) -> Option<DateTime<Utc>> {
        self.restored
    }

    /// Returns how old what was taken over is.
    pub(super) fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        self.restored.map_or(TimeDelta::zero(), |restored| (now - restored).max(TimeDelta::zero()))
    }

    /// Keeps what was read until it is written.
    pub(super) fn keep(&self, collector: &Collector) {
        if self.store.is_some() {
            self.kept.lock().latest = collector.saved();
        }
    }

    /// The same for a run that goes on: writes what has changed now and then, beside everything else.
    pub(super) fn keep_going(&self, collector: &Collector) {
        self.keep(collector);
        let Kept { latest, written, written_at, writing } = &mut *self.kept.lock();
        let (Some(store), Some(saved)) = (&self.store, latest) else { return };
        let is_due = written_at.is_none_or(|at| at.elapsed() >= WRITE_EVERY);
        if is_due && is_worth_writing(saved, written.as_ref()) && writing.as_ref().is_none_or(JoinHandle::is_finished) {
            (*written, *written_at) = (Some(saved.stamp()), Some(Instant::now()));
            let (store, saved) = (store.clone(), saved.clone());
            *writing = Some(spawn(move || store.save(&saved)));
        }
    }

    /// Writes what there is in the end; a run that has read nothing new leaves what it has found.
    pub(super) fn write(self) {
        let Kept { latest, written, writing, .. } = mem::take(&mut *self.kept.lock());
        // Else the older one would take the place of the newer.
        if let Some(writing) = writing {
            let _ = writing.join();
        }
        if let (Some(store), Some(saved)) = (&self.store, latest)
            && is_worth_writing(&saved, written.as_ref())
        {
            store.save(&saved);
        }
    }
}

/// Says whether a file of `written` should be replaced; a write that failed is not made again for the same.
fn is_worth_writing(saved: &SavedState, written: Option<&SavedStamp>) -> bool {
    written.is_none_or(|written| written.is_outdated_by(&saved.stamp(), MAY_BE_BEHIND))
}
