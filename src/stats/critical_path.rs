//! The chain of attempts that a pipeline's time consists of.

use crate::domain::fact::UnixSeconds;
use crate::domain::runs::JobAttempt;

/// One attempt of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathStep {
    /// Its place among the attempts.
    pub(super) attempt: usize,
    pub(super) run: u64,
    /// From the end of the step before it, or the pipeline's creation, to its start. Where GitLab tells how long it was in
    /// the queue it is no longer than that: the rest is a person or a clock.
    pub(super) wait: u64,
}

/// Returns the chain, first step first: from the attempt that ended last back to the one that ended last before it began,
/// and so on. Empty where the times of an attempt that ran are not known.
pub(super) fn critical_path(attempts: &[&JobAttempt], created_at: Option<UnixSeconds>) -> Vec<PathStep> {
    let mut spans = Vec::with_capacity(attempts.len());
    for (at, attempt) in attempts.iter().enumerate() {
        match (attempt.started_at, attempt.finished_at) {
            (Some(start), Some(end)) if start <= end => spans.push((end, start, at)),
            (None, _) if !attempt.has_verdict() => {}
            _ => return Vec::new(),
        }
    }
    spans.sort_unstable_by_key(|(end, _, at)| (*end, attempts[*at].id));
    let mut steps = Vec::new();
    let mut rest = spans.as_slice();
    while let Some(((end, start, at), earlier)) = rest.split_last() {
        rest = &earlier[..earlier.partition_point(|(end, ..)| end <= start)];
        let before = rest.last().map(|(end, ..)| *end).or(created_at).unwrap_or(*start);
        let gap = start.saturating_sub(before).max(0).unsigned_abs();
        let wait = attempts[*at].queued.map_or(gap, |queued| queued.min(gap));
        steps.push(PathStep { attempt: *at, run: end.abs_diff(*start), wait });
    }
    steps.reverse();
    steps
}

/// Returns how many seconds at least one of these spans lasted: GitLab's rule for the duration of a pipeline.
pub(super) fn busy_seconds(spans: &mut [(UnixSeconds, UnixSeconds)]) -> u64 {
    spans.sort_unstable();
    let (mut busy, mut until) = (0, i64::MIN);
    for (start, end) in spans.iter() {
        let from = until.max(*start);
        busy += end.saturating_sub(from).max(0).unsigned_abs();
        until = until.max(*end);
    }
    busy
}
