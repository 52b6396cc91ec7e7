//! Facts out of readings: what a snapshot shows is noted on a thread of its own, so that no reading waits for the disk.

use super::place::HistoryPlace;
use super::store::{HistoryError, HistoryStore};
use crate::domain::evidence::JobDetails;
use crate::domain::fact::{FactBatch, JobCourse, JobFact, PipelineFact, ProjectFact, UnixSeconds};
use crate::domain::id::{ById, ProjectId, by_id};
use crate::domain::job::Job;
use crate::domain::past::{KnownPast, PipelinePast};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::watch;

/// Readings that wait for a slow disk. More are dropped: what they saw is a gap like any time between two readings.
const MOST_WAITING: usize = 16;

/// Projects whose facts are written at once: those of a large group would take more memory than all that is shown of it.
const AT_ONCE: usize = 100;
/// How often all that is not green is looked up again, although nothing of it has changed.
const ASK_AGAIN: UnixSeconds = 60;

/// What a user must know about the memory; each is said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryNotice {
    /// The file was damaged and is now there; a new one was begun.
    SetAside(PathBuf),
    /// Nothing could be recorded at the end, for this reason.
    Off(String),
}

/// What is done with readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecorderTask {
    /// They are noted.
    Note,
    /// The memory is asked about each, too; it ends where that fails, so that no one waits for an answer.
    Answer,
    /// The same for a server: it goes on for months, and a disk that fails may do its work again.
    Serve,
}

/// Takes readings and writes their facts until it is dropped or ended.
#[derive(Debug)]
pub struct HistoryRecorder {
    facts: SyncSender<Arc<Snapshot>>,
    ended: Receiver<()>,
    notices: Arc<Mutex<Vec<HistoryNotice>>>,
    past: watch::Receiver<Arc<KnownPast>>,
}

impl HistoryRecorder {
    /// Starts the thread. The file is opened there, and facts older than `keep` are removed once a day.
    pub fn start(place: HistoryPlace, keep: Duration, task: RecorderTask) -> Self {
        let (facts, input) = sync_channel::<Arc<Snapshot>>(MOST_WAITING);
        let (end, ended) = sync_channel(1);
        let notices = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&notices);
        let (answers, past) = watch::channel(Arc::default());
        let work = move || {
            let mut writer = FactWriter::new((place, keep), told, answers);
            let mut off = None;
            while let Ok(input) = input.recv() {
                off = writer.work(&input, task).err().inspect(|error| tracing::info!(%error, "the history is off"));
                if off.is_some() && task == RecorderTask::Answer {
                    break;
                }
                if off.is_some() {
                    writer.begin_again(&input);
                }
            }
            lock(&writer.notices).extend(off.map(|error| HistoryNotice::Off(error.to_string())));
            // The file is closed first: SQLite then leaves nothing beside it.
            drop(writer);
            let _ = end.send(());
        };
        if let Err(error) = thread::Builder::new().name("history".into()).spawn(work) {
            lock(&notices).push(HistoryNotice::Off(error.to_string()));
        }
        Self { facts, ended, notices, past }
    }

    /// Returns what the memory adds to the last reading, as it comes; it is closed when the memory is off.
    pub fn past(&self) -> watch::Receiver<Arc<KnownPast>> {
        self.past.clone()
    }

    /// Notes what a reading has seen. Never waits.
    pub fn record(&self, snapshot: &Arc<Snapshot>) {
        self.send(Arc::clone(snapshot));
    }

    fn send(&self, input: Arc<Snapshot>) {
        match self.facts.try_send(input) {
            Err(TrySendError::Full(_)) => tracing::info!("the disk is too slow: a reading is not recorded"),
            // It is off, and has said why.
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        }
    }

    /// Waits until all is written, but no longer than `patience`: a disk that hangs must not keep the process.
    pub fn end(self, patience: Duration) -> Vec<HistoryNotice> {
        let Self { facts, ended, notices, past: _ } = self;
        drop(facts);
        if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            tracing::info!("the history could not be written in time");
        }
        std::mem::take(&mut lock(&notices))
    }
}

