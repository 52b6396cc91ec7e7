//! `glwatch man`: prints the manual page.

use super::error::CliError;
use super::exit::Exit;
use super::{command, output};
use clap::Command;

pub(super) fn command() -> Command {
    Command::new("man").about("Prints the manual page: glwatch man | man -l -")
}

pub(super) fn run() -> Result<Exit, CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command::command()).render(&mut page).map_err(CliError::Output)?;
    output::to_stdout(&page)?;
    Ok(Exit::Done)
}
