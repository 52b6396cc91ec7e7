//! The dashboard inside tmux, which is a terminal of its own: it draws our cells again, and has its own ways with sizes.
//!
//! Without tmux on the machine these are left out, and say so; `.ci/run` installs it.

#![expect(clippy::print_stdout, reason = "what is left out is said, and what was measured")]

use crate::support::terminal::Terminal;
use crate::support::{BINARY, Env};
use glwatch_sim::{Options, Sim, TOKEN_API, WorldKind};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Bytes that a quiet refresh may write.
const QUIET: usize = 2048;

/// Returns an environment in which tmux is found.
fn environment() -> Env {
    Env::new().with("PATH", &std::env::var("PATH").unwrap_or_default()).with("TERM", "xterm-256color")
}

/// Starts the program in a tmux of its own; `None` where there is none.
fn open(env: &Env, sim: &Sim, more: &[&str], (columns, rows): (u16, u16)) -> Option<Terminal> {
    if Command::new("tmux").arg("-V").output().is_err() {
        println!("left out: there is no tmux on this machine");
        return None;
    }
    let config = env.home().join("tmux.conf");
    fs::write(&config, "set -g status off\nset -g default-terminal screen-256color\nset -sg escape-time 10\n").unwrap();
    let socket = env.home().join("tmux.sock");
    let program = [BINARY, "--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"];
    let tmux = ["-u", "-S", socket.to_str().unwrap(), "-f", config.to_str().unwrap(), "new-session"];
    let mut terminal = env.open_program("tmux", &[&tmux[..], &program[..], more].concat(), columns, rows);
    terminal.wait_until(|contents| contents.contains(" ago") && contents.contains("? all keys"));
    Some(terminal)
}

#[track_caller]
fn walk(terminal: &mut Terminal, steps: &[(&str, &str)]) {
    for (keys, shown) in steps {
        terminal.send(keys);
        terminal.wait_until(|contents| contents.contains(shown));
    }
}

#[test]
fn from_the_list_to_the_log_of_what_failed_and_back_inside_tmux() {
    let sim = Sim::start(Options::default()).unwrap();
    let env = environment().with("GITLAB_TOKEN", TOKEN_API);
    let Some(mut terminal) = open(&env, &sim, &[], (120, 40)) else { return };
    // The group's path, which the question leaves out, is known when the first reading has ended.
    terminal.wait_until(|contents| contents.contains("next in"));
    let steps = [
        ("/invo", "1 of 40 projects"),
        ("\r", "/invo"),
        ("\t", "▌"),
        ("\r", "overview > project"),
        ("\r", "job             state"),
        ("\r", "they did not fail on the pipeline before"),
        ("R", "Retry test / test: [3.11] of payments/invoices"),
        ("x", "nothing was done"),
        ("q", "overview > project > #"),
    ];
    walk(&mut terminal, &steps);
    terminal.send("Q");
    terminal.wait_until(|contents| contents.contains("[exited]"));
    assert_eq!(terminal.end(), 0);
    assert!(terminal.is_as_before());
}

#[test]
fn a_storm_of_sizes_ends_in_a_picture_of_the_last_one() {
    let sim = Sim::start(Options::default()).unwrap();
    let env = environment();
    let bare = env.open(&["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"], 120, 40);
    for terminal in [Some(bare), open(&env, &sim, &[], (120, 40))] {
        let Some(mut terminal) = terminal else { continue };
        for round in 0_u16..60 {
            terminal.resize(20 + (round * 37) % 160, 5 + (round * 13) % 45);
            if round % 7 == 0 {
                terminal.send("j");
            }
        }
        terminal.resize(100, 30);
        terminal.wait_until(|contents| {
            let lines: Vec<&str> = contents.lines().collect();
            lines.len() == 30
                && lines[29].ends_with("? all keys")
                && lines[0].starts_with("acme")
                && contents.contains("▾ ")
        });
        terminal.send("Q");
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn a_quiet_refresh_writes_little_bare_and_through_tmux() {
    for projects in [20, 200] {
        let world = WorldKind::Uniform { projects, stages: 4, jobs: 3 };
        let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
        let env = environment().with("GLWATCH_API", "graphql");
        let interval = ["--interval", "100ms"];
        let fixed = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"];
        let bare = env.open(&[&fixed[..], &interval[..]].concat(), 120, 40);
        for (name, terminal) in [("bare", Some(bare)), ("tmux", open(&env, &sim, &interval, (120, 40)))] {
            let Some(mut terminal) = terminal else { continue };
            terminal
                .wait_until(|contents| contents.contains(&format!("{projects} projects")) && contents.contains(" ago"));
            sim.clear_requests();
            let before = terminal.raw.len();
            // One request for 100 projects.
            let refreshes = 40 / projects.div_ceil(100);
            assert!(sim.wait_for_requests(40, Duration::from_secs(30)));
            // What was written is read up to the help, which counts as well: it is no more than that.
            terminal.send("?");
            terminal.wait_until(|contents| contents.contains("this help"));
            let bytes = (terminal.raw.len() - before) / refreshes;
            println!("{projects} projects, {name}: {bytes} bytes for a quiet refresh");
            assert!(bytes < QUIET, "{projects} projects, {name}: {bytes} bytes");
            terminal.send("Q");
            assert_eq!(terminal.end(), 0);
        }
    }
}
