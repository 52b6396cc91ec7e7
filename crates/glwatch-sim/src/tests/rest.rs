//! GitLab's habits: defaults, filters, order, what is listed and what is not.

use serde_json::Value;

use super::http::{get, sim};
use crate::{Options, Sim, WorldKind};

fn ids(value: &Value) -> Vec<u64> {
    value.as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

fn paths(sim: &Sim, query: &str) -> Vec<String> {
    let list = get(sim, &format!("/api/v4/groups/acme/projects?per_page=100{query}")).json();
    list.as_array().unwrap().iter().map(|item| item["path_with_namespace"].as_str().unwrap().to_owned()).collect()
}

fn pipelines(sim: &Sim, project: &str, query: &str) -> Value {
    get(sim, &format!("/api/v4/projects/{}/pipelines{query}", project.replace('/', "%2F"))).json()
}

#[test]
fn a_page_has_20_records_by_default_and_100_at_most() {
    let sim =
        Sim::start(Options { world: WorldKind::Uniform { projects: 250, stages: 1, jobs: 1 }, ..Options::default() })
            .unwrap();
    let first = get(&sim, "/api/v4/groups/12345/projects");
    assert_eq!(ids(&first.json()).len(), 20);
    assert_eq!((first.header("x-per-page"), first.header("x-total")), (Some("20"), Some("250")));
    let last = get(&sim, "/api/v4/groups/12345/projects?per_page=1000&page=3");
    assert_eq!(ids(&last.json()).len(), 50);
    assert_eq!((last.header("x-next-page"), last.header("x-prev-page")), (Some(""), Some("2")));
    assert!(last.header("link").unwrap().contains("rel=\"last\""));
    assert!(!last.header("link").unwrap().contains("rel=\"next\""));
}

#[test]
fn above_10_000_records_the_totals_are_left_out() {
    let world = WorldKind::Uniform { projects: 10_500, stages: 4, jobs: 3 };
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let page = get(&sim, "/api/v4/groups/acme/projects?per_page=100&page=105&order_by=id&sort=asc");
    assert_eq!(ids(&page.json()).len(), 100);
    assert_eq!((page.header("x-total"), page.header("x-total-pages")), (None, None));
    assert_eq!(page.header("x-next-page"), Some(""));
    assert!(!page.header("link").unwrap().contains("rel=\"last\""));
}

#[test]
fn subgroups_are_left_out_and_shared_projects_are_not_unless_asked() {
    let sim = sim();
    assert_eq!(paths(&sim, ""), ["partners/shared-sdk"]);
    assert!(paths(&sim, "&with_shared=false").is_empty());
    let all = paths(&sim, "&with_shared=false&include_subgroups=true");
    assert!(all.contains(&"acme/platform/data/ingest".to_owned()));
    assert!(!all.contains(&"partners/shared-sdk".to_owned()));
    assert!(all.contains(&"acme/attic/old-api".to_owned()), "archived projects are listed by default");
    assert!(!paths(&sim, "&include_subgroups=true&archived=false").contains(&"acme/attic/old-api".to_owned()));
}

#[test]
fn the_projects_of_a_user_are_found_by_number_and_by_name() {
    const SCENARIO: &str = r#"
        root = "acme"
        group = [{ path = "acme", id = 1 }]
        user = [{ username = "jane", id = 77, name = "Jane Doe" }]
        project = [
          { path = "acme/api", id = 10 },
          { path = "jane/tool", id = 11, name = "My Tool" },
          { path = "jane/old", id = 12, archived = true },
        ]
    "#;
    let world = WorldKind::Scenario(SCENARIO.into());
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let cases = [
        ("by name", "users/jane/projects", vec![12, 11]),
        ("capitals do not matter", "users/JANE/projects", vec![12, 11]),
        ("by number", "users/77/projects?order_by=id&sort=asc", vec![11, 12]),
        ("without archived ones", "users/jane/projects?archived=false", vec![11]),
        ("archived ones alone", "users/jane/projects?archived=true", vec![12]),
        ("a part of the name", "users/jane/projects?search=my%20tool", vec![11]),
        ("a part of the path", "projects?search=OL", vec![12, 11]),
        ("of a user who has none", "users/ada/projects", vec![]),
        ("all of them", "projects", vec![12, 11, 10]),
    ];
    for (sentence, path, expected) in cases {
        assert_eq!(ids(&get(&sim, &format!("/api/v4/{path}")).json()), expected, "{sentence}");
    }
    let project = get(&sim, "/api/v4/projects/jane%2Ftool").json();
    let namespace = &project["namespace"];
    assert_eq!((&namespace["kind"], &namespace["full_path"]), (&"user".into(), &"jane".into()));
    assert!(namespace["parent_id"].is_null());
    assert_eq!(namespace["web_url"], format!("{}/jane", sim.url()));
    assert_eq!(project["name_with_namespace"], "Jane Doe / My Tool");
    let simple = get(&sim, "/api/v4/users/jane/projects?simple=true").json();
    assert!(simple[0].get("jobs_enabled").is_none() && simple[0]["namespace"]["kind"] == "user");
    assert_eq!(get(&sim, "/api/v4/groups/jane").status, 404, "a user is no group");
    assert_eq!(ids(&get(&sim, "/api/v4/groups").json()), [1]);
    let missing = get(&sim, "/api/v4/users/missing/projects");
    assert_eq!((missing.status, &missing.json()["message"]), (404, &"404 User Not Found".into()));
}

#[test]
fn child_pipelines_are_listed_only_when_asked_for() {
    let sim = sim();
    let listed = pipelines(&sim, "acme/platform/auth", "");
    assert_eq!(ids(&listed).len(), 1);
    assert_eq!(listed[0]["status"], "success");
    let children = pipelines(&sim, "acme/platform/auth", "?source=parent_pipeline");
    assert_eq!(ids(&children).len(), 1);
    assert_eq!(children[0]["status"], "failed");
    let bridges = get(&sim, &format!("/api/v4/projects/20011/pipelines/{}/bridges", listed[0]["id"])).json();
    assert_eq!(bridges[0]["downstream_pipeline"]["id"], children[0]["id"]);
    assert_eq!(bridges[0]["status"], "success");
}

#[test]
fn jobs_come_newest_first_without_bridges_and_without_earlier_attempts() {
    let sim = sim();
    let newest = pipelines(&sim, "acme/payments/payouts", "");
    let base = format!("/api/v4/projects/20005/pipelines/{}/jobs?per_page=100", newest[0]["id"]);
    let current = ids(&get(&sim, &base).json());
    let all = ids(&get(&sim, &format!("{base}&include_retried=true")).json());
    assert_eq!((current.len(), all.len()), (8, 9));
    assert!(all.is_sorted_by(|a, b| a > b));
    assert!(current.contains(all.iter().max().unwrap()));
    let trigger = pipelines(&sim, "acme/platform/auth", "");
    let jobs = get(&sim, &format!("/api/v4/projects/20011/pipelines/{}/jobs", trigger[0]["id"])).json();
    assert_eq!(jobs.as_array().unwrap().len(), 1);
    assert_eq!(jobs[0]["name"], "compile");
}

#[test]
fn list_items_lack_user_duration_and_stages() {
    let item = pipelines(&sim(), "acme/payments/invoices", "")[0].clone();
    for key in ["user", "duration", "stages", "tag", "coverage", "detailed_status"] {
        assert!(item.get(key).is_none(), "{key} is in the list item");
    }
}

#[test]
fn a_pipeline_is_found_by_ref_scope_status_and_time() {
    let sim = sim();
    let count = |project: &str, query: &str| ids(&pipelines(&sim, project, query)).len();
    assert_eq!(count("acme/mobile/ios", "?scope=tags"), 1);
    assert_eq!(count("acme/mobile/ios", "?scope=branches"), 1);
    assert_eq!(count("acme/mobile/ios", "?ref=v4.12.0"), 1);
    assert_eq!(count("acme/payments/providers/stripe", "?source=merge_request_event"), 1);
    assert_eq!(count("acme/payments/invoices", "?status=failed"), 1);
    assert_eq!(count("acme/payments/invoices", "?updated_after=2026-11-20T00:00:00Z"), 1);
    let wrong = get(&sim, "/api/v4/projects/20001/pipelines?scope=mine");
    assert_eq!((wrong.status, wrong.json()["error"].as_str()), (400, Some("scope does not have a valid value")));
}

#[test]
fn coverage_is_text_and_a_passed_warning_shows_in_the_detailed_status() {
    let sim = sim();
    let id = ids(&pipelines(&sim, "acme/payments/fraud-rules", ""))[0];
    let one = get(&sim, &format!("/api/v4/projects/20004/pipelines/{id}")).json();
    assert_eq!((one["status"].as_str(), one["coverage"].as_str()), (Some("success"), Some("87.40")));
    assert_eq!(one["detailed_status"]["group"], "success-with-warnings");
    assert!(one["duration"].is_u64());
}

#[test]
fn what_is_not_there_is_answered_as_gitlab_does() {
    let sim = sim();
    let said = |path: &str| {
        let got = get(&sim, path);
        (got.status, got.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(said("/api/v4/groups/missing"), (404, "404 Group Not Found".to_owned()));
    assert_eq!(said("/api/v4/projects/1"), (404, "404 Project Not Found".to_owned()));
    assert_eq!(said("/api/v4/projects/20001/pipelines/1"), (404, "404 Not found".to_owned()));
    assert_eq!(said("/api/v4/projects/acme%2Fplatform%2Fwiki/pipelines"), (403, "403 Forbidden".to_owned()));
    assert_eq!(said("/api/v4/projects/20019/pipelines/latest"), (403, "403 Forbidden".to_owned()));
    assert_eq!(sim.panics(), 0);
    get(&sim, "/api/v4/users");
    assert_eq!(sim.panics(), 1, "a route that does not exist is noticed");
}
