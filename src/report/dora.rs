//! How well software is delivered, as it is printed: `glwatch.dora/1`. `null` is "no data".

use super::history::time;
use crate::domain::fact::{SECONDS_PER_DAY, UnixSeconds};
use crate::domain::window::TimeWindow;
use crate::dora::known::DoraBasis;
use crate::dora::levels::{LevelScheme, LevelledMeasure};
use crate::dora::measures::DoraMeasures;
use crate::dora::study::{ComparedMeasures, DoraBy, StudiedProject, by_subgroup, on_basis, pooled};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const SCHEMA: &str = "glwatch.dora/1";

#[derive(Debug, Serialize)]
pub(crate) struct DoraDocument<'a> {
    pub schema: &'static str,
    pub host: &'a str,
    pub from: Option<String>,
    pub to: Option<String>,
    pub now: Option<String>,
    /// Whose numbers a table shows: `derived` or `gitlab`; `measures` has both.
    pub mode: &'static str,
    /// Whether all projects and incidents could be read.
    pub complete: bool,
    pub problems: Vec<DoraProblem>,
    pub pooled: PooledMeasures,
    pub projects: Vec<DoraProject<'a>>,
    /// Rows of another kind, where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<DoraGroup>>,
    #[serde(skip)]
    pub by: DoraBy,
    #[serde(skip)]
    pub is_from_commit: bool,
    #[serde(skip)]
    pub days: f64,
    /// What makes all measures comparable with the window before, where they are not.
    #[serde(skip)]
    pub before_hint: Option<String>,
}

/// What could not be read, or what the numbers lack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct DoraProblem {
    /// A project or a group by its path; `null` for all of them.
    pub subject: Option<String>,
    pub problem: String,
}

/// The two bases, which are never put together.
#[derive(Debug, Default, Serialize)]
pub(crate) struct PooledMeasures {
    pub deployments: Option<PooledEntry>,
    pub pipelines: Option<PooledEntry>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PooledEntry {
    pub projects: usize,
    pub measures: MeasuresEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels: Option<DoraLevels>,
    /// Deployments of each week.
    #[serde(skip)]
    pub weeks: Vec<usize>,
    /// Incidents and successes, as GitLab's rate divides them.
    #[serde(skip)]
    pub gitlab_counts: (usize, usize),
    #[serde(skip)]
    pub restored: usize,
    /// Against the window before; `null` for a week or a month, whose row before says it.
    pub trend: Option<DoraTrend>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DoraProject<'a> {
    pub id: u64,
    pub full_path: &'a str,
    /// `null` where nothing could be read.
    pub basis: Option<&'static str>,
    pub measures: Option<MeasuresEntry>,
    pub trend: Option<DoraTrend>,
    #[serde(skip)]
    pub weeks: Vec<usize>,
}

/// Levels of the measures that have one, by the scheme that is asked for.
#[derive(Debug, Serialize)]
pub(crate) struct DoraLevels {
    pub scheme: &'static str,
    pub deployment_frequency: Option<&'static str>,
    pub change_lead_time: Option<&'static str>,
    pub failed_deployment_recovery_time: Option<&'static str>,
    pub change_fail_rate: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DoraGroup {
    /// A full path, or the day on which the week or month begins.
    pub name: String,
    #[serde(flatten)]
    pub pooled: PooledMeasures,
}

/// The measures, by the names and in the order of the worked cases.
#[derive(Debug, Serialize)]
pub(crate) struct MeasuresEntry {
    pub basis: &'static str,
    pub deployments: usize,
    pub deployment_frequency_per_day: f64,
    pub deployment_days: usize,
    pub lead_time_for_changes_seconds: Option<f64>,
    pub lead_time_p90_seconds: Option<f64>,
    pub lead_time_count: usize,
    pub dropped_baseline: usize,
    pub dropped_negative: usize,
    pub dropped_missing_merged_at: usize,
    pub lead_time_from_first_commit_seconds: Option<f64>,
    pub lead_time_from_first_commit_p90_seconds: Option<f64>,
    pub lead_time_from_first_commit_count: usize,
    pub failed_deployment_recovery_time_seconds: Option<f64>,
    pub failed_deployment_recovery_time_p90_seconds: Option<f64>,
    pub failed_deployment_recovery_count: usize,
    pub open_failures: BTreeSet<u64>,
    pub change_fail_rate: Option<f64>,
    pub judged: usize,
    pub pending: BTreeSet<u64>,
    pub failures: BTreeMap<u64, Vec<&'static str>>,
    pub recoveries: BTreeMap<u64, i64>,
    pub deployment_rework_rate: Option<f64>,
    pub rework_deployments: BTreeSet<u64>,
    pub failed_attempts: usize,
    pub deployment_attempt_failure_rate: Option<f64>,
    pub attempt_recovery_seconds: Option<f64>,
    pub attempt_recovery_count: usize,
    pub open_attempt_streaks: BTreeSet<u64>,
    pub gitlab_change_failure_rate: Option<f64>,
    pub gitlab_time_to_restore_service_seconds: Option<f64>,
    pub lead_time_median_of_daily_medians_seconds: Option<f64>,
}

impl MeasuresEntry {
    pub(crate) fn new(basis: DoraBasis, of: &DoraMeasures) -> Self {
        let recovery = of.recovery();
        Self {
            basis: basis.word(),
            deployments: of.deployments,
            deployment_frequency_per_day: of.frequency(),
            deployment_days: of.days.len(),
            lead_time_for_changes_seconds: of.lead.median(),
            lead_time_p90_seconds: of.lead.p90(),
            lead_time_count: of.lead.count(),
            dropped_baseline: of.dropped_baseline,
            dropped_negative: of.dropped_negative,
            dropped_missing_merged_at: of.dropped_missing_merged_at,
            lead_time_from_first_commit_seconds: of.lead_from_commit.median(),
            lead_time_from_first_commit_p90_seconds: of.lead_from_commit.p90(),
            lead_time_from_first_commit_count: of.lead_from_commit.count(),
            failed_deployment_recovery_time_seconds: recovery.median(),
            failed_deployment_recovery_time_p90_seconds: recovery.p90(),
            failed_deployment_recovery_count: recovery.count(),
            open_failures: of.open_failures.clone(),
            change_fail_rate: of.change_fail_rate(),
            judged: of.judged(),
            pending: of.pending.clone(),
            failures: of.failures.clone(),
            recoveries: of.recoveries.clone(),
            deployment_rework_rate: of.rework_rate(),
            rework_deployments: of.rework.clone(),
            failed_attempts: of.failed_attempts,
            deployment_attempt_failure_rate: of.attempt_failure_rate(),
            attempt_recovery_seconds: of.attempt_recovery.median(),
            attempt_recovery_count: of.attempt_recovery.count(),
            open_attempt_streaks: of.open_streaks.clone(),
            gitlab_change_failure_rate: of.gitlab_failure_rate(),
            gitlab_time_to_restore_service_seconds: of.gitlab_time_to_restore(),
            lead_time_median_of_daily_medians_seconds: of.lead_by_daily_medians(),
        }
    }
}

/// A measure in the window before, and the difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct MeasureChange {
    pub before: Option<f64>,
    pub change: Option<f64>,
}

pub(crate) type DoraTrend = BTreeMap<&'static str, MeasureChange>;

/// What a document is made with.
#[derive(Debug)]
pub(crate) struct DoraOptions<'a> {
    pub host: &'a str,
    pub window: TimeWindow,
    pub now: UnixSeconds,
    pub mode: &'static str,
    pub by: DoraBy,
    pub complete: bool,
    pub problems: Vec<DoraProblem>,
    pub levels: Option<LevelScheme>,
    /// Lead times that count begin with the first commit.
    pub is_from_commit: bool,
    /// The window before lies in what was read.
    pub is_before_known: bool,
    /// All merge requests of the window before were read: what needs them can be compared.
    pub is_before_read: bool,
}

