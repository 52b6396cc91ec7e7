//! Delivery measures for people: two blocks for each basis, then a row for each project or group.

use super::columns;
use super::dora_words::{MeasureLine, heading, lines, parts, rows};
use super::sparkline::{relative, sparkline};
use super::stats_words::NO_DATA;
use crate::report::dora::DoraDocument;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;
use std::io::{self, Write};

/// Problems that are named; the JSON has all.
const MOST_PROBLEMS: usize = 10;

/// Writes everything.
pub(crate) fn write(document: &DoraDocument<'_>, charset: Charset, out: &mut dyn Write) -> io::Result<()> {
    let time = |time: &Option<String>| time.as_deref().unwrap_or(NO_DATA).replace('T', " ");
    let projects = counted(document.projects.len() as u64, "project");
    writeln!(out, "{}: {projects}, {} to {}", document.host, time(&document.from), time(&document.to))?;
    for problem in document.problems.iter().take(MOST_PROBLEMS) {
        let subject = problem.subject.as_deref().map(|subject| format!("{}: ", sanitise(subject))).unwrap_or_default();
        writeln!(out, "note: {subject}{}", sanitise(&problem.problem))?;
    }
    if let Some(more) = document.problems.len().checked_sub(MOST_PROBLEMS).filter(|more| *more > 0) {
        writeln!(out, "note: and {more} more: -o json has all")?;
    }
    let parts = parts(document);
    if parts.is_empty() {
        writeln!(out, "\n{NO_DATA}: nothing could be read of any project")?;
    }
    for (head, entry) in parts {
        writeln!(out, "\n{head}")?;
        write_lines(&lines(document, entry), out)?;
        writeln!(out, "  by week: {}", weeks(&entry.weeks, charset))?;
    }
    write_rows(document, charset, out)?;
    document.before_hint.iter().try_for_each(|hint| writeln!(out, "\nnote: {hint}"))
}

fn weeks(counts: &[usize], charset: Charset) -> String {
    sparkline(&relative(counts.iter().map(|count| *count as u64)), charset)
}

fn write_lines(lines: &[MeasureLine], out: &mut dyn Write) -> io::Result<()> {
    let mut block = "";
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    for line in lines {
        if line.block != block {
            block = line.block;
            writeln!(out, "  {block}")?;
        }
        let level = if line.level.is_empty() { String::new() } else { format!("level: {}", line.level) };
        let parts = [format!("{} ({})", line.value, line.basis), level, line.before.clone()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        writeln!(out, "    {:<width$}  {}", line.name, parts.join("; "))?;
    }
    Ok(())
}

fn write_rows(document: &DoraDocument<'_>, charset: Charset, out: &mut dyn Write) -> io::Result<()> {
    let rows = rows(document);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let with = |[a, b, c, d, e, f, g, h, i, j]: [String; 10], last: String| [a, b, c, d, e, f, g, h, i, j, last];
    let has_weeks = !matches!(document.by.word(), "week" | "month");
    let head = with(heading(document), if has_weeks { "by week".to_owned() } else { String::new() });
    let row = |row: super::dora_words::RowCells| {
        let line = if has_weeks && !row.weeks.is_empty() { weeks(&row.weeks, charset) } else { String::new() };
        with(row.cells, line)
    };
    let records: Vec<[String; 11]> = std::iter::once(head).chain(rows.into_iter().map(row)).collect();
    columns::write(&records, out)
}
