//! GitLab's REST API v4, one resource per file: request, private wire struct, conversion to the domain.

pub(super) mod action;
pub(super) mod commit_status;
pub(super) mod delivery;
pub(super) mod exported;
pub(super) mod group;
pub(super) mod hook;
pub(super) mod job;
pub(super) mod past;
pub(super) mod pipeline;
pub(super) mod project;
pub(super) mod refusal;
pub(super) mod server;
pub(super) mod test_report;
pub(super) mod token;
pub(super) mod trace;

use crate::domain::id::ProjectRef;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

/// What cannot be written as it is in one part of a path or in the value of a parameter.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*');

/// Encodes one part of a path: GitLab takes a full path as an id with its slashes written `%2F`.
fn encode(part: &str) -> String {
    utf8_percent_encode(part, RESERVED).to_string()
}

/// Returns a project as a part of a path.
fn project_key(project: &ProjectRef) -> String {
    match project {
        ProjectRef::Id(id) => id.to_string(),
        ProjectRef::Path(path) => encode(path),
    }
}

/// Takes seconds as GitLab gives them; nonsense such as a negative duration is none.
pub(super) fn seconds(seconds: Option<f64>) -> Option<Duration> {
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}
