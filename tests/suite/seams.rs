//! What other front ends build on, without the program around it: handles of one client, and the loop in a task.

use super::cost::scenario;
use super::watch::{TWO, reader};
use crate::support::running::DEADLINE;
use glwatch::collect::run::Collector;
use glwatch::collect::watch::{self, FailedReading, WatchHooks, WatchPace, WatchUpdate};
use glwatch::domain::id::{GroupId, GroupRef};
use glwatch::domain::usage::Cost;
use glwatch::gitlab::client::Purpose;
use glwatch::gitlab::error::Kind;
use glwatch::sim::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch as channel};
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

fn hooks() -> WatchHooks<'static> {
    let explain = |error: &watch::GroupError| FailedReading { cause: error.to_string(), hints: vec![] };
    WatchHooks { keep: Box::new(|_| ()), explain: Box::new(explain) }
}

#[test]
fn the_loop_is_a_task_of_any_runtime_and_ends_when_no_listener_is_left() {
    let sim = scenario("", TWO);
    let (client, options) = reader(&sim);
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        let (sender, mut updates) = channel::channel(WatchUpdate::new());
        let (_requests, asked) = mpsc::channel(1);
        let pace = WatchPace { asked: Duration::from_secs(3600), rps: 1000.0, hands_out_rows: false };
        let collector = Collector::new(client, Arc::new(options));
        let watching = tokio::spawn(watch::run(collector, pace, sender, asked, hooks()));
        let whole = timeout(DEADLINE, updates.wait_for(|update| update.whole().is_some())).await.unwrap().unwrap();
        assert_eq!(whole.snapshot.as_ref().unwrap().rows.len(), 2);
        assert_eq!(whole.cost.requests, sim.requests().len() as u64);
        drop(whole);
        drop(updates);
        assert!(timeout(DEADLINE, watching).await.unwrap().unwrap().is_ok());
    });
}
