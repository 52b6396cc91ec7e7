//! What is counted: the window, the refs, and the grouping into rows.

use crate::domain::fact::UnixSeconds;
use crate::domain::selection::RefSelector;
use crate::domain::window::TimeWindow;
use std::iter::once;

pub const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// How far before a fact its evidence may lie: the last pipeline of the default branch, and the verdict before on its ref.
pub const LOOKBACK_SECONDS: i64 = 30 * SECONDS_PER_DAY;

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
    pub window: TimeWindow,
    pub by: StatsBy,
    pub refs: Vec<RefSelector>,
    slots: Vec<(TimeSlot, TimeWindow)>,
}

impl StatsPlan {
    pub fn new(window: TimeWindow, by: StatsBy, refs: Vec<RefSelector>) -> Self {
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

    pub(super) fn slots(&self) -> &[(TimeSlot, TimeWindow)] {
        &self.slots
    }

    pub(super) fn slot_of(&self, at: UnixSeconds) -> Option<TimeSlot> {
        self.slots.iter().find(|(_, window)| window.contains(at)).map(|(slot, _)| *slot)
    }
}
