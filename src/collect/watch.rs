//! The watch loop: reads the groups again and again, publishes the latest update, and takes requests.
//!
//! One reading after the other, so that a slow server is never asked twice at once; the clock is one that rests
//! while a laptop sleeps, so that waking up is no storm.

use super::request::DueReading;
use super::run::{Collector, ReadingProgress, ReadingStep};
use super::told::ToldProjects;
use super::{partial, plan};
use crate::domain::id::ProjectId;
use crate::domain::project::{Failure, ProjectRow, RowState};
use crate::domain::snapshot::{Problem, ProblemScope, Snapshot};
use crate::domain::usage::Cost;
use crate::gitlab::client::{Client, Waiting};
use chrono::TimeDelta;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

/// How often listeners get the progress, where it has changed. A picture for each of 2000 projects would cost
/// more than reading them.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// A server that answers is not silent between two answers.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// What the loop is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchPhase {
    Reading(ReadingProgress),
    /// Until the next reading; `interval` is the real one, which may be longer than the one asked for.
    Waiting {
        until: Instant,
        interval: Duration,
    },
}

/// Why a reading brought nothing, in the words that are shown: the cause first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedReading {
    pub cause: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

/// Why nothing comes from the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Silence {
    /// Since when an answer is owed and nothing has come.
    pub since: Option<Instant>,
    /// Until when the server asks to wait: `Retry-After`, or a limit that is used up.
    pub closed_until: Option<Instant>,
    /// How an attempt failed that is made again.
    pub failure: Option<String>,
}

impl Silence {
    /// Asks what is waited for now; what was known already keeps its times.
    fn now(client: &Client, before: &Self) -> Self {
        let (waiting, failure, now) = (client.waiting(), client.retried_failure(), Instant::now());
        let since = match waiting {
            Some(Waiting::Silent { since }) if since >= SILENT_AFTER => now.checked_sub(since),
            // Another attempt at what has failed does not begin the wait again.
            _ if failure.is_some() => before.since,
            _ => None,
        };
        let since = if failure.is_some() { before.since.or(since) } else { same(before.since, since) };
        let closed_until = match waiting {
            Some(Waiting::Told { left }) => Some(now + left),
            Some(Waiting::Silent { .. }) | None => None,
        };
        Self { since, closed_until: same(before.closed_until, closed_until), failure }
    }
}

/// Returns the time that was known where the new one is the same but for the moment that it took to ask.
fn same(known: Option<Instant>, new: Option<Instant>) -> Option<Instant> {
    let distance = |known: Instant, new: Instant| known.max(new) - known.min(new);
    match (known, new) {
        (Some(known), Some(new)) if distance(known, new) < TELL_EVERY => Some(known),
        (_, new) => new,
    }
}

/// The latest that is known; a listener that was busy misses what came between, never the newest.
#[derive(Debug, Clone)]
pub struct WatchUpdate {
    /// `None` until something was read, unless an earlier process has left something to be shown until then.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Whether the snapshot is the outcome of a reading of ours. Else it is what an earlier process has left, or what has
    /// been read so far, or some of both.
    pub is_whole: bool,
    /// Patterns that match no project.
    pub unmatched: Vec<String>,
    pub excluded: usize,
    pub phase: WatchPhase,
    /// What the last reading took.
    pub cost: Cost,
    /// How long it took.
    pub took: Duration,
    /// The number of the last change that led to the snapshot.
    pub last_change: u64,
    /// Why it brought nothing; `None` where it did.
    pub failed: Option<FailedReading>,
    /// What keeps the next answer from coming.
    pub silence: Silence,
}

impl WatchUpdate {
    pub fn new() -> Self {
        Self {
            snapshot: None,
            is_whole: false,
            unmatched: Vec::new(),
            excluded: 0,
            phase: WatchPhase::Reading(ReadingProgress::default()),
            cost: Cost::default(),
            took: Duration::ZERO,
            last_change: 0,
            failed: None,
            silence: Silence::default(),
        }
    }

