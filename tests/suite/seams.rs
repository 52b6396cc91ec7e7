//! What other front ends build on, without the program around it: handles of one client, and the loop in a task.

use super::cost::scenario;
use super::watch::{TWO, reader};
use crate::support::running::DEADLINE;
use glwatch::collect::run::Collector;
use glwatch::collect::told::ToldProjects;
use glwatch::collect::watch::{
    self, ChangeNews, ChangeStream, FailedReading, GroupError, Request, RequestSender, WatchHooks, WatchPace,
    WatchUpdate, request_queue, watch_channel,
};
use glwatch::domain::change::ChangeKind;
use glwatch::domain::id::{GroupId, GroupRef, ProjectId};
use glwatch::domain::snapshot::Snapshot;
use glwatch::domain::usage::Cost;
use glwatch::gitlab::client::Purpose;
use glwatch::gitlab::error::Kind;
use glwatch_sim::{Fault, Sim};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

#[test]
fn two_callers_of_one_client_have_each_their_own_deadline_and_cost() {
    let sim = scenario("", TWO);
    let client = reader(&sim).0;
    let group = GroupRef::Id(GroupId(12345));
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let patient = client.for_purpose(Purpose::Explain, Instant::now() + DEADLINE);
        sim.add_fault(Fault::on("/groups/12345").once().stalled());
        let hasty = client.for_purpose(Purpose::Refresh, Instant::now() + Duration::from_millis(50));
        let refused = hasty.group(&group).await.unwrap_err();
        assert!(matches!(refused.kind, Kind::Deadline), "{refused}");
        // Nothing more is sent for the one whose time is over.
        let refused = hasty.group(&group).await.unwrap_err();
        assert!(matches!(refused.kind, Kind::Deadline), "{refused}");
        assert_eq!(hasty.cost(), Cost { requests: 1, bytes: 0 });
        assert_eq!(patient.cost(), Cost::default(), "the other has sent nothing");

        assert_eq!(patient.group(&group).await.unwrap().id, GroupId(12345));
        assert_eq!(patient.clone().group(&group).await.unwrap().id, GroupId(12345));
        let Cost { requests, bytes } = patient.cost();
        assert!(requests == 2 && bytes > 0, "{requests} requests, {bytes} bytes: a clone is the same caller");
        assert_eq!((hasty.cost().requests, client.usage().requests, client.cost().requests), (1, 3, 0));
    });
    assert_eq!((sim.requests().len(), sim.panics()), (3, 0));
}

/// The loop in a task of a runtime with two threads, refreshing once an hour, and a listener's ends.
struct Watching {
    updates: channel::Receiver<WatchUpdate>,
    changes: ChangeStream,
    requests: RequestSender,
    task: JoinHandle<Result<(), GroupError>>,
}

impl Watching {
    fn start(sim: &Sim) -> Self {
        let (client, options) = reader(sim);
        let (outlet, listener) = watch_channel(WatchUpdate::new());
        let (updates, changes) = (listener.updates(), listener.changes());
        let (requests, asked) = request_queue();
        let pace =
            WatchPace { asked: Duration::from_secs(3600), rps: 1000.0, hands_out_rows: false, is_patient: false };
        let explain = |error: &GroupError| FailedReading { cause: error.to_string(), hints: vec![] };
        let hooks = WatchHooks { keep: Box::new(|_| ()), explain: Box::new(explain), told: ToldProjects::default() };
        let collector = Collector::new(client, Arc::new(options));
        Self { updates, changes, requests, task: tokio::spawn(watch::run(collector, pace, outlet, asked, hooks)) }
    }

    /// Waits for the outcome of a reading that is another than the last one.
    async fn next(&mut self, last: Option<&Arc<Snapshot>>) -> Arc<Snapshot> {
        let is_next =
            |update: &WatchUpdate| update.whole().is_some_and(|new| last.is_none_or(|last| !Arc::ptr_eq(last, new)));
        let update = timeout(DEADLINE, self.updates.wait_for(is_next)).await.expect("it does not read again");
        Arc::clone(update.unwrap().snapshot.as_ref().unwrap())
    }

    /// Returns what the last reading took.
    fn cost(&self) -> u64 {
        self.updates.borrow().cost.requests
    }
}

