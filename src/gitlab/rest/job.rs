//! Jobs and bridges of a pipeline (<https://docs.gitlab.com/api/jobs/>).

use super::pipeline::status;
use super::{project_key, seconds};
use crate::domain::evidence::JobDetails;
use crate::domain::failure::Failure;
use crate::domain::host::Host;
use crate::domain::id::{JobId, PipelineId, ProjectId, ProjectRef};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::DownstreamLink;
use crate::domain::status::Status;
use crate::gitlab::error::Error;
use crate::gitlab::lenient::loose;
use crate::gitlab::page::{ListPage, PER_PAGE};
use crate::gitlab::transport::{HttpAnswer, Transport};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashSet;

/// All attempts at a pipeline's jobs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobList {
    pub attempts: Vec<Job>,
    /// The title of the commit that they ran for; REST tells it nowhere else.
    pub commit_title: Option<String>,
    /// The status of their pipeline.
    pub pipeline_status: Option<Status>,
    /// That some of them are jobs of another pipeline.
    pub foreign: Option<Failure>,
}

/// All attempts at a pipeline's jobs with every detail of each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetailedJobs {
    pub attempts: Vec<(Job, JobDetails)>,
    /// The title of the commit that they ran for.
    pub commit_title: Option<String>,
}

/// A pipeline's trigger jobs, and the pipelines that they lead to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bridges {
    pub attempts: Vec<Job>,
    /// By bridge id; those that have triggered nothing yet lead nowhere.
    pub links: Vec<DownstreamLink>,
    /// That some of them are trigger jobs of another pipeline.
    pub foreign: Option<Failure>,
}

/// A job asked for by itself, with the pipeline that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct OneJob {
    pub job: Job,
    pub pipeline: PipelineId,
    /// Its log and artifacts were erased.
    pub is_erased: bool,
}

#[derive(Deserialize)]
struct OneWire {
    #[serde(flatten)]
    job: RestJobWire,
    pipeline: JobPipelineWire,
    erased_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
pub(super) struct JobPipelineWire {
    pub(super) id: u64,
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RestJobWire {
    id: u64,
    #[serde(default, deserialize_with = "loose")]
    pub(super) pipeline: Option<JobPipelineWire>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) tag: Option<bool>,
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    stage: Option<String>,
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
    failure_reason: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    web_url: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    pub(super) commit: Option<RestCommitWire>,
    #[serde(default, deserialize_with = "loose")]
    created_at: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "loose")]
    queued_duration: Option<f64>,
    #[serde(default, deserialize_with = "loose")]
    tag_list: Option<Vec<String>>,
    #[serde(default, deserialize_with = "loose")]
    runner: Option<RunnerWire>,
    #[serde(default, deserialize_with = "loose")]
    scheduled_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct RunnerWire {
    description: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RestCommitWire {
    pub(super) title: Option<String>,
}

#[derive(Deserialize)]
struct BridgeWire {
    #[serde(flatten)]
    job: RestJobWire,
    downstream_pipeline: Option<RestDownstreamWire>,
}

#[derive(Deserialize)]
struct RestDownstreamWire {
    id: u64,
    /// Newer GitLab gives it, the documented example does not.
    project_id: Option<u64>,
    status: Option<String>,
    web_url: Option<String>,
}

impl RestJobWire {
    pub(super) fn details(&mut self) -> JobDetails {
        JobDetails {
            created_at: self.created_at,
            queued: seconds(self.queued_duration),
            tags: self.tag_list.take().unwrap_or_default(),
            runner: self.runner.take().and_then(|runner| runner.description.or(runner.name)),
            is_stuck: None,
            scheduled_at: self.scheduled_at,
        }
    }

    pub(super) fn into_job(self, kind: JobKind, downstream_id: Option<PipelineId>) -> Job {
        Job {
            id: JobId(self.id),
            name: self.name.unwrap_or_default(),
            stage: self.stage.unwrap_or_default(),
            kind,
            status: status(self.status.as_deref()),
            allow_failure: self.allow_failure.unwrap_or(false),
            attempts: None,
            earlier: Vec::new(),
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration: seconds(self.duration),
            failure_reason: self.failure_reason,
            web_url: self.web_url,
            description: None,
            downstream_id,
        }
    }
}

impl RestDownstreamWire {
    fn into_link(self, host: &Host, bridge: JobId) -> DownstreamLink {
        let project = self.web_url.as_deref().and_then(|url| project_of(host, url)).map(str::to_owned);
        DownstreamLink {
            id: PipelineId(self.id),
            iid: None,
            bridge,
            project_id: self.project_id.map(ProjectId),
            project,
            status: status(self.status.as_deref()),
            has_warnings: None,
            has_below: None,
            web_url: self.web_url,
        }
    }
}

/// Returns the full path of the project in a pipeline's web URL, on this host only.
pub(in crate::gitlab) fn project_of<'a>(host: &Host, web_url: &'a str) -> Option<&'a str> {
    let below = host.path_below(web_url)?;
    // GitLab before 13 had no `/-/` in it, and its documentation still shows that form.
    let (project, _) = below.split_once("/-/pipelines/").or_else(|| below.split_once("/pipelines/"))?;
    Some(project)
}

