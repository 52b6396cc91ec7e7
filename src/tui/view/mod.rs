//! The picture: one file per region of the screen. Takes the state, draws a frame, changes nothing.
//!
//! ```text
//! acme  ✗ 7  ● 5  ✓ 28   40 projects   read 4s ago, next in 7s      header
//! payments/api began to fail
//! no answer within 30s: 3 of 40 projects not read
//! project   ref   pipeline   stages   duration  age                 table
//! ...
//! rows 1-19 of 40 · 41 requests ...                                 footer
//! q quit  ? help  r read now ...
//! ```

mod footer;
mod header;
mod help;
mod paint;
mod table;

use super::app::{App, Modal};
use super::banner;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};

/// Draws the whole screen.
pub fn draw(app: &App, frame: &mut Frame<'_>) {
    let head = banner::head(app);
    let top = u16::try_from(1 + head.len()).unwrap_or(u16::MAX);
    let regions = [Constraint::Length(top), Constraint::Min(1), Constraint::Length(2)];
    let [top, middle, bottom] = Layout::vertical(regions).areas(frame.area());
    header::draw(app, &head, frame, top);
    table::draw(app, frame, middle);
    footer::draw(app, frame, bottom);
    match app.modal {
        Some(Modal::Help) => {
            // It needs all the room there is; the line below says how to close it.
            let [all, _] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
            help::draw(app, frame, all);
        }
        None => {}
    }
}
