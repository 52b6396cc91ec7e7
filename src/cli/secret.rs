//! Reads secrets from where the configuration says. No other module does.

use super::error::CliError;
use super::files;
use crate::config::{Origin, SecretSource};
use secrecy::ExposeSecret;
use std::env::VarError;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// More than any secret has; a larger file is the wrong file.
const MAX_SECRET: u64 = 16 * 1024;
/// How often a program that has closed its output is looked at until it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A secret that is to be read.
#[derive(Clone, Copy)]
pub(super) struct SecretRequest<'a> {
    /// What it is: `token`.
    pub what: &'static str,
    pub source: &'a SecretSource,
    pub origin: &'a Origin,
    /// What a program that writes it may take.
    pub limit: Duration,
}

impl SecretRequest<'_> {
    /// Reads a secret that is one text: what a program writes after its first line does not belong to it.
    pub(super) fn text(self) -> Result<String, CliError> {
        let text = match self.source {
            SecretSource::Given(texts) => texts.last().map_or("", ExposeSecret::expose_secret).to_owned(),
            SecretSource::Command(_) => self.content()?.lines().next().unwrap_or_default().to_owned(),
            SecretSource::File(_) | SecretSource::Variable(_) => self.content()?,
        };
        match text.trim() {
            "" => Err(self.refuse("is empty")),
            text => Ok(text.to_owned()),
        }
    }

    /// Reads a secret that is several texts, which are lines wherever they were not given one by one.
    pub(super) fn lines(self) -> Result<Vec<String>, CliError> {
        let lines: Vec<String> = match self.source {
            SecretSource::Given(texts) => texts.iter().map(|text| text.expose_secret().to_owned()).collect(),
            SecretSource::File(_) | SecretSource::Command(_) | SecretSource::Variable(_) => {
                let content = self.content()?;
                content.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
            }
        };
        if lines.is_empty() { Err(self.refuse("is empty")) } else { Ok(lines) }
    }

    /// Warns of a file with the secret that others on this machine may read.
    pub(super) fn warning(self) -> Option<String> {
        match self.source {
            SecretSource::File(path) if path.as_os_str() != "-" => {
                files::readable_by_others(path, &format!("a {}", self.what))
            }
            _ => None,
        }
    }

    /// Reads everything that is outside of the configuration.
    fn content(self) -> Result<String, CliError> {
        let bytes = match self.source {
            SecretSource::Given(_) => Vec::new(),
            SecretSource::File(path) => self.read_file(path)?,
            SecretSource::Command(words) => self.run(words)?,
            SecretSource::Variable(name) => return self.variable(name),
        };
        String::from_utf8(bytes).map_err(|_| self.refuse("is not UTF-8"))
    }

    fn variable(self, name: &str) -> Result<String, CliError> {
        match std::env::var(name) {
            Ok(text) if !text.trim().is_empty() => Ok(text),
            Ok(_) => Err(self.refuse(&format!("is missing: {name} is set but empty"))),
            Err(VarError::NotPresent) => Err(self.refuse(&format!("is missing: {name} is not set"))),
            Err(VarError::NotUnicode(_)) => Err(self.refuse(&format!("in {name} is not UTF-8"))),
        }
    }

    fn read_file(self, path: &Path) -> Result<Vec<u8>, CliError> {
        let mut bytes = Vec::new();
        let read = if path.as_os_str() == "-" {
            io::stdin().take(MAX_SECRET).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(MAX_SECRET).read_to_end(&mut bytes))
        };
        let failed =
            |source| CliError::File { origin: self.origin.to_string(), path: path.display().to_string(), source };
        read.map(|_| bytes).map_err(failed)
    }

    /// Runs a program, without a shell in between, and returns what it writes.
    ///
    /// It keeps standard input and standard error, where a password manager asks for its passphrase.
    fn run(self, words: &[String]) -> Result<Vec<u8>, CliError> {
        let failed = |source| CliError::Command { origin: self.origin.to_string(), what: self.what, source };
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| failed(io::Error::new(io::ErrorKind::InvalidInput, "it names no program")))?;
        let mut child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let outcome = finish(&mut child, self.limit);
        if outcome.is_err() {
            // It may have ended by itself; then there is nothing to end.
            let _ = child.kill();
            let _ = child.wait();
        }
        outcome.map_err(failed)
    }

    fn refuse(self, problem: &str) -> CliError {
        CliError::Secret { origin: self.origin.to_string(), what: self.what, problem: problem.to_owned() }
    }
}

/// Waits until a program has ended, and returns what it wrote.
fn finish(child: &mut Child, limit: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + limit;
    let too_late = || io::Error::new(io::ErrorKind::TimedOut, format!("it did not end within {limit:?}"));
    let (sender, written) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // Nothing waits for this thread: what the program has started in turn may keep the pipe open.
        thread::Builder::new().spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(MAX_SECRET).read_to_end(&mut bytes);
            let _ = sender.send(read.map(|_| bytes));
        })?;
    }
    let bytes = written.recv_timeout(limit).map_err(|_| too_late())??;
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(bytes),
            Some(status) => return Err(io::Error::other(format!("it ended with {status}"))),
            None if Instant::now() >= end => return Err(too_late()),
            None => thread::sleep(LOOK_EVERY),
        }
    }
}