fn lock(notices: &Mutex<Vec<HistoryNotice>>) -> MutexGuard<'_, Vec<HistoryNotice>> {
    notices.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread's own state.
struct FactWriter {
    place: HistoryPlace,
    keep: Duration,
    store: Option<HistoryStore>,
    /// The pipelines of each project that were written last: a row that shares them has nothing new.
    written: ById<ProjectId, Arc<[Pipeline]>>,
    notices: Arc<Mutex<Vec<HistoryNotice>>>,
    answers: watch::Sender<Arc<KnownPast>>,
    /// When everything that is not green was looked up last.
    asked_at: UnixSeconds,
}

/// Projects whose pipelines a reading has changed.
type MovedProjects = HashSet<ProjectId>;

impl FactWriter {
    fn new(
        (place, keep): (HistoryPlace, Duration),
        notices: Arc<Mutex<Vec<HistoryNotice>>>,
        answers: watch::Sender<Arc<KnownPast>>,
    ) -> Self {
        Self { place, keep, store: None, written: by_id(0), notices, answers, asked_at: UnixSeconds::MIN }
    }

    /// Notes a reading, and answers what the memory adds to it where that is wanted.
    fn work(&mut self, snapshot: &Snapshot, task: RecorderTask) -> Result<(), HistoryError> {
        let changed = self.take(snapshot)?;
        match task {
            RecorderTask::Note => Ok(()),
            RecorderTask::Answer | RecorderTask::Serve => self.answer(snapshot, &changed),
        }
    }

    /// Begins again after a failure: with the file as it will be then. What was known before it goes on to be told.
    fn begin_again(&mut self, snapshot: &Snapshot) {
        (self.store, self.written) = (None, by_id(0));
        self.answers.send_modify(|past| Arc::make_mut(past).reading = Some(snapshot.taken_at));
    }

    fn take(&mut self, snapshot: &Snapshot) -> Result<MovedProjects, HistoryError> {
        let now = snapshot.taken_at.timestamp();
        let news: Vec<&ProjectRow> = snapshot.rows.iter().filter(|row| self.is_news(row)).collect();
        for part in news.chunks(AT_ONCE) {
            let facts = self.facts(part, now)?;
            self.write(&facts, now)?;
        }
        let changed = news.iter().map(|row| row.project.id).collect();
        for row in news {
            if let RowState::Ok(pipelines) = &row.state {
                self.written.insert(row.project.id, Arc::clone(pipelines));
            }
        }
        Ok(changed)
    }

    /// Looks up what the memory adds to the pipelines of a reading: of projects that have changed, and from time to time
    /// of all that are not green, as the same may fail elsewhere by now.
    fn answer(&mut self, snapshot: &Snapshot, changed: &MovedProjects) -> Result<(), HistoryError> {
        let past = Arc::clone(&self.answers.borrow());
        let now = snapshot.taken_at.timestamp();
        let is_due = now.saturating_sub(self.asked_at) >= ASK_AGAIN;
        let mut pipelines = HashMap::with_capacity(snapshot.rows.len());
        let store = self.store(now)?;
        for row in &snapshot.rows {
            let is_same = !changed.contains(&row.project.id);
            for pipeline in row.pipelines() {
                let is_settled = |_: &&PipelinePast| is_same && (!is_due || pipeline.status == Status::Success);
                let found = match past.pipelines.get(&pipeline.id).filter(is_settled) {
                    Some(before) => before.clone(),
                    None => store.pipeline_past(row.project.id, pipeline, now)?,
                };
                pipelines.insert(pipeline.id, found);
            }
        }
        if is_due {
            self.asked_at = now;
        }
        self.answers.send_replace(Arc::new(KnownPast { pipelines, reading: Some(snapshot.taken_at) }));
        Ok(())
    }

    /// Says whether a row was read since it was written. What is stale was written when it was read.
    fn is_news(&self, row: &ProjectRow) -> bool {
        match &row.state {
            RowState::Ok(pipelines) => {
                self.written.get(&row.project.id).is_none_or(|written| !Arc::ptr_eq(written, pipelines))
            }
            RowState::NoPipeline { .. } => !self.written.contains_key(&row.project.id),
            RowState::NoAccess(_) | RowState::Error(_) | RowState::Stale { .. } => false,
        }
    }

