//! A span of time that is counted, and its parts. Everything is UTC: no zone and no summer time moves an edge.

use super::fact::{SECONDS_PER_DAY, UnixSeconds};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};

/// A span of time: its first moment belongs to it, its end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    pub from: UnixSeconds,
    pub to: UnixSeconds,
}

impl TimeWindow {
    pub fn contains(self, at: UnixSeconds) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// Returns the window as long as this one that ends where it begins.
    pub fn before(self) -> Self {
        Self { from: self.from.saturating_sub(self.to.saturating_sub(self.from)), to: self.from }
    }

    /// Returns the days that it touches, as days since 1970.
    pub fn days(self) -> std::ops::RangeInclusive<i64> {
        self.from.div_euclid(SECONDS_PER_DAY)..=(self.to - 1).div_euclid(SECONDS_PER_DAY)
    }

    /// Returns how long it is.
    pub fn length_in_days(self) -> f64 {
        self.to.saturating_sub(self.from) as f64 / SECONDS_PER_DAY as f64
    }

    /// Returns its parts by week, which begin on Monday, each with its Monday; the first and the last may be shorter.
    pub fn weeks(self) -> impl Iterator<Item = (UnixSeconds, Self)> {
        /// 1970-01-01 was a Thursday.
        const FIRST_MONDAY: i64 = 4 * SECONDS_PER_DAY;
        const WEEK: i64 = 7 * SECONDS_PER_DAY;
        let week = |at: i64| (at - FIRST_MONDAY).div_euclid(WEEK);
        (week(self.from)..=week(self.to - 1)).map(move |week| {
            let begin = week * WEEK + FIRST_MONDAY;
            (begin, Self { from: self.from.max(begin), to: self.to.min(begin + WEEK) })
        })
    }

    /// Returns its parts by month of the calendar, each with the month's first moment; the first and the last may be
    /// shorter. A time beyond the calendar has none.
    pub fn months(self) -> Vec<(UnixSeconds, Self)> {
        let mut months = Vec::new();
        let mut begin = month(self.from, 0);
        while let Some(first) = begin.filter(|first| *first < self.to) {
            let next = month(first, 1);
            let to = next.map_or(self.to, |next| next.min(self.to));
            months.push((first, Self { from: self.from.max(first), to }));
            begin = next;
        }
        months
    }
}

/// Returns when the month of a time begins, or one so many months later.
fn month(at: UnixSeconds, later: u32) -> Option<UnixSeconds> {
    let date = DateTime::from_timestamp(at, 0)?.date_naive();
    let first = NaiveDate::from_ymd_opt(date.year(), date.month(), 1)?;
    let first = first.checked_add_months(chrono::Months::new(later))?;
    Some(first.and_time(NaiveTime::MIN).and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixSeconds {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp()
    }

    #[test]
    fn months_and_weeks_cover_a_window_without_a_gap() {
        let window = TimeWindow { from: at("2025-12-30T10:00:00Z"), to: at("2026-03-01T00:00:00Z") };
        let begins: Vec<UnixSeconds> = window.months().into_iter().map(|(begin, _)| begin).collect();
        assert_eq!(begins, ["2025-12-01", "2026-01-01", "2026-02-01"].map(|day| at(&format!("{day}T00:00:00Z"))));
        for parts in [window.months(), window.weeks().collect()] {
            let first = parts.first().map(|(_, part)| part.from);
            assert_eq!((first, parts.last().map(|(_, part)| part.to)), (Some(window.from), Some(window.to)));
            assert!(parts.windows(2).all(|pair| pair[0].1.to == pair[1].1.from), "{parts:?}");
        }
        let short = TimeWindow { from: at("2026-02-10T00:00:00Z"), to: at("2026-02-10T00:00:01Z") };
        assert_eq!(short.months(), [(at("2026-02-01T00:00:00Z"), short)]);
    }
}
