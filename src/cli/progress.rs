//! How far a slow first load has come, on standard error and only when that is a terminal.

use crate::collect::run::ReadingProgress;
use crate::domain::host::Host;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A line that comes and goes; hidden where standard error is no terminal.
pub(super) struct ProgressLine {
    bar: ProgressBar,
    /// What is asked: a first load may take long because of it.
    host: String,
}

impl ProgressLine {
    pub(super) fn new(host: &Host, is_shown: bool) -> Self {
        let host = host.to_string();
        if !is_shown {
            return Self { bar: ProgressBar::hidden(), host };
        }
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        bar.set_message(format!("reading the group from {host}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, host }
    }

    pub(super) fn say(&self, words: String) {
        self.bar.set_message(words);
    }

    pub(super) fn show(&self, progress: ReadingProgress) {
        let ReadingProgress { read, listed, .. } = progress;
        self.bar.set_message(format!("{}: {read} of {listed} projects read", self.host));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
