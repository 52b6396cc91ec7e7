//! Pipelines that have ended, counted once each: what a server shows as counters and histograms.

use super::id::ProjectId;

/// The upper bounds that times are counted by, in seconds.
pub const TIME_BOUNDS: [u64; 10] = [30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21_600];

/// What is measured of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunMeasure {
    /// Time that it ran.
    Duration,
    /// Time that it waited before its first job started.
    Queued,
}

impl RunMeasure {
    pub fn word(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Queued => "queued",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Duration, Self::Queued].into_iter().find(|measure| measure.word() == word)
    }
}

/// How many pipelines of a project ended like this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTotal {
    pub project: ProjectId,
    pub ref_kind: String,
    pub source: String,
    pub status: String,
    pub count: u64,
}

/// How long they took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTimes {
    pub project: ProjectId,
    pub measure: RunMeasure,
    pub status: String,
    /// Up to each bound and above the one before; the last is above all of them.
    pub counts: [u64; TIME_BOUNDS.len() + 1],
    /// The sum of all.
    pub seconds: u64,
}

/// All that was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTotals {
    pub runs: Vec<RunTotal>,
    pub times: Vec<RunTimes>,
}

/// Returns the place in the counts of a time.
pub fn bucket(seconds: u64) -> usize {
    TIME_BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(TIME_BOUNDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_part_of_what_lies_below_it() {
        let cases = [(0, 0), (30, 0), (31, 1), (21_600, 9), (21_601, 10), (u64::MAX, 10)];
        for (seconds, place) in cases {
            assert_eq!(bucket(seconds), place, "{seconds}");
        }
    }
}
