//! A report as lines of a terminal: which columns fit, what each cell then shows. Shared by the table and the live view.
//!
//! No line is ever wider than the terminal. Only messages leave their column: they run on over what is empty behind them.

use super::cell::{Column, Tone};
use super::item::{Span, TableItem, width_of};
use super::status::{MANY_ROWS, Row, StatusReport};
use crate::cores;
use crate::text::fit::{ColumnNeed, GUTTER, ROUNDS, fit_columns};
use crate::text::glyph::Charset;
use crate::text::width::{cells, truncate};

/// A message wider than this would push the columns behind it out of sight.
const MESSAGE_NATURAL: usize = 40;

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
    pub(crate) fn limit(self) -> usize {
        match self {
            Self::Auto => usize::MAX,
            Self::Cells(cells) => usize::from(cells),
        }
    }
}

/// The room that a report is laid out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableRoom {
    /// Cells of the terminal.
    pub width: usize,
    pub charset: Charset,
    pub stages: StagesWidth,
}

/// A report, laid out: every line has cells from left to right, with a gutter between two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableLayout {
    pub header: Vec<LaidCell>,
    /// One per row of the report.
    pub rows: Vec<Vec<LaidCell>>,
}

/// One cell of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidCell {
    pub spans: Vec<Span>,
    /// What it takes, padding included.
    pub width: usize,
    /// Over how many columns it goes.
    pub columns: usize,
}

impl LaidCell {
    /// Returns how many blanks stand behind its text.
    pub fn padding(&self) -> usize {
        self.width.saturating_sub(width_of(&self.spans))
    }
}

/// Lays a report out.
pub fn lay_out(report: &StatusReport, room: TableRoom) -> TableLayout {
    let (measures, rows) = ColumnMeasures::of(report, room);
    TableLayout { rows: rows.iter().map(|row| measures.line_of(row)).collect(), header: measures.header }
}

/// Measures a report, for lines that are laid out one by one.
pub fn measure(report: &StatusReport, room: TableRoom) -> ColumnMeasures {
    ColumnMeasures::of(report, room).0
}

fn items(row: &Row, columns: &[Column], group: Option<&str>, charset: Charset) -> Vec<TableItem> {
    let item = |(content, column): (_, &Column)| match column {
        Column::Ref | Column::User => TableItem::new(content, group, charset).into_name(),
        Column::State => TableItem::new(content, group, charset).without_id(),
        _ => TableItem::new(content, group, charset),
    };
    row.contents.iter().zip(columns).map(item).collect()
}

fn without_ids(row: Vec<TableItem>) -> Vec<TableItem> {
    row.into_iter().map(TableItem::without_id).collect()
}

/// Which columns of a report are shown, and how wide each is.
#[derive(Debug, Clone, Default)]
pub struct ColumnMeasures {
    pub header: Vec<LaidCell>,
    shown: Vec<ShownColumn>,
    columns: Vec<Column>,
    /// Whether pipelines have their numbers: all or none.
    has_ids: bool,
    group: Option<String>,
    charset: Charset,
}

impl ColumnMeasures {
    fn of(report: &StatusReport, room: TableRoom) -> (Self, Vec<Vec<TableItem>>) {
        let item = |row: &Row| items(row, &report.columns, report.common_group.as_deref(), room.charset);
        let mut rows: Vec<Vec<TableItem>> = cores::map(&report.rows, MANY_ROWS, item);
        let settled = |rows: &[Vec<TableItem>]| {
            let grid = CellGrid { columns: &report.columns, rows, charset: room.charset };
            settle(&grid, room)
        };
        let mut widths = settled(&rows);
        let pipeline = report.columns.iter().position(|column| *column == Column::Pipeline);
        let fits = |n: usize| rows.iter().all(|row| widths[n].is_some_and(|width| row[n].natural() <= width));
        let has_ids = pipeline.is_none_or(fits);
        if !has_ids {
            rows = rows.into_iter().map(without_ids).collect();
            widths = settled(&rows);
        }
        let grid = CellGrid { columns: &report.columns, rows: &rows, charset: room.charset };
        let (header, shown) = grid.fill(&widths, room.width);
        let (columns, group) = (report.columns.clone(), report.common_group.clone());
        (Self { header, shown, columns, has_ids, group, charset: room.charset }, rows)
    }

