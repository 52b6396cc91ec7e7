//! Whatever a job's log holds and however it is split, its lines only print, and they are the same.

#![no_main]

use glwatch::text::log::{CleanerEvent, LogCleaner};
use libfuzzer_sys::fuzz_target;

fn events<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |event: CleanerEvent<'_>| {
        if let CleanerEvent::Line(line) = event {
            assert!(!line.text.chars().any(|c| c.is_control() && c != '\t'), "{:?}", line.text);
            assert!(!line.text.contains(|c| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')));
        }
        found.push(format!("{event:?}"));
    };
    let mut cleaner = LogCleaner::with_colours();
    pieces.into_iter().for_each(|piece| cleaner.push(piece, &mut note));
    cleaner.finish(&mut note);
    found
}

fuzz_target!(|bytes: &[u8]| {
    let size = bytes.first().map_or(1, |first| usize::from(*first % 16) + 1);
    assert_eq!(events([bytes]), events(bytes.chunks(size)));
});
