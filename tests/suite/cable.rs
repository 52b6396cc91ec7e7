//! `glwatch serve --cable`: what GitLab's websocket tells, what that saves, and what goes wrong with it.

use super::serve::Served;
use crate::support::Env;
use crate::support::running::DEADLINE;
use crate::support::tls::TlsFront;
use glwatch_sim::{
    Access, CableFault, CableOptions, Fault, Options, Request, Sim, StatusesField, TOKEN_READ_API, WorldKind,
};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One that has been running for 20 of 40 seconds, and one that ended long ago.
const RUNNING: &str = "[[project]]\npath = \"acme/api\"\nid = 71\nrun = [{ jobs = \"single\", age = \"20s\" }]\n";
const QUIET: &str = "[[project]]\npath = \"acme/web\"\nid = 72\nrun = [{ jobs = \"single\", age = \"3h\" }]\n";
const ALSO_QUIET: &str = "[[project]]\npath = \"acme/app\"\nid = 73\nrun = [{ jobs = \"single\", age = \"4h\" }]\n";
/// One that runs again and again.
const BUSY: &str = "[[project]]\npath = \"acme/busy\"\nid = 74\nrun = [{ jobs = \"single\", every = \"2m\" }]\n";

fn options(projects: &[&str]) -> Options {
    let text = format!(
        "root = \"acme\"\ngroup = [{{ path = \"acme\", id = 12345 }}]\n\
         [template]\nsingle = [[\"test\", \"unit | 40s\"]]\n{}",
        projects.concat()
    );
    let cable = CableOptions { ping: Duration::from_millis(50), ..CableOptions::default() };
    Options { world: WorldKind::Scenario(text), cable, ..Options::default() }
}

fn sim(projects: &[&str]) -> Sim {
    Sim::start(options(projects)).unwrap()
}

fn env() -> Env {
    // Everything is read once, and from then on only what is due.
    Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_SERVE_CABLE_RECONCILE", "1h")
}

/// How many projects have got how far.
fn subscriptions(served: &Served, state: &str) -> Option<f64> {
    served.metric(&format!("glwatch_cable_subscriptions{{state=\"{state}\"}}"))
}

/// Starts a server with a cable, and waits until so many projects are told about.
fn told(env: &Env, sim: &Sim, more: &[&str], count: usize) -> Served {
    let served = Served::ready(env, sim, &[&["--cable", "auto"], more].concat());
    served.wait(|served| subscriptions(served, "confirmed") == Some(count as f64));
    served.wait(|served| served.metric("glwatch_cable_relied_on") == Some(1.0));
    served
}

fn is_about(request: &Request, project: u64) -> bool {
    request.path.contains(&format!("/projects/{project}/"))
}

fn status(served: &Served, path: &str) -> Value {
    let document = served.get("/api/v1/snapshot").json();
    let rows = document["projects"].as_array().unwrap();
    rows.iter().find(|row| row["full_path"] == path).map_or(Value::Null, |row| row["pipelines"][0]["status"].clone())
}

#[test]
fn what_the_cable_tells_about_is_not_asked_about_unless_it_runs() {
    let sim = sim(&[RUNNING, QUIET]);
    let env = env();
    let served = told(&env, &sim, &["--interval", "50ms"], 2);
    let fresh_for: u64 = served.get("/api/v1/snapshot").headers["glwatch-fresh-for"].parse().unwrap();
    assert!(fresh_for >= 3_600, "what is not read for an hour is no older than it may be: {fresh_for}");
    // Jobs of a pipeline that runs move without a word. Without the cable, each of these requests' turns would ask all.
    served.wait(|_| {
        sim.clear_requests();
        assert!(sim.wait_for_requests(30, DEADLINE), "what runs is not asked about");
        let asked = sim.requests();
        let is_of_running = |request: &Request| is_about(request, 71);
        asked.iter().any(is_of_running) && asked.iter().all(is_of_running)
    });
}

#[test]
fn what_is_due_in_a_turn_of_a_hundred_projects_is_asked_with_one_query() {
    let sim = sim(&[RUNNING, QUIET, ALSO_QUIET]);
    let env = env().with("GLWATCH_API", "graphql");
    let served = told(&env, &sim, &["--interval", "50ms"], 3);
    served.wait(|_| {
        sim.clear_requests();
        assert!(sim.wait_for_requests(20, DEADLINE), "what runs is not asked about");
        sim.requests()
            .iter()
            .all(|request| request.path == "/api/graphql" && request.operation.as_deref() != Some("News"))
    });
}

