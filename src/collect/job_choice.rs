//! Chooses a job of a pipeline: by id, by name, by stage and name, or else the job that matters most.

use super::torn;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::job::{Job, JobKind, stages};
use crate::domain::status::Status;
use crate::explain::reason;
use crate::gitlab::client::{Client, PipelineOverview};
use crate::gitlab::error::Error;

/// How a job is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobQuery<'a> {
    /// By its id, its name, or its stage and name.
    Named(&'a str),
    /// Not at all: the only one that failed, else the only one that runs.
    MostTelling,
}

impl<'a> From<Option<&'a str>> for JobQuery<'a> {
    fn from(name: Option<&'a str>) -> Self {
        name.map_or(Self::MostTelling, Self::Named)
    }
}

/// Why no job is chosen, and the jobs that there are to choose from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct JobNotChosen {
    pub reason: NotChosenReason,
    pub candidates: Vec<Job>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChosenReason {
    #[error("the pipeline has no jobs")]
    NoJobs,
    #[error("no job is called \"{0}\"")]
    Unknown(String),
    #[error("more than one job is called \"{0}\"")]
    Ambiguous(String),
    #[error("it is not clear which job is meant")]
    Unclear,
    #[error("no job failed or runs")]
    NoneFailed,
    /// The log of any other job would say that all is well.
    #[error("no job with a log failed: {}", .0.join("; "))]
    FailedWithoutLog(Vec<String>),
}

/// Why the job whose log is wanted cannot be named.
#[derive(Debug, thiserror::Error)]
pub enum JobChoiceError {
    #[error(transparent)]
    NotChosen(#[from] JobNotChosen),
    /// What failed without a log could not be read.
    #[error(transparent)]
    Unread(#[from] Error),
}

/// The jobs of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineJobs {
    /// Every attempt at each, in no order.
    pub attempts: Vec<Job>,
    /// The current ones, in the pipeline's order.
    pub current: Vec<Job>,
}

impl PipelineJobs {
    pub fn new(attempts: Vec<Job>) -> Self {
        let current = stages(attempts.clone()).into_iter().flat_map(|stage| stage.jobs).collect();
        Self { attempts, current }
    }

    /// Takes the jobs that have a log from a glance; `None` where it lacks some of them or contradicts itself.
    pub fn of_glance(glance: &PipelineOverview) -> Option<Self> {
        let all = Self::new(glance.jobs.attempts.clone());
        let is_torn = torn::contradiction(&glance.pipeline.status, &all.current).is_some();
        let is_whole = glance.jobs.next.is_none() && !is_torn;
        let has_log = |job: &Job| job.kind == JobKind::Job;
        is_whole.then(|| Self::new(all.attempts.into_iter().filter(has_log).collect()))
    }

    /// Reads the jobs of a pipeline that have a log.
    pub async fn read(client: &Client, project: &ProjectRef, id: PipelineId) -> Result<Self, Error> {
        Ok(Self::new(client.jobs(project, id).await?.attempts))
    }

    /// Reads the jobs of a pipeline, its trigger jobs included.
    pub async fn read_with_bridges(client: &Client, project: &ProjectRef, id: PipelineId) -> Result<Self, Error> {
        let (jobs, bridges) = tokio::try_join!(client.jobs(project, id), client.bridges(project, id))?;
        Ok(Self::new(jobs.attempts.into_iter().chain(bridges.attempts).collect()))
    }

    /// Chooses the job that a query means.
    pub fn choose(&self, query: JobQuery<'_>) -> Result<&Job, JobNotChosen> {
        let chosen = match query {
            JobQuery::Named(text) => self.named(text),
            JobQuery::MostTelling => self.most_telling(),
        };
        chosen.map_err(|reason| self.not_chosen(reason))
    }

    /// Finds a job by its id (of any attempt), its name, or its stage and name.
    fn named(&self, text: &str) -> Result<&Job, NotChosenReason> {
        if let Some(job) = self.attempts.iter().find(|job| job.id.to_string() == text) {
            return Ok(job);
        }
        let is_called = |job: &&Job| job.name == text;
        let is_called_in_stage =
            |job: &&Job| text.strip_prefix(&job.stage).and_then(|rest| rest.strip_prefix('/')) == Some(&job.name);
        let mut called: Vec<&Job> = self.current.iter().filter(is_called).collect();
        if called.is_empty() {
            called = self.current.iter().filter(is_called_in_stage).collect();
        }
        match called.as_slice() {
            [job] => Ok(job),
            [] => Err(NotChosenReason::Unknown(text.to_owned())),
            _ => Err(NotChosenReason::Ambiguous(text.to_owned())),
        }
    }

