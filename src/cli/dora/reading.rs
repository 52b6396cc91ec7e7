//! Reads what the measures need and the history lacks, and judges what is known of each project.

use super::DoraChoice;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::history;
use crate::cli::progress::ProgressLine;
use crate::cli::session::Session;
use crate::cli::{output, recording};
use crate::collect::listing::ListedProjects;
use crate::domain::delivery::MergeRequestFact;
use crate::domain::fact::{SECONDS_PER_DAY, UnixSeconds};
use crate::domain::failure::FailureKind;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::domain::snapshot::Problem;
use crate::domain::window::TimeWindow;
use crate::dora::gather::{GatheredProject, gather};
use crate::dora::known::{DoraRules, ProductionEvent};
use crate::dora::stand_in::{StandInFacts, stand_ins};
use crate::dora::study::StudiedProject;
use crate::history::backfill::{self, FillError, FillGap, FillOptions, FillPart};
use crate::history::deliveries::merged;
use crate::history::deliveries::{self, DeliveryOptions, DeliverySummary, DeliveryWants};
use crate::history::place::HistoryPlace;
use crate::history::store::HistoryStore;
use crate::report::dora::DoraProblem;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::time::Instant;

/// So long before the window evidence is looked for, at least.
const LOOKBACK: i64 = 90 * SECONDS_PER_DAY;

/// What is known of all projects, and what could not be read.
pub(super) struct DeliveryReading {
    pub now: UnixSeconds,
    pub projects: Vec<StudiedProject>,
    pub problems: Vec<DoraProblem>,
    /// The window before lies in what was read.
    pub is_before_known: bool,
    /// Something failed that another run may read.
    has_failed: bool,
    /// Something is hidden from this token.
    has_hidden: bool,
}

impl DeliveryReading {
    pub(super) fn exit(&self, allow_partial: bool) -> Exit {
        if self.projects.iter().all(|of| !of.is_read) {
            return Exit::NoData;
        }
        if self.has_failed && !allow_partial { Exit::Partial } else { Exit::Done }
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.has_failed && !self.has_hidden
    }

    /// Says whether it was read what all deployments of a time brought.
    pub(super) fn is_before_read(&self, before: TimeWindow) -> bool {
        self.projects.iter().flat_map(|of| &of.unread).all(|at| !before.contains(*at))
    }
}

/// A memory for this run alone, where none is kept.
struct MemoryPlace {
    place: HistoryPlace,
    _folder: Option<TempDir>,
}

impl MemoryPlace {
    fn new(session: &Session) -> Result<Self, CliError> {
        if let Some(place) = recording::place(&session.config, &session.run_context) {
            return Ok(Self { place, _folder: None });
        }
        let folder = TempDir::new().map_err(CliError::Output)?;
        let place = HistoryPlace::in_folder(folder.path(), &session.config.connection.host.to_string());
        Ok(Self { place, _folder: Some(folder) })
    }
}

/// Reads and judges.
pub(super) async fn read(
    session: &Session,
    choice: &DoraChoice<'_>,
    (window, rules): (TimeWindow, DoraRules),
    listed: ListedProjects,
) -> Result<DeliveryReading, CliError> {
    let config = &session.config;
    let line = ProgressLine::new(config, output::stderr_is_terminal());
    let ListedProjects { projects, problems, unmatched, .. } = listed;
    let memory = MemoryPlace::new(session)?;
    let mut store = history::open(&memory.place)?;
    let keep = i64::try_from(config.history.keep.as_secs()).unwrap_or(i64::MAX);
    store.prune_daily(rules.now, keep).map_err(CliError::History)?;
    let oldest = rules.now.saturating_sub(keep);
    let since = window.before().from.min(window.from.saturating_sub(LOOKBACK)).max(oldest);
    let since = since.div_euclid(SECONDS_PER_DAY).saturating_mul(SECONDS_PER_DAY);
    let mut work = DeliveryWork { session, choice, window, rules, since, store, place: &memory.place, line };
    let summary = work.read_deliveries(&projects).await?;
    let gaps = work.studied(&projects).await?;
    let WorkResult { projects: studied, gaps: pipeline_gaps } = gaps;
    let mut reading = DeliveryReading {
        now: rules.now,
        projects: studied,
        problems: Vec::new(),
        is_before_known: since <= window.before().from,
        has_failed: !problems.is_empty(),
        has_hidden: false,
    };
    reading.note_problems(&problems, &unmatched);
    reading.note_gaps(&summary, &pipeline_gaps);
    reading.note_unread(window);
    Ok(reading)
}

