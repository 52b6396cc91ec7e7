//! The simulated group: its projects, and which pipelines exist at a given moment.
//!
//! State is a pure function of scenario, seed, the moment the world was made (`anchor`, from which ages count) and the
//! time asked for, and of what was done to it (`actions`). Nothing is stored per pipeline: an id carries its creation time and its *slot* (which line of
//! pipelines it belongs to), and `timeline.rs` rebuilds the rest from there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::action_log::ActionLog;
use super::history::{HistoryEntry, HistoryJobs, PastEnvironment, ProjectHistory, plant_outages, plot};
use super::hook_shelf::HookShelf;
use super::job_spec::JobSpec;
use super::listed_pipeline::ListedPipeline;
use super::options::DEFAULT_INSTANT;
use super::plan::Tree;
use super::rng::Rng;
use super::scenario::{LineEntry, ProjectEntry, Scenario, parse_span};

/// 2025-01-01T00:00:00Z in milliseconds: with the default clock, pipeline ids count seconds from here, which gives ids as
/// large as GitLab.com's.
pub(crate) const EPOCH_MS: i64 = 1_735_689_600_000;
/// Namespaces of users have ids of their own, from here on.
const USER_NAMESPACES: u64 = 5_000_000;
/// How many pipelines of one line are remembered.
const REMEMBERED: i64 = 3;
/// How many pipelines of histories are kept; each has some 6 kB.
const MOST_PLAYED: usize = 4_000;
/// GitLab refuses deeper trees (`reached_max_descendant_pipelines_depth`); also what ends a template that triggers itself.
const MAX_DEPTH: usize = 4;

/// A group, or the namespace of a user.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    /// The user's id, which is another one than the namespace's; `None` for a group.
    pub(crate) user: Option<u64>,
    pub(crate) name: String,
    pub(crate) full_path: String,
    pub(crate) parent: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) full_path: String,
    pub(crate) group: usize,
    pub(crate) shared_with: Vec<usize>,
    pub(crate) default_branch: Option<String>,
    pub(crate) archived: bool,
    pub(crate) marked_for_deletion: bool,
    pub(crate) ci_off: bool,
    pub(crate) created: i64,
    /// Slots whose pipelines belong to this project.
    pub(crate) slots: Vec<usize>,
    pub(crate) history: Option<PlayableHistory>,
}

/// One line of pipelines of a project, from the scenario.
#[derive(Debug)]
pub(crate) struct PipelineLine {
    pub(crate) slot: usize,
    pub(crate) entry: LineEntry,
    pub(crate) schedule: LineSchedule,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LineSchedule {
    Once(i64),
    Every {
        period: i64,
        phase: i64,
    },
    /// The project's history, which says when.
    Past,
}

/// The history of a project, and what it takes to play it.
#[derive(Debug)]
pub(crate) struct PlayableHistory {
    pub(crate) events: ProjectHistory,
    pub(crate) jobs: HistoryJobs,
    pub(crate) line: usize,
}

/// The jobs of a pipeline: one that fails now and then is cloned, the others are shared.
type SharedJobs = Arc<Vec<Arc<JobSpec>>>;

/// The place of a pipeline in its line's tree: the root, or the downstream of one of its bridges.
#[derive(Debug)]
pub(crate) struct PipelineSlot {
    pub(crate) line: usize,
    pub(crate) project: usize,
    /// Position among the project's slots: keeps `iid` unique within the project.
    pub(crate) rank: usize,
    pub(crate) jobs: SharedJobs,
    /// Job index -> slot of its downstream pipeline.
    pub(crate) children: Vec<(usize, usize)>,
}

/// The place of an attempt in a tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptPlace {
    pub(crate) pipeline: usize,
    pub(crate) job: usize,
    pub(crate) attempt: usize,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) anchor: i64,
    /// From where pipeline ids count seconds and schedules count periods: always the same time before the anchor, so
    /// that a world starts with the same ids and statuses whenever it is made.
    pub(crate) epoch: i64,
    pub(crate) root: usize,
    pub(crate) groups: Vec<Group>,
    /// By ascending id.
    pub(crate) projects: Vec<Project>,
    pub(crate) lines: Vec<PipelineLine>,
    pub(crate) slots: Vec<PipelineSlot>,
    /// Powers of two that leave room for the slot in a pipeline id, and for the job in a job id.
    pub(crate) slot_span: u64,
    pub(crate) job_span: u64,
    /// What people did; all else follows from the scenario.
    pub(crate) actions: ActionLog,
    pub(crate) hooks: HookShelf,
    project_by_id: HashMap<u64, usize>,
    project_by_path: HashMap<String, usize>,
    /// Attempts whose id is not from their pipeline's range, as they came much later: attempt -> pipeline.
    late_attempts: HashMap<u64, u64>,
    /// Pipelines of histories that were looked at of late.
    played: Mutex<HashMap<(usize, i64), Arc<Tree>>>,
}

