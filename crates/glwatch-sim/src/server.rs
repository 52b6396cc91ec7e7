//! The running server: its thread, and what happens to one request from arrival to answer.

use std::io;
use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::cable::{CableCall, CableOrder, CableRoom, CableSession, page_not_found};
use super::clock::Clock;
use super::connection::{ClosableListener, ConnectionHandle};
use super::expected::{expected_history, expected_status};
use super::faults::{Action, Fault, FaultQueue};
use super::graphql::{GraphqlApi, GraphqlBody};
use super::history::HistoryEntry;
use super::hook_shelf::SimHook;
use super::log::{Request, RequestLog};
use super::options::{Options, WorldKind};
use super::query::QueryParameters;
use super::reply::{HttpReply, broken};
use super::rest::{ApiRequest, RestApi, caller};
use super::scenario::Scenario;
use super::uniform::{uniform, with_history};
use super::webhooks::{HookDeliveries, Webhook, deliver};
use super::world::World;

const DEMO: &str = include_str!("scenarios/demo.toml");
const FAILURES: &str = include_str!("scenarios/failures.toml");
/// A request of more bytes is refused.
const LARGEST_BODY: usize = 1_000_000;

/// A running simulated GitLab; dropping it stops it.
pub struct Sim {
    url: String,
    shared: Arc<ServerState>,
    thread: Option<JoinHandle<()>>,
}

struct ServerState {
    world: Arc<World>,
    cables: Arc<CableRoom>,
    options: Options,
    base: String,
    faults: Mutex<FaultQueue>,
    log: RequestLog,
    window: Mutex<LimitWindow>,
    numbers: AtomicU64,
    stop: Notify,
}

/// The rate limit's current window.
#[derive(Default)]
struct LimitWindow {
    start: i64,
    used: u32,
}

