//! The sections of a log: folded one by one and all together, gone to, and never in the way of an error.

use super::pictures::picture;
use super::screens::group;
use super::*;
use crate::collect::log_service::{LogMessage, LogNews};
use crate::tui::log_view::LogView;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// A log as the runner writes it: sections one after another, one in another, one that the log wants folded.
const LOG: &str = "Running with gitlab-runner 18.6\n\
    section_start:1:prepare\r\u{1B}[0KPreparing environment\nimage pulled\nsection_end:2:prepare\r\u{1B}[0K\
    section_start:3:cache[collapsed=true]\r\u{1B}[0KRestoring cache\na.zip\nb.zip\nsection_end:4:cache\r\u{1B}[0K\
    section_start:5:script\r\u{1B}[0KExecuting step_script\n$ make test\n\
    section_start:6:unit\r\u{1B}[0KUnit tests\npassed 1\nerror: 2 failed\nsection_end:7:unit\r\u{1B}[0K\
    make: done\nsection_end:8:script\r\u{1B}[0KERROR: Job failed: exit code 1\n";

fn message(news: LogNews) -> LogMessage {
    LogMessage { request: 1, news }
}

fn piece(text: &str) -> LogMessage {
    message(LogNews::Piece(text.as_bytes().to_vec()))
}

/// The log of the job that failed, or with `j` of the one that runs.
fn opened(keys: &str, log: Vec<LogMessage>, (width, height): (u16, u16)) -> App {
    let now = Instant::now();
    let mut app = app(group(), width, height, now);
    press(&mut app, KeyCode::Tab);
    type_keys(&mut app, keys);
    update(&mut app, ViewEvent::Log(log), now);
    app
}

fn ended(log: &str) -> Vec<LogMessage> {
    vec![piece(log), message(LogNews::Over)]
}

fn sees(app: &App, text: &str) -> bool {
    picture(app).contains(text)
}

#[test]
fn the_sections_of_a_log_at_four_sizes() {
    for (width, height) in [(50, 15), (80, 24), (120, 40), (200, 60)] {
        let mut app = opened("l", ended(LOG), (width, height));
        insta::assert_snapshot!(format!("sections_{width}x{height}"), picture(&app));
        type_keys(&mut app, "}}} ");
        insta::assert_snapshot!(format!("sections_folded_{width}x{height}"), picture(&app));
    }
}

#[test]
fn sections_fold_one_by_one() {
    // What is typed, what is seen then and what is not.
    let cases: [(&str, &str, &[&str], &[&str]); 9] = [
        ("as GitLab shows it", "", &["- Preparing", "image pulled", "+ Restoring cache (2 lines)"], &["a.zip"]),
        ("the first one in view", " ", &["+ Preparing environment (1 line)", "$ make"], &["image pulled"]),
        ("and back", "  ", &["- Preparing", "image pulled"], &[]),
        ("one that was gone to", "}} ", &["- Restoring cache", "a.zip", "image pulled"], &[]),
        ("the one before", "}}{ ", &["+ Preparing"], &["image pulled"]),
        ("with those in it", "}}} ", &["+ Executing step_script (5 lines, 1 error)"], &["Unit tests", "make: done"]),
        ("one in another", "}}}} ", &["- Executing", "+ Unit tests (2 lines, 1 error)", "make: done"], &["passed 1"]),
        ("all but the telling ones", "z", &["+ Preparing", "+ Restoring", "error: 2 failed"], &["image pulled"]),
        ("all and back", "zz", &["image pulled", "a.zip", "error: 2 failed"], &["+ "]),
    ];
    for (sentence, keys, seen, unseen) in cases {
        let mut app = opened("l", ended(LOG), (100, 40));
        type_keys(&mut app, keys);
        seen.iter().for_each(|text| assert!(sees(&app, text), "{sentence}: {text}\n{}", picture(&app)));
        unseen.iter().for_each(|text| assert!(!sees(&app, text), "{sentence}: {text}\n{}", picture(&app)));
    }
}

#[test]
fn an_error_in_a_folded_section_is_marked_and_gone_to() {
    let mut app = opened("l", ended(LOG), (100, 40));
    type_keys(&mut app, "}}}} {");
    type_keys(&mut app, " ");
    let marked = |app: &App| picture(app).lines().any(|line| line.contains('!') && line.contains("+ Executing"));
    assert!(marked(&app) && !sees(&app, "error: 2 failed"), "{}", picture(&app));
    type_keys(&mut app, "n");
    assert!(sees(&app, "error: 2 failed") && sees(&app, "- Unit tests"), "{}", picture(&app));
}

