//! Jobs and bridges, and how attempts at the same job become one.

use super::id::{JobId, PipelineId};
use super::status::Status;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a status belongs to: a script on a runner, a trigger of another pipeline, or what another system reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    Job,
    Bridge,
    /// A commit status that another system has set, such as Jenkins: GitLab has no page and no log of it.
    External,
}

impl JobKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Bridge => "bridge",
            Self::External => "external",
        }
    }

    /// Reads one of our own words; `None` for any other.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Job, Self::Bridge, Self::External].into_iter().find(|kind| kind.word() == word)
    }
}

/// One attempt at a job, or the current one with the others counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub name: String,
    pub stage: String,
    pub kind: JobKind,
    pub status: Status,
    pub allow_failure: bool,
    /// How often it was started, this time included; `None` where the API cannot say.
    pub attempts: Option<u32>,
    /// The attempts before it, as far as they were read, in no order.
    pub earlier: Vec<Job>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub duration: Option<Duration>,
    pub failure_reason: Option<String>,
    /// Its page; the target URL of an external status.
    pub web_url: Option<String>,
    /// What another system says about its status; external statuses only.
    pub description: Option<String>,
    pub downstream_id: Option<PipelineId>,
}

impl Job {
    /// Says whether it went wrong in a way that its author allowed.
    ///
    /// GitLab counts canceled jobs too: `failed_but_allowed` in `app/models/commit_status.rb`.
    pub fn is_allowed_failure(&self) -> bool {
        self.allow_failure && matches!(self.status, Status::Failed | Status::Canceled)
    }

    /// Returns the job's page in GitLab.
    pub fn page(&self) -> Option<&str> {
        self.web_url.as_deref().filter(|_| self.kind != JobKind::External)
    }

    /// Returns where the status of another system leads.
    pub fn target_url(&self) -> Option<&str> {
        self.web_url.as_deref().filter(|_| self.kind == JobKind::External)
    }
}

/// Jobs of one stage, current attempts only, and the stage's own status.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    pub name: String,
    pub status: Status,
    /// By name, then id.
    pub jobs: Vec<Job>,
}

/// The current jobs of a stage by name, and by id where they have none.
type CurrentJobs = BTreeMap<(String, Option<JobId>), Job>;

/// Groups all attempts of a pipeline's jobs and bridges into stages, in the pipeline's order.
///
/// - The current job is the one with the highest id per stage and name; the others are its attempts.
/// - REST has no stage object, so stages are ordered by their smallest job id, over all attempts;
///   `.pre` is always first and `.post` always last.
pub fn stages(attempts: impl IntoIterator<Item = Job>) -> Vec<Stage> {
    let mut by_stage: BTreeMap<String, (JobId, CurrentJobs)> = BTreeMap::new();
    for mut job in attempts {
        let (first, jobs) = by_stage.entry(job.stage.clone()).or_insert_with(|| (job.id, BTreeMap::new()));
        *first = (*first).min(job.id);
        let attempts = job.attempts.get_or_insert(1).to_owned();
        // Without a name it is an attempt at none of the others.
        let key = (job.name.clone(), job.name.is_empty().then_some(job.id));
        match jobs.get_mut(&key) {
            None => {
                jobs.insert(key, job);
            }
            // The same job twice: pages shifted while they were read.
            Some(known) if known.id == job.id => {}
            Some(known) => {
                let total = attempts + known.attempts.unwrap_or(1);
                if job.id > known.id {
                    std::mem::swap(known, &mut job);
                    known.earlier = std::mem::take(&mut job.earlier);
                }
                known.earlier.push(job);
                known.attempts = Some(total);
            }
        }
    }
    let mut ordered: Vec<_> = by_stage.into_iter().collect();
    ordered.sort_by_key(|(name, (first, _))| (stage_rank(name), *first));
    ordered
        .into_iter()
        .map(|(name, (_, jobs))| {
            let jobs: Vec<Job> = jobs.into_values().collect();
            Stage { status: stage_status(&jobs), name, jobs }
        })
        .collect()
}

fn stage_rank(name: &str) -> u8 {
    match name {
        ".pre" => 0,
        ".post" => 2,
        _ => 1,
    }
}

