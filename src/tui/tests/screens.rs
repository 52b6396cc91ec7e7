//! Every screen at four sizes, and the way from one to the next.

use super::pictures::picture;
use super::*;
use crate::act::Action;
use crate::act::service::{ActionEnd, ActionOutcome};
use crate::collect::explain_service::ExplainAnswer;
use crate::collect::log_service::{LogMessage, LogNews};
use crate::domain::evidence::{Evidence, JobDetails, JobEvidence};
use crate::domain::example::{below, job};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::JobId;
use crate::domain::job::Job;
use crate::domain::past::{FlakyJob, PastAnswer, ProjectPast};
use crate::tui::app::Modal;
use crate::tui::screens::place::ScreenPlace;

const SIZES: [(u16, u16); 4] = [(50, 15), (80, 24), (120, 40), (200, 60)];

fn with_jobs(mut row: ProjectRow, stages: Vec<(&str, Vec<Job>)>) -> ProjectRow {
    if let RowState::Ok(pipelines) = &mut row.state {
        let pipeline = &mut Arc::make_mut(pipelines)[0];
        let stage = |(name, jobs): (&str, Vec<Job>)| Stage {
            name: name.into(),
            status: crate::domain::job::stage_status(&jobs),
            jobs: jobs.into_iter().map(|job| Job { stage: name.into(), ..job }).collect(),
        };
        pipeline.stages = stages.into_iter().map(stage).collect();
        pipeline.user = Some("ada".into());
        pipeline.commit_title = Some("use decimal rates".into());
    }
    row
}

fn numbered(id: u64, job: Job) -> Job {
    Job { id: JobId(id), duration: Some(Duration::from_secs(101)), ..job }
}

/// A group in which one job failed, one runs, one waits for a person, and one project could not be read.
pub(super) fn group() -> Vec<ProjectRow> {
    let failed = Job { failure_reason: Some("script_failure".into()), ..job("unit", Status::Failed) };
    let running =
        Job { started_at: Some(noon() - TimeDelta::seconds(64)), duration: None, ..job("unit", Status::Running) };
    let mut triggered = project(4, "platform/auth", "success", 40, "");
    if let RowState::Ok(pipelines) = &mut triggered.state {
        Arc::make_mut(pipelines)[0].downstream = vec![below(9000, Status::Failed, vec![])];
    }
    let mut unread = row("acme/legacy/billing", RowState::Error(Failure::new(FailureKind::Http(500), "HTTP 500")));
    Arc::make_mut(&mut unread.project).id = ProjectId(6);
    unread.as_of = noon();
    vec![
        with_jobs(
            project(1, "payments/invoices", "failed", 6, ""),
            vec![
                ("build", vec![numbered(11, job("compile", Status::Success))]),
                ("test", vec![numbered(12, job("lint", Status::Success)), numbered(13, failed)]),
                ("deploy", vec![numbered(14, job("production", Status::Skipped))]),
            ],
        ),
        with_jobs(
            project(2, "payments/ledger", "running", 3, ""),
            vec![
                ("build", vec![numbered(21, job("compile", Status::Success))]),
                ("test", vec![Job { id: JobId(22), ..running }]),
            ],
        ),
        with_jobs(
            project(3, "platform/terraform", "manual", 60, ""),
            vec![("approve", vec![Job { id: JobId(31), ..job("production", Status::Manual) }])],
        ),
        with_jobs(triggered, vec![("test", vec![numbered(41, job("unit", Status::Success))])]),
        with_jobs(
            project(5, "web/shop", "success", 20, ""),
            vec![("test", vec![numbered(51, job("unit", Status::Success))])],
        ),
        unread,
    ]
}

fn answer(rows: &[ProjectRow]) -> ExplainAnswer {
    let pipeline = rows[0].pipelines()[0].clone();
    let failed = pipeline.jobs().find(|job| job.status == Status::Failed).unwrap().clone();
    let details = JobDetails { runner: Some("docker-runner-3".into()), ..JobDetails::default() };
    let jobs = vec![JobEvidence { job: failed, details, earlier: vec![], log: None, past: None }];
    let id = pipeline.id;
    let evidence = Evidence {
        project: "acme/payments/invoices".into(),
        project_id: None,
        pipeline,
        jobs,
        tests: None,
        previous: None,
        below: vec![],
        unread: vec![],
    };
    ExplainAnswer { pipeline: id, updated_at: None, evidence: Ok(Arc::new(evidence)), judged: None }
}

