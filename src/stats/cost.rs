//! The cost of job minutes, and which of them were wasted.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

/// Seconds of attempts. Those spent for nothing are in the first class that fits, so that their sum counts none twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SecondsSpent {
    pub all: u64,
    /// Of attempts that were made again.
    pub retried: u64,
    /// Of attempts that were canceled.
    pub canceled: u64,
    /// Of pipelines that a newer commit on the ref had overtaken before they ended.
    pub superseded: u64,
}

impl AddAssign for SecondsSpent {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.retried += other.retried;
        self.canceled += other.canceled;
        self.superseded += other.superseded;
    }
}

/// What a minute costs.
#[derive(Debug, Clone, PartialEq)]
pub struct CostRates {
    pub price_per_minute: f64,
    /// By tag of a runner. A job with several of these tags costs the highest: its runner has them all.
    pub factors: BTreeMap<String, f64>,
}

impl CostRates {
    /// Returns the price of seconds by their tags, one tag a line.
    pub fn price(&self, spent: &BTreeMap<Arc<str>, SecondsSpent>, of: impl Fn(&SecondsSpent) -> u64) -> f64 {
        let price = |(tags, seconds): (&Arc<str>, &SecondsSpent)| {
            let factors = tags.lines().filter_map(|tag| self.factors.get(tag).copied());
            let factor = factors.reduce(f64::max).unwrap_or(1.0);
            of(seconds) as f64 / 60.0 * self.price_per_minute * factor
        };
        spent.iter().map(price).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_costs_its_price_times_the_highest_factor_of_its_tags() {
        let rates =
            CostRates { price_per_minute: 0.5, factors: [("gpu".to_owned(), 8.0), ("large".to_owned(), 2.0)].into() };
        let cases = [
            ("no tags are known", "", 0.5),
            ("a tag without a factor", "linux", 0.5),
            ("one with a factor", "linux\nlarge", 1.0),
            ("two with factors: not their product", "gpu\nlarge", 4.0),
            ("a tag that begins like one", "gpus", 0.5),
        ];
        for (sentence, tags, expected) in cases {
            let spent = BTreeMap::from([(tags.into(), SecondsSpent { all: 60, ..SecondsSpent::default() })]);
            assert_eq!(rates.price(&spent, |spent| spent.all), expected, "{sentence}");
        }
    }
}
