//! The state of the groups as metric families: base units, one meaning per name, nothing where GitLab says nothing.
//!
//! Names end in their unit. A status is a label whose series has the value 1, as users of pipeline exporters know it.

use crate::domain::excerpt::SnapshotView;
use crate::domain::health::Counts;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::StateWord;
use crate::domain::snapshot::Snapshot;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The base units that names end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Ratio,
}

impl Unit {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Ratio => "ratio",
        }
    }
}

/// A metric family with all its series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// Without the suffixes that an encoder adds, such as `_total` or `_bucket`.
    pub name: &'static str,
    pub help: &'static str,
    pub unit: Option<Unit>,
    pub series: MetricSeries,
}

/// What the values of a family mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnKind {
    Gauge,
    Counter,
    Histogram,
}

/// A family that is our own, as the scrape and the documentation describe it.
#[derive(Debug)]
pub(crate) struct OwnFamily {
    /// Without the suffix of a counter.
    pub name: &'static str,
    pub help: &'static str,
    pub kind: OwnKind,
    pub unit: Option<Unit>,
    pub labels: &'static [&'static str],
}

impl OwnFamily {
    /// Returns the family with these values.
    pub(crate) fn with(&self, samples: Vec<Sample>) -> Family {
        let series = match self.kind {
            OwnKind::Counter => MetricSeries::Counter(samples),
            OwnKind::Gauge | OwnKind::Histogram => MetricSeries::Gauge(samples),
        };
        Family { name: self.name, help: self.help, unit: self.unit, series }
    }

    /// Returns the family, a histogram, with these series.
    pub(crate) fn with_histograms(&self, histograms: Vec<Histogram>) -> Family {
        Family { name: self.name, help: self.help, unit: self.unit, series: MetricSeries::Histogram(histograms) }
    }
}

/// The series of a family, by what their values mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetricSeries {
    /// Values that go up and down: a report of one moment has nothing else.
    Gauge(Vec<Sample>),
    /// Values that only grow.
    Counter(Vec<Sample>),
    /// Observations, counted by their size.
    Histogram(Vec<Histogram>),
}

impl MetricSeries {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Gauge(samples) | Self::Counter(samples) => samples.is_empty(),
            Self::Histogram(histograms) => histograms.is_empty(),
        }
    }
}

/// The labels of a series; values are still as GitLab sent them.
pub(crate) type Labels = Vec<(&'static str, String)>;

/// One series of a gauge or a counter at the moment of the report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub labels: Labels,
    pub value: f64,
}

/// One of the observations that a bucket counts, for those who want to look at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BucketExemplar {
    pub pipeline: u64,
    pub value: f64,
    /// When it was observed.
    pub at: DateTime<Utc>,
}

/// One series of a histogram at the moment of the report.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram {
    pub labels: Labels,
    /// Upper bounds in ascending order, each with the number of observations above the bound before and up to its own.
    pub buckets: Vec<(f64, u64)>,
    /// Observations above the last bound.
    pub above: u64,
    /// Sum of all observations.
    pub sum: f64,
    /// By the place of the bucket; the last is the one above all bounds.
    pub exemplars: BTreeMap<usize, BucketExemplar>,
}

/// Returns the families of a snapshot. Pipelines are those that are shown; what is counted is all.
pub(crate) fn families(excerpt: &SnapshotView<'_>) -> Vec<Family> {
    let mut families = of_pipelines(excerpt);
    families.extend(of_the_whole(excerpt.whole));
    families
}

/// What tells the newest pipeline of a ref from others.
const OF_REF: &[&str] = &["project", "ref", "ref_kind"];

static PIPELINE_STATUS: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_status",
    help: "Status of the newest pipeline of a ref, joined with those of the pipelines that it triggered; always 1.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &["project", "ref", "ref_kind", "status"],
};

static PIPELINE_DURATION: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_duration_seconds",
    help: "Time that the newest pipeline of a ref ran; absent while GitLab does not say.",
    kind: OwnKind::Gauge,
    unit: Some(Unit::Seconds),
    labels: OF_REF,
};

static PIPELINE_QUEUED: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_queued_seconds",
    help: "Time that the newest pipeline of a ref waited before its first job started.",
    kind: OwnKind::Gauge,
    unit: Some(Unit::Seconds),
    labels: OF_REF,
};

static PIPELINE_COVERAGE: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_coverage_ratio",
    help: "Test coverage of the newest pipeline of a ref, from 0 to 1.",
    kind: OwnKind::Gauge,
    unit: Some(Unit::Ratio),
    labels: OF_REF,
};

static PIPELINE_CREATED: OwnFamily = OwnFamily {
    name: "glwatch_pipeline_created_timestamp_seconds",
    help: "When the newest pipeline of a ref was created.",
    kind: OwnKind::Gauge,
    unit: Some(Unit::Seconds),
    labels: OF_REF,
};

static PROJECTS: OwnFamily = OwnFamily {
    name: "glwatch_projects",
    help: "Projects by the state of their row and, where it is ok, by the status of their worst pipeline.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &["state", "status"],
};

