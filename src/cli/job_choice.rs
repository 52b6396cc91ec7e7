//! Which job of a pipeline is meant: by its name, its stage and name, its id; or the one that matters most.

use super::error::CliError;
use super::session::Jobs;
use crate::domain::job::Job;
use crate::domain::status::Status;
use crate::render::columns;
use crate::text::sanitise::sanitise;

/// Why it is not clear which job is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoChoice {
    #[error("the pipeline has no jobs")]
    Empty,
    #[error("no job is called \"{0}\"")]
    Unknown(String),
    #[error("more than one job is called \"{0}\"")]
    Ambiguous(String),
    #[error("it is not clear which job is meant")]
    Open,
    #[error("no job failed or runs")]
    NoneFailed,
}

impl NoChoice {
    /// Returns the error, with the jobs that there are to choose from as a table.
    pub(super) fn refusal(&self, of: &str, jobs: &Jobs) -> CliError {
        choose(format!("{of}: {self}"), &jobs.current)
    }
}

/// Returns the error that asks for a job, with those that there are as a table.
pub(super) fn choose(problem: String, jobs: &[Job]) -> CliError {
    let heading = ["job", "status", "id"].map(str::to_owned);
    let row = |job: &Job| {
        [format!("{}/{}", job.stage, job.name), job.status.word().to_owned(), job.id.to_string()]
            .map(|cell| sanitise(&cell).into_owned())
    };
    let rows: Vec<[String; 3]> = std::iter::once(heading).chain(jobs.iter().map(row)).collect();
    let mut bytes = Vec::new();
    let is_written = !jobs.is_empty() && columns::write(&rows, &mut bytes).is_ok();
    let table = String::from_utf8_lossy(if is_written { &bytes } else { &[] }).lines().map(str::to_owned).collect();
    let hints = if is_written { vec!["name one of them: by name, stage/name or id".to_owned()] } else { vec![] };
    CliError::Choice { problem, table, hints }
}

/// Finds a job by its id (of any attempt), its name, or its stage and name.
pub(super) fn named<'a>(jobs: &'a Jobs, text: &str) -> Result<&'a Job, NoChoice> {
    if let Some(job) = jobs.attempts.iter().find(|job| job.id.to_string() == text) {
        return Ok(job);
    }
    let is_called = |job: &&Job| job.name == text;
    let is_called_in_stage =
        |job: &&Job| text.strip_prefix(&job.stage).and_then(|rest| rest.strip_prefix('/')) == Some(&job.name);
    let mut called: Vec<&Job> = jobs.current.iter().filter(is_called).collect();
    if called.is_empty() {
        called = jobs.current.iter().filter(is_called_in_stage).collect();
    }
    match called.as_slice() {
        [job] => Ok(job),
        [] => Err(NoChoice::Unknown(text.to_owned())),
        _ => Err(NoChoice::Ambiguous(text.to_owned())),
    }
}

/// Returns the job that is most likely meant where none is named: the only one that failed, else the only one that runs.
pub(super) fn most_telling(jobs: &Jobs) -> Result<&Job, NoChoice> {
    let of =
        |is_meant: &dyn Fn(&Job) -> bool| -> Vec<&Job> { jobs.current.iter().filter(|job| is_meant(job)).collect() };
    let failed = of(&|job| job.status == Status::Failed && !job.allow_failure);
    let may_fail = of(&|job| job.status == Status::Failed);
    let running = of(&|job| job.status == Status::Running);
    match (failed.as_slice(), running.as_slice(), may_fail.as_slice()) {
        ([job], ..) | ([], [job], _) | ([], [], [job]) => Ok(job),
        ([], [], []) if jobs.current.is_empty() => Err(NoChoice::Empty),
        ([], [], []) => Err(NoChoice::NoneFailed),
        _ => Err(NoChoice::Open),
    }
}

