//! A project: its pipelines that are known, and since when it is red.

use super::line::{ListRow, ScreenLine, listed, status_span, wrapped};
use super::place::ScreenPlace;
use crate::collect::pipeline_page::NextPage;
use crate::domain::fact::PipelineFact;
use crate::domain::id::ProjectId;
use crate::domain::past::{FlakyJob, PastLack};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::report::status::origin_words;
use crate::text::age::age;
use crate::text::duration::duration;
use crate::text::glyph::Charset;
use crate::tui::app::App;
use crate::tui::facts::{ReadPipelines, ToldPast};
use crate::tui::keymap::KeyAction;
use chrono::DateTime;
use std::time::Duration;

/// Cells of the longest bar.
const BAR: f64 = 12.0;
/// Pipelines whose outcome is summed up.
const LAST: usize = 30;
/// Of fewer nothing is said that takes many.
const ENOUGH: usize = 5;
/// Flaky jobs that are named.
const NAMED: usize = 3;

pub fn lines(app: &App, project: ProjectId, only: Option<&str>) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let Some(row) = app.facts.row(project) else {
        return vec![ScreenLine::text("this project is no longer one of those that are shown", Tone::Warn)];
    };
    let branch = row.project.default_branch.as_deref().map_or(String::new(), |name| format!("  default {name}"));
    let mut lines = vec![ScreenLine::heading(clean(&format!("{}{branch}", row.project.full_path), charset))];
    let url = row.project.web_url.as_deref().map(|url| ScreenLine::text(clean(url, charset), Tone::Muted));
    lines.extend(url);
    if let Some(failure) = row.failure() {
        lines.extend(wrapped(&failure.message, Tone::Bad, app.text_width(), charset));
    }
    lines.extend(row.pipelines().iter().filter_map(|pipeline| red_since(app, pipeline)));
    if row.pipelines().is_empty() && app.recent.get(&project).is_none_or(Vec::is_empty) {
        lines.push(ScreenLine::text("no pipeline is known", Tone::Muted));
        lines.extend(end_of_list(app, project));
        return lines;
    }
    lines.push(ScreenLine::empty());
    let longest = longest(app, row);
    let is_meant = |name: &str| only.is_none_or(|only| only == name);
    if let Some(only) = only {
        let key = app.facts.options.keys.label(KeyAction::Branches);
        lines.push(ScreenLine::text(format!("only {}; {key} shows the next ref", clean(only, charset)), Tone::Warn));
    }
    lines.extend(last_runs(app, project, only));
    // They are counted over all refs.
    lines.extend(flaky_jobs(app, project).filter(|_| only.is_none()));
    let mut rows: Vec<ListRow> = row
        .pipelines()
        .iter()
        .filter(|pipeline| is_meant(&pipeline.git_ref.name))
        .map(|pipeline| of_pipeline(app, project, pipeline, longest))
        .collect();
    let is_shown = |fact: &&PipelineFact| row.pipelines().iter().all(|pipeline| pipeline.id != fact.id);
    let older = app.recent.get(&project).into_iter().flatten().filter(is_shown).filter(|fact| is_meant(&fact.ref_name));
    rows.extend(older.map(|fact| of_fact(app, fact, longest)));
    let titles = ["pipeline", "ref", "state", "", "took", "usual", "age", "who", "commit"];
    lines.extend(listed(&titles, &rows, app.text_width(), charset));
    lines.extend(end_of_list(app, project));
    lines
}

/// Says how far it is known what is remembered, where that is not all that could be.
fn told(app: &App, project: ProjectId) -> Vec<ScreenLine> {
    let (text, tone) = match app.told_pasts.get(&project) {
        None | Some(ToldPast::Own) => return Vec::new(),
        Some(ToldPast::Asked { since }) => {
            let waited = app.facts.now.saturating_duration_since(*since);
            // A memory of one's own answers before this is read.
            if waited < Duration::from_secs(1) {
                return Vec::new();
            }
            (format!("asking what is remembered {}", duration(waited)), Tone::Muted)
        }
        Some(ToldPast::Told { at, age }) => match app.facts.told_ago(*at, *age) {
            Some(ago) => (format!("what the hub remembers is as it was {} ago", duration(ago)), Tone::Warn),
            None => return Vec::new(),
        },
        Some(ToldPast::Lacks(lack)) => lacking(lack),
    };
    wrapped(&text, tone, app.text_width(), app.facts.options.charset)
}

