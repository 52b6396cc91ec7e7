//! Why it is red: the first line names the true cause, and what it rests on follows.

use super::cost::scenario;
use crate::support::{Env, Output};
use glwatch::collect::evidence::{self, Subject};
use glwatch::collect::explain_service::{self, ExplainAnswer, ExplainRequest};
use glwatch::domain::id::{PipelineId, ProjectRef};
use glwatch::domain::usage::ApiChoice;
use glwatch::gitlab::client::OLDER_PIPELINES_PER_QUERY;
use glwatch_sim::{Fault, GraphqlOptions, Options, Served, Sim, TOKEN_API, TOKEN_READ_API, Version, WorldKind};
use serde_json::{Value, json};

/// Each in trouble for one clear reason.
const PROJECTS: [&str; 13] = [
    "unit",
    "lint",
    "yaml",
    "stuck",
    "timeout",
    "runner",
    "child",
    "deploy-chain",
    "blocked",
    "flaky",
    "hostile",
    "big",
    "allowed",
];

fn failures(options: Options) -> Sim {
    Sim::start(Options { world: WorldKind::Failures, ..options }).unwrap()
}

fn sim() -> Sim {
    failures(Options::default())
}

fn run(sim: &Sim, arguments: &[&str]) -> Output {
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_API", "auto");
    env.run(&[&["explain", "--host", sim.url(), "--group-id", "12345"], arguments].concat())
}

/// The answer: the second line, below the name of the pipeline.
fn answer(output: &Output) -> String {
    output.stdout.lines().nth(1).unwrap_or_default().trim().to_owned()
}

