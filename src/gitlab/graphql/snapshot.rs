//! Query: the newest pipelines of many projects, with their jobs.

use super::document::document;
use super::fields::Fields;
use super::question::{Answered, ask_projects, variables};
use super::wire::DetailsWire;
use crate::domain::id::ProjectId;
use crate::domain::pipeline::Pipeline;
use crate::gitlab::error::Error;
use crate::gitlab::job_page::JobPage;
use crate::gitlab::rest::pipeline::PipelineFilter;
use crate::gitlab::transport::Transport;

const SNAPSHOT: &str = include_str!("snapshot.graphql");

/// Jobs that come along with a pipeline.
///
/// GitLab counts a query's complexity by the page sizes in it: both of these come to about 140 with the projects that
/// they are meant for, of the 200 that it grants to anonymous callers.
pub fn jobs_of_each(projects: usize) -> usize {
    if projects > 50 { 50 } else { 100 }
}

pub(super) fn query(fields: &Fields) -> (&'static str, String) {
    ("Snapshot", document(SNAPSHOT, fields))
}

/// Reads the newest pipelines of up to 100 projects, each with its newest jobs.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    fields: &Fields,
    projects: &[ProjectId],
    filter: &PipelineFilter,
) -> Result<Answered<(Pipeline, JobPage)>, Error> {
    let mut variables = variables(projects, filter);
    variables.insert("jobs".into(), jobs_of_each(projects.len()).into());
    let host = transport.host();
    let convert = |wire: DetailsWire| if filter.may_be(wire.raw_ref()) { wire.convert(host, fields) } else { None };
    ask_projects(transport, query(fields), projects, variables, convert).await
}
