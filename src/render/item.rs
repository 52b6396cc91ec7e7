//! One content of a report as terminal text: sanitised, measured, and shortened in its own way.

use super::paint::paint;
use crate::domain::project::StateWord;
use crate::domain::status::Status;
use crate::report::cell::{Cell, Content, PipelineCell, Tone};
use crate::text::glyph::{Charset, glyph, state_glyph};
use crate::text::sanitise::{REPLACEMENT, sanitise};
use crate::text::stages::{StageMark, fit_stages, full_width};
use crate::text::width::{cells, truncate, truncate_path};

/// What the output can show, apart from how wide it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Painter {
    pub(super) color: bool,
    pub(super) charset: Charset,
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

    /// Returns it in at most `width` cells, with its colour.
    pub(super) fn print(&self, width: usize, painter: Painter) -> String {
        let Painter { color, charset } = painter;
        match self {
            Self::Path(path) => truncate_path(path, width, charset),
            Self::Text(text, tone) | Self::Message(text, tone) => paint(&truncate(text, width, charset), *tone, color),
            Self::Forms(forms, tone) => {
                let fitting = forms.iter().find(|form| cells(form) <= width).or(forms.last());
                let text = fitting.map(|form| truncate(form, width, charset)).unwrap_or_default();
                paint(&text, *tone, color)
            }
            Self::Stages(stages) => {
                let fitted = fit_stages(stages, width, charset);
                let pieces: Vec<String> =
                    fitted.pieces.iter().map(|(status, text)| paint(text, Tone::from(status), color)).collect();
                format!("{}{}", pieces.join(fitted.gap), paint(&fitted.rest, Tone::Muted, color))
            }
        }
    }
}

impl Painter {
    /// Makes a content printable; a path is shown relative to `group` when it lies in it.
    pub(super) fn item(self, content: &Content, group: Option<&str>) -> Item {
        match content {
            Content::Project(path) => Item::Path(self.clean(relative(path, group))),
            Content::Text(Cell { text, tone }) => Item::Text(self.clean(text), *tone),
            Content::Moment { short, .. } => Item::Text(self.clean(short), Tone::Plain),
            Content::Pipeline(cell) => Item::Forms(self.pipeline_forms(cell), Tone::from(&cell.worst)),
            Content::State(state) => Item::Text(self.state_text(*state), Tone::from(*state)),
            Content::Stages(stages) => Item::Stages(stages.iter().map(|stage| self.stage(stage)).collect()),
            Content::Message(Cell { text, tone }) => Item::Message(self.clean(text), *tone),
        }
    }

    /// The same for an output that has all the room: full paths, times with their date and zone.
    pub(super) fn item_in_full(self, content: &Content) -> Item {
        match content {
            Content::Moment { full, .. } => Item::Text(self.clean(full), Tone::Plain),
            Content::Project(_)
            | Content::Text(_)
            | Content::Pipeline(_)
            | Content::State(_)
            | Content::Stages(_)
            | Content::Message(_) => self.item(content, None),
        }
    }

    fn stage(self, (name, status): &(String, Status)) -> StageMark {
        StageMark { name: self.clean(name), status: status.clone() }
    }

    fn state_text(self, state: StateWord) -> String {
        let word = match state {
            StateWord::Ok => "ok",
            StateWord::NoPipeline => "none",
            StateWord::NoAccess => "no access",
            StateWord::Error => "error",
        };
        format!("{} {word}", state_glyph(state, self.charset))
    }

    /// `✗ failed #8123`, or `✗ success #8123 → failed #8200` where a triggered pipeline is worse.
    ///
    /// The shorter forms drop the ids and then the pipeline's own word, never the word for what the glyph shows.
    fn pipeline_forms(self, cell: &PipelineCell) -> Vec<String> {
        let glyph = glyph(&cell.worst, self.charset);
        let (own, worst) = (self.clean(cell.own.word()), self.clean(cell.worst.word()));
        let (id, arrow) = (cell.id, self.charset.arrow());
        let short = format!("{glyph} {worst}");
        let mut forms = match cell.below {
            None => vec![format!("{glyph} {worst} #{id}")],
            Some(below) => vec![
                format!("{glyph} {own} #{id} {arrow} {worst} #{below}"),
                format!("{glyph} {own} #{id} {arrow} {worst}"),
                format!("{glyph} {own} {arrow} {worst}"),
            ],
        };
        forms.push(short);
        forms
    }

    fn clean(self, text: &str) -> String {
        let clean = sanitise(text);
        let clean = clean.trim();
        match self.charset {
            Charset::Unicode => clean.to_owned(),
            Charset::Ascii => clean.replace(REPLACEMENT, "?"),
        }
    }
}

fn relative<'a>(path: &'a str, group: Option<&str>) -> &'a str {
    let below = |group: &str| path.strip_prefix(group)?.strip_prefix('/');
    group.and_then(below).unwrap_or(path)
}
