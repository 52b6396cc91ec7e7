//! The smallest pipeline, project and rules there can be, for tests that only care about some of their fields.

use super::id::{JobId, PipelineId, ProjectId};
use super::job::{Job, JobKind};
use super::name_pattern::NamePattern;
use super::pipeline::{Downstream, Pipeline, Ref};
use super::project::Project;
use super::project_hook::{HookEvent, HookState, ProjectHook};
use super::status::Status;
use super::tracking::{EnvironmentRules, JobRules, RefRules, TestRules, TrackingRules};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn project(id: u64) -> Arc<Project> {
    let (name, full_path) = (format!("p{id}"), format!("acme/p{id}"));
    let ancestor_names = vec!["ACME".to_owned()];
    let id = ProjectId(id);
    Arc::new(Project {
        id,
        name,
        full_path,
        ancestor_names,
        web_url: None,
        default_branch: None,
        ci_enabled: Some(true),
    })
}

pub(crate) fn pipeline(status: Status, downstream: Vec<Downstream>) -> Pipeline {
    let git_ref = Ref::from_gitlab("main", Some(false));
    Pipeline { downstream, ..Pipeline::without_details(PipelineId(1), status, git_ref) }
}

pub(crate) fn job(name: &str, status: Status) -> Job {
    Job {
        id: JobId(1),
        name: name.into(),
        stage: "test".into(),
        kind: JobKind::Job,
        status,
        allow_failure: false,
        attempts: None,
        earlier: Vec::new(),
        started_at: None,
        finished_at: None,
        duration: None,
        failure_reason: None,
        web_url: None,
        description: None,
        downstream_id: None,
    }
}

pub(crate) fn below(id: u64, status: Status, downstream: Vec<Downstream>) -> Downstream {
    let id = PipelineId(id);
    Downstream {
        id,
        iid: None,
        project: None,
        status,
        has_warnings: false,
        is_unread: false,
        web_url: None,
        downstream,
    }
}

pub(crate) const HOOK_URL: &str = "https://hub.example.com/webhook";

/// Returns a hook that hears of all events but those that are off.
pub(crate) fn hook(id: u64, off: &[HookEvent], state: HookState) -> ProjectHook {
    ProjectHook {
        id,
        url: HOOK_URL.to_owned(),
        events: HookEvent::ALL.into_iter().map(|event| (event, !off.contains(&event))).collect(),
        branch_filter: None,
        state,
        has_secret: None,
    }
}

/// Every ref is tracked, and nothing of it but the pipeline.
pub(crate) fn rules() -> TrackingRules {
    let pattern = || NamePattern::parse(".*").unwrap();
    let refs =
        || RefRules { enabled: true, pattern: pattern(), most_recent: 0, max_age: Duration::ZERO, exclude_gone: true };
    TrackingRules {
        is_sparse: true,
        branches: refs(),
        tags: refs(),
        merge_requests: refs(),
        per_ref: 1,
        jobs: JobRules { enabled: false, from_children: false, runner_pattern: None },
        variables: None,
        tests: TestRules { enabled: false, from_children: false, cases: false },
        environments: EnvironmentRules { enabled: false, pattern: pattern(), exclude_stopped: true },
    }
}
