//! Delivery measures as records of one line each: everything together, then each project or group.

use super::dora::{DoraDocument, MeasuresEntry, PooledEntry};
use serde::Serialize;

/// A row of CSV; an empty cell is "no data".
#[derive(Debug, Serialize)]
pub(crate) struct DoraRecord<'a> {
    pub scope: &'a str,
    pub name: &'a str,
    pub project_id: Option<u64>,
    pub basis: Option<&'a str>,
    pub deployments: Option<usize>,
    pub deployment_frequency_per_day: Option<f64>,
    pub deployment_days: Option<usize>,
    pub lead_time_for_changes_seconds: Option<f64>,
    pub lead_time_p90_seconds: Option<f64>,
    pub lead_time_count: Option<usize>,
    pub dropped_baseline: Option<usize>,
    pub dropped_negative: Option<usize>,
    pub dropped_missing_merged_at: Option<usize>,
    pub lead_time_from_first_commit_seconds: Option<f64>,
    pub lead_time_from_first_commit_p90_seconds: Option<f64>,
    pub lead_time_from_first_commit_count: Option<usize>,
    pub failed_deployment_recovery_time_seconds: Option<f64>,
    pub failed_deployment_recovery_time_p90_seconds: Option<f64>,
    pub failed_deployment_recovery_count: Option<usize>,
    pub open_failures: Option<usize>,
    pub change_fail_rate: Option<f64>,
    pub failures: Option<usize>,
    pub judged: Option<usize>,
    pub pending: Option<usize>,
    pub deployment_rework_rate: Option<f64>,
    pub rework_deployments: Option<usize>,
    pub failed_attempts: Option<usize>,
    pub deployment_attempt_failure_rate: Option<f64>,
    pub attempt_recovery_seconds: Option<f64>,
    pub attempt_recovery_count: Option<usize>,
    pub open_attempt_streaks: Option<usize>,
    pub gitlab_change_failure_rate: Option<f64>,
    pub gitlab_time_to_restore_service_seconds: Option<f64>,
    pub lead_time_median_of_daily_medians_seconds: Option<f64>,
}

impl<'a> DoraRecord<'a> {
    fn new(scope: &'a str, name: &'a str, project_id: Option<u64>, of: Option<&'a MeasuresEntry>) -> Self {
        Self {
            scope,
            name,
            project_id,
            basis: of.map(|of| of.basis),
            deployments: of.map(|of| of.deployments),
            deployment_frequency_per_day: of.map(|of| of.deployment_frequency_per_day),
            deployment_days: of.map(|of| of.deployment_days),
            lead_time_for_changes_seconds: of.and_then(|of| of.lead_time_for_changes_seconds),
            lead_time_p90_seconds: of.and_then(|of| of.lead_time_p90_seconds),
            lead_time_count: of.map(|of| of.lead_time_count),
            dropped_baseline: of.map(|of| of.dropped_baseline),
            dropped_negative: of.map(|of| of.dropped_negative),
            dropped_missing_merged_at: of.map(|of| of.dropped_missing_merged_at),
            lead_time_from_first_commit_seconds: of.and_then(|of| of.lead_time_from_first_commit_seconds),
            lead_time_from_first_commit_p90_seconds: of.and_then(|of| of.lead_time_from_first_commit_p90_seconds),
            lead_time_from_first_commit_count: of.map(|of| of.lead_time_from_first_commit_count),
            failed_deployment_recovery_time_seconds: of.and_then(|of| of.failed_deployment_recovery_time_seconds),
            failed_deployment_recovery_time_p90_seconds: of
                .and_then(|of| of.failed_deployment_recovery_time_p90_seconds),
            failed_deployment_recovery_count: of.map(|of| of.failed_deployment_recovery_count),
            open_failures: of.map(|of| of.open_failures.len()),
            change_fail_rate: of.and_then(|of| of.change_fail_rate),
            failures: of.map(|of| of.failures.len()),
            judged: of.map(|of| of.judged),
            pending: of.map(|of| of.pending.len()),
            deployment_rework_rate: of.and_then(|of| of.deployment_rework_rate),
            rework_deployments: of.map(|of| of.rework_deployments.len()),
            failed_attempts: of.map(|of| of.failed_attempts),
            deployment_attempt_failure_rate: of.and_then(|of| of.deployment_attempt_failure_rate),
            attempt_recovery_seconds: of.and_then(|of| of.attempt_recovery_seconds),
            attempt_recovery_count: of.map(|of| of.attempt_recovery_count),
            open_attempt_streaks: of.map(|of| of.open_attempt_streaks.len()),
            gitlab_change_failure_rate: of.and_then(|of| of.gitlab_change_failure_rate),
            gitlab_time_to_restore_service_seconds: of.and_then(|of| of.gitlab_time_to_restore_service_seconds),
            lead_time_median_of_daily_medians_seconds: of.and_then(|of| of.lead_time_median_of_daily_medians_seconds),
        }
    }
}

/// Returns each row's scope, name, project and measures: both bases of everything, then the projects or groups.
pub(crate) fn scoped<'a>(document: &'a DoraDocument<'_>) -> Vec<ScopedRow<'a>> {
    fn both<'a>(scope: &'a str, name: &'a str, pooled: &'a super::dora::PooledMeasures) -> Vec<ScopedRow<'a>> {
        let entries: Vec<&PooledEntry> = [&pooled.deployments, &pooled.pipelines].into_iter().flatten().collect();
        if entries.is_empty() {
            return vec![(scope, name, None, None)];
        }
        entries.into_iter().map(|entry| (scope, name, None, Some(&entry.measures))).collect()
    }
    let mut rows = both("pooled", "all projects", &document.pooled);
    match &document.groups {
        Some(groups) => {
            rows.extend(groups.iter().flat_map(|group| both(document.by.word(), &group.name, &group.pooled)));
        }
        None => {
            rows.extend(document.projects.iter().map(|of| ("project", of.full_path, Some(of.id), of.measures.as_ref())))
        }
    }
    rows
}

type ScopedRow<'a> = (&'a str, &'a str, Option<u64>, Option<&'a MeasuresEntry>);

pub(crate) fn records<'a>(document: &'a DoraDocument<'_>) -> Vec<DoraRecord<'a>> {
    let record = |(scope, name, id, of): ScopedRow<'a>| DoraRecord::new(scope, name, id, of);
    scoped(document).into_iter().map(record).collect()
}
