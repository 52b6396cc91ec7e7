//! What queries cost, by the rules in GitLab's source; worked out by hand, and checked against its reference script.

use serde_json::{Value, json};

use crate::{Version, complexity};

fn cost(query: &str, variables: &Value) -> u32 {
    complexity(Version::V18_5, query, variables).unwrap()
}

#[test]
fn every_rule_counts() {
    let rows = [
        // One per field, however many levels.
        ("{ currentUser { id } }", 2),
        ("{ metadata { version revision } }", 3),
        ("{ __typename }", 1),
        // nodes + id + the connection itself = 3, and 100 records add as much again.
        ("{ projects { nodes { id } } }", 6),
        ("{ projects(first: 100) { nodes { id } } }", 6),
        // 3 + 3 * 50 / 100, cut off.
        ("{ projects(first: 50) { nodes { id } } }", 4),
        ("{ projects(last: 1) { nodes { id } } }", 3),
        // More than a page is a page.
        ("{ projects(first: 500) { nodes { id } } }", 6),
        // sort 1, search 5.
        ("{ projects(sort: \"id_asc\") { nodes { id } } }", 8),
        ("{ projects(search: \"a\") { nodes { id } } }", 16),
        ("{ projects(search: null) { nodes { id } } }", 6),
        // A group's projects cost 10 more: (2 + 1 + 10) doubled, and 1 for the group.
        ("{ group(fullPath: \"g\") { projects { nodes { id } } } }", 27),
        // ref 2, sha 2; the single pipeline is not a connection.
        ("{ project(fullPath: \"p\") { pipelines(first: 1, ref: \"r\", sha: \"s\") { nodes { id } } } }", 8),
        ("{ project(fullPath: \"p\") { pipeline(iid: 1) { id } } }", 3),
        // Gitaly: commit and rootRef.
        ("{ project(fullPath: \"p\") { repository { rootRef } } }", 4),
        ("{ project(fullPath: \"p\") { pipeline { commit { title } } } }", 5),
        // A stage's jobs have no resolver: the page does not count. 3 + 1 = 4 within nodes' 1: 5 + 1, doubled; 1, 1.
        ("{ project(fullPath: \"p\") { pipeline { stages { nodes { jobs { nodes { id } } } } } } }", 12),
        // Pages multiply level by level.
        ("{ project(fullPath: \"p\") { pipeline { jobs { nodes { id } } } } }", 8),
        // Twice the same field is one field; under another name it is two.
        ("{ metadata { version version } }", 2),
        ("{ metadata { version again: version } }", 3),
        ("{ metadata { ...F } } fragment F on Metadata { version revision }", 3),
        ("{ metadata { ... on Metadata { version } version } }", 2),
    ];
    for (query, expected) in rows {
        assert_eq!(cost(query, &Value::Null), expected, "{query}");
    }
}

#[test]
fn variables_count_with_their_values() {
    let query =
        "query($n: Int = 100, $more: Boolean!) { projects(first: $n) { nodes { id name @include(if: $more) } } }";
    assert_eq!(cost(query, &json!({ "n": 50, "more": false })), 4);
    assert_eq!(cost(query, &json!({ "more": true })), 8);
    assert!(complexity(Version::V18_5, query, &json!({})).is_err(), "$more is required");
    assert!(complexity(Version::V14_10, "{ project(fullPath: \"p\") { pipeline { source } } }", &json!({})).is_err());
}

/// The rows of a table of the reference script, `projects(ids:)` with everything that a monitor asks for.
#[test]
fn a_whole_monitoring_query_costs_what_the_reference_counts() {
    let query = include_str!("monitor.graphql");
    for (first, expected) in MONITOR {
        assert_eq!(cost(query, &json!({ "ids": [], "first": first })), expected, "first: {first}");
    }
}

const MONITOR: [(u32, u32); 3] = [(10, 61), (50, 82), (100, 109)];
