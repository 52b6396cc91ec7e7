//! The status table: aligned columns on a terminal, TAB-separated lines anywhere else.
//!
//! On a terminal no line is ever wider than it. Elsewhere nothing is cut and nothing but rows is written.

use super::style::styled;
use super::summary;
use crate::report::item::Span;
use crate::report::layout::{LaidCell, StagesWidth, TableRoom, in_full, lay_out};
use crate::report::status::StatusReport;
use crate::text::fit::GUTTER;
use crate::text::glyph::Charset;
use std::io::{self, Write};
use tabled::builder::Builder;
use tabled::settings::{Padding, Span as ColumnSpan, Style as Borders};

/// What the output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableStyle {
    /// Cells of the terminal; `None` when it is none.
    pub width: Option<u16>,
    pub color: bool,
    pub ascii: bool,
    pub stages: StagesWidth,
}

/// Writes the report in the form that the style asks for.
pub fn write(report: &StatusReport, style: &TableStyle, out: &mut dyn Write) -> io::Result<()> {
    let charset = if style.ascii { Charset::Ascii } else { Charset::Unicode };
    match style.width {
        Some(width) => {
            let room = TableRoom { width: usize::from(width), charset, stages: style.stages };
            write_terminal(report, room, style.color, out)
        }
        None => {
            for row in in_full(report, charset, style.stages) {
                let cells: Vec<String> = row.iter().map(|spans| painted(spans, style.color)).collect();
                writeln!(out, "{}", cells.join("\t"))?;
            }
            Ok(())
        }
    }
}

fn write_terminal(report: &StatusReport, room: TableRoom, color: bool, out: &mut dyn Write) -> io::Result<()> {
    if !report.rows.is_empty() {
        let layout = lay_out(report, room);
        let mut table = Builder::new();
        let mut wide = Vec::new();
        for (line, cells) in std::iter::once(&layout.header).chain(&layout.rows).enumerate() {
            table.push_record(record(line, cells, color, &mut wide));
        }
        let mut table = table.build();
        table.with(Borders::empty()).with(Padding::new(0, GUTTER, 0, 0));
        for (line, column, columns) in wide {
            table.modify((line, column), ColumnSpan::column(columns));
        }
        for line in table.to_string().lines() {
            writeln!(out, "{}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    summary::write(report, room, color, out)
}

/// Returns a line's texts, one per column, and notes those that go over several.
fn record(line: usize, cells: &[LaidCell], color: bool, wide: &mut Vec<(usize, usize, isize)>) -> Vec<String> {
    let mut record = Vec::new();
    for cell in cells {
        if cell.columns > 1 {
            wide.push((line, record.len(), cell.columns as isize));
        }
        // The table would share out what a wide text lacks among its columns, so each has its full width from the start.
        record.push(painted(&cell.spans, color) + &" ".repeat(cell.padding()));
        record.extend(std::iter::repeat_n(String::new(), cell.columns - 1));
    }
    record
}

fn painted(spans: &[Span], color: bool) -> String {
    spans.iter().map(|span| styled(&span.text, span.tone, color)).collect()
}

#[cfg(test)]
mod tests;
