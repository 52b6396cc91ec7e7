//! `glwatch serve` that is killed and started again: counters go on, and a memory that cannot be written stops nothing.

use super::cost::scenario;
use super::serve::Served;
use super::watch::TWO;
use crate::support::Env;
use crate::support::running::DEADLINE;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A project with a new pipeline every minute.
const MOVING: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", every = \"60s\" }]";
const RUNS: &str = "gitlab_ci_pipeline_run_count{project=\"acme/api\",kind=\"branch\",ref=\"main\",source=\"push\"}";
const UNUSED: &str = "glwatch_webhooks_total{outcome=\"unused\"}";
const FAST: [&str; 2] = ["--interval", "100ms"];

/// Sends an event that nothing depends on.
fn send_unused(served: &Served) {
    assert_eq!(served.ask("POST", "/webhook", &[], "{\"object_kind\":\"wiki_page\"}").status, 200);
}

/// Returns the file of the memory.
fn memory(env: &Env) -> PathBuf {
    fn find(folder: &Path) -> Option<PathBuf> {
        let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
        entries
            .filter_map(|path| {
                if path.is_dir() {
                    find(&path)
                } else {
                    Some(path).filter(|path| path.to_string_lossy().ends_with("sqlite3"))
                }
            })
            .next()
    }
    find(env.home()).expect("a memory")
}

#[test]
fn pipelines_that_have_ended_are_counted_once_from_the_memory() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let ended = "glwatch_pipeline_runs_total";
    let took = "glwatch_pipeline_run_duration_seconds_bucket{project=\"acme/web\",status=\"success\",le=\"60.0\"}";
    let served = Served::ready(&env, &sim, &FAST);
    served.wait(|served| served.total(ended) == 1.0);
    assert_eq!(served.metric(took), Some(1.0), "it took 40 seconds");
    // What runs ends.
    sim.clock().advance(Duration::from_secs(300));
    served.wait(|served| served.total(ended) == 2.0);
    served.running.signal("-KILL");
    drop(served);
    let again = Served::ready(&env, &sim, &FAST);
    again.wait(|again| again.total(ended) > 0.0);
    assert_eq!(again.total(ended), 2.0);
}

#[test]
fn counters_of_a_server_that_is_killed_are_never_lower_afterwards() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &FAST);
    served.wait(|served| served.metric(RUNS).is_some());
    for _ in 0..3 {
        let before = served.metric(RUNS).unwrap();
        sim.clock().advance(Duration::from_secs(60));
        served.wait(|served| served.metric(RUNS) > Some(before));
        send_unused(&served);
    }
    let (runs, unused) = (served.metric(RUNS).unwrap(), served.metric(UNUSED).unwrap());
    let requests = served.total("glwatch_api_requests_total");
    assert!(runs >= 3.0 && unused == 3.0 && requests > 5.0, "{runs} {unused} {requests}");
    served.running.signal("-KILL");
    drop(served);

    let served = Served::start(&env, &sim, &FAST);
    assert!(served.metric(UNUSED) >= Some(unused), "before anything was read");
    assert!(served.total("glwatch_api_requests_total") >= requests);
    served.wait(|served| served.metric(RUNS).is_some());
    assert!(served.metric(RUNS) >= Some(runs), "{:?} after {runs}", served.metric(RUNS));
    let before = served.metric(RUNS).unwrap();
    sim.clock().advance(Duration::from_secs(60));
    served.wait(|served| served.metric(RUNS) > Some(before));
    send_unused(&served);
    served.wait(|served| served.metric(UNUSED) == Some(unused + 1.0));
}

#[test]
fn another_server_of_the_same_host_has_counters_of_its_own() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &FAST);
    send_unused(&served);
    served.wait(|served| served.metric(UNUSED) == Some(1.0));
    served.running.signal("-TERM");
    let _ = served.running.end();
    let other = Served::ready(&env, &sim, &["--interval", "100ms", "--group-id", "777"]);
    assert_eq!(other.metric(UNUSED), None);
}

#[test]
fn a_memory_that_cannot_be_used_stops_nothing_and_is_said_once() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    let mut served = Served::ready(&env, &sim, &FAST);
    let file = memory(&env);
    send_unused(&served);
    served.wait(|served| served.metric(UNUSED) == Some(1.0));
    // Another program holds it for as long as it likes.
    let holder = rusqlite::Connection::open(&file).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    send_unused(&served);
    served.wait(|served| served.metric(UNUSED) == Some(2.0));
    let line = served.running.error_line();
    assert!(line.starts_with("warning: counters are not saved") && line.contains("locked"), "{line}");
    send_unused(&served);
    served.wait(|served| served.metric(UNUSED) == Some(3.0));
    assert_eq!(served.get("/health/ready").status, 200);
    holder.execute_batch("ROLLBACK").unwrap();
    served.wait(|served| served.metric(UNUSED) == Some(3.0));
    assert_eq!(served.running.error_line(), "counters are saved again");
    served.running.signal("-TERM");
    let (_, said, code) = served.running.end();
    assert!(!said.contains("counters") && code == Some(143), "{said}");
    let again = Served::start(&env, &sim, &FAST);
    assert_eq!(again.metric(UNUSED), Some(3.0));
}

