//! What becomes of a project when GraphQL has answered about it, or has not.

use super::super::batch::{ALONE, BatchQuestion, ProjectBatch};
use super::super::gathered::{ProjectAnswer, is_silent, partial_drafts, reading};
use super::super::project::ReadingOutcome;
use super::PATIENCE;
use super::work::FetchWork;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::domain::usage::{Api, ApiChoice};
use crate::gitlab::client::{Answered, PipelineFilter, PipelineHead, ProjectSaid};
use crate::gitlab::error::Error;
use std::slice;
use std::sync::Arc;

/// Projects that fail one after the other, each asked about alone, before GraphQL counts as broken.
const BROKEN: usize = 3;

impl FetchWork<'_, '_> {
    pub(super) fn answered<T>(
        &mut self,
        batch: &ProjectBatch,
        answered: Answered<T>,
        answer: impl Fn(T) -> ProjectAnswer,
    ) {
        if self.api == Api::Rest {
            // GraphQL has been given up meanwhile.
            return;
        }
        let Answered { projects: mut said, has_more, spared } = answered;
        self.spared.extend(spared);
        let mut failed: Vec<(Arc<Project>, String)> = Vec::new();
        let mut missing: Vec<Arc<Project>> = Vec::new();
        for project in &batch.projects {
            let answer = match said.remove(&project.id) {
                Some(ProjectSaid::Newest(newest)) => answer(newest),
                Some(ProjectSaid::Nothing) => ProjectAnswer::Nothing,
                Some(ProjectSaid::Silent) => ProjectAnswer::Silent,
                Some(ProjectSaid::Failed(message)) => {
                    failed.push((Arc::clone(project), message));
                    continue;
                }
                None => {
                    missing.push(Arc::clone(project));
                    continue;
                }
            };
            if matches!(answer, ProjectAnswer::Head(_) | ProjectAnswer::Draft(_) | ProjectAnswer::Nothing) {
                self.has_answer = true;
                self.failures.clear();
            }
            self.put(project.id, &batch.filter, answer);
        }
        self.missing(batch, missing, has_more);
        self.failed_alone(batch, failed);
        if self.is_broken() {
            self.give_up("what it answers is full of errors".into());
        }
    }

    /// Decides about the projects that an answer left out: a shorter page than asked for is read on, silence is not.
    fn missing(&mut self, batch: &ProjectBatch, missing: Vec<Arc<Project>>, has_more: Option<bool>) {
        let came = batch.projects.len() - missing.len();
        let is_page = has_more == Some(true);
        if came > 0 && (is_page || missing.len() > ALONE) {
            self.queue.rest(batch, &missing, came, is_page);
            return;
        }
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        if may_fall_back && !self.has_answer && came == 0 && missing.len() > ALONE {
            self.give_up("it says nothing about any project".into());
            return;
        }
        for project in missing {
            self.put(project.id, &batch.filter, ProjectAnswer::Silent);
        }
    }

    /// Decides about the projects in whose midst something failed: a few are left to REST, more are rather too much at
    /// once. `--api graphql` asks about each alone.
    fn failed_alone(&mut self, batch: &ProjectBatch, failed: Vec<(Arc<Project>, String)>) {
        let is_alone = batch.projects.len() == 1;
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        if !is_alone && (failed.len() > ALONE || !may_fall_back) {
            self.queue.again(batch, failed.into_iter().map(|(project, _)| project).collect());
            return;
        }
        // As long as nothing was answered, a small batch of which everything failed tells as much as one project.
        if is_alone || (!self.has_answer && failed.len() == batch.projects.len()) {
            failed.iter().for_each(|(project, _)| self.note_failure(slice::from_ref(project)));
        }
        for (project, message) in failed {
            self.put(project.id, &batch.filter, ProjectAnswer::Unread(Failure::new(FailureKind::Graphql, message)));
        }
    }

    /// Counts projects that failed though they were asked about alone, each once.
    fn note_failure(&mut self, projects: &[Arc<Project>]) {
        self.failures.retain(|known| projects.iter().all(|project| project.id != known.id));
        self.failures.extend(projects.iter().cloned());
    }

    /// Says whether GraphQL counts as broken. As long as it has answered nothing, a group of one or two projects tells
    /// as much as it can.
    fn is_broken(&self) -> bool {
        let most = if self.has_answer { BROKEN } else { BROKEN.min(self.progress.listed.max(1)) };
        self.setup.options.api == ApiChoice::Auto && self.failures.len() >= most
    }

