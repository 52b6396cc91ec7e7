//! The wire structs of the fragments, and their conversion to the domain.

use super::needs::{NeedListWire, needed};
use super::question::{GraphqlConnection, number};
use super::reason;
use super::trouble::PendingWire;
use crate::domain::evidence::JobDetails;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::host::Host;
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::{DownstreamLink, Pipeline, Ref};
use crate::domain::status::Status;
use crate::gitlab::graphql::fields::Fields;
use crate::gitlab::job_page::{JobPage, PastJobs, PastPipeline};
use crate::gitlab::lenient::{Item, loose};
use crate::gitlab::rest::job::project_of;
use crate::gitlab::rest::pipeline::status;
use crate::gitlab::rest::seconds;
use chrono::{DateTime, Utc};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailsWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    iid: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, rename = "ref", deserialize_with = "loose")]
    git_ref: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    ref_path: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    sha: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    path: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    started_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    updated_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    queued_duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    coverage: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    source: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    failure_reason: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    yaml_error_messages: Option<String>,
    #[serde(default)]
    detailed_status: Item<DetailedStatusWire>,
    #[serde(default)]
    user: Item<UserWire>,
    #[serde(default)]
    commit: Item<CommitWire>,
    #[serde(default)]
    jobs: Item<JobsWire>,
    /// Only a glance asks for it.
    #[serde(default)]
    pub(super) pending: Item<GraphqlConnection<PendingWire>>,
}

#[derive(Deserialize)]
struct DetailedStatusWire {
    #[serde(default, deserialize_with = "loose")]
    group: Option<String>,
}

#[derive(Deserialize)]
struct UserWire {
    #[serde(default, deserialize_with = "loose")]
    username: Option<String>,
}

#[derive(Deserialize)]
struct CommitWire {
    #[serde(default, deserialize_with = "loose")]
    title: Option<String>,
}

pub(super) type JobsWire = GraphqlConnection<JobWire>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default)]
    stage: Item<StageWire>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    allow_failure: Option<bool>,
    #[serde(default, deserialize_with = "loose")]
    started_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    failure_message: Option<String>,
    /// Only asked for in the past, like the next two.
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    queued_duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    tags: Option<Vec<String>>,
    /// Only asked for where it is shown.
    #[serde(default)]
    needs: Item<NeedListWire>,
    #[serde(default, deserialize_with = "loose")]
    scheduling_type: Option<String>,
    #[serde(default = "unsaid")]
    downstream_pipeline: Option<Item<BelowWire>>,
}

/// A job that does not say what it triggered.
fn unsaid<T>() -> Option<Item<T>> {
    Some(Item::Odd)
}

#[derive(Deserialize)]
struct StageWire {
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BelowWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    iid: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    path: Option<String>,
    #[serde(default)]
    detailed_status: Item<DetailedStatusWire>,
    #[serde(default)]
    downstream: Item<GraphqlConnection<IdWire>>,
}

#[derive(Deserialize)]
struct IdWire {}

/// Says whether a detailed status is a success with warnings; its words have hyphens.
fn has_warnings(detailed: Item<DetailedStatusWire>) -> Option<bool> {
    Some(detailed.read()?.group? == "success-with-warnings")
}

impl DetailsWire {
    /// Returns the ref as GitLab gives it, empty where it gives none.
    pub(super) fn raw_ref(&self) -> &str {
        self.git_ref.as_deref().unwrap_or_default()
    }

    /// Converts a pipeline and the first page of its jobs; `None` where its id is missing.
    pub(super) fn convert(mut self, host: &Host, fields: &Fields) -> Option<(Pipeline, JobPage)> {
        let jobs = std::mem::take(&mut self.jobs);
        let mut pipeline = self.pipeline(host)?;
        let jobs = jobs.read().and_then(|jobs| jobs.convert(host, fields, pipeline.web_url.as_deref()));
        if jobs.is_none() {
            // Without its jobs a pipeline would look greener than it is.
            let message = "its jobs could not be read: the answer lacks a part of them";
            pipeline.unread = Some(Failure::new(FailureKind::Graphql, message));
        }
        Some((pipeline, jobs.unwrap_or_default()))
    }

    /// Converts a pipeline of the past; `None` where its id or a part of its jobs is missing.
    pub(super) fn convert_past(mut self, host: &Host, fields: &Fields) -> Option<PastPipeline> {
        let jobs = std::mem::take(&mut self.jobs).read()?.convert_past(host, fields)?;
        Some(PastPipeline { pipeline: self.pipeline(host)?, jobs })
    }

    /// Converts a pipeline without its jobs.
    fn pipeline(self, host: &Host) -> Option<Pipeline> {
        let id = PipelineId(number(&self.id?)?);
        // Without a status there is nothing to show, and nothing to be sure of.
        let word = self.status.filter(|word| !word.is_empty())?;
        // The only word on tags: https://docs.gitlab.com/api/graphql/reference/#pipeline
        let is_tag = self.ref_path.as_deref().and_then(|path| match path {
            path if path.starts_with("refs/tags/") => Some(true),
            path if path.starts_with("refs/heads/") => Some(false),
            _ => None,
        });
        Some(Pipeline {
            id,
            iid: self.iid.and_then(|iid| iid.parse().ok()),
            status: status(Some(&word)),
            // All of its jobs are read, too, and tell the same.
            has_warnings: has_warnings(self.detailed_status).unwrap_or_default(),
            git_ref: Ref::from_gitlab(self.git_ref.as_deref().unwrap_or_default(), is_tag),
            sha: self.sha,
            source: self.source,
            name: self.name,
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            updated_at: self.updated_at,
            duration: seconds(self.duration),
            queued: seconds(self.queued_duration),
            coverage: self.coverage.filter(|percent| percent.is_finite()),
            user: self.user.read().and_then(|user| user.username),
            commit_title: self.commit.read().and_then(|commit| commit.title),
            failure_reason: self.failure_reason.map(|said| reason::without_link(&said).to_owned()),
            yaml_errors: self.yaml_error_messages.filter(|errors| !errors.is_empty()),
            web_url: self.path.as_deref().and_then(|path| host.at_root(path)),
            stages: Vec::new(),
            downstream: Vec::new(),
            unread: None,
        })
    }
}

