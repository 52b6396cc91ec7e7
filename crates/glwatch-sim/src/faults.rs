//! Telling the simulated GitLab to misbehave: which requests, how often, and in what way.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::cable::CableFault;
use super::rest::{READING_SCOPES, insufficient_scope};
use super::scenario::parse_span;

/// One way to misbehave, for the requests that match.
#[derive(Clone, Debug)]
pub struct Fault {
    /// A part of `METHOD /path?query`, or a pattern with `*` for all of it. GraphQL's operation and variables follow:
    /// `POST /api/graphql Pulse {"ids":["gid://gitlab/Project/1"]}`.
    pub path: String,
    /// How many matching requests are answered well first.
    pub skip: u32,
    /// How many requests are hit; `None` hits all.
    pub times: Option<u32>,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Action {
    Status {
        code: u16,
        content_type: String,
        body: String,
        headers: Vec<(String, String)>,
    },
    RateLimited {
        retry_after: Option<String>,
        json: bool,
    },
    /// A login page with status 200.
    Html,
    /// Half of the JSON, with a `Content-Length` that agrees: well-formed HTTP, broken JSON.
    Truncate,
    /// Half of the JSON under the full `Content-Length`, then the connection closes.
    Cut,
    /// The connection closes without an answer.
    Reset,
    Delay(Duration),
    SlowBody {
        chunk: usize,
        pause: Duration,
    },
    /// Never answers.
    Stall,
    /// A JSON array that goes on for so many bytes, streamed.
    Huge {
        bytes: u64,
    },
    Redirect {
        code: u16,
        location: String,
    },
    DropHeaders(Vec<String>),
    /// Replaces the value of a key in every object of the answer that has it.
    SetField {
        field: String,
        value: Value,
    },
    /// Nulls these keys in every object of the answer.
    NullFields(Vec<String>),
    /// GraphQL: this project's `pipelines` is null, with an entry in `errors` that points there.
    GraphqlErrorAtProject(u64),
    /// What becomes of a cable that is asked for.
    Cable(CableFault),
}

impl Action {
    /// Returns whether it is the answer, whatever was asked for.
    pub(crate) fn answers(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Redirect { .. } | Self::Html | Self::RateLimited { .. })
    }

    /// Returns whether it changes the bytes that leave, which then leave uncompressed.
    pub(crate) fn works_on_bytes(&self) -> bool {
        matches!(self, Self::Truncate | Self::Cut | Self::SlowBody { .. } | Self::Huge { .. })
    }
}

impl Fault {
    /// Starts a fault for the requests that match `path`.
    pub fn on(path: &str) -> FaultOn {
        FaultOn { path: path.to_owned(), skip: 0, times: None }
    }

    /// Returns whether `request` (`METHOD /path?query`) is meant.
    pub fn matches(&self, request: &str) -> bool {
        if self.path.contains('*') { wildcard(&self.path, request) } else { request.contains(&self.path) }
    }
}

/// A fault that still needs its action.
#[derive(Clone, Debug)]
pub struct FaultOn {
    path: String,
    skip: u32,
    times: Option<u32>,
}

impl FaultOn {
    /// Lets the first `n` matching requests pass.
    pub fn after(mut self, n: u32) -> Self {
        self.skip = n;
        self
    }

    /// Hits `n` requests and then stops.
    pub fn times(mut self, n: u32) -> Self {
        self.times = Some(n);
        self
    }

    pub fn once(self) -> Self {
        self.times(1)
    }

    pub fn action(self, action: Action) -> Fault {
        Fault { path: self.path, skip: self.skip, times: self.times, action }
    }

