//! The status command: the group, once.

use super::cache::Cache;
use super::error::{self, CliError};
use super::exit::Exit;
use super::format::{self, Formats, OutputPlace};
use super::progress::ProgressLine;
use super::recording::Recording;
use super::surroundings::RunContext;
use super::{export, hint, log, output, refs, wait, waiting, watch, wire};
use crate::collect::run::{Collector, GroupError, ReadingReply};
use crate::collect::watch::FailedReading;
use crate::config::{Color, Config, Display, Settings, StagesWidth};
use crate::domain::project::Failure;
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::gitlab::error::Kind;
use crate::render::table;
use crate::report::layout;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use clap::ArgMatches;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the command. In a demo the simulated GitLab lives as long as this call.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    show(&RunContext::new(matches)?, matches.get_count("verbose"))
}

fn show(surroundings: &RunContext, verbosity: u8) -> Result<Exit, CliError> {
    let config = Config::resolve(&surroundings.settings)?;
    config.required_groups()?;
    let formats = Formats::new(&config.display, &surroundings.environment)?;
    // On the screen that the live view draws on there is no room for a log.
    let verbosity = if watch::is_view(&config) && output::stderr_is_terminal() { 0 } else { verbosity };
    log::start(verbosity, config.display.log_file.as_deref())?;
    surroundings.warn();
    warn_of_insecure(&config);
    let runtime = crate::cli::runtime()?;
    // What may wait for a person or a pipe (the token) is read before signals are ours.
    let client = wire::client(&config, surroundings.proxy.as_ref())?;
    let options = Arc::new(wire::collecting(&config));
    let mut cache = Cache::new(&config, surroundings, &client, &options);
    let collector = cache.collector(client.clone(), options);
    let recording = Recording::new(&config, surroundings);
    let work = async {
        if config.pace.watch {
            return watch::run(collector, &config, &formats, surroundings, (&cache, &recording)).await;
        }
        let reading = read(collector, &config, surroundings, &cache, verbosity);
        let (reply, exit) = waiting::told(&client, !config.display.quiet, reading).await?;
        recording.record(&reply.snapshot);
        tell(reply, &config, &formats, surroundings, &cache).await.map(|told| told.worse(exit))
    };
    let outcome = runtime.block_on(until_stopped(work));
    cache.write();
    recording.end();
    // A run that is stopped does not wait for a slow reader of its output.
    runtime.shutdown_background();
    outcome
}

/// Shows what was read, and returns what it is worth.
async fn tell(
    reply: ReadingReply,
    config: &Config,
    formats: &Formats,
    surroundings: &RunContext,
    cache: &Cache,
) -> Result<Exit, CliError> {
    let ReadingReply { mut snapshot, unmatched, left_out } = reply;
    if snapshot.rows.is_empty() && left_out > 0 {
        return Err(CliError::NothingLeft { left_out, unmatched });
    }
    // What may only seem empty, because a part of the list is missing, is partial instead.
    if snapshot.rows.is_empty() && (snapshot.is_complete() || config.verdict.allow_partial) {
        return Err(CliError::EmptyGroup { hints: hint::empty_group(config, &surroundings.settings) });
    }
    config.display.sort.apply(&mut snapshot.rows);
    let unselected = refs::judge(&snapshot, config, &surroundings.settings);
    if !config.display.quiet {
        warn(&snapshot, &unmatched);
        output::to_stderr(&unselected.warnings.iter().map(|line| format!("warning: {line}")).collect::<Vec<_>>());
    }
    let mut exit = judge(&snapshot, config);
    if let Some(unknown) = &unselected.error {
        exit = exit.worse(error::report(unknown));
    }
    if let Some(unread) = nothing_read(&snapshot, config, &surroundings.settings, cache) {
        exit = exit.worse(error::report(&unread));
    }
    // Of several ends the worst counts; all reasons are printed.
    Ok(exit.worse(write(&snapshot, &config.display, formats, surroundings).await))
}

