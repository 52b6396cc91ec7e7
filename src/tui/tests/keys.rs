//! What each key and each update does.

use super::*;
use crate::tui::app::Modal;
use crate::tui::filter::QuickFilter;

/// The number of the row under the cursor, and of the first that is shown.
type Place = (Option<usize>, usize);

/// The projects of the rows, in their order.
fn ids(app: &App) -> Vec<u64> {
    app.overview.lines.iter().filter_map(|line| Some(line.row()?.key.project.0)).collect()
}

/// What is laid out for as many lines.
fn drawn_rows(app: &App, room: usize) -> Vec<Row> {
    let list = &app.overview;
    let shown = list.lines.iter().skip(list.offset).take(room).filter_map(|line| line.row());
    shown.filter_map(|row| list.row(&app.facts, row)).collect()
}

fn place(app: &App) -> Place {
    (app.overview.cursor_index(), app.overview.offset)
}

#[test]
fn the_cursor_stays_among_the_rows_and_in_sight() {
    use KeyCode::{Char, Down, End, Esc, Home, PageDown, PageUp, Up};
    // Thirty rows, of which ten are shown.
    let cases: [(&str, &[KeyCode], Place); 13] = [
        ("it was not moved", &[], (None, 0)),
        ("the first key shows it", &[Down], (Some(0), 0)),
        ("then it moves", &[Down, Down, Char('j')], (Some(2), 0)),
        ("and back", &[Down, Down, Char('k')], (Some(0), 0)),
        ("not above the first", &[Down, Up, Up], (Some(0), 0)),
        ("the last", &[End], (Some(29), 20)),
        ("not below the last", &[Char('G'), Down, PageDown], (Some(29), 20)),
        ("a page down", &[Down, PageDown], (Some(10), 1)),
        ("a page down at once", &[PageDown], (Some(10), 1)),
        ("a page up from within the first", &[Down, Down, PageUp], (Some(0), 0)),
        ("a page up from the last", &[End, PageUp], (Some(19), 19)),
        ("the first again", &[End, Home], (Some(0), 0)),
        ("let go", &[End, Esc], (None, 0)),
    ];
    for (sentence, keys, expected) in cases {
        let mut app = app(many(30), 80, 14, Instant::now());
        for key in keys {
            assert!(press(&mut app, *key).is_empty());
        }
        assert_eq!(place(&app), expected, "{sentence}");
    }
}

#[test]
fn keys_without_any_row_do_no_harm() {
    for key in [KeyCode::Down, KeyCode::End, KeyCode::PageUp, KeyCode::Char('o'), KeyCode::Char('f')] {
        let mut empty = App::new(options(), 80, 24, Instant::now());
        assert!(press(&mut empty, key).is_empty());
        let mut app = app(vec![], 80, 24, Instant::now());
        assert!(press(&mut app, key).is_empty());
        assert_eq!(place(&app), (None, 0));
    }
}

#[test]
fn a_row_under_the_cursor_stays_on_its_line_when_the_order_changes() {
    let now = Instant::now();
    let mut app = app(many(30), 80, 14, now);
    (0..4).for_each(|_| drop(press(&mut app, KeyCode::Down)));
    assert_eq!(place(&app), (Some(3), 0));
    // Two others fail and go to the top: p03 is the sixth row then, and still the fourth line.
    let mut rows = many(30);
    rows[20] = project(20, "p20", "failed", 1, "build=failed");
    rows[21] = project(21, "p21", "failed", 1, "build=failed");
    give(&mut app, snapshot(rows, vec![]), now);
    assert_eq!(app.overview.cursor_row().map(|(row, _)| row.key.project), Some(ProjectId(3)));
    assert_eq!(place(&app), (Some(5), 2));
}

#[test]
fn without_a_cursor_the_view_stays_at_the_top_where_the_failures_appear() {
    let now = Instant::now();
    let mut app = app(many(30), 80, 14, now);
    let mut rows = many(30);
    rows[20] = project(20, "p20", "failed", 1, "build=failed");
    give(&mut app, snapshot(rows, vec![]), now);
    assert_eq!((place(&app), ids(&app)[0]), ((None, 0), 20));
    assert_eq!(app.alerts.len(), 1);
}

#[test]
fn the_cursor_of_a_row_that_leaves_goes_to_what_takes_its_place() {
    let now = Instant::now();
    let mut app = app(many(30), 80, 14, now);
    press(&mut app, KeyCode::End);
    give(&mut app, snapshot(many(25), vec![]), now);
    assert_eq!(place(&app), (Some(24), 15));
    give(&mut app, snapshot(vec![], vec![]), now);
    assert_eq!(place(&app), (None, 0));
}

#[test]
fn the_ref_of_a_row_may_change_under_the_cursor() {
    let now = Instant::now();
    let mut app = app(many(3), 80, 24, now);
    press(&mut app, KeyCode::End);
    let mut rows = many(3);
    if let RowState::Ok(pipelines) = &mut rows[2].state {
        let pipelines = Arc::make_mut(pipelines);
        pipelines[0].git_ref.name = "fix".into();
    }
    give(&mut app, snapshot(rows, vec![]), now);
    assert_eq!(place(&app).0, Some(2));
}

#[test]
fn the_filter_hides_what_needs_nobody_and_shows_it_again() {
    let mut app = app(one_of_each(), 80, 24, Instant::now());
    assert_eq!(ids(&app).len(), 7);
    type_keys(&mut app, "f");
    assert_eq!(ids(&app), [1, 4, 7], "{:?}", ids(&app));
    assert_eq!(app.facts.counts.iter().map(|count| count.n).sum::<usize>(), 7, "the counts are of all");
    type_keys(&mut app, "f");
    assert_eq!(ids(&app).len(), 7);
}