    /// Starts from what an earlier process has left, this long ago.
    pub fn from_cache(age: TimeDelta, snapshot: Snapshot) -> Self {
        let newest = snapshot.rows.iter().map(|row| row.as_of).max();
        // The clock of the server is not known yet: what it told then, and how long ago that was, is.
        let taken_at = newest.and_then(|newest| newest.checked_add_signed(age)).unwrap_or(snapshot.taken_at);
        Self { snapshot: Some(Arc::new(Snapshot { taken_at, ..snapshot })), ..Self::new() }
    }

    /// Returns the outcome of the last reading of ours.
    pub fn whole(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref().filter(|_| self.is_whole)
    }
}

impl Default for WatchUpdate {
    fn default() -> Self {
        Self::new()
    }
}

pub use super::listener::{ChangeNews, ChangeStream, WatchListener, WatchOutlet, watch_channel};
pub use super::request::{Request, RequestReceiver, RequestSender, request_queue};
pub use super::run::GroupError;
pub use crate::gitlab::DEFAULT_RPS;

/// How often to read.
#[derive(Debug, Clone, Copy)]
pub struct WatchPace {
    pub asked: Duration,
    /// Requests per second that we allow ourselves.
    pub rps: f64,
    /// Whether the rows of the first reading are handed out before it has ended.
    pub hands_out_rows: bool,
    /// Whether a first reading that brings nothing, because the server is away, is made again instead of ending the loop.
    pub is_patient: bool,
}

/// As many projects are read alone; where more are due, everything is. One GraphQL query is about as many.
const MOST_ALONE: usize = 100;

/// What is done beside the reading.
pub struct WatchHooks<'h> {
    /// Gets the collector after each reading that brought something.
    pub keep: Box<dyn Fn(&Collector) + Send + Sync + 'h>,
    /// Finds the words for a reading that brought nothing.
    pub explain: Box<dyn Fn(&GroupError) -> FailedReading + Send + Sync + 'h>,
    /// What GitLab tells about by itself, and is asked about less often.
    pub told: ToldProjects,
}

/// Reads until no listener is left.
///
/// A reading answers what was asked for before it began; what is asked for meanwhile leads to the next one at once. Only a
/// first reading that brings nothing ends the loop with an error, whatever an earlier process has left: a user whose token
/// has expired, or who has no network, must learn it at once. Unless it is patient: then only a refusal does.
pub async fn run(
    collector: Collector,
    pace: WatchPace,
    outlet: WatchOutlet,
    requests: RequestReceiver,
    hooks: WatchHooks<'_>,
) -> Result<(), GroupError> {
    let (until, interval) = (Instant::now(), pace.asked);
    let mut turns = WatchTurns { collector, pace, outlet, hooks, until, interval, read_whole: None };
    loop {
        let due = requests.take();
        // Readings of some projects do not put off the one of all.
        let is_turn = Instant::now() >= turns.until;
        let has_listener = match (due, is_turn) {
            (all @ (DueReading::Everything | DueReading::EverythingAndLists), _) => turns.read_all(&all).await?,
            (due, true) => turns.take_turn(due).await?,
            (DueReading::Projects(projects), false) => turns.reread(&projects).await,
            (DueReading::Nothing, false) => true,
        };
        if !has_listener {
            return Ok(());
        }
        tokio::select! {
            () = sleep_until(turns.until) => {}
            () = requests.wait() => {}
            () = turns.outlet.updates.closed() => return Ok(()),
        }
    }
}

/// What the loop needs from one turn to the next.
struct WatchTurns<'h> {
    collector: Collector,
    pace: WatchPace,
    outlet: WatchOutlet,
    hooks: WatchHooks<'h>,
    /// When everything is due again.
    until: Instant,
    interval: Duration,
    /// When everything was read last.
    read_whole: Option<Instant>,
}

