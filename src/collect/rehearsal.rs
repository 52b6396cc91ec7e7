//! Readings that a snapshot answers instead of a server: for benches of what deciding and remembering cost.

use super::answer::{AnswerSource, FetchResult, FetchTask};
use super::batch::{BatchQuestion, ProjectBatch};
use super::drafts::PipelineDraft;
use super::fetch::FetchSetup;
use super::merge::ReadProject;
use super::project::{self, ProjectReading, ReadingOutcome};
use super::run::{CollectOptions, Collector, GroupError};
use crate::domain::id::ProjectId;
use crate::domain::pipeline::Pipeline;
use crate::domain::snapshot::Snapshot;
use crate::gitlab::client::{Answered, Client, PipelineHead, ProjectSaid};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A GitLab in which nothing happens, read over GraphQL again and again without one request.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    collector: Collector,
    answers: RehearsedAnswers<'a>,
}

/// What is answered about each project.
#[derive(Debug)]
struct RehearsedAnswers<'a> {
    newest: HashMap<ProjectId, &'a Pipeline>,
    /// Each is asked for once, and copied beforehand: a bench of reading is none of copying.
    drafts: Mutex<HashMap<ProjectId, Box<PipelineDraft>>>,
}

impl<'a> Rehearsal<'a> {
    /// Rehearses to read a snapshot, without what its pipelines triggered.
    pub fn new(client: Client, options: Arc<CollectOptions>, snapshot: &'a Snapshot) -> Self {
        let newest = snapshot.rows.iter().filter_map(|row| Some((row.project.id, row.pipelines().first()?)));
        let newest: HashMap<ProjectId, &Pipeline> = newest.collect();
        let drafts = newest.iter().map(|(id, pipeline)| (*id, Box::new(draft(pipeline)))).collect();
        let answers = RehearsedAnswers { newest, drafts: Mutex::new(drafts) };
        Self { collector: Collector::with_list_of(client, options, snapshot), answers }
    }

    /// Reads what is due: the first time everything, from then on pulses that say that nothing has changed.
    pub async fn read(&mut self) -> Result<Snapshot, GroupError> {
        let Self { collector, answers } = self;
        Ok(collector.read_by(&|_| (), &*answers).await?.snapshot)
    }
}

impl AnswerSource for RehearsedAnswers<'_> {
    async fn answer(&self, _: &FetchSetup<'_>, job: FetchTask) -> FetchResult {
        match job {
            FetchTask::Batch(batch) => self.about(batch),
            FetchTask::Project(project, _) => {
                let reading =
                    ProjectReading { reading: ReadingOutcome::NoAccess(project::hidden()), is_glob_cut: false };
                FetchResult::Project(Ok(ReadProject { project, reading, as_of: chrono::DateTime::UNIX_EPOCH }))
            }
        }
    }
}

impl RehearsedAnswers<'_> {
    fn about(&self, batch: ProjectBatch) -> FetchResult {
        match batch.question {
            BatchQuestion::Pulse => {
                let heads = said(&batch, |id| self.newest.get(&id).map(|pipeline| head(pipeline)));
                FetchResult::Heads(batch, Duration::ZERO, heads)
            }
            BatchQuestion::Newest => {
                let mut drafts = self.drafts.lock();
                let newest = said(&batch, |id| drafts.remove(&id));
                FetchResult::Newest(batch, Duration::ZERO, newest)
            }
        }
    }
}

fn said<T>(batch: &ProjectBatch, mut newest: impl FnMut(ProjectId) -> Option<T>) -> Answered<T> {
    let mut say = |id| newest(id).map_or(ProjectSaid::Nothing, ProjectSaid::Newest);
    let projects = batch.projects.iter().map(|project| (project.id, say(project.id))).collect();
    Answered { projects, has_more: Some(false), spared: Vec::new() }
}

fn head(pipeline: &Pipeline) -> PipelineHead {
    let Pipeline { id, status, created_at, updated_at, .. } = pipeline;
    PipelineHead {
        id: *id,
        raw_ref: String::new(),
        status: Some(status.clone()),
        created_at: *created_at,
        updated_at: *updated_at,
        web_url: None,
        foreign: None,
    }
}

fn draft(pipeline: &Pipeline) -> PipelineDraft {
    let pipeline = Pipeline { downstream: Vec::new(), ..pipeline.clone() };
    PipelineDraft { pipeline, links: Vec::new(), is_settled: false }
}
