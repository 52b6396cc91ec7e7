//! What the program says: first lines of errors, help, hints, completions, and what `config check` finds.

use super::cost::scenario;
use crate::support::{Env, Output};
use glwatch_sim::{Access, Fault, Options, Sim, TOKEN_API, TOKEN_EXPIRED, TOKEN_READ_API, TOKEN_READ_USER};
use std::process::Command;

fn private() -> Sim {
    Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap()
}

fn run(sim: &Sim, token: &str, arguments: &[&str]) -> Output {
    let env = if token.is_empty() { Env::new() } else { Env::new().with("GITLAB_TOKEN", token) };
    env.run(&[&["--host", sim.url()], arguments].concat())
}

#[test]
fn the_first_line_of_an_error_is_a_sentence_and_the_request_is_the_last_line() {
    type Case<'a> = (&'a str, &'a str, &'a [&'a str], Option<Fault>, &'a str);
    let on = |path: &'static str| Some(Fault::on(path).status(500));
    let cases: [Case<'_>; 15] = [
        ("no such group", TOKEN_READ_API, &["-g", "acme/nope"], None, "group \"acme/nope\" not found"),
        ("a token that is none", "glpat-none", &["-g", "acme"], None, "GitLab refused the token: 401 Unauthorized"),
        ("an expired token", TOKEN_EXPIRED, &["-g", "acme"], None, "GitLab refused the token: "),
        ("no scope", TOKEN_READ_USER, &["-g", "acme"], None, "the token lacks the scope read_api"),
        (
            "a server in trouble",
            TOKEN_READ_API,
            &["-g", "acme"],
            on("/groups/"),
            "group \"acme\" could not be read: the server answered 500",
        ),
        (
            "live without a terminal",
            TOKEN_READ_API,
            &["-g", "acme", "--watch"],
            on("/groups/"),
            "group \"acme\" could not be read: ",
        ),
        ("waiting", TOKEN_READ_API, &["-g", "acme", "--wait"], on("/groups/"), "group \"acme\" could not be read: "),
        (
            "the whole group explained",
            TOKEN_READ_API,
            &["explain", "--all-failed", "-g", "acme"],
            on("/groups/"),
            "group \"acme\" could not be read: ",
        ),
        ("explain", "glpat-none", &["explain", "acme/payments/api"], None, "GitLab refused the token"),
        ("explain in trouble", TOKEN_READ_API, &["explain", "acme/payments/api"], on("/projects/"), "failed to "),
        ("logs", "glpat-none", &["logs", "acme/payments/api"], None, "GitLab refused the token"),
        ("logs in trouble", TOKEN_READ_API, &["logs", "acme/payments/api"], on("/jobs"), "failed to read the jobs of "),
        ("retry", TOKEN_READ_API, &["retry", "acme/payments/invoices", "-y"], None, "the token lacks the scope api"),
        ("cancel", "glpat-none", &["cancel", "acme/payments/api", "-y"], None, "GitLab refused the token"),
        (
            "play",
            TOKEN_API,
            &["play", "acme/payments/checkout", "approve production", "-y"],
            on("/play"),
            "failed to play ",
        ),
    ];
    for (sentence, token, arguments, fault, expected) in cases {
        let sim = private();
        if let Some(fault) = fault {
            sim.add_fault(fault);
        }
        let output = run(&sim, token, arguments);
        let errors: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        let first = errors.first().unwrap_or_else(|| panic!("{sentence}\n{output}"));
        assert!(first.starts_with(&format!("error: {expected}")), "{sentence}\n{output}");
        assert!(!first.contains("://"), "an address in the first line: {sentence}\n{output}");
        let last = output.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("Request: ") && last.contains("request id"), "{sentence}\n{output}");
    }
}

