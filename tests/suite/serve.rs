//! `glwatch serve`: its addresses, who may look, what a webhook leads to, and what it costs GitLab.

use super::cost::scenario;
use super::trouble::pipelines_of;
use super::watch::TWO;
use crate::support::Env;
use crate::support::running::{DEADLINE, Running};
use glwatch_sim::{Clock, Fault, Options, Sim, TOKEN_READ_API, WorldKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The server, and the address that it is on.
pub(super) struct Served {
    pub(super) running: Running,
    pub(super) address: String,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Served {
    pub(super) fn start(env: &Env, sim: &Sim, more: &[&str]) -> Self {
        Self::started(env.start(&Self::arguments(sim, more)))
    }

    /// Starts it where files may not grow beyond so many blocks of 512 bytes.
    pub(super) fn start_with_room(blocks: u32, env: &Env, sim: &Sim, more: &[&str]) -> Self {
        Self::started(env.start_with_room(blocks, &Self::arguments(sim, more)))
    }

    fn arguments<'a>(sim: &'a Sim, more: &[&'a str]) -> Vec<&'a str> {
        let fixed = ["serve", "--host", sim.url(), "--group-id", "12345", "--listen", "127.0.0.1:0", "--rps", "1000"];
        [&fixed, more].concat()
    }

    pub(super) fn started(mut running: Running) -> Self {
        let line = running.error_line();
        let address = line.strip_prefix("serving on http://").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { running, address }
    }

    /// Starts it and waits until it has read the group.
    pub(super) fn ready(env: &Env, sim: &Sim, more: &[&str]) -> Self {
        let served = Self::start(env, sim, more);
        served.wait(|served| served.get("/health/ready").status == 200);
        served
    }

    #[track_caller]
    pub(super) fn wait(&self, holds: impl Fn(&Self) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !holds(self) {
            assert!(Instant::now() < until, "it did not come to that: {}", self.get("/health/ready").body);
        }
    }

    pub(super) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "")
    }

    pub(super) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        ask(&self.address, method, path, headers, body)
    }

    /// Returns the sum of a family.
    pub(super) fn total(&self, family: &str) -> f64 {
        let page = self.get("/metrics").body;
        let of_family = page.lines().filter(|line| line.starts_with(&format!("{family}{{")));
        of_family.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    /// Returns the value of a series by its text.
    pub(super) fn metric(&self, series: &str) -> Option<f64> {
        let page = self.get("/metrics").body;
        page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }
}

/// Sends one request on a connection of its own.
pub(super) fn ask(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        head += &format!("host: {}\r\n", address);
    }
    head += &format!("content-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Reply { status, headers, body: body.to_owned() }
}

fn hook(project: u64, git_ref: &str) -> String {
    json!({
        "object_kind": "pipeline",
        "object_attributes": { "ref": git_ref, "tag": false },
        "project": { "id": project, "path_with_namespace": "acme/api" },
    })
    .to_string()
}

#[test]
fn the_snapshot_is_what_the_command_prints_and_is_sent_once() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &[]);
    let reply = served.get("/api/v1/snapshot");
    assert_eq!((reply.status, reply.headers["content-type"].as_str()), (200, "application/json"));
    let document = reply.json();
    assert_eq!(document["schema"], "glwatch.status/1");
    let paths: Vec<&str> =
        document["projects"].as_array().unwrap().iter().map(|one| one["full_path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["acme/api", "acme/web"]);
    assert!(reply.headers["age"].parse::<u64>().unwrap() < 60, "{:?}", reply.headers);
    let tag = reply.headers["etag"].clone();
    let again = served.ask("GET", "/api/v1/snapshot", &[("if-none-match", &tag)], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let other = served.ask("GET", "/api/v1/snapshot", &[("if-none-match", "W/\"other\"")], "");
    assert_eq!(other.status, 200);
    for (path, kind) in [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")] {
        let page = served.get(path);
        assert!(page.status == 200 && page.headers["content-type"].starts_with(kind), "{path}");
        assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"), "{path}");
        assert!(!page.body.contains("innerHTML") && !page.body.contains("//cdn"), "{path}");
    }
    assert_eq!(served.get("/health/live").status, 200);
    assert_eq!(served.get("/nothing").status, 404);
}

#[test]
fn metrics_have_the_names_of_the_exporter_and_our_own() {
    let sim = scenario("", TWO);
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API);
    let served = Served::ready(&env, &sim, &[]);
    served.wait(|served| served.metric("gcpe_executed_tasks_count") == Some(2.0));
    let page = served.get("/metrics");
    assert!(page.headers["content-type"].starts_with("text/plain; version=0.0.4"), "{:?}", page.headers);
    let labels = "{project=\"acme/web\",kind=\"branch\",ref=\"main\",source=\"push\"}";
    assert_eq!(served.metric(&format!("gitlab_ci_pipeline_run_count{labels}")), Some(0.0));
    let status = "{project=\"acme/web\",kind=\"branch\",ref=\"main\",source=\"push\",status=\"success\"}";
    assert_eq!(served.metric(&format!("gitlab_ci_pipeline_status{status}")), Some(1.0));
    assert_eq!(served.metric("gcpe_projects_count"), Some(2.0));
    assert_eq!(served.metric("glwatch_tracked_due"), Some(0.0));
    served.wait(|served| served.metric("glwatch_gitlab_info{version=\"18.5.0\",edition=\"ce\"}") == Some(1.0));
    served.wait(|served| {
        served.metric("glwatch_api_requests_total{endpoint=\"groups/:id/projects\",status=\"200\"}").is_some()
    });
    assert!(page.body.contains("glwatch_project_read_timestamp_seconds{project=\"acme/api\"}"), "{}", page.body);
}

/// What is said about formats: the exporter's file, options and the switch of ours; then what a scraper gets, and of which
/// kind a counter of the exporter is there.
type FormatCase<'a> = (&'static str, Option<&'a str>, &'static [&'static str], Option<&'static str>, FormatFound);
type FormatFound = (&'static str, &'static str);

#[test]
fn a_scraper_finds_the_exporters_counters_by_the_names_that_dashboards_use() {
    // What Prometheus sends.
    const SCRAPER: &str = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
    let sim = scenario("", TWO);
    let file = |encoding: &str| {
        format!("gitlab: {{url: '{}'}}\nserver: {{metrics: {{{encoding}}}}}\nprojects: [{{name: acme/api}}]", sim.url())
    };
    let (asked, silent) = (file("enable_openmetrics_encoding: true"), file(""));
    let cases: [FormatCase<'_>; 6] = [
        ("by default", None, &[], None, (OPEN, "unknown")),
        ("with the exporter's mistakes", None, &["--compatibility", "strict"], None, (OPEN, "unknown")),
        ("OpenMetrics is switched off", None, &[], Some("false"), (PLAIN, "counter")),
        ("the exporter's file says nothing of it", Some(&silent), &[], None, (PLAIN, "counter")),
        ("the exporter's file asks for it", Some(&asked), &[], None, (OPEN, "counter")),
        ("it does, and the user does not", Some(&asked), &[], Some("false"), (PLAIN, "counter")),
    ];
    for (sentence, file, more, switch, (kind, counter)) in cases {
        let env = switch.into_iter().fold(Env::new(), |env, switch| env.with("GLWATCH_SERVE_OPENMETRICS", switch));
        let path = env.home().join("exporter.yml");
        let mut more = more.to_vec();
        if let Some(file) = file {
            std::fs::write(&path, file).unwrap();
            more.extend(["--exporter-config", path.to_str().unwrap()]);
        }
        let served = Served::start(&env, &sim, &more);
        served.wait(|served| served.get("/metrics").body.contains("gitlab_ci_pipeline_run_count{"));
        let page = served.ask("GET", "/metrics", &[("accept", SCRAPER)], "");
        assert_eq!(page.headers["content-type"], kind, "{sentence}");
        assert_eq!(page.body.ends_with("# EOF\n"), kind == OPEN, "{sentence}");
        let name = "gitlab_ci_pipeline_run_count";
        let has_total = (kind, counter) == (OPEN, "counter");
        assert!(page.body.contains(&format!("# TYPE {name} {counter}\n")), "{sentence}: {}", page.body);
        assert_eq!(page.body.contains(&format!("\n{name}_total{{")), has_total, "{sentence}");
        assert_eq!(page.body.contains(&format!("\n{name}{{")), !has_total, "{sentence}");
    }
}

#[test]
fn a_webhook_makes_one_project_due_and_says_nothing_that_is_shown() {
    let sim = scenario("", TWO);
    let env = Env::new();
    // Nothing is read but what is asked for.
    let served = Served::ready(&env, &sim, &["--interval", "1h", "--api", "graphql"]);
    served.wait(|served| served.metric("gcpe_executed_tasks_count") == Some(2.0));
    let project = served.get("/api/v1/snapshot").json()["projects"][0]["id"].as_u64().unwrap();
    sim.clear_requests();
    let delivery = [("webhook-id", "a-1")];
    assert_eq!(served.ask("POST", "/webhook", &delivery, &hook(project, "main")).status, 200);
    assert!(sim.wait_for_requests(3, DEADLINE), "the project was not read again");
    served.wait(|served| served.metric("gcpe_executed_tasks_count") >= Some(3.0));
    let asked = sim.requests();
    let of_others =
        asked.iter().filter(|request| request.path.contains("/groups/") || request.path.ends_with("/branches"));
    assert_eq!(of_others.count(), 0, "a webhook is about one project: {asked:?}");
    // The same again is one that GitLab believes to have failed.
    assert_eq!(served.ask("POST", "/webhook", &delivery, &hook(project, "main")).status, 200);
    let before = served.metric("glwatch_webhooks_total{outcome=\"repeated\"}");
    assert_eq!(before, Some(1.0));
    for (body, outcome) in [("[", "unknown"), ("{\"object_kind\":\"wiki_page\"}", "unused")] {
        assert_eq!(served.ask("POST", "/webhook", &[], body).status, 200, "{body}");
        assert_eq!(served.metric(&format!("glwatch_webhooks_total{{outcome=\"{outcome}\"}}")), Some(1.0), "{body}");
    }
}

#[test]
fn only_those_with_the_secret_wake_it_and_only_those_with_the_token_look() {
    let sim = scenario("", TWO);
    let env = Env::new()
        .with("GLWATCH_SERVE_WEBHOOK_SECRET", "s3cret-hook")
        .with("GLWATCH_SERVE_ACCESS_TOKEN", "s3cret-look");
    let served = Served::ready(&env, &sim, &[]);
    let body = hook(1, "main");
    assert_eq!(served.ask("POST", "/webhook", &[], &body).status, 403);
    assert_eq!(served.ask("POST", "/webhook", &[("x-gitlab-token", "other")], &body).status, 403);
    assert_eq!(served.ask("POST", "/webhook", &[("x-gitlab-token", "s3cret-hook")], &body).status, 200);
    for path in ["/", "/api/v1/snapshot", "/api/v1/explain/acme/api", "/api/v1/events"] {
        let refused = served.get(path);
        assert_eq!(refused.status, 401, "{path}");
        assert!(refused.headers.contains_key("www-authenticate"), "{path}");
        assert!(!refused.body.contains("acme"), "{path}");
    }
    assert_eq!(served.ask("GET", "/api/v1/snapshot", &[("authorization", "Bearer s3cret-look")], "").status, 200);
    assert_eq!(served.get("/metrics").status, 200);
    let all = [served.get("/metrics").body, served.get("/health/ready").body].concat();
    assert!(!all.contains("s3cret"));
}

#[test]
fn a_server_on_this_machine_is_not_asked_for_by_a_foreign_page() {
    let sim = scenario("", TWO);
    const FOREIGN: &str = "evil.example.net:9252";
    let paths = ["/", "/page.js", "/api/v1/snapshot", "/api/v1/events", "/api/v1/explain/acme/api", "/metrics"];
    let env = Env::new().with("GLWATCH_SERVE_HOSTS", "Hub.example.com.");
    let served = Served::ready(&env, &sim, &[]);
    for path in paths {
        let refused = served.ask("GET", path, &[("host", FOREIGN)], "");
        assert_eq!((refused.status, refused.body.lines().count()), (421, 1), "{path}: {}", refused.body);
        assert!(!refused.body.contains("acme"), "{path}");
    }
    for host in ["localhost:1", "[::1]", "hub.example.com", "LOCALHOST."] {
        assert_eq!(served.ask("GET", "/api/v1/snapshot", &[("host", host)], "").status, 200, "{host}");
    }
    assert_eq!(served.ask("POST", "/webhook", &[("host", FOREIGN)], &hook(1, "main")).status, 421);
    assert_eq!(served.ask("POST", "/webhook", &[], &hook(1, "main")).status, 200);
    let twice = served.ask("GET", "/api/v1/snapshot", &[("host", "localhost"), ("host", "localhost")], "");
    assert_ne!(twice.status, 200);
    assert_eq!(served.ask("GET", "http://evil.example.net/", &[("host", "localhost")], "").status, 421);
    // One that asks whether all is well does not learn what is not.
    assert_eq!(served.ask("GET", "/health/live", &[("host", FOREIGN)], "").status, 200);
    assert_eq!(served.ask("GET", "/health/ready", &[("host", FOREIGN)], "").body, "ready\n");
    sim.add_fault(Fault::on("").status(502));
    let env_of_failing = Env::new();
    let failing = Served::start(&env_of_failing, &sim, &["--interval", "100ms", "--retry-wait", "1ms"]);
    failing.wait(|served| served.get("/health/ready").body.contains("nothing has been read yet"));
    let told = failing.ask("GET", "/health/ready", &[("host", FOREIGN)], "");
    assert_eq!((told.status, told.body.as_str()), (503, "not ready\n"));
    sim.clear_faults();
    // What asks for a token, or for proof, is for every name that has it.
    let env =
        Env::new().with("GLWATCH_SERVE_ACCESS_TOKEN", "s3cret-look").with("GLWATCH_SERVE_WEBHOOK_SECRET", "s3cret");
    let served = Served::ready(&env, &sim, &[]);
    let with_token = [("host", FOREIGN), ("authorization", "Bearer s3cret-look")];
    assert_eq!(served.ask("GET", "/api/v1/snapshot", &with_token, "").status, 200);
    assert_eq!(served.ask("GET", "/api/v1/snapshot", &[("host", FOREIGN)], "").status, 401);
    assert_eq!(served.ask("GET", "/metrics", &[("host", FOREIGN)], "").status, 421);
    let with_secret = [("host", FOREIGN), ("x-gitlab-token", "s3cret")];
    assert_eq!(served.ask("POST", "/webhook", &with_secret, &hook(1, "main")).status, 200);
    for hosts in ["https://hub.example.com", "hub.example.com:80", "*.example.com"] {
        let env = Env::new().with("GLWATCH_SERVE_HOSTS", hosts);
        let _ = env.run(&["serve", "--host", sim.url(), "-g", "12345"]).refuses(2, &["is no name of a host"]);
    }
}

#[test]
fn an_address_that_others_reach_needs_a_token_or_the_word_that_it_is_open() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let arguments = ["serve", "--host", sim.url(), "--group-id", "12345", "--listen", "0.0.0.0:0"];
    let _ = env.run(&arguments).refuses(2, &["reached by others", "--insecure-open"]);
    assert_eq!(sim.requests().len(), 0);
}

