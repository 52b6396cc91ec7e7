//! Which key does what on which screen: one table, from which the help, the last line and the README's list are made.

use super::screens::place::ScreenKind;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::HashMap;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAction {
    Quit,
    QuitAll,
    Interrupt,
    Suspend,
    Help,
    Refresh,
    ToggleAttention,
    /// The quick filter with this number.
    Quick(u8),
    Filter,
    NextSort,
    Reverse,
    NextRed,
    ToggleFold,
    FoldGreen,
    Freeze,
    ToggleGroups,
    Mark,
    Mute,
    Enter,
    Open,
    Copy,
    Log,
    Failures,
    Active,
    Events,
    Problems,
    Retry,
    Cancel,
    Play,
    Follow,
    FoldSections,
    EarlierAttempt,
    LaterAttempt,
    Wrap,
    NextMatch,
    PreviousMatch,
    NextSection,
    PreviousSection,
    Times,
    Pipe,
    Save,
    Mouse,
    Views,
    Branches,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    /// Goes back, or lets the cursor go.
    Back,
}

/// One line of the table: the keys, how they are written, what they do, and where.
#[derive(Debug)]
pub struct KeyBinding {
    keys: &'static [(KeyCode, KeyModifiers)],
    pub label: &'static str,
    pub help: &'static str,
    pub action: KeyAction,
    is_on: ScreenChoice,
    /// Its words in the last line, where it has room there.
    pub short: Option<&'static str>,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

/// On which screens a key means something.
type ScreenChoice = fn(ScreenKind) -> bool;

const EVERY: ScreenChoice = |_| true;
const FIRST: ScreenChoice = |screen| matches!(screen, ScreenKind::Overview);
const ABOVE: ScreenChoice = |screen| !matches!(screen, ScreenKind::Overview);
const PROJECT: ScreenChoice = |screen| matches!(screen, ScreenKind::Project);
const JOB: ScreenChoice = |screen| matches!(screen, ScreenKind::Job);
/// Lists, from which a line leads on.
const LISTS: ScreenChoice = |screen| !matches!(screen, ScreenKind::Job);
/// Lists but the one that the key would open.
const NOT_FAILURES: ScreenChoice = |screen| !matches!(screen, ScreenKind::Job | ScreenKind::Failures);
const NOT_ACTIVE: ScreenChoice = |screen| !matches!(screen, ScreenKind::Job | ScreenKind::Active);
const NOT_EVENTS: ScreenChoice = |screen| !matches!(screen, ScreenKind::Job | ScreenKind::Events);
const NOT_PROBLEMS: ScreenChoice = |screen| !matches!(screen, ScreenKind::Job | ScreenKind::Problems);
const WITH_LOG: ScreenChoice =
    |screen| matches!(screen, ScreenKind::Overview | ScreenKind::Project | ScreenKind::Pipeline | ScreenKind::Failures);
const ACTING: ScreenChoice = |screen| !matches!(screen, ScreenKind::Problems);

/// Every key that means something. What is above comes first in the last line of a screen.
pub const BINDINGS: &[KeyBinding] = &[
    on(LISTS, &[(KeyCode::Enter, NONE)], "enter", "go deeper: project, pipeline, job", KeyAction::Enter, Some("open")),
    on(JOB, &[(KeyCode::Enter, NONE)], "enter", "open the last attempt", KeyAction::Enter, None),
    on(ABOVE, &[(KeyCode::Esc, NONE)], "esc", "go back", KeyAction::Back, Some("back")),
    on(FIRST, &[key('/')], "/", "filter the rows", KeyAction::Filter, Some("filter")),
    on(JOB, &[key('/')], "/", "search in the log", KeyAction::Filter, Some("search")),
    on(FIRST, &[(KeyCode::Tab, NONE)], "tab", "next row that failed", KeyAction::NextRed, Some("next red")),
    on(NOT_FAILURES, &[key('!')], "!", "every failed job", KeyAction::Failures, Some("failures")),
    on(NOT_ACTIVE, &[key('a')], "a", "what runs and waits", KeyAction::Active, Some("active")),
    on(WITH_LOG, &[key('l')], "l", "the log of the job, or of the first one that failed", KeyAction::Log, Some("log")),
    on(PROJECT, &[key('b')], "b", "only one ref, the next one, or all", KeyAction::Branches, Some("branches")),
    on(JOB, &[key('n')], "n", "next error, or next match", KeyAction::NextMatch, Some("next error")),
    on(JOB, &[shift('N')], "N", "the one before", KeyAction::PreviousMatch, None),
    on(JOB, &[shift('F')], "F", "stay at the end of the log, or not", KeyAction::Follow, Some("follow")),
    on(
        JOB,
        &[key(' '), (KeyCode::Left, NONE), (KeyCode::Right, NONE)],
        "space",
        "fold the section of the log, or unfold it",
        KeyAction::ToggleFold,
        Some("fold"),
    ),
    on(
        JOB,
        &[key('z')],
        "z",
        "fold every section of the log without an error",
        KeyAction::FoldSections,
        Some("fold all"),
    ),
    on(JOB, &[key('}')], "}", "the next section of the log", KeyAction::NextSection, None),
    on(JOB, &[key('{')], "{", "the section before", KeyAction::PreviousSection, None),
    on(JOB, &[key('[')], "[", "the attempt before", KeyAction::EarlierAttempt, None),
    on(JOB, &[key(']')], "]", "the attempt after", KeyAction::LaterAttempt, None),
    on(JOB, &[key('w')], "w", "wrap long lines", KeyAction::Wrap, Some("wrap")),
    on(JOB, &[key('t')], "t", "when each line was written, or not", KeyAction::Times, None),
    on(JOB, &[key('|')], "|", "the log into a pager or another program", KeyAction::Pipe, None),
    on(JOB, &[shift('S')], "S", "save the log to a file", KeyAction::Save, None),
    on(ACTING, &[shift('R')], "R", "retry what failed", KeyAction::Retry, Some("retry")),
    on(ACTING, &[shift('C')], "C", "cancel what goes on", KeyAction::Cancel, None),
    on(ACTING, &[shift('P')], "P", "start a manual job", KeyAction::Play, None),
    on(EVERY, &[key('o')], "o", "open the page in the browser", KeyAction::Open, Some("browser")),
    on(EVERY, &[key('y')], "y", "copy: then l the link, i the id, c the command", KeyAction::Copy, None),
    on(NOT_EVENTS, &[key('e')], "e", "what has changed", KeyAction::Events, None),
    on(
        NOT_PROBLEMS,
        &[key('p')],
        "p",
        "what could not be read, and what readings cost",
        KeyAction::Problems,
        Some("problems"),
    ),
    on(EVERY, &[key('?'), (KeyCode::F(1), NONE)], "?", "this help", KeyAction::Help, Some("all keys")),
    on(EVERY, &[key('q')], "q", "quit; on other screens: go back", KeyAction::Quit, Some("quit")),
    on(EVERY, &[shift('Q')], "Q", "quit from everywhere", KeyAction::QuitAll, None),
    on(EVERY, &[key('r'), (KeyCode::F(5), NONE)], "r", "read now", KeyAction::Refresh, Some("read now")),
    on(FIRST, &[key('f')], "f", "only what wants attention, or all", KeyAction::ToggleAttention, None),
    on(FIRST, &[key('1')], "1", "only what failed", KeyAction::Quick(1), None),
    on(FIRST, &[key('2')], "2", "only what runs", KeyAction::Quick(2), None),
    on(FIRST, &[key('3')], "3", "only what waits for a person", KeyAction::Quick(3), None),
    on(FIRST, &[key('4')], "4", "only warnings", KeyAction::Quick(4), None),
    on(FIRST, &[key('5')], "5", "only what is stale or unread", KeyAction::Quick(5), None),
    on(FIRST, &[key('6')], "6", "everything", KeyAction::Quick(6), None),
    on(FIRST, &[key('s')], "s", "next order (attention, name, age...)", KeyAction::NextSort, None),
    on(FIRST, &[shift('S')], "S", "the other way round", KeyAction::Reverse, None),
    on(
        FIRST,
        &[key(' '), (KeyCode::Left, NONE), (KeyCode::Right, NONE)],
        "space",
        "fold the group",
        KeyAction::ToggleFold,
        None,
    ),
    on(FIRST, &[key('z')], "z", "fold every group in which all is well", KeyAction::FoldGreen, None),
    on(EVERY, &[shift('Z')], "Z", "freeze the view", KeyAction::Freeze, None),
    on(FIRST, &[key('g')], "g", "with or without groups", KeyAction::ToggleGroups, None),
    on(FIRST, &[key('v')], "v", "a view of the configuration", KeyAction::Views, None),
    on(FIRST, &[key('x')], "x", "mark the row for an action", KeyAction::Mark, None),
    on(FIRST, &[key('m')], "m", "mute the row until its next pipeline", KeyAction::Mute, None),
    on(EVERY, &[(KeyCode::Up, NONE), key('k')], "up k", "one row up", KeyAction::Up, None),
    on(EVERY, &[(KeyCode::Down, NONE), key('j')], "down j", "one row down", KeyAction::Down, None),
    on(
        EVERY,
        &[(KeyCode::PageUp, NONE), (KeyCode::Char('b'), CTRL)],
        "page up",
        "one screen up",
        KeyAction::PageUp,
        None,
    ),
    on(
        EVERY,
        &[(KeyCode::PageDown, NONE), (KeyCode::Char('f'), CTRL)],
        "page down",
        "one screen down",
        KeyAction::PageDown,
        None,
    ),
    on(EVERY, &[(KeyCode::Home, NONE)], "home", "first row", KeyAction::Top, None),
    on(EVERY, &[(KeyCode::End, NONE), shift('G')], "end G", "last row", KeyAction::Bottom, None),
    on(FIRST, &[(KeyCode::Esc, NONE)], "esc", "end the filter; let the cursor go", KeyAction::Back, None),
    on(EVERY, &[shift('M')], "M", "the mouse: wheel, click, titles; or selecting text", KeyAction::Mouse, None),
    on(EVERY, &[(KeyCode::Char('z'), CTRL)], "ctrl-z", "suspend", KeyAction::Suspend, None),
    on(EVERY, &[(KeyCode::Char('c'), CTRL)], "ctrl-c", "interrupt: exit code 130", KeyAction::Interrupt, None),
];

const fn key(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), NONE)
}