impl<'a> DoraDocument<'a> {
    pub(crate) fn new(projects: &'a [StudiedProject], options: DoraOptions<'a>) -> Self {
        let all = DoraBasis::ALL.map(|basis| on_basis(projects, basis));
        let compared = |of: &[&StudiedProject], window| pooled(of, window, true);
        let deployed = compared(&all[0], options.window);
        Self {
            schema: SCHEMA,
            host: options.host,
            from: time(Some(options.window.from)),
            to: time(Some(options.window.to)),
            now: time(Some(options.now)),
            mode: options.mode,
            complete: options.complete,
            pooled: PooledMeasures {
                deployments: deployed.map(|of| entry(DoraBasis::Deployments, &of, &options)),
                pipelines: compared(&all[1], options.window).map(|of| entry(DoraBasis::Pipelines, &of, &options)),
            },
            projects: projects.iter().map(|of| project(of, &options)).collect(),
            groups: groups(&all, &options),
            by: options.by,
            is_from_commit: options.is_from_commit,
            days: options.window.length_in_days(),
            before_hint: before_hint(&options),
            problems: options.problems,
        }
    }
}

fn levels(of: &DoraMeasures, options: &DoraOptions<'_>) -> Option<DoraLevels> {
    let scheme = options.levels?;
    let lead = if options.is_from_commit { of.lead_from_commit.median() } else { of.lead.median() };
    Some(DoraLevels {
        scheme: scheme.word(),
        deployment_frequency: scheme.level(LevelledMeasure::Frequency, Some(of.frequency())),
        change_lead_time: scheme.level(LevelledMeasure::LeadSeconds, lead),
        failed_deployment_recovery_time: scheme.level(LevelledMeasure::RecoverySeconds, of.recovery().median()),
        change_fail_rate: scheme.level(LevelledMeasure::FailRate, of.change_fail_rate()),
    })
}

