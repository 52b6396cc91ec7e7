//! Pipelines as a hub sends them.

use super::document::{DocumentResult, contradiction, present};
use super::failure_wire::HubErrorWire;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::past::{PipelinePast, RedStretch};
use crate::domain::pipeline::{Downstream, Pipeline, Ref, RefKind};
use crate::domain::project::Failure;
use crate::domain::status::Status;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::time::Duration;

/// No pipeline takes longer than a hundred years: sums of times stay in bounds.
const MOST_SECONDS: u64 = 100 * 366 * 24 * 3600;

#[derive(Deserialize)]
pub(super) struct PipelineWire {
    id: u64,
    iid: Option<u64>,
    status: String,
    worst: String,
    warnings: bool,
    #[serde(deserialize_with = "present")]
    unread: Option<HubErrorWire>,
    #[serde(rename = "ref")]
    git_ref: String,
    ref_kind: String,
    sha: Option<String>,
    source: Option<String>,
    name: Option<String>,
    created_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    duration_s: Option<u64>,
    queued_s: Option<u64>,
    coverage: Option<f64>,
    user: Option<String>,
    commit_title: Option<String>,
    failure_reason: Option<String>,
    yaml_errors: Option<String>,
    web_url: Option<String>,
    stages: Vec<HubStageWire>,
    downstream: Vec<DownstreamWire>,
    usual_s: Option<u64>,
    first_red: Option<FirstRedWire>,
    attribution: Option<String>,
}

/// An older hub does not send it.
#[derive(Deserialize)]
struct FirstRedWire {
    id: u64,
    since: Option<DateTime<Utc>>,
    sha: Option<String>,
    user: Option<String>,
    commit_title: Option<String>,
    last_green: Option<u64>,
}

#[derive(Deserialize)]
struct HubStageWire {
    name: String,
    status: String,
    jobs: Vec<HubJobWire>,
}

#[derive(Deserialize)]
struct HubJobWire {
    id: u64,
    name: String,
    kind: String,
    status: String,
    allow_failure: bool,
    attempts: Option<u32>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    duration_s: Option<u64>,
    failure_reason: Option<String>,
    web_url: Option<String>,
    target_url: Option<String>,
    description: Option<String>,
    downstream_id: Option<u64>,
}

#[derive(Deserialize)]
struct DownstreamWire {
    id: u64,
    depth: usize,
    project: Option<String>,
    status: String,
    worst: String,
    warnings: bool,
    unread: bool,
    web_url: Option<String>,
}

/// Returns a time in seconds; one that cannot be is an error.
pub(super) fn seconds(told: Option<u64>) -> DocumentResult<Option<Duration>> {
    match told {
        Some(seconds) if seconds > MOST_SECONDS => contradiction(format!("something takes {seconds} seconds")),
        told => Ok(told.map(Duration::from_secs)),
    }
}

/// Reads a status of ours: GitLab has no word for a warning.
fn own_status(word: &str) -> Status {
    Status::from_word(word).unwrap_or_else(|| Status::from_gitlab(word))
}

impl PipelineWire {
    /// Returns what the hub's memory adds. Of what is not red no one is to blame, whatever the hub says; a word for it that
    /// is not known says nothing.
    pub(super) fn take_past(&mut self) -> DocumentResult<(PipelineId, PipelinePast)> {
        let is_red = Status::from_gitlab(&self.status) == Status::Failed;
        let red = self.first_red.take().filter(|_| is_red);
        let word = self.attribution.take().filter(|_| is_red);
        let past = PipelinePast {
            usual: seconds(self.usual_s)?,
            red_since: red.map(FirstRedWire::into_domain),
            failed_jobs: Vec::new(),
            updated_at: None,
            judged: word.and_then(|word| FailureOrigin::ALL.into_iter().find(|known| known.word() == word)),
        };
        Ok((PipelineId(self.id), past))
    }

