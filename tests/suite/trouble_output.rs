//! Nowhere to write to, and being told to stop: exit codes 6, 130 and 143.

use super::trouble::sim;
use crate::support::Env;
use crate::support::running::{end_of, send_signal};
use glwatch_sim::{Fault, Sim};
use std::fs::OpenOptions;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Long beyond what any run here takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs it with standard output that leads there.
fn into(stdout: impl Into<Stdio>, sim: &Sim, more: &[&str]) -> Output {
    let arguments = [&["--host", sim.url(), "--group-id", "12345"], more].concat();
    let env = Env::new();
    let mut command = env.command(&arguments);
    command.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
}

#[test]
fn a_reader_that_has_gone_away_is_no_error_and_keeps_the_exit_code() {
    let sim = sim(vec![]);
    for (more, code) in [(&["-o", "json"][..], 0), (&["--fail-on", "failed"], 1), (&["-o", "wide"], 0)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = into(writer, &sim, more);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
    for arguments in [["completions", "bash"], ["--help", "-q"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let env = Env::new();
        let output = env.command(&arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_full_disk_is_told_before_what_the_group_deserves() {
    let sim = sim(vec![]);
    for more in [&["-o", "json"][..], &["--fail-on", "failed"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = into(full, &sim, more);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{stderr}");
        for word in ["error: failed to write the output", "No space left on device", "\nHint: check that there is room"]
        {
            assert!(stderr.contains(word), "{stderr}");
        }
    }
}

#[test]
fn nothing_read_is_told_before_a_full_disk() {
    let sim = sim(vec![Fault::on("/pipelines").status(403)]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(into(full, &sim, &[]).status.code(), Some(3));
}

#[track_caller]
fn signalled(signal: &str, code: i32) {
    let sim = sim(vec![Fault::on("/api/v4/").stalled()]);
    let env = Env::new();
    let mut command = env.command(&["--host", sim.url(), "--group-id", "12345"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(sim.wait_for_requests(1, DEADLINE), "it asked nothing");
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn ctrl_c_ends_it_at_once_with_130() {
    signalled("-INT", 130);
}

#[test]
fn being_terminated_ends_it_at_once_with_143() {
    signalled("-TERM", 143);
}

#[test]
fn a_signal_ends_it_while_it_waits_for_a_token() {
    let env = Env::new();
    assert!(Command::new("mkfifo").arg(env.home().join("token")).status().unwrap().success());
    let mut command = env.command(&["--host", "http://127.0.0.1:1", "--group-id", "1", "--token-file", "token"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    send_signal(child.id(), "-TERM");
    // Nothing of ours runs yet, so the system ends it.
    assert_eq!(end_of(child).status.code(), None);
}
