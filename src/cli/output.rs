//! Writes to standard output and standard error. No other module does.

use super::error::CliError;
use super::exit::Exit;
use crate::text::credential::hide;
use crate::text::sanitise::sanitise;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// What is written at once of what is made meanwhile: as much as a pipe holds.
const PIECE: usize = 1 << 16;

/// Writes what a command has to say. A reader that has gone away is not an error: it had enough.
pub(super) fn to_stdout(bytes: &[u8]) -> Result<(), CliError> {
    to_reader(bytes).map(|_| ())
}

/// Writes to standard output what a stream has to say; `false` when its reader has gone away.
pub(super) fn to_reader(bytes: &[u8]) -> Result<bool, CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(CliError::Output(error)),
    }
}

/// Waits until the reader of standard output has gone away; for ever where that cannot be known.
pub(super) async fn reader_gone() {
    let duplicate = io::stdout().as_fd().try_clone_to_owned();
    // Whatever it is, it is only listened to. A file has no reader, and cannot be listened to.
    if let Ok(stdout) = duplicate.and_then(Sender::from_owned_fd_unchecked)
        && stdout.ready(Interest::ERROR).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// The same beside everything else that goes on: a signal is heard while the reader takes its time.
pub(super) async fn to_slow_reader(bytes: Vec<u8>) -> Result<bool, CliError> {
    let writing = tokio::task::spawn_blocking(move || to_reader(&bytes));
    writing.await.unwrap_or_else(|gone| Err(CliError::Output(io::Error::other(gone))))
}

/// Writes to standard output while it is made, which is never in memory as a whole. A reader that has gone away is not an
/// error; a signal is heard meanwhile.
pub(super) async fn stream_to_slow_reader(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Result<(), CliError> {
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(PIECE, io::stdout().lock());
        write(&mut out).and_then(|()| out.flush())
    });
    match writing.await.unwrap_or_else(|gone| Err(io::Error::other(gone))) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes lines for people. Whatever is foreign in them is made harmless; that standard error is closed is no error.
pub(super) fn to_stderr(lines: &[String]) {
    let mut text = String::new();
    for line in lines {
        text.push_str(&sanitise(&hide(line)));
        text.push('\n');
    }
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints what clap has to say: help and version are answers, the rest is a usage error.
pub(super) fn clap_answer(refusal: &clap::Error) -> ExitCode {
    let _ = refusal.print();
    if refusal.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
}

/// Prints a command's help.
pub(super) fn help(mut command: clap::Command) -> ExitCode {
    match to_stdout(command.render_help().to_string().as_bytes()) {
        Ok(()) => Exit::Done.into(),
        Err(error) => super::error::report(&error).into(),
    }
}

/// Returns the width of the terminal that standard output is; `None` when it is none.
pub(super) fn stdout_width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    // A terminal that does not tell its size, or tells 0, is taken for the classic one.
    let told = crossterm::terminal::size().map_or(0, |(columns, _)| columns);
    Some(if told == 0 { 80 } else { told })
}

pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
