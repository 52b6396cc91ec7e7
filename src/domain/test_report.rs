//! The test report of a pipeline (<https://docs.gitlab.com/ci/testing/unit_test_reports/>).

use std::time::Duration;

/// How a test case ended that did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseStatus {
    Failed,
    /// It could not be run to its end.
    Error,
}

impl CaseStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }
}

/// A test case that failed or could not be run.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    pub name: String,
    pub class: Option<String>,
    pub file: Option<String>,
    pub status: CaseStatus,
    /// What it said, whole.
    pub message: Option<String>,
    pub duration: Option<Duration>,
    /// How often it failed on the default branch lately, where GitLab tells.
    pub recent_failures: Option<u64>,
}

impl TestCase {
    /// Says whether another report means the same case.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.name == other.name && self.class == other.class && self.file == other.file
    }
}

/// The tests of one job, or of all jobs of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct TestSuite {
    /// The job's.
    pub name: String,
    pub total: u64,
    pub success: u64,
    pub failed: u64,
    pub errored: u64,
    pub skipped: u64,
    /// Why its report could not be read.
    pub error: Option<String>,
    /// Failed and errored ones, in the report's order.
    pub cases: Vec<TestCase>,
}

/// All tests of a pipeline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TestReport {
    pub suites: Vec<TestSuite>,
}
