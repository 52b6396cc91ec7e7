use super::*;
use crate::domain::example::{below, job, pipeline};
use crate::domain::excerpt::SnapshotView;
use crate::domain::failure::{FailedRequest, FailureKind, RequestLine};
use crate::domain::failure_origin::FailureOrigin;
use crate::domain::health::tests::row;
use crate::domain::id::PipelineId;
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::past::RedStretch;
use crate::domain::pipeline::{Downstream, Pipeline, Ref};
use crate::domain::snapshot::ProblemScope;
use crate::domain::status::Status;
use crate::report::contract::StatusDocument;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => (0..Status::KNOWN.len()).prop_map(|at| Status::from_gitlab(Status::KNOWN[at].word())),
        1 => "[a-z_]{1,9}".prop_map(|word| Status::from_gitlab(&word)),
    ]
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), "\\PC{0,9}".prop_map(Some), Just(Some("\u{1B}[2J\u{202E}\u{0}<b>".to_owned()))]
}

fn failure() -> impl Strategy<Value = Failure> {
    let request = (0u32..5, 0u64..90_000, text()).prop_map(|(attempts, elapsed, request_id)| FailedRequest {
        line: RequestLine { method: "GET".into(), url: "https://h/api/v4/x".into(), query: None },
        status: Some(502),
        request_id,
        json_path: None,
        attempts,
        elapsed: Duration::from_millis(elapsed),
    });
    let kind = (0..FailureKind::NAMED.len()).prop_map(|at| FailureKind::NAMED[at].clone());
    (kind, "\\PC{0,9}", proptest::option::of(request)).prop_map(|(kind, message, request)| Failure {
        kind,
        message,
        request: request.map(Box::new),
    })
}

fn downstream() -> impl Strategy<Value = Downstream> {
    let leaf =
        (1u64..99, status(), any::<bool>(), proptest::bool::weighted(0.1)).prop_map(|(id, status, warns, unread)| {
            Downstream { has_warnings: warns, is_unread: unread, ..below(id, status, vec![]) }
        });
    leaf.prop_recursive(3, 8, 3, |inner| {
        (1u64..99, status(), proptest::collection::vec(inner, 0..3))
            .prop_map(|(id, status, down)| below(id, status, down))
    })
}

fn any_job() -> impl Strategy<Value = Job> {
    (status(), 0..3usize, any::<bool>(), text(), proptest::option::of(0u64..9999)).prop_map(
        |(status, kind, allow_failure, url, seconds)| Job {
            kind: [JobKind::Job, JobKind::Bridge, JobKind::External][kind],
            allow_failure,
            web_url: url,
            attempts: Some(2),
            duration: seconds.map(Duration::from_secs),
            downstream_id: seconds.map(PipelineId),
            ..job("unit", status)
        },
    )
}

fn any_pipeline() -> impl Strategy<Value = Pipeline> {
    let parts = (proptest::collection::vec(downstream(), 0..3), proptest::collection::vec(any_job(), 0..4));
    let unread = proptest::option::weighted(0.2, failure());
    (status(), any::<bool>(), text(), parts, unread, proptest::option::of(0i64..9999)).prop_map(
        |(status, warns, name, (downstream, jobs), unread, seconds)| Pipeline {
            has_warnings: warns,
            git_ref: Ref::from_gitlab(name.as_deref().unwrap_or("refs/merge-requests/7/head"), Some(true)),
            name,
            created_at: seconds.map(at),
            duration: seconds.map(|seconds| Duration::from_secs(seconds as u64)),
            coverage: seconds.map(|seconds| seconds as f64 / 100.0),
            stages: vec![Stage { name: "test".into(), status: Status::Warning, jobs }],
            unread,
            ..pipeline(status, downstream)
        },
    )
}

