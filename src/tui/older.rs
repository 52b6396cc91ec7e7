//! Pipelines beside those of the list: older ones, and what others triggered. Their jobs are read when they are opened, and
//! again while they go on and are looked at.

use super::app::App;
use super::effect::ViewEffect;
use super::facts::{OlderPipeline, PipelineNeeds};
use super::screens::pipeline::telling_line;
use super::screens::place::ScreenPlace;
use crate::collect::older_pipeline::{OlderAnswer, OlderRequest};
use crate::domain::fact::PipelineFact;
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::pipeline::{Downstream, Pipeline, Ref, RefKind};
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use chrono::DateTime;
use std::time::Duration;
use tokio::time::Instant;

/// Asks for the jobs of a pipeline that opens, unless it is in the list or they are known and cannot change any more.
pub(super) fn ask(app: &mut App, project: ProjectId, id: PipelineId, now: Instant) -> Option<ViewEffect> {
    let row = app.facts.row(project)?;
    if is_listed(row, id) {
        return None;
    }
    let below = triggered(app, row, id);
    let told = listed_status(app, id);
    let read = match app.facts.older.get(&id) {
        Some(OlderPipeline::Read { pipeline, .. }) => Some(&**pipeline),
        Some(OlderPipeline::Asked { .. } | OlderPipeline::Failed(_)) | None => None,
    };
    let is_told_otherwise = told.is_some() && told != app.facts.told.get(&id).cloned();
    if read.is_some_and(|read| read.status.is_terminal()) && !is_told_otherwise {
        return None;
    }
    let remembered = || {
        let fact = app.recent.get(&project)?.iter().find(|fact| fact.id == id)?;
        Some(remembered_pipeline(fact, page_of(row, id)))
    };
    let known = read.cloned().or(below).or_else(remembered)?;
    app.facts.told.extend(told.map(|told| (id, told)));
    Some(request(app, project, known, now))
}

/// Asks again for the pipeline that is looked at, as the user wishes: one that had ended may have been run again.
pub(super) fn ask_now(app: &mut App, now: Instant) -> Option<ViewEffect> {
    let (project, id) = looked_at(app)?;
    let Some(OlderPipeline::Read { pipeline, .. }) = app.facts.older.get(&id) else { return None };
    let known = Pipeline::clone(pipeline);
    app.facts.row(project).filter(|row| !is_listed(row, id))?;
    Some(request(app, project, known, now))
}

fn is_listed(row: &ProjectRow, id: PipelineId) -> bool {
    row.pipelines().iter().any(|listed| listed.id == id)
}

fn looked_at(app: &App) -> Option<(ProjectId, PipelineId)> {
    match app.opened.last()?.place {
        ScreenPlace::Pipeline(project, id) | ScreenPlace::Job(project, id, _) => Some((project, id)),
        _ => None,
    }
}

/// Asks again for the pipeline that is looked at, where it may have gone on: with each reading of the list.
pub(super) fn ask_again(app: &mut App, now: Instant) -> Option<ViewEffect> {
    let (project, id) = looked_at(app)?;
    let is_waiting = app.facts.asked_again == Some(id);
    match app.facts.older.get(&id) {
        Some(OlderPipeline::Read { .. }) if !is_waiting => ask(app, project, id, now),
        _ => None,
    }
}

/// Asks for a pipeline after something was done to it, if it is one of these.
pub(super) fn ask_after_action(app: &mut App, project: ProjectId, id: PipelineId, now: Instant) -> Option<ViewEffect> {
    app.facts.row(project).filter(|row| !is_listed(row, id))?;
    let Some(OlderPipeline::Read { pipeline: read, .. }) = app.facts.older.get(&id) else { return None };
    let known = Pipeline::clone(read);
    Some(request(app, project, known, now))
}

fn request(app: &mut App, project: ProjectId, known: Pipeline, now: Instant) -> ViewEffect {
    let path = app.facts.row(project).map(|row| row.project.full_path.clone()).unwrap_or_default();
    let id = known.id;
    // What is known stays in view until there is better.
    if !matches!(app.facts.older.get(&id), Some(OlderPipeline::Read { .. })) {
        app.facts.older.insert(id, OlderPipeline::Asked { since: now });
    }
    app.facts.asked_again = Some(id);
    ViewEffect::ReadOlder(Box::new(OlderRequest { project, path, known }))
}

