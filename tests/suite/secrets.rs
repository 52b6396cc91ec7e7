//! The token shows nowhere: not in an output, a log, an error, a trace.

use crate::support::Env;
use glwatch_sim::{Access, Fault, Options, Sim, TOKEN_READ_API};

/// A server that puts the token into everything that it says.
fn echoing(code: u16) -> Fault {
    Fault::on("/api/v4/").answer(code, "text/plain", &format!("you sent Authorization: Bearer {TOKEN_READ_API}"))
}

#[test]
fn the_token_is_in_no_output_log_or_error() {
    let faults = [vec![], vec![echoing(500)], vec![echoing(401)], vec![echoing(404)], vec![echoing(200)]];
    for faults in faults {
        let sim = Sim::start(Options { access: Access::Private, faults, ..Options::default() }).unwrap();
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let group = ["--host", sim.url(), "--group-id", "12345"];
        for more in [&["-vv"][..], &["-o", "json", "--log-file", "log"], &["-o", "wide", "-v"]] {
            let output = env.run(&[&group[..], more].concat());
            let log = std::fs::read_to_string(env.home().join("log")).unwrap_or_default();
            for text in [&output.stdout, &output.stderr, &log] {
                assert!(!text.contains(TOKEN_READ_API), "{more:?}\n{output}\n---- log\n{log}");
            }
        }
        assert!(sim.requests().iter().all(|request| request.authorization), "the token was not sent");
        let log = std::fs::read_to_string(env.home().join("log")).unwrap();
        assert!(log.contains("/api/v4/groups/12345"), "the log says nothing, so it proves nothing: {log}");
    }
}

#[test]
fn a_token_from_a_flag_or_a_file_is_not_shown_either() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let env = Env::new();
    std::fs::write(env.home().join("token"), format!("{TOKEN_READ_API}\n")).unwrap();
    for given in [["--token", TOKEN_READ_API], ["--token-file", "token"]] {
        let output =
            env.run(&[&["--host", sim.url(), "--group-id", "12345", "-vv"][..], &given].concat()).exits_with(0);
        assert!(!output.to_string().contains(TOKEN_READ_API), "{output}");
    }
    let output = env.run_with_input(&["--host", sim.url(), "--group-id", "12345", "--token-file", "-"], TOKEN_READ_API);
    let _ = output.exits_with(0);
}

#[test]
fn no_part_of_a_token_is_left_where_an_answer_is_cut_short() {
    for padding in [150, 170, 175, 180, 190] {
        let body = format!("{}Authorization: Bearer {TOKEN_READ_API}", "x".repeat(padding));
        let faults = vec![Fault::on("/api/v4/").answer(400, "text/plain", &body)];
        let sim = Sim::start(Options { access: Access::Private, faults, ..Options::default() }).unwrap();
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let output = env.run(&["--host", sim.url(), "--group-id", "12345"]).exits_with(3);
        let echo = output.stderr.split("Bearer ").nth(1).unwrap_or_default();
        assert!(!echo.starts_with(&TOKEN_READ_API[..2]), "{output}");
    }
}

#[test]
fn what_cannot_be_decoded_is_quoted_without_the_token() {
    let body = format!(r#"{{"id": "Bearer {TOKEN_READ_API}", "full_path": "acme"}}"#);
    let faults = vec![Fault::on("/groups/12345?").answer(200, "application/json", &body)];
    let sim = Sim::start(Options { access: Access::Private, faults, ..Options::default() }).unwrap();
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let output = env.run(&["--host", sim.url(), "--group-id", "12345"]).exits_with(3).says(&["at `id`"]);
    assert!(!output.to_string().contains(TOKEN_READ_API), "{output}");
}
