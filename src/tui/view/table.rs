//! The rows; only those that the screen has room for are laid out and drawn, in columns that were measured over all.

use super::paint::spans;
use crate::report::layout::LaidCell;
use crate::text::fit::GUTTER;
use crate::tui::app::App;
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
        let line = line(app, &app.measures.line(row));
        lines.push(if cursor == Some(app.offset + n) { highlighted(line, area.width) } else { line });
    }
    if app.update.snapshot.is_some() && app.rows.is_empty() {
        let word = if app.attention_only { "nothing wants attention; f shows all" } else { "no projects" };
        lines = vec![Line::raw(word)];
    }
    frame.render_widget(Paragraph::new(lines), area);
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
