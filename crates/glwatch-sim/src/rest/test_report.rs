//! `/projects/:id/pipelines/:id/test_report` and `/test_report_summary`.

use serde_json::{Value, json};

use super::api_request::{ApiAnswer, ApiRequest, RestApi};
use super::pipelines::find;
use crate::plan::{Job, Pipeline};
use crate::report::{CaseOutput, TestCase, TestSuite};
use crate::world::World;

/// Returns the reports of the current attempts that are over, each with the attempt's id.
pub(crate) fn suites(world: &World, pipeline: &Pipeline, now: i64) -> Vec<(u64, TestSuite)> {
    let project = &world.projects[pipeline.project];
    let suite = |job: &Job| {
        let attempt = job.current(now)?;
        attempt.finished(now)?;
        Some((attempt.id, TestSuite::of(project, pipeline, job, attempt.status(now))?))
    };
    pipeline.jobs.iter().filter_map(suite).collect()
}

/// What a report adds up to.
#[derive(Debug, Default)]
pub(crate) struct ReportCounts {
    pub(crate) count: usize,
    pub(crate) failed: usize,
    pub(crate) error: usize,
    pub(crate) skipped: usize,
    pub(crate) success: usize,
    pub(crate) seconds: f64,
    pub(crate) suite_error: Option<&'static str>,
}

impl ReportCounts {
    pub(crate) fn of<'a>(suites: impl Iterator<Item = &'a TestSuite>) -> Self {
        suites.fold(Self::default(), |sum, suite| Self {
            count: sum.count + suite.cases.len(),
            failed: sum.failed + suite.count("failed"),
            error: sum.error + suite.count("error"),
            skipped: sum.skipped + suite.count("skipped"),
            success: sum.success + suite.count("success"),
            seconds: ((sum.seconds + suite.seconds()) * 1_000.0).round() / 1_000.0,
            suite_error: sum.suite_error.or(suite.error),
        })
    }

    fn body(&self) -> Value {
        json!({
            "total_time": self.seconds, "total_count": self.count, "success_count": self.success,
            "failed_count": self.failed, "skipped_count": self.skipped, "error_count": self.error,
        })
    }
}

pub(super) fn full(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let answer = || {
        let (tree, at) = find(rest, asked, id, pipeline)?;
        let found = suites(rest.world, &tree.pipelines[at], rest.now);
        let mut body = ReportCounts::of(found.iter().map(|(_, suite)| suite)).body();
        let branch = rest.world.projects[tree.pipelines[at].project].default_branch.clone().unwrap_or_default();
        let suite = |(_, suite): &(u64, TestSuite)| {
            let mut body = ReportCounts::of(std::iter::once(suite)).body();
            body["name"] = suite.name.clone().into();
            body["suite_error"] = suite.error.into();
            body["test_cases"] = suite.cases.iter().map(|of| case(of, &branch)).collect();
            body
        };
        body["test_suites"] = found.iter().map(suite).collect();
        Ok(ApiAnswer::ok(body))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}

fn case(case: &TestCase, branch: &str) -> Value {
    json!({
        "status": case.status, "name": case.name, "classname": case.classname, "file": case.file,
        "execution_time": case.milliseconds as f64 / 1_000.0,
        "system_output": match &case.output {
            None => Value::Null,
            Some(CaseOutput::Text(text)) => text.clone().into(),
            Some(CaseOutput::Attributes { message }) => json!({ "message": message, "type": "AssertionError" }),
        },
        "stack_trace": null,
        // Unverified: GitLab's entity has it, but `pipeline.test_reports` may not load the history.
        "recent_failures": case.recent.map(|count| json!({ "count": count, "base_branch": branch })),
    })
}

pub(super) fn summary(rest: &RestApi<'_>, asked: &ApiRequest<'_>, id: &str, pipeline: &str) -> ApiAnswer {
    let answer = || {
        let (tree, at) = find(rest, asked, id, pipeline)?;
        let found = suites(rest.world, &tree.pipelines[at], rest.now);
        let total = ReportCounts::of(found.iter().map(|(_, suite)| suite));
        let suite = |(id, suite): &(u64, TestSuite)| {
            let mut body = ReportCounts::of(std::iter::once(suite)).body();
            body["name"] = suite.name.clone().into();
            body["build_ids"] = json!([id]);
            body["suite_error"] = suite.error.into();
            body
        };
        let sum = json!({
            "time": total.seconds, "count": total.count, "success": total.success, "failed": total.failed,
            "skipped": total.skipped, "error": total.error, "suite_error": total.suite_error,
        });
        Ok(ApiAnswer::ok(json!({ "total": sum, "test_suites": found.iter().map(suite).collect::<Vec<_>>() })))
    };
    answer().unwrap_or_else(|refusal: ApiAnswer| refusal)
}
