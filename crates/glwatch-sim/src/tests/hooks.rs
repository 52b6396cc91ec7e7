//! Webhooks of a project: who sees them, what a new one hears of, and that a secret is never shown.

use serde_json::{Value, json};

use super::http::{Got, send_body, sim};
use crate::{Sim, TOKEN_API, TOKEN_READ_API};

fn ask(sim: &Sim, token: &str, method: &str, path: &str, body: &Value) -> Got {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let header = format!("private-token: {token}\r\n");
    send_body(sim, method, &format!("/api/v4/projects/{path}"), &header, &body).unwrap()
}

#[test]
fn a_hook_is_made_changed_and_deleted() {
    let sim = sim();
    let project = sim.expected()["projects"][0]["id"].as_u64().unwrap();
    let list = format!("{project}/hooks");
    assert_eq!(ask(&sim, TOKEN_READ_API, "GET", &list, &Value::Null).json(), json!([]));
    let wanted = json!({ "url": "https://hub.example.com/webhook", "job_events": true, "token": "s3cret" });
    assert_eq!(ask(&sim, TOKEN_READ_API, "POST", &list, &wanted).status, 403);
    let made = ask(&sim, TOKEN_API, "POST", &list, &wanted);
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!((&made["push_events"], &made["job_events"]), (&json!(true), &json!(true)));
    assert_eq!((&made["pipeline_events"], &made["alert_status"]), (&json!(false), &json!("executable")));
    assert!(!made.to_string().contains("s3cret") && made["project_id"] == project);
    let one = format!("{list}/{}", made["id"]);
    let more = json!({ "url": "https://hub.example.com/webhook", "pipeline_events": true });
    assert_eq!(ask(&sim, TOKEN_API, "PUT", &one, &more).json()["pipeline_events"], true);
    let known = ask(&sim, TOKEN_READ_API, "GET", &list, &Value::Null).json();
    assert_eq!((known[0]["pipeline_events"].clone(), known[0]["job_events"].clone()), (json!(true), json!(true)));
    let gone = ask(&sim, TOKEN_API, "DELETE", &one, &Value::Null);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(ask(&sim, TOKEN_API, "DELETE", &one, &Value::Null).status, 404);
}

#[test]
fn what_is_no_hook_is_refused() {
    let sim = sim();
    let list = format!("{}/hooks", sim.expected()["projects"][0]["id"]);
    let cases = [
        ("no body", Value::Null, 400),
        ("no address", json!({ "push_events": true }), 400),
        ("another scheme", json!({ "url": "ftp://hub.example.com" }), 422),
        ("no switch", json!({ "url": "https://hub.example.com", "job_events": "sometimes" }), 400),
    ];
    for (sentence, body, status) in cases {
        assert_eq!(ask(&sim, TOKEN_API, "POST", &list, &body).status, status, "{sentence}");
    }
    assert_eq!(send_body(&sim, "GET", &format!("/api/v4/projects/{list}"), "", "").unwrap().status, 401);
}
