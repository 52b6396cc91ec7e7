//! From a line of the scenario to a pipeline's life: plays its stages one after the other, downstreams included.

mod actions;
mod past;

use std::sync::Arc;

pub(crate) use actions::endless;
pub(crate) use past::{request_title, source_branch};

use super::job_spec::{DownstreamSpec, JobOutcome, JobSpec, StartRule, ran};
use super::plan::{Attempt, Job, Pipeline, Tree, USERS};
use super::rng::Rng;
use super::status::{StatusWord, is_complete};
use super::world::{PipelineLine, World};

const TITLES: [&str; 8] = [
    "Fix rounding in the invoice total",
    "Bump dependencies",
    "Retry on connection reset",
    "Drop support for Python 3.8",
    "Cache the exchange rates for a minute",
    "Make the importer idempotent",
    "Document the failure modes",
    "Merge branch 'release' into 'main'",
];

/// What the stages so far mean for the next one.
#[derive(Clone, Copy, PartialEq)]
enum StageFlow {
    Going,
    Failed,
    Canceled,
    Blocked,
}

impl Tree {
    /// Grows the n-th pipeline of a line.
    pub(crate) fn grow(world: &World, line: usize, instance: i64) -> Self {
        let mut tree = Self { origin: (line, instance), pipelines: Vec::new() };
        if let Some(past) = world.history_of(line) {
            tree.add_past(world, past);
        } else {
            let created = world.created(line, instance);
            let (line, slot) = (&world.lines[line], world.lines[line].slot);
            tree.add(world, &PipelineSeed { line, instance, slot, created, upstream: None });
        }
        world.actions.on(tree.origin).iter().for_each(|act| tree.interfere(world, act));
        tree
    }

    fn add(&mut self, world: &World, seed: &PipelineSeed<'_>) -> usize {
        let mut rng = Rng::of(&[world.seed, seed.slot as u64, u64::try_from(seed.instance.max(0)).unwrap_or(0)]);
        let index = self.pipelines.len();
        let pipeline = seed.pipeline(world, self, &mut rng);
        self.pipelines.push(pipeline);
        let specs = seed.specs(world, &mut rng);
        let jobs = StagePlayer { world, tree: self, seed, rng }.run(&specs);
        self.pipelines[index].jobs = jobs;
        self.number_attempts(world, index);
        index
    }

    /// Gives ids: first attempts in stage order, later attempts above all of them.
    fn number_attempts(&mut self, world: &World, index: usize) {
        let pipeline = &mut self.pipelines[index];
        let mut next = pipeline.id * world.job_span;
        let most = pipeline.jobs.iter().map(|job| job.attempts.len()).max().unwrap_or(0);
        for attempt in 0..most {
            for job in &mut pipeline.jobs {
                if let Some(attempt) = job.attempts.get_mut(attempt) {
                    next += 1;
                    attempt.id = next;
                }
            }
        }
    }
}

/// Where and when a pipeline is to be planted.
struct PipelineSeed<'a> {
    line: &'a PipelineLine,
    instance: i64,
    slot: usize,
    created: i64,
    /// Index in the tree of the pipeline that triggered this one.
    upstream: Option<usize>,
}

