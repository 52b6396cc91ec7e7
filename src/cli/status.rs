//! The status command: reads the groups once and prints them.

use super::cache::Cache;
use super::error::{self, CliError};
use super::exit::Exit;
use super::format::{self, Formats, OutputPlace};
use super::progress::ProgressLine;
use super::recording::{self, Recording};
use super::run_context::RunContext;
use super::{export, from_hub, hint, log, output, refs, terminal, wait, waiting, watch, wire};
use crate::collect::run::{Collector, ReadingReply};
use crate::config::{Config, Display, Settings};
use crate::domain::past::KnownPast;
use crate::domain::project::Failure;
use crate::domain::snapshot::Snapshot;
use crate::history::record::RecorderTask;
use chrono::{DateTime, Utc};
use clap::ArgMatches;
use std::io::Write;
use std::sync::Arc;

/// Runs the command. In a demo the simulated GitLab lives as long as this call.
pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    show(&RunContext::new(matches)?, matches.get_count("verbose"))
}

fn show(run_context: &RunContext, verbosity: u8) -> Result<Exit, CliError> {
    let config = Config::resolve(&run_context.settings)?;
    if config.hub.is_none() {
        config.required_groups()?;
    }
    let formats = Formats::new(&config.display, &run_context.environment)?;
    // On the screen that the live view draws on there is no room for a log.
    let verbosity = if watch::is_view(&config) && output::stderr_is_terminal() { 0 } else { verbosity };
    log::start(verbosity, config.display.log_file.as_deref())?;
    run_context.warn(&config);
    terminal::warn_of_insecure(&config);
    if let Some(hub) = &config.hub {
        return from_hub::show(hub, &config, &formats, run_context);
    }
    let runtime = crate::cli::terminal::runtime()?;
    // What may wait for a person or a pipe (the token) is read before signals are ours.
    let client = wire::client(&config, run_context.proxy.as_ref())?;
    let options = Arc::new(wire::collecting(&config));
    let mut cache = Cache::new(&config, run_context, &client, &options);
    let collector = cache.collector(client.clone(), options);
    let wants_past = formats.want_past(&config.display) || watch::is_view(&config);
    let task = if wants_past { RecorderTask::Answer } else { RecorderTask::Note };
    let recording = Recording::new(&config, run_context, task);
    let work = async {
        if config.pace.watch {
            let _live = recording::mark_live(&config, run_context);
            return watch::run(collector, &config, &formats, run_context, (&cache, &recording)).await;
        }
        let reading = read(collector, &config, run_context, &cache, verbosity);
        let (reply, exit) = waiting::announced(&client, !config.display.quiet, reading).await?;
        let past = if wants_past {
            recording.look_back(&reply.snapshot).await
        } else {
            recording.record(&reply.snapshot);
            Arc::default()
        };
        tell((reply, past), &config, &formats, run_context, cache.restored()).await.map(|told| told.worse(exit))
    };
    let outcome = runtime.block_on(terminal::until_stopped(work));
    cache.write();
    recording.end();
    // A run that is stopped does not wait for a slow reader of its output.
    runtime.shutdown_background();
    outcome
}

/// Shows what was read, and returns what it is worth. What is not younger than `restored` was read before.
pub(super) async fn tell(
    (reply, past): (ReadingReply, Arc<KnownPast>),
    config: &Config,
    formats: &Formats,
    run_context: &RunContext,
    restored: Option<DateTime<Utc>>,
) -> Result<Exit, CliError> {
    if let Some(empty) = empty(&reply, config, &run_context.settings) {
        return Err(empty);
    }
    let ReadingReply { mut snapshot, unmatched, .. } = reply;
    config.display.sort.apply(&mut snapshot.rows);
    let unselected = refs::judge(&snapshot, config, &run_context.settings);
    if !config.display.quiet {
        terminal::warn(&snapshot, &unmatched);
        output::to_stderr(&unselected.warnings.iter().map(|line| format!("warning: {line}")).collect::<Vec<_>>());
    }
    let mut exit = judge(&snapshot, config);
    if let Some(unknown) = &unselected.error {
        exit = exit.worse(error::report(unknown));
    }
    if let Some(unread) = nothing_read(&snapshot, config, &run_context.settings, restored) {
        exit = exit.worse(error::report(&unread));
    }
    // Of several ends the worst counts; all reasons are printed.
    Ok(exit.worse(write((snapshot, past), &config.display, formats, run_context).await))
}

