//! A line of a screen, and lines whose parts are below one another.

use super::place::ScreenPlace;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean, width_of};
use crate::text::fit::{ColumnNeed, GUTTER, fit_columns};
use crate::text::glyph::{Charset, glyph};
use crate::text::width::{cells, truncate};
use crate::text::wrap::wrap;
use std::sync::Arc;

/// One line, and where it leads.
#[derive(Debug, Clone, PartialEq)]
pub struct ScreenLine {
    pub spans: Vec<Span>,
    pub target: Option<ScreenPlace>,
    pub is_bold: bool,
}

impl ScreenLine {
    pub fn new(spans: Vec<Span>) -> Self {
        Self { spans, target: None, is_bold: false }
    }

    pub fn empty() -> Self {
        Self::new(Vec::new())
    }

    pub fn text(text: impl Into<String>, tone: Tone) -> Self {
        Self::new(vec![Span::new(text, tone)])
    }

    pub fn heading(text: impl Into<String>) -> Self {
        Self { is_bold: true, ..Self::text(text, Tone::Plain) }
    }

    pub fn leading_to(self, target: ScreenPlace) -> Self {
        Self { target: Some(target), ..self }
    }
}

/// The lines of a screen: its own, and below them those of a log, which are made once for many pictures.
#[derive(Debug, Clone, Default)]
pub struct ScreenLines {
    head: Vec<ScreenLine>,
    log: Arc<Vec<ScreenLine>>,
}

impl ScreenLines {
    pub fn new(head: Vec<ScreenLine>, log: Arc<Vec<ScreenLine>>) -> Self {
        Self { head, log }
    }

    pub fn count(&self) -> usize {
        self.head.len() + self.log.len()
    }

    /// Returns how many lines are above the log.
    pub fn before_log(&self) -> usize {
        self.head.len()
    }

    pub fn get(&self, at: usize) -> Option<&ScreenLine> {
        self.head.get(at).or_else(|| self.log.get(at.checked_sub(self.head.len())?))
    }

    /// Returns where a line leads; those of a log lead nowhere.
    pub fn target(&self, at: usize) -> Option<ScreenPlace> {
        self.head.get(at)?.target
    }

    /// Returns every line that leads somewhere, and where.
    pub fn targets(&self) -> impl DoubleEndedIterator<Item = (usize, ScreenPlace)> {
        self.head.iter().enumerate().filter_map(|(at, line)| Some((at, line.target?)))
    }

    /// Returns as many lines from one on.
    pub fn part(&self, first: usize, many: usize) -> impl Iterator<Item = (usize, &ScreenLine)> {
        (first..self.count().min(first.saturating_add(many))).filter_map(|at| Some((at, self.get(at)?)))
    }
}

/// Breaks a foreign text into lines.
pub fn wrapped(text: &str, tone: Tone, width: usize, charset: Charset) -> Vec<ScreenLine> {
    wrap(&clean(text, charset), width).into_iter().map(|line| ScreenLine::text(line, tone)).collect()
}

/// Returns a status as glyph and word.
pub fn status_span(status: &Status, charset: Charset) -> Span {
    let word = clean(&crate::report::item::status_words(status), charset);
    Span::new(format!("{} {word}", glyph(status, charset)).trim_start(), Tone::from(status))
}

/// Columns that leave where there is no room for all, the highest number first: half a word in each would say nothing.
const LEAVING: [(&str, u8); 6] = [("", 6), ("usual", 5), ("who", 4), ("also", 3), ("since", 2), ("ref", 1)];

/// A line of a list before it is known how wide its columns are.
#[derive(Debug, Clone)]
pub struct ListRow {
    pub cells: Vec<Span>,
    pub target: Option<ScreenPlace>,
}

/// Puts rows below their titles; a column without any content has none. The columns that are cut first are the widest ones, and none is wider than the screen.
pub fn listed(titles: &[&str], rows: &[ListRow], width: usize, charset: Charset) -> Vec<ScreenLine> {
    let natural = |n: usize| {
        let cells_of = |row: &ListRow| row.cells.get(n).map_or(0, |cell| cells(&cell.text));
        rows.iter().map(cells_of).max().unwrap_or(0).max(cells(titles[n]))
    };
    let need = |n: usize| {
        let natural = natural(n);
        let leaves = LEAVING.iter().find(|(title, _)| *title == titles[n]).map(|(_, turn)| *turn);
        ColumnNeed { natural, targets: [natural.min(32), natural.min(20), natural.min(12)], leaves, floor: 4 }
    };
    let has_content = |n: &usize| rows.iter().any(|row| row.cells.get(*n).is_some_and(|cell| !cell.text.is_empty()));
    let shown: Vec<usize> = (0..titles.len()).filter(has_content).collect();
    let needs: Vec<ColumnNeed> = shown.iter().map(|n| need(*n)).collect();
    let mut widths = vec![None; titles.len()];
    for (n, width) in shown.iter().zip(fit_columns(&needs, width)) {
        widths[*n] = width;
    }
    let title = titles.iter().map(|title| Span::new(*title, Tone::Muted)).collect::<Vec<_>>();
    let mut lines = vec![ScreenLine::new(in_columns(&title, &widths, charset))];
    lines.extend(rows.iter().map(|row| ScreenLine {
        spans: in_columns(&row.cells, &widths, charset),
        target: row.target,
        is_bold: false,
    }));
    lines
}

fn in_columns(cells_of: &[Span], widths: &[Option<usize>], charset: Charset) -> Vec<Span> {
    let mut spans = Vec::new();
    for (cell, width) in cells_of.iter().zip(widths) {
        let Some(width) = width else { continue };
        let text = truncate(&cell.text, *width, charset);
        let padding = width - cells(&text) + GUTTER;
        spans.push(Span::new(text, cell.tone));
        spans.push(Span::new(" ".repeat(padding), Tone::Plain));
    }
    // Blanks at the end would only be drawn.
    while spans.last().is_some_and(|span| span.text.trim().is_empty()) {
        spans.pop();
    }
    spans
}

/// Returns spans in no more than `width` cells.
pub fn cut(spans: &[Span], width: usize, charset: Charset) -> Vec<Span> {
    if width_of(spans) <= width {
        return spans.to_vec();
    }
    let mut room = width;
    let mut cut = Vec::new();
    for span in spans {
        let text = truncate(&span.text, room, charset);
        let is_whole = text == span.text;
        room -= cells(&text);
        cut.push(Span::new(text, span.tone));
        if !is_whole {
            break;
        }
    }
    cut
}