    /// Answers with GitLab's body for this status.
    pub fn status(self, code: u16) -> Fault {
        let (content_type, body) = match code {
            401 => ("application/json", r#"{"message":"401 Unauthorized"}"#),
            403 => ("application/json", r#"{"message":"403 Forbidden"}"#),
            404 => ("application/json", r#"{"message":"404 Not found"}"#),
            500 => ("application/json", r#"{"message":"500 Internal Server Error"}"#),
            502..=504 => ("text/html", "<html><body><h1>GitLab is not responding</h1></body></html>"),
            _ => ("application/json", r#"{"message":"simulated fault"}"#),
        };
        self.answer(code, content_type, body)
    }

    pub fn answer(self, code: u16, content_type: &str, body: &str) -> Fault {
        let action =
            Action::Status { code, content_type: content_type.to_owned(), body: body.to_owned(), headers: Vec::new() };
        self.action(action)
    }

    /// The token lost its scope: a problem of the whole run, not of one project.
    pub fn insufficient_scope(self) -> Fault {
        self.answer(403, "application/json", &insufficient_scope(READING_SCOPES).to_string())
    }

    pub fn rate_limited(self, retry_after: Option<&str>) -> Fault {
        self.action(Action::RateLimited { retry_after: retry_after.map(str::to_owned), json: false })
    }

    pub fn html(self) -> Fault {
        self.action(Action::Html)
    }

    pub fn truncated(self) -> Fault {
        self.action(Action::Truncate)
    }

    pub fn cut(self) -> Fault {
        self.action(Action::Cut)
    }

    pub fn reset(self) -> Fault {
        self.action(Action::Reset)
    }

    pub fn delayed(self, by: Duration) -> Fault {
        self.action(Action::Delay(by))
    }

    pub fn slow_body(self, chunk: usize, pause: Duration) -> Fault {
        self.action(Action::SlowBody { chunk, pause })
    }

    pub fn stalled(self) -> Fault {
        self.action(Action::Stall)
    }

    pub fn huge(self, bytes: u64) -> Fault {
        self.action(Action::Huge { bytes })
    }

    pub fn redirect(self, code: u16, location: &str) -> Fault {
        self.action(Action::Redirect { code, location: location.to_owned() })
    }

    pub fn without_headers(self, names: &[&str]) -> Fault {
        self.action(Action::DropHeaders(names.iter().map(|name| (*name).to_owned()).collect()))
    }

    pub fn with_field(self, field: &str, value: impl Into<Value>) -> Fault {
        self.action(Action::SetField { field: field.to_owned(), value: value.into() })
    }

    /// Makes GraphQL's `pipelines` of this project null and reports an error at its place; a 200 all the same.
    pub fn graphql_error_at_project(self, id: u64) -> Fault {
        self.action(Action::GraphqlErrorAtProject(id))
    }

    pub fn cable(self, fault: CableFault) -> Fault {
        self.action(Action::Cable(fault))
    }

    pub fn with_nulls(self, fields: &[&str]) -> Fault {
        self.action(Action::NullFields(fields.iter().map(|name| (*name).to_owned()).collect()))
    }
}

/// The faults of a running server with how often each has matched.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Vec<(Fault, u32)>);

impl FaultQueue {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns what to do to this request, in the order the faults were added, and counts it.
    pub(crate) fn take(&mut self, request: &str) -> Vec<Action> {
        let mut actions = Vec::new();
        for (fault, seen) in self.0.iter_mut().filter(|(fault, _)| fault.matches(request)) {
            *seen += 1;
            let past_skip = *seen > fault.skip;
            if past_skip && fault.times.is_none_or(|times| *seen - fault.skip <= times) {
                actions.push(fault.action.clone());
            }
        }
        actions
    }
}

/// Replaces `field` in every object that has it.
pub(crate) fn set_field(value: &mut Value, field: &str, with: &Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if key == field {
                    *inner = with.clone();
                } else {
                    set_field(inner, field, with);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set_field(item, field, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            let mut starts = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            starts.any(|at| wildcard(rest, &tail[at..]))
        }),
    }
}

/// `[[fault]]` of a scenario: `on`, `do` and the values that this action needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultEntry {
    on: String,
    #[serde(rename = "do")]
    action: String,
    #[serde(default)]
    skip: u32,
    times: Option<u32>,
    code: Option<u16>,
    body: Option<String>,
    content_type: Option<String>,
    retry_after: Option<String>,
    location: Option<String>,
    time: Option<String>,
    bytes: Option<u64>,
    field: Option<String>,
    fields: Option<Vec<String>>,
    project: Option<u64>,
    value: Option<Value>,
}

impl FaultEntry {
    pub(crate) fn fault(self) -> Result<Fault, String> {
        let mut on = Fault::on(&self.on).after(self.skip);
        on.times = self.times;
        let missing = |key: &str| format!("fault \"{}\" needs `{key}`", self.action);
        let time = || -> Result<Duration, String> {
            let ms = parse_span(self.time.as_deref().ok_or_else(|| missing("time"))?)?;
            Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
        };
        let fields = || self.fields.clone().ok_or_else(|| missing("fields"));
        Ok(match self.action.as_str() {
            "status" => {
                let code = self.code.ok_or_else(|| missing("code"))?;
                match &self.body {
                    Some(body) => on.answer(code, self.content_type.as_deref().unwrap_or("application/json"), body),
                    None => on.status(code),
                }
            }
            "rate_limited" => on.rate_limited(self.retry_after.as_deref()),
            "html" => on.html(),
            "truncate" => on.truncated(),
            "cut" => on.cut(),
            "reset" => on.reset(),
            "stall" => on.stalled(),
            "delay" => on.delayed(time()?),
            "slow_body" => on.slow_body(64, time()?),
            "huge" => on.huge(self.bytes.ok_or_else(|| missing("bytes"))?),
            "redirect" => {
                on.redirect(self.code.unwrap_or(301), self.location.as_deref().ok_or_else(|| missing("location"))?)
            }
            "drop_headers" => on.action(Action::DropHeaders(fields()?)),
            "null_fields" => on.action(Action::NullFields(fields()?)),
            "graphql_error" => on.graphql_error_at_project(self.project.ok_or_else(|| missing("project"))?),
            "set_field" => {
                let field = self.field.as_deref().ok_or_else(|| missing("field"))?;
                on.with_field(field, self.value.clone().unwrap_or(Value::Null))
            }
            other => return Err(format!("no fault does \"{other}\"")),
        })
    }
}
