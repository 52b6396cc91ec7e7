//! The real binary in a real terminal.

use crate::support::terminal::Terminal;
use crate::support::{BINARY, Env, PACKAGE};
use glwatch_sim::{Action, Fault, Options, Sim, TOKEN_READ_API, WorldKind};
use unicode_width::UnicodeWidthStr;

#[test]
fn no_line_is_wider_than_the_terminal() {
    let sim = Sim::start(Options::default()).unwrap();
    for columns in [20, 40, 80, 120, 200, 300] {
        let screen = Env::new().run_in_terminal(&["--host", sim.url(), "--group-id", "12345"], columns, 100);
        assert_eq!(screen.code, 0, "{}", screen.contents);
        // A line that wraps would make the terminal show more lines than were written.
        let written = screen.raw.lines().count();
        let shown = screen.contents.lines().count();
        assert!(shown <= written, "{columns} columns: {written} lines became {shown}\n{}", screen.contents);
        let widest = screen.contents.lines().map(UnicodeWidthStr::width).max();
        assert!(widest <= Some(usize::from(columns)), "{}", screen.contents);
    }
}

const LEAVE_SCREEN: &str = "\u{1B}[?1049l";
const SHOW_CURSOR: &str = "\u{1B}[?25h";

/// Opens the live view and waits for its first whole frame. The clock does not move: the picture is always the same.
fn live(sim: &Sim, env: &Env, more: &[&str], columns: u16, rows: u16) -> Terminal {
    let arguments = [&["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"], more].concat();
    let mut terminal = env.open(&arguments, columns, rows);
    terminal.wait_until(is_whole);
    terminal
}

/// The first line has the counts and how old they are; the keys are drawn last.
fn is_whole(contents: &str) -> bool {
    let words = ["  ✗ ", " ago", "? all keys"];
    let is_part = contents.contains("read so far");
    contents.starts_with("acme ") && !is_part && words.iter().all(|word| contents.contains(word))
}

/// Checks that the terminal is as it was before.
#[track_caller]
fn is_given_back(terminal: &Terminal) {
    let screen = terminal.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor(), "{}", terminal.contents());
    // Else tmux would put rows of it among the user's own lines after another size.
    let leave = String::from_utf8_lossy(&terminal.raw).rfind(LEAVE_SCREEN).unwrap();
    let before = String::from_utf8_lossy(&terminal.raw)[..leave].to_owned();
    assert!(before.trim_end_matches(SHOW_CURSOR).ends_with("\u{1B}[1;1H\u{1B}[J"), "its rows are left where they are");
    for (ours, given_back) in [("\u{1B}[?1049h", LEAVE_SCREEN), ("\u{1B}[?25l", SHOW_CURSOR)] {
        assert!(terminal.last(ours).is_some() && terminal.last(ours) < terminal.last(given_back), "{given_back:?}");
    }
    assert!(terminal.is_as_before(), "the terminal is still raw");
}

#[test]
fn the_live_view_shows_header_rows_and_keys_and_q_leaves_it() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &[], 80, 24);
    assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
    assert!(!terminal.is_as_before());
    let contents = terminal.contents();
    let lines: Vec<&str> = contents.lines().collect();
    assert_eq!(lines.len(), 24, "{contents}");
    assert!(lines[2].contains("project") && lines[2].contains("what"), "{contents}");
    assert!(lines[3].contains("▾ payments  ✗ 2"), "{contents}");
    assert!(lines[4].contains("✗ failed"), "what wants attention does not come first\n{contents}");
    assert!(lines[23].ends_with("? all keys"), "{contents}");
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
    is_given_back(&terminal);
    assert_eq!(terminal.contents().trim(), "", "it left something behind");
}

