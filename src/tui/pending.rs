//! What the user has asked of GitLab: before it is sent, until it is seen, and what became of it.

use super::screens::place::ScreenPlace;
use crate::act::Action;
use crate::act::plan::PlannedAction;
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::report::cell::Tone;
use tokio::time::Instant;

/// What was asked of GitLab and is not seen in a reading yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingAction {
    pub action: Action,
    pub project: ProjectId,
    pub pipeline: PipelineId,
    pub job: Option<JobId>,
    /// When GitLab answered: a reading that began later shows what became of it.
    pub answered_at: Option<Instant>,
}

impl PendingAction {
    pub fn words(&self) -> String {
        format!("{} asked", self.action.word())
    }
}

/// An action of the user's, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionRecord {
    pub text: String,
    pub tone: Tone,
    pub target: ScreenPlace,
}

/// What is asked before anything is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionQuestion {
    pub planned: Vec<PlannedAction>,
    pub text: String,
}
