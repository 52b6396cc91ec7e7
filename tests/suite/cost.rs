//! How many requests a run makes, and how many at once: counted by the server, to the last one.

use crate::support::Env;
use crate::support::terms::Terms;
use glwatch_sim::{Fault, Options, Sim, WorldKind};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

fn sim(world: WorldKind) -> Sim {
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

/// A world of one group with these projects, in the format of the demo's scenario.
pub(crate) fn scenario(templates: &str, projects: &str) -> Sim {
    let text = format!(
        "root = \"acme\"\n\
         group = [{{ path = \"acme\", id = 12345 }}, {{ path = \"other\", id = 777 }}]\n\
         [template]\nsingle = [[\"test\", \"unit | 40s\"]]\n{templates}\n{projects}"
    );
    sim(WorldKind::Scenario(text))
}

/// Runs the program against a group and returns its JSON.
fn read(sim: &Sim, more: &[&str]) -> Value {
    Env::new().run(&[&["--host", sim.url(), "-o", "json"], more].concat()).exits_with(0).json()
}

/// Reads the whole group and checks every term, and that the program counts as the server does.
#[track_caller]
fn costs(sim: &Sim, expected: Terms) {
    let document = read(sim, &["--group-id", "12345"]);
    let stats = sim.stats();
    assert_eq!(Terms::of_stats(&stats), expected, "{stats}");
    assert_eq!(stats["requests"], json!(expected.total()), "{stats}");
    assert_eq!(document["requests"]["count"], stats["requests"]);
    assert_eq!(sim.panics(), 0);
}

#[test]
fn two_hundred_projects_cost_four_requests_each_two_pages_and_one_group() {
    let sim = sim(WorldKind::Uniform { projects: 200, stages: 4, jobs: 3 });
    costs(&sim, Terms::uniform(200));
    assert_eq!(sim.requests().len(), 4 * 200 + 2 + 1);
}

#[test]
fn the_demo_group_costs_what_the_formula_says() {
    let sim = sim(WorldKind::Demo);
    let expected = Terms::of_expected(&sim.expected());
    assert!(expected.job_pages > 0 && expected.followed > 0, "the demo no longer shows every term: {expected:?}");
    costs(&sim, expected);
}

#[test]
fn the_hundred_and_first_job_costs_one_more_page() {
    for (jobs, job_pages) in [(100, 0), (101, 1), (200, 1), (201, 2)] {
        let wide = format!("wide = [[\"test\", \"test | 45s | x {jobs}\"]]");
        let sim = scenario(
            &wide,
            "[[project]]\npath = \"acme/wide\"\nrun = [{ jobs = \"wide\", age = \"3h\" }]\n\
             [[project]]\npath = \"acme/small\"\nrun = [{ jobs = \"single\", age = \"3h\" }]",
        );
        costs(&sim, Terms { job_pages, ..Terms::uniform(2) });
    }
}

#[test]
fn a_downstream_that_is_its_projects_newest_pipeline_costs_nothing() {
    let release = "release = [[\"release\", \"deploy | triggers acme/deployments single depend\"]]";
    let sim = scenario(
        release,
        "[[project]]\npath = \"acme/release\"\nrun = [{ jobs = \"release\", age = \"3h\" }]\n\
         [[project]]\npath = \"acme/deployments\"\nrun = [{ jobs = \"single\", age = \"8h\" }]",
    );
    costs(&sim, Terms::uniform(2));
}

#[test]
fn a_downstream_that_is_not_known_costs_its_details_and_its_bridges() {
    // One is older than its project's newest pipeline, one lies in another group, one is a child.
    let cases = [
        ("triggers acme/deployments single depend", "acme/deployments", 2),
        ("triggers other/deployments single depend", "other/deployments", 1),
        ("child single depend", "other/unrelated", 1),
    ];
    for (trigger, beside, projects) in cases {
        let sim = scenario(
            &format!("release = [[\"release\", \"deploy | {trigger}\"]]"),
            &format!(
                "[[project]]\npath = \"acme/release\"\nrun = [{{ jobs = \"release\", age = \"3h\" }}]\n\
                 [[project]]\npath = \"{beside}\"\nrun = [{{ jobs = \"single\", age = \"1h\" }}]"
            ),
        );
        costs(&sim, Terms { followed: 2, ..Terms::uniform(projects) });
    }
}

#[test]
fn a_project_with_its_ci_switched_off_costs_no_request_of_its_own() {
    let sim = scenario(
        "",
        "[[project]]\npath = \"acme/wiki\"\nid = 4711\nci_off = true\n\
         [[project]]\npath = \"acme/small\"\nrun = [{ jobs = \"single\", age = \"3h\" }]",
    );
    costs(&sim, Terms::uniform(1));
    assert!(sim.requests().iter().all(|request| !request.path.contains("4711")));
}

#[test]
fn a_project_that_never_ran_costs_one_request() {
    let sim = scenario("", "[[project]]\npath = \"acme/new\"");
    costs(&sim, Terms { newest: 1, ..Terms::uniform(0) });
}

#[test]
fn overlapping_groups_read_each_project_once() {
    let sim = sim(WorldKind::Demo);
    let expected = Terms::of_expected(&sim.expected());
    let document = read(&sim, &["--group-id", "12345", "--group-id", "acme/payments"]);
    let stats = sim.stats();
    // The second group and its one page are all that it adds.
    let with_overlap = Terms { groups: 2, list_pages: expected.list_pages + 1, ..expected };
    assert_eq!(Terms::of_stats(&stats), with_overlap, "{stats}");
    assert_eq!(document["requests"]["count"], stats["requests"]);
    let projects = document["projects"].as_array().unwrap();
    let mut ids: Vec<u64> = projects.iter().map(|project| project["id"].as_u64().unwrap()).collect();
    let rows = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), rows);
}