/// What stops it, how, and the exit code.
type Stop = (&'static str, fn(&mut Terminal), i32);

#[test]
fn keys_and_signals_that_stop_it_give_the_terminal_back() {
    let sim = Sim::start(Options::default()).unwrap();
    let stops: [Stop; 4] = [
        ("ctrl-c", |terminal| terminal.send("\u{3}"), 130),
        ("SIGINT", |terminal| terminal.signal("-INT"), 130),
        ("SIGTERM", |terminal| terminal.signal("-TERM"), 143),
        ("SIGHUP", |terminal| terminal.signal("-HUP"), 143),
    ];
    for (what, stop, code) in stops {
        let env = Env::new();
        let mut terminal = live(&sim, &env, &[], 80, 24);
        stop(&mut terminal);
        assert_eq!(terminal.end(), code, "{what}");
        is_given_back(&terminal);
        assert_eq!(terminal.contents().trim(), "", "{what}");
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_its_message_stays() {
    if PACKAGE.is_some() {
        // It does not panic when it is asked to.
        return;
    }
    let sim = Sim::start(Options::default()).unwrap();
    let env = Env::new().with("GLWATCH_PANIC_IN_VIEW", "1");
    let mut terminal = env.open(&["--host", sim.url(), "--group-id", "12345", "--watch"], 80, 24);
    assert_eq!(terminal.end(), 101);
    is_given_back(&terminal);
    assert!(terminal.contents().contains("asked to panic"), "{}", terminal.contents());
    let written = String::from_utf8_lossy(&terminal.raw).matches(LEAVE_SCREEN).count();
    assert_eq!(written, 1, "the second would put the cursor back over the message");
}

#[test]
fn nothing_but_the_view_is_written_to_its_screen() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &["-vv", "--export", "csv=missing/health.csv"], 80, 24);
    assert!(!String::from_utf8_lossy(&terminal.raw).contains("DEBUG"), "{}", terminal.contents());
    terminal.send("q");
    // What could not be written is reported as soon as that is possible.
    assert_eq!(terminal.end(), 6);
    is_given_back(&terminal);
    assert!(
        terminal.contents().starts_with("error: failed to write \"missing/health.csv\""),
        "{}",
        terminal.contents()
    );
}

#[test]
fn a_new_size_is_a_new_picture_that_fits() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &[], 80, 24);
    for (columns, rows) in [(120, 40), (50, 15), (80, 24), (20, 5)] {
        terminal.resize(columns, rows);
        // The last line of the picture is the last of the screen only once it was drawn for this size.
        terminal.wait_until(|contents| {
            let lines: Vec<&str> = contents.lines().collect();
            lines.len() == usize::from(rows) && lines.last().is_some_and(|line| line.ends_with("? all keys"))
        });
        let contents = terminal.contents();
        assert!(contents.lines().next().is_some_and(|line| line.contains("✗ ")), "{columns}x{rows}\n{contents}");
        let widest = contents.lines().map(UnicodeWidthStr::width).max();
        assert!(widest <= Some(usize::from(columns)), "{contents}");
    }
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn the_view_moves_with_its_group_and_its_keys() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &["--interval", "200ms"], 80, 24);
    terminal.send("?");
    terminal.wait_until(|contents| contents.contains("this help"));
    terminal.send("\u{1B}");
    terminal.wait_until(|contents| !contents.contains("this help"));
    terminal.send("f");
    terminal.wait_until(|contents| contents.contains("only what wants attention"));
    terminal.send("f");
    terminal.send("gG");
    terminal.wait_until(|contents| !contents.contains("only what wants attention") && !contents.contains("✗ failed"));
    let before = terminal.contents();
    sim.clock().advance(std::time::Duration::from_secs(600));
    terminal.wait_until(|contents| contents != before && is_whole(contents));
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_view_back() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new().with("PS1", "shell$ "));
    let mut terminal = env.open_program("/bin/sh", &["-i"], 80, 24);
    terminal.wait_until(|contents| contents.contains("shell$"));
    terminal.send(&format!("{BINARY} --host {} --group-id 12345 --watch --rps 1000\n", sim.url()));
    terminal.wait_until(is_whole);
    terminal.send("\u{1A}");
    terminal.wait_until(|contents| contents.contains("Stopped"));
    assert!(!terminal.screen().alternate_screen() && !terminal.screen().hide_cursor());
    terminal.send("fg\n");
    terminal.wait_until(is_whole);
    terminal.send("q");
    terminal.wait_until(|contents| contents.trim_end().ends_with("shell$"));
    terminal.send("exit $?\n");
    assert_eq!(terminal.end(), 0);
}

fn uniform(projects: usize) -> Sim {
    Sim::start(Options { world: WorldKind::Uniform { projects, stages: 2, jobs: 2 }, ..Options::default() }).unwrap()
}

