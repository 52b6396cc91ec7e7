//! Pages of jobs and of past pipelines in GraphQL, with the cursor of the next page.

use crate::domain::evidence::JobDetails;
use crate::domain::id::PipelineId;
use crate::domain::job::Job;
use crate::domain::job_needs::JobNeeds;
use crate::domain::pipeline::{DownstreamLink, Pipeline};
use crate::domain::status::Status;

/// A page of a pipeline's jobs and bridges as GraphQL has it, every attempt at each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobPage {
    pub attempts: Vec<Job>,
    /// Where the bridges among them lead.
    pub links: Vec<DownstreamLink>,
    /// What they need, where that was asked.
    pub needs: JobNeeds,
    /// The pipeline's own status, where that came along.
    pub pipeline_status: Option<Status>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A pipeline of the past with its jobs, as far as they came along.
#[derive(Debug, Clone, PartialEq)]
pub struct PastPipeline {
    pub pipeline: Pipeline,
    pub jobs: PastJobs,
}

/// Attempts at a pipeline's jobs with what is known of each besides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PastJobs {
    pub attempts: Vec<(Job, JobDetails)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// A page of a project's past pipelines, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PastPage {
    pub pipelines: Vec<PastPipeline>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Whose jobs to read, from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoreJobs {
    pub pipeline: PipelineId,
    /// The project's full path.
    pub project: String,
    /// The pipeline's number within its project.
    pub iid: u64,
    pub after: Option<String>,
    /// Whether what they need is to come along.
    pub with_needs: bool,
    /// The pipeline's, below which its jobs' lie.
    pub web_url: Option<String>,
}
