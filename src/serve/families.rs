//! The metric families of the exporter that this one replaces, declared once: the scrape, the documentation and the tests
//! are made of this table.
//!
//! Names, labels and meaning are those of `gitlab-ci-pipelines-exporter`
//! (<https://github.com/mvisonneau/gitlab-ci-pipelines-exporter>, read at commit 721b566a).

/// One family of metrics.
#[derive(Debug, PartialEq, Eq)]
pub struct FamilySpec {
    /// As the older text format has it: a counter without `_total`.
    pub name: &'static str,
    pub help: &'static str,
    pub is_counter: bool,
    pub labels: &'static [&'static str],
}

const REF_LABELS: &[&str] = &["project", "topics", "kind", "ref", "source", "variables"];
const ENVIRONMENT_LABELS: &[&str] = &["project", "environment"];

pub static GCPE_CURRENTLY_QUEUED_TASKS_COUNT: FamilySpec = FamilySpec {
    name: "gcpe_currently_queued_tasks_count",
    help: "Refs and environments that wait to be read.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_ENVIRONMENTS_COUNT: FamilySpec = FamilySpec {
    name: "gcpe_environments_count",
    help: "Environments that are tracked.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_EXECUTED_TASKS_COUNT: FamilySpec = FamilySpec {
    name: "gcpe_executed_tasks_count",
    help: "Refs and environments that were read since the start.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_GITLAB_API_REQUESTS_COUNT: FamilySpec = FamilySpec {
    name: "gcpe_gitlab_api_requests_count",
    help: "Requests to GitLab since the start.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_GITLAB_API_REQUESTS_LIMIT: FamilySpec = FamilySpec {
    name: "gcpe_gitlab_api_requests_limit",
    help: "Requests that GitLab permits in its window; 0 until it says.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_GITLAB_API_REQUESTS_REMAINING: FamilySpec = FamilySpec {
    name: "gcpe_gitlab_api_requests_remaining",
    help: "Requests that are left of them; 0 until GitLab says.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_METRICS_COUNT: FamilySpec = FamilySpec {
    name: "gcpe_metrics_count",
    help: "Series about refs and environments.",
    is_counter: false,
    labels: &[],
};

pub static GCPE_PROJECTS_COUNT: FamilySpec =
    FamilySpec { name: "gcpe_projects_count", help: "Projects that are tracked.", is_counter: false, labels: &[] };

pub static GCPE_REFS_COUNT: FamilySpec = FamilySpec {
    name: "gcpe_refs_count",
    help: "Branches, tags and merge requests that are tracked.",
    is_counter: false,
    labels: &[],
};

pub static ENVIRONMENT_BEHIND_COMMITS_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_behind_commits_count",
    help: "Commits between the deployed one and the newest of its branch, or the newest tag.",
    is_counter: false,
    labels: ENVIRONMENT_LABELS,
};

pub static ENVIRONMENT_BEHIND_DURATION_SECONDS: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_behind_duration_seconds",
    help: "Time from the last deployment to the newest commit; 0 where that is older.",
    is_counter: false,
    labels: ENVIRONMENT_LABELS,
};

pub static ENVIRONMENT_DEPLOYMENT_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_deployment_count",
    help: "Deployments that were noticed since the environment was first seen.",
    is_counter: true,
    labels: ENVIRONMENT_LABELS,
};

pub static ENVIRONMENT_DEPLOYMENT_DURATION_SECONDS: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_deployment_duration_seconds",
    help: "Time that the job of the last deployment ran.",
    is_counter: false,
    labels: ENVIRONMENT_LABELS,
};

pub static ENVIRONMENT_DEPLOYMENT_JOB_ID: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_deployment_job_id",
    help: "Id of the job of the last deployment.",
    is_counter: false,
    labels: ENVIRONMENT_LABELS,
};

pub static ENVIRONMENT_DEPLOYMENT_STATUS: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_deployment_status",
    help: "Status of the job of the last deployment.",
    is_counter: false,
    labels: &["project", "environment", "status"],
};

pub static ENVIRONMENT_DEPLOYMENT_TIMESTAMP: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_deployment_timestamp",
    help: "When the last deployment was created.",
    is_counter: false,
    labels: ENVIRONMENT_LABELS,
};

pub static ENVIRONMENT_INFORMATION: FamilySpec = FamilySpec {
    name: "gitlab_ci_environment_information",
    help: "Always 1; what is known of the environment is in the labels.",
    is_counter: false,
    labels: &[
        "project",
        "environment",
        "environment_id",
        "external_url",
        "kind",
        "ref",
        "latest_commit_short_id",
        "current_commit_short_id",
        "available",
        "username",
    ],
};

