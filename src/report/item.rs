//! One content of a report as terminal text: sanitised, measured and shortened.

use super::cell::{Cell, Content, PipelineCell, Tone};
use crate::domain::project::StateWord;
use crate::domain::status::Status;
use crate::text::glyph::{Charset, glyph, state_glyph};
use crate::text::sanitise::{REPLACEMENT, sanitise};
use crate::text::stages::{StageMark, fit_stages, focused_width, full_width};
use crate::text::width::{cells, truncate, truncate_middle, truncate_path};
use std::borrow::Cow;

/// A text with its meaning, ready to be printed: sanitised, and no wider than it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub tone: Tone,
}

impl Span {
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

/// Returns how many cells spans take side by side.
pub(crate) fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|span| cells(&span.text)).sum()
}

/// A content that is ready to be measured and printed.
#[derive(Debug, Clone)]
pub(super) enum TableItem {
    /// Keeps its last part when it is cut.
    Path(String),
    Text(String, Tone),
    /// The end of it is as telling as its start.
    Name(Vec<String>, Tone),
    /// A pipeline's status, and its number behind it.
    Pipeline {
        status: String,
        short: String,
        /// Without what a state adds in parentheses.
        bare: String,
        numbered: Option<String>,
        tone: Tone,
        /// It could not be read again: its age is in every form.
        is_old: bool,
    },
    Stages(Vec<StageMark>),
    /// One glyph for each stage.
    Shape(Vec<Status>),
    /// Takes the place of stages.
    Message(String, Tone),
    /// What a pipeline is about, and shorter forms of it.
    What(Vec<String>, Tone),
}

impl TableItem {
    /// Returns how many cells its richest form takes.
    pub(super) fn natural(&self) -> usize {
        match self {
            Self::Path(text) | Self::Text(text, _) | Self::Message(text, _) => cells(text),
            Self::Pipeline { status, numbered, .. } => cells(numbered.as_ref().unwrap_or(status)),
            Self::Stages(stages) => full_width(stages),
            Self::Shape(statuses) => statuses.len(),
            Self::Name(forms, _) | Self::What(forms, _) => forms.first().map_or(0, |text| cells(text)),
        }
    }

    /// Returns how many cells it takes so that it still says what matters.
    pub(super) fn least(&self) -> usize {
        match self {
            Self::Stages(stages) => focused_width(stages).min(full_width(stages)),
            Self::Pipeline { short, is_old: true, .. } => cells(short),
            _ => 0,
        }
    }

    /// Returns it in at most `width` cells.
    pub(super) fn fit(&self, width: usize, charset: Charset) -> Vec<Span> {
        match self {
            Self::Path(path) => vec![Span::new(truncate_path(path, width, charset), Tone::Plain)],
            Self::Text(text, tone) | Self::Message(text, tone) => {
                vec![Span::new(truncate(text, width, charset), *tone)]
            }
            Self::Name(forms, tone) => {
                vec![Span::new(truncate_middle(fitting(forms, width), width, charset), *tone)]
            }
            Self::Pipeline { numbered: Some(text), tone, .. } if cells(text) <= width => vec![Span::new(text, *tone)],
            Self::Pipeline { status, tone, .. } if cells(status) <= width => vec![Span::new(status, *tone)],
            Self::Pipeline { short, tone, .. } if cells(short) <= width => vec![Span::new(short, *tone)],
            Self::Pipeline { bare, tone, .. } => vec![Span::new(truncate(bare, width, charset), *tone)],
            Self::Stages(stages) => stage_spans(stages, width, charset),
            Self::Shape(statuses) => shape_spans(statuses, width, charset),
            Self::What(forms, tone) => vec![Span::new(truncate(fitting(forms, width), width, charset), *tone)],
        }
    }

    /// Makes a content printable; a path is shown relative to `group` when it lies in it.
    pub(super) fn new(content: &Content, group: Option<&str>, charset: Charset) -> Self {
        match content {
            Content::Project(path) => Self::Path(clean(relative(path, group), charset)),
            Content::Text(Cell { text, tone }) => Self::Text(clean(text, charset), *tone),
            Content::Name(forms) => Self::Name(forms.iter().map(|text| clean(text, charset)).collect(), Tone::Plain),
            Content::Moment { short, .. } => Self::Text(clean(short, charset), Tone::Plain),
            Content::Pipeline(cell) => Self::pipeline(cell, charset),
            Content::State(state) => Self::Text(state_text(*state, charset), Tone::from(*state)),
            Content::Stages(stages) => Self::Stages(stages.iter().map(|stage| stage_mark(stage, charset)).collect()),
            Content::Shape(statuses) => Self::Shape(statuses.clone()),
            Content::Message(Cell { text, tone }) => Self::Message(clean(text, charset), *tone),
            Content::What(forms, tone) => {
                Self::What(forms.iter().map(|text| clean(relative(text, group), charset)).collect(), *tone)
            }
        }
    }