impl WatchTurns<'_> {
    /// Reads what is due in a turn: everything, or beside what GitLab tells about only the rest.
    async fn take_turn(&mut self, due: DueReading) -> Result<bool, GroupError> {
        let told = self.hooks.told.projects();
        let reconcile = self.hooks.told.reconcile();
        let is_reconciled = !told.is_empty() && self.read_whole.is_some_and(|at| at.elapsed() < reconcile);
        let last = self.outlet.updates.borrow().whole().cloned();
        let Some(last) = last.filter(|_| is_reconciled) else { return self.refresh().await };
        let mut projects = plan::due_beside(&last, &told);
        if let DueReading::Projects(asked) = due {
            projects.extend(asked);
        }
        if projects.len() > MOST_ALONE {
            return self.refresh().await;
        }
        self.until = Instant::now() + plan::jittered(self.interval, fastrand::f64());
        if projects.is_empty() {
            return Ok(true);
        }
        Ok(self.reread(&projects).await)
    }

    /// Reads everything, and first the groups' lists where these are due out of their turn.
    async fn read_all(&mut self, due: &DueReading) -> Result<bool, GroupError> {
        if *due == DueReading::EverythingAndLists {
            self.collector.expect_new_list();
        }
        self.refresh().await
    }

    /// Reads everything that is due; `false` where no listener is left.
    async fn refresh(&mut self) -> Result<bool, GroupError> {
        let begun = Instant::now();
        let (client, course) = (self.collector.client().clone(), self.course());
        let step = |step: ReadingStep<'_>| course.lock().take(step);
        let reading = self.collector.read(&step);
        let Some(outcome) = reported(reading, &course, &client, &self.outlet.updates).await else { return Ok(false) };
        let (usage, last) = (client.usage(), self.outlet.updates.borrow().whole().cloned());
        let (snapshot, said, failed) = match (outcome, last) {
            (Ok(reply), _) => {
                (self.hooks.keep)(&self.collector);
                self.read_whole = Some(begun);
                (reply.snapshot, Some((reply.unmatched, reply.excluded)), None)
            }
            (Err(error), Some(last)) => {
                self.read_whole = None;
                let now = client.server_now();
                (Snapshot { taken_at: now, usage, ..stale(&last, &error) }, None, Some((self.hooks.explain)(&error)))
            }
            (Err(error), None) if self.pace.is_patient && !error.source.outlasts_waiting() => {
                self.wait_for_the_server((self.hooks.explain)(&error));
                return Ok(true);
            }
            (Err(error), None) => return Err(error),
        };
        let cost = plan::next_cost(&snapshot, self.collector.batch_size());
        self.interval = plan::interval(self.pace.asked, cost, usage.limit, self.pace.rps);
        self.until = Instant::now() + plan::jittered(self.interval, fastrand::f64());
        self.publish(snapshot, begun, |update| {
            if let Some((unmatched, excluded)) = said {
                update.unmatched = unmatched;
                update.excluded = excluded;
            }
            update.failed = failed;
        });
        Ok(true)
    }

    /// Tells why there is nothing yet, until the next turn.
    fn wait_for_the_server(&mut self, failed: FailedReading) {
        self.until = Instant::now() + plan::jittered(self.interval, fastrand::f64());
        let (until, interval) = (self.until, self.interval);
        self.outlet.updates.send_modify(|update| {
            update.phase = WatchPhase::Waiting { until, interval };
            update.failed = Some(failed);
        });
    }

    /// Reads some projects again; `false` where no listener is left. Where that brings nothing, only their rows are old.
    async fn reread(&mut self, projects: &BTreeSet<ProjectId>) -> bool {
        let begun = Instant::now();
        let Some(last) = self.outlet.updates.borrow().whole().cloned() else { return true };
        let (client, course) = (self.collector.client().clone(), self.course());
        let step = |step: ReadingStep<'_>| course.lock().take(step);
        let reading = self.collector.reread(projects, &last, &step);
        let Some(outcome) = reported(reading, &course, &client, &self.outlet.updates).await else { return false };
        let snapshot = match outcome {
            Ok(snapshot) => {
                (self.hooks.keep)(&self.collector);
                snapshot
            }
            Err(error) => {
                let (taken_at, usage) = (client.server_now(), client.usage());
                Snapshot { taken_at, usage, ..partial::without_news(&last, projects, &failure_of(&error)) }
            }
        };
        self.publish(snapshot, begun, |_| ());
        true
    }

    /// Begins to note how a reading goes on.
    fn course(&self) -> Mutex<Course> {
        let update = self.outlet.updates.borrow();
        Mutex::new(Course {
            progress: ReadingProgress::default(),
            base: update.snapshot.clone(),
            rows: (self.pace.hands_out_rows && !update.is_whole).then(BTreeMap::new),
            has_news: true,
        })
    }

    fn publish(&self, snapshot: Snapshot, begun: Instant, change: impl FnOnce(&mut WatchUpdate)) {
        let Self { collector, until, interval, .. } = self;
        self.outlet.publish(snapshot, |update| {
            update.phase = WatchPhase::Waiting { until: *until, interval: *interval };
            update.cost = collector.cost();
            update.took = begun.elapsed();
            update.silence = Silence::now(collector.client(), &Silence::default());
            change(update);
        });
    }
}

