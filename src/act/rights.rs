//! What the token may, asked of GitLab before the user is asked anything.

use crate::gitlab::client::{Client, Purpose};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

/// What is known of what the token may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenRights {
    /// It was not asked.
    Unknown,
    /// It may, or GitLab does not say: then the answer to the action does.
    May,
    /// It may not, for this reason.
    Lacks(String),
}

/// Answers what the token may, each time that it is asked; until an answer came, again.
pub async fn run(
    client: Client,
    time: Duration,
    mut asked: UnboundedReceiver<()>,
    answers: UnboundedSender<TokenRights>,
) {
    while asked.recv().await.is_some() {
        let client = client.for_purpose(Purpose::Act, Instant::now() + time);
        let rights = match client.token().await {
            Ok(token) if token.can_act() => TokenRights::May,
            Ok(token) if token.scopes.is_empty() => TokenRights::Lacks("this one has none".into()),
            Ok(token) => TokenRights::Lacks(format!("this one has {}", token.scopes.join(", "))),
            // OAuth tokens are not described, nor are those of old versions.
            Err(_) => TokenRights::May,
        };
        if answers.send(rights).is_err() {
            return;
        }
    }
}
