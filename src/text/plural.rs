//! Numbers with their nouns: `1 project`, `2 projects`. Knows regular plurals only.

/// Returns the count with its noun, in the plural unless it is exactly one.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    // A count that does not fit u64 is many.
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {noun}") } else { format!("{count} {}", plural(noun)) }
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        let cases = [
            (0, "project", "0 projects"),
            (1, "project", "1 project"),
            (2, "project", "2 projects"),
            (2, "retry", "2 retries"),
            (2, "day", "2 days"),
            (1, "branch", "1 branch"),
            (3, "branch", "3 branches"),
        ];
        for (count, noun, expected) in cases {
            assert_eq!(counted(count, noun), expected);
        }
    }
}
