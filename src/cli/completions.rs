//! `glwatch completions SHELL`.

use super::error::CliError;
use super::exit::Exit;
use super::{args, output};
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

pub(super) fn command() -> Command {
    Command::new("completions").about("Prints completions for a shell").arg(
        Arg::new("shell")
            .required(true)
            .value_name("SHELL")
            .value_parser(value_parser!(Shell))
            .help("Shell to complete in"),
    )
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let shell = matches.get_one::<Shell>("shell").copied().expect("clap requires the shell");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "glwatch", &mut script);
    output::to_stdout(&script)?;
    Ok(Exit::Done)
}
