//! A project: its pipelines that are known, and since when it is red.

use super::line::{ListRow, ScreenLine, listed, status_span, wrapped};
use super::place::ScreenPlace;
use crate::domain::id::ProjectId;
use crate::domain::pipeline::Pipeline;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::report::status::origin_words;
use crate::text::age::age;
use crate::text::duration::duration;
use crate::tui::app::App;
use chrono::DateTime;

pub fn lines(app: &App, project: ProjectId) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let width = usize::from(app.facts.width);
    let Some(row) = app.facts.row(project) else {
        return vec![ScreenLine::text("this project is no longer one of those that are shown", Tone::Warn)];
    };
    let branch = row.project.default_branch.as_deref().map_or(String::new(), |name| format!("  default {name}"));
    let mut lines = vec![ScreenLine::heading(clean(&format!("{}{branch}", row.project.full_path), charset))];
    let url = row.project.web_url.as_deref().map(|url| ScreenLine::text(clean(url, charset), Tone::Muted));
    lines.extend(url);
    if let Some(failure) = row.failure() {
        lines.extend(wrapped(&failure.message, Tone::Bad, width, charset));
    }
    lines.extend(row.pipelines().iter().filter_map(|pipeline| red_since(app, pipeline)));
    if row.pipelines().is_empty() {
        lines.push(ScreenLine::text("no pipeline is known", Tone::Muted));
        return lines;
    }
    lines.push(ScreenLine::empty());
    let rows: Vec<ListRow> = row.pipelines().iter().map(|pipeline| of_pipeline(app, project, pipeline)).collect();
    let titles = ["pipeline", "ref", "state", "took", "usual", "age", "who", "commit"];
    lines.extend(listed(&titles, &rows, width.saturating_sub(2), charset));
    lines
}

fn of_pipeline(app: &App, project: ProjectId, pipeline: &Pipeline) -> ListRow {
    let charset = app.facts.options.charset;
    let text = |text: Option<&str>| Span::new(clean(text.unwrap_or_default(), charset), Tone::Plain);
    let usual = app.facts.past.of(pipeline.id).and_then(|past| past.usual);
    let age_of = app.facts.present().zip(pipeline.created_at).map(|(now, then)| age(now, then));
    let cells = vec![
        Span::new(format!("#{}", pipeline.id), Tone::Muted),
        text(Some(&pipeline.git_ref.name)),
        status_span(&pipeline.worst(), charset),
        Span::new(pipeline.duration.map(duration).unwrap_or_default(), Tone::Plain),
        Span::new(usual.map_or(String::new(), |usual| format!("~{}", duration(usual))), Tone::Muted),
        Span::new(age_of.unwrap_or_default(), Tone::Plain),
        text(pipeline.user.as_deref()),
        text(pipeline.commit_title.as_deref()),
    ];
    ListRow { cells, target: Some(ScreenPlace::Pipeline(project, pipeline.id)) }
}

/// Says since when a ref is red, with which commit that began, and whose fault it is.
fn red_since(app: &App, pipeline: &Pipeline) -> Option<ScreenLine> {
    let charset = app.facts.options.charset;
    let red = app.facts.past.of(pipeline.id)?.red_since.as_ref()?;
    let now = app.facts.present()?;
    let since = red.since.and_then(|since| DateTime::from_timestamp(since, 0));
    let for_long = since.map(|since| format!(" for {}", age(now, since))).unwrap_or_default();
    let mut text = format!("{}: red{for_long}, first #{}", pipeline.git_ref.name, red.first);
    if let Some(title) = &red.commit_title {
        text.push_str(&format!(" \"{title}\""));
    }
    if let Some(author) = &red.author {
        text.push_str(&format!(" by {author}"));
    }
    if let Some(origin) = app.facts.moment().and_then(|moment| origin_words(pipeline, moment)) {
        text.push_str(&format!("; {origin}"));
    }
    Some(ScreenLine::text(clean(&text, charset), Tone::Bad))
}
