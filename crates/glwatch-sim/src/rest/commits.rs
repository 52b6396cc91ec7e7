//! `/projects/:id/repository/commits/:sha`.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, time};
use super::pipelines::basic;
use crate::listed_pipeline::ListedPipeline;
use crate::plan::{Pipeline, USERS};

/// A commit by its hash or its beginning, or by the name of a branch or tag: then the one that was built last.
pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, wanted: &str) -> ApiAnswer {
    let index = match rest.visible_project(asked, id) {
        Ok(index) => index,
        Err(refusal) => return refusal,
    };
    let pipelines = rest.world.pipelines_of(index, rest.now);
    // Git itself takes no fewer than four digits.
    let is_hash = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of =
        |p: &&ListedPipeline<'_>| p.ref_name == wanted || (is_hash && p.sha.starts_with(&wanted.to_ascii_lowercase()));
    match pipelines.iter().find(of) {
        Some(pipeline) => {
            let mut body = commit(rest, pipeline);
            let newest = pipelines.iter().find(|p| p.sha == pipeline.sha && p.source != "parent_pipeline");
            body["last_pipeline"] = newest.map_or(Value::Null, |pipeline| basic(rest, pipeline));
            body["status"] = newest.map_or(Value::Null, |pipeline| pipeline.status(rest.now).into());
            if asked.query.flag("stats").unwrap_or(true) {
                body["stats"] = json!({ "additions": 12, "deletions": 3, "total": 15 });
            }
            ApiAnswer::ok(body)
        }
        None => ApiAnswer::message(404, "404 Commit Not Found"),
    }
}

pub(super) fn commit(rest: &RestApi<'_>, pipeline: &Pipeline) -> Value {
    let (username, name) = USERS[pipeline.user];
    let (email, at) = (format!("{username}@example.com"), time(pipeline.created - 60_000));
    let path = &rest.world.projects[pipeline.project].full_path;
    json!({
        "id": pipeline.sha, "short_id": &pipeline.sha[..8], "title": pipeline.title, "message": pipeline.title,
        "author_name": name, "author_email": email, "authored_date": at,
        "committer_name": name, "committer_email": email, "committed_date": at, "created_at": at,
        "parent_ids": [pipeline.before_sha], "web_url": format!("{}/{path}/-/commit/{}", rest.base, pipeline.sha),
    })
}
