//! `glwatch dora`: DORA's measures of a group. What the history lacks for them is read first.

mod reading;

use self::reading::{DeliveryReading, read};
use super::error::{self, CliError};
use super::exit::Exit;
use super::session::Session;
use super::{args, clock, output, stats};
use crate::config::Config;
use crate::domain::production::ProductionChoice;
use crate::domain::window::TimeWindow;
use crate::dora::known::{DoraRules, HOTFIX_WINDOW};
use crate::dora::levels::LevelScheme;
use crate::dora::study::DoraBy;
use crate::gitlab::client::Purpose;
use crate::render::exposition::{self, MetricsFormat};
use crate::render::{csv, dora, dora_events, dora_markdown, json};
use crate::report::dora::{DoraDocument, DoraOptions};
use crate::report::dora_events::{DoraCheck, DoraEvents, ExplainedMeasure};
use crate::report::{dora_metrics, dora_record};
use crate::text::duration::parse_duration;
use crate::text::glyph::Charset;
use clap::{Arg, ArgAction, ArgMatches, Command};
use regex_lite::Regex;
use std::io;

const ABOUT: &str = "Says how well the group delivers: DORA's five measures, from what every tier of GitLab offers";
const NOTES: &str = "\
Throughput: change lead time, deployment frequency, failed deployment recovery time. Instability: change fail\n\
rate, deployment rework rate. A deployment that failed never reached production and is no change failure. What\n\
is not known is \"no data\", never 0. Projects without deployments to production are counted from pipelines of\n\
the default branch, apart from the others. There is no ranking of people. docs/dora.md has the rules.\n\
The first run reads the past, the next ones only what has changed; one that is stopped goes on there.";
const FORMATS: [&str; 5] = ["table", "json", "csv", "markdown", "openmetrics"];
const DEFAULT_SINCE: &str = "90d";
const MODES: [&str; 2] = ["derived", "gitlab"];
const LEAD_FROM: [&str; 2] = ["merge", "first-commit"];

pub(super) fn command() -> Command {
    let asks = |arg: &Arg| !matches!(arg.get_id().as_str(), "ref");
    Command::new("dora")
        .about(ABOUT)
        .after_help(NOTES)
        .args(rule_args())
        .args(view_args())
        .args(args::explaining_args().into_iter().filter(asks))
}

fn option(long: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(long).long(long).value_name(value).help(help)
}

/// Returns what decides which events are counted, and how.
fn rule_args() -> [Arg; 6] {
    [
        option("since", "WHEN", "Begin of the window: a duration ago, a day or a time (RFC 3339)")
            .default_value(DEFAULT_SINCE),
        option("until", "WHEN", "End of the window [default: now]"),
        option("tier", "TIER", "Environments of this tier are production [default: production]"),
        option(
            "environment",
            "REGEX",
            "Environments with such a name are production; of any tier, unless --tier is given, too",
        ),
        option("lead-from", "WHAT", "Where lead times begin; first-commit asks for each merge request once")
            .value_parser(LEAD_FROM)
            .default_value("merge"),
        option(args::HOTFIX_WINDOW, "TIME", "So long a revert or hotfix is charged to the deployment before it")
            .default_value("48h"),
    ]
}

/// Returns what decides how the numbers are shown.
fn view_args() -> [Arg; 6] {
    [
        option("by", "WHAT", "What has a row of its own")
            .value_parser(DoraBy::ALL.map(|(word, _)| word))
            .default_value("project"),
        option("mode", "MODE", "Whose definitions the table shows; gitlab: those of GitLab Ultimate, to compare")
            .value_parser(MODES)
            .default_value("derived"),
        option("levels", "SCHEME", "Name the level of each number, too")
            .value_parser(LevelScheme::ALL.map(|(word, _)| word)),
        option("explain", "MEASURE", "List every event behind a measure, with its verdict, rule and evidence")
            .value_parser(ExplainedMeasure::ALL.map(|(word, _)| word)),
        Arg::new("check")
            .long("check")
            .action(ArgAction::SetTrue)
            .conflicts_with("explain")
            .help("List the projects whose numbers cannot be trusted, why, and what helps"),
        Arg::new("form")
            .long("output")
            .short('o')
            .value_name("FORMAT")
            .value_parser(FORMATS)
            .default_value("table")
            .help("What to write on standard output; table or json with --explain and --check"),
    ]
}

fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str)
}

