//! What an event does to the view: pure, so that every key can be tried without a terminal.

use super::acting;
use super::app::{App, ExplanationState, InputPurpose, Modal};
use super::filter::{self, QuickFilter, RowFilter};
use super::input::{InputLine, InputStep};
use super::keymap::{self, KeyAction};
use super::links;
use super::log_view::LogView;
use super::pending::ActionQuestion;
use super::screens;
use super::screens::overview::pipeline_of;
use super::screens::place::ScreenPlace;
use super::screens::stack::OpenedScreen;
use crate::act::Action;
use crate::act::plan::PlannedAction;
use crate::act::service::ActionOutcome;
use crate::collect::evidence::{PreviousPipeline, Subject};
use crate::collect::explain_service::{ExplainAnswer, ExplainRequest};
use crate::collect::log_service::{LogMessage, LogRequest};
use crate::collect::watch::{ChangeNews, WatchUpdate};
use crate::domain::fact::PipelineFact;
use crate::domain::health::RowOrder;
use crate::domain::id::{JobId, PipelineId, ProjectId, ProjectRef};
use crate::domain::job::{Job, JobKind};
use crate::domain::past::KnownPast;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long the cursor rests on a row before what is beside it is asked for.
const REST: Duration = Duration::from_millis(300);

/// Everything that can happen to the view.
#[derive(Debug)]
pub enum ViewEvent {
    Key(KeyEvent),
    Resize(u16, u16),
    Update(Box<WatchUpdate>),
    Changes(ChangeNews),
    /// What the memory adds to the last reading.
    Past(Arc<KnownPast>),
    /// Why a pipeline is red.
    Answer(ExplainAnswer),
    /// What became of an action.
    ActionDone(Box<ActionOutcome>),
    Log(Vec<LogMessage>),
    /// The last pipelines of a project, from the memory.
    Recent(ProjectId, Vec<PipelineFact>),
    Tick,
}

/// What the view asks of the world.
#[derive(Debug, Clone)]
pub enum ViewEffect {
    Quit,
    Interrupt,
    Suspend,
    Refresh,
    Reread(ProjectId),
    /// A URL on the host's own origin.
    Open(String),
    /// Why a pipeline is red.
    Ask(Box<ExplainRequest>),
    Act(Box<PlannedAction>),
    /// Looks up the last pipelines of a project in the memory.
    LookBack(ProjectId),
    /// Puts a text on the clipboard, through the terminal.
    Copy(String),
    /// Follows this log, or none.
    Follow(Option<Box<LogRequest>>),
}

/// Changes the state, and says what is to be done besides.
pub fn update(app: &mut App, event: ViewEvent, now: Instant) -> Vec<ViewEffect> {
    app.expire_alerts(now);
    let cursor = app.overview.cursor.clone();
    let had_pane = app.pane_width();
    let mut effects = apply(app, event, now);
    if app.overview.cursor != cursor {
        app.rests_since = now;
    }
    if app.pane_width() != had_pane {
        app.arrange();
    }
    // What is said above the table may take more lines by now, or fewer.
    keep_in_view(app);
    effects.extend(ask_beside(app, now));
    effects
}

fn apply(app: &mut App, event: ViewEvent, now: Instant) -> Vec<ViewEffect> {
    match event {
        ViewEvent::Key(key) if key.kind != KeyEventKind::Release => return press(app, &key, now),
        ViewEvent::Key(_) | ViewEvent::Tick => {}
        ViewEvent::Resize(width, height) => {
            (app.facts.width, app.facts.height) = (width, height);
            app.arrange();
        }
        ViewEvent::Changes(news) => app.apply_changes(&news, now),
        ViewEvent::Past(past) => {
            if app.facts.past != past {
                app.facts.past = past;
                app.arrange();
            }
        }
        ViewEvent::Update(update) => app.apply_update(*update, now),
        ViewEvent::Answer(answer) => app.apply_answer(answer),
        ViewEvent::ActionDone(outcome) => {
            acting::note_outcome(app, &outcome);
            return vec![ViewEffect::Reread(outcome.planned.target.project)];
        }
        ViewEvent::Recent(project, pipelines) => drop(app.recent.insert(project, pipelines)),
        ViewEvent::Log(messages) => messages.into_iter().for_each(|message| take_log(app, message)),
    }
    Vec::new()
}

