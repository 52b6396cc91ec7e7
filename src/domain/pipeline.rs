//! Pipelines, what they ran for, and the pipelines that they triggered.

use super::failure::Failure;
use super::id::{JobId, PipelineId, ProjectId};
use super::job::{Job, Stage};
use super::status::Status;
use chrono::{DateTime, Utc};
use std::fmt;
use std::time::Duration;

/// How deep triggered pipelines are followed.
///
/// GitLab allows two levels of child pipelines below a parent
/// (<https://docs.gitlab.com/ci/pipelines/downstream_pipelines/#nested-child-pipelines>); one more sees a trigger across projects.
pub const DOWNSTREAM_DEPTH: usize = 3;

/// What kind of ref a pipeline ran for; never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefKind {
    Branch,
    Tag,
    MergeRequest,
    MergeTrain,
    Other,
}

impl RefKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
            Self::MergeRequest => "merge_request",
            Self::MergeTrain => "merge_train",
            Self::Other => "other",
        }
    }

    /// Reads one of our own words; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Branch, Self::Tag, Self::MergeRequest, Self::MergeTrain, Self::Other]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// The ref of a pipeline under the name that people use for it: `main`, `v1.2.0`, `!7`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ref {
    pub name: String,
    pub kind: RefKind,
}

impl Ref {
    /// Names a ref as GitLab gives it. `is_tag` is `None` where the API does not say.
    ///
    /// `refs/merge-requests/IID/{head,merge,train}` is the merge request `!IID`:
    /// <https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/>.
    pub fn from_gitlab(raw: &str, is_tag: Option<bool>) -> Self {
        let merge_request = raw.strip_prefix("refs/merge-requests/").and_then(|rest| rest.split_once('/'));
        if let Some((iid, part)) = merge_request
            && !iid.is_empty()
            && iid.bytes().all(|byte| byte.is_ascii_digit())
        {
            let kind = match part {
                "train" => Some(RefKind::MergeTrain),
                "head" | "merge" => Some(RefKind::MergeRequest),
                _ => None,
            };
            if let Some(kind) = kind {
                return Self { name: format!("!{iid}"), kind };
            }
        }
        let (name, kind) = match (raw.strip_prefix("refs/heads/"), raw.strip_prefix("refs/tags/"), is_tag) {
            (Some(name), _, _) => (name, RefKind::Branch),
            (_, Some(name), _) => (name, RefKind::Tag),
            (_, _, Some(true)) => (raw, RefKind::Tag),
            (_, _, Some(false)) if !raw.starts_with("refs/") => (raw, RefKind::Branch),
            _ => (raw, RefKind::Other),
        };
        Self { name: name.to_owned(), kind }
    }
}

/// A pipeline with its stages and everything that it triggered.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub id: PipelineId,
    pub iid: Option<u64>,
    /// GitLab's word.
    pub status: Status,
    /// Whether it passed with a failure that was allowed.
    pub has_warnings: bool,
    pub git_ref: Ref,
    pub sha: Option<String>,
    pub source: Option<String>,
    pub name: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
    pub duration: Option<Duration>,
    pub queued: Option<Duration>,
    /// Percent.
    pub coverage: Option<f64>,
    /// Name of the user who started it.
    pub user: Option<String>,
    pub commit_title: Option<String>,
    pub failure_reason: Option<String>,
    pub yaml_errors: Option<String>,
    pub web_url: Option<String>,
    pub stages: Vec<Stage>,
    pub downstream: Vec<Downstream>,
    /// Why a part of it, such as its jobs, could not be read: what is there is not all, and not taken for fine.
    pub unread: Option<Failure>,
}

