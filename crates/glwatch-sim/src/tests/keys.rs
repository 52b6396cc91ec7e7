//! Every key that is emitted is in GitLab's documented answer, or in a list here that says where it comes from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::http::{get, send, sim};
use super::published::example;
use crate::{Options, Sim, TOKEN_API, WorldKind};

/// Keys that real answers carry beyond the documented examples.
const EXTRA: [(&str, &[&str], &str); 12] = [
    (
        "user",
        &[
            "id",
            "username",
            "name",
            "state",
            "locked",
            "avatar_url",
            "web_url",
            "created_at",
            "bio",
            "location",
            "public_email",
            "linkedin",
            "twitter",
            "discord",
            "website_url",
            "organization",
            "job_title",
            "pronouns",
            "bot",
            "work_information",
            "followers",
            "following",
            "local_time",
            "last_sign_in_at",
            "confirmed_at",
            "theme_id",
            "last_activity_on",
            "email",
            "color_scheme_id",
            "projects_limit",
            "current_sign_in_at",
            "identities",
            "can_create_group",
            "can_create_project",
            "two_factor_enabled",
            "external",
            "private_profile",
            "commit_email",
        ],
        "doc/api/users.md, \"Retrieve the current user\" (lib/api/entities/user_public.rb)",
    ),
    (
        "commit",
        &[
            "id",
            "short_id",
            "title",
            "message",
            "author_name",
            "author_email",
            "authored_date",
            "committer_name",
            "committer_email",
            "committed_date",
            "created_at",
            "parent_ids",
            "web_url",
            "last_pipeline",
            "last_pipeline.id",
            "last_pipeline.iid",
            "last_pipeline.project_id",
            "last_pipeline.status",
            "last_pipeline.source",
            "last_pipeline.ref",
            "last_pipeline.sha",
            "last_pipeline.name",
            "last_pipeline.web_url",
            "last_pipeline.created_at",
            "last_pipeline.updated_at",
            "status",
            "stats",
            "stats.additions",
            "stats.deletions",
            "stats.total",
        ],
        "doc/api/commits.md (lib/api/entities/commit_detail.rb, ci/pipeline_basic.rb)",
    ),
    (
        "group-projects.json",
        &["namespace.full_path", "namespace.parent_id", "namespace.avatar_url", "namespace.web_url"],
        "doc/api/projects.md, `namespace` of every example there (lib/api/entities/namespace_basic.rb)",
    ),
    (
        "group-projects.json",
        &["empty_repo", "builds_access_level", "marked_for_deletion_at", "marked_for_deletion_on"],
        "doc/api/projects.md (lib/api/entities/project.rb)",
    ),
    (
        "group-projects.json",
        &[
            "shared_with_groups.group_id",
            "shared_with_groups.group_name",
            "shared_with_groups.group_full_path",
            "shared_with_groups.group_access_level",
            "shared_with_groups.expires_at",
        ],
        "group-single.json (lib/api/entities/shared_group_with_project.rb)",
    ),
    ("pipeline-bridges.json", &["failure_reason"], "lib/api/entities/ci/job_basic.rb, when failed"),
    (
        "pipeline-bridges.json",
        &["pipeline.iid", "pipeline.name", "pipeline.source"],
        "lib/api/entities/ci/pipeline_basic.rb (iid since 13.2, source since 13.12, name since 15.11)",
    ),
    (
        "pipeline-bridges.json",
        &[
            "downstream_pipeline.iid",
            "downstream_pipeline.name",
            "downstream_pipeline.project_id",
            "downstream_pipeline.source",
        ],
        "lib/api/entities/ci/pipeline_basic.rb",
    ),
    ("pipeline-jobs.json", RUNNER, "lib/api/entities/ci/runner.rb; doc/api/jobs.md shows it in later versions"),
    ("job-single.json", RUNNER, "lib/api/entities/ci/runner.rb"),
    ("job-single.json", &["failure_reason", "erased_at"], "lib/api/entities/ci/job_basic.rb; job-token-job.json"),
    (
        "pipeline-test-report.json",
        &[
            "test_suites.suite_error",
            "test_suites.test_cases.file",
            "test_suites.test_cases.recent_failures",
            "test_suites.test_cases.recent_failures.count",
            "test_suites.test_cases.recent_failures.base_branch",
            "test_suites.test_cases.system_output.message",
            "test_suites.test_cases.system_output.type",
        ],
        "app/serializers/test_suite_entity.rb and test_case_entity.rb; the output is an object when the XML element has \
         attributes and no text",
    ),
];

const RUNNER: &[&str] = &[
    "runner.id",
    "runner.description",
    "runner.ip_address",
    "runner.active",
    "runner.paused",
    "runner.is_shared",
    "runner.runner_type",
    "runner.name",
    "runner.online",
    "runner.status",
];

fn documented(file: &str) -> BTreeSet<String> {
    // What has no file is in the list whole.
    let mut keys = match file.strip_suffix(".json") {
        Some(_) => key_paths(&serde_json::from_str(&example(file)).unwrap()),
        None => BTreeSet::new(),
    };
    for (_, extra, _) in EXTRA.iter().filter(|(of, _, _)| *of == file) {
        keys.extend(extra.iter().map(|key| (*key).to_owned()));
    }
    keys
}

/// Returns `a`, `a.b` for every key; lists add nothing to the path.
pub(super) fn key_paths(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    walk(inner, &path, found);
                    found.insert(path);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, prefix, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found
}

