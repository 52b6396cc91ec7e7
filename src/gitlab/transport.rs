//! The one path that every request takes: auth, budget, send, retry, decode.
//!
//! What is asked differently keeps to it: `stream` hands out a body as it comes, `once` sends what acts.

mod answer;
mod endpoint;
mod exchange;
pub(super) mod failed;
mod options;
mod send_once;
mod stream;
mod upgrade;

pub(super) use answer::HttpAnswer;
pub use options::{IdentityPem, Purpose, TransportOptions};
pub use stream::{TraceEnd, TraceLimits, TraceSink};

use self::endpoint::EndpointCounts;
use self::exchange::Exchange;
use self::failed::{body_kind, connect_kind};
use crate::domain::failure::RequestLine;
use crate::domain::host::Host;
use crate::domain::usage::{Api, Cost, EndpointCount, Usage};
use crate::gitlab::auth::{Fingerprint, Token};
use crate::gitlab::budget::{Budget, TooLong, Turn, Waiting};
use crate::gitlab::credentials::Credentials;
use crate::gitlab::error::{Error, Kind, SetupError};
use crate::gitlab::plain_http::HttpPlumbing;
use crate::gitlab::redirect;
use crate::gitlab::refusal::{RefusedAnswer, clean, retry_after};
use crate::gitlab::retry::RetryOptions;
use crate::gitlab::tls::{ClientIdentity, ServerTrust};
use backon::ExponentialBackoff;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, LOCATION};
use reqwest::{Method, RequestBuilder, StatusCode};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// No answer of ours comes near it: a page of 100 jobs is about 300 KB.
const MAX_BODY: u64 = 64 << 20;

/// One caller's way to the server: the connection is shared with all other callers, the rest is the caller's own.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    connection: Arc<HttpConnection>,
    purpose: Purpose,
    /// When everything that this caller asks must be over.
    deadline: Option<Instant>,
    /// Clones of this handle are the same caller.
    cost: Arc<CostMeter>,
}

impl Deref for Transport {
    type Target = HttpConnection;

    fn deref(&self) -> &HttpConnection {
        &self.connection
    }
}

/// Counts what one caller's requests cost.
#[derive(Debug, Default)]
struct CostMeter {
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// The one HTTP client of a run, with one budget for all callers.
#[derive(Debug)]
pub(super) struct HttpConnection {
    /// For the host itself.
    http: reqwest::Client,
    /// For other origins.
    http_elsewhere: reqwest::Client,
    host: Host,
    /// What further clients are made of.
    plumbing: HttpPlumbing,
    /// What the host is asked through, as it may be shown.
    proxy: Option<String>,
    credentials: Arc<Credentials>,
    /// What they are on the way; only `Connection::request` gives them out.
    secret_headers: HeaderMap,
    budget: Budget,
    concurrency: usize,
    retry: RetryOptions,
    timeout: Duration,
    now: fn() -> DateTime<Utc>,
    endpoints: Arc<EndpointCounts>,
    /// The server's clock at the last answer, and when that was.
    server_clock: Mutex<Option<(DateTime<Utc>, Instant)>>,
}

/// One request, as often as it takes.
struct Ask {
    /// For errors and the log.
    request: RequestLine,
    url: Url,
    /// The JSON of a GraphQL query; a REST resource is read without.
    query: Option<String>,
    /// Which failures are worth another attempt.
    passing: fn(&Kind) -> bool,
}

/// One failed attempt: what went wrong, and how long the server asks to wait.
struct Refusal {
    kind: Kind,
    request_id: Option<String>,
    /// How long everybody waits before the next attempt, at least; our own wait does not come on top.
    retry_after: Option<Duration>,
}

impl Transport {
    pub(super) fn new(options: TransportOptions) -> Result<Self, SetupError> {
        let trust = ServerTrust::new(options.ca.as_deref(), options.insecure)?;
        let identity = options.identity.as_ref().map(|pem| ClientIdentity::from_pem(&pem.certificate, &pem.key));
        let identity = identity.transpose()?;
        let home = options.host.rest("");
        let proxy = options.proxy.as_ref().map(|rules| rules.shown_of(&home)).transpose()?.flatten();
        let plumbing = HttpPlumbing { trust, identity, proxy: options.proxy, connections: options.concurrency };
        let own = plumbing.client()?;
        let connection = HttpConnection {
            // A store of logs elsewhere is shown no certificate.
            http_elsewhere: if plumbing.identity.is_some() { plumbing.client_without_identity()? } else { own.clone() },
            http: own,
            plumbing,
            proxy,
            budget: Budget::new(options.concurrency, options.rps),
            concurrency: options.concurrency,
            host: options.host,
            secret_headers: options.credentials.header_map(),
            credentials: Arc::new(options.credentials),
            retry: options.retry,
            timeout: options.timeout,
            now: options.now,
            endpoints: Arc::default(),
            server_clock: Mutex::new(None),
        };
        let (connection, cost) = (Arc::new(connection), Arc::default());
        Ok(Self { connection, purpose: Purpose::General, deadline: None, cost })
    }

