//! Keeps the counters of this server in the memory, on a thread of its own: no scrape and no webhook waits for the disk.

use crate::cli::{clock, output, recording};
use crate::config::Config;
use crate::domain::run_totals::RunTotals;
use crate::domain::saved_counter::{SaveEnd, SavedCounter};
use crate::history::counters::counters_without_room;
use crate::history::place::HistoryPlace;
use crate::history::record::HistoryNotice;
use crate::history::store::{HistoryError, HistoryStore};
use crate::serve::hub::{CounterSaver, Hub};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// How often counters are saved that nothing has scraped.
const INTERVAL: Duration = Duration::from_secs(5);
/// Jobs that wait for a slow disk.
const MOST_JOBS: usize = 2;
/// How long the start waits for what was saved. Another process may hold the file for a while.
const LOAD_TIME: Duration = Duration::from_secs(15);
/// How long the end waits for a slow disk.
const END_TIME: Duration = Duration::from_secs(2);

/// What is asked of the thread.
enum CounterJob {
    Save(Vec<SavedCounter>, oneshot::Sender<SaveEnd>),
    /// Answered where something was written since it was asked last.
    CountRuns(oneshot::Sender<RunTotals>),
}

/// What the thread offers.
pub(super) struct CounterAccess {
    /// What was saved; `None` where it could not be read.
    pub saved: Option<Vec<SavedCounter>>,
    pub save: CounterSaver,
    pub runs: RunCounter,
}

/// Counts the pipelines that have ended.
pub(super) struct RunCounter(SyncSender<CounterJob>);

impl RunCounter {
    /// Returns what was counted, where that is news.
    async fn count(&self) -> Option<RunTotals> {
        let (sender, totals) = oneshot::channel();
        self.0.try_send(CounterJob::CountRuns(sender)).ok()?;
        totals.await.ok()
    }
}

/// Where counters are saved, and whose they are.
pub(super) struct CounterPlace {
    pub place: HistoryPlace,
    /// Names this server among others of the same host: what it shows, and where.
    pub scope: String,
    pub is_quiet: bool,
}

impl CounterPlace {
    /// `shown` names what the server shows: the exporter's file, else the groups.
    pub(super) fn new(place: HistoryPlace, shown: &str, config: &Config) -> Self {
        let scope = format!("{} {shown}", config.serve.listen.0);
        Self { place, scope, is_quiet: config.display.quiet }
    }

    /// Starts the thread.
    pub(super) async fn open(self) -> CounterAccess {
        let (jobs, input) = sync_channel::<CounterJob>(MOST_JOBS);
        let (loaded, saved) = oneshot::channel();
        let mut thread = CounterThread { of: self, store: None, is_failing: false, counted: None };
        let work = move || {
            let _ = loaded.send(thread.load());
            thread.run(&input);
        };
        if let Err(error) = thread::Builder::new().name("counters".into()).spawn(work) {
            tracing::warn!(%error, "counters are not saved");
        }
        let saved = timeout(LOAD_TIME, saved).await;
        let saved = saved.ok().and_then(Result::ok).flatten();
        CounterAccess { saved, save: saver(jobs.clone()), runs: RunCounter(jobs) }
    }
}

fn saver(jobs: SyncSender<CounterJob>) -> CounterSaver {
    Arc::new(move |batch| {
        let (done, end) = oneshot::channel();
        let sent = jobs.try_send(CounterJob::Save(batch, done));
        Box::pin(async move {
            match sent {
                Ok(()) => end.await.unwrap_or(SaveEnd::Failed),
                Err(TrySendError::Full(_)) => SaveEnd::Late,
                Err(TrySendError::Disconnected(_)) => SaveEnd::Failed,
            }
        })
    })
}

/// Saves what was counted, and counts what has ended, again and again. Without a memory there is nothing to do.
pub(super) async fn keep(hub: &Hub, runs: Option<RunCounter>) {
    let Some(runs) = runs else { return std::future::pending().await };
    loop {
        if let Some(totals) = runs.count().await {
            hub.set_run_totals(totals);
        }
        sleep(INTERVAL).await;
        hub.save_counters().await;
    }
}

