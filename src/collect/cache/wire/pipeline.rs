//! A pipeline with its stages and jobs, as it is written in the cache file.

use super::downstream::{LinkWire, SavedDownstreamWire};
use super::failure::FailureWire;
use super::values::{Result, below, each, is_false, micros, nanos, option, ref_kind, status, text, time, whole, word};
use crate::domain::failure::Failure;
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::pipeline::{Downstream, DownstreamLink, Pipeline, Ref};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedPipelineWire<'a> {
    #[serde(rename = "i")]
    id: u64,
    #[serde(rename = "ii", skip_serializing_if = "Option::is_none")]
    iid: Option<u64>,
    #[serde(rename = "s")]
    status: Cow<'a, str>,
    #[serde(rename = "w", default, skip_serializing_if = "is_false")]
    has_warnings: bool,
    #[serde(rename = "r")]
    ref_name: Cow<'a, str>,
    #[serde(rename = "rk")]
    ref_kind: Cow<'a, str>,
    #[serde(rename = "h", skip_serializing_if = "Option::is_none")]
    sha: Option<Cow<'a, str>>,
    #[serde(rename = "so", skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
    #[serde(rename = "n", skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    /// Created, started, finished, updated.
    #[serde(rename = "t")]
    times: [Option<i64>; 4],
    /// Ran, queued.
    #[serde(rename = "d")]
    durations: [Option<u64>; 2],
    /// The bits of the number: JSON would round it.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    coverage: Option<u64>,
    #[serde(rename = "us", skip_serializing_if = "Option::is_none")]
    user: Option<Cow<'a, str>>,
    #[serde(rename = "ct", skip_serializing_if = "Option::is_none")]
    commit_title: Option<Cow<'a, str>>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    failure_reason: Option<Cow<'a, str>>,
    #[serde(rename = "y", skip_serializing_if = "Option::is_none")]
    yaml_errors: Option<Cow<'a, str>>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    web_url: Option<Cow<'a, str>>,
    #[serde(rename = "st")]
    stages: Vec<SavedStageWire<'a>>,
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    downstream: Vec<SavedDownstreamWire<'a>>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkWire<'a>>,
    /// Why something of it could not be read.
    #[serde(rename = "x", skip_serializing_if = "Option::is_none")]
    unread: Option<FailureWire<'a>>,
}

impl<'a> SavedPipelineWire<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, links: &'a [DownstreamLink], base: Option<&str>) -> Self {
        let times = [pipeline.created_at, pipeline.started_at, pipeline.finished_at, pipeline.updated_at];
        Self {
            id: pipeline.id.0,
            iid: pipeline.iid,
            status: word(&pipeline.status),
            has_warnings: pipeline.has_warnings,
            ref_name: text(&pipeline.git_ref.name),
            ref_kind: pipeline.git_ref.kind.word().into(),
            sha: option(&pipeline.sha),
            source: option(&pipeline.source),
            name: option(&pipeline.name),
            times: times.map(|time| time.map(micros)),
            durations: [pipeline.duration, pipeline.queued].map(|time| time.map(nanos)),
            coverage: pipeline.coverage.map(f64::to_bits),
            user: option(&pipeline.user),
            commit_title: option(&pipeline.commit_title),
            failure_reason: option(&pipeline.failure_reason),
            yaml_errors: option(&pipeline.yaml_errors),
            web_url: below(&pipeline.web_url, base),
            stages: pipeline.stages.iter().map(|stage| SavedStageWire::new(stage, base)).collect(),
            downstream: pipeline.downstream.iter().map(SavedDownstreamWire::new).collect(),
            links: links.iter().map(LinkWire::new).collect(),
            unread: pipeline.unread.as_ref().map(FailureWire::new),
        }
    }

    pub(super) fn into_domain(self, base: Option<&str>) -> Result<(Pipeline, Vec<DownstreamLink>)> {
        let [created_at, started_at, finished_at, updated_at] = self.times;
        let [duration, queued] = self.durations.map(|time| time.map(Duration::from_nanos));
        let pipeline = Pipeline {
            id: PipelineId(self.id),
            iid: self.iid,
            status: status(self.status)?,
            has_warnings: self.has_warnings,
            git_ref: Ref { name: self.ref_name.into_owned(), kind: ref_kind(&self.ref_kind)? },
            sha: self.sha.map(Cow::into_owned),
            source: self.source.map(Cow::into_owned),
            name: self.name.map(Cow::into_owned),
            created_at: created_at.map(time).transpose()?,
            started_at: started_at.map(time).transpose()?,
            finished_at: finished_at.map(time).transpose()?,
            updated_at: updated_at.map(time).transpose()?,
            duration,
            queued,
            coverage: self.coverage.map(f64::from_bits),
            user: self.user.map(Cow::into_owned),
            commit_title: self.commit_title.map(Cow::into_owned),
            failure_reason: self.failure_reason.map(Cow::into_owned),
            yaml_errors: self.yaml_errors.map(Cow::into_owned),
            web_url: whole(self.web_url, base)?,
            stages: each(self.stages, |stage| stage.into_domain(base))?,
            downstream: each(self.downstream, Downstream::try_from)?,
            unread: self.unread.map(Failure::from),
        };
        let links = each(self.links, DownstreamLink::try_from)?;
        Ok((pipeline, links))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedStageWire<'a>(Cow<'a, str>, Cow<'a, str>, Vec<SavedJobWire<'a>>);