    /// Returns another caller's way over the same connection, which has cost nothing so far.
    pub(super) fn for_purpose(&self, purpose: Purpose, deadline: Instant) -> Self {
        let (connection, cost) = (Arc::clone(&self.connection), Arc::default());
        Self { connection, purpose, deadline: Some(deadline), cost }
    }

    /// Returns what this caller's requests have cost so far.
    pub(super) fn cost(&self) -> Cost {
        let CostMeter { requests, bytes } = &*self.cost;
        Cost { requests: requests.load(Ordering::Relaxed), bytes: bytes.load(Ordering::Relaxed) }
    }

    /// Counts bytes of a body, for this caller and in all.
    fn count_bytes(&self, bytes: u64) {
        self.cost.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.budget.count_bytes(bytes);
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn usage(&self) -> Usage {
        self.budget.usage()
    }

    /// Returns the requests of all callers, by what was asked and what came back.
    pub(super) fn endpoint_counts(&self) -> Vec<EndpointCount> {
        self.endpoints.all()
    }

    pub(super) fn set_api(&self, api: Api) {
        self.budget.set_api(api);
    }

    pub(super) fn halve_rate(&self, is_halved: bool) {
        self.budget.halve(is_halved);
    }

    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    pub(super) fn has_token(&self) -> bool {
        self.credentials.identify()
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.credentials.fingerprint(&self.host)
    }

    /// Returns the time by the server's clock, ours until the server has told its own.
    pub(super) fn server_now(&self) -> DateTime<Utc> {
        self.told_now().unwrap_or_else(self.now)
    }

    /// Returns the time by the server's clock; `None` until it is known. A time that a server names is measured by this
    /// one only.
    fn told_now(&self) -> Option<DateTime<Utc>> {
        let (date, at) = (*self.server_clock.lock())?;
        Some(TimeDelta::from_std(at.elapsed()).ok().and_then(|since| date.checked_add_signed(since)).unwrap_or(date))
    }

    /// Takes this for the time by the server's clock until the server tells it.
    pub(super) fn set_server_now(&self, now: DateTime<Utc>) {
        *self.server_clock.lock() = Some((now, Instant::now()));
    }

    /// Returns the time by this machine's clock.
    pub(super) fn machine_now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// Reads a REST resource; `path` is already encoded.
    pub(super) async fn get(&self, path: &str) -> Result<HttpAnswer, Error> {
        let url = self.host.rest(path);
        self.ask(&Ask { request: get(&url), url, query: None, passing: Kind::is_passing }).await
    }

    /// Asks a GraphQL query, which only reads although it is posted; `name` is its operation's.
    pub(super) async fn query(
        &self,
        name: &str,
        query: String,
        passing: fn(&Kind) -> bool,
    ) -> Result<HttpAnswer, Error> {
        let url = self.host.graphql();
        self.ask(&Ask { request: self.query_line(name), url, query: Some(query), passing }).await
    }

    /// Asks until there is an answer, or no sense in asking again.
    async fn ask(&self, ask: &Ask) -> Result<HttpAnswer, Error> {
        let start = Instant::now();
        let request = ask.request.to_string();
        let mut waits = self.retry.waits();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let refusal = match self.follow(ask, attempts).await {
                Ok((headers, body)) => {
                    let credentials = Arc::clone(&self.credentials);
                    return Ok(HttpAnswer { headers, body, request: ask.request.clone(), credentials });
                }
                Err(refusal) => refusal,
            };
            tracing::debug!(request, attempts, problem = %refusal.kind, "failed");
            // A turn that would come too late was not taken, so nothing was sent.
            if matches!(refusal.kind, Kind::WaitTooLong { .. } | Kind::OwnRate { .. } | Kind::WaitBeforeAct { .. }) {
                attempts -= 1;
            }
            if self.goes_on(&refusal, (ask.passing)(&refusal.kind), &mut waits).await {
                continue;
            }
            let Refusal { kind, request_id, .. } = refusal;
            let request = Box::new(ask.request.clone());
            return Err(Error { request, kind, attempts, elapsed: start.elapsed(), request_id });
        }
    }

