//! Which screens there are.

use crate::domain::id::{JobId, PipelineId, ProjectId};

/// What a screen is about; also where a line leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScreenPlace {
    Project(ProjectId),
    Pipeline(ProjectId, PipelineId),
    Job(ProjectId, PipelineId, JobId),
    Failures,
    Active,
    Events,
    Problems,
}

/// What kind of screen it is: which keys it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenKind {
    Overview,
    Project,
    Pipeline,
    Job,
    Failures,
    Active,
    Events,
    Problems,
}

impl ScreenKind {
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Project,
        Self::Pipeline,
        Self::Job,
        Self::Failures,
        Self::Active,
        Self::Events,
        Self::Problems,
    ];
}

impl ScreenPlace {
    pub fn kind(self) -> ScreenKind {
        match self {
            Self::Project(_) => ScreenKind::Project,
            Self::Pipeline(..) => ScreenKind::Pipeline,
            Self::Job(..) => ScreenKind::Job,
            Self::Failures => ScreenKind::Failures,
            Self::Active => ScreenKind::Active,
            Self::Events => ScreenKind::Events,
            Self::Problems => ScreenKind::Problems,
        }
    }
}
