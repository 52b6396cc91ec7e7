//! A project's webhooks (<https://docs.gitlab.com/api/project_webhooks/>): listed, created, changed and deleted.
//!
//! Only Maintainers see them; the tokens here are such. The words of a refused URL are those of
//! `lib/api/helpers/web_hooks_helpers.rb`, read and not observed. A secret is never shown again.

use serde_json::{Map, Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, time};
use super::page::ListPage;
use crate::hook_shelf::SimHook;

/// What GitLab shows of every hook as on or off; a new hook hears of pushes unless it says otherwise.
const EVENTS: [&str; 16] = [
    "push_events",
    "tag_push_events",
    "issues_events",
    "confidential_issues_events",
    "merge_requests_events",
    "note_events",
    "confidential_note_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "releases_events",
    "feature_flag_events",
    "emoji_events",
    "resource_access_token_events",
    "repository_update_events",
];

pub(super) fn list(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let project = match rest.visible_project(asked, id) {
        Ok(project) => project,
        Err(refusal) => return refusal,
    };
    let page = match ListPage::of(asked) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    let hooks = rest.world.hooks.of(project);
    page.answer(rest.base, asked, &hooks, |hook| shown(rest, project, hook))
}

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, hook: &str) -> ApiAnswer {
    match found(rest, asked, id, hook) {
        Ok((project, hook)) => ApiAnswer::ok(shown(rest, project, &hook)),
        Err(refusal) => refusal,
    }
}

pub(super) fn create(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let project = match rest.visible_project(asked, id) {
        Ok(project) => project,
        Err(refusal) => return refusal,
    };
    let given = match given(asked) {
        Ok(given) => given,
        Err(refusal) => return refusal,
    };
    let mut hook = SimHook { id: rest.world.hooks.next_id(), fields: Map::new(), has_token: false, created: rest.now };
    hook.fields.insert("push_events".to_owned(), json!(true));
    hook.change(given);
    if !rest.lost {
        rest.world.hooks.put(project, hook.clone());
    }
    ApiAnswer { status: 201, ..ApiAnswer::ok(shown(rest, project, &hook)) }
}

pub(super) fn edit(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, hook: &str) -> ApiAnswer {
    let (project, mut hook) = match found(rest, asked, id, hook) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let given = match given(asked) {
        Ok(given) => given,
        Err(refusal) => return refusal,
    };
    hook.change(given);
    if !rest.lost {
        rest.world.hooks.put(project, hook.clone());
    }
    ApiAnswer::ok(shown(rest, project, &hook))
}

pub(super) fn delete(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, hook: &str) -> ApiAnswer {
    let (project, hook) = match found(rest, asked, id, hook) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    if !rest.lost {
        rest.world.hooks.remove(project, hook.id);
    }
    ApiAnswer { status: 204, ..ApiAnswer::written(String::new()) }
}

fn found(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, hook: &str) -> Result<(usize, SimHook), ApiAnswer> {
    let project = rest.visible_project(asked, id)?;
    let hooks = rest.world.hooks.of(project);
    let hook = hooks.into_iter().find(|known| hook.parse() == Ok(known.id));
    hook.map(|hook| (project, hook)).ok_or_else(|| ApiAnswer::message(404, "404 Not found"))
}

/// Returns what was sent, checked as Grape and the model do.
fn given(asked: &ApiRequest<'_>) -> Result<Map<String, Value>, ApiAnswer> {
    let bad = |text: &str| ApiAnswer::error(400, json!({ "error": text }));
    let Ok(Value::Object(given)) = serde_json::from_slice::<Value>(asked.body) else {
        return Err(bad("url is missing"));
    };
    let Some(url) = given.get("url").and_then(Value::as_str) else { return Err(bad("url is missing")) };
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(ApiAnswer::message(422, "Invalid url given"));
    }
    let odd = EVENTS.iter().find(|name| given.get(**name).is_some_and(|value| !value.is_boolean()));
    match odd {
        Some(name) => Err(bad(&format!("{name} is invalid"))),
        None => Ok(given),
    }
}

fn shown(rest: &RestApi<'_>, project: usize, hook: &SimHook) -> Value {
    let mut shown = json!({
        "id": hook.id, "url": "", "name": null, "description": null, "created_at": time(hook.created),
        "push_events_branch_filter": "", "branch_filter_strategy": "wildcard", "enable_ssl_verification": true,
        "project_id": rest.world.projects[project].id, "alert_status": "executable", "disabled_until": null,
        "url_variables": [], "custom_webhook_template": null, "custom_headers": [],
    });
    if let Some(all) = shown.as_object_mut() {
        all.extend(EVENTS.iter().map(|name| ((*name).to_owned(), json!(false))));
        all.extend(hook.fields.clone());
    }
    shown
}
