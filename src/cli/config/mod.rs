//! `glwatch config`: writes a settings file, lists the settings, and tries them out.

mod check;
mod checklist;
mod init;
mod show;

use super::args;
use super::error::CliError;
use super::exit::Exit;
use clap::{ArgMatches, Command};

/// The example, which is also what `config init` writes.
pub(super) const EXAMPLE: &str = include_str!("../../../config.example.toml");

pub(super) fn command() -> Command {
    Command::new("config")
        .about("Writes, shows and checks the configuration")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(init::command())
        .subcommand(show::command().args(args::briefly(args::setting_args())))
        .subcommand(check::command().args(args::briefly(args::setting_args())))
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    match matches.subcommand() {
        Some(("init", matches)) => init::run(matches),
        Some(("check", matches)) => check::run(matches),
        Some(("show", matches)) => show::run(matches),
        _ => unreachable!("clap requires one of its subcommands"),
    }
}
