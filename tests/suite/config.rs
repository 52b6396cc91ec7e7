//! Configuration files: which count, who may set what, and `glwatch config`.

use crate::support::{Env, Output};
use glwatch_sim::{Access, Fault, Options, Sim, TOKEN_EXPIRED, TOKEN_READ_API, TOKEN_READ_USER};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

fn private() -> Sim {
    Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap()
}

/// Writes a file below the home, with its folders, for its owner's eyes only.
fn write(env: &Env, path: &str, text: &str) -> PathBuf {
    let path = env.home().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

const USER: &str = ".config/glwatch/config.toml";

/// The one line of a demo-sized group that shows that it was read.
#[track_caller]
fn shows_the_group(output: Output) {
    let output = output.exits_with(0);
    assert!(output.stdout.contains("payments/checkout"), "{output}");
    assert!(!output.to_string().contains(TOKEN_READ_API), "{output}");
}

#[test]
fn the_file_is_found_in_each_of_its_places() {
    let sim = private();
    let text = format!("host = '{}'\ngroup_id = 12345\ntoken = '{TOKEN_READ_API}'\n", sim.url());
    let env = Env::new();
    write(&env, USER, &text);
    shows_the_group(env.run(&[]));

    let env = Env::new();
    write(&env, "xdg/glwatch/config.toml", &text);
    let folder = env.home().join("xdg");
    let env = env.with("XDG_CONFIG_HOME", folder.to_str().unwrap());
    shows_the_group(env.run(&[]));

    let env = Env::new().with("GLWATCH_CONFIG", "own.toml");
    write(&env, "own.toml", &text);
    write(&env, "other.toml", "host = 'http://127.0.0.1:1'\ngroup_id = 1\n");
    shows_the_group(env.run(&[]));
    let _ = env.run(&["--config", "other.toml"]).exits_with(3).says(&["127.0.0.1:1"]);
    let _ = env.run(&["--config", "absent.toml"]).exits_with(2).says(&["--config", "absent.toml"]);
}

#[test]
fn a_token_comes_from_the_profile_a_program_a_host_section_or_glab() {
    let sim = private();
    let (url, token) = (sim.url(), TOKEN_READ_API);
    write_and_run(USER, &format!("[profiles.w]\nhost = '{url}'\ntoken_file = 'token'\n"), &["--profile", "w"]);
    write_and_run(
        USER,
        &format!("[hosts.'{url}']\ntoken_command = ['printf', '%s\\nmore\\n', '{token}']\n"),
        &["--host", url],
    );
    write_and_run(USER, &format!("host = '{url}'\ntoken_command = ['./get-token', 'a b']\n"), &[]);
    let glab = format!("hosts:\n    '{url}':\n        token: !!null {token}\n");
    write_and_run(".config/glab-cli/config.yml", &glab, &["--host", url]);
}

#[track_caller]
fn write_and_run(path: &str, text: &str, arguments: &[&str]) {
    let env = Env::new();
    write(&env, ".config/glwatch/token", &format!("{TOKEN_READ_API}\n"));
    // Runs without a shell in between: a blank in an argument stays there.
    let script = format!("#!/bin/sh\n[ \"$1\" = 'a b' ] && echo {TOKEN_READ_API}\n");
    let program = write(&env, ".config/glwatch/get-token", &script);
    fs::set_permissions(program, fs::Permissions::from_mode(0o700)).unwrap();
    write(&env, path, text);
    shows_the_group(env.run(&[arguments, &["--group-id", "12345"]].concat()));
}

#[test]
fn a_program_that_tells_no_token_ends_the_run() {
    let env = Env::new();
    write(&env, USER, "token_command = ['false']\ngroup_id = 1\n");
    let _ = env.run(&[]).exits_with(2).says(&["config.toml:1 (token_command)", "exit status: 1", "run it by hand"]);
    write(&env, USER, "token_command = ['/no/such/program']\ngroup_id = 1\n");
    let _ = env.run(&[]).exits_with(2).says(&["config.toml:1 (token_command)", "No such file"]);
}

#[test]
fn a_token_for_another_host_is_not_sent() {
    let sim = private();
    let env = Env::new();
    write(&env, USER, &format!("host = 'gitlab.example.com'\ntoken = '{TOKEN_READ_API}'\ngroup_id = 12345\n"));
    let _ = env.run(&["--host", sim.url()]).exits_with(3).says(&["no token is given"]);
    assert!(sim.requests().iter().all(|request| !request.authorization));
}

#[test]
fn a_file_with_a_token_that_others_may_read_is_warned_about() {
    let sim = private();
    let env = Env::new();
    let path = write(&env, USER, &format!("host = '{}'\ngroup_id = 12345\ntoken = '{TOKEN_READ_API}'\n", sim.url()));
    assert!(!env.run(&[]).exits_with(0).stderr.contains("others may read"));
    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let output = env.run(&[]).exits_with(0).says(&["holds a token and others may read it", "chmod 600"]);
        assert!(!output.stderr.contains(TOKEN_READ_API), "{output}");
        assert!(!env.run(&["--quiet"]).exits_with(0).stderr.contains("others may read"));
    }
}