struct WorkResult {
    projects: Vec<StudiedProject>,
    gaps: Vec<FillGap>,
}

struct DeliveryWork<'a> {
    session: &'a Session,
    choice: &'a DoraChoice<'a>,
    window: TimeWindow,
    rules: DoraRules,
    /// Begin of the day since which facts are wanted.
    since: UnixSeconds,
    store: HistoryStore,
    place: &'a HistoryPlace,
    line: ProgressLine,
}

impl DeliveryWork<'_> {
    async fn read_deliveries(&mut self, projects: &[Arc<Project>]) -> Result<DeliverySummary, CliError> {
        let options = self.options(projects);
        let (line, place) = (&self.line, self.place);
        let show = |progress| line.show_deliveries(progress);
        let is_live = || place.is_live();
        let read = deliveries::fill_deliveries(&self.session.client, &mut self.store, options, &is_live, &show).await;
        read.map_err(|error| failed(self.session, error))
    }

    fn options(&self, projects: &[Arc<Project>]) -> DeliveryOptions {
        let to = self.window.to.saturating_add(self.rules.hotfix_window);
        let config = &self.session.config;
        DeliveryOptions {
            projects: projects.to_vec(),
            groups: config.scope.groups.clone(),
            since: self.since,
            wants: DeliveryWants {
                choice: self.choice.production.clone(),
                merges: (self.window.from, to),
                starts: true,
                first_commits: self.choice.is_from_commit(),
            },
            asks_news: true,
            api: config.collecting.api,
        }
    }

    /// Judges all projects; of those without a deployment to production the pipelines are read first.
    async fn studied(&mut self, projects: &[Arc<Project>]) -> Result<WorkResult, CliError> {
        let batch = self.store.deliveries().map_err(CliError::History)?;
        let mut gathered = gather(&batch, &self.choice.production);
        let mut read = HashSet::new();
        for project in projects {
            let span = self.store.known_deliveries_span(project.id).map_err(CliError::History)?;
            read.extend(span.filter(|span| span.since <= self.since).map(|_| project.id));
        }
        let is_piped = |project: &&Arc<Project>| {
            let known = gathered.get(&project.id).is_some_and(|of| !of.known.deployments.is_empty());
            read.contains(&project.id) && !known
        };
        let piped: Vec<Arc<Project>> = projects.iter().filter(is_piped).cloned().collect();
        let gaps = self.read_pipelines(&piped, &mut gathered).await?;
        // Where pipelines cannot be read, it is not known that nothing takes the place of deployments.
        let of_pipelines = gaps.iter().filter(|gap| gap.part == FillPart::Pipelines);
        let lost = of_pipelines.filter(|gap| gap.failure.kind != FailureKind::CiDisabled);
        lost.for_each(|gap| {
            read.remove(&gap.project.id);
        });
        let nothing = GatheredProject::default();
        let study = |project: &Arc<Project>| {
            let known = gathered.get(&project.id).unwrap_or(&nothing);
            StudiedProject::new(Project::clone(project), known, read.contains(&project.id), self.rules)
        };
        let mut studied: Vec<StudiedProject> = projects.iter().map(study).collect();
        studied.sort_by(|one, other| one.project.full_path.cmp(&other.project.full_path));
        Ok(WorkResult { projects: studied, gaps })
    }

    /// Reads the pipelines of projects without deployments, and what was merged into their default branches.
    async fn read_pipelines(
        &mut self,
        projects: &[Arc<Project>],
        gathered: &mut HashMap<ProjectId, GatheredProject>,
    ) -> Result<Vec<FillGap>, CliError> {
        if projects.is_empty() {
            return Ok(Vec::new());
        }
        let api = self.session.config.collecting.api;
        let options = FillOptions { projects: projects.to_vec(), since: self.since, api };
        let (line, place, begun) = (&self.line, self.place, Instant::now());
        let show = |progress| line.show_fill(progress, begun.elapsed());
        let is_live = || place.is_live();
        let filled = backfill::fill(&self.session.client, &mut self.store, options, &is_live, &show).await;
        let mut gaps = filled.map_err(|error| failed(self.session, error))?.gaps;
        let lacking: HashSet<ProjectId> = gaps.iter().map(|gap| gap.project.id).collect();
        let read: Vec<Arc<Project>> =
            projects.iter().filter(|project| !lacking.contains(&project.id)).cloned().collect();
        let options = self.options(&read);
        let show = |progress| line.show_deliveries(progress);
        let merged = merged::fill_merged(&self.session.client, &mut self.store, options, &is_live, &show).await;
        gaps.extend(merged.map_err(|error| failed(self.session, error))?.gaps);
        self.take_stand_ins(projects, gathered)?;
        if self.choice.is_from_commit() {
            let wanted = (self.options(&read), &self.brought(gathered));
            let (line, place) = (&self.line, self.place);
            let is_live = || place.is_live();
            let show = |progress| line.show_deliveries(progress);
            let read = merged::fill_commits(&self.session.client, &mut self.store, wanted, &is_live, &show).await;
            gaps.extend(read.map_err(|error| failed(self.session, error))?.gaps);
            self.take_stand_ins(projects, gathered)?;
        }
        Ok(gaps)
    }

    /// Puts the pipelines that take the place of deployments to what is known of their projects.
    fn take_stand_ins(
        &self,
        projects: &[Arc<Project>],
        gathered: &mut HashMap<ProjectId, GatheredProject>,
    ) -> Result<(), CliError> {
        let requests = self.store.deliveries().map_err(CliError::History)?.merge_requests;
        let mut merged: HashMap<ProjectId, Vec<&MergeRequestFact>> = HashMap::new();
        for request in &requests {
            merged.entry(request.project).or_default().push(request);
        }
        for project in projects {
            let Some(default_branch) = project.default_branch.as_deref() else { continue };
            let pipelines = self.store.past_pipelines(project.id, self.since).map_err(CliError::History)?;
            let merged = merged.get(&project.id).map(Vec::as_slice).unwrap_or_default();
            let of = gathered.entry(project.id).or_default();
            let facts = StandInFacts { pipelines: &pipelines, since: self.since, default_branch, merged };
            of.known.pipelines = stand_ins(facts);
            let known = self.store.known_merged(project.id).map_err(CliError::History)?;
            let is_known = known.is_some_and(|known| known.since <= self.since);
            let successes = of.known.pipelines.iter().filter(|event| event.is_success && !is_known);
            of.unread = successes.map(|event| event.finished_at).collect();
        }
        Ok(())
    }

    /// Returns the merge requests that pipelines of the window brought.
    fn brought(&self, gathered: &HashMap<ProjectId, GatheredProject>) -> HashSet<(ProjectId, u64)> {
        let within = |event: &&ProductionEvent| self.window.contains(event.finished_at);
        let of = |(id, of): (&ProjectId, &GatheredProject)| {
            let merges = of.known.pipelines.iter().filter(within).flat_map(|event| &event.merges);
            merges.map(|merge| (*id, merge.iid)).collect::<Vec<_>>()
        };
        gathered.iter().flat_map(of).collect()
    }
}

