use super::*;
use crate::domain::evidence::{Below, JobDetails, Previous};
use crate::domain::example;
use crate::domain::id::JobId;
use crate::domain::job::Stage;
use crate::domain::log::{LogExcerpt, LogLine};
use crate::domain::pipeline::Pipeline;
use crate::domain::test_report::{CaseStatus, TestCase, TestReport, TestSuite};
use std::time::Duration;

const NOW: i64 = 10_000;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn job(id: u64, name: &str, status: Status) -> JobEvidence {
    let job = Job {
        id: JobId(id),
        name: name.into(),
        stage: "test".into(),
        kind: JobKind::Job,
        status,
        allow_failure: false,
        attempts: Some(1),
        earlier: Vec::new(),
        started_at: Some(at(NOW - 120)),
        finished_at: None,
        duration: Some(Duration::from_secs(61)),
        failure_reason: None,
        web_url: None,
        description: None,
        downstream_id: None,
    };
    let details = JobDetails { created_at: Some(at(NOW - 720)), ..JobDetails::default() };
    JobEvidence { job, details, earlier: vec![], log: None, past: None }
}

fn failed(name: &str, reason: &str) -> JobEvidence {
    let mut failed = job(1, name, Status::Failed);
    failed.job.failure_reason = Some(reason.into());
    failed
}

fn with_log(mut job: JobEvidence, errors: &[&str], exit_code: i32) -> JobEvidence {
    let line = |(number, text): (usize, &&str)| LogLine { number: number as u64 + 1, text: (*text).into() };
    let errors: Vec<LogLine> = errors.iter().enumerate().map(line).collect();
    let key_line = errors.first().cloned();
    job.log = Some(LogExcerpt { errors, key_line, exit_code: Some(exit_code), bytes: 1000, ..LogExcerpt::default() });
    job
}

fn evidence(status: Status, jobs: Vec<JobEvidence>) -> Evidence {
    let stage = Stage {
        name: "test".into(),
        status: status.clone(),
        jobs: jobs.iter().map(|evidence| evidence.job.clone()).collect(),
    };
    let pipeline = Pipeline { stages: vec![stage], ..example::pipeline(status, vec![]) };
    Evidence {
        project: "acme/api".into(),
        project_id: None,
        pipeline,
        jobs,
        tests: None,
        previous: None,
        below: vec![],
        unread: vec![],
    }
}

fn below(bridge: JobEvidence, project: &str, mut child: Evidence) -> Evidence {
    child.project = project.into();
    child.pipeline.id = PipelineId(8200);
    let id = bridge.job.id;
    let mut parent = evidence(Status::Failed, vec![bridge]);
    parent.below = vec![Below { bridge: id, evidence: child }];
    parent
}

fn bridge(status: Status) -> JobEvidence {
    let mut bridge = job(9, "deploy", status);
    bridge.job.kind = JobKind::Bridge;
    bridge
}

fn case(name: &str) -> TestCase {
    TestCase {
        name: name.into(),
        class: Some("stack_test".into()),
        file: None,
        status: CaseStatus::Failed,
        message: None,
        duration: None,
        recent_failures: None,
    }
}

fn report(suite: &str, cases: &[&str]) -> TestReport {
    let cases: Vec<TestCase> = cases.iter().map(|name| case(name)).collect();
    let failed = cases.len() as u64;
    let (total, success) = (148, 148 - failed);
    TestReport {
        suites: vec![TestSuite {
            name: suite.into(),
            total,
            success,
            failed,
            errored: 0,
            skipped: 0,
            error: None,
            cases,
        }],
    }
}

fn headline(evidence: &Evidence) -> String {
    explain(evidence, at(NOW)).headline.to_string()
}