#[test]
fn a_change_is_an_event_with_a_number_that_one_can_come_back_to() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "100ms"]);
    let events = |last: Option<&str>| {
        let mut stream = TcpStream::connect(&served.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
        stream.write_all(format!("GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n{last}\r\n").as_bytes()).unwrap();
        BufReader::new(stream).lines().map_while(Result::ok)
    };
    let mut first = events(None);
    assert!(first.by_ref().any(|line| line == "event: snapshot"), "one that is new takes the snapshot");
    // What runs ends.
    sim.clock().advance(Duration::from_secs(300));
    let id = first.by_ref().find_map(|line| line.strip_prefix("id: ").map(str::to_owned)).unwrap();
    let (epoch, number) = id.split_once('-').unwrap();
    assert!(number.parse::<u64>().unwrap() >= 1);
    let data = first.by_ref().find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    assert!(serde_json::from_str::<Value>(&data).unwrap()["event"].is_string(), "{data}");
    // One that has seen none of this process's events gets them all; one of another process takes the snapshot.
    let mut again = events(Some(&format!("{epoch}-0")));
    assert!(again.by_ref().any(|line| line == format!("id: {id}")));
    for unknown in ["1-0".to_owned(), format!("{epoch}-{}", u64::MAX), format!("{epoch}--1"), "-".to_owned()] {
        let mut other = events(Some(&unknown));
        assert!(other.by_ref().any(|line| line == "event: snapshot"), "{unknown}");
    }
}

