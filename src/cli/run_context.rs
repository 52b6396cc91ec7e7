//! The context of a command: settings of all layers, the environment, and the simulated GitLab of a demo.

use super::args;
use super::error::CliError;
use super::files::{self, Files};
use super::{output, token};
use crate::config::variables::{is_read, unknown_variables};
use crate::config::{Config, ConfigError, Display, Origin, Settings};
use crate::gitlab::ProxyRules;
use crate::text::glyph::Charset;
use clap::ArgMatches;
use std::collections::HashMap;

pub(super) struct RunContext {
    pub settings: Settings,
    pub environment: HashMap<String, String>,
    pub files: Files,
    /// What the variables say about proxies; `None` in a demo.
    pub proxy: Option<ProxyRules>,
    /// Lives as long as the command.
    #[cfg(feature = "demo")]
    pub _sim: Option<glwatch_sim::Sim>,
}

impl RunContext {
    /// Gathers everything; in a demo starts the simulated GitLab.
    pub(super) fn new(matches: &ArgMatches) -> Result<Self, CliError> {
        Self::with_demo(matches, false)
    }

    /// The same for what looks back: a demo then shows a group that has a past.
    pub(super) fn looking_back(matches: &ArgMatches) -> Result<Self, CliError> {
        Self::with_demo(matches, true)
    }

    fn with_demo(
        matches: &ArgMatches,
        #[cfg_attr(
            not(feature = "demo"),
            expect(unused_variables, reason = "without a demo there is no group to choose")
        )]
        needs_past: bool,
    ) -> Result<Self, CliError> {
        let environment = environment()?;
        let flags = args::layer(matches);
        #[cfg(feature = "demo")]
        if matches.get_flag("demo") {
            return super::demo::start(flags, environment, needs_past);
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

    /// Returns the characters that the terminal can draw: only ASCII where its kind or the locale says so.
    pub(super) fn charset(&self, display: &Display) -> Charset {
        if display.ascii || display.plain || draws_ascii(|name| self.environment.get(name).map(String::as_str)) {
            Charset::Ascii
        } else {
            Charset::Unicode
        }
    }

    /// Says what is wrong with the files and the variables, and what a project's file decides: which only the user
    /// may silence.
    pub(super) fn warn(&self, config: &Config) {
        if self.settings.is_quiet() && !self.settings.is_from_project("quiet") {
            return;
        }
        let warnings = self.files.warnings.iter().cloned().chain(token::warnings(&config.connection));
        let lines: Vec<String> = warnings.map(|warning| format!("warning: {warning}")).collect();
        output::to_stderr(&lines);
    }
}

/// Says whether the environment names a terminal or a locale without Unicode; one that is not named counts as UTF-8.
fn draws_ascii<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> bool {
    // The console of Linux has neither our glyphs nor wide characters.
    let is_plain = matches!(variable("TERM"), Some("dumb" | "linux"));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let is_utf8 = |locale: &str| locale.to_lowercase().replace('-', "").contains("utf8");
    is_plain || locale.is_some_and(|locale| !is_utf8(locale))
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
                let hints = vec![format!("set {name} again, or unset it")];
                return Err(ConfigError { origin: Origin::Variable(name), value: None, problem, hints }.into());
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_drawn_where_the_terminal_or_the_locale_has_no_more() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);
        let cases: [Case<'_>; 12] = [
            ("nothing is said, as in a container", &[], false),
            ("a terminal with Unicode", &[("TERM", "xterm-256color"), ("LANG", "de_DE.UTF-8")], false),
            ("written otherwise", &[("LANG", "en_US.utf8")], false),
            ("C with UTF-8", &[("LC_ALL", "C.UTF-8")], false),
            ("plain C", &[("LC_ALL", "C")], true),
            ("POSIX", &[("LANG", "POSIX")], true),
            ("an old encoding", &[("LANG", "de_DE@euro")], true),
            ("LC_ALL counts before LANG", &[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], true),
            ("LC_CTYPE counts before LANG", &[("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")], false),
            ("an empty one does not count", &[("LC_ALL", ""), ("LANG", "en_US.UTF-8")], false),
            ("the console of Linux", &[("TERM", "linux"), ("LANG", "en_US.UTF-8")], true),
            ("a dumb terminal", &[("TERM", "dumb")], true),
        ];
        for (sentence, variables, expected) in cases {
            let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            assert_eq!(draws_ascii(variable), expected, "{sentence}");
        }
    }
}