#[test]
fn the_projects_file_sets_the_group_and_never_the_host() {
    let sim = Sim::start(Options::default()).unwrap();
    let env = Env::new();
    write(&env, "glwatch.toml", "group_id = 12345\ninclude = ['payments']\n");
    let output = env.run(&["--host", sim.url()]).exits_with(0);
    assert!(output.stdout.contains("payments/checkout") && !output.stdout.contains("web/shop"), "{output}");
    write(&env, USER, "group_id = 12380\ninclude = []\n");
    let output = env.run(&["--host", sim.url(), "--include", "web"]).exits_with(0);
    assert!(output.stdout.contains("shop"), "the user's own group does not win: {output}");
    write(&env, "glwatch.toml", "\nhost = 'evil.example'\n");
    let says = ["./glwatch.toml:2 (host)", "comes with the repository", "who gets the token"];
    let _ = env.run(&[]).exits_with(2).says(&says);
}

#[test]
fn a_demo_takes_the_look_from_files_and_nothing_else() {
    let env = Env::new();
    let text = "host = 'gitlab.example.com'\ngroup_id = 7\ninclude = ['nothing']\ntoken_command = ['false']\noutput = 'json'\n";
    write(&env, USER, text);
    assert_eq!(env.run(&["--demo"]).exits_with(0).json()["complete"], true);
}

