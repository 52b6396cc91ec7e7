//! How long a ref was red.

use super::plan::LOOKBACK_SECONDS;
use crate::domain::fact::{PipelineFact, UnixSeconds};
use crate::domain::pipeline::RefKind;
use crate::domain::status::Status;
use std::collections::HashMap;

/// A time in which a ref was red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RedTime {
    /// Place of the first pipeline that failed.
    pub(super) first: usize,
    /// Place of the next that passed.
    pub(super) green: Option<usize>,
}

/// Finds the red times of every ref; `pipelines` are in the order of their ids. Those that were canceled or skipped are no
/// verdict.
///
/// A failure begins a red time where the verdict before it passed, or is older than the evidence reaches back: else it
/// would depend on how much is remembered.
pub(super) fn red_times(pipelines: &[&PipelineFact]) -> Vec<RedTime> {
    struct RefState {
        last: UnixSeconds,
        is_red: bool,
        open: Vec<usize>,
    }
    let mut refs: HashMap<(&str, RefKind), RefState> = HashMap::new();
    let mut found = Vec::new();
    for (at, fact) in pipelines.iter().enumerate() {
        let Some(created) = created_at(fact) else { continue };
        let is_red = match fact.course.status {
            Status::Success | Status::Warning => false,
            Status::Failed => true,
            _ => continue,
        };
        let state = refs.entry((&fact.ref_name, fact.ref_kind)).or_insert_with(|| RefState {
            last: i64::MIN,
            is_red: false,
            open: Vec::new(),
        });
        let is_forgotten = created.saturating_sub(state.last) > LOOKBACK_SECONDS;
        match is_red {
            true if !state.is_red || is_forgotten => state.open.push(at),
            true => {}
            false => found.extend(state.open.drain(..).map(|first| RedTime { first, green: Some(at) })),
        }
        (state.last, state.is_red) = (created, is_red);
    }
    let open = refs.into_values().flat_map(|state| state.open);
    found.extend(open.map(|first| RedTime { first, green: None }));
    found.sort_unstable_by_key(|red| red.first);
    found
}

/// Returns when a pipeline was created, or the first moment that is known of it.
pub(super) fn created_at(fact: &PipelineFact) -> Option<UnixSeconds> {
    let course = &fact.course;
    fact.created_at.or(course.started_at).or(course.finished_at).or(course.updated_at)
}

/// Returns when a pipeline had its verdict.
pub(super) fn ended_at(fact: &PipelineFact) -> Option<UnixSeconds> {
    fact.course.finished_at.or(fact.course.updated_at)
}