/// The view after these keys, with what its screens ask for.
pub(super) fn after(keys: &[KeyCode], (width, height): (u16, u16)) -> App {
    let now = Instant::now();
    let mut app = app(group(), width, height, now);
    for key in keys {
        press(&mut app, *key);
        update(&mut app, ViewEvent::Answer(answer(&group())), now);
        let log = b"$ make test\nerror: 2 of 60 tests failed\nERROR: Job failed: exit code 1\n".to_vec();
        let message = |news| LogMessage { request: 1, news };
        update(&mut app, ViewEvent::Log(vec![message(LogNews::Piece(log)), message(LogNews::Over)]), now);
    }
    app
}

#[test]
fn every_screen_at_four_sizes() {
    use KeyCode::{Char, Enter, Tab};
    let screens: [(&str, &[KeyCode]); 10] = [
        ("overview", &[Tab]),
        ("project", &[Tab, Enter]),
        ("pipeline", &[Tab, Enter, Enter]),
        ("job", &[Tab, Enter, Enter, Enter]),
        ("failures", &[Char('!')]),
        ("active", &[Char('a')]),
        ("events", &[Char('e')]),
        ("problems", &[Char('p')]),
        ("question", &[Tab, Char('R')]),
        ("filter", &[Char('/'), Char('p'), Char('a'), Char('y')]),
    ];
    for (name, keys) in screens {
        for (width, height) in SIZES {
            let app = after(keys, (width, height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&app));
        }
    }
}

#[test]
fn esc_goes_back_to_exactly_where_one_was() {
    use KeyCode::{Char, Down, Enter, Esc, Tab};
    let size = (80, 24);
    let trail: [(&str, &[KeyCode]); 5] = [
        ("the list", &[Tab]),
        ("a project", &[Tab, Enter]),
        ("a pipeline, another job", &[Tab, Enter, Enter, Down]),
        ("a filter", &[Char('/'), Char('p'), Enter, Tab]),
        ("the failures", &[Char('!'), Down]),
    ];
    for (sentence, keys) in trail {
        let mut app = after(keys, size);
        let before = picture(&app);
        press(&mut app, Enter);
        assert_ne!(picture(&app), before, "{sentence}");
        press(&mut app, Esc);
        assert_eq!(picture(&app), before, "{sentence}");
    }
}

#[test]
fn a_screen_asks_for_what_it_lacks_and_for_nothing_else() {
    use KeyCode::{Char, Enter, Esc, Tab};
    let cases: [(&str, &[KeyCode], &[&str]); 7] = [
        ("a project looks into the memory", &[Tab, Enter], &["LookBack"]),
        ("a pipeline is known", &[Tab, Enter, Enter], &[]),
        ("a red job asks why, and for its log", &[Tab, Enter, Enter, Enter], &["Ask", "Follow"]),
        ("the log ends with its screen", &[Tab, Enter, Enter, Enter, Esc], &["Follow"]),
        ("a list of the group is known", &[Char('!')], &[]),
        ("the log at once", &[Tab, Char('l')], &["Ask", "Follow"]),
        ("a job that passed has no why", &[Tab, Enter, Enter, KeyCode::Up, Enter], &["Follow"]),
    ];
    for (sentence, keys, expected) in cases {
        let mut app = app(group(), 120, 40, Instant::now());
        let mut effects = Vec::new();
        for key in keys {
            effects = press(&mut app, *key);
        }
        assert_eq!(said(&effects), expected, "{sentence}");
    }
}

#[test]
fn what_is_under_the_cursor_is_explained_beside_the_list_once_it_rests() {
    let now = Instant::now();
    let mut app = app(group(), 200, 60, now);
    assert!(press(&mut app, KeyCode::Tab).is_empty(), "at once it is only passing by");
    let rested = now + Duration::from_millis(300);
    assert_eq!(said(&update(&mut app, ViewEvent::Tick, rested)), ["Ask"]);
    assert!(update(&mut app, ViewEvent::Tick, rested).is_empty(), "one question at a time");
    update(&mut app, ViewEvent::Answer(answer(&group())), rested);
    assert!(picture(&app).contains("job unit failed"), "{}", picture(&app));
    assert!(update(&mut app, ViewEvent::Tick, rested + Duration::from_secs(9)).is_empty(), "it is known");
}

