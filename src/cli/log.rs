//! The program's own log: to standard error with `-v`, to a file with `--log-file`.

use super::clock;
use super::error::CliError;
use crate::text::credential::hide;
use crate::text::sanitise::sanitise;
use crate::text::size::size;
use parking_lot::Mutex;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
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
    let to_stderr = level.map(for_people);
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
    FAILURE.lock().get_or_insert_with(|| (path.to_owned(), error));
}

/// Returns why the log's file lacks lines, if it does.
pub(super) fn failure() -> Option<CliError> {
    let (path, source) = FAILURE.lock().take()?;
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

/// Returns what goes to standard error: our own events, as sentences.
fn for_people<S>(level: Level) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Shown(io::stderr())).event_format(ForPeople);
    lines.with_filter(Targets::new().with_target("glwatch", level))
}

/// The form of a line for people: time of day in UTC, what it is about, what happened, and in brackets what belongs to it.
struct ForPeople;

impl<S, N> FormatEvent<S, N> for ForPeople
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: format::Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut said = LoggedFields::default();
        event.record(&mut said);
        let facts = if said.facts.is_empty() { String::new() } else { format!(" ({})", said.facts.join(", ")) };
        let line = format!("{}{}{facts}", said.request, said.message);
        writeln!(out, "{}Z {}", clock::now().format("%H:%M:%S"), sanitise(&line))
    }
}

/// What an event says, in the words of people.
#[derive(Default)]
struct LoggedFields {
    request: String,
    message: String,
    facts: Vec<String>,
}

impl LoggedFields {
    fn fact(&mut self, name: &str, value: &str) {
        match name {
            "message" => self.message = value.to_owned(),
            "request" => self.request = format!("{value}: "),
            // One attempt is what everybody expects; the others are for the log file.
            "attempts" if value == "1" => {}
            "fields" | "sent" | "at" => {}
            _ if value == "not told" => {}
            "requests" | "projects" => self.facts.push(format!("{value} {name}")),
            "bytes" => self.facts.push(value.parse().map_or_else(|_| value.to_owned(), size)),
            "took_ms" => self.facts.push(format!("{value} ms")),
            "why" | "problem" | "error" => self.facts.push(value.to_owned()),
            _ => self.facts.push(format!("{} {value}", name.replace('_', " "))),
        }
    }
}

impl Visit for LoggedFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fact(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fact(field.name(), &format!("{value:?}"));
    }
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
