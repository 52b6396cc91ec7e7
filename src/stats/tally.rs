//! Counts and values that add up: those of a group are the sum of its projects.

use super::cost::SecondsSpent;
use super::spread::Spread;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::id::ProjectId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A run is prompt when it takes less than this (ten minutes, the usual bound for waiting for it).
pub(crate) const PROMPT_SECONDS: u64 = 600;

/// A job or a stage of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartKey {
    pub project: ProjectId,
    pub name: Arc<str>,
}

/// What was counted of one job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTally {
    /// Seconds of attempts that passed.
    pub passed: Vec<u64>,
    /// Failures on a commit on which the job passed, too.
    pub flaky_failures: u64,
    /// Seconds that these ran.
    pub flaky_seconds: u64,
    /// Failures after which the job was not run again on that commit: whether they were flaky is not known.
    pub never_rerun: u64,
    /// How many pipelines waited for it.
    pub on_path: u64,
    pub path_run: u64,
    pub path_wait: u64,
}

/// How the pipelines of a day ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayTally {
    pub pipelines: u64,
    pub success: u64,
    pub failed: u64,
}

/// How well the days of a project are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CoverageTally {
    pub days: u64,
    /// Of which nothing is known.
    pub missing: u64,
    /// Which were looked at now and then: pipelines may be missing.
    pub with_gaps: u64,
}

impl CoverageTally {
    pub fn is_whole(self) -> bool {
        self.missing + self.with_gaps == 0
    }
}

/// Everything that was counted in one part of the time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunTally {
    pub pipelines: u64,
    pub success: u64,
    /// Of these, with a job that failed and was allowed to.
    pub warning: u64,
    pub failed: u64,
    pub canceled: u64,
    /// That a newer commit on their ref overtook before they ended.
    pub superseded: u64,
    /// Seconds of pipelines that passed.
    pub passed: Vec<u64>,
    /// Seconds of pipelines that failed.
    pub broken: Vec<u64>,
    pub queues: Vec<u64>,
    /// Seconds of all that ended.
    pub wall: Vec<u64>,
    pub job_queues: Vec<u64>,
    pub jobs: BTreeMap<PartKey, JobTally>,
    /// Seconds of the stages of pipelines that passed.
    pub stages: BTreeMap<PartKey, Vec<u64>>,
    /// Seconds from creation to the end along the critical path.
    pub paths: Vec<u64>,
    pub path_run: u64,
    pub path_wait: u64,
    /// Attempts whose time is known.
    pub timed: u64,
    /// Attempts that ran for a time that is not known.
    pub untimed: u64,
    /// Seconds of attempts by tags, one tag a line.
    pub spent: BTreeMap<Arc<str>, SecondsSpent>,
    /// Attempts that passed and were made again.
    pub green_reruns: u64,
    /// Seconds of what came after them.
    pub green_rerun_seconds: u64,
    pub failures: u64,
    /// With a test that failed or a reason that names a cause.
    pub explained: u64,
    pub origins: BTreeMap<FailureOrigin, u64>,
    /// Seconds from the first red pipeline of a ref to the next that passed.
    pub greens: Vec<u64>,
    /// Red times that have not ended.
    pub still_red: u64,
    pub days: BTreeMap<i64, DayTally>,
    pub coverage: BTreeMap<ProjectId, CoverageTally>,
}

impl RunTally {
    /// Adds what was counted elsewhere or at another time; it is not copied where there was nothing before.
    pub(super) fn join(&mut self, other: Self) {
        if *self == Self::default() {
            *self = other;
        } else {
            self.merge(&other);
        }
    }

    /// Adds what was counted elsewhere or at another time.
    pub fn merge(&mut self, other: &Self) {
        let counts = [
            (&mut self.pipelines, other.pipelines),
            (&mut self.success, other.success),
            (&mut self.warning, other.warning),
            (&mut self.failed, other.failed),
            (&mut self.canceled, other.canceled),
            (&mut self.superseded, other.superseded),
            (&mut self.path_run, other.path_run),
            (&mut self.path_wait, other.path_wait),
            (&mut self.timed, other.timed),
            (&mut self.untimed, other.untimed),
            (&mut self.green_reruns, other.green_reruns),
            (&mut self.green_rerun_seconds, other.green_rerun_seconds),
            (&mut self.failures, other.failures),
            (&mut self.explained, other.explained),
            (&mut self.still_red, other.still_red),
        ];
        counts.into_iter().for_each(|(mine, more)| *mine += more);
        let values = [
            (&mut self.passed, &other.passed),
            (&mut self.broken, &other.broken),
            (&mut self.queues, &other.queues),
            (&mut self.wall, &other.wall),
            (&mut self.job_queues, &other.job_queues),
            (&mut self.paths, &other.paths),
            (&mut self.greens, &other.greens),
        ];
        values.into_iter().for_each(|(mine, more)| mine.extend_from_slice(more));
        for (key, job) in &other.jobs {
            self.jobs.entry(key.clone()).or_default().merge(job);
        }
        for (key, seconds) in &other.stages {
            self.stages.entry(key.clone()).or_default().extend_from_slice(seconds);
        }
        for (tags, spent) in &other.spent {
            *self.spent.entry(Arc::clone(tags)).or_default() += *spent;
        }
        for (origin, count) in &other.origins {
            *self.origins.entry(*origin).or_default() += count;
        }
        for (day, more) in &other.days {
            let mine = self.days.entry(*day).or_default();
            mine.pipelines += more.pipelines;
            mine.success += more.success;
            mine.failed += more.failed;
        }
        for (project, more) in &other.coverage {
            let mine = self.coverage.entry(*project).or_default();
            mine.days += more.days;
            mine.missing += more.missing;
            mine.with_gaps += more.with_gaps;
        }
    }

