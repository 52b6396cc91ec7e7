//! No way to the server, certificates that nobody trusts, redirects to elsewhere.

use super::trouble::{sim, status};
use crate::support::Env;
use crate::support::tls::TlsFront;
use glwatch::sim::{Access, Fault, Options, Sim, TOKEN_READ_API};

const GROUP: [&str; 2] = ["--group-id", "12345"];

#[test]
fn a_host_that_does_not_resolve_is_a_matter_of_spelling() {
    let output = Env::new().run(&["--host", "https://no-such-host.invalid", "--group-id", "12345"]);
    let words = ["the host name does not resolve", "spelling of --host (https://no-such-host.invalid, from --host)"];
    let _ = output.refuses(3, &words);
}

#[test]
fn a_port_where_nobody_listens_is_named() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let output = Env::new().run(&["--host", &closed, "--group-id", "12345"]);
    let words = ["the connection was refused (after 4 attempts", &format!("nothing listens at {closed}")];
    let _ = output.refuses(3, &words);
}

#[test]
fn a_server_that_does_not_answer_runs_into_the_timeout() {
    let sim = sim(vec![Fault::on("/api/v4/").stalled()]);
    let output = status(&sim, &["--timeout", "100ms", "-o", "json"]);
    let _ = output.refuses(3, &["no answer within 100ms (after 4 attempts", "--timeout 2m", "--concurrency 2"]);
}

#[test]
fn one_project_that_does_not_answer_costs_only_its_row() {
    let sim = sim(vec![]);
    sim.add_fault(Fault::on(&super::trouble::pipelines_of(&sim, "acme/web/shop")).stalled());
    let json = status(&sim, &["--timeout", "500ms", "-o", "json"]).exits_with(4).json();
    assert_eq!(super::trouble::row(&json, "acme/web/shop")["error"]["kind"], "timeout");
    assert_eq!(json["summary"]["error"], 1);
}

#[test]
fn an_unknown_certificate_is_refused_and_ca_file_is_named() {
    let sim = sim(vec![]);
    let front = TlsFront::of(sim.url());
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let output = env.run(&[&["--host", front.url()][..], &GROUP].concat());
    let output = output.refuses(3, &["the server's certificate is not trusted", "--ca-file ca.pem", "--insecure"]);
    assert!(!output.stderr.contains("attempts"), "tried again in vain\n{output}");
    assert!(sim.requests().is_empty(), "a request went to a server that is not trusted");
}

#[test]
fn with_its_ca_or_insecure_the_same_server_is_read() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let front = TlsFront::of(sim.url());
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
    let run = |more: &[&str]| env.run(&[&["--host", front.url(), "-o", "json"], &GROUP[..], more].concat());

    let trusted = run(&["--ca-file", "ca.pem"]).exits_with(0);
    assert_eq!(trusted.stderr, "");
    assert_eq!(trusted.json()["host"], front.url());
    let insecure = run(&["--insecure"]).exits_with(0).says(&["warning: --insecure: certificates are not checked"]);
    assert_eq!(insecure.json()["projects"], trusted.json()["projects"]);

    // The CA of another server is no help.
    std::fs::write(env.home().join("ca.pem"), TlsFront::of(sim.url()).ca()).unwrap();
    let _ = run(&["--ca-file", "ca.pem"]).refuses(3, &["certificate is not trusted", "--ca-file"]);
}

#[test]
fn a_redirect_to_another_host_is_not_followed_and_the_token_not_sent() {
    let stranger = sim(vec![]);
    for code in [301, 302, 307, 308] {
        let location = format!("{}/api/v4/groups/12345", stranger.url());
        let sim = sim(vec![Fault::on("/api/v4/groups/").redirect(code, &location)]);
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let output = env.run(&[&["--host", sim.url()][..], &GROUP].concat());
        let to = format!("it redirects to {}, which is another host; it was not followed", stranger.url());
        let hint = format!("Hint: if that is where your GitLab is, name it: --host {}", stranger.url());
        let output = output.refuses(3, &[&to, "the token not sent", &hint]);
        assert!(!output.stderr.contains(TOKEN_READ_API), "{output}");
    }
    assert!(stranger.requests().is_empty(), "the stranger was asked: {:?}", stranger.requests());
}

#[test]
fn a_redirect_down_to_http_is_not_followed_and_the_token_not_sent() {
    let stranger = sim(vec![]);
    let sim = sim(vec![Fault::on("/api/v4/groups/").redirect(301, &format!("{}/x", stranger.url()))]);
    let front = TlsFront::of(sim.url());
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
    let output = env.run(&[&["--host", front.url(), "--ca-file", "ca.pem"], &GROUP[..]].concat());
    let _ = output.refuses(3, &["which is not encrypted; it was not followed and the token not sent"]);
    assert!(stranger.requests().is_empty(), "the token went out in the clear");
}

#[test]
fn a_redirect_within_the_host_is_followed_with_the_token() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let projects = "/api/v4/groups/12345/projects?include_subgroups=true&per_page=100&order_by=id&sort=asc";
    sim.add_fault(Fault::on("/groups/old-name/projects").redirect(301, projects));
    sim.add_fault(Fault::on("/groups/old-name?").redirect(301, &format!("{}/api/v4/groups/12345", sim.url())));
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let output = env.run(&["--host", sim.url(), "--group-id", "old-name", "-o", "json"]);
    let json = output.exits_with(0).json();
    assert_eq!((&json["groups"][0]["full_path"], &json["complete"]), (&"acme".into(), &true.into()));
    assert!(sim.requests().iter().all(|request| request.authorization));
}

#[test]
fn redirects_in_a_circle_end() {
    let sim = sim(vec![Fault::on("/api/v4/groups/").redirect(302, "/api/v4/groups/12345")]);
    let _ = status(&sim, &[]).refuses(3, &["it redirects to", "again and again"]);
    assert!(sim.requests().len() < 50, "{} requests", sim.requests().len());
}

#[test]
fn a_server_that_speaks_http2_is_asked_over_one_connection() {
    let sim = sim(vec![]);
    for (protocols, expected, most) in [(&["h2", "http/1.1"][..], "h2", 3), (&["http/1.1"], "http/1.1", 16)] {
        let front = TlsFront::speaking(sim.url(), protocols);
        let env = Env::new();
        std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
        let _ = env.run(&[&["--host", front.url(), "--ca-file", "ca.pem"], &GROUP[..]].concat()).exits_with(0);
        let connections = front.connections();
        assert!(connections.iter().all(|protocol| protocol == expected), "{connections:?}");
        // What goes out at the very start does not know yet that one connection is enough.
        assert!(connections.len() <= most, "{connections:?}");
    }
}
