//! `/groups/:id` and `/groups/:id/projects`.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::page::Page;
use super::projects::item;
use super::{Answer, Asked, Rest, time};
use crate::world::{EPOCH_MS, Project, World};

fn find(rest: &Rest<'_>, id: &str) -> Result<usize, Answer> {
    let fallback = rest.any_group.then_some(rest.world.root);
    rest.world.group(id).or(fallback).ok_or_else(Answer::group_not_found)
}

pub(super) fn single(rest: &Rest<'_>, asked: &Asked<'_>, id: &str) -> Answer {
    let index = match find(rest, id) {
        Ok(index) => index,
        Err(refusal) => return refusal,
    };
    let mut body = group(rest, index);
    // Deprecated but still the default: up to 100 projects ride along.
    if asked.query.flag("with_projects").unwrap_or(true) {
        let show = |shared: bool| -> Vec<Value> {
            let mine = |p: &&Project| if shared { p.shared_with.contains(&index) } else { p.group == index };
            rest.world.projects.iter().filter(mine).take(100).map(|p| item(rest, p)).collect()
        };
        body["projects"] = show(false).into();
        body["shared_projects"] = show(true).into();
    }
    Answer::ok(body)
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

fn group(rest: &Rest<'_>, index: usize) -> Value {
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

pub(super) fn projects(rest: &Rest<'_>, asked: &Asked<'_>, id: &str) -> Answer {
    let answer = || {
        let index = find(rest, id)?;
        let page = Page::of(asked)?;
        let query = &asked.query;
        let (subgroups, shared) =
            (query.flag("include_subgroups").unwrap_or(false), query.flag("with_shared").unwrap_or(true));
        let archived = query.flag("archived");
        let inside = |group: usize| if subgroups { rest.world.is_within(group, index) } else { group == index };
        let wanted = |project: &&Project| {
            let member = inside(project.group) || (shared && project.shared_with.iter().any(|group| inside(*group)));
            member && archived.is_none_or(|archived| project.archived == archived) && {
                query.get("search").is_none_or(|text| project.name.to_lowercase().contains(&text.to_lowercase()))
            }
        };
        let mut found: Vec<&Project> = rest.world.projects.iter().filter(wanted).collect();
        let order = compare(query.get("order_by").unwrap_or("created_at")).ok_or(Answer::invalid("order_by"))?;
        found.sort_by(|a, b| order(a, b));
        match query.get("sort").unwrap_or("desc") {
            "desc" => found.reverse(),
            "asc" => {}
            _ => return Err(Answer::invalid("sort")),
        }
        Ok(page.answer(rest.base, asked, &found, |project| {
            let mut item = item(rest, project);
            if query.flag("simple") == Some(true) {
                super::projects::simplify(&mut item);
            }
            item
        }))
    };
    answer().unwrap_or_else(|refusal| refusal)
}

type Order = fn(&Project, &Project) -> Ordering;

fn compare(by: &str) -> Option<Order> {
    let order: Order = match by {
        "id" | "similarity" | "star_count" => |a, b| a.id.cmp(&b.id),
        "name" => |a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)),
        "path" => |a, b| a.path.cmp(&b.path).then(a.id.cmp(&b.id)),
        "created_at" | "updated_at" | "last_activity_at" => |a, b| (a.created, a.id).cmp(&(b.created, b.id)),
        _ => return None,
    };
    Some(order)
}
