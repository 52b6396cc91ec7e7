//! Reads a hub again and again: what has not changed is not sent again, and what is too old says so.
//!
//! A hub tells how old its data is when it answers. From then on the time is measured here, by a clock that nothing sets:
//! the data of a hub that stops never stays young.

use super::client::{HubAnswer, HubClient};
use super::document::HubReading;
use super::error::HubError;
use super::scope::{GroupNotShown, HubScope};
use crate::collect::run::ReadingReply;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::past::KnownPast;
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
    past: Arc<KnownPast>,
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

    pub fn shared_client(&self) -> Arc<HubClient> {
        Arc::clone(&self.client)
    }

    /// Returns the time by GitLab's clock, as far as the hub has told it.
    pub fn now(&self) -> Option<DateTime<Utc>> {
        self.known.as_ref().map(|known| after(known.clock))
    }

    /// Returns what the hub remembers of what was read last.
    pub fn past(&self) -> Arc<KnownPast> {
        self.known.as_ref().map(|known| Arc::clone(&known.past)).unwrap_or_default()
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
    fn learn(&mut self, HubAnswer { news, tag, age, fresh_for }: HubAnswer) {
        let told = fresh_for.unwrap_or_default().min(LONGEST_FRESH);
        let fresh_for = told.max(self.rules.fresh_for);
        // The age is that of the youngest row: a hub that cannot read GitLab writes the same data again and again.
        let clock = |snapshot: &Snapshot| {
            let age = TimeDelta::from_std(age).unwrap_or(TimeDelta::MAX);
            let read_at = snapshot.read_at().unwrap_or(snapshot.taken_at);
            read_at.checked_add_signed(age).unwrap_or(DateTime::<Utc>::MAX_UTC).max(snapshot.taken_at)
        };
        match (news, &mut self.known) {
            (Some(HubReading { snapshot, past }), known) => {
                let clock = clock(&snapshot);
                let same = known.as_ref().filter(|known| known.snapshot.taken_at == snapshot.taken_at);
                let clock = same.map_or(clock, |known| clock.max(after(known.clock)));
                let past = Arc::new(past);
                *known = Some(KnownData { tag, snapshot, past, fresh_for, clock: (clock, Instant::now()) });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::project::{ProjectRow, RowState, StateWord};
    use crate::domain::selection::ProjectFilter;
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use crate::gitlab::{PlainHttp, PlainHttpOptions, RetryOptions};
    use tokio::time::advance;

    fn snapshot(rows: Vec<ProjectRow>) -> Snapshot {
        Snapshot {
            host: "https://gitlab.example.com".into(),
            taken_at: DateTime::from_timestamp(1000, 0).unwrap(),
            groups: Vec::new(),
            rows: rows
                .into_iter()
                .map(|row| ProjectRow { as_of: DateTime::from_timestamp(990, 0).unwrap(), ..row })
                .collect(),
            problems: Vec::new(),
            usage: Usage::default(),
        }
    }

    fn reader() -> HubReader {
        let http = PlainHttp::new(PlainHttpOptions {
            home: "http://127.0.0.1:1".parse().unwrap(),
            token: None,
            timeout: Duration::from_secs(1),
            ca: None,
            insecure: false,
            proxy: None,
        });
        let rules = HubExpectations {
            scope: HubScope { groups: Vec::new(), filter: ProjectFilter::default() },
            fresh_for: Duration::from_secs(70),
            max_time: Duration::from_secs(1),
        };
        HubReader::new(Arc::new(HubClient::new(http.unwrap(), RetryOptions::default())), rules)
    }

    fn reading(rows: Vec<ProjectRow>) -> HubReading {
        HubReading { snapshot: snapshot(rows), past: KnownPast::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_data_never_gets_younger_whatever_the_hub_says() {
        let mut reader = reader();
        let answer = |is_new: bool, age: u64| HubAnswer {
            news: is_new.then(|| reading(Vec::new())),
            tag: None,
            age: Duration::from_secs(age),
            fresh_for: None,
        };
        let steps = [
            ("what it says at first", 0, answer(true, 5), 5),
            ("its time goes on here", 10, answer(true, 15), 15),
            ("the same data, said to be new", 10, answer(true, 0), 25),
            ("nothing new, said to be young", 10, answer(false, 0), 35),
            ("it may be older than known", 10, answer(false, 100), 100),
        ];
        for (sentence, passed, answer, age) in steps {
            advance(Duration::from_secs(passed)).await;
            reader.learn(answer);
            assert_eq!(reader.now().unwrap().timestamp(), 1000 + age, "{sentence}");
        }
    }

    #[test]
    fn gitlabs_clock_is_the_time_of_the_youngest_row_and_its_age() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let green = |seconds| ProjectRow { as_of: at(seconds), ..ran("a", Status::Success, 0) };
        let cases = [
            ("just read", vec![green(1000)], 5, 1005),
            ("a hub without GitLab for five minutes", vec![green(700), green(650)], 310, 1010),
            ("no younger than the hub's own time", vec![green(700)], 0, 1000),
            ("none was read", vec![row("a", RowState::Error(failure()))], 5, 1005),
        ];
        for (sentence, rows, age, expected) in cases {
            let mut reader = reader();
            let reading =
                HubReading { snapshot: Snapshot { rows, ..snapshot(Vec::new()) }, past: KnownPast::default() };
            let age = Duration::from_secs(age);
            reader.learn(HubAnswer { news: Some(reading), tag: None, age, fresh_for: None });
            assert_eq!(reader.known.unwrap().clock.0, at(expected), "{sentence}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hub_says_how_seldom_it_reads_and_is_not_believed_for_ever() {
        for (told, expected) in [(None, 70), (Some(10), 70), (Some(300), 300), (Some(1_000_000), 900)] {
            let mut reader = reader();
            let fresh_for = told.map(Duration::from_secs);
            reader.learn(HubAnswer { news: Some(reading(Vec::new())), tag: None, age: Duration::ZERO, fresh_for });
            assert_eq!(reader.known.unwrap().fresh_for, Duration::from_secs(expected), "{told:?}");
        }
    }

    #[test]
    fn what_was_read_too_long_ago_is_stale_and_the_whole_incomplete() {
        let cases = [
            ("green", ran("a", Status::Success, 0), StateWord::Stale),
            ("no pipeline", row("a", RowState::NoPipeline { ever_ran: None }), StateWord::NoPipeline),
            ("no access", row("a", RowState::NoAccess(failure())), StateWord::NoAccess),
        ];
        for (sentence, row, old) in cases {
            let young = aged(snapshot(vec![row.clone()]), Duration::from_secs(10), "http://hub");
            assert_eq!((young.rows[0].state_word(), young.is_complete()), (row.state_word(), true), "{sentence}");
            let aged = aged(snapshot(vec![row]), Duration::from_secs(9), "http://hub");
            assert_eq!((aged.rows[0].state_word(), aged.is_complete()), (old, false), "{sentence}");
            assert_eq!(aged.problems[0].failure.kind, FailureKind::HubOld, "{sentence}");
        }
    }
}
