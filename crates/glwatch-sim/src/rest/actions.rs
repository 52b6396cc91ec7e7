//! The routes that change something: retry, cancel and play.
//!
//! Statuses and words are those of `lib/api/ci/jobs.rb` and `pipelines.rb`: a retry and the cancellation of a job are a
//! 201, the cancellation of a pipeline and a play a 200; what cannot be canceled is answered as if it were.

use super::api_request::{ApiAnswer, ApiRequest, RestApi};
use super::job::{at, find};
use super::jobs::build;
use super::pipelines::{changed, find as find_pipeline};
use crate::action_log::{JobAction, RecordedAction};
use crate::plan::Tree;
use crate::status::{is_playable, is_retryable};

impl RestApi<'_> {
    fn did(&self, tree: &Tree, pipeline: u64, action: JobAction) {
        // The answer of a fault means a request that never got here.
        if !self.lost {
            self.world.actions.add(tree, RecordedAction { at: self.now, pipeline, action });
        }
    }

    fn next_id(&self, pipeline: u64) -> u64 {
        self.world.actions.next_id(self.world, pipeline, self.now)
    }

    /// Shows an attempt as it is after the act.
    fn shown(&self, status: u16, attempt: u64) -> ApiAnswer {
        let answer = self.world.attempt(attempt, self.now).map(|(tree, place)| {
            let (pipeline, job, attempt) = at(&tree, place);
            ApiAnswer { status, ..ApiAnswer::ok(build(self, pipeline, job, attempt)) }
        });
        answer.unwrap_or_else(|| ApiAnswer::message(404, "404 Not found"))
    }

    fn shown_pipeline(&self, status: u16, id: u64) -> ApiAnswer {
        let answer = self.world.tree_with(id, self.now);
        let answer = answer.map(|(tree, at)| ApiAnswer { status, ..ApiAnswer::ok(changed(self, &tree.pipelines[at])) });
        answer.unwrap_or_else(|| ApiAnswer::message(404, "404 Not found"))
    }
}

pub(super) fn retry_job(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, job: &str) -> ApiAnswer {
    let (tree, place) = match find(rest, asked, id, job, true) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let (pipeline, job, attempt) = at(&tree, place);
    let current = job.current(rest.now).is_some_and(|current| current.id == attempt.id);
    if !current || !attempt.status(rest.now).is_some_and(is_retryable) {
        return ApiAnswer::message(403, "403 Forbidden - Job is not retryable");
    }
    if rest.lost {
        return rest.shown(201, attempt.id);
    }
    let new = rest.next_id(pipeline.id);
    rest.did(&tree, pipeline.id, JobAction::Retry { job: place.job, id: new });
    rest.shown(201, new)
}

pub(super) fn cancel_job(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, job: &str) -> ApiAnswer {
    let (tree, place) = match find(rest, asked, id, job, false) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let (pipeline, job, attempt) = at(&tree, place);
    // GitLab does not say that there was nothing to cancel.
    if job.current(rest.now).is_some_and(|current| current.id == attempt.id) {
        rest.did(&tree, pipeline.id, JobAction::Cancel(place.job));
    }
    rest.shown(201, attempt.id)
}

pub(super) fn play_job(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, job: &str) -> ApiAnswer {
    let (tree, place) = match find(rest, asked, id, job, true) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let (pipeline, job, attempt) = at(&tree, place);
    let current = job.current(rest.now).is_some_and(|current| current.id == attempt.id);
    if !current || !attempt.status(rest.now).is_some_and(is_playable) {
        return ApiAnswer::message(400, "400 Bad request - Unplayable Job");
    }
    rest.did(&tree, pipeline.id, JobAction::Play(place.job));
    rest.shown(200, attempt.id)
}

/// Runs every failed and canceled job again; with none of them nothing happens, and GitLab answers the same. That trigger
/// jobs are among them is unverified.
pub(super) fn retry_pipeline(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let (tree, at) = match find_pipeline(rest, asked, id, pipeline) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let pipeline = &tree.pipelines[at];
    let ended = |status: &str| matches!(status, "failed" | "canceled");
    let jobs = pipeline.jobs.iter().enumerate();
    let again = jobs.filter(|(_, job)| job.current(rest.now).and_then(|a| a.status(rest.now)).is_some_and(ended));
    let again: Vec<usize> = again.map(|(job, _)| job).collect();
    if !again.is_empty() && !rest.lost {
        let again = again.into_iter().map(|job| (job, rest.next_id(pipeline.id))).collect();
        rest.did(&tree, pipeline.id, JobAction::RetryAll(again));
    }
    rest.shown_pipeline(201, pipeline.id)
}

pub(super) fn cancel_pipeline(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let (tree, at) = match find_pipeline(rest, asked, id, pipeline) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let pipeline = &tree.pipelines[at];
    rest.did(&tree, pipeline.id, JobAction::CancelAll);
    rest.shown_pipeline(200, pipeline.id)
}
