//! The smallest pipeline there can be, for tests that only care about some of its fields.

use super::id::PipelineId;
use super::pipeline::{Downstream, Pipeline, Ref};
use super::status::Status;

pub(crate) fn pipeline(status: Status, downstream: Vec<Downstream>) -> Pipeline {
    Pipeline {
        id: PipelineId(1),
        iid: None,
        status,
        has_warnings: false,
        git_ref: Ref::from_gitlab("main", Some(false)),
        sha: None,
        source: None,
        name: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        updated_at: None,
        duration: None,
        queued: None,
        coverage: None,
        user: None,
        commit_title: None,
        failure_reason: None,
        yaml_errors: None,
        web_url: None,
        stages: vec![],
        downstream,
    }
}

pub(crate) fn below(id: u64, status: Status, downstream: Vec<Downstream>) -> Downstream {
    let id = PipelineId(id);
    Downstream { id, project: None, status, has_warnings: false, is_unread: false, web_url: None, downstream }
}
