//! Older pipelines of a project, which are read when the user comes to the end of those that are known.

use super::app::App;
use super::effect::ViewEffect;
use super::facts::{ReadPipelines, ToldPast};
use super::screens;
use super::screens::place::ScreenPlace;
use crate::collect::pipeline_page::{NextPage, PageStart, PipelinePageAnswer, PipelinePageRequest};
use crate::domain::fact::PipelineFact;
use crate::domain::id::ProjectId;
use crate::domain::past::{HubPast, PastAnswer, PastRest, ProjectPast};
use crate::domain::project::ProjectRow;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

/// Asks what is remembered of a project that opens.
pub(super) fn look_back(app: &mut App, project: ProjectId, now: Instant) -> Option<ViewEffect> {
    let of = Arc::clone(&app.facts.row(project)?.project);
    // What is known stays in view until there is better.
    if !matches!(app.told_pasts.get(&project), Some(ToldPast::Own | ToldPast::Told { .. })) {
        app.told_pasts.insert(project, ToldPast::Asked { since: now });
    }
    Some(ViewEffect::LookBack(of))
}

/// Takes what is remembered of a project, here or by a hub.
pub(super) fn take_remembered(app: &mut App, answer: PastAnswer, now: Instant) -> Option<ViewEffect> {
    match answer {
        PastAnswer::Own(past) => take_own(app, past, now),
        PastAnswer::OfHub(project, Ok(told)) => {
            take_told(app, project, told, now);
            None
        }
        PastAnswer::OfHub(project, Err(lack)) => {
            app.told_pasts.insert(project, ToldPast::Lacks(lack));
            None
        }
    }
}

/// A hub tells how its list goes on; GitLab is not asked.
fn take_told(app: &mut App, project: ProjectId, HubPast { past, rest, age }: HubPast, now: Instant) {
    app.told_pasts.insert(project, ToldPast::Told { at: now, age });
    app.flaky.insert(project, past.flaky);
    merge(app, project, past.pipelines);
    app.read_pipelines.entry(project).or_insert_with(|| ReadPipelines {
        next: match rest {
            PastRest::Before(last) => NextPage::Begins(PageStart::Before(last)),
            PastRest::Nothing => NextPage::NotRemembered,
        },
        ..ReadPipelines::default()
    });
}

/// Where the own memory knows no more than what is shown, GitLab is asked.
fn take_own(app: &mut App, past: ProjectPast, now: Instant) -> Option<ViewEffect> {
    let ProjectPast { project, pipelines, flaky } = past;
    app.told_pasts.insert(project, ToldPast::Own);
    app.flaky.insert(project, flaky);
    let shown = app.facts.row(project).map(ProjectRow::pipelines).unwrap_or_default();
    let is_nothing = pipelines.iter().all(|fact| shown.iter().any(|pipeline| pipeline.id == fact.id));
    merge(app, project, pipelines);
    let is_shown = app.opened.last().is_some_and(|screen| screen.place == ScreenPlace::Project(project));
    let is_untouched = !app.read_pipelines.contains_key(&project);
    if is_nothing && is_shown && is_untouched { ask(app, project, now) } else { None }
}

/// Asks for more where the cursor is on the last pipeline of a project.
pub(super) fn ask_at_the_end(app: &mut App, now: Instant) -> Option<ViewEffect> {
    let screen = app.opened.last()?;
    let ScreenPlace::Project(project) = screen.place else { return None };
    let lines = screens::lines(app, screen);
    let last = lines.targets().map(|(index, _)| index).next_back();
    (screen.cursor_index(&lines) == last).then(|| ask(app, project, now)).flatten()
}

fn ask(app: &mut App, project: ProjectId, now: Instant) -> Option<ViewEffect> {
    let row = app.facts.row(project)?;
    let (of, shown) = (Arc::clone(&row.project), row.pipelines().iter().map(|pipeline| pipeline.id));
    let known = app.recent.get(&project).into_iter().flatten().map(|fact| fact.id).chain(shown).collect();
    // A hub that does not tell what it remembers has no older ones, either.
    if matches!(app.told_pasts.get(&project), Some(ToldPast::Lacks(_))) {
        return None;
    }
    let read = app.read_pipelines.entry(project).or_default();
    if read.asked_since.is_some() {
        return None;
    }
    let NextPage::Begins(start) = read.next.clone() else { return None };
    (read.asked_since, read.failure) = (Some(now), None);
    Some(ViewEffect::ReadPipelines(Box::new(PipelinePageRequest { project: of, start, known })))
}

pub(super) fn take(app: &mut App, answer: PipelinePageAnswer) {
    let project = answer.project.id;
    let read = app.read_pipelines.entry(project).or_default();
    read.asked_since = None;
    match answer.outcome {
        Ok(page) => {
            read.next = page.next;
            merge(app, project, page.pipelines);
        }
        Err(failure) => read.failure = Some(failure),
    }
}

fn merge(app: &mut App, project: ProjectId, pipelines: Vec<PipelineFact>) {
    let known = app.recent.remove(&project).unwrap_or_default();
    let mut merged = BTreeMap::new();
    for fact in known.into_iter().chain(pipelines) {
        let fact = match merged.remove(&fact.id) {
            Some(known) => fact.merge(known),
            None => fact,
        };
        merged.insert(fact.id, fact);
    }
    app.recent.insert(project, merged.into_values().rev().collect());
}
