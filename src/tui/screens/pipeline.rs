//! A pipeline: its stages and jobs, what each waits for or failed with, and what it triggered.

use super::line::{ListRow, ScreenLine, listed, status_span, wrapped};
use super::needs::{self, NeedWords};
use super::place::ScreenPlace;
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::pipeline::{Downstream, Pipeline};
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::explain::reason;
use crate::report::cell::Tone;
use crate::report::headline::is_old;
use crate::report::item::{Span, clean};
use crate::text::age::age;
use crate::text::duration::duration;
use crate::tui::app::App;
use crate::tui::facts::OlderPipeline;
use chrono::{DateTime, Utc};

/// From this width on, a job is named with its stage among those of other projects.
const WIDTH_WITH_STAGE: u16 = 100;

/// Makes the lines; `chosen` is where the one under the cursor leads.
pub fn lines(app: &App, (project, pipeline): (ProjectId, PipelineId), chosen: Option<ScreenPlace>) -> Vec<ScreenLine> {
    let Some((row, shown)) = app.facts.pipeline(project, pipeline) else {
        return older(app, pipeline).unwrap_or_else(|| gone(app, project));
    };
    let mut lines = head(app, row, shown);
    lines.extend(app.action_line(project, pipeline));
    lines.push(ScreenLine::empty());
    if let Some(unread) = &shown.unread {
        let text = format!("not all of it could be read: {}", unread.message);
        lines.extend(wrapped(&text, Tone::Bad, app.text_width(), app.facts.options.charset));
    }
    for text in shown.yaml_errors.iter().chain(&shown.failure_reason) {
        lines.extend(wrapped(text, Tone::Bad, app.text_width(), app.facts.options.charset));
    }
    let chosen = match chosen {
        Some(ScreenPlace::Job(_, of, job)) if of == pipeline => Some(job),
        _ => None,
    };
    lines.extend(jobs(app, project, shown, &NeedWords::new(app, shown, chosen)));
    lines.extend(needs::failure(app, shown));
    lines.extend(triggered(app, &shown.downstream));
    let is_listed = row.pipelines().iter().any(|listed| listed.id == pipeline);
    if !is_listed && !shown.downstream.is_empty() {
        // Their states are what the trigger jobs tell: no more than that is claimed.
        lines.push(ScreenLine::text("  what these triggered in turn is not read", Tone::Muted));
    }
    lines
}

/// Says how far a pipeline is read that is not in the list; `None` where it was not asked for.
fn older(app: &App, pipeline: PipelineId) -> Option<Vec<ScreenLine>> {
    match app.facts.older.get(&pipeline)? {
        OlderPipeline::Asked { since } => {
            let since = duration(app.facts.now.saturating_duration_since(*since));
            Some(vec![ScreenLine::text(format!("reading the jobs of #{pipeline}, for {since}"), Tone::Muted)])
        }
        OlderPipeline::Failed(failure) => {
            let text = format!("the jobs of #{pipeline} could not be read: {}", failure.message);
            Some(wrapped(&text, Tone::Bad, app.text_width(), app.facts.options.charset))
        }
        OlderPipeline::Read { .. } => None,
    }
}

/// Says that the pipeline is not the one that is shown any more.
fn gone(app: &App, project: ProjectId) -> Vec<ScreenLine> {
    let newer = app.facts.row(project).and_then(|row| row.pipelines().first());
    let mut lines =
        vec![ScreenLine::text("this pipeline is no longer the one that is shown of its project", Tone::Warn)];
    if let Some(newer) = newer {
        let line = ScreenLine::text(format!("enter opens #{}, which is", newer.id), Tone::Plain);
        lines.push(line.leading_to(ScreenPlace::Pipeline(project, newer.id)));
    }
    lines
}

