//! Which projects' numbers rest on little, why, and what helps.

use super::known::DoraBasis;
use super::study::StudiedProject;
use super::verdict::JudgedDeployment;
use crate::domain::window::TimeWindow;

/// Why the numbers of a project cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TrustProblem {
    NotRead,
    /// It deploys, and to no environment that has a tier.
    NoTier,
    /// It deploys, and not to production.
    NoProduction,
    NoDeployments,
    /// Of so many deployments none brought a merge request.
    WithoutMerges(usize),
    /// Of so many deployments the commit is not known.
    WithoutSha(usize),
    /// So many environments were deployed to for the first time in the window.
    BaselineInside(usize),
    NoIncidents,
    /// So many incidents, none of which was ever closed.
    NeverClosed(usize),
    /// Of so many deployments it was not read what they brought.
    MergesUnread(usize),
}

impl TrustProblem {
    pub(crate) fn words(self) -> (String, &'static str) {
        match self {
            Self::NotRead => ("its deployments could not be read".into(), "see the problems that -o json lists"),
            Self::NoTier => (
                "none of its environments has a tier".into(),
                "set environment:deployment_tier in .gitlab-ci.yml, or name them with --environment",
            ),
            Self::NoProduction => (
                "it deploys, and not to production".into(),
                "set environment:deployment_tier: production in .gitlab-ci.yml, or use --tier or --environment",
            ),
            Self::NoDeployments => {
                ("it has no deployments: pipelines take their place".into(), "give the job that deploys an environment")
            }
            Self::WithoutMerges(count) => (
                format!("none of {count} deployments brought a merge request"),
                "work in merge requests; deployments through the API need the sha of the merged commit",
            ),
            Self::WithoutSha(count) => {
                (format!("the commit of {count} deployments is not known"), "no rollback can be seen without it")
            }
            Self::BaselineInside(count) => (
                format!("the first deployment of {count} environments lies in the window"),
                "its merge requests have no lead time; look at a later window",
            ),
            Self::NoIncidents => (
                "no incident is known".into(),
                "without incidents in GitLab, failures are only those that a rollback, revert or hotfix shows",
            ),
            Self::NeverClosed(count) => {
                (format!("none of {count} incidents was ever closed"), "close them: recovery counts until then")
            }
            Self::MergesUnread(count) => {
                (format!("it was not read what {count} deployments brought"), "run it again; a stopped run goes on")
            }
        }
    }
}

/// Returns what speaks against the numbers of a project in a window.
pub(crate) fn problems(of: &StudiedProject, window: TimeWindow) -> Vec<TrustProblem> {
    if !of.is_read {
        return vec![TrustProblem::NotRead];
    }
    let mut found = Vec::new();
    let verdicts = &of.verdicts;
    let is_known = !verdicts.deployments.is_empty() || !verdicts.attempts.is_empty();
    if verdicts.basis == DoraBasis::Pipelines || !is_known {
        found.push(match of.notes {
            notes if notes.environments > 0 && notes.with_tier == 0 => TrustProblem::NoTier,
            notes if notes.environments > 0 => TrustProblem::NoProduction,
            _ => TrustProblem::NoDeployments,
        });
        return found;
    }
    let inside = verdicts.deployments.iter().filter(|one| window.contains(one.finished_at));
    let inside: Vec<&JudgedDeployment> = inside.collect();
    let count = |is: &dyn Fn(&JudgedDeployment) -> bool| inside.iter().filter(|one| is(one)).count();
    let unread = of.unread.iter().filter(|at| window.contains(**at)).count();
    let some = |count: usize, problem: fn(usize) -> TrustProblem| (count > 0).then(|| problem(count));
    if unread == 0 && count(&|one| one.merges > 0) == 0 {
        found.extend(some(inside.len(), TrustProblem::WithoutMerges));
    }
    found.extend(some(count(&|one| one.sha.is_none()), TrustProblem::WithoutSha));
    found.extend(some(count(&|one| one.is_baseline), TrustProblem::BaselineInside));
    match verdicts.incidents.as_slice() {
        [] => found.push(TrustProblem::NoIncidents),
        incidents if incidents.iter().all(|one| one.closed_at.is_none()) => {
            found.push(TrustProblem::NeverClosed(incidents.len()));
        }
        _ => {}
    }
    found.extend(some(unread, TrustProblem::MergesUnread));
    found
}
