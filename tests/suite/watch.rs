//! `--watch` without a terminal: what a refresh costs, what it tells, and how it ends.

use super::cost::scenario;
use crate::support::Env;
use crate::support::between::Between;
use crate::support::running::{DEADLINE, Running};
use crate::support::terms::Terms;
use chrono::Utc;
use glwatch::collect;
use glwatch::collect::run::Collector;
use glwatch::domain::host::Host;
use glwatch::domain::id::{GroupId, GroupRef};
use glwatch::domain::project::RowState;
use glwatch::domain::selection::{ProjectFilter, RefSelector};
use glwatch::domain::usage::ApiChoice;
use glwatch::gitlab::client::{Client, ListFilter};
use glwatch::gitlab::{self, Credentials, RetryOptions};
use glwatch_sim::{Fault, Options, Request, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

/// One pipeline that runs and ends within two minutes, and one that has ended.
pub(crate) const TWO: &str = "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", age = \"20s\" }]\n\
                   [[project]]\npath = \"acme/web\"\nrun = [{ jobs = \"single\", age = \"3h\" }]";
/// What a refresh of [`TWO`] takes at most.
const REFRESH: usize = 5;

fn arguments<'a>(sim: &'a Sim, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["--host", sim.url(), "--group-id", "12345", "--watch", "--interval", "50ms", "--rps", "1000"];
    [&fixed[..], more].concat()
}

fn watch(sim: &Sim, more: &[&str]) -> Running {
    Env::new().start(&arguments(sim, more))
}

fn event(running: &mut Running, is_meant: impl Fn(&Value) -> bool) -> Value {
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    parse(&running.line_with(|line| is_meant(&parse(line))))
}

/// Waits until the group was certainly read twice more.
fn two_more_readings(sim: &Sim) {
    sim.clear_requests();
    assert!(sim.wait_for_requests(3 * REFRESH, DEADLINE), "it does not read any more");
}

/// Makes what reads a group of the simulated GitLab, without the program around it.
pub(crate) fn reader(sim: &Sim) -> (Client, collect::run::CollectOptions) {
    let client = client_of(sim.url());
    let options = collect::run::CollectOptions {
        api: ApiChoice::Rest,
        wants_reasons: false,
        sources: vec![GroupRef::Id(GroupId(12345)).into()],
        list: ListFilter { subgroups: true, archived: false },
        filter: ProjectFilter::default(),
        refs: vec![RefSelector::Any],
        tried_at_most: None,
        max_time: Duration::from_secs(300),
        list_every: DEADLINE,
    };
    (client, options)
}

/// Makes a client of a server, without a token.
pub(crate) fn client_of(url: &str) -> Client {
    let client = Client::new(gitlab::TransportOptions {
        host: Host::parse(url).unwrap(),
        credentials: Credentials::default(),
        concurrency: 8,
        rps: Some(1000.0),
        timeout: DEADLINE,
        ca: None,
        identity: None,
        insecure: false,
        proxy: None,
        retry: RetryOptions::default(),
        now: Utc::now,
    });
    client.unwrap()
}

#[test]
fn a_refresh_shares_with_the_last_snapshot_what_has_not_changed() {
    let sim = scenario("", TWO);
    let (client, options) = reader(&sim);
    let mut collector = Collector::new(client, Arc::new(options));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let [first, second] = [0, 1].map(|_| runtime.block_on(collector.read(&|_| {})).unwrap().snapshot);
    // The second of the two has ended, the first still runs and was read again.
    for ((before, after), is_shared) in first.rows.iter().zip(&second.rows).zip([false, true]) {
        let (RowState::Ok(old), RowState::Ok(new)) = (&before.state, &after.state) else {
            panic!("{before:?} {after:?}")
        };
        assert_eq!(Arc::ptr_eq(old, new), is_shared, "{}", after.project.full_path);
        assert!(Arc::ptr_eq(&before.project, &after.project), "{}", after.project.full_path);
    }
    assert_eq!((second.rows.len(), sim.panics()), (2, 0));
}

