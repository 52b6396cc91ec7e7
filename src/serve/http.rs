//! The addresses of the server, and the server itself: limits on connections, heads and bodies, and an end that waits for
//! answers that have begun.

use super::access::is_permitted;
use super::event_log::{EventStart, NumberedEvent};
use super::hook_answer::HookDelivery;
use super::hook_body::BodyRoom;
use super::host_rule::{HostRule, UNKNOWN_HOST};
use super::hub::{AnswerRefusal, Hub};
use super::own_metrics;
use super::page;
use super::readiness::Readiness;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    ACCEPT, AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::{Stream, StreamExt, stream};
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use secrecy::SecretString;
use serde::Deserialize;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};
use tower_http::compression::CompressionLayer;

/// Connections at once; dashboards that stay open have one each.
const MOST_CONNECTIONS: usize = 2000;
/// How long the head of a request may take to come.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long answers that have begun may take when the server ends.
const END_TIME: Duration = Duration::from_secs(5);
/// A listener that hears nothing for so long gets a comment, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// For how many seconds the data counts as fresh.
const FRESH_FOR: &str = "glwatch-fresh-for";
/// Why a question about a project has no answer.
const NO_PATH: &str = "the project's path is not UTF-8";
/// The page runs its own script and style, and asks this server only.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the addresses share.
#[derive(Clone)]
struct Shared {
    hub: Arc<Hub>,
    /// What the API and the page ask for.
    token: Option<Arc<SecretString>>,
    /// By which names what asks for no token is asked for; `None` where every one will do.
    hosts: Option<Arc<HostRule>>,
    bodies: Arc<BodyRoom>,
}

impl Shared {
    /// Says whether a request is none that a foreign page makes in its own name.
    fn knows_host(&self, target: &Uri, headers: &HeaderMap) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| hosts.knows(target, headers))
    }
}

/// Returns the addresses. `hosts` is for a server that only this machine reaches.
pub fn router(hub: Arc<Hub>, token: Option<SecretString>, hosts: Option<HostRule>) -> Router {
    let shared = Shared { hub, token: token.map(Arc::new), hosts: hosts.map(Arc::new), bodies: Arc::default() };
    let guarded = Router::new()
        .route("/", get(page::index))
        .route("/page.js", get(page::script))
        .route("/page.css", get(page::style))
        .route("/api/v1/snapshot", get(snapshot))
        .route("/api/v1/explain/{*project}", get(explain))
        .route("/api/v1/past/{*project}", get(past))
        .layer(CompressionLayer::new())
        // What is sent as it comes is not packed: a packer would hold it back.
        .route("/api/v1/events", get(events))
        .layer(middleware::from_fn_with_state(shared.clone(), guard));
    let scraped = match shared.hub.rules().hides_metrics {
        true => Router::new(),
        false => Router::new()
            .route("/metrics", get(metrics))
            .route_layer(middleware::from_fn_with_state(shared.clone(), own_host)),
    };
    let open = scraped
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .layer(CompressionLayer::new())
        .route("/webhook", post(webhook));
    open.merge(guarded).layer(middleware::from_fn(harmless)).with_state(shared)
}

async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if shared.token.is_none() {
        return own_host(State(shared), request, next).await;
    }
    if is_permitted(shared.token.as_deref(), request.headers()) {
        return next.run(request).await;
    }
    let realm = [(WWW_AUTHENTICATE, "Basic realm=\"glwatch\", charset=\"UTF-8\"")];
    (StatusCode::UNAUTHORIZED, realm, "a token is needed: Authorization: Bearer, or as the password\n").into_response()
}

/// Refuses a request for another host than this one: it asks for no token, and a foreign page could make it.
async fn own_host(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if !shared.knows_host(request.uri(), request.headers()) {
        return unknown_host();
    }
    next.run(request).await
}

fn unknown_host() -> Response {
    (StatusCode::MISDIRECTED_REQUEST, UNKNOWN_HOST).into_response()
}