#[test]
fn a_rows_problem_begins_with_the_sentence_in_the_table_and_in_json() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.add_fault(Fault::on("/pipelines").status(500));
    let table = run(&sim, "", &["-g", "acme"]);
    assert!(table.stdout.lines().any(|line| line.contains("\tthe server answered 500")), "{table}");
    assert!(!table.stdout.contains("\tGET "), "{table}");
    let json = run(&sim, "", &["-g", "acme", "-o", "json"]).json();
    let said = json["projects"].as_array().unwrap().iter().find_map(|project| project["error"]["message"].as_str());
    let said = said.unwrap();
    assert!(said.starts_with("the server answered 500") && said.contains("[GET http"), "{said}");
}

#[test]
fn options_work_before_the_subcommand_as_behind_it() {
    let env = Env::new();
    let behind = env.run(&["explain", "invoices", "--demo"]).exits_with(0);
    let before = env.run(&["--demo", "explain", "invoices"]).exits_with(0);
    assert!(before.stdout.contains("acme/payments/invoices") && behind.stdout.contains("acme/payments/invoices"));
    let output = env.run(&["--host", "gitlab.example.com", "config", "show"]).exits_with(0);
    assert!(output.stdout.contains("gitlab.example.com"), "{output}");
    let _ = env.run(&["-q", "--demo", "-g", "1", "explain", "--all-failed"]).exits_with(0);
    let words = ["error: --watch does not work with glwatch explain", "it is an option of the table of the group"];
    let _ = env.run(&["--watch", "explain", "acme/api"]).refuses(2, &words);
    let _ = env.run(&["explain", "--watch", "acme/api"]).refuses(2, &words);
    let _ = env.run(&["acme"]).refuses(2, &["\"acme\" is not a command", "glwatch -g acme"]);
}

#[test]
fn a_misspelt_word_is_answered_with_the_nearest_one() {
    let flags = [
        ("--only", "faild", "failed"),
        ("--fail-on", "failed,cancelled", "canceled"),
        ("--columns", "project,stage", "stages"),
        ("--export", "jsn=a.json", "json"),
        ("--sort", "atention", "attention"),
        ("--output", "jsonn", "json"),
        ("--api", "grapql", "graphql"),
        ("--color", "alway", "always"),
    ];
    for (flag, word, near) in flags {
        let output = Env::new().run(&["-g", "acme", flag, word]).exits_with(2);
        let is_named = output.stderr.contains(&format!("did you mean {near}?"))
            || output.stderr.contains(&format!("similar value exists: '{near}'"));
        assert!(is_named, "{flag} {word}\n{output}");
    }
    let variables = [("GLWATCH_SORT", "atention", "attention"), ("GLWATCH_OUTPUT", "jsonn", "json")];
    for (name, word, near) in variables {
        let output = Env::new().with(name, word).run(&["-g", "acme"]);
        let _ = output.refuses(2, &[name, &format!("did you mean {near}?")]);
    }
}

#[test]
fn help_is_one_screen_or_the_whole_text() {
    let env = Env::new();
    let short = env.run(&["-h"]).exits_with(0).stdout;
    assert!(short.lines().count() < 24 && short.lines().all(|line| line.len() <= 80), "{short}");
    let long = env.run(&["--help"]).exits_with(0).stdout;
    assert!(long.contains("Exit codes:") && long.contains("--retry-wait"), "{long}");
    for command in ["retry", "cancel", "play"] {
        let help = env.run(&[command, "--help"]).exits_with(0).stdout;
        assert!(help.contains("Token with scope api") && !help.contains("read_api;"), "{help}");
    }
    let check = env.run(&["config", "check", "--help"]).exits_with(0).stdout;
    for word in ["status: Group: Read", "explain: ", "logs: ", "retry: ", "cancel: ", "play: ", "Job: Run"] {
        assert!(check.contains(word), "{word}\n{check}");
    }
}

