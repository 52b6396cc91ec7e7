//! What `POST /api/graphql` answers: GitLab's habits, its refusals, and the faults that can be asked for.

use serde_json::{Value, json};

use super::http::{Got, get, send, send_body, sim};
use crate::{
    Access, Fault, GraphqlOptions, Options, Served, Sim, TOKEN_EXPIRED, TOKEN_JOB, TOKEN_READ_API, TOKEN_READ_USER,
    Version,
};

pub(super) fn post(sim: &Sim, token: Option<&str>, query: &str, variables: &Value) -> Got {
    let headers = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let body = json!({ "query": query, "variables": variables }).to_string();
    send_body(sim, "POST", "/api/graphql", &headers, &body).expect("an answer")
}

/// Asks with a token and returns the whole body of a 200.
pub(super) fn ask(sim: &Sim, query: &str, variables: &Value) -> Value {
    let got = post(sim, Some(TOKEN_READ_API), query, variables);
    assert_eq!(got.status, 200, "{}", String::from_utf8_lossy(&got.body));
    got.json()
}

fn data(sim: &Sim, query: &str) -> Value {
    let mut body = ask(sim, query, &json!({}));
    assert!(body["errors"].is_null(), "{body}");
    body["data"].take()
}

fn with(graphql: GraphqlOptions) -> Sim {
    Sim::start(Options { graphql, ..Options::default() }).unwrap()
}

fn of(version: Version) -> Sim {
    with(GraphqlOptions { version, ..GraphqlOptions::default() })
}

fn first_error(body: &Value) -> &str {
    assert!(body.get("data").is_none(), "there is data in {body}");
    body["errors"][0]["message"].as_str().unwrap()
}

#[test]
fn the_server_and_the_caller_are_known_with_a_token_only() {
    let sim = sim();
    let query = "{ metadata { version enterprise } currentUser { username } queryComplexity { score limit } }";
    let known = data(&sim, query);
    assert_eq!(known["metadata"], json!({ "version": "18.5.0", "enterprise": false }));
    assert_eq!(known["currentUser"], json!({ "username": "ada" }));
    assert_eq!(known["queryComplexity"], json!({ "score": 8, "limit": 250 }));
    let anonymous = post(&sim, None, query, &json!({})).json();
    assert_eq!(anonymous["data"]["metadata"], Value::Null);
    assert_eq!(anonymous["data"]["currentUser"], Value::Null);
    assert_eq!(anonymous["data"]["queryComplexity"]["limit"], 200);
}

#[test]
fn bad_tokens_are_refused() {
    let sim = sim();
    for token in [TOKEN_EXPIRED, TOKEN_JOB, "nonsense"] {
        let got = post(&sim, Some(token), "{ __typename }", &json!({}));
        assert_eq!((got.status, got.json()), (401, json!({ "errors": [{ "message": "Invalid token" }] })));
    }
    let got = post(&sim, Some(TOKEN_READ_USER), "{ __typename }", &json!({}));
    assert_eq!((got.status, got.json()["error"].as_str()), (403, Some("insufficient_scope")));
}