fn state() -> impl Strategy<Value = RowState> {
    let pipelines = || proptest::collection::vec(any_pipeline(), 1..3).prop_map(Arc::from);
    prop_oneof![
        4 => pipelines().prop_map(RowState::Ok),
        1 => (pipelines(), failure()).prop_map(|(pipelines, failure)| RowState::Stale { pipelines, failure }),
        1 => failure().prop_map(RowState::NoAccess),
        1 => failure().prop_map(RowState::Error),
        1 => any::<Option<bool>>().prop_map(|ever_ran| RowState::NoPipeline { ever_ran }),
    ]
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let scope = (0..3usize).prop_map(|at| [ProblemScope::Group, ProblemScope::List, ProblemScope::Api][at]);
    let problems = proptest::collection::vec((scope, failure()), 0..2);
    (proptest::collection::vec(state(), 0..4), problems).prop_map(|(states, problems)| {
        let rows = states.into_iter().enumerate().map(|(id, state)| {
            let mut row = row(&format!("acme/p{id}"), state);
            Arc::make_mut(&mut row.project).id = ProjectId(id as u64);
            ProjectRow { as_of: at(id as i64), ..row }
        });
        let rows: Vec<ProjectRow> = rows.collect();
        let of_rows = rows.iter().filter_map(|row| Some((&row.project.full_path, row.failure()?.clone())));
        let of_rows =
            of_rows.map(|(path, failure)| Problem { scope: ProblemScope::Project, subject: path.clone(), failure });
        let of_all = problems.into_iter();
        let of_all = of_all.map(|(scope, failure)| Problem { scope, subject: "acme".into(), failure });
        Snapshot {
            host: "https://gitlab.example.com".into(),
            taken_at: at(100),
            groups: vec![Group { id: GroupId(1), full_path: "acme".into(), web_url: None }],
            problems: of_all.chain(of_rows.collect::<Vec<_>>()).collect(),
            rows,
            usage: Usage { requests: 3, limit: Some(9), ..Usage::default() },
        }
    })
}

fn written(snapshot: &Snapshot) -> Value {
    serde_json::to_value(StatusDocument::from(&SnapshotView::all(snapshot))).unwrap()
}

fn read(document: &Value) -> DocumentResult<Snapshot> {
    read_snapshot(document.to_string().as_bytes()).map(|reading| reading.snapshot)
}

/// What no field of the contract tells, and no output needs.
fn comparable(mut snapshot: Snapshot) -> Snapshot {
    for row in &mut snapshot.rows {
        Arc::make_mut(&mut row.project).ci_enabled = None;
    }
    snapshot
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a hub knows, its clients know: status, worst, what is missing and why, whether it is complete.
    #[test]
    fn a_snapshot_comes_back_as_it_was(before in snapshot()) {
        let document = written(&before);
        let after = read(&document).map_err(|error| TestCaseError::fail(format!("{error}: {document}")))?;
        prop_assert_eq!(&written(&after), &document);
        prop_assert_eq!(after.is_complete(), before.is_complete());
        prop_assert_eq!(comparable(after).rows.len(), comparable(before.clone()).rows.len());
        for (now, then) in after_rows(&document).iter().zip(&before.rows) {
            prop_assert_eq!(now.worst(), then.worst());
            prop_assert_eq!(crate::domain::waiting::reason(now, None), crate::domain::waiting::reason(then, None));
        }
    }
}

fn after_rows(document: &Value) -> Vec<ProjectRow> {
    read(document).unwrap().rows
}

fn one_green() -> Value {
    let parent = pipeline(Status::Success, vec![below(2, Status::Success, vec![below(3, Status::Success, vec![])])]);
    let snapshot = Snapshot {
        host: "https://gitlab.example.com".into(),
        taken_at: at(0),
        groups: Vec::new(),
        rows: vec![row("acme/api", RowState::Ok([parent].into()))],
        problems: Vec::new(),
        usage: Usage::default(),
    };
    written(&snapshot)
}

/// Changes what is at a pointer; null takes the field away.
fn changed(pointer: &str, value: Option<Value>) -> Value {
    let mut document = one_green();
    let (place, field) = pointer.rsplit_once('/').unwrap();
    let object = document.pointer_mut(place).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => drop(object.insert(field.to_owned(), value)),
        None => drop(object.remove(field).unwrap()),
    }
    document
}

