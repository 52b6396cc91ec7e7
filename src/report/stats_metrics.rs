//! CI quality as metric families, beside those of OpenTelemetry's conventions for CI/CD
//! (<https://opentelemetry.io/docs/specs/semconv/cicd/cicd-metrics/>). A family has no series where there is no data.

use super::metrics::{Family, Histogram, Labels, MetricSeries, Sample, Unit};
use super::stats::{DURATION_BOUNDS, StatsDocument, StatsEntry};
use crate::stats::study::{StatsStudy, StudyGroup};
use crate::stats::tally::RunTally;
use std::collections::BTreeMap;
use std::iter::once;

/// Returns the families of a document and of the values behind it.
pub(crate) fn families(document: &StatsDocument<'_>, study: &StatsStudy) -> Vec<Family> {
    let mut families = gauges(document);
    families.push(by_origin(document));
    families.extend(of_open_telemetry(study));
    families
}

fn labels(entry: &StatsEntry, scope: &str) -> Labels {
    let name = if scope == "pooled" { String::new() } else { entry.name.clone() };
    let id = entry.project_id.map(|id| id.to_string()).unwrap_or_default();
    vec![("scope", scope.to_owned()), ("name", name), ("project_id", id)]
}

fn entries<'a>(document: &'a StatsDocument<'_>) -> impl Iterator<Item = (&'a StatsEntry, &'a str)> {
    once((&document.pooled, "pooled")).chain(document.groups.iter().map(|entry| (entry, document.by)))
}

fn gauges(document: &StatsDocument<'_>) -> Vec<Family> {
    type Value = fn(&StatsEntry) -> Option<f64>;
    let (seconds, ratio) = (Some(Unit::Seconds), Some(Unit::Ratio));
    let families: [(&'static str, &'static str, Option<Unit>, Value); 22] = [
        ("glwatch_stats_pipelines", "Pipelines that were created in the window.", None, |e| {
            Some(e.accuracy.pipelines as f64)
        }),
        ("glwatch_stats_success_ratio", "Pipelines that passed, of those that passed or failed.", ratio, |e| {
            e.accuracy.success_rate
        }),
        ("glwatch_stats_flaky_seconds", "Time that flaky failures ran, at least.", seconds, |e| {
            e.accuracy.flaky_hours_at_least.map(|hours| hours * 3600.0)
        }),
        (
            "glwatch_stats_failures_never_rerun",
            "Failures of which it is not known whether they are flaky.",
            None,
            |e| Some(e.accuracy.failures_never_rerun as f64),
        ),
        ("glwatch_stats_green_reruns", "Attempts at jobs that had passed before.", None, |e| {
            Some(e.accuracy.green_reruns as f64)
        }),
        ("glwatch_stats_duration_p50_seconds", "Half of the pipelines took no longer.", seconds, |e| {
            Some(e.promptness.duration_s?.p50)
        }),
        ("glwatch_stats_duration_p95_seconds", "95 of 100 pipelines took no longer.", seconds, |e| {
            Some(e.promptness.duration_s?.p95)
        }),
        (
            "glwatch_stats_queued_p50_seconds",
            "Half of the pipelines waited no longer for their first job.",
            seconds,
            |e| Some(e.promptness.queued_s?.p50),
        ),
        ("glwatch_stats_queued_p95_seconds", "95 of 100 pipelines waited no longer.", seconds, |e| {
            Some(e.promptness.queued_s?.p95)
        }),
        ("glwatch_stats_prompt_ratio", "Pipelines that took less than ten minutes.", ratio, |e| {
            e.promptness.under_ten_minutes
        }),
        ("glwatch_stats_critical_path_p50_seconds", "From creation to the end, waiting included.", seconds, |e| {
            Some(e.promptness.critical_path_s?.p50)
        }),
        ("glwatch_stats_critical_path_waiting_ratio", "Share of the critical path that was waiting.", ratio, |e| {
            e.promptness.critical_path_waiting
        }),
        ("glwatch_stats_job_seconds", "Time of all jobs, summed.", seconds, |e| e.cost.job_minutes.map(|m| m * 60.0)),
        ("glwatch_stats_wall_seconds", "Time of all pipelines by the clock.", seconds, |e| {
            e.cost.wall_minutes.map(|m| m * 60.0)
        }),
        ("glwatch_stats_superseded_seconds", "Job time of pipelines that a newer commit overtook.", seconds, |e| {
            e.cost.superseded_minutes.map(|m| m * 60.0)
        }),
        ("glwatch_stats_canceled_seconds", "Time of canceled jobs.", seconds, |e| {
            e.cost.canceled_minutes.map(|m| m * 60.0)
        }),
        ("glwatch_stats_retried_seconds", "Time of jobs that were run again.", seconds, |e| {
            e.cost.retried_minutes.map(|m| m * 60.0)
        }),
        ("glwatch_stats_price", "Of all job time, in the currency of the configuration.", None, |e| e.cost.price),
        ("glwatch_stats_failures", "Failed attempts at jobs.", None, |e| Some(e.actionability.failures as f64)),
        ("glwatch_stats_explained_ratio", "Failures with a test that failed or a known reason.", ratio, |e| {
            e.actionability.explained_share
        }),
        ("glwatch_stats_time_to_green_p50_seconds", "Half of the red times took no longer.", seconds, |e| {
            Some(e.actionability.time_to_green_s?.p50)
        }),
        ("glwatch_stats_complete", "Whether all of the window is known: 1 or 0.", None, |e| {
            Some(f64::from(u8::from(e.coverage.complete)))
        }),
    ];
    let family = |(name, help, unit, value): (&'static str, &'static str, Option<Unit>, Value)| {
        let sample =
            |(entry, scope): (&StatsEntry, &str)| Some(Sample { labels: labels(entry, scope), value: value(entry)? });
        Family { name, help, unit, series: MetricSeries::Gauge(entries(document).filter_map(sample).collect()) }
    };
    families.into_iter().map(family).collect()
}

