//! `glwatch history`: shows what is stored, deletes what is too old, exports all of it.

mod export;
mod fill;

use super::error::CliError;
use super::exit::Exit;
use super::run_context::RunContext;
use super::{args, clock, log, output, recording};
use crate::config::Config;
use crate::history::gaps::KnownGap;
use crate::history::place::HistoryPlace;
use crate::history::store::HistoryStore;
use crate::history::summary::{HistorySummary, ProjectSummary};
use crate::render::{columns, json};
use crate::report::history::{self, HistoryDocument, HistoryEntry, KnownGapEntry};
use crate::text::plural::counted;
use crate::text::size::size;
use clap::{Arg, ArgMatches, Command};
use std::io::{self, Write};

/// What to do where nothing is remembered.
const EMPTY: &str = "glwatch history fill --since 30d --group-id GROUP reads the past; every reading adds to it, too";

const ABOUT: &str = "Shows what earlier readings have recorded; fill reads the past, prune removes, export writes all";

pub(super) fn command() -> Command {
    let form = |words: &'static [&'static str], default: &'static str| {
        Arg::new("form")
            .long("output")
            .short('o')
            .value_name("FORMAT")
            .value_parser(words.to_vec())
            .default_value(default)
    };
    let facts = Arg::new("facts")
        .value_name("FACTS")
        .value_parser(export::FACTS)
        .help("Only these; csv writes jobs where nothing is said");
    Command::new("history")
        .about(ABOUT)
        .after_help(
            "Every reading adds to it, and asks GitLab for nothing more. [history] in the configuration file sets where it\n\
             is kept, for how long, and whether at all; --no-history leaves one run out.\n\
             days missing: nothing was read; days with gaps: pipelines between two readings may be missing;\n\
             today is none of them up to an hour after a fill.",
        )
        .arg(form(&["table", "json"], "table").help("What to write on standard output"))
        .args(args::offline_args())
        .subcommand(fill::command(form(&["table", "json"], "table")))
        .subcommand(
            Command::new("prune")
                .about("Removes what ended before the time that `keep` names; a watch does so once a day")
                .args(args::offline_args()),
        )
        .subcommand(
            Command::new("export")
                .about("Writes every fact, one per line")
                .arg(facts)
                .arg(form(&["ndjson", "csv"], "ndjson").help("What to write on standard output"))
                .args(args::offline_args()),
        )
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    match matches.subcommand() {
        Some(("fill", matches)) => fill::run(matches),
        Some(("prune", matches)) => with_store(matches, EMPTY, |store, config, _| prune(store, config)),
        Some(("export", matches)) => with_store(matches, EMPTY, |store, _, _| export::run(matches, store)),
        _ => with_store(matches, EMPTY, |store, config, _| show(matches, store, config)),
    }
}

/// Opens what is remembered. Where nothing is, that is the answer, with a hint.
pub(super) fn with_store(
    matches: &ArgMatches,
    empty: &str,
    work: impl FnOnce(&mut HistoryStore, &Config, &RunContext) -> Result<(), CliError>,
) -> Result<Exit, CliError> {
    let run_context = RunContext::new(matches)?;
    let config = Config::resolve(&run_context.settings)?;
    log::start(matches.get_count("verbose"), config.display.log_file.as_deref())?;
    run_context.warn(&config);
    let Some(place) = recording::place(&config, &run_context) else { return Err(no_place(&config)) };
    if !place.file.exists() {
        let problem = format!("nothing is remembered of {} yet", place.host);
        return Err(CliError::Refused { problem, hints: vec![empty.to_owned()] });
    }
    let mut store = open(&place)?;
    work(&mut store, &config, &run_context)?;
    Ok(Exit::Done)
}

/// Says why nothing is remembered here.
fn no_place(config: &Config) -> CliError {
    let (problem, hint) = match config.history.enabled {
        true => ("there is no history here", "a demo keeps none; else set HOME or path in [history]"),
        false => ("the history is switched off", "set enabled = true in [history]"),
    };
    CliError::Refused { problem: problem.to_owned(), hints: vec![hint.to_owned()] }
}

pub(super) fn open(place: &HistoryPlace) -> Result<HistoryStore, CliError> {
    let mut store = HistoryStore::open(place, clock::now().timestamp()).map_err(CliError::History)?;
    if let Some(file) = store.take_set_aside() {
        let notice = crate::history::record::HistoryNotice::SetAside(file);
        output::to_stderr(&[recording::warning(&notice)]);
    }
    Ok(store)
}

