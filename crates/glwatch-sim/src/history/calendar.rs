//! When people work: on weekdays from 7 to 18 o'clock UTC, and a little at weekends.

pub(super) const HOUR: i64 = 3_600_000;
pub(super) const DAY: i64 = 24 * HOUR;

/// The working hours of a span of time.
pub(super) struct WorkCalendar {
    /// Start, length and weight of each day's hours.
    days: Vec<(i64, i64, f64)>,
    total: f64,
}

impl WorkCalendar {
    pub(super) fn new(from: i64, to: i64) -> Self {
        let first = from.div_euclid(DAY);
        let hours = |day: i64| {
            // 1970-01-01 was a Thursday.
            let weekend = (day + 3).rem_euclid(7) >= 5;
            let start = (day * DAY + 7 * HOUR).max(from);
            let length = (day * DAY + 18 * HOUR).min(to) - start;
            (length > 0).then_some((start, length, length as f64 * if weekend { 0.1 } else { 1.0 }))
        };
        let mut days: Vec<_> = (first..=to.div_euclid(DAY)).filter_map(hours).collect();
        if days.is_empty() {
            days.push((from, (to - from).max(1), 1.0));
        }
        let total = days.iter().map(|(.., weight)| weight).sum();
        Self { days, total }
    }

    /// Returns the moment at which this share of the work is done; later for a larger share.
    pub(super) fn at(&self, share: f64) -> i64 {
        let mut left = share.clamp(0.0, 1.0) * self.total;
        for (start, length, weight) in &self.days {
            if left <= *weight {
                return start + (*length as f64 * left / weight) as i64;
            }
            left -= weight;
        }
        self.days.last().map_or(0, |(start, length, _)| start + length)
    }
}
