use super::*;
use crate::text::sanitise::{is_bidi_control, is_control, is_invisible};
use proptest::prelude::*;

/// Cleans a log given in pieces: a line as `NUMBER:TEXT`, a section as `+NAME` and `-NAME`.
fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, mut cleaner: LogCleaner) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |event: CleanerEvent<'_>| {
        found.push(match event {
            CleanerEvent::Line(line) => format!("{}:{}", line.number, line.painted()),
            CleanerEvent::SectionStart { name, .. } => format!("+{name}"),
            CleanerEvent::SectionEnd { name, .. } => format!("-{name}"),
        });
    };
    pieces.into_iter().for_each(|piece| cleaner.push(piece, &mut note));
    cleaner.finish(&mut note);
    found
}

fn clean(log: &[u8]) -> Vec<String> {
    events([log], LogCleaner::new())
}

#[test]
fn a_log_is_lines_and_sections() {
    let cases: [(&str, &[u8], &[&str]); 25] = [
        ("nothing", b"", &[]),
        ("lines", b"one\ntwo\n", &["1:one", "2:two"]),
        ("a last line without its end", b"one\ntwo", &["1:one", "2:two"]),
        ("an empty line is kept and not counted", b"one\n\ntwo\n", &["1:one", "1:", "2:two"]),
        ("Windows", b"one\r\ntwo\r\r\n", &["1:one", "2:two"]),
        ("tabs stay", b"a\tb\n", &["1:a\tb"]),
        ("letters beyond ASCII stay", "größe 日本 🚀\n".as_bytes(), &["1:größe 日本 🚀"]),
        ("bytes that are no text", b"a\xFF\xFEb\xC3\n\xE2\x82", &["1:a��b�", "2:�"]),
        ("a progress bar shows its last state", b"10%\r50%\r100% done\r\n", &["1:100% done"]),
        ("shorter text replaces the whole line", b"100% done\rok\n", &["1:ok"]),
        ("a return with nothing after it keeps the line", b"done\r\x1b[0m\n", &["1:done"]),
        ("a return and an erasure", b"working\r\x1b[K\n", &["1:"]),
        ("the whole line erased", b"working\x1b[2K\x1b[1Gok\n", &["1:ok"]),
        ("a spinner", b"go |\x08/\x08-\x08 \x08\n", &["1:go "]),
        ("backspaces beyond the start", b"a\x08\x08\x08b\n", &["1:b"]),
        ("control characters go", b"a\x00b\x07c\x0bd\x7fe\n", &["1:abcde"]),
        (
            "a section of the runner",
            b"section_start:1560896352:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting\x1b[0;m\x1b[0;m\n$ make\n\
              section_end:1560896353:step_script\r\x1b[0Ksection_start:1:after_script\r\x1b[0KRunning\n",
            &["+step_script", "1:Executing", "2:$ make", "-step_script", "+after_script", "3:Running"],
        ),
        (
            "a section of a script",
            b"\x1b[0Ksection_start:1:my_first.section-1[collapsed=true]\r\x1b[0KHeader\nin it\n\
              \x1b[0Ksection_end:2:my_first.section-1\r\x1b[0K\nafter\n",
            &["+my_first.section-1", "1:Header", "2:in it", "-my_first.section-1", "3:after"],
        ),
        ("text before a marker", b"oops section_end:2:a\r\x1b[0K\n", &["1:oops ", "-a"]),
        ("no marker without its end", b"section_start:1:a\nsection_start:1:b\rx\n", &["1:section_start:1:a", "2:x"]),
        ("no marker", b"section_start:x:a\r\x1b[0K\nsection_stop:1:a\r\x1b[0K\n", &["1:", "1:"]),
        (
            "timestamps",
            b"2026-11-20T19:00:00.123456Z 00O one\n2026-11-20T19:00:00.123457Z 01E two\n",
            &["1:one", "2:two"],
        ),
        (
            "a timestamp that joins",
            b"2026-11-20T19:00:00.123456Z 00O section_start:1:a\r\n2026-11-20T19:00:00.123456Z 00O+\x1b[0KHead\n\
              2026-11-20T19:00:00.123456Z 00O 10%\r\n2026-11-20T19:00:00.123456Z 00O+20%\r\n\
              2026-11-20T19:00:00.123456Z 00O+ done\n2026-11-20T19:00:00.123456Z 00O \n",
            &["+a", "1:Head", "2: done", "2:"],
        ),
        (
            "a line without one among timestamps",
            b"2026-11-20T19:00:00.123456Z 00O one\nshort\nlonger than any of the timestamps is\n",
            &["1:one", "2:short", "3:longer than any of the timestamps is"],
        ),
        (
            "a timestamp of the script's own, later",
            b"one\n2026-11-20T19:00:00.123456Z 00O two\n",
            &["1:one", "2:2026-11-20T19:00:00.123456Z 00O two"],
        ),
    ];
    for (sentence, log, expected) in cases {
        assert_eq!(clean(log), expected, "{sentence}");
    }
}

