//! The dashboard in a real terminal: views, what it remembers, logs outside of it, the mouse, what a token may.

use crate::support::Env;
use crate::support::terminal::Terminal;
use glwatch_sim::{Options, Sim, TOKEN_API, TOKEN_READ_API, WorldKind};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

fn open(env: &Env, sim: &Sim, more: &[&str]) -> Terminal {
    let fixed = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"];
    let mut terminal = env.open(&[&fixed[..], more].concat(), 120, 40);
    let is_whole = |contents: &str| contents.contains("40 projects  ") && !contents.contains("read so far");
    terminal.wait_until(|contents| is_whole(contents) && contents.contains(" ago") && contents.contains("? all keys"));
    terminal
}

#[track_caller]
pub(crate) fn walk(terminal: &mut Terminal, steps: &[(&str, &str)]) {
    for (keys, shown) in steps {
        terminal.send(keys);
        terminal.wait_until(|contents| contents.contains(shown));
    }
}

#[track_caller]
pub(crate) fn quit(mut terminal: Terminal) -> Vec<u8> {
    terminal.send("Q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.is_as_before());
    terminal.raw.clone()
}

#[test]
fn a_view_of_the_configuration_is_shown_by_its_number() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let text = "[views.oncall]\nonly = 'red'\nsort = 'name'\ngroups = false\n[views.web]\nfilter = 'group:web'\n";
    fs::write(env.home().join("c.toml"), text).unwrap();
    let mut terminal = open(&env, &sim, &["--config", "c.toml"]);
    walk(&mut terminal, &[("v", "views: 1 oncall  2 web"), ("1", "view oncall"), ("j", "of 40 projects")]);
    let contents = terminal.contents();
    assert!(contents.contains("only what failed") && !contents.contains("▾"), "{contents}");
    walk(&mut terminal, &[("v2", "view web"), ("j", "/group:web")]);
    quit(terminal);
    fs::write(env.home().join("c.toml"), "[views.a]\nsrot = 'name'\n").unwrap();
    let output = env.run(&["--host", sim.url(), "--group-id", "12345", "--config", "c.toml"]);
    let _ = output.refuses(2, &["is no part of a view", "did you mean sort?"]);
}

#[test]
fn the_next_view_of_the_same_groups_begins_as_the_last_one_was_left() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = open(&env, &sim, &[]);
    walk(&mut terminal, &[("s", "sorted by name"), ("zj", "▸"), ("/ref:main\r", "/ref:main")]);
    quit(terminal);
    let folder = env.home().join(".local/state/glwatch/views");
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let mut terminal = open(&env, &sim, &[]);
    // The filter itself is not left on; it is only recalled.
    assert!(terminal.contents().contains("▸") && !terminal.contents().contains("/ref:main"), "{}", terminal.contents());
    walk(&mut terminal, &[("/\u{1B}[A", "/ref:main"), ("\r", "of 40 projects")]);
    quit(terminal);
    let terminal = open(&env, &sim, &["--no-view-state"]);
    assert!(!terminal.contents().contains("▸"), "{}", terminal.contents());
    quit(terminal);
    // Whatever is in the file, there is a view.
    for hostile in
        ["", "{", "[]", "{\"sort\":\"\\u001b[31m\",\"folded\":[\"\\u001b\"],\"muted\":{\"1\":null}}", "{\"sort\":7}"]
    {
        fs::write(&files[0], hostile).unwrap();
        let terminal = open(&env, &sim, &[]);
        quit(terminal);
    }
    fs::set_permissions(&files[0], fs::Permissions::from_mode(0o666)).unwrap();
    fs::write(&files[0], "{\"reverse\":true,\"flat\":true}").unwrap();
    let terminal = open(&env, &sim, &[]);
    assert!(terminal.contents().contains("▾"), "a file that others can write is not used\n{}", terminal.contents());
    quit(terminal);
}

/// Opens the log of the job that failed in one project.
fn open_log(env: &Env, sim: &Sim) -> Terminal {
    let mut terminal = open(env, sim, &[]);
    walk(&mut terminal, &[("/invoices\r", "1 of 40 projects"), ("\tl", "log, 92 lines")]);
    terminal
}

#[test]
fn a_log_is_saved_once_for_its_reader_only_and_given_to_other_programs() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new().with("GITLAB_TOKEN", TOKEN_API));
    let mut terminal = open_log(&env, &sim);
    walk(&mut terminal, &[("S", "save the log as invoices-test-3-11-"), ("\u{15}a.log\r", "saved as a.log")]);
    let saved = fs::read_to_string(env.home().join("a.log")).unwrap();
    assert!(saved.contains("ERROR: Job failed: exit code 1") && !saved.contains('\u{1B}'), "{saved}");
    assert_eq!(fs::metadata(env.home().join("a.log")).unwrap().permissions().mode() & 0o777, 0o600);
    walk(
        &mut terminal,
        &[("S\u{15}a.log\r", "a.log is there already"), ("S\u{15}no/where\r", "not saved as no/where")],
    );
    walk(&mut terminal, &[("|", "the log into | less"), ("\u{15}wc -l\r", "enter goes back to glwatch")]);
    assert!(!terminal.screen().alternate_screen(), "the other program has the terminal");
    assert!(terminal.contents().contains("92"), "{}", terminal.contents());
    walk(
        &mut terminal,
        &[("\r", "overview > job"), ("|\u{15}nothing-there\r", "could not be run"), ("|\u{15}'x\r", "quotation mark")],
    );
    quit(terminal);
}

