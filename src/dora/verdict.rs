//! The verdict on each deployment, merge request and failed attempt of one project, over all that is known.

use super::known::{
    BroughtMerge, DoraBasis, DoraRules, JUDGED_AFTER, ProductionEvent, ProductionIncident, ProjectDeliveries,
};
use super::merging::{MergedDeployment, in_order, merge};
use crate::domain::fact::UnixSeconds;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Why a deployment failed, in the order in which reasons are listed, with what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureProof {
    /// The next deployment brought back the commit of an earlier one.
    Rollback {
        by: u64,
        target: u64,
    },
    /// The next deployment brought a merge request that reverts something.
    Revert {
        by: u64,
        merge: u64,
    },
    Hotfix {
        by: u64,
        merge: u64,
    },
    Incident {
        iid: u64,
        created_at: UnixSeconds,
        closed_at: Option<UnixSeconds>,
    },
}

impl FailureProof {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Rollback { .. } => "rollback",
            Self::Revert { .. } => "revert",
            Self::Hotfix { .. } => "hotfix",
            Self::Incident { .. } => "incident",
        }
    }
}

/// Why a deployment was not planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReworkCause {
    /// It brought back what was deployed before.
    RollsBack {
        failed: u64,
    },
    BringsRevert {
        merge: u64,
    },
    BringsHotfix {
        merge: u64,
    },
}

/// How long a merge request took from its merge to production, or why that is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeadTime {
    Seconds(i64),
    Baseline,
    Negative,
    MissingMergedAt,
}

/// A merge request at its first deployment to production.
#[derive(Debug, Clone)]
pub(crate) struct MergeLead {
    pub merge: Arc<BroughtMerge>,
    pub from_merge: LeadTime,
    /// From its first commit, where that is known and the time can be.
    pub from_first_commit: Option<i64>,
}

/// A deployment and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct JudgedDeployment {
    pub id: u64,
    pub place: Arc<str>,
    pub finished_at: UnixSeconds,
    pub pipeline: Option<u64>,
    pub job: Option<u64>,
    pub sha: Option<Arc<str>>,
    pub is_baseline: bool,
    /// Merge requests that reached production first with it.
    pub leads: Vec<MergeLead>,
    /// Merge requests that GitLab links to it.
    pub merges: usize,
    /// None: it did not fail, or not yet.
    pub proofs: Vec<FailureProof>,
    /// When the first remedy came, for one that failed.
    pub remedy_at: Option<UnixSeconds>,
    /// It did not fail, and is too young to be called good.
    pub is_pending: bool,
    pub rework: Option<ReworkCause>,
}

/// A deployment that never reached production.
#[derive(Debug, Clone)]
pub(crate) struct DeploymentAttempt {
    pub id: u64,
    pub place: Arc<str>,
    pub finished_at: UnixSeconds,
    pub pipeline: Option<u64>,
    pub job: Option<u64>,
    /// For the first of a streak: when the environment's next deployment finished, if one did.
    pub streak: Option<Option<UnixSeconds>>,
}

/// Everything that is to be said of one project.
#[derive(Debug, Clone)]
pub(crate) struct ProjectVerdicts {
    pub basis: DoraBasis,
    /// In the order in which they finished.
    pub deployments: Vec<JudgedDeployment>,
    /// When each success finished, those of one pipeline not merged.
    pub successes: Vec<UnixSeconds>,
    pub attempts: Vec<DeploymentAttempt>,
    pub incidents: Vec<ProductionIncident>,
}

/// Judges all that is known of a project at a time.
pub(crate) fn judge(known: &ProjectDeliveries, rules: DoraRules) -> ProjectVerdicts {
    let is_known = |event: &&ProductionEvent| event.finished_at <= rules.now;
    let of = |events: &[ProductionEvent]| -> Vec<ProductionEvent> { events.iter().filter(is_known).cloned().collect() };
    let (deployed, piped) = (of(&known.deployments), of(&known.pipelines));
    let (basis, events) = match (deployed.is_empty(), piped.is_empty()) {
        (true, false) => (DoraBasis::Pipelines, piped),
        (_, _) => (DoraBasis::Deployments, deployed),
    };
    let (good, failed): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.is_success);
    let successes = good.iter().map(|event| event.finished_at).collect();
    let window = (basis == DoraBasis::Deployments).then_some(rules.hotfix_window);
    let deployments = merge(good, window, &known.begun_before);
    let incidents = incidents(known, rules.now);
    let attempts = attempts(failed, &deployments);
    ProjectVerdicts { basis, deployments: judged(deployments, &incidents, rules), successes, attempts, incidents }
}

