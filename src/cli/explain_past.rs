//! Adds to an explanation what the history knows: the past of each failed job.

use super::output;
use super::recording::{self, Recording};
use super::session::Session;
use crate::domain::evidence::{Evidence, JobEvidence};
use crate::domain::fact::{FactBatch, PipelineFact, ProjectFact, TestFailureFact};
use crate::domain::id::ProjectId;
use crate::domain::past::{FailedJobQuery, JobPast};
use crate::domain::pipeline::Pipeline;
use crate::domain::snapshot::Snapshot;
use crate::explain::attribution::has_origin;
use crate::explain::tests;
use crate::history::place::HistoryPlace;
use crate::history::record::{HistoryNotice, RecorderTask, job_facts};
use crate::history::store::{HistoryError, HistoryStore};
use chrono::{DateTime, Utc};

/// The memory of one run of `explain`; switched off or unusable, it adds nothing.
pub(super) struct ExplainPast {
    store: Option<HistoryStore>,
    is_quiet: bool,
}

impl ExplainPast {
    pub(super) fn open(session: &Session) -> Self {
        let place = recording::place(&session.config, &session.run_context);
        Self::in_place(place, session.client.server_now(), session.config.display.quiet)
    }

    /// Opens what is there; `is_quiet` where nothing may be said about it.
    pub(super) fn in_place(place: Option<HistoryPlace>, now: DateTime<Utc>, is_quiet: bool) -> Self {
        let mut past = Self { store: None, is_quiet };
        let Some(place) = place else { return past };
        match HistoryStore::open(&place, now.timestamp()) {
            Ok(mut store) => {
                past.tell(store.take_set_aside().map(HistoryNotice::SetAside));
                past.store = Some(store);
            }
            Err(error) => past.tell(Some(HistoryNotice::Off(error.to_string()))),
        }
        past
    }

    /// Notes a reading of the group, so that the projects in it are known.
    pub(super) fn record(session: &Session, snapshot: &Snapshot) {
        let recording = Recording::new(&session.config, &session.run_context, RecorderTask::Note);
        recording.record(snapshot);
        recording.end();
    }

    /// Notes what was gathered, and adds to each failed job what is known of its past.
    pub(super) fn add(&mut self, evidence: &mut Evidence, now: DateTime<Utc>) {
        let now = now.timestamp();
        let Some(store) = &mut self.store else { return };
        if let Err(error) = add(store, evidence, now) {
            self.store = None;
            self.tell(Some(HistoryNotice::Off(error.to_string())));
        }
    }

    fn tell(&self, notice: Option<HistoryNotice>) {
        if let Some(notice) = notice.filter(|_| !self.is_quiet) {
            output::to_stderr(&[recording::warning(&notice)]);
        }
    }
}

fn add(store: &mut HistoryStore, evidence: &mut Evidence, now: i64) -> Result<(), HistoryError> {
    let project = match evidence.project_id {
        Some(id) => Some(id),
        None => store.project_id(&evidence.project)?,
    };
    if let Some(project) = project {
        let mut facts = facts(project, evidence);
        // A reading knows more of a project: its default branch.
        if !store.knows_project(project)? {
            let (full_path, default_branch) = (evidence.project.clone(), None);
            facts.projects.push(ProjectFact { id: project, full_path, default_branch, seen_at: now });
        }
        store.write(&facts, now)?;
    }
    let names: Vec<Vec<String>> = evidence.jobs.iter().map(|job| failing_tests(evidence, job)).collect();
    let pipeline = &evidence.pipeline;
    for (job, tests) in evidence.jobs.iter_mut().zip(names) {
        if !has_origin(job) {
            continue;
        }
        // Of a project without an id nothing is known.
        let Some(project) = project else {
            job.past = Some(JobPast::default());
            continue;
        };
        let (query, at) = question(project, pipeline, job, &tests, now);
        let past = store.job_past(&query, at)?;
        job.past = Some(past);
    }
    Ok(())
}

/// Returns what is asked about a failed job, and when it failed.
fn question<'a>(
    project: ProjectId,
    pipeline: &'a Pipeline,
    job: &'a JobEvidence,
    tests: &'a [String],
    now: i64,
) -> (FailedJobQuery<'a>, i64) {
    let query = FailedJobQuery {
        project,
        ref_name: &pipeline.git_ref.name,
        ref_kind: pipeline.git_ref.kind,
        pipeline: pipeline.id,
        created_at: pipeline.created_at.map_or(now, |at| at.timestamp()),
        job: &job.job.name,
        reason: job.job.failure_reason.as_deref(),
        tests,
    };
    (query, job.job.finished_at.map_or(now, |at| at.timestamp()))
}

fn facts(project: ProjectId, evidence: &Evidence) -> FactBatch {
    let failures = evidence.jobs.iter().flat_map(|job| {
        let fact = |test| TestFailureFact { project, job: job.job.id, test };
        failing_tests(evidence, job).into_iter().map(fact)
    });
    FactBatch {
        pipelines: vec![PipelineFact::of(project, &evidence.pipeline)],
        jobs: job_facts(project, &evidence.pipeline),
        test_failures: failures.collect(),
        ..FactBatch::default()
    }
}

/// Names the tests that failed in a job: class and name.
fn failing_tests(evidence: &Evidence, job: &JobEvidence) -> Vec<String> {
    let findings = tests::of_job(evidence, &job.job);
    let cases = findings.iter().flat_map(|findings| &findings.cases);
    cases.map(|(case, _)| format!("{}::{}", case.class.as_deref().unwrap_or_default(), case.name)).collect()
}
