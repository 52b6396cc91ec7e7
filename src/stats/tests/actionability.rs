//! Failures: whether they are explained, whose they are, and how long they last.

use super::super::example::{DAY, START, counted, plan, project, study};
use super::super::plan::StatsBy;
use super::super::tally::RunTally;
use super::{Facts, of};
use crate::domain::id::JobId;
use crate::domain::pipeline::RefKind;
use crate::domain::runs::AttemptEnd::{Failed, Success};
use crate::domain::runs::ProjectRuns;
use crate::domain::status::Status;

#[test]
fn a_failure_is_explained_by_a_test_or_a_reason_that_names_a_cause() {
    let cases: [(&str, Facts, Option<f64>); 6] = [
        ("no failure", |_| {}, None),
        ("nothing is said", |p| _ = p.job(1, 10, "unit", Failed), Some(0.0)),
        (
            "the script failed: that says no more",
            |p| {
                p.job(1, 10, "unit", Failed);
                p.reason("script_failure");
            },
            Some(0.0),
        ),
        (
            "a test failed",
            |p| {
                p.job(1, 10, "unit", Failed);
                p.reason("script_failure");
                p.tests.push((JobId(10), "suite::case".into()));
            },
            Some(1.0),
        ),
        (
            "the runner failed",
            |p| {
                p.job(1, 10, "unit", Failed);
                p.reason("runner_system_failure");
            },
            Some(1.0),
        ),
        (
            "a test of another job",
            |p| {
                p.job(1, 10, "unit", Failed);
                p.tests.push((JobId(11), "suite::case".into()));
            },
            Some(0.0),
        ),
    ];
    for (sentence, facts, expected) in cases {
        let mut runs = project(1, "acme/api");
        runs.pipeline(1, 0, Status::Failed);
        facts(&mut runs);
        assert_eq!(counted(runs).explained_share(), expected, "{sentence}");
    }
}

/// A merge request's pipeline whose only job fails, an hour after day 8.
fn request(p: &mut ProjectRuns) {
    let fact = p.pipeline(100, 8 * DAY + 3600, Status::Failed);
    (fact.ref_name, fact.ref_kind) = ("!7".into(), RefKind::MergeRequest);
    p.job(100, 1000, "unit", Failed);
}

/// So many pipelines of the default branch, a day apart, the last on day 8.
fn base(p: &mut ProjectRuns, ends: &[bool]) {
    for (id, is_green) in (1..).zip(ends) {
        let day = 8 - (ends.len() as i64 - id);
        let (status, end) = if *is_green { (Status::Success, Success) } else { (Status::Failed, Failed) };
        p.pipeline(id.unsigned_abs(), day * DAY, status);
        p.job(id.unsigned_abs(), id.unsigned_abs() * 10, "unit", end);
    }
}

fn of_request(tally: &RunTally, ends: &[bool]) -> Option<&'static str> {
    // Those of the base are its own: all but one of what is found.
    let own = ends.iter().filter(|is_green| !**is_green).count() as u64;
    let found = tally.origins.iter().filter(|(origin, _)| origin.word() != "unknown" || own == 0);
    found.map(|(origin, _)| origin.word()).next()
}

#[test]
fn was_it_me_is_judged_for_each_failure_as_explain_judges_it() {
    let green = [true; 5];
    let cases: [(&str, &[bool], Facts, &str); 7] = [
        ("nothing is remembered", &[], |_| {}, "unknown"),
        ("too few passes to rule a flaky job out", &[true; 4], |_| {}, "unknown"),
        ("green where it began, and known not to be flaky", &green, |_| {}, "yours"),
        ("the default branch is broken", &[true, true, true, true, true, false], |_| {}, "already_broken"),
        ("the runner failed", &green, |p| p.reason("runner_system_failure"), "infrastructure"),
        ("it passed when it was run again", &green, |p| _ = p.job(100, 1001, "unit", Success), "flaky"),
        (
            "what is repaired on another commit says nothing",
            &green,
            |p| {
                let fact = p.pipeline(101, 8 * DAY + 7200, Status::Success);
                (fact.ref_name, fact.ref_kind) = ("!7".into(), RefKind::MergeRequest);
                p.job(101, 1010, "unit", Success);
            },
            "yours",
        ),
    ];
    for (sentence, ends, facts, expected) in cases {
        let mut runs = project(1, "acme/api");
        base(&mut runs, ends);
        request(&mut runs);
        facts(&mut runs);
        assert_eq!(of_request(&counted(runs), ends), Some(expected), "{sentence}");
    }
}

/// The flaw that this rule was made against: judged by all that is known today, passes of the weeks after would clear the
/// job, and the failure would be called the person's own.
#[test]
fn passes_that_came_later_do_not_make_an_old_flaky_failure_yours() {
    let mut runs = project(1, "acme/api");
    base(&mut runs, &[true; 7]);
    // Both verdicts on one commit of day 6.
    runs.job(5, 49, "unit", Failed);
    request(&mut runs);
    for id in 0..6 {
        runs.pipeline(200 + id, 9 * DAY + 500 * id.cast_signed(), Status::Success);
        runs.job(200 + id, 2000 + id, "unit", Success);
    }
    let words: Vec<&str> = counted(runs).origins.keys().map(|origin| origin.word()).collect();
    assert_eq!(words, ["flaky"]);
}

