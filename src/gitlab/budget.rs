//! Limits how many requests are under way and how fast they are sent. Every request waits here for its turn.
//!
//! - At most `concurrency` requests are under way.
//! - A token bucket bounds the rate of all callers together.
//! - What the server says (`RateLimit-*`, `Retry-After`) slows or stops all callers, not only the one that got it.

use crate::domain::usage::{Api, Usage};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use reqwest::header::HeaderMap;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// Requests that may go out at once before the rate counts: a group of 250 projects read once over REST.
const BURST: u32 = 1000;
/// GitLab.com allows 2000 requests a minute to a user (<https://docs.gitlab.com/user/gitlab_com/#rate-limits-on-gitlabcom>): 33/s, less a quarter.
pub const DEFAULT_RPS: f64 = 25.0;
/// No limit of GitLab's lasts longer: what asks for more is a broken clock or a slip in something in front of it, and our own
/// waits are kept instead.
pub(super) const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Below this part of the server's limit the rest is spread over the time until it refills.
const LOW_WATER: u64 = 10;

/// The turn-taking of all requests of one run.
#[derive(Debug)]
pub(super) struct Budget {
    slots: Semaphore,
    state: Mutex<BudgetState>,
}

#[derive(Debug)]
struct BudgetState {
    /// The token bucket as GCRA: when the bucket would be full again.
    full_at: Instant,
    interval: Duration,
    burst: Duration,
    /// Whether only half of the rate is used.
    is_halved: bool,
    /// No request is sent before this.
    closed_until: Instant,
    /// While the server's limit is nearly used up: when the next request may go, and the gap after it.
    next_slot: Instant,
    gap: Duration,
    /// When the server's limit starts over, where it tells.
    refills_at: Option<Instant>,
    /// Requests that were sent and whose answers have not come.
    under_way: usize,
    /// Requests that wait for their turn.
    queued: usize,
    /// When the server was last heard, or the first request sent to a silent one.
    heard_at: Instant,
    /// How an attempt failed that is made again, until something comes.
    failure: Option<String>,
    usage: Usage,
}

/// Leave to send one request; the request is under way until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    budget: &'a Budget,
    /// Only a semaphore that is closed gives none, and this one never is.
    _slot: Option<SemaphorePermit<'a>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.budget.state.lock().under_way -= 1;
    }
}

/// What everything waits for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The server asked for a pause, or its limit is used up: nothing is sent for so long.
    Told { left: Duration },
    /// Requests are under way, and for so long nothing has come.
    Silent { since: Duration },
}

/// A wait that would end after the run's deadline.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    pub wait: Duration,
    pub left: Duration,
    /// Our own rate is the reason, not the server's word.
    pub is_ours: bool,
}

impl Budget {
    /// Makes a budget; an `rps` of one's own has a burst of one second's worth.
    pub(super) fn new(concurrency: usize, rps: Option<f64>) -> Self {
        let interval = Duration::from_secs_f64(1.0 / rps.unwrap_or(DEFAULT_RPS));
        let burst = rps.map_or(BURST, |rps| (rps as u32).max(1));
        let now = Instant::now();
        let state = BudgetState {
            full_at: now,
            interval,
            burst: interval * (burst - 1),
            is_halved: false,
            closed_until: now,
            next_slot: now,
            gap: Duration::ZERO,
            refills_at: None,
            under_way: 0,
            queued: 0,
            heard_at: now,
            failure: None,
            usage: Usage::default(),
        };
        Self { slots: Semaphore::new(concurrency), state: Mutex::new(state) }
    }