/// A capital: not every terminal tells that shift was held.
const fn shift(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), SHIFT)
}

const fn on(
    is_on: ScreenChoice,
    keys: &'static [(KeyCode, KeyModifiers)],
    label: &'static str,
    help: &'static str,
    action: KeyAction,
    short: Option<&'static str>,
) -> KeyBinding {
    KeyBinding { keys, label, help, action, is_on, short }
}

/// Every action that has a name of its own, for settings and for what is typed.
pub const ACTION_NAMES: [(&str, KeyAction); 56] = [
    ("enter", KeyAction::Enter),
    ("back", KeyAction::Back),
    ("filter", KeyAction::Filter),
    ("next-red", KeyAction::NextRed),
    ("failures", KeyAction::Failures),
    ("active", KeyAction::Active),
    ("events", KeyAction::Events),
    ("problems", KeyAction::Problems),
    ("log", KeyAction::Log),
    ("next-match", KeyAction::NextMatch),
    ("previous-match", KeyAction::PreviousMatch),
    ("next-section", KeyAction::NextSection),
    ("previous-section", KeyAction::PreviousSection),
    ("follow", KeyAction::Follow),
    ("fold-sections", KeyAction::FoldSections),
    ("earlier-attempt", KeyAction::EarlierAttempt),
    ("later-attempt", KeyAction::LaterAttempt),
    ("wrap", KeyAction::Wrap),
    ("times", KeyAction::Times),
    ("pipe", KeyAction::Pipe),
    ("save", KeyAction::Save),
    ("mouse", KeyAction::Mouse),
    ("views", KeyAction::Views),
    ("branches", KeyAction::Branches),
    ("retry", KeyAction::Retry),
    ("cancel", KeyAction::Cancel),
    ("play", KeyAction::Play),
    ("browser", KeyAction::Open),
    ("copy", KeyAction::Copy),
    ("help", KeyAction::Help),
    ("quit", KeyAction::Quit),
    ("quit-all", KeyAction::QuitAll),
    ("refresh", KeyAction::Refresh),
    ("attention", KeyAction::ToggleAttention),
    ("only-red", KeyAction::Quick(1)),
    ("only-running", KeyAction::Quick(2)),
    ("only-manual", KeyAction::Quick(3)),
    ("only-warnings", KeyAction::Quick(4)),
    ("only-unread", KeyAction::Quick(5)),
    ("everything", KeyAction::Quick(6)),
    ("sort", KeyAction::NextSort),
    ("reverse", KeyAction::Reverse),
    ("fold", KeyAction::ToggleFold),
    ("fold-green", KeyAction::FoldGreen),
    ("freeze", KeyAction::Freeze),
    ("groups", KeyAction::ToggleGroups),
    ("mark", KeyAction::Mark),
    ("mute", KeyAction::Mute),
    ("up", KeyAction::Up),
    ("down", KeyAction::Down),
    ("page-up", KeyAction::PageUp),
    ("page-down", KeyAction::PageDown),
    ("top", KeyAction::Top),
    ("bottom", KeyAction::Bottom),
    ("suspend", KeyAction::Suspend),
    ("interrupt", KeyAction::Interrupt),
];