impl Pipeline {
    /// Returns a pipeline of which nothing else is known yet.
    pub fn without_details(id: PipelineId, status: Status, git_ref: Ref) -> Self {
        Self {
            id,
            iid: None,
            status,
            has_warnings: false,
            git_ref,
            sha: None,
            source: None,
            name: None,
            created_at: None,
            started_at: None,
            finished_at: None,
            updated_at: None,
            duration: None,
            queued: None,
            coverage: None,
            user: None,
            commit_title: None,
            failure_reason: None,
            yaml_errors: None,
            web_url: None,
            stages: Vec::new(),
            downstream: Vec::new(),
            unread: None,
        }
    }

    /// Returns its own status, with `warning` for a success that had allowed failures.
    pub fn verdict(&self) -> Status {
        verdict(&self.status, self.has_warnings)
    }

    /// Returns its verdict joined with those of everything that it triggered; `unread` where a part is missing and
    /// nothing that is known is worse.
    pub fn worst(&self) -> Status {
        let own = or_unread(self.verdict(), self.unread.is_some());
        self.downstream.iter().map(Downstream::worst).fold(own, Status::worse)
    }

    /// Says whether something that it triggered could not be read.
    pub fn has_unread_below(&self) -> bool {
        self.descendants().iter().any(|below| below.is_unread)
    }

    /// Says whether its jobs account for its status. Where they do not, another system may have set one on the commit.
    pub fn is_explained_by_jobs(&self) -> bool {
        let any = |is: &dyn Fn(&Job) -> bool| self.jobs().any(is);
        let has_words = |words: &Option<String>| words.as_deref().is_some_and(|words| !words.trim().is_empty());
        match self.status {
            Status::Failed => {
                has_words(&self.yaml_errors)
                    || has_words(&self.failure_reason)
                    || any(&|job| job.status == Status::Failed && !job.allow_failure)
            }
            Status::Success => any(&|_| true) && (!self.has_warnings || any(&Job::is_allowed_failure)),
            Status::Pending | Status::Running => any(&|_| true),
            Status::Created
            | Status::WaitingForResource
            | Status::Preparing
            | Status::WaitingForCallback
            | Status::Warning
            | Status::Canceling
            | Status::Canceled
            | Status::Skipped
            | Status::Manual
            | Status::Scheduled
            | Status::Other(_) => true,
        }
    }

    /// Returns all jobs in the pipeline's order.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.stages.iter().flat_map(|stage| &stage.jobs)
    }

    /// Returns all followed downstream pipelines, depth first.
    pub fn descendants(&self) -> Vec<&Downstream> {
        fn walk<'a>(level: &'a [Downstream], found: &mut Vec<&'a Downstream>) {
            for downstream in level {
                found.push(downstream);
                walk(&downstream.downstream, found);
            }
        }
        let mut found = Vec::new();
        walk(&self.downstream, &mut found);
        found
    }
}

/// Returns the verdict over one pipeline: GitLab's word, or `warning`.
fn verdict(status: &Status, has_warnings: bool) -> Status {
    match status {
        Status::Success if has_warnings => Status::Warning,
        status => status.clone(),
    }
}

/// Joins a verdict with what is missing: the unread is never fine.
fn or_unread(verdict: Status, is_unread: bool) -> Status {
    if is_unread { verdict.worse(Status::Other("unread".into())) } else { verdict }
}

/// A pipeline that another one triggered: a child, or one of another project.
#[derive(Debug, Clone, PartialEq)]
pub struct Downstream {
    pub id: PipelineId,
    pub iid: Option<u64>,
    /// Full path of its project, where its URL tells.
    pub project: Option<String>,
    /// GitLab's word.
    pub status: Status,
    pub has_warnings: bool,
    /// What could not be read about it, although it should have been: it is then not taken for fine.
    pub is_unread: bool,
    pub web_url: Option<String>,
    pub downstream: Vec<Downstream>,
}

impl Downstream {
    /// Returns its verdict joined with those below it.
    pub fn worst(&self) -> Status {
        let own = verdict(&self.status, self.has_warnings);
        let own = or_unread(own, self.is_unread);
        self.downstream.iter().map(Self::worst).fold(own, Status::worse)
    }
}

