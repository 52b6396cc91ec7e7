//! Answers of the server that take requests to GitLab: why a pipeline failed.

use crate::cli::explain_past::ExplainPast;
use crate::collect::evidence::{self, EvidenceOptions, PreviousPipeline, Subject};
use crate::collect::watch::WatchListener;
use crate::domain::evidence::Evidence;
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::pipeline::Pipeline;
use crate::domain::usage::ApiChoice;
use crate::explain::cause::explain;
use crate::gitlab::client::{Client, Purpose};
use crate::history::place::HistoryPlace;
use crate::render::json;
use crate::report::explain_contract::ExplainDocument;
use crate::serve::hub::{AnswerRefusal, ExplainAnswerer, ExplainReply};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Answers that are kept: of many who ask about one failure only the first costs requests.
const MOST_ANSWERS: usize = 64;
/// Questions that GitLab is asked about at once, however many ask.
const AT_ONCE: usize = 2;
/// Lines at the end of a log that belong to an answer.
const LOG_LINES: usize = 20;

pub(super) struct ExplainOptions {
    pub api: ApiChoice,
    pub time: Duration,
    pub place: Option<HistoryPlace>,
}

/// A pipeline in one state of it.
type PipelineState = (PipelineId, Option<DateTime<Utc>>);

/// What the answerer shares between questions.
struct Answerer {
    client: Client,
    listener: WatchListener,
    options: ExplainOptions,
    slots: Semaphore,
    known: Mutex<VecDeque<(PipelineState, Arc<[u8]>)>>,
}

/// Makes what answers questions about pipelines of projects that are shown, and of no others: who may look here may not
/// see everything that the token does.
pub(super) fn explainer(client: Client, listener: WatchListener, options: ExplainOptions) -> ExplainAnswerer {
    let answerer =
        Arc::new(Answerer { client, listener, options, slots: Semaphore::new(AT_ONCE), known: Mutex::default() });
    Arc::new(move |project, pipeline| {
        let answerer = Arc::clone(&answerer);
        Box::pin(async move { answerer.answer(&project, pipeline).await })
    })
}

fn refused(status: u16, message: impl Into<String>) -> AnswerRefusal {
    AnswerRefusal { status, message: message.into() }
}

impl Answerer {
    async fn answer(&self, project: &str, pipeline: Option<u64>) -> ExplainReply {
        let (key, subject) = self.subject(project, pipeline)?;
        if let Some(known) = self.known(key) {
            return Ok(known.to_vec());
        }
        let _slot = self.slots.acquire().await.map_err(|_| refused(503, "the server ends"))?;
        // Another one may have asked the same meanwhile.
        if let Some(known) = self.known(key) {
            return Ok(known.to_vec());
        }
        let client = self.client.for_purpose(Purpose::Explain, Instant::now() + self.options.time);
        let options = EvidenceOptions { log_lines: LOG_LINES, api: self.options.api };
        let gathered = evidence::gather(&client, subject, options).await;
        let evidence =
            gathered.map_err(|error| refused(if error.is_no_access() { 404 } else { 502 }, error.to_string()))?;
        let document = self.document(&client, evidence).map_err(|error| refused(500, error.to_string()))?;
        self.keep(key, document.clone().into());
        Ok(document)
    }

    fn subject(&self, project: &str, pipeline: Option<u64>) -> Result<(PipelineState, Subject), AnswerRefusal> {
        let update = self.listener.updates().borrow().clone();
        let snapshot = update.whole().ok_or_else(|| refused(503, "nothing has been read yet"))?;
        let row = snapshot.rows.iter().find(|row| row.project.full_path == project);
        let row = row.ok_or_else(|| refused(404, "no such project is shown here"))?;
        let newest = row.pipelines().first();
        let shown = pipeline.and_then(|id| row.pipelines().iter().find(|known| known.id.0 == id));
        // The jobs of one that runs move without a change of it.
        let settled = |pipeline: &Pipeline| pipeline.updated_at.filter(|_| pipeline.status.is_terminal());
        let (id, updated_at) = match (pipeline, shown, newest) {
            (_, Some(shown), _) => (shown.id, settled(shown)),
            (Some(id), None, _) => (PipelineId(id), None),
            (None, _, Some(newest)) => (newest.id, settled(newest)),
            (None, _, None) => return Err(refused(404, "the project has no pipeline")),
        };
        let subject = Subject {
            project: ProjectRef::Id(row.project.id),
            full_path: row.project.full_path.clone(),
            pipeline: id,
            before: PreviousPipeline::Unknown,
            first_look: None,
        };
        Ok(((id, updated_at), subject))
    }

    fn document(&self, client: &Client, mut evidence: Evidence) -> std::io::Result<Vec<u8>> {
        let now = client.server_now();
        ExplainPast::in_place(self.options.place.clone(), now, true).add(&mut evidence, now);
        let explanation = explain(&evidence, now);
        let host = client.host().to_string();
        let explained = [(evidence, explanation)];
        let document = ExplainDocument::new(&host, now, &client.usage(), &[], &explained);
        let mut bytes = Vec::new();
        json::write_explain(&document, &mut bytes)?;
        Ok(bytes)
    }

    fn known(&self, key: PipelineState) -> Option<Arc<[u8]>> {
        // What runs, or was asked for by its number alone, may have moved.
        key.1?;
        let known = self.known.lock();
        known.iter().find(|(of, _)| *of == key).map(|(_, document)| Arc::clone(document))
    }

    fn keep(&self, key: PipelineState, document: Arc<[u8]>) {
        if key.1.is_none() {
            return;
        }
        let mut known = self.known.lock();
        known.retain(|(of, _)| of.0 != key.0);
        known.push_back((key, document));
        if known.len() > MOST_ANSWERS {
            known.pop_front();
        }
    }
}