    /// Lays a row of that report out, or of a later one whose rows are no wider.
    pub fn line(&self, row: &Row) -> Vec<LaidCell> {
        let items = items(row, &self.columns, self.group.as_deref(), self.charset);
        self.line_of(&if self.has_ids { items } else { without_ids(items) })
    }

    fn line_of(&self, row: &[TableItem]) -> Vec<LaidCell> {
        let mut line = Vec::with_capacity(self.shown.len());
        let mut at = 0;
        while let Some(column) = self.shown.get(at) {
            let item = &row[column.n];
            let mut cell = LaidCell { spans: Vec::new(), width: column.used, columns: 1 };
            let mut room = column.width;
            if matches!(item, TableItem::Message(..)) {
                for silent in self.shown[at + 1..].iter().take_while(|column| row[column.n].natural() == 0) {
                    cell.width += GUTTER + silent.used;
                    cell.columns += 1;
                }
                room = cell.width;
            }
            cell.spans = item.fit(room, self.charset);
            if item.natural() > 0 {
                push_right(&mut cell.spans, column.right);
            }
            at += cell.columns;
            line.push(cell);
        }
        line
    }
}

/// Returns a report's rows with nothing cut but what the stages' own width says.
pub fn in_full(report: &StatusReport, charset: Charset, stages: StagesWidth) -> Vec<Vec<Vec<Span>>> {
    let cell = |content| match TableItem::in_full(content, charset) {
        item @ TableItem::Stages(_) => item.fit(stages.limit(), charset),
        item => item.fit(usize::MAX, charset),
    };
    report.rows.iter().map(|row| row.contents.iter().map(cell).collect()).collect()
}

/// Everything that is laid out but how wide it is.
struct CellGrid<'a> {
    columns: &'a [Column],
    rows: &'a [Vec<TableItem>],
    charset: Charset,
}

/// A column that is shown: its number, the width that its contents may take, and the one that they do.
#[derive(Debug, Clone)]
struct ShownColumn {
    n: usize,
    width: usize,
    used: usize,
    /// Where its contents end; 0 where they start at the left.
    right: usize,
}

/// Puts blanks before a text so that it ends at this cell.
fn push_right(spans: &mut Vec<Span>, end: usize) {
    let blanks = end.saturating_sub(width_of(spans));
    if blanks > 0 {
        spans.insert(0, Span::new(" ".repeat(blanks), Tone::Plain));
    }
}

impl CellGrid<'_> {
    fn fill(&self, widths: &[Option<usize>], terminal: usize) -> (Vec<LaidCell>, Vec<ShownColumn>) {
        let used = |(n, width): (usize, &Option<usize>)| {
            let width = (*width)?;
            let used = self.used(n, width);
            let right = if is_number(self.columns[n]) { used } else { 0 };
            Some(ShownColumn { n, width, used, right })
        };
        let mut shown: Vec<ShownColumn> = widths.iter().enumerate().filter_map(used).collect();
        // The last column goes on to the terminal's edge, so that messages may.
        let before: usize = shown.iter().rev().skip(1).map(|column| column.used + GUTTER).sum();
        if let Some(last) = shown.last_mut() {
            last.used = terminal.saturating_sub(before);
        }
        let header = shown.iter().map(|column| {
            let mut spans = vec![Span::new(self.title(column.n, column.width), Tone::Muted)];
            push_right(&mut spans, column.right);
            LaidCell { spans, width: column.used, columns: 1 }
        });
        (header.collect(), shown)
    }

    /// Returns how many of `width` cells a column uses once it is printed.
    fn used(&self, n: usize, width: usize) -> usize {
        let printed = self.rows.iter().map(|row| match &row[n] {
            TableItem::Message(..) => wanted(row, n).min(width),
            item if item.natural() <= width => item.natural(),
            item => width_of(&item.fit(width, self.charset)),
        });
        printed.max().unwrap_or(0).max(cells(&self.title(n, width)))
    }

    fn title(&self, n: usize, width: usize) -> String {
        truncate(self.columns[n].title(), width, self.charset)
    }
}

fn is_number(column: Column) -> bool {
    matches!(column, Column::Duration | Column::Age | Column::Coverage | Column::Queued | Column::Usual | Column::Since)
}

