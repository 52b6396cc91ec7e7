//! Finds the part of a job's log that shows why the job failed, while the log streams past.

pub(crate) use super::error_line::is_passing;
use super::error_line::{VERDICT, exit_code, reason_of_verdict, weight};
use super::key_line::KeyLine;
use crate::domain::log::{LogExcerpt, LogLine};
use crate::text::log::{CleanLine, CleanerEvent, LogCleaner};
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

/// Sections in which the runner gets ready. A job may fail in one; once the script writes, they explain nothing.
const BEFOREHAND: &[&str] =
    &["resolve_secrets", "prepare_executor", "prepare_script", "get_sources", "restore_cache", "download_artifacts"];

/// Begins what the runner does after the script, in a log without sections.
const AFTER_SCRIPT: &[&str] = &[
    "Cleaning up file based variables",
    "Cleaning up project directory and file based variables",
    "Running after script...",
    "Running after_script",
    "Saving cache for failed job",
    "Uploading artifacts for failed job",
    "Uploading artifacts...",
];

/// Ends what the runner does about a cache before the script, in a log without sections.
const CACHE_RESTORED: &[&str] = &["Failed to extract cache", "Successfully extracted cache"];

/// The runner's own notices that it writes no more of the log (`common/buildlogger` and `helpers/trace` in its source).
const LOG_LIMIT: &str = "Job's log exceeded limit of ";
const AFTER_LIMIT: &str = "Job execution will continue but no more output will be collected";

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExcerptOptions {
    /// The last lines of the section.
    pub tail: usize,
    /// Lines that look like the error; of more the first are kept and a third for the last ones.
    pub errors: usize,
}

impl Default for ExcerptOptions {
    fn default() -> Self {
        Self { tail: 20, errors: 12 }
    }
}

/// Takes a log in pieces and keeps what explains the failure: a few lines, however long the log is.
pub(crate) struct ExcerptBuilder {
    cleaner: LogCleaner,
    kept: KeptLines,
}

impl Default for ExcerptBuilder {
    fn default() -> Self {
        Self::new(ExcerptOptions::default())
    }
}

impl ExcerptBuilder {
    pub(crate) fn new(options: ExcerptOptions) -> Self {
        Self { cleaner: LogCleaner::with_colours(), kept: KeptLines { options, ..KeptLines::default() } }
    }

