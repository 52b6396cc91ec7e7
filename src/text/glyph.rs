//! One-cell glyphs for statuses, in Unicode and in ASCII. Without colours.

use crate::domain::project::StateWord;
use crate::domain::status::Status;

/// Which characters may be used for what we draw ourselves; foreign names keep theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Charset {
    #[default]
    Unicode,
    Ascii,
    /// No signs at all: every glyph has a word beside it, which says the same.
    Words,
}

impl Charset {
    /// Returns the mark for text that was cut away, one cell wide.
    pub fn ellipsis(self) -> &'static str {
        match self {
            Self::Unicode => "…",
            Self::Ascii => "~",
            Self::Words => "...",
        }
    }

    /// Returns what points from a pipeline to the one that it triggered.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Unicode => "→",
            Self::Ascii => "->",
            Self::Words => "next:",
        }
    }

    /// Returns the sign of what was asked for and has not come yet.
    pub fn asked(self) -> &'static str {
        match self {
            Self::Unicode => "↻",
            Self::Ascii => "~",
            Self::Words => "",
        }
    }

    /// Returns the sign before what the chosen one needs.
    pub fn needed(self) -> &'static str {
        match self {
            Self::Unicode => "«",
            Self::Ascii => "<",
            Self::Words => "",
        }
    }

    /// Returns what separates the facts of a summary.
    pub fn dot(self) -> &'static str {
        match self {
            Self::Unicode => "·",
            Self::Ascii => "|",
            Self::Words => ",",
        }
    }
}

/// What a glyph can mean: a status, or the state of a row that shows no pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    Status(Status),
    State(StateWord),
}

impl Mark {
    pub fn glyph(&self, charset: Charset) -> &'static str {
        match self {
            Self::Status(status) => glyph(status, charset),
            Self::State(state) => state_glyph(*state, charset),
        }
    }
}

/// Returns the glyph of a status.
///
/// Only characters that terminals draw in one cell: none with an emoji presentation by default.
/// ASCII has no `+`, because `+3` counts the stages that are not shown, and no `~`, which is its ellipsis.
pub fn glyph(status: &Status, charset: Charset) -> &'static str {
    let (unicode, ascii) = match status {
        Status::Created => ("·", "."),
        Status::WaitingForResource => ("⧗", "w"),
        Status::Preparing => ("◐", "p"),
        Status::WaitingForCallback => ("↺", "b"),
        Status::Pending => ("○", "o"),
        Status::Running => ("●", "*"),
        Status::Success => ("✓", "v"),
        Status::Warning => ("!", "!"),
        Status::Failed => ("✗", "x"),
        Status::Canceling => ("⊖", "c"),
        Status::Canceled => ("⊘", "/"),
        Status::Skipped => ("»", "s"),
        Status::Manual => ("▷", ">"),
        Status::Scheduled => ("◷", "@"),
        Status::Other(_) => ("?", "?"),
    };
    pick(charset, unicode, ascii)
}

/// Returns the glyph of a row's state.
pub fn state_glyph(state: StateWord, charset: Charset) -> &'static str {
    let (unicode, ascii) = match state {
        StateWord::Ok => ("✓", "v"),
        StateWord::NoPipeline => ("–", "-"),
        StateWord::NoAccess => ("⊠", "#"),
        StateWord::Error => ("‼", "E"),
        StateWord::Stale => ("≈", "="),
    };
    pick(charset, unicode, ascii)
}

fn pick(charset: Charset, unicode: &'static str, ascii: &'static str) -> &'static str {
    match charset {
        Charset::Unicode => unicode,
        Charset::Ascii => ascii,
        Charset::Words => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width::cells;
    use std::collections::HashMap;

    #[test]
    fn every_status_has_one_cell_of_its_own() {
        for charset in [Charset::Unicode, Charset::Ascii] {
            let rows = StateWord::ALL.into_iter().filter(|state| *state != StateWord::Ok).map(Mark::State);
            let statuses = Status::KNOWN.into_iter().chain([Status::Other("odd".into())]).map(Mark::Status);
            let mut seen: HashMap<&str, Mark> = HashMap::new();
            for mark in statuses.chain(rows) {
                let glyph = mark.glyph(charset);
                assert_eq!(cells(glyph), 1, "{mark:?} {glyph}");
                assert!(charset == Charset::Unicode || (glyph.is_ascii() && glyph != "+" && glyph != "~"), "{glyph}");
                if let Some(other) = seen.insert(glyph, mark.clone()) {
                    panic!("{glyph} means {mark:?} and {other:?}");
                }
            }
        }
    }
}
