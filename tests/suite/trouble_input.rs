//! Settings that cannot be used: exit code 2, which setting, its value, what is permitted.

use super::trouble::{sim, status};
use crate::support::Env;
use glwatch_sim::TOKEN_READ_API;

/// No server listens there, and none is asked.
const NOWHERE: [&str; 4] = ["--host", "http://127.0.0.1:9", "--group-id", "12345"];

#[test]
fn a_value_that_cannot_be_used_is_refused_with_what_is_permitted() {
    let cases: [([&str; 2], &[&str]); 12] = [
        (["--timezone", "Mars/Olympus"], &["--timezone: \"Mars/Olympus\" is not a time zone", "Europe/Berlin"]),
        (["--stages-width", "wide"], &["--stages-width: \"wide\" is neither auto nor a width from 1 to 1000"]),
        (["--stages-width", "0"], &["--stages-width: \"0\" is neither auto nor a width"]),
        (["--exclude", "acme/[*"], &["--exclude: \"acme/[*\" is not a glob"]),
        (["--include", "acme/{*"], &["--include: \"acme/{*\" is not a glob"]),
        (["--ref", "v[12"], &["--ref: \"v[12\" is not a glob"]),
        (["--timeout", "soon"], &["--timeout: \"soon\" is not a duration: expected", "\"30s\""]),
        (["--timeout", "10"], &["--timeout: \"10\" lacks a unit after 10: write \"10s\""]),
        (["--timeout", "1h"], &["--timeout: \"1h\" is not a time from 100ms to 600s"]),
        (["--fail-on", "failed,borken"], &["--fail-on: \"borken\" is no status: permitted are", "failed", "no_access"]),
        (["--concurrency", "0"], &["--concurrency: \"0\" is not a number of requests from 1 to 100"]),
        (["--rps", "-1"], &["--rps: \"-1\" ", "from 0.001"]),
    ];
    for ([flag, value], words) in cases {
        let given = format!("{flag}={value}");
        let _ = Env::new().run(&[&NOWHERE[..], &[&given]].concat()).refuses(2, words);
    }
}

#[test]
fn a_group_that_is_neither_number_nor_path_is_refused() {
    for group in ["-5", "0", "a b", "https://gitlab.com/acme", "acme//api"] {
        let output = Env::new().run(&["--host", "http://127.0.0.1:9", &format!("--group-id={group}")]);
        let _ = output.refuses(2, &[&format!("--group-id: \"{group}\" is n"), "group's number"]);
    }
}

#[test]
fn a_variable_that_cannot_be_used_is_named_itself() {
    let output = Env::new().with("GLWATCH_TIMEOUT", "soon").run(&NOWHERE);
    let _ = output.refuses(2, &["GLWATCH_TIMEOUT: \"soon\" is not a duration", "Hint: correct GLWATCH_TIMEOUT"]);
}

#[test]
fn an_option_that_does_not_exist_is_refused() {
    let output = Env::new().run(&["--group-id", "12345", "--stages-widht", "30"]).exits_with(2);
    let output = output.says(&[
        "unexpected argument '--stages-widht'",
        "similar argument exists: '--stages-width'",
        "try '--help'",
    ]);
    assert_eq!(output.stdout, "");
}

#[test]
fn without_a_group_the_error_says_how_to_name_one() {
    let _ = Env::new().run(&[]).refuses(2, &["--group-id: no group is given", "--group-id 12345", "glwatch --demo"]);
    for empty in ["", "  "] {
        let output = Env::new().with("GLWATCH_GROUP_ID", empty).run(&[]);
        let _ = output.refuses(2, &["no group is given", "GLWATCH_GROUP_ID is set but empty"]);
    }
}

#[test]
fn filters_that_leave_nothing_are_an_error_that_names_the_misspelt_ones() {
    let sim = sim(vec![]);
    let _ = status(&sim, &["--exclude", "acme"]).refuses(2, &["the filters leave no project", "glob on the full path"]);
    let output = status(&sim, &["--include", "paymnets", "-o", "json"]);
    let _ = output.refuses(2, &["the filters leave no project", "Hint: pattern \"paymnets\" matches no project"]);
}

