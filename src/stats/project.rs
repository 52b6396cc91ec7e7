//! One project's facts, judged and then counted.

use super::commit::{AttemptVerdict, CommitNumber, CommitVerdicts};
use super::cost::SecondsSpent;
use super::critical_path::{busy_seconds, critical_path};
use super::origin::{FailedAttempt, FailurePast};
use super::plan::{StatsPlan, TimeSlot};
use super::stretch::{created_at, ended_at, red_times};
use super::tally::{CoverageTally, JobTally, PartKey, RunTally};
use crate::domain::fact::{PipelineFact, UnixSeconds};
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::JobKind;
use crate::domain::past::names_a_cause;
use crate::domain::pipeline::{Ref, RefKind};
use crate::domain::project::Project;
use crate::domain::runs::{AttemptEnd, CoveredDay, JobAttempt, NameId, ProjectRuns, SHORT_AGO};
use crate::domain::status::Status;
use crate::domain::window::TimeWindow;
use crate::explain::reason;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Sources of GitLab's whose pipelines a newer commit does not make useless.
const SCHEDULE: &str = "schedule";

/// What was counted of one project, and its failures, whose origin depends on other projects.
#[derive(Debug)]
pub struct ProjectStudy {
    pub project: Project,
    pub(super) tallies: BTreeMap<TimeSlot, RunTally>,
    pub(super) failures: Vec<FailedAttempt>,
}

/// Judges and counts what is known of a project.
pub fn study_project(runs: &ProjectRuns, plan: &StatsPlan) -> ProjectStudy {
    let facts = OrderedRuns::new(runs);
    let slots: Vec<Option<TimeSlot>> = facts.pipelines.iter().map(|fact| slot(&runs.project, fact, plan)).collect();
    let mut counts: BTreeMap<TimeSlot, SlotCounts> = BTreeMap::new();
    for (slot, _) in plan.slots() {
        counts.insert(*slot, SlotCounts::new(runs.names.len()));
    }
    let superseded = superseded(&facts.pipelines);
    for (at, slot) in slots.iter().enumerate() {
        if let Some(counts) = slot.and_then(|slot| counts.get_mut(&slot)) {
            counts.count_pipeline(&facts, at, superseded[at]);
        }
    }
    for red in red_times(&facts.pipelines) {
        if let Some(counts) = slots[red.first].and_then(|slot| counts.get_mut(&slot)) {
            counts.count_red(&facts.pipelines, red.first, red.green);
        }
    }
    let failures = failed_attempts(&facts, &slots);
    let tally = |(slot, counts): (TimeSlot, SlotCounts)| (slot, counts.into_tally(runs));
    let mut tallies: BTreeMap<TimeSlot, RunTally> = counts.into_iter().map(tally).collect();
    for (slot, window) in plan.slots() {
        let tally = tallies.entry(*slot).or_default();
        tally.coverage.insert(runs.project.id, coverage(runs, *window));
    }
    ProjectStudy { project: runs.project.clone(), tallies, failures }
}

/// Returns where a pipeline is counted; `None` where it is not asked for.
fn slot(project: &Project, fact: &PipelineFact, plan: &StatsPlan) -> Option<TimeSlot> {
    let slot = plan.slot_of(created_at(fact)?)?;
    let of = Ref { name: fact.ref_name.clone(), kind: fact.ref_kind };
    plan.refs.iter().any(|selector| selector.selects(project, &of)).then_some(slot)
}