/// Scrolls so that the cursor of the screen on top is seen.
fn keep_in_view(app: &mut App) {
    // What is said above the body depends on the screen on top.
    let (table, body) = (app.table_room(), app.body_height());
    app.overview.keep_in_view(table);
    let Some(mut screen) = app.opened.pop() else { return };
    let (lines, room) = (screens::lines(app, &screen), body);
    if screen.log.as_ref().is_some_and(|log| log.is_following) && screen.has_no_cursor() {
        screen.offset = lines.len().saturating_sub(room);
    }
    screen.keep_in_view(&lines, room);
    app.opened.push(screen);
}

fn take_log(app: &mut App, message: LogMessage) {
    let screen =
        app.opened.last_mut().filter(|screen| matches!(screen.place, ScreenPlace::Job(.., job) if job == message.job));
    if let Some(log) = screen.and_then(|screen| screen.log.as_mut()) {
        log.take(message.news);
    }
}

fn press(app: &mut App, key: &KeyEvent, now: Instant) -> Vec<ViewEffect> {
    (app.notice, app.page_address) = (None, None);
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL;
    if !is_interrupt {
        match app.modal.take() {
            Some(Modal::Confirm(question)) => return answer(app, key, question),
            Some(Modal::Help { offset }) => return help(app, key, offset),
            Some(Modal::Copy) => return links::copy(app, key),
            None => {}
        }
        let is_suspend = keymap::action(app.kind(), key) == Some(KeyAction::Suspend);
        if !is_suspend && let Some((purpose, line)) = app.input.take() {
            typed(app, key, purpose, line);
            return Vec::new();
        }
    }
    match keymap::action(app.kind(), key) {
        Some(action) => act(app, action, now),
        None => Vec::new(),
    }
}

/// Only a `y` is a yes.
fn answer(app: &mut App, key: &KeyEvent, question: ActionQuestion) -> Vec<ViewEffect> {
    if !matches!(key.code, KeyCode::Char('y' | 'Y')) {
        app.notice = Some("nothing was done".into());
        return Vec::new();
    }
    acting::note_asked(app, &question.planned);
    app.overview.marked.clear();
    question.planned.into_iter().map(|planned| ViewEffect::Act(Box::new(planned))).collect()
}

fn help(app: &mut App, key: &KeyEvent, offset: usize) -> Vec<ViewEffect> {
    let page = app.body_height();
    let offset = match keymap::action(app.kind(), key) {
        Some(KeyAction::Down) => offset + 1,
        Some(KeyAction::Up) => offset.saturating_sub(1),
        Some(KeyAction::PageDown) => offset + page,
        Some(KeyAction::PageUp) => offset.saturating_sub(page),
        Some(KeyAction::Top) => 0,
        Some(KeyAction::Quit | KeyAction::Back | KeyAction::Help) => return Vec::new(),
        Some(KeyAction::QuitAll) => return vec![ViewEffect::Quit],
        Some(KeyAction::Suspend) => {
            app.modal = Some(Modal::Help { offset });
            return vec![ViewEffect::Suspend];
        }
        _ => offset,
    };
    app.modal = Some(Modal::Help { offset });
    Vec::new()
}

fn typed(app: &mut App, key: &KeyEvent, purpose: InputPurpose, mut line: InputLine) {
    let step = line.press(key);
    match (purpose, step) {
        (InputPurpose::Filter, InputStep::Accepted) => {
            app.last_filter = line.text().trim().to_owned();
            // What is no filter is said, and can be corrected.
            match RowFilter::parse(line.text()) {
                Ok(_) => return,
                Err(error) => app.notice = Some(error.to_string()),
            }
        }
        (InputPurpose::Filter, InputStep::Given) => {
            app.overview.filter = RowFilter::default();
            app.arrange();
            return;
        }
        (InputPurpose::Filter, InputStep::Complete) => {
            if let Some(text) = filter::completed(line.text(), app.facts.rows()) {
                line = InputLine::new(&text);
            }
        }
        (InputPurpose::Filter, InputStep::Recall) => line = InputLine::new(&app.last_filter),
        (InputPurpose::Filter, InputStep::Changed) => {}
        (InputPurpose::Search, InputStep::Given | InputStep::Accepted) => {
            let text = if step == InputStep::Accepted { line.text().to_lowercase() } else { String::new() };
            if let Some(log) = app.opened.last_mut().and_then(|screen| screen.log.as_mut()) {
                log.search = text;
            }
            if step == InputStep::Accepted {
                go_to_match(app, false);
            }
            return;
        }
        (InputPurpose::Search, _) => {}
    }
    if purpose == InputPurpose::Filter
        && let Ok(filter) = RowFilter::parse(line.text())
        && filter != app.overview.filter
    {
        app.overview.filter = filter;
        app.arrange();
    }
    app.input = Some((purpose, line));
}