#[test]
fn the_jobs_to_choose_from_are_a_table() {
    let sim = scenario(
        "t = [[\"test\", \"unit | 40s | fails\", \"lint | 20s | fails\"]]",
        "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"t\", age = \"1h\" }]",
    );
    let output = run(&sim, TOKEN_API, &["logs", "acme/api"]).exits_with(2);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert!(lines[1].starts_with("  job        status  id"), "{output}");
    assert!(lines[2].starts_with("  test/lint  failed  ") && lines[3].starts_with("  test/unit  failed  "), "{output}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("Hint: ")).count(), 1, "{output}");
}

#[test]
fn check_recognises_a_token_that_has_ended() {
    let facts = [
        ("revoked", "true", "it was revoked"),
        ("active", "false", "it is not active"),
        ("expires_at", "\"2026-11-20\"", "it has expired"),
    ];
    for (field, value, expected) in facts {
        let sim = private();
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        sim.add_fault(Fault::on("personal_access_tokens/self").with_field(field, value));
        let output = run(&sim, TOKEN_READ_API, &["config", "check", "-g", "acme"]).exits_with(3);
        assert!(output.stdout.contains(expected), "{field}\n{output}");
    }
}

#[test]
fn check_reads_pipelines_and_ends_as_the_run_does() {
    let faults: [(&str, Option<Fault>, i32); 4] = [
        ("all is well", None, 0),
        ("pipelines are refused", Some(Fault::on("/pipelines").status(403)), 3),
        ("pipelines fail", Some(Fault::on("/pipelines").status(500)), 3),
        ("jobs fail", Some(Fault::on("/jobs").status(500)), 4),
    ];
    for (sentence, fault, code) in faults {
        let sim = private();
        if let Some(fault) = fault {
            sim.add_fault(fault);
        }
        // Three of them are read by the check.
        let scope = ["-g", "acme", "--include", "acme/payments/*"];
        let checked = run(&sim, TOKEN_READ_API, &[&["config", "check"], &scope[..]].concat());
        assert_eq!(checked.code, Some(code), "{sentence}\n{checked}");
        let ran = run(&sim, TOKEN_READ_API, &scope);
        assert_eq!(ran.code, checked.code, "{sentence}\n{checked}\n{ran}");
    }
    let sim = private();
    sim.add_fault(Fault::on("/jobs").status(403));
    let output = run(&sim, TOKEN_READ_API, &["config", "check", "-g", "acme", "--include", "acme/payments/api"]);
    // No reason came with it.
    assert!(
        output.stdout.contains("needs the role Reporter") && !output.stdout.contains("GitLab's reason"),
        "{output}"
    );
    let sim = private();
    let output = run(&sim, TOKEN_READ_API, &["config", "check", "-g", "acme", "--include", "nothing"]).exits_with(2);
    assert!(output.stdout.contains("no project is left"), "{output}");
}

#[test]
fn check_prints_json_with_its_schema_and_exit_code() {
    let json = run(&private(), TOKEN_READ_API, &["config", "check", "-g", "acme", "-o", "json"]).exits_with(0).json();
    assert_eq!((json["schema"].as_str(), json["exit_code"].as_u64()), (Some("glwatch.check/1"), Some(0)));
    let checks = json["checks"].as_array().unwrap();
    for subject in ["host", "token", "server", "api", "group", "pipelines"] {
        assert!(checks.iter().any(|check| check["subject"] == subject && check["result"] == "ok"), "{subject}\n{json}");
    }
    let json = run(&private(), TOKEN_READ_API, &["config", "check", "-g", "no", "-o", "json"]).exits_with(3).json();
    assert_eq!(json["exit_code"], 3);
    assert!(json["checks"].as_array().unwrap().iter().any(|check| check["result"] == "error"));
}

#[test]
fn verbose_lines_are_for_people() {
    let sim = Sim::start(Options::default()).unwrap();
    for flag in ["-v", "-vv"] {
        let output = run(&sim, "", &["-g", "acme", flag]).exits_with(0);
        assert!(output.stderr.contains("read the groups ("), "{output}");
        assert!(!output.stderr.contains("glwatch::"), "a module path\n{output}");
        for line in output.stderr.lines().filter(|line| line.contains("Z ")) {
            let time = line.split('Z').next().unwrap_or_default();
            assert_eq!(time.len(), "12:34:56".len(), "{line}");
        }
    }
}

#[test]
fn a_locale_or_terminal_without_unicode_gets_ascii() {
    for (name, value) in [("LC_ALL", "C"), ("TERM", "linux"), ("TERM", "dumb"), ("LANG", "POSIX")] {
        let output = Env::new().with(name, value).run(&["--demo", "--only", "failed", "--exclude", "hostile"]);
        assert!(output.stdout.contains("x failed") && output.stdout.is_ascii(), "{name}={value}\n{output}");
    }
}

/// Asks a real bash what it would complete; where there is none, as on a bare container, there is nothing to try.
fn completed(env: &Env, words: &[&str]) -> Option<Vec<String>> {
    let script = env.run(&["completions", "bash"]).exits_with(0).stdout;
    let bin = std::path::Path::new(crate::support::BINARY).parent().unwrap();
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.last().copied().unwrap_or_default();
    let program = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; COMP_TYPE=9; _clap_complete_glwatch glwatch '{last}' ''; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1,
    );
    let bash = Command::new("bash")
        .args(["--norc", "-c", &program])
        .env_clear()
        .env("HOME", env.home())
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .output()
        .ok()?;
    Some(String::from_utf8_lossy(&bash.stdout).lines().map(str::to_owned).collect())
}

