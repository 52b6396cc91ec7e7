//! Where the program says what it does: standard error with `-v`, a file with `--log-file`.

use super::error::CliError;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::layer::SubscriberExt;

/// Starts logging for the whole process; does nothing when nobody asked for it.
pub(super) fn start(verbosity: u8, file: Option<&Path>) -> Result<(), CliError> {
    let level = if file.is_some() || verbosity > 1 { Level::DEBUG } else { Level::INFO };
    if let Some(path) = file {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| CliError::LogFile { path: path.display().to_string(), source })?;
        install(level, move || {
            log.try_clone().map_or_else(|_| Box::new(io::sink()) as Box<dyn io::Write>, |log| Box::new(log))
        });
    } else if verbosity > 0 {
        install(level, || Box::new(io::stderr()));
    }
    Ok(())
}

fn install(level: Level, writer: impl Fn() -> Box<dyn io::Write> + Send + Sync + 'static) {
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_timer(ChronoUtc::rfc_3339()).with_writer(writer);
    // Other crates log what they like, headers included; only our own events go out.
    let own = Targets::new().with_target("glwatch", level);
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines.with_filter(own)));
}
