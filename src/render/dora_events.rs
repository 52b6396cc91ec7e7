//! The events behind a measure, and the projects whose numbers cannot be trusted, in columns.

use super::columns;
use crate::report::dora_events::{DoraCheck, DoraEvents};
use crate::text::plural::counted;
use std::io::{self, Write};

pub(crate) fn write_events(document: &DoraEvents<'_>, out: &mut dyn Write) -> io::Result<()> {
    let heading = ["when", "project", "what", "verdict", "rule", "evidence", "link"].map(str::to_owned);
    let rows = document.events.iter().map(|event| {
        [
            event.at.clone().unwrap_or_default(),
            event.project.to_owned(),
            event.what.clone(),
            event.verdict.clone(),
            event.rule.to_owned(),
            event.evidence.clone(),
            event.link.clone().unwrap_or_default(),
        ]
    });
    let records: Vec<[String; 7]> = std::iter::once(heading).chain(rows).collect();
    if document.events.is_empty() {
        return writeln!(out, "{}: no events in this time", document.measure);
    }
    columns::write(&records, out)?;
    writeln!(out, "{}", counted(document.events.len() as u64, "event"))
}

pub(crate) fn write_check(document: &DoraCheck<'_>, out: &mut dyn Write) -> io::Result<()> {
    if document.projects.is_empty() {
        return writeln!(out, "nothing speaks against the numbers of any project");
    }
    let heading = ["project", "why its numbers say little", "what helps"].map(str::to_owned);
    let rows = document.projects.iter().flat_map(|of| {
        of.problems.iter().map(|problem| [of.full_path.to_owned(), problem.problem.clone(), problem.hint.to_owned()])
    });
    let records: Vec<[String; 3]> = std::iter::once(heading).chain(rows).collect();
    columns::write(&records, out)
}
