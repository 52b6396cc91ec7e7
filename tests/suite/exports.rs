//! Outputs and exports: every format, files replaced whole, and what is shown against what is judged.

use crate::support::{Env, Output};
use glwatch_sim::{Options, Sim};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;

const FORMATS: [&str; 8] = ["table", "wide", "json", "ndjson", "csv", "markdown", "junit", "openmetrics"];

fn sim() -> Sim {
    Sim::start(Options::default()).unwrap()
}

fn status(env: &Env, sim: &Sim, more: &[&str]) -> Output {
    env.run(&[&["--host", sim.url(), "--group-id", "12345"], more].concat())
}

fn file(env: &Env, name: &str) -> String {
    std::fs::read_to_string(env.home().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn one_run_writes_every_format_and_each_is_what_the_output_would_be() {
    let (env, sim) = (Env::new(), sim());
    let exports: Vec<String> = FORMATS.iter().map(|format| format!("{format}=out.{format}")).collect();
    let arguments: Vec<&str> = exports.iter().flat_map(|export| ["--export", export]).collect();
    let before = sim.requests().len();
    let output = status(&env, &sim, &[&["-o", "json"], &arguments[..]].concat()).exits_with(0);
    let requests = output.json()["requests"]["count"].as_u64().unwrap();
    assert_eq!(sim.requests().len() - before, usize::try_from(requests).unwrap(), "files cost no requests");
    assert_eq!(file(&env, "out.json"), output.stdout);
    for format in FORMATS {
        let text = file(&env, &format!("out.{format}"));
        assert!(text.lines().count() > 30 || format == "ndjson", "{format}: {text}");
        assert!(text.contains("acme/payments") && text.ends_with('\n'), "{format}: {text}");
        assert!(!text.contains('\u{1B}'), "{format}: {text}");
        let alone = status(&env, &sim, &["-o", format]).exits_with(0).stdout;
        assert!(!alone.is_empty(), "{format}");
    }
    let mode = std::fs::metadata(env.home().join("out.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o600, 0o600);
    // No temporary file is left; beside them are the cache and the history.
    assert_eq!(std::fs::read_dir(env.home()).unwrap().count(), FORMATS.len() + 2);
}

#[test]
fn a_file_that_cannot_be_written_stops_nothing_else() {
    let (env, sim) = (Env::new(), sim());
    let exports = ["--export", "csv=missing/a.csv", "--export", "junit=b.xml", "--export", "json=/dev/full"];
    let output = status(&env, &sim, &[&["-o", "json"], &exports[..]].concat()).exits_with(6);
    let output = output.says(&["failed to write \"missing/a.csv\"", "make its directory first", "\"/dev/full\""]);
    assert!(output.json()["projects"].as_array().is_some_and(|projects| projects.len() > 30));
    assert!(file(&env, "b.xml").ends_with("</testsuites>\n"));
}

#[test]
fn the_old_file_survives_where_no_new_one_can_be_made() {
    let (env, sim) = (Env::new(), sim());
    let directory = env.home().join("reports");
    std::fs::create_dir(&directory).unwrap();
    let old = directory.join("health.xml");
    std::fs::write(&old, "old").unwrap();
    let _ = status(&env, &sim, &["--export", "junit=reports/health.xml"]).exits_with(0);
    let new = file(&env, "reports/health.xml");
    assert!(new.starts_with("<?xml") && !new.contains("old"), "{new}");

    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere, so that it proves nothing.
    let is_root = std::fs::write(directory.join("probe"), "").is_ok();
    let output = status(&env, &sim, &["--export", "csv=reports/health.xml"]);
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700)).unwrap();
    if !is_root {
        let _ = output.exits_with(6).says(&["reports/health.xml", "right to make files"]);
        assert_eq!(file(&env, "reports/health.xml"), new);
    }
}

#[test]
fn what_is_hidden_is_still_judged_and_counted() {
    let (env, sim) = (Env::new(), sim());
    let all = status(&env, &sim, &["-o", "json"]).exits_with(0).json();
    let only = |words: &str, more: &[&str]| status(&env, &sim, &[&["-o", "json", "--only", words], more].concat());
    let hidden = only("manual", &["--fail-on", "failed"]).exits_with(1).json();
    let worst = |document: &Value| -> Vec<String> {
        let projects = document["projects"].as_array().unwrap();
        let pipelines = projects.iter().flat_map(|project| project["pipelines"].as_array().unwrap());
        pipelines.map(|pipeline| pipeline["worst"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!worst(&hidden).is_empty() && worst(&hidden).iter().all(|word| word == "manual"), "{hidden}");
    assert_eq!(hidden["summary"]["projects"], all["summary"]["projects"]);
    let none = only("no_pipeline,no_access", &[]).exits_with(0).json();
    assert!(worst(&none).is_empty() && !none["projects"].as_array().unwrap().is_empty(), "{none}");
    let _ = only("grene", &[]).exits_with(2).says(&["--only: \"grene\" is no status: permitted are failed"]);
    // Nothing to show is no error.
    let empty = status(&env, &sim, &["--only", "waiting_for_callback"]).exits_with(0);
    assert_eq!(empty.stdout, "");
}

#[test]
fn columns_are_chosen_by_name() {
    let (env, sim) = (Env::new(), sim());
    let output = status(&env, &sim, &["--columns", "ref,project", "--sort", "name"]).exits_with(0);
    assert!(output.stdout.contains("main\tacme/payments/ledger\n"), "{output}");
    let output = status(&env, &sim, &["-o", "csv", "--columns", "project,worst"]).exits_with(0);
    assert!(output.stdout.starts_with("full_path,worst\n"), "{output}");
    let output = status(&env, &sim, &["--columns", "worst"]).exits_with(2);
    let _ = output.says(&["--columns: \"worst\" is a column of csv only", "project, ref, pipeline"]);
    let before = sim.requests().len();
    let output = status(&env, &sim, &["--columns", "project,size"]).exits_with(2);
    let _ = output.says(&["\"size\" is no column", "queued"]);
    assert_eq!(sim.requests().len(), before, "a wrong word is refused before anything is asked");
}

#[test]
fn wrong_exports_are_refused() {
    let (env, sim) = (Env::new(), sim());
    let cases: [(&[&str], &str); 3] = [
        (&["--export", "xml=a"], "permitted are table, wide, json"),
        (&["--export", "a.json"], "is not FORMAT=FILE"),
        (&["--export", "json=a", "--export", "csv=./a"], "another --export writes"),
    ];
    for (arguments, words) in cases {
        let _ = status(&env, &sim, arguments).exits_with(2).says(&[words]);
    }
}

#[test]
fn in_a_job_of_gitlab_the_green_rows_are_folded() {
    let (env, sim) = (Env::new().with("GITLAB_CI", "true"), sim());
    let start = "\u{1B}[0Ksection_start:";
    let output = status(&env, &sim, &["--export", "table=rows"]).exits_with(0);
    assert!(output.stdout.starts_with(start), "{output}");
    assert!(output.stdout.contains(":glwatch_quiet[collapsed=true]\r\u{1B}[0K"), "{output}");
    assert!(!file(&env, "rows").contains('\u{1B}'));
    for plain in [&["--color", "never"][..], &["-o", "json"], &["-o", "csv"]] {
        let output = status(&env, &sim, plain).exits_with(0);
        assert!(!output.stdout.contains('\u{1B}'), "{output}");
    }
}
