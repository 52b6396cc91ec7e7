//! Verdicts as a JUnit report, as GitLab's test report reads it (`lib/gitlab/ci/parsers/test/junit.rb`).
//!
//! - GitLab shows `classname` as the suite, so it has the namespace's full path, with its slashes:
//!   a path may have dots in it.
//! - It prefers the text of an element to its `message`, so both are there.
//! - `file` is left out: GitLab links it to a file of the project whose job made the report, which is another one.

use crate::report::junit_suites::{JunitCase, JunitSuite, JunitVerdict};
use crate::text::sanitise::sanitise;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};

/// Writes the report.
pub(crate) fn write(suites: &[JunitSuite], out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("glwatch");
    report.add_test_suites(suites.iter().map(test_suite));
    report.serialize(&mut *out).map_err(io::Error::other)
}

fn test_suite(suite: &JunitSuite) -> TestSuite {
    let name = sanitise(&suite.name);
    let mut test_suite = TestSuite::new(name.as_ref());
    test_suite.add_test_cases(suite.cases.iter().map(|case| test_case(&name, case)));
    test_suite
}

fn test_case(class: &str, case: &JunitCase) -> TestCase {
    let mut test_case = TestCase::new(sanitise(&case.name).as_ref(), status(case));
    test_case.set_classname(class);
    if let Some(duration) = case.duration {
        test_case.set_time(duration);
    }
    if let JunitVerdict::Warned(message) = &case.verdict {
        test_case.set_system_out(text(message, &case.details));
    }
    test_case
}

/// Says what became of it. `type` is one of four fixed words: GitLab's reader takes some words there, such as `yaml`,
/// for the type of the content and gives up.
fn status(case: &JunitCase) -> TestCaseStatus {
    let (mut status, kind, message) = match &case.verdict {
        JunitVerdict::Passed | JunitVerdict::Warned(_) => return TestCaseStatus::success(),
        JunitVerdict::Failed(message) => {
            (TestCaseStatus::non_success(NonSuccessKind::Failure), "failure", sanitise(message))
        }
        JunitVerdict::Errored(message) => {
            (TestCaseStatus::non_success(NonSuccessKind::Error), "error", sanitise(message))
        }
        JunitVerdict::Skipped(message) => (TestCaseStatus::skipped(), "skipped", sanitise(message)),
    };
    status.set_type(kind).set_message(message.as_ref()).set_description(text(&message, &case.details));
    status
}

