//! Test reports: they agree with the jobs, and tell an old failure from a new one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::failures::{failures, pipeline, read};
use crate::Sim;

fn report(sim: &Sim, project: &str, nth: usize, kind: &str) -> Value {
    let id = pipeline(sim, project, nth)["id"].clone();
    read(sim, &format!("/projects/acme%2F{project}/pipelines/{id}/{kind}")).json()
}

fn failing(report: &Value) -> Vec<String> {
    let cases =
        report["test_suites"].as_array().unwrap().iter().flat_map(|suite| suite["test_cases"].as_array().unwrap());
    let failed = cases.filter(|case| case["status"] == "failed" || case["status"] == "error");
    failed.map(|case| case["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn of_148_tests_2_fail_and_one_of_them_failed_before() {
    let sim = failures();
    let (now, before, green) = (
        report(&sim, "unit", 0, "test_report"),
        report(&sim, "unit", 1, "test_report"),
        report(&sim, "unit", 2, "test_report"),
    );
    let counts = |report: &Value| ["total_count", "failed_count"].map(|key| report[key].as_u64().unwrap());
    assert_eq!([counts(&now), counts(&before), counts(&green)], [[148, 2], [148, 2], [148, 0]]);
    assert_eq!((failing(&now)[0].as_str(), failing(&before)[0].as_str()), ("stack_test::push", "stack_test::push"));
    let both: BTreeSet<String> = failing(&now).into_iter().chain(failing(&before)).collect();
    assert_eq!(both.len(), 3, "{both:?}");
    assert_eq!(now["test_suites"][0]["name"], "unit");
    let case = &now["test_suites"][0]["test_cases"][0];
    assert!(case["system_output"].as_str().unwrap().contains("assertion `left == right` failed"));
    assert_eq!(case["recent_failures"]["base_branch"], "main");
    let statuses: BTreeSet<&str> =
        now["test_suites"][0]["test_cases"].as_array().unwrap().iter().map(|c| c["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, BTreeSet::from(["failed", "skipped", "success"]));
}

#[test]
fn the_summary_adds_up_what_the_report_says() {
    let sim = failures();
    let (full, short) = (report(&sim, "unit", 0, "test_report"), report(&sim, "unit", 0, "test_report_summary"));
    for key in ["time", "count", "success", "failed", "skipped", "error"] {
        let long = if key == "time" || key == "count" { format!("total_{key}") } else { format!("{key}_count") };
        assert_eq!(short["total"][key], full[&long], "{key}");
    }
    assert_eq!(short["test_suites"][0]["build_ids"].as_array().unwrap().len(), 1);
}

#[test]
fn a_retried_job_counts_with_its_last_attempt_and_a_job_without_tests_with_none() {
    let sim = failures();
    let flaky = report(&sim, "flaky", 0, "test_report");
    assert_eq!((flaky["total_count"].as_u64(), flaky["failed_count"].as_u64()), (Some(60), Some(0)));
    let first = super::failures::attempts(&sim, "flaky", "unit")[1]["id"].clone();
    let log = read(&sim, &format!("/projects/acme%2Fflaky/jobs/{first}/trace")).body;
    assert!(String::from_utf8(log).unwrap().contains("stack_test::push ... \x1b[31mFAILED"));
    for project in ["timeout", "runner", "yaml", "stuck", "big"] {
        let empty = report(&sim, project, 0, "test_report");
        assert_eq!(
            (empty["total_count"].as_u64(), &empty["test_suites"]),
            (Some(0), &serde_json::json!([])),
            "{project}"
        );
    }
}

#[test]
fn an_error_is_told_from_a_failure_and_output_may_be_an_object() {
    let sim = failures();
    let children = read(&sim, "/projects/acme%2Fchild/pipelines?source=parent_pipeline").json();
    let path = format!("/projects/acme%2Fchild/pipelines/{}/test_report", children[0]["id"]);
    let report = read(&sim, &path).json();
    assert_eq!((report["failed_count"].as_u64(), report["error_count"].as_u64()), (Some(1), Some(1)));
    let cases = &report["test_suites"][0]["test_cases"];
    assert_eq!((cases[0]["status"].as_str(), cases[1]["status"].as_str()), (Some("error"), Some("failed")));
    assert!(cases[0]["system_output"].is_string() && cases[1]["system_output"].is_object());
}
