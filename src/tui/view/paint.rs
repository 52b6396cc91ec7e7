//! Tones as styles of the terminal's own sixteen colours, no background.

use crate::report::cell::Tone;
use crate::report::item::Span as Text;
use crate::text::width::{cells, truncate};
use crate::tui::app::App;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

pub(super) fn style(app: &App, tone: Tone) -> Style {
    if !app.options.color {
        return Style::new();
    }
    match tone {
        Tone::Plain => Style::new(),
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Warn => Style::new().fg(Color::Yellow),
        Tone::Bad => Style::new().fg(Color::Red),
        Tone::Active => Style::new().fg(Color::Cyan),
        Tone::Blocked => Style::new().fg(Color::Magenta),
        Tone::Muted => Style::new().add_modifier(Modifier::DIM),
    }
}

pub(super) fn span<'a>(app: &App, text: impl Into<String>, tone: Tone) -> Span<'a> {
    Span::styled(text.into(), style(app, tone))
}

pub(super) fn spans<'a>(app: &App, texts: &[Text]) -> Vec<Span<'a>> {
    texts.iter().map(|text| span(app, text.text.clone(), text.tone)).collect()
}

/// Joins what is to be said, the most important first; what the width has no room for is cut with a sign of it.
pub(super) fn joined<'a>(app: &App, parts: &[(String, Tone)], width: usize) -> Line<'a> {
    let separator = format!(" {} ", app.options.charset.dot());
    let mut line = Vec::new();
    let mut room = width;
    for (n, (text, tone)) in parts.iter().enumerate() {
        let text = if n > 0 { format!("{separator}{text}") } else { text.clone() };
        let cut = truncate(&text, room, app.options.charset);
        room -= cells(&cut);
        let is_cut = cut != text;
        line.push(span(app, cut, *tone));
        if is_cut {
            break;
        }
    }
    Line::from(line)
}
