//! GitLab's status words, our own (`warning`), and what they mean.

use std::fmt;

/// The status of a job, stage or pipeline.
///
/// The words and their groups: GitLab `app/models/concerns/ci/has_status.rb`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Status {
    Created,
    WaitingForResource,
    Preparing,
    WaitingForCallback,
    Pending,
    Running,
    Success,
    /// Ours: success with a job that was allowed to fail and did. GitLab's detailed status `success-with-warnings`.
    Warning,
    Failed,
    Canceling,
    Canceled,
    Skipped,
    Manual,
    Scheduled,
    /// A word that this version does not know, kept as GitLab sent it.
    Other(Box<str>),
}

impl Status {
    /// Every status that has a word of its own, most severe first (the order of `severity`).
    pub const KNOWN: [Self; 14] = [
        Self::Failed,
        Self::Canceled,
        Self::Canceling,
        Self::Manual,
        Self::WaitingForResource,
        Self::WaitingForCallback,
        Self::Running,
        Self::Pending,
        Self::Preparing,
        Self::Created,
        Self::Scheduled,
        Self::Warning,
        Self::Success,
        Self::Skipped,
    ];

    /// Reads GitLab's word, in either API's spelling. `warning` is not one of them and stays `Other`.
    pub fn from_gitlab(word: &str) -> Self {
        // REST writes small letters, GraphQL capital ones.
        match Self::from_word(word).or_else(|| Self::from_word(&word.to_ascii_lowercase())) {
            Some(Self::Warning) | None => Self::Other(word.to_ascii_lowercase().into()),
            Some(status) => status,
        }
    }

    /// Reads one of our own words, as `--fail-on` takes them; `None` for any other. Each job that is read asks it: the words
    /// are compared in place.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "created" => Self::Created,
            "waiting_for_resource" => Self::WaitingForResource,
            "preparing" => Self::Preparing,
            "waiting_for_callback" => Self::WaitingForCallback,
            "pending" => Self::Pending,
            "running" => Self::Running,
            "success" => Self::Success,
            "warning" => Self::Warning,
            "failed" => Self::Failed,
            "canceling" => Self::Canceling,
            "canceled" => Self::Canceled,
            "skipped" => Self::Skipped,
            "manual" => Self::Manual,
            "scheduled" => Self::Scheduled,
            _ => return None,
        })
    }

    /// Returns the word for this status in every output.
    pub fn word(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::WaitingForResource => "waiting_for_resource",
            Self::Preparing => "preparing",
            Self::WaitingForCallback => "waiting_for_callback",
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Canceling => "canceling",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Other(word) => word,
        }
    }

    /// Returns the status of an answer that lacks one.
    pub fn untold() -> Self {
        Self::Other("unknown".into())
    }

    /// Says whether the answer lacked it.
    pub fn is_untold(&self) -> bool {
        *self == Self::untold()
    }

    /// Says whether GitLab will go on with it by itself: the answer that `--wait` waits for.
    ///
    /// `created` counts (its turn comes), `manual` and `scheduled` do not (a person or a clock is needed).
    pub fn is_active(&self) -> bool {
        match self {
            Self::Created
            | Self::WaitingForResource
            | Self::Preparing
            | Self::WaitingForCallback
            | Self::Pending
            | Self::Running
            | Self::Canceling => true,
            Self::Success
            | Self::Warning
            | Self::Failed
            | Self::Canceled
            | Self::Skipped
            | Self::Manual
            | Self::Scheduled
            | Self::Other(_) => false,
        }
    }

    /// Says whether it has ended; an unknown word is never taken for an end.
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::Success | Self::Warning | Self::Failed | Self::Canceled | Self::Skipped => true,
            Self::Created
            | Self::WaitingForResource
            | Self::Preparing
            | Self::WaitingForCallback
            | Self::Pending
            | Self::Running
            | Self::Canceling
            | Self::Manual
            | Self::Scheduled
            | Self::Other(_) => false,
        }
    }

    /// Says whether it needs attention: it went wrong, waits for a person, or is not understood.
    pub fn needs_attention(&self) -> bool {
        match self {
            Self::Failed | Self::Canceled | Self::Manual | Self::Warning | Self::Other(_) => true,
            Self::Created
            | Self::WaitingForResource
            | Self::Preparing
            | Self::WaitingForCallback
            | Self::Pending
            | Self::Running
            | Self::Canceling
            | Self::Success
            | Self::Skipped
            | Self::Scheduled => false,
        }
    }

    /// Returns how severe it is, 0 the worst. The one order for joining, sorting and counting:
    /// gone wrong, not understood, blocked, under way, passed with a warning, passed.
    pub fn severity(&self) -> u8 {
        match self {
            Self::Failed => 0,
            Self::Canceled => 1,
            Self::Other(_) => 2,
            Self::Canceling => 3,
            Self::Manual => 4,
            Self::WaitingForResource => 5,
            Self::WaitingForCallback => 6,
            Self::Running => 7,
            Self::Pending => 8,
            Self::Preparing => 9,
            Self::Created => 10,
            Self::Scheduled => 11,
            Self::Warning => 12,
            Self::Success => 13,
            Self::Skipped => 14,
        }
    }

    /// Returns the more severe of the two.
    pub fn worse(self, other: Self) -> Self {
        if other.severity() < self.severity() { other } else { self }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_word_reads_back_and_is_listed_by_severity() {
        for pair in Status::KNOWN.windows(2) {
            assert!(pair[0].severity() < pair[1].severity(), "{} before {}", pair[0], pair[1]);
        }
        for status in Status::KNOWN {
            assert_eq!(Status::from_word(status.word()), Some(status.clone()));
            assert!(!(status.is_active() && status.is_terminal()), "{status} is active and ended at once");
        }
    }

    #[test]
    fn graphql_spells_in_capitals() {
        assert_eq!(Status::from_gitlab("WAITING_FOR_RESOURCE"), Status::WaitingForResource);
    }

    #[test]
    fn an_unknown_word_is_kept_and_never_fine() {
        let status = Status::from_gitlab("quarantined");
        assert_eq!(status.word(), "quarantined");
        assert!(status.needs_attention() && !status.is_terminal() && !status.is_active());
        assert_eq!(Status::Success.worse(status.clone()), status);
    }

    #[test]
    fn warning_is_our_word_so_gitlab_cannot_say_it() {
        assert_eq!(Status::from_gitlab("warning"), Status::Other("warning".into()));
    }
}
