//! The text as a scraper reads it, and a parser of our own that knows the grammar and nothing of the encoder.

use super::*;
use crate::domain::excerpt::SnapshotView;
use crate::render::example::{one_of_each, one_pipeline};
use crate::report::metrics::{Labels, Unit, families};
use chrono::DateTime;
use std::collections::BTreeMap;

fn rendered(families: &[Family]) -> String {
    let mut out = Vec::new();
    write(families, MetricsFormat::OpenMetrics, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Reads a page line by line: each sample's name and labels, with its value. Panics at whatever the grammar forbids.
fn parsed(page: &str) -> BTreeMap<(String, BTreeMap<String, String>), f64> {
    let mut samples = BTreeMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (head, value) = line.rsplit_once(' ').unwrap();
        let (name, rest) = head.split_once('{').unwrap_or((head, "}"));
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let mut labels = BTreeMap::new();
        let mut rest = rest;
        while rest != "}" {
            let (label, after) = rest.split_once("=\"").unwrap();
            let mut text = String::new();
            let mut chars = after.char_indices();
            let end = loop {
                match chars.next().unwrap() {
                    (at, '"') => break at + 1,
                    (_, '\\') => text.push(match chars.next().unwrap().1 {
                        'n' => '\n',
                        c @ ('"' | '\\') => c,
                        c => panic!("\\{c} in {line}"),
                    }),
                    (_, c) => text.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
            rest = after[end..].strip_prefix(',').unwrap_or(&after[end..]);
        }
        assert!(samples.insert((name.to_owned(), labels), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    samples
}

#[test]
fn openmetrics() {
    let snapshot = one_pipeline();
    insta::assert_snapshot!(rendered(&families(&SnapshotView::all(&snapshot))), @r###"
    # TYPE glwatch_pipeline_status gauge
    # HELP glwatch_pipeline_status Status of the newest pipeline of a ref, joined with those of the pipelines that it triggered; always 1.
    glwatch_pipeline_status{project="acme/payments/api",ref="main",ref_kind="branch",status="failed"} 1
    # TYPE glwatch_pipeline_duration_seconds gauge
    # UNIT glwatch_pipeline_duration_seconds seconds
    # HELP glwatch_pipeline_duration_seconds Time that the newest pipeline of a ref ran; absent while GitLab does not say.
    glwatch_pipeline_duration_seconds{project="acme/payments/api",ref="main",ref_kind="branch"} 372.4
    # TYPE glwatch_pipeline_queued_seconds gauge
    # UNIT glwatch_pipeline_queued_seconds seconds
    # HELP glwatch_pipeline_queued_seconds Time that the newest pipeline of a ref waited before its first job started.
    glwatch_pipeline_queued_seconds{project="acme/payments/api",ref="main",ref_kind="branch"} 3
    # TYPE glwatch_pipeline_coverage_ratio gauge
    # UNIT glwatch_pipeline_coverage_ratio ratio
    # HELP glwatch_pipeline_coverage_ratio Test coverage of the newest pipeline of a ref, from 0 to 1.
    glwatch_pipeline_coverage_ratio{project="acme/payments/api",ref="main",ref_kind="branch"} 0.842
    # TYPE glwatch_pipeline_created_timestamp_seconds gauge
    # UNIT glwatch_pipeline_created_timestamp_seconds seconds
    # HELP glwatch_pipeline_created_timestamp_seconds When the newest pipeline of a ref was created.
    glwatch_pipeline_created_timestamp_seconds{project="acme/payments/api",ref="main",ref_kind="branch"} 1795200840
    # TYPE glwatch_projects gauge
    # HELP glwatch_projects Projects by the state of their row and, where it is ok, by the status of their worst pipeline.
    glwatch_projects{state="ok",status="failed"} 1
    glwatch_projects{state="no_pipeline"} 1
    glwatch_projects{state="no_access"} 0
    glwatch_projects{state="error"} 1
    glwatch_projects{state="stale"} 0
    # TYPE glwatch_snapshot_complete gauge
    # HELP glwatch_snapshot_complete Whether every project of every group was read: 1 or 0.
    glwatch_snapshot_complete 0
    # TYPE glwatch_snapshot_timestamp_seconds gauge
    # UNIT glwatch_snapshot_timestamp_seconds seconds
    # HELP glwatch_snapshot_timestamp_seconds When the youngest of what is shown was read, by GitLab's clock; absent where nothing was.
    glwatch_snapshot_timestamp_seconds 1795201200
    # TYPE glwatch_snapshot_requests gauge
    # HELP glwatch_snapshot_requests Requests to GitLab that this took, retries included.
    glwatch_snapshot_requests 9
    # TYPE glwatch_api_requests_limit gauge
    # HELP glwatch_api_requests_limit Requests that the server permits in its window.
    glwatch_api_requests_limit 2000
    # TYPE glwatch_api_requests_remaining gauge
    # HELP glwatch_api_requests_remaining Requests that are left of them.
    glwatch_api_requests_remaining 1991
    # EOF
    "###);
}

#[test]
fn a_motley_group_reads_back() {
    let snapshot = one_of_each();
    let page = rendered(&families(&SnapshotView::all(&snapshot)));
    let samples = parsed(&page);
    let count = |name: &str| samples.keys().filter(|(found, _)| found == name).count();
    assert_eq!(count("glwatch_pipeline_status"), 10);
    // Three run or have no jobs: GitLab gives no duration, and none is made up.
    assert_eq!(count("glwatch_pipeline_duration_seconds"), 7);
    let projects: f64 = samples.iter().filter(|((name, _), _)| name == "glwatch_projects").map(|(_, n)| n).sum();
    assert_eq!(projects, snapshot.rows.len() as f64);
    assert!(page.ends_with("\n# EOF\n"));
}

#[test]
fn foreign_labels_read_back_and_never_stand_twice() {
    let sample = |text: &str| Sample { labels: vec![("project", text.to_owned())], value: 1.0 };
    let family = |samples| Family { name: "x", help: "a \"b\" \\", unit: None, series: MetricSeries::Gauge(samples) };
    for text in ["plain", "a\"b", "a\\", "a\\n", "\\\"", "größe 日本語", "{x=\"y\"} 5", "a,b"] {
        let page = rendered(&[family(vec![sample(text)])]);
        let labels = BTreeMap::from([("project".to_owned(), text.to_owned())]);
        assert_eq!(parsed(&page), BTreeMap::from([(("x".to_owned(), labels), 1.0)]), "{page}");
        assert!(page.contains("# HELP x a \\\"b\\\" \\\\\n"), "{page}");
    }
    let page = rendered(&[family(vec![sample("a\u{1B}[1m"), sample("a\u{1B}[2m"), sample("b\nc")])]);
    assert_eq!(page, "# TYPE x gauge\n# HELP x a \\\"b\\\" \\\\\nx{project=\"a�\"} 1\nx{project=\"b c\"} 1\n# EOF\n");
}

#[test]
fn numbers_and_names() {
    let cases = [(f64::NAN, "NaN"), (f64::INFINITY, "+Inf"), (-f64::INFINITY, "-Inf"), (0.842, "0.842"), (3.0, "3")];
    for (value, expected) in cases {
        assert_eq!(number(value), expected);
    }
    let snapshot = one_of_each();
    for Family { name, unit, .. } in families(&SnapshotView::all(&snapshot)) {
        assert!(unit.is_none_or(|unit: Unit| name.ends_with(unit.word())), "{name}");
        // What ends in it is a counter, and a scraper says so.
        assert!(!name.ends_with("_total"), "{name}");
    }
}

#[test]
fn each_kind_of_family_reads_as_that_kind_in_both_formats() {
    let labels = |word: &str| -> Labels { vec![("project", word.to_owned())] };
    let family = |name, series| Family { name, help: "a \"b\"", unit: Some(Unit::Seconds), series };
    let samples = || vec![Sample { labels: labels("api"), value: 3.0 }, Sample { labels: labels("api"), value: 4.0 }];
    let exemplar =
        |value| BucketExemplar { pipeline: 8123, value, at: DateTime::from_timestamp(1_795_201_200, 0).unwrap() };
    let histogram = Histogram {
        labels: labels("api"),
        buckets: vec![(0.5, 2), (5.0, 0), (10.0, 3)],
        above: 1,
        sum: 42.5,
        exemplars: [(1, exemplar(3.0)), (2, exemplar(7.5)), (3, exemplar(20.0))].into(),
    };
    let families = [
        family("open_seconds", MetricSeries::Gauge(samples())),
        family("run_seconds", MetricSeries::Counter(samples())),
        family("took_seconds", MetricSeries::Histogram(vec![histogram.clone(), histogram])),
        family("nothing_seconds", MetricSeries::Counter(vec![])),
    ];
    insta::assert_snapshot!(rendered(&families), @r##"
    # TYPE open_seconds gauge
    # UNIT open_seconds seconds
    # HELP open_seconds a \"b\"
    open_seconds{project="api"} 3
    # TYPE run_seconds counter
    # UNIT run_seconds seconds
    # HELP run_seconds a \"b\"
    run_seconds_total{project="api"} 3
    # TYPE took_seconds histogram
    # UNIT took_seconds seconds
    # HELP took_seconds a \"b\"
    took_seconds_bucket{project="api",le="0.5"} 2
    took_seconds_bucket{project="api",le="5.0"} 2
    took_seconds_bucket{project="api",le="10.0"} 5 # {pipeline_id="8123"} 7.5 1795201200
    took_seconds_bucket{project="api",le="+Inf"} 6 # {pipeline_id="8123"} 20 1795201200
    took_seconds_sum{project="api"} 42.5
    took_seconds_count{project="api"} 6
    # EOF
    "##);
    let mut older = Vec::new();
    write(&families, MetricsFormat::PrometheusText, &mut older).unwrap();
    insta::assert_snapshot!(String::from_utf8(older).unwrap(), @r##"
    # TYPE open_seconds gauge
    # HELP open_seconds a "b"
    open_seconds{project="api"} 3
    # TYPE run_seconds_total counter
    # HELP run_seconds_total a "b"
    run_seconds_total{project="api"} 3
    # TYPE took_seconds histogram
    # HELP took_seconds a "b"
    took_seconds_bucket{project="api",le="0.5"} 2
    took_seconds_bucket{project="api",le="5.0"} 2
    took_seconds_bucket{project="api",le="10.0"} 5
    took_seconds_bucket{project="api",le="+Inf"} 6
    took_seconds_sum{project="api"} 42.5
    took_seconds_count{project="api"} 6
    "##);
}
