//! Which refs and environments of a project are shown as metrics, and how much of each.

use super::exported::{TrackedKind, TrackedRef};
use super::name_pattern::NamePattern;
use std::time::Duration;

/// Which refs of one kind are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefRules {
    pub enabled: bool,
    pub pattern: NamePattern,
    /// So many whose pipelines changed last; 0 for all.
    pub most_recent: u64,
    /// Only those with a pipeline that changed since; zero for all.
    pub max_age: Duration,
    /// A branch or tag that is gone, or a merge request that is no longer open, is not shown.
    pub exclude_gone: bool,
}

/// Which jobs are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRules {
    pub enabled: bool,
    pub from_children: bool,
    /// `None` where the label stays empty. A runner that it matches is shown as the pattern's text, so that many runners
    /// make one series.
    pub runner_pattern: Option<NamePattern>,
}

/// Which test reports are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestRules {
    pub enabled: bool,
    pub from_children: bool,
    pub cases: bool,
}

/// Which environments are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRules {
    pub enabled: bool,
    pub pattern: NamePattern,
    pub exclude_stopped: bool,
}

/// All about one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingRules {
    /// One series for the status that applies, instead of one for each status.
    pub is_sparse: bool,
    pub branches: RefRules,
    pub tags: RefRules,
    pub merge_requests: RefRules,
    /// So many newest pipelines of a ref.
    pub per_ref: u64,
    pub jobs: JobRules,
    /// Names of the variables that are shown; `None` for none of them.
    pub variables: Option<NamePattern>,
    pub tests: TestRules,
    pub environments: EnvironmentRules,
}

impl TrackingRules {
    pub fn refs(&self, kind: TrackedKind) -> &RefRules {
        match kind {
            TrackedKind::Branch => &self.branches,
            TrackedKind::Tag => &self.tags,
            TrackedKind::MergeRequest => &self.merge_requests,
        }
    }

    /// Says whether a ref is one of those that are shown, as far as its name tells. The pattern for merge requests is
    /// about their titles, which no pipeline has.
    pub fn wants(&self, tracked: &TrackedRef) -> bool {
        let rules = self.refs(tracked.kind);
        rules.enabled && (tracked.kind == TrackedKind::MergeRequest || rules.pattern.matches(&tracked.name))
    }
}

/// Whether everything is as in the exporter that this one replaces, its mistakes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compatibility {
    #[default]
    Corrected,
    Strict,
}
