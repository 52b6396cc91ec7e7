//! A small raw client, and what only shows over a socket: faults, limits, latency, access.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::{
    Access, Fault, Options, RateLimit, Sim, TOKEN_EXPIRED, TOKEN_JOB, TOKEN_READ_API, TOKEN_READ_USER, WorldKind,
};

/// One answer, headers in lower case.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Got {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

pub(super) fn sim() -> Sim {
    Sim::start(Options::default()).unwrap()
}

pub(super) fn get(sim: &Sim, path: &str) -> Got {
    send(sim, "GET", path, "").expect("an answer")
}

/// Sends one request on a connection of its own; `None` when it closed without an answer.
pub(super) fn send(sim: &Sim, method: &str, path: &str, headers: &str) -> Option<Got> {
    send_body(sim, method, path, headers, "")
}

/// Sends one request with a body.
pub(super) fn send_body(sim: &Sim, method: &str, path: &str, headers: &str, body: &str) -> Option<Got> {
    let headers = match body.len() {
        0 => headers.to_owned(),
        length => format!("{headers}content-type: application/json\r\ncontent-length: {length}\r\n"),
    };
    let mut stream = TcpStream::connect(sim.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n{headers}\r\n{body}").unwrap();
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw);
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let status = head[9..12].parse().unwrap();
    Some(Got { status, head, body: raw[end + 4..].to_vec() })
}

fn with(options: Options) -> Sim {
    Sim::start(options).unwrap()
}

fn bearer(sim: &Sim, path: &str, token: &str) -> Got {
    send(sim, "GET", path, &format!("authorization: Bearer {token}\r\n")).unwrap()
}

const PROJECT: &str = "/api/v4/projects/20003";

#[test]
fn tokens_are_told_apart() {
    let sim = with(Options { access: Access::Private, ..Options::default() });
    assert_eq!(bearer(&sim, PROJECT, TOKEN_READ_API).status, 200);
    let expired = bearer(&sim, PROJECT, TOKEN_EXPIRED);
    assert_eq!((expired.status, expired.json()["error"].as_str()), (401, Some("invalid_token")));
    let narrow = bearer(&sim, PROJECT, TOKEN_READ_USER);
    assert_eq!((narrow.status, narrow.json()["scope"].as_str()), (403, Some("api read_api")));
    assert_eq!(bearer(&sim, "/api/v4/personal_access_tokens/self", TOKEN_READ_USER).status, 200);
    assert_eq!(bearer(&sim, PROJECT, TOKEN_JOB).status, 401);
    let anonymous = get(&sim, "/api/v4/groups/acme");
    assert_eq!((anonymous.status, anonymous.json()["message"].as_str()), (404, Some("404 Group Not Found")));
    assert_eq!(get(&sim, PROJECT).status, 404);
    let seen: Vec<bool> = sim.requests().iter().map(|request| request.authorization).collect();
    assert_eq!(seen, [true, true, true, true, true, false, false]);
}

#[test]
fn anybody_may_read_a_public_group_but_not_with_a_bad_token() {
    let sim = sim();
    assert_eq!(get(&sim, PROJECT).status, 200);
    assert_eq!(bearer(&sim, PROJECT, "nonsense").status, 401);
    assert_eq!(get(&sim, "/api/v4/metadata").status, 401);
}

#[test]
fn past_the_rate_limit_requests_are_refused_until_the_window_ends() {
    let limit = RateLimit { limit: 2, period: Duration::from_secs(60) };
    let sim = with(Options { rate_limit: Some(limit), ..Options::default() });
    assert_eq!(get(&sim, PROJECT).header("ratelimit-remaining"), Some("1"));
    assert_eq!(get(&sim, PROJECT).header("ratelimit-remaining"), Some("0"));
    let refused = get(&sim, PROJECT);
    assert_eq!((refused.status, refused.body.as_slice()), (429, b"Retry later\n".as_slice()));
    assert_eq!(refused.header("retry-after"), Some("60"));
    sim.clock().advance(Duration::from_secs(60));
    assert_eq!(get(&sim, PROJECT).status, 200);
}