#[test]
fn never_more_requests_at_once_than_allowed() {
    for (more, allowed) in [(&[][..], 8), (&["--concurrency", "1"], 1), (&["--concurrency", "3"], 3)] {
        // Late answers make requests pile up: unbounded it would be dozens.
        let world = WorldKind::Uniform { projects: 30, stages: 1, jobs: 1 };
        let sim = Sim::start(Options { world, latency: Duration::from_millis(5), ..Options::default() }).unwrap();
        read(&sim, &[&["--group-id", "12345"], more].concat());
        let peak = sim.peak_in_flight();
        assert!((1..=allowed).contains(&peak), "{more:?}: {peak} at once");
    }
}

#[test]
fn a_run_that_cannot_fit_says_so_at_the_first_page() {
    let sim_of = |projects| {
        let world = WorldKind::Uniform { projects, stages: 1, jobs: 1 };
        Sim::start(Options { world, ..Options::default() }).unwrap()
    };
    let first_line = |sim: &Sim, more: &[&str]| {
        let env = Env::new();
        let arguments = [&["--host", sim.url(), "--group-id", "12345", "--api", "rest"], more].concat();
        let mut child = env.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().unwrap();
        line
    };
    let sim = sim_of(150);
    // Everything but the first page is never answered.
    sim.add_fault(Fault::on("page=2").stalled());
    sim.add_fault(Fault::on("/pipelines").stalled());
    let line = first_line(&sim, &["--rps", "5", "--max-time", "20s"]);
    assert!(line.starts_with("warning: about 600 requests are still to be sent, which takes 1m"), "{line}");
    assert!(line.contains("at the permitted rate, and this run has ") && line.contains("left (--max-time)"), "{line}");
    // Which of them a filter leaves is known when the list has ended: here with its only page, before anything is read.
    let sim = sim_of(90);
    let line = first_line(&sim, &["--rps", "5", "--max-time", "3s", "--include", "acme/project-0000?"]);
    assert!(line.starts_with("warning: about 36 requests are still to be sent"), "{line}");
}