/// Says which pipeline it is, how it is, and how old that is.
pub fn head(app: &App, row: &ProjectRow, pipeline: &Pipeline) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    let mut first = vec![
        Span::new(clean(&row.project.full_path, charset), Tone::Plain),
        Span::new(format!(" #{}  ", pipeline.id), Tone::Muted),
        Span::new(format!("{}  ", clean(&pipeline.git_ref.name, charset)).trim_start().to_owned(), Tone::Plain),
        status_span(&pipeline.verdict(), charset),
    ];
    if pipeline.worst() != pipeline.verdict() {
        first.push(Span::new("  below it: ", Tone::Muted));
        first.push(status_span(&pipeline.worst(), charset));
    }
    let Some(now) = app.facts.present() else { return vec![ScreenLine::new(first)] };
    let is_row_old = || app.facts.moment().is_some_and(|moment| is_old(row, moment.now, moment.expected));
    let aged = match app.facts.read_ago(row, pipeline.id) {
        Some(ago) => Some(format!("  read {} ago", duration(ago))),
        None => is_row_old().then(|| format!("  {} old", age(now, row.as_of))),
    };
    first.extend(aged.map(|text| Span::new(text, Tone::Warn)));
    let mut facts = Vec::new();
    facts.extend(pipeline.created_at.map(|then| format!("begun {} ago", age(now, then))));
    facts.extend(pipeline.user.as_ref().map(|user| format!("by {}", clean(user, charset))));
    facts.extend(took(pipeline, now));
    let usual = app.facts.past.usual(pipeline.id);
    facts.extend(usual.map(|usual| format!("usually {}", duration(usual))));
    facts.extend(pipeline.coverage.map(|percent| format!("coverage {percent:.1} %")));
    let mut lines = vec![ScreenLine { is_bold: true, ..ScreenLine::new(first) }];
    lines.push(ScreenLine::text(facts.join(", "), Tone::Muted));
    lines.extend(pipeline.commit_title.as_ref().map(|title| ScreenLine::text(clean(title, charset), Tone::Plain)));
    lines
}

fn took(pipeline: &Pipeline, now: DateTime<Utc>) -> Option<String> {
    match (pipeline.duration, pipeline.started_at) {
        (Some(time), _) => Some(format!("took {}", duration(time))),
        (None, Some(then)) if pipeline.status.is_active() => {
            Some(format!("runs for {}", duration((now - then).to_std().unwrap_or_default())))
        }
        _ => None,
    }
}

fn jobs(app: &App, project: ProjectId, pipeline: &Pipeline, needs: &NeedWords<'_>) -> Vec<ScreenLine> {
    let charset = app.facts.options.charset;
    if pipeline.stages.is_empty() {
        return vec![ScreenLine::text("it has no jobs", Tone::Muted)];
    }
    let rows: Vec<ListRow> =
        pipeline.stages.iter().flat_map(|stage| stage_rows(app, (project, pipeline), stage, needs)).collect();
    let width = app.text_width();
    let what = needs::title(app, pipeline);
    listed(&["job", "state", "took", &what], &rows, width, charset)
}

fn stage_rows(
    app: &App,
    (project, pipeline): (ProjectId, &Pipeline),
    stage: &Stage,
    needs: &NeedWords<'_>,
) -> Vec<ListRow> {
    let charset = app.facts.options.charset;
    let now = app.facts.present();
    let heading = ListRow {
        cells: vec![Span::new(clean(&stage.name, charset), Tone::Muted), status_span(&stage.status, charset)],
        target: None,
    };
    let row = |job: &Job| ListRow {
        cells: vec![
            Span::new(format!("{}{}", needs.sign(job), clean(&job.name, charset)), Tone::Plain),
            status_span(&job.status, charset),
            Span::new(time_of(job, now), Tone::Plain),
            what(app, project, job, needs),
        ],
        target: Some(ScreenPlace::Job(project, pipeline.id, job.id)),
    };
    // One job of the same name needs no heading.
    std::iter::once(heading).chain(stage.jobs.iter().map(row)).collect()
}

/// Returns the name of a job in a list of many projects: with its stage where there is room, since two jobs differ by name.
pub fn job_name(app: &App, job: &Job) -> String {
    let is_narrow = app.facts.width < WIDTH_WITH_STAGE;
    if is_narrow { job.name.clone() } else { format!("{} / {}", job.stage, job.name) }
}

/// Returns how long a job took, or runs by now.
pub fn time_of(job: &Job, now: Option<DateTime<Utc>>) -> String {
    match (job.duration, job.started_at, now) {
        // GitLab tells a duration of one that runs, too: as of the reading.
        (_, Some(then), Some(now)) if job.status.is_active() => duration((now - then).to_std().unwrap_or_default()),
        (Some(time), ..) => duration(time),
        _ => String::new(),
    }
}

