//! By which names a server on this machine's own address may be asked for.
//!
//! A page from anywhere can let its own name lead to 127.0.0.1 and then asks this server as if it were the page's own
//! (DNS rebinding): the browser lets it read the answer. Such a request still has the page's name in `Host`. What asks for
//! no token is therefore only for requests whose host is this machine.

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};
use std::net::IpAddr;

/// What is answered to a host that is not known.
pub(super) const UNKNOWN_HOST: &str =
    "this server does not answer to that name: add it to hosts in [serve], or use localhost\n";

/// The names by which the server is known beside this machine's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRule {
    /// In lower case, without a port and without a dot at the end.
    names: Vec<String>,
}

impl HostRule {
    pub fn new(names: Vec<String>) -> Self {
        Self { names }
    }

    /// Says whether a request is for this server. All that names a host in it must do so: its target, where that is a whole
    /// address, and the one `Host`.
    pub(super) fn knows(&self, target: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let target = target.authority().map(|authority| authority.as_str());
        let is_known = |host: &str| self.knows_host(host);
        match (hosts.next(), hosts.next(), target) {
            (_, Some(_), _) | (None, None, None) => false,
            (Some(host), None, target) => host.to_str().is_ok_and(is_known) && target.is_none_or(is_known),
            (None, None, Some(target)) => is_known(target),
        }
    }

    fn knows_host(&self, host: &str) -> bool {
        let Some(name) = without_port(host) else { return false };
        let inner = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        if let Ok(address) = inner.unwrap_or(name).parse::<IpAddr>() {
            // One of version 6 is in brackets, and one of version 4 is not.
            return address.is_ipv6() == inner.is_some()
                && (address.to_canonical().is_loopback() || self.names.contains(&address.to_string()));
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        name == "localhost" || self.names.contains(&name)
    }
}

/// Returns a host without its port; `None` where what follows it is none.
fn without_port(host: &str) -> Option<&str> {
    let end = match host.strip_prefix('[') {
        Some(inner) => inner.find(']')? + 2,
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, rest) = host.split_at_checked(end)?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_this_machine_or_a_name_that_is_configured() {
        let rule = HostRule::new(vec!["hub.example.com".into(), "10.0.0.7".into(), "fd00::7".into()]);
        let cases: [(&str, &str, &[&str], bool); 38] = [
            ("an address", "/", &["127.0.0.1"], true),
            ("with a port", "/", &["127.0.0.1:9252"], true),
            ("through a tunnel with another port", "/", &["localhost:8080"], true),
            ("another address of this machine", "/", &["127.8.9.10"], true),
            ("of version 6", "/", &["[::1]"], true),
            ("of version 6 with a port", "/", &["[::1]:9252"], true),
            ("of version 4 in one of version 6", "/", &["[::ffff:127.0.0.1]:9252"], true),
            ("a name", "/", &["localhost"], true),
            ("in upper case", "/", &["LOCALHOST:9252"], true),
            ("with a dot at its end", "/", &["localhost.:9252"], true),
            ("a configured name", "/", &["hub.example.com"], true),
            ("a configured name, as it may be written", "/", &["Hub.Example.COM.:443"], true),
            ("a configured address", "/", &["10.0.0.7:9252"], true),
            ("a configured address of version 6", "/", &["[fd00::7]"], true),
            ("a port that is left out", "/", &["localhost:"], true),
            ("a page's name", "/", &["evil.example.net"], false),
            ("a page's name with our port", "/", &["evil.example.net:9252"], false),
            ("another address", "/", &["10.0.0.8"], false),
            ("every address", "/", &["0.0.0.0:9252"], false),
            ("every address of version 6", "/", &["[::]"], false),
            ("a name that begins like ours", "/", &["localhost.evil.example.net"], false),
            ("a name that ends like ours", "/", &["evil-hub.example.com"], false),
            ("a name below ours", "/", &["a.localhost"], false),
            ("a number that means an address", "/", &["2130706433"], false),
            ("a short form of an address", "/", &["127.1"], false),
            ("an address with leading zeros", "/", &["127.0.0.01"], false),
            ("an address of version 6 without brackets", "/", &["::1"], false),
            ("an address of version 4 in brackets", "/", &["[127.0.0.1]"], false),
            ("brackets without an end", "/", &["[::1"], false),
            ("a user", "/", &["localhost@evil.example.net"], false),
            ("a port that is none", "/", &["localhost:9252.evil.example.net"], false),
            ("two names in one", "/", &["localhost, evil.example.net"], false),
            ("nothing", "/", &[""], false),
            ("no host, as HTTP/1.0 permits", "/", &[], false),
            ("two hosts", "/", &["localhost", "localhost"], false),
            ("a whole address as the target", "http://localhost:9252/", &["localhost:9252"], true),
            ("another host in the target", "http://evil.example.net/", &["localhost"], false),
            ("another host beside the target", "http://localhost/", &["evil.example.net"], false),
        ];
        for (sentence, target, hosts, expected) in cases {
            let headers: HeaderMap = hosts.iter().map(|host| (HOST, host.parse().unwrap())).collect();
            assert_eq!(rule.knows(&target.parse().unwrap(), &headers), expected, "{sentence}");
        }
        let target = Uri::from_static("http://localhost:9252/");
        assert!(rule.knows(&target, &HeaderMap::new()), "HTTP/2 has it in the target alone");
    }
}
