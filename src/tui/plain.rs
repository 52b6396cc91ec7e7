//! The dashboard without a picture: lines that are only ever added, words instead of glyphs, choices by number.
//!
//! It is the same view: what is typed becomes the same events, and what the screens have to say is written as lines.

use super::app::{App, InputPurpose, Modal};
use super::banner;
use super::effect::{ViewEffect, ViewEvent};
use super::facts::ViewOptions;
use super::filter::{QuickFilter, RowFilter};
use super::keymap::{ACTION_NAMES, KeyAction};
use super::log_orders;
use super::log_view::LogView;
use super::screens;
use super::screens::line::ScreenLine;
use super::screens::overview::{LineKey, OverviewLine};
use super::screens::place::ScreenPlace;
use super::update::update;
use crate::collect::watch::ChangeNews;
use crate::domain::status::Status;
use crate::report::item::{Span, clean, status_words};
use crate::text::age::in_zone;
use crate::text::glyph::{Charset, Mark};
use crate::text::plural::counted;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::HashSet;
use tokio::time::Instant;

/// Nothing is cut off: lines are as long as they have to be.
const WIDTH: u16 = 1000;
const HEIGHT: u16 = 1000;
/// Lines of a log that are written at once: its last ones.
const LOG_LINES: usize = 40;
/// What may be typed beside numbers.
const HELP: &str = "A number opens that line; a word and a number act on it: retry 3. Words: list, all, attention, \
    filter TEXT, failures, active, events, problems, more (older pipelines of a project), log, whole (the whole log), \
    save FILE (the log), pipe PROGRAM (writes what that makes of the log), retry, cancel, play, mute, mark, browser, \
    refresh, back, quit, help.";
/// The words that change what is shown, by the name of their action.
const ACTIONS: [&str; 15] = [
    "failures", "active", "events", "problems", "log", "retry", "cancel", "play", "mute", "mark", "browser", "refresh",
    "back", "quit", "reverse",
];

/// Where a number leads.
#[derive(Debug, Clone, PartialEq)]
enum PlainChoice {
    Row(LineKey),
    Place(ScreenPlace),
}

/// What a step has brought: lines to write, and what the world has to do.
pub type PlainStep = (Vec<String>, Vec<ViewEffect>);

/// The view, and what was written of it.
#[derive(Debug)]
pub struct PlainView {
    pub app: App,
    choices: Vec<PlainChoice>,
    /// The screen whose lines were written last.
    written: Option<ScreenPlace>,
    has_begun: bool,
    /// Its lines above the log.
    written_lines: HashSet<String>,
    trouble: Vec<String>,
    /// Lines of the log that were written.
    log_lines: usize,
}

impl PlainView {
    pub fn new(options: ViewOptions, now: Instant) -> Self {
        let options = ViewOptions { charset: Charset::Words, ..options };
        let mut app = App::new(options, WIDTH, HEIGHT, now);
        app.overview.quick = QuickFilter::Attention;
        app.overview.is_flat = true;
        Self {
            app,
            choices: Vec::new(),
            written: None,
            written_lines: HashSet::new(),
            has_begun: false,
            trouble: Vec::new(),
            log_lines: 0,
        }
    }

    /// Says what is waited for.
    pub fn greeting(&self) -> String {
        let host = banner::host_name(&self.app.facts.options.host);
        let groups = clean(&self.app.facts.options.groups.join(", "), Charset::Words);
        format!("reading {groups} from {host}; type help for the words that work here")
    }

    /// Takes what has happened.
    pub fn take(&mut self, event: ViewEvent, now: Instant) -> PlainStep {
        let news = match &event {
            ViewEvent::Changes(ChangeNews::Changes(changes)) => changes.len(),
            _ => 0,
        };
        let (is_answer, is_log) = (matches!(event, ViewEvent::Answer(_)), matches!(event, ViewEvent::Log(_)));
        let is_more =
            matches!(event, ViewEvent::Older(_) | ViewEvent::Needs(_) | ViewEvent::Recent(_) | ViewEvent::Pipelines(_));
        // The question may have waited for what the token may.
        let is_permission = matches!(event, ViewEvent::Rights(_));
        let effects = update(&mut self.app, event, now);
        let mut lines = self.changes(news);
        lines.extend(self.news_of_trouble());
        if !self.has_begun && self.app.facts.update.is_whole {
            self.has_begun = true;
            lines.extend(self.screen());
        }
        if is_answer && matches!(self.written, Some(ScreenPlace::Job(..))) {
            lines.extend(self.head());
        }
        if is_more {
            lines.extend(self.new_lines());
        }
        if is_log {
            lines.extend(self.log(LOG_LINES));
        }
        lines.extend(self.app.notice.take());
        lines.extend(self.question().filter(|_| is_permission));
        (lines, effects)
    }

