//! What happened in a project before the world was made: weeks of pipelines, merge requests, deployments and incidents.
//!
//! Only the plot is kept, some dozen bytes for each event; `timeline.rs` plays a pipeline of it when it is looked at. Each
//! failure is planted with its cause, so that `expected` knows what a client can only infer.

mod calendar;
mod delivery;
mod failures;
mod jobs;
mod outages;
mod plot;

pub(crate) use jobs::{DEPLOY_PRODUCTION, DEPLOY_STAGING, HistoryJobs};
pub(crate) use outages::plant as plant_outages;
pub(crate) use plot::plot;

use serde::Deserialize;

use super::rng::Rng;

/// Longer than any pipeline takes, but for a deployment: on the default branch each is over before the next begins.
const LONGEST: i64 = 75 * 60_000;

/// How much happened, from the scenario: `history = { days = 30, pipelines = 100 }`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryEntry {
    pub(crate) days: u32,
    /// All of these days together; each has 12 jobs.
    pub(crate) pipelines: usize,
    #[serde(default)]
    pub(crate) merge_requests: usize,
    /// To all environments.
    #[serde(default)]
    pub(crate) deployments: usize,
}

#[derive(Debug)]
pub(crate) struct ProjectHistory {
    pub(crate) from: i64,
    /// By time; the last few lie ahead of the moment when the world was made.
    pub(crate) pipelines: Vec<PastPipeline>,
    /// By time of creation; the first has iid 1. So it is with the next three.
    pub(crate) merge_requests: Vec<PastMergeRequest>,
    pub(crate) deployments: Vec<PastDeployment>,
    pub(crate) issues: Vec<PastIssue>,
    pub(crate) red_stretches: Vec<RedStretch>,
    /// The job that fails now and then without a change, and the name of its test.
    pub(crate) flaky: Option<FlakyJob>,
}

#[derive(Clone, Debug)]
pub(crate) struct PastPipeline {
    pub(crate) created: i64,
    pub(crate) kind: PastKind,
    /// Number of the commit on the default branch, or of the merge request's push.
    pub(crate) commit: u32,
    pub(crate) user: usize,
    pub(crate) failure: Option<PlantedFailure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PastKind {
    Push,
    /// Of the merge commit of this merge request.
    Merge(usize),
    Schedule,
    Tag,
    MergeRequest(usize),
}

impl PastKind {
    pub(crate) fn is_trunk(self) -> bool {
        matches!(self, Self::Push | Self::Merge(_) | Self::Schedule)
    }

    /// Returns GitLab's word for what started it.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::MergeRequest(_) => "merge_request_event",
            Self::Schedule => "schedule",
            Self::Push | Self::Merge(_) | Self::Tag => "push",
        }
    }

    pub(crate) fn brings_commit(self) -> bool {
        matches!(self, Self::Push | Self::Merge(_))
    }
}

/// The one job of a pipeline that fails, and why.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlantedFailure {
    /// Its place in the pipeline.
    pub(crate) job: usize,
    pub(crate) cause: FailureCause,
    pub(crate) reason: &'static str,
    pub(crate) test: Option<String>,
    /// A person runs it again after so long, and it passes.
    pub(crate) retried: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureCause {
    Yours,
    Flaky,
    Infrastructure,
    AlreadyBroken,
    Everywhere,
}

