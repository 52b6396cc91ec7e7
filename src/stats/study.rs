//! The projects of a host counted together and in groups.

use super::origin::count_origins;
use super::plan::{StatsBy, StatsPlan, TimeSlot};
use super::tally::RunTally;
use crate::domain::fact::UnixSeconds;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use std::collections::BTreeMap;

pub use super::project::{ProjectStudy, study_project};

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StudyGroup {
    /// Two projects may have had the same path one after the other.
    Project {
        full_path: String,
        id: ProjectId,
    },
    Subgroup {
        full_path: String,
    },
    /// By its Monday.
    Week {
        from: UnixSeconds,
    },
}

/// A window and the one before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparedTally {
    pub now: RunTally,
    /// `None` where there is none to compare with.
    pub before: Option<RunTally>,
}

/// Everything that was counted.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsStudy {
    pub pooled: ComparedTally,
    pub groups: BTreeMap<StudyGroup, ComparedTally>,
}

impl StatsStudy {
    /// Joins the projects, in any order.
    pub fn new(mut studies: Vec<ProjectStudy>, plan: &StatsPlan) -> Self {
        studies.sort_by_key(|study| study.project.id);
        studies.dedup_by_key(|study| study.project.id);
        count_origins(&mut studies);
        let mut pooled = ComparedTally { now: RunTally::default(), before: Some(RunTally::default()) };
        let mut groups: BTreeMap<StudyGroup, ComparedTally> = BTreeMap::new();
        for ProjectStudy { project, tallies, .. } in studies {
            for (slot, tally) in tallies {
                pooled.side(slot).merge(&tally);
                if let Some(group) = group(&project, slot, plan.by) {
                    groups.entry(group).or_default().side(slot).join(tally);
                }
            }
        }
        Self { pooled, groups }
    }
}

impl ComparedTally {
    fn side(&mut self, slot: TimeSlot) -> &mut RunTally {
        match slot {
            TimeSlot::Before => self.before.get_or_insert_default(),
            TimeSlot::Now | TimeSlot::Week(_) => &mut self.now,
        }
    }
}

fn group(project: &Project, slot: TimeSlot, by: StatsBy) -> Option<StudyGroup> {
    match (by, slot) {
        (StatsBy::Project, _) => Some(StudyGroup::Project { full_path: project.full_path.clone(), id: project.id }),
        (StatsBy::Subgroup, _) => {
            let above = project.ancestors().next().unwrap_or_default();
            Some(StudyGroup::Subgroup { full_path: above.to_owned() })
        }
        (StatsBy::Week, TimeSlot::Week(from)) => Some(StudyGroup::Week { from }),
        (StatsBy::Week, TimeSlot::Now | TimeSlot::Before) => None,
    }
}
