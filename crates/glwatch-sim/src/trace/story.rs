//! The parts of one log in their order: the runner, the sources, the script with its end, the cleaning up.

use super::writer::{LogSource, LogWriter};
use super::{LogKind, Trace, hostile};
use crate::plan::Job;
use crate::report::TestSuite;

/// Bytes of one made-up line of a large log, its end included: what makes its length known before it is written.
pub(super) const WIDTH: usize = 80;

/// Everything that a log is made from.
pub(super) struct LogScene<'a> {
    pub(super) kind: LogKind,
    pub(super) passed: bool,
    pub(super) job: &'a Job,
    pub(super) id: u64,
    pub(super) project: &'a str,
    pub(super) project_id: u64,
    pub(super) ref_name: &'a str,
    pub(super) sha: &'a str,
    pub(super) started: i64,
    pub(super) ended: i64,
    /// Whether it comes to its own end.
    pub(super) complete: bool,
    pub(super) suite: Option<TestSuite>,
}

/// Returns one line of a large log, `WIDTH` bytes long.
pub(super) fn filler(number: usize, of: usize) -> Vec<u8> {
    let text =
        format!("[{number:>7}/{of}] checked record {:016x}", (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    format!("{text:<width$}\n", width = WIDTH - 1).into_bytes()
}

impl LogScene<'_> {
    pub(super) fn tell(&self) -> Trace {
        let mut log = LogWriter::new(self.started, self.job.spec.timestamps);
        self.prepare(&mut log);
        let lines = match self.kind {
            LogKind::Large { megabytes } => megabytes * 1_000_000 / WIDTH,
            _ => 0,
        };
        if self.kind == LogKind::Runner {
            self.end(&mut log);
            return Trace::of(log.bytes, 0, Vec::new());
        }
        self.sources(&mut log);
        log.open("step_script", "Executing \"step_script\" stage of the job script");
        log.says("Using docker image sha256:4f1e0c2b7a9d for registry.example.com/ci/base:3 ...");
        self.script(&mut log);
        let mut tail = LogWriter::new(self.ended - 1_500, log.timestamps);
        self.outcome(&mut tail);
        tail.close("step_script");
        if self.complete {
            self.end(&mut tail);
        }
        if lines == 0 {
            log.bytes.append(&mut tail.bytes);
        }
        Trace::of(log.bytes, lines, tail.bytes)
    }

    fn prepare(&self, log: &mut LogWriter) {
        log.says("Running with gitlab-runner 18.5.0 (bda84871)");
        log.says("  on docker-runner-3 t3_Xk9Lq, system ID: s_5e1f0c7d9a2b");
        log.open("prepare_executor", "Preparing the \"docker\" executor");
        log.says("Using Docker executor with image registry.example.com/ci/base:3 ...");
        if self.kind == LogKind::Runner {
            let text = "WARNING: Failed to pull image with policy \"always\": dial tcp 10.0.0.7:443: i/o timeout (manager.go:250:15s)";
            log.line(LogSource::Runner, &format!("\x1b[0;33m{text}\x1b[0;m"));
        } else {
            log.says("Pulling docker image registry.example.com/ci/base:3 ...");
        }
        log.close("prepare_executor");
        if self.kind == LogKind::Runner {
            return;
        }
        log.open("prepare_script", "Preparing environment");
        let host = format!("runner-t3xk9lq-project-{}-concurrent-0", self.project_id);
        log.line(LogSource::Runner, &format!("Running on {host} via docker-runner-3..."));
        log.close("prepare_script");
    }

    fn sources(&self, log: &mut LogWriter) {
        log.open("get_sources", "Getting source from Git repository");
        log.line(LogSource::Runner, "\x1b[32;1mFetching changes with git depth set to 20...\x1b[0;m");
        log.line(LogSource::Runner, &format!("Initialized empty Git repository in /builds/{}/.git/", self.project));
        log.progress("Receiving objects:");
        let head = format!("Checking out {} as detached HEAD (ref is {})...", &self.sha[..8], self.ref_name);
        log.line(LogSource::Runner, &format!("\x1b[32;1m{head}\x1b[0;m"));
        log.close("get_sources");
    }

    /// What the script says before it comes to the point.
    fn script(&self, log: &mut LogWriter) {
        match self.kind {
            LogKind::Rust => {
                log.command("cargo test --workspace");
                log.line(LogSource::Err, "\x1b[1m\x1b[32m   Compiling\x1b[0m example v0.4.2");
                log.progress("    Building");
            }
            LogKind::Pytest => log.command("pytest --junitxml=report.xml"),
            LogKind::Lint => log.command("make lint"),
            LogKind::Compiler => {
                log.command("cargo build --release");
                log.progress("    Building");
            }
            LogKind::Timeout => {
                log.command("npx playwright test");
                (1..=40).for_each(|n| log.line(LogSource::Out, &format!("  still waiting for the server ({n})")));
            }
            LogKind::Script | LogKind::Runner | LogKind::Large { .. } => log.command("./ci/run.sh"),
            LogKind::Binary => {
                log.command("cat target/release/example");
                (0..8).for_each(|n| log.raw(LogSource::Out, &hostile::junk(self.id + n)));
            }
            LogKind::Hostile => {
                log.command("./ci/hostile.sh");
                hostile::LINES.iter().for_each(|line| log.raw(LogSource::Out, line));
            }
        }
    }

    /// What the script says in the end: the error, if there is one.
    fn outcome(&self, log: &mut LogWriter) {
        if let (LogKind::Rust | LogKind::Pytest, Some(suite)) = (self.kind, &self.suite) {
            return self.tests(suite, log);
        }
        if self.passed || !self.complete {
            return log.line(LogSource::Out, "done");
        }
        match self.kind {
            LogKind::Lint => log.lines(LogSource::Err, LINT),
            LogKind::Compiler => log.lines(LogSource::Err, COMPILER),
            LogKind::Timeout | LogKind::Runner => {}
            LogKind::Rust | LogKind::Pytest | LogKind::Script | LogKind::Binary => {
                log.lines(
                    LogSource::Err,
                    "Error: the server answered 503 Service Unavailable\n  at deploy (ci/run.sh:41)",
                );
            }
            LogKind::Large { .. } | LogKind::Hostile => {
                log.line(LogSource::Err, "error: record 4711 has no checksum (ci/run.sh:17)")
            }
        }
    }

    /// What the tests print: a line for each, the words of the failing ones, the sum.
    fn tests(&self, suite: &TestSuite, log: &mut LogWriter) {
        let python = self.kind == LogKind::Pytest;
        let count = suite.cases.len();
        log.line(
            LogSource::Out,
            &if python { format!("collected {count} items") } else { format!("running {count} tests") },
        );
        let mut in_turn: Vec<_> = suite.cases.iter().collect();
        in_turn.sort_by_key(|case| case.number);
        for case in in_turn {
            let (colour, python_word, rust_word) = match case.status {
                "success" => ("\x1b[32m", "PASSED", "ok"),
                "skipped" => ("\x1b[33m", "SKIPPED", "ignored"),
                _ => ("\x1b[31m", "FAILED", "FAILED"),
            };
            log.line(
                LogSource::Out,
                &match python {
                    true => format!("{}::{} {colour}{python_word}\x1b[0m", case.file, case.name),
                    false => format!("test {} ... {colour}{rust_word}\x1b[0m", case.name),
                },
            );
        }
        if suite.failing().next().is_some() {
            log.line(LogSource::Out, if python { "===== FAILURES =====" } else { "\nfailures:" });
        }
        for case in suite.failing() {
            log.lines(
                LogSource::Out,
                &match python {
                    true => format!("\n\x1b[31m\x1b[1m_____ {} _____\x1b[0m", case.name),
                    false => format!("\n---- {} stdout ----", case.name),
                },
            );
            log.lines(LogSource::Out, &case.text());
        }
        log.line(LogSource::Out, "");
        if python { sum_of_pytest(suite, log) } else { sum_of_rust(suite, log) }
    }

    /// What the runner does after the script, and its verdict.
    fn end(&self, log: &mut LogWriter) {
        log.wait(self.ended - 400);
        if self.kind != LogKind::Runner {
            log.open("cleanup_file_variables", "Cleaning up project directory and file based variables");
            log.close("cleanup_file_variables");
        }
        let red = |text: &str| format!("\x1b[31;1m{text}\n\x1b[0;m");
        let verdict = match self.kind {
            _ if self.passed => "\x1b[32;1mJob succeeded\x1b[0;m".to_owned(),
            LogKind::Timeout => {
                let limit = self.job.spec.ms / 1_000;
                let limit = match (limit / 3_600, limit / 60 % 60, limit % 60) {
                    (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
                    (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
                };
                red(&format!("ERROR: Job failed: execution took longer than {limit} seconds"))
            }
            LogKind::Runner => red(
                "ERROR: Job failed (system failure): Cannot connect to the Docker daemon at unix:///var/run/docker.sock. \
                 Is the docker daemon running? (docker.go:826:0s)",
            ),
            _ => red("ERROR: Job failed: exit code 1"),
        };
        log.line(LogSource::Runner, &verdict);
        if self.kind == LogKind::Hostile {
            log.bytes.extend_from_slice(hostile::UNTERMINATED);
        }
    }
}

fn sum_of_pytest(suite: &TestSuite, log: &mut LogWriter) {
    suite.failing().for_each(|case| log.line(LogSource::Out, &format!("FAILED {}::{}", case.file, case.name)));
    let (failed, passed, skipped) = (suite.failing().count(), suite.count("success"), suite.count("skipped"));
    log.line(LogSource::Out, &format!("===== {failed} failed, {passed} passed, {skipped} skipped in 12.31s ====="));
}

fn sum_of_rust(suite: &TestSuite, log: &mut LogWriter) {
    let (failed, passed, skipped) = (suite.failing().count(), suite.count("success"), suite.count("skipped"));
    if failed > 0 {
        log.line(LogSource::Out, "failures:");
        suite.failing().for_each(|case| log.line(LogSource::Out, &format!("    {}", case.name)));
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let counts = format!("{passed} passed; {failed} failed; {skipped} ignored; 0 measured; 0 filtered out");
    log.line(LogSource::Out, &format!("test result: {word}. {counts}; finished in 12.31s"));
    if failed > 0 {
        log.line(LogSource::Err, "error: test failed, to rerun pass `--lib`");
    }
}

const LINT: &str = "\
\x1b[1m\x1b[33mwarning\x1b[0m: unused import: `std::fmt`
  --> src/lib.rs:3:5
\x1b[1m\x1b[31merror\x1b[0m: this loop never actually loops
  --> src/parser/tokens.rs:118:9
   |
118 |         loop {
   |         ^^^^ never loops
\x1b[1m\x1b[31merror\x1b[0m: could not lint `example` due to 1 previous error; 1 warning emitted
make: *** [Makefile:12: lint] Error 101";

const COMPILER: &str = "\
\x1b[1m\x1b[31merror[E0308]\x1b[0m: mismatched types
  --> src/rates.rs:57:23
   |
57 |     let total: u64 = amount.round();
   |                ---   ^^^^^^^^^^^^^^ expected `u64`, found `f64`
\x1b[1m\x1b[31merror\x1b[0m: could not compile `example` (lib) due to 1 previous error";
