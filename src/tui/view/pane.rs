//! Beside the list: why what is under the cursor is red.

use super::paint::spans;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::text::duration::duration;
use crate::tui::app::{App, ExplanationState};
use crate::tui::screens::explanation::{self, ExplanationRoom};
use crate::tui::screens::line::{ScreenLine, cut};
use crate::tui::screens::overview::pipeline_of;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let block = Block::new().borders(Borders::LEFT).border_style(Style::new().add_modifier(Modifier::DIM));
    let block = match app.facts.options.charset {
        crate::text::glyph::Charset::Unicode => block,
        crate::text::glyph::Charset::Ascii => block.border_set(ascii()),
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

fn ascii() -> ratatui::symbols::border::Set<'static> {
    ratatui::symbols::border::Set { vertical_left: "|", ..ratatui::symbols::border::PLAIN }
}

fn lines(app: &App, width: usize) -> Vec<ScreenLine> {
    let Some((row, project)) = app.overview.cursor_row() else { return Vec::new() };
    let Some(pipeline) = pipeline_of(project, row) else {
        let why = project.failure().map(ToString::to_string).unwrap_or_default();
        return crate::tui::screens::line::wrapped(&why, Tone::Bad, width, app.facts.options.charset);
    };
    let mut lines = crate::tui::screens::pipeline::head(app, project, pipeline);
    lines.push(ScreenLine::empty());
    let is_red = pipeline.worst() == Status::Failed || pipeline.has_warnings;
    match app.explanations.get(&pipeline.id) {
        Some(ExplanationState::Answered(answered)) => {
            let room = ExplanationRoom { width, charset: app.facts.options.charset };
            lines.extend(explanation::whole(&answered.answer, room));
        }
        Some(ExplanationState::Failed(failure)) => {
            let text = format!("no explanation: {}", failure.message);
            lines.extend(crate::tui::screens::line::wrapped(&text, Tone::Warn, width, app.facts.options.charset));
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
