//! Chooses the one line of a log that tells the most about the failure.
//!
//! - A script ends with its first command that fails, so what counts is what the last command wrote. The runner writes
//!   each command in bold green before it runs.
//! - Of that, a test's own verdict tells more than an error, and an error more than a tool that reports the error of
//!   another one. Several that are close to each other are one failure: its first line counts, of several failures the
//!   last one, because a script goes on after a harmless one.
//! - Where nothing looks like an error, the last line counts.

use super::error_line::{ErrorWeight, weight};
use crate::domain::log::LogLine;
use crate::text::log::{CleanLine, LogStyle, StyledRun};

/// Unindented lines between two errors that are not of one failure.
const GAP: usize = 12;
/// An error that is so many lines before the end, and is nothing but labelled so, was survived.
const FAR: usize = 200;

/// What the runner writes into the script's own section.
const OF_THE_RUNNER: &[&str] =
    &["Executing \"", "Using docker image ", "Using effective pull policy", "Running with gitlab-runner"];

/// Introduces the message in the next line: Gradle's.
const INTRODUCTIONS: &[&str] = &["* What went wrong:"];

/// Python says that the exception before was not the last one.
const OVERTAKEN: &[&str] = &["During handling of the above exception", "The above exception was the direct cause"];

/// Commands that only pass on what an earlier one found.
const PASSING_ON: &[&str] = &["$ exit", "$ test ", "$ [", "$ if ", "$ false", "$ return"];

/// Reads the lines of a section and picks the one that tells the most.
#[derive(Debug, Default)]
pub(super) struct KeyLine {
    /// What an earlier command wrote that looks like an error.
    earlier: Option<LogLine>,
    output: CommandOutput,
    has_marked_commands: bool,
}

/// What one command wrote.
#[derive(Debug, Default)]
struct CommandOutput {
    command: Option<LogLine>,
    last: Option<LogLine>,
    tests: LastFailure,
    errors: LastFailure,
    wrappers: LastFailure,
    is_introduced: bool,
}

/// The heaviest line of the last failure, the first of several.
#[derive(Debug, Default)]
struct LastFailure {
    heaviest: Option<(ErrorWeight, LogLine)>,
    /// Lines since its last one.
    since: usize,
}

impl KeyLine {
    /// Takes the next line of the section.
    pub(super) fn note(&mut self, line: CleanLine<'_>) {
        let is_marked = is_command(line.runs) && line.text.starts_with("$ ");
        if is_marked || !self.has_marked_commands && line.text.starts_with("$ ") {
            self.has_marked_commands |= is_marked;
            let before = std::mem::take(&mut self.output);
            self.earlier = before.error().or(self.earlier.take());
            self.output.command = Some(copy(line));
        } else if !line.text.trim().is_empty() && !OF_THE_RUNNER.iter().any(|start| line.text.starts_with(start)) {
            self.output.note(line);
        }
    }

    /// Returns the line, without what a tool draws around it.
    pub(super) fn pick(self) -> Option<LogLine> {
        let Self { earlier, output, .. } = self;
        let only_passes_on = |command: &LogLine| PASSING_ON.iter().any(|start| command.text.starts_with(start));
        let passes_on = output.last.is_none() && output.command.as_ref().is_some_and(only_passes_on);
        let own = output.error().or_else(|| output.last.clone());
        let line = own.or(earlier.filter(|_| passes_on)).or(output.command)?;
        let text = line.text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵')).to_owned();
        Some(LogLine { text, ..line })
    }
}

impl CommandOutput {
    fn note(&mut self, line: CleanLine<'_>) {
        let text = line.text.trim_start();
        if OVERTAKEN.iter().any(|start| text.starts_with(start)) {
            self.errors = LastFailure::default();
        }
        let is_introduced = std::mem::replace(&mut self.is_introduced, INTRODUCTIONS.contains(&text.trim_end()));
        let weight = weight(line.text).or(is_introduced.then_some(ErrorWeight::Specific));
        let failures = match weight {
            Some(ErrorWeight::Test) => Some(&mut self.tests),
            Some(ErrorWeight::Specific | ErrorWeight::Labelled) => Some(&mut self.errors),
            Some(ErrorWeight::Wrapper) => Some(&mut self.wrappers),
            None => None,
        };
        match failures.zip(weight) {
            Some((failures, weight)) => failures.note(weight, line),
            // What is indented belongs to the line before.
            None if !line.text.starts_with(|c: char| c.is_whitespace() || c.is_ascii_digit() || "|│".contains(c)) => {
                for failures in [&mut self.tests, &mut self.errors, &mut self.wrappers] {
                    failures.since += 1;
                }
            }
            None => {}
        }
        self.last = Some(copy(line));
    }

    /// Returns the line that looks most like the error.
    fn error(&self) -> Option<LogLine> {
        let line = |failures: &LastFailure| failures.heaviest.as_ref().map(|(_, line)| line.clone());
        let was_survived = self.errors.since > FAR
            && matches!(self.errors.heaviest, Some((ErrorWeight::Labelled, _)))
            && self.last.is_some();
        let errors = if was_survived { None } else { line(&self.errors) };
        line(&self.tests).or(errors).or_else(|| line(&self.wrappers))
    }
}

impl LastFailure {
    fn note(&mut self, weight: ErrorWeight, line: CleanLine<'_>) {
        let is_new = self.since > GAP;
        self.since = 0;
        match &self.heaviest {
            Some((heaviest, _)) if *heaviest >= weight && !is_new => {}
            _ => self.heaviest = Some((weight, copy(line))),
        }
    }
}

fn copy(line: CleanLine<'_>) -> LogLine {
    LogLine { number: line.number, text: line.text.to_owned() }
}

/// Says whether a line begins in the runner's bold green.
fn is_command(runs: &[StyledRun]) -> bool {
    runs.first().is_some_and(|run| run.start == 0 && run.style == LogStyle { colour: Some(2), is_bold: true })
}