impl World {
    /// Builds the world that `scenario` describes, ages counting back from `anchor`.
    pub(crate) fn new(scenario: &Scenario, seed: u64, anchor: i64) -> Result<Self, String> {
        let groups = build_groups(scenario)?;
        let root = find_group(&groups, &scenario.root)?;
        let mut entries: Vec<(u64, &ProjectEntry)> =
            scenario.project.iter().zip(0..).map(|(entry, i)| (entry.id.unwrap_or(20_001 + i), entry)).collect();
        entries.sort_by_key(|(id, _)| *id);
        let group_by_path: HashMap<&str, usize> =
            groups.iter().enumerate().map(|(i, group)| (group.full_path.as_str(), i)).collect();
        let projects: Vec<Project> =
            entries.iter().map(|(id, entry)| build_project(*id, entry, &group_by_path)).collect::<Result<_, _>>()?;
        let mut world = Self {
            seed,
            anchor,
            epoch: anchor - (DEFAULT_INSTANT.timestamp_millis() - EPOCH_MS),
            root,
            project_by_id: projects.iter().enumerate().map(|(i, project)| (project.id, i)).collect(),
            project_by_path: projects.iter().enumerate().map(|(i, p)| (p.full_path.clone(), i)).collect(),
            groups,
            projects,
            lines: Vec::new(),
            slots: Vec::new(),
            slot_span: 1,
            job_span: 1,
            actions: ActionLog::default(),
            hooks: HookShelf::default(),
            late_attempts: HashMap::new(),
            played: Mutex::default(),
        };
        if world.project_by_id.len() < world.projects.len() || world.project_by_path.len() < world.projects.len() {
            return Err("two projects have the same id or path".to_owned());
        }
        let mut templates = TemplateCache { scenario, known: HashMap::new() };
        for (project, (_, entry)) in entries.iter().enumerate() {
            for line in &entry.run {
                world.add_line(&mut templates, project, line)?;
            }
        }
        let wanted: Vec<Option<&HistoryEntry>> = entries.iter().map(|(_, entry)| entry.history.as_ref()).collect();
        world.add_histories(&wanted)?;
        world.slot_span = (world.slots.len() as u64 + 1).next_power_of_two();
        let attempts = |slot: &PipelineSlot| slot.jobs.iter().map(|job| u64::from(job.attempts()) + 1).sum::<u64>();
        world.job_span = (world.slots.iter().map(attempts).max().unwrap_or(0) + 2).next_power_of_two();
        world.late_attempts = world.find_late_attempts();
        Ok(world)
    }

