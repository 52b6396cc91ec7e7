//! What it cost, what is missing, and the keys.

use super::paint::span;
use crate::report::cell::Tone;
use crate::report::item::clean;
use crate::text::plural::counted;
use crate::text::width::truncate;
use crate::tui::app::App;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    frame.render_widget(Paragraph::new(vec![cost(app, width), keys(app, width)]), area);
}

fn cost<'a>(app: &App, width: usize) -> Line<'a> {
    let Some(snapshot) = &app.update.snapshot else { return Line::default() };
    let usage = &snapshot.usage;
    let mut text = format!("{} at the last reading", counted(app.update.cost, "request"));
    if let (Some(remaining), Some(limit)) = (usage.remaining, usage.limit) {
        text.push_str(&format!(", {remaining} of {limit} left"));
    }
    let mut line = vec![span(app, text.clone(), Tone::Muted)];
    if let Some(missing) = last_problem(app) {
        let missing = format!(" {} {missing}", app.options.charset.dot());
        let room = width.saturating_sub(text.chars().count());
        line.push(span(app, truncate(&missing, room, app.options.charset), Tone::Bad));
    }
    Line::from(line)
}

/// Returns the worst that is to be said: what is missing, else the last problem of any kind.
fn last_problem(app: &App) -> Option<String> {
    let problems = app.update.snapshot.as_ref().map(|snapshot| &snapshot.problems)?;
    let said = problems.last().map(|problem| problem.failure.message.as_str());
    let text = match (app.missing.first(), said) {
        (Some(missing), Some(said)) if !missing.contains(said) => format!("incomplete: {missing}: {said}"),
        (Some(missing), _) => format!("incomplete: {missing}"),
        (None, Some(said)) => said.to_owned(),
        (None, None) => return None,
    };
    Some(clean(&text, app.options.charset))
}

fn keys<'a>(app: &App, width: usize) -> Line<'a> {
    let filter = if app.attention_only { "f all" } else { "f attention" };
    let keys = ["q quit", "? help", "r read now", filter, "s sort", "o open"];
    Line::from(span(app, truncate(&keys.join("  "), width, app.options.charset), Tone::Muted))
}
