//! Every measure by hand, and rules that hold for all facts.

mod actionability;
mod laws;

use super::example::{DAY, START, counted, plan, project, study, ten_days};
use super::plan::{StatsBy, StatsPlan};
use super::study::StudyGroup;
use super::tally::{CoverageTally, RunTally};
use super::{CostRates, SecondsSpent, Spread};
use crate::domain::pipeline::RefKind;
use crate::domain::runs::{AttemptEnd, ProjectRuns};
use crate::domain::selection::RefSelector;
use crate::domain::status::Status;

use AttemptEnd::{Canceled, Failed, Success};

type Facts = fn(&mut ProjectRuns);

fn of(facts: Facts) -> RunTally {
    let mut runs = project(1, "acme/api");
    facts(&mut runs);
    counted(runs)
}

#[test]
fn the_success_rate_is_of_pipelines_that_passed_or_failed() {
    let cases: [(&str, Facts, Option<f64>, u64); 7] = [
        ("nothing is known", |_| {}, None, 0),
        ("one passed", |p| _ = p.pipeline(1, 0, Status::Success), Some(1.0), 1),
        ("one failed", |p| _ = p.pipeline(1, 0, Status::Failed), Some(0.0), 1),
        (
            "what was canceled, skipped, waits or runs is no verdict",
            |p| {
                let others = [Status::Success, Status::Canceled, Status::Skipped, Status::Manual, Status::Running];
                for (id, status) in (1..).zip(others) {
                    p.pipeline(id, 0, status);
                }
            },
            Some(1.0),
            5,
        ),
        (
            "a word that this version does not know is no verdict",
            |p| _ = p.pipeline(1, 0, Status::Other("quarantined".into())),
            None,
            1,
        ),
        ("before the window", |p| _ = p.pipeline(1, -1, Status::Success), None, 0),
        (
            "its end does not belong to it, its begin does",
            |p| {
                p.pipeline(1, 0, Status::Success);
                p.pipeline(2, 10 * DAY, Status::Failed);
            },
            Some(1.0),
            1,
        ),
    ];
    for (sentence, facts, rate, pipelines) in cases {
        let tally = of(facts);
        assert_eq!((tally.success_rate(), tally.pipelines), (rate, pipelines), "{sentence}");
    }
}

#[test]
fn a_green_pipeline_with_a_job_that_failed_has_a_warning() {
    let cases: [(&str, Facts, u64); 3] = [
        ("a failure that was allowed", |p| p.job(1, 10, "lint", Failed).allow_failure = true, 1),
        (
            "repaired by another attempt",
            |p| {
                p.job(1, 10, "lint", Failed).allow_failure = true;
                p.job(1, 11, "lint", Success).allow_failure = true;
            },
            0,
        ),
        ("all passed", |p| _ = p.job(1, 10, "lint", Success), 0),
    ];
    for (sentence, facts, expected) in cases {
        let mut runs = project(1, "acme/api");
        runs.pipeline(1, 0, Status::Success);
        facts(&mut runs);
        assert_eq!(counted(runs).warning, expected, "{sentence}");
    }
}

