//! What an exporter shows of a ref or an environment: GitLab's own values, as the metrics need them.

use super::fact::UnixSeconds;
use super::id::{EnvironmentId, JobId, PipelineId};
use std::collections::BTreeMap;

/// What a ref is. Other than a pipeline's ref it is what exists in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackedKind {
    Branch,
    Tag,
    MergeRequest,
}

impl TrackedKind {
    /// The value of the label `kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
            Self::MergeRequest => "merge-request",
        }
    }
}

/// A ref whose newest pipeline is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackedRef {
    pub kind: TrackedKind,
    /// The number of a merge request in its project.
    pub name: String,
}

impl TrackedRef {
    pub fn new(kind: TrackedKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// Reads the ref of a pipeline. Branches and tags look alike there: `is_tag` tells.
    pub fn of_pipeline(raw: &str, is_tag: bool) -> Self {
        if let Some(iid) = merge_request_number(raw) {
            return Self::new(TrackedKind::MergeRequest, iid);
        }
        Self::new(if is_tag { TrackedKind::Tag } else { TrackedKind::Branch }, raw)
    }
}

/// Returns the number in `refs/merge-requests/42/head`, whatever its last part is.
fn merge_request_number(raw: &str) -> Option<&str> {
    let (iid, last) = raw.strip_prefix("refs/merge-requests/")?.split_once('/')?;
    let is_number = !iid.is_empty() && iid.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && matches!(last, "head" | "merge" | "train")).then_some(iid)
}

/// The newest pipeline of a ref. Values that GitLab does not give are `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedPipeline {
    pub id: PipelineId,
    /// The group of the detailed status with underscores, such as `success_with_warnings`; else the status.
    pub status: String,
    pub source: String,
    /// `NAME:value` of each variable that is shown, joined by commas.
    pub variables: String,
    /// Per cent.
    pub coverage: Option<f64>,
    /// Seconds.
    pub duration: Option<f64>,
    /// Seconds.
    pub queued: Option<f64>,
    pub updated_at: Option<UnixSeconds>,
}

/// The newest attempt at a job.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedJob {
    pub id: JobId,
    pub name: String,
    pub stage: String,
    /// As GitLab gives it, but for one that failed and may: `success_with_warnings`.
    pub status: String,
    pub created_at: Option<UnixSeconds>,
    /// Seconds.
    pub duration: Option<f64>,
    /// Seconds.
    pub queued: Option<f64>,
    pub tags: Vec<String>,
    pub failure_reason: String,
    /// Its runner's description.
    pub runner: String,
    pub artifact_bytes: u64,
}

/// How many tests ended how; of a report, or of one suite in it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExportedCounts {
    /// Seconds.
    pub total_time: f64,
    pub total: u64,
    pub success: u64,
    pub failed: u64,
    pub skipped: u64,
    pub error: u64,
}

impl ExportedCounts {
    pub fn add(&mut self, other: &Self) {
        self.total_time += other.total_time;
        self.total += other.total;
        self.success += other.success;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.error += other.error;
    }
}

/// One test.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedCase {
    pub name: String,
    pub class: String,
    pub status: String,
    /// Seconds.
    pub time: f64,
}

/// The tests of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedSuite {
    pub name: String,
    pub counts: ExportedCounts,
    pub cases: Vec<ExportedCase>,
}

/// What the tests of a pipeline said, and where asked for those of its child pipelines.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExportedTests {
    pub counts: ExportedCounts,
    pub suites: Vec<ExportedSuite>,
}

/// Pipelines of a ref that a list has told, each with its source where the list tells that.
pub type ToldRuns = BTreeMap<PipelineId, Option<String>>;

/// One pipeline with all that was asked for. What was not asked for is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineReadout {
    pub pipeline: ExportedPipeline,
    pub jobs: Option<Vec<ExportedJob>>,
    pub tests: Option<ExportedTests>,
}

/// The last deployment to an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedDeployment {
    /// Whether it was a tag that was deployed, or a branch.
    pub kind: TrackedKind,
    pub ref_name: String,
    /// The job that deployed; 0 for a deployment through the API.
    pub job: JobId,
    /// Of that job; empty for a deployment through the API.
    pub status: String,
    /// Seconds.
    pub duration: Option<f64>,
    pub username: String,
    pub commit: String,
    pub created_at: Option<UnixSeconds>,
}

/// A commit, by what names it and when it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitHead {
    pub short_id: String,
    pub committed_at: Option<UnixSeconds>,
}

/// An environment and how far what is deployed is behind what is there.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportedEnvironment {
    pub id: EnvironmentId,
    pub name: String,
    pub external_url: String,
    pub is_available: bool,
    pub last: Option<ExportedDeployment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ref_of_a_pipeline_is_a_branch_a_tag_or_a_merge_request() {
        use TrackedKind::{Branch, MergeRequest, Tag};
        let cases = [
            ("a branch", "main", false, Branch, "main"),
            ("a tag", "v1", true, Tag, "v1"),
            ("the head of a merge request", "refs/merge-requests/42/head", false, MergeRequest, "42"),
            ("its merge result", "refs/merge-requests/42/merge", false, MergeRequest, "42"),
            ("its train", "refs/merge-requests/42/train", false, MergeRequest, "42"),
            (
                "a branch that is called like one",
                "refs/merge-requests/x/head",
                false,
                Branch,
                "refs/merge-requests/x/head",
            ),
            ("a branch of another kind", "refs/merge-requests/4", false, Branch, "refs/merge-requests/4"),
        ];
        for (sentence, raw, is_tag, kind, name) in cases {
            assert_eq!(TrackedRef::of_pipeline(raw, is_tag), TrackedRef::new(kind, name), "{sentence}");
        }
    }
}