#[test]
fn a_pipeline_that_moves_is_shown_without_a_poll() {
    let sim = sim(&[RUNNING, QUIET]);
    let env = env();
    // Nothing is read but what the cable tells of.
    let served = told(&env, &sim, &["--interval", "1h"], 2);
    // Each was read again once it was told about, and the metrics have asked what changed meanwhile.
    let readings = |project: u64| {
        let asked = sim.requests().into_iter().filter(|one| is_about(one, project) && one.query == "per_page=1");
        asked.count()
    };
    let has_asked = || sim.requests().iter().any(|one| one.operation.as_deref() == Some("News") && one.status == 200);
    served.wait(|_| (readings(71), readings(72)) == (2, 2) && has_asked());
    served.wait(|served| served.metric("glwatch_tracked_due") == Some(0.0));
    assert_eq!(status(&served, "acme/api"), "running");
    let before = sim.requests().len();
    sim.clock().advance(Duration::from_secs(300));
    served.wait(|served| status(served, "acme/api") == "success");
    assert!(served.metric("glwatch_cable_events_total") >= Some(1.0));
    let asked = sim.requests();
    let of_others = asked[before..].iter().filter(|one| is_about(one, 72) || one.path.contains("/groups/"));
    assert_eq!(of_others.count(), 0, "only one project moved: {asked:?}");
    assert_eq!((readings(71), readings(72)), (3, 2), "one event is one reading");
    let handshakes = asked.iter().filter(|one| one.path == "/-/cable").map(|one| one.status);
    assert_eq!(handshakes.collect::<Vec<_>>(), [101], "one socket for all");
}

#[test]
fn a_feed_that_says_nothing_is_found_out_and_said_once() {
    let sim = sim(&[BUSY, QUIET]);
    sim.add_fault(Fault::on("/-/cable").cable(CableFault::Silent));
    let env = env().with("GLWATCH_SERVE_CABLE_RECONCILE", "100ms").with("GLWATCH_SERVE_CABLE_SILENCE", "1s");
    let mut served = told(&env, &sim, &["--interval", "50ms"], 2);
    served.wait(|served| {
        sim.clock().advance(Duration::from_secs(45));
        served.metric("glwatch_cable_relied_on") == Some(0.0)
    });
    let line = served.running.error_line();
    assert!(line.starts_with("warning: a pipeline changed that the cable did not tell about"), "{line}");
    // What is quiet is asked about again in each turn.
    served.wait(|_| {
        sim.clear_requests();
        assert!(sim.wait_for_requests(30, DEADLINE));
        sim.requests().iter().any(|request| is_about(request, 72))
    });
    served.running.signal("-TERM");
    let (_, said, _) = served.running.end();
    assert_eq!(said, "", "it is said once");
}

#[test]
fn a_project_that_is_refused_is_asked_about_as_before() {
    let sim = sim(&[QUIET, ALSO_QUIET]);
    sim.add_fault(Fault::on("/-/cable").cable(CableFault::Refused(72)));
    let env = env();
    let served = told(&env, &sim, &["--interval", "50ms"], 1);
    assert_eq!(subscriptions(&served, "refused"), Some(1.0));
    served.wait(|_| {
        sim.clear_requests();
        assert!(sim.wait_for_requests(30, DEADLINE), "the refused one is not asked about");
        let asked = sim.requests();
        asked.iter().any(|one| is_about(one, 72)) && asked.iter().all(|one| !is_about(one, 73))
    });
}

#[test]
fn after_a_break_everything_that_is_told_about_is_read_once() {
    let sim = sim(&[RUNNING, QUIET]);
    let env = env();
    let served = told(&env, &sim, &["--interval", "1h"], 2);
    sim.add_fault(Fault::on("/-/cable").status(502));
    sim.drop_cables();
    served.wait(|served| served.metric("glwatch_cable_connected") == Some(0.0));
    assert_eq!(served.metric("glwatch_cable_relied_on"), Some(0.0));
    // It ends while there is no cable, and GitLab does not say it again.
    sim.clock().advance(Duration::from_secs(300));
    sim.clear_faults();
    served.wait(|served| status(served, "acme/api") == "success");
    assert!(served.metric("glwatch_cable_reconnects_total") >= Some(1.0));
    assert_eq!(sim.cables().len(), 1);
}

