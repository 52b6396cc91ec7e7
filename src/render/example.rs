//! A small group with one project of every kind, hostile ones included; what the renderers' tests print.

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::{GroupId, JobId, PipelineId, ProjectId};
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::pipeline::{Downstream, Pipeline, Ref};
use crate::domain::project::{Project, ProjectRow, RowState};
use crate::domain::snapshot::{Group, Problem, ProblemScope, Snapshot};
use crate::domain::status::Status;
use crate::domain::usage::{Api, Usage};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// 20:00 in Paris.
pub(super) fn noted_at() -> DateTime<Utc> {
    "2026-11-20T19:00:00Z".parse().unwrap()
}

pub(super) fn stage(name: &str, word: &str) -> Stage {
    Stage { name: name.into(), status: Status::from_word(word).unwrap_or(Status::Other(word.into())), jobs: vec![] }
}

/// `build=success test=failed`
pub(super) fn stages(text: &str) -> Vec<Stage> {
    text.split_whitespace().filter_map(|word| word.split_once('=')).map(|(name, word)| stage(name, word)).collect()
}

pub(super) fn pipeline(id: u64, word: &str, minutes_ago: i64, stages: Vec<Stage>) -> Pipeline {
    let created = noted_at() - TimeDelta::minutes(minutes_ago);
    Pipeline {
        id: PipelineId(id),
        iid: Some(45),
        status: Status::from_gitlab(word),
        has_warnings: false,
        git_ref: Ref::from_gitlab("main", Some(false)),
        sha: Some("4f2d1c".into()),
        source: Some("push".into()),
        name: None,
        created_at: Some(created),
        started_at: Some(created + TimeDelta::seconds(3)),
        finished_at: None,
        updated_at: Some(created + TimeDelta::seconds(375)),
        duration: Some(Duration::from_millis(372_400)),
        queued: Some(Duration::from_secs(3)),
        coverage: Some(84.2),
        user: Some("ada".into()),
        commit_title: Some("Round amounts once, at the edge".into()),
        failure_reason: None,
        yaml_errors: None,
        web_url: None,
        stages,
        downstream: vec![],
        unread: None,
    }
}

pub(super) fn project(id: u64, full_path: &str, state: RowState) -> ProjectRow {
    let project = Project {
        id: ProjectId(id),
        name: full_path.rsplit('/').next().unwrap_or_default().into(),
        full_path: full_path.into(),
        web_url: Some(format!("https://gitlab.example.com/{full_path}")),
        ancestor_names: vec![],
        default_branch: Some("main".into()),
        ci_enabled: Some(true),
    };
    ProjectRow { project: project.into(), state, as_of: noted_at() }
}

fn failure(kind: &str, message: &str) -> Failure {
    Failure::new(FailureKind::from_word(kind), message)
}

pub(super) fn snapshot(rows: Vec<ProjectRow>) -> Snapshot {
    let group = Group {
        id: GroupId(12345),
        full_path: "acme".into(),
        web_url: Some("https://gitlab.example.com/groups/acme".into()),
    };
    Snapshot {
        host: "https://gitlab.example.com".into(),
        taken_at: noted_at(),
        groups: vec![group],
        rows,
        problems: vec![],
        usage: Usage { requests: 9, limit: Some(2000), remaining: Some(1991), api: Api::Rest, ..Usage::default() },
    }
}

fn child(id: u64, word: &str) -> Downstream {
    Downstream {
        id: PipelineId(id),
        iid: None,
        project: Some("acme/deploy".into()),
        status: Status::from_gitlab(word),
        has_warnings: false,
        is_unread: false,
        web_url: None,
        downstream: vec![],
    }
}

