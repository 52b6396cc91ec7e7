//! Projects as the lists and `/projects/:id` show them.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, time};
use super::groups::full_name;
use super::page::ListPage;
use crate::options::Access;
use crate::plan::USERS;
use crate::world::{EPOCH_MS, Project};

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    match rest.visible_project(asked, id) {
        Ok(index) => ApiAnswer::ok(item(rest, &rest.world.projects[index])),
        Err(refusal) => refusal,
    }
}

/// `/projects`: every project that the caller sees. A member is here everybody with a token.
pub(super) fn list(rest: &RestApi<'_>, asked: &ApiRequest<'_>) -> ApiAnswer {
    let number = |key: &str| asked.query.number(key).map(|number| number as u64);
    let (after, before) = (number("id_after"), number("id_before"));
    let mine = asked.query.flag("membership") == Some(true) && !asked.caller.reads();
    let visible = !mine && (rest.access == Access::Public || asked.caller.reads());
    let answer = listed(rest, asked, |project| {
        visible && after.is_none_or(|id| project.id > id) && before.is_none_or(|id| project.id < id)
    });
    answer.unwrap_or_else(|refusal| refusal)
}

/// `/users/:id/projects`, by number or username: those in the user's namespace that the caller sees.
pub(super) fn of_user(rest: &RestApi<'_>, asked: &ApiRequest<'_>, user: &str) -> ApiAnswer {
    let namespace = rest.world.user_namespace(user);
    let is_known = |(nth, (username, _)): (usize, &(&str, &str))| {
        user.parse::<usize>().map_or(username.eq_ignore_ascii_case(user), |id| id == nth + 1)
    };
    // Those who have no project of their own are users nevertheless.
    if namespace.is_none() && !USERS.iter().enumerate().any(is_known) {
        return ApiAnswer::message(404, "404 User Not Found");
    }
    let visible = rest.access == Access::Public || asked.caller.reads();
    let answer = listed(rest, asked, |project| visible && Some(project.group) == namespace);
    answer.unwrap_or_else(|refusal| refusal)
}

/// Answers a page of the projects that are `member`s, filtered and in the order that the query asks for.
pub(super) fn listed(
    rest: &RestApi<'_>,
    asked: &ApiRequest<'_>,
    member: impl Fn(&Project) -> bool,
) -> Result<ApiAnswer, ApiAnswer> {
    let page = ListPage::of(asked)?;
    let query = &asked.query;
    let archived = query.flag("archived");
    let wanted = |project: &&Project| {
        member(project)
            && archived.is_none_or(|archived| project.archived == archived)
            && query.get("search").is_none_or(|text| contains(&project.name, text) || contains(&project.path, text))
    };
    let mut found: Vec<&Project> = rest.world.projects.iter().filter(wanted).collect();
    found.sort_by(|a, b| compare(query.get("order_by").unwrap_or("created_at"), a, b));
    if query.get("sort") != Some("asc") {
        found.reverse();
    }
    Ok(page.answer(rest.base, asked, &found, |project| {
        let mut item = item(rest, project);
        if query.flag("simple") == Some(true) {
            simplify(&mut item);
        }
        item
    }))
}

/// Returns whether a name has the text that is searched for; upper case does not matter.
pub(super) fn contains(name: &str, text: &str) -> bool {
    name.to_lowercase().contains(&text.to_lowercase())
}

fn compare(by: &str, a: &Project, b: &Project) -> Ordering {
    match by {
        "name" => a.name.cmp(&b.name).then(a.id.cmp(&b.id)),
        "path" => a.path.cmp(&b.path).then(a.id.cmp(&b.id)),
        "created_at" | "updated_at" | "last_activity_at" => (a.created, a.id).cmp(&(b.created, b.id)),
        _ => a.id.cmp(&b.id),
    }
}

pub(super) fn item(rest: &RestApi<'_>, project: &Project) -> Value {
    let (base, path) = (rest.base, &project.full_path);
    let group = &rest.world.groups[project.group];
    let deletion = project.marked_for_deletion.then(|| time(rest.world.anchor)[..10].to_owned());
    let mut item = json!({
        "id": project.id, "description": null, "default_branch": project.default_branch, "tag_list": [], "topics": [],
        "archived": project.archived, "visibility": "public",
        "ssh_url_to_repo": format!("git@gitlab.example.com:{path}.git"),
        "http_url_to_repo": format!("{base}/{path}.git"), "web_url": format!("{base}/{path}"),
        "name": project.name, "name_with_namespace": format!("{} / {}", full_name(rest.world, project.group), project.name),
        "path": project.path, "path_with_namespace": path, "issues_enabled": true, "merge_requests_enabled": true,
        "wiki_enabled": true, "jobs_enabled": !project.ci_off, "snippets_enabled": true,
        "created_at": time(project.created), "last_activity_at": time(rest.world.anchor.max(EPOCH_MS)),
        "shared_runners_enabled": true, "creator_id": 1, "avatar_url": null, "star_count": 0, "forks_count": 0,
        "open_issues_count": 0, "public_jobs": true, "shared_with_groups": shared_with(rest, project),
        "request_access_enabled": true,
        "empty_repo": project.default_branch.is_none(),
        "builds_access_level": if project.ci_off { "disabled" } else { "enabled" },
        "marked_for_deletion_at": deletion, "marked_for_deletion_on": deletion,
    });
    let (kind, place) =
        if group.user.is_some() { ("user", base.to_owned()) } else { ("group", format!("{base}/groups")) };
    item["namespace"] = json!({
        "id": group.id, "name": group.name, "path": group.full_path.rsplit('/').next(), "kind": kind,
        "full_path": group.full_path, "parent_id": group.parent.map(|index| rest.world.groups[index].id),
        "avatar_url": null, "web_url": format!("{place}/{}", group.full_path),
    });
    item
}

fn shared_with(rest: &RestApi<'_>, project: &Project) -> Vec<Value> {
    let group = |index: &usize| {
        let group = &rest.world.groups[*index];
        json!({
            "group_id": group.id, "group_name": group.name, "group_full_path": group.full_path,
            "group_access_level": 30, "expires_at": null,
        })
    };
    project.shared_with.iter().map(group).collect()
}

/// Keeps what `simple=true` keeps (`lib/api/entities/basic_project_details.rb`, `project_identity.rb`).
fn simplify(item: &mut Value) {
    const KEPT: [&str; 19] = [
        "id",
        "description",
        "name",
        "name_with_namespace",
        "path",
        "path_with_namespace",
        "created_at",
        "default_branch",
        "tag_list",
        "topics",
        "ssh_url_to_repo",
        "http_url_to_repo",
        "web_url",
        "forks_count",
        "avatar_url",
        "star_count",
        "last_activity_at",
        "visibility",
        "namespace",
    ];
    if let Some(map) = item.as_object_mut() {
        map.retain(|key, _| KEPT.contains(&key.as_str()));
    }
}
