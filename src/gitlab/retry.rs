//! Decides which failures are worth another attempt, and how long to wait before it.

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
    pub fn waits(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.attempts.saturating_sub(1) as usize)
            .with_jitter()
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::error::Kind;

    #[test]
    fn only_passing_failures_are_tried_again() {
        let status = |code| Kind::Status { code, said: String::new() };
        for code in [408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530] {
            assert!(status(code).is_passing(), "{code}");
        }
        for code in [400, 401, 403, 404, 409, 422, 501, 505, 519, 528, 529, 531] {
            assert!(!status(code).is_passing(), "{code}");
        }
        assert!((Kind::RateLimited { retry_after: None, said: String::new() }).is_passing());
        assert!(!(Kind::Unauthorized { said: "expired".into(), unfit: None }).is_passing());
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
