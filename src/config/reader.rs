//! Parses the text of `config.toml` or `./glwatch.toml` into layers of settings.
//!
//! Reads no file: the caller passes its content and its path.

use super::error::{ConfigError, may_hold_secret};
use super::file::{File, HostSection, Section};
use super::keys::{Form, InProject, KEYS, Key};
use super::layer::{Layer, Setting};
use super::nearest::nearest;
use super::origin::{Origin, Owner, SettingPlace};
use super::secret::SecretSource;
use crate::domain::host::Host;
use crate::text::duration::{duration, parse_duration};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What a project's file may shorten only so far: the user has not decided how much the server is asked.
const INTERVALS: [&str; 2] = ["interval", "list-interval"];
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// Which part of a file a key is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Top,
    Profile,
    Host,
}

impl File {
    /// Reads a file's text; relative paths in it start in its own folder, `~` is `home`.
    pub(crate) fn parse(text: &str, path: &Path, owner: Owner, home: Option<&Path>) -> Result<Self, ConfigError> {
        Reader { text, path, owner, home }.file()
    }
}

/// Reads one file.
struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
    owner: Owner,
    home: Option<&'a Path>,
}

type Entry<'a> = (&'a str, usize, &'a Spanned<DeValue<'a>>);

/// A key with its value as they are in the file.
struct WrittenKey<'a> {
    /// The section that it is in; empty at the top of a file, a profile or a host.
    section: &'static str,
    written: &'a str,
    /// With everything that it is below.
    full: String,
    line: usize,
    value: &'a Spanned<DeValue<'a>>,
}

