//! Short words for what resolvers answer with, and how GraphQL writes ids and times.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;
use chrono::{DateTime, SecondsFormat, Utc};

pub(super) type ResolvedField<'a> = Result<ResolvedValue<'a>, FieldError>;

pub(super) fn leaf<'a>(value: impl Into<JsonValue>) -> ResolvedField<'a> {
    Ok(ResolvedValue::leaf(value))
}

/// A leaf that may be null.
pub(super) fn maybe<'a>(value: Option<impl Into<JsonValue>>) -> ResolvedField<'a> {
    Ok(value.map_or_else(ResolvedValue::null, ResolvedValue::leaf))
}

pub(super) fn object<'a>(value: impl ObjectValue + 'a) -> ResolvedField<'a> {
    Ok(ResolvedValue::object(value))
}

/// An object that may be null.
pub(super) fn maybe_object<'a>(value: Option<impl ObjectValue + 'a>) -> ResolvedField<'a> {
    Ok(ResolvedValue::nullable_object(value))
}

/// Returns `gid://gitlab/Project/1`.
pub(super) fn gid(kind: &str, id: u64) -> String {
    format!("gid://gitlab/{kind}/{id}")
}

/// Reads the number of a gid of this kind.
pub(super) fn parse_gid(kind: &str, text: &str) -> Option<u64> {
    text.strip_prefix("gid://gitlab/")?.strip_prefix(kind)?.strip_prefix('/')?.parse().ok()
}

/// Writes a time as GraphQL does: UTC without milliseconds.
pub(super) fn time(ms: i64) -> String {
    let seconds = ms.div_euclid(1_000);
    DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn text<'a>(info: &'a ResolveInfo<'a>, name: &str) -> Option<&'a str> {
    info.arguments().get(name)?.as_str()
}

pub(super) fn flag(info: &ResolveInfo<'_>, name: &str) -> Option<bool> {
    info.arguments().get(name)?.as_bool()
}

/// Returns a list of words, ids or enum values.
pub(super) fn texts<'a>(info: &'a ResolveInfo<'a>, name: &str) -> Option<Vec<&'a str>> {
    Some(match info.arguments().get(name)? {
        JsonValue::Array(items) => items.iter().filter_map(JsonValue::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    })
}
