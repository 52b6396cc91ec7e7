//! What the live view knows: the latest update, what is shown of it, and where the cursor is.

use super::banner;
use crate::collect::watch::{ChangeNews, WatchPhase, WatchUpdate};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::excerpt::SnapshotView;
use crate::domain::health::{FailOn, RowOrder};
use crate::domain::id::{ProjectId, by_id};
use crate::domain::past::KnownPast;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{Project, ProjectRow, StateWord};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use crate::report::cell::Column;
use crate::report::headline::{self, Freshness, HeadCount, is_old};
use crate::report::layout::{ColumnMeasures, StagesWidth, TableRoom, measure};
use crate::report::status::{ReportMoment, Row, StatusOptions, StatusReport, lines, widest_old, widest_time};
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a project that has begun to fail is named in the header.
pub const ALERT_FOR: Duration = Duration::from_secs(60);

/// A row may miss one refresh, or this much, before it is shown as old.
const GRACE: Duration = Duration::from_secs(10);

/// What the caller decides before the view starts.
#[derive(Debug, Clone)]
pub struct ViewOptions {
    pub status: StatusOptions,
    pub columns: Vec<Column>,
    /// `--only`.
    pub only: Option<FailOn>,
    pub sort: RowOrder,
    pub charset: Charset,
    pub color: bool,
    pub stages: StagesWidth,
    /// The GitLab that is asked, with its scheme.
    pub host: String,
    /// The groups as they were asked for: shown until they are read.
    pub groups: Vec<String>,
    /// How often to read, as it was asked for.
    pub interval: Duration,
}

/// What a row is, whatever its place: a project and one of its refs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowKey {
    pub project: ProjectId,
    /// `None` for a row without a pipeline.
    pub git_ref: Option<String>,
}

/// A row that can be pointed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFacts {
    pub key: RowKey,
    /// Which of the projects that are shown it belongs to.
    pub nth: usize,
    pub web_url: Option<String>,
}

/// What lies on top of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modal {
    Help,
}

/// A project that has begun to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub project: String,
    pub since: Instant,
}

/// A page that was to be opened: its address is shown, whatever has become of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAddress {
    pub url: String,
    /// Whether there is a browser that was asked to open it.
    pub is_opened: bool,
}

/// Everything that the picture is made of.
#[derive(Debug)]
pub struct App {
    pub options: ViewOptions,
    pub sort: RowOrder,
    pub attention_only: bool,
    pub update: WatchUpdate,
    pub modal: Option<Modal>,
    pub alerts: Vec<Alert>,
    /// A word to the user until the next key.
    pub notice: Option<String>,
    /// Until the next key, too.
    pub page_address: Option<PageAddress>,
    /// The present.
    pub now: Instant,
    /// When the snapshot came.
    pub snapshot_at: Instant,
    /// Since when the present reading goes on, or when the last one ended.
    pub phase_since: Instant,
    /// The real time from one reading to the next, as it was last told.
    pub interval: Duration,
    /// `None` until the user moves it: the view then stays at the top.
    pub cursor: Option<RowKey>,
    /// The first row that is shown.
    pub offset: usize,
    pub width: u16,
    pub height: u16,
    /// The projects that are shown, in their order.
    pub projects: Vec<ProjectRow>,
    /// Their rows: one for each pipeline, or one that says why there is none.
    pub rows: Vec<RowFacts>,
    pub measures: ColumnMeasures,
    /// How many cells the widest time took, and the widest age of an old row, when they were measured.
    pub widest_ages: (usize, usize),
    /// How many of all projects are in which state, the worst first.
    pub counts: Vec<HeadCount>,
    /// What the memory adds.
    pub past: Arc<KnownPast>,
}

impl App {
    pub fn new(options: ViewOptions, width: u16, height: u16, now: Instant) -> Self {
        Self {
            sort: options.sort,
            interval: options.interval,
            now,
            snapshot_at: now,
            phase_since: now,
            page_address: None,
            past: Arc::default(),
            options,
            attention_only: false,
            update: WatchUpdate::new(),
            modal: None,
            alerts: Vec::new(),
            notice: None,
            cursor: None,
            offset: 0,
            width,
            height,
            projects: Vec::new(),
            rows: Vec::new(),
            measures: ColumnMeasures::default(),
            widest_ages: (0, 0),
            counts: Vec::new(),
        }
    }

    /// Takes what has changed: names for a while what began to fail.
    pub fn apply_changes(&mut self, news: &ChangeNews, now: Instant) {
        match news {
            // What is read first has not changed, and what was missed is seen in the table only.
            ChangeNews::Start { missed: 0, .. } => {}
            ChangeNews::Start { missed, .. } => {
                self.notice = Some(format!("{} not shown one by one", counted(*missed, "change")));
            }
            ChangeNews::Changes(changes) => {
                let failed = changes.iter().filter_map(newly_failed);
                self.alerts.extend(failed.map(|project| Alert { project: project.full_path.clone(), since: now }));
            }
        }
    }