#[test]
fn what_is_compatible_has_a_short_and_a_long_name() {
    let sim = scenario("", TWO);
    let issue = [("x-gitlab-event", "Issue Hook")];
    for (option, status) in [(&[][..], 200), (&["--compat", "strict"], 422), (&["--compatibility", "strict"], 422)] {
        let env = Env::new();
        let served = Served::start(&env, &sim, option);
        assert_eq!(served.ask("POST", "/webhook", &issue, "{}").status, status, "{option:?}");
    }
}

#[test]
fn a_question_without_an_answer_is_refused_in_json() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &[]);
    let cases = [
        ("explain/acme/api?pipeline=abc", 400),
        ("explain/acme/api?pipeline=1", 404),
        ("explain/acme/nothing", 404),
        ("explain/acme/%ff", 400),
        ("past/acme/api?before=abc", 400),
        ("past/acme/api?before=-1", 400),
        ("past/acme/nothing", 404),
        ("past/acme/%ff", 400),
    ];
    for (question, status) in cases {
        let reply = served.get(&format!("/api/v1/{question}"));
        assert_eq!(reply.status, status, "{question}: {}", reply.body);
        assert!(reply.json()["error"].is_string(), "{question}");
    }
}

#[test]
fn what_cannot_be_read_is_not_ready_and_it_goes_on_by_itself() {
    let sim = scenario("", TWO);
    sim.add_fault(Fault::on("").status(502));
    let env = Env::new();
    let served = Served::start(&env, &sim, &["--interval", "100ms", "--retry-wait", "1ms"]);
    served.wait(|served| served.get("/health/ready").body.contains("nothing has been read yet"));
    assert_eq!(served.get("/health/ready").status, 503);
    assert_eq!(served.get("/api/v1/snapshot").status, 503);
    assert_eq!(served.get("/health/live").status, 200);
    sim.clear_faults();
    served.wait(|served| served.get("/health/ready").status == 200);
    sim.add_fault(Fault::on("").status(502));
    served.wait(|served| served.get("/health/ready").body.contains("no project is fresh"));
    let snapshot = served.get("/api/v1/snapshot").json();
    assert_eq!(
        (snapshot["complete"].as_bool(), snapshot["projects"][0]["state"].as_str()),
        (Some(false), Some("stale"))
    );
}

