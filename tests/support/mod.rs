//! What the integration tests stand on: the real binary in a clean environment, in a pipe or in a terminal.

pub(crate) mod between;
pub(crate) mod canned;
pub(crate) mod one_pipeline;
#[path = "../gitlab/published.rs"]
pub(crate) mod published;
pub(crate) mod running;
pub(crate) mod svg;
pub(crate) mod terminal;
pub(crate) mod terms;
pub(crate) mod tls;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::fmt;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// The binary under test: that of the tests' own profile, or the package.
pub(crate) const BINARY: &str = match PACKAGE {
    Some(path) => path,
    None => env!("CARGO_BIN_EXE_glwatch"),
};
/// A package to test instead, as `CONTRIBUTING.md` says.
pub(crate) const PACKAGE: Option<&str> = option_env!("GLWATCH_TEST_BINARY");

/// What the program inherits from the environment of the tests: where to put what coverage counts, and a moved clock (faketime).
const HANDED_ON: [&str; 4] = ["LLVM_PROFILE_FILE", "LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC"];

/// A clean environment: no variable of the caller's, a home of its own, one zone, one language.
pub(crate) struct Env {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a run left behind; prints as one text.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Env {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// A folder of the test's own.
    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// The variables that the program sees.
    fn environment(&self) -> Vec<(String, String)> {
        let fixed = [
            ("HOME", self.home.path().to_str().unwrap()),
            ("TZ", "UTC"),
            ("LANG", "C.UTF-8"),
            // Failed requests are tried again at once: nothing sleeps in a test.
            ("GLWATCH_RETRY_WAIT", "1ms"),
            // Most tests are about one request for one thing; those of `graphql.rs` choose for themselves.
            ("GLWATCH_API", "rest"),
        ];
        let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let handed_on = HANDED_ON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        fixed.chain(handed_on).chain(self.variables.iter().cloned()).collect()
    }

    /// The command, ready for what a test wants to do with its streams.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(BINARY);
        command.args(arguments);
        command
    }

    /// Any program, in the same environment.
    fn program(&self, path: &str) -> Command {
        let mut command = Command::new(path);
        command.env_clear().envs(self.environment()).current_dir(self.home.path());
        command
    }

    /// Runs it in a pipe.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Output {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    /// Runs it in a terminal of this size, to its end, and returns what the terminal then shows and holds.
    pub(crate) fn run_in_terminal(&self, arguments: &[&str], columns: u16, rows: u16) -> Screen {
        let pair =
            native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(BINARY);
        command.args(arguments);
        command.env_clear();
        command.cwd(self.home.path());
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        if !self.variables.iter().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut raw = Vec::new();
        // Linux answers EIO once the last writer has gone: the end, not an error.
        let _ = reader.read_to_end(&mut raw);
        let code = child.wait().unwrap().exit_code() as i32;
        let mut parser = vt100::Parser::new(rows, columns, 10_000);
        parser.process(&raw);
        Screen { raw: String::from_utf8_lossy(&raw).into_owned(), code, contents: parser.screen().contents() }
    }
}

/// What a terminal saw.
pub(crate) struct Screen {
    /// Every byte, control sequences included.
    pub(crate) raw: String,
    /// The visible screen at the end.
    pub(crate) contents: String,
    pub(crate) code: i32,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit: {:?}", self.code)?;
        writeln!(f, "---- stdout\n{}", self.stdout)?;
        write!(f, "---- stderr\n{}", self.stderr)
    }
}

impl Output {
    /// Reads the JSON contract from standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }

    /// Checks the exit code, showing everything when it is another.
    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Checks that the run ended with this code and no data, and that its error says this and what to do next.
    #[track_caller]
    pub(crate) fn refuses(self, code: i32, words: &[&str]) -> Self {
        let output = self.exits_with(code).says(words).says(&["error: ", "\nHint: "]);
        assert_eq!(output.stdout, "", "data on stdout\n{output}");
        output
    }

    /// Checks that standard error says all of this.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "stderr lacks {word:?}\n{self}");
        }
        self
    }
}
