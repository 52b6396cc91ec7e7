//! How it looks, at three sizes, without colour.

use super::*;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::past::{KnownPast, PipelinePast};
use crate::domain::snapshot::ProblemScope;
use crate::tui::view;
use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

pub(super) fn picture(app: &App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(app.width, app.height)).unwrap();
    terminal.draw(|frame| view::draw(app, frame)).unwrap();
    let lines = terminal.backend().to_string();
    lines.lines().map(|line| format!("{}\n", line.trim_matches('"').trim_end())).collect()
}

#[test]
fn before_the_first_reading_has_ended() {
    let app = App::new(options(), 50, 15, Instant::now());
    assert_snapshot!(picture(&app), @r#"
    12345             nothing read yet, reading for 0s

    waiting for the list of projects from
    gitlab.example.com for 0s










    q quit  ? help  r read now  f attention  s sort…
    "#);
}

#[test]
fn what_an_earlier_run_has_left_is_old_and_says_so() {
    let now = Instant::now();
    let failure = || Failure::new(FailureKind::Cached, "known from an earlier run");
    let old = |mut row: ProjectRow| {
        row.state = match row.state {
            RowState::Ok(pipelines) => RowState::Stale { pipelines, failure: failure() },
            state => state,
        };
        row
    };
    let problem = Problem { scope: ProblemScope::List, subject: "acme".into(), failure: failure() };
    let known =
        vec![project(1, "api", "success", 130, "build=success"), project(2, "web", "failed", 140, "build=failed")];
    let left = snapshot(known.into_iter().map(old).collect(), vec![problem]);
    let mut app = App::new(options(), 70, 8, now);
    let left = WatchUpdate::from_cache(TimeDelta::hours(2), Snapshot::clone(left.snapshot.as_ref().unwrap()));
    assert!(update(&mut app, ViewEvent::Update(Box::new(left)), now).is_empty());
    assert_snapshot!(picture(&app), @r#"
    acme @gitlab.example.com   ✗ 1  ✓ 1   2 projects   all 2h old, reading

    project  ref   pipeline                  stages   duration  age
    web      main  ✗ failed #8102 (2h old)   ✗ build    6m 12s   4h
    api      main  ✓ success #8101 (2h old)  ✓ build    6m 12s   4h


    q quit  ? help  r read now  f attention  s sort  o open
    "#);
    // What has failed since then has not failed just now.
    give(&mut app, snapshot(vec![project(1, "api", "failed", 5, "build=failed")], vec![]), now);
    assert_snapshot!(picture(&app), @r#"
    acme @gitlab.example.com   ✗ 1   1 project     read 0s ago, next in 7s

    project  ref   pipeline        stages   duration  age
    api      main  ✗ failed #8101  ✗ build    6m 12s   5m


    41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn at_80_by_24() {
    let now = Instant::now();
    assert_snapshot!(picture(&app(one_of_each(), 80, 24, now)), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects    read 0s ago, next in 7s
    no answer: 1 of 7 projects not read
    project           ref   pipeline          stages                   duration  age
    payments/api      main  ✗ failed #8101    ✓ build  ✗ test  » dep…    6m 12s   6m
    legacy/billing          ‼ error           no answer
    web/�evil�        main  ⊘ canceled #8107  ✓ build  ⊘ test            6m 12s   1h
    payments/gateway  main  ● running #8102   ✓ build  ● test  · dep…    6m 12s   3m
    web/shop          main  ✓ success #8103   ✓ build  ✓ test  ✓ dep…    6m 12s  20m
    secret/vault            ⊠ no access       no answer
    docs/handbook           – none            no pipeline yet












    41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn at_120_by_40() {
    let now = Instant::now();
    assert_snapshot!(picture(&app(one_of_each(), 120, 40, now)), @r#"
    acme @gitlab.example.com   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects                        read 0s ago, next in 7s
    no answer: 1 of 7 projects not read
    project           ref   pipeline          stages                     duration  age
    payments/api      main  ✗ failed #8101    ✓ build  ✗ test  » deploy    6m 12s   6m
    legacy/billing          ‼ error           no answer
    web/�evil�        main  ⊘ canceled #8107  ✓ build  ⊘ test              6m 12s   1h
    payments/gateway  main  ● running #8102   ✓ build  ● test  · deploy    6m 12s   3m
    web/shop          main  ✓ success #8103   ✓ build  ✓ test  ✓ deploy    6m 12s  20m
    secret/vault            ⊠ no access       no answer
    docs/handbook           – none            no pipeline yet




























    41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn at_50_by_15_with_more_rows_than_fit() {
    let now = Instant::now();
    let mut app = app([one_of_each(), many(30).split_off(8)].concat(), 50, 15, now);
    press(&mut app, KeyCode::PageDown);
    assert_snapshot!(picture(&app), @r#"
    acme  ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 23  ⊠ 1  – 1    0s ago
    no answer: 1 of 29 projects not read
    project           pipeline          stages
    legacy/billing    ‼ error           no answer
    web/�evil�        ⊘ canceled #8107  ✓ bui…  ⊘ test
    payments/gateway  ● running #8102   ✓ ● test ·
    p08               ✓ success #8108   ✓ build
    p09               ✓ success #8109   ✓ build
    p10               ✓ success #8110   ✓ build
    p11               ✓ success #8111   ✓ build
    p12               ✓ success #8112   ✓ build
    p13               ✓ success #8113   ✓ build
    p14               ✓ success #8114   ✓ build
    rows 2-11 of 29 · 41 requests at the last reading…
    q quit  ? help  r read now  f attention  s sort…
    "#);
}

#[test]
fn the_help_at_80_by_24() {
    let now = Instant::now();
    let mut app = app(one_of_each(), 80, 24, now);
    type_keys(&mut app, "?");
    assert_snapshot!(picture(&app), @r#"
    q           quit
    ?           this help
    r           read now
    f           only what wants attention, or all
    s           next order (attention, name, age...)
    o enter     open the pipeline in the browser
    ↑ k         one row up
    ↓ j         one row down
    page up     one screen up
    page down   one screen down
    home g      first row
    end G       last row
    esc         close the help; let the cursor go
    ctrl-z      suspend
    ctrl-c      interrupt: exit code 130

    ✗ failed               ⊘ canceled             ⊖ canceling
    ▷ manual               ⧗ waiting (resource)   ↺ waiting (callback)
    ● running              ○ pending              ◐ preparing
    · created              ◷ scheduled            ! warning
    ✓ success              » skipped              ? an unknown status
    ‼ error                ⊠ no access            – no pipeline

    q close the help
    "#);
}

#[test]
fn the_help_at_50_by_15() {
    let now = Instant::now();
    let mut app = app(one_of_each(), 50, 15, now);
    type_keys(&mut app, "?");
    assert_snapshot!(picture(&app), @r#"
    q           quit
    ?           this help
    r           read now
    f           only what wants attention, or all
    s           next order (attention, name, age...)
    o enter     open the pipeline in the browser
    ↑ k         one row up
    ↓ j         one row down
    page up     one screen up
    page down   one screen down
    home g      first row
    end G       last row
    esc         close the help; let the cursor go
    … a taller terminal shows more
    q close the help
    "#);
}

#[test]
fn a_server_that_does_not_answer_is_seen() {
    let now = Instant::now();
    let mut app = app(one_of_each(), 80, 24, now);
    let mut rows = one_of_each();
    for row in &mut rows {
        if let RowState::Ok(pipelines) = &row.state {
            row.state = RowState::Stale { pipelines: pipelines.clone(), failure: failure() };
            row.as_of = noon() - TimeDelta::minutes(3);
        }
    }
    let problem = Problem { scope: ProblemScope::Group, subject: "acme".into(), failure: failure() };
    give(&mut app, snapshot(rows, vec![problem]), now);
    assert_snapshot!(picture(&app), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects       4 of 7 older than 3m
    no answer: group acme could not be read
    no answer: 5 of 7 projects not read
    project           ref   pipeline             stages           duration  age
    payments/api      main  ✗ failed (3m old)    ✓ ✗ test »         6m 12s   6m
    legacy/billing          ‼ error              no answer
    web/�evil�        main  ⊘ canceled (3m old)  ✓ build  ⊘ test    6m 12s   1h
    payments/gateway  main  ● running (3m old)   ✓ ● test ·         6m 12s   3m
    web/shop          main  ✓ success (3m old)   ✓✓✓                6m 12s  20m
    secret/vault            ⊠ no access          no answer
    docs/handbook           – none               no pipeline yet











    41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn only_what_wants_attention_and_what_began_to_fail() {
    let now = Instant::now();
    let mut app = app(one_of_each(), 80, 24, now);
    let mut rows = one_of_each();
    rows[1] = project(2, "payments/gateway", "failed", 3, "build=success test=failed");
    give(&mut app, snapshot(rows, vec![]), now);
    type_keys(&mut app, "f");
    assert_snapshot!(picture(&app), @r#"
    acme   ✗ 2  ‼ 1  ⊘ 1  ✓ 1  ⊠ 1  – 1   7 projects         read 0s ago, next in 7s
    acme/payments/gateway began to fail
    no answer: 1 of 7 projects not read
    project           ref   pipeline          stages                   duration  age
    payments/gateway  main  ✗ failed #8102    ✓ build  ✗ test            6m 12s   3m
    payments/api      main  ✗ failed #8101    ✓ build  ✗ test  » dep…    6m 12s   6m
    legacy/billing          ‼ error           no answer
    web/�evil�        main  ⊘ canceled #8107  ✓ build  ⊘ test            6m 12s   1h














    41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f all  s sort  o open
    "#);
}

#[test]
fn in_ascii_nothing_else_is_written() {
    let now = Instant::now();
    let mut app = App::new(ViewOptions { charset: Charset::Ascii, ..options() }, 80, 24, now);
    give(&mut app, snapshot(many(30), vec![]), now);
    let table = picture(&app);
    type_keys(&mut app, "?");
    for picture in [table, picture(&app)] {
        assert!(picture.is_ascii(), "{picture}");
    }
}

#[test]
fn what_runs_is_shown_with_how_long_it_usually_takes() {
    let now = Instant::now();
    let mut rows = vec![project(2, "payments/gateway", "running", 3, "build=success test=running")];
    let RowState::Ok(pipelines) = &mut rows[0].state else { unreachable!("it has a pipeline") };
    let pipeline = &mut Arc::make_mut(pipelines)[0];
    pipeline.started_at = Some(noon() - TimeDelta::seconds(100));
    let id = pipeline.id;
    let mut app = app(rows, 100, 8, now);
    let line = |app: &App| picture(app).lines().find(|line| line.contains("gateway")).unwrap_or_default().to_owned();
    assert!(!line(&app).contains("of ~"), "{}", line(&app));
    let past = PipelinePast { usual: Some(Duration::from_secs(540)), ..PipelinePast::default() };
    let known = KnownPast(std::iter::once((id, past)).collect());
    assert!(update(&mut app, ViewEvent::Past(Arc::new(known)), now).is_empty());
    assert!(line(&app).contains("1m 40s of ~9m"), "{}", line(&app));
}
