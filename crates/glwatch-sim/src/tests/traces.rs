//! Job logs: what they say, how they grow, how they are sent.

use std::time::Duration;

use super::failures::{attempts, failures, log, read};
use super::http::{get, send, sim};
use crate::{Options, Sim, TOKEN_READ_API, WorldKind};

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Returns the last line that is not empty, without colours.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace("\x1b[0;m", "").replace("\x1b[31;1m", "");
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

#[test]
fn a_failed_job_tells_its_error_near_the_end() {
    let sim = failures();
    let exit = "ERROR: Job failed: exit code 1";
    let rows = [
        ("unit", "unit", "test stack_test::push ... \x1b[31mFAILED", exit),
        ("unit", "unit", "142 passed; 2 failed; 4 ignored", exit),
        ("lint", "clippy", "src/parser/tokens.rs:118:9", exit),
        ("timeout", "end to end", "npx", "ERROR: Job failed: execution took longer than 1h0m0s seconds"),
        ("runner", "compile", "i/o timeout", "ERROR: Job failed (system failure): Cannot connect to the Docker daemon"),
        ("allowed", "compile", "error[E0308]", exit),
        ("big", "import", "record 4711", exit),
    ];
    for (project, name, error, last) in rows {
        let got = log(&sim, project, name);
        assert_eq!((got.status, got.header("content-type")), (200, Some("text/plain")), "{project}");
        assert!(project == "timeout" || has(&got.body, error), "{project} lacks {error}");
        assert!(last_line(&got.body).contains(last), "{project} ends with {}", last_line(&got.body));
    }
    let got = log(&sim, "unit", "unit");
    for part in ["section_start:", ":step_script\r\x1b[0K", "\x1b[32;1m$ cargo test", "\rReceiving objects:"] {
        assert!(has(&got.body, part), "no {part:?}");
    }
    let id = attempts(&sim, "unit", "unit")[0]["id"].clone();
    assert_eq!(got.header("content-disposition"), Some(&*format!("infile; filename=\"{id}.log\"")));
    assert_eq!(sim.panics(), 0);
}

#[test]
fn with_timestamps_each_line_begins_with_its_time_and_stream() {
    let got = log(&failures(), "lint", "clippy");
    let text = String::from_utf8(got.body).unwrap();
    let stamped =
        |line: &str| line.get(26..28) == Some("Z ") && line.get(28..30).is_some_and(|s| s == "00" || s == "01");
    let loose: Vec<&str> = text.lines().filter(|line| !stamped(line) && *line != "\x1b[0;m").collect();
    assert!(loose.is_empty(), "{loose:?}");
    assert!(text.contains("Z 00O section_start:") && text.contains("Z 00O+\x1b[0K") && text.contains("Z 01E \x1b[1m"));
}

#[test]
fn while_the_job_runs_its_log_is_a_beginning_of_the_later_one() {
    let text = "root = \"acme\"\ngroup = [{ path = \"acme\", id = 1 }]\n[template]\n\
                t = [[\"test\", \"unit | 3m | fails | tests 148 2\"]]\n\
                [[project]]\npath = \"acme/p\"\nrun = [{ jobs = \"t\", age = \"0s\" }]\n";
    let sim = Sim::start(Options { world: WorldKind::Scenario(text.to_owned()), ..Options::default() }).unwrap();
    let waiting = attempts(&sim, "p", "unit");
    assert_eq!(waiting[0]["status"], "created");
    let mut seen = vec![log(&sim, "p", "unit").body];
    for _ in 0..30 {
        sim.clock().advance(Duration::from_secs(10));
        seen.push(log(&sim, "p", "unit").body);
    }
    assert!(seen[0].is_empty());
    assert!(seen.windows(2).all(|pair| pair[1].starts_with(&pair[0])));
    let lengths: std::collections::BTreeSet<usize> = seen.iter().map(Vec::len).collect();
    assert!(lengths.len() > 10, "{lengths:?}");
    assert!(last_line(seen.last().unwrap()).contains("exit code 1"));
}

