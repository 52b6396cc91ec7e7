//! Bad input and bad servers: each gets a message that says what to do next, its exit code, and nothing else is lost.

use crate::support::{Env, Output};
use glwatch_sim::{Access, Fault, Options, Sim, TOKEN_EXPIRED};
use serde_json::{Value, json};

pub(crate) fn sim(faults: Vec<Fault>) -> Sim {
    Sim::start(Options { faults, ..Options::default() }).unwrap()
}

pub(crate) fn status(sim: &Sim, more: &[&str]) -> Output {
    Env::new().run(&[&["--host", sim.url(), "--group-id", "12345"], more].concat())
}

#[test]
fn an_expired_token_is_named_with_its_origin() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let output = Env::new().with("GITLAB_TOKEN", TOKEN_EXPIRED).run(&["--host", sim.url(), "--group-id", "12345"]);
    let _ = output.exits_with(3).says(&["Token is expired", "does not accept the token from GITLAB_TOKEN", "read_api"]);
}

/// A path fragment of everything that is asked about one project's pipelines.
pub(crate) fn pipelines_of(sim: &Sim, full_path: &str) -> String {
    let truth = sim.expected();
    let project = truth["projects"].as_array().unwrap().iter().find(|project| project["full_path"] == full_path);
    format!("/projects/{}/pipelines", project.unwrap()["id"])
}

/// The row of one project in the JSON.
pub(crate) fn row<'a>(json: &'a Value, full_path: &str) -> &'a Value {
    json["projects"].as_array().unwrap().iter().find(|project| project["full_path"] == full_path).unwrap()
}

#[test]
fn one_project_with_500_one_with_403_and_one_unknown_status_leave_the_others_alone() {
    let sim = sim(vec![]);
    let before = status(&sim, &["-o", "json"]).exits_with(0).json();
    let on = |path| Fault::on(&pipelines_of(&sim, path));
    sim.add_fault(on("acme/web/shop").status(500));
    sim.add_fault(on("acme/web/docs").answer(403, "application/json", r#"{"message":"403 Forbidden"}"#));
    sim.add_fault(on("acme/web/landing").with_field("status", "quarantined"));
    let after = status(&sim, &["-o", "json"]).exits_with(4).json();

    let shop = row(&after, "acme/web/shop");
    assert_eq!((&shop["state"], &shop["error"]["kind"]), (&json!("error"), &json!("http_500")));
    let docs = row(&after, "acme/web/docs");
    assert_eq!((&docs["state"], &docs["error"]["kind"]), (&json!("no_access"), &json!("forbidden")));
    let landing = row(&after, "acme/web/landing");
    assert_eq!((&landing["state"], &landing["pipelines"][0]["worst"]), (&json!("ok"), &json!("quarantined")));
    assert_eq!(after["complete"], json!(false));

    let odd = ["acme/web/shop", "acme/web/docs", "acme/web/landing"];
    for project in before["projects"].as_array().unwrap() {
        let path = project["full_path"].as_str().unwrap();
        if !odd.contains(&path) {
            assert_eq!(row(&after, path)["pipelines"], project["pipelines"], "{path}");
        }
    }
}
