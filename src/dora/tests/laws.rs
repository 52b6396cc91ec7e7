//! What holds for all facts.

use super::super::known::{BroughtMerge, FixMarks, ProductionEvent, ProductionIncident, ProjectDeliveries};
use super::super::measures::DoraMeasures;
use super::super::verdict::{ProjectVerdicts, judge};
use super::{DAY, START, rules};
use crate::domain::window::TimeWindow;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const HOUR: i64 = 3600;

prop_compose! {
    fn merge()(iid in 1_u64..12, marks in 0_u8..8, merged in prop::option::of(-200_i64..200)) -> Arc<BroughtMerge> {
        Arc::new(BroughtMerge {
            iid,
            title: String::new(),
            fix: FixMarks { is_revert: marks == 0, is_hotfix: marks == 1 },
            merged_at: merged.map(|hours| START + hours * HOUR),
            first_commit_at: merged.map(|hours| START + (hours - 9) * HOUR),
        })
    }
}

prop_compose! {
    fn event()(
        place in 0_u8..2, is_success in prop::bool::weighted(0.8), hours in -200_i64..200, pipeline in 0_u64..6,
        sha in 0_u8..5, merges in prop::collection::vec(merge(), 0..3),
    ) -> ProductionEvent {
        ProductionEvent {
            id: 0,
            place: ["eu", "us"][usize::from(place)].into(),
            is_success,
            finished_at: START + hours * HOUR,
            pipeline: (pipeline > 0).then_some(pipeline),
            sha: (sha > 0).then(|| sha.to_string().into()),
            merges,
            job: None,
        }
    }
}

prop_compose! {
    fn incident()(created in -200_i64..200, open in prop::option::of(0_i64..90)) -> ProductionIncident {
        let created_at = START + created * HOUR;
        let closed_at = open.map(|hours| created_at + hours * HOUR);
        ProductionIncident { iid: 0, title: String::new(), created_at, closed_at }
    }
}

prop_compose! {
    fn project()(
        events in prop::collection::vec(event(), 0..25), incidents in prop::collection::vec(incident(), 0..6),
        is_piped in any::<bool>(), has_baseline in any::<bool>(),
    ) -> ProjectDeliveries {
        let mut known = ProjectDeliveries::default();
        if !has_baseline {
            known.begun_before.extend(["eu", "us"].map(Arc::from));
        }
        let numbered = events.into_iter().zip(1_u64..).map(|(event, id)| ProductionEvent { id, ..event });
        if is_piped { known.pipelines.extend(numbered) } else { known.deployments.extend(numbered) }
        known.incidents.extend(incidents.into_iter().zip(1..).map(|(of, iid)| ProductionIncident { iid, ..of }));
        known
    }
}

fn window(from: i64, to: i64) -> TimeWindow {
    TimeWindow { from: START + from * HOUR, to: START + to * HOUR }
}

fn measured(verdicts: &ProjectVerdicts, window: TimeWindow) -> DoraMeasures {
    DoraMeasures::of(&[verdicts], window)
}

/// What can be added up: numbers of deployments, and counts of what has none.
fn parts(of: &DoraMeasures) -> (Vec<BTreeSet<u64>>, [usize; 8]) {
    let sets = vec![
        of.failures.keys().copied().collect(),
        of.pending.clone(),
        of.rework.clone(),
        of.open_failures.clone(),
        of.open_streaks.clone(),
        of.recoveries.keys().copied().collect(),
    ];
    let counts = [
        of.deployments,
        of.failed_attempts,
        of.lead.count(),
        of.dropped_baseline,
        of.dropped_negative,
        of.dropped_missing_merged_at,
        of.lead_from_commit.count(),
        of.attempt_recovery.count(),
    ];
    (sets, counts)
}

