//! `glwatch config show`: every setting, its value, and where it came from.

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::run_context::RunContext;
use crate::config::keys::{KEYS, Key};
use crate::config::{Config, Origin, TokenSource};
use crate::render::columns;
use clap::{ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("show").about("Prints every setting, its value and where it came from")
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let surroundings = RunContext::new(matches)?;
    let config = Config::resolve(&surroundings.settings)?;
    surroundings.warn();
    let heading = ["setting", "value", "from"].map(str::to_owned);
    let rows = KEYS.iter().map(|key| row(key, &config, &surroundings));
    let records: Vec<[String; 3]> = std::iter::once(heading).chain(rows).collect();
    let mut bytes = Vec::new();
    columns::write(&records, &mut bytes).map_err(CliError::Output)?;
    output::to_stdout(&bytes)?;
    Ok(Exit::Done)
}

fn row(key: &Key, config: &Config, surroundings: &RunContext) -> [String; 3] {
    let (token, host) = (config.connection.token.as_ref(), &config.connection.host);
    let set = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let (value, origin) = match (key.name, token) {
        ("token", Some((_, origin))) => ("set".to_owned(), origin.to_string()),
        ("token", None) => ("not set".to_owned(), Origin::Default.to_string()),
        ("token-file", Some((TokenSource::File(path), origin))) => (path.display().to_string(), origin.to_string()),
        // Only the program: an argument of it may be secret.
        ("token-command", Some((TokenSource::Command(words), origin))) => {
            (words.first().cloned().unwrap_or_default(), origin.to_string())
        }
        // Never a value of theirs.
        ("header", _) => match &config.connection.headers {
            Some((_, origin)) => ("set".to_owned(), origin.to_string()),
            None => (set(String::new()), Origin::Default.to_string()),
        },
        ("token-file" | "token-command", _) => (set(String::new()), Origin::Default.to_string()),
        ("config", _) => {
            let read: Vec<String> = surroundings.files.read.iter().map(|path| path.display().to_string()).collect();
            let origin = surroundings.settings.shown("config").map_or(Origin::Default, |(_, origin)| origin.clone());
            (set(read.join(", ")), origin.to_string())
        }
        (name, _) => match surroundings.settings.shown_for(name, host) {
            Some((value, origin)) => (value, origin.to_string()),
            None => (set(key.default.to_owned()), Origin::Default.to_string()),
        },
    };
    [key.in_snake_case(), value, origin]
}
