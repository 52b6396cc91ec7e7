//! Webhooks of a project (<https://docs.gitlab.com/api/project_webhooks/>).

use super::project_key;
use crate::domain::id::ProjectRef;
use crate::domain::project_hook::{HookEvent, HookState, ProjectHook};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{LenientList, loose};
use crate::gitlab::page::{ListPage, PER_PAGE};
use crate::gitlab::transport::Transport;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct ProjectHookWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<u64>,
    #[serde(default, deserialize_with = "loose")]
    url: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    alert_status: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    disabled_until: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    push_events_branch_filter: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    token_present: Option<bool>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl ProjectHookWire {
    /// Returns the hook, unless it lacks what makes it one.
    fn convert(self) -> Option<ProjectHook> {
        let state = match self.alert_status.as_deref() {
            Some("executable") => HookState::Executable,
            Some("temporarily_disabled") => HookState::Paused(self.disabled_until),
            Some("disabled") => HookState::Disabled,
            Some(_) | None => HookState::NotTold,
        };
        let event = |event: HookEvent| Some((event, self.rest.get(event.field())?.as_bool()?));
        Some(ProjectHook {
            id: self.id?,
            url: self.url?,
            events: HookEvent::ALL.into_iter().filter_map(event).collect(),
            branch_filter: self.push_events_branch_filter.filter(|filter| !filter.is_empty()),
            state,
            has_secret: self.token_present,
        })
    }
}

/// Reads a page of a project's hooks.
pub(crate) async fn list(
    transport: &Transport,
    project: &ProjectRef,
    number: u32,
) -> Result<ListPage<ProjectHook>, Error> {
    let path = format!("projects/{}/hooks?per_page={PER_PAGE}&page={number}", project_key(project));
    let answer = transport.get(&path).await?;
    let wires: LenientList<ProjectHookWire> = answer.decode()?;
    let Some(items) = wires.0 else { return Err(answer.odd("the answer is not a list")) };
    Ok(ListPage::of_items(items.into_iter().map(|item| item.read()?.convert()).collect(), number, &answer.headers))
}

/// What is changed about a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookChange {
    Create,
    /// Of the hook with this id.
    Update(u64),
    Delete(u64),
}

/// What a hook is to be.
#[derive(Debug, Clone)]
pub struct WantedHook {
    pub url: String,
    /// `None` leaves the one that it has.
    pub secret: Option<SecretString>,
}

/// What became of a change.
#[derive(Debug)]
pub enum HookChangeEnd {
    Done,
    /// It was certainly not done.
    Refused(Error),
    /// It was sent, and nothing says whether it was done.
    Unsure(Error),
}

/// Sends a change, once.
pub(crate) async fn change(
    transport: &Transport,
    project: &ProjectRef,
    change: HookChange,
    wanted: &WantedHook,
) -> HookChangeEnd {
    let list = format!("projects/{}/hooks", project_key(project));
    let sent = match change {
        HookChange::Create => transport.send_once(Method::POST, &list, Some(body(wanted))).await,
        HookChange::Update(id) => transport.send_once(Method::PUT, &format!("{list}/{id}"), Some(body(wanted))).await,
        HookChange::Delete(id) => transport.send_once(Method::DELETE, &format!("{list}/{id}"), None).await,
    };
    // Of a hook that is deleted nothing comes back.
    let read = sent.and_then(|answer| match change {
        HookChange::Delete(_) => Ok(()),
        HookChange::Create | HookChange::Update(_) => answer.decode::<HookIdWire>().map(drop).map_err(Error::unsure),
    });
    match read {
        Ok(()) => HookChangeEnd::Done,
        Err(error) if matches!(error.kind, Kind::Unsure(_)) => HookChangeEnd::Unsure(error),
        Err(error) => HookChangeEnd::Refused(error),
    }
}

#[derive(Deserialize)]
struct HookIdWire {
    #[serde(rename = "id")]
    _id: u64,
}

fn body(wanted: &WantedHook) -> String {
    let mut body = Map::new();
    body.insert("url".to_owned(), wanted.url.as_str().into());
    body.insert("push_events_branch_filter".to_owned(), "".into());
    body.extend(HookEvent::ALL.map(|event| (event.field().to_owned(), Value::Bool(true))));
    if let Some(secret) = &wanted.secret {
        body.insert("token".to_owned(), secret.expose_secret().into());
    }
    Value::Object(body).to_string()
}