#[test]
fn a_line_is_a_change_and_nothing_else_is_one() {
    let sim = scenario("", TWO);
    let mut running = watch(&sim, &[]);
    let first = [running.line(), running.line()];
    for (line, words) in first.iter().zip(["acme/api\tmain\tnone -> running\t#", "acme/web\tmain\tnone -> success\t#"])
    {
        assert!(line.starts_with("2026-11-20T19:00:00Z\t") && line.contains(words), "{line}");
        assert!(line.contains(&format!("\t{}/acme/", sim.url())), "{line}");
        assert!(!line.contains('\u{1B}'), "{line:?}");
    }
    two_more_readings(&sim);
    sim.clock().advance(Duration::from_secs(120));
    // The quiet readings before have said nothing.
    let line = running.line();
    assert!(line.contains("acme/api\tmain\trunning -> success\t#"), "{line}");
    assert!(line.starts_with("2026-11-20T19:02:00Z\t"), "{line}");
}

#[test]
fn a_new_pipeline_is_told_though_its_ref_is_the_same() {
    let sim = scenario("", "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"single\", every = \"1h\" }]");
    let mut running = watch(&sim, &["-o", "ndjson"]);
    let first: Value = serde_json::from_str(&running.line()).unwrap();
    assert_eq!((&first["event"], &first["schema"]), (&json!("snapshot"), &json!("glwatch.status/1")));
    let before = first["projects"][0]["pipelines"][0]["id"].as_u64();
    let pace = event(&mut running, |event| event["event"] == "budget");
    assert_eq!(pace["interval_s"], json!(0), "{pace}");
    sim.clock().advance(Duration::from_secs(3600));
    let change = event(&mut running, |event| event["event"] == "pipeline");
    assert_eq!(change["project"], json!("acme/api"));
    assert_eq!(change["from"], first["projects"][0]["pipelines"][0]["worst"]);
    assert_eq!(change["to"], change["pipeline"]["worst"]);
    assert!(change["pipeline"]["id"].as_u64() > before, "{change}");
}

/// Splits what was asked after the first reading into two refreshes; they must have asked for the same.
#[track_caller]
fn two_refreshes(sim: &Sim, first: Terms, expected: Terms) -> Vec<Request> {
    let (first, each) = (first.total() as usize, expected.total() as usize);
    assert!(sim.wait_for_requests(first + 2 * each, DEADLINE), "only {} requests", sim.requests().len());
    let requests = sim.requests();
    let asked = |requests: &[Request]| {
        let mut asked: Vec<String> = requests.iter().map(|r| format!("{}?{}", r.path, r.query)).collect();
        asked.sort_unstable();
        asked
    };
    let [one, two] = [&requests[first..first + each], &requests[first + each..first + 2 * each]];
    assert_eq!(asked(one), asked(two));
    let newest: HashSet<&str> =
        one.iter().map(|r| r.path.as_str()).filter(|path| path.ends_with("/pipelines")).collect();
    assert_eq!(newest.len() as u64, expected.newest);
    assert!(one.iter().all(|request| !request.path.contains("/groups/")), "the list was read again");
    one.to_vec()
}

#[test]
fn a_quiet_refresh_costs_one_request_for_each_project_and_never_too_many_at_once() {
    for (more, allowed) in [(&[][..], 8), (&["--concurrency", "3"], 3)] {
        let sim = Sim::start(Options {
            world: WorldKind::Uniform { projects: 200, stages: 4, jobs: 3 },
            latency: Duration::from_millis(1),
            ..Options::default()
        })
        .unwrap();
        let _running = watch(&sim, more);
        let quiet = Terms { groups: 0, list_pages: 0, newest: 200, ..Terms::uniform(0) };
        assert_eq!(two_refreshes(&sim, Terms::uniform(200), quiet).len(), 200);
        let peak = sim.peak_in_flight();
        assert!((2..=allowed).contains(&peak), "{more:?}: {peak} at once");
    }
}

/// Returns what a refresh of that world costs when nothing changes: the newest of each project, again what goes on, and
/// one look at each pipeline below a settled one that is not the newest of its own project.
fn of_refresh(truth: &Value) -> Terms {
    let mut again = truth.clone();
    let of = |truth: &Value| truth["projects"].as_array().unwrap().clone();
    let newest = of(truth).into_iter().flat_map(|project| project["pipelines"].as_array().unwrap().clone());
    let known: HashSet<Option<u64>> = newest.map(|pipeline| pipeline["id"].as_u64()).collect();
    let has_ended =
        |pipeline: &Value| matches!(pipeline["status"].as_str(), Some("success" | "failed" | "canceled" | "skipped"));
    let mut looked_after = HashSet::new();
    for project in again["projects"].as_array_mut().unwrap() {
        let pipelines = project["pipelines"].as_array_mut().unwrap();
        pipelines.retain(|pipeline| {
            let below = pipeline["downstream"].as_array().unwrap();
            let is_settled = has_ended(pipeline) && below.iter().all(has_ended);
            if is_settled {
                looked_after.extend(below.iter().map(|below| below["id"].as_u64()).filter(|id| !known.contains(id)));
            }
            !is_settled
        });
        for pipeline in pipelines {
            pipeline["downstream"].as_array_mut().unwrap().retain(|below| !known.contains(&below["id"].as_u64()));
        }
    }
    let terms = Terms::of_expected(&again);
    Terms { groups: 0, list_pages: 0, followed: terms.followed + looked_after.len() as u64, ..terms }
}

