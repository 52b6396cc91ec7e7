use super::*;
use crate::domain::fact::{FactBatch, JobCourse, JobFact, PipelineFact, ProjectFact, TestFailureFact};
use crate::history::place::HistoryPlace;
use crate::history::store::tests::{job_fact, pipeline_fact};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

const DAY: i64 = SECONDS_PER_DAY;
const API: ProjectId = ProjectId(7);

/// A memory with these facts; the folder lives as long.
fn memory(batch: &FactBatch) -> (TempDir, HistoryStore) {
    let folder = TempDir::new().unwrap();
    let place = HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com");
    let mut store = HistoryStore::open(&place, 0).unwrap();
    let projects = [(API, "acme/api"), (ProjectId(8), "acme/web")].map(|(id, path)| ProjectFact {
        id,
        full_path: path.into(),
        default_branch: Some("main".into()),
        seen_at: 0,
    });
    store.write(&FactBatch { projects: projects.to_vec(), ..batch.clone() }, 0).unwrap();
    (folder, store)
}

/// A pipeline of `main`, its id the time at which it ended.
fn ran(id: u64, status: Status) -> PipelineFact {
    let mut fact = pipeline_fact(id, status);
    fact.created_at = Some(id.cast_signed() - 1);
    fact.course.finished_at = Some(id.cast_signed());
    fact
}

fn on(fact: PipelineFact, project: ProjectId, ref_name: &str) -> PipelineFact {
    PipelineFact { project, ref_name: ref_name.into(), ..fact }
}

/// The job `unit` of a pipeline, ended at a time.
fn job(pipeline: u64, id: u64, at: i64, status: Status) -> JobFact {
    let mut fact = job_fact(pipeline, id, status);
    fact.course.finished_at = Some(at);
    fact
}

fn query<'a>(pipeline: u64, tests: &'a [String], reason: Option<&'a str>) -> FailedJobQuery<'a> {
    FailedJobQuery {
        project: API,
        ref_name: "fix",
        ref_kind: RefKind::Branch,
        pipeline: PipelineId(pipeline),
        created_at: pipeline.cast_signed(),
        job: "unit",
        reason,
        tests,
    }
}

/// Two projects in which a pipeline ends each hour: 48 of late, some of them red, and as many green ones as wanted that are
/// too old for any question.
fn hourly(old: i64) -> FactBatch {
    let mut batch = FactBatch::default();
    let late = (0..48).map(|hour| 100 * DAY + hour * 3600);
    for time in (0..old).map(|hour| hour * 3600).chain(late) {
        for project in [API, ProjectId(8)] {
            let id = time.unsigned_abs() + project.0;
            let is_red = time >= 100 * DAY && (time / 3600) % 3 != 2;
            let status = if is_red { Status::Failed } else { Status::Success };
            let ref_name = if (time / 3600) % 2 == 0 { "main" } else { "fix" };
            batch.pipelines.push(on(ran(id, status.clone()), project, ref_name));
            for (at, name) in ["unit", "lint", "image"].into_iter().enumerate() {
                let status = if at == 0 { status.clone() } else { Status::Success };
                let mut fact = JobFact { project, name: name.into(), ..job(id, 10 * id + at as u64, time, status) };
                fact.course.failure_reason = is_red.then(|| "runner_system_failure".to_owned());
                batch.jobs.push(fact);
            }
            if is_red {
                batch.test_failures.push(TestFailureFact { project, job: JobId(10 * id), test: "totals".into() });
            }
        }
    }
    batch
}

/// A question by its name, and how many answers it has.
type CountedQuestion<'a> = (&'static str, Box<dyn Fn() -> usize + 'a>);

