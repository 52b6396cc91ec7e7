//! Following one log after another while something else is shown: the latest request wins.

use super::log_follow::{LogEvent, LogFollow, LogOptions, LogSink, NoLogReason};
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::Job;
use crate::domain::project::Failure;
use crate::gitlab::client::{Client, Purpose};
use std::ops::ControlFlow;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// The log that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRequest {
    /// Tells the messages of this request from those of an earlier one about the same job.
    pub number: u64,
    pub project: ProjectRef,
    pub pipeline: PipelineId,
    pub job: Job,
}

/// What comes of a log, in order; owned, so that it can wait for a slow listener.
#[derive(Debug, Clone, PartialEq)]
pub enum LogNews {
    Piece(Vec<u8>),
    UpToDate,
    Waits,
    /// It is read from its beginning again.
    Replaced,
    /// The limit of bytes was reached; the rest is not read.
    Cut,
    /// It cannot be read for now, and is tried again.
    Interrupted(Failure),
    NoLog(NoLogReason),
    Over,
    /// A newer attempt is followed from here on.
    Retried(JobId),
    /// Nothing more comes.
    Failed(Failure),
}

/// News of the log of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMessage {
    /// The number of the request.
    pub request: u64,
    pub news: LogNews,
}

/// Follows what is wanted until the sender is dropped; `None` stops what is followed.
pub async fn run(
    client: Client,
    options: LogOptions,
    mut requests: watch::Receiver<Option<LogRequest>>,
    messages: mpsc::Sender<LogMessage>,
) {
    loop {
        let request = requests.borrow_and_update().clone();
        let is_over = match request {
            None => requests.changed().await.is_err(),
            Some(request) => tokio::select! {
                biased;
                changed = requests.changed() => changed.is_err(),
                () = follow(&client, options, &request, &messages) => requests.changed().await.is_err(),
            },
        };
        if is_over {
            return;
        }
    }
}

async fn follow(client: &Client, options: LogOptions, request: &LogRequest, messages: &mpsc::Sender<LogMessage>) {
    let client = client.for_purpose(Purpose::Log, Instant::now() + options.look_time);
    let place = (request.project.clone(), request.pipeline);
    let mut log = LogFollow::new(&client, place, request.job.clone(), options);
    let number = request.number;
    if let Err(error) = log.follow(&mut MessageSink { request: number, messages }).await {
        // Without a listener there is no one to tell.
        let _ = messages.send(LogMessage { request: number, news: LogNews::Failed(Failure::from(&error)) }).await;
    }
}

/// Sends on what comes of a log.
struct MessageSink<'a> {
    request: u64,
    messages: &'a mpsc::Sender<LogMessage>,
}

impl LogSink for MessageSink<'_> {
    async fn take(&mut self, _: &Job, event: LogEvent<'_>) -> ControlFlow<()> {
        let sent = self.messages.send(LogMessage { request: self.request, news: LogNews::from(event) }).await;
        if sent.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

impl From<LogEvent<'_>> for LogNews {
    fn from(event: LogEvent<'_>) -> Self {
        match event {
            LogEvent::Piece(bytes) => Self::Piece(bytes.to_vec()),
            LogEvent::UpToDate => Self::UpToDate,
            LogEvent::Waits => Self::Waits,
            LogEvent::Replaced => Self::Replaced,
            LogEvent::Cut { .. } => Self::Cut,
            LogEvent::Interrupted(error) => Self::Interrupted(Failure::from(error)),
            LogEvent::NoLog(reason) => Self::NoLog(reason),
            LogEvent::Over => Self::Over,
            LogEvent::Retried(job) => Self::Retried(job.id),
        }
    }
}
