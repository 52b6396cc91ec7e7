//! What the server knows and who it tells: shared by all of its addresses.

use super::counter_saving::CounterSaving;
use super::event_log::EventLog;
use super::exporter::ExporterState;
use super::hook_answer::{HookAnswer, HookDelivery, HookRules, answer_hook};
use super::own_metrics::{self, ServerFacts};
use super::readiness::{Readiness, readiness};
use super::recent_ids::RecentIds;
use super::run_metrics;
use super::scrape::{MetricsPage, PageFormats, scrape};
use super::unlisted::UnlistedProjects;
use super::wake_batch::WakeBatch;
use super::webhook::{HookMeaning, HookProject, WakeUp};
use crate::collect::cable_feed::FeedFacts;
use crate::collect::watch::{WatchListener, WatchUpdate};
use crate::domain::change::Change;
use crate::domain::excerpt::SnapshotView;
use crate::domain::id::ProjectId;
use crate::domain::past::KnownPast;
use crate::domain::run_totals::RunTotals;
use crate::domain::saved_counter::{SaveEnd, SavedCounter};
use crate::domain::server::Server;
use crate::domain::snapshot::Snapshot;
use crate::domain::usage::{EndpointCount, Usage};
use crate::render::json;
use crate::report::contract::StatusDocument;
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a scrape waits for the disk. What is not saved by then is shown by the next one.
const PAGE_PATIENCE: Duration = Duration::from_millis(200);

/// How long a change waits for what the memory knows of it. What is not known by then comes with a later snapshot.
const PAST_PATIENCE: Duration = Duration::from_secs(5);

/// Answers a question that takes requests to GitLab.
pub type ExplainAnswerer =
    Arc<dyn Fn(String, Option<u64>) -> Pin<Box<dyn Future<Output = ExplainReply> + Send>> + Send + Sync>;

/// The answer to a question about a pipeline: the document, or why there is none.
pub type ExplainReply = Result<Vec<u8>, AnswerRefusal>;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRefusal {
    /// The status of the answer.
    pub status: u16,
    pub message: String,
}

/// Answers what is remembered of a project, before a pipeline where one is given, without a request to GitLab.
pub type PastAnswerer = Arc<
    dyn Fn(String, Option<u64>) -> Pin<Box<dyn Future<Output = Result<PastText, AnswerRefusal>> + Send>> + Send + Sync,
>;

/// What is remembered of a project, as it is sent.
#[derive(Debug)]
pub struct PastText {
    pub json: Vec<u8>,
    /// When the project was read last, by GitLab's clock.
    pub as_of: DateTime<Utc>,
}

/// Saves counters for the next process.
pub type CounterSaver = Arc<dyn Fn(Vec<SavedCounter>) -> Pin<Box<dyn Future<Output = SaveEnd> + Send>> + Send + Sync>;

/// What tells the hub about GitLab and time.
#[derive(Clone)]
pub struct HubSources {
    /// By the server's clock.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub usage: Arc<dyn Fn() -> Usage + Send + Sync>,
    pub endpoints: Arc<dyn Fn() -> Vec<EndpointCount> + Send + Sync>,
    pub explain: ExplainAnswerer,
    pub past_of: PastAnswerer,
    /// What the memory adds to each reading, a moment after it; `None` where nothing is remembered.
    pub past: Option<watch::Receiver<Arc<KnownPast>>>,
    /// `None` where nothing is remembered.
    pub save: Option<CounterSaver>,
}

/// What is configured.
#[derive(Debug, Clone, Default)]
pub struct HubRules {
    pub hooks: HookRules,
    pub has_webhook: bool,
    pub formats: PageFormats,
    /// Whether there is no page of metrics.
    pub hides_metrics: bool,
    /// Data that is older than this is not fresh.
    pub fresh_for: Duration,
    /// How often everything is read where GitLab tells by itself what changes.
    pub reconcile: Duration,
    /// Whether one who asks learns that there is no cable.
    pub requires_cable: bool,
}

/// A webhook's outcome, counted by kind.
type HookCounts = BTreeMap<&'static str, u64>;

/// The snapshot as it is sent, made once for each.
#[derive(Debug, Clone)]
pub struct SnapshotText {
    pub etag: String,
    pub json: Arc<[u8]>,
    /// When the youngest of what it shows was read, by GitLab's clock; where nothing was, when that was found out.
    pub read_at: DateTime<Utc>,
}

/// What a text was made of.
type ShownReading = (Arc<Snapshot>, Arc<KnownPast>);

/// Everything that the server shares.
pub struct Hub {
    listener: WatchListener,
    exporter: Mutex<ExporterState>,
    events: EventLog,
    rules: HubRules,
    sources: HubSources,
    wakes: WakeBatch,
    hooks: Mutex<HookCounts>,
    recent: Mutex<RecentIds>,
    unlisted: Mutex<UnlistedProjects>,
    text: Mutex<Option<(ShownReading, SnapshotText)>>,
    gitlab: Mutex<Option<Server>>,
    runs: Mutex<RunTotals>,
    cable: Mutex<Option<FeedFacts>>,
    saving: CounterSaving,
}

