//! Projects judged, and put together in rows.

use super::gather::{GatheredNotes, GatheredProject};
use super::known::{DoraBasis, DoraRules};
use super::measures::DoraMeasures;
use super::verdict::{ProjectVerdicts, judge};
use crate::domain::fact::UnixSeconds;
use crate::domain::project::Project;
use crate::domain::window::TimeWindow;
use std::collections::BTreeMap;

/// A project with all that is to be said of it.
#[derive(Debug)]
pub(crate) struct StudiedProject {
    pub project: Project,
    pub verdicts: ProjectVerdicts,
    pub notes: GatheredNotes,
    /// When the successes ended of which it is not known what they brought.
    pub unread: Vec<UnixSeconds>,
    /// Its deployments were read: without that there is no number of it.
    pub is_read: bool,
}

impl StudiedProject {
    pub(crate) fn new(project: Project, gathered: &GatheredProject, is_read: bool, rules: DoraRules) -> Self {
        Self {
            project,
            verdicts: judge(&gathered.known, rules),
            notes: gathered.notes,
            unread: gathered.unread.clone(),
            is_read,
        }
    }
}

/// What has a row of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoraBy {
    Project,
    Subgroup,
    Week,
    Month,
}

impl DoraBy {
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("project", Self::Project), ("subgroup", Self::Subgroup), ("week", Self::Week), ("month", Self::Month)];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Subgroup => "subgroup",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// The numbers of one row, in the window and in the one before.
#[derive(Debug)]
pub(crate) struct ComparedMeasures {
    pub projects: usize,
    pub now: DoraMeasures,
    /// `None` where the row before says it.
    pub before: Option<DoraMeasures>,
}

/// Returns the projects that were read and are counted from this.
pub(crate) fn on_basis(projects: &[StudiedProject], basis: DoraBasis) -> Vec<&StudiedProject> {
    projects.iter().filter(|of| of.is_read && of.verdicts.basis == basis).collect()
}

/// Counts projects together; `None` where there is none.
pub(crate) fn pooled(projects: &[&StudiedProject], window: TimeWindow, trend: bool) -> Option<ComparedMeasures> {
    if projects.is_empty() {
        return None;
    }
    let verdicts: Vec<&ProjectVerdicts> = projects.iter().map(|of| &of.verdicts).collect();
    let before = trend.then(|| DoraMeasures::of(&verdicts, window.before()));
    Some(ComparedMeasures { projects: projects.len(), now: DoraMeasures::of(&verdicts, window), before })
}

/// Returns the projects by the group right above them.
pub(crate) fn by_subgroup<'a>(projects: &[&'a StudiedProject]) -> BTreeMap<String, Vec<&'a StudiedProject>> {
    let mut groups: BTreeMap<String, Vec<&StudiedProject>> = BTreeMap::new();
    for of in projects {
        let above = of.project.ancestors().next().unwrap_or_default();
        groups.entry(above.to_owned()).or_default().push(of);
    }
    groups
}
