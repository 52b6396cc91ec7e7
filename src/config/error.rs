//! The error for an invalid setting: which one, from where, what is wrong, what is permitted.

use super::origin::Origin;
use std::fmt;

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigError {
    pub origin: Origin,
    /// What the user wrote; `None` where it may be a secret or is missing.
    pub value: Option<String>,
    /// Goes on after the value: `is not a time zone`.
    pub problem: String,
    /// What to do next.
    pub hints: Vec<String>,
}

impl ConfigError {
    /// Hides an address that is not one where it may carry a password or a token.
    pub(super) fn without_secret(mut self) -> Self {
        self.value.take_if(|value| may_hold_secret(value));
        self
    }
}

/// Says whether an address may carry a password or a token.
pub(super) fn may_hold_secret(address: &str) -> bool {
    address.contains(['@', '?', '#'])
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if let Some(value) = &self.value {
            write!(f, "\"{}\" ", value.escape_debug())?;
        }
        f.write_str(&self.problem)
    }
}
