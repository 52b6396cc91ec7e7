//! When counters are saved: one batch after the other, and all of them once a day.

use super::hub::CounterSaver;
use crate::domain::saved_counter::{SaveEnd, SavedCounter};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep};

/// How often what has not changed is saved, so that it is known to be in use.
const EVERYTHING: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the last saving waits for a place in the queue before it looks again.
const AGAIN: Duration = Duration::from_millis(20);

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
        let _ = self.save_next(save, &collect, &end).await;
    }

    /// Saves what is not saved yet, however much waits before it: nothing comes after it.
    pub(super) async fn save_last(
        &self,
        save: &CounterSaver,
        collect: impl Fn(bool) -> Vec<SavedCounter>,
        end: impl Fn(&[SavedCounter], SaveEnd),
    ) {
        while self.save_next(save, &collect, &end).await == Some(SaveEnd::Late) {
            sleep(AGAIN).await;
        }
    }

    /// Returns how it ended; `None` where there was nothing to save.
    async fn save_next(
        &self,
        save: &CounterSaver,
        collect: &impl Fn(bool) -> Vec<SavedCounter>,
        end: &impl Fn(&[SavedCounter], SaveEnd),
    ) -> Option<SaveEnd> {
        let mut whole_at = self.whole_at.lock().await;
        let is_whole = whole_at.is_none_or(|at| at.elapsed() >= EVERYTHING);
        let batch = collect(is_whole);
        if batch.is_empty() {
            return None;
        }
        let outcome = save(batch.clone()).await;
        end(&batch, outcome);
        if is_whole && matches!(outcome, SaveEnd::Saved | SaveEnd::SavedInNewFile) {
            *whole_at = Some(Instant::now());
        }
        Some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex as Lock;
    use std::sync::Arc;

    fn counter(value: f64) -> SavedCounter {
        SavedCounter { family: "runs".into(), owner: String::new(), rest: String::new(), value, last_id: 0 }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_saving_waits_for_all_that_are_under_way_and_for_a_place() {
        for late in [0_u32, 1, 5] {
            let (saving, written) = (Arc::new(CounterSaving::default()), Arc::new(Lock::new(Vec::new())));
            let tries = Arc::new(Lock::new(0_u32));
            let (kept, tried) = (Arc::clone(&written), Arc::clone(&tries));
            let save: CounterSaver = Arc::new(move |batch: Vec<SavedCounter>| {
                let (kept, tried) = (Arc::clone(&kept), Arc::clone(&tried));
                Box::pin(async move {
                    sleep(Duration::from_millis(500)).await;
                    let nth = {
                        let mut count = tried.lock();
                        *count += 1;
                        *count - 1
                    };
                    // The first two are others'.
                    if nth >= 2 && nth < 2 + late {
                        return SaveEnd::Late;
                    }
                    kept.lock().extend(batch.iter().map(|counter| counter.value));
                    SaveEnd::Saved
                })
            });
            let others: Vec<_> = [1.0, 2.0]
                .map(|value| {
                    let (saving, save) = (Arc::clone(&saving), Arc::clone(&save));
                    tokio::spawn(async move { saving.save(&save, |_| vec![counter(value)], |_, _| {}).await })
                })
                .into();
            tokio::task::yield_now().await;
            saving.save(&save, |_| vec![counter(9.0)], |_, _| {}).await;
            assert!(written.lock().is_empty(), "there is no place for a third one");
            saving.save_last(&save, |_| vec![counter(3.0)], |_, _| {}).await;
            assert_eq!(*written.lock(), [1.0, 2.0, 3.0], "late {late} times");
            for other in others {
                other.await.unwrap();
            }
        }
    }
}