#[test]
fn a_hostile_log_does_nothing() {
    let cases: [(&str, &[u8], &[&str]); 20] = [
        ("a title", b"a\x1b]0;owned\x07b\n", &["1:ab"]),
        ("the clipboard", b"a\x1b]52;c;cm0gLXJmIH4=\x1b\\b\n", &["1:ab"]),
        ("a link", b"\x1b]8;;http://evil\x1b\\text\x1b]8;;\x1b\\\n", &["1:text"]),
        ("up and erase", b"one\n\x1b[1A\x1b[2Ktwo\x1b[3J\n", &["1:one", "2:two"]),
        ("the alternate screen", b"\x1b[?1049hin\x1b[?1049l\n", &["1:in"]),
        ("a saved cursor", b"\x1b7a\x1b8b\x1bc\n", &["1:ab"]),
        ("a device's data", b"a\x1bP$q\"p\x1b\\b\n", &["1:ab"]),
        ("APC, PM and SOS", b"a\x1b_G1\x1b\\b\x1b^x\x1b\\c\x1bXy\x1b\\d\n", &["1:abcd"]),
        ("an eight-bit CSI", b"\x9b31mred\n", &["1:red"]),
        ("the same as a character", "\u{9b}31mred\n".as_bytes(), &["1:red"]),
        ("an eight-bit OSC up to its ST", "a\u{9d}0;x\u{9c}b\n".as_bytes(), &["1:ab"]),
        ("an override of direction", "a\u{202e}cod.exe\n".as_bytes(), &["1:a�cod.exe"]),
        ("what is invisible", "ad\u{200b}min\u{feff}\u{e0041}\n".as_bytes(), &["1:admin"]),
        ("a title without an end hides one line at most", b"a\x1b]0;b\nc\n", &["1:a", "2:c"]),
        ("nor does it at the log's end", b"a\x1b]", &["1:a"]),
        ("a sequence cut off by a letter", "\x1b日本\n".as_bytes(), &["1:日本"]),
        ("letters in a string", "a\x1bP“✖”\x1b\\b\n".as_bytes(), &["1:ab"]),
        ("a sequence that makes no sense", b"a\x1b[3?5mb\n", &["1:ab"]),
        ("a sequence given up", b"a\x1b[31\x18b\x1b]0;\x1ac\n", &["1:abc"]),
        ("a colour is none", b"\x1b[1;31mred\x1b[0m\n", &["1:red"]),
    ];
    for (sentence, log, expected) in cases {
        assert_eq!(clean(log), expected, "{sentence}");
        let bytes: Vec<_> = log.chunks(1).collect();
        assert_eq!(events(bytes, LogCleaner::new()), expected, "{sentence}, byte by byte");
    }
}

#[test]
fn colours_are_written_anew() {
    let cases: [(&str, &[u8], &str); 10] = [
        ("none", b"a", "1:a"),
        ("red", b"a\x1b[31mb\x1b[0mc", "1:a\x1b[31mb\x1b[0mc"),
        ("bright and bold", b"\x1b[1;94mb", "1:\x1b[1;94mb\x1b[0m"),
        ("bold alone, and off again", b"\x1b[1ma\x1b[22mb", "1:\x1b[1ma\x1b[0mb"),
        ("no background, no blinking", b"\x1b[5;41ma", "1:a"),
        ("one of the sixteen by its number", b"\x1b[38;5;9ma\x1b[38:5:2mb", "1:\x1b[91ma\x1b[0m\x1b[32mb\x1b[0m"),
        ("others are left out whole", b"\x1b[38;5;31;1ma\x1b[38;2;31;32;33;22mb", "1:\x1b[1ma\x1b[0mb"),
        ("a background by its number", b"\x1b[48;5;1;32ma", "1:\x1b[32ma\x1b[0m"),
        ("a colour of nothing", b"\x1b[31m\x1b[32m\x1b[0ma\x1b[33m", "1:a"),
        ("a replaced line", b"\x1b[31mab\r\x1b[32mc", "1:\x1b[32mc\x1b[0m"),
    ];
    for (sentence, log, expected) in cases {
        assert_eq!(events([log], LogCleaner::with_colours()), [expected], "{sentence}");
    }
    let over_lines = events([b"\x1b[31ma\nb\n\x1b[0mc\n".as_slice()], LogCleaner::with_colours());
    assert_eq!(over_lines, ["1:\x1b[31ma\x1b[0m", "2:\x1b[31mb\x1b[0m", "3:c"]);
}

