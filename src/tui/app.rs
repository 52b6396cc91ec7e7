//! What the dashboard is made of: what is known, the first screen, the screens that were opened above it, and what is said.

use super::announcement::{self, ViewAnnouncement};
use super::banner;
use super::event_entry::{EventEntry, MOST_EVENTS};
use super::facts::{PipelineNeeds, ReadPipelines, ToldPast, UpdateNews, ViewFacts, ViewOptions};
use super::input::InputLine;
use super::pending::{ActionQuestion, ActionRecord, PendingAction};
use super::screens::line::ScreenLine;
use super::screens::overview::{LineKey, OverviewScreen};
use super::screens::place::{ScreenKind, ScreenPlace};
use super::screens::stack::OpenedScreen;
use crate::act::Action;
use crate::act::rights::TokenRights;
use crate::collect::explain_service::ExplainAnswer;
use crate::collect::watch::{ChangeNews, WatchUpdate};
use crate::domain::change::Change;
use crate::domain::evidence::Evidence;
use crate::domain::fact::PipelineFact;
use crate::domain::id::{ById, JobId, PipelineId, ProjectId};
use crate::domain::outcome::{ChangeMeaning, OutcomeMemory, project_of};
use crate::domain::past::FlakyJob;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::{Failure, ProjectRow};
use crate::explain::cause::{Explanation, explain};
use crate::report::cell::Tone;
use crate::report::explain::{CauseFinding, PipelineExplanation};
use crate::report::status::StatusReport;
use crate::text::glyph::Charset;
use crate::text::plural::counted;
use chrono::{DateTime, Utc};
use std::collections::{HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How long a project that has begun to fail is named in the header.
pub const ALERT_FOR: Duration = Duration::from_secs(60);
/// How long the cursor rests somewhere before it is asked what belongs there.
const REST: Duration = Duration::from_millis(300);
/// Lines of the screen that are neither head nor body: the first one, and the keys.
const FIXED_LINES: usize = 2;
/// From this width on, what is under the cursor is explained beside the list.
const WIDTH_WITH_PANE: u16 = 140;
/// The cells before each line of an opened screen, where the cursor is.
const CURSOR_CELLS: usize = 2;

/// What lies on top of the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Modal {
    /// All keys, from this line on.
    Help { offset: usize },
    /// Which text to copy: the next key says it.
    Copy,
    /// Which view of the configuration: the next key says it.
    Views,
    /// A question before something is changed.
    Confirm(ActionQuestion),
}

/// What a line that is typed is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputPurpose {
    Filter,
    Search,
    /// The program that gets the log.
    Pipe,
    /// The file that gets the log.
    Save,
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

/// The answer to why a pipeline is red, with the jobs that its parts are about.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredExplanation {
    pub(crate) answer: PipelineExplanation,
    jobs: Vec<Option<JobId>>,
}

impl AnsweredExplanation {
    fn new(evidence: &Evidence, judged: Option<&Explanation>, now: DateTime<Utc>) -> Self {
        let explanation = judged.cloned().unwrap_or_else(|| explain(evidence, now));
        let jobs = explanation.causes.iter().map(|cause| Some(cause.job.as_ref()?.job.id)).collect();
        Self { answer: PipelineExplanation::new(evidence, &explanation, now), jobs }
    }

    /// Returns what there is to say about one job.
    pub(crate) fn finding_of(&self, job: JobId) -> Option<&CauseFinding> {
        let at = self.jobs.iter().position(|known| *known == Some(job))?;
        self.answer.findings.get(at)
    }
}

/// How far the question is why a pipeline is red.
#[derive(Debug, Clone, PartialEq)]
pub enum ExplanationState {
    Asked { since: Instant },
    Answered(Box<AnsweredExplanation>),
    Failed(Failure),
}

/// What is known of why a pipeline is red, and which state of it that is about.
#[derive(Debug)]
struct KnownExplanation {
    updated_at: Option<DateTime<Utc>>,
    state: ExplanationState,
}