    /// Waits for a turn, and counts the request.
    pub(super) async fn acquire(&self, deadline: Option<Instant>) -> Result<Turn<'_>, TooLong> {
        let slot = self.slots.acquire().await.ok();
        let mut turn = self.state.lock().reserve(Instant::now(), deadline)?;
        let _queued = Queued::new(self);
        loop {
            let now = Instant::now();
            if turn <= now {
                let mut state = self.state.lock();
                state.usage.requests += 1;
                if state.under_way == 0 {
                    state.heard_at = now;
                }
                state.under_way += 1;
                drop(state);
                return Ok(Turn { budget: self, _slot: slot });
            }
            sleep_until(turn).await;
            // The server may have told another caller to stop meanwhile.
            let closed_until = self.state.lock().closed_until;
            if closed_until > turn {
                turn = closed_until;
                in_time(turn, Instant::now(), deadline, false)?;
            }
        }
    }

    /// Uses half of the rate from now on, or all of it: the other half is another process's.
    pub(super) fn halve(&self, is_halved: bool) {
        self.state.lock().is_halved = is_halved;
    }

    /// Notes a sign of life.
    pub(super) fn hear(&self) {
        let mut state = self.state.lock();
        (state.heard_at, state.failure) = (Instant::now(), None);
    }

    /// Notes how an attempt failed that is made again.
    pub(super) fn note_failure(&self, failure: String) {
        self.state.lock().failure = Some(failure);
    }

    /// Returns how the last attempt failed, where it is made again and nothing has come since.
    pub(super) fn failure(&self) -> Option<String> {
        self.state.lock().failure.clone()
    }

    /// Takes a request that is under way for one that waits for us.
    pub(super) fn idle(&self) -> Idle<'_> {
        self.state.lock().under_way -= 1;
        Idle(self)
    }

    /// Returns what everything waits for, if it does.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        let (state, now) = (self.state.lock(), Instant::now());
        let left = state.closed_until.saturating_duration_since(now);
        match (left.is_zero(), state.under_way) {
            (false, _) if state.queued > 0 => Some(Waiting::Told { left }),
            (_, 0) => None,
            _ => Some(Waiting::Silent { since: now.saturating_duration_since(state.heard_at) }),
        }
    }

    /// Returns how long it takes at least to send so many requests: at our own rate, and by what the server has said of the
    /// limit of now. How long its next one lasts is not known.
    pub(super) fn time_to_send(&self, requests: u64) -> Duration {
        let (state, now) = (self.state.lock(), Instant::now());
        let last = requests.saturating_sub(1) as f64;
        let bucket = state.full_at.saturating_duration_since(now) + state.interval.mul_f64(last);
        let is_more_than_left = state.usage.remaining.is_some_and(|remaining| requests > remaining);
        let refill = state.refills_at.filter(|_| is_more_than_left).map(|at| at.saturating_duration_since(now));
        let pause = state.closed_until.saturating_duration_since(now);
        bucket.saturating_sub(state.burst).max(pause).max(refill.unwrap_or_default())
    }

    /// Stops everyone: `Retry-After`.
    pub(super) fn close_for(&self, wait: Duration) {
        let mut state = self.state.lock();
        state.closed_until = state.closed_until.max(Instant::now() + wait);
    }

    /// Learns from an answer's `RateLimit-*` headers; when they start over counts only by the server's own clock.
    pub(super) fn learn(&self, headers: &HeaderMap, server_now: Option<DateTime<Utc>>) {
        self.hear();
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let (Some(limit), Some(remaining)) = (number("ratelimit-limit"), number("ratelimit-remaining")) else { return };
        let resets_at = number("ratelimit-reset").and_then(|reset| DateTime::from_timestamp(reset as i64, 0));
        self.state.lock().adapt(limit, remaining, resets_at, server_now);
    }

    pub(super) fn count_bytes(&self, bytes: u64) {
        self.state.lock().usage.bytes += bytes;
    }

    pub(super) fn set_api(&self, api: Api) {
        self.state.lock().usage.api = api;
    }

    pub(super) fn usage(&self) -> Usage {
        self.state.lock().usage
    }
}

/// While it lives, a request that is under way waits for us and not for the server.
pub(super) struct Idle<'a>(&'a Budget);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.under_way += 1;
        state.heard_at = Instant::now();
    }
}

/// Counts a request among those that wait for their turn, until it is dropped.
struct Queued<'a>(&'a Budget);

impl<'a> Queued<'a> {
    fn new(budget: &'a Budget) -> Self {
        budget.state.lock().queued += 1;
        Self(budget)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.state.lock().queued -= 1;
    }
}

/// Checks that a turn comes before the deadline.
fn in_time(turn: Instant, now: Instant, deadline: Option<Instant>, is_ours: bool) -> Result<(), TooLong> {
    match deadline {
        Some(deadline) if turn > deadline && turn > now => {
            Err(TooLong { wait: turn - now, left: deadline.saturating_duration_since(now), is_ours })
        }
        Some(_) | None => Ok(()),
    }
}

