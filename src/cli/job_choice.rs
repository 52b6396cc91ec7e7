//! The error for a job that could not be chosen: the reason, and a table of the jobs.

use super::error::CliError;
use crate::collect::job_choice::{JobNotChosen, NotChosenReason};
use crate::domain::job::Job;
use crate::render::columns;
use crate::text::sanitise::sanitise;

/// Returns the error for a pipeline, `of`, none of whose jobs is chosen.
pub(super) fn refusal(of: &str, no: &JobNotChosen) -> CliError {
    let problem = format!("{of}: {no}");
    match no.reason {
        NotChosenReason::FailedWithoutLog(_) => {
            CliError::Refused { problem, hints: vec![format!("glwatch explain {of} says why")] }
        }
        NotChosenReason::NoJobs
        | NotChosenReason::Unknown(_)
        | NotChosenReason::Ambiguous(_)
        | NotChosenReason::Unclear
        | NotChosenReason::NoneFailed => choose(problem, &no.candidates),
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
