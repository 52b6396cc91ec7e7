//! Turns the bytes of a job's log into output: cleaned or raw, all of it or the last lines.

use crate::text::log::{CleanerEvent, LogCleaner};
use std::collections::VecDeque;

/// A longer raw line counts as several, so that no log has to be held.
const LONGEST_LINE: usize = 64 * 1024;

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogForm {
    /// As GitLab sends it.
    Raw,
    Plain,
    Coloured,
}

/// Takes a log in pieces of any size.
pub(super) struct LogPrinter {
    lines: Lines,
    /// Until the end of what is there is reached: the last lines, and how many are wanted.
    tail: LogTail,
}

type LogTail = Option<(usize, VecDeque<Vec<u8>>)>;

enum Lines {
    /// With what has no line end yet.
    Raw(Vec<u8>),
    Cleaned {
        cleaner: Box<LogCleaner>,
        is_coloured: bool,
    },
}

impl LogPrinter {
    pub(super) fn new(form: LogForm, tail: Option<usize>) -> Self {
        let cleaned = |cleaner, is_coloured| Lines::Cleaned { cleaner: Box::new(cleaner), is_coloured };
        let lines = match form {
            LogForm::Raw => Lines::Raw(Vec::new()),
            LogForm::Plain => cleaned(LogCleaner::new(), false),
            LogForm::Coloured => cleaned(LogCleaner::with_colours(), true),
        };
        Self { lines, tail: tail.map(|most| (most, VecDeque::new())) }
    }

    /// Takes the next piece, and returns what can be written by now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let Self { lines, tail } = self;
        match lines {
            Lines::Raw(_) if tail.is_none() => out.extend_from_slice(bytes),
            Lines::Raw(line) => {
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    line.extend_from_slice(piece);
                    if line.ends_with(b"\n") || line.len() > LONGEST_LINE {
                        put(tail, std::mem::take(line), &mut out);
                    }
                }
            }
            Lines::Cleaned { cleaner, is_coloured } => {
                cleaner.push(bytes, &mut |event| put_event(tail, event, *is_coloured, &mut out));
            }
        }
        out
    }

    /// Returns the last lines of what is there so far; from now on everything is written.
    pub(super) fn pass_tail(&mut self) -> Vec<u8> {
        let Some((most, lines)) = self.tail.take() else { return Vec::new() };
        let mut out: Vec<u8> = lines.into_iter().flatten().collect();
        // What follows in raw form is not gathered to lines any more.
        if let Lines::Raw(line) = &mut self.lines {
            let begun = std::mem::take(line);
            out.extend(begun.into_iter().filter(|_| most > 0));
        }
        out
    }

    /// Says that the log is over, and returns what is left of it.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let Self { lines, tail } = self;
        match lines {
            Lines::Raw(line) if line.is_empty() => {}
            Lines::Raw(line) => put(tail, std::mem::take(line), &mut out),
            Lines::Cleaned { cleaner, is_coloured } => {
                cleaner.finish(&mut |event| put_event(tail, event, *is_coloured, &mut out));
            }
        }
        out.extend(self.pass_tail());
        out
    }
}

fn put_event(tail: &mut LogTail, event: CleanerEvent<'_>, is_coloured: bool, out: &mut Vec<u8>) {
    match event {
        CleanerEvent::Line(line) => {
            let text = if is_coloured { line.painted() } else { line.text.to_owned() };
            put(tail, (text + "\n").into_bytes(), out);
        }
        CleanerEvent::SectionStart { .. } | CleanerEvent::SectionEnd { .. } => {}
    }
}

fn put(tail: &mut LogTail, line: Vec<u8>, out: &mut Vec<u8>) {
    let Some((most, lines)) = tail else {
        out.extend(line);
        return;
    };
    lines.push_back(line);
    while lines.len() > *most {
        lines.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is written of a log that comes in two pieces, the second after the first was all there was.
    fn written(form: LogForm, tail: Option<usize>, first: &str, second: &str) -> String {
        let mut printer = LogPrinter::new(form, tail);
        let mut out = printer.push(first.as_bytes());
        out.extend(printer.pass_tail());
        out.extend(printer.push(second.as_bytes()));
        out.extend(printer.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_tail_is_of_what_is_there_first_and_what_follows_is_written_whole() {
        let (first, second) = ("a\nb\n\u{1B}[31mc\u{1B}[0m\nd", "e\nf\ng");
        let cases = [
            (LogForm::Plain, None, "a\nb\nc\nde\nf\ng\n"),
            (LogForm::Plain, Some(1), "c\nde\nf\ng\n"),
            (LogForm::Plain, Some(0), "de\nf\ng\n"),
            (LogForm::Raw, None, "a\nb\n\u{1B}[31mc\u{1B}[0m\nde\nf\ng"),
            (LogForm::Raw, Some(2), "b\n\u{1B}[31mc\u{1B}[0m\nde\nf\ng"),
        ];
        for (form, tail, expected) in cases {
            assert_eq!(written(form, tail, first, second), expected, "{form:?} {tail:?}");
        }
        assert!(written(LogForm::Coloured, None, first, second).contains("\u{1B}["));
    }
}