#[test]
fn the_first_load_shows_the_host_at_once_and_rows_as_they_are_read() {
    for (api, fault) in [
        ("graphql", Fault::on("POST /api/graphql Snapshot").after(1).times(1)),
        ("rest", Fault::on("/pipelines?").after(30).times(3)),
    ] {
        let (sim, env) = (uniform(120), Env::new());
        sim.add_fault(fault.action(Action::Stall));
        let arguments = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000", "--api", api];
        let mut terminal = env.open(&arguments, 120, 40);
        let host = sim.url().trim_start_matches("http://").to_owned();
        terminal.wait_until(|contents| {
            let mut words = contents.lines().next().unwrap_or_default().split_whitespace();
            let counted = words.clone().skip_while(|word| *word != "✓").nth(1).and_then(|n| n.parse::<u32>().ok());
            let read = words.by_ref().skip_while(|word| *word != "of").nth(1);
            contents.contains(&format!("@{host}"))
                && contents.contains("✓ success")
                && read == Some("120")
                && counted.is_some_and(|n| (20..120).contains(&n))
        });
        let contents = terminal.contents();
        assert!(contents.contains(" of 120 read") && contents.contains("✓ success"), "{api}\n{contents}");
        assert!(contents.contains("of 120 projects read so far"), "{api}: a part looks like the whole\n{contents}");
        terminal.send("q");
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn a_refusal_ends_it_though_something_else_hangs_and_is_seen_on_the_main_screen() {
    let refusals: [(&str, Fault, &str); 3] = [
        ("the token", Fault::on("/api/v4/").status(401), "401"),
        ("the group", Fault::on("/api/v4/groups/").status(404), "404"),
        ("a page that is not GitLab's", Fault::on("/api/v4/").html(), "HTML"),
    ];
    for (what, fault, word) in refusals {
        let sim = Sim::start(Options::default()).unwrap();
        sim.add_fault(Fault::on("/api/graphql").action(Action::Stall));
        sim.add_fault(fault);
        let env = Env::new().with("GLWATCH_TOKEN", TOKEN_READ_API);
        let mut terminal = env.open(&["--host", sim.url(), "--group-id", "12345", "--watch", "--api", "auto"], 80, 24);
        assert_eq!(terminal.end(), 3, "{what}\n{}", terminal.contents());
        is_given_back(&terminal);
        let contents = terminal.contents();
        assert!(
            contents.starts_with("error: ") && contents.contains(word) && contents.contains("Hint: "),
            "{contents}"
        );
    }
}

#[test]
fn a_connection_that_is_refused_is_named_while_it_is_tried_again() {
    let env = Env::new().with("GLWATCH_RETRY_WAIT", "500ms");
    // Port 1 is reserved and nothing listens there.
    let mut terminal = env.open(&["--host", "http://127.0.0.1:1", "--group-id", "acme", "--watch"], 80, 24);
    terminal.wait_until(|contents| {
        contents.contains("127.0.0.1:1: the connection was refused, asking again")
            && contents.contains("acme @127.0.0.1:1")
    });
    assert_eq!(terminal.end(), 3);
    is_given_back(&terminal);
    assert!(terminal.contents().starts_with("error: "), "{}", terminal.contents());
}

#[test]
fn a_server_that_asks_to_wait_is_named_with_the_time_that_is_left() {
    let sim = Sim::start(Options::default()).unwrap();
    sim.add_fault(Fault::on("/api/").rate_limited(Some("30")));
    let env = Env::new();
    let mut terminal = env.open(&["--host", sim.url(), "--group-id", "12345", "--watch"], 80, 24);
    terminal.wait_until(|contents| contents.contains("the server asks to wait 2"));
    assert_eq!(sim.requests().iter().filter(|request| request.path.contains("/groups/")).count(), 2);
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn while_a_server_hangs_the_data_grows_old_on_the_screen() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &["--interval", "100ms"], 80, 24);
    sim.add_fault(Fault::on("/api/").action(Action::Stall));
    for age in ["2s ago", "3s ago"] {
        terminal.wait_until(|contents| contents.lines().next().is_some_and(|line| line.contains(age)));
    }
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
    is_given_back(&terminal);
}

#[test]
fn a_token_that_expires_is_named_first_and_the_counts_stay() {
    let sim = Sim::start(Options::default()).unwrap();
    let env = Env::new().with("GLWATCH_TOKEN", TOKEN_READ_API);
    let mut terminal = live(&sim, &env, &["--interval", "100ms"], 80, 24);
    let counts =
        |contents: &str| contents.lines().next().unwrap_or_default().split(" @").next().unwrap_or_default().to_owned();
    let failed =
        |contents: &str| counts(contents).split("✗ ").nth(1).map(|rest| rest.split(' ').next().unwrap().to_owned());
    let before = failed(&terminal.contents());
    assert!(before.is_some(), "{}", terminal.contents());
    sim.add_fault(Fault::on("/api/").status(401));
    terminal.wait_until(|contents| contents.contains("Hint: ") && contents.contains(" old"));
    let contents = terminal.contents();
    let second = contents.lines().nth(1).unwrap_or_default();
    assert!(second.starts_with("GitLab refused the token") && !second.contains("http"), "{contents}");
    assert_eq!(failed(&contents), before, "{contents}");
    sim.clear_faults();
    terminal.wait_until(|contents| !contents.contains("Hint: ") && is_whole(contents));
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_terminal_without_a_size_is_taken_for_the_classic_one_and_tiny_ones_do_no_harm() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &[], 0, 0);
    assert_eq!(terminal.contents().lines().count(), 24, "{}", terminal.contents());
    for (columns, rows) in [(1, 1), (3, 2), (0, 0), (80, 24)] {
        terminal.resize(columns, rows);
    }
    terminal.wait_until(is_whole);
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
    is_given_back(&terminal);
}

