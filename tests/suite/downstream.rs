//! What no pulse tells of: triggered pipelines that go on, are rerun or deleted while a watch shows their parent.

use super::cost::scenario;
use crate::support::Env;
use crate::support::between::Between;
use crate::support::running::{DEADLINE, Running};
use glwatch_sim::{Fault, Request, Sim, TOKEN_API};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

const APIS: [&str; 2] = ["rest", "graphql"];
const CHILD: &str = "parent = [[\"trigger\", \"go | child single\"]]";
/// The parent, which ended long ago.
const API: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"parent\", age = \"3h\" }]";

/// Asks the simulated GitLab directly, as a user who may act.
fn api(sim: &Sim, method: &str, path: &str) -> Value {
    let address = sim.url().trim_start_matches("http://");
    let mut server = TcpStream::connect(address).unwrap();
    let head = format!("host: x\r\nconnection: close\r\ncontent-length: 0\r\nprivate-token: {TOKEN_API}");
    write!(server, "{method} /api/v4/{path} HTTP/1.1\r\n{head}\r\n\r\n").unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Starts a watch; returns it with what it first shows of the parent.
fn watch(url: &str, over: &str) -> (Running, Value) {
    let fixed = ["--host", url, "--group-id", "12345", "--api", over, "--rps", "1000"];
    let mut running = Env::new().start(&[&fixed[..], &["--watch", "--interval", "50ms", "-o", "ndjson"]].concat());
    let first = running.line_with(|line| line.contains("\"event\":\"snapshot\""));
    let first: Value = serde_json::from_str(&first).unwrap();
    let parent = first["projects"].as_array().unwrap().iter().find(|project| project["full_path"] == "acme/api");
    (running, parent.unwrap()["pipelines"][0].clone())
}

/// Returns the next change of the parent's state.
#[track_caller]
fn change(running: &mut Running) -> Value {
    let is_meant = |line: &str| line.contains("\"event\":\"pipeline\"") && line.contains("acme/api");
    serde_json::from_str(&running.line_with(is_meant)).unwrap()
}

/// Where a triggered pipeline is that no pulse of the group tells of.
struct Unseen {
    what: &'static str,
    templates: String,
    projects: &'static str,
    /// Its project, as a URL has it.
    project: &'static str,
}

fn unseen() -> Vec<Unseen> {
    let many: Vec<String> = (0..40).map(|n| format!("\"go-{n} | child single\"")).collect();
    let case =
        |what, templates: &str, projects, project| Unseen { what, templates: templates.into(), projects, project };
    vec![
        case("a child", CHILD, "", "acme%2Fapi"),
        case(
            "a grandchild",
            "middle = [[\"trigger\", \"go | child single\"]]\nparent = [[\"trigger\", \"on | child middle\"]]",
            "",
            "acme%2Fapi",
        ),
        case(
            "outside the group",
            "parent = [[\"trigger\", \"go | triggers other/deploy single\"]]",
            "[[project]]\npath = \"other/deploy\"\n",
            "other%2Fdeploy",
        ),
        case(
            "inside the group, but not the newest of its project",
            "parent = [[\"trigger\", \"go | triggers acme/deploy single\"]]",
            "[[project]]\npath = \"acme/deploy\"\nrun = [{ jobs = \"single\", age = \"1h\" }]\n",
            "acme%2Fdeploy",
        ),
        case("more than one query holds", &format!("parent = [[\"trigger\", {}]]", many.join(", ")), "", "acme%2Fapi"),
    ]
}

#[test]
fn a_downstream_that_is_rerun_is_noticed_though_no_pulse_tells_of_it() {
    for (Unseen { what, templates, projects, project }, over) in
        unseen().iter().flat_map(|unseen| APIS.map(|api| (unseen, api)))
    {
        let sim = scenario(templates, &format!("{projects}{API}"));
        let (mut running, parent) = watch(sim.url(), over);
        let below = parent["downstream"].as_array().unwrap();
        let (many, below) = (below.len() > 28, below.last().unwrap());
        assert_eq!(below["status"], json!("success"), "{what}");
        let jobs = api(&sim, "GET", &format!("projects/{project}/pipelines/{}/jobs", below["id"]));
        // Quiet refreshes, each with one request more than without a downstream.
        sim.clear_requests();
        assert!(sim.wait_for_requests(6, DEADLINE), "{what} {over}: it does not read any more");
        let asked = sim.requests();
        let is_look = |request: &&Request| {
            request.operation.as_deref() == Some("Downstream")
                || request.path.contains(&format!("/pipelines/{}", below["id"]))
        };
        let looks = asked.iter().filter(is_look).count();
        // Where they are many, REST asks for each by itself.
        assert!(
            many && over == "rest" || looks > 0 && 2 * looks <= asked.len() + 2,
            "{what} {over}: {looks} of {}",
            asked.len()
        );
        api(&sim, "POST", &format!("projects/{project}/jobs/{}/retry", jobs[0]["id"]));
        let event = change(&mut running);
        assert_eq!(
            (&event["from"], &event["pipeline"]["status"]),
            (&json!("success"), &json!("success")),
            "{what} {over}"
        );
        assert!(["running", "pending"].contains(&event["to"].as_str().unwrap()), "{what} {over}: {event}");
        assert_eq!(sim.panics(), 0);
    }
}

/// Its trigger job has passed and leads nowhere any more: what it was is not known.
#[test]
fn a_downstream_that_is_deleted_is_not_shown_as_it_was() {
    for over in APIS {
        let sim = scenario(CHILD, API);
        let between = Between::start(sim.url());
        let (mut running, parent) = watch(between.url(), over);
        let below = parent["downstream"][0]["id"].clone();
        assert_eq!(parent["worst"], json!("success"), "{over}");
        // It was there at the first look.
        sim.clear_requests();
        assert!(sim.wait_for_requests(6, DEADLINE), "{over}");
        between.change(move |passing| {
            let Ok(mut body) = serde_json::from_str::<Value>(&passing.body) else { return };
            if passing.asked.ends_with("Downstream") {
                for project in body["data"].as_object_mut().unwrap().values_mut() {
                    project["pipeline"] = Value::Null;
                }
            } else if passing.asked.contains(&format!("/pipelines/{below}")) {
                passing.code = 404;
                body = json!({ "message": "404 Not found" });
            } else {
                unlink(&mut body);
            }
            passing.body = body.to_string();
        });
        let event = change(&mut running);
        assert_eq!((&event["from"], &event["to"]), (&json!("success"), &json!("unread")), "{over}: {event}");
    }
}

/// Makes every trigger job lead nowhere.
fn unlink(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "downstream_pipeline" | "downstreamPipeline" => *value = Value::Null,
                    _ => unlink(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unlink),
        _ => {}
    }
}

#[test]
fn a_downstream_that_cannot_be_looked_at_is_not_shown_as_fresh() {
    for over in APIS {
        let sim = scenario(CHILD, API);
        let (_running, parent) = watch(sim.url(), over);
        let below = &parent["downstream"][0]["id"];
        sim.add_fault(Fault::on("Downstream").status(500));
        sim.add_fault(Fault::on(&format!("/pipelines/{below}")).status(500));
        sim.clear_requests();
        // It falls back on what it asked first: the parent and what is below it.
        assert!(sim.wait_for_requests(12, DEADLINE), "{over}");
        let asked = sim.requests();
        let whole =
            |request: &&Request| request.operation.as_deref() == Some("Snapshot") || request.path.ends_with("/bridges");
        assert!(asked.iter().any(|request| whole(&request)), "{over}: {asked:?}");
    }
}
