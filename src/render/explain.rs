//! Why pipelines are not green, as text for a terminal or a pipe: the answer in the first line, then its evidence.

use super::style::styled;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::explain::{
    CauseFinding, ExplainText, FailingTest, PipelineExplanation, QuotedLog, SentencePart, SharedCause,
};
use crate::text::glyph::{Charset, glyph};
use crate::text::sanitise::sanitise;
use std::io::{self, Write};

/// Projects with the same cause that are named.
const NAMED_AT_MOST: usize = 5;

/// How it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExplainStyle {
    pub color: bool,
    pub ascii: bool,
}

/// Writes the answers one after the other, an empty line in between.
pub(crate) fn write(answers: &[PipelineExplanation], style: ExplainStyle, out: &mut dyn Write) -> io::Result<()> {
    for (at, answer) in answers.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write_one(answer, style, out)?;
    }
    Ok(())
}

/// Writes what several projects share, a line for each cause; nothing where there is none.
pub(crate) fn write_shared(shared: &[SharedCause], out: &mut dyn Write) -> io::Result<()> {
    if !shared.is_empty() {
        writeln!(out, "\none cause, several projects:")?;
    }
    for cause in shared {
        let named: Vec<String> = cause.projects.iter().take(NAMED_AT_MOST).map(|project| one_line(project)).collect();
        let more = match cause.projects.len().saturating_sub(NAMED_AT_MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (what, projects) = (text(&cause.sentence.0), cause.projects.len());
        writeln!(out, "  {what}: {projects} projects: {}{more}", named.join(", "))?;
    }
    Ok(())
}

fn write_one(answer: &PipelineExplanation, style: ExplainStyle, out: &mut dyn Write) -> io::Result<()> {
    let charset = if style.ascii { Charset::Ascii } else { Charset::Unicode };
    let styled = |text: &str, tone| styled(text, tone, style.color);
    let mark = glyph(&answer.status, charset);
    let word =
        styled(&format!("{mark} {} #{}", sanitise(answer.status.word()), answer.pipeline), Tone::from(&answer.status));
    let below = answer.below.as_ref().map(|below| format!(", {} below", sanitise(below.word())));
    let below = styled(&below.unwrap_or_default(), answer.tone);
    let age = answer.age.as_ref().map(|age| format!(", {age} old")).unwrap_or_default();
    writeln!(out, "{} {} {word}{below}{age}", one_line(&answer.project), one_line(&answer.git_ref))?;
    writeln!(out, "  {}", styled(&text(&answer.headline), answer.tone))?;
    for finding in &answer.findings {
        write_finding(finding, answer.findings.len() > 1, style, out)?;
    }
    if !answer.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &answer.notes {
        writeln!(out, "  {}", styled(&text(&note.text), note.tone))?;
    }
    if let Some(url) = &answer.web_url {
        writeln!(out, "  {}", styled(&one_line(url), Tone::Muted))?;
    }
    Ok(())
}

/// Writes a cause; its sentence only where it is not the only one, for then the headline has said it.
fn write_finding(
    finding: &CauseFinding,
    is_one_of_many: bool,
    style: ExplainStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let styled = |text: &str, tone| styled(text, tone, style.color);
    let arrow = if style.ascii { "->" } else { "→" };
    if is_one_of_many {
        writeln!(out, "\n  {}", text(&finding.sentence))?;
    }
    if let Some(origin) = &finding.origin {
        writeln!(out, "  {}", text(origin))?;
    }
    if let Some(next) = &finding.next {
        writeln!(out, "  {arrow} {}", one_line(next))?;
    }
    if !finding.facts.is_empty() {
        writeln!(out, "  {}", styled(&text(&finding.facts), Tone::Muted))?;
        // On a line of its own, so that it can be picked up whole.
        if let Some(url) = &finding.web_url {
            writeln!(out, "  {}", styled(&one_line(url), Tone::Muted))?;
        }
    }
    if !finding.tests.is_empty() {
        writeln!(out)?;
    }
    for case in &finding.tests {
        write_case(case, style, out)?;
    }
    if finding.more_tests > 0 {
        writeln!(out, "    and {} more failing tests", finding.more_tests)?;
    }
    if let Some(log) = &finding.log {
        write_log(log, style, out)?;
    }
    Ok(())
}

fn write_case(case: &FailingTest, style: ExplainStyle, out: &mut dyn Write) -> io::Result<()> {
    let charset = if style.ascii { Charset::Ascii } else { Charset::Unicode };
    let mark = styled(glyph(&Status::Failed, charset), Tone::Bad, style.color);
    let history = if case.history.is_empty() { String::new() } else { format!(" ({})", case.history) };
    let file = case.file.as_ref().map(|file| format!("  {}", one_line(file))).unwrap_or_default();
    writeln!(out, "    {mark} {}{history}{}", one_line(&case.label), styled(&file, Tone::Muted, style.color))?;
    for line in &case.message {
        writeln!(out, "        {}", sanitise(line))?;
    }
    if case.more_lines > 0 {
        writeln!(out, "        {}", styled(&format!("and {} more lines", case.more_lines), Tone::Muted, style.color))?;
    }
    Ok(())
}

/// Writes the telling lines under their numbers, with a mark where lines are left out.
fn write_log(log: &QuotedLog, style: ExplainStyle, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n  {}", styled(&text(&log.caption), Tone::Muted, style.color))?;
    let width = log.lines.last().map_or(1, |line| line.number.to_string().len());
    let gap = if style.ascii { "..." } else { "…" };
    let mut before = 0;
    for line in &log.lines {
        if before > 0 && line.number > before + 1 {
            writeln!(out, "    {}", styled(&format!("{gap:>width$}"), Tone::Muted, style.color))?;
        }
        before = line.number;
        let number = styled(&format!("{:>width$}", line.number), Tone::Muted, style.color);
        writeln!(out, "    {number}  {}", sanitise(&line.text).trim_end())?;
    }
    Ok(())
}

/// Writes a sentence with its names between backticks.
fn text(text: &ExplainText) -> String {
    let part = |part: &SentencePart| match part {
        SentencePart::Words(words) => one_line(words),
        SentencePart::Name(name) => format!("`{}`", one_line(name)),
    };
    text.iter().map(part).collect()
}

/// Makes foreign text one harmless line; blanks at its ends are ours and stay.
fn one_line(text: &str) -> String {
    sanitise(text).replace(['\n', '\t'], " ")
}
