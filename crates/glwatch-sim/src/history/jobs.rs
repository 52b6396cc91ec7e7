//! The jobs of the pipelines of a history: twelve each, as long as the project is slow.

use std::sync::Arc;

use super::{PastKind, PlantedFailure};
use crate::job_spec::{JobOutcome, JobSpec, parse_stages};

const COMMON: [&[&str]; 3] = [
    &["build", "compile | 2m", "assets | 50s", "image | 3m"],
    &["test", "unit | 3m | tests 120 1", "integration | 5m | tests 48 1", "lint | 1m"],
    &["verify", "e2e | 7m | tests 30 1", "security scan | 3m", "docs | 40s"],
];
const TRUNK: &[&str] = &[
    "deploy",
    "deploy staging | 90s | manual | allow_failure",
    "deploy production | 2m | manual | allow_failure",
    "notify | 10s",
];
const REVIEW: &[&str] = &["review", "package | 1m", "docs preview | 40s", "performance | 80s"];
/// What another system adds to the pipelines of some projects.
const EXTERNAL: &[&str] = &["external", "quality/gate | 40s | external Quality gate passed"];

/// Jobs that no change of ours breaks: only a runner does.
pub(super) const SOLID: [usize; 3] = [0, 2, 7];
pub(super) const UNIT: usize = 3;
pub(super) const INTEGRATION: usize = 4;
pub(super) const E2E: usize = 6;
pub(crate) const DEPLOY_STAGING: usize = 9;
pub(crate) const DEPLOY_PRODUCTION: usize = 10;

/// The jobs of one project's pipelines, by what started them.
#[derive(Debug)]
pub(crate) struct HistoryJobs {
    trunk: Vec<Arc<JobSpec>>,
    review: Vec<Arc<JobSpec>>,
}

impl HistoryJobs {
    /// Makes them take `percent` of the usual time.
    pub(crate) fn new(percent: i64, external: bool) -> Result<Self, String> {
        let specs = |last: &[&[&str]]| -> Result<Vec<Arc<JobSpec>>, String> {
            let rows = COMMON.iter().chain(last);
            let rows: Vec<Vec<String>> = rows.map(|row| row.iter().map(|word| (*word).to_owned()).collect()).collect();
            let scaled = |job: JobSpec| Arc::new(JobSpec { ms: job.ms * percent / 100, ..job });
            Ok(parse_stages(&rows)?.into_iter().map(scaled).collect())
        };
        let trunk: &[&[&str]] = if external { &[TRUNK, EXTERNAL] } else { &[TRUNK] };
        Ok(Self { trunk: specs(trunk)?, review: specs(&[REVIEW])? })
    }

    /// Returns the jobs of a pipeline, with its failure in them.
    pub(crate) fn of(&self, kind: PastKind, failure: Option<&PlantedFailure>) -> Vec<Arc<JobSpec>> {
        let mut specs = if matches!(kind, PastKind::MergeRequest(_)) { &self.review } else { &self.trunk }.clone();
        if let Some((failure, spec)) = failure.and_then(|failure| Some((failure, specs.get_mut(failure.job)?))) {
            let spec = Arc::make_mut(spec);
            spec.fate = if failure.retried.is_some() { JobOutcome::Flaky(2) } else { JobOutcome::Fails(1) };
            spec.retry_after = failure.retried;
            spec.reason = Some(failure.reason.to_owned());
            spec.broken_test.clone_from(&failure.test);
        }
        specs
    }

    /// Returns the longest list.
    pub(crate) fn longest(&self) -> &[Arc<JobSpec>] {
        &self.trunk
    }
}
