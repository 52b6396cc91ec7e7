//! `glwatch config show`: lists every setting with its value and where it came from.

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::output;
use crate::cli::run_context::RunContext;
use crate::config::keys::{Form, KEYS, Key};
use crate::config::{Config, Origin};
use crate::render::columns;
use clap::{ArgMatches, Command};

pub(super) fn command() -> Command {
    Command::new("show").about("Prints every setting, its value and where it came from")
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let run_context = RunContext::new(matches)?;
    let config = Config::resolve(&run_context.settings)?;
    run_context.warn(&config);
    let heading = ["setting", "value", "from"].map(str::to_owned);
    let rows = KEYS.iter().map(|key| row(key, &config, &run_context));
    let records: Vec<[String; 3]> = std::iter::once(heading).chain(rows).collect();
    let mut bytes = Vec::new();
    columns::write(&records, &mut bytes).map_err(CliError::Output)?;
    output::to_stdout(&bytes)?;
    Ok(Exit::Done)
}

fn row(key: &Key, config: &Config, run_context: &RunContext) -> [String; 3] {
    let host = &config.connection.host;
    let set = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let secret = key.secret().map(|name| config.secret(name));
    let (value, origin) = match (key.name, secret) {
        (name, Some(secret)) => {
            let unset = if name == "token" { "not set" } else { "-" };
            let shown = secret.and_then(|(source, origin)| Some((source.shown(key.form)?, origin.to_string())));
            let is_set_otherwise = name == "token" && secret.is_some();
            let otherwise = secret.filter(|_| is_set_otherwise).map(|(_, origin)| ("set".into(), origin.to_string()));
            shown.or(otherwise).unwrap_or_else(|| (unset.into(), Origin::Default.to_string()))
        }
        ("config", _) => {
            let read: Vec<String> = run_context.files.read.iter().map(|path| path.display().to_string()).collect();
            let origin = run_context.settings.shown("config").map_or(Origin::Default, |(_, origin)| origin.clone());
            (set(read.join(", ")), origin.to_string())
        }
        (name, _) => match run_context.settings.shown_for(name, host) {
            Some((value, origin)) => (brief(key, value), origin.to_string()),
            None => (set(key.default.to_owned()), Origin::Default.to_string()),
        },
    };
    [key.in_snake_case(), value, origin]
}

/// Returns what may be shown of a value: an argument of a program may be secret.
fn brief(key: &Key, value: String) -> String {
    match key.form {
        Form::Command => value.split([' ', ',']).next().unwrap_or_default().to_owned(),
        Form::Sections => {
            let mut names: Vec<&str> = value.split(", ").filter_map(|part| Some(part.split_once('.')?.0)).collect();
            names.dedup();
            names.join(", ")
        }
        _ => value,
    }
}
