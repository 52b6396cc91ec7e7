//! The list of projects under `--watch`: projects that come, go, or are lost with a page of the list.

use crate::support::Env;
use crate::support::running::Running;
use glwatch_sim::{Fault, Options, Sim, WorldKind};
use serde_json::Value;

const LIST: &str = "/groups/12345/projects?";

fn watch(sim: &Sim) -> Running {
    let fixed = ["--host", sim.url(), "--group-id", "12345", "--watch", "-o", "ndjson", "--rps", "1000"];
    Env::new().start(&[&fixed[..], &["--interval", "50ms", "--list-interval", "50ms"]].concat())
}

fn uniform(projects: usize) -> Sim {
    Sim::start(Options { world: WorldKind::Uniform { projects, stages: 1, jobs: 1 }, ..Options::default() }).unwrap()
}

fn event(running: &mut Running, is_meant: impl Fn(&Value) -> bool) -> Value {
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    parse(&running.line_with(|line| is_meant(&parse(line))))
}

#[test]
fn projects_leave_and_come_back_by_themselves() {
    let sim = uniform(2);
    let mut running = watch(&sim);
    event(&mut running, |event| event["event"] == "snapshot");
    sim.add_fault(Fault::on(LIST).answer(200, "application/json", "[]"));
    event(&mut running, |event| event["change"] == "left");
    sim.clear_faults();
    event(&mut running, |event| event["change"] == "appeared");
}

#[test]
fn a_page_that_is_lost_later_takes_no_project_with_it() {
    let sim = uniform(150);
    let mut running = watch(&sim);
    event(&mut running, |event| event["event"] == "snapshot");
    sim.add_fault(Fault::on("*/projects?*page=2").status(500));
    // The next thing to be told is the lost page, not fifty projects that left.
    let next = event(&mut running, |event| event["event"] != "budget");
    assert_eq!((&next["event"], &next["scope"]), (&"problem".into(), &"list".into()), "{next}");
}

#[test]
fn a_group_that_is_lost_later_takes_no_project_with_it() {
    let sim = Sim::start(Options::default()).unwrap();
    let groups = ["--group-id", "acme/payments", "--group-id", "acme/web"];
    let fixed = ["--host", sim.url(), "--watch", "-o", "ndjson", "--rps", "1000"];
    let mut running =
        Env::new().start(&[&fixed[..], &groups, &["--interval", "50ms", "--list-interval", "50ms"]].concat());
    event(&mut running, |event| event["event"] == "snapshot");
    sim.add_fault(Fault::on("/groups/acme%2Fweb?").status(500));
    let next = event(&mut running, |event| event["event"] != "budget");
    assert_eq!((&next["event"], &next["scope"]), (&"problem".into(), &"group".into()), "{next}");
}
