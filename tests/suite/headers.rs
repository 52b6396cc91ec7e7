//! Headers that the user adds: sent to the configured server only, and shown nowhere.

use crate::support::Env;
use crate::support::canned::Canned;
use crate::support::tls::TlsFront;
use glwatch_sim::{Fault, Options, Sim, TOKEN_API};

const VALUE: &str = "s3cret-of-the-gate";
const HEADER: &str = "X-Gate: s3cret-of-the-gate";
const GROUP: [&str; 2] = ["--group-id", "acme"];

/// A server that knows nothing and quotes what opens its gate.
fn echoing(code: u16) -> Canned {
    Canned::start(move |_| (code, format!(r#"{{"message": "you sent {HEADER} and {VALUE}"}}"#)))
}

fn has_header(heads: &[String]) -> bool {
    heads.iter().any(|head| head.to_lowercase().contains("x-gate") || head.contains(VALUE))
}

#[test]
fn a_header_goes_with_every_request_wherever_it_is_given() {
    let file = |host: &str| format!("[hosts.'{host}']\nheader = ['{HEADER}', 'X-Second: 2']\n");
    let top = |host: &str| format!("host = '{host}'\nheaders = ['{HEADER}', 'X-Second: 2']\n");
    let none = |_: &str| String::new();
    type Case<'a> = (&'a str, &'a [&'a str], Option<&'a str>, &'a dyn Fn(&str) -> String);
    let cases: [Case<'_>; 4] = [
        ("flags", &["--header", HEADER, "--header", "X-Second: 2"], None, &none),
        ("a variable, one on each line", &[], Some("X-Gate: s3cret-of-the-gate\nX-Second: 2\n"), &none),
        ("the section of the host", &[], None, &file),
        ("the top of the file that names the host", &[], None, &top),
    ];
    for (sentence, flags, variable, file) in cases {
        let server = echoing(404);
        let env = Env::new();
        let env = if let Some(value) = variable { env.with("GLWATCH_HEADER", value) } else { env };
        std::fs::write(env.home().join("own.toml"), file(server.url())).unwrap();
        let host = ["--host", server.url(), "--config", "own.toml"];
        let output = env.run(&[&host[..], &GROUP, flags].concat());
        let heads = server.heads();
        let is_sent = |head: &String| {
            let head = head.to_lowercase();
            head.contains(&format!("x-gate: {VALUE}\n")) && head.contains("x-second: 2\n")
        };
        assert!(!heads.is_empty() && heads.iter().all(is_sent), "{sentence}: {heads:?}\n{output}");
    }
}

#[test]
fn a_header_of_a_file_does_not_follow_to_another_host() {
    for file in
        ["header = 'X-Gate: s3cret-of-the-gate'", "[hosts.'gitlab.example.com']\nheader = 'X-Gate: s3cret-of-the-gate'"]
    {
        let server = echoing(404);
        let env = Env::new();
        std::fs::write(env.home().join("own.toml"), file).unwrap();
        let _ = env.run(&[&["--host", server.url(), "--config", "own.toml"][..], &GROUP].concat());
        assert!(!server.heads().is_empty() && !has_header(&server.heads()), "{file}: {:?}", server.heads());
    }
}

#[test]
fn a_header_does_not_follow_a_redirect_to_another_origin() {
    let other = echoing(200);
    let to = format!("location: {}/api/v4/groups/1\r\n", other.url());
    let server = Canned::with_headers(move |_| (302, to.clone(), String::new()));
    let env = Env::new().with("GLWATCH_HEADER", HEADER);
    let output = env.run(&[&["--host", server.url()][..], &GROUP].concat()).exits_with(3);
    assert!(has_header(&server.heads()), "{output}");
    assert!(!has_header(&other.heads()), "{:?}", other.heads());
}

#[test]
fn a_log_in_a_store_elsewhere_is_read_without_the_headers() {
    let sim = Sim::start(Options::default()).unwrap();
    let store = Canned::with_headers(|_| (200, "content-type: text/plain\r\n".into(), "from the store\n".into()));
    let front = TlsFront::of(store.url());
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_API).with("GLWATCH_HEADER", HEADER);
    std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
    sim.add_fault(Fault::on("/trace").redirect(302, &format!("{}/trace", front.url())));
    for token_header in ["authorization", "private-token"] {
        let shared = ["--host", sim.url(), "--ca-file", "ca.pem", "--token-header", token_header];
        let output = env.run(&[&["logs", "invoices"][..], &shared, &["--group-id", "12345"]].concat());
        assert!(output.stdout.contains("from the store"), "{output}");
    }
    let heads = store.heads();
    assert!(!heads.is_empty() && !has_header(&heads), "{heads:?}");
    assert!(heads.iter().all(|head| !head.contains(TOKEN_API)), "{heads:?}");
}