fn act(app: &mut App, action: KeyAction, now: Instant) -> Vec<ViewEffect> {
    match action {
        KeyAction::Quit if app.opened.is_empty() => return vec![ViewEffect::Quit],
        KeyAction::QuitAll => return vec![ViewEffect::Quit],
        KeyAction::Interrupt => return vec![ViewEffect::Interrupt],
        KeyAction::Suspend => return vec![ViewEffect::Suspend],
        KeyAction::Refresh => return vec![ViewEffect::Refresh],
        KeyAction::Open => return links::open_page(app),
        KeyAction::Quit | KeyAction::Back => return go_back(app),
        KeyAction::Enter => return enter(app, now),
        KeyAction::Log => return enter_log(app, now),
        KeyAction::Failures => return go_to(app, ScreenPlace::Failures, now),
        KeyAction::Active => return go_to(app, ScreenPlace::Active, now),
        KeyAction::Events => return go_to(app, ScreenPlace::Events, now),
        KeyAction::Problems => return go_to(app, ScreenPlace::Problems, now),
        KeyAction::Retry => ask(app, Action::Retry),
        KeyAction::Cancel => ask(app, Action::Cancel),
        KeyAction::Play => ask(app, Action::Play),
        KeyAction::Copy => app.modal = Some(Modal::Copy),
        KeyAction::Help => app.modal = Some(Modal::Help { offset: 0 }),
        KeyAction::Filter => begin_input(app),
        KeyAction::Freeze => app.toggle_frozen(now),
        KeyAction::Follow | KeyAction::FoldSections | KeyAction::Wrap => change_log(app, action),
        KeyAction::EarlierAttempt => return other_attempt(app, false, now),
        KeyAction::LaterAttempt => return other_attempt(app, true, now),
        KeyAction::NextMatch => go_to_match(app, false),
        KeyAction::PreviousMatch => go_to_match(app, true),
        KeyAction::Up
        | KeyAction::Down
        | KeyAction::PageUp
        | KeyAction::PageDown
        | KeyAction::Top
        | KeyAction::Bottom => go(app, action),
        KeyAction::ToggleAttention
        | KeyAction::Quick(_)
        | KeyAction::NextSort
        | KeyAction::Reverse
        | KeyAction::NextRed
        | KeyAction::ToggleFold
        | KeyAction::FoldGreen
        | KeyAction::ToggleGroups
        | KeyAction::Mark
        | KeyAction::Mute => change_list(app, action),
    }
    Vec::new()
}

/// What is done to the list of the first screen.
fn change_list(app: &mut App, action: KeyAction) {
    let room = app.table_room();
    let list = &mut app.overview;
    let nothing = || Some("move the cursor to a row first".to_owned());
    match action {
        KeyAction::ToggleAttention => {
            list.quick = if list.quick == QuickFilter::Attention { QuickFilter::All } else { QuickFilter::Attention };
        }
        KeyAction::Quick(number) => {
            use QuickFilter::{All, Manual, Red, Running, Unread, Warning};
            let wanted = [Red, Running, Manual, Warning, Unread, All][usize::from(number - 1) % 6];
            list.quick = if list.quick == wanted { All } else { wanted };
        }
        KeyAction::NextSort => {
            let at = RowOrder::ALL.iter().position(|(_, order)| *order == list.order).unwrap_or(0);
            let (word, order) = RowOrder::ALL[(at + 1) % RowOrder::ALL.len()];
            list.order = order;
            app.notice = Some(format!("sorted by {word}"));
        }
        KeyAction::Reverse => list.is_reversed = !list.is_reversed,
        KeyAction::ToggleGroups => list.is_flat = !list.is_flat,
        KeyAction::FoldGreen => list.fold_green(),
        KeyAction::ToggleFold if list.toggle_fold() => {}
        KeyAction::ToggleFold => app.notice = Some("move the cursor to a group first".into()),
        KeyAction::NextRed => {
            if !list.move_to_next_red(room) {
                app.notice = Some("nothing that is shown has failed".into());
            }
        }
        KeyAction::Mark if list.toggle_marked(room) => {}
        KeyAction::Mute => {
            app.notice = match list.toggle_muted() {
                Some(true) => Some("muted until its next pipeline".into()),
                Some(false) => Some("no longer muted".into()),
                None => nothing(),
            };
        }
        _ => app.notice = nothing(),
    }
    app.arrange();
}

