//! The picture: one file per region of the screen. Takes the state, draws a frame, changes nothing.
//!
//! ```text
//! acme  ✗ 7  ● 5  ✓ 28   40 projects   read 4s ago, next in 7s      header
//! payments/api began to fail
//! no answer within 30s: 3 of 40 projects not read
//! project   ref   state   what                                       table, or the lines of the screen on top
//! ...
//! enter open  / filter  ! failures  ? all keys                       footer
//! ```

mod footer;
mod header;
mod help;
mod opened;
mod paint;
mod pane;
mod table;

use super::app::{App, Modal};
use super::banner;
use crate::domain::status::Status;
use crate::report::headline::HeadCount;
use crate::text::glyph::Mark;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};

/// Draws the whole screen.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let head = banner::head(app);
    let top = u16::try_from(1 + head.len()).unwrap_or(u16::MAX);
    let regions = [Constraint::Length(top), Constraint::Min(1), Constraint::Length(1)];
    let [top, middle, bottom] = Layout::vertical(regions).areas(frame.area());
    header::draw(app, &head, frame, top);
    match app.opened.last() {
        Some(screen) => opened::draw(app, screen, frame, middle),
        None => {
            let pane = app.pane_width();
            let [list, beside] = Layout::horizontal([Constraint::Min(1), Constraint::Length(pane)]).areas(middle);
            table::draw(app, frame, list);
            if pane > 0 {
                pane::draw(app, frame, beside);
            }
        }
    }
    footer::draw(app, frame, bottom);
    if let Some(Modal::Help { offset }) = &app.modal {
        // It needs all the room there is; the line below says how to close it.
        let [all, _] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
        help::draw(app, *offset, frame, all);
    }
}

/// Returns the title of the window: what failed and what runs.
pub fn title(app: &App) -> String {
    let charset = app.facts.options.charset;
    let is_named = |count: &&HeadCount| count.is_vital || count.mark == Mark::Status(Status::Running);
    let counts = app.facts.counts.iter().filter(is_named);
    let title =
        counts.fold("glwatch".to_owned(), |title, count| format!("{title} {}{}", count.mark.glyph(charset), count.n));
    // A title is all that is seen of a view in the background.
    if app.facts.freshness().is_fresh() { title } else { format!("{title} (old)") }
}