#[test]
fn nothing_is_said_about_a_missing_token_where_a_header_may_be_it() {
    let refusing = |code: u16, said: &str| {
        let body = format!(r#"{{"message": "{code} {said}"}}"#);
        Canned::start(move |_| (code, body.clone()))
    };
    let commands: [&[&str]; 5] =
        [&[], &["explain", "acme/api"], &["logs", "acme/api"], &["retry", "acme/api", "--yes"], &["config", "check"]];
    for (code, said) in [(401, "Unauthorized"), (404, "Not Found")] {
        for command in commands {
            let run = |header: &[&str]| {
                let server = refusing(code, said);
                Env::new().run(&[command, &["--host", server.url()], &GROUP, header].concat()).to_string()
            };
            let without = run(&[]);
            assert!(without.contains("without a token") || without.contains("no token is given"), "{code}: {without}");
            let with = run(&["--header", "PRIVATE-TOKEN: s3cret"]);
            for wrong in ["without a token", "no token is given", "only what is public", "s3cret"] {
                assert!(!with.contains(wrong), "{code} {command:?}: {with}");
            }
            assert!(with.contains("header"), "{code} {command:?}: {with}");
        }
    }
}

#[test]
fn the_value_is_in_no_output_log_or_error() {
    let outputs: [&[&str]; 7] = [
        &["-vv"],
        &["-o", "json", "-vv", "--log-file", "log"],
        &["config", "show"],
        &["config", "check", "-o", "json", "-vv"],
        &["explain", "acme/api", "-vv"],
        &["logs", "acme/api", "-vv"],
        &["--api", "rest", "-vv"],
    ];
    for code in [200, 400, 401, 403, 404, 500] {
        for more in outputs {
            let server = echoing(code);
            let env = Env::new().with("GLWATCH_HEADER", HEADER);
            let output = env.run(&[more, &["--host", server.url(), "--retry-wait", "1ms"], &GROUP].concat());
            let log = std::fs::read_to_string(env.home().join("log")).unwrap_or_default();
            assert!(!format!("{output}{log}").contains("s3cret"), "{code} {more:?}\n{output}\n{log}");
            assert!(more.contains(&"show") || has_header(&server.heads()), "{code} {more:?}: not sent\n{output}");
        }
    }
    let shown = Env::new().run(&["config", "show", "--header", HEADER]).exits_with(0);
    let row = shown.stdout.lines().find(|line| line.starts_with("header ")).unwrap_or_default();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["header", "set", "--header"], "{shown}");
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_and_nothing_is_asked() {
    let cases: [(&str, &[&str], &str); 8] = [
        ("no header", &["--header", "s3cret"], "--header: is not of the form"),
        ("of the connection", &["--header", "Connection: s3cret"], "gives connection, which belongs to the connection"),
        ("the host", &["--header", "host: s3cret.example"], "gives host, which belongs to the connection"),
        ("a length", &["--header", "Content-Length: 7"], "gives content-length"),
        ("two lines", &["--header", "X-Gate: s3cret\nX-More: 1"], "no header can carry"),
        ("where the token goes", &["--header", "Authorization: s3cret", "--token", "x"], "gives Authorization, and so"),
        (
            "the same of GitLab's own",
            &["--header", "private-token: s3cret", "--token", "x", "--token-header", "PRIVATE-TOKEN"],
            "gives PRIVATE-TOKEN, and so does the token",
        ),
        (
            "unencrypted",
            &["--header", HEADER, "--host", "http://gitlab.example.com"],
            "is not encrypted, so the header",
        ),
    ];
    for (sentence, flags, expected) in cases {
        let server = echoing(404);
        let output = Env::new().run(&[&["--host", server.url()][..], &GROUP, flags].concat());
        let output = output.refuses(2, &[expected]);
        assert!(!output.to_string().contains("s3cret"), "{sentence}: {output}");
        assert!(server.heads().is_empty(), "{sentence}: {:?}", server.heads());
    }
}

#[test]
fn a_projects_file_adds_no_header() {
    for line in ["header = 'X-Gate: s3cret'", "headers = ['X-Gate: s3cret']", "token_header = 'private-token'"] {
        let env = Env::new();
        std::fs::write(env.home().join("glwatch.toml"), line).unwrap();
        let output = env.run(&GROUP).refuses(2, &["not allowed in ./glwatch.toml", "decides which token is sent"]);
        assert!(!output.to_string().contains("s3cret"), "{output}");
    }
}

#[test]
fn the_token_goes_into_the_header_that_is_named() {
    let cases = [
        (&["--token-header", "private-token"][..], "private-token: glpat-x\n", "authorization"),
        (&["--token-header", "PRIVATE-TOKEN"], "private-token: glpat-x\n", "authorization"),
        (&["--token-header", "authorization"], "authorization: bearer glpat-x\n", "private-token"),
        (&[], "authorization: bearer glpat-x\n", "private-token"),
        (
            &["--token-header", "private-token", "--header", "Authorization: Basic YTpi"],
            "authorization: basic ytpi\n",
            "bearer",
        ),
    ];
    for (flags, expected, other) in cases {
        let server = echoing(404);
        let env = Env::new().with("GITLAB_TOKEN", "glpat-x");
        let _ = env.run(&[&["--host", server.url()][..], &GROUP, flags].concat());
        let heads = server.heads();
        let is_right = |head: &String| head.to_lowercase().contains(expected) && !head.to_lowercase().contains(other);
        assert!(!heads.is_empty() && heads.iter().all(is_right), "{flags:?}: {heads:?}");
    }
    let env = Env::new().with("GLWATCH_TOKEN_HEADER", "x-token");
    let _ =
        env.run(&GROUP).refuses(2, &["GLWATCH_TOKEN_HEADER: \"x-token\" is neither authorization nor private-token"]);
}
