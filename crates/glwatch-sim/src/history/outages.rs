//! What breaks in many projects at once: a service of others that their tests call.

use super::calendar::{DAY, HOUR, WorkCalendar};
use super::jobs::INTEGRATION;
use super::{FailureCause, PastKind, PlantedFailure, ProjectHistory};
use crate::rng::Rng;

/// One every so many days.
const EVERY: i64 = 10;
/// As many projects have to be hit; fewer would not show that it was everywhere.
const FEWEST: usize = 3;

/// Plants the outages of the days before `anchor`; only merge requests notice, and their pipelines are not run again.
pub(crate) fn plant(seed: u64, anchor: i64, histories: &mut [Option<ProjectHistory>]) {
    let Some(from) = histories.iter().flatten().map(|history| history.from).min() else { return };
    let calendar = WorkCalendar::new(from, anchor);
    let count = ((anchor - from) / (EVERY * DAY)).max(1);
    for nth in 0..count {
        let begin = calendar.at((nth as f64 + 0.45) / count as f64);
        let hit = victims(seed, nth, begin, histories);
        if hit.len() < FEWEST {
            continue;
        }
        for (project, pipeline) in hit {
            let Some(history) = &mut histories[project] else { continue };
            history.pipelines[pipeline].failure = Some(PlantedFailure {
                job: INTEGRATION,
                cause: FailureCause::Everywhere,
                reason: "script_failure",
                test: Some(format!("test_sandbox_of_the_bank_{nth}")),
                retried: None,
            });
        }
    }
}

/// Returns a merge request's pipeline of each project that is hit.
fn victims(seed: u64, nth: i64, begin: i64, histories: &[Option<ProjectHistory>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (project, history) in histories.iter().enumerate() {
        let Some(history) = history else { continue };
        let chosen = Rng::of(&[seed, 0x0D7A6E, nth.unsigned_abs(), project as u64]).next() % 100 < 80;
        if !chosen || history.flaky.as_ref().is_some_and(|flaky| flaky.job == INTEGRATION) {
            continue;
        }
        let hit = history.pipelines.iter().position(|pipeline| {
            (begin..begin + 9 * HOUR).contains(&pipeline.created)
                && matches!(pipeline.kind, PastKind::MergeRequest(_))
                && pipeline.failure.is_none()
                && history.red_job_near(pipeline.created) != Some(INTEGRATION)
        });
        found.extend(hit.map(|pipeline| (project, pipeline)));
    }
    found
}
