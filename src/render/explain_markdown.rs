//! Why pipelines are not green, as Markdown: for a comment, or for the summary of a job.

use super::markdown::escaped;
use crate::report::explain::{
    CauseFinding, ExplainText, FailingTest, PipelineExplanation, QuotedLog, SentencePart, SharedCause,
};
use crate::text::sanitise::sanitise;
use std::io::{self, Write};

/// Writes the answers one after the other, a heading for each.
pub(crate) fn write(answers: &[PipelineExplanation], out: &mut dyn Write) -> io::Result<()> {
    for (at, answer) in answers.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        write_one(answer, out)?;
    }
    Ok(())
}

/// Writes what several projects share, an item for each cause; nothing where there is none.
pub(crate) fn write_shared(shared: &[SharedCause], out: &mut dyn Write) -> io::Result<()> {
    if !shared.is_empty() {
        writeln!(out, "\n### One cause, several projects\n")?;
    }
    for cause in shared {
        let projects: Vec<String> = cause.projects.iter().map(|project| escaped(project)).collect();
        writeln!(out, "- {}: {} projects: {}", text(&cause.sentence.0), projects.len(), projects.join(", "))?;
    }
    Ok(())
}

fn write_one(answer: &PipelineExplanation, out: &mut dyn Write) -> io::Result<()> {
    let below = answer.below.as_ref().map(|below| format!(", {} below", below.word())).unwrap_or_default();
    let status = escaped(&format!("{}{below}", answer.status.word()));
    let title = format!("{} {}: {status}", escaped(&answer.project), escaped(&answer.git_ref));
    let title = match &answer.web_url {
        Some(url) if is_plain(url) => format!("[{title}]({url})"),
        Some(_) | None => title,
    };
    writeln!(out, "### {title}\n\n**{}**", text(&answer.headline))?;
    for finding in &answer.findings {
        write_finding(finding, answer.findings.len() > 1, out)?;
    }
    if !answer.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &answer.notes {
        writeln!(out, "- {}", text(&note.text))?;
    }
    Ok(())
}

fn write_finding(finding: &CauseFinding, is_one_of_many: bool, out: &mut dyn Write) -> io::Result<()> {
    if is_one_of_many {
        writeln!(out, "\n{}", text(&finding.sentence))?;
    }
    if let Some(origin) = &finding.origin {
        writeln!(out, "\n{}", text(origin))?;
    }
    if let Some(next) = &finding.next {
        writeln!(out, "\n→ {}", escaped(next))?;
    }
    if !finding.facts.is_empty() {
        let facts = text(&finding.facts);
        match &finding.web_url {
            Some(url) if is_plain(url) => writeln!(out, "\n[{facts}]({url})")?,
            Some(_) | None => writeln!(out, "\n{facts}")?,
        }
    }
    write_tests(finding, out)?;
    if let Some(log) = &finding.log {
        write_log(log, out)?;
    }
    Ok(())
}

fn write_tests(finding: &CauseFinding, out: &mut dyn Write) -> io::Result<()> {
    if !finding.tests.is_empty() {
        writeln!(out)?;
    }
    for case in &finding.tests {
        write_case(case, out)?;
    }
    if finding.more_tests > 0 {
        writeln!(out, "- and {} more failing tests", finding.more_tests)?;
    }
    Ok(())
}

fn write_case(case: &FailingTest, out: &mut dyn Write) -> io::Result<()> {
    let history = if case.history.is_empty() { String::new() } else { format!(" ({})", case.history) };
    let file = case.file.as_ref().map(|file| format!(" in {}", code(file))).unwrap_or_default();
    writeln!(out, "- {}{history}{file}", code(&case.label))?;
    if !case.message.is_empty() {
        let lines: Vec<String> = case.message.iter().map(|line| sanitise(line).into_owned()).collect();
        writeln!(out)?;
        fenced(&lines, "  ", out)?;
    }
    Ok(())
}

fn write_log(log: &QuotedLog, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n<details><summary>{}</summary>\n", html(&log.caption))?;
    let width = log.lines.last().map_or(1, |line| line.number.to_string().len());
    let line =
        |line: &crate::domain::log::LogLine| format!("{:>width$}  {}", line.number, sanitise(&line.text).trim_end());
    fenced(&log.lines.iter().map(line).collect::<Vec<_>>(), "", out)?;
    writeln!(out, "\n</details>")
}

/// Writes lines as code, with a fence that none of them can close.
fn fenced(lines: &[String], indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let fence = "`".repeat(longest_run(lines.iter().map(String::as_str)).max(2) + 1);
    writeln!(out, "{indent}{fence}text")?;
    for line in lines {
        writeln!(out, "{indent}{}", line.replace('\n', " "))?;
    }
    writeln!(out, "{indent}{fence}")
}

/// Writes a sentence with its names as code.
fn text(text: &ExplainText) -> String {
    let part = |part: &SentencePart| match part {
        // Blanks at the ends of our words are between two parts, so they must stay.
        SentencePart::Words(words) => {
            let trimmed = words.trim();
            let start = &words[..words.len() - words.trim_start().len()];
            let end = if trimmed.is_empty() { "" } else { &words[words.trim_end().len()..] };
            format!("{start}{}{end}", escaped(trimmed))
        }
        SentencePart::Name(name) => code(name),
    };
    text.iter().map(part).collect()
}

/// Writes foreign text as a code span, in which nothing else means anything.
fn code(name: &str) -> String {
    let name = sanitise(name).replace(['\n', '\t'], " ");
    let name = name.trim();
    if name.is_empty() {
        return "(no name)".into();
    }
    let ticks = "`".repeat(longest_run([name]) + 1);
    // A blank inside keeps backticks of the name apart from ours; Markdown drops it again.
    let pad = if name.starts_with('`') || name.ends_with('`') { " " } else { "" };
    format!("{ticks}{pad}{name}{pad}{ticks}")
}

fn longest_run<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    let runs = |text: &'a str| text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    texts.into_iter().map(runs).max().unwrap_or(0)
}

/// Writes a sentence for a place where only HTML counts.
fn html(text: &ExplainText) -> String {
    let plain: String = text
        .iter()
        .map(|part| match part {
            SentencePart::Words(text) | SentencePart::Name(text) => sanitise(text).into_owned(),
        })
        .collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}

/// Says whether a URL can be in a link as it is.
fn is_plain(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && !url.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | '<' | '>' | '[' | ']' | '\\')
        })
}
