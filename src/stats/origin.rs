//! Was it me? for many failures at once. The evidence is gathered here; `explain/attribution.rs` judges it.
//!
//! A failure is judged as it was when it happened, plus what became of its own commit: that a job was repaired weeks later
//! must not make an earlier failure of it anyone's own.

use super::commit::FLAKY_SECONDS;
use super::plan::{LOOKBACK_SECONDS, SECONDS_PER_DAY, TimeSlot};
use super::project::{OrderedRuns, ProjectStudy};
use super::stretch::{created_at, ended_at};
use crate::domain::fact::UnixSeconds;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::past::{BaseRun, JobPast, JobRun, SameFailure, names_a_cause};
use crate::domain::pipeline::RefKind;
use crate::domain::runs::{AttemptEnd, JobAttempt, NameId};
use crate::domain::status::Status;
use crate::explain::attribution::attribute_past;
use chrono::DateTime;
use foldhash::fast::RandomState;
use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::Arc;

/// How far apart failures count as the same trouble (design 11).
const ELSEWHERE_SECONDS: i64 = 3 * SECONDS_PER_DAY;
/// Other places that are looked for: as many as the judgement needs.
const ENOUGH_PLACES: usize = 2;
/// Tests of one failure that are looked for elsewhere. Where more failed, the first of them tell enough.
const MOST_TESTS: usize = 20;

/// A failure with what its own project knows of it.
#[derive(Debug)]
pub(super) struct FailedAttempt {
    /// Where its origin is counted; `None` where it is only evidence about others.
    slot: Option<TimeSlot>,
    ref_name: String,
    ref_kind: RefKind,
    pipeline: PipelineId,
    at: UnixSeconds,
    /// Whether it failed where its pipeline began, too: then it is that failure, and no other one of the same kind.
    is_inherited: bool,
    job: Arc<str>,
    reason: Option<Arc<str>>,
    tests: Vec<Arc<str>>,
    past: JobPast,
}

/// What is looked up for each failure of a project.
pub(super) struct FailurePast {
    /// Pipelines of the default branch that passed or failed, by id.
    base: Vec<usize>,
    /// Attempts with a verdict at jobs that failed at least once, by time.
    runs: HashMap<NameId, Vec<PastRun>, RandomState>,
}

struct PastRun {
    at: UnixSeconds,
    pipeline: usize,
    run: JobRun,
}

impl FailurePast {
    pub(super) fn new(facts: &OrderedRuns<'_>) -> Self {
        let branch = facts.runs.project.default_branch.as_deref();
        let is_base = |at: &usize| {
            let fact = facts.pipelines[*at];
            let ended = matches!(fact.course.status, Status::Success | Status::Warning | Status::Failed);
            ended && fact.ref_kind == RefKind::Branch && Some(fact.ref_name.as_str()) == branch
        };
        let places = 0..facts.pipelines.len();
        let base = places.clone().filter(is_base).collect();
        let failed = |attempt: &&&JobAttempt| attempt.end == AttemptEnd::Failed;
        let names = places.clone().flat_map(|at| facts.attempts_of(at).iter().filter(failed));
        let names: HashSet<NameId, RandomState> = names.map(|attempt| attempt.name).collect();
        let mut runs: HashMap<NameId, Vec<PastRun>, RandomState> = HashMap::default();
        for at in places {
            let fact = facts.pipelines[at];
            let sha: Option<Arc<str>> = fact.sha.as_deref().map(Into::into);
            for attempt in facts.attempts_of(at) {
                let Some(finished_at) = attempt.finished_at.filter(|_| attempt.has_verdict()) else { continue };
                if !names.contains(&attempt.name) {
                    continue;
                }
                let status = if attempt.end == AttemptEnd::Success { Status::Success } else { Status::Failed };
                let run = JobRun { id: attempt.id, pipeline: fact.id, sha: sha.clone(), status, finished_at };
                runs.entry(attempt.name).or_default().push(PastRun { at: finished_at, pipeline: at, run });
            }
        }
        runs.values_mut().for_each(|runs| runs.sort_unstable_by_key(|past| (past.at, past.run.id)));
        Self { base, runs }
    }

