//! Which projects GitLab tells about by itself, so that they need not be asked about in each turn.

use crate::domain::id::ProjectId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Default)]
struct ToldState {
    projects: Mutex<Arc<BTreeSet<ProjectId>>>,
    reconcile: Duration,
}

/// The projects whose moves GitLab announces; none, where everything is asked about in each turn. All clones share one set.
#[derive(Debug, Clone, Default)]
pub struct ToldProjects(Arc<ToldState>);

impl ToldProjects {
    /// Starts with none. Everything is read once in so long all the same: news may be lost on their way.
    pub fn new(reconcile: Duration) -> Self {
        Self(Arc::new(ToldState { projects: Mutex::default(), reconcile }))
    }

    pub(super) fn reconcile(&self) -> Duration {
        self.0.reconcile
    }

    pub(super) fn projects(&self) -> Arc<BTreeSet<ProjectId>> {
        Arc::clone(&self.0.projects.lock())
    }

    pub(super) fn set(&self, projects: BTreeSet<ProjectId>) {
        *self.0.projects.lock() = Arc::new(projects);
    }
}