/// Says why a hub told nothing: silence would be taken for a project without a past.
fn lacking(lack: &PastLack) -> (String, Tone) {
    const NO_MEMORY: &str =
        "the hub remembers nothing: earlier runs and flaky jobs are not known; run glwatch without --from";
    const NOT_TOLD: &str =
        "the hub does not tell what it remembers: it may be an older glwatch; run glwatch without --from";
    match lack {
        PastLack::NoMemory => (NO_MEMORY.to_owned(), Tone::Warn),
        PastLack::NotTold => (NOT_TOLD.to_owned(), Tone::Warn),
        PastLack::Failed(failure) => {
            (format!("what the hub remembers could not be read: {}", failure.message), Tone::Bad)
        }
    }
}

/// Says behind the last pipeline whether that is the oldest, or how it goes on.
fn end_of_list(app: &App, project: ProjectId) -> Vec<ScreenLine> {
    let mut lines = told(app, project);
    // Nothing more is asked for there.
    if !matches!(app.told_pasts.get(&project), Some(ToldPast::Lacks(_))) {
        lines.extend(list_goes_on(app, project));
    }
    lines
}

fn list_goes_on(app: &App, project: ProjectId) -> Vec<ScreenLine> {
    let read = app.read_pipelines.get(&project);
    let text = match read {
        Some(read) if read.asked_since.is_some() => {
            let waited = read.asked_since.map(|since| app.facts.now.saturating_duration_since(since));
            format!("reading older ones {}", duration(waited.unwrap_or_default()))
        }
        Some(ReadPipelines { failure: Some(failure), .. }) => {
            let (width, charset) = (app.text_width(), app.facts.options.charset);
            return wrapped(&format!("older ones could not be read: {}", failure.message), Tone::Bad, width, charset);
        }
        Some(ReadPipelines { next: NextPage::Oldest, .. }) => "there are no older ones".to_owned(),
        Some(ReadPipelines { next: NextPage::NotRemembered, .. }) => {
            "the hub remembers no older ones: run glwatch without --from".to_owned()
        }
        Some(_) | None if app.facts.options.charset == Charset::Words => "more reads older ones".to_owned(),
        Some(_) | None => "at the end of the list, older ones are read".to_owned(),
    };
    wrapped(&text, Tone::Muted, app.text_width(), app.facts.options.charset)
}

/// Returns how long the longest pipeline took that is listed.
fn longest(app: &App, row: &ProjectRow) -> Duration {
    let remembered = app.recent.get(&row.project.id).into_iter().flatten();
    let remembered = remembered.filter_map(|fact| fact.course.duration.map(Duration::from_secs));
    row.pipelines().iter().filter_map(|pipeline| pipeline.duration).chain(remembered).max().unwrap_or_default()
}

/// Returns a bar as long as a time is, compared with the longest.
fn bar(time: Option<Duration>, longest: Duration, charset: Charset) -> Span {
    let Some(time) = time.filter(|_| !longest.is_zero()) else { return Span::new("", Tone::Muted) };
    let cells = (time.as_secs_f64() / longest.as_secs_f64() * BAR).round().clamp(1.0, BAR) as usize;
    let block = match charset {
        Charset::Unicode => "█",
        Charset::Ascii => "#",
        Charset::Words => "",
    };
    Span::new(block.repeat(cells), Tone::Muted)
}

/// Returns the refs whose pipelines are known, the newest first.
pub fn refs(app: &App, project: ProjectId) -> Vec<String> {
    let shown = app.facts.row(project).into_iter().flat_map(|row| row.pipelines());
    let shown = shown.map(|pipeline| pipeline.git_ref.name.as_str());
    let remembered = app.recent.get(&project).into_iter().flatten().map(|fact| fact.ref_name.as_str());
    let mut refs: Vec<String> = Vec::new();
    for name in shown.chain(remembered) {
        if refs.iter().all(|known| known != name) {
            refs.push(name.to_owned());
        }
    }
    refs
}