#[test]
fn a_section_that_goes_on_is_folded_while_the_log_is_followed() {
    let mut app = opened("jl", vec![piece("before\nsection_start:1:s\r\u{1B}[0KCompiling\nfirst\n")], (80, 24));
    type_keys(&mut app, " ");
    assert!(sees(&app, "+ Compiling (goes on)") && !sees(&app, "first"), "{}", picture(&app));
    let now = app.facts.now;
    update(&mut app, ViewEvent::Log(vec![piece("second\nerror: third\n")]), now);
    assert!(sees(&app, "+ Compiling (goes on, with errors)") && !sees(&app, "second"), "{}", picture(&app));
    update(&mut app, ViewEvent::Log(vec![piece("section_end:1:s\r\u{1B}[0Kafter\n")]), now);
    assert!(sees(&app, "+ Compiling (3 lines, 1 error)") && sees(&app, "after"), "{}", picture(&app));
    assert!(sees(&app, "following"), "{}", picture(&app));
    type_keys(&mut app, " ");
    assert!(sees(&app, "error: third"), "{}", picture(&app));
}

#[test]
fn odd_sections_hide_nothing_that_cannot_be_shown_again() {
    let start = |name: &str| format!("section_start:1:{name}\r\u{1B}[0K");
    let end = |name: &str| format!("section_end:1:{name}\r\u{1B}[0K");
    let cases = [
        ("never ended", format!("{}Head\ninside\n", start("a"))),
        ("two begin in one line", format!("{}{}Head\ninside\n", start("outer"), start("inner"))),
        ("no header", format!("{}\ninside\n", start("a"))),
        ("one ends that never began", format!("{}{}Head\ninside\n{}", end("x"), start("a"), end("y"))),
        ("they cross", format!("{}Head\n{}Other\ninside\n{}{}", start("a"), start("b"), end("a"), end("b"))),
        ("folded from the start", format!("{}Head\ninside\n{}", start("a[collapsed=true]"), end("a"))),
    ];
    for (sentence, log) in cases {
        let mut app = opened("l", ended(&log), (80, 24));
        let seen = ["", "z", "z"].map(|keys| {
            type_keys(&mut app, keys);
            sees(&app, "inside")
        });
        assert!(seen.contains(&true), "{sentence}\n{}", picture(&app));
        let log = app.opened.last().and_then(|screen| screen.log.as_ref()).map(LogView::text).unwrap();
        assert!(log.contains("inside\n") && !log.contains("outer"), "{sentence}: what is saved is the log: {log:?}");
    }
    let mut app = opened("l", ended("no section\n"), (80, 24));
    type_keys(&mut app, " ");
    assert_eq!(app.notice.as_deref(), Some("no section of the log is in view"));
    type_keys(&mut app, "}");
    assert_eq!(app.notice.as_deref(), Some("there is no further section"));
}

#[test]
fn a_section_whose_header_was_dropped_is_not_hidden_for_ever() {
    let mut app = opened("l", vec![piece("section_start:1:s\r\u{1B}[0KHead\nfirst\n")], (80, 24));
    type_keys(&mut app, " ");
    let many: String = (0..30_000).map(|n| format!("line {n}\n")).collect();
    let now = app.facts.now;
    update(&mut app, ViewEvent::Log(ended(&many)), now);
    press(&mut app, KeyCode::End);
    assert!(sees(&app, "line 29999"), "{}", picture(&app));
    assert!(sees(&app, "log, 30002 lines") || picture(&app).contains("overview"), "{}", picture(&app));
}

#[test]
fn a_click_on_a_header_folds_its_section() {
    let mut app = opened("l", ended(LOG), (100, 40));
    type_keys(&mut app, "M");
    let row = picture(&app).lines().position(|line| line.contains("- Preparing")).unwrap();
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = MouseEvent { kind, column: 12, row: u16::try_from(row).unwrap(), modifiers: KeyModifiers::NONE };
    let now = app.facts.now;
    update(&mut app, ViewEvent::Mouse(click), now);
    assert!(sees(&app, "+ Preparing environment (1 line)"), "{}", picture(&app));
}

#[test]
fn the_next_error_is_found_in_wrapped_lines_and_behind_folded_sections() {
    let now = Instant::now();
    for keys in ["", "w", "z", "wz"] {
        let mut app = app(group(), 80, 24, now);
        press(&mut app, KeyCode::Tab);
        type_keys(&mut app, "l");
        let mut log = String::new();
        for n in 0..30 {
            log.push_str(&format!("section_start:1:s{n}\r\u{1B}[0Kstep {n}\n{}\n", "long ".repeat(60)));
            let text = if n % 10 == 9 { format!("error: number {n} was wrong\n") } else { "fine\n".into() };
            log.push_str(&format!("{text}section_end:1:s{n}\r\u{1B}[0K\n"));
        }
        update(&mut app, ViewEvent::Log(vec![piece(&log), message(LogNews::Over)]), now);
        type_keys(&mut app, keys);
        for n in [9, 19, 29] {
            type_keys(&mut app, "n");
            assert!(picture(&app).contains(&format!("error: number {n} was wrong")), "{keys} {n}\n{}", picture(&app));
        }
        type_keys(&mut app, "NN");
        assert!(picture(&app).contains("error: number 9 was wrong"), "{keys}\n{}", picture(&app));
    }
}
