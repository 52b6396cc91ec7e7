//! What the tracker knows of one project: its refs, which of them are due, and its environments.

use super::environment::EnvironmentReadout;
use super::wakes::TrackerWake;
use crate::domain::exported::{ToldRuns, TrackedKind, TrackedRef};
use crate::domain::id::{EnvironmentId, PipelineId, ProjectId, ProjectRef};
use crate::domain::pipeline::{Pipeline, RefKind};
use crate::domain::tracking::TrackingRules;
use chrono::{DateTime, Utc};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a project that cannot be read is left alone at most.
const LONGEST_WAIT: Duration = Duration::from_secs(1800);

/// A ref that is tracked.
#[derive(Debug, Clone, Default)]
pub(super) struct TrackedRefState {
    /// The newest pipeline that was ever read.
    pub last: Option<PipelineId>,
    /// The one that is shown: an older one, where the newest was deleted.
    pub shown: Option<PipelineId>,
    /// Whether that was still under way: its jobs move without a change of the pipeline.
    pub is_active: bool,
    /// What was the newest pipeline of the project when the one that is shown seemed to be gone. As long as it is the same,
    /// that is not asked again.
    doubted_at: Option<PipelineId>,
}

/// Why a ref is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DueRef {
    /// The newest pipeline, where a list has told it.
    pub newest: Option<PipelineId>,
    /// Pipelines that are newer than the last one that was read.
    pub told: ToldRuns,
}

/// What is asked about pipelines that are shown, to find those that were deleted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NewestCheck {
    Nothing,
    /// The first page of the project's pipelines.
    Newest,
    /// One that is older than those on that page.
    Older(TrackedRef, PipelineId),
}

/// An environment that is tracked.
#[derive(Debug, Clone)]
pub(super) struct EnvironmentState {
    pub name: String,
    pub last: Option<EnvironmentReadout>,
}

/// A project that is tracked.
#[derive(Debug)]
pub(super) struct TrackedProject {
    pub id: ProjectId,
    pub path: Arc<str>,
    pub rules: Arc<TrackingRules>,
    pub refs: BTreeMap<TrackedRef, TrackedRefState>,
    /// What must be read. It stays until it has been.
    pub due: BTreeMap<TrackedRef, DueRef>,
    pub environments: BTreeMap<EnvironmentId, EnvironmentState>,
    pub due_environments: BTreeSet<EnvironmentId>,
    /// Whether its refs and environments must be looked for.
    pub is_discovery_due: bool,
    /// Whether it is known that pipelines moved, and not which ones.
    pub has_moved: bool,
    /// How often that has failed one after the other.
    failures: u32,
    /// After failures, when it is tried again.
    retry_at: Option<Instant>,
    /// Up to when its changes are known, by the server's clock.
    pub looked_at: Option<DateTime<Utc>>,
    /// The last pipeline on the first page of all, where there are more.
    end_of_page: Option<PipelineId>,
    /// The ref whose older pipeline was asked for last.
    checked: Option<TrackedRef>,
    is_older_next: bool,
}

impl TrackedProject {
    pub(super) fn new(id: ProjectId, path: &str, rules: Arc<TrackingRules>) -> Self {
        Self {
            id,
            path: path.into(),
            rules,
            refs: BTreeMap::new(),
            due: BTreeMap::new(),
            environments: BTreeMap::new(),
            due_environments: BTreeSet::new(),
            is_discovery_due: true,
            has_moved: false,
            failures: 0,
            retry_at: None,
            looked_at: None,
            end_of_page: None,
            checked: None,
            is_older_next: false,
        }
    }

    /// Says whether its refs and environments must be looked for now.
    pub(super) fn wants_discovery(&self) -> bool {
        self.is_discovery_due && self.retry_at.is_none_or(|at| at <= Instant::now())
    }

    /// Notes how looking for them has ended. What fails again and again is tried less and less often.
    pub(super) fn discovered(&mut self, has_failed: bool, interval: Duration) {
        self.is_discovery_due = has_failed;
        self.failures = if has_failed { self.failures.saturating_add(1) } else { 0 };
        let wait = interval.saturating_mul(1 << self.failures.min(6)).min(LONGEST_WAIT);
        self.retry_at = has_failed.then(|| Instant::now() + wait);
    }

    /// Notes that its changes are known up to a time.
    pub(super) fn know_changes(&mut self, until: DateTime<Utc>) {
        self.looked_at = Some(until);
        self.has_moved = false;
    }

    pub(super) fn key(&self) -> ProjectRef {
        ProjectRef::Id(self.id)
    }

    /// Notes what something has said to be due.
    pub(super) fn wake(&mut self, wake: TrackerWake) {
        match wake {
            // A list may be older than what was said: the newest pipeline is asked for again.
            TrackerWake::Ref(_, tracked) if self.refs.contains_key(&tracked) => {
                self.due.entry(tracked).or_default().newest = None;
            }
            TrackerWake::Ref(_, tracked) => self.is_discovery_due |= self.rules.wants(&tracked),
            TrackerWake::Environment(_, name) => match self.environments.iter().find(|(_, state)| state.name == name) {
                Some((id, _)) => drop(self.due_environments.insert(*id)),
                None => self.is_discovery_due |= self.rules.environments.enabled,
            },
            TrackerWake::Project(_) => self.is_discovery_due = true,
            TrackerWake::Pipelines(_) => self.has_moved = true,
        }
    }