/// Returns the only job of a pipeline in which nothing failed, if it has or will have a log by itself.
pub(super) fn only_one(jobs: &Jobs) -> Option<&Job> {
    let [job] = jobs.current.as_slice() else { return None };
    match job.status {
        Status::Manual | Status::Skipped => None,
        Status::Created
        | Status::Scheduled
        | Status::WaitingForResource
        | Status::Preparing
        | Status::WaitingForCallback
        | Status::Pending
        | Status::Running
        | Status::Success
        | Status::Warning
        | Status::Failed
        | Status::Canceling
        | Status::Canceled
        | Status::Other(_) => Some(job),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::JobId;
    use crate::domain::job::{JobKind, stages};
    use Status::{Failed, Pending, Running, Success};

    fn jobs(facts: &[(u64, &str, &str, Status, bool)]) -> Jobs {
        let job = |(id, stage, name, status, allow_failure): &(u64, &str, &str, Status, bool)| Job {
            id: JobId(*id),
            name: (*name).into(),
            stage: (*stage).into(),
            kind: JobKind::Job,
            status: status.clone(),
            allow_failure: *allow_failure,
            attempts: None,
            started_at: None,
            finished_at: None,
            duration: None,
            failure_reason: None,
            web_url: None,
            description: None,
            downstream_id: None,
        };
        let attempts: Vec<Job> = facts.iter().map(job).collect();
        let current = stages(attempts.clone()).into_iter().flat_map(|stage| stage.jobs).collect();
        Jobs { attempts, current }
    }

    #[test]
    fn a_job_goes_by_id_name_or_stage_and_name() {
        let jobs = jobs(&[
            (1, "build", "all", Success, false),
            (2, "test", "unit 1/2", Failed, false),
            (3, "test", "unit 1/2", Success, false),
            (4, "deploy", "all", Success, false),
        ]);
        let id = |text| named(&jobs, text).map(|job| job.id.0);
        assert_eq!(id("unit 1/2"), Ok(3));
        assert_eq!(id("test/unit 1/2"), Ok(3));
        assert_eq!(id("2"), Ok(2), "an earlier attempt, by its id");
        assert_eq!(id("deploy/all"), Ok(4));
        assert_eq!(id("all"), Err(NoChoice::Ambiguous("all".into())));
        assert_eq!(id("lint"), Err(NoChoice::Unknown("lint".into())));
    }

    #[test]
    fn without_a_name_it_is_what_failed_and_else_what_runs() {
        type Facts = &'static [(u64, &'static str, &'static str, Status, bool)];
        let cases: [(&str, Facts, Result<u64, NoChoice>); 9] = [
            ("the one that failed", &[(1, "t", "a", Failed, false), (2, "t", "b", Running, false)], Ok(1)),
            ("not one that may fail", &[(1, "t", "a", Failed, true), (2, "t", "b", Failed, false)], Ok(2)),
            ("the one that runs", &[(1, "t", "a", Success, false), (2, "t", "b", Running, false)], Ok(2)),
            (
                "one that may fail, where nothing else did",
                &[(1, "t", "a", Failed, true), (2, "t", "b", Success, false)],
                Ok(1),
            ),
            ("the only one, which waits", &[(1, "t", "a", Pending, false)], Err(NoChoice::NoneFailed)),
            ("the only one, which passed", &[(1, "t", "a", Success, false)], Err(NoChoice::NoneFailed)),
            ("two that failed", &[(1, "t", "a", Failed, false), (2, "t", "b", Failed, false)], Err(NoChoice::Open)),
            (
                "two that passed",
                &[(1, "t", "a", Success, false), (2, "t", "b", Success, false)],
                Err(NoChoice::NoneFailed),
            ),
            ("none", &[], Err(NoChoice::Empty)),
        ];
        for (sentence, facts, expected) in cases {
            assert_eq!(most_telling(&jobs(facts)).map(|job| job.id.0), expected, "{sentence}");
        }
    }

    #[test]
    fn the_only_job_of_a_pipeline_without_a_failure_is_meant_if_it_can_have_a_log() {
        let one = |status| only_one(&jobs(&[(1, "t", "a", status, false)])).is_some();
        for status in [Status::Created, Pending, Running, Success, Status::Canceled] {
            assert!(one(status.clone()), "{status:?}");
        }
        for status in [Status::Manual, Status::Skipped] {
            assert!(!one(status.clone()), "{status:?}");
        }
        assert!(only_one(&jobs(&[(1, "t", "a", Success, false), (2, "t", "b", Success, false)])).is_none());
    }
}