#[test]
fn projects_that_come_are_subscribed_and_those_that_go_are_not() {
    let sim = sim(&[QUIET, ALSO_QUIET]);
    let list = "/groups/12345/projects?";
    let env = env().with("GLWATCH_SERVE_CABLE_RECONCILE", "100ms");
    let more = ["--interval", "50ms", "--list-interval", "50ms"];
    let served = told(&env, &sim, &more, 2);
    let mut rows: Value = serde_json::from_str(&body(&sim, "/api/v4/groups/12345/projects?per_page=100")).unwrap();
    rows.as_array_mut().unwrap().retain(|row| row["id"] == 72);
    sim.add_fault(Fault::on(list).answer(200, "application/json", &rows.to_string()));
    served.wait(|_| sim.cables() == [vec![72]]);
    sim.clear_faults();
    served.wait(|_| sim.cables().iter().any(|subscribed| subscribed.len() == 2));
}

/// Returns the body of an answer.
fn body(sim: &Sim, path: &str) -> String {
    let mut stream = TcpStream::connect(sim.url().trim_start_matches("http://")).unwrap();
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_refusal_ends_it_with_one_warning_and_never_goes_elsewhere() {
    let stranger = sim(&[QUIET]);
    let elsewhere = format!("{}/-/cable", stranger.url());
    let cable = || Fault::on("/-/cable");
    let page = |code| cable().answer(code, "text/plain", "Page not found");
    let cases = [
        ("an unauthorised one", cable().status(401), "401"),
        ("a forbidden one", cable().status(403), "403"),
        ("none of this host", page(404), "404"),
        ("one that is not there", cable().status(404), "404"),
        ("a redirect", cable().redirect(302, &elsewhere), "a websocket does not follow"),
        ("a page", cable().html(), "status 200 instead of a websocket"),
        ("another protocol", cable().cable(CableFault::NoProtocol), "does not speak ActionCable's protocol"),
    ];
    for (sentence, fault, expected) in cases {
        for usage in ["auto", "on"] {
            let sim = sim(&[QUIET]);
            sim.add_fault(fault.clone());
            let env = env();
            let mut served = Served::ready(&env, &sim, &["--cable", usage]);
            let line = served.running.error_line();
            let is_warned = line.starts_with("warning: the cable is not used: ") && line.contains(expected);
            assert!(is_warned && line.ends_with("; pipelines are asked for"), "{sentence}: {line}");
            assert!(!line.contains(TOKEN_READ_API), "{sentence}: {line}");
            // Beside the warning, data is fresh: it is asked for.
            served.wait(|served| served.get("/health/ready").body.contains("without the cable") == (usage == "on"));
            assert_eq!(served.get("/health/ready").status, 200, "{sentence}");
            assert_eq!(served.metric("glwatch_cable_connected"), Some(0.0), "{sentence}");
            assert_eq!(sim.requests().iter().filter(|one| one.path == "/-/cable").count(), 1, "{sentence}");
        }
    }
    assert_eq!(stranger.requests().len(), 0);
}

#[test]
fn a_gitlab_without_the_subscription_is_noticed() {
    for (field, is_there) in [(StatusesField::Missing, false), (StatusesField::V19_4, true)] {
        let options = options(&[QUIET]);
        let cable = CableOptions { field, ..options.cable };
        let sim = Sim::start(Options { cable, ..options }).unwrap();
        let env = env();
        if is_there {
            let _ = told(&env, &sim, &[], 1);
            continue;
        }
        let mut served = Served::ready(&env, &sim, &["--cable", "auto"]);
        let line = served.running.error_line();
        assert!(line.contains("takes no subscription: Field 'ciPipelineStatusesUpdated' doesn't exist"), "{line}");
        served.wait(|_| sim.cables().is_empty());
    }
}

#[test]
fn what_comes_over_it_is_capped_counted_and_never_shown_as_it_is() {
    let sim = sim(&[QUIET]);
    let env = env();
    let log = env.home().join("log");
    let mut served = told(&env, &sim, &["--log-file", log.to_str().unwrap(), "--retry-wait", "1ms"], 1);
    for junk in ["{", "[]", "{\"type\":\"greeting\"}", "{\"identifier\":\"made up\",\"message\":{}}"] {
        sim.send_over_cables(junk);
    }
    served.wait(|served| served.metric("glwatch_cable_ignored_total") == Some(4.0));
    assert_eq!(served.metric("glwatch_cable_reconnects_total"), Some(0.0));
    sim.send_over_cables(&"x".repeat(1 << 20));
    served.wait(|served| served.metric("glwatch_cable_reconnects_total") == Some(1.0));
    served.wait(|served| subscriptions(served, "confirmed") == Some(1.0));
    let reason = format!("\u{1b}[31m\u{202e}you sent {TOKEN_READ_API}\r\n::error::");
    sim.send_over_cables(&json!({ "type": "disconnect", "reason": reason, "reconnect": true }).to_string());
    served.wait(|served| served.metric("glwatch_cable_reconnects_total") == Some(2.0));
    served.wait(|served| subscriptions(served, "confirmed") == Some(1.0));
    sim.send_over_cables(&json!({ "type": "disconnect", "reason": reason, "reconnect": false }).to_string());
    let line = served.running.error_line();
    assert!(line.contains("GitLab hung up: ") && line.contains("you sent [token]"), "{line}");
    let all =
        [line, served.get("/metrics").body, served.get("/health/ready").body, std::fs::read_to_string(&log).unwrap()];
    for text in all {
        let is_harmless = |text: &str| !text.contains([0x1b as char, '\u{202e}']) && !text.contains(TOKEN_READ_API);
        assert!(is_harmless(&text), "{text}");
    }
}

#[test]
fn a_server_that_is_not_heard_any_more_is_gone() {
    let sim = sim(&[QUIET]);
    sim.add_fault(Fault::on("/-/cable").once().cable(CableFault::NoPing));
    let env = env().with("GLWATCH_SERVE_CABLE_SILENCE", "1s");
    let served = Served::ready(&env, &sim, &["--cable", "auto"]);
    served.wait(|served| served.metric("glwatch_cable_reconnects_total") >= Some(1.0));
    served.wait(|served| subscriptions(served, "confirmed") == Some(1.0));
}

#[test]
fn without_the_word_there_is_no_cable() {
    let sim = sim(&[QUIET]);
    let env = env();
    let served = Served::ready(&env, &sim, &[]);
    assert_eq!(served.metric("glwatch_cable_connected"), None);
    assert!(sim.requests().iter().all(|request| request.path != "/-/cable"));
    let _ = env
        .run(&["serve", "--host", sim.url(), "--group-id", "12345", "--cable", "maybe"])
        .refuses(2, &["\"maybe\"", "off, auto, on"]);
}

/// A proxy that tunnels to whatever it is asked for; notes what it heard before.
fn tunnel() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard: Arc<Mutex<String>> = Arc::default();
    let ears = Arc::clone(&heard);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let ears = Arc::clone(&ears);
            // A client that hangs up is none of a test's business.
            thread::spawn(move || drop(pass_on(client, &ears)));
        }
    });
    (url, heard)
}