impl PipelineSeed<'_> {
    fn pipeline(&self, world: &World, tree: &Tree, rng: &mut Rng) -> Pipeline {
        let slot = &world.slots[self.slot];
        let project = &world.projects[slot.project];
        let branch = project.default_branch.clone().unwrap_or_else(|| "main".to_owned());
        let ranks = project.slots.len() as u64;
        let entry = &self.line.entry;
        let upstream = self.upstream.map(|at| &tree.pipelines[at]);
        let title = TITLES[usize::try_from(rng.next() % 8).unwrap_or(0)].to_owned();
        let mut pipeline = Pipeline {
            id: world.pipeline_id(self.slot, self.created),
            iid: (u64::try_from(self.instance).unwrap_or(0) + 1) * ranks + slot.rank as u64,
            project: slot.project,
            ref_name: entry.ref_name.clone().unwrap_or_else(|| branch.clone()),
            tag: entry.tag,
            source: entry.source.clone().unwrap_or_else(|| "push".to_owned()),
            name: entry.name.clone(),
            title: entry.title.clone().unwrap_or(title),
            sha: rng.sha(),
            before_sha: rng.sha(),
            user: usize::try_from(rng.next() % USERS.len() as u64).unwrap_or(0),
            yaml_errors: entry.yaml_errors.clone(),
            fixed_status: entry.status.clone(),
            failure_reason: entry
                .failure_reason
                .clone()
                .or(entry.yaml_errors.as_ref().map(|_| "config_error".to_owned())),
            created: self.created,
            jobs: Vec::new(),
        };
        if let Some(upstream) = upstream {
            pipeline.name = None;
            pipeline.user = upstream.user;
            if upstream.project == slot.project {
                pipeline.source = "parent_pipeline".to_owned();
                pipeline.ref_name.clone_from(&upstream.ref_name);
                pipeline.tag = upstream.tag;
                pipeline.sha.clone_from(&upstream.sha);
                pipeline.title.clone_from(&upstream.title);
            } else {
                pipeline.source = "pipeline".to_owned();
                pipeline.ref_name = branch;
                pipeline.tag = false;
            }
        }
        pipeline
    }

    /// Returns the template's jobs, one of them made to fail as often as the line asks for.
    fn specs(&self, world: &World, rng: &mut Rng) -> Vec<Arc<JobSpec>> {
        let mut specs = world.slots[self.slot].jobs.to_vec();
        let roll = rng.next() % 100;
        let (fail, flaky) = (self.line.entry.fail, self.line.entry.flaky);
        let mut candidates: Vec<&mut Arc<JobSpec>> =
            specs.iter_mut().filter(|job| job.downstream.is_none() && job.fate == JobOutcome::Succeeds).collect();
        if self.upstream.is_some() || roll >= fail + flaky || candidates.is_empty() {
            return specs;
        }
        let victim = usize::try_from(rng.next() % candidates.len() as u64).unwrap_or(0);
        Arc::make_mut(candidates[victim]).fate = if roll < fail { JobOutcome::Fails(1) } else { JobOutcome::Flaky(2) };
        specs
    }
}

/// Plays the stages of one pipeline one after the other.
struct StagePlayer<'a> {
    world: &'a World,
    tree: &'a mut Tree,
    seed: &'a PipelineSeed<'a>,
    rng: Rng,
}