#[test]
fn a_misspelt_filter_warns_on_stderr_and_changes_nothing_else() {
    let sim = sim(vec![]);
    let plain = status(&sim, &["-o", "json"]).exits_with(0);
    let output = status(&sim, &["-o", "json", "--exclude", "paymnets,acme/no-such-*"]).exits_with(0);
    let output =
        output.says(&["pattern \"paymnets\" matches no project", "pattern \"acme/no-such-*\" matches no project"]);
    assert_eq!(output.json()["projects"], plain.json()["projects"]);
    assert_eq!(status(&sim, &["--exclude", "paymnets", "--quiet"]).exits_with(0).stderr, "");
}

#[test]
fn a_ca_file_that_is_missing_or_holds_no_certificate_is_refused() {
    let env = Env::new();
    let broken = "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n";
    let group = ["--host", "https://127.0.0.1:9", "--group-id", "12345"];
    let output = env.run(&[&group[..], &["--ca-file", "ca.pem"]].concat());
    let _ = output.refuses(2, &["--ca-file: failed to read \"ca.pem\"", "No such file", "check that the file exists"]);
    for content in ["", "not a certificate\n", broken] {
        std::fs::write(env.home().join("ca.pem"), content).unwrap();
        let output = env.run(&[&group[..], &["--ca-file", "ca.pem"]].concat());
        let _ = output.refuses(2, &["--ca-file: \"ca.pem\" cannot be used", "PEM"]);
    }
}

#[test]
fn a_token_file_that_is_missing_or_empty_is_refused() {
    let env = Env::new();
    let output = env.run(&[&NOWHERE[..], &["--token-file", "token"]].concat());
    let _ = output.refuses(2, &["--token-file: failed to read \"token\"", "No such file"]);
    for content in ["", " \n\n"] {
        std::fs::write(env.home().join("token"), content).unwrap();
        let output = env.run(&[&NOWHERE[..], &["--token-file", "token"]].concat());
        let _ = output.refuses(2, &["--token-file: the token is empty", "glpat-"]);
    }
    let output = env.run(&[&NOWHERE[..], &["--token-file", "-"]].concat());
    let _ = output.refuses(2, &["--token-file: the token is empty"]);
}

#[test]
fn a_token_with_a_line_break_or_a_blank_inside_is_refused_without_showing_it() {
    let env = Env::new();
    for token in ["glpat-one\nglpat-two", "glpat-one glpat-two", "glpat-one\u{e9}"] {
        std::fs::write(env.home().join("token"), token).unwrap();
        let from_file = env.run(&[&NOWHERE[..], &["--token-file", "token"]].concat());
        let from_flag = env.run(&[&NOWHERE[..], &["--token", token]].concat());
        for (output, flag) in [(from_file, "--token-file"), (from_flag, "--token")] {
            let output = output.refuses(2, &[&format!("{flag}: the token has characters that no token has")]);
            assert!(!output.stderr.contains("glpat-one"), "{output}");
        }
    }
}

#[test]
fn a_host_with_credentials_is_refused_without_showing_them() {
    let output = Env::new().run(&["--host", "https://ada:s3cret@gitlab.example.com", "--group-id", "12345"]);
    let output = output.refuses(2, &["--host: carries a user name or password", "--token-file"]);
    assert!(!output.stderr.contains("s3cret"), "{output}");
    for (host, words) in [("ftp://gitlab.com", "only https and http"), ("git lab", "is not a host name or URL")] {
        let output = Env::new().run(&["--host", host, "--group-id", "12345"]);
        let _ = output.refuses(2, &[&format!("--host: \"{host}\" is"), words]);
    }
}

#[test]
fn a_token_is_not_sent_unencrypted_to_another_machine() {
    // An address for documentation: no server answers, and a request would run into the test's time.
    let remote = ["--host", "http://192.0.2.1", "--group-id", "12345"];
    let output = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).run(&remote);
    let output = output.refuses(2, &["--host: \"http://192.0.2.1\" is not encrypted", "it was not sent", "use https"]);
    assert!(!output.stderr.contains(TOKEN_READ_API), "{output}");
}

#[test]
fn a_log_file_that_cannot_be_written_is_refused_before_anything_is_asked() {
    let sim = sim(vec![]);
    let output = status(&sim, &["--log-file", "no-such-folder/log"]);
    let words = ["--log-file: failed to write to \"no-such-folder/log\"", "No such file", "that you may write there"];
    let _ = output.refuses(2, &words);
    assert!(sim.requests().is_empty());
}
