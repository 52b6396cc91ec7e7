//! One cable, from its welcome to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::time::{Instant, interval, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::subscription::{moved, refused, subscribed_project};
use super::{CableFault, CableOptions, CableOrder, CablePlace, CableRoom};
use crate::clock::Clock;
use crate::rest::ApiCaller;
use crate::webhooks::moved_pipelines;
use crate::world::World;

/// How often is looked for what happened.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a cable is about.
pub(crate) struct CableSession {
    pub(crate) world: Arc<World>,
    pub(crate) clock: Clock,
    pub(crate) options: CableOptions,
    pub(crate) caller: ApiCaller,
    pub(crate) faults: Vec<CableFault>,
    pub(crate) room: Arc<CableRoom>,
}

/// The websocket is gone.
struct SocketGone;

type CableSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Keeps a cable until one side hangs up.
pub(crate) async fn keep_session(upgraded: Upgraded, session: CableSession) {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    if matches!(session.caller, ApiCaller::Anonymous | ApiCaller::Expired | ApiCaller::Unknown) {
        let dismissal = json!({ "type": "disconnect", "reason": "unauthorized", "reconnect": false });
        let _ = send(&mut socket, dismissal.to_string()).await;
        let _ = socket.close(None).await;
        return;
    }
    let (place, mut orders) = session.room.enter();
    let mut talk = CableTalk { from: session.clock.now_ms(), session, place, subscribed: BTreeMap::new() };
    let ping = talk.session.options.ping;
    let (mut pings, mut looks) = (interval_at(Instant::now() + ping, ping), interval(LOOK_EVERY));
    if send(&mut socket, json!({ "type": "welcome" }).to_string()).await.is_err() {
        return;
    }
    loop {
        let done = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => talk.take(&mut socket, &text).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => Ok(()),
            },
            _ = pings.tick() => talk.ping(&mut socket).await,
            _ = looks.tick() => talk.look(&mut socket).await,
            order = orders.recv() => match order {
                Some(CableOrder::Send(text)) => send(&mut socket, text).await,
                Some(CableOrder::Drop) | None => return,
            },
        };
        if done.is_err() {
            return;
        }
    }
}

async fn send(socket: &mut CableSocket, text: String) -> Result<(), SocketGone> {
    socket.send(Message::text(text)).await.map_err(|_| SocketGone)
}

struct CableTalk {
    session: CableSession,
    place: CablePlace,
    /// Projects by the identifier of their subscription; with the place of each in the world.
    subscribed: BTreeMap<String, (u64, usize)>,
    /// Up to when what happened was told.
    from: i64,
}

impl CableTalk {
    fn has(&self, fault: &CableFault) -> bool {
        self.session.faults.contains(fault)
    }

    async fn take(&mut self, socket: &mut CableSocket, text: &str) -> Result<(), SocketGone> {
        let command = serde_json::from_str::<Value>(text).unwrap_or_default();
        let Some(identifier) = command["identifier"].as_str() else { return Ok(()) };
        match command["command"].as_str() {
            Some("subscribe") if !self.subscribed.contains_key(identifier) => self.subscribe(socket, identifier).await,
            Some("unsubscribe") => {
                self.subscribed.remove(identifier);
                self.note();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note(&self) {
        self.place.note(self.subscribed.values().map(|(id, _)| *id).collect());
    }

    async fn subscribe(&mut self, socket: &mut CableSocket, identifier: &str) -> Result<(), SocketGone> {
        let answer = |kind: &str| json!({ "type": kind, "identifier": identifier }).to_string();
        if !self.session.caller.reads() {
            return send(socket, answer("reject_subscription")).await;
        }
        send(socket, answer("confirm_subscription")).await?;
        let id = match subscribed_project(identifier, self.session.options.field) {
            Ok(id) => id,
            Err(problem) => return send(socket, refused(identifier, &problem)).await,
        };
        let project = self.session.world.project(&id.to_string());
        let Some(project) = project.filter(|_| !self.has(&CableFault::Refused(id))) else {
            return send(socket, refused(identifier, "Unauthorized subscription")).await;
        };
        self.subscribed.insert(identifier.to_owned(), (id, project));
        self.note();
        send(socket, moved(identifier, None)).await
    }

    async fn ping(&self, socket: &mut CableSocket) -> Result<(), SocketGone> {
        if self.has(&CableFault::NoPing) {
            return Ok(());
        }
        let now = self.session.clock.now_ms().div_euclid(1_000);
        send(socket, json!({ "type": "ping", "message": now }).to_string()).await
    }

    /// Says what happened since the last look.
    async fn look(&mut self, socket: &mut CableSocket) -> Result<(), SocketGone> {
        let now = self.session.clock.now_ms();
        if now <= self.from || self.has(&CableFault::Silent) {
            return Ok(());
        }
        for (identifier, (_, project)) in &self.subscribed {
            for pipeline in moved_pipelines(&self.session.world, *project, self.from, now) {
                send(socket, moved(identifier, Some(pipeline))).await?;
            }
        }
        self.from = now;
        Ok(())
    }
}