#[test]
fn init_writes_the_example_once_and_for_its_owner_only() {
    let env = Env::new();
    let path = env.home().join(USER);
    let output = env.run(&["config", "init"]).exits_with(0);
    assert_eq!(output.stdout.trim_end(), path.to_str().unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), include_str!("../../config.example.toml"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    write(&env, USER, "sort = 'age'\n");
    let _ = env.run(&["config", "init"]).exits_with(2).says(&["is there already", "--force"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "sort = 'age'\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let _ = env.run(&["config", "init", "--force"]).exits_with(0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let _ = env.run(&["config", "init", "--config", "folder/own.toml"]).exits_with(0);
    assert!(env.home().join("folder/own.toml").exists());
    let _ = env.run(&["config", "init", "--config", "folder/own.toml/below"]).exits_with(6).says(&["failed to write"]);
    // The file as it is written changes nothing.
    let shown = env.run(&["config", "show"]).exits_with(0).stdout;
    let is_of_the_tests = |line: &&str| line.starts_with("retry_wait") || line.starts_with("api");
    assert!(
        shown.lines().skip(1).filter(|line| !is_of_the_tests(line)).all(|line| line.ends_with("default")),
        "{shown}"
    );
}

#[test]
fn show_names_every_value_with_its_origin_and_no_token() {
    let env = Env::new().with("GLWATCH_SORT", "age").with("GITLAB_TOKEN", "glpat-hidden");
    write(
        &env,
        USER,
        "timeout = '5s'\n[profiles.work]\nhost = 'gitlab.example.com'\n[hosts.'a.example']\ntoken = 'glpat-hidden'\n",
    );
    write(&env, "glwatch.toml", "group_id = ['acme', 7]\n");
    let output = env.run(&["config", "show", "--profile", "work", "--exclude", "a,b"]).exits_with(0);
    let file = env.home().join(USER);
    let cases = [
        ("exclude", "a,b", "--exclude"),
        ("sort", "age", "GLWATCH_SORT"),
        ("host", "gitlab.example.com", &format!("{}:3 (profiles.work.host)", file.display())),
        ("timeout", "5s", &format!("{}:1 (timeout)", file.display())),
        ("group_id", "acme, 7", "./glwatch.toml:1 (group_id)"),
        ("token", "set", "GITLAB_TOKEN"),
        ("color", "auto", "default"),
    ];
    for (key, value, origin) in cases {
        let line = output.stdout.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap_or_default();
        let rest = line[key.len()..].trim();
        assert!(rest.starts_with(value) && rest.ends_with(origin), "{key}\n{output}");
    }
    assert!(!output.to_string().contains("glpat-hidden"), "{output}");
    let output = env.run(&["config", "show", "--host", "a.example", "--sort", "name"]).exits_with(0);
    assert!(!output.to_string().contains("glpat-hidden"), "{output}");
    let _ = env.run(&["config", "show", "--timezone", "Mars"]).exits_with(2).says(&["--timezone", "Mars"]);
}

/// Runs the check with a token from the environment, and sees to it that it shows nowhere.
#[track_caller]
fn check(sim: &Sim, token: &str, more: &[&str]) -> Output {
    let env = Env::new().with("GITLAB_TOKEN", token);
    let output = env.run(&[&["config", "check", "--host", sim.url()], more].concat());
    assert!(token.is_empty() || !output.to_string().contains(token), "{output}");
    output
}

/// Checks that these lines stand in the checklist, by word, subject and a part of the finding.
#[track_caller]
fn lists(output: &Output, expected: &[[&str; 3]]) {
    for [word, subject, finding] in expected {
        let is_it = |line: &&str| {
            let mut words = line.split_whitespace().skip(1);
            words.next() == Some(word) && words.next() == Some(subject) && line.contains(finding)
        };
        assert!(output.stdout.lines().any(|line| is_it(&line)), "no {word} {subject} {finding:?}\n{output}");
    }
}

#[test]
fn check_says_that_a_run_would_work() {
    let output = check(&private(), TOKEN_READ_API, &["--group-id", "12345"]).exits_with(0);
    let expected = [
        ["ok", "token", "\"glwatch\" from GITLAB_TOKEN, scopes: read_api, does not expire"],
        ["ok", "server", "GitLab 18.5.0, Community Edition"],
        ["ok", "api", "REST v4 answers"],
        ["ok", "group", "acme (12345): 40 projects"],
        ["ok", "pipelines", "acme/"],
    ];
    lists(&output, &expected);
    assert!(output.stdout.contains('✓') && !output.stdout.contains("Hint"), "{output}");
    let output = check(&private(), TOKEN_READ_API, &["--group-id", "12345", "--ascii"]).exits_with(0);
    assert!(output.stdout.is_ascii(), "{output}");
}

#[test]
fn check_warns_of_a_token_that_expires_soon() {
    for (day, word) in
        [("2026-11-25", "warning"), ("2026-12-03", "warning"), ("2026-12-04", "ok"), ("2027-01-01", "ok")]
    {
        let sim = private();
        sim.add_fault(Fault::on("personal_access_tokens/self").with_field("expires_at", day));
        let output = check(&sim, TOKEN_READ_API, &["--group-id", "12345"]).exits_with(0);
        lists(&output, &[[word, "token", &format!("expires on {day}, ")]]);
        if day == "2026-11-25" {
            lists(&output, &[[word, "token", "5 days left"]]);
        }
    }
}

#[test]
fn check_says_what_is_wrong_and_exits_as_a_run_would() {
    let group = ["--group-id", "12345"];
    type Case<'a> = (&'a str, &'a str, &'a [&'a str], i32, [&'a str; 3], &'a str);
    let cases: [Case<'_>; 6] = [
        (
            "an expired token",
            TOKEN_EXPIRED,
            &group,
            3,
            ["error", "token", "Token is expired"],
            "does not accept the token",
        ),
        (
            "no scope",
            TOKEN_READ_USER,
            &group,
            3,
            ["error", "token", "lacks the scope read_api"],
            "make a token with scope",
        ),
        ("an unknown token", "glpat-unknown", &group, 3, ["error", "token", "401"], "does not accept the token"),
        ("no token", "", &group, 3, ["warning", "token", "none"], "GITLAB_TOKEN is set but empty"),
        ("no group", TOKEN_READ_API, &[], 2, ["error", "group", "no group is given"], "--group-id 12345"),
        ("no such group", TOKEN_READ_API, &["-g", "nope"], 3, ["error", "group", "nope"], "the full one"),
    ];
    for (sentence, token, more, code, line, hint) in cases {
        let sim = private();
        let output = check(&sim, token, more);
        assert_eq!(output.code, Some(code), "{sentence}\n{output}");
        lists(&output, &[line]);
        assert!(
            output.stdout.lines().any(|line| line.contains("Hint: ") && line.contains(hint)),
            "{sentence}\n{output}"
        );
        let env = Env::new().with("GITLAB_TOKEN", token);
        let run = env.run(&[&["--host", sim.url()], more].concat());
        assert_eq!(run.code, Some(code), "a run ends otherwise: {sentence}\n{run}");
    }
    let output = check(&private(), TOKEN_READ_API, &["-g", "acme", "-g", "nope"]).exits_with(4);
    lists(&output, &[["ok", "group", "acme (12345)"], ["error", "group", "404 Group Not Found"]]);
}

#[test]
fn check_judges_a_ref_as_a_run_would_or_says_what_it_did_not_ask() {
    let few = ["-g", "12345", "--include", "acme/web/shop", "--include", "acme/payments/checkout"];
    let many = ["-g", "12345"];
    type Case<'a> = (&'a str, &'a [&'a str], &'a str, i32, Option<[&'a str; 3]>);
    let cases: [Case<'_>; 4] = [
        ("of all projects none has it", &few, "no-such-ref", 2, Some(["error", "ref", "\"no-such-ref\""])),
        ("they have it", &few, "main", 0, None),
        (
            "only some were asked",
            &many,
            "no-such-ref",
            0,
            Some(["warning", "ref", "were not asked: a run exits with 2"]),
        ),
        ("a word selects by itself", &many, "default", 0, None),
    ];
    for (sentence, scope, name, code, line) in cases {
        let sim = private();
        let more = [scope, &["--ref", name]].concat();
        let output = check(&sim, TOKEN_READ_API, &more);
        assert_eq!(output.code, Some(code), "{sentence}\n{output}");
        lists(&output, line.as_slice());
        let says_ref = output.stdout.lines().any(|line| line.split_whitespace().nth(2) == Some("ref"));
        assert_eq!(says_ref, line.is_some(), "{sentence}\n{output}");
        if scope == few {
            let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
            let run = env.run(&[&["--host", sim.url()], &more[..]].concat());
            assert_eq!(run.code, Some(code), "a run ends otherwise: {sentence}\n{run}");
        }
    }
}

