//! Deployments of a history, with what went wrong after them, and the issues of the project.

use super::calendar::HOUR;
use super::{DeploymentEnd, MergePurpose, PastDeployment, PastEnvironment, PastIssue, PastKind, ProjectHistory};
use crate::rng::Rng;

const MINUTE: i64 = 60_000;
/// A fix that came within this time is charged to the deployment before it (48 h), with some room.
const FIX_WINDOW: i64 = 40 * HOUR;

/// What happens to one deployment to production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeploymentFate {
    Fine,
    Failed,
    Canceled,
    RolledBack,
    Hotfixed,
    Reverted,
    Incident,
}

pub(super) fn deliver(
    history: &mut ProjectHistory,
    rng: &mut Rng,
    count: usize,
    project: u64,
    anchor: i64,
) -> Result<(), String> {
    let green: Vec<usize> = (0..history.len_at(anchor))
        .filter(|at| history.pipelines[*at].kind.brings_commit() && history.pipelines[*at].failure.is_none())
        .collect();
    if count > green.len() {
        return Err(format!(
            "{count} deployments need more than {} green pipelines of the default branch",
            green.len()
        ));
    }
    let production = count - count / 3;
    let fates = fates(rng, production);
    let slots = place(history, &green, &fates);
    for (nth, (pipeline, fate)) in slots.iter().enumerate() {
        let next = slots.get(nth + 1).map(|(next, _)| history.pipelines[*next].created + HOUR);
        deploy(history, rng, *pipeline, *fate, next, anchor);
    }
    fill_up(history, rng, &green, count - history.deployments.len());
    // One of the last is still running.
    if let (true, Some(last)) = (project % 25 == 1, history.deployments.last_mut()) {
        *last = deployment(last.environment, last.pipeline, anchor - 90_000, 210_000);
    }
    history.deployments.sort_by_key(|deployment| deployment.created);
    keep_apart(history);
    link(history);
    report_issues(history, rng, anchor);
    Ok(())
}

/// Adds deployments to staging.
fn fill_up(history: &mut ProjectHistory, rng: &mut Rng, green: &[usize], staging: usize) {
    for nth in 0..staging {
        let pipeline = green[nth * green.len() / staging];
        let started = history.pipelines[pipeline].created + rng.between(48, 58) * MINUTE;
        history.deployments.push(deployment(PastEnvironment::Staging, pipeline, started, 90_000));
    }
}

/// Lets no two be created in one second, which ids count.
fn keep_apart(history: &mut ProjectHistory) {
    for at in 1..history.deployments.len() {
        let before = history.deployments[at - 1].created.div_euclid(1_000);
        let this = &mut history.deployments[at];
        let late = ((before + 1 - this.created.div_euclid(1_000)) * 1_000).max(0);
        (this.created, this.started, this.finished) = (this.created + late, this.started + late, this.finished + late);
    }
}

/// Deals out fates by their usual shares, in an order of their own; the first and the last are fine.
fn fates(rng: &mut Rng, production: usize) -> Vec<DeploymentFate> {
    use DeploymentFate::{Canceled, Failed, Fine, Hotfixed, Incident, Reverted, RolledBack};
    let mut share = |percent: usize| (production * percent + usize::try_from(rng.next() % 100).unwrap_or(0)) / 100;
    let shares = [(RolledBack, 8), (Failed, 9), (Canceled, 4), (Hotfixed, 8), (Reverted, 5), (Incident, 8)]
        .map(|(f, p)| (f, share(p)));
    // A rollback is a deployment, too.
    let slots = production - shares[0].1.min(production / 2);
    let mut fates = vec![Fine; slots];
    let mut free: Vec<usize> = (1..slots.saturating_sub(1)).collect();
    for fate in shares.iter().flat_map(|(fate, count)| std::iter::repeat_n(*fate, *count)) {
        if free.is_empty() {
            break;
        }
        let pick = free.swap_remove(usize::try_from(rng.next()).unwrap_or(0) % free.len());
        fates[pick] = fate;
    }
    for at in 1..fates.len() {
        // The second of two would look broken already.
        if fates[at] == Failed && fates[at - 1] == Failed {
            fates[at] = Fine;
        }
    }
    fates
}

/// Chooses the pipeline of each deployment; a fix comes with the next merge.
fn place(history: &ProjectHistory, green: &[usize], fates: &[DeploymentFate]) -> Vec<(usize, DeploymentFate)> {
    let mut places: Vec<usize> = (0..fates.len()).map(|nth| nth * green.len() / fates.len()).collect();
    let mut fates = fates.to_vec();
    for nth in 0..fates.len() {
        if !matches!(fates[nth], DeploymentFate::Hotfixed | DeploymentFate::Reverted) {
            continue;
        }
        let pipeline = |place: usize| &history.pipelines[green[place]];
        let start = pipeline(places[nth]).created;
        let end = places.get(nth + 1).copied().unwrap_or(green.len());
        let fix = (places[nth] + 1..=end).find(|place| {
            green.get(*place).is_some()
                && matches!(pipeline(*place).kind, PastKind::Merge(_))
                && pipeline(*place).created < start + FIX_WINDOW
        });
        let follows = fates.get(nth + 1) == Some(&DeploymentFate::Fine);
        match fix.filter(|_| follows) {
            Some(place) => places[nth + 1] = place,
            None => fates[nth] = DeploymentFate::Fine,
        }
    }
    places.into_iter().map(|place| green[place]).zip(fates).collect()
}