/// A key with what is held with it.
type KeyPress = (KeyCode, KeyModifiers);

/// The table with the keys that the user has chosen.
#[derive(Debug, Clone, Default)]
pub struct ViewKeymap {
    own: HashMap<KeyAction, OwnKeys>,
}

/// The user's own keys of an action, and how they are written.
#[derive(Debug, Clone)]
struct OwnKeys {
    keys: Vec<KeyPress>,
    label: String,
}

/// Why a keymap cannot be: the word, what is wrong with it, and the words that are permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapProblem {
    pub word: String,
    pub problem: String,
    pub permitted: Vec<&'static str>,
}

/// A line of the table with its keys.
#[derive(Debug, Clone, Copy)]
pub struct BoundKeys<'k> {
    pub binding: &'static KeyBinding,
    pub label: &'k str,
    keys: &'k [KeyPress],
}

impl ViewKeymap {
    /// Gives actions other keys: `(action, key)` each, an action with several keys several times.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, KeymapProblem> {
        let mut map = Self::default();
        for (name, text) in pairs {
            let action = ACTION_NAMES.iter().find(|(known, _)| *known == name.replace('_', "-"));
            let action = action.map(|(_, action)| *action).ok_or_else(|| KeymapProblem {
                word: name.to_owned(),
                problem: "is no action of the view".into(),
                permitted: ACTION_NAMES.iter().map(|(name, _)| *name).collect(),
            })?;
            let key = parse_key(text).map_err(|problem| KeymapProblem {
                word: text.to_owned(),
                problem: problem.to_owned(),
                permitted: KEY_NAMES.iter().map(|(name, _)| *name).collect(),
            })?;
            let own = map.own.entry(action).or_insert_with(|| OwnKeys { keys: Vec::new(), label: String::new() });
            own.keys.push(key);
            own.label = format!("{} {text}", own.label).trim_start().to_owned();
        }
        map.check()?;
        Ok(map)
    }

    /// Refuses a key that would mean two things on one screen.
    fn check(&self) -> Result<(), KeymapProblem> {
        for screen in ScreenKind::ALL {
            let mut seen: HashMap<KeyPress, KeyAction> = HashMap::new();
            for bound in self.bindings(screen) {
                for key in bound.keys {
                    let action = bound.binding.action;
                    let Some(other) = seen.insert(normal(*key), action).filter(|other| *other != action) else {
                        continue;
                    };
                    let names = [name_of(other), name_of(action)];
                    return Err(KeymapProblem {
                        word: bound.label.to_owned(),
                        problem: format!("is the key of both {} and {}: give one of them another", names[0], names[1]),
                        permitted: Vec::new(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Returns the keys of a screen, in the table's order.
    pub fn bindings(&self, screen: ScreenKind) -> impl Iterator<Item = BoundKeys<'_>> {
        BINDINGS.iter().filter(move |binding| (binding.is_on)(screen)).map(|binding| {
            match self.own.get(&binding.action) {
                Some(own) => BoundKeys { binding, label: &own.label, keys: &own.keys },
                None => BoundKeys { binding, label: binding.label, keys: binding.keys },
            }
        })
    }

    /// Returns what a key asks for on a screen.
    pub fn action(&self, screen: ScreenKind, key: &KeyEvent) -> Option<KeyAction> {
        self.bindings(screen).find(|bound| bound.is_for(key)).map(|bound| bound.binding.action)
    }

    /// Returns how the keys of an action are written.
    pub fn label(&self, action: KeyAction) -> &str {
        let default = BINDINGS.iter().find(|binding| binding.action == action).map_or("", |binding| binding.label);
        self.own.get(&action).map_or(default, |own| &own.label)
    }
}

impl BoundKeys<'_> {
    fn is_for(&self, key: &KeyEvent) -> bool {
        let pressed = normal((key.code, key.modifiers));
        self.keys.iter().any(|known| normal(*known) == pressed)
    }
}

/// A capital or a sign says by itself that shift was held; terminals differ in whether they tell.
fn normal((code, modifiers): KeyPress) -> KeyPress {
    let is_text = matches!(code, KeyCode::Char(_)) && !modifiers.contains(CTRL);
    (code, if is_text { modifiers - SHIFT } else { modifiers })
}

fn name_of(action: KeyAction) -> &'static str {
    ACTION_NAMES.iter().find(|(_, known)| *known == action).map_or("another action", |(name, _)| name)
}

/// Keys that are no character.
const KEY_NAMES: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("page-up", KeyCode::PageUp),
    ("page-down", KeyCode::PageDown),
];

/// Reads a key as it is written: `x`, `ctrl-x`, `alt-enter`, `f5`, `page-up`.
fn parse_key(text: &str) -> Result<KeyPress, &'static str> {
    const NO_KEY: &str = "is no key, such as x, X, ctrl-x, alt-x, f5, space or page-up";
    let (mut rest, mut modifiers) = (text, NONE);
    for (prefix, modifier) in [("ctrl-", CTRL), ("alt-", KeyModifiers::ALT)] {
        if let Some(after) = rest.strip_prefix(prefix) {
            (rest, modifiers) = (after, modifiers | modifier);
        }
    }
    let mut chars = rest.chars();
    let code = match (chars.next(), chars.next()) {
        (Some(c), None) if !c.is_control() && !c.is_whitespace() => KeyCode::Char(c),
        _ => match KEY_NAMES.iter().find(|(name, _)| *name == rest) {
            Some((_, code)) => *code,
            None => match rest.strip_prefix('f').and_then(|n| n.parse().ok()) {
                Some(n @ 1..=12) => KeyCode::F(n),
                _ => return Err(NO_KEY),
            },
        },
    };
    if (code, modifiers) == (KeyCode::Char('c'), CTRL) {
        return Err("ends the program everywhere");
    }
    Ok((code, modifiers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The README's table is made of the same bindings: `UPDATE_README=1 cargo test --lib keymap` writes it.
    #[test]
    fn the_readme_lists_every_key() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).unwrap();
        let line = |binding: &KeyBinding| {
            let keys: Vec<String> = binding
                .label
                .replace("page ", "page-")
                .split(' ')
                .map(|key| format!("`{}`", key.replace('|', "\\|")))
                .collect();
            format!("| {} | {}{} |\n", keys.join(" "), binding.help, place(binding))
        };
        let table: String = BINDINGS.iter().map(line).collect();
        let (before, rest) = readme.split_once("<!-- keys -->\n\n| key | |\n|---|---|\n").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        let wanted = format!("{before}<!-- keys -->\n\n| key | |\n|---|---|\n{table}\n{after}");
        if std::env::var_os("UPDATE_README").is_some() {
            std::fs::write(path, wanted).unwrap();
        } else {
            assert!(readme == wanted, "the README's table of keys is not that of the program: UPDATE_README=1");
        }
    }

    /// Says where a key works, where that is one screen only.
    fn place(binding: &KeyBinding) -> &'static str {
        let on: Vec<ScreenKind> = ScreenKind::ALL.into_iter().filter(|screen| (binding.is_on)(*screen)).collect();
        match on[..] {
            [ScreenKind::Overview] => " (list of projects)",
            [ScreenKind::Job] => " (job)",
            [ScreenKind::Project] => " (project)",
            _ => "",
        }
    }

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for screen in ScreenKind::ALL {
            let mut seen = HashSet::new();
            for (key, modifiers) in ViewKeymap::default().bindings(screen).flat_map(|bound| bound.binding.keys) {
                assert!(seen.insert((*key, *modifiers)), "{key:?} is bound twice on {screen:?}");
            }
        }
    }

    #[test]
    fn capitals_work_with_and_without_the_shift_that_a_terminal_tells() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            let pressed =
                |c| ViewKeymap::default().action(ScreenKind::Overview, &KeyEvent::new(KeyCode::Char(c), modifiers));
            assert_eq!(pressed('G'), Some(KeyAction::Bottom));
            assert_eq!(pressed('!'), Some(KeyAction::Failures));
        }
        assert_eq!(
            ViewKeymap::default()
                .action(ScreenKind::Overview, &KeyEvent::new(KeyCode::Char('G'), KeyModifiers::CONTROL)),
            None
        );
        assert_eq!(
            ViewKeymap::default().action(ScreenKind::Job, &KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE)),
            None
        );
    }

    #[test]
    fn the_last_line_of_every_screen_has_five_keys_at_least() {
        for screen in ScreenKind::ALL {
            assert!(
                ViewKeymap::default().bindings(screen).filter(|bound| bound.binding.short.is_some()).count() >= 5,
                "{screen:?}"
            );
        }
    }

    #[test]
    fn every_action_of_the_table_has_a_name() {
        for binding in BINDINGS {
            assert!(ACTION_NAMES.iter().any(|(_, action)| *action == binding.action), "{:?}", binding.action);
        }
    }

    #[test]
    fn an_action_gets_other_keys_and_those_are_the_ones_that_are_shown() {
        let map = ViewKeymap::new([("retry", "ctrl-t"), ("mark", "t"), ("mark", "f9")]).unwrap();
        let pressed = |code, modifiers| map.action(ScreenKind::Overview, &KeyEvent::new(code, modifiers));
        assert_eq!(pressed(KeyCode::Char('t'), KeyModifiers::CONTROL), Some(KeyAction::Retry));
        assert_eq!(pressed(KeyCode::Char('R'), KeyModifiers::SHIFT), None);
        assert_eq!(pressed(KeyCode::Char('t'), KeyModifiers::NONE), Some(KeyAction::Mark));
        assert_eq!(pressed(KeyCode::Char('x'), KeyModifiers::NONE), None);
        assert_eq!((map.label(KeyAction::Retry), map.label(KeyAction::Cancel)), ("ctrl-t", "C"));
    }

    #[test]
    fn what_is_no_keymap_is_refused() {
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
        let cases: [Case<'_>; 7] = [
            ("no action", &[("retri", "x")], "retri", "is no action"),
            ("no key", &[("retry", "hyper-x")], "hyper-x", "is no key"),
            ("an empty key", &[("retry", "")], "", "is no key"),
            ("a key of another action", &[("retry", "x")], "x", "the key of both retry and mark"),
            ("two new keys alike", &[("retry", "t"), ("cancel", "t")], "t", "the key of both retry and cancel"),
            ("a capital that is taken", &[("log", "R")], "R", "the key of both log and retry"),
            ("the last way out", &[("retry", "ctrl-c")], "ctrl-c", "ends the program"),
        ];
        for (sentence, pairs, word, problem) in cases {
            let refused = ViewKeymap::new(pairs.iter().copied()).expect_err(sentence);
            assert_eq!(refused.word, word, "{sentence}");
            assert!(refused.problem.contains(problem), "{sentence}: {}", refused.problem);
        }
        let swapped = ViewKeymap::new([("retry", "x"), ("mark", "R")]);
        assert!(swapped.is_ok(), "two actions may change keys: {swapped:?}");
    }
}
