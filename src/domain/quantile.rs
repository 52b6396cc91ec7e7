//! Exact quantiles.

/// Interpolates between the two values around the place, as PERCENTILE_CONT of SQL does; `None` where there is no value.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (lower, upper) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(lower + (upper - lower) * place.fract())
}