    /// Takes the next piece of the log.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let Self { cleaner, kept } = self;
        kept.bytes += bytes.len() as u64;
        cleaner.push(bytes, &mut |event| kept.note(event));
    }

    /// Says that there is no more to come; `is_cut` if the log goes on, but is not read.
    pub(crate) fn finish(self, is_cut: bool) -> LogExcerpt {
        let Self { mut cleaner, mut kept } = self;
        cleaner.finish(&mut |event| kept.note(event));
        LogExcerpt {
            section: kept.section,
            key_line: kept.key_line.pick().filter(|_| !kept.has_succeeded),
            verdict: kept.verdict,
            limit: kept.limit,
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
struct KeptLines {
    options: ExcerptOptions,
    /// The runner's section that is open, not those that a script opens within it.
    open: Option<String>,
    /// The section that the tail is of.
    section: Option<String>,
    /// The next line of the section begins a new tail.
    is_fresh: bool,
    tail: VecDeque<LogLine>,
    first: Vec<LogLine>,
    last: VecDeque<LogLine>,
    key_line: KeyLine,
    exit_code: Option<i32>,
    verdict: Option<String>,
    limit: Option<u64>,
    /// The runner says that the job succeeded.
    has_succeeded: bool,
    /// A log without sections has come to what the runner does after the script.
    is_after_script: bool,
    /// The section of a script has ended: what begins then is the runner's, or of a further script.
    has_run_script: bool,
    lines: u64,
    bytes: u64,
}

impl KeptLines {
    fn note(&mut self, event: CleanerEvent<'_>) {
        match event {
            CleanerEvent::SectionStart { name, .. } => {
                if self.open.is_none() {
                    self.open = Some(name.to_owned());
                    self.is_fresh = !self.is_afterwards(name);
                }
            }
            CleanerEvent::SectionEnd { name, .. } => {
                if self.open.as_deref() == Some(name) {
                    self.open = None;
                    self.has_run_script |= is_script(name);
                }
            }
            CleanerEvent::Line(line) => self.note_line(line),
        }
    }

    fn note_line(&mut self, line: CleanLine<'_>) {
        self.lines = line.number;
        let text = line.text;
        if let Some(limit) = text.strip_prefix(LOG_LIMIT).and_then(|rest| rest.strip_suffix(" bytes.")) {
            self.limit = limit.parse().ok();
            return;
        }
        if self.limit.is_some() && text.starts_with(AFTER_LIMIT) {
            return;
        }
        let is_verdict = text.starts_with(VERDICT);
        if is_verdict {
            self.exit_code = exit_code(text);
            self.verdict = reason_of_verdict(text).map(str::to_owned);
        }
        self.has_succeeded = text == "Job succeeded" || self.has_succeeded && text.is_empty();
        self.note_without_sections(text);
        // Lines between sections are the runner's: they count only where there are no sections at all, and its verdict
        // everywhere.
        let is_inside = match &self.open {
            Some(open) => !self.is_afterwards(open),
            None => !self.is_after_script && (self.section.is_none() || self.begins_script(text, is_verdict)),
        };
        if is_inside {
            if std::mem::take(&mut self.is_fresh) {
                self.section.clone_from(&self.open);
                self.forget();
            }
            remember(&mut self.tail, self.options.tail, line);
            if !is_verdict {
                self.key_line.note(line);
            }
        }
        if (is_inside || is_verdict) && weight(text).is_some() {
            self.note_error(line);
        }
    }

    fn is_afterwards(&self, section: &str) -> bool {
        AFTERWARDS.contains(&section) || self.has_run_script && !is_script(section)
    }

    /// Says whether a line outside of any section is the script's, because the runner was still getting ready before it:
    /// a runner may give sections to its own part alone. The tail is then a new one.
    fn begins_script(&mut self, text: &str, is_verdict: bool) -> bool {
        let was_ready = self.section.as_deref().is_some_and(|section| BEFOREHAND.contains(&section));
        let begins = was_ready && !is_verdict && !text.trim().is_empty() && !self.is_after_script;
        self.is_fresh |= begins;
        begins
    }

    /// Tells the runner's own part of a log that has no sections from the script's.
    fn note_without_sections(&mut self, text: &str) {
        let is_ready = |section: &String| BEFOREHAND.contains(&section.as_str());
        if self.open.is_none() && self.section.as_ref().is_none_or(is_ready) {
            self.is_after_script |= AFTER_SCRIPT.iter().any(|start| text.starts_with(start));
            if CACHE_RESTORED.iter().any(|start| text.starts_with(start)) {
                self.forget();
            }
        }
    }

    /// Forgets an earlier section: the job got over it.
    fn forget(&mut self) {
        self.tail.clear();
        self.first.clear();
        self.last.clear();
        self.key_line = KeyLine::default();
    }

    fn note_error(&mut self, line: CleanLine<'_>) {
        let of_last = self.options.errors / 3;
        if self.first.len() < self.options.errors - of_last {
            self.first.push(copy(line));
        } else {
            remember(&mut self.last, of_last, line);
        }
    }
}

fn remember(lines: &mut VecDeque<LogLine>, at_most: usize, line: CleanLine<'_>) {
    lines.push_back(copy(line));
    while lines.len() > at_most {
        lines.pop_front();
    }
}

fn copy(line: CleanLine<'_>) -> LogLine {
    LogLine { number: line.number, text: line.text.to_owned() }
}

/// Says whether a section is that of a script: `step_script`, `step_release`, and `build_script` of older runners.
fn is_script(section: &str) -> bool {
    section.starts_with("step_") || section == "build_script"
}

/// Says whether a line looks like an error, or like a part of one.
pub(crate) fn is_error(line: &str) -> bool {
    weight(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(log: &str, options: ExcerptOptions) -> LogExcerpt {
        let mut excerpt = ExcerptBuilder::new(options);
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
        type LogCase<'a> = (&'a str, String, Option<&'a str>, &'a [&'a str], &'a [&'a str], Option<i32>);
        let cases: [LogCase<'_>; 9] = [
            (
                "sections for the runner's own part alone",
                runner(&all[..2], "\n$ make\nKilled\nCleaning up project directory and file based variables\nbye\n")
                    + failed,
                None,
                &["3:$ make", "4:Killed"],
                &["4:Killed", "7:ERROR: Job failed: exit code 137"],
                Some(137),
            ),
            (
                "a section of an unknown name after the script",
                runner(&[all[0], all[2], ("teardown", "Cleanup")], failed),
                Some("step_script"),
                &["2:$ make", "3:building", "4:Killed"],
                &["4:Killed", "6:ERROR: Job failed: exit code 137"],
                Some(137),
            ),
            (
                "a second script",
                runner(&[all[2], ("step_release", "$ release\nerror: y")], ""),
                Some("step_release"),
                &["4:$ release", "5:error: y"],
                &["5:error: y"],
                None,
            ),
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
            let found = excerpt(&log, ExcerptOptions::default());
            assert_eq!(found.section.as_deref(), section, "{sentence}");
            assert_eq!(texts(&found.tail), tail, "{sentence}");
            assert_eq!(texts(&found.errors), errors, "{sentence}");
            assert_eq!(found.exit_code, code, "{sentence}");
            assert_eq!(found.bytes, log.len() as u64, "{sentence}");
        }
    }

    #[test]
    fn the_line_that_tells_the_most_is_picked() {
        const VERDICT: &str = "\x1b[31;1mERROR: Job failed: exit code 1\n\x1b[0;m";
        let script = |lines: &str| runner(&[("get_sources", "Fetching"), ("step_script", lines)], VERDICT);
        let filler: String = (0..300).map(|n| format!("compiling {n}\n")).collect();
        let green = |command: &str| format!("\x1b[32;1m$ {command}\x1b[0;m\n");
        let cases = [
            ("nothing but the verdict", script("$ ./deploy\nconnecting\nthe other side hung up"), "the other side hung up"),
            ("nothing at all was written", script("$ ./check"), "$ ./check"),
            (
                "a harmless error far from the fatal one",
                script(&format!("ERROR: no cache yet\n{filler}main.c:1:9: fatal error: foo.h: No such file or directory\ncompilation terminated.\nmake: *** [all] Error 1")),
                "main.c:1:9: fatal error: foo.h: No such file or directory",
            ),
            (
                "a harmless located error, then the last of many",
                script(&format!("a.c:1:1: error: try again\n{filler}b.c:2:2: error: 'x' undeclared\nb.c:3:3: error: 'y' undeclared")),
                "b.c:2:2: error: 'x' undeclared",
            ),
            (
                "an error that was survived, and nothing after it",
                script(&format!("ERROR: retrying\n{filler}gave up waiting for the pods")),
                "gave up waiting for the pods",
            ),
            (
                "an earlier command's error was survived",
                script(&format!("{}error: none\n{}no such tag", green("git push || true"), green("git describe"))),
                "no such tag",
            ),
            (
                "a command that only passes on the status",
                script(&format!("{}error: bad\n{}", green("make || rc=$?"), green("exit $rc"))),
                "error: bad",
            ),
            (
                "a dollar in the output is no command where the runner marks them",
                script(&format!("{}error: bad\n$ tool --help\nfor more", green("make"))),
                "error: bad",
            ),
            (
                "a test before the error of the tool around it",
                script("--- FAIL: TestA (0.00s)\n    a_test.go:3: no\nERROR: noise\nFAIL\nmake: *** [test] Error 1"),
                "--- FAIL: TestA (0.00s)",
            ),
            (
                "the summary of pytest",
                script("E       assert 1 == 2\nFAILED tests/test_a.py::test_x - assert 1 == 2\n1 failed"),
                "FAILED tests/test_a.py::test_x - assert 1 == 2",
            ),
            (
                "Python's last exception",
                script("Traceback (most recent call last):\n  File \"a\"\nKeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"b\"\nValueError: no x"),
                "ValueError: no x",
            ),
            (
                "Gradle's message",
                script("FAILURE: Build failed with an exception.\n\n* What went wrong:\nCould not resolve all files.\n\n* Try:\nBUILD FAILED in 3s"),
                "Could not resolve all files.",
            ),
            ("Terraform's frame", script("╷\n│ Error: Invalid provider\n│ \n│   on main.tf\n╵"), "Error: Invalid provider"),
            (
                "a tool around another one",
                script("src/a.ts(3,4): error TS2322: no\nnpm ERR! code 2\nnpm ERR! build: `tsc`"),
                "src/a.ts(3,4): error TS2322: no",
            ),
            ("npm alone", script("npm ERR! code ERESOLVE\nnpm ERR! ERESOLVE could not resolve"), "npm ERR! ERESOLVE could not resolve"),
            (
                "cargo",
                script("error[E0308]: mismatched types\n  --> src/a.rs:1:1\nerror: could not compile `a`"),
                "error[E0308]: mismatched types",
            ),
            (
                "sources that cannot be fetched",
                runner(&[("prepare_executor", "x"), ("get_sources", "fatal: unable to access 'https://x/': 403")], VERDICT),
                "fatal: unable to access 'https://x/': 403",
            ),
            (
                "cache trouble without sections",
                "Checking cache for x...\nFATAL: file does not exist\nFailed to extract cache\n$ make\nno rule\nUploading artifacts...\nERROR: No files to upload\nERROR: Job failed: exit code 2\n".into(),
                "no rule",
            ),
        ];
        for (sentence, log, expected) in cases {
            let found = excerpt(&log, ExcerptOptions::default());
            assert_eq!(found.key_line.map(|line| line.text).as_deref(), Some(expected), "{sentence}");
        }
        assert_eq!(excerpt("ERROR: x\nJob succeeded\n", ExcerptOptions::default()).key_line, None, "it succeeded");
    }

    #[test]
    fn a_log_that_the_runner_cut_says_so_and_its_notice_is_no_line() {
        let log = "line\n\x1b[31;1m\nJob's log exceeded limit of 4194304 bytes.\nJob execution will continue but no more output will be collected.\n\x1b[0;m";
        let found = excerpt(log, ExcerptOptions::default());
        assert_eq!((found.limit, found.errors.len()), (Some(4_194_304), 0));
        assert_eq!(found.key_line.map(|line| line.text).as_deref(), Some("line"));
        assert_eq!(texts(&found.tail).len(), 2, "{:?}", found.tail);
    }

    #[test]
    fn of_many_errors_the_first_and_the_last_few_are_kept() {
        let log: String = (1..=1000).map(|n| format!("error: {n}\n")).collect();
        let found = excerpt(&log, ExcerptOptions { tail: 2, errors: 6 });
        let numbers: Vec<_> = found.errors.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 999, 1000]);
        assert_eq!(texts(&found.tail), ["999:error: 999", "1000:error: 1000"]);
        assert_eq!(found.lines, 1000);
        let none = excerpt(&log, ExcerptOptions { tail: 0, errors: 0 });
        assert!(none.tail.is_empty() && none.errors.is_empty());
    }
}