/// Where a trigger job leads: enough to show it, and to read more about it.
#[derive(Debug, Clone, PartialEq)]
pub struct DownstreamLink {
    pub id: PipelineId,
    pub iid: Option<u64>,
    /// The attempt that triggered it.
    pub bridge: JobId,
    pub project_id: Option<ProjectId>,
    pub project: Option<String>,
    pub status: Status,
    /// Whether it passed with a failure that was allowed; `None` where only reading it tells.
    pub has_warnings: Option<bool>,
    /// Whether it has triggered others; `None` where only reading it tells.
    pub has_below: Option<bool>,
    pub web_url: Option<String>,
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::{below, pipeline as parent};
    use crate::domain::failure::FailureKind;

    #[test]
    fn refs_are_named_as_what_they_are() {
        let cases = [
            ("refs/merge-requests/7/head", Some(false), "!7", RefKind::MergeRequest),
            ("refs/merge-requests/7/merge", Some(false), "!7", RefKind::MergeRequest),
            ("refs/merge-requests/71/train", Some(false), "!71", RefKind::MergeTrain),
            ("refs/merge-requests/7/unheard-of", Some(false), "refs/merge-requests/7/unheard-of", RefKind::Other),
            ("refs/merge-requests/x/head", Some(false), "refs/merge-requests/x/head", RefKind::Other),
            ("v1.2.0", Some(true), "v1.2.0", RefKind::Tag),
            ("main", Some(false), "main", RefKind::Branch),
            ("main", None, "main", RefKind::Other),
            ("refs/heads/main", None, "main", RefKind::Branch),
            ("refs/tags/v1", None, "v1", RefKind::Tag),
            ("refs/workloads/abc", Some(false), "refs/workloads/abc", RefKind::Other),
        ];
        for (raw, is_tag, name, kind) in cases {
            let found = Ref::from_gitlab(raw, is_tag);
            assert_eq!((found.name.as_str(), found.kind), (name, kind), "{raw}");
        }
    }

    fn downstream(status: Status, further: Vec<Downstream>) -> Downstream {
        below(2, status, further)
    }

    fn partly(pipeline: Pipeline) -> Pipeline {
        let failure = Failure::new(FailureKind::Http(500), "its jobs could not be read");
        Pipeline { unread: Some(failure), ..pipeline }
    }

    #[test]
    fn worst_looks_below_the_pipeline() {
        use Status::*;
        let warned = Downstream { has_warnings: true, ..downstream(Success, vec![]) };
        let unread = Downstream { is_unread: true, ..downstream(Success, vec![]) };
        let cases = [
            ("nothing below", parent(Success, vec![]), Success),
            ("a failed child below a green parent", parent(Success, vec![downstream(Failed, vec![])]), Failed),
            (
                "a failed grandchild",
                parent(Success, vec![downstream(Success, vec![downstream(Failed, vec![])])]),
                Failed,
            ),
            ("a child still runs", parent(Success, vec![downstream(Running, vec![])]), Running),
            ("a failed parent stays failed", parent(Failed, vec![downstream(Running, vec![])]), Failed),
            ("a child passed with a warning", parent(Success, vec![warned]), Warning),
            ("a child that could not be read is not fine", parent(Success, vec![unread]), Other("unread".into())),
            ("a success whose jobs could not be read", partly(parent(Success, vec![])), Other("unread".into())),
            ("a failure whose jobs could not be read stays one", partly(parent(Failed, vec![])), Failed),
            ("what runs and could not be read whole", partly(parent(Running, vec![])), Other("unread".into())),
            ("a skipped child does not hide success", parent(Success, vec![downstream(Skipped, vec![])]), Success),
        ];
        for (sentence, pipeline, expected) in cases {
            assert_eq!(pipeline.worst(), expected, "{sentence}");
        }
    }

    #[test]
    fn only_a_success_can_be_a_warning() {
        let failed = Pipeline { has_warnings: true, ..parent(Status::Failed, vec![]) };
        assert_eq!(failed.worst(), Status::Failed);
    }
}
