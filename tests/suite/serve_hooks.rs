//! `glwatch serve hooks`: which project tells the server, what is asked and refused before anything is changed.

use super::cost::scenario;
use crate::support::{Env, Output};
use glwatch_sim::{Fault, Sim, TOKEN_API, TOKEN_READ_API};
use serde_json::{Value, json};

const URL: &str = "https://hub.example.com/webhook";
const SECRET: &str = "s3cret-hook";

/// Three projects; `acme/web` has the id 4711.
fn group() -> Sim {
    scenario(
        "",
        "[[project]]\npath = \"acme/api\"\n[[project]]\npath = \"acme/web\"\nid = 4711\n[[project]]\npath = \"acme/docs\"\n",
    )
}

fn hooks(sim: &Sim, task: &str, more: &[&str]) -> Output {
    hooks_as(TOKEN_API, sim, task, more)
}

fn hooks_as(token: &str, sim: &Sim, task: &str, more: &[&str]) -> Output {
    let env = Env::new().with("GITLAB_TOKEN", token).with("GLWATCH_SERVE_WEBHOOK_SECRET", SECRET);
    let fixed = ["serve", "hooks", task, "--host", sim.url(), "--group-id", "12345", "--url", URL];
    let output = env.run(&[&fixed, more].concat());
    assert!(!format!("{output}").contains(SECRET), "{output}");
    output
}

