//! From one screen to another: where a line leads, what a screen asks for when it is opened, and the way back.

use super::app::{App, ExplanationState};
use super::effect::ViewEffect;
use super::filter::{QuickFilter, RowFilter};
use super::log_view::LogView;
use super::more_pipelines;
use super::needs;
use super::older;
use super::screens;
use super::screens::overview::pipeline_of;
use super::screens::pipeline::{telling_job, telling_line};
use super::screens::place::ScreenPlace;
use super::screens::stack::OpenedScreen;
use crate::collect::evidence::{PreviousPipeline, Subject};
use crate::collect::explain_service::ExplainRequest;
use crate::collect::log_service::LogRequest;
use crate::domain::id::{JobId, PipelineId, ProjectId, ProjectRef};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::text::glyph::Charset;
use tokio::time::Instant;

/// Leaves the screen on top; on the first one it ends the filter, else lets the cursor go.
pub(super) fn go_back(app: &mut App) -> Vec<ViewEffect> {
    if let Some(screen) = app.opened.pop() {
        // A log is read only while it is looked at.
        return if screen.log.is_some() { vec![ViewEffect::Follow(None)] } else { Vec::new() };
    }
    let list = &mut app.overview;
    if !list.filter.is_empty() || list.quick != QuickFilter::All {
        list.filter = RowFilter::default();
        list.quick = QuickFilter::All;
        app.arrange();
    } else {
        list.cursor = None;
        list.offset = 0;
    }
    Vec::new()
}

/// Returns where the line under the cursor leads; an error says why nowhere.
fn target(app: &App) -> Result<ScreenPlace, &'static str> {
    match app.opened.last() {
        Some(screen) => {
            let lines = screens::lines(app, screen);
            let first = || lines.targets().next().map(|(_, target)| target);
            screen.target(&lines).or_else(first).ok_or("there is nothing to open here")
        }
        None => {
            let (_, project) = app.overview.cursor_row().ok_or("there is nothing to open here")?;
            Ok(ScreenPlace::Project(project.project.id))
        }
    }
}

/// Opens where the line under the cursor leads, or the first line without one; on a heading it folds the group.
pub(super) fn enter(app: &mut App, now: Instant) -> Vec<ViewEffect> {
    if app.opened.is_empty() && app.overview.cursor.is_none() {
        app.overview.move_to_first_row(app.table_room());
    }
    if app.opened.is_empty() && app.overview.cursor.is_some() && app.overview.cursor_row().is_none() {
        app.overview.toggle_fold();
        app.arrange();
        return Vec::new();
    }
    match target(app) {
        Ok(place) => go_to(app, place, now),
        Err(why) => {
            app.notice = Some(why.into());
            Vec::new()
        }
    }
}

/// Opens the log of the job that is meant: the one under the cursor, else the first that failed, else one that runs.
pub(super) fn enter_log(app: &mut App, now: Instant) -> Vec<ViewEffect> {
    if app.opened.is_empty() && app.overview.cursor.is_none() {
        app.overview.move_to_first_row(app.table_room());
    }
    let of_row = app.overview.cursor_row().filter(|_| app.opened.is_empty());
    let of_row = of_row.and_then(|(row, project)| Some(ScreenPlace::Pipeline(project.project.id, row.pipeline?)));
    let place = match of_row.map_or_else(|| target(app), Ok) {
        Ok(place) => place,
        Err(why) => {
            app.notice = Some(why.into());
            return Vec::new();
        }
    };
    let found = match place {
        ScreenPlace::Job(..) => Some(place),
        ScreenPlace::Pipeline(project, pipeline) => {
            app.facts.pipeline(project, pipeline).and_then(|(row, pipeline)| {
                let job = telling_job(pipeline)?;
                Some(ScreenPlace::Job(row.project.id, pipeline.id, job.id))
            })
        }
        _ => None,
    };
    match found {
        Some(place) => go_to(app, place, now),
        None => {
            app.notice = Some("no job failed or runs here: enter shows them all".into());
            Vec::new()
        }
    }
}

/// Opens a screen, and asks for what it lacks.
pub(super) fn go_to(app: &mut App, place: ScreenPlace, now: Instant) -> Vec<ViewEffect> {
    match app.opened.last().map(|screen| screen.place) {
        Some(top) if top == place => return Vec::new(),
        // Another attempt takes the place of this one: one log is read at a time.
        Some(ScreenPlace::Job(..)) if matches!(place, ScreenPlace::Job(..)) => drop(app.opened.pop()),
        Some(_) | None => {}
    }
    let mut screen = OpenedScreen::new(place);
    if let Some(telling) = first_line(app, place) {
        screen.point_at(telling);
    }
    let mut effects = Vec::new();
    if let ScreenPlace::Job(project, pipeline, job) = place {
        let is_failed = attempt(app, project, pipeline, job).is_some_and(|job| job.status == Status::Failed);
        effects.extend(is_failed.then(|| explain_effect(app, project, pipeline, now)).flatten());
        if let Some(request) = log_request(app, project, pipeline, job) {
            // What is only ever added cannot be unfolded.
            let has_folds = app.facts.options.charset != Charset::Words;
            screen.log = Some(LogView::new(request.number, request.job.status.is_active(), has_folds));
            effects.push(ViewEffect::Follow(Some(Box::new(request))));
        }
    }
    if let ScreenPlace::Project(project) = place {
        effects.extend(more_pipelines::look_back(app, project, now));
    }
    if let ScreenPlace::Pipeline(project, pipeline) = place {
        effects.extend(older::ask(app, project, pipeline, now));
        effects.extend(needs::ask_on_opening(app, project, pipeline, now));
    }
    app.opened.push(screen);
    effects
}

