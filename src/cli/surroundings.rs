//! What a command finds around it: settings from every layer, the environment, and in a demo the simulated GitLab.

use super::args;
use super::error::CliError;
use super::files::{self, Files};
use super::output;
use crate::config::layer::{is_read, unknown_variables};
use crate::config::{ConfigError, Origin, Settings};
use crate::gitlab::ProxyRules;
use clap::ArgMatches;
use std::collections::HashMap;

pub(super) struct Surroundings {
    pub settings: Settings,
    pub environment: HashMap<String, String>,
    pub files: Files,
    /// What the variables say about proxies; `None` in a demo.
    pub proxy: Option<ProxyRules>,
    /// Lives as long as the command.
    #[cfg(feature = "demo")]
    pub _sim: Option<crate::sim::Sim>,
}

impl Surroundings {
    /// Gathers everything; in a demo starts the simulated GitLab.
    pub(super) fn new(matches: &ArgMatches) -> Result<Self, CliError> {
        let environment = environment()?;
        let flags = args::layer(matches);
        #[cfg(feature = "demo")]
        if matches.get_flag("demo") {
            return super::demo::start(flags, environment);
        }
        let mut settings = Settings::new(flags, &environment);
        let mut files = files::add(&mut settings, &environment, false)?;
        files.warnings.extend(unknown_variables(environment.keys().map(String::as_str)));
        let proxy = Some(ProxyRules::read(|name| environment.get(name).map(String::as_str)));
        Ok(Self {
            settings,
            environment,
            files,
            proxy,
            #[cfg(feature = "demo")]
            _sim: None,
        })
    }

    /// Says what is wrong with the files and the variables, and what a project's file decides: that only whoever runs
    /// glwatch may silence.
    pub(super) fn warn(&self) {
        if self.settings.is_quiet() && !self.settings.is_from_project("quiet") {
            return;
        }
        let lines: Vec<String> = self.files.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
        output::to_stderr(&lines);
    }
}

/// Returns the variables; one that decides anything and is no text is refused, as to drop it would decide otherwise.
pub(super) fn environment() -> Result<HashMap<String, String>, CliError> {
    let mut environment = HashMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => drop(environment.insert(name, value)),
            Err(_) if is_read(&name) => {
                let problem = "is not UTF-8".to_owned();
                let hints = vec![format!("set {name} anew, or unset it")];
                return Err(ConfigError { origin: Origin::Variable(name), value: None, problem, hints }.into());
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}
