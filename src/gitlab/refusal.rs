//! Interprets an answer without a 2xx, and whether GitLab itself gave it.
//!
//! GitLab refuses with a JSON object that has `message` (a text or an object) or `error` (a text). Whatever else comes
//! with a 4xx is the page of a proxy, a firewall or another program, and a fact about nothing that was asked for.

use super::budget::LONGEST_LIMIT;
use super::error::is_passing_status;
use super::error::{Kind, NotGitlab};
use crate::text::sanitise::sanitise;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Map, Value};
use std::time::Duration;

/// How much of an error body is shown.
const MAX_SAID: usize = 200;
/// Of an error body that is not GitLab's JSON, no more than this is looked at.
pub(super) const MAX_READ: usize = 64 * 1024;
/// The title of a page is near its beginning.
const MAX_TITLE: usize = 60;

/// An answer without a 2xx, and what it was the answer to.
pub(super) struct RefusedAnswer<'a> {
    pub code: u16,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// The path that was asked for, as it was sent.
    pub path: &'a str,
    pub is_graphql: bool,
    pub retry_after: Option<Duration>,
    /// What the token is by its prefix, where that proves that it cannot read the API.
    pub unfit: Option<&'static str>,
}

impl RefusedAnswer<'_> {
    /// Sorts it; `scrub` blots out the token, which has to happen before a text is shortened: half a token is one that
    /// no search finds.
    pub(super) fn kind(&self, scrub: &dyn Fn(&str) -> String) -> Kind {
        let quote = |text: &str| clean(&scrub(text));
        let object = self.object();
        let said = object.as_ref().map(|object| quote(&sentence(object)));
        let error = object.as_ref().and_then(|object| object.get("error")?.as_str());
        match (self.code, said, error) {
            (429, said, _) => Kind::RateLimited { retry_after: self.retry_after, said: said.unwrap_or_default() },
            (code, None, _) if (400..500).contains(&code) && !is_passing_status(code) => {
                Kind::NotGitlab { code, found: self.found(scrub), cause: self.cause() }
            }
            (401, Some(said), _) => Kind::Unauthorized { said, unfit: self.unfit },
            (403, _, Some("insufficient_scope")) => {
                Kind::InsufficientScope { needed: quote(&needed_scope(object.as_ref())) }
            }
            (403, Some(said), Some("insufficient_granular_scope")) => {
                let sentence = object.as_ref().and_then(|object| object.get("error_description")?.as_str()).map(quote);
                Kind::GranularScope { said: sentence.unwrap_or(said) }
            }
            (code, Some(said), _) => Kind::Status { code, said },
            (code, None, _) => Kind::Status { code, said: self.found(scrub) },
        }
    }

    /// Returns the body if it is of the form in which GitLab refuses.
    fn object(&self) -> Option<Map<String, Value>> {
        if is_html(self.headers) {
            return None;
        }
        let Ok(Value::Object(object)) = serde_json::from_slice(self.body) else { return None };
        let is_said = match (object.get("message"), object.get("error")) {
            (Some(Value::String(text)), _) | (_, Some(Value::String(text))) => !text.is_empty(),
            (Some(Value::Object(fields)), _) => !fields.is_empty(),
            (Some(Value::Array(texts)), _) => !texts.is_empty(),
            _ => false,
        };
        // GraphQL has a form of its own, with any status.
        let is_said = is_said || self.is_graphql && !graphql_sentence(&object).is_empty();
        is_said.then_some(object)
    }

    /// Names what came in GitLab's place.
    fn found(&self, scrub: &dyn Fn(&str) -> String) -> String {
        let start = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let text = || scrub(&String::from_utf8_lossy(&self.body[..self.body.len().min(MAX_READ)]));
        match start {
            None => "an empty body".into(),
            _ if is_html(self.headers) || start == Some(&b'<') => match title(&text()) {
                Some(title) => format!("an HTML page, \"{title}\""),
                None => "an HTML page".into(),
            },
            _ if serde_json::from_slice::<Value>(self.body).is_ok() => "JSON that GitLab does not write".into(),
            Some(_) => format!("\"{}\"", clean(&text())),
        }
    }

    fn cause(&self) -> NotGitlab {
        let login = self.headers.get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        // What nginx (400, also 497) and Go's servers say to plain http on the port of https.
        let wants_https = |text: &str| {
            text.contains("plain HTTP request was sent to HTTPS port")
                || text.contains("sent an HTTP request to an HTTPS server")
        };
        match login {
            Some(login) if self.code == 401 => {
                NotGitlab::Login(clean(login.split([' ', ',']).next().unwrap_or_default()))
            }
            _ if self.code == 407 => NotGitlab::ProxyLogin,
            _ if self.code == 404 && self.path.contains("%2F") => NotGitlab::EncodedSlash,
            _ if self.code == 400 && wants_https(&String::from_utf8_lossy(self.body)) => NotGitlab::PlainHttp,
            _ => NotGitlab::Unknown,
        }
    }
}