/// Takes the jobs of a pipeline, or why they could not be read.
pub(super) fn take(app: &mut App, answer: OlderAnswer) {
    let OlderAnswer { id, outcome, needs } = answer;
    app.facts.asked_again = app.facts.asked_again.filter(|asked| *asked != id);
    if let Some(needs) = needs {
        app.facts.needs.insert(id, PipelineNeeds::Read(needs));
    }
    let is_known = matches!(app.facts.older.get(&id), Some(OlderPipeline::Read { .. }));
    match outcome {
        Ok(read) => {
            let read = OlderPipeline::Read { pipeline: Box::new(read), at: app.facts.now };
            app.facts.older.insert(id, read);
        }
        Err(failure) if is_known => {
            app.notice = Some(format!("#{id} could not be read again: {}", failure.message));
        }
        Err(failure) => drop(app.facts.older.insert(id, OlderPipeline::Failed(failure))),
    }
    let telling = match app.opened.last().map(|screen| screen.place) {
        Some(ScreenPlace::Pipeline(project, shown)) if shown == id && !is_known => telling_line(app, project, id),
        _ => None,
    };
    if let (Some(telling), Some(screen)) = (telling, app.opened.last_mut())
        && screen.has_no_cursor()
        && screen.offset == 0
    {
        screen.point_at(telling);
    }
}

fn find(level: &[Downstream], id: PipelineId) -> Option<&Downstream> {
    level.iter().find_map(|below| if below.id == id { Some(below) } else { find(&below.downstream, id) })
}

/// Returns the pipelines of the list.
fn listed(app: &App) -> impl Iterator<Item = &Pipeline> {
    app.facts.rows().iter().flat_map(ProjectRow::pipelines)
}

/// Returns how a triggered pipeline is by the last reading: what is below older ones is as old as they are.
fn listed_status(app: &App, id: PipelineId) -> Option<Status> {
    let found = listed(app).find_map(|pipeline| find(&pipeline.downstream, id));
    found.map(|below| below.status.clone()).filter(|status| !status.is_untold())
}

/// Finds a pipeline of a project among those that known ones triggered; its jobs are not there.
fn triggered(app: &App, row: &ProjectRow, id: PipelineId) -> Option<Pipeline> {
    let older = app.facts.older.values().filter_map(|older| match older {
        OlderPipeline::Read { pipeline, .. } => Some(&**pipeline),
        OlderPipeline::Asked { .. } | OlderPipeline::Failed(_) => None,
    });
    let (above, below) = listed(app).chain(older).find_map(|above| Some((above, find(&above.downstream, id)?)))?;
    let is_of = |pipeline_page: Option<&str>| {
        row.project
            .web_url
            .as_deref()
            .is_some_and(|url| pipeline_page.is_some_and(|page| page.starts_with(&format!("{url}/-/"))))
    };
    if below.project.as_deref() != Some(row.project.full_path.as_str()) {
        return None;
    }
    // A child has its parent's ref; that of another project's pipeline is not told.
    let git_ref = match is_of(above.web_url.as_deref()) {
        true => above.git_ref.clone(),
        false => Ref { name: String::new(), kind: RefKind::Other },
    };
    Some(Pipeline {
        iid: below.iid,
        has_warnings: below.has_warnings,
        web_url: below.web_url.clone().or_else(|| page_of(row, id)),
        ..Pipeline::without_details(below.id, below.status.clone(), git_ref)
    })
}

fn page_of(row: &ProjectRow, id: PipelineId) -> Option<String> {
    row.project.web_url.as_ref().map(|url| format!("{url}/-/pipelines/{id}"))
}

/// Returns what the memory knows of a pipeline; its jobs are not there.
fn remembered_pipeline(fact: &PipelineFact, web_url: Option<String>) -> Pipeline {
    let at = |seconds: Option<i64>| seconds.and_then(|at| DateTime::from_timestamp(at, 0));
    let time = |seconds: Option<u64>| seconds.map(Duration::from_secs);
    let git_ref = Ref { name: fact.ref_name.clone(), kind: fact.ref_kind };
    Pipeline {
        iid: fact.iid,
        sha: fact.sha.clone(),
        source: fact.source.clone(),
        created_at: at(fact.created_at),
        started_at: at(fact.course.started_at),
        finished_at: at(fact.course.finished_at),
        updated_at: at(fact.course.updated_at),
        duration: time(fact.course.duration),
        queued: time(fact.course.queued),
        user: fact.author.clone(),
        commit_title: fact.commit_title.clone(),
        web_url,
        ..Pipeline::without_details(fact.id, fact.course.status.clone(), git_ref)
    }
}
