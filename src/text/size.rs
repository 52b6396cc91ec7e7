//! Amounts of data for people: `812 B`, `18 kB`, `1.2 MB`. Decimal, as networks count.

use bytesize::ByteSize;

/// Returns an amount with at most one decimal.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 would be written as 1000.0.
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(amount < 9.95);
    format!("{amount:.decimals$} {}", UNITS[unit])
}

/// Reads an amount such as `5MB`, `200k`, `1.5 GiB` or `1000000`; decimal unless it says `i`, whatever the letters' case.
pub(crate) fn parse_size(text: &str) -> Result<u64, &'static str> {
    let size = text.trim().parse::<ByteSize>().ok().map(|size| size.as_u64());
    // Beyond what u64 holds, bytesize takes the largest number.
    size.filter(|bytes| (1..u64::MAX).contains(bytes)).ok_or("is no amount of data, such as 5MB, 200kB or 1000000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_with_or_without_a_unit() {
        let cases = [
            ("5MB", 5_000_000),
            ("5mb", 5_000_000),
            ("200k", 200_000),
            ("200 Kb", 200_000),
            (" 12 ", 12),
            ("12B", 12),
            ("1 GB", 1_000_000_000),
            ("9007199254740993", 9_007_199_254_740_993),
            // What bytesize brought.
            ("1.5MB", 1_500_000),
            ("2TB", 2_000_000_000_000),
            ("1KiB", 1_024),
            ("+1", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_size(text), Ok(expected), "{text}");
        }
        for text in ["", "MB", "0", "0.4", "-1", "5 apples", "1e3", "nan", "99999999999999999999", "99999999999 GB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_amount_has_two_figures_or_three() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_940, "9.9 kB"),
            (18_400, "18 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_234_567, "1.2 MB"),
            (7_000_000_000_000_000, "7000 TB"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes), expected);
        }
    }
}