/// Failures, seconds of these, and failures that were never run again.
#[test]
fn a_failure_is_flaky_where_the_job_passed_on_the_same_commit() {
    fn same_commit(p: &mut ProjectRuns, id: u64, at: i64) {
        p.pipeline(id, at, Status::Failed).sha = Some("one".into());
    }
    let cases: [(&str, Facts, (u64, u64, u64)); 12] = [
        (
            "it passed when it was run again",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                p.job(1, 11, "e2e", Success);
            },
            (1, 60, 0),
        ),
        (
            "it passed in another pipeline of the commit",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                same_commit(p, 2, DAY);
                p.job(2, 20, "e2e", Success);
            },
            (1, 60, 0),
        ),
        (
            "it had passed before",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Success);
                same_commit(p, 2, DAY);
                p.job(2, 20, "e2e", Failed);
            },
            (1, 60, 1),
        ),
        (
            "it failed twice before it passed",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                p.job(1, 11, "e2e", Failed);
                p.job(1, 12, "e2e", Success);
            },
            (2, 120, 0),
        ),
        (
            "it was never run again: not known",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
            },
            (0, 0, 1),
        ),
        (
            "it failed again: run again, and not flaky",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                p.job(1, 11, "e2e", Failed);
            },
            (0, 0, 1),
        ),
        (
            "another job passed",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                p.job(1, 11, "unit", Success);
            },
            (0, 0, 1),
        ),
        (
            "another commit passed",
            |p| {
                p.pipeline(1, 0, Status::Failed);
                p.job(1, 10, "e2e", Failed);
                p.pipeline(2, DAY, Status::Success);
                p.job(2, 20, "e2e", Success);
            },
            (0, 0, 1),
        ),
        (
            "two commits that are not known are not the same",
            |p| {
                p.pipeline(1, 0, Status::Failed).sha = None;
                p.job(1, 10, "e2e", Failed);
                p.pipeline(2, DAY, Status::Success).sha = None;
                p.job(2, 20, "e2e", Success);
            },
            (0, 0, 1),
        ),
        (
            "within one pipeline the commit is the same, known or not",
            |p| {
                p.pipeline(1, 0, Status::Failed).sha = None;
                p.job(1, 10, "e2e", Failed);
                p.job(1, 11, "e2e", Success);
            },
            (1, 60, 0),
        ),
        (
            "it passed 15 days later: too far",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                same_commit(p, 2, 15 * DAY);
                p.job(2, 20, "e2e", Success);
            },
            (0, 0, 0),
        ),
        (
            "the runner failed, not the job",
            |p| {
                same_commit(p, 1, 0);
                p.job(1, 10, "e2e", Failed);
                p.reason("runner_system_failure");
                p.job(1, 11, "e2e", Success);
            },
            (0, 0, 0),
        ),
    ];
    for (sentence, facts, expected) in cases {
        let tally = of(facts);
        let found = (tally.flaky_failures(), tally.flaky_seconds(), tally.never_rerun());
        assert_eq!(found, expected, "{sentence}");
    }
}

#[test]
fn flaky_jobs_are_ranked_by_the_time_that_they_cost() {
    let tally = of(|p| {
        for (pipeline, (name, seconds)) in (1..).zip([("short", 10), ("long", 1000), ("middle", 100), ("fine", 0)]) {
            p.pipeline(pipeline, 0, Status::Success);
            let failed = if seconds > 0 { Failed } else { Success };
            p.job(pipeline, pipeline * 10, name, failed).duration = Some(seconds);
            p.job(pipeline, pipeline * 10 + 1, name, Success);
        }
    });
    let names: Vec<&str> = tally.flaky_jobs().into_iter().map(|(key, _)| &*key.name).collect();
    assert_eq!(names, ["long", "middle", "short"]);
}

#[test]
fn a_green_job_that_is_run_again_is_counted() {
    let cases: [(&str, Facts, (u64, u64)); 3] = [
        (
            "a failure that is run again is none",
            |p| {
                p.job(1, 10, "unit", Failed);
                p.job(1, 11, "unit", Success);
            },
            (0, 0),
        ),
        (
            "a success that is run twice more",
            |p| {
                p.job(1, 10, "unit", Success);
                p.job(1, 11, "unit", Success);
                p.job(1, 12, "unit", Failed);
            },
            (2, 120),
        ),
        (
            "jobs of other names are not its attempts",
            |p| {
                p.job(1, 10, "unit 1/2", Success);
                p.job(1, 11, "unit 2/2", Success);
            },
            (0, 0),
        ),
    ];
    for (sentence, facts, expected) in cases {
        let mut runs = project(1, "acme/api");
        runs.pipeline(1, 0, Status::Success);
        facts(&mut runs);
        let tally = counted(runs);
        assert_eq!((tally.green_reruns, tally.green_rerun_seconds), expected, "{sentence}");
    }
}