#[test]
fn sections_of_a_log_fold_one_by_one_and_all_together() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new().with("GITLAB_TOKEN", TOKEN_API));
    let mut terminal = open_log(&env, &sim);
    let folded = |contents: &str| contents.lines().filter(|line| line.contains(" + ") && line.contains("line")).count();
    terminal.send("}} ");
    terminal.wait_until(|contents| folded(contents) == 1);
    terminal.send(" ");
    terminal.wait_until(|contents| folded(contents) == 0);
    terminal.send("z");
    terminal.wait_until(|contents| folded(contents) == 3 && contents.contains("- Executing"));
    terminal.send("z");
    terminal.wait_until(|contents| folded(contents) == 0);
    quit(terminal);
}

#[test]
fn the_pager_gets_the_keys_and_ctrl_c_is_meant_for_it() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new().with("GITLAB_TOKEN", TOKEN_API));
    // It reads the terminal as a pager does, and takes no notice of an interrupt.
    let pager = env.home().join("pager");
    fs::write(
        &pager,
        "#!/bin/sh\ntrap '' INT\ncat >/dev/null\necho the pager is here\nread line </dev/tty\necho got $line >got\n",
    )
    .unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o700)).unwrap();
    let env = env.with("PAGER", pager.to_str().unwrap());
    let mut terminal = open_log(&env, &sim);
    walk(&mut terminal, &[("|\r", "the pager is here"), ("\u{3}all of it\r", "overview > job")]);
    assert_eq!(fs::read_to_string(env.home().join("got")).unwrap(), "got all of it\n");
    quit(terminal);
}

#[test]
fn the_mouse_is_the_terminals_until_it_is_asked_for() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = open(&env, &sim, &[]);
    assert_eq!(terminal.last("\u{1B}[?1000h"), None);
    walk(&mut terminal, &[("M", "the mouse works here")]);
    assert!(terminal.last("\u{1B}[?1000h").is_some());
    // The titles are in the third line; a click on one sorts.
    walk(
        &mut terminal,
        &[("\u{1B}[<0;6;3M", "▾ attic"), ("\u{1B}[<0;10;5M", "▌"), ("\u{1B}[<0;10;5M", "overview > project")],
    );
    walk(&mut terminal, &[("\u{1B}[<2;10;5M", "▾ attic"), ("M", "the mouse selects text again")]);
    assert!(terminal.last("\u{1B}[?1000l").is_some());
    terminal.send("M");
    terminal.wait_until(|contents| contents.contains("the mouse works here"));
    let raw = quit(terminal);
    let tail = String::from_utf8_lossy(&raw[raw.len().saturating_sub(400)..]).into_owned();
    assert!(tail.contains("\u{1B}[?1000l"), "the mouse is given back: {tail:?}");
}

#[test]
fn what_the_token_may_not_is_said_before_the_question_with_one_request() {
    let sim = Sim::start(Options::default()).unwrap();
    for (token, shown) in
        [(TOKEN_READ_API, "needs a token with the scope api: this one has read_api"), (TOKEN_API, "? y/N")]
    {
        let env = Env::new().with("GITLAB_TOKEN", token);
        let mut terminal = open(&env, &sim, &[]);
        sim.clear_requests();
        walk(&mut terminal, &[("/invoices\r\tR", shown)]);
        terminal.send("n");
        terminal.wait_until(|contents| !contents.contains(shown));
        walk(&mut terminal, &[("R", shown)]);
        let asked = sim.requests().iter().filter(|request| request.path.contains("personal_access_tokens")).count();
        assert_eq!(asked, 1, "{shown}");
        assert!(sim.requests().iter().all(|request| !request.path.contains("/retry")));
        terminal.send("n");
        quit(terminal);
    }
}

#[test]
fn a_pipeline_that_is_only_remembered_is_read_once() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new().with("GITLAB_TOKEN", TOKEN_API));
    let fill = ["history", "fill", "--since", "30d", "--host", sim.url(), "--group-id", "12345"];
    let _ = env.run(&fill).exits_with(0);
    let mut terminal = open(&env, &sim, &[]);
    walk(&mut terminal, &[("/invoices\r", "1 of 40 projects"), ("\t\r", "% passed")]);
    sim.clear_requests();
    walk(&mut terminal, &[("j\r", "begun ")]);
    let contents = terminal.contents();
    assert!(contents.contains("test: [3.11]") && contents.contains("overview > project > #"), "{contents}");
    let requests = sim.requests();
    let of_it: Vec<&str> =
        requests.iter().map(|request| request.path.as_str()).filter(|path| path.contains("/20003/")).collect();
    // It was the last one of the list: older ones are asked for, too.
    let count = |end: &str| of_it.iter().filter(|path| path.ends_with(end)).count();
    let counts = [count("/jobs"), count("/bridges"), count("/20003/pipelines"), of_it.len()];
    assert_eq!(counts, [1, 1, 1, 3], "{of_it:?}");
    // Again it costs nothing; the next one is asked for.
    walk(&mut terminal, &[("q", "% passed"), ("\r", "begun "), ("q", "% passed")]);
    assert_eq!(sim.requests().iter().filter(|request| request.path.contains("/20003/")).count(), 3);
    quit(terminal);
}

