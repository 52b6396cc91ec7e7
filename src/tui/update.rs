//! What an event does to the view: pure, so that every key can be tried without a terminal.

use super::acting;
use super::app::{App, InputPurpose, Modal};
use super::effect::{ViewEffect, ViewEvent};
use super::facts::UpdateNews;
use super::filter::{self, QuickFilter, RowFilter};
use super::input::{InputLine, InputStep};
use super::keymap::KeyAction;
use super::links;
use super::log_moves;
use super::log_orders;
use super::more_pipelines;
use super::mouse;
use super::named_view::NamedView;
use super::navigate;
use super::needs;
use super::older;
use super::pending::ActionQuestion;
use super::screens;
use super::screens::place::ScreenPlace;
use crate::act::Action;
use crate::act::rights::TokenRights;
use crate::collect::log_service::LogMessage;
use crate::domain::health::RowOrder;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};
use tokio::time::Instant;

/// Changes the state, and returns what the world has to do.
pub fn update(app: &mut App, event: ViewEvent, now: Instant) -> Vec<ViewEffect> {
    app.expire_alerts(now);
    let pointed = app.pointed();
    let had_pane = app.pane_width();
    let mut effects = apply(app, event, now);
    if app.pointed() != pointed {
        app.rests_since = now;
    }
    if app.pane_width() != had_pane {
        app.arrange();
    }
    // What is said above the table may take more lines by now, or fewer.
    keep_in_view(app);
    effects.extend(navigate::ask_beside(app, now));
    effects.extend(needs::ask_at_rest(app, now));
    effects
}

fn apply(app: &mut App, event: ViewEvent, now: Instant) -> Vec<ViewEffect> {
    match event {
        ViewEvent::Key(key) if key.kind != KeyEventKind::Release => return press(app, &key, now),
        ViewEvent::Mouse(event) => {
            if !matches!(event.kind, MouseEventKind::Moved | MouseEventKind::Up(_)) {
                (app.notice, app.page_address) = (None, None);
            }
            let actions = mouse::actions(app, &event);
            return actions.into_iter().flat_map(|action| act(app, action, now)).collect();
        }
        ViewEvent::Rights(rights) => take_rights(app, rights),
        ViewEvent::Older(answer) => older::take(app, *answer),
        ViewEvent::Needs(answer) => needs::take(app, *answer),
        ViewEvent::Act(action) => {
            (app.notice, app.page_address) = (None, None);
            return act(app, action, now);
        }
        ViewEvent::Key(_) | ViewEvent::Tick => {}
        ViewEvent::Resize(width, height) => {
            (app.facts.width, app.facts.height) = (width, height);
            app.arrange();
        }
        ViewEvent::Changes(news) => {
            return app.apply_changes(&news, now).map(ViewEffect::Announce).into_iter().collect();
        }
        ViewEvent::Notice(text) => app.notice = Some(text),
        ViewEvent::Past(past) => {
            if app.facts.past != past {
                app.facts.past = past;
                app.arrange();
            }
        }
        ViewEvent::Update(update) => {
            let is_read_again = app.apply_update(*update, now) != UpdateNews::Nothing && app.facts.update.is_whole;
            return is_read_again.then(|| older::ask_again(app, now)).flatten().into_iter().collect();
        }
        ViewEvent::Answer(answer) => app.apply_answer(answer),
        ViewEvent::ActionDone(outcome) => {
            acting::note_outcome(app, &outcome);
            let (project, pipeline) = (outcome.planned.target.project, outcome.planned.target.pipeline);
            let again = older::ask_after_action(app, project, pipeline, now);
            return std::iter::once(ViewEffect::Reread(project)).chain(again).collect();
        }
        ViewEvent::Recent(past) => {
            return more_pipelines::take_remembered(app, *past, now).into_iter().collect();
        }
        ViewEvent::Pipelines(answer) => more_pipelines::take(app, *answer),
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
        screen.offset = lines.count().saturating_sub(room);
    }
    screen.keep_in_view(&lines, room);
    app.opened.push(screen);
}

fn take_log(app: &mut App, message: LogMessage) {
    // Its screen may be below another one by now: a piece that is lost would be missing in its midst.
    let mut logs = app.opened.iter_mut().filter_map(|screen| screen.log.as_mut());
    if let Some(log) = logs.find(|log| log.number == message.request) {
        log.take(message.news);
    }
}

