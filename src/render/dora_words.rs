//! Delivery measures in words; what is not known is `no data`. Every rate has its counts beside it.

use super::stats_words::{NO_DATA, percent, seconds};
use crate::report::dora::{DoraDocument, DoraLevels, DoraTrend, MeasuresEntry, PooledEntry};
use crate::text::plural::counted;
use std::collections::BTreeMap;

/// A measure as it is written.
pub(super) struct MeasureLine {
    pub block: &'static str,
    pub name: &'static str,
    pub value: String,
    /// What it was counted from.
    pub basis: String,
    pub before: String,
    pub level: &'static str,
}

const THROUGHPUT: &str = "Throughput";
const INSTABILITY: &str = "Instability";
const ATTEMPTS: &str = "Failed attempts, which are no change failures";
const GITLAB: &str = "As GitLab Ultimate counts";

pub(super) fn maybe_seconds(value: Option<f64>) -> String {
    value.map_or_else(|| NO_DATA.to_owned(), seconds)
}

/// Returns a number of deployments per day, with as many digits as it needs to be told from 0.
pub(super) fn per_day(value: f64) -> String {
    if value > 0.0 && value < 0.1 { format!("{value:.3} a day") } else { format!("{value:.2} a day") }
}

/// Returns the value of the window before; empty where that is not known.
fn before(trend: Option<&DoraTrend>, key: &str, write: fn(f64) -> String) -> String {
    let before = trend.and_then(|trend| trend.get(key)?.before);
    before.map(|before| format!("before: {}", write(before))).unwrap_or_default()
}

fn share(value: f64) -> String {
    percent(Some(value))
}

fn both(median: Option<f64>, p90: Option<f64>) -> String {
    let words = |(median, p90): (f64, f64)| format!("median {}, p90 {}", seconds(median), seconds(p90));
    median.zip(p90).map_or_else(|| NO_DATA.to_owned(), words)
}