/// Says how the last pipelines ended that the memory knows: how many passed, how long they took, how long they waited.
fn last_runs(app: &App, project: ProjectId, only: Option<&str>) -> Option<ScreenLine> {
    let facts = app.recent.get(&project)?.iter().filter(|fact| only.is_none_or(|only| only == fact.ref_name));
    let ended = facts.filter(|fact| matches!(fact.course.status, Status::Success | Status::Failed));
    let ended: Vec<&PipelineFact> = ended.take(LAST).collect();
    let passed = ended.iter().filter(|fact| fact.course.status == Status::Success).count();
    // Of a single one its own line tells.
    let percent = (100 * passed).checked_div(ended.len()).filter(|_| ended.len() > 1)?;
    let mut text = format!("last {}: {percent} % passed", ended.len());
    let times: Vec<u64> = ended.iter().rev().filter_map(|fact| fact.course.duration).collect();
    let trend = trend(&times, app.facts.options.charset);
    if !trend.is_empty() {
        text.push_str(&format!("  {trend}"));
    }
    let mut queued: Vec<u64> = ended.iter().filter_map(|fact| fact.course.queued).collect();
    queued.sort_unstable();
    // Of a few the worst one would be all that is said.
    if queued.len() >= ENOUGH
        && let Some(slow) = queued.get((queued.len() * 95).div_ceil(100) - 1)
    {
        text.push_str(&format!("  queue p95 {}", duration(Duration::from_secs(*slow))));
    }
    Some(ScreenLine::text(text, Tone::Muted))
}

/// Names the jobs that pass and fail on one commit, and how often they did the latter.
fn flaky_jobs(app: &App, project: ProjectId) -> Option<ScreenLine> {
    let flaky = app.flaky.get(&project).filter(|flaky| !flaky.is_empty())?;
    let of = |job: &FlakyJob| format!("{} ({} of {} failed)", job.name, job.failed, job.attempts);
    let mut named: Vec<String> = flaky.iter().take(NAMED).map(of).collect();
    if flaky.len() > NAMED {
        named.push(format!("{} more", flaky.len() - NAMED));
    }
    let text = format!("flaky in 14 days: {}", named.join(", "));
    Some(ScreenLine::text(clean(&text, app.facts.options.charset), Tone::Warn))
}

/// Returns a sign for each time, the oldest first, as high as it is long compared with the longest.
fn trend(times: &[u64], charset: Charset) -> String {
    let signs: &[char] = match charset {
        Charset::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
        Charset::Ascii => &['_', '.', '-', '=', '+', '*', '#'],
        Charset::Words => return String::new(),
    };
    let longest = times.iter().copied().max().unwrap_or(0);
    if times.len() < ENOUGH || longest == 0 {
        return String::new();
    }
    let last = signs.len() - 1;
    let sign =
        |time: &u64| signs.get((*time as f64 / longest as f64 * last as f64).round() as usize).unwrap_or(&signs[last]);
    times.iter().map(sign).collect()
}

/// A pipeline that is only remembered: its jobs are read when it is opened.
fn of_fact(app: &App, fact: &PipelineFact, longest: Duration) -> ListRow {
    let charset = app.facts.options.charset;
    let text = |text: Option<&str>| Span::new(clean(text.unwrap_or_default(), charset), Tone::Muted);
    let created = fact.created_at.and_then(|at| DateTime::from_timestamp(at, 0));
    let age_of = app.facts.present().zip(created).map(|(now, then)| age(now, then));
    let time = fact.course.duration.map(Duration::from_secs);
    let cells = vec![
        Span::new(format!("#{}", fact.id), Tone::Muted),
        text(Some(&fact.ref_name)),
        status_span(&fact.course.status, charset),
        bar(time, longest, charset),
        Span::new(time.map(duration).unwrap_or_default(), Tone::Muted),
        Span::new("", Tone::Muted),
        Span::new(age_of.unwrap_or_default(), Tone::Muted),
        text(fact.author.as_deref()),
        text(fact.commit_title.as_deref()),
    ];
    ListRow { cells, target: Some(ScreenPlace::Pipeline(fact.project, fact.id)) }
}

fn of_pipeline(app: &App, project: ProjectId, pipeline: &Pipeline, longest: Duration) -> ListRow {
    let charset = app.facts.options.charset;
    let text = |text: Option<&str>| Span::new(clean(text.unwrap_or_default(), charset), Tone::Plain);
    let usual = app.facts.past.usual(pipeline.id);
    let age_of = app.facts.present().zip(pipeline.created_at).map(|(now, then)| age(now, then));
    let cells = vec![
        Span::new(format!("#{}", pipeline.id), Tone::Muted),
        text(Some(&pipeline.git_ref.name)),
        status_span(&pipeline.worst(), charset),
        bar(pipeline.duration, longest, charset),
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
    let red = app.facts.past.of_failed(pipeline)?.red_since.as_ref()?;
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
