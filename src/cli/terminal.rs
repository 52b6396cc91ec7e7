//! What all commands share: the async runtime, signals, warnings, and the style of the output.

use super::error::CliError;
use super::exit::Exit;
use super::run_context::RunContext;
use super::{hint, output};
use crate::collect::forecast::{LateReading, LateReason};
use crate::collect::run::GroupError;
use crate::collect::watch::FailedReading;
use crate::config::{Color, Config, Display, StagesWidthSetting};
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::gitlab::error::Kind;
use crate::render::table;
use crate::report::layout;
use crate::text::duration::duration;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use std::os::unix::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};

/// Starts what runs everything else. Tokio panics where it cannot open what it needs for signals, so that is tried before:
/// two files for those, up to four for the rest.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    let spare = (UnixStream::pair(), UnixStream::pair(), UnixStream::pair());
    for pair in <[_; 3]>::from(spare) {
        pair.map_err(CliError::Start)?;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Start)
}

/// Adds to a group's error what can be done about it.
pub(super) fn group_error(group: GroupError, config: &Config, run_context: &RunContext) -> CliError {
    let hints = hint::for_source(&group, config, &run_context.settings);
    let headline = hint::headline(&hint::Doing::Listing(&group.wanted), &group.source, config);
    CliError::Group { headline, group, hints }
}

/// Finds the words for a reading of a watch that brought nothing: those of a run that reads once.
pub(super) fn failed_reading(group: &GroupError, config: &Config, run_context: &RunContext) -> FailedReading {
    let hints = hint::for_source(group, config, &run_context.settings);
    let cause = match &group.source.kind {
        Kind::Unauthorized { said, .. } if config.connection.token.is_some() => {
            format!("GitLab refused the token: {said}")
        }
        kind => kind.to_string(),
    };
    FailedReading { cause, hints }
}

/// Runs until the work is done or a signal stops it.
pub(super) async fn until_stopped<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Start)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Start)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(CliError::Start)?;
    let interrupted = async {
        loop {
            interrupt.recv().await;
            // What another program has the terminal for is not ended with it.
            if !crate::tui::terminal::is_lent() {
                return;
            }
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = interrupted => Err(CliError::Stopped(Exit::Interrupted)),
        _ = terminate.recv() => Err(CliError::Stopped(Exit::Terminated)),
        // The terminal is gone.
        _ = hangup.recv() => Err(CliError::Stopped(Exit::Terminated)),
    }
}

pub(super) fn warn_of_insecure(config: &Config) {
    if config.connection.insecure && !config.display.quiet {
        output::to_stderr(&[
            "warning: --insecure: certificates are not checked, anyone on the way can read the token".into()
        ]);
    }
}

/// Says that a reading will most likely not be over in its time.
pub(super) fn warn_of_late(late: LateReading) {
    output::to_stderr(&late_lines(late));
}

fn late_lines(LateReading { takes, left, reason }: LateReading) -> [String; 2] {
    let (takes, left) = (duration(takes), duration(left));
    let (why, hint) = match reason {
        LateReason::Rate { requests } => (
            format!("about {requests} requests are still to be sent, which takes {takes} at the permitted rate"),
            "allow more requests per second (--rps 100) where the server bears it, more time (--max-time 30m), or read \
             fewer groups",
        ),
        LateReason::Pace { read, of, since } => (
            format!("{read} of {of} projects were read in {}; at this pace the others take {takes}", duration(since)),
            "give it more time (--max-time 30m), read fewer groups, or find out why the server is slow",
        ),
    };
    let warning = format!("warning: {why}, and this run has {left} left (--max-time): some projects will be unread");
    [warning, format!("Hint: {hint}")]
}

/// Says what the reader of the output must know; rows speak for themselves and are only counted.
pub(super) fn warn(snapshot: &Snapshot, unmatched: &[String]) {
    let mut lines: Vec<String> =
        unmatched.iter().map(|pattern| format!("warning: pattern \"{pattern}\" matches no project")).collect();
    let is_row = |problem: &&Problem| problem.scope == ProblemScope::Project;
    for problem in snapshot.problems.iter().filter(|problem| !is_row(problem)) {
        lines.push(format!("warning: {} {}: {}", problem.scope.word(), problem.subject, problem.failure));
    }
    let of_projects: Vec<&Problem> = snapshot.problems.iter().filter(is_row).collect();
    if let Some(first) = of_projects.first() {
        let what = counted(of_projects.len(), "project problem");
        lines.push(format!("warning: {what}, the first: {}: {}", first.subject, first.failure));
    }
    if snapshot.rows.is_empty() {
        lines.push("warning: the group has no projects, or none that this token may see".into());
    }
    output::to_stderr(&lines);
}

/// Decides what the output can show: the terminal, `NO_COLOR` (<https://no-color.org>) and `TERM=dumb` have a say.
pub(super) fn style(display: &Display, run_context: &RunContext) -> table::TableStyle {
    let is_set = |name: &str| run_context.environment.get(name).is_some_and(|value| !value.is_empty());
    let is_dumb = run_context.environment.get("TERM").is_some_and(|term| term == "dumb");
    let width = output::stdout_width();
    // The log of a GitLab job is no terminal, but shows colours.
    let has_colors = (width.is_some() && !is_dumb) || run_context.settings.is_ci_job;
    table::TableStyle {
        width,
        color: match display.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => has_colors && !is_set("NO_COLOR"),
        },
        ascii: run_context.charset(display) == Charset::Ascii,
        stages: match display.stages_width {
            StagesWidthSetting::Auto => layout::StagesWidth::Auto,
            StagesWidthSetting::Cells(cells) => layout::StagesWidth::Cells(cells),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_reading_that_will_be_late_is_told_with_its_reason_and_what_helps() {
        let seconds = Duration::from_secs;
        let late = |reason| late_lines(LateReading { takes: seconds(320), left: seconds(299), reason })[0].clone();
        let cases = [
            (
                LateReason::Rate { requests: 8021 },
                "warning: about 8021 requests are still to be sent, which takes 5m 20s at the permitted rate, and this \
                 run has 4m 59s left (--max-time): some projects will be unread",
            ),
            (
                LateReason::Pace { read: 40, of: 2000, since: seconds(30) },
                "warning: 40 of 2000 projects were read in 30s; at this pace the others take 5m 20s, and this run has \
                 4m 59s left (--max-time): some projects will be unread",
            ),
        ];
        for (reason, expected) in cases {
            assert_eq!(late(reason), expected);
        }
    }
}