/// Saves what was counted last.
pub(super) async fn end(hub: &Hub) {
    if timeout(END_TIME, hub.save_last_counters()).await.is_err() {
        tracing::info!("the counters could not be saved in time");
    }
}

/// The thread's own state.
struct CounterThread {
    of: CounterPlace,
    store: Option<HistoryStore>,
    /// Whether the user knows that saving fails.
    is_failing: bool,
    /// The version of the file's data up to which ended pipelines are counted.
    counted: Option<i64>,
}

impl CounterThread {
    fn load(&mut self) -> Option<Vec<SavedCounter>> {
        let now = clock::now().timestamp();
        let scope = self.of.scope.clone();
        let forgotten = self.store().and_then(|store| store.forget_counters(now));
        let loaded = self.store().and_then(|store| store.saved_counters(&scope));
        // What cannot be written can still be read: counters that began at nothing would be counted once more.
        let rescued = match &loaded {
            Err(error) if error.is_lack_of_room() => counters_without_room(&self.of.place, &scope).ok(),
            Ok(_) | Err(_) => None,
        };
        let loaded = self.told(loaded).or(rescued);
        if !self.is_failing {
            self.told(forgotten);
        }
        self.tell_set_aside();
        loaded
    }

    fn run(&mut self, input: &Receiver<CounterJob>) {
        while let Ok(job) = input.recv() {
            let (batch, done) = match job {
                CounterJob::Save(batch, done) => (batch, done),
                CounterJob::CountRuns(totals) => {
                    if let Some(Some(found)) = self.count_runs() {
                        let _ = totals.send(found);
                    }
                    continue;
                }
            };
            let (scope, now) = (self.of.scope.clone(), clock::now().timestamp());
            let saved = self.store().and_then(|store| store.save_counters(&scope, &batch, now));
            let end = match self.told(saved) {
                Some(false) => SaveEnd::Saved,
                Some(true) => {
                    self.counted = None;
                    SaveEnd::SavedInNewFile
                }
                None => SaveEnd::Failed,
            };
            self.tell_set_aside();
            // A page that has waited too long asks again.
            let _ = done.send(end);
        }
    }

    /// Returns what was counted, where something was written since.
    fn count_runs(&mut self) -> Option<Option<RunTotals>> {
        let counted = self.counted;
        let found = self.store().and_then(|store| {
            let version = store.data_version()?;
            if counted == Some(version) {
                return Ok((version, None));
            }
            store.count_runs()?;
            Ok((version, Some(store.run_totals()?)))
        });
        let (version, totals) = self.told(found)?;
        self.counted = Some(version);
        Some(totals)
    }

    fn store(&mut self) -> Result<&mut HistoryStore, HistoryError> {
        let store = match self.store.take() {
            Some(store) => store,
            None => HistoryStore::open(&self.of.place, clock::now().timestamp())?,
        };
        Ok(self.store.get_or_insert(store))
    }

    fn tell_set_aside(&mut self) {
        if let Some(file) = self.store.as_mut().and_then(HistoryStore::take_set_aside) {
            self.say(recording::warning(&HistoryNotice::SetAside(file)));
        }
    }

    /// Says once that saving fails, and once that it works again.
    fn told<T>(&mut self, outcome: Result<T, HistoryError>) -> Option<T> {
        match outcome {
            Ok(value) => {
                if std::mem::take(&mut self.is_failing) {
                    self.say("counters are saved again".to_owned());
                }
                Some(value)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    self.say(format!("warning: counters are not saved, and a restart loses what they count: {error}"));
                }
                // It may be another file by the next time.
                (self.store, self.counted) = (None, None);
                None
            }
        }
    }

    fn say(&self, line: String) {
        if !self.of.is_quiet {
            output::to_stderr(&[line]);
        }
    }
}
