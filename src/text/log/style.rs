//! The colours of a log that are kept: sixteen and bold, which every terminal has in its own palette.

use std::fmt::Write;

/// How a stretch of a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogStyle {
    /// In ANSI's order: 0 to 7, then the bright ones.
    pub colour: Option<u8>,
    pub is_bold: bool,
}

/// A style from a byte of the line on, up to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StyledRun {
    pub start: usize,
    pub style: LogStyle,
}

impl LogStyle {
    /// Applies a "select graphic rendition"; what is not kept changes nothing.
    pub(super) fn apply(&mut self, params: &vte::Params) {
        let mut params = params.iter();
        while let Some(param) = params.next() {
            match *param {
                [0] => *self = Self::default(),
                [1] => self.is_bold = true,
                [22] => self.is_bold = false,
                [code @ 30..=37] => self.colour = u8::try_from(code - 30).ok(),
                [39] => self.colour = None,
                [code @ 90..=97] => self.colour = u8::try_from(code - 82).ok(),
                // Colours by number or by their parts: what they say follows as parameters of its own.
                [38 | 48] => match params.next() {
                    Some([5]) => self.apply_indexed(param[0], params.next().and_then(|index| index.first())),
                    Some([2]) => drop(params.by_ref().take(3).count()),
                    _ => {}
                },
                [38, 5, index] => self.apply_indexed(38, Some(&index)),
                _ => {}
            }
        }
    }

    fn apply_indexed(&mut self, ground: u16, index: Option<&u16>) {
        if ground == 38 {
            self.colour = index.and_then(|index| u8::try_from(*index).ok()).filter(|index| *index < 16);
        }
    }

    /// Writes the sequence that switches from no style to this one.
    fn write(self, to: &mut String) {
        let bold = if self.is_bold { "1" } else { "" };
        let colour = self.colour.map_or(0, |colour| u16::from(colour) + if colour < 8 { 30 } else { 82 });
        let _ = match (self.is_bold, self.colour) {
            (_, None) => write!(to, "\u{1B}[{bold}m"),
            (false, Some(_)) => write!(to, "\u{1B}[{colour}m"),
            (true, Some(_)) => write!(to, "\u{1B}[1;{colour}m"),
        };
    }
}

/// Returns a line with its styles as sequences of a terminal, reset at its end.
pub(super) fn painted(text: &str, runs: &[StyledRun]) -> String {
    let mut painted = String::with_capacity(text.len() + 16 * runs.len());
    painted.push_str(&text[..runs.first().map_or(text.len(), |run| run.start)]);
    for (n, run) in runs.iter().enumerate() {
        let end = runs.get(n + 1).map_or(text.len(), |next| next.start);
        let is_styled = run.style != LogStyle::default();
        if is_styled {
            run.style.write(&mut painted);
        }
        painted.push_str(&text[run.start..end]);
        if is_styled {
            painted.push_str("\u{1B}[0m");
        }
    }
    painted
}
