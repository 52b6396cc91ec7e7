//! What there is to know at a glance: the groups, the counts, when the next reading is, and what has just begun to fail.

use super::paint::{joined, span};
use crate::collect::watch::Phase;
use crate::report::cell::Tone;
use crate::report::item::clean;
use crate::text::age::in_one_unit;
use crate::text::duration::duration;
use crate::text::width::cells;
use crate::tui::app::App;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use std::time::Duration;
use tokio::time::Instant;

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect, now: Instant) {
    let width = usize::from(area.width);
    frame.render_widget(Paragraph::new(vec![counts(app, width), turn(app, width, now)]), area);
}

fn counts<'a>(app: &App, width: usize) -> Line<'a> {
    let (Some(snapshot), Some(summary)) = (&app.update.snapshot, &app.summary) else {
        return Line::from(span(app, "reading the group for the first time", Tone::Muted));
    };
    let groups: Vec<String> =
        snapshot.groups.iter().map(|group| clean(&group.full_path, app.options.charset)).collect();
    let dot = app.options.charset.dot();
    let mut line: Vec<Span<'a>> = vec![span(app, format!("{} {dot} ", groups.join(", ")), Tone::Plain)];
    // The most severe come first; what does not fit is at least seen to be missing.
    let mut room = width.saturating_sub(line.iter().map(Span::width).sum());
    let phrases = summary.phrases();
    let last = phrases.len().saturating_sub(1);
    for (n, part) in phrases.into_iter().enumerate() {
        let needed = cells(&part.text) + usize::from(n > 0);
        let ellipsis = if n < last { 2 } else { 0 };
        if needed + ellipsis > room {
            line.push(span(app, format!(" {}", app.options.charset.ellipsis()), Tone::Muted));
            break;
        }
        room -= needed;
        line.push(Span::raw(if n > 0 { " " } else { "" }));
        line.push(span(app, part.text, part.tone));
    }
    Line::from(line)
}

/// Says what the program is doing, and what is new.
fn turn<'a>(app: &App, width: usize, now: Instant) -> Line<'a> {
    let mut doing = match app.update.phase {
        Phase::Reading(progress) if progress.listed > 0 => {
            format!("reading {} of {}", progress.read, progress.listed)
        }
        Phase::Reading(_) => "reading".to_owned(),
        Phase::Waiting { until, interval } => {
            // The little that is added by chance, so that watches do not keep in step, would only puzzle.
            let left = whole(until.saturating_duration_since(now)).min(whole(interval));
            format!("next in {} (every {})", duration(left), duration(whole(interval)))
        }
    };
    if let Some(age) = app.update.cached {
        doing = format!("from the cache, {} old, {doing}", in_one_unit(age));
    }
    let mut parts = vec![(doing, Tone::Muted)];
    if let Some(notice) = &app.notice {
        parts.push((notice.clone(), Tone::Plain));
    }
    if let Some(latest) = app.news.last() {
        let more = match app.news.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let project = clean(&latest.project, app.options.charset);
        parts.push((format!("{project}{more} began to fail"), Tone::Bad));
    }
    if app.attention_only {
        parts.push(("only what wants attention".to_owned(), Tone::Warn));
    }
    joined(app, &parts, width)
}

/// Rounds up to whole seconds: a countdown that shows 0 for a second looks stuck.
fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_millis().div_ceil(1000) as u64)
}
