//! What the test report says about a job, and what is new in it.

use super::sentence::Sentence;
use crate::domain::evidence::{Evidence, Previous};
use crate::domain::job::Job;
use crate::domain::test_report::{TestCase, TestReport, TestSuite};

/// How a failing case did on the pipeline before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestHistory {
    /// It did not fail there.
    New,
    /// It failed there, too.
    StillFailing,
    /// There is no report to compare with.
    Unknown,
}

impl TestHistory {
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::StillFailing => "still_failing",
            Self::Unknown => "unknown",
        }
    }
}

/// The failing cases of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct TestFindings {
    pub suite: String,
    pub total: u64,
    pub failed: u64,
    pub errored: u64,
    pub cases: Vec<(TestCase, TestHistory)>,
}

impl TestFindings {
    /// Counts, and names the first; a new failure first, because it is what this pipeline's change did.
    pub(super) fn sentence(&self) -> Sentence {
        let bad = self.failed + self.errored;
        let noun = if self.total == 1 { "test" } else { "tests" };
        let sentence = Sentence::words(format!("{bad} of {} {noun}", self.total));
        match self.first() {
            Some((case, _)) if bad > 1 => sentence.and(", first ").name(label(case)),
            Some((case, _)) => sentence.and(", ").name(label(case)),
            None => sentence,
        }
    }

    pub(super) fn next(&self) -> String {
        let new = self.cases.iter().filter(|(_, history)| *history == TestHistory::New).count();
        let all = self.cases.len();
        let (they, them) = if all == 1 { ("it", "it") } else { ("they", "them") };
        match new {
            0 if self.cases.iter().all(|(_, history)| *history == TestHistory::StillFailing) && all > 0 => {
                format!("{they} failed on the pipeline before, too: this change did not break {them}")
            }
            0 => "read what the tests say".into(),
            new if new == all => format!("{they} did not fail on the pipeline before: look at what changed"),
            new => format!("{new} of them did not fail on the pipeline before: look at what changed"),
        }
    }

    fn first(&self) -> Option<&(TestCase, TestHistory)> {
        self.cases.iter().find(|(_, history)| *history == TestHistory::New).or(self.cases.first())
    }
}

/// Names a case as its framework does, as far as the report tells.
pub(crate) fn label(case: &TestCase) -> String {
    match case.class.as_deref().filter(|class| !class.is_empty() && !case.name.contains(*class)) {
        Some(class) => format!("{class}::{}", case.name),
        None => case.name.clone(),
    }
}

/// Finds what the report says about a job that failed; nothing where none of its tests did.
pub(crate) fn of_job(evidence: &Evidence, job: &Job) -> Option<TestFindings> {
    let suite = suite_of(evidence.tests.as_ref()?, &job.name)?;
    if suite.failed + suite.errored == 0 {
        return None;
    }
    let before = evidence.previous.as_ref().and_then(|previous: &Previous| previous.tests.as_ref());
    let cases = suite.cases.iter().map(|case| (case.clone(), history(case, before, &job.name))).collect();
    let TestSuite { name, total, failed, errored, .. } = suite;
    Some(TestFindings { suite: name.clone(), total: *total, failed: *failed, errored: *errored, cases })
}

/// Finds a job's suite: GitLab names it after the job, those of `parallel` jobs (`test 1/3`) after what they share.
fn suite_of<'a>(report: &'a TestReport, job: &str) -> Option<&'a TestSuite> {
    let named = |name: &str| report.suites.iter().find(|suite| suite.name == name);
    named(job).or_else(|| {
        let (shared, number) = job.rsplit_once(' ')?;
        let is_part = number.split('/').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        named(shared).filter(|_| is_part && number.contains('/'))
    })
}

fn history(case: &TestCase, before: Option<&TestReport>, job: &str) -> TestHistory {
    let Some(before) = before else { return TestHistory::Unknown };
    match suite_of(before, job) {
        Some(suite) if suite.cases.iter().any(|known| known.is_same_as(case)) => TestHistory::StillFailing,
        Some(_) => TestHistory::New,
        // The job did not report then: it may not have run so far.
        None => TestHistory::Unknown,
    }
}
