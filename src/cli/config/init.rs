//! `glwatch config init`: writes the commented example as the user's configuration file.

use super::EXAMPLE;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::run_context::environment;
use crate::cli::{args, files, output};
use crate::config::{ConfigError, Layer, Origin, Settings};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Only for the user: it may hold a token later.
const MODE: u32 = 0o600;

pub(super) fn command() -> Command {
    Command::new("init").about("Writes a commented configuration file with every setting").args([
        Arg::new("force").long("force").action(ArgAction::SetTrue).help("Overwrite the file that is there"),
        args::config_arg(),
    ])
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let environment = environment()?;
    let mut flags = Layer::default();
    let given = matches.get_many::<String>("config").into_iter().flatten().cloned().collect();
    flags.set("config", given, Origin::Flag("config".into()));
    let (path, origin) = files::user_path(&Settings::new(flags, &environment), &environment);
    let path = path.ok_or_else(|| refusal("there is no home to write to", "name the file: --config FILE".into()))?;
    match write(&path, matches.get_flag("force")) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let problem = format!("{} is there already", path.display());
            return Err(refusal(&problem, "--force overwrites it".into()));
        }
        Err(source) => {
            let origin = origin.unwrap_or_else(|| "config init".into());
            return Err(CliError::Unwritable { origin, path: path.display().to_string(), source });
        }
    }
    output::to_stdout(format!("{}\n", path.display()).as_bytes())?;
    output::to_stderr(&["written; every line in it is a comment until you take its # away".into()]);
    Ok(Exit::Done)
}

fn write(path: &Path, force: bool) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        // A file in the place of a folder would answer as if ours were there already.
        fs::create_dir_all(folder).map_err(io::Error::other)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).mode(MODE);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(path)?;
    // The mode counts for a new file only.
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(EXAMPLE.as_bytes())
}

fn refusal(problem: &str, hint: String) -> CliError {
    CliError::Config(ConfigError {
        origin: Origin::Flag("config".into()),
        value: None,
        problem: problem.to_owned(),
        hints: vec![hint],
    })
}