/// Says why a job failed or what it waits for, and how often it was tried.
fn what(app: &App, project: ProjectId, job: &Job, needs: &NeedWords<'_>) -> Span {
    let charset = app.facts.options.charset;
    let mut parts = Vec::new();
    parts.extend(app.pending_of(project, job.id));
    parts.extend(job.attempts.filter(|attempts| *attempts > 1).map(|attempts| format!("attempt {attempts}")));
    parts.extend(reason_of(job));
    if job.is_allowed_failure() {
        parts.push("allowed to fail".into());
    }
    parts.extend(needs.waits_for(job));
    if job.kind == JobKind::Bridge {
        parts.extend(job.downstream_id.map(|id| format!("triggered #{id}")));
    }
    parts.extend(needs.needed_by(job));
    parts.extend(needs.needs(job));
    Span::new(clean(&parts.join(", "), charset), if job.status == Status::Failed { Tone::Bad } else { Tone::Muted })
}

/// Says in words why a job failed.
pub fn reason_of(job: &Job) -> Option<String> {
    if job.status != Status::Failed {
        return None;
    }
    if let Some(said) = &job.description {
        return Some(said.clone());
    }
    let word = job.failure_reason.as_deref()?;
    Some(reason::of_job(word).map_or_else(|| word.replace('_', " "), |meaning| meaning.plain.to_owned()))
}

/// Returns the job that tells the most of a pipeline: one that failed, else one that runs.
pub fn telling_job(pipeline: &Pipeline) -> Option<&Job> {
    let first = |is_it: &dyn Fn(&Job) -> bool| pipeline.jobs().find(|job| job.kind == JobKind::Job && is_it(job));
    first(&|job| job.status == Status::Failed && !job.allow_failure)
        .or_else(|| first(&|job| job.status == Status::Running))
        .or_else(|| first(&|job| job.status == Status::Failed))
}

/// Returns where the cursor begins on the screen of a pipeline: at the job that tells the most, else at what failed of that
/// which it triggered, else at what holds it up.
pub fn telling_line(app: &App, project: ProjectId, pipeline: PipelineId) -> Option<ScreenPlace> {
    let (_, shown) = app.facts.pipeline(project, pipeline)?;
    let place = |job: &Job| ScreenPlace::Job(project, pipeline, job.id);
    let waits = |job: &&Job| !job.status.is_terminal() && job.status != Status::Created;
    let job = telling_job(shown).filter(|job| !job.allow_failure || job.status == Status::Running).map(place);
    job.or_else(|| failed_below(app, &shown.downstream))
        .or_else(|| telling_job(shown).or_else(|| shown.jobs().find(waits)).map(place))
}

/// Finds the first triggered pipeline that failed and can be opened.
fn failed_below(app: &App, level: &[Downstream]) -> Option<ScreenPlace> {
    level.iter().find_map(|below| {
        let own = (below.status == Status::Failed).then(|| place_of(app, below)).flatten();
        own.or_else(|| failed_below(app, &below.downstream))
    })
}

/// Returns where a triggered pipeline is shown: its jobs are read when it opens. Of one in a project that is not in the
/// list nothing is known but what is said of it.
fn place_of(app: &App, below: &Downstream) -> Option<ScreenPlace> {
    let path = below.project.as_deref()?;
    let row = app.facts.rows().iter().find(|row| row.project.full_path == path)?;
    Some(ScreenPlace::Pipeline(row.project.id, below.id))
}

/// Lists what it triggered, each below its parent.
fn triggered(app: &App, level: &[Downstream]) -> Vec<ScreenLine> {
    fn walk(app: &App, level: &[Downstream], depth: usize, lines: &mut Vec<ScreenLine>) {
        let charset = app.facts.options.charset;
        for below in level {
            let project = below.project.as_deref().map_or(String::new(), |path| format!("{} ", clean(path, charset)));
            let lead = format!("{}{} {project}#{}  ", "  ".repeat(depth), charset.arrow(), below.id);
            let mut spans = vec![Span::new(lead, Tone::Plain), status_span(&below.status, charset)];
            if below.is_unread {
                spans.push(Span::new("  could not be read", Tone::Bad));
            }
            lines.push(ScreenLine { target: place_of(app, below), ..ScreenLine::new(spans) });
            walk(app, &below.downstream, depth + 1, lines);
        }
    }
    let mut lines = Vec::new();
    if !level.is_empty() {
        lines.push(ScreenLine::empty());
        lines.push(ScreenLine::text("it triggered", Tone::Muted));
        walk(app, level, 1, &mut lines);
    }
    lines
}
