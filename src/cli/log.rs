//! Where the program says what it does: standard error with `-v`, a file with `--log-file`.

use super::error::CliError;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
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
    let to_stderr = level.map(|level| lines(level, || Box::new(io::stderr()) as Writer));
    let to_file = file.map(open).transpose()?.map(|log| {
        lines(Level::DEBUG, move || {
            log.try_clone().map_or_else(|_| Box::new(io::sink()) as Writer, |log| Box::new(log))
        })
    });
    if to_stderr.is_some() || to_file.is_some() {
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(to_stderr).with(to_file));
    }
    Ok(())
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