fn coverage(runs: &ProjectRuns, window: TimeWindow) -> CoverageTally {
    let days = window.days();
    // The day on which the window ends may not be over: it is known as far as it goes.
    let is_read_to_its_end = runs.filled_until.is_some_and(|until| until >= window.to.saturating_sub(SHORT_AGO));
    let is_whole = |covered: &CoveredDay| covered.is_whole || (is_read_to_its_end && covered.day == *days.end());
    let known: BTreeMap<i64, bool> = runs.days.iter().map(|covered| (covered.day, is_whole(covered))).collect();
    let known: Vec<bool> = known.range(days.clone()).map(|(_, is_whole)| *is_whole).collect();
    let count = (days.end() - days.start() + 1).max(0).unsigned_abs();
    let with_gaps = known.iter().filter(|is_whole| !**is_whole).count() as u64;
    CoverageTally { days: count, missing: count.saturating_sub(known.len() as u64), with_gaps }
}

/// Facts in an order of their own, so that the order in which they come decides nothing.
pub(super) struct OrderedRuns<'a> {
    pub(super) runs: &'a ProjectRuns,
    /// By id.
    pub(super) pipelines: Vec<&'a PipelineFact>,
    /// By pipeline, name and id: attempts at one job are neighbours.
    attempts: Vec<&'a JobAttempt>,
    /// The attempts of each pipeline.
    spans: Vec<Range<usize>>,
    pub(super) commits: Vec<CommitNumber>,
    pub(super) verdicts: CommitVerdicts,
    tests: HashMap<JobId, Vec<&'a str>, RandomState>,
}

impl<'a> OrderedRuns<'a> {
    fn new(runs: &'a ProjectRuns) -> Self {
        let mut pipelines: Vec<&PipelineFact> = runs.pipelines.iter().collect();
        pipelines.sort_unstable_by_key(|fact| fact.id);
        pipelines.dedup_by_key(|fact| fact.id);
        let place = |id: PipelineId| pipelines.binary_search_by_key(&id, |fact| fact.id).ok();
        let mut placed: Vec<(usize, &JobAttempt)> =
            runs.attempts.iter().filter_map(|attempt| Some((place(attempt.pipeline)?, attempt))).collect();
        placed.sort_unstable_by_key(|(place, attempt)| (*place, attempt.name, attempt.id));
        placed.dedup_by_key(|(_, attempt)| attempt.id);
        let mut spans = vec![0..0; pipelines.len()];
        let mut begin = 0;
        for group in placed.chunk_by(|(a, _), (b, _)| a == b) {
            spans[group[0].0] = begin..begin + group.len();
            begin += group.len();
        }
        let commits = commits(&pipelines);
        let verdict = |(at, attempt): &(usize, &JobAttempt)| {
            let at_time = attempt.finished_at.or(ended_at(pipelines[*at]))?;
            let passed = attempt.end == AttemptEnd::Success;
            let verdict = AttemptVerdict { id: attempt.id, at: at_time, passed };
            (attempt.kind == JobKind::Job && attempt.has_verdict()).then_some((attempt.name, commits[*at], verdict))
        };
        let verdicts = CommitVerdicts::new(&placed.iter().filter_map(verdict).collect::<Vec<_>>());
        let attempts = placed.into_iter().map(|(_, attempt)| attempt).collect();
        Self { runs, pipelines, attempts, spans, commits, verdicts, tests: tests_by_job(runs) }
    }

    pub(super) fn attempts_of(&self, pipeline: usize) -> &[&'a JobAttempt] {
        &self.attempts[self.spans[pipeline].clone()]
    }

    pub(super) fn reason(&self, attempt: &JobAttempt) -> Option<Arc<str>> {
        attempt.reason.map(|reason| self.runs.names.name(reason))
    }

    pub(super) fn tests_of(&self, attempt: &JobAttempt) -> &[&'a str] {
        self.tests.get(&attempt.id).map_or(&[], Vec::as_slice)
    }

    /// Says whether a failure shows by itself what to look at.
    fn is_explained(&self, attempt: &JobAttempt) -> bool {
        !self.tests_of(attempt).is_empty() || self.reason(attempt).is_some_and(|reason| names_a_cause(&reason))
    }
}

