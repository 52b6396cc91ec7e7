//! Which deployments are looked into: pure, over what is remembered.

use crate::domain::delivery::{DeliveryBatch, DeploymentFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::{DeploymentId, ProjectId};
use crate::domain::production::{EnvironmentTiers, ProductionChoice};
use crate::domain::status::Status;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// What is asked about deployments to production beside the lists.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryWants {
    pub choice: ProductionChoice,
    /// Merge requests of what ended since then, and until then.
    pub merges: (UnixSeconds, UnixSeconds),
    /// What lies before the first deployment of environments whose first one ended since `merges` begins.
    pub starts: bool,
    /// When the first commits were made of the merge requests that are wanted.
    pub first_commits: bool,
}

/// An environment whose first deployment may not be its first ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenStart {
    pub project: ProjectId,
    pub environment: String,
    pub first: DeploymentId,
    pub first_at: UnixSeconds,
}

/// Returns the successes to production, newest first.
fn successes<'a>(batch: &'a DeliveryBatch, choice: &ProductionChoice) -> Vec<(UnixSeconds, &'a DeploymentFact)> {
    let tiers = EnvironmentTiers::new(&batch.environments);
    let is_good = |fact: &&DeploymentFact| fact.course.status == Status::Success && tiers.is_production(fact, choice);
    let dated = |fact: &'a DeploymentFact| Some((fact.finished_at()?, fact));
    let mut found: Vec<_> = batch.deployments.iter().filter(is_good).filter_map(dated).collect();
    found.sort_by_key(|(at, fact)| Reverse((*at, fact.id)));
    found
}

/// Returns the deployments whose merge requests are wanted and were not asked for.
///
/// Of a project with several production environments those of the time before are wanted, too: a merge request counts
/// where it arrived first.
pub(super) fn open_merges(
    batch: &DeliveryBatch,
    wants: &DeliveryWants,
    lookback: UnixSeconds,
) -> Vec<(ProjectId, DeploymentId)> {
    let all = successes(batch, &wants.choice);
    let mut places: HashMap<ProjectId, HashSet<&str>> = HashMap::new();
    for (_, fact) in &all {
        places.entry(fact.project).or_default().insert(&fact.environment_name);
    }
    let (from, to) = wants.merges;
    let is_wanted = |(at, fact): &&(UnixSeconds, &DeploymentFact)| {
        let has_several = places.get(&fact.project).is_some_and(|places| places.len() > 1);
        let from = if has_several { lookback } else { from };
        !fact.has_merges && (from..=to).contains(at)
    };
    all.iter().filter(is_wanted).map(|(_, fact)| (fact.project, fact.id)).collect()
}

/// Returns the environments whose first deployment lies in the time that is counted, and of which it was not asked
/// what lies before.
pub(super) fn open_starts(batch: &DeliveryBatch, wants: &DeliveryWants) -> Vec<OpenStart> {
    let known: HashMap<(ProjectId, &str), UnixSeconds> =
        batch.starts.iter().map(|start| ((start.project, start.environment_name.as_str()), start.first_at)).collect();
    let mut firsts: HashMap<(ProjectId, &str), (UnixSeconds, DeploymentId)> = HashMap::new();
    for (at, fact) in successes(batch, &wants.choice) {
        // Newest first: the last one that is met is the first.
        firsts.insert((fact.project, &fact.environment_name), (at, fact.id));
    }
    firsts.retain(|place, (at, _)| *at >= wants.merges.0 && known.get(place).is_none_or(|known| *known > *at));
    let open = firsts.into_iter().map(|((project, environment), (first_at, first))| OpenStart {
        project,
        environment: environment.to_owned(),
        first,
        first_at,
    });
    let mut open: Vec<OpenStart> = open.collect();
    open.sort_by(|one, other| (one.project, &one.environment).cmp(&(other.project, &other.environment)));
    open
}

/// Returns the merge requests that were deployed in the time that is counted and whose commits were not asked for.
pub(super) fn open_commits(batch: &DeliveryBatch, wants: &DeliveryWants) -> Vec<(ProjectId, u64)> {
    let (from, to) = wants.merges;
    let counted: HashSet<(ProjectId, DeploymentId)> = successes(batch, &wants.choice)
        .into_iter()
        .filter(|(at, _)| (from..=to).contains(at))
        .map(|(_, fact)| (fact.project, fact.id))
        .collect();
    let deployed: HashSet<(ProjectId, u64)> = batch
        .merges
        .iter()
        .filter(|link| counted.contains(&(link.project, link.deployment)))
        .map(|link| (link.project, link.iid))
        .collect();
    let open = batch.merge_requests.iter().filter(|fact| !fact.has_commits);
    open.map(|fact| (fact.project, fact.iid)).filter(|place| deployed.contains(place)).collect()
}