impl JobsWire {
    /// Converts a page of the jobs of the pipeline at this URL; `None` where a part is missing, be it the way to the next.
    pub(super) fn convert(self, host: &Host, fields: &Fields, pipeline_url: Option<&str>) -> Option<JobPage> {
        // GitLab's routes: PROJECT/-/pipelines/8123 and PROJECT/-/jobs/991. A query for each job's own path would cost
        // more than it tells, and GitLab before 16 has none.
        let jobs_url =
            pipeline_url.and_then(|url| url.rsplit_once("/pipelines/")).map(|(base, _)| format!("{base}/jobs"));
        let (next, nodes) = self.parts()?;
        let mut page = JobPage { next, ..JobPage::default() };
        for wire in nodes {
            let mut wire = wire.read()?;
            let needed = needed(std::mem::take(&mut wire.needs), wire.scheduling_type.as_deref());
            let (job, link) = wire.convert(host, fields, jobs_url.as_deref())?;
            needed.into_iter().for_each(|needed| page.needs.insert(job.name.clone(), needed));
            page.attempts.push(job);
            page.links.extend(link);
        }
        Some(page)
    }

    /// Converts a page of the jobs of a past pipeline; `None` where a part is missing.
    pub(super) fn convert_past(self, host: &Host, fields: &Fields) -> Option<PastJobs> {
        let (next, nodes) = self.parts()?;
        let attempts = nodes.into_iter().map(|wire| wire.read()?.convert_past(host, fields));
        Some(PastJobs { attempts: attempts.collect::<Option<_>>()?, next })
    }
}

impl JobWire {
    /// Converts a job of a past pipeline, which was not asked what it triggered.
    fn convert_past(mut self, host: &Host, fields: &Fields) -> Option<(Job, JobDetails)> {
        let details = JobDetails {
            created_at: self.created_at,
            queued: seconds(self.queued_duration),
            tags: self.tags.take().unwrap_or_default(),
            ..JobDetails::default()
        };
        self.downstream_pipeline = None;
        let (job, _) = self.convert(host, fields, None)?;
        Some((job, details))
    }

    fn convert(self, host: &Host, fields: &Fields, jobs_url: Option<&str>) -> Option<(Job, Option<DownstreamLink>)> {
        let gid = self.id?;
        let id = JobId(number(&gid)?);
        // `kind` came with 16; the id says it on every version.
        let kind = match gid.split('/').rev().nth(1) {
            Some("Ci::Bridge") => JobKind::Bridge,
            // `app/models/generic_commit_status.rb`: what another system has set.
            Some("GenericCommitStatus") => JobKind::External,
            _ => JobKind::Job,
        };
        let status = status(self.status.as_deref());
        let link = match (self.downstream_pipeline, kind) {
            (None, _) | (Some(Item::Odd), JobKind::Job) => None,
            // A bridge whose downstream cannot be read is not one without.
            (Some(Item::Odd), _) => return None,
            (Some(Item::Read(below)), _) => Some(below.convert(host, id)?),
        };
        let tells_reasons = fields.has("CiJob.failureMessage");
        let failure_reason = match &status {
            Status::Failed if tells_reasons => reason::word(kind, self.failure_message.as_deref()),
            _ => None,
        };
        let description = match kind {
            JobKind::External => reason::description(self.failure_message.as_deref()),
            JobKind::Job | JobKind::Bridge => None,
        };
        let job = Job {
            id,
            name: self.name.unwrap_or_default(),
            stage: self.stage.read().and_then(|stage| stage.name).unwrap_or_default(),
            kind,
            status,
            allow_failure: self.allow_failure.unwrap_or(false),
            attempts: None,
            earlier: Vec::new(),
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration: seconds(self.duration),
            failure_reason: failure_reason.map(str::to_owned),
            // Where an external status leads only REST says.
            web_url: jobs_url.filter(|_| kind != JobKind::External).map(|url| format!("{url}/{id}")),
            description,
            downstream_id: link.as_ref().map(|link| link.id),
        };
        Some((job, link))
    }
}

impl BelowWire {
    fn convert(self, host: &Host, bridge: JobId) -> Option<DownstreamLink> {
        let web_url = self.path.as_deref().and_then(|path| host.at_root(path));
        // An item that cannot be read is one all the same.
        let has_below = self.downstream.read().and_then(|downstream| downstream.nodes.0).map(|nodes| !nodes.is_empty());
        Some(DownstreamLink {
            id: PipelineId(number(&self.id?)?),
            iid: self.iid.and_then(|iid| iid.parse().ok()),
            bridge,
            project_id: None,
            project: web_url.as_deref().and_then(|url| project_of(host, url)).map(str::to_owned),
            status: status(self.status.as_deref()),
            has_warnings: has_warnings(self.detailed_status),
            has_below,
            web_url,
        })
    }
}
