//! GitLab's cable: one websocket over which it says of which projects pipelines moved. That is a hint and never the truth;
//! nothing is read over it.
//!
//! ```text
//! GET /-/cable    the handshake: through the one request path (transport/upgrade.rs)
//! protocol        what a frame means
//! subscriptions   which projects are subscribed
//! ```

mod protocol;
mod subscriptions;

use self::protocol::{CableFrame, read_frame};
use self::subscriptions::{SubscriptionNews, Subscriptions};
use super::error::Error;
use super::transport::Transport;
use crate::domain::id::ProjectId;
use futures_util::{SinkExt, StreamExt};
use reqwest::Upgraded;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

pub use self::subscriptions::SubscriptionCounts;

/// The subprotocol that is asked for, and that the answer must name.
pub(super) const PROTOCOL: &str = "actioncable-v1-json";
/// A frame of GitLab's has some hundred bytes: the identifier, which is ours, and an id.
const MAX_FRAME: usize = 64 << 10;

/// What happens on a cable.
#[derive(Debug)]
pub enum CableEvent {
    /// Pipelines of a project moved.
    Moved(ProjectId),
    /// It is there, or a subscription was answered.
    Changed,
    /// A frame that means nothing to us.
    Ignored,
    /// Nothing more comes.
    Ended(CableEnd),
}

/// Why nothing more comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CableEnd {
    /// The connection broke, or what came over it was no websocket.
    Broken(String),
    /// Neither a ping nor anything else came for so long.
    Silent(Duration),
    /// The server hung up, for a reason that is fit to be shown.
    Dismissed { reason: String, comes_back: bool },
}

/// An open cable.
#[derive(Debug)]
pub struct Cable {
    socket: WebSocketStream<Upgraded>,
    transport: Transport,
    subscriptions: Subscriptions,
    is_welcome: bool,
    /// When the server was heard last.
    heard: Instant,
    /// A server that is not heard for so long is gone.
    patience: Duration,
    /// Why a project was refused last.
    refusal: Option<String>,
}

impl Cable {
    /// Opens a cable.
    pub(super) async fn open(transport: &Transport, patience: Duration) -> Result<Self, Error> {
        let upgraded = transport.upgrade(PROTOCOL).await?;
        let limits = WebSocketConfig::default()
            .read_buffer_size(8 << 10)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_FRAME * 4)
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        Ok(Self {
            socket: WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await,
            transport: transport.clone(),
            subscriptions: Subscriptions::default(),
            is_welcome: false,
            heard: Instant::now(),
            patience,
            refusal: None,
        })
    }

    /// Subscribes these projects and no others from now on.
    pub fn want(&mut self, projects: &BTreeSet<ProjectId>) {
        self.subscriptions.want(projects, || fastrand::u64(..));
    }

    /// Sends the commands that are due.
    pub async fn send_due(&mut self) -> Result<(), CableEnd> {
        if !self.is_welcome {
            return Ok(());
        }
        for command in self.subscriptions.commands(Instant::now(), self.patience) {
            let sent = timeout(self.patience, self.socket.send(Message::text(command))).await;
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.broken(&error.to_string())),
                Err(_) => return Err(CableEnd::Silent(self.patience)),
            }
        }
        Ok(())
    }

    /// Waits for what happens next; nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> CableEvent {
        let message = match timeout_at(self.heard + self.patience, self.socket.next()).await {
            Err(_) => return CableEvent::Ended(CableEnd::Silent(self.patience)),
            Ok(None) => return CableEvent::Ended(self.broken("it was closed")),
            Ok(Some(Err(error))) => return CableEvent::Ended(self.broken(&error.to_string())),
            Ok(Some(Ok(message))) => message,
        };
        self.heard = Instant::now();
        match message {
            Message::Text(text) => self.take(read_frame(&text)),
            // A ping of the websocket itself is answered below.
            Message::Ping(_) | Message::Pong(_) => CableEvent::Changed,
            Message::Close(_) => CableEvent::Ended(self.broken("it was closed")),
            Message::Binary(_) | Message::Frame(_) => CableEvent::Ignored,
        }
    }

    fn take(&mut self, frame: CableFrame) -> CableEvent {
        match frame {
            CableFrame::Welcome => {
                self.is_welcome = true;
                CableEvent::Changed
            }
            CableFrame::Ping => CableEvent::Changed,
            CableFrame::Dismissed { reason, comes_back } => {
                let reason = self.transport.quote(&reason);
                CableEvent::Ended(CableEnd::Dismissed { reason, comes_back })
            }
            frame => match self.subscriptions.take(frame) {
                SubscriptionNews::Moved(project) => CableEvent::Moved(project),
                SubscriptionNews::Nothing => CableEvent::Changed,
                SubscriptionNews::Refused(project, said) => {
                    let said = self.transport.quote(&said);
                    tracing::info!(%project, said, "the cable does not tell about a project");
                    self.refusal = Some(said);
                    CableEvent::Changed
                }
                SubscriptionNews::Unknown => CableEvent::Ignored,
            },
        }
    }

    fn broken(&self, problem: &str) -> CableEnd {
        CableEnd::Broken(self.transport.quote(problem))
    }

    /// Returns the projects that GitLab tells about.
    pub fn confirmed(&self) -> BTreeSet<ProjectId> {
        self.subscriptions.confirmed()
    }

    pub fn counts(&self) -> SubscriptionCounts {
        self.subscriptions.counts()
    }

    /// Returns why every project was refused, if each was.
    pub fn refusal_of_all(&self) -> Option<&str> {
        let SubscriptionCounts { waiting, confirmed, refused } = self.counts();
        let is_all = waiting == 0 && confirmed == 0 && refused > 0;
        is_all.then(|| self.refusal.as_deref().unwrap_or("no subscription was answered"))
    }
}
