//! Exit codes: documented in the README and the help, never changed in meaning.

use std::process::ExitCode;

/// How a run ended. Where several hold, [`Exit::worse`] says which one is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    /// A project matched `--fail-on`.
    Matched,
    /// Usage or configuration error; filters leave no project.
    Usage,
    /// Not one project's pipelines could be read.
    NoData,
    /// A part could not be read.
    Partial,
    /// `--wait` reached its deadline.
    Deadline,
    /// Output could not be written.
    Unwritten,
    Interrupted,
    Terminated,
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Matched => 1,
            Self::Usage => 2,
            Self::NoData => 3,
            Self::Partial => 4,
            Self::Deadline => 5,
            Self::Unwritten => 6,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Interrupted | Self::Terminated => 0,
            Self::Usage => 1,
            Self::NoData => 2,
            Self::Unwritten => 3,
            Self::Matched => 4,
            Self::Deadline => 5,
            Self::Partial => 6,
            Self::Done => 7,
        }
    }

    /// Returns the one of the two that is told: 130/143, then 2, 3, 6, 1, 5, 4, 0.
    pub(super) fn worse(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_several_hold_the_documented_order_decides() {
        let order = [
            Exit::Interrupted,
            Exit::Usage,
            Exit::NoData,
            Exit::Unwritten,
            Exit::Matched,
            Exit::Deadline,
            Exit::Partial,
            Exit::Done,
        ];
        for (at, first) in order.iter().enumerate() {
            for second in &order[at..] {
                assert_eq!(first.worse(*second), *first);
                assert_eq!(second.worse(*first), *first);
            }
        }
    }
}
