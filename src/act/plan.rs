//! Plans an action: what it would do to which pipeline or job, or why it is refused.

use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::job::Job;
use crate::domain::status::Status;
use crate::gitlab::client::{Action, ActionSubject};
use std::fmt;

/// The pipeline that an action is about; written `acme/api#812`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineTarget {
    pub project: ProjectId,
    pub full_path: String,
    pub pipeline: PipelineId,
}

impl fmt::Display for PipelineTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.full_path, self.pipeline)
    }
}

/// One request that would be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAction {
    pub action: Action,
    pub target: PipelineTarget,
    /// The status before the action, of the job or else of the pipeline.
    pub status: Status,
    /// The job; `None` where the action is about the whole pipeline.
    pub job: Option<Job>,
    /// The jobs that an action on the whole pipeline changes.
    pub concerned: Vec<Job>,
}

/// Why an action is not planned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ActionNotAllowed {
    #[error("{origin}: nothing may be changed, so there is no {}", .action.word())]
    ReadOnly { origin: String, action: Action },
    #[error("{target}: {} starts a job, not a pipeline: name one", .action.word())]
    NeedsJob { target: PipelineTarget, action: Action, manual: Vec<Job> },
    #[error("{target} is {}: there is nothing to {}", .status.word(), .action.word())]
    NothingToDo { target: PipelineTarget, action: Action, status: Status },
}

impl PlannedAction {
    /// Plans an action on a job. Whether the job's state permits it is for GitLab to say, which refuses what it does not.
    pub fn on_job(action: Action, target: &PipelineTarget, job: Job) -> Self {
        let (target, status) = (target.clone(), job.status.clone());
        Self { action, target, status, job: Some(job), concerned: Vec::new() }
    }

    /// Plans an action on a whole pipeline with these current jobs.
    ///
    /// GitLab answers as if all went well where there is nothing to do, so that is refused here. The status is not needed
    /// for an action that takes no pipelines.
    pub fn on_pipeline(
        action: Action,
        target: PipelineTarget,
        status: Option<Status>,
        mut jobs: Vec<Job>,
    ) -> Result<Self, ActionNotAllowed> {
        let Some(status) = status.filter(|_| action.takes_pipelines()) else {
            jobs.retain(|job| job.status == Status::Manual);
            return Err(ActionNotAllowed::NeedsJob { target, action, manual: jobs });
        };
        jobs.retain(|job| match action {
            Action::Retry => matches!(job.status, Status::Failed | Status::Canceled),
            Action::Cancel | Action::Play => job.status.is_active(),
        });
        // A pipeline may be active while none of the jobs that are known is.
        let is_without_jobs = action == Action::Cancel && status.is_active();
        if jobs.is_empty() && !is_without_jobs {
            return Err(ActionNotAllowed::NothingToDo { target, action, status });
        }
        Ok(Self { action, target, status, job: None, concerned: jobs })
    }

    pub fn subject(&self) -> ActionSubject {
        self.job.as_ref().map_or(ActionSubject::Pipeline(self.target.pipeline), |job| ActionSubject::Job(job.id))
    }

    fn is_same_request(&self, other: &Self) -> bool {
        self.target.project == other.target.project && self.subject() == other.subject() && self.action == other.action
    }
}

/// Refuses any action where settings forbid changes; `read_only` names the setting that does.
pub fn check_read_only(action: Action, read_only: Option<String>) -> Result<(), ActionNotAllowed> {
    read_only.map_or(Ok(()), |origin| Err(ActionNotAllowed::ReadOnly { origin, action }))
}

