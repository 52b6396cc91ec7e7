//! `glwatch history fill`: reads past pipelines from GitLab that no run of glwatch has recorded.

use super::open;
use crate::cli::error::{self, CliError};
use crate::cli::exit::Exit;
use crate::cli::progress::ProgressLine;
use crate::cli::session::Session;
use crate::cli::{args, clock, output, recording};
use crate::collect::listing::ListedProjects;
use crate::config::{Config, ConfigError, Origin};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::ProjectId;
use crate::domain::production::ProductionChoice;
use crate::domain::snapshot::Problem;
use crate::gitlab::client::{Client, Purpose};
use crate::history::backfill::{self, FillError, FillGap, FillOptions, FillSummary};
use crate::history::deliveries::{self, DeliveryOptions, DeliverySummary, DeliveryWants, IncidentGap};
use crate::history::place::HistoryPlace;
use crate::history::store::SECONDS_PER_DAY;
use crate::render::{columns, json};
use crate::report::history::{FillDocument, FillGapEntry, FillRange, time};
use crate::text::duration::{duration, parse_duration};
use crate::text::plural::counted;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, Write};
use std::time::Duration;
use tokio::time::Instant;

const DEFAULT_SINCE: &str = "30d";
/// Gaps that are named in the table; the JSON has all.
pub(super) const MOST_GAPS: usize = 20;

pub(super) fn command(form: Arg) -> Command {
    let fills = |arg: &Arg| arg.get_id() != "ref";
    Command::new("fill")
        .about("Reads what happened before: pipelines and jobs of all refs, newest first; what was read is kept")
        .after_help(
            "The first run reads all, the next ones only what has changed. One that is stopped, or whose time is over\n\
             (--max-time), goes on there the next time. Projects that this token may not read are listed as gaps.",
        )
        .arg(
            Arg::new("since")
                .long("since")
                .value_name("WHEN")
                .default_value(DEFAULT_SINCE)
                .help("From when on: a duration ago, a date or a time (RFC 3339); the whole day counts"),
        )
        .arg(
            Arg::new("deployments")
                .long("deployments")
                .action(ArgAction::SetTrue)
                .help("Reads deployments, what those to production brought, and incidents, too"),
        )
        .arg(form.help("What to write on standard output"))
        .args(args::explaining_args().into_iter().filter(fills))
}

/// From when on, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FillSince {
    Ago(Duration),
    Time(DateTime<Utc>),
}

impl FillSince {
    /// Reads it; fails on what lies in the future, or further back than facts are kept.
    fn read(text: &str, now: DateTime<Utc>, keep: Duration) -> Result<Self, (String, &'static str)> {
        let day = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        let since = match (DateTime::parse_from_rfc3339(text), text.parse::<NaiveDate>()) {
            (Ok(time), _) => Self::Time(time.to_utc()),
            (Err(_), Ok(date)) => Self::Time(day(date)),
            (Err(_), Err(_)) => match parse_duration(text) {
                Ok(ago) => Self::Ago(ago),
                Err(_) => {
                    let problem = "is neither a duration such as 30d, nor a date such as 2026-11-01, nor a time";
                    return Err((problem.to_owned(), "such as --since 30d"));
                }
            },
        };
        let ago = match since {
            Self::Ago(ago) => ago,
            Self::Time(time) if time > now => return Err(("lies in the future".into(), "name a time that is over")),
            Self::Time(time) => (now - time).to_std().unwrap_or_default(),
        };
        if ago > keep {
            let problem = format!("lies further back than facts are kept: {}", duration(keep));
            return Err((problem, "set keep in [history], such as keep = \"800d\""));
        }
        Ok(since)
    }

    /// Returns the begin of its day by the server's clock.
    fn day(self, now: DateTime<Utc>) -> UnixSeconds {
        let time = match self {
            Self::Ago(ago) => now.timestamp().saturating_sub(i64::try_from(ago.as_secs()).unwrap_or(i64::MAX)),
            Self::Time(time) => time.timestamp(),
        };
        time.div_euclid(SECONDS_PER_DAY).saturating_mul(SECONDS_PER_DAY)
    }
}

pub(super) fn run(matches: &ArgMatches) -> Result<Exit, CliError> {
    let text = matches.get_one::<String>("since").map_or(DEFAULT_SINCE, String::as_str);
    let chosen = Cell::new(None);
    let check = |config: &Config| {
        config.required_groups()?;
        let since =
            FillSince::read(text, clock::now(), config.history.keep).map_err(|(problem, hint)| ConfigError {
                origin: Origin::Flag("since".into()),
                value: Some(text.to_owned()),
                problem,
                hints: vec![hint.to_owned()],
            })?;
        chosen.set(Some(since));
        Ok(())
    };
    let is_json = matches.get_one::<String>("form").is_some_and(|form| form == "json");
    let wants_deployments = matches.get_flag("deployments");
    let outcome = Session::run(matches, Purpose::Backfill, check, async |session: &Session| {
        // The check has read it.
        let since = chosen.get().unwrap_or(FillSince::Ago(Duration::ZERO));
        fill(session, FillChoice { since, is_json, wants_deployments }).await
    });
    if let Err(CliError::Stopped(_)) = &outcome {
        output::to_stderr(&["stopped: what was read is kept, and the same command goes on from there".to_owned()]);
    }
    outcome
}

