//! CI quality as Markdown, for a merge request or a wiki page.

use super::markdown::escaped;
use super::stats_words::{NO_DATA, before, hours, minutes, name, percent, seconds, spread};
use crate::report::stats::{StatsDocument, StatsEntry};
use std::io::{self, Write};

/// Writes the numbers of everything together, the lists, and a row for each group.
pub(crate) fn write(document: &StatsDocument<'_>, out: &mut dyn Write) -> io::Result<()> {
    let time = |time: &Option<String>| time.clone().unwrap_or_else(|| NO_DATA.to_owned());
    let (since, until) = (time(&document.since), time(&document.until));
    writeln!(out, "**CI of {} projects**, {since} to {until}", document.pooled.projects)?;
    if !document.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &document.notes {
        writeln!(out, "- {}", escaped(note))?;
    }
    write_rows(&["criterion", "measure", "value", "before"], measures(&document.pooled), out)?;
    let flaky = document.pooled.accuracy.flakiest_jobs.iter().map(|job| {
        let (lost, unknown) = (hours(Some(job.hours_at_least)), job.never_rerun.to_string());
        [job.project.clone(), job.job.clone(), lost, job.failures.to_string(), unknown]
    });
    write_rows(&["project", "flaky job", "hours, at least", "failures", "never run again"], flaky.collect(), out)?;
    let slow = document.pooled.promptness.slowest_jobs.iter().map(|part| {
        let (p50, p95) = (seconds(part.seconds.p50), seconds(part.seconds.p95));
        [part.project.clone(), part.name.clone(), p50, p95, part.seconds.count.to_string()]
    });
    write_rows(&["project", "slow job", "p50", "p95", "runs"], slow.collect(), out)?;
    let group = |entry: &StatsEntry| {
        [
            name(entry),
            entry.accuracy.pipelines.to_string(),
            percent(entry.accuracy.success_rate),
            spread(entry.promptness.duration_s),
            minutes(entry.cost.job_minutes),
            percent(entry.actionability.explained_share),
            spread(entry.actionability.time_to_green_s),
        ]
    };
    let heading = [document.by, "pipelines", "success", "duration", "job minutes", "explained", "time to green"];
    write_rows(&heading, document.groups.iter().map(group).collect(), out)?;
    if document.groups.iter().any(|entry| !entry.coverage.complete) {
        writeln!(out, "\n\\* rests on gaps: not all of this time was read")?;
    }
    Ok(())
}

fn measures(entry: &StatsEntry) -> Vec<[String; 4]> {
    let (accuracy, promptness, cost, actionability) =
        (&entry.accuracy, &entry.promptness, &entry.cost, &entry.actionability);
    let share = |share: f64| percent(Some(share));
    let was = |measure: &str, write: &dyn Fn(f64) -> String| {
        before(entry, measure, write).map(|text| text.trim_start_matches("before: ").to_owned()).unwrap_or_default()
    };
    let row = |criterion: &str, measure: &str, value: String, before: String| {
        [criterion.to_owned(), measure.to_owned(), value, before]
    };
    let spent = |spent: f64| minutes(Some(spent));
    let none = String::new;
    let mut rows = vec![
        row("Accuracy", "success rate", percent(accuracy.success_rate), was("success_rate", &share)),
        row("Accuracy", "flaky jobs", accuracy.flaky_jobs.to_string(), none()),
        row(
            "Accuracy",
            "lost to flaky jobs, at least",
            hours(accuracy.flaky_hours_at_least),
            was("flaky_hours_at_least", &|lost| hours(Some(lost))),
        ),
        row("Accuracy", "failures never run again", accuracy.failures_never_rerun.to_string(), none()),
        row("Accuracy", "green jobs run again", accuracy.green_reruns.to_string(), none()),
        row("Promptness", "duration", spread(promptness.duration_s), was("duration_p50_s", &seconds)),
        row("Promptness", "queue", spread(promptness.queued_s), was("queued_p50_s", &seconds)),
        row("Promptness", "jobs in queue", spread(promptness.job_queued_s), none()),
        row("Promptness", "under ten minutes", percent(promptness.under_ten_minutes), was("under_ten_minutes", &share)),
        row("Promptness", "critical path", spread(promptness.critical_path_s), none()),
        row("Cost", "job minutes, summed", minutes(cost.job_minutes), was("job_minutes", &spent)),
        row("Cost", "wall-clock minutes", minutes(cost.wall_minutes), none()),
        row("Cost", "superseded minutes", minutes(cost.superseded_minutes), none()),
        row("Cost", "canceled minutes", minutes(cost.canceled_minutes), none()),
        row("Cost", "minutes run again", minutes(cost.retried_minutes), none()),
    ];
    rows.extend(cost.price.map(|price| row("Cost", "price", format!("{price:.2}"), none())));
    let explained = was("explained_share", &share);
    rows.push(row("Actionability", "failures explained", percent(actionability.explained_share), explained));
    rows.extend(actionability.origins.iter().filter(|(_, count)| count.failures > 0).map(|(word, count)| {
        row("Actionability", &format!("was it me: {}", word.replace('_', " ")), percent(count.share), none())
    }));
    let green = was("time_to_green_p50_s", &seconds);
    rows.push(row("Actionability", "time to green", spread(actionability.time_to_green_s), green));
    rows.push(row("Actionability", "still red", actionability.still_red.to_string(), none()));
    rows
}

/// Writes a table; one without rows is left out.
fn write_rows<const N: usize>(heading: &[&str; N], rows: Vec<[String; N]>, out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| {} |\n|{}", heading.map(escaped).join(" | "), "---|".repeat(N))?;
    for row in rows {
        writeln!(out, "| {} |", row.map(|cell| escaped(&cell)).join(" | "))?;
    }
    Ok(())
}
