//! Rows in columns whose widths are settled. Only messages leave their column: they run on over what is empty behind them.

use super::item::{Item, Painter};
use super::paint::paint;
use crate::report::cell::{Column, Tone};
use crate::text::fit::GUTTER;
use crate::text::width::{cells, truncate};
use std::io::{self, Write};
use tabled::builder::Builder;
use tabled::settings::{Padding, Style as Borders};

/// A message wider than this would push the columns behind it out of sight.
const MESSAGE_NATURAL: usize = 40;

/// Everything that is printed but how wide it is.
pub(super) struct Grid<'a> {
    pub(super) columns: &'a [Column],
    pub(super) rows: &'a [Vec<Item>],
    pub(super) painter: Painter,
}

/// A column that is shown: its number, its width, and what it takes with its gutter.
struct Shown {
    n: usize,
    width: usize,
    taken: usize,
}

impl Grid<'_> {
    /// Writes header and rows; no line is wider than the terminal.
    pub(super) fn write(&self, widths: &[Option<usize>], terminal: usize, out: &mut dyn Write) -> io::Result<()> {
        let shown = |(n, width): (usize, &Option<usize>)| {
            width.map(|width| Shown { n, width, taken: self.used(n, width) + GUTTER })
        };
        let shown: Vec<Shown> = widths.iter().enumerate().filter_map(shown).collect();
        let aligned = self.align(&shown);
        let mut lines = aligned.lines();
        writeln!(out, "{}", lines.next().unwrap_or_default().trim_end())?;
        for (line, row) in lines.zip(self.rows) {
            let line = match shown.iter().position(|column| matches!(row[column.n], Item::Message(..))) {
                Some(at) => self.with_message(line, row, &shown, at, terminal),
                None => line.to_owned(),
            };
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Returns how many of `width` cells a column uses once it is printed.
    pub(super) fn used(&self, n: usize, width: usize) -> usize {
        let printed = self.rows.iter().map(|row| match &row[n] {
            Item::Message(..) => wanted(row, n).min(width),
            item => cells(&item.print(width, self.plain())),
        });
        printed.max().unwrap_or(0).max(cells(&self.title(n, width)))
    }

    /// Returns the header and the rows in columns, with room in place of the messages.
    fn align(&self, shown: &[Shown]) -> String {
        let mut table = Builder::new();
        let title = |column: &Shown| paint(&self.title(column.n, column.width), Tone::Muted, self.painter.color);
        table.push_record(shown.iter().map(title));
        for row in self.rows {
            let print = |column: &Shown| match &row[column.n] {
                Item::Message(..) => " ".repeat(wanted(row, column.n).min(column.width)),
                item => item.print(column.width, self.painter),
            };
            table.push_record(shown.iter().map(print));
        }
        let mut table = table.build();
        table.with(Borders::empty()).with(Padding::new(0, GUTTER, 0, 0));
        table.to_string()
    }

    /// Puts a message where `align` left room for it, and over the columns behind that have nothing to say in this row.
    fn with_message(&self, line: &str, row: &[Item], shown: &[Shown], at: usize, terminal: usize) -> String {
        let silent = shown[at + 1..].iter().take_while(|column| row[column.n].natural() == 0).count();
        let next = at + 1 + silent;
        let taken = |columns: &[Shown]| columns.iter().map(|column| column.taken).sum::<usize>();
        let (before, covered) = (taken(&shown[..at]), taken(&shown[at..next]));
        let room = if next == shown.len() { terminal.saturating_sub(before) } else { covered.saturating_sub(GUTTER) };

        // Padding is ASCII, so what colours and wide characters add to a line's length in bytes is theirs alone.
        let extra = |column: &Shown| {
            let printed = |painter| row[column.n].print(column.width, painter);
            printed(self.painter).len().saturating_sub(cells(&printed(self.plain())))
        };
        let start = before + shown[..at].iter().map(extra).sum::<usize>();
        let (Some(head), Some(tail)) = (line.get(..start), line.get(start + covered..)) else {
            return line.to_owned();
        };
        let message = |painter| row[shown[at].n].print(room, painter);
        let padding = covered.saturating_sub(cells(&message(self.plain())));
        format!("{head}{}{}{tail}", message(self.painter), " ".repeat(padding))
    }

    fn title(&self, n: usize, width: usize) -> String {
        truncate(self.columns[n].title(), width, self.painter.charset)
    }

    fn plain(&self) -> Painter {
        Painter { color: false, ..self.painter }
    }
}

/// Returns how many cells the content of a column wants; a message with nothing behind it runs on and wants none.
pub(super) fn wanted(row: &[Item], n: usize) -> usize {
    match &row[n] {
        Item::Message(..) if row[n + 1..].iter().all(|item| item.natural() == 0) => 0,
        message @ Item::Message(..) => message.natural().min(MESSAGE_NATURAL),
        item => item.natural(),
    }
}
