//! `glwatch retry`, `cancel` and `play`: what is asked and refused before, and that nothing is ever sent twice.

use super::cost::scenario;
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Sim, TOKEN_API, TOKEN_READ_API};

/// A failed, a running and a blocked pipeline.
fn group() -> Sim {
    let project = |path: &str, jobs: &str, age: &str| {
        format!("[[project]]\npath = \"acme/{path}\"\nrun = [{{ jobs = \"{jobs}\", age = \"{age}\" }}]\n")
    };
    scenario(
        "red = [[\"test\", \"unit | 40s | fails\", \"lint | 20s | fails\", \"docs | 10s\"]]\n\
         slow = [[\"test\", \"unit | 3h\"]]\nblocked = [[\"deploy\", \"production | 30s | manual\"]]",
        &[project("red", "red", "1h"), project("slow", "slow", "10m"), project("blocked", "blocked", "2h")].concat(),
    )
}

fn env() -> Env {
    Env::new().with("GITLAB_TOKEN", TOKEN_API)
}

fn act(sim: &Sim, words: &[&str]) -> Output {
    env().run(&[words, &["--host", sim.url()]].concat())
}

/// Returns the paths that were posted to.
fn posted(sim: &Sim) -> Vec<String> {
    sim.requests().iter().filter(|request| request.method == "POST").map(|request| request.path.clone()).collect()
}

fn fields(output: &Output) -> Vec<Vec<&str>> {
    output.stdout.lines().map(|line| line.split('\t').collect()).collect()
}

#[test]
fn a_retried_job_has_a_new_id_and_is_listed_before() {
    let sim = group();
    let output = act(&sim, &["retry", "acme/red", "unit", "test/lint", "--yes"]).exits_with(0);
    assert_eq!(posted(&sim).len(), 2);
    let lines = fields(&output);
    assert_eq!((lines[0][0], lines[0][2], lines[1][2]), ("retried", "test/unit", "test/lint"), "{output}");
    for line in lines {
        let old = posted(&sim).iter().any(|path| path.contains(line[3]));
        assert!(!old && line[5].ends_with(&format!("/-/jobs/{}", line[3])), "{line:?}");
    }
    let _ = output.says(&["test/unit  failed", "test/lint  failed"]);
}

#[test]
fn a_pipeline_is_acted_on_as_a_whole() {
    let sim = group();
    let output = act(&sim, &["retry", "acme/red@main", "--yes"]).exits_with(0);
    assert_eq!((posted(&sim).len(), fields(&output)[0][2]), (1, ""), "{output}");
    assert!(!output.stderr.contains("docs"), "{output}");
    let _ = output.says(&["  test/unit  failed", "  test/lint  failed"]);
    let output = act(&sim, &["cancel", "acme/slow", "--yes"]).exits_with(0);
    assert_eq!(fields(&output)[0][0], "canceled", "{output}");
    // There is nothing to do, which GitLab itself would not say.
    sim.clear_requests();
    let _ =
        act(&sim, &["cancel", "acme/blocked", "--yes"]).refuses(2, &["there is nothing to cancel", "nothing was sent"]);
    let _ =
        act(&sim, &["play", "acme/blocked", "--yes"]).refuses(2, &["play starts a job", "deploy/production  manual"]);
    assert!(posted(&sim).is_empty());
    let output = act(&sim, &["play", "acme/blocked", "production", "--yes"]).exits_with(0);
    assert_eq!(fields(&output)[0][0], "played", "{output}");
}

#[test]
fn without_a_terminal_it_takes_yes_and_asks_nothing_of_gitlab() {
    let sim = group();
    let _ = act(&sim, &["retry", "acme/red", "unit"]).refuses(2, &["there is no terminal to ask on", "--yes"]);
    assert!(sim.requests().is_empty());
    let output = env().with("GLWATCH_YES", "true").run(&["retry", "acme/red", "unit", "--host", sim.url()]);
    let _ = output.exits_with(0);
}

#[test]
fn on_a_terminal_it_asks() {
    for (answer, code, posts) in [("y\r", 0, 2), ("n\r", 130, 0), ("\r", 130, 0)] {
        let sim = group();
        let mut terminal = env().open(&["retry", "acme/red", "unit", "lint", "--host", sim.url()], 100, 24);
        terminal.wait_until(|shown| shown.contains("Retry 2 jobs? [y/N]"));
        assert!(terminal.contents().contains("test/lint  failed"), "{}", terminal.contents());
        assert!(posted(&sim).is_empty(), "it did not wait for the answer");
        terminal.send(answer);
        assert_eq!((terminal.end(), posted(&sim).len()), (code, posts), "{answer:?}: {}", terminal.contents());
    }
}

#[test]
fn read_only_refuses_before_anything_is_asked() {
    let sim = group();
    let retry = ["retry", "acme/red", "unit", "--yes", "--host", sim.url()];
    let flag = [&retry[..], &["--read-only"]].concat();
    let _ = env().run(&flag).refuses(2, &["--read-only: nothing may be changed"]);
    let _ =
        env().with("GLWATCH_READ_ONLY", "true").run(&retry).refuses(2, &["GLWATCH_READ_ONLY: nothing may be changed"]);
    let env = env();
    let file = env.home().join("glwatch.toml");
    std::fs::write(&file, "read_only = true\n").unwrap();
    let _ = env.run(&retry).refuses(2, &["glwatch.toml:1 (read_only): nothing may be changed"]);
    std::fs::write(&file, "read_only = false\n").unwrap();
    let _ = env.run(&retry).refuses(2, &["may only be true in a project's file"]);
    assert!(sim.requests().is_empty());
    std::fs::write(&file, "read_only = true\n").unwrap();
    let _ = env.with("GLWATCH_READ_ONLY", "false").run(&retry).exits_with(0);
}

