//! What `FF_TIMESTAMPS` writes before each line: `2026-11-20T19:00:00.123456Z 00O `, with `E` for stderr and `+` at its
//! end where the line goes on with the one before.

/// Length of such a header in bytes (`TIMESTAMP_HEADER_LENGTH` in GitLab's source).
pub(super) const LENGTH: usize = 32;

/// Every `0` means a digit, `h` for a hexadecimal one, `S` for the stream, `+` for the mark of a continuation.
const PATTERN: &[u8; LENGTH] = b"0000-00-00T00:00:00.000000Z hhS+";

/// Returns whether the line goes on with the one before; nothing if it has no timestamp.
pub(super) fn continues(head: &[u8]) -> Option<bool> {
    let fits = |(byte, pattern): (&u8, &u8)| match pattern {
        b'0' => byte.is_ascii_digit(),
        b'h' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        b'S' => matches!(byte, b'E' | b'O'),
        b'+' => matches!(byte, b'+' | b' '),
        literal => byte == literal,
    };
    let is_header = head.len() == LENGTH && head.iter().zip(PATTERN).all(fits);
    is_header.then(|| head[LENGTH - 1] == b'+')
}

/// Returns the time of day of such a header.
pub(super) fn time_of(head: &[u8]) -> &str {
    head.get(11..19).and_then(|time| str::from_utf8(time).ok()).unwrap_or_default()
}
