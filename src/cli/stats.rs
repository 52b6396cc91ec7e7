//! `glwatch stats`: measures the CI from the history. It sends no request to GitLab.

use super::error::CliError;
use super::exit::Exit;
use super::history::with_store;
use super::run_context::RunContext;
use super::{args, clock, output};
use crate::config::Config;
use crate::cores;
use crate::domain::fact::UnixSeconds;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::domain::window::TimeWindow;
use crate::history::store::{HistoryError, HistoryStore};
use crate::render::exposition::{self, MetricsFormat};
use crate::render::{csv, json, stats, stats_markdown};
use crate::report::stats::{StatsDocument, StatsOptions};
use crate::report::stats_metrics;
use crate::report::stats_record::StatsRecord;
use crate::stats::CostRates;
use crate::stats::plan::{StatsBy, StatsPlan};
use crate::stats::study::{ProjectStudy, StatsStudy, study_project};
use crate::text::duration::{duration, parse_duration};
use crate::text::glyph::Charset;
use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::{Arg, ArgMatches, Command, value_parser};
use std::collections::BTreeMap;
use std::io;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const ABOUT: &str = "Says how good the CI is, from the history: accuracy, promptness, cost and actionability";
const FORMATS: [&str; 5] = ["table", "json", "csv", "markdown", "openmetrics"];

pub(super) fn command() -> Command {
    let option = |long: &'static str, value: &'static str, help: &'static str| {
        Arg::new(long).long(long).value_name(value).help(help)
    };
    Command::new("stats")
        .about(ABOUT)
        .after_help(
            "A pipeline belongs to the window in which it was created, with its jobs. The window before is what trends compare\n\
             with. Numbers rest on the history: they say where it has gaps, and \"no data\" is never 0. There is no ranking of\n\
             people. Everything that is remembered of the host is counted; --include and --exclude choose projects.",
        )
        .arg(
            option("since", "WHEN", "Begin of the window: a duration ago, a day or a time (RFC 3339)")
                .default_value("30d"),
        )
        .arg(option("until", "WHEN", "End of the window [default: now]"))
        .arg(
            option("by", "WHAT", "What has a row of its own")
                .value_parser(StatsBy::ALL.map(|(word, _)| word))
                .default_value("project"),
        )
        .arg(
            option("top", "N", "Entries of each list")
                .value_parser(value_parser!(u16).range(0..=1000))
                .default_value("5"),
        )
        .arg(
            Arg::new("form")
                .long("output")
                .short('o')
                .value_name("FORMAT")
                .value_parser(FORMATS)
                .default_value("table")
                .help("What to write on standard output"),
        )
        .args(args::counting_args())
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let hint = format!("glwatch history fill --since {} reads it", text(matches, "since").unwrap_or("30d"));
    with_store(matches, &hint, |store, config, run_context| show(matches, store, config, run_context))
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}

fn show(matches: &ArgMatches, store: &HistoryStore, config: &Config, run_context: &RunContext) -> Result<(), CliError> {
    let now = clock::now().timestamp();
    let window = window(text(matches, "since").unwrap_or("30d"), text(matches, "until"), now, config.history.keep)?;
    let by = StatsBy::ALL.into_iter().find(|(word, _)| Some(*word) == text(matches, "by"));
    let by = by.map_or(StatsBy::Project, |(_, by)| by);
    let plan = StatsPlan::new(window, by, config.scope.refs.clone());
    let projects = chosen_projects(store, config)?;
    let study = StatsStudy::new(studied(store, &projects, &plan).map_err(CliError::History)?, &plan);
    let paths: BTreeMap<ProjectId, String> =
        projects.iter().map(|project| (project.id, project.full_path.clone())).collect();
    let rates = config
        .cost
        .price_per_minute
        .map(|price_per_minute| CostRates { price_per_minute, factors: config.cost.factors.clone() });
    let host = config.connection.host.to_string();
    let options = StatsOptions {
        plan: &plan,
        now,
        host: &host,
        rates: rates.as_ref(),
        top: matches.get_one::<u16>("top").copied().map_or(0, usize::from),
        paths: &paths,
    };
    let document = StatsDocument::new(&study, &options);
    let form = text(matches, "form").unwrap_or("table");
    let bytes = written(form, &document, &study, run_context.charset(&config.display)).map_err(CliError::Output)?;
    // A document and a table say it themselves.
    if matches!(form, "csv" | "openmetrics") && !config.display.quiet {
        output::to_stderr(&document.notes.iter().map(|note| format!("warning: {note}")).collect::<Vec<_>>());
    }
    output::to_stdout(&bytes)
}

