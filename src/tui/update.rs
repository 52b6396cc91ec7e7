//! What an event does to the view: pure, so that every key can be tried without a terminal.

use super::app::{App, Modal};
use super::keymap::{self, KeyAction};
use crate::collect::watch::{ChangeNews, WatchUpdate};
use crate::domain::health::RowOrder;
use crate::domain::past::KnownPast;
use crossterm::event::{KeyEvent, KeyEventKind};
use std::sync::Arc;
use tokio::time::Instant;

/// Everything that can happen to the view.
#[derive(Debug)]
pub enum ViewEvent {
    Key(KeyEvent),
    Resize(u16, u16),
    Update(Box<WatchUpdate>),
    Changes(ChangeNews),
    /// What the memory adds to the last reading.
    Past(Arc<KnownPast>),
    Tick,
}

/// What the view asks of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewEffect {
    Quit,
    Interrupt,
    Suspend,
    Refresh,
    /// A URL on the host's own origin.
    Open(String),
}

/// Changes the state, and says what is to be done besides.
pub fn update(app: &mut App, event: ViewEvent, now: Instant) -> Vec<ViewEffect> {
    app.expire_alerts(now);
    let effects = apply(app, event, now);
    // What is said above the table may take more lines by now, or fewer.
    app.keep_in_view();
    effects
}

fn apply(app: &mut App, event: ViewEvent, now: Instant) -> Vec<ViewEffect> {
    match event {
        ViewEvent::Key(key) if key.kind != KeyEventKind::Release => press(app, &key),
        ViewEvent::Key(_) | ViewEvent::Tick => Vec::new(),
        ViewEvent::Resize(width, height) => {
            (app.width, app.height) = (width, height);
            app.arrange();
            Vec::new()
        }
        ViewEvent::Changes(news) => {
            app.apply_changes(&news, now);
            Vec::new()
        }
        ViewEvent::Past(past) => {
            if app.past != past {
                app.past = past;
                app.arrange();
            }
            Vec::new()
        }
        ViewEvent::Update(update) => {
            app.apply_update(*update, now);
            Vec::new()
        }
    }
}

fn press(app: &mut App, key: &KeyEvent) -> Vec<ViewEffect> {
    (app.notice, app.page_address) = (None, None);
    let Some(action) = keymap::action(key) else { return Vec::new() };
    match (action, app.modal) {
        (KeyAction::Quit, Some(Modal::Help)) | (KeyAction::Back | KeyAction::Help, Some(Modal::Help)) => {
            app.modal = None
        }
        (KeyAction::Quit, None) => return vec![ViewEffect::Quit],
        (KeyAction::Interrupt, _) => return vec![ViewEffect::Interrupt],
        (KeyAction::Suspend, _) => return vec![ViewEffect::Suspend],
        (KeyAction::Refresh, _) => return vec![ViewEffect::Refresh],
        (KeyAction::Help, None) => app.modal = Some(Modal::Help),
        (KeyAction::Open, None) => return open(app),
        (KeyAction::ToggleAttention, None) => {
            app.attention_only = !app.attention_only;
            app.arrange();
        }
        (KeyAction::NextSort, None) => next_sort(app),
        (KeyAction::Back, None) => {
            app.cursor = None;
            app.offset = 0;
        }
        (
            KeyAction::Up
            | KeyAction::Down
            | KeyAction::PageUp
            | KeyAction::PageDown
            | KeyAction::Top
            | KeyAction::Bottom,
            None,
        ) => {
            go(app, action);
        }
        (_, Some(Modal::Help)) => {}
    }
    Vec::new()
}

fn go(app: &mut App, action: KeyAction) {
    let page = app.page();
    let at = app.cursor_index();
    let target = match (action, at) {
        (KeyAction::Top, _) => 0,
        (KeyAction::Bottom, _) => usize::MAX,
        (KeyAction::Up, Some(at)) => at.saturating_sub(1),
        (KeyAction::Down, Some(at)) => at + 1,
        (KeyAction::PageUp, Some(at)) => at.saturating_sub(page),
        (KeyAction::PageDown, Some(at)) => at + page,
        (KeyAction::PageDown, None) => page,
        // The first key only shows where the cursor is.
        (_, None) => app.offset,
        (_, Some(at)) => at,
    };
    app.move_to(target);
}

fn next_sort(app: &mut App) {
    let at = RowOrder::ALL.iter().position(|(_, sort)| *sort == app.sort).unwrap_or(0);
    let (word, sort) = RowOrder::ALL[(at + 1) % RowOrder::ALL.len()];
    app.sort = sort;
    app.notice = Some(format!("sorted by {word}"));
    app.arrange();
}

fn open(app: &mut App) -> Vec<ViewEffect> {
    let row = app.cursor_index().and_then(|index| app.rows.get(index));
    let Some(row) = row else {
        app.notice = Some("move the cursor to a row first".into());
        return Vec::new();
    };
    let host = &app.options.host;
    // A link is whatever the server says: only the host's own pages are opened.
    match &row.web_url {
        Some(url) if url.starts_with(&format!("{host}/")) => vec![ViewEffect::Open(url.clone())],
        Some(_) => {
            app.notice = Some("not opened: the link leads to another host".into());
            Vec::new()
        }
        None => {
            app.notice = Some("this row has no page to open".into());
            Vec::new()
        }
    }
}
