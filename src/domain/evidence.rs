//! The evidence about a pipeline in trouble, gathered before it is judged.

use super::id::{JobId, PipelineId, ProjectId};
use super::job::Job;
use super::log::LogExcerpt;
use super::past::JobPast;
use super::pipeline::Pipeline;
use super::project::Failure;
use super::status::Status;
use super::test_report::TestReport;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A pipeline, what its jobs and tests said, and what it triggered.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Full path.
    pub project: String,
    /// `None` where it was asked for by its path.
    pub project_id: Option<ProjectId>,
    pub pipeline: Pipeline,
    /// The jobs that failed or wait, in the pipeline's order.
    pub jobs: Vec<JobEvidence>,
    /// `None` where it has none or was not asked for.
    pub tests: Option<TestReport>,
    /// The pipeline before it on the same ref.
    pub previous: Option<Previous>,
    /// What it triggered and what failed in turn, by bridge.
    pub below: Vec<Below>,
    /// What could not be read: a judgement without it may be wrong.
    pub unread: Vec<Unread>,
}

impl Evidence {
    /// Says whether nothing is missing from it, here and below.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty() && self.below.iter().all(|below| below.evidence.is_whole())
    }
}

/// A part of the evidence that is missing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Such as "the log of unit" or "the test report".
    pub what: String,
    pub failure: Failure,
}

/// A job that failed or waits, and all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEvidence {
    pub job: Job,
    pub details: JobDetails,
    /// How earlier attempts at it ended, oldest first.
    pub earlier: Vec<Status>,
    pub log: Option<LogExcerpt>,
    /// What is remembered of it; `None` where the memory was not asked.
    pub past: Option<JobPast>,
}

/// What is known about a job beyond what the table of pipelines needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobDetails {
    pub created_at: Option<DateTime<Utc>>,
    pub queued: Option<Duration>,
    /// Tags that a runner must have to take it.
    pub tags: Vec<String>,
    pub runner: Option<String>,
    /// GitLab says that no runner can take it. `None` where it was not asked.
    pub is_stuck: Option<bool>,
    /// When a delayed job begins.
    pub scheduled_at: Option<DateTime<Utc>>,
}

/// The pipeline before on the same ref.
#[derive(Debug, Clone, PartialEq)]
pub struct Previous {
    pub id: PipelineId,
    pub status: Status,
    pub coverage: Option<f64>,
    pub web_url: Option<String>,
    pub tests: Option<TestReport>,
}

/// A triggered pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Below {
    /// The job that triggered it.
    pub bridge: JobId,
    pub evidence: Evidence,
}
