//! The log of a job as it is shown: cleaned, with its sections, its errors, and what is searched for.

use super::facts::ViewFacts;
use super::screens::line::ScreenLine;
use crate::collect::log_service::LogNews;
use crate::domain::failure::FailureKind;
use crate::explain::log::is_error;
use crate::report::cell::Tone;
use crate::report::item::Span;
use crate::text::log::{CleanerEvent, LogCleaner};
use crate::text::wrap::wrap;
use parking_lot::Mutex;
use std::sync::Arc;

/// Lines that are kept; of a longer log the first ones go.
const MOST_LINES: usize = 20_000;

/// Until it is known how long it is.
const READING: &str = "reading the log";

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ShownLine {
    number: u64,
    text: String,
    /// When it was written, where the log says so.
    time: Option<String>,
    is_error: bool,
    /// The section that it is in, counted from 1; 0 for none.
    section: usize,
    /// It is the header of its section.
    is_header: bool,
}

/// What is known of a log by now.
pub struct LogView {
    /// The number of the request that it shows.
    pub number: u64,
    cleaner: LogCleaner,
    lines: Vec<ShownLine>,
    /// How many lines were dropped from the top.
    dropped: usize,
    sections: usize,
    open: Vec<usize>,
    /// The next line is the header of the section that was opened last.
    is_header_next: bool,
    folded: Vec<usize>,
    /// What is happening, in words; `None` once all is read.
    state: Option<(String, Tone)>,
    /// The view stays at the end as the log grows.
    pub is_following: bool,
    pub is_wrapped: bool,
    pub has_times: bool,
    laid: Mutex<LaidLog>,
    /// What is searched for, in lower case.
    pub search: String,
}

impl std::fmt::Debug for LogView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogView").field("lines", &self.lines.len()).field("state", &self.state).finish_non_exhaustive()
    }
}

impl LogView {
    pub fn new(number: u64, is_following: bool) -> Self {
        Self {
            number,
            cleaner: LogCleaner::new(),
            lines: Vec::new(),
            dropped: 0,
            sections: 0,
            open: Vec::new(),
            is_header_next: false,
            folded: Vec::new(),
            state: Some((READING.into(), Tone::Muted)),
            is_following,
            is_wrapped: false,
            has_times: false,
            laid: Mutex::default(),
            search: String::new(),
        }
    }

    /// Says whether there is more to come at once: what is there already has not come as far as the log.
    pub fn is_beginning(&self) -> bool {
        self.state.as_ref().is_some_and(|(state, _)| state == READING)
    }

    /// Takes what has come.
    pub fn take(&mut self, news: LogNews) {
        let say = |text: &str, tone| Some((text.to_owned(), tone));
        match news {
            LogNews::Piece(bytes) => self.push(&bytes),
            LogNews::UpToDate => self.state = say("the job goes on", Tone::Active),
            LogNews::Waits => self.state = say("the job has not begun: no log yet", Tone::Active),
            LogNews::Replaced => self.begin_again(),
            LogNews::Cut => self.state = say("the log is longer: the rest is not read", Tone::Warn),
            LogNews::Interrupted(failure) => {
                self.state =
                    Some((format!("the log cannot be read for now, trying again: {}", failure.message), Tone::Warn));
            }
            LogNews::NoLog(_) => self.state = say("it has no log", Tone::Muted),
            LogNews::Over => {
                self.finish();
                self.state = None;
            }
            LogNews::Retried(job) => {
                self.begin_again();
                self.state = Some((format!("it was retried: following job {job}"), Tone::Active));
            }
            LogNews::Failed(failure) => {
                // Without a token GitLab shows public pipelines, and no log.
                let hint =
                    if failure.kind == FailureKind::Unauthorized { "; a log needs a token that is valid" } else { "" };
                self.state = Some((format!("the log could not be read: {}{hint}", failure.message), Tone::Bad));
            }
        }
    }

    fn begin_again(&mut self) {
        let (is_following, is_wrapped, has_times) = (self.is_following, self.is_wrapped, self.has_times);
        let search = std::mem::take(&mut self.search);
        *self = Self { is_wrapped, has_times, search, ..Self::new(self.number, is_following) };
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut cleaner = std::mem::take(&mut self.cleaner);
        cleaner.push(bytes, &mut |event| self.note(event));
        self.cleaner = cleaner;
    }

    fn finish(&mut self) {
        let mut cleaner = std::mem::take(&mut self.cleaner);
        cleaner.finish(&mut |event| self.note(event));
    }

    fn note(&mut self, event: CleanerEvent<'_>) {
        match event {
            CleanerEvent::SectionStart { .. } => {
                self.sections += 1;
                self.open.push(self.sections);
                self.is_header_next = true;
            }
            CleanerEvent::SectionEnd { .. } => drop(self.open.pop()),
            CleanerEvent::Line(line) => {
                let section = self.open.last().copied().unwrap_or(0);
                let is_header = std::mem::take(&mut self.is_header_next);
                let text = line.text.replace('\t', "    ");
                let is_error = is_error(line.text);
                let time = line.time.map(str::to_owned);
                self.lines.push(ShownLine { number: line.number, text, time, is_error, section, is_header });
                if self.lines.len() > MOST_LINES {
                    let surplus = self.lines.len() - MOST_LINES * 9 / 10;
                    self.lines.drain(..surplus);
                    self.dropped += surplus;
                }
            }
        }
    }

