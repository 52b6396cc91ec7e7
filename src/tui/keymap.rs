//! Which key does what on which screen: one table, from which the help, the last line and the README's list are made.

use super::screens::place::ScreenKind;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
const JOB: ScreenChoice = |screen| matches!(screen, ScreenKind::Job);
/// Lists, from which a line leads on.
const LISTS: ScreenChoice = |screen| !matches!(screen, ScreenKind::Job);
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
    on(LISTS, &[key('!')], "!", "every failed job", KeyAction::Failures, Some("failures")),
    on(LISTS, &[key('a')], "a", "what runs and waits", KeyAction::Active, Some("active")),
    on(WITH_LOG, &[key('l')], "l", "the log of the job, or of the first one that failed", KeyAction::Log, Some("log")),
    on(JOB, &[key('n')], "n", "next error, or next match", KeyAction::NextMatch, Some("next error")),
    on(JOB, &[shift('N')], "N", "the one before", KeyAction::PreviousMatch, None),
    on(JOB, &[shift('F')], "F", "stay at the end of the log, or not", KeyAction::Follow, Some("follow")),
    on(JOB, &[key('z')], "z", "fold the sections of the log", KeyAction::FoldSections, Some("fold")),
    on(JOB, &[key('[')], "[", "the attempt before", KeyAction::EarlierAttempt, None),
    on(JOB, &[key(']')], "]", "the attempt after", KeyAction::LaterAttempt, None),
    on(JOB, &[key('w')], "w", "wrap long lines", KeyAction::Wrap, Some("wrap")),
    on(ACTING, &[shift('R')], "R", "retry what failed", KeyAction::Retry, Some("retry")),
    on(ACTING, &[shift('C')], "C", "cancel what goes on", KeyAction::Cancel, None),
    on(ACTING, &[shift('P')], "P", "start a manual job", KeyAction::Play, None),
    on(EVERY, &[key('o')], "o", "open the page in the browser", KeyAction::Open, Some("browser")),
    on(EVERY, &[key('y')], "y", "copy: then l the link, i the id, c the command", KeyAction::Copy, None),
    on(LISTS, &[key('e')], "e", "what has changed", KeyAction::Events, None),
    on(
        LISTS,
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

impl KeyBinding {
    fn is_for(&self, key: &KeyEvent) -> bool {
        self.keys.iter().any(|(code, modifiers)| {
            // A capital or a sign says by itself that shift was held; terminals differ in whether they tell.
            let is_text = matches!(code, KeyCode::Char(_)) && *modifiers != CTRL;
            let told = if is_text { key.modifiers - SHIFT } else { key.modifiers };
            let wanted = if is_text { NONE } else { *modifiers };
            *code == key.code && told == wanted
        })
    }
}

/// Returns the keys of a screen, in the table's order.
pub fn bindings(screen: ScreenKind) -> impl Iterator<Item = &'static KeyBinding> {
    BINDINGS.iter().filter(move |binding| (binding.is_on)(screen))
}

/// Returns what a key asks for on a screen.
pub fn action(screen: ScreenKind, key: &KeyEvent) -> Option<KeyAction> {
    bindings(screen).find(|binding| binding.is_for(key)).map(|binding| binding.action)
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
            let keys: Vec<String> =
                binding.label.replace("page ", "page-").split(' ').map(|key| format!("`{key}`")).collect();
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
            _ => "",
        }
    }

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for screen in ScreenKind::ALL {
            let mut seen = HashSet::new();
            for (key, modifiers) in bindings(screen).flat_map(|binding| binding.keys) {
                assert!(seen.insert((*key, *modifiers)), "{key:?} is bound twice on {screen:?}");
            }
        }
    }

    #[test]
    fn capitals_work_with_and_without_the_shift_that_a_terminal_tells() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            let pressed = |c| action(ScreenKind::Overview, &KeyEvent::new(KeyCode::Char(c), modifiers));
            assert_eq!(pressed('G'), Some(KeyAction::Bottom));
            assert_eq!(pressed('!'), Some(KeyAction::Failures));
        }
        assert_eq!(action(ScreenKind::Overview, &KeyEvent::new(KeyCode::Char('G'), KeyModifiers::CONTROL)), None);
        assert_eq!(action(ScreenKind::Job, &KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE)), None);
    }

    #[test]
    fn the_last_line_of_every_screen_has_five_keys_at_least() {
        for screen in ScreenKind::ALL {
            assert!(bindings(screen).filter(|binding| binding.short.is_some()).count() >= 5, "{screen:?}");
        }
    }
}
