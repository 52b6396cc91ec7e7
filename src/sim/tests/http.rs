//! A small raw client, and what only shows over a socket: faults, limits, latency, access.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::sim::{Options, Sim};

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
    let mut stream = TcpStream::connect(sim.url().trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw);
    let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(raw[..end].to_vec()).unwrap();
    let status = head[9..12].parse().unwrap();
    Some(Got { status, head, body: raw[end + 4..].to_vec() })
}

/// Serves until `POST /-/sim/stop`, to look at by hand:
/// `SIM_PORT=8929 cargo test --lib sim -- --ignored serve_by_hand`.
#[test]
#[ignore = "runs until it is stopped"]
fn serve_by_hand() {
    let port = std::env::var("SIM_PORT").unwrap().parse().unwrap();
    let clock = crate::sim::Clock::real();
    Sim::start(Options { port, clock, ..Options::default() }).unwrap().run_until_stopped();
}
