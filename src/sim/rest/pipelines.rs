//! `/projects/:id/pipelines`: the list, the latest, and one with its details.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::page::Page;
use super::{Answer, Asked, Rest, parse_time, time};
use crate::sim::plan::{Pipeline, Tree, USERS};
use crate::sim::query::Query;
use crate::sim::status::{KNOWN, is_complete, verdict};

/// Returns the project unless it is unknown or its CI is switched off.
fn project(rest: &Rest<'_>, asked: &Asked<'_>, id: &str) -> Result<usize, Answer> {
    let index = rest.visible_project(asked, id)?;
    if rest.world.projects[index].ci_off { Err(Answer::message(403, "403 Forbidden")) } else { Ok(index) }
}

/// Finds a pipeline of this project, with the tree that it belongs to.
pub(super) fn find(rest: &Rest<'_>, asked: &Asked<'_>, id: &str, pipeline: &str) -> Result<(Tree, usize), Answer> {
    let index = project(rest, asked, id)?;
    let number = pipeline.parse::<u64>().map_err(|_| Answer::error(400, json!({"error": "pipeline_id is invalid"})))?;
    let found = rest.world.tree_with(number, rest.now).filter(|(tree, at)| tree.pipelines[*at].project == index);
    found.ok_or_else(|| Answer::message(404, "404 Not found"))
}

pub(super) fn list(rest: &Rest<'_>, asked: &Asked<'_>, id: &str) -> Answer {
    let answer = || {
        let index = project(rest, asked, id)?;
        let page = Page::of(asked)?;
        let mut found = rest.world.pipelines_of(index, rest.now);
        filter(rest, &asked.query, &mut found)?;
        order(rest, &asked.query, &mut found)?;
        Ok(page.answer(rest.base, asked, &found, |pipeline| basic(rest, pipeline)))
    };
    answer().unwrap_or_else(|refusal: Answer| refusal)
}

/// Applies the list's parameters; children appear only when asked for by source.
fn filter(rest: &Rest<'_>, query: &Query, found: &mut Vec<Pipeline>) -> Result<(), Answer> {
    let now = rest.now;
    let source = query.get("source");
    found.retain(|p| source.map_or(p.source != "parent_pipeline", |source| p.source == source));
    if let Some(wanted) = query.get("ref") {
        found.retain(|p| p.ref_name == wanted);
    }
    if let Some(wanted) = query.get("sha") {
        found.retain(|p| p.sha == wanted);
    }
    if let Some(wanted) = query.get("name") {
        found.retain(|p| p.name.as_deref() == Some(wanted));
    }
    if let Some(wanted) = query.get("username") {
        found.retain(|p| USERS[p.user].0 == wanted);
    }
    if let Some(wanted) = query.get("status") {
        if !KNOWN.contains(&wanted) {
            return Err(Answer::invalid("status"));
        }
        found.retain(|p| p.status(now) == wanted);
    }
    filter_by_time(query, found, now)?;
    match query.get("scope") {
        None => {}
        Some("running") => found.retain(|p| p.status(now) == "running"),
        Some("pending") => found.retain(|p| p.status(now) == "pending"),
        Some("finished") => found.retain(|p| is_complete(&p.status(now)) && p.status(now) != "skipped"),
        // GitLab answers these two with the newest pipeline of each branch or tag.
        Some(scope @ ("branches" | "tags")) => {
            let mut seen = HashSet::new();
            found.retain(|p| p.tag == (scope == "tags") && !p.ref_name.starts_with("refs/"));
            found.retain(|p| seen.insert(p.ref_name.clone()));
        }
        Some(_) => return Err(Answer::invalid("scope")),
    }
    Ok(())
}

fn filter_by_time(query: &Query, found: &mut Vec<Pipeline>, now: i64) -> Result<(), Answer> {
    for (key, after, stamp) in [
        ("updated_after", true, Pipeline::updated as fn(&Pipeline, i64) -> i64),
        ("updated_before", false, Pipeline::updated),
        ("created_after", true, |p, _| p.created),
        ("created_before", false, |p, _| p.created),
    ] {
        let Some(text) = query.get(key) else { continue };
        let limit =
            parse_time(text).ok_or_else(|| Answer::error(400, json!({"error": format!("{key} is invalid")})))?;
        found.retain(|p| if after { stamp(p, now) > limit } else { stamp(p, now) < limit });
    }
    Ok(())
}