#[test]
fn the_orders_follow_each_other_and_come_round() {
    let mut app = app(one_of_each(), 80, 24, Instant::now());
    let mut seen = vec![app.overview.order];
    for (word, _) in RowOrder::ALL.iter().cycle().skip(1).take(RowOrder::ALL.len()) {
        type_keys(&mut app, "s");
        assert_eq!(app.notice.as_deref(), Some(format!("sorted by {word}").as_str()));
        seen.push(app.overview.order);
    }
    assert_eq!(seen.first(), seen.last());
    seen.pop();
    assert_eq!(seen, RowOrder::ALL.map(|(_, sort)| sort));
}

#[test]
fn only_pages_of_the_host_itself_are_opened() {
    let cases = [
        (Some("https://gitlab.example.com/acme/p00"), true, None),
        (Some("https://gitlab.example.com.evil.com/acme"), false, Some("leads to another host")),
        (Some("http://gitlab.example.com/acme"), false, Some("leads to another host")),
        (Some("javascript:alert(1)"), false, Some("leads to another host")),
        (Some("file:///etc/passwd"), false, Some("leads to another host")),
        (None, false, Some("no page to open")),
    ];
    for (url, is_opened, notice) in cases {
        let mut rows = many(1);
        Arc::make_mut(&mut rows[0].project).web_url = None;
        if let RowState::Ok(pipelines) = &mut rows[0].state {
            let pipelines = Arc::make_mut(pipelines);
            pipelines[0].web_url = url.map(str::to_owned);
        }
        let mut app = app(rows, 80, 24, Instant::now());
        assert!(type_keys(&mut app, "o").is_empty(), "opened without a cursor");
        assert!(app.notice.is_some());
        press(&mut app, KeyCode::Down);
        let expected: Vec<ViewEffect> =
            url.filter(|_| is_opened).map(|url| ViewEffect::Open(url.into())).into_iter().collect();
        assert_eq!(said(&type_keys(&mut app, "o")), said(&expected), "{url:?}");
        let told = app.notice.as_deref();
        assert!(notice.map_or(told.is_none(), |words| told.is_some_and(|told| told.contains(words))), "{told:?}");
    }
}

#[test]
fn the_help_takes_all_keys_but_those_that_must_work_everywhere() {
    let mut app = app(many(30), 80, 14, Instant::now());
    assert!(type_keys(&mut app, "?Gfso").is_empty());
    assert_eq!((app.modal.clone(), place(&app)), (Some(Modal::Help { offset: 0 }), (None, 0)));
    assert_eq!((app.overview.order, app.overview.quick), (RowOrder::Attention, QuickFilter::All));
    type_keys(&mut app, "jj");
    assert_eq!(app.modal, Some(Modal::Help { offset: 2 }), "it scrolls");
    for close in [KeyCode::Char('q'), KeyCode::Char('?'), KeyCode::Esc] {
        app.modal = Some(Modal::Help { offset: 0 });
        assert!(press(&mut app, close).is_empty());
        assert_eq!(app.modal, None);
    }
    for (key, expected) in [('c', "Interrupt"), ('z', "Suspend")] {
        app.modal = Some(Modal::Help { offset: 0 });
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
        assert_eq!(said(&update(&mut app, ViewEvent::Key(key), Instant::now())), [expected]);
    }
}

#[test]
fn q_quits_and_an_unknown_key_does_nothing() {
    let mut app = app(many(1), 80, 24, Instant::now());
    assert!(type_keys(&mut app, "yu").is_empty());
    assert_eq!(said(&type_keys(&mut app, "q")), ["Quit"]);
}

#[test]
fn news_grow_old() {
    let now = Instant::now();
    let mut app = app(many(2), 80, 24, now);
    give(&mut app, snapshot(vec![project(0, "p00", "failed", 1, ""), many(2).remove(1)], vec![]), now);
    assert_eq!(app.alerts.len(), 1);
    update(&mut app, ViewEvent::Tick, now + Duration::from_secs(59));
    assert_eq!(app.alerts.len(), 1);
    update(&mut app, ViewEvent::Tick, now + Duration::from_secs(60));
    assert_eq!(app.alerts.len(), 0);
}

/// The newest snapshot again, as it is read so many minutes later: what has not changed is shared.
fn later(app: &App, minutes: i64) -> WatchUpdate {
    let mut snapshot = (**app.facts.update.snapshot.as_ref().unwrap()).clone();
    snapshot.taken_at += TimeDelta::minutes(minutes);
    WatchUpdate { snapshot: Some(Arc::new(snapshot)), ..app.facts.update.clone() }
}

fn ages(app: &App) -> Vec<String> {
    let text = |row: &Row| app.overview.measures.line(row).last().unwrap().spans.last().unwrap().text.clone();
    drawn_rows(app, app.table_room()).iter().map(text).collect()
}

#[test]
fn where_nothing_happens_ages_go_on() {
    let now = Instant::now();
    let mut app = app(many(2), 80, 24, now);
    assert_eq!(ages(&app), ["10m", "10m"]);
    // Narrower than before, wider, and wider than the column was.
    for (minutes, age) in [(50, "1h"), (11 * 60, "12h"), (200 * 24 * 60, "200d")] {
        let news = later(&app, minutes);
        give(&mut app, news, now);
        assert_eq!(ages(&app), [age, age]);
    }
}