fn pass_on(mut client: TcpStream, ears: &Mutex<String>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    ears.lock().unwrap().push_str(&head);
    let target =
        head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).ok_or(io::ErrorKind::InvalidData)?;
    let server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut up, mut down) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut down, &mut up));
        up.shutdown(Shutdown::Both)
    });
    io::copy(&mut &server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

#[test]
fn it_goes_the_way_of_every_request_through_proxy_and_tls() {
    let sim = Sim::start(Options { access: Access::Private, ..options(&[RUNNING]) }).unwrap();
    let front = TlsFront::speaking(sim.url(), &["h2", "http/1.1"]);
    let (proxy, heard) = tunnel();
    let env = env().with("HTTPS_PROXY", &proxy);
    let ca = env.home().join("ca.pem");
    std::fs::write(&ca, front.ca()).unwrap();
    let more = ["--host", front.url(), "--ca-file", ca.to_str().unwrap(), "--interval", "1h"];
    let served = told(&env, &sim, &more, 1);
    sim.clock().advance(Duration::from_secs(300));
    served.wait(|served| status(served, "acme/api") == "success");
    let protocols = front.connections();
    assert!(protocols.contains(&"h2".to_owned()) && protocols.contains(&"http/1.1".to_owned()), "{protocols:?}");
    let heard = heard.lock().unwrap().clone();
    assert!(heard.matches("CONNECT ").count() >= 2 && !heard.contains(TOKEN_READ_API), "{heard}");
}

#[test]
fn it_shows_the_certificate_that_is_asked_for() {
    let sim = sim(&[QUIET]);
    let (front, identity) = TlsFront::asking(sim.url());
    let env = env();
    let (ca, pem) = (env.home().join("ca.pem"), env.home().join("client.pem"));
    std::fs::write(&ca, front.ca()).unwrap();
    std::fs::write(&pem, identity).unwrap();
    std::fs::set_permissions(&pem, Permissions::from_mode(0o600)).unwrap();
    let pem = pem.to_str().unwrap();
    let more = ["--host", front.url(), "--ca-file", ca.to_str().unwrap(), "--client-cert", pem, "--client-key", pem];
    let _ = told(&env, &sim, &more, 1);
}
