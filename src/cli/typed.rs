//! Reorders the command line: options before a subcommand move behind it, so that the subcommand reads them.

use super::error::CliError;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use std::ffi::OsString;

/// What to do with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Have clap read these.
    Read(Vec<OsString>),
    /// Print the help that fits on a screen.
    ShortHelp,
}

/// Where an option is known.
struct Owners<'a> {
    top: &'a Command,
}

/// The options of one word of the command line, each by its name as typed.
enum Word {
    /// Options; whether the last one takes its value from the next word.
    Options {
        names: Vec<String>,
        takes_next: bool,
    },
    Unknown,
    Other,
}

impl Owners<'_> {
    /// Returns the option of that name, of any command: one name means the same everywhere.
    fn find(&self, is_it: &dyn Fn(&Arg) -> bool) -> Option<&Arg> {
        all(self.top).into_iter().flat_map(|(_, command)| command.get_arguments()).find(|arg| is_it(arg))
    }

    fn long(&self, name: &str) -> Option<&Arg> {
        self.find(&|arg| arg.get_long() == Some(name))
    }

    fn short(&self, letter: char) -> Option<&Arg> {
        self.find(&|arg| arg.get_short() == Some(letter))
    }

    /// Returns the commands that have it, each as it is typed.
    fn of(&self, name: &str) -> Vec<String> {
        all(self.top).into_iter().filter(|(_, command)| has(command, name)).map(|(path, _)| path).collect()
    }

    fn word(&self, word: &str) -> Word {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            return match (name, self.long(name)) {
                ("help", _) => Word::Options { names: vec!["--help".into()], takes_next: false },
                (_, Some(arg)) => {
                    let takes_next = value.is_none() && arg.get_action().takes_values();
                    Word::Options { names: vec![format!("--{name}")], takes_next }
                }
                (_, None) => Word::Unknown,
            };
        }
        let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty() && !letters.starts_with('-'))
        else {
            return Word::Other;
        };
        let mut names = Vec::new();
        for (at, letter) in letters.char_indices() {
            names.push(format!("-{letter}"));
            match (letter, self.short(letter)) {
                ('h', _) => {}
                (_, Some(arg)) if arg.get_action().takes_values() => {
                    return Word::Options { names, takes_next: at + letter.len_utf8() == letters.len() };
                }
                (_, Some(_)) => {}
                (_, None) => return Word::Unknown,
            }
        }
        Word::Options { names, takes_next: false }
    }
}

/// Returns every command with how it is typed, the top one first.
fn all(top: &Command) -> Vec<(String, &Command)> {
    let mut found = vec![("glwatch".to_owned(), top)];
    let mut at = 0;
    while let Some((path, command)) = found.get(at).cloned() {
        found.extend(command.get_subcommands().map(|below| (format!("{path} {}", below.get_name()), below)));
        at += 1;
    }
    found
}

fn has(command: &Command, name: &str) -> bool {
    let is_it = |arg: &Arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|letter| name.strip_prefix('-') == Some(letter.to_string().as_str())),
    };
    matches!(name, "--help" | "-h") || command.get_arguments().any(is_it)
}

/// Puts a command line in order; what it does not understand is left as it is, for clap to refuse.
pub(super) fn arrange(arguments: Vec<OsString>, top: &Command) -> Result<Typed, CliError> {
    let owners = Owners { top };
    let (mut command, mut path) = (top, "glwatch".to_owned());
    let mut words = arguments.iter().enumerate().skip(1);
    let (mut before, mut moved, mut names) = (arguments.iter().take(1).cloned().collect::<Vec<_>>(), vec![], vec![]);
    let mut rest = arguments.len();
    while let Some((at, word)) = words.next() {
        rest = at;
        match word.to_str().map_or(Word::Other, |word| owners.word(word)) {
            Word::Unknown => return Ok(Typed::Read(arguments)),
            Word::Options { names: more, takes_next } => {
                names.extend(more);
                moved.push(word.clone());
                rest = at + 1;
                if takes_next && let Some((at, value)) = words.next() {
                    moved.push(value.clone());
                    rest = at + 1;
                }
            }
            Word::Other => {
                let below = word.to_str().and_then(|name| command.get_subcommands().find(|c| c.get_name() == name));
                let Some(below) = below else { break };
                path = format!("{path} {}", below.get_name());
                command = below;
                before.push(word.clone());
                rest = at + 1;
                if command.get_subcommands().next().is_none() {
                    break;
                }
            }
        }
    }
    if std::ptr::eq(command, top) {
        let is_short_help = names.iter().any(|name| name == "-h");
        return Ok(if is_short_help { Typed::ShortHelp } else { Typed::Read(arguments) });
    }
    // `history` runs alone, `config` does not.
    let runs_alone = command.get_subcommands().next().is_none() || !command.is_subcommand_required_set();
    if runs_alone && let Some(name) = names.iter().find(|name| !has(command, name)) {
        return Err(misplaced(name, &path, &owners));
    }
    if runs_alone {
        before.extend(moved);
    }
    before.extend_from_slice(&arguments[rest..]);
    Ok(Typed::Read(before))
}

