//! What jobs need: when it is asked, what the screen marks, and what it says of those that wait.

use super::pictures::picture;
use super::*;
use crate::collect::job_needs::NeedsAnswer;
use crate::collect::older_pipeline::OlderAnswer;
use crate::domain::example::below;
use crate::domain::example::job;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::JobId;
use crate::domain::job::{Job, stage_status};
use crate::domain::job_needs::{JobNeeds, NeededJobs, StartOrder};
use crate::domain::pipeline::Downstream;
use crate::tui::plain::PlainView;

/// A pipeline of which something waits: for one job, for a stage, for a person.
fn rows() -> Vec<ProjectRow> {
    let mut row = project(1, "payments/invoices", "running", 6, "");
    type NewStage<'a> = (&'a str, &'a [(u64, &'a str, Status)]);
    let stages: [NewStage<'_>; 4] = [
        ("build", &[(11, "compile", Status::Success), (12, "lint", Status::Running)]),
        ("test", &[(21, "unit", Status::Created), (22, "licences", Status::Created)]),
        ("approve", &[(31, "approve", Status::Manual)]),
        ("deploy", &[(41, "staging", Status::Created), (42, "report", Status::Created)]),
    ];
    if let RowState::Ok(pipelines) = &mut row.state {
        let pipeline = &mut Arc::make_mut(pipelines)[0];
        pipeline.iid = Some(7);
        let stage = |(name, jobs): NewStage<'_>| {
            let of = |(id, name, status): &(u64, &str, Status)| Job { id: JobId(*id), ..job(name, status.clone()) };
            let jobs: Vec<Job> = jobs.iter().map(of).map(|job| Job { stage: name.into(), ..job }).collect();
            Stage { name: name.into(), status: stage_status(&jobs), jobs }
        };
        pipeline.stages = stages.into_iter().map(stage).collect();
    }
    vec![row]
}

fn needs() -> JobNeeds {
    let mut needs = JobNeeds::default();
    let told = [
        ("compile", ""),
        ("lint", ""),
        ("unit", "compile lint"),
        ("licences", "compile"),
        ("approve", ""),
        ("staging", "compile unit approve gone"),
        ("report", ""),
    ];
    for (name, names) in told {
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        let order = if names.is_empty() { StartOrder::AfterStages } else { StartOrder::AfterNeeds };
        needs.insert(name.into(), NeededJobs { names, has_more: false, order });
    }
    needs
}

fn answer(outcome: Result<Option<JobNeeds>, Failure>) -> ViewEvent {
    ViewEvent::Needs(Box::new(NeedsAnswer { pipeline: PipelineId(8101), outcome }))
}

/// The screen of that pipeline, and what was asked when it opened.
fn opened(rows: Vec<ProjectRow>, (width, height): (u16, u16)) -> (App, Vec<String>) {
    let mut app = app(rows, width, height, Instant::now());
    press(&mut app, KeyCode::Tab);
    press(&mut app, KeyCode::Enter);
    let asked = said(&press(&mut app, KeyCode::Enter));
    (app, asked)
}

/// The line of a job.
#[track_caller]
fn line(app: &App, name: &str) -> String {
    let picture = picture(app);
    let begins = |line: &&str| {
        let rest = line.trim_start_matches(['▌', '|', '«', '<', ' ']).strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(' '))
    };
    // A stage may have the name of its job.
    let found = picture.lines().rfind(begins);
    found.unwrap_or_else(|| panic!("no {name} in\n{picture}")).trim_end().to_owned()
}

#[test]
fn the_needs_of_the_chosen_job_are_marked_and_a_job_says_what_it_waits_for() {
    for (width, height) in [(50, 15), (80, 24), (120, 40), (200, 60)] {
        let (mut app, asked) = opened(rows(), (width, height));
        assert_eq!(asked, ["ReadNeeds"]);
        let now = app.facts.now;
        assert!(update(&mut app, answer(Ok(Some(needs()))), now).is_empty());
        press(&mut app, KeyCode::End);
        press(&mut app, KeyCode::Up);
        insta::assert_snapshot!(format!("needs_{width}x{height}"), picture(&app));
    }
}