    pub(super) fn failed_attempt(
        &self,
        facts: &OrderedRuns<'_>,
        pipeline: usize,
        attempt: &JobAttempt,
        slot: Option<TimeSlot>,
    ) -> FailedAttempt {
        let fact = facts.pipelines[pipeline];
        let at = attempt.finished_at.or(ended_at(fact)).unwrap_or(i64::MIN);
        let base = self.base_run(facts, pipeline, attempt.name);
        let is_inherited = base.as_ref().is_some_and(|base| base.job == Some(Status::Failed));
        let past = slot.map(|_| JobPast {
            base,
            runs: self.runs_around(facts, pipeline, attempt.name, at),
            elsewhere: Vec::new(),
            usual: None,
        });
        FailedAttempt {
            slot,
            ref_name: fact.ref_name.clone(),
            ref_kind: fact.ref_kind,
            pipeline: fact.id,
            at,
            is_inherited,
            job: facts.runs.names.name(attempt.name),
            reason: facts.reason(attempt),
            tests: facts.tests_of(attempt).iter().take(MOST_TESTS).map(|test| (*test).into()).collect(),
            past: past.unwrap_or_default(),
        }
    }

    /// Returns how the job ended in the newest pipeline of the default branch that had ended when this one was created.
    fn base_run(&self, facts: &OrderedRuns<'_>, pipeline: usize, job: NameId) -> Option<BaseRun> {
        let created = created_at(facts.pipelines[pipeline])?;
        let earlier = &self.base[..self.base.partition_point(|base| *base < pipeline)];
        let ended = |base: &&usize| facts.pipelines[**base].course.finished_at.is_some_and(|end| end <= created);
        let base = *earlier.iter().rev().find(ended)?;
        let fact = facts.pipelines[base];
        if created.saturating_sub(created_at(fact)?) > LOOKBACK_SECONDS {
            return None;
        }
        let attempts = facts.attempts_of(base).iter().filter(|attempt| attempt.name == job);
        let status = |attempt: &&JobAttempt| match attempt.end {
            AttemptEnd::Success => Status::Success,
            AttemptEnd::Failed => Status::Failed,
            AttemptEnd::Canceled => Status::Canceled,
            AttemptEnd::Other => Status::Skipped,
        };
        let job = attempts.max_by_key(|attempt| attempt.id).map(status);
        Some(BaseRun { branch: fact.ref_name.clone(), pipeline: fact.id, job, since: None })
    }

    /// Returns the attempts of the 14 days before a failure, and those on its commit of the 14 days after it.
    fn runs_around(&self, facts: &OrderedRuns<'_>, pipeline: usize, job: NameId, at: UnixSeconds) -> Vec<JobRun> {
        let runs = self.runs.get(&job).map_or(&[][..], Vec::as_slice);
        let (from, to) = (at.saturating_sub(FLAKY_SECONDS), at.saturating_add(FLAKY_SECONDS));
        let begin = runs.partition_point(|past| past.at < from);
        let is_evidence = |past: &&PastRun| past.at <= at || facts.commits[past.pipeline] == facts.commits[pipeline];
        let near = runs[begin..].iter().take_while(|past| past.at <= to).filter(is_evidence);
        near.map(|past| past.run.clone()).collect()
    }
}

