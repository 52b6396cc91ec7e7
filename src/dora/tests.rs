//! The rules, each as a table of named cases, and the laws that hold for all facts.

mod laws;

use super::known::{
    BroughtMerge, DoraBasis, DoraRules, FixMarks, HOTFIX_WINDOW, ProductionEvent, ProductionIncident, ProjectDeliveries,
};
use super::measures::DoraMeasures;
use super::verdict::{LeadTime, ProjectVerdicts, judge};
use crate::domain::window::TimeWindow;
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2026-01-05, a Monday.
pub(super) const START: i64 = 1_767_571_200;
/// Long after everything.
const LATE: i64 = START + 300 * DAY;

fn rules(now: i64) -> DoraRules {
    DoraRules { now, hotfix_window: HOTFIX_WINDOW }
}

/// A success, so many seconds after the start, of a commit and a pipeline of its own.
fn good(id: u64, at: i64) -> ProductionEvent {
    ProductionEvent {
        id,
        place: "production".into(),
        is_success: true,
        finished_at: START + at,
        pipeline: Some(1000 + id),
        sha: Some(format!("commit {id}").into()),
        merges: vec![],
        job: None,
    }
}

fn bad(id: u64, at: i64) -> ProductionEvent {
    ProductionEvent { is_success: false, ..good(id, at) }
}

impl ProductionEvent {
    fn of(mut self, sha: &str) -> Self {
        self.sha = (!sha.is_empty()).then(|| sha.into());
        self
    }

    fn to(mut self, place: &str) -> Self {
        self.place = place.into();
        self
    }

    fn piped(mut self, pipeline: u64) -> Self {
        self.pipeline = (pipeline > 0).then_some(pipeline);
        self
    }

    fn brings(mut self, merge: BroughtMerge) -> Self {
        self.merges.push(Arc::new(merge));
        self
    }
}

fn change(iid: u64, merged_at: i64) -> BroughtMerge {
    let fix = FixMarks { is_revert: false, is_hotfix: false };
    BroughtMerge { iid, title: "Change".into(), fix, merged_at: Some(START + merged_at), first_commit_at: None }
}

fn revert(iid: u64) -> BroughtMerge {
    BroughtMerge { fix: FixMarks { is_revert: true, is_hotfix: false }, ..change(iid, 0) }
}

fn hotfix(iid: u64) -> BroughtMerge {
    BroughtMerge { fix: FixMarks { is_revert: false, is_hotfix: true }, ..change(iid, 0) }
}

fn incident(iid: u64, created: i64, closed: Option<i64>) -> ProductionIncident {
    let closed_at = closed.map(|at| START + at);
    ProductionIncident { iid, title: String::new(), created_at: START + created, closed_at }
}

fn begun(deployments: Vec<ProductionEvent>, incidents: Vec<ProductionIncident>) -> ProjectDeliveries {
    let begun_before = deployments.iter().map(|event| Arc::clone(&event.place)).collect();
    ProjectDeliveries { deployments, pipelines: vec![], incidents, begun_before }
}

fn all_time() -> TimeWindow {
    TimeWindow { from: START - 1000 * DAY, to: START + 1000 * DAY }
}

fn counted(known: &ProjectDeliveries, now: i64) -> DoraMeasures {
    DoraMeasures::of(&[&judge(known, rules(now))], all_time())
}

