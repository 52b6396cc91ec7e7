//! Every key of the answers about environments, deployments, merge requests and issues is documented.

use std::collections::BTreeSet;

use serde_json::Value;

use super::history::weeks;
use super::http::get;
use super::keys::{assert_documented, key_paths};

/// A user in a list (lib/api/entities/user_basic.rb).
const USER: [&str; 6] = ["id", "username", "name", "state", "avatar_url", "web_url"];

/// doc/api/merge_requests.md, "List merge requests" (lib/api/entities/merge_request_basic.rb).
const MERGE_REQUEST: &[&str] = &[
    "id",
    "iid",
    "project_id",
    "title",
    "description",
    "state",
    "created_at",
    "updated_at",
    "merged_at",
    "closed_at",
    "merged_by",
    "merge_user",
    "closed_by",
    "target_branch",
    "source_branch",
    "source_project_id",
    "target_project_id",
    "author",
    "assignee",
    "assignees",
    "reviewers",
    "labels",
    "draft",
    "work_in_progress",
    "milestone",
    "sha",
    "merge_commit_sha",
    "squash_commit_sha",
    "user_notes_count",
    "upvotes",
    "downvotes",
    "merge_status",
    "squash",
    "detailed_merge_status",
    "web_url",
    "references",
    "references.short",
    "references.relative",
    "references.full",
];

/// doc/api/issues.md, "List issues" (lib/api/entities/issue.rb).
const ISSUE: &[&str] = &[
    "id",
    "iid",
    "project_id",
    "title",
    "description",
    "state",
    "created_at",
    "updated_at",
    "closed_at",
    "closed_by",
    "labels",
    "milestone",
    "assignees",
    "assignee",
    "author",
    "type",
    "issue_type",
    "severity",
    "user_notes_count",
    "merge_requests_count",
    "upvotes",
    "downvotes",
    "due_date",
    "confidential",
    "discussion_locked",
    "web_url",
    "references",
    "references.short",
    "references.relative",
    "references.full",
];

/// doc/api/merge_requests.md, "Retrieve merge request commits" (lib/api/entities/commit.rb).
const COMMIT: &[&str] = &[
    "id",
    "short_id",
    "title",
    "message",
    "created_at",
    "parent_ids",
    "author_name",
    "author_email",
    "authored_date",
    "committer_name",
    "committer_email",
    "committed_date",
    "trailers",
    "web_url",
];

fn assert_listed(what: &str, answer: &Value, keys: &[&str], users: &[&str]) {
    let with_user = |user: &&str| USER.map(|key| format!("{user}.{key}"));
    let known: BTreeSet<String> =
        keys.iter().map(|key| (*key).to_owned()).chain(users.iter().flat_map(with_user)).collect();
    let unknown: Vec<String> = key_paths(answer).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "{what} does not have {unknown:?}");
    assert!(!answer.as_array().is_some_and(Vec::is_empty), "{what}: nothing was looked at");
}

#[test]
fn every_key_of_what_a_project_delivered_is_documented() {
    let sim = weeks();
    let requests = get(&sim, "/api/v4/groups/acme/merge_requests?per_page=100").json();
    let of_request = ["author", "merged_by", "merge_user", "closed_by"];
    assert_listed("a merge request", &requests, MERGE_REQUEST, &of_request);
    let issues = get(&sim, "/api/v4/groups/acme/issues?per_page=100").json();
    assert_listed("an issue", &issues, ISSUE, &["author", "closed_by"]);
    for project in 20_001..=20_012 {
        let base = format!("/api/v4/projects/{project}");
        let list = |path: &str| get(&sim, &format!("{base}/{path}")).json();
        let environments = list("environments");
        assert_documented("environments-list.json", &environments);
        for environment in environments.as_array().unwrap() {
            assert_documented("environment-single.json", &list(&format!("environments/{}", environment["id"])));
        }
        let deployments = list("deployments?per_page=100");
        assert_documented("deployments-list.json", &deployments);
        for deployment in deployments.as_array().unwrap() {
            let one = list(&format!("deployments/{}", deployment["id"]));
            assert_eq!(one, *deployment);
            let path = format!("deployments/{}/merge_requests", deployment["id"]);
            let brought = list(&path);
            if !brought.as_array().unwrap().is_empty() {
                assert_listed("a merge request", &brought, MERGE_REQUEST, &of_request);
            }
        }
        assert_listed("an issue", &list("issues"), ISSUE, &["author", "closed_by"]);
        assert_listed("a merge request", &list("merge_requests"), MERGE_REQUEST, &of_request);
        assert_listed("a commit", &list("merge_requests/1/commits"), COMMIT, &[]);
        assert_documented("pipelines-list.json", &list("merge_requests/1/pipelines"));
        assert_documented("pipeline-jobs.json", &list("jobs?pagination=keyset"));
        let pipelines = list("pipelines?per_page=5");
        for pipeline in pipelines.as_array().unwrap() {
            assert_documented("pipeline-single.json", &list(&format!("pipelines/{}", pipeline["id"])));
        }
    }
    assert_eq!(sim.panics(), 0);
}