    /// Returns the only job that failed, else the only one that runs.
    fn most_telling(&self) -> Result<&Job, NotChosenReason> {
        let of = |is_meant: &dyn Fn(&Job) -> bool| -> Vec<&Job> {
            self.current.iter().filter(|job| is_meant(job)).collect()
        };
        let failed = of(&|job| job.status == Status::Failed && !job.allow_failure);
        let may_fail = of(&|job| job.status == Status::Failed);
        let running = of(&|job| job.status == Status::Running);
        match (failed.as_slice(), running.as_slice(), may_fail.as_slice()) {
            ([job], ..) | ([], [job], _) | ([], [], [job]) => Ok(job),
            ([], [], []) if self.current.is_empty() => Err(NotChosenReason::NoJobs),
            ([], [], []) => Err(NotChosenReason::NoneFailed),
            _ => Err(NotChosenReason::Unclear),
        }
    }

    /// Chooses the job whose log a query means where the jobs alone tell; `None` where what has no log must be read first.
    pub fn choose_for_log(&self, query: JobQuery<'_>) -> Option<Result<&Job, JobNotChosen>> {
        let chosen = self.choose(query);
        let is_telling =
            |job: &Job| job.status == Status::Failed && !job.allow_failure || job.status == Status::Running;
        let is_settled = match &chosen {
            Ok(job) => matches!(query, JobQuery::Named(_)) || is_telling(job),
            Err(no) => matches!(query, JobQuery::Named(_)) || no.reason == NotChosenReason::Unclear,
        };
        is_settled.then_some(chosen)
    }

    /// Chooses the job whose log is meant. Before a log that says that all is well, it asks what failed without a log.
    pub async fn read_choice_for_log(
        &self,
        client: &Client,
        (project, id): (&ProjectRef, PipelineId),
        query: JobQuery<'_>,
    ) -> Result<&Job, JobChoiceError> {
        if let Some(chosen) = self.choose_for_log(query) {
            return Ok(chosen?);
        }
        let without_log = failures_without_log(client, (project, id), &self.attempts).await?;
        if !without_log.is_empty() {
            return Err(self.not_chosen(NotChosenReason::FailedWithoutLog(without_log)).into());
        }
        Ok(self.choose(query).or_else(|no| self.only_one().ok_or(no))?)
    }