fn show(matches: &ArgMatches, store: &mut HistoryStore, config: &Config) -> Result<(), CliError> {
    let summary = store.summary(clock::now().timestamp()).map_err(CliError::History)?;
    let host = config.connection.host.to_string();
    let mut bytes = Vec::new();
    let written = match matches.get_one::<String>("form").map(String::as_str) {
        Some("json") => json::write_document(&document(store, &host, &summary), &mut bytes),
        _ => write_table(store, &summary, &mut bytes),
    };
    written.map_err(CliError::Output)?;
    output::to_stdout(&bytes)
}

fn document<'a>(store: &HistoryStore, host: &'a str, summary: &'a HistorySummary) -> HistoryDocument<'a> {
    let entry = |project: &'a ProjectSummary| HistoryEntry {
        id: project.id.0,
        full_path: &project.full_path,
        pipelines: project.pipelines,
        jobs: project.jobs,
        deployments: project.deployments,
        incidents: project.incidents,
        first: history::time(project.first),
        last: history::time(project.last),
        days_missing: project.days_missing,
        days_with_gaps: project.days_with_gaps,
        gaps: project.gaps.iter().map(gap_entry).collect(),
    };
    HistoryDocument {
        schema: history::SCHEMA,
        host,
        file: store.file().display().to_string(),
        bytes: summary.bytes,
        projects: summary.projects.iter().map(entry).collect(),
    }
}

fn gap_entry(gap: &KnownGap) -> KnownGapEntry<'_> {
    KnownGapEntry { part: &gap.part, kind: &gap.kind, message: &gap.message, seen_at: history::time(Some(gap.seen_at)) }
}

fn write_table(store: &HistoryStore, summary: &HistorySummary, out: &mut dyn Write) -> io::Result<()> {
    let heading =
        ["project", "pipelines", "jobs", "deployments", "incidents", "first", "last", "days missing", "days with gaps"]
            .map(str::to_owned);
    let known = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let day = |time| history::time(time).map_or_else(|| "-".to_owned(), |time| time.chars().take(10).collect());
    let row = |project: &ProjectSummary| {
        [
            project.full_path.clone(),
            project.pipelines.to_string(),
            project.jobs.to_string(),
            known(project.deployments),
            known(project.incidents),
            day(project.first),
            day(project.last),
            project.days_missing.to_string(),
            project.days_with_gaps.to_string(),
        ]
    };
    let rows: Vec<[String; 9]> = std::iter::once(heading).chain(summary.projects.iter().map(row)).collect();
    columns::write(&rows, out)?;
    let total = |count: fn(&ProjectSummary) -> u64| summary.projects.iter().map(count).sum::<u64>();
    writeln!(
        out,
        "{}, {}, {}, {} in {}",
        counted(summary.projects.len() as u64, "project"),
        counted(total(|project| project.pipelines), "pipeline"),
        counted(total(|project| project.jobs), "job"),
        size(summary.bytes),
        store.file().display()
    )?;
    write_gaps(summary, out)
}

/// Writes what the last fill could not read, and why.
fn write_gaps(summary: &HistorySummary, out: &mut dyn Write) -> io::Result<()> {
    let with_gaps = summary.projects.iter().filter(|project| !project.gaps.is_empty()).count();
    if with_gaps == 0 {
        return Ok(());
    }
    writeln!(out, "\nnot all could be read of {}:", counted(with_gaps as u64, "project"))?;
    let gaps = summary.projects.iter().flat_map(|project| project.gaps.iter().map(move |gap| (project, gap)));
    let row = |(project, gap): (&ProjectSummary, &KnownGap)| {
        [project.full_path.clone(), format!("{}: {}", gap.part, gap.message)]
    };
    let rows: Vec<[String; 2]> = gaps.map(row).collect();
    columns::write(&rows[..rows.len().min(fill::MOST_GAPS)], out)?;
    match rows.len().saturating_sub(fill::MOST_GAPS) {
        0 => Ok(()),
        more => writeln!(out, "and {more} more: -o json has all"),
    }
}

fn prune(store: &mut HistoryStore, config: &Config) -> Result<(), CliError> {
    let keep = i64::try_from(config.history.keep.as_secs()).unwrap_or(i64::MAX);
    let removed = store.prune(clock::now().timestamp().saturating_sub(keep)).map_err(CliError::History)?;
    output::to_stdout(format!("{} removed\n", counted(removed as u64, "row")).as_bytes())
}
