//! `/-/cable`: who may open it, what is subscribed, and what it says.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::http::sim;
use crate::{
    CableFault, CableOptions, Fault, Options, Sim, StatusesField, TOKEN_EXPIRED, TOKEN_READ_API, TOKEN_READ_USER,
};

const DEADLINE: Duration = Duration::from_secs(20);
const QUERY_OF_18: &str = "subscription($p:ProjectID!){ciPipelineStatusesUpdated(projectId:$p){id}}";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What a handshake says beside its first line; one header may be another.
fn headers(sim: &Sim, token: &str, changed: (&str, &str)) -> String {
    let host = sim.url().trim_start_matches("http://").to_owned();
    let all = [
        ("host", host.clone()),
        ("authorization", format!("Bearer {token}")),
        ("connection", "Upgrade".to_owned()),
        ("upgrade", "websocket".to_owned()),
        ("origin", format!("http://{host}")),
        ("sec-websocket-version", "13".to_owned()),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".to_owned()),
        ("sec-websocket-protocol", "actioncable-v1-json, actioncable-unsupported".to_owned()),
    ];
    let value = |name: &str, value: String| if name == changed.0 { changed.1.to_owned() } else { value };
    all.into_iter().map(|(name, text)| format!("{name}: {}\r\n", value(name, text))).collect()
}

