//! What is asked about deliveries, one request at a time, and where a list goes on.

use super::super::filled::FilledSpan;
use super::OVERLAP;
use super::plan::OpenStart;
use crate::domain::delivery::{DeploymentFact, EnvironmentFact, IncidentFact, MergeRequestFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{DeploymentId, GroupRef, ProjectId};
use crate::domain::project::Project;
use crate::gitlab::client::{ChangedPage, Client};
use crate::gitlab::error::Error;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// One thing to ask.
#[derive(Debug, Clone)]
pub(super) enum DeliveryTask {
    Deployments(usize, ChangedList),
    Environments(usize),
    Merges(usize, DeploymentId),
    Incidents(GroupRef, ChangedList),
    Start(usize, OpenStart),
    Commits(usize, u64),
    /// Merge requests into the default branch.
    Merged(usize, ChangedList),
}

/// Where a list of what changed goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChangedList {
    /// What is known once it is read to its end.
    pub whole: FilledSpan,
    pub after: DateTime<Utc>,
    pub page: u32,
}

#[derive(Debug)]
pub(super) enum DeliveryAnswer {
    Deployments(ChangedPage<DeploymentFact>),
    Environments(Vec<EnvironmentFact>),
    Merges(Vec<MergeRequestFact>),
    Incidents(ChangedPage<IncidentFact>),
    Start(Option<Box<DeploymentFact>>),
    Commits(Option<UnixSeconds>),
    Merged(ChangedPage<MergeRequestFact>),
}

impl DeliveryTask {
    pub(super) fn project(&self) -> Option<usize> {
        match self {
            Self::Deployments(at, _)
            | Self::Environments(at)
            | Self::Merges(at, _)
            | Self::Start(at, _)
            | Self::Commits(at, _)
            | Self::Merged(at, _) => Some(*at),
            Self::Incidents(..) => None,
        }
    }
}

impl ChangedList {
    pub(super) fn new(known: Option<FilledSpan>, since: UnixSeconds, until: UnixSeconds) -> Self {
        let (since, after) = match known.filter(|known| known.since <= since) {
            // A clock that was set back makes nothing unread.
            Some(known) => (known.since, known.until.min(until).saturating_sub(OVERLAP)),
            None => (since, since),
        };
        let after = DateTime::from_timestamp(after, 0).unwrap_or(DateTime::UNIX_EPOCH);
        Self { whole: FilledSpan { since, until }, after, page: 1 }
    }

    /// Returns what is known with a page of it, and where the next one begins; fails where that would be this one again.
    pub(super) fn next<F>(self, page: &ChangedPage<F>) -> Result<(FilledSpan, Option<Self>), ()> {
        if !page.has_next {
            return Ok((self.whole, None));
        }
        let last = page.last_change.ok_or(())?;
        let next = match last > self.after {
            true => Self { after: last, page: 1, ..self },
            // All of one moment, and more than a page of them.
            false => Self { page: self.page.checked_add(1).filter(|page| *page < MOST_PAGES).ok_or(())?, ..self },
        };
        Ok((FilledSpan { until: last.timestamp().min(self.whole.until), ..self.whole }, Some(next)))
    }
}

/// Pages of what changed in one moment: more are a list that repeats itself.
const MOST_PAGES: u32 = 100;

pub(super) fn list_repeats() -> Failure {
    Failure::new(FailureKind::ListRepeats, "the pages of the list repeat themselves")
}

/// Asks one thing, and hands it back with the answer.
pub(super) async fn ask(
    client: &Client,
    task: DeliveryTask,
    project: Option<Arc<Project>>,
) -> (DeliveryTask, Result<DeliveryAnswer, Error>) {
    let branch = project.as_ref().and_then(|project| project.default_branch.as_deref()).unwrap_or_default();
    let project = project.as_ref().map_or(ProjectId(0), |project| project.id);
    let answer = match &task {
        DeliveryTask::Deployments(_, list) => {
            client.changed_deployments(project, (list.after, list.page)).await.map(DeliveryAnswer::Deployments)
        }
        DeliveryTask::Environments(_) => client.environments(project).await.map(DeliveryAnswer::Environments),
        DeliveryTask::Merges(_, deployment) => {
            client.deployed_merge_requests(project, *deployment).await.map(DeliveryAnswer::Merges)
        }
        DeliveryTask::Incidents(group, list) => {
            client.changed_incidents(group, (list.after, list.page)).await.map(DeliveryAnswer::Incidents)
        }
        DeliveryTask::Start(_, start) => {
            let first_at = DateTime::from_timestamp(start.first_at, 0).unwrap_or(DateTime::UNIX_EPOCH);
            let known = (start.first, first_at);
            let before = client.deployment_before(project, &start.environment, known).await;
            before.map(|before| DeliveryAnswer::Start(before.map(Box::new)))
        }
        DeliveryTask::Merged(_, list) => {
            client.merged_requests(project, branch, (list.after, list.page)).await.map(DeliveryAnswer::Merged)
        }
        DeliveryTask::Commits(_, iid) => client.first_commit(project, *iid).await.map(DeliveryAnswer::Commits),
    };
    (task, answer)
}