    /// Takes a line that was typed.
    pub fn typed(&mut self, line: &str, now: Instant) -> PlainStep {
        let line = line.trim();
        if let Some(Modal::Confirm(_)) = &self.app.modal {
            let is_yes = line.eq_ignore_ascii_case("y") || line.eq_ignore_ascii_case("yes");
            return self.press(if is_yes { 'y' } else { 'n' }, now);
        }
        if let Some(program) = line.strip_prefix('|') {
            return self.order_log(InputPurpose::Pipe, program.trim());
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (word, rest) = (word.to_lowercase(), rest.trim());
        if let Ok(number) = word.parse::<usize>() {
            return match self.choose(number) {
                Ok(()) => self.act(KeyAction::Enter, now),
                Err(why) => (vec![why], Vec::new()),
            };
        }
        match word.as_str() {
            "" | "list" => (self.screen(), Vec::new()),
            "help" => (vec![HELP.to_owned()], Vec::new()),
            "all" => self.narrow(QuickFilter::All, now),
            "attention" => self.narrow(QuickFilter::Attention, now),
            "filter" => self.filter(rest, now),
            "more" => self.more(now),
            "whole" => (self.whole_log(), Vec::new()),
            "pipe" => self.order_log(InputPurpose::Pipe, rest),
            "save" | "s" => self.order_log(InputPurpose::Save, rest),
            word => match action(word) {
                Ok(action) if rest.is_empty() => self.act(action, now),
                Ok(action) => {
                    match rest.parse().map_err(|_| "that is no number".to_owned()).and_then(|n| self.choose(n)) {
                        Ok(()) => self.act(action, now),
                        Err(why) => (vec![why], Vec::new()),
                    }
                }
                Err(why) => (vec![why], Vec::new()),
            },
        }
    }

    /// Puts the cursor where a number leads.
    fn choose(&mut self, number: usize) -> Result<(), String> {
        let chosen = number.checked_sub(1).and_then(|at| self.choices.get(at)).cloned();
        let Some(chosen) = chosen else {
            return Err(format!("there is no line {number}: list writes the lines with their numbers"));
        };
        match (chosen, self.app.opened.last_mut()) {
            (PlainChoice::Row(key), None) => self.app.overview.cursor = Some(key),
            (PlainChoice::Place(place), Some(screen)) => screen.point_at(place),
            _ => return Err("these numbers are of another screen: list writes those of this one".into()),
        }
        Ok(())
    }

    fn press(&mut self, key: char, now: Instant) -> PlainStep {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        let step = self.take(ViewEvent::Key(key), now);
        self.with_screen(step)
    }

    fn act(&mut self, action: KeyAction, now: Instant) -> PlainStep {
        let step = self.take(ViewEvent::Act(action), now);
        self.with_screen(step)
    }

    /// Adds the lines of another screen, and the question that is asked.
    fn with_screen(&mut self, (mut lines, effects): PlainStep) -> PlainStep {
        if self.app.opened.last().map(|screen| screen.place) != self.written && self.has_begun {
            lines.extend(self.screen());
        }
        lines.extend(self.question());
        (lines, effects)
    }

    /// Returns the question that waits for an answer.
    fn question(&self) -> Option<String> {
        let Some(Modal::Confirm(question)) = &self.app.modal else { return None };
        Some(format!("{} Type yes, or anything else for no.", question.text.trim_end_matches(" y/N")))
    }

    fn narrow(&mut self, quick: QuickFilter, now: Instant) -> PlainStep {
        self.app.overview.quick = quick;
        self.app.overview.filter = RowFilter::default();
        self.list_again(now)
    }

    /// Writes the list, whatever screen was open.
    fn list_again(&mut self, now: Instant) -> PlainStep {
        self.app.arrange();
        self.app.opened.clear();
        // A log that was read is read no longer.
        let effects = update(&mut self.app, ViewEvent::Tick, now).into_iter().chain([ViewEffect::Follow(None)]);
        (self.screen(), effects.collect())
    }

    /// Reads older pipelines of the project whose screen is open.
    fn more(&mut self, now: Instant) -> PlainStep {
        let Some(ScreenPlace::Project(_)) = self.app.opened.last().map(|screen| screen.place) else {
            return (vec!["more reads older pipelines of a project: open one first".into()], Vec::new());
        };
        let (mut lines, effects) = self.act(KeyAction::Bottom, now);
        let end = self.app.opened.last().and_then(|screen| screens::head(&self.app, screen).pop());
        lines.extend(end.map(|line| joined(&line.spans)));
        (lines, effects)
    }

    fn filter(&mut self, text: &str, now: Instant) -> PlainStep {
        match RowFilter::parse(text) {
            Ok(filter) => {
                self.app.overview.filter = filter;
                self.app.overview.quick = QuickFilter::All;
                self.list_again(now)
            }
            Err(error) => (vec![error.to_string()], Vec::new()),
        }
    }

    /// Writes the screen that is open, each line that leads on with its number.
    fn screen(&mut self) -> Vec<String> {
        let mut written = self.head();
        self.log_lines = 0;
        written.extend(self.log(LOG_LINES));
        written
    }

    /// Writes it without its log, which has its own pace.
    fn head(&mut self) -> Vec<String> {
        self.choices.clear();
        self.written = self.app.opened.last().map(|screen| screen.place);
        let Some(screen) = self.app.opened.last() else { return self.overview() };
        let lines = screens::head(&self.app, screen);
        let mut written: Vec<String> = lines.iter().map(|line| self.numbered(line)).collect();
        written.retain(|line| !line.is_empty());
        self.written_lines = written.iter().cloned().collect();
        written
    }

    /// Writes what has come to the screen since it was written.
    fn new_lines(&mut self) -> Vec<String> {
        let top = self.app.opened.last().map(|screen| screen.place);
        if top.is_none() || top != self.written {
            return Vec::new();
        }
        let known = std::mem::take(&mut self.written_lines);
        let lines = self.head();
        lines.into_iter().filter(|line| !known.contains(line)).collect()
    }

    fn numbered(&mut self, line: &ScreenLine) -> String {
        let text = joined(&line.spans);
        let Some(target) = line.target else { return text };
        self.choices.push(PlainChoice::Place(target));
        format!("{}. {text}", self.choices.len())
    }

    fn overview(&mut self) -> Vec<String> {
        let mut written = vec![self.summary()];
        let list = &self.app.overview;
        match list.quick.word() {
            Some(word) => written.push(format!("{word}, the worst first; all writes every project:")),
            None if !list.filter.is_empty() => {
                written.push(format!("filter {}:", clean(list.filter.text(), Charset::Words)))
            }
            None => {}
        }
        for line in &list.lines {
            let OverviewLine::Row(row) = line else { continue };
            let Some(content) = list.row(&self.app.facts, row) else { continue };
            self.choices.push(PlainChoice::Row(line.key()));
            let cells = list.measures.line(&content);
            let texts = cells.iter().map(|cell| joined(&cell.spans)).filter(|text| !text.is_empty() && text != "-");
            written.push(format!("{}. {}", self.choices.len(), texts.collect::<Vec<_>>().join(", ")));
        }
        if list.lines.is_empty() {
            written.push(match self.app.facts.is_sure() {
                true => "nothing to list here".to_owned(),
                false => "nothing to list of what was read; problems writes what was not".to_owned(),
            });
        }
        written
    }

    /// Says how many projects are in which state, and how old that is.
    fn summary(&self) -> String {
        let facts = &self.app.facts;
        let word = |mark: &Mark| match mark {
            // Words that this version does not know are counted together.
            Mark::Status(Status::Other(_)) => "unknown".to_owned(),
            Mark::Status(status) => status_words(status).into_owned(),
            Mark::State(state) => state.word().replace('_', " "),
        };
        let counts: Vec<String> =
            facts.counts.iter().map(|count| format!("{} {}", count.n, word(&count.mark))).collect();
        let age = facts.freshness().forms().map_or(String::new(), |[long, _]| format!("; {long}"));
        format!("{}: {}{age}", counted(facts.rows().len(), "project"), counts.join(", "))
    }

    /// Writes the last changes.
    fn changes(&self, n: usize) -> Vec<String> {
        let zone = self.app.facts.options.status.zone;
        let last = self.app.events.iter().rev().take(n).collect::<Vec<_>>();
        let of = |event: &&crate::tui::event_entry::EventEntry| {
            let at = in_zone(event.at, zone).format("%H:%M");
            let project = clean(&self.app.short_path(&event.project), Charset::Words);
            format!("{at} {project} {} {}", event.word, clean(&event.rest, Charset::Words)).trim_end().to_owned()
        };
        last.iter().rev().map(of).collect()
    }

    /// Writes what has begun to be wrong, and that it is over.
    fn news_of_trouble(&mut self) -> Vec<String> {
        // A countdown is no news.
        let without_numbers = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let present: Vec<String> = banner::trouble(&self.app).into_iter().map(|said| said.text).collect();
        let known: Vec<String> = self.trouble.iter().map(|text| without_numbers(text)).collect();
        let mut lines: Vec<String> = present
            .iter()
            .filter(|text| !known.contains(&without_numbers(text)))
            .map(|text| clean(text, Charset::Words))
            .collect();
        if present.is_empty() && !self.trouble.is_empty() {
            lines.push("what was wrong is over".into());
        }
        self.trouble = present;
        lines
    }

    /// Writes what has come of the log since; of much at once the last lines.
    fn log(&mut self, most: usize) -> Vec<String> {
        let Some(log) = self.app.opened.last().and_then(|screen| screen.log.as_ref()) else { return Vec::new() };
        if log.is_beginning() {
            return Vec::new();
        }
        let lines = log.laid(&self.app.facts);
        let new = lines.len().saturating_sub(self.log_lines);
        let title = (self.log_lines == 0).then(|| joined(&log.title(&self.app.facts).spans));
        let skipped = new.saturating_sub(most);
        self.log_lines = lines.len();
        let note = (skipped > 0).then(|| format!("{} before these; whole writes them all", counted(skipped, "line")));
        let shown = lines[lines.len() - (new - skipped)..].iter().map(of_log);
        title.into_iter().chain(note).chain(shown).collect()
    }

    /// Saves the log, or gives it to a program, whose output becomes lines like all others.
    fn order_log(&mut self, purpose: InputPurpose, typed: &str) -> PlainStep {
        let name = log_orders::file_name(&self.app);
        let typed = match purpose {
            InputPurpose::Save if typed.is_empty() => &name,
            InputPurpose::Pipe if typed.is_empty() => {
                return (vec!["name a program behind pipe: pipe grep -n error".into()], Vec::new());
            }
            _ => typed,
        };
        if self.app.opened.last().is_none_or(|screen| screen.log.as_ref().is_none_or(LogView::is_beginning)) {
            return (vec!["no log is open, or none was read yet".into()], Vec::new());
        }
        let effects = log_orders::order(&mut self.app, purpose, typed);
        (self.app.notice.take().into_iter().collect(), effects)
    }

    fn whole_log(&mut self) -> Vec<String> {
        self.log_lines = 0;
        let lines = self.log(usize::MAX);
        if lines.is_empty() { vec!["no log is open, or none was read yet".into()] } else { lines }
    }
}

/// Finds the action that a word names.
fn action(word: &str) -> Result<KeyAction, String> {
    let found = ACTION_NAMES.iter().find(|(name, _)| *name == word && ACTIONS.contains(name));
    found
        .map(|(_, action)| *action)
        .ok_or_else(|| format!("there is no word \"{}\" here; help writes all", word.escape_debug()))
}

/// Returns a line of a log as it is, with a word in the place of its sign.
fn of_log(line: &ScreenLine) -> String {
    let (number, text) = line.spans.split_first().map_or(("", &[][..]), |(first, rest)| (first.text.as_str(), rest));
    let text: String = text.iter().map(|span| span.text.as_str()).collect();
    let word = match number.chars().next() {
        Some('!') => "error ",
        Some('>') => "match ",
        _ => "",
    };
    format!("{word}{} {text}", number.trim_start_matches(['!', '>']).trim()).trim_end().to_owned()
}

/// Returns a line's text: what is in columns is separated by commas.
fn joined(spans: &[Span]) -> String {
    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
    let parts = text.trim().split("  ").map(str::trim).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ").replace(" ,", ",")
}
