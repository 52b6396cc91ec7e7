//! The projects of a host counted together and in groups.

use super::origin::count_origins;
use super::plan::{StatsBy, StatsPlan, TimeSlot};
use super::tally::RunTally;
use crate::domain::fact::UnixSeconds;
use crate::domain::id::ProjectId;
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
        for study in &studies {
            for (slot, tally) in &study.tallies {
                pooled.add(*slot, tally);
                if let Some(group) = group(study, *slot, plan.by) {
                    groups.entry(group).or_default().add(*slot, tally);
                }
            }
        }
        Self { pooled, groups }
    }
}

impl ComparedTally {
    fn add(&mut self, slot: TimeSlot, tally: &RunTally) {
        match slot {
            TimeSlot::Before => self.before.get_or_insert_default().merge(tally),
            TimeSlot::Now | TimeSlot::Week(_) => self.now.merge(tally),
        }
    }
}

fn group(study: &ProjectStudy, slot: TimeSlot, by: StatsBy) -> Option<StudyGroup> {
    let full_path = study.project.full_path.clone();
    match (by, slot) {
        (StatsBy::Project, _) => Some(StudyGroup::Project { full_path, id: study.project.id }),
        (StatsBy::Subgroup, _) => {
            let above = study.project.ancestors().next().unwrap_or_default();
            Some(StudyGroup::Subgroup { full_path: above.to_owned() })
        }
        (StatsBy::Week, TimeSlot::Week(from)) => Some(StudyGroup::Week { from }),
        (StatsBy::Week, TimeSlot::Now | TimeSlot::Before) => None,
    }
}