#[test]
fn check_goes_on_where_gitlab_tells_nothing_about_a_token() {
    let sim = private();
    sim.add_fault(Fault::on("personal_access_tokens/self").status(404));
    sim.add_fault(Fault::on("/metadata").status(404));
    let output = check(&sim, TOKEN_READ_API, &["--group-id", "12345"]).exits_with(0);
    lists(
        &output,
        &[["warning", "token", "does not tell"], ["ok", "server", "GitLab 18.5.0"], ["ok", "group", "40 projects"]],
    );
}

#[test]
fn a_token_of_glab_that_is_refused_is_renewed_by_glab() {
    let sim = private();
    let env = Env::new();
    write(&env, ".config/glab-cli/config.yml", &format!("hosts:\n  {:?}:\n    token: {TOKEN_EXPIRED}\n", sim.url()));
    let output = env.run(&["--host", sim.url(), "--group-id", "12345"]).exits_with(3);
    let output = output.says(&["config.yml (glab)", "glab auth status"]);
    assert!(!output.to_string().contains(TOKEN_EXPIRED), "{output}");
}

#[test]
fn what_needs_a_group_says_so_before_it_sends_a_request() {
    let needs: [(&str, &[&str]); 5] = [
        ("the table", &[]),
        ("the live view and its stream", &["--watch", "-o", "ndjson"]),
        ("waiting", &["--wait"]),
        ("a file beside the output", &["--export", "json=health.json"]),
        ("all that failed", &["explain", "--all-failed"]),
    ];
    for (sentence, arguments) in needs {
        let sim = private();
        let env = Env::new().with("GITLAB_HOST", sim.url()).with("GITLAB_TOKEN", TOKEN_READ_API);
        let output = env.run(arguments).refuses(2, &["no group is given", "--group-id 12345"]);
        assert_eq!(sim.requests().len(), 0, "{sentence}: {output}");
    }
    let others: [(&str, &[&str]); 4] = [
        ("the settings", &["config", "show"]),
        ("a project by its path", &["explain", "acme/payments/invoices"]),
        ("a log", &["logs", "acme/payments/invoices"]),
        ("completions", &["completions", "bash"]),
    ];
    let short: [&[&str]; 5] = [
        &["explain", "invoices"],
        &["logs", "invoices"],
        &["retry", "invoices", "--yes"],
        &["cancel", "invoices", "--yes"],
        &["play", "invoices", "x", "--yes"],
    ];
    for arguments in short {
        let sim = private();
        let env = Env::new().with("GITLAB_HOST", sim.url()).with("GITLAB_TOKEN", TOKEN_READ_API);
        let output = env.run(arguments).refuses(2, &["no group is given to look for it in", "--group-id my-group"]);
        assert_eq!(sim.requests().len(), 0, "{arguments:?}: {output}");
    }
    for (sentence, arguments) in others {
        let sim = private();
        let env = Env::new().with("GITLAB_HOST", sim.url()).with("GITLAB_TOKEN", TOKEN_READ_API);
        let output = env.run(arguments);
        assert!(!output.to_string().contains("no group is given"), "{sentence}: {output}");
        assert!(!output.to_string().contains("/groups/1"), "{sentence}: {output}");
        assert!(sim.requests().iter().all(|request| !request.path.contains("/groups/")), "{sentence}");
    }
}

#[test]
fn check_blames_no_group_where_the_host_is_no_gitlab() {
    let sim = private();
    sim.add_fault(Fault::on("/api/v4/").status(404));
    let env = Env::new().with("GITLAB_HOST", sim.url());
    let output = env.run(&["config", "check"]).exits_with(3).to_string();
    assert!(output.contains("check --host") && !output.contains("group"), "{output}");
}