/// Waits for a reading, and reports meanwhile how it goes on; `None` where no listener is left.
async fn reported<T>(
    reading: impl Future<Output = T>,
    course: &Mutex<Course>,
    client: &Client,
    updates: &watch::Sender<WatchUpdate>,
) -> Option<T> {
    let mut reading = pin!(reading);
    let mut tick = interval(TELL_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            outcome = &mut reading => return Some(outcome),
            () = updates.closed() => return None,
            _ = tick.tick() => course.lock().tell(updates, client),
        }
    }
}

/// How far a reading has come, and whether all of that was told.
struct Course {
    progress: ReadingProgress,
    /// What was there before.
    base: Option<Arc<Snapshot>>,
    /// What was read since, where that is handed out.
    rows: Option<BTreeMap<ProjectId, ProjectRow>>,
    has_news: bool,
}

impl Course {
    fn take(&mut self, step: ReadingStep<'_>) {
        self.has_news |= step.progress != self.progress;
        self.progress = step.progress;
        if let Some(rows) = &mut self.rows
            && let Some(row) = step.row()
        {
            self.has_news = true;
            rows.insert(row.project.id, row);
        }
    }

    fn tell(&mut self, updates: &watch::Sender<WatchUpdate>, client: &Client) {
        let silence = Silence::now(client, &updates.borrow().silence);
        let phase = WatchPhase::Reading(self.progress);
        let has_news = mem::take(&mut self.has_news);
        updates.send_if_modified(|update| {
            let is_modified = has_news || update.silence != silence || update.phase != phase;
            (update.silence, update.phase) = (silence, phase);
            if has_news && let Some(rows) = self.rows.as_ref().filter(|rows| !rows.is_empty()) {
                update.snapshot = Some(Arc::new(part(self.base.as_deref(), rows, client)));
            }
            is_modified
        });
    }
}