/// Returns how many steps SQLite takes to answer each question.
fn steps_of_questions(old: i64) -> Vec<(&'static str, u64)> {
    let (_folder, store) = memory(&hourly(old));
    let now = 100 * DAY + 48 * 3600;
    let newest = (100 * DAY + 45 * 3600).unsigned_abs() + API.0;
    let tests = ["totals".to_owned()];
    let by_test = query(newest, &tests, None);
    let by_reason = query(newest, &[], Some("runner_system_failure"));
    let at = newest.cast_signed();
    let questions: [CountedQuestion<'_>; 8] = [
        ("usual of a job", Box::new(|| usize::from(store.usual_job_duration(API, RefKind::Branch, "unit").is_ok()))),
        ("usual of a pipeline", Box::new(|| usize::from(store.usual_pipeline_duration(API, RefKind::Branch).is_ok()))),
        ("red since", Box::new(|| store.red_since(API, "main", RefKind::Branch).unwrap().iter().count())),
        ("attempts", Box::new(|| store.job_runs(&by_test, at).unwrap().len())),
        ("same test", Box::new(|| store.same_failure_elsewhere(&by_test, at).unwrap().len())),
        ("same reason", Box::new(|| store.same_failure_elsewhere(&by_reason, at).unwrap().len())),
        ("the default branch", Box::new(|| store.base_run(&by_test).unwrap().iter().count())),
        ("flaky jobs", Box::new(|| store.runs_of_failing_jobs(API, now).unwrap().len())),
    ];
    let count = |(name, question): CountedQuestion<'_>| {
        let steps = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&steps);
        let step = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        store.ask(|connection| connection.progress_handler(1, Some(step))).unwrap();
        assert!(question() > 0, "{name}: there is an answer");
        (name, steps.load(Ordering::Relaxed))
    };
    questions.into_iter().map(count).collect()
}

#[test]
fn a_question_takes_no_more_steps_however_much_is_remembered() {
    let (few, many) = (steps_of_questions(30), steps_of_questions(600));
    let growing: Vec<_> = few.iter().zip(&many).filter(|((_, few), (_, many))| *few == 0 || many > few).collect();
    assert!(growing.is_empty(), "steps with a little, and with much: {growing:?}");
}

#[test]
fn a_window_has_all_attempts_of_its_pipelines_whatever_is_known_of_the_first_ones() {
    // Jobs of each pipeline from 100 on, by their ids.
    let cases: [(&str, Vec<(u64, u64)>); 5] = [
        ("each has its own", (100..150).map(|id| (id, 10 * id)).collect()),
        ("the first forty have none", (140..150).map(|id| (id, 10 * id)).collect()),
        ("of the first forty one is known that was retried late", [(100, 9999), (140, 1400), (141, 1410)].to_vec()),
        ("two that were created at once", vec![(100, 1009), (101, 1001), (102, 1020)]),
        ("the last one alone", vec![(149, 1490)]),
    ];
    for (sentence, jobs) in cases {
        let pipelines = (90..150).map(|id| ran(id, Status::Success)).collect();
        let older = (90..98).map(|id| (id, 10 * id));
        let facts = older.chain(jobs.iter().copied()).map(|(of, id)| job(of, id, of.cast_signed(), Status::Success));
        let (_folder, store) = memory(&FactBatch { pipelines, jobs: facts.collect(), ..FactBatch::default() });
        let project = store.projects().unwrap().into_iter().find(|project| project.id == API).unwrap();
        // A pipeline is created a second before it ends at the time that its id is.
        let runs = store.project_runs(&project, 99).unwrap();
        let mut read: Vec<(u64, u64)> = runs.attempts.iter().map(|run| (run.pipeline.0, run.id.0)).collect();
        read.sort_unstable();
        assert_eq!(read, jobs, "{sentence}");
    }
}

#[test]
fn a_ref_is_red_since_the_first_failure_after_the_last_success() {
    use Status::{Canceled, Failed, Running, Skipped, Success};
    type RedCase<'a> = (&'a str, &'a [(u64, Status)], Option<(u64, Option<u64>)>);
    let cases: [RedCase<'_>; 8] = [
        ("nothing is known", &[], None),
        ("green", &[(1, Failed), (2, Success)], None),
        ("red once", &[(1, Success), (2, Failed)], Some((2, Some(1)))),
        ("red for long", &[(1, Success), (2, Failed), (3, Failed), (4, Failed)], Some((2, Some(1)))),
        ("no verdict between", &[(1, Success), (2, Canceled), (3, Skipped), (4, Failed)], Some((4, Some(1)))),
        ("never green as far as is known", &[(3, Failed), (4, Failed)], Some((3, None))),
        ("the newest still runs", &[(1, Success), (2, Failed), (3, Running)], Some((2, Some(1)))),
        ("canceled after green", &[(1, Success), (2, Canceled)], None),
    ];
    for (sentence, pipelines, expected) in cases {
        let pipelines = pipelines.iter().map(|(id, status)| ran(*id, status.clone())).collect();
        let (_folder, store) = memory(&FactBatch { pipelines, ..FactBatch::default() });
        let found = store.red_since(API, "main", RefKind::Branch).unwrap();
        assert_eq!(found.map(|red| (red.first.0, red.last_green.map(|id| id.0))), expected, "{sentence}");
        assert_eq!(
            store.red_since(ProjectId(8), "main", RefKind::Branch).unwrap(),
            None,
            "{sentence}: another project"
        );
        assert_eq!(store.red_since(API, "main", RefKind::Tag).unwrap(), None, "{sentence}: a tag of that name");
    }
}

