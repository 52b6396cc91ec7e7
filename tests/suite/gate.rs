//! What would open a gate by mistake: a misspelt ref, an empty group, a variable that is no text, a file that comes with
//! a repository. For each: the exit code, whether the result is complete, and the row.

use super::cost::scenario;
use crate::support::between::Between;
use crate::support::canned::Canned;
use crate::support::{BINARY, Env, Output};
use glwatch_sim::{Options, Sim, TOKEN_API, WorldKind};
use serde_json::json;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::path::Path;

fn sim() -> Sim {
    Sim::start(Options { world: WorldKind::Uniform { projects: 3, stages: 1, jobs: 1 }, ..Options::default() }).unwrap()
}

fn run(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    let given = ["--host", sim.url(), "--group-id", "12345", "-o", "json", "--fail-on", "failed"];
    env.run(&[&given[..], more].concat())
}

#[test]
fn a_ref_that_no_project_has_is_no_green_gate() {
    let sim = sim();
    let cases: [(&str, &[&str], i32, &[&str]); 6] = [
        ("a typo", &["--ref", "mian"], 2, &["--ref: no project has a pipeline for \"mian\"", "did you mean main?"]),
        ("nothing like it", &["--ref", "release/1.0"], 2, &["no project has a pipeline for \"release/1.0\""]),
        ("one of two", &["--ref", "main", "--ref", "mian"], 2, &["for \"mian\"", "did you mean main?"]),
        ("a glob", &["--ref", "rel/*"], 2, &["no project has a pipeline for \"rel/*\""]),
        ("a merge request", &["--ref", "!4711"], 2, &["no project has a pipeline for \"!4711\""]),
        ("the right one", &["--ref", "main"], 0, &[]),
    ];
    for (sentence, given, code, words) in cases {
        for api in ["rest", "auto"] {
            let output = run(&Env::new(), &sim, &[given, &["--api", api]].concat());
            assert_eq!(output.code, Some(code), "{sentence} over {api}: {output}");
            let output = output.says(words);
            let document = output.json();
            assert_eq!(document["complete"], json!(true), "{sentence} over {api}");
            let found = given.contains(&"main");
            let state = &document["projects"][0]["state"];
            assert_eq!(*state, json!(if found { "ok" } else { "no_pipeline" }), "{sentence} over {api}");
        }
    }
}

#[test]
fn a_misspelt_ref_is_found_wherever_it_was_written() {
    let sim = sim();
    let variable = run(&Env::new().with("GLWATCH_REF", "mian"), &sim, &[]);
    let _ = variable.exits_with(2).says(&["GLWATCH_REF: no project has a pipeline for \"mian\""]);
    let env = Env::new();
    fs::write(env.home().join("glwatch.toml"), "ref = ['mian']\n").unwrap();
    let _ =
        run(&env, &sim, &[]).exits_with(2).says(&["./glwatch.toml:1 (ref): no project has a pipeline for \"mian\""]);
}

