//! `[notify]` and `--on-change`: which changes are announced, and how.

use super::error::ConfigError;
use super::layer::Setting;
use super::nearest::meant;
use super::origin::Origin;
use super::settings::Settings;
use crate::domain::outcome::{ChangeMeaning, NoticeRule};
use crate::domain::selection::ProjectFilter;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

const DEFAULT_TIME: Duration = Duration::from_secs(30);
const TIME: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(600);
/// What is announced where nothing else is said.
const DEFAULT_MEANINGS: [ChangeMeaning; 2] = [ChangeMeaning::Broke, ChangeMeaning::Fixed];
/// What a rule of its own may say.
const RULE_KEYS: [&str; 4] = ["events", "projects", "how", "command"];

/// How the terminal announces something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeWay {
    Bell,
    /// A notification of the desktop, by the escape sequence of that name.
    Osc9,
}

impl NoticeWay {
    const ALL: [(&'static str, Option<Self>); 3] =
        [("bell", Some(Self::Bell)), ("osc9", Some(Self::Osc9)), ("none", None)];
}

/// A program that gets a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoticeCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    pub origin: Origin,
}

/// Which changes are announced, and how.
#[derive(Debug, Clone)]
pub(crate) struct NotifyRule {
    pub rule: NoticeRule,
    pub ways: Vec<NoticeWay>,
    pub command: Option<NoticeCommand>,
}

/// Everything that is announced.
#[derive(Debug, Clone)]
pub(crate) struct NotifySettings {
    pub rules: Vec<NotifyRule>,
    /// What one run of a command may take.
    pub time: Duration,
}

impl NotifySettings {
    pub(super) fn resolve(settings: &Settings) -> Result<Self, ConfigError> {
        let list = |key| settings.get(key).map(|setting| (setting, setting.list().collect::<Vec<_>>()));
        let first =
            RuleTexts { events: list("notify.events"), projects: list("notify.projects"), how: list("notify.how") };
        let first_command = settings.get("notify.command").map(command).transpose()?;
        let mut rules = vec![first.rule(Some(&[NoticeWay::Bell, NoticeWay::Osc9]), first_command)?];
        if let Some(setting) = settings.get("notify.rules") {
            rules.extend(named_rules(setting)?);
        }
        if let Some(setting) = settings.get("on-change") {
            let rule = NoticeRule { meanings: None, projects: ProjectFilter::default() };
            rules.push(NotifyRule { rule, ways: Vec::new(), command: Some(command(setting)?) });
        }
        Ok(Self { rules, time: settings.time("notify.time", DEFAULT_TIME, TIME)? })
    }
}

type Words<'s> = Option<(&'s Setting, Vec<&'s str>)>;

/// What a rule says, before it is understood.
struct RuleTexts<'s> {
    events: Words<'s>,
    projects: Words<'s>,
    how: Words<'s>,
}

impl RuleTexts<'_> {
    fn rule(&self, default: Option<&[NoticeWay]>, command: Option<NoticeCommand>) -> Result<NotifyRule, ConfigError> {
        let mut meanings = Vec::new();
        for (setting, word) in each(&self.events) {
            if word == "all" {
                meanings.extend(ChangeMeaning::ALL.map(|(_, meaning)| meaning));
                continue;
            }
            meanings.push(word_of(setting, word, "event", &ChangeMeaning::ALL)?);
        }
        if self.events.is_none() {
            meanings.extend(DEFAULT_MEANINGS);
        }
        let mut ways = Vec::new();
        for (setting, word) in each(&self.how) {
            ways.extend(word_of(setting, word, "way to announce it", &NoticeWay::ALL)?);
        }
        if self.how.is_none() {
            ways.extend(default.unwrap_or_default());
        }
        let projects = match &self.projects {
            Some((setting, words)) => ProjectFilter::new(words.iter().copied(), [])
                .map_err(|error| setting.refuse(&words.join(", "), format!("is not a glob: {}", error.kind())))?,
            None => ProjectFilter::default(),
        };
        Ok(NotifyRule { rule: NoticeRule { meanings: Some(meanings), projects }, ways, command })
    }
}

fn each<'s>(words: &Words<'s>) -> impl Iterator<Item = (&'s Setting, &'s str)> {
    words.iter().flat_map(|(setting, words)| words.iter().map(|word| (*setting, *word)))
}

fn word_of<T: Copy>(setting: &Setting, word: &str, what: &str, known: &[(&str, T)]) -> Result<T, ConfigError> {
    known.iter().find(|(known, _)| *known == word).map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        setting.refuse_word(word, format!("is no {what}: permitted are {}", words.join(", ")), &words)
    })
}

