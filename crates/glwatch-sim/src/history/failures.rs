//! What fails in a history, and why. No cause is mistaken for another: the jobs of each are not those of the next.

use super::jobs::{E2E, INTEGRATION, SOLID, UNIT};
use super::{FailureCause, FlakyJob, LONGEST, PastKind, PlantedFailure, ProjectHistory, RedStretch};
use crate::rng::Rng;

const MINUTE: i64 = 60_000;
const TESTABLE: [usize; 3] = [UNIT, INTEGRATION, E2E];
/// The words for what is no commit's fault; in two of them the job ran.
const SYSTEM: [&str; 4] =
    ["runner_system_failure", "stuck_or_timeout_failure", "scheduler_failure", "data_integrity_failure"];
/// A client believes that a job is flaky until it passed so many times.
const REMEMBERED: u32 = 3;

pub(super) fn plant(history: &mut ProjectHistory, rng: &mut Rng, project: u64, days: u32, anchor: i64) {
    history.flaky = match rng.next() % 5 {
        0 | 1 => Some(E2E),
        2 => Some(INTEGRATION),
        _ => None,
    }
    .map(|job| FlakyJob { job, test: format!("test_waits_for_the_queue_{project}") });
    plant_red_stretches(history, rng, project, days, anchor);
    plant_mistakes(history, rng, project, anchor);
    plant_noise(history, rng, anchor);
}

fn failure(job: usize, cause: FailureCause, test: String) -> PlantedFailure {
    PlantedFailure { job, cause, reason: "script_failure", test: Some(test), retried: None }
}

/// Returns a job whose failure means something, other than the flaky one and `but`.
fn honest_job(history: &ProjectHistory, rng: &mut Rng, but: Option<usize>) -> usize {
    let flaky = history.flaky.as_ref().map(|flaky| flaky.job);
    let jobs: Vec<usize> = TESTABLE.into_iter().filter(|job| Some(*job) != flaky && Some(*job) != but).collect();
    jobs[usize::try_from(rng.next()).unwrap_or(0) % jobs.len()]
}

fn plant_red_stretches(history: &mut ProjectHistory, rng: &mut Rng, project: u64, days: u32, anchor: i64) {
    let trunk: Vec<usize> = (0..history.len_at(anchor)).filter(|at| history.pipelines[*at].kind.is_trunk()).collect();
    let count = (days as usize / 10).max(1);
    let mut begins: Vec<(usize, usize)> = (0..count)
        .map(|n| ((n * 10 + 1 + usize::try_from(rng.next() % 6).unwrap_or(0)) * trunk.len() / (count * 10), n))
        .collect();
    // One in six is red at the end.
    if project.is_multiple_of(6) {
        begins.push((trunk.len().saturating_sub(3), count));
    }
    let mut free = 1;
    for (begin, nth) in begins {
        let brings = |place: &usize| history.pipelines[trunk[*place]].kind.brings_commit();
        let Some(first) = (begin.max(free)..trunk.len()).find(brings) else { continue };
        let length = 2 + usize::try_from(rng.next() % 4).unwrap_or(0);
        let repaired = (first + length..trunk.len()).find(brings);
        let end = repaired.unwrap_or(trunk.len());
        free = end + 2;
        let stretch = RedStretch {
            job: honest_job(history, rng, None),
            first: trunk[first],
            last: trunk[end - 1],
            repaired: repaired.map(|place| trunk[place]),
        };
        break_stretch(history, rng, &stretch, &format!("test_total_of_{project}_{nth}"));
        history.red_stretches.push(stretch);
    }
}

/// Lets everything fail that is built on the broken commit.
fn break_stretch(history: &mut ProjectHistory, rng: &mut Rng, stretch: &RedStretch, test: &str) {
    let known = history.pipelines[stretch.first].created + LONGEST;
    let end = stretch.repaired.unwrap_or(history.pipelines.len());
    for at in stretch.first..end {
        let pipeline = &mut history.pipelines[at];
        let cause = match pipeline.kind {
            _ if at == stretch.first => FailureCause::Yours,
            PastKind::MergeRequest(_) if pipeline.created < known || rng.next().is_multiple_of(4) => continue,
            _ => FailureCause::AlreadyBroken,
        };
        pipeline.failure = Some(failure(stretch.job, cause, test.to_owned()));
    }
}

/// Lets merge requests fail by their own fault: mostly a push that the next one repairs.
fn plant_mistakes(history: &mut ProjectHistory, rng: &mut Rng, project: u64, anchor: i64) {
    for at in 0..history.len_at(anchor) {
        let pipeline = &history.pipelines[at];
        let PastKind::MergeRequest(request) = pipeline.kind else { continue };
        let of = &history.merge_requests[request];
        let last = pipeline.commit as usize + 1 == of.pushes.len();
        let percent = if !last || of.closed.is_some() { 45 } else { 0 };
        if pipeline.failure.is_some() || rng.next() % 100 >= percent {
            continue;
        }
        let but = history.red_job_near(pipeline.created);
        let job = honest_job(history, rng, but);
        let test = format!("test_change_{project}_{}", request + 1);
        history.pipelines[at].failure = Some(failure(job, FailureCause::Yours, test));
    }
}

/// Lets runners break and the flaky job fail.
fn plant_noise(history: &mut ProjectHistory, rng: &mut Rng, anchor: i64) {
    // How many times the flaky job passed since both verdicts on one commit were last seen, and when.
    let mut passes = u32::MAX;
    for at in 0..history.len_at(anchor) {
        if history.pipelines[at].failure.is_some() {
            passes = passes.saturating_add(1);
            continue;
        }
        let is_trunk = history.pipelines[at].kind.is_trunk();
        let roll = rng.next() % 100;
        let again = rng.between(2, 5) * MINUTE;
        let planted = match (&history.flaky, roll) {
            (_, 0..3) => Some(broken_runner(rng, (roll < 2).then_some(again))),
            (Some(flaky), 3..14) => {
                // One that was never run again is known as flaky only while the others are remembered; on the default
                // branch it would look like the fault of the next one.
                let left_alone = passes < REMEMBERED && roll < 6 && !is_trunk;
                let planted = failure(flaky.job, FailureCause::Flaky, flaky.test.clone());
                if !left_alone {
                    passes = 0;
                }
                Some(PlantedFailure { retried: (!left_alone).then_some(again), ..planted })
            }
            _ => None,
        };
        if planted.is_none() {
            passes = passes.saturating_add(1);
        }
        history.pipelines[at].failure = planted;
    }
}

fn broken_runner(rng: &mut Rng, retried: Option<i64>) -> PlantedFailure {
    let pick = usize::try_from(rng.next() % 12).unwrap_or(0);
    PlantedFailure {
        job: SOLID[pick % SOLID.len()],
        cause: FailureCause::Infrastructure,
        reason: SYSTEM[pick % SYSTEM.len()],
        test: None,
        retried,
    }
}