/// Everything that the picture is made of.
#[derive(Debug)]
pub struct App {
    pub facts: ViewFacts,
    pub overview: OverviewScreen,
    /// The screens above the first one, the one that is shown last.
    pub opened: Vec<OpenedScreen>,
    pub modal: Option<Modal>,
    pub input: Option<(InputPurpose, InputLine)>,
    /// The last filter, which `/` offers again.
    pub last_filter: String,
    pub alerts: Vec<Alert>,
    /// A word to the user until the next key.
    pub notice: Option<String>,
    /// Until the next key, too.
    pub page_address: Option<PageAddress>,
    explanations: ById<PipelineId, KnownExplanation>,
    /// The last pipelines of projects that were looked at, from the memory and as far as they were read; newest first.
    pub recent: ById<ProjectId, Vec<PipelineFact>>,
    /// How far they were read.
    pub read_pipelines: ById<ProjectId, ReadPipelines>,
    /// Flaky jobs of projects that were looked at, from the memory.
    pub flaky: ById<ProjectId, Vec<FlakyJob>>,
    /// How far it is known what is remembered of projects that were looked at.
    pub told_pasts: ById<ProjectId, ToldPast>,
    pub pending: Vec<PendingAction>,
    /// What the user has done, the last at the end.
    pub actions: Vec<ActionRecord>,
    /// What has changed, the last at the end.
    pub events: VecDeque<EventEntry>,
    outcomes: OutcomeMemory,
    /// While the view is frozen: the update that is not shown.
    pub held: Option<(Box<WatchUpdate>, Instant)>,
    pub is_frozen: bool,
    /// Since when the cursor rests where it is.
    pub rests_since: Instant,
    /// Counts the logs that were asked for.
    pub log_requests: u64,
    pub has_mouse: bool,
    /// What the token may, as far as it was asked.
    pub rights: TokenRights,
    /// The question that waits for that.
    pub waiting_question: Option<(Action, ActionQuestion)>,
    common_group: Option<String>,
}

impl App {
    pub fn new(options: ViewOptions, width: u16, height: u16, now: Instant) -> Self {
        let rights = options.rights.clone();
        Self {
            overview: OverviewScreen::new(options.sort),
            facts: ViewFacts::new(options, width, height, now),
            opened: Vec::new(),
            modal: None,
            input: None,
            last_filter: String::new(),
            alerts: Vec::new(),
            notice: None,
            page_address: None,
            explanations: ById::default(),
            recent: ById::default(),
            flaky: ById::default(),
            told_pasts: ById::default(),
            read_pipelines: ById::default(),
            pending: Vec::new(),
            actions: Vec::new(),
            events: VecDeque::new(),
            outcomes: OutcomeMemory::default(),
            held: None,
            is_frozen: false,
            rests_since: now,
            log_requests: 0,
            has_mouse: false,
            rights,
            waiting_question: None,
            common_group: None,
        }
    }

    pub fn kind(&self) -> ScreenKind {
        self.opened.last().map_or(ScreenKind::Overview, |screen| screen.place.kind())
    }

    /// Returns what the cursor is on: that of the list, and that of the screen on top.
    pub fn pointed(&self) -> (Option<LineKey>, Option<(ScreenPlace, Option<ScreenPlace>)>) {
        let top = self.opened.last().map(|screen| (screen.place, screen.chosen()));
        (self.overview.cursor.clone(), top)
    }

