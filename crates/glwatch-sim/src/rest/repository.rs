//! `/projects/:id/repository/branches`, `/tags` and `/compare` (<https://docs.gitlab.com/api/branches/>,
//! <https://docs.gitlab.com/api/tags/>, <https://docs.gitlab.com/api/repositories/#compare-branches-tags-or-commits>).
//!
//! A branch or tag exists where a pipeline was built for it, and the default branch in any case.

use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::api_request::{ApiAnswer, ApiRequest, RestApi};
use super::commits::commit;
use super::page::ListPage;
use crate::listed_pipeline::ListedPipeline;

/// A branch or a tag, with the pipeline that was built last for it.
type NamedRef<'w> = (String, Option<ListedPipeline<'w>>);

/// Returns the branches or the tags, by name.
fn refs<'w>(rest: &RestApi<'w>, project: usize, is_tag: bool) -> Vec<NamedRef<'w>> {
    let mut found: BTreeMap<String, Option<ListedPipeline<'w>>> = BTreeMap::new();
    for pipeline in rest.world.pipelines_of(project, rest.now) {
        let is_of_repository = !pipeline.ref_name.starts_with("refs/") && pipeline.source != "parent_pipeline";
        if pipeline.tag != is_tag || !is_of_repository {
            continue;
        }
        let known = found.entry(pipeline.ref_name.clone()).or_default();
        if known.as_ref().is_none_or(|known| known.id < pipeline.id) {
            *known = Some(pipeline);
        }
    }
    if let Some(branch) = rest.world.projects[project].default_branch.as_ref().filter(|_| !is_tag) {
        found.entry(branch.clone()).or_default();
    }
    found.into_iter().collect()
}

fn branch_body(rest: &RestApi<'_>, project: usize, (name, built): &NamedRef<'_>) -> Value {
    let of = &rest.world.projects[project];
    let is_default = of.default_branch.as_deref() == Some(name.as_str());
    json!({
        "name": name, "merged": false, "protected": is_default, "default": is_default,
        "developers_can_push": false, "developers_can_merge": false, "can_push": true,
        "web_url": format!("{}/{}/-/tree/{name}", rest.base, of.full_path),
        "commit": built.as_ref().map(|pipeline| commit(rest, pipeline)),
    })
}

fn tag_body(rest: &RestApi<'_>, (name, built): &NamedRef<'_>) -> Value {
    let commit = built.as_ref().map(|pipeline| commit(rest, pipeline));
    let created = commit.as_ref().map(|commit| commit["created_at"].clone());
    let target = commit.as_ref().map(|commit| commit["id"].clone());
    json!({
        "name": name, "message": null, "target": target, "release": null, "protected": false,
        "created_at": created, "commit": commit,
    })
}

pub(super) fn branches(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let page = ListPage::of(asked)?;
        let found = refs(rest, project, false);
        Ok(page.answer(rest.base, asked, &found, |found| branch_body(rest, project, found)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

pub(super) fn branch(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, name: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let found = refs(rest, project, false).into_iter().find(|(known, _)| known == name);
        let found = found.ok_or_else(|| ApiAnswer::message(404, "404 Branch Not Found"))?;
        Ok(ApiAnswer::ok(branch_body(rest, project, &found)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

pub(super) fn tags(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let page = ListPage::of(asked)?;
        let mut found = refs(rest, project, true);
        // By when they were updated, the newest first.
        found.sort_by_key(|(_, built)| std::cmp::Reverse(built.as_ref().map(|pipeline| pipeline.created)));
        Ok(page.answer(rest.base, asked, &found, |found| tag_body(rest, found)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// The commits between two of those that were built, by time: history is one line here.
pub(super) fn compare(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let end = |name: &str| {
            asked.query.get(name).ok_or_else(|| ApiAnswer::error(400, json!({ "error": format!("{name} is missing") })))
        };
        let (from, to) = (end("from")?, end("to")?);
        let pipelines = rest.world.pipelines_of(project, rest.now);
        let built = |wanted: &str| {
            let newest = pipelines.iter().filter(|one| one.sha.starts_with(wanted) || one.ref_name == wanted);
            newest.map(|one| one.created).max().ok_or_else(|| ApiAnswer::message(404, "404 Ref Not Found"))
        };
        let (from, to) = (built(from)?, built(to)?);
        let mut between: Vec<&ListedPipeline<'_>> =
            pipelines.iter().filter(|one| one.created > from && one.created <= to && !one.tag).collect();
        between.sort_by_key(|one| one.created);
        between.dedup_by_key(|one| one.sha.clone());
        let commits: Vec<Value> = between.iter().map(|one| commit(rest, one)).collect();
        Ok(ApiAnswer::ok(json!({
            "commit": commits.last(), "commits": commits, "diffs": [], "compare_timeout": false,
            "compare_same_ref": from == to, "web_url": null,
        })))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// No pipeline of this world was started with variables.
pub(super) fn variables(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let is_known = rest.world.pipelines_of(project, rest.now).iter().any(|one| one.id.to_string() == pipeline);
        if is_known { Ok(ApiAnswer::ok(json!([]))) } else { Err(ApiAnswer::message(404, "404 Not found")) }
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}
