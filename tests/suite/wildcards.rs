//! What a file of the exporter names beside groups: users, all that is visible, single projects.

use super::serve::Served;
use crate::support::Env;
use glwatch_sim::{Fault, Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};

const WORLD: &str = r#"
root = "acme"
group = [{ path = "acme", id = 12345 }]
user = [{ username = "jane", id = 77, name = "Jane Doe" }]
project = [
  { path = "acme/api", id = 1, run = [{ jobs = "single", age = "3h" }] },
  { path = "acme/web", id = 2, run = [{ jobs = "single", age = "4h" }] },
  { path = "jane/tool", id = 3, name = "My Tool", run = [{ jobs = "single", age = "5h" }] },
  { path = "jane/api-kit", id = 4, run = [{ jobs = "single", age = "6h" }] },
  { path = "jane/old", id = 5, archived = true, run = [{ jobs = "single", age = "7h" }] },
]
[template]
single = [["test", "unit | 40s"]]
"#;
const ALL: [&str; 4] = ["acme/api", "acme/web", "jane/api-kit", "jane/tool"];
const OF_ALL: &str = "projects";
const OF_JANE: &str = "users/jane/projects";
const OF_ACME: [&str; 2] = ["groups/acme", "groups/acme/projects"];
const JANE: &str = "{owner: {name: jane, kind: user}}";
const ACME: &str = "{owner: {name: acme, kind: group, include_subgroups: true}}";

