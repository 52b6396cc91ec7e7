//! Our GraphQL queries against the schemas that GitLab published, and what they cost by GitLab's rules.

use crate::support::published::schema;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use glwatch::gitlab::client::{
    DOWNSTREAMS_PER_QUERY, Fields, MORE_JOBS_PER_QUERY, OLDER_PIPELINES_PER_QUERY, PAST_JOBS_PER_QUERY,
};
use glwatch::testing::{PAST_JOBS_OF_EACH, jobs_of_each, queries};
use glwatch_sim::{Version, complexity};
use serde_json::{Value, json};

/// What we allow ourselves, of the 250 that GitLab grants to a token and the 200 without one.
const MOST: u32 = 150;

/// The published schemas, with the versions whose servers are asked by them.
const SCHEMAS: [(Version, &str, &[&str]); 5] = [
    (Version::V14_10, "gitlab-14.10.graphql", &["14.10.0", "15.11.13", "16.2.9"]),
    (Version::V16_3, "gitlab-16.3.graphql", &["16.3.0", "17.11.2", "18.4.9"]),
    (Version::V18_5, "gitlab-18.5-ce.graphql", &["18.5.0", "18.6.3"]),
    (Version::V18_5, "gitlab-18.7-ee.graphql", &["18.7.0", "19.2.1"]),
    (Version::V18_5, "subset-19.4-pre.graphql", &["19.4.0"]),
];

fn published(file: &str) -> Valid<Schema> {
    // The dumps lack definitions of directives that they use; what is left of them is all that counts here.
    let schema = Schema::parse(schema(file), file).unwrap_or_else(|broken| broken.partial);
    Valid::assume_valid(schema)
}

#[test]
fn every_query_is_valid_for_every_version_that_it_is_sent_to() {
    for (_, file, versions) in SCHEMAS {
        let schema = published(file);
        for version in versions {
            // The excerpt was made before this field was asked for, and leaves its type out.
            let is_there = |field: &&str| *field != "CiJob.needs" || !file.starts_with("subset-");
            let fields = Fields::of_version(version);
            for (name, query) in queries(&Fields::of(fields.names().filter(is_there))) {
                let checked = ExecutableDocument::parse_and_validate(&schema, &query, name);
                assert!(checked.is_ok(), "{name} for {version}: {}\n{query}", checked.unwrap_err().errors);
                assert!(query.len() < 10_000, "{name} has {} characters", query.len());
            }
        }
    }
}

#[test]
fn a_field_of_a_later_version_would_not_pass() {
    let schema = published("gitlab-14.10.graphql");
    let all = queries(&Fields::of_version("18.5.0"));
    let (_, newest) = all.iter().find(|(name, _)| *name == "Snapshot").unwrap();
    let refused = ExecutableDocument::parse_and_validate(&schema, newest, "Snapshot").unwrap_err();
    assert!(refused.errors.to_string().contains("yamlErrorMessages"), "{}", refused.errors);
}

/// The variables of a query at its largest: as many projects as fit, narrowed by what costs most.
fn variables(name: &str, projects: usize) -> Value {
    let ids: Vec<String> = (0..projects).map(|id| format!("gid://gitlab/Project/{id}")).collect();
    match name {
        "Pulse" => json!({ "ids": ids, "first": projects, "ref": "main" }),
        "Snapshot" => json!({ "ids": ids, "first": projects, "ref": "main", "jobs": jobs_of_each(projects) }),
        "News" => json!({ "ids": ids, "first": projects, "since": "2026-11-20T19:00:00Z" }),
        // 100 pipelines together: many of one project, or one of many.
        "Past" => json!({
            "ids": ids, "first": projects, "since": "2026-11-20T19:00:00Z", "after": "c",
            "pipelines": 100 / projects.min(100), "jobs": PAST_JOBS_OF_EACH,
        }),
        "Jobs" | "PastJobs" => {
            let of =
                |n: usize| [(format!("path{n}"), "acme/api"), (format!("iid{n}"), "1"), (format!("after{n}"), "c")];
            let count = if name == "Jobs" { MORE_JOBS_PER_QUERY } else { PAST_JOBS_PER_QUERY };
            let needs = [("needs".to_owned(), Value::from(true))];
            needs.into_iter().chain((0..count).flat_map(of).map(|(name, value)| (name, Value::from(value)))).collect()
        }
        "Downstream" => {
            let of = |n: usize| [(format!("path{n}"), "acme/api"), (format!("iid{n}"), "1")];
            (0..DOWNSTREAMS_PER_QUERY).flat_map(of).map(|(name, value)| (name, Value::from(value))).collect()
        }
        "Older" => {
            let of = |n: usize| [(format!("path{n}"), "acme/api"), (format!("ref{n}"), "main")];
            (0..OLDER_PIPELINES_PER_QUERY).flat_map(of).map(|(name, value)| (name, Value::from(value))).collect()
        }
        "Needs" => json!({ "path": "acme/api", "iid": "1", "isLong": true }),
        "Glance" => json!({ "path": "acme/api", "ref": "main" }),
        "Trouble" => json!({ "path": "acme/api", "iid": "1" }),
        _ => json!({}),
    }
}

#[test]
fn no_query_costs_more_than_we_allow_ourselves() {
    let mut costs = Vec::new();
    for (version, _, versions) in SCHEMAS {
        for (name, query) in queries(&Fields::of_version(versions[0])) {
            for projects in [1, 50, 51, 100] {
                let cost = complexity(version, &query, &variables(name, projects)).unwrap();
                assert!(cost <= MOST, "{name} for {} projects of {}: {cost}", projects, versions[0]);
                if versions[0] == "18.5.0" && (projects == 100 || name == "Snapshot") {
                    costs.push(format!("{name} {projects}: {cost}"));
                }
            }
        }
    }
    insta::assert_snapshot!(costs.join("\n"), @r"
    Introspection 100: 4
    Pulse 100: 32
    Snapshot 1: 86
    Snapshot 50: 129
    Snapshot 51: 110
    Snapshot 100: 146
    Jobs 100: 132
    Needs 100: 39
    Glance 100: 74
    Downstream 100: 140
    Older 100: 144
    Trouble 100: 11
    Past 100: 124
    News 100: 20
    PastJobs 100: 117
    ");
}
