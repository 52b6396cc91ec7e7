//! Pipelines that take the place of deployments, and what they brought.

use super::gather::{brought_merge, known_sha};
use super::known::ProductionEvent;
use crate::domain::delivery::MergeRequestFact;
use crate::domain::fact::{PipelineFact, UnixSeconds};
use crate::domain::id::PipelineId;
use crate::domain::pipeline::RefKind;
use crate::domain::status::Status;
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of a project without deployments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StandInFacts<'a> {
    pub pipelines: &'a [PipelineFact],
    /// Since when they are known without a gap.
    pub since: UnixSeconds,
    pub default_branch: &'a str,
    /// What was merged into that branch.
    pub merged: &'a [&'a MergeRequestFact],
}

/// Returns the pipelines that take the place of deployments: those of the default branch that ended, but for schedules and
/// child pipelines. Each has the merge requests that no success before it has.
pub(crate) fn stand_ins(facts: StandInFacts<'_>) -> Vec<ProductionEvent> {
    let of_branch: Vec<&PipelineFact> =
        facts.pipelines.iter().filter(|fact| is_of(fact, facts.default_branch)).collect();
    let place: Arc<str> = facts.default_branch.into();
    let counted = of_branch.iter().filter(|fact| is_counted(fact));
    let mut events: Vec<ProductionEvent> = counted.filter_map(|fact| event(fact, &place)).collect();
    // The id breaks a tie, as it does between deployments.
    events.sort_by_key(|event| (event.finished_at, event.id));
    let tips = tips(&of_branch);
    for request in facts.merged.iter().filter(|request| is_into(request, facts.default_branch)) {
        let Some(first) = first_with(request, &of_branch, &tips, facts.since) else { continue };
        if let Some(event) = events.iter_mut().find(|event| event.is_success && event.id >= first.0) {
            event.merges.push(brought_merge(request));
        }
    }
    events
}

fn is_of(fact: &PipelineFact, branch: &str) -> bool {
    matches!(fact.ref_kind, RefKind::Branch | RefKind::Other) && fact.ref_name == branch
}

fn is_into(request: &MergeRequestFact, branch: &str) -> bool {
    request.target_branch.as_deref() == Some(branch)
}

fn is_counted(fact: &PipelineFact) -> bool {
    let is_own = !matches!(fact.source.as_deref(), Some("schedule" | "parent_pipeline"));
    is_own && matches!(fact.course.status, Status::Success | Status::Warning | Status::Failed)
}

fn event(fact: &PipelineFact, place: &Arc<str>) -> Option<ProductionEvent> {
    Some(ProductionEvent {
        id: fact.id.0,
        place: Arc::clone(place),
        is_success: fact.course.status != Status::Failed,
        finished_at: fact.course.finished_at.or(fact.course.updated_at)?,
        pipeline: Some(fact.id.0),
        sha: known_sha(fact.sha.as_deref()),
        merges: Vec::new(),
        job: None,
    })
}

/// Returns the first pipeline of each commit.
fn tips<'a>(of_branch: &[&'a PipelineFact]) -> HashMap<&'a str, PipelineId> {
    let mut tips: HashMap<&str, PipelineId> = HashMap::new();
    for fact in of_branch {
        let Some(sha) = fact.sha.as_deref().filter(|sha| !sha.is_empty()) else { continue };
        tips.entry(sha).and_modify(|first| *first = fact.id.min(*first)).or_insert(fact.id);
    }
    tips
}

/// Returns the first pipeline of the branch that has a merge request: the one of its commit, else the first that was made
/// after the merge, whatever became of it. All later ones have it, too.
fn first_with(
    request: &MergeRequestFact,
    of_branch: &[&PipelineFact],
    tips: &HashMap<&str, PipelineId>,
    since: UnixSeconds,
) -> Option<PipelineId> {
    let of_commit = request.merged_sha.as_deref().and_then(|sha| tips.get(sha)).copied();
    of_commit.or_else(|| {
        // The pipeline of an older one may be unknown.
        let merged_at = request.merged_at.filter(|merged_at| *merged_at >= since)?;
        of_branch.iter().filter(|fact| fact.created_at.is_some_and(|at| at >= merged_at)).map(|fact| fact.id).min()
    })
}

#[cfg(test)]
mod tests;