/// Writes the output and the files; each is tried, whatever became of the others.
async fn write(snapshot: &Snapshot, display: &Display, formats: &Formats, surroundings: &RunContext) -> Exit {
    let excerpt = format::excerpt(snapshot, display);
    let style = style(display, surroundings);
    let place = OutputPlace::Stdout { style, is_ci_log: surroundings.settings.is_ci_job };
    let bytes = formats.render(display.output, &excerpt, place).map_err(CliError::Output);
    let written = match bytes {
        Ok(bytes) => output::to_slow_reader(bytes).await.map(|_| ()),
        Err(error) => Err(error),
    };
    let exit = written.map_or_else(|error| error::report(&error), |()| Exit::Done);
    exit.worse(
        export::write_all(&display.exports, |output| formats.render(output, &excerpt, OutputPlace::File(style))).await,
    )
}

async fn read(
    mut collector: Collector,
    config: &Config,
    surroundings: &RunContext,
    cache: &Cache,
    verbosity: u8,
) -> Result<(ReadingReply, Exit), CliError> {
    let line = ProgressLine::new(
        &config.connection.host,
        !config.display.quiet && verbosity == 0 && output::stderr_is_terminal(),
    );
    if let Some(wait) = &config.pace.wait {
        return wait::run(collector, config, wait, surroundings, (cache, &line)).await;
    }
    let reply = collector.read(&|step| line.show(step.progress)).await;
    let reply = reply.map_err(|group| group_error(group, config, surroundings))?;
    cache.keep(&collector);
    Ok((reply, Exit::Done))
}

/// Adds to a group's error what can be done about it.
pub(super) fn group_error(group: GroupError, config: &Config, surroundings: &RunContext) -> CliError {
    let hints = hint::for_group(&group.source, config, &surroundings.settings);
    let headline = hint::headline(&hint::Doing::Group(&group.group), &group.source, config);
    CliError::Group { headline, group, hints }
}

/// Finds the words for a reading of a watch that brought nothing: those of a run that reads once.
pub(super) fn failed_reading(group: &GroupError, config: &Config, surroundings: &RunContext) -> FailedReading {
    let hints = hint::for_group(&group.source, config, &surroundings.settings);
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
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err(CliError::Stopped(Exit::Interrupted)),
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

/// Returns the exit code that the snapshot deserves.
fn judge(snapshot: &Snapshot, config: &Config) -> Exit {
    let mut exit = Exit::Done;
    if !snapshot.is_complete() && !config.verdict.allow_partial {
        exit = exit.worse(Exit::Partial);
    }
    if snapshot.rows.iter().any(|row| config.verdict.fail_on.matches(row)) {
        exit = exit.worse(Exit::Matched);
    }
    exit
}

/// Returns the error that a snapshot is whose rows all say only that they could not be read.
fn nothing_read(snapshot: &Snapshot, config: &Config, settings: &Settings, cache: &Cache) -> Option<CliError> {
    if !snapshot.nothing_was_read(cache.restored()) {
        return None;
    }
    let failures = || snapshot.rows.iter().filter_map(|row| Some((row, row.failure()?)));
    let first = failures().map(|(row, failure)| format!("{}: {}", row.project.full_path, failure.sentence())).next()?;
    let all: Vec<&Failure> = failures().map(|(_, failure)| failure).collect();
    let hints = hint::nothing_read(&all, config, settings);
    Some(CliError::NothingRead { projects: snapshot.rows.len(), first, hints })
}

/// Decides what the output can show: the terminal, `NO_COLOR` (<https://no-color.org>) and `TERM=dumb` have a say.
pub(super) fn style(display: &Display, surroundings: &RunContext) -> table::TableStyle {
    let is_set = |name: &str| surroundings.environment.get(name).is_some_and(|value| !value.is_empty());
    let is_dumb = surroundings.environment.get("TERM").is_some_and(|term| term == "dumb");
    let width = output::stdout_width();
    // The log of a GitLab job is no terminal, but shows colours.
    let has_colors = (width.is_some() && !is_dumb) || surroundings.settings.is_ci_job;
    table::TableStyle {
        width,
        color: match display.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => has_colors && !is_set("NO_COLOR"),
        },
        ascii: surroundings.charset(display) == Charset::Ascii,
        stages: match display.stages_width {
            StagesWidth::Auto => layout::StagesWidth::Auto,
            StagesWidth::Cells(cells) => layout::StagesWidth::Cells(cells),
        },
    }
}