    /// Notes that a ref cannot be read, whatever is tried again.
    pub(super) fn give_up(&mut self, tracked: &TrackedRef) {
        self.due.remove(tracked);
        if let Some(state) = self.refs.get_mut(tracked) {
            state.is_active = false;
        }
    }

    /// Takes over which refs there are. Returns those that are gone.
    pub(super) fn found_refs(&mut self, found: BTreeSet<TrackedRef>) -> Vec<TrackedRef> {
        let gone: Vec<TrackedRef> = self.refs.keys().filter(|known| !found.contains(*known)).cloned().collect();
        for tracked in &gone {
            self.refs.remove(tracked);
            self.due.remove(tracked);
        }
        for tracked in found {
            if !self.refs.contains_key(&tracked) {
                self.due.entry(tracked.clone()).or_default();
                self.refs.insert(tracked, TrackedRefState::default());
            }
        }
        gone
    }

    /// Takes over which environments there are. Returns the names of those that are gone.
    pub(super) fn found_environments(&mut self, found: Vec<(EnvironmentId, String)>) -> Vec<String> {
        let found: BTreeMap<EnvironmentId, String> = found.into_iter().collect();
        let gone: Vec<EnvironmentId> =
            self.environments.keys().filter(|id| !found.contains_key(*id)).copied().collect();
        let names = gone.iter().filter_map(|id| self.environments.remove(id)).map(|state| state.name).collect();
        self.due_environments.retain(|id| found.contains_key(id));
        for (id, name) in found {
            if let Entry::Vacant(place) = self.environments.entry(id) {
                place.insert(EnvironmentState { name, last: None });
                self.due_environments.insert(id);
            }
        }
        names
    }

    /// Takes over pipelines that changed, from a list. A ref that is new makes a discovery due.
    pub(super) fn changed(&mut self, pipelines: &[Pipeline]) {
        let mut by_ref: BTreeMap<TrackedRef, ToldRuns> = BTreeMap::new();
        for pipeline in pipelines {
            match self.tracked(pipeline) {
                Some(tracked) => {
                    by_ref.entry(tracked).or_default().insert(pipeline.id, pipeline.source.clone());
                }
                None => self.is_discovery_due |= self.may_be_new(pipeline),
            }
            if pipeline.status.is_terminal() {
                self.due_environments.extend(self.environments.keys());
            }
        }
        for (tracked, listed) in by_ref {
            let Some(state) = self.refs.get(&tracked) else { continue };
            let newest = listed.keys().last().copied();
            // What is older than the newest is not shown.
            if newest < state.shown {
                continue;
            }
            let last = state.last;
            let due = self.due.entry(tracked).or_insert(DueRef { newest, told: ToldRuns::new() });
            // One that something else has said to be due is asked for again, whatever a list says.
            due.newest = due.newest.and(newest.max(due.newest));
            due.told.extend(listed.into_iter().filter(|(id, _)| last.is_some_and(|last| *id > last)));
        }
    }

    /// Returns what to ask next: in turns the first page, and one of the pipelines that are older than those on it.
    pub(super) fn next_check(&mut self) -> NewestCheck {
        let is_shown = self.refs.values().any(|state| state.shown.is_some());
        if !is_shown {
            return NewestCheck::Nothing;
        }
        let asks_older = self.is_older_next;
        self.is_older_next = !asks_older;
        let older = |(tracked, state): (&TrackedRef, &TrackedRefState)| {
            let shown = state.shown.filter(|shown| Some(*shown) < self.end_of_page)?;
            Some((tracked.clone(), shown))
        };
        let is_after = |(tracked, _): &(&TrackedRef, &TrackedRefState)| Some(*tracked) > self.checked.as_ref();
        let next = self.refs.iter().filter(is_after).find_map(older).or_else(|| self.refs.iter().find_map(older));
        match next.filter(|_| asks_older) {
            Some((tracked, shown)) => {
                self.checked = Some(tracked.clone());
                NewestCheck::Older(tracked, shown)
            }
            None => NewestCheck::Newest,
        }
    }

    /// Takes over the first page of the project's pipelines, newest first.
    pub(super) fn take_newest(&mut self, listed: &[PipelineId], has_more: bool) {
        self.end_of_page = listed.last().copied().filter(|_| has_more);
        self.doubt_newer(listed, self.end_of_page);
    }