/// Returns the tests that failed in each job, in order.
fn tests_by_job(runs: &ProjectRuns) -> HashMap<JobId, Vec<&str>, RandomState> {
    let mut tests: HashMap<JobId, Vec<&str>, RandomState> = HashMap::default();
    for (job, test) in &runs.tests {
        tests.entry(*job).or_default().push(test);
    }
    tests.values_mut().for_each(|tests| tests.sort_unstable());
    tests
}

/// Numbers commits by their first pipelines.
fn commits(pipelines: &[&PipelineFact]) -> Vec<CommitNumber> {
    let mut known: HashMap<&str, CommitNumber, RandomState> = HashMap::default();
    let mut numbers = Vec::with_capacity(pipelines.len());
    for (fact, own) in pipelines.iter().zip(0..) {
        numbers.push(fact.sha.as_deref().map_or(own, |sha| *known.entry(sha).or_insert(own)));
    }
    numbers
}

/// Says of each pipeline whether a newer commit came on its ref while it was under way; one of which that is not known was
/// not superseded. A schedule supersedes nothing and is not superseded: it is about a time, not about a commit.
fn superseded(pipelines: &[&PipelineFact]) -> Vec<bool> {
    let mut newer: HashMap<(&str, RefKind), (&str, UnixSeconds), RandomState> = HashMap::default();
    let mut found = vec![false; pipelines.len()];
    for (at, fact) in pipelines.iter().enumerate().rev() {
        let (Some(sha), Some(source), Some(created)) = (&fact.sha, &fact.source, created_at(fact)) else { continue };
        if source == SCHEDULE || fact.ref_kind == RefKind::Tag {
            continue;
        }
        let key = (fact.ref_name.as_str(), fact.ref_kind);
        if let Some((next_sha, next_at)) = newer.get(&key) {
            let was_active = ended_at(fact).is_some_and(|ended| fact.course.status.is_terminal() && *next_at < ended);
            found[at] = was_active && next_sha != sha && *next_at >= created;
        }
        newer.insert(key, (sha, created));
    }
    found
}

/// Counts one part of the time; jobs and stages by the numbers of their names.
struct SlotCounts {
    tally: RunTally,
    jobs: Vec<JobTally>,
    stages: Vec<Vec<u64>>,
    spent: Vec<SecondsSpent>,
}

impl SlotCounts {
    fn new(names: usize) -> Self {
        Self {
            tally: RunTally::default(),
            jobs: vec![JobTally::default(); names],
            stages: vec![Vec::new(); names],
            spent: vec![SecondsSpent::default(); names],
        }
    }

    fn count_pipeline(&mut self, facts: &OrderedRuns<'_>, at: usize, is_superseded: bool) {
        let fact = facts.pipelines[at];
        let attempts = facts.attempts_of(at);
        let tally = &mut self.tally;
        tally.pipelines += 1;
        tally.superseded += u64::from(is_superseded);
        if let Some(created) = created_at(fact) {
            let day = tally.days.entry(created.div_euclid(super::plan::SECONDS_PER_DAY)).or_default();
            day.pipelines += 1;
            day.success += u64::from(is_green(&fact.course.status));
            day.failed += u64::from(fact.course.status == Status::Failed);
        }
        let seconds = pipeline_seconds(fact, attempts);
        let has_verdict = is_green(&fact.course.status) || fact.course.status == Status::Failed;
        if fact.course.status.is_terminal() {
            tally.wall.extend(seconds);
        }
        if has_verdict {
            tally.queues.extend(queued_seconds(fact));
        }
        match &fact.course.status {
            status if is_green(status) => {
                tally.success += 1;
                tally.passed.extend(seconds);
                tally.warning += u64::from(has_warnings(&fact.course.status, attempts));
                self.count_stages(attempts);
            }
            Status::Failed => {
                tally.failed += 1;
                tally.broken.extend(seconds);
            }
            Status::Canceled => tally.canceled += 1,
            _ => {}
        }
        if has_verdict {
            self.count_path(attempts, created_at(fact));
        }
        self.count_attempts(facts, at, is_superseded);
    }

