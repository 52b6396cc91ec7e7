//! The lines below a table on a terminal: counts, cost, the time, and what is missing. Wraps between words.

use super::style::styled;
use crate::domain::usage::Usage;
use crate::report::cell::Tone;
use crate::report::layout::TableRoom;
use crate::report::status::StatusReport;
use crate::report::summary::Summary;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;
use crate::text::width::{cells, truncate};
use std::io::{self, Write};

/// More causes than this are counted instead of listed.
const CAUSES_AT_MOST: usize = 5;

/// A word group that wants to stay on one line, and what separates it from the one before.
struct SummaryPhrase {
    lead: &'static str,
    text: String,
    tone: Tone,
}

impl SummaryPhrase {
    fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { lead: "", text: text.into(), tone }
    }
}

pub(super) fn write(report: &StatusReport, room: TableRoom, color: bool, out: &mut dyn Write) -> io::Result<()> {
    write_wrapped(&facts(&report.summary, room.charset), room, color, out)?;
    for cause in report.missing.iter().take(CAUSES_AT_MOST) {
        write_incomplete(&sanitise(cause), room, color, out)?;
    }
    match report.missing.len().saturating_sub(CAUSES_AT_MOST) {
        0 => Ok(()),
        more => write_incomplete(&format!("and {more} more"), room, color, out),
    }
}

fn write_incomplete(cause: &str, room: TableRoom, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let words = cause.split_whitespace().map(|word| SummaryPhrase::new(word, Tone::Plain));
    let phrases: Vec<SummaryPhrase> =
        std::iter::once(SummaryPhrase::new("incomplete:", Tone::Bad)).chain(words).collect();
    write_wrapped(&phrases, room, color, out)
}

/// `42 projects: 3 failed, 30 success, 2 without pipeline · 9 requests, 1991 of 2000 left · 20:00 CET`
fn facts(summary: &Summary, charset: Charset) -> Vec<SummaryPhrase> {
    let mut phrases: Vec<SummaryPhrase> =
        summary.phrases().into_iter().map(|span| SummaryPhrase::new(span.text, span.tone)).collect();
    if summary.hidden > 0 {
        phrases.push(hidden_phrase(summary.hidden, charset));
    }
    let tail = [cost(&summary.usage), summary.taken_at.clone()];
    phrases.extend(tail.map(|text| SummaryPhrase { lead: charset.dot(), ..SummaryPhrase::new(text, Tone::Muted) }));
    phrases
}

fn hidden_phrase(hidden: usize, charset: Charset) -> SummaryPhrase {
    SummaryPhrase { lead: charset.dot(), ..SummaryPhrase::new(format!("{hidden} not shown"), Tone::Muted) }
}

fn cost(usage: &Usage) -> String {
    let requests = counted(usage.requests, "request");
    match (usage.remaining, usage.limit) {
        (Some(remaining), Some(limit)) => format!("{requests}, {remaining} of {limit} left"),
        (Some(remaining), None) => format!("{requests}, {remaining} left"),
        (None, Some(_) | None) => requests,
    }
}

/// Writes phrases in as many lines as they need; a separator at a line's start would separate nothing.
fn write_wrapped(phrases: &[SummaryPhrase], room: TableRoom, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut used = 0;
    for SummaryPhrase { lead, text, tone } in phrases {
        let text = truncate(text, room.width, room.charset);
        let joint = if lead.is_empty() { " ".to_owned() } else { format!(" {lead} ") };
        if used > 0 && used + cells(&joint) + cells(&text) > room.width {
            writeln!(out)?;
            used = 0;
        } else if used > 0 {
            write!(out, "{}", styled(&joint, if lead.is_empty() { Tone::Plain } else { Tone::Muted }, color))?;
            used += cells(&joint);
        }
        write!(out, "{}", styled(&text, *tone, color))?;
        used += cells(&text);
    }
    writeln!(out)
}
