//! The payloads, as GitLab's documentation shows them and as others recorded them.

use chrono::DateTime;
use serde_json::{Value, json};

use super::events::{HookEvent, HookSubject, request_of};
use crate::history::{DEPLOY_PRODUCTION, DEPLOY_STAGING, PastEnvironment, push_sha};
use crate::plan::{Attempt, Job, Pipeline, USERS};
use crate::rest::{RUNNER, full_name};
use crate::timeline::{request_title, source_branch};
use crate::world::World;

/// What the payloads of one event look at.
struct HookScene<'w> {
    world: &'w World,
    base: &'w str,
    /// The moment of the event.
    now: i64,
    project: usize,
}

pub(super) fn body(world: &World, base: &str, event: &HookEvent) -> Value {
    let scene = HookScene { world, base, now: event.at, project: event.project };
    match &event.what {
        HookSubject::Pipeline { tree, at } => {
            let request = request_of(world, event.project, tree);
            scene.pipeline(&tree.pipelines[*at], request)
        }
        HookSubject::Job { tree, at, job, attempt } => {
            let pipeline = &tree.pipelines[*at];
            scene.job(pipeline, &pipeline.jobs[*job], *attempt)
        }
        HookSubject::Push { tree, at } => scene.push(&tree.pipelines[*at]),
        HookSubject::Deployment { at } => scene.deployment(*at).unwrap_or_default(),
        HookSubject::MergeRequest { at, action } => scene.merge_request(*at, action).unwrap_or_default(),
    }
}

/// Writes a time as the payloads do: `2016-08-12 15:23:28 UTC`.
fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn seconds(from: Option<i64>, to: Option<i64>) -> Option<f64> {
    from.zip(to).map(|(from, to)| (to - from) as f64 / 1_000.0)
}

fn user(index: usize) -> Value {
    let (username, name) = USERS[index];
    json!({
        "id": index + 1, "name": name, "username": username, "avatar_url": null,
        "email": format!("{username}@example.com"),
    })
}

fn runner() -> Value {
    json!({
        "id": RUNNER.0, "description": RUNNER.1, "runner_type": "instance_type", "active": true, "is_shared": true,
        "tags": ["docker"],
    })
}