#[test]
fn the_same_failure_in_two_other_places_is_everywhere() {
    let with = |others: u64, days_apart: i64| {
        let failing = |id: u64, at: i64| {
            let mut runs = project(id, &format!("acme/p{id}"));
            let fact = runs.pipeline(id * 1000, at, Status::Failed);
            (fact.ref_name, fact.ref_kind) = ("!1".into(), RefKind::MergeRequest);
            runs.job(id * 1000, id * 10_000, "unit", Failed);
            runs.tests.push((JobId(id * 10_000), "sandbox::answers".into()));
            runs
        };
        let others = (2..2 + others).map(|id| failing(id, days_apart * DAY));
        let all: Vec<ProjectRuns> = std::iter::once(failing(1, 0)).chain(others).collect();
        let groups = study(&all, &plan(StatsBy::Project)).groups;
        let first = groups.into_values().next().unwrap().now;
        first.origins.keys().map(|origin| origin.word()).collect::<Vec<_>>()
    };
    assert_eq!(with(1, 0), ["unknown"], "one other place");
    assert_eq!(with(2, 0), ["everywhere"], "two other places");
    assert_eq!(with(2, 3), ["everywhere"], "three days apart");
    assert_eq!(with(2, 4), ["unknown"], "four days apart");
}

/// Who breaks the default branch breaks what is built on it: that does not make it everyone's failure.
#[test]
fn failures_that_build_on_a_broken_branch_are_no_other_places() {
    let mut runs = project(1, "acme/api");
    base(&mut runs, &[true, true, true, true, true, false]);
    runs.tests.push((JobId(60), "suite::total".into()));
    for (id, request) in [(100, "!1"), (101, "!2"), (102, "!3")] {
        let fact = runs.pipeline(id, 8 * DAY + 3600, Status::Failed);
        (fact.ref_name, fact.ref_kind) = (request.into(), RefKind::MergeRequest);
        runs.job(id, id * 10, "unit", Failed);
        runs.tests.push((JobId(id * 10), "suite::total".into()));
    }
    let origins = counted(runs).origins;
    let found: Vec<(&str, u64)> = origins.iter().map(|(origin, count)| (origin.word(), *count)).collect();
    assert_eq!(found, [("already_broken", 3), ("yours", 1)]);
}

#[test]
fn time_to_green_is_from_the_first_red_to_the_next_green_of_a_ref() {
    type Case<'a> = (&'a str, Facts, (&'a [u64], u64));
    let cases: [Case<'_>; 9] = [
        ("always green", |p| _ = p.pipeline(1, 0, Status::Success), (&[], 0)),
        (
            "red, then green an hour later",
            |p| {
                p.pipeline(1, 0, Status::Failed);
                p.pipeline(2, 3600, Status::Success);
            },
            (&[3600], 0),
        ),
        (
            "red three times is one time",
            |p| {
                for (id, at) in (1..).zip([0, 100, 200]) {
                    p.pipeline(id, at, Status::Failed);
                }
                p.pipeline(9, 900, Status::Success);
            },
            (&[900], 0),
        ),
        (
            "canceled and skipped end nothing",
            |p| {
                p.pipeline(1, 0, Status::Failed);
                p.pipeline(2, 100, Status::Canceled);
                p.pipeline(3, 200, Status::Skipped);
                p.pipeline(4, 300, Status::Success);
            },
            (&[300], 0),
        ),
        ("red still: counted, and no time", |p| _ = p.pipeline(1, 0, Status::Failed), (&[], 1)),
        (
            "green on another ref",
            |p| {
                p.pipeline(1, 0, Status::Failed);
                p.pipeline(2, 100, Status::Success).ref_name = "other".into();
            },
            (&[], 1),
        ),
        (
            "what began before the window belongs to the one before",
            |p| {
                p.pipeline(1, -100, Status::Failed);
                p.pipeline(2, 100, Status::Failed);
                p.pipeline(3, 200, Status::Success);
            },
            (&[], 0),
        ),
        (
            "green after the window is known",
            |p| {
                p.pipeline(1, 9 * DAY, Status::Failed);
                p.pipeline(2, 12 * DAY, Status::Success);
            },
            (&[3 * DAY.unsigned_abs()], 0),
        ),
        (
            "a clock that jumped gives no time",
            |p| {
                p.pipeline(1, 0, Status::Failed);
                p.pipeline(2, 100, Status::Success).course.finished_at = Some(START - 5);
            },
            (&[], 0),
        ),
    ];
    for (sentence, facts, (greens, still_red)) in cases {
        let tally = of(facts);
        assert_eq!((tally.greens.as_slice(), tally.still_red), (greens, still_red), "{sentence}");
    }
}