#[test]
fn an_action_is_asked_about_and_shown_until_gitlab_has_done_it() {
    let now = Instant::now();
    let mut app = app(group(), 120, 40, now);
    press(&mut app, KeyCode::Tab);
    assert!(type_keys(&mut app, "R").is_empty());
    let Some(Modal::Confirm(question)) = &app.modal else { panic!("nothing is asked") };
    assert_eq!(question.text, "Retry 1 failed job of payments/invoices #8101? y/N");
    assert!(type_keys(&mut app, "n").is_empty());
    assert_eq!((app.notice.as_deref(), app.pending.len()), (Some("nothing was done"), 0));
    let effects = type_keys(&mut app, "Ry");
    let [ViewEffect::Act(planned)] = &effects[..] else { panic!("{effects:?}") };
    assert!(picture(&app).contains("↻ retry asked"), "{}", picture(&app));
    let end = ActionEnd::Done { id: 8101, status: Status::Running };
    let done = ActionOutcome { planned: (**planned).clone(), end };
    assert_eq!(said(&update(&mut app, ViewEvent::ActionDone(Box::new(done)), now)), ["Reread"]);
    assert!(picture(&app).contains("↻ retry asked"), "what GitLab made of it is not read yet");
    // A slow reading had begun before that.
    let later = now + Duration::from_secs(2);
    let slow = WatchUpdate { took: Duration::from_secs(5), ..snapshot(group(), vec![]) };
    update(&mut app, ViewEvent::Update(Box::new(slow)), later);
    assert!(picture(&app).contains("↻ retry asked"), "it cannot tell");
    let unread = snapshot(app.facts.rows().to_vec(), vec![]);
    update(&mut app, ViewEvent::Update(Box::new(unread)), later);
    assert!(picture(&app).contains("↻ retry asked"), "a reading of other projects cannot tell either");
    give(&mut app, snapshot(group(), vec![]), now);
    assert!(!picture(&app).contains("retry asked"));
}

#[test]
fn what_makes_no_sense_is_refused_before_it_is_asked() {
    let refused = |keys: &str, expected: &str| {
        let mut app = app(group(), 120, 40, Instant::now());
        press(&mut app, KeyCode::Tab);
        type_keys(&mut app, keys);
        assert_eq!(app.modal, None, "{keys}");
        assert!(app.notice.as_deref().is_some_and(|notice| notice.contains(expected)), "{keys}: {:?}", app.notice);
    };
    refused("C", "there is nothing to cancel");
    refused("P", "name one");
    let mut app = app(group(), 120, 40, Instant::now());
    app.facts.options.read_only = Some("GLWATCH_READ_ONLY".into());
    press(&mut app, KeyCode::Tab);
    type_keys(&mut app, "R");
    assert!(app.notice.as_deref().is_some_and(|notice| notice.contains("GLWATCH_READ_ONLY")), "{:?}", app.notice);
}

#[test]
fn actions_are_about_all_marked_rows() {
    let mut app = app(group(), 120, 40, Instant::now());
    press(&mut app, KeyCode::Tab);
    type_keys(&mut app, "xx");
    assert_eq!(app.overview.marked.len(), 2);
    type_keys(&mut app, "C");
    let Some(Modal::Confirm(question)) = &app.modal else { panic!("{:?}", app.notice) };
    assert_eq!(question.planned.iter().map(|planned| planned.action).collect::<Vec<_>>(), [Action::Cancel]);
}

#[test]
fn a_frozen_view_takes_nothing_new_and_its_ages_grow() {
    let now = Instant::now();
    let mut app = app(group(), 120, 40, now);
    type_keys(&mut app, "Z");
    give(&mut app, snapshot(many(3), vec![]), now);
    assert!(picture(&app).contains("invoices") && picture(&app).contains("frozen"));
    update(&mut app, ViewEvent::Tick, now + Duration::from_secs(50));
    assert!(picture(&app).lines().next().is_some_and(|line| line.contains("50s")), "{}", picture(&app));
    type_keys(&mut app, "Z");
    assert!(picture(&app).contains("p00") && !picture(&app).contains("frozen"));
    assert!(picture(&app).lines().next().is_some_and(|line| line.contains("50s")), "it came that long ago");
}