/// Returns where a lead time begins, as column heads say it.
pub(super) fn lead_head(document: &DoraDocument<'_>) -> &'static str {
    if document.is_from_commit { "from first commit" } else { "from merge" }
}

/// Returns all measures of some projects together, in their order.
pub(super) fn lines(document: &DoraDocument<'_>, entry: &PooledEntry) -> Vec<MeasureLine> {
    match document.mode {
        "gitlab" => gitlab_lines(document, entry),
        _ => derived_lines(document, entry),
    }
}

fn line(block: &'static str, name: &'static str, value: String, basis: String, before: String) -> MeasureLine {
    MeasureLine { block, name, value, basis, before, level: "" }
}

fn derived_lines(document: &DoraDocument<'_>, entry: &PooledEntry) -> Vec<MeasureLine> {
    let (measures, trend) = (&entry.measures, entry.trend.as_ref());
    let level = |of: fn(&DoraLevels) -> Option<&'static str>| entry.levels.as_ref().and_then(of).unwrap_or_default();
    let mut lines = vec![
        MeasureLine { level: level(|of| of.change_lead_time), ..lead(document, measures, trend) },
        MeasureLine { level: level(|of| of.deployment_frequency), ..frequency(THROUGHPUT, document, measures, trend) },
        MeasureLine { level: level(|of| of.failed_deployment_recovery_time), ..recovery(measures, trend) },
        MeasureLine { level: level(|of| of.change_fail_rate), ..fail_rate(measures, trend) },
    ];
    lines.push(line(
        INSTABILITY,
        "deployment rework rate",
        percent(measures.deployment_rework_rate),
        format!("{} of {}", measures.rework_deployments.len(), deployments(measures)),
        before(trend, "deployment_rework_rate", share),
    ));
    lines.extend(attempts(measures, trend));
    lines
}

fn deployments(measures: &MeasuresEntry) -> String {
    let word = if measures.basis == "pipelines" { "successful pipeline" } else { "deployment" };
    counted(measures.deployments as u64, word)
}

fn lead(document: &DoraDocument<'_>, measures: &MeasuresEntry, trend: Option<&DoraTrend>) -> MeasureLine {
    let from_commit = document.is_from_commit;
    let (median, p90, count, key) = if from_commit {
        let key = "lead_time_from_first_commit_seconds";
        let (median, p90) =
            (measures.lead_time_from_first_commit_seconds, measures.lead_time_from_first_commit_p90_seconds);
        (median, p90, measures.lead_time_from_first_commit_count, key)
    } else {
        let (median, p90) = (measures.lead_time_for_changes_seconds, measures.lead_time_p90_seconds);
        (median, p90, measures.lead_time_count, "lead_time_for_changes_seconds")
    };
    let mut basis = format!("{}, {}", lead_head(document), counted(count as u64, "merge request"));
    let dropped = [
        (measures.dropped_baseline, "of a first deployment"),
        (measures.dropped_negative, "merged later"),
        (measures.dropped_missing_merged_at, "without a time of merge"),
    ];
    let dropped = dropped.into_iter().filter(|(count, _)| *count > 0 && !from_commit);
    let dropped: Vec<String> = dropped.map(|(count, why)| format!("{count} {why}")).collect();
    if !dropped.is_empty() {
        basis.push_str(&format!("; left out: {}", dropped.join(", ")));
    }
    line(THROUGHPUT, "change lead time", both(median, p90), basis, before(trend, key, seconds))
}

fn frequency(
    block: &'static str,
    document: &DoraDocument<'_>,
    measures: &MeasuresEntry,
    trend: Option<&DoraTrend>,
) -> MeasureLine {
    let basis = format!("{} on {} of {} days", deployments(measures), measures.deployment_days, document.days.ceil());
    let value = per_day(measures.deployment_frequency_per_day);
    line(block, "deployment frequency", value, basis, before(trend, "deployment_frequency_per_day", per_day))
}

fn recovery(measures: &MeasuresEntry, trend: Option<&DoraTrend>) -> MeasureLine {
    let value =
        both(measures.failed_deployment_recovery_time_seconds, measures.failed_deployment_recovery_time_p90_seconds);
    let basis = format!(
        "{} of {}; {} open",
        measures.failed_deployment_recovery_count,
        counted(measures.failures.len() as u64, "failed deployment"),
        measures.open_failures.len()
    );
    let was = before(trend, "failed_deployment_recovery_time_seconds", seconds);
    line(THROUGHPUT, "failed deployment recovery time", value, basis, was)
}

fn fail_rate(measures: &MeasuresEntry, trend: Option<&DoraTrend>) -> MeasureLine {
    let mut basis =
        format!("{} of {} judged, {} pending", measures.failures.len(), measures.judged, measures.pending.len());
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    measures.failures.values().flatten().for_each(|reason| *reasons.entry(reason).or_default() += 1);
    let reasons: Vec<String> = reasons.into_iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    if !reasons.is_empty() {
        basis.push_str(&format!("; {}", reasons.join(", ")));
    }
    let was = before(trend, "change_fail_rate", share);
    line(INSTABILITY, "change fail rate", percent(measures.change_fail_rate), basis, was)
}

fn attempts(measures: &MeasuresEntry, trend: Option<&DoraTrend>) -> [MeasureLine; 2] {
    let all = measures.deployments + measures.failed_attempts;
    let recovered = format!(
        "{}; {} open",
        counted(measures.attempt_recovery_count as u64, "streak"),
        measures.open_attempt_streaks.len()
    );
    [
        line(
            ATTEMPTS,
            "failed attempts",
            percent(measures.deployment_attempt_failure_rate),
            format!("{} of {}", measures.failed_attempts, counted(all as u64, "attempt")),
            before(trend, "deployment_attempt_failure_rate", share),
        ),
        line(
            ATTEMPTS,
            "until the next deployment",
            measures.attempt_recovery_seconds.map_or_else(|| NO_DATA.into(), |at| format!("median {}", seconds(at))),
            recovered,
            String::new(),
        ),
    ]
}

fn gitlab_lines(document: &DoraDocument<'_>, entry: &PooledEntry) -> Vec<MeasureLine> {
    let (measures, trend) = (&entry.measures, entry.trend.as_ref());
    let (incidents, successes) = entry.gitlab_counts;
    let medians = maybe_seconds(measures.lead_time_median_of_daily_medians_seconds);
    let merges = counted(measures.lead_time_count as u64, "merge request");
    vec![
        frequency(GITLAB, document, measures, trend),
        line(
            GITLAB,
            "lead time for changes",
            maybe_seconds(measures.lead_time_for_changes_seconds),
            format!("median from merge, {merges}; median of daily medians: {medians}"),
            before(trend, "lead_time_for_changes_seconds", seconds),
        ),
        line(
            GITLAB,
            "time to restore service",
            maybe_seconds(measures.gitlab_time_to_restore_service_seconds),
            format!("median, {} closed", counted(entry.restored as u64, "incident")),
            before(trend, "gitlab_time_to_restore_service_seconds", seconds),
        ),
        line(
            GITLAB,
            "change failure rate",
            percent(measures.gitlab_change_failure_rate),
            format!("{} / {successes} successful deployments", counted(incidents as u64, "incident")),
            before(trend, "gitlab_change_failure_rate", share),
        ),
    ]
}

/// Returns what is said before the numbers of each basis.
pub(super) fn parts<'a>(document: &'a DoraDocument<'_>) -> Vec<(String, &'a PooledEntry)> {
    let pooled = &document.pooled;
    let deployed = pooled.deployments.as_ref().map(|entry| {
        let projects = counted(entry.projects as u64, "project");
        (format!("basis: deployments to production of {projects}"), entry)
    });
    let piped = pooled.pipelines.as_ref().map(|entry| {
        let projects = counted(entry.projects as u64, "project");
        let words = "no deployment to production is known; these numbers are not in those of deployments";
        (format!("basis: pipelines of the default branch of {projects} ({words})"), entry)
    });
    deployed.into_iter().chain(piped).collect()
}