/// One project of every kind: a flat list, therefore longer than a function should be.
pub(super) fn one_of_each() -> Snapshot {
    let ok = |pipeline: Pipeline| RowState::Ok([pipeline].into());
    let hostile = Pipeline {
        git_ref: Ref::from_gitlab("\u{1B}[2Jmain\u{202E}", Some(false)),
        commit_title: Some("a\tb\nc\u{9B}31m".into()),
        ..pipeline(8117, "success", 61, vec![stage("\u{1B}]8;;http://evil\u{7}build", "success")])
    };
    let train = Pipeline { git_ref: Ref::from_gitlab("refs/merge-requests/71/train", None), ..running() };
    let rows = vec![
        project(
            1,
            "acme/payments/api",
            ok(pipeline(8123, "failed", 6, stages("build=success test=failed deploy=skipped"))),
        ),
        project(2, "acme/payments/gateway", RowState::Ok([parent(), train].into())),
        project(3, "acme/platform/pipelines/composite-release-train", ok(long())),
        project(
            4,
            "acme/legacy/billing",
            RowState::Error(failure(
                "http_500",
                "GET /projects/4/pipelines: 500 Internal Server Error, after 3 attempts",
            )),
        ),
        project(5, "acme/tools/yaml", ok(invalid())),
        project(
            6,
            "acme/labs/quantum",
            ok(pipeline(8119, "quarantined", 90, stages("build=success scan=quarantined"))),
        ),
        project(
            7,
            "acme/web/shop",
            ok(Pipeline {
                has_warnings: true,
                ..pipeline(8118, "success", 2000, stages("build=success lint=warning deploy=manual"))
            }),
        ),
        project(
            8,
            "acme/web/日本語ドキュメント",
            ok(pipeline(8116, "success", 9000, stages("構築=success 配備=success"))),
        ),
        project(9, "acme/web/🚀-launcher", ok(scheduled())),
        project(10, "acme/\u{1B}[31mevil\u{202E}\u{1B}]0;owned\u{7}", ok(hostile)),
        project(
            11,
            "acme/secret/vault",
            RowState::NoAccess(failure("http_403", "CI/CD is not visible to this token (403)")),
        ),
        project(12, "acme/docs/handbook", RowState::NoPipeline { ever_ran: Some(false) }),
        project(13, "acme/docs/style", RowState::NoPipeline { ever_ran: Some(true) }),
    ];
    let lost = failure("lost_page", "page 3 of 4 answered 502");
    Snapshot {
        problems: vec![Problem { scope: ProblemScope::List, subject: "acme".into(), failure: lost }],
        ..snapshot(rows)
    }
}

fn running() -> Pipeline {
    Pipeline { duration: None, ..pipeline(8122, "running", 3, stages("build=success test=running deploy=created")) }
}

fn parent() -> Pipeline {
    let downstream =
        vec![child(8200, "success"), Downstream { downstream: vec![child(8202, "failed")], ..child(8201, "success") }];
    Pipeline { downstream, ..pipeline(8121, "success", 20, stages("build=success trigger=success")) }
}

fn long() -> Pipeline {
    let text = "prepare-environment=success lint-and-format=success unit-tests=success integration-tests=success \
        security-scanning=success build-images=success publish-images=success deploy-staging=running smoke-tests=created \
        performance-tests=created deploy-production=created notify-everybody=created";
    Pipeline { duration: None, ..pipeline(8120, "running", 15, stages(text)) }
}

fn invalid() -> Pipeline {
    let yaml_errors = Some("jobs:test config contains unknown keys: skript\nsecond line".into());
    Pipeline {
        yaml_errors,
        duration: None,
        failure_reason: Some("config_error".into()),
        ..pipeline(8125, "failed", 0, vec![])
    }
}

fn scheduled() -> Pipeline {
    Pipeline {
        source: Some("schedule".into()),
        ..pipeline(8115, "success", 300, stages("build=success test=success deploy=success"))
    }
}

/// A snapshot of one pipeline with everything that the JSON contract can hold.
pub(super) fn one_pipeline() -> Snapshot {
    let job = Job {
        id: JobId(991),
        name: "unit".into(),
        stage: "test".into(),
        kind: JobKind::Job,
        status: Status::Failed,
        allow_failure: false,
        attempts: Some(2),
        earlier: Vec::new(),
        started_at: Some(noted_at() - TimeDelta::milliseconds(61_900)),
        finished_at: Some(noted_at()),
        duration: Some(Duration::from_millis(61_500)),
        failure_reason: Some("script_failure".into()),
        web_url: None,
        description: None,
        downstream_id: None,
    };
    let test = Stage { jobs: vec![job], ..stage("test", "failed") };
    let commit_title = Some("bell \u{7}, C1 \u{9B}, bidi \u{202E}, line \u{2028}, größe".into());
    let failed =
        Pipeline { commit_title, downstream: vec![child(8200, "running")], ..pipeline(8123, "failed", 6, vec![test]) };
    let never = RowState::NoPipeline { ever_ran: Some(false) };
    let unread = RowState::Error(failure("http_500", "no answer"));
    snapshot(vec![
        project(77, "acme/payments/api", RowState::Ok([failed].into())),
        project(78, "acme/docs", never),
        project(79, "acme/x", unread),
    ])
}
