//! GitLab's rule that makes one status out of many, and the order of severity that `truth` reports with.
//!
//! Written from GitLab's `lib/gitlab/ci/status/composite.rb`, on purpose not shared with the client: a mistake in one
//! shows as a difference from the other.

use std::borrow::Cow;

pub(crate) type StatusWord = Cow<'static, str>;

/// One job as the rule sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatusItem<'a> {
    pub(crate) status: &'a str,
    pub(crate) allow_failure: bool,
}

/// Every status that GitLab has today (`app/models/concerns/ci/has_status.rb`).
pub(crate) const KNOWN: [&str; 13] = [
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
];

fn class<'a>(item: &StatusItem<'a>) -> &'a str {
    match (item.status, item.allow_failure) {
        ("failed" | "canceled", true) => "success_with_warnings",
        ("manual", true) => "ignored",
        (status, _) => status,
    }
}

/// Returns the status of a stage or pipeline with these current jobs, or `None` when there are none.
///
/// A word that GitLab does not have yet wins over everything but an activity and a failure.
pub(crate) fn composite(items: &[StatusItem<'_>]) -> Option<StatusWord> {
    if items.is_empty() {
        return None;
    }
    let classes: Vec<&str> = items.iter().map(class).collect();
    let only = |allowed: &[&str]| classes.iter().all(|class| allowed.contains(class));
    let any = |wanted: &str| classes.contains(&wanted);
    let unknown = classes.iter().find(|c| !KNOWN.contains(c) && **c != "success_with_warnings" && **c != "ignored");
    let word = if only(&["skipped", "ignored"]) {
        "skipped"
    } else if only(&["success", "skipped", "success_with_warnings", "ignored"]) {
        "success"
    } else if only(&["created", "success_with_warnings", "ignored"]) {
        "created"
    } else if only(&["preparing", "success_with_warnings", "ignored"]) {
        "preparing"
    } else if only(&["canceled", "success", "skipped", "success_with_warnings", "ignored"]) {
        "canceled"
    } else if only(&["pending", "created", "skipped", "success_with_warnings", "ignored"]) {
        "pending"
    } else if any("running") || any("pending") {
        "running"
    } else if let Some(active) =
        ["waiting_for_resource", "waiting_for_callback", "manual", "scheduled", "preparing"].iter().find(|w| any(w))
    {
        active
    } else if let (Some(word), false) = (unknown, any("failed")) {
        return Some(StatusWord::Owned((*word).to_owned()));
    } else if any("created") {
        "running"
    } else if any("canceling") {
        "canceling"
    } else {
        "failed"
    };
    Some(StatusWord::Borrowed(word))
}

/// Returns whether a job that was allowed to fail did.
pub(crate) fn has_warnings(items: &[StatusItem<'_>]) -> bool {
    items.iter().any(|item| class(item) == "success_with_warnings")
}

/// Returns `warning` for a success with warnings, else the status.
pub(crate) fn verdict(status: &str, warnings: bool) -> &str {
    if warnings && status == "success" { "warning" } else { status }
}

/// Ranks a verdict, 0 being the worst.
pub(crate) fn severity(word: &str) -> usize {
    const ORDER: [&str; 16] = [
        "failed",
        "canceled",
        "<unknown>",
        "canceling",
        "manual",
        "waiting_for_resource",
        "waiting_for_callback",
        "running",
        "pending",
        "preparing",
        "created",
        "scheduled",
        "warning",
        "success",
        "skipped",
        "",
    ];
    ORDER.iter().position(|known| *known == word).unwrap_or(2)
}

/// Returns whether a pipeline with this status will not move by itself any more.
pub(crate) fn is_complete(status: &str) -> bool {
    matches!(status, "success" | "failed" | "canceled" | "skipped")
}

/// Returns whether a user can cancel a job with this status (`CANCELABLE_STATUSES`): one that waits for a person no.
pub(crate) fn is_cancelable(status: &str) -> bool {
    const WORDS: [&str; 7] =
        ["created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "scheduled"];
    WORDS.contains(&status)
}

/// Returns whether a user can retry a job with this status (`Ci::Build#retryable?`).
pub(crate) fn is_retryable(status: &str) -> bool {
    matches!(status, "success" | "failed" | "canceled")
}

/// Returns whether a user can start a job with this status (`Ci::Build#playable?`; that a finished manual job can be
/// played again is left out).
pub(crate) fn is_playable(status: &str) -> bool {
    matches!(status, "manual" | "scheduled")
}