    fn pipeline(cell: &PipelineCell, charset: Charset) -> Self {
        let words = clean(&status_words(&cell.worst), charset);
        let with = |words: &str| format!("{} {words}{}", glyph(&cell.worst, charset), age_of(cell));
        Self::Pipeline {
            status: pipeline_status(cell, "", charset),
            short: with(&words),
            bare: with(words.split(" (").next().unwrap_or_default()),
            numbered: Some(pipeline_status(cell, &format!(" #{}", cell.id), charset)),
            tone: Tone::from(&cell.worst),
            is_old: cell.read_ago.is_some(),
        }
    }

    /// Returns it without the number of a pipeline.
    pub(super) fn without_id(self) -> Self {
        match self {
            Self::Pipeline { status, short, bare, tone, is_old, .. } => {
                Self::Pipeline { status, short, bare, numbered: None, tone, is_old }
            }
            other => other,
        }
    }

    /// Returns the same text as one whose end tells as much as its start.
    pub(super) fn into_name(self) -> Self {
        match self {
            Self::Text(text, tone) => Self::Name(vec![text], tone),
            other => other,
        }
    }

    /// The same for an output that has all the room: full paths, times with their date and zone.
    pub(super) fn in_full(content: &Content, charset: Charset) -> Self {
        match content {
            Content::Moment { full, .. } => Self::Text(clean(full, charset), Tone::Plain),
            Content::Project(_)
            | Content::Text(_)
            | Content::Name(_)
            | Content::Pipeline(_)
            | Content::State(_)
            | Content::Stages(_)
            | Content::Shape(_)
            | Content::Message(_)
            | Content::What(..) => Self::new(content, None, charset),
        }
    }
}

/// Returns the first form that fits, else the shortest.
fn fitting(forms: &[String], width: usize) -> &str {
    forms.iter().find(|text| cells(text) <= width).or(forms.last()).map_or("", String::as_str)
}

fn stage_spans(stages: &[StageMark], width: usize, charset: Charset) -> Vec<Span> {
    let fitted = fit_stages(stages, width, charset);
    let mut spans = Vec::with_capacity(2 * fitted.pieces.len() + 1);
    for (status, text) in &fitted.pieces {
        if !spans.is_empty() && !fitted.gap.is_empty() {
            spans.push(Span::new(fitted.gap, Tone::Plain));
        }
        spans.push(Span::new(text, Tone::from(status)));
    }
    if !fitted.rest.is_empty() {
        spans.push(Span::new(fitted.rest, Tone::Muted));
    }
    spans
}

/// Returns a glyph for each stage; of too many, the last ones are left out with a sign of it.
fn shape_spans(statuses: &[Status], width: usize, charset: Charset) -> Vec<Span> {
    let of = |status: &Status| Span::new(glyph(status, charset), Tone::from(status));
    if statuses.len() <= width {
        return statuses.iter().map(of).collect();
    }
    let ellipsis = charset.ellipsis();
    let shown = width.saturating_sub(cells(ellipsis));
    let rest = Span::new(truncate(ellipsis, width, charset), Tone::Muted);
    statuses.iter().take(shown).map(of).chain([rest]).collect()
}

fn stage_mark((name, status): &(String, Status), charset: Charset) -> StageMark {
    StageMark { name: clean(name, charset), status: status.clone() }
}

fn state_text(state: StateWord, charset: Charset) -> String {
    let word = match state {
        StateWord::Ok => "ok",
        StateWord::NoPipeline => "none",
        StateWord::NoAccess => "no access",
        StateWord::Error => "error",
        StateWord::Stale => "stale",
    };
    format!("{} {word}", state_glyph(state, charset))
}

/// `✗ failed`, or `✗ failed in child` where a triggered pipeline is worse; and how old it is where it could not be read again.
fn pipeline_status(cell: &PipelineCell, id: &str, charset: Charset) -> String {
    let place = if cell.below.is_some() { " in child" } else { "" };
    let age = age_of(cell);
    let worst = status_words(&cell.worst);
    let words = match cell.below {
        // A part of it could not be read.
        None if cell.own != cell.worst => format!("{}, {worst}", status_words(&cell.own)),
        _ => worst.into_owned(),
    };
    let word = clean(&words, charset);
    format!("{} {word}{place}{id}{age}", glyph(&cell.worst, charset))
}

/// Returns how old it is where it could not be read again, which no form leaves out.
fn age_of(cell: &PipelineCell) -> String {
    cell.read_ago.as_ref().map_or(String::new(), |ago| format!(" ({ago} old)"))
}

/// Returns a status as people read it: GitLab's word, or what is waited for.
pub(crate) fn status_words(status: &Status) -> Cow<'_, str> {
    match status {
        Status::WaitingForResource => "waiting (resource)".into(),
        Status::WaitingForCallback => "waiting (callback)".into(),
        other => other.word().into(),
    }
}

/// Makes a foreign text harmless.
pub(crate) fn clean(text: &str, charset: Charset) -> String {
    let clean = sanitise(text);
    let clean = clean.trim();
    match charset {
        Charset::Unicode | Charset::Words => clean.to_owned(),
        Charset::Ascii => clean.replace(REPLACEMENT, "?"),
    }
}

fn relative<'a>(path: &'a str, group: Option<&str>) -> &'a str {
    let below = |group: &str| path.strip_prefix(group)?.strip_prefix('/');
    group.and_then(below).unwrap_or(path)
}
