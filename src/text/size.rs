//! Amounts of data for people: `812 B`, `18 kB`, `1.2 MB`. Decimal, as networks count.

/// Returns an amount with at most one decimal.
pub fn size(bytes: u64) -> String {
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

/// Reads an amount such as `5MB`, `200k` or `1000000`; decimal, whatever the letters' case.
pub fn parse_size(text: &str) -> Result<u64, &'static str> {
    const NONE: &str = "is no amount of data, such as 5MB, 200kB or 1000000";
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let factor = match unit.trim().trim_end_matches('b') {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        _ => return Err(NONE),
    };
    let number: u64 = number.parse().map_err(|_| NONE)?;
    number.checked_mul(factor).filter(|bytes| *bytes > 0).ok_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_with_or_without_a_unit() {
        let cases =
            [("5MB", Some(5_000_000)), ("200k", Some(200_000)), ("12", Some(12)), ("1 GB", Some(1_000_000_000))];
        for (text, expected) in cases {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        for text in ["", "MB", "0", "1.5MB", "-1", "5 apples", "99999999999999999999"] {
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
