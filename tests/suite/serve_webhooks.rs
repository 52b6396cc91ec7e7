//! What becomes of webhooks on their way, while the group lives: in the end the hub shows what GitLab knows.

use super::serve::{Served, ask};
use crate::support::Env;
use crate::support::running::DEADLINE;
use glwatch_sim::{HookTrouble, Options, Sim, Webhook};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Returns what each project shows: its state, and the number and status of its pipelines.
fn shown(document: &Value) -> BTreeMap<String, Value> {
    let pipeline = |line: &Value| json!([line["id"], line["status"]]);
    let project = |one: &Value| {
        let pipelines: Vec<Value> = one["pipelines"].as_array().unwrap().iter().map(pipeline).collect();
        (one["full_path"].as_str().unwrap().to_owned(), json!([one["state"], pipelines]))
    };
    document["projects"].as_array().unwrap().iter().map(project).collect()
}

#[track_caller]
fn comes_to_the_truth(served: &Served, sim: &Sim, sentence: &str) {
    let truth = shown(&sim.expected());
    let until = Instant::now() + DEADLINE;
    loop {
        let known = shown(&served.get("/api/v1/snapshot").json());
        if known == truth {
            return;
        }
        let differs = truth.iter().find(|(path, state)| known.get(*path) != Some(state));
        assert!(
            Instant::now() < until,
            "{sentence}: {differs:?}, and shown is {:?}",
            differs.map(|(path, _)| &known[path])
        );
    }
}

#[test]
fn whatever_becomes_of_webhooks_the_hub_comes_to_show_the_truth() {
    let cases = [
        ("all arrive", HookTrouble::None, "1h"),
        ("each is sent twice", HookTrouble::Doubled(1), "1h"),
        ("every second is sent twice", HookTrouble::Doubled(2), "1h"),
        ("each two are sent in the wrong order", HookTrouble::OutOfOrder, "1h"),
        // Nothing but asking tells what was lost.
        ("every second is lost", HookTrouble::Lost(2), "200ms"),
    ];
    for (sentence, trouble, interval) in cases {
        let sim = Sim::start(Options { any_group: true, ..Options::default() }).unwrap();
        let env = Env::new();
        let served = Served::ready(&env, &sim, &["--interval", interval]);
        let hook = Webhook { trouble, ..Webhook::to(&format!("http://{}/webhook", served.address)) };
        let (mut events, before) = (0, shown(&sim.expected()));
        for _ in 0..10 {
            let from = sim.clock().now();
            sim.clock().advance(Duration::from_secs(180));
            let done = sim.deliver(&hook, from).unwrap();
            assert_eq!(done.accepted, done.sent, "{sentence}");
            events += done.events;
        }
        assert!(events > 100 && shown(&sim.expected()) != before, "{sentence}: {events} events");
        comes_to_the_truth(&served, &sim, sentence);
    }
}

#[test]
fn a_flood_of_webhooks_is_answered_and_nothing_of_it_is_lost() {
    const SENDERS: usize = 8;
    const EACH: usize = 250;
    let sim = Sim::start(Options { any_group: true, ..Options::default() }).unwrap();
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "1h"]);
    let known = served.get("/api/v1/snapshot").json();
    let ids: Vec<u64> = known["projects"].as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect();
    sim.clock().advance(Duration::from_secs(1800));
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (address, ids, answered) = (&served.address, &ids, &answered);
            scope.spawn(move || {
                for nth in 0..EACH {
                    let project =
                        json!({ "id": ids[(sender * EACH + nth) % ids.len()], "path_with_namespace": "acme/x" });
                    let attributes = json!({ "ref": "main", "tag": false });
                    let body =
                        json!({ "object_kind": "pipeline", "object_attributes": attributes, "project": project });
                    let id = format!("{sender}-{nth}");
                    let reply = ask(address, "POST", "/webhook", &[("webhook-id", &id)], &body.to_string());
                    answered.fetch_add(usize::from(reply.status == 200), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(answered.into_inner(), SENDERS * EACH);
    comes_to_the_truth(&served, &sim, "a flood");
}