/// Returns the incidents that are known at a time; one that was closed later is open.
fn incidents(known: &ProjectDeliveries, now: UnixSeconds) -> Vec<ProductionIncident> {
    let exists = known.incidents.iter().filter(|incident| incident.created_at <= now);
    let seen = exists.map(|incident| ProductionIncident {
        closed_at: incident.closed_at.filter(|closed| *closed <= now),
        ..incident.clone()
    });
    let mut seen: Vec<ProductionIncident> = seen.collect();
    seen.sort_by_key(|incident| (incident.created_at, incident.iid));
    seen
}

/// Finds the streaks of failed attempts: what fails at a place without a deployment between.
fn attempts(failed: Vec<ProductionEvent>, deployments: &[MergedDeployment]) -> Vec<DeploymentAttempt> {
    let mut places: HashMap<&Arc<str>, Vec<(UnixSeconds, u64)>> = HashMap::new();
    for deployment in deployments {
        places.entry(&deployment.last.place).or_default().push(deployment.order());
    }
    // The deployment that ends the streak which is open at a place: a failure with the same one belongs to it.
    let mut open: HashMap<Arc<str>, Option<(UnixSeconds, u64)>> = HashMap::new();
    let mut found = Vec::with_capacity(failed.len());
    for event in in_order(failed) {
        let of_place = places.get(&event.place).map_or(&[][..], Vec::as_slice);
        let at = of_place.partition_point(|order| *order < (event.finished_at, event.id));
        let next = of_place.get(at).copied();
        let before = open.insert(Arc::clone(&event.place), next);
        let begins = before != Some(next);
        found.push(DeploymentAttempt {
            id: event.id,
            place: event.place,
            finished_at: event.finished_at,
            pipeline: event.pipeline,
            job: event.job,
            streak: begins.then(|| next.map(|(at, _)| at)),
        });
    }
    found
}

/// What an environment has seen so far, and what its newest deployment is.
#[derive(Default)]
struct PlaceState {
    newest: Option<usize>,
    /// Each commit that was deployed, with the newest deployment of it.
    shas: HashMap<Arc<str>, u64>,
    merges: HashSet<u64>,
}

fn judged(
    deployments: Vec<MergedDeployment>,
    incidents: &[ProductionIncident],
    rules: DoraRules,
) -> Vec<JudgedDeployment> {
    let mut judged: Vec<JudgedDeployment> = Vec::with_capacity(deployments.len());
    let mut places: HashMap<Arc<str>, PlaceState> = HashMap::new();
    let mut deployed: HashSet<u64> = HashSet::new();
    for deployment in &deployments {
        let place = places.entry(Arc::clone(&deployment.last.place)).or_default();
        let brought: Vec<&BroughtMerge> =
            deployment.merges.iter().filter(|merge| place.merges.insert(merge.iid)).map(AsRef::as_ref).collect();
        let mut this = JudgedDeployment::new(deployment, &mut deployed);
        let before = place.newest.and_then(|at| judged.get_mut(at));
        this.rework = charge(before, deployment, &brought, place, rules.hotfix_window);
        if let Some(sha) = &deployment.last.sha {
            place.shas.insert(Arc::clone(sha), deployment.last.id);
        }
        place.newest = Some(judged.len());
        judged.push(this);
    }
    own_incidents(&mut judged, incidents);
    for this in &mut judged {
        this.is_pending = this.proofs.is_empty() && rules.now.saturating_sub(this.finished_at) < JUDGED_AFTER;
    }
    judged
}

