//! Reads a hub again and again: what has not changed is not sent again, and what is too old says so.
//!
//! A hub tells how old its data is when it answers. From then on the time is measured here, by a clock that nothing sets:
//! the data of a hub that stops never stays young.

use super::client::{HubAnswer, HubClient};
use super::error::HubError;
use super::scope::{GroupNotShown, HubScope};
use crate::collect::run::ReadingReply;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::text::age::in_one_unit;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A hub may read GitLab seldom, and say so; no data counts as fresh for longer than this by the hub's word alone.
const LONGEST_FRESH: Duration = Duration::from_secs(15 * 60);

/// Why a hub shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum HubReadError {
    #[error(transparent)]
    Failed(#[from] HubError),
    #[error(transparent)]
    NoGroup(#[from] GroupNotShown),
}

/// What is expected of a hub.
#[derive(Debug, Clone)]
pub struct HubExpectations {
    pub scope: HubScope,
    /// Data that is older than this is old, unless the hub says that it reads that seldom.
    pub fresh_for: Duration,
    /// What one reading may take.
    pub max_time: Duration,
}

/// What was read last.
#[derive(Debug)]
struct KnownData {
    tag: Option<HeaderValue>,
    snapshot: Snapshot,
    fresh_for: Duration,
    /// GitLab's clock when it was read, and when that was.
    clock: (DateTime<Utc>, Instant),
}

/// One hub, and what is known of it.
#[derive(Debug)]
pub struct HubReader {
    client: Arc<HubClient>,
    rules: HubExpectations,
    known: Option<KnownData>,
}

impl HubReader {
    pub fn new(client: Arc<HubClient>, rules: HubExpectations) -> Self {
        Self { client, rules, known: None }
    }

    pub fn client(&self) -> &HubClient {
        &self.client
    }

    pub(super) fn shared_client(&self) -> Arc<HubClient> {
        Arc::clone(&self.client)
    }

    /// Returns the time by GitLab's clock, as far as the hub has told it.
    pub fn now(&self) -> Option<DateTime<Utc>> {
        self.known.as_ref().map(|known| after(known.clock))
    }

    /// Reads what the hub knows by now.
    pub async fn read(&mut self) -> Result<ReadingReply, HubReadError> {
        let tag = self.known.as_ref().and_then(|known| known.tag.as_ref());
        let answer = self.client.snapshot(tag, Instant::now() + self.rules.max_time).await?;
        self.learn(answer);
        let Some(known) = &self.known else {
            unreachable!("a first answer has a snapshot: nothing is known that it could leave out")
        };
        let now = after(known.clock);
        let snapshot = Snapshot { taken_at: now, ..known.snapshot.clone() };
        let aged = aged(snapshot, known.fresh_for, self.client.home());
        Ok(self.rules.scope.apply(aged)?)
    }

    /// Takes over an answer. The same data does not get younger, and GitLab's clock does not go back for it.
    fn learn(&mut self, HubAnswer { snapshot, tag, age, fresh_for }: HubAnswer) {
        let told = fresh_for.unwrap_or_default().min(LONGEST_FRESH);
        let fresh_for = told.max(self.rules.fresh_for);
        let clock = |snapshot: &Snapshot| {
            let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
            snapshot.taken_at.checked_add_signed(age).unwrap_or(DateTime::<Utc>::MAX_UTC)
        };
        match (snapshot, &mut self.known) {
            (Some(snapshot), known) => {
                let clock = clock(&snapshot);
                let same = known.as_ref().filter(|known| known.snapshot.taken_at == snapshot.taken_at);
                let clock = same.map_or(clock, |known| clock.max(after(known.clock)));
                *known = Some(KnownData { tag, snapshot, fresh_for, clock: (clock, Instant::now()) });
            }
            (None, Some(known)) => {
                known.clock = (clock(&known.snapshot).max(after(known.clock)), Instant::now());
                known.fresh_for = fresh_for;
            }
            (None, None) => {}
        }
    }
}

/// Returns what a clock shows now.
fn after((at, since): (DateTime<Utc>, Instant)) -> DateTime<Utc> {
    let passed = TimeDelta::from_std(since.elapsed()).unwrap_or(TimeDelta::MAX);
    at.checked_add_signed(passed).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Takes for old what was read too long ago. Of what no pipelines are known there is no older state to show: the whole is
/// incomplete then.
fn aged(mut snapshot: Snapshot, fresh_for: Duration, hub: &str) -> Snapshot {
    let fresh_for = TimeDelta::from_std(fresh_for).unwrap_or(TimeDelta::MAX);
    let now = snapshot.taken_at;
    let old = |as_of: DateTime<Utc>| Some(now - as_of).filter(|age| *age > fresh_for);
    let failure =
        |age| Failure::new(FailureKind::HubOld, format!("the hub has read it {} ago and not again", in_one_unit(age)));
    let mut oldest = None;
    for row in &mut snapshot.rows {
        if let Some(age) = old(row.as_of) {
            oldest = oldest.max(Some(age));
            row.outdate(&failure(age));
        }
    }
    if let Some(age) = oldest {
        snapshot.problems.push(Problem { scope: ProblemScope::List, subject: hub.to_owned(), failure: failure(age) });
    }
    snapshot
}
