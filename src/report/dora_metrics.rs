//! Delivery measures as metric families. A family has no series where there is no data.

use super::dora::{DoraDocument, MeasuresEntry};
use super::dora_record::scoped;
use super::metrics::{Family, MetricSeries, Sample, Unit};

pub(crate) fn families(document: &DoraDocument<'_>) -> Vec<Family> {
    type Value = fn(&MeasuresEntry) -> Option<f64>;
    let (seconds, ratio) = (Some(Unit::Seconds), Some(Unit::Ratio));
    let families: [(&'static str, &'static str, Option<Unit>, Value); 14] = [
        ("glwatch_dora_deployments", "Deployments of the window.", None, |of| Some(of.deployments as f64)),
        ("glwatch_dora_deployments_per_day", "Deployments per day of the window.", None, |of| {
            Some(of.deployment_frequency_per_day)
        }),
        ("glwatch_dora_lead_time_p50_seconds", "Median from merge to production.", seconds, |of| {
            of.lead_time_for_changes_seconds
        }),
        ("glwatch_dora_lead_time_p90_seconds", "90 of 100 took no longer.", seconds, |of| of.lead_time_p90_seconds),
        (
            "glwatch_dora_lead_time_from_first_commit_p50_seconds",
            "Median from the first commit to production.",
            seconds,
            |of| of.lead_time_from_first_commit_seconds,
        ),
        ("glwatch_dora_recovery_p50_seconds", "Median until a failed deployment was mended.", seconds, |of| {
            of.failed_deployment_recovery_time_seconds
        }),
        ("glwatch_dora_recovery_p90_seconds", "90 of 100 took no longer.", seconds, |of| {
            of.failed_deployment_recovery_time_p90_seconds
        }),
        ("glwatch_dora_open_failures", "Failed deployments without a remedy.", None, |of| {
            Some(of.open_failures.len() as f64)
        }),
        ("glwatch_dora_change_fail_ratio", "Failed deployments, of those that are judged.", ratio, |of| {
            of.change_fail_rate
        }),
        ("glwatch_dora_failures", "Deployments that failed in production.", None, |of| Some(of.failures.len() as f64)),
        ("glwatch_dora_judged", "Deployments that are judged.", None, |of| Some(of.judged as f64)),
        ("glwatch_dora_pending", "Deployments that are too young to be judged.", None, |of| {
            Some(of.pending.len() as f64)
        }),
        ("glwatch_dora_rework_ratio", "Unplanned deployments, of all.", ratio, |of| of.deployment_rework_rate),
        ("glwatch_dora_failed_attempts", "Deployments that never reached production.", None, |of| {
            Some(of.failed_attempts as f64)
        }),
    ];
    let family = |(name, help, unit, value): (&'static str, &'static str, Option<Unit>, Value)| {
        let sample = |(scope, name, id, of): (&str, &str, Option<u64>, Option<&MeasuresEntry>)| {
            let of = of?;
            let labels = vec![
                ("scope", scope.to_owned()),
                ("name", if scope == "pooled" { String::new() } else { name.to_owned() }),
                ("project_id", id.map(|id| id.to_string()).unwrap_or_default()),
                ("basis", of.basis.to_owned()),
            ];
            Some(Sample { labels, value: value(of)? })
        };
        let samples = scoped(document).into_iter().filter_map(sample);
        Family { name, help, unit, series: MetricSeries::Gauge(samples.collect()) }
    };
    families.into_iter().map(family).collect()
}
