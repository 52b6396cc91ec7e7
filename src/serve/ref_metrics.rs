//! Turns what was read of a ref into series.

use super::counter_book::CountedRuns;
use super::families as family;
use super::families::FamilySpec;
use super::metric_store::{MetricStore, SeriesLabels, SeriesOwner, owner};
use super::ref_runs::{RunMemory, RunsOfSource};
use super::status_word::set_status;
use crate::domain::exported::{
    ExportedCounts, ExportedJob, ExportedPipeline, ExportedSuite, ExportedTests, PipelineReadout, ToldRuns, TrackedRef,
};
use crate::domain::id::{JobId, PipelineId};
use crate::domain::tracking::{Compatibility, TrackingRules};
use std::collections::{BTreeMap, HashMap};

/// Names a ref and how it is shown.
#[derive(Debug, Clone, Copy)]
pub struct ShownRef<'a> {
    /// The project's full path.
    pub project: &'a str,
    pub tracked: &'a TrackedRef,
    pub rules: &'a TrackingRules,
    pub compatibility: Compatibility,
}

impl<'a> ShownRef<'a> {
    /// Returns what its series belong to.
    pub fn owner(&self) -> SeriesOwner {
        ref_owner(self.project, self.tracked)
    }

    /// Returns the labels that every series of the ref has.
    fn labels(&self, source: &'a str, variables: &'a str) -> Vec<(&'static str, &'a str)> {
        vec![
            ("project", self.project),
            ("topics", ""),
            ("kind", self.tracked.kind.word()),
            ("ref", self.tracked.name.as_str()),
            ("source", source),
            ("variables", variables),
        ]
    }
}

/// Returns what the series of a ref belong to.
pub fn ref_owner(project: &str, tracked: &TrackedRef) -> SeriesOwner {
    owner(&["ref", project, tracked.kind.word(), &tracked.name])
}

/// What is remembered of a ref between two readings of it.
#[derive(Debug, Default)]
pub struct RefMemory {
    runs: RunMemory,
    last_jobs: HashMap<JobSeries, KnownJob>,
    /// Readings so far.
    readings: u64,
}

/// The newest job of a series.
#[derive(Debug)]
struct KnownJob {
    id: JobId,
    status: String,
    /// The reading that has found the series; `None` where an earlier process has.
    found_in: Option<u64>,
}

/// What tells the jobs of a ref apart: stage, tags and name. For the exporter that this one replaces it is the name alone,
/// so that each reading counts runs of jobs that share one.
type JobSeries = (String, String, String);

/// Takes over a reading of a ref. Pipelines come from the oldest to the newest; lists may have told more of them, which were
/// not read.
pub fn show_ref(
    store: &mut MetricStore,
    shown: ShownRef<'_>,
    memory: &mut RefMemory,
    (readouts, told): (&[PipelineReadout], &ToldRuns),
) {
    store.begin();
    memory.readings += 1;
    let owner = shown.owner();
    count_runs(store, shown, &mut memory.runs, (readouts, told));
    for readout in readouts {
        RefWriter { store: &mut *store, owner: &owner, shown, pipeline: &readout.pipeline }.write(readout, memory);
    }
    // A job, a source or a suite that is gone would else stay as it was last: running, for ever.
    if shown.compatibility == Compatibility::Corrected {
        store.remove_unset(&owner);
    }
}

/// Counts the pipelines of a ref.
fn count_runs(
    store: &mut MetricStore,
    shown: ShownRef<'_>,
    memory: &mut RunMemory,
    reading: (&[PipelineReadout], &ToldRuns),
) {
    let (family, owner) = (&family::PIPELINE_RUN_COUNT, shown.owner());
    let last = |source: &str, variables: &str| {
        store.counted(family, &owner, &[source, variables]).map(|counted| PipelineId(counted.last_id))
    };
    for RunsOfSource { source, variables, more, newest } in memory.count(reading, shown.compatibility, last) {
        let identity: &[&str] = &[&source, &variables];
        let counted = store.counted(family, &owner, identity).unwrap_or(CountedRuns { value: 0.0, last_id: 0 });
        let last_id = newest.map_or(counted.last_id, |newest| newest.0.max(counted.last_id));
        let labels = shown.labels(&source, &variables);
        let runs = CountedRuns { value: counted.value + more as f64, last_id };
        store.set_counter(family, &owner, SeriesLabels { identity, labels: &labels }, runs);
    }
}

