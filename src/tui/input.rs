//! A line that is typed: text, and a cursor in it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

/// What a key has done to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputStep {
    Changed,
    Complete,
    Recall,
    Accepted,
    Given,
}

/// The text so far.
#[derive(Debug, Clone, Default)]
pub struct InputLine(Input);

impl InputLine {
    pub fn new(text: &str) -> Self {
        Self(Input::new(text.to_owned()))
    }

    pub fn text(&self) -> &str {
        self.0.value()
    }

    /// Returns what is before the cursor, and the rest.
    pub fn split(&self) -> (String, String) {
        let before: String = self.text().chars().take(self.0.cursor()).collect();
        let after: String = self.text().chars().skip(self.0.cursor()).collect();
        (before, after)
    }

    /// Takes a key.
    pub fn press(&mut self, key: &KeyEvent) -> InputStep {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let request = match (key.code, is_control) {
            (KeyCode::Enter, _) => return InputStep::Accepted,
            (KeyCode::Esc, _) => return InputStep::Given,
            (KeyCode::Tab, _) => return InputStep::Complete,
            (KeyCode::Up, _) => return InputStep::Recall,
            (KeyCode::Char('u'), true) => InputRequest::DeleteLine,
            (KeyCode::Char('w'), true) => InputRequest::DeletePrevWord,
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => InputRequest::GoToStart,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => InputRequest::GoToEnd,
            (KeyCode::Left, _) => InputRequest::GoToPrevChar,
            (KeyCode::Right, _) => InputRequest::GoToNextChar,
            (KeyCode::Backspace, _) => InputRequest::DeletePrevChar,
            (KeyCode::Delete, _) => InputRequest::DeleteNextChar,
            (KeyCode::Char(c), false) => InputRequest::InsertChar(c),
            _ => return InputStep::Changed,
        };
        self.0.handle(request);
        InputStep::Changed
    }
}
