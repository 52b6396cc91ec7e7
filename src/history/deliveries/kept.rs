//! What the memory has of deliveries: read and written here.

use super::super::delivery_rows::{self, KnownDeliveries};
use super::super::filled::FilledSpan;
use super::super::store::{HistoryError, HistoryStore};
use super::{OVERLAP, WEEK};
use crate::domain::delivery::{DeliveryBatch, MergeRequestFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::id::{DeploymentId, GroupRef, ProjectId};

/// Says whether a project is asked for its deployments.
pub(super) fn is_due(known: &KnownDeliveries, since: UnixSeconds, now: UnixSeconds) -> bool {
    match known.whole.filter(|whole| whole.since <= since) {
        None => true,
        Some(_) if known.has_apart => true,
        Some(whole) => {
            let is_changed = known.changed_at.is_some_and(|changed| changed > whole.until.saturating_sub(OVERLAP));
            is_changed || known.is_old(now)
        }
    }
}

impl KnownDeliveries {
    /// Says whether they were asked for so long ago that they are asked for again, whatever else is known.
    pub(super) fn is_old(&self, now: UnixSeconds) -> bool {
        let listed = self.listed_at.or(self.whole.map(|whole| whole.until));
        listed.is_some_and(|listed| listed < now.saturating_sub(WEEK))
    }
}

impl HistoryStore {
    pub(super) fn known_incidents(&self, group: &GroupRef) -> Result<Option<FilledSpan>, HistoryError> {
        self.ask(|connection| delivery_rows::known_incidents(connection, &group.to_string()))
    }

    pub(crate) fn known_deliveries_span(&self, project: ProjectId) -> Result<Option<FilledSpan>, HistoryError> {
        Ok(self.known_deliveries(project)?.whole)
    }

    pub(super) fn known_deliveries(&self, project: ProjectId) -> Result<KnownDeliveries, HistoryError> {
        self.ask(|connection| delivery_rows::known(connection, project))
    }

    pub(super) fn write_quiet_deliveries(
        &mut self,
        project: ProjectId,
        until: UnixSeconds,
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| delivery_rows::write_quiet(transaction, project, until))
    }

    pub(super) fn write_first_commit(
        &mut self,
        project: ProjectId,
        iid: u64,
        at: Option<UnixSeconds>,
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| delivery_rows::write_first_commit(transaction, (project, iid), at))
    }

    pub(super) fn lacks_environments(&self, project: ProjectId, seen_at: UnixSeconds) -> Result<bool, HistoryError> {
        self.ask(|connection| delivery_rows::lacks_environments(connection, project, seen_at))
    }

    /// Returns how far the merge requests into the default branch of a project were read.
    pub(crate) fn known_merged(&self, project: ProjectId) -> Result<Option<FilledSpan>, HistoryError> {
        self.ask(|connection| delivery_rows::known_merged(connection, project))
    }

    pub(super) fn write_merged(
        &mut self,
        project: ProjectId,
        batch: &DeliveryBatch,
        known: FilledSpan,
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| {
            delivery_rows::write_batch(transaction, batch)?;
            delivery_rows::write_known_merged(transaction, project, known)
        })
    }

    /// Writes facts about deliveries.
    pub(crate) fn write_deliveries(&mut self, batch: &DeliveryBatch) -> Result<(), HistoryError> {
        self.transaction(|transaction| delivery_rows::write_batch(transaction, batch))
    }

    pub(super) fn write_deployments(
        &mut self,
        project: ProjectId,
        batch: &DeliveryBatch,
        known: FilledSpan,
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| {
            delivery_rows::write_batch(transaction, batch)?;
            delivery_rows::write_known(transaction, project, known)
        })
    }

    pub(super) fn write_incidents(
        &mut self,
        group: &GroupRef,
        batch: &DeliveryBatch,
        known: FilledSpan,
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| {
            delivery_rows::write_batch(transaction, batch)?;
            delivery_rows::write_known_incidents(transaction, &group.to_string(), known)
        })
    }

    pub(super) fn write_merges(
        &mut self,
        deployment: (ProjectId, DeploymentId),
        requests: &[MergeRequestFact],
    ) -> Result<(), HistoryError> {
        self.transaction(|transaction| delivery_rows::write_merges(transaction, deployment, requests))
    }

    /// Returns all facts about deliveries, by project and number.
    pub(crate) fn deliveries(&self) -> Result<DeliveryBatch, HistoryError> {
        self.ask(delivery_rows::all)
    }
}
