//! The first line: the groups, how many projects are in which state, and how old that is. Below it: messages.
//!
//! What there is no room for goes, in this order: the host, what the program is doing, the number of projects, and the
//! counts from the right. What failed, what could not be read and the age of the data stay.

use super::paint::span;
use crate::collect::watch::WatchPhase;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean, width_of};
use crate::text::duration::duration;
use crate::text::plural::counted;
use crate::text::width::{cells, truncate};
use crate::tui::app::App;
use crate::tui::banner::{self, host_name, whole};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use std::collections::BTreeSet;

/// Between two counts, and between two parts.
const GAP: [&str; 2] = ["  ", "   "];
/// More names than that say less than none.
const MOST_OWNERS: usize = 3;

pub(super) fn draw(app: &App, head: &[Span], frame: &mut Frame<'_>, area: Rect) {
    let first = state(app, usize::from(area.width));
    let lines = std::iter::once(first.as_slice()).chain(head.chunks(1));
    let line = |spans: &[Span]| Line::from_iter(spans.iter().map(|part| span(app, part.text.clone(), part.tone)));
    frame.render_widget(Paragraph::new(Vec::from_iter(lines.map(line))), area);
}

/// Returns the first line, no wider than the screen.
fn state(app: &App, width: usize) -> Vec<Span> {
    let charset = app.facts.options.charset;
    let name = truncate(&group_names(app), (width / 3).max(8).min(width), charset);
    let with_host = format!("{name} @{}", clean(host_name(&app.facts.options.host), charset));
    let (counts, total, ages) = (counts(app), total(app), ages(app));
    let shortest = ages.last().cloned().unwrap_or_default();
    let fits = |line: &Vec<Span>| width_of(line) <= width;
    let whole = |name: &str, age: &str| join(name, &counts, Some(&total), age, width);
    let longest = ages.first().cloned().unwrap_or_default();
    let without_total = ages.iter().map(|age| join(&name, &counts, None, age, width));
    let fewer =
        (0..counts.len()).rev().map(|n| join(&name, &fewer(&counts, n, charset.ellipsis()), None, &shortest, width));
    let mut lines = std::iter::once(whole(&with_host, &longest))
        .chain(ages.iter().map(|age| whole(&name, age)))
        .chain(without_total.into_iter().skip(ages.len().saturating_sub(2)))
        .chain(fewer)
        .chain([join("", &vital(&counts), None, &shortest, width)]);
    lines.find(fits).unwrap_or_else(|| {
        let all = join("", &vital(&counts), None, &shortest, 0);
        let text: String = all.iter().map(|span| span.text.as_str()).collect();
        vec![Span::new(truncate(text.trim(), width, charset), Tone::Plain)]
    })
}

/// A count, and whether it stays however little room there is.
type HeaderCount = (Span, bool);

fn counts(app: &App) -> Vec<HeaderCount> {
    // What is not all read, or not read lately, does not look fine.
    let is_sure = app.facts.update.is_whole && app.facts.freshness().is_fresh();
    let shown = |count: &crate::report::headline::HeadCount| {
        let tone = if count.tone == Tone::Good && !is_sure { Tone::Muted } else { count.tone };
        (Span::new(format!("{} {}", count.mark.glyph(app.facts.options.charset), count.n), tone), count.is_vital)
    };
    app.facts.counts.iter().map(shown).collect()
}

fn vital(counts: &[HeaderCount]) -> Vec<HeaderCount> {
    counts.iter().filter(|(_, is_vital)| *is_vital).cloned().collect()
}

/// Returns the first counts, all that must stay, and a sign that there are more.
fn fewer(counts: &[HeaderCount], n: usize, ellipsis: &str) -> Vec<HeaderCount> {
    let mut fewer: Vec<HeaderCount> = counts
        .iter()
        .enumerate()
        .filter(|(at, (_, is_vital))| *at < n || *is_vital)
        .map(|(_, count)| count.clone())
        .collect();
    if fewer.len() < counts.len() {
        fewer.push((Span::new(ellipsis, Tone::Muted), true));
    }
    fewer
}

