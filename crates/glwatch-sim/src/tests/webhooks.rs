//! Webhooks: what arrives at a receiver, in GitLab's words, and what does not.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;

use super::history::WEEKS;
use super::keys::key_paths;
use super::published::{example, folder};
use crate::{HookTrouble, Options, Sim, Webhook};

/// One delivery as it arrived, header names in lower case.
#[derive(Clone, Debug)]
struct Delivery {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Delivery {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

/// A receiver that accepts everything; its thread ends with the test.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Delivery>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let got = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&got);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                while let Some(delivery) = read(&mut stream) {
                    seen.lock().unwrap().push(delivery);
                    stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").unwrap();
                }
            }
        });
        Self { url, got }
    }

    fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }
}

fn read(stream: &mut impl BufRead) -> Option<Delivery> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert!(line.starts_with("POST /webhook HTTP/1.1"), "{line}");
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    Some(Delivery { headers, body: String::from_utf8(body).unwrap() })
}

/// Lets time pass and returns what arrived.
fn pass(sim: &Sim, receiver: &Receiver, minutes: u64, change: impl FnOnce(&mut Webhook)) -> Vec<Delivery> {
    let from = sim.clock().now();
    sim.clock().advance(Duration::from_secs(minutes * 60));
    let mut hook = Webhook::to(&receiver.url);
    change(&mut hook);
    let done = sim.deliver(&hook, from).unwrap();
    let got = receiver.take();
    assert_eq!((done.sent, done.accepted), (got.len(), got.len()));
    got
}

fn demo() -> (Sim, Receiver) {
    (Sim::start(Options::default()).unwrap(), Receiver::start())
}

fn payload(file: &str) -> String {
    std::fs::read_to_string(folder("webhooks").join(file)).unwrap()
}

/// Returns every key that a kind of payload may have: of the documented ones and of the recorded ones.
fn known(kind: &str) -> BTreeSet<String> {
    let keys = |text: String| key_paths(&serde_json::from_str(&text).unwrap());
    match kind {
        "pipeline" => &keys(example("webhook-pipeline.json")) | &keys(payload("pipeline.json")),
        "build" => &keys(example("webhook-job.json")) | &keys(payload("job.json")),
        "deployment" => &keys(example("webhook-deployment.json")) | &keys(payload("deployment.json")),
        // doc/user/project/integrations/webhook_events.md, "Tag events": the keys of a push.
        "push" | "tag_push" => keys(payload("push.json")),
        "merge_request" => keys(payload("merge_request.json")),
        other => panic!("{other} is no kind of payload"),
    }
}