/// While the program finds out the size of a terminal that does not tell it, another size and a key come together.
#[test]
fn a_key_that_comes_with_another_size_is_not_left_until_the_next_one() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &[], 100, 30);
    for round in 0_u16..20 {
        let is_help = round % 2 == 0;
        terminal.resize(0, 0);
        terminal.resize(100 - round, 30);
        terminal.send("?");
        terminal.wait_until(|contents| contents.contains("this help") == is_help);
    }
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn without_a_browser_the_address_of_the_page_is_on_a_line_of_its_own() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &[], 120, 40);
    terminal.send("\to");
    let start = format!("{}/", sim.url());
    terminal.wait_until(|contents| contents.contains("there is no browser here"));
    let contents = terminal.contents();
    let is_address =
        |line: &str| line.starts_with(&start) && line.contains("/-/pipelines/") && !line.trim_end().contains(' ');
    assert!(contents.lines().any(is_address), "{contents}");
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

/// Presses keys one after the other, and waits after each for what it must show.
#[track_caller]
fn walk(terminal: &mut Terminal, steps: &[(&str, &str)]) {
    for (keys, shown) in steps {
        terminal.send(keys);
        terminal.wait_until(|contents| contents.contains(shown));
    }
}

#[test]
fn from_the_list_to_the_log_of_what_failed_a_retry_and_back() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let env = env.with("GITLAB_TOKEN", glwatch_sim::TOKEN_API).with("GLWATCH_FOLLOW_WAIT", "5ms");
    let mut terminal = live(&sim, &env, &["--interval", "200ms"], 120, 40);
    let before =
        sim.requests().iter().filter(|request| request.method == "POST" && request.path.contains("/retry")).count();
    assert_eq!(before, 0);
    let steps = [
        ("/invo", "1 of 40 projects"),
        ("\r", "/invo"),
        ("\t", "▌"),
        ("\r", "overview > project"),
        ("\r", "job             state"),
        ("\r", "they did not fail on the pipeline before"),
        ("", "test_push FAILED"),
        ("n", "FAILED"),
        ("R", "Retry test / test: [3.11] of payments/invoices"),
        ("x", "nothing was done"),
        ("R", "? y/N"),
        ("y", "retry: test / test: [3.11]"),
        ("\u{1B}", "● running"),
    ];
    walk(&mut terminal, &steps);
    let retried =
        sim.requests().iter().filter(|request| request.method == "POST" && request.path.ends_with("/retry")).count();
    assert_eq!(retried, 1, "nothing is sent without a yes, and nothing twice");
    terminal.send("\u{1B}");
    terminal.wait_until(|contents| contents.contains("overview > project") && !contents.contains("lint"));
    terminal.send("\u{1B}");
    terminal.wait_until(|contents| contents.contains("1 of 40 projects") && contents.contains("▌"));
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
    is_given_back(&terminal);
}