impl StagePlayer<'_> {
    fn run(&mut self, specs: &[Arc<JobSpec>]) -> Vec<Job> {
        let index = self.tree.pipelines.len() - 1;
        let mut jobs = Vec::with_capacity(specs.len());
        let mut flow = StageFlow::Going;
        let mut gate = self.seed.created + 1_000;
        // What a later retry makes the jobs of all following stages go through before their own turn.
        let mut prelude: Vec<(i64, StatusWord)> = vec![(self.seed.created, StatusWord::Borrowed("created"))];
        let mut first = 0;
        while first < specs.len() {
            let width = specs[first..].iter().take_while(|spec| spec.stage == specs[first].stage).count();
            let stage = first..first + width;
            let mut next = flow;
            let mut end = gate;
            let mut retried_at = None;
            for (at, spec) in specs[stage.clone()].iter().enumerate() {
                let slot = self.seed.slot;
                let child = self.world.slots[slot].children.iter().find(|(job, _)| *job == first + at).map(|(_, s)| *s);
                let stage_turn = StageTurn { flow, gate, prelude: prelude.clone() };
                let turn = spec.needs.as_ref().map_or(stage_turn, |needs| self.turn_of(needs, &jobs));
                let job = self.play(spec, &turn, child.map(|slot| (index, slot)));
                let last = job.attempts.last().map_or(gate, Attempt::end);
                end = end.max(last);
                next = worse(next, outcome(spec, &job));
                if spec.retry_after.is_some() && job.attempts.len() > 1 {
                    retried_at = retried_at.max(job.attempts.get(1).map(Attempt::created));
                }
                jobs.push(job);
            }
            prelude.extend(retried_at.into_iter().flat_map(|at| detour(at, &jobs[stage.clone()], gate)));
            flow = next;
            gate = end + 400;
            first += width;
        }
        jobs
    }

    /// Returns what a job with `needs:` finds: their end, whatever becomes of the stages meanwhile.
    fn turn_of(&self, needs: &[String], played: &[Job]) -> StageTurn {
        let created = self.seed.created;
        let mut turn = StageTurn {
            flow: StageFlow::Going,
            gate: created + 1_000,
            prelude: vec![(created, StatusWord::Borrowed("created"))],
        };
        let needed: Vec<Job> = played.iter().filter(|job| needs.contains(&job.name)).cloned().collect();
        for job in &needed {
            turn.gate = turn.gate.max(job.attempts.last().map_or(0, Attempt::end) + 400);
            let last = job.attempts.last().and_then(|attempt| attempt.status(i64::MAX)).unwrap_or("created");
            // What waits for a job that never runs is skipped (`Gitlab::Ci::Status::Composite` with `dag`).
            let never_ran = last == "skipped" || (last == "manual" && job.allow_failure);
            turn.flow = worse(turn.flow, if never_ran { StageFlow::Failed } else { outcome(&job.spec, job) });
        }
        let retried = needed.iter().filter(|job| job.spec.retry_after.is_some() && job.attempts.len() > 1);
        let retried_at = retried.filter_map(|job| job.attempts.get(1)).map(Attempt::created).max();
        turn.prelude.extend(retried_at.into_iter().flat_map(|at| detour(at, &needed, turn.gate)));
        turn
    }

    fn play(&mut self, spec: &Arc<JobSpec>, turn: &StageTurn, child: Option<(usize, usize)>) -> Job {
        let mut job = Job {
            stage: spec.stage.clone(),
            name: spec.name.clone(),
            bridge: spec.downstream.is_some(),
            allow_failure: spec.allow_failure,
            coverage: self.coverage(spec),
            reason: spec.reason.clone().unwrap_or_else(|| "script_failure".to_owned()),
            attempts: Vec::new(),
            downstream: None,
            spec: Arc::clone(spec),
        };
        let mut moves = turn.prelude.to_vec();
        let halted = match turn.flow {
            StageFlow::Failed if !spec.always => Some("skipped"),
            StageFlow::Canceled => Some("canceled"),
            StageFlow::Blocked => Some("created"),
            StageFlow::Going | StageFlow::Failed => None,
        };
        if let Some(word) = halted {
            if word != "created" {
                moves.push((turn.gate, StatusWord::Borrowed(word)));
            }
            job.attempts.push(Attempt::new(moves));
            return job;
        }
        let Some(ready) = start(spec, turn.gate, &mut moves) else {
            job.attempts.push(Attempt::new(moves));
            return job;
        };
        match (&spec.downstream, child) {
            (Some(downstream), Some((upstream, slot))) => {
                self.trigger(downstream, ready, upstream, slot, &mut moves, &mut job);
                job.attempts.push(Attempt::new(moves));
            }
            _ => self.execute(spec, ready, moves, &mut job.attempts),
        }
        job
    }

    /// Returns the job's coverage; it differs a little from one pipeline of a line to the next.
    fn coverage(&self, spec: &JobSpec) -> Option<String> {
        let text = spec.coverage.as_ref()?;
        let rank = i64::try_from(self.world.slots[self.seed.slot].rank).unwrap_or(0);
        let drift = ((self.seed.instance + rank) * 5).rem_euclid(13) as f64 * 0.07;
        match text.parse::<f64>() {
            Ok(percent) if drift > 0.0 => Some(format!("{:.2}", (percent - drift).max(0.0))),
            _ => Some(text.clone()),
        }
    }

    /// Starts a downstream pipeline; with `strategy: depend` the bridge waits for it and mirrors it.
    fn trigger(
        &mut self,
        downstream: &DownstreamSpec,
        ready: i64,
        upstream: usize,
        slot: usize,
        moves: &mut Vec<(i64, StatusWord)>,
        job: &mut Job,
    ) {
        let created = ready + 1_500;
        moves.push((ready, StatusWord::Borrowed("pending")));
        moves.push((created, StatusWord::Borrowed("running")));
        let seed = PipelineSeed {
            line: self.seed.line,
            instance: self.seed.instance,
            slot,
            created,
            upstream: Some(upstream),
        };
        let index = self.tree.add(self.world, &seed);
        job.downstream = Some(index);
        if !downstream.depend {
            moves.push((created + 300, StatusWord::Borrowed("success")));
            return;
        }
        let below = &self.tree.pipelines[index];
        let status = below.status(i64::MAX);
        if is_complete(&status) {
            moves.push((below.end() + 200, status));
        }
    }

    fn execute(&mut self, spec: &JobSpec, ready: i64, moves: Vec<(i64, StatusWord)>, attempts: &mut Vec<Attempt>) {
        let mut ready = ready;
        let mut moves = moves;
        for attempt in 1..=spec.attempts() {
            moves.push((ready, StatusWord::Borrowed("pending")));
            if let Some(wait) = spec.waits {
                moves.pop();
                moves.extend([
                    (ready, StatusWord::Borrowed("waiting_for_resource")),
                    (ready + wait, StatusWord::Borrowed("pending")),
                ]);
                ready += wait;
            }
            let running = ready + self.queue(ready);
            if let JobOutcome::Stays(word) = &spec.fate {
                moves.pop();
                if word == "running" {
                    moves.push((ready, StatusWord::Borrowed("pending")));
                }
                moves.push((if word == "pending" { ready } else { running }, word.clone()));
                attempts.push(Attempt::new(moves));
                return;
            }
            let percent = self.rng.between(85, 130);
            let done = running + spec.ms * if spec.exact { 100 } else { percent } / 100;
            let word = match &spec.fate {
                JobOutcome::Fails(_) => "failed",
                JobOutcome::Flaky(n) if attempt < *n => "failed",
                JobOutcome::Canceled => "canceled",
                JobOutcome::Flaky(_) | JobOutcome::Succeeds | JobOutcome::Stays(_) => "success",
            };
            if word == "success" || ran(spec.reason.as_deref().unwrap_or("script_failure")) {
                moves.push((running, StatusWord::Borrowed("running")));
            }
            moves.push((done, StatusWord::Borrowed(word)));
            attempts.push(Attempt::new(std::mem::take(&mut moves)));
            ready = done + spec.retry_after.unwrap_or(0);
        }
    }
}

