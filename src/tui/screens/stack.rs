//! A screen above the first one: where its cursor is, and how far its lines are scrolled.

use super::line::ScreenLine;
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
    /// The line of the last match in it.
    pub match_line: Option<usize>,
}

impl OpenedScreen {
    pub fn new(place: ScreenPlace) -> Self {
        Self { place, cursor: None, offset: 0, log: None, match_line: None }
    }

    /// Puts the cursor on the line that leads there, wherever it is.
    pub fn point_at(&mut self, target: ScreenPlace) {
        self.cursor = Some((0, Some(target)));
    }

    pub fn has_no_cursor(&self) -> bool {
        self.cursor.is_none()
    }

    /// Returns the line under the cursor: the one that leads where it led, else the one at its place.
    pub fn cursor_index(&self, lines: &[ScreenLine]) -> Option<usize> {
        let (at, target) = self.cursor?;
        let leads_there = |index: &usize| lines.get(*index).is_some_and(|line| line.target == target);
        let found = [at].into_iter().find(leads_there).or_else(|| {
            target.and_then(|_| (0..lines.len()).filter(leads_there).min_by_key(|index| index.abs_diff(at)))
        });
        found.or_else(|| lines.len().checked_sub(1).map(|last| at.min(last)))
    }

    /// Moves the cursor to the next line that leads somewhere, or scrolls where that is not near: no line is passed over
    /// unseen. A log is read, not chosen from.
    pub fn move_by(&mut self, step: isize, lines: &[ScreenLine], room: usize) {
        let last = lines.len().saturating_sub(1);
        let wanted = match self.cursor_index(lines) {
            Some(at) => at.saturating_add_signed(step).min(last),
            None if step.abs() > 1 => self.offset.saturating_add_signed(step).min(last),
            None => self.offset.min(last),
        };
        let leads = |index: &usize| lines[*index].target.is_some();
        let below = (wanted..lines.len()).find(leads);
        let above = (0..lines.len().min(wanted + 1)).rev().find(leads);
        // At an end the last one that leads somewhere will do, if the end is seen with it.
        let found = match step < 0 {
            true => above.or(below.filter(|index| *index < room)),
            false => below.or(above.filter(|index| index + room > last)),
        };
        let reach = self.offset.saturating_sub(step.unsigned_abs())..self.offset + room + step.unsigned_abs();
        match found.filter(|index| self.log.is_none() && reach.contains(index)) {
            Some(index) => {
                self.cursor = Some((index, lines[index].target));
                // Above the first line that leads somewhere, what introduces it is shown, too.
                if step < 0 && index < room && !lines[..index].iter().any(|line| line.target.is_some()) {
                    self.offset = 0;
                }
            }
            None => {
                let most = lines.len().saturating_sub(room);
                self.offset = self.offset.saturating_add_signed(step).min(most);
                let seen = self.offset..self.offset + room;
                self.cursor = self.cursor.filter(|_| self.cursor_index(lines).is_some_and(|at| seen.contains(&at)));
            }
        }
        self.keep_in_view(lines, room);
    }

    /// Scrolls as little as needed for the cursor to be seen and the screen to be full.
    pub fn keep_in_view(&mut self, lines: &[ScreenLine], room: usize) {
        if let Some(index) = self.cursor_index(lines) {
            // Where the line is now: should it go, the cursor stays there.
            self.cursor = lines.get(index).map(|line| (index, line.target));
            self.offset = self.offset.clamp((index + 1).saturating_sub(room), index);
        }
        self.offset = self.offset.min(lines.len().saturating_sub(room));
    }

    /// Returns where the line under the cursor leads.
    pub fn target(&self, lines: &[ScreenLine]) -> Option<ScreenPlace> {
        lines.get(self.cursor_index(lines)?)?.target
    }
}