#[test]
fn what_has_changed_is_marked_until_it_was_looked_at_and_listed_with_its_words() {
    let now = Instant::now();
    let mut app = app(many(3), 120, 40, now);
    let mut rows = many(3);
    rows[1] = project(1, "p01", "failed", 1, "build=failed");
    give(&mut app, snapshot(rows, vec![]), now);
    let marked = |app: &App| picture(app).lines().any(|line| line.starts_with("! p01"));
    assert!(marked(&app), "{}", picture(&app));
    press(&mut app, KeyCode::Tab);
    assert!(!marked(&app), "the cursor was there");
    type_keys(&mut app, "e");
    assert!(picture(&app).contains("broke   p01"), "{}", picture(&app));
    assert_eq!(app.opened[0].place, ScreenPlace::Events);
}

#[test]
fn what_is_copied_is_an_address_of_the_host_or_harmless_to_a_shell() {
    let copied = |keys: &str, url: &str, path: &str| {
        let mut rows = many(1);
        Arc::make_mut(&mut rows[0].project).full_path = path.into();
        if let RowState::Ok(pipelines) = &mut rows[0].state {
            Arc::make_mut(pipelines)[0].web_url = Some(url.into());
        }
        let mut app = app(rows, 120, 40, Instant::now());
        press(&mut app, KeyCode::Down);
        type_keys(&mut app, keys).into_iter().find_map(|effect| match effect {
            ViewEffect::Copy(text) => Some(text),
            _ => None,
        })
    };
    let ours = "https://gitlab.example.com/acme/p00/-/pipelines/1";
    assert_eq!(copied("yl", ours, "acme/p00").as_deref(), Some(ours));
    assert_eq!(copied("yl", "https://evil.example/x", "acme/p00"), None);
    assert_eq!(copied("yl", "https://gitlab.example.com/a\nrm -rf", "acme/p00"), None);
    assert_eq!(copied("yi", ours, "acme/p00").as_deref(), Some("8100"));
    assert_eq!(copied("yc", ours, "acme/p00").as_deref(), Some("glwatch explain 'acme/p00#8100'"));
    assert_eq!(copied("yc", ours, "acme/$(reboot)"), None);
}

#[test]
fn what_is_not_there_says_something_only_where_all_was_read() {
    let green = || vec![project(1, "a", "success", 10, "build=success")];
    let with = |state| {
        let mut unread = row("acme/b", state);
        Arc::make_mut(&mut unread.project).id = ProjectId(2);
        unread.as_of = noon();
        [green(), vec![unread]].concat()
    };
    let stale = RowState::Stale { pipelines: green()[0].pipelines().to_vec().into(), failure: failure() };
    let problem =
        Problem { scope: crate::domain::snapshot::ProblemScope::List, subject: "acme".into(), failure: failure() };
    let cases = [
        ("all was read", green(), vec![], true),
        ("a project could not be read", with(RowState::Error(failure())), vec![], false),
        ("a project could not be read again", with(stale), vec![], false),
        ("the list lost a part", green(), vec![problem], false),
        ("a project that may not be seen is none that was not read", with(RowState::NoAccess(failure())), vec![], true),
    ];
    for (sentence, rows, problems, is_sure) in cases {
        let now = Instant::now();
        let mut app = App::new(options(), 120, 40, now);
        give(&mut app, snapshot(rows, problems), now);
        for (key, all, part) in
            [("!", "nothing has failed", "that was read has failed"), ("a", "nothing runs", "that was read runs")]
        {
            type_keys(&mut app, key);
            let seen = picture(&app);
            assert_eq!((seen.contains(all), seen.contains(part)), (is_sure, !is_sure), "{sentence}\n{seen}");
            press(&mut app, KeyCode::Esc);
        }
        // The same while no answer comes.
        update(&mut app, ViewEvent::Tick, now + Duration::from_secs(300));
        type_keys(&mut app, "!");
        assert!(!picture(&app).contains("nothing has failed"), "{sentence}");
    }
}

