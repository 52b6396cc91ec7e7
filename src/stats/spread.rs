//! How values are spread.

use crate::domain::quantile::quantile;

/// How values are spread: their number, the middle, and what 95 of 100 do not exceed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub count: usize,
    pub p50: f64,
    pub p95: f64,
}

impl Spread {
    /// Returns the quantiles of all values, in any order; `None` where there is no value.
    pub fn of(values: &[u64]) -> Option<Self> {
        let mut sorted: Vec<f64> = values.iter().map(|value| *value as f64).collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self { count: sorted.len(), p50: quantile(&sorted, 0.5)?, p95: quantile(&sorted, 0.95)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_and_of_nothing_there_are_none() {
        type Case<'a> = (&'a str, &'a [u64], Option<(f64, f64)>);
        let cases: [Case<'_>; 5] = [
            ("nothing", &[], None),
            ("one value is each quantile", &[7], Some((7.0, 7.0))),
            ("an even number: between the middle two", &[4, 1, 3, 2], Some((2.5, 3.85))),
            ("an odd number, in any order", &[30, 10, 20], Some((20.0, 29.0))),
            ("0 is a value", &[0, 0, 0], Some((0.0, 0.0))),
        ];
        for (sentence, values, expected) in cases {
            let spread = Spread::of(values);
            assert_eq!(spread.map(|spread| spread.count).unwrap_or_default(), values.len(), "{sentence}");
            let near = |(p50, p95): (f64, f64)| {
                spread.is_some_and(|found| (found.p50 - p50).abs() < 1e-9 && (found.p95 - p95).abs() < 1e-9)
            };
            assert!(expected.map_or(spread.is_none(), near), "{sentence}: {spread:?}");
        }
    }
}