#[test]
fn what_a_hub_does_not_say_is_never_taken_for_good() {
    const PIPELINE: &str = "/projects/0/pipelines/0";
    assert!(read(&one_green()).unwrap().is_complete());
    let needed = ["status", "worst", "warnings", "unread", "ref", "ref_kind", "stages", "downstream"];
    let of_pipeline = needed.map(|field| format!("{PIPELINE}/{field}"));
    let of_below =
        ["status", "worst", "warnings", "unread", "depth"].map(|field| format!("{PIPELINE}/downstream/1/{field}"));
    let of_row = ["state", "error", "as_of", "pipelines", "id"].map(|field| format!("/projects/0/{field}"));
    let of_all = ["schema", "complete", "problems", "projects", "summary", "generated_at", "host"]
        .map(|field| format!("/{field}"));
    for pointer in of_pipeline.iter().chain(&of_below).chain(&of_row).chain(&of_all) {
        read(&changed(pointer, None)).expect_err(pointer);
    }
}

#[test]
fn a_hub_that_contradicts_itself_is_not_believed() {
    let error = json!({ "kind": "http_500", "message": "no" });
    let cases = [
        ("a worst that its parts are not", "/projects/0/pipelines/0/worst", json!("failed")),
        ("a worst that is better than its parts", "/projects/0/pipelines/0/status", json!("failed")),
        ("a child that is worse than it says", "/projects/0/pipelines/0/downstream/1/status", json!("failed")),
        ("a child without what triggered it", "/projects/0/pipelines/0/downstream/0/depth", json!(2)),
        ("a child at no depth", "/projects/0/pipelines/0/downstream/0/depth", json!(0)),
        ("an error where nothing is missing", "/projects/0/error", error),
        (
            "a part that is missing without an error",
            "/projects/0/pipelines/0/unread",
            json!({ "kind": "x", "message": "y" }),
        ),
        ("an error row with pipelines", "/projects/0/state", json!("error")),
        ("no pipeline, and one", "/projects/0/state", json!("no_pipeline")),
        ("stale for no reason", "/projects/0/state", json!("stale")),
        ("a state that is not known", "/projects/0/state", json!("excellent")),
        ("a row without pipelines that is fine", "/projects/0/pipelines", json!([])),
        ("incomplete, and nothing is missing", "/complete", json!(false)),
        ("a project more than it counts", "/summary", json!({ "projects": 2 })),
        (
            "a problem of no known scope",
            "/problems",
            json!([{ "scope": "moon", "subject": "a", "kind": "x", "message": "" }]),
        ),
        (
            "complete without its list",
            "/problems",
            json!([{ "scope": "list", "subject": "a", "kind": "x", "message": "" }]),
        ),
        ("a time without end", "/projects/0/pipelines/0/duration_s", json!(u64::MAX)),
        ("a negative time", "/projects/0/pipelines/0/duration_s", json!(-1)),
        ("a ref of no known kind", "/projects/0/pipelines/0/ref_kind", json!("planet")),
        ("a status that is no text", "/projects/0/pipelines/0/status", json!(1)),
        ("no status", "/projects/0/pipelines/0/status", Value::Null),
        ("a host that is none", "/host", json!("javascript://x")),
        ("a host with a user", "/host", json!("https://ada@gitlab.example.com")),
        ("another API", "/requests/api", json!("soap")),
    ];
    for (sentence, pointer, value) in cases {
        read(&changed(pointer, Some(value))).expect_err(sentence);
    }
    let mut twice = one_green();
    let project = twice["projects"][0].clone();
    twice["projects"].as_array_mut().unwrap().push(project);
    twice["summary"]["projects"] = json!(2);
    read(&twice).expect_err("a project twice");
}

