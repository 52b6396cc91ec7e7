//! CI quality for people: four sections about everything together, then a row for each group.

use super::columns;
use super::sparkline::{relative, sparkline};
use super::stats_words::{NO_DATA, before, hours, minutes, name, percent, seconds, spread};
use crate::report::stats::{BucketEntry, SlowPartEntry, StatsDocument, StatsEntry};
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use crate::text::sanitise::sanitise;
use std::io::{self, Write};

/// Cells of the longest bar.
const BAR: u64 = 40;

/// Writes everything.
pub(crate) fn write(document: &StatsDocument<'_>, charset: Charset, out: &mut dyn Write) -> io::Result<()> {
    let day = |time: &Option<String>| time.as_deref().unwrap_or(NO_DATA).replace('T', " ");
    writeln!(
        out,
        "{}: {}, {} to {}, refs: {}",
        document.host,
        counted(document.pooled.projects as u64, "project"),
        day(&document.since),
        day(&document.until),
        sanitise(&document.refs.join(", "))
    )?;
    for note in &document.notes {
        writeln!(out, "note: {note}")?;
    }
    write_accuracy(&document.pooled, charset, out)?;
    write_promptness(&document.pooled, charset, out)?;
    write_cost(&document.pooled, out)?;
    write_actionability(&document.pooled, out)?;
    write_groups(document, out)
}

/// Writes a line with its name in front.
fn line(label: &str, parts: impl IntoIterator<Item = Option<String>>, out: &mut dyn Write) -> io::Result<()> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    writeln!(out, "  {label:<19} {}", parts.join("; "))
}

fn write_accuracy(entry: &StatsEntry, charset: Charset, out: &mut dyn Write) -> io::Result<()> {
    let accuracy = &entry.accuracy;
    writeln!(out, "\nAccuracy")?;
    let judged = accuracy.success + accuracy.failed;
    let warnings = match accuracy.success_with_warnings {
        0 => String::new(),
        count => format!(", {count} with warnings"),
    };
    line(
        "success rate",
        [
            Some(format!("{} ({} of {judged}{warnings})", percent(accuracy.success_rate), accuracy.success)),
            before(entry, "success_rate", |share| percent(Some(share))),
        ],
        out,
    )?;
    let rates: Vec<Option<f64>> = entry.days.iter().map(day_rate).collect();
    line("success by day", [Some(sparkline(&rates, charset))], out)?;
    let counts: Vec<Option<f64>> = relative(entry.days.iter().map(|day| day.pipelines));
    line("pipelines by day", [Some(sparkline(&counts, charset))], out)?;
    let lost = format!("at least {} in {}", hours(accuracy.flaky_hours_at_least), failures(accuracy.flaky_failures));
    line(
        "flaky jobs",
        [
            Some(format!("{}: {lost}", accuracy.flaky_jobs)),
            before(entry, "flaky_hours_at_least", |before| hours(Some(before))),
        ],
        out,
    )?;
    let unknown = format!("{}: flaky or not is unknown", failures(accuracy.failures_never_rerun));
    line("never run again", [Some(unknown)], out)?;
    let rerun = format!("{} ({} min)", accuracy.green_reruns, minutes(accuracy.green_rerun_minutes));
    line("green jobs rerun", [Some(rerun)], out)?;
    let row = |job: &crate::report::stats::FlakyJobEntry| {
        let unknown = format!("{} never run again", job.never_rerun);
        [job.project.clone(), job.job.clone(), hours(Some(job.hours_at_least)), failures(job.failures), unknown]
    };
    list("flakiest jobs", accuracy.flakiest_jobs.iter().map(row), out)
}

fn failures(count: u64) -> String {
    counted(count, "failure")
}

