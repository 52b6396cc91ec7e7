//! The world is the same for the same seed and time, moves with the clock, and holds what the demo promises.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::http::sim;
use crate::{Options, Sim, WorldKind};

fn scenario(text: &str) -> Sim {
    let world = WorldKind::Scenario(text.to_owned());
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

const ONE: &str = r#"
root = "g"
group = [{ path = "g", id = 1 }]
[template]
t = [["build", "b | 60s"], ["test", "u | 60s | flaky | retried 10m"], ["ship", "s | 60s"]]
[[project]]
path = "g/p"
run = [{ jobs = "t", age = "0s" }]
"#;

/// Returns the pipeline's status, then each stage's.
fn words(sim: &Sim) -> String {
    let pipeline = sim.expected()["projects"][0]["pipelines"][0].clone();
    let stages = pipeline["stages"].as_array().unwrap().iter().map(|stage| stage["status"].as_str().unwrap());
    std::iter::once(pipeline["status"].as_str().unwrap()).chain(stages).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_pipeline_runs_stage_by_stage_and_a_retry_reopens_it() {
    let sim = scenario(ONE);
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..1_800 {
        let now = words(&sim);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        sim.clock().advance(Duration::from_secs(1));
    }
    let expected = [
        "created created created created",
        "pending pending created created",
        "running running created created",
        "running success created created",
        "running success pending created",
        "running success running created",
        "failed success failed created",
        "failed success failed skipped",
        "running success pending created",
        "running success running created",
        "running success success created",
        "running success success pending",
        "running success success running",
        "success success success success",
    ];
    // Neighbouring moves may fall into one second.
    let mut rest = expected.iter();
    assert!(seen.iter().all(|now| rest.any(|step| step == now)), "{seen:#?}");
    for step in [2, 5, 7, 9, 12, 13] {
        assert!(seen.contains(&expected[step].to_owned()), "{} is missing in {seen:#?}", expected[step]);
    }
}

#[test]
fn the_same_seed_and_time_make_the_same_world_and_another_seed_does_not() {
    assert_eq!(sim().expected(), sim().expected());
    let other = Sim::start(Options { seed: 2, ..Options::default() }).unwrap();
    assert_ne!(sim().expected(), other.expected());
}

#[test]
fn as_time_goes_on_new_pipelines_appear_with_larger_ids() {
    let sim = sim();
    let newest = |sim: &Sim| sim.expected()["projects"][0]["pipelines"][0]["id"].as_u64().unwrap();
    let before = newest(&sim);
    sim.clock().advance(Duration::from_secs(15 * 60));
    assert!(newest(&sim) > before);
}

#[test]
fn the_demo_has_at_any_time_what_it_promises() {
    let sim = sim();
    let truth = sim.expected();
    let projects = truth["projects"].as_array().unwrap();
    assert!(projects.len() >= 38, "only {} projects", projects.len());
    let words = |key: &str| -> BTreeSet<&str> {
        let pipelines = projects.iter().flat_map(|project| project["pipelines"].as_array().unwrap());
        pipelines.map(|pipeline| pipeline[key].as_str().unwrap()).collect()
    };
    let worst = words("worst");
    for word in ["failed", "warning", "canceled", "manual", "skipped", "pending", "scheduled", "running", "success"] {
        assert!(worst.contains(word), "no pipeline is {word}");
    }
    assert!(worst.contains("quarantined") && worst.contains("waiting_for_resource"));
    assert!(words("source").contains("moon_phase"));
    assert_eq!(words("ref_kind"), BTreeSet::from(["branch", "merge_request", "merge_train", "tag"]));
    let states: BTreeSet<&str> = projects.iter().map(|project| project["state"].as_str().unwrap()).collect();
    assert_eq!(states, BTreeSet::from(["no_access", "no_pipeline", "ok"]));
    let jobs = |project: &Value| -> usize {
        let stages = project["pipelines"][0]["stages"].as_array();
        stages.map_or(0, |stages| stages.iter().map(|stage| stage["jobs"].as_array().unwrap().len()).sum())
    };
    assert_eq!(projects.iter().map(jobs).max(), Some(130));
    assert!(projects.iter().any(|project| jobs(project) == 60));
}

#[test]
fn a_world_starts_the_same_whenever_it_is_made_and_goes_on_the_same() {
    let state = |at: &str, later: u64| -> Value {
        let at = chrono::DateTime::parse_from_rfc3339(at).unwrap().to_utc();
        let sim = Sim::start(Options { clock: crate::Clock::stepped(at), ..Options::default() }).unwrap();
        sim.clock().advance(Duration::from_secs(later));
        sim.expected()["projects"].clone()
    };
    for later in [0, 90, 3_600] {
        let first = state("2026-11-20T19:00:00Z", later);
        for at in ["2026-11-21T03:17:42.123Z", "2027-02-28T12:00:01Z", "2031-07-01T23:59:59.999Z"] {
            assert_eq!(state(at, later), first, "{later} seconds after {at}");
        }
    }
    assert_ne!(state("2026-11-20T19:00:00Z", 0), state("2026-11-20T19:00:00Z", 3_600), "what runs goes on");
}

#[test]
fn ids_are_unique_and_do_not_move_with_time() {
    let sim = sim();
    let jobs = |sim: &Sim| -> Vec<(u64, u64)> {
        let truth = sim.expected();
        let pipelines: Vec<Value> =
            truth["projects"].as_array().unwrap().iter().map(|p| p["pipelines"][0].clone()).collect();
        let stages =
            pipelines.iter().filter_map(|pipeline| Some((pipeline["id"].as_u64()?, pipeline["stages"].as_array()?)));
        let all = stages.flat_map(|(id, stages)| {
            stages
                .iter()
                .flat_map(|stage| stage["jobs"].as_array().unwrap())
                .map(move |job| (id, job["id"].as_u64().unwrap()))
        });
        all.collect()
    };
    let first = jobs(&sim);
    assert_eq!(first.iter().map(|(_, job)| job).collect::<BTreeSet<_>>().len(), first.len());
    let settled = first.iter().find(|(_, job)| *job > 0).unwrap().0;
    sim.clock().advance(Duration::from_secs(1));
    let later = jobs(&sim);
    assert!(later.iter().filter(|(id, _)| *id == settled).eq(first.iter().filter(|(id, _)| *id == settled)));
}

#[test]
fn a_scenario_that_makes_no_sense_is_refused_with_the_reason() {
    for (wrong, reason) in [
        (ONE.replace("age = \"0s\"", "age = \"soon\""), "\"soon\" is not a duration"),
        (ONE.replace("| flaky", "| explodes"), "unknown job flag \"explodes\""),
        (ONE.replace("jobs = \"t\"", "jobs = \"u\""), "no template named \"u\""),
        (ONE.replace("age =", "aged ="), "unknown field `aged`"),
    ] {
        let world = WorldKind::Scenario(wrong);
        let error = Sim::start(Options { world, ..Options::default() }).err().unwrap().to_string();
        assert!(error.contains(reason), "{error}");
    }
}
