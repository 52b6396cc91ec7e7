//! Why it is red, on real logs and on answers that the simulated GitLab does not give.

use super::cost::scenario;
use crate::support::between::Between;
use crate::support::one_pipeline::{OnePipeline, job, status};
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};

const COLD: &str = include_str!("../logs/go-cold-cache.log");
const CACHE: &str = include_str!("../logs/end-cache.log");
const SSH: &str = include_str!("../logs/end-ssh.log");
const GRADLE: &str = include_str!("../logs/end-gradle.log");
const TERRAFORM: &str = include_str!("../logs/end-terraform.log");
const LAVA: &str = include_str!("../logs/mesa-lava.log");
const RUNNER_1: &str = include_str!("../logs/gitlab-runner-1.log");
const RUNNER_3: &str = include_str!("../logs/gitlab-runner-3.log");
const OPENWRT: &str = include_str!("../logs/gitlab-runner-5-openwrt.log");
const REPORT: &str = include_str!("../logs/test-report.json");

const LIMIT: &str = "working\n\u{1b}[31;1m\nJob's log exceeded limit of 4194304 bytes.\n\
    Job execution will continue but no more output will be collected.\n\u{1b}[0;m";

fn run(world: OnePipeline, arguments: &[&str]) -> Output {
    let server = world.start();
    let (command, rest) = arguments.split_first().unwrap();
    Env::new()
        .with("GITLAB_TOKEN", "glpat-test")
        .with("GLWATCH_API", "rest")
        .run(&[&[*command, "acme/p0", "--host", server.url()], rest].concat())
}

fn headline(output: &Output) -> String {
    output.stdout.lines().nth(1).unwrap_or_default().trim().to_owned()
}

fn with_log(log: &str) -> OnePipeline {
    OnePipeline { log: log.to_owned(), ..OnePipeline::failed(vec![job(1, "unit", json!({}))]) }
}

#[test]
fn the_first_line_names_what_each_real_log_is_about() {
    let verdict_only =
        "$ ./deploy\nconnecting to the cluster\nthe other side hung up\nERROR: Job failed: exit code 1\n";
    let filler: String = (0..5000).map(|n| format!("[{n}/5000] compiling\n")).collect();
    let far = format!(
        "ERROR: no cache yet\n{filler}src/a.c:1:9: fatal error: foo.h: No such file or directory\n\
         compilation terminated.\nmake: *** [all] Error 1\nERROR: Job failed: exit code 2\n"
    );
    let cases = [
        ("a runner with a cold cache", COLD, "--- FAIL: TestParseVariable", "FATAL: file does not exist"),
        ("cache trouble before the script", CACHE, "FAILED tests/test_a.py::test_x", "TLS handshake timeout"),
        ("ssh", SSH, "Permission denied (publickey).", "Job failed"),
        ("gradle", GRADLE, "Execution failed for task ':test'", "Job failed"),
        ("terraform", TERRAFORM, "`Error: Invalid provider configuration`", "Job failed"),
        ("a job that tests a board", LAVA, "lava_submit: ret code: 1", "No files to upload"),
        ("nothing but the runner's verdict", verdict_only, "the other side hung up", "Job failed"),
        ("a benign error far from the fatal one", &far, "fatal error: foo.h", "no cache yet"),
        ("a log that says the job succeeded", OPENWRT, "its script failed", "ERROR"),
        ("one that only passed tests", RUNNER_1, "its script failed", "FATAL"),
        ("an old runner", RUNNER_3, "its script failed", "FATAL"),
    ];
    for (sentence, log, must, must_not) in cases {
        let output = run(with_log(log), &["explain"]).exits_with(0);
        let said = headline(&output);
        assert!(said.contains(must) && !said.contains(must_not), "{sentence}: {said}");
    }
}

