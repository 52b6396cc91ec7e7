//! Shows the progress of a slow first reading on standard error, if that is a terminal.

use super::terminal;
use crate::collect::run::{ReadingProgress, ReadingStep};
use crate::config::Config;
use crate::history::backfill::FillProgress;
use crate::history::deliveries::DeliveryProgress;
use crate::text::duration::duration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Of the bar of a backfill.
const STEPS: u64 = 1000;
/// An estimate before this part is done is a guess.
const ENOUGH: f64 = 0.02;

/// Says how far a backfill has come, and how long the rest takes if it goes on like this.
fn fill_words(progress: FillProgress, since_begin: Duration) -> String {
    let FillProgress { projects, done, pipelines, share } = progress;
    let left = (ENOUGH..1.0).contains(&share).then(|| since_begin.mul_f64((1.0 - share) / share));
    let left = left.map_or_else(String::new, |left| format!(", about {} left", duration(left)));
    format!("{pipelines} pipelines read, {done} of {projects} projects whole{left}")
}

/// A line that comes and goes; hidden where standard error is no terminal.
pub(super) struct ProgressLine {
    bar: ProgressBar,
    /// What is asked: a first load may take long because of it.
    host: String,
    is_quiet: bool,
}

impl ProgressLine {
    pub(super) fn new(config: &Config, is_shown: bool) -> Self {
        let host = config.connection.host.to_string();
        let is_quiet = config.display.quiet;
        if !is_shown || is_quiet || config.display.plain {
            return Self { bar: ProgressBar::hidden(), host, is_quiet };
        }
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        bar.set_message(format!("reading the group from {host}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, host, is_quiet }
    }

    pub(super) fn say(&self, words: String) {
        self.bar.set_message(words);
    }

    /// Shows how far it has come, and says once if the time will not suffice.
    pub(super) fn show(&self, step: ReadingStep<'_>) {
        let ReadingProgress { read, listed } = step.progress;
        if let Some(late) = step.late.filter(|_| !self.is_quiet) {
            self.bar.suspend(|| terminal::warn_of_late(late));
        }
        self.bar.set_message(format!("{}: {read} of {listed} projects read", self.host));
    }

    /// Shows how far a backfill has come, with an estimate once there is one.
    pub(super) fn show_fill(&self, progress: FillProgress, since_begin: Duration) {
        if progress.share > 0.0 && self.bar.length().is_none() {
            let style = ProgressStyle::with_template("{spinner} [{bar:20}] {percent}% {msg}");
            self.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            self.bar.set_length(STEPS);
        }
        self.bar.set_position((progress.share.clamp(0.0, 1.0) * STEPS as f64) as u64);
        self.bar.set_message(format!("{}: {}", self.host, fill_words(progress, since_begin)));
    }

    /// Shows how far the deployments have been read. More may be needed than is known yet: that is no estimate.
    pub(super) fn show_deliveries(&self, progress: DeliveryProgress) {
        let DeliveryProgress { deployments, answered, planned } = progress;
        self.bar.set_position((answered as f64 / planned.max(1) as f64 * STEPS as f64) as u64);
        self.bar.set_message(format!(
            "{}: {deployments} deployments read, {answered} of {planned} requests answered",
            self.host
        ));
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_estimated_once_enough_is_done() {
        let words = |share: f64| {
            let progress = FillProgress { projects: 200, done: 20, pipelines: 2000, share };
            fill_words(progress, Duration::from_secs(60))
        };
        assert_eq!(words(0.01), "2000 pipelines read, 20 of 200 projects whole");
        assert_eq!(words(0.25), "2000 pipelines read, 20 of 200 projects whole, about 3m left");
        assert_eq!(words(1.0), "2000 pipelines read, 20 of 200 projects whole");
    }
}