/// Returns what has been read so far, and where that is nothing yet what was known before.
fn part(base: Option<&Snapshot>, rows: &BTreeMap<ProjectId, ProjectRow>, client: &Client) -> Snapshot {
    let mut merged: BTreeMap<ProjectId, ProjectRow> =
        base.iter().flat_map(|base| &base.rows).map(|row| (row.project.id, row.clone())).collect();
    for (id, row) in rows {
        let before = merged.get(id).map(|before| (before.state.clone(), before.as_of));
        let row = match (&row.state, before) {
            // What could not be read again is still what it was.
            (RowState::Error(failure), Some((RowState::Ok(pipelines) | RowState::Stale { pipelines, .. }, as_of))) => {
                let state = RowState::Stale { pipelines, failure: failure.clone() };
                ProjectRow { project: Arc::clone(&row.project), state, as_of }
            }
            _ => row.clone(),
        };
        merged.insert(*id, row);
    }
    Snapshot {
        host: client.host().to_string(),
        taken_at: client.server_now(),
        groups: base.map(|base| base.groups.clone()).unwrap_or_default(),
        rows: merged.into_values().collect(),
        problems: base.map(|base| base.problems.clone()).unwrap_or_default(),
        usage: client.usage(),
    }
}

/// Returns the last snapshot as what it is after a reading that brought nothing: old.
fn stale(last: &Snapshot, error: &GroupError) -> Snapshot {
    let (scope, subject) = (ProblemScope::of(&error.wanted), error.wanted.subject());
    last.outdated(Problem { scope, subject, failure: failure_of(error) })
}

fn failure_of(error: &GroupError) -> Failure {
    Failure::from(&*error.source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::RequestLine;
    use crate::domain::health::tests::{failure, ran, row};
    use crate::domain::project::StateWord;
    use crate::domain::status::Status;
    use crate::domain::usage::Usage;
    use crate::gitlab::error::{Error, Kind};
    use chrono::DateTime;

    fn refused() -> Error {
        let line = RequestLine { method: "GET".into(), url: "/groups/acme".into(), query: None };
        let kind = Kind::Unauthorized { said: "Token is expired".into(), unfit: None };
        Error { request: Box::new(line), kind, attempts: 1, elapsed: Duration::ZERO, request_id: None }
    }

    fn is_send<T: Send>(_: T) {}

    /// Is compiled and never run: what a server can spawn.
    #[expect(dead_code, reason = "it is enough that it compiles")]
    fn readings_and_the_loop_can_move_between_threads(
        mut collector: Collector,
        (pace, outlet, requests): (WatchPace, WatchOutlet, RequestReceiver),
        hooks: WatchHooks<'static>,
    ) {
        is_send(collector.read(&|_| ()));
        is_send(run(collector, pace, outlet, requests, hooks));
    }

    #[test]
    fn a_reading_that_brought_nothing_makes_old_what_was_known_and_keeps_the_rest() {
        let before = Snapshot {
            host: "https://gitlab.example.com".into(),
            taken_at: DateTime::from_timestamp(100, 0).unwrap(),
            groups: vec![],
            rows: vec![
                ran("ran", Status::Running, 10),
                row("never", RowState::NoPipeline { ever_ran: Some(false) }),
                row("hidden", RowState::NoAccess(failure())),
                row("unread", RowState::Error(failure())),
            ],
            problems: vec![Problem { scope: ProblemScope::List, subject: "acme".into(), failure: failure() }],
            usage: Usage::default(),
        };
        let error = || GroupError {
            wanted: Box::new(crate::domain::id::GroupRef::Path("acme".into()).into()),
            source: Box::new(refused()),
            others: Vec::new(),
        };
        let once = stale(&before, &error());
        let states: Vec<StateWord> = once.rows.iter().map(|row| row.state_word()).collect();
        use StateWord::{NoAccess, NoPipeline, Stale};
        assert_eq!(states, [Stale, NoPipeline, NoAccess, StateWord::Error]);
        assert_eq!(once.rows[0].pipelines(), before.rows[0].pipelines());
        assert_eq!(once.rows[0].as_of, before.rows[0].as_of, "old data is not made fresh");
        assert!(!once.is_complete());
        assert_eq!((once.problems.len(), once.problems[0].scope), (1, ProblemScope::Group));
        // A second time changes nothing more.
        assert_eq!(stale(&once, &error()), once);
    }
}
