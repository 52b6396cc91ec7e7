//! `GET /projects/:id/jobs/:job_id/trace` (<https://docs.gitlab.com/api/jobs/#get-a-log-file>).

use super::project_key;
use crate::domain::id::{JobId, ProjectRef};
use crate::gitlab::error::Error;
use crate::gitlab::transport::{TraceEnd, TraceLimits, TraceSink, Transport};

pub(crate) async fn read(
    transport: &Transport,
    project: &ProjectRef,
    id: JobId,
    limits: TraceLimits<'_>,
    sink: &mut impl TraceSink,
) -> Result<TraceEnd, Error> {
    transport.stream(&format!("projects/{}/jobs/{id}/trace", project_key(project)), limits, sink).await
}