#[test]
fn a_token_that_only_reads_is_told_the_scope_and_one_request_was_sent() {
    let sim = group();
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let output = env.run(&["retry", "acme/red", "unit", "lint", "--yes", "--host", sim.url()]);
    let _ = output.refuses(3, &["the token lacks the scope api", "needs the scope api", "make a token with scope api"]);
    assert_eq!(posted(&sim).len(), 1);
}

#[test]
fn what_acts_is_never_sent_twice() {
    type Broken = fn() -> Fault;
    let cases: [(&str, Broken); 16] = [
        ("not JSON but an empty body", || Fault::on("/retry").answer(201, "application/json", "")),
        ("GitLab may have done it all the same", || Fault::on("/retry").answer(202, "application/json", "{}")),
        ("may have done it", || Fault::on("/retry").answer(204, "application/json", "")),
        ("missing field", || Fault::on("/retry").answer(200, "application/json", "{}")),
        ("it redirects to another address", || Fault::on("/retry").redirect(302, "/users/sign_in")),
        ("403: not GitLab's answer", || Fault::on("/retry").answer(403, "text/html", "<html>blocked</html>")),
        ("401: not GitLab's answer", || Fault::on("/retry").answer(401, "text/html", "<html>login</html>")),
        ("404: not GitLab's answer", || Fault::on("/retry").answer(404, "text/plain", "")),
        ("400: not GitLab's answer", || Fault::on("/retry").answer(400, "application/json", "{}")),
        ("429: too many requests", || Fault::on("/retry").answer(429, "text/html", "<html>slow down</html>")),
        ("408", || Fault::on("/retry").answer(408, "text/html", "")),
        ("520", || Fault::on("/retry").answer(520, "text/html", "")),
        ("502", || Fault::on("/retry").status(502)),
        ("the connection failed", || Fault::on("/retry").reset()),
        ("the answer broke off", || Fault::on("/retry").cut()),
        ("the answer is not JSON", || Fault::on("/retry").html()),
    ];
    for (words, fault) in cases {
        let sim = group();
        sim.add_fault(fault());
        let output = act(&sim, &["retry", "acme/red", "unit", "--yes"]).exits_with(4);
        assert_eq!((fields(&output)[0][0], fields(&output)[0][2]), ("unsure", "test/unit"), "{words}: {output}");
        let _ = output.says(&[words, "GitLab may have done it all the same", "look before you try again"]);
        assert_eq!(posted(&sim).len(), 1, "{words}");
    }
}

#[test]
fn what_gitlab_refuses_was_surely_not_done() {
    type Refused = fn() -> Fault;
    let cases: [(&str, Refused); 4] = [
        ("GitLab answered 403 Forbidden", || Fault::on("/retry").status(403)),
        ("GitLab answered 404 Not found", || Fault::on("/retry").status(404)),
        ("429: too many requests", || Fault::on("/retry").rate_limited(Some("1"))),
        ("GitLab answered 400: no", || Fault::on("/retry").answer(400, "application/json", "{\"message\":\"no\"}")),
    ];
    for (words, fault) in cases {
        let sim = group();
        sim.add_fault(fault());
        let output = act(&sim, &["retry", "acme/red", "unit", "--yes"]).exits_with(3).says(&[words]);
        assert_eq!((output.stdout.as_str(), posted(&sim).len()), ("", 1), "{words}");
    }
}

#[test]
fn what_acts_is_not_sent_after_a_wait() {
    // The pause is asked for by what is read before, or by the action before it.
    for (path, posts) in [("/pipelines?", 0), ("/jobs?", 0), ("/retry", 1)] {
        let sim = group();
        sim.add_fault(Fault::on(path).once().rate_limited(Some("60")));
        let output = act(&sim, &["retry", "acme/red@main", "unit", "lint", "--yes"]).exits_with(3);
        assert_eq!(posted(&sim).len(), posts, "{path}: {output}");
        let _ = output.says(&["what acts is not sent after a wait, so nothing was sent", "try again in"]);
    }
}

#[test]
fn a_signal_between_sending_and_the_answer_leaves_it_unsure() {
    for signal in ["-INT", "-TERM"] {
        let sim = group();
        sim.add_fault(Fault::on("/retry").stalled());
        let running = env().start(&["retry", "acme/red", "unit", "--yes", "--host", sim.url()]);
        let deadline = std::time::Instant::now() + crate::support::running::DEADLINE;
        while posted(&sim).is_empty() {
            assert!(std::time::Instant::now() < deadline, "it was not sent");
            std::thread::yield_now();
        }
        running.signal(signal);
        let (lines, stderr, code) = running.end();
        assert_eq!((code, lines.len()), (Some(4), 1), "{signal}: {lines:?} {stderr}");
        assert!(lines[0].starts_with("unsure\t") && stderr.contains("it may have been done"), "{lines:?} {stderr}");
    }
}

#[test]
fn one_that_fails_does_not_keep_the_others() {
    let sim = group();
    sim.add_fault(Fault::on("/retry").once().status(403));
    let output = act(&sim, &["retry", "acme/red", "unit", "lint", "--yes"]).exits_with(4);
    assert_eq!((fields(&output).len(), posted(&sim).len()), (1, 2), "{output}");
    let _ = output.says(&["failed to retry acme/red#", "needs a role in the project"]);
    // What GitLab itself refuses.
    let _ = act(&sim, &["play", "acme/red", "docs", "--yes"]).exits_with(3).says(&["Unplayable Job"]);
}
