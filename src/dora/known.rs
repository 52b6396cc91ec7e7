//! What is known of one project: what reached production, what it brought, and what went wrong there.

use crate::domain::fact::UnixSeconds;
use std::collections::HashSet;
use std::sync::Arc;

/// So long a fix is charged to the deployment before it, and so long successes of one pipeline are one deployment.
pub(crate) const HOTFIX_WINDOW: i64 = 48 * 3600;
/// Younger deployments that did not fail are not judged yet.
pub(crate) const JUDGED_AFTER: i64 = 48 * 3600;

/// What the verdicts depend on beside the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoraRules {
    /// What happened later is not known; what happened at this very moment is.
    pub now: UnixSeconds,
    pub hotfix_window: i64,
}

/// What the numbers of a project are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum DoraBasis {
    Deployments,
    /// Pipelines of the default branch, of a project of which no deployment to production is known.
    Pipelines,
}

impl DoraBasis {
    pub(crate) const ALL: [Self; 2] = [Self::Deployments, Self::Pipelines];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Deployments => "deployments",
            Self::Pipelines => "pipelines",
        }
    }
}

/// What makes a merge request unplanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FixMarks {
    pub is_revert: bool,
    pub is_hotfix: bool,
}

impl FixMarks {
    /// Reads them from the title and the branch as they are written, and from whole labels in any case.
    pub(crate) fn read(title: &str, labels: &[String], source_branch: Option<&str>) -> Self {
        let is_label = |label: &String| label.to_lowercase() == "hotfix";
        let is_branch = |branch: &str| branch.starts_with("hotfix/") || branch.starts_with("hotfix-");
        Self {
            is_revert: title.starts_with("Revert \""),
            is_hotfix: labels.iter().any(is_label) || source_branch.is_some_and(is_branch),
        }
    }
}

/// A merge request that GitLab links to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BroughtMerge {
    pub iid: u64,
    pub title: String,
    pub fix: FixMarks,
    pub merged_at: Option<UnixSeconds>,
    pub first_commit_at: Option<UnixSeconds>,
}

/// An attempt to bring something to production that ended: a deployment, or a pipeline that takes its place.
#[derive(Debug, Clone)]
pub(crate) struct ProductionEvent {
    pub id: u64,
    /// The environment's name, or the pipeline's branch.
    pub place: Arc<str>,
    pub is_success: bool,
    pub finished_at: UnixSeconds,
    /// `None` is none that another event shares.
    pub pipeline: Option<u64>,
    /// An unknown commit equals none.
    pub sha: Option<Arc<str>>,
    pub merges: Vec<Arc<BroughtMerge>>,
    /// The job that did it, for a link.
    pub job: Option<u64>,
}

/// An issue of the type incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductionIncident {
    pub iid: u64,
    pub title: String,
    pub created_at: UnixSeconds,
    /// `None` while it is open.
    pub closed_at: Option<UnixSeconds>,
}

/// What is known of one project.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProjectDeliveries {
    /// To production, of any time.
    pub deployments: Vec<ProductionEvent>,
    /// What takes their place where none is known.
    pub pipelines: Vec<ProductionEvent>,
    pub incidents: Vec<ProductionIncident>,
    /// Environments that had a success before all that are known: the first of these is no baseline.
    pub begun_before: HashSet<Arc<str>>,
}