fn world(world: WorldKind) -> Sim {
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

/// Writes a file of the exporter that names this.
fn file(env: &Env, sim: &Sim, text: &str) -> String {
    let path = env.home().join("exporter.yml");
    let head = format!("gitlab: {{url: '{}', token: {TOKEN_READ_API}, maximum_requests_per_second: 1000}}", sim.url());
    std::fs::write(&path, format!("{head}\nserver: {{listen_address: '127.0.0.1:0'}}\n{text}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn start(env: &Env, sim: &Sim, text: &str, more: &[&str]) -> Served {
    let path = file(env, sim, text);
    Served::started(env.start(&[&["serve", "--exporter-config", &path], more].concat()))
}

/// Starts it and waits until everything was read.
fn ready(env: &Env, sim: &Sim, text: &str, more: &[&str]) -> Served {
    let served = start(env, sim, text, more);
    served.wait(|served| served.get("/health/ready").status == 200);
    served
}

fn paths(snapshot: &Value) -> Vec<&str> {
    let mut paths: Vec<&str> =
        snapshot["projects"].as_array().unwrap().iter().map(|row| row["full_path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    paths
}

/// Returns what was listed: the routes, each as often as it was asked for.
fn listed(sim: &Sim) -> Vec<String> {
    let requests = sim.requests();
    let routes = requests.iter().filter_map(|request| request.path.strip_prefix("/api/v4/"));
    let is_list = |route: &&str| {
        let is_one = route.strip_prefix("projects/").is_some_and(|rest| !rest.contains('/') && rest.contains("%2F"));
        is_one || route.ends_with("projects") || route.starts_with("groups/")
    };
    let mut routes: Vec<String> = routes.filter(is_list).map(str::to_owned).collect();
    routes.sort();
    routes
}

/// Returns the requests for the list of the group, and more.
fn group(more: &[&'static str]) -> Vec<&'static str> {
    [&OF_ACME[..], more].concat()
}

#[test]
fn what_is_named_is_listed_read_and_exported_over_both_apis() {
    let wildcards = |all: &[&str]| format!("wildcards: [{}]", all.join(", "));
    let searching = |text: &str| format!("{{search: {text}}}");
    let archived = "{owner: {name: jane, kind: user}, archived: true}";
    let cases: [(&str, String, Vec<&str>, Vec<&str>); 12] = [
        ("a user", wildcards(&[JANE]), vec!["jane/api-kit", "jane/tool"], vec![OF_JANE]),
        ("all that is visible", wildcards(&["{}"]), ALL.to_vec(), vec![OF_ALL]),
        ("a user beside a group", wildcards(&[ACME, JANE]), ALL.to_vec(), group(&[OF_JANE])),
        ("all beside a user: each project once", wildcards(&[JANE, "{}"]), ALL.to_vec(), vec![OF_ALL, OF_JANE]),
        ("a part of a name", wildcards(&[&searching("api")]), vec!["acme/api", "jane/api-kit"], vec![OF_ALL]),
        (
            "a part of a name in a group and everywhere",
            wildcards(&[ACME, &searching("my tool")]),
            vec!["acme/api", "acme/web", "jane/tool"],
            group(&[OF_ALL]),
        ),
        ("archived ones", wildcards(&[archived]), vec!["jane/api-kit", "jane/old", "jane/tool"], vec![OF_JANE]),
        ("the same user twice", wildcards(&[JANE, JANE]), vec!["jane/api-kit", "jane/tool"], vec![OF_JANE]),
        (
            "a project of a user, and no group",
            "projects: [{name: jane/tool}]".into(),
            vec!["jane/tool"],
            vec!["groups/jane", "groups/jane/projects", OF_JANE],
        ),
        (
            "projects of a user and of a group",
            "projects: [{name: jane/tool}, {name: acme/web}]".into(),
            vec!["acme/web", "jane/tool"],
            group(&["groups/jane", "groups/jane/projects", OF_JANE]),
        ),
        (
            "a project of a user beside a group",
            format!("{}\nprojects: [{{name: jane/tool}}]", wildcards(&[ACME])),
            vec!["acme/api", "acme/web", "jane/tool"],
            group(&["projects/jane%2Ftool"]),
        ),
        (
            "one that is listed already",
            format!("{}\nprojects: [{{name: jane/tool}}]", wildcards(&[JANE])),
            vec!["jane/api-kit", "jane/tool"],
            vec![OF_JANE],
        ),
    ];
    for api in ["rest", "graphql"] {
        for (sentence, text, rows, lists) in &cases {
            let sim = world(WorldKind::Scenario(WORLD.into()));
            let env = Env::new().with("GLWATCH_API", api);
            let served = ready(&env, &sim, text, &["--interval", "50ms"]);
            let what = format!("{sentence} over {api}");
            let snapshot = served.get("/api/v1/snapshot").json();
            assert_eq!((paths(&snapshot), &snapshot["complete"]), (rows.clone(), &json!(true)), "{what}: {snapshot}");
            for row in snapshot["projects"].as_array().unwrap() {
                let path = row["full_path"].as_str().unwrap();
                assert_eq!((&row["state"], &row["web_url"]), (&json!("ok"), &json!(format!("{}/{path}", sim.url()))));
            }
            assert_eq!(snapshot["requests"]["api"], api, "{what}");
            let exported = |path: &&str| served.get("/metrics").body.contains(&format!("project=\"{path}\""));
            served.wait(|_| rows.iter().all(exported));
            assert_eq!(listed(&sim), *lists, "{what}");
            // A refresh asks for no list.
            sim.clear_requests();
            assert!(sim.wait_for_requests(20, crate::support::running::DEADLINE), "{what}");
            assert_eq!(listed(&sim), [""; 0], "{what}");
            assert_eq!(sim.panics(), 0, "{what}");
        }
    }
}

#[test]
fn a_list_costs_a_request_for_each_hundred_projects() {
    let sim = world(WorldKind::Uniform { projects: 101, stages: 1, jobs: 1 });
    let env = Env::new();
    let served = ready(&env, &sim, "wildcards: [{}]", &[]);
    assert_eq!(paths(&served.get("/api/v1/snapshot").json()).len(), 101);
    assert_eq!(listed(&sim), [OF_ALL; 2]);
}

#[test]
fn a_new_project_of_a_user_appears_and_a_webhook_reads_it() {
    let sim = world(WorldKind::Scenario(WORLD.into()));
    sim.add_fault(Fault::on("/users/jane/projects?").answer(200, "application/json", "[]"));
    let more = ["--interval", "50ms", "--list-interval", "50ms"];
    let env = Env::new();
    let served = ready(&env, &sim, &format!("wildcards: [{ACME}, {JANE}]"), &more);
    assert_eq!(paths(&served.get("/api/v1/snapshot").json()), ["acme/api", "acme/web"]);
    sim.clear_faults();
    served.wait(|served| paths(&served.get("/api/v1/snapshot").json()) == ALL);
    served.wait(|served| served.get("/metrics").body.contains("project=\"jane/tool\""));
    drop(served);
    // One that is asked about never again by itself.
    let env = Env::new();
    let served = ready(&env, &sim, &format!("wildcards: [{JANE}]"), &["--interval", "1h"]);
    served.wait(|served| served.get("/metrics").body.contains("project=\"jane/tool\""));
    sim.clear_requests();
    let hook = json!({
        "object_kind": "pipeline",
        "object_attributes": { "ref": "main", "tag": false },
        "project": { "id": 3, "path_with_namespace": "jane/tool" },
    });
    assert_eq!(served.ask("POST", "/webhook", &[], &hook.to_string()).status, 200);
    assert!(sim.wait_for_requests(1, crate::support::running::DEADLINE));
    assert_eq!(listed(&sim), [""; 0]);
}

#[test]
fn what_cannot_be_listed_is_said_and_hides_nothing_else() {
    let foreign =
        json!([{ "id": 9, "name": "x", "path_with_namespace": "joe/x", "namespace": { "full_path": "joe" } }]);
    let foreign = foreign.to_string();
    let refuse = |code| move |sim: &Sim| sim.add_fault(Fault::on("/users/jane/projects?").status(code));
    let odd = |sim: &Sim| {
        sim.add_fault(Fault::on("/users/jane/projects?").answer(200, "application/json", &foreign));
    };
    type Prepare<'a> = &'a dyn Fn(&Sim);
    type Case<'a> = (&'a str, &'a str, Prepare<'a>, (&'a str, &'a str, &'a str));
    let cases: [Case<'_>; 5] = [
        ("no such user", "{owner: {name: nemo, kind: user}}", &|_| (), ("source", "user nemo", "http_404")),
        ("a user who is not for us", JANE, &refuse(403), ("source", "user jane", "http_403")),
        ("a server in trouble", JANE, &refuse(500), ("source", "user jane", "http_500")),
        ("another user's projects", JANE, &odd, ("list", "user jane", "list_foreign")),
        ("a project that is not there", "", &|_| (), ("source", "jane/gone", "http_404")),
    ];
    for (sentence, wildcard, prepare, (scope, subject, kind)) in cases {
        let sim = world(WorldKind::Scenario(WORLD.into()));
        prepare(&sim);
        let all: Vec<&str> = [ACME, wildcard].into_iter().filter(|one| !one.is_empty()).collect();
        let named = if wildcard.is_empty() { "\nprojects: [{name: jane/gone}]" } else { "" };
        let text = format!("wildcards: [{}]{named}", all.join(", "));
        let env = Env::new();
        let mut served = ready(&env, &sim, &text, &["--retry-wait", "1ms"]);
        let snapshot = served.get("/api/v1/snapshot").json();
        assert_eq!(snapshot["complete"], json!(false), "{sentence}");
        let rows = paths(&snapshot);
        assert!(rows.contains(&"acme/api") && rows.contains(&"acme/web"), "{sentence}: {rows:?}");
        let problem = &snapshot["problems"][0];
        let found = ["scope", "subject", "kind"].map(|key| problem[key].as_str().unwrap());
        assert_eq!(found, [scope, subject, kind], "{sentence}");
        let said = served.running.error_line();
        assert!(said.starts_with(&format!("warning: {scope} {subject}: ")), "{sentence}: {said}");
    }
}

#[test]
fn a_missing_user_alone_is_waited_for_as_a_missing_group_is() {
    let sim = world(WorldKind::Scenario(WORLD.into()));
    sim.add_fault(Fault::on("/users/jane/projects?").status(404));
    let env = Env::new();
    let mut served = start(&env, &sim, &format!("wildcards: [{JANE}]"), &["--interval", "50ms"]);
    let said = served.running.error_line();
    assert!(said.starts_with("warning: GitLab answered 404"), "{said}");
    assert_eq!(served.get("/health/ready").status, 503);
    sim.clear_faults();
    served.wait(|served| served.get("/health/ready").status == 200);
    assert_eq!(paths(&served.get("/api/v1/snapshot").json()), ["jane/api-kit", "jane/tool"]);
}

#[test]
fn more_projects_than_can_be_shown_are_refused_after_two_requests() {
    let sim = world(WorldKind::Uniform { projects: 10_050, stages: 1, jobs: 1 });
    let env = Env::new();
    let path = file(&env, &sim, "wildcards: [{}]");
    let refusal = env
        .run(&["serve", "--exporter-config", &path])
        .refuses(3, &["the list of all visible projects", "more than 10000 projects", "--group-id", "search:"]);
    assert!(refusal.stdout.is_empty());
    assert_eq!(listed(&sim), [OF_ALL; 2]);
    let pages: Vec<bool> = sim
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("/projects"))
        .map(|request| request.query.contains("page=101"))
        .collect();
    assert_eq!(pages, [false, true], "the first page, and one look behind what is listed");
    // A search makes it few enough.
    let env = Env::new();
    let served = ready(&env, &sim, "wildcards: [{search: project-0001}]", &[]);
    assert_eq!(paths(&served.get("/api/v1/snapshot").json()).len(), 10);
}

#[test]
fn a_group_of_ones_own_choice_replaces_all_and_that_is_said() {
    let sim = world(WorldKind::Scenario(WORLD.into()));
    let env = Env::new();
    let path = file(&env, &sim, &format!("wildcards: [{{}}, {JANE}]\nprojects: [{{name: jane/tool}}]"));
    let mut running = env.start(&["serve", "--exporter-config", &path, "--group-id", "acme"]);
    let said = running.error_line();
    assert!(said.contains("wildcards[0]: of all that the token sees only what lies in acme is listed"), "{said}");
    let served = Served::started(running);
    served.wait(|served| served.get("/health/ready").status == 200);
    assert_eq!(paths(&served.get("/api/v1/snapshot").json()), ALL);
    assert_eq!(listed(&sim), group(&[OF_JANE]));
}