#[test]
fn what_is_absent_or_invisible_is_null_and_no_error() {
    let query = "{ project(fullPath: \"acme/none\") { id } group(fullPath: \"none\") { id }
        projects(ids: [\"gid://gitlab/Project/1\", \"gid://gitlab/Project/20003\"]) { nodes { id } } }";
    let found = data(&sim(), query);
    assert_eq!((&found["project"], &found["group"]), (&Value::Null, &Value::Null));
    assert_eq!(found["projects"]["nodes"], json!([{ "id": "gid://gitlab/Project/20003" }]));
    let private = Sim::start(Options { access: Access::Private, ..Options::default() }).unwrap();
    let query = "{ projects { nodes { id } } group(fullPath: \"acme\") { id } }";
    let hidden = post(&private, None, query, &json!({})).json();
    assert_eq!(hidden, json!({ "data": { "projects": { "nodes": [] }, "group": null } }));
}

#[test]
fn a_page_has_100_records_at_most_and_cursors_lead_on() {
    let world = crate::WorldKind::Uniform { projects: 250, stages: 1, jobs: 1 };
    let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
    let query = "query($first: Int, $after: String) { group(fullPath: \"acme\") { projects(includeSubgroups: true,
        first: $first, after: $after) { count nodes { id } pageInfo { hasNextPage endCursor hasPreviousPage } } } }";
    let mut seen: Vec<Value> = Vec::new();
    let mut after = Value::Null;
    for (first, expected) in [(json!(500), 100), (Value::Null, 100), (json!(70), 50)] {
        let page = ask(&sim, query, &json!({ "first": first, "after": after }));
        let page = &page["data"]["group"]["projects"];
        assert_eq!((page["nodes"].as_array().unwrap().len(), &page["count"]), (expected, &json!(250)));
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        assert_eq!(page["pageInfo"]["hasNextPage"], expected == 100);
        after = page["pageInfo"]["endCursor"].clone();
        seen.extend(page["nodes"].as_array().unwrap().iter().cloned());
    }
    assert_eq!((&seen[0]["id"], seen.len()), (&json!("gid://gitlab/Project/20250"), 250));
    seen.dedup();
    assert_eq!(seen.len(), 250);
    let last = data(&sim, "{ projects(last: 2) { nodes { id } edges { cursor node { id } } } }");
    assert_eq!(last["projects"]["nodes"][1]["id"], "gid://gitlab/Project/20001");
    assert_eq!(last["projects"]["edges"][1]["node"]["id"], "gid://gitlab/Project/20001");
}

#[test]
fn a_field_that_the_version_lacks_is_an_error_of_the_whole_query() {
    let query = "query Pulse { project(fullPath: \"acme/payments/api\") { pipelines(first: 1) { nodes { source } } } }";
    let old = of(Version::V16_3);
    let body = ask(&old, query, &json!({}));
    assert_eq!(first_error(&body), "Field 'source' doesn't exist on type 'Pipeline'");
    let error = &body["errors"][0];
    assert_eq!(error["extensions"], json!({ "code": "undefinedField", "typeName": "Pipeline", "fieldName": "source" }));
    assert_eq!(error["path"], json!(["query Pulse", "project", "pipelines", "nodes", "source"]));
    assert_eq!(error["locations"][0]["line"], 1);
    assert!(ask(&sim(), query, &json!({}))["errors"].is_null());
    let argument = "{ project(fullPath: \"p\") { pipeline { jobs(retried: true, jobKind: BUILD) { nodes { id } } } } }";
    let body = ask(&of(Version::V14_10), argument, &json!({}));
    assert_eq!(first_error(&body), "Field 'jobs' doesn't accept argument 'retried'");
    assert_eq!(body["errors"][0]["extensions"]["code"], "argumentNotAccepted");
    let word = "{ project(fullPath: \"p\") { pipelines(status: CANCELING) { nodes { id } } } }";
    assert!(first_error(&ask(&old, word, &json!({}))).contains("invalid value (CANCELING)"));
    let many = ask(&old, "{ a b c d e f g }", &json!({}));
    assert_eq!(many["errors"].as_array().unwrap().len(), 5);
}

#[test]
fn what_is_no_query_is_told() {
    let sim = sim();
    assert!(!first_error(&ask(&sim, "{ projects(", &json!({}))).is_empty());
    assert!(!first_error(&ask(&sim, "{ projects }", &json!({}))).is_empty());
    let required = "query($path: ID!) { project(fullPath: $path) { id } }";
    assert!(first_error(&ask(&sim, required, &json!({}))).contains("path"));
    let long = format!("{{ {} }}", "__typename ".repeat(1_000));
    let got = post(&sim, Some(TOKEN_READ_API), &long, &json!({}));
    assert_eq!((got.status, first_error(&got.json())), (422, "Query too large"));
    assert_eq!(post(&sim, Some(TOKEN_READ_API), required, &json!([1])).status, 422);
    let raw = |body: &str| send_body(&sim, "POST", "/api/graphql", "", body).unwrap();
    assert_eq!(raw("{").status, 400);
    assert!(!first_error(&raw("{}").json()).is_empty());
    let two = json!({ "query": "query A { __typename } query B { a: __typename }", "operationName": "B" });
    assert_eq!(raw(&two.to_string()).json()["data"], json!({ "a": "Query" }));
    assert_eq!(sim.panics(), 0);
}

