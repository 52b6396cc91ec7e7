//! `/projects/:id/merge_requests`, its commits and pipelines, and `/groups/:id/merge_requests`.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, parse_time, time};
use super::groups;
use super::page::ListPage;
use super::pipelines::{basic, user};
use crate::history::{MergePurpose, PastMergeRequest, push_sha, trunk_sha};
use crate::plan::USERS;
use crate::query::QueryParameters;
use crate::timeline::{request_title, source_branch};
use crate::world::PlayableHistory;

/// A merge request: the project, and its number there.
pub(super) type RequestPlace = (usize, usize);

fn past<'w>(rest: &RestApi<'w>, (project, at): RequestPlace) -> Option<(&'w PlayableHistory, &'w PastMergeRequest)> {
    let past = rest.world.projects[project].history.as_ref()?;
    Some((past, past.events.merge_requests.get(at).filter(|request| request.created <= rest.now)?))
}

fn existing(rest: &RestApi<'_>, project: usize) -> Vec<RequestPlace> {
    let count = rest.world.projects[project].history.as_ref().map_or(0, |past| past.events.merge_requests.len());
    (0..count).map(|at| (project, at)).filter(|place| past(rest, *place).is_some()).collect()
}

pub(super) fn of_project(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    match rest.visible_project(asked, id) {
        Ok(project) => answer(rest, asked, existing(rest, project)),
        Err(refusal) => refusal,
    }
}

pub(super) fn of_group(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    match groups::members(rest, asked, id) {
        Ok(projects) => answer(rest, asked, projects.into_iter().flat_map(|project| existing(rest, project)).collect()),
        Err(refusal) => refusal,
    }
}

/// Answers a page of these, filtered and in the order that the query asks for.
pub(super) fn answer(rest: &RestApi<'_>, asked: &ApiRequest<'_>, mut found: Vec<RequestPlace>) -> ApiAnswer {
    let page = match ListPage::of(asked) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    found.retain(|place| past(rest, *place).is_some_and(|(past, _)| is_wanted(rest, &asked.query, past, *place)));
    let of = |place: &RequestPlace| past(rest, *place).map(|(_, request)| request);
    match asked.query.get("order_by").unwrap_or("created_at") {
        "updated_at" => found.sort_by_key(|place| (of(place).map(|of| updated(rest, of)), *place)),
        "merged_at" => found.sort_by_key(|place| (of(place).map(|of| of.merged), *place)),
        _ => found.sort_by_key(|place| (of(place).map(|of| of.created), *place)),
    }
    if asked.query.get("sort") != Some("asc") {
        found.reverse();
    }
    page.answer(rest.base, asked, &found, |place| body(rest, *place).unwrap_or_default())
}

fn state(rest: &RestApi<'_>, request: &PastMergeRequest) -> &'static str {
    let passed = |at: Option<i64>| at.is_some_and(|at| at <= rest.now);
    match (passed(request.merged), passed(request.closed)) {
        (true, _) => "merged",
        (_, true) => "closed",
        _ => "opened",
    }
}

/// Returns when it changed last.
fn updated(rest: &RestApi<'_>, request: &PastMergeRequest) -> i64 {
    let changes = request.pushes.iter().chain(&request.merged).chain(&request.closed);
    changes.copied().filter(|at| *at <= rest.now).max().unwrap_or(request.created)
}

fn is_wanted(rest: &RestApi<'_>, query: &QueryParameters, past: &PlayableHistory, place: RequestPlace) -> bool {
    let at = place.1;
    let request = &past.events.merge_requests[at];
    let within = |name: &str, moment: Option<i64>| {
        let limit = |edge: &str| query.get(&format!("{name}_{edge}")).and_then(parse_time);
        limit("after").is_none_or(|limit| moment.is_some_and(|moment| moment >= limit))
            && limit("before").is_none_or(|limit| moment.is_some_and(|moment| moment <= limit))
    };
    let iids = query.all("iids");
    let merged = request.merged.filter(|at| *at <= rest.now);
    query.get("state").is_none_or(|wanted| wanted == "all" || state(rest, request) == wanted)
        && (iids.is_empty() || iids.contains(&(at + 1).to_string().as_str()))
        && query.get("source_branch").is_none_or(|branch| source_branch(&past.events, at) == branch)
        && query.get("target_branch").is_none_or(|branch| target_branch(rest, place.0) == branch)
        && query.get("labels").is_none_or(|wanted| wanted.split(',').all(|label| labels(request).contains(&label)))
        && query.get("author_username").is_none_or(|name| USERS[request.author].0 == name)
        && within("created", Some(request.created))
        && within("updated", Some(updated(rest, request)))
        && within("merged", merged)
}

fn labels(request: &PastMergeRequest) -> &'static [&'static str] {
    if request.purpose == MergePurpose::Hotfix { &["hotfix"] } else { &[] }
}

fn find(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, iid: &str) -> Result<RequestPlace, ApiAnswer> {
    let project = rest.visible_project(asked, id)?;
    let place = iid.parse::<usize>().ok().and_then(|iid| iid.checked_sub(1)).map(|at| (project, at));
    place.filter(|place| past(rest, *place).is_some()).ok_or_else(|| ApiAnswer::message(404, "404 Not found"))
}

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, iid: &str) -> ApiAnswer {
    match find(rest, asked, id, iid) {
        Ok(place) => ApiAnswer::ok(body(rest, place).unwrap_or_default()),
        Err(refusal) => refusal,
    }
}

