//! What jobs need, on the Pipeline screen in a real terminal: what is said of it, and what it costs.

use crate::dashboard::{quit, walk};
use crate::support::Env;
use crate::support::terminal::Terminal;
use glwatch_sim::Sim;

/// A pipeline that waits in the midst, below an older one that is done.
fn sim() -> Sim {
    let templates = "flow = [[\"build\", \"compile | 40s\", \"lint | 9s | stays running\"],\
        [\"test\", \"unit | 30s | needs compile, lint\", \"licences | 5s | needs compile\"],\
        [\"deploy\", \"report | 5s\"]]\n\
        done = [[\"build\", \"compile | 40s\", \"lint | 9s\"], [\"test\", \"unit | 30s | fails | needs compile\"]]";
    let runs = "[{ jobs = \"done\", age = \"5h\" }, { jobs = \"flow\", age = \"20m\" }]";
    let failed = "[{ jobs = \"done\", age = \"3h\" }]";
    crate::cost::scenario(
        templates,
        &format!("[[project]]\npath = \"acme/app\"\nrun = {runs}\n[[project]]\npath = \"acme/red\"\nrun = {failed}"),
    )
}

fn open(env: &Env, sim: &Sim, api: &str) -> Terminal {
    let arguments = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000", "--api", api];
    let mut terminal = env.open(&[&arguments[..], &["--interval", "1h", "--no-history"]].concat(), 120, 40);
    terminal.wait_until(|contents| contents.contains("next in"));
    terminal
}

/// How many requests of which kinds came since.
fn asked_since(sim: &Sim, before: &serde_json::Value) -> Vec<(String, u64)> {
    let count = |of: &serde_json::Value, kind: &str| of["by_kind"][kind].as_u64().unwrap_or(0);
    let after = sim.stats();
    let kinds = after["by_kind"].as_object().unwrap();
    let more = kinds.keys().map(|kind| (kind.clone(), count(&after, kind) - count(before, kind)));
    // Every query is counted under `graphql`, too.
    more.filter(|(kind, more)| *more > 0 && kind != "graphql").collect()
}

#[test]
fn a_job_that_waits_says_for_what_with_one_request_and_over_rest_with_none() {
    for (api, expected, waits, marks) in [
        ("graphql", vec![("graphql_Needs".to_owned(), 1)], "waits for lint (running)", true),
        ("rest", vec![], "waits for the jobs before it", false),
    ] {
        let (sim, env) = (sim(), Env::new());
        let mut terminal = open(&env, &sim, api);
        walk(&mut terminal, &[("/app\r", "1 of 2 projects"), ("\r", "there are no older ones")]);
        let before = sim.stats();
        walk(&mut terminal, &[("\r", waits)]);
        // The last job waits for what is before its stage.
        let contents = terminal.contents();
        let of_report = if marks { "waits for stages build (running), test" } else { waits };
        let line = contents.lines().find(|line| line.contains("report ")).unwrap_or_default();
        assert!(line.contains(of_report), "{api}\n{contents}");
        // To `unit`, wherever the cursor began.
        walk(&mut terminal, &[("\u{1B}[Hjjj", "▌")]);
        terminal.wait_until(|contents| contents.lines().any(|line| line.starts_with('▌') && line.contains("unit")));
        let contents = terminal.contents();
        let marked = contents.lines().filter(|line| line.contains("« ") && line.contains("needed by unit")).count();
        assert_eq!(marked, if marks { 2 } else { 0 }, "{api}\n{contents}");
        walk(&mut terminal, &[("q", "there are no older ones"), ("\r", waits)]);
        assert_eq!(asked_since(&sim, &before), expected, "{api}: once, and never again");
        quit(terminal);
    }
}

#[test]
fn where_nothing_waits_only_a_cursor_that_rests_asks() {
    let (sim, env) = (sim(), Env::new());
    let mut terminal = open(&env, &sim, "graphql");
    walk(&mut terminal, &[("/red\r", "1 of 2 projects"), ("\r", "there are no older ones")]);
    let before = sim.stats();
    walk(&mut terminal, &[("\r", "script"), ("", "needed by unit")]);
    let contents = terminal.contents();
    let line = contents.lines().find(|line| line.starts_with('▌')).unwrap_or_default();
    assert!(line.contains("unit") && line.contains("needs compile"), "{contents}");
    assert_eq!(asked_since(&sim, &before), [("graphql_Needs".to_owned(), 1)]);
    quit(terminal);
}

#[test]
fn a_child_of_a_pipeline_of_the_list_opens_with_one_request_and_is_followed_while_it_goes_on() {
    let templates = "below = [[\"check\", \"contract | 30s | stays running\", \"after | 3s | needs contract\"]]\n\
        above = [[\"build\", \"compile | 40s\"], [\"trigger\", \"contracts | child below\"]]";
    let sim = crate::cost::scenario(
        templates,
        "[[project]]\npath = \"acme/app\"\nrun = [{ jobs = \"above\", age = \"20m\" }]",
    );
    let env = Env::new();
    let mut terminal = open(&env, &sim, "graphql");
    walk(&mut terminal, &[("\r", "there are no older ones"), ("\r", "it triggered")]);
    let before = sim.stats();
    walk(&mut terminal, &[("G\r", "waits for contract (running)")]);
    assert_eq!(asked_since(&sim, &before), [("graphql_Jobs".to_owned(), 1)], "with what its jobs need");
    // With each reading it is read again, while it is looked at.
    let jobs = |sim: &Sim| sim.stats()["by_kind"]["graphql_Jobs"].as_u64();
    terminal.send("r");
    terminal.wait_until(|_| jobs(&sim) == Some(2));
    walk(&mut terminal, &[("q", "it triggered"), ("\r", "waits for contract (running)")]);
    terminal.wait_until(|_| jobs(&sim) == Some(3));
    quit(terminal);
}

#[test]
fn what_an_older_pipeline_needs_comes_with_its_jobs() {
    let (sim, env) = (sim(), Env::new());
    let mut terminal = open(&env, &sim, "graphql");
    walk(&mut terminal, &[("/app\r", "1 of 2 projects"), ("\r", "there are no older ones")]);
    let before = sim.stats();
    walk(&mut terminal, &[("j\r", "script"), ("\u{1B}[Hjj", "needed by unit")]);
    assert_eq!(asked_since(&sim, &before), [("graphql_Jobs".to_owned(), 1)]);
    quit(terminal);
}