    /// Takes what can be learnt from a batch that brought nothing.
    pub(super) fn failed(&mut self, batch: &ProjectBatch, error: Error) -> Result<(), Error> {
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        if self.api == Api::Rest {
            // It was under way when GraphQL was given up; its projects are read over REST already.
            return Ok(());
        }
        // A page in its place may be what a proxy makes of a large question; one project's is never large.
        let may_be_smaller = error.is_too_much() && batch.projects.len() > 1;
        if may_fall_back && error.is_graphql_unavailable() && !may_be_smaller {
            self.give_up(error.kind.to_string());
            return Ok(());
        }
        if error.is_fatal() && self.setup.client.has_token() {
            return Err(error);
        }
        // Halving a query that hangs takes half a minute a time; there must be time left for REST.
        if may_fall_back && !self.has_answer && self.begun.elapsed() > PATIENCE {
            self.give_up(error.kind.to_string());
            return Ok(());
        }
        if error.is_too_much() && self.queue.split(batch) {
            return Ok(());
        }
        if error.is_too_much() {
            self.note_failure(&batch.projects);
        }
        if self.is_broken() {
            self.give_up(error.kind.to_string());
            return Ok(());
        }
        let failure = Failure::from(&error);
        // What is refused or out of time fares no better over REST.
        let answer = if error.is_too_much() { ProjectAnswer::Unread } else { ProjectAnswer::Failed };
        for project in &batch.projects {
            self.put(project.id, &batch.filter, answer(failure.clone()));
        }
        Ok(())
    }

    /// Reads everything that is left, and whatever the list still finds, over REST.
    fn give_up(&mut self, why: String) {
        tracing::info!(why, "GraphQL is given up");
        self.fallback = Some(why);
        self.api = Api::Rest;
        self.queue.clear();
        self.forecast_by_rate();
        self.one_by_one.extend(self.gathered.drain().map(|(_, gathered)| gathered.project));
        for failed in self.failures.drain(..) {
            if self.readings.remove(&failed.id).is_some() {
                self.one_by_one.push_back(failed);
            }
        }
    }

    /// Puts an answer to the others of its project, and goes on when they are all there.
    fn put(&mut self, id: ProjectId, filter: &PipelineFilter, answer: ProjectAnswer) {
        let Some(gathered) = self.gathered.get_mut(&id) else { return };
        let open =
            gathered.filters.iter().zip(&mut gathered.answers).find(|(of, answer)| *of == filter && answer.is_none());
        if let Some((_, open)) = open {
            *open = Some(answer);
        }
        if gathered.answers.iter().all(Option::is_some) {
            self.judge(id);
        }
    }

    /// Decides what becomes of a project all of whose questions are answered: what has changed is read whole.
    fn judge(&mut self, id: ProjectId) {
        let Some(mut gathered) = self.gathered.remove(&id) else { return };
        gathered.keep_newest(&self.setup.options.refs);
        let before = self.setup.before(id);
        if let Some(last) = gathered.settled(before) {
            self.finish(gathered.project, ReadingOutcome::Settled(last));
            return;
        }
        let may_fall_back = self.setup.options.api == ApiChoice::Auto;
        let is_for_rest = |(answer, seen): (&Option<ProjectAnswer>, &Option<PipelineHead>)| match answer {
            Some(ProjectAnswer::Silent) => true,
            Some(ProjectAnswer::Unread(_)) => may_fall_back && seen.is_none(),
            _ => false,
        };
        if gathered.answers.iter().zip(&gathered.heads).any(is_for_rest) {
            let drafts = partial_drafts(gathered.answers, before);
            if drafts.is_empty() {
                self.ask_rest(gathered.project);
            } else {
                self.partly.insert(id, drafts.into());
                self.one_by_one.push_back(gathered.project);
            }
            return;
        }
        for filter in gathered.open(before) {
            self.queue.add(BatchQuestion::Newest, &filter, Arc::clone(&gathered.project));
        }
        if gathered.answers.iter().any(Option::is_none) {
            self.gathered.insert(id, gathered);
            return;
        }
        let is_any = gathered.filters.contains(&PipelineFilter::Any);
        let project = gathered.project;
        match reading(gathered.answers, is_any, before) {
            // GraphQL says nothing where it may not show anything; REST says which it is.
            ReadingOutcome::None { .. } => self.ask_rest(project),
            ReadingOutcome::Pipelines(drafts)
                if drafts.pipelines().iter().any(|pipeline| is_silent(pipeline, before)) =>
            {
                self.partly.insert(id, drafts);
                self.one_by_one.push_back(project);
            }
            reading => self.finish(project, reading),
        }
    }

    /// Reads a project over REST, unless what GraphQL's silence means has been found out since the list was read.
    fn ask_rest(&mut self, project: Arc<Project>) {
        match self.setup.probed.get(&project.id) {
            Some(known) => self.finish(project, known.clone()),
            None => self.one_by_one.push_back(project),
        }
    }
}
