//! Where one is, what it cost, and the keys.

use super::paint::{joined, span};
use crate::domain::usage::{Api, Cost};
use crate::report::cell::Tone;
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

/// Says where one is and what the last reading took, in this order: a narrow screen loses the last.
fn facts<'a>(app: &App, width: usize) -> Line<'a> {
    let Some(snapshot) = &app.update.snapshot else { return Line::default() };
    let place = place(app).map(|place| (place, Tone::Muted));
    if !app.update.is_whole {
        return joined(app, &Vec::from_iter(place), width);
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
    joined(app, &Vec::from_iter(place.into_iter().chain([(cost, Tone::Muted)])), width)
}

/// Says which rows are seen, where not all are.
fn place(app: &App) -> Option<String> {
    let (rows, page) = (app.rows.len(), app.page());
    let last = (app.offset + page).min(rows);
    (rows > page).then(|| format!("rows {}-{last} of {rows}", app.offset + 1))
}

fn keys<'a>(app: &App, width: usize) -> Line<'a> {
    if app.modal == Some(Modal::Help) {
        return Line::from(span(app, "q close the help", Tone::Muted));
    }
    let filter = if app.attention_only { "f all" } else { "f attention" };
    let keys = ["q quit", "? help", "r read now", filter, "s sort", "o open"];
    Line::from(span(app, truncate(&keys.join("  "), width, app.options.charset), Tone::Muted))
}
