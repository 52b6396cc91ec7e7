//! What runs without a server, at 2000 projects of 4 stages x 3 jobs: deciding and remembering, the report, the renderers,
//! and a frame of the live view.

#![expect(clippy::expect_used, reason = "a bench that cannot go on panics")]

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use divan::Bencher;
use glwatch::collect::run::{CollectOptions, Collector};
use glwatch::collect::watch::{WatchPhase, WatchUpdate};
use glwatch::domain::change::changes;
use glwatch::domain::excerpt::SnapshotView;
use glwatch::domain::health::RowOrder;
use glwatch::domain::host::Host;
use glwatch::domain::id::{GroupId, GroupRef};
use glwatch::domain::selection::{ProjectFilter, RefSelector};
use glwatch::domain::snapshot::Snapshot;
use glwatch::domain::usage::ApiChoice;
use glwatch::domain::usage::Cost;
use glwatch::gitlab;
use glwatch::gitlab::client::{Client, ListFilter};
use glwatch::render::{json, table};
use glwatch::report::contract::StatusDocument;
use glwatch::report::layout::StagesWidth;
use glwatch::report::status::{StatusOptions, StatusReport};
use glwatch::testing::Rehearsal;
use glwatch::text::glyph::Charset;
use glwatch::tui::facts::ViewOptions;
use glwatch::tui::{app, effect, update, view};
use glwatch_sim::{Options as SimOptions, Sim, WorldKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::Instant;

const PROJECTS: usize = 2000;

fn main() {
    divan::main();
}

/// The group as it was read from the simulated GitLab, in the order of the table; once for all benches.
static GROUP: LazyLock<Arc<Snapshot>> = LazyLock::new(|| {
    let world = WorldKind::Uniform { projects: PROJECTS, stages: 4, jobs: 3 };
    let sim = Sim::start(SimOptions { world, ..SimOptions::default() }).expect("a free port");
    let (client, options) = (client(sim.url()), options());
    let mut collector = Collector::new(client, Arc::new(options));
    let mut snapshot = runtime().block_on(collector.read(&|_| ())).expect("the group is readable").snapshot;
    RowOrder::Attention.apply(&mut snapshot.rows);
    Arc::new(snapshot)
});

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn client(url: &str) -> Client {
    let options = gitlab::TransportOptions {
        host: Host::parse(url).expect("a URL"),
        credentials: gitlab::Credentials::default(),
        concurrency: 8,
        rps: None,
        timeout: Duration::from_secs(30),
        ca: None,
        identity: None,
        insecure: false,
        proxy: None,
        retry: gitlab::RetryOptions::default(),
        now: || "2026-11-20T19:00:00Z".parse().expect("a time"),
    };
    Client::new(options).expect("a client")
}

fn options() -> CollectOptions {
    CollectOptions {
        sources: vec![GroupRef::Id(GroupId(12345)).into()],
        list: ListFilter { subgroups: true, archived: false },
        filter: ProjectFilter::default(),
        refs: vec![RefSelector::Any],
        api: ApiChoice::Graphql,
        wants_reasons: false,
        tried_at_most: None,
        max_time: Duration::from_secs(300),
        list_every: Duration::from_secs(3600),
    }
}

fn status_options() -> StatusOptions {
    StatusOptions { wide: false, zone: chrono_tz::UTC, times: false }
}

/// From the answers of the pulses to the next snapshot and what differs in it: nothing.
#[divan::bench]
fn a_refresh_without_change(bencher: Bencher<'_, '_>) {
    let (client, options, runtime) = (client("http://127.0.0.1:1"), Arc::new(options()), runtime());
    let mut rehearsal = Rehearsal::new(client, options, &GROUP);
    let mut last = runtime.block_on(rehearsal.read()).expect("answers from memory do not fail");
    bencher.bench_local(|| {
        let next = runtime.block_on(rehearsal.read()).expect("answers from memory do not fail");
        assert!(changes(Some(&last), &next, 0).is_empty());
        last = next;
    });
}

/// Only what differs between two snapshots; part of the above.
#[divan::bench]
fn changes_of_two_snapshots(bencher: Bencher<'_, '_>) {
    let group = &**GROUP;
    bencher.bench(|| changes(Some(group), group, 0).len());
}

/// From the answers about whole pipelines to the first snapshot.
#[divan::bench]
fn a_first_reading(bencher: Bencher<'_, '_>) {
    let (client, options, runtime) = (client("http://127.0.0.1:1"), Arc::new(options()), runtime());
    let rehearsal = || Rehearsal::new(client.clone(), Arc::clone(&options), &GROUP);
    bencher.with_inputs(rehearsal).bench_local_values(|mut rehearsal| runtime.block_on(rehearsal.read()));
}

#[divan::bench]
fn the_order_of_the_rows(bencher: Bencher<'_, '_>) {
    let listed = || {
        let mut rows = GROUP.rows.clone();
        rows.sort_by_key(|row| row.project.id);
        rows
    };
    bencher.with_inputs(listed).bench_local_refs(|rows| RowOrder::Attention.apply(rows));
}

#[divan::bench]
fn the_report_behind_the_table(bencher: Bencher<'_, '_>) {
    bencher.bench(|| StatusReport::new(&GROUP, &status_options()));
}

#[divan::bench]
fn the_report_behind_json(bencher: Bencher<'_, '_>) {
    let excerpt = SnapshotView::all(&GROUP);
    bencher.bench(|| StatusDocument::from(&excerpt).projects.iter().count());
}

/// On a terminal of 120 cells.
#[divan::bench]
fn the_table_from_its_report(bencher: Bencher<'_, '_>) {
    let report = StatusReport::new(&GROUP, &status_options());
    let style = table::TableStyle { width: Some(120), color: true, ascii: false, stages: StagesWidth::Auto };
    bencher.bench(|| {
        let mut bytes = Vec::new();
        table::write(&report, &style, &mut bytes).expect("memory takes everything");
        bytes
    });
}

/// With its report, as each is made once.
#[divan::bench]
fn json_document(bencher: Bencher<'_, '_>) {
    let excerpt = SnapshotView::all(&GROUP);
    bencher.bench(|| {
        let mut bytes = Vec::new();
        json::write(&StatusDocument::from(&excerpt), &mut bytes).expect("memory takes everything");
        bytes
    });
}

/// A live view of 120 x 40 cells that knows the group, and the update that tells it.
fn live() -> (app::App, WatchUpdate) {
    live_of(Arc::clone(&GROUP))
}

fn live_of(group: Arc<Snapshot>) -> (app::App, WatchUpdate) {
    let status = status_options();
    let options = ViewOptions {
        columns: None,
        status,
        only: None,
        sort: RowOrder::Attention,
        charset: Charset::Unicode,
        color: true,
        stages: StagesWidth::Auto,
        host: group.host.clone(),
        groups: Vec::new(),
        interval: Duration::from_secs(10),
        read_only: None,
        rights: glwatch::act::rights::TokenRights::May,
        views: vec![],
        pager: "less".into(),
        keys: Default::default(),
        theme: Default::default(),
        bell: vec![],
        desktop: vec![],
    };
    let (now, interval) = (Instant::now(), Duration::from_secs(10));
    let phase = WatchPhase::Waiting { until: now + interval, interval };
    let update = WatchUpdate {
        snapshot: Some(group),
        is_whole: true,
        phase,
        cost: Cost { requests: 20, bytes: 350_000 },
        ..WatchUpdate::new()
    };
    let mut app = app::App::new(options, 120, 40, now);
    app.apply_update(update.clone(), now);
    (app, update)
}

/// What every event brings about: the picture, and what differs in it from the last one.
#[divan::bench]
fn a_frame(bencher: Bencher<'_, '_>) {
    let (app, _) = live();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a terminal of memory");
    bencher.bench_local(|| {
        terminal.draw(|frame| view::draw(&app, frame)).expect("memory takes everything");
    });
}

/// The view takes a snapshot in which nothing has changed and draws it: once a refresh.
#[divan::bench]
fn a_frame_after_a_refresh(bencher: Bencher<'_, '_>) {
    let (mut app, update) = live();
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a terminal of memory");
    let now = Instant::now();
    let newer = || {
        let mut snapshot = (**GROUP).clone();
        snapshot.taken_at += Duration::from_secs(10);
        WatchUpdate { snapshot: Some(Arc::new(snapshot)), ..update.clone() }
    };
    bencher.with_inputs(newer).bench_local_values(|newer| {
        update::update(&mut app, effect::ViewEvent::Update(Box::new(newer)), now);
        terminal.draw(|frame| view::draw(&app, frame)).expect("memory takes everything");
    });
}

/// The same after another order, filter or size was chosen.
#[divan::bench]
fn arranging(bencher: Bencher<'_, '_>) {
    let (mut app, _) = live();
    bencher.bench_local(|| app.arrange());
}

/// The same with some of the projects only.
fn live_with(projects: usize) -> app::App {
    let mut group = (**GROUP).clone();
    group.rows.truncate(projects);
    live_of(Arc::new(group)).0
}

/// From a key to its picture: the cursor moves.
#[divan::bench(args = [20, 200, 2000])]
fn a_key_that_moves(bencher: Bencher<'_, '_>, projects: usize) {
    a_key(bencher, projects, [KeyCode::Down, KeyCode::Up]);
}

/// From a key to its picture: the list has another order.
#[divan::bench(args = [20, 200, 2000])]
fn a_key_that_sorts(bencher: Bencher<'_, '_>, projects: usize) {
    a_key(bencher, projects, [KeyCode::Char('s'), KeyCode::Char('S')]);
}

fn a_key(bencher: Bencher<'_, '_>, projects: usize, keys: [KeyCode; 2]) {
    let mut app = live_with(projects);
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a terminal of memory");
    let (now, mut turns) = (Instant::now(), keys.into_iter().cycle());
    bencher.bench_local(|| {
        let key = KeyEvent::new(turns.next().expect("it goes round"), KeyModifiers::NONE);
        update::update(&mut app, effect::ViewEvent::Key(key), now);
        terminal.draw(|frame| view::draw(&app, frame)).expect("memory takes everything");
    });
}