/// Its commits, newest first: one for each push, and one more that came with the first.
pub(super) fn commits(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, iid: &str) -> ApiAnswer {
    let answer = || {
        let place = find(rest, asked, id, iid)?;
        let page = ListPage::of(asked)?;
        let Some((_, request)) = past(rest, place) else { return Ok(ApiAnswer::ok(json!([]))) };
        let mut found: Vec<(u32, i64)> = vec![(u32::MAX, request.first_commit)];
        let pushed = request.pushes.iter().zip(0..).filter(|(at, _)| **at <= rest.now);
        found.extend(pushed.map(|(at, push)| (push, at - 60_000)));
        found.reverse();
        Ok(page.answer(rest.base, asked, &found, |(push, at)| commit(rest, place, *push, *at)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

fn commit(rest: &RestApi<'_>, place: RequestPlace, push: u32, at: i64) -> Value {
    let Some((past, request)) = past(rest, place) else { return Value::Null };
    let project = &rest.world.projects[place.0];
    let sha = push_sha(rest.world.seed, project.id, place.1, push);
    // The first commit is numbered below the first push: the numbers wrap around.
    let before = (push != u32::MAX).then(|| push_sha(rest.world.seed, project.id, place.1, push.wrapping_sub(1)));
    let (username, name) = USERS[request.author];
    let title = if push == 0 || push == u32::MAX {
        request_title(&past.events, place.1)
    } else {
        "Address the review".to_owned()
    };
    json!({
        "id": sha, "short_id": &sha[..8], "title": title, "message": title, "created_at": time(at),
        "parent_ids": before.into_iter().collect::<Vec<_>>(), "author_name": name,
        "author_email": format!("{username}@example.com"), "authored_date": time(at), "committer_name": name,
        "committer_email": format!("{username}@example.com"), "committed_date": time(at), "trailers": {},
        "web_url": format!("{}/{}/-/commit/{sha}", rest.base, project.full_path),
    })
}

/// `/projects/:id/merge_requests/:iid/pipelines`, newest first.
pub(super) fn pipelines(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, iid: &str) -> ApiAnswer {
    let answer = || {
        let (project, at) = find(rest, asked, id, iid)?;
        let page = ListPage::of(asked)?;
        let kind = crate::history::PastKind::MergeRequest(at);
        let mut found = rest.world.pipelines_of(project, rest.now);
        found.retain(|listed| listed.of_history().is_some_and(|past| past.kind == kind));
        Ok(page.answer(rest.base, asked, &found, |listed| basic(rest, listed)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// All go into the default branch.
fn target_branch<'w>(rest: &RestApi<'w>, project: usize) -> &'w str {
    rest.world.projects[project].default_branch.as_deref().unwrap_or("main")
}

fn body(rest: &RestApi<'_>, place: RequestPlace) -> Option<Value> {
    let (past, request) = past(rest, place)?;
    let project = &rest.world.projects[place.0];
    let (iid, state) = (place.1 + 1, state(rest, request));
    let (merged, closed) = (request.merged.filter(|_| state == "merged"), request.closed.filter(|_| state == "closed"));
    let pushed = request.pushes.iter().filter(|at| **at <= rest.now).count().max(1);
    let head = push_sha(rest.world.seed, project.id, place.1, u32::try_from(pushed - 1).unwrap_or(0));
    let merge =
        request.commit.filter(|_| merged.is_some()).map(|commit| trunk_sha(rest.world.seed, project.id, commit));
    let branch = target_branch(rest, place.0);
    let merger = merged.map(|_| user(rest, (request.author + 1) % USERS.len()));
    let mut body = json!({
        "id": rest.world.event_id(place.0, request.created), "iid": iid, "project_id": project.id,
        "title": request_title(&past.events, place.1), "description": "", "state": state,
        "created_at": time(request.created), "updated_at": time(updated(rest, request)), "merged_at": merged.map(time),
        "closed_at": closed.map(time), "merged_by": merger, "merge_user": merger,
        "closed_by": closed.map(|_| user(rest, request.author)), "target_branch": branch,
        "source_branch": source_branch(&past.events, place.1), "source_project_id": project.id,
        "target_project_id": project.id, "author": user(rest, request.author), "assignee": null, "assignees": [],
        "reviewers": [], "labels": labels(request), "draft": false, "work_in_progress": false, "milestone": null,
        "sha": head, "merge_commit_sha": merge, "squash_commit_sha": null, "user_notes_count": 0,
        "upvotes": 0, "downvotes": 0, "merge_status": "can_be_merged", "squash": false,
        "detailed_merge_status": if state == "opened" { "mergeable" } else { "not_open" },
    });
    body["web_url"] = format!("{}/{}/-/merge_requests/{iid}", rest.base, project.full_path).into();
    body["references"] = references('!', iid, &project.full_path);
    Some(body)
}

/// How a merge request or an issue is called from its project and from elsewhere.
pub(super) fn references(sign: char, iid: usize, project: &str) -> Value {
    let short = format!("{sign}{iid}");
    json!({ "short": short, "relative": short, "full": format!("{project}{short}") })
}
