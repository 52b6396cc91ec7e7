//! Reads a job's log as a stream and keeps an excerpt of it: at most a few hundred lines are in memory.

use crate::domain::id::{JobId, ProjectRef};
use crate::domain::log::LogExcerpt;
use crate::explain::log::{ExcerptBuilder, ExcerptOptions};
use crate::gitlab::client::{Client, TraceEnd, TraceLimits, TraceSink};
use crate::gitlab::error::Error;
use std::ops::ControlFlow;

/// GitLab itself cuts logs at 100 MB by default
/// (<https://docs.gitlab.com/administration/instance_limits/#maximum-file-size-for-job-logs>).
const MOST: u64 = 100 << 20;

/// Reads a log and keeps of it what tells why the job failed, and its last `lines` lines.
pub(super) async fn excerpt(
    client: &Client,
    project: &ProjectRef,
    job: JobId,
    lines: usize,
) -> Result<LogExcerpt, Error> {
    let mut excerpt = ExcerptBuilder::new(ExcerptOptions { tail: lines, ..ExcerptOptions::default() });
    let limits = TraceLimits { known: 0, etag: None, most: MOST };
    let is_cut = match client.trace(project, job, limits, &mut excerpt).await? {
        TraceEnd::Cut { .. } | TraceEnd::Stopped => true,
        TraceEnd::Read { .. } | TraceEnd::Unchanged => false,
    };
    Ok(excerpt.finish(is_cut))
}

impl TraceSink for ExcerptBuilder {
    async fn take(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        self.push(bytes);
        ControlFlow::Continue(())
    }
}