impl Reader<'_> {
    fn file(&self) -> Result<File, ConfigError> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line(span.start));
            // Only the message: the error itself would quote the line, which may hold a token. So may a key.
            let said = error.message();
            let said = if may_hold_secret(said) { "it cannot be read" } else { said };
            self.refuse(line, "", format!("is not TOML: {said}"))
        })?;
        let mut file = File { owner: self.owner, ..File::empty(self.path) };
        let (sections, settings): (Vec<Entry<'_>>, Vec<Entry<'_>>) = self
            .entries(document.get_ref())
            .into_iter()
            .partition(|(key, ..)| self.owner == Owner::User && matches!(*key, "profiles" | "hosts"));
        file.top = self.section(&settings, "", Part::Top)?;
        file.warnings = self.raise(&mut file.top.layer);
        for (key, line, value) in sections {
            for (name, line, value) in self.entries(self.table(key, line, value)?) {
                let full = format!("{key}.{}", quoted(name));
                let entries = self.entries(self.table(&full, line, value)?);
                if key == "profiles" {
                    file.profiles.insert(name.to_owned(), self.section(&entries, &full, Part::Profile)?);
                } else {
                    let host = Host::parse(name).map_err(|error| self.refuse(line, &full, error.to_string()))?;
                    let section = self.section(&entries, &full, Part::Host)?;
                    file.hosts.push(HostSection { host, section });
                }
            }
        }
        let of_hosts = file.hosts.iter().map(|of_host| &of_host.section);
        let secrets = file.profiles.values().chain([&file.top]).chain(of_hosts).filter_map(Section::secret);
        file.secret = secrets.max();
        Ok(file)
    }

    /// Returns the entries of a table, in the order of the lines.
    fn entries<'t>(&self, table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
        let mut entries: Vec<_> =
            table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span().start, value)).collect();
        entries.sort_by_key(|(_, start, _)| *start);
        entries.into_iter().map(|(key, start, value)| (key, self.line(start), value)).collect()
    }

    fn table<'t>(
        &self,
        key: &str,
        line: usize,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Result<&'t DeTable<'t>, ConfigError> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            other if may_hold_secret(key) => Err(self.refuse(line, key, format!("is {}, and no section", form(other)))),
            other => Err(self.refuse(line, key, format!("is {}; permitted is a section [{key}]", form(other)))),
        }
    }

    /// Returns the keys of one place of a file, those of its sections among them.
    fn written_keys<'t>(&self, entries: &[Entry<'t>], name: &str) -> Result<Vec<WrittenKey<'t>>, ConfigError> {
        let mut keys = Vec::new();
        for (written, line, value) in entries.iter().copied() {
            let full = if name.is_empty() { written.to_owned() } else { format!("{name}.{written}") };
            let Some(key) = KEYS.iter().find(|key| !written.is_empty() && key.section() == written) else {
                keys.push(WrittenKey { section: "", written, full, line, value });
                continue;
            };
            for (written, line, value) in self.entries(self.table(&full, line, value)?) {
                let full = format!("{full}.{}", quoted(written));
                keys.push(WrittenKey { section: key.section(), written, full, line, value });
            }
        }
        Ok(keys)
    }

    fn section(&self, entries: &[Entry<'_>], name: &str, part: Part) -> Result<Section, ConfigError> {
        let mut section = Section::default();
        let mut seen = BTreeSet::new();
        for WrittenKey { section: of, written, full, line, value } in self.written_keys(entries, name)? {
            let key = self.key(of, written, part).map_err(|(problem, hints)| {
                let mut error = self.refuse(line, &full, problem);
                error.hints = hints;
                error
            })?;
            if !seen.insert(key.name) {
                return Err(self.refuse(line, &full, "is set twice, with - and with _".into()));
            }
            let values = self.values(key, value.get_ref()).map_err(|problem| self.refuse(line, &full, problem))?;
            let origin = self.origin(line, &full);
            if self.owner == Owner::Project && key.in_project == InProject::OnlyTrue && values != ["true"] {
                let mut error = self.refuse(line, &full, "may only be true in a project's file".into());
                error.hints = vec!["only the user lifts a restriction: in their own file, or by a variable".into()];
                return Err(error);
            }
            match key.secret() {
                None => section.layer.set(key.name, values, origin),
                Some(_) if values.is_empty() => {}
                Some(secret) => {
                    if let Some((_, other)) = section.secrets.get(secret) {
                        let problem = format!("is a second source of the {secret} beside {other}; give one");
                        return Err(ConfigError { origin, value: None, problem, hints: Vec::new() });
                    }
                    let source = SecretSource::new(key, &Setting { values, origin: origin.clone() });
                    section.secrets.insert(secret, (source, origin));
                }
            }
        }
        Ok(section)
    }

    /// Raises what a project's file sets below the least that it may.
    fn raise(&self, layer: &mut Layer) -> Vec<String> {
        let mut warnings = Vec::new();
        for key in INTERVALS.iter().filter(|_| self.owner == Owner::Project) {
            let Some(setting) = layer.get(key).cloned() else { continue };
            if parse_duration(setting.text()).is_ok_and(|interval| interval < LEAST_INTERVAL) {
                let least = duration(LEAST_INTERVAL);
                warnings.push(format!(
                    "{}: \"{}\" is raised to {least}, the least that a project's file may set",
                    setting.origin,
                    setting.text().escape_debug()
                ));
                layer.set(key, vec![least], setting.origin);
            }
        }
        warnings
    }

    /// Finds the setting that a key names; the error is the problem with its hints.
    fn key(&self, section: &str, written: &str, part: Part) -> Result<&'static Key, (String, Vec<String>)> {
        let fits = |key: &Key| {
            key.is_in_file()
                && match part {
                    Part::Top => true,
                    Part::Profile => key.name != "profile",
                    Part::Host => key.secret().is_some() || key.is_of_host(),
                }
        };
        let name = match (section, written.replace('_', "-")) {
            // They are several, and may be called so.
            ("", name) if name == "headers" => "header".to_owned(),
            ("", name) => name,
            (section, name) => format!("{section}.{name}"),
        };
        let found = KEYS.iter().find(|key| key.name == name);
        if self.owner == Owner::Project
            && let Some(reason) = forbidden(written, found)
        {
            let problem = format!("not allowed in ./glwatch.toml, which comes with the repository: {reason}");
            return Err((
                problem,
                vec!["put it into your own file, ~/.config/glwatch/config.toml, or give it as a flag".into()],
            ));
        }
        match found {
            Some(key) if fits(key) => Ok(key),
            Some(key) if !key.is_in_file() => Err((
                format!("not allowed in a file: give it as --{} or {}", key.name, super::variable(key.name)),
                vec![],
            )),
            Some(_) if part == Part::Host => {
                Err(("not allowed in the section of a host, which holds its token and headers only".into(), vec![]))
            }
            Some(_) => Err(("not allowed in a profile".into(), vec![])),
            None if written.contains("proxy") => {
                Err(("is no setting: proxies come from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY".into(), vec![]))
            }
            None => {
                let is_known = |key: &&Key| {
                    fits(key) && (self.owner == Owner::User || !matches!(key.in_project, InProject::Refused(_)))
                };
                let known = KEYS.iter().filter(is_known);
                let here = known.clone().filter(|key| key.section() == section).map(Key::in_its_section);
                let sections: &[&str] =
                    if part == Part::Top && self.owner == Owner::User { &["profiles", "hosts"] } else { &[] };
                let below = known.clone().map(Key::section).chain(sections.iter().copied());
                let below = below.filter(|below| section.is_empty() && !below.is_empty()).map(str::to_owned);
                let elsewhere = known.filter(|key| key.in_its_section() == written).map(Key::in_snake_case).next();
                let meant = nearest(written, here.chain(below)).or(elsewhere);
                let hint = meant.map(|name| format!("did you mean {name}?"));
                let hint = hint.unwrap_or_else(|| "glwatch config show names all settings".into());
                Err(("is no setting".into(), vec![hint]))
            }
        }
    }

    /// Returns the values as a flag would give them; an empty text gives none. The error is the problem.
    fn values(&self, key: &Key, value: &DeValue<'_>) -> Result<Vec<String>, String> {
        let wrong = |found: &DeValue<'_>| format!("is {}; permitted is {}", form(found), key.form.permitted());
        let scalar = |value: &DeValue<'_>| match value {
            DeValue::String(text) => Ok(text.clone().into_owned()),
            DeValue::Integer(number) if matches!(key.form, Form::Number | Form::List | Form::Factors) => {
                i64::from_str_radix(number.as_str(), number.radix())
                    .map(|number| number.to_string())
                    .map_err(|_| "is too large a number".to_owned())
            }
            DeValue::Float(number) if matches!(key.form, Form::Number | Form::Factors) => {
                Ok(number.as_str().to_owned())
            }
            DeValue::Boolean(on) if key.form == Form::Switch => Ok(on.to_string()),
            other => Err(wrong(other)),
        };
        let values: Vec<String> = match (key.form, value) {
            (Form::Switch, DeValue::String(_)) | (Form::Command, DeValue::String(_)) => return Err(wrong(value)),
            (Form::List | Form::Command, DeValue::Array(items)) => {
                items.iter().map(|item| scalar(item.get_ref())).collect::<Result<_, _>>()?
            }
            (Form::Factors, DeValue::Table(factors)) => self
                .entries(factors)
                .into_iter()
                .map(|(name, _, factor)| Ok(format!("{name}={}", scalar(factor.get_ref())?)))
                .collect::<Result<_, String>>()?,
            (Form::Names, DeValue::Table(names)) => self.named(names, "", &wrong)?,
            (Form::Sections, DeValue::Table(sections)) => self
                .entries(sections)
                .into_iter()
                .map(|(name, _, section)| match section.get_ref() {
                    DeValue::Table(names) => self.named(names, &format!("{}.", plain_name(name)?), &wrong),
                    other => Err(wrong(other)),
                })
                .collect::<Result<Vec<_>, String>>()?
                .concat(),
            (Form::Factors | Form::Names | Form::Sections, _) => return Err(wrong(value)),
            _ => vec![scalar(value)?],
        };
        Ok(match key.form {
            Form::Command => self.command(values),
            Form::Path => {
                values.into_iter().filter(|text| !text.trim().is_empty()).map(|text| self.path(text)).collect()
            }
            _ => values.into_iter().filter(|text| !text.trim().is_empty()).collect(),
        })
    }

    /// Returns `PREFIX NAME=TEXT` of each text; a list has one for each of its items.
    fn named(
        &self,
        names: &DeTable<'_>,
        prefix: &str,
        wrong: &dyn Fn(&DeValue<'_>) -> String,
    ) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        for (name, _, value) in self.entries(names) {
            let name = plain_name(name)?.replace('-', "_");
            let mut push = |value: &DeValue<'_>| {
                let text = match value {
                    DeValue::String(text) => text.to_string(),
                    DeValue::Boolean(on) => on.to_string(),
                    other => return Err(wrong(other)),
                };
                values.push(format!("{prefix}{name}={text}"));
                Ok(())
            };
            match value.get_ref() {
                DeValue::Array(items) => items.iter().try_for_each(|item| push(item.get_ref()))?,
                other => push(other)?,
            }
        }
        Ok(values)
    }

    /// Makes a program that is named by a path independent of the current folder.
    fn command(&self, mut words: Vec<String>) -> Vec<String> {
        if let Some(program) = words.first_mut()
            && program.contains('/')
        {
            *program = self.path(std::mem::take(program));
        }
        words
    }

    fn path(&self, text: String) -> String {
        if text == "-" {
            return text;
        }
        let path = match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.path.parent().map_or_else(|| PathBuf::from(&text), |folder| folder.join(&text)),
        };
        path.display().to_string()
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn refuse(&self, line: usize, key: &str, problem: String) -> ConfigError {
        ConfigError { origin: self.origin(line, key), value: None, problem, hints: Vec::new() }
    }

    fn origin(&self, line: usize, key: &str) -> Origin {
        let key = if may_hold_secret(key) { "an address with a secret in it" } else { key };
        Origin::File(Box::new(SettingPlace {
            path: self.path.display().to_string(),
            owner: self.owner,
            line,
            key: key.to_owned(),
        }))
    }
}

/// Returns why a key is not allowed in a project's file.
fn forbidden(written: &str, key: Option<&Key>) -> Option<&'static str> {
    match key.map(|key| key.in_project) {
        Some(InProject::Permitted | InProject::Announced | InProject::OnlyTrue) => None,
        Some(InProject::Refused(reason)) => Some(reason),
        None if written.contains("proxy") => Some("a proxy sees what is asked and answered"),
        None if written.contains("command") => Some("it runs a program"),
        None if written.contains("token") || matches!(written, "hosts" | "profiles") => {
            Some("it decides which token is sent, and where to")
        }
        None if written == "export" => Some("it writes files"),
        None => None,
    }
}

fn form(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// Refuses a name that could not be told from what is around it.
fn plain_name(name: &str) -> Result<&str, String> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_plain) {
        return Ok(name);
    }
    Err(format!("has the name \"{}\"; permitted are letters, digits, - and _", name.escape_debug()))
}

/// Writes the name of a section as TOML wants it.
fn quoted(name: &str) -> String {
    let is_bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare { name.to_owned() } else { format!("\"{name}\"") }
}

#[cfg(test)]
mod tests;