fn join(name: &str, counts: &[HeaderCount], total: Option<&String>, age: &str, width: usize) -> Vec<Span> {
    let mut line = vec![Span::new(name, Tone::Plain)];
    for (n, (count, _)) in counts.iter().enumerate() {
        let gap = if n == 0 && name.is_empty() { "" } else { GAP[usize::from(n == 0 && total.is_some())] };
        line.push(Span::new(gap, Tone::Plain));
        line.push(count.clone());
    }
    if let Some(total) = total.filter(|total| !total.is_empty()) {
        line.push(Span::new(format!("{}{total}", GAP[1]), Tone::Muted));
    }
    if !age.is_empty() {
        let padding = width.saturating_sub(width_of(&line) + cells(age)).max(GAP[0].len());
        line.push(Span::new(" ".repeat(padding), Tone::Plain));
        line.push(Span::new(age, Tone::Muted));
    }
    line
}

fn group_names(app: &App) -> String {
    let read =
        app.facts.update.snapshot.iter().flat_map(|snapshot| &snapshot.groups).map(|group| group.full_path.as_str());
    let mut names: Vec<&str> = read.collect();
    if names.is_empty() {
        names = app.facts.options.groups.iter().map(String::as_str).collect();
    }
    if names.is_empty() {
        names = owners(app);
    }
    clean(&names.join(", "), app.facts.options.charset)
}

/// Names whose projects a hub shows that lists users and no group, where they are few.
fn owners(app: &App) -> Vec<&str> {
    let rows = app.facts.update.snapshot.iter().flat_map(|snapshot| &snapshot.rows);
    let owners: BTreeSet<&str> = rows.filter_map(|row| row.project.full_path.split('/').next()).collect();
    if owners.len() > MOST_OWNERS { Vec::new() } else { owners.into_iter().collect() }
}

fn total(app: &App) -> String {
    match (&app.facts.update.snapshot, app.facts.update.phase) {
        // What is listed and not read is missing from all counts.
        (_, WatchPhase::Reading(progress)) if !app.facts.update.is_whole && progress.listed > 0 => {
            format!("{} of {} read", progress.read, progress.listed)
        }
        (Some(snapshot), _) => counted(snapshot.rows.len(), "project"),
        (None, _) => String::new(),
    }
}

/// Returns how old the data is and what the program is doing, the longest form first; the last is the age alone.
fn ages(app: &App) -> Vec<String> {
    let since = duration(app.facts.now.saturating_duration_since(app.facts.phase_since));
    let mut forms: Vec<String> = match app.facts.freshness().forms() {
        Some([long, short]) => {
            let doing = doing(app).into_iter().map(|doing| format!("{long}, {doing}"));
            doing.chain([long.clone(), short]).collect()
        }
        None => vec![format!("nothing read yet, reading for {since}"), format!("reading for {since}"), since],
    };
    forms.dedup();
    forms
}

/// Says what the program is doing, the longest form first.
fn doing(app: &App) -> Vec<String> {
    match app.facts.update.phase {
        WatchPhase::Reading(progress) if app.facts.update.is_whole && progress.listed > 0 => {
            vec![format!("reading {} of {}", progress.read, progress.listed), "reading".to_owned()]
        }
        WatchPhase::Reading(_) => vec!["reading".to_owned()],
        // The wait that the server asks for is shown below.
        WatchPhase::Waiting { .. } if banner::is_closed(app) => Vec::new(),
        WatchPhase::Waiting { until, interval } => {
            // The little that is added by chance, so that watches do not keep in step, would only puzzle.
            let left = whole(until.saturating_duration_since(app.facts.now)).min(whole(interval));
            let next = format!("next in {}", duration(left));
            let stretched = (interval > app.facts.options.interval)
                .then(|| format!("{next} (every {})", duration(whole(interval))));
            stretched.into_iter().chain([next]).collect()
        }
    }
}
