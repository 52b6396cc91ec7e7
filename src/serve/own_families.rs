//! The metric families about the server that are our own, declared once: the scrape and the documentation are made of this
//! table. Those about the group are in `report/metrics.rs`: `-o openmetrics` has them, too.

use crate::report::metrics::{OwnFamily, OwnKind, Unit};

pub(super) static PROJECT_READ: OwnFamily = OwnFamily {
    name: "glwatch_project_read_timestamp_seconds",
    help: "When what is shown of the project was read, by GitLab's clock; absent where nothing is shown that was read.",
    kind: OwnKind::Gauge,
    unit: Some(Unit::Seconds),
    labels: &["project"],
};

pub(super) static SERIES: OwnFamily = OwnFamily {
    name: "glwatch_series",
    help: "Series about refs and environments.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

pub(super) static SERIES_DROPPED: OwnFamily = OwnFamily {
    name: "glwatch_series_dropped",
    help: "Series that were not shown because there are more than max_series.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &[],
};

pub(super) static TRACKED_DUE: OwnFamily = OwnFamily {
    name: "glwatch_tracked_due",
    help: "Refs and environments that are known to have moved and were not read yet.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

pub(super) static TRACKED_FAILURES: OwnFamily = OwnFamily {
    name: "glwatch_tracked_failures",
    help: "Times that a ref or an environment could not be read.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &[],
};

pub(super) static WEBHOOKS: OwnFamily = OwnFamily {
    name: "glwatch_webhooks",
    help: "Webhooks that came, by what became of them: used, unused, unknown, repeated or refused.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &["outcome"],
};

pub(super) static API_REQUESTS: OwnFamily = OwnFamily {
    name: "glwatch_api_requests",
    help: "Requests to GitLab, by route or GraphQL query, and by the status of the answer; none where none came.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &["endpoint", "status"],
};

pub(super) static GITLAB_INFO: OwnFamily = OwnFamily {
    name: "glwatch_gitlab_info",
    help: "Always 1; version and edition (ee or ce, nothing where it is not told) of GitLab are in the labels.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &["version", "edition"],
};

pub(super) static PIPELINE_RUNS: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_runs",
    help: "Pipelines that have ended, counted once each: those that readings and history fill have put into the memory.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &["project", "ref_kind", "source", "status"],
};

pub(super) static RUN_DURATION: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_run_duration_seconds",
    help: "Time that these pipelines ran, where GitLab says it.",
    kind: OwnKind::Histogram,
    unit: Some(Unit::Seconds),
    labels: &["project", "status"],
};

pub(super) static RUN_QUEUED: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_run_queued_seconds",
    help: "Time that these pipelines waited before their first job started, where GitLab says it.",
    kind: OwnKind::Histogram,
    unit: Some(Unit::Seconds),
    labels: &["project"],
};

pub(super) static CABLE_CONNECTED: OwnFamily = OwnFamily {
    name: "glwatch_cable_connected",
    help: "Whether GitLab's cable is open; none of these families is there where no cable is wanted.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

pub(super) static CABLE_RELIED_ON: OwnFamily = OwnFamily {
    name: "glwatch_cable_relied_on",
    help: "Whether projects are asked about less often because GitLab tells about them.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

pub(super) static CABLE_SUBSCRIPTIONS: OwnFamily = OwnFamily {
    name: "glwatch_cable_subscriptions",
    help: "Projects by how far their subscription on the cable is: confirmed, refused or waiting.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &["state"],
};

pub(super) static CABLE_EVENTS: OwnFamily = OwnFamily {
    name: "glwatch_cable_events",
    help: "Times that the cable said that a pipeline moved.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &[],
};

pub(super) static CABLE_IGNORED: OwnFamily = OwnFamily {
    name: "glwatch_cable_ignored",
    help: "Frames of the cable that meant nothing.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &[],
};

pub(super) static CABLE_RECONNECTS: OwnFamily = OwnFamily {
    name: "glwatch_cable_reconnects",
    help: "Times that a connection was tried again.",
    kind: OwnKind::Counter,
    unit: None,
    labels: &[],
};

/// All of those about the server.
#[cfg(test)]
static ALL: [&OwnFamily; 17] = [
    &PROJECT_READ,
    &SERIES,
    &SERIES_DROPPED,
    &TRACKED_DUE,
    &TRACKED_FAILURES,
    &WEBHOOKS,
    &API_REQUESTS,
    &GITLAB_INFO,
    &PIPELINE_RUNS,
    &RUN_DURATION,
    &RUN_QUEUED,
    &CABLE_CONNECTED,
    &CABLE_RELIED_ON,
    &CABLE_SUBSCRIPTIONS,
    &CABLE_EVENTS,
    &CABLE_IGNORED,
    &CABLE_RECONNECTS,
];

/// Returns the table of all that are our own, for the documentation.
#[cfg(test)]
pub(super) fn table() -> String {
    use crate::report::metrics::SNAPSHOT_FAMILIES;
    use std::fmt::Write;
    let mut table = "| family | kind | labels | what |\n|---|---|---|---|\n".to_owned();
    for family in SNAPSHOT_FAMILIES.into_iter().chain(ALL) {
        let (kind, suffix) = match family.kind {
            OwnKind::Gauge => ("gauge", ""),
            OwnKind::Counter => ("counter", "_total"),
            OwnKind::Histogram => ("histogram", ""),
        };
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(table, "| `{}{suffix}` | {kind} | {} | {} |", family.name, labels.join(", "), family.help).unwrap();
    }
    table
}
