//! The screens above the first one. Each says what its lines are, from what is known; none of them fetches anything.
//!
//! One engine serves them all: where the cursor is, how far the lines are scrolled, and where a line leads.

pub mod active;
pub mod events;
pub mod explanation;
pub mod failures;
pub mod job;
pub mod line;
pub mod needs;
pub mod overview;
pub mod pipeline;
pub mod place;
pub mod problems;
pub mod project;
pub mod stack;

use self::line::{ScreenLine, ScreenLines};
use self::place::ScreenPlace;
use self::stack::OpenedScreen;
use super::app::App;
use std::sync::Arc;

/// Returns the lines of a screen.
pub fn lines(app: &App, screen: &OpenedScreen) -> ScreenLines {
    let mut head = head(app, screen);
    let Some(log) = &screen.log else { return ScreenLines::new(head, Arc::default()) };
    head.push(ScreenLine::empty());
    head.push(log.title(&app.facts));
    ScreenLines::new(head, log.laid(&app.facts))
}

/// Returns the lines above the log.
pub fn head(app: &App, screen: &OpenedScreen) -> Vec<ScreenLine> {
    match screen.place {
        ScreenPlace::Project(project) => project::lines(app, project, screen.git_ref.as_deref()),
        ScreenPlace::Pipeline(project, pipeline) => pipeline::lines(app, (project, pipeline), screen.chosen()),
        ScreenPlace::Job(project, pipeline, job) => job::lines(app, (project, pipeline, job)),
        ScreenPlace::Failures => failures::lines(app),
        ScreenPlace::Active => active::lines(app),
        ScreenPlace::Events => events::lines(app),
        ScreenPlace::Problems => problems::lines(app),
    }
}