type FailureCase<'a> = (&'a str, Vec<ProductionEvent>, Vec<ProductionIncident>, &'a [(u64, &'a [&'static str])]);

fn check_failures(cases: Vec<FailureCase<'_>>) {
    for (sentence, events, incidents, expected) in cases {
        let found = counted(&begun(events, incidents), LATE).failures;
        let expected: BTreeMap<u64, Vec<&str>> = expected.iter().map(|(id, reasons)| (*id, reasons.to_vec())).collect();
        assert_eq!(found, expected, "{sentence}");
    }
}

#[test]
fn a_rollback_marks_the_deployment_before_it_and_no_other() {
    let none: &[(u64, &[&str])] = &[];
    check_failures(vec![
        (
            "an earlier commit comes back",
            vec![good(1, 0).of("a"), good(2, 10).of("b"), good(3, 20).of("a")],
            vec![],
            &[(2, &["rollback"])],
        ),
        (
            "weeks later, too",
            vec![good(1, 0).of("a"), good(2, 10).of("b"), good(3, 90 * DAY).of("a")],
            vec![],
            &[(2, &["rollback"])],
        ),
        ("the same commit again is none", vec![good(1, 0).of("a"), good(2, 10).of("a")], vec![], none),
        (
            "what lies between the target and the failed one is not marked",
            vec![good(1, 0).of("a"), good(2, 10).of("b"), good(3, 20).of("c"), good(4, 30).of("a")],
            vec![],
            &[(3, &["rollback"])],
        ),
        (
            "an unknown commit equals none",
            vec![good(1, 0).of(""), good(2, 10).of("b"), good(3, 20).of("")],
            vec![],
            none,
        ),
        (
            "the commit of the failed one may be unknown",
            vec![good(1, 0).of("a"), good(2, 10).of(""), good(3, 20).of("a")],
            vec![],
            &[(2, &["rollback"])],
        ),
        (
            "a commit of another environment is no target",
            vec![good(1, 0).of("a").to("eu"), good(2, 10).of("b").to("us"), good(3, 20).of("a").to("us")],
            vec![],
            none,
        ),
        (
            "a failed attempt brought no commit",
            vec![bad(1, 0).of("a"), good(2, 10).of("b"), good(3, 20).of("a")],
            vec![],
            none,
        ),
        (
            "nor does one between change anything",
            vec![good(1, 0).of("a"), good(2, 10).of("b"), bad(3, 15).of("c"), good(4, 20).of("a")],
            vec![],
            &[(2, &["rollback"])],
        ),
        (
            "of one second the number decides",
            vec![good(3, 20).of("a"), good(1, 20).of("a"), good(2, 20).of("b")],
            vec![],
            &[(2, &["rollback"])],
        ),
        (
            "back and forth",
            vec![good(1, 0).of("a"), good(2, 10).of("b"), good(3, 20).of("a"), good(4, 30).of("b")],
            vec![],
            &[(2, &["rollback"]), (3, &["rollback"])],
        ),
    ]);
}

#[test]
fn a_fix_within_48_hours_marks_the_deployment_before_it() {
    let none: &[(u64, &[&str])] = &[];
    let limit = HOTFIX_WINDOW;
    check_failures(vec![
        ("a revert", vec![good(1, 0), good(2, 10).brings(revert(5))], vec![], &[(1, &["revert"])]),
        ("a hotfix", vec![good(1, 0), good(2, 10).brings(hotfix(5))], vec![], &[(1, &["hotfix"])]),
        (
            "both, in their order",
            vec![good(1, 0), good(2, 10).brings(hotfix(5)).brings(revert(6))],
            vec![],
            &[(1, &["revert", "hotfix"])],
        ),
        (
            "two of a kind are one reason",
            vec![good(1, 0), good(2, 10).brings(hotfix(5)).brings(hotfix(6))],
            vec![],
            &[(1, &["hotfix"])],
        ),
        ("after exactly 48 hours", vec![good(1, 0), good(2, limit).brings(revert(5))], vec![], &[(1, &["revert"])]),
        ("a second later it is none", vec![good(1, 0), good(2, limit + 1).brings(revert(5))], vec![], none),
        (
            "only the newest before it",
            vec![good(1, 0), good(2, 10), good(3, 20).brings(revert(5))],
            vec![],
            &[(2, &["revert"])],
        ),
        (
            "which may be a fix",
            vec![good(1, 0), good(2, 10).brings(hotfix(5)), good(3, 20).brings(hotfix(6))],
            vec![],
            &[(1, &["hotfix"]), (2, &["hotfix"])],
        ),
        (
            "listed again it is not brought again",
            vec![good(1, 0).brings(revert(5)), good(2, 10).brings(revert(5))],
            vec![],
            none,
        ),
        (
            "each environment for itself",
            vec![
                good(1, 0).to("eu"),
                good(2, 5).to("us"),
                good(3, 10).to("eu").brings(revert(5)),
                good(4, 15).to("us").brings(revert(5)),
            ],
            vec![],
            &[(1, &["revert"]), (2, &["revert"])],
        ),
        ("a fix in a failed attempt mends nothing", vec![good(1, 0), bad(2, 10).brings(revert(5))], vec![], none),
        ("and one of the first deployment has none before it", vec![good(1, 0).brings(revert(5))], vec![], none),
    ]);
}

#[test]
fn an_incident_belongs_to_the_last_deployment_of_its_project_before_it() {
    let none: &[(u64, &[&str])] = &[];
    check_failures(vec![
        (
            "in the second in which it finished",
            vec![good(1, 10), good(2, 20)],
            vec![incident(1, 10, None)],
            &[(1, &["incident"])],
        ),
        ("up to the next one", vec![good(1, 10), good(2, 20)], vec![incident(1, 19, None)], &[(1, &["incident"])]),
        (
            "with which it belongs to that",
            vec![good(1, 10), good(2, 20)],
            vec![incident(1, 20, None)],
            &[(2, &["incident"])],
        ),
        ("months later", vec![good(1, 10)], vec![incident(1, 100 * DAY, None)], &[(1, &["incident"])]),
        ("before the first it belongs to none", vec![good(1, 10)], vec![incident(1, 9, None)], none),
        (
            "of all environments together",
            vec![good(1, 10).to("eu"), good(2, 20).to("us")],
            vec![incident(1, 30, None)],
            &[(2, &["incident"])],
        ),
        (
            "two of one deployment are one reason",
            vec![good(1, 10)],
            vec![incident(1, 11, None), incident(2, 12, None)],
            &[(1, &["incident"])],
        ),
        (
            "beside the others it is the last reason",
            vec![good(1, 0).of("a"), good(2, 10).of("b"), good(3, 30).of("a").brings(revert(5))],
            vec![incident(1, 20, None)],
            &[(2, &["rollback", "revert", "incident"])],
        ),
        ("of a project that deploys nothing it has no owner", vec![], vec![incident(1, 5, None)], none),
        ("a failed attempt owns none", vec![bad(1, 10)], vec![incident(1, 11, None)], none),
    ]);
}

#[test]
fn marks_of_a_fix_are_whole_words_as_they_are_written() {
    let marks = |title: &str, label: &str, branch: &str| {
        let marks = FixMarks::read(title, &[label.to_owned()], Some(branch));
        (marks.is_revert, marks.is_hotfix)
    };
    let cases = [
        ("a revert", marks("Revert \"Add cache\"", "", ""), (true, false)),
        ("a revert of a revert, too: a known limit", marks("Revert \"Revert \"Add cache\"\"", "", ""), (true, false)),
        ("written otherwise", marks("revert \"Add cache\"", "", ""), (false, false)),
        ("without the quote", marks("Revert cache", "", ""), (false, false)),
        ("not at the beginning", marks("Draft: Revert \"Add cache\"", "", ""), (false, false)),
        ("the label", marks("x", "hotfix", ""), (false, true)),
        ("in any case", marks("x", "HotFix", ""), (false, true)),
        ("part of a label is none", marks("x", "hotfix::done", ""), (false, false)),
        ("the branch", marks("x", "", "hotfix/login"), (false, true)),
        ("with a dash", marks("x", "", "hotfix-login"), (false, true)),
        ("in another case", marks("x", "", "Hotfix/login"), (false, false)),
        ("the word alone", marks("x", "", "hotfix"), (false, false)),
        ("a longer word", marks("x", "", "hotfixes/login"), (false, false)),
    ];
    for (sentence, found, expected) in cases {
        assert_eq!(found, expected, "{sentence}");
    }
}

#[test]
fn what_did_not_fail_is_pending_for_48_hours() {
    let now = START + 100 * HOUR;
    let at = |age: i64| 100 * HOUR - age;
    let pending = |known: ProjectDeliveries| counted(&known, now).pending.into_iter().collect::<Vec<_>>();
    let cases = [
        ("exactly 48 hours old", begun(vec![good(1, at(48 * HOUR))], vec![]), vec![]),
        ("a second younger", begun(vec![good(1, at(48 * HOUR - 1))], vec![]), vec![1]),
        ("finished at this moment", begun(vec![good(1, at(0))], vec![]), vec![1]),
        ("finished later: not known", begun(vec![good(1, at(-1))], vec![]), vec![]),
        ("failed already", begun(vec![good(1, at(HOUR))], vec![incident(1, at(60), None)]), vec![]),
        (
            "an incident of later is not known",
            begun(vec![good(1, at(HOUR))], vec![incident(1, at(-60), None)]),
            vec![1],
        ),
    ];
    for (sentence, known, expected) in cases {
        assert_eq!(pending(known), expected, "{sentence}");
    }
    let young = counted(&begun(vec![good(1, at(HOUR))], vec![]), now);
    assert_eq!((young.judged(), young.change_fail_rate(), young.rework_rate()), (0, None, Some(0.0)));
}

#[test]
fn successes_of_one_pipeline_are_one_deployment() {
    let known = |events: Vec<ProductionEvent>| -> Vec<(u64, i64)> {
        let verdicts = judge(&begun(events, vec![]), rules(LATE));
        verdicts.deployments.iter().map(|one| (one.id, one.finished_at - START)).collect()
    };
    let limit = HOTFIX_WINDOW;
    let cases = [
        ("the last one counts", vec![good(1, 0).piped(9), good(2, 20).piped(9)], vec![(2, 20)]),
        ("48 hours after", vec![good(1, 0).piped(9), good(2, limit).piped(9)], vec![(2, limit)]),
        (
            "a second later it is another",
            vec![good(1, 0).piped(9), good(2, limit + 1).piped(9)],
            vec![(1, 0), (2, limit + 1)],
        ),
        (
            "each follows the one before",
            vec![good(1, 0).piped(9), good(2, limit).piped(9), good(3, 2 * limit).piped(9)],
            vec![(3, 2 * limit)],
        ),
        (
            "another success lies between",
            vec![good(1, 0).piped(9), good(2, 10).piped(8), good(3, 20).piped(9)],
            vec![(1, 0), (2, 10), (3, 20)],
        ),
        (
            "a failed attempt between changes nothing",
            vec![good(1, 0).piped(9), bad(2, 10).piped(8), good(3, 20).piped(9)],
            vec![(3, 20)],
        ),
        (
            "a success elsewhere between changes nothing",
            vec![good(1, 0).piped(9), good(2, 10).piped(8).to("us"), good(3, 20).piped(9)],
            vec![(2, 10), (3, 20)],
        ),
        ("an unknown pipeline is none", vec![good(1, 0).piped(0), good(2, 20).piped(0)], vec![(1, 0), (2, 20)]),
        (
            "of two environments they are two",
            vec![good(1, 0).piped(9), good(2, 20).piped(9).to("us")],
            vec![(1, 0), (2, 20)],
        ),
        ("of one second the number decides", vec![good(2, 0).piped(9), good(1, 0).piped(9)], vec![(2, 0)]),
    ];
    for (sentence, events, expected) in cases {
        assert_eq!(known(events), expected, "{sentence}");
    }
    let both =
        begun(vec![good(1, 0).piped(9).brings(change(1, -60)), good(2, 20).piped(9).brings(change(2, -60))], vec![]);
    assert_eq!(counted(&both, LATE).lead.count(), 2, "the merge requests of all");
    assert_eq!(counted(&both, LATE).gitlab_counts(), (0, 2), "GitLab merges nothing");
}

#[test]
fn a_lead_time_is_that_of_the_first_deployment() {
    let later = |iid: u64| BroughtMerge { merged_at: None, ..change(iid, 0) };
    let leads = |events: Vec<ProductionEvent>, is_begun: bool| -> Vec<(u64, LeadTime)> {
        let mut known = begun(events, vec![]);
        if !is_begun {
            known.begun_before.clear();
        }
        let verdicts = judge(&known, rules(LATE));
        let leads = verdicts.deployments.iter().flat_map(|one| &one.leads);
        leads.map(|lead| (lead.merge.iid, lead.from_merge)).collect()
    };
    let seconds = LeadTime::Seconds;
    let cases = [
        ("from merge to deployment", leads(vec![good(1, 60).brings(change(5, 0))], true), vec![(5, seconds(60))]),
        ("0 seconds are a value", leads(vec![good(1, 60).brings(change(5, 60))], true), vec![(5, seconds(0))]),
        ("merged later", leads(vec![good(1, 60).brings(change(5, 61))], true), vec![(5, LeadTime::Negative)]),
        ("not known when", leads(vec![good(1, 60).brings(later(5))], true), vec![(5, LeadTime::MissingMergedAt)]),
        (
            "of a baseline, even if it was merged later",
            leads(vec![good(1, 60).brings(change(5, 61))], false),
            vec![(5, LeadTime::Baseline)],
        ),
        (
            "deployed again",
            leads(vec![good(1, 60).brings(change(5, 0)), good(2, 90).brings(change(5, 0))], true),
            vec![(5, seconds(60))],
        ),
        (
            "in the environment where it came first",
            leads(vec![good(1, 90).brings(change(5, 0)), good(2, 60).to("us").brings(change(5, 0))], true),
            vec![(5, seconds(60))],
        ),
        (
            "each environment has its own baseline",
            leads(vec![good(1, 0), good(2, 30).to("us").brings(change(5, 0)), good(3, 60).brings(change(6, 0))], false),
            vec![(5, LeadTime::Baseline), (6, seconds(60))],
        ),
        (
            "a failed attempt stops no clock",
            leads(vec![bad(1, 30).brings(change(5, 0)), good(2, 60).brings(change(5, 0))], true),
            vec![(5, seconds(60))],
        ),
    ];
    for (sentence, found, expected) in cases {
        assert_eq!(found, expected, "{sentence}");
    }
}

#[test]
fn failed_attempts_make_streaks_and_no_change_failures() {
    type Streak = (u64, Option<Option<i64>>);
    let streaks = |events: Vec<ProductionEvent>| -> Vec<Streak> {
        let verdicts = judge(&begun(events, vec![]), rules(LATE));
        assert!(verdicts.deployments.iter().all(|one| one.proofs.is_empty()));
        verdicts.attempts.iter().map(|one| (one.id, one.streak.map(|end| end.map(|at| at - START)))).collect()
    };
    let cases = [
        ("over with the next deployment", vec![bad(1, 0), good(2, 10)], vec![(1, Some(Some(10)))]),
        ("the first one begins it", vec![bad(1, 0), bad(2, 5), good(3, 10)], vec![(1, Some(Some(10))), (2, None)]),
        (
            "a success between ends it",
            vec![bad(1, 0), good(2, 5), bad(3, 7)],
            vec![(1, Some(Some(5))), (3, Some(None))],
        ),
        ("another environment ends nothing", vec![bad(1, 0), good(2, 5).to("us")], vec![(1, Some(None))]),
        ("nor is its failure part of it", vec![bad(1, 0), bad(2, 5).to("us")], vec![(1, Some(None)), (2, Some(None))]),
        (
            "of one second the number decides",
            vec![good(2, 0), bad(3, 0), bad(1, 0)],
            vec![(1, Some(Some(0))), (3, Some(None))],
        ),
    ];
    for (sentence, events, expected) in cases {
        assert_eq!(streaks(events), expected, "{sentence}");
    }
}

#[test]
fn the_earliest_remedy_counts_and_none_is_no_value() {
    let recoveries = |events: Vec<ProductionEvent>, incidents: Vec<ProductionIncident>, now: i64| {
        let of = counted(&begun(events, incidents), now);
        (of.recoveries.into_iter().collect::<Vec<_>>(), of.open_failures.into_iter().collect::<Vec<_>>())
    };
    let back = || vec![good(1, 0).of("a"), good(2, 10).of("b"), good(3, 100).of("a")];
    let now = START + 1000;
    let cases = [
        ("the rollback", recoveries(back(), vec![], now), (vec![(2, 90)], vec![])),
        (
            "an incident that was closed before",
            recoveries(back(), vec![incident(1, 20, Some(50))], now),
            (vec![(2, 40)], vec![]),
        ),
        ("or later", recoveries(back(), vec![incident(1, 20, Some(500))], now), (vec![(2, 90)], vec![])),
        ("an incident that is open", recoveries(vec![good(1, 0)], vec![incident(1, 20, None)], now), (vec![], vec![1])),
        (
            "one that is closed later than now is open",
            recoveries(vec![good(1, 0)], vec![incident(1, 20, Some(1001))], now),
            (vec![], vec![1]),
        ),
        (
            "closed at this very moment",
            recoveries(vec![good(1, 0)], vec![incident(1, 20, Some(1000))], now),
            (vec![(1, 1000)], vec![]),
        ),
        (
            "the next deployment is no remedy by itself",
            recoveries(vec![good(1, 0), good(2, 50)], vec![incident(1, 20, None)], now),
            (vec![], vec![1]),
        ),
    ];
    for (sentence, found, expected) in cases {
        assert_eq!(found, expected, "{sentence}");
    }
}

#[test]
fn a_window_has_its_first_moment_and_not_its_end() {
    let window = TimeWindow { from: START, to: START + DAY };
    let known = begun(
        vec![good(1, -1), good(2, 0), good(3, DAY - 1), good(4, DAY), bad(5, 0), bad(6, DAY)],
        vec![incident(1, -1, Some(0)), incident(2, 0, Some(DAY))],
    );
    let of = DoraMeasures::of(&[&judge(&known, rules(LATE))], window);
    assert_eq!((of.deployments, of.failed_attempts), (2, 1));
    assert_eq!((of.gitlab_counts(), of.restored()), ((1, 2), 1));
    assert_eq!(of.days.len(), 1);
}

#[test]
fn pipelines_count_only_where_no_deployment_is_known() {
    let with = |deployments: Vec<ProductionEvent>, pipelines: Vec<ProductionEvent>| ProjectDeliveries {
        deployments,
        pipelines,
        ..ProjectDeliveries::default()
    };
    let basis = |known: ProjectDeliveries, now: i64| judge(&known, rules(now)).basis;
    let cases = [
        ("none of either", with(vec![], vec![]), DoraBasis::Deployments),
        ("pipelines alone", with(vec![], vec![good(1, 0)]), DoraBasis::Pipelines),
        ("a failed deployment is one", with(vec![bad(1, 0)], vec![good(2, 0)]), DoraBasis::Deployments),
        (
            "long ago, too: a quiet window is quiet",
            with(vec![good(1, -900 * DAY)], vec![good(2, 0)]),
            DoraBasis::Deployments,
        ),
        (
            "one that finishes later is not known",
            with(vec![good(1, 400 * DAY)], vec![good(2, 0)]),
            DoraBasis::Pipelines,
        ),
    ];
    for (sentence, known, expected) in cases {
        assert_eq!(basis(known, LATE), expected, "{sentence}");
    }
    let twice = with(vec![], vec![good(1, 0).piped(7).brings(change(1, -60)), good(2, 10).piped(7)]);
    let of = counted(&twice, LATE);
    assert_eq!((of.deployments, of.dropped_baseline, of.lead.count()), (2, 0, 1), "nothing is merged, no baseline");
}

#[test]
fn environments_of_one_name_in_two_projects_are_two() {
    let one = judge(&begun(vec![good(1, 0).of("a"), good(2, 10).of("b")], vec![]), rules(LATE));
    let other = judge(&begun(vec![good(3, 20).of("a")], vec![incident(1, 30, None)]), rules(LATE));
    let of = DoraMeasures::of(&[&one, &other], all_time());
    assert_eq!(of.failures, BTreeMap::from([(3, vec!["incident"])]), "no rollback of the other project's");
}

/// Both are judged apart, and counted together.
fn pooled(projects: &[&ProjectVerdicts]) -> DoraMeasures {
    DoraMeasures::of(projects, all_time())
}

#[test]
fn a_group_is_counted_from_values_not_from_medians() {
    let of = |id: u64, leads: &[i64]| {
        let event =
            leads.iter().zip(1..).fold(good(id, DAY), |event, (lead, iid)| event.brings(change(iid, DAY - lead)));
        judge(&begun(vec![event], vec![]), rules(LATE))
    };
    let (one, other) = (of(1, &[10]), of(2, &[20, 30, 40, 50]));
    assert_eq!(pooled(&[&one, &other]).lead.median(), Some(30.0), "not 22.5");
}
