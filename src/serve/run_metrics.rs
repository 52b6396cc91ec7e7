//! Pipelines that have ended, as counters and histograms of the projects that are listed.

use super::own_families as family;
use crate::domain::id::ProjectId;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::run_totals::{RunMeasure, RunTimes, RunTotals, TIME_BOUNDS, bucket};
use crate::domain::snapshot::Snapshot;
use crate::report::metrics::{BucketExemplar, Family, Histogram, Sample};
use std::collections::{BTreeMap, HashMap};

/// Returns the families.
pub(super) fn families(snapshot: &Snapshot, totals: &RunTotals) -> Vec<Family> {
    let rows: HashMap<ProjectId, &ProjectRow> = snapshot.rows.iter().map(|row| (row.project.id, row)).collect();
    let runs = totals.runs.iter().filter_map(|total| {
        let labels = vec![
            ("project", rows.get(&total.project)?.project.full_path.clone()),
            ("ref_kind", total.ref_kind.clone()),
            ("source", total.source.clone()),
            ("status", total.status.clone()),
        ];
        Some(Sample { labels, value: total.count as f64 })
    });
    let histograms = |wanted: RunMeasure| {
        let of_measure = totals.times.iter().filter(move |times| times.measure == wanted);
        of_measure.filter_map(|times| Some(histogram(rows.get(&times.project)?, times))).collect::<Vec<_>>()
    };
    vec![
        family::PIPELINE_RUNS.with(runs.collect()),
        family::RUN_DURATION.with_histograms(histograms(RunMeasure::Duration)),
        family::RUN_QUEUED.with_histograms(histograms(RunMeasure::Queued)),
    ]
}

fn histogram(row: &ProjectRow, times: &RunTimes) -> Histogram {
    let mut labels = vec![("project", row.project.full_path.clone())];
    if times.measure == RunMeasure::Duration {
        labels.push(("status", times.status.clone()));
    }
    let bounds = TIME_BOUNDS.iter().map(|bound| *bound as f64);
    Histogram {
        labels,
        buckets: bounds.zip(times.counts).collect(),
        above: times.counts[TIME_BOUNDS.len()],
        sum: times.seconds as f64,
        exemplars: exemplars(row, times),
    }
}

/// Returns the newest pipeline of each bucket among those that are shown: one who sees a slow bucket can look at it.
fn exemplars(row: &ProjectRow, times: &RunTimes) -> BTreeMap<usize, BucketExemplar> {
    let mut found: BTreeMap<usize, BucketExemplar> = BTreeMap::new();
    for pipeline in row.pipelines() {
        let Some((place, exemplar)) = exemplar(pipeline, times) else { continue };
        if found.get(&place).is_none_or(|known| known.pipeline < exemplar.pipeline) {
            found.insert(place, exemplar);
        }
    }
    found
}

/// Returns a pipeline as an example of what was measured, with the place of its bucket.
fn exemplar(pipeline: &Pipeline, times: &RunTimes) -> Option<(usize, BucketExemplar)> {
    let is_counted = pipeline.status.is_terminal();
    let time = match times.measure {
        RunMeasure::Duration => pipeline.duration.filter(|_| pipeline.status.word() == times.status),
        RunMeasure::Queued => pipeline.queued,
    };
    let seconds = time.filter(|_| is_counted)?.as_secs();
    let at = pipeline.finished_at?;
    Some((bucket(seconds), BucketExemplar { pipeline: pipeline.id.0, value: seconds as f64, at }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::ran;
    use crate::domain::id::PipelineId;
    use crate::domain::project::RowState;
    use crate::domain::status::Status;
    use chrono::DateTime;
    use std::time::Duration;

    #[test]
    fn the_newest_pipeline_of_a_bucket_is_its_example() {
        let one = |id: u64, status: Status, seconds: u64| {
            let row = ran("api", status, 0);
            let pipeline = row.pipelines()[0].clone();
            let (id, duration) = (PipelineId(id), Some(Duration::from_secs(seconds)));
            Pipeline { id, duration, finished_at: Some(DateTime::UNIX_EPOCH), ..pipeline }
        };
        let pipelines = [
            one(1, Status::Success, 45),
            one(3, Status::Success, 50),
            one(2, Status::Success, 55),
            one(4, Status::Failed, 58),
            one(5, Status::Running, 59),
            Pipeline { finished_at: None, ..one(6, Status::Success, 40) },
            one(7, Status::Success, 90_000),
        ];
        let row = ProjectRow { state: RowState::Ok(pipelines.into()), ..ran("api", Status::Success, 0) };
        let times = RunTimes {
            project: row.project.id,
            measure: RunMeasure::Duration,
            status: "success".into(),
            counts: Default::default(),
            seconds: 0,
        };
        let found: Vec<_> = exemplars(&row, &times).into_iter().map(|(place, one)| (place, one.pipeline)).collect();
        assert_eq!(found, [(1, 3), (TIME_BOUNDS.len(), 7)]);
    }
}