#[test]
fn bash_completes_words_of_lists_and_project_paths() {
    let sim = Sim::start(Options::default()).unwrap();
    let env = Env::new();
    let _ = env.run(&["--host", sim.url(), "-g", "acme"]).exits_with(0);
    let cases: [(&[&str], &[&str]); 10] = [
        (&["glwatch", "--only", "fai"], &["failed"]),
        (&["glwatch", "--only", "failed,warn"], &["failed,warning"]),
        (&["glwatch", "--fail-on", "no_"], &["no_access", "no_pipeline"]),
        (&["glwatch", "--columns", "project,sta"], &["project,stages", "project,started_at"]),
        (&["glwatch", "--export", "jun"], &["junit="]),
        (&["glwatch", "--ref", "d"], &["default"]),
        (&["glwatch", "--sort", "att"], &["attention"]),
        (&["glwatch", "explain", "acme/payments/inv"], &["acme/payments/invoices"]),
        (&["glwatch", "logs", "invo"], &["invoices"]),
        (&["glwatch", "retry", "acme/payments/led"], &["acme/payments/ledger"]),
    ];
    for (words, expected) in cases {
        let Some(found) = completed(&env, words) else { return };
        for word in expected {
            assert!(found.iter().any(|found| found == word), "{words:?}: {found:?} lacks {word}");
        }
        assert!(found.iter().all(|found| !found.starts_with("--")), "{words:?}: {found:?}");
    }
    for shell in ["zsh", "fish"] {
        let script = env.run(&["completions", shell]).exits_with(0).stdout;
        assert!(script.contains("_GLWATCH_COMPLETE"), "{script}");
    }
}

#[test]
fn plain_http_behind_an_address_without_a_scheme_is_recognised() {
    let sim = Sim::start(Options::default()).unwrap();
    let address = sim.url().trim_start_matches("http://");
    let output = Env::new().run(&["--host", address, "-g", "acme"]);
    let _ = output.refuses(3, &[&format!("plain http, write so: --host http://{address}")]);
}

/// The README prints this command and speaks of its failure; `crates/glwatch-sim` compares whole worlds.
#[test]
fn a_demo_explains_the_same_failure_each_time() {
    let run = || {
        let json = Env::new().run(&["explain", "payments/invoices", "--demo", "-o", "json"]).exits_with(0).json();
        let (pipeline, job) = (&json["pipelines"][0], &json["pipelines"][0]["causes"][0]["job"]);
        assert_eq!(
            (pipeline["project"].as_str(), job["status"].as_str()),
            (Some("acme/payments/invoices"), Some("failed"))
        );
        (pipeline["headline"].clone(), job["id"].clone(), job["name"].clone())
    };
    assert_eq!(run(), run());
}
