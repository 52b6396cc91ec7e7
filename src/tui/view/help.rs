//! The help: the keys of the screen, and what the glyphs mean.

use super::paint::span;
use crate::domain::project::StateWord;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::status_words;
use crate::text::glyph::{Charset, glyph, state_glyph};
use crate::tui::app::App;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

/// Keys are written in this many cells.
const LABEL: usize = 11;
/// And the words for the glyphs in this many.
const WORD: usize = 21;

pub(super) fn draw(app: &App, offset: usize, frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Clear, area);
    let lines = lines(app, area.width);
    let room = usize::from(area.height);
    let offset = offset.min(lines.len().saturating_sub(room));
    let rest = lines.len() - offset;
    let mut shown: Vec<Line<'_>> = lines.into_iter().skip(offset).take(room).collect();
    if rest > room
        && let Some(last) = shown.last_mut()
    {
        let ellipsis = app.facts.options.charset.ellipsis();
        *last = Line::from(span(app, format!("{ellipsis} down shows more"), Tone::Muted));
    }
    frame.render_widget(Paragraph::new(shown), area);
}

fn lines(app: &App, width: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for bound in app.facts.options.keys.bindings(app.kind()) {
        let label = bound.label;
        lines.push(Line::from(vec![
            span(app, format!("{label:LABEL$} "), Tone::Active),
            span(app, bound.binding.help, Tone::Plain),
        ]));
    }
    lines.push(Line::default());
    for row in legend(app.facts.options.charset).chunks((usize::from(width) / (WORD + 2)).max(1)) {
        let mut line = Vec::new();
        for (glyph, tone, word) in row {
            line.push(span(app, *glyph, *tone));
            line.push(span(app, format!(" {word:<WORD$}"), Tone::Plain));
        }
        lines.push(Line::from(line));
    }
    lines
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