#[test]
fn a_line_without_end_is_cut_and_says_so() {
    let mut log = vec![b'x'; 10_000_000];
    log.extend_from_slice(b"section_end:1:a\r\x1b[0K\nnext\n");
    let found = events(log.chunks(4096), LogCleaner::new());
    let text = found[0].strip_prefix("1:").unwrap();
    assert!(text.starts_with("xxxx") && text.ends_with("x… 10 MB more on this line"), "{}", &text[text.len() - 40..]);
    assert!(text.len() < 17_000);
    assert_eq!(found[1..], ["-a", "2:next"]);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut bar = Vec::new();
    for n in 0..10_000 {
        bar.extend_from_slice(format!("\x1b[3{}m{n:>5}/10000 \x1b]0;{n} done\x1b\\[=====>    ]\r", n % 8).as_bytes());
    }
    let floods: [(&str, &[u8]); 7] = [
        ("a progress bar", &bar),
        ("no line end", &[b'x'; 4096]),
        ("colours without text", b"\x1b[31m\x1b[32m"),
        ("a colour a letter", b"\x1b[31ma\x1b[32mb"),
        ("a title without end", b"title title title"),
        ("parameters without end", b"31;32;"),
        ("half characters", b"\xF0\x9F"),
    ];
    for (sentence, flood) in floods {
        let mut cleaner = LogCleaner::with_colours();
        if sentence.ends_with("without end") {
            cleaner.push(b"one line so that the timestamps are known\n\x1b", &mut |_| {});
            cleaner.push(if sentence.starts_with("a title") { b"]" } else { b"[" }, &mut |_| {});
        }
        let mut sent = 0;
        // The bar is the one that comes in real logs: 50 MB of it.
        let total = if sentence == "a progress bar" { 50_000_000 } else { 2_000_000 };
        while sent < total {
            cleaner.push(flood, &mut |_| {});
            sent += flood.len();
        }
        assert!(cleaner.kept() < 1_000_000, "{sentence}: {} bytes", cleaner.kept());
    }
}

proptest! {
    #[test]
    fn nothing_acts_on_a_terminal(log in hostile()) {
        for line in clean(&log) {
            prop_assert!(!line.chars().any(|c| {
                is_control(c) && c != '\t' || is_bidi_control(c) || is_invisible(c)
            }), "{line:?}");
        }
        for line in events([log.as_slice()], LogCleaner::with_colours()) {
            let mut rest = line.as_str();
            while let Some((_, after)) = rest.split_once('\u{1B}') {
                let (codes, next) = after.strip_prefix('[').and_then(|after| after.split_once('m')).unwrap();
                prop_assert!(codes.split(';').all(|code| {
                    code.parse().is_ok_and(|code: u8| matches!(code, 0 | 1 | 30..=37 | 90..=97))
                }), "{line:?}");
                rest = next;
            }
            prop_assert!(line.matches('\u{1B}').count() % 2 == 0, "{line:?}");
        }
    }

    #[test]
    fn it_does_not_matter_how_a_log_is_split(log in hostile(), sizes in proptest::collection::vec(1usize..9, 1..9)) {
        let mut pieces = Vec::new();
        let mut rest = log.as_slice();
        for size in sizes.iter().cycle().take_while(|_| !log.is_empty()) {
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(events(pieces.clone(), LogCleaner::new()), clean(&log));
        prop_assert_eq!(events(pieces, LogCleaner::with_colours()), events([log.as_slice()], LogCleaner::with_colours()));
    }

    #[test]
    fn text_that_is_clean_stays(lines in proptest::collection::vec("[ -~äé日]{1,40}", 0..8)) {
        let cleaned = clean(lines.join("\n").as_bytes());
        let expected: Vec<_> = lines.iter().enumerate().map(|(n, line)| format!("{}:{line}", n + 1)).collect();
        prop_assert_eq!(cleaned, expected);
    }
}

/// Any bytes, with what means something in a log far more often than chance gives it.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "\u{1B}[",
        "\u{1B}]0;x",
        "\u{1B}]8;;http://x\u{7}",
        "\u{1B}P",
        "\u{1B}\\",
        "\u{1B}[31m",
        "\u{1B}[1;92m",
        "\u{1B}[0K",
        "\u{1B}[2K",
        "\r",
        "\n",
        "\r\n",
        "\u{8}",
        "\u{9B}",
        "\u{202E}",
        "日本",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}",
        "section_start:1:a\r\u{1B}[0K",
        "section_end:1:a\r\u{1B}[0K",
        "section_",
        "2026-11-20T19:00:00.123456Z 00O ",
        "2026-11-20T19:00:00.123456Z 01E+",
        "\n2026-11-20T19:00:00.123456Z 00O+",
    ];
    let part = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..6),
        (0x80u8..0xA0).prop_map(|byte| vec![byte]),
        proptest::sample::select(known.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        "[ -~]{0,6}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}