fn deployment(environment: PastEnvironment, pipeline: usize, started: i64, ms: i64) -> PastDeployment {
    PastDeployment {
        environment,
        pipeline,
        created: started - 1_000,
        started,
        finished: started + ms,
        end: DeploymentEnd::Success,
        rollback: false,
        reasons: Vec::new(),
        brings: Vec::new(),
    }
}

/// Adds a deployment to production and what follows from its fate before the `next` one.
fn deploy(
    history: &mut ProjectHistory,
    rng: &mut Rng,
    pipeline: usize,
    fate: DeploymentFate,
    next: Option<i64>,
    anchor: i64,
) {
    let started = history.pipelines[pipeline].created + rng.between(60, 65) * MINUTE;
    let mut this = deployment(PastEnvironment::Production, pipeline, started, rng.between(80_000, 200_000));
    let before = history.deployments.iter().rev().find(|old| old.end == DeploymentEnd::Success && !old.rollback);
    let before = before.map(|old| old.pipeline);
    let latest = next.unwrap_or(anchor);
    match fate {
        DeploymentFate::Failed => this.end = DeploymentEnd::Failed,
        DeploymentFate::Canceled => this.end = DeploymentEnd::Canceled,
        DeploymentFate::Hotfixed => this.reasons.push("hotfix"),
        DeploymentFate::Reverted => this.reasons.push("revert"),
        DeploymentFate::Incident => this.reasons.extend(report_incident(history, rng, this.finished, latest, anchor)),
        DeploymentFate::Fine | DeploymentFate::RolledBack => {}
    }
    let back = this.finished + rng.between(15, 55) * MINUTE;
    let rollback = before.filter(|_| fate == DeploymentFate::RolledBack && back + 5 * MINUTE < latest);
    if rollback.is_some() {
        this.reasons.push("rollback");
    }
    history.deployments.push(this);
    if let Some(target) = rollback {
        let again = deployment(PastEnvironment::Production, target, back, rng.between(60_000, 120_000));
        history.deployments.push(PastDeployment { rollback: true, ..again });
    }
}

/// Adds an incident soon after a deployment, if that is before the next one.
fn report_incident(
    history: &mut ProjectHistory,
    rng: &mut Rng,
    deployed: i64,
    latest: i64,
    anchor: i64,
) -> Option<&'static str> {
    let created = deployed + rng.between(5, 40) * MINUTE;
    let closed = created + rng.between(1, 9) * HOUR;
    let closed = (!rng.next().is_multiple_of(5) && closed < anchor).then_some(closed);
    if created >= latest {
        return None;
    }
    history.issues.push(PastIssue { created, closed, incident: true });
    Some("incident")
}

/// Links each merge request to the first successful deployment of each environment that has its commit, and makes those
/// that were deployed next after a bad one its fix.
fn link(history: &mut ProjectHistory) {
    for environment in PastEnvironment::ALL {
        let mut deployed = 0;
        let mut fixes: Option<&'static str> = None;
        let mut newest_before: Option<usize> = None;
        for at in 0..history.deployments.len() {
            let this = &history.deployments[at];
            if this.environment != environment || this.end != DeploymentEnd::Success {
                continue;
            }
            let commit = history.pipelines[this.pipeline].commit;
            let brings = history.merged_between(deployed, commit);
            let head = match history.pipelines[this.pipeline].kind {
                PastKind::Merge(request) => Some(request),
                _ => None,
            };
            if let (Some(fix), Some(head)) = (fixes, head) {
                let revert = MergePurpose::Revert(newest_before.unwrap_or(0));
                history.merge_requests[head].purpose = if fix == "hotfix" { MergePurpose::Hotfix } else { revert };
            }
            fixes =
                history.deployments[at].reasons.iter().copied().find(|reason| matches!(*reason, "hotfix" | "revert"));
            newest_before = brings.last().copied().or(newest_before);
            history.deployments[at].brings = brings;
            deployed = deployed.max(commit);
        }
    }
}

/// Adds a few issues that are no incidents.
fn report_issues(history: &mut ProjectHistory, rng: &mut Rng, anchor: i64) {
    for _ in 0..3 {
        let created = history.from + rng.between(0, (anchor - history.from).max(1));
        let closed = created + rng.between(1, 200) * HOUR;
        history.issues.push(PastIssue { created, closed: (closed < anchor).then_some(closed), incident: false });
    }
    history.issues.sort_by_key(|issue| issue.created);
}