/// Says that some of a pipeline's jobs name another as theirs: an answer on the way was given to the wrong question.
fn foreign<'a>(asked: PipelineId, jobs: impl IntoIterator<Item = &'a RestJobWire>, what: &str) -> Option<Failure> {
    let other = jobs.into_iter().filter_map(|job| Some(job.pipeline.as_ref()?.id)).find(|id| *id != asked.0)?;
    Some(Failure::contradictory(&format!("its {what} are those of #{other}")))
}

/// Reads one attempt at a job; GitLab answers 404 for a bridge.
pub(crate) async fn read(transport: &Transport, project: &ProjectRef, id: JobId) -> Result<OneJob, Error> {
    let answer = transport.get(&format!("projects/{}/jobs/{id}", project_key(project))).await?;
    let OneWire { job, pipeline, erased_at } = answer.decode()?;
    let pipeline = PipelineId(pipeline.id);
    Ok(OneJob { job: job.into_job(JobKind::Job, None), pipeline, is_erased: erased_at.is_some() })
}

pub(crate) async fn list(transport: &Transport, project: &ProjectRef, id: PipelineId) -> Result<JobList, Error> {
    let path = format!("projects/{}/pipelines/{id}/jobs?include_retried=true", project_key(project));
    let mut wires: Vec<RestJobWire> = all_pages(transport, &path).await?;
    let foreign = foreign(id, &wires, "jobs");
    let commit_title = wires.iter_mut().find_map(|wire| wire.commit.take()?.title);
    let told = wires.iter().find_map(|wire| wire.pipeline.as_ref()?.status.as_deref().filter(|word| !word.is_empty()));
    let pipeline_status = told.map(Status::from_gitlab);
    let attempts = wires.into_iter().map(|wire| wire.into_job(JobKind::Job, None)).collect();
    Ok(JobList { attempts, commit_title, pipeline_status, foreign })
}

/// Reads all attempts at a pipeline's jobs with every detail of each.
pub(crate) async fn detailed(
    transport: &Transport,
    project: &ProjectRef,
    id: PipelineId,
) -> Result<DetailedJobs, Error> {
    let path = format!("projects/{}/pipelines/{id}/jobs?include_retried=true", project_key(project));
    let mut wires: Vec<RestJobWire> = all_pages(transport, &path).await?;
    let commit_title = wires.iter_mut().find_map(|wire| wire.commit.take()?.title);
    let convert = |mut wire: RestJobWire| {
        let details = wire.details();
        (wire.into_job(JobKind::Job, None), details)
    };
    Ok(DetailedJobs { attempts: wires.into_iter().map(convert).collect(), commit_title })
}

pub(crate) async fn bridges(transport: &Transport, project: &ProjectRef, id: PipelineId) -> Result<Bridges, Error> {
    let path = format!("projects/{}/pipelines/{id}/bridges?", project_key(project));
    let mut wires: Vec<BridgeWire> = all_pages(transport, &path).await?;
    wires.sort_by_key(|wire| wire.job.id);
    let jobs = wires.iter().map(|wire| &wire.job);
    let mut found = Bridges { foreign: foreign(id, jobs, "trigger jobs"), ..Bridges::default() };
    for BridgeWire { job, downstream_pipeline } in wires {
        let link = downstream_pipeline.map(|wire| wire.into_link(transport.host(), JobId(job.id)));
        found.attempts.push(job.into_job(JobKind::Bridge, link.as_ref().map(|link| link.id)));
        found.links.extend(link);
    }
    Ok(found)
}

/// A wire form with GitLab's id of the thing.
pub(super) trait Identified {
    fn id(&self) -> u64;
}

impl Identified for RestJobWire {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Identified for BridgeWire {
    fn id(&self) -> u64 {
        self.job.id
    }
}

/// Reads every page of a list, one after the other: a second page of jobs is rare. Pages that repeat would never end.
pub(super) async fn all_pages<T: DeserializeOwned + Identified>(
    transport: &Transport,
    path: &str,
) -> Result<Vec<T>, Error> {
    let joint = if path.ends_with('?') { "" } else { "&" };
    let mut items: Vec<T> = Vec::new();
    let mut known = HashSet::new();
    let mut next = Some(1);
    while let Some(number) = next {
        let answer: HttpAnswer = transport.get(&format!("{path}{joint}per_page={PER_PAGE}&page={number}")).await?;
        let page = ListPage::<T>::new(answer.decode()?, number, &answer.headers);
        let mut is_news = false;
        page.items.iter().for_each(|item| is_news |= known.insert(item.id()));
        next = page.next;
        if next.is_some_and(|next| next <= number || !is_news) {
            return Err(answer.odd("the pages of the list repeat themselves"));
        }
        items.extend(page.items);
        // A page that lacks some of its items is not the end of the list.
        let has_more_pages = page.total_pages.is_some_and(|pages| pages > number);
        if next.is_none() && (has_more_pages || page.total.is_some_and(|total| total > items.len() as u64)) {
            return Err(answer.odd("the list is shorter than it announces"));
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_of_a_downstream_pipeline_is_read_off_its_url() {
        let host = Host::parse("https://example.com/gitlab").unwrap();
        let cases = [
            ("https://example.com/gitlab/acme/deploy/-/pipelines/8200", Some("acme/deploy")),
            ("https://example.com/gitlab/acme/deploy/pipelines/8200", Some("acme/deploy")),
            ("https://elsewhere.example/acme/deploy/-/pipelines/8200", None),
            ("https://example.com/gitlab/acme/deploy", None),
        ];
        for (url, expected) in cases {
            assert_eq!(project_of(&host, url), expected, "{url}");
        }
    }
}