    fn count_attempts(&mut self, facts: &OrderedRuns<'_>, at: usize, is_superseded: bool) {
        for chain in facts.attempts_of(at).chunk_by(|a, b| a.name == b.name) {
            let mut before: Option<&JobAttempt> = None;
            for (nth, attempt) in chain.iter().enumerate().filter(|(_, attempt)| attempt.kind == JobKind::Job) {
                let is_retried = nth + 1 < chain.len();
                self.count_seconds(attempt, is_retried, is_superseded);
                self.tally.job_queues.extend(attempt.queued);
                if before.is_some_and(|before| before.end == AttemptEnd::Success) {
                    self.tally.green_reruns += 1;
                    self.tally.green_rerun_seconds += attempt.seconds().unwrap_or(0);
                }
                match attempt.end {
                    AttemptEnd::Success => self.jobs[attempt.name.index()].passed.extend(attempt.seconds()),
                    AttemptEnd::Failed => self.count_failure(facts, at, attempt),
                    AttemptEnd::Canceled | AttemptEnd::Other => {}
                }
                before = Some(attempt);
            }
        }
    }

    fn count_seconds(&mut self, attempt: &JobAttempt, is_retried: bool, is_superseded: bool) {
        let Some(seconds) = attempt.seconds() else {
            self.tally.untimed += 1;
            return;
        };
        self.tally.timed += 1;
        let spent = &mut self.spent[attempt.tags.index()];
        spent.all += seconds;
        match (is_retried, attempt.end == AttemptEnd::Canceled, is_superseded) {
            (true, ..) => spent.retried += seconds,
            (_, true, _) => spent.canceled += seconds,
            (.., true) => spent.superseded += seconds,
            (false, false, false) => {}
        }
    }

    fn count_failure(&mut self, facts: &OrderedRuns<'_>, at: usize, attempt: &JobAttempt) {
        self.tally.failures += 1;
        self.tally.explained += u64::from(facts.is_explained(attempt));
        let job = &mut self.jobs[attempt.name.index()];
        let commit = facts.commits[at];
        let failed_at = attempt.finished_at.or(ended_at(facts.pipelines[at])).unwrap_or(i64::MIN);
        // A runner that failed says nothing about the job.
        let is_system = facts.reason(attempt).is_some_and(|reason| reason::is_infrastructure(&reason));
        if !facts.verdicts.was_rerun(attempt.name, commit, attempt.id) {
            job.never_rerun += 1;
        }
        if !is_system && facts.verdicts.passed_too(attempt.name, commit, failed_at) {
            job.flaky_failures += 1;
            job.flaky_seconds += attempt.seconds().unwrap_or(0);
        }
    }

    fn count_stages(&mut self, attempts: &[&JobAttempt]) {
        let mut spans: HashMap<NameId, Vec<(UnixSeconds, UnixSeconds)>, RandomState> = HashMap::default();
        for attempt in attempts.iter().filter(|attempt| attempt.kind == JobKind::Job) {
            spans.entry(attempt.stage).or_default().extend(span(attempt));
        }
        for (stage, mut spans) in spans {
            if !spans.is_empty() {
                self.stages[stage.index()].push(busy_seconds(&mut spans));
            }
        }
    }

    fn count_path(&mut self, attempts: &[&JobAttempt], created_at: Option<UnixSeconds>) {
        let own: Vec<&JobAttempt> = attempts.iter().copied().filter(|attempt| attempt.kind == JobKind::Job).collect();
        let steps = critical_path(&own, created_at);
        if steps.is_empty() {
            return;
        }
        let (run, wait) = steps.iter().fold((0, 0), |(run, wait), step| (run + step.run, wait + step.wait));
        self.tally.paths.push(run + wait);
        self.tally.path_run += run;
        self.tally.path_wait += wait;
        let mut last = None;
        for step in &steps {
            let name = own[step.attempt].name;
            let job = &mut self.jobs[name.index()];
            // A job that was run again is one job of this pipeline.
            job.on_path += u64::from(last != Some(name));
            job.path_run += step.run;
            job.path_wait += step.wait;
            last = Some(name);
        }
    }