/// Each line is foreign on its own, so that none can add another.
fn text(message: &str, details: &[String]) -> String {
    let lines = [message].into_iter().chain(details.iter().map(String::as_str));
    lines.map(sanitise).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::excerpt::SnapshotView;
    use crate::domain::pipeline::Pipeline;
    use crate::domain::project::RowState;
    use crate::domain::status::Status;
    use crate::render::example::{one_of_each, one_pipeline, pipeline, project, snapshot};
    use crate::report::junit_suites::suites;
    use std::sync::Arc;

    fn rendered(snapshot: &crate::domain::snapshot::Snapshot) -> String {
        let mut out = Vec::new();
        write(&suites(&SnapshotView::all(snapshot)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_project_of_every_kind() {
        insta::assert_snapshot!(rendered(&one_of_each()), @r###"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="glwatch" tests="14" skipped="5" failures="3" errors="2">
        <testsuite name="acme" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="�evil��" classname="acme" time="372.400"/>
        </testsuite>
        <testsuite name="acme/docs" tests="2" skipped="2" errors="0" failures="0">
            <testcase name="handbook" classname="acme/docs">
                <skipped message="no_pipeline: no pipeline yet" type="skipped">no_pipeline: no pipeline yet</skipped>
            </testcase>
            <testcase name="style" classname="acme/docs">
                <skipped message="no_pipeline: no pipeline for this ref" type="skipped">no_pipeline: no pipeline for this ref</skipped>
            </testcase>
        </testsuite>
        <testsuite name="acme/labs" tests="1" skipped="0" errors="1" failures="0">
            <testcase name="quantum" classname="acme/labs" time="372.400">
                <error message="pipeline #8119 on main: quarantined" type="error">pipeline #8119 on main: quarantined</error>
            </testcase>
        </testsuite>
        <testsuite name="acme/legacy" tests="1" skipped="0" errors="1" failures="0">
            <testcase name="billing" classname="acme/legacy">
                <error message="GET /projects/4/pipelines: 500 Internal Server Error, after 3 attempts" type="error">GET /projects/4/pipelines: 500 Internal Server Error, after 3 attempts</error>
            </testcase>
        </testsuite>
        <testsuite name="acme/payments" tests="3" skipped="1" errors="0" failures="2">
            <testcase name="api" classname="acme/payments" time="372.400">
                <failure message="pipeline #8123 on main: failed" type="failure">pipeline #8123 on main: failed</failure>
            </testcase>
            <testcase name="gateway (main)" classname="acme/payments" time="372.400">
                <failure message="pipeline #8121 on main: failed: acme/deploy #8202 failed" type="failure">pipeline #8121 on main: failed: acme/deploy #8202 failed
    downstream: acme/deploy #8202 failed</failure>
            </testcase>
            <testcase name="gateway (!71 (train))" classname="acme/payments">
                <skipped message="running" type="skipped">running</skipped>
            </testcase>
        </testsuite>
        <testsuite name="acme/platform/pipelines" tests="1" skipped="1" errors="0" failures="0">
            <testcase name="composite-release-train" classname="acme/platform/pipelines">
                <skipped message="running" type="skipped">running</skipped>
            </testcase>
        </testsuite>
        <testsuite name="acme/secret" tests="1" skipped="1" errors="0" failures="0">
            <testcase name="vault" classname="acme/secret">
                <skipped message="no_access: CI/CD is not visible to this token (403)" type="skipped">no_access: CI/CD is not visible to this token (403)</skipped>
            </testcase>
        </testsuite>
        <testsuite name="acme/tools" tests="1" skipped="0" errors="0" failures="1">
            <testcase name="yaml" classname="acme/tools">
                <failure message="pipeline #8125 on main: failed: YAML error: jobs:test config contains unknown keys: skript" type="failure">pipeline #8125 on main: failed: YAML error: jobs:test config contains unknown keys: skript</failure>
            </testcase>
        </testsuite>
        <testsuite name="acme/web" tests="3" skipped="0" errors="0" failures="0">
            <testcase name="shop" classname="acme/web" time="372.400">
                <system-out>pipeline #8118 on main: warning</system-out>
            </testcase>
            <testcase name="日本語ドキュメント" classname="acme/web" time="372.400"/>
            <testcase name="🚀-launcher" classname="acme/web" time="372.400"/>
        </testsuite>
    </testsuites>
    "###);
    }

    #[test]
    fn a_failure_names_jobs_and_the_word_for_why() {
        insta::assert_snapshot!(rendered(&one_pipeline()), @r###"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="glwatch" tests="3" skipped="1" failures="1" errors="1">
        <testsuite name="acme" tests="2" skipped="1" errors="1" failures="0">
            <testcase name="docs" classname="acme">
                <skipped message="no_pipeline: no pipeline yet" type="skipped">no_pipeline: no pipeline yet</skipped>
            </testcase>
            <testcase name="x" classname="acme">
                <error message="no answer" type="error">no answer</error>
            </testcase>
        </testsuite>
        <testsuite name="acme/payments" tests="1" skipped="0" errors="0" failures="1">
            <testcase name="api" classname="acme/payments" time="372.400">
                <failure message="pipeline #8123 on main: failed: test / unit (script failure)" type="failure">pipeline #8123 on main: failed: test / unit (script failure)
    failed job: test / unit (script failure)</failure>
            </testcase>
        </testsuite>
    </testsuites>
    "###);
    }

    #[test]
    fn a_warning_passes_and_names_what_was_allowed_to_fail() {
        let mut snapshot = one_pipeline();
        snapshot.rows.truncate(1);
        let RowState::Ok(pipelines) = &mut snapshot.rows[0].state else { panic!("it has pipelines") };
        let pipeline = &mut Arc::make_mut(pipelines)[0];
        (pipeline.status, pipeline.has_warnings) = (Status::Success, true);
        pipeline.stages[0].jobs[0].allow_failure = true;
        pipeline.downstream.clear();
        insta::assert_snapshot!(rendered(&snapshot), @r###"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="glwatch" tests="1" skipped="0" failures="0" errors="0">
        <testsuite name="acme/payments" tests="1" skipped="0" errors="0" failures="0">
            <testcase name="api" classname="acme/payments" time="372.400">
                <system-out>pipeline #8123 on main: warning: test / unit (script failure)
    allowed to fail: test / unit (script failure)</system-out>
            </testcase>
        </testsuite>
    </testsuites>
    "###);
    }

    #[test]
    fn every_status_has_its_verdict() {
        let cases = [
            ("success", "<testcase"),
            ("failed", "<failure"),
            ("canceled", "<failure"),
            ("quarantined", "<error"),
            ("warning", "<error"),
            ("running", "<skipped"),
            ("canceling", "<skipped"),
            ("created", "<skipped"),
            ("pending", "<skipped"),
            ("preparing", "<skipped"),
            ("waiting_for_resource", "<skipped"),
            ("waiting_for_callback", "<skipped"),
            ("skipped", "<skipped"),
            ("manual", "<skipped"),
            ("scheduled", "<skipped"),
        ];
        for (word, element) in cases {
            let row = project(1, "acme/p", RowState::Ok([pipeline(1, word, 1, vec![])].into()));
            let text = rendered(&snapshot(vec![row]));
            let verdicts = ["<failure", "<error", "<skipped"].iter().filter(|verdict| text.contains(**verdict));
            assert!(text.contains(element), "{word}: {text}");
            assert_eq!(verdicts.count(), usize::from(element != "<testcase"), "{word}: {text}");
        }
    }

    #[test]
    fn several_pipelines_of_a_project_have_names_of_their_own() {
        let on = |id, name: &str| Pipeline {
            git_ref: crate::domain::pipeline::Ref::from_gitlab(name, Some(false)),
            ..pipeline(id, "success", 1, vec![])
        };
        let row = project(1, "acme/p", RowState::Ok([on(1, "main"), on(2, "next"), on(3, "main")].into()));
        let text = rendered(&snapshot(vec![row]));
        for name in ["p (main #1)", "p (next)", "p (main #3)"] {
            assert!(text.contains(&format!("<testcase name=\"{name}\" classname=\"acme\" time=\"372.400\"")), "{text}");
        }
    }
}
