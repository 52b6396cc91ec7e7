//! The window is cut out of the verdicts, and what lies in it is counted.

use super::verdict::{DeploymentAttempt, JudgedDeployment, LeadTime, ProjectVerdicts};
use crate::domain::fact::{SECONDS_PER_DAY, UnixSeconds};
use crate::domain::quantile::quantile;
use crate::domain::window::TimeWindow;
use std::collections::{BTreeMap, BTreeSet};

/// Values in seconds, and what can be said of them all.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ManySeconds {
    sorted: Vec<f64>,
}

impl ManySeconds {
    fn new(values: impl Iterator<Item = i64>) -> Self {
        let mut sorted: Vec<f64> = values.map(|value| value as f64).collect();
        sorted.sort_by(f64::total_cmp);
        Self { sorted }
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn median(&self) -> Option<f64> {
        quantile(&self.sorted, 0.5)
    }

    pub(crate) fn p90(&self) -> Option<f64> {
        quantile(&self.sorted, 0.9)
    }
}

/// Everything that is counted in a window, of one project or of many.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DoraMeasures {
    window: TimeWindow,
    pub deployments: usize,
    finished: Vec<UnixSeconds>,
    /// Days of UTC on which there was one.
    pub days: BTreeSet<i64>,
    pub lead: ManySeconds,
    /// From the merge, by day of the deployment.
    lead_by_day: BTreeMap<i64, Vec<i64>>,
    pub dropped_baseline: usize,
    pub dropped_negative: usize,
    pub dropped_missing_merged_at: usize,
    pub lead_from_commit: ManySeconds,
    /// Of failed deployments that have a remedy, by their number.
    pub recoveries: BTreeMap<u64, i64>,
    /// Failed deployments without a remedy.
    pub open_failures: BTreeSet<u64>,
    pub failures: BTreeMap<u64, Vec<&'static str>>,
    pub pending: BTreeSet<u64>,
    pub rework: BTreeSet<u64>,
    pub failed_attempts: usize,
    pub attempt_recovery: ManySeconds,
    pub open_streaks: BTreeSet<u64>,
    /// Successes, those of one pipeline not merged.
    successes: usize,
    incidents: usize,
    restored: ManySeconds,
}

impl DoraMeasures {
    /// Counts what lies in a window, of all these projects together.
    pub(crate) fn of(projects: &[&ProjectVerdicts], window: TimeWindow) -> Self {
        let is_in = |at: &UnixSeconds| window.contains(*at);
        let deployments = projects.iter().flat_map(|of| &of.deployments).filter(|one| is_in(&one.finished_at));
        let deployments: Vec<&JudgedDeployment> = deployments.collect();
        let leads = || deployments.iter().flat_map(|one| one.leads.iter().map(move |lead| (one.finished_at, lead)));
        let dropped = |why: LeadTime| leads().filter(|(_, lead)| lead.from_merge == why).count();
        let mut lead_by_day: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (at, lead) in leads() {
            if let LeadTime::Seconds(seconds) = lead.from_merge {
                lead_by_day.entry(at.div_euclid(SECONDS_PER_DAY)).or_default().push(seconds);
            }
        }
        let failed = || deployments.iter().filter(|one| !one.proofs.is_empty());
        let ids = |chosen: &dyn Fn(&JudgedDeployment) -> bool| -> BTreeSet<u64> {
            deployments.iter().filter(|one| chosen(one)).map(|one| one.id).collect()
        };
        let attempts = projects.iter().flat_map(|of| &of.attempts).filter(|one| is_in(&one.finished_at));
        let attempts: Vec<&DeploymentAttempt> = attempts.collect();
        let streaks = || attempts.iter().filter_map(|one| Some((one, one.streak?)));
        let ended = streaks().filter_map(|(one, end)| Some(end?.saturating_sub(one.finished_at)));
        let incidents = || projects.iter().flat_map(|of| &of.incidents);
        let closed = incidents().filter_map(|one| Some((one.created_at, one.closed_at.filter(is_in)?)));
        Self {
            window,
            deployments: deployments.len(),
            finished: deployments.iter().map(|one| one.finished_at).collect(),
            days: deployments.iter().map(|one| one.finished_at.div_euclid(SECONDS_PER_DAY)).collect(),
            lead: ManySeconds::new(lead_by_day.values().flatten().copied()),
            lead_by_day,
            dropped_baseline: dropped(LeadTime::Baseline),
            dropped_negative: dropped(LeadTime::Negative),
            dropped_missing_merged_at: dropped(LeadTime::MissingMergedAt),
            lead_from_commit: ManySeconds::new(leads().filter_map(|(_, lead)| lead.from_first_commit)),
            recoveries: failed().filter_map(|one| Some((one.id, one.recovery()?))).collect(),
            open_failures: ids(&|one| !one.proofs.is_empty() && one.recovery().is_none()),
            failures: failed().map(|one| (one.id, one.reasons())).collect(),
            pending: ids(&|one| one.is_pending),
            rework: ids(&|one| one.rework.is_some()),
            failed_attempts: attempts.len(),
            attempt_recovery: ManySeconds::new(ended),
            open_streaks: streaks().filter(|(_, end)| end.is_none()).map(|(one, _)| one.id).collect(),
            successes: projects.iter().flat_map(|of| &of.successes).filter(|at| is_in(at)).count(),
            incidents: incidents().filter(|one| is_in(&one.created_at)).count(),
            restored: ManySeconds::new(closed.map(|(created, closed)| closed.saturating_sub(created))),
        }
    }

    /// Counts deployments of a part of the window.
    pub(crate) fn deployments_in(&self, part: TimeWindow) -> usize {
        self.finished.iter().filter(|at| part.contains(**at)).count()
    }

    /// Deployments per day.
    pub(crate) fn frequency(&self) -> f64 {
        self.deployments as f64 / self.window.length_in_days()
    }

    pub(crate) fn judged(&self) -> usize {
        self.deployments - self.pending.len()
    }

    pub(crate) fn change_fail_rate(&self) -> Option<f64> {
        share(self.failures.len(), self.judged())
    }

    pub(crate) fn rework_rate(&self) -> Option<f64> {
        share(self.rework.len(), self.deployments)
    }

    pub(crate) fn attempt_failure_rate(&self) -> Option<f64> {
        share(self.failed_attempts, self.deployments + self.failed_attempts)
    }

    pub(crate) fn recovery(&self) -> ManySeconds {
        ManySeconds::new(self.recoveries.values().copied())
    }

    /// Returns the lead time as GitLab counts it over longer spans.
    pub(crate) fn lead_by_daily_medians(&self) -> Option<f64> {
        let medians = self.lead_by_day.values().filter_map(|day| ManySeconds::new(day.iter().copied()).median());
        let mut medians: Vec<f64> = medians.collect();
        medians.sort_by(f64::total_cmp);
        quantile(&medians, 0.5)
    }

    /// Returns incidents per deployment as GitLab counts them: it ties none to one, so that this may exceed 1.
    pub(crate) fn gitlab_failure_rate(&self) -> Option<f64> {
        share(self.incidents, self.successes)
    }

    pub(crate) fn gitlab_time_to_restore(&self) -> Option<f64> {
        self.restored.median()
    }

    /// Returns the numerator and the denominator of GitLab's rate.
    pub(crate) fn gitlab_counts(&self) -> (usize, usize) {
        (self.incidents, self.successes)
    }

    pub(crate) fn restored(&self) -> usize {
        self.restored.count()
    }
}

/// `None` where there is nothing to divide by.
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
