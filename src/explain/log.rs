//! What of a job's log tells why the job failed, found while the log streams past.

use super::error_line::{exit_code, is_error};
use crate::domain::log::{LogExcerpt, LogLine};
use crate::text::log::{Cleaner, Event, Line};
use std::collections::VecDeque;

/// Sections in which the runner tidies up after the job, whether it failed or not.
const AFTERWARDS: &[&str] = &[
    "after_script",
    "archive_cache",
    "archive_cache_on_failure",
    "cleanup_file_variables",
    "upload_artifacts_on_failure",
    "upload_artifacts_on_success",
];

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The last lines of the section.
    pub tail: usize,
    /// Lines that look like the error; of more the first are kept and a third for the last ones.
    pub errors: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { tail: 20, errors: 12 }
    }
}

/// Takes a log in pieces and keeps what explains the failure: a few lines, however long the log is.
pub struct Excerpt {
    cleaner: Cleaner,
    kept: Kept,
}

impl Default for Excerpt {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Excerpt {
    pub fn new(options: Options) -> Self {
        Self { cleaner: Cleaner::new(), kept: Kept { options, ..Kept::default() } }
    }

    /// Takes the next piece of the log.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { cleaner, kept } = self;
        kept.bytes += bytes.len() as u64;
        cleaner.push(bytes, &mut |event| kept.note(event));
    }

    /// Returns the exit code that the runner has named so far.
    pub fn exit_code(&self) -> Option<i32> {
        self.kept.exit_code
    }

    /// Says that there is no more to come; `is_cut` if the log goes on, but nobody reads it.
    pub fn finish(self, is_cut: bool) -> LogExcerpt {
        let Self { mut cleaner, mut kept } = self;
        cleaner.finish(&mut |event| kept.note(event));
        LogExcerpt {
            section: kept.section,
            errors: kept.first.into_iter().chain(kept.last).collect(),
            tail: kept.tail.into(),
            exit_code: kept.exit_code,
            lines: kept.lines,
            bytes: kept.bytes,
            is_cut,
        }
    }
}

#[derive(Default)]
struct Kept {
    options: Options,
    /// The runner's section that is open, not those that a script opens within it.
    open: Option<String>,
    /// The section that the tail is of.
    section: Option<String>,
    /// The next line of the section begins a new tail.
    is_fresh: bool,
    tail: VecDeque<LogLine>,
    first: Vec<LogLine>,
    last: VecDeque<LogLine>,
    exit_code: Option<i32>,
    lines: u64,
    bytes: u64,
}

impl Kept {
    fn note(&mut self, event: Event<'_>) {
        match event {
            Event::SectionStart { name, .. } => {
                if self.open.is_none() {
                    self.open = Some(name.to_owned());
                    self.is_fresh = !is_afterwards(name);
                }
            }
            Event::SectionEnd { name, .. } => {
                if self.open.as_deref() == Some(name) {
                    self.open = None;
                }
            }
            Event::Line(line) => self.note_line(line),
        }
    }

    fn note_line(&mut self, line: Line<'_>) {
        self.lines = line.number;
        if let Some(code) = exit_code(line.text) {
            self.exit_code = Some(code);
        }
        // Lines between sections are the runner's: they count only where there are no sections at all, and its verdict
        // everywhere.
        let is_verdict = line.text.starts_with("ERROR: Job failed");
        let is_inside = match &self.open {
            Some(open) => !is_afterwards(open),
            None => self.section.is_none(),
        };
        if is_inside {
            if std::mem::take(&mut self.is_fresh) {
                self.section.clone_from(&self.open);
                self.tail.clear();
            }
            remember(&mut self.tail, self.options.tail, line);
        }
        if (is_inside || is_verdict) && is_error(line.text) {
            self.note_error(line);
        }
    }

    fn note_error(&mut self, line: Line<'_>) {
        let of_last = self.options.errors / 3;
        if self.first.len() < self.options.errors - of_last {
            self.first.push(copy(line));
        } else {
            remember(&mut self.last, of_last, line);
        }
    }
}

fn remember(lines: &mut VecDeque<LogLine>, at_most: usize, line: Line<'_>) {
    lines.push_back(copy(line));
    while lines.len() > at_most {
        lines.pop_front();
    }
}

