//! A GitLab with one project and one pipeline, made of whatever answers a test gives, over REST.

use super::canned::Canned;
use serde_json::{Value, json};

/// What the pipeline is made of.
pub(crate) struct OnePipeline {
    pub(crate) pipeline: Value,
    pub(crate) jobs: Vec<Value>,
    pub(crate) bridges: Vec<Value>,
    pub(crate) statuses: Vec<Value>,
    pub(crate) report: Value,
    /// Of every job.
    pub(crate) log: String,
}

pub(crate) const TIME: &str = "2026-11-20T18:00:00.000Z";
const SHA: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Returns a job that failed, changed by `more`.
pub(crate) fn job(id: u64, name: &str, more: Value) -> Value {
    let mut job = json!({
        "id": id, "name": name, "stage": "test", "status": "failed", "allow_failure": false, "created_at": TIME,
        "started_at": TIME, "finished_at": TIME, "duration": 60.0, "failure_reason": "script_failure",
        "web_url": format!("https://gitlab.example.com/acme/p0/-/jobs/{id}"), "pipeline": { "id": 100 },
    });
    merge(&mut job, more);
    job
}

/// Returns a status that another system has set, changed by `more`.
pub(crate) fn status(id: u64, name: &str, more: Value) -> Value {
    let mut status = json!({
        "id": id, "sha": SHA, "ref": "main", "name": name, "status": "failed", "allow_failure": false,
        "target_url": format!("https://ci.example.com/{name}"), "description": "the plan failed",
        "created_at": TIME, "started_at": null, "finished_at": TIME, "coverage": null, "pipeline_id": 100,
    });
    merge(&mut status, more);
    status
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

impl OnePipeline {
    /// Makes a failed one with these jobs.
    pub(crate) fn failed(jobs: Vec<Value>) -> Self {
        let pipeline = json!({
            "id": 100, "iid": 1, "status": "failed", "ref": "main", "tag": false, "sha": SHA, "source": "push",
            "created_at": TIME, "updated_at": TIME, "web_url": "https://gitlab.example.com/acme/p0/-/pipelines/100",
        });
        let report = json!({ "test_suites": [] });
        Self { pipeline, jobs, bridges: vec![], statuses: vec![], report, log: String::new() }
    }

    pub(crate) fn with_status(mut self, status: &str) -> Self {
        self.pipeline["status"] = status.into();
        self
    }

    pub(crate) fn start(self) -> Canned {
        Canned::start(move |path| {
            let (path, _) = path.split_once('?').unwrap_or((path, ""));
            let list = |items: &[Value]| Value::from(items.to_vec()).to_string();
            let path = path.trim_start_matches("/api/v4/projects/").trim_start_matches("acme%2Fp0");
            let path = path.strip_prefix("77").unwrap_or(path);
            let body = match path {
                "" => json!({
                    "id": 77, "path_with_namespace": "acme/p0", "name": "p0", "default_branch": "main",
                    "web_url": "https://gitlab.example.com/acme/p0",
                })
                .to_string(),
                "/pipelines" => list(std::slice::from_ref(&self.pipeline)),
                "/pipelines/100" => self.pipeline.to_string(),
                "/pipelines/100/jobs" => list(&self.jobs),
                "/pipelines/100/bridges" => list(&self.bridges),
                "/pipelines/100/test_report" => self.report.to_string(),
                path if path.ends_with("/statuses") => list(&self.statuses),
                path if path.ends_with("/trace") => self.log.clone(),
                path => {
                    let id = path.strip_prefix("/jobs/").and_then(|id| id.parse::<u64>().ok());
                    let found = self.jobs.iter().find(|job| id.is_some() && job["id"].as_u64() == id);
                    match found {
                        Some(job) => job.to_string(),
                        None => return (404, json!({ "message": "404 Not Found" }).to_string()),
                    }
                }
            };
            (200, body)
        })
    }
}
