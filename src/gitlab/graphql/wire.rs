//! What the fragments answer, and its conversion to the domain.

use super::{Nodes, number, reason};
use crate::domain::host::Host;
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::{DownstreamLink, Pipeline, Ref};
use crate::domain::status::Status;
use crate::gitlab::client::JobPage;
use crate::gitlab::graphql::fields::Fields;
use crate::gitlab::rest::job::project_of;
use crate::gitlab::rest::pipeline::status;
use crate::gitlab::rest::seconds;
use chrono::{DateTime, Utc};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailsWire {
    id: String,
    iid: Option<String>,
    status: Option<String>,
    #[serde(rename = "ref")]
    git_ref: Option<String>,
    ref_path: Option<String>,
    sha: Option<String>,
    path: Option<String>,
    created_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    duration: Option<f64>,
    queued_duration: Option<f64>,
    coverage: Option<f64>,
    source: Option<String>,
    name: Option<String>,
    failure_reason: Option<String>,
    yaml_error_messages: Option<String>,
    detailed_status: Option<DetailedStatusWire>,
    user: Option<UserWire>,
    commit: Option<CommitWire>,
    jobs: Option<JobsWire>,
}

#[derive(Deserialize)]
struct DetailedStatusWire {
    group: Option<String>,
}

#[derive(Deserialize)]
struct UserWire {
    username: Option<String>,
}

#[derive(Deserialize)]
struct CommitWire {
    title: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobsWire {
    page_info: Option<PageInfoWire>,
    #[serde(default = "Vec::new")]
    nodes: Vec<Option<JobWire>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfoWire {
    #[serde(default)]
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobWire {
    id: Option<String>,
    name: Option<String>,
    stage: Option<StageWire>,
    status: Option<String>,
    allow_failure: Option<bool>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    duration: Option<f64>,
    failure_message: Option<String>,
    downstream_pipeline: Option<BelowWire>,
}

#[derive(Deserialize)]
struct StageWire {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BelowWire {
    id: String,
    iid: Option<String>,
    status: Option<String>,
    path: Option<String>,
    detailed_status: Option<DetailedStatusWire>,
    downstream: Option<Nodes<IdWire>>,
}

#[derive(Deserialize)]
struct IdWire {
    #[expect(dead_code, reason = "that there is one is all that counts")]
    id: String,
}

/// Says whether a detailed status is a success with warnings; its words have hyphens.
fn has_warnings(detailed: Option<DetailedStatusWire>) -> bool {
    detailed.and_then(|detailed| detailed.group).as_deref() == Some("success-with-warnings")
}

impl DetailsWire {
    /// Converts a pipeline and the first page of its jobs; `None` where a part of it is missing.
    pub(super) fn convert(self, host: &Host, fields: &Fields) -> Option<(Pipeline, JobPage)> {
        let id = PipelineId(number(&self.id)?);
        // The only word on tags: https://docs.gitlab.com/api/graphql/reference/#pipeline
        let is_tag = self.ref_path.as_deref().and_then(|path| match path {
            path if path.starts_with("refs/tags/") => Some(true),
            path if path.starts_with("refs/heads/") => Some(false),
            _ => None,
        });
        let pipeline = Pipeline {
            id,
            iid: self.iid.and_then(|iid| iid.parse().ok()),
            status: status(self.status.as_deref()),
            has_warnings: has_warnings(self.detailed_status),
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
            user: self.user.and_then(|user| user.username),
            commit_title: self.commit.and_then(|commit| commit.title),
            failure_reason: self.failure_reason,
            yaml_errors: self.yaml_error_messages.filter(|errors| !errors.is_empty()),
            web_url: self.path.as_deref().and_then(|path| host.at_root(path)),
            stages: Vec::new(),
            downstream: Vec::new(),
        };
        // Without its jobs a pipeline would look greener than it is.
        let jobs = self.jobs?.convert(host, fields, pipeline.web_url.as_deref())?;
        Some((pipeline, jobs))
    }
}

impl JobsWire {
    /// Converts a page of the jobs of the pipeline at this URL; `None` where a part is missing, be it the way to the next.
    pub(super) fn convert(self, host: &Host, fields: &Fields, pipeline_url: Option<&str>) -> Option<JobPage> {
        // GitLab's routes: PROJECT/-/pipelines/8123 and PROJECT/-/jobs/991. A query for each job's own path would cost
        // more than it tells, and GitLab before 16 has none.
        let jobs_url =
            pipeline_url.and_then(|url| url.rsplit_once("/pipelines/")).map(|(base, _)| format!("{base}/jobs"));
        let info = self.page_info?;
        let next = if info.has_next_page { Some(info.end_cursor?) } else { None };
        let mut page = JobPage { next, ..JobPage::default() };
        for wire in self.nodes {
            let (job, link) = wire?.convert(host, fields, jobs_url.as_deref())?;
            page.attempts.push(job);
            page.links.extend(link);
        }
        Some(page)
    }
}

impl JobWire {
    fn convert(self, host: &Host, fields: &Fields, jobs_url: Option<&str>) -> Option<(Job, Option<DownstreamLink>)> {
        let gid = self.id?;
        let id = JobId(number(&gid)?);
        // `kind` came with 16; the id says it on every version.
        let kind = if gid.contains("::Bridge/") { JobKind::Bridge } else { JobKind::Job };
        let status = status(self.status.as_deref());
        let link = self.downstream_pipeline.and_then(|below| below.convert(host, id));
        let tells_reasons = fields.has("CiJob.failureMessage");
        let failure_reason = match &status {
            Status::Failed if tells_reasons => reason::word(kind, self.failure_message.as_deref()),
            _ => None,
        };
        let job = Job {
            id,
            name: self.name.unwrap_or_default(),
            stage: self.stage.and_then(|stage| stage.name).unwrap_or_default(),
            kind,
            status,
            allow_failure: self.allow_failure.unwrap_or(false),
            attempts: None,
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration: seconds(self.duration),
            failure_reason: failure_reason.map(str::to_owned),
            web_url: jobs_url.map(|url| format!("{url}/{id}")),
            downstream_id: link.as_ref().map(|link| link.id),
        };
        Some((job, link))
    }
}

impl BelowWire {
    fn convert(self, host: &Host, bridge: JobId) -> Option<DownstreamLink> {
        let web_url = self.path.as_deref().and_then(|path| host.at_root(path));
        let has_below = self.downstream.map(|downstream| downstream.nodes.into_iter().flatten().next().is_some());
        Some(DownstreamLink {
            id: PipelineId(number(&self.id)?),
            iid: self.iid.and_then(|iid| iid.parse().ok()),
            bridge,
            project_id: None,
            project: web_url.as_deref().and_then(|url| project_of(host, url)).map(str::to_owned),
            status: status(self.status.as_deref()),
            has_warnings: Some(has_warnings(self.detailed_status)),
            has_below,
            web_url,
        })
    }
}
