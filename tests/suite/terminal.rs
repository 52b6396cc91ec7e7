//! The real binary in a real terminal.

use crate::support::terminal::Terminal;
use crate::support::{BINARY, Env};
use glwatch::sim::{Options, Sim};
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

/// Opens the live view and waits for its first whole frame. The clock stands still: the picture is always the same.
fn live(sim: &Sim, env: &Env, more: &[&str], columns: u16, rows: u16) -> Terminal {
    let arguments = [&["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"], more].concat();
    let mut terminal = env.open(&arguments, columns, rows);
    terminal.wait_until(is_whole);
    terminal
}

/// The first line has the counts, the second the countdown; what the reading took is drawn last.
fn is_whole(contents: &str) -> bool {
    let words = ["\nnext in ", " requests at the last reading", "\nq quit"];
    contents.starts_with("acme · 40 projects: ") && words.iter().all(|word| contents.contains(word))
}

/// Checks that the terminal is as it was before.
#[track_caller]
fn is_given_back(terminal: &Terminal) {
    let screen = terminal.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor(), "{}", terminal.contents());
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
    assert!(lines[2].starts_with("project") && lines[2].contains("stages"), "{contents}");
    assert!(lines[3].contains("✗ failed"), "what wants attention does not come first\n{contents}");
    assert!(lines[22].contains("requests at the last reading"), "{contents}");
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
    // What could not be written is told when there is a place for it.
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
            lines.len() == usize::from(rows) && lines.last().is_some_and(|line| line.starts_with("q quit"))
        });
        let contents = terminal.contents();
        assert!(contents.starts_with("acme · "), "{columns}x{rows}\n{contents}");
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
    terminal.send("G");
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