    /// Takes over which pipelines of the project there are above one. A ref that shows another one is due: whether that is
    /// gone, is read.
    pub(super) fn doubt_newer(&mut self, listed: &[PipelineId], above: Option<PipelineId>) {
        let newest = listed.first().copied().or(Some(PipelineId(0)));
        for (tracked, state) in &mut self.refs {
            let is_missing = state.shown.is_some_and(|shown| !listed.contains(&shown) && Some(shown) > above);
            if is_missing && state.doubted_at != newest {
                state.doubted_at = newest;
                self.due.entry(tracked.clone()).or_insert(DueRef { newest: state.shown, told: ToldRuns::new() });
            }
        }
    }

    /// Returns the ref of a listed pipeline, where it is tracked. A list does not tell branches from tags.
    fn tracked(&self, pipeline: &Pipeline) -> Option<TrackedRef> {
        let name = &pipeline.git_ref.name;
        let kinds: &[TrackedKind] = match pipeline.git_ref.kind {
            RefKind::MergeRequest | RefKind::MergeTrain => &[TrackedKind::MergeRequest],
            RefKind::Branch => &[TrackedKind::Branch],
            RefKind::Tag => &[TrackedKind::Tag],
            RefKind::Other => &[TrackedKind::Branch, TrackedKind::Tag],
        };
        kinds.iter().map(|kind| named(*kind, name)).find(|tracked| self.refs.contains_key(tracked))
    }

    /// Says whether a pipeline whose ref is not tracked may be of one that should be.
    fn may_be_new(&self, pipeline: &Pipeline) -> bool {
        let name = &pipeline.git_ref.name;
        let kinds: &[TrackedKind] = match pipeline.git_ref.kind {
            RefKind::MergeRequest | RefKind::MergeTrain => &[TrackedKind::MergeRequest],
            RefKind::Branch | RefKind::Tag | RefKind::Other => &[TrackedKind::Branch, TrackedKind::Tag],
        };
        kinds.iter().any(|kind| self.rules.wants(&named(*kind, name)))
    }
}

/// A merge request is `!42` in the list of pipelines as the domain has it.
fn named(kind: TrackedKind, name: &str) -> TrackedRef {
    TrackedRef::new(kind, if kind == TrackedKind::MergeRequest { name.trim_start_matches('!') } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::rules;

    /// A project whose branches show these pipelines.
    fn project(shown: &[(&str, u64)]) -> TrackedProject {
        let mut project = TrackedProject::new(ProjectId(7), "acme/api", Arc::new(rules()));
        for (name, id) in shown {
            let shown = Some(PipelineId(*id));
            let state = TrackedRefState { last: shown, shown, ..TrackedRefState::default() };
            project.refs.insert(TrackedRef::new(TrackedKind::Branch, *name), state);
        }
        project
    }

    fn ids(ids: &[u64]) -> Vec<PipelineId> {
        ids.iter().copied().map(PipelineId).collect()
    }

    fn due(project: &TrackedProject) -> Vec<&str> {
        project.due.keys().map(|tracked| tracked.name.as_str()).collect()
    }

    #[test]
    fn what_a_page_should_name_and_does_not_is_read_once() {
        let shown = [("main", 9), ("old", 3), ("dev", 7)];
        let cases: [(&str, &[u64], bool, &[&str]); 6] = [
            ("all are there", &[9, 8, 7, 3], false, &[]),
            ("the newest is gone", &[8, 7, 3], false, &["main"]),
            ("one in the middle", &[9, 8, 3], false, &["dev"]),
            ("one that is older than the page", &[9, 8, 7], true, &[]),
            ("where there is no further page it is gone", &[9, 8, 7], false, &["old"]),
            ("there is none any more", &[], false, &["dev", "main", "old"]),
        ];
        for (sentence, listed, has_more, expected) in cases {
            let mut project = project(&shown);
            project.take_newest(&ids(listed), has_more);
            assert_eq!(due(&project), expected, "{sentence}");
            project.due.clear();
            project.take_newest(&ids(listed), has_more);
            assert_eq!(due(&project), [""; 0], "{sentence}: it was read, and is there");
        }
        let mut told = project(&shown);
        told.doubt_newer(&ids(&[8]), Some(PipelineId(8)));
        assert_eq!(due(&told), ["main"], "GitLab says that the newest of the project is an older one");
    }

    #[test]
    fn older_pipelines_are_asked_for_one_by_one_between_pages() {
        let mut project = project(&[("a", 2), ("b", 9), ("c", 3)]);
        let older = |name: &str, id| NewestCheck::Older(TrackedRef::new(TrackedKind::Branch, name), PipelineId(id));
        assert_eq!(project.next_check(), NewestCheck::Newest);
        project.take_newest(&ids(&[9, 8, 7]), true);
        let asked: Vec<NewestCheck> = (0..6).map(|_| project.next_check()).collect();
        let page = || NewestCheck::Newest;
        assert_eq!(asked, [older("a", 2), page(), older("c", 3), page(), older("a", 2), page()]);
        project.take_newest(&ids(&[9, 8, 7, 3, 2]), false);
        assert_eq!([project.next_check(), project.next_check()], [page(), page()], "the page has them all");
        assert_eq!(TrackedProject::new(ProjectId(8), "acme/b", Arc::new(rules())).next_check(), NewestCheck::Nothing);
    }
}