#[test]
fn only_what_goes_on_is_read_again() {
    let sim = Sim::start(Options::default()).unwrap();
    let truth = sim.expected();
    let expected = of_refresh(&truth);
    assert!(expected.details > 3 && expected.details < expected.newest / 2, "{expected:?}");
    let _running = watch(&sim, &[]);
    let refresh = two_refreshes(&sim, Terms::of_expected(&truth), expected);
    let count = |end: &str| refresh.iter().filter(|request| request.path.ends_with(end)).count() as u64;
    assert_eq!(count("/jobs"), expected.jobs + expected.job_pages);
}

#[test]
fn a_project_that_fails_to_answer_is_stale_and_comes_back() {
    let sim = scenario("", &TWO.replace("path = \"acme/api\"", "path = \"acme/api\"\nid = 4711"));
    let mut running = watch(&sim, &["-o", "ndjson"]);
    running.line();
    sim.add_fault(Fault::on("/projects/4711/pipelines").status(500));
    let stale = event(&mut running, |event| event["event"] == "project");
    let told = ["project", "change", "from", "to"].map(|key| stale[key].as_str().unwrap());
    assert_eq!(told, ["acme/api", "state", "ok", "stale"]);
    assert!(stale["message"].as_str().is_some_and(|message| message.contains("500")), "{stale}");
    sim.clear_faults();
    // Nothing between: neither the other project nor a pipeline that looks as it did before.
    let back: Value = serde_json::from_str(&running.line()).unwrap();
    let told = ["event", "project", "change", "from", "to"].map(|key| back[key].as_str().unwrap());
    assert_eq!(told, ["project", "acme/api", "state", "stale", "ok"]);
}

#[test]
fn a_token_that_is_refused_later_makes_everything_stale_and_does_not_end_it() {
    let sim = scenario("", TWO);
    let mut running = Env::new().with("GLWATCH_TOKEN", TOKEN_READ_API).start(&arguments(&sim, &[]));
    running.skip(2);
    sim.add_fault(Fault::on("/api/v4/").status(401));
    for project in ["acme/api", "acme/web"] {
        let line = running.line();
        assert!(line.contains(&format!("\t{project}\tok -> stale\t")) && line.contains("401"), "{line}");
    }
    let line = running.line();
    assert!(line.contains("\t12345\tproblem\t") && line.contains("401"), "{line}");
    two_more_readings(&sim);
    sim.clear_faults();
    for project in ["acme/api", "acme/web"] {
        let line = running.line();
        assert!(line.ends_with(&format!("\t{project}\tstale -> ok")), "said twice, or not that it is back: {line}");
    }
    assert!(running.is_running());
}

#[test]
fn a_server_that_has_gone_makes_everything_stale_and_does_not_end_it() {
    let sim = scenario("", TWO);
    let mut running = watch(&sim, &[]);
    running.skip(2);
    drop(sim);
    for project in ["acme/api", "acme/web"] {
        let line = running.line();
        assert!(line.contains(&format!("\t{project}\tok -> stale\t")), "{line}");
    }
    running.signal("-TERM");
    assert_eq!(running.end(), (vec![], String::new(), Some(143)));
}

#[test]
fn without_a_first_reading_it_ends_as_it_does_without_watch() {
    let sim = scenario("", TWO);
    sim.add_fault(Fault::on("/api/v4/").status(401));
    let env = Env::new().with("GLWATCH_TOKEN", TOKEN_READ_API);
    let watched = env.run(&arguments(&sim, &[])).refuses(3, &["401", "GLWATCH_TOKEN"]);
    let once = env.run(&["--host", sim.url(), "--group-id", "12345"]);
    let without_id = |text: &str| text.split(", request id").next().map(str::to_owned);
    assert_eq!((without_id(&watched.stderr), watched.code), (without_id(&once.stderr), once.code));
    assert_eq!(watched.stderr.lines().count(), once.stderr.lines().count());
}