pub static PIPELINE_COVERAGE: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_coverage",
    help: "Test coverage of the newest pipeline of the ref in per cent.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_DURATION_SECONDS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_duration_seconds",
    help: "Time that the newest pipeline of the ref ran.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_ID: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_id",
    help: "Id of the newest pipeline of the ref.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_JOB_ARTIFACT_SIZE_BYTES: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_artifact_size_bytes",
    help: "Size of all artifacts of the newest job of this name.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
    ],
};

pub static PIPELINE_JOB_DURATION_SECONDS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_duration_seconds",
    help: "Time that the newest job of this name ran.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
    ],
};

pub static PIPELINE_JOB_ID: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_id",
    help: "Id of the newest job of this name.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
    ],
};

pub static PIPELINE_JOB_QUEUED_DURATION_SECONDS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_queued_duration_seconds",
    help: "Time that the newest job of this name waited for a runner.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
    ],
};

pub static PIPELINE_JOB_RUN_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_run_count",
    help: "Runs of the job that were noticed since it was first seen.",
    is_counter: true,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
    ],
};

pub static PIPELINE_JOB_STATUS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_status",
    help: "Status of the newest job of this name; a failed one that may fail is success_with_warnings.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
        "status",
    ],
};

pub static PIPELINE_JOB_TIMESTAMP: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_job_timestamp",
    help: "When the newest job of this name was created.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "stage",
        "job_name",
        "runner_description",
        "tag_list",
        "failure_reason",
    ],
};

pub static PIPELINE_QUEUED_DURATION_SECONDS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_queued_duration_seconds",
    help: "Time the newest pipeline waited before its first job started.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_RUN_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_run_count",
    help: "Pipelines of the ref that were noticed since it was first seen.",
    is_counter: true,
    labels: REF_LABELS,
};

pub static PIPELINE_STATUS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_status",
    help: "Status of the newest pipeline of the ref: 1 for the status that applies, 0 for others where these are shown.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "status"],
};

pub static PIPELINE_TEST_CASE_EXECUTION_TIME: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_case_execution_time",
    help: "Run time of one test case.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "test_suite_name",
        "test_case_name",
        "test_case_classname",
    ],
};

pub static PIPELINE_TEST_CASE_STATUS: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_case_status",
    help: "Status of one test case: 1 for the one that applies.",
    is_counter: false,
    labels: &[
        "project",
        "topics",
        "kind",
        "ref",
        "source",
        "variables",
        "test_suite_name",
        "test_case_name",
        "test_case_classname",
        "status",
    ],
};

pub static PIPELINE_TEST_REPORT_ERROR_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_report_error_count",
    help: "Errored tests in the report.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_TEST_REPORT_FAILED_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_report_failed_count",
    help: "Failed tests in the report.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_TEST_REPORT_SKIPPED_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_report_skipped_count",
    help: "Skipped tests in the report.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_TEST_REPORT_SUCCESS_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_report_success_count",
    help: "Passed tests in the report.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_TEST_REPORT_TOTAL_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_report_total_count",
    help: "Number of tests in the report.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_TEST_REPORT_TOTAL_TIME: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_report_total_time",
    help: "Test run time summed over the report.",
    is_counter: false,
    labels: REF_LABELS,
};

pub static PIPELINE_TEST_SUITE_ERROR_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_suite_error_count",
    help: "Errored tests in one suite.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "test_suite_name"],
};

pub static PIPELINE_TEST_SUITE_FAILED_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_suite_failed_count",
    help: "Failed tests in one suite.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "test_suite_name"],
};

pub static PIPELINE_TEST_SUITE_SKIPPED_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_suite_skipped_count",
    help: "Skipped tests in one suite.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "test_suite_name"],
};

pub static PIPELINE_TEST_SUITE_SUCCESS_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_suite_success_count",
    help: "Passed tests in one suite.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "test_suite_name"],
};

pub static PIPELINE_TEST_SUITE_TOTAL_COUNT: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_suite_total_count",
    help: "Tests in one suite.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "test_suite_name"],
};

pub static PIPELINE_TEST_SUITE_TOTAL_TIME: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_test_suite_total_time",
    help: "Run time of one suite.",
    is_counter: false,
    labels: &["project", "topics", "kind", "ref", "source", "variables", "test_suite_name"],
};

pub static PIPELINE_TIMESTAMP: FamilySpec = FamilySpec {
    name: "gitlab_ci_pipeline_timestamp",
    help: "When the newest pipeline of the ref changed last.",
    is_counter: false,
    labels: REF_LABELS,
};