#[test]
fn queries_that_cost_too_much_or_are_too_deep_are_refused() {
    let query = "{ projects { nodes { id name path } } }";
    let sim = with(GraphqlOptions { max_complexity: Some(9), ..GraphqlOptions::default() });
    assert_eq!(
        ask(&sim, query, &json!({})),
        json!({ "errors": [{ "message": "Query has complexity of 10, which exceeds max complexity of 9" }] })
    );
    let deep = |levels: usize| {
        let below = "upstream { ".repeat(levels);
        format!("{{ project(fullPath: \"p\") {{ pipeline {{ {below} id {} }} }} }}", "}".repeat(levels))
    };
    let sim = self::sim();
    assert_eq!(first_error(&ask(&sim, &deep(18), &json!({}))), "Query has depth of 21, which exceeds max depth of 20");
    assert!(ask(&sim, &deep(17), &json!({}))["errors"].is_null());
    assert_eq!(
        first_error(&post(&sim, None, &deep(13), &json!({})).json()),
        "Query has depth of 16, which exceeds max depth of 15"
    );
}

#[test]
fn too_many_projects_at_once_time_out() {
    let sim = with(GraphqlOptions { times_out_above: Some(2), ..GraphqlOptions::default() });
    let query = "query($ids: [ID!]) { projects(ids: $ids) { nodes { id } } }";
    let ids = |n: u32| (0..n).map(|i| format!("gid://gitlab/Project/{}", 20_001 + i)).collect::<Vec<_>>();
    assert!(ask(&sim, query, &json!({ "ids": ids(2) }))["errors"].is_null());
    let got = post(&sim, Some(TOKEN_READ_API), query, &json!({ "ids": ids(3) }));
    assert_eq!(got.status, 503);
    assert!(first_error(&got.json()).starts_with("Request timed out. Please try a less complex query"));
    let literal = "{ projects(ids: [\"a\", \"b\", \"c\"]) { nodes { id } } }";
    assert_eq!(post(&sim, Some(TOKEN_READ_API), literal, &json!({})).status, 503);
}

#[test]
fn an_instance_may_not_serve_it_at_all() {
    let missing = with(GraphqlOptions { served: Served::Missing, ..GraphqlOptions::default() });
    assert_eq!(post(&missing, Some(TOKEN_READ_API), "{ __typename }", &json!({})).status, 404);
    let forbidden = with(GraphqlOptions { served: Served::Forbidden, ..GraphqlOptions::default() });
    let got = post(&forbidden, Some(TOKEN_READ_API), "{ __typename }", &json!({}));
    assert_eq!((got.status, got.json()), (403, json!({ "errors": [{ "message": "Forbidden" }] })));
    assert_eq!(get(&missing, "/api/graphql").status, 404);
    assert_eq!((missing.panics(), forbidden.panics()), (0, 0));
}

#[test]
fn introspection_tells_the_version_apart() {
    let query = "{ __type(name: \"Pipeline\") { fields { name } } __schema { queryType { name } } }";
    let has_source = |sim: &Sim| {
        let body = data(sim, query);
        let fields = body["__type"]["fields"].as_array().unwrap();
        assert_eq!(body["__schema"]["queryType"]["name"], "Query");
        fields.iter().any(|field| field["name"] == "source")
    };
    assert!(has_source(&sim()));
    assert!(!has_source(&of(Version::V14_10)));
    let enums = data(&sim(), "{ __type(name: \"CiJobStatus\") { kind enumValues { name } } }");
    assert_eq!(enums["__type"]["enumValues"].as_array().unwrap().len(), 13);
    let closed = with(GraphqlOptions { introspection: false, ..GraphqlOptions::default() });
    assert_eq!(first_error(&ask(&closed, query, &json!({}))), "Field '__type' doesn't exist on type 'Query'");
}