    fn add_line(&mut self, templates: &mut TemplateCache<'_>, project: usize, entry: &LineEntry) -> Result<(), String> {
        let index = self.lines.len();
        let jobs = match &entry.jobs {
            Some(template) if entry.set.is_empty() => templates.get(template)?,
            Some(template) => shared(templates.scenario.jobs(template, &entry.set)?),
            None => Arc::default(),
        };
        let slot = self.add_slot(templates, index, project, jobs, 0)?;
        let schedule = match (&entry.every, &entry.age) {
            (Some(every), None) => {
                let period = parse_span(every)?.max(1_000);
                LineSchedule::Every { period, phase: Rng::of(&[self.seed, slot as u64]).between(0, period) }
            }
            (None, Some(age)) => LineSchedule::Once(self.anchor - parse_span(age)?),
            _ => return Err(format!("a run of {} needs `every` or `age`", self.projects[project].full_path)),
        };
        self.lines.push(PipelineLine { slot, entry: entry.clone(), schedule });
        Ok(())
    }

    fn add_slot(
        &mut self,
        templates: &mut TemplateCache<'_>,
        line: usize,
        project: usize,
        jobs: SharedJobs,
        depth: usize,
    ) -> Result<usize, String> {
        let slot = self.slots.len();
        let rank = self.projects[project].slots.len();
        self.projects[project].slots.push(slot);
        self.slots.push(PipelineSlot { line, project, rank, jobs: Arc::clone(&jobs), children: Vec::new() });
        if depth >= MAX_DEPTH {
            return Ok(slot);
        }
        for (index, job) in jobs.iter().enumerate() {
            let Some(downstream) = &job.downstream else { continue };
            let target = match &downstream.project {
                Some(path) => *self.project_by_path.get(path).ok_or_else(|| format!("no project \"{path}\""))?,
                None => project,
            };
            let jobs = templates.get(&downstream.template)?;
            let child = self.add_slot(templates, line, target, jobs, depth + 1)?;
            self.slots[slot].children.push((index, child));
        }
        Ok(slot)
    }

    /// Finds a project by number or by full path.
    pub(crate) fn project(&self, id_or_path: &str) -> Option<usize> {
        match id_or_path.parse::<u64>() {
            Ok(id) => self.project_by_id.get(&id).copied(),
            Err(_) => self.project_by_path.get(id_or_path).copied(),
        }
    }

    /// Finds a group by number or by full path.
    pub(crate) fn group(&self, id_or_path: &str) -> Option<usize> {
        let id = id_or_path.parse::<u64>().ok();
        let is_meant = |group: &Group| id.map_or(group.full_path == id_or_path, |id| group.id == id);
        self.groups.iter().position(|group| group.user.is_none() && is_meant(group))
    }

    /// Finds the namespace of a user by number or by username, in which capitals do not matter.
    pub(crate) fn user_namespace(&self, id_or_username: &str) -> Option<usize> {
        let id = id_or_username.parse::<u64>().ok();
        let is_named = |group: &Group| group.full_path.eq_ignore_ascii_case(id_or_username);
        let is_meant = |group: &Group| match (group.user, id) {
            (None, _) => false,
            (Some(user), Some(id)) => user == id,
            (Some(_), None) => is_named(group),
        };
        self.groups.iter().position(is_meant)
    }

    /// Returns whether `group` is `ancestor` or lies below it.
    pub(crate) fn is_within(&self, group: usize, ancestor: usize) -> bool {
        std::iter::successors(Some(group), |at| self.groups[*at].parent).any(|at| at == ancestor)
    }

    /// Makes up the histories of all projects, so that what went wrong in several of them at once can be planted.
    fn add_histories(&mut self, wanted: &[Option<&HistoryEntry>]) -> Result<(), String> {
        let (seed, anchor) = (self.seed, self.anchor);
        let plotted = |(at, entry): (usize, &Option<&HistoryEntry>)| {
            entry.map(|entry| plot(seed, anchor, self.projects[at].id, entry)).transpose()
        };
        let mut histories: Vec<_> = wanted.iter().enumerate().map(plotted).collect::<Result<_, _>>()?;
        plant_outages(seed, anchor, &mut histories);
        for (project, history) in histories.into_iter().enumerate() {
            let Some(events) = history else { continue };
            let (line, slot) = (self.lines.len(), self.slots.len());
            let percent = Rng::of(&[seed, 0x51, self.projects[project].id]).between(35, 110);
            let jobs = HistoryJobs::new(percent, project % 5 == 2)?;
            let rank = self.projects[project].slots.len();
            self.projects[project].slots.push(slot);
            let longest = Arc::new(jobs.longest().to_vec());
            self.slots.push(PipelineSlot { line, project, rank, jobs: longest, children: Vec::new() });
            self.lines.push(PipelineLine { slot, entry: LineEntry::default(), schedule: LineSchedule::Past });
            self.projects[project].history = Some(PlayableHistory { events, jobs, line });
        }
        Ok(())
    }

