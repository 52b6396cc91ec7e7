//! How far a slow first load has come, on standard error and only when that is a terminal.

use crate::collect::run::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A line that comes and goes; hidden where nobody looks.
pub(super) struct ProgressLine(ProgressBar);

impl ProgressLine {
    pub(super) fn new(is_shown: bool) -> Self {
        if !is_shown {
            return Self(ProgressBar::hidden());
        }
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        bar.set_message("reading the group");
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    pub(super) fn say(&self, words: String) {
        self.0.set_message(words);
    }

    pub(super) fn show(&self, progress: Progress) {
        self.0.set_message(format!("{} of {} projects read", progress.read, progress.listed));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