#[test]
fn no_screen_prints_what_a_terminal_would_obey() {
    use KeyCode::{Char, Down, Enter, Tab};
    const HOSTILE: &str = "\u{1B}[31mevil\u{202E}\u{9B}2J\nx";
    let bad = |id, status| Job { id: JobId(id), failure_reason: Some(HOSTILE.into()), ..job(HOSTILE, status) };
    let odd = || Status::Other(HOSTILE.into());
    let failed = Job { earlier: vec![bad(2, odd())], attempts: Some(2), ..bad(3, Status::Failed) };
    let mut evil = with_jobs(project(1, HOSTILE, "failed", 6, ""), vec![(HOSTILE, vec![failed, bad(4, odd())])]);
    if let RowState::Ok(pipelines) = &mut evil.state {
        let pipeline = &mut Arc::make_mut(pipelines)[0];
        pipeline.git_ref.name = HOSTILE.into();
        pipeline.user = Some(HOSTILE.into());
        pipeline.commit_title = Some(HOSTILE.into());
        pipeline.yaml_errors = Some(HOSTILE.into());
        let triggered = below(9000, odd(), vec![]);
        pipeline.downstream = vec![crate::domain::pipeline::Downstream { project: Some(HOSTILE.into()), ..triggered }];
    }
    let mut unread = row(HOSTILE, RowState::Error(Failure::new(FailureKind::Http(500), HOSTILE)));
    Arc::make_mut(&mut unread.project).id = ProjectId(2);
    let trails: [&[KeyCode]; 9] = [
        &[Tab],
        &[Tab, Enter],
        &[Tab, Enter, Enter],
        &[Tab, Enter, Enter, Enter],
        &[Tab, Enter, Enter, Down, Char('C')],
        &[Tab, Char('C')],
        &[Tab, Char('R'), Char('y')],
        &[Char('!')],
        &[Char('p')],
    ];
    for keys in trails {
        let now = Instant::now();
        let mut app = app(many(3), 120, 40, now);
        give(&mut app, snapshot(vec![evil.clone(), unread.clone()], vec![]), now);
        keys.iter().for_each(|key| drop(press(&mut app, *key)));
        let seen = picture(&app);
        let is_obeyed = |c: char| c.is_control() && c != '\n' || c == '\u{202E}';
        assert!(!seen.contains(is_obeyed), "{keys:?}\n{seen:?}");
        type_keys(&mut app, "qe");
        assert!(!picture(&app).contains(is_obeyed), "{keys:?}, then the events");
    }
}

/// A pipeline that the memory knows.
pub(super) fn remembered(id: u64) -> crate::domain::fact::PipelineFact {
    let course = crate::domain::fact::PipelineCourse {
        updated_at: None,
        status: Status::Success,
        started_at: None,
        finished_at: None,
        duration: Some(id),
        queued: None,
    };
    crate::domain::fact::PipelineFact {
        project: ProjectId(1),
        id: PipelineId(id),
        iid: None,
        ref_name: "main".into(),
        ref_kind: crate::domain::pipeline::RefKind::Branch,
        sha: None,
        source: None,
        author: None,
        commit_title: None,
        created_at: Some(noon().timestamp() - 3600),
        course,
    }
}

/// What the memory knows of the first project.
fn recalled(pipelines: Vec<crate::domain::fact::PipelineFact>, flaky: Vec<FlakyJob>) -> ViewEvent {
    ViewEvent::Recent(Box::new(PastAnswer::Own(ProjectPast { project: ProjectId(1), pipelines, flaky })))
}

#[test]
fn flaky_jobs_are_named_below_the_trend_while_all_refs_are_shown() {
    let job = |name: &str, failed| FlakyJob { name: name.into(), failed, attempts: 30 };
    let cases = [
        (vec![], ""),
        (vec![job("test: [3.11]", 4)], "flaky in 14 days: test: [3.11] (4 of 30 failed)"),
        (
            vec![job("a", 4), job("b", 3), job("c\u{1B}[31m", 2), job("d", 1), job("e", 1)],
            "flaky in 14 days: a (4 of 30 failed), b (3 of 30 failed), c\u{FFFD} (2 of 30 failed), 2 more",
        ),
    ];
    for (flaky, expected) in cases {
        let mut app = after(&[KeyCode::Tab, KeyCode::Enter], (120, 30));
        let now = app.facts.now;
        let recent = (1..=6).rev().map(remembered).collect();
        update(&mut app, recalled(recent, flaky), now);
        let line = |app: &App| picture(app).lines().find(|line| line.contains("flaky")).unwrap_or("").trim().to_owned();
        assert_eq!(line(&app), expected);
        type_keys(&mut app, "b");
        assert_eq!(line(&app), "", "of one ref it is not known");
    }
}