impl Hub {
    pub fn new(
        (listener, exporter, events): (WatchListener, ExporterState, EventLog),
        rules: HubRules,
        sources: HubSources,
        wakes: WakeBatch,
    ) -> Self {
        Self {
            listener,
            exporter: Mutex::new(exporter),
            events,
            rules,
            sources,
            wakes,
            hooks: Mutex::default(),
            recent: Mutex::default(),
            unlisted: Mutex::default(),
            text: Mutex::default(),
            gitlab: Mutex::default(),
            runs: Mutex::default(),
            cable: Mutex::default(),
            saving: CounterSaving::default(),
        }
    }

    pub(super) fn rules(&self) -> &HubRules {
        &self.rules
    }

    pub(super) fn events(&self) -> &EventLog {
        &self.events
    }

    /// Passes on what webhooks have said, again and again.
    pub async fn run_wakes(&self) {
        self.wakes.run().await;
    }

    /// Tells listeners what has changed.
    pub fn add_events(&self, changes: &[Change]) {
        self.events.add(changes, &self.past());
    }

    /// Returns what the memory adds.
    fn past(&self) -> Arc<KnownPast> {
        self.sources.past.as_ref().map(|past| Arc::clone(&past.borrow())).unwrap_or_default()
    }

    /// Waits a moment until the memory has said what it adds to the reading of this time: who hears of a change and then
    /// takes the snapshot gets both.
    pub async fn wait_for_past(&self, reading: DateTime<Utc>) {
        let Some(mut past) = self.sources.past.clone() else { return };
        // A memory that is too slow, or off, keeps no one.
        let _ = timeout(PAST_PATIENCE, past.wait_for(|past| past.reading >= Some(reading))).await;
    }

    /// Tells listeners that changes were missed.
    pub fn lose_events(&self) {
        self.events.lose();
    }

    /// Tells listeners that there is a first reading.
    pub fn first_reading(&self) {
        self.events.lose();
    }

    pub fn exporter(&self) -> &Mutex<ExporterState> {
        &self.exporter
    }

    pub(super) fn update(&self) -> WatchUpdate {
        self.listener.updates().borrow().clone()
    }

    /// Returns the listener to what is read.
    pub fn listener(&self) -> &WatchListener {
        &self.listener
    }

    pub(super) async fn explain(&self, project: String, pipeline: Option<u64>) -> ExplainReply {
        (self.sources.explain)(project, pipeline).await
    }

    pub(super) async fn past_of(&self, project: String, before: Option<u64>) -> Result<PastText, AnswerRefusal> {
        (self.sources.past_of)(project, before).await
    }

    /// Says whether those who look find what is fresh.
    pub(super) fn readiness(&self) -> Readiness {
        readiness(&self.update(), (self.sources.now)(), self.fresh_for())
    }

    /// Returns how old data may be. What GitLab tells about by itself is read that seldom; when that has just ended, it is
    /// about to be read again.
    pub(super) fn fresh_for(&self) -> Duration {
        let HubRules { fresh_for, reconcile, .. } = self.rules;
        let cable = self.cable.lock();
        let is_told = cable.as_ref().is_some_and(|cable| {
            cable.is_relied_on || cable.relied_until.is_some_and(|until| until.elapsed() < fresh_for)
        });
        if is_told { fresh_for + reconcile } else { fresh_for }
    }

    /// Returns what is wrong with the cable, where one is required.
    pub(super) fn cable_trouble(&self) -> Option<String> {
        let cable = self.cable.lock();
        cable.as_ref().filter(|_| self.rules.requires_cable).and_then(|cable| cable.trouble.clone())
    }

    /// Notes how the cable does.
    pub fn set_cable(&self, facts: FeedFacts) {
        *self.cable.lock() = Some(facts);
    }

    /// Notes that pipelines of these projects moved.
    pub fn wake_projects(&self, projects: &BTreeSet<ProjectId>) {
        self.wakes.add(projects.iter().map(|project| WakeUp::Pipelines(project.0)));
    }

    /// Returns for how many seconds something of this time is known, whatever the clock of the one who looks.
    pub(super) fn age_seconds(&self, read_at: DateTime<Utc>) -> i64 {
        ((self.sources.now)() - read_at).num_seconds().max(0)
    }

    /// Returns the snapshot as `glwatch -o json` prints it; `None` until there is one.
    pub(super) fn snapshot(&self) -> io::Result<Option<SnapshotText>> {
        let update = self.update();
        let Some(snapshot) = update.whole() else { return Ok(None) };
        let past = self.past();
        let mut text = self.text.lock();
        let is_made = |((of, with), _): &&(ShownReading, _)| Arc::ptr_eq(of, snapshot) && Arc::ptr_eq(with, &past);
        if let Some((_, known)) = text.as_ref().filter(is_made) {
            return Ok(Some(known.clone()));
        }
        let mut bytes = Vec::new();
        json::write(&StatusDocument::from(&SnapshotView::all(snapshot).with_past(&past)), &mut bytes)?;
        let etag = own_metrics::fingerprint(&bytes);
        let read_at = snapshot.read_at().unwrap_or(snapshot.taken_at);
        let made = SnapshotText { etag, json: bytes.into(), read_at };
        *text = Some(((Arc::clone(snapshot), past), made.clone()));
        Ok(Some(made))
    }