fn by_origin(document: &StatsDocument<'_>) -> Family {
    let samples = entries(document).flat_map(|(entry, scope)| {
        entry.actionability.origins.iter().map(move |(origin, count)| Sample {
            labels: labels(entry, scope).into_iter().chain(once(("origin", (*origin).to_owned()))).collect(),
            value: count.failures as f64,
        })
    });
    Family {
        name: "glwatch_stats_failures_by_origin",
        help: "Failed attempts at jobs by whose fault they are.",
        unit: None,
        series: MetricSeries::Gauge(samples.collect()),
    }
}

/// Of each project where there is a row for each, else of all together.
fn of_open_telemetry(study: &StatsStudy) -> Vec<Family> {
    let by_project = study.groups.iter().filter_map(|(group, tally)| match group {
        StudyGroup::Project { full_path, .. } => Some((full_path.clone(), &tally.now)),
        StudyGroup::Subgroup { .. } | StudyGroup::Week { .. } => None,
    });
    let mut parts: Vec<(String, &RunTally)> = by_project.collect();
    if parts.is_empty() {
        parts.push((String::new(), &study.pooled.now));
    }
    let durations = parts.iter().flat_map(|(name, tally)| {
        [
            series(name, "executing", "success", &tally.passed),
            series(name, "executing", "failure", &tally.broken),
            series(name, "pending", "", &tally.queues),
        ]
    });
    let errors = parts.iter().filter(|(_, tally)| tally.success + tally.failed > 0).map(|(name, tally)| Sample {
        labels: vec![("cicd_pipeline_name", name.clone()), ("error_type", "failed".to_owned())],
        value: tally.failed as f64,
    });
    vec![
        Family {
            name: "cicd_pipeline_run_duration_seconds",
            help: "Duration of pipelines of the window by project, state and result.",
            unit: Some(Unit::Seconds),
            series: MetricSeries::Histogram(durations.flatten().collect()),
        },
        Family {
            name: "cicd_pipeline_run_errors",
            help: "Pipelines of the window that failed.",
            unit: None,
            series: MetricSeries::Counter(errors.collect()),
        },
    ]
}

/// `None` where there is no value.
fn series(name: &str, state: &str, result: &str, seconds: &[u64]) -> Option<Histogram> {
    if seconds.is_empty() {
        return None;
    }
    let up_to = |bound: u64| seconds.iter().filter(|seconds| **seconds <= bound).count() as u64;
    let mut below = 0;
    let bucket = |bound: u64| {
        let count = up_to(bound) - below;
        below += count;
        (bound as f64, count)
    };
    let buckets: Vec<(f64, u64)> = DURATION_BOUNDS.into_iter().map(bucket).collect();
    Some(Histogram {
        labels: vec![
            ("cicd_pipeline_name", name.to_owned()),
            ("cicd_pipeline_run_state", state.to_owned()),
            ("cicd_pipeline_result", result.to_owned()),
        ],
        above: seconds.len() as u64 - buckets.iter().map(|(_, count)| count).sum::<u64>(),
        buckets,
        sum: seconds.iter().sum::<u64>() as f64,
        exemplars: BTreeMap::new(),
    })
}