/// What the command line asks for.
#[derive(Debug, Clone, Copy)]
struct FillChoice {
    since: FillSince,
    is_json: bool,
    wants_deployments: bool,
}

async fn fill(session: &Session, choice: FillChoice) -> Result<Exit, CliError> {
    let FillChoice { since, is_json, wants_deployments } = choice;
    let (config, client, run_context) = (&session.config, &session.client, &session.run_context);
    let place = recording::place(config, run_context).ok_or_else(|| super::no_place(config))?;
    let line = ProgressLine::new(config, output::stderr_is_terminal());
    let begun = Instant::now();
    let ListedProjects { projects, problems, unmatched, .. } = session.list_projects().await?;
    let now = client.server_now();
    let mut store = open(&place)?;
    let keep = i64::try_from(config.history.keep.as_secs()).unwrap_or(i64::MAX);
    store.prune_daily(now.timestamp(), keep).map_err(CliError::History)?;
    let wanted = DeliveryOptions {
        projects: projects.clone(),
        groups: config.scope.groups.clone(),
        since: since.day(now),
        wants: DeliveryWants {
            choice: ProductionChoice::default(),
            merges: (since.day(now), now.timestamp()),
            starts: false,
            first_commits: false,
        },
        asks_news: false,
        api: config.collecting.api,
    };
    let options = FillOptions { projects, since: since.day(now), api: config.collecting.api };
    let show = |progress| line.show_fill(progress, begun.elapsed());
    let is_live = || place.is_live();
    let failed = |error| match error {
        FillError::Request(error) => session.failed("read the past".into(), *error),
        FillError::History(error) => CliError::History(error),
    };
    let summary = backfill::fill(client, &mut store, options, &is_live, &show).await.map_err(failed)?;
    let mut deliveries = None;
    if wants_deployments {
        let show = |progress| line.show_deliveries(progress);
        let read = deliveries::fill_deliveries(client, &mut store, wanted, &is_live, &show).await;
        deliveries = Some(read.map_err(failed)?);
    }
    drop(store);
    drop(line);
    let report = FillReport {
        summary: &summary,
        deliveries: deliveries.as_ref(),
        problems: &problems,
        client,
        place: &place,
        took: begun.elapsed(),
    };
    if !config.display.quiet {
        output::to_stderr(&report.warnings(&unmatched));
    }
    let mut bytes = Vec::new();
    let written = if is_json {
        json::write_document(&report.document(&config.connection.host.to_string()), &mut bytes)
    } else {
        report.write_table(&mut bytes)
    };
    written.map_err(CliError::Output)?;
    let exit = output::to_stdout(&bytes).map_or_else(|error| error::report(&error), |()| Exit::Done);
    Ok(exit.worse(report.exit(config.verdict.allow_partial)))
}

/// What came of it, for people and programs.
struct FillReport<'a> {
    summary: &'a FillSummary,
    /// `None` where they were not asked for.
    deliveries: Option<&'a DeliverySummary>,
    problems: &'a [Problem],
    client: &'a Client,
    place: &'a HistoryPlace,
    took: Duration,
}

