//! What clients other than ours found: parameters, methods, headers and routes that GitLab has, as tables of cases.

use std::io::Read;

use serde_json::Value;

use super::http::{Got, get, send, sim};
use crate::{Access, Options, Sim, TOKEN_API, TOKEN_READ_API};

const PIPELINES: &str = "/api/v4/projects/20003/pipelines";
const PROJECTS: &str = "/api/v4/groups/acme/projects";

fn names(got: &Got) -> Vec<String> {
    let list = got.json();
    list.as_array().unwrap().iter().map(|item| item["full_path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_wrong_parameter_is_a_400_with_gitlabs_words() {
    let sim = sim();
    let newest = get(&sim, PIPELINES).json()[0]["id"].clone();
    let jobs = format!("{PIPELINES}/{newest}/jobs");
    let not_allowed = "does not have a valid value";
    let cases: [(&str, String, &str, &str); 24] = [
        ("a page before the first", format!("{PIPELINES}?page=0"), "page", not_allowed),
        ("a page below zero", format!("{PIPELINES}?page=-1"), "page", not_allowed),
        ("a page that is a word", format!("{PROJECTS}?page=two"), "page", "is invalid"),
        ("a page of nothing", format!("{PROJECTS}?per_page=0"), "per_page", not_allowed),
        ("a size that is a word", format!("{PROJECTS}?per_page=abc"), "per_page", "is invalid"),
        ("a size with a fraction", format!("{jobs}?per_page=1.5"), "per_page", "is invalid"),
        ("a source that GitLab does not have", format!("{PIPELINES}?source=nonsense"), "source", not_allowed),
        ("an empty source", format!("{PIPELINES}?source="), "source", not_allowed),
        ("an unknown scope", format!("{PIPELINES}?scope=mine"), "scope", not_allowed),
        ("an unknown status", format!("{PIPELINES}?status=green"), "status", not_allowed),
        ("an unknown order", format!("{PIPELINES}?order_by=colour"), "order_by", not_allowed),
        ("an unknown direction", format!("{PIPELINES}?sort=up"), "sort", not_allowed),
        ("a time that is none", format!("{PIPELINES}?updated_after=soon"), "updated_after", "is invalid"),
        ("a time of creation that is none", format!("{PIPELINES}?created_before=x"), "created_before", "is invalid"),
        ("a word for a boolean", format!("{PIPELINES}?yaml_errors=maybe"), "yaml_errors", "is invalid"),
        ("two for a boolean", format!("{PROJECTS}?include_subgroups=2"), "include_subgroups", "is invalid"),
        ("a boolean that nothing here reads", format!("{PROJECTS}?starred=ja"), "starred", "is invalid"),
        ("an unknown order of projects", format!("{PROJECTS}?order_by=size"), "order_by", not_allowed),
        ("an unknown direction of projects", "/api/v4/projects?sort=up".to_owned(), "sort", not_allowed),
        ("an unknown order of groups", "/api/v4/groups?order_by=created_at".to_owned(), "order_by", not_allowed),
        ("a boolean of one group", "/api/v4/groups/acme?with_projects=x".to_owned(), "with_projects", "is invalid"),
        (
            "one unknown scope of jobs among known ones",
            format!("{jobs}?scope[]=failed&scope[]=red"),
            "scope",
            not_allowed,
        ),
        (
            "an unknown scope of a project's jobs",
            "/api/v4/projects/20003/jobs?scope=red".to_owned(),
            "scope",
            not_allowed,
        ),
        ("a project that does not exist", "/api/v4/projects/1/pipelines?page=0".to_owned(), "page", not_allowed),
    ];
    for (sentence, path, parameter, complaint) in cases {
        let got = get(&sim, &path);
        let expected = format!("{parameter} {complaint}");
        assert_eq!((got.status, got.json()["error"].as_str()), (400, Some(expected.as_str())), "{sentence}: {path}");
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn every_word_of_grape_for_yes_and_no_is_understood() {
    let sim = sim();
    let count = |word: &str| {
        let got = get(&sim, &format!("{PROJECTS}?per_page=100&with_shared=false&include_subgroups={word}"));
        assert_eq!(got.status, 200, "{word}");
        got.json().as_array().unwrap().len()
    };
    for word in "1 on On ON t true True TRUE T y yes Yes YES Y".split(' ') {
        assert!(count(word) > 30, "{word}");
    }
    for word in "0 off Off OFF f false False FALSE F n no No NO N".split(' ') {
        assert_eq!(count(word), 0, "{word}");
    }
    assert_eq!(count(""), 0, "nothing is as good as no parameter");
}

#[test]
fn a_name_with_namespace_has_the_names_of_all_groups_above() {
    let sim = sim();
    let project = get(&sim, "/api/v4/projects/acme%2Fpayments%2Fproviders%2Fstripe").json();
    let name = project["name"].as_str().unwrap();
    assert_eq!(project["name_with_namespace"], format!("Acme / Payments / Providers / {name}"));
    assert_eq!(project["namespace"]["name"], "Providers");
}

#[test]
fn head_answers_the_headers_of_get_without_its_body() {
    let sim = sim();
    for path in [PIPELINES, PROJECTS, "/api/v4/projects/1", "/api/v4/projects/20003/pipelines?page=0"] {
        let (whole, head) = (get(&sim, path), send(&sim, "HEAD", path, "").unwrap());
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        for name in ["content-length", "content-type", "x-total", "link"] {
            assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
        }
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_token_is_taken_wherever_gitlab_takes_one() {
    let sim = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let path = "/api/v4/projects/20003";
    let cases = [
        ("a bearer", path.to_owned(), format!("authorization: Bearer {TOKEN_READ_API}\r\n"), 200),
        ("GitLab's header", path.to_owned(), format!("private-token: {TOKEN_READ_API}\r\n"), 200),
        ("the parameter", format!("{path}?private_token={TOKEN_READ_API}"), String::new(), 200),
        ("a wrong header", path.to_owned(), "private-token: nonsense\r\n".to_owned(), 401),
        ("a wrong parameter", format!("{path}?private_token=nonsense"), String::new(), 401),
        ("none", path.to_owned(), String::new(), 404),
    ];
    for (sentence, path, headers, status) in cases {
        assert_eq!(send(&sim, "GET", &path, &headers).unwrap().status, status, "{sentence}");
    }
    assert!(sim.requests()[2].authorization);
    let paged = get(&sim, &format!("{PROJECTS}?include_subgroups=true&per_page=2&private_token={TOKEN_API}"));
    assert!(paged.header("link").unwrap().contains("page=2"));
    assert!(!paged.head.contains(TOKEN_API), "the links do not repeat the token");
}

#[test]
fn the_limit_is_announced_unless_it_is_switched_off() {
    let names = ["ratelimit-limit", "ratelimit-name", "ratelimit-observed", "ratelimit-remaining", "ratelimit-reset"];
    let got = get(&sim(), PIPELINES);
    for name in names {
        assert!(got.header(name).is_some(), "{name}");
    }
    assert_eq!(got.header("ratelimit-observed"), Some("1"));
    let without = Sim::start(Options { rate_limit: None, ..Options::default() }).unwrap();
    assert!(!get(&without, PIPELINES).head.contains("ratelimit-"));
}

#[test]
fn an_answer_is_compressed_for_those_who_read_it() {
    let sim = sim();
    let path = format!("{PROJECTS}?include_subgroups=true&per_page=100");
    let plain = get(&sim, &path);
    assert_eq!(plain.header("content-encoding"), None);
    for (accepted, compressed) in [
        ("gzip, br, zstd", true),
        ("br;q=1.0, gzip;q=0.5", true),
        ("*", true),
        ("gzip;q=0", false),
        ("identity", false),
        ("br", false),
    ] {
        let got = send(&sim, "GET", &path, &format!("accept-encoding: {accepted}\r\n")).unwrap();
        assert_eq!(got.header("content-encoding") == Some("gzip"), compressed, "{accepted}");
        let body = if compressed { gunzip(&got.body) } else { got.body.clone() };
        assert_eq!(body, plain.body, "{accepted}");
        assert_eq!(got.header("content-length"), Some(got.body.len().to_string().as_str()), "{accepted}");
    }
    let stats = sim.stats();
    assert_eq!(stats["bytes"].as_u64().unwrap(), 7 * plain.body.len() as u64);
    assert!(stats["sent_bytes"].as_u64() < stats["bytes"].as_u64());
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    plain
}

#[test]
fn groups_are_listed_by_level() {
    let sim = sim();
    let below = ["acme/attic", "acme/ml", "acme/mobile", "acme/payments", "acme/platform", "acme/web"];
    let mut found = names(&get(&sim, "/api/v4/groups/acme/subgroups"));
    found.sort();
    assert_eq!(found, below);
    assert_eq!(names(&get(&sim, "/api/v4/groups/12350/subgroups")), ["acme/payments/providers"]);
    assert_eq!(names(&get(&sim, "/api/v4/groups/acme/descendant_groups")).len(), 8);
    assert_eq!(names(&get(&sim, "/api/v4/groups?top_level_only=true")), ["acme", "partners"]);
    assert_eq!(names(&get(&sim, "/api/v4/groups?search=PAY")), ["acme/payments"]);
    assert_eq!(get(&sim, "/api/v4/groups/missing/subgroups").status, 404);
    let private = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    assert!(names(&get(&private, "/api/v4/groups")).is_empty());
    assert!(get(&private, "/api/v4/projects").json().as_array().unwrap().is_empty());
}

#[test]
fn a_projects_jobs_are_those_of_its_pipelines_newest_first_and_uncounted() {
    let sim = sim();
    let ids = |value: &Value| -> Vec<u64> {
        value.as_array().unwrap().iter().map(|job| job["id"].as_u64().unwrap()).collect()
    };
    let base = "/api/v4/projects/20005";
    let mut expected = Vec::new();
    for pipeline in get(&sim, &format!("{base}/pipelines?per_page=100")).json().as_array().unwrap() {
        let path = format!("{base}/pipelines/{}/jobs?per_page=100&include_retried=true", pipeline["id"]);
        expected.extend(ids(&get(&sim, &path).json()));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let first = get(&sim, &format!("{base}/jobs?per_page=100"));
    assert_eq!(ids(&first.json()), expected);
    assert_eq!((first.header("x-total"), first.header("x-page")), (None, Some("1")));
    let failed = get(&sim, &format!("{base}/jobs?scope[]=failed&scope[]=canceled")).json();
    assert!(failed.as_array().unwrap().iter().all(|job| job["status"] == "failed" || job["status"] == "canceled"));
    let mut path = format!("{base}/jobs?pagination=keyset&order_by=id&sort=desc&per_page=3");
    let mut found = Vec::new();
    loop {
        let page = get(&sim, &path);
        assert_eq!(page.header("x-page"), None);
        found.extend(ids(&page.json()));
        let Some(link) = page.header("link") else { break };
        let url = link.strip_prefix('<').and_then(|link| link.split_once('>')).unwrap();
        assert_eq!(url.1, "; rel=\"next\"");
        path = url.0.strip_prefix(sim.url()).unwrap().to_owned();
    }
    assert_eq!(found, expected);
}

#[test]
fn a_commit_is_found_by_hash_by_its_beginning_and_by_ref() {
    let sim = sim();
    let newest = get(&sim, PIPELINES).json()[0].clone();
    let (sha, branch) = (newest["sha"].as_str().unwrap(), newest["ref"].as_str().unwrap());
    for wanted in [sha, &sha[..8], branch] {
        let path = format!("/api/v4/projects/20003/repository/commits/{}", wanted.replace('/', "%2F"));
        let commit = get(&sim, &path).json();
        assert_eq!(commit["last_pipeline"]["id"], newest["id"], "{wanted}");
        assert_eq!((&commit["id"], &commit["status"]), (&newest["sha"], &newest["status"]), "{wanted}");
    }
    let missing = get(&sim, "/api/v4/projects/20003/repository/commits/0000000000");
    assert_eq!((missing.status, missing.json()["message"].as_str()), (404, Some("404 Commit Not Found")));
}
