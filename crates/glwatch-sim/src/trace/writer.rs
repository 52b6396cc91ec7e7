//! How GitLab Runner writes a log: sections, colours, commands, and the time before each line when asked for it.

use chrono::{DateTime, SecondsFormat, Utc};

/// Which of a job's streams a line is from; shows only with FF_TIMESTAMPS.
#[derive(Clone, Copy)]
pub(super) enum LogSource {
    /// The runner's own words.
    Runner,
    Out,
    Err,
}

pub(super) struct LogWriter {
    pub(super) bytes: Vec<u8>,
    /// The time of the next line; every line takes a moment.
    now: i64,
    pub(super) timestamps: bool,
}

impl LogWriter {
    pub(super) fn new(now: i64, timestamps: bool) -> Self {
        Self { bytes: Vec::new(), now, timestamps }
    }

    fn stamp(&mut self, from: LogSource, mark: char) {
        self.now += 7;
        if self.timestamps {
            let stream = match from {
                LogSource::Runner => "00O",
                LogSource::Out => "01O",
                LogSource::Err => "01E",
            };
            let at = DateTime::<Utc>::from_timestamp_micros(self.now * 1_000 + 456).unwrap_or_default();
            let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
            self.bytes.extend_from_slice(format!("{at} {stream}{mark}").as_bytes());
        }
    }

    pub(super) fn raw(&mut self, from: LogSource, line: &[u8]) {
        self.stamp(from, ' ');
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
    }

    pub(super) fn line(&mut self, from: LogSource, line: &str) {
        self.raw(from, line.as_bytes());
    }

    pub(super) fn lines(&mut self, from: LogSource, text: &str) {
        text.lines().for_each(|line| self.line(from, line));
    }

    /// A line of the runner, which resets the colour around each.
    pub(super) fn says(&mut self, text: &str) {
        self.line(LogSource::Runner, &format!("\x1b[0K{text}\x1b[0;m"));
    }

    pub(super) fn command(&mut self, text: &str) {
        self.line(LogSource::Runner, &format!("\x1b[32;1m$ {text}\x1b[0;m"));
    }

    pub(super) fn open(&mut self, name: &str, header: &str) {
        self.stamp(LogSource::Runner, ' ');
        let marker = format!("section_start:{}:{name}\r\x1b[0K", self.now / 1_000);
        self.bytes.extend_from_slice(marker.as_bytes());
        if self.timestamps {
            // The header goes on in a line of its own, marked as the rest of the one before.
            self.bytes.push(b'\n');
            self.stamp(LogSource::Runner, '+');
        }
        self.bytes.extend_from_slice(format!("\x1b[0K\x1b[36;1m{header}\x1b[0;m\x1b[0;m\n").as_bytes());
    }

    /// Ends a section. Without timestamps the next one begins in the same line, as the runner has it.
    pub(super) fn close(&mut self, name: &str) {
        self.stamp(LogSource::Runner, ' ');
        let marker = format!("section_end:{}:{name}\r\x1b[0K", self.now / 1_000);
        self.bytes.extend_from_slice(marker.as_bytes());
        if self.timestamps {
            self.bytes.push(b'\n');
        }
    }

    /// Draws a bar over and over in one line, as programs do that take the log for a terminal.
    pub(super) fn progress(&mut self, label: &str) {
        self.stamp(LogSource::Err, ' ');
        for percent in (0..=100).step_by(20) {
            let bar = "#".repeat(percent / 5);
            self.bytes.extend_from_slice(format!("\r{label} [{bar:<20}] {percent:>3}%").as_bytes());
        }
        self.bytes.push(b'\n');
    }

    pub(super) fn wait(&mut self, until: i64) {
        self.now = self.now.max(until);
    }
}
