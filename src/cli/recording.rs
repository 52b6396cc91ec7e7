//! Records the readings of a run in the history: where it is, and what the user must know about it.

use super::files;
use super::output;
use super::run_context::RunContext;
use crate::config::{Config, Origin};
use crate::domain::past::KnownPast;
use crate::domain::snapshot::Snapshot;
use crate::history::place::HistoryPlace;
use crate::history::record::{HistoryNotice, HistoryRecorder, RecorderTask};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the end of a run waits for a slow disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns where facts about the host are kept; `None` where nothing is. A demo has no memory: its group is not real.
pub(super) fn place(config: &Config, run_context: &RunContext) -> Option<HistoryPlace> {
    if !config.history.enabled || config.connection.host_origin == Origin::Demo {
        return None;
    }
    let folder = config.history.path.clone().or_else(|| files::state_directory(&run_context.environment))?;
    Some(HistoryPlace::in_folder(&folder, &config.connection.host.to_string()))
}

/// Notes that this run reads live, as long as what is returned lives: a backfill leaves half of the budget to it.
pub(super) fn mark_live(config: &Config, run_context: &RunContext) -> Option<File> {
    // Without the mark a backfill is less kind, and nothing is wrong.
    place(config, run_context)?.mark_live().inspect_err(|error| tracing::info!(%error, "not marked as live")).ok()
}

/// Records the readings of one run; switched off, it does nothing.
pub(super) struct Recording {
    recorder: Option<HistoryRecorder>,
    /// What a hub knows, where one is read.
    told: Option<watch::Receiver<Arc<KnownPast>>>,
    is_quiet: bool,
}

impl Recording {
    pub(super) fn new(config: &Config, run_context: &RunContext, task: RecorderTask) -> Self {
        let start = |place| HistoryRecorder::start(place, config.history.keep, task);
        Self { recorder: place(config, run_context).map(start), told: None, is_quiet: config.display.quiet }
    }

    /// Records nothing: what is shown was not read from GitLab. What a hub remembers takes the place of a memory.
    pub(super) fn of_hub(told: watch::Receiver<Arc<KnownPast>>) -> Self {
        Self { recorder: None, told: Some(told), is_quiet: true }
    }

    /// Notes what was read; the rows are shared, not copied.
    pub(super) fn record(&self, snapshot: &Snapshot) {
        if let Some(recorder) = &self.recorder {
            recorder.record(&Arc::new(snapshot.clone()));
        }
    }

    /// Returns what the memory adds to readings, as it comes; `None` without a memory.
    pub(super) fn past(&self) -> Option<watch::Receiver<Arc<KnownPast>>> {
        self.recorder.as_ref().map(HistoryRecorder::past).or_else(|| self.told.clone())
    }

    /// Notes a reading, and returns what the memory adds to it; nothing where it takes too long to say.
    pub(super) async fn look_back(&self, snapshot: &Snapshot) -> Arc<KnownPast> {
        let past = self.past();
        self.record(snapshot);
        let Some(mut past) = past else { return Arc::default() };
        let told = timeout(PATIENCE, past.changed()).await;
        if matches!(told, Ok(Ok(()))) { Arc::clone(&past.borrow()) } else { Arc::default() }
    }

    /// Waits until all is written, and says what the user must know.
    pub(super) fn end(self) {
        let notices = self.recorder.map_or_else(Vec::new, |recorder| recorder.end(PATIENCE));
        if !self.is_quiet {
            output::to_stderr(&notices.iter().map(warning).collect::<Vec<_>>());
        }
    }
}

pub(super) fn warning(notice: &HistoryNotice) -> String {
    match notice {
        HistoryNotice::SetAside(file) => {
            format!("warning: the history was damaged; it is now {}, and a new one was begun", file.display())
        }
        HistoryNotice::Off(why) => format!("warning: nothing is remembered: {why}"),
    }
}