impl BudgetState {
    /// Takes the next turn; one that would come too late is left to others.
    fn reserve(&mut self, now: Instant, deadline: Option<Instant>) -> Result<Instant, TooLong> {
        let full_at = self.full_at.max(now);
        let from_bucket = full_at.checked_sub(self.burst).unwrap_or(now).max(now);
        let from_server = if self.gap.is_zero() { self.closed_until } else { self.closed_until.max(self.next_slot) };
        let turn = from_bucket.max(from_server);
        in_time(turn, now, deadline, from_bucket >= from_server)?;
        self.full_at = full_at + if self.is_halved { self.interval * 2 } else { self.interval };
        self.next_slot = turn + self.gap;
        Ok(turn)
    }

    fn adapt(
        &mut self,
        limit: u64,
        remaining: u64,
        resets_at: Option<DateTime<Utc>>,
        server_now: Option<DateTime<Utc>>,
    ) {
        // Answers come back out of order: within one window the lowest word is the newest.
        let same_window = resets_at.is_some() && self.usage.resets_at == resets_at;
        let remaining =
            if same_window { self.usage.remaining.map_or(remaining, |r| r.min(remaining)) } else { remaining };
        self.usage.limit = Some(limit);
        self.usage.remaining = Some(remaining);
        self.usage.resets_at = resets_at;
        let until_reset = resets_at.and_then(|at| (at - server_now?).to_std().ok());
        let until_reset = until_reset.filter(|wait| *wait <= LONGEST_LIMIT).unwrap_or_default();
        let now = Instant::now();
        self.refills_at = resets_at.map(|_| now + until_reset);
        if remaining == 0 {
            self.closed_until = self.closed_until.max(now + until_reset);
        }
        if remaining <= limit / LOW_WATER && !until_reset.is_zero() {
            self.gap = until_reset / u32::try_from(remaining).unwrap_or(u32::MAX).saturating_add(1);
            self.next_slot = self.next_slot.max(now);
        } else {
            self.gap = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn limits(limit: &'static str, remaining: &'static str, reset: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-limit", HeaderValue::from_static(limit));
        headers.insert("ratelimit-remaining", HeaderValue::from_static(remaining));
        headers.insert("ratelimit-reset", HeaderValue::from(reset));
        headers
    }

    async fn elapsed_after(budget: &Budget, requests: usize) -> Duration {
        let start = Instant::now();
        for _ in 0..requests {
            drop(budget.acquire(None).await.unwrap());
        }
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_burst_is_free_and_then_the_rate_holds() {
        let budget = Budget::new(8, None);
        assert_eq!(elapsed_after(&budget, 1000).await, Duration::ZERO);
        assert!(elapsed_after(&budget, 50).await.abs_diff(Duration::from_secs(2)) < Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn half_of_it_is_half_the_burst_and_half_the_rate() {
        let budget = Budget::new(8, None);
        budget.halve(true);
        assert_eq!(elapsed_after(&budget, 500).await, Duration::ZERO);
        assert!(elapsed_after(&budget, 25).await.abs_diff(Duration::from_secs(2)) < Duration::from_millis(100));
        budget.halve(false);
        assert!(elapsed_after(&budget, 50).await.abs_diff(Duration::from_secs(2)) < Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_of_ones_own_may_be_a_fraction() {
        let budget = Budget::new(8, Some(0.5));
        assert!(elapsed_after(&budget, 4).await.abs_diff(Duration::from_secs(6)) < Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn how_long_so_many_requests_take_is_known_beforehand() {
        let budget = Budget::new(8, None);
        for (requests, seconds) in [(0, 0), (1000, 0), (1025, 1), (8021, 280)] {
            assert_eq!(budget.time_to_send(requests).as_secs(), seconds, "{requests}");
        }
        let limited = Budget::new(8, Some(1000.0));
        limited.learn(&limits("600", "500", 60), DateTime::from_timestamp(0, 0));
        for (requests, seconds) in [(500, 0), (501, 60)] {
            assert_eq!(limited.time_to_send(requests).as_secs(), seconds, "{requests}");
        }
        let budget = Budget::new(8, Some(0.5));
        let expected = budget.time_to_send(4);
        assert!(elapsed_after(&budget, 4).await.abs_diff(expected) < Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_stops_everyone_even_those_already_waiting() {
        let budget = Budget::new(8, Some(1.0));
        drop(budget.acquire(None).await.unwrap());
        let waiting = async {
            let start = Instant::now();
            drop(budget.acquire(None).await.unwrap());
            start.elapsed()
        };
        let told_to_stop = async { budget.close_for(Duration::from_secs(30)) };
        let (waited, ()) = tokio::join!(waiting, told_to_stop);
        assert!(waited >= Duration::from_secs(30), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_a_pause_that_was_asked_for_or_an_answer() {
        let budget = Budget::new(8, None);
        assert_eq!(budget.waiting(), None);
        let turn = budget.acquire(None).await.unwrap();
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(budget.waiting(), Some(Waiting::Silent { since: Duration::from_secs(12) }));
        budget.hear();
        assert_eq!(budget.waiting(), Some(Waiting::Silent { since: Duration::ZERO }));
        drop(turn);
        assert_eq!(budget.waiting(), None);
        budget.close_for(Duration::from_secs(30));
        assert_eq!(budget.waiting(), None, "a pause in which nothing is wanted is no wait");
        let queued = budget.acquire(None);
        let look = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            budget.waiting()
        };
        let (turn, waiting) = tokio::join!(queued, look);
        assert_eq!(waiting, Some(Waiting::Told { left: Duration::from_secs(20) }));
        drop(turn);
        assert_eq!(budget.waiting(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_beyond_the_deadline_fails_at_once() {
        let budget = Budget::new(8, None);
        budget.close_for(Duration::from_secs(3600));
        let start = Instant::now();
        let refused = budget.acquire(Some(start + Duration::from_secs(300))).await.unwrap_err();
        assert_eq!(
            refused,
            TooLong { wait: Duration::from_secs(3600), left: Duration::from_secs(300), is_ours: false }
        );
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_refused_uses_nothing_up_and_is_blamed_on_our_own_rate() {
        let budget = Budget::new(8, Some(1.0));
        drop(budget.acquire(None).await.unwrap());
        for _ in 0..100 {
            let refused = budget.acquire(Some(Instant::now() + Duration::from_millis(500))).await.unwrap_err();
            assert!(refused.is_ours && refused.wait <= Duration::from_secs(1), "{refused:?}");
        }
        assert!(elapsed_after(&budget, 1).await <= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_beyond_all_measure_is_no_trouble() {
        let budget = Budget::new(8, None);
        budget.learn(&limits("18446744073709551615", "18446744073709551615", 1060), Some(DateTime::UNIX_EPOCH));
        assert_eq!(elapsed_after(&budget, 10).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_of_the_servers_limit_is_spread_before_the_wall() {
        let budget = Budget::new(8, None);
        let now = DateTime::from_timestamp(1000, 0).unwrap();
        budget.learn(&limits("600", "300", 1060), Some(now));
        assert_eq!(elapsed_after(&budget, 10).await, Duration::ZERO);
        budget.learn(&limits("600", "59", 1060), Some(now));
        assert!(elapsed_after(&budget, 60).await >= Duration::from_secs(58));
        budget.learn(&limits("600", "0", 1120), Some(now + Duration::from_secs(60)));
        assert!(elapsed_after(&budget, 1).await >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_that_no_limit_has_stops_nothing() {
        let budget = Budget::new(8, None);
        let now = DateTime::from_timestamp(1000, 0).unwrap();
        budget.learn(&limits("60", "0", 9_999_999_999), Some(now));
        assert_eq!(elapsed_after(&budget, 10).await, Duration::ZERO);
        budget.learn(&limits("60", "0", 1000 + 86_400), Some(now));
        assert!(elapsed_after(&budget, 1).await >= Duration::from_secs(86_400));
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_at_once_than_the_concurrency() {
        let budget = Budget::new(2, None);
        let _first = budget.acquire(None).await.unwrap();
        let second = budget.acquire(None).await.unwrap();
        let third = async {
            drop(budget.acquire(None).await.unwrap());
            Instant::now()
        };
        let release = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(second);
        };
        let start = Instant::now();
        let (third_at, ()) = tokio::join!(third, release);
        assert_eq!(third_at - start, Duration::from_secs(5));
    }
}