    /// Waits for the time of another attempt; `false` where there is no sense in one.
    async fn goes_on(&self, refusal: &Refusal, is_passing: bool, waits: &mut ExponentialBackoff) -> bool {
        let wait = if is_passing { waits.next() } else { None };
        match (wait, self.time_left()) {
            (Some(wait), left) if left.is_none_or(|left| wait < left) => {
                self.budget.note_failure(refusal.kind.to_string());
                // Where the server says how long, everybody waits that long in the budget; our own wait is the least.
                if refusal.retry_after.is_none_or(|told| told < wait) {
                    tokio::time::sleep(wait).await;
                }
                true
            }
            _ => false,
        }
    }

    /// Returns what everything waits for at the moment, if it does.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        self.budget.waiting()
    }

    /// Returns how the last attempt failed, where it is made again and nothing has come since.
    pub(super) fn failure(&self) -> Option<String> {
        self.budget.failure()
    }

    pub(super) fn time_to_send(&self, requests: u64) -> Duration {
        self.budget.time_to_send(requests)
    }

    pub(super) fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// Sends one attempt, through redirects.
    async fn follow(&self, ask: &Ask, attempts: u32) -> Result<(HeaderMap, Vec<u8>), Refusal> {
        let mut url = ask.url.clone();
        for _ in 0..=redirect::MAX_HOPS {
            let response = self.send(ask, &url, attempts).await?;
            if !response.0.is_redirection() {
                return self.judge(&url, ask.query.is_some(), response);
            }
            if ask.query.is_some() {
                return Err(Kind::Redirect {
                    to: url.path().to_owned(),
                    why: "which a posted query does not follow",
                    is_login: false,
                }
                .into());
            }
            let location = response.1.get(LOCATION).and_then(|value| value.to_str().ok());
            url = redirect::target(&self.host, &url, location).map_err(Refusal::from)?;
        }
        Err(Kind::Redirect { to: url.path().to_owned(), why: "again and again", is_login: false }.into())
    }

    /// Sends one request when its turn has come, and reads the whole answer.
    async fn send(&self, ask: &Ask, url: &Url, attempts: u32) -> Result<(StatusCode, HeaderMap, Vec<u8>), Refusal> {
        let _turn = self.turn().await?;
        let mut exchange = self.exchange(&ask.request, url, attempts);
        let answer = async {
            let request = match &ask.query {
                None => self.request(Method::GET, url),
                Some(query) => {
                    self.request(Method::POST, url).header(CONTENT_TYPE, "application/json").body(query.clone())
                }
            };
            let request = request.header(ACCEPT, "application/json");
            let response =
                request.send().await.map_err(|error| connect_kind(error, self.timeout, self.proxy.as_deref()))?;
            self.whole(response, &mut exchange).await
        };
        self.in_time(answer).await
    }

