//! The command line: the only module that imports all others, prints errors and decides the exit code.

mod act;
mod args;
mod cache;
mod clock;
mod command;
mod completions;
mod config;
mod dashboard;
#[cfg(feature = "demo")]
mod demo;
mod dora;
mod error;
mod exit;
mod explain;
mod explain_hub;
mod explain_past;
mod export;
mod files;
mod format;
mod from_hub;
mod hint;
mod history;
mod hub_services;
mod job_choice;
mod log;
mod log_printer;
mod logs;
mod look;
mod man;
mod notify;
mod output;
mod progress;
mod project_past;
mod recording;
mod refs;
mod run_context;
mod secret;
mod serve;
mod session;
#[cfg(feature = "demo")]
mod sim;
mod stats;
mod status;
mod terminal;
mod token;
mod typed;
mod view_file;
mod wait;
mod waiting;
mod watch;
mod wire;

use self::exit::Exit;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line and returns its exit code.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    exit::end_at_panic();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if completions::answer(&arguments) {
        return Exit::Done.into();
    }
    let whole = command::command();
    let words = match typed::arrange(arguments, &whole) {
        Ok(typed::Typed::Read(words)) => words,
        Ok(typed::Typed::ShortHelp) => return output::help(command::short_help()),
        Err(error) => return error::report(&error).into(),
    };
    let matches = match whole.clone().try_get_matches_from(&words) {
        Ok(matches) => matches,
        Err(refusal) => {
            return match typed::explained(&refusal, &words, &whole) {
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
        Some(("stats", matches)) => stats::run(matches),
        Some(("dora", matches)) => dora::run(matches),
        Some(("serve", matches)) => serve::run(matches),
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
