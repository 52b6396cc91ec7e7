//! Facts for the history: a project, a pipeline or an attempt at a job, as far as one answer contains it.
//!
//! Several answers tell of the same thing, in any order: a reading saw it run, a later one saw it end, and a list has
//! fields that a batch lacks. Merging is therefore the same whatever comes first, and repeats change nothing.

use super::id::{JobId, PipelineId, ProjectId};
use super::job::JobKind;
use super::pipeline::{Pipeline, RefKind};
use super::status::Status;
use chrono::{DateTime, Utc};
use std::cmp::Ordering;

/// Seconds since 1970, UTC. Both APIs know whole seconds; parts of one are cut off.
pub type UnixSeconds = i64;

pub const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// A project by its latest name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectFact {
    pub id: ProjectId,
    pub full_path: String,
    pub default_branch: Option<String>,
    /// When it had this name: the latest counts.
    pub seen_at: UnixSeconds,
}

/// A pipeline: what never changes about it, and how it went last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineFact {
    pub project: ProjectId,
    pub id: PipelineId,
    pub iid: Option<u64>,
    pub ref_name: String,
    pub ref_kind: RefKind,
    pub sha: Option<String>,
    pub source: Option<String>,
    /// Name of the user who started it.
    pub author: Option<String>,
    pub commit_title: Option<String>,
    pub created_at: Option<UnixSeconds>,
    pub course: PipelineCourse,
}

/// How a pipeline went: changes as one, so that parts of two moments are never mixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineCourse {
    pub updated_at: Option<UnixSeconds>,
    pub status: Status,
    pub started_at: Option<UnixSeconds>,
    pub finished_at: Option<UnixSeconds>,
    /// Seconds.
    pub duration: Option<u64>,
    /// Seconds.
    pub queued: Option<u64>,
}

/// An attempt at a job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFact {
    pub project: ProjectId,
    pub pipeline: PipelineId,
    pub id: JobId,
    pub name: String,
    pub stage: String,
    pub kind: JobKind,
    pub ref_kind: RefKind,
    pub allow_failure: bool,
    pub created_at: Option<UnixSeconds>,
    /// Tags that a runner must have to take it; empty where they are not known.
    pub tags: Vec<String>,
    pub course: JobCourse,
}

/// How an attempt at a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCourse {
    pub finished_at: Option<UnixSeconds>,
    pub status: Status,
    pub started_at: Option<UnixSeconds>,
    /// Seconds.
    pub duration: Option<u64>,
    /// Seconds.
    pub queued: Option<u64>,
    pub failure_reason: Option<String>,
}

/// A test that failed in a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailureFact {
    pub project: ProjectId,
    pub job: JobId,
    /// Class and name, as the report has them.
    pub test: String,
}

/// Facts that are written together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactBatch {
    pub projects: Vec<ProjectFact>,
    pub pipelines: Vec<PipelineFact>,
    pub jobs: Vec<JobFact>,
    pub test_failures: Vec<TestFailureFact>,
}

impl FactBatch {
    pub fn is_empty(&self) -> bool {
        self.projects.is_empty() && self.pipelines.is_empty() && self.jobs.is_empty() && self.test_failures.is_empty()
    }
}

impl ProjectFact {
    /// Joins two facts about the same project.
    pub fn merge(self, other: Self) -> Self {
        let key = |fact: &Self| (fact.seen_at, fact.full_path.clone());
        let (mut later, earlier) = if key(&self) >= key(&other) { (self, other) } else { (other, self) };
        if key(&later) == key(&earlier) {
            later.default_branch = later.default_branch.max(earlier.default_branch);
        }
        later
    }
}

impl PipelineFact {
    /// Returns what is kept of a pipeline.
    pub fn of(project: ProjectId, pipeline: &Pipeline) -> Self {
        let seconds = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp());
        Self {
            project,
            id: pipeline.id,
            iid: pipeline.iid,
            ref_name: pipeline.git_ref.name.clone(),
            ref_kind: pipeline.git_ref.kind,
            sha: pipeline.sha.clone(),
            source: pipeline.source.clone(),
            author: pipeline.user.clone(),
            commit_title: pipeline.commit_title.clone(),
            created_at: seconds(pipeline.created_at),
            course: PipelineCourse {
                updated_at: seconds(pipeline.updated_at),
                status: pipeline.status.clone(),
                started_at: seconds(pipeline.started_at),
                finished_at: seconds(pipeline.finished_at),
                duration: pipeline.duration.map(|time| time.as_secs()),
                queued: pipeline.queued.map(|time| time.as_secs()),
            },
        }
    }

    /// Joins two facts about the same pipeline.
    pub fn merge(self, other: Self) -> Self {
        // Of a kind that was guessed in one answer and told in the other, the one that was told counts.
        let known = |fact: &Self| (fact.ref_kind != RefKind::Other, fact.ref_name.clone(), fact.ref_kind.word());
        let (ref_name, ref_kind) = if known(&self) >= known(&other) {
            (self.ref_name, self.ref_kind)
        } else {
            (other.ref_name, other.ref_kind)
        };
        Self {
            project: self.project,
            id: self.id,
            iid: self.iid.max(other.iid),
            ref_name,
            ref_kind,
            sha: self.sha.max(other.sha),
            source: self.source.max(other.source),
            author: self.author.max(other.author),
            commit_title: self.commit_title.max(other.commit_title),
            created_at: self.created_at.max(other.created_at),
            course: self.course.merge(other.course),
        }
    }
}

impl PipelineCourse {
    /// The latest counts; of the same moment an end does, because GitLab writes it last.
    fn order(&self, other: &Self) -> Ordering {
        let key = |course: &Self| (course.updated_at, course.status.is_terminal());
        key(self).cmp(&key(other)).then_with(|| self.status.word().cmp(other.status.word()))
    }

    fn merge(self, other: Self) -> Self {
        match self.order(&other) {
            Ordering::Greater => self,
            Ordering::Less => other,
            Ordering::Equal => Self {
                started_at: self.started_at.max(other.started_at),
                finished_at: self.finished_at.max(other.finished_at),
                duration: self.duration.max(other.duration),
                queued: self.queued.max(other.queued),
                ..self
            },
        }
    }
}

impl JobFact {
    /// Joins two facts about the same attempt.
    pub fn merge(self, other: Self) -> Self {
        let known = |fact: &Self| (fact.ref_kind != RefKind::Other, fact.ref_kind.word());
        Self {
            ref_kind: if known(&self) >= known(&other) { self.ref_kind } else { other.ref_kind },
            name: self.name.max(other.name),
            stage: self.stage.max(other.stage),
            kind: self.kind.max(other.kind),
            allow_failure: self.allow_failure.max(other.allow_failure),
            created_at: self.created_at.max(other.created_at),
            tags: self.tags.max(other.tags),
            course: self.course.merge(other.course),
            ..self
        }
    }
}

impl JobCourse {
    fn order(&self, other: &Self) -> Ordering {
        let key = |course: &Self| (course.status.is_terminal(), course.finished_at);
        key(self).cmp(&key(other)).then_with(|| self.status.word().cmp(other.status.word()))
    }

    fn merge(self, other: Self) -> Self {
        match self.order(&other) {
            Ordering::Greater => self,
            Ordering::Less => other,
            Ordering::Equal => Self {
                started_at: self.started_at.max(other.started_at),
                duration: self.duration.max(other.duration),
                queued: self.queued.max(other.queued),
                failure_reason: self.failure_reason.max(other.failure_reason),
                ..self
            },
        }
    }
}
