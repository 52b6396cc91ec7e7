//! CI quality as it is printed: `glwatch.stats/1`. Fields may be added, none changes its meaning. `null` is "no data".

use super::history::time;
use crate::domain::fact::UnixSeconds;
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::id::ProjectId;
use crate::stats::plan::{SECONDS_PER_DAY, StatsPlan};
use crate::stats::study::{ComparedTally, StatsStudy, StudyGroup};
use crate::stats::tally::{DayTally, PartKey, RunTally};
use crate::stats::{CostRates, SecondsSpent, Spread};
use crate::text::plural::counted;
use serde::Serialize;
use std::collections::BTreeMap;
use std::iter::once;

pub const SCHEMA: &str = "glwatch.stats/1";
/// Upper bounds of the histogram of durations, in seconds.
pub const DURATION_BOUNDS: [u64; 9] = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];

#[derive(Debug, Serialize)]
pub struct StatsDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub generated_at: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub by: &'static str,
    pub refs: Vec<String>,
    pub price_per_minute: Option<f64>,
    /// What the numbers rest on, where that is not everything.
    pub notes: Vec<String>,
    pub pooled: StatsEntry,
    pub groups: Vec<StatsEntry>,
}

/// The numbers of one project, subgroup or week, or of all projects.
#[derive(Debug, Serialize)]
pub struct StatsEntry {
    /// A full path, the day on which a week begins, or `all projects`.
    pub name: String,
    pub project_id: Option<u64>,
    pub projects: usize,
    pub coverage: CoverageEntry,
    pub accuracy: AccuracyEntry,
    pub promptness: PromptnessEntry,
    pub cost: CostEntry,
    pub actionability: ActionabilityEntry,
    /// Against the window before; `null` for a week, whose row before says it.
    pub trend: Option<TrendEntry>,
    pub days: Vec<DayEntry>,
}

#[derive(Debug, Serialize)]
pub struct CoverageEntry {
    /// Days of projects.
    pub days: u64,
    pub days_missing: u64,
    pub days_with_gaps: u64,
    pub projects_with_gaps: usize,
    /// Whether the numbers rest on everything that happened.
    pub complete: bool,
}

#[derive(Debug, Serialize)]
pub struct AccuracyEntry {
    pub pipelines: u64,
    pub success: u64,
    pub success_with_warnings: u64,
    pub failed: u64,
    pub canceled: u64,
    pub success_rate: Option<f64>,
    pub flaky_jobs: usize,
    pub flaky_failures: u64,
    /// A lower bound: see `failures_never_rerun`.
    pub flaky_hours_at_least: Option<f64>,
    /// Whether these were flaky is not known.
    pub failures_never_rerun: u64,
    pub flakiest_jobs: Vec<FlakyJobEntry>,
    pub green_reruns: u64,
    pub green_rerun_minutes: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct FlakyJobEntry {
    pub project: String,
    pub job: String,
    pub failures: u64,
    pub hours_at_least: f64,
    pub never_rerun: u64,
}

#[derive(Debug, Serialize)]
pub struct PromptnessEntry {
    pub duration_s: Option<SpreadEntry>,
    pub queued_s: Option<SpreadEntry>,
    pub job_queued_s: Option<SpreadEntry>,
    pub under_ten_minutes: Option<f64>,
    pub histogram: Vec<BucketEntry>,
    /// From creation to the end along the chain of jobs that were waited for.
    pub critical_path_s: Option<SpreadEntry>,
    /// Share of the critical path that was waiting.
    pub critical_path_waiting: Option<f64>,
    pub critical_jobs: Vec<CriticalJobEntry>,
    pub slowest_stages: Vec<SlowPartEntry>,
    pub slowest_jobs: Vec<SlowPartEntry>,
}

/// Exact quantiles over so many values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpreadEntry {
    pub count: usize,
    pub p50: f64,
    pub p95: f64,
}

/// Pipelines that took less than this and not less than the bound before; the last has none.
#[derive(Debug, Serialize)]
pub struct BucketEntry {
    pub below_s: Option<u64>,
    pub pipelines: u64,
}

#[derive(Debug, Serialize)]
pub struct CriticalJobEntry {
    pub project: String,
    pub job: String,
    /// That waited for it.
    pub pipelines: u64,
    pub run_minutes: f64,
    pub wait_minutes: f64,
}