#[test]
fn the_first_line_names_the_true_cause() {
    let sim = sim();
    let first_line = |project: &&str| format!("{project}: {}", answer(&run(&sim, &[project]).exits_with(0)));
    let answers: Vec<String> = PROJECTS.iter().map(first_line).collect();
    assert_eq!(sim.panics(), 0);
    insta::assert_snapshot!(answers.join("\n"), @r###"
    unit: job `unit` failed: 2 of 148 tests, first `unit::session_test::is_idempotent`
    lint: job `clippy` failed: its script ended: `error: this loop never actually loops`
    yaml: .gitlab-ci.yml is not valid: `jobs:test config contains unknown keys: scirpt`
    stuck: job `gpu tests` is stuck for 12m: no runner can take it; it needs the tags `gpu`, `cuda-12`
    timeout: job `end to end` failed: it ran out of time after 1h
    runner: job `compile` failed: the runner failed, not the script
    child: downstream `acme/child #1904267245`: job `consumer contract` failed: 2 of 24 tests, first `tests.test_queue.TestQueue::test_rounds_half_up`
    deploy-chain: downstream `acme/environments #1904286575`: job `apply production` failed: its script ended: `Error: the server answered 503 Service Unavailable`
    blocked: job `deploy production` has waited 3h for a person to start it
    flaky: it passed in the end: job `unit` failed once and passed when it was tried again
    hostile: job `scan` failed: its script ended: `error: record 4711 has no checksum (ci/run.sh:17)`
    big: job `import` failed: its script ended: `error: record 4711 has no checksum (ci/run.sh:17)`
    allowed: job `compile` failed: its script ended: `error[E0308]: mismatched types`
    "###);
}

/// Makes what differs from run to run the same.
fn shown(sim: &Sim, output: &Output) -> String {
    output.stdout.replace(sim.url(), "https://gitlab.example.com")
}

#[test]
fn the_evidence_follows_the_answer() {
    let sim = sim();
    insta::assert_snapshot!(shown(&sim, &run(&sim, &["allowed", "--log-lines", "4", "--ascii"]).exits_with(0)), @r###"
    acme/allowed main x failed #1904332820, 20m old
      job `compile` failed: its script ended: `error[E0308]: mismatched types`
      -> read the log below: it is the script's own error
      stage `check`, ran for 55s, runner `docker-runner-3`
      https://gitlab.example.com/acme/allowed/-/jobs/15234662562

      the log of `compile`, section `step_script`, 24 lines, 2.2 kB
        17  error[E0308]: mismatched types
        ...
        19     |
        20  57 |     let total: u64 = amount.round();
        21     |                ---   ^^^^^^^^^^^^^^ expected `u64`, found `f64`
        22  error: could not compile `example` (lib) due to 1 previous error
        ...
        24  ERROR: Job failed: exit code 1

      allowed: job `audit` failed: its script ended: `error: this loop never actually loops`
      https://gitlab.example.com/acme/allowed/-/pipelines/1904332820
    "###);
}

#[test]
fn new_failures_are_told_from_old_ones_in_markdown_too() {
    let sim = sim();
    insta::assert_snapshot!(shown(&sim, &run(&sim, &["unit", "-o", "markdown", "--log-lines", "2"]).exits_with(0)), @r###"
    ### [acme/unit main: failed](https://gitlab.example.com/acme/unit/-/pipelines/1904313600)

    **job `unit` failed: 2 of 148 tests, first `unit::session_test::is_idempotent`**

    → 1 of them did not fail on the pipeline before: look at what changed

    [stage `test`, ran for 1m 34s, runner `docker-runner-3`](https://gitlab.example.com/acme/unit/-/jobs/15234508802)

    - `unit::stack_test::push` (failed before, too; failed 3 times on the default branch in 14 days) in `src/stack.rs`

      ```text
      thread 'stack_test::push' panicked at src/stack.rs:27:9:
      assertion `left == right` failed
        left: 2
       right: 3
      ```
    - `unit::session_test::is_idempotent` (new; failed once on the default branch in 14 days) in `src/session.rs`

      ```text
      thread 'session_test::is_idempotent' panicked at src/session.rs:28:9:
      assertion `left == right` failed
        left: 3
       right: 4
      ```

    <details><summary>the log of unit, section step_script, 184 lines, 9.1 kB</summary>

    ```text
     19  test stack_test::push ... FAILED
    110  test session_test::is_idempotent ... FAILED
    167  failures:
    169  thread 'stack_test::push' panicked at src/stack.rs:27:9:
    174  thread 'session_test::is_idempotent' panicked at src/session.rs:28:9:
    178  failures:
    181  test result: FAILED. 142 passed; 2 failed; 4 ignored; 0 measured; 0 filtered out; finished in 12.31s
    182  error: test failed, to rerun pass `--lib`
    184  ERROR: Job failed: exit code 1
    ```

    </details>
    "###);
}

#[test]
fn the_contract_has_the_answer_the_causes_and_their_evidence() {
    let sim = sim();
    let document = run(&sim, &["unit", "stuck", "-o", "json"]).exits_with(0).json();
    assert_eq!((&document["schema"], &document["complete"]), (&json!("glwatch.explain/1"), &json!(true)));
    let [unit, stuck] = [0, 1].map(|at| &document["pipelines"][at]);
    assert_eq!(unit["project"], json!("acme/unit"));
    let cause = &unit["causes"][0];
    assert_eq!((&cause["kind"], &cause["job"]["exit_code"]), (&json!("tests"), &json!(1)));
    assert_eq!((&cause["tests"]["failed"], &cause["tests"]["total"]), (&json!(2), &json!(148)));
    let history = |at: usize| cause["tests"]["cases"][at]["history"].clone();
    assert_eq!([history(0), history(1)].iter().filter(|word| **word == json!("new")).count(), 1, "{cause}");
    assert!(cause["log"]["errors"].as_array().is_some_and(|lines| !lines.is_empty()), "{cause}");
    assert_eq!(stuck["causes"][0]["job"]["tags"], json!(["gpu", "cuda-12"]));
    assert_eq!(stuck["causes"][0]["job"]["stuck"], json!(true));
}

#[test]
fn nothing_is_stated_that_gitlab_does_not_say() {
    // Only GraphQL says that a job is stuck.
    let sim = failures(Options {
        graphql: GraphqlOptions { served: Served::Missing, ..Default::default() },
        ..Options::default()
    });
    let output = run(&sim, &["stuck"]).exits_with(0);
    let said = "job `gpu tests` is pending: no runner has picked it up for 12m; it needs the tags `gpu`, `cuda-12`";
    assert_eq!(answer(&output), said);
}

#[test]
fn a_hostile_log_moves_nothing_and_hides_nothing() {
    let sim = sim();
    for form in ["text", "markdown", "json"] {
        for more in [&[][..], &["--color", "always"]] {
            let output = run(&sim, &[&["hostile", "-o", form, "--log-lines", "1000"], more].concat()).exits_with(0);
            let is_ours = |c: char| c == '\n' || c == '\t' || !c.is_control();
            let bare = output
                .stdout
                .replace("\u{1b}[0m", "")
                .replace("\u{1b}[2m", "")
                .replace("\u{1b}[31m", "")
                .replace("\u{1b}[33m", "");
            assert!(bare.chars().all(is_ours), "{form} {more:?}: {bare:?}");
            assert!(!bare.contains(['\u{202e}', '\u{200b}', '\u{2066}']), "{form}");
        }
    }
}

#[test]
fn several_are_explained_one_after_the_other_and_all_that_failed_at_once() {
    let sim = sim();
    let output = run(&sim, &["unit", "acme/lint"]).exits_with(0);
    assert_eq!(output.stdout.matches(" failed #").count(), 2, "{output}");
    let document = run(&sim, &["--all-failed", "-o", "json"]).exits_with(0).json();
    let mut projects: Vec<&str> =
        document["pipelines"].as_array().unwrap().iter().map(|entry| entry["project"].as_str().unwrap()).collect();
    projects.sort_unstable();
    let expected = [
        "allowed",
        "big",
        "child",
        "deploy-chain",
        "environments",
        "hostile",
        "lint",
        "runner",
        "timeout",
        "unit",
        "yaml",
    ];
    assert_eq!(projects, expected.map(|name| format!("acme/{name}")));
}

#[test]
fn what_cannot_be_read_is_told_and_loses_nothing_else() {
    let sim = sim();
    sim.add_fault(Fault::on("/trace").status(404));
    sim.add_fault(Fault::on("/test_report").status(500));
    let output = run(&sim, &["lint"]).exits_with(4);
    assert_eq!(answer(&output), "job `clippy` failed: its script failed");
    assert_eq!(output.stdout.matches("could not be read: ").count(), 3, "{output}");
    let document = run(&sim, &["lint", "-o", "json"]).exits_with(4).json();
    assert_eq!(document["complete"], json!(false));
    let unread: Vec<&Value> =
        document["pipelines"][0]["unread"].as_array().unwrap().iter().map(|lost| &lost["what"]).collect();
    assert_eq!(unread, [&json!("the log of clippy"), &json!("the test report"), &json!("the pipeline before")]);
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let sim = sim();
    let _ = run(&sim, &["lnit"]).exits_with(3).says(&["project \"lnit\" not found", "acme/lint"]);
    let _ = run(&sim, &["acme/unit#12"]).exits_with(3).says(&["acme/unit #12", "404"]);
    let _ = run(&sim, &["acme/unit@nope"]).exits_with(3).says(&["no pipeline of nope"]);
    // One of several: the others are explained.
    let output = run(&sim, &["lint", "lnit"]).exits_with(4);
    assert!(output.stdout.contains("clippy"), "{output}");
    let _ = run(&sim, &[]).exits_with(2);
    let _ = run(&sim, &["lint", "--raw"]).exits_with(2).says(&["--full-log"]);
}

#[test]
fn the_whole_log_follows_where_it_is_wanted() {
    let sim = sim();
    let output = run(&sim, &["big", "--full-log"]).exits_with(0);
    assert!(
        output.stdout.len() > 1_500_000 && output.stdout.contains("the whole log of import"),
        "{}",
        output.stdout.len()
    );
    let raw = run(&sim, &["lint", "--full-log", "--raw"]).exits_with(0);
    assert!(raw.stdout.contains("section_start:"), "{}", raw.stdout.len());
}

/// How many requests an answer takes; the comments say which wait for which.
fn cost(sim: &Sim, arguments: &[&str]) -> usize {
    sim.clear_requests();
    let _ = run(sim, arguments).exits_with(0);
    sim.requests().len()
}

#[test]
fn over_rest_an_answer_is_three_round_trips() {
    let sim = sim();
    // Project and newest pipeline; details, jobs, bridges and the pipeline before; log, tests, and what that one says.
    assert_eq!(cost(&sim, &["acme/unit", "--api", "rest"]), 2 + 4 + 4);
    // No log, no tests, nothing before: the first six have the whole answer.
    assert_eq!(cost(&sim, &["acme/blocked", "--api", "rest"]), 2 + 4);
}

#[test]
fn over_graphql_an_answer_is_two_round_trips() {
    let sim = sim();
    // A glance; details, jobs, bridges, log, tests, and what the pipeline before says.
    for target in ["acme/unit", "acme/unit@main"] {
        assert_eq!(cost(&sim, &[target]), 1 + 7, "{target}");
        assert_eq!(sim.requests()[0].operation.as_deref(), Some("Glance"));
    }
    // A glance, which tells that there is nothing before; details, jobs, bridges.
    assert_eq!(cost(&sim, &["acme/blocked"]), 1 + 3);
    // Whether a job is stuck is no question of its own.
    assert_eq!(cost(&sim, &["acme/stuck"]), 1 + 3);
}

/// What an answer says, without what it cost and what only GraphQL knows.
fn evidence(sim: &Sim, arguments: &[&str]) -> Value {
    fn drop_stuck(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let _ = fields.remove("stuck");
                fields.values_mut().for_each(drop_stuck);
            }
            Value::Array(items) => items.iter_mut().for_each(drop_stuck),
            _ => {}
        }
    }
    let mut document = run(sim, &[arguments, &["-o", "json"]].concat()).exits_with(0).json();
    for varying in ["requests", "generated_at"] {
        let _ = document.as_object_mut().unwrap().remove(varying);
    }
    drop_stuck(&mut document);
    document
}

#[test]
fn a_glance_changes_nothing_about_the_answer() {
    for version in Version::ALL {
        let sim = failures(Options { graphql: GraphqlOptions { version, ..Default::default() }, ..Options::default() });
        for project in PROJECTS.iter().filter(|project| **project != "stuck") {
            let path = format!("acme/{project}");
            let expected = evidence(&sim, &[&path, "--api", "rest"]);
            assert_eq!(evidence(&sim, &[&path]), expected, "{project} of {version:?}");
            assert_eq!(evidence(&sim, &[project]), expected, "{project}, by the end of its path");
        }
        let stuck = run(&sim, &["acme/stuck"]).exits_with(0);
        assert!(answer(&stuck).contains("is stuck for 12m"), "{version:?}: {stuck}");
    }
}

#[test]
fn what_the_reading_brought_changes_nothing_about_the_answers() {
    for version in Version::ALL {
        for world in [WorldKind::Failures, WorldKind::Demo] {
            let graphql = GraphqlOptions { version, ..Default::default() };
            let sim = Sim::start(Options { world: world.clone(), graphql, ..Options::default() }).unwrap();
            let found = evidence(&sim, &["--all-failed"]);
            let found = found["pipelines"].as_array().unwrap();
            assert!(found.len() > 3, "{world:?}");
            for entry in found {
                let target = format!("{}#{}", entry["project"].as_str().unwrap(), entry["pipeline"]["id"]);
                let alone = evidence(&sim, &[&target, "--api", "rest"]);
                let mut entry = entry.clone();
                let mut alone = alone["pipelines"][0].clone();
                // REST has no word for the former, and tells the latter with jobs only.
                if alone["pipeline"]["stages"] == json!([]) {
                    for field in ["failure_reason", "commit_title"] {
                        entry["pipeline"][field] = Value::Null;
                        alone["pipeline"][field] = Value::Null;
                    }
                }
                assert_eq!(entry, alone, "{target} of {version:?}");
            }
        }
    }
}

#[test]
fn all_that_failed_costs_no_request_for_what_the_reading_brought() {
    let world = WorldKind::Uniform { projects: 200, stages: 4, jobs: 3 };
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let cost = |api: &str| {
        sim.clear_requests();
        let document = run(&sim, &["--all-failed", "--api", api, "-o", "json"]).exits_with(0).json();
        // How many batches there are depends on how quickly the first is answered.
        let is_batch = |operation: Option<&str>| operation == Some("Snapshot");
        let requests = sim.requests().iter().filter(|request| !is_batch(request.operation.as_deref())).count();
        (document["pipelines"].as_array().unwrap().len(), requests)
    };
    let (failed, requests) = cost("auto");
    assert_eq!(failed, 16);
    // Group, introspection and two pages; what was before, in batches; and of each its jobs in every detail, a log and
    // its tests.
    assert_eq!(requests, 4 + failed.div_ceil(OLDER_PIPELINES_PER_QUERY) + 3 * failed);
    assert_eq!(cost("rest").1, 803 + 4 * failed, "what was before is a request of its own");
}

#[test]
fn a_pipeline_that_has_moved_on_since_the_reading_is_read_again() {
    let sim = sim();
    let read = || {
        sim.clear_requests();
        let _ = run(&sim, &["--all-failed", "--include", "lint"]);
        let asked: Vec<String> = sim.requests().into_iter().map(|request| request.path).collect();
        let pipeline = |path: &&String| {
            let end = path.split('?').next().unwrap_or_default().rsplit("/pipelines/").next().unwrap_or_default();
            end.bytes().all(|byte| byte.is_ascii_digit()) || end.ends_with("/bridges")
        };
        asked.iter().filter(pipeline).count()
    };
    assert_eq!(read(), 0);
    sim.add_fault(Fault::on("/jobs").answer(200, "application/json", "[]"));
    assert_eq!(read(), 2, "its details and its bridges");
}

#[test]
fn without_a_glance_rest_answers() {
    let sim = sim();
    let expected = shown(&sim, &run(&sim, &["acme/unit", "--api", "rest"]).exits_with(0));
    let odd = [
        Fault::on("/api/graphql").status(500),
        Fault::on("/api/graphql").html(),
        Fault::on("/api/graphql").truncated(),
        Fault::on("/api/graphql").answer(200, "application/json", r#"{"data":{"project":null}}"#),
    ];
    for fault in odd {
        let sim = failures(Options { faults: vec![fault.clone()], ..Options::default() });
        let output = run(&sim, &["acme/unit"]).exits_with(0);
        assert_eq!(shown(&sim, &output), expected, "{fault:?}");
        assert_eq!(sim.requests().len(), 1 + 2 + 4 + 4, "{fault:?}");
    }
}

#[test]
fn a_glance_that_is_no_longer_true_does_not_mislead() {
    let sim = sim();
    let expected = shown(&sim, &run(&sim, &["acme/unit", "--api", "rest"]).exits_with(0));
    let document = run(&sim, &["acme/unit", "-o", "json"]).exits_with(0).json();
    let pipeline = &document["pipelines"][0]["pipeline"]["id"];
    let requests = sim.requests();
    let trace = requests.iter().find(|request| request.path.ends_with("/trace")).unwrap();
    let project = trace.path.split('/').find(|part| part.parse::<u64>().is_ok()).unwrap();
    let newest = json!({ "id": format!("gid://gitlab/Ci::Pipeline/{pipeline}"), "status": "RUNNING" });
    let project = json!({
        "id": format!("gid://gitlab/Project/{project}"), "fullPath": "acme/unit",
        "newest": { "nodes": [newest] }, "heads": { "nodes": [] },
    });
    let glance = json!({ "data": { "project": project } }).to_string();
    sim.add_fault(Fault::on("/api/graphql").answer(200, "application/json", &glance));
    assert_eq!(shown(&sim, &run(&sim, &["acme/unit"]).exits_with(0)), expected);
}

/// Asks as a listener does that goes on: a newer question takes the place of one that is still open.
#[test]
fn the_latest_question_wins_and_an_answer_is_kept() {
    let sim = sim();
    let (client, _) = super::watch::reader(&sim);
    let question = |project: &str| ExplainRequest { subject: subject(&sim, project), updated_at: None };
    let (unit, lint) = (question("acme/unit"), question("acme/lint"));
    sim.add_fault(Fault::on("acme%2Funit/").once().stalled());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ask, questions) = tokio::sync::watch::channel(Some(unit.clone()));
        let (tell, mut answers) = tokio::sync::watch::channel(None);
        let options = evidence::EvidenceOptions { log_lines: 5, api: ApiChoice::Rest };
        let service = tokio::spawn(explain_service::run(
            client,
            (options, std::time::Duration::from_secs(60)),
            questions,
            tell,
            |_| (),
        ));
        // The answer to the first never comes: a request for it is never answered.
        while sim.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        ask.send_replace(Some(lint.clone()));
        let mut answered = async || {
            answers.changed().await.unwrap();
            let answer: ExplainAnswer = answers.borrow_and_update().clone().unwrap();
            answer.pipeline
        };
        assert_eq!(answered().await, lint.subject.pipeline);
        ask.send_replace(Some(unit.clone()));
        assert_eq!(answered().await, unit.subject.pipeline);
        let before = sim.requests().len();
        ask.send_replace(Some(lint.clone()));
        assert_eq!(answered().await, lint.subject.pipeline);
        assert_eq!(sim.requests().len(), before, "it was known");
        assert!(!service.is_finished(), "the sender still exists");
        drop(ask);
        service.await.unwrap();
    });
}

