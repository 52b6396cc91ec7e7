//! The answers to the question whose fault a failed job is.

/// Whose fault a failure is; the word for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureOrigin {
    Infrastructure,
    AlreadyBroken,
    Everywhere,
    Flaky,
    Yours,
    Unknown,
}

impl FailureOrigin {
    pub const ALL: [Self; 6] =
        [Self::Infrastructure, Self::AlreadyBroken, Self::Everywhere, Self::Flaky, Self::Yours, Self::Unknown];

    pub fn word(self) -> &'static str {
        match self {
            Self::Infrastructure => "infrastructure",
            Self::AlreadyBroken => "already_broken",
            Self::Everywhere => "everywhere",
            Self::Flaky => "flaky",
            Self::Yours => "yours",
            Self::Unknown => "unknown",
        }
    }
}
