//! Delivery measures as Markdown, for a report.

use super::dora_words::{MeasureLine, heading, lines, parts, rows};
use super::markdown::escaped;
use super::stats_words::NO_DATA;
use crate::report::dora::DoraDocument;
use std::io::{self, Write};

/// Writes the measures of each basis, and a row for each project or group.
pub(crate) fn write(document: &DoraDocument<'_>, out: &mut dyn Write) -> io::Result<()> {
    let time = |time: &Option<String>| time.clone().unwrap_or_else(|| NO_DATA.to_owned());
    writeln!(
        out,
        "**Delivery of {} projects**, {} to {}",
        document.projects.len(),
        time(&document.from),
        time(&document.to)
    )?;
    if !document.problems.is_empty() {
        writeln!(out)?;
    }
    for problem in &document.problems {
        let subject = problem.subject.as_deref().map(|subject| format!("{subject}: ")).unwrap_or_default();
        writeln!(out, "- {}", escaped(&format!("{subject}{}", problem.problem)))?;
    }
    for (head, entry) in parts(document) {
        writeln!(out, "\n{}", escaped(&head))?;
        let head = ["", "measure", "value", "counted from", "before", "level"].map(str::to_owned);
        let rows = lines(document, entry).into_iter().map(measure_row);
        write_table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), out)?;
    }
    let records: Vec<[String; 10]> =
        std::iter::once(heading(document)).chain(rows(document).into_iter().map(|row| row.cells)).collect();
    if records.len() > 1 {
        write_table(&records, out)?;
    }
    Ok(())
}

fn measure_row(line: MeasureLine) -> [String; 6] {
    let block = line.block.split(',').next().unwrap_or_default().to_owned();
    let before = line.before.trim_start_matches("before: ").to_owned();
    [block, line.name.to_owned(), line.value, line.basis, before, line.level.to_owned()]
}

fn write_table<const N: usize>(records: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    for (at, record) in records.iter().enumerate() {
        let cells: Vec<String> = record.iter().map(|cell| escaped(cell).to_string()).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
        if at == 0 {
            writeln!(out, "|{}", "---|".repeat(N))?;
        }
    }
    Ok(())
}
