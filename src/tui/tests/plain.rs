//! The view without a picture.

use super::*;
use crate::tui::plain::PlainView;

fn plain(rows: Vec<ProjectRow>, now: Instant) -> (PlainView, Vec<String>) {
    use crate::report::cell::Column;
    let options = ViewOptions { columns: Some(Column::IN_WORDS.to_vec()), ..options() };
    let mut view = PlainView::new(options, now);
    let (lines, _) = view.take(ViewEvent::Update(Box::new(snapshot(rows, vec![]))), now);
    (view, lines)
}

#[test]
fn the_first_reading_is_written_as_a_summary_and_numbered_lines() {
    let now = Instant::now();
    let (_, lines) = plain(one_of_each(), now);
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_changes_is_added_and_a_number_opens_what_it_stood_for() {
    let now = Instant::now();
    let (mut view, lines) = plain(one_of_each(), now);
    let number = lines.iter().find(|line| line.contains("payments/api")).unwrap().split('.').next().unwrap().to_owned();
    let mut rows = one_of_each();
    rows[2] = project(3, "web/shop", "failed", 1, "build=success test=failed deploy=skipped");
    let before = view.app.facts.update.whole().cloned().unwrap();
    let after = snapshot(rows, vec![]);
    let news = ChangeNews::Changes(changes(Some(&before), after.whole().unwrap(), 0).into());
    let (lines, _) = view.take(ViewEvent::Changes(news), now);
    assert_eq!(lines, ["12:00 web/shop broke main #8103: success to failed"]);
    let (lines, _) = view.take(ViewEvent::Update(Box::new(after)), now);
    assert_eq!(lines, [""; 0]);
    let (lines, effects) = view.typed(&number, now);
    assert!(lines[0].starts_with("acme/payments/api"), "{lines:?}");
    assert_eq!(said(&effects), ["LookBack"]);
    let (lines, _) = view.typed("1", now);
    assert!(lines[0].contains("#8101") && lines.iter().any(|line| line == "test, failed"), "{lines:?}");
    let (lines, _) = view.typed("back", now);
    assert!(lines[0].starts_with("acme/payments/api"), "{lines:?}");
}

#[test]
fn an_action_is_done_after_a_yes_in_full_and_never_without() {
    let now = Instant::now();
    let (mut view, _) = plain(one_of_each(), now);
    let _ = view.typed("all", now);
    let (lines, effects) = view.typed("cancel 4", now);
    assert!(effects.is_empty() && lines[0].starts_with("Cancel ") && lines[0].contains("Type yes"), "{lines:?}");
    let (lines, effects) = view.typed("maybe", now);
    assert_eq!((lines.concat().as_str(), effects.len()), ("nothing was done", 0));
    let _ = view.typed("cancel 4", now);
    assert_eq!(said(&view.typed("yes", now).1), ["Act"]);
}

#[test]
fn what_makes_no_sense_is_answered() {
    let now = Instant::now();
    let (mut view, _) = plain(one_of_each(), now);
    let cases = [
        ("99", "there is no line 99"),
        ("0", "there is no line 0"),
        ("retry x", "that is no number"),
        ("frobnicate", "there is no word \"frobnicate\" here; help writes all"),
        ("filter age:<soon", "age"),
        ("whole", "no log is open"),
        ("save x.log", "no log is open"),
        ("S", "no log is open"),
        ("| wc -l", "no log is open"),
        ("pipe", "name a program behind pipe"),
        ("|", "name a program behind pipe"),
        ("help", "A number opens that line"),
    ];
    for (typed, words) in cases {
        let (lines, effects) = view.typed(typed, now);
        assert!(lines.concat().contains(words) && effects.is_empty(), "{typed}: {lines:?}");
    }
    assert_eq!(said(&view.typed("quit", now).1), ["Quit"]);
}

#[test]
fn no_sign_of_a_picture_is_written_anywhere() {
    let now = Instant::now();
    let (mut view, mut all) = plain(one_of_each(), now);
    for typed in ["all", "failures", "1", "back", "active", "events", "problems", "all", "1", "1", "1", "list"] {
        all.extend(view.typed(typed, now).0);
    }
    let text = all.join("\n");
    let is_sign = |c: char| !c.is_ascii() && !c.is_alphanumeric() && c != '\u{FFFD}';
    let signs: Vec<char> = text.chars().filter(|c| is_sign(*c) || c.is_control() && *c != '\n').collect();
    assert!(signs.is_empty(), "{signs:?} in\n{text}");
}

#[test]
fn a_log_is_saved_and_given_to_a_program() {
    use crate::collect::log_service::{LogMessage, LogNews};
    let now = Instant::now();
    let (mut view, _) = plain(super::screens::group(), now);
    let _ = view.typed("log 1", now);
    let message = |news| LogMessage { request: 1, news };
    let log = LogNews::Piece(b"section_start:1:s[collapsed=true]\r\x1b[0KHead\ninside\n".to_vec());
    let (lines, _) = view.take(ViewEvent::Log(vec![message(log), message(LogNews::Over)]), now);
    // What is only ever added cannot be unfolded.
    assert_eq!(lines, ["log, 2 lines", "1 Head", "2 inside"]);
    let cases: [(&str, Result<&[&str], &str>); 7] = [
        ("| grep -n 'a b'", Ok(&["grep", "-n", "a b"])),
        ("|wc", Ok(&["wc"])),
        ("pipe sort -u", Ok(&["sort", "-u"])),
        ("pipe 'x", Err("a quotation mark is not closed")),
        ("save of mine.log", Ok(&["of mine.log"])),
        ("S b.log", Ok(&["b.log"])),
        ("save", Ok(&["invoices-unit-13.log"])),
    ];
    for (typed, expected) in cases {
        let (lines, effects) = view.typed(typed, now);
        match (expected, &effects[..]) {
            (Ok(wanted), [ViewEffect::Page { words, text }]) => assert_eq!(
                (&words[..], text.as_str()),
                (&wanted.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()[..], "Head\ninside\n"),
                "{typed}"
            ),
            (Ok(wanted), [ViewEffect::Save { path, .. }]) => assert_eq!(wanted, [path.as_str()], "{typed}"),
            (Err(why), []) => assert_eq!(lines, [why], "{typed}"),
            other => panic!("{typed}: {other:?}"),
        }
    }
}

#[test]
fn a_question_that_waited_for_the_token_is_written_before_it_can_be_answered() {
    let now = Instant::now();
    let (mut view, _) = plain(super::screens::group(), now);
    view.app.rights = TokenRights::Unknown;
    let (lines, effects) = view.typed("retry 1", now);
    assert_eq!(said(&effects), ["CheckToken"], "{lines:?}");
    let (lines, _) = view.take(ViewEvent::Rights(TokenRights::May), now);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("Retry 1 failed job") && lines[0].contains("Type yes"), "{lines:?}");
    assert!(view.take(ViewEvent::Tick, now).0.is_empty(), "it is written once");
    assert_eq!(said(&view.typed("yes", now).1), ["Act"]);
}

