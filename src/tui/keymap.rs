//! Which key does what: one table, which the help screen prints.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAction {
    Quit,
    Interrupt,
    Suspend,
    Help,
    Refresh,
    ToggleAttention,
    NextSort,
    Open,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    /// Closes what is open on top, or lets the cursor go.
    Back,
}

/// One line of the table: the keys, how they are written, and what they do.
pub struct KeyBinding {
    keys: &'static [(KeyCode, KeyModifiers)],
    pub label: &'static str,
    pub help: &'static str,
    pub action: KeyAction,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

/// Every key that means something.
pub const BINDINGS: [KeyBinding; 15] = [
    bind(&[(KeyCode::Char('q'), NONE)], "q", "quit", KeyAction::Quit),
    bind(&[(KeyCode::Char('?'), NONE), (KeyCode::F(1), NONE)], "?", "this help", KeyAction::Help),
    bind(&[(KeyCode::Char('r'), NONE), (KeyCode::F(5), NONE)], "r", "read now", KeyAction::Refresh),
    bind(&[(KeyCode::Char('f'), NONE)], "f", "only what wants attention, or all", KeyAction::ToggleAttention),
    bind(&[(KeyCode::Char('s'), NONE)], "s", "next order (attention, name, age...)", KeyAction::NextSort),
    bind(
        &[(KeyCode::Char('o'), NONE), (KeyCode::Enter, NONE)],
        "o enter",
        "open the pipeline in the browser",
        KeyAction::Open,
    ),
    bind(&[(KeyCode::Up, NONE), (KeyCode::Char('k'), NONE)], "↑ k", "one row up", KeyAction::Up),
    bind(&[(KeyCode::Down, NONE), (KeyCode::Char('j'), NONE)], "↓ j", "one row down", KeyAction::Down),
    bind(&[(KeyCode::PageUp, NONE), (KeyCode::Char('b'), CTRL)], "page up", "one screen up", KeyAction::PageUp),
    bind(
        &[(KeyCode::PageDown, NONE), (KeyCode::Char('f'), CTRL), (KeyCode::Char(' '), NONE)],
        "page down",
        "one screen down",
        KeyAction::PageDown,
    ),
    bind(&[(KeyCode::Home, NONE), (KeyCode::Char('g'), NONE)], "home g", "first row", KeyAction::Top),
    bind(
        &[(KeyCode::End, NONE), (KeyCode::Char('G'), KeyModifiers::SHIFT), (KeyCode::Char('G'), NONE)],
        "end G",
        "last row",
        KeyAction::Bottom,
    ),
    bind(&[(KeyCode::Esc, NONE)], "esc", "close the help; let the cursor go", KeyAction::Back),
    bind(&[(KeyCode::Char('z'), CTRL)], "ctrl-z", "suspend", KeyAction::Suspend),
    bind(&[(KeyCode::Char('c'), CTRL)], "ctrl-c", "interrupt: exit code 130", KeyAction::Interrupt),
];

const fn bind(
    keys: &'static [(KeyCode, KeyModifiers)],
    label: &'static str,
    help: &'static str,
    action: KeyAction,
) -> KeyBinding {
    KeyBinding { keys, label, help, action }
}

/// Returns what a key asks for.
pub fn action(key: &KeyEvent) -> Option<KeyAction> {
    let is_it = |binding: &&KeyBinding| binding.keys.contains(&(key.code, key.modifiers));
    BINDINGS.iter().find(is_it).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_means_two_things() {
        let mut seen = HashSet::new();
        for (key, modifiers) in BINDINGS.iter().flat_map(|binding| binding.keys) {
            assert!(seen.insert((format!("{key:?}"), *modifiers)), "{key:?} is bound twice");
        }
    }

    #[test]
    fn capitals_work_with_and_without_the_shift_that_a_terminal_tells() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            assert_eq!(action(&KeyEvent::new(KeyCode::Char('G'), modifiers)), Some(KeyAction::Bottom));
        }
        assert_eq!(action(&KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE)), None);
    }
}
