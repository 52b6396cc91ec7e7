//! What is announced of a change: the bell, a line for the desktop, a program.

use super::cost::scenario;
use super::watch::TWO;
use crate::support::Env;
use crate::support::running::Running;
use glwatch_sim::Sim;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const RED: &str = "red = [[\"test\", \"unit | 40s | fails\"]]";
/// A project whose pipeline runs and is going to fail, and one whose pipeline has ended.
const FAILING: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"red\", age = \"20s\" }]\n\
                   [[project]]\npath = \"acme/web\"\nrun = [{ jobs = \"single\", age = \"3h\" }]";

fn watch(env: &Env, sim: &Sim, more: &[&str]) -> Running {
    let fixed = ["--host", sim.url(), "--group-id", "12345", "--watch", "--interval", "50ms", "--rps", "1000"];
    env.start(&[&fixed[..], more].concat())
}

/// Writes a script, and returns its path.
fn script(env: &Env, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = env.home().join("hook");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Lets the one pipeline that runs end.
fn one_change(sim: &Sim, running: &mut Running) {
    running.skip(2);
    sim.clock().advance(Duration::from_secs(120));
    running.line_with(|line| line.contains("acme/api\tmain\trunning -> success"));
}

#[test]
fn a_program_gets_each_change_as_json_and_as_variables_and_the_first_reading_is_none() {
    let (sim, env) = (scenario("", TWO), Env::new());
    let hook =
        script(&env, "cat >>got; echo \"$GLWATCH_EVENT|$GLWATCH_EVENT_PROJECT|$GLWATCH_EVENT_FROM|$1\" >>vars; exit 9");
    let command = format!("'{}' 'two words'", hook.display());
    let mut running = watch(&env, &sim, &["--on-change", &command]);
    one_change(&sim, &mut running);
    // It has ended by then.
    assert!(running.error_line().contains("exit status: 9"));
    let got = fs::read_to_string(env.home().join("got")).unwrap();
    let events: Vec<Value> = got.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 1, "{got}");
    let event = &events[0];
    assert_eq!((&event["meaning"], &event["event"]), (&json!("ended"), &json!("pipeline")));
    assert_eq!(
        (&event["project"], &event["from"], &event["to"]),
        (&json!("acme/api"), &json!("running"), &json!("success"))
    );
    assert!(event["pipeline"]["web_url"].as_str().unwrap().starts_with(sim.url()), "{event}");
    assert_eq!(fs::read_to_string(env.home().join("vars")).unwrap(), "ended|acme/api|running|two words\n");
}

#[test]
fn a_program_that_fails_is_reported_with_its_first_line() {
    let cases = [
        ("echo; echo broken pipe dream >&2; exit 3", "ended with exit status: 3: broken pipe dream"),
        ("kill -9 $$", "ended with signal: 9"),
        ("sleep 600", "did not end within 200ms"),
    ];
    for (text, words) in cases {
        let (sim, env) = (scenario("", TWO), Env::new().with("GLWATCH_NOTIFY_TIME", "200ms"));
        let hook = script(&env, text);
        let mut running = watch(&env, &sim, &["--on-change", hook.to_str().unwrap()]);
        one_change(&sim, &mut running);
        let line = running.error_line();
        assert!(line.starts_with("warning: --on-change: \"") && line.contains(words), "{text}: {line}");
        assert!(running.is_running(), "{text}");
    }
    let (sim, env) = (scenario("", TWO), Env::new());
    let mut running = watch(&env, &sim, &["--on-change", "./nothing-there"]);
    one_change(&sim, &mut running);
    let line = running.error_line();
    assert!(line.contains("could not be run: No such file"), "{line}");
}

#[test]
fn rules_choose_by_meaning_and_by_project() {
    let (sim, env) = (scenario(RED, FAILING), Env::new());
    let hook = script(&env, "echo \"$1 $GLWATCH_EVENT $GLWATCH_EVENT_PROJECT\" >>got; echo $1 >&2; exit 9");
    let rule =
        |name: &str, text: &str| format!("[notify.rules.{name}]\ncommand = ['{}', '{name}']\n{text}\n", hook.display());
    let text = [
        rule("broke", "events = ['broke']"),
        rule("fixed", "events = ['fixed']"),
        rule("web", "events = ['all']\nprojects = ['*/web']"),
        rule("api", "events = ['all']\nprojects = ['*/api']"),
    ];
    fs::write(env.home().join("c.toml"), text.concat()).unwrap();
    let mut running = watch(&env, &sim, &["--config", "c.toml"]);
    running.skip(2);
    sim.clock().advance(Duration::from_secs(120));
    running.line_with(|line| line.contains("acme/api\tmain\trunning -> failed"));
    // Both have ended by then.
    let _ = (running.error_line(), running.error_line());
    let got = fs::read_to_string(env.home().join("got")).unwrap();
    let mut lines: Vec<&str> = got.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["api broke acme/api", "broke broke acme/api"], "{got}");
}

#[test]
fn a_projects_file_runs_nothing() {
    let (sim, env) = (scenario("", TWO), Env::new());
    fs::write(env.home().join("glwatch.toml"), "on_change = ['touch', 'owned']\n").unwrap();
    let output = env.run(&["--host", sim.url(), "--group-id", "12345"]);
    let _ = output.refuses(2, &["not allowed in ./glwatch.toml", "it runs a program"]);
}

#[test]
fn the_bell_rings_and_the_desktop_shows_a_line_for_what_broke_and_not_for_the_first_reading() {
    let (sim, env) = (scenario(RED, FAILING), Env::new());
    let arguments = ["--host", sim.url(), "--group-id", "12345", "--watch", "--interval", "50ms", "--rps", "1000"];
    let mut terminal = env.open(&arguments, 100, 24);
    terminal.wait_until(|contents| contents.contains("● running") && contents.contains("✓ success"));
    assert_eq!(terminal.last("\u{7}\u{1B}]"), None);
    assert_eq!(terminal.last("\u{1B}]9;"), None, "{}", terminal.contents());
    sim.clock().advance(Duration::from_secs(120));
    terminal.wait_until(|contents| contents.contains("acme/api began to fail"));
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
    let line = terminal.last("\u{1B}]9;glwatch: acme/api main broke\u{7}").expect("a line for the desktop");
    let rest = String::from_utf8_lossy(&terminal.raw[line..]).into_owned();
    assert!(rest.starts_with("\u{1B}]9;glwatch: acme/api main broke\u{7}\u{7}"), "the bell follows");
}
