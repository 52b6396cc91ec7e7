//! How it looks, at three sizes, without colour.

use super::*;
use crate::domain::project::Failure;
use crate::domain::snapshot::Scope;
use crate::domain::usage::Cost;
use crate::tui::view;
use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn picture(app: &App, now: Instant) -> String {
    let mut terminal = Terminal::new(TestBackend::new(app.width, app.height)).unwrap();
    terminal.draw(|frame| view::draw(app, frame, now)).unwrap();
    let lines = terminal.backend().to_string();
    lines.lines().map(|line| format!("{}\n", line.trim_matches('"').trim_end())).collect()
}

#[test]
fn before_the_first_reading_has_ended() {
    let app = App::new(options(), 50, 15);
    assert_snapshot!(picture(&app, Instant::now()), @r#"
    reading the group for the first time
    reading












    q quit  ? help  r read now  f attention  s sort…
    "#);
}

#[test]
fn what_an_earlier_run_has_left_is_old_and_says_so() {
    let now = Instant::now();
    let failure = || Failure { kind: "cached".into(), message: "known from an earlier run".into() };
    let old = |mut row: ProjectRow| {
        row.as_of = noon() - TimeDelta::hours(2);
        row.state = match row.state {
            State::Ok(pipelines) => State::Stale { pipelines, failure: failure() },
            state => state,
        };
        row
    };
    let problem = Problem { scope: Scope::List, subject: "acme".into(), failure: failure() };
    let known =
        vec![project(1, "api", "success", 130, "build=success"), project(2, "web", "failed", 140, "build=failed")];
    let left = snapshot(known.into_iter().map(old).collect(), vec![problem]);
    let mut app = App::new(options(), 70, 8);
    let left = Update { cached: Some(TimeDelta::hours(2)), cost: Cost::default(), ..left };
    assert!(update(&mut app, Event::Update(Box::new(left)), now).is_empty());
    assert_snapshot!(picture(&app, now), @r#"
    acme · 2 projects: 2 stale
    from the cache, 2h old, reading
    project  ref   pipeline                  stages   duration  age
    web      main  ✗ failed #8102 (2h old)   ✗ build  6m 12s    2h
    api      main  ✓ success #8101 (2h old)  ✓ build  6m 12s    2h


    q quit  ? help  r read now  f attention  s sort  o open
    "#);
    // What has failed since then has not failed just now.
    give(&mut app, snapshot(vec![project(1, "api", "failed", 5, "build=failed")], vec![]), now);
    assert_snapshot!(picture(&app, now), @r#"
    acme · 1 project: 1 failed
    next in 7s (every 10s)
    project  ref   pipeline        stages   duration  age
    api      main  ✗ failed #8101  ✗ build  6m 12s    5m


    41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn at_80_by_24() {
    let now = Instant::now();
    assert_snapshot!(picture(&app(motley(), 80, 24, now), now), @r#"
    acme · 7 projects: 1 failed, 1 canceled, 1 running, 1 success, 1 error, …
    next in 7s (every 10s)
    project           ref   pipeline          stages                   duration  age
    payments/api      main  ✗ failed #8101    ✓ build  ✗ test  » dep…  6m 12s    6m
    legacy/billing          ‼ error           no answer
    web/�evil�        main  ⊘ canceled #8107  ✓ build  ⊘ test          6m 12s    1h
    payments/gateway  main  ● running #8102   ✓ build  ● test  · dep…  6m 12s    3m
    web/shop          main  ✓ success #8103   ✓ build  ✓ test  ✓ dep…  6m 12s    20m
    secret/vault            ⊠ no access       no answer
    docs/handbook           – none            no pipeline yet












    incomplete: 1 project could not be read · 41 requests at the last reading, 1959…
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn at_120_by_40() {
    let now = Instant::now();
    assert_snapshot!(picture(&app(motley(), 120, 40, now), now), @r#"
    acme · 7 projects: 1 failed, 1 canceled, 1 running, 1 success, 1 error, 1 no access, 1 without pipeline
    next in 7s (every 10s)
    project           ref   pipeline          stages                     duration  age
    payments/api      main  ✗ failed #8101    ✓ build  ✗ test  » deploy  6m 12s    6m
    legacy/billing          ‼ error           no answer
    web/�evil�        main  ⊘ canceled #8107  ✓ build  ⊘ test            6m 12s    1h
    payments/gateway  main  ● running #8102   ✓ build  ● test  · deploy  6m 12s    3m
    web/shop          main  ✓ success #8103   ✓ build  ✓ test  ✓ deploy  6m 12s    20m
    secret/vault            ⊠ no access       no answer
    docs/handbook           – none            no pipeline yet




























    incomplete: 1 project could not be read · 41 requests at the last reading, 1959 of 2000 left, 1.2 MB over REST
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn at_50_by_15_with_more_rows_than_fit() {
    let now = Instant::now();
    let mut app = app([motley(), many(30).split_off(8)].concat(), 50, 15, now);
    press(&mut app, KeyCode::PageDown);
    assert_snapshot!(picture(&app, now), @r#"
    acme · 29 projects: 1 failed, 1 canceled, …
    next in 7s (every 10s)
    project           pipeline          stages
    legacy/billing    ‼ error           no answer
    web/�evil�        ⊘ canceled #8107  ✓ bui…  ⊘ test
    payments/gateway  ● running #8102   ✓●·
    p08               ✓ success #8108   ✓ build
    p09               ✓ success #8109   ✓ build
    p10               ✓ success #8110   ✓ build
    p11               ✓ success #8111   ✓ build
    p12               ✓ success #8112   ✓ build
    p13               ✓ success #8113   ✓ build
    p14               ✓ success #8114   ✓ build
    rows 2-11 of 29 · incomplete: 1 project could not…
    q quit  ? help  r read now  f attention  s sort…
    "#);
}

#[test]
fn the_help_at_80_by_24() {
    let now = Instant::now();
    let mut app = app(motley(), 80, 24, now);
    type_keys(&mut app, "?");
    assert_snapshot!(picture(&app, now), @r#"
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
    ▷ manual               ⧗ waiting_for_resource ↺ waiting_for_callback
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
    let mut app = app(motley(), 50, 15, now);
    type_keys(&mut app, "?");
    assert_snapshot!(picture(&app, now), @r#"
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
    let mut app = app(motley(), 80, 24, now);
    let mut rows = motley();
    for row in &mut rows {
        if let State::Ok(pipelines) = &row.state {
            row.state = State::Stale { pipelines: pipelines.clone(), failure: failure() };
            row.as_of = noon() - TimeDelta::minutes(3);
        }
    }
    let problem = Problem { scope: Scope::Group, subject: "acme".into(), failure: failure() };
    give(&mut app, snapshot(rows, vec![problem]), now);
    assert_snapshot!(picture(&app, now), @r#"
    acme · 7 projects: 1 error, 4 stale, 1 no access, 1 without pipeline
    next in 7s (every 10s)
    project           ref   pipeline                  stages           duration  age
    payments/api      main  ✗ failed #8101 (3m old)   ✓✗»              6m 12s    6m
    legacy/billing          ‼ error                   no answer
    web/�evil�        main  ⊘ canceled (3m old)       ✓ build  ⊘ test  6m 12s    1h
    payments/gateway  main  ● running #8102 (3m old)  ✓●·              6m 12s    3m
    web/shop          main  ✓ success #8103 (3m old)  ✓✓✓              6m 12s    20m
    secret/vault            ⊠ no access               no answer
    docs/handbook           – none                    no pipeline yet












    incomplete: group acme could not be read: no answer · 41 requests at the last r…
    q quit  ? help  r read now  f attention  s sort  o open
    "#);
}

#[test]
fn only_what_wants_attention_and_what_began_to_fail() {
    let now = Instant::now();
    let mut app = app(motley(), 80, 24, now);
    let mut rows = motley();
    rows[1] = project(2, "payments/gateway", "failed", 3, "build=success test=failed");
    give(&mut app, snapshot(rows, vec![]), now);
    type_keys(&mut app, "f");
    assert_snapshot!(picture(&app, now), @r#"
    acme · 7 projects: 2 failed, 1 canceled, 1 success, 1 error, 1 no access, …
    next in 7s (every 10s) · acme/payments/gateway began to fail · only what wants…
    project           ref   pipeline          stages                   duration  age
    payments/gateway  main  ✗ failed #8102    ✓ build  ✗ test          6m 12s    3m
    payments/api      main  ✗ failed #8101    ✓ build  ✗ test  » dep…  6m 12s    6m
    legacy/billing          ‼ error           no answer
    web/�evil�        main  ⊘ canceled #8107  ✓ build  ⊘ test          6m 12s    1h















    incomplete: 1 project could not be read · 41 requests at the last reading, 1959…
    q quit  ? help  r read now  f all  s sort  o open
    "#);
}

#[test]
fn in_ascii_nothing_else_is_written() {
    let now = Instant::now();
    let mut app = App::new(Options { charset: Charset::Ascii, ..options() }, 80, 24);
    give(&mut app, snapshot(many(30), vec![]), now);
    let table = picture(&app, now);
    type_keys(&mut app, "?");
    for picture in [table, picture(&app, now)] {
        assert!(picture.is_ascii(), "{picture}");
    }
}
