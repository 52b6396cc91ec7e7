//! Merge requests of projects in which pipelines of the default branch take the place of deployments: GitLab links none to
//! a pipeline, so that all which were merged into that branch are read.
//!
//! A merge request matters once a pipeline ran after it. A project is therefore asked once, and later only where one of its
//! pipelines has changed since.

use super::super::backfill::{FillError, FillPart};
use super::super::store::{HistoryError, HistoryStore};
use super::task::{ChangedList, DeliveryTask, list_repeats};
use super::{DeliveryFill, DeliveryOptions, DeliveryProgress, DeliverySummary, OVERLAP};
use crate::domain::delivery::{DeliveryBatch, MergeRequestFact};
use crate::domain::id::ProjectId;
use crate::gitlab::client::{ChangedPage, Client};
use std::collections::HashSet;

/// Reads what was merged into the default branches of these projects, whose pipelines were just read.
pub(crate) async fn fill_merged(
    client: &Client,
    store: &mut HistoryStore,
    options: DeliveryOptions,
    is_live: &dyn Fn() -> bool,
    progress: &dyn Fn(DeliveryProgress),
) -> Result<DeliverySummary, FillError> {
    let mut work = DeliveryFill::new(client, store, options, FillPart::MergeRequests);
    work.plan_merged()?;
    work.run(is_live, progress).await?;
    Ok(work.end()?)
}

/// Reads the first commits of these merge requests.
pub(crate) async fn fill_commits(
    client: &Client,
    store: &mut HistoryStore,
    (options, wanted): (DeliveryOptions, &HashSet<(ProjectId, u64)>),
    is_live: &dyn Fn() -> bool,
    progress: &dyn Fn(DeliveryProgress),
) -> Result<DeliverySummary, FillError> {
    let mut work = DeliveryFill::new(client, store, options, FillPart::MergeRequests);
    let open = work.store.deliveries()?.merge_requests;
    for fact in open.iter().filter(|fact| !fact.has_commits && wanted.contains(&(fact.project, fact.iid))) {
        let at = work.options.projects.iter().position(|project| project.id == fact.project);
        at.into_iter().for_each(|at| work.add(DeliveryTask::Commits(at, fact.iid)));
    }
    work.run(is_live, progress).await?;
    Ok(work.end()?)
}

impl DeliveryFill<'_> {
    fn plan_merged(&mut self) -> Result<(), HistoryError> {
        let since = self.options.since;
        for (at, project) in self.options.projects.clone().iter().enumerate() {
            let known = self.store.known_merged(project.id)?;
            let changed = self.store.known_deliveries(project.id)?.changed_at;
            let is_due = known
                .filter(|known| known.since <= since)
                .is_none_or(|known| changed.is_some_and(|changed| changed > known.until.saturating_sub(OVERLAP)));
            if is_due && project.default_branch.is_some() {
                self.add(DeliveryTask::Merged(at, ChangedList::new(known, since, self.until)));
            }
        }
        Ok(())
    }

    /// Takes a page of what was merged into a project's default branch.
    pub(super) fn merged(
        &mut self,
        at: usize,
        list: ChangedList,
        page: ChangedPage<MergeRequestFact>,
    ) -> Result<(), HistoryError> {
        let project = self.options.projects[at].id;
        let count = page.facts.len() as u64;
        let Ok((known, next)) = list.next(&page) else {
            self.lost(&DeliveryTask::Merged(at, list), list_repeats(), false);
            return Ok(());
        };
        let batch = DeliveryBatch { merge_requests: page.facts, ..DeliveryBatch::default() };
        self.store.write_merged(project, &batch, known)?;
        self.summary.merge_requests += count;
        next.into_iter().for_each(|next| self.add(DeliveryTask::Merged(at, next)));
        Ok(())
    }
}