    /// Takes a newer update.
    pub fn apply_update(&mut self, update: WatchUpdate, now: Instant) {
        self.now = now;
        let (is_new, is_still) = match (&self.update.snapshot, &update.snapshot) {
            (Some(old), Some(new)) => (!Arc::ptr_eq(old, new), new.is_unchanged_since(old)),
            (None, Some(_)) => (true, false),
            (_, None) => (false, true),
        };
        let is_reading = |update: &WatchUpdate| matches!(update.phase, WatchPhase::Reading(_));
        if is_reading(&self.update) != is_reading(&update) {
            self.phase_since = now;
        }
        if let WatchPhase::Waiting { interval, .. } = update.phase {
            self.interval = interval;
        }
        self.update = update;
        if is_new {
            self.snapshot_at = now;
        }
        if is_new && is_still {
            self.rejuvenate();
        }
        if is_new && !(is_still && self.has_room_for_ages()) {
            self.arrange();
        }
    }

    /// Takes over when the rows were read, where nothing else about them has changed.
    fn rejuvenate(&mut self) {
        let Some(snapshot) = &self.update.snapshot else { return };
        let mut read_at = by_id(snapshot.rows.len());
        read_at.extend(snapshot.rows.iter().map(|row| (row.project.id, row.as_of)));
        for row in &mut self.projects {
            row.as_of = read_at.get(&row.project.id).copied().unwrap_or(row.as_of);
        }
    }

    /// Says whether no time or age takes more room by now than it was given.
    fn has_room_for_ages(&self) -> bool {
        let (time, old) = self.scene().map_or((0, 0), |scene| self.widest_ages_in(scene));
        time <= self.widest_ages.0 && old <= self.widest_ages.1
    }

    fn widest_ages_in(&self, scene: ReportMoment<'_>) -> (usize, usize) {
        (widest_time(&self.projects, &self.options.columns, scene), widest_old(&self.projects, scene))
    }

    /// Returns the present by the server's clock; `None` before anything was read.
    pub fn present(&self) -> Option<DateTime<Utc>> {
        let since = TimeDelta::from_std(self.now.saturating_duration_since(self.snapshot_at)).unwrap_or(TimeDelta::MAX);
        self.update.snapshot.as_ref()?.taken_at.checked_add_signed(since)
    }

    /// Returns how old a row may become before it is older than expected: what is read first gets old while the rest is
    /// read, and again while the next reading goes on. Where the last reading brought nothing, every row should be younger.
    fn expected(&self) -> TimeDelta {
        if self.update.failed.is_some() {
            return TimeDelta::MIN;
        }
        let expected = self.interval + self.interval.max(GRACE) + 2 * self.update.took;
        TimeDelta::from_std(expected).unwrap_or(TimeDelta::MAX)
    }

    /// Returns how old the rows are.
    pub fn freshness(&self) -> Freshness {
        match (&self.update.snapshot, self.present()) {
            (Some(snapshot), Some(now)) => Freshness::of(&snapshot.rows, now, Some(self.expected())),
            _ => Freshness::Nothing,
        }
    }

    /// Says whether the row of the table is older than it should be.
    pub fn is_old(&self, index: usize) -> bool {
        let row = self.rows.get(index).and_then(|facts| self.projects.get(facts.nth));
        row.zip(self.scene()).is_some_and(|(row, scene)| is_old(row, scene.now, scene.expected))
    }

