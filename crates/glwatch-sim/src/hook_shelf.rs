//! The webhooks of the projects, as people made them through the API: remembered like what they did to jobs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

/// A webhook of a project.
#[derive(Clone, Debug)]
pub(crate) struct SimHook {
    pub(crate) id: u64,
    /// What was said about it, and what has become of it.
    pub(crate) fields: Map<String, Value>,
    pub(crate) has_token: bool,
    pub(crate) created: i64,
}

impl SimHook {
    /// Takes over what was sent; the secret is noted and not kept.
    pub(crate) fn change(&mut self, mut given: Map<String, Value>) {
        if let Some(token) = given.remove("token") {
            self.has_token = token.as_str().is_some_and(|token| !token.is_empty());
        }
        self.fields.extend(given);
    }
}

#[derive(Debug, Default)]
pub(crate) struct HookShelf(Mutex<BTreeMap<usize, Vec<SimHook>>>);

impl HookShelf {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<SimHook>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(&self, project: usize) -> Vec<SimHook> {
        self.lock().get(&project).cloned().unwrap_or_default()
    }

    /// Adds a hook, or changes the one with its id.
    pub(crate) fn put(&self, project: usize, hook: SimHook) {
        let mut shelf = self.lock();
        let hooks = shelf.entry(project).or_default();
        match hooks.iter_mut().find(|known| known.id == hook.id) {
            Some(known) => *known = hook,
            None => hooks.push(hook),
        }
    }

    pub(crate) fn remove(&self, project: usize, id: u64) {
        self.lock().entry(project).or_default().retain(|hook| hook.id != id);
    }

    /// Returns an id that no hook of any project has.
    pub(crate) fn next_id(&self) -> u64 {
        self.lock().values().flatten().map(|hook| hook.id).max().unwrap_or(0) + 1
    }
}
