//! The help: the table of keys, and what the glyphs mean.

use super::paint::span;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::text::glyph::{Charset, glyph};
use crate::tui::app::App;
use crate::tui::keymap::BINDINGS;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

/// Keys are written in this many cells.
const LABEL: usize = 11;
/// And the words for the glyphs in this many.
const WORD: usize = 21;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Clear, area);
    let charset = app.options.charset;
    let mut lines = Vec::new();
    for binding in &BINDINGS {
        let label = match charset {
            Charset::Unicode => binding.label.to_owned(),
            Charset::Ascii => binding.label.replace('↑', "up").replace('↓', "down"),
        };
        lines.push(Line::from(vec![
            span(app, format!("{label:LABEL$} "), Tone::Active),
            span(app, binding.help, Tone::Plain),
        ]));
    }
    lines.push(Line::default());
    for row in Status::KNOWN.chunks((usize::from(area.width) / (WORD + 2)).max(1)) {
        let mut line = Vec::new();
        for status in row {
            line.push(span(app, glyph(status, charset), Tone::from(status)));
            line.push(span(app, format!(" {:<WORD$}", status.word()), Tone::Plain));
        }
        lines.push(Line::from(line));
    }
    let room = usize::from(area.height);
    if lines.len() > room {
        lines.truncate(room.saturating_sub(1));
        lines.push(Line::from(span(app, format!("{} a taller terminal shows more", charset.ellipsis()), Tone::Muted)));
    }
    frame.render_widget(Paragraph::new(lines), area);
}
