//! `/projects/:id/environments` and `/projects/:id/deployments`.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi, parse_time, time};
use super::jobs::deployable;
use super::merge_requests;
use super::page::ListPage;
use super::pipelines::user;
use crate::history::{DEPLOY_PRODUCTION, DEPLOY_STAGING, PastDeployment, PastEnvironment, ProjectHistory};
use crate::query::QueryParameters;

/// One deployment: its project and its number there.
#[derive(Clone, Copy)]
struct DeploymentPlace<'w> {
    project: usize,
    at: usize,
    events: &'w ProjectHistory,
}

impl DeploymentPlace<'_> {
    fn this(&self) -> &PastDeployment {
        &self.events.deployments[self.at]
    }
}

fn history<'w>(rest: &RestApi<'w>, project: usize) -> Option<&'w ProjectHistory> {
    rest.world.projects[project].history.as_ref().map(|past| &past.events)
}

/// Returns the id of a deployment; larger when created later.
fn deployment_id(rest: &RestApi<'_>, place: &DeploymentPlace<'_>) -> u64 {
    rest.world.event_id(place.project, place.this().created)
}

/// Returns the deployments that exist, oldest first.
fn existing<'w>(rest: &RestApi<'w>, project: usize) -> Vec<DeploymentPlace<'w>> {
    let Some(events) = history(rest, project) else { return Vec::new() };
    let exists = events.deployments.iter().take_while(|deployment| deployment.created <= rest.now).count();
    (0..exists).map(|at| DeploymentPlace { project, at, events }).collect()
}