    /// Returns the history that a line plays.
    pub(crate) fn history_of(&self, line: usize) -> Option<&PlayableHistory> {
        self.projects[self.slots[self.lines[line].slot].project].history.as_ref().filter(|past| past.line == line)
    }

    fn find_late_attempts(&self) -> HashMap<u64, u64> {
        let mut found = HashMap::new();
        for past in self.projects.iter().filter_map(|project| project.history.as_ref()) {
            let slot = self.lines[past.line].slot;
            for again in past.events.deployments.iter().filter(|deployment| deployment.rollback) {
                let pipeline = self.pipeline_id(slot, past.events.pipelines[again.pipeline].created);
                found.insert(self.late_attempt(slot, again.created), pipeline);
            }
        }
        found
    }

    /// Returns the environments that a project has deployed to.
    pub(crate) fn environments(&self, project: usize, now: i64) -> Vec<PastEnvironment> {
        let Some(past) = &self.projects[project].history else { return Vec::new() };
        let used = |environment: &PastEnvironment| {
            let mut all = past.events.deployments.iter();
            all.any(|deployment| deployment.environment == *environment && deployment.created <= now)
        };
        PastEnvironment::ALL.into_iter().filter(used).collect()
    }

    /// Environment ids are those of the project, with a digit more.
    pub(crate) fn environment_id(&self, project: usize, environment: PastEnvironment) -> u64 {
        self.projects[project].id * 10 + if environment == PastEnvironment::Production { 2 } else { 1 }
    }

    /// Returns the id of something other than a pipeline that happened in a project: larger when it happened later.
    pub(crate) fn event_id(&self, project: usize, at: i64) -> u64 {
        let seconds = u64::try_from((at - self.epoch) / 1_000).unwrap_or(0);
        seconds * (self.projects.len() as u64).next_power_of_two() + project as u64
    }

    /// Returns the id of an attempt that was added to a pipeline of `slot` long after it: the last one that a pipeline of
    /// that moment would have.
    pub(crate) fn late_attempt(&self, slot: usize, created: i64) -> u64 {
        (self.pipeline_id(slot, created) + 1) * self.job_span - 1
    }

