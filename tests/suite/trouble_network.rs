//! No way to the server, untrusted certificates, redirects to other hosts.

use super::trouble::{sim, status};
use crate::support::Env;
use crate::support::running::DEADLINE;
use crate::support::tls::TlsFront;
use glwatch_sim::{Access, Action, Fault, Options, Sim, TOKEN_READ_API};

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

#[test]
fn a_certificate_marked_as_a_ca_is_accepted_where_it_is_named_byte_for_byte() {
    let sim = sim(vec![]);
    let front = |name: &str, is_over| TlsFront::marked_as_ca(sim.url(), name, is_over);
    let another = front("127.0.0.1", false);
    let good = front("127.0.0.1", false);
    let cases = [
        ("the server's own", &good, good.ca(), None),
        ("one of several", &good, &[another.ca(), good.ca()].concat(), None),
        ("another of the same name", &good, another.ca(), Some("certificate is not trusted")),
    ];
    for (sentence, front, ca, problem) in cases {
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        std::fs::write(env.home().join("ca.pem"), ca).unwrap();
        let output = env.run(&[&["--host", front.url(), "--ca-file", "ca.pem"], &GROUP[..]].concat());
        match problem {
            None => assert_eq!(output.code, Some(0), "{sentence}: {output}"),
            Some(problem) => drop(output.refuses(3, &[problem])),
        }
    }
}

#[test]
fn a_server_that_asks_for_a_certificate_gets_it_and_no_other_server_does() {
    let sim = sim(vec![]);
    let (front, client) = TlsFront::asking(sim.url());
    let (_, foreign) = TlsFront::asking(sim.url());
    let own = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let certificate = client.split("-----BEGIN PRIVATE").next().unwrap().to_owned();
    let key = client.strip_prefix(&certificate).unwrap().to_owned();
    let files = |url: &str| {
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let write = |name: &str, text: &str| std::fs::write(env.home().join(name), text).unwrap();
        [("ca.pem", front.ca()), ("both.pem", &client), ("cert.pem", &certificate), ("key.pem", &key)]
            .into_iter()
            .chain([("foreign.pem", foreign.as_str()), ("other.pem", &own)])
            .for_each(|(name, text)| write(name, text));
        write("host.toml", &format!("[hosts.'{url}']\nclient_cert = 'both.pem'\n"));
        write("elsewhere.toml", "[hosts.'gitlab.example.com']\nclient_cert = 'both.pem'\n");
        env
    };
    type Case<'a> = (&'a str, &'a [&'a str], Result<(), (i32, &'a [&'a str])>);
    let asks: Result<(), (i32, &[&str])> = Err((3, &["asks for a client certificate", "--client-cert me.pem"]));
    let cases: [Case<'_>; 9] = [
        ("one file with both", &["--client-cert", "both.pem"], Ok(())),
        ("two files", &["--client-cert", "cert.pem", "--client-key", "key.pem"], Ok(())),
        ("a file of the host", &["--config", "host.toml"], Ok(())),
        ("a file of another host", &["--config", "elsewhere.toml"], asks),
        ("none", &[], asks),
        ("one of another CA", &["--client-cert", "foreign.pem"], Err((3, &["refuses the client certificate"]))),
        ("no key", &["--client-cert", "cert.pem"], Err((2, &["it has no private key in it", "--client-key"]))),
        (
            "another key",
            &["--client-cert", "cert.pem", "--client-key", "other.pem"],
            Err((2, &["--client-key: \"other.pem\" cannot be used", "the key must be that of the certificate"])),
        ),
        ("a key alone", &["--client-key", "key.pem"], Err((2, &["is a key without its certificate"]))),
    ];
    for (sentence, flags, expected) in cases {
        let env = files(front.url());
        let output = env.run(&[&["--host", front.url(), "--ca-file", "ca.pem"], &GROUP[..], flags].concat());
        match expected {
            Ok(()) => assert_eq!(output.code, Some(0), "{sentence}: {output}"),
            Err((code, words)) => {
                assert_eq!(output.code, Some(code), "{sentence}: {output}");
                words.iter().for_each(|word| assert!(output.stderr.contains(word), "{sentence}: {output}"));
            }
        }
        assert!(!output.to_string().contains("PRIVATE KEY-----\nM"), "{sentence}: {output}");
    }
}

#[test]
fn a_project_may_not_name_a_client_certificate_and_a_key_that_others_may_read_is_a_warning() {
    let sim = sim(vec![]);
    let (front, client) = TlsFront::asking(sim.url());
    let env = Env::new();
    std::fs::write(env.home().join("glwatch.toml"), "client_cert = 'both.pem'\n").unwrap();
    let _ = env.run(&[&["--host", front.url()][..], &GROUP].concat()).refuses(2, &["client_cert", "not allowed in"]);
    let _ = Env::new()
        .run(&[&["--host", sim.url(), "--client-cert", "both.pem"], &GROUP[..]].concat())
        .refuses(2, &["--client-cert: a client certificate is shown over https only", "give --host with https://"]);
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_CLIENT_CERT", "both.pem");
    std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
    let both = env.home().join("both.pem");
    std::fs::write(&both, client).unwrap();
    for (mode, is_warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&both, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let output = env.run(&[&["--host", front.url(), "--ca-file", "ca.pem"], &GROUP[..]].concat()).exits_with(0);
        assert_eq!(
            output.stderr.contains("holds a private key and others may read it"),
            is_warned,
            "{mode:o}: {output}"
        );
    }
}

