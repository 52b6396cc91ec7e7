//! Where the program says what it does: standard error with `-v`, a file with `--log-file`.

use super::error::CliError;
use crate::text::credential::hide;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

type Writer = Box<dyn io::Write>;

/// Starts logging for the whole process: to standard error as loudly as asked for, to the file every request.
pub(super) fn start(verbosity: u8, file: Option<&Path>) -> Result<(), CliError> {
    let level = match verbosity {
        0 => None,
        1 => Some(Level::INFO),
        _ => Some(Level::DEBUG),
    };
    let to_stderr = level.map(|level| lines(level, || Box::new(Shown(io::stderr())) as Writer));
    let to_file = file.map(|path| open(path).map(|log| (log, path.to_owned()))).transpose()?.map(|(log, path)| {
        lines(Level::DEBUG, move || match log.try_clone() {
            Ok(log) => Box::new(Shown(LogFile { log, path: path.clone() })) as Writer,
            Err(error) => {
                note(&path, error);
                Box::new(io::sink())
            }
        })
    });
    if to_stderr.is_some() || to_file.is_some() {
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(to_stderr).with(to_file));
    }
    Ok(())
}

/// The first failure to write the log's file: told once, in the end, when nothing else is on the screen.
static FAILURE: Mutex<Option<(PathBuf, io::Error)>> = Mutex::new(None);

fn note(path: &Path, error: io::Error) {
    FAILURE.lock().expect("no holder of the failure panics").get_or_insert_with(|| (path.to_owned(), error));
}

/// Returns why the log's file lacks lines, if it does.
pub(super) fn failure() -> Option<CliError> {
    let (path, source) = FAILURE.lock().expect("no holder of the failure panics").take()?;
    Some(CliError::LogCut { path: path.display().to_string(), source })
}

/// The log's file, which never stops what is logged.
struct LogFile {
    log: File,
    path: PathBuf,
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.log.write_all(bytes) {
            note(&self.path, error);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes whole lines without the passwords in their addresses.
struct Shown<W>(W);

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(hide(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn open(path: &Path) -> Result<File, CliError> {
    let log = OpenOptions::new().create(true).append(true).open(path);
    log.map_err(|source| CliError::LogFile { path: path.display().to_string(), source })
}

fn lines<S>(level: Level, writer: impl Fn() -> Writer + Send + Sync + 'static) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    // Other crates log what they like, headers included; only our own events go out.
    let own = Targets::new().with_target("glwatch", level);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_timer(ChronoUtc::rfc_3339()).with_writer(writer);
    lines.with_filter(own)
}
