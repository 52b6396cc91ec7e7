//! The rows; only those that the screen has room for are laid out and drawn, in columns that were measured over all.

use super::paint::spans;
use crate::collect::watch::WatchPhase;
use crate::report::cell::Tone;
use crate::report::layout::LaidCell;
use crate::text::duration::duration;
use crate::text::fit::GUTTER;
use crate::text::plural::counted;
use crate::text::wrap::wrap;
use crate::tui::app::App;
use crate::tui::banner::host_name;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let mut lines = vec![line(app, &app.measures.header)];
    let cursor = app.cursor_index();
    let room = usize::from(area.height).saturating_sub(1);
    for (n, row) in app.lines(room).iter().enumerate() {
        let mut cells = app.measures.line(row);
        let is_old = app.is_old(app.offset + n);
        if is_old {
            pale(&mut cells);
        }
        let mut line = line(app, &cells);
        if is_old && app.options.color {
            line = line.patch_style(Style::new().add_modifier(Modifier::DIM));
        }
        lines.push(if cursor == Some(app.offset + n) { highlighted(line, area.width) } else { line });
    }
    if app.rows.is_empty() {
        lines = wrap(&instead(app), usize::from(area.width)).into_iter().map(Line::raw).collect();
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Says why there are no rows.
fn instead(app: &App) -> String {
    let is_empty = app.update.snapshot.as_ref().is_some_and(|snapshot| snapshot.rows.is_empty());
    match app.update.phase {
        WatchPhase::Reading(progress) if !app.update.is_whole => {
            let host = host_name(&app.options.host);
            let since = duration(app.now.saturating_duration_since(app.phase_since));
            let what = match progress.listed {
                0 => "list of projects".to_owned(),
                listed => format!("pipelines of {}", counted(listed, "project")),
            };
            format!("waiting for the {what} from {host} for {since}")
        }
        _ if app.attention_only && !is_empty => "nothing wants attention; f shows all".to_owned(),
        _ => "no projects".to_owned(),
    }
}

/// Takes the green from what may have changed since.
fn pale(cells: &mut [LaidCell]) {
    for span in cells.iter_mut().flat_map(|cell| &mut cell.spans).filter(|span| span.tone == Tone::Good) {
        span.tone = Tone::Muted;
    }
}

fn line<'a>(app: &App, cells: &[LaidCell]) -> Line<'a> {
    let mut line = Vec::new();
    for cell in cells {
        line.extend(spans(app, &cell.spans));
        line.push(Span::raw(" ".repeat(cell.padding() + GUTTER)));
    }
    Line::from(line)
}

/// Turns a line around to its edge: the cursor is seen without colour, too.
fn highlighted(line: Line<'_>, width: u16) -> Line<'_> {
    let padding = usize::from(width).saturating_sub(line.width());
    let mut line = line;
    line.push_span(Span::raw(" ".repeat(padding)));
    line.patch_style(Style::new().add_modifier(Modifier::REVERSED))
}