/// Fits the columns, and gives what is not used after all to those that lack something.
///
/// Stages and paths come in a few forms only: a row that wants 90 cells may have got 60 and print 12 glyphs. Where not all
/// fits, a few rows that are much wider than the others do not count: they are cut, unless room is left in the end.
fn settle(grid: &CellGrid<'_>, room: TableRoom) -> Vec<Option<usize>> {
    let width = room.width;
    let need = |n: usize| need(grid.columns[n], n, grid.rows, room.stages);
    let mut needs: Vec<ColumnNeed> = (0..grid.columns.len()).map(need).collect();
    let naturals: Vec<usize> = needs.iter().map(|need| need.natural).collect();
    if naturals.iter().sum::<usize>() + GUTTER * naturals.len().saturating_sub(1) > width {
        for (n, need) in needs.iter_mut().enumerate() {
            need.natural = usual(n, grid).min(need.natural).max(cells(grid.columns[n].title()));
        }
    }
    let first = fit_columns(&needs, width);
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
    // What a pipeline is about is what the others are read for.
    let (first, others): (Vec<usize>, Vec<usize>) = staying.iter().partition(|n| grid.columns[**n] == Column::What);
    for n in first.into_iter().chain(others) {
        let Some(given) = widths[n] else { continue };
        // Not all of what is offered is taken: names of stages come back only where they fit.
        let taken = grid.used(n, given + naturals[n].saturating_sub(given).min(spare)).max(given);
        spare -= taken - given;
        widths[n] = Some(taken);
    }
    widths
}

/// Returns the width that nine of ten rows of a column do with, where the widest is far beyond it.
fn usual(n: usize, grid: &CellGrid<'_>) -> usize {
    const FEW: usize = 4;
    if !matches!(grid.columns[n], Column::Project | Column::Ref | Column::User | Column::Commit | Column::What)
        || grid.rows.len() < FEW
    {
        return usize::MAX;
    }
    let mut widths: Vec<usize> = grid.rows.iter().map(|row| wanted(row, n)).collect();
    widths.sort_unstable();
    let most = widths[widths.len() - 1 - widths.len().div_ceil(10)];
    let widest = widths[widths.len() - 1];
    if widest > most + most / 2 { most } else { widest }
}

/// Measures a column and says how far it gives way.
///
/// What failed or runs keeps the names of its stages before the numbers of pipelines, refs and ages keep their places.
fn need(column: Column, n: usize, rows: &[Vec<TableItem>], stages: StagesWidth) -> ColumnNeed {
    /// Two names of stages.
    const NAMES: usize = 26;
    let limit = if column == Column::Stages { stages.limit() } else { usize::MAX };
    let widest = rows.iter().map(|row| wanted(row, n)).max().unwrap_or(0);
    let natural = widest.max(cells(column.title())).min(limit);
    let needed = rows.iter().map(|row| row[n].least()).max().unwrap_or(0);
    let least = needed.clamp(12, NAMES);
    let (targets, leaves, floor) = match column {
        Column::Project => ([36, 24, 16], None, 6),
        Column::Pipeline => ([22, 22, 20], None, 8),
        Column::Stages => ([48, least.max(24), least], None, 2),
        Column::Age => ([4, 4, 4], Some(1), 0),
        Column::Time => ([12, 12, 12], Some(2), 0),
        Column::Ref => ([24, 14, 8], Some(3), 0),
        Column::Duration => ([8, 8, 8], Some(4), 0),
        Column::User => ([20, 12, 8], Some(5), 0),
        Column::Commit => ([40, 24, 16], Some(6), 0),
        Column::Coverage => ([8, 8, 8], Some(7), 0),
        Column::Source => ([14, 10, 8], Some(8), 0),
        Column::Queued => ([7, 7, 7], Some(9), 0),
        Column::Usual => ([8, 8, 8], Some(10), 0),
        Column::Since => ([5, 5, 5], Some(2), 0),
        Column::What => ([48, 40, 16], None, 8),
        Column::State => ([22, needed.max(14), needed.max(11)], None, 8),
        Column::Shape => ([16, 12, 8], Some(7), 0),
    };
    ColumnNeed { natural, targets, leaves, floor }
}

/// Returns how many cells the content of a column wants; a message with nothing behind it runs on and wants none.
fn wanted(row: &[TableItem], n: usize) -> usize {
    match &row[n] {
        TableItem::Message(..) if row[n + 1..].iter().all(|item| item.natural() == 0) => 0,
        message @ TableItem::Message(..) => message.natural().min(MESSAGE_NATURAL),
        item => item.natural(),
    }
}