#[test]
fn a_fault_hits_what_it_matches_as_often_as_it_says() {
    let sim = sim();
    sim.add_fault(Fault::on("GET */projects/20003*").after(1).times(1).status(502));
    let statuses: Vec<u16> = (0..3).map(|_| get(&sim, PROJECT).status).collect();
    assert_eq!(statuses, [200, 502, 200]);
    assert_eq!(sim.requests().iter().map(|request| request.status).collect::<Vec<_>>(), [200, 502, 200]);
    sim.add_fault(Fault::on("/projects/20004").html());
    assert_eq!(get(&sim, PROJECT).status, 200);
    assert!(get(&sim, "/api/v4/projects/20004").header("content-type").unwrap().starts_with("text/html"));
}

#[test]
fn broken_answers_break_where_they_say() {
    let sim = sim();
    let whole = get(&sim, PROJECT).body.len();
    let with_fault = |fault: Fault| {
        sim.clear_faults();
        sim.add_fault(fault);
        send(&sim, "GET", PROJECT, "")
    };
    let announced = |got: &Got| got.header("content-length").unwrap().parse::<usize>().unwrap();
    let short = with_fault(Fault::on("*").truncated()).unwrap();
    assert_eq!((short.body.len(), announced(&short)), (whole / 2, whole / 2));
    let cut = with_fault(Fault::on("*").cut()).unwrap();
    assert_eq!((cut.body.len(), announced(&cut)), (whole / 2, whole));
    assert!(with_fault(Fault::on("*").reset()).is_none());
    let huge = with_fault(Fault::on("*").huge(1_000_000)).unwrap();
    assert!(huge.body.len() >= 1_000_000);
    let slow = with_fault(Fault::on("*").slow_body(100, Duration::from_millis(1))).unwrap();
    assert!(slow.body.len() >= whole);
    let moved = with_fault(Fault::on("*").redirect(301, "/api/v4/projects/81")).unwrap();
    assert_eq!((moved.status, moved.header("location")), (301, Some("/api/v4/projects/81")));
    let bare = with_fault(Fault::on("*").without_headers(&["Date", "x-request-id"])).unwrap();
    assert_eq!(bare.header("x-request-id"), None);
    let odd = with_fault(Fault::on("*").with_field("full_path", "elsewhere")).unwrap();
    assert_eq!(odd.json()["namespace"]["full_path"], "elsewhere");
    let empty = with_fault(Fault::on("*").with_nulls(&["default_branch"])).unwrap();
    assert!(empty.json()["default_branch"].is_null());
}

#[test]
fn a_stalled_request_arrives_and_stopping_does_not_wait_for_it() {
    let sim = with(Options { faults: vec![Fault::on("*").stalled()], ..Options::default() });
    let mut stream = TcpStream::connect(sim.url().trim_start_matches("http://")).unwrap();
    write!(stream, "GET {PROJECT} HTTP/1.1\r\nhost: sim\r\n\r\n").unwrap();
    assert!(sim.wait_for_requests(1, Duration::from_secs(10)));
    assert_eq!((sim.requests()[0].status, sim.peak_in_flight()), (0, 1));
    drop(sim);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[test]
fn scenarios_bring_faults_and_the_admin_surface_is_not_counted() {
    let text =
        "root = \"g\"\ngroup = [{ path = \"g\", id = 1 }]\n[[fault]]\non = \"/groups/\"\ndo = \"status\"\ncode = 500\n";
    let sim = with(Options { world: WorldKind::Scenario(text.to_owned()), ..Options::default() });
    assert_eq!(get(&sim, "/api/v4/groups/g").status, 500);
    let before = sim.clock().now();
    send(&sim, "POST", "/-/sim/advance?seconds=90", "").unwrap();
    assert_eq!((sim.clock().now() - before).num_seconds(), 90);
    let stats = get(&sim, "/-/sim/stats").json();
    assert_eq!((stats["requests"].as_u64(), stats["by_kind"]["group"].as_u64()), (Some(1), Some(1)));
    send(&sim, "POST", "/-/sim/reset", "").unwrap();
    assert_eq!(get(&sim, "/-/sim/stats").json()["requests"], 0);
}

#[test]
fn any_group_is_the_demo_group_when_asked_for() {
    let sim = with(Options { any_group: true, ..Options::default() });
    let group = get(&sim, "/api/v4/groups/999").json();
    assert_eq!((&group["id"], &group["full_path"]), (&999.into(), &"acme".into()));
    assert_eq!(get(&sim, "/api/v4/groups/acme%2Fweb").json()["id"], 12380);
    assert_eq!(get(&sim, "/api/v4/groups/jane").status, 404, "the name of a user is none of a group");
}
