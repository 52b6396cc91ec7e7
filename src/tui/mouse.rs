//! What the mouse asks for, once it is ours: the wheel scrolls, a click chooses, a second one opens, a title sorts.

use super::app::App;
use super::banner;
use super::keymap::KeyAction;
use super::screens;
use crate::domain::health::RowOrder;
use crate::text::fit::GUTTER;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// Lines that a step of the wheel moves.
const STEP: usize = 3;

/// Returns the actions that the mouse asks for here.
pub(super) fn actions(app: &mut App, event: &MouseEvent) -> Vec<KeyAction> {
    if app.modal.is_some() || app.input.is_some() {
        return Vec::new();
    }
    match event.kind {
        MouseEventKind::ScrollUp => vec![KeyAction::Up; STEP],
        MouseEventKind::ScrollDown => vec![KeyAction::Down; STEP],
        MouseEventKind::Down(MouseButton::Left) => click(app, event.column, event.row),
        MouseEventKind::Down(MouseButton::Right) => vec![KeyAction::Back],
        _ => Vec::new(),
    }
}

fn click(app: &mut App, column: u16, row: u16) -> Vec<KeyAction> {
    let top = 1 + banner::head(app).len();
    let (body, room) = (app.body_height(), app.table_room());
    let Some(line) = usize::from(row).checked_sub(top).filter(|line| *line < body) else { return Vec::new() };
    if let Some(mut screen) = app.opened.pop() {
        let lines = screens::lines(app, &screen);
        let is_chosen = screen.cursor_index(&lines) == Some(screen.offset + line);
        screen.put_cursor(screen.offset + line, &lines);
        let of_log = (screen.offset + line).checked_sub(lines.before_log());
        let has_section = screen.log.as_mut().zip(of_log).is_some_and(|(log, at)| log.choose_section(at, &app.facts));
        app.opened.push(screen);
        return match (is_chosen, has_section) {
            (_, true) => vec![KeyAction::ToggleFold],
            (true, false) => vec![KeyAction::Enter],
            (false, false) => Vec::new(),
        };
    }
    if column >= app.table_width() {
        return Vec::new();
    }
    let Some(below_titles) = line.checked_sub(1) else { return title(app, usize::from(column)) };
    let index = app.overview.offset + below_titles;
    if app.overview.cursor_index() == Some(index) {
        return vec![KeyAction::Enter];
    }
    if index < app.overview.lines.len() {
        app.overview.move_to(index, room);
    }
    Vec::new()
}

/// Sorts by the column whose title was clicked; by the other end of it, where it is sorted so already.
fn title(app: &mut App, column: usize) -> Vec<KeyAction> {
    let mut start = usize::from(app.overview.indent());
    let clicked = app.overview.measures.header.iter().find(|cell| {
        let range = start..start + cell.width + GUTTER;
        start = range.end;
        range.contains(&column)
    });
    let name: String = clicked.iter().flat_map(|cell| &cell.spans).map(|span| span.text.trim()).collect();
    let order = match name.as_str() {
        "project" => RowOrder::Name,
        "state" | "pipeline" => RowOrder::Status,
        "took" | "duration" => RowOrder::Duration,
        "since" | "age" => RowOrder::Age,
        "what" => RowOrder::Attention,
        _ => return Vec::new(),
    };
    if app.overview.order == order {
        return vec![KeyAction::Reverse];
    }
    app.overview.order = order;
    app.arrange();
    Vec::new()
}