fn failed(session: &Session, error: FillError) -> CliError {
    match error {
        FillError::Request(error) => session.failed("read deployments".into(), *error),
        FillError::History(error) => CliError::History(error),
    }
}

impl DeliveryReading {
    fn note(&mut self, subject: Option<String>, problem: String) {
        self.problems.push(DoraProblem { subject, problem });
    }

    fn note_problems(&mut self, problems: &[Problem], unmatched: &[String]) {
        for problem in problems {
            self.note(Some(problem.subject.clone()), format!("{}: {}", problem.scope.word(), problem.failure));
        }
        for pattern in unmatched {
            self.note(None, format!("pattern \"{pattern}\" matches no project"));
        }
    }

    fn note_gaps(&mut self, summary: &DeliverySummary, pipelines: &[FillGap]) {
        for gap in summary.gaps.iter().chain(pipelines) {
            if gap.failure.kind == FailureKind::CiDisabled {
                continue;
            }
            self.has_failed |= !gap.is_hidden;
            self.has_hidden |= gap.is_hidden;
            self.note(Some(gap.project.full_path.clone()), format!("{}: {}", gap.part.word(), gap.failure));
        }
        for gap in &summary.incident_gaps {
            self.has_failed |= !gap.is_hidden;
            self.has_hidden |= gap.is_hidden;
            let words = "failures that only an incident shows are missing";
            self.note(Some(gap.group.to_string()), format!("incidents: {}: {words}", gap.failure));
        }
    }

    fn note_unread(&mut self, window: TimeWindow) {
        let unread = self.projects.iter().flat_map(|of| &of.unread).filter(|at| window.contains(**at)).count();
        if unread > 0 {
            let words =
                "deployments of the last minutes or of an unfinished reading: what they brought is not known yet";
            self.note(None, format!("{unread} {words}"));
        }
    }
}