fn go(app: &mut App, action: KeyAction) {
    let (room, page) = (app.table_room(), app.body_height());
    if let Some(mut screen) = app.opened.pop() {
        let lines = screens::lines(app, &screen);
        let far = isize::try_from(lines.len()).unwrap_or(isize::MAX);
        let step = match action {
            KeyAction::Up => -1,
            KeyAction::Down => 1,
            KeyAction::PageUp => -isize::try_from(page).unwrap_or(1),
            KeyAction::PageDown => isize::try_from(page).unwrap_or(1),
            KeyAction::Top => -far,
            _ => far,
        };
        if let Some(log) = &mut screen.log {
            // Who looks back wants to read; the end of the log is followed again from there on.
            log.is_following = action == KeyAction::Bottom;
        }
        screen.move_by(step, &lines, page);
        app.opened.push(screen);
        return;
    }
    let at = app.overview.cursor_index();
    let target = match (action, at) {
        (KeyAction::Top, _) => 0,
        (KeyAction::Bottom, _) => usize::MAX,
        (KeyAction::Up, Some(at)) => at.saturating_sub(1),
        (KeyAction::Down, Some(at)) => at + 1,
        (KeyAction::PageUp, Some(at)) => at.saturating_sub(room),
        (KeyAction::PageDown, Some(at)) => at + room,
        (KeyAction::PageDown, None) => room,
        // The first key only shows where the cursor is.
        (_, None) => app.overview.offset,
        (_, Some(at)) => at,
    };
    app.overview.move_to(target, room);
}

fn begin_input(app: &mut App) {
    let purpose = if app.opened.is_empty() { InputPurpose::Filter } else { InputPurpose::Search };
    let text = match purpose {
        InputPurpose::Filter => app.overview.filter.text().to_owned(),
        InputPurpose::Search => String::new(),
    };
    app.input = Some((purpose, InputLine::new(&text)));
}

fn go_back(app: &mut App) -> Vec<ViewEffect> {
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
            let first = || lines.iter().find_map(|line| line.target);
            screen.target(&lines).or_else(first).ok_or("there is nothing to open here")
        }
        None => {
            let (_, project) = app.overview.cursor_row().ok_or("move the cursor to a row first")?;
            Ok(ScreenPlace::Project(project.project.id))
        }
    }
}

