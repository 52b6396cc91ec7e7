//! Measures and truncates text in terminal cells. Expects sanitised text.

use super::glyph::Charset;
use unicode_truncate::UnicodeTruncateStr;
use unicode_width::UnicodeWidthStr;

/// Returns how many cells a text takes: wide characters two, combining marks none.
pub(crate) fn cells(text: &str) -> usize {
    // Nearly all text is of this kind, and nearly all of laying out is measuring.
    if text.as_bytes().iter().all(is_one_cell) {
        return text.len();
    }
    text.width()
}

fn is_one_cell(byte: &u8) -> bool {
    matches!(byte, 0x20..=0x7E)
}

/// Cuts a text at its end so that it takes at most `width` cells, the ellipsis included.
pub(crate) fn truncate(text: &str, width: usize, charset: Charset) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    match width {
        0 => String::new(),
        _ => format!("{}{}", head(text, width - 1).trim_end(), charset.ellipsis()),
    }
}

/// Cuts a text in its middle: names of one family differ at the start or at the end.
pub(crate) fn truncate_middle(text: &str, width: usize, charset: Charset) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    if width < 5 {
        return truncate(text, width, charset);
    }
    let room = width - 1;
    let start = head(text, room.div_ceil(2));
    let end = tail(&text[start.len()..], room - cells(start));
    format!("{start}{}{end}", charset.ellipsis())
}

/// Shortens a path so that its last part stays recognisable: `acme/payments/api`, `…/payments/api`, `…/api`, `…/ve…ce`.
pub(crate) fn truncate_path(path: &str, width: usize, charset: Charset) -> String {
    if cells(path) <= width {
        return path.to_owned();
    }
    let tails = path.match_indices('/').map(|(at, _)| format!("{}{}", charset.ellipsis(), &path[at..]));
    if let Some(fitting) = tails.into_iter().find(|tail| cells(tail) <= width) {
        return fitting;
    }
    // What leads to the name would take the cells that tell it from its neighbours.
    truncate_middle(path.rsplit('/').next().unwrap_or(path), width, charset)
}

/// Returns the longest start of `text` that fits.
pub(super) fn head(text: &str, width: usize) -> &str {
    match text.as_bytes().get(..=width) {
        // What follows is no part of the last character either.
        Some(start) if start.iter().all(is_one_cell) => &text[..width],
        _ => text.unicode_truncate(width).0,
    }
}

/// Returns the longest end of `text` that fits.
fn tail(text: &str, width: usize) -> &str {
    text.unicode_truncate_start(width).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use Charset::{Ascii, Unicode};
    use proptest::prelude::*;

    #[test]
    fn widths_are_cells() {
        for (text, expected) in [("", 0), ("api", 3), ("日本", 4), ("🚀", 2), ("e\u{301}", 1), ("✓ é", 3)] {
            assert_eq!(cells(text), expected, "{text}");
        }
    }

    #[test]
    fn an_end_is_cut_between_characters() {
        let cases = [
            ("deploy", 6, Unicode, "deploy"),
            ("deploy", 5, Unicode, "depl…"),
            ("deploy", 5, Ascii, "depl~"),
            ("日本語", 5, Unicode, "日本…"),
            ("日本語", 4, Unicode, "日…"),
            ("go to it", 4, Unicode, "go…"),
            ("deploy", 1, Unicode, "…"),
            ("deploy", 0, Unicode, ""),
        ];
        for (text, width, charset, expected) in cases {
            assert_eq!(truncate(text, width, charset), expected);
        }
    }

    #[test]
    fn a_path_keeps_its_last_part() {
        let cases = [
            ("acme/payments/api", 17, "acme/payments/api"),
            ("acme/payments/api", 16, "…/payments/api"),
            ("acme/payments/api", 9, "…/api"),
            ("acme/payments/api", 4, "api"),
            ("acme/payments-service-web", 11, "payme…e-web"),
            ("acme/payments", 4, "pay…"),
            ("日本/決済サービス", 9, "決済…ビス"),
        ];
        for (path, width, expected) in cases {
            assert_eq!(truncate_path(path, width, Unicode), expected, "{path} in {width}");
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in "\\PC{0,20}", width in 0usize..16) {
            let text = crate::text::sanitise::sanitise(&text).into_owned();
            for cut in [truncate(&text, width, Unicode), truncate_middle(&text, width, Unicode), truncate_path(&text, width, Unicode)] {
                prop_assert!(cells(&cut) <= width, "{cut:?}");
            }
        }
    }
}
