//! Values as a line of bars, one cell each.

use super::stats_words::NO_DATA;
use crate::text::glyph::Charset;

/// Draws shares from 0 to 1; a blank where there is no data.
pub(super) fn sparkline(shares: &[Option<f64>], charset: Charset) -> String {
    let levels: &[char] = match charset {
        Charset::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
        Charset::Ascii | Charset::Words => &['_', '.', '-', '=', '+', '*', '#'],
    };
    let level = |share: f64| levels[((share * levels.len() as f64) as usize).min(levels.len() - 1)];
    let cells: String = shares.iter().map(|share| share.map_or(' ', level)).collect();
    if cells.trim().is_empty() { NO_DATA.to_owned() } else { cells }
}

/// Returns counts as shares of the largest.
pub(super) fn relative(counts: impl Iterator<Item = u64> + Clone) -> Vec<Option<f64>> {
    let most = counts.clone().max().unwrap_or(0).max(1);
    counts.map(|count| Some(count as f64 / most as f64)).collect()
}
