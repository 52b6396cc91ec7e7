//! Spans in the styles of the theme.

use crate::report::cell::Tone;
use crate::report::item::Span as Text;
use crate::text::glyph::Charset;
use crate::tui::app::App;
use ratatui::style::Style;
use ratatui::text::Span;

pub(super) fn style(app: &App, tone: Tone) -> Style {
    if !app.facts.options.color {
        return Style::new();
    }
    app.facts.options.theme.style(tone)
}

pub(super) fn span<'a>(app: &App, text: impl Into<String>, tone: Tone) -> Span<'a> {
    Span::styled(text.into(), style(app, tone))
}

pub(super) fn spans<'a>(app: &App, texts: &[Text]) -> Vec<Span<'a>> {
    texts.iter().map(|text| span(app, text.text.clone(), text.tone)).collect()
}

/// Returns the first cells of a line: the cursor, else a sign of what has changed there (`true` for what began to fail).
pub(super) fn gutter<'a>(app: &App, is_under_cursor: bool, mark: Option<bool>) -> Span<'a> {
    match (is_under_cursor, mark, app.facts.options.charset) {
        (true, _, Charset::Unicode) => Span::raw("▌ "),
        (true, _, Charset::Ascii | Charset::Words) => Span::raw("> "),
        (false, Some(true), _) => span(app, "! ", Tone::Bad),
        (false, Some(false), _) => span(app, "* ", Tone::Active),
        (false, None, _) => Span::raw("  "),
    }
}
