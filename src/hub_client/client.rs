//! A hub's addresses, asked like any foreign server: bounded, in time, without redirects, and never with GitLab's token.

use super::document::{self, HubReading};
use super::error::{HubError, HubProblem};
use super::explained::{self, HubExplanation};
use super::past;
use crate::domain::id::PipelineId;
use crate::domain::past::{HubPast, PastLack};
use crate::domain::project::Project;
use crate::gitlab::{PlainHttp, RetryOptions};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::Instant;

/// As much as of GitLab: 2000 projects are a tenth of it.
const MOST_BYTES: u64 = 64 << 20;
/// A hub's tag has 16 digits.
const LONGEST_TAG: usize = 256;
/// No hub has read anything so long ago: ten years. What is longer is no age.
const OLDEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);
/// What is remembered of a project is a thousandth of that; its texts are bounded where they are sent.
const MOST_PAST_BYTES: u64 = 4 << 20;
const SNAPSHOT: &str = "api/v1/snapshot";
/// What may be in a path as it is, the slashes of a project's path included.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
/// The header in which a hub says for how many seconds its data counts as fresh.
pub(crate) const FRESH_FOR: &str = "glwatch-fresh-for";

/// One hub.
#[derive(Debug)]
pub struct HubClient {
    http: PlainHttp,
    retry: RetryOptions,
}

/// What a hub knows.
#[derive(Debug)]
pub struct HubAnswer {
    /// `None` where it is what was known already.
    pub news: Option<HubReading>,
    pub tag: Option<HeaderValue>,
    /// How old it was when the answer came.
    pub age: Duration,
    /// For how long it counts as fresh, where the hub says so.
    pub fresh_for: Option<Duration>,
}

type HubReply = (StatusCode, HeaderMap, Vec<u8>);

#[derive(Deserialize)]
struct RefusalWire {
    error: String,
}

impl HubClient {
    pub fn new(http: PlainHttp, retry: RetryOptions) -> Self {
        Self { http, retry }
    }

    /// Returns the address of the hub.
    pub fn home(&self) -> &str {
        self.http.home()
    }

    pub(super) fn http(&self) -> &PlainHttp {
        &self.http
    }

    /// Reads what the hub knows. `known` is the tag of what was read before.
    pub async fn snapshot(&self, known: Option<&HeaderValue>, until: Instant) -> Result<HubAnswer, HubError> {
        let mut headers = HeaderMap::new();
        if let Some(known) = known {
            headers.insert(IF_NONE_MATCH, known.clone());
        }
        let read = |(status, headers, body): HubReply, under_way: Duration| {
            let news = match status {
                StatusCode::NOT_MODIFIED if known.is_some() => None,
                _ => Some(document::read_snapshot(&judged((status, &headers, body), self.http.has_token())?)?),
            };
            let tag = headers.get(ETAG).filter(|tag| tag.len() <= LONGEST_TAG).cloned();
            // It got older on its way.
            let age = age_of(&headers)? + under_way;
            Ok(HubAnswer { news, tag, age, fresh_for: whole_seconds(&headers, FRESH_FOR) })
        };
        self.ask((SNAPSHOT, MOST_BYTES), headers, until, read).await
    }

    /// Asks why a pipeline is not green; the newest of the project without a number.
    pub async fn explain(
        &self,
        project: &str,
        pipeline: Option<u64>,
        until: Instant,
    ) -> Result<HubExplanation, HubError> {
        let query = pipeline.map_or_else(String::new, |id| format!("?pipeline={id}"));
        let path = format!("api/v1/explain/{}{query}", utf8_percent_encode(project, PLAIN));
        let has_token = self.http.has_token();
        let read = |(status, headers, body): HubReply, _: Duration| {
            Ok(explained::read_explanation(&judged((status, &headers, body), has_token)?)?)
        };
        self.ask((&path, MOST_BYTES), HeaderMap::new(), until, read).await
    }

    /// Asks what is remembered of a project, before a pipeline where one is given.
    pub async fn past(
        &self,
        project: &Project,
        before: Option<PipelineId>,
        until: Instant,
    ) -> Result<HubPast, PastLack> {
        let query = before.map_or_else(String::new, |id| format!("?before={id}"));
        let path = format!("api/v1/past/{}{query}", utf8_percent_encode(&project.full_path, PLAIN));
        let has_token = self.http.has_token();
        let read = |(status, headers, body): HubReply, under_way: Duration| {
            let body = judged((status, &headers, body), has_token)?;
            let known = past::read_past(&body, project.id, before)?;
            let age = age_of(&headers)? + under_way;
            Ok(known.map(|(past, rest)| HubPast { past, rest, age }))
        };
        match self.ask((&path, MOST_PAST_BYTES), HeaderMap::new(), until, read).await {
            Ok(Some(told)) => Ok(told),
            Ok(None) => Err(PastLack::NoMemory),
            // A hub that knows the address says why there is no such project.
            Err(HubError { problem: HubProblem::Status { code: 404, said }, .. }) if said.is_empty() => {
                Err(PastLack::NotTold)
            }
            Err(error) => Err(PastLack::Failed(error.failure)),
        }
    }

    /// Asks until there is an answer, or no sense in asking again.
    async fn ask<T>(
        &self,
        (path, most): (&str, u64),
        mut headers: HeaderMap,
        until: Instant,
        read: impl Fn(HubReply, Duration) -> Result<T, HubProblem>,
    ) -> Result<T, HubError> {
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let start = Instant::now();
        let mut waits = self.retry.waits();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let sent = Instant::now();
            let fetched = self.http.fetch(path, headers.clone(), most).await;
            let reply = fetched.map_err(HubProblem::from);
            let problem = match reply.and_then(|reply| read(reply, sent.elapsed())) {
                Ok(answer) => return Ok(answer),
                Err(problem) => problem,
            };
            tracing::debug!(path, attempts, problem = %self.http.scrub(&problem.to_string()), "the hub failed");
            match waits.next().filter(|wait| problem.is_passing() && Instant::now() + *wait < until) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(HubError::new(&self.http, path, problem, (attempts, start.elapsed()))),
            }
        }
    }
}

/// Reads a header that is a number of seconds.
fn whole_seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Reads how old an answer was when it was sent.
fn age_of(headers: &HeaderMap) -> Result<Duration, HubProblem> {
    whole_seconds(headers, AGE.as_str()).filter(|age| *age <= OLDEST).ok_or(HubProblem::NoAge)
}

/// Returns the body of an answer that is one.
fn judged((status, headers, body): (StatusCode, &HeaderMap, Vec<u8>), has_token: bool) -> Result<Vec<u8>, HubProblem> {
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let said = || serde_json::from_slice::<RefusalWire>(&body).map(|refusal| refusal.error).unwrap_or_default();
    match status {
        StatusCode::OK if is_page => Err(HubProblem::Page),
        StatusCode::OK => Ok(body),
        _ if status.is_redirection() => {
            let to = headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            // What is behind the question mark may be secret.
            Err(HubProblem::Redirect { to: to.split(['?', '#']).next().unwrap_or_default().to_owned() })
        }
        StatusCode::UNAUTHORIZED if has_token => Err(HubProblem::TokenRefused),
        StatusCode::UNAUTHORIZED => Err(HubProblem::TokenWanted),
        _ if is_page => Err(HubProblem::Page),
        StatusCode::SERVICE_UNAVAILABLE if !said().is_empty() => Err(HubProblem::NotReady { said: said() }),
        status => {
            let said = said();
            let said = if said.is_empty() { said } else { format!(": {said}") };
            Err(HubProblem::Status { code: status.as_u16(), said })
        }
    }
}
