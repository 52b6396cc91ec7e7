//! Makes foreign text harmless for a terminal. Colours, widths and other formats are handled elsewhere.

use std::borrow::Cow;

/// Marks where something was taken out that could have moved the cursor or turned the text around.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// More marks than this on one character are decoration that climbs over the neighbouring lines.
const MARKS_PER_CHARACTER: usize = 4;

/// Longer than any link or title; it keeps a text full of unfinished strings from being searched over and over.
pub(super) const STRING_AT_MOST: usize = 4096;

/// Returns foreign text as one line that a terminal can only print.
///
/// - A control sequence as a whole, and any other control or bidi character, becomes one `�`.
/// - Line ends and tabs become a space.
/// - What is invisible or shifts widths (zero-width joiners, variation selectors, tags, fillers) is removed.
pub(crate) fn sanitise(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut marks = Marks::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_space = is_line_break(first) || first == '\t';
        let used = if is_control(first) && !is_space { sequence_length(rest) } else { first.len_utf8() };
        clean.extend(shown(first).filter(|c| marks.admits(*c)));
        rest = &rest[used..];
    }
    Cow::Owned(clean)
}

/// Returns what a terminal is given for a character: itself, a space, a `�`, or nothing where it is invisible.
pub(super) fn shown(c: char) -> Option<char> {
    if is_line_break(c) || c == '\t' {
        Some(' ')
    } else if is_control(c) || is_bidi_control(c) || is_noncharacter(c) {
        Some(REPLACEMENT)
    } else {
        Some(c).filter(|c| !is_invisible(*c))
    }
}

/// Counts the marks on a character, so that they do not pile up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks(usize);

impl Marks {
    /// Says whether the next character of a text may stay.
    pub(super) fn admits(&mut self, c: char) -> bool {
        self.0 = if is_mark(c) { self.0 + 1 } else { 0 };
        self.0 <= MARKS_PER_CHARACTER
    }
}

/// Says whether it is a C0 or C1 control character or DEL.
pub(crate) fn is_control(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}')
}

/// Says whether it changes the direction of the text around it (Unicode UAX #9; "Trojan Source", CVE-2021-42574).
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}' | '\u{061C}')
}

/// Says whether it ends a line somewhere: in a terminal, in an editor, or in JavaScript.
pub(crate) fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Says whether it prints nothing, or changes only how wide its neighbour is.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200D}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206A}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            // Skin tones: half of the terminals give them two cells of their own, the other half none.
            | '\u{1F3FB}'..='\u{1F3FF}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}

fn is_mark(c: char) -> bool {
    unicode_width::UnicodeWidthChar::width(c) == Some(0)
}

/// Returns how many bytes the control sequence at the start of `text` takes; at least its first character.
///
/// ECMA-48: CSI is parameters, intermediates and a final byte; OSC, DCS, SOS, PM and APC last until ST (or BEL).
fn sequence_length(text: &str) -> usize {
    let mut chars = text.chars();
    let (kind, start) = match chars.next() {
        Some('\u{1B}') => match chars.next() {
            Some(second @ ' '..='~') => (second, 2),
            Some(_) | None => return 1,
        },
        Some(c1 @ '\u{80}'..='\u{9F}') => {
            let second = u8::try_from(u32::from(c1) - 0x40).map_or('@', char::from);
            (second, 2)
        }
        Some(_) | None => return text.chars().next().map_or(0, char::len_utf8),
    };
    let after = &text[start..];
    start
        + match kind {
            '[' => control_sequence_length(after),
            ']' | 'P' | 'X' | '^' | '_' => control_string_length(after),
            // Character set selection and its kind: intermediates, then one final byte.
            ' '..='/' if text.starts_with('\u{1B}') => {
                let intermediates = after.bytes().take_while(|byte| (0x20..0x30).contains(byte)).count();
                let has_final = after.as_bytes().get(intermediates).is_some_and(|byte| (0x30..0x7F).contains(byte));
                intermediates + usize::from(has_final)
            }
            _ => 0,
        }
}

