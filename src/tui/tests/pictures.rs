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
    let mut terminal = Terminal::new(TestBackend::new(app.facts.width, app.facts.height)).unwrap();
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










    enter open  / filter  tab next red  ? all keys
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
    0 of 0 projects read so far
      project  ref   state               what              duration  since
      web      main  ✗ failed (2h old)   known from an e…    6m 12s     4h
      api      main  ✓ success (2h old)  known from an e…    6m 12s     4h


    enter open  / filter  tab next red  ! failures  a active  ? all keys
    "#);
    // What has failed since then has not failed just now.
    give(&mut app, snapshot(vec![project(1, "api", "failed", 5, "build=failed")], vec![]), now);
    assert_snapshot!(picture(&app), @r#"
    acme @gitlab.example.com   ✗ 1   1 project     read 0s ago, next in 7s

      project  ref   state     what  duration  since
      api      main  ✗ failed          6m 12s     5m



    enter open  / filter  tab next red  ! failures  a active  ? all keys
    "#);
}

#[test]
fn at_80_by_24() {
    let now = Instant::now();
    assert_snapshot!(picture(&app(one_of_each(), 80, 24, now)), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects    read 0s ago, next in 7s
    no answer: 1 of 7 projects not read
        project   ref   state        what             duration  since
      ▾ payments  ✗ 1  ● 1
        api       main  ✗ failed                        6m 12s     6m
        gateway   main  ● running                       6m 12s
      ▾ legacy  ‼ 1
        billing         ‼ error      no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    main  ⊘ canceled                      6m 12s     1h
        shop      main  ✓ success                       6m 12s    20m
      ▾ secret  ⊠ 1
        vault           ⊠ no access  no answer
      ▾ docs  – 1
        handbook        – none       no pipeline yet








    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
    "#);
}

#[test]
fn at_120_by_40() {
    let now = Instant::now();
    assert_snapshot!(picture(&app(one_of_each(), 120, 40, now)), @r#"
    acme @gitlab.example.com   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects                        read 0s ago, next in 7s
    no answer: 1 of 7 projects not read
        project   ref   state        stages  what             user  duration  since
      ▾ payments  ✗ 1  ● 1
        api       main  ✗ failed     ✓✗»                              6m 12s     6m
        gateway   main  ● running    ✓●·                              6m 12s
      ▾ legacy  ‼ 1
        billing         ‼ error              no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    main  ⊘ canceled   ✓⊘                               6m 12s     1h
        shop      main  ✓ success    ✓✓✓                              6m 12s    20m
      ▾ secret  ⊠ 1
        vault           ⊠ no access          no answer
      ▾ docs  – 1
        handbook        – none               no pipeline yet
























    enter open  / filter  tab next red  ! failures  a active  l log  R retry  o browser  p problems  q quit  ? all keys
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
        project   state        what
        api       ✗ failed
        gateway   ● running
      ▾ legacy  ‼ 1
        billing   ‼ error      no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    ⊘ canceled
        shop      ✓ success
      ▾ acme  ✓ 22
        p08       ✓ success
        p09       ✓ success
    ▌   p10       ✓ success
    enter open  / filter  tab next red  ? all keys
    "#);
}

#[test]
fn the_help_at_80_by_24() {
    let now = Instant::now();
    let mut app = app(one_of_each(), 80, 24, now);
    type_keys(&mut app, "?");
    assert_snapshot!(picture(&app), @r#"
    enter       go deeper: project, pipeline, job
    /           filter the rows
    tab         next row that failed
    !           every failed job
    a           what runs and waits
    l           the log of the job, or of the first one that failed
    R           retry what failed
    C           cancel what goes on
    P           start a manual job
    o           open the page in the browser
    y           copy: then l the link, i the id, c the command
    e           what has changed
    p           what could not be read, and what readings cost
    ?           this help
    q           quit; on other screens: go back
    Q           quit from everywhere
    r           read now
    f           only what wants attention, or all
    1           only what failed
    2           only what runs
    3           only what waits for a person
    4           only warnings
    … down shows more
    q close the help  down up scroll
    "#);
}

#[test]
fn the_help_at_50_by_15() {
    let now = Instant::now();
    let mut app = app(one_of_each(), 50, 15, now);
    type_keys(&mut app, "?");
    assert_snapshot!(picture(&app), @r#"
    enter       go deeper: project, pipeline, job
    /           filter the rows
    tab         next row that failed
    !           every failed job
    a           what runs and waits
    l           the log of the job, or of the first on
    R           retry what failed
    C           cancel what goes on
    P           start a manual job
    o           open the page in the browser
    y           copy: then l the link, i the id, c the
    e           what has changed
    p           what could not be read, and what readi
    … down shows more
    q close the help  down up scroll
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
        project   ref   state                what             duration  since
      ▾ payments  ✗ 1  ● 1
        api       main  ✗ failed (3m old)    no answer          6m 12s     6m
        gateway   main  ● running (3m old)   no answer          6m 12s
      ▾ legacy  ‼ 1
        billing         ‼ error              no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    main  ⊘ canceled (3m old)  no answer          6m 12s     1h
        shop      main  ✓ success (3m old)   no answer          6m 12s    20m
      ▾ secret  ⊠ 1
        vault           ⊠ no access          no answer
      ▾ docs  – 1
        handbook        – none               no pipeline yet







    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
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
        project  ref   state       what       duration  since
      ▾ payments  ✗ 2
    !   gateway  main  ✗ failed                 6m 12s     3m
        api      main  ✗ failed                 6m 12s     6m
      ▾ legacy  ‼ 1
        billing        ‼ error     no answer
      ▾ web  ⊘ 1  ✓ 1  1 hidden
        �evil�   main  ⊘ canceled               6m 12s     1h












    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
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
    let known = KnownPast { pipelines: std::collections::HashMap::from([(id, past)]), reading: None };
    assert!(update(&mut app, ViewEvent::Past(Arc::new(known)), now).is_empty());
    assert!(line(&app).contains("1m 40s of ~9m"), "{}", line(&app));
}
