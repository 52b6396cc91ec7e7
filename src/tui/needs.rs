//! What the jobs of a pipeline need: when that is asked, and what is known of it.
//!
//! It is asked once for each pipeline that is looked at: at once where a job waits for others, else when the cursor rests
//! on a job.

use super::app::App;
use super::effect::ViewEffect;
use super::facts::PipelineNeeds;
use super::screens::place::ScreenPlace;
use crate::collect::job_needs::{NeedsAnswer, NeedsRequest};
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::status::Status;
use crate::text::glyph::Charset;
use tokio::time::Instant;

/// Pipelines of which it is kept: no one goes through more in a while, and it can be asked again.
const MOST_KEPT: usize = 64;

/// Asks for a pipeline whose screen opens, where a job waits. Lines that are only written once have no cursor that could
/// rest.
pub(super) fn ask_on_opening(
    app: &mut App,
    project: ProjectId,
    pipeline: PipelineId,
    now: Instant,
) -> Option<ViewEffect> {
    let is_open = matches!(app.facts.needs.get(&pipeline), Some(PipelineNeeds::Asked { .. } | PipelineNeeds::Read(_)));
    let (_, shown) = app.facts.pipeline(project, pipeline)?;
    let is_waiting = shown.jobs().any(|job| job.status == Status::Created);
    let is_wanted = is_waiting || app.facts.options.charset == Charset::Words;
    if is_open || !is_wanted { None } else { ask(app, project, pipeline, now) }
}

/// Asks for the pipeline on top, once the cursor has rested on one of its jobs. What could not be read is not asked again.
pub(super) fn ask_at_rest(app: &mut App, now: Instant) -> Option<ViewEffect> {
    let screen = app.opened.last()?;
    let (ScreenPlace::Pipeline(project, pipeline), Some(ScreenPlace::Job(..))) = (screen.place, screen.chosen()) else {
        return None;
    };
    if !app.is_resting(now) || app.facts.needs.contains_key(&pipeline) {
        return None;
    }
    ask(app, project, pipeline, now)
}

fn ask(app: &mut App, project: ProjectId, pipeline: PipelineId, now: Instant) -> Option<ViewEffect> {
    let (row, shown) = app.facts.pipeline(project, pipeline)?;
    let jobs = shown.jobs().map(|job| 1 + job.earlier.len()).sum();
    // One job alone needs none.
    let iid = shown.iid.filter(|_| shown.jobs().nth(1).is_some())?;
    let request = NeedsRequest { pipeline, project: row.project.full_path.clone(), iid, jobs };
    let known = &mut app.facts.needs;
    // A newer question takes the place of one that still waits.
    known.retain(|_, needs| !matches!(needs, PipelineNeeds::Asked { .. }));
    if known.len() >= MOST_KEPT {
        known.clear();
    }
    known.insert(pipeline, PipelineNeeds::Asked { since: now });
    Some(ViewEffect::ReadNeeds(request))
}

pub(super) fn take(app: &mut App, answer: NeedsAnswer) {
    let state = match answer.outcome {
        Ok(Some(needs)) => PipelineNeeds::Read(needs),
        Ok(None) => PipelineNeeds::Untold,
        Err(failure) => PipelineNeeds::Failed(failure),
    };
    app.facts.needs.insert(answer.pipeline, state);
}
