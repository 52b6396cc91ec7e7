//! The simulated server's clock: the real one, or one that rests until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A shared handle: clones move together.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Where a stepped clock started; `None` follows the machine's clock.
    start: Option<DateTime<Utc>>,
    advanced_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Follows the machine's clock, plus whatever was advanced.
    pub fn real() -> Self {
        Self { start: None, advanced_ms: Arc::default() }
    }

    /// Rests at `at` until it is advanced.
    pub fn stepped(at: DateTime<Utc>) -> Self {
        Self { start: Some(at), advanced_ms: Arc::default() }
    }

    pub fn now(&self) -> DateTime<Utc> {
        let advanced = TimeDelta::milliseconds(self.advanced_ms.load(Ordering::SeqCst));
        self.start.unwrap_or_else(Utc::now) + advanced
    }

    /// Moves the clock forward, a real one too.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.advanced_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }
}