fn subject(sim: &Sim, project: &str) -> Subject {
    let truth = sim.expected();
    let found = truth["projects"].as_array().unwrap().iter().find(|entry| entry["full_path"] == project).unwrap();
    Subject {
        project: ProjectRef::Path(project.into()),
        full_path: project.into(),
        pipeline: PipelineId(found["pipelines"][0]["id"].as_u64().unwrap()),
        before: evidence::PreviousPipeline::OfRef("main".into()),
        first_look: None,
    }
}

#[test]
fn what_several_projects_share_is_said_once_at_the_end() {
    let templates = "runner = [[\"test\", \"unit | 40s | fails | reason runner_system_failure\"]]\n\
                     script = [[\"test\", \"unit | 40s | fails\"]]";
    let project = |name: &str, jobs: &str| {
        format!("[[project]]\npath = \"acme/{name}\"\nrun = [{{ jobs = \"{jobs}\", age = \"1h\" }}]\n")
    };
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 3] = [
        ("one runner", &[("a", "runner"), ("b", "script"), ("c", "runner")], &["acme/a", "acme/c"]),
        ("a script that failed is no common cause", &[("a", "script"), ("b", "script")], &[]),
        ("one project shares nothing", &[("a", "runner"), ("b", "script")], &[]),
    ];
    for (sentence, projects, shared) in cases {
        let sim = scenario(templates, &projects.iter().map(|(name, jobs)| project(name, jobs)).collect::<String>());
        let run = |form: &str| {
            let given =
                ["explain", "--all-failed", "--host", sim.url(), "-g", "12345", "--token", TOKEN_API, "-o", form];
            Env::new().run(&given).exits_with(0)
        };
        let json = run("json").json();
        let found = json["shared_causes"].as_array().unwrap();
        assert_eq!(found.len(), usize::from(!shared.is_empty()), "{sentence}: {json}");
        for (form, title) in [("text", "one cause, several projects:"), ("markdown", "### One cause, several projects")]
        {
            assert_eq!(run(form).stdout.contains(title), !shared.is_empty(), "{sentence}: {form}");
        }
        if !shared.is_empty() {
            assert_eq!(found[0]["projects"], json!(shared), "{sentence}");
            let last = run("text").stdout.lines().last().unwrap_or_default().to_owned();
            assert!(last.ends_with(": 2 projects: acme/a, acme/c"), "{sentence}: {last}");
        }
    }
}