#[test]
fn the_mark_needs_neither_colour_nor_unicode() {
    for (charset, sign) in [(Charset::Unicode, "«"), (Charset::Ascii, "<")] {
        let (mut app, _) = opened(rows(), (120, 40));
        app.facts.options.charset = charset;
        let now = app.facts.now;
        update(&mut app, answer(Ok(Some(needs()))), now);
        press(&mut app, KeyCode::Home);
        for _ in 0..2 {
            press(&mut app, KeyCode::Down);
        }
        let marked = |name: &str| line(&app, name).contains(&format!("{sign} {name}"));
        assert!(marked("compile") && marked("lint") && !marked("licences"), "{}", picture(&app));
        assert!(line(&app, "compile").ends_with("needed by unit"), "{}", picture(&app));
    }
}

#[test]
fn needs_are_asked_once_and_only_where_they_are_looked_at() {
    let (mut app, asked) = opened(rows(), (120, 40));
    assert_eq!(asked, ["ReadNeeds"], "a job waits");
    let (now, rested) = (app.facts.now, app.facts.now + Duration::from_secs(3));
    update(&mut app, ViewEvent::Tick, rested);
    assert!(picture(&app).contains("what (reading needs, for 3s)"), "{}", picture(&app));
    assert!(line(&app, "unit").contains("waits for the jobs before it"), "{}", picture(&app));
    update(&mut app, answer(Ok(Some(needs()))), now);
    press(&mut app, KeyCode::Esc);
    assert!(said(&press(&mut app, KeyCode::Enter)).is_empty(), "it is known");
    assert!(update(&mut app, ViewEvent::Tick, rested + Duration::from_secs(3)).is_empty());

    // Where nothing waits, only a cursor that rests asks.
    let mut done = rows();
    if let RowState::Ok(pipelines) = &mut done[0].state {
        let jobs = Arc::make_mut(pipelines)[0].stages.iter_mut().flat_map(|stage| &mut stage.jobs);
        jobs.for_each(|job| job.status = Status::Failed);
    }
    let (mut app, asked) = opened(done, (120, 40));
    assert!(asked.is_empty(), "{asked:?}");
    let now = app.facts.now;
    assert!(press(&mut app, KeyCode::Down).is_empty());
    assert!(update(&mut app, ViewEvent::Tick, now + Duration::from_millis(299)).is_empty(), "it is passing by");
    let effects = update(&mut app, ViewEvent::Tick, now + Duration::from_millis(300));
    let [ViewEffect::ReadNeeds(request)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((request.project.as_str(), request.iid, request.jobs), ("acme/payments/invoices", 7, 7));
    assert!(update(&mut app, ViewEvent::Tick, now + Duration::from_secs(9)).is_empty(), "one question at a time");
}

#[test]
fn what_cannot_be_told_is_not_claimed() {
    let (mut app, _) = opened(rows(), (120, 40));
    let before = picture(&app).replace("what (reading needs, for 0s)", "what");
    let now = app.facts.now;
    update(&mut app, answer(Ok(None)), now);
    assert_eq!(picture(&app), before, "REST tells nothing, and nothing is wrong");
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Enter);
    let failure = Failure::new(FailureKind::Http(502), "HTTP 502 \u{1B}[31mred");
    update(&mut app, answer(Err(failure)), now);
    assert!(picture(&app).contains("what these jobs need could not be read: HTTP 502"), "{}", picture(&app));
    assert!(!picture(&app).contains('\u{1B}'));
    let later = now + Duration::from_secs(60);
    assert!(update(&mut app, ViewEvent::Tick, later).is_empty(), "what failed is not asked again and again");
    press(&mut app, KeyCode::Esc);
    assert_eq!(said(&press(&mut app, KeyCode::Enter)), ["ReadNeeds"], "but when it is opened again");
    // One job alone needs none, and without its number in the project it cannot be asked.
    type Change = fn(&mut crate::domain::pipeline::Pipeline);
    let changes: [Change; 2] = [
        |pipeline| pipeline.iid = None,
        |pipeline| {
            pipeline.stages.truncate(1);
            pipeline.stages[0].jobs.truncate(1);
            pipeline.stages[0].jobs[0].status = Status::Created;
        },
    ];
    for change in changes {
        let mut rows = rows();
        if let RowState::Ok(pipelines) = &mut rows[0].state {
            change(&mut Arc::make_mut(pipelines)[0]);
        }
        assert!(opened(rows, (120, 40)).1.is_empty());
    }
}