    /// Returns the pipelines of a project that exist at `now`, newest id first, children included.
    pub(crate) fn pipelines_of(&self, project: usize, now: i64) -> Vec<ListedPipeline<'_>> {
        self.pipelines_since(project, now, now)
    }

    /// Returns those that existed at some time from `from` to `now`.
    pub(crate) fn pipelines_since(&self, project: usize, from: i64, now: i64) -> Vec<ListedPipeline<'_>> {
        let mut lines: Vec<usize> = self.projects[project].slots.iter().map(|slot| self.slots[*slot].line).collect();
        lines.dedup();
        let mut found = Vec::new();
        for line in lines {
            if let Some(past) = self.history_of(line) {
                let slot = self.lines[line].slot;
                let listed = |at: usize| {
                    let id = self.pipeline_id(slot, past.events.pipelines[at].created);
                    ListedPipeline::unplayed(self, id, (line, at as i64))
                };
                found.extend((0..past.events.len_at(now)).map(listed));
                continue;
            }
            for instance in self.instances_since(line, from, now) {
                let tree = self.tree(line, instance);
                let mine = |at: &usize| tree.pipelines[*at].project == project && tree.pipelines[*at].created <= now;
                found.extend((0..tree.pipelines.len()).filter(mine).map(|at| ListedPipeline::of(self, &tree, at)));
            }
        }
        found.sort_by_key(|pipeline| std::cmp::Reverse(pipeline.id));
        found.dedup_by_key(|pipeline| pipeline.id);
        found
    }

    /// Returns the n-th tree of a line; one of a history that no action changed is kept for a while.
    pub(crate) fn tree(&self, line: usize, instance: i64) -> Arc<Tree> {
        let key = (line, instance);
        let keeps = self.history_of(line).is_some() && !self.actions.touched(key);
        let kept = || self.played.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = keeps.then(|| kept().get(&key).cloned()).flatten() {
            return tree;
        }
        let tree = Arc::new(Tree::grow(self, line, instance));
        if keeps {
            let mut kept = kept();
            if kept.len() >= MOST_PLAYED {
                kept.clear();
            }
            kept.insert(key, Arc::clone(&tree));
        }
        tree
    }

    /// Finds a pipeline that exists at `now`, with the tree that it belongs to.
    pub(crate) fn tree_with(&self, id: u64, now: i64) -> Option<(Arc<Tree>, usize)> {
        let slot = self.slots.get(usize::try_from(id % self.slot_span).ok()?)?;
        let instances = match self.history_of(slot.line) {
            Some(past) => {
                let second = i64::try_from(id / self.slot_span).ok()?;
                past.events.at_second(self.epoch, second).map(|at| at as i64).into_iter().collect()
            }
            None => self.instances(slot.line, now),
        };
        instances.into_iter().find_map(|instance| {
            let tree = self.tree(slot.line, instance);
            let at = tree.pipelines.iter().position(|p| p.id == id && p.created <= now)?;
            Some((tree, at))
        })
    }

    /// Finds a job's attempt that exists at `now`: the tree, its pipeline, the job and the attempt.
    pub(crate) fn attempt(&self, id: u64, now: i64) -> Option<(Arc<Tree>, AttemptPlace)> {
        let added = self.actions.pipeline_of(id).or_else(|| self.late_attempts.get(&id).copied());
        let (tree, pipeline) = self.tree_with(added.unwrap_or(id / self.job_span), now)?;
        let jobs = tree.pipelines[pipeline].jobs.iter().enumerate();
        let place = jobs.flat_map(|(job, of)| (0..of.attempts.len()).map(move |attempt| (job, attempt, of))).find_map(
            |(job, attempt, of)| {
                let found = &of.attempts[attempt];
                (found.id == id && found.created() <= now).then_some(AttemptPlace { pipeline, job, attempt })
            },
        );
        place.map(|place| (tree, place))
    }

    /// Returns the numbers of the line's newest pipelines at `now`; pipelines older than these are forgotten.
    fn instances(&self, line: usize, now: i64) -> Vec<i64> {
        self.instances_since(line, now, now)
    }

    fn instances_since(&self, line: usize, from: i64, now: i64) -> Vec<i64> {
        match self.lines[line].schedule {
            LineSchedule::Once(created) => (created <= now).then_some(0).into_iter().collect(),
            LineSchedule::Every { period, phase } => {
                let newest = |at: i64| (at - self.epoch - phase).div_euclid(period);
                (newest(from) - REMEMBERED + 1..=newest(now)).rev().collect()
            }
            LineSchedule::Past => {
                let past = self.history_of(line).map_or(0, |past| past.events.len_at(now));
                (0..past as i64).collect()
            }
        }
    }

    /// Returns when the n-th pipeline of a line is so old that it is forgotten.
    pub(crate) fn forgotten(&self, line: usize, instance: i64) -> i64 {
        match self.lines[line].schedule {
            LineSchedule::Every { .. } => self.created(line, instance + REMEMBERED),
            LineSchedule::Once(_) | LineSchedule::Past => i64::MAX,
        }
    }

    /// Returns when the n-th pipeline of a line is created.
    pub(crate) fn created(&self, line: usize, instance: i64) -> i64 {
        match self.lines[line].schedule {
            LineSchedule::Once(created) => created,
            LineSchedule::Every { period, phase } => self.epoch + phase + instance * period,
            LineSchedule::Past => {
                let past =
                    self.history_of(line).and_then(|past| past.events.pipelines.get(usize::try_from(instance).ok()?));
                past.map_or(i64::MAX, |pipeline| pipeline.created)
            }
        }
    }

    /// Returns the id of the pipeline of `slot` created at `created`: larger when created later.
    pub(crate) fn pipeline_id(&self, slot: usize, created: i64) -> u64 {
        let seconds = u64::try_from((created - self.epoch) / 1_000).unwrap_or(0);
        seconds * self.slot_span + slot as u64
    }
}