    /// Returns the only job of a pipeline in which nothing failed, if it has or will have a log by itself.
    fn only_one(&self) -> Option<&Job> {
        let [job] = self.current.as_slice() else { return None };
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

    fn not_chosen(&self, reason: NotChosenReason) -> JobNotChosen {
        JobNotChosen { reason, candidates: self.current.clone() }
    }
}

/// Names what failed in a pipeline and has no log: trigger jobs, the statuses of other systems, the pipeline as a whole.
async fn failures_without_log(
    client: &Client,
    (project, id): (&ProjectRef, PipelineId),
    jobs: &[Job],
) -> Result<Vec<String>, Error> {
    let (mut pipeline, bridges) = tokio::try_join!(client.pipeline(project, id), client.bridges(project, id))?;
    pipeline.stages = stages(jobs.iter().cloned().chain(bridges.attempts));
    let mut failed: Vec<Job> = pipeline.jobs().filter(|job| job.kind == JobKind::Bridge).cloned().collect();
    if !pipeline.is_explained_by_jobs() {
        let known = pipeline.jobs().map(|job| job.id).collect();
        failed.extend(client.external_statuses(project, &pipeline, &known).await?);
    }
    failed.retain(|job| job.status == Status::Failed && !job.allow_failure);
    let mut named: Vec<String> = failed.iter().map(name_without_log).collect();
    if named.is_empty() && pipeline.status == Status::Failed {
        let first_line = |text: &String| text.trim().lines().next().unwrap_or_default().to_owned();
        let why = pipeline.yaml_errors.as_ref().or(pipeline.failure_reason.as_ref()).map(first_line);
        named.push(why.map_or_else(
            || "the pipeline failed, and none of its jobs did".into(),
            |why| format!("the pipeline failed: {why}"),
        ));
    }
    Ok(named)
}

fn name_without_log(job: &Job) -> String {
    let reason = job.failure_reason.as_deref().map(|word| {
        let meaning = reason::of_job(word);
        format!(": {}", meaning.map_or_else(|| word.replace('_', " "), |meaning| meaning.plain.to_owned()))
    });
    match job.kind {
        JobKind::External => {
            let said = job.description.as_deref().map(|said| format!(": {said}")).unwrap_or_default();
            let url = job.target_url().map(|url| format!(" ({url})")).unwrap_or_default();
            format!("the external status {} failed{said}{url}", job.name)
        }
        JobKind::Bridge | JobKind::Job => {
            format!("the trigger job {}/{} failed{}", job.stage, job.name, reason.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::id::JobId;
    use Status::{Failed, Pending, Running, Success};

    fn jobs(facts: &[(u64, &str, &str, Status, bool)]) -> PipelineJobs {
        let job = |(id, stage, name, status, allow_failure): &(u64, &str, &str, Status, bool)| Job {
            id: JobId(*id),
            stage: (*stage).into(),
            allow_failure: *allow_failure,
            ..example::job(name, status.clone())
        };
        let attempts: Vec<Job> = facts.iter().map(job).collect();
        PipelineJobs::new(attempts)
    }

    #[test]
    fn a_job_goes_by_id_name_or_stage_and_name() {
        let jobs = jobs(&[
            (1, "build", "all", Success, false),
            (2, "test", "unit 1/2", Failed, false),
            (3, "test", "unit 1/2", Success, false),
            (4, "deploy", "all", Success, false),
        ]);
        let id = |text| jobs.choose(JobQuery::Named(text)).map(|job| job.id.0).map_err(|no| no.reason);
        assert_eq!(id("unit 1/2"), Ok(3));
        assert_eq!(id("test/unit 1/2"), Ok(3));
        assert_eq!(id("2"), Ok(2), "an earlier attempt, by its id");
        assert_eq!(id("deploy/all"), Ok(4));
        assert_eq!(id("all"), Err(NotChosenReason::Ambiguous("all".into())));
        assert_eq!(id("lint"), Err(NotChosenReason::Unknown("lint".into())));
    }

    #[test]
    fn without_a_name_it_is_what_failed_and_else_what_runs() {
        type Facts = &'static [(u64, &'static str, &'static str, Status, bool)];
        let cases: [(&str, Facts, Result<u64, NotChosenReason>); 9] = [
            ("the one that failed", &[(1, "t", "a", Failed, false), (2, "t", "b", Running, false)], Ok(1)),
            ("not one that may fail", &[(1, "t", "a", Failed, true), (2, "t", "b", Failed, false)], Ok(2)),
            ("the one that runs", &[(1, "t", "a", Success, false), (2, "t", "b", Running, false)], Ok(2)),
            (
                "one that may fail, where nothing else did",
                &[(1, "t", "a", Failed, true), (2, "t", "b", Success, false)],
                Ok(1),
            ),
            ("the only one, which waits", &[(1, "t", "a", Pending, false)], Err(NotChosenReason::NoneFailed)),
            ("the only one, which passed", &[(1, "t", "a", Success, false)], Err(NotChosenReason::NoneFailed)),
            (
                "two that failed",
                &[(1, "t", "a", Failed, false), (2, "t", "b", Failed, false)],
                Err(NotChosenReason::Unclear),
            ),
            (
                "two that passed",
                &[(1, "t", "a", Success, false), (2, "t", "b", Success, false)],
                Err(NotChosenReason::NoneFailed),
            ),
            ("none", &[], Err(NotChosenReason::NoJobs)),
        ];
        for (sentence, facts, expected) in cases {
            let jobs = jobs(facts);
            let chosen = jobs.choose(JobQuery::MostTelling);
            assert!(chosen.as_ref().err().is_none_or(|no| no.candidates == jobs.current), "{sentence}");
            assert_eq!(chosen.map(|job| job.id.0).map_err(|no| no.reason), expected, "{sentence}");
        }
    }

    #[test]
    fn the_only_job_of_a_pipeline_without_a_failure_is_meant_if_it_can_have_a_log() {
        let one = |status| jobs(&[(1, "t", "a", status, false)]).only_one().is_some();
        for status in [Status::Created, Pending, Running, Success, Status::Canceled] {
            assert!(one(status.clone()), "{status:?}");
        }
        for status in [Status::Manual, Status::Skipped] {
            assert!(!one(status.clone()), "{status:?}");
        }
        assert!(jobs(&[(1, "t", "a", Success, false), (2, "t", "b", Success, false)]).only_one().is_none());
    }
    #[test]
    fn a_log_is_chosen_from_the_jobs_alone_only_where_it_cannot_hide_a_failure() {
        type Facts = &'static [(u64, &'static str, &'static str, Status, bool)];
        let cases: [(&str, Facts, Option<&str>, bool); 6] = [
            ("the job that failed", &[(1, "t", "a", Failed, false)], None, true),
            ("the job that runs", &[(1, "t", "a", Running, false)], None, true),
            ("two that failed", &[(1, "t", "a", Failed, false), (2, "t", "b", Failed, false)], None, true),
            ("one that is named", &[(1, "t", "a", Success, false)], Some("a"), true),
            ("one that may fail", &[(1, "t", "a", Failed, true)], None, false),
            ("one that passed", &[(1, "t", "a", Success, false)], None, false),
        ];
        for (sentence, facts, name, is_settled) in cases {
            assert_eq!(jobs(facts).choose_for_log(name.into()).is_some(), is_settled, "{sentence}");
        }
    }
}