impl Sim {
    /// Starts a server on a loopback port of its own; it answers once this returns.
    pub fn start(options: Options) -> io::Result<Self> {
        let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
        let scenario = match &options.world {
            WorldKind::Demo => Scenario::parse(DEMO).map_err(invalid)?,
            WorldKind::Failures => Scenario::parse(FAILURES).map_err(invalid)?,
            WorldKind::Scenario(text) => Scenario::parse(text).map_err(invalid)?,
            WorldKind::History { projects, days, pipelines, merge_requests, deployments } => {
                let (pipelines, merge_requests, deployments) = (*pipelines, *merge_requests, *deployments);
                with_history(*projects, HistoryEntry { days: *days, pipelines, merge_requests, deployments })
            }
            WorldKind::Uniform { projects, stages, jobs } => uniform(*projects, *stages, *jobs, options.seed),
        };
        let world = World::new(&scenario, options.seed, options.clock.now_ms()).map_err(invalid)?;
        let mut faults = FaultQueue::default();
        options.faults.iter().cloned().for_each(|fault| faults.add(fault));
        for entry in scenario.fault {
            faults.add(entry.fault().map_err(invalid)?);
        }
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(ServerState {
            world: Arc::new(world),
            cables: Arc::default(),
            options,
            base: url.clone(),
            faults: Mutex::new(faults),
            log: RequestLog::default(),
            window: Mutex::default(),
            numbers: AtomicU64::new(1),
            stop: Notify::new(),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sim".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, Arc::clone(&served)) => {}
                    () = served.stop.notified() => {}
                }
            });
            // Not waited for: a stalled answer would hold it for ever.
            runtime.shutdown_background();
        })?;
        Ok(Self { url, shared, thread: Some(thread) })
    }

    /// Returns `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the id of the group that holds all others.
    pub fn group_id(&self) -> u64 {
        self.shared.world.groups[self.shared.world.root].id
    }

    /// Returns the requests in order of arrival; one without an answer yet has status 0.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.requests()
    }

    /// Forgets the requests and the counters.
    pub fn clear_requests(&self) {
        self.shared.log.clear();
    }

    pub fn peak_in_flight(&self) -> usize {
        self.shared.log.peak_in_flight()
    }

    pub fn add_fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Returns what a correct client must report right now.
    pub fn expected(&self) -> Value {
        expected_status(&self.shared.world, self.clock().now_ms())
    }

    /// Returns what a correct client must find out about the past: counts, durations, flaky jobs, red stretches, the cause
    /// of each failure, and what every deployment turned out to be.
    pub fn expected_history(&self) -> Value {
        expected_history(&self.shared.world, self.clock().now_ms())
    }

    pub fn clock(&self) -> &Clock {
        &self.shared.options.clock
    }

    /// Gives a project a webhook with these fields, as GitLab shows them: one that is disabled, say.
    pub fn add_hook(&self, project: &str, fields: &Value) {
        let world = &self.shared.world;
        let (Some(project), Value::Object(fields)) = (world.project(project), fields) else { return };
        let (id, fields) = (world.hooks.next_id(), fields.clone());
        world.hooks.put(project, SimHook { id, fields, has_token: false, created: self.clock().now_ms() });
    }

    /// Returns the webhooks of a project: their fields as they were sent, and whether they have a secret.
    pub fn hooks(&self, project: &str) -> Vec<(Value, bool)> {
        let project = self.shared.world.project(project);
        let hooks = project.map_or_else(Vec::new, |project| self.shared.world.hooks.of(project));
        hooks.into_iter().map(|hook| (Value::Object(hook.fields), hook.has_token)).collect()
    }

    /// Sends to `hook` what happened after `from` and until now, and waits for the answers.
    pub fn deliver(&self, hook: &Webhook, from: DateTime<Utc>) -> io::Result<HookDeliveries> {
        let now = self.clock().now_ms();
        deliver(&self.shared.world, &self.shared.base, hook, from.timestamp_millis(), now)
    }

    /// Sends to `hook` what happens from now on, looking for it every so often; fails if the URL leads elsewhere.
    pub fn keep_delivering(&self, hook: Webhook, every: Duration) -> io::Result<()> {
        let mut from = self.clock().now_ms();
        deliver(&self.shared.world, &self.shared.base, &hook, from, from)?;
        // The thread does not keep a server alive that was dropped.
        let shared = Arc::downgrade(&self.shared);
        std::thread::Builder::new().name("sim-hooks".to_owned()).spawn(move || {
            while let Some(shared) = shared.upgrade() {
                let now = shared.options.clock.now_ms();
                // A receiver that is away misses what happened, as it does with GitLab.
                let _ = deliver(&shared.world, &shared.base, &hook, from, now);
                from = now;
                drop(shared);
                std::thread::sleep(every);
            }
        })?;
        Ok(())
    }

    /// Returns the projects that each open cable has subscribed.
    pub fn cables(&self) -> Vec<Vec<u64>> {
        self.shared.cables.subscribed()
    }

    /// Sends this text over all open cables.
    pub fn send_over_cables(&self, text: &str) {
        self.shared.cables.order(&CableOrder::Send(text.to_owned()));
    }

    /// Hangs up all open cables without a word.
    pub fn drop_cables(&self) {
        self.shared.cables.order(&CableOrder::Drop);
    }

    /// Waits until `n` requests have arrived since the last clearing; `false` when the deadline passed first.
    pub fn wait_for_requests(&self, n: usize, deadline: Duration) -> bool {
        self.shared.log.wait_for(n, deadline)
    }

    /// Returns how many handlers panicked and how many requests went to routes that do not exist.
    pub fn panics(&self) -> usize {
        self.shared.log.panics()
    }

    /// Returns the counters that `GET /-/sim/stats` shows.
    pub fn stats(&self) -> Value {
        self.shared.log.stats()
    }

    /// Blocks until `POST /-/sim/stop`, or for ever: the process that does only this.
    pub fn run_until_stopped(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by its hook; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: std::net::TcpListener, shared: Arc<ServerState>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let app = Router::new().fallback(handle).with_state(shared);
    let service = app.into_make_service_with_connect_info::<ConnectionHandle>();
    // Accept errors are retried inside; it ends only with the runtime.
    let _ = axum::serve(ClosableListener(listener), service).await;
}

/// Counts a request as in flight until its answer is handed over or its client is gone.
struct InFlight<'a>(&'a RequestLog);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.left();
    }
}