pub(super) fn environments(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let page = ListPage::of(asked)?;
        let query = &asked.query;
        let wanted = |environment: &PastEnvironment| {
            query.get("name").is_none_or(|name| environment.name() == name)
                && query.get("search").is_none_or(|text| environment.name().contains(text))
                && query.get("states").is_none_or(|state| state == "available")
        };
        let found: Vec<PastEnvironment> =
            rest.world.environments(project, rest.now).into_iter().filter(wanted).collect();
        Ok(page.answer(rest.base, asked, &found, |environment| environment_body(rest, project, *environment)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

pub(super) fn environment(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, number: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let all = existing(rest, project);
        let is = |of: &PastEnvironment| rest.world.environment_id(project, *of).to_string() == number;
        let found = PastEnvironment::ALL.into_iter().find(is);
        let of = |environment| all.iter().rev().find(|place| place.this().environment == environment);
        let found = found.and_then(|environment| Some((environment, of(environment)?)));
        let (environment, last) = found.ok_or_else(|| ApiAnswer::message(404, "404 Environment Not Found"))?;
        let mut body = environment_body(rest, project, environment);
        let mut deployment = deployment_body(rest, last);
        // The documented answer has neither.
        if let Some(deployment) = deployment.as_object_mut() {
            deployment.remove("environment");
            deployment.remove("updated_at");
        }
        if let Some(pipeline) = deployment["deployable"]["pipeline"].as_object_mut() {
            pipeline.remove("created_at");
            pipeline.remove("updated_at");
        }
        body["last_deployment"] = deployment;
        Ok(ApiAnswer::ok(body))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

fn environment_body(rest: &RestApi<'_>, project: usize, environment: PastEnvironment) -> Value {
    let name = environment.name();
    let of = &rest.world.projects[project];
    let first = history(rest, project)
        .and_then(|events| events.deployments.iter().find(|deployment| deployment.environment == environment));
    let created = first.map_or(of.created, |deployment| deployment.created);
    json!({
        "id": rest.world.environment_id(project, environment), "name": name, "slug": name, "state": "available", "tier": name,
        "external_url": format!("https://{name}.{}.example.com", of.path), "created_at": time(created),
        "updated_at": time(created), "enable_advanced_logs_querying": false, "auto_stop_at": null,
        "logs_api_path": format!("/{}/-/logs/k8s.json?environment_name={name}", of.full_path),
        "kubernetes_namespace": null, "flux_resource_path": null,
    })
}

pub(super) fn list(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str) -> ApiAnswer {
    let answer = || {
        let project = rest.visible_project(asked, id)?;
        let page = ListPage::of(asked)?;
        if let Some(text) = unpaired(&asked.query) {
            return Err(ApiAnswer::message(400, &format!("400 Bad request - {text}")));
        }
        let mut found = existing(rest, project);
        found.retain(|place| is_wanted(rest, &asked.query, place.this()));
        order(rest, &asked.query, &mut found);
        Ok(page.answer(rest.base, asked, &found, |place| deployment_body(rest, place)))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

/// Returns what `app/finders/deployments_finder.rb` raises about filters that its indexes do not serve.
fn unpaired(query: &QueryParameters) -> Option<&'static str> {
    let given = |names: [&str; 2]| names.iter().any(|name| query.get(name).is_some_and(|value| !value.is_empty()));
    let finished = given(["finished_after", "finished_before"]);
    if finished && given(["updated_after", "updated_before"]) {
        return Some("Both `updated_at` filter and `finished_at` filter can not be specified");
    }
    if finished != (query.get("order_by") == Some("finished_at")) {
        return Some("`finished_at` filter and `finished_at` sorting must be paired");
    }
    (finished && query.get("status") != Some("success"))
        .then_some("`finished_at` filter must be combined with `success` status filter.")
}

fn is_wanted(rest: &RestApi<'_>, query: &QueryParameters, this: &PastDeployment) -> bool {
    let at = |name: &str| query.get(name).and_then(parse_time);
    let (updated, finished) = (this.updated(rest.now), (this.finished <= rest.now).then_some(this.finished));
    query.get("status").is_none_or(|status| this.status(rest.now) == status)
        && query.get("environment").is_none_or(|name| this.environment.name() == name)
        && at("updated_after").is_none_or(|limit| updated >= limit)
        && at("updated_before").is_none_or(|limit| updated <= limit)
        && at("finished_after").is_none_or(|limit| finished.is_some_and(|finished| finished >= limit))
        && at("finished_before").is_none_or(|limit| finished.is_some_and(|finished| finished <= limit))
}

fn order(rest: &RestApi<'_>, query: &QueryParameters, found: &mut [DeploymentPlace<'_>]) {
    match query.get("order_by").unwrap_or("id") {
        "updated_at" => found.sort_by_key(|place| place.this().updated(rest.now)),
        "finished_at" => found.sort_by_key(|place| place.this().finished),
        // All are built on the default branch; the others grow with the id.
        _ => {}
    }
    if query.get("sort") == Some("desc") {
        found.reverse();
    }
}

fn find<'w>(
    rest: &RestApi<'w>,
    asked: &ApiRequest<'_>,
    id: &str,
    number: &str,
) -> Result<DeploymentPlace<'w>, ApiAnswer> {
    let project = rest.visible_project(asked, id)?;
    let found = existing(rest, project).into_iter().find(|place| deployment_id(rest, place).to_string() == number);
    found.ok_or_else(|| ApiAnswer::message(404, "404 Not found"))
}

pub(super) fn single(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, number: &str) -> ApiAnswer {
    match find(rest, asked, id, number) {
        Ok(place) => ApiAnswer::ok(deployment_body(rest, &place)),
        Err(refusal) => refusal,
    }
}

/// `/projects/:id/deployments/:id/merge_requests`: those that this deployment is the first of its environment to bring.
pub(super) fn merge_requests(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, number: &str) -> ApiAnswer {
    match find(rest, asked, id, number) {
        Ok(place) => {
            let deployed = place.this().finished <= rest.now;
            let brings = if deployed { place.this().brings.clone() } else { Vec::new() };
            merge_requests::answer(rest, asked, brings.into_iter().map(|request| (place.project, request)).collect())
        }
        Err(refusal) => refusal,
    }
}

fn deployment_body(rest: &RestApi<'_>, place: &DeploymentPlace<'_>) -> Value {
    let this = place.this();
    let job = if this.environment == PastEnvironment::Production { DEPLOY_PRODUCTION } else { DEPLOY_STAGING };
    let Some(past) = &rest.world.projects[place.project].history else { return Value::Null };
    let tree = rest.world.tree(past.line, this.pipeline as i64);
    let pipeline = &tree.pipelines[0];
    let again = rest.world.late_attempt(rest.world.lines[past.line].slot, this.created);
    let job = &pipeline.jobs[job];
    let attempt = job.attempts.iter().find(|attempt| (attempt.id == again) == this.rollback);
    json!({
        "id": deployment_id(rest, place), "iid": place.at + 1, "ref": pipeline.ref_name, "sha": pipeline.sha,
        "created_at": time(this.created), "updated_at": time(this.updated(rest.now)), "status": this.status(rest.now),
        "user": user(rest, pipeline.user),
        "environment": {
            "id": rest.world.environment_id(place.project, this.environment), "name": this.environment.name(),
            "external_url": format!(
                "https://{}.{}.example.com", this.environment.name(), rest.world.projects[place.project].path
            ),
        },
        "deployable": attempt.map(|attempt| deployable(rest, pipeline, job, attempt)),
    })
}