/// Reads and counts the projects, on as many cores as there are.
fn studied(store: &HistoryStore, projects: &[Project], plan: &StatsPlan) -> Result<Vec<ProjectStudy>, HistoryError> {
    let next = AtomicUsize::new(0);
    let work = &|store: &HistoryStore| -> Result<Vec<ProjectStudy>, HistoryError> {
        let mut studies = Vec::new();
        while let Some(project) = projects.get(next.fetch_add(1, Ordering::Relaxed)) {
            studies.push(study_project(&store.project_runs(project, plan.facts_since())?, plan));
        }
        Ok(studies)
    };
    thread::scope(|scope| {
        let stores: Vec<HistoryStore> =
            (1..cores::count().min(projects.len())).map(|_| store.again()).collect::<Result<_, _>>()?;
        let others: Vec<_> = stores.into_iter().map(|store| scope.spawn(move || work(&store))).collect();
        let mut studies = work(store)?;
        for other in others {
            studies.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic))?);
        }
        Ok(studies)
    })
}

fn written(form: &str, document: &StatsDocument<'_>, study: &StatsStudy, charset: Charset) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match form {
        "json" => json::write_document(document, &mut bytes),
        "csv" => write_csv(document, &mut bytes),
        "markdown" => stats_markdown::write(document, &mut bytes),
        "openmetrics" => {
            let families = stats_metrics::families(document, study);
            exposition::write(&families, MetricsFormat::OpenMetrics, &mut bytes)
        }
        _ => stats::write(document, charset, &mut bytes),
    }?;
    Ok(bytes)
}

fn write_csv(document: &StatsDocument<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let mut rows = csv::CsvRows::default();
    rows.write(&StatsRecord::new("pooled", &document.pooled), out)?;
    document.groups.iter().try_for_each(|entry| rows.write(&StatsRecord::new(document.by, entry), out))
}

/// Returns the projects of the host that --include and --exclude let through.
fn chosen_projects(store: &HistoryStore, config: &Config) -> Result<Vec<Project>, CliError> {
    let mut projects = store.projects().map_err(CliError::History)?;
    let all = projects.len();
    let unmatched: Vec<String> = config.scope.filter.unmatched(&projects).into_iter().map(ToOwned::to_owned).collect();
    projects.retain(|project| config.scope.filter.keeps(project));
    if projects.is_empty() && all > 0 {
        return Err(CliError::NothingLeft { excluded: all, unmatched });
    }
    Ok(projects)
}

/// Reads the window. What lies ahead of `now` has not happened: an end there is now.
pub(super) fn window(
    since: &str,
    until: Option<&str>,
    now: UnixSeconds,
    keep: Duration,
) -> Result<TimeWindow, CliError> {
    let refuse = |problem: String, hint: String| CliError::Refused { problem, hints: vec![hint] };
    let from = moment("--since", since, now)?;
    let to = until.map(|until| moment("--until", until, now)).transpose()?.unwrap_or(now).min(now);
    let ago = Duration::from_secs(now.saturating_sub(from).max(0).unsigned_abs());
    if from > now {
        let problem = format!("--since: \"{since}\" lies in the future");
        return Err(refuse(problem, "name a time that has passed, such as 30d for 30 days ago".into()));
    }
    if ago > keep {
        let problem = format!("--since: \"{since}\" is further back than facts are kept: {}", duration(keep));
        return Err(refuse(problem, "set keep in [history] before the time that you want to look back on".into()));
    }
    if from >= to {
        let end = until.map_or_else(|| "now".to_owned(), |until| format!("--until \"{until}\""));
        return Err(refuse(format!("--since: \"{since}\" is not before {end}"), "let it end after it begins".into()));
    }
    Ok(TimeWindow { from, to })
}

fn moment(flag: &str, text: &str, now: UnixSeconds) -> Result<UnixSeconds, CliError> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text.trim()) {
        return Ok(time.timestamp());
    }
    if let Ok(day) = text.trim().parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc().timestamp());
    }
    let ago = parse_duration(text).map_err(|error| CliError::Refused {
        problem: format!("{flag}: \"{text}\" {error}"),
        hints: vec!["or a day, 2026-11-01, or a time, 2026-11-01T08:00:00Z".to_owned()],
    })?;
    Ok(now.saturating_sub(i64::try_from(ago.as_secs()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