#[test]
fn a_pipeline_takes_what_gitlab_says_or_what_its_jobs_took() {
    let cases: [(&str, Facts, &[u64]); 7] = [
        ("GitLab's duration", |p| p.pipeline(1, 0, Status::Success).course.duration = Some(42), &[42]),
        ("0 is a duration", |p| p.pipeline(1, 0, Status::Success).course.duration = Some(0), &[0]),
        (
            "its jobs: two at once are counted once, a pause is not",
            |p| {
                p.pipeline(1, 0, Status::Success).course.duration = None;
                p.job(1, 10, "a", Success).ran(0, 60);
                p.job(1, 11, "b", Success).ran(30, 100);
                p.job(1, 12, "c", Success).ran(5000, 5010);
            },
            &[110],
        ),
        ("without jobs: from start to end", |p| p.pipeline(1, 0, Status::Failed).course.duration = None, &[100]),
        (
            "a clock that jumped gives no time",
            |p| {
                let course = &mut p.pipeline(1, 0, Status::Success).course;
                (course.duration, course.finished_at) = (None, Some(START - 7));
            },
            &[],
        ),
        (
            "nothing is known",
            |p| {
                let course = &mut p.pipeline(1, 0, Status::Success).course;
                (course.duration, course.finished_at) = (None, None);
            },
            &[],
        ),
        ("one that was canceled says nothing about how long it takes", |p| _ = p.pipeline(1, 0, Status::Canceled), &[]),
    ];
    for (sentence, facts, expected) in cases {
        assert_eq!(of(facts).durations(), expected, "{sentence}");
    }
}

#[test]
fn less_than_ten_minutes_is_prompt() {
    let with = |seconds: &[u64]| {
        let mut runs = project(1, "acme/api");
        for (id, seconds) in (1..).zip(seconds) {
            runs.pipeline(id, 0, Status::Success).course.duration = Some(*seconds);
        }
        counted(runs).prompt_share()
    };
    assert_eq!(with(&[]), None);
    assert_eq!(with(&[599, 600, 1, 5000]), Some(0.5));
}

#[test]
fn time_in_the_queue_is_told_or_measured() {
    let cases: [(&str, Facts, &[u64]); 3] = [
        ("told", |p| _ = p.pipeline(1, 0, Status::Success), &[10]),
        (
            "from creation to start",
            |p| {
                let course = &mut p.pipeline(1, 0, Status::Success).course;
                (course.queued, course.started_at) = (None, Some(START + 33));
            },
            &[33],
        ),
        (
            "not known",
            |p| {
                let course = &mut p.pipeline(1, 0, Status::Success).course;
                (course.queued, course.started_at) = (None, None);
            },
            &[],
        ),
    ];
    for (sentence, facts, expected) in cases {
        assert_eq!(of(facts).queues, expected, "{sentence}");
    }
    let jobs = of(|p| {
        p.pipeline(1, 0, Status::Success);
        p.job(1, 10, "unit", Success);
        p.job(1, 11, "lint", Success).queued = None;
    });
    assert_eq!(jobs.job_queues, [5], "a job's time is known or not known: it is created long before its turn");
}

