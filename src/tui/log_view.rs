//! The log of a job as it is shown: cleaned, with its sections, its errors, and what is searched for.

use super::facts::ViewFacts;
use super::log_sections::LogSections;
use super::screens::line::ScreenLine;
use crate::collect::log_service::LogNews;
use crate::domain::failure::FailureKind;
use crate::explain::log::is_error;
use crate::report::cell::Tone;
use crate::report::item::Span;
use crate::text::glyph::Charset;
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
    /// The log has no such line: it is there for a section without a header of its own.
    is_made: bool,
}

/// What is known of a log by now.
pub struct LogView {
    /// The number of the request that it shows.
    pub number: u64,
    cleaner: LogCleaner,
    lines: Vec<ShownLine>,
    /// How many lines the log has by now.
    written: usize,
    /// How many of them were dropped from the top, and how many of ours with them.
    dropped: usize,
    drained: usize,
    sections: LogSections,
    /// The next line is the header of the section that was opened last.
    is_header_next: bool,
    /// Sections are folded that the log wants folded, as in GitLab.
    obeys_collapsed: bool,
    /// The section that the user went to.
    chosen: Option<usize>,
    /// The last match that the user went to: the line's place, counted from the first that ever was.
    match_at: Option<usize>,
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
    pub fn new(number: u64, is_following: bool, obeys_collapsed: bool) -> Self {
        Self {
            number,
            cleaner: LogCleaner::new(),
            lines: Vec::new(),
            written: 0,
            dropped: 0,
            drained: 0,
            sections: LogSections::default(),
            is_header_next: false,
            obeys_collapsed,
            chosen: None,
            match_at: None,
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
                self.sections.end_all();
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
        let again = Self::new(self.number, is_following, self.obeys_collapsed);
        *self = Self { is_wrapped, has_times, search, ..again };
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
            CleanerEvent::SectionStart { name, is_collapsed, .. } => {
                // Two may begin in one line: the outer one has no header then.
                self.make_header();
                self.is_header_next = self.sections.begin(name, is_collapsed && self.obeys_collapsed).is_some();
            }
            CleanerEvent::SectionEnd { name, .. } => self.is_header_next &= !self.sections.end(name),
            CleanerEvent::Line(line) => {
                let is_header = std::mem::take(&mut self.is_header_next);
                let section = self.sections.current();
                let mut text = line.text.replace('\t', "    ");
                let is_made = is_header && text.trim().is_empty();
                if is_made {
                    text = self.sections.name(section).to_owned();
                }
                let (is_error, time) = (is_error(line.text), line.time.map(str::to_owned));
                self.written += 1;
                self.add(ShownLine { number: line.number, text, time, is_error, section, is_header, is_made });
            }
        }
    }

    /// Gives a section without a header one of its name, so that it can be folded.
    fn make_header(&mut self) {
        if !std::mem::take(&mut self.is_header_next) {
            return;
        }
        let section = self.sections.current();
        let (number, text) = (self.lines.last().map_or(1, |line| line.number), self.sections.name(section).to_owned());
        let (time, is_error) = (None, false);
        self.add(ShownLine { number, text, time, is_error, section, is_header: true, is_made: true });
    }

    fn add(&mut self, line: ShownLine) {
        let below = if line.is_header { self.sections.around(line.section) } else { line.section };
        self.sections.count(below, line.is_error);
        self.lines.push(line);
        if self.lines.len() > MOST_LINES {
            let surplus = self.lines.len() - MOST_LINES * 9 / 10;
            for line in self.lines.drain(..surplus) {
                self.dropped += usize::from(!line.is_made);
                // Without its header it could not be unfolded any more.
                if line.is_header {
                    self.sections.reveal(line.section);
                }
            }
            self.drained += surplus;
        }
    }

    /// Folds all sections but those with an error in them, or unfolds all.
    pub fn toggle_all_sections(&mut self) {
        self.sections.toggle_all();
    }

    /// Folds a section or unfolds it: the one that was gone to, where its header is among the shown lines from `first` on,
    /// else the first one there. Returns on which line its header is now; `None` where there is no section.
    pub fn toggle_section(&mut self, first: usize, room: usize, facts: &ViewFacts) -> Option<usize> {
        let seen = first..first + room;
        let chosen = self.chosen.filter(|section| self.header_at(*section, facts).is_some_and(|at| seen.contains(&at)));
        let section = chosen.or_else(|| {
            let mut at = 0;
            let in_view = |line: &&ShownLine| {
                at += self.rows_of(line, facts);
                at > seen.start && at - self.rows_of(line, facts) < seen.end
            };
            let shown = self.lines.iter().filter(|line| self.is_shown(line));
            shown.filter(in_view).map(|line| line.section).find(|section| self.has_header(*section))
        })?;
        self.sections.toggle(section);
        self.chosen = Some(section);
        self.header_at(section, facts)
    }

    /// Goes to the header of the next section, seen from the one that was gone to, else from the shown line `first`, or to
    /// the one before. Returns on which line it is.
    pub fn other_section(&mut self, is_backwards: bool, first: usize, facts: &ViewFacts) -> Option<usize> {
        let from = self.chosen.and_then(|section| self.header_at(section, facts));
        let mut headers = Vec::new();
        let mut at = 0;
        for line in self.lines.iter().filter(|line| self.is_shown(line)) {
            if line.is_header {
                headers.push((at, line.section));
            }
            at += self.rows_of(line, facts);
        }
        let (at, section) = match (from, is_backwards) {
            (Some(from), true) => headers.into_iter().rev().find(|(at, _)| *at < from),
            (Some(from), false) => headers.into_iter().find(|(at, _)| *at > from),
            (None, true) => headers.into_iter().rev().find(|(at, _)| *at < first),
            (None, false) => headers.into_iter().find(|(at, _)| *at >= first),
        }?;
        self.chosen = Some(section);
        Some(at)
    }