    fn scene(&self) -> Option<ReportMoment<'_>> {
        let (zone, expected) = (self.options.status.zone, Some(self.expected()));
        Some(ReportMoment { now: self.present()?, zone, expected, past: &self.past })
    }

    /// Returns as many lines as there is room for, from the first one that is shown.
    pub fn lines(&self, room: usize) -> Vec<Row> {
        let end = self.rows.len().min(self.offset.saturating_add(room));
        let shown = self.rows.get(self.offset..end).unwrap_or_default();
        let (Some(first), Some(last), Some(scene)) = (shown.first(), shown.last(), self.scene()) else {
            return Vec::new();
        };
        let is_of_first = |row: &&RowFacts| row.nth == first.nth;
        let above = self.rows[..self.offset].iter().rev().take_while(is_of_first).count();
        let lines = lines(&self.projects[first.nth..=last.nth], &self.options.columns, scene);
        lines.into_iter().skip(above).take(shown.len()).collect()
    }

    /// Lets time pass: forgets news that are none any more, and makes room for what has grown old.
    pub fn expire_alerts(&mut self, now: Instant) {
        self.now = now;
        self.alerts.retain(|alert| now.saturating_duration_since(alert.since) < ALERT_FOR);
        if !self.has_room_for_ages() {
            self.arrange();
        }
    }

    /// Lays the rows out again: after a new snapshot, another order, another size.
    ///
    /// A row under the cursor stays on its line of the screen, wherever it has gone in the order.
    pub fn arrange(&mut self) {
        let line = self.cursor_index().map(|index| index.saturating_sub(self.offset));
        let Some(snapshot) = self.update.snapshot.clone() else { return };
        let mut rows = self.visible_rows(&snapshot);
        self.sort.apply(&mut rows);
        self.rows = rows.iter().enumerate().flat_map(|(nth, row)| facts(nth, row)).collect();
        let past = Arc::clone(&self.past);
        let excerpt = SnapshotView { whole: &snapshot, rows: rows.into(), past: &past };
        let Some(scene) = self.scene().map(|scene| ReportMoment { past: &past, ..scene }) else { return };
        let report = StatusReport::seen(&excerpt, self.options.columns.clone(), &self.options.status, scene);
        let room =
            TableRoom { width: usize::from(self.width), charset: self.options.charset, stages: self.options.stages };
        self.measures = measure(&report, room);
        self.counts = headline::counts(&snapshot.rows);
        self.projects = excerpt.rows.into_owned();
        self.widest_ages = self.widest_ages_in(scene);
        if let (Some(line), Some(index)) = (line, self.cursor_index()) {
            self.offset = index.saturating_sub(line);
        } else if let Some(line) = line {
            // The row has left; the cursor goes on to whatever took its place.
            let at = (self.offset + line).min(self.rows.len().saturating_sub(1));
            self.cursor = self.rows.get(at).map(|row| row.key.clone());
        }
        self.keep_in_view();
    }

    fn visible_rows(&self, snapshot: &Snapshot) -> Vec<ProjectRow> {
        let excerpt = match &self.options.only {
            Some(only) => SnapshotView::only(snapshot, only),
            None => SnapshotView::all(snapshot),
        };
        let wanted = |row: &&ProjectRow| !self.attention_only || wants_attention(row);
        excerpt.rows.iter().filter(wanted).cloned().collect()
    }

    /// Returns the row under the cursor.
    pub fn cursor_index(&self) -> Option<usize> {
        let cursor = self.cursor.as_ref()?;
        self.rows.iter().position(|row| row.key == *cursor)
    }

    /// Puts the cursor on a row, the nearest there is.
    pub fn move_to(&mut self, index: usize) {
        let index = index.min(self.rows.len().saturating_sub(1));
        self.cursor = self.rows.get(index).map(|row| row.key.clone());
        self.keep_in_view();
    }

    /// Returns how many rows of the table the screen shows: what the head, the titles and two lines of footer leave.
    pub fn page(&self) -> usize {
        usize::from(self.height).saturating_sub(banner::head(self).len() + 4).max(1)
    }

    /// Scrolls as little as needed for the cursor to be seen and the screen to be full.
    pub fn keep_in_view(&mut self) {
        let page = self.page();
        if let Some(index) = self.cursor_index() {
            self.offset = self.offset.clamp((index + 1).saturating_sub(page), index);
        }
        self.offset = self.offset.min(self.rows.len().saturating_sub(page));
    }
}

/// Says whether a project needs attention.
fn wants_attention(row: &ProjectRow) -> bool {
    row.failure().is_some_and(|_| row.state_word() != StateWord::NoAccess)
        || row.worst().is_some_and(|worst| worst.needs_attention())
}

fn facts(nth: usize, row: &ProjectRow) -> Vec<RowFacts> {
    let project = row.project.id;
    if row.pipelines().is_empty() {
        let key = RowKey { project, git_ref: None };
        return vec![RowFacts { key, nth, web_url: row.project.web_url.clone() }];
    }
    let of_pipeline = |pipeline: &Pipeline| RowFacts {
        // With one pipeline a row the ref may change from push to push; it is still that row.
        key: RowKey { project, git_ref: (row.pipelines().len() > 1).then(|| pipeline.git_ref.name.clone()) },
        nth,
        web_url: pipeline.web_url.clone().or_else(|| row.project.web_url.clone()),
    };
    row.pipelines().iter().map(of_pipeline).collect()
}

/// Returns the project of a change that made a pipeline of it fail.
fn newly_failed(change: &Change) -> Option<&Project> {
    match &change.kind {
        ChangeKind::Pipeline { project, from, to: Status::Failed, .. } if *from != Some(Status::Failed) => {
            Some(project)
        }
        ChangeKind::Pipeline { .. }
        | ChangeKind::Appeared { .. }
        | ChangeKind::Left { .. }
        | ChangeKind::State { .. }
        | ChangeKind::Problem(_) => None,
    }
}