/// Sends events and checks that each is counted, and that no counter becomes lower.
fn count_up(served: &Served, from: f64, to: f64) {
    let mut last = from;
    for expected in (from as u32 + 1)..=(to as u32) {
        send_unused(served);
        served.wait(|served| served.metric(UNUSED) == Some(f64::from(expected)));
        let requests = served.total("glwatch_api_requests_total");
        assert!(requests >= last, "{requests} after {last}");
        last = requests;
    }
}

#[test]
fn a_full_disk_stops_nothing_and_is_said_once() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &FAST);
    count_up(&served, 0.0, 3.0);
    let requests = served.total("glwatch_api_requests_total");
    served.running.signal("-TERM");
    let _ = served.running.end();
    // Not even a page fits.
    let mut served = Served::start_with_room(4, &env, &sim, &FAST);
    let line = served.running.error_line();
    assert!(line.starts_with("warning: counters are not saved, and a restart loses"), "{line}");
    served.wait(|served| served.get("/health/ready").status == 200);
    assert_eq!(served.metric(UNUSED), Some(3.0), "what cannot be written can be read");
    assert!(served.total("glwatch_api_requests_total") >= requests);
    count_up(&served, 3.0, 9.0);
    let runs = || served.metric(RUNS);
    let before = runs();
    sim.clock().advance(Duration::from_secs(60));
    served.wait(|served| served.metric(RUNS) > before);
    for path in ["/", "/api/v1/snapshot", "/health/live"] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    // What was read before the clock went on is old for a moment.
    served.wait(|served| served.get("/health/ready").status == 200);
    served.running.signal("-TERM");
    let (_, said, code) = served.running.end();
    assert_eq!(code, Some(143), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| !line.contains("the cache")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("warning: nothing is remembered"), "{said}");
    // There is room again: it goes on where it was saved, and what was said to be lost is.
    let served = Served::ready(&env, &sim, &FAST);
    assert_eq!(served.metric(UNUSED), Some(3.0));
    count_up(&served, 3.0, 4.0);
    served.running.signal("-KILL");
    drop(served);
    assert_eq!(Served::start(&env, &sim, &FAST).metric(UNUSED), Some(4.0));
}

#[test]
fn a_disk_that_becomes_full_keeps_what_fits_into_the_room_there_is() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    // The file itself fits, and a log of some dozen pages beside it.
    let mut served = Served::start_with_room(400, &env, &sim, &FAST);
    served.wait(|served| served.get("/health/ready").status == 200);
    count_up(&served, 0.0, 60.0);
    assert!(served.running.is_running());
    served.running.signal("-KILL");
    let (_, said, _) = served.running.end();
    assert_eq!(said, "", "sixty savings need more room than there is, unless it is used again");
    let served = Served::start(&env, &sim, &FAST);
    assert_eq!(served.metric(UNUSED), Some(60.0));
}

#[test]
fn a_damaged_memory_is_set_aside_and_counting_goes_on_in_a_new_one() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &FAST);
    let file = memory(&env);
    served.running.signal("-TERM");
    let _ = served.running.end();
    let size = fs::metadata(&file).unwrap().len() as usize;
    fs::write(&file, vec![0x55; size]).unwrap();
    // A thread may have had no time to close the file: what is beside it could make it whole again.
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{beside}", file.display()));
    }
    let mut served = Served::start(&env, &sim, &FAST);
    let line = served.running.error_line();
    assert!(line.starts_with("warning: the history was damaged"), "{line}");
    send_unused(&served);
    served.wait(|served| served.metric(UNUSED) == Some(1.0));
    served.running.signal("-KILL");
    drop(served);
    let again = Served::start(&env, &sim, &FAST);
    assert_eq!(again.metric(UNUSED), Some(1.0));
}

#[test]
fn where_nothing_is_remembered_counters_count_at_once() {
    let sim = scenario("", MOVING);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "100ms", "--no-history"]);
    send_unused(&served);
    assert_eq!(served.metric(UNUSED), Some(1.0));
    assert!(sim.wait_for_requests(1, DEADLINE));
}
