//! What people did to the world through the API: the one thing about it that is remembered.
//!
//! The world stays a function of time: a tree is grown as before, and then every act on it changes what comes after.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::plan::Tree;
use super::world::World;

/// Something done to a pipeline at some time; jobs are numbered by their place in it.
#[derive(Clone, Debug)]
pub(crate) struct RecordedAction {
    pub(crate) at: i64,
    /// The pipeline's id.
    pub(crate) pipeline: u64,
    pub(crate) action: JobAction,
}

#[derive(Clone, Debug)]
pub(crate) enum JobAction {
    /// One job runs again, at once, as an attempt with this id.
    Retry {
        job: usize,
        id: u64,
    },
    /// These run again as soon as their stage is due.
    RetryAll(Vec<(usize, u64)>),
    Cancel(usize),
    CancelAll,
    Play(usize),
}

#[derive(Debug, Default)]
pub(crate) struct ActionLog(Mutex<ActionRecords>);

#[derive(Debug, Default)]
struct ActionRecords {
    /// By the line and the number of the tree in it.
    by_tree: HashMap<(usize, i64), Vec<RecordedAction>>,
    /// Added attempt -> its pipeline.
    attempts: HashMap<u64, u64>,
    last: u64,
}

impl ActionLog {
    fn lock(&self) -> MutexGuard<'_, ActionRecords> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was done to a tree, in order.
    pub(crate) fn on(&self, tree: (usize, i64)) -> Vec<RecordedAction> {
        let done = self.lock();
        if done.by_tree.is_empty() { Vec::new() } else { done.by_tree.get(&tree).cloned().unwrap_or_default() }
    }

    /// Returns whether something was done to a tree.
    pub(crate) fn touched(&self, tree: (usize, i64)) -> bool {
        self.lock().by_tree.contains_key(&tree)
    }

    /// Returns the pipeline of an attempt that was added.
    pub(crate) fn pipeline_of(&self, attempt: u64) -> Option<u64> {
        self.lock().attempts.get(&attempt).copied()
    }

    /// Remembers an act; the tree shows it when it is grown again.
    pub(crate) fn add(&self, tree: &Tree, act: RecordedAction) {
        self.lock().by_tree.entry(tree.origin).or_default().push(act);
    }

    /// Returns an id for a new attempt, higher than that of any job so far.
    pub(crate) fn next_id(&self, world: &World, pipeline: u64, now: i64) -> u64 {
        let seconds = u64::try_from((now - world.epoch) / 1_000).unwrap_or(0);
        // Pipelines of this second have the slots below: this one is never taken.
        let free = (seconds * world.slot_span + world.slots.len() as u64) * world.job_span;
        let mut done = self.lock();
        done.last = free.max(done.last + 1);
        let id = done.last;
        done.attempts.insert(id, pipeline);
        id
    }
}