/// Returns the error that a reading without a row is.
fn empty(reply: &ReadingReply, config: &Config, settings: &Settings) -> Option<CliError> {
    let ReadingReply { snapshot, unmatched, excluded } = reply;
    if !snapshot.rows.is_empty() {
        return None;
    }
    if *excluded > 0 {
        return Some(CliError::NothingLeft { excluded: *excluded, unmatched: unmatched.clone() });
    }
    // What may only seem empty, because a part of the list is missing, is partial instead.
    let is_certain = snapshot.is_complete() || config.verdict.allow_partial;
    let hints = || if config.hub.is_some() { Vec::new() } else { hint::empty_group(config, settings) };
    is_certain.then(|| CliError::EmptyGroup { hints: hints() })
}

/// Writes the output and the files; each is tried, whatever became of the others.
async fn write(
    (snapshot, past): (Snapshot, Arc<KnownPast>),
    display: &Display,
    formats: &Formats,
    run_context: &RunContext,
) -> Exit {
    let style = terminal::style(display, run_context);
    let place = OutputPlace::Stdout { style, is_ci_log: run_context.settings.is_ci_job };
    let snapshot = Arc::new(snapshot);
    let (whole, only) = (Arc::clone(&snapshot), display.only.clone());
    let (output, own_formats, known) = (display.output, formats.clone(), Arc::clone(&past));
    let writing = move |out: &mut dyn Write| {
        let excerpt = format::excerpt(&whole, only.as_ref()).with_past(&known);
        own_formats.write(output, &excerpt, place, out)
    };
    let written = output::stream_to_slow_reader(writing).await;
    let exit = written.map_or_else(|error| error::report(&error), |()| Exit::Done);
    let excerpt = format::excerpt(&snapshot, display.only.as_ref()).with_past(&past);
    let render = |output| formats.render(output, &excerpt, OutputPlace::File(style));
    exit.worse(export::write_all(&display.exports, render).await)
}

async fn read(
    mut collector: Collector,
    config: &Config,
    run_context: &RunContext,
    cache: &Cache,
    verbosity: u8,
) -> Result<(ReadingReply, Exit), CliError> {
    let line = ProgressLine::new(config, verbosity == 0 && output::stderr_is_terminal());
    if let Some(wait) = &config.pace.wait {
        return wait::run(collector, config, wait, run_context, (cache, &line)).await;
    }
    let reply = collector.read(&|step| line.show(step)).await;
    let reply = reply.map_err(|group| terminal::group_error(group, config, run_context))?;
    cache.keep(&collector);
    Ok((reply, Exit::Done))
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
fn nothing_read(
    snapshot: &Snapshot,
    config: &Config,
    settings: &Settings,
    restored: Option<DateTime<Utc>>,
) -> Option<CliError> {
    if !snapshot.nothing_was_read(restored) {
        return None;
    }
    let failures = || snapshot.rows.iter().filter_map(|row| Some((row, row.failure()?)));
    let first = failures().map(|(row, failure)| format!("{}: {}", row.project.full_path, failure.sentence())).next()?;
    let all: Vec<&Failure> = failures().map(|(_, failure)| failure).collect();
    let hints = if config.hub.is_some() { Vec::new() } else { hint::nothing_read(&all, config, settings) };
    Some(CliError::NothingRead { projects: snapshot.rows.len(), first, hints })
}