/// Returns where the cursor of a new screen begins: at what tells the most.
fn first_line(app: &App, place: ScreenPlace) -> Option<ScreenPlace> {
    match place {
        ScreenPlace::Project(project) => {
            let shown = app.overview.cursor_row().filter(|(_, row)| row.project.id == project);
            let pipeline = shown.and_then(|(row, _)| row.pipeline);
            pipeline.map(|pipeline| ScreenPlace::Pipeline(project, pipeline))
        }
        ScreenPlace::Pipeline(project, pipeline) => telling_line(app, project, pipeline),
        _ => None,
    }
}

/// Shows the attempt at the job before the one that is shown, or after it, in its place.
pub(super) fn other_attempt(app: &mut App, is_later: bool, now: Instant) -> Vec<ViewEffect> {
    let Some(ScreenPlace::Job(project, pipeline, id)) = app.opened.last().map(|screen| screen.place) else {
        return Vec::new();
    };
    let attempts = app.facts.pipeline(project, pipeline).map(|(_, shown)| attempts_at(shown, id)).unwrap_or_default();
    let at = attempts.iter().position(|attempt| *attempt == id);
    let wanted = at.and_then(|at| if is_later { at.checked_add(1) } else { at.checked_sub(1) });
    let Some(other) = wanted.and_then(|wanted| attempts.get(wanted)) else {
        let which = if is_later { "later" } else { "earlier" };
        app.notice = Some(format!("there is no {which} attempt, or none was read"));
        return Vec::new();
    };
    go_to(app, ScreenPlace::Job(project, pipeline, *other), now)
}

/// Returns all attempts at a job, in their order.
fn attempts_at(pipeline: &Pipeline, id: JobId) -> Vec<JobId> {
    let is_it = |job: &&Job| job.id == id || job.earlier.iter().any(|earlier| earlier.id == id);
    let job = pipeline.jobs().find(is_it);
    let mut attempts: Vec<JobId> =
        job.iter().flat_map(|job| job.earlier.iter().map(|job| job.id).chain([job.id])).collect();
    attempts.sort_unstable();
    attempts
}

/// Returns an attempt at a job of a pipeline that is shown.
fn attempt(app: &App, project: ProjectId, pipeline: PipelineId, id: JobId) -> Option<&Job> {
    let (_, shown) = app.facts.pipeline(project, pipeline)?;
    shown.jobs().flat_map(|job| std::iter::once(job).chain(&job.earlier)).find(|job| job.id == id)
}

fn log_request(app: &mut App, project: ProjectId, pipeline: PipelineId, id: JobId) -> Option<LogRequest> {
    let job = attempt(app, project, pipeline, id).filter(|job| job.kind == JobKind::Job)?.clone();
    app.log_requests += 1;
    Some(LogRequest { number: app.log_requests, project: ProjectRef::Id(project), pipeline, job })
}

/// Asks why a pipeline is red, unless that is known or nothing has failed.
fn explain_effect(app: &mut App, project: ProjectId, pipeline: PipelineId, now: Instant) -> Option<ViewEffect> {
    let (row, shown) = app.facts.pipeline(project, pipeline)?;
    let is_red = shown.worst() == Status::Failed || shown.has_warnings;
    let is_known = match app.explanation_of(shown) {
        Some(ExplanationState::Asked { .. } | ExplanationState::Answered(_)) => true,
        Some(ExplanationState::Failed(_)) | None => false,
    };
    if !is_red || is_known {
        return None;
    }
    let request = explain_request(row, shown);
    app.note_question(pipeline, request.updated_at, now);
    Some(ViewEffect::Ask(Box::new(request)))
}

fn explain_request(row: &ProjectRow, pipeline: &Pipeline) -> ExplainRequest {
    let subject = Subject {
        project: ProjectRef::Id(row.project.id),
        full_path: row.project.full_path.clone(),
        pipeline: pipeline.id,
        before: PreviousPipeline::Unknown,
        first_look: None,
    };
    ExplainRequest { subject, updated_at: pipeline.updated_at }
}

/// Asks about the red row under the cursor, once that rests there, where the answer has a place beside the list. One
/// question at a time.
pub(super) fn ask_beside(app: &mut App, now: Instant) -> Option<ViewEffect> {
    if app.pane_width() == 0 || app.is_asking() || !app.is_resting(now) {
        return None;
    }
    let (row, project) = app.overview.cursor_row()?;
    let pipeline = pipeline_of(project, row)?;
    // What could not be answered is not asked again and again.
    if app.explanation_of(pipeline).is_some() {
        return None;
    }
    let (project_id, pipeline) = (project.project.id, pipeline.id);
    explain_effect(app, project_id, pipeline, now)
}
