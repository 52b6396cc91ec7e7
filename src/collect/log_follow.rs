//! Follows a job's log until the job ends, through lost connections and retries.
//!
//! It prints nothing: pieces of the log and what happens to it are handed to the caller.

use super::job_choice::PipelineJobs;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::job::Job;
use crate::domain::status::Status;
use crate::gitlab::client::{Client, Purpose, TraceEnd, TraceLimits, TraceSink};
use crate::gitlab::error::Error;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::time::Instant;

/// The pauses between two looks grow up to so many times the first one: from 2 s to 15 s.
const LONGEST_PAUSE: f64 = 7.5;
/// The pause is so many times as long as the look before it took: a long log comes whole each time.
const REST: u32 = 4;
/// So many failures in a row end it: with the longest pauses about five minutes.
const MOST_FAILURES: u32 = 20;

/// How a log is read.
#[derive(Debug, Clone, Copy)]
pub struct LogOptions {
    /// No more bytes of it than this.
    pub most: u64,
    /// Between the first two looks.
    pub first_pause: Duration,
    /// Within which one look must end.
    pub look_time: Duration,
}

/// What is handed to the caller, in order.
#[derive(Debug)]
pub enum LogEvent<'a> {
    /// The next bytes of the log.
    Piece(&'a [u8]),
    /// All bytes that GitLab has by now were handed out.
    UpToDate,
    /// The job has not started; once for each status.
    Waits,
    /// The log is shorter than what was handed out of it: erased, or another one.
    Replaced,
    /// The limit was reached; the rest is not read.
    Cut { total: Option<u64> },
    /// It cannot be read for now, and is tried again; once for each interruption.
    Interrupted(&'a Error),
    /// The attempt is over without a single byte.
    NoLog(NoLogReason),
    /// Nothing more comes of this attempt.
    Over,
    /// This newer attempt is followed from here on.
    Retried(&'a Job),
}

/// Takes what is handed out of a log, in a task of any runtime.
pub trait LogSink: Send {
    /// Takes the next event of an attempt; the sink may want no more.
    fn take(&mut self, job: &Job, event: LogEvent<'_>) -> impl Future<Output = ControlFlow<()>> + Send;
}

/// Why a job has no log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLogReason {
    NeverStarted,
    Erased,
    /// No more is known than the job's status.
    Status(Status),
}

/// How the reading of a log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogEnd {
    Complete,
    /// The caller wanted no more.
    Stopped,
}

/// The log of a job, and how far it was read.
#[derive(Debug)]
pub struct LogFollow {
    client: Client,
    project: ProjectRef,
    pipeline: PipelineId,
    job: Job,
    options: LogOptions,
    /// Bytes that were handed out.
    known: u64,
    etag: Option<String>,
    /// The limit was reached.
    is_cut: bool,
    /// The status that the last `Waits` was about.
    waits_for: Option<Status>,
    /// The caller wants no more.
    is_stopped: bool,
}

impl LogFollow {
    pub fn new(client: &Client, (project, pipeline): (ProjectRef, PipelineId), job: Job, options: LogOptions) -> Self {
        let client = client.clone();
        let (known, etag, is_cut, waits_for, is_stopped) = (0, None, false, None, false);
        Self { client, project, pipeline, job, options, known, etag, is_cut, waits_for, is_stopped }
    }

    /// Returns the attempt that is read, as it was last known.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Hands out what there is of the log by now, within the deadline of the client.
    pub async fn read_once(&mut self, sink: &mut impl LogSink) -> Result<LogEnd, Error> {
        self.look(sink).await?;
        Ok(self.end(sink).await)
    }

    /// Hands out what is new until the job has ended.
    ///
    /// The status is asked for only while the log does not grow; once the job has ended the log is read a last time.
    pub async fn follow(&mut self, sink: &mut impl LogSink) -> Result<LogEnd, Error> {
        let first = self.options.first_pause;
        let mut pause = first;
        let mut failures = 0;
        // An attempt that was over from the start is the one that is meant.
        let is_old = self.is_over();
        loop {
            // Following lasts as long as the job: the deadline is that of one look.
            self.client = self.client.for_purpose(Purpose::Log, Instant::now() + self.options.look_time);
            let (is_last, attempt, began) = (self.is_over(), self.job.id, Instant::now());
            let step = self.step(is_last && !is_old, sink).await;
            if self.is_stopped {
                return Ok(LogEnd::Stopped);
            }
            match step {
                Ok(_) if is_last && self.job.id == attempt => return Ok(self.end(sink).await),
                Ok(true) => (pause, failures) = (first, 0),
                Ok(false) => failures = 0,
                Err(error) if error.is_passing() && failures < MOST_FAILURES => {
                    if failures == 0 {
                        self.tell(LogEvent::Interrupted(&error), sink).await;
                    }
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
            if !(self.is_over() && failures == 0) {
                tokio::time::sleep(pause.max(began.elapsed() * REST)).await;
                pause = pause.mul_f64(1.5).min(first.mul_f64(LONGEST_PAUSE));
            }
        }
    }

    /// Looks once: at the log, then at the job where there was nothing new, and in the end for a newer attempt. Says
    /// whether the log grew.
    async fn step(&mut self, is_end: bool, sink: &mut impl LogSink) -> Result<bool, Error> {
        if !has_started(&self.job.status) {
            if self.waits_for.as_ref() != Some(&self.job.status) {
                self.waits_for = Some(self.job.status.clone());
                self.tell(LogEvent::Waits, sink).await;
            }
            self.ask_for_status().await?;
            return Ok(false);
        }
        let is_news = self.look(sink).await?;
        if is_end && !self.is_stopped {
            self.go_over_to_newer_attempt(sink).await?;
        } else if !is_news && !self.is_over() {
            self.ask_for_status().await?;
        }
        Ok(is_news)
    }

    /// Hands out what is new of the log, and says whether anything is.
    async fn look(&mut self, sink: &mut impl LogSink) -> Result<bool, Error> {
        if self.is_cut {
            return Ok(false);
        }
        let before = self.known;
        let Self { client, project, job, known, etag, options, .. } = self;
        let limits = TraceLimits { known: *known, etag: etag.as_deref(), most: options.most };
        let mut pieces = PieceSink { job, known, sink };
        match client.trace(project, job.id, limits, &mut pieces).await? {
            TraceEnd::Stopped => self.is_stopped = true,
            TraceEnd::Unchanged => {}
            TraceEnd::Cut { total } => {
                self.is_cut = true;
                self.tell(LogEvent::Cut { total }, sink).await;
            }
            TraceEnd::Read { bytes, etag } => {
                if bytes < self.known {
                    self.tell(LogEvent::Replaced, sink).await;
                    self.known = bytes;
                }
                self.etag = etag;
            }
        }
        self.tell(LogEvent::UpToDate, sink).await;
        Ok(self.known > before)
    }

    async fn ask_for_status(&mut self) -> Result<(), Error> {
        self.job = self.client.job(&self.project, self.job.id).await?.job;
        Ok(())
    }

    /// Goes over to a newer attempt: GitLab itself may start one a moment after a failure (`retry:`).
    async fn go_over_to_newer_attempt(&mut self, sink: &mut impl LogSink) -> Result<(), Error> {
        if !matches!(self.job.status, Status::Failed | Status::Canceled) {
            return Ok(());
        }
        for is_second_time in [false, true] {
            if is_second_time {
                tokio::time::sleep(self.options.first_pause).await;
            }
            let jobs = PipelineJobs::read(&self.client, &self.project, self.pipeline).await?;
            let is_newer =
                |job: &&Job| job.name == self.job.name && job.stage == self.job.stage && job.id > self.job.id;
            if let Some(newer) = jobs.current.iter().find(is_newer) {
                self.end(sink).await;
                self.tell(LogEvent::Retried(newer), sink).await;
                let subject = (self.project.clone(), self.pipeline);
                let is_stopped = self.is_stopped;
                *self = Self { is_stopped, ..Self::new(&self.client, subject, newer.clone(), self.options) };
                return Ok(());
            }
        }
        Ok(())
    }

    /// Tells how the log of an attempt ended.
    async fn end(&mut self, sink: &mut impl LogSink) -> LogEnd {
        if !self.is_stopped && self.known == 0 {
            let reason = self.why_no_log().await;
            self.tell(LogEvent::NoLog(reason), sink).await;
        }
        self.tell(LogEvent::Over, sink).await;
        if self.is_stopped { LogEnd::Stopped } else { LogEnd::Complete }
    }

    /// Hands an event to the caller, unless it wants no more.
    async fn tell(&mut self, event: LogEvent<'_>, sink: &mut impl LogSink) {
        self.is_stopped = self.is_stopped || sink.take(&self.job, event).await.is_break();
    }

    /// Returns why there is no log; GitLab is asked whether it was erased.
    async fn why_no_log(&self) -> NoLogReason {
        let was_started = self.job.started_at.is_some();
        if self.job.status == Status::Failed && !was_started {
            return NoLogReason::NeverStarted;
        }
        let is_erased = async { self.client.job(&self.project, self.job.id).await.is_ok_and(|one| one.is_erased) };
        if self.is_over() && was_started && is_erased.await {
            return NoLogReason::Erased;
        }
        NoLogReason::Status(self.job.status.clone())
    }

    fn is_over(&self) -> bool {
        self.job.status.is_terminal()
    }
}

/// Hands out the bytes of an attempt's log, and counts them.
struct PieceSink<'a, S> {
    job: &'a Job,
    known: &'a mut u64,
    sink: &'a mut S,
}

impl<S: LogSink> TraceSink for PieceSink<'_, S> {
    async fn take(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        *self.known += bytes.len() as u64;
        self.sink.take(self.job, LogEvent::Piece(bytes)).await
    }
}

fn has_started(status: &Status) -> bool {
    match status {
        Status::Created
        | Status::WaitingForResource
        | Status::Preparing
        | Status::WaitingForCallback
        | Status::Pending
        | Status::Manual
        | Status::Scheduled => false,
        Status::Running
        | Status::Success
        | Status::Warning
        | Status::Failed
        | Status::Canceling
        | Status::Canceled
        | Status::Skipped
        | Status::Other(_) => true,
    }
}