#[test]
fn every_key_of_every_payload_is_documented_or_was_recorded() {
    let sim = Sim::start(Options { world: WEEKS, ..Options::default() }).unwrap();
    let receiver = Receiver::start();
    // All that happened in the last days of the history.
    let from = sim.clock().now() - chrono::TimeDelta::days(9);
    let done = sim.deliver(&Webhook::to(&receiver.url), from).unwrap();
    let got = receiver.take();
    assert_eq!((done.events, done.accepted), (got.len(), got.len()));
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    let mut allowed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for delivery in &got {
        let body = delivery.json();
        let kind = body["object_kind"].as_str().unwrap().to_owned();
        kinds.entry(kind.clone()).or_default().insert(delivery.headers["x-gitlab-event"].clone());
        let allowed = allowed.entry(kind.clone()).or_insert_with(|| known(&kind));
        unknown.extend(key_paths(&body).difference(allowed).map(|key| format!("{kind}: {key}")));
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    let headers: Vec<(&str, &str)> =
        kinds.iter().map(|(kind, headers)| (kind.as_str(), headers.first().unwrap().as_str())).collect();
    let expected = [
        ("build", "Job Hook"),
        ("deployment", "Deployment Hook"),
        ("merge_request", "Merge Request Hook"),
        ("pipeline", "Pipeline Hook"),
        ("push", "Push Hook"),
        ("tag_push", "Tag Push Hook"),
    ];
    assert_eq!(headers, expected);
}

#[test]
fn a_delivery_has_gitlabs_headers_and_its_signature_holds() {
    let (sim, receiver) = demo();
    let key = [7_u8; 32];
    let got = pass(&sim, &receiver, 6, |hook| {
        hook.secret = Some("s3cret".to_owned());
        hook.signing_token = Some(format!("whsec_{}", STANDARD.encode(key)));
    });
    assert!(got.len() > 20, "{}", got.len());
    for delivery in &got {
        let header = |name: &str| delivery.headers[name].as_str();
        assert_eq!(header("x-gitlab-token"), "s3cret");
        assert_eq!(header("idempotency-key"), header("webhook-id"));
        assert_eq!(header("x-gitlab-instance"), sim.url());
        assert_eq!(header("x-gitlab-event-uuid").len(), 36);
        let signed = format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), delivery.body);
        let tag = STANDARD.decode(header("webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &tag).unwrap();
    }
    let ids: BTreeSet<&str> = got.iter().map(Delivery::id).collect();
    assert_eq!(ids.len(), got.len(), "each has an id of its own");
    let plain = pass(&sim, &receiver, 2, |_| {});
    assert!(plain.iter().all(|delivery| {
        !delivery.headers.contains_key("webhook-signature") && !delivery.headers.contains_key("x-gitlab-token")
    }));
}

/// The last word about each pipeline is its status.
#[test]
fn the_last_event_of_a_pipeline_says_what_the_api_says() {
    let (sim, receiver) = demo();
    let got = pass(&sim, &receiver, 9, |_| {});
    let mut last: BTreeMap<u64, Value> = BTreeMap::new();
    for body in got.iter().map(Delivery::json).filter(|body| body["object_kind"] == "pipeline") {
        last.insert(body["object_attributes"]["id"].as_u64().unwrap(), body);
    }
    assert!(last.len() > 3, "{}", last.len());
    for (id, body) in last {
        let path = format!("/api/v4/projects/{}/pipelines/{id}", body["project"]["id"]);
        let one = super::http::get(&sim, &path).json();
        assert_eq!(body["object_attributes"]["status"], one["status"], "{path}");
    }
}

#[test]
fn two_halves_of_a_time_are_the_whole() {
    let (sim, receiver) = demo();
    let mut halves = pass(&sim, &receiver, 3, |_| {});
    halves.extend(pass(&sim, &receiver, 4, |_| {}));
    let (sim, receiver) = demo();
    let whole = pass(&sim, &receiver, 7, |_| {});
    let ids = |all: &[Delivery]| all.iter().map(|delivery| delivery.id().to_owned()).collect::<BTreeSet<_>>();
    assert!(ids(&halves) == ids(&whole), "{} and {}", halves.len(), whole.len());
    assert_eq!(halves.len(), whole.len());
}

#[test]
fn deliveries_are_lost_doubled_and_swapped_when_asked_for() {
    let arrived = |trouble: HookTrouble| {
        let (sim, receiver) = demo();
        pass(&sim, &receiver, 4, |hook| hook.trouble = trouble)
            .into_iter()
            .map(|delivery| delivery.id().to_owned())
            .collect::<Vec<_>>()
    };
    let all = arrived(HookTrouble::None);
    let every_second: Vec<String> = all.iter().step_by(2).cloned().collect();
    assert_eq!(arrived(HookTrouble::Lost(2)), every_second);
    let doubled = arrived(HookTrouble::Doubled(2));
    assert_eq!(doubled[..3], [all[0].clone(), all[1].clone(), all[1].clone()]);
    assert_eq!(doubled.len(), all.len() + all.len() / 2);
    let swapped = arrived(HookTrouble::OutOfOrder);
    assert_eq!(swapped[..2], [all[1].clone(), all[0].clone()]);
    assert_eq!(swapped.iter().collect::<BTreeSet<_>>(), all.iter().collect());
}

#[test]
fn a_system_hook_hears_of_pushes_and_merge_requests_only() {
    let sim = Sim::start(Options { world: WEEKS, ..Options::default() }).unwrap();
    let receiver = Receiver::start();
    let from = sim.clock().now() - chrono::TimeDelta::days(7);
    sim.deliver(&Webhook { system: true, ..Webhook::to(&receiver.url) }, from).unwrap();
    let got = receiver.take();
    let kinds: BTreeSet<String> =
        got.iter().map(|delivery| delivery.json()["object_kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["merge_request", "push", "tag_push"]);
    assert!(got.iter().all(|delivery| delivery.headers["x-gitlab-event"] == "System Hook"));
}

#[test]
fn webhooks_do_not_leave_this_machine() {
    let (sim, _) = demo();
    for url in ["http://192.0.2.1:80/webhook", "https://127.0.0.1:1/webhook", "ftp://127.0.0.1/", "127.0.0.1:80"] {
        assert!(sim.deliver(&Webhook::to(url), sim.clock().now()).is_err(), "{url}");
    }
}

#[test]
fn a_running_server_keeps_delivering() {
    let (sim, receiver) = demo();
    sim.keep_delivering(Webhook::to(&receiver.url), Duration::from_millis(5)).unwrap();
    sim.clock().advance(Duration::from_secs(600));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while receiver.got.lock().unwrap().is_empty() {
        assert!(std::time::Instant::now() < deadline, "nothing arrived");
        std::thread::yield_now();
    }
}