/// Finds the choice that was written; clap has checked it.
fn chosen<T: Copy>(matches: &ArgMatches, name: &str, all: &[(&'static str, T)]) -> Option<(&'static str, T)> {
    let word = text(matches, name)?;
    all.iter().find(|(known, _)| *known == word).copied()
}

/// What the command line asks for.
struct DoraChoice<'a> {
    matches: &'a ArgMatches,
    production: ProductionChoice,
    hotfix_window: i64,
}

impl<'a> DoraChoice<'a> {
    fn read(matches: &'a ArgMatches) -> Result<Self, CliError> {
        let refuse = |problem: String, hint: &str| CliError::Refused { problem, hints: vec![hint.to_owned()] };
        let name = text(matches, "environment").map(|pattern| {
            let hint = "such as --environment '^prod' or --environment 'live|production'";
            Regex::new(pattern).map_err(|error| refuse(format!("--environment: \"{pattern}\": {error}"), hint))
        });
        let name = name.transpose()?;
        let tier = text(matches, "tier").map(str::to_owned);
        let tier = tier.or(name.is_none().then(|| "production".to_owned()));
        let window = text(matches, args::HOTFIX_WINDOW).map(|text| {
            parse_duration(text).map_err(|error| refuse(format!("--hotfix-window: \"{text}\" {error}"), "such as 48h"))
        });
        let window = window.transpose()?.and_then(|window| i64::try_from(window.as_secs()).ok());
        let form = text(matches, "form").unwrap_or("table");
        if (matches.get_flag("check") || matches.contains_id("explain")) && !matches!(form, "table" | "json") {
            return Err(refuse(format!("-o {form}: events and checks have no such form"), "use -o table or -o json"));
        }
        let production = ProductionChoice { tier, name };
        Ok(Self { matches, production, hotfix_window: window.unwrap_or(HOTFIX_WINDOW) })
    }

    fn window(&self, now: i64, config: &Config) -> Result<TimeWindow, CliError> {
        let since = text(self.matches, "since").unwrap_or(DEFAULT_SINCE);
        stats::window(since, text(self.matches, "until"), now, config.history.keep)
    }

    fn is_from_commit(&self) -> bool {
        text(self.matches, "lead-from") == Some("first-commit")
    }
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let choice = DoraChoice::read(matches)?;
    let check = |config: &Config| {
        config.required_groups()?;
        choice.window(clock::now().timestamp(), config).map(drop)
    };
    let outcome = Session::run(matches, Purpose::Backfill, check, async |session: &Session| {
        let listed = session.list_projects().await?;
        let now = session.client.server_now().timestamp();
        let window = choice.window(now, &session.config)?;
        let rules = DoraRules { now, hotfix_window: choice.hotfix_window };
        let reading = read(session, &choice, (window, rules), listed).await?;
        let exit = show(session, &choice, window, &reading)?;
        Ok(exit.worse(reading.exit(session.config.verdict.allow_partial)))
    });
    if let Err(CliError::Stopped(_)) = &outcome {
        output::to_stderr(&["stopped: what was read is kept, and the same command goes on from there".to_owned()]);
    }
    outcome
}

fn show(
    session: &Session,
    choice: &DoraChoice<'_>,
    window: TimeWindow,
    reading: &DeliveryReading,
) -> Result<Exit, CliError> {
    let matches = choice.matches;
    let host = session.config.connection.host.to_string();
    let is_json = text(matches, "form") == Some("json");
    let mut bytes = Vec::new();
    let written = if let Some(measure) = chosen(matches, "explain", &ExplainedMeasure::ALL) {
        let document = DoraEvents::new(&reading.projects, measure, window, &host);
        match is_json {
            true => json::write_document(&document, &mut bytes),
            false => dora_events::write_events(&document, &mut bytes),
        }
    } else if matches.get_flag("check") {
        let document = DoraCheck::new(&reading.projects, window);
        match is_json {
            true => json::write_document(&document, &mut bytes),
            false => dora_events::write_check(&document, &mut bytes),
        }
    } else {
        let document = DoraDocument::new(&reading.projects, options(choice, window, reading, &host));
        let form = text(matches, "form").unwrap_or("table");
        warn(&document, form, &session.config);
        write(&document, form, session.run_context.charset(&session.config.display), &mut bytes)
    };
    written.map_err(CliError::Output)?;
    Ok(output::to_stdout(&bytes).map_or_else(|error| error::report(&error), |()| Exit::Done))
}

fn options<'a>(
    choice: &DoraChoice<'_>,
    window: TimeWindow,
    reading: &DeliveryReading,
    host: &'a str,
) -> DoraOptions<'a> {
    let matches = choice.matches;
    DoraOptions {
        host,
        window,
        now: reading.now,
        mode: MODES.into_iter().find(|mode| text(matches, "mode") == Some(mode)).unwrap_or("derived"),
        by: chosen(matches, "by", &DoraBy::ALL).map_or(DoraBy::Project, |(_, by)| by),
        complete: reading.is_complete(),
        problems: reading.problems.clone(),
        levels: chosen(matches, "levels", &LevelScheme::ALL).map(|(_, scheme)| scheme),
        is_from_commit: choice.is_from_commit(),
        is_before_known: reading.is_before_known,
        is_before_read: reading.is_before_read(window.before()),
    }
}

/// Says what the numbers lack, where the form has no place for it.
fn warn(document: &DoraDocument<'_>, form: &str, config: &Config) {
    if !matches!(form, "csv" | "openmetrics") || config.display.quiet {
        return;
    }
    let line = |problem: &crate::report::dora::DoraProblem| {
        let subject = problem.subject.as_deref().map(|subject| format!("{subject}: ")).unwrap_or_default();
        format!("warning: {subject}{}", problem.problem)
    };
    output::to_stderr(&document.problems.iter().map(line).collect::<Vec<_>>());
}

fn write(document: &DoraDocument<'_>, form: &str, charset: Charset, out: &mut Vec<u8>) -> io::Result<()> {
    match form {
        "json" => json::write_document(document, out),
        "csv" => {
            let mut rows = csv::CsvRows::default();
            dora_record::records(document).iter().try_for_each(|record| rows.write(record, out))
        }
        "markdown" => dora_markdown::write(document, out),
        "openmetrics" => exposition::write(&dora_metrics::families(document), MetricsFormat::OpenMetrics, out),
        _ => dora::write(document, charset, out),
    }
}