static SNAPSHOT_COMPLETE: OwnFamily = OwnFamily {
    name: "glwatch_snapshot_complete",
    help: "Whether every project of every group was read: 1 or 0.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

static SNAPSHOT_READ: OwnFamily = OwnFamily {
    name: "glwatch_snapshot_timestamp_seconds",
    help: "When the youngest of what is shown was read, by GitLab's clock; absent where nothing was.",
    kind: OwnKind::Gauge,
    unit: Some(Unit::Seconds),
    labels: &[],
};

static SNAPSHOT_REQUESTS: OwnFamily = OwnFamily {
    name: "glwatch_snapshot_requests",
    help: "Requests to GitLab that this took, retries included.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

static REQUESTS_LIMIT: OwnFamily = OwnFamily {
    name: "glwatch_api_requests_limit",
    help: "Requests that the server permits in its window.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

static REQUESTS_REMAINING: OwnFamily = OwnFamily {
    name: "glwatch_api_requests_remaining",
    help: "Requests that are left of them.",
    kind: OwnKind::Gauge,
    unit: None,
    labels: &[],
};

/// The families of a snapshot, for the documentation.
#[cfg(test)]
pub(crate) static SNAPSHOT_FAMILIES: [&OwnFamily; 11] = [
    &PIPELINE_STATUS,
    &PIPELINE_DURATION,
    &PIPELINE_QUEUED,
    &PIPELINE_COVERAGE,
    &PIPELINE_CREATED,
    &PROJECTS,
    &SNAPSHOT_COMPLETE,
    &SNAPSHOT_READ,
    &SNAPSHOT_REQUESTS,
    &REQUESTS_LIMIT,
    &REQUESTS_REMAINING,
];

fn of_pipelines(excerpt: &SnapshotView<'_>) -> Vec<Family> {
    let pipelines = newest(excerpt);
    let samples = |value: fn(&Pipeline) -> Option<f64>| {
        let sample =
            |(labels, pipeline): &(Labels, &Pipeline)| Some(Sample { labels: labels.clone(), value: value(pipeline)? });
        pipelines.iter().filter_map(sample).collect::<Vec<_>>()
    };
    let status = |(labels, pipeline): &(Labels, &Pipeline)| {
        let status = ("status", pipeline.worst().word().to_owned());
        Sample { labels: labels.iter().cloned().chain([status]).collect(), value: 1.0 }
    };
    vec![
        PIPELINE_STATUS.with(pipelines.iter().map(status).collect()),
        PIPELINE_DURATION.with(samples(|pipeline| pipeline.duration.map(|duration| duration.as_secs_f64()))),
        PIPELINE_QUEUED.with(samples(|pipeline| pipeline.queued.map(|queued| queued.as_secs_f64()))),
        PIPELINE_COVERAGE.with(samples(|pipeline| pipeline.coverage.map(ratio))),
        PIPELINE_CREATED.with(samples(|pipeline| pipeline.created_at.map(timestamp))),
    ]
}

/// Returns one pipeline per project and ref, the newest: `--ref any --ref main` may name the same ref twice.
fn newest<'a>(excerpt: &'a SnapshotView<'_>) -> Vec<(Labels, &'a Pipeline)> {
    let mut newest = Vec::new();
    for row in excerpt.rows.iter() {
        let mut by_ref: BTreeMap<(&str, &str), &Pipeline> = BTreeMap::new();
        for pipeline in row.pipelines() {
            let key = (pipeline.git_ref.name.as_str(), pipeline.git_ref.kind.word());
            let known = by_ref.entry(key).or_insert(pipeline);
            if pipeline.id > known.id {
                *known = pipeline;
            }
        }
        newest.extend(by_ref.into_iter().map(|((name, kind), pipeline)| {
            let project = row.project.full_path.clone();
            (vec![("project", project), ("ref", name.to_owned()), ("ref_kind", kind.to_owned())], pipeline)
        }));
    }
    newest
}

fn of_the_whole(snapshot: &Snapshot) -> Vec<Family> {
    let single = |value: f64| vec![Sample { labels: vec![], value }];
    let told = |value: Option<f64>| value.into_iter().flat_map(single).collect();
    let usage = &snapshot.usage;
    vec![
        PROJECTS.with(projects(&Counts::of(snapshot))),
        SNAPSHOT_COMPLETE.with(single(f64::from(u8::from(snapshot.is_complete())))),
        SNAPSHOT_READ.with(told(snapshot.read_at().map(timestamp))),
        SNAPSHOT_REQUESTS.with(single(usage.requests as f64)),
        REQUESTS_LIMIT.with(told(usage.limit.map(|limit| limit as f64))),
        REQUESTS_REMAINING.with(told(usage.remaining.map(|remaining| remaining as f64))),
    ]
}

/// One series per state and status; their sum is the number of projects. States are always told, so that 0 is seen.
fn projects(counts: &Counts) -> Vec<Sample> {
    let sample = |state: StateWord, status: &str, count: usize| Sample {
        labels: vec![("state", state.word().to_owned()), ("status", status.to_owned())],
        value: count as f64,
    };
    let by_status = counts.by_status.iter().map(|(status, count)| sample(StateWord::Ok, status.word(), *count));
    let by_state = [
        sample(StateWord::NoPipeline, "", counts.no_pipeline),
        sample(StateWord::NoAccess, "", counts.no_access),
        sample(StateWord::Error, "", counts.error),
        sample(StateWord::Stale, "", counts.stale),
    ];
    by_status.chain(by_state).collect()
}

/// Four digits behind GitLab's percent are more than it gives, and hide how binary fractions divide.
fn ratio(percent: f64) -> f64 {
    (percent * 10_000.0).round() / 1_000_000.0
}

fn timestamp(at: DateTime<Utc>) -> f64 {
    at.timestamp() as f64
}