#[test]
fn rest_tells_the_same_version() {
    let ask = |version: Version, path: &str| {
        let sim = of(version);
        let got = send(&sim, "GET", path, &format!("private-token: {TOKEN_READ_API}\r\n")).unwrap();
        assert_eq!(sim.panics(), 0);
        (got.status, got.json()["version"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(ask(Version::V16_3, "/api/v4/metadata"), (200, "16.3.0".to_owned()));
    assert_eq!(ask(Version::V14_10, "/api/v4/version"), (200, "14.10.0".to_owned()));
    assert_eq!(ask(Version::V14_10, "/api/v4/metadata").0, 404);
}

#[test]
fn faults_and_the_log_know_operation_and_variables() {
    let sim = sim();
    let query = "query Pulse($ids: [ID!]) { projects(ids: $ids) { nodes { name pipelines { nodes { id } } } } }";
    let ids = json!({ "ids": ["gid://gitlab/Project/20007", "gid://gitlab/Project/20003"] });
    sim.add_fault(Fault::on("/api/graphql Pulse").once().status(502));
    sim.add_fault(Fault::on("Project/20009\"").status(500));
    assert_eq!(post(&sim, Some(TOKEN_READ_API), query, &ids).status, 502);
    assert_eq!(post(&sim, Some(TOKEN_READ_API), query, &ids).status, 200);
    assert_eq!(post(&sim, Some(TOKEN_READ_API), query, &json!({ "ids": ["gid://gitlab/Project/20009"] })).status, 500);
    sim.clear_faults();
    sim.add_fault(Fault::on("/api/graphql").graphql_error_at_project(20_003));
    let body = ask(&sim, query, &ids);
    assert_eq!(body["data"]["projects"]["nodes"][1]["pipelines"], Value::Null);
    assert!(body["data"]["projects"]["nodes"][0]["pipelines"]["nodes"].is_array());
    assert_eq!(body["errors"].as_array().unwrap().len(), 1);
    assert_eq!(body["errors"][0]["message"], "Internal server error");
    assert_eq!(body["errors"][0]["path"], json!(["projects", "nodes", 1, "pipelines"]));
    sim.clear_faults();
    sim.add_fault(Fault::on("/api/graphql").with_field("name", "elsewhere"));
    assert_eq!(ask(&sim, query, &ids)["data"]["projects"]["nodes"][0]["name"], "elsewhere");
    data(&sim, "{ __typename }");
    let operations: Vec<Option<String>> = sim.requests().into_iter().map(|request| request.operation).collect();
    assert_eq!(operations[..1], [Some("Pulse".to_owned())]);
    assert_eq!(operations.last(), Some(&None));
    let kinds = &sim.stats()["by_kind"];
    assert_eq!((&kinds["graphql"], &kinds["graphql_Pulse"]), (&json!(6), &json!(5)));
}

/// Every field of the slice that needs no argument, three objects deep, asked of every version.
#[test]
fn every_field_of_the_slice_is_answered() {
    for version in Version::ALL {
        let sim = Sim::start(Options {
            graphql: GraphqlOptions { version, max_complexity: Some(100_000), ..GraphqlOptions::default() },
            ..Options::default()
        })
        .unwrap();
        let schema = apollo_compiler::Schema::parse(crate::graphql::sdl(version), "slice").unwrap();
        for root in
            ["project(fullPath: \"acme/payments/payouts\")", "group(fullPath: \"acme\")", "currentUser", "metadata"]
        {
            let name = root.split('(').next().unwrap();
            let of = schema.type_field("Query", name).unwrap().ty.inner_named_type().to_string();
            // All at once would be more than GitLab takes.
            for field in everything(&schema, &of, 7) {
                let found = data(&sim, &format!("{{ {root} {{ {field} }} }}"));
                assert!(!found[name].is_null(), "{version:?} {name} {field}");
            }
        }
        assert_eq!(sim.panics(), 0);
    }
}

/// Selects every field, each with all that is below it, a type below itself excepted.
fn everything(schema: &apollo_compiler::Schema, of: &str, depth: usize) -> Vec<String> {
    fn below(schema: &apollo_compiler::Schema, of: &str, above: &[&str], depth: usize) -> Vec<String> {
        let mut parts = Vec::new();
        for (name, field) in &schema.get_object(of).unwrap().fields {
            let inner = field.ty.inner_named_type().as_str();
            let paged = field.argument_by_name("first").is_some();
            let name = if paged { format!("{name}(first: 2)") } else { name.to_string() };
            if schema.get_object(inner).is_none() {
                parts.push(name);
            } else if depth > 0 && !above.contains(&inner) {
                let above: Vec<&str> = above.iter().copied().chain([inner]).collect();
                let inside = below(schema, inner, &above, depth - 1);
                if !inside.is_empty() {
                    parts.push(format!("{name} {{ {} }}", inside.join(" ")));
                }
            }
        }
        parts
    }
    below(schema, of, &[of], depth)
}