/// What a job finds when its stage is due.
struct StageTurn {
    flow: StageFlow,
    gate: i64,
    prelude: Vec<(i64, StatusWord)>,
}

/// Returns what the jobs behind one that failed and is retried later go through: skipped, then created again.
fn detour(retried_at: i64, before: &[Job], gate: i64) -> [(i64, StatusWord); 2] {
    let failed_at = before.iter().filter_map(|job| job.attempts.first()).map(Attempt::end).max();
    let skipped_at = failed_at.unwrap_or(gate).min(retried_at - 1) + 1;
    [(skipped_at, StatusWord::Borrowed("skipped")), (retried_at, StatusWord::Borrowed("created"))]
}

/// Moves a job to where a runner can take it and returns when; `None` when that never happens.
fn start(spec: &JobSpec, gate: i64, moves: &mut Vec<(i64, StatusWord)>) -> Option<i64> {
    match spec.start {
        StartRule::Runner => Some(gate),
        StartRule::Manual(played) => {
            moves.push((gate, StatusWord::Borrowed("manual")));
            played.map(|after| gate + after)
        }
        StartRule::Delayed(by) => {
            moves.push((gate, StatusWord::Borrowed("scheduled")));
            Some(gate + by)
        }
    }
}

/// Returns what a job's end means for the following stages.
fn outcome(spec: &JobSpec, job: &Job) -> StageFlow {
    let last = job.attempts.last().and_then(|attempt| attempt.status(i64::MAX)).unwrap_or("created");
    match last {
        "success" | "skipped" => StageFlow::Going,
        "failed" | "canceled" | "manual" if spec.allow_failure => StageFlow::Going,
        "failed" => StageFlow::Failed,
        "canceled" => StageFlow::Canceled,
        _ => StageFlow::Blocked,
    }
}

fn worse(a: StageFlow, b: StageFlow) -> StageFlow {
    let rank = |flow: StageFlow| match flow {
        StageFlow::Going => 0,
        StageFlow::Failed => 1,
        StageFlow::Canceled => 2,
        StageFlow::Blocked => 3,
    };
    if rank(b) > rank(a) { b } else { a }
}
