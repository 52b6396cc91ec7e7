//! Query: further pages of jobs of known pipelines.

use super::document::{document, repeat};
use super::fields::Fields;
use super::question::{ask, is_passing_for_many};
use super::wire::JobsWire;
use crate::domain::status::Status;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::job_page::{JobPage, MoreJobs};
use crate::gitlab::lenient::{Item, loose};
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;

const JOBS: &str = include_str!("jobs.graphql");

/// Pipelines in one query: 100 jobs of each of two have a complexity of about 110, and 130 with what they need; of three
/// more than the 150 that we allow ourselves.
pub const PER_QUERY: usize = 2;

#[derive(Deserialize)]
struct JobsProjectWire {
    pipeline: Option<JobsPipelineWire>,
}

#[derive(Deserialize)]
struct JobsPipelineWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    /// Questions about the past do not ask for it.
    #[serde(default, deserialize_with = "loose")]
    status: Option<String>,
    #[serde(default)]
    jobs: Item<JobsWire>,
}

pub(super) fn query(pipelines: usize, fields: &Fields) -> (&'static str, String) {
    ("Jobs", document(&repeat(JOBS, pipelines), fields))
}

/// Reads a page of jobs of each of up to `PER_QUERY` pipelines; one that is hidden or gone is `None`.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    fields: &Fields,
    wanted: &[MoreJobs],
) -> Result<Vec<Option<JobPage>>, Error> {
    let convert = |jobs: JobsWire, more: &MoreJobs, pipeline_status| {
        let page = jobs.convert(transport.host(), fields, more.web_url.as_deref())?;
        Some(JobPage { pipeline_status, ..page })
    };
    read_pages(transport, query(wanted.len(), fields), wanted, convert).await
}

/// Asks a query that has an alias for each pipeline, and makes a page of the jobs of each.
pub(super) async fn read_pages<P>(
    transport: &Transport,
    query: (&'static str, String),
    wanted: &[MoreJobs],
    convert: impl Fn(JobsWire, &MoreJobs, Option<Status>) -> Option<P>,
) -> Result<Vec<Option<P>>, Error> {
    let mut variables = Map::new();
    if wanted.iter().any(|more| more.with_needs) {
        variables.insert("needs".into(), true.into());
    }
    for (number, more) in wanted.iter().enumerate() {
        variables.insert(format!("path{number}"), more.project.clone().into());
        variables.insert(format!("iid{number}"), more.iid.to_string().into());
        variables.extend(more.after.clone().map(|after| (format!("after{number}"), Value::from(after))));
    }
    let passing: fn(&Kind) -> bool = if wanted.len() == 1 { Kind::is_passing } else { is_passing_for_many };
    let name = query.0;
    let answer = ask::<HashMap<String, Option<JobsProjectWire>>>(transport, query, variables.into(), passing).await?;
    let failed = |said: &str| transport.error(name, Kind::Query(said.into()));
    if let Some(error) = answer.errors.iter().find(|error| !error.is_spare_of(wanted.len())) {
        return Err(failed(&error.words(transport)));
    }
    let mut pages = answer.data;
    let page = |(number, more): (usize, &MoreJobs)| {
        let Some(pipeline) = pages.remove(&format!("at{number}")).flatten().and_then(|project| project.pipeline) else {
            return Ok(None);
        };
        if pipeline.id.as_deref().and_then(super::question::number) != Some(more.pipeline.0) {
            return Err(failed("the answer is about another pipeline"));
        }
        let status = pipeline.status.filter(|word| !word.is_empty()).map(|word| Status::from_gitlab(&word));
        let jobs = pipeline.jobs.read().and_then(|jobs| convert(jobs, more, status));
        jobs.map(Some).ok_or_else(|| failed("the answer lacks a part of the jobs"))
    };
    wanted.iter().enumerate().map(page).collect()
}
