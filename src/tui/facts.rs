//! What every screen knows: the latest update and when it came, what the memory adds, the time, the size of the terminal.

use super::keymap::ViewKeymap;
use super::named_view::NamedView;
use super::theme::ViewTheme;
use crate::act::rights::TokenRights;
use crate::collect::pipeline_page::{NextPage, PageStart};
use crate::collect::watch::{WatchPhase, WatchUpdate};
use crate::domain::health::{FailOn, RowOrder};
use crate::domain::id::{ById, PipelineId, ProjectId};
use crate::domain::job_needs::JobNeeds;
use crate::domain::outcome::NoticeRule;
use crate::domain::past::{KnownPast, PastLack};
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{Failure, ProjectRow};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use crate::report::cell::Column;
use crate::report::headline::{self, Freshness, HeadCount};
use crate::report::layout::StagesWidth;
use crate::report::status::{ReportMoment, StatusOptions};
use crate::text::glyph::Charset;
use chrono::{DateTime, TimeDelta, Utc};
use std::ptr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// After so long it is said how old a pipeline is that is not in the list.
const A_WHILE: Duration = Duration::from_secs(60);
/// A row may miss one refresh, or this much, before it is shown as old.
const GRACE: Duration = Duration::from_secs(10);

/// What the caller decides before the view starts.
#[derive(Debug, Clone)]
pub struct ViewOptions {
    pub status: StatusOptions,
    /// The columns that the user has asked for; `None` where the width of the screen decides.
    pub columns: Option<Vec<Column>>,
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
    /// The setting that forbids changes, where one does.
    pub read_only: Option<String>,
    /// What is known of what the token may.
    pub rights: TokenRights,
    /// The views of the configuration.
    pub views: Vec<NamedView>,
    /// The program that shows long texts.
    pub pager: String,
    pub keys: ViewKeymap,
    pub theme: ViewTheme,
    /// The changes that ring the terminal's bell.
    pub bell: Vec<NoticeRule>,
    /// The changes that the desktop is asked to show.
    pub desktop: Vec<NoticeRule>,
}

/// What an update has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateNews {
    /// No snapshot, or the one that was known.
    Nothing,
    /// The same rows, read again.
    SameRows,
    OtherRows,
}

/// How far the pipelines of a project were read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadPipelines {
    /// Where the next page begins.
    pub next: NextPage,
    /// Since when it is waited for.
    pub asked_since: Option<Instant>,
    pub failure: Option<Failure>,
}

impl Default for ReadPipelines {
    fn default() -> Self {
        Self { next: NextPage::Begins(PageStart::Newest), asked_since: None, failure: None }
    }
}

/// How far it is known what is remembered of a project.
#[derive(Debug, Clone, PartialEq)]
pub enum ToldPast {
    Asked {
        since: Instant,
    },
    /// From the own memory: there is nothing to be said about it.
    Own,
    /// When a hub told it, and how old it was by then.
    Told {
        at: Instant,
        age: Duration,
    },
    Lacks(PastLack),
}

/// How far a pipeline is read that is not in the list.
#[derive(Debug, Clone, PartialEq)]
pub enum OlderPipeline {
    Asked { since: Instant },
    Read { pipeline: Box<Pipeline>, at: Instant },
    Failed(Failure),
}

/// How far it is known what the jobs of a pipeline need.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineNeeds {
    Asked {
        since: Instant,
    },
    Read(JobNeeds),
    /// Nothing was told: over REST, by a hub, by an older GitLab, or of a pipeline that is gone.
    Untold,
    Failed(Failure),
}

/// What is known, whatever screen shows it.
#[derive(Debug)]
pub struct ViewFacts {
    pub options: ViewOptions,
    pub update: WatchUpdate,
    /// What the memory adds.
    pub past: Arc<KnownPast>,
    /// The present.
    pub now: Instant,
    /// When the snapshot came.
    pub snapshot_at: Instant,
    /// Since when the present reading goes on, or when the last one ended.
    pub phase_since: Instant,
    /// The real time from one reading to the next, as it was last told.
    pub interval: Duration,
    pub width: u16,
    pub height: u16,
    /// How many of all projects are in which state, the worst first.
    pub counts: Vec<HeadCount>,
    /// Pipelines that are not in the list, as far as they were opened.
    pub older: ById<PipelineId, OlderPipeline>,
    /// The one of them that was asked for last and is not answered.
    pub asked_again: Option<PipelineId>,
    /// What the list told of them when they were asked for.
    pub told: ById<PipelineId, Status>,
    /// What the jobs of pipelines need that were looked at.
    pub needs: ById<PipelineId, PipelineNeeds>,
}

