//! Everything that could not be read, with its whole message; and what the readings cost.

use super::line::{ScreenLine, wrapped};
use super::place::ScreenPlace;
use crate::domain::failure::Failure;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::snapshot::ProblemScope;
use crate::domain::usage::Api;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::text::plural::counted;
use crate::text::size::size;
use crate::tui::app::App;
use crate::tui::banner;

pub fn lines(app: &App) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let width = app.text_width();
    let mut lines = cost(app);
    lines.push(ScreenLine::empty());
    let before = lines.len();
    for said in banner::trouble(app) {
        lines.extend(wrapped(&said.text, said.tone, width, charset));
    }
    let problems = app.facts.update.snapshot.iter().flat_map(|snapshot| &snapshot.problems);
    for problem in problems {
        let scope = match problem.scope {
            ProblemScope::Group => "group",
            ProblemScope::Source => "projects of",
            ProblemScope::List => "list of projects of",
            ProblemScope::Project => "project",
            ProblemScope::Api => "API",
        };
        lines.push(ScreenLine::new(vec![
            Span::new(format!("{scope} "), Tone::Muted),
            Span::new(clean(&problem.subject, charset), Tone::Plain),
        ]));
        lines.extend(of_failure(app, &problem.failure));
    }
    for row in app.facts.rows() {
        lines.extend(of_row(app, row));
    }
    if lines.len() == before {
        lines.push(match app.facts.is_sure() {
            true => ScreenLine::text("all was read", Tone::Good),
            false => ScreenLine::text("not all was read yet, or not lately", Tone::Muted),
        });
    }
    lines
}

/// Returns what the last reading took, and what GitLab still allows.
fn cost(app: &App) -> Vec<ScreenLine> {
    let Some(snapshot) = &app.facts.update.snapshot else {
        return vec![ScreenLine::text("nothing was read yet", Tone::Muted)];
    };
    let cost = app.facts.update.cost;
    let api = match snapshot.usage.api {
        Api::Rest => "REST",
        Api::Graphql => "GraphQL",
    };
    let requests = counted(cost.requests, "request");
    let mut lines =
        vec![ScreenLine::text(format!("the last reading: {requests}, {} over {api}", size(cost.bytes)), Tone::Plain)];
    if let (Some(remaining), Some(limit)) = (snapshot.usage.remaining, snapshot.usage.limit) {
        lines.push(ScreenLine::text(format!("{remaining} of {limit} requests are left for now"), Tone::Plain));
    }
    lines
}

fn of_failure(app: &App, failure: &Failure) -> Vec<ScreenLine> {
    let (width, charset) = (app.text_width().saturating_sub(2), app.facts.options.charset);
    let lines = wrapped(&failure.to_string(), Tone::Bad, width, charset);
    lines
        .into_iter()
        .map(|mut line| {
            line.spans.insert(0, Span::new("  ", Tone::Plain));
            line
        })
        .collect()
}

/// Returns why a row, or a part of it, could not be read.
fn of_row(app: &App, row: &ProjectRow) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let what = match &row.state {
        RowState::Error(_) => "could not be read",
        RowState::Stale { .. } => "could not be read again",
        RowState::NoAccess(_) => "no access",
        RowState::Ok(_) if row.failure().is_some() => "a part could not be read",
        RowState::Ok(_) if row.has_unread() => "what it triggered could not all be read",
        RowState::Ok(_) | RowState::NoPipeline { .. } => return Vec::new(),
    };
    let name = clean(&app.short_path(&row.project.full_path), charset);
    let spans = vec![Span::new(name, Tone::Plain), Span::new(format!(": {what}"), Tone::Muted)];
    let mut lines = vec![ScreenLine::new(spans).leading_to(ScreenPlace::Project(row.project.id))];
    lines.extend(row.failure().into_iter().flat_map(|failure| of_failure(app, failure)));
    lines
}