impl FailureCause {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::Flaky => "flaky",
            Self::Infrastructure => "infrastructure",
            Self::AlreadyBroken => "already_broken",
            Self::Everywhere => "everywhere",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct FlakyJob {
    pub(crate) job: usize,
    pub(crate) test: String,
}

/// A time in which a job failed on the default branch; the numbers are those of pipelines.
#[derive(Clone, Debug)]
pub(crate) struct RedStretch {
    pub(crate) job: usize,
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The pipeline whose commit repaired it.
    pub(crate) repaired: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct PastMergeRequest {
    pub(crate) created: i64,
    pub(crate) merged: Option<i64>,
    pub(crate) closed: Option<i64>,
    pub(crate) author: usize,
    /// When each push came; the first brought one commit more.
    pub(crate) pushes: Vec<i64>,
    pub(crate) first_commit: i64,
    /// Number of the merge commit on the default branch.
    pub(crate) commit: Option<u32>,
    pub(crate) purpose: MergePurpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MergePurpose {
    Change,
    Hotfix,
    /// Takes this one back.
    Revert(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PastEnvironment {
    Staging,
    Production,
}

impl PastEnvironment {
    pub(crate) const ALL: [Self; 2] = [Self::Staging, Self::Production];

    /// The name, which is GitLab's word for its tier, too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct PastDeployment {
    pub(crate) environment: PastEnvironment,
    pub(crate) pipeline: usize,
    pub(crate) created: i64,
    pub(crate) started: i64,
    pub(crate) finished: i64,
    pub(crate) end: DeploymentEnd,
    /// GitLab's rollback button: the job of an older pipeline runs again.
    pub(crate) rollback: bool,
    /// What of DORA's evidence against it was planted.
    pub(crate) reasons: Vec<&'static str>,
    /// Merge requests that it is the first successful deployment of its environment to bring.
    pub(crate) brings: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeploymentEnd {
    Success,
    Failed,
    Canceled,
}

impl DeploymentEnd {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl PastDeployment {
    /// Returns its status at `now`; it exists from `created` on.
    pub(crate) fn status(&self, now: i64) -> &'static str {
        match now {
            _ if now >= self.finished => self.end.word(),
            _ if now >= self.started => "running",
            _ => "created",
        }
    }

    /// Returns when it changed last.
    pub(crate) fn updated(&self, now: i64) -> i64 {
        [self.finished, self.started].into_iter().find(|at| *at <= now).unwrap_or(self.created)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct PastIssue {
    pub(crate) created: i64,
    pub(crate) closed: Option<i64>,
    pub(crate) incident: bool,
}

impl ProjectHistory {
    /// Returns the number of the pipeline that was created in this second after `epoch`.
    pub(crate) fn at_second(&self, epoch: i64, second: i64) -> Option<usize> {
        let of = |pipeline: &PastPipeline| (pipeline.created - epoch).div_euclid(1_000);
        let at = self.pipelines.partition_point(|pipeline| of(pipeline) < second);
        self.pipelines.get(at).filter(|pipeline| of(pipeline) == second).map(|_| at)
    }

    /// Returns the job that is red on the default branch about that time.
    fn red_job_near(&self, at: i64) -> Option<usize> {
        let near = |stretch: &&RedStretch| {
            let end = stretch.repaired.map_or(i64::MAX, |repaired| self.pipelines[repaired].created + 2 * LONGEST);
            (self.pipelines[stretch.first].created - LONGEST..end).contains(&at)
        };
        self.red_stretches.iter().find(near).map(|stretch| stretch.job)
    }

    /// Returns how many pipelines exist at `now`.
    pub(crate) fn len_at(&self, now: i64) -> usize {
        self.pipelines.partition_point(|pipeline| pipeline.created <= now)
    }

    /// Returns the merge requests whose commits came after `from` and up to `to`.
    fn merged_between(&self, from: u32, to: u32) -> Vec<usize> {
        let merged = |(_, request): &(usize, &PastMergeRequest)| {
            request.commit.is_some_and(|commit| (from..to).contains(&(commit - 1)))
        };
        self.merge_requests.iter().enumerate().filter(merged).map(|(at, _)| at).collect()
    }

    /// Returns the deployments of a pipeline, by time.
    pub(crate) fn deployments_of(&self, pipeline: usize) -> impl Iterator<Item = &PastDeployment> {
        self.deployments.iter().filter(move |deployment| deployment.pipeline == pipeline)
    }
}

/// Returns the id of a commit on the default branch.
pub(crate) fn trunk_sha(seed: u64, project: u64, commit: u32) -> String {
    Rng::of(&[seed, project, 0xC0, u64::from(commit)]).sha()
}

/// Returns the id of the commit that a push to a merge request brought last.
pub(crate) fn push_sha(seed: u64, project: u64, request: usize, push: u32) -> String {
    // As one number, which none of the default branch's commits has: small numbers one after the other can meet.
    let commit = (request as u64 + 1) << 32 | u64::from(push);
    Rng::of(&[seed, project, 0xC1, commit]).sha()
}
