//! A job: why it failed and what to do about it, the tests that failed, and its log.

use super::explanation::{self, ExplanationRoom};
use super::line::{ScreenLine, status_span, wrapped};
use super::needs::NeedWords;
use super::pipeline::{reason_of, time_of};
use super::place::ScreenPlace;
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::Pipeline;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::explain::CauseFinding;
use crate::report::item::{Span, clean};
use crate::text::duration::duration;
use crate::tui::app::{App, ExplanationState};

pub fn lines(app: &App, place: (ProjectId, PipelineId, JobId)) -> Vec<ScreenLine> {
    let (project, pipeline, id) = place;
    let Some((row, shown)) = app.facts.pipeline(project, pipeline) else {
        let text = "the pipeline of this job is no longer the one that is shown of its project";
        return vec![ScreenLine::text(text, Tone::Warn)];
    };
    let Some(job) = shown.jobs().find(|job| job.id == id || job.earlier.iter().any(|earlier| earlier.id == id)) else {
        return vec![ScreenLine::text("this job is no longer a part of the pipeline", Tone::Warn)];
    };
    let charset = app.facts.options.charset;
    let width = app.text_width();
    let newer = (job.id != id).then_some(job);
    let job = job.earlier.iter().find(|earlier| earlier.id == id).unwrap_or(job);
    let title = format!("{} #{pipeline}  {} / ", clean(&row.project.full_path, charset), clean(&job.stage, charset));
    let mut first = vec![Span::new(title, Tone::Muted), Span::new(clean(&job.name, charset), Tone::Plain)];
    first.push(Span::new("  ", Tone::Plain));
    first.push(status_span(&job.status, charset));
    let mut lines = vec![ScreenLine { is_bold: true, ..ScreenLine::new(first) }];
    lines.push(ScreenLine::text(clean(&facts(app, job), charset), Tone::Muted));
    lines.extend(newer.map(|newer| {
        let lead = Span::new(format!("an earlier attempt; enter opens the last one, job {}: ", newer.id), Tone::Warn);
        let line = ScreenLine::new(vec![lead, status_span(&newer.status, charset)]);
        line.leading_to(ScreenPlace::Job(project, pipeline, newer.id))
    }));
    lines.extend(app.action_line(project, pipeline));
    let needs = NeedWords::new(app, shown, None);
    lines.extend(needs.waits_for(job).map(|waits| ScreenLine::text(waits, Tone::Active)));
    lines.extend(needs.needs_with_states(job).map(|needs| ScreenLine::text(needs, Tone::Muted)));
    lines.extend(why(app, shown, job, ExplanationRoom { width, charset }));
    if job.kind != JobKind::Job {
        lines.push(ScreenLine::empty());
        lines.push(ScreenLine::text("it has no log", Tone::Muted));
        let target = job.target_url().map(|url| wrapped(url, Tone::Muted, width, charset));
        lines.extend(target.into_iter().flatten());
    }
    lines
}

fn facts(app: &App, job: &Job) -> String {
    let mut facts = Vec::new();
    let time = time_of(job, app.facts.present());
    if !time.is_empty() {
        facts.push(if job.status.is_active() { format!("runs for {time}") } else { format!("took {time}") });
    }
    if let Some(attempts) = job.attempts.filter(|attempts| *attempts > 1) {
        facts.push(format!("attempt {attempts}"));
        let mut earlier: Vec<&Job> = job.earlier.iter().collect();
        earlier.sort_by_key(|earlier| earlier.id);
        let of = |job: &Job| {
            let time = job.duration.map(|time| format!(" after {}", duration(time))).unwrap_or_default();
            format!("{}{time}", job.status.word())
        };
        if !earlier.is_empty() {
            facts.push(format!("before: {}", earlier.into_iter().map(of).collect::<Vec<_>>().join(", ")));
        }
    }
    facts.push(format!("job {}", job.id));
    facts.join(", ")
}

/// Says why it failed: what is known at once, and the answer of `explain` when it has come.
fn why(app: &App, pipeline: &Pipeline, job: &Job, room: ExplanationRoom) -> Vec<ScreenLine> {
    if job.status != Status::Failed {
        return Vec::new();
    }
    // Over GraphQL some reasons are not told; the answer of `explain` has them.
    let reason = reason_of(job).unwrap_or_default();
    let known = || match reason.is_empty() {
        true => Vec::new(),
        false => wrapped(&reason, Tone::Bad, room.width, room.charset),
    };
    match app.explanation_of(pipeline) {
        Some(ExplanationState::Answered(answer)) => match answer.finding_of(job.id) {
            Some(finding) => of_job(finding, room),
            None => known(),
        },
        Some(ExplanationState::Failed(failure)) => {
            let mut lines = known();
            lines.push(ScreenLine::text(format!("no explanation: {}", failure.message), Tone::Warn));
            lines
        }
        Some(ExplanationState::Asked { since }) => {
            let mut lines = known();
            let since = duration(app.facts.now.saturating_duration_since(*since));
            lines.push(ScreenLine::text(format!("reading why, for {since}"), Tone::Muted));
            lines
        }
        None => known(),
    }
}

fn of_job(finding: &CauseFinding, room: ExplanationRoom) -> Vec<ScreenLine> {
    let mut lines = wrapped(&explanation::text(&finding.sentence), Tone::Bad, room.width, room.charset);
    // The log is below; its telling lines need not be there twice.
    let without_log = CauseFinding { log: None, ..finding.clone() };
    lines.extend(explanation::of_finding(&without_log, room));
    lines
}