/// Adds headers that keep a browser from doing more with an answer than showing it.
async fn harmless(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let accept = text(&headers, &ACCEPT).unwrap_or_default();
    shared.hub.save_for_page().await;
    match shared.hub.metrics(accept) {
        Ok(page) => {
            let size = page.len().to_string();
            let head = [(CONTENT_TYPE, page.content_type), (CONTENT_LENGTH, &size), (VARY, "accept")];
            let parts = page.into_parts().into_iter().map(|part| Ok::<_, Infallible>(Bytes::from(part)));
            (head, Body::from_stream(stream::iter(parts))).into_response()
        }
        Err(error) => broken(&error),
    }
}

/// A load balancer may ask by any name. Only those who know ours learn what is wrong: it may name GitLab or a project.
async fn ready(State(shared): State<Shared>, target: Uri, headers: HeaderMap) -> Response {
    let is_known = shared.knows_host(&target, &headers);
    match shared.hub.readiness() {
        Readiness::Ready(_) if !is_known => "ready\n".into_response(),
        Readiness::NotReady(_) if !is_known => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
        Readiness::Ready(lack) => {
            let cable = shared.hub.cable_trouble().map(|trouble| format!("without the cable: {trouble}"));
            let but: Vec<String> = lack.into_iter().chain(cable).collect();
            match but.is_empty() {
                true => "ready\n".into_response(),
                false => format!("ready, but {}\n", but.join("; ")).into_response(),
            }
        }
        Readiness::NotReady(reason) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response()
        }
    }
}

async fn snapshot(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let snapshot = match shared.hub.snapshot() {
        Ok(Some(snapshot)) => snapshot,
        Ok(None) => return refused(StatusCode::SERVICE_UNAVAILABLE, "nothing has been read yet"),
        Err(error) => return broken(&error),
    };
    // Packed and unpacked texts are two, so the tag is a weak one.
    let etag = format!("W/\"{}\"", snapshot.etag);
    let is_known = knows(&headers, &etag);
    let age = shared.hub.age_seconds(snapshot.read_at).to_string();
    let fresh_for = shared.hub.fresh_for().as_secs().to_string();
    let fresh_for = (HeaderName::from_static(FRESH_FOR), fresh_for);
    let tag = [(ETAG, etag), (CACHE_CONTROL, "no-cache".to_owned()), (AGE, age), fresh_for];
    if is_known {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    (tag, [(CONTENT_TYPE, "application/json")], Bytes::from_owner(snapshot.json)).into_response()
}

#[derive(Deserialize)]
struct ExplainQuery {
    pipeline: Option<u64>,
}

async fn explain(
    State(shared): State<Shared>,
    project: Result<Path<String>, PathRejection>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Response {
    let Ok(Path(project)) = project else { return refused(StatusCode::BAD_REQUEST, NO_PATH) };
    let Ok(Query(query)) = query else { return refused(StatusCode::BAD_REQUEST, "pipeline is not a number") };
    match shared.hub.explain(project, query.pipeline).await {
        Ok(document) => ([(CONTENT_TYPE, "application/json")], document).into_response(),
        Err(refusal) => unanswered(&refusal),
    }
}

#[derive(Deserialize)]
struct PastOfQuery {
    before: Option<u64>,
}

async fn past(
    State(shared): State<Shared>,
    project: Result<Path<String>, PathRejection>,
    query: Result<Query<PastOfQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(project)) = project else { return refused(StatusCode::BAD_REQUEST, NO_PATH) };
    let Ok(Query(query)) = query else { return refused(StatusCode::BAD_REQUEST, "before is not a number") };
    let past = match shared.hub.past_of(project, query.before).await {
        Ok(past) => past,
        Err(refusal) => return unanswered(&refusal),
    };
    // No time is in it: it stays the same as long as nothing new is remembered.
    let etag = format!("W/\"{}\"", own_metrics::fingerprint(&past.json));
    let is_known = knows(&headers, &etag);
    let age = shared.hub.age_seconds(past.as_of).to_string();
    let tag = [(ETAG, etag), (CACHE_CONTROL, "no-cache".to_owned()), (AGE, age)];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, tag).into_response(),
        false => (tag, [(CONTENT_TYPE, "application/json")], past.json).into_response(),
    }
}

