//! `GET /projects/:id/pipelines/:id/test_report`
//! (<https://docs.gitlab.com/api/pipelines/#retrieve-a-test-report-for-a-pipeline>).

use super::{project_key, seconds};
use crate::domain::id::{PipelineId, ProjectRef};
use crate::domain::test_report::{CaseStatus, TestCase, TestReport, TestSuite};
use crate::gitlab::error::Error;
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct TestReportWire {
    test_suites: Option<Vec<SuiteWire>>,
}

#[derive(Deserialize)]
struct SuiteWire {
    name: Option<String>,
    total_count: Option<u64>,
    success_count: Option<u64>,
    failed_count: Option<u64>,
    error_count: Option<u64>,
    skipped_count: Option<u64>,
    suite_error: Option<String>,
    test_cases: Option<Vec<CaseWire>>,
}

#[derive(Deserialize)]
struct CaseWire {
    status: Option<String>,
    name: Option<String>,
    classname: Option<String>,
    file: Option<String>,
    execution_time: Option<f64>,
    /// A text, an object whose `message` is one, or a list of these.
    system_output: Option<Value>,
    stack_trace: Option<String>,
    recent_failures: Option<RecentWire>,
}

#[derive(Deserialize)]
struct RecentWire {
    count: Option<u64>,
}

/// Returns what a `system_output` says, whatever shape the framework's report has given it.
fn text(output: &Value) -> Option<String> {
    let joined = match output {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(parts) => parts.iter().filter_map(text).collect::<Vec<_>>().join("\n"),
        Value::Object(object) => {
            let said = object.get("message").and_then(text);
            // Without a message all that it holds: some reports have the text under `__content__`.
            said.unwrap_or_else(|| object.values().filter_map(text).collect::<Vec<_>>().join("\n"))
        }
        Value::Null | Value::Bool(_) => String::new(),
    };
    (!joined.trim().is_empty()).then_some(joined)
}

impl CaseWire {
    /// Converts a case that did not pass; the others are only counted.
    fn convert(self) -> Option<TestCase> {
        let status = match self.status.as_deref() {
            Some("failed") => CaseStatus::Failed,
            Some("error") => CaseStatus::Error,
            _ => return None,
        };
        let output = self.system_output.as_ref().and_then(text);
        Some(TestCase {
            name: self.name.unwrap_or_default(),
            class: self.classname.filter(|class| !class.is_empty()),
            file: self.file.filter(|file| !file.is_empty()),
            status,
            message: output.or(self.stack_trace).filter(|text| !text.trim().is_empty()),
            duration: seconds(self.execution_time),
            recent_failures: self.recent_failures.and_then(|recent| recent.count),
        })
    }
}

impl From<SuiteWire> for TestSuite {
    fn from(wire: SuiteWire) -> Self {
        Self {
            name: wire.name.unwrap_or_default(),
            total: wire.total_count.unwrap_or(0),
            success: wire.success_count.unwrap_or(0),
            failed: wire.failed_count.unwrap_or(0),
            errored: wire.error_count.unwrap_or(0),
            skipped: wire.skipped_count.unwrap_or(0),
            error: wire.suite_error,
            cases: wire.test_cases.into_iter().flatten().filter_map(CaseWire::convert).collect(),
        }
    }
}

pub(crate) async fn read(transport: &Transport, project: &ProjectRef, id: PipelineId) -> Result<TestReport, Error> {
    let path = format!("projects/{}/pipelines/{id}/test_report", project_key(project));
    let wire: TestReportWire = transport.get(&path).await?.decode()?;
    Ok(TestReport { suites: wire.test_suites.into_iter().flatten().map(TestSuite::from).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_tests_output_is_a_text_whatever_its_shape() {
        let cases = [
            (json!("Failed test"), Some("Failed test")),
            (json!({"message": "Failed test", "type": "MultipleExceptionError"}), Some("Failed test")),
            (json!(["Failed test a", "Failed test b"]), Some("Failed test a\nFailed test b")),
            (json!([{"message": "a"}, ["b", null]]), Some("a\nb")),
            (json!({"__content__": "deep"}), Some("deep")),
            (json!({"message": ["a", "b"]}), Some("a\nb")),
            (json!([]), None),
            (json!(null), None),
            (json!(""), None),
        ];
        for (output, expected) in cases {
            assert_eq!(text(&output).as_deref(), expected, "{output}");
        }
    }
}
