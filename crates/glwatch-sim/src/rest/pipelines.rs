//! `/projects/:id/pipelines`: the list, the latest, and one with its details.

use std::sync::Arc;

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, parse_time, time};
use super::page::ListPage;
use crate::badge::Badge;
use crate::listed_pipeline::ListedPipeline;
use crate::pipeline_filter::{ListScope, PipelineFilter};
use crate::plan::{Pipeline, Tree, USERS};
use crate::query::QueryParameters;

/// Returns the project unless it is unknown or its CI is switched off.
pub(super) fn project(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> Result<usize, ApiAnswer> {
    let index = rest.visible_project(asked, id)?;
    if rest.world.projects[index].ci_off { Err(ApiAnswer::message(403, "403 Forbidden")) } else { Ok(index) }
}

/// Finds a pipeline of this project, with the tree that it belongs to.
pub(super) fn find(
    rest: &RestApi<'_>,
    asked: &ApiRequest<'_>,
    id: &str,
    pipeline: &str,
) -> Result<(Arc<Tree>, usize), ApiAnswer> {
    let index = project(rest, asked, id)?;
    let number =
        pipeline.parse::<u64>().map_err(|_| ApiAnswer::error(400, json!({"error": "pipeline_id is invalid"})))?;
    let found = rest.world.tree_with(number, rest.now).filter(|(tree, at)| tree.pipelines[*at].project == index);
    found.ok_or_else(|| ApiAnswer::message(404, "404 Not found"))
}

pub(super) fn list(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let index = project(rest, asked, id)?;
        let page = ListPage::of(asked)?;
        let mut found = rest.world.pipelines_of(index, rest.now);
        filter(rest, &asked.query, &mut found);
        order(rest, &asked.query, &mut found);
        Ok(page.answer(rest.base, asked, &found, |pipeline| basic(rest, pipeline)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// Applies the list's parameters; children appear only when asked for by source.
fn filter(rest: &RestApi<'_>, query: &QueryParameters, found: &mut Vec<ListedPipeline<'_>>) {
    let time = |key: &str| query.get(key).and_then(parse_time);
    let broken = query.flag("yaml_errors");
    found.retain(|pipeline| broken.is_none_or(|broken| pipeline.yaml_errors.is_some() == broken));
    let wanted = PipelineFilter {
        source: query.get("source"),
        ref_name: query.get("ref"),
        sha: query.get("sha"),
        name: query.get("name"),
        username: query.get("username"),
        status: query.get("status"),
        scope: query.get("scope").and_then(ListScope::named),
        updated_after: time("updated_after"),
        updated_before: time("updated_before"),
        created_after: time("created_after"),
        created_before: time("created_before"),
    };
    wanted.keep(found, rest.now);
}

fn order(rest: &RestApi<'_>, query: &QueryParameters, found: &mut [ListedPipeline<'_>]) {
    let now = rest.now;
    match query.get("order_by").unwrap_or("id") {
        "status" => found.sort_by_key(|p| (p.status(now), p.id)),
        "ref" => found.sort_by_key(|p| (p.ref_name.clone(), p.id)),
        "updated_at" => found.sort_by_key(|p| (p.updated(now), p.id)),
        "user_id" => found.sort_by_key(|p| (p.user, p.id)),
        _ => found.sort_by_key(|p| p.id),
    }
    if query.get("sort") != Some("asc") {
        found.reverse();
    }
}

pub(super) fn latest(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let index = project(rest, asked, id)?;
        let branch = rest.world.projects[index].default_branch.clone().unwrap_or_default();
        let wanted = asked.query.get("ref").unwrap_or(&branch);
        let found = rest.world.pipelines_of(index, rest.now);
        // The documented answer to a commit without pipeline is a 403, strange as it is.
        let found = found.iter().find(|p| p.ref_name == wanted && p.source != "parent_pipeline");
        found.map(|p| details(rest, p)).ok_or_else(|| ApiAnswer::message(403, "403 Forbidden"))
    };
    answer().map_or_else(|refusal: ApiAnswer| refusal, ApiAnswer::ok)
}

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    match find(rest, asked, id, pipeline) {
        Ok((tree, at)) => ApiAnswer::ok(details(rest, &tree.pipelines[at])),
        Err(refusal) => refusal,
    }
}

pub(crate) fn path(rest: &RestApi<'_>, pipeline: &Pipeline) -> String {
    format!("/{}/-/pipelines/{}", rest.world.projects[pipeline.project].full_path, pipeline.id)
}

pub(super) fn basic(rest: &RestApi<'_>, pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id, "iid": pipeline.iid, "project_id": rest.world.projects[pipeline.project].id,
        "status": pipeline.status(rest.now), "source": pipeline.source, "ref": pipeline.ref_name, "sha": pipeline.sha,
        "name": pipeline.name, "web_url": format!("{}{}", rest.base, path(rest, pipeline)),
        "created_at": time(pipeline.created), "updated_at": time(pipeline.updated(rest.now)),
    })
}

fn details(rest: &RestApi<'_>, pipeline: &Pipeline) -> Value {
    let now = rest.now;
    let (started, finished) = (pipeline.started(now), pipeline.finished(now));
    let mut body = basic(rest, pipeline);
    let more = json!({
        "before_sha": pipeline.before_sha, "tag": pipeline.tag, "yaml_errors": pipeline.yaml_errors,
        "user": user(rest, pipeline.user), "started_at": started.map(time),
        "finished_at": finished.map(time), "committed_at": null,
        "duration": finished.zip(started).map(|(end, start)| (end - start) / 1_000),
        "queued_duration": started.map(|start| (start - pipeline.created) / 1_000),
        "coverage": pipeline.coverage(now), "detailed_status": detailed_status(rest, pipeline),
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}

/// A pipeline as the actions answer it: `Entities::Ci::Pipeline`, which has no name.
pub(super) fn changed(rest: &RestApi<'_>, pipeline: &Pipeline) -> Value {
    let mut body = details(rest, pipeline);
    if let Some(body) = body.as_object_mut() {
        body.remove("name");
    }
    body
}

fn detailed_status(rest: &RestApi<'_>, pipeline: &Pipeline) -> Value {
    let Badge { text, label, group, icon } = Badge::of(&pipeline.status(rest.now), pipeline.has_warnings(rest.now));
    json!({
        "icon": format!("status_{icon}"), "text": text, "label": label, "group": group, "tooltip": label,
        "has_details": true, "details_path": path(rest, pipeline), "illustration": null,
        "favicon": format!("/assets/ci_favicons/favicon_status_{icon}.png"),
    })
}

pub(super) fn user(rest: &RestApi<'_>, index: usize) -> Value {
    let (username, name) = USERS[index];
    json!({
        "id": index + 1, "username": username, "name": name, "state": "active", "avatar_url": null,
        "web_url": format!("{}/{username}", rest.base),
    })
}
