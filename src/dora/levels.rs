//! The levels that reports have published, for those who ask for them. What is not known has none.

/// Whose levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LevelScheme {
    /// Clusters of the report of 2024; its change fail rates are in no order, so that those of 2023 are taken.
    Dora2024,
    Dora2023,
    /// Of GitLab's panel, which has three.
    Gitlab,
}

/// What has levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LevelledMeasure {
    /// Deployments per day.
    Frequency,
    LeadSeconds,
    RecoverySeconds,
    FailRate,
}

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const FOUR: [&str; 4] = ["elite", "high", "medium", "low"];
const THREE: [&str; 3] = ["high", "medium", "low"];

impl LevelScheme {
    pub(crate) const ALL: [(&'static str, Self); 3] =
        [("dora-2024", Self::Dora2024), ("dora-2023", Self::Dora2023), ("gitlab", Self::Gitlab)];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Dora2024 => "dora-2024",
            Self::Dora2023 => "dora-2023",
            Self::Gitlab => "gitlab",
        }
    }

    pub(crate) fn level(self, measure: LevelledMeasure, value: Option<f64>) -> Option<&'static str> {
        let value = value?;
        let below = |limits: &[f64], words: &[&'static str]| {
            let at = limits.iter().position(|limit| value < *limit).unwrap_or(limits.len());
            words.get(at).copied()
        };
        let up_to = |limits: &[f64], words: &[&'static str]| {
            let at = limits.iter().position(|limit| value <= *limit).unwrap_or(limits.len());
            words.get(at).copied()
        };
        match (self, measure) {
            (Self::Gitlab, LevelledMeasure::Frequency) => below(&[1.0 / 30.0, 1.0], &["low", "medium", "high"]),
            (Self::Gitlab, LevelledMeasure::LeadSeconds) => below(&[8.0 * DAY, 30.0 * DAY], &THREE),
            (Self::Gitlab, LevelledMeasure::RecoverySeconds) => below(&[2.0 * DAY, 7.0 * DAY], &THREE),
            (Self::Gitlab, LevelledMeasure::FailRate) => below(&[0.16, 0.45], &THREE),
            // Once a day is the upper end of the second.
            (_, LevelledMeasure::Frequency) if value > 1.0 => Some("elite"),
            (_, LevelledMeasure::Frequency) => below(&[1.0 / 30.0, 1.0 / 7.0], &["low", "medium", "high"]),
            (_, LevelledMeasure::LeadSeconds) => below(&[DAY, 7.0 * DAY, 30.0 * DAY], &FOUR),
            // High and medium recover in less than a day; nothing lies between that and low.
            (Self::Dora2024, LevelledMeasure::RecoverySeconds) => {
                below(&[HOUR, DAY], &["elite", "high or medium", "low"])
            }
            (Self::Dora2023, LevelledMeasure::RecoverySeconds) => below(&[HOUR, DAY, 7.0 * DAY], &FOUR),
            (_, LevelledMeasure::FailRate) => up_to(&[0.05, 0.10, 0.15], &FOUR),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_that_of_the_scheme_and_of_no_value_there_is_none() {
        use LevelScheme::{Dora2023, Dora2024, Gitlab};
        use LevelledMeasure::{FailRate, Frequency, LeadSeconds, RecoverySeconds};
        let cases = [
            (Dora2023, Frequency, Some(1.5), Some("elite")),
            (Dora2023, Frequency, Some(1.0), Some("high")),
            (Dora2023, Frequency, Some(0.1), Some("medium")),
            (Dora2023, Frequency, Some(0.0), Some("low")),
            (Dora2024, LeadSeconds, Some(DAY - 1.0), Some("elite")),
            (Dora2024, LeadSeconds, Some(DAY), Some("high")),
            (Dora2024, RecoverySeconds, Some(2.0 * HOUR), Some("high or medium")),
            (Dora2023, RecoverySeconds, Some(2.0 * HOUR), Some("high")),
            (Dora2024, FailRate, Some(0.05), Some("elite")),
            (Dora2024, FailRate, Some(0.2), Some("low")),
            (Gitlab, Frequency, Some(1.0), Some("high")),
            (Gitlab, LeadSeconds, Some(7.0 * DAY), Some("high")),
            (Gitlab, RecoverySeconds, Some(7.0 * DAY), Some("low")),
            (Gitlab, FailRate, Some(0.15), Some("high")),
            (Gitlab, FailRate, Some(0.45), Some("low")),
            (Dora2023, FailRate, None, None),
        ];
        for (scheme, measure, value, expected) in cases {
            assert_eq!(scheme.level(measure, value), expected, "{scheme:?} {measure:?} {value:?}");
        }
    }
}