#[test]
fn an_empty_group_is_no_green_gate() {
    let server = Canned::start(|path| match path {
        path if path.starts_with("/api/v4/groups/12345/projects") => (200, "[]".into()),
        path if path.starts_with("/api/v4/groups/12345") => {
            (200, r#"{"id":12345,"full_path":"acme","web_url":"http://127.0.0.1/acme"}"#.into())
        }
        _ => (404, r#"{"message":"404 Not Found"}"#.into()),
    });
    for api in ["rest", "auto"] {
        for more in [&[][..], &["--allow-partial"], &["--wait"]] {
            let given = ["--host", server.url(), "--group-id", "12345", "-o", "json", "--fail-on", "failed"];
            let output = Env::new().run(&[&given[..], &["--api", api], more].concat());
            let _ = output.refuses(2, &["the group has no projects, or none that this token may see"]);
        }
    }
}

#[test]
fn a_variable_that_is_no_text_is_refused_and_named() {
    let broken = OsStr::from_bytes(b"failed\xff");
    for name in ["GLWATCH_FAIL_ON", "GLWATCH_READ_ONLY", "GITLAB_TOKEN", "NO_COLOR", "HTTPS_PROXY", "XDG_CONFIG_HOME"] {
        let env = Env::new();
        let mut command = env.command(&["--host", "http://127.0.0.1:9", "--group-id", "12345"]);
        let output = command.env(name, broken).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.starts_with(&format!("error: {name}: is not UTF-8\n")), "{name}: {said}");
    }
    let env = Env::new();
    let unread = env.command(&["--demo", "-q"]).env("EDITOR", broken).output().unwrap();
    assert_eq!(unread.status.code(), Some(0), "what decides nothing may be anything");
}

#[test]
fn a_variable_that_is_none_of_ours_is_told() {
    let sim = sim();
    let output = run(&Env::new().with("GLWATCH_FAILON", "failed"), &sim, &[]).exits_with(0);
    let _ = output.says(&["warning: GLWATCH_FAILON is no variable of glwatch", "did you mean GLWATCH_FAIL_ON?"]);
}

#[test]
fn what_a_projects_file_decides_is_told_even_if_it_says_quiet() {
    let sim = sim();
    let env = Env::new();
    let file = "ref = ['main']\nexclude = ['uniform-0002']\ninterval = '10ms'\nquiet = true\nsort = 'name'\n";
    fs::write(env.home().join("glwatch.toml"), file).unwrap();
    let output = run(&env, &sim, &[]).exits_with(0).says(&[
        "warning: ./glwatch.toml:1 sets ref to \"main\"",
        "warning: ./glwatch.toml:2 sets exclude to",
        "warning: ./glwatch.toml:3 (interval): \"10ms\" is raised to 2s",
        "warning: ./glwatch.toml:3 sets interval to \"2s\"",
    ]);
    assert!(!output.stderr.contains("sort"), "{output}");
    let own = run(&env, &sim, &["--quiet"]).exits_with(0);
    assert_eq!(own.stderr, "", "{own}");
    let stronger = run(&env, &sim, &["--ref", "any"]).exits_with(0);
    assert!(!stronger.stderr.contains("sets ref"), "{stronger}");
}

#[test]
fn a_pipe_without_a_reader_keeps_no_signal_waiting() {
    let sim = sim();
    let env = Env::new();
    let [pipe, beside] = ["pipe", "beside"].map(|name| env.home().join(name));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let exports = [format!("json={}", pipe.display()), format!("csv={}", beside.display())];
        let given =
            ["--host", sim.url(), "--group-id", "12345", "-o", "csv", "--export", &exports[0], "--export", &exports[1]];
        let mut running = env.start(&given);
        // Standard output comes before the files.
        let _ = running.line();
        running.signal(signal);
        let (_, _, ended) = running.end();
        assert_eq!(ended, Some(code), "{signal}");
    }
}

#[test]
fn a_log_that_cannot_be_written_is_told_once() {
    let sim = sim();
    let output = run(&Env::new(), &sim, &["--log-file", "/dev/full"]).exits_with(6);
    let output = output.says(&["error: --log-file: \"/dev/full\" lacks lines", "No space left on device"]);
    assert_eq!(output.stderr.matches("/dev/full").count(), 1, "{output}");
    assert_eq!(output.json()["complete"], json!(true));
}

#[test]
fn too_few_open_files_are_an_error_and_no_panic() {
    let env = Env::new();
    for files in 4..=16 {
        let run = format!("ulimit -n {files}; exec {BINARY} --host http://127.0.0.1:9 --group-id 1");
        let mut command = std::process::Command::new("sh");
        let output =
            command.args(["-c", &run]).env_clear().env("GLWATCH_RETRY_WAIT", "1ms").env("HOME", env.home()).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(3) && !said.contains("panicked"), "{files}: {said}");
    }
}

/// A project whose merge request is red, below a branch that is green and newer.
fn merge_request(part: &str) -> Sim {
    let runs = format!(
        "[[project]]\npath = \"acme/api\"\nrun = [{{ jobs = \"single\", age = \"1h\" }}, {{ jobs = \"red\", age = \"2h\", \
         ref = \"refs/merge-requests/31/{part}\", source = \"merge_request_event\" }}]"
    );
    scenario("red = [[\"test\", \"lint | 40s | fails\"]]", &runs)
}

#[test]
fn a_merge_request_is_found_by_its_number_and_by_its_ref() {
    for (part, api) in ["head", "merge", "train"].iter().flat_map(|part| ["rest", "auto"].map(|api| (part, api))) {
        let sim = merge_request(part);
        let whole = format!("refs/merge-requests/31/{part}");
        for value in ["!31", "!3*", "refs/merge-requests/*", &whole] {
            let output = run(&Env::new(), &sim, &["--ref", value, "--api", api]).exits_with(1);
            let document = output.json();
            let project = &document["projects"][0];
            let pipeline = &project["pipelines"][0];
            assert_eq!(
                (&document["complete"], &project["state"]),
                (&json!(true), &json!("ok")),
                "{part} {api} {output}"
            );
            assert_eq!(
                (&pipeline["ref"], &pipeline["worst"]),
                (&json!("!31"), &json!("failed")),
                "{part} {api} {output}"
            );
            assert_eq!(project["pipelines"].as_array().map(Vec::len), Some(1), "{part} {api} {value}");
        }
        let given = ["--host", sim.url(), "--token", TOKEN_API];
        let of = |words: &[&str]| Env::new().with("GLWATCH_API", api).run(&[words, &given].concat());
        for project in ["acme/api@!31".to_owned(), format!("acme/api@{whole}")] {
            let why = of(&["explain", &project]).exits_with(0);
            assert!(why.stdout.starts_with("acme/api !31") && why.stdout.contains("job `lint` failed"), "{why}");
            let log = of(&["logs", &project]).exits_with(1);
            assert!(!log.stdout.is_empty(), "{log}");
        }
        let retried = of(&["retry", "acme/api@!31", "lint", "--yes"]).exits_with(0);
        assert!(retried.stdout.starts_with("retried\t") && retried.stdout.contains("test/lint"), "{retried}");
        assert_eq!(sim.requests().iter().filter(|request| request.path.ends_with("/retry")).count(), 1);
    }
}

