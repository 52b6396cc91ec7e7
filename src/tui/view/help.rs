//! The help: the table of keys, and what the glyphs mean.

use super::paint::span;
use crate::domain::project::StateWord;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::status_words;
use crate::text::glyph::{Charset, glyph, state_glyph};
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
    for row in legend(charset).chunks((usize::from(area.width) / (WORD + 2)).max(1)) {
        let mut line = Vec::new();
        for (glyph, tone, word) in row {
            line.push(span(app, *glyph, *tone));
            line.push(span(app, format!(" {word:<WORD$}"), Tone::Plain));
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

/// Returns every glyph that a row can have, with what it means.
fn legend(charset: Charset) -> Vec<(&'static str, Tone, String)> {
    let unknown = Status::Other("an unknown status".into());
    let statuses = Status::KNOWN.into_iter().chain([unknown]);
    let statuses =
        statuses.map(|status| (glyph(&status, charset), Tone::from(&status), status_words(&status).into_owned()));
    let states = [StateWord::Error, StateWord::NoAccess, StateWord::NoPipeline];
    let states = states.map(|state| (state_glyph(state, charset), Tone::from(state), state.word().replace('_', " ")));
    statuses.chain(states).collect()
}