/// A row of the table of groups.
pub(super) struct RowCells {
    pub cells: [String; 10],
    pub weeks: Vec<usize>,
}

pub(super) fn heading(document: &DoraDocument<'_>) -> [String; 10] {
    let head = lead_head(document);
    [
        document.by.word().to_owned(),
        "basis".to_owned(),
        "deployments".to_owned(),
        "per day".to_owned(),
        format!("lead time {head}"),
        "p90".to_owned(),
        "recovery".to_owned(),
        "change fail".to_owned(),
        "rework".to_owned(),
        "failed attempts".to_owned(),
    ]
}

pub(super) fn rows(document: &DoraDocument<'_>) -> Vec<RowCells> {
    let Some(groups) = &document.groups else {
        let row = |of: &crate::report::dora::DoraProject<'_>| {
            let cells = cells(document, of.full_path, of.measures.as_ref());
            RowCells { cells, weeks: of.weeks.clone() }
        };
        return document.projects.iter().map(row).collect();
    };
    let mut rows = Vec::new();
    for group in groups {
        let entries: Vec<&PooledEntry> =
            [&group.pooled.deployments, &group.pooled.pipelines].into_iter().flatten().collect();
        if entries.is_empty() {
            rows.push(RowCells { cells: cells(document, &group.name, None), weeks: Vec::new() });
        }
        rows.extend(entries.into_iter().map(|entry| RowCells {
            cells: cells(document, &group.name, Some(&entry.measures)),
            weeks: entry.weeks.clone(),
        }));
    }
    rows
}

fn cells(document: &DoraDocument<'_>, name: &str, measures: Option<&MeasuresEntry>) -> [String; 10] {
    let Some(of) = measures else {
        let mut cells = std::array::from_fn(|_| "-".to_owned());
        cells[0] = name.to_owned();
        cells[1] = NO_DATA.to_owned();
        return cells;
    };
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let (lead, p90) = if document.is_from_commit {
        (of.lead_time_from_first_commit_seconds, of.lead_time_from_first_commit_p90_seconds)
    } else {
        (of.lead_time_for_changes_seconds, of.lead_time_p90_seconds)
    };
    let rate = |rate: Option<f64>, part: usize, whole: usize| {
        dash(rate.map(|rate| format!("{} ({part}/{whole})", share(rate))))
    };
    let pending = match of.pending.len() {
        0 => String::new(),
        count => format!(" +{count} pending"),
    };
    let attempts = of.deployments + of.failed_attempts;
    [
        name.to_owned(),
        of.basis.to_owned(),
        of.deployments.to_string(),
        format!("{:.2}", of.deployment_frequency_per_day),
        dash(lead.map(seconds)),
        dash(p90.map(seconds)),
        dash(of.failed_deployment_recovery_time_seconds.map(seconds)),
        format!("{}{pending}", rate(of.change_fail_rate, of.failures.len(), of.judged)),
        rate(of.deployment_rework_rate, of.rework_deployments.len(), of.deployments),
        rate(of.deployment_attempt_failure_rate, of.failed_attempts, attempts),
    ]
}