#[test]
fn usual_is_the_median_of_the_last_twenty_successes() {
    let timed = |(n, seconds): (u64, u64)| {
        let mut fact = job(1, n, n.cast_signed(), Status::Success);
        fact.course.duration = Some(seconds);
        fact
    };
    let cases: [(&str, Vec<u64>, Option<u64>); 5] = [
        ("none", vec![], None),
        ("one", vec![60], Some(60)),
        ("an even number", vec![10, 20, 40, 80], Some(30)),
        ("an odd number in any order", vec![80, 10, 40], Some(40)),
        ("only the last twenty", [vec![9000; 30], vec![100; 20]].concat(), Some(100)),
    ];
    for (sentence, seconds, expected) in cases {
        let mut jobs: Vec<JobFact> = (1..).zip(seconds).map(timed).collect();
        // What failed, what another ref ran and what another job took do not count.
        jobs.push(JobFact {
            course: JobCourse { duration: Some(1), ..job(1, 900, 900, Status::Failed).course },
            ..job(1, 900, 900, Status::Failed)
        });
        jobs.push(JobFact { ref_kind: RefKind::Tag, ..timed((901, 1)) });
        jobs.push(JobFact { name: "lint".into(), ..timed((902, 1)) });
        let (_folder, store) = memory(&FactBatch { jobs, ..FactBatch::default() });
        let found = store.usual_job_duration(API, RefKind::Branch, "unit").unwrap();
        assert_eq!(found, expected.map(Duration::from_secs), "{sentence}");
    }
}

#[test]
fn the_same_failure_is_found_by_its_test_or_by_a_reason_that_names_a_cause() {
    let test = || vec!["a::b".to_owned()];
    let reasoned = |fact: JobFact, reason: &str| {
        let mut fact = fact;
        fact.course.failure_reason = Some(reason.into());
        fact
    };
    let web = ProjectId(8);
    let of_web = |fact: JobFact| JobFact { project: web, ..fact };
    let at = 100 * DAY;
    let batch = FactBatch {
        pipelines: vec![
            on(ran(10, Status::Failed), API, "fix"),
            on(ran(11, Status::Failed), API, "other"),
            on(ran(12, Status::Failed), web, "main"),
            on(ran(13, Status::Failed), web, "old"),
        ],
        jobs: vec![
            reasoned(job(10, 1, at, Status::Failed), "runner_system_failure"),
            reasoned(job(11, 2, at - DAY, Status::Failed), "script_failure"),
            reasoned(of_web(job(12, 3, at + DAY, Status::Failed)), "runner_system_failure"),
            reasoned(of_web(job(13, 4, at - 4 * DAY, Status::Failed)), "runner_system_failure"),
        ],
        test_failures: vec![
            TestFailureFact { project: API, job: JobId(1), test: "a::b".into() },
            TestFailureFact { project: API, job: JobId(2), test: "a::b".into() },
            TestFailureFact { project: web, job: JobId(3), test: "a::c".into() },
        ],
        ..FactBatch::default()
    };
    let (_folder, store) = memory(&batch);
    let found = |tests: &[String], reason| {
        let found = store.same_failure_elsewhere(&query(10, tests, reason), at).unwrap();
        found
            .into_iter()
            .map(|failure| format!("{} {}", failure.project_path.unwrap(), failure.ref_name))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&test(), None), ["acme/api other"], "the same test on another ref");
    assert_eq!(found(&["a::c".to_owned()], None), ["acme/web main"], "in another project");
    assert_eq!(found(&["a::d".to_owned()], Some("runner_system_failure")), [""; 0], "another test is another failure");
    assert_eq!(found(&[], Some("runner_system_failure")), ["acme/web main"], "within three days, before or after");
    assert_eq!(found(&[], Some("script_failure")), [""; 0], "a reason that says nothing");
    assert_eq!(found(&[], None), [""; 0], "nothing to go by");
}