/// Returns the words of the line of a project.
fn line(output: &Output, project: &str) -> String {
    let line = output.stdout.lines().find(|line| line.split_whitespace().next() == Some(project));
    let line = line.unwrap_or_else(|| panic!("{project} is missing: {output}"));
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

fn changes(sim: &Sim) -> usize {
    sim.requests().iter().filter(|request| request.method != "GET").count()
}

fn whole(url: &str) -> Value {
    let events = ["pipeline", "job", "deployment", "push", "tag_push", "merge_requests"];
    let mut fields = json!({ "url": url });
    events.iter().for_each(|event| fields[format!("{event}_events")] = json!(true));
    fields
}

#[test]
fn hooks_are_created_once_with_the_secret_and_removed_by_their_url_alone() {
    let sim = group();
    sim.add_hook("acme/web", &whole("https://other.example.com/"));
    let output = hooks(&sim, "check", &[]).exits_with(1);
    assert_eq!(line(&output, "acme/api"), "missing");
    assert_eq!(line(&output, "acme/web"), "missing 1 hook with other URLs");
    let output = hooks(&sim, "install", &["--yes"]).exits_with(0);
    assert_eq!(line(&output, "acme/docs"), "done created", "{output}");
    for project in ["acme/api", "acme/web", "acme/docs"] {
        let (hook, has_secret) = sim.hooks(project).pop().unwrap();
        assert!(has_secret, "{project}");
        for (field, value) in whole(URL).as_object().unwrap() {
            assert_eq!(&hook[field], value, "{project} {field}");
        }
    }
    assert_eq!(line(&hooks(&sim, "check", &[]).exits_with(0), "acme/web"), "installed");
    sim.clear_requests();
    let _ = hooks(&sim, "install", &["--yes"]).exits_with(0).says(&["0 of 3 projects to change"]);
    assert_eq!((changes(&sim), sim.hooks("acme/web").len()), (0, 2), "what is there is kept");
    let output = hooks(&sim, "remove", &["--yes"]).exits_with(0);
    assert_eq!(line(&output, "acme/web"), "done removed");
    assert_eq!(sim.hooks("acme/web").len(), 1);
    assert_eq!(sim.hooks("acme/web")[0].0["url"], "https://other.example.com/");
    let _ = hooks(&sim, "remove", &["--yes"]).exits_with(0);
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_row_says_what_is_known_of_a_hook_and_no_more() {
    let sim = group();
    let with = |more: Value| {
        let mut fields = whole(URL);
        more.as_object().unwrap().iter().for_each(|(name, value)| fields[name] = value.clone());
        fields
    };
    sim.add_hook("acme/api", &with(json!({ "alert_status": "disabled" })));
    let until = json!({ "alert_status": "temporarily_disabled", "disabled_until": "2026-11-28T21:00:00.000Z" });
    sim.add_hook("acme/docs", &with(until));
    sim.add_fault(Fault::on("/api/v4/projects/4711/hooks").status(403));
    let output = hooks(&sim, "check", &[]).exits_with(1);
    assert!(line(&output, "acme/api").starts_with("disabled until it is tested"), "{output}");
    assert!(line(&output, "acme/docs").starts_with("disabled until 2026-11-28T21:00:00.000Z"), "{output}");
    let refused = line(&output, "acme/web");
    assert!(refused.starts_with("not known") && refused.ends_with("hooks are seen by Maintainers only"), "{refused}");
    // What is not known is no success.
    let output = hooks(&sim, "install", &["--yes"]).exits_with(4);
    assert!(line(&output, "acme/web").starts_with("not known"), "{output}");
    sim.clear_faults();
    sim.add_fault(Fault::on("/hooks").status(403));
    let _ = hooks(&sim, "check", &[]).exits_with(3);
    let _ = hooks(&sim, "remove", &["--yes"]).exits_with(3);
}

#[test]
fn what_a_hook_lacks_is_switched_on_in_the_hook_itself() {
    let sim = group();
    let mut few = whole(URL);
    few["job_events"] = json!(false);
    few["push_events_branch_filter"] = json!("main");
    sim.add_hook("acme/api", &few);
    let output = hooks(&sim, "check", &[]).exits_with(1);
    assert_eq!(line(&output, "acme/api"), "lacking lacks job_events; pushes to main only");
    let output = hooks(&sim, "install", &["--yes"]).exits_with(0);
    assert_eq!(line(&output, "acme/api"), "done changed");
    assert_eq!(sim.hooks("acme/api").len(), 1);
    let _ = hooks(&sim, "check", &[]).exits_with(0);
}

#[test]
fn nothing_is_changed_without_a_word_and_the_right_to() {
    let sim = group();
    let no_terminal = hooks(&sim, "install", &[]);
    let _ = no_terminal.refuses(2, &["install asks before it acts", "--yes"]);
    let read_only = Env::new().with("GITLAB_TOKEN", TOKEN_API).with("GLWATCH_READ_ONLY", "1");
    let fixed = ["--host", sim.url(), "--group-id", "12345", "--url", URL];
    for task in ["install", "remove"] {
        let words = ["serve", "hooks", task, "--yes"];
        let _ =
            read_only.run(&[&words[..], &fixed].concat()).refuses(2, &["GLWATCH_READ_ONLY", "nothing may be changed"]);
    }
    assert_eq!(sim.requests().len(), 0, "all of that is known beforehand");
    let output = hooks_as(TOKEN_READ_API, &sim, "install", &["--yes"]);
    let _ = output.refuses(2, &["needs a token with scope api; this one has read_api"]);
    assert_eq!(changes(&sim), 0);
    let _ = read_only.run(&[&["serve", "hooks", "check"][..], &fixed].concat()).exits_with(1);
    for (url, problem) in [
        ("hub.example.com", "is no address"),
        ("ftp://hub.example.com/", "is neither http nor https"),
        ("https://user:word@hub.example.com/", "has a password in it"),
        ("https://hub.example.com/#a", "has a # in it"),
    ] {
        let _ = Env::new().run(&["serve", "hooks", "check", "--url", url]).refuses(2, &[problem]);
    }
}

#[test]
fn on_a_terminal_it_lists_and_asks() {
    for (answer, code, sent) in [("y\r", 0, 3), ("n\r", 130, 0), ("\r", 130, 0)] {
        let sim = group();
        let words = ["serve", "hooks", "install", "--host", sim.url(), "--group-id", "12345", "--url", URL];
        let mut terminal = Env::new().with("GITLAB_TOKEN", TOKEN_API).open(&words, 100, 24);
        terminal.wait_until(|shown| shown.contains("Create or change 3 hooks? [y/N]"));
        let shown = terminal.contents();
        assert!(shown.contains("acme/web  create") && shown.contains("no webhook secret is set"), "{shown}");
        assert_eq!(changes(&sim), 0, "it did not wait for the answer");
        terminal.send(answer);
        assert_eq!((terminal.end(), changes(&sim)), (code, sent), "{answer:?}: {}", terminal.contents());
    }
}

#[test]
fn a_change_is_sent_once_and_what_is_not_answered_is_not_known() {
    let sim = group();
    let create = "POST /api/v4/projects/4711/hooks";
    for (fault, word) in [
        (Fault::on(create).reset(), "unsure"),
        (Fault::on(create).status(502), "unsure"),
        (Fault::on(create).status(422), "refused"),
    ] {
        sim.clear_faults();
        sim.add_fault(fault);
        sim.clear_requests();
        let output = hooks(&sim, "install", &["--yes"]).exits_with(4);
        assert!(line(&output, "acme/web").starts_with(word), "{output}");
        let sent =
            sim.requests().iter().filter(|request| request.method == "POST" && request.path.contains("4711")).count();
        assert_eq!(sent, 1, "{word}");
        sim.clear_faults();
        let _ = hooks(&sim, "remove", &["--yes"]).exits_with(0);
    }
    assert_eq!(sim.hooks("acme/api").len(), 0);
}

#[test]
fn a_server_that_sends_the_secret_back_does_not_make_it_shown() {
    let sim = group();
    let echo = json!({ "message": format!("token {SECRET} is too short") });
    sim.add_fault(Fault::on("POST /api/v4/projects/").answer(400, "application/json", &echo.to_string()));
    let output = hooks(&sim, "install", &["--yes"]).exits_with(3);
    assert!(line(&output, "acme/api").starts_with("refused"), "{output}");
}
