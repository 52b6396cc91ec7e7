//! The families that are our own: the state of the group, how fresh it is, and how the server does.

use super::exporter::ExporterState;
use crate::domain::excerpt::SnapshotView;
use crate::domain::project::ProjectRow;
use crate::domain::snapshot::Snapshot;
use crate::report::metrics::{self, Family, MetricSeries, Sample, Unit};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Returns all of them. Before the first reading only those about the server itself.
pub(super) fn families(
    snapshot: Option<&Snapshot>,
    exporter: &ExporterState,
    hooks: &BTreeMap<&'static str, u64>,
) -> Vec<Family> {
    let mut all = Vec::new();
    if let Some(snapshot) = snapshot {
        all.extend(metrics::families(&SnapshotView::all(snapshot)));
        all.push(read_at(snapshot));
    }
    all.extend(of_the_server(exporter, hooks));
    all
}

fn read_at(snapshot: &Snapshot) -> Family {
    let sample = |row: &ProjectRow| Sample {
        labels: vec![("project", row.project.full_path.clone())],
        value: row.as_of.timestamp() as f64,
    };
    Family {
        name: "glwatch_project_read_timestamp_seconds",
        help: "When what is shown of the project was read, by GitLab's clock.",
        unit: Some(Unit::Seconds),
        series: MetricSeries::Gauge(snapshot.rows.iter().map(sample).collect()),
    }
}

fn of_the_server(exporter: &ExporterState, hooks: &BTreeMap<&'static str, u64>) -> Vec<Family> {
    let single = |value: f64| vec![Sample { labels: vec![], value }];
    let counts = exporter.counts();
    let hook = |(outcome, count): (&&'static str, &u64)| Sample {
        labels: vec![("outcome", (*outcome).to_owned())],
        value: *count as f64,
    };
    let gauge = |name, help, value: f64| Family { name, help, unit: None, series: MetricSeries::Gauge(single(value)) };
    let counter = |name, help, samples| Family { name, help, unit: None, series: MetricSeries::Counter(samples) };
    let series = exporter.store().len() as f64;
    let dropped = single(exporter.store().dropped() as f64);
    let failed = single(exporter.failed() as f64);
    let hooks: Vec<Sample> = hooks.iter().map(hook).collect();
    vec![
        gauge("glwatch_series", "Series about refs and environments.", series),
        counter("glwatch_series_dropped", "Series that were not shown because there are too many.", dropped),
        gauge(
            "glwatch_tracked_due",
            "Refs and environments that are known to have moved and were not read yet.",
            counts.due as f64,
        ),
        counter("glwatch_tracked_failures", "Times that a ref or an environment could not be read.", failed),
        counter("glwatch_webhooks", "Webhooks that came, by what became of them.", hooks),
    ]
}

/// Returns a short text that is another one for another content.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().take(12).fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
