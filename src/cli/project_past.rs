//! The past of one project from the memory: its last pipelines and its flaky jobs, for those who look at it.

use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::past::{FlakyJob, JobRun, PastAnswer, ProjectPast};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::explain::attribution;
use crate::history::place::HistoryPlace;
use crate::history::store::{HistoryError, HistoryStore};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// Pipelines of a project that are looked up at once.
const MOST_PIPELINES: usize = 100;

/// Looks up the projects that are asked for, in a thread that may wait for the disk.
pub(super) async fn run(
    place: Option<HistoryPlace>,
    now: impl Fn() -> DateTime<Utc>,
    mut asked: watch::Receiver<Option<Arc<Project>>>,
    answers: watch::Sender<Option<PastAnswer>>,
) {
    while asked.changed().await.is_ok() {
        let Some(project) = asked.borrow_and_update().as_ref().map(|project| project.id) else { continue };
        let (place, now) = (place.clone(), now());
        let found = tokio::task::spawn_blocking(move || {
            place.map(|place| look_up(&place, project, MOST_PIPELINES, now)).transpose()
        });
        // A memory that cannot be read adds nothing; the run says so at its end.
        let past = found.await.ok().and_then(Result::ok).flatten();
        answers.send_replace(Some(PastAnswer::Own(past.unwrap_or_else(|| ProjectPast::nothing(project)))));
    }
}

/// Reads what is remembered of a project: at most so many of its last pipelines, and its flaky jobs.
pub(super) fn look_up(
    place: &HistoryPlace,
    project: ProjectId,
    most: usize,
    now: DateTime<Utc>,
) -> Result<ProjectPast, HistoryError> {
    let store = HistoryStore::open(place, now.timestamp())?;
    let flaky = flaky_jobs(store.runs_of_failing_jobs(project, now.timestamp())?);
    Ok(ProjectPast { project, pipelines: store.recent_pipelines(project, None, most)?, flaky })
}

/// Reads at most so many pipelines before one, and nothing else.
pub(super) fn earlier(
    place: &HistoryPlace,
    project: ProjectId,
    (before, most): (PipelineId, usize),
    now: DateTime<Utc>,
) -> Result<ProjectPast, HistoryError> {
    let store = HistoryStore::open(place, now.timestamp())?;
    Ok(ProjectPast { project, pipelines: store.recent_pipelines(project, Some(before), most)?, flaky: Vec::new() })
}

/// Returns the jobs that both failed and passed on one commit, the one that failed most often first.
fn flaky_jobs(runs: BTreeMap<String, Vec<JobRun>>) -> Vec<FlakyJob> {
    let flaky = runs.into_iter().filter(|(_, runs)| attribution::is_flaky(runs)).map(|(name, runs)| {
        let failed = runs.iter().filter(|run| run.status == Status::Failed).count();
        FlakyJob { name, failed, attempts: runs.len() }
    });
    let mut flaky: Vec<FlakyJob> = flaky.collect();
    flaky.sort_by_key(|job| Reverse(job.failed));
    flaky
}
