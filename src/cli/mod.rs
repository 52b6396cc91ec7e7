//! The front door: the only module that knows all others, prints errors and decides the exit code.

mod act;
mod args;
mod cache;
mod clock;
mod completions;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod error;
mod exit;
mod explain;
mod export;
mod files;
mod format;
mod hint;
mod job_choice;
mod log;
mod log_printer;
mod logs;
mod man;
mod output;
mod progress;
mod refs;
mod session;
#[cfg(feature = "demo")]
mod sim;
mod status;
mod surroundings;
mod token;
mod wait;
mod waiting;
mod watch;
mod wire;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line and returns its exit code.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match args::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(refusal) => return output::clap_answer(&refusal),
    };
    let outcome = match matches.subcommand() {
        None => status::run(&matches),
        Some(("explain", matches)) => explain::run(matches),
        Some(("logs", matches)) => logs::run(matches),
        Some((name @ ("retry" | "cancel" | "play"), matches)) => act::run(name, matches),
        Some(("config", matches)) => config::run(matches),
        Some(("completions", matches)) => completions::run(matches),
        Some(("man", _)) => man::run(),
        #[cfg(feature = "demo")]
        Some(("sim", matches)) => sim::run(matches),
        Some((name, _)) => unreachable!("clap knows no subcommand {name}"),
    };
    let exit = outcome.unwrap_or_else(|error| error::report(&error));
    log::failure().map_or(exit, |failure| exit.worse(error::report(&failure))).into()
}