    /// Folds all sections but those with an error in them, or unfolds all.
    pub fn toggle_all_sections(&mut self) {
        if self.folded.is_empty() {
            self.folded = (1..=self.sections).collect();
            // What tells about the failure stays in sight.
            let telling: Vec<usize> = self.lines.iter().filter(|line| line.is_error).map(|line| line.section).collect();
            self.folded.retain(|section| !telling.contains(section));
        } else {
            self.folded.clear();
        }
    }

    fn is_shown(&self, line: &ShownLine) -> bool {
        line.is_header || !self.folded.contains(&line.section)
    }

    fn is_match(&self, line: &ShownLine) -> bool {
        match self.search.as_str() {
            "" => line.is_error,
            wanted => line.text.to_lowercase().contains(wanted),
        }
    }

    /// Returns which of its lines on the screen begin an error, or what is searched for.
    pub fn matches(&self, facts: &ViewFacts) -> Vec<usize> {
        let room = room(facts);
        let mut at = 0;
        let mut found = Vec::new();
        for line in self.lines.iter().filter(|line| self.is_shown(line)) {
            if self.is_match(line) {
                found.push(at);
            }
            at += if self.is_wrapped { wrap(&self.text_of(line), room).len() } else { 1 };
        }
        found
    }

    /// Returns a line's text; the header of a section that is folded says so.
    fn text_of(&self, line: &ShownLine) -> String {
        let fold = if line.is_header && self.folded.contains(&line.section) { "+ " } else { "" };
        let time = line.time.as_ref().filter(|_| self.has_times).map(|time| format!("{time} ")).unwrap_or_default();
        format!("{time}{fold}{}", line.text)
    }

    /// Says whether the log tells when its lines were written.
    pub fn knows_times(&self) -> bool {
        self.lines.iter().any(|line| line.time.is_some())
    }

    /// Returns all lines as a text of their own, whatever is folded.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            if let Some(time) = line.time.as_ref().filter(|_| self.has_times) {
                text.push_str(time);
                text.push(' ');
            }
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// Returns what is said above the log.
    pub fn title(&self, facts: &ViewFacts) -> ScreenLine {
        let charset = facts.options.charset;
        let mut title = vec![Span::new(format!("log, {} lines", self.dropped + self.lines.len()), Tone::Muted)];
        if self.dropped > 0 {
            title.push(Span::new(format!(", the first {} are not kept", self.dropped), Tone::Warn));
        }
        if let Some((state, tone)) = &self.state {
            title.push(Span::new(format!(" {} {state}", charset.dot()), *tone));
        }
        if self.is_following && self.state.is_some() {
            title.push(Span::new(" (following; F stops it)", Tone::Muted));
        }
        ScreenLine::new(title)
    }

    /// Returns the lines of the log. They are made once: a picture of a long log costs no more than one of a short one.
    pub fn laid(&self, facts: &ViewFacts) -> Arc<Vec<ScreenLine>> {
        let key = LaidKey {
            room: room(facts),
            is_wrapped: self.is_wrapped,
            has_times: self.has_times,
            search: self.search.clone(),
            folded: self.folded.clone(),
            dropped: self.dropped,
        };
        let mut laid = self.laid.lock();
        if laid.key.as_ref() != Some(&key) || laid.taken > self.lines.len() {
            *laid = LaidLog::default();
        }
        if laid.taken < self.lines.len() {
            let from = laid.taken;
            let lines = Arc::make_mut(&mut laid.lines);
            self.lines[from..]
                .iter()
                .filter(|line| self.is_shown(line))
                .for_each(|line| self.lay(line, key.room, lines));
            laid.taken = self.lines.len();
        }
        laid.key = Some(key);
        Arc::clone(&laid.lines)
    }

    fn lay(&self, line: &ShownLine, room: usize, lines: &mut Vec<ScreenLine>) {
        let is_match = !self.search.is_empty() && line.text.to_lowercase().contains(&self.search);
        let (sign, tone) = match (is_match, line.is_error) {
            (true, _) => (">", Tone::Active),
            (false, true) => ("!", Tone::Bad),
            (false, false) => (" ", Tone::Plain),
        };
        let number = Span::new(format!("{sign}{:>5} ", line.number), Tone::Muted);
        let text = self.text_of(line);
        if !self.is_wrapped {
            lines.push(ScreenLine::new(vec![number, Span::new(text, tone)]));
            return;
        }
        for (n, part) in wrap(&text, room).into_iter().enumerate() {
            let lead = if n == 0 { number.clone() } else { Span::new(" ".repeat(7), Tone::Plain) };
            lines.push(ScreenLine::new(vec![lead, Span::new(part, tone)]));
        }
    }
}

/// The lines of a log as they were last made.
#[derive(Default)]
struct LaidLog {
    key: Option<LaidKey>,
    /// How many lines of the log are in it.
    taken: usize,
    lines: Arc<Vec<ScreenLine>>,
}

/// What they depend on beside the log itself.
#[derive(PartialEq, Eq)]
struct LaidKey {
    room: usize,
    is_wrapped: bool,
    has_times: bool,
    search: String,
    folded: Vec<usize>,
    dropped: usize,
}

/// Returns the cells for the text of a line, behind its number.
fn room(facts: &ViewFacts) -> usize {
    usize::from(facts.width).saturating_sub(9).max(8)
}