/// Returns a stage's status by GitLab's composite rule (`lib/gitlab/ci/status/composite.rb`).
///
/// An unknown word is not covered by that rule; it gives way to what is surely under way, waiting or failed.
pub fn stage_status(jobs: &[Job]) -> Status {
    use Status::*;
    let is_ignored = |job: &Job| job.allow_failure && job.status == Manual;
    let warned = jobs.iter().any(Job::is_allowed_failure);
    let words: Vec<&Status> =
        jobs.iter().filter(|job| !is_ignored(job) && !job.is_allowed_failure()).map(|job| &job.status).collect();
    let any = |wanted: &[Status]| words.iter().any(|word| wanted.contains(word));
    let only = |allowed: &[Status]| words.iter().all(|word| allowed.contains(word));

    let passed = if warned { Warning } else { Success };
    if !warned && only(&[Skipped]) {
        Skipped
    } else if only(&[Success, Skipped]) {
        passed
    } else if only(&[Created]) {
        Created
    } else if !warned && only(&[Preparing]) {
        Preparing
    } else if only(&[Canceled, Success, Skipped]) {
        Canceled
    } else if only(&[Pending, Created, Skipped]) {
        Pending
    } else if any(&[Running, Pending]) {
        Running
    } else if any(&[WaitingForResource]) {
        WaitingForResource
    } else if any(&[WaitingForCallback]) {
        WaitingForCallback
    } else if any(&[Manual]) {
        Manual
    } else if any(&[Scheduled]) {
        Scheduled
    } else if any(&[Preparing]) {
        Preparing
    } else if let Some(other) = words.iter().find(|word| matches!(word, Other(_)) && !any(&[Failed])) {
        (*other).clone()
    } else if any(&[Created]) {
        Running
    } else if any(&[Canceling]) {
        Canceling
    } else {
        Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;

    fn job(id: u64, stage: &str, name: &str, status: Status) -> Job {
        Job { id: JobId(id), stage: stage.into(), ..example::job(name, status) }
    }

    fn allowed(status: Status) -> Job {
        Job { allow_failure: true, ..job(9, "s", "allowed", status) }
    }

    #[test]
    fn a_stage_has_the_status_that_gitlab_gives_it() {
        use Status::*;
        let plain = |words: &[Status]| -> Vec<Job> {
            words.iter().enumerate().map(|(n, word)| job(n as u64, "s", &n.to_string(), word.clone())).collect()
        };
        let with = |words: &[Status], extra: Job| -> Vec<Job> {
            plain(words).into_iter().chain(std::iter::once(extra)).collect()
        };
        let cases: Vec<(&str, Vec<Job>, Status)> = vec![
            ("all passed", plain(&[Success, Success]), Success),
            ("a skipped job does not spoil success", plain(&[Success, Skipped]), Success),
            ("all skipped", plain(&[Skipped, Skipped]), Skipped),
            ("an optional manual job alone", vec![allowed(Manual)], Skipped),
            ("passed beside an allowed failure", with(&[Success], allowed(Failed)), Warning),
            ("only an allowed failure", vec![allowed(Failed)], Warning),
            ("an allowed cancellation is a warning too", with(&[Success], allowed(Canceled)), Warning),
            ("one failed", plain(&[Success, Failed]), Failed),
            ("failed, while another still runs", plain(&[Failed, Running]), Running),
            ("created and done: under way", plain(&[Success, Created]), Running),
            ("nothing has begun", plain(&[Created, Created]), Created),
            ("waits for a runner", plain(&[Pending, Created]), Pending),
            ("one passed, one waits for a runner", plain(&[Success, Pending]), Running),
            ("blocked on a person", plain(&[Success, Manual]), Manual),
            ("delayed", plain(&[Success, Scheduled]), Scheduled),
            ("canceled", plain(&[Success, Canceled]), Canceled),
            ("failed and canceled", plain(&[Failed, Canceled]), Failed),
            ("being canceled", plain(&[Success, Canceling]), Canceling),
            ("resource group", plain(&[Success, WaitingForResource]), WaitingForResource),
            ("a word of tomorrow", plain(&[Success, Other("quarantined".into())]), Other("quarantined".into())),
            ("a word of tomorrow while others run", plain(&[Running, Other("quarantined".into())]), Running),
            ("a word of tomorrow beside a failure", plain(&[Failed, Other("quarantined".into())]), Failed),
        ];
        for (sentence, jobs, expected) in cases {
            assert_eq!(stage_status(&jobs), expected, "{sentence}");
        }
    }

    #[test]
    fn the_highest_id_is_the_current_attempt_and_the_others_are_counted() {
        let stages = stages([
            job(12, "test", "unit", Status::Success),
            job(5, "test", "unit", Status::Failed),
            job(3, "test", "unit", Status::Failed),
        ]);
        assert_eq!(stages.len(), 1);
        assert_eq!((stages[0].jobs[0].id, stages[0].jobs[0].attempts), (JobId(12), Some(3)));
        let mut earlier: Vec<_> = stages[0].jobs[0].earlier.iter().map(|job| (job.id.0, job.earlier.len())).collect();
        earlier.sort_unstable();
        assert_eq!(earlier, [(3, 0), (5, 0)]);
        assert_eq!(stages[0].status, Status::Success);
    }

    #[test]
    fn a_job_that_two_pages_both_list_is_one_attempt() {
        let stages = stages([job(5, "test", "unit", Status::Failed), job(5, "test", "unit", Status::Failed)]);
        assert_eq!(stages[0].jobs[0].attempts, Some(1));
    }

    #[test]
    fn a_retried_first_job_does_not_move_its_stage_and_pre_and_post_keep_their_places() {
        let stages = stages([
            job(9, "build", "compile", Status::Success),
            job(7, ".post", "tidy", Status::Success),
            job(4, "test", "unit", Status::Success),
            job(2, "build", "compile", Status::Failed),
            job(8, ".pre", "check", Status::Success),
        ]);
        let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(names, [".pre", "build", "test", ".post"]);
    }
}