#[test]
fn the_first_line_names_the_true_cause() {
    let unit = {
        let mut unit = evidence(Status::Failed, vec![failed("unit", "script_failure")]);
        unit.tests = Some(report("unit", &["push", "pop"]));
        unit
    };
    let yaml = {
        let mut yaml = evidence(Status::Failed, vec![]);
        yaml.pipeline.yaml_errors = Some("jobs:test config contains unknown keys: scirpt\nand more".into());
        yaml
    };
    let refused = {
        let mut refused = evidence(Status::Failed, vec![]);
        refused.pipeline.failure_reason = Some("user_not_verified".into());
        refused
    };
    let stuck = |is_stuck| {
        let mut stuck = job(1, "build", Status::Pending);
        stuck.details.tags = vec!["gpu".into(), "arm".into()];
        stuck.details.is_stuck = is_stuck;
        evidence(Status::Pending, vec![stuck])
    };
    let no_runner = {
        let mut job = failed("build", "no_matching_runner");
        job.details.tags = vec!["gpu".into()];
        evidence(Status::Failed, vec![job])
    };
    let flaky = {
        let mut retried = job(2, "e2e", Status::Success);
        retried.earlier = vec![Status::Failed];
        evidence(Status::Success, vec![retried])
    };
    let child = below(
        bridge(Status::Failed),
        "acme/api",
        evidence(Status::Failed, vec![failed("unit", "runner_system_failure")]),
    );
    let loose = below(
        bridge(Status::Success),
        "acme/deploy",
        evidence(Status::Failed, vec![failed("apply", "runner_system_failure")]),
    );
    let dark = below(bridge(Status::Failed), "acme/deploy", evidence(Status::Failed, vec![]));
    let green = below(
        {
            let mut failed = bridge(Status::Failed);
            failed.job.failure_reason = Some("downstream_pipeline_creation_failed".into());
            failed
        },
        "acme/deploy",
        evidence(Status::Success, vec![]),
    );
    let allowed = {
        let mut lint = failed("lint", "script_failure");
        lint.job.allow_failure = true;
        lint.job.id = JobId(5);
        evidence(Status::Failed, vec![lint, failed("unit", "runner_system_failure")])
    };
    let lint = with_log(failed("lint", "script_failure"), &["error: unused variable: `x`"], 1);
    let oom = with_log(failed("build", "script_failure"), &["Killed"], 137);
    let tested = |reason: &str| {
        let mut tested = evidence(Status::Failed, vec![failed("unit", reason)]);
        tested.tests = Some(report("unit", &["push", "pop"]));
        tested
    };
    let overruled = {
        let mut job = with_log(failed("unit", "script_failure"), &["x"], 1);
        job.log.as_mut().unwrap().verdict = Some("execution took longer than 1h0m0s seconds".into());
        let mut overruled = evidence(Status::Failed, vec![job]);
        overruled.tests = Some(report("unit", &["push"]));
        overruled
    };
    let never = |reason: Option<&str>| {
        let mut never = job(1, "unit", Status::Failed);
        never.job.started_at = None;
        never.job.failure_reason = reason.map(str::to_owned);
        never.log = Some(LogExcerpt::default());
        evidence(Status::Failed, vec![never])
    };
    let cut = {
        let mut job = with_log(failed("unit", "script_failure"), &["error: x"], 1);
        job.log.as_mut().unwrap().limit = Some(4_194_304);
        evidence(Status::Failed, vec![job])
    };
    let reported = |description: Option<&str>| {
        let mut status = job(7, "atlantis/plan", Status::Failed);
        status.job.kind = JobKind::External;
        status.job.failure_reason = None;
        status.job.description = description.map(str::to_owned);
        evidence(Status::Failed, vec![status])
    };
    let silent = {
        let mut job = failed("unit", "script_failure");
        job.log = Some(LogExcerpt::default());
        evidence(Status::Failed, vec![job])
    };
    let cases = [
        (
            "a time-out beside failing tests",
            tested("job_execution_timeout"),
            "job `unit` failed: it ran out of time after 1m 01s",
        ),
        (
            "a runner's failure beside failing tests",
            tested("runner_interrupted"),
            "job `unit` failed: the runner was interrupted before the job could finish",
        ),
        (
            "no reason beside failing tests",
            tested("unknown_failure"),
            "job `unit` failed: 2 of 148 tests, first `stack_test::push`",
        ),
        (
            "the runner's own verdict",
            overruled,
            "job `unit` failed: the runner says `execution took longer than 1h0m0s seconds`",
        ),
        (
            "never started, no reason",
            never(None),
            "job `unit` failed without having been started: GitLab does not say why",
        ),
        (
            "never started, for a reason",
            never(Some("id_token_burned_project_path")),
            "job `unit` failed without having been started: ID tokens are refused: another project had this project's path before",
        ),
        (
            "never started, and a reason that cannot be",
            never(Some("script_failure")),
            "job `unit` failed without having been started: GitLab gives `script_failure` as the reason",
        ),
        (
            "the runner cut the log",
            cut,
            "job `unit` failed: its script failed, and the runner cut its log at 4.2 MB: the end is missing",
        ),
        ("an empty log", silent, "job `unit` failed: its script failed, and its log is empty"),
        (
            "another system's status",
            reported(Some("Plan failed: 2 errors\nmore")),
            "external status `atlantis/plan` failed: `Plan failed: 2 errors`",
        ),
        (
            "another system's status without a word",
            reported(None),
            "external status `atlantis/plan` failed, and does not say why",
        ),
        ("unit tests", unit, "job `unit` failed: 2 of 148 tests, first `stack_test::push`"),
        (
            "lint",
            evidence(Status::Failed, vec![lint]),
            "job `lint` failed: its script ended: `error: unused variable: `x``",
        ),
        (
            "an exit code",
            evidence(Status::Failed, vec![oom]),
            "job `build` failed: its script ended with exit code 137: `Killed`",
        ),
        ("a YAML error", yaml, ".gitlab-ci.yml is not valid: `jobs:test config contains unknown keys: scirpt`"),
        ("a refused pipeline", refused, "GitLab failed the pipeline: its user is not verified"),
        (
            "stuck, says GitLab",
            stuck(Some(true)),
            "job `build` is stuck for 12m: no runner can take it; it needs the tags `gpu`, `arm`",
        ),
        (
            "pending, and no more is known",
            stuck(None),
            "job `build` is pending: no runner has picked it up for 12m; it needs the tags `gpu`, `arm`",
        ),
        ("no runner", no_runner, "job `build` failed: no runner has the tags that it needs: `gpu`"),
        (
            "a time-out",
            evidence(Status::Failed, vec![failed("e2e", "job_execution_timeout")]),
            "job `e2e` failed: it ran out of time after 1m 01s",
        ),
        (
            "a runner's failure",
            evidence(Status::Failed, vec![failed("e2e", "runner_system_failure")]),
            "job `e2e` failed: the runner failed, not the script",
        ),
        (
            "a word of tomorrow",
            evidence(Status::Failed, vec![failed("e2e", "moon_in_the_way")]),
            "job `e2e` failed: moon in the way (a reason that glwatch does not know)",
        ),
        (
            "a child pipeline",
            child,
            "downstream `acme/api #8200`: job `unit` failed: the runner failed, not the script",
        ),
        (
            "a green bridge to a red pipeline",
            loose,
            "downstream `acme/deploy #8200`: job `apply` failed: the runner failed, not the script",
        ),
        (
            "a red pipeline that tells nothing",
            dark,
            "downstream `acme/deploy #8200`: it failed, and nothing of it could be read that says why",
        ),
        (
            "a red bridge to a pipeline that is green by now",
            green,
            "job `deploy` failed: the downstream pipeline could not be created",
        ),
        (
            "blocked",
            evidence(Status::Manual, vec![job(1, "deploy", Status::Manual)]),
            "job `deploy` has waited 12m for a person to start it",
        ),
        ("flaky", flaky, "it passed in the end: job `e2e` failed once and passed when it was tried again"),
        ("an allowed failure beside a real one", allowed, "job `unit` failed: the runner failed, not the script"),
        ("green", evidence(Status::Success, vec![]), "nothing is red: the pipeline passed"),
        ("running", evidence(Status::Running, vec![]), "nothing is red so far: the pipeline is running"),
    ];
    for (sentence, evidence, expected) in cases {
        assert_eq!(headline(&evidence), expected, "{sentence}");
    }
}

