//! What holds for all facts.

use super::super::example::{DAY, START, project, study};
use super::super::plan::{StatsBy, StatsPlan};
use super::super::study::StatsStudy;
use super::super::tally::RunTally;
use crate::domain::id::JobId;
use crate::domain::pipeline::RefKind;
use crate::domain::runs::{AttemptEnd, ProjectRuns};
use crate::domain::selection::RefSelector;
use crate::domain::status::Status;
use crate::domain::window::TimeWindow;
use proptest::prelude::*;

/// One pipeline: hours after the start, ref, commit, how it ended, and how its jobs did.
type Plot = (i64, u8, u8, u8, Vec<(u8, u8, u16)>);

fn plots() -> impl Strategy<Value = Vec<Vec<Plot>>> {
    let job = (0_u8..3, 0_u8..4, 0_u16..900);
    let pipeline = (-1000_i64..500, 0_u8..3, 0_u8..12, 0_u8..5, prop::collection::vec(job, 0..6));
    prop::collection::vec(prop::collection::vec(pipeline, 0..25), 1..4)
}

fn facts(plots: &[Vec<Plot>]) -> Vec<ProjectRuns> {
    let mut all = Vec::new();
    for (number, plot) in (1_u64..).zip(plots) {
        let mut runs = project(number, &format!("acme/p{number}"));
        let mut plot = plot.clone();
        // Ids grow with time.
        plot.sort_by_key(|(hours, ..)| *hours);
        for (id, (hours, ref_number, commit, end, jobs)) in (1_u64..).zip(&plot) {
            let status = [Status::Success, Status::Failed, Status::Failed, Status::Canceled, Status::Running];
            let fact = runs.pipeline(id, hours * 3600, status[usize::from(*end)].clone());
            fact.sha = (*commit > 0).then(|| format!("commit {commit}"));
            if *ref_number > 0 {
                (fact.ref_name, fact.ref_kind) = (format!("!{ref_number}"), RefKind::MergeRequest);
            }
            for (place, (name, end, seconds)) in (0_u64..).zip(jobs) {
                let ends = [AttemptEnd::Success, AttemptEnd::Failed, AttemptEnd::Canceled, AttemptEnd::Failed];
                let end = ends[usize::from(*end)];
                let job_id = id * 100 + place;
                let start = hours * 3600 + 10;
                runs.job(id, job_id, ["unit", "e2e", "lint"][usize::from(*name)], end)
                    .ran(start, start + i64::from(*seconds));
                if seconds % 3 == 0 {
                    runs.tests.push((JobId(job_id), format!("case {}", seconds % 7)));
                } else if seconds % 7 == 0 {
                    runs.reason("runner_system_failure");
                }
            }
        }
        all.push(runs);
    }
    all
}

fn plan(from_day: i64, to_day: i64, by: StatsBy) -> StatsPlan {
    let window = TimeWindow { from: START + from_day * DAY, to: START + to_day * DAY };
    StatsPlan::new(window, by, vec![RefSelector::Any])
}

/// Values in an order of their own.
fn sorted(tally: &RunTally) -> RunTally {
    let mut tally = tally.clone();
    let lists = [
        &mut tally.passed,
        &mut tally.broken,
        &mut tally.queues,
        &mut tally.wall,
        &mut tally.job_queues,
        &mut tally.paths,
        &mut tally.greens,
    ];
    lists.into_iter().for_each(|list| list.sort_unstable());
    tally.jobs.values_mut().for_each(|job| job.passed.sort_unstable());
    tally.stages.values_mut().for_each(|stage| stage.sort_unstable());
    tally
}

fn merged<'a>(tallies: impl Iterator<Item = &'a RunTally>) -> RunTally {
    let mut all = RunTally::default();
    tallies.for_each(|tally| all.merge(tally));
    sorted(&all)
}

fn groups(study: &StatsStudy) -> RunTally {
    merged(study.groups.values().map(|group| &group.now))
}

/// A day is known in both of the windows that it touches.
fn without_coverage(mut tally: RunTally) -> RunTally {
    tally.coverage.clear();
    tally
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_order_of_facts_does_not_matter(plots in plots(), seed in any::<u64>()) {
        let all = facts(&plots);
        let mut shuffled = all.clone();
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut shuffled);
        for runs in &mut shuffled {
            random.shuffle(&mut runs.pipelines);
            random.shuffle(&mut runs.attempts);
            random.shuffle(&mut runs.tests);
        }
        let plan = plan(0, 10, StatsBy::Project);
        let (one, other) = (study(&all, &plan), study(&shuffled, &plan));
        prop_assert_eq!(sorted(&one.pooled.now), sorted(&other.pooled.now));
        prop_assert_eq!(groups(&one), groups(&other));
    }

    #[test]
    fn pooled_is_the_union_however_it_is_divided(plots in plots()) {
        let all = facts(&plots);
        for by in [StatsBy::Project, StatsBy::Subgroup, StatsBy::Week] {
            let study = study(&all, &plan(0, 17, by));
            let pooled = sorted(&study.pooled.now);
            prop_assert_eq!(without_coverage(groups(&study)), without_coverage(pooled.clone()));
            // Counted once more, from the facts themselves.
            let window = plan(0, 17, by).window;
            let flat = all.iter().flat_map(|runs| &runs.pipelines);
            let inside = flat.filter(|fact| fact.created_at.is_some_and(|at| window.contains(at)));
            let failed = inside.clone().filter(|fact| fact.course.status == Status::Failed).count() as u64;
            prop_assert_eq!((pooled.pipelines, pooled.failed), (inside.count() as u64, failed));
            prop_assert_eq!(pooled.origins.values().sum::<u64>(), pooled.failures);
        }
    }

    /// Two windows that are a day apart count the days that they share alike: each is cut into its first or last day and
    /// the rest, and the rests are equal.
    #[test]
    fn moving_the_window_by_a_day_changes_no_fact_inside_both(plots in plots()) {
        let all = facts(&plots);
        let now = |from, to| study(&all, &plan(from, to, StatsBy::Project)).pooled.now;
        // What lies before a window's evidence is not read.
        let read = |from, to| {
            let plan = plan(from, to, StatsBy::Project);
            let mut known = all.clone();
            for runs in &mut known {
                runs.pipelines.retain(|fact| fact.created_at.is_some_and(|at| at >= plan.facts_since()));
            }
            study(&known, &plan).pooled.now
        };
        let shared = without_coverage(sorted(&now(1, 10)));
        let with_first = merged([&now(0, 1), &now(1, 10)].into_iter());
        let with_last = merged([&now(1, 10), &now(10, 11)].into_iter());
        prop_assert_eq!(without_coverage(with_first), without_coverage(sorted(&read(0, 10))));
        prop_assert_eq!(without_coverage(with_last), without_coverage(sorted(&read(1, 11))));
        prop_assert_eq!(shared, without_coverage(sorted(&read(1, 10))));
    }
}
