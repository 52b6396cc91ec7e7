//! Turns a connection into a websocket: one request like any other, up to its answer.

use super::failed::connect_kind;
use super::{Refusal, Transport};
use crate::domain::failure::RequestLine;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::refusal::MAX_READ;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{CONNECTION, HeaderMap, HeaderValue, LOCATION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use reqwest::header::{SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use reqwest::{Method, Response, StatusCode, Upgraded};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::time::Instant;
use url::Url;

/// What a server adds to the key, to prove that it speaks the protocol (RFC 6455, 1.3).
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

impl Transport {
    /// Opens the websocket of the cable. It is asked once: when to ask again is the caller's choice.
    ///
    /// Redirects are not followed, and the connection counts as one of the permitted ones only until it is answered.
    pub(in crate::gitlab) async fn upgrade(&self, protocol: &'static str) -> Result<Upgraded, Error> {
        let start = Instant::now();
        let url = self.host.cable();
        let line = RequestLine { method: "GET".into(), url: url.to_string(), query: None };
        self.upgraded((&line, &url), protocol).await.map_err(|Refusal { kind, request_id, .. }| {
            tracing::debug!(request = line.to_string(), problem = %kind, "failed");
            Error { request: Box::new(line.clone()), kind, attempts: 1, elapsed: start.elapsed(), request_id }
        })
    }

    async fn upgraded(&self, (line, url): (&RequestLine, &Url), protocol: &'static str) -> Result<Upgraded, Refusal> {
        let _turn = self.turn().await?;
        let mut exchange = self.exchange(line, url, 1);
        let key = key();
        let origin = url.origin().ascii_serialization();
        let answered = async {
            // HTTP/2 has no upgrade.
            let http = self.plumbing.http_1().map_err(|problem| Kind::Upgrade(problem.to_string()))?;
            let mut request = http.request(Method::GET, url.clone());
            // The address is made from the configured host, so the token goes there and nowhere else.
            request = request.headers(self.secret_headers.clone());
            let request = request
                .header(CONNECTION, "Upgrade")
                .header(UPGRADE, "websocket")
                .header(SEC_WEBSOCKET_VERSION, "13")
                .header(SEC_WEBSOCKET_KEY, &key)
                .header(SEC_WEBSOCKET_PROTOCOL, protocol)
                .header(ORIGIN, &origin);
            request.send().await.map_err(|error| connect_kind(error, self.timeout, self.proxy.as_deref()))
        };
        let mut response = self.in_time(answered).await?;
        exchange.answer_with(response.status());
        self.learn(response.headers());
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.no_upgrade(url, &mut response).await);
        }
        exchange.end();
        check_answer(response.headers(), &key, protocol)?;
        let upgraded = async {
            response.upgrade().await.map_err(|error| connect_kind(error, self.timeout, self.proxy.as_deref()))
        };
        self.in_time(upgraded).await
    }

    async fn no_upgrade(&self, url: &Url, response: &mut Response) -> Refusal {
        if response.status().is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok());
            // Path and query of a foreign URL may carry secrets.
            let to = to.map_or_else(|| "nowhere".to_owned(), |to| to.origin().ascii_serialization());
            return Kind::Redirect { to, why: "which a websocket does not follow", is_login: false }.into();
        }
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            return Kind::Upgrade(format!("status {} instead of a websocket", status.as_u16())).into();
        }
        let body = async {
            let mut body = Vec::new();
            while body.len() < MAX_READ {
                match response.chunk().await {
                    Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                    Ok(None) | Err(_) => break,
                }
            }
            body.truncate(MAX_READ);
            Ok(body)
        };
        let judged = match self.in_time(body).await {
            Ok(body) => self.judge(url, false, (status, headers, body)),
            Err(refusal) => Err(refusal),
        };
        judged.err().unwrap_or_else(|| Kind::Upgrade("no websocket".to_owned()).into())
    }
}

/// Returns the random key of a handshake.
fn key() -> String {
    let mut bytes = [0; 16];
    fastrand::fill(&mut bytes);
    STANDARD.encode(bytes)
}

fn proof(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{PROOF}").as_bytes()))
}

/// Says whether the server that switched its protocol switched it to the one that was asked for.
fn check_answer(headers: &HeaderMap, key: &str, protocol: &str) -> Result<(), Kind> {
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let problem = if !text(headers.get(UPGRADE)).eq_ignore_ascii_case("websocket") {
        "it switches to another protocol than websocket"
    } else if text(headers.get(SEC_WEBSOCKET_ACCEPT)) != proof(key) {
        "its Sec-WebSocket-Accept is not that of this request"
    } else if text(headers.get(SEC_WEBSOCKET_PROTOCOL)) != protocol {
        "it does not speak ActionCable's protocol"
    } else {
        return Ok(());
    };
    Err(Kind::Upgrade(problem.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_speaks_the_protocol_is_believed() {
        // The example of RFC 6455, 1.3.
        const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
        const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        let cases = [
            ("all of it", "websocket", ACCEPT, Some("actioncable-v1-json"), None),
            ("in other letters", "WebSocket", ACCEPT, Some("actioncable-v1-json"), None),
            ("another protocol", "h2c", ACCEPT, Some("actioncable-v1-json"), Some("another protocol")),
            ("no proof", "websocket", "", Some("actioncable-v1-json"), Some("Accept")),
            ("another's proof", "websocket", "AAAA", Some("actioncable-v1-json"), Some("Accept")),
            ("no subprotocol", "websocket", ACCEPT, None, Some("ActionCable")),
            ("another subprotocol", "websocket", ACCEPT, Some("actioncable-unsupported"), Some("ActionCable")),
        ];
        for (sentence, upgrade, accept, protocol, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(UPGRADE, upgrade.parse().unwrap());
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept.parse().unwrap());
            if let Some(protocol) = protocol {
                headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.parse().unwrap());
            }
            let found = check_answer(&headers, KEY, "actioncable-v1-json").err().map(|kind| kind.to_string());
            assert_eq!(found.is_some(), expected.is_some(), "{sentence}");
            assert!(expected.is_none_or(|word| found.unwrap().contains(word)), "{sentence}");
        }
    }
}
