//! The urgency of a row: decides which rows come first in reports for people, and which are folded.

use crate::domain::project::StateWord;
use crate::domain::status::Status;

/// The least first is the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// It went wrong, waits for a person, was not read, or is not understood.
    Attention,
    /// It is active, or nothing more is known about it.
    Open,
    /// It passed, or there was nothing to do.
    Quiet,
}

impl From<&Status> for Urgency {
    fn from(status: &Status) -> Self {
        match status {
            Status::Failed | Status::Canceled | Status::Manual | Status::Warning | Status::Other(_) => Self::Attention,
            Status::Created
            | Status::WaitingForResource
            | Status::Preparing
            | Status::WaitingForCallback
            | Status::Pending
            | Status::Running
            | Status::Canceling
            | Status::Scheduled => Self::Open,
            Status::Success | Status::Skipped => Self::Quiet,
        }
    }
}

impl From<StateWord> for Urgency {
    fn from(state: StateWord) -> Self {
        match state {
            StateWord::Error | StateWord::Stale => Self::Attention,
            StateWord::NoAccess => Self::Open,
            StateWord::Ok | StateWord::NoPipeline => Self::Quiet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_attention_is_never_folded_away() {
        for status in Status::KNOWN.into_iter().chain([Status::Other("odd".into())]) {
            let urgency = Urgency::from(&status);
            assert_eq!(urgency == Urgency::Attention, status.needs_attention(), "{status}");
            assert!(urgency != Urgency::Quiet || status.is_terminal(), "{status}");
        }
    }
}
