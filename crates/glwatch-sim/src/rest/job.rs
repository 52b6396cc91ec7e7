//! `/projects/:id/jobs/:job_id` and what lies below it.

use std::sync::Arc;

use serde_json::json;

use super::api_request::{ApiAnswer, ApiRequest, RestApi};
use super::jobs::build;
use super::pipelines::project;
use crate::plan::{Attempt, Job, Pipeline, Tree};
use crate::trace::trace as written;
use crate::world::AttemptPlace;

/// Finds an attempt in this project. GitLab looks among builds; `bridges` says whether a trigger job will do, too.
pub(super) fn find(
    rest: &RestApi<'_>,
    asked: &ApiRequest<'_>,
    id: &str,
    job: &str,
    bridges: bool,
) -> Result<(Arc<Tree>, AttemptPlace), ApiAnswer> {
    let index = project(rest, asked, id)?;
    let number = job.parse::<u64>().map_err(|_| ApiAnswer::error(400, json!({ "error": "job_id is invalid" })))?;
    let found = rest.world.attempt(number, rest.now).filter(|(tree, place)| {
        let pipeline = &tree.pipelines[place.pipeline];
        let job = &pipeline.jobs[place.job];
        pipeline.project == index && (bridges || !job.bridge) && !job.is_external()
    });
    found.ok_or_else(|| ApiAnswer::message(404, "404 Not found"))
}

/// Returns the job at a place.
pub(super) fn at(tree: &Tree, place: AttemptPlace) -> (&Pipeline, &Job, &Attempt) {
    let pipeline = &tree.pipelines[place.pipeline];
    let job = &pipeline.jobs[place.job];
    (pipeline, job, &job.attempts[place.attempt])
}

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, job: &str) -> ApiAnswer {
    match find(rest, asked, id, job, false) {
        Ok((tree, place)) => {
            let (pipeline, job, attempt) = at(&tree, place);
            ApiAnswer::ok(build(rest, pipeline, job, attempt))
        }
        Err(refusal) => refusal,
    }
}

/// The whole log, whatever `Range` asks for; nothing when there is none.
pub(super) fn trace(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, job: &str) -> ApiAnswer {
    let (tree, place) = match find(rest, asked, id, job, false) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let (pipeline, job, attempt) = at(&tree, place);
    let log = written(rest.world, pipeline, job, attempt, rest.now);
    let tag = rest.etags.then(|| log.tag(attempt.id));
    let mut answer = ApiAnswer::ok(json!(null));
    answer.headers.extend(tag.clone().map(|tag| ("etag", tag)));
    if tag.is_some_and(|tag| asked.if_none_match == Some(&*tag)) {
        answer.status = 304;
        answer.text = Some(String::new());
        return answer;
    }
    answer.headers.push(("content-disposition", format!("infile; filename=\"{}.log\"", attempt.id)));
    answer.log = Some(Box::new(log));
    answer
}
