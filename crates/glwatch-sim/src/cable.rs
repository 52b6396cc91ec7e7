//! `/-/cable`: ActionCable with GraphQL subscriptions, as GitLab serves it to tokens.
//!
//! Rails answers a plain 404 to what is no websocket of its own host. A token that is none learns it on the socket, and
//! one without the scope is refused each subscription (`app/channels/`).

mod session;
mod subscription;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use tokio::sync::mpsc;

pub(crate) use session::{CableSession, keep_session};

const PROTOCOL: &str = "actioncable-v1-json";
/// RFC 6455, 1.3.
const PROOF: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What `/-/cable` does.
#[derive(Clone, Copy, Debug)]
pub struct CableOptions {
    /// Time from one ping to the next.
    pub ping: Duration,
    pub field: StatusesField,
}

impl Default for CableOptions {
    fn default() -> Self {
        Self { ping: Duration::from_secs(3), field: StatusesField::V18_6 }
    }
}

/// The subscription `ciPipelineStatusesUpdated` as versions of GitLab have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusesField {
    /// Before 18.6.
    Missing,
    V18_6,
    V19_4,
}

/// What goes wrong with a cable once it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CableFault {
    /// Subscriptions are taken and nothing is ever said: the feature is switched off.
    Silent,
    /// This project is refused.
    Refused(u64),
    NoPing,
    /// The upgrade is answered without the subprotocol.
    NoProtocol,
}

/// What becomes of the cables that are open.
#[derive(Clone, Debug)]
pub(crate) enum CableOrder {
    Send(String),
    Drop,
}

struct OpenCable {
    orders: mpsc::UnboundedSender<CableOrder>,
    subscribed: Vec<u64>,
}

/// All cables that are open.
#[derive(Default)]
pub(crate) struct CableRoom {
    numbers: AtomicU64,
    open: Mutex<BTreeMap<u64, OpenCable>>,
}

/// A place in the room; dropping it leaves.
pub(crate) struct CablePlace {
    room: Arc<CableRoom>,
    number: u64,
}

impl CableRoom {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, OpenCable>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>) -> (CablePlace, mpsc::UnboundedReceiver<CableOrder>) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (orders, received) = mpsc::unbounded_channel();
        self.lock().insert(number, OpenCable { orders, subscribed: Vec::new() });
        (CablePlace { room: Arc::clone(self), number }, received)
    }

    /// Tells all open cables to do something.
    pub(crate) fn order(&self, order: &CableOrder) {
        for cable in self.lock().values() {
            // One that is closing does not listen any more.
            let _ = cable.orders.send(order.clone());
        }
    }

    /// Returns the projects that each open cable has subscribed.
    pub(crate) fn subscribed(&self) -> Vec<Vec<u64>> {
        self.lock().values().map(|cable| cable.subscribed.clone()).collect()
    }
}

impl CablePlace {
    fn note(&self, projects: Vec<u64>) {
        if let Some(cable) = self.room.lock().get_mut(&self.number) {
            cable.subscribed = projects;
        }
    }
}

impl Drop for CablePlace {
    fn drop(&mut self) {
        self.room.lock().remove(&self.number);
    }
}

/// A request that may become a cable.
pub(crate) struct CableCall {
    key: String,
    upgrade: OnUpgrade,
}

impl CableCall {
    /// Takes a request for a websocket of this host in the protocol; `None` for anything else.
    pub(crate) fn of(headers: &HeaderMap, upgrade: Option<OnUpgrade>) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let host = text("host");
        let is_own = ["http", "https"].iter().any(|scheme| text("origin") == format!("{scheme}://{host}"));
        let is_websocket = text("upgrade").eq_ignore_ascii_case("websocket")
            && text("connection").to_ascii_lowercase().contains("upgrade")
            && text("sec-websocket-version") == "13";
        let speaks = text("sec-websocket-protocol").split(',').any(|name| name.trim() == PROTOCOL);
        let key = text("sec-websocket-key").to_owned();
        let upgrade = upgrade.filter(|_| is_own && is_websocket && speaks && !key.is_empty())?;
        Some(Self { key, upgrade })
    }

    /// Answers, and keeps the cable from then on.
    pub(crate) fn accept(self, session: CableSession) -> Response {
        let proof = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{}{PROOF}", self.key).as_bytes()));
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        };
        set("connection", "Upgrade");
        set("upgrade", "websocket");
        set("sec-websocket-accept", &proof);
        if !session.faults.contains(&CableFault::NoProtocol) {
            set("sec-websocket-protocol", PROTOCOL);
        }
        let upgrade = self.upgrade;
        tokio::spawn(async move {
            if let Ok(upgraded) = upgrade.await {
                keep_session(upgraded, session).await;
            }
        });
        response
    }
}

/// Returns Rails' answer to what is no websocket for it.
pub(crate) fn page_not_found() -> Response {
    (StatusCode::NOT_FOUND, [("content-type", "text/plain; charset=utf-8")], "Page not found").into_response()
}
