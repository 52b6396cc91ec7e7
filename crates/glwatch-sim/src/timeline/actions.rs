//! How a pipeline goes on after a user retried, canceled or started something in it.

use std::sync::Arc;

use super::{PipelineSeed, StageFlow, StagePlayer, StageTurn, outcome, worse};
use crate::action_log::{JobAction, RecordedAction};
use crate::job_spec::{JobOutcome, JobSpec, StartRule};
use crate::plan::{Attempt, Job, Pipeline, Tree};
use crate::rng::Rng;
use crate::status::{StatusWord, is_cancelable, is_complete};
use crate::world::World;

impl Tree {
    /// Changes what comes after an act; what was before stays.
    pub(super) fn interfere(&mut self, world: &World, act: &RecordedAction) {
        let exists = |p: &Pipeline| p.id == act.pipeline && p.created <= act.at;
        let Some(index) = self.pipelines.iter().position(exists) else { return };
        match &act.action {
            JobAction::Retry { job, id } => {
                self.try_again(index, *job, *id, act.at);
                self.go_on(world, index, act.at, Some(*job));
            }
            JobAction::RetryAll(jobs) => {
                jobs.iter().for_each(|(job, id)| self.try_again(index, *job, *id, act.at));
                self.go_on(world, index, act.at, None);
            }
            JobAction::Cancel(job) => {
                self.pipelines[index].jobs[*job].cancel(act.at);
                self.go_on(world, index, act.at, None);
            }
            JobAction::CancelAll => self.cancel_all(index, act.at),
            JobAction::Play(job) => self.go_on(world, index, act.at, Some(*job)),
        }
        self.mirror(world, index, act.at);
    }

    /// Adds an attempt, and wakes what was skipped in later stages because the one before failed.
    fn try_again(&mut self, index: usize, job: usize, id: u64, at: i64) {
        let jobs = &mut self.pipelines[index].jobs;
        jobs[job].rewind(at);
        let moves = vec![(at, StatusWord::Borrowed("created"))];
        jobs[job].attempts.push(Attempt { id, ..Attempt::new(moves) });
        self.wake(index, job, at);
    }

    fn wake(&mut self, index: usize, job: usize, at: i64) {
        let jobs = &mut self.pipelines[index].jobs;
        let stage = jobs[job].stage.clone();
        for later in jobs[job..].iter_mut().filter(|later| later.stage != stage) {
            if later.status(at) == Some("skipped") {
                later.rewind(at);
                let attempt = later.attempts.last_mut();
                attempt.into_iter().for_each(|last| last.moves.push((at, StatusWord::Borrowed("created"))));
            }
        }
    }

    /// Cancels a pipeline with the child pipelines that it started.
    fn cancel_all(&mut self, index: usize, at: i64) {
        let project = self.pipelines[index].project;
        for job in 0..self.pipelines[index].jobs.len() {
            self.pipelines[index].jobs[job].cancel(at);
            let Some(below) = self.pipelines[index].jobs[job].downstream else { continue };
            if self.pipelines[below].created > at {
                self.forget(below);
            } else if self.pipelines[below].project == project {
                self.cancel_all(below, at);
            }
        }
    }

    /// Makes a pipeline that was to come, and what it would have started, never come.
    fn forget(&mut self, index: usize) {
        self.pipelines[index].created = i64::MAX;
        let below: Vec<usize> = self.pipelines[index].jobs.iter().filter_map(|job| job.downstream).collect();
        below.into_iter().for_each(|below| self.forget(below));
    }

    /// Plays all that is not decided at `at` again, stage by stage; `now` starts at once, whatever was before it.
    fn go_on(&mut self, world: &World, index: usize, at: i64, now: Option<usize>) {
        let (line, instance) = self.origin;
        let slot = usize::try_from(self.pipelines[index].id % world.slot_span).unwrap_or(0);
        let created = self.pipelines[index].created;
        let seed = PipelineSeed { line: &world.lines[line], instance, slot, created, upstream: None };
        let rng = Rng::of(&[world.seed, self.pipelines[index].id, u64::try_from(at).unwrap_or(0)]);
        StagePlayer { world, tree: self, seed: &seed, rng }.resume(index, at, now);
    }

    /// Lets the bridge that waits for this pipeline follow it, and its own pipeline go on.
    fn mirror(&mut self, world: &World, index: usize, at: i64) {
        let waits =
            |job: &Job| job.downstream == Some(index) && job.spec.downstream.as_ref().is_some_and(|below| below.depend);
        let place = self.pipelines.iter().position(|above| above.jobs.iter().any(waits));
        let Some(above) = place else { return };
        let Some(bridge) = self.pipelines[above].jobs.iter().position(waits) else { return };
        let below = &self.pipelines[index];
        let (status, end) = (below.status(i64::MAX), below.end().max(at) + 200);
        let job = &mut self.pipelines[above].jobs[bridge];
        if job.status(at) == Some("canceled") {
            return;
        }
        job.rewind(at);
        let over = job.status(at).is_some_and(is_complete);
        let Some(attempt) = job.attempts.last_mut() else { return };
        if over {
            attempt.moves.push((at, StatusWord::Borrowed("running")));
        }
        if is_complete(&status) {
            attempt.moves.push((end, status));
        }
        self.wake(above, bridge, at);
        self.go_on(world, above, at, None);
        self.mirror(world, above, at);
    }
}