#[test]
fn a_large_log_has_the_size_it_says_and_is_streamed() {
    let sim = failures();
    let got = log(&sim, "big", "import");
    assert!((2_000_000..2_010_000).contains(&got.body.len()), "{}", got.body.len());
    assert_eq!(got.header("content-length"), Some(&*got.body.len().to_string()));
    let text = String::from_utf8(got.body).unwrap();
    assert!(text.contains("[      0/25000]") && text.contains("[  24999/25000]"));
}

#[test]
fn a_hostile_log_holds_what_no_terminal_should_get() {
    let sim = failures();
    let got = log(&sim, "hostile", "scan");
    for part in ["\x1b]0;", "\x1b]52;c;", "\x1b]8;;http", "\x1b[?1049h", "\u{9b}31m", "\u{202e}", "\x1b[8m"] {
        assert!(has(&got.body, part), "no {part:?}");
    }
    assert!(std::str::from_utf8(&got.body).is_err());
    assert!(has(&got.body, "ERROR: Job failed: exit code 1"));
    assert!(got.body.ends_with(b"\x1b]0;this title never ends"));
    assert!(log(&sim, "hostile", "dump").body.contains(&0));
}

#[test]
fn a_log_has_a_tag_that_is_compared_unless_switched_off() {
    let tagged = failures();
    let job = attempts(&tagged, "unit", "unit")[0]["id"].clone();
    let path = format!("/api/v4/projects/30001/jobs/{job}/trace");
    let tag = read(&tagged, &format!("/projects/30001/jobs/{job}/trace")).header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\""));
    let head = format!("private-token: {TOKEN_READ_API}\r\nrange: bytes=5-9\r\nif-none-match: ");
    let same = send(&tagged, "GET", &path, &format!("{head}{tag}\r\n")).unwrap();
    assert_eq!((same.status, same.body.len()), (304, 0));
    let other = send(&tagged, "GET", &path, &format!("{head}W/\"1\"\r\n")).unwrap();
    assert!(other.status == 200 && other.body.len() > 1_000, "Range is not looked at");
    let options = Options { world: WorldKind::Failures, trace_etags: false, ..Options::default() };
    let plain = Sim::start(options).unwrap();
    let again = send(&plain, "GET", &path, &format!("{head}{tag}\r\n")).unwrap();
    assert_eq!((again.status, again.header("etag")), (200, None));
}

#[test]
fn an_unknown_job_is_not_found_and_nobody_reads_logs_without_a_token() {
    let sim = failures();
    let job = attempts(&sim, "unit", "unit")[0]["id"].clone();
    for path in ["/projects/30001/jobs/1", "/projects/30001/jobs/1/trace", &format!("/projects/30002/jobs/{job}")] {
        let got = read(&sim, path);
        assert_eq!((got.status, got.json()["message"].as_str()), (404, Some("404 Not found")), "{path}");
    }
    let anonymous = get(&sim, &format!("/api/v4/projects/30001/jobs/{job}/trace"));
    assert_eq!((anonymous.status, anonymous.json()["message"].as_str()), (401, Some("401 Unauthorized")));
    assert_eq!(sim.stats()["by_kind"]["trace"], 2);
}

#[test]
fn the_failed_jobs_of_the_demo_have_logs_too() {
    let sim = sim();
    let list = get(&sim, "/api/v4/projects/20003/pipelines").json();
    let jobs = get(&sim, &format!("/api/v4/projects/20003/pipelines/{}/jobs?scope=failed", list[0]["id"])).json();
    let log = read(&sim, &format!("/projects/20003/jobs/{}/trace", jobs[0]["id"]));
    assert!(has(&log.body, "pytest --junitxml") && last_line(&log.body).contains("exit code 1"));
}
