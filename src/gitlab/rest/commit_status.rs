//! Statuses that other systems have set on a pipeline's commit
//! (<https://docs.gitlab.com/api/commits/#list-commit-statuses>).

use super::job::{Identified, all_pages};
use super::pipeline::status;
use super::{encode, project_key};
use crate::domain::id::{JobId, PipelineId, ProjectRef};
use crate::domain::job::{Job, JobKind};
use crate::domain::pipeline::{Pipeline, RefKind};
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::HashSet;

/// The stage that GitLab puts them in.
const STAGE: &str = "external";

#[derive(Deserialize)]
struct CommitStatusWire {
    id: u64,
    name: Option<String>,
    status: Option<String>,
    target_url: Option<String>,
    description: Option<String>,
    #[serde(default)]
    allow_failure: Option<bool>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Newer GitLab gives it.
    pipeline_id: Option<u64>,
}

impl Identified for CommitStatusWire {
    fn id(&self) -> u64 {
        self.id
    }
}

impl CommitStatusWire {
    /// Says whether it is another system's, and of this pipeline. GitLab lists the jobs of all pipelines of the commit, too.
    fn is_external(&self, pipeline: PipelineId, known: &HashSet<JobId>) -> bool {
        let leads_to_job = |url: &str| {
            let page = format!("/{}", self.id);
            url.strip_suffix(&page).is_some_and(|base| base.ends_with("/jobs") || base.ends_with("/builds"))
        };
        let has = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let is_of_pipeline = match self.pipeline_id {
            Some(id) => id == pipeline.0,
            // A job of another pipeline has neither.
            None => has(&self.target_url) || has(&self.description),
        };
        let is_job = known.contains(&JobId(self.id)) || self.target_url.as_deref().is_some_and(leads_to_job);
        is_of_pipeline && !is_job
    }

    fn into_job(self) -> Job {
        Job {
            id: JobId(self.id),
            name: self.name.unwrap_or_default(),
            stage: STAGE.into(),
            kind: JobKind::External,
            status: status(self.status.as_deref()),
            allow_failure: self.allow_failure.unwrap_or(false),
            attempts: None,
            earlier: Vec::new(),
            started_at: self.started_at,
            finished_at: self.finished_at,
            duration: None,
            failure_reason: None,
            web_url: self.target_url.filter(|url| !url.is_empty()),
            description: self.description.filter(|text| !text.trim().is_empty()),
            downstream_id: None,
        }
    }
}

/// Reads the statuses of a pipeline that belong to none of the jobs that are known.
pub(crate) async fn external(
    transport: &Transport,
    project: &ProjectRef,
    pipeline: &Pipeline,
    known: &HashSet<JobId>,
) -> Result<Vec<Job>, Error> {
    let Some(sha) = pipeline.sha.as_deref() else { return Ok(Vec::new()) };
    let git_ref = match pipeline.git_ref.kind {
        RefKind::Branch | RefKind::Tag => format!("&ref={}", encode(&pipeline.git_ref.name)),
        RefKind::MergeRequest | RefKind::MergeTrain | RefKind::Other => String::new(),
    };
    let path = format!(
        "projects/{}/repository/commits/{}/statuses?pipeline_id={}{git_ref}",
        project_key(project),
        encode(sha),
        pipeline.id
    );
    let wires: Vec<CommitStatusWire> = all_pages(transport, &path).await?;
    Ok(wires.into_iter().filter(|wire| wire.is_external(pipeline.id, known)).map(CommitStatusWire::into_job).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_another_system_is_told_from_a_job() {
        let wire = |json: serde_json::Value| serde_json::from_value::<CommitStatusWire>(json).unwrap();
        let known = HashSet::from([JobId(5)]);
        let cases = [
            ("Jenkins", serde_json::json!({"id": 9, "target_url": "https://ci.example/1", "pipeline_id": 100}), true),
            ("without anything but its pipeline", serde_json::json!({"id": 9, "pipeline_id": 100}), true),
            ("of another pipeline", serde_json::json!({"id": 9, "description": "x", "pipeline_id": 101}), false),
            ("a job that is known", serde_json::json!({"id": 5, "pipeline_id": 100}), false),
            ("an older server does not name the pipeline", serde_json::json!({"id": 9, "description": "x"}), true),
            ("nothing tells it from a job of another pipeline", serde_json::json!({"id": 9}), false),
            (
                "a job's own page",
                serde_json::json!({"id": 91, "target_url": "https://gitlab.example.com/a/b/builds/91"}),
                false,
            ),
        ];
        for (sentence, json, expected) in cases {
            assert_eq!(wire(json).is_external(PipelineId(100), &known), expected, "{sentence}");
        }
    }
}