async fn handle(
    State(shared): State<Arc<ServerState>>,
    ConnectInfo(lifeline): ConnectInfo<ConnectionHandle>,
    request: HttpRequest,
) -> Response {
    let (mut head, body) = request.into_parts();
    let upgrade = head.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let (method, path, query) = (head.method.as_str(), head.uri.path(), head.uri.query().unwrap_or(""));
    if let Some(command) = path.strip_prefix("/-/sim/") {
        return shared.admin(method, command, &QueryParameters::parse(query));
    }
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let posted = match (method, path.trim_end_matches('/')) {
        ("POST", "/api/graphql") => Some(GraphqlBody::parse(&body)),
        _ => None,
    };
    let number = shared.log.arrive(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        body: if posted.is_some() { String::new() } else { String::from_utf8_lossy(&body).into_owned() },
        operation: posted.as_ref().and_then(GraphqlBody::operation).map(str::to_owned),
        authorization: ["authorization", "private-token"].iter().any(|name| head.headers.contains_key(*name))
            || QueryParameters::parse(query).get("private_token").is_some(),
        status: 0,
        at: shared.options.clock.now(),
    });
    let _in_flight = InFlight(&shared.log);
    let mut line = format!("{method} {path}{}{query}", if query.is_empty() { "" } else { "?" });
    if let Some(posted) = &posted {
        line = format!("{line} {}", posted.line());
    }
    let actions = lock(&shared.faults).take(&line);
    hold(&actions, shared.options.latency).await;
    if actions.iter().any(|action| matches!(action, Action::Reset)) {
        shared.log.answered(number, "reset", 0, 0, 0);
        lifeline.cut();
        return Response::default();
    }
    if (method, path) == ("GET", "/-/cable") && !actions.iter().any(Action::answers) {
        return shared.cable(number, CableCall::of(&head.headers, upgrade), &head.headers, &actions);
    }
    let call = HttpCall { method, path, query, headers: &head.headers, posted: posted.as_ref(), body: &body };
    let mut reply = shared.reply(&call, &actions);
    let plain = reply.length();
    if takes_gzip(&head.headers) && !actions.iter().any(Action::works_on_bytes) {
        reply.compress();
    }
    shared.log.answered(number, reply.kind, reply.status, plain, reply.length());
    if method == "HEAD" { reply.into_head() } else { reply.into_response() }
}

/// Waits as long as the answer is late; for ever where there is none.
async fn hold(actions: &[Action], latency: Duration) {
    let late: Duration = actions.iter().map(|a| if let Action::Delay(by) = a { *by } else { Duration::ZERO }).sum();
    if !(late + latency).is_zero() {
        tokio::time::sleep(late + latency).await;
    }
    if actions.iter().any(|action| matches!(action, Action::Stall)) {
        std::future::pending::<()>().await;
    }
}

/// Returns whether the client said that it reads gzip, with a weight other than 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all("accept-encoding").iter().filter_map(|value| value.to_str().ok());
    listed.flat_map(|list| list.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0);
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

/// One request as it came in.
struct HttpCall<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    /// The body, when it is a GraphQL request.
    posted: Option<&'a GraphqlBody>,
    body: &'a [u8],
}

impl ServerState {
    fn reply(&self, call: &HttpCall<'_>, actions: &[Action]) -> HttpReply {
        let (limit_headers, refused) = self.charge();
        let mut reply = match refused {
            Some(seconds) => {
                let resets = self.options.clock.now() + Duration::from_secs(seconds.unsigned_abs());
                let mut reply = HttpReply::rate_limited(Some(&seconds.to_string()), false);
                reply.set("ratelimit-resettime", &http_date(resets));
                reply
            }
            None => self.answer(call, actions),
        };
        for (name, value) in limit_headers {
            reply.set(name, &value);
        }
        let now = self.options.clock.now();
        reply.set("date", &http_date(now));
        reply.set("x-request-id", &format!("01SIM{:021}", self.numbers.fetch_add(1, Ordering::Relaxed)));
        reply.drop_headers(actions);
        reply
    }