#[test]
fn a_log_that_the_runner_cut_is_evidence_that_is_missing() {
    let output = run(with_log(LIMIT), &["explain"]).exits_with(4);
    let said = headline(&output);
    assert!(said.contains("the runner cut its log at 4.2 MB: the end is missing"), "{said}");
    let document = run(with_log(LIMIT), &["explain", "-o", "json"]).exits_with(4).json();
    assert_eq!(document["complete"], json!(false));
    assert_eq!(document["pipelines"][0]["unread"][0]["kind"], json!("log_limit"));
    assert_eq!(document["pipelines"][0]["causes"][0]["log"]["limit"], json!(4_194_304));
}

#[test]
fn what_gitlab_did_to_a_job_counts_before_what_its_tests_say() {
    let failing = json!({ "test_suites": [{ "name": "unit", "total_count": 9, "failed_count": 1, "error_count": 0,
        "test_cases": [{ "status": "failed", "name": "push", "system_output": ["a", { "message": "b" }],
                         "recent_failures": { "count": 3, "base_branch": "main" } }] }] });
    let never = json!({ "started_at": null, "duration": null, "failure_reason": null });
    let cases = [
        ("its tests", json!({}), "1 of 9 tests, `push`"),
        ("a time-out", json!({ "failure_reason": "job_execution_timeout" }), "it ran out of time after 1m"),
        ("the runner", json!({ "failure_reason": "runner_system_failure" }), "the runner failed, not the script"),
        ("never started", never, "failed without having been started: GitLab does not say why"),
    ];
    for (sentence, more, must) in cases {
        let world = OnePipeline { report: failing.clone(), ..OnePipeline::failed(vec![job(1, "unit", more)]) };
        let output = run(world, &["explain"]).exits_with(0);
        assert!(headline(&output).contains(must), "{sentence}: {output}");
        // The tests are still there, with how often they failed lately.
        assert!(output.stdout.contains("push (failed 3 times on the default branch in 14 days)"), "{output}");
    }
}

#[test]
fn a_test_report_of_any_shape_is_read() {
    let report: Value = serde_json::from_str(REPORT).unwrap();
    let world = OnePipeline { report, ..OnePipeline::failed(vec![job(1, "Failing", json!({}))]) };
    let output = run(world, &["explain"]).exits_with(0);
    assert!(headline(&output).contains("4 of 8 tests"), "{output}");
    assert!(output.stdout.contains("Failed test a\n        Failed test b"), "{output}");
    assert!(output.stdout.contains("failed 10 times on the default branch"), "{output}");
}

#[test]
fn without_a_failed_job_that_has_a_log_no_log_is_printed() {
    let green = || job(1, "unit", json!({ "status": "success", "failure_reason": null }));
    let skipped = |id, status| job(id, &format!("job {id}"), json!({ "status": status, "failure_reason": null }));
    let bridge = |more| job(51, "deploy", more);
    let creation = json!({ "failure_reason": "downstream_pipeline_creation_failed", "downstream_pipeline": null });
    let failed = OnePipeline::failed;
    let invalid = || {
        let mut world = failed(vec![]);
        world.pipeline["yaml_errors"] = "jobs:test config contains unknown keys: scirpt".into();
        world
    };
    let cases: Vec<(&str, OnePipeline, &[&str])> = vec![
        (
            "only a bridge failed",
            OnePipeline { bridges: vec![bridge(creation.clone())], ..failed(vec![green()]) },
            &["no job with a log failed", "test/deploy", "could not be created"],
        ),
        (
            "a bridge failed beside a failure that was allowed",
            OnePipeline {
                bridges: vec![bridge(creation)],
                ..failed(vec![job(1, "lint", json!({ "allow_failure": true }))])
            },
            &["no job with a log failed", "test/deploy"],
        ),
        (
            "only another system's status failed",
            OnePipeline { statuses: vec![status(81, "atlantis/plan", json!({}))], ..failed(vec![green()]) },
            &["no job with a log failed", "atlantis/plan", "the plan failed", "https://ci.example.com/atlantis/plan"],
        ),
        (
            "only another system's status, and no job at all",
            OnePipeline { statuses: vec![status(81, "jenkins/build", json!({}))], ..failed(vec![]) },
            &["no job with a log failed", "jenkins/build"],
        ),
        ("a configuration that is not valid", invalid(), &["no job with a log failed", "scirpt"]),
        (
            "skipped and manual jobs",
            failed(vec![skipped(1, "skipped"), skipped(2, "manual")]).with_status("skipped"),
            &["no job failed or runs"],
        ),
        ("one manual job", failed(vec![skipped(1, "manual")]).with_status("manual"), &["no job failed or runs"]),
        ("all green", failed(vec![green(), skipped(2, "success")]).with_status("success"), &["no job failed or runs"]),
        ("a red pipeline of green jobs", failed(vec![green()]), &["no job with a log failed", "the pipeline failed"]),
    ];
    for (sentence, world, says) in cases {
        let output = run(world, &["logs"]).exits_with(2).says(says);
        assert_eq!(output.stdout, "", "{sentence}");
    }
}

