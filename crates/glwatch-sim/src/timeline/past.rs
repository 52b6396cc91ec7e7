//! Plays one pipeline of a history.

use super::{PipelineSeed, StagePlayer, TITLES};
use crate::history::{
    DEPLOY_PRODUCTION, DEPLOY_STAGING, DeploymentEnd, MergePurpose, PastEnvironment, PastKind, PastPipeline,
    ProjectHistory, push_sha, trunk_sha,
};
use crate::plan::{Attempt, Job, Pipeline, Tree};
use crate::rng::Rng;
use crate::status::StatusWord;
use crate::world::{PlayableHistory, Project, World};

/// What a pipeline that nothing was pushed for has as its commit before.
const NO_SHA: &str = "0000000000000000000000000000000000000000";

impl Tree {
    pub(super) fn add_past(&mut self, world: &World, past: &PlayableHistory) {
        let (line, instance) = self.origin;
        let Some(at) = usize::try_from(instance).ok().filter(|at| *at < past.events.pipelines.len()) else { return };
        let this = &past.events.pipelines[at];
        let slot = world.lines[line].slot;
        let seed = PipelineSeed { line: &world.lines[line], instance, slot, created: this.created, upstream: None };
        let rng = Rng::of(&[world.seed, slot as u64, instance.unsigned_abs()]);
        self.pipelines.push(pipeline(world, &past.events, &seed, this));
        let specs = past.jobs.of(this.kind, this.failure.as_ref());
        let jobs = StagePlayer { world, tree: self, seed: &seed, rng }.run(&specs);
        self.pipelines[0].jobs = jobs;
        self.number_attempts(world, 0);
        deploy(world, &past.events, at, slot, &mut self.pipelines[0].jobs);
    }
}

fn pipeline(world: &World, events: &ProjectHistory, seed: &PipelineSeed<'_>, this: &PastPipeline) -> Pipeline {
    let slot = &world.slots[seed.slot];
    let project = &world.projects[slot.project];
    let branch = project.default_branch.clone().unwrap_or_else(|| "main".to_owned());
    let (ref_name, sha) = ref_and_sha(world, project, this, &branch);
    let brings = this.kind.brings_commit();
    Pipeline {
        id: world.pipeline_id(seed.slot, this.created),
        iid: (seed.instance.unsigned_abs() + 1) * project.slots.len() as u64 + slot.rank as u64,
        project: slot.project,
        ref_name,
        tag: this.kind == PastKind::Tag,
        source: this.kind.source().to_owned(),
        name: None,
        title: title(events, this, &branch),
        sha,
        before_sha: if brings { trunk_sha(world.seed, project.id, this.commit - 1) } else { NO_SHA.to_owned() },
        user: this.user,
        yaml_errors: None,
        fixed_status: None,
        failure_reason: None,
        created: this.created,
        jobs: Vec::new(),
    }
}

fn ref_and_sha(world: &World, project: &Project, this: &PastPipeline, branch: &str) -> (String, String) {
    let trunk = |commit: u32| trunk_sha(world.seed, project.id, commit);
    match this.kind {
        PastKind::MergeRequest(request) => (
            format!("refs/merge-requests/{}/head", request + 1),
            push_sha(world.seed, project.id, request, this.commit),
        ),
        PastKind::Tag => (format!("v1.{}.0", this.commit), trunk(this.commit)),
        PastKind::Push | PastKind::Merge(_) | PastKind::Schedule => (branch.to_owned(), trunk(this.commit)),
    }
}

/// Returns the title of the commit.
fn title(events: &ProjectHistory, this: &PastPipeline, branch: &str) -> String {
    match this.kind {
        PastKind::Merge(request) => format!("Merge branch '{}' into '{branch}'", source_branch(events, request)),
        PastKind::MergeRequest(request) if this.commit == 0 => request_title(events, request),
        PastKind::MergeRequest(_) => "Address the review".to_owned(),
        PastKind::Push | PastKind::Schedule | PastKind::Tag => TITLES[this.commit as usize % TITLES.len()].to_owned(),
    }
}

/// Returns the title of a merge request.
pub(crate) fn request_title(events: &ProjectHistory, request: usize) -> String {
    // The last of the titles is that of a merge.
    let plain = |request: usize| TITLES[request * 5 % (TITLES.len() - 1)];
    match events.merge_requests[request].purpose {
        MergePurpose::Change => plain(request).to_owned(),
        MergePurpose::Hotfix => format!("Hotfix: {}", plain(request)),
        MergePurpose::Revert(other) => format!("Revert \"{}\"", plain(other)),
    }
}

pub(crate) fn source_branch(events: &ProjectHistory, request: usize) -> String {
    match events.merge_requests[request].purpose {
        MergePurpose::Change => format!("feature/change-{}", request + 1),
        MergePurpose::Hotfix => format!("hotfix/change-{}", request + 1),
        MergePurpose::Revert(other) => format!("revert-change-{}", other + 1),
    }
}

/// Lets the deploy jobs do what the history says; they wait for a person until then.
fn deploy(world: &World, events: &ProjectHistory, pipeline: usize, slot: usize, jobs: &mut [Job]) {
    for deployment in events.deployments_of(pipeline) {
        let place = match deployment.environment {
            PastEnvironment::Staging => DEPLOY_STAGING,
            PastEnvironment::Production => DEPLOY_PRODUCTION,
        };
        let Some(job) = jobs.get_mut(place) else { continue };
        if deployment.rollback {
            let id = world.late_attempt(slot, deployment.created);
            let moves = vec![(deployment.created, StatusWord::Borrowed("created"))];
            job.attempts.push(Attempt { id, ..Attempt::new(moves) });
        }
        let Some(attempt) = job.attempts.last_mut() else { continue };
        let word = match deployment.end {
            DeploymentEnd::Success => "success",
            DeploymentEnd::Failed => "failed",
            DeploymentEnd::Canceled => "canceled",
        };
        attempt.moves.push((deployment.created + 200, StatusWord::Borrowed("pending")));
        attempt.moves.push((deployment.started, StatusWord::Borrowed("running")));
        attempt.moves.push((deployment.finished, StatusWord::Borrowed(word)));
    }
}

impl StagePlayer<'_> {
    /// Returns how long a job waits for a runner: longer while many people work, now and then minutes.
    pub(super) fn queue(&mut self, ready: i64) -> i64 {
        let usual = self.rng.between(900, 9_000);
        if self.world.history_of(self.tree.origin.0).is_none() {
            return usual;
        }
        let hour = ready.rem_euclid(86_400_000) / 3_600_000;
        let busy = if (8..12).contains(&hour) { 4 } else { 1 };
        match self.rng.next() % 20 {
            0 => usual + self.rng.between(10_000, 40_000 * busy),
            1..5 => usual + self.rng.between(0, 6_000 * busy),
            _ => usual,
        }
    }
}
