//! `/projects/:id/issues` and `/groups/:id/issues`; incidents are among them.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, parse_time, time};
use super::groups;
use super::merge_requests::references;
use super::page::ListPage;
use super::pipelines::user;
use crate::history::PastIssue;
use crate::query::QueryParameters;

/// An issue: the project, and its number there.
type IssuePlace = (usize, usize);

fn past<'w>(rest: &RestApi<'w>, (project, at): IssuePlace) -> Option<&'w PastIssue> {
    let issues = &rest.world.projects[project].history.as_ref()?.events.issues;
    issues.get(at).filter(|issue| issue.created <= rest.now)
}

fn existing(rest: &RestApi<'_>, project: usize) -> Vec<IssuePlace> {
    let count = rest.world.projects[project].history.as_ref().map_or(0, |past| past.events.issues.len());
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

fn closed(rest: &RestApi<'_>, issue: &PastIssue) -> Option<i64> {
    issue.closed.filter(|at| *at <= rest.now)
}

fn answer(rest: &RestApi<'_>, asked: &ApiRequest<'_>, mut found: Vec<IssuePlace>) -> ApiAnswer {
    let page = match ListPage::of(asked) {
        Ok(page) => page,
        Err(refusal) => return refusal,
    };
    found.retain(|place| past(rest, *place).is_some_and(|issue| is_wanted(rest, &asked.query, issue)));
    let updated = asked.query.get("order_by") == Some("updated_at");
    let moment = |issue: &PastIssue| closed(rest, issue).filter(|_| updated).unwrap_or(issue.created);
    found.sort_by_key(|place| (past(rest, *place).map(moment), *place));
    if asked.query.get("sort") != Some("asc") {
        found.reverse();
    }
    page.answer(rest.base, asked, &found, |place| body(rest, *place).unwrap_or_default())
}

fn is_wanted(rest: &RestApi<'_>, query: &QueryParameters, issue: &PastIssue) -> bool {
    let limit = |name: &str| query.get(name).and_then(parse_time);
    let updated = closed(rest, issue).unwrap_or(issue.created);
    let state = if closed(rest, issue).is_some() { "closed" } else { "opened" };
    query.get("issue_type").is_none_or(|kind| kind == if issue.incident { "incident" } else { "issue" })
        && query.get("state").is_none_or(|wanted| wanted == "all" || wanted == state)
        && limit("created_after").is_none_or(|limit| issue.created >= limit)
        && limit("created_before").is_none_or(|limit| issue.created <= limit)
        && limit("updated_after").is_none_or(|limit| updated >= limit)
        && limit("updated_before").is_none_or(|limit| updated <= limit)
}

fn body(rest: &RestApi<'_>, place: IssuePlace) -> Option<Value> {
    let issue = past(rest, place)?;
    let project = &rest.world.projects[place.0];
    let (iid, closed) = (place.1 + 1, closed(rest, issue));
    let (kind, upper, title) = match issue.incident {
        true => ("incident", "INCIDENT", "Errors in production after a deployment"),
        false => ("issue", "ISSUE", "Explain the rounding of totals"),
    };
    let below = if issue.incident { "issues/incident" } else { "issues" };
    Some(json!({
        "id": rest.world.event_id(place.0, issue.created), "iid": iid, "project_id": project.id, "title": title,
        "description": "", "state": if closed.is_some() { "closed" } else { "opened" },
        "created_at": time(issue.created), "updated_at": time(closed.unwrap_or(issue.created)),
        "closed_at": closed.map(time), "closed_by": closed.map(|_| user(rest, 0)), "labels": [], "milestone": null,
        "assignees": [], "assignee": null, "author": user(rest, iid % 5), "type": upper, "issue_type": kind,
        "severity": if issue.incident { "HIGH" } else { "UNKNOWN" }, "user_notes_count": 0, "merge_requests_count": 0,
        "upvotes": 0, "downvotes": 0, "due_date": null, "confidential": false, "discussion_locked": null,
        "web_url": format!("{}/{}/-/{below}/{iid}", rest.base, project.full_path),
        "references": references('#', iid, &project.full_path),
    }))
}