/// Drops what is planned already: a job that is named twice is acted on once.
pub fn without_repeats(planned: Vec<PlannedAction>) -> Vec<PlannedAction> {
    let mut kept: Vec<PlannedAction> = Vec::new();
    for action in planned {
        if !kept.iter().any(|known| known.is_same_request(&action)) {
            kept.push(action);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::id::JobId;
    use Action::{Cancel, Play, Retry};
    use Status::{Canceled, Failed, Manual, Pending, Running, Success};

    fn target() -> PipelineTarget {
        PipelineTarget { project: ProjectId(7), full_path: "acme/api".into(), pipeline: PipelineId(812) }
    }

    fn job(id: u64, status: Status) -> Job {
        Job { id: JobId(id), ..example::job(&format!("job {id}"), status) }
    }

    fn jobs(statuses: &[Status]) -> Vec<Job> {
        (1..).zip(statuses).map(|(id, status)| job(id, status.clone())).collect()
    }

    #[test]
    fn a_pipeline_is_planned_with_the_jobs_that_change() {
        type Case<'a> = (&'a str, Action, Status, &'a [Status], &'a [u64]);
        let cases: [Case<'_>; 6] = [
            ("retry takes what failed or was canceled", Retry, Failed, &[Success, Failed, Canceled], &[2, 3]),
            ("retry of a running pipeline with a failed job", Retry, Running, &[Failed, Running], &[1]),
            ("retry takes what may fail, too", Retry, Success, &[Success, Failed], &[2]),
            ("cancel takes what is active", Cancel, Running, &[Success, Running, Pending], &[2, 3]),
            ("cancel of a pipeline whose jobs are not there yet", Cancel, Running, &[], &[]),
            ("cancel where a job is active and the pipeline failed", Cancel, Failed, &[Failed, Running], &[2]),
        ];
        for (sentence, action, status, statuses, expected) in cases {
            let planned = PlannedAction::on_pipeline(action, target(), Some(status.clone()), jobs(statuses)).unwrap();
            let ids: Vec<u64> = planned.concerned.iter().map(|job| job.id.0).collect();
            assert_eq!((ids.as_slice(), &planned.status), (expected, &status), "{sentence}");
            assert_eq!(planned.subject(), ActionSubject::Pipeline(PipelineId(812)), "{sentence}");
        }
    }

    #[test]
    fn what_would_change_nothing_is_not_planned() {
        type Case<'a> = (&'a str, Action, Option<Status>, &'a [Status], &'a str);
        let cases: [Case<'_>; 6] = [
            (
                "retry of what passed",
                Retry,
                Some(Success),
                &[Success],
                "acme/api#812 is success: there is nothing to retry",
            ),
            (
                "retry of what still runs",
                Retry,
                Some(Running),
                &[Running],
                "acme/api#812 is running: there is nothing to retry",
            ),
            (
                "cancel of what is over",
                Cancel,
                Some(Failed),
                &[Failed],
                "acme/api#812 is failed: there is nothing to cancel",
            ),
            (
                "cancel of what waits for a person",
                Cancel,
                Some(Manual),
                &[Manual],
                "acme/api#812 is manual: there is nothing to cancel",
            ),
            ("play of a pipeline", Play, None, &[Manual], "acme/api#812: play starts a job, not a pipeline: name one"),
            (
                "the same, with a status",
                Play,
                Some(Manual),
                &[],
                "acme/api#812: play starts a job, not a pipeline: name one",
            ),
        ];
        for (sentence, action, status, statuses, expected) in cases {
            let refused = PlannedAction::on_pipeline(action, target(), status, jobs(statuses)).unwrap_err();
            assert_eq!(refused.to_string(), expected, "{sentence}");
        }
        let refused = PlannedAction::on_pipeline(Play, target(), None, jobs(&[Manual, Success, Manual])).unwrap_err();
        let ActionNotAllowed::NeedsJob { manual, .. } = refused else { panic!("{refused}") };
        assert_eq!(manual.iter().map(|job| job.id.0).collect::<Vec<_>>(), [1, 3], "the jobs to choose from");
    }

    #[test]
    fn a_setting_forbids_every_action() {
        for action in [Retry, Cancel, Play] {
            assert_eq!(check_read_only(action, None), Ok(()));
            let refused = check_read_only(action, Some("GLWATCH_READ_ONLY".into())).unwrap_err();
            let expected = format!("GLWATCH_READ_ONLY: nothing may be changed, so there is no {}", action.word());
            assert_eq!(refused.to_string(), expected);
        }
    }

    #[test]
    fn what_is_named_twice_is_planned_once() {
        let other = PipelineTarget { project: ProjectId(8), ..target() };
        let planned = vec![
            PlannedAction::on_job(Retry, &target(), job(1, Failed)),
            PlannedAction::on_job(Retry, &target(), job(2, Failed)),
            PlannedAction::on_job(Retry, &target(), job(1, Failed)),
            PlannedAction::on_pipeline(Retry, target(), Some(Failed), jobs(&[Failed])).unwrap(),
            PlannedAction::on_pipeline(Retry, target(), Some(Failed), jobs(&[Failed])).unwrap(),
            PlannedAction::on_job(Retry, &other, job(1, Failed)),
        ];
        let subjects: Vec<_> =
            without_repeats(planned).iter().map(|one| (one.target.project.0, one.subject())).collect();
        let job = |id| ActionSubject::Job(JobId(id));
        let pipeline = ActionSubject::Pipeline(PipelineId(812));
        assert_eq!(subjects, [(7, job(1)), (7, job(2)), (7, pipeline), (8, job(1))]);
    }
}