#[test]
fn hostile_needs_change_nothing_but_the_line_that_they_are_in() {
    let (mut app, _) = opened(rows(), (80, 24));
    let mut told = needs();
    let names = (0..3_000).map(|n| format!("\u{1B}[2J{n}\u{202E}{}", "x".repeat(300))).collect();
    told.insert("staging".into(), NeededJobs { names, has_more: true, order: StartOrder::AfterNeeds });
    // A circle, and a job that needs itself.
    for (name, needed) in [("unit", "licences"), ("licences", "unit"), ("report", "report")] {
        let names = vec![needed.to_owned()];
        told.insert(name.into(), NeededJobs { names, has_more: false, order: StartOrder::AfterNeeds });
    }
    let now = app.facts.now;
    update(&mut app, answer(Ok(Some(told))), now);
    press(&mut app, KeyCode::End);
    let shown = picture(&app);
    assert!(!shown.contains('\u{1B}') && !shown.contains('\u{202E}'), "{shown}");
    assert!(line(&app, "unit").contains("waits for licences"), "{shown}");
    assert!(line(&app, "licences").contains("waits for unit"), "{shown}");
    assert!(line(&app, "report").contains("waits for report"), "{shown}");
    assert!(shown.lines().all(|line| crate::text::width::cells(line) <= 80), "{shown}");
    // Another answer than asked for, and one for a pipeline that no one looks at.
    let other = NeedsAnswer { pipeline: PipelineId(1), outcome: Ok(Some(JobNeeds::default())) };
    update(&mut app, ViewEvent::Needs(Box::new(other)), now);
    assert_eq!(picture(&app), shown);
}

#[test]
fn the_screen_of_a_job_names_its_needs_with_their_states() {
    let (mut app, _) = opened(rows(), (120, 40));
    let now = app.facts.now;
    update(&mut app, answer(Ok(Some(needs()))), now);
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Enter);
    let shown = picture(&app);
    assert!(shown.contains("waits for approve (manual), unit, gone (not listed)"), "{shown}");
    assert!(shown.contains("needs compile (success), unit (created), approve (manual), gone (not listed)"), "{shown}");
}

