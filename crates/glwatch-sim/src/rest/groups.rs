//! `/groups`, `/groups/:id`, its subgroups and `/groups/:id/projects`.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, time};
use super::page::ListPage;
use super::projects::{contains, item, listed};
use crate::options::Access;
use crate::world::{EPOCH_MS, Project, World};

fn find(rest: &RestApi<'_>, id: &str) -> Result<usize, ApiAnswer> {
    rest.world.group(id).or_else(|| rest.instead_of(id)).ok_or_else(ApiAnswer::group_not_found)
}

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let index = match find(rest, id) {
        Ok(index) => index,
        Err(refusal) => return refusal,
    };
    let mut body = group(rest, index);
    // Any number is the demo group's: an answer about another number would be one to another question.
    if let (None, Ok(number)) = (rest.world.group(id), id.parse::<u64>()) {
        body["id"] = number.into();
    }
    // Deprecated but still the default: up to 100 projects ride along.
    if asked.query.flag("with_projects").unwrap_or(true) {
        let show = |shared: bool| -> Vec<Value> {
            let mine = |p: &&Project| if shared { p.shared_with.contains(&index) } else { p.group == index };
            rest.world.projects.iter().filter(mine).take(100).map(|p| item(rest, p)).collect()
        };
        body["projects"] = show(false).into();
        body["shared_projects"] = show(true).into();
    }
    ApiAnswer::ok(body)
}

/// Returns `Acme / Payments`.
pub(crate) fn full_name(world: &World, index: usize) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut at = Some(index);
    while let Some(index) = at {
        names.push(&world.groups[index].name);
        at = world.groups[index].parent;
    }
    names.reverse();
    names.join(" / ")
}

fn group(rest: &RestApi<'_>, index: usize) -> Value {
    let group = &rest.world.groups[index];
    let path = group.full_path.rsplit('/').next();
    json!({
        "id": group.id, "name": group.name, "path": path, "description": "", "visibility": "public",
        "avatar_url": null, "web_url": format!("{}/groups/{}", rest.base, group.full_path),
        "request_access_enabled": true, "full_name": full_name(rest.world, index), "full_path": group.full_path,
        "parent_id": group.parent.map(|index| rest.world.groups[index].id), "created_at": time(EPOCH_MS),
        "shared_with_groups": [], "prevent_sharing_groups_outside_hierarchy": false,
    })
}

pub(super) fn projects(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let index = find(rest, id)?;
        let query = &asked.query;
        let (subgroups, shared) =
            (query.flag("include_subgroups").unwrap_or(false), query.flag("with_shared").unwrap_or(true));
        let inside = |group: usize| if subgroups { rest.world.is_within(group, index) } else { group == index };
        listed(rest, asked, |project| {
            inside(project.group) || (shared && project.shared_with.iter().any(|group| inside(*group)))
        })
    };
    answer().unwrap_or_else(|refusal| refusal)
}

/// Returns the projects of a group and of the groups below it, archived ones left out, for the lists of what is in them.
pub(super) fn members(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> Result<Vec<usize>, ApiAnswer> {
    let index = find(rest, id)?;
    let visible = rest.access == Access::Public || asked.caller.reads();
    let inside = |project: &usize| {
        let project = &rest.world.projects[*project];
        visible && !project.archived && rest.world.is_within(project.group, index)
    };
    Ok((0..rest.world.projects.len()).filter(inside).collect())
}

/// `/groups`: all of them, or the roots.
pub(super) fn list(rest: &RestApi<'_>, asked: &ApiRequest<'_>) -> ApiAnswer {
    let roots = asked.query.flag("top_level_only").unwrap_or(false);
    page(rest, asked, |group| !roots || rest.world.groups[group].parent.is_none())
}

/// `/groups/:id/subgroups`: the next level only.
pub(super) fn subgroups(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    match find(rest, id) {
        Ok(index) => page(rest, asked, |group| rest.world.groups[group].parent == Some(index)),
        Err(refusal) => refusal,
    }
}

/// `/groups/:id/descendant_groups`: all levels.
pub(super) fn descendants(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    match find(rest, id) {
        Ok(index) => page(rest, asked, |group| group != index && rest.world.is_within(group, index)),
        Err(refusal) => refusal,
    }
}

fn page(rest: &RestApi<'_>, asked: &ApiRequest<'_>, wanted: impl Fn(usize) -> bool) -> ApiAnswer {
    let query = &asked.query;
    let groups = &rest.world.groups;
    let named = |group: &usize| query.get("search").is_none_or(|text| contains(&groups[*group].name, text));
    // A caller who may not read sees no group, and is not told that there are any.
    let visible = rest.access == Access::Public || asked.caller.reads();
    let all = (0..groups.len()).filter(|group| visible && groups[*group].user.is_none());
    let mut found: Vec<usize> = all.filter(|group| wanted(*group)).filter(named).collect();
    match query.get("order_by") {
        Some("id") => found.sort_by_key(|group| groups[*group].id),
        Some("path") => found.sort_by_key(|group| (groups[*group].full_path.as_str(), groups[*group].id)),
        _ => found.sort_by_key(|group| (groups[*group].name.as_str(), groups[*group].id)),
    }
    if query.get("sort") == Some("desc") {
        found.reverse();
    }
    match ListPage::of(asked) {
        Ok(page) => page.answer(rest.base, asked, &found, |index| group(rest, *index)),
        Err(refusal) => refusal,
    }
}