pub(super) fn assert_documented(file: &str, answer: &Value) {
    let undocumented: Vec<String> = key_paths(answer).difference(&documented(file)).cloned().collect();
    assert!(undocumented.is_empty(), "{file} does not have {undocumented:?}");
}

#[test]
fn every_key_of_every_demo_answer_is_documented() {
    let sim = sim();
    let all = "/api/v4/groups/acme/projects?include_subgroups=true&per_page=100";
    let projects = get(&sim, all).json();
    assert_documented("group-projects.json", &projects);
    assert_documented("group-single.json", &get(&sim, "/api/v4/groups/acme?with_projects=false").json());
    assert_documented("group-single.json", &get(&sim, "/api/v4/groups").json());
    assert_documented("group-single.json", &get(&sim, "/api/v4/groups/acme/subgroups").json());
    assert_documented("group-projects.json", &get(&sim, "/api/v4/projects").json());
    for project in projects.as_array().unwrap() {
        let base = format!("/api/v4/projects/{}/pipelines", project["id"]);
        let listed = get(&sim, &format!("{base}?per_page=100"));
        if listed.status == 403 {
            continue;
        }
        assert_documented("pipelines-list.json", &listed.json());
        let of_project = get(&sim, &format!("/api/v4/projects/{}/jobs", project["id"]));
        assert_documented("pipeline-jobs.json", &of_project.json());
        if let Some(sha) = listed.json()[0]["sha"].as_str() {
            let commit = get(&sim, &format!("/api/v4/projects/{}/repository/commits/{sha}", project["id"]));
            assert_eq!(commit.status, 200);
            assert_documented("commit", &commit.json());
        }
        for pipeline in listed.json().as_array().unwrap() {
            let one = format!("{base}/{}", pipeline["id"]);
            assert_documented("pipeline-single.json", &get(&sim, &one).json());
            let jobs = get(&sim, &format!("{one}/jobs?include_retried=true&per_page=100"));
            assert_documented("pipeline-jobs.json", &jobs.json());
            assert_documented("pipeline-bridges.json", &get(&sim, &format!("{one}/bridges")).json());
        }
    }
    assert_eq!(sim.panics(), 0);
}

#[test]
fn every_key_of_every_failure_is_documented() {
    let sim = Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap();
    let token = format!("private-token: {TOKEN_API}\r\n");
    for project in 30_001..=30_014 {
        let base = format!("/api/v4/projects/{project}");
        for pipeline in get(&sim, &format!("{base}/pipelines")).json().as_array().unwrap() {
            let one = format!("{base}/pipelines/{}", pipeline["id"]);
            assert_documented("pipeline-single.json", &get(&sim, &one).json());
            let report = get(&sim, &format!("{one}/test_report"));
            assert_documented("pipeline-test-report.json", &report.json());
            let summary = get(&sim, &format!("{one}/test_report_summary"));
            assert_documented("pipeline-test-report-summary.json", &summary.json());
            let jobs = get(&sim, &format!("{one}/jobs?include_retried=true"));
            assert_documented("pipeline-jobs.json", &jobs.json());
            for job in jobs.json().as_array().unwrap() {
                let one = send(&sim, "GET", &format!("{base}/jobs/{}", job["id"]), &token).unwrap();
                assert_eq!(one.json(), *job);
                assert_documented("job-single.json", &one.json());
            }
        }
    }
    assert_eq!(sim.panics(), 0);
}

/// A job is documented whole only where one is read; the actions answer the same (`Entities::Ci::Job`, `Ci::Pipeline`).
#[test]
fn the_actions_answer_with_documented_keys() {
    let sim = Sim::start(Options { world: WorldKind::Failures, ..Options::default() }).unwrap();
    let post = |path: &str| {
        let head = format!("private-token: {TOKEN_API}\r\n");
        send(&sim, "POST", &format!("/api/v4/projects/{path}"), &head).unwrap().json()
    };
    let newest = |project: u64| get(&sim, &format!("/api/v4/projects/{project}/pipelines")).json()[0]["id"].clone();
    let job =
        |project: u64| get(&sim, &format!("/api/v4/projects/{project}/pipelines/{}/jobs", newest(project))).json();
    let failed = job(30_006).as_array().unwrap().iter().find(|job| job["status"] == "failed").unwrap()["id"].clone();
    assert_documented("job-single.json", &post(&format!("30006/jobs/{failed}/retry")));
    assert_documented("job-single.json", &post(&format!("30004/jobs/{}/cancel", job(30_004)[0]["id"])));
    let manual = job(30_009).as_array().unwrap().iter().find(|job| job["status"] == "manual").unwrap()["id"].clone();
    assert_documented("job-single.json", &post(&format!("30009/jobs/{manual}/play")));
    assert_documented("pipeline-single.json", &post(&format!("30001/pipelines/{}/retry", newest(30_001))));
    assert_documented("pipeline-single.json", &post(&format!("30001/pipelines/{}/cancel", newest(30_001))));
    assert_eq!(sim.panics(), 0);
}

#[test]
fn the_answers_about_server_and_token_are_documented() {
    let sim = sim();
    let token = format!("private-token: {TOKEN_API}\r\n");
    let ask = |path: &str| send(&sim, "GET", path, &token).unwrap().json();
    assert_documented("metadata.json", &ask("/api/v4/metadata"));
    assert_documented("metadata.json", &ask("/api/v4/version"));
    assert_documented("user", &ask("/api/v4/user"));
    assert_documented("personal-access-token.json", &ask("/api/v4/personal_access_tokens/self"));
}
