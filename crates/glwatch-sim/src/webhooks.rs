//! Webhooks: the simulated GitLab says what happened to a URL on this machine, with GitLab's headers and payloads.

mod delivery;
mod events;
mod payload;

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::rng::Rng;
use super::world::World;
use delivery::HookConnection;
use events::HookEvent;

pub(crate) use events::moved_pipelines;

/// Where deliveries go, and what becomes of them on the way.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// `http://127.0.0.1:PORT/PATH`; any other host is refused.
    pub url: String,
    /// Sent as `X-Gitlab-Token`.
    pub secret: Option<String>,
    /// Signs each delivery (`webhook-signature`, since 19.0): `whsec_` and 32 bytes in base64.
    pub signing_token: Option<String>,
    /// A system hook, which hears of pushes, tags and merge requests only.
    pub system: bool,
    pub trouble: HookTrouble,
}

/// What goes wrong with deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookTrouble {
    None,
    /// Every n-th is never sent.
    Lost(usize),
    /// Every n-th is sent again, as GitLab does when it waited too long for the answer.
    Doubled(usize),
    /// Each two are sent in the wrong order.
    OutOfOrder,
}

/// What became of the deliveries of some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookDeliveries {
    /// What happened, lost ones included.
    pub events: usize,
    pub sent: usize,
    /// How many were answered with 2xx.
    pub accepted: usize,
}

impl Webhook {
    pub fn to(url: &str) -> Self {
        Self { url: url.to_owned(), secret: None, signing_token: None, system: false, trouble: HookTrouble::None }
    }
}

/// Sends everything that happened after `from` and until `to`.
pub(crate) fn deliver(world: &World, base: &str, hook: &Webhook, from: i64, to: i64) -> io::Result<HookDeliveries> {
    let events = events::between(world, from, to, hook.system);
    let mut connection = HookConnection::to(&hook.url)?;
    let mut done = HookDeliveries { events: events.len(), ..HookDeliveries::default() };
    for event in in_trouble(events, hook.trouble) {
        let body = payload::body(world, base, &event).to_string();
        let headers = headers(world, base, hook, &event, &body)?;
        let status = connection.post(&headers, &body)?;
        done.sent += 1;
        done.accepted += usize::from((200..300).contains(&status));
    }
    Ok(done)
}

fn in_trouble(events: Vec<HookEvent>, trouble: HookTrouble) -> Vec<HookEvent> {
    let is_nth = |at: usize, every: usize| (at + 1).is_multiple_of(every.max(1));
    match trouble {
        HookTrouble::None => events,
        HookTrouble::Lost(every) => {
            events.into_iter().enumerate().filter(|(at, _)| !is_nth(*at, every)).map(|(_, event)| event).collect()
        }
        HookTrouble::Doubled(every) => {
            let again = |(at, event): (usize, HookEvent)| vec![event; if is_nth(at, every) { 2 } else { 1 }];
            events.into_iter().enumerate().flat_map(again).collect()
        }
        HookTrouble::OutOfOrder => {
            let mut events = events;
            events.chunks_mut(2).for_each(<[HookEvent]>::reverse);
            events
        }
    }
}

fn headers(
    world: &World,
    base: &str,
    hook: &Webhook,
    event: &HookEvent,
    body: &str,
) -> io::Result<Vec<(&'static str, String)>> {
    let id = uuid(&mut Rng::of(&[world.seed, 0x1D, event.key]));
    let stamp = event.at.div_euclid(1_000).to_string();
    let mut headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("User-Agent", "GitLab/18.5.0".to_owned()),
        ("X-Gitlab-Event", event.header(hook.system).to_owned()),
        ("X-Gitlab-Webhook-UUID", uuid(&mut Rng::of(&[world.seed, 0x40]))),
        ("X-Gitlab-Event-UUID", uuid(&mut Rng::of(&[world.seed, 0xE0, event.key]))),
        ("X-Gitlab-Instance", base.to_owned()),
        ("Idempotency-Key", id.clone()),
        ("webhook-id", id.clone()),
        ("webhook-timestamp", stamp.clone()),
    ];
    headers.extend(hook.secret.clone().map(|secret| ("X-Gitlab-Token", secret)));
    if let Some(token) = &hook.signing_token {
        headers.push(("webhook-signature", signature(token, &format!("{id}.{stamp}.{body}"))?));
    }
    Ok(headers)
}

/// Returns the signature of Standard Webhooks.
fn signature(token: &str, text: &str) -> io::Result<String> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "a signing token is whsec_ and base64");
    let key = token.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok()).ok_or_else(invalid)?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), text.as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

fn uuid(rng: &mut Rng) -> String {
    let hex = rng.sha();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
