//! The lines of the screen on top, with the cursor.

use super::paint::{gutter, spans};
use crate::text::glyph::Charset;
use crate::tui::app::App;
use crate::tui::screens::line::{ScreenLine, cut};
use crate::tui::screens::lines;
use crate::tui::screens::stack::OpenedScreen;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

pub(super) fn draw(app: &App, screen: &OpenedScreen, frame: &mut Frame<'_>, area: Rect) {
    let lines = lines(app, screen);
    let section = || Some(lines.before_log() + screen.log.as_ref()?.chosen_at(&app.facts)?);
    let cursor = screen.cursor_index(&lines).or_else(section);
    let (width, charset) = (app.text_width(), app.facts.options.charset);
    let drawn = lines
        .part(screen.offset, usize::from(area.height))
        .map(|(n, line)| drawn(app, line, cursor == Some(n), width, charset));
    frame.render_widget(Paragraph::new(drawn.collect::<Vec<_>>()), area);
}

fn drawn<'a>(app: &App, line: &ScreenLine, is_under_cursor: bool, width: usize, charset: Charset) -> Line<'a> {
    let mut whole = vec![gutter(app, is_under_cursor, None)];
    whole.extend(spans(app, &cut(&line.spans, width, charset)));
    let drawn = Line::from(whole);
    let is_bold = line.is_bold || is_under_cursor;
    if is_bold { drawn.patch_style(Style::new().add_modifier(Modifier::BOLD)) } else { drawn }
}