fn before_hint(options: &DoraOptions<'_>) -> Option<String> {
    let is_lacking = options.is_before_known && !options.is_before_read;
    let seconds = options.now.saturating_sub(options.window.before().from);
    let days = seconds.unsigned_abs().div_ceil(SECONDS_PER_DAY.unsigned_abs());
    is_lacking.then(|| {
        format!(
            "it was not read what the deployments of the window before brought: what needs that is not compared; \
             glwatch history fill --deployments --since {days}d reads it"
        )
    })
}

fn day(at: UnixSeconds) -> String {
    time(Some(at)).unwrap_or_default().chars().take(10).collect()
}

fn entry(basis: DoraBasis, of: &ComparedMeasures, options: &DoraOptions<'_>) -> PooledEntry {
    let before = of.before.as_ref().filter(|_| options.is_before_known);
    let trend = before.map(|before| trend(&of.now, before, options.is_before_read));
    PooledEntry {
        projects: of.projects,
        measures: MeasuresEntry::new(basis, &of.now),
        levels: levels(&of.now, options),
        weeks: options.window.weeks().map(|(_, part)| of.now.deployments_in(part)).collect(),
        gitlab_counts: of.now.gitlab_counts(),
        restored: of.now.restored(),
        trend,
    }
}

fn project<'a>(of: &'a StudiedProject, options: &DoraOptions<'_>) -> DoraProject<'a> {
    let basis = of.verdicts.basis;
    let compared = pooled(&[of], options.window, true).filter(|_| of.is_read);
    let entry = compared.map(|compared| entry(basis, &compared, options));
    let (measures, trend, weeks) =
        entry.map_or((None, None, Vec::new()), |entry| (Some(entry.measures), entry.trend, entry.weeks));
    DoraProject {
        id: of.project.id.0,
        full_path: &of.project.full_path,
        basis: of.is_read.then(|| basis.word()),
        measures,
        trend,
        weeks,
    }
}

fn groups(all: &[Vec<&StudiedProject>; 2], options: &DoraOptions<'_>) -> Option<Vec<DoraGroup>> {
    let parts: Vec<(UnixSeconds, TimeWindow)> = match options.by {
        DoraBy::Project => return None,
        DoraBy::Subgroup => return Some(subgroups(all, options)),
        DoraBy::Week => options.window.weeks().collect(),
        DoraBy::Month => options.window.months(),
    };
    let part = |(begin, window): (UnixSeconds, TimeWindow)| {
        let of = |at: usize, basis| pooled(&all[at], window, false).map(|of| entry(basis, &of, options));
        let pooled =
            PooledMeasures { deployments: of(0, DoraBasis::Deployments), pipelines: of(1, DoraBasis::Pipelines) };
        DoraGroup { name: day(begin), pooled }
    };
    Some(parts.into_iter().map(part).collect())
}

fn subgroups(all: &[Vec<&StudiedProject>; 2], options: &DoraOptions<'_>) -> Vec<DoraGroup> {
    let [deployed, piped] = all.each_ref().map(|of| by_subgroup(of));
    let names: BTreeSet<&String> = deployed.keys().chain(piped.keys()).collect();
    let of = |basis, projects: Option<&Vec<&StudiedProject>>| {
        pooled(projects.map_or(&[], Vec::as_slice), options.window, true).map(|of| entry(basis, &of, options))
    };
    let group = |name: &String| DoraGroup {
        name: name.clone(),
        pooled: PooledMeasures {
            deployments: of(DoraBasis::Deployments, deployed.get(name)),
            pipelines: of(DoraBasis::Pipelines, piped.get(name)),
        },
    };
    names.into_iter().map(group).collect()
}

/// Compares with the window before. What needs merge requests is not compared where those were not read.
fn trend(now: &DoraMeasures, before: &DoraMeasures, is_before_read: bool) -> DoraTrend {
    type Value = fn(&DoraMeasures) -> Option<f64>;
    let measures: [(&'static str, bool, Value); 9] = [
        ("deployment_frequency_per_day", false, |of| Some(of.frequency())),
        ("lead_time_for_changes_seconds", true, |of| of.lead.median()),
        ("lead_time_from_first_commit_seconds", true, |of| of.lead_from_commit.median()),
        ("failed_deployment_recovery_time_seconds", true, |of| of.recovery().median()),
        ("change_fail_rate", true, DoraMeasures::change_fail_rate),
        ("deployment_rework_rate", true, DoraMeasures::rework_rate),
        ("deployment_attempt_failure_rate", false, DoraMeasures::attempt_failure_rate),
        ("gitlab_change_failure_rate", false, DoraMeasures::gitlab_failure_rate),
        ("gitlab_time_to_restore_service_seconds", false, DoraMeasures::gitlab_time_to_restore),
    ];
    let change = |(name, needs_merges, of): (&'static str, bool, Value)| {
        let before = of(before).filter(|_| is_before_read || !needs_merges);
        (name, MeasureChange { before, change: of(now).zip(before).map(|(now, before)| now - before) })
    };
    measures.into_iter().map(change).collect()
}

#[cfg(test)]
mod cases;
