//! Sends requests that act once: a repeated one might act twice.

use super::failed::connect_kind;
use super::options::LONGEST_WAIT_TO_ACT;
use super::{HttpAnswer, Refusal, Transport};
use crate::domain::failure::RequestLine;
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::refusal::is_html;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// The scope without which GitLab accepts no action.
const NEEDED: &str = "api";

/// A failed attempt, and whether the request surely never left.
struct Failed {
    refusal: Refusal,
    is_unsent: bool,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, is_unsent: false }
    }
}

impl Transport {
    /// Changes a REST resource; `path` is already encoded, `body` is JSON.
    ///
    /// Only where no connection came about, so that nothing can have been sent, there is a second attempt.
    pub(in crate::gitlab) async fn send_once(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<HttpAnswer, Error> {
        let url = self.host.rest(path);
        let line = RequestLine { method: method.to_string(), url: url.to_string(), query: None };
        let request = line.to_string();
        let start = Instant::now();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let Failed { refusal, is_unsent } = match self.post((&method, &line, &url), body.as_ref(), attempts).await {
                Ok((headers, body)) => {
                    let credentials = Arc::clone(&self.credentials);
                    return Ok(HttpAnswer { headers, body, request: line, credentials });
                }
                Err(failed) => failed,
            };
            tracing::debug!(request, attempts, problem = %refusal.kind, "failed");
            if is_unsent && attempts == 1 {
                tokio::time::sleep(self.retry.first_wait).await;
                continue;
            }
            let Refusal { kind, request_id, .. } = refusal;
            return Err(Error { request: Box::new(line), kind, attempts, elapsed: start.elapsed(), request_id });
        }
    }

    async fn post(
        &self,
        (method, line, url): (&Method, &RequestLine, &Url),
        body: Option<&String>,
        attempts: u32,
    ) -> Result<(reqwest::header::HeaderMap, Vec<u8>), Failed> {
        let _turn = self.turn_within(Some(LONGEST_WAIT_TO_ACT)).await?;
        let mut exchange = self.exchange(line, url, attempts);
        let request = self.request(method.clone(), url).header(ACCEPT, "application/json");
        let request = match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.clone()),
            // Some proxies refuse a POST that does not say that it has no body.
            None => request.header(CONTENT_LENGTH, "0"),
        };
        let mut is_unsent = true;
        let answer = async {
            is_unsent = false;
            let response = request.send().await.map_err(|error| {
                is_unsent = error.is_connect();
                connect_kind(error, self.timeout, self.proxy.as_deref())
            })?;
            self.whole(response, &mut exchange).await
        };
        let outcome = self.in_time(answer).await;
        let response = outcome.map_err(|refusal| match is_unsent {
            // No connection came about, or there was no time left to make one.
            true => Failed { is_unsent: !matches!(refusal.kind, Kind::Deadline), refusal },
            false => unsure(refusal).into(),
        })?;
        if response.0.is_redirection() {
            // Whether the server acted before it sent us elsewhere, it does not tell.
            let why = "which a request that acts does not follow";
            return Err(unsure(Kind::Redirect { to: "another address".into(), why, is_login: false }.into()).into());
        }
        let is_page = is_html(&response.1);
        let (status, headers, body) = response;
        if status == StatusCode::CREATED || (status == StatusCode::NO_CONTENT && *method == Method::DELETE) {
            return Ok((headers, body));
        }
        let response = (status, headers, body);
        self.judge(url, false, response).map_err(|refusal| judged(status, is_page, refusal).into())
    }
}

/// A refusal is one; an answer of a proxy, or of a GitLab in trouble, says nothing about the action.
fn judged(status: StatusCode, is_page: bool, mut refusal: Refusal) -> Refusal {
    if let Kind::InsufficientScope { needed } = &mut refusal.kind {
        NEEDED.clone_into(needed);
    }
    let is_gitlabs = match &refusal.kind {
        Kind::NotGitlab { .. } => false,
        // GitLab's own limit answers before anything is done, and never with a page.
        Kind::RateLimited { .. } => !is_page,
        // Of a success that is none of GitLab's, what was done is not known.
        _ => !status.is_success() && !status.is_server_error() && status != StatusCode::REQUEST_TIMEOUT,
    };
    if is_gitlabs { refusal } else { unsure(refusal) }
}

fn unsure(refusal: Refusal) -> Refusal {
    Refusal { kind: Kind::Unsure(Box::new(refusal.kind)), ..refusal }
}

impl Error {
    /// Turns an answer that cannot be read into what it means for a request that acts.
    pub(in crate::gitlab) fn unsure(self) -> Self {
        Self { kind: Kind::Unsure(Box::new(self.kind)), elapsed: Duration::ZERO, ..self }
    }
}