#[derive(Debug, Serialize)]
pub struct SlowPartEntry {
    pub project: String,
    /// Of a stage or a job.
    pub name: String,
    pub seconds: SpreadEntry,
}

#[derive(Debug, Serialize)]
pub struct CostEntry {
    /// Summed over jobs.
    pub job_minutes: Option<f64>,
    /// Summed over pipelines, each by the clock.
    pub wall_minutes: Option<f64>,
    pub superseded_minutes: Option<f64>,
    pub canceled_minutes: Option<f64>,
    pub retried_minutes: Option<f64>,
    pub superseded_pipelines: u64,
    /// Attempts that ran for a time that is not known: they are missing above.
    pub jobs_without_time: u64,
    pub price: Option<f64>,
    /// Of what was superseded, canceled or retried.
    pub wasted_price: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct ActionabilityEntry {
    pub failures: u64,
    /// With a test that failed or a reason that names a cause.
    pub explained: u64,
    pub explained_share: Option<f64>,
    pub origins: BTreeMap<&'static str, OriginCount>,
    pub time_to_green_s: Option<SpreadEntry>,
    pub still_red: u64,
}

#[derive(Debug, Serialize)]
pub struct OriginCount {
    pub failures: u64,
    pub share: Option<f64>,
}

/// The same numbers of the window before, and the difference.
#[derive(Debug, Serialize)]
pub struct TrendEntry {
    /// Whether the window before is wholly known.
    pub complete: bool,
    #[serde(flatten)]
    pub changes: BTreeMap<&'static str, ChangeEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChangeEntry {
    pub before: Option<f64>,
    pub change: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct DayEntry {
    pub day: String,
    pub pipelines: u64,
    pub success: u64,
    pub failed: u64,
}

/// What a document is made with.
#[derive(Debug)]
pub struct StatsOptions<'a> {
    pub plan: &'a StatsPlan,
    pub now: UnixSeconds,
    pub host: &'a str,
    pub rates: Option<&'a CostRates>,
    /// Entries of each list.
    pub top: usize,
    pub paths: &'a BTreeMap<ProjectId, String>,
}

impl<'a> StatsDocument<'a> {
    pub fn new(study: &StatsStudy, options: &StatsOptions<'a>) -> Self {
        let group = |(group, tally): (&StudyGroup, &ComparedTally)| {
            let (name, id) = match group {
                StudyGroup::Project { full_path, id } => (full_path.clone(), Some(id.0)),
                StudyGroup::Subgroup { full_path } => (full_path.clone(), None),
                StudyGroup::Week { from } => (day(from.div_euclid(SECONDS_PER_DAY)), None),
            };
            StatsEntry { project_id: id, ..entry(name, tally, options) }
        };
        let mut pooled = entry("all projects".to_owned(), &study.pooled, options);
        pooled.days = days(&study.pooled.now, options, true);
        Self {
            schema: SCHEMA,
            host: options.host,
            generated_at: time(Some(options.now)),
            since: time(Some(options.plan.window.from)),
            until: time(Some(options.plan.window.to)),
            by: options.plan.by.word(),
            refs: options.plan.refs.iter().map(ToString::to_string).collect(),
            price_per_minute: options.rates.map(|rates| rates.price_per_minute),
            notes: notes(&pooled, options),
            pooled,
            groups: study.groups.iter().map(group).collect(),
        }
    }
}

/// Says what the numbers rest on, and what makes it more.
fn notes(pooled: &StatsEntry, options: &StatsOptions<'_>) -> Vec<String> {
    let coverage = &pooled.coverage;
    let days = options.now.saturating_sub(options.plan.window.from).unsigned_abs().max(1).div_ceil(24 * 3600);
    let fill = format!("glwatch history fill --since {days}d");
    let mut notes = Vec::new();
    if pooled.accuracy.pipelines == 0 && coverage.days_missing == coverage.days {
        notes.push(format!("nothing is remembered of this time; {fill} reads it"));
    } else if !coverage.complete {
        notes.push(format!(
            "the numbers rest on gaps in {} of {}: of {} days of projects {} were not read, and {} only now and then; \
             {fill} reads them",
            coverage.projects_with_gaps,
            counted(pooled.projects as u64, "project"),
            coverage.days,
            coverage.days_missing,
            coverage.days_with_gaps
        ));
    }
    if let Some(trend) = pooled.trend.as_ref().filter(|trend| !trend.complete) {
        let is_known = trend.changes.values().any(|change| change.before.is_some());
        notes.extend(is_known.then(|| "the window before, with which they are compared, has gaps, too".to_owned()));
    }
    if pooled.cost.jobs_without_time > 0 {
        notes.push(format!("the time of {} attempts at jobs is not known", pooled.cost.jobs_without_time));
    }
    notes
}

fn entry(name: String, tally: &ComparedTally, options: &StatsOptions<'_>) -> StatsEntry {
    let now = &tally.now;
    let coverage = now.coverage();
    StatsEntry {
        name,
        project_id: None,
        projects: now.coverage.len(),
        coverage: CoverageEntry {
            days: coverage.days,
            days_missing: coverage.missing,
            days_with_gaps: coverage.with_gaps,
            projects_with_gaps: now.projects_with_gaps(),
            complete: coverage.is_whole(),
        },
        accuracy: accuracy(now, options),
        promptness: promptness(now, options),
        cost: cost(now, options),
        actionability: actionability(now),
        trend: tally.before.as_ref().map(|before| trend(now, before)),
        days: days(now, options, false),
    }
}

fn project(key: &PartKey, options: &StatsOptions<'_>) -> String {
    options.paths.get(&key.project).cloned().unwrap_or_else(|| key.project.to_string())
}

fn accuracy(tally: &RunTally, options: &StatsOptions<'_>) -> AccuracyEntry {
    let flaky = tally.flaky_jobs();
    let top = flaky.iter().take(options.top).map(|(key, job)| FlakyJobEntry {
        project: project(key, options),
        job: key.name.to_string(),
        failures: job.flaky_failures,
        hours_at_least: job.flaky_seconds as f64 / 3600.0,
        never_rerun: job.never_rerun,
    });
    let is_known = tally.timed > 0;
    AccuracyEntry {
        pipelines: tally.pipelines,
        success: tally.success,
        success_with_warnings: tally.warning,
        failed: tally.failed,
        canceled: tally.canceled,
        success_rate: tally.success_rate(),
        flaky_jobs: flaky.len(),
        flaky_failures: tally.flaky_failures(),
        flaky_hours_at_least: is_known.then(|| tally.flaky_seconds() as f64 / 3600.0),
        failures_never_rerun: tally.never_rerun(),
        flakiest_jobs: top.collect(),
        green_reruns: tally.green_reruns,
        green_rerun_minutes: is_known.then(|| minutes(tally.green_rerun_seconds)),
    }
}

fn promptness(tally: &RunTally, options: &StatsOptions<'_>) -> PromptnessEntry {
    let durations = tally.durations();
    let slow = |(key, seconds): (&PartKey, Spread)| SlowPartEntry {
        project: project(key, options),
        name: key.name.to_string(),
        seconds: seconds.into(),
    };
    let critical = tally.path_jobs().into_iter().take(options.top).map(|(key, job)| CriticalJobEntry {
        project: project(key, options),
        job: key.name.to_string(),
        pipelines: job.on_path,
        run_minutes: minutes(job.path_run),
        wait_minutes: minutes(job.path_wait),
    });
    PromptnessEntry {
        duration_s: spread(&durations),
        queued_s: spread(&tally.queues),
        job_queued_s: spread(&tally.job_queues),
        under_ten_minutes: tally.prompt_share(),
        histogram: histogram(&durations),
        critical_path_s: spread(&tally.paths),
        critical_path_waiting: tally.wait_share(),
        critical_jobs: critical.collect(),
        slowest_stages: tally.slowest_stages().into_iter().take(options.top).map(slow).collect(),
        slowest_jobs: tally.slowest_jobs().into_iter().take(options.top).map(slow).collect(),
    }
}

/// Counts values below each bound and not below the one before.
fn histogram(seconds: &[u64]) -> Vec<BucketEntry> {
    if seconds.is_empty() {
        return Vec::new();
    }
    let lower = once(0).chain(DURATION_BOUNDS);
    let upper = DURATION_BOUNDS.into_iter().map(Some).chain(once(None));
    let bucket = |(lower, upper): (u64, Option<u64>)| {
        let is_in = |seconds: &&u64| **seconds >= lower && upper.is_none_or(|upper| **seconds < upper);
        BucketEntry { below_s: upper, pipelines: seconds.iter().filter(is_in).count() as u64 }
    };
    lower.zip(upper).map(bucket).collect()
}

fn cost(tally: &RunTally, options: &StatsOptions<'_>) -> CostEntry {
    let seconds = tally.seconds();
    let of = |part: fn(SecondsSpent) -> u64| seconds.map(|spent| minutes(part(spent)));
    let wasted = |spent: &SecondsSpent| spent.retried + spent.canceled + spent.superseded;
    let rates = options.rates.filter(|_| seconds.is_some());
    CostEntry {
        job_minutes: of(|spent| spent.all),
        wall_minutes: tally.wall_seconds().map(minutes),
        superseded_minutes: of(|spent| spent.superseded),
        canceled_minutes: of(|spent| spent.canceled),
        retried_minutes: of(|spent| spent.retried),
        superseded_pipelines: tally.superseded,
        jobs_without_time: tally.untimed,
        price: rates.map(|rates| rates.price(&tally.spent, |spent| spent.all)),
        wasted_price: rates.map(|rates| rates.price(&tally.spent, wasted)),
    }
}

fn actionability(tally: &RunTally) -> ActionabilityEntry {
    let origin = |origin: FailureOrigin| {
        let failures = tally.origins.get(&origin).copied().unwrap_or(0);
        (origin.word(), OriginCount { failures, share: tally.origin_share(origin) })
    };
    ActionabilityEntry {
        failures: tally.failures,
        explained: tally.explained,
        explained_share: tally.explained_share(),
        origins: FailureOrigin::ALL.into_iter().map(origin).collect(),
        time_to_green_s: spread(&tally.greens),
        still_red: tally.still_red,
    }
}

fn trend(now: &RunTally, before: &RunTally) -> TrendEntry {
    type Measure = fn(&RunTally) -> Option<f64>;
    let measures: [(&'static str, Measure); 12] = [
        ("success_rate", RunTally::success_rate),
        ("flaky_hours_at_least", |tally| (tally.timed > 0).then(|| tally.flaky_seconds() as f64 / 3600.0)),
        ("duration_p50_s", |tally| Some(Spread::of(&tally.durations())?.p50)),
        ("duration_p95_s", |tally| Some(Spread::of(&tally.durations())?.p95)),
        ("queued_p50_s", |tally| Some(Spread::of(&tally.queues)?.p50)),
        ("queued_p95_s", |tally| Some(Spread::of(&tally.queues)?.p95)),
        ("under_ten_minutes", RunTally::prompt_share),
        ("job_minutes", |tally| tally.seconds().map(|spent| minutes(spent.all))),
        ("wasted_minutes", |tally| {
            tally.seconds().map(|spent| minutes(spent.retried + spent.canceled + spent.superseded))
        }),
        ("explained_share", RunTally::explained_share),
        ("yours_share", |tally| tally.origin_share(FailureOrigin::Yours)),
        ("time_to_green_p50_s", |tally| Some(Spread::of(&tally.greens)?.p50)),
    ];
    let change = |(name, of): (&'static str, Measure)| {
        let before = of(before);
        (name, ChangeEntry { before, change: of(now).zip(before).map(|(now, before)| now - before) })
    };
    TrendEntry { complete: before.coverage().is_whole(), changes: measures.into_iter().map(change).collect() }
}

/// Returns the days on which a pipeline was created; of everything together, every day of the window.
fn days(tally: &RunTally, options: &StatsOptions<'_>, all: bool) -> Vec<DayEntry> {
    let entry = |at: i64| {
        let counts = tally.days.get(&at).copied().or(all.then(DayTally::default))?;
        let DayTally { pipelines, success, failed } = counts;
        Some(DayEntry { day: day(at), pipelines, success, failed })
    };
    options.plan.window.days().filter_map(entry).collect()
}

fn day(day: i64) -> String {
    let whole = time(Some(day.saturating_mul(SECONDS_PER_DAY))).unwrap_or_default();
    whole.chars().take(10).collect()
}

fn minutes(seconds: u64) -> f64 {
    seconds as f64 / 60.0
}

fn spread(values: &[u64]) -> Option<SpreadEntry> {
    Spread::of(values).map(SpreadEntry::from)
}

impl From<Spread> for SpreadEntry {
    fn from(spread: Spread) -> Self {
        Self { count: spread.count, p50: spread.p50, p95: spread.p95 }
    }
}
