//! Words, times and addresses as they are written in the cache file.

use crate::domain::pipeline::RefKind;
use crate::domain::status::Status;
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::time::Duration;

/// A line that is JSON, but not what this version writes.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is nothing that is known here")]
pub(in crate::collect::cache) struct Unknown(pub(super) String);

pub(super) type Result<T> = std::result::Result<T, Unknown>;

/// Takes over each of them, in room for just as many: `collect` would use that of the wires again, which is twice as much.
pub(super) fn each<W, T>(wires: Vec<W>, convert: impl Fn(W) -> Result<T>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(wires.len());
    for wire in wires {
        all.push(convert(wire)?);
    }
    Ok(all)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
pub(super) fn is_false(is: &bool) -> bool {
    !is
}

pub(super) fn text(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

pub(super) fn option(text: &Option<String>) -> Option<Cow<'_, str>> {
    text.as_deref().map(Cow::Borrowed)
}

pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

pub(super) fn time(micros: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| Unknown(micros.to_string()))
}

/// What takes longer than five hundred years is not told apart.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Writes a status; a word that no status of ours has is marked, as it may be `warning`, which is ours.
pub(super) fn word(status: &Status) -> Cow<'_, str> {
    match status {
        Status::Other(word) => Cow::Owned(format!("?{word}")),
        status => Cow::Borrowed(status.word()),
    }
}

pub(super) fn status(word: Cow<'_, str>) -> Result<Status> {
    match word.strip_prefix('?') {
        Some(other) => Ok(Status::Other(other.into())),
        None => Status::from_word(&word).ok_or_else(|| Unknown(word.into_owned())),
    }
}

pub(super) fn ref_kind(word: &str) -> Result<RefKind> {
    let kinds = [RefKind::Branch, RefKind::Tag, RefKind::MergeRequest, RefKind::MergeTrain, RefKind::Other];
    kinds.into_iter().find(|kind| kind.word() == word).ok_or_else(|| Unknown(word.to_owned()))
}

/// Writes a URL without the project's own in front of it, which is half of what a job is.
pub(super) fn below<'a>(url: &'a Option<String>, base: Option<&str>) -> Option<Cow<'a, str>> {
    let url = url.as_deref()?;
    let rest = base.and_then(|base| url.strip_prefix(base));
    Some(rest.map_or_else(|| format!("={url}"), |rest| format!("+{rest}")).into())
}

pub(super) fn whole(url: Option<Cow<'_, str>>, base: Option<&str>) -> Result<Option<String>> {
    let Some(url) = url else { return Ok(None) };
    match (url.strip_prefix('+'), url.strip_prefix('='), base) {
        (Some(rest), _, Some(base)) => Ok(Some([base, rest].concat())),
        (_, Some(url), _) => Ok(Some(url.to_owned())),
        _ => Err(Unknown(url.into_owned())),
    }
}