fn shared(jobs: Vec<JobSpec>) -> SharedJobs {
    Arc::new(jobs.into_iter().map(Arc::new).collect())
}

/// Templates parsed once and shared: a uniform world has 10 000 lines with the same jobs.
struct TemplateCache<'a> {
    scenario: &'a Scenario,
    known: HashMap<String, SharedJobs>,
}

impl TemplateCache<'_> {
    fn get(&mut self, name: &str) -> Result<SharedJobs, String> {
        if let Some(jobs) = self.known.get(name) {
            return Ok(Arc::clone(jobs));
        }
        let jobs = shared(self.scenario.jobs(name, &std::collections::BTreeMap::new())?);
        self.known.insert(name.to_owned(), Arc::clone(&jobs));
        Ok(jobs)
    }
}

fn find_group(groups: &[Group], path: &str) -> Result<usize, String> {
    groups.iter().position(|group| group.full_path == path).ok_or_else(|| format!("no group \"{path}\""))
}

fn build_groups(scenario: &Scenario) -> Result<Vec<Group>, String> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in &scenario.group {
        let (parent, name) = match entry.path.rsplit_once('/') {
            Some((above, name)) => (Some(find_group(&groups, above)?), name),
            None => (None, entry.path.as_str()),
        };
        let name = entry.name.clone().unwrap_or_else(|| name.to_owned());
        groups.push(Group { id: entry.id, user: None, name, full_path: entry.path.clone(), parent });
    }
    for entry in &scenario.user {
        let name = entry.name.clone().unwrap_or_else(|| entry.username.clone());
        let id = USER_NAMESPACES + entry.id;
        groups.push(Group { id, user: Some(entry.id), name, full_path: entry.username.clone(), parent: None });
    }
    Ok(groups)
}

fn build_project(id: u64, entry: &ProjectEntry, groups: &HashMap<&str, usize>) -> Result<Project, String> {
    let find = |path: &str| groups.get(path).copied().ok_or_else(|| format!("no group \"{path}\""));
    let (above, path) = entry.path.rsplit_once('/').ok_or_else(|| format!("\"{}\" has no group", entry.path))?;
    let branch = entry.branch.clone().unwrap_or_else(|| "main".to_owned());
    Ok(Project {
        id,
        name: entry.name.clone().unwrap_or_else(|| path.to_owned()),
        path: path.to_owned(),
        full_path: entry.path.clone(),
        group: find(above)?,
        shared_with: entry.shared_with.iter().map(|path| find(path)).collect::<Result<_, _>>()?,
        default_branch: (!entry.empty).then_some(branch),
        archived: entry.archived,
        marked_for_deletion: entry.marked_for_deletion,
        ci_off: entry.ci_off,
        // Ids grow with creation time, as they do in a database.
        created: EPOCH_MS - 86_400_000 * 900 + i64::try_from(id % 1_000_000).unwrap_or(0) * 600_000,
        slots: Vec::new(),
        history: None,
    })
}
