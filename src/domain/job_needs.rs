//! Which jobs of its pipeline each job needs, and what one that has not started still waits for. Pure.

use super::job::{Job, Stage};
use super::status::Status;
use std::collections::{BTreeMap, HashMap};

/// What a job's start depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOrder {
    /// The jobs that it needs: the file has `needs:`.
    AfterNeeds,
    /// All stages before its own.
    AfterStages,
    /// GitLab does not say.
    Untold,
}

/// The jobs that one job needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededJobs {
    pub names: Vec<String>,
    /// Whether there are more than these.
    pub has_more: bool,
    pub order: StartOrder,
}

/// What each job of a pipeline needs, by name: another attempt at a job needs the same. Of a job that is not in it, needs
/// are not known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobNeeds {
    by_job: BTreeMap<String, NeededJobs>,
}

/// What a job that has not started waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwaitedJobs<'a> {
    /// These jobs, those first that are the furthest; one without a status is not in the list.
    Needs { open: Vec<(&'a str, Option<&'a Status>)>, has_more: bool },
    /// These stages, the first one first.
    Stages(Vec<(&'a str, &'a Status)>),
    /// All that it waited for is over.
    Nothing,
}

impl JobNeeds {
    pub fn insert(&mut self, job: String, needed: NeededJobs) {
        self.by_job.insert(job, needed);
    }

    /// Adds what another part of the same pipeline's jobs needs.
    pub fn extend(&mut self, more: Self) {
        self.by_job.extend(more.by_job);
    }

    /// Returns what a job needs; `None` where that was not told.
    pub fn of(&self, job: &str) -> Option<&NeededJobs> {
        self.by_job.get(job)
    }

    /// Says what a job still waits for, in a pipeline with these stages and these statuses by name; `None` where what was
    /// told does not say.
    pub fn awaited<'a>(
        &'a self,
        job: &Job,
        stages: &'a [Stage],
        statuses: &HashMap<&str, &'a Status>,
    ) -> Option<AwaitedJobs<'a>> {
        let needed = self.of(&job.name)?;
        if needed.names.is_empty() && !needed.has_more {
            return match needed.order {
                StartOrder::AfterNeeds => Some(AwaitedJobs::Nothing),
                StartOrder::AfterStages => Some(stages_before(job, stages)),
                StartOrder::Untold => None,
            };
        }
        let named = needed.names.iter().map(|name| (name.as_str(), statuses.get(name.as_str()).copied()));
        let mut open: Vec<_> = named.filter(|(_, status)| !status.is_some_and(Status::is_terminal)).collect();
        // What has not even begun waits for others itself; what is not in the list says the least.
        open.sort_by_key(|(_, status)| match status {
            Some(Status::Created) => 1,
            Some(_) => 0,
            None => 2,
        });
        match open.is_empty() && !needed.has_more {
            true => Some(AwaitedJobs::Nothing),
            false => Some(AwaitedJobs::Needs { open, has_more: needed.has_more }),
        }
    }
}

/// Returns the stages before a job's own that are not over. A job that a person may start, but need not, holds nothing up.
fn stages_before<'a>(job: &Job, stages: &'a [Stage]) -> AwaitedJobs<'a> {
    let holds_up = |job: &Job| !(job.status.is_terminal() || job.allow_failure && job.status == Status::Manual);
    let before = stages.iter().take_while(|stage| stage.name != job.stage);
    let open: Vec<_> = before
        .filter(|stage| stage.jobs.iter().any(holds_up))
        .map(|stage| (stage.name.as_str(), &stage.status))
        .collect();
    if open.is_empty() { AwaitedJobs::Nothing } else { AwaitedJobs::Stages(open) }
}