#[test]
fn lines_without_a_picture_say_it_in_words() {
    let now = Instant::now();
    let mut view = PlainView::new(options(), now);
    view.take(ViewEvent::Update(Box::new(snapshot(rows(), vec![]))), now);
    view.typed("all", now);
    view.typed("1", now);
    let (_, effects) = view.typed("1", now);
    assert_eq!(said(&effects), ["ReadNeeds"]);
    let (lines, _) = view.take(answer(Ok(Some(needs()))), now);
    insta::assert_snapshot!(lines.join("\n"), @r"
    3. unit, created, waits for lint (running), needs compile, lint
    4. licences, created, all it waited for is over, needs compile
    6. staging, created, waits for approve (manual), unit, gone (not listed), needs compile, unit, approve, gone
    7. report, created, waits for stages build (running), test, approve (manual)
    ");
}

/// A pipeline that triggered one in the same project, two elsewhere that are in no list, and one of another project of the list.
fn triggering(status: &Status) -> Vec<ProjectRow> {
    let mut rows = rows();
    rows.push(project(2, "payments/ledger", "success", 9, "build=success"));
    let of = |id, path: Option<&str>| Downstream {
        project: path.map(str::to_owned),
        iid: Some(id),
        ..below(id, status.clone(), vec![])
    };
    if let RowState::Ok(pipelines) = &mut rows[0].state {
        let pipeline = &mut Arc::make_mut(pipelines)[0];
        pipeline.stages.truncate(1);
        pipeline.downstream = vec![
            of(9001, Some("acme/payments/invoices")),
            of(9002, Some("elsewhere/secret")),
            of(9003, None),
            of(9004, Some("acme/payments/ledger")),
        ];
    }
    rows
}

/// The requests for jobs of pipelines beside those of the list.
fn asked_for(effects: &[ViewEffect]) -> Vec<u64> {
    let id = |effect: &ViewEffect| match effect {
        ViewEffect::ReadOlder(request) => Some(request.known.id.0),
        _ => None,
    };
    effects.iter().filter_map(id).collect()
}

/// Gives the jobs of a pipeline that was asked for.
fn read(app: &mut App, effects: &[ViewEffect], status: Status) {
    let Some(ViewEffect::ReadOlder(request)) =
        effects.iter().find(|effect| !asked_for(std::slice::from_ref(effect)).is_empty())
    else {
        panic!("{effects:?}")
    };
    let mut read = request.known.clone();
    let jobs = vec![Job { id: JobId(91), ..job("contract", status.clone()) }];
    (read.status, read.stages) = (status.clone(), vec![Stage { name: "check".into(), status, jobs }]);
    let now = app.facts.now;
    let answer = OlderAnswer { id: read.id, outcome: Ok(read), needs: None };
    update(app, ViewEvent::Older(Box::new(answer)), now);
}

#[test]
fn what_a_pipeline_triggered_opens_where_its_project_is_in_the_list() {
    let (mut app, _) = opened(triggering(&Status::Failed), (120, 40));
    let lines: Vec<String> = picture(&app).lines().filter(|line| line.contains('→')).map(str::to_owned).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    press(&mut app, KeyCode::End);
    let effects = press(&mut app, KeyCode::Enter);
    assert_eq!(asked_for(&effects), [9004], "what is in no list leads nowhere");
    assert!(picture(&app).contains("reading the jobs of #9004, for 0s"), "{}", picture(&app));
    read(&mut app, &effects, Status::Failed);
    assert!(picture(&app).contains("acme/payments/ledger #9004  ✗ failed"), "its ref was not told\n{}", picture(&app));
    assert!(picture(&app).contains("▌   contract"), "the cursor is where it would be in a pipeline of the list");
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Up);
    let effects = press(&mut app, KeyCode::Enter);
    assert_eq!(asked_for(&effects), [9001]);
    read(&mut app, &effects, Status::Failed);
    assert!(picture(&app).contains("acme/payments/invoices #9001  main  ✗ failed"), "{}", picture(&app));
    press(&mut app, KeyCode::Esc);
    assert!(asked_for(&press(&mut app, KeyCode::Enter)).is_empty(), "what is over is read once");
    // Someone may have run it again since: how old it is, is said, and a key reads it.
    assert!(!picture(&app).contains("read 1m"), "{}", picture(&app));
    let later = app.facts.now + Duration::from_secs(90);
    update(&mut app, ViewEvent::Tick, later);
    assert!(picture(&app).contains("✗ failed  read 1m 30s ago"), "{}", picture(&app));
    let effects = type_keys(&mut app, "r");
    assert_eq!(asked_for(&effects), [9001]);
    read(&mut app, &effects, Status::Running);
    let now = picture(&app);
    assert!(now.contains("#9001  main  ● running") && !now.contains("read 1m"), "{now}");
}

#[test]
fn what_goes_on_is_read_again_with_each_reading_while_it_is_looked_at() {
    let (mut app, _) = opened(triggering(&Status::Running), (120, 40));
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Up);
    let effects = press(&mut app, KeyCode::Enter);
    read(&mut app, &effects, Status::Running);
    let now = app.facts.now + Duration::from_secs(10);
    let again = |app: &mut App, status: &Status| {
        update(app, ViewEvent::Update(Box::new(snapshot(triggering(status), vec![]))), now)
    };
    let effects = again(&mut app, &Status::Running);
    assert_eq!(asked_for(&effects), [9001]);
    assert!(asked_for(&again(&mut app, &Status::Running)).is_empty(), "one question at a time");
    assert!(picture(&app).contains("contract"), "what is known stays in view");
    read(&mut app, &effects, Status::Success);
    // The list knows later that it is over; that is news once.
    let effects = again(&mut app, &Status::Success);
    assert_eq!(asked_for(&effects), [9001]);
    read(&mut app, &effects, Status::Success);
    assert!(asked_for(&again(&mut app, &Status::Success)).is_empty(), "it is over");
    // A person runs it again.
    let effects = again(&mut app, &Status::Running);
    assert_eq!(asked_for(&effects), [9001]);
    read(&mut app, &effects, Status::Running);
    // What cannot be read again is said, and does not take away what is known.
    assert_eq!(asked_for(&again(&mut app, &Status::Running)), [9001]);
    let outcome = Err(Failure::new(FailureKind::Http(502), "HTTP 502"));
    let answer = OlderAnswer { id: PipelineId(9001), outcome, needs: None };
    update(&mut app, ViewEvent::Older(Box::new(answer)), now);
    let shown = picture(&app);
    assert!(shown.contains("#9001 could not be read again: HTTP 502") && shown.contains("contract"), "{shown}");
    press(&mut app, KeyCode::Esc);
    assert!(asked_for(&again(&mut app, &Status::Running)).is_empty(), "no one looks at it");
}