/// Where the same thing failed, by what makes it the same.
type FailurePlaces<'a> = HashMap<(&'a str, FailureSign<'a>), Vec<(UnixSeconds, usize, &'a FailedAttempt)>, RandomState>;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum FailureSign<'a> {
    Test(&'a str),
    Reason(&'a str),
}

impl FailedAttempt {
    fn signs(&self) -> Vec<FailureSign<'_>> {
        if !self.tests.is_empty() {
            return self.tests.iter().map(|test| FailureSign::Test(test)).collect();
        }
        let reason = self.reason.as_deref().filter(|reason| names_a_cause(reason));
        reason.map(FailureSign::Reason).into_iter().collect()
    }

    /// Says what it is evidence of: its reason, also where tests are known.
    fn all_signs(&self) -> Vec<FailureSign<'_>> {
        let tests = self.tests.iter().map(|test| FailureSign::Test(test));
        let reason = self.reason.as_deref().filter(|reason| names_a_cause(reason));
        tests.chain(reason.map(FailureSign::Reason)).collect()
    }

    fn is_at(&self, other: &Self) -> bool {
        (self.ref_name.as_str(), self.ref_kind) == (other.ref_name.as_str(), other.ref_kind)
    }
}

/// Finds the origin of every failure that is counted.
pub(super) fn count_origins(studies: &mut [ProjectStudy]) {
    let found = origins(studies);
    for (project, slot, origin) in found {
        let tally = studies[project].tallies.entry(slot).or_default();
        *tally.origins.entry(origin).or_default() += 1;
    }
}

fn origins(studies: &mut [ProjectStudy]) -> Vec<(usize, TimeSlot, FailureOrigin)> {
    // What a failure's own project knows is used up: it is the larger part of all that was read.
    let own =
        |study: &mut ProjectStudy| study.failures.iter_mut().map(|failure| mem::take(&mut failure.past)).collect();
    let pasts: Vec<Vec<JobPast>> = studies.iter_mut().map(own).collect();
    let studies = &*studies;
    let mut places: FailurePlaces<'_> = HashMap::default();
    for (project, study) in studies.iter().enumerate() {
        for failure in study.failures.iter().filter(|failure| !failure.is_inherited) {
            for sign in failure.all_signs() {
                places.entry((&failure.job, sign)).or_default().push((failure.at, project, failure));
            }
        }
    }
    places
        .values_mut()
        .for_each(|places| places.sort_by_key(|(at, project, failure)| (*at, *project, failure.pipeline)));
    let mut found = Vec::new();
    for ((project, study), pasts) in studies.iter().enumerate().zip(pasts) {
        for (failure, mut past) in study.failures.iter().zip(pasts) {
            let Some(slot) = failure.slot else { continue };
            past.elsewhere = elsewhere(&places, project, failure, studies);
            // The time is only said in the sentence, which is not asked for.
            let judged = attribute_past(failure.reason.as_deref(), &past, DateTime::UNIX_EPOCH);
            found.push((project, slot, judged.origin));
        }
    }
    found
}

fn elsewhere(
    places: &FailurePlaces<'_>,
    own: usize,
    failure: &FailedAttempt,
    studies: &[ProjectStudy],
) -> Vec<SameFailure> {
    let (from, to) = (failure.at.saturating_sub(ELSEWHERE_SECONDS), failure.at.saturating_add(ELSEWHERE_SECONDS));
    let mut found: Vec<SameFailure> = Vec::new();
    for sign in failure.signs() {
        let Some(all) = places.get(&(&*failure.job, sign)) else { continue };
        let begin = all.partition_point(|(at, ..)| *at < from);
        for (at, project, other) in all[begin..].iter().take_while(|(at, ..)| *at <= to) {
            let id: ProjectId = studies[*project].project.id;
            let is_known = |known: &SameFailure| (known.project, &known.ref_name) == (id, &other.ref_name);
            if (*project == own && other.is_at(failure)) || found.iter().any(is_known) {
                continue;
            }
            found.push(SameFailure {
                project: id,
                project_path: None,
                ref_name: other.ref_name.clone(),
                pipeline: other.pipeline,
                finished_at: *at,
                test: None,
            });
            if found.len() == ENOUGH_PLACES {
                return found;
            }
        }
    }
    found
}
