//! Pipelines that have ended, as counters and histograms of the projects that are listed.

use super::own_families as family;
use crate::domain::id::ProjectId;
use crate::domain::run_totals::{RunMeasure, RunTimes, RunTotals, TIME_BOUNDS};
use crate::domain::snapshot::Snapshot;
use crate::report::metrics::{Family, Histogram, Sample};
use std::collections::HashMap;

/// Returns the families.
pub(super) fn families(snapshot: &Snapshot, totals: &RunTotals) -> Vec<Family> {
    let paths: HashMap<ProjectId, &str> =
        snapshot.rows.iter().map(|row| (row.project.id, row.project.full_path.as_str())).collect();
    let runs = totals.runs.iter().filter_map(|total| {
        let labels = vec![
            ("project", (*paths.get(&total.project)?).to_owned()),
            ("ref_kind", total.ref_kind.clone()),
            ("source", total.source.clone()),
            ("status", total.status.clone()),
        ];
        Some(Sample { labels, value: total.count as f64 })
    });
    let histograms = |wanted: RunMeasure| {
        let of_measure = totals.times.iter().filter(move |times| times.measure == wanted);
        of_measure.filter_map(|times| Some(histogram(paths.get(&times.project)?, times))).collect::<Vec<_>>()
    };
    vec![
        family::PIPELINE_RUNS.with(runs.collect()),
        family::RUN_DURATION.with_histograms(histograms(RunMeasure::Duration)),
        family::RUN_QUEUED.with_histograms(histograms(RunMeasure::Queued)),
    ]
}

fn histogram(path: &str, times: &RunTimes) -> Histogram {
    let mut labels = vec![("project", path.to_owned())];
    if times.measure == RunMeasure::Duration {
        labels.push(("status", times.status.clone()));
    }
    let bounds = TIME_BOUNDS.iter().map(|bound| *bound as f64);
    Histogram {
        labels,
        buckets: bounds.zip(times.counts).collect(),
        above: times.counts[TIME_BOUNDS.len()],
        sum: times.seconds as f64,
    }
}