#[test]
fn the_cursor_of_a_pipeline_begins_at_what_tells_the_most() {
    let of = |status: Status, below: Status| {
        let mut rows = triggering(&below);
        if let RowState::Ok(pipelines) = &mut rows[0].state {
            let jobs = &mut Arc::make_mut(pipelines)[0].stages[0].jobs;
            (jobs[0].status, jobs[1].status) = (Status::Success, status);
        }
        rows
    };
    let cases = [
        ("a job that failed", Status::Failed, Status::Failed, "lint"),
        ("else what it triggered and failed", Status::Success, Status::Failed, "→ acme/payments/invoices #9001"),
        ("else what holds it up", Status::Manual, Status::Success, "lint"),
        ("else a job that runs", Status::Running, Status::Success, "lint"),
    ];
    for (sentence, status, below, expected) in cases {
        let (app, _) = opened(of(status, below), (120, 40));
        let shown = picture(&app);
        let line = shown.lines().find(|line| line.starts_with('▌')).unwrap_or_default();
        assert!(line.contains(expected), "{sentence}\n{shown}");
    }
    let (app, _) = opened(of(Status::Success, Status::Success), (120, 40));
    assert!(!picture(&app).contains('▌'), "where all is well nothing is pointed at");
}

#[test]
fn the_time_of_a_job_that_runs_goes_on_between_readings() {
    let mut rows = rows();
    if let RowState::Ok(pipelines) = &mut rows[0].state {
        let lint = &mut Arc::make_mut(pipelines)[0].stages[0].jobs[1];
        // GitLab tells how long it runs as of the reading.
        (lint.started_at, lint.duration) = (Some(noon() - TimeDelta::seconds(64)), Some(Duration::from_secs(64)));
    }
    let (mut app, _) = opened(rows, (120, 40));
    assert!(line(&app, "lint").contains("1m 04s"), "{}", picture(&app));
    let later = app.facts.now + Duration::from_secs(5);
    update(&mut app, ViewEvent::Tick, later);
    assert!(line(&app, "lint").contains("1m 09s"), "{}", picture(&app));
}

#[test]
fn a_status_in_brackets_has_none_of_its_own() {
    let mut rows = rows();
    if let RowState::Ok(pipelines) = &mut rows[0].state {
        Arc::make_mut(pipelines)[0].stages[0].jobs[1].status = Status::WaitingForResource;
    }
    let (mut app, _) = opened(rows, (120, 40));
    let now = app.facts.now;
    update(&mut app, answer(Ok(Some(needs()))), now);
    assert!(line(&app, "unit").ends_with("waits for lint (waiting for resource)"), "{}", picture(&app));
}

#[test]
fn why_a_child_failed_is_kept_while_it_is_looked_at() {
    use crate::collect::explain_service::ExplainAnswer;
    let (mut app, _) = opened(triggering(&Status::Failed), (120, 40));
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Up);
    let effects = press(&mut app, KeyCode::Enter);
    read(&mut app, &effects, Status::Failed);
    assert_eq!(said(&press(&mut app, KeyCode::Enter)), ["Ask", "Follow"]);
    let now = app.facts.now;
    let evidence = Err(Failure::new(FailureKind::Http(502), "HTTP 502"));
    let why = ExplainAnswer { pipeline: PipelineId(9001), updated_at: None, evidence, judged: None };
    update(&mut app, ViewEvent::Answer(why), now);
    assert!(picture(&app).contains("no explanation: HTTP 502"), "{}", picture(&app));
    let mut rows = triggering(&Status::Failed);
    rows.push(project(3, "web/shop", "success", 2, "build=success"));
    update(&mut app, ViewEvent::Update(Box::new(snapshot(rows, vec![]))), now);
    assert!(picture(&app).contains("no explanation: HTTP 502"), "{}", picture(&app));
}