/// Returns the error that names where an option belongs.
fn misplaced(name: &str, path: &str, owners: &Owners<'_>) -> CliError {
    let places = owners.of(name);
    let hint = match places.first().map(String::as_str) {
        Some("glwatch") => format!("it is an option of the table of the group: glwatch {name}"),
        _ => format!("it is an option of {}", listed(&places)),
    };
    CliError::Refused {
        problem: format!("{name} does not work with {path}"),
        hints: vec![hint, format!("{path} --help lists the options that do")],
    }
}

fn listed(places: &[String]) -> String {
    match places {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => places.concat(),
    }
}

/// Says more than clap does about what it refuses, where more is known.
pub(super) fn explained(refusal: &clap::Error, arguments: &[OsString], top: &Command) -> Option<CliError> {
    let value = |kind| match refusal.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    match refusal.kind() {
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {}
        _ => return None,
    }
    if let Some(word) = value(ContextKind::InvalidSubcommand) {
        return Some(no_command(&word, top));
    }
    let name = value(ContextKind::InvalidArg)?;
    let name = name.split('=').next().unwrap_or_default();
    let owners = Owners { top };
    let path = path_of(arguments, top);
    if !name.starts_with('-') {
        return (path == "glwatch").then(|| no_command(name, top));
    }
    (!owners.of(name).is_empty()).then(|| misplaced(name, &path, &owners))
}

/// Returns the command that a command line leads to.
fn path_of(arguments: &[OsString], top: &Command) -> String {
    let (mut command, mut path) = (top, "glwatch".to_owned());
    for word in arguments.iter().skip(1).filter_map(|word| word.to_str()) {
        let Some(below) = command.get_subcommands().find(|below| below.get_name() == word) else { break };
        path = format!("{path} {word}");
        command = below;
    }
    path
}

