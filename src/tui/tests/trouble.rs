//! How it looks on a bad day: a first load, a server that hangs, asks to wait or refuses, and screens without room.

use super::pictures::picture;
use super::*;
use crate::collect::run::ReadingProgress;
use crate::collect::watch::{FailedReading, Silence};
use crate::domain::failure::{FailedRequest, Failure, FailureKind, RequestLine};
use crate::domain::snapshot::ProblemScope;
use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZES: [(u16, u16); 3] = [(50, 15), (80, 24), (120, 40)];

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A failure of one request.
fn met(kind: FailureKind, message: &str, url: &str, attempts: u32) -> Failure {
    let request = FailedRequest {
        line: RequestLine { method: "GET".into(), url: url.into(), query: None },
        status: None,
        request_id: Some(format!("id-{attempts}")),
        json_path: None,
        attempts,
        elapsed: Duration::from_millis(3100),
    };
    Failure { kind, message: message.into(), request: Some(Box::new(request)) }
}

/// The same view some time later, without any news.
fn after(app: &mut App, since: Instant, n: u64) {
    assert!(update(app, ViewEvent::Tick, since + seconds(n)).is_empty());
}

/// Puts the group of a few rows onto a screen, reading again as it has for so many seconds.
fn reading(width: u16, height: u16, now: Instant, silence: Silence) -> App {
    let mut app = app(one_of_each(), width, height, now);
    let phase = WatchPhase::Reading(ReadingProgress { listed: 7, read: 2 });
    let news = WatchUpdate { phase, silence, ..app.facts.update.clone() };
    update(&mut app, ViewEvent::Update(Box::new(news)), now);
    app
}