/// Writes what one pipeline of a ref says.
struct RefWriter<'s, 'a> {
    store: &'s mut MetricStore,
    owner: &'a SeriesOwner,
    shown: ShownRef<'a>,
    pipeline: &'a ExportedPipeline,
}

impl<'a> RefWriter<'_, 'a> {
    fn write(&mut self, readout: &'a PipelineReadout, memory: &mut RefMemory) {
        self.write_pipeline();
        if let Some(jobs) = &readout.jobs {
            for job in self.shown_jobs(jobs) {
                self.write_job(job, memory);
            }
        }
        if let Some(tests) = &readout.tests {
            self.write_tests(tests);
        }
    }

    /// Returns the labels that every series of the ref has, and further ones.
    fn labels(&self, more: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a str)> {
        let mut labels = self.shown.labels(&self.pipeline.source, &self.pipeline.variables);
        labels.extend_from_slice(more);
        labels
    }

    fn set(&mut self, family: &'static FamilySpec, (identity, more): Place<'_, 'a>, value: f64) {
        let labels = self.labels(more);
        self.store.set(family, self.owner, SeriesLabels { identity, labels: &labels }, value);
    }

    fn set_status(&mut self, family: &'static FamilySpec, (identity, more): Place<'_, 'a>, status: &str) {
        let labels = self.labels(more);
        let labels = SeriesLabels { identity, labels: &labels };
        set_status(self.store, family, self.owner, (labels, status), self.shown.rules.is_sparse);
    }

    fn write_pipeline(&mut self) {
        let pipeline = self.pipeline;
        let place: Place<'_, 'a> = (&[&pipeline.source, &pipeline.variables], &[]);
        // The exporter that this one replaces says 0 where GitLab says nothing, and dashboards build on it.
        let values = [
            (&family::PIPELINE_COVERAGE, pipeline.coverage),
            (&family::PIPELINE_ID, Some(pipeline.id.0 as f64)),
            (&family::PIPELINE_DURATION_SECONDS, pipeline.duration),
            (&family::PIPELINE_QUEUED_DURATION_SECONDS, pipeline.queued),
            (&family::PIPELINE_TIMESTAMP, pipeline.updated_at.map(|at| at as f64)),
        ];
        for (family, value) in values {
            self.set(family, place, value.unwrap_or_default());
        }
        self.set_status(&family::PIPELINE_STATUS, place, &pipeline.status);
    }

    /// Returns the jobs in the order in which they count. Of several of one name, as a child pipeline may have them, the
    /// newest is shown; the exporter that this one replaces shows the last of the list.
    fn shown_jobs(&self, jobs: &'a [ExportedJob]) -> Vec<&'a ExportedJob> {
        if self.shown.compatibility == Compatibility::Strict {
            return jobs.iter().collect();
        }
        let mut newest: BTreeMap<(&str, &str, &[String]), &ExportedJob> = BTreeMap::new();
        for job in jobs {
            let known = newest.entry((&job.stage, &job.name, &job.tags)).or_insert(job);
            if job.id > known.id {
                *known = job;
            }
        }
        newest.into_values().collect()
    }

    fn write_job(&mut self, job: &'a ExportedJob, memory: &mut RefMemory) {
        let tags = job.tags.join(",");
        let identity: &[&str] = &[&job.stage, &tags, &job.name];
        let runner = match &self.shown.rules.jobs.runner_pattern {
            Some(pattern) if pattern.matches(&job.runner) => pattern.text(),
            Some(_) => job.runner.as_str(),
            None => "",
        };
        let job_labels: [(&'static str, &str); 5] = [
            ("stage", &job.stage),
            ("job_name", &job.name),
            ("runner_description", runner),
            ("tag_list", &tags),
            ("failure_reason", &job.failure_reason),
        ];
        let mut labels: Vec<(&'static str, &str)> = self.labels(&[]);
        labels.extend(job_labels);
        let labels = SeriesLabels { identity, labels: &labels };
        let counted = self.store.counted(&family::PIPELINE_JOB_RUN_COUNT, self.owner, identity);
        let last_counted = counted.map_or(JobId(0), |counted| JobId(counted.last_id));
        let series = match self.shown.compatibility {
            Compatibility::Strict => (String::new(), String::new(), job.name.clone()),
            Compatibility::Corrected => (job.stage.clone(), tags.clone(), job.name.clone()),
        };
        let known = memory.last_jobs.get(&series);
        let found_in = known.map_or(counted.is_none().then_some(memory.readings), |known| known.found_in);
        // Of several pipelines that are found at once none has begun since.
        let is_found = self.shown.compatibility == Compatibility::Corrected && found_in == Some(memory.readings);
        let is_new = counted.is_some() && !is_found && is_new_run(job, known, (last_counted, self.shown.compatibility));
        let runs = CountedRuns {
            value: counted.map_or(0.0, |counted| counted.value) + f64::from(u8::from(is_new)),
            last_id: last_counted.max(job.id).0,
        };
        self.store.set_counter(&family::PIPELINE_JOB_RUN_COUNT, self.owner, labels, runs);
        // An older pipeline that is shown beside the newest one takes nothing back.
        if self.shown.compatibility == Compatibility::Strict || known.is_none_or(|known| known.id <= job.id) {
            memory.last_jobs.insert(series, KnownJob { id: job.id, status: job.status.clone(), found_in });
        }
        for (family, value) in job_values(job) {
            self.store.set(family, self.owner, labels, value);
        }
        let is_sparse = self.shown.rules.is_sparse;
        set_status(self.store, &family::PIPELINE_JOB_STATUS, self.owner, (labels, &job.status), is_sparse);
    }

    fn write_tests(&mut self, tests: &'a ExportedTests) {
        let pipeline = self.pipeline;
        let place: Place<'_, 'a> = (&[&pipeline.source, &pipeline.variables], &[]);
        for (family, value) in report_values(&tests.counts) {
            self.set(family, place, value);
        }
        for suite in &tests.suites {
            self.write_suite(suite);
        }
    }

    fn write_suite(&mut self, suite: &'a ExportedSuite) {
        let place: Place<'_, 'a> = (&[&suite.name], &[("test_suite_name", &suite.name)]);
        for (family, value) in suite_values(&suite.counts) {
            self.set(family, place, value);
        }
        for case in suite.cases.iter().filter(|_| self.shown.rules.tests.cases) {
            let labels: [(&'static str, &'a str); 3] = [
                ("test_suite_name", &suite.name),
                ("test_case_name", &case.name),
                ("test_case_classname", &case.class),
            ];
            let place: Place<'_, 'a> = (&[&suite.name, &case.name, &case.class], &labels);
            self.set(&family::PIPELINE_TEST_CASE_EXECUTION_TIME, place, case.time);
            self.set_status(&family::PIPELINE_TEST_CASE_STATUS, place, &case.status);
        }
    }
}

/// The values that tell a series from others of its family and owner, and the labels beside those of the ref.
type Place<'i, 'a> = (&'i [&'i str], &'i [(&'static str, &'a str)]);

/// Says whether a job is a run that was not counted: another one than before, or the same that has only now begun. What
/// an earlier process has counted is known by the id alone.
fn is_new_run(
    job: &ExportedJob,
    known: Option<&KnownJob>,
    (last_counted, compatibility): (JobId, Compatibility),
) -> bool {
    let is_idle = |status: &str| matches!(status, "skipped" | "manual" | "scheduled");
    match known {
        // Where the newest pipeline was deleted, an older one is shown again.
        Some(known) if known.id > job.id && compatibility == Compatibility::Corrected => false,
        Some(known) if known.id == job.id => is_idle(&known.status) && !is_idle(&job.status),
        Some(_) => !is_idle(&job.status),
        None => job.id > last_counted && !is_idle(&job.status),
    }
}

fn job_values(job: &ExportedJob) -> [(&'static FamilySpec, f64); 5] {
    [
        (&family::PIPELINE_JOB_ID, job.id.0 as f64),
        (&family::PIPELINE_JOB_TIMESTAMP, job.created_at.unwrap_or_default() as f64),
        (&family::PIPELINE_JOB_DURATION_SECONDS, job.duration.unwrap_or_default()),
        (&family::PIPELINE_JOB_QUEUED_DURATION_SECONDS, job.queued.unwrap_or_default()),
        (&family::PIPELINE_JOB_ARTIFACT_SIZE_BYTES, job.artifact_bytes as f64),
    ]
}

fn report_values(counts: &ExportedCounts) -> [(&'static FamilySpec, f64); 6] {
    [
        (&family::PIPELINE_TEST_REPORT_TOTAL_TIME, counts.total_time),
        (&family::PIPELINE_TEST_REPORT_TOTAL_COUNT, counts.total as f64),
        (&family::PIPELINE_TEST_REPORT_SUCCESS_COUNT, counts.success as f64),
        (&family::PIPELINE_TEST_REPORT_FAILED_COUNT, counts.failed as f64),
        (&family::PIPELINE_TEST_REPORT_SKIPPED_COUNT, counts.skipped as f64),
        (&family::PIPELINE_TEST_REPORT_ERROR_COUNT, counts.error as f64),
    ]
}

fn suite_values(counts: &ExportedCounts) -> [(&'static FamilySpec, f64); 6] {
    [
        (&family::PIPELINE_TEST_SUITE_TOTAL_TIME, counts.total_time),
        (&family::PIPELINE_TEST_SUITE_TOTAL_COUNT, counts.total as f64),
        (&family::PIPELINE_TEST_SUITE_SUCCESS_COUNT, counts.success as f64),
        (&family::PIPELINE_TEST_SUITE_FAILED_COUNT, counts.failed as f64),
        (&family::PIPELINE_TEST_SUITE_SKIPPED_COUNT, counts.skipped as f64),
        (&family::PIPELINE_TEST_SUITE_ERROR_COUNT, counts.error as f64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::exported::TrackedKind;
    use crate::domain::tracking::JobRules;

    fn rules() -> TrackingRules {
        TrackingRules {
            jobs: JobRules { enabled: true, from_children: true, runner_pattern: None },
            ..example::rules()
        }
    }

    fn pipeline(id: u64, source: &str, jobs: &[(&str, u64, &str)]) -> PipelineReadout {
        let job = |(name, id, status): &(&str, u64, &str)| ExportedJob {
            id: JobId(*id),
            name: (*name).to_owned(),
            stage: "test".to_owned(),
            status: (*status).to_owned(),
            created_at: None,
            duration: None,
            queued: None,
            tags: Vec::new(),
            failure_reason: String::new(),
            runner: String::new(),
            artifact_bytes: 0,
        };
        let pipeline = ExportedPipeline {
            id: PipelineId(id),
            status: "success".to_owned(),
            source: source.to_owned(),
            variables: String::new(),
            coverage: None,
            duration: None,
            queued: None,
            updated_at: None,
        };
        PipelineReadout { pipeline, jobs: Some(jobs.iter().map(job).collect()), tests: None }
    }

    /// Shows readings one after the other, and returns how many runs of pipelines and of the job `unit` are counted, and
    /// how many series of jobs and of sources there are.
    fn shown(
        compatibility: Compatibility,
        readings: &[(PipelineReadout, Option<u64>)],
    ) -> (f64, Option<f64>, usize, usize) {
        let (rules, tracked) = (rules(), TrackedRef::new(TrackedKind::Branch, "main"));
        let shown = ShownRef { project: "acme/api", tracked: &tracked, rules: &rules, compatibility };
        let (mut store, mut memory) = (MetricStore::new(1000), RefMemory::default());
        for (readout, new) in readings {
            let newest = readout.pipeline.id.0;
            let told = new.iter().flat_map(|new| newest + 1 - new..=newest).map(|id| (PipelineId(id), None));
            show_ref(&mut store, shown, &mut memory, (std::slice::from_ref(readout), &told.collect()));
        }
        let owner = shown.owner();
        let runs = store.get(&family::PIPELINE_RUN_COUNT, &owner, &["push", ""]).unwrap_or(f64::NAN);
        let jobs = store.get(&family::PIPELINE_JOB_RUN_COUNT, &owner, &["test", "", "unit"]);
        (runs, jobs, store.count(&family::PIPELINE_JOB_ID), store.count(&family::PIPELINE_ID))
    }

    #[test]
    fn a_run_is_counted_once_and_what_is_gone_is_not_shown() {
        use Compatibility::{Corrected, Strict};
        let push = |id, jobs: &[(&str, u64, &str)], new| (pipeline(id, "push", jobs), new);
        let unit = |id| [("unit", id, "success")];
        let cases = [
            ("first seen", Corrected, vec![push(1, &unit(10), None)], (0.0, Some(0.0), 1, 1)),
            (
                "read again",
                Corrected,
                vec![push(1, &unit(10), None), push(1, &unit(10), Some(0))],
                (0.0, Some(0.0), 1, 1),
            ),
            (
                "a new pipeline",
                Corrected,
                vec![push(1, &unit(10), None), push(2, &unit(20), Some(1))],
                (1.0, Some(1.0), 1, 1),
            ),
            (
                "three that a list has told",
                Corrected,
                vec![push(1, &unit(10), None), push(4, &unit(40), Some(3))],
                (3.0, Some(1.0), 1, 1),
            ),
            (
                "three, as the exporter counts",
                Strict,
                vec![push(1, &unit(10), None), push(4, &unit(40), None)],
                (1.0, Some(1.0), 1, 1),
            ),
            (
                "a job that was run again",
                Corrected,
                vec![push(1, &unit(10), None), push(1, &unit(11), Some(0))],
                (0.0, Some(1.0), 1, 1),
            ),
            (
                "one that waits for a person is no run",
                Corrected,
                vec![push(1, &unit(10), None), push(2, &[("unit", 20, "manual")], Some(1))],
                (1.0, Some(0.0), 1, 1),
            ),
            (
                "and is one when it begins",
                Corrected,
                vec![push(1, &[("unit", 10, "manual")], None), push(1, &[("unit", 10, "running")], Some(0))],
                (0.0, Some(1.0), 1, 1),
            ),
            (
                "a job that is gone",
                Corrected,
                vec![push(1, &[("unit", 10, "running"), ("old", 11, "running")], None), push(2, &unit(20), Some(1))],
                (1.0, Some(1.0), 1, 1),
            ),
            (
                "a job that is gone, as in the exporter",
                Strict,
                vec![push(1, &[("unit", 10, "running"), ("old", 11, "running")], None), push(2, &unit(20), None)],
                (1.0, Some(1.0), 2, 1),
            ),
            (
                "two of one name: the newest",
                Corrected,
                vec![push(1, &[("unit", 12, "failed"), ("unit", 10, "success")], None)],
                (0.0, Some(0.0), 1, 1),
            ),
            (
                "the newest was deleted",
                Corrected,
                vec![push(5, &unit(50), None), push(4, &unit(40), None)],
                (0.0, Some(0.0), 1, 1),
            ),
        ];
        for (sentence, compatibility, readings, expected) in cases {
            assert_eq!(shown(compatibility, &readings), expected, "{sentence}");
        }
        let sources = [push(1, &unit(10), None), (pipeline(2, "schedule", &unit(20)), Some(1))];
        assert_eq!(shown(Corrected, &sources).3, 1, "a source that is not the newest one's is gone");
        assert_eq!(shown(Strict, &sources).3, 2, "as in the exporter, it stays");
    }

    /// Shows readings of several pipelines each, and returns the runs of all jobs by stage, tags and name.
    fn job_runs(compatibility: Compatibility, readings: &[Vec<PipelineReadout>]) -> Vec<f64> {
        let (rules, tracked) = (rules(), TrackedRef::new(TrackedKind::Branch, "main"));
        let shown = ShownRef { project: "acme/api", tracked: &tracked, rules: &rules, compatibility };
        let (mut store, mut memory) = (MetricStore::new(1000), RefMemory::default());
        readings.iter().for_each(|readouts| show_ref(&mut store, shown, &mut memory, (readouts, &ToldRuns::new())));
        let runs = |identity: [&str; 3]| store.get(&family::PIPELINE_JOB_RUN_COUNT, &shown.owner(), &identity);
        let series = [["build", "", "unit"], ["test", "", "unit"], ["test", "gpu", "unit"]];
        series.into_iter().filter_map(runs).collect()
    }

    #[test]
    fn jobs_of_one_name_are_counted_once_each() {
        use Compatibility::{Corrected, Strict};
        let with = |id, jobs: &[(u64, &str, &[&str])]| {
            let mut readout = pipeline(id, "push", &[]);
            let job = |(job, stage, tags): &(u64, &str, &[&str])| {
                let mut made = pipeline(0, "push", &[("unit", *job, "success")]).jobs.unwrap().remove(0);
                made.stage = (*stage).to_owned();
                made.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
                made
            };
            readout.jobs = Some(jobs.iter().map(job).collect());
            readout
        };
        let stages = |id, first: u64| with(id, &[(first, "build", &[]), (first + 1, "test", &[])]);
        let tags = |id, first: u64| with(id, &[(first, "test", &[]), (first + 1, "test", &["gpu"])]);
        let swapped = |id, first: u64| with(id, &[(first + 1, "build", &[]), (first, "test", &[])]);
        let twice = |id, first: u64| with(id, &[(first, "test", &[]), (first + 1, "test", &[])]);
        let cases = [
            ("two stages, read again", Corrected, vec![vec![stages(1, 10)]; 4], vec![0.0, 0.0]),
            ("the later stage first", Corrected, vec![vec![swapped(1, 10)]; 4], vec![0.0, 0.0]),
            ("two tags, read again", Corrected, vec![vec![tags(1, 10)]; 4], vec![0.0, 0.0]),
            ("one stage, read again", Corrected, vec![vec![twice(1, 10)]; 4], vec![0.0]),
            ("a new pipeline", Corrected, vec![vec![stages(1, 10)], vec![stages(2, 20)]], vec![1.0, 1.0]),
            ("one of them again", Corrected, vec![vec![stages(1, 10)], vec![stages(1, 11)]], vec![1.0, 1.0]),
            (
                "two pipelines of a ref, read again",
                Corrected,
                vec![vec![stages(1, 10), stages(2, 20)]; 4],
                vec![0.0, 0.0],
            ),
            (
                "two new ones at once",
                Corrected,
                vec![vec![stages(1, 10)], vec![stages(2, 20), stages(3, 30)]],
                vec![2.0, 2.0],
            ),
            ("as the exporter counts", Strict, vec![vec![stages(1, 10)]; 2], vec![1.0, 1.0]),
        ];
        for (sentence, compatibility, readings, expected) in cases {
            assert_eq!(job_runs(compatibility, &readings), expected, "{sentence}");
        }
    }
}