/// Returns the error for a word that is no command: most likely the group, else one of its projects.
fn no_command(word: &str, top: &Command) -> CliError {
    let names = || top.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
    let mut hints = Vec::new();
    if let Some(near) = names().find(|name| strsim::osa_distance(name, word) <= 2 && word.len() > 2) {
        hints.push(format!("did you mean glwatch {near}?"));
    }
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    if word.contains(['#', '@']) || word.contains("://") {
        hints.push("to see why one project's pipeline failed: glwatch explain acme/api#812".into());
    } else if !word.is_empty() && word.chars().all(is_path) {
        hints.push(format!("to see the group {word}: glwatch -g {word}"));
        if word.contains('/') {
            hints.push(format!("to see why the newest pipeline of the project {word} failed: glwatch explain {word}"));
        }
    }
    hints.push(format!("the commands are {}", names().collect::<Vec<_>>().join(", ")));
    CliError::Refused { problem: format!("\"{}\" is not a command of glwatch", word.escape_debug()), hints }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn arranged(line: &str) -> String {
        match arrange(words(line), &command::command()) {
            Ok(Typed::Read(words)) => words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" "),
            Ok(Typed::ShortHelp) => "short help".to_owned(),
            Err(error) => format!("{error}; {}", error.hints()[0]),
        }
    }

    #[test]
    fn options_before_a_subcommand_move_behind_it() {
        let cases = [
            ("nothing typed", "glwatch", "glwatch"),
            ("no subcommand", "glwatch -g acme --watch", "glwatch -g acme --watch"),
            ("a switch", "glwatch --quiet explain api", "glwatch explain --quiet api"),
            ("a value", "glwatch --host x explain api", "glwatch explain --host x api"),
            ("a value with =", "glwatch --host=x explain api", "glwatch explain --host=x api"),
            ("letters in one word", "glwatch -qg 1 explain api", "glwatch explain -qg 1 api"),
            ("a letter with its value", "glwatch -g1 explain api", "glwatch explain -g1 api"),
            ("a value that is a command's name", "glwatch -g logs explain api", "glwatch explain -g logs api"),
            ("a group of that name alone", "glwatch --group-id explain", "glwatch --group-id explain"),
            ("to a command below", "glwatch --host x config show", "glwatch config show --host x"),
            ("between the two", "glwatch -v config -g 1 show", "glwatch config show -v -g 1"),
            ("the subcommand's own", "glwatch --tail 5 logs api", "glwatch logs --tail 5 api"),
            ("before and after", "glwatch -g 1 explain -g 2 api", "glwatch explain -g 1 -g 2 api"),
            ("help", "glwatch --help explain", "glwatch explain --help"),
            ("unknown ones stay for clap", "glwatch --hots x explain", "glwatch --hots x explain"),
            ("what is behind stays", "glwatch logs api -- -g", "glwatch logs api -- -g"),
            ("a word that is no command", "glwatch -q acme", "glwatch -q acme"),
            ("one screen of help", "glwatch -qh", "short help"),
            (
                "an option of the table",
                "glwatch --watch explain api",
                "--watch does not work with glwatch explain; it is an option of the table of the group: glwatch --watch",
            ),
            (
                "an option of another command",
                "glwatch --follow explain api",
                "--follow does not work with glwatch explain; it is an option of glwatch logs",
            ),
        ];
        for (sentence, line, expected) in cases {
            assert_eq!(arranged(line), expected, "{sentence}");
        }
    }

    /// Every option of the top command before every subcommand: it moves, or the message says where it belongs.
    #[test]
    fn every_option_works_before_every_subcommand_or_is_refused_with_its_place() {
        let top = command::command();
        let leaves = [
            "explain api",
            "logs api",
            "retry api",
            "cancel api",
            "play api job",
            "config show",
            "config check",
            "config init",
            "completions bash",
            "man",
        ];
        for arg in top.get_arguments().filter(|arg| arg.get_long().is_some_and(|long| long != "version")) {
            let name = arg.get_long().unwrap();
            let value = match arg.get_possible_values().first() {
                Some(word) => format!(" {}", word.get_name()),
                None if arg.get_action().takes_values() => " 1".to_owned(),
                None => String::new(),
            };
            for leaf in leaves {
                let line = format!("glwatch --{name}{value} {leaf}");
                let typed = arrange(words(&line), &top);
                let path = path_of(&words(&format!("glwatch {leaf}")), &top);
                let command = all(&top).into_iter().find(|(known, _)| *known == path).unwrap().1;
                match typed {
                    Ok(Typed::Read(words)) => {
                        assert!(has(command, &format!("--{name}")), "{line}");
                        let read = top.clone().try_get_matches_from(words);
                        // `-o` of explain has formats of its own.
                        let is_fine = read.is_ok() || (name, leaf) == ("output", "explain api");
                        assert!(is_fine, "{line}: {:?}", read.err().map(|error| error.to_string()));
                    }
                    Ok(Typed::ShortHelp) => panic!("{line}"),
                    Err(error) => {
                        assert!(!has(command, &format!("--{name}")), "{line}");
                        assert_eq!(error.to_string(), format!("--{name} does not work with {path}"));
                        assert!(error.hints()[0].ends_with(&format!("glwatch --{name}")), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_word_that_is_no_command_is_most_likely_the_group() {
        let hints = |word| no_command(word, &command::command()).hints().join("\n");
        let cases = [
            ("acme", "glwatch -g acme"),
            ("acme/payments", "glwatch -g acme/payments"),
            ("acme/payments", "glwatch explain acme/payments"),
            ("12345", "glwatch -g 12345"),
            ("explian", "did you mean glwatch explain?"),
            ("log", "did you mean glwatch logs?"),
            ("acme/api#812", "glwatch explain acme/api#812"),
            ("", "the commands are explain, logs"),
        ];
        for (word, expected) in cases {
            assert!(hints(word).contains(expected), "{word}: {}", hints(word));
        }
        assert!(!hints("a b").contains("-g a b"));
    }
}
