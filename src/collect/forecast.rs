//! Forecasts early whether a reading can finish before its deadline.

use super::options::{REST_COST, ReadingProgress};
use crate::domain::selection::ProjectFilter;
use crate::gitlab::client::Client;
use std::time::Duration;

/// A pace is believed after this part of the time that a reading has.
const BELIEVED_AFTER: u32 = 10;

/// That a reading will most likely not be over in its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateReading {
    /// How long the rest takes, about.
    pub takes: Duration,
    /// How long the reading has left.
    pub left: Duration,
    pub reason: LateReason,
}

/// What the forecast rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateReason {
    /// So many requests are still to be sent, and the permitted rate is lower.
    Rate { requests: u64 },
    /// So many projects were read in this time.
    Pace { read: usize, of: usize, since: Duration },
}

/// What is known of how long a reading will take. It speaks once.
#[derive(Debug)]
pub(super) struct ReadingForecast {
    /// Projects that the lists say they have.
    pub announced: usize,
    /// Projects that most likely take one request each over REST.
    pub quiet: usize,
    is_filtered: bool,
    is_told: bool,
}

impl ReadingForecast {
    pub(super) fn new(filter: &ProjectFilter) -> Self {
        Self { announced: 0, quiet: 0, is_filtered: !filter.is_empty(), is_told: false }
    }

    /// Compares what is still to be sent over REST with the permitted rate: our own, and the server's limit of now.
    pub(super) fn by_rate(&mut self, client: &Client, progress: ReadingProgress) -> Option<LateReading> {
        let ReadingProgress { listed, read } = self.expected(progress);
        let unread = listed.saturating_sub(read);
        let quiet = self.quiet.min(unread);
        let requests = (quiet + REST_COST * (unread - quiet)) as u64;
        let (takes, left) = (client.time_to_send(requests), client.time_left()?);
        let late = LateReading { takes, left, reason: LateReason::Rate { requests } };
        self.once(Some(late).filter(|_| takes > left))
    }

    /// Compares what is still to be read with how long it took to read the others.
    pub(super) fn by_pace(
        &mut self,
        client: &Client,
        progress: ReadingProgress,
        since: Duration,
    ) -> Option<LateReading> {
        let late = by_pace(self.expected(progress), since, client.time_left()?);
        self.once(late)
    }

    /// Returns how many projects are to be read, as far as that is known: how many a filter leaves, only the list tells.
    fn expected(&self, progress: ReadingProgress) -> ReadingProgress {
        let announced = if self.is_filtered { 0 } else { self.announced };
        ReadingProgress { listed: progress.listed.max(announced), ..progress }
    }

    fn once(&mut self, late: Option<LateReading>) -> Option<LateReading> {
        let news = late.filter(|_| !self.is_told);
        self.is_told |= news.is_some();
        news
    }
}

fn by_pace(progress: ReadingProgress, since: Duration, left: Duration) -> Option<LateReading> {
    let ReadingProgress { read, listed: of } = progress;
    if read == 0 || since < (since + left) / BELIEVED_AFTER {
        return None;
    }
    let takes = since.mul_f64(of.saturating_sub(read) as f64 / read as f64);
    (takes > left).then_some(LateReading { takes, left, reason: LateReason::Pace { read, of, since } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_tells_when_a_tenth_of_the_time_is_over() {
        let cases = [
            ("too early to say", 1, 1000, 29, 271, None),
            ("nothing was read, which says nothing of a pace", 0, 1000, 60, 240, None),
            ("too slow", 10, 1000, 30, 270, Some(2970)),
            ("just in time", 100, 1000, 30, 270, None),
            ("all read", 1000, 1000, 299, 1, None),
            ("slower by and by", 500, 1000, 200, 100, Some(200)),
        ];
        for (sentence, read, listed, since, left, expected) in cases {
            let progress = ReadingProgress { listed, read };
            let late = by_pace(progress, Duration::from_secs(since), Duration::from_secs(left));
            assert_eq!(late.map(|late| late.takes.as_secs()), expected, "{sentence}");
        }
    }
}
