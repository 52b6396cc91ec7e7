//! The proxy that a host is asked through, as the usual variables name it.
//!
//! `NO_PROXY` takes names (`example.com`, `.example.com` and `*.example.com`, each with what is below it), addresses,
//! ranges of addresses (`10.0.0.0/8`), and any of the names and addresses with a port.

use super::error::SetupError;
use std::net::IpAddr;
use url::Url;

/// What the variables say.
#[derive(Debug, Clone, Default)]
pub struct ProxyRules {
    http: Option<NamedProxy>,
    https: Option<NamedProxy>,
    except: Vec<String>,
}

/// A proxy with the variable that names it, or why it is none; whether that matters is known once it is to be used.
#[derive(Debug, Clone)]
struct NamedProxy {
    variable: &'static str,
    proxy: Result<Url, &'static str>,
}

/// Schemes that a proxy can have.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

impl ProxyRules {
    /// Reads the variables.
    pub fn read<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        let first = |names: &[&'static str]| {
            let mut set = names.iter().filter_map(|name| Some((*name, variable(name)?.trim())));
            let (variable, value) = set.find(|(_, value)| !value.is_empty())?;
            Some(NamedProxy { variable, proxy: parse(value) })
        };
        let all = first(&["ALL_PROXY", "all_proxy"]);
        // In a CGI program HTTP_PROXY is what a visitor sent as a header.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http = first(if is_cgi { &["http_proxy"] } else { &["HTTP_PROXY", "http_proxy"] }).or_else(|| all.clone());
        let https = first(&["HTTPS_PROXY", "https_proxy"]).or(all);
        let except = variable("NO_PROXY").or_else(|| variable("no_proxy")).unwrap_or_default();
        let except = except.split(',').map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty());
        Self { http, https, except: except.collect() }
    }

    /// Says whether any proxy is named.
    pub(super) fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Returns the proxy for an address; fails on one that cannot be used, with its variable and why.
    pub(super) fn of(&self, url: &Url) -> Result<Option<&Url>, (&'static str, &'static str)> {
        let named = if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() };
        match named.filter(|_| !self.excepts(url)) {
            None => Ok(None),
            Some(NamedProxy { proxy: Ok(proxy), .. }) => Ok(Some(proxy)),
            Some(NamedProxy { variable, proxy: Err(problem) }) => Err((variable, problem)),
        }
    }

    /// Returns the proxy for an address as it may be shown.
    pub(super) fn shown_of(&self, url: &Url) -> Result<Option<String>, SetupError> {
        let used = self.of(url).map_err(|(variable, problem)| SetupError::Proxy { variable, problem })?;
        Ok(used.map(shown))
    }

    fn excepts(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_lowercase();
        let port = url.port_or_known_default();
        self.except.iter().any(|entry| is_meant(entry, &host, port))
    }
}

/// Returns a proxy's address without a name and a password.
fn shown(proxy: &Url) -> String {
    let port = proxy.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{}{port}", proxy.scheme(), proxy.host_str().unwrap_or_default())
}

fn parse(text: &str) -> Result<Url, &'static str> {
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&text).map_err(|_| "is not the address of a proxy, such as http://proxy.example.com:3128")?;
    if !SCHEMES.contains(&url.scheme()) {
        return Err("names a proxy of an unknown kind: permitted are http, https, socks4, socks4a, socks5, socks5h");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("is not the address of a proxy, such as http://proxy.example.com:3128");
    }
    Ok(url)
}

