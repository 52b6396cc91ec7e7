//! A pipeline in a list: known by its id, and played only when more of it is asked for.

use std::cell::OnceCell;
use std::ops::Deref;
use std::sync::Arc;

use super::history::{PastPipeline, ProjectHistory};
use super::plan::{Pipeline, Tree};
use super::world::World;

/// Longer than a pipeline of a history takes.
const LONGEST: i64 = 3 * 3_600_000;

#[derive(Clone)]
pub(crate) struct ListedPipeline<'w> {
    world: &'w World,
    pub(crate) id: u64,
    /// Its line, and its number there.
    origin: (usize, i64),
    at: usize,
    tree: OnceCell<Arc<Tree>>,
}

impl<'w> ListedPipeline<'w> {
    pub(crate) fn of(world: &'w World, tree: &Arc<Tree>, at: usize) -> Self {
        let cell = OnceCell::from(Arc::clone(tree));
        Self { world, id: tree.pipelines[at].id, origin: tree.origin, at, tree: cell }
    }

    /// One of a history: the only pipeline of its tree.
    pub(crate) fn unplayed(world: &'w World, id: u64, origin: (usize, i64)) -> Self {
        Self { world, id, origin, at: 0, tree: OnceCell::new() }
    }

    pub(crate) fn tree(&self) -> &Arc<Tree> {
        self.tree.get_or_init(|| self.world.tree(self.origin.0, self.origin.1))
    }

    /// Returns another pipeline of the same tree.
    pub(crate) fn other(&self, at: usize) -> Self {
        Self::of(self.world, self.tree(), at)
    }

    /// Returns its place in the tree.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns what the history says of it, unless something was done to it later.
    pub(crate) fn past(&self) -> Option<(&'w ProjectHistory, usize, &'w PastPipeline)> {
        let past = self.world.history_of(self.origin.0).filter(|_| !self.world.actions.touched(self.origin))?;
        Some((&past.events, usize::try_from(self.origin.1).ok()?, self.of_history()?))
    }

    /// Returns what it was planned as, when it is one of a history.
    pub(crate) fn of_history(&self) -> Option<&'w PastPipeline> {
        let past = self.world.history_of(self.origin.0)?;
        past.events.pipelines.get(usize::try_from(self.origin.1).ok()?)
    }

    /// Returns a time that its last change is not after; `None` when only playing it tells.
    pub(crate) fn settled(&self) -> Option<i64> {
        let (events, at, past) = self.past()?;
        let deployed = events.deployments_of(at).map(|deployment| deployment.finished).max();
        Some((past.created + LONGEST).max(deployed.unwrap_or(0)))
    }

    /// Returns when the API shows it no more.
    pub(crate) fn forgotten(&self) -> i64 {
        self.world.forgotten(self.origin.0, self.origin.1)
    }

    /// Says whether all of its attempts have ids of its own range.
    pub(crate) fn is_regular(&self) -> bool {
        self.past().is_some_and(|(events, at, _)| !events.deployments_of(at).any(|deployment| deployment.rollback))
    }
}

impl Deref for ListedPipeline<'_> {
    type Target = Pipeline;

    fn deref(&self) -> &Pipeline {
        &self.tree().pipelines[self.at]
    }
}