/// Returns the statuses of a pipeline's jobs by name.
pub fn statuses_by_name(stages: &[Stage]) -> HashMap<&str, &Status> {
    stages.iter().flat_map(|stage| &stage.jobs).map(|job| (job.name.as_str(), &job.status)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::job::stage_status;

    /// A pipeline as in `build: compile=success | test: unit=running lint=created`; `?` behind a status: allowed to fail.
    fn pipeline(text: &str) -> Vec<Stage> {
        let job = |stage: &str, word: &str| {
            let (name, status) = word.split_once('=').unwrap();
            let allow_failure = status.ends_with('?');
            let status = Status::from_gitlab(status.trim_end_matches('?'));
            Job { stage: stage.into(), allow_failure, ..example::job(name, status) }
        };
        let stage = |part: &str| {
            let (name, jobs) = part.trim().split_once(": ").unwrap();
            let jobs: Vec<Job> = jobs.split_whitespace().map(|word| job(name, word)).collect();
            Stage { name: name.into(), status: stage_status(&jobs), jobs }
        };
        text.split('|').map(stage).collect()
    }

    fn needed(names: &str, order: StartOrder) -> NeededJobs {
        NeededJobs { names: names.split_whitespace().map(str::to_owned).collect(), has_more: false, order }
    }

    /// Says in one line what the last job of a pipeline waits for.
    fn said(stages: &[Stage], needs: Option<NeededJobs>) -> String {
        let job = stages.last().unwrap().jobs.last().unwrap();
        let mut known = JobNeeds::default();
        needs.into_iter().for_each(|needed| known.insert(job.name.clone(), needed));
        let of = |name: &str, status: Option<&Status>| format!("{name} {}", status.map_or("gone", Status::word));
        match known.awaited(job, stages, &statuses_by_name(stages)) {
            None => "untold".into(),
            Some(AwaitedJobs::Nothing) => "nothing".into(),
            Some(AwaitedJobs::Stages(open)) => {
                let open: Vec<_> = open.into_iter().map(|(name, status)| of(name, Some(status))).collect();
                format!("stages {}", open.join(", "))
            }
            Some(AwaitedJobs::Needs { open, has_more }) => {
                let open: Vec<_> = open.into_iter().map(|(name, status)| of(name, status)).collect();
                format!("jobs {}{}", open.join(", "), if has_more { " ..." } else { "" })
            }
        }
    }

    #[test]
    fn a_job_that_has_not_started_waits_for_what_is_not_over() {
        use StartOrder::{AfterNeeds, AfterStages, Untold};
        let deploy = "build: compile=success lint=running | test: unit=created | deploy: go=created";
        let cases: Vec<(&str, &str, Option<NeededJobs>, &str)> = vec![
            ("nothing was told", deploy, None, "untold"),
            ("one need runs", deploy, Some(needed("compile lint", AfterNeeds)), "jobs lint running"),
            (
                "what is the furthest comes first",
                deploy,
                Some(needed("unit lint", AfterNeeds)),
                "jobs lint running, unit created",
            ),
            ("all are over", deploy, Some(needed("compile", AfterNeeds)), "nothing"),
            ("an empty list of needs waits for nothing", deploy, Some(needed("", AfterNeeds)), "nothing"),
            (
                "without needs it waits for the stages",
                deploy,
                Some(needed("", AfterStages)),
                "stages build running, test created",
            ),
            ("an empty list and no word on the order", deploy, Some(needed("", Untold)), "untold"),
            ("names count whatever the order is called", deploy, Some(needed("lint", Untold)), "jobs lint running"),
            (
                "a need that is not in the list",
                deploy,
                Some(needed("ghost unit", AfterNeeds)),
                "jobs unit created, ghost gone",
            ),
            ("a job that needs itself", deploy, Some(needed("go", AfterNeeds)), "jobs go created"),
            (
                "two that need each other",
                "build: a=created | deploy: b=created",
                Some(needed("a", AfterNeeds)),
                "jobs a created",
            ),
            (
                "a person has to start what it needs",
                "approve: yes=manual | deploy: go=created",
                Some(needed("yes", AfterNeeds)),
                "jobs yes manual",
            ),
            (
                "a need that failed is over",
                "build: a=failed | deploy: go=created",
                Some(needed("a", AfterNeeds)),
                "nothing",
            ),
            (
                "a word of tomorrow is no end",
                "build: a=quarantined | deploy: go=created",
                Some(needed("a", AfterNeeds)),
                "jobs a quarantined",
            ),
            (
                "a stage that is over holds nothing up",
                "build: a=success | deploy: go=created",
                Some(needed("", AfterStages)),
                "nothing",
            ),
            (
                "a job that need not be started holds no stage up",
                "build: a=success b=manual? | deploy: go=created",
                Some(needed("", AfterStages)),
                "nothing",
            ),
            (
                "a person holds the stage up",
                "approve: a=manual | deploy: go=created",
                Some(needed("", AfterStages)),
                "stages approve manual",
            ),
            ("the first stage has none before it", "build: a=created", Some(needed("", AfterStages)), "nothing"),
            (
                "more needs than were told",
                deploy,
                Some(NeededJobs { has_more: true, ..needed("compile", AfterNeeds) }),
                "jobs  ...",
            ),
        ];
        for (sentence, stages, needs, expected) in cases {
            assert_eq!(said(&pipeline(stages), needs), expected, "{sentence}");
        }
    }
}
