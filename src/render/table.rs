//! The status table: aligned columns on a terminal, TAB-separated lines anywhere else.
//!
//! On a terminal no line is ever wider than it. Elsewhere nothing is cut and nothing but rows is written.

use super::grid::{Grid, wanted};
use super::item::{Item, Painter};
use super::summary;
use crate::report::cell::Column;
use crate::report::status::{Row, StatusReport};
use crate::text::fit::{ColumnNeed, GUTTER, ROUNDS, fit_columns};
use crate::text::glyph::Charset;
use crate::text::width::cells;
use std::io::{self, Write};

/// What the output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Cells of the terminal; `None` when it is none.
    pub width: Option<u16>,
    pub color: bool,
    pub ascii: bool,
    pub stages: StagesWidth,
}

/// How wide the stages column may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StagesWidth {
    /// What the terminal leaves.
    #[default]
    Auto,
    /// At most this many cells.
    Cells(u16),
}

impl StagesWidth {
    fn limit(self) -> usize {
        match self {
            Self::Auto => usize::MAX,
            Self::Cells(cells) => usize::from(cells),
        }
    }
}

/// Writes the report in the form that the style asks for.
pub fn write(report: &StatusReport, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let charset = if style.ascii { Charset::Ascii } else { Charset::Unicode };
    let painter = Painter { color: style.color, charset };
    match style.width {
        Some(width) => write_terminal(report, style.stages, usize::from(width), painter, out),
        None => write_lines(report, style.stages, painter, out),
    }
}

fn write_terminal(
    report: &StatusReport,
    stages: StagesWidth,
    width: usize,
    painter: Painter,
    out: &mut dyn Write,
) -> io::Result<()> {
    let group = report.common_group.as_deref();
    let items = |row: &Row| row.contents.iter().map(|c| painter.item(c, group)).collect();
    let rows: Vec<Vec<Item>> = report.rows.iter().map(items).collect();
    if !rows.is_empty() {
        let needs: Vec<ColumnNeed> =
            report.columns.iter().enumerate().map(|(n, column)| need(*column, n, &rows, stages)).collect();
        let grid = Grid { columns: &report.columns, rows: &rows, painter };
        grid.write(&settle(&grid, needs, width), width, out)?;
        writeln!(out)?;
    }
    summary::write(report, width, painter, out)
}

/// Fits the columns, and gives what is not used after all to those that lack something.
///
/// Stages, pipelines and paths come in a few forms only: a row that wants 90 cells may have got 60 and print 12 glyphs.
fn settle(grid: &Grid<'_>, mut needs: Vec<ColumnNeed>, width: usize) -> Vec<Option<usize>> {
    let first = fit_columns(&needs, width);
    let naturals: Vec<usize> = needs.iter().map(|need| need.natural).collect();
    if let Some(n) = grid.columns.iter().position(|column| *column == Column::Stages)
        && let Some(given) = first[n]
    {
        let used = grid.used(n, given);
        needs[n] = ColumnNeed { natural: used, targets: [used; ROUNDS], leaves: None, floor: used };
    }
    let staying: Vec<usize> = (0..grid.columns.len()).filter(|n| first[*n].is_some()).collect();
    let needs: Vec<ColumnNeed> = staying.iter().map(|n| ColumnNeed { leaves: None, ..needs[*n] }).collect();

    let mut widths = vec![None; grid.columns.len()];
    let mut spare = width.saturating_sub(GUTTER * staying.len().saturating_sub(1));
    for (n, given) in staying.iter().zip(fit_columns(&needs, width)) {
        widths[*n] = given.map(|given| grid.used(*n, given));
        spare = spare.saturating_sub(widths[*n].unwrap_or(0));
    }
    for n in staying {
        let lacking = widths[n].map_or(0, |width| naturals[n].saturating_sub(width));
        if lacking <= spare {
            widths[n] = widths[n].map(|width| width + lacking);
            spare -= lacking;
        }
    }
    widths
}

fn write_lines(report: &StatusReport, stages: StagesWidth, painter: Painter, out: &mut dyn Write) -> io::Result<()> {
    for row in &report.rows {
        let cells: Vec<String> = row
            .contents
            .iter()
            .map(|content| match painter.item_in_full(content) {
                item @ Item::Stages(_) => item.print(stages.limit(), painter),
                item => item.print(usize::MAX, painter),
            })
            .collect();
        writeln!(out, "{}", cells.join("\t"))?;
    }
    Ok(())
}

/// Measures a column and says how far it gives way.
///
/// The last targets of the columns that always stand in the table add up to less than 80 cells, so that none of them
/// leaves an ordinary terminal. The id of a pipeline goes before the names of stages do: they say more.
fn need(column: Column, n: usize, rows: &[Vec<Item>], stages: StagesWidth) -> ColumnNeed {
    let limit = if column == Column::Stages { stages.limit() } else { usize::MAX };
    let widest = rows.iter().map(|row| wanted(row, n)).max().unwrap_or(0);
    let natural = widest.max(cells(column.title())).min(limit);
    let (targets, leaves, floor) = match column {
        Column::Project => ([36, 24, 16], None, 6),
        Column::Pipeline => ([22, 22, 18], None, 8),
        Column::Stages => ([48, 24, 12], None, 2),
        Column::Age => ([4, 4, 4], Some(1), 0),
        Column::Time => ([12, 12, 12], Some(2), 0),
        Column::Ref => ([24, 14, 8], Some(3), 0),
        Column::Duration => ([8, 8, 8], Some(4), 0),
        Column::User => ([20, 12, 8], Some(5), 0),
        Column::Commit => ([40, 24, 16], Some(6), 0),
        Column::Coverage => ([8, 8, 8], Some(7), 0),
        Column::Source => ([14, 10, 8], Some(8), 0),
        Column::Queued => ([7, 7, 7], Some(9), 0),
    };
    ColumnNeed { natural, targets, leaves, floor }
}

#[cfg(test)]
mod tests;