#[test]
fn what_a_hub_remembers_is_taken_over_where_it_can_be() {
    let first = json!({ "id": 7, "since": "2026-01-01T00:00:00Z", "sha": "ab", "user": "ada", "commit_title": "x",
                        "last_green": 6 });
    let stretch = |since, last_green: Option<u64>| RedStretch {
        first: PipelineId(7),
        since,
        sha: Some("ab".into()),
        author: Some("ada".into()),
        commit_title: Some("x".into()),
        last_green: last_green.map(PipelineId),
    };
    let without = |field: &str| {
        let mut first = first.clone();
        first.as_object_mut().unwrap().remove(field);
        first
    };
    let red = |stretch| PipelinePast { red_since: Some(stretch), ..PipelinePast::default() };
    let judged = |origin| PipelinePast { judged: Some(origin), ..PipelinePast::default() };
    let new_year = Some(1_767_225_600);
    type Case<'a> = (&'a str, &'a str, &'a str, Value, Option<PipelinePast>);
    let cases: [Case<'_>; 9] = [
        ("an older hub", "failed", "mood", json!(1), None),
        ("nulls", "failed", "first_red", Value::Null, None),
        (
            "what is usual",
            "success",
            "usual_s",
            json!(540),
            Some(PipelinePast { usual: Some(Duration::from_secs(540)), ..PipelinePast::default() }),
        ),
        ("since when it is red", "failed", "first_red", first.clone(), Some(red(stretch(new_year, Some(6))))),
        (
            "it may have been red before",
            "failed",
            "first_red",
            without("last_green"),
            Some(red(stretch(new_year, None))),
        ),
        ("no one knows since when", "failed", "first_red", without("since"), Some(red(stretch(None, Some(6))))),
        ("of what is green nothing is red", "success", "first_red", first.clone(), None),
        ("whose fault it is", "failed", "attribution", json!("flaky"), Some(judged(FailureOrigin::Flaky))),
        ("a word that is not known", "failed", "attribution", json!("aliens"), None),
    ];
    for (sentence, status, field, value, expected) in cases {
        let mut document = one_green();
        let pipeline = document.pointer_mut("/projects/0/pipelines/0").unwrap();
        (pipeline["status"], pipeline["worst"], pipeline[field]) = (json!(status), json!(status), value);
        let HubReading { past, .. } = read_snapshot(document.to_string().as_bytes()).unwrap();
        assert_eq!(past.pipelines.into_values().next(), expected, "{sentence}");
    }
    for (sentence, field, value) in [
        ("a time without end", "usual_s", json!(u64::MAX)),
        ("a time that is no number", "usual_s", json!("9m")),
        ("a word that is none", "attribution", json!(3)),
        ("a first one without its number", "first_red", without("id")),
    ] {
        read(&changed(&format!("/projects/0/pipelines/0/{field}"), Some(value))).expect_err(sentence);
    }
}

#[test]
fn a_newer_hub_may_say_more_and_another_schema_is_named() {
    let more = changed("/projects/0/pipelines/0/mood", Some(json!({ "deep": [1, 2] })));
    assert_eq!(read(&more), read(&one_green()));
    let odd =
        changed("/projects/0/pipelines/0/stages", Some(json!([{ "name": "a", "status": "quarantined", "jobs": [] }])));
    assert_eq!(after_rows(&odd)[0].pipelines()[0].stages[0].status, Status::Other("quarantined".into()));
    let words = |json: &str| read_snapshot(json.as_bytes()).unwrap_err().to_string();
    let cases = [
        ("", "the answer is not JSON"),
        ("<html>", "the answer is not JSON"),
        ("[]", "the answer is not JSON"),
        ("{", "the answer is not JSON"),
        ("{}", "the answer is not what a hub of glwatch sends"),
        (r#"{"schema":7}"#, "the answer is not what a hub of glwatch sends"),
        (
            r#"{"schema":"glwatch.status/2"}"#,
            "the hub speaks \"glwatch.status/2\", and this glwatch \"glwatch.status/1\"",
        ),
        (
            r#"{"schema":"glwatch.status/1","host":"h"}"#,
            "the answer is not what a hub of glwatch sends: at `.`: missing field `generated_at` at line 1 column 40",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(words(json), expected, "{json}");
    }
}

#[test]
fn what_is_read_in_the_future_does_not_stay_young() {
    let document = changed("/projects/0/as_of", Some(json!("2099-01-01T00:00:00Z")));
    let snapshot = read(&document).unwrap();
    assert_eq!(snapshot.rows[0].as_of, snapshot.taken_at);
}