impl<'a> SavedStageWire<'a> {
    fn new(stage: &'a Stage, base: Option<&str>) -> Self {
        let jobs = stage.jobs.iter().map(|job| SavedJobWire::new(job, &stage.name, base)).collect();
        Self(text(&stage.name), word(&stage.status), jobs)
    }

    fn into_domain(self, base: Option<&str>) -> Result<Stage> {
        let Self(name, word, jobs) = self;
        let jobs = each(jobs, |job| job.into_domain(&name, base))?;
        Ok(Stage { status: status(word)?, jobs, name: name.into_owned() })
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedJobWire<'a> {
    #[serde(rename = "i")]
    id: u64,
    #[serde(rename = "n")]
    name: Cow<'a, str>,
    /// Where it is not the job's own.
    #[serde(rename = "st", skip_serializing_if = "Option::is_none")]
    stage: Option<Cow<'a, str>>,
    #[serde(rename = "br", default, skip_serializing_if = "is_false")]
    is_bridge: bool,
    #[serde(rename = "s")]
    status: Cow<'a, str>,
    #[serde(rename = "al", default, skip_serializing_if = "is_false")]
    allow_failure: bool,
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    started_at: Option<i64>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    finished_at: Option<i64>,
    #[serde(rename = "d", skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    failure_reason: Option<Cow<'a, str>>,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    web_url: Option<Cow<'a, str>>,
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    is_external: bool,
    #[serde(rename = "y", default, skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    downstream_id: Option<u64>,
}

impl<'a> SavedJobWire<'a> {
    fn new(job: &'a Job, stage: &str, base: Option<&str>) -> Self {
        Self {
            id: job.id.0,
            name: text(&job.name),
            stage: (job.stage != stage).then(|| text(&job.stage)),
            is_bridge: job.kind == JobKind::Bridge,
            is_external: job.kind == JobKind::External,
            status: word(&job.status),
            allow_failure: job.allow_failure,
            attempts: job.attempts,
            started_at: job.started_at.map(micros),
            finished_at: job.finished_at.map(micros),
            duration: job.duration.map(nanos),
            failure_reason: option(&job.failure_reason),
            web_url: below(&job.web_url, base),
            description: option(&job.description),
            downstream_id: job.downstream_id.map(|id| id.0),
        }
    }

    fn into_domain(self, stage: &str, base: Option<&str>) -> Result<Job> {
        Ok(Job {
            id: JobId(self.id),
            name: self.name.into_owned(),
            stage: self.stage.map_or_else(|| stage.to_owned(), Cow::into_owned),
            kind: match (self.is_bridge, self.is_external) {
                (true, _) => JobKind::Bridge,
                (false, true) => JobKind::External,
                (false, false) => JobKind::Job,
            },
            status: status(self.status)?,
            allow_failure: self.allow_failure,
            attempts: self.attempts,
            earlier: Vec::new(),
            started_at: self.started_at.map(time).transpose()?,
            finished_at: self.finished_at.map(time).transpose()?,
            duration: self.duration.map(Duration::from_nanos),
            failure_reason: self.failure_reason.map(Cow::into_owned),
            web_url: whole(self.web_url, base)?,
            description: self.description.map(Cow::into_owned),
            downstream_id: self.downstream_id.map(PipelineId),
        })
    }
}
