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
mod explain_past;
mod export;
mod files;
mod format;
mod hint;
mod history;
mod job_choice;
mod log;
mod log_printer;
mod logs;
mod man;
mod output;
mod progress;
mod recording;
mod refs;
mod session;
#[cfg(feature = "demo")]
mod sim;
mod status;
mod surroundings;
mod token;
mod typed;
mod wait;
mod waiting;
mod watch;
mod wire;

use self::error::CliError;
use self::exit::Exit;
use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

/// Starts what runs everything else. Tokio panics where it cannot open what it needs for signals, so that is tried before:
/// two files for those, up to four for the rest.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let spare = (UnixStream::pair(), UnixStream::pair(), UnixStream::pair());
    for pair in <[_; 3]>::from(spare) {
        pair.map_err(CliError::Start)?;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Start)
}

/// Runs the command line and returns its exit code.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if completions::answer(&arguments) {
        return Exit::Done.into();
    }
    let command = args::command();
    let words = match typed::arrange(arguments, &command) {
        Ok(typed::Typed::Read(words)) => words,
        Ok(typed::Typed::ShortHelp) => return output::help(args::short_help()),
        Err(error) => return error::report(&error).into(),
    };
    let matches = match command.clone().try_get_matches_from(&words) {
        Ok(matches) => matches,
        Err(refusal) => {
            return match typed::explained(&refusal, &words, &command) {
                Some(error) => error::report(&error).into(),
                None => output::clap_answer(&refusal),
            };
        }
    };
    let outcome = match matches.subcommand() {
        None => status::run(&matches),
        Some(("explain", matches)) => explain::run(matches),
        Some(("logs", matches)) => logs::run(matches),
        Some((name @ ("retry" | "cancel" | "play"), matches)) => act::run(name, matches),
        Some(("history", matches)) => history::run(matches),
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
