//! The history's answers about a job or a ref, before they are judged.

use super::fact::{PipelineFact, UnixSeconds};
use super::failure::Failure;
use super::failure_origin::FailureOrigin;
use super::id::{JobId, PipelineId, ProjectId};
use super::pipeline::{Pipeline, RefKind};
use super::status::Status;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Says whether a reason of GitLab's says more than that a job failed. Two failures for another reason are not the same.
pub fn names_a_cause(reason: &str) -> bool {
    !matches!(reason, "script_failure" | "unknown_failure")
}

/// A ref of a project that has been red since a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedStretch {
    /// The first that failed after the last that passed.
    pub first: PipelineId,
    pub since: Option<UnixSeconds>,
    pub sha: Option<String>,
    pub author: Option<String>,
    pub commit_title: Option<String>,
    /// The last that passed; without one, the ref may have been red before.
    pub last_green: Option<PipelineId>,
}

/// One attempt at a job, as far as the question needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRun {
    pub id: JobId,
    pub pipeline: PipelineId,
    /// Shared by the attempts of a pipeline.
    pub sha: Option<Arc<str>>,
    pub status: Status,
    pub finished_at: UnixSeconds,
}

/// A failure of the same kind in another place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameFailure {
    pub project: ProjectId,
    /// Full path.
    pub project_path: Option<String>,
    pub ref_name: String,
    pub pipeline: PipelineId,
    pub finished_at: UnixSeconds,
    /// The test that failed in both; else it is the reason that is the same.
    pub test: Option<String>,
}

/// How the default branch stood when a pipeline began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRun {
    /// The default branch.
    pub branch: String,
    /// The newest pipeline of the default branch that had ended before it.
    pub pipeline: PipelineId,
    /// How the job ended there; `None` where that pipeline did not run it.
    pub job: Option<Status>,
    /// Since when the branch is red, this pipeline included.
    pub since: Option<RedStretch>,
}

/// The job that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedJobQuery<'a> {
    pub project: ProjectId,
    pub ref_name: &'a str,
    pub ref_kind: RefKind,
    pub pipeline: PipelineId,
    /// When the pipeline was created.
    pub created_at: UnixSeconds,
    pub job: &'a str,
    pub reason: Option<&'a str>,
    /// Tests that failed in it.
    pub tests: &'a [String],
}

/// All that the memory knows about a failed job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobPast {
    pub base: Option<BaseRun>,
    /// Attempts of the last 14 days, oldest first.
    pub runs: Vec<JobRun>,
    /// Of the last 3 days, in other refs or projects; one for each of them.
    pub elsewhere: Vec<SameFailure>,
    /// Median of the last 20 that passed.
    pub usual: Option<Duration>,
}

impl JobPast {
    /// Returns how many attempts failed, and how many of these were never followed by another one in their pipeline. Of
    /// the latter it cannot be known whether the job would have passed.
    pub fn failures_and_never_rerun(&self) -> (usize, usize) {
        let mut last: HashMap<PipelineId, JobId> = HashMap::new();
        for run in &self.runs {
            let latest = last.entry(run.pipeline).or_insert(run.id);
            *latest = run.id.max(*latest);
        }
        let failed = || self.runs.iter().filter(|run| run.status == Status::Failed);
        (failed().count(), failed().filter(|run| last.get(&run.pipeline) == Some(&run.id)).count())
    }
}

/// A job that passes and fails on one commit: its attempts of the last 14 days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlakyJob {
    pub name: String,
    pub failed: usize,
    pub attempts: usize,
}

/// What the memory knows of a project that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectPast {
    pub project: ProjectId,
    /// Its last pipelines, the newest first.
    pub pipelines: Vec<PipelineFact>,
    /// Its flaky jobs, the one that failed most often first.
    pub flaky: Vec<FlakyJob>,
}

impl ProjectPast {
    /// Returns what is known where nothing is remembered.
    pub fn nothing(project: ProjectId) -> Self {
        Self { project, pipelines: Vec::new(), flaky: Vec::new() }
    }
}