fn write_promptness(entry: &StatsEntry, charset: Charset, out: &mut dyn Write) -> io::Result<()> {
    let promptness = &entry.promptness;
    writeln!(out, "\nPromptness")?;
    let was = |measure: &str| before(entry, measure, seconds);
    line("pipelines", [Some(spread(promptness.duration_s)), was("duration_p50_s")], out)?;
    line("pipelines in queue", [Some(spread(promptness.queued_s)), was("queued_p50_s")], out)?;
    line("jobs in queue", [Some(spread(promptness.job_queued_s))], out)?;
    let share = before(entry, "under_ten_minutes", |share| percent(Some(share)));
    line("under ten minutes", [Some(percent(promptness.under_ten_minutes)), share], out)?;
    let waiting = promptness.critical_path_waiting.map(|share| format!("{} of it waiting", percent(Some(share))));
    line("critical path", [Some(spread(promptness.critical_path_s)), waiting], out)?;
    write_histogram(&promptness.histogram, charset, out)?;
    let critical = |job: &crate::report::stats::CriticalJobEntry| {
        [
            job.project.clone(),
            job.job.clone(),
            format!("in {}", counted(job.pipelines, "pipeline")),
            format!("{:.0} min", job.run_minutes),
            format!("waited {:.0} min", job.wait_minutes),
        ]
    };
    list("on the critical path", promptness.critical_jobs.iter().map(critical), out)?;
    list("slowest stages", promptness.slowest_stages.iter().map(slow_part), out)?;
    list("slowest jobs", promptness.slowest_jobs.iter().map(slow_part), out)
}

fn slow_part(part: &SlowPartEntry) -> [String; 5] {
    let runs = counted(part.seconds.count as u64, "run");
    let (p50, p95) = (seconds(part.seconds.p50), seconds(part.seconds.p95));
    [part.project.clone(), part.name.clone(), format!("p50 {p50}"), format!("p95 {p95}"), runs]
}

fn write_cost(entry: &StatsEntry, out: &mut dyn Write) -> io::Result<()> {
    let cost = &entry.cost;
    writeln!(out, "\nCost")?;
    let price = cost.price.map(|price| format!("price {price:.2}"));
    let was = before(entry, "job_minutes", |before| minutes(Some(before)));
    line("job minutes", [Some(format!("{}, summed over jobs", minutes(cost.job_minutes))), price, was], out)?;
    line("wall-clock minutes", [Some(format!("{}, summed over pipelines", minutes(cost.wall_minutes)))], out)?;
    let parts = [
        ("superseded", cost.superseded_minutes),
        ("canceled", cost.canceled_minutes),
        ("run again", cost.retried_minutes),
    ];
    let parts = parts.map(|(word, spent)| format!("{word} {}", minutes(spent))).join(", ");
    let price = cost.wasted_price.map(|price| format!("price {price:.2}"));
    let was = before(entry, "wasted_minutes", |before| minutes(Some(before)));
    line("minutes for nothing", [Some(parts), price, was], out)
}

fn write_actionability(entry: &StatsEntry, out: &mut dyn Write) -> io::Result<()> {
    let actionability = &entry.actionability;
    writeln!(out, "\nActionability")?;
    let was = |measure: &str| before(entry, measure, |share| percent(Some(share)));
    let explained = format!(
        "{} of {} with a failing test or a known reason",
        percent(actionability.explained_share),
        failures(actionability.failures)
    );
    line("failures", [Some(explained), was("explained_share")], out)?;
    let shares = actionability.origins.iter().filter(|(_, count)| count.failures > 0);
    let shares: Vec<String> =
        shares.map(|(word, count)| format!("{} {}", word.replace('_', " "), percent(count.share))).collect();
    let shares = if shares.is_empty() { NO_DATA.to_owned() } else { shares.join(", ") };
    line("was it me", [Some(shares)], out)?;
    let red = format!("{} still red", counted(actionability.still_red, "ref"));
    let was = before(entry, "time_to_green_p50_s", seconds);
    line("time to green", [Some(spread(actionability.time_to_green_s)), Some(red), was], out)
}