    /// Says whether the cursor is not only passing by.
    pub fn is_resting(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.rests_since) >= REST
    }

    /// Takes what has changed: notes it, and names for a while what began to fail. Returns what is announced of it.
    pub fn apply_changes(&mut self, news: &ChangeNews, now: Instant) -> Option<ViewAnnouncement> {
        let changes = match news {
            ChangeNews::Start { snapshot, missed } => {
                // What is read first has not changed, and what was missed is seen in the table only.
                self.outcomes.begin(&snapshot.rows);
                if *missed > 0 {
                    self.notice = Some(format!("{} not shown one by one", counted(*missed, "change")));
                }
                return None;
            }
            ChangeNews::Changes(changes) => changes,
        };
        let of = |change| (change, self.outcomes.meaning(change));
        let judged: Vec<(&Change, ChangeMeaning)> = changes.iter().map(of).collect();
        self.overview.mark_changes(&judged);
        self.events.extend(judged.iter().map(|(change, meaning)| EventEntry::of(change, *meaning)));
        let surplus = self.events.len().saturating_sub(MOST_EVENTS);
        self.events.drain(..surplus);
        let muted = &self.overview.muted;
        let is_news = |change: &Change| project_of(change).is_none_or(|project| !muted.contains_key(&project.id));
        let news: Vec<_> = judged.into_iter().filter(|(change, _)| is_news(change)).collect();
        let broke = news.iter().filter(|(_, meaning)| *meaning == ChangeMeaning::Broke);
        let broke = broke.filter_map(|(change, _)| project_of(change));
        self.alerts.extend(broke.map(|project| Alert { project: project.full_path.clone(), since: now }));
        announcement::of(&self.facts.options, &news)
    }

    /// Takes a newer update, and says what it has brought; a view that is frozen keeps it for later.
    pub fn apply_update(&mut self, update: WatchUpdate, now: Instant) -> UpdateNews {
        if self.is_frozen {
            self.held = Some((Box::new(update), now));
            return UpdateNews::Nothing;
        }
        let was_whole = self.facts.is_all_read();
        let last = self.facts.update.snapshot.clone();
        let news = self.facts.apply_update(update, now);
        if !was_whole && self.facts.is_all_read() {
            self.forget_failed();
        }
        if news != UpdateNews::Nothing && self.facts.update.is_whole {
            // What GitLab had done when the reading began is in what was read; one that was under way may lack it, and so
            // does one of other projects.
            let begun = now.checked_sub(self.facts.update.took).unwrap_or(now);
            let was_read = |project| self.facts.was_read_since(last.as_deref(), project);
            let is_seen = |pending: &PendingAction| {
                pending.answered_at.is_some_and(|at| begun >= at) && was_read(pending.project)
            };
            self.pending.retain(|pending| !is_seen(pending));
        }
        if news == UpdateNews::OtherRows {
            self.common_group = self.facts.update.snapshot.as_deref().and_then(StatusReport::common_group);
            self.forget_unshown();
        }
        let (width, room) = (self.table_width(), self.table_room());
        self.overview.apply_update(&self.facts, news, width, room);
        news
    }

    /// Stops taking updates into the picture, or takes the last one.
    pub fn toggle_frozen(&mut self, now: Instant) {
        self.is_frozen = !self.is_frozen;
        if let Some((update, came_at)) = self.held.take().filter(|_| !self.is_frozen) {
            // It is as old as it is: what it says is counted from when it came.
            self.apply_update(*update, came_at);
            self.facts.now = now;
        }
    }

    /// Lets time pass: forgets news that are none any more, and makes room for what has grown old.
    pub fn expire_alerts(&mut self, now: Instant) {
        self.facts.now = now;
        self.alerts.retain(|alert| now.saturating_duration_since(alert.since) < ALERT_FOR);
        if !self.overview.has_room_for_ages(&self.facts) {
            self.arrange();
        }
    }

    /// Lays the list out again.
    pub fn arrange(&mut self) {
        let (width, room) = (self.table_width(), self.table_room());
        self.overview.arrange(&self.facts, width, room);
    }

    /// Returns how many lines there are between the head and the keys.
    pub fn body_height(&self) -> usize {
        usize::from(self.facts.height).saturating_sub(banner::head(self).len() + FIXED_LINES).max(1)
    }

    /// Returns how many rows of the table the screen shows: a line is for the titles.
    pub fn table_room(&self) -> usize {
        self.body_height().saturating_sub(1).max(1)
    }

    /// Returns how wide the pane beside the list is; 0 where there is none.
    pub fn pane_width(&self) -> u16 {
        let has_picture = self.facts.options.charset != Charset::Words;
        let is_wanted = has_picture
            && self.facts.width >= WIDTH_WITH_PANE
            && self.overview.cursor.is_some()
            && self.opened.is_empty();
        if is_wanted { (self.facts.width / 3).min(80) } else { 0 }
    }

    /// Returns how wide the text of an opened screen is: all but the cells of the cursor.
    pub fn text_width(&self) -> usize {
        usize::from(self.facts.width).saturating_sub(CURSOR_CELLS)
    }

    pub fn table_width(&self) -> u16 {
        self.facts.width - self.pane_width()
    }

    /// Returns a path below the group that all have in common.
    pub fn short_path(&self, path: &str) -> String {
        let below = self.common_group.as_deref().and_then(|group| path.strip_prefix(group)?.strip_prefix('/'));
        below.unwrap_or(path).to_owned()
    }

    /// Takes the answer to why a pipeline is red.
    pub fn apply_answer(&mut self, answer: ExplainAnswer) {
        let Some(now) = self.facts.present() else { return };
        let state = match answer.evidence {
            Ok(evidence) => {
                ExplanationState::Answered(Box::new(AnsweredExplanation::new(&evidence, answer.judged.as_deref(), now)))
            }
            Err(failure) => ExplanationState::Failed(failure),
        };
        self.explanations.insert(answer.pipeline, KnownExplanation { updated_at: answer.updated_at, state });
    }

    /// Returns what is known of why a pipeline is red. What was known before it went on is no answer any more.
    pub fn explanation_of(&self, pipeline: &Pipeline) -> Option<&ExplanationState> {
        let known = self.explanations.get(&pipeline.id)?;
        (known.updated_at == pipeline.updated_at).then_some(&known.state)
    }

    /// Notes that it is asked why a pipeline is red; a question that is still open is given up for it.
    pub fn note_question(&mut self, pipeline: PipelineId, updated_at: Option<DateTime<Utc>>, now: Instant) {
        self.explanations.retain(|_, known| !matches!(known.state, ExplanationState::Asked { .. }));
        let state = ExplanationState::Asked { since: now };
        self.explanations.insert(pipeline, KnownExplanation { updated_at, state });
    }

    /// Says whether an answer is still to come.
    pub fn is_asking(&self) -> bool {
        self.explanations.values().any(|known| matches!(known.state, ExplanationState::Asked { .. }))
    }

    /// Forgets what could not be read while the server was in trouble: by now it may be.
    fn forget_failed(&mut self) {
        self.explanations.retain(|_, known| !matches!(known.state, ExplanationState::Failed(_)));
        self.facts.needs.retain(|_, needs| !matches!(needs, PipelineNeeds::Failed(_)));
    }

    /// Forgets what is known of pipelines that are no longer shown.
    fn forget_unshown(&mut self) {
        if self.explanations.is_empty() {
            return;
        }
        let pipelines = self.facts.rows().iter().flat_map(ProjectRow::pipelines);
        let listed = pipelines.map(|pipeline| pipeline.id);
        let shown: HashSet<PipelineId> = listed.chain(self.facts.older.keys().copied()).collect();
        self.explanations.retain(|pipeline, _| shown.contains(pipeline));
    }

    /// Returns what was asked of GitLab about a job and is not seen yet.
    pub fn pending_of(&self, project: ProjectId, job: JobId) -> Option<String> {
        let is_it = |pending: &&PendingAction| pending.project == project && pending.job == Some(job);
        self.pending.iter().find(is_it).map(PendingAction::words)
    }

    /// Says what was asked of GitLab about a pipeline and is not seen yet.
    pub fn pending_words(&self, project: ProjectId, pipeline: PipelineId) -> Option<String> {
        let is_it = |pending: &&PendingAction| pending.project == project && pending.pipeline == pipeline;
        self.pending.iter().find(is_it).map(PendingAction::words)
    }

    /// The same as a line of a screen.
    pub fn action_line(&self, project: ProjectId, pipeline: PipelineId) -> Option<ScreenLine> {
        let words = self.pending_words(project, pipeline)?;
        Some(ScreenLine::text(format!("{} {words}", self.facts.options.charset.asked()), Tone::Active))
    }
}
