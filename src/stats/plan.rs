//! What is counted: the window, the refs, and the grouping into rows.

use crate::domain::fact::UnixSeconds;
use crate::domain::selection::RefSelector;
use std::iter::once;

pub const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// How far before a fact its evidence may lie: the last pipeline of the default branch, and the verdict before on its ref.
pub const LOOKBACK_SECONDS: i64 = 30 * SECONDS_PER_DAY;

/// A span of time: its first moment belongs to it, its end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatsWindow {
    pub from: UnixSeconds,
    pub to: UnixSeconds,
}

impl StatsWindow {
    pub fn contains(self, at: UnixSeconds) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// Returns the window as long as this one that ends where it begins.
    pub fn before(self) -> Self {
        Self { from: self.from.saturating_sub(self.to.saturating_sub(self.from)), to: self.from }
    }

    /// Returns the days that it touches, as days since 1970, UTC.
    pub fn days(self) -> std::ops::RangeInclusive<i64> {
        self.from.div_euclid(SECONDS_PER_DAY)..=(self.to - 1).div_euclid(SECONDS_PER_DAY)
    }

    /// Returns its parts by week, which begin on Monday, UTC; the first and the last may be shorter.
    fn weeks(self) -> impl Iterator<Item = (i64, Self)> {
        /// 1970-01-01 was a Thursday.
        const FIRST_MONDAY: i64 = 4 * SECONDS_PER_DAY;
        const WEEK: i64 = 7 * SECONDS_PER_DAY;
        let week = |at: i64| (at - FIRST_MONDAY).div_euclid(WEEK);
        (week(self.from)..=week(self.to - 1)).map(move |week| {
            let begin = week * WEEK + FIRST_MONDAY;
            (begin, Self { from: self.from.max(begin), to: self.to.min(begin + WEEK) })
        })
    }
}

/// What has a row of its own beside everything together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatsBy {
    Project,
    Subgroup,
    Week,
}

impl StatsBy {
    pub const ALL: [(&'static str, Self); 3] =
        [("project", Self::Project), ("subgroup", Self::Subgroup), ("week", Self::Week)];

    pub fn word(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Subgroup => "subgroup",
            Self::Week => "week",
        }
    }
}

/// The part of the time that a pipeline is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimeSlot {
    /// The window before the one that is asked for.
    Before,
    /// The window.
    Now,
    /// A week of the window, by its Monday.
    Week(UnixSeconds),
}

/// What is counted.
#[derive(Debug, Clone)]
pub struct StatsPlan {
    pub window: StatsWindow,
    pub by: StatsBy,
    pub refs: Vec<RefSelector>,
    slots: Vec<(TimeSlot, StatsWindow)>,
}

impl StatsPlan {
    pub fn new(window: StatsWindow, by: StatsBy, refs: Vec<RefSelector>) -> Self {
        let now = match by {
            StatsBy::Project | StatsBy::Subgroup => vec![(TimeSlot::Now, window)],
            StatsBy::Week => window.weeks().map(|(monday, part)| (TimeSlot::Week(monday), part)).collect(),
        };
        let slots = once((TimeSlot::Before, window.before())).chain(now).collect();
        Self { window, by, refs, slots }
    }

    /// Returns since when facts are needed.
    pub fn facts_since(&self) -> UnixSeconds {
        self.window.before().from.saturating_sub(LOOKBACK_SECONDS)
    }

    pub(super) fn slots(&self) -> &[(TimeSlot, StatsWindow)] {
        &self.slots
    }

    pub(super) fn slot_of(&self, at: UnixSeconds) -> Option<TimeSlot> {
        self.slots.iter().find(|(_, window)| window.contains(at)).map(|(slot, _)| *slot)
    }
}