    /// Opens a cable, or answers as Rails does where it is none.
    fn cable(&self, number: usize, call: Option<CableCall>, headers: &HeaderMap, actions: &[Action]) -> Response {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let fault = |action: &Action| if let Action::Cable(fault) = action { Some(fault.clone()) } else { None };
        let session = || CableSession {
            world: Arc::clone(&self.world),
            clock: self.options.clock.clone(),
            options: self.options.cable,
            caller: caller(text("authorization"), text("private-token")),
            faults: actions.iter().filter_map(fault).collect(),
            room: Arc::clone(&self.cables),
        };
        let mut response = call.map_or_else(page_not_found, |call| call.accept(session()));
        if let Ok(date) = http_date(self.options.clock.now()).parse() {
            response.headers_mut().insert("date", date);
        }
        self.log.answered(number, "cable", response.status().as_u16(), 0, 0);
        response
    }

    fn answer(&self, call: &HttpCall<'_>, actions: &[Action]) -> HttpReply {
        let text = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        let query = QueryParameters::parse(call.query);
        let caller = caller(text("authorization"), text("private-token").or(query.get("private_token")));
        // A route that a fault answers need not exist: a redirect's target, say.
        let answered_by_fault = actions.iter().any(Action::answers);
        let rest = RestApi {
            world: &self.world,
            now: self.options.clock.now_ms(),
            base: &self.base,
            access: self.options.access,
            any_group: self.options.any_group,
            version: self.options.graphql.version,
            etags: self.options.trace_etags,
            lost: answered_by_fault,
        };
        let answer = catch_unwind(AssertUnwindSafe(|| match call.posted {
            Some(posted) => {
                let broken = |action: &Action| match action {
                    Action::GraphqlErrorAtProject(id) => Some(*id),
                    _ => None,
                };
                let broken = actions.iter().filter_map(broken).collect();
                GraphqlApi { rest: &rest, options: &self.options.graphql, caller, broken }.answer(posted)
            }
            None => {
                let if_none_match = text("if-none-match");
                rest.answer(&ApiRequest {
                    method: call.method,
                    path: call.path,
                    query,
                    caller,
                    if_none_match,
                    body: call.body,
                })
            }
        }));
        let answer = answer.unwrap_or_else(|_| {
            self.log.panicked();
            broken()
        });
        if answer.kind == "unknown" && !answered_by_fault {
            self.log.panicked();
        }
        HttpReply::of(answer, actions)
    }

    /// Counts a request against the limit; returns the headers, and the seconds to wait when it is used up.
    fn charge(&self) -> (Vec<(&'static str, String)>, Option<i64>) {
        let Some(limit) = self.options.rate_limit else { return (Vec::new(), None) };
        let period = i64::try_from(limit.period.as_millis()).unwrap_or(i64::MAX).max(1);
        let now = self.options.clock.now_ms();
        let mut window = lock(&self.window);
        if now >= window.start + period {
            *window = LimitWindow { start: now, used: 0 };
        }
        window.used = window.used.saturating_add(1);
        let reset = window.start + period;
        let headers = vec![
            ("ratelimit-limit", limit.limit.to_string()),
            ("ratelimit-name", "throttle_authenticated_api".to_owned()),
            ("ratelimit-observed", window.used.to_string()),
            ("ratelimit-remaining", limit.limit.saturating_sub(window.used).to_string()),
            ("ratelimit-reset", (reset / 1_000).to_string()),
        ];
        let wait = (window.used > limit.limit).then(|| ((reset - now + 999) / 1_000).max(1));
        (headers, wait)
    }

    /// The surface for benches and for people; never counted, never delayed.
    fn admin(&self, method: &str, command: &str, query: &QueryParameters) -> Response {
        let body = match (method, command) {
            ("GET", "stats") => self.log.stats(),
            ("GET", "history") => expected_history(&self.world, self.options.clock.now_ms()),
            ("GET", "truth") => expected_status(&self.world, self.options.clock.now_ms()),
            ("POST", "reset") => {
                self.log.clear();
                json!({ "reset": true })
            }
            ("POST", "advance") => {
                self.options.clock.advance(Duration::from_secs(query.number("seconds").unwrap_or(0) as u64));
                json!({ "now": self.options.clock.now().to_rfc3339() })
            }
            ("POST", "stop") => {
                self.stop.notify_one();
                json!({ "stopped": true })
            }
            _ => return (StatusCode::NOT_FOUND, "no such command\n").into_response(),
        };
        HttpReply::text(200, "application/json", &body.to_string()).into_response()
    }
}
