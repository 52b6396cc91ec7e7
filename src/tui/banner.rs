//! What is said between the counts and the table: one message, and below it what is wrong, the cause first.
//!
//! It takes as many lines as it needs, up to a third of the screen; without anything to say it is one empty line.

use super::app::{App, InputPurpose, Modal};
use super::filter::{QuickFilter, RowFilter};
use super::screens::place::ScreenPlace;
use super::screens::stack::OpenedScreen;
use super::tally::{active_jobs, failed_jobs, failed_without_job};
use crate::collect::watch::{FailedReading, WatchPhase};
use crate::domain::project::RowState;
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::report::cell::Tone;
use crate::report::item::{Span, clean};
use crate::text::duration::duration;
use crate::text::plural::counted;
use crate::text::width::truncate;
use crate::text::wrap::wrap;
use std::time::Duration;

/// A server that has said nothing for so long is named.
const PATIENCE: Duration = Duration::from_secs(10);
/// More causes than this are counted.
const CAUSES_AT_MOST: usize = 2;

/// Returns the lines, each no wider than the screen.
pub(super) fn head(app: &App) -> Vec<Span> {
    let width = usize::from(app.facts.width);
    let charset = app.facts.options.charset;
    let most = usize::from(app.facts.height / 3).max(1);
    let mut lines: Vec<Span> = question(app).or_else(|| message(app)).into_iter().collect();
    for said in page_address(app).into_iter().chain(trouble(app)) {
        let text = clean(&said.text, charset);
        lines.extend(wrap(&text, width).into_iter().map(|line| Span::new(line, said.tone)));
    }
    let is_cut = lines.len() > most;
    lines.truncate(most);
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        last.text = truncate(&format!("{} {}", last.text, charset.ellipsis()), width, charset);
    }
    for line in &mut lines {
        line.text = truncate(&line.text, width, charset);
    }
    if lines.is_empty() {
        lines.push(Span::new("", Tone::Plain));
    }
    lines
}

/// Returns what is asked or typed: it has the line for itself.
fn question(app: &App) -> Option<Span> {
    if let Some(Modal::Confirm(question)) = &app.modal {
        return Some(Span::new(question.text.clone(), Tone::Warn));
    }
    if app.modal == Some(Modal::Copy) {
        return Some(Span::new("copy: l the link, i the id, c the command line", Tone::Active));
    }
    if app.modal == Some(Modal::Views) {
        let named = app.facts.options.views.iter().take(9).enumerate();
        let names: Vec<String> = named.map(|(n, view)| format!("{} {}", n + 1, view.name)).collect();
        return Some(Span::new(format!("views: {}", names.join("  ")), Tone::Active));
    }
    let (purpose, line) = app.input.as_ref()?;
    let error = RowFilter::parse(line.text()).err().filter(|_| app.opened.is_empty());
    let error = error.map_or(String::new(), |error| format!("  {error}"));
    // The cursor is drawn as a sign: the terminal's own is hidden.
    let (before, after) = line.split();
    let found = if app.opened.is_empty() && error.is_empty() { format!("  {}", matching(app)) } else { String::new() };
    let lead = match purpose {
        InputPurpose::Filter | InputPurpose::Search => "/",
        InputPurpose::Pipe => "the log into | ",
        InputPurpose::Save => "save the log as ",
    };
    Some(Span::new(format!("{lead}{before}_{after}{error}{found}"), Tone::Active))
}

/// Returns the one message: what a key has done, else what began to fail, else what is hidden.
fn message(app: &App) -> Option<Span> {
    if let Some(notice) = &app.notice {
        return Some(Span::new(clean(notice, app.facts.options.charset), Tone::Plain));
    }
    if let Some(latest) = app.alerts.last() {
        let more = match app.alerts.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let project = clean(&latest.project, app.facts.options.charset);
        return Some(Span::new(format!("{project}{more} began to fail"), Tone::Bad));
    }
    if app.is_frozen {
        return Some(Span::new("frozen: nothing new is shown until Z", Tone::Warn));
    }
    if !app.opened.is_empty() {
        return tabs(app);
    }
    let parts = notes(app);
    (!parts.is_empty()).then(|| Span::new(parts.join(&format!(" {} ", app.facts.options.charset.dot())), Tone::Warn))
}