/// How it goes on behind the pipelines that a hub has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastRest {
    /// It remembers older ones than this one.
    Before(PipelineId),
    /// It remembers no others; GitLab may have them.
    Nothing,
}

/// What a hub remembers of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct HubPast {
    pub past: ProjectPast,
    pub rest: PastRest,
    /// How long before the answer the hub had read the project.
    pub age: Duration,
}

/// Why a hub tells nothing of the past of a project.
#[derive(Debug, Clone, PartialEq)]
pub enum PastLack {
    /// It remembers nothing.
    NoMemory,
    /// It does not know the question: an older version.
    NotTold,
    Failed(Failure),
}

/// The answer to the question for the past of a project.
#[derive(Debug, Clone, PartialEq)]
pub enum PastAnswer {
    /// From the memory of who asks. What it lacks, GitLab is asked for.
    Own(ProjectPast),
    OfHub(ProjectId, Result<HubPast, PastLack>),
}

/// A failed job of a pipeline that is shown, with its past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJobPast {
    /// GitLab's reason.
    pub reason: Option<String>,
    pub past: JobPast,
}

/// What the memory adds to a pipeline that is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PipelinePast {
    /// How long a pipeline on a ref of this kind usually takes.
    pub usual: Option<Duration>,
    /// Since when the ref is red; only where the pipeline is.
    pub red_since: Option<RedStretch>,
    /// Jobs that failed and were not allowed to.
    pub failed_jobs: Vec<FailedJobPast>,
    /// Whose fault they are, where a hub has judged it from a memory of its own.
    pub judged: Option<FailureOrigin>,
    /// When the pipeline that this is about had last changed; `None` where a hub told both at once.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What the memory adds to all that is shown; empty without a memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPast {
    /// Its keys may come from a hub: whatever they are, a look takes the same time.
    pub pipelines: HashMap<PipelineId, PipelinePast>,
    /// When the reading was taken that it is about; `None` before the first.
    pub reading: Option<DateTime<Utc>>,
}

impl KnownPast {
    /// Returns how long a pipeline usually takes.
    pub fn usual(&self, pipeline: PipelineId) -> Option<Duration> {
        self.pipelines.get(&pipeline)?.usual
    }

    /// Returns what is known of a failed pipeline; `None` for any other. The memory answers a moment after the reading: what
    /// it said of an earlier state is nothing about a pipeline that was run again, be it green or red by now.
    pub fn of_failed(&self, pipeline: &Pipeline) -> Option<&PipelinePast> {
        let past = self.pipelines.get(&pipeline.id).filter(|_| pipeline.status == Status::Failed)?;
        past.updated_at.is_none_or(|updated_at| pipeline.updated_at == Some(updated_at)).then_some(past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;

    #[test]
    fn what_is_known_of_a_red_pipeline_is_nothing_about_a_later_state_of_it() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0);
        let cases = [
            ("as it was asked about", Status::Failed, at(5), at(5), true),
            ("told at once by a hub", Status::Failed, None, at(5), true),
            ("runs again", Status::Running, at(5), at(6), false),
            ("passed at the next attempt", Status::Success, at(5), at(6), false),
            ("passed, though the same moment is given", Status::Success, at(5), at(5), false),
            ("passed, by a hub", Status::Warning, None, at(5), false),
            ("failed once more", Status::Failed, at(5), at(6), false),
            ("its time is not told any more", Status::Failed, at(5), None, false),
        ];
        for (sentence, status, asked, updated_at, expected) in cases {
            let pipeline = Pipeline { updated_at, ..example::pipeline(status, vec![]) };
            let usual = Some(Duration::from_secs(60));
            let past = PipelinePast { usual, updated_at: asked, ..PipelinePast::default() };
            let known = KnownPast { pipelines: HashMap::from([(pipeline.id, past)]), reading: None };
            assert_eq!(known.of_failed(&pipeline).is_some(), expected, "{sentence}");
            assert_eq!(known.usual(pipeline.id), usual, "{sentence}: that is about all of its kind");
        }
    }
}