fn on_two_threads<T>(test: impl Future<Output = T>) -> T {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

#[test]
fn the_loop_is_a_task_of_any_runtime_and_ends_when_no_listener_is_left() {
    let sim = scenario("", TWO);
    on_two_threads(async {
        let mut watching = Watching::start(&sim);
        assert_eq!(watching.next(None).await.rows.len(), 2);
        assert_eq!(watching.cost(), sim.requests().len() as u64);
        let Watching { updates, changes, requests: _requests, task } = watching;
        drop((updates, changes));
        assert!(timeout(DEADLINE, task).await.unwrap().unwrap().is_ok());
    });
}

/// Waits until a reading has sent a request.
async fn begun(sim: &Sim) {
    while sim.requests().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_is_asked_for_during_a_reading_leads_to_the_next_one() {
    let sim = scenario("", TWO);
    // The first request of a reading is under way for a while.
    sim.add_fault(Fault::on("GET ").once().delayed(Duration::from_millis(200)));
    on_two_threads(async {
        let mut watching = Watching::start(&sim);
        begun(&sim).await;
        watching.requests.send(Request::Refresh);
        watching.requests.send(Request::Refresh);
        let first = watching.next(None).await;
        let second = watching.next(Some(&first)).await;
        // Two requests that waited are one reading, which ends with an hour to wait.
        let asked = sim.requests().len();
        assert_eq!(asked as u64, second.usage.requests);
        watching.requests.send(Request::Refresh);
        watching.next(Some(&second)).await;
        assert_eq!(sim.requests().len() as u64, second.usage.requests + watching.cost());
    });
    assert_eq!(sim.panics(), 0);
}

const THREE: &str = "[[project]]\npath = \"acme/api\"\nid = 1\nrun = [{ jobs = \"single\", age = \"3h\" }]\n\
                     [[project]]\npath = \"acme/web\"\nid = 2\nrun = [{ jobs = \"single\", age = \"3h\" }]\n\
                     [[project]]\npath = \"acme/new\"\nid = 3\nrun = [{ jobs = \"single\", every = \"1h\" }]";

/// Returns what was asked about, one word for each request.
fn asked(sim: &Sim) -> Vec<String> {
    sim.requests().iter().map(|request| request.path.clone()).collect()
}

#[test]
fn a_reading_of_some_projects_costs_what_these_cost_and_leaves_the_other_rows() {
    let sim = scenario("", THREE);
    on_two_threads(async {
        let mut watching = Watching::start(&sim);
        let first = watching.next(None).await;
        let reread = |ids: &[u64]| Request::Reread(ids.iter().copied().map(ProjectId).collect());

        // Nothing has changed there: one request, and the other rows are the very same.
        sim.clock().advance(Duration::from_secs(60));
        sim.clear_requests();
        watching.requests.send(reread(&[1, 4711]));
        let second = watching.next(Some(&first)).await;
        assert_eq!(asked(&sim), ["/api/v4/projects/1/pipelines"], "an unknown project costs nothing");
        assert_eq!(watching.cost(), 1);
        assert_eq!((second.rows.len(), &second.rows[1..]), (3, &first.rows[1..]));
        assert!(second.rows[0].as_of > first.rows[0].as_of && second.taken_at > first.taken_at);

        // One has a new pipeline, and only that one is reported.
        sim.clock().advance(Duration::from_secs(3600));
        sim.clear_requests();
        watching.requests.send(reread(&[3]));
        let third = watching.next(Some(&second)).await;
        assert!(asked(&sim).iter().all(|path| path.starts_with("/api/v4/projects/3/")), "{:?}", asked(&sim));
        assert_eq!(third.rows[..2], second.rows[..2]);
        assert_ne!(third.rows[2].pipelines()[0].id, second.rows[2].pipelines()[0].id);

        // One cannot be read: its row alone is old, and comes back.
        sim.add_fault(Fault::on("/projects/2/pipelines").status(500));
        watching.requests.send(reread(&[2]));
        let fourth = watching.next(Some(&third)).await;
        let words = |snapshot: &Snapshot| snapshot.rows.iter().map(|row| row.state_word().word()).collect::<Vec<_>>();
        assert_eq!((words(&fourth), fourth.problems.len()), (vec!["ok", "stale", "ok"], 1));
        assert_eq!(fourth.rows[1].as_of, first.rows[1].as_of, "what is old is not made fresh");
        sim.clear_faults();
        watching.requests.send(reread(&[2]));
        let fifth = watching.next(Some(&fourth)).await;
        assert_eq!((words(&fifth), fifth.problems.len()), (vec!["ok", "ok", "ok"], 0));

        // Unknown ones only: no request, and nothing changes.
        sim.clear_requests();
        watching.requests.send(reread(&[4711]));
        let sixth = watching.next(Some(&fifth)).await;
        assert_eq!((asked(&sim).len(), &sixth.rows), (0, &fifth.rows));
    });
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_token_that_is_refused_for_some_projects_makes_only_their_rows_old() {
    let sim = scenario("", THREE);
    on_two_threads(async {
        let mut watching = Watching::start(&sim);
        let first = watching.next(None).await;
        sim.add_fault(Fault::on("/api/v4/").insufficient_scope());
        watching.requests.send(Request::Reread(vec![ProjectId(1)]));
        let second = watching.next(Some(&first)).await;
        let words: Vec<&str> = second.rows.iter().map(|row| row.state_word().word()).collect();
        assert_eq!(words, ["stale", "ok", "ok"]);
        assert!(!second.is_complete() && watching.updates.borrow().failed.is_none());
    });
}

#[test]
fn a_listener_that_reads_late_gets_every_change_in_order() {
    let sim = scenario("", THREE);
    on_two_threads(async {
        let mut watching = Watching::start(&sim);
        let mut last = watching.next(None).await;
        let start = timeout(DEADLINE, watching.changes.next()).await.unwrap();
        assert!(matches!(start, Some(ChangeNews::Start { missed: 0, .. })), "{start:?}");
        let mut expected = Vec::new();
        for _ in 0..3 {
            // A newer pipeline takes the place of the last one: the latest state alone does not tell of those between.
            sim.clock().advance(Duration::from_secs(3600));
            watching.requests.send(Request::Refresh);
            last = watching.next(Some(&last)).await;
            expected.push(last.rows[2].pipelines()[0].id);
        }
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            let Some(ChangeNews::Changes(changes)) = timeout(DEADLINE, watching.changes.next()).await.unwrap() else {
                panic!("it starts again")
            };
            seen.extend(changes.iter().cloned());
        }
        let ids = seen.iter().map(|change| match &change.kind {
            ChangeKind::Pipeline { pipeline, .. } => pipeline.id,
            other => panic!("{other:?}"),
        });
        assert_eq!(ids.collect::<Vec<_>>(), expected);
        assert_eq!(seen.iter().map(|change| change.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(watching.updates.borrow().last_change, 3);
    });
}
