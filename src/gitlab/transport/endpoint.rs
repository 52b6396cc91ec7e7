//! Counts requests by what was asked and what came back. Names are those of routes: none has an id or a path in it.

use crate::domain::failure::RequestLine;
use crate::domain::host::Host;
use crate::domain::usage::EndpointCount;
use parking_lot::Mutex;
use reqwest::StatusCode;
use std::collections::BTreeMap;
use url::Url;

/// The words of the routes that are asked. Whatever else is in an address is a value.
const WORDS: [&str; 33] = [
    "artifacts",
    "branches",
    "bridges",
    "cancel",
    "commits",
    "compare",
    "deployments",
    "environments",
    "groups",
    "hooks",
    "issues",
    "jobs",
    "merge_requests",
    "metadata",
    "personal_access_tokens",
    "pipelines",
    "play",
    "projects",
    "repository",
    "retry",
    "self",
    "statuses",
    "subgroups",
    "tags",
    "test_report",
    "test_report_summary",
    "trace",
    "user",
    "users",
    "variables",
    "version",
    "descendant_groups",
    "incidents",
];

/// Routes and statuses that are counted apart. A server that redirects to made-up addresses could name more.
const MOST: usize = 500;
const OTHER: &str = "other";

/// The requests of a run.
#[derive(Debug, Default)]
pub(super) struct EndpointCounts(Mutex<BTreeMap<(String, Option<u16>), u64>>);

impl EndpointCounts {
    pub(super) fn add(&self, endpoint: &str, status: Option<StatusCode>) {
        let mut counts = self.0.lock();
        let status = status.map(|status| status.as_u16());
        let key = (endpoint.to_owned(), status);
        let is_counted = counts.len() < MOST || counts.contains_key(&key);
        *counts.entry(if is_counted { key } else { (OTHER.to_owned(), status) }).or_default() += 1;
    }

    pub(super) fn all(&self) -> Vec<EndpointCount> {
        let counts = self.0.lock();
        let count = |((endpoint, status), count): (&(String, Option<u16>), &u64)| EndpointCount {
            endpoint: endpoint.clone(),
            status: *status,
            count: *count,
        };
        counts.iter().map(count).collect()
    }
}

/// Returns the route of a request. `url` is another one than the line's behind a redirect.
pub(super) fn endpoint(host: &Host, line: &RequestLine, url: &Url) -> String {
    if let Some(name) = &line.query {
        return format!("graphql {name}");
    }
    if !host.is_origin_of(url) {
        return "elsewhere".to_owned();
    }
    if *url == host.cable() {
        return "cable".to_owned();
    }
    let base = host.rest("");
    let Some(path) = url.path().strip_prefix(base.path()) else { return OTHER.to_owned() };
    let segment = |text: &str| if WORDS.contains(&text) { text.to_owned() } else { ":id".to_owned() };
    path.split('/').filter(|text| !text.is_empty()).map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_than_permitted() {
        let counts = EndpointCounts::default();
        (0..2 * MOST).for_each(|nth| counts.add(&"jobs/".repeat(nth), Some(StatusCode::OK)));
        let all = counts.all();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!(all.iter().map(|one| one.count).sum::<u64>(), 2 * MOST as u64);
        assert!(all.iter().any(|one| one.endpoint == OTHER && one.count == MOST as u64));
    }

    #[test]
    fn a_route_has_no_value_in_it() {
        let host = Host::parse("https://gitlab.example.com/tools").unwrap();
        let at = |path: &str| format!("https://gitlab.example.com/tools/api/v4/{path}");
        let cases = [
            ("a list", at("projects/7/pipelines?per_page=100&ref=main"), "projects/:id/pipelines"),
            ("a path instead of an id", at("projects/acme%2Fapi/jobs/12/trace"), "projects/:id/jobs/:id/trace"),
            (
                "a branch with a slash",
                at("projects/7/repository/branches/a%2Fb"),
                "projects/:id/repository/branches/:id",
            ),
            ("a word that no route has", at("projects/7/secrets"), "projects/:id/:id"),
            ("the cable", "https://gitlab.example.com/tools/-/cable".to_owned(), "cable"),
            ("no API", "https://gitlab.example.com/users/sign_in".to_owned(), "other"),
            ("a store of logs", "https://store.example.com/a/b?signature=x".to_owned(), "elsewhere"),
        ];
        for (sentence, address, expected) in cases {
            let url = Url::parse(&address).unwrap();
            let line = RequestLine { method: "GET".into(), url: address, query: None };
            assert_eq!(endpoint(&host, &line, &url), expected, "{sentence}");
        }
        let line = RequestLine { method: "POST".into(), url: String::new(), query: Some("News".into()) };
        assert_eq!(endpoint(&host, &line, &host.graphql()), "graphql News");
    }
}