#[test]
fn a_project_with_its_past_at_four_sizes() {
    for (width, height) in SIZES {
        let mut app = after(&[KeyCode::Tab, KeyCode::Enter], (width, height));
        let now = app.facts.now;
        let flaky = vec![FlakyJob { name: "test: [3.11]".into(), failed: 4, attempts: 30 }];
        update(&mut app, recalled((1..=40).rev().map(remembered).collect(), flaky), now);
        insta::assert_snapshot!(format!("project_past_{width}x{height}"), picture(&app));
    }
}

#[test]
fn an_older_pipeline_with_what_it_triggered_at_four_sizes() {
    use crate::collect::older_pipeline::OlderAnswer;
    for (width, height) in SIZES {
        let mut app = after(&[KeyCode::Tab, KeyCode::Enter], (width, height));
        let now = app.facts.now;
        update(&mut app, recalled(vec![remembered(7)], vec![]), now);
        let [ViewEffect::ReadOlder(request)] = &type_keys(&mut app, "j")
            .into_iter()
            .chain(press(&mut app, KeyCode::Enter))
            .filter(|effect| matches!(effect, ViewEffect::ReadOlder(_)))
            .collect::<Vec<_>>()[..]
        else {
            panic!("nothing is asked")
        };
        assert_eq!((request.path.as_str(), request.known.id), ("acme/payments/invoices", PipelineId(7)));
        let mut read = request.known.clone();
        read.stages = group()[0].pipelines()[0].stages.clone();
        read.downstream = vec![below(9000, Status::Failed, vec![])];
        update(&mut app, ViewEvent::Older(Box::new(OlderAnswer { id: read.id, outcome: Ok(read), needs: None })), now);
        insta::assert_snapshot!(format!("older_pipeline_{width}x{height}"), picture(&app));
    }
}

#[test]
fn every_line_of_a_long_list_can_be_seen_and_older_pipelines_open() {
    use KeyCode::{Down, End, Enter, Home, PageDown, PageUp, Tab, Up};
    let mut app = after(&[Tab, Enter], (80, 24));
    let recent = (1..=60).rev().map(remembered).collect();
    let now = app.facts.now;
    update(&mut app, recalled(recent, vec![]), now);
    let sees = |app: &App, text: &str| picture(app).contains(text);
    assert!(sees(&app, "▌ #8101") && sees(&app, "#60 "), "{}", picture(&app));
    (0..80).for_each(|_| drop(press(&mut app, Down)));
    assert!(sees(&app, "▌ #1 "), "{}", picture(&app));
    (0..80).for_each(|_| drop(press(&mut app, Up)));
    assert!(sees(&app, "▌ #8101") && sees(&app, "acme/payments/invoices"), "{}", picture(&app));
    assert!(sees(&app, "last 30: 100 % passed"));
    press(&mut app, End);
    assert!(sees(&app, "▌ #1 "));
    assert_eq!(said(&press(&mut app, Enter)), ["ReadOlder"]);
    assert!(sees(&app, "reading the jobs of #1, for 0s"), "{}", picture(&app));
    press(&mut app, KeyCode::Esc);
    press(&mut app, Home);
    assert!(sees(&app, "▌ #8101"), "{}", picture(&app));
    press(&mut app, PageDown);
    press(&mut app, PageDown);
    assert!(!sees(&app, "#8101") && sees(&app, "▌ #21 "), "{}", picture(&app));
    press(&mut app, PageUp);
    press(&mut app, PageUp);
    assert!(sees(&app, "#8101"), "{}", picture(&app));
}

