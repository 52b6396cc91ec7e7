//! What it cost, what is missing, and the keys.

use super::paint::{joined, span};
use crate::domain::usage::{Api, Cost};
use crate::report::cell::Tone;
use crate::report::item::clean;
use crate::text::plural::counted;
use crate::text::size::size;
use crate::text::width::truncate;
use crate::tui::app::{App, Modal};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let width = usize::from(area.width);
    frame.render_widget(Paragraph::new(vec![facts(app, width), keys(app, width)]), area);
}

/// Says where one is, what is missing, and what the last reading took, in this order: a narrow screen loses the last.
fn facts<'a>(app: &App, width: usize) -> Line<'a> {
    let Some(snapshot) = &app.update.snapshot else { return Line::default() };
    if app.update.cached.is_some() {
        // Nothing has been read yet, so nothing is missing; the header says what this is.
        return joined(app, &Vec::from_iter(place(app).map(|place| (place, Tone::Muted))), width);
    }
    let Cost { requests, bytes } = app.update.cost;
    let api = match snapshot.usage.api {
        Api::Rest => "REST",
        Api::Graphql => "GraphQL",
    };
    let mut cost = format!("{} at the last reading", counted(requests, "request"));
    if let (Some(remaining), Some(limit)) = (snapshot.usage.remaining, snapshot.usage.limit) {
        cost.push_str(&format!(", {remaining} of {limit} left"));
    }
    cost.push_str(&format!(", {} over {api}", size(bytes)));
    let place = place(app).map(|place| (place, Tone::Muted));
    let problem = last_problem(app).map(|problem| (problem, Tone::Bad));
    let parts: Vec<_> = place.into_iter().chain(problem).chain([(cost, Tone::Muted)]).collect();
    joined(app, &parts, width)
}

/// Says which rows are seen, where not all are.
fn place(app: &App) -> Option<String> {
    let (rows, page) = (app.rows.len(), app.page());
    let last = (app.offset + page).min(rows);
    (rows > page).then(|| format!("rows {}-{last} of {rows}", app.offset + 1))
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
    if app.modal == Some(Modal::Help) {
        return Line::from(span(app, "q close the help", Tone::Muted));
    }
    let filter = if app.attention_only { "f all" } else { "f attention" };
    let keys = ["q quit", "? help", "r read now", filter, "s sort", "o open"];
    Line::from(span(app, truncate(&keys.join("  "), width, app.options.charset), Tone::Muted))
}