proptest! {
    #[test]
    fn the_order_of_facts_does_not_matter(known in project(), seed in any::<u64>()) {
        let mut other = known.clone();
        let mut seed = seed;
        let mut shuffle = |length: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if length == 0 { 0 } else { usize::try_from(seed >> 33).unwrap_or(0) % length }
        };
        for events in [&mut other.deployments, &mut other.pipelines] {
            let length = events.len();
            for at in 0..length { let to = shuffle(length); events.swap(at, to); }
        }
        other.incidents.reverse();
        let now = START + 150 * HOUR;
        let all = window(-300, 300);
        prop_assert_eq!(measured(&judge(&known, rules(now)), all), measured(&judge(&other, rules(now)), all));
    }

    #[test]
    fn a_window_and_its_parts_say_the_same(known in project(), cut in -250_i64..250) {
        let verdicts = judge(&known, rules(START + 150 * HOUR));
        let (whole, counts) = parts(&measured(&verdicts, window(-250, 250)));
        let (left, left_counts) = parts(&measured(&verdicts, window(-250, cut)));
        let (right, right_counts) = parts(&measured(&verdicts, window(cut, 250)));
        for ((whole, left), right) in whole.iter().zip(&left).zip(&right) {
            prop_assert!(left.is_disjoint(right));
            prop_assert_eq!(whole, &left.union(right).copied().collect::<BTreeSet<u64>>());
        }
        for ((whole, left), right) in counts.iter().zip(left_counts).zip(right_counts) {
            prop_assert_eq!(*whole, left + right);
        }
    }

    #[test]
    fn a_verdict_is_the_same_in_every_window(known in project(), shift in -150_i64..150) {
        let verdicts = judge(&known, rules(START + 150 * HOUR));
        let (one, other) = (measured(&verdicts, window(-100, 100)), measured(&verdicts, window(-100 + shift, 100 + shift)));
        for (id, reasons) in &one.failures {
            prop_assert!(other.failures.get(id).is_none_or(|found| found == reasons));
        }
        for (id, seconds) in &one.recoveries {
            prop_assert!(other.recoveries.get(id).is_none_or(|found| found == seconds));
        }
        prop_assert!(one.pending.iter().all(|id| !other.failures.contains_key(id)));
    }

    #[test]
    fn moving_all_facts_by_days_changes_nothing(known in project(), days in -400_i64..400) {
        let moved = |at: i64| at + days * DAY;
        let mut later = known.clone();
        for event in later.deployments.iter_mut().chain(&mut later.pipelines) {
            event.finished_at = moved(event.finished_at);
            event.merges = event.merges.iter().map(|merge| Arc::new(BroughtMerge {
                merged_at: merge.merged_at.map(moved),
                first_commit_at: merge.first_commit_at.map(moved),
                ..BroughtMerge::clone(merge)
            })).collect();
        }
        for incident in &mut later.incidents {
            (incident.created_at, incident.closed_at) = (moved(incident.created_at), incident.closed_at.map(moved));
        }
        let now = START + 150 * HOUR;
        let at = window(-200, 200);
        let then = TimeWindow { from: moved(at.from), to: moved(at.to) };
        let (one, other) = (measured(&judge(&known, rules(now)), at), measured(&judge(&later, rules(moved(now))), then));
        prop_assert_eq!(parts(&one), parts(&other));
        prop_assert_eq!((one.failures, one.recoveries, one.lead), (other.failures, other.recoveries, other.lead));
    }

    #[test]
    fn a_pool_is_the_union_of_its_projects(projects in prop::collection::vec(project(), 1..4)) {
        let apart = |(of, nth): (ProjectDeliveries, u64)| {
            let mut of = of;
            for event in of.deployments.iter_mut().chain(&mut of.pipelines) { event.id += nth * 1000; }
            judge(&of, rules(START + 150 * HOUR))
        };
        let verdicts: Vec<ProjectVerdicts> = projects.into_iter().zip(1..).map(apart).collect();
        let at = window(-250, 250);
        let (sets, counts) = parts(&DoraMeasures::of(&verdicts.iter().collect::<Vec<_>>(), at));
        let each: Vec<_> = verdicts.iter().map(|of| parts(&measured(of, at))).collect();
        for (nth, set) in sets.iter().enumerate() {
            prop_assert_eq!(set, &each.iter().flat_map(|(sets, _)| sets[nth].iter().copied()).collect::<BTreeSet<u64>>());
        }
        for (nth, count) in counts.iter().enumerate() {
            prop_assert_eq!(*count, each.iter().map(|(_, counts)| counts[nth]).sum::<usize>());
        }
    }
}