#[test]
fn an_older_pipeline_shows_what_it_triggered_with_one_request_and_two_over_rest() {
    let templates = "broken = [[\"check\", \"contract | 30s | fails\"]]\n\
                     parent = [[\"build\", \"compile | 40s\"], [\"trigger\", \"contracts | child broken\"]]";
    let runs = "run = [{ jobs = \"parent\", age = \"5h\" }, { jobs = \"single\", age = \"1h\" }]";
    let cases: [(&str, &[(&str, u64)]); 2] =
        [("graphql", &[("graphql_Jobs", 1)]), ("rest", &[("jobs", 1), ("bridges", 1)])];
    for (api, expected) in cases {
        let sim = crate::cost::scenario(templates, &format!("[[project]]\npath = \"acme/app\"\n{runs}"));
        let arguments = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000", "--api", api];
        let env = Env::new();
        let mut terminal = env.open(&[&arguments[..], &["--interval", "1h", "--no-history"]].concat(), 120, 40);
        terminal.wait_until(|contents| contents.contains("next in"));
        walk(&mut terminal, &[("\r", "there are no older ones")]);
        let before = sim.stats();
        walk(&mut terminal, &[("j\r", "it triggered")]);
        let contents = terminal.contents();
        let line = |text: &str| contents.lines().any(|line| line.contains(text));
        assert!(line("contracts") && line("compile") && line("what these triggered in turn is not read"), "{contents}");
        assert!(contents.lines().any(|line| line.contains("→") && line.contains("✗ failed")), "{api}\n{contents}");
        let after = sim.stats();
        let asked = |of: &serde_json::Value, kind: &str| of["by_kind"][kind].as_u64().unwrap_or(0);
        for (kind, wanted) in expected {
            assert_eq!(asked(&after, kind) - asked(&before, kind), *wanted, "{api}: {kind}");
        }
        let all: u64 = expected.iter().map(|(_, wanted)| wanted).sum();
        let total = |of: &serde_json::Value| of["requests"].as_u64().unwrap();
        assert_eq!(total(&after) - total(&before), all, "{api}");
        // It is known by now.
        walk(&mut terminal, &[("q", "there are no older ones"), ("\r", "it triggered")]);
        assert_eq!(total(&sim.stats()), total(&after), "{api}");
        // What it triggered opens, too: the jobs of that cost the same.
        walk(&mut terminal, &[("G\r", "its script failed")]);
        let contents = terminal.contents();
        assert!(contents.contains("check") && !contents.contains("compile"), "{contents}");
        let below = sim.stats();
        for (kind, wanted) in expected {
            assert_eq!(asked(&below, kind) - asked(&after, kind), *wanted, "{api}: {kind}");
        }
        assert_eq!(total(&below) - total(&after), all, "{api}");
        walk(&mut terminal, &[("q", "it triggered"), ("\r", "its script failed")]);
        assert_eq!(total(&sim.stats()), total(&below), "{api}");
        quit(terminal);
    }
}

#[test]
fn older_pipelines_are_read_at_the_end_of_the_list_a_page_with_one_request() {
    for (api, kind) in [("graphql", "graphql_Past"), ("rest", "pipelines")] {
        let world = WorldKind::History { projects: 2, days: 30, pipelines: 150, merge_requests: 5, deployments: 2 };
        let latency = Duration::from_millis(200);
        let sim = Sim::start(Options { world, latency, ..Options::default() }).unwrap();
        let env = Env::new();
        let more = ["--api", api, "--interval", "1h", "--no-history"];
        let mut terminal = env.open(
            &[&["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"][..], &more].concat(),
            120,
            40,
        );
        terminal.wait_until(|contents| contents.contains("next in"));
        let asked = || sim.stats()["by_kind"][kind].as_u64().unwrap_or(0);
        let before = asked();
        walk(&mut terminal, &[("\r", "overview > project"), ("", "last 30:")]);
        assert_eq!(asked(), before + 1, "{api}: nothing is remembered, so that the first page is read");
        walk(&mut terminal, &[("G", "reading older ones")]);
        terminal.wait_until(|contents| !contents.contains("reading older ones"));
        walk(&mut terminal, &[("G", "there are no older ones")]);
        assert_eq!(asked(), before + 2, "{api}");
        terminal.send("G");
        walk(&mut terminal, &[("\u{1B}", "next in")]);
        terminal.wait_until(|contents| !contents.contains("overview > project"));
        assert_eq!(asked(), before + 2, "{api}: behind the oldest one nothing is asked");
        quit(terminal);
    }
}
