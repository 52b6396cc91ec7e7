//! The list of projects; only what the screen has room for is laid out and drawn, in columns that were measured over all.

use super::paint::{gutter, span, spans};
use crate::collect::watch::WatchPhase;
use crate::report::cell::{Cell, Column, Content, Tone};
use crate::report::item::clean;
use crate::report::layout::LaidCell;
use crate::text::duration::duration;
use crate::text::fit::GUTTER;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::wrap::wrap;
use crate::tui::app::App;
use crate::tui::banner::host_name;
use crate::tui::screens::overview::{GroupHeading, OverviewLine, RowFacts};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let list = &app.overview;
    if list.lines.is_empty() {
        let lines: Vec<Line<'_>> = wrap(&instead(app), usize::from(area.width)).into_iter().map(Line::raw).collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let mut title = vec![Span::raw(" ".repeat(usize::from(list.indent())))];
    title.extend(cells(app, &list.measures.header));
    let mut lines = vec![Line::from(title)];
    let (cursor, room) = (list.cursor_index(), usize::from(area.height).saturating_sub(1));
    for (n, line) in list.lines.iter().enumerate().skip(list.offset).take(room) {
        let is_under_cursor = cursor == Some(n);
        let drawn = match line {
            OverviewLine::Heading(heading) => of_heading(app, heading, is_under_cursor),
            OverviewLine::Row(row) => of_row(app, row, is_under_cursor),
        };
        lines.push(if is_under_cursor { drawn.patch_style(Style::new().add_modifier(Modifier::BOLD)) } else { drawn });
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn of_heading<'a>(app: &App, heading: &GroupHeading, is_under_cursor: bool) -> Line<'a> {
    let charset = app.facts.options.charset;
    let fold = match (charset, heading.is_folded) {
        (Charset::Unicode, true) => "▸ ",
        (Charset::Unicode, false) => "▾ ",
        (Charset::Ascii | Charset::Words, true) => "+ ",
        (Charset::Ascii | Charset::Words, false) => "- ",
    };
    let mut line = vec![gutter(app, is_under_cursor, None), Span::raw(fold), Span::raw(clean(&heading.name, charset))];
    let is_sure = app.facts.update.is_whole && app.facts.freshness().is_fresh();
    for count in &heading.counts {
        // As in the first line: what is not all read, or not lately, does not look fine.
        let tone = if count.tone == Tone::Good && !is_sure { Tone::Muted } else { count.tone };
        line.push(Span::raw("  "));
        line.push(span(app, format!("{} {}", count.mark.glyph(charset), count.n), tone));
    }
    if heading.hidden > 0 {
        line.push(span(app, format!("  {} hidden", heading.hidden), Tone::Muted));
    }
    Line::from(line)
}

fn of_row<'a>(app: &App, row: &RowFacts, is_under_cursor: bool) -> Line<'a> {
    let list = &app.overview;
    let mark = list.change_marks.get(&row.key.project).map(|mark| mark.is_newly_red);
    let mut line = vec![gutter(app, is_under_cursor, mark)];
    let sign = if list.marked.contains(&row.key) { "x" } else { "" };
    line.push(Span::raw(format!("{sign:<width$}", width = usize::from(list.indent()) - 2)));
    if list.indent() == 2 && !sign.is_empty() {
        line[0] = Span::raw(if is_under_cursor { "▌x" } else { " x" });
        line[1] = Span::raw("");
    }
    let Some(mut content) = list.row(&app.facts, row) else { return Line::from(line) };
    if let Some(words) = row.pipeline.and_then(|pipeline| app.pending_words(row.key.project, pipeline)) {
        say_pending(&mut content.contents, &list.columns, &words, app.facts.options.charset);
    }
    let mut laid = list.measures.line(&content);
    let is_old = list.is_old(&app.facts, row);
    if is_old {
        pale(&mut laid);
    }
    line.extend(cells(app, &laid));
    let is_muted = list.muted.contains_key(&row.key.project);
    let line = Line::from(line);
    if (is_old || is_muted) && app.facts.options.color {
        return line.patch_style(Style::new().add_modifier(Modifier::DIM));
    }
    line
}

/// Says what was asked of GitLab in the place of what the row is about.
fn say_pending(contents: &mut [Content], columns: &[Column], words: &str, charset: Charset) {
    let wanted = [Column::What, Column::Stages, Column::Shape];
    let at = wanted.iter().find_map(|wanted| columns.iter().position(|column| column == wanted));
    if let Some(content) = at.and_then(|at| contents.get_mut(at)) {
        *content = Content::Text(Cell::new(format!("{} {words}", charset.asked()), Tone::Active));
    }
}

/// Says why there are no rows.
fn instead(app: &App) -> String {
    let is_empty = app.facts.update.snapshot.as_ref().is_some_and(|snapshot| snapshot.rows.is_empty());
    match app.facts.update.phase {
        WatchPhase::Reading(progress) if !app.facts.update.is_whole => {
            let host = host_name(&app.facts.options.host);
            let since = duration(app.facts.now.saturating_duration_since(app.facts.phase_since));
            let what = match progress.listed {
                0 => "list of projects".to_owned(),
                listed => format!("pipelines of {}", counted(listed, "project")),
            };
            format!("waiting for the {what} from {host} for {since}")
        }
        _ if !app.overview.filter.is_empty() => "no row matches the filter; esc ends it".to_owned(),
        _ if app.overview.quick.word().is_some() && !is_empty => {
            format!("{}: there is nothing; 6 shows all", app.overview.quick.word().unwrap_or_default())
        }
        _ => "no projects".to_owned(),
    }
}

/// Takes the green from what may have changed since.
fn pale(cells: &mut [LaidCell]) {
    for span in cells.iter_mut().flat_map(|cell| &mut cell.spans).filter(|span| span.tone == Tone::Good) {
        span.tone = Tone::Muted;
    }
}

fn cells<'a>(app: &App, cells: &[LaidCell]) -> Vec<Span<'a>> {
    let mut line = Vec::new();
    for cell in cells {
        line.extend(spans(app, &cell.spans));
        line.push(Span::raw(" ".repeat(cell.padding() + GUTTER)));
    }
    line
}
