//! A program that goes on: its lines as they come, signals, and its end. Every wait has a deadline; nothing polls.

use super::{BINARY, Env};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// Long beyond what any run here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A run that has not ended yet; dropping it kills it.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    error_lines: Receiver<String>,
    stderr: Option<JoinHandle<()>>,
}

impl Env {
    /// Starts it in a pipe.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Self::start_command(self.command(arguments))
    }

    /// Starts it in a pipe so that no file that it writes becomes larger than so many blocks of 512 bytes: what is beyond
    /// them fails as on a full disk.
    pub(crate) fn start_with_room(&self, blocks: u32, arguments: &[&str]) -> Running {
        let mut command = self.program("/bin/sh");
        let limited = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
        command.args(["-c", limited, "sh", &blocks.to_string(), BINARY]).args(arguments);
        Self::start_command(command)
    }

    fn start_command(mut command: Command) -> Running {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // It ends with the program's output; a receiver that is gone does not matter.
        spawn(move || stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let (sender, error_lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let stderr = spawn(move || {
            stderr.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok());
        });
        Running { child, lines, seen: Vec::new(), error_lines, stderr: Some(stderr) }
    }
}

impl Running {
    /// Returns the next line.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => {
                self.seen.push(line.clone());
                line
            }
            Err(why) => panic!("no further line ({why}) after:\n{}", self.seen.join("\n")),
        }
    }

    /// Returns the next line on standard error.
    #[track_caller]
    pub(crate) fn error_line(&mut self) -> String {
        self.error_lines.recv_timeout(DEADLINE).expect("a line on standard error")
    }

    /// Passes over as many lines.
    #[track_caller]
    pub(crate) fn skip(&mut self, lines: usize) {
        for _ in 0..lines {
            self.line();
        }
    }

    /// Returns the next line that is meant; what comes before it is passed over.
    #[track_caller]
    pub(crate) fn line_with(&mut self, is_meant: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            let line = self.line();
            if is_meant(&line) {
                return line;
            }
        }
        panic!("not among these lines:\n{}", self.seen.join("\n"));
    }

    pub(crate) fn signal(&self, signal: &str) {
        send_signal(self.child.id(), signal);
    }

    /// Says whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end; returns the lines that were not read yet, what was not read of standard error, and its exit code.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Vec<String>, String, Option<i32>) {
        let until = Instant::now() + DEADLINE;
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => rest.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let mut text = self.seen.join("\n");
                    let _ = write!(text, "\n{}", rest.join("\n"));
                    panic!("it did not end; it said:\n{text}");
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        self.stderr.take().unwrap().join().unwrap();
        let said: Vec<String> = self.error_lines.try_iter().collect();
        (rest, said.iter().map(|line| format!("{line}\n")).collect(), code)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn send_signal(process: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// Waits for the end of a process of whose output only standard error is read.
#[track_caller]
pub(crate) fn end_of(child: Child) -> Output {
    let process = child.id();
    let (sender, ended) = channel();
    spawn(move || sender.send(child.wait_with_output()));
    ended.recv_timeout(DEADLINE).map(Result::unwrap).unwrap_or_else(|_| {
        send_signal(process, "-KILL");
        panic!("it did not end");
    })
}