    /// Waits for a request's turn.
    async fn turn(&self) -> Result<Turn<'_>, Refusal> {
        self.turn_within(self.purpose.longest_wait()).await
    }

    /// The same; a turn that comes later than `longest` is not waited for.
    async fn turn_within(&self, longest: Option<Duration>) -> Result<Turn<'_>, Refusal> {
        if self.time_left().is_some_and(|left| left.is_zero()) {
            return Err(Kind::Deadline.into());
        }
        let latest = longest.map(|longest| Instant::now() + longest);
        let deadline = self.deadline;
        let until = deadline.into_iter().chain(latest).min();
        let turn = self.budget.acquire(until).await.map_err(|too_long| match (deadline, latest) {
            (None, Some(_)) => Kind::WaitBeforeAct { wait: too_long.wait }.into(),
            (Some(deadline), Some(latest)) if latest < deadline => Kind::WaitBeforeAct { wait: too_long.wait }.into(),
            _ => self.over_time(too_long),
        })?;
        self.cost.requests.fetch_add(1, Ordering::Relaxed);
        Ok(turn)
    }

    /// Begins a request, which carries token and headers to the configured server only.
    fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        if self.host.is_origin_of(url) {
            self.http.request(method, url.clone()).headers(self.secret_headers.clone())
        } else {
            self.http_elsewhere.request(method, url.clone())
        }
    }

    /// Reads the whole of an answer.
    async fn whole(
        &self,
        mut response: reqwest::Response,
        exchange: &mut Exchange,
    ) -> Result<(StatusCode, HeaderMap, Vec<u8>), Kind> {
        exchange.answer_with(response.status());
        self.learn(response.headers());
        check_packing(response.headers())?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(body_kind)? {
            if (body.len() + chunk.len()) as u64 > MAX_BODY {
                return Err(Kind::TooLarge(MAX_BODY));
            }
            exchange.count(chunk.len());
            body.extend_from_slice(&chunk);
        }
        exchange.end();
        self.count_bytes(body.len() as u64);
        Ok((response.status(), response.headers().clone(), body))
    }

    /// Gives some work the time of one request, or what the run has left.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Kind>>) -> Result<T, Refusal> {
        let timeout = self.time_left().map_or(self.timeout, |left| left.min(self.timeout));
        if timeout.is_zero() {
            return Err(Kind::Deadline.into());
        }
        match tokio::time::timeout(timeout, work).await {
            Ok(outcome) => outcome.map_err(Refusal::from),
            Err(_) if timeout < self.timeout => Err(Kind::Deadline.into()),
            Err(_) => Err(Kind::Timeout(timeout).into()),
        }
    }

    /// A turn that comes too late is the server's doing where it said to wait, ours where the rate is too low for so many
    /// requests, and else simply the end of our time.
    fn over_time(&self, too_long: TooLong) -> Refusal {
        let TooLong { wait, left, is_ours } = too_long;
        match (left.is_zero(), is_ours) {
            (true, _) => Kind::Deadline.into(),
            (false, true) => Kind::OwnRate { wait, left }.into(),
            (false, false) => Kind::WaitTooLong { wait, left }.into(),
        }
    }

    /// Makes foreign text fit to be shown: without the token, on one line, not too long, harmless.
    pub(super) fn quote(&self, text: &str) -> String {
        clean(&self.scrub(text))
    }

    /// Makes an error of an answer that came and is none.
    pub(super) fn error(&self, name: &str, kind: Kind) -> Error {
        let request = Box::new(self.query_line(name));
        Error { request, kind, attempts: 1, elapsed: Duration::ZERO, request_id: None }
    }

    fn query_line(&self, name: &str) -> RequestLine {
        RequestLine { method: "POST".into(), url: self.host.graphql().to_string(), query: Some(name.into()) }
    }

    /// Redacts token and headers from foreign text.
    fn scrub(&self, text: &str) -> String {
        self.credentials.scrub(text)
    }

    fn learn(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        if let Some(date) = date.and_then(|text| DateTime::parse_from_rfc2822(text).ok()) {
            self.set_server_now(date.to_utc());
        }
        self.budget.learn(headers, self.told_now());
    }

    /// Takes a 200 for an answer, another 2xx for none, and anything else for a refusal, in the words of the server that
    /// gave it.
    fn judge(
        &self,
        url: &Url,
        is_graphql: bool,
        (status, headers, body): (StatusCode, HeaderMap, Vec<u8>),
    ) -> Result<(HeaderMap, Vec<u8>), Refusal> {
        if status == StatusCode::OK {
            return Ok((headers, body));
        }
        if status.is_success() {
            // GitLab answers a question with 200. An empty body or a part of one is no empty list.
            let what = if status == StatusCode::PARTIAL_CONTENT { "only a part of the answer" } else { "no answer" };
            let problem = format!("status {}, which carries {what}", status.as_u16());
            return Err(Kind::Decode { path: ".".into(), problem }.into());
        }
        let scrub = |text: &str| self.scrub(text);
        let request_id = headers.get("x-request-id").and_then(|value| value.to_str().ok()).map(|id| clean(&scrub(id)));
        let code = status.as_u16();
        // 429 says it, and 503 during maintenance.
        let retry_after = matches!(code, 429 | 503).then(|| retry_after(&headers, self.told_now())).flatten();
        if let Some(wait) = retry_after {
            self.budget.close_for(wait);
        }
        let unfit = self.credentials.token.as_ref().and_then(Token::unfit);
        let refused =
            RefusedAnswer { code, headers: &headers, body: &body, path: url.path(), is_graphql, retry_after, unfit };
        Err(Refusal { kind: refused.kind(&scrub), request_id, retry_after })
    }
}

/// Refuses a body that is packed in another way than was asked for. What could be unpacked has lost this header.
pub(super) fn check_packing(headers: &HeaderMap) -> Result<(), Kind> {
    let packing = headers.get(CONTENT_ENCODING).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match packing.as_deref().map(str::trim) {
        None | Some("") => Ok(()),
        Some(plain) if plain.eq_ignore_ascii_case("identity") => Ok(()),
        Some(odd) => Err(Kind::OddPacking(clean(odd))),
    }
}

fn get(url: &Url) -> RequestLine {
    RequestLine { method: "GET".into(), url: url.to_string(), query: None }
}

impl From<Kind> for Refusal {
    fn from(kind: Kind) -> Self {
        Self { kind, request_id: None, retry_after: None }
    }
}
