//! The picture: one file per region of the screen. Takes the state, draws a frame, changes nothing.
//!
//! ```text
//! acme · 40 projects: 7 failed, 5 running, ...       header
//! next in 7s (every 10s) · payments/api began to fail
//! project   ref   pipeline   stages   duration  age  table
//! ...
//! rows 1-19 of 40 · incomplete: ... · 41 requests ... footer
//! q quit  ? help  r read now ...
//! ```

mod footer;
mod header;
mod help;
mod paint;
mod table;

use super::app::{App, Modal};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use tokio::time::Instant;

/// Draws the whole screen.
pub fn draw(app: &App, frame: &mut Frame<'_>, now: Instant) {
    let regions = [Constraint::Length(2), Constraint::Min(1), Constraint::Length(2)];
    let [top, middle, bottom] = Layout::vertical(regions).areas(frame.area());
    header::draw(app, frame, top, now);
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
