//! Why a pipeline is red, as lines of a screen: the answer of `glwatch explain`.

use super::line::{ScreenLine, wrapped};
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::explain::{CauseFinding, ExplainText, FailingTest, PipelineExplanation, SentencePart};
use crate::text::glyph::{Charset, glyph};

/// Lines for a width.
#[derive(Debug, Clone, Copy)]
pub struct ExplanationRoom {
    pub width: usize,
    pub charset: Charset,
}

/// Returns the whole answer.
pub(crate) fn whole(answer: &PipelineExplanation, room: ExplanationRoom) -> Vec<ScreenLine> {
    let mut lines = wrapped(&text(&answer.headline), answer.tone, room.width, room.charset);
    let is_one_of_many = answer.findings.len() > 1;
    for finding in &answer.findings {
        if is_one_of_many {
            lines.push(ScreenLine::empty());
            lines.extend(wrapped(&text(&finding.sentence), Tone::Bad, room.width, room.charset));
        }
        lines.extend(of_finding(finding, room));
    }
    for note in &answer.notes {
        lines.extend(wrapped(&text(&note.text), note.tone, room.width, room.charset));
    }
    lines
}

/// Returns what there is to say about one cause, without its sentence.
pub(crate) fn of_finding(finding: &CauseFinding, room: ExplanationRoom) -> Vec<ScreenLine> {
    let ExplanationRoom { width, charset } = room;
    let mut lines = Vec::new();
    if let Some(origin) = &finding.origin {
        lines.extend(wrapped(&text(origin), Tone::Plain, width, charset));
    }
    if let Some(next) = &finding.next {
        lines.extend(wrapped(&format!("{} {next}", charset.arrow()), Tone::Active, width, charset));
    }
    if !finding.facts.is_empty() {
        lines.extend(wrapped(&text(&finding.facts), Tone::Muted, width, charset));
    }
    lines.extend(finding.tests.iter().flat_map(|case| of_case(case, room)));
    if finding.more_tests > 0 {
        lines.push(ScreenLine::text(format!("and {} more failing tests", finding.more_tests), Tone::Muted));
    }
    if let Some(log) = &finding.log {
        lines.push(ScreenLine::empty());
        lines.extend(wrapped(&text(&log.caption), Tone::Muted, width, charset));
        for line in &log.lines {
            lines.push(ScreenLine::text(
                format!("{:>6}  {}", line.number, line.text.replace('\t', "    ")),
                Tone::Plain,
            ));
        }
    }
    lines
}

fn of_case(case: &FailingTest, room: ExplanationRoom) -> Vec<ScreenLine> {
    let ExplanationRoom { width, charset } = room;
    let history = if case.history.is_empty() { String::new() } else { format!(" ({})", case.history) };
    let file = case.file.as_ref().map(|file| format!("  {file}")).unwrap_or_default();
    let first = format!("{} {}{history}{file}", glyph(&Status::Failed, charset), case.label);
    let mut lines = wrapped(&first, Tone::Bad, width, charset);
    for line in &case.message {
        lines.extend(wrapped(&format!("    {line}"), Tone::Plain, width, charset));
    }
    lines
}

/// Returns a sentence as text; what is foreign in it is made harmless where it is drawn.
pub fn text(parts: &ExplainText) -> String {
    parts.iter().map(SentencePart::as_str).collect()
}