fn control_sequence_length(after: &str) -> usize {
    let parameters = after.bytes().take_while(|byte| (0x20..0x40).contains(byte)).count();
    let has_final = after.as_bytes().get(parameters).is_some_and(|byte| (0x40..0x7F).contains(byte));
    if has_final { parameters + 1 } else { 0 }
}

/// Without a terminator near enough the string is no string: what follows stays visible instead of being swallowed.
fn control_string_length(after: &str) -> usize {
    let near = (0..=after.len().min(STRING_AT_MOST)).rev().find(|at| after.is_char_boundary(*at)).unwrap_or(0);
    let ends = [("\u{7}", 1), ("\u{1B}\\", 2), ("\u{9C}", 2)];
    ends.iter().filter_map(|(end, length)| after[..near].find(end).map(|at| at + length)).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn foreign_text_is_printed_and_nothing_else() {
        let cases = [
            ("plain text is untouched", "release: v1.2 (ok)", "release: v1.2 (ok)"),
            ("letters beyond ASCII stay", "größe 日本語 🚀", "größe 日本語 🚀"),
            ("a colour", "\u{1B}[31mred\u{1B}[0m", "�red�"),
            ("a title change up to BEL", "a\u{1B}]0;owned\u{7}b", "a�b"),
            ("a link up to ST", "\u{1B}]8;;http://evil\u{1B}\\x", "�x"),
            ("a device control string", "a\u{1B}P1$r0m\u{1B}\\b", "a�b"),
            ("a string without an end hides nothing", "a\u{1B}]0;rest", "a�0;rest"),
            ("a sequence without an end hides nothing", "a\u{1B}[3\u{1B}[4mb", "a�3�b"),
            ("an eight-bit CSI", "a\u{9B}31mb", "a�b"),
            ("an eight-bit OSC up to its ST", "a\u{9D}0;x\u{9C}b", "a�b"),
            ("a lone C1", "a\u{90}b", "a�b"),
            ("a reset", "a\u{1B}cb", "a�b"),
            ("a character set", "a\u{1B}(0b", "a�b"),
            ("a lone ESC at the end", "a\u{1B}", "a�"),
            ("ESC before a wide letter", "\u{1B}日", "�日"),
            ("backspace and bell", "a\u{8}\u{7}", "a��"),
            ("line ends and tabs", "a\nb\tc\u{2028}d\u{85}e", "a b c d e"),
            ("an override of direction", "a\u{202E}cod.exe", "a�cod.exe"),
            ("zero-width characters", "ad\u{200B}min\u{FEFF}", "admin"),
            ("an emoji family falls apart", "👩\u{200D}👧", "👩👧"),
            ("a skin tone", "👍\u{1F3FD}", "👍"),
            ("tags", "🏴\u{E0067}\u{E007F}", "🏴"),
            ("marks do not pile up", "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}!", "e\u{301}\u{301}\u{301}\u{301}!"),
        ];
        for (sentence, text, expected) in cases {
            assert_eq!(sanitise(text), expected, "{sentence}");
        }
    }

    #[test]
    fn a_text_full_of_unfinished_strings_takes_no_longer_than_others() {
        let text = "\u{1B}]x".repeat(10_000);
        assert_eq!(sanitise(&text).chars().filter(|c| *c == 'x').count(), 10_000);
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_is_left(text in hostile()) {
            let clean = sanitise(&text);
            prop_assert!(!clean.chars().any(|c| {
                is_control(c) || is_bidi_control(c) || is_line_break(c) || is_invisible(c)
            }), "{clean:?}");
            prop_assert_eq!(sanitise(&clean), clean.as_ref());
        }
    }

    /// Any text at all, with the dangerous characters far more often than chance gives them.
    fn hostile() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            any::<char>().prop_map(String::from),
            (0x00u32..0xA0).prop_map(|c| char::from_u32(c).map(String::from).unwrap_or_default()),
            (0x2000u32..0x2070).prop_map(|c| char::from_u32(c).map(String::from).unwrap_or_default()),
            Just("\u{1B}]8;;http://x\u{7}".to_owned()),
            Just("\u{1B}[".to_owned()),
            "[ -~]{0,4}",
        ];
        proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
    }
}