    pub(super) fn into_domain(self) -> DocumentResult<Pipeline> {
        let (duration, queued) = (seconds(self.duration_s)?, seconds(self.queued_s)?);
        let Some(kind) = RefKind::from_word(&self.ref_kind) else {
            return contradiction(format!("no kind of a ref is called \"{}\"", self.ref_kind));
        };
        let pipeline = Pipeline {
            id: PipelineId(self.id),
            iid: self.iid,
            status: Status::from_gitlab(&self.status),
            has_warnings: self.warnings,
            git_ref: Ref { name: self.git_ref, kind },
            sha: self.sha,
            source: self.source,
            name: self.name,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            updated_at: self.updated_at,
            duration,
            queued,
            coverage: self.coverage,
            user: self.user,
            commit_title: self.commit_title,
            failure_reason: self.failure_reason,
            yaml_errors: self.yaml_errors,
            web_url: self.web_url,
            stages: self.stages.into_iter().map(HubStageWire::into_domain).collect::<DocumentResult<_>>()?,
            downstream: nested(self.downstream)?,
            unread: self.unread.map(Failure::from),
        };
        same_worst(&format!("pipeline {}", self.id), &pipeline.worst(), &self.worst)?;
        Ok(pipeline)
    }
}

impl FirstRedWire {
    fn into_domain(self) -> RedStretch {
        RedStretch {
            first: PipelineId(self.id),
            since: self.since.map(|at| at.timestamp()),
            sha: self.sha,
            author: self.user,
            commit_title: self.commit_title,
            last_green: self.last_green.map(PipelineId),
        }
    }
}

/// Fails where what the parts add up to is not what is stated of the whole.
fn same_worst(what: &str, found: &Status, stated: &str) -> DocumentResult<()> {
    match found.word() == stated {
        true => Ok(()),
        false => contradiction(format!("{what} is \"{stated}\", and its parts add up to \"{found}\"")),
    }
}

impl HubStageWire {
    fn into_domain(self) -> DocumentResult<Stage> {
        let jobs = self.jobs.into_iter().map(|job| job.into_domain(&self.name)).collect::<DocumentResult<_>>()?;
        Ok(Stage { status: own_status(&self.status), jobs, name: self.name })
    }
}

impl HubJobWire {
    fn into_domain(self, stage: &str) -> DocumentResult<Job> {
        let Some(kind) = JobKind::from_word(&self.kind) else {
            return contradiction(format!("no kind of a job is called \"{}\"", self.kind));
        };
        Ok(Job {
            id: JobId(self.id),
            name: self.name,
            stage: stage.to_owned(),
            kind,
            status: Status::from_gitlab(&self.status),
            allow_failure: self.allow_failure,
            attempts: self.attempts,
            earlier: Vec::new(),
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration: seconds(self.duration_s)?,
            failure_reason: self.failure_reason,
            web_url: if kind == JobKind::External { self.target_url } else { self.web_url },
            description: self.description,
            downstream_id: self.downstream_id.map(PipelineId),
        })
    }
}

/// Puts what comes depth first below what triggered it.
fn nested(flat: Vec<DownstreamWire>) -> DocumentResult<Vec<Downstream>> {
    // The way from the pipeline to the last one: each is complete when one comes that is no deeper.
    let mut way: Vec<(Downstream, String)> = Vec::new();
    let mut top = Vec::new();
    for wire in flat {
        if wire.depth == 0 || wire.depth > way.len() + 1 {
            return contradiction(format!("what triggered pipeline {} is missing", wire.id));
        }
        close(&mut way, &mut top, wire.depth - 1)?;
        let DownstreamWire { id, project, status, worst, warnings, unread, web_url, .. } = wire;
        let below = Downstream {
            id: PipelineId(id),
            iid: None,
            project,
            status: Status::from_gitlab(&status),
            has_warnings: warnings,
            is_unread: unread,
            web_url,
            downstream: Vec::new(),
        };
        way.push((below, worst));
    }
    close(&mut way, &mut top, 0)?;
    Ok(top)
}

/// Shortens the way to so many steps.
fn close(way: &mut Vec<(Downstream, String)>, top: &mut Vec<Downstream>, steps: usize) -> DocumentResult<()> {
    while way.len() > steps
        && let Some((below, worst)) = way.pop()
    {
        same_worst(&format!("pipeline {}", below.id), &below.worst(), &worst)?;
        way.last_mut().map_or(&mut *top, |(above, _)| &mut above.downstream).push(below);
    }
    Ok(())
}