/// Returns what there is to know of the list: what is hidden, marked, above, or not read yet.
fn notes(app: &App) -> Vec<String> {
    let filter = app.overview.filter.text();
    let mut parts = Vec::new();
    parts.extend(app.overview.quick.word().map(str::to_owned));
    if !filter.is_empty() {
        parts.push(format!("/{}", clean(filter, app.facts.options.charset)));
    }
    match app.overview.marked.len() {
        0 => {}
        marked => parts.push(format!("{marked} marked")),
    }
    match app.overview.new_above() {
        0 => {}
        new => parts.push(format!("{new} new above")),
    }
    if app.overview.quick != QuickFilter::All || !app.overview.filter.is_empty() {
        parts.push(matching(app));
    }
    // A part is never taken for the whole, however little room the counts have.
    if let WatchPhase::Reading(progress) = app.facts.update.phase
        && !app.facts.update.is_whole
        && app.facts.update.snapshot.is_some()
    {
        parts.push(format!("{} of {} read so far", progress.read, counted(progress.listed, "project")));
    }
    parts
}

/// Says how many projects the filters leave; those of folded groups count.
fn matching(app: &App) -> String {
    let shown = app.overview.projects.len() + app.overview.folded_rows();
    format!("{shown} of {}", counted(app.facts.rows().len(), "project"))
}

/// Names the screens that are open, from the first one on.
fn tabs(app: &App) -> Option<Span> {
    let name = |screen: &OpenedScreen| match screen.place {
        ScreenPlace::Project(_) => "project".to_owned(),
        ScreenPlace::Pipeline(_, pipeline) => format!("#{pipeline}"),
        ScreenPlace::Job(..) => "job".to_owned(),
        ScreenPlace::Failures => {
            format!("failures {}", failed_jobs(&app.facts).len() + failed_without_job(&app.facts).len())
        }
        ScreenPlace::Active => format!("active {}", active_jobs(&app.facts).len()),
        ScreenPlace::Events => format!("events {}", app.events.len()),
        ScreenPlace::Problems => "problems".to_owned(),
    };
    let names: Vec<String> = std::iter::once("overview".to_owned()).chain(app.opened.iter().map(name)).collect();
    Some(Span::new(names.join(" > "), Tone::Muted))
}

/// Returns the address of the page that was to be opened, on lines of its own.
fn page_address(app: &App) -> Vec<Span> {
    let Some(page) = &app.page_address else { return Vec::new() };
    let lead = match page.is_opened {
        true => "opening in the browser; the address is",
        false => "there is no browser here; the address is",
    };
    vec![Span::new(lead, Tone::Plain), Span::new(page.url.clone(), Tone::Active)]
}

/// Returns what is wrong, and what can be done about it.
pub(super) fn trouble(app: &App) -> Vec<Span> {
    let failed = app.facts.update.failed.as_ref();
    let mut said: Vec<Span> = match (failed, app.facts.update.whole()) {
        (Some(failed), snapshot) => vec![nothing_read(failed, snapshot.map_or(0, |snapshot| snapshot.rows.len()))],
        (None, Some(snapshot)) => problems(snapshot),
        (None, None) => Vec::new(),
    };
    // A cause is said once: with one line more at each attempt, what is below would move.
    let is_said = |wait: &String| {
        let failure = app.facts.update.silence.failure.as_ref();
        wait.starts_with(host_name(&app.facts.options.host))
            && failure.is_some_and(|failure| said.iter().any(|said| said.text.contains(failure.as_str())))
    };
    let wait = wait(app).filter(|wait| !is_said(wait));
    said.extend(wait.map(|wait| Span::new(wait, Tone::Warn)));
    let hints = failed.iter().flat_map(|failed| &failed.hints);
    said.extend(hints.map(|hint| Span::new(format!("Hint: {hint}"), Tone::Plain)));
    said
}