#[test]
fn a_failed_job_without_a_log_says_why_it_has_none() {
    let erased = json!({ "erased_at": crate::support::one_pipeline::TIME });
    let cases = [
        ("erased", erased, "it was erased"),
        ("never started", json!({ "started_at": null }), "it failed without having been started"),
        ("empty", json!({}), "it is failed"),
    ];
    for (sentence, more, says) in cases {
        let world = OnePipeline::failed(vec![job(1, "unit", more)]);
        let output = run(world, &["logs"]).exits_with(1);
        assert!(output.stderr.contains(says), "{sentence}: {output}");
    }
    // A single job of a green pipeline is meant.
    let green = job(1, "unit", json!({ "status": "success", "failure_reason": null }));
    let world = OnePipeline { log: "all good\n".into(), ..OnePipeline::failed(vec![green]).with_status("success") };
    assert!(run(world, &["logs"]).exits_with(0).stdout.contains("all good"));
}

const EXTERNAL: &str = r#"
root = "acme"
group = [{ path = "acme", id = 12345, name = "Acme" }]
[template]
plan = [["external", "jenkins/build | 30s | external built", "atlantis/plan | 30s | fails | external The plan failed"]]
beside = [["test", "unit | 30s"], ["external", "codecov/patch | 30s | fails | external 3 lines are not covered"]]
allowed = [["test", "unit | 30s"], ["external", "codecov/patch | 30s | fails | allow_failure | external 3 lines"]]
[[project]]
path = "acme/plan"
run = [{ jobs = "plan", age = "1h" }]
[[project]]
path = "acme/beside"
run = [{ jobs = "beside", age = "2h" }]
[[project]]
path = "acme/allowed"
run = [{ jobs = "allowed", age = "3h" }]
"#;