impl Job {
    fn status(&self, at: i64) -> Option<&str> {
        self.current(at)?.status(at)
    }

    /// Drops what was to come after `at`.
    fn rewind(&mut self, at: i64) {
        self.attempts.retain(|attempt| attempt.created() <= at);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.moves.retain(|(moved, _)| *moved <= at);
        }
    }

    fn cancel(&mut self, at: i64) {
        if !self.status(at).is_some_and(is_cancelable) {
            return;
        }
        let runs = self.status(at) == Some("running");
        let planned = self.current(at).and_then(|attempt| attempt.moves.iter().find(|(moved, _)| *moved > at)).cloned();
        self.rewind(at);
        let ms = self.spec.ms;
        if let Some(attempt) = self.attempts.last_mut() {
            // What its log was to say, of which it said a part.
            let started = attempt.reached("running", at).filter(|_| runs);
            attempt.cut =
                started.map(|started| planned.unwrap_or((started + endless(ms), StatusWord::Borrowed("running"))));
            attempt.moves.push((at, StatusWord::Borrowed("canceled")));
        }
    }
}

/// How long a log takes that has no end.
pub(crate) fn endless(ms: i64) -> i64 {
    ms.max(1_000) * 10
}

impl StagePlayer<'_> {
    fn resume(&mut self, index: usize, at: i64, now: Option<usize>) {
        let (mut flow, mut gate) = (StageFlow::Going, self.seed.created + 1_000);
        let mut first = 0;
        while first < self.tree.pipelines[index].jobs.len() {
            let jobs = &self.tree.pipelines[index].jobs;
            let width = jobs[first..].iter().take_while(|job| job.stage == jobs[first].stage).count();
            let (mut next, mut end) = (flow, gate);
            for job in first..first + width {
                if now == Some(job) {
                    self.replay(index, job, at, (StageFlow::Going, at));
                } else if self.tree.pipelines[index].jobs[job].status(at) == Some("created") {
                    let jobs = &self.tree.pipelines[index].jobs;
                    let needed = jobs[job].spec.needs.as_ref().map(|needs| self.turn_of(needs, &jobs[..job]));
                    let (flow, gate) = needed.map_or((flow, gate), |turn| (skipping(turn.flow), turn.gate));
                    self.replay(index, job, at, (flow, gate.max(at)));
                }
                let job = &self.tree.pipelines[index].jobs[job];
                end = end.max(job.attempts.last().map_or(gate, Attempt::end));
                next = worse(next, outcome(&job.spec, job));
            }
            flow = skipping(next);
            gate = end + 400;
            first += width;
        }
    }

    /// Plays a job from `at` on, in the attempt that is current then.
    fn replay(&mut self, index: usize, job: usize, at: i64, (flow, gate): (StageFlow, i64)) {
        let pipeline = &mut self.tree.pipelines[index];
        let (number, old) = (pipeline.id, &mut pipeline.jobs[job]);
        old.rewind(at);
        let Some(current) = old.attempts.pop() else { return };
        let added = current.id / self.world.job_span != number;
        let spec = from_now(&old.spec, added, flow == StageFlow::Going && gate == at);
        // What this bridge was to start later, it starts at another time now.
        let below = old.downstream;
        if let Some(below) = below.filter(|below| self.tree.pipelines[*below].created > at) {
            self.tree.forget(below);
        }
        let slot = &self.world.slots[self.seed.slot];
        let child = slot.children.iter().find(|(of, _)| *of == job).map(|(_, slot)| (index, *slot));
        let mut new = self.play(&spec, &StageTurn { flow, gate, prelude: current.moves.clone() }, child);
        let span = self.world.job_span;
        let pipeline = &mut self.tree.pipelines[index];
        let ids = pipeline.jobs.iter().flat_map(|job| &job.attempts).map(|attempt| attempt.id);
        let mut last = ids.chain([current.id]).filter(|id| id / span == number).max().unwrap_or(number * span);
        for (nth, attempt) in new.attempts.iter_mut().enumerate() {
            last += u64::from(nth > 0);
            attempt.id = if nth == 0 { current.id } else { last };
        }
        let old = &mut pipeline.jobs[job];
        old.attempts.append(&mut new.attempts);
        old.downstream = new.downstream.or(old.downstream);
    }
}

/// When one job is canceled, those after it are skipped.
fn skipping(flow: StageFlow) -> StageFlow {
    if flow == StageFlow::Canceled { StageFlow::Failed } else { flow }
}

/// Returns how a job goes on: an added attempt is one that passes or not, and who starts a job need not wait for it.
fn from_now(spec: &Arc<JobSpec>, added: bool, at_once: bool) -> Arc<JobSpec> {
    let mut new = JobSpec::clone(spec);
    if added {
        let lasting = spec.reason.is_none() || spec.reason.as_deref() == Some("script_failure");
        new.fate = match &spec.fate {
            JobOutcome::Fails(_) if lasting && !spec.heals => JobOutcome::Fails(1),
            JobOutcome::Stays(word) => JobOutcome::Stays(word.clone()),
            JobOutcome::Fails(_) | JobOutcome::Flaky(_) | JobOutcome::Canceled | JobOutcome::Succeeds => {
                JobOutcome::Succeeds
            }
        };
    }
    if at_once {
        new.start = StartRule::Runner;
    }
    Arc::new(new)
}