#[test]
fn attention_and_all_end_a_filter_and_a_filter_goes_back_to_the_list() {
    let now = Instant::now();
    let (mut view, first) = plain(one_of_each(), now);
    let count = |lines: &[String]| lines.iter().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    let (lines, _) = view.typed("filter shop", now);
    // The summary begins with a number, too.
    assert_eq!(count(&lines), 2, "{lines:?}");
    // What is wrong was written before it.
    assert_eq!(view.typed("attention", now).0, first[1..]);
    let _ = view.typed("filter shop", now);
    assert_eq!(count(&view.typed("all", now).0), 8);
    let _ = view.typed("events", now);
    let (lines, _) = view.typed("filter shop", now);
    assert!(lines.iter().any(|line| line.contains("web/shop")) && count(&lines) == 2, "{lines:?}");
}

#[test]
fn more_reads_older_pipelines_and_they_are_written_when_they_come() {
    use crate::collect::pipeline_page::{NextPage, PipelinePage, PipelinePageAnswer};
    let now = Instant::now();
    let (mut view, _) = plain(one_of_each(), now);
    assert!(view.typed("more", now).0.concat().contains("open one first"));
    let (lines, _) = view.typed("1", now);
    assert_eq!(lines.last().map(String::as_str), Some("more reads older ones"));
    let (lines, effects) = view.typed("more", now);
    assert_eq!((said(&effects), lines), (vec!["ReadPipelines".to_owned()], vec!["reading older ones 0s".to_owned()]));
    let project = Arc::clone(&view.app.facts.rows()[0].project);
    let outcome = Ok(PipelinePage { pipelines: vec![], next: NextPage::Oldest });
    let (lines, _) = view.take(ViewEvent::Pipelines(Box::new(PipelinePageAnswer { project, outcome })), now);
    assert_eq!(lines, ["there are no older ones"]);
}

#[test]
fn a_log_misses_nothing_while_another_screen_is_above_it() {
    use crate::collect::log_service::{LogMessage, LogNews};
    let now = Instant::now();
    let (mut view, _) = plain(super::screens::group(), now);
    let _ = view.typed("log 1", now);
    let take = |view: &mut PlainView, text: &str| {
        let news = LogNews::Piece(text.as_bytes().to_vec());
        let message = |news| LogMessage { request: 1, news };
        view.take(ViewEvent::Log(vec![message(news), message(LogNews::UpToDate)]), now).0
    };
    take(&mut view, "one\ntw");
    let _ = view.typed("problems", now);
    assert!(take(&mut view, "o\nthree\n\n").is_empty());
    let (lines, _) = view.typed("back", now);
    assert!(lines.ends_with(&["1 one".into(), "2 two".into(), "3 three".into(), String::new()]), "{lines:?}");
}