    /// Returns the share of pipelines that passed of those that passed or failed.
    pub fn success_rate(&self) -> Option<f64> {
        share(self.success, self.success + self.failed)
    }

    /// Returns the share of pipelines that took less than ten minutes.
    pub fn prompt_share(&self) -> Option<f64> {
        let durations = self.durations();
        let prompt = durations.iter().filter(|seconds| **seconds < PROMPT_SECONDS).count();
        share(prompt as u64, durations.len() as u64)
    }

    /// Returns the seconds of pipelines that passed or failed.
    pub fn durations(&self) -> Vec<u64> {
        [self.passed.as_slice(), &self.broken].concat()
    }

    /// Returns the share of the critical path that was waiting.
    pub fn wait_share(&self) -> Option<f64> {
        share(self.path_wait, self.path_run + self.path_wait)
    }

    /// Returns the seconds of all attempts; `None` where no attempt's time is known.
    pub fn seconds(&self) -> Option<SecondsSpent> {
        let mut all = SecondsSpent::default();
        self.spent.values().for_each(|spent| all += *spent);
        (self.timed > 0).then_some(all)
    }

    /// Returns the seconds that pipelines took by the clock.
    pub fn wall_seconds(&self) -> Option<u64> {
        (!self.wall.is_empty()).then(|| self.wall.iter().sum())
    }

    /// Returns the share of failures that someone can act on: a test that failed or a reason is known.
    pub fn explained_share(&self) -> Option<f64> {
        share(self.explained, self.failures)
    }

    pub fn origin_share(&self, origin: FailureOrigin) -> Option<f64> {
        share(self.origins.get(&origin).copied().unwrap_or(0), self.failures)
    }

    pub fn flaky_seconds(&self) -> u64 {
        self.jobs.values().map(|job| job.flaky_seconds).sum()
    }

    pub fn flaky_failures(&self) -> u64 {
        self.jobs.values().map(|job| job.flaky_failures).sum()
    }

    pub fn never_rerun(&self) -> u64 {
        self.jobs.values().map(|job| job.never_rerun).sum()
    }

    /// Returns the jobs by hours lost to flakiness, most first.
    pub fn flaky_jobs(&self) -> Vec<(&PartKey, &JobTally)> {
        let mut jobs: Vec<_> = self.jobs.iter().filter(|(_, job)| job.flaky_failures > 0).collect();
        jobs.sort_by(|(a, left), (b, right)| {
            let key = |job: &JobTally| (job.flaky_seconds, job.flaky_failures);
            key(right).cmp(&key(left)).then_with(|| a.cmp(b))
        });
        jobs
    }

    /// Returns the jobs with what they usually take, slowest first.
    pub fn slowest_jobs(&self) -> Vec<(&PartKey, Spread)> {
        slowest(self.jobs.iter().map(|(key, job)| (key, job.passed.as_slice())))
    }

    /// Returns the stages with what they usually take, slowest first.
    pub fn slowest_stages(&self) -> Vec<(&PartKey, Spread)> {
        slowest(self.stages.iter().map(|(key, seconds)| (key, seconds.as_slice())))
    }

    /// Returns the jobs that pipelines waited for, longest first.
    pub fn path_jobs(&self) -> Vec<(&PartKey, &JobTally)> {
        let mut jobs: Vec<_> = self.jobs.iter().filter(|(_, job)| job.on_path > 0).collect();
        jobs.sort_by(|(a, left), (b, right)| {
            let key = |job: &JobTally| job.path_run + job.path_wait;
            key(right).cmp(&key(left)).then_with(|| a.cmp(b))
        });
        jobs
    }

    /// Returns how many of its projects have days that are not or not wholly known.
    pub fn projects_with_gaps(&self) -> usize {
        self.coverage.values().filter(|coverage| !coverage.is_whole()).count()
    }

    /// Returns the days of all its projects.
    pub fn coverage(&self) -> CoverageTally {
        self.coverage.values().fold(CoverageTally::default(), |sum, coverage| CoverageTally {
            days: sum.days + coverage.days,
            missing: sum.missing + coverage.missing,
            with_gaps: sum.with_gaps + coverage.with_gaps,
        })
    }
}

impl JobTally {
    pub(super) fn merge(&mut self, other: &Self) {
        self.passed.extend_from_slice(&other.passed);
        self.flaky_failures += other.flaky_failures;
        self.flaky_seconds += other.flaky_seconds;
        self.never_rerun += other.never_rerun;
        self.on_path += other.on_path;
        self.path_run += other.path_run;
        self.path_wait += other.path_wait;
    }
}

/// Returns a part of a whole; `None` where there is no whole.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn slowest<'a>(parts: impl Iterator<Item = (&'a PartKey, &'a [u64])>) -> Vec<(&'a PartKey, Spread)> {
    let mut spreads: Vec<_> = parts.filter_map(|(key, seconds)| Some((key, Spread::of(seconds)?))).collect();
    spreads.sort_by(|(a, left), (b, right)| {
        let order = right.p50.total_cmp(&left.p50).then(right.p95.total_cmp(&left.p95));
        order.then_with(|| a.cmp(b))
    });
    spreads
}