fn press(app: &mut App, key: &KeyEvent, now: Instant) -> Vec<ViewEffect> {
    (app.notice, app.page_address, app.waiting_question) = (None, None, None);
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL;
    if !is_interrupt {
        match app.modal.take() {
            Some(Modal::Confirm(question)) => return answer(app, key, question),
            Some(Modal::Help { offset }) => return help(app, key, offset),
            Some(Modal::Copy) => return links::copy(app, key),
            Some(Modal::Views) => {
                choose_view(app, key);
                return Vec::new();
            }
            None => {}
        }
        let is_suspend = app.facts.options.keys.action(app.kind(), key) == Some(KeyAction::Suspend);
        if !is_suspend && let Some((purpose, line)) = app.input.take() {
            return typed(app, key, purpose, line);
        }
    }
    match app.facts.options.keys.action(app.kind(), key) {
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
    let offset = match app.facts.options.keys.action(app.kind(), key) {
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

fn typed(app: &mut App, key: &KeyEvent, purpose: InputPurpose, mut line: InputLine) -> Vec<ViewEffect> {
    let step = line.press(key);
    match (purpose, step) {
        (InputPurpose::Filter, InputStep::Accepted) => {
            app.last_filter = line.text().trim().to_owned();
            // What is no filter is said, and can be corrected.
            match RowFilter::parse(line.text()) {
                Ok(_) => return Vec::new(),
                Err(error) => app.notice = Some(error.to_string()),
            }
        }
        (InputPurpose::Filter, InputStep::Given) => {
            app.overview.filter = RowFilter::default();
            app.arrange();
            return Vec::new();
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
                log_moves::go_to_match(app, false);
            }
            return Vec::new();
        }
        (InputPurpose::Pipe | InputPurpose::Save, InputStep::Given) => return Vec::new(),
        (InputPurpose::Pipe | InputPurpose::Save, InputStep::Accepted) => {
            return log_orders::order(app, purpose, line.text());
        }
        (InputPurpose::Search | InputPurpose::Pipe | InputPurpose::Save, _) => {}
    }
    if purpose == InputPurpose::Filter
        && let Ok(filter) = RowFilter::parse(line.text())
        && filter != app.overview.filter
    {
        app.overview.filter = filter;
        app.arrange();
    }
    app.input = Some((purpose, line));
    Vec::new()
}

fn act(app: &mut App, action: KeyAction, now: Instant) -> Vec<ViewEffect> {
    match action {
        KeyAction::Quit if app.opened.is_empty() => return vec![ViewEffect::Quit],
        KeyAction::QuitAll => return vec![ViewEffect::Quit],
        KeyAction::Interrupt => return vec![ViewEffect::Interrupt],
        KeyAction::Suspend => return vec![ViewEffect::Suspend],
        KeyAction::Refresh => return std::iter::once(ViewEffect::Refresh).chain(older::ask_now(app, now)).collect(),
        KeyAction::Open => return links::open_page(app),
        KeyAction::Quit | KeyAction::Back => return navigate::go_back(app),
        KeyAction::Enter => return navigate::enter(app, now),
        KeyAction::Log => return navigate::enter_log(app, now),
        KeyAction::Failures => return navigate::go_to(app, ScreenPlace::Failures, now),
        KeyAction::Active => return navigate::go_to(app, ScreenPlace::Active, now),
        KeyAction::Events => return navigate::go_to(app, ScreenPlace::Events, now),
        KeyAction::Problems => return navigate::go_to(app, ScreenPlace::Problems, now),
        KeyAction::Retry => return ask(app, Action::Retry),
        KeyAction::Cancel => return ask(app, Action::Cancel),
        KeyAction::Play => return ask(app, Action::Play),
        KeyAction::Times | KeyAction::Pipe | KeyAction::Save => log_orders::begin(app, action),
        KeyAction::Mouse => {
            app.has_mouse = !app.has_mouse;
            let words =
                if app.has_mouse { "the mouse works here; M gives it back" } else { "the mouse selects text again" };
            app.notice = Some(words.into());
            return vec![ViewEffect::Mouse(app.has_mouse)];
        }
        KeyAction::Views => open_views(app),
        KeyAction::Branches => next_branch(app),
        KeyAction::Copy => app.modal = Some(Modal::Copy),
        KeyAction::Help => app.modal = Some(Modal::Help { offset: 0 }),
        KeyAction::Filter => begin_input(app),
        KeyAction::Freeze => app.toggle_frozen(now),
        KeyAction::Follow | KeyAction::FoldSections | KeyAction::Wrap => log_moves::change(app, action),
        KeyAction::EarlierAttempt => return navigate::other_attempt(app, false, now),
        KeyAction::LaterAttempt => return navigate::other_attempt(app, true, now),
        KeyAction::NextMatch => log_moves::go_to_match(app, false),
        KeyAction::PreviousMatch => log_moves::go_to_match(app, true),
        KeyAction::NextSection => log_moves::go_to_section(app, false),
        KeyAction::PreviousSection => log_moves::go_to_section(app, true),
        KeyAction::ToggleFold if !app.opened.is_empty() => log_moves::toggle_section(app),
        KeyAction::Up
        | KeyAction::Down
        | KeyAction::PageUp
        | KeyAction::PageDown
        | KeyAction::Top
        | KeyAction::Bottom => {
            go(app, action);
            let is_down = matches!(action, KeyAction::Down | KeyAction::PageDown | KeyAction::Bottom);
            return if is_down { more_pipelines::ask_at_the_end(app, now).into_iter().collect() } else { Vec::new() };
        }
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
        let far = isize::try_from(lines.count()).unwrap_or(isize::MAX);
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
        InputPurpose::Search | InputPurpose::Pipe | InputPurpose::Save => String::new(),
    };
    app.input = Some((purpose, InputLine::new(&text)));
}

/// Asks the user, once it is known that the token may do it: a question that leads to a refusal is a waste of time.
fn ask(app: &mut App, action: Action) -> Vec<ViewEffect> {
    match (acting::ask(app, action), &app.rights) {
        (Err(why), _) => app.notice = Some(why),
        (Ok(_), TokenRights::Lacks(why)) => app.notice = Some(acting::lacking(action, why)),
        (Ok(question), TokenRights::May) => app.modal = Some(Modal::Confirm(question)),
        (Ok(question), TokenRights::Unknown) => {
            app.notice = Some("asking GitLab what the token may do".into());
            app.waiting_question = Some((action, question));
            return vec![ViewEffect::CheckToken];
        }
    }
    Vec::new()
}

/// Takes what the token may, and asks the question that waits for it. Where GitLab does not say, the action itself does.
fn take_rights(app: &mut App, rights: TokenRights) {
    let question = app.waiting_question.take();
    match (&rights, question) {
        (TokenRights::Lacks(why), Some((action, _))) => app.notice = Some(acting::lacking(action, why)),
        (_, Some((_, question))) if app.modal.is_none() && app.input.is_none() => {
            app.notice = None;
            app.modal = Some(Modal::Confirm(question));
        }
        _ => {}
    }
    app.rights = rights;
}

/// Lists the pipelines of the next ref only; after the last one those of all.
fn next_branch(app: &mut App) {
    let Some(ScreenPlace::Project(project)) = app.opened.last().map(|screen| screen.place) else { return };
    let refs = screens::project::refs(app, project);
    let Some(screen) = app.opened.last_mut() else { return };
    let at = screen.git_ref.as_ref().and_then(|shown| refs.iter().position(|known| known == shown));
    screen.git_ref = refs.get(at.map_or(0, |at| at + 1)).cloned();
    screen.offset = 0;
}

fn open_views(app: &mut App) {
    match &app.facts.options.views[..] {
        [] => app.notice = Some("there are no views: a section [views.NAME] of the configuration is one".into()),
        [only] => {
            let only = only.clone();
            show_view(app, &only);
        }
        _ => app.modal = Some(Modal::Views),
    }
}

fn choose_view(app: &mut App, key: &KeyEvent) {
    let KeyCode::Char(c) = key.code else { return };
    let chosen = c.to_digit(10).and_then(|n| (n as usize).checked_sub(1));
    if let Some(view) = chosen.and_then(|at| app.facts.options.views.get(at)).cloned() {
        show_view(app, &view);
    }
}

fn show_view(app: &mut App, view: &NamedView) {
    view.show(&mut app.overview);
    app.notice = Some(format!("view {}", view.name));
    app.arrange();
}
