//! What one run leaves for the next: the same answers, sooner; nothing that a secret can be read from; no harm in any state.

use crate::support::running::{DEADLINE, end_of};
use crate::support::{Env, Output};
use glwatch_sim::{Access, Fault, Options, Sim, TOKEN_API, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const LIST: &str = "/groups/12345/projects?";
const READ: &str = "cache read";

fn demo() -> Sim {
    Sim::start(Options::default()).unwrap()
}

fn uniform(projects: usize) -> Sim {
    Sim::start(Options { world: WorldKind::Uniform { projects, stages: 2, jobs: 2 }, ..Options::default() }).unwrap()
}

fn arguments<'a>(sim: &'a Sim, more: &[&'a str]) -> Vec<&'a str> {
    [&["--host", sim.url(), "--group-id", "12345", "--rps", "1000"][..], more].concat()
}

fn run(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    env.run(&arguments(sim, more))
}

fn folder(env: &Env) -> PathBuf {
    env.home().join(".cache/glwatch")
}

fn files(env: &Env) -> Vec<PathBuf> {
    fs::read_dir(folder(env)).map(|all| all.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
}

/// The one file that there is.
#[track_caller]
fn file(env: &Env) -> PathBuf {
    let files = files(env);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Makes the list this.
fn list(sim: &Sim, projects: &[Value]) {
    sim.clear_faults();
    sim.add_fault(Fault::on(LIST).answer(200, "application/json", &json!(projects).to_string()));
}

fn paths(output: &Output) -> Vec<String> {
    let projects = output.json()["projects"].as_array().unwrap().clone();
    projects.iter().map(|project| project["full_path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_second_run_says_what_the_first_one_did() {
    let (sim, env) = (demo(), Env::new());
    let first = run(&env, &sim, &["-o", "wide"]).exits_with(0);
    assert_eq!((mode(&file(&env)), mode(&folder(&env))), (0o600, 0o700));
    let second = run(&env, &sim, &["-o", "wide", "-vv"]).exits_with(0).says(&[READ]);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(run(&env, &sim, &["-o", "json"]).exits_with(0).json()["complete"], true);
    file(&env);
}

#[test]
fn it_is_written_again_where_more_than_ages_would_change() {
    for api in ["auto", "rest"] {
        let sim = super::cost::scenario(
            "long = [[\"test\", \"unit | 9h\"]]\n",
            "[[project]]\npath = \"acme/old\"\nrun = [{ jobs = \"single\", age = \"3h\" }]\n\
             [[project]]\npath = \"acme/none\"\n",
        );
        let env = Env::new().with("GLWATCH_API", api);
        let is_written = |more: &[&str]| {
            let output = run(&env, &sim, &[&["-vv"], more].concat());
            output.stderr.contains("cache written")
        };
        let later = |seconds| sim.clock().advance(std::time::Duration::from_secs(seconds));
        assert!(is_written(&[]), "{api}: there was none");
        assert!(!is_written(&[]), "{api}: nothing changed");
        later(200);
        assert!(!is_written(&[]), "{api}: ages alone");
        later(200);
        assert!(is_written(&[]), "{api}: ages that are more than five minutes behind");
        assert!(!is_written(&[]), "{api}: and no more");
        assert!(is_written(&["--ref", "default"]), "{api}: something else was asked for");
        assert!(!is_written(&["--ref", "default"]), "{api}: the same again");
        assert!(is_written(&[]), "{api}: back again");
        list(&sim, &[json!({"id": 4711, "name": "new", "path_with_namespace": "acme/new"})]);
        assert!(is_written(&[]), "{api}: another list");
    }
}

#[test]
fn the_token_is_not_in_it_and_another_one_does_not_see_it() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let env = Env::new();
    let with = |token| run(&env, &sim, &["-vv", "--token", token]).exits_with(0);
    let _ = with(TOKEN_READ_API);
    let bytes = fs::read(file(&env)).unwrap();
    assert!(bytes.len() > 10_000, "there is nothing in it");
    for part in [TOKEN_READ_API, &TOKEN_READ_API[6..], "sim-read"] {
        assert!(!bytes.windows(part.len()).any(|bytes| bytes == part.as_bytes()), "{part}");
        assert!(!file(&env).to_str().unwrap().contains(part));
    }
    assert!(!with(TOKEN_API).stderr.contains(READ));
    assert_eq!(files(&env).len(), 2);
    let _ = with(TOKEN_READ_API).says(&[READ]);
}

#[test]
fn projects_that_came_or_went_in_between_are_right() {
    let (sim, env) = (uniform(3), Env::new());
    let all = paths(&run(&env, &sim, &["-o", "json", "--sort", "name"]).exits_with(0));
    assert_eq!(all.len(), 3);
    let truth = sim.expected();
    let listed = |path: &String| {
        let projects = truth["projects"].as_array().unwrap();
        let project = projects.iter().find(|project| project["full_path"] == path.as_str()).unwrap();
        json!({"id": project["id"], "name": path, "path_with_namespace": path})
    };
    let entries: Vec<Value> = all.iter().map(listed).collect();
    for shown in [1..3, 0..1, 0..3, 0..2, 2..3] {
        list(&sim, &entries[shown.clone()]);
        let output = run(&env, &sim, &["-o", "json", "--sort", "name"]).exits_with(0);
        assert_eq!(paths(&output), all[shown.clone()], "{shown:?}");
        assert_eq!((&output.json()["complete"], &output.json()["problems"]), (&json!(true), &json!([])), "{shown:?}");
    }
    list(&sim, &[]);
    let _ = run(&env, &sim, &["-o", "json"]).refuses(2, &["the group has no projects"]);
}

#[test]
fn the_end_of_a_path_is_asked_for_beside_the_list_and_the_list_decides() {
    let sim = uniform(150);
    let env = Env::new().with("GLWATCH_API", "auto");
    let explain = |more: &[&str]| run(&env, &sim, &[&["explain", "project-00007"], more].concat());
    let count = |output: Output| (output.stdout, sim.requests().len());
    let cold = count(explain(&[]).exits_with(0));
    let _ = run(&env, &sim, &[]);
    sim.clear_requests();
    assert_eq!(count(explain(&[]).exits_with(0)), cold, "no request more");
    sim.clear_requests();
    let over_rest = count(explain(&["--api", "rest", "--no-cache"]).exits_with(0));
    sim.clear_requests();
    assert_eq!(count(explain(&["--api", "rest"]).exits_with(0)), over_rest, "no request more");
    // Nothing waits for the list, of which both pages are asked for at once.
    for (api, last) in [("auto", "Glance"), ("rest", "pipelines")] {
        sim.clear_faults();
        sim.clear_requests();
        sim.add_fault(Fault::on("/groups/12345").stalled());
        let _running = env.start(&arguments(&sim, &["explain", "project-00007", "--api", api]));
        assert!(sim.wait_for_requests(4, DEADLINE), "only {}", sim.requests().len());
        let name = |request: &glwatch_sim::Request| request.operation.clone().unwrap_or_else(|| request.path.clone());
        let mut asked: Vec<String> =
            sim.requests().iter().map(|request| name(request).rsplit('/').next().unwrap().to_owned()).collect();
        asked.sort_unstable();
        let mut expected = ["12345", "projects", "projects", last];
        expected.sort_unstable();
        assert_eq!(asked, expected);
    }
    let entry = |id, path: &str| json!({"id": id, "name": "x", "path_with_namespace": path});
    list(&sim, &[entry(20_007, "acme/project-00007"), entry(20_008, "acme/a/project-00007")]);
    let _ = explain(&[]).refuses(2, &["acme/a/project-00007, acme/project-00007"]);
    list(&sim, &[entry(20_008, "acme/project-00007")]);
    let said = explain(&["-o", "json", "--api", "rest"]).exits_with(0).json();
    let other = run(&env, &sim, &["explain", "acme/project-00008", "-o", "json", "--api", "rest"]).exits_with(0).json();
    assert_eq!(said["pipelines"][0]["pipeline"]["id"], other["pipelines"][0]["pipeline"]["id"]);
    list(&sim, &[]);
    let _ = explain(&[]).refuses(3, &["project \"project-00007\" not found"]);
}

#[test]
fn what_is_damaged_is_not_used_and_written_anew() {
    let (sim, env) = (uniform(3), Env::new());
    let first = run(&env, &sim, &[]).exits_with(0);
    let whole = fs::read(file(&env)).unwrap();
    let mut changed = whole.clone();
    let last = changed.iter().rposition(|byte| *byte == b'{').unwrap();
    changed[last + 10] ^= 1;
    for damaged in [&b""[..], b"\0\xFF not ours", &whole[..whole.len() / 2], &changed] {
        fs::write(file(&env), damaged).unwrap();
        let output = run(&env, &sim, &["-vv"]).exits_with(0);
        assert!(!output.stderr.contains(READ), "{output}");
        assert_eq!(output.stdout, first.stdout);
        let _ = run(&env, &sim, &["-vv"]).exits_with(0).says(&[READ]);
    }
}

#[test]
fn many_at_once_do_each_other_no_harm() {
    let (sim, env) = (demo(), Env::new());
    let alone = run(&env, &sim, &["-o", "csv"]).exits_with(0).stdout;
    let start = || {
        let mut command = env.command(&arguments(&sim, &["-o", "csv"]));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for child in children {
        let output = end_of(child);
        assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), alone.clone()));
    }
    file(&env);
    let _ = run(&env, &sim, &["-vv"]).exits_with(0).says(&[READ]);
}

#[test]
fn without_it_nothing_is_read_and_nothing_written() {
    let (sim, env) = (uniform(2), Env::new());
    let _ = run(&env, &sim, &["--no-cache"]).exits_with(0);
    let _ = env.run(&["--demo"]).exits_with(0);
    assert!(!env.home().join(".cache").exists());
    let first = run(&env, &sim, &[]).exits_with(0);
    let bytes = fs::read(file(&env)).unwrap();
    let env = env.with("GLWATCH_NO_CACHE", "true");
    let output = run(&env, &sim, &["-vv"]).exits_with(0);
    assert!(!output.stderr.contains("cache"), "{output}");
    assert_eq!((output.stdout, fs::read(file(&env)).unwrap()), (first.stdout, bytes));
}

#[test]
fn nowhere_to_write_to_is_no_harm() {
    let sim = uniform(2);
    let expected = run(&Env::new(), &sim, &[]).exits_with(0).stdout;
    let env = Env::new();
    fs::write(env.home().join("file"), "").unwrap();
    fs::create_dir(env.home().join("locked")).unwrap();
    fs::set_permissions(env.home().join("locked"), fs::Permissions::from_mode(0o500)).unwrap();
    let places = ["file", "file/below", "locked"].map(|name| env.home().join(name).to_str().unwrap().to_owned());
    for place in places {
        let env = Env::new().with("XDG_CACHE_HOME", &place);
        let output = run(&env, &sim, &[]).exits_with(0);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), (expected.as_str(), ""), "{place}");
        let logged = run(&env, &sim, &["-v"]).exits_with(0);
        // root may write everywhere.
        assert!(place.ends_with("locked") || logged.stderr.contains("the cache could not be written"), "{logged}");
    }
}

#[test]
fn what_cannot_be_read_again_is_as_old_as_it_is() {
    let (sim, env) = (uniform(2), Env::new());
    let read = || run(&env, &sim, &["-o", "json", "--sort", "name"]);
    let first = read().exits_with(0).json();
    let id = first["projects"][0]["id"].as_u64().unwrap();
    sim.add_fault(Fault::on(&format!("/projects/{id}/pipelines")).status(500));
    for _ in 0..2 {
        let output = read().exits_with(4).json();
        let (old, new) = (&first["projects"][0], &output["projects"][0]);
        assert_eq!((&new["state"], &new["as_of"]), (&json!("stale"), &old["as_of"]), "{new}");
        assert_eq!(new["pipelines"], old["pipelines"]);
        assert_eq!((&output["complete"], &output["projects"][1]["state"]), (&json!(false), &json!("ok")));
    }
    // Not one that this run could read is no data, whatever earlier ones could.
    sim.add_fault(Fault::on("/pipelines").status(500));
    let output = read().exits_with(3).says(&["not one project's pipelines could be read"]);
    assert_eq!(output.json()["projects"][1]["state"], "stale");
}

#[test]
fn a_group_that_is_gone_is_not_shown_from_it() {
    let (sim, env) = (uniform(2), Env::new());
    let _ = run(&env, &sim, &[]).exits_with(0);
    let bytes = fs::read(file(&env)).unwrap();
    for more in [&[][..], &["--watch"], &["--watch", "-o", "ndjson"], &["--wait"]] {
        sim.clear_faults();
        sim.add_fault(Fault::on("/groups/12345").status(404));
        let _ = run(&env, &sim, more).refuses(3, &["group \"12345\" not found"]);
        assert_eq!(fs::read(file(&env)).unwrap(), bytes, "{more:?}");
    }
}

#[test]
fn other_refs_and_other_filters_share_the_list_and_no_rows() {
    let (sim, env) = (uniform(2), Env::new());
    let any = run(&env, &sim, &[]).exits_with(0);
    let tags = run(&env, &sim, &["--ref", "tags", "-vv", "-o", "json"]).exits_with(0).says(&[READ]);
    assert_eq!(tags.json()["projects"][0]["state"], "no_pipeline");
    sim.add_fault(Fault::on("/pipelines").status(500));
    let _ = run(&env, &sim, &["-o", "json"]).exits_with(3);
    sim.clear_faults();
    let one = run(&env, &sim, &["--include", &paths(&tags)[0]]).exits_with(0);
    assert_eq!(one.stdout.lines().count() + 1, any.stdout.lines().count());
    assert_eq!(run(&env, &sim, &[]).exits_with(0).stdout, any.stdout);
}

#[test]
fn a_watch_tells_nothing_of_it_and_leaves_it_when_it_is_stopped() {
    let (sim, env) = (demo(), Env::new());
    for (round, signal) in [(0, "-TERM"), (1, "-INT")] {
        let mut running = env.start(&arguments(&sim, &["--watch", "-o", "ndjson"]));
        let snapshot: Value = serde_json::from_str(&running.line()).unwrap();
        assert_eq!(snapshot["event"], "snapshot", "{snapshot}");
        assert!(!snapshot.to_string().contains("stale") || snapshot["summary"]["stale"] == 0, "{snapshot}");
        // The next line is written after the first reading was kept.
        let budget: Value = serde_json::from_str(&running.line()).unwrap();
        assert_eq!(budget["event"], "budget", "round {round}: {budget}");
        running.signal(signal);
        let _ = running.end();
        let _ = run(&env, &sim, &["-vv"]).exits_with(0).says(&[READ]);
        if round == 0 {
            fs::remove_file(file(&env)).unwrap();
        }
    }
}

#[test]
fn a_wait_leaves_it_in_the_end() {
    let (sim, env) = (uniform(2), Env::new());
    let _ = run(&env, &sim, &["--wait", "--deadline", "0s"]);
    let _ = run(&env, &sim, &["-vv"]).exits_with(0).says(&[READ]);
}

#[test]
fn the_first_picture_is_from_it_and_the_next_one_is_not() {
    let (sim, env) = (demo(), Env::new());
    let _ = run(&env, &sim, &[]).exits_with(0);
    // Nothing is answered, so that nothing else can be shown.
    sim.add_fault(Fault::on("/api/").stalled());
    let live = arguments(&sim, &["--watch", "--timeout", "2s"]);
    let mut terminal = env.open(&live, 80, 24);
    terminal.wait_until(|contents| contents.starts_with("acme ") && contents.contains("? all keys"));
    let contents = terminal.contents();
    // The counts are those of then, with their age.
    let first = contents.lines().next().unwrap_or_default();
    assert!(first.contains("✗ ") && (first.contains(" old") || first.contains(" >")), "{contents}");
    let of_projects = |row: &&str| !row.contains('▾');
    let rows: Vec<&str> = contents.lines().skip(3).filter(of_projects).take(10).collect();
    assert!(rows.iter().all(|row| row.contains(" old") || row.contains('…')), "{contents}");
    let raw = String::from_utf8_lossy(&terminal.raw);
    assert!(!raw.contains("nothing read yet"), "another picture came first");
    // The requests that hang are asked again.
    sim.clear_faults();
    // A picture may arrive in parts: what it no longer says is waited for, too.
    terminal.wait_until(|contents| {
        let is_fresh = contents.contains(" ago") && !contents.contains("so far") && !contents.contains(" old");
        is_fresh && contents.contains("✗ failed")
    });
    assert!(!terminal.contents().contains("began to fail"));
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_first_reading_that_is_refused_ends_the_view_in_spite_of_it() {
    let (sim, env) = (demo(), Env::new());
    let _ = run(&env, &sim, &[]).exits_with(0);
    sim.add_fault(Fault::on("/groups/12345").status(404));
    let mut terminal = env.open(&arguments(&sim, &["--watch"]), 80, 24);
    assert_eq!(terminal.end(), 3);
    assert!(terminal.contents().contains("error: group \"12345\" not found"), "{}", terminal.contents());
    assert!(terminal.is_as_before());
}

#[test]
fn a_projects_own_file_has_no_say_in_it() {
    let env = Env::new();
    fs::write(env.home().join("glwatch.toml"), "no_cache = true\n").unwrap();
    let _ = env.run(&["--group-id", "1"]).refuses(2, &["no_cache", "whether glwatch writes a cache"]);
}
