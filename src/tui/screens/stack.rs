//! A screen above the first one: where its cursor is, and how far its lines are scrolled.

use super::line::ScreenLines;
use super::place::ScreenPlace;
use crate::tui::log_view::LogView;

/// A screen that was opened above another one; it goes back to exactly where it was.
#[derive(Debug)]
pub struct OpenedScreen {
    pub place: ScreenPlace,
    /// The number of the line under the cursor, and where that led.
    cursor: Option<(usize, Option<ScreenPlace>)>,
    /// The first line that is shown.
    pub offset: usize,
    /// The log that is read; job screens only.
    pub log: Option<LogView>,
    /// The only ref whose pipelines are listed; project screens only.
    pub git_ref: Option<String>,
}

impl OpenedScreen {
    pub fn new(place: ScreenPlace) -> Self {
        Self { place, cursor: None, offset: 0, log: None, git_ref: None }
    }

    /// Puts the cursor on the line that leads there, wherever it is.
    pub fn point_at(&mut self, target: ScreenPlace) {
        self.cursor = Some((0, Some(target)));
    }

    /// Puts the cursor on a line, where that leads somewhere.
    pub fn put_cursor(&mut self, at: usize, lines: &ScreenLines) {
        if let Some(target) = lines.target(at) {
            self.cursor = Some((at, Some(target)));
        }
    }

    /// Lets the cursor go: something else on the screen is chosen.
    pub fn release_cursor(&mut self) {
        self.cursor = None;
    }

    pub fn has_no_cursor(&self) -> bool {
        self.cursor.is_none()
    }

    /// Returns where the line led that the cursor was put on, whatever has become of that since.
    pub fn chosen(&self) -> Option<ScreenPlace> {
        self.cursor?.1
    }

    /// Returns the line under the cursor: the one that leads where it led, else the one at its place.
    pub fn cursor_index(&self, lines: &ScreenLines) -> Option<usize> {
        let (at, target) = self.cursor?;
        let is_there = at < lines.count() && lines.target(at) == target;
        let found = is_there.then_some(at).or_else(|| {
            let same = lines.targets().filter(|(_, other)| Some(*other) == target).map(|(index, _)| index);
            same.min_by_key(|index| index.abs_diff(at))
        });
        found.or_else(|| lines.count().checked_sub(1).map(|last| at.min(last)))
    }

    /// Moves the cursor to the next line that leads somewhere, or scrolls where that is not near: no line is passed over
    /// unseen. A log is read, not chosen from.
    pub fn move_by(&mut self, step: isize, lines: &ScreenLines, room: usize) {
        let last = lines.count().saturating_sub(1);
        let wanted = match self.cursor_index(lines) {
            Some(at) => at.saturating_add_signed(step).min(last),
            None if step.abs() > 1 => self.offset.saturating_add_signed(step).min(last),
            None => self.offset.min(last),
        };
        let below = lines.targets().map(|(index, _)| index).find(|index| *index >= wanted);
        let above = lines.targets().map(|(index, _)| index).rev().find(|index| *index <= wanted);
        // At an end the last one that leads somewhere will do, if the end is seen with it.
        let found = match step < 0 {
            true => above.or(below.filter(|index| *index < room)),
            false => below.or(above.filter(|index| index + room > last)),
        };
        let reach = self.offset.saturating_sub(step.unsigned_abs())..self.offset + room + step.unsigned_abs();
        match found.filter(|index| self.log.is_none() && reach.contains(index)) {
            Some(index) => {
                self.cursor = Some((index, lines.target(index)));
                // Above the first line that leads somewhere, what introduces it is shown, too.
                if step < 0 && index < room && lines.targets().all(|(other, _)| other >= index) {
                    self.offset = 0;
                }
            }
            None => {
                let most = lines.count().saturating_sub(room);
                self.offset = self.offset.saturating_add_signed(step).min(most);
                let seen = self.offset..self.offset + room;
                self.cursor = self.cursor.filter(|_| self.cursor_index(lines).is_some_and(|at| seen.contains(&at)));
            }
        }
        self.keep_in_view(lines, room);
    }

    /// Scrolls as little as needed for the cursor to be seen and the screen to be full.
    pub fn keep_in_view(&mut self, lines: &ScreenLines, room: usize) {
        if let Some(index) = self.cursor_index(lines) {
            // Where the line is now: should it go, the cursor stays there.
            self.cursor = lines.get(index).map(|_| (index, lines.target(index)));
            // What is said behind the last line that leads somewhere is seen with it, if there is room.
            let is_last = lines.targets().all(|(other, _)| other <= index);
            let end = if is_last { lines.count().min(index + room) } else { index + 1 };
            self.offset = self.offset.clamp(end.saturating_sub(room), index);
        }
        self.offset = self.offset.min(lines.count().saturating_sub(room));
    }

    /// Returns where the line under the cursor leads.
    pub fn target(&self, lines: &ScreenLines) -> Option<ScreenPlace> {
        lines.target(self.cursor_index(lines)?)
    }
}
