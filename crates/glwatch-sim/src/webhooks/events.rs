//! What happened between two moments, as far as GitLab has a hook for it.

use std::sync::Arc;

use crate::history::{PastDeployment, PastKind};
use crate::listed_pipeline::ListedPipeline;
use crate::plan::Tree;
use crate::status::StatusWord;
use crate::world::World;

/// One thing that happened.
#[derive(Clone)]
pub(super) struct HookEvent {
    pub(super) at: i64,
    /// The same for the same thing: ids of deliveries follow from it.
    pub(super) key: u64,
    pub(super) project: usize,
    pub(super) what: HookSubject,
}

#[derive(Clone)]
pub(super) enum HookSubject {
    Pipeline { tree: Arc<Tree>, at: usize },
    Job { tree: Arc<Tree>, at: usize, job: usize, attempt: usize },
    Push { tree: Arc<Tree>, at: usize },
    Deployment { at: usize },
    MergeRequest { at: usize, action: &'static str },
}

impl HookEvent {
    /// Returns the value of `X-Gitlab-Event`.
    pub(super) fn header(&self, system: bool) -> &'static str {
        match &self.what {
            _ if system => "System Hook",
            HookSubject::Pipeline { .. } => "Pipeline Hook",
            HookSubject::Job { .. } => "Job Hook",
            HookSubject::Push { tree, at } if tree.pipelines[*at].tag => "Tag Push Hook",
            HookSubject::Push { .. } => "Push Hook",
            HookSubject::Deployment { .. } => "Deployment Hook",
            HookSubject::MergeRequest { .. } => "Merge Request Hook",
        }
    }

    fn is_for_systems(&self) -> bool {
        matches!(self.what, HookSubject::Push { .. } | HookSubject::MergeRequest { .. })
    }
}

/// Returns what happened after `from` and until `to`, in order.
pub(super) fn between(world: &World, from: i64, to: i64, system: bool) -> Vec<HookEvent> {
    let mut found = Vec::new();
    for project in 0..world.projects.len() {
        for listed in world.pipelines_since(project, from, to) {
            if listed.settled().is_none_or(|settled| settled > from) {
                of_pipeline(&listed, project, from, to.min(listed.forgotten() - 1), &mut found);
            }
        }
        of_history(world, project, from, to, &mut found);
    }
    found.retain(|event| !system || event.is_for_systems());
    found.sort_by_key(|event| (event.at, event.key));
    found
}

/// Returns the ids of a project's pipelines that came or changed their status, once for each time, in order.
pub(crate) fn moved_pipelines(world: &World, project: usize, from: i64, to: i64) -> Vec<u64> {
    let mut found = Vec::new();
    for listed in world.pipelines_since(project, from, to) {
        if listed.settled().is_none_or(|settled| settled > from) {
            of_pipeline(&listed, project, from, to.min(listed.forgotten() - 1), &mut found);
        }
    }
    found.sort_by_key(|event| (event.at, event.key));
    let id = |event: &HookEvent| match &event.what {
        HookSubject::Pipeline { tree, at } => Some(tree.pipelines[*at].id),
        _ => None,
    };
    found.iter().filter_map(id).collect()
}

fn of_pipeline(listed: &ListedPipeline<'_>, project: usize, from: i64, to: i64, found: &mut Vec<HookEvent>) {
    let (tree, at) = (listed.tree(), listed.at());
    let pipeline = &tree.pipelines[at];
    let within = |moment: i64| from < moment && moment <= to;
    of_jobs(tree, at, project, &within, found);
    let mut moments = vec![pipeline.created];
    for run in pipeline.jobs.iter().flat_map(|job| &job.attempts) {
        moments.extend(run.moves.iter().map(|(moment, _)| *moment).filter(|moment| within(*moment)));
    }
    moments.sort_unstable();
    moments.dedup();
    let mut before: StatusWord = pipeline.status(from);
    for moment in moments.into_iter().filter(|moment| within(*moment)) {
        let now = pipeline.status(moment);
        if moment == pipeline.created || now != before {
            let what = HookSubject::Pipeline { tree: Arc::clone(tree), at };
            let key = pipeline.id * 4_096 + u64::try_from(moment - pipeline.created).unwrap_or(0) % 4_096;
            found.push(HookEvent { at: moment, key, project, what });
        }
        before = now;
    }
    if within(pipeline.created) && pipeline.source == "push" {
        let what = HookSubject::Push { tree: Arc::clone(tree), at };
        found.push(HookEvent { at: pipeline.created, key: pipeline.id, project, what });
    }
}

/// Adds every change of every job; trigger jobs and other systems' statuses have no hook.
fn of_jobs(tree: &Arc<Tree>, at: usize, project: usize, within: &dyn Fn(i64) -> bool, found: &mut Vec<HookEvent>) {
    for (job, of) in tree.pipelines[at].jobs.iter().enumerate().filter(|(_, of)| !of.bridge && !of.is_external()) {
        for (attempt, run) in of.attempts.iter().enumerate() {
            for (nth, (moment, _)) in run.moves.iter().enumerate().filter(|(_, (moment, _))| within(*moment)) {
                let what = HookSubject::Job { tree: Arc::clone(tree), at, job, attempt };
                found.push(HookEvent { at: *moment, key: run.id * 64 + nth as u64, project, what });
            }
        }
    }
}

/// Adds what happened to deployments and merge requests.
fn of_history(world: &World, project: usize, from: i64, to: i64, found: &mut Vec<HookEvent>) {
    let Some(past) = &world.projects[project].history else { return };
    let within = |moment: i64| from < moment && moment <= to;
    for (at, deployment) in past.events.deployments.iter().enumerate() {
        let PastDeployment { started, finished, .. } = deployment;
        for (nth, moment) in [*started, *finished].into_iter().enumerate().filter(|(_, moment)| within(*moment)) {
            let key = world.event_id(project, deployment.created) * 8 + nth as u64;
            found.push(HookEvent { at: moment, key, project, what: HookSubject::Deployment { at } });
        }
    }
    for (at, request) in past.events.merge_requests.iter().enumerate() {
        let ends = [("open", Some(request.created)), ("merge", request.merged), ("close", request.closed)];
        let pushed = request.pushes.iter().skip(1).map(|push| ("update", Some(*push)));
        let changes = ends.into_iter().chain(pushed).filter_map(|(action, moment)| Some((action, moment?)));
        for (nth, (action, moment)) in changes.enumerate().filter(|(_, (_, moment))| within(*moment)) {
            let key = world.event_id(project, request.created) * 8 + 4 + nth as u64;
            found.push(HookEvent { at: moment, key, project, what: HookSubject::MergeRequest { at, action } });
        }
    }
}

/// Returns the merge request that a pipeline of a history belongs to.
pub(super) fn request_of(world: &World, project: usize, tree: &Tree) -> Option<usize> {
    let past = world.projects[project].history.as_ref().filter(|past| past.line == tree.origin.0)?;
    match past.events.pipelines.get(usize::try_from(tree.origin.1).ok()?)?.kind {
        PastKind::MergeRequest(request) => Some(request),
        _ => None,
    }
}
