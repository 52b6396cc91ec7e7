//! The real binary in a real terminal.

use crate::support::Env;
use glwatch::sim::{Options, Sim};
use unicode_width::UnicodeWidthStr;

#[test]
fn no_line_is_wider_than_the_terminal() {
    let sim = Sim::start(Options::default()).unwrap();
    for columns in [20, 40, 80, 120, 200, 300] {
        let screen = Env::new().run_in_terminal(&["--host", sim.url(), "--group-id", "12345"], columns, 100);
        assert_eq!(screen.code, 0, "{}", screen.contents);
        // A line that wraps would make the terminal show more lines than were written.
        let written = screen.raw.lines().count();
        let shown = screen.contents.lines().count();
        assert!(shown <= written, "{columns} columns: {written} lines became {shown}\n{}", screen.contents);
        let widest = screen.contents.lines().map(UnicodeWidthStr::width).max();
        assert!(widest <= Some(usize::from(columns)), "{}", screen.contents);
    }
}