#[test]
fn filters_that_leave_nothing_are_refused_as_without_watch() {
    let sim = scenario("", TWO);
    for output in ["table", "ndjson"] {
        let words = ["the filters leave no project", "nothing-like-it"];
        let _ = Env::new().run(&arguments(&sim, &["-o", output, "--include", "nothing-like-it"])).refuses(2, &words);
    }
}

#[test]
fn signals_end_it_with_their_codes() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 143)] {
        let sim = scenario("", TWO);
        let mut running = watch(&sim, &[]);
        running.skip(2);
        running.signal(signal);
        assert_eq!(running.end(), (vec![], String::new(), Some(code)), "{signal}");
    }
}

#[test]
fn a_reader_that_has_gone_away_ends_it_quietly_although_nothing_changes() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = env.command(&arguments(&sim, &[]));
    let child = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut lines = BufReader::new(reader).lines();
    assert!(lines.next().is_some_and(|line| line.is_ok()));
    drop(lines);
    let output = crate::support::running::end_of(child);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
}

#[test]
fn exports_are_written_anew_after_each_reading() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let mut running = env.start(&arguments(&sim, &["--export", "csv=health.csv"]));
    running.skip(2);
    two_more_readings(&sim);
    let file = || std::fs::read_to_string(env.home().join("health.csv")).unwrap();
    assert!(file().contains("running"), "{}", file());
    sim.clock().advance(Duration::from_secs(120));
    running.line();
    two_more_readings(&sim);
    assert!(!file().contains("running"), "{}", file());
}

#[test]
fn an_export_that_cannot_be_written_is_told_once_and_does_not_end_it() {
    let sim = scenario("", TWO);
    let mut running = watch(&sim, &["--export", "csv=missing/health.csv"]);
    running.skip(2);
    two_more_readings(&sim);
    assert!(running.is_running());
    running.signal("-TERM");
    let (_, stderr, code) = running.end();
    assert_eq!(code, Some(143));
    assert_eq!(stderr.matches("failed to write \"missing/health.csv\"").count(), 1, "{stderr}");
}

#[test]
fn what_does_not_go_together_is_a_usage_error() {
    let cases: [(&[&str], &str); 4] = [
        (&["--watch", "-o", "json"], "\"json\" cannot be watched"),
        (&["--watch", "--wait"], "--wait ends: choose one"),
        (&["--deadline", "5m"], "goes with --wait"),
        (&["--newer-than", "5m"], "goes with --wait"),
    ];
    for (more, words) in cases {
        let arguments = [&["--host", "http://127.0.0.1:1", "--group-id", "1"], more].concat();
        let _ = Env::new().run(&arguments).refuses(2, &[words]);
    }
}

/// Turns every pipeline green or red with each refresh, so that each brings as many changes as there are projects.
fn flicker(between: &Between) {
    let mut is_red = false;
    between.change(move |passing| {
        is_red ^= passing.asked.ends_with("Pulse");
        if is_red {
            for (green, red) in [("\"SUCCESS\"", "\"FAILED\""), ("\"success\"", "\"failed\"")] {
                passing.body = passing.body.replace(green, red);
            }
        }
    });
}

#[test]
fn a_stream_that_is_not_read_says_how_much_it_left_out_and_begins_again() {
    let world = WorldKind::Uniform { projects: 20, stages: 1, jobs: 1 };
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let between = Between::start(sim.url());
    flicker(&between);
    let given = ["--host", between.url(), "--group-id", "12345", "--watch", "--interval", "10ms", "--rps", "1000"];
    let env = Env::new();
    let mut command = env.command(&[&given[..], &["-o", "ndjson", "--api", "graphql"]].concat());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The changes of 128 refreshes are kept for a slow reader; a refresh is two requests or more.
    assert!(sim.wait_for_requests(640, 4 * DEADLINE), "{} requests", sim.requests().len());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    // Some that were in the pipe, and 128 refreshes, come before it.
    let mut events = lines.take(200 * 20).map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let missed = events.find(|event| event["event"] == "missed").expect("it is said what was left out");
    assert!(missed["changes"].as_u64().unwrap() > 20, "{missed}");
    let next = events.next().unwrap();
    assert_eq!((&next["event"], next["projects"].as_array().map(Vec::len)), (&json!("snapshot"), Some(20)));
    child.kill().unwrap();
    child.wait().unwrap();
}