/// One commit that breaks the default branch of a project makes all of its branches fail, and that is one place.
#[test]
fn what_another_place_has_from_a_broken_default_branch_is_no_failure_of_its_own() {
    let web = ProjectId(8);
    let on_branch = |id: u64, name: &str| on(ran(id, Status::Failed), web, name);
    let main = |id: u64, status: Status| on(ran(id, status), web, "main");
    let of = |pipeline: u64, id: u64, status: Status| {
        let mut fact = JobFact { project: web, ..job(pipeline, id, pipeline.cast_signed(), status) };
        fact.course.failure_reason = Some("runner_system_failure".into());
        fact
    };
    let failed = |pipeline: u64| of(pipeline, pipeline * 10, Status::Failed);
    let passed = |pipeline: u64| of(pipeline, pipeline * 10, Status::Success);
    type Case<'a> = (&'a str, Vec<PipelineFact>, Vec<JobFact>, &'a [&'a str]);
    let cases: [Case<'_>; 7] = [
        ("nothing is known of where it began", vec![on_branch(50, "a")], vec![failed(50)], &["a"]),
        (
            "the job passed there",
            vec![main(40, Status::Success), on_branch(50, "a")],
            vec![passed(40), failed(50)],
            &["a"],
        ),
        ("the job did not run there", vec![main(40, Status::Failed), on_branch(50, "a")], vec![failed(50)], &["a"]),
        (
            "it failed there: that is the place",
            vec![main(40, Status::Failed), on_branch(50, "a")],
            vec![failed(40), failed(50)],
            &["main"],
        ),
        (
            "however many branches build on it",
            vec![main(40, Status::Failed), on_branch(50, "a"), on_branch(51, "b"), main(52, Status::Failed)],
            vec![failed(40), failed(50), failed(51), failed(52)],
            &["main"],
        ),
        (
            "it was repaired there by a retry",
            vec![main(40, Status::Success), on_branch(50, "a")],
            vec![failed(40), of(40, 401, Status::Success), failed(50)],
            &["a", "main"],
        ),
        (
            "the branch failed before, by itself",
            vec![on_branch(30, "a"), main(40, Status::Failed), on_branch(50, "a")],
            vec![failed(30), failed(40), failed(50)],
            &["main", "a"],
        ),
    ];
    for (sentence, pipelines, jobs, expected) in cases {
        let (_folder, store) = memory(&FactBatch { pipelines, jobs, ..FactBatch::default() });
        let found = store.same_failure_elsewhere(&query(60, &[], Some("runner_system_failure")), 60).unwrap();
        let refs: Vec<&str> = found.iter().map(|failure| failure.ref_name.as_str()).collect();
        assert_eq!(refs, expected, "{sentence}");
    }
}

#[test]
fn the_base_is_the_newest_pipeline_of_the_default_branch_that_had_ended() {
    let batch = FactBatch {
        pipelines: vec![
            ran(10, Status::Success),
            ran(20, Status::Failed),
            on(ran(25, Status::Success), API, "fix"),
            ran(30, Status::Canceled),
            ran(40, Status::Success),
        ],
        jobs: vec![job(10, 1, 10, Status::Success), job(20, 2, 19, Status::Success), job(20, 3, 20, Status::Failed)],
        ..FactBatch::default()
    };
    let (_folder, mut store) = memory(&batch);
    let base = |store: &HistoryStore, pipeline| {
        let base = store.base_run(&query(pipeline, &[], None)).unwrap();
        base.map(|base| (base.pipeline.0, base.job.map(|status| status.word().to_owned())))
    };
    let word = |word: &str| Some(word.to_owned());
    assert_eq!(base(&store, 5), None, "nothing had ended");
    assert_eq!(base(&store, 15), Some((10, word("success"))));
    assert_eq!(
        base(&store, 35),
        Some((20, word("failed"))),
        "the latest attempt counts, and what was canceled is no verdict"
    );
    assert_eq!(base(&store, 45), Some((40, None)), "it did not run the job");
    let since = |store: &HistoryStore, pipeline| {
        store.base_run(&query(pipeline, &[], None)).unwrap().unwrap().since.map(|red| red.first.0)
    };
    assert_eq!(since(&store, 35), None, "the branch is green by now");
    let again = FactBatch { pipelines: vec![ran(50, Status::Failed), ran(60, Status::Failed)], ..FactBatch::default() };
    store.write(&again, 0).unwrap();
    assert_eq!(
        (since(&store, 35), since(&store, 65)),
        (None, Some(50)),
        "red again since a later pipeline is another story"
    );
}