/// Charges each incident to the last deployment of the project before it.
fn own_incidents(judged: &mut [JudgedDeployment], incidents: &[ProductionIncident]) {
    for incident in incidents {
        let owner = judged.partition_point(|deployment| deployment.finished_at <= incident.created_at);
        let Some(owner) = owner.checked_sub(1).and_then(|at| judged.get_mut(at)) else { continue };
        let ProductionIncident { iid, created_at, closed_at, .. } = *incident;
        owner.proofs.push(FailureProof::Incident { iid, created_at, closed_at });
        owner.remedied(closed_at);
    }
}

/// Charges what a deployment undoes or mends to the one before it, and says why it was not planned itself.
fn charge(
    before: Option<&mut JudgedDeployment>,
    this: &MergedDeployment,
    brought: &[&BroughtMerge],
    place: &PlaceState,
    window: i64,
) -> Option<ReworkCause> {
    let mut cause = None;
    let revert = brought.iter().find(|merge| merge.fix.is_revert).map(|merge| merge.iid);
    let hotfix = brought.iter().find(|merge| merge.fix.is_hotfix).map(|merge| merge.iid);
    if let Some(before) = before {
        let by = this.last.id;
        let sha = this.last.sha.as_ref().filter(|sha| before.sha.as_ref() != Some(sha));
        let target = sha.and_then(|sha| place.shas.get(sha).copied());
        if let Some(target) = target {
            before.proofs.push(FailureProof::Rollback { by, target });
            cause = Some(ReworkCause::RollsBack { failed: before.id });
        }
        if this.last.finished_at.saturating_sub(before.finished_at) <= window {
            before.proofs.extend(revert.map(|merge| FailureProof::Revert { by, merge }));
            before.proofs.extend(hotfix.map(|merge| FailureProof::Hotfix { by, merge }));
        }
        if !before.proofs.is_empty() {
            before.remedied(Some(this.last.finished_at));
        }
    }
    let revert = revert.map(|merge| ReworkCause::BringsRevert { merge });
    let hotfix = hotfix.map(|merge| ReworkCause::BringsHotfix { merge });
    cause.or(revert).or(hotfix)
}

impl JudgedDeployment {
    fn new(of: &MergedDeployment, deployed: &mut HashSet<u64>) -> Self {
        let first = of.merges.iter().filter(|merge| deployed.insert(merge.iid));
        Self {
            id: of.last.id,
            place: Arc::clone(&of.last.place),
            finished_at: of.last.finished_at,
            pipeline: of.last.pipeline,
            job: of.last.job,
            sha: of.last.sha.clone(),
            is_baseline: of.is_baseline,
            leads: first.map(|merge| MergeLead::new(merge, of)).collect(),
            merges: of.merges.len(),
            proofs: Vec::new(),
            remedy_at: None,
            is_pending: false,
            rework: None,
        }
    }

    /// Notes a remedy. What is older than the deployment mends nothing.
    fn remedied(&mut self, at: Option<UnixSeconds>) {
        let at = at.filter(|at| *at >= self.finished_at);
        self.remedy_at = match (self.remedy_at, at) {
            (Some(known), Some(at)) => Some(known.min(at)),
            (known, at) => known.or(at),
        };
    }

    /// Returns how long it took to mend, for one that failed and was.
    pub(crate) fn recovery(&self) -> Option<i64> {
        self.remedy_at.map(|at| at.saturating_sub(self.finished_at))
    }

    /// Returns the words for why it failed, each once.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = self.proofs.iter().map(FailureProof::word).collect();
        words.dedup();
        words
    }
}

impl MergeLead {
    fn new(merge: &Arc<BroughtMerge>, deployment: &MergedDeployment) -> Self {
        let finished = deployment.last.finished_at;
        let from_merge = match merge.merged_at {
            _ if deployment.is_baseline => LeadTime::Baseline,
            None => LeadTime::MissingMergedAt,
            Some(merged) if merged > finished => LeadTime::Negative,
            Some(merged) => LeadTime::Seconds(finished.saturating_sub(merged)),
        };
        let committed = merge.first_commit_at.filter(|at| *at <= finished && !deployment.is_baseline);
        Self {
            merge: Arc::clone(merge),
            from_merge,
            from_first_commit: committed.map(|at| finished.saturating_sub(at)),
        }
    }
}