impl HookScene<'_> {
    fn url(&self) -> String {
        format!("{}/{}", self.base, self.world.projects[self.project].full_path)
    }

    /// The project as pipelines and jobs show it.
    fn brief_project(&self) -> Value {
        let project = &self.world.projects[self.project];
        let group = full_name(self.world, project.group);
        json!({
            "id": project.id, "name": project.name, "description": null, "web_url": self.url(), "avatar_url": null,
            "git_ssh_url": format!("git@gitlab.example.com:{}.git", project.full_path),
            "git_http_url": format!("{}.git", self.url()), "namespace": group, "visibility_level": 20,
            "path_with_namespace": project.full_path, "default_branch": project.default_branch,
        })
    }

    /// The project as all others show it.
    fn project(&self) -> Value {
        let mut body = self.brief_project();
        body["homepage"] = self.url().into();
        body["url"] = body["git_ssh_url"].clone();
        body["ssh_url"] = body["git_ssh_url"].clone();
        body["http_url"] = body["git_http_url"].clone();
        body
    }

    fn repository(&self) -> Value {
        let project = self.project();
        json!({
            "name": project["name"], "url": project["url"], "description": null, "homepage": project["homepage"],
            "git_http_url": project["git_http_url"], "git_ssh_url": project["git_ssh_url"], "visibility_level": 20,
        })
    }

    fn pipeline(&self, pipeline: &Pipeline, request: Option<usize>) -> Value {
        let (started, finished) = (pipeline.started(self.now), pipeline.finished(self.now));
        let mut stages: Vec<&str> = pipeline.jobs.iter().map(|job| job.stage.as_str()).collect();
        stages.dedup();
        let whole = |ms: Option<f64>| ms.map(|seconds| seconds as i64);
        let shown = |job: &Job| job.current(self.now).map(|attempt| self.build(pipeline, job, attempt));
        let jobs = pipeline.jobs.iter().filter(|job| !job.is_external());
        json!({
            "object_kind": "pipeline",
            "object_attributes": {
                "id": pipeline.id, "iid": pipeline.iid, "name": pipeline.name, "ref": pipeline.ref_name,
                "tag": pipeline.tag, "sha": pipeline.sha, "before_sha": pipeline.before_sha, "source": pipeline.source,
                "status": pipeline.status(self.now), "detailed_status": pipeline.status(self.now), "stages": stages,
                "created_at": time(pipeline.created), "finished_at": finished.map(time),
                "duration": whole(seconds(started, finished)),
                "queued_duration": whole(seconds(Some(pipeline.created), started)), "variables": [],
                "url": format!("{}/-/pipelines/{}", self.url(), pipeline.id),
            },
            "merge_request": request.and_then(|at| self.brief_request(at)), "user": user(pipeline.user),
            "project": self.brief_project(), "commit": self.commit(pipeline),
            "builds": jobs.filter_map(shown).collect::<Vec<_>>(),
        })
    }

    fn commit(&self, pipeline: &Pipeline) -> Value {
        let (username, name) = USERS[pipeline.user];
        json!({
            "id": pipeline.sha, "message": pipeline.title, "timestamp": time(pipeline.created - 60_000),
            "url": format!("{}/-/commit/{}", self.url(), pipeline.sha),
            "author": { "name": name, "email": format!("{username}@example.com") },
        })
    }

    fn build(&self, pipeline: &Pipeline, job: &Job, attempt: &Attempt) -> Value {
        let (started, finished) = (attempt.reached("running", self.now), attempt.finished(self.now));
        let status = attempt.status(self.now).unwrap_or("created");
        let manual = status == "manual" || attempt.reached("manual", self.now).is_some();
        json!({
            "id": attempt.id, "stage": job.stage, "name": job.name, "status": status,
            "created_at": time(attempt.created()), "started_at": started.map(time), "finished_at": finished.map(time),
            "duration": seconds(started, finished.or(Some(self.now))),
            "queued_duration": seconds(attempt.reached("pending", self.now), started),
            "failure_reason": (status == "failed").then_some(job.reason.as_str()),
            "when": if manual { "manual" } else { "on_success" }, "manual": manual, "allow_failure": job.allow_failure,
            "user": user(pipeline.user), "runner": started.map(|_| runner()),
            "artifacts_file": { "filename": null, "size": null }, "environment": self.environment(job),
        })
    }

    /// Returns what a deploy job of a history says about its environment.
    fn environment(&self, job: &Job) -> Value {
        let name = job.name.strip_prefix("deploy ").filter(|_| self.world.projects[self.project].history.is_some());
        name.map_or(Value::Null, |name| json!({ "name": name, "action": "start", "deployment_tier": name }))
    }

    /// A Job Hook, whose kind is `build`, and whose commit has the pipeline's id.
    fn job(&self, pipeline: &Pipeline, job: &Job, nth: usize) -> Value {
        let attempt = &job.attempts[nth];
        let (started, finished) = (attempt.reached("running", self.now), attempt.finished(self.now));
        let status = attempt.status(self.now).unwrap_or("created");
        let (username, name) = USERS[pipeline.user];
        let reason = if status == "failed" { job.reason.as_str() } else { "unknown_failure" };
        let ended = pipeline.finished(self.now);
        json!({
            "object_kind": "build", "ref": pipeline.ref_name, "tag": pipeline.tag, "before_sha": pipeline.before_sha,
            "sha": pipeline.sha, "retries_count": nth, "build_id": attempt.id, "build_name": job.name,
            "build_stage": job.stage, "build_status": status, "build_created_at": time(attempt.created()),
            "build_started_at": started.map(time), "build_finished_at": finished.map(time),
            "build_duration": seconds(started, finished),
            "build_queued_duration": seconds(attempt.reached("pending", self.now), started),
            "build_allow_failure": job.allow_failure, "build_failure_reason": reason, "pipeline_id": pipeline.id,
            "project_id": self.world.projects[self.project].id,
            "project_name": full_name(self.world, self.world.projects[self.project].group)
                + " / " + &self.world.projects[self.project].name,
            "user": user(pipeline.user), "project": self.brief_project(), "runner": started.map(|_| runner()),
            "commit": {
                "id": pipeline.id, "name": pipeline.name, "sha": pipeline.sha, "message": pipeline.title,
                "author_name": name, "author_email": format!("{username}@example.com"),
                "status": pipeline.status(self.now), "duration": seconds(pipeline.started(self.now), ended),
                "started_at": pipeline.started(self.now).map(time), "finished_at": ended.map(time),
            },
            "repository": self.brief_repository(), "environment": self.environment(job),
        })
    }

    fn brief_repository(&self) -> Value {
        let mut body = self.repository();
        if let Some(map) = body.as_object_mut() {
            map.remove("url");
        }
        body
    }

    /// A Push Hook or, of a tag, a Tag Push Hook.
    fn push(&self, pipeline: &Pipeline) -> Value {
        const NO_SHA: &str = "0000000000000000000000000000000000000000";
        let (kind, place) = if pipeline.tag { ("tag_push", "tags") } else { ("push", "heads") };
        let (username, name) = USERS[pipeline.user];
        let commits = if pipeline.tag { Vec::new() } else { vec![self.commit(pipeline)] };
        json!({
            "object_kind": kind, "event_name": kind, "after": pipeline.sha, "checkout_sha": pipeline.sha,
            "before": if pipeline.tag { NO_SHA } else { pipeline.before_sha.as_str() },
            "ref": format!("refs/{place}/{}", pipeline.ref_name), "user_id": pipeline.user + 1, "user_name": name,
            "user_username": username, "user_email": format!("{username}@example.com"), "user_avatar": null,
            "project_id": self.world.projects[self.project].id, "project": self.project(),
            "repository": self.repository(), "total_commits_count": commits.len(), "commits": commits,
        })
    }

    fn deployment(&self, at: usize) -> Option<Value> {
        let past = self.world.projects[self.project].history.as_ref()?;
        let this = &past.events.deployments[at];
        let tree = self.world.tree(past.line, this.pipeline as i64);
        let pipeline = &tree.pipelines[0];
        let production = this.environment == PastEnvironment::Production;
        let job = pipeline.jobs.get(if production { DEPLOY_PRODUCTION } else { DEPLOY_STAGING })?;
        let again = self.world.late_attempt(self.world.lines[past.line].slot, this.created);
        let job = job.attempts.iter().find(|attempt| (attempt.id == again) == this.rollback)?.id;
        let name = this.environment.name();
        let (username, _) = USERS[pipeline.user];
        Some(json!({
            "object_kind": "deployment", "status": this.status(self.now), "status_changed_at": time(self.now),
            "deployment_id": self.world.event_id(self.project, this.created), "deployable_id": job,
            "deployable_url": format!("{}/-/jobs/{job}", self.url()), "environment": name, "environment_tier": name,
            "environment_slug": name, "project": self.project(), "short_sha": &pipeline.sha[..8],
            "environment_external_url": format!(
                "https://{name}.{}.example.com", self.world.projects[self.project].path
            ),
            "user": user(pipeline.user), "user_url": format!("{}/{username}", self.base),
            "commit_url": format!("{}/-/commit/{}", self.url(), pipeline.sha), "commit_title": pipeline.title,
            "ref": pipeline.ref_name,
        }))
    }

    /// The merge request as a pipeline shows it.
    fn brief_request(&self, at: usize) -> Option<Value> {
        let project = &self.world.projects[self.project];
        let past = project.history.as_ref()?;
        let request = past.events.merge_requests.get(at)?;
        let passed = |moment: Option<i64>| moment.is_some_and(|moment| moment <= self.now);
        let state = match (passed(request.merged), passed(request.closed)) {
            (true, _) => "merged",
            (_, true) => "closed",
            _ => "opened",
        };
        Some(json!({
            "id": self.world.event_id(self.project, request.created), "iid": at + 1, "state": state,
            "title": request_title(&past.events, at), "source_branch": source_branch(&past.events, at),
            "source_project_id": project.id, "target_branch": project.default_branch, "target_project_id": project.id,
            "merge_status": "can_be_merged",
            "detailed_merge_status": if state == "opened" { "mergeable" } else { "not_open" },
            "url": format!("{}/-/merge_requests/{}", self.url(), at + 1),
        }))
    }

    /// The project as a merge request shows its two sides: without a number.
    fn project_of_request(&self) -> Value {
        let mut body = self.project();
        if let Some(map) = body.as_object_mut() {
            map.remove("id");
        }
        body
    }

    fn last_commit(&self, at: usize) -> Option<Value> {
        let project = &self.world.projects[self.project];
        let events = &project.history.as_ref()?.events;
        let request = events.merge_requests.get(at)?;
        let pushed = request.pushes.iter().filter(|push| **push <= self.now).count().max(1);
        let sha = push_sha(self.world.seed, project.id, at, u32::try_from(pushed - 1).unwrap_or(0));
        let (username, name) = USERS[request.author];
        Some(json!({
            "id": sha, "message": request_title(events, at), "timestamp": time(self.now - 60_000),
            "url": format!("{}/-/commit/{sha}", self.url()),
            "author": { "name": name, "email": format!("{username}@example.com") },
        }))
    }

    fn merge_request(&self, at: usize, action: &str) -> Option<Value> {
        let project = &self.world.projects[self.project];
        let request = project.history.as_ref()?.events.merge_requests.get(at)?;
        let mut attributes = self.brief_request(at)?;
        let more = json!({
            "action": action, "author_id": request.author + 1, "created_at": time(request.created),
            "updated_at": time(self.now), "description": "", "work_in_progress": false, "labels": [],
            "source": self.project_of_request(), "target": self.project_of_request(),
            "last_commit": self.last_commit(at)?,
        });
        if let (Some(attributes), Value::Object(more)) = (attributes.as_object_mut(), more) {
            attributes.extend(more);
        }
        let mut repository = self.repository();
        if let Some(map) = repository.as_object_mut() {
            map.retain(|key, _| matches!(key.as_str(), "name" | "url" | "description" | "homepage"));
        }
        Some(json!({
            "object_kind": "merge_request", "event_type": "merge_request", "user": user(request.author),
            "project": self.project(), "repository": repository, "object_attributes": attributes, "labels": [],
            "changes": {}, "assignees": [], "reviewers": [],
        }))
    }
}