/// Writes the first entries of a list under its name; an empty list is left out.
fn list(title: &str, rows: impl Iterator<Item = [String; 5]>, out: &mut dyn Write) -> io::Result<()> {
    let indented = |[first, rest @ ..]: [String; 5]| {
        let [a, b, c, d] = rest;
        [format!("    {first}"), a, b, c, d]
    };
    let rows: Vec<[String; 5]> = rows.map(indented).collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {title}:")?;
    columns::write(&rows, out)
}

fn write_histogram(buckets: &[BucketEntry], charset: Charset, out: &mut dyn Write) -> io::Result<()> {
    let most = buckets.iter().map(|bucket| bucket.pipelines).max().unwrap_or(0).max(1);
    let full = if charset == Charset::Ascii { "#" } else { "█" };
    let mut lower = 0;
    for bucket in buckets {
        let label = match bucket.below_s {
            Some(below) => format!("< {}", seconds(below as f64)),
            None => format!(">= {}", seconds(lower as f64)),
        };
        lower = bucket.below_s.unwrap_or(lower);
        // One is seen, however many others there are.
        let cells = (bucket.pipelines * BAR).div_ceil(most);
        let bar = full.repeat(usize::try_from(cells).unwrap_or(0));
        let space = if bar.is_empty() { "" } else { " " };
        writeln!(out, "    {label:>8}  {bar}{space}{}", bucket.pipelines)?;
    }
    Ok(())
}

fn write_groups(document: &StatsDocument<'_>, out: &mut dyn Write) -> io::Result<()> {
    if document.groups.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let heading = [
        document.by,
        "pipelines",
        "success",
        "trend",
        "p50",
        "p95",
        "queue p50",
        "< 10 min",
        "job min",
        "for nothing",
        "flaky h >=",
        "explained",
        "yours",
        "to green",
    ];
    let rows = document.groups.iter().map(group_row);
    let rows: Vec<[String; 14]> = std::iter::once(heading.map(str::to_owned)).chain(rows).collect();
    columns::write(&rows, out)?;
    if document.groups.iter().any(|entry| !entry.coverage.complete) {
        writeln!(out, "* rests on gaps: not all of this time was read")?;
    }
    Ok(())
}

fn group_row(entry: &StatsEntry) -> [String; 14] {
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let share = |share: Option<f64>| dash(share.map(|share| percent(Some(share))));
    let change = entry.trend.as_ref().and_then(|trend| trend.changes.get("success_rate")?.change);
    let (accuracy, promptness, cost) = (&entry.accuracy, &entry.promptness, &entry.cost);
    let wasted = [cost.superseded_minutes, cost.canceled_minutes, cost.retried_minutes];
    let wasted = wasted.into_iter().sum::<Option<f64>>();
    let yours = entry.actionability.origins.get("yours").and_then(|count| count.share);
    [
        name(entry),
        accuracy.pipelines.to_string(),
        share(accuracy.success_rate),
        dash(change.map(|change| format!("{:+.1}", change * 100.0))),
        dash(promptness.duration_s.map(|spread| seconds(spread.p50))),
        dash(promptness.duration_s.map(|spread| seconds(spread.p95))),
        dash(promptness.queued_s.map(|spread| seconds(spread.p50))),
        share(promptness.under_ten_minutes),
        dash(cost.job_minutes.map(|spent| format!("{spent:.0}"))),
        dash(wasted.map(|spent| format!("{spent:.0}"))),
        dash(accuracy.flaky_hours_at_least.map(|hours| format!("{hours:.1}"))),
        share(entry.actionability.explained_share),
        share(yours),
        dash(entry.actionability.time_to_green_s.map(|spread| seconds(spread.p50))),
    ]
}

fn day_rate(day: &crate::report::stats::DayEntry) -> Option<f64> {
    let judged = day.success + day.failed;
    (judged > 0).then(|| day.success as f64 / judged as f64)
}