fn order(rest: &Rest<'_>, query: &Query, found: &mut [Pipeline]) -> Result<(), Answer> {
    let now = rest.now;
    match query.get("order_by").unwrap_or("id") {
        "id" => found.sort_by_key(|p| p.id),
        "status" => found.sort_by_key(|p| (p.status(now), p.id)),
        "ref" => found.sort_by_key(|p| (p.ref_name.clone(), p.id)),
        "updated_at" => found.sort_by_key(|p| (p.updated(now), p.id)),
        "user_id" => found.sort_by_key(|p| (p.user, p.id)),
        _ => return Err(Answer::invalid("order_by")),
    }
    match query.get("sort").unwrap_or("desc") {
        "desc" => found.reverse(),
        "asc" => {}
        _ => return Err(Answer::invalid("sort")),
    }
    Ok(())
}

pub(super) fn latest(rest: &Rest<'_>, asked: &Asked<'_>, id: &str) -> Answer {
    let answer = || {
        let index = project(rest, asked, id)?;
        let branch = rest.world.projects[index].default_branch.clone().unwrap_or_default();
        let wanted = asked.query.get("ref").unwrap_or(&branch);
        let found = rest.world.pipelines_of(index, rest.now);
        // The documented answer to a commit without pipeline is a 403, strange as it is.
        let found = found.iter().find(|p| p.ref_name == wanted && p.source != "parent_pipeline");
        found.map(|p| details(rest, p)).ok_or_else(|| Answer::message(403, "403 Forbidden"))
    };
    answer().map_or_else(|refusal: Answer| refusal, Answer::ok)
}

pub(super) fn single(rest: &Rest<'_>, asked: &Asked<'_>, id: &str, pipeline: &str) -> Answer {
    match find(rest, asked, id, pipeline) {
        Ok((tree, at)) => Answer::ok(details(rest, &tree.pipelines[at])),
        Err(refusal) => refusal,
    }
}

fn path(rest: &Rest<'_>, pipeline: &Pipeline) -> String {
    format!("/{}/-/pipelines/{}", rest.world.projects[pipeline.project].full_path, pipeline.id)
}

pub(super) fn basic(rest: &Rest<'_>, pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id, "iid": pipeline.iid, "project_id": rest.world.projects[pipeline.project].id,
        "status": pipeline.status(rest.now), "source": pipeline.source, "ref": pipeline.ref_name, "sha": pipeline.sha,
        "name": pipeline.name, "web_url": format!("{}{}", rest.base, path(rest, pipeline)),
        "created_at": time(pipeline.created), "updated_at": time(pipeline.updated(rest.now)),
    })
}

fn details(rest: &Rest<'_>, pipeline: &Pipeline) -> Value {
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

/// The words of GitLab's badges (`lib/gitlab/ci/status/*.rb`): group has hyphens where the status has underscores.
fn detailed_status(rest: &Rest<'_>, pipeline: &Pipeline) -> Value {
    let status = pipeline.status(rest.now);
    let (text, label, group, icon) = match verdict(&status, pipeline.has_warnings(rest.now)) {
        "warning" => ("warning", "passed with warnings", "success-with-warnings".to_owned(), "warning".to_owned()),
        "success" => ("passed", "passed", "success".to_owned(), "success".to_owned()),
        "manual" => ("blocked", "waiting for manual action", "manual".to_owned(), "manual".to_owned()),
        "scheduled" => ("delayed", "waiting for delayed job", "scheduled".to_owned(), "scheduled".to_owned()),
        "waiting_for_resource" => {
            ("waiting", "waiting for resource", "waiting-for-resource".to_owned(), "pending".to_owned())
        }
        other => (other, other, other.replace('_', "-"), other.to_owned()),
    };
    json!({
        "icon": format!("status_{icon}"), "text": text, "label": label, "group": group, "tooltip": label,
        "has_details": true, "details_path": path(rest, pipeline), "illustration": null,
        "favicon": format!("/assets/ci_favicons/favicon_status_{icon}.png"),
    })
}

pub(super) fn user(rest: &Rest<'_>, index: usize) -> Value {
    let (username, name) = USERS[index];
    json!({
        "id": index + 1, "username": username, "name": name, "state": "active", "avatar_url": null,
        "web_url": format!("{}/{username}", rest.base),
    })
}