fn enter(app: &mut App, now: Instant) -> Vec<ViewEffect> {
    if app.opened.is_empty() && app.overview.cursor.is_some() && app.overview.cursor_row().is_none() {
        change_list(app, KeyAction::ToggleFold);
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
fn enter_log(app: &mut App, now: Instant) -> Vec<ViewEffect> {
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

fn telling_job(pipeline: &Pipeline) -> Option<&Job> {
    let first = |is_it: &dyn Fn(&Job) -> bool| pipeline.jobs().find(|job| job.kind == JobKind::Job && is_it(job));
    first(&|job| job.status == Status::Failed && !job.allow_failure)
        .or_else(|| first(&|job| job.status == Status::Running))
        .or_else(|| first(&|job| job.status == Status::Failed))
}

fn go_to(app: &mut App, place: ScreenPlace, now: Instant) -> Vec<ViewEffect> {
    // One of the lists is left for another one; what was opened on the way stays.
    let is_there = app.opened.last().is_some_and(|screen| screen.place == place);
    if is_there {
        return Vec::new();
    }
    let mut screen = OpenedScreen::new(place);
    if let Some(telling) = telling_line(app, place) {
        screen.point_at(telling);
    }
    let mut effects = Vec::new();
    if let ScreenPlace::Job(project, pipeline, job) = place {
        effects.extend(explain_effect(app, project, pipeline, now));
        if let Some(request) = log_request(app, project, pipeline, job) {
            screen.log = Some(LogView::new(request.job.status.is_active()));
            effects.push(ViewEffect::Follow(Some(Box::new(request))));
        }
    }
    if let ScreenPlace::Project(project) = place {
        effects.push(ViewEffect::LookBack(project));
    }
    app.opened.push(screen);
    effects
}

/// Returns where the cursor of a new screen begins: at what tells the most.
fn telling_line(app: &App, place: ScreenPlace) -> Option<ScreenPlace> {
    match place {
        ScreenPlace::Project(project) => {
            let shown = app.overview.cursor_row().filter(|(_, row)| row.project.id == project);
            let pipeline = shown.and_then(|(row, _)| row.pipeline);
            pipeline.map(|pipeline| ScreenPlace::Pipeline(project, pipeline))
        }
        ScreenPlace::Pipeline(project, pipeline) => {
            let (_, shown) = app.facts.pipeline(project, pipeline)?;
            let job =
                shown.jobs().find(|job| job.status == Status::Failed && !job.allow_failure).or(telling_job(shown))?;
            Some(ScreenPlace::Job(project, pipeline, job.id))
        }
        _ => None,
    }
}

/// Shows the attempt at the job before the one that is shown, or after it, in its place.
fn other_attempt(app: &mut App, is_later: bool, now: Instant) -> Vec<ViewEffect> {
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
    app.opened.pop();
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

fn log_request(app: &App, project: ProjectId, pipeline: PipelineId, id: JobId) -> Option<LogRequest> {
    let (_, shown) = app.facts.pipeline(project, pipeline)?;
    let job = shown.jobs().flat_map(|job| std::iter::once(job).chain(&job.earlier)).find(|job| job.id == id)?;
    (job.kind == JobKind::Job).then(|| LogRequest { project: ProjectRef::Id(project), pipeline, job: job.clone() })
}

/// Asks why a pipeline is red, unless that is known or nothing has failed.
fn explain_effect(app: &mut App, project: ProjectId, pipeline: PipelineId, now: Instant) -> Option<ViewEffect> {
    let (row, shown) = app.facts.pipeline(project, pipeline)?;
    let is_red = shown.worst() == Status::Failed || shown.has_warnings;
    let is_known = match app.explanations.get(&pipeline) {
        Some(ExplanationState::Asked { .. } | ExplanationState::Answered(_)) => true,
        Some(ExplanationState::Failed(_)) | None => false,
    };
    if !is_red || is_known {
        return None;
    }
    let request = explain_request(row, shown);
    app.explanations.insert(pipeline, ExplanationState::Asked { since: now });
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
fn ask_beside(app: &mut App, now: Instant) -> Option<ViewEffect> {
    let is_asking = app.explanations.values().any(|state| matches!(state, ExplanationState::Asked { .. }));
    if app.pane_width() == 0 || is_asking || now.saturating_duration_since(app.rests_since) < REST {
        return None;
    }
    let (row, project) = app.overview.cursor_row()?;
    let (project_id, pipeline) = (project.project.id, pipeline_of(project, row)?.id);
    // What could not be answered is not asked again and again.
    if app.explanations.contains_key(&pipeline) {
        return None;
    }
    explain_effect(app, project_id, pipeline, now)
}

fn ask(app: &mut App, action: Action) {
    match acting::ask(app, action) {
        Ok(question) => app.modal = Some(Modal::Confirm(question)),
        Err(why) => app.notice = Some(why),
    }
}

fn change_log(app: &mut App, action: KeyAction) {
    let Some(log) = app.opened.last_mut().and_then(|screen| screen.log.as_mut()) else { return };
    match action {
        KeyAction::Follow => log.is_following = !log.is_following,
        KeyAction::Wrap => log.is_wrapped = !log.is_wrapped,
        _ => log.toggle_all_sections(),
    }
}

/// Scrolls to the next line of the log that is an error, or that has what is searched for.
fn go_to_match(app: &mut App, is_backwards: bool) {
    let Some(mut screen) = app.opened.pop() else { return };
    let total = screens::lines(app, &screen).len();
    if let Some(log) = &mut screen.log {
        // The log is the end of the screen, so its first line is this far down.
        let first = total.saturating_sub(log.shown_lines());
        let at = screen.match_line.filter(|line| *line >= first).map_or(0, |line| line - first);
        let from = if screen.match_line.is_none() && !is_backwards { None } else { Some(at) };
        match log.next_match(from, is_backwards) {
            Some(found) => {
                log.is_following = false;
                screen.match_line = Some(first + found);
                screen.offset = (first + found).saturating_sub(2);
            }
            None => app.notice = Some("no further one".into()),
        }
    }
    app.opened.push(screen);
}
