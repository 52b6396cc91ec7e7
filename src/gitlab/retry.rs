//! Which failures are worth another attempt, and how long to wait before it.

use crate::gitlab::error::{Kind, NotGitlab, ProxyProblem};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// How often and how patiently a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryOptions {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The wait before the second attempt; doubles from there, with jitter.
    pub first_wait: Duration,
    pub longest_wait: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self { attempts: 4, first_wait: Duration::from_millis(300), longest_wait: Duration::from_secs(5) }
    }
}

impl RetryOptions {
    /// Returns the waits between the attempts.
    pub(super) fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.attempts.saturating_sub(1) as usize)
            .with_jitter()
            .build()
    }
}

/// Says whether the same request may fare better in a moment.
///
/// Only what is passing: a server that restarts, a network that hiccups, a limit that refills.
pub(super) fn is_passing(kind: &Kind) -> bool {
    match kind {
        Kind::Refused(_) | Kind::Connection(_) | Kind::Timeout(_) | Kind::BodyCut(_) | Kind::RateLimited { .. } => true,
        Kind::Status { code, .. } => is_passing_status(*code),
        // A proxy that restarts comes back; what it wants of us does not change.
        Kind::Proxy { problem, .. } => matches!(problem, ProxyProblem::Refused | ProxyProblem::NoTunnel),
        // A firewall that suspects a robot may think better of it; one that wants a login does not.
        Kind::NotGitlab { cause, .. } => *cause == NotGitlab::Unknown,
        Kind::Dns(_)
        | Kind::Certificate { .. }
        | Kind::ClientCertificate { .. }
        | Kind::NotTls(_)
        | Kind::NotPacked(_)
        | Kind::TooLarge(_)
        | Kind::Unauthorized { .. }
        | Kind::InsufficientScope { .. }
        | Kind::GranularScope { .. }
        | Kind::WaitTooLong { .. }
        | Kind::OwnRate { .. }
        | Kind::WaitBeforeAct { .. }
        | Kind::Deadline
        | Kind::NotJson { .. }
        | Kind::Decode { .. }
        | Kind::Query(_)
        | Kind::TooComplex(_)
        | Kind::UnknownField(_)
        | Kind::Redirect { .. }
        | Kind::NotLog
        | Kind::Unsure(_) => false,
    }
}

/// Says whether a status is that of a server in passing trouble. 520-527 and 530 are Cloudflare's
/// (<https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>).
pub(super) fn is_passing_status(code: u16) -> bool {
    matches!(code, 408 | 425 | 429 | 500 | 502..=504 | 520..=527 | 530)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passing_failures_are_tried_again() {
        let status = |code| Kind::Status { code, said: String::new() };
        for code in [408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530] {
            assert!(is_passing(&status(code)), "{code}");
        }
        for code in [400, 401, 403, 404, 409, 422, 501, 505, 519, 528, 529, 531] {
            assert!(!is_passing(&status(code)), "{code}");
        }
        assert!(is_passing(&Kind::RateLimited { retry_after: None, said: String::new() }));
        assert!(!is_passing(&Kind::Unauthorized { said: "expired".into(), unfit: None }));
    }

    #[test]
    fn the_waits_grow_stay_below_the_longest_and_end() {
        let options = RetryOptions {
            attempts: 6,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_millis(400),
        };
        let waits: Vec<_> = options.waits().collect();
        assert_eq!(waits.len(), 5);
        assert!(waits[0] >= options.first_wait);
        // Jitter adds up to one delay on top.
        assert!(waits.iter().all(|wait| *wait <= options.longest_wait * 2), "{waits:?}");
    }
}