#[test]
fn what_failed_before_is_told_from_what_is_new() {
    let mut unit = evidence(Status::Failed, vec![failed("unit", "script_failure")]);
    unit.tests = Some(report("unit", &["push", "pop"]));
    let previous = |tests| Previous { id: PipelineId(0), status: Status::Failed, coverage: None, web_url: None, tests };
    let cases = [
        ("no pipeline before", None, ["unknown", "unknown"], "first `stack_test::push`"),
        ("one without a report", Some(previous(None)), ["unknown", "unknown"], "first `stack_test::push`"),
        (
            "one that failed there, too",
            Some(previous(Some(report("unit", &["push"])))),
            ["still_failing", "new"],
            "first `stack_test::pop`",
        ),
        (
            "both failed before",
            Some(previous(Some(report("unit", &["push", "pop"])))),
            ["still_failing"; 2],
            "first `stack_test::push`",
        ),
        (
            "the job had no report then",
            Some(previous(Some(report("lint", &["x"])))),
            ["unknown"; 2],
            "first `stack_test::push`",
        ),
    ];
    for (sentence, previous, expected, first) in cases {
        unit.previous = previous;
        let explanation = explain(&unit, at(NOW));
        let tests = explanation.causes[0].tests.as_ref().unwrap();
        let histories: Vec<&str> = tests.cases.iter().map(|(_, history)| history.word()).collect();
        assert_eq!(histories, expected, "{sentence}");
        assert!(explanation.headline.to_string().ends_with(first), "{sentence}: {}", explanation.headline);
    }
}

#[test]
fn parallel_jobs_share_a_suite() {
    let mut unit = evidence(Status::Failed, vec![failed("unit 2/3", "script_failure")]);
    unit.tests = Some(report("unit", &["push"]));
    assert_eq!(headline(&unit), "job `unit 2/3` failed: 1 of 148 tests, `stack_test::push`");
}

#[test]
fn several_causes_stand_in_the_pipelines_order_and_those_that_wait_come_last() {
    let mut second = failed("b", "runner_system_failure");
    second.job.id = JobId(2);
    let waiting = job(3, "deploy", Status::Manual);
    let explanation = explain(&evidence(Status::Failed, vec![waiting, failed("a", "api_failure"), second]), at(NOW));
    let sentences: Vec<String> = explanation.causes.iter().map(|cause| cause.sentence.to_string()).collect();
    assert_eq!(
        sentences,
        [
            "job `a` failed: GitLab's API failed it",
            "job `b` failed: the runner failed, not the script",
            "job `deploy` has waited 12m for a person to start it",
        ]
    );
    assert!(explanation.headline.to_string().ends_with("(and 2 more)"));
}