/// Leaves a cache in which everything that failed has passed. What the list of pipelines tells would contradict a forged
/// status; a failure that was allowed is known from the jobs alone, which are not read again.
fn forge(env: &Env, between: &Between, api: &str) {
    between.change(|passing| {
        for (red, green) in [("failed", "success"), ("FAILED", "SUCCESS"), ("success-with-warnings", "success")] {
            passing.body = passing.body.replace(&format!("\"{red}\""), &format!("\"{green}\""));
        }
    });
    let _ = gate(env, between, api).exits_with(0);
    between.change(|_| ());
}

fn gate(env: &Env, between: &Between, api: &str) -> Output {
    let given = ["--host", between.url(), "--group-id", "12345", "-o", "json", "--fail-on", "warning", "--api", api];
    env.run(&given)
}

fn mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Gives something to another user, which only root can do; elsewhere the case says nothing.
fn foreign(path: &Path) -> std::io::Result<()> {
    chown(path, Some(12345), None).or(Ok(()))
}

/// Moves a folder away, and lays a link to it where it was.
fn link(folder: &Path) -> std::io::Result<()> {
    let away = folder.ancestors().nth(2).unwrap_or(folder).join("private");
    fs::create_dir(&away)?;
    fs::rename(folder, away.join("glwatch"))?;
    symlink(away.join("glwatch"), folder)
}

#[test]
fn a_forged_cache_does_not_turn_red_into_green() {
    type Forge = fn(&Path, &Path) -> std::io::Result<()>;
    let is_root = chown(Env::new().home(), Some(12345), None).is_ok();
    let cases: [(&str, bool, Forge); 11] = [
        ("our own, which shows that the forgery works", true, |_, _| Ok(())),
        ("a file that all may write to", false, |_, file| mode(file, 0o666)),
        ("a file that its group may write to", false, |_, file| mode(file, 0o660)),
        ("a folder that all may write to", false, |folder, _| mode(folder, 0o777)),
        ("another user's file", !is_root, |_, file| foreign(file)),
        ("another user's folder", !is_root, |folder, _| foreign(folder)),
        ("a link", false, |folder, file| {
            let away = folder.parent().unwrap_or(folder).join("away");
            fs::rename(file, &away)?;
            symlink(away, file)
        }),
        ("a folder behind root's link, as systemd lays it", is_root, |folder, _| link(folder)),
        ("a folder behind another user's link", false, |folder, _| {
            link(folder)?;
            lchown(folder, Some(12345), None).or(Ok(()))
        }),
        ("a folder behind a link that all may exchange", false, |folder, _| {
            link(folder)?;
            mode(folder.parent().unwrap_or(folder), 0o777)
        }),
        ("a second name", false, |folder, file| fs::hard_link(file, folder.parent().unwrap_or(folder).join("second"))),
    ];
    let sim = scenario(
        "amber = [[\"test\", \"lint | 40s | fails | allow_failure\"]]",
        "[[project]]\npath = \"acme/api\"\nrun = [{ jobs = \"amber\", age = \"2h\" }]",
    );
    for ((what, is_believed, how), api) in cases.iter().flat_map(|case| ["rest", "graphql"].map(|api| (case, api))) {
        let (env, between) = (Env::new(), Between::start(sim.url()));
        forge(&env, &between, api);
        let folder = env.home().join(".cache/glwatch");
        let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        how(&folder, &file).unwrap();
        let output = gate(&env, &between, api);
        let document = output.json();
        let (code, worst) = if *is_believed { (0, "success") } else { (1, "warning") };
        assert_eq!(output.code, Some(code), "{what} {api}: {output}");
        assert_eq!(document["complete"], json!(true), "{what} {api}: {output}");
        let project = &document["projects"][0];
        assert_eq!(
            (&project["state"], &project["pipelines"][0]["worst"]),
            (&json!("ok"), &json!(worst)),
            "{what} {api}"
        );
    }
}
