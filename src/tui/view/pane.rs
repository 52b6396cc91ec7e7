//! Beside the list: why what is under the cursor is red.

use super::paint::spans;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::text::duration::duration;
use crate::text::glyph::Charset;
use crate::tui::app::{App, ExplanationState};
use crate::tui::screens::explanation::{self, ExplanationRoom};
use crate::tui::screens::line::{ScreenLine, cut, wrapped};
use crate::tui::screens::overview::pipeline_of;
use crate::tui::screens::pipeline::head;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::symbols::border::{PLAIN, Set};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let block = Block::new().borders(Borders::LEFT).border_style(Style::new().add_modifier(Modifier::DIM));
    let block = match app.facts.options.charset {
        Charset::Unicode => block,
        Charset::Ascii | Charset::Words => block.border_set(ascii()),
    };
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inner.width).saturating_sub(1);
    let charset = app.facts.options.charset;
    let drawn = lines(app, width).into_iter().take(usize::from(inner.height)).map(|line| {
        let drawn = Line::from_iter(spans(app, &cut(&line.spans, width, charset)));
        if line.is_bold { drawn.patch_style(Style::new().add_modifier(Modifier::BOLD)) } else { drawn }
    });
    frame.render_widget(Paragraph::new(drawn.collect::<Vec<_>>()), inner);
}

fn ascii() -> Set<'static> {
    Set { vertical_left: "|", ..PLAIN }
}

fn lines(app: &App, width: usize) -> Vec<ScreenLine> {
    let Some((row, project)) = app.overview.cursor_row() else { return Vec::new() };
    let Some(pipeline) = pipeline_of(project, row) else {
        let why = project.failure().map(ToString::to_string).unwrap_or_default();
        return wrapped(&why, Tone::Bad, width, app.facts.options.charset);
    };
    let mut lines = head(app, project, pipeline);
    lines.push(ScreenLine::empty());
    let is_red = pipeline.worst() == Status::Failed || pipeline.has_warnings;
    match app.explanation_of(pipeline) {
        Some(ExplanationState::Answered(answered)) => {
            let room = ExplanationRoom { width, charset: app.facts.options.charset };
            lines.extend(explanation::whole(&answered.answer, room));
        }
        Some(ExplanationState::Failed(failure)) => {
            let text = format!("no explanation: {}", failure.message);
            lines.extend(wrapped(&text, Tone::Warn, width, app.facts.options.charset));
        }
        Some(ExplanationState::Asked { since }) => {
            let since = duration(app.facts.now.saturating_duration_since(*since));
            lines.push(ScreenLine::text(format!("reading why, for {since}"), Tone::Muted));
        }
        None if is_red => lines.push(ScreenLine::text("rest here to read why", Tone::Muted)),
        None => {}
    }
    lines
}
