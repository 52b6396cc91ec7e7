//! `glwatch completions SHELL`: prints a script that asks glwatch for completions, so it completes project paths, too.

use super::error::CliError;
use super::exit::Exit;
use super::run_context::environment;
use super::{command, files, output};
use crate::collect::cache::project_paths;
use crate::config::Output;
use crate::domain::project::StateWord;
use crate::domain::status::Status;
use crate::report::cell::Column;
use crate::report::csv_records::CsvField;
use clap::{Arg, ArgMatches, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use std::ffi::{OsStr, OsString};
use std::io;

/// Set by the script, never by a person; it names the shell.
const VARIABLE: &str = "_GLWATCH_COMPLETE";

pub(super) fn command() -> Command {
    Command::new("completions")
        .about("Prints completions for a shell")
        .after_help(
            "Completes options, their words, and the project paths that the last runs have read:\n  \
             bash:  source <(glwatch completions bash)      in ~/.bashrc\n  \
             zsh:   source <(glwatch completions zsh)       in ~/.zshrc, behind compinit\n  \
             fish:  glwatch completions fish | source       in ~/.config/fish/config.fish",
        )
        .arg(
            Arg::new("shell")
                .required(true)
                .value_name("SHELL")
                .value_parser(clap::value_parser!(Shell))
                .help("Shell to complete in"),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let shell = matches.get_one::<Shell>("shell").map(ToString::to_string).unwrap_or_default();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell).ok_or_else(|| CliError::Output(io::ErrorKind::Unsupported.into()))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "glwatch", "glwatch", "glwatch", &mut script).map_err(CliError::Output)?;
    output::to_stdout(&script)?;
    Ok(Exit::Done)
}

/// Answers a shell that asks; `true` when one did.
pub(super) fn answer(arguments: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(command_with_values).var(VARIABLE);
    // What a shell cannot use it leaves out: there is no place to print an error.
    std::env::var_os(VARIABLE).is_some() && asked.try_complete(arguments, here.as_deref()).unwrap_or(true)
}

/// Returns the command line with what each value can be.
fn command_with_values() -> Command {
    with_values(command::command())
}

fn with_values(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_id().as_str() {
        "only" => arg.add(list_of(statuses(true))),
        "fail-on" => arg.add(list_of(statuses(false))),
        "columns" => arg.add(list_of(columns())),
        "export" => arg.add(ArgValueCompleter::new(export)),
        "ref" => {
            arg.add(ArgValueCompleter::new(|typed: &OsStr| starting_with(typed, &["any", "default", "tags", "mr"])))
        }
        "target" => arg.add(ArgValueCompleter::new(projects)),
        _ => arg,
    });
    command.mut_subcommands(with_values)
}

fn statuses(with_ok: bool) -> Vec<&'static str> {
    let states = StateWord::ALL.into_iter().filter(|state| with_ok || *state != StateWord::Ok).map(StateWord::word);
    Status::KNOWN.iter().map(Status::word).chain(states).collect()
}

fn columns() -> Vec<&'static str> {
    let mut words: Vec<&str> = Column::ALL.into_iter().map(Column::title).collect();
    words.extend(
        CsvField::ALL.into_iter().map(CsvField::name).filter(|name| !Column::ALL.iter().any(|c| c.title() == *name)),
    );
    words
}

/// Completes the last word of a list that is separated by commas.
fn list_of(words: Vec<&'static str>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        let typed = typed.to_string_lossy();
        let (before, last) = typed.rfind(',').map_or(("", &*typed), |at| typed.split_at(at + 1));
        let chosen: Vec<&str> = before.split(',').collect();
        let fitting = words.iter().filter(|word| word.starts_with(last) && !chosen.contains(word));
        fitting.map(|word| CompletionCandidate::new(format!("{before}{word}"))).collect::<Vec<_>>()
    })
}

fn starting_with(typed: &OsStr, words: &[&str]) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    words.iter().filter(|word| word.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

fn export(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let formats = Output::ALL.iter().map(|(word, _)| format!("{word}="));
    formats.filter(|format| format.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

/// Completes a project: by its full path, or by its end where that is how it was begun.
fn projects(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let known = environment()
        .ok()
        .and_then(|environment| files::cache_directory(&environment))
        .map(|directory| project_paths(&directory))
        .unwrap_or_default();
    let of_full = known.iter().filter(|path| path.starts_with(&*typed)).cloned();
    let ends = known.iter().flat_map(|path| path.match_indices('/').map(|(at, _)| path[at + 1..].to_owned()));
    let of_end = ends.filter(|end| !typed.is_empty() && end.starts_with(&*typed));
    let mut fitting: Vec<String> = of_full.chain(of_end).collect();
    fitting.sort_unstable();
    fitting.dedup();
    fitting.into_iter().map(CompletionCandidate::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_with_values_is_sound() {
        command_with_values().debug_assert();
    }
}