impl FillReport<'_> {
    /// Returns all gaps, those of the pipelines first.
    fn gaps(&self) -> impl Iterator<Item = &FillGap> {
        self.summary.gaps.iter().chain(self.deliveries.iter().flat_map(|of| &of.gaps))
    }

    fn incident_gaps(&self) -> impl Iterator<Item = &IncidentGap> {
        self.deliveries.iter().flat_map(|of| &of.incident_gaps)
    }

    fn exit(&self, allow_partial: bool) -> Exit {
        let is_partial = !self.problems.is_empty()
            || self.gaps().any(|gap| !gap.is_hidden)
            || self.incident_gaps().any(|gap| !gap.is_hidden);
        match (self.summary.projects, is_partial) {
            (0, _) if !self.summary.gaps.is_empty() => Exit::NoData,
            (_, true) if !allow_partial => Exit::Partial,
            (_, _) => Exit::Done,
        }
    }

    fn warnings(&self, unmatched: &[String]) -> Vec<String> {
        let pattern = |pattern: &String| format!("warning: pattern \"{pattern}\" matches no project");
        let problem =
            |problem: &Problem| format!("warning: {} {}: {}", problem.scope.word(), problem.subject, problem.failure);
        let fallback = self.summary.fallback.iter().map(|why| {
            format!(
                "warning: GraphQL is not available ({why}): read over REST, whose lists have no trigger jobs and no \
                 duration, start, end and user of a pipeline"
            )
        });
        let incidents = self.incident_gaps();
        let incidents = incidents.map(|gap| format!("warning: incidents of {}: {}", gap.group, gap.failure));
        unmatched
            .iter()
            .map(pattern)
            .chain(self.problems.iter().map(problem))
            .chain(fallback)
            .chain(incidents)
            .collect()
    }

    fn document<'a>(&'a self, host: &'a str) -> FillDocument<'a> {
        let FillSummary { since, until, api, projects, pipelines, jobs, .. } = self.summary;
        FillDocument {
            schema: FillDocument::SCHEMA,
            host,
            file: self.place.file.display().to_string(),
            range: FillRange { since: time(Some(*since)), until: time(Some(*until)) },
            api: api.word(),
            requests: self.client.cost().requests,
            seconds: self.took.as_secs(),
            projects: *projects as u64,
            pipelines: *pipelines,
            jobs: *jobs,
            deployments: self.deliveries.map(|of| of.deployments),
            merge_requests: self.deliveries.map(|of| of.merge_requests),
            incidents: self.deliveries.map(|of| of.incidents),
            gaps: self.gaps().map(|gap| FillGapEntry::new(&gap.project, gap.part.word(), &gap.failure)).collect(),
        }
    }

    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let FillSummary { since, projects, pipelines, jobs, .. } = self.summary;
        let gaps: Vec<&FillGap> = self.gaps().collect();
        let day = time(Some(*since)).map_or_else(|| "-".to_owned(), |time| time.chars().take(10).collect());
        writeln!(
            out,
            "read {} and {} of {} since {day}, with {} in {}",
            counted(*pipelines, "pipeline"),
            counted(*jobs, "job"),
            counted(*projects as u64, "project"),
            counted(self.client.cost().requests, "request"),
            duration(self.took)
        )?;
        if let Some(read) = self.deliveries {
            writeln!(
                out,
                "read {} with {}, and {}",
                counted(read.deployments, "deployment"),
                counted(read.merge_requests, "merge request"),
                counted(read.incidents, "incident")
            )?;
        }
        if gaps.is_empty() {
            return Ok(());
        }
        let projects: HashSet<ProjectId> = gaps.iter().map(|gap| gap.project.id).collect();
        writeln!(out, "\nnot all could be read of {}:", counted(projects.len() as u64, "project"))?;
        let row = |gap: &&FillGap| [gap.project.full_path.clone(), format!("{}: {}", gap.part.word(), gap.failure)];
        columns::write(&gaps.iter().take(MOST_GAPS).map(row).collect::<Vec<_>>(), out)?;
        match gaps.len().saturating_sub(MOST_GAPS) {
            0 => Ok(()),
            more => writeln!(out, "and {more} more: -o json has all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn since_is_a_duration_a_date_or_a_time_and_never_what_cannot_be_read() {
        let now = at("2026-11-20T19:00:00Z");
        let ago = |days: u32| Ok(FillSince::Ago(DAY * days));
        let cases = [
            ("a duration", "30d", ago(30)),
            ("all that is kept", "400d", ago(400)),
            ("today", "0s", Ok(FillSince::Ago(Duration::ZERO))),
            ("a date", "2026-11-01", Ok(FillSince::Time(at("2026-11-01T00:00:00Z")))),
            ("a time", "2026-11-01T12:00:00+02:00", Ok(FillSince::Time(at("2026-11-01T10:00:00Z")))),
            ("further back than is kept", "401d", Err("lies further back than facts are kept: 400d")),
            ("so does this date", "2025-10-15", Err("lies further back than facts are kept: 400d")),
            ("tomorrow", "2026-11-21", Err("lies in the future")),
            ("in an hour", "2026-11-20T20:00:00Z", Err("lies in the future")),
            ("a number", "30", Err("is neither a duration")),
            ("a negative one", "-1d", Err("is neither a duration")),
            ("nothing", "", Err("is neither a duration")),
        ];
        for (sentence, text, expected) in cases {
            match (FillSince::read(text, now, DAY * 400), expected) {
                (Ok(since), Ok(expected)) => assert_eq!(since, expected, "{sentence}"),
                (Err((problem, _)), Err(expected)) => assert!(problem.starts_with(expected), "{sentence}: {problem}"),
                (found, expected) => panic!("{sentence}: {found:?} is not {expected:?}"),
            }
        }
    }

    #[test]
    fn a_whole_day_counts_by_the_servers_clock() {
        let now = at("2026-11-20T19:00:00Z");
        let day = |since: FillSince| time(Some(since.day(now))).unwrap();
        assert_eq!(day(FillSince::Ago(DAY * 2)), "2026-11-18T00:00:00Z");
        assert_eq!(day(FillSince::Time(at("2026-11-19T23:59:59Z"))), "2026-11-19T00:00:00Z");
    }
}