/// The lines that are not blank.
fn text(app: &App) -> String {
    picture(app).lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_first_load_names_host_and_wait_at_once_and_shows_rows_as_they_come() {
    let now = Instant::now();
    let mut app = App::new(options(), 80, 24, now);
    after(&mut app, now, 3);
    assert_snapshot!(text(&app), @r#"
    12345 @gitlab.example.com                       nothing read yet, reading for 3s
    waiting for the list of projects from gitlab.example.com for 3s
    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
    "#);
    let listed =
        WatchUpdate { phase: WatchPhase::Reading(ReadingProgress { listed: 100, read: 0 }), ..WatchUpdate::new() };
    update(&mut app, ViewEvent::Update(Box::new(listed)), now + seconds(4));
    assert_snapshot!(text(&app), @r#"
    12345 @gitlab.example.com   0 of 100 read       nothing read yet, reading for 4s
    waiting for the pipelines of 100 projects from gitlab.example.com for 4s
    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
    "#);
    let part = WatchUpdate {
        phase: WatchPhase::Reading(ReadingProgress { listed: 198, read: 7 }),
        is_whole: false,
        ..snapshot(one_of_each(), vec![])
    };
    update(&mut app, ViewEvent::Update(Box::new(part)), now + seconds(5));
    after(&mut app, now, 7);
    assert_snapshot!(text(&app), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 of 198 read    read 2s ago, reading
    7 of 198 projects read so far
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
    assert!(app.alerts.is_empty());
    // The whole of it is no news either: nothing has begun to fail.
    give(&mut app, snapshot(vec![project(3, "web/shop", "failed", 20, "")], vec![]), now + seconds(8));
    assert!(app.alerts.is_empty());
}

#[test]
fn while_a_server_hangs_the_ages_grow_the_wait_is_named_and_rows_become_old() {
    let now = Instant::now();
    let silence = Silence { since: Some(now), ..Silence::default() };
    let mut app = reading(80, 24, now, silence.clone());
    after(&mut app, now, 9);
    assert_snapshot!(text(&app), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects       read 9s ago, reading
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
    after(&mut app, now, 20);
    assert_snapshot!(text(&app), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects      read 20s ago, reading
    no answer: 1 of 7 projects not read
    no answer for 20s from gitlab.example.com
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
    for (width, height) in SIZES {
        let mut app = reading(width, height, now, silence.clone());
        after(&mut app, now, 125);
        let picture = text(&app);
        let words = ["✗ 1", "‼ 1", "2m old", "no answer for 2m 05s from gitlab.example.com", "(2m old)"];
        assert!(words.iter().all(|word| picture.contains(word)), "{width}x{height}\n{picture}");
    }
    after(&mut app, now, 125);
    assert_snapshot!(text(&app), @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects        all 2m old, reading
    no answer: 1 of 7 projects not read
    no answer for 2m 05s from gitlab.example.com
        project   ref   state                what             duration  since
      ▾ payments  ✗ 1  ● 1
        api       main  ✗ failed (2m old)                       6m 12s     8m
        gateway   main  ● running (2m old)                      6m 12s
      ▾ legacy  ‼ 1
        billing         ‼ error              no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    main  ⊘ canceled (2m old)                     6m 12s     1h
        shop      main  ✓ success (2m old)                      6m 12s    22m
      ▾ secret  ⊠ 1
        vault           ⊠ no access          no answer
      ▾ docs  – 1
        handbook        – none               no pipeline yet
    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
    "#);
}

#[test]
fn a_wait_that_the_server_asks_for_is_counted_down() {
    let now = Instant::now();
    for (width, height) in SIZES {
        let closed_until = Some(now + seconds(12));
        let mut app = reading(width, height, now, Silence { closed_until, ..Silence::default() });
        assert!(text(&app).contains("the server asks to wait 12s"));
        after(&mut app, now, 5);
        assert!(text(&app).contains("the server asks to wait 7s"), "{}", text(&app));
        after(&mut app, now, 12);
        assert!(!text(&app).contains("asks to wait"), "{}", text(&app));
    }
}

#[test]
fn what_is_waited_for_is_named_when_it_is_known() {
    let now = Instant::now();
    let refused = || Some("the connection was refused".to_owned());
    let cases = [
        ("it answers", Silence::default(), 60, None),
        ("not yet", Silence { since: Some(now), ..Silence::default() }, 9, None),
        (
            "for long",
            Silence { since: Some(now), ..Silence::default() },
            10,
            Some("no answer for 10s from gitlab.example.com"),
        ),
        (
            "asking again at once",
            Silence { since: Some(now), failure: refused(), ..Silence::default() },
            1,
            Some("gitlab.example.com: the connection was refused, asking again"),
        ),
        (
            "asking again for long",
            Silence { since: Some(now), failure: refused(), ..Silence::default() },
            30,
            Some("no answer for 30s from gitlab.example.com: the connection was refused, asking again"),
        ),
        (
            "the server's word comes first",
            Silence { since: Some(now), closed_until: Some(now + seconds(90)), failure: refused() },
            30,
            Some("the server asks to wait 1m"),
        ),
    ];
    for (sentence, silence, n, expected) in cases {
        let mut app = reading(80, 24, now, silence);
        after(&mut app, now, n);
        assert_eq!(crate::tui::banner::wait(&app).as_deref(), expected, "{sentence}");
    }
}

#[test]
fn a_cause_that_is_said_already_is_not_said_again_with_each_attempt() {
    let now = Instant::now();
    let failure = Some("HTTP 500".to_owned());
    let mut app = reading(80, 24, now, Silence { since: Some(now), failure, ..Silence::default() });
    let said = |app: &App| crate::tui::banner::trouble(app).into_iter().map(|said| said.text).collect::<Vec<_>>();
    assert_eq!(said(&app).len(), 2, "{:?}", said(&app));
    app.facts.update.silence.failure = Some("no answer".into());
    assert_eq!(said(&app), ["no answer: 1 of 7 projects not read"], "the same line as between the attempts");
    after(&mut app, now, 30);
    let long = "no answer for 30s from gitlab.example.com: no answer, asking again";
    assert_eq!(said(&app), ["no answer: 1 of 7 projects not read", long], "what lasts is news");
}

#[test]
fn what_could_not_be_explained_is_asked_again_once_the_server_is_back() {
    use crate::collect::explain_service::ExplainAnswer;
    use crate::domain::failure::Failure;
    let now = Instant::now();
    let fine = || vec![project(1, "payments/api", "failed", 6, "build=failed")];
    let mut app = app(fine(), 200, 60, now);
    press(&mut app, KeyCode::Tab);
    let rested = now + seconds(1);
    assert_eq!(said(&update(&mut app, ViewEvent::Tick, rested)), ["Ask"]);
    let failed = Failure::new(FailureKind::Http(502), "HTTP 502");
    let pipeline = app.facts.rows()[0].pipelines()[0].id;
    let answer = ExplainAnswer { pipeline, updated_at: None, evidence: Err(failed), judged: None };
    update(&mut app, ViewEvent::Answer(answer), rested);
    assert!(text(&app).contains("no explanation: HTTP 502"), "{}", text(&app));
    let give = |app: &mut App, rows| update(app, ViewEvent::Update(Box::new(snapshot(rows, vec![]))), rested);
    assert!(give(&mut app, fine()).is_empty(), "the readings are fine: it is not asked again and again");
    let mut stale = fine();
    if let RowState::Ok(pipelines) = stale[0].state.clone() {
        stale[0].state = RowState::Stale { pipelines, failure: failure() };
    }
    assert!(give(&mut app, stale).is_empty());
    assert_eq!(said(&give(&mut app, fine())), ["Ask"], "the server is back");
}

/// A reading that brought nothing, as the collector tells it.
fn refused(app: &mut App, now: Instant) {
    let mut rows = one_of_each();
    for row in &mut rows {
        if let RowState::Ok(pipelines) = &row.state {
            row.state = RowState::Stale { pipelines: pipelines.clone(), failure: failure() };
        }
    }
    let url = "https://gitlab.example.com/api/v4/groups/acme";
    let failure = met(FailureKind::Unauthorized, "GitLab answered 401: Token is expired", url, 1);
    let failed = FailedReading {
        cause: "GitLab refused the token: Token is expired".into(),
        hints: vec![
            "GitLab does not accept the token from GLWATCH_TOKEN: it is expired, revoked, or for another host".into(),
        ],
    };
    let problem = Problem { scope: ProblemScope::Group, subject: "acme".into(), failure };
    give(app, WatchUpdate { failed: Some(failed), ..snapshot(rows, vec![problem]) }, now);
}

#[test]
fn a_reading_that_brought_nothing_shows_its_cause_first_and_the_hint_of_a_single_run() {
    let now = Instant::now();
    let pictures = SIZES.map(|(width, height)| {
        let mut app = app(one_of_each(), width, height, now);
        refused(&mut app, now);
        after(&mut app, now, 3);
        text(&app)
    });
    let [narrow, usual, wide] = pictures;
    assert_snapshot!(narrow, @r#"
    acme  ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1     3s old
    GitLab refused the token: Token is expired; 7
    projects not read again
    Hint: GitLab does not accept the token from
    GLWATCH_TOKEN: it is expired, revoked, or for
    another host
        project   state                what
      ▾ payments  ✗ 1  ● 1
        api       ✗ failed (3s old)    no answer
        gateway   ● running (3s old)   no answer
      ▾ legacy  ‼ 1
        billing   ‼ error              no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    ⊘ canceled (3s old)  no answer
    enter open  / filter  tab next red  ? all keys
    "#);
    assert_snapshot!(usual, @r#"
    acme   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects     all 3s old, next in 4s
    GitLab refused the token: Token is expired; 7 projects not read again
    Hint: GitLab does not accept the token from GLWATCH_TOKEN: it is expired,
    revoked, or for another host
        project   ref   state                what             duration  since
      ▾ payments  ✗ 1  ● 1
        api       main  ✗ failed (3s old)    no answer          6m 12s     6m
        gateway   main  ● running (3s old)   no answer          6m 12s
      ▾ legacy  ‼ 1
        billing         ‼ error              no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    main  ⊘ canceled (3s old)  no answer          6m 12s     1h
        shop      main  ✓ success (3s old)   no answer          6m 12s    20m
      ▾ secret  ⊠ 1
        vault           ⊠ no access          no answer
      ▾ docs  – 1
        handbook        – none               no pipeline yet
    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
    "#);
    assert_snapshot!(wide, @r#"
    acme @gitlab.example.com   ✗ 1  ‼ 1  ⊘ 1  ● 1  ✓ 1  ⊠ 1  – 1   7 projects                         all 3s old, next in 4s
    GitLab refused the token: Token is expired; 7 projects not read again
    Hint: GitLab does not accept the token from GLWATCH_TOKEN: it is expired, revoked, or for another host
        project   ref   state                stages  what             user  duration  since
      ▾ payments  ✗ 1  ● 1
        api       main  ✗ failed (3s old)    ✓✗»     no answer                6m 12s     6m
        gateway   main  ● running (3s old)   ✓●·     no answer                6m 12s
      ▾ legacy  ‼ 1
        billing         ‼ error                      no answer
      ▾ web  ⊘ 1  ✓ 1
        �evil�    main  ⊘ canceled (3s old)  ✓⊘      no answer                6m 12s     1h
        shop      main  ✓ success (3s old)   ✓✓✓     no answer                6m 12s    20m
      ▾ secret  ⊠ 1
        vault           ⊠ no access                  no answer
      ▾ docs  – 1
        handbook        – none                       no pipeline yet
    enter open  / filter  tab next red  ! failures  a active  l log  R retry  o browser  p problems  q quit  ? all keys
    "#);
    // When the trouble is over, so is what is said about it.
    let mut app = app(one_of_each(), 80, 24, now);
    refused(&mut app, now);
    give(&mut app, snapshot(one_of_each(), vec![]), now);
    assert!(!text(&app).contains("refused"), "{}", text(&app));
}

#[test]
fn rows_that_could_not_be_read_are_counted_by_their_cause() {
    let now = Instant::now();
    let mut rows = many(9);
    let causes =
        ["the server answered 500", "the server answered 500", "no answer within 30s", "the connection was refused"];
    for (row, (cause, n)) in rows.iter_mut().zip(causes.into_iter().zip(1..)) {
        let url = format!("https://gitlab.example.com/api/v4/projects/{n}/pipelines");
        let failure = met(FailureKind::Http(500), cause, &url, 4);
        let RowState::Ok(pipelines) = &row.state else { panic!("{row:?}") };
        row.state = RowState::Stale { pipelines: pipelines.clone(), failure };
        row.as_of = noon() - TimeDelta::seconds(70);
    }
    let app = app(rows, 80, 24, now);
    assert_snapshot!(text(&app), @r#"
    acme @gitlab.example.com   ✓ 9   9 projects     4 of 9 older than 1m, next in 7s
    the server answered 500 (2 projects); no answer within 30s (1 project); 1 more
    cause: 4 of 9 projects not read
      project  ref   state               what                        duration  since
      p00      main  ✓ success (1m old)  the server answered 500       6m 12s    10m
      p01      main  ✓ success (1m old)  the server answered 500       6m 12s    10m
      p02      main  ✓ success (1m old)  no answer within 30s          6m 12s    10m
      p03      main  ✓ success (1m old)  the connection was refused    6m 12s    10m
      p04      main  ✓ success                                         6m 12s    10m
      p05      main  ✓ success                                         6m 12s    10m
      p06      main  ✓ success                                         6m 12s    10m
      p07      main  ✓ success                                         6m 12s    10m
      p08      main  ✓ success                                         6m 12s    10m
    enter open  / filter  tab next red  ! failures  a active  l log  ? all keys
    "#);
}

#[test]
fn the_address_of_a_page_has_a_line_of_its_own_until_the_next_key() {
    use crate::tui::app::PageAddress;
    let now = Instant::now();
    let url = "https://gitlab.example.com/acme/payments/api/-/pipelines/8101";
    for (width, height) in SIZES {
        let mut app = app(one_of_each(), width, height, now);
        app.page_address = Some(PageAddress { url: url.into(), is_opened: false });
        let picture = picture(&app);
        let lines: Vec<&str> = picture.lines().collect();
        assert_eq!(lines[1], "there is no browser here; the address is");
        let address: String = lines[2..].iter().take(url.len().div_ceil(usize::from(width))).copied().collect();
        assert_eq!(address, url, "{picture}");
        press(&mut app, KeyCode::Char('x'));
        assert_eq!(app.page_address, None);
    }
}

#[test]
fn what_failed_and_the_age_are_seen_however_little_room_there_is() {
    let now = Instant::now();
    for width in 18..=200 {
        let mut app = app(one_of_each(), width, 24, now);
        after(&mut app, now, 4);
        let picture = picture(&app);
        let first = picture.lines().next().unwrap();
        let words = ["✗ 1", "‼ 1", "4s ago"];
        assert!(words.iter().all(|word| first.contains(word)), "{width}: {first}");
        let widest = picture.lines().map(crate::text::width::cells).max();
        assert!(widest <= Some(usize::from(width)), "{picture}");
    }
}

/// Puts this failure wherever an opened screen says why something is missing.
fn with_failures_everywhere(failure: &Failure) -> Vec<ProjectRow> {
    let mut rows = one_of_each();
    let RowState::Ok(pipelines) = &mut rows[0].state else { panic!("it has pipelines") };
    let broken = &mut Arc::make_mut(pipelines)[0];
    broken.failure_reason = Some(failure.message.clone());
    broken.unread = Some(failure.clone());
    let pipelines = Arc::clone(pipelines);
    rows[3].state = RowState::Error(failure.clone());
    rows[4].state = RowState::Stale { pipelines, failure: failure.clone() };
    rows
}

#[test]
fn no_screen_cuts_off_why_something_is_missing() {
    use KeyCode::{Char, Enter};
    let words: Vec<String> = (0..40).map(|n| format!("w{n}{}", "x".repeat(n % 7))).collect();
    let failure = met(FailureKind::Http(502), &words.join(" "), HOST, 1);
    // The banner of each screen tells it once more.
    let screens: [(&str, &str, &[KeyCode], usize); 4] = [
        ("what is wrong", "", &[Char('p')], 5),
        ("a project that is stale", "vault", &[Enter], 2),
        ("a project without data", "billing", &[Enter], 2),
        ("a pipeline", "api", &[Enter, Enter], 3),
    ];
    for (screen, filter, keys, times) in screens {
        for width in 40..=100 {
            let mut app = app(with_failures_everywhere(&failure), width, 90, Instant::now());
            type_keys(&mut app, &format!("/{filter}"));
            for key in [Enter].iter().chain(keys) {
                press(&mut app, *key);
            }
            let picture = picture(&app);
            let told: Vec<&str> = picture.split_whitespace().collect();
            for word in &words {
                let found = told.iter().filter(|found| found.trim_end_matches(':') == word).count();
                assert!(found >= times, "{screen}, {width}: {word} is there {found} times\n{picture}");
            }
        }
    }
}

#[test]
fn no_screen_is_too_small() {
    let now = Instant::now();
    for (width, height) in [(0, 0), (1, 1), (3, 2), (1, 40), (200, 1), (0, 5), (5, 0)] {
        let mut app = reading(width, height, now, Silence { since: Some(now), ..Silence::default() });
        refused(&mut app, now);
        for key in ["j", "G", "?", "?", "f", "s", "o"] {
            type_keys(&mut app, key);
            after(&mut app, now, 100);
            draw(&app);
        }
        update(&mut app, ViewEvent::Resize(80, 24), now);
        assert!(picture(&app).contains("all 0s old"), "{}", picture(&app));
    }
}

/// Draws it without reading the picture, which there may be none of.
fn draw(app: &App) {
    let mut terminal = Terminal::new(TestBackend::new(app.facts.width, app.facts.height)).unwrap();
    terminal.draw(|frame| crate::tui::view::draw(app, frame)).unwrap();
}

#[test]
fn nothing_is_drawn_again_while_no_text_changes() {
    let now = Instant::now();
    let mut app = reading(80, 24, now, Silence::default());
    after(&mut app, now, 190);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut draw = |app: &App| terminal.draw(|frame| crate::tui::view::draw(app, frame)).unwrap().buffer.clone();
    let first = draw(&app);
    for n in 191..=230 {
        after(&mut app, now, n);
        assert_eq!(draw(&app), first, "after {n}s");
    }
    after(&mut app, now, 240);
    assert_ne!(draw(&app), first);
}