impl ViewFacts {
    pub fn new(options: ViewOptions, width: u16, height: u16, now: Instant) -> Self {
        Self {
            interval: options.interval,
            options,
            update: WatchUpdate::new(),
            past: Arc::default(),
            now,
            snapshot_at: now,
            phase_since: now,
            width,
            height,
            counts: Vec::new(),
            older: ById::default(),
            asked_again: None,
            told: ById::default(),
            needs: ById::default(),
        }
    }

    /// Takes a newer update.
    pub fn apply_update(&mut self, update: WatchUpdate, now: Instant) -> UpdateNews {
        self.now = now;
        let news = match (&self.update.snapshot, &update.snapshot) {
            (_, None) => UpdateNews::Nothing,
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => UpdateNews::Nothing,
            (Some(old), Some(new)) if new.is_unchanged_since(old) => UpdateNews::SameRows,
            (_, Some(_)) => UpdateNews::OtherRows,
        };
        let is_reading = |update: &WatchUpdate| matches!(update.phase, WatchPhase::Reading(_));
        if is_reading(&self.update) != is_reading(&update) {
            self.phase_since = now;
        }
        if let WatchPhase::Waiting { interval, .. } = update.phase {
            self.interval = interval;
        }
        self.update = update;
        if news != UpdateNews::Nothing {
            self.snapshot_at = now;
        }
        if let (UpdateNews::OtherRows, Some(snapshot)) = (news, &self.update.snapshot) {
            self.counts = headline::counts(&snapshot.rows);
        }
        news
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

    /// Says whether the last reading brought everything.
    pub fn is_all_read(&self) -> bool {
        self.update.failed.is_none() && self.update.whole().is_some_and(|snapshot| snapshot.is_complete())
    }

    /// Says whether nothing is missing from what is shown, and nothing of it is older than it should be: only then does
    /// what is not there say something.
    pub fn is_sure(&self) -> bool {
        self.is_all_read() && self.freshness().is_fresh()
    }

    /// Returns from when and where the rows are seen; `None` before anything was read.
    pub fn moment(&self) -> Option<ReportMoment<'_>> {
        let (zone, expected) = (self.options.status.zone, Some(self.expected()));
        Some(ReportMoment { now: self.present()?, zone, expected, past: &self.past })
    }

    /// Returns all rows that are known.
    pub fn rows(&self) -> &[ProjectRow] {
        self.update.snapshot.as_ref().map_or(&[], |snapshot| &snapshot.rows)
    }

    pub fn row(&self, project: ProjectId) -> Option<&ProjectRow> {
        self.rows().iter().find(|row| row.project.id == project)
    }

    /// Says whether a project was read after a snapshot was taken, or is in one of both alone.
    pub fn was_read_since(&self, snapshot: Option<&Snapshot>, project: ProjectId) -> bool {
        let before = snapshot.and_then(|last| last.rows.iter().find(|row| row.project.id == project));
        let is_same = |before: &ProjectRow, now: &ProjectRow| {
            before.as_of == now.as_of && ptr::eq(before.pipelines(), now.pipelines())
        };
        !before.zip(self.row(project)).is_some_and(|(before, now)| is_same(before, now))
    }

    /// Returns a pipeline that is shown in the list, or was opened beside it; `None` for any other.
    pub fn pipeline(&self, project: ProjectId, pipeline: PipelineId) -> Option<(&ProjectRow, &Pipeline)> {
        let row = self.row(project)?;
        let listed = row.pipelines().iter().find(|known| known.id == pipeline);
        let older = || match self.older.get(&pipeline)? {
            OlderPipeline::Read { pipeline, .. } => Some(&**pipeline),
            OlderPipeline::Asked { .. } | OlderPipeline::Failed(_) => None,
        };
        Some((row, listed.or_else(older)?))
    }

    /// Returns how long ago a pipeline was read that is not in the list, where that is a while: no reading of the list tells
    /// what has become of it.
    pub fn read_ago(&self, row: &ProjectRow, pipeline: PipelineId) -> Option<Duration> {
        let is_listed = row.pipelines().iter().any(|listed| listed.id == pipeline);
        let OlderPipeline::Read { at, .. } = self.older.get(&pipeline).filter(|_| !is_listed)? else { return None };
        Some(self.now.saturating_duration_since(*at)).filter(|ago| *ago >= A_WHILE)
    }

    /// Returns how old by now is what a hub has told, where that is a while.
    pub fn told_ago(&self, at: Instant, age: Duration) -> Option<Duration> {
        let ago = self.now.saturating_duration_since(at).saturating_add(age);
        Some(ago).filter(|ago| *ago >= A_WHILE)
    }

    /// Returns an address if it is a page of the host: a link is whatever the server says.
    pub fn own_page<'u>(&self, url: &'u str) -> Option<&'u str> {
        Some(url).filter(|url| url.starts_with(&format!("{}/", self.options.host)))
    }
}