    /// Writes the page of metrics.
    pub(super) fn metrics(&self, accept: &str) -> io::Result<MetricsPage> {
        let update = self.update();
        let mut exporter = self.exporter.lock();
        exporter.show_itself(&(self.sources.usage)());
        let mut families = update.whole().map_or_else(Vec::new, |snapshot| own_metrics::of_snapshot(snapshot));
        families
            .extend(update.whole().into_iter().flat_map(|snapshot| run_metrics::families(snapshot, &self.runs.lock())));
        families.extend(own_metrics::of_the_server(&mut exporter, &self.facts()));
        scrape((exporter.store(), &families), accept, self.rules.formats)
    }

    fn facts(&self) -> ServerFacts {
        ServerFacts {
            hooks: self.hooks.lock().clone(),
            endpoints: (self.sources.endpoints)(),
            gitlab: self.gitlab.lock().clone(),
            cable: self.cable.lock().clone(),
        }
    }

    /// Notes how many pipelines have ended, and how long they took.
    pub fn set_run_totals(&self, totals: RunTotals) {
        *self.runs.lock() = totals;
    }

    /// Notes which GitLab it is.
    pub fn set_gitlab(&self, server: Server) {
        *self.gitlab.lock() = Some(server);
    }

    /// Saves what was counted since it was saved last.
    pub async fn save_counters(&self) {
        let Some(save) = &self.sources.save else { return };
        self.saving.save(save, |is_whole| self.unsaved(is_whole), |batch, end| self.saved(batch, end)).await;
    }

    /// The same for the last time, after all that is still being saved.
    pub async fn save_last_counters(&self) {
        let Some(save) = &self.sources.save else { return };
        self.saving.save_last(save, |is_whole| self.unsaved(is_whole), |batch, end| self.saved(batch, end)).await;
    }

    fn unsaved(&self, with_saved: bool) -> Vec<SavedCounter> {
        let facts = self.facts();
        let mut exporter = self.exporter.lock();
        // They follow what the server has counted.
        drop(own_metrics::of_the_server(&mut exporter, &facts));
        exporter.counters().unsaved(with_saved)
    }

    fn saved(&self, batch: &[SavedCounter], end: SaveEnd) {
        self.exporter.lock().counters().saved(batch, end);
    }

    /// The same for a page that is written now; a disk that is slow does not keep it.
    pub(super) async fn save_for_page(self: &Arc<Self>) {
        let hub = Arc::clone(self);
        // It goes on where the page does not wait any longer: how it ends must be known.
        let saving = tokio::spawn(async move { hub.save_counters().await });
        let _ = timeout(PAGE_PATIENCE, saving).await;
    }

    /// Takes over a delivery of a webhook.
    pub(super) fn deliver(&self, delivery: HookDelivery<'_>) -> HookAnswer {
        let answer = answer_hook(&self.rules.hooks, delivery, (self.sources.now)().timestamp());
        let is_accepted = answer.status != 403;
        let is_repeated = is_accepted && delivery.id.is_some_and(|id| self.recent.lock().note(id));
        let outcome = match &answer.meaning {
            _ if !is_accepted => "refused",
            _ if is_repeated => "repeated",
            HookMeaning::Wakes(wakes) => self.take_wakes(wakes),
            HookMeaning::Unused => "unused",
            HookMeaning::Unknown => "unknown",
        };
        *self.hooks.lock().entry(outcome).or_default() += 1;
        answer
    }

    /// Passes on what an event says to be due, and says whether anything is.
    fn take_wakes(&self, wakes: &[WakeUp]) -> &'static str {
        let due: Vec<WakeUp> = wakes.iter().filter_map(|wake| self.due(wake)).collect();
        if due.is_empty() {
            return "unused";
        }
        self.wakes.add(due);
        "used"
    }

    /// Returns what an event makes due: what it says where its project is known, and until the first list is read; else the
    /// list, which may name it by now.
    fn due(&self, wake: &WakeUp) -> Option<WakeUp> {
        let (WakeUp::Ref { project, .. } | WakeUp::Environment { project, .. } | WakeUp::RefGone { project, .. }) =
            wake
        else {
            return Some(wake.clone());
        };
        let HookProject { id, .. } = project;
        let is_listed = |snapshot: &Arc<Snapshot>| snapshot.rows.iter().any(|row| row.project.id == ProjectId(*id));
        if self.update().whole().is_none_or(is_listed) {
            return Some(wake.clone());
        }
        let is_gone = matches!(wake, WakeUp::RefGone { .. });
        let is_list_due = !is_gone && self.unlisted.lock().note(*id, Instant::now());
        is_list_due.then_some(WakeUp::Projects)
    }
}