/// All of them, by name.
pub static ALL: [&FamilySpec; 45] = [
    &GCPE_CURRENTLY_QUEUED_TASKS_COUNT,
    &GCPE_ENVIRONMENTS_COUNT,
    &GCPE_EXECUTED_TASKS_COUNT,
    &GCPE_GITLAB_API_REQUESTS_COUNT,
    &GCPE_GITLAB_API_REQUESTS_LIMIT,
    &GCPE_GITLAB_API_REQUESTS_REMAINING,
    &GCPE_METRICS_COUNT,
    &GCPE_PROJECTS_COUNT,
    &GCPE_REFS_COUNT,
    &ENVIRONMENT_BEHIND_COMMITS_COUNT,
    &ENVIRONMENT_BEHIND_DURATION_SECONDS,
    &ENVIRONMENT_DEPLOYMENT_COUNT,
    &ENVIRONMENT_DEPLOYMENT_DURATION_SECONDS,
    &ENVIRONMENT_DEPLOYMENT_JOB_ID,
    &ENVIRONMENT_DEPLOYMENT_STATUS,
    &ENVIRONMENT_DEPLOYMENT_TIMESTAMP,
    &ENVIRONMENT_INFORMATION,
    &PIPELINE_COVERAGE,
    &PIPELINE_DURATION_SECONDS,
    &PIPELINE_ID,
    &PIPELINE_JOB_ARTIFACT_SIZE_BYTES,
    &PIPELINE_JOB_DURATION_SECONDS,
    &PIPELINE_JOB_ID,
    &PIPELINE_JOB_QUEUED_DURATION_SECONDS,
    &PIPELINE_JOB_RUN_COUNT,
    &PIPELINE_JOB_STATUS,
    &PIPELINE_JOB_TIMESTAMP,
    &PIPELINE_QUEUED_DURATION_SECONDS,
    &PIPELINE_RUN_COUNT,
    &PIPELINE_STATUS,
    &PIPELINE_TEST_CASE_EXECUTION_TIME,
    &PIPELINE_TEST_CASE_STATUS,
    &PIPELINE_TEST_REPORT_ERROR_COUNT,
    &PIPELINE_TEST_REPORT_FAILED_COUNT,
    &PIPELINE_TEST_REPORT_SKIPPED_COUNT,
    &PIPELINE_TEST_REPORT_SUCCESS_COUNT,
    &PIPELINE_TEST_REPORT_TOTAL_COUNT,
    &PIPELINE_TEST_REPORT_TOTAL_TIME,
    &PIPELINE_TEST_SUITE_ERROR_COUNT,
    &PIPELINE_TEST_SUITE_FAILED_COUNT,
    &PIPELINE_TEST_SUITE_SKIPPED_COUNT,
    &PIPELINE_TEST_SUITE_SUCCESS_COUNT,
    &PIPELINE_TEST_SUITE_TOTAL_COUNT,
    &PIPELINE_TEST_SUITE_TOTAL_TIME,
    &PIPELINE_TIMESTAMP,
];

#[cfg(test)]
mod tests {
    use super::super::own_families;
    use super::*;
    use serde_json::Value;
    use std::fmt::Write;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");

    /// Returns the table of the documentation.
    fn table() -> String {
        let mut table = "| family | kind | labels | what |\n|---|---|---|---|\n".to_owned();
        for family in ALL {
            let kind = if family.is_counter { "counter" } else { "gauge" };
            let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
            writeln!(table, "| `{}` | {kind} | {} | {} |", family.name, labels.join(", "), family.help).unwrap();
        }
        table
    }

    #[test]
    fn the_documentation_has_every_family() {
        let mut page = std::fs::read_to_string(PAGE).unwrap();
        for (mark, table) in [("families", table()), ("own families", own_families::table())] {
            let (before, rest) = page.split_once(&format!("<!-- {mark} -->\n")).unwrap();
            let (known, after) = rest.split_once("<!-- end -->").unwrap();
            if std::env::var_os("UPDATE_DOCS").is_some() {
                page = format!("{before}<!-- {mark} -->\n{table}<!-- end -->{after}");
                std::fs::write(PAGE, &page).unwrap();
            } else {
                assert_eq!(known, table, "UPDATE_DOCS=1 cargo test --lib families writes it");
            }
        }
    }

    #[test]
    fn the_families_are_those_of_the_exporter() {
        let known = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/exporter-metrics.json"));
        let known: Vec<Value> = serde_json::from_str(known).unwrap();
        let mut found = 0;
        for family in &known {
            let ours = ALL.iter().find(|ours| family["name"] == ours.name).unwrap_or_else(|| panic!("{family}"));
            let labels: Vec<&str> = family["labels"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(labels, ours.labels, "{}", ours.name);
            assert_eq!(family["type"] == "counter", ours.is_counter, "{}", ours.name);
            found += 1;
        }
        assert_eq!(found, ALL.len());
    }
}
