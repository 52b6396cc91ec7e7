//! What a command finds around it: settings from every layer, the environment, and in a demo the simulated GitLab.

use super::args;
use super::error::CliError;
use super::files::{self, Files};
use super::output;
use crate::config::Settings;
use crate::gitlab::ProxyRules;
use clap::ArgMatches;
use std::collections::HashMap;
use std::ffi::OsString;

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
        let environment = environment();
        let flags = args::layer(matches);
        #[cfg(feature = "demo")]
        if matches.get_flag("demo") {
            return super::demo::start(flags, environment);
        }
        let mut settings = Settings::new(flags, &environment);
        let files = files::add(&mut settings, &environment, false)?;
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

    /// Says what is wrong with the files.
    pub(super) fn warn(&self) {
        let lines: Vec<String> = self.files.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
        output::to_stderr(&lines);
    }
}

/// Returns the variables that are text.
pub(super) fn environment() -> HashMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}