#[test]
fn the_log_of_an_earlier_attempt_scrolls_and_enter_opens_the_last_one() {
    let mut rows = group();
    if let RowState::Ok(pipelines) = &mut rows[0].state {
        let last = &mut Arc::make_mut(pipelines)[0].stages[1].jobs[1];
        last.earlier = vec![numbered(10, Job { stage: "test".into(), ..job("unit", Status::Failed) })];
        last.attempts = Some(2);
    }
    let now = Instant::now();
    let mut app = app(rows, 80, 24, now);
    for key in [KeyCode::Tab, KeyCode::Char('l'), KeyCode::Char('[')] {
        press(&mut app, key);
    }
    assert_eq!(app.opened[0].place, ScreenPlace::Job(ProjectId(1), PipelineId(8101), JobId(10)));
    let lines = (1..=100).fold(String::new(), |log, n| format!("{log}line {n}\n"));
    let message = |news| LogMessage { request: 2, news };
    update(&mut app, ViewEvent::Log(vec![message(LogNews::Piece(lines.into_bytes())), message(LogNews::Over)]), now);
    (0..100).for_each(|_| drop(press(&mut app, KeyCode::Down)));
    assert!(picture(&app).contains("line 100"), "{}", picture(&app));
    press(&mut app, KeyCode::Home);
    assert!(picture(&app).contains("an earlier attempt"), "{}", picture(&app));
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.opened.last().unwrap().place, ScreenPlace::Job(ProjectId(1), PipelineId(8101), JobId(13)));
}

/// The group after the red pipeline has gone on: it changed at noon.
fn gone_on() -> Vec<ProjectRow> {
    let mut rows = group();
    if let RowState::Ok(pipelines) = &mut rows[0].state {
        Arc::make_mut(pipelines)[0].updated_at = Some(noon());
    }
    rows
}

#[test]
fn an_answer_about_a_pipeline_that_has_gone_on_since_is_none() {
    let now = Instant::now();
    let mut app = app(group(), 200, 60, now);
    press(&mut app, KeyCode::Tab);
    let rested = now + Duration::from_secs(1);
    assert_eq!(said(&update(&mut app, ViewEvent::Tick, rested)), ["Ask"]);
    update(&mut app, ViewEvent::Answer(answer(&group())), rested);
    assert!(picture(&app).contains("job unit failed"));
    let update_of = snapshot(gone_on(), vec![]);
    let asked = update(&mut app, ViewEvent::Update(Box::new(update_of)), rested);
    assert!(!picture(&app).contains("job unit failed"), "{}", picture(&app));
    assert_eq!(said(&asked), ["Ask"], "and it is asked again");
}

#[test]
fn a_question_that_another_one_has_replaced_keeps_no_one_waiting() {
    let now = Instant::now();
    let mut rows = group();
    rows[4] = with_jobs(
        project(5, "web/shop", "failed", 5, ""),
        vec![(
            "test",
            vec![numbered(51, Job { failure_reason: Some("script_failure".into()), ..job("unit", Status::Failed) })],
        )],
    );
    let mut app = app(rows, 200, 60, now);
    let point_at = |app: &mut App, id| {
        let is_it =
            |line: &crate::tui::screens::overview::OverviewLine| line.row().is_some_and(|row| row.key.project == id);
        let at = app.overview.lines.iter().position(is_it).unwrap();
        app.overview.move_to(at, 50);
    };
    let rested = now + Duration::from_secs(1);
    point_at(&mut app, ProjectId(1));
    update(&mut app, ViewEvent::Tick, now);
    assert_eq!(said(&update(&mut app, ViewEvent::Tick, rested)), ["Ask"], "about the first");
    point_at(&mut app, ProjectId(5));
    assert_eq!(said(&type_keys(&mut app, "l")), ["Ask", "Follow"], "about the other one, whose job is opened");
    let evidence = Err(Failure::new(FailureKind::Http(500), "HTTP 500"));
    update(
        &mut app,
        ViewEvent::Answer(ExplainAnswer { pipeline: PipelineId(8105), updated_at: None, evidence, judged: None }),
        rested,
    );
    assert!(!app.is_asking(), "the answer to the first will never come");
    press(&mut app, KeyCode::Esc);
    point_at(&mut app, ProjectId(1));
    assert_eq!(
        said(&update(&mut app, ViewEvent::Tick, rested + Duration::from_secs(1))),
        ["Ask"],
        "about the first again"
    );
}

#[test]
fn what_comes_late_of_a_log_that_was_closed_is_not_shown_in_the_next() {
    use KeyCode::{Char, Esc, Tab};
    let now = Instant::now();
    let mut app = app(group(), 120, 40, now);
    [Tab, Char('l'), Esc, Char('l')].into_iter().for_each(|key| drop(press(&mut app, key)));
    let piece = |request, text: &str| LogMessage { request, news: LogNews::Piece(text.into()) };
    update(&mut app, ViewEvent::Log(vec![piece(1, "late\n"), piece(2, "of now\n")]), now);
    let seen = picture(&app);
    assert!(seen.contains("of now") && !seen.contains("late"), "{seen}");
}