#[test]
fn one_project_that_cannot_be_read_turns_no_one_away() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "100ms", "--retry-wait", "1ms"]);
    let is = |status: u16, words: &str| {
        served.wait(|served| {
            let reply = served.get("/health/ready");
            reply.status == status && reply.body == words
        });
    };
    sim.add_fault(Fault::on(&format!("{}?", pipelines_of(&sim, "acme/web"))).status(502));
    is(200, "ready, but 1 project is not fresh\n");
    sim.add_fault(Fault::on("/pipelines").status(502));
    is(503, "not ready: no project is fresh\n");
    sim.clear_faults();
    is(200, "ready\n");
}

#[test]
fn it_ends_with_a_signal_though_someone_listens() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &[]);
    let mut stream = TcpStream::connect(&served.address).unwrap();
    stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line == "event: snapshot"));
    served.running.signal("-TERM");
    let (_, said, code) = served.running.end();
    assert_eq!(code, Some(143), "{said}");
}

#[test]
fn a_quiet_interval_costs_two_queries_for_each_hundred_projects_and_a_few_that_look_around() {
    let world = WorldKind::Uniform { projects: 120, stages: 1, jobs: 1 };
    let sim = Sim::start(Options { world, any_group: true, clock: Clock::real(), ..Options::default() }).unwrap();
    let env = Env::new();
    let served = Served::ready(&env, &sim, &["--interval", "200ms", "--api", "graphql"]);
    // It is counted when a look has ended.
    served.wait(|served| served.metric("gcpe_refs_count") == Some(120.0));
    sim.clear_requests();
    assert!(sim.wait_for_requests(100, DEADLINE));
    let asked = sim.requests();
    let count = |is: &dyn Fn(&glwatch_sim::Request) -> bool| asked.iter().filter(|request| is(request)).count();
    let news = count(&|request| request.operation.as_deref() == Some("News"));
    let around = count(&|request| request.path.contains("/repository/"));
    let whole = count(&|request| request.path.contains("/pipelines/"));
    // 120 projects are two queries; a turn that has begun may have sent one of them.
    assert!(news >= 4, "{news} of {asked:#?}");
    assert!(around <= (news / 2 + 2) * 8, "{around} requests that look around in {news} queries");
    assert_eq!(whole, 0, "nothing has changed, so no pipeline is read: {asked:?}");
}

