//! Moving about in a log: its matches, its sections, and what of it is folded.

use super::app::App;
use super::keymap::KeyAction;
use super::screens;
use super::screens::stack::OpenedScreen;

/// Lines above a match that are in sight with it: what led to it.
const BEFORE_MATCH: usize = 2;

/// Changes how the log is shown.
pub(super) fn change(app: &mut App, action: KeyAction) {
    let Some(log) = app.opened.last_mut().and_then(|screen| screen.log.as_mut()) else { return };
    match action {
        KeyAction::Follow => log.is_following = !log.is_following,
        KeyAction::Wrap => log.is_wrapped = !log.is_wrapped,
        _ => log.toggle_all_sections(),
    }
}

/// Scrolls to the next line of the log that is an error, or that has what is searched for.
pub(super) fn go_to_match(app: &mut App, is_backwards: bool) {
    let Some(mut screen) = app.opened.pop() else { return };
    // The log is the end of the screen.
    let first = screens::lines(app, &screen).before_log();
    if let Some(log) = &mut screen.log {
        match log.other_match(is_backwards, &app.facts) {
            Some(at) => {
                log.is_following = false;
                screen.offset = (first + at).saturating_sub(BEFORE_MATCH);
            }
            None => app.notice = Some("no further one".into()),
        }
    }
    app.opened.push(screen);
}

/// Folds or unfolds the section that was gone to, else the first one in view.
pub(super) fn toggle_section(app: &mut App) {
    let Some(mut screen) = app.opened.pop() else { return };
    let (first, room) = (screens::lines(app, &screen).before_log(), app.body_height());
    let (top, seen) = seen(&screen, first, room);
    if let Some(log) = &mut screen.log {
        match log.toggle_section(top, seen, &app.facts) {
            Some(at) => {
                bring_into_view(&mut screen, first + at, room);
                screen.release_cursor();
            }
            None => app.notice = Some("no section of the log is in view".into()),
        }
    }
    app.opened.push(screen);
}

/// Goes to the header of the next section, or of the one before.
pub(super) fn go_to_section(app: &mut App, is_backwards: bool) {
    let Some(mut screen) = app.opened.pop() else { return };
    let (first, room) = (screens::lines(app, &screen).before_log(), app.body_height());
    let (top, _) = seen(&screen, first, room);
    if let Some(log) = &mut screen.log {
        match log.other_section(is_backwards, top, &app.facts) {
            Some(at) => {
                log.is_following = false;
                bring_into_view(&mut screen, first + at, room);
                screen.release_cursor();
            }
            None => app.notice = Some("there is no further section".into()),
        }
    }
    app.opened.push(screen);
}

/// Returns the first line of the log that is seen, and how many are seen.
fn seen(screen: &OpenedScreen, first: usize, room: usize) -> (usize, usize) {
    let above = first.saturating_sub(screen.offset);
    (screen.offset.saturating_sub(first), room.saturating_sub(above))
}

fn bring_into_view(screen: &mut OpenedScreen, at: usize, room: usize) {
    if !(screen.offset..screen.offset + room).contains(&at) {
        screen.offset = at;
    }
}