/// Says whether a body announces itself as a page.
pub(super) fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

/// Keeps the beginning of a foreign text, on one line and harmless.
pub(crate) fn clean(text: &str) -> String {
    let start: String = text.chars().take(MAX_SAID).collect();
    sanitise(&start).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads `Retry-After`, in seconds or as a date (RFC 9110), which counts only where the server's clock is known.
pub(super) fn retry_after(headers: &HeaderMap, server_now: Option<DateTime<Utc>>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - server_now?).to_std().unwrap_or_default(),
    };
    Some(wait).filter(|wait| *wait <= LONGEST_LIMIT)
}

fn sentence(object: &Map<String, Value>) -> String {
    let said: Vec<String> = ["error", "error_description", "message"]
        .iter()
        .filter_map(|key| object.get(*key))
        .filter(|value| !value.is_null())
        // Some limits answer `{"message":{"error":"..."}}`.
        .map(|value| value.get("error").unwrap_or(value))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    if said.is_empty() { graphql_sentence(object) } else { said.join(": ") }
}

fn graphql_sentence(object: &Map<String, Value>) -> String {
    let first = object.get("errors").and_then(|errors| errors.get(0)?.get("message")?.as_str());
    first.unwrap_or_default().to_owned()
}

fn title(page: &str) -> Option<String> {
    let lower = page.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let from = start + lower[start..].find('>')? + 1;
    let to = from + lower[from..].find("</title")?;
    let title: String = clean(&page[from..to]).chars().take(MAX_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

/// Returns the scope to ask for: GitLab lists every scope that would do, and the smallest is enough.
fn needed_scope(object: Option<&Map<String, Value>>) -> String {
    let scope = object.and_then(|object| object.get("scope")?.as_str()).unwrap_or_default();
    if scope.is_empty() || scope.split_whitespace().any(|word| word == "read_api") {
        "read_api".into()
    } else {
        scope.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gitlab::error::reason;
    use reqwest::header::{HeaderName, HeaderValue};

    const HTML: &[(&str, &str)] = &[("content-type", "text/html; charset=UTF-8")];
    const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

    fn headers(headers: &[(&str, &str)]) -> HeaderMap {
        let pair =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        headers.iter().map(pair).collect()
    }

    fn refused(code: u16, with: &[(&str, &str)], path: &str, body: &str) -> Kind {
        let headers = headers(with);
        let refused = RefusedAnswer {
            code,
            headers: &headers,
            body: body.as_bytes(),
            path,
            is_graphql: path.ends_with("graphql"),
            retry_after: retry_after(&headers, Some(DateTime::UNIX_EPOCH)),
            unfit: None,
        };
        refused.kind(&str::to_owned)
    }

    #[test]
    fn only_an_object_with_message_or_error_is_gitlabs_refusal() {
        let rest = "/api/v4/projects/1/pipelines";
        type Case<'a> = (&'a str, u16, &'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);
        let cases: [Case<'_>; 22] = [
            ("a message", 403, JSON, rest, r#"{"message":"403 Forbidden"}"#, "GitLab answered 403 Forbidden"),
            (
                "a message of fields",
                404,
                JSON,
                rest,
                r#"{"message":{"name":["is taken"]}}"#,
                r#"GitLab answered 404: {"name":["is taken"]}"#,
            ),
            (
                "an error with its description",
                401,
                JSON,
                rest,
                r#"{"error":"invalid_token","error_description":"Token is expired."}"#,
                "GitLab answered 401: invalid_token: Token is expired.",
            ),
            (
                "no content type is said",
                404,
                &[],
                rest,
                r#"{"error":"404 Not Found"}"#,
                "GitLab answered 404 Not Found",
            ),
            (
                "GraphQL has errors of its own form",
                401,
                JSON,
                "/api/graphql",
                r#"{"errors":[{"message":"Invalid token"}]}"#,
                "GitLab answered 401: Invalid token",
            ),
            (
                "a firewall's page",
                403,
                HTML,
                rest,
                "<html><title>Attention Required! | Cloudflare</title>",
                "403: not GitLab's answer but an HTML page, \"Attention Required! | Cloudflare\"",
            ),
            ("a page with 404", 404, HTML, rest, "<html>", "404: not GitLab's answer but an HTML page"),
            ("a page with 401", 401, HTML, rest, "<html>401</html>", "401: not GitLab's answer but an HTML page"),
            (
                "a page that says that it is JSON",
                403,
                JSON,
                rest,
                "<!DOCTYPE html>",
                "403: not GitLab's answer but an HTML page",
            ),
            (
                "GitLab's JSON in what says that it is a page",
                403,
                HTML,
                rest,
                r#"{"message":"403 Forbidden"}"#,
                "403: not GitLab's answer but an HTML page",
            ),
            ("an empty body", 403, &[], rest, " \n", "403: not GitLab's answer but an empty body"),
            ("an empty object", 404, JSON, rest, "{}", "404: not GitLab's answer but JSON that GitLab does not write"),
            (
                "an empty message",
                404,
                JSON,
                rest,
                r#"{"message":""}"#,
                "404: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "a null message",
                404,
                JSON,
                rest,
                r#"{"message":null,"error":null}"#,
                "404: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "an error that is an object (Google's)",
                401,
                JSON,
                rest,
                r#"{"error":{"code":401,"message":"no"}}"#,
                "401: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "a list of errors (Cloudflare's)",
                403,
                JSON,
                rest,
                r#"{"success":false,"errors":[{"code":1,"message":"no"}]}"#,
                "403: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "a problem (RFC 9457)",
                403,
                JSON,
                rest,
                r#"{"title":"Forbidden","status":403}"#,
                "403: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "a list",
                404,
                JSON,
                rest,
                r#"["message"]"#,
                "404: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "a JSON text",
                403,
                JSON,
                rest,
                r#""message""#,
                "403: not GitLab's answer but JSON that GitLab does not write",
            ),
            (
                "half of GitLab's JSON",
                404,
                JSON,
                rest,
                r#"{"message":"404 Pro"#,
                "404: not GitLab's answer but \"{\"message\":\"404 Pro\"",
            ),
            (
                "a plain text",
                403,
                &[("content-type", "text/plain")],
                rest,
                "Access \u{1b}[2Jdenied\n",
                "403: not GitLab's answer but \"Access \u{fffd}denied\"",
            ),
            (
                "an own scope differs from a page that names it",
                403,
                HTML,
                rest,
                "insufficient_scope",
                "403: not GitLab's answer but an HTML page",
            ),
        ];
        for (sentence, code, with, path, body, expected) in cases {
            let kind = refused(code, with, path, body);
            assert_eq!(kind.to_string(), expected, "{sentence}");
            assert_eq!(matches!(kind, Kind::NotGitlab { .. }), expected.contains("not GitLab's answer"), "{sentence}");
        }
    }

    #[test]
    fn an_answer_proves_its_cause() {
        let basic = &[("www-authenticate", "Basic realm=\"intranet\""), ("content-type", "text/html")][..];
        let group = "/api/v4/groups/acme%2Fsub";
        type Case<'a> = (&'a str, u16, &'a [(&'a str, &'a str)], &'a str, &'a str, NotGitlab);
        let cases: [Case<'_>; 7] = [
            ("a login of a proxy", 401, basic, "/api/v4/groups/1", "<html>", NotGitlab::Login("Basic".into())),
            ("a slash that was decoded", 404, HTML, group, "<html>", NotGitlab::EncodedSlash),
            ("a page of 404 for a number", 404, HTML, "/api/v4/groups/1", "<html>", NotGitlab::Unknown),
            ("a page of 403 for a path", 403, HTML, group, "<html>", NotGitlab::Unknown),
            (
                "a login of the proxy",
                407,
                &[("proxy-authenticate", "Negotiate")],
                "/api/v4/groups/1",
                "",
                NotGitlab::ProxyLogin,
            ),
            (
                "nginx wants https",
                400,
                HTML,
                group,
                "<h1>The plain HTTP request was sent to HTTPS port",
                NotGitlab::PlainHttp,
            ),
            (
                "Go wants https",
                400,
                &[],
                group,
                "Client sent an HTTP request to an HTTPS server.\n",
                NotGitlab::PlainHttp,
            ),
        ];
        for (sentence, code, with, path, body, expected) in cases {
            match refused(code, with, path, body) {
                Kind::NotGitlab { cause, .. } => assert_eq!(cause, expected, "{sentence}"),
                kind => panic!("{sentence}: {kind}"),
            }
        }
    }

    #[test]
    fn a_failure_of_a_server_keeps_what_it_says() {
        type Case<'a> = (u16, &'a [(&'a str, &'a str)], &'a str, &'a str);
        let cases: [Case<'_>; 6] = [
            (500, JSON, r#"{"message":"500 Internal Server Error"}"#, "the server answered 500 Internal Server Error"),
            (502, HTML, "<html><title>Bad gateway</title>", "the server answered 502: an HTML page, \"Bad gateway\""),
            (520, HTML, "", "the server answered 520: an empty body"),
            (408, HTML, "", "the server answered 408: an empty body"),
            (429, &[], "Retry later\n", "429: too many requests"),
            (
                429,
                JSON,
                r#"{"message":"This endpoint has been requested too many times."}"#,
                "429: too many requests: This endpoint has been requested too many times.",
            ),
        ];
        for (code, with, body, expected) in cases {
            assert_eq!(refused(code, with, "/api/v4/x", body).to_string(), expected);
        }
    }

    #[test]
    fn a_sentence_that_only_names_the_status_is_no_reason() {
        for bare in ["403 Forbidden", "Forbidden", "404 Project Not Found", "404 Not found", "401 Unauthorized", ""] {
            assert_eq!(reason(bare), None, "{bare:?}");
        }
        let terms = "403 Forbidden - You must accept the Terms of Service";
        assert_eq!(reason(terms), Some(terms));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-20T19:00:00Z").unwrap().to_utc();
        let cases = [
            ("7", Some(7)),
            ("Fri, 20 Nov 2026 19:01:00 GMT", Some(60)),
            ("Fri, 20 Nov 2026 18:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("86400", Some(86_400)),
            ("86401", None),
            ("18446744073709551615", None),
            ("Sat, 20 Nov 2286 17:46:39 GMT", None),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, Some(now)), expected.map(Duration::from_secs), "{text}");
            // A date that no clock of the server's goes with says nothing.
            let unclocked = expected.filter(|_| !text.contains("GMT"));
            assert_eq!(retry_after(&headers, None), unclocked.map(Duration::from_secs), "{text}");
        }
    }
}