/// Reads `[notify.rules.NAME]`.
fn named_rules(setting: &Setting) -> Result<Vec<NotifyRule>, ConfigError> {
    let mut rules: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for value in &setting.values {
        let (place, text) = value.split_once('=').unwrap_or((value, ""));
        let (name, key) = place.split_once('.').unwrap_or((place, ""));
        if !RULE_KEYS.contains(&key) {
            let problem = format!("is no part of a rule: permitted are {}", RULE_KEYS.join(", "));
            return Err(ConfigError { hints: meant(key, &RULE_KEYS), ..setting.refuse(place, problem) });
        }
        rules.entry(name).or_default().entry(key).or_default().push(text);
    }
    let of = |texts: &BTreeMap<&str, Vec<&str>>| {
        let words = |key| texts.get(key).map(|words| (setting, words.iter().copied().flat_map(parts).collect()));
        let command = texts.get("command").map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        let command = command.map(|words| argv(setting, words)).transpose()?;
        RuleTexts { events: words("events"), projects: words("projects"), how: words("how") }.rule(None, command)
    };
    rules.values().map(of).collect()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Reads a program and its arguments: a list in a file, else a line that is split into words as a shell would, and by none.
fn command(setting: &Setting) -> Result<NoticeCommand, ConfigError> {
    if matches!(setting.origin, Origin::File(_)) {
        return argv(setting, setting.values.clone());
    }
    let words = shell_words::split(setting.text())
        .map_err(|_| setting.refuse(setting.text(), "has a quotation mark that is not closed"))?;
    argv(setting, words)
}

fn argv(setting: &Setting, words: Vec<String>) -> Result<NoticeCommand, ConfigError> {
    match words.first() {
        Some(program) if !program.trim().is_empty() => Ok(NoticeCommand { words, origin: setting.origin.clone() }),
        _ => Err(setting.refuse(&words.join(" "), "names no program")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::File;
    use crate::config::layer::Layer;
    use crate::config::origin::Owner;
    use std::collections::HashMap;
    use std::path::Path;

    fn of_file(text: &str, owner: Owner) -> Result<NotifySettings, ConfigError> {
        let mut settings = Settings::new(Layer::default(), &HashMap::new());
        settings.add_file(File::parse(text, Path::new("/c.toml"), owner, None)?)?;
        NotifySettings::resolve(&settings)
    }

    fn of_flag(text: &str) -> Result<NotifySettings, ConfigError> {
        let mut flags = Layer::default();
        flags.set("on-change", vec![text.into()], Origin::Flag("on-change".into()));
        NotifySettings::resolve(&Settings::new(flags, &HashMap::new()))
    }

    fn words(rule: &NotifyRule) -> String {
        let meanings = rule.rule.meanings.iter().flatten().map(|meaning| meaning.word()).collect::<Vec<_>>().join(",");
        let command = rule.command.as_ref().map_or(String::new(), |command| command.words.join("|"));
        format!("{meanings} {:?} {command}", rule.ways)
    }

    #[test]
    fn without_a_word_broke_and_fixed_ring_and_are_shown() {
        let rules = of_file("", Owner::User).unwrap().rules;
        assert_eq!(rules.iter().map(words).collect::<Vec<_>>(), ["broke,fixed [Bell, Osc9] "]);
    }

    #[test]
    fn rules_say_what_is_announced_and_how() {
        let text = "[notify]\nevents = ['broke']\nhow = ['none']\ntime = '2s'\n\
            [notify.rules.deploys]\nevents = 'broke, ended'\nprojects = ['acme/deploy*']\ncommand = ['./say', 'a b']\n\
            [notify.rules.all]\nevents = ['began']\nhow = ['bell']\n";
        let settings = of_file(text, Owner::User).unwrap();
        let expected = ["broke [] ", "began [Bell] ", "broke,ended [] ./say|a b"];
        assert_eq!(settings.rules.iter().map(words).collect::<Vec<_>>(), expected);
        assert_eq!(settings.time, Duration::from_secs(2));
    }

    #[test]
    fn a_command_line_is_split_into_words_and_no_shell_sees_it() {
        let split = |text| of_flag(text).unwrap().rules.pop().unwrap().command.unwrap().words;
        assert_eq!(split("notify-send \"it has changed\" '$HOME;ls'"), ["notify-send", "it has changed", "$HOME;ls"]);
        for (text, problem) in [("say 'it", "not closed"), ("''", "names no program"), ("  \"\" x", "names no program")]
        {
            assert!(of_flag(text).unwrap_err().problem.contains(problem), "{text}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused_with_the_nearest_word() {
        let cases = [
            ("[notify]\nevents = ['brok']\n", "is no event", "did you mean broke?"),
            ("[notify]\nhow = ['bel']\n", "is no way to announce it", "did you mean bell?"),
            ("[notify.rules.a]\nevent = ['broke']\n", "is no part of a rule", "did you mean events?"),
            ("[notify]\nprojects = ['a[*']\n", "is not a glob", ""),
            ("[notify.rules.\"a b\"]\nhow = ['bell']\n", "permitted are letters", ""),
            ("[notify]\nrules = 3\n", "permitted is a section", ""),
            ("[notify]\nevens = ['broke']\n", "is no setting", "did you mean events?"),
        ];
        for (text, problem, hint) in cases {
            let error = of_file(text, Owner::User).unwrap_err();
            assert!(error.problem.contains(problem), "{text}: {}", error.problem);
            assert!(hint.is_empty() || error.hints.contains(&hint.to_owned()), "{text}: {:?}", error.hints);
        }
    }

    #[test]
    fn a_projects_file_makes_no_noise_and_runs_nothing() {
        for text in [
            "on_change = ['x']\n",
            "[notify]\ncommand = ['x']\n",
            "[notify.rules.a]\nhow = ['bell']\n",
            "[notify]\nhow = ['none']\n",
        ] {
            let error = of_file(text, Owner::Project).unwrap_err();
            assert!(error.problem.starts_with("not allowed in ./glwatch.toml"), "{text}: {}", error.problem);
        }
    }
}