    /// Returns the facts of these rows. The jobs of a pipeline that is known as it is are known, too.
    fn facts(&mut self, rows: &[&ProjectRow], now: UnixSeconds) -> Result<FactBatch, HistoryError> {
        let store = self.store(now)?;
        let mut batch = FactBatch::default();
        for row in rows {
            batch.projects.push(project_fact(row));
            for pipeline in row.pipelines() {
                let fact = PipelineFact::of(row.project.id, pipeline);
                let is_known = fact.course.status.is_terminal() && store.has_pipeline(&fact)?;
                if !is_known {
                    batch.jobs.extend(job_facts(row.project.id, pipeline));
                    batch.pipelines.push(fact);
                }
            }
        }
        Ok(batch)
    }

    fn write(&mut self, facts: &FactBatch, now: UnixSeconds) -> Result<(), HistoryError> {
        if facts.is_empty() {
            return Ok(());
        }
        self.store(now)?.write(facts, now)?;
        self.tell_set_aside();
        Ok(())
    }

    fn store(&mut self, now: UnixSeconds) -> Result<&mut HistoryStore, HistoryError> {
        if self.store.is_none() {
            let mut store = HistoryStore::open(&self.place, now)?;
            store.prune_daily(now, i64::try_from(self.keep.as_secs()).unwrap_or(i64::MAX))?;
            self.store = Some(store);
            self.tell_set_aside();
        }
        // Filled above.
        self.store.as_mut().ok_or_else(|| HistoryError::NotOurs { file: self.place.file.clone() })
    }

    fn tell_set_aside(&mut self) {
        if let Some(file) = self.store.as_mut().and_then(HistoryStore::take_set_aside) {
            lock(&self.notices).push(HistoryNotice::SetAside(file));
        }
    }
}

fn project_fact(row: &ProjectRow) -> ProjectFact {
    ProjectFact {
        id: row.project.id,
        full_path: row.project.full_path.clone(),
        default_branch: row.project.default_branch.clone(),
        seen_at: row.as_of.timestamp(),
    }
}

/// Returns what is kept of a pipeline's jobs: all attempts that have ended.
pub fn job_facts(project: ProjectId, pipeline: &Pipeline) -> Vec<JobFact> {
    let attempts = pipeline.jobs().flat_map(|job| job.earlier.iter().chain([job]));
    let ended = attempts.filter(|job| job.status.is_terminal());
    ended.map(|job| job_fact(project, pipeline, job)).collect()
}

/// Returns what is kept of an attempt at a job that has ended, where more is known of it than a snapshot shows.
pub(super) fn detailed_job_fact(
    project: ProjectId,
    pipeline: &Pipeline,
    (job, details): &(Job, JobDetails),
) -> Option<JobFact> {
    let mut fact = job.status.is_terminal().then(|| job_fact(project, pipeline, job))?;
    fact.created_at = seconds(details.created_at);
    fact.tags = details.tags.clone();
    // Of a job that never began GitLab tells how long ago it was to begin: no fact, but the time of the question.
    fact.course.queued = details.queued.filter(|_| job.started_at.is_some()).map(|time| time.as_secs());
    Some(fact)
}

fn job_fact(project: ProjectId, pipeline: &Pipeline, job: &Job) -> JobFact {
    JobFact {
        project,
        pipeline: pipeline.id,
        id: job.id,
        name: job.name.clone(),
        stage: job.stage.clone(),
        kind: job.kind,
        ref_kind: pipeline.git_ref.kind,
        allow_failure: job.allow_failure,
        created_at: None,
        tags: Vec::new(),
        course: JobCourse {
            finished_at: seconds(job.finished_at),
            status: job.status.clone(),
            started_at: seconds(job.started_at),
            duration: job.duration.map(|time| time.as_secs()),
            queued: None,
            failure_reason: job.failure_reason.clone(),
        },
    }
}

fn seconds(time: Option<DateTime<Utc>>) -> Option<UnixSeconds> {
    time.map(|time| time.timestamp())
}

#[cfg(test)]
mod tests;