#[test]
fn statuses_of_other_systems_are_shown_as_what_they_are_on_both_apis() {
    let sim = Sim::start(Options { world: WorldKind::Scenario(EXTERNAL.into()), ..Options::default() }).unwrap();
    let status = |api: &str, more: &[&str]| {
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        env.run(&[&["--host", sim.url(), "--group-id", "12345", "--api", api], more].concat())
    };
    for api in ["rest", "graphql"] {
        let document = status(api, &["-o", "json"]).exits_with(0).json();
        let project = |path: &str| {
            let projects = document["projects"].as_array().unwrap();
            projects.iter().find(|project| project["full_path"] == path).unwrap()["pipelines"][0].clone()
        };
        let external = |pipeline: &Value, name: &str| {
            let stages = pipeline["stages"].as_array().unwrap().clone();
            let jobs = stages.iter().flat_map(|stage| stage["jobs"].as_array().unwrap().clone());
            jobs.clone().find(|job| job["name"] == name).unwrap()
        };
        let plan = external(&project("acme/plan"), "atlantis/plan");
        assert_eq!((&plan["kind"], &plan["status"]), (&json!("external"), &json!("failed")), "{api}");
        assert_eq!(plan["description"], json!("The plan failed"), "{api}");
        assert_eq!(plan["target_url"], json!("https://ci.example.com/atlantis/plan"), "{api}");
        assert_eq!((&plan["web_url"], &plan["failure_reason"]), (&json!(null), &json!(null)), "{api}");
        assert_eq!(project("acme/allowed")["worst"], json!("warning"), "{api}");
        let unit = external(&project("acme/beside"), "unit");
        assert_eq!(unit["kind"], json!("job"), "{api}");
        assert_eq!(external(&project("acme/beside"), "codecov/patch")["kind"], json!("external"), "{api}");
        let table = status(api, &[]).exits_with(0);
        assert!(table.stdout.contains("✓ test  ✗ external"), "{api}: {table}");
        let junit = status(api, &["-o", "junit"]).exits_with(0);
        assert!(junit.stdout.contains("atlantis/plan") && !junit.stdout.contains("api failure"), "{api}: {junit}");
        let _ = status(api, &["--fail-on", "failed"]).exits_with(1);
        // Why: in the other system's own words, with its address.
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let why = env.run(&["explain", "acme/plan", "acme/beside", "--host", sim.url(), "--api", api]).exits_with(0);
        for said in [
            "external status `atlantis/plan` failed: `The plan failed`",
            "https://ci.example.com/atlantis/plan\n",
            "external status `codecov/patch` failed: `3 lines are not covered`",
        ] {
            assert!(why.stdout.contains(said), "{api}: {why}");
        }
        assert!(!why.stdout.contains("/-/jobs/"), "{api}: {why}");
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn statuses_that_cannot_be_read_are_a_part_that_is_missing() {
    type Break = fn() -> Fault;
    let breaks: [(&str, Break); 5] = [
        ("forbidden", || Fault::on("/statuses").status(403)),
        ("not_found", || Fault::on("/statuses").status(404)),
        ("http_500", || Fault::on("/statuses").status(500)),
        ("not_json", || Fault::on("/statuses").html()),
        ("body_cut", || Fault::on("/statuses").cut()),
    ];
    for ((kind, how), api) in breaks.iter().flat_map(|how| ["rest", "graphql"].map(|api| (how, api))) {
        let sim = Sim::start(Options { world: WorldKind::Scenario(EXTERNAL.into()), ..Options::default() }).unwrap();
        sim.add_fault(how());
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let given = ["--host", sim.url(), "--group-id", "12345", "--api", api, "-o", "json"];
        // GraphQL lists them with the jobs: there only their addresses are missing.
        let is_rest = api == "rest";
        let output = env.run(&given).exits_with(if is_rest { 4 } else { 0 });
        let document = output.json();
        assert_eq!(document["complete"], json!(!is_rest), "{api} {kind}: {output}");
        let about = &document["problems"][0];
        assert_eq!(about["scope"], json!(if is_rest { "project" } else { "api" }), "{api} {kind}: {output}");
        let said = "its commit statuses could not be read: ";
        assert!(about["message"].as_str().unwrap().contains(said), "{api} {kind}: {output}");
        for project in document["projects"].as_array().unwrap().iter().filter(|_| is_rest) {
            assert_eq!(project["error"]["kind"], json!(kind), "{project}");
            let is_green = project["full_path"] == "acme/allowed";
            let (status, worst) = if is_green { ("success", "unread") } else { ("failed", "failed") };
            let pipeline = &project["pipelines"][0];
            assert_eq!((&pipeline["status"], &pipeline["worst"]), (&json!(status), &json!(worst)), "{project}");
        }
        let _ = env.run(&[&given[..], &["--fail-on", "failed"]].concat()).exits_with(1);
    }
}

#[test]
fn statuses_are_asked_for_only_where_the_jobs_do_not_explain_the_pipeline() {
    let sim = Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap();
    for api in ["rest", "graphql"] {
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let _ = env.run(&["--host", sim.url(), "--group-id", "12345", "--api", api]).exits_with(0);
    }
    let asked = sim.requests().iter().filter(|request| request.path.contains("/statuses")).count();
    assert_eq!(asked, 0);
}

#[test]
fn explain_says_a_pipelines_status_in_gitlabs_word() {
    let sim = scenario(
        "red = [[\"test\", \"unit | 40s | fails\"]]\namber = [[\"test\", \"lint | 40s | fails | allow_failure\"]]\n\
         parent = [[\"trigger\", \"go | child red\"]]\nstopped = [[\"deploy\", \"production | 30s | manual\"]]",
        &["red", "amber", "parent", "stopped", "single"]
            .map(|jobs| format!("[[project]]\npath = \"acme/{jobs}\"\nrun = [{{ jobs = \"{jobs}\", age = \"2h\" }}]\n"))
            .concat(),
    );
    let cases = [
        ("it failed", "acme/red", "acme/red main ✗ failed #", ""),
        ("an allowed failure is a warning", "acme/amber", "acme/amber main ! warning #", ""),
        ("a success above a failed child", "acme/parent", "acme/parent main ✓ success #", ", failed below, "),
        ("it waits for a person", "acme/stopped", "acme/stopped main ▷ manual #", ""),
        ("it passed", "acme/single", "acme/single main ✓ success #", ""),
    ];
    for ((sentence, project, first, more), api) in cases.iter().flat_map(|case| ["rest", "auto"].map(|api| (case, api)))
    {
        let given = ["explain", project, "--host", sim.url()];
        let output = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_API", api).run(&given);
        let line = output.stdout.lines().next().unwrap_or_default();
        assert!(line.starts_with(first) && line.contains(more), "{sentence} {api}: {output}");
    }
}

#[test]
fn tests_that_passed_are_not_among_the_lines_that_matter() {
    let passed: String = (0..9).map(|n| format!("tests/a.py::test_{n} PASSED [ {n}%]\n")).collect();
    let log = format!(
        "$ pytest -v\n{passed}tests/a.py::test_x FAILED [ 50%]\n{passed}E       assert 2 == 3\n{passed}\
         FAILED tests/a.py::test_x - assert 2 == 3\nERROR: Job failed: exit code 1\n"
    );
    let output = run(with_log(&log), &["explain"]).exits_with(0);
    assert!(headline(&output).contains("test_x"), "{output}");
    assert!(output.stdout.contains("assert 2 == 3"), "{output}");
    assert!(!output.stdout.contains("PASSED"), "{output}");
}

#[test]
fn a_translated_sentence_costs_one_request_for_its_word_and_once_only() {
    let sim = scenario(
        "red = [[\"test\", \"unit | 40s | fails\", \"lint | 40s | fails\"]]",
        "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"red\", age = \"2h\" }]",
    );
    let between = Between::start(sim.url());
    between.change(|passing| {
        let Ok(mut body) = serde_json::from_str::<Value>(&passing.body) else { return };
        if passing.asked.starts_with("POST /api/graphql Snapshot") {
            let jobs = &mut body["data"]["projects"]["nodes"][0]["pipelines"]["nodes"][0]["jobs"]["nodes"];
            for job in jobs.as_array_mut().unwrap() {
                job["failureMessage"] = json!("Das Skript ist fehlgeschlagen");
            }
            passing.body = body.to_string();
        }
    });
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let given = ["--host", between.url(), "--group-id", "12345", "--api", "graphql", "-o", "json"];
    for (round, expected) in [("cold", 1), ("warm", 0)] {
        sim.clear_requests();
        let output = env.run(&given).exits_with(0);
        let jobs = output.json()["projects"][0]["pipelines"][0]["stages"][0]["jobs"].as_array().unwrap().clone();
        assert!(jobs.iter().all(|job| job["failure_reason"] == "script_failure"), "{round}: {output}");
        let asked = sim.requests().iter().filter(|request| request.path.ends_with("/jobs")).count();
        assert_eq!((jobs.len(), asked), (2, expected), "{round}: {:?}", sim.requests());
    }
    // An output that prints no reason asks for none.
    sim.clear_requests();
    let _ = env.run(&[&given[..6], &["--no-cache"]].concat()).exits_with(0);
    assert!(sim.requests().iter().all(|request| !request.path.ends_with("/jobs")), "{:?}", sim.requests());
}
