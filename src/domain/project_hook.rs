//! A webhook of a project as GitLab has it, and what it must hear of.

use std::collections::BTreeMap;

/// The events that `glwatch serve` depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookEvent {
    Pipeline,
    Job,
    Deployment,
    Push,
    TagPush,
    MergeRequest,
}

impl HookEvent {
    pub const ALL: [Self; 6] =
        [Self::Pipeline, Self::Job, Self::Deployment, Self::Push, Self::TagPush, Self::MergeRequest];

    /// Returns GitLab's name of the switch.
    pub fn field(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline_events",
            Self::Job => "job_events",
            Self::Deployment => "deployment_events",
            Self::Push => "push_events",
            Self::TagPush => "tag_push_events",
            Self::MergeRequest => "merge_requests_events",
        }
    }
}

/// Whether GitLab calls a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookState {
    Executable,
    /// Not before this time, as GitLab writes it, where it does: it failed some times.
    Paused(Option<String>),
    /// Not until it is tested by hand: it failed too often.
    Disabled,
    /// GitLab does not say, or in a word that is not known here.
    NotTold,
}

/// A webhook of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectHook {
    pub id: u64,
    pub url: String,
    /// Events that are switched on or off; one that is missing was not told.
    pub events: BTreeMap<HookEvent, bool>,
    /// Pushes to other branches are not told.
    pub branch_filter: Option<String>,
    pub state: HookState,
    /// Whether it sends a secret; `None` where GitLab does not say.
    pub has_secret: Option<bool>,
}

impl ProjectHook {
    /// Returns the events that are switched off.
    pub fn lacking(&self) -> Vec<HookEvent> {
        HookEvent::ALL.into_iter().filter(|event| self.events.get(event) == Some(&false)).collect()
    }

    /// Returns the events of which GitLab does not say whether they are switched on.
    pub fn not_told(&self) -> Vec<HookEvent> {
        HookEvent::ALL.into_iter().filter(|event| !self.events.contains_key(event)).collect()
    }
}
