//! Collects the GraphQL answers about one project, and decides what follows from them. Pure.

use super::drafts::PipelineDraft;
use super::project::{self, KnownBefore, ReadingOutcome};
use super::torn::{self, PipelineDoubt};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::Project;
use crate::domain::selection::RefSelector;
use crate::domain::status::Status;
use crate::gitlab::client::{PipelineFilter, PipelineHead};
use std::slice;
use std::sync::Arc;

/// What is known of one project's pipelines, one for each filter.
pub(super) struct Gathered {
    pub project: Arc<Project>,
    pub filters: Arc<[PipelineFilter]>,
    /// As long as `filters`; `None` while it is being asked.
    pub answers: Vec<Option<ProjectAnswer>>,
    /// As long as `filters`: what a pulse has said.
    pub heads: Vec<Option<PipelineHead>>,
    /// Whether it was asked again because an answer contradicted itself.
    pub is_reread: bool,
}

pub(super) enum ProjectAnswer {
    Head(PipelineHead),
    Draft(Box<PipelineDraft>),
    Nothing,
    /// What GraphQL says is no fact; REST tells.
    Silent,
    /// GraphQL cannot tell; REST may.
    Unread(Failure),
    /// Neither of them can.
    Failed(Failure),
}

impl Gathered {
    /// Reopens what must be read whole: what has changed, and, once, what contradicts itself. Where that fails, what the
    /// pulse has said is kept.
    pub(super) fn open(&mut self, before: KnownBefore<'_>) -> Vec<PipelineFilter> {
        let mut reopened = Vec::new();
        let may_reread = !self.is_reread;
        for ((filter, answer), seen) in self.filters.iter().zip(&mut self.answers).zip(&mut self.heads) {
            *answer = match answer.take() {
                Some(ProjectAnswer::Head(head)) => {
                    let draft = before.draft(&head).map(|draft| ProjectAnswer::Draft(Box::new(draft)));
                    *seen = Some(head);
                    draft
                }
                Some(ProjectAnswer::Draft(mut draft)) if !draft.is_settled => {
                    let same = seen.as_ref().filter(|head| head.id == draft.pipeline.id);
                    match torn::doubt(&draft.pipeline, same) {
                        Some(_) if may_reread && !before.was_doubted(&draft.pipeline) => {
                            self.is_reread = true;
                            None
                        }
                        Some(PipelineDoubt::Contradiction(what)) => {
                            torn::distrust(&mut draft.pipeline, same, &what);
                            Some(ProjectAnswer::Draft(draft))
                        }
                        Some(PipelineDoubt::Odd) | None => Some(ProjectAnswer::Draft(draft)),
                    }
                }
                Some(ProjectAnswer::Failed(failure) | ProjectAnswer::Unread(failure)) => Some(match seen {
                    Some(head) => ProjectAnswer::Draft(Box::new(PipelineDraft::glimpse(head, failure))),
                    None => ProjectAnswer::Failed(failure),
                }),
                answer => answer,
            };
            if answer.is_none() {
                reopened.push(filter.clone());
            }
        }
        reopened
    }

    /// Of the refs that a merge request has, the one with the newest pipeline is meant: the others say nothing.
    pub(super) fn keep_newest(&mut self, refs: &[RefSelector]) {
        let id = |answer: &Option<ProjectAnswer>| match answer {
            Some(ProjectAnswer::Head(head)) => Some(head.id),
            Some(ProjectAnswer::Draft(draft)) => Some(draft.pipeline.id),
            _ => None,
        };
        for selector in refs.iter().filter(|selector| matches!(selector, RefSelector::MergeRequest(_))) {
            let of = project::filters_of_any(selector);
            let answers = || self.filters.iter().zip(&self.answers).filter(|(filter, _)| of.contains(filter));
            let newest = answers().filter_map(|(_, answer)| id(answer)).max();
            for (filter, answer) in self.filters.iter().zip(&mut self.answers) {
                if of.contains(filter) && id(answer).is_some_and(|id| Some(id) != newest) {
                    *answer = Some(ProjectAnswer::Nothing);
                }
            }
        }
    }

    /// Returns what is remembered, where pulses say that it is still all there is to know.
    pub(super) fn settled(&self, before: KnownBefore<'_>) -> Option<project::Remembered> {
        if let [Some(ProjectAnswer::Head(head))] = &self.answers[..] {
            return before.settled(slice::from_ref(head)).cloned();
        }
        let mut heads: Vec<PipelineHead> = Vec::new();
        for answer in &self.answers {
            match answer {
                Some(ProjectAnswer::Head(head)) if heads.iter().any(|known| known.id == head.id) => {}
                Some(ProjectAnswer::Head(head)) => heads.push(head.clone()),
                Some(ProjectAnswer::Nothing) => {}
                _ => return None,
            }
        }
        if heads.is_empty() { None } else { before.settled(&heads).cloned() }
    }
}

/// Returns what the answers about some refs tell, where GraphQL is silent about another; none where they tell nothing.
pub(super) fn partial_drafts(answers: Vec<Option<ProjectAnswer>>, before: KnownBefore<'_>) -> Vec<PipelineDraft> {
    let silence = || Failure::new(FailureKind::Graphql, "GraphQL does not tell all of its refs");
    let draft = |answer| match answer {
        ProjectAnswer::Draft(draft) => Some(*draft),
        ProjectAnswer::Head(head) => {
            Some(before.draft(&head).unwrap_or_else(|| PipelineDraft::glimpse(&head, silence())))
        }
        ProjectAnswer::Nothing | ProjectAnswer::Silent | ProjectAnswer::Unread(_) | ProjectAnswer::Failed(_) => None,
    };
    let drafts: Vec<PipelineDraft> = answers.into_iter().flatten().filter_map(draft).collect();
    if drafts.is_empty() { drafts } else { project::beside_missing(drafts, silence(), before) }
}

/// Says whether GraphQL is silent about a part of a pipeline: REST says whether it may not be seen, or is not there.
pub(super) fn is_silent(pipeline: &Pipeline, before: KnownBefore<'_>) -> bool {
    let is_green = matches!(pipeline.status, Status::Success | Status::Warning | Status::Skipped);
    let has_no_jobs = pipeline.stages.is_empty() && is_green;
    (pipeline.unread.is_some() && !before.was_doubted(pipeline)) || has_no_jobs
}

/// Puts the answers about one project together.
pub(super) fn reading(answers: Vec<Option<ProjectAnswer>>, is_any: bool, before: KnownBefore<'_>) -> ReadingOutcome {
    // A vector that grows begins with room for four, and most projects have one.
    let mut drafts: Vec<PipelineDraft> = Vec::with_capacity(answers.len());
    let mut failure = None;
    for answer in answers.into_iter().flatten() {
        match answer {
            ProjectAnswer::Failed(said) | ProjectAnswer::Unread(said) => failure = failure.or(Some(said)),
            ProjectAnswer::Draft(draft) if drafts.iter().any(|known| known.pipeline.id == draft.pipeline.id) => {}
            ProjectAnswer::Draft(draft) => drafts.push(*draft),
            ProjectAnswer::Head(_) | ProjectAnswer::Nothing | ProjectAnswer::Silent => {}
        }
    }
    match failure {
        Some(failure) if drafts.is_empty() => ReadingOutcome::Error(failure),
        Some(failure) => ReadingOutcome::Pipelines(project::beside_missing(drafts, failure, before).into()),
        None if drafts.is_empty() => project::none(is_any),
        None => ReadingOutcome::Pipelines(drafts.into()),
    }
}