/// Sends what is given, and nothing more; returns once the server has closed the connection.
fn is_closed_after(address: &str, sent: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(sent).unwrap();
    let mut rest = Vec::new();
    // A connection that is reset is closed, too.
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[test]
fn a_client_that_does_not_go_on_is_cut_off() {
    let sim = scenario("", TWO);
    let env = Env::new();
    let served = Served::ready(&env, &sim, &[]);
    let hook = "POST /webhook HTTP/1.1\r\nhost: localhost\r\n";
    let cases = [
        ("nothing", String::new()),
        ("half a head", "GET / HTTP/1.1\r\nhost: localhost\r\n".to_owned()),
        ("a request, and no other one", "GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned()),
        ("the beginning of HTTP/2", "PRI".to_owned()),
        ("the whole greeting of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0".to_owned()),
        ("half a body", format!("{hook}content-length: 100\r\n\r\n{{")),
        ("a body that says nothing", format!("{hook}transfer-encoding: chunked\r\n\r\n")),
    ];
    std::thread::scope(|scope| {
        let address = &served.address;
        let each =
            cases.map(|(sentence, sent)| (sentence, scope.spawn(move || is_closed_after(address, sent.as_bytes()))));
        for (sentence, closed) in each {
            assert!(closed.join().unwrap(), "{sentence}");
        }
    });
}

#[test]
fn a_strangers_body_is_not_read_and_one_that_is_too_large_is_no_failure() {
    let sim = scenario("", TWO);
    let large = " ".repeat(26 * 1024 * 1024);
    for (secret, status) in [(None, "200"), (Some("s3cret-hook"), "403")] {
        let env = secret.map_or_else(Env::new, |secret| Env::new().with("GLWATCH_SERVE_WEBHOOK_SECRET", secret));
        let served = Served::ready(&env, &sim, &[]);
        let mut stream = TcpStream::connect(&served.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = format!("POST /webhook HTTP/1.1\r\nhost: {}\r\nwebhook-id: a-1\r\n", served.address);
        stream.write_all(format!("{head}content-length: {}\r\n\r\n", large.len()).as_bytes()).unwrap();
        // The answer may come before the body has gone.
        let _ = stream.write_all(&large.as_bytes()[..large.len() * usize::from(secret.is_none())]);
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"));
        // What did not come whole is not taken for what comes later by the same name.
        let project = served.get("/api/v1/snapshot").json()["projects"][0]["id"].as_u64().unwrap();
        let proof = [("webhook-id", "a-1"), ("x-gitlab-token", "s3cret-hook")];
        assert_eq!(served.ask("POST", "/webhook", &proof, &hook(project, "main")).status, 200);
        assert_eq!(served.metric("glwatch_webhooks_total{outcome=\"used\"}"), Some(1.0), "{secret:?}");
    }
}
