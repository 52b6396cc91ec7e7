//! What is known of each project, out of the facts of the memory.

use super::known::{BroughtMerge, FixMarks, ProductionEvent, ProductionIncident, ProjectDeliveries};
use crate::domain::delivery::{DeliveryBatch, DeploymentFact, EnvironmentStart, MergeRequestFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::{DeploymentId, ProjectId};
use crate::domain::production::{EnvironmentTiers, ProductionChoice};
use crate::domain::status::Status;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is known of a project, and of what kind it is.
#[derive(Debug, Default)]
pub(crate) struct GatheredProject {
    pub known: ProjectDeliveries,
    pub notes: GatheredNotes,
    /// When the successes to production ended whose merge requests were not asked for.
    pub unread: Vec<UnixSeconds>,
}

/// What decides whether the numbers of a project can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct GatheredNotes {
    /// Environments that were deployed to, and those of them that have a tier.
    pub environments: usize,
    pub with_tier: usize,
    /// Deployments that are not to production, or to an environment that is gone.
    pub elsewhere: usize,
}

/// Gathers what is known by project.
pub(crate) fn gather(batch: &DeliveryBatch, choice: &ProductionChoice) -> HashMap<ProjectId, GatheredProject> {
    let mut projects: HashMap<ProjectId, GatheredProject> = HashMap::new();
    let places = EnvironmentTiers::new(&batch.environments);
    let merges = brought(batch);
    let mut environments: HashMap<ProjectId, HashSet<&str>> = HashMap::new();
    for fact in batch.deployments.iter().filter(|fact| is_over(&fact.course.status)) {
        let of = projects.entry(fact.project).or_default();
        let name = fact.environment_name.as_str();
        if environments.entry(fact.project).or_default().insert(name) {
            of.notes.environments += 1;
            of.notes.with_tier += usize::from(places.tier(fact).is_some());
        }
        let Some(finished_at) = fact.finished_at().filter(|_| places.is_production(fact, choice)) else {
            of.notes.elsewhere += 1;
            continue;
        };
        let is_success = fact.course.status == Status::Success;
        of.unread.extend((is_success && !fact.has_merges).then_some(finished_at));
        of.known.deployments.push(event(fact, finished_at, &merges));
    }
    add_incidents(batch, &mut projects);
    for start in &batch.starts {
        let Some(of) = projects.get_mut(&start.project) else { continue };
        if !is_first(start, &of.known) {
            of.known.begun_before.insert(start.environment_name.as_str().into());
        }
    }
    projects
}

fn add_incidents(batch: &DeliveryBatch, projects: &mut HashMap<ProjectId, GatheredProject>) {
    for fact in &batch.incidents {
        let incident = ProductionIncident {
            iid: fact.iid,
            title: fact.title.clone(),
            created_at: fact.created_at,
            closed_at: fact.closed_at,
        };
        projects.entry(fact.project).or_default().known.incidents.push(incident);
    }
}

fn is_over(status: &Status) -> bool {
    matches!(status, Status::Success | Status::Failed)
}

/// Says whether the first success that is known of an environment is its first ever.
fn is_first(start: &EnvironmentStart, known: &ProjectDeliveries) -> bool {
    let of_place = known.deployments.iter().filter(|event| event.is_success && *event.place == *start.environment_name);
    let first = of_place.min_by_key(|event| (event.finished_at, event.id)).map(|event| event.id);
    start.baseline.is_some() && first == start.baseline.map(|id| id.0)
}

type MergesOf = HashMap<(ProjectId, DeploymentId), Vec<Arc<BroughtMerge>>>;

/// Returns the merge requests of each deployment.
fn brought(batch: &DeliveryBatch) -> MergesOf {
    let requests: HashMap<(ProjectId, u64), Arc<BroughtMerge>> =
        batch.merge_requests.iter().map(|fact| ((fact.project, fact.iid), brought_merge(fact))).collect();
    let mut merges: MergesOf = HashMap::new();
    for link in &batch.merges {
        let request = requests.get(&(link.project, link.iid)).map(Arc::clone);
        merges.entry((link.project, link.deployment)).or_default().extend(request);
    }
    merges
}

pub(super) fn brought_merge(fact: &MergeRequestFact) -> Arc<BroughtMerge> {
    Arc::new(BroughtMerge {
        iid: fact.iid,
        title: fact.title.clone(),
        fix: FixMarks::read(&fact.title, &fact.labels, fact.source_branch.as_deref()),
        merged_at: fact.merged_at,
        first_commit_at: fact.first_commit_at,
    })
}

fn event(fact: &DeploymentFact, finished_at: UnixSeconds, merges: &MergesOf) -> ProductionEvent {
    ProductionEvent {
        id: fact.id.0,
        place: fact.environment_name.as_str().into(),
        is_success: fact.course.status == Status::Success,
        finished_at,
        pipeline: fact.pipeline.map(|pipeline| pipeline.0),
        sha: known_sha(fact.sha.as_deref()),
        merges: merges.get(&(fact.project, fact.id)).cloned().unwrap_or_default(),
        job: fact.job.map(|job| job.0),
    }
}

pub(super) fn known_sha(sha: Option<&str>) -> Option<Arc<str>> {
    sha.filter(|sha| !sha.is_empty()).map(Arc::from)
}