#[test]
fn where_nothing_may_be_changed_an_action_is_refused_with_the_setting_that_forbids_it() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let env = env.with("GLWATCH_READ_ONLY", "true");
    let mut terminal = live(&sim, &env, &[], 120, 40);
    walk(&mut terminal, &[("\t", "▌"), ("R", "GLWATCH_READ_ONLY"), ("q", "")]);
    assert_eq!(terminal.end(), 0);
    assert!(sim.requests().iter().all(|request| !request.path.contains("/retry")));
}

#[test]
fn each_list_of_the_group_opens_with_its_key_and_leads_on() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let mut terminal = live(&sim, &env, &[], 120, 40);
    let steps = [
        ("!", "overview > failures"),
        ("\r", "> job"),
        ("q", "overview > failures"),
        ("\u{1B}", "▾ payments"),
        ("a", "a runner"),
        ("p", "> problems"),
        ("q", "overview > active"),
        ("q", "▾ payments"),
        ("p", "CI/CD is switched off"),
        ("q", "▾ payments"),
        ("e", "nothing has changed since"),
    ];
    walk(&mut terminal, &steps);
    terminal.send("Q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn columns_that_were_asked_for_are_those_of_the_live_view() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    for (more, titles) in
        [(&["-o", "wide"][..], &["stages", "commit", "source"][..]), (&["--columns", "project,age"], &["age"])]
    {
        let mut terminal = live(&sim, &env, more, 200, 40);
        let contents = terminal.contents();
        let head = contents.lines().nth(2).unwrap_or_default();
        assert!(titles.iter().all(|title| head.contains(title)), "{more:?}\n{contents}");
        assert!(!head.contains("what"), "{more:?}\n{contents}");
        terminal.send("q");
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn plain_words_are_only_added_and_numbers_lead_to_the_log() {
    for (name, value, more) in [("GLWATCH_ACCESSIBLE", "1", &[][..]), ("GLWATCH_QUIET", "true", &["--plain"][..])] {
        let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new().with(name, value));
        let env = env.with("GITLAB_TOKEN", glwatch_sim::TOKEN_API);
        let arguments = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"];
        let mut terminal = env.open(&[&arguments[..], more].concat(), 100, 60);
        terminal.wait_until(|contents| contents.contains("40 projects: ") && contents.contains("1. payments/"));
        walk(&mut terminal, &[("filter invoices\r", "1. payments/invoices"), ("1\r", "pipeline, ref")]);
        walk(
            &mut terminal,
            &[("1\r", "job, state"), ("log\r", "Job failed: exit code 1"), ("nonsense\r", "there is no word")],
        );
        walk(
            &mut terminal,
            &[
                ("| tr a-z A-Z\r", "JOB FAILED: EXIT CODE 1"),
                ("save a.log\r", "saved as a.log"),
                ("S a.log\r", "there already"),
            ],
        );
        terminal.send("quit\rquit\rquit\rquit\r");
        assert_eq!(terminal.end(), 0);
        let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
        assert!(!raw.contains('\u{1B}'), "no control sequence: {raw:?}");
        assert!(terminal.is_as_before());
    }
}

#[test]
fn keys_and_colours_are_those_of_the_settings() {
    let (sim, env) = (Sim::start(Options::default()).unwrap(), Env::new());
    let text = "theme = 'mine'\n[themes.mine]\nbad = 'bright-magenta'\n[keys]\nfailures = ['F', 'f2']\nquit = 'X'\n";
    std::fs::write(env.home().join("c.toml"), text).unwrap();
    let mut terminal = live(&sim, &env, &["--config", "c.toml"], 80, 24);
    assert!(terminal.contents().contains("F f2 failures"), "{}", terminal.contents());
    assert!(String::from_utf8_lossy(&terminal.raw).contains("38;5;13"), "bright magenta");
    walk(&mut terminal, &[("F", "overview > failures")]);
    terminal.send("XX");
    assert_eq!(terminal.end(), 0);
    let refused = [
        ("[keys]\nretri = 't'\n", "did you mean retry?"),
        ("[keys]\nretry = 'x'\n", "the key of both retry and mark"),
        ("theme = 'lihgt'\n", "did you mean light?"),
        ("[themes.mine]\nbad = 'rad'\n", "did you mean red?"),
    ];
    for (text, words) in refused {
        std::fs::write(env.home().join("c.toml"), text).unwrap();
        let output = env.run(&["--host", sim.url(), "--group-id", "12345", "--config", "c.toml"]);
        let _ = output.refuses(2, &[words]);
    }
}
