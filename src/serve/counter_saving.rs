//! When counters are saved: one batch after the other, and all of them once a day.

use super::hub::CounterSaver;
use crate::domain::saved_counter::{SaveEnd, SavedCounter};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

/// How often what has not changed is saved, so that it is known to be in use.
const EVERYTHING: Duration = Duration::from_secs(24 * 60 * 60);

/// Keeps savings apart.
#[derive(Debug)]
pub(super) struct CounterSaving {
    /// When everything was saved last.
    whole_at: Mutex<Option<Instant>>,
    /// One that saves, and one that waits: it saves what comes meanwhile, so that no other must wait.
    places: Semaphore,
}

impl Default for CounterSaving {
    fn default() -> Self {
        Self { whole_at: Mutex::default(), places: Semaphore::new(2) }
    }
}

impl CounterSaving {
    /// Saves what `collect` returns, which is asked for all of it where `true`, and tells `end` what became of it.
    pub(super) async fn save(
        &self,
        save: &CounterSaver,
        collect: impl Fn(bool) -> Vec<SavedCounter>,
        end: impl Fn(&[SavedCounter], SaveEnd),
    ) {
        let Ok(_place) = self.places.try_acquire() else { return };
        let mut whole_at = self.whole_at.lock().await;
        let is_whole = whole_at.is_none_or(|at| at.elapsed() >= EVERYTHING);
        let batch = collect(is_whole);
        if batch.is_empty() {
            return;
        }
        let outcome = save(batch.clone()).await;
        end(&batch, outcome);
        if is_whole && matches!(outcome, SaveEnd::Saved | SaveEnd::SavedInNewFile) {
            *whole_at = Some(Instant::now());
        }
    }
}
