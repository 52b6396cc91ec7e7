//! GitLab goes away under a hub: whatever says how old something is goes by when it was last read, not by when it was last
//! asked for in vain.

use super::cost::scenario;
use super::hub::{from, url};
use super::serve::Served;
use super::watch::TWO;
use crate::support::Env;
use glwatch_sim::Fault;
use serde_json::Value;
use std::time::Duration;

/// How long GitLab is away, by its own clock.
const AWAY: i64 = 300;
/// What may have passed besides until a question is answered. The clock of the simulated GitLab does not run, and is
/// reckoned from its last answer: a row may be read ahead of it by as much.
const SLACK: i64 = 60;
/// At least as long ago as this is what was read before GitLab went away.
const LONG: i64 = AWAY - SLACK;
const READ: &str = "glwatch_snapshot_timestamp_seconds";
const PROJECT_READ: &str = "glwatch_project_read_timestamp_seconds";

fn seconds(time: &Value) -> i64 {
    chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap().timestamp()
}

/// When each project was read, and in which state it is.
fn rows(document: &Value) -> Vec<(String, i64, String)> {
    let row = |project: &Value| {
        let text = |field: &str| project[field].as_str().unwrap().to_owned();
        (text("full_path"), seconds(&project["as_of"]), text("state"))
    };
    document["projects"].as_array().unwrap().iter().map(row).collect()
}

fn newest(rows: &[(String, i64, String)]) -> i64 {
    rows.iter().map(|(_, as_of, _)| *as_of).max().unwrap()
}

fn age(served: &Served) -> i64 {
    served.get("/api/v1/snapshot").headers["age"].parse().unwrap()
}

/// Waits until GitLab has been asked in vain twice more: a reading that began before is over by then.
fn ask_in_vain(served: &Served) {
    for _ in 0..2 {
        let count = |served: &Served| served.get("/api/v1/snapshot").json()["requests"]["count"].clone();
        let before = count(served);
        served.wait(|served| count(served) != before);
    }
}

#[test]
fn where_gitlab_is_away_every_age_goes_by_what_was_read() {
    // Whether the list is asked for again decides which failure it is.
    for (sentence, list, ready) in [
        ("the projects fail", "1h", "not ready: the data is "),
        ("the list fails", "10ms", "not ready: the last reading failed: "),
    ] {
        let sim = scenario("", TWO);
        let env = Env::new();
        let served = Served::ready(
            &env,
            &sim,
            &["--interval", "100ms", "--list-interval", list, "--retry-wait", "1ms", "--no-history"],
        );
        sim.add_fault(Fault::on("").status(502));
        served.wait(|served| served.get("/health/ready").status == 503);
        ask_in_vain(&served);
        let last = rows(&served.get("/api/v1/snapshot").json());
        assert!(last.iter().all(|(_, _, state)| state == "stale"), "{sentence}: {last:?}");
        sim.clock().advance(Duration::from_secs(AWAY as u64));
        ask_in_vain(&served);
        let document = served.get("/api/v1/snapshot").json();
        assert_eq!(rows(&document), last, "{sentence}: what is shown is as old as it was");
        assert!(seconds(&document["generated_at"]) >= newest(&last) + LONG, "{sentence}: its own time goes on");
        let told = age(&served);
        assert!((LONG..AWAY + SLACK).contains(&told), "{sentence}: {told}");
        assert_eq!(served.metric(READ), Some(newest(&last) as f64), "{sentence}");
        for (project, as_of, _) in &last {
            let series = format!("{PROJECT_READ}{{project=\"{project}\"}}");
            assert_eq!(served.metric(&series), Some(*as_of as f64), "{sentence}: {project}");
        }
        let said = served.get("/health/ready").body;
        assert!(said.starts_with(ready), "{sentence}: {said}");

        let over_hub = from(&url(&served), &["--fail-on", "failed"]).exits_with(3).json();
        assert_eq!(rows(&over_hub), last, "{sentence}: over the hub");
        let passed = seconds(&over_hub["generated_at"]) - newest(&last);
        assert!((LONG..AWAY + SLACK).contains(&passed), "{sentence}: over the hub {passed}");
        let metrics = Env::new().run(&["--from", &url(&served), "-o", "openmetrics", "--allow-partial"]).stdout;
        assert!(metrics.contains(&format!("\n{READ} {}\n", newest(&last))), "{sentence}: {metrics}");

        sim.clear_faults();
        served.wait(|served| served.get("/health/ready").status == 200);
        let back = rows(&served.get("/api/v1/snapshot").json());
        assert!(newest(&back) >= newest(&last) + LONG, "{sentence}: {back:?}");
        assert!(age(&served) < SLACK, "{sentence}");
        assert!(served.metric(READ) >= Some((newest(&last) + LONG) as f64), "{sentence}");
    }
}

#[test]
fn what_was_never_read_has_no_time() {
    let sim = scenario("", TWO);
    sim.add_fault(Fault::on("/pipelines").status(502));
    let env = Env::new();
    let served = Served::start(&env, &sim, &["--interval", "100ms", "--api", "rest", "--retry-wait", "1ms"]);
    served.wait(|served| served.get("/health/ready").body.contains("no project is fresh"));
    let page = served.get("/metrics").body;
    assert!(page.contains("glwatch_projects{state=\"error\"} 2\n"), "{page}");
    assert!(!page.contains(READ) && !page.contains(PROJECT_READ), "{page}");
    sim.clear_faults();
    served.wait(|served| served.get("/health/ready").status == 200);
    let page = served.get("/metrics").body;
    assert!(page.contains(READ) && page.contains(PROJECT_READ), "{page}");
}
