//! Tones as the sixteen colours that every terminal has, readable on any background.

use crate::report::cell::Tone;
use anstyle::{AnsiColor, Style};

/// Puts the colour of a tone around a text; leaves it alone where colour is off or means nothing.
pub(super) fn styled(text: &str, tone: Tone, color: bool) -> String {
    let style = style(tone);
    if !color || text.is_empty() || style.is_plain() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}

fn style(tone: Tone) -> Style {
    let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match tone {
        Tone::Plain => Style::new(),
        Tone::Good => colored(AnsiColor::Green),
        Tone::Warn => colored(AnsiColor::Yellow),
        Tone::Bad => colored(AnsiColor::Red),
        Tone::Active => colored(AnsiColor::Cyan),
        Tone::Blocked => colored(AnsiColor::Magenta),
        Tone::Muted => Style::new().dimmed(),
    }
}