fn is_meant(entry: &str, host: &str, port: Option<u16>) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    if entry == "*" {
        return true;
    }
    if let Some((base, length)) = entry.split_once('/') {
        let range = base.parse().ok().zip(length.parse::<u32>().ok());
        return range.zip(address).is_some_and(|((base, length), address)| is_within(address, base, length));
    }
    let bare = entry.trim_start_matches('[').trim_end_matches(']');
    if let Ok(entry) = bare.parse::<IpAddr>() {
        return address == Some(entry);
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, digits)) => match digits.parse::<u16>() {
            Ok(wanted) => (name, Some(wanted)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    if wanted.is_some() && wanted != port {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let name = name.strip_prefix("*.").or_else(|| name.strip_prefix('.')).unwrap_or(name);
    if let Ok(entry) = name.parse::<IpAddr>() {
        return address == Some(entry);
    }
    !name.is_empty() && host.strip_suffix(name).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

fn is_within(address: IpAddr, base: IpAddr, length: u32) -> bool {
    match (address, base) {
        (IpAddr::V4(address), IpAddr::V4(base)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            address.to_bits() & mask == base.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(base)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            address.to_bits() & mask == base.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(variables: &[(&str, &'static str)]) -> ProxyRules {
        ProxyRules::read(|wanted| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value))
    }

    #[test]
    fn an_exception_is_a_name_an_address_or_a_range_with_or_without_a_port() {
        let cases = [
            ("example.com", "https://example.com/", true),
            ("example.com", "https://git.example.com/", true),
            ("example.com", "https://notexample.com/", false),
            (".example.com", "https://git.example.com/", true),
            ("*.example.com", "https://git.example.com/", true),
            ("*.example.com", "https://a.git.example.com/", true),
            ("*.example.com", "https://example.org/", false),
            ("EXAMPLE.com", "https://Git.Example.COM/", true),
            ("git.example.com:443", "https://git.example.com/", true),
            ("git.example.com:443", "https://git.example.com:8443/", false),
            ("*.example.com:8443", "https://git.example.com:8443/", true),
            ("a.example, git.example.com", "https://git.example.com/", true),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("0.0.0.0/0", "https://11.1.2.3/", true),
            ("10.0.0.0/33", "https://10.1.2.3/", false),
            ("127.0.0.1", "http://127.0.0.1:8080/", true),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", true),
            ("127.0.0.1:8081", "http://127.0.0.1:8080/", false),
            ("::1", "http://[::1]:8080/", true),
            ("[::1]:8080", "http://[::1]:8080/", true),
            ("fe80::/10", "http://[fe80::1]/", true),
            ("*", "https://anything.example/", true),
            (":443", "https://git.example.com/", false),
            ("", "https://git.example.com/", false),
        ];
        for (except, url, is_excepted) in cases {
            let url = Url::parse(url).unwrap();
            for proxy in ["HTTPS_PROXY", "HTTP_PROXY"] {
                let rules = rules(&[(proxy, "proxy:3128"), ("NO_PROXY", except)]);
                let is_used = rules.of(&url).unwrap().is_some();
                let is_of_scheme = proxy.to_lowercase().starts_with(&format!("{}_", url.scheme()));
                assert_eq!(is_used, is_of_scheme && !is_excepted, "{proxy}, except {except:?}: {url}");
            }
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_all_proxy_is_for_the_rest() {
        let https = Url::parse("https://git.example.com/").unwrap();
        let http = Url::parse("http://git.example.com/").unwrap();
        let both = rules(&[("ALL_PROXY", "socks5h://u:p@all:1080"), ("https_proxy", "http://tls")]);
        assert_eq!(both.of(&https).unwrap().map(shown).as_deref(), Some("http://tls"));
        assert_eq!(both.of(&http).unwrap().map(shown).as_deref(), Some("socks5h://all:1080"));
        let cgi = rules(&[("HTTP_PROXY", "http://visitor"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(cgi.of(&http), Ok(None));
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_refused_with_its_variable_where_it_would_be_used() {
        let https = Url::parse("https://git.example.com/").unwrap();
        for value in ["ftp://proxy:21", "http://", "socks://proxy:1080"] {
            let (name, problem) = rules(&[("ALL_PROXY", value)]).of(&https).unwrap_err();
            assert_eq!(name, "ALL_PROXY", "{value}");
            assert!(problem.contains("proxy"), "{value}: {problem}");
            let other = rules(&[("ALL_PROXY", value), ("HTTPS_PROXY", "http://tls")]);
            assert!(other.of(&https).is_ok(), "{value} is not used");
        }
        assert!(rules(&[("HTTPS_PROXY", "  ")]).is_empty());
    }
}
