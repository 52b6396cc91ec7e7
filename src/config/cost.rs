//! `[cost]`: the price of a job minute.

use super::error::ConfigError;
use super::settings::Settings;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// More than this is a misplaced decimal point.
const PERMITTED: RangeInclusive<f64> = 0.0..=1_000_000.0;

/// What job minutes are counted with. Without a price there are minutes only.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CostSettings {
    pub price_per_minute: Option<f64>,
    /// By tag of a runner.
    pub factors: BTreeMap<String, f64>,
}

impl CostSettings {
    pub(super) fn resolve(settings: &Settings) -> Result<Self, ConfigError> {
        let price_per_minute =
            settings.parsed("cost.price-per-minute", None, |text| amount(text, "a price").map(Some))?;
        let mut factors = BTreeMap::new();
        if let Some(setting) = settings.get("cost.factor") {
            for value in &setting.values {
                // A tag may have the sign in it, a number cannot.
                let (tag, factor) = value.rsplit_once('=').unwrap_or((value, ""));
                let factor = amount(factor, "a factor").map_err(|problem| setting.refuse(value, problem))?;
                factors.insert(tag.to_owned(), factor);
            }
        }
        Ok(Self { price_per_minute, factors })
    }
}

fn amount(text: &str, what: &str) -> Result<f64, String> {
    let refusal = || format!("is not {what} from {} to {}, such as 0.5", PERMITTED.start(), PERMITTED.end());
    text.parse().ok().filter(|number| PERMITTED.contains(number)).ok_or_else(refusal)
}