/// The path as name, running time and waiting time.
#[test]
fn the_critical_path_leads_from_the_last_end_back_to_the_creation() {
    type Path<'a> = &'a [(&'a str, u64, u64)];
    let cases: [(&str, Facts, Path<'_>); 7] = [
        ("one job", |p| _ = p.job(1, 10, "build", Success).ran(10, 70), &[("build", 60, 5)]),
        (
            "the longer of two, then what waited for it",
            |p| {
                p.job(1, 10, "lint", Success).ran(10, 20);
                p.job(1, 11, "unit", Success).ran(10, 100);
                p.job(1, 12, "deploy", Success).ran(103, 110);
            },
            &[("deploy", 7, 3), ("unit", 90, 5)],
        ),
        (
            "where the queue is not known, the gap is the wait",
            |p| {
                p.job(1, 10, "build", Success).ran(10, 70).queued = None;
                p.job(1, 11, "deploy", Success).ran(570, 580).queued = None;
            },
            &[("deploy", 10, 500), ("build", 60, 10)],
        ),
        (
            "where it is known, the rest of the gap is a person's",
            |p| {
                p.job(1, 10, "build", Success).ran(10, 70);
                p.job(1, 11, "deploy", Success).ran(570, 580);
            },
            &[("build", 60, 5), ("deploy", 10, 5)],
        ),
        (
            "a job that was run again is on it twice, and is one job",
            |p| {
                p.job(1, 10, "unit", Failed).ran(10, 70);
                p.job(1, 11, "unit", Success).ran(75, 135);
            },
            &[("unit", 120, 10)],
        ),
        (
            "jobs that took no time do not hold it up",
            |p| {
                p.job(1, 10, "a", Success).ran(10, 10);
                p.job(1, 11, "b", Success).ran(10, 10);
            },
            &[("a", 0, 5), ("b", 0, 0)],
        ),
        (
            "a time is missing: no path",
            |p| {
                p.job(1, 10, "build", Success);
                p.job(1, 11, "deploy", Success).finished_at = None;
            },
            &[],
        ),
    ];
    for (sentence, facts, expected) in cases {
        let mut runs = project(1, "acme/api");
        runs.pipeline(1, 0, Status::Success);
        facts(&mut runs);
        let tally = counted(runs);
        let mut path: Vec<(&str, u64, u64)> =
            tally.path_jobs().into_iter().map(|(key, job)| (&*key.name, job.path_run, job.path_wait)).collect();
        let mut expected = expected.to_vec();
        path.sort_unstable();
        expected.sort_unstable();
        assert_eq!(path, expected, "{sentence}");
        let whole: u64 = expected.iter().map(|(_, run, wait)| run + wait).sum();
        assert_eq!(tally.paths, if expected.is_empty() { vec![] } else { vec![whole] }, "{sentence}");
        assert!(tally.path_jobs().iter().all(|(_, job)| job.on_path == 1), "{sentence}");
    }
}

#[test]
fn slowest_jobs_are_those_that_usually_take_longest() {
    let tally = of(|p| {
        for id in 1..=3 {
            p.pipeline(id, 0, Status::Success);
            p.job(id, id * 10, "steady", Success).duration = Some(50);
            p.job(id, id * 10 + 1, "once slow", Success).duration = Some(if id == 1 { 1000 } else { 1 });
            // How long a failure took says nothing about how long the job takes.
            p.job(id, id * 10 + 2, "hangs", Failed).duration = Some(9000);
        }
    });
    let names: Vec<&str> = tally.slowest_jobs().into_iter().map(|(key, _)| &*key.name).collect();
    assert_eq!(names, ["steady", "once slow"]);
    assert_eq!(tally.slowest_stages().len(), 1);
}

#[test]
fn minutes_for_nothing_are_counted_once_each() {
    let spent = |all, retried, canceled, superseded| SecondsSpent { all, retried, canceled, superseded };
    fn overtaken(p: &mut ProjectRuns) {
        p.pipeline(1, 0, Status::Success);
        p.pipeline(2, 50, Status::Success);
    }
    let cases: [(&str, Facts, Option<SecondsSpent>); 11] = [
        ("no attempt is known", |p| _ = p.pipeline(1, 0, Status::Success), None),
        (
            "one that passed",
            |p| {
                p.pipeline(1, 0, Status::Success);
                p.job(1, 10, "unit", Success);
            },
            Some(spent(60, 0, 0, 0)),
        ),
        (
            "one that was run again",
            |p| {
                p.pipeline(1, 0, Status::Success);
                p.job(1, 10, "unit", Failed);
                p.job(1, 11, "unit", Success);
            },
            Some(spent(120, 60, 0, 0)),
        ),
        (
            "one that was canceled, and one that was canceled before it began",
            |p| {
                p.pipeline(1, 0, Status::Canceled);
                p.job(1, 10, "unit", Canceled);
                let never = p.job(1, 11, "lint", Canceled);
                (never.started_at, never.duration) = (None, None);
            },
            Some(spent(60, 0, 60, 0)),
        ),
        (
            "a newer commit came while it ran",
            |p| {
                overtaken(p);
                p.job(1, 10, "unit", Success);
            },
            Some(spent(60, 0, 0, 60)),
        ),
        (
            "canceled because a newer commit came: canceled",
            |p| {
                overtaken(p);
                p.job(1, 10, "unit", Canceled);
            },
            Some(spent(60, 0, 60, 0)),
        ),
        (
            "the newer one has the same commit",
            |p| {
                overtaken(p);
                p.pipelines[1].sha = p.pipelines[0].sha.clone();
                p.job(1, 10, "unit", Success);
            },
            Some(spent(60, 0, 0, 0)),
        ),
        (
            "the newer one came when it had ended",
            |p| {
                p.pipeline(1, 0, Status::Success);
                p.pipeline(2, 110, Status::Success);
                p.job(1, 10, "unit", Success);
            },
            Some(spent(60, 0, 0, 0)),
        ),
        (
            "the newer one is on another ref",
            |p| {
                overtaken(p);
                p.pipelines[1].ref_name = "other".into();
                p.job(1, 10, "unit", Success);
            },
            Some(spent(60, 0, 0, 0)),
        ),
        (
            "a schedule overtakes nothing",
            |p| {
                overtaken(p);
                p.pipelines[1].source = Some("schedule".into());
                p.job(1, 10, "unit", Success);
            },
            Some(spent(60, 0, 0, 0)),
        ),
        (
            "bridges and statuses of other systems run on no runner",
            |p| {
                p.pipeline(1, 0, Status::Success);
                p.job(1, 10, "unit", Success);
                p.job(1, 11, "child", Success).kind = crate::domain::job::JobKind::Bridge;
                p.job(1, 12, "jenkins", Failed).kind = crate::domain::job::JobKind::External;
            },
            Some(spent(60, 0, 0, 0)),
        ),
    ];
    for (sentence, facts, expected) in cases {
        assert_eq!(of(facts).seconds(), expected, "{sentence}");
    }
}

#[test]
fn summed_time_and_time_by_the_clock_are_two_numbers() {
    let tally = of(|p| {
        p.pipeline(1, 0, Status::Success);
        for id in 10..13 {
            p.job(1, id, &format!("part {id}"), Success);
        }
        p.pipeline(2, DAY, Status::Canceled);
    });
    assert_eq!((tally.seconds().map(|spent| spent.all), tally.wall_seconds()), (Some(180), Some(200)));
    let untimed = of(|p| {
        p.pipeline(1, 0, Status::Success);
        let attempt = p.job(1, 10, "unit", Success);
        (attempt.duration, attempt.finished_at) = (None, attempt.started_at.map(|at| at - 9));
    });
    assert_eq!((untimed.untimed, untimed.seconds()), (1, None), "a clock that jumped: the time is not known, not 0");
}

#[test]
fn a_price_is_counted_by_tags() {
    let tally = of(|p| {
        p.pipeline(1, 0, Status::Success);
        p.job(1, 10, "train", Failed);
        p.tags("gpu\nlinux");
        p.job(1, 11, "train", Success);
        p.tags("gpu\nlinux");
        p.job(1, 12, "unit", Success);
    });
    let rates = CostRates { price_per_minute: 2.0, factors: [("gpu".to_owned(), 5.0)].into() };
    assert_eq!(rates.price(&tally.spent, |spent| spent.all), 22.0);
    assert_eq!(rates.price(&tally.spent, |spent| spent.retried), 10.0);
}

#[test]
fn a_ref_chooses_what_is_counted_but_not_what_is_evidence() {
    let mut runs = project(1, "acme/api");
    runs.pipeline(1, 0, Status::Failed);
    runs.job(1, 10, "e2e", Failed);
    let request = runs.pipeline(2, 500, Status::Success);
    (request.ref_name, request.ref_kind, request.sha) = ("!7".into(), RefKind::MergeRequest, Some("commit 1".into()));
    runs.job(2, 20, "e2e", Success);
    let plan = StatsPlan::new(ten_days(), StatsBy::Project, vec![RefSelector::Default]);
    let tally = study(&[runs], &plan).pooled.now;
    assert_eq!((tally.pipelines, tally.flaky_failures()), (1, 1));
}

#[test]
fn the_day_on_which_a_window_ends_is_whole_where_a_backfill_came_that_far() {
    let end = ten_days().to;
    for (sentence, filled_until, with_gaps) in [
        ("none", None, 1),
        ("yesterday", Some(end - 24 * 3600), 1),
        ("two hours before", Some(end - 7200), 1),
        ("a minute before", Some(end - 60), 0),
        ("after it", Some(end + 60), 0),
    ] {
        let mut runs = project(1, "acme/api");
        runs.covered(0..9, true);
        runs.covered([9], false);
        runs.filled_until = filled_until;
        assert_eq!(counted(runs).coverage().with_gaps, with_gaps, "{sentence}");
    }
}

#[test]
fn coverage_says_of_how_many_days_something_is_known() {
    let mut runs = project(1, "acme/api");
    runs.covered([-3, 0, 1, 2, 20], false);
    runs.covered([5, 6], true);
    // Once for each day, whatever is written twice.
    runs.covered([5], true);
    let known = CoverageTally { days: 10, missing: 5, with_gaps: 3 };
    let tally = counted(runs.clone());
    assert_eq!((tally.coverage(), tally.projects_with_gaps()), (known, 1));
    let mut other = project(2, "acme/web");
    other.covered(0..10, true);
    let both = study(&[runs, other], &plan(StatsBy::Project)).pooled.now;
    assert_eq!((both.coverage().days, both.coverage().missing, both.projects_with_gaps()), (20, 5, 1));
}

#[test]
fn weeks_begin_on_monday_and_subgroups_are_paths_above() {
    let mut runs = project(1, "acme/payments/api");
    for (id, day) in (1..).zip([0, 6, 7, 9]) {
        runs.pipeline(id, day * DAY + 5, Status::Success);
    }
    let other = project(2, "acme/payments/web");
    let single = project(3, "alone");
    let facts = [runs, other, single];
    let counts = |by: StatsBy| -> Vec<(StudyGroup, u64)> {
        let groups = study(&facts, &plan(by)).groups;
        groups.into_iter().map(|(group, tally)| (group, tally.now.pipelines)).collect()
    };
    let week = |day: i64| StudyGroup::Week { from: START + day * DAY };
    assert_eq!(counts(StatsBy::Week), [(week(0), 2), (week(7), 2)]);
    let subgroup = |path: &str| StudyGroup::Subgroup { full_path: path.into() };
    assert_eq!(counts(StatsBy::Subgroup), [(subgroup(""), 0), (subgroup("acme/payments"), 4)]);
    assert_eq!(counts(StatsBy::Project).len(), 3);
}

#[test]
fn the_window_before_is_as_long_and_is_compared() {
    let mut runs = project(1, "acme/api");
    runs.pipeline(1, -10 * DAY - 1, Status::Success);
    runs.pipeline(2, -10 * DAY, Status::Failed);
    runs.pipeline(3, -1, Status::Success);
    runs.pipeline(4, 0, Status::Success);
    let pooled = study(&[runs], &plan(StatsBy::Project)).pooled;
    let before = pooled.before.unwrap();
    assert_eq!((before.success_rate(), pooled.now.success_rate()), (Some(0.5), Some(1.0)));
    assert_eq!(Spread::of(&before.durations()).map(|spread| spread.count), Some(2));
}

/// Two projects can have had one path, one after the other; a fact can come twice; a project can have no more facts.
#[test]
fn odd_facts_are_rows_and_are_counted_once() {
    let mut gone = project(1, "acme/api");
    gone.pipeline(1, 0, Status::Success);
    gone.job(1, 10, "unit", Success);
    gone.pipelines.push(gone.pipelines[0].clone());
    gone.attempts.push(gone.attempts[0]);
    // A job whose pipeline was removed.
    gone.attempts
        .push(crate::domain::runs::JobAttempt { pipeline: crate::domain::id::PipelineId(99), ..gone.attempts[0] });
    let mut again = project(2, "acme/api");
    again.pipeline(7, 0, Status::Failed);
    let mut undated = project(3, "acme/odd");
    let fact = undated.pipeline(9, 0, Status::Success);
    fact.created_at = None;
    let odd = undated.pipeline(10, 0, Status::Success);
    (odd.created_at, odd.course.started_at) = (None, None);
    (odd.course.finished_at, odd.course.updated_at) = (None, None);
    let study = study(&[gone, again, undated], &plan(StatsBy::Project));
    assert_eq!(study.groups.len(), 3);
    assert_eq!((study.pooled.now.pipelines, study.pooled.now.timed), (3, 1));
}