fn nothing_read(failed: &FailedReading, projects: usize) -> Span {
    Span::new(format!("{}; {} not read again", failed.cause, counted(projects, "project")), Tone::Bad)
}

/// Names what keeps the next answer from coming; `None` where nothing has for long.
pub(super) fn wait(app: &App) -> Option<String> {
    let silence = &app.facts.update.silence;
    let host = host_name(&app.facts.options.host);
    if let Some(until) = silence.closed_until.filter(|until| *until > app.facts.now) {
        let left = whole(until.saturating_duration_since(app.facts.now));
        return Some(format!("the server asks to wait {}", duration(left)));
    }
    if !matches!(app.facts.update.phase, WatchPhase::Reading(_)) {
        return None;
    }
    let silent = silence.since.map(|since| app.facts.now.saturating_duration_since(since));
    let why = silence.failure.as_ref().map(|failure| format!(": {failure}, asking again")).unwrap_or_default();
    match silent {
        Some(silent) if silent >= PATIENCE => Some(format!("no answer for {} from {host}{why}", duration(silent))),
        _ => silence.failure.as_ref().map(|failure| format!("{host}: {failure}, asking again")),
    }
}

/// Says whether the server asks to wait.
pub(super) fn is_closed(app: &App) -> bool {
    app.facts.update.silence.closed_until.is_some_and(|until| until > app.facts.now)
}

/// Rounds up to whole seconds: a countdown that shows 0 for a second looks stuck.
pub(super) fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_millis().div_ceil(1000) as u64)
}

/// Returns a host without its scheme.
pub(super) fn host_name(host: &str) -> &str {
    host.split_once("://").map_or(host, |(_, name)| name)
}

/// Returns what a reading could not bring, each with its cause first.
fn problems(snapshot: &Snapshot) -> Vec<Span> {
    let mut said: Vec<Span> = snapshot.problems.iter().filter_map(of_group).collect();
    said.extend(of_rows(snapshot));
    match snapshot.rows.iter().filter(|row| row.has_unread()).count() {
        0 => {}
        n => {
            let text = format!("what {} triggered could not all be read", counted(n, "project"));
            said.push(Span::new(text, Tone::Bad));
        }
    }
    let notes = snapshot.problems.iter().filter(|problem| problem.scope == ProblemScope::Api);
    said.extend(notes.map(|note| Span::new(note.failure.to_string(), Tone::Muted)));
    said
}

fn of_group(problem: &Problem) -> Option<Span> {
    let what = match problem.scope {
        ProblemScope::Group => format!("group {} could not be read", problem.subject),
        ProblemScope::Source => format!("{} could not be read", problem.subject),
        ProblemScope::List => format!("the project list of {} lost a part", problem.subject),
        ProblemScope::Project | ProblemScope::Api => return None,
    };
    Some(Span::new(format!("{}: {what}", problem.failure.message), Tone::Bad))
}

/// Counts the rows that could not be read by why, the most frequent cause first.
fn of_rows(snapshot: &Snapshot) -> Option<Span> {
    let mut causes: Vec<(String, usize)> = Vec::new();
    let mut total = 0;
    for row in &snapshot.rows {
        let (RowState::Error(failure) | RowState::Stale { failure, .. }) = &row.state else { continue };
        total += 1;
        // What was asked, and how often, is of no use to a reader who cannot ask it.
        let cause = failure.message.clone();
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, n)) => *n += 1,
            None => causes.push((cause, 1)),
        }
    }
    causes.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let named: Vec<String> = match &causes[..] {
        [] => return None,
        [(cause, _)] => vec![cause.clone()],
        several => several
            .iter()
            .take(CAUSES_AT_MOST)
            .map(|(cause, n)| format!("{cause} ({})", counted(*n, "project")))
            .collect(),
    };
    let more = match causes.len().saturating_sub(CAUSES_AT_MOST) {
        0 => String::new(),
        more => format!("; {}", counted(more, "more cause")),
    };
    let text = format!("{}{more}: {total} of {} not read", named.join("; "), counted(snapshot.rows.len(), "project"));
    Some(Span::new(text, Tone::Bad))
}
