//! What the user has done, and what has changed while the screen was open: newest first, by the minute.

use super::line::ScreenLine;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::text::age::in_zone;
use crate::tui::app::App;
use crate::tui::pending::ActionRecord;

pub fn lines(app: &App) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let mut lines = own_actions(app);
    if app.events.is_empty() {
        lines.push(ScreenLine::text("nothing has changed since this view was opened", Tone::Muted));
    }
    let mut minute = String::new();
    for event in app.events.iter().rev() {
        let at = in_zone(event.at, app.facts.options.status.zone).format("%a %H:%M").to_string();
        if at != minute {
            lines.push(ScreenLine::text(at.clone(), Tone::Muted));
            minute = at;
        }
        let project = clean(&app.short_path(&event.project), charset);
        let spans = vec![
            Span::new(format!("  {:<7} ", event.word), event.tone),
            Span::new(format!("{project}  "), Tone::Plain),
            Span::new(clean(&event.rest, charset), Tone::Muted),
        ];
        lines.push(ScreenLine { spans, target: event.target, is_bold: false });
    }
    lines
}

/// Lists what the user has done, the last first.
fn own_actions(app: &App) -> Vec<ScreenLine> {
    if app.actions.is_empty() {
        return Vec::new();
    }
    let charset = app.facts.options.charset;
    let of = |action: &ActionRecord| {
        ScreenLine::text(format!("  {}", clean(&action.text, charset)), action.tone).leading_to(action.target)
    };
    let done = app.actions.iter().rev().map(of);
    std::iter::once(ScreenLine::text("you", Tone::Muted)).chain(done).chain([ScreenLine::empty()]).collect()
}
