//! One content of a report as terminal text: sanitised, measured, and shortened in its own way.

use super::cell::{Cell, Content, PipelineCell, Tone};
use crate::domain::project::StateWord;
use crate::domain::status::Status;
use crate::text::glyph::{Charset, glyph, state_glyph};
use crate::text::sanitise::{REPLACEMENT, sanitise};
use crate::text::stages::{StageMark, fit_stages, full_width};
use crate::text::width::{cells, truncate, truncate_path};

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
pub fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|span| cells(&span.text)).sum()
}

/// A content that is ready to be measured and printed.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// Keeps its last part when it is cut.
    Path(String),
    Text(String, Tone),
    /// The same in several lengths, longest first; the longest that fits is printed.
    Forms(Vec<String>, Tone),
    Stages(Vec<StageMark>),
    /// Takes the place of stages.
    Message(String, Tone),
}

impl Item {
    /// Returns how many cells its richest form takes.
    pub(super) fn natural(&self) -> usize {
        match self {
            Self::Path(text) | Self::Text(text, _) | Self::Message(text, _) => cells(text),
            Self::Forms(forms, _) => forms.first().map_or(0, |form| cells(form)),
            Self::Stages(stages) => full_width(stages),
        }
    }

    /// Returns it in at most `width` cells.
    pub(super) fn fit(&self, width: usize, charset: Charset) -> Vec<Span> {
        match self {
            Self::Path(path) => vec![Span::new(truncate_path(path, width, charset), Tone::Plain)],
            Self::Text(text, tone) | Self::Message(text, tone) => {
                vec![Span::new(truncate(text, width, charset), *tone)]
            }
            Self::Forms(forms, tone) => {
                let fitting = forms.iter().find(|form| cells(form) <= width).or(forms.last());
                vec![Span::new(fitting.map(|form| truncate(form, width, charset)).unwrap_or_default(), *tone)]
            }
            Self::Stages(stages) => stage_spans(stages, width, charset),
        }
    }

    /// Makes a content printable; a path is shown relative to `group` when it lies in it.
    pub(super) fn new(content: &Content, group: Option<&str>, charset: Charset) -> Self {
        match content {
            Content::Project(path) => Self::Path(clean(relative(path, group), charset)),
            Content::Text(Cell { text, tone }) => Self::Text(clean(text, charset), *tone),
            Content::Moment { short, .. } => Self::Text(clean(short, charset), Tone::Plain),
            Content::Pipeline(cell) => Self::Forms(pipeline_forms(cell, charset), Tone::from(&cell.worst)),
            Content::State(state) => Self::Text(state_text(*state, charset), Tone::from(*state)),
            Content::Stages(stages) => Self::Stages(stages.iter().map(|stage| stage_mark(stage, charset)).collect()),
            Content::Message(Cell { text, tone }) => Self::Message(clean(text, charset), *tone),
        }
    }

    /// The same for an output that has all the room: full paths, times with their date and zone.
    pub(super) fn in_full(content: &Content, charset: Charset) -> Self {
        match content {
            Content::Moment { full, .. } => Self::Text(clean(full, charset), Tone::Plain),
            Content::Project(_)
            | Content::Text(_)
            | Content::Pipeline(_)
            | Content::State(_)
            | Content::Stages(_)
            | Content::Message(_) => Self::new(content, None, charset),
        }
    }
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

/// `✗ failed #8123`, or `✗ success #8123 → failed #8200` where a triggered pipeline is worse.
///
/// The shorter forms drop the ids and then the pipeline's own word, never the word for what the glyph shows,
/// nor how old it is where it could not be read again.
fn pipeline_forms(cell: &PipelineCell, charset: Charset) -> Vec<String> {
    let glyph = glyph(&cell.worst, charset);
    let (own, worst) = (clean(cell.own.word(), charset), clean(cell.worst.word(), charset));
    let (id, arrow) = (cell.id, charset.arrow());
    let short = format!("{glyph} {worst}");
    let mut forms = match cell.below {
        None if own == worst => vec![format!("{glyph} {worst} #{id}")],
        // A part of it could not be read.
        None => vec![format!("{glyph} {own} #{id} {arrow} {worst}"), format!("{glyph} {own} {arrow} {worst}")],
        Some(below) => vec![
            format!("{glyph} {own} #{id} {arrow} {worst} #{below}"),
            format!("{glyph} {own} #{id} {arrow} {worst}"),
            format!("{glyph} {own} {arrow} {worst}"),
        ],
    };
    forms.push(short);
    match &cell.read_ago {
        None => forms,
        Some(ago) => forms.into_iter().map(|form| format!("{form} ({ago} old)")).collect(),
    }
}

/// Makes a foreign text harmless.
pub fn clean(text: &str, charset: Charset) -> String {
    let clean = sanitise(text);
    let clean = clean.trim();
    match charset {
        Charset::Unicode => clean.to_owned(),
        Charset::Ascii => clean.replace(REPLACEMENT, "?"),
    }
}

fn relative<'a>(path: &'a str, group: Option<&str>) -> &'a str {
    let below = |group: &str| path.strip_prefix(group)?.strip_prefix('/');
    group.and_then(below).unwrap_or(path)
}