/// Says whether one who asks has this answer already.
fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let known = text(headers, &IF_NONE_MATCH);
    known.is_some_and(|known| known.split(',').any(|known| known.trim() == etag || known.trim() == "*"))
}

async fn events(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let last = text(&headers, &HeaderName::from_static("last-event-id"));
    let hub = shared.hub;
    let (start, receiver) = hub.events().listen(last);
    let first = match start {
        EventStart::Missed(missed) => missed.iter().map(|event| as_sent(&hub, event)).collect(),
        // What it shows may be anything: it takes the snapshot.
        EventStart::Snapshot => vec![Event::default().event("snapshot").data("{}")],
    };
    let sent = stream::iter(first).chain(following(hub, receiver)).map(Ok::<_, Infallible>);
    let stream = Sse::new(sent).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("still here"));
    ([(CACHE_CONTROL, "no-cache")], stream).into_response()
}

/// Returns the events that come from now on. One that is too slow takes the snapshot again.
fn following(hub: Arc<Hub>, receiver: Receiver<NumberedEvent>) -> impl Stream<Item = Event> {
    stream::unfold((hub, receiver), |(hub, mut receiver)| async move {
        let event = match receiver.recv().await {
            Ok(event) => as_sent(&hub, &event),
            Err(RecvError::Lagged(_)) => Event::default().event("snapshot").data("{}"),
            Err(RecvError::Closed) => return None,
        };
        Some((event, (hub, receiver)))
    })
}

fn as_sent(hub: &Hub, event: &NumberedEvent) -> Event {
    // What was missed is in no event.
    if event.json.is_empty() {
        return Event::default().event("snapshot").data("{}");
    }
    Event::default().id(hub.events().id(event.number)).event("change").data(&*event.json)
}

async fn webhook(State(shared): State<Shared>, target: Uri, headers: HeaderMap, body: Body) -> Response {
    if !shared.hub.rules().has_webhook {
        return refused(StatusCode::NOT_FOUND, "webhooks are switched off");
    }
    if !shared.hub.rules().hooks.ask_for_proof() && !shared.knows_host(&target, &headers) {
        return unknown_host();
    }
    let token = headers.get("x-gitlab-token").map(HeaderValue::as_bytes);
    // Nothing of a stranger's body is kept. What is not there is judged as an empty one.
    let body = match shared.hub.rules().hooks.accept_token(token) {
        true => shared.bodies.read(body).await,
        false => None,
    };
    let header = |name: &'static str| text(&headers, &HeaderName::from_static(name));
    // What has not come whole is not known by its id: the same may come again.
    let id = body.as_ref().and_then(|_| header("webhook-id").or_else(|| header("idempotency-key")));
    let delivery = HookDelivery {
        token,
        event: header("x-gitlab-event"),
        id,
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: body.as_ref().map_or(&[], |body| &body.bytes),
    };
    let answer = shared.hub.deliver(delivery);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    (status, [(CONTENT_TYPE, "application/json")], answer.body).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn refused(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": message }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

fn unanswered(refusal: &AnswerRefusal) -> Response {
    refused(StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_GATEWAY), &refusal.message)
}

fn broken(error: &std::io::Error) -> Response {
    tracing::error!(%error, "an answer could not be written");
    refused(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written")
}

/// Serves until `end` is over; then waits a little for answers that have begun.
pub async fn serve(listener: TcpListener, router: Router, end: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut end = std::pin::pin!(end);
    loop {
        let slot = Arc::clone(&connections);
        let accepted = tokio::select! {
            accepted = async {
                // A closed semaphore would be an end; it is never closed.
                let slot = slot.acquire_owned().await.ok();
                (listener.accept().await, slot)
            } => accepted,
            () = &mut end => break,
        };
        let (Ok((stream, _)), slot) = accepted else {
            // Out of files, most likely: others must end first.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        // HTTP/1 alone: no one who asks needs more, and its limit on time holds from the first byte that is missing.
        let connection = Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _slot = slot;
            // A client that goes away in the middle is no trouble of ours.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = timeout(END_TIME, graceful.shutdown()).await;
}

/// Makes an answer of a text that never changes.
pub(super) fn constant(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], Body::from(text)).into_response()
}