    /// Goes to the section whose header is on a shown line; says whether there is one.
    pub fn choose_section(&mut self, row: usize, facts: &ViewFacts) -> bool {
        let mut at = 0;
        let found = self.lines.iter().filter(|line| self.is_shown(line)).find(|line| {
            at += self.rows_of(line, facts);
            at > row
        });
        let section = found.filter(|line| line.is_header).map(|line| line.section);
        self.chosen = section.or(self.chosen);
        section.is_some()
    }

    /// Returns the shown line of the section that was gone to.
    pub fn chosen_at(&self, facts: &ViewFacts) -> Option<usize> {
        self.header_at(self.chosen?, facts)
    }

    fn has_header(&self, section: usize) -> bool {
        self.lines.iter().any(|line| line.is_header && line.section == section)
    }

    fn header_at(&self, section: usize, facts: &ViewFacts) -> Option<usize> {
        let header = self.lines.iter().position(|line| line.is_header && line.section == section)?;
        self.is_shown(&self.lines[header]).then(|| self.row_of(header, facts))
    }

    /// Returns how many shown lines there are before one.
    fn row_of(&self, at: usize, facts: &ViewFacts) -> usize {
        let before = self.lines.iter().take(at).filter(|line| self.is_shown(line));
        if self.is_wrapped { before.map(|line| self.rows_of(line, facts)).sum() } else { before.count() }
    }

    fn rows_of(&self, line: &ShownLine, facts: &ViewFacts) -> usize {
        if self.is_wrapped { wrap(&self.text_of(line, facts.options.charset), room(facts)).len() } else { 1 }
    }

    /// A header is hidden with the section around its own one only.
    fn is_shown(&self, line: &ShownLine) -> bool {
        !self.sections.is_hidden(if line.is_header { self.sections.around(line.section) } else { line.section })
    }

    fn is_match(&self, line: &ShownLine) -> bool {
        match self.search.as_str() {
            "" => line.is_error,
            wanted => line.text.to_lowercase().contains(wanted),
        }
    }

    /// Goes to the next line that is an error or has what is searched for, or to the one before, and unfolds what it is in.
    /// Returns on which shown line it is.
    pub fn other_match(&mut self, is_backwards: bool, facts: &ViewFacts) -> Option<usize> {
        let from = self.match_at.map(|at| at.saturating_sub(self.drained));
        let mut found = self.lines.iter().enumerate().filter(|(_, line)| self.is_match(line)).map(|(at, _)| at);
        let at = match (from, is_backwards) {
            (Some(from), true) => found.rfind(|at| *at < from),
            (Some(from), false) => found.find(|at| *at > from),
            (None, true) => found.next_back(),
            (None, false) => found.next(),
        }?;
        let line = &self.lines[at];
        let within = if line.is_header { self.sections.around(line.section) } else { line.section };
        self.sections.reveal(within);
        self.match_at = Some(at + self.drained);
        Some(self.row_of(at, facts))
    }

    /// Returns a line's text; the header of a section says whether that is folded, and what it hides then.
    fn text_of(&self, line: &ShownLine, charset: Charset) -> String {
        let time = line.time.as_ref().filter(|_| self.has_times).map(|time| format!("{time} ")).unwrap_or_default();
        match (line.is_header && charset != Charset::Words, self.sections.is_folded(line.section)) {
            (false, _) => format!("{time}{}", line.text),
            (true, false) => format!("{time}- {}", line.text),
            (true, true) => format!("{time}+ {} ({})", line.text, self.sections.hidden_words(line.section)),
        }
    }

    /// Says whether the log tells when its lines were written.
    pub fn knows_times(&self) -> bool {
        self.lines.iter().any(|line| line.time.is_some())
    }

    /// Returns all lines as a text of their own, whatever is folded.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in self.lines.iter().filter(|line| !line.is_made) {
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
        let mut title = vec![Span::new(format!("log, {} lines", self.written), Tone::Muted)];
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
            folds: self.sections.version,
            dropped: self.drained,
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
                .for_each(|line| self.lay(line, (key.room, facts.options.charset), lines));
            laid.taken = self.lines.len();
        }
        laid.key = Some(key);
        Arc::clone(&laid.lines)
    }

    fn lay(&self, line: &ShownLine, (room, charset): (usize, Charset), lines: &mut Vec<ScreenLine>) {
        let is_match = !self.search.is_empty() && line.text.to_lowercase().contains(&self.search);
        let hides_errors = line.is_header && self.sections.hides_errors(line.section);
        let (sign, tone) = match (is_match, line.is_error || hides_errors) {
            (true, _) => (">", Tone::Active),
            (false, true) => ("!", Tone::Bad),
            (false, false) => (" ", Tone::Plain),
        };
        let text = self.text_of(line, charset);
        // An empty line has the number of the one before, which is not shown twice.
        let number = if text.is_empty() { String::new() } else { line.number.to_string() };
        let number = Span::new(format!("{sign}{number:>5} "), Tone::Muted);
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
    folds: u64,
    dropped: usize,
}

/// Returns the cells for the text of a line, behind its number.
fn room(facts: &ViewFacts) -> usize {
    usize::from(facts.width).saturating_sub(9).max(8)
}
