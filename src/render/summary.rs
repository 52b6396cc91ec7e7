//! The lines below a table on a terminal: counts, cost, the time, and what is missing. Wraps between words.

use super::item::Painter;
use super::paint::paint;
use crate::domain::usage::Usage;
use crate::report::cell::Tone;
use crate::report::status::{StatusReport, Summary};
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;
use crate::text::width::{cells, truncate};
use std::io::{self, Write};

/// More causes than this are counted instead of listed.
const CAUSES_AT_MOST: usize = 5;

/// A word group that wants to stay on one line.
type Phrase = (String, Tone);

pub(super) fn write(report: &StatusReport, width: usize, painter: Painter, out: &mut dyn Write) -> io::Result<()> {
    write_wrapped(&facts(&report.summary, painter.charset), width, painter, out)?;
    let causes = report.missing.iter().take(CAUSES_AT_MOST);
    for cause in causes {
        let cause = sanitise(cause);
        let words = std::iter::once("incomplete:").chain(cause.split_whitespace());
        let phrases: Vec<Phrase> = words.map(|word| (word.to_owned(), Tone::Warn)).collect();
        write_wrapped(&phrases, width, painter, out)?;
    }
    match report.missing.len().saturating_sub(CAUSES_AT_MOST) {
        0 => Ok(()),
        more => write_wrapped(&[(format!("incomplete: and {more} more"), Tone::Warn)], width, painter, out),
    }
}

/// `42 projects: 3 failed, 30 success, 2 without pipeline · 9 requests, 1991 of 2000 left · 20:00 CET`
fn facts(summary: &Summary, charset: Charset) -> Vec<Phrase> {
    let counts = &summary.counts;
    let by_status =
        counts.by_status.iter().map(|(status, n)| (format!("{n} {}", sanitise(status.word())), status.into()));
    let by_state = [
        (counts.error, "unreadable", Tone::Bad),
        (counts.no_access, "no access", Tone::Warn),
        (counts.no_pipeline, "without pipeline", Tone::Muted),
    ];
    let by_state = by_state.into_iter().filter(|(n, ..)| *n > 0).map(|(n, word, tone)| (format!("{n} {word}"), tone));
    let mut parts: Vec<Phrase> = by_status.chain(by_state).collect();
    let head = counted(counts.projects as u64, "project");
    let mut phrases = vec![(if parts.is_empty() { head } else { format!("{head}:") }, Tone::Plain)];
    let last = parts.len().saturating_sub(1);
    parts.iter_mut().take(last).for_each(|(text, _)| text.push(','));
    phrases.extend(parts);
    let tail = [cost(&summary.usage), summary.taken_at.clone()];
    phrases.extend(tail.map(|text| (format!("{} {text}", charset.dot()), Tone::Muted)));
    phrases
}

fn cost(usage: &Usage) -> String {
    let requests = counted(usage.requests, "request");
    match (usage.remaining, usage.limit) {
        (Some(remaining), Some(limit)) => format!("{requests}, {remaining} of {limit} left"),
        (Some(remaining), None) => format!("{requests}, {remaining} left"),
        (None, Some(_) | None) => requests,
    }
}

fn write_wrapped(phrases: &[Phrase], width: usize, painter: Painter, out: &mut dyn Write) -> io::Result<()> {
    let mut used = 0;
    for (text, tone) in phrases {
        let text = truncate(text, width, painter.charset);
        let needed = cells(&text);
        if used > 0 && used + 1 + needed > width {
            writeln!(out)?;
            used = 0;
        } else if used > 0 {
            write!(out, " ")?;
            used += 1;
        }
        write!(out, "{}", paint(&text, *tone, painter.color))?;
        used += needed;
    }
    writeln!(out)
}
