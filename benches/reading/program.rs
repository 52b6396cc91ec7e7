//! The program that is measured, and what the system says about it.

use crate::server::{Server, Stats};
use crate::{Api, Result};
use glwatch_sim::TOKEN_READ_API;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vt100::Parser;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_glwatch");
/// GNU time tells CPU seconds and peak memory of a process, which Rust's standard library does not.
const GNU_TIME: &str = "/usr/bin/time";
/// The terminal of the live view.
const SCREEN: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
/// Whatever takes longer than this does not come.
const DEADLINE: Duration = Duration::from_secs(120);

/// A home directory of its own: what one run keeps in it, only runs in the same one can find.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.0.path().join(name).display().to_string();
        vec![
            ("TZ", "UTC".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("HOME", path("")),
            ("XDG_CACHE_HOME", path("cache")),
            ("XDG_CONFIG_HOME", path("config")),
            // GitLab shows a public project to anyone, but not its logs.
            ("GITLAB_TOKEN", TOKEN_READ_API.to_owned()),
        ]
    }

    /// A command that sees nothing of the caller's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    fn arguments(server: &Server, api: Api, more: &[&str]) -> Vec<String> {
        let url = server.url();
        let arguments = ["--host", &url, "--group-id", "12345", "--api", api.word()];
        arguments.iter().chain(more).map(|argument| (*argument).to_owned()).collect()
    }

    /// Reads the group once, and writes it as JSON that is discarded.
    pub(crate) fn read_once(&self, server: &Server, api: Api, more: &[&str]) -> Result<Run> {
        self.run(server, Self::arguments(server, api, more))
    }

    /// Explains everything in the group that failed, as JSON that is discarded.
    pub(crate) fn explain_all(&self, server: &Server, api: Api) -> Result<Run> {
        let mut arguments = vec!["explain".to_owned(), "--all-failed".to_owned()];
        arguments.extend(Self::arguments(server, api, &[]));
        self.run(server, arguments)
    }

    /// Runs a command whose answer comes out of the memory and is discarded, as fast as the server answers.
    pub(crate) fn remember(&self, server: &Server, command: &[&str]) -> Result<Run> {
        let url = server.url();
        let place: &[&str] = match command {
            ["stats", ..] => &["--host", &url],
            _ => &["--host", &url, "--group-id", "12345", "--rps", "1000", "--max-time", "1h"],
        };
        self.run(server, command.iter().chain(place).map(|word| (*word).to_owned()).collect())
    }

    fn run(&self, server: &Server, arguments: Vec<String>) -> Result<Run> {
        server.ask("POST", "reset")?;
        let has_time = Path::new(GNU_TIME).exists();
        let report = self.0.path().join("weight");
        let mut command = if has_time {
            let mut command = self.command(GNU_TIME);
            command.args(["-f", "%U %S %M", "-o"]).arg(&report).arg(BINARY);
            command
        } else {
            self.command(BINARY)
        };
        command.args(arguments).args(["-o", "json"]).stdout(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        let wall = start.elapsed();
        if !status.success() {
            return Err(format!("a run ended with {status}").into());
        }
        let weight = if has_time { Some(Weight::parse(&std::fs::read_to_string(&report)?)?) } else { None };
        Ok(Run { wall, weight, stats: server.stats()? })
    }

    /// Opens the live view.
    pub(crate) fn watch(&self, server: &Server, api: Api, more: &[&str]) -> Result<Live> {
        let pair = native_pty_system().openpty(SCREEN)?;
        let mut command = CommandBuilder::new(BINARY);
        command.args(Self::arguments(server, api, &[&["--watch"], more].concat()));
        command.env_clear();
        self.environment().into_iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(self.0.path());
        let start = Instant::now();
        let child = pair.slave.spawn_command(command)?;
        drop(pair.slave);
        let id = child.process_id().ok_or("the live view has no process id")?;
        let mut reader = pair.master.try_clone_reader()?;
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                // It is not looked at any more, but what is written must still be read.
                let _ = sender.send((Instant::now(), buffer[..n].to_vec()));
            }
        });
        Ok(Live { start, id, child, output, parser: Parser::new(SCREEN.rows, SCREEN.cols, 0), _terminal: pair.master })
    }
}

/// What the system says about a finished process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_megabytes: f64,
}

impl Weight {
    /// Reads `user system kilobytes`.
    fn parse(report: &str) -> Result<Self> {
        let numbers: Vec<f64> = report.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        let [user, system, kilobytes] = numbers[..] else {
            return Err(format!("not what GNU time writes: {report:?}").into());
        };
        Ok(Self { cpu_seconds: user + system, peak_megabytes: kilobytes * 1024.0 / 1e6 })
    }
}

pub(crate) struct Run {
    pub(crate) wall: Duration,
    pub(crate) weight: Option<Weight>,
    pub(crate) stats: Stats,
}

/// A live view in a terminal without a user.
pub(crate) struct Live {
    start: Instant,
    id: u32,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    output: Receiver<(Instant, Vec<u8>)>,
    parser: Parser,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Live {
    /// Waits until the screen shows a word, and returns how long that was after the start.
    pub(crate) fn until_shown(&mut self, word: &str) -> Result<Duration> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let (at, bytes) = match self.output.recv_timeout(left) {
                Ok(output) => output,
                Err(RecvTimeoutError::Timeout) => return Err(format!("the live view never showed {word:?}").into()),
                Err(RecvTimeoutError::Disconnected) => return Err("the live view has ended".into()),
            };
            self.parser.process(&bytes);
            if self.parser.screen().contents().contains(word) {
                return Ok(at - self.start);
            }
        }
    }

    /// What `/proc` says of it now; `None` where there is no such thing.
    pub(crate) fn process(&self) -> Option<Process> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let megabytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0 / 1e6)
        };
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.id)).ok()? {
            // The first number is the time on a core in nanoseconds.
            let times = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            nanoseconds += times.split(' ').next()?.parse::<u64>().ok()?;
        }
        Some(Process {
            resident_megabytes: megabytes("VmRSS:")?,
            peak_megabytes: megabytes("VmHWM:")?,
            cpu: Duration::from_nanos(nanoseconds),
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Whatever state it is in, it goes with us.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `/proc` says about a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) resident_megabytes: f64,
    pub(crate) peak_megabytes: f64,
    pub(crate) cpu: Duration,
}