#[test]
fn no_marked_row_is_left_out_of_an_action_without_a_word() {
    let mut app = app(group(), 120, 40, Instant::now());
    press(&mut app, KeyCode::Tab);
    type_keys(&mut app, "xx");
    press(&mut app, KeyCode::Char('1'));
    type_keys(&mut app, "C");
    assert_eq!(app.modal, None);
    assert!(
        app.notice.as_deref().is_some_and(|notice| notice.contains("1 marked row not in sight")),
        "{:?}",
        app.notice
    );
}

#[test]
fn in_ascii_no_screen_has_anything_else() {
    use KeyCode::{Char, Enter, Tab};
    let trails: [&[KeyCode]; 8] = [
        &[Tab],
        &[Tab, Enter],
        &[Tab, Enter, Enter],
        &[Tab, Enter, Enter, Enter],
        &[Char('!')],
        &[Char('a')],
        &[Char('p')],
        &[Char('?')],
    ];
    for (keys, size) in trails.into_iter().flat_map(|keys| SIZES.map(|size| (keys, size))) {
        let now = Instant::now();
        let options = ViewOptions { charset: Charset::Ascii, ..options() };
        let mut app = App::new(options, size.0, size.1, now);
        give(&mut app, snapshot(group(), vec![]), now);
        for key in keys {
            press(&mut app, *key);
            update(&mut app, ViewEvent::Answer(answer(&group())), now);
            update(&mut app, recalled(vec![remembered(7)], vec![]), now);
        }
        assert!(picture(&app).is_ascii(), "{keys:?} {size:?}\n{}", picture(&app));
        assert!(crate::tui::view::title(&app).is_ascii());
    }
}

#[test]
fn what_the_user_has_done_is_listed_with_what_became_of_it() {
    let now = Instant::now();
    let mut app = app(group(), 120, 40, now);
    press(&mut app, KeyCode::Tab);
    let effects = type_keys(&mut app, "Ry");
    let [ViewEffect::Act(planned)] = &effects[..] else { panic!("{effects:?}") };
    let end = ActionEnd::Refused(Failure::new(FailureKind::Http(403), "the token may only read"));
    update(&mut app, ViewEvent::ActionDone(Box::new(ActionOutcome { planned: (**planned).clone(), end })), now);
    type_keys(&mut app, "e");
    let seen = picture(&app);
    assert!(seen.contains("refused: the token may only read") && seen.contains("  you"), "{seen}");
    assert!(app.pending.is_empty(), "what was refused is not awaited");
}

#[test]
fn a_project_lists_one_ref_after_the_other_with_the_trend_of_what_has_ended() {
    let mut app = after(&[KeyCode::Tab, KeyCode::Enter], (100, 30));
    let of = |id: u64, ref_name: &str, status: Status, queued: u64| {
        let mut fact = remembered(id);
        fact.ref_name = ref_name.into();
        fact.course.status = status;
        fact.course.duration = Some(60 * id);
        fact.course.queued = Some(queued);
        fact
    };
    let failed = (1..=4).map(|id| of(id, "fix", Status::Failed, 5));
    let passed = (5..=10).map(|id| of(id, "main", Status::Success, 4 * id));
    let mut recent: Vec<_> = failed.chain(passed).collect();
    recent.reverse();
    let now = app.facts.now;
    update(&mut app, recalled(recent, vec![]), now);
    let line = |app: &App, start: &str| {
        let picture = picture(app);
        picture.lines().map(str::trim).find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
    };
    assert_eq!(line(&app, "last"), "last 10: 60 % passed  ▂▂▃▄▅▅▆▇▇█  queue p95 40s");
    type_keys(&mut app, "b");
    assert_eq!(line(&app, "only"), "only main; b shows the next ref");
    assert_eq!(line(&app, "last"), "last 6: 100 % passed  ▅▅▆▇▇█  queue p95 40s");
    assert!(!picture(&app).contains("fix"), "{}", picture(&app));
    type_keys(&mut app, "b");
    // Of four there is no trend.
    assert_eq!(
        (line(&app, "only").as_str(), line(&app, "last").as_str()),
        ("only fix; b shows the next ref", "last 4: 0 % passed")
    );
    type_keys(&mut app, "b");
    assert_eq!(line(&app, "only"), "");
}
