//! Answers of the server from its memory, without a request to GitLab: what a project has run before.

use crate::cli::project_past;
use crate::collect::watch::WatchListener;
use crate::domain::id::PipelineId;
use crate::domain::past::ProjectPast;
use crate::domain::project::ProjectRow;
use crate::history::place::HistoryPlace;
use crate::render::json;
use crate::report::past_contract::{MOST_PIPELINES, PastDocument, PastProjectEntry};
use crate::serve::hub::{AnswerRefusal, PastAnswerer, PastText};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Questions that the disk is asked at once, however many ask.
const AT_ONCE: usize = 4;

/// What the answerer shares between questions.
struct PastAnswers {
    listener: WatchListener,
    /// `None` without a memory.
    place: Option<HistoryPlace>,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    slots: Arc<Semaphore>,
}

/// Makes what answers questions about the past of projects that are shown, and of no others: the memory is that of the
/// host, and who may look here may not see all of it.
pub(super) fn answerer(
    listener: WatchListener,
    place: Option<HistoryPlace>,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
) -> PastAnswerer {
    let answers = Arc::new(PastAnswers { listener, place, now, slots: Arc::new(Semaphore::new(AT_ONCE)) });
    Arc::new(move |project, before| {
        let answers = Arc::clone(&answers);
        Box::pin(async move { answers.answer(&project, before.map(PipelineId)).await })
    })
}

fn refused(status: u16, message: &str) -> AnswerRefusal {
    AnswerRefusal { status, message: message.to_owned() }
}

impl PastAnswers {
    async fn answer(&self, path: &str, before: Option<PipelineId>) -> Result<PastText, AnswerRefusal> {
        let update = self.listener.updates().borrow().clone();
        let snapshot = update.whole().ok_or_else(|| refused(503, "nothing has been read yet"))?;
        let row = snapshot.rows.iter().find(|row| row.project.full_path == path);
        let row = row.ok_or_else(|| refused(404, "no such project is shown here"))?;
        let past = self.look_up(row, before).await?;
        let project = PastProjectEntry { id: row.project.id.0, full_path: &row.project.full_path };
        let document = PastDocument::new(&snapshot.host, project, past.as_ref(), before.is_none());
        let mut bytes = Vec::new();
        let written = json::write_document(&document, &mut bytes);
        written.map_err(|_| refused(500, "the answer could not be written"))?;
        Ok(PastText { json: bytes, as_of: row.as_of })
    }

    /// Reads one pipeline more than an answer has: then there are older ones.
    async fn look_up(
        &self,
        row: &ProjectRow,
        before: Option<PipelineId>,
    ) -> Result<Option<ProjectPast>, AnswerRefusal> {
        let Some(place) = self.place.clone() else { return Ok(None) };
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| refused(503, "the server ends"))?;
        let (project, now, most) = (row.project.id, (self.now)(), MOST_PIPELINES + 1);
        let found = spawn_blocking(move || {
            // One who goes away frees it no sooner: the disk is still asked.
            let _slot = slot;
            match before {
                Some(before) => project_past::earlier(&place, project, (before, most), now),
                None => project_past::look_up(&place, project, most, now),
            }
        });
        let unread = || refused(500, "what is remembered could not be read");
        match found.await {
            Ok(found) => found.map(Some).map_err(|error| {
                // It names a file of this machine.
                tracing::warn!(%error, "what is remembered could not be read");
                unread()
            }),
            Err(_) => Err(unread()),
        }
    }
}