#[test]
fn runs_have_their_commit_and_come_oldest_first() {
    let batch = FactBatch {
        pipelines: vec![ran(10, Status::Failed)],
        jobs: vec![
            job(10, 2, 9, Status::Success),
            job(10, 1, 8, Status::Failed),
            job(10, 3, 7, Status::Canceled),
            job(11, 4, 20, Status::Success),
        ],
        ..FactBatch::default()
    };
    let (_folder, store) = memory(&batch);
    let runs = store.job_runs(&query(10, &[], None), 20).unwrap();
    let short = |run: &JobRun| (run.id.0, run.sha.is_some(), run.status.word().to_owned());
    let expected = [(1, true, "failed"), (2, true, "success"), (4, false, "success")];
    assert_eq!(runs.iter().map(short).collect::<Vec<_>>(), expected.map(|(id, sha, word)| (id, sha, word.to_owned())));
}

#[test]
fn runs_are_those_before_a_failure_and_later_ones_of_its_commit() {
    let at = 20 * DAY;
    let with_sha = |id: u64, sha: &str| PipelineFact { sha: Some(sha.into()), ..ran(id, Status::Failed) };
    let cases = [
        ("two weeks before it", 1, at - 14 * DAY, true),
        ("more than that before it", 1, at - 14 * DAY - 1, false),
        ("the failure itself", 2, at, true),
        ("its own pipeline, later", 2, at + DAY, true),
        ("another pipeline of its commit, later", 3, at + DAY, true),
        ("its commit, more than two weeks later", 3, at + 14 * DAY + 1, false),
        ("another commit, later", 1, at + 1, false),
    ];
    for (sentence, pipeline, ended, expected) in cases {
        let batch = FactBatch {
            pipelines: vec![with_sha(1, "other"), with_sha(2, "this"), with_sha(3, "this")],
            jobs: vec![job(pipeline, 5, ended, Status::Success)],
            ..FactBatch::default()
        };
        let (_folder, store) = memory(&batch);
        let runs = store.job_runs(&query(2, &[], None), at).unwrap();
        assert_eq!(runs.len(), usize::from(expected), "{sentence}");
    }
}

#[test]
fn the_attempts_at_jobs_that_failed_within_14_days_are_returned_in_their_order() {
    use Status::{Failed, Success};
    let at = 100 * DAY;
    let named = |name: &str, fact: JobFact| JobFact { name: name.into(), ..fact };
    let jobs = vec![
        job(1, 11, at - 15 * DAY, Failed),
        job(2, 12, at - 2 * DAY, Success),
        job(2, 13, at - DAY, Failed),
        job(2, 14, at - DAY, Success),
        named("green", job(2, 15, at - DAY, Success)),
        named("long ago", job(1, 16, at - 15 * DAY, Failed)),
        named("long ago", job(2, 17, at - DAY, Success)),
        JobFact { project: ProjectId(8), ..job(2, 18, at - DAY, Failed) },
    ];
    let pipelines = vec![ran(1, Failed), ran(2, Success)];
    let (_folder, store) = memory(&FactBatch { pipelines, jobs, ..FactBatch::default() });
    let found = store.runs_of_failing_jobs(API, at).unwrap();
    let found: Vec<_> =
        found.iter().map(|(name, runs)| (name.as_str(), runs.iter().map(|run| run.id.0).collect())).collect();
    assert_eq!(found, [("unit", vec![12, 13, 14])]);
}