#[test]
fn insecure_accepts_any_certificate_and_nothing_else_does() {
    let sim = sim(vec![]);
    let fronts = [
        ("version 1", TlsFront::of_version_1(sim.url())),
        ("no longer valid", TlsFront::marked_as_ca(sim.url(), "127.0.0.1", true)),
        ("for another name", TlsFront::marked_as_ca(sim.url(), "other.example", false)),
        ("of an unknown issuer", TlsFront::of(sim.url())),
    ];
    for (sentence, front) in fronts {
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let run = |more: &[&str]| env.run(&[&["--host", front.url()], &GROUP[..], more].concat());
        assert_eq!(run(&["--insecure"]).code, Some(0), "{sentence}");
        assert_eq!(run(&[]).code, Some(3), "{sentence}");
    }
}

#[test]
fn what_is_wrong_with_a_certificate_has_a_hint_of_its_own() {
    let sim = sim(vec![]);
    let cases = [
        (TlsFront::marked_as_ca(sim.url(), "127.0.0.1", true), true, "is no longer valid", "renew it"),
        (
            TlsFront::marked_as_ca(sim.url(), "other.example", false),
            true,
            "is for another name",
            "give --host by a name",
        ),
        (TlsFront::marked_as_ca(sim.url(), "127.0.0.1", false), false, "is not trusted", "--ca-file"),
        (TlsFront::of(sim.url()), false, "its issuer is not known", "--ca-file ca.pem"),
    ];
    for (front, is_named, problem, hint) in cases {
        let env = Env::new();
        std::fs::write(env.home().join("ca.pem"), front.ca()).unwrap();
        let named: &[&str] = if is_named { &["--ca-file", "ca.pem"] } else { &[] };
        let output = env.run(&[&["--host", front.url()], named, &GROUP[..]].concat()).refuses(3, &[problem, hint]);
        assert!(!output.stderr.contains("attempts"), "{output}");
        assert_eq!(output.stderr.contains("Hint: if it is signed by a CA"), hint.contains("ca.pem"), "{output}");
    }
    assert!(sim.requests().is_empty(), "a request went to a server that is not trusted");
}

#[test]
fn plain_http_on_the_port_of_https_is_told_at_once() {
    let sim = sim(vec![]);
    let host = sim.url().replace("http://", "https://");
    let output = Env::new().run(&[&["--host", &host][..], &GROUP].concat());
    let output = output.refuses(3, &["does not speak https on this port", &format!("--host {}", sim.url())]);
    assert!(!output.stderr.contains("attempts"), "{output}");
}

#[test]
fn an_answer_that_is_not_packed_as_it_says_is_told_at_once() {
    for encoding in ["gzip", "br", "zstd"] {
        let headers = vec![("content-encoding".to_owned(), encoding.to_owned())];
        let body = "{\"id\":1,\"full_path\":\"acme\"}".repeat(20);
        let answer = Action::Status { code: 200, content_type: "application/json".into(), body, headers };
        let sim = sim(vec![Fault::on("/groups/12345").action(answer)]);
        let output = status(&sim, &[]).refuses(3, &["cannot be unpacked", "its administrator knows"]);
        assert!(!output.stderr.contains("attempts"), "{encoding}: {output}");
    }
}

#[test]
fn a_login_page_in_front_of_gitlab_is_never_named_as_a_host() {
    let sim = sim(vec![Fault::on("/api/").redirect(302, "https://login.example.com/o/oauth2?client_id=1")]);
    let output = status(&sim, &[]).refuses(3, &["there is a login page in front of", "https://login.example.com"]);
    assert!(!output.stderr.contains("--host https://login") && !output.stderr.contains("client_id"), "{output}");
}

#[test]
fn every_command_has_a_time_limit_and_a_longer_pause_fails_at_once() {
    let commands: [&[&str]; 5] = [
        &["explain", "acme/payments/invoices"],
        &["logs", "acme/payments/invoices"],
        &["config", "check", "--group-id", "12345"],
        &["--group-id", "12345"],
        &["retry", "acme/payments/invoices", "--yes"],
    ];
    for command in commands {
        let sim = sim(vec![Fault::on("GET /api/").rate_limited(Some("3600"))]);
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
        let start = std::time::Instant::now();
        let output = env.run(&[command, &["--host", sim.url(), "--max-time", "10m"]].concat()).exits_with(3);
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "{command:?}");
        let text = format!("{}{}", output.stdout, output.stderr);
        assert!(text.contains("longer than the") || text.contains("it would have to wait"), "{command:?}: {output}");
        assert!(sim.requests().iter().all(|request| request.method == "GET"), "{command:?}");
    }
}

#[test]
fn a_pause_that_is_waited_for_is_told_unless_it_is_to_be_quiet() {
    let start = |more: &[&str]| {
        let sim = sim(vec![Fault::on("GET /api/v4/groups/12345?").once().rate_limited(Some("60"))]);
        let running = Env::new().start(&[&["--host", sim.url()], &GROUP[..], more].concat());
        assert!(sim.wait_for_requests(1, DEADLINE));
        (sim, running)
    };
    // The quiet one has waited longer when the other one tells.
    let (_quiet_sim, quiet) = start(&["--quiet"]);
    let (sim, mut told) = start(&[]);
    let line = told.error_line();
    assert!(line.starts_with(&format!("waiting for {}: it asks for a pause, ", sim.url())), "{line}");
    for running in [quiet, told] {
        running.signal("-INT");
        let (_, stderr, code) = running.end();
        assert!(code == Some(130) && !stderr.contains("waiting for"), "{code:?}: {stderr}");
    }
}
