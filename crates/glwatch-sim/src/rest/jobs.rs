//! `/projects/:id/pipelines/:id/jobs` and `/bridges`.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, time};
use super::page::{ListPage, cursor, keyset};
use super::pipelines::{basic, find, project, user};
use crate::listed_pipeline::ListedPipeline;
use crate::plan::{Attempt, Job, Pipeline, Tree, USERS};

pub(super) fn list(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let answer = || {
        let (tree, at) = find(rest, asked, id, pipeline)?;
        let found = runs(rest, asked, &tree.pipelines[at], false);
        let page = ListPage::of(asked)?;
        Ok(page.answer(rest.base, asked, &found, |(job, attempt)| build(rest, &tree.pipelines[at], job, attempt)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

pub(super) fn bridges(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let answer = || {
        let (tree, at) = find(rest, asked, id, pipeline)?;
        let found = runs(rest, asked, &tree.pipelines[at], true);
        let page = ListPage::of(asked)?;
        Ok(page.answer(rest.base, asked, &found, |(job, attempt)| bridge(rest, &tree, at, job, attempt)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// `/projects/:id/jobs`: the runs of all pipelines, retried ones included, newest id first. GitLab does not count them
/// (`without_count` in `lib/api/ci/jobs.rb`).
pub(super) fn of_project(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let index = project(rest, asked, id)?;
        let scopes = asked.query.all("scope");
        let wanted = |attempt: &Attempt| {
            attempt.created() <= rest.now
                && (scopes.is_empty() || attempt.status(rest.now).is_some_and(|status| scopes.contains(&status)))
        };
        let keyset_paged = asked.query.get("pagination") == Some("keyset");
        let (page, below) =
            if keyset_paged { (1, cursor(asked)) } else { (asked.query.number("page").unwrap_or(1), None) };
        // One more than the page shows says whether there is a next one.
        let size = asked.query.number("per_page").unwrap_or(20).min(100);
        let pipelines = rest.world.pipelines_of(index, rest.now);
        let found = newest_runs(rest, &pipelines, below, page.saturating_mul(size).saturating_add(1), wanted);
        let show = |(pipeline, job, attempt): &(&Pipeline, &Job, &Attempt)| build(rest, pipeline, job, attempt);
        if keyset_paged {
            return Ok(keyset(rest.base, asked, &found, |(.., attempt)| attempt.id, show));
        }
        Ok(ListPage::of(asked)?.uncounted(rest.base, asked, &found, show))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// Returns at least the `least` newest runs with ids below `below`, and looks at as few pipelines as that takes.
fn newest_runs<'a>(
    rest: &RestApi<'_>,
    pipelines: &'a [ListedPipeline<'_>],
    below: Option<u64>,
    least: usize,
    wanted: impl Fn(&Attempt) -> bool,
) -> Vec<(&'a Pipeline, &'a Job, &'a Attempt)> {
    let mut found: Vec<(&Pipeline, &Job, &Attempt)> = Vec::new();
    let mut regular = 0;
    for listed in pipelines {
        let is_regular = listed.is_regular();
        // Later attempts of the others have ids of their own time: they are always looked at.
        if is_regular && (regular >= least || below.is_some_and(|below| listed.id * rest.world.job_span >= below)) {
            continue;
        }
        let pipeline: &Pipeline = listed;
        let before = found.len();
        for job in pipeline.jobs.iter().filter(|job| !job.bridge && !job.is_external()) {
            let attempts = job.attempts.iter().filter(|attempt| below.is_none_or(|below| attempt.id < below));
            found.extend(attempts.filter(|attempt| wanted(attempt)).map(|attempt| (pipeline, job, attempt)));
        }
        regular += if is_regular { found.len() - before } else { 0 };
    }
    found.sort_by_key(|(.., attempt)| std::cmp::Reverse(attempt.id));
    found
}

/// Returns the runs that the query asks for, newest id first.
fn runs<'a>(
    rest: &RestApi<'_>,
    asked: &ApiRequest<'_>,
    pipeline: &'a Pipeline,
    bridge: bool,
) -> Vec<(&'a Job, &'a Attempt)> {
    let retried = !bridge && asked.query.flag("include_retried").unwrap_or(false);
    let scopes = asked.query.all("scope");
    let mut found = Vec::new();
    for job in pipeline.jobs.iter().filter(|job| job.bridge == bridge && !job.is_external()) {
        let attempts: Vec<&Attempt> = job.attempts_at(rest.now).collect();
        let shown = if retried { 0 } else { attempts.len().saturating_sub(1) };
        found.extend(attempts[shown..].iter().map(|attempt| (job, *attempt)));
    }
    found.retain(|(_, attempt)| scopes.is_empty() || attempt.status(rest.now).is_some_and(|s| scopes.contains(&s)));
    found.sort_by_key(|(_, attempt)| std::cmp::Reverse(attempt.id));
    found
}

/// `/projects/:id/repository/commits/:sha/statuses`: jobs, trigger jobs and what other systems have set, of all
/// pipelines of the commit, the newest of each name (<https://docs.gitlab.com/api/commits/#list-commit-statuses>).
pub(super) fn statuses(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, sha: &str) -> ApiAnswer {
    let answer = || {
        let index = project(rest, asked, id)?;
        let page = ListPage::of(asked)?;
        let (wanted, git_ref) = (asked.query.get("pipeline_id"), asked.query.get("ref"));
        let mut pipelines = rest.world.pipelines_of(index, rest.now);
        pipelines.retain(|pipeline| pipeline.sha == sha);
        pipelines.retain(|pipeline| wanted.is_none_or(|wanted| pipeline.id.to_string() == wanted));
        pipelines.retain(|pipeline| git_ref.is_none_or(|wanted| pipeline.ref_name == wanted));
        let of = |pipeline: &ListedPipeline<'_>| -> Vec<Value> {
            let current = |job: &Job| job.current(rest.now).map(|attempt| status(rest, pipeline, job, attempt));
            pipeline.jobs.iter().filter_map(current).collect()
        };
        let found: Vec<Value> = pipelines.iter().flat_map(of).collect();
        Ok(page.answer(rest.base, asked, &found, Value::clone))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// The documented example, and `pipeline_id` (lib/api/entities/commit_status.rb).
fn status(rest: &RestApi<'_>, pipeline: &Pipeline, job: &Job, attempt: &Attempt) -> Value {
    let (started, finished) = (attempt.reached("running", rest.now), attempt.finished(rest.now));
    let described = job.spec.external.clone();
    let target = described.as_ref().map(|_| format!("https://ci.example.com/{}", job.name));
    json!({
        "id": attempt.id, "sha": pipeline.sha, "ref": pipeline.ref_name, "name": job.name,
        "status": attempt.status(rest.now).unwrap_or("created"), "target_url": target,
        "description": described.filter(|text| !text.is_empty()), "created_at": time(attempt.created()),
        "started_at": started.map(time), "finished_at": finished.map(time), "allow_failure": job.allow_failure,
        "coverage": null, "pipeline_id": pipeline.id, "author": user(rest, pipeline.user),
    })
}

/// What jobs and bridges have in common.
fn common(rest: &RestApi<'_>, pipeline: &Pipeline, job: &Job, attempt: &Attempt) -> Value {
    let now = rest.now;
    let project = &rest.world.projects[pipeline.project];
    let (started, finished) = (attempt.reached("running", now), attempt.finished(now));
    let queued = attempt.reached("pending", now);
    let status = attempt.status(now).unwrap_or("created");
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    let mut body = json!({
        "id": attempt.id, "name": job.name, "stage": job.stage, "status": status, "allow_failure": job.allow_failure,
        "ref": pipeline.ref_name, "tag": pipeline.tag,
        "coverage": job.coverage.as_ref().filter(|_| status == "success").and_then(|text| text.parse::<f64>().ok()),
        "created_at": time(attempt.created()), "started_at": started.map(time), "finished_at": finished.map(time),
        "duration": started.map(|start| seconds(finished.unwrap_or(now) - start)),
        "queued_duration": queued.map(|queued| seconds(started.unwrap_or(now) - queued)),
        "web_url": format!("{}/{}/-/jobs/{}", rest.base, project.full_path, attempt.id),
        "project": { "ci_job_token_scope_enabled": false },
    });
    body["commit"] = commit(pipeline);
    body["user"] = user_details(rest, pipeline.user);
    if status == "failed" {
        body["failure_reason"] = job.reason.clone().into();
    }
    if let (true, Some(finished)) = (job.spec.erased, finished) {
        body["erased_at"] = time(finished + 60_000).into();
    }
    body
}

/// A job as GitLab shows it in a list and by itself.
pub(super) fn build(rest: &RestApi<'_>, pipeline: &Pipeline, job: &Job, attempt: &Attempt) -> Value {
    let mut body = common(rest, pipeline, job, attempt);
    body["pipeline"] = json!({
        "id": pipeline.id, "project_id": rest.world.projects[pipeline.project].id, "ref": pipeline.ref_name,
        "sha": pipeline.sha, "status": pipeline.status(rest.now),
    });
    body["artifacts"] = json!([]);
    body["artifacts_expire_at"] = Value::Null;
    body["tag_list"] = json!(job.spec.tags);
    // The runner stays with the job once it took it.
    body["runner"] = attempt.reached("running", rest.now).map_or(Value::Null, |_| runner());
    body
}

fn runner() -> Value {
    json!({
        "id": RUNNER.0, "description": RUNNER.1, "ip_address": null, "active": true, "paused": false, "is_shared": true,
        "runner_type": "instance_type", "name": "gitlab-runner", "online": true, "status": "online",
    })
}

/// As the logs name it.
pub(crate) const RUNNER: (u64, &str) = (12, "docker-runner-3");

fn bridge(rest: &RestApi<'_>, tree: &Tree, at: usize, job: &Job, attempt: &Attempt) -> Value {
    let pipeline = &tree.pipelines[at];
    let mut body = common(rest, pipeline, job, attempt);
    body["pipeline"] = basic(rest, pipeline);
    let downstream = job.downstream.map(|below| &tree.pipelines[below]).filter(|below| below.created <= rest.now);
    body["downstream_pipeline"] = downstream.map_or(Value::Null, |below| basic(rest, below));
    body
}

/// What a deployment shows of its job.
const DEPLOYABLE: [&str; 14] = [
    "id",
    "name",
    "ref",
    "tag",
    "stage",
    "status",
    "coverage",
    "created_at",
    "started_at",
    "finished_at",
    "commit",
    "user",
    "project",
    "runner",
];

/// A job as a deployment shows it: the documented part.
pub(super) fn deployable(rest: &RestApi<'_>, pipeline: &Pipeline, job: &Job, attempt: &Attempt) -> Value {
    let mut body = build(rest, pipeline, job, attempt);
    if let Some(map) = body.as_object_mut() {
        map.retain(|key, _| DEPLOYABLE.contains(&key.as_str()));
    }
    // The documented one has no runner, and does not say what it would look like.
    body["runner"] = Value::Null;
    let mut shown = basic(rest, pipeline);
    if let Some(map) = shown.as_object_mut() {
        map.retain(|key, _| !matches!(key.as_str(), "iid" | "project_id" | "source" | "name"));
    }
    body["pipeline"] = shown;
    body
}

fn commit(pipeline: &Pipeline) -> Value {
    let (username, name) = USERS[pipeline.user];
    json!({
        "author_email": format!("{username}@example.com"), "author_name": name,
        "created_at": time(pipeline.created - 60_000), "id": pipeline.sha, "message": pipeline.title,
        "short_id": &pipeline.sha[..8], "title": pipeline.title,
    })
}

fn user_details(rest: &RestApi<'_>, index: usize) -> Value {
    let mut body = user(rest, index);
    let more = json!({
        "created_at": time(rest.world.projects.first().map_or(rest.now, |project| project.created)), "bio": null,
        "location": null, "public_email": "", "skype": "", "linkedin": "", "twitter": "", "website_url": "",
        "organization": "",
    });
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    body
}