    fn count_red(&mut self, pipelines: &[&PipelineFact], first: usize, green: Option<usize>) {
        let Some(green) = green else {
            self.tally.still_red += 1;
            return;
        };
        let span = ended_at(pipelines[first]).zip(ended_at(pipelines[green]));
        // A clock that jumped gives no time.
        self.tally.greens.extend(span.filter(|(red, green)| red <= green).map(|(red, green)| green.abs_diff(red)));
    }

    fn into_tally(self, runs: &ProjectRuns) -> RunTally {
        let mut tally = self.tally;
        let part = |name| PartKey { project: runs.project.id, name };
        for (name, job) in runs.names.iter().zip(self.jobs).filter(|(_, job)| *job != JobTally::default()) {
            tally.jobs.insert(part(name), job);
        }
        for (name, seconds) in runs.names.iter().zip(self.stages).filter(|(_, seconds)| !seconds.is_empty()) {
            tally.stages.insert(part(name), seconds);
        }
        let spent = runs.names.iter().zip(self.spent);
        tally.spent.extend(spent.filter(|(_, spent)| spent.all > 0));
        tally
    }
}

fn is_green(status: &Status) -> bool {
    matches!(status, Status::Success | Status::Warning)
}

/// Says whether a green pipeline has a job that failed, was allowed to, and was not repaired by another attempt.
fn has_warnings(status: &Status, attempts: &[&JobAttempt]) -> bool {
    let last = attempts.chunk_by(|a, b| a.name == b.name).filter_map(<[&JobAttempt]>::last);
    *status == Status::Warning || last.into_iter().any(|last| last.allow_failure && last.end == AttemptEnd::Failed)
}

fn span(attempt: &JobAttempt) -> Option<(UnixSeconds, UnixSeconds)> {
    attempt.started_at.zip(attempt.finished_at).filter(|(start, end)| start <= end)
}

/// Returns how long a pipeline ran: as GitLab tells it, else by GitLab's rule from its jobs, else from start to end.
fn pipeline_seconds(fact: &PipelineFact, attempts: &[&JobAttempt]) -> Option<u64> {
    if fact.course.duration.is_some() {
        return fact.course.duration;
    }
    let mut spans: Vec<_> = attempts.iter().filter_map(|attempt| span(attempt)).collect();
    if !spans.is_empty() {
        return Some(busy_seconds(&mut spans));
    }
    let course = fact.course.started_at.zip(fact.course.finished_at).filter(|(start, end)| start <= end);
    course.map(|(start, end)| end.abs_diff(start))
}

/// Returns how long a pipeline waited for its first job: as GitLab tells it, else from creation to start.
fn queued_seconds(fact: &PipelineFact) -> Option<u64> {
    let span = || fact.created_at.zip(fact.course.started_at).filter(|(created, start)| created <= start);
    fact.course.queued.or_else(|| span().map(|(created, start)| start.abs_diff(created)))
}

/// Returns all failures, also those outside of the window: they are evidence about others.
fn failed_attempts(facts: &OrderedRuns<'_>, slots: &[Option<TimeSlot>]) -> Vec<FailedAttempt> {
    let past = FailurePast::new(facts);
    let mut found = Vec::new();
    for (at, slot) in slots.iter().enumerate() {
        let failed = |attempt: &&&JobAttempt| attempt.end == AttemptEnd::Failed && attempt.kind == JobKind::Job;
        for attempt in facts.attempts_of(at).iter().filter(failed) {
            found.push(past.failed_attempt(facts, at, attempt, *slot));
        }
    }
    found
}