/// Asks for a cable; returns the head of the answer and what comes after it.
async fn ask(sim: &Sim, headers: &str) -> (String, WebSocketStream<TcpStream>) {
    let mut stream = TcpStream::connect(sim.url().trim_start_matches("http://")).await.unwrap();
    stream.write_all(format!("GET /-/cable HTTP/1.1\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(DEADLINE, stream.read_u8()).await.unwrap().unwrap());
    }
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    (String::from_utf8(head).unwrap().to_lowercase(), socket)
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Value {
    match timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn identifier(project: u64, query: &str, nonce: u32) -> String {
    let variables = json!({ "p": format!("gid://gitlab/Project/{project}") });
    json!({ "channel": "GraphqlChannel", "query": query, "variables": variables, "nonce": nonce }).to_string()
}

async fn command(socket: &mut WebSocketStream<TcpStream>, command: &str, identifier: &str) {
    let text = json!({ "command": command, "identifier": identifier }).to_string();
    socket.send(Message::text(text)).await.unwrap();
}

/// A project whose pipeline is under way.
fn running(sim: &Sim) -> u64 {
    let is_running = |project: &&Value| project["pipelines"][0]["status"] == "running";
    let expected = sim.expected();
    let project = expected["projects"].as_array().unwrap().iter().find(is_running).unwrap();
    project["id"].as_u64().unwrap()
}

#[test]
fn only_a_websocket_of_this_host_in_the_protocol_becomes_one() {
    let sim = sim();
    let cases = [
        ("all is right", ("", ""), "http/1.1 101"),
        ("another origin", ("origin", "https://evil.example"), "http/1.1 404"),
        ("another protocol", ("sec-websocket-protocol", "chat"), "http/1.1 404"),
        ("no websocket", ("upgrade", "h2c"), "http/1.1 404"),
        ("an old version", ("sec-websocket-version", "8"), "http/1.1 404"),
    ];
    runtime().block_on(async {
        for (sentence, changed, expected) in cases {
            let (head, _) = ask(&sim, &headers(&sim, TOKEN_READ_API, changed)).await;
            assert!(head.starts_with(expected), "{sentence}: {head}");
            let is_plain = head.contains("content-type: text/plain");
            assert!(is_plain != head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        }
    });
    sim.add_fault(Fault::on("/-/cable").cable(CableFault::NoProtocol));
    let (head, _) = runtime().block_on(ask(&sim, &headers(&sim, TOKEN_READ_API, ("", ""))));
    assert!(head.starts_with("http/1.1 101") && !head.contains("actioncable"), "{head}");
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_subscribed_project_says_when_its_pipelines_move() {
    let sim = sim();
    let project = running(&sim);
    runtime().block_on(async {
        let (_, mut socket) = ask(&sim, &headers(&sim, TOKEN_READ_API, ("", ""))).await;
        assert_eq!(next(&mut socket).await, json!({"type": "welcome"}));
        let of = identifier(project, QUERY_OF_18, 1);
        command(&mut socket, "subscribe", &of).await;
        assert_eq!(next(&mut socket).await, json!({"type": "confirm_subscription", "identifier": of}));
        let first = next(&mut socket).await;
        assert_eq!(first["message"], json!({"result": {"data": {"ciPipelineStatusesUpdated": null}}, "more": true}));
        assert_eq!(sim.cables(), [[project]]);
        // The same once more is the same subscription.
        command(&mut socket, "subscribe", &of).await;
        sim.clock().advance(Duration::from_secs(3_600));
        let said = next(&mut socket).await;
        assert_eq!((&said["identifier"], &said["message"]["more"]), (&json!(of), &json!(true)));
        let id = said["message"]["result"]["data"]["ciPipelineStatusesUpdated"]["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("gid://gitlab/Ci::Pipeline/"), "{id}");
        command(&mut socket, "unsubscribe", &of).await;
        let other = identifier(9_999_999, QUERY_OF_18, 2);
        command(&mut socket, "subscribe", &other).await;
        while next(&mut socket).await["type"] != "confirm_subscription" {}
        assert_eq!(
            next(&mut socket).await["message"],
            json!({"result": {"errors": [{"message": "Unauthorized subscription"}]}, "more": false})
        );
        assert_eq!(sim.cables(), [[0; 0]]);
    });
}

#[test]
fn tokens_are_judged_on_the_socket() {
    let sim = sim();
    runtime().block_on(async {
        let (head, mut socket) = ask(&sim, &headers(&sim, TOKEN_EXPIRED, ("", ""))).await;
        assert!(head.starts_with("http/1.1 101"));
        let dismissal = json!({"type": "disconnect", "reason": "unauthorized", "reconnect": false});
        assert_eq!(next(&mut socket).await, dismissal);
        let (_, mut socket) = ask(&sim, &headers(&sim, TOKEN_READ_USER, ("", ""))).await;
        assert_eq!(next(&mut socket).await["type"], "welcome");
        command(&mut socket, "subscribe", &identifier(1, QUERY_OF_18, 1)).await;
        assert_eq!(next(&mut socket).await["type"], "reject_subscription");
    });
}

#[test]
fn the_subscription_has_the_arguments_of_its_version() {
    const BY_PATH: &str = "subscription($p:ID){ciPipelineStatusesUpdated(projectFullPath:$p){id}}";
    let cases = [
        ("18.6", StatusesField::V18_6, QUERY_OF_18, true),
        ("18.6 with what 19.4 has", StatusesField::V18_6, BY_PATH, false),
        ("19.4", StatusesField::V19_4, QUERY_OF_18, true),
        ("before", StatusesField::Missing, QUERY_OF_18, false),
        ("a plain query", StatusesField::V19_4, "query{id}", false),
    ];
    for (sentence, field, query, is_taken) in cases {
        let cable = CableOptions { field, ping: Duration::from_millis(5) };
        let sim = Sim::start(Options { cable, ..Options::default() }).unwrap();
        let project = running(&sim);
        runtime().block_on(async {
            let (_, mut socket) = ask(&sim, &headers(&sim, TOKEN_READ_API, ("", ""))).await;
            command(&mut socket, "subscribe", &identifier(project, query, 1)).await;
            let mut pings = 0;
            let said = loop {
                let said = next(&mut socket).await;
                pings += u32::from(said["type"] == "ping");
                if said["message"].is_object() && pings > 0 {
                    break said;
                }
                if said["message"].is_object() {
                    sim.send_over_cables(&said.to_string());
                }
            };
            assert_eq!(said["message"]["more"], is_taken, "{sentence}: {said}");
        });
    }
}