fn copy(line: Line<'_>) -> LogLine {
    LogLine { number: line.number, text: line.text.to_owned() }
}

fn is_afterwards(section: &str) -> bool {
    AFTERWARDS.contains(&section)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(log: &str, options: Options) -> LogExcerpt {
        let mut excerpt = Excerpt::new(options);
        log.as_bytes().chunks(7).for_each(|piece| excerpt.push(piece));
        excerpt.finish(false)
    }

    fn texts(lines: &[LogLine]) -> Vec<String> {
        lines.iter().map(|line| format!("{}:{}", line.number, line.text)).collect()
    }

    /// A log of the runner; each section is a name and its lines.
    fn runner(sections: &[(&str, &str)], end: &str) -> String {
        let section = |(name, lines): &(&str, &str)| {
            format!("section_start:1:{name}\r\x1b[0K{lines}\nsection_end:2:{name}\r\x1b[0K")
        };
        sections.iter().map(section).collect::<String>() + end
    }

    #[test]
    fn the_section_that_failed_is_kept() {
        let failed = "\x1b[31;1mERROR: Job failed: exit code 137\n\x1b[0;m";
        let all = [
            ("prepare_executor", "Preparing"),
            ("get_sources", "Fetching"),
            ("step_script", "$ make\nbuilding\nKilled"),
            ("after_script", "$ echo error: not this one"),
            ("upload_artifacts_on_failure", "Uploading"),
            ("cleanup_file_variables", "Cleaning up"),
        ];
        let mut open = runner(&all[..2], "");
        open.push_str("section_start:1:step_script\r\x1b[0K$ make\nwait");
        let nested = "$ make\nsection_start:1:mine\r\x1b[0KMine\nin it\nsection_end:1:mine\r\x1b[0Kerror: x";
        type Case<'a> = (&'a str, String, Option<&'a str>, &'a [&'a str], &'a [&'a str], Option<i32>);
        let cases: [Case<'_>; 6] = [
            (
                "what comes after it does not win",
                runner(&all, failed),
                Some("step_script"),
                &["3:$ make", "4:building", "5:Killed"],
                &["5:Killed", "9:ERROR: Job failed: exit code 137"],
                Some(137),
            ),
            (
                "a job that never got to its script",
                runner(&[("prepare_executor", "Preparing"), ("get_sources", "fatal: no"), all[5]], failed),
                Some("get_sources"),
                &["2:fatal: no"],
                &["2:fatal: no", "4:ERROR: Job failed: exit code 137"],
                Some(137),
            ),
            ("a section that is still open", open, Some("step_script"), &["3:$ make", "4:wait"], &[], None),
            ("no sections", "one\nerror: two\n".into(), None, &["1:one", "2:error: two"], &["2:error: two"], None),
            (
                "sections of the script's own",
                runner(&[("step_script", nested)], ""),
                Some("step_script"),
                &["1:$ make", "2:Mine", "3:in it", "4:error: x"],
                &["4:error: x"],
                None,
            ),
            ("nothing", String::new(), None, &[], &[], None),
        ];
        for (sentence, log, section, tail, errors, code) in cases {
            let found = excerpt(&log, Options::default());
            assert_eq!(found.section.as_deref(), section, "{sentence}");
            assert_eq!(texts(&found.tail), tail, "{sentence}");
            assert_eq!(texts(&found.errors), errors, "{sentence}");
            assert_eq!(found.exit_code, code, "{sentence}");
            assert_eq!(found.bytes, log.len() as u64, "{sentence}");
        }
    }

    #[test]
    fn of_many_errors_the_first_and_the_last_few_are_kept() {
        let log: String = (1..=1000).map(|n| format!("error: {n}\n")).collect();
        let found = excerpt(&log, Options { tail: 2, errors: 6 });
        let numbers: Vec<_> = found.errors.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 999, 1000]);
        assert_eq!(texts(&found.tail), ["999:error: 999", "1000:error: 1000"]);
        assert_eq!(found.lines, 1000);
        let none = excerpt(&log, Options { tail: 0, errors: 0 });
        assert!(none.tail.is_empty() && none.errors.is_empty());
    }
}
